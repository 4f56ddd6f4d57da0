"""astra-import and astra-export: every operation evaluates to the same values after a round trip."""

from __future__ import annotations

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

from .round_trip import evaluate, evaluate_in_jax, random_inputs, same
from .stablehlo_programs import PROGRAMS, Program

CASES = [
    pytest.param(program, element, id=f"{program.name}-{element}")
    for program in PROGRAMS
    for element in program.element_types()
]


@pytest.fixture(scope="module")
def context():
    with make_context() as context, ir.Location.unknown():
        yield context


@pytest.mark.parametrize("program, element", CASES)
def test_round_trip(context, program: Program, element: str) -> None:
    module = ir.Module.parse(program.text(element))
    special = not program.name.startswith("convert_from")
    evaluator = {"interpreter": evaluate, "jax": evaluate_in_jax}.get(program.reference)
    inputs = random_inputs(module, special=special and program.reference == "interpreter") if evaluator else []
    expected = evaluator(module, inputs) if evaluator else []
    before = str(module)
    run_pipeline(module, "astra-import")
    text = str(module)
    assert "stablehlo." not in text.replace("#stablehlo.", "") and "chlo." not in text.replace("stablehlo.", "")
    run_pipeline(module, "astra-export")
    assert module.operation.verify()
    assert "astra." not in str(module)
    exported = ir.Module.parse(str(module))
    if program.reference == "text":
        assert str(exported) == before
    if evaluator is None:
        return
    found = evaluator(exported, inputs)
    assert len(found) == len(expected)
    for one, other in zip(expected, found, strict=True):
        if program.reference == "jax":
            np.testing.assert_allclose(other, one, rtol=2e-5, atol=2e-5)
        else:
            same(one, other)
