"""astra-vectorize: every operation with every mix of batched operands gives what its applications give one by one."""

from __future__ import annotations

import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import OPS
from astra_mlir.passes.traversal import walk
from astra_mlir.passes.vectorize_rules import RULES

from . import round_trip
from .stablehlo_programs import PROGRAMS, Program
from .vectorization import axes_of, check, mixes, vectorized

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


_INTERPRETED = [p for p in PROGRAMS if p.reference == "interpreter" and p.name not in _BY_XLA]


@pytest.mark.parametrize("program", _INTERPRETED, ids=lambda p: p.name)
def test_batch_of_one_and_of_none(program: Program) -> None:
    """A batch of one looks like a dimension of size 1 that is expanded, one of none like an empty tensor."""
    text = program.text(program.element_types()[0])
    mix = _SHARED_INITIAL_VALUE.get(program.name, ())
    check(text, only=mix, size=1, evaluate=round_trip.evaluate)
    with make_context(), ir.Location.unknown():
        original = ir.Module.parse(text)
        types = ir.FunctionType(round_trip.entry(original).attributes["function_type"].value).inputs
        for batched in mix or mixes(len(types)):
            module = vectorized(text, axes_of(batched, [len(type.shape) for type in types], 1), size=0)
            results = ir.FunctionType(round_trip.entry(module).attributes["function_type"].value).results
            assert all(type.shape[0] == 0 for type in results)


# What has no operands, what only ends regions, and what exists late in code generation, as what kernels consist of.
_WITHOUT_RULE = {
    "astra.constant", "astra.yield", "astra.kernel_call", "astra.attention", "astra.attention_gradient",
    "astra.participant", "astra.partition_id", "astra.replica_id", "astra.gpu_launch", "astra.tile_call",
    *(name for name, op in OPS.items() if op.family == "tile"),
}  # fmt: skip


def test_every_operation_has_a_rule() -> None:
    assert OPS.keys() - RULES.keys() == _WITHOUT_RULE
    assert RULES.keys() - OPS.keys() == {"func.call"}


def test_no_loop_over_the_batch() -> None:
    """A branch, a loop, a gather and a product of each application: as many operations for 2 as for 200."""
    text = """
    func.func @main(%p: tensor<i1>, %x: tensor<4x4xf32>, %i: tensor<i32>) -> tensor<4x4xf32> {
      %0 = "astra.if"(%p) ({
        %n = "astra.negate"(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
        "astra.yield"(%n) : (tensor<4x4xf32>) -> ()
      }, {
        "astra.yield"(%x) : (tensor<4x4xf32>) -> ()
      }) : (tensor<i1>) -> tensor<4x4xf32>
      %1 = "astra.dot_general"(%0, %x)
          {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
           lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
          : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
      %2 = "astra.dynamic_update_slice"(%1, %x, %i, %i)
          : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<i32>, tensor<i32>) -> tensor<4x4xf32>
      return %2 : tensor<4x4xf32>
    }
    """
    with make_context(), ir.Location.unknown():
        counts = {len(list(walk(vectorized(text, [0, 0, 0], size=size).body))) for size in (2, 200)}
    assert len(counts) == 1
