"""How the elements of a tile are spread over the threads of a block: linear layouts over GF(2).

An element is its row-major number in the tile.  A layout gives a *basis* for every bit of the register number, of the
lane in its warp and of the warp in the block: the element that register r of lane l of warp w holds is the XOR of the
bases of the bits that are set in r, l and w.  Dimensions are powers of two, so the bits of an element's number are
those of its coordinates side by side: a reshape keeps the bases, a transposition permutes their bits, a reduction
clears the bits of its axis.  A basis of zero in lanes or warps says that these hold copies.

The form is that of Zhou et al., "Linear Layouts" (2025).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = [
    "LANE_BITS", "Layout", "Span", "blocked", "log2", "mma_accumulator", "mma_operand", "strides_of",
    "wgmma_accumulator",
]  # fmt: skip

LANE_BITS = 5


def log2(value: int) -> int:
    """The exponent of a power of two.

    >>> log2(32)
    5
    """
    if value <= 0 or value & (value - 1):
        raise ValueError(f"{value} is not a power of two")
    return value.bit_length() - 1


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides, in elements."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


class Span:
    """The span of vectors of bits; says which of them sum to a given vector (the first ones that will do)."""

    def __init__(self, vectors: Iterable[int]) -> None:
        self._rows: list[tuple[int, int, int]] = []  # pivot bit, vector, which of the given vectors it is the sum of
        for i, vector in enumerate(vectors):
            rest, mask = self._reduced(vector)
            if rest:
                self._rows.append((1 << (rest.bit_length() - 1), rest, mask ^ (1 << i)))

    def _reduced(self, vector: int) -> tuple[int, int]:
        mask = 0
        for pivot, row, combination in self._rows:
            if vector & pivot:
                vector ^= row
                mask ^= combination
        return vector, mask

    @property
    def rank(self) -> int:
        return len(self._rows)

    def solve(self, vector: int) -> int | None:
        """The bits of the vectors that sum to ``vector``; ``None`` outside of the span.

        >>> Span([1, 3, 4]).solve(2), Span([1, 4]).solve(2)
        (3, None)
        """
        rest, mask = self._reduced(vector)
        return None if rest else mask


def _combine(bases: Sequence[int], number: int) -> int:
    result = 0
    for i, basis in enumerate(bases):
        if number >> i & 1:
            result ^= basis
    return result


@dataclass(frozen=True)
class Layout:
    """A tile's shape and, for every bit of the register, lane and warp number, the element it adds."""

    shape: tuple[int, ...]
    register: tuple[int, ...]
    lane: tuple[int, ...]
    warp: tuple[int, ...]

    # --- what it says

    @property
    def registers(self) -> int:
        """How many elements a thread holds."""
        return 1 << len(self.register)

    @property
    def warps(self) -> int:
        return 1 << len(self.warp)

    @property
    def threads(self) -> int:
        return 1 << (len(self.lane) + len(self.warp))

    @property
    def thread(self) -> tuple[int, ...]:
        """Bases of the bits of the thread number in the block."""
        return self.lane + self.warp

    def element(self, register: int, lane: int, warp: int) -> int:
        """The row-major number of the element in that place."""
        return _combine(self.register, register) ^ _combine(self.lane, lane) ^ _combine(self.warp, warp)

    def table(self) -> np.ndarray:
        """Element numbers as an array [thread, register]."""
        return _all_sums(self.thread)[:, None] ^ _all_sums(self.register)[None, :]

    @property
    def complete(self) -> bool:
        """Whether every element has a place."""
        return Span(self.register + self.thread).rank == log2(math.prod(self.shape))

    @property
    def copies(self) -> tuple[int, ...]:
        """Bits of the thread number that do not change the element: threads that differ in them hold the same."""
        return tuple(i for i, basis in enumerate(self.thread) if not basis)

    def contiguous(self, dim: int) -> int:
        """How many successive elements along a dimension successive registers hold, from the first register on."""
        stride, count = strides_of(self.shape)[dim], 0
        while (
            count < len(self.register)
            and self.register[count] == stride << count
            and (1 << (count + 1)) <= self.shape[dim]
        ):
            count += 1
        return 1 << count

    def span(self) -> Span:
        return _span(self.register + self.thread)

    def find(self, element: int) -> tuple[int, int, int]:
        """A place (register, lane, warp) that holds an element."""
        mask = self.span().solve(element)
        if mask is None:
            raise ValueError(f"element {element} has no place in {self}")
        register, rest = mask & (self.registers - 1), mask >> len(self.register)
        return register, rest & ((1 << len(self.lane)) - 1), rest >> len(self.lane)

    # --- the layout of what an operation on the tile gives

    def reshape(self, shape: Sequence[int]) -> Layout:
        """The same elements in the same places under another shape."""
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(f"{self.shape} and {tuple(shape)} have different numbers of elements")
        return Layout(tuple(shape), self.register, self.lane, self.warp)

    def transpose(self, permutation: Sequence[int]) -> Layout:
        """Result dimension i is dimension ``permutation[i]``; nothing moves."""
        source = strides_of(self.shape)
        shape = tuple(self.shape[p] for p in permutation)
        target = strides_of(shape)

        def moved(basis: int) -> int:
            return sum((basis // source[p] % self.shape[p]) * target[i] for i, p in enumerate(permutation))

        return self._mapped(moved, shape)

    def project(self, shape: Sequence[int]) -> Layout:
        """The layout of a tile that has 1 in some dimensions, such that broadcasting it to this one moves nothing."""
        source, target = strides_of(self.shape), strides_of(shape)

        def moved(basis: int) -> int:
            return sum(
                (basis // source[i] % self.shape[i]) * target[i] for i in range(len(shape)) if shape[i] != 1
            )  # fmt: skip

        return self._mapped(moved, tuple(shape)).compact()

    def drop(self, axis: int) -> Layout:
        """The layout of the result of a reduction over ``axis`` (a slice): what differed in it is now a copy."""
        kept = tuple(1 if i == axis else size for i, size in enumerate(self.shape))
        return self.project(kept).reshape(tuple(size for i, size in enumerate(self.shape) if i != axis))

    def compact(self) -> Layout:
        """Without registers that hold copies of others."""
        register: list[int] = []
        for basis in self.register:
            if Span(register).solve(basis) is None:
                register.append(basis)
        return Layout(self.shape, tuple(register), self.lane, self.warp)

    def _mapped(self, moved: object, shape: tuple[int, ...]) -> Layout:
        return Layout(shape, *(tuple(map(moved, bases)) for bases in (self.register, self.lane, self.warp)))

    # --- as text, the form of attributes

    def __str__(self) -> str:
        return " ".join(
            f"{name}[{','.join(map(str, bases))}]"
            for name, bases in (("r", self.register), ("l", self.lane), ("w", self.warp))
        )

    @staticmethod
    def parse(text: str, shape: Sequence[int]) -> Layout:
        """The layout that :meth:`__str__` gives.

        >>> str(Layout.parse("r[1,2] l[4,8,16,32,64] w[]", (128,)))
        'r[1,2] l[4,8,16,32,64] w[]'
        """
        parts = [part[2:-1] for part in text.split(" ")]
        register, lane, warp = (tuple(int(basis) for basis in part.split(",") if basis) for part in parts)
        return Layout(tuple(shape), register, lane, warp)


@functools.lru_cache(maxsize=4096)
def _span(vectors: tuple[int, ...]) -> Span:
    return Span(vectors)


@functools.lru_cache(maxsize=4096)
def _all_sums(bases: tuple[int, ...]) -> np.ndarray:
    sums = np.zeros(1, np.int64)
    for basis in bases:
        sums = np.concatenate([sums, sums ^ basis])
    return sums


# --- the families -----------------------------------------------------------------------------------------------------


class _Filler:
    """Hands out the bits of a tile's dimensions, lowest first; zero (a copy) where a dimension is used up."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape, self.strides = tuple(shape), strides_of(shape)
        self.taken = [1] * len(self.shape)

    def left(self, dim: int) -> int:
        return self.shape[dim] // self.taken[dim]

    def take(self, dim: int, count: int, *, pad: bool = True) -> tuple[int, ...]:
        """Bases of ``count`` (a power of two) along a dimension; what is too many are copies, or left out."""
        bases = []
        for _ in range(log2(count)):
            if self.taken[dim] < self.shape[dim]:
                bases.append(self.taken[dim] * self.strides[dim])
                self.taken[dim] *= 2
            elif pad:
                bases.append(0)
        return tuple(bases)


def blocked(shape: Sequence[int], vector: int, warps: int, order: Sequence[int] | None = None) -> Layout:
    """Successive threads hold successive runs of ``vector`` elements along the fastest dimension, then the next ones.

    ``order`` names the dimensions from the fastest on (the last first, without it).  Lanes fill the fastest dimension
    first; warps go to the slowest one that has room, so that a row stays in one warp where there are enough rows.
    What threads do not cover is repeated in registers; what is too small for all threads is held in copies.

    >>> str(blocked((256,), 4, 2))
    'r[1,2] l[4,8,16,32,64] w[128]'
    """
    order = list(reversed(range(len(shape)))) if order is None else list(order)
    fill = _Filler(shape)
    register = fill.take(order[0], min(vector, shape[order[0]])) if order else ()
    lane: tuple[int, ...] = ()
    for dim in order:
        lane += fill.take(dim, min(fill.left(dim), 1 << (LANE_BITS - len(lane))))
    lane += (0,) * (LANE_BITS - len(lane))
    warp: tuple[int, ...] = ()
    for dim in reversed(order):
        warp += fill.take(dim, min(fill.left(dim), warps >> len(warp)))
    warp += (0,) * (log2(warps) - len(warp))
    for dim in order:
        register += fill.take(dim, fill.left(dim))
    return Layout(tuple(shape), register, lane, warp)


def _warp_grid(warps: int, blocks_m: int, blocks_n: int) -> tuple[int, int]:
    """Warps along rows and columns of a product: of the divisions, that whose warps' tiles are nearest to squares."""
    best = (1, 1)
    for _ in range(log2(warps)):
        m, n = best
        if blocks_m // m >= blocks_n // n and blocks_m // m > 1:
            best = (m * 2, n)
        elif blocks_n // n > 1:
            best = (m, n * 2)
        else:
            best = (m * 2, n) if blocks_m // m > 1 else (m, n * 2)
    return best


def mma_accumulator(shape: tuple[int, int], warps: int, rows: int = 16, grid: tuple[int, int] | None = None) -> Layout:
    """The accumulator of ``mma.sync`` of m16n8 (``rows=8``: of m8n8, the one for f64), tiled over the warps.

    A lane holds two neighbouring columns of row lane/4, and of the row eight below.
    """
    m, n = shape
    fill = _Filler(shape)
    along_m, along_n = grid or _warp_grid(warps, max(m // rows, 1), max(n // 8, 1))
    register = fill.take(1, 2)
    lane = fill.take(1, 4) + fill.take(0, 8)
    register += fill.take(0, rows // 8, pad=False)
    return _tiled(shape, fill, register, lane, along_m, along_n, columns_first=True)


def _tiled(
    shape: tuple[int, int],
    fill: _Filler,
    register: tuple[int, ...],
    lane: tuple[int, ...],
    along_m: int,
    along_n: int,
    columns_first: bool,
) -> Layout:
    """Warps take the outermost pieces of each dimension, registers what is between."""
    inner = [max(fill.left(0) // along_m, 1), max(fill.left(1) // along_n, 1)]
    for dim in (1, 0) if columns_first else (0, 1):
        register += fill.take(dim, inner[dim])
    warp = fill.take(0, along_m) + fill.take(1, along_n)
    return Layout(shape, register, lane, warp)


def mma_operand(accumulator: Layout, shape: tuple[int, int], operand: int, bits: int, rows: int = 16) -> Layout:
    """The layout of operand 0 (M x K) or 1 (K x N) of ``mma.sync`` for an accumulator's layout.

    Four lanes hold 16 bytes of successive k between them (of f64: one element each), 4 bytes a lane; a second such
    piece follows in k (none for f64).
    """
    parallel = operand  # the dimension of this tile that is the accumulator's too
    depth = 1 - parallel
    fill = _Filler(shape)
    packed = max(32 // bits, 1)
    register = fill.take(depth, packed)
    lane = fill.take(depth, 4) + fill.take(parallel, 8)
    if operand == 0:
        register += fill.take(parallel, rows // 8, pad=False)
    if rows == 16:
        register += fill.take(depth, 2, pad=False)
    # then as the accumulator has it in the common dimension; k innermost, so that a fragment's registers follow
    stride, own = accumulator.shape[1] if operand == 0 else 1, fill.strides[parallel]
    size = shape[parallel]

    def common(basis: int) -> int:
        return (basis // stride % size) * own

    have = set(register + lane)
    register += fill.take(depth, fill.left(depth))
    register += tuple(common(b) for b in accumulator.register if common(b) and common(b) not in have)
    return Layout(shape, register, lane, tuple(common(b) for b in accumulator.warp))


def wgmma_accumulator(shape: tuple[int, int], warps: int, columns: int | None = None) -> Layout:
    """The accumulator of ``wgmma`` of m64nN: each of a warpgroup's four warps holds 16 rows.

    More warpgroups take further rows of 64, then columns.  ``columns`` is N of one instruction.
    """
    m, n = shape
    fill = _Filler(shape)
    groups = warps // 4
    along_m = min(groups, max(m // 64, 1))
    along_n = groups // along_m
    columns = columns or min(256, max(n // along_n, 8))
    register = fill.take(1, 2)
    lane = fill.take(1, 4) + fill.take(0, 8)
    register += fill.take(0, 2)
    register += fill.take(1, columns // 8)
    warp = fill.take(0, 4)
    between_m, between_n = max(fill.left(0) // along_m, 1), max(fill.left(1) // along_n, 1)
    register += fill.take(1, between_n) + fill.take(0, between_m)
    warp += fill.take(0, along_m) + fill.take(1, along_n)
    return Layout(shape, register, lane, warp)
