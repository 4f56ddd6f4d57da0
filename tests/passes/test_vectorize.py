"""astra-vectorize: every operation with every mix of batched operands gives what its applications give one by one."""

from __future__ import annotations

import pytest

from . import round_trip
from .stablehlo_programs import PROGRAMS, Program
from .vectorization import check

# Of each program one or two element types: batching does not look at them, but for the identity of a reduction.
_TYPES = [
    pytest.param(program, element, id=f"{program.name}-{element}")
    for program in PROGRAMS
    if program.reference in ("interpreter", "jax")
    for element in dict.fromkeys((program.element_types()[0], program.element_types()[-1]))
]


# The interpreter counts the initial value of a select_and_scatter twice where something is scattered.
_BY_XLA = ("select_and_scatter",)
_SHARED_INITIAL_VALUE = {"select_and_scatter_custom": [(True, True, False), (True, False, False), (False, True, False)]}


@pytest.mark.parametrize(("program", "element"), _TYPES)
def test_operation(program: Program, element: str) -> None:
    evaluate = round_trip.evaluate
    if program.reference == "jax" or program.name in _BY_XLA:
        pytest.importorskip("jax")
        evaluate = round_trip.evaluate_in_jax
    check(program.text(element), evaluate=evaluate, only=_SHARED_INITIAL_VALUE.get(program.name, ()))
