"""Derivatives of a sample of JAX's own test harnesses agree with JAX's, to second order and in both modes.

All of them take half an hour: ``python -m tests.passes.derivative_harnesses --help``.
"""

from __future__ import annotations

import pytest

jax = pytest.importorskip("jax")
pytest.importorskip("jax._src.internal_test_util.test_harnesses")

from .derivative_harnesses import GOOD, PARTS, cases, run_case, select  # noqa: E402

SINGLE = "float32,complex64"
ALL = "float32,complex64,float64,complex128,bfloat16,float16"


def check(dtypes: str, variant: str, stride: int, offset: int) -> None:
    """At least one case, and of all parts none is wrong but what Astra has no value of."""
    agreeing, wrong = 0, []
    with jax.enable_x64(True):
        for case in cases(select("", dtypes, stride, offset), variant):
            for part, outcome in run_case(case, PARTS, differences=variant == "double").items():
                kind = outcome.split(":")[0]
                agreeing += kind in GOOD
                if kind not in (*GOOD, "no value"):
                    wrong.append(f"{case.name}, {part}: {outcome}")
    assert not wrong, f"{len(wrong)} of {len(wrong) + agreeing}:\n" + "\n".join(wrong)
    assert agreeing


def test_sample() -> None:
    check(SINGLE, "double", 300, 7)


@pytest.mark.slow
@pytest.mark.parametrize(("dtypes", "variant", "stride"), [(SINGLE, "double", 29), (ALL, "own", 79)])
def test_more(dtypes: str, variant: str, stride: int) -> None:
    check(dtypes, variant, stride, 3)
