"""A builder of the code that one thread runs: vectors of a tile's elements, addresses, shuffles, barriers, inline PTX.

Instructions that LLVM has no operation for are inline PTX made by :meth:`Thread.ptx`, so that none depends on the name
that an intrinsic has in one version of LLVM; barriers and shuffles are intrinsics, which LLVM knows to be convergent.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.layouts import Layout
from astra_mlir.passes.memref_utils import Builder, byte_width

__all__ = ["SHARED", "Thread", "storage", "vector_of"]

SHARED = "astra_shared"  # the dynamic array that all shared memory of a kernel is in
_DYNAMIC = -(1 << 31)
_REGISTER = {16: "h", 32: "r", 64: "l"}  # constraints of inline PTX


def storage(element: ir.Type) -> ir.Type:
    """The type by which a thread holds an element: 8-bit floats are their bits, which LLVM has no type for."""
    if isinstance(element, ir.FloatType) and element.width == 8:
        return ir.IntegerType.get_signless(8)
    return element


def vector_of(count: int, element: ir.Type) -> ir.Type:
    return ir.VectorType.get([count], element)


class Thread(Builder):
    """Code of one thread of a kernel."""

    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        super().__init__(ip, loc)
        self.i1, self.i8, self.i16, self.i32, self.i64 = (
            ir.IntegerType.get_signless(width) for width in (1, 8, 16, 32, 64)
        )
        self.f32 = ir.F32Type.get()
        self.shared_pointer = ir.Type.parse("!llvm.ptr<3>")
        self.global_pointer = ir.Type.parse("!llvm.ptr<1>")

    def at(self, ip: ir.InsertionPoint) -> Thread:
        """The same builder elsewhere."""
        return Thread(ip, self.loc)

    # --- scalars

    def integer(self, value: int, kind: ir.Type | None = None) -> ir.Value:
        return self.constant(value, kind or self.i32)

    def linear(self, number: ir.Value, bases: Sequence[int]) -> ir.Value | int:
        """The XOR of ``bases[i]`` over the bits i set in an i32: one term for each distance by which bits are moved."""
        moves: dict[int, int] = {}
        for i, basis in enumerate(bases):
            for j in range(basis.bit_length()):
                if basis >> j & 1:
                    moves[j - i] = moves.get(j - i, 0) | 1 << i
        total: ir.Value | None = None
        for distance, mask in sorted(moves.items()):
            term = self.binary("andi", number, self.integer(mask))
            if distance:
                name, by = ("shli", distance) if distance > 0 else ("shrui", -distance)
                term = self.binary(name, term, self.integer(by))
            total = term if total is None else self.binary("xori", total, term)
        return 0 if total is None else total

    def equal(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.op("arith.cmpi", (a, b), (self.i1,), {"predicate": ir.IntegerAttr.get(self.i64, 0)}).results[0]

    def select(self, condition: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.op("arith.select", (condition, a, b), (a.type,)).results[0]

    def special(self, name: str) -> ir.Value:
        return self.op(f"nvvm.read.ptx.sreg.{name}", (), (self.i32,)).results[0]

    # --- vectors

    def splat(self, value: ir.Value, count: int) -> ir.Value:
        return self.op("vector.broadcast", (value,), (vector_of(count, value.type),)).results[0]

    def numbers(self, values: Sequence[int], element: ir.Type) -> ir.Value:
        """A constant vector of integers."""
        kind = vector_of(len(values), element)
        attributes = [ir.IntegerAttr.get(element, value) for value in values]
        return self.op("arith.constant", (), (kind,), {"value": ir.DenseElementsAttr.get(attributes, kind)}).results[0]

    def zero(self, kind: ir.Type) -> ir.Value:
        """Zero of a scalar or vector type."""
        element = kind.element_type if isinstance(kind, ir.VectorType) else kind
        one = ir.FloatAttr.get(element, 0.0) if isinstance(element, ir.FloatType) else ir.IntegerAttr.get(element, 0)
        value = ir.DenseElementsAttr.get_splat(kind, one) if isinstance(kind, ir.VectorType) else one
        return self.op("arith.constant", (), (kind,), {"value": value}).results[0]

    def extract(self, vector: ir.Value, index: int) -> ir.Value:
        return self.op(
            "vector.extract",
            (vector,),
            (vector.type.element_type,),
            {"static_position": ir.DenseI64ArrayAttr.get([index])},
        ).results[0]

    def part(self, vector: ir.Value, start: int, count: int) -> ir.Value:
        """``count`` neighbouring elements."""
        return self.pick(vector, range(start, start + count))

    def pick(self, vector: ir.Value, indices: Sequence[int]) -> ir.Value:
        """The elements of those numbers, as a vector."""
        indices = list(indices)
        if indices == list(range(vector.type.shape[0])):
            return vector
        if len(set(indices)) == 1:
            return self.splat(self.extract(vector, indices[0]), len(indices))
        kind = vector_of(len(indices), vector.type.element_type)
        return self.op(
            "vector.shuffle", (vector, vector), (kind,), {"mask": ir.DenseI64ArrayAttr.get(indices)}
        ).results[0]

    def join(self, parts: Sequence[ir.Value]) -> ir.Value:
        """Vectors (of one length) or scalars, one after the other as one vector."""
        if not isinstance(parts[0].type, ir.VectorType):
            kind = vector_of(len(parts), parts[0].type)
            return self.op("vector.from_elements", parts, (kind,)).results[0]
        parts = list(parts)
        while len(parts) > 1:
            if len(parts) % 2:
                break
            parts = [self._concatenated(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        if len(parts) > 1:
            return self.join([self.extract(part, i) for part in parts for i in range(part.type.shape[0])])
        return parts[0]

    def _concatenated(self, a: ir.Value, b: ir.Value) -> ir.Value:
        total = a.type.shape[0] + b.type.shape[0]
        kind = vector_of(total, a.type.element_type)
        mask = ir.DenseI64ArrayAttr.get(range(total))
        return self.op("vector.shuffle", (a, b), (kind,), {"mask": mask}).results[0]

    def bits_as(self, vector: ir.Value, element: ir.Type) -> ir.Value:
        """The same bits as a vector of another element type."""
        if vector.type.element_type == element:
            return vector
        count = vector.type.shape[0] * vector.type.element_type.width // element.width
        return self.op("vector.bitcast", (vector,), (vector_of(count, element),)).results[0]

    def scalar_bits(self, value: ir.Value, kind: ir.Type) -> ir.Value:
        """The bits of a scalar as another type of the same width."""
        if value.type == kind:
            return value
        return self.extract(self.bits_as(self.splat(value, 1), kind), 0)

    # --- memory

    def address(self, base: ir.Value, index: ir.Value | int, element: ir.Type) -> ir.Value:
        """The address of an element; an integer is a constant index."""
        dynamic = () if isinstance(index, int) else (index,)
        constant = index if isinstance(index, int) else _DYNAMIC
        return self.op(
            "llvm.getelementptr",
            (base, *dynamic),
            (base.type,),
            {
                "rawConstantIndices": ir.DenseI32ArrayAttr.get([constant]),
                "elem_type": ir.TypeAttr.get(element),
                "noWrapFlags": ir.IntegerAttr.get(self.i32, 0),
            },
        ).results[0]

    def load(self, pointer: ir.Value, kind: ir.Type, alignment: int) -> ir.Value:
        attributes = {"ordering": ir.IntegerAttr.get(self.i64, 0), "alignment": ir.IntegerAttr.get(self.i64, alignment)}
        return self.op("llvm.load", (pointer,), (kind,), attributes).results[0]

    def store(self, value: ir.Value, pointer: ir.Value, alignment: int) -> None:
        attributes = {"ordering": ir.IntegerAttr.get(self.i64, 0), "alignment": ir.IntegerAttr.get(self.i64, alignment)}
        self.op("llvm.store", (value, pointer), (), attributes)

    def shared(self, byte: ir.Value | int = 0) -> ir.Value:
        """An address in the kernel's shared memory."""
        base = self.op(
            "llvm.mlir.addressof", (), (self.shared_pointer,), {"global_name": ir.FlatSymbolRefAttr.get(SHARED)}
        ).results[0]
        return base if isinstance(byte, int) and byte == 0 else self.address(base, byte, self.i8)

    def as_words(self, vector: ir.Value) -> list[ir.Value]:
        """A vector's bits as integers of 32 bits (a single smaller integer where it has fewer)."""
        bits = vector.type.shape[0] * vector.type.element_type.width
        element = self.i32 if bits % 32 == 0 else ir.IntegerType.get_signless(bits)
        words = self.bits_as(vector, element)
        return [self.extract(words, i) for i in range(words.type.shape[0])]

    def from_words(self, words: Sequence[ir.Value], element: ir.Type) -> ir.Value:
        """The vector whose bits are those of integers."""
        return self.bits_as(self.join(list(words)), element)

    # --- instructions

    def ptx(
        self,
        text: str,
        constraints: str,
        operands: Sequence[ir.Value],
        results: Sequence[ir.Type] = (),
        *,
        pure: bool = False,
    ) -> list[ir.Value]:
        """Inline PTX; ``pure`` where it neither touches memory nor depends on other threads."""
        attributes: dict[str, ir.Attribute] = {
            "asm_string": ir.StringAttr.get(text),
            "constraints": ir.StringAttr.get(constraints),
        }
        if not pure:
            attributes["has_side_effects"] = ir.UnitAttr.get()
        if len(results) < 2:
            return list(self.op("llvm.inline_asm", operands, tuple(results), attributes).results)
        struct = ir.Type.parse(f"!llvm.struct<({', '.join(map(str, results))})>")
        packed = self.op("llvm.inline_asm", operands, (struct,), attributes).results[0]
        return [
            self.op("llvm.extractvalue", (packed,), (kind,), {"position": ir.DenseI64ArrayAttr.get([i])}).results[0]
            for i, kind in enumerate(results)
        ]

    def barrier(self, warps: int) -> None:
        """Waits for all threads of the block (or of the warp, if it is alone) and their accesses of memory."""
        if warps == 1:
            self.op("nvvm.bar.warp.sync", (self.integer(-1),))
        else:
            none = ir.DenseI32ArrayAttr.get([0, 0])
            self.op("nvvm.barrier", (), (), {"aligned": ir.BoolAttr.get(True), "operandSegmentSizes": none})

    def shuffle(self, value: ir.Value, lane: ir.Value, mode: str = "idx") -> ir.Value:
        """A scalar as another lane of the warp has it: ``idx``: of that number, ``bfly``: of that XOR one's own."""
        kind = value.type
        width = kind.width
        if width == 64:
            words = self.as_words(self.splat(value, 1))
            return self.extract(self.from_words([self.shuffle(word, lane, mode) for word in words], kind), 0)
        bits = self.scalar_bits(value, ir.IntegerType.get_signless(width))
        if width < 32:
            bits = self.op("arith.extui", (bits,), (self.i32,)).results[0]
        everyone, clamp = self.integer(-1), self.integer(31)
        kind_of = {"kind": ir.Attribute.parse(f"#nvvm<shfl_kind {mode}>")}
        got = self.op("nvvm.shfl.sync", (everyone, bits, lane, clamp), (self.i32,), kind_of).results[0]
        if width < 32:
            got = self.op("arith.trunci", (got,), (ir.IntegerType.get_signless(width),)).results[0]
        return self.scalar_bits(got, kind)

    def shuffle_all(self, vector: ir.Value, lane: ir.Value, mode: str = "idx") -> ir.Value:
        """Every element of a vector from one other lane, packed into words where they fit."""
        element = vector.type.element_type
        bits = vector.type.shape[0] * element.width
        if element.width == 1 or bits % 32:
            return self.join([self.shuffle(self.extract(vector, i), lane, mode) for i in range(vector.type.shape[0])])
        words = [self.shuffle(word, lane, mode) for word in self.as_words(vector)]
        return self.from_words(words, element)


def element_bytes(element: ir.Type) -> int:
    """Bytes of an element in memory (a truth value takes one)."""
    return byte_width(element)


def register_elements(layout: Layout) -> list[int]:
    """What each register adds to the element number of its thread's first."""
    return [layout.element(r, 0, 0) for r in range(layout.registers)]
