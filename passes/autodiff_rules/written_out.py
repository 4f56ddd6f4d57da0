"""Operations without a rule of their own: written as others that have rules, which are then differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.autodiff_rules.core import Emitter
from astra_mlir.passes.autodiff_rules.engine import Forward, Reverse

__all__ = ["Writer", "forward_through", "reverse_through"]

Writer = Callable[[ir.Operation, Emitter], Sequence[ir.Value]]
"""Builds what gives the results of an operation from its operands."""


def forward_through(op: ir.Operation, engine: Forward, write: Writer) -> None:
    """Put other operations in the place of ``op``, and differentiate these in forward mode."""
    made, _ = _write(op, engine.b, write)
    engine.operations(made)


def reverse_through(
    op: ir.Operation, cotangents: Sequence[ir.Value | None], engine: Reverse, write: Writer
) -> Sequence[tuple[ir.Value, ir.Value | None]]:
    """Put other operations in the place of ``op``; gives values and what their cotangents grow by."""
    made, results = _write(op, engine.b, write)
    given: dict[ir.Value, ir.Value] = {}
    for value, c in zip(results, cotangents, strict=True):
        if c is not None:
            given[value] = c if value not in given else engine.b.f("add", given[value], c)
    engine.run(made, given)
    return list(given.items())


def _write(op: ir.Operation, b: Emitter, write: Writer) -> tuple[list[ir.Operation], Sequence[ir.Value]]:
    place = b.place
    b.before(op)
    b.created = []
    results = write(op, b)
    made = list(b.created)
    b.return_to(place)
    for old, new in zip(op.results, results, strict=True):
        old.replace_all_uses_with(new)
    return made, results
