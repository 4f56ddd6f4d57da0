"""Attention as its kernels see it: sizes by letter, where the elements of each array lie, tiles, and tasks.

``attention.py`` makes a :class:`AttentionSchedule` of an operation; ``attention_program.py`` writes the forward kernel
and ``attention_gradient_program.py`` the backward one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes, bits_of
from astra_mlir.passes.target import Target, round_up

__all__ = ["Array", "Attention", "AttentionSchedule", "schedule_attention"]

TASK_WORK = 1 << 20  # multiply-adds of f32 in a task of at least 20 us


@dataclass(frozen=True)
class Array:
    """An operand or result: the memref it lies in, and for each of its letters the distance of neighbours in it."""

    memref: str
    element: str
    offset: int
    strides: tuple[tuple[str, int], ...]

    def stride(self, letter: str) -> int:
        """0 along dimensions that it does not have."""
        return dict(self.strides).get(letter, 0)


@dataclass(frozen=True)
class Attention:
    """What is computed: see ``astra.attention``.  ``arrays`` are by the names of its operands and results."""

    sizes: tuple[tuple[str, int], ...]
    batch: str
    rows: str
    column: str
    depth: str
    feature: str
    arrays: tuple[tuple[str, Array], ...]
    scale: float
    fill: float
    causal: str | None  # the letter of rows whose position bounds that of columns
    offset: int
    empty_is_zero: bool
    accumulator: str

    def array(self, name: str) -> Array | None:
        return dict(self.arrays).get(name)

    def size(self, letters: str) -> int:
        """How many elements there are along dimensions."""
        sizes = dict(self.sizes)
        return prod(sizes[letter] for letter in letters)

    def sizes_of(self, letters: str) -> list[int]:
        sizes = dict(self.sizes)
        return [sizes[letter] for letter in letters]

    @property
    def masked(self) -> bool:
        """Whether scores are more than a multiple of products: then they are rewritten before the softmax."""
        return self.array("mask") is not None or self.array("bias") is not None

    @property
    def work(self) -> int:
        """Multiply-adds of the forward products."""
        columns = self.size(self.column) * (self.size(self.depth) + self.size(self.feature))
        return self.size(self.batch) * self.size(self.rows) * columns


@dataclass(frozen=True)
class AttentionSchedule:
    """Tiles of ``rows`` queries against chunks of ``columns`` keys; scores exist for one tile and chunk at a time."""

    attention: Attention
    target: Target
    rows: int
    columns: int

    @property
    def scores(self) -> GemmTypes:
        """Register tiles of products whose columns are keys."""
        a = self.attention
        types = GemmTypes(a.accumulator, self.target)
        return GemmTypes(a.accumulator, self.target, narrow=a.size(a.column) <= types.lanes)

    def features(self, letter: str) -> GemmTypes:
        """Register tiles of products whose columns are features (or what scores are summed over)."""
        a = self.attention
        types = GemmTypes(a.accumulator, self.target)
        return GemmTypes(a.accumulator, self.target, narrow=a.size(letter) <= types.lanes)

    def padded(self, letter: str) -> int:
        """The size of a dimension of features, rounded up to register tiles."""
        return round_up(self.attention.size(letter), self.features(letter).columns)

    @property
    def chunks(self) -> int:
        return -(-self.attention.size(self.attention.column) // self.columns)

    @property
    def tiles(self) -> int:
        """Of one batch element."""
        return -(-self.attention.size(self.attention.rows) // self.rows)

    @property
    def values_in_place(self) -> bool:
        """Whether values lie as a product takes them: rows of whole register tiles, one after the other."""
        a = self.attention
        values = a.array("value")
        assert values is not None
        width = a.size(a.feature)
        places = values.stride(a.feature), values.stride(a.column)
        return values.element == a.accumulator and places == (1, width) and width == self.padded(a.feature)

    @property
    def wave(self) -> int:
        """How many batch elements have their keys packed at a time: tasks for all threads, half of the second cache.

        Where a causal mask makes tasks unequal there are four times as many, as threads wait for the last one.
        """
        a = self.attention
        tasks = (2 if a.causal is None else 8) * self.target.tasks
        keys = self.chunks * self.columns * a.size(a.depth) * bits_of(a.accumulator) // 8
        least = max(-(-tasks // self.tiles), self.target.l2_bytes // 2 // keys)
        batches = a.size(a.batch)
        return next((count for count in range(least, batches) if batches % count == 0), batches)


def schedule_attention(attention: Attention, target: Target) -> AttentionSchedule:
    """The tiles: scores of a tile take an eighth of the second-level cache, and there are enough tiles to share."""
    a = attention
    types = GemmTypes(a.accumulator, target)
    width = bits_of(a.accumulator) // 8
    columns = min(256, round_up(a.size(a.column), types.columns))
    rows = min(target.l2_bytes // 8 // (columns * width), 64, a.size(a.rows))
    rows = round_up(rows, types.rows)
    while (
        a.size(a.batch) * -(-a.size(a.rows) // rows) < 2 * target.tasks
        and rows >= 4 * types.rows
        and a.work >= 8 * TASK_WORK
    ):
        rows = round_up(rows // 2, types.rows)
    return AttentionSchedule(attention, target, rows, columns)


def schedule_gradient(attention: Attention, target: Target) -> AttentionSchedule:
    """The tiles of the backward kernel, which keeps four arrays as large as a chunk and two tiles of scores."""
    a = attention
    types = GemmTypes(a.accumulator, target)
    columns = min(128, round_up(a.size(a.column), types.columns))
    return AttentionSchedule(attention, target, round_up(min(64, a.size(a.rows)), types.rows), columns)


def offsets_of(attention: Attention, array: Array, letters: str) -> Sequence[tuple[int, int]]:
    """(size, stride in the array) of the dimensions."""
    return list(zip(attention.sizes_of(letters), (array.stride(letter) for letter in letters), strict=True))
