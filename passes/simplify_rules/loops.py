"""Views of ``astra.while`` and ``astra.scan`` and how to rebuild them with other carries, inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.passes.simplify_rules.core import Rewriter, remove_dead

__all__ = ["Scan", "While", "only_block", "rebuild_scan", "rebuild_while", "used_values", "walk"]


def only_block(region: ir.Region) -> ir.Block:
    """The one block of a region that is not empty."""
    return region.blocks[0]


def walk(block: ir.Block) -> Iterator[ir.Operation]:
    """Every operation in a block, regions included."""
    for view in block.operations:
        op = view.operation
        yield op
        if len(op.regions):
            for region in op.regions:
                for nested in region.blocks:
                    yield from walk(nested)


def used_values(op: ir.Operation) -> Iterator[ir.Value]:
    """The operands of an operation and of everything in its regions."""
    yield from op.operands
    if len(op.regions):
        for region in op.regions:
            for block in region.blocks:
                for nested in walk(block):
                    yield from nested.operands


def _terminator(block: ir.Block) -> ir.Operation:
    return block.operations[len(block.operations) - 1].operation


@dataclass
class While:
    """The parts of an ``astra.while``."""

    op: ir.Operation
    inits: list[ir.Value]
    condition: ir.Block
    body: ir.Block
    yields: list[ir.Value]

    @staticmethod
    def of(op: ir.Operation) -> While:
        """Take a while apart."""
        condition, body = (only_block(region) for region in op.regions)
        return While(op, list(op.operands), condition, body, list(_terminator(body).operands))

    def refresh(self) -> None:
        """Read again what the body yields, after values in it have been replaced."""
        self.yields = list(_terminator(self.body).operands)

    @property
    def predicate(self) -> ir.Value:
        """What the condition yields."""
        return _terminator(self.condition).operands[0]


@dataclass
class Scan:
    """The parts of an ``astra.scan``."""

    op: ir.Operation
    trip_count: int
    reverse: bool
    inits: list[ir.Value]
    xs: list[ir.Value]
    body: ir.Block
    index: ir.Value
    carries: list[ir.Value]  # block arguments
    slices: list[ir.Value]  # block arguments, one for each of xs
    yields: list[ir.Value]  # next carries
    elements: list[ir.Value]  # of the stacked results

    @staticmethod
    def of(op: ir.Operation) -> Scan:
        """Take a scan apart."""
        carries = value_of(op, "num_carries")
        operands, body = list(op.operands), only_block(op.regions[0])
        arguments, yields = list(body.arguments), list(_terminator(body).operands)
        return Scan(
            op, value_of(op, "trip_count"), value_of(op, "reverse"), operands[:carries], operands[carries:], body,
            arguments[0], arguments[1 : 1 + carries], arguments[1 + carries :], yields[:carries], yields[carries:],
        )  # fmt: skip

    def refresh(self) -> None:
        """Read again what the body yields, after values in it have been replaced."""
        values, count = list(_terminator(self.body).operands), len(self.inits)
        self.yields, self.elements = values[:count], values[count:]


def _replace_terminator(block: ir.Block, values: Sequence[ir.Value]) -> None:
    old = _terminator(block)
    ir.Operation.create("astra.yield", operands=list(values), loc=old.location, ip=ir.InsertionPoint(old))
    old.erase()


def _erase_arguments(block: ir.Block, kept: Sequence[ir.Value]) -> None:
    for i in reversed(range(len(block.arguments))):
        if block.arguments[i] not in kept:
            block.erase_argument(i)


def rebuild_while(parts: While, rw: Rewriter, kept: Sequence[int]) -> list[ir.Value | None]:
    """A while with only the carries numbered ``kept``; nothing that is kept may depend on the others.

    Returns what replaces each result of the old operation, ``None`` for the carries left out.
    """
    _replace_terminator(parts.body, [parts.yields[i] for i in kept])
    new = rw.op(
        "while", [parts.inits[i] for i in kept], [parts.inits[i].type for i in kept],
        max_trip_count=value_of(parts.op, "max_trip_count"),
    )  # fmt: skip
    for block, region in zip((parts.condition, parts.body), new.regions, strict=True):
        remove_dead(block)
        arguments = list(block.arguments)
        _erase_arguments(block, [arguments[i] for i in kept])
        block.append_to(region)
    results: list[ir.Value | None] = [None] * len(parts.inits)
    for i, result in zip(kept, new.results, strict=True):
        results[i] = result
    return results


def rebuild_scan(
    parts: Scan,
    rw: Rewriter,
    *,
    carries: Sequence[int],
    xs: Sequence[tuple[ir.Value, ir.Value]],
    elements: Sequence[tuple[int | None, ir.Value]],
    reverse: bool | None = None,
) -> list[ir.Value | None]:
    """A scan with the carries numbered ``carries``, inputs with their block arguments, and stacked elements.

    Each of ``elements`` says which result of the old operation its stacked result replaces (``None``: a carry's is
    given by position in the old results all the same).  Returns what replaces each result of the old operation.
    """
    _replace_terminator(parts.body, [*(parts.yields[i] for i in carries), *(value for _, value in elements)])
    stacked = []
    for _, value in elements:
        info = rw.info(value)
        stacked.append(rw.type((parts.trip_count, *info.shape), info.element))
    inits = [parts.inits[i] for i in carries]
    new = rw.op(
        "scan", [*inits, *(value for value, _ in xs)], [*(value.type for value in inits), *stacked],
        trip_count=parts.trip_count, num_carries=len(carries),
        reverse=parts.reverse if reverse is None else reverse,
    )  # fmt: skip
    remove_dead(parts.body)
    _erase_arguments(parts.body, [parts.index, *(parts.carries[i] for i in carries), *(arg for _, arg in xs)])
    parts.body.append_to(new.regions[0])
    results: list[ir.Value | None] = [None] * len(parts.op.results)
    new_results = list(new.results)
    for number, result in zip([*carries, *(number for number, _ in elements)], new_results, strict=True):
        if number is not None:
            results[number] = result
    return results
