"""Elementwise operations: one ``linalg.generic`` each (scalar code on rank-0 operands) around the scalar tables."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules import complex_scalar
from astra_mlir.passes.linalg_rules.convert import convert, join, narrow, parts, reduce_precision, widen
from astra_mlir.passes.linalg_rules.lowering import Lowering, TypeInfo, Val, dim, rule
from astra_mlir.passes.linalg_rules.scalar import FLOAT_PREDICATES, SCALAR, compare_float, compare_int, select

__all__ = ["apply"]

_FUNCTIONS = sorted({*SCALAR, *complex_scalar.COMPLEX})


def apply(low: Lowering, name: str, args: Sequence[ir.Value], info: TypeInfo, result: TypeInfo) -> ir.Value:
    """One elementwise function on stored elements of ``info``, giving a stored element of ``result``."""
    if info.kind == "complex":
        emitter = complex_scalar.COMPLEX.get(name)
    else:
        emitter = SCALAR.get(name, {}).get(info.kind)
    if emitter is None:
        raise low.unsupported(f"'{name}' is not defined on elements of type {info.element}")
    value = emitter(low, [widen(low, x, info) for x in args] if info.narrow else args, info)
    return narrow(low, value, result) if result.narrow else value


@rule(*_FUNCTIONS)
def _elementwise(low: Lowering, op: ir.Operation) -> list[Val]:
    name = op.name[6:]
    vals = low.operands(op)
    result = low.info(op.result.type)
    info = vals[0].info
    return low.elementwise([result], vals, lambda args: [apply(low, name, args, info, result)])


@rule("complex")
def _complex(low: Lowering, op: ir.Operation) -> list[Val]:
    result = low.info(op.result.type)
    return low.elementwise([result], low.operands(op), lambda args: [join(low, args[0], args[1], result)])


@rule("compare")
def _compare(low: Lowering, op: ir.Operation) -> list[Val]:
    direction, total_order = low.attribute("direction"), low.attribute("compare_type") == "TOTALORDER"
    vals = low.operands(op)
    info = vals[0].info
    return low.elementwise(
        [low.info(op.result.type)], vals, lambda args: [compare(low, direction, args, info, total_order=total_order)]
    )


def compare(
    low: Lowering, direction: str, args: Sequence[ir.Value], info: TypeInfo, *, total_order: bool = False
) -> ir.Value:
    """``args[0] <direction> args[1]`` as an i1."""
    if info.kind == "complex":
        (a, b), (c, d) = (parts(low, z, info) for z in args)
        predicate = FLOAT_PREDICATES[direction]
        equal = [compare_float(low, predicate, a, c), compare_float(low, predicate, b, d)]
        if direction not in ("EQ", "NE"):
            raise low.unsupported("complex numbers only compare for equality")
        return low.emit("arith.andi" if direction == "EQ" else "arith.ori", equal, low.i1)
    if info.kind != "float":
        order = direction.lower()
        sign = "" if direction in ("EQ", "NE") else "s" if info.kind == "int" else "u"
        return compare_int(low, sign + order, args[0], args[1])
    args = [widen(low, x, info) for x in args]
    if not total_order:
        return compare_float(low, FLOAT_PREDICATES[direction], args[0], args[1])
    keys = [_total_order_key(low, x) for x in args]
    return compare_int(low, ("" if direction in ("EQ", "NE") else "s") + direction.lower(), keys[0], keys[1])


def _total_order_key(low: Lowering, x: ir.Value) -> ir.Value:
    """Integers that order as -NaN < -inf < ... < -0.0 < 0.0 < ... < inf < NaN."""
    width = x.type.width
    t = ir.IntegerType.get_signless(width)
    bits = low.emit("arith.bitcast", [x], t)
    sign = low.emit("arith.shrsi", [bits, low.constant(t, width - 1)], t)
    mask = low.emit("arith.shrui", [sign, low.constant(t, 1)], t)
    return low.emit("arith.xori", [bits, mask], t)


@rule("select")
def _select(low: Lowering, op: ir.Operation) -> list[Val]:
    result = low.info(op.result.type)
    predicate, on_true, on_false = low.operands(op)
    vals = [_spread(low, predicate, result), on_true, on_false]
    return low.elementwise([result], vals, lambda args: [select(low, *args)])


@rule("clamp")
def _clamp(low: Lowering, op: ir.Operation) -> list[Val]:
    result = low.info(op.result.type)
    lower, operand, upper = low.operands(op)
    vals = [_spread(low, lower, result), operand, _spread(low, upper, result)]

    def body(args: list[ir.Value]) -> list[ir.Value]:
        return [apply(low, "minimum", [apply(low, "maximum", args[:2], result, result), args[2]], result, result)]

    return low.elementwise([result], vals, body)


def _spread(low: Lowering, val: Val, result: TypeInfo) -> Val:
    """A rank-0 operand repeated over the shape of ``result``."""
    if val.info.rank == result.rank:
        return val
    return Val(low.like(val.info, result.shape), scalar=low.scalar(val))


@rule("convert")
def _convert(low: Lowering, op: ir.Operation) -> list[Val]:
    (val,) = low.operands(op)
    result = low.info(op.result.type)
    source = val.info
    if source.element == result.element and (source.kind == result.kind or source.kind in ("int", "uint")):
        return [_retyped(low, val, result)]
    if val.iota is not None and source.kind in ("int", "uint") and result.kind != "bool" and not result.narrow:
        return [Val(result, iota=val.iota)]  # an iota that wraps in its type is a tensor
    return low.elementwise([result], [val], lambda args: [convert(low, args[0], source, result)])


def _retyped(low: Lowering, val: Val, info: TypeInfo) -> Val:
    """The same bits under a type that differs in signedness only."""
    reshape_of = (
        _retyped(low, val.reshape_of, low.like(info, val.reshape_of.info.shape)) if val.reshape_of is not None else None
    )
    if val.iota is not None:
        return Val(info, iota=val.iota)
    return Val(info, tensor=val.tensor, scalar=val.scalar, base=val.base, exprs=val.exprs, reshape_of=reshape_of)


@rule("reduce_precision")
def _reduce_precision(low: Lowering, op: ir.Operation) -> list[Val]:
    exponent_bits, mantissa_bits = low.attribute("exponent_bits"), low.attribute("mantissa_bits")
    (val,) = low.operands(op)
    info = val.info

    def body(args: list[ir.Value]) -> list[ir.Value]:
        rounded = reduce_precision(low, widen(low, args[0], info), info, exponent_bits, mantissa_bits)
        return [narrow(low, rounded, info)]

    return low.elementwise([info], [val], body)


@rule("bitcast_convert")
def _bitcast_convert(low: Lowering, op: ir.Operation) -> list[Val]:
    (val,) = low.operands(op)
    source, result = val.info, low.info(op.result.type)
    if source.kind == "complex" or result.kind == "complex":
        if source.element != result.element:
            raise low.unsupported("bit casts of complex numbers; use real and imag")
        return [val]
    if source.bits == result.bits:
        return low.elementwise([result], [val], lambda args: [_bitcast(low, args[0], result.element)])
    if source.bits > result.bits:
        return [_split_bits(low, val, result)]
    return [_join_bits(low, val, result)]


def _bitcast(low: Lowering, x: ir.Value, result: ir.Type) -> ir.Value:
    return x if x.type == result else low.emit("arith.bitcast", [x], result)


def _split_bits(low: Lowering, val: Val, result: TypeInfo) -> Val:
    """Wide elements to a trailing dimension of narrow ones, the lowest bits first."""
    wide = ir.IntegerType.get_signless(val.info.bits)
    narrow_type = ir.IntegerType.get_signless(result.bits)
    spread = low.view(val, low.like(val.info, result.shape), low.identity(val.info.rank))
    position = Val(low.info_of(result.shape, wide), iota=dim(result.rank - 1))

    def body(args: list[ir.Value]) -> list[ir.Value]:
        amount = low.emit("arith.muli", [args[1], low.constant(wide, result.bits)], wide)
        shifted = low.emit("arith.shrui", [_bitcast(low, args[0], wide), amount], wide)
        return [_bitcast(low, low.emit("arith.trunci", [shifted], narrow_type), result.element)]

    return low.elementwise([result], [spread, position], body)[0]


def _join_bits(low: Lowering, val: Val, result: TypeInfo) -> Val:
    """The inverse of :func:`_split_bits`: narrow elements of the last dimension to one wide element."""
    wide = ir.IntegerType.get_signless(result.bits)
    narrow_type = ir.IntegerType.get_signless(val.info.bits)
    bits_info = low.info_of(result.shape, wide)
    outs = [(low.tensor(Val(bits_info, scalar=low.constant(wide, 0))), low.identity(result.rank))]
    ins = [(low.tensor(val), low.identity(val.info.rank))]
    source_bits = val.info.bits
    last = result.rank

    def body(args: list[ir.Value]) -> list[ir.Value]:
        bits = low.emit("arith.extui", [_bitcast(low, args[0], narrow_type)], wide)
        position = low.iota_scalar(dim(last), bits_info)
        amount = low.emit("arith.muli", [position, low.constant(wide, source_bits)], wide)
        return [low.emit("arith.ori", [args[1], low.emit("arith.shli", [bits, amount], wide)], wide)]

    joined = Val(bits_info, tensor=low.generic(ins, outs, "p" * result.rank + "r", body)[0])
    return low.elementwise([result], [joined], lambda args: [_bitcast(low, args[0], result.element)])[0]
