"""Elementary functions and conversions that the GPU has neither an operation of LLVM nor one instruction for.

Functions of f32 and f64 are libdevice's (1 to 2 units in the last place, at most 4 for the rarer ones); those of f16
and bf16 are computed in f32.  ``exp2`` of f32 is ``ex2.approx`` (2 ulp), ``rsqrt`` is ``rsqrt.approx`` (2 ulp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu.emit import Thread, storage, vector_of

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.target import GpuTarget
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__ = ["MATH", "Libdevice", "lower_math", "needs_conversion"]

# name in math: name in libdevice (an "f" is added for f32)
_LIBDEVICE = {
    "math.acos": "acos", "math.acosh": "acosh", "math.asin": "asin", "math.asinh": "asinh", "math.atan": "atan",
    "math.atan2": "atan2", "math.atanh": "atanh", "math.cbrt": "cbrt", "math.cos": "cos", "math.cosh": "cosh",
    "math.erf": "erf", "math.erfc": "erfc", "math.exp": "exp", "math.exp2": "exp2", "math.expm1": "expm1",
    "math.log": "log", "math.log10": "log10", "math.log1p": "log1p", "math.log2": "log2", "math.powf": "pow",
    "math.rsqrt": "rsqrt", "math.sin": "sin", "math.sinh": "sinh", "math.tan": "tan", "math.tanh": "tanh",
    "arith.remf": "fmod",
}  # fmt: skip
_APPROXIMATE = {"math.exp2": "ex2.approx.f32", "math.rsqrt": "rsqrt.approx.f32"}
# name in math: LLVM's intrinsic, which the back end has instructions for
_INTRINSIC = {
    "math.absf": "fabs", "math.ceil": "ceil", "math.copysign": "copysign", "math.floor": "floor", "math.fma": "fma",
    "math.round": "round", "math.roundeven": "roundeven", "math.sqrt": "sqrt", "math.trunc": "trunc",
    "math.ctpop": "ctpop",
}  # fmt: skip
MATH = {*_LIBDEVICE, *_INTRINSIC, "math.absi", "math.ctlz", "math.cttz", "math.fpowi", "math.ipowi"}

_F8 = {"f8E4M3FN": "e4m3x2", "f8E5M2": "e5m2x2"}


class Libdevice:
    """What :func:`lower_math` needs of a lowering: for code that is not a tile function's."""

    def __init__(self, target: GpuTarget) -> None:
        self.target = target
        self.thread: Thread
        self.declared: dict[str, tuple[int, ir.Type]] = {}

    def refuse(self, op: ir.Operation, why: str) -> UnsupportedError:
        return UnsupportedError(f"{source_place(op.location)}: '{op.name}' for a GPU: {why}")


def needs_conversion(op: ir.Operation) -> bool:
    """Whether an operation of arith goes from or to an 8-bit float."""
    if op.name == "arith.bitcast":
        return op.results[0].type != op.operands[0].type and _scalar(op.results[0].type).width == 8
    return op.name in ("arith.extf", "arith.truncf") and 8 in (
        _scalar(op.operands[0].type).width,
        _scalar(op.results[0].type).width,
    )


def _scalar(kind: ir.Type) -> ir.Type:
    return kind.element_type if isinstance(kind, ir.ShapedType) else kind


def lower_math(
    lowering: Lowering | Libdevice, op: ir.Operation, operands: Sequence[ir.Value], kind: ir.Type
) -> ir.Value:
    """The code of an elementary function, or of a conversion of 8-bit floats, on scalars or vectors."""
    thread, element = lowering.thread, _scalar(kind)
    if op.name == "arith.bitcast":
        return operands[0]
    if op.name in ("arith.extf", "arith.truncf"):
        return _f8_conversion(lowering, op, operands[0], kind)
    if op.name in _INTRINSIC:
        return _intrinsic(thread, _INTRINSIC[op.name], operands, kind)
    if op.name == "math.absi":
        zero = thread.zero(kind)
        negated = thread.binary("subi", zero, operands[0])
        return thread.binary("maxsi", operands[0], negated)
    if op.name in ("math.ctlz", "math.cttz"):
        attribute = {"is_zero_poison": ir.IntegerAttr.get(thread.i1, 0)}
        return thread.op(f"llvm.intr.{op.name[5:]}", operands, (kind,), attribute).results[0]
    if op.name not in _LIBDEVICE:
        raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' for a GPU: there is no code for it")
    if element.width < 32:
        wide = thread.f32 if not isinstance(kind, ir.VectorType) else vector_of(kind.shape[0], thread.f32)
        extended = [thread.op("arith.extf", (operand,), (wide,)).results[0] for operand in operands]
        return thread.op("arith.truncf", (lower_math(lowering, op, extended, wide),), (kind,)).results[0]
    if not isinstance(kind, ir.VectorType):
        return _function(lowering, op.name, operands, element)
    return thread.join(
        [
            _function(lowering, op.name, [thread.extract(operand, i) for operand in operands], element)
            for i in range(kind.shape[0])
        ]
    )


def _intrinsic(thread: Thread, name: str, operands: Sequence[ir.Value], kind: ir.Type) -> ir.Value:
    return thread.op(f"llvm.intr.{name}", operands, (kind,)).results[0]


def _function(lowering: Lowering | Libdevice, name: str, operands: Sequence[ir.Value], element: ir.Type) -> ir.Value:
    thread = lowering.thread
    if element.width == 32 and name in _APPROXIMATE:
        return thread.ptx(f"{_APPROXIMATE[name]} $0, $1;", "=f,f", operands, (element,), pure=True)[0]
    callee = f"__nv_{_LIBDEVICE[name]}{'f' if element.width == 32 else ''}"
    lowering.declared[callee] = (len(operands), element)
    attributes = {
        "callee": ir.FlatSymbolRefAttr.get(callee),
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([len(operands), 0]),
        "op_bundle_sizes": ir.DenseI32ArrayAttr.get([]),
    }
    return thread.op("llvm.call", operands, (element,), attributes).results[0]


def _f8_conversion(lowering: Lowering | Libdevice, op: ir.Operation, value: ir.Value, kind: ir.Type) -> ir.Value:
    """Two numbers at a time, through f16 (exact upwards; downwards from f32 at once, to nearest even)."""
    thread = lowering.thread
    source, element = _scalar(op.operands[0].type), _scalar(op.results[0].type)
    if not isinstance(kind, ir.VectorType):
        return thread.extract(_f8_conversion(lowering, op, thread.splat(value, 1), vector_of(1, storage(element))), 0)
    name = str(source if source.width == 8 else element)
    if name not in _F8 or lowering.target.capability < 89:
        raise lowering.refuse(op, f"conversions of {name} on {lowering.target.name}")
    count = kind.shape[0]
    f16 = ir.F16Type.get()
    padded = value if count % 2 == 0 else thread.pick(value, [*range(count), 0])
    parts = []
    for i in range(0, padded.type.shape[0], 2):
        pair = thread.part(padded, i, 2)
        if source.width == 8:
            packed = thread.extract(thread.bits_as(pair, thread.i16), 0)
            (got,) = thread.ptx(f"cvt.rn.f16x2.{_F8[name]} $0, $1;", "=r,h", (packed,), (thread.i32,), pure=True)
            parts.append(thread.bits_as(thread.splat(got, 1), f16))
            continue
        if source.width != 32:
            pair = thread.op("arith.extf", (pair,), (vector_of(2, thread.f32),)).results[0]
        a, b = thread.extract(pair, 1), thread.extract(pair, 0)  # the first operand becomes the upper half
        (got,) = thread.ptx(f"cvt.rn.satfinite.{_F8[name]}.f32 $0, $1, $2;", "=h,f,f", (a, b), (thread.i16,), pure=True)
        parts.append(thread.bits_as(thread.splat(got, 1), thread.i8))
    result = thread.pick(thread.join(parts), range(count))
    if source.width == 8 and element.width != 16:
        result = thread.op("arith.extf", (result,), (kind,)).results[0]
    elif source.width == 8 and isinstance(element, ir.BF16Type):
        wide = thread.op("arith.extf", (result,), (vector_of(count, thread.f32),)).results[0]
        result = thread.op("arith.truncf", (wide,), (kind,)).results[0]
    return result
