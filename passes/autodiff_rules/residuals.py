"""Which values of a region's forward run its reverse run takes over, and which it computes again.

The reverse run of a loop body (or a branch) is built first, using values of the forward run freely.  Then it is decided
for each value used: it is *free* (from outside, or read again from the loop's own inputs), *kept* (stacked by the
loop), or *recomputed* from others.  Going through the forward operations from the last to the first, an operation whose
result is wanted is recomputed when it is cheap and what it needs in addition takes no more bytes than its result: a
cut through the graph that only moves towards smaller values.  (The idea of rematerialization by cuts: Jin et al.,
"A min-cut rematerialization partitioner", 2022; here the cut is found greedily.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.elements import dtype_of
from astra_mlir.passes.simplify_rules.loops import used_values
from astra_mlir.passes.traversal import replace_operands

__all__ = ["Residuals", "bytes_of", "choose", "defined_in", "take_over", "values_from"]

_ALWAYS = frozenset(f"astra.{name}" for name in ("constant", "iota"))
# One or two instructions an element, or pure movement that fuses into its user.
_CHEAP = frozenset(
    f"astra.{name}"
    for name in (
        "negate", "abs", "sign", "floor", "ceil", "real", "imag", "complex", "add", "subtract", "multiply", "maximum",
        "minimum", "and", "or", "xor", "not", "compare", "select", "clamp", "convert", "is_finite", "broadcast",
        "reshape", "slice", "transpose", "reverse", "stop_gradient",
    )
)  # fmt: skip
# Tens of instructions an element: recomputed only when that needs nothing more.
_MODERATE = frozenset(
    f"astra.{name}" for name in ("divide", "sqrt", "rsqrt", "exponential", "tanh", "logistic", "log", "pad")
)


@dataclass(frozen=True)
class Residuals:
    """Values to keep, in the order of their definition, and operations to run again, in their order."""

    kept: list[ir.Value]
    recomputed: list[ir.Operation]


def bytes_of(type: ir.RankedTensorType) -> int:
    """The size of a static tensor."""
    size = dtype_of(type.element_type).itemsize
    for extent in type.shape:
        size *= extent
    return size


def defined_in(value: ir.Value, block: ir.Block) -> bool:
    """Whether a value is an argument of a block or a result of one of its operations (not of a nested one's)."""
    owner = value.owner
    return (owner if isinstance(owner, ir.Block) else owner.operation.block) == block


def values_from(forward: ir.Block, reverse: ir.Block) -> list[ir.Value]:
    """The values of block ``forward`` that operations in ``reverse`` use, nested ones included, each once."""
    found: dict[ir.Value, None] = {}
    for view in reverse.operations:
        for value in used_values(view.operation):
            if value not in found and defined_in(value, forward):
                found[value] = None
    return list(found)


def choose(
    forward: ir.Block, used: Iterable[ir.Value], free: Iterable[ir.Value], *, recompute_cheap: bool
) -> Residuals:
    """Decide for every value in ``used``; those in ``free`` need not be kept."""
    available, wanted = set(free), set(used)
    wanted -= available
    recomputed: list[ir.Operation] = []
    position: dict[ir.Value, int] = {argument: i for i, argument in enumerate(forward.arguments)}
    operations = [view.operation for view in forward.operations]
    for i, op in enumerate(operations, len(position)):
        position.update((result, i) for result in op.results)
    for op in reversed(operations):
        results = [result for result in op.results if result in wanted]
        if not results or not _may_recompute(op, recompute_cheap):
            continue
        more = {v for v in op.operands if defined_in(v, forward) and v not in available and v not in wanted}
        cost, gain = (sum(bytes_of(v.type) for v in values) for values in (more, results))
        if op.name in _ALWAYS or cost == 0 or (op.name in _CHEAP and cost <= gain):
            wanted.difference_update(results)
            wanted |= more
            recomputed.append(op)
    return Residuals(sorted(wanted, key=position.__getitem__), recomputed[::-1])


def _may_recompute(op: ir.Operation, recompute_cheap: bool) -> bool:
    name = op.name
    return name in _ALWAYS or (recompute_cheap and (name in _CHEAP or name in _MODERATE))


def take_over(
    reverse: ir.Block, residuals: Residuals, kept: Sequence[ir.Value], free: dict[ir.Value, ir.Value],
    anchor: ir.Operation,
) -> None:  # fmt: skip
    """Make ``reverse`` use ``kept`` for values kept, ``free`` for free ones, copies (before ``anchor``) of the rest."""
    mapping = {**free, **dict(zip(residuals.kept, kept, strict=True))}
    originals = [view.operation for view in reverse.operations]
    ip = ir.InsertionPoint(anchor)
    for op in residuals.recomputed:
        copy = op.clone(ip=ip).operation
        replace_operands(copy, mapping)
        mapping.update(zip(op.results, copy.results, strict=True))
    for op in originals:
        replace_operands(op, mapping)
