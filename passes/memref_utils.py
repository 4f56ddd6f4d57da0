"""Small builders for memref-level IR, shared by the passes between bufferization and LLVM."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OpBuilder
from astra_mlir.errors import UnsupportedError

__all__ = [
    "Builder",
    "as_bytes",
    "byte_width",
    "identity_map",
    "is_sub_byte",
    "is_tensor",
    "load_element",
    "memref_of",
    "reinterpret",
    "row_major_strides",
    "store_element",
    "strides_and_offset",
]

DYNAMIC = ir.ShapedType.get_dynamic_size()


def is_tensor(value: ir.Value) -> bool:
    """Whether a value is a ranked tensor."""
    return isinstance(value.type, ir.RankedTensorType)


def byte_width(element: ir.Type) -> int:
    """Bytes that one element takes in memory: whole bytes, complex numbers as two floats."""
    if isinstance(element, ir.ComplexType):
        return 2 * byte_width(element.element_type)
    if isinstance(element, ir.IndexType):
        return 8
    if isinstance(element, ir.IntegerType | ir.FloatType):
        return (element.width + 7) // 8
    raise UnsupportedError(f"element type {element} has no place in memory")


def memref_of(tensor: ir.Type) -> ir.MemRefType:
    """The row-major memref type of a static tensor type."""
    return ir.MemRefType.get(tensor.shape, tensor.element_type)


def row_major_strides(shape: Sequence[int]) -> list[int]:
    """Strides, in elements, of a contiguous row-major array."""
    strides = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * shape[i + 1]
    return strides


def strides_and_offset(memref: ir.MemRefType) -> tuple[list[int], int]:
    """Strides and offset in elements (``DYNAMIC`` where not static)."""
    strides, offset = memref.get_strides_and_offset()
    return list(strides), offset


def identity_map(rank: int) -> ir.AffineMap:
    """The identity affine map of a rank."""
    return ir.AffineMap.get_identity(rank)


class Builder(OpBuilder):
    """Creates arith, memref, scf and linalg operations at an insertion point without the typed builders' cost."""

    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        super().__init__(ip, loc)
        self.index = ir.IndexType.get()

    def constant(self, value: int, kind: ir.Type | None = None) -> ir.Value:
        """An integer or index constant."""
        kind = kind or self.index
        return self.op("arith.constant", (), (kind,), {"value": ir.IntegerAttr.get(kind, value)}).results[0]

    def binary(self, name: str, lhs: ir.Value, rhs: ir.Value) -> ir.Value:
        """``arith.<name>`` of two values of one type."""
        return self.op(f"arith.{name}", (lhs, rhs), (lhs.type,)).results[0]

    def add(self, lhs: ir.Value | int, rhs: ir.Value | int) -> ir.Value | int:
        """Index addition that folds Python integers."""
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs + rhs
        if isinstance(lhs, int):
            lhs, rhs = rhs, lhs
        if isinstance(rhs, int):
            if rhs == 0:
                return lhs
            rhs = self.constant(rhs)
        return self.binary("addi", lhs, rhs)

    def mul(self, lhs: ir.Value | int, rhs: int) -> ir.Value | int:
        """Index multiplication by a constant that folds Python integers."""
        if isinstance(lhs, int):
            return lhs * rhs
        if rhs == 1:
            return lhs
        return 0 if rhs == 0 else self.binary("muli", lhs, self.constant(rhs))

    def value(self, number: ir.Value | int) -> ir.Value:
        """An SSA index for a Python integer or value."""
        return self.constant(number) if isinstance(number, int) else number

    def alloc(self, size: int) -> ir.Value:
        """An uninitialised byte buffer."""
        i8 = ir.IntegerType.get_signless(8)
        attributes = {
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0]),
            "alignment": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 64),
        }
        return self.op("memref.alloc", (), (ir.MemRefType.get([size], i8),), attributes).results[0]

    def view(self, root: ir.Value, offset: ir.Value | int, kind: ir.MemRefType) -> ir.Value:
        """A typed contiguous view of a byte buffer at a byte offset."""
        return self.op("memref.view", (root, self.value(offset)), (kind,)).results[0]

    def load(self, source: ir.Value, indices: Sequence[ir.Value]) -> ir.Value:
        """``memref.load``."""
        return self.op("memref.load", (source, *indices), (source.type.element_type,)).results[0]

    def store(self, value: ir.Value, target: ir.Value, indices: Sequence[ir.Value]) -> None:
        """``memref.store``."""
        self.op("memref.store", (value, target, *indices))

    def generic(
        self,
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        maps: ir.Attribute,
        iterators: ir.Attribute,
        block: ir.Block | None = None,
    ) -> ir.Operation:
        """A ``linalg.generic`` on memrefs; ``block`` is moved in as its body, otherwise the body copies the input."""
        op = self.op(
            "linalg.generic",
            (*inputs, *outputs),
            (),
            {
                "indexing_maps": maps,
                "iterator_types": iterators,
                "operandSegmentSizes": ir.DenseI32ArrayAttr.get([len(inputs), len(outputs)]),
            },
            regions=1,
        )
        if block is not None:
            block.append_to(op.regions[0])
        else:
            kinds = [v.type.element_type if isinstance(v.type, ir.MemRefType) else v.type for v in (*inputs, *outputs)]
            body = op.regions[0].blocks.append(*kinds, arg_locs=[self.loc] * len(kinds))
            ir.Operation.create("linalg.yield", operands=[body.arguments[0]], loc=self.loc, ip=ir.InsertionPoint(body))
        return op

    def copy(self, source: ir.Value, target: ir.Value) -> None:
        """Copy a memref into another of the same shape; a scalar source fills the target."""
        rank = target.type.rank
        identity = identity_map(rank)
        first = identity if isinstance(source.type, ir.MemRefType) else ir.AffineMap.get(rank, 0, [])
        maps = ir.ArrayAttr.get([ir.AffineMapAttr.get(first), ir.AffineMapAttr.get(identity)])
        parallel = ir.Attribute.parse("#linalg.iterator_type<parallel>")
        self.generic((source,), (target,), maps, ir.ArrayAttr.get([parallel] * rank))

    def subview(
        self,
        source: ir.Value,
        offsets: Sequence[ir.Value | int],
        sizes: Sequence[int],
        strides: Sequence[int],
        result_shape: Sequence[int],
    ) -> ir.Value:
        """``memref.subview`` with static sizes and strides; unit dimensions missing in ``result_shape`` are dropped."""
        source_strides, source_offset = strides_and_offset(source.type)
        static = all(isinstance(o, int) for o in offsets) and source_offset != DYNAMIC
        offset = source_offset + sum(o * s for o, s in zip(offsets, source_strides, strict=True)) if static else DYNAMIC
        kept, position = [], 0
        remaining = list(result_shape)
        for i, size in enumerate(sizes):
            rest = sizes[i + 1 :]
            if (
                position < len(remaining)
                and remaining[position] == size
                and not (size == 1 and _fits(remaining[position:], rest))
            ):
                kept.append(source_strides[i] * strides[i])
                position += 1
        layout = ir.StridedLayoutAttr.get(offset, kept)
        kind = ir.MemRefType.get(list(result_shape), source.type.element_type, layout)
        dynamic = [o for o in offsets if not isinstance(o, int)]
        attributes = {
            "static_offsets": ir.DenseI64ArrayAttr.get([o if isinstance(o, int) else DYNAMIC for o in offsets]),
            "static_sizes": ir.DenseI64ArrayAttr.get(list(sizes)),
            "static_strides": ir.DenseI64ArrayAttr.get(list(strides)),
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([1, len(dynamic), 0, 0]),
        }
        return self.op("memref.subview", (source, *dynamic), (kind,), attributes).results[0]


def _fits(wanted: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether ``wanted`` is ``sizes`` with some unit dimensions dropped."""
    position = 0
    for size in sizes:
        if position < len(wanted) and wanted[position] == size:
            position += 1
        elif size != 1:
            return False
    return position == len(wanted)


def reinterpret(builder: Builder, flat: ir.Value, shape: Sequence[int], strides: Sequence[int]) -> ir.Value:
    """A shaped view of a flat memref."""
    element = flat.type.element_type
    layout = None if list(strides) == row_major_strides(shape) else ir.StridedLayoutAttr.get(0, list(strides))
    kind = ir.MemRefType.get(list(shape), element, layout)
    if kind == flat.type:
        return flat
    attributes = {
        "static_offsets": ir.DenseI64ArrayAttr.get([0]),
        "static_sizes": ir.DenseI64ArrayAttr.get(list(shape)),
        "static_strides": ir.DenseI64ArrayAttr.get(list(strides)),
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([1, 0, 0, 0]),
    }
    return builder.op("memref.reinterpret_cast", (flat,), (kind,), attributes).results[0]


def is_sub_byte(kind: ir.Type) -> bool:
    """Whether elements are narrower than a byte: each takes a whole one, and LLVM vectorizes them only as bytes."""
    return isinstance(kind, ir.IntegerType | ir.FloatType) and kind.width < 8


def as_bytes(builder: Builder, flat: ir.Value) -> ir.Value:
    """A flat memref, as bytes where its elements are narrower."""
    if not is_sub_byte(flat.type.element_type):
        return flat
    kind = ir.MemRefType.get(flat.type.shape, ir.IntegerType.get_signless(8))
    return builder.op("builtin.unrealized_conversion_cast", (flat,), (kind,)).results[0]


def load_element(builder: Builder, flat: ir.Value, address: ir.Value) -> ir.Value:
    """The element at an address of a flat memref."""
    element = flat.type.element_type
    if not is_sub_byte(element):
        return builder.load(flat, [address])
    byte = builder.load(as_bytes(builder, flat), [address])
    code = builder.op("arith.trunci", (byte,), (ir.IntegerType.get_signless(element.width),)).results[0]
    return builder.op("arith.bitcast", (code,), (element,)).results[0] if isinstance(element, ir.FloatType) else code


def store_element(builder: Builder, value: ir.Value, flat: ir.Value, address: ir.Value) -> None:
    """Store an element at an address of a flat memref."""
    element = flat.type.element_type
    if not is_sub_byte(element):
        builder.store(value, flat, [address])
        return
    if isinstance(element, ir.FloatType):
        value = builder.op("arith.bitcast", (value,), (ir.IntegerType.get_signless(element.width),)).results[0]
    byte = builder.op("arith.extui", (value,), (ir.IntegerType.get_signless(8),)).results[0]
    builder.store(byte, as_bytes(builder, flat), [address])
