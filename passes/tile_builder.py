"""Writes tile functions (``dialects/tile.py``) from Python: values with operators, broadcasting, loads, loops.

What passes use that make kernels of whole programs: ``astra-kernels-to-tile`` and the generators in
``passes/gpu_kernels``.  Unlike ``astra.kernel``, whose frontend reads a user's source, this is for generated code:
shapes are known, integers are signed unless said otherwise, and nothing is promoted but Python numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OpBuilder
from astra_mlir.dialects.tile import TILE_ATTRIBUTE

__all__ = ["Tile", "TileBuilder", "TileFunction", "block_size", "power_of_two"]

Number = int | float
Operand = "Tile | Number"


def power_of_two(size: int) -> int:
    """The least power of two that is not below ``size``.

    >>> power_of_two(48)
    64
    """
    return 1 << max(0, size - 1).bit_length()


def block_size(size: int, most: int, least: int = 1) -> int:
    """The block, a power of two between bounds, for a dimension of ``size``.

    >>> block_size(48, 32), block_size(3, 32, 16)
    (32, 16)
    """
    return min(most, max(least, power_of_two(size)))


def _joined(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    if not a or not b:
        return tuple(a or b)
    return tuple(max(x, y) for x, y in zip(a, b, strict=True))


@dataclass(frozen=True, eq=False)
class Tile:
    """A scalar or tile under construction; operators are those of signed integers or floats."""

    value: ir.Value
    builder: TileBuilder

    @property
    def shape(self) -> tuple[int, ...]:
        """The tile's shape; empty for a scalar."""
        kind = self.value.type
        return tuple(kind.shape) if isinstance(kind, ir.RankedTensorType) else ()

    @property
    def element(self) -> ir.Type:
        """The type of an element."""
        kind = self.value.type
        return kind.element_type if isinstance(kind, ir.RankedTensorType) else kind

    @property
    def is_float(self) -> bool:
        return isinstance(self.element, ir.FloatType)

    def _binary(self, name: str, other: Operand, swap: bool = False) -> Tile:
        b = self.builder
        other = b.like(other, self)
        lhs, rhs = (other, self) if swap else (self, other)
        return b.elementwise(f"arith.{name}{'f' if self.is_float else 'i'}", [lhs, rhs])

    def __add__(self, other: Operand) -> Tile:
        return self if isinstance(other, int) and other == 0 else self._binary("add", other)

    def __mul__(self, other: Operand) -> Tile:
        return self if isinstance(other, int) and other == 1 else self._binary("mul", other)

    def __sub__(self, other: Operand) -> Tile:
        return self._binary("sub", other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Operand) -> Tile:
        return self._binary("sub", other, swap=True)

    def __truediv__(self, other: Operand) -> Tile:
        return self.builder.elementwise("arith.divf", [self, self.builder.like(other, self)])

    def __floordiv__(self, other: Operand) -> Tile:
        """Of numbers that are not negative."""
        if isinstance(other, int) and other == 1:
            return self
        return self.builder.elementwise("arith.divsi", [self, self.builder.like(other, self)])

    def __mod__(self, other: Operand) -> Tile:
        """Of numbers that are not negative."""
        return self.builder.elementwise("arith.remsi", [self, self.builder.like(other, self)])

    def __and__(self, other: Operand) -> Tile:
        return self.builder.elementwise("arith.andi", [self, self.builder.like(other, self)])

    def __or__(self, other: Operand) -> Tile:
        return self.builder.elementwise("arith.ori", [self, self.builder.like(other, self)])

    def __xor__(self, other: Operand) -> Tile:
        return self.builder.elementwise("arith.xori", [self, self.builder.like(other, self)])

    def __lshift__(self, other: Operand) -> Tile:
        return self.builder.elementwise("arith.shli", [self, self.builder.like(other, self)])

    def __rshift__(self, other: Operand) -> Tile:
        """Of unsigned numbers."""
        return self.builder.elementwise("arith.shrui", [self, self.builder.like(other, self)])

    def __lt__(self, other: Operand) -> Tile:
        return self.compare("lt", other)

    def __le__(self, other: Operand) -> Tile:
        return self.compare("le", other)

    def __gt__(self, other: Operand) -> Tile:
        return self.compare("gt", other)

    def __ge__(self, other: Operand) -> Tile:
        return self.compare("ge", other)

    def eq(self, other: Operand) -> Tile:
        return self.compare("eq", other)

    def ne(self, other: Operand) -> Tile:
        return self.compare("ne", other)

    def compare(self, relation: str, other: Operand, *, unsigned: bool = False) -> Tile:
        """``lt``, ``le``, ``gt``, ``ge``, ``eq`` or ``ne``; of floats, false where one is NaN but for ``ne``."""
        return self.builder.compare(self, relation, self.builder.like(other, self), unsigned)

    def __getitem__(self, index: tuple[object, ...] | None) -> Tile:
        """``[:, None]`` and ``[None, :]``: a dimension of 1 at each ``None``."""
        index = index if isinstance(index, tuple) else (index,)
        sizes = iter(self.shape)
        return self.builder.reshape(self, [1 if part is None else next(sizes) for part in index])

    def to(self, element: ir.Type, *, unsigned: bool = False) -> Tile:
        """Converted to another type of elements; float to integer rounds to zero."""
        return self.builder.convert(self, element, unsigned)


_COMPARE_INT = {"eq": 0, "ne": 1, "lt": 2, "le": 3, "gt": 4, "ge": 5}
_COMPARE_UNSIGNED = {"eq": 0, "ne": 1, "lt": 6, "le": 7, "gt": 8, "ge": 9}
_COMPARE_FLOAT = {"eq": 1, "gt": 2, "ge": 3, "lt": 4, "le": 5, "ne": 13}


class TileBuilder(OpBuilder):
    """Creates operations of a tile function at an insertion point."""

    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        super().__init__(ip, loc)
        self.i1, self.i8, self.i32, self.i64 = (ir.IntegerType.get_signless(bits) for bits in (1, 8, 32, 64))
        self.f32 = ir.F32Type.get()

    @contextmanager
    def inside(self, block: ir.Block) -> Iterator[None]:
        """Operations made meanwhile go to the end of a block."""
        outer, self.ip = self.ip, ir.InsertionPoint(block)
        yield
        self.ip = outer

    # --- operations ----------------------------------------------------------------------------------------------

    def wrap(self, value: ir.Value) -> Tile:
        """A value made elsewhere."""
        return Tile(value, self)

    def one(self, name: str, operands: Sequence[Tile], kind: ir.Type, **attributes: ir.Attribute) -> Tile:
        return Tile(self.op(name, [t.value for t in operands], [kind], attributes).results[0], self)

    @staticmethod
    def kind(shape: Sequence[int], element: ir.Type) -> ir.Type:
        """The type of a tile, or of a scalar."""
        return ir.RankedTensorType.get(list(shape), element) if shape else element

    def elementwise(
        self, name: str, operands: Sequence[Tile], element: ir.Type | None = None, **attributes: ir.Attribute
    ) -> Tile:
        """An operation of ``arith`` or ``math`` on operands brought to one shape."""
        shape: tuple[int, ...] = ()
        for operand in operands:
            shape = _joined(shape, operand.shape)
        spread = [self.broadcast(operand, shape) for operand in operands]
        return self.one(name, spread, self.kind(shape, element or operands[0].element), **attributes)

    def constant(self, value: Number, element: ir.Type) -> Tile:
        """A scalar constant."""
        if isinstance(element, ir.FloatType):
            attribute: ir.Attribute = ir.FloatAttr.get(element, float(value))
        else:
            attribute = ir.IntegerAttr.get(element, int(value))
        return self.one("arith.constant", [], element, value=attribute)

    def full(self, shape: Sequence[int], value: Number, element: ir.Type) -> Tile:
        """A tile of one value."""
        return self.broadcast(self.constant(value, element), shape)

    def like(self, value: Operand, other: Tile) -> Tile:
        """A Python number as a scalar of another value's elements."""
        return value if isinstance(value, Tile) else self.constant(value, other.element)

    def index(self, value: int) -> Tile:
        """An i32 scalar."""
        return self.constant(value, self.i32)

    def program_id(self, axis: int) -> Tile:
        return self.one("astra.tile_program_id", [], self.i32, axis=self.integer(axis))

    def integer(self, value: int) -> ir.Attribute:
        return ir.IntegerAttr.get(self.i64, value)

    def arange(self, size: int, start: int = 0) -> Tile:
        """``start``, ``start + 1``, ...; ``size`` of them."""
        return self.one("astra.tile_arange", [], self.kind([size], self.i32), start=self.integer(start))

    def reshape(self, value: Tile, shape: Sequence[int]) -> Tile:
        return (
            value
            if value.shape == tuple(shape)
            else self.one("astra.tile_reshape", [value], self.kind(shape, value.element))
        )

    def transpose(self, value: Tile, permutation: Sequence[int] = (1, 0)) -> Tile:
        shape = [value.shape[i] for i in permutation]
        order = ir.DenseI64ArrayAttr.get(list(permutation))
        return self.one("astra.tile_transpose", [value], self.kind(shape, value.element), permutation=order)

    def gather(self, value: Tile, index: Tile, axis: int) -> Tile:
        """The elements of a tile at indices along an axis."""
        kind = self.kind(index.shape, value.element)
        return self.one("astra.tile_gather", [value, index], kind, axis=self.integer(axis))

    def broadcast(self, value: Tile, shape: Sequence[int]) -> Tile:
        """A scalar, or a tile with dimensions of 1, as a tile of a shape."""
        if value.shape == tuple(shape):
            return value
        name = "astra.tile_broadcast" if value.shape else "tensor.splat"
        return self.one(name, [value], self.kind(shape, value.element))

    def compare(self, a: Tile, relation: str, b: Tile, unsigned: bool = False) -> Tile:
        table = _COMPARE_FLOAT if a.is_float else _COMPARE_UNSIGNED if unsigned else _COMPARE_INT
        name = "arith.cmpf" if a.is_float else "arith.cmpi"
        return self.elementwise(name, [a, b], self.i1, predicate=self.integer(table[relation]))

    def select(self, condition: Tile, a: Operand, b: Operand) -> Tile:
        if not isinstance(a, Tile):
            assert isinstance(b, Tile)
            a = self.like(a, b)
        return self.elementwise("arith.select", [condition, a, self.like(b, a)], a.element)

    def minimum(self, a: Tile, b: Operand) -> Tile:
        return self.elementwise("arith.minimumf" if a.is_float else "arith.minsi", [a, self.like(b, a)])

    def maximum(self, a: Tile, b: Operand) -> Tile:
        return self.elementwise("arith.maximumf" if a.is_float else "arith.maxsi", [a, self.like(b, a)])

    def math(self, name: str, *operands: Tile) -> Tile:
        """``math.<name>``."""
        return self.elementwise(f"math.{name}", operands)

    def convert(self, value: Tile, element: ir.Type, unsigned: bool = False) -> Tile:
        old = value.element
        if old == element:
            return value
        to_float = isinstance(element, ir.FloatType)
        if value.is_float and to_float:
            if old.width == element.width:  # bf16 and f16
                return self.convert(self.convert(value, self.f32), element)
            name = "extf" if element.width > old.width else "truncf"
        elif value.is_float:
            name = "fptoui" if unsigned else "fptosi"
        elif to_float:
            name = "uitofp" if unsigned or old.width == 1 else "sitofp"
        elif element.width < old.width:
            name = "trunci"
        else:
            name = "extui" if unsigned or old.width == 1 else "extsi"
        return self.elementwise(f"arith.{name}", [value], element)

    def bitcast(self, value: Tile, element: ir.Type) -> Tile:
        return value if value.element == element else self.elementwise("arith.bitcast", [value], element)

    # --- memory --------------------------------------------------------------------------------------------------

    def load(self, pointer: ir.Value, offsets: Tile, mask: Tile | None = None, other: Operand | None = None) -> Tile:
        """The elements at offsets; ``other``, or 0, where the mask is false."""
        element = pointer.type.element_type
        operands = [self.wrap(pointer), offsets]
        if mask is not None:
            operands.append(self.broadcast(mask, offsets.shape))
            if other is not None:
                other = other if isinstance(other, Tile) else self.constant(other, element)
                operands.append(self.broadcast(other, offsets.shape))
        return self.one("astra.tile_load", operands, self.kind(offsets.shape, element))

    def store(self, pointer: ir.Value, offsets: Tile, value: Tile, mask: Tile | None = None) -> None:
        operands = [pointer, offsets.value, self.broadcast(value, offsets.shape).value]
        if mask is not None:
            operands.append(self.broadcast(mask, offsets.shape).value)
        self.op("astra.tile_store", operands)

    def atomic(self, kind: str, pointer: ir.Value, offsets: Tile, value: Tile, mask: Tile | None = None) -> Tile:
        operands = [self.wrap(pointer), offsets, self.broadcast(value, offsets.shape)]
        if mask is not None:
            operands.append(self.broadcast(mask, offsets.shape))
        result = self.kind(offsets.shape, value.element)
        attributes = {"kind": ir.StringAttr.get(kind), "ordering": ir.StringAttr.get("relaxed")}
        op = self.op("astra.tile_atomic", [operand.value for operand in operands], [result], attributes)
        return self.wrap(op.results[0])

    def block_load(
        self,
        pointer: ir.Value,
        sizes: Sequence[int],
        strides: Sequence[int],
        indices: Sequence[Tile],
        block: Sequence[int],
    ) -> Tile:
        """A block of an array; what is outside of it reads as 0."""
        numbers = [self.constant(number, self.i64) for number in (*sizes, *strides)]
        kind = self.kind(block, pointer.type.element_type)
        rank = self.integer(len(sizes))
        return self.one("astra.tile_block_load", [self.wrap(pointer), *numbers, *indices], kind, rank=rank)

    # --- across elements -----------------------------------------------------------------------------------------

    def _across(
        self,
        name: str,
        values: Sequence[Tile],
        shapes: Sequence[tuple[int, ...]],
        combine: Combine,
        **attributes: ir.Attribute,
    ) -> list[Tile]:
        kinds = [self.kind(shape, value.element) for value, shape in zip(values, shapes, strict=True)]
        op = self.op(name, [v.value for v in values], kinds, attributes, regions=1)
        scalars = [value.element for value in values] * 2
        block = op.regions[0].blocks.append(*scalars, arg_locs=[self.loc] * len(scalars))
        with self.inside(block):
            arguments = [self.wrap(argument) for argument in block.arguments]
            combined = combine(self, arguments[: len(values)], arguments[len(values) :])
            self.op("astra.yield", [value.value for value in combined])
        return [self.wrap(result) for result in op.results]

    def reduce(self, values: Sequence[Tile], axis: int, combine: Combine) -> list[Tile]:
        """Values combined along an axis, which is gone then."""
        shape = values[0].shape
        shapes = [shape[:axis] + shape[axis + 1 :]] * len(values)
        return self._across("astra.tile_reduce", values, shapes, combine, axis=self.integer(axis))

    def scan(self, values: Sequence[Tile], axis: int, combine: Combine, reverse: bool = False) -> list[Tile]:
        """Each element combined with all before it."""
        flag = ir.BoolAttr.get(reverse)
        shapes = [value.shape for value in values]
        return self._across("astra.tile_scan", values, shapes, combine, axis=self.integer(axis), reverse=flag)

    def sum(self, value: Tile, axis: int) -> Tile:
        return self.reduce([value], axis, lambda _, a, b: [a[0] + b[0]])[0]

    def max(self, value: Tile, axis: int) -> Tile:
        return self.reduce([value], axis, lambda b, x, y: [b.maximum(x[0], y[0])])[0]

    def dot(self, a: Tile, b: Tile, acc: Tile, precision: str = "ieee") -> Tile:
        attribute = ir.StringAttr.get(precision)
        return self.one("astra.tile_dot", [a, b, acc], acc.value.type, precision=attribute)

    # --- control -------------------------------------------------------------------------------------------------

    def loop(
        self,
        low: Operand,
        high: Operand,
        step: int,
        carried: Sequence[Tile],
        body: Callable[[Tile, list[Tile]], Sequence[Tile]],
    ) -> list[Tile]:
        """``scf.for`` over i32 with carried values; a single known iteration is no loop."""
        if isinstance(low, int) and isinstance(high, int) and 0 < high - low <= step:
            return list(body(self.index(low), list(carried)))
        bounds = [bound if isinstance(bound, Tile) else self.index(bound) for bound in (low, high, step)]
        kinds = [value.value.type for value in carried]
        op = self.op("scf.for", [value.value for value in (*bounds, *carried)], kinds, regions=1)
        block = op.regions[0].blocks.append(self.i32, *kinds, arg_locs=[self.loc] * (1 + len(kinds)))
        with self.inside(block):
            variable, *state = (self.wrap(argument) for argument in block.arguments)
            self.op("scf.yield", [value.value for value in body(variable, state)])
        return [self.wrap(result) for result in op.results]


Combine = Callable[[TileBuilder, list[Tile], list[Tile]], Sequence[Tile]]


class TileFunction:
    """A tile function under construction, detached from any module.

    ``arguments`` are (element type, is a pointer) in order; pointers come as ``memref<?xT>``.
    """

    def __init__(
        self, arguments: Sequence[tuple[ir.Type, bool]], loc: ir.Location, warps: int = 4, stages: int = 3
    ) -> None:
        dynamic = ir.ShapedType.get_dynamic_size()
        kinds = [ir.MemRefType.get([dynamic], element) if pointer else element for element, pointer in arguments]
        i64 = ir.IntegerType.get_signless(64)
        aligned = ir.DictAttr.get({"astra.divisibility": ir.IntegerAttr.get(i64, 16)})
        empty = ir.DictAttr.get({})
        self.func = ir.Operation.create(
            "func.func",
            attributes={
                "sym_name": ir.StringAttr.get("tile"),
                "sym_visibility": ir.StringAttr.get("private"),
                "function_type": ir.TypeAttr.get(ir.FunctionType.get(kinds, [])),
                TILE_ATTRIBUTE: ir.UnitAttr.get(),
                "astra.num_warps": ir.IntegerAttr.get(i64, warps),
                "astra.num_stages": ir.IntegerAttr.get(i64, stages),
                "arg_attrs": ir.ArrayAttr.get([aligned if pointer else empty for _, pointer in arguments]),
            },
            regions=1,
            loc=loc,
        )
        self.block = self.func.regions[0].blocks.append(*kinds, arg_locs=[loc] * len(kinds))
        self.arguments = list(self.block.arguments)
        self.builder = TileBuilder(ir.InsertionPoint(self.block), loc)

    def unaligned(self, numbers: Sequence[int]) -> None:
        """Pointers that need not be multiples of 16 bytes."""
        attributes = list(self.func.attributes["arg_attrs"])
        for number in numbers:
            attributes[number] = ir.DictAttr.get({})
        self.func.attributes["arg_attrs"] = ir.ArrayAttr.get(attributes)

    def finish(self, kind: str) -> str:
        """End the function; its name, which its content determines, so that equal ones are the same."""
        self.builder.op("func.return")
        digest = hashlib.sha256(self.func.get_asm(enable_debug_info=False).encode()).hexdigest()
        name = f"{kind}_{digest[:12]}"
        self.func.attributes["sym_name"] = ir.StringAttr.get(name)
        return name


def programs(*counts: int) -> tuple[int, int, int]:
    """A grid of up to three counts."""
    return (*counts, *([1] * (3 - len(counts))))  # type: ignore[return-value]


def cells(size: int, block: int) -> int:
    """How many blocks cover a size."""
    return math.ceil(size / block)
