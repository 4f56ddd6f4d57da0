"""Constants and operations that only move or repeat elements: views where a consumer can read through them."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.elements import dtype_of, from_numpy, to_numpy
from astra_mlir.passes.linalg_rules.convert import narrow
from astra_mlir.passes.linalg_rules.lowering import ZERO, Expr, Lowering, TypeInfo, Val, dim, rule

__all__ = ["reshape"]


@rule("constant")
def _constant(low: Lowering, op: ir.Operation) -> list[Val]:
    attribute = op.attributes["value"]
    info = low.info(op.result.type)
    if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat:
        return [Val(info, scalar=_splat(low, attribute.get_splat_value(), info))]
    if info.kind == "uint":
        attribute = from_numpy(to_numpy(attribute).view(dtype_of(info.element)), info.tensor)
    return [Val(info, tensor=low.emit("arith.constant", (), info.tensor, {"value": attribute}))]


def _splat(low: Lowering, value: ir.Attribute, info: TypeInfo) -> ir.Value:
    if info.kind == "complex":
        re, im = (low.emit("arith.constant", (), info.compute, {"value": part}) for part in value)
        return low.emit("complex.create", [re, im], info.element)
    if info.kind == "uint":
        return low.constant(info.element, value.value)
    return low.emit("arith.constant", (), info.element, {"value": value})


@rule("iota")
def _iota(low: Lowering, op: ir.Operation) -> list[Val]:
    info, dimension = low.info(op.result.type), low.attribute("dimension")
    if info.narrow:
        wide = Val(low.info_of(info.shape, info.compute), iota=dim(dimension))
        return low.elementwise([info], [wide], lambda args: [narrow(low, args[0], info)])
    val = Val(info, iota=dim(dimension))
    wraps = info.kind in ("int", "uint") and info.shape[dimension] > 1 << (info.bits - (info.kind == "int"))
    return [Val(info, tensor=low.tensor(val)) if wraps else val]


@rule("broadcast")
def _broadcast(low: Lowering, op: ir.Operation) -> list[Val]:
    val = low.get(op.operands[0])
    dimensions = low.attribute("dimensions")
    exprs = [ZERO if size == 1 else dim(i) for size, i in zip(val.info.shape, dimensions, strict=True)]
    return [low.view(val, low.info(op.result.type), exprs)]


@rule("transpose")
def _transpose(low: Lowering, op: ir.Operation) -> list[Val]:
    val = low.get(op.operands[0])
    permutation = low.attribute("permutation")
    exprs: list[Expr] = [ZERO] * len(permutation)
    for i, source in enumerate(permutation):
        exprs[source] = dim(i)
    return [_read_once(low, op, low.view(val, low.info(op.result.type), exprs))]


@rule("reverse")
def _reverse(low: Lowering, op: ir.Operation) -> list[Val]:
    val = low.get(op.operands[0])
    dimensions = low.attribute("dimensions")
    exprs = [dim(i, -1, n - 1) if i in dimensions else dim(i) for i, n in enumerate(val.info.shape)]
    return [_read_once(low, op, low.view(val, low.info(op.result.type), exprs))]


def _read_once(low: Lowering, op: ir.Operation, val: Val) -> Val:
    """Copy a reordering that several operations read, so that only one of them pays for the order of access."""
    if val.base is None or len(list(op.result.uses)) <= 1:
        return val
    return Val(val.info, tensor=low.tensor(val))


@rule("reshape")
def _reshape(low: Lowering, op: ir.Operation) -> list[Val]:
    return [reshape(low, low.get(op.operands[0]), low.info(op.result.type))]


def reshape(low: Lowering, val: Val, info: TypeInfo) -> Val:
    """``val`` in row-major order with the shape of ``info``."""
    source = val.info
    if source.shape == info.shape:
        return val
    if val.scalar is not None or source.size == 1:
        return Val(info, scalar=low.scalar(val))
    if source.size == 0:
        return Val(info, tensor=low.empty(info.tensor))
    kept = [i for i, n in enumerate(source.shape) if n != 1]
    places = [i for i, n in enumerate(info.shape) if n != 1]
    if [source.shape[i] for i in kept] == [info.shape[i] for i in places]:
        exprs: list[Expr] = [ZERO] * source.rank
        for i, place in zip(kept, places, strict=True):
            exprs[i] = dim(place)
        return low.view(val, info, exprs, reshape=True)
    return Val(info, tensor=low.reshape(low.tensor(val), source.shape, info))


@rule("get_dimension_size")
def _get_dimension_size(low: Lowering, op: ir.Operation) -> list[Val]:
    size = low.get(op.operands[0]).info.shape[low.attribute("dimension")]
    return [Val(low.info(op.result.type), scalar=low.constant(low.i32, size))]


@rule("optimization_barrier")
def _optimization_barrier(low: Lowering, op: ir.Operation) -> list[Val]:
    # kept for whole arrays: a later cse would undo what is computed again for the sake of memory
    return [val if val.tensor is None else Val(val.info, tensor=low._barrier(val.tensor)) for val in low.operands(op)]
