"""Calls with rules of their own become plain calls once nothing is left to transform (then ``astra-inline`` follows).

``astra.custom_jvp`` and its like say how a call is differentiated or batched.  After ``astra-autodiff`` and
``astra-vectorize`` have expanded all transformations that has been done, and what remains is what the calls compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.transforms import CUSTOM_CALLS, TRANSFORMATIONS
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.inline import symbols_used
from astra_mlir.passes.transforms import functions_of, operations_in
from astra_mlir.passes.traversal import replace_operation

__all__ = ["DropRules"]


@register_pass
@dataclass(frozen=True)
class DropRules(Pass):
    """Replace calls with derivative or batching rules by calls, ``astra.stop_gradient`` by its operand.

    Before::

        %0 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<f32>) -> tensor<f32>
        %1 = "astra.stop_gradient"(%0) : (tensor<f32>) -> tensor<f32>
        return %1 : tensor<f32>

    After::

        %0 = call @f(%x) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>

    Private functions that no public one needs any more go.  A module in which a public function still needs a
    transformation (``astra.jvp``, ``astra.vjp``, ``astra.vmap``) stays as it is.
    """

    name: ClassVar[str] = "astra-drop-rules"
    summary: ClassVar[str] = "turn calls with derivative or batching rules into plain calls"

    def run(self, module: ir.Operation) -> None:
        """Drop the rules in all functions of ``module``."""
        functions = functions_of(module)
        needed = _needed(functions)
        if any(op.name in TRANSFORMATIONS for name in needed for op in operations_in(functions[name])):
            return
        for name in needed:
            for op in list(operations_in(functions[name])):
                _drop(op)
        remaining = _needed(functions)
        for name, function in functions.items():
            if name not in remaining:
                function.erase()


def _needed(functions: dict[str, ir.Operation]) -> list[str]:
    """The public functions and all that they name, directly or not."""
    needed = dict.fromkeys(name for name, function in functions.items() if not _is_private(function))
    waiting = list(needed)
    while waiting:
        for op in operations_in(functions[waiting.pop()]):
            for name in symbols_used(op):
                if name in functions and name not in needed:
                    needed[name] = None
                    waiting.append(name)
    return list(needed)


def _is_private(function: ir.Operation) -> bool:
    attributes = function.attributes
    return "sym_visibility" in attributes and ir.StringAttr(attributes["sym_visibility"]).value == "private"


def _drop(op: ir.Operation) -> None:
    """Replace an operation that carries a rule by what it computes."""
    if op.name == "astra.stop_gradient":
        replace_operation(op, [op.operands[0]])
    elif op.name in CUSTOM_CALLS:
        callee, operands = _callee(op)
        call = ir.Operation.create(
            "func.call",
            results=[result.type for result in op.results],
            operands=operands,
            attributes={"callee": ir.FlatSymbolRefAttr.get(callee)},
            loc=op.location,
            ip=ir.InsertionPoint(op),
        )
        replace_operation(op, call.results)


def _callee(op: ir.Operation) -> tuple[str, list[ir.Value]]:
    """The function that computes the value of a call, and the operands that are its arguments."""
    operands = list(op.operands)
    if op.name != "astra.linear_solve":
        return value_of(op, "callee"), operands
    of_matvec, of_transpose, of_solve, of_transpose_solve = value_of(op, "const_counts")
    start = of_matvec + of_transpose
    right = operands[start + of_solve + of_transpose_solve :]
    return value_of(op, "solve"), [*operands[start : start + of_solve], *right]
