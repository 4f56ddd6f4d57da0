"""Forward and reverse mode over blocks: what runs the rules of ``core`` in order, on operations nested to any depth.

Both work in place on a function of their own (a copy that the driver made).  Forward mode puts the tangent of a value
right after the value; reverse mode leaves the operations of a block as they are and puts those of the cotangents behind
them, last first.  Values of the first part that the second uses are the residuals: in a straight line they simply stay
alive; where a loop lies between both, its rule stacks them (``residuals.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from astra_mlir.bindings import ir
from astra_mlir.dialects.transforms import is_inexact
from astra_mlir.passes.autodiff_rules.core import (
    ELEMENTWISE,
    JVP,
    LINEAR,
    STRUCTURED_JVP,
    STRUCTURED_VJP,
    VJP,
    ZERO,
    Emitter,
    refuse,
)
from astra_mlir.passes.inline import copy_body
from astra_mlir.passes.simplify_rules.loops import used_values

__all__ = ["Forward", "Functions", "Policy", "Reverse", "operations_of", "terminator_of", "varied_values"]

MaybeValue = ir.Value | None


class Functions(Protocol):
    """What rules ask of the driver: the functions of the module, without calls and transformations in them."""

    def body(self, name: str) -> ir.Block:
        """The body of function ``name``."""
        ...

    def derived(self, transformation: str, callee: str, **attributes: Any) -> str:
        """The name of the function that a transformation (``jvp``, ``vjp``, ``vmap``) makes of ``callee``."""
        ...


@dataclass(frozen=True)
class Policy:
    """What reverse mode keeps from the forward iterations of a loop.

    ``recompute_cheap``: values are computed again where that needs no more memory than keeping them (see
    ``residuals.py``); otherwise everything that is used is kept.  ``while_bound``: the most iterations of a while loop
    whose number of iterations is not known, so that reverse mode can run it.
    """

    recompute_cheap: bool = True
    while_bound: int = 0


def terminator_of(block: ir.Block) -> ir.Operation:
    """The last operation of a block."""
    return block.operations[len(block.operations) - 1].operation


def operations_of(block: ir.Block) -> list[ir.Operation]:
    """The operations of a block, without its terminator."""
    return [view.operation for view in block.operations][:-1]


def _used(op: ir.Operation) -> Iterable[ir.Value]:
    return used_values(op) if len(op.regions) else op.operands


def varied_values(
    operations: Iterable[ir.Operation],
    varied: set[ir.Value],
    outer: Mapping[ir.Value, Any] | set[ir.Value] = frozenset(),
) -> None:
    """Add to ``varied`` the results of all operations that depend smoothly on a value in it (or in ``outer``)."""
    for op in operations:
        if op.name not in ZERO and any(value in varied or value in outer for value in _used(op)):
            varied.update(result for result in op.results if is_inexact(result.type))


# --- forward -----------------------------------------------------------------------------------------------------


@dataclass
class Forward:
    """Forward mode: ``tangents`` has those of all values so far, in all regions; a missing one is zero."""

    functions: Functions
    policy: Policy = Policy()
    b: Emitter = field(default_factory=Emitter)
    tangents: dict[ir.Value, ir.Value] = field(default_factory=dict)

    def block(self, block: ir.Block) -> None:
        """Differentiate the operations of a block."""
        for op in operations_of(block):
            self.visit(op)

    def operations(self, operations: Sequence[ir.Operation]) -> None:
        """Differentiate operations that stand in a block."""
        for op in operations:
            self.visit(op)

    def tangent(self, value: ir.Value) -> ir.Value:
        """The tangent of a value, made where it is zero."""
        found = self.tangents.get(value)
        return self.b.zeros(value.type) if found is None else found

    def visit(self, op: ir.Operation) -> None:
        """Put the tangents of an operation's results after it."""
        name = op.name
        if name in ZERO or not any(value in self.tangents for value in _used(op)):
            return
        if not any(is_inexact(result.type) for result in op.results):
            return
        self.b.after(op)
        if name in STRUCTURED_JVP:
            STRUCTURED_JVP[name](op, self)
            return
        tangents = [self.tangents.get(value) for value in op.operands]
        for result, tangent in zip(op.results, self._apply(op, name, tangents), strict=True):
            if tangent is not None:
                self.tangents[result] = tangent

    def _apply(self, op: ir.Operation, name: str, tangents: list[MaybeValue]) -> Sequence[MaybeValue]:
        b = self.b
        if name in ELEMENTWISE:
            total: MaybeValue = None
            operands, y = list(op.operands), op.results[0]
            for term, t in zip(ELEMENTWISE[name], tangents, strict=True):
                if t is not None and term is not None:
                    total = b.add(total, b.term(term, t, y, operands))
            return [total]
        if name in JVP:
            return JVP[name](op, tangents, b)
        if name not in LINEAR:
            refuse(op, "forward mode has no rule for it")
        return _linear(op, LINEAR[name], tangents, b)


def _linear(
    op: ir.Operation, positions: tuple[int, ...] | None, tangents: Sequence[MaybeValue], b: Emitter
) -> Sequence[MaybeValue]:
    """The operation on tangents, with zeros where only some of the operands it is linear in have one."""
    operands = list(op.operands)
    linear = range(len(operands)) if positions is None else positions
    if all(tangents[i] is None for i in linear if i < len(operands)):
        return [None] * len(op.results)
    types = [result.type for result in op.results]
    for i in linear:
        if i < len(operands) and is_inexact(operands[i].type):
            found = tangents[i]
            operands[i] = b.zeros(operands[i].type) if found is None else found
    new = ir.Operation.create(
        op.name, results=types, operands=operands, attributes=dict(op.attributes.items()), ip=b.place[0], loc=b.place[1]
    )
    b.created.append(new)
    return [result if is_inexact(result.type) else None for result in new.results]


# --- reverse -----------------------------------------------------------------------------------------------------


@dataclass
class Reverse:
    """Reverse mode: builds cotangents at the place of ``b``, for operations elsewhere; ``varied`` spans all regions.

    ``transposing``: what varies are tangents, in which the operations are linear.
    """

    functions: Functions
    policy: Policy = Policy()
    b: Emitter = field(default_factory=Emitter)
    varied: set[ir.Value] = field(default_factory=set)
    transposing: bool = False

    def run(self, operations: Sequence[ir.Operation], cotangents: dict[ir.Value, ir.Value]) -> None:
        """Go through operations, last first, and add to ``cotangents`` those of everything varied that they use."""
        varied = self.varied
        active = []
        for op in operations:
            varied_values((op,), varied)
            if any(result in varied for result in op.results):
                active.append(op)
        for op in reversed(active):
            given = [cotangents.pop(result, None) for result in op.results]
            if any(c is not None for c in given):
                self.b.locate(op.location)
                for value, cotangent in self._contributions(op, given):
                    self.accumulate(cotangents, value, cotangent)

    def accumulate(self, cotangents: dict[ir.Value, ir.Value], value: ir.Value, cotangent: MaybeValue) -> None:
        """Add to the cotangent of a value (nothing where the value does not vary)."""
        if cotangent is not None and value in self.varied:
            total = self.b.add(cotangents.get(value), cotangent)
            assert total is not None
            cotangents[value] = total

    def _contributions(
        self, op: ir.Operation, cotangents: Sequence[MaybeValue]
    ) -> Sequence[tuple[ir.Value, MaybeValue]]:
        name = op.name
        if name in STRUCTURED_VJP:
            return STRUCTURED_VJP[name](op, cotangents, self)
        operands = list(op.operands)
        needs = [operand in self.varied for operand in operands]
        if name in ELEMENTWISE:
            (g,), y = cotangents, op.results[0]
            assert g is not None
            return [
                (operand, self.b.term(term, g, y, operands))
                for operand, term, need in zip(operands, ELEMENTWISE[name], needs, strict=True)
                if need and term is not None
            ]
        if name not in VJP:
            refuse(op, "reverse mode has no rule for it")
        return list(zip(operands, VJP[name](op, cotangents, needs, self.b), strict=True))

    def copy(self, callee: str, operands: Sequence[ir.Value]) -> tuple[list[ir.Operation], list[ir.Value]]:
        """Copy the body of a function to where cotangents are built."""
        ip, location = self.b.place
        return copy_body(self.functions.body(callee), operands, ip, location)
