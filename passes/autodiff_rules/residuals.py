"""Which values of a region's forward run its reverse run takes over, and which it computes again.

The reverse run of a loop body (or a branch) is built first, using values of the forward run freely.  Then it is decided
for each value used: it is *free* (from outside, or read again from the loop's own inputs), *kept* (stacked by the
loop), or *recomputed* from others.  Going through the forward operations from the last to the first, an operation whose
result is wanted is recomputed when it is cheap and what it needs in addition takes no more bytes than its result: a
cut through the graph that only moves towards smaller values.  (The idea of rematerialization by cuts: Jin et al.,
"A min-cut rematerialization partitioner", 2022; here the cut is found greedily.)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.elements import dtype_of
from astra_mlir.passes.simplify_rules.loops import used_values
from astra_mlir.passes.traversal import replace_operands

__all__ = ["Free", "Residuals", "bytes_of", "choose", "defined_in", "recompute_in_place", "take_over", "values_from"]

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


@dataclass(frozen=True)
class Free:
    """The values that need no keeping for a region: ``inside`` it those listed, and all from outside of ``block``."""

    block: ir.Block
    inside: Sequence[ir.Value] = ()

    def __contains__(self, value: object) -> bool:
        assert isinstance(value, ir.Value)
        return value in self.inside or not defined_in(value, self.block)


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
    operations: Sequence[ir.Operation], used: Iterable[ir.Value], free: Container[ir.Value], *,
    recompute_cheap: bool, pinned: Container[ir.Value] = (),
) -> Residuals:  # fmt: skip
    """Decide for every value in ``used``, given the forward operations in their order.

    Values in ``free`` and those that no operation here computes need not be kept; ``pinned`` ones are not recomputed.
    """
    position = {result: i for i, op in enumerate(operations) for result in op.results}
    wanted = {value for value in used if value not in free}
    recomputed: list[ir.Operation] = []
    for op in reversed(operations):
        results = [result for result in op.results if result in wanted]
        if not results or not _may_recompute(op, recompute_cheap) or any(result in pinned for result in results):
            continue
        more = {v for v in op.operands if v not in free and v not in wanted}
        cost, gain = (sum(bytes_of(v.type) for v in values) for values in (more, results))
        if op.name in _ALWAYS or cost == 0 or (op.name in _CHEAP and cost <= gain):
            wanted.difference_update(results)
            wanted |= more
            recomputed.append(op)
    return Residuals(sorted(wanted, key=lambda value: position.get(value, _before_all(value))), recomputed[::-1])


def _before_all(value: ir.Value) -> int:
    """A position in front of all operations, arguments in their order."""
    return ir.BlockArgument(value).arg_number - 2**31 if isinstance(value.owner, ir.Block) else -1


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


# --- straight lines ------------------------------------------------------------------------------------------------

# Users into which an elementwise producer is fused: for them a value need not be in memory.
_ABSORBING = _CHEAP | _MODERATE | frozenset(
    f"astra.{name}" for name in ("reduce", "sine", "cosine", "log_plus_one", "exponential_minus_one", "erf", "power")
)  # fmt: skip
_VIEWS = frozenset(f"astra.{name}" for name in ("broadcast", "reshape", "transpose"))


def recompute_in_place(block: ir.Block, forward: Sequence[ir.Operation], returned: Iterable[ir.Value]) -> int:
    """Where reverse mode follows the forward operations in one block: compute cheap values again in front of their use.

    A value that an operation other than elementwise ones uses stays, since it must be in memory there in any case.
    Copies read what is kept through barriers, so that no pass merges them with the originals.  Returns the bytes of
    the values that are no longer kept from one part to the other, less those that are kept in their place.
    """
    mine = set(forward)
    computed = {result for op in forward for result in op.results}
    reverse = [view.operation for view in block.operations if view.operation not in mine]
    users: dict[ir.Value, list[ir.Operation]] = {}
    for op in reverse:
        for value in dict.fromkeys(used_values(op)):
            if value in computed:
                users.setdefault(value, []).append(op)
    free = _Outside(computed, set(returned))
    pinned = {
        value for value, found in users.items()
        if any(op.name not in _ABSORBING for op in found) and value.owner.operation.name not in _VIEWS
    }  # fmt: skip
    choice = choose(forward, users, free, recompute_cheap=True, pinned=pinned)
    if not choice.recomputed:
        return 0
    again = {result: op for op in choice.recomputed for result in op.results}
    copies: dict[ir.Value, ir.Value] = {}

    def copy(value: ir.Value, before: ir.Operation) -> ir.Value:
        """The value for the reverse part, made in front of the first operation that needs it."""
        if value in copies:
            return copies[value]
        op, ip = again.get(value), ir.InsertionPoint(before)
        if op is None:
            behind = ir.Operation.create(
                "astra.optimization_barrier", results=[value.type], operands=[value], loc=before.location, ip=ip
            )
            copies[value] = behind.results[0]
            return copies[value]
        operands = [copy(operand, before) for operand in op.operands]
        new = ir.Operation.create(
            op.name, results=[result.type for result in op.results], operands=operands,
            attributes=dict(op.attributes.items()), loc=op.location, ip=ip,
        )  # fmt: skip
        copies.update(zip(op.results, new.results, strict=True))
        return copies[value]

    for op in reverse:
        wanted = [value for value in dict.fromkeys(used_values(op)) if value in again]
        if wanted:
            replace_operands(op, {value: copy(value, op) for value in wanted})
    kept = {value for value in choice.kept if value not in users}
    return sum(bytes_of(value.type) for value in users if value in again) - sum(bytes_of(v.type) for v in kept)


@dataclass(frozen=True)
class _Outside:
    """Values that are there anyway: not computed by the forward part, or results of the function."""

    computed: set[ir.Value]
    returned: set[ir.Value]

    def __contains__(self, value: object) -> bool:
        return value not in self.computed or value in self.returned
