"""The IR tests are complete: both kinds of test for every pass, a refusal for every operation that has a verifier.

``astra-autodiff`` and ``astra-vectorize``, which have a rule for nearly every operation, are run on each of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from astra_mlir.dialects import OPS
from astra_mlir.passes import PASSES, vectorize_rules
from astra_mlir.passes.autodiff_rules import core

LIT_TESTS = Path(__file__).parent.parent / "lit_tests"
NEGATIVE = ("kept", "refused")  # what the pass leaves alone, and what it raises an error for
MAX_LINES = 600

_REFUSED_OPERATION = re.compile(r'expected-error@below \{\{.*\}\}\n\s*(?:%[^=\n]*= )?"(astra\.\w+)"')
_OPERATION = re.compile(r'"(astra\.\w+)"')


@pytest.mark.parametrize("name", sorted(PASSES))
def test_every_pass_has_positive_and_negative_files(name: str) -> None:
    names = [path.stem for path in (LIT_TESTS / "passes" / name.removeprefix("astra-")).glob("*.mlir")]
    negative = [stem for stem in names if stem.endswith(NEGATIVE)]
    assert negative, f"no {' or '.join(NEGATIVE)} file for {name}"
    assert len(names) > len(negative), f"no positive file for {name}"


def test_every_verifier_refuses_something() -> None:
    refused: set[str] = set()
    for path in (LIT_TESTS / "dialects").glob("*_invalid.mlir"):
        refused.update(_REFUSED_OPERATION.findall(path.read_text()))
    assert sorted({name for name, op in OPS.items() if op.verify is not None} - refused) == []


@pytest.mark.parametrize(
    ("folder", "has_rule"),
    [
        ("autodiff", lambda name: core.has_jvp(name) or core.has_vjp(name)),
        ("vectorize", vectorize_rules.RULES.__contains__),
    ],
    ids=["autodiff", "vectorize"],
)
def test_every_operation_with_a_rule_is_in_a_file(folder: str, has_rule: Callable[[str], bool]) -> None:
    written: set[str] = set()
    for path in (LIT_TESTS / "passes" / folder).glob("*.mlir"):
        code = (line for line in path.read_text().splitlines() if not line.lstrip().startswith("//"))
        written.update(_OPERATION.findall("\n".join(code)))
    with_rule = {name for name in OPS if has_rule(name)}
    assert len(with_rule) > len(OPS) // 2
    assert sorted(with_rule - written) == []


def test_files_are_of_one_idea() -> None:
    long = {path.name: path.read_text().count("\n") for path in LIT_TESTS.rglob("*.mlir") if "Output" not in path.parts}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}
