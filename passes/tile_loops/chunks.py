"""What a tile's value is at one place of a loop: one element, or the lanes of a vector; and buffers of whole tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.passes.memref_utils import Builder

__all__ = ["Buffer", "Chunk", "VectorBuilder", "stored_element"]


def stored_element(element: ir.Type) -> ir.Type:
    """The element type in a buffer: booleans are bytes, as a vector of bits has another layout in memory."""
    if isinstance(element, ir.IntegerType) and element.width == 1:
        return ir.IntegerType.get_signless(8)
    return element


@dataclass(eq=False)
class Buffer:
    """A tile in memory: a flat row-major memref.  ``users`` are the tile values that are in it."""

    memref: ir.Value
    shape: tuple[int, ...]
    element: ir.Type
    root: Buffer | None = None
    users: set[ir.Value] = field(default_factory=set)

    @property
    def owner(self) -> Buffer:
        return self.root.owner if self.root is not None else self

    def viewed(self, shape: tuple[int, ...]) -> Buffer:
        """The same elements in another shape."""
        return Buffer(self.memref, shape, self.element, self.owner)

    @property
    def strides(self) -> list[int]:
        return [prod(self.shape[i + 1 :]) for i in range(len(self.shape))]


class Chunk:
    """A value at one place: ``scalar`` where all lanes are one element, else made as a vector when it is asked for.

    ``linear`` is (base, stride) for integers of which lane ``i`` is ``base + stride * i``, with the base as an index:
    for addresses, which do not wrap.
    """

    def __init__(
        self,
        element: ir.Type,
        *,
        scalar: ir.Value | None = None,
        vector: ir.Value | None = None,
        make: Callable[[], ir.Value] | None = None,
        linear: tuple[ir.Value | int, int] | None = None,
        number: int | None = None,
    ) -> None:
        self.element = element
        self.scalar = scalar
        self.vector = vector
        self.make = make
        self.linear = linear
        self.number = number  # of a constant


class VectorBuilder(Builder):
    """Builds vectors of ``width`` lanes too."""

    width = 1

    def vector_type(self, element: ir.Type, width: int | None = None) -> ir.Type:
        return ir.VectorType.get([width or self.width], element)

    def splat(self, scalar: ir.Value, width: int | None = None) -> ir.Value:
        """A scalar in all lanes."""
        return self.op("vector.broadcast", (scalar,), (self.vector_type(scalar.type, width),)).results[0]

    def lanes(self, chunk: Chunk) -> ir.Value:
        """A chunk as a vector."""
        if chunk.vector is None:
            if chunk.scalar is not None:
                chunk.vector = self.splat(chunk.scalar)
            else:
                assert chunk.make is not None
                chunk.vector = chunk.make()
        return chunk.vector

    def iota(self, element: ir.Type) -> ir.Value:
        """The lanes' numbers."""
        kind = self.vector_type(element)
        values = [ir.IntegerAttr.get(element, i) for i in range(self.width)]
        return self.op("arith.constant", (), (kind,), {"value": ir.DenseElementsAttr.get(values, kind)}).results[0]

    def to_index(self, value: ir.Value) -> ir.Value:
        if isinstance(value.type, ir.IndexType):
            return value
        return self.op("arith.index_cast", (value,), (self.index,)).results[0]

    def from_index(self, value: ir.Value | int, kind: ir.Type) -> ir.Value:
        if isinstance(value, int):
            return self.constant(value, kind)
        return self.op("arith.index_cast", (value,), (kind,)).results[0]

    def sum(self, lhs: ir.Value | int, rhs: ir.Value | int) -> ir.Value | int:
        return self.add(lhs, rhs)

    def product(self, lhs: ir.Value | int, rhs: ir.Value | int) -> ir.Value | int:
        if isinstance(rhs, int):
            return self.mul(lhs, rhs)
        if isinstance(lhs, int):
            return self.mul(rhs, lhs)
        return self.binary("muli", lhs, rhs)

    def flat(self, buffer: Buffer, index: list[ir.Value | int]) -> ir.Value:
        """The place of an element in a buffer."""
        place: ir.Value | int = 0
        for number, stride in zip(index, buffer.strides, strict=True):
            place = self.add(place, self.mul(number, stride))
        return self.value(place)

    def read(self, buffer: Buffer, place: ir.Value, width: int) -> ir.Value:
        """One element (width 0) or lanes of a buffer."""
        stored = stored_element(buffer.element)
        if width:
            kind = self.vector_type(stored, width)
            found = self.op("vector.load", (buffer.memref, place), (kind,)).results[0]
        else:
            found = self.load(buffer.memref, (place,))
        if stored == buffer.element:
            return found
        kind = self.vector_type(buffer.element, width) if width else buffer.element
        return self.op("arith.trunci", (found,), (kind,)).results[0]

    def write(self, buffer: Buffer, place: ir.Value, value: ir.Value) -> None:
        """One element or lanes into a buffer."""
        stored = stored_element(buffer.element)
        is_vector = isinstance(value.type, ir.VectorType)
        if stored != buffer.element:
            kind = self.vector_type(stored, value.type.shape[0]) if is_vector else stored
            value = self.op("arith.extui", (value,), (kind,)).results[0]
        if is_vector:
            self.op("vector.store", (value, buffer.memref, place))
        else:
            self.store(value, buffer.memref, (place,))

    def loop(self, low: int, high: ir.Value | int, step: int) -> tuple[ir.Operation, ir.Value]:
        """An ``scf.for`` without carried values; build in it between :meth:`enter` and :meth:`leave`."""
        bounds = (self.constant(low), self.value(high), self.constant(step))
        op = self.op("scf.for", bounds, (), regions=1)
        block = op.regions[0].blocks.append(self.index, arg_locs=[self.loc])
        self.saved.append(self.ip)
        self.ip = ir.InsertionPoint(block)
        return op, block.arguments[0]

    def leave(self) -> None:
        """End the region entered last, a loop's or branch's."""
        self.op("scf.yield")
        self.ip = self.saved.pop()

    def branch(self, condition: ir.Value) -> None:
        """Enter an ``scf.if`` without results."""
        op = self.op("scf.if", (condition,), (), regions=2)
        self.saved.append(self.ip)
        self.ip = ir.InsertionPoint(op.regions[0].blocks.append())

    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        super().__init__(ip, loc)
        self.saved: list[ir.InsertionPoint] = []
