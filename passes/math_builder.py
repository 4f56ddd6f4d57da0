"""Floating-point arithmetic written as Python expressions that become ``arith`` operations, on scalars or vectors.

``math_functions.py`` computes with :class:`Number`; each operator appends one operation at the insertion point that the
:class:`FloatBuilder` was made with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir

__all__ = ["FORMATS", "FloatBuilder", "FloatFormat", "Number"]

# arith.cmpf and arith.cmpi predicates
_FLOAT_PREDICATES = {"oeq": 1, "ogt": 2, "oge": 3, "olt": 4, "ole": 5, "one": 6, "ult": 11, "une": 13, "uno": 14}
_INTEGER_PREDICATES = {"eq": 0, "ne": 1, "slt": 2, "sle": 3, "sgt": 4, "sge": 5}


@dataclass(frozen=True)
class FloatFormat:
    """An IEEE 754 binary format."""

    bits: int
    mantissa: int  # explicit bits

    @property
    def bias(self) -> int:
        return (1 << (self.bits - self.mantissa - 2)) - 1

    @property
    def min_normal(self) -> float:
        return 2.0 ** (1 - self.bias)

    @property
    def integer_magic(self) -> float:
        """1.5 * 2^mantissa: adding it to a small number leaves the number, rounded to an integer, in the low bits."""
        return 1.5 * 2.0**self.mantissa


FORMATS = {32: FloatFormat(32, 23), 64: FloatFormat(64, 52)}


class Number:
    """An SSA value with arithmetic operators; Python numbers beside it become constants of its type."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: FloatBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.value.type == self.builder.float_type

    def _binary(self, name: str, other: Number | float, *, swap: bool = False) -> Number:
        other = other if isinstance(other, Number) else self.like(other)
        operands = (other, self) if swap else (self, other)
        suffix = "f" if self.is_float else "i"
        return self.builder.op(f"arith.{name}{suffix}", operands, self.value.type)

    def like(self, constant: float) -> Number:
        """A constant of the same type."""
        return self.builder.constant(constant) if self.is_float else self.builder.integer(int(constant))

    def __add__(self, other: Number | float) -> Number:
        return self._binary("add", other)

    def __radd__(self, other: float) -> Number:
        return self._binary("add", other, swap=True)

    def __sub__(self, other: Number | float) -> Number:
        return self._binary("sub", other)

    def __rsub__(self, other: float) -> Number:
        return self._binary("sub", other, swap=True)

    def __mul__(self, other: Number | float) -> Number:
        return self._binary("mul", other)

    def __rmul__(self, other: float) -> Number:
        return self._binary("mul", other, swap=True)

    def __truediv__(self, other: Number | float) -> Number:
        return self._binary("div", other)

    def __rtruediv__(self, other: float) -> Number:
        return self._binary("div", other, swap=True)

    def __neg__(self) -> Number:
        return self.builder.op("arith.negf", (self,), self.value.type)

    def __and__(self, other: Number | int) -> Number:
        return self._binary("and", other)

    def __or__(self, other: Number | int) -> Number:
        return self._binary("or", other)

    def __lshift__(self, other: int) -> Number:
        return self._shift("shli", other)

    def __rshift__(self, other: int) -> Number:
        return self._shift("shrsi", other)

    def _shift(self, name: str, count: int) -> Number:
        return self.builder.op(f"arith.{name}", (self, self.builder.integer(count)), self.value.type)

    def compare(self, predicate: str, other: Number | float) -> Number:
        """A truth value, by a predicate of ``arith.cmpf`` or ``arith.cmpi``."""
        other = other if isinstance(other, Number) else self.like(other)
        table, name = (_FLOAT_PREDICATES, "cmpf") if self.is_float else (_INTEGER_PREDICATES, "cmpi")
        return self.builder.op(f"arith.{name}", (self, other), self.builder.truth_type, predicate=table[predicate])


class FloatBuilder:
    """Appends operations on one floating-point type (f32, f64 or a vector of them) at the current insertion point."""

    def __init__(self, float_type: ir.Type, *, fused: bool, scales: bool = False) -> None:
        is_vector = isinstance(float_type, ir.VectorType)
        element = float_type.element_type if is_vector else float_type
        self.format = FORMATS[element.width]
        self.float_type = float_type
        self.fused = fused
        self.scales = scales
        self._shape = list(float_type.shape) if is_vector else None
        self._scalable = list(float_type.scalable_dims) if is_vector and float_type.scalable else None
        self.integer_type = self._shaped(ir.IntegerType.get_signless(element.width))
        self.truth_type = self._shaped(ir.IntegerType.get_signless(1))
        self._constants: dict[tuple[str, str], Number] = {}

    def _shaped(self, element: ir.Type) -> ir.Type:
        if self._shape is None:
            return element
        return ir.VectorType.get(self._shape, element, scalable=self._scalable)

    def of_width(self, bits: int) -> FloatBuilder:
        """A builder on f32 or f64 with the same shape."""
        return FloatBuilder(
            self._shaped(ir.F32Type.get() if bits == 32 else ir.F64Type.get()), fused=self.fused, scales=self.scales
        )

    def op(self, name: str, operands: Sequence[Number], type: ir.Type, *, predicate: int | None = None) -> Number:
        """Append one operation."""
        attributes = {}
        if predicate is not None:
            attributes["predicate"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), predicate)
        values = [operand.value for operand in operands]
        return Number(self, ir.Operation.create(name, results=[type], operands=values, attributes=attributes).result)

    def _constant(self, type: ir.Type, text: str, make: ir.Attribute) -> Number:
        key = (str(type), text)
        if key not in self._constants:
            attribute = make if self._shape is None else ir.DenseElementsAttr.get_splat(type, make)
            operation = ir.Operation.create("arith.constant", results=[type], attributes={"value": attribute})
            self._constants[key] = Number(self, operation.result)
        return self._constants[key]

    def constant(self, value: float) -> Number:
        """A floating-point constant."""
        element = self.float_type if self._shape is None else self.float_type.element_type
        return self._constant(self.float_type, f"{value!r}", ir.FloatAttr.get(element, value))

    def integer(self, value: int) -> Number:
        """A constant of the integer type of the same width."""
        width = self.format.bits
        value = (value + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
        element = ir.IntegerType.get_signless(width)
        return self._constant(self.integer_type, f"{value}", ir.IntegerAttr.get(element, value))

    # --- operations ------------------------------------------------------------------------------------------------

    def fma(self, a: Number, b: Number | float, c: Number | float) -> Number:
        """``a * b + c``, rounded once where the target has an instruction for it."""
        if not self.fused:
            return a * b + c
        operands = [x if isinstance(x, Number) else self.constant(x) for x in (a, b, c)]
        return self.op("math.fma", operands, self.float_type)

    def select(self, condition: Number, a: Number | float, b: Number | float) -> Number:
        """``a`` where ``condition`` holds, else ``b``."""
        like = a if isinstance(a, Number) else b
        assert isinstance(like, Number)
        operands = [x if isinstance(x, Number) else like.like(x) for x in (a, b)]
        return self.op("arith.select", (condition, *operands), like.value.type)

    def both(self, a: Number, b: Number) -> Number:
        """Logical and."""
        return self.op("arith.andi", (a, b), self.truth_type)

    def at_most(self, x: Number, bound: float) -> Number:
        """``min(x, bound)``; NaN stays."""
        return self.select(x.compare("ogt", bound), bound, x)

    def at_least(self, x: Number, bound: float) -> Number:
        """``max(x, bound)``; NaN stays."""
        return self.select(x.compare("olt", bound), bound, x)

    def _unary(self, name: str, x: Number) -> Number:
        return self.op(name, (x,), self.float_type)

    def abs(self, x: Number) -> Number:
        """The magnitude."""
        return self._unary("math.absf", x)

    def sqrt(self, x: Number) -> Number:
        """The square root, correctly rounded."""
        return self._unary("math.sqrt", x)

    def round(self, x: Number) -> Number:
        """The nearest integer, ties to even."""
        return self._unary("math.roundeven", x)

    def trunc(self, x: Number) -> Number:
        """The integer part."""
        return self._unary("math.trunc", x)

    def copysign(self, magnitude: Number, sign: Number) -> Number:
        """``magnitude`` with the sign of ``sign``."""
        return self.op("math.copysign", (magnitude, sign), self.float_type)

    def bits_of(self, x: Number) -> Number:
        """The bits of a floating-point number, as an integer."""
        return self.op("arith.bitcast", (x,), self.integer_type)

    def from_bits(self, x: Number) -> Number:
        """The floating-point number that has these bits."""
        return self.op("arith.bitcast", (x,), self.float_type)

    def to_float(self, x: Number) -> Number:
        """An integer as a floating-point number."""
        return self.op("arith.sitofp", (x,), self.float_type)

    def convert(self, x: Number) -> Number:
        """A number of a builder of another width in this one's type."""
        if x.builder.format.bits == self.format.bits:
            return Number(self, x.value)
        return self.op(
            "arith.extf" if x.builder.format.bits < self.format.bits else "arith.truncf", (x,), self.float_type
        )

    def to_bf16(self, x: Number) -> ir.Value:
        """An f32 rounded to bf16 (ties to even) in integer arithmetic: few processors have an instruction for it."""
        bits = self.bits_of(x)
        rounded = bits + (((bits >> 16) & 1) + 0x7FFF)
        quieted = bits | 0x400000
        high = self.select(x.compare("uno", x), quieted, rounded) >> 16
        narrow = self.op("arith.trunci", (high,), self._shaped(ir.IntegerType.get_signless(16)))
        return self.op("arith.bitcast", (narrow,), self._shaped(ir.BF16Type.get())).value

    def to_odd_f32(self, x: Number) -> Number:
        """An f64 as the f32 from which rounding to fewer bits gives what rounding ``x`` gives (rounded to odd)."""
        single = self.of_width(32)
        near = single.convert(x)
        bits, back = single.bits_of(near), self.convert(near)
        missed = self.op("arith.andi", (back.compare("one", x), (bits & 1).compare("eq", 0)), self.truth_type)
        short = self.abs(back).compare("olt", self.abs(x))
        odd = bits + single.select(short, single.integer(1), single.integer(-1))
        return single.from_bits(single.select(missed, odd, bits))

    def nearest(self, x: Number) -> tuple[Number, Number]:
        """The nearest integer of a number below 2^(mantissa - 1), as (floating-point, integer); never undefined."""
        shifted = x + self.format.integer_magic
        magic_bits = self.bits_of(self.constant(self.format.integer_magic))
        return shifted - self.format.integer_magic, self.bits_of(shifted) - magic_bits

    def power_of_two(self, n: Number) -> Number:
        """2^n for an integer n in the range of normal numbers."""
        return self.from_bits((n + self.format.bias) << self.format.mantissa)

    def scale(self, x: Number, n: Number) -> Number:
        """x * 2^n for any integer n with which it is meant: in two steps, so that denormals and overflow come out.

        Where ``scales`` says that the target has an instruction for it, that is used (``vscalefps``).
        """
        if self.scales and (self._shape is None or len(self._shape) == 1):
            words = self._shaped(ir.IntegerType.get_signless(32))
            n = n if self.format.bits == 32 else self.op("arith.trunci", (n,), words)
            return self.op("llvm.intr.ldexp", (x, n), self.float_type) if self._shape is None else self._ldexp(x, n)
        half = n >> 1
        return x * self.power_of_two(half) * self.power_of_two(n - half)

    def _ldexp(self, x: Number, n: Number) -> Number:
        """The intrinsic on vectors, which its operation does not take."""
        attributes = {
            "intrin": ir.StringAttr.get("llvm.ldexp"),
            "op_bundle_sizes": ir.DenseI32ArrayAttr.get([]),
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([2, 0]),
        }
        return Number(
            self,
            ir.Operation.create(
                "llvm.call_intrinsic", results=[self.float_type], operands=[x.value, n.value], attributes=attributes
            ).result,
        )

    def polynomial(self, x: Number, coefficients: Sequence[float]) -> Number:
        """Horner's scheme; coefficients from the constant term on."""
        result = self.constant(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            result = self.fma(result, x, c)
        return result

    def product(self, a: Number, c: Number) -> tuple[Number, Number]:
        """``a * c`` rounded and what the rounding left."""
        high = a * c
        if self.fused:
            return high, self.fma(a, c, -high)
        (a1, a2), (c1, c2) = self._halves(a), self._halves(c)
        return high, ((a1 * c1 - high) + a1 * c2 + a2 * c1) + a2 * c2

    def _halves(self, x: Number) -> tuple[Number, Number]:
        """Two numbers of half as many bits whose sum is x (Veltkamp's splitting)."""
        shifted = x * (2.0 ** ((self.format.mantissa + 2) // 2) + 1.0)
        high = shifted - (shifted - x)
        return high, x - high

    def sum(self, a: Number, c: Number) -> tuple[Number, Number]:
        """``a + c`` rounded and what the rounding left."""
        total = a + c
        part = total - a
        return total, (a - (total - part)) + (c - part)

    def remainder_of(self, quotient: Number, divisor: Number, dividend: Number) -> Number:
        """``dividend - quotient * divisor``, exactly."""
        if self.fused:
            return self.fma(-quotient, divisor, dividend)
        high, low = self.product(quotient, divisor)
        return (dividend - high) - low

    def lookup(self, symbol: str, table: Sequence[float], index: Number) -> Number:
        """An element of a constant table, by an integer that is in range; the table is a global of the module."""
        type = self._global_table(symbol, table)
        memref = ir.Operation.create(
            "memref.get_global", results=[type], attributes={"name": ir.FlatSymbolRefAttr.get(symbol)}
        ).result
        if self._shape is None:
            at = ir.Operation.create("arith.index_cast", results=[ir.IndexType.get()], operands=[index.value]).result
            return Number(
                self, ir.Operation.create("memref.load", results=[self.float_type], operands=[memref, at]).result
            )
        zero = ir.Operation.create(
            "arith.constant",
            results=[ir.IndexType.get()],
            attributes={"value": ir.IntegerAttr.get(ir.IndexType.get(), 0)},
        ).result
        all_lanes = ir.DenseElementsAttr.get_splat(self.truth_type, ir.BoolAttr.get(True))
        mask = ir.Operation.create("arith.constant", results=[self.truth_type], attributes={"value": all_lanes}).result
        operands = [memref, zero, index.value, mask, self.constant(0.0).value]
        return Number(self, ir.Operation.create("vector.gather", results=[self.float_type], operands=operands).result)

    def _global_table(self, symbol: str, table: Sequence[float]) -> ir.Type:
        element = self.float_type if self._shape is None else self.float_type.element_type
        type = ir.MemRefType.get([len(table)], element)
        module = ir.InsertionPoint.current.block.owner.operation
        while module.parent is not None:
            module = module.parent.operation
        body = module.regions[0].blocks[0]
        for op in body.operations:
            attributes = op.operation.attributes
            if "sym_name" in attributes and ir.StringAttr(attributes["sym_name"]).value == symbol:
                return type
        values = ir.DenseElementsAttr.get(
            [ir.FloatAttr.get(element, value) for value in table], ir.RankedTensorType.get([len(table)], element)
        )
        ir.Operation.create(
            "memref.global",
            attributes={
                "sym_name": ir.StringAttr.get(symbol),
                "sym_visibility": ir.StringAttr.get("private"),
                "type": ir.TypeAttr.get(type),
                "initial_value": values,
                "constant": ir.UnitAttr.get(),
            },
            ip=ir.InsertionPoint.at_block_begin(body),
        )
        return type

    def is_infinite(self, magnitude: Number) -> Number:
        """Whether a magnitude is infinite."""
        return magnitude.compare("oeq", math.inf)
