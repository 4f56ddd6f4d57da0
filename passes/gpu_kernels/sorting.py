"""Sorts and the k largest on GPUs, by ranks: an element's place is the number of elements that go before it.

Each program has some elements of a row and compares them with all others of it, a block at a time.  That is stable, has
no other memory than the result, and takes the square of a row's length: long rows are refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.tile_builder import Tile, TileBuilder, block_size, cells

LONGEST = 1 << 17  # elements of a row: 17e9 comparisons, some 10 ms on a Hopper GPU
OWN, OTHERS = 64, 64  # elements that a program places, and those that it compares them with together

Key = tuple[ir.Type, bool]  # element type of an operand, and whether it is in the total order of IEEE 754


def _before(b: TileBuilder, x: Tile, y: Tile, kind: ir.Type, descending: bool) -> tuple[Tile, Tile]:
    """Whether x goes before y, and whether they are equal; NaN is the largest number."""
    if descending:
        x, y = y, x
    if x.is_float:
        x_nan, y_nan = x.ne(x), y.ne(y)
        return (x < y) | (y_nan & x.eq(x)), x.eq(y) | (x_nan & y_nan)
    unsigned = x.element == b.i1 or getattr(kind, "is_unsigned", False)
    return x.compare("lt", y, unsigned=unsigned), x.eq(y)


def _total(b: TileBuilder, value: Tile) -> Tile:
    """A float's bits as an integer that is ordered as IEEE 754's total order."""
    if not value.is_float:
        return value
    bits = value.element.width
    whole = b.bitcast(value, ir.IntegerType.get_signless(bits))
    return b.select(whole < 0, whole ^ ((1 << (bits - 1)) - 1), whole)


def _rank_kernel(
    name: str, operands: Sequence[ir.Type], results: Sequence[ir.Type], dimension: int, keys: int, descending: bool,
    top: int | None,
) -> str:  # fmt: skip
    """Sorts all operands by the first ``keys``; with ``top`` the values and indices of so many first ones."""
    shape = list(operands[0].shape)
    outer, length, inner = math.prod(shape[:dimension]), shape[dimension], math.prod(shape[dimension + 1 :])
    host = HostFunction(name, [buffer_type(kind) for kind in (*operands, *results)])
    function = host.tile(*range(len(operands) + len(results)))
    b, pointers = function.builder, function.arguments
    own, others = block_size(length, OWN), block_size(length, OTHERS)
    blocks = cells(length, own)
    program = b.program_id(0)
    row, block = program // blocks, program % blocks
    base = row // inner * (length * inner) + row % inner
    place = block * own + b.arange(own)

    def key(number: int, at: Tile) -> Tile:
        value = b.load(pointers[number], base + at * inner, at < length)
        return _total(b, value) if top is not None else value

    mine = [key(i, place)[:, None] for i in range(keys)]
    column = place[:, None]

    def compare(first: Tile, state: list[Tile]) -> list[Tile]:
        at = first + b.arange(others)
        before = b.full((own, others), 0, b.i1)
        same = b.full((own, others), 1, b.i1)
        for number, value in enumerate(mine):
            less, equal = _before(b, key(number, at)[None, :], value, operands[number].element_type, descending)
            before, same = before | (same & less), same & equal
        earlier = same & (at[None, :] < column)
        counted = (before | earlier) & (at < length)[None, :]
        return [state[0] + b.sum(counted.to(b.i32), 1)]

    (rank,) = b.loop(0, length, others, [b.full((own,), 0, b.i32)], compare)
    inside = place < length
    if top is not None:
        kept = inside & (rank < top)
        target = row * top + rank
        b.store(pointers[1], target, b.load(pointers[0], base + place * inner, inside), kept)
        b.store(pointers[2], target, place, kept)
    else:
        for number in range(len(operands)):
            moved = b.load(pointers[number], base + place * inner, inside)
            b.store(pointers[len(operands) + number], base + rank * inner, moved, inside)
    host.launch(function, "rank", [outer * inner * blocks], range(len(operands) + len(results)))
    return host.text()


def _refuse_long(op: ir.Operation, length: int) -> None:
    if length > LONGEST:
        raise UnsupportedError(
            f"{source_place(op.location)}: {op.name} of {length} elements has no kernel for GPUs (at most {LONGEST})"
        )


@gpu_kernel_rule("sort")
def sort(op: ir.Operation) -> KernelRequest | None:
    """Sorts by known orders."""
    kind, dimension = value_of(op, "kind"), value_of(op, "dimension")
    operands, results = [v.type for v in op.operands], [v.type for v in op.results]
    if kind == "custom" or any(isinstance(t.element_type, ir.ComplexType) for t in operands):
        raise UnsupportedError(
            f"{source_place(op.location)}: astra.sort by a comparator of its own, or of complex numbers, has no kernel "
            "for GPUs"
        )
    _refuse_long(op, operands[0].shape[dimension])
    keys = value_of(op, "num_keys", 1)
    name = kernel_name("sort", "gpu", kind, dimension, keys, *operands)
    return KernelRequest(
        name, list(op.operands), [Out(t) for t in results],
        lambda: _rank_kernel(name, operands, results, dimension, keys, kind == "descending", None),
    )  # fmt: skip


@gpu_kernel_rule("top_k")
def top_k(op: ir.Operation) -> KernelRequest | None:
    """The first k of a row in descending order, or ascending."""
    operand, results = op.operands[0].type, [v.type for v in op.results]
    k, largest = value_of(op, "k"), value_of(op, "largest")
    _refuse_long(op, operand.shape[-1])
    name = kernel_name("top_k", "gpu", operand, k, largest)
    last = len(operand.shape) - 1
    return KernelRequest(
        name, [op.operands[0]], [Out(t) for t in results],
        lambda: _rank_kernel(name, [operand], results, last, 1, largest, k),
    )  # fmt: skip
