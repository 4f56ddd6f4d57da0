"""Records that a sort on GPUs moves, and their order: keys that are compared as integers, and where an element was.

The position makes every order total, so networks that are not stable sort stably.  A record is one 64-bit word where a
single key has at most 32 bits; otherwise it has a part for each key (for each operand under a comparator region) and
one for the position.  Places behind the end of a row hold records that go after all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu_kernels.regions import TileRegion
from astra_mlir.passes.tile_builder import Tile, TileBuilder

__all__ = ["ComparedRecords", "KeyRecords", "Order", "PackedRecords", "key_bits"]

_INFINITY = {"f16": 0x7C00, "bf16": 0x7F80, "f32": 0x7F800000, "f64": 0x7FF0000000000000}
Read = Callable[[int], Tile]  # an operand's elements, as they lie in memory


class Order(Protocol):
    """How records are made and compared."""

    @property
    def parts(self) -> list[ir.Type]: ...

    def make(self, b: TileBuilder, read: Read, place: Tile, inside: Tile) -> list[Tile]:
        """The records of a tile of places; ``inside`` tells which of them are in the row."""

    def before(self, b: TileBuilder, x: Sequence[Tile], y: Sequence[Tile]) -> Tile:
        """Whether x goes before y; no two records are equal."""

    def position(self, b: TileBuilder, record: Sequence[Tile]) -> Tile:
        """Where the element was, i32."""


def key_bits(element: ir.Type) -> int:
    """Bits of a key of elements."""
    return 32 if isinstance(element, ir.FloatType) and element.width < 16 else max(8, element.width)


def _key(b: TileBuilder, value: Tile, element: ir.Type, descending: bool, total: bool) -> Tile:
    """An unsigned integer in the order of the elements; NaN is the largest unless in the total order of IEEE 754."""
    bits = key_bits(element)
    sign = -(1 << (bits - 1))
    if value.is_float:
        value = value if value.element.width == bits else value.to(b.f32)
        raw = b.bitcast(value, ir.IntegerType.get_signless(bits))
        negative = b.elementwise("arith.shrsi", [raw, b.like(bits - 1, raw)])
        key = raw ^ (negative | sign)
        if not total:
            magnitude = raw & ((1 << (bits - 1)) - 1)
            key = b.select(magnitude.eq(0), b.like(sign, raw), key)
            key = b.select(magnitude > _INFINITY[str(value.element)], b.like(-1, raw), key)
    else:
        unsigned = element.width == 1 or element.is_unsigned
        key = value if unsigned else value ^ sign
    return key ^ -1 if descending else key


@dataclass(frozen=True)
class PackedRecords:
    """One key of at most 32 bits above the position."""

    element: ir.Type
    descending: bool
    total: bool

    @property
    def parts(self) -> list[ir.Type]:
        return [ir.IntegerType.get_signless(64)]

    def make(self, b: TileBuilder, read: Read, place: Tile, inside: Tile) -> list[Tile]:
        key = _key(b, read(0), self.element, self.descending, self.total)
        high = b.select(inside, key.to(b.i64, unsigned=True), 0xFFFFFFFF)
        return [(high << 32) | place.to(b.i64)]

    def before(self, b: TileBuilder, x: Sequence[Tile], y: Sequence[Tile]) -> Tile:
        return b.compare(x[0], "lt", y[0], unsigned=True)

    def position(self, b: TileBuilder, record: Sequence[Tile]) -> Tile:
        return record[0].to(b.i32)


@dataclass(frozen=True)
class KeyRecords:
    """Several keys, or wide ones, then the position."""

    elements: tuple[ir.Type, ...]
    descending: bool
    total: bool

    @property
    def parts(self) -> list[ir.Type]:
        keys = [ir.IntegerType.get_signless(key_bits(element)) for element in self.elements]
        return [*keys, ir.IntegerType.get_signless(32)]

    def make(self, b: TileBuilder, read: Read, place: Tile, inside: Tile) -> list[Tile]:
        keys = [_key(b, read(i), element, self.descending, self.total) for i, element in enumerate(self.elements)]
        return [*(b.select(inside, key, -1) for key in keys), place]

    def before(self, b: TileBuilder, x: Sequence[Tile], y: Sequence[Tile]) -> Tile:
        result = x[-1] < y[-1]
        for mine, other in zip(reversed(x[:-1]), reversed(y[:-1]), strict=True):
            result = b.compare(mine, "lt", other, unsigned=True) | (mine.eq(other) & result)
        return result

    def position(self, b: TileBuilder, record: Sequence[Tile]) -> Tile:
        return record[-1]


@dataclass(frozen=True)
class ComparedRecords:
    """The elements of all operands, compared by a region, then the position."""

    elements: tuple[ir.Type, ...]  # as they lie in memory
    booleans: tuple[bool, ...]
    length: int
    less: TileRegion
    captured: Sequence[Tile]

    @property
    def parts(self) -> list[ir.Type]:
        return [*self.elements, ir.IntegerType.get_signless(32)]

    def make(self, b: TileBuilder, read: Read, place: Tile, inside: Tile) -> list[Tile]:
        return [*(read(i) for i in range(len(self.elements))), place]

    def before(self, b: TileBuilder, x: Sequence[Tile], y: Sequence[Tile]) -> Tile:
        left, right = self._values(x), self._values(y)
        first = self._less(b, left, right)
        second = self._less(b, right, left)
        inside, other_inside = x[-1] < self.length, y[-1] < self.length
        order = first | ((second ^ 1) & (x[-1] < y[-1]))
        return (inside & (other_inside ^ 1)) | (inside.eq(other_inside) & b.select(inside, order, x[-1] < y[-1]))

    def _values(self, record: Sequence[Tile]) -> list[Tile]:
        return [value.ne(0) if truth else value for value, truth in zip(record[:-1], self.booleans, strict=True)]

    def _less(self, b: TileBuilder, left: Sequence[Tile], right: Sequence[Tile]) -> Tile:
        pairs = [value for pair in zip(left, right, strict=True) for value in pair]
        return self.less(b, [*pairs, *self.captured])[0]

    def position(self, b: TileBuilder, record: Sequence[Tile]) -> Tile:
        return record[-1]
