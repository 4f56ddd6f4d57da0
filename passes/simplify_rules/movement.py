"""Simplification rules: reshapes, transposes and broadcasts, and moving them past elementwise functions.

Reshapes that add dimensions of size 1 and broadcasts move towards the results, so that arithmetic is done on smaller
operands and chains of them meet and merge; transposes move too, until a contraction absorbs them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements, int_list, value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, TensorInfo, defining, rule
from astra_mlir.passes.simplify_rules.folding import ELEMENTWISE

__all__ = ["unit_map"]

MOVE_LIMIT = 1 << 22
"""Elements of the largest constant that is transposed at compile time."""

Shape = tuple[int, ...]


def unit_map(source: Shape, target: Shape) -> dict[int, int] | None:
    """Where each dimension other than 1 goes, if the shapes differ in dimensions of size 1 only."""
    from_dims = [i for i, n in enumerate(source) if n != 1]
    to_dims = [i for i, n in enumerate(target) if n != 1]
    if [source[i] for i in from_dims] != [target[i] for i in to_dims]:
        return None
    return dict(zip(from_dims, to_dims, strict=True))


def _static(op: ir.Operation, rw: Rewriter) -> bool:
    """Whether the operation has one operand and all shapes are known."""
    return len(op.operands) == 1 and rw.info(op.operands[0]).static and rw.info(op.results[0]).static


def _squeezed(value: ir.Value, rw: Rewriter) -> ir.Value:
    return rw.reshape(value, [n for n in rw.info(value).shape if n != 1])


@rule("reshape", "broadcast", "transpose", "slice", "reverse")
def move_splat(op: ir.Operation, rw: Rewriter) -> Replacement:
    """However a splat's elements are arranged, the result is a splat."""
    splat, info = rw.splat_of(op.operands[0]), rw.info(op.results[0])
    if splat is None or not info.static:
        return None
    return rw.splat(splat, info.type)


# --- reshape -------------------------------------------------------------------------------------------------------


@rule("reshape")
def reshape_of(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A reshape to the same shape, of a reshape, or of a constant."""
    operand, type = op.operands[0], op.results[0].type
    if operand.type == type:
        return operand
    if not _static(op, rw):
        return None
    inner = defining(operand)
    if inner is None:
        return None
    if inner.name == "astra.reshape" and len(inner.operands) == 1:
        return rw.build("reshape", (inner.operands[0],), type)
    if inner.name == "astra.constant":
        array = elements.to_numpy(inner.attributes["value"])
        return rw.constant(array.reshape(rw.info_of(type).shape), type)
    return None


@rule("reshape")
def reshape_of_spread(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A reshape that adds or removes dimensions of size 1 is absorbed by a broadcast or iota; any, by a scalar's."""
    inner = defining(op.operands[0])
    if inner is None or not _static(op, rw) or inner.name not in ("astra.broadcast", "astra.iota"):
        return None
    source, target = rw.info(op.operands[0]).shape, rw.info(op.results[0])
    moved = unit_map(source, target.shape)
    if inner.name == "astra.iota":
        dimension = value_of(inner, "dimension")
        if moved is None or dimension not in moved:
            return None
        return rw.build("iota", (), target.type, dimension=moved[dimension])
    if len(inner.operands) != 1:
        return None
    operand, dimensions = inner.operands[0], int_list(inner, "dimensions")
    if not dimensions:
        return rw.build("broadcast", (operand,), target.type, dimensions=())
    if moved is None:
        return None
    kept = [i for i, d in enumerate(dimensions) if d in moved]
    shape = rw.info(operand).shape
    if len(kept) < len(dimensions):
        operand = rw.reshape(operand, [shape[i] for i in kept])
    return rw.build("broadcast", (operand,), target.type, dimensions=[moved[dimensions[i]] for i in kept])


# --- broadcast -----------------------------------------------------------------------------------------------------


@rule("broadcast")
def broadcast_of(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A broadcast that does nothing, that only adds dimensions of size 1, or of a broadcast, reshape or iota."""
    if not _static(op, rw):
        return None
    operand, dimensions = op.operands[0], int_list(op, "dimensions")
    source, target = rw.info(operand), rw.info(op.results[0])
    increasing = all(a < b for a, b in itertools.pairwise(dimensions))
    if source.size == target.size and increasing:
        return rw.reshape(operand, target.shape)
    inner = defining(operand)
    if inner is None:
        return None
    if inner.name == "astra.broadcast" and len(inner.operands) == 1:
        return rw.build(
            "broadcast", inner.operands, target.type, dimensions=[dimensions[d] for d in int_list(inner, "dimensions")]
        )
    if inner.name == "astra.iota" and not len(inner.operands):
        dimension = value_of(inner, "dimension")
        if source.shape[dimension] == target.shape[dimensions[dimension]]:
            return rw.build("iota", (), target.type, dimension=dimensions[dimension])
    if inner.name == "astra.reshape" and len(inner.operands) == 1 and 1 in source.shape:
        origin = rw.info(inner.operands[0])
        moved = unit_map(origin.shape, source.shape)
        if moved is not None:
            squeezed = _squeezed(inner.operands[0], rw)
            return rw.build("broadcast", (squeezed,), target.type, dimensions=[dimensions[d] for d in moved.values()])
    return None


# --- transpose -----------------------------------------------------------------------------------------------------


@rule("transpose")
def transpose_of(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A transpose that does nothing, that only moves dimensions of size 1, or of a transpose, broadcast or iota."""
    operand, permutation = op.operands[0], int_list(op, "permutation")
    if permutation == sorted(permutation):
        return operand
    source, target = rw.info(operand), rw.info(op.results[0])
    if not source.static:
        return None
    moving = [p for p in permutation if source.shape[p] != 1]
    if moving == sorted(moving):
        return rw.build("reshape", (operand,), target.type)
    inner = defining(operand)
    if inner is None:
        return None
    if inner.name == "astra.transpose":
        first = int_list(inner, "permutation")
        return rw.build("transpose", inner.operands, target.type, permutation=[first[p] for p in permutation])
    inverse = [permutation.index(d) for d in range(len(permutation))]
    if inner.name == "astra.broadcast" and len(inner.operands) == 1:
        dimensions = [inverse[d] for d in int_list(inner, "dimensions")]
        return rw.build("broadcast", inner.operands, target.type, dimensions=dimensions)
    if inner.name == "astra.iota" and not len(inner.operands):
        return rw.build("iota", (), target.type, dimension=inverse[value_of(inner, "dimension")])
    if inner.name == "astra.constant":
        array = rw.array(operand, MOVE_LIMIT)
        return None if array is None else rw.constant(array.transpose(permutation), target.type)
    return None


# --- past elementwise functions --------------------------------------------------------------------------------------

_MOVED_PAST = (*ELEMENTWISE, "erf", "convert", "compare", "select", "reduce_precision", "bitcast_convert")


def _same_shapes(op: ir.Operation, rw: Rewriter) -> TensorInfo | None:
    """The result's shape and type, if it is static and every operand's shape too."""
    info = rw.info(op.results[0])
    if not info.static or any(rw.info(v).shape != info.shape for v in op.operands):
        return None
    return info


def _resized(op: ir.Operation, rw: Rewriter, shape: Sequence[int], sources: Sequence[ir.Value | None]) -> ir.Value:
    """The operation on other operands of the given shape: ``sources``, or where ``None`` the splat it was."""
    operands = []
    for value, source in zip(op.operands, sources, strict=True):
        info = rw.info(value)
        if source is None:
            operands.append(rw.splat(rw.splat_of(value), rw.type(shape, info.element)))
        elif rw.info(source).rank == 0 and len(shape):
            operands.append(rw.build("broadcast", (source,), rw.type(shape, info.element), dimensions=()))
        else:
            operands.append(source)
    return rw.copy(op, operands, rw.type(shape, rw.info(op.results[0]).element))


@rule(*_MOVED_PAST)
def function_of_broadcasts(op: ir.Operation, rw: Rewriter) -> Replacement:
    """f(broadcast(a), broadcast(b), splat) = broadcast(f(a, b, splat)): less to compute."""
    makers = [defining(v) for v in op.operands]
    if not any(m is not None and m.name == "astra.broadcast" and len(m.operands) == 1 for m in makers):
        return None
    result = _same_shapes(op, rw)
    if result is None:
        return None
    sources: list[ir.Value | None] = []
    shape: Shape = ()
    dimensions: list[int] = []
    for value, maker in zip(op.operands, makers, strict=True):
        if maker is None:
            return None
        if maker.name == "astra.constant" and rw.splat_of(value) is not None:
            sources.append(None)
            continue
        if maker.name != "astra.broadcast" or len(maker.operands) != 1:
            return None
        source = rw.info(maker.operands[0])
        sources.append(maker.operands[0])
        if source.rank == 0:
            continue
        if shape and (shape, dimensions) != (source.shape, int_list(maker, "dimensions")):
            return None
        shape, dimensions = source.shape, int_list(maker, "dimensions")
    if math.prod(shape) >= result.size:
        return None
    return rw.build("broadcast", (_resized(op, rw, shape, sources),), result.type, dimensions=dimensions)


@rule(*_MOVED_PAST)
def function_of_reshapes(op: ir.Operation, rw: Rewriter) -> Replacement:
    """f(reshape(a), reshape(b), splat) = reshape(f(a, b, splat)) where the reshape adds dimensions of size 1."""
    makers = [defining(v) for v in op.operands]
    if not any(m is not None and m.name == "astra.reshape" for m in makers):
        return None
    result = _same_shapes(op, rw)
    if result is None:
        return None
    shape: Shape | None = None
    sources: list[ir.Value | None] = []
    for value, maker in zip(op.operands, makers, strict=True):
        if maker is None:
            return None
        if maker.name == "astra.constant" and rw.splat_of(value) is not None:
            sources.append(None)
            continue
        if maker.name != "astra.reshape" or len(maker.operands) != 1:
            return None
        source = rw.info(maker.operands[0])
        if source.rank >= result.rank or shape not in (None, source.shape):
            return None
        shape = source.shape
        sources.append(maker.operands[0])
    if shape is None or unit_map(shape, result.shape) is None:
        return None
    return rw.build("reshape", (_resized(op, rw, shape, sources),), result.type)


@rule(*_MOVED_PAST)
def function_of_transposes(op: ir.Operation, rw: Rewriter) -> Replacement:
    """f(transpose(a), transpose(b), splat) = transpose(f(a, b, splat)) where nothing else uses the transposes."""
    makers = [defining(v) for v in op.operands]
    if not any(m is not None and m.name == "astra.transpose" for m in makers):
        return None
    result = _same_shapes(op, rw)
    if result is None:
        return None
    permutation: list[int] | None = None
    sources: list[ir.Value | None] = []
    for value, maker in zip(op.operands, makers, strict=True):
        if maker is None:
            return None
        if maker.name == "astra.constant" and rw.splat_of(value) is not None:
            sources.append(None)
            continue
        if maker.name != "astra.transpose" or any(use.owner.operation != op for use in value.uses):
            return None
        found = int_list(maker, "permutation")
        if permutation not in (None, found):
            return None
        permutation = found
        sources.append(maker.operands[0])
    if permutation is None:
        return None
    shape = [0] * result.rank
    for size, p in zip(result.shape, permutation, strict=True):
        shape[p] = size
    return rw.build("transpose", (_resized(op, rw, shape, sources),), result.type, permutation=permutation)


@rule("iota")
def small_iota(op: ir.Operation, rw: Rewriter) -> Replacement:
    """An iota along a dimension of size 1 is zero."""
    info = rw.info(op.results[0])
    if info.static and info.size and info.shape[value_of(op, "dimension")] == 1:
        return rw.splat(np.zeros(()), info.type)
    return None
