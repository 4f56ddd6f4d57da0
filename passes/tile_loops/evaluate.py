"""The value of a tile at one place of a loop, from those of its operands: elementwise work, views, loads and stores.

``emitter.py`` opens the loops and asks here.  Integers that address memory are followed as base + stride * lane, so
that what lies side by side is read as a vector.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.tile_loops.chunks import Buffer, Chunk, VectorBuilder

__all__ = ["Evaluator", "Index", "lane_dimension"]

Index = tuple[ir.Value | int, ...]


def lane_dimension(shape: Sequence[int]) -> int | None:
    """The dimension along which lanes lie: the last that is larger than 1."""
    return max((i for i, size in enumerate(shape) if size > 1), default=None)


def dimensions(value: ir.Value) -> tuple[int, ...]:
    """The shape of a tile; empty for a scalar."""
    return tuple(value.type.shape) if isinstance(value.type, ir.RankedTensorType) else ()


def element_of(kind: ir.Type) -> ir.Type:
    return kind.element_type if isinstance(kind, ir.RankedTensorType | ir.MemRefType) else kind


class Evaluator:
    """Evaluates values at (index, lane dimension); within one place each is computed once."""

    def __init__(self, b: VectorBuilder, scalars: dict[ir.Value, ir.Value], buffers: dict[ir.Value, Buffer]) -> None:
        self.b = b
        self.scalars = scalars
        self.buffers = buffers
        self.known: dict[tuple[ir.Value, Index, int | None], Chunk] = {}

    def at(self, value: ir.Value, index: Index, lane: int | None) -> Chunk:
        """The value at an index of its own dimensions, along dimension ``lane`` as many as the builder's width."""
        key = (value, index, lane)
        if key not in self.known:
            self.known[key] = self._chunk(value, index, lane)
        return self.known[key]

    def _chunk(self, value: ir.Value, index: Index, lane: int | None) -> Chunk:
        if not isinstance(value.type, ir.RankedTensorType):
            return self._of_scalar(value)
        if value in self.buffers:
            return self._from_buffer(self.buffers[value], index, lane)
        op = value.owner.operation
        name = op.name.removeprefix("astra.tile_")
        method = getattr(self, f"_eval_{name.replace('.', '_')}", None)
        if method is not None:
            return method(op, index, lane)  # type: ignore[no-any-return]
        if op.name.startswith(("arith.", "math.")):
            return self._elementwise(op, index, lane)
        raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' has no CPU lowering in tile functions")

    def _of_scalar(self, value: ir.Value) -> Chunk:
        new = self.scalars[value]
        number = None
        owner = value.owner
        if not isinstance(owner, ir.Block) and owner.name == "arith.constant":
            attribute = owner.operation.attributes["value"]
            number = attribute.value if isinstance(attribute, ir.IntegerAttr) else None
        linear = self._linear_of(new, number)
        return Chunk(value.type, scalar=new, linear=linear, number=number)

    def _linear_of(self, scalar: ir.Value, number: int | None) -> tuple[ir.Value | int, int] | None:
        if not isinstance(scalar.type, ir.IntegerType) or scalar.type.width < 32:
            return None
        return (number if number is not None else self.b.to_index(scalar), 0)

    def _from_buffer(self, buffer: Buffer, index: Index, lane: int | None) -> Chunk:
        b = self.b
        place = b.flat(buffer, list(index))
        if lane is None:
            scalar = b.read(buffer, place, 0)
            return Chunk(buffer.element, scalar=scalar, linear=self._linear_of(scalar, None))
        stride = buffer.strides[lane]
        if stride == 1:
            return Chunk(buffer.element, vector=b.read(buffer, place, b.width))
        elements = [b.read(buffer, b.value(b.add(place, i * stride)), 0) for i in range(b.width)]
        kind = b.vector_type(buffer.element)
        return Chunk(buffer.element, vector=b.op("vector.from_elements", elements, (kind,)).results[0])

    # --- views and ranges ----------------------------------------------------------------------------------------

    def _eval_arange(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        b, element = self.b, op.result.type.element_type
        base = b.add(index[0], value_of(op, "start"))
        if lane is None:
            return Chunk(element, scalar=b.from_index(base, element), linear=(base, 0))

        def make() -> ir.Value:
            return b.binary("addi", b.splat(b.from_index(base, element)), b.iota(element))

        return Chunk(element, make=make, linear=(base, 1))

    def _eval_tensor_splat(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        del index, lane
        return self._of_scalar(op.operands[0])

    def _eval_arith_constant(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        del index, lane
        attribute = ir.DenseElementsAttr(op.attributes["value"])
        if not attribute.is_splat:
            raise UnsupportedError(f"{source_place(op.location)}: a tile constant of different elements")
        element = attribute.type.element_type
        scalar = self.b.op("arith.constant", (), (element,), {"value": attribute.get_splat_value()}).results[0]
        found = attribute.get_splat_value()
        number = found.value if isinstance(found, ir.IntegerAttr) else None
        return Chunk(element, scalar=scalar, linear=self._linear_of(scalar, number), number=number)

    def _eval_broadcast(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        shape = dimensions(op.operands[0])
        inner = tuple(0 if size == 1 else i for size, i in zip(shape, index, strict=True))
        return self.at(op.operands[0], inner, lane if lane is not None and shape[lane] > 1 else None)

    def _eval_transpose(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        order = int_list(op, "permutation")
        inner: list[ir.Value | int] = [0] * len(order)
        for i, source in enumerate(order):
            inner[source] = index[i]
        return self.at(op.operands[0], tuple(inner), order[lane] if lane is not None else None)

    def _eval_reshape(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        """Only dimensions of 1 come and go; others are views of buffers."""
        rest = [
            (i, number) for number, (i, size) in enumerate(zip(index, dimensions(op.result), strict=True)) if size > 1
        ]
        inner: list[ir.Value | int] = []
        inner_lane = None
        for position, size in enumerate(dimensions(op.operands[0])):
            if size == 1:
                inner.append(0)
                continue
            number, source = rest.pop(0)
            inner.append(number)
            if source == lane:
                inner_lane = position
        return self.at(op.operands[0], tuple(inner), inner_lane)

    # --- elementwise ---------------------------------------------------------------------------------------------

    def _elementwise(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        b = self.b
        chunks = [self.at(v, index, lane) if dimensions(v) else self._of_scalar(v) for v in op.operands]
        element = element_of(op.result.type)
        attributes = {name: op.attributes[name] for name in op.attributes}
        narrow = isinstance(element, ir.IntegerType) and element.width < 32
        linear = None if narrow else _linear(op.name, chunks, b)
        if all(chunk.scalar is not None for chunk in chunks):
            scalar = b.op(op.name, [c.scalar for c in chunks if c.scalar is not None], (element,), attributes).results[
                0
            ]
            return Chunk(element, scalar=scalar, linear=self._linear_of(scalar, None) and linear)

        def make() -> ir.Value:
            operands = [b.lanes(chunk) for chunk in chunks]
            return b.op(op.name, operands, (b.vector_type(element),), attributes).results[0]

        if linear is not None:
            return Chunk(element, make=make, linear=linear)
        return Chunk(element, vector=make())

    # --- memory --------------------------------------------------------------------------------------------------

    def _own(self, value: ir.Value, index: Index, lane: int | None) -> Chunk:
        return self.at(value, index, lane) if dimensions(value) else self._of_scalar(value)

    def _eval_load(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        b = self.b
        memref, element = self.scalars[op.operands[0]], op.operands[0].type.element_type
        offsets = self._own(op.operands[1], index, lane)
        mask = self._own(op.operands[2], index, lane) if len(op.operands) > 2 else None
        other = self._own(op.operands[3], index, lane) if len(op.operands) > 3 else None
        kind = element_of(op.result.type)
        if offsets.scalar is not None and (mask is None or mask.scalar is not None):
            return self._load_one(memref, offsets, mask, other, kind)
        wide = b.vector_type(kind)
        if offsets.linear is not None and offsets.linear[1] == 1:
            base = b.value(offsets.linear[0])
            if mask is None:
                return Chunk(kind, vector=b.op("vector.load", (memref, base), (wide,)).results[0])
            operands = (memref, base, b.lanes(mask), self._other(other, kind))
            return Chunk(kind, vector=b.op("vector.maskedload", operands, (wide,)).results[0])
        del element
        operands = (memref, b.constant(0), b.lanes(offsets), self._mask(mask), self._other(other, kind))
        return Chunk(kind, vector=b.op("vector.gather", operands, (wide,)).results[0])

    def _load_one(
        self, memref: ir.Value, offsets: Chunk, mask: Chunk | None, other: Chunk | None, kind: ir.Type
    ) -> Chunk:
        b = self.b
        assert offsets.scalar is not None
        place = b.to_index(offsets.scalar)
        if mask is None:
            scalar = b.load(memref, (place,))
            return Chunk(kind, scalar=scalar, linear=self._linear_of(scalar, None))
        assert mask.scalar is not None
        if other is not None and other.scalar is None:  # all lanes read one element, and give others without it
            found = self._load_one(memref, offsets, mask, None, kind)
            return Chunk(kind, vector=b.op(
                "arith.select", (b.lanes(mask), b.lanes(found), b.lanes(other)), (b.vector_type(kind),)
            ).results[0])  # fmt: skip
        default = other.scalar if other is not None else self._zero(kind)
        assert default is not None
        op = b.op("scf.if", (mask.scalar,), (kind,), regions=2)
        outer = b.ip
        for region, value in zip(op.regions, (None, default), strict=True):
            b.ip = ir.InsertionPoint(region.blocks.append())
            b.op("scf.yield", (b.load(memref, (place,)) if value is None else value,))
        b.ip = outer
        return Chunk(kind, scalar=op.result, linear=self._linear_of(op.result, None))

    def _zero(self, kind: ir.Type, width: int | None = None) -> ir.Value:
        zero = ir.FloatAttr.get(kind, 0.0) if isinstance(kind, ir.FloatType) else ir.IntegerAttr.get(kind, 0)
        if width is None:
            return self.b.op("arith.constant", (), (kind,), {"value": zero}).results[0]
        wide = self.b.vector_type(kind, width)
        return self.b.op("arith.constant", (), (wide,), {"value": ir.DenseElementsAttr.get_splat(wide, zero)}).results[
            0
        ]

    def _other(self, other: Chunk | None, kind: ir.Type) -> ir.Value:
        return self.b.lanes(other) if other is not None else self._zero(kind, self.b.width)

    def _mask(self, mask: Chunk | None) -> ir.Value:
        if mask is not None:
            return self.b.lanes(mask)
        kind = self.b.vector_type(ir.IntegerType.get_signless(1))
        one = ir.DenseElementsAttr.get_splat(kind, ir.BoolAttr.get(True))
        return self.b.op("arith.constant", (), (kind,), {"value": one}).results[0]

    def store(self, op: ir.Operation, index: Index, lane: int | None) -> None:
        """``astra.tile_store`` at one place."""
        b = self.b
        memref = self.scalars[op.operands[0]]
        offsets, value = (self._own(v, index, lane) for v in list(op.operands)[1:3])
        mask = self._own(op.operands[3], index, lane) if len(op.operands) > 3 else None
        if lane is None:
            assert offsets.scalar is not None and value.scalar is not None
            if mask is not None:
                assert mask.scalar is not None
                b.branch(mask.scalar)
            b.store(value.scalar, memref, (b.to_index(offsets.scalar),))
            if mask is not None:
                b.leave()
            return
        lanes = b.lanes(value)
        if offsets.linear is not None and offsets.linear[1] == 1:
            base = b.value(offsets.linear[0])
            if mask is None:
                b.op("vector.store", (lanes, memref, base))
            else:
                b.op("vector.maskedstore", (memref, base, b.lanes(mask), lanes))
            return
        b.op("vector.scatter", (memref, b.constant(0), b.lanes(offsets), self._mask(mask), lanes))

    # --- blocks of arrays ----------------------------------------------------------------------------------------

    def _block_place(
        self, numbers: Sequence[ir.Value], shape: Sequence[int], index: Index, lane: int | None
    ) -> tuple[ir.Value, ir.Value]:
        """The address of the first lane and which lanes are inside of the array (a scalar without lanes)."""
        b, rank = self.b, len(shape)
        values = [b.to_index(self.scalars[v]) for v in numbers]
        sizes, strides, firsts = values[:rank], values[rank : 2 * rank], values[2 * rank :]
        place: ir.Value | int = 0
        inside: ir.Value | None = None
        bit = ir.IntegerType.get_signless(1)
        less = {"predicate": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 6)}  # unsigned: negative is outside
        for d in range(rank):
            at = b.value(b.add(firsts[d], index[d]))
            place = b.add(place, b.product(at, strides[d]) if d < rank - 1 else at)
            if d == lane:
                lanes = b.binary("addi", b.splat(at), b.iota(b.index))
                ok = b.op("arith.cmpi", (lanes, b.splat(sizes[d])), (b.vector_type(bit),), less).results[0]
            else:
                ok = b.op("arith.cmpi", (at, sizes[d]), (bit,), less).results[0]
            if inside is None:
                inside = ok
            else:
                wide = isinstance(inside.type, ir.VectorType), isinstance(ok.type, ir.VectorType)
                if wide == (True, False):
                    ok = b.splat(ok)
                elif wide == (False, True):
                    inside = b.splat(inside)
                inside = b.binary("andi", inside, ok)
        assert inside is not None
        return b.value(place), inside

    def _eval_block_load(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        b, kind, shape = self.b, op.result.type.element_type, dimensions(op.result)
        memref = self.scalars[op.operands[0]]
        if lane is not None and lane != len(shape) - 1:
            raise UnsupportedError(f"{source_place(op.location)}: a block whose last dimension is 1")
        place, inside = self._block_place(list(op.operands)[1:], shape, index, lane)
        if lane is None:
            op = b.op("scf.if", (inside,), (kind,), regions=2)
            outer = b.ip
            for region, found in zip(op.regions, (True, False), strict=True):
                b.ip = ir.InsertionPoint(region.blocks.append())
                b.op("scf.yield", (b.load(memref, (place,)) if found else self._zero(kind),))
            b.ip = outer
            return Chunk(kind, scalar=op.result)
        operands = (memref, place, inside, self._zero(kind, b.width))
        return Chunk(kind, vector=b.op("vector.maskedload", operands, (b.vector_type(kind),)).results[0])

    def block_store(self, op: ir.Operation, index: Index, lane: int | None) -> None:
        """``astra.tile_block_store`` at one place."""
        b, shape = self.b, dimensions(op.operands[0])
        memref = self.scalars[op.operands[1]]
        if lane is not None and lane != len(shape) - 1:
            raise UnsupportedError(f"{source_place(op.location)}: a block whose last dimension is 1")
        value = self.at(op.operands[0], index, lane)
        place, inside = self._block_place(list(op.operands)[2:], shape, index, lane)
        if lane is None:
            assert value.scalar is not None
            b.branch(inside)
            b.store(value.scalar, memref, (place,))
            b.leave()
            return
        b.op("vector.maskedstore", (memref, place, inside, b.lanes(value)))

    def _eval_gather(self, op: ir.Operation, index: Index, lane: int | None) -> Chunk:
        """The source is in a buffer."""
        b, axis = self.b, value_of(op, "axis")
        source = self.buffers[op.operands[0]]
        picked = self.at(op.operands[1], index, lane)
        strides = source.strides
        base: ir.Value | int = 0
        for d, i in enumerate(index):
            if d != axis:
                base = b.add(base, b.mul(i, strides[d]))
        if picked.scalar is not None and lane in (None, axis):
            place = b.add(base, b.mul(b.to_index(picked.scalar), strides[axis]))
            scalar = b.read(source, b.value(place), 0)
            return Chunk(source.element, scalar=scalar)
        element = picked.element
        offsets = b.lanes(picked)
        factor = b.splat(b.constant(strides[axis], element))
        offsets = b.binary("addi", b.binary("muli", offsets, factor), b.splat(b.from_index(base, element)))
        if lane != axis:
            assert lane is not None
            step = b.splat(b.constant(strides[lane], element))
            offsets = b.binary("addi", offsets, b.binary("muli", b.iota(element), step))
        if source.element != (stored := source.memref.type.element_type):
            raise UnsupportedError(f"{source_place(op.location)}: a gather of {source.element} ({stored} in memory)")
        operands = (source.memref, b.constant(0), offsets, self._mask(None), self._zero(source.element, b.width))
        return Chunk(
            source.element, vector=b.op("vector.gather", operands, (b.vector_type(source.element),)).results[0]
        )


def _linear(name: str, chunks: Sequence[Chunk], b: VectorBuilder) -> tuple[ir.Value | int, int] | None:
    """base + stride * lane of an integer operation, where it is that."""
    if any(chunk.linear is None for chunk in chunks):
        return None
    if name in ("arith.extsi", "arith.trunci"):
        return chunks[0].linear
    if len(chunks) != 2 or name not in ("arith.addi", "arith.subi", "arith.muli"):
        return None
    (base, stride), (other, step) = (c.linear for c in chunks if c.linear is not None)
    if name == "arith.addi":
        return b.add(base, other), stride + step
    if name == "arith.subi":
        negative = b.mul(other, -1)
        return b.add(base, negative), stride - step
    if stride and step:
        return None
    if stride or step:
        factor = chunks[1].number if stride else chunks[0].number
        if factor is None:
            return None
        return b.product(base, other), (stride or step) * factor
    return b.product(base, other), 0
