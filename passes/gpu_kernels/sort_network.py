"""Sorting networks inside of a program, and where a program's part of two merged runs begins.

The networks are loops whose step exchanges records through shared memory: small code for any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.passes.gpu_kernels.sort_orders import Order
from astra_mlir.passes.tile_builder import Tile, TileBuilder

__all__ = ["bitonic_merge", "bitonic_sort", "merge_start"]


def _exchange(
    b: TileBuilder, order: Order, record: Sequence[Tile], at: Tile, distance: Tile, size: Tile | None
) -> list[Tile]:  # fmt: skip
    """Compare each record with that at a distance; places with bit ``size`` are sorted the other way."""
    others = [b.gather(part, at ^ distance, 1) for part in record]
    turned = (at & distance).ne(0)
    if size is not None:
        turned = turned ^ (at & size).ne(0)
    keep = order.before(b, record, others) ^ turned
    return [b.select(keep, part, other) for part, other in zip(record, others, strict=True)]


def _places(b: TileBuilder, shape: tuple[int, ...]) -> Tile:
    return b.broadcast(b.arange(shape[1])[None, :], shape)


def bitonic_sort(b: TileBuilder, order: Order, record: Sequence[Tile]) -> list[Tile]:
    """Sort the rows of a record's tiles (Batcher, 1968)."""
    shape = record[0].shape
    steps, at = shape[1].bit_length() - 1, _places(b, shape)

    def stage(number: Tile, state: list[Tile]) -> list[Tile]:
        def step(level: Tile, state: list[Tile]) -> list[Tile]:
            distance = b.elementwise("arith.shli", [b.index(1), number - level])
            return _exchange(b, order, state, at, distance, b.elementwise("arith.shli", [b.index(2), number]))

        return b.loop(0, number + b.index(1), 1, state, step)

    return b.loop(0, steps, 1, record, stage) if steps else list(record)


def bitonic_merge(b: TileBuilder, order: Order, record: Sequence[Tile]) -> list[Tile]:
    """Sort rows that ascend and then descend."""
    shape = record[0].shape
    steps, at = shape[1].bit_length() - 1, _places(b, shape)

    def step(level: Tile, state: list[Tile]) -> list[Tile]:
        distance = b.elementwise("arith.shli", [b.index(1), b.index(steps - 1) - level])
        return _exchange(b, order, state, at, distance, None)

    return b.loop(0, steps, 1, record, step) if steps else list(record)


def merge_start(
    b: TileBuilder, order: Order, read: Callable[[Tile], list[Tile]], runs: tuple[Tile, Tile],
    lengths: tuple[Tile, Tile], before: Tile, longest: int,
) -> Tile:  # fmt: skip
    """How many of the ``before`` first records of two merged runs are from the first run (merge path, by halving).

    ``read`` gives the record at a place, ``runs`` are the places where the runs begin.
    """

    def halve(_: Tile, state: list[Tile]) -> list[Tile]:
        low, high = state
        middle = (low + high) // 2
        other = before - 1 - middle
        mine = read(runs[0] + b.maximum(b.minimum(middle, lengths[0] - 1), 0))
        theirs = read(runs[1] + b.maximum(b.minimum(other, lengths[1] - 1), 0))
        takes = order.before(b, mine, theirs)
        open_ = low < high
        return [b.select(open_ & takes, middle + 1, low), b.select(open_ & (takes ^ 1), middle, high)]

    low, high = b.maximum(before - lengths[1], 0), b.minimum(before, lengths[0])
    return b.loop(0, longest.bit_length() + 1, 1, [low, high], halve)[0]
