"""Simplification rules: reshapes, transposes and broadcasts, and moving them past elementwise functions.

Reshapes that add dimensions of size 1 and broadcasts move towards the results, so that arithmetic is done on smaller
operands and chains of them meet and merge; transposes move too, until a contraction absorbs them.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
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
        array = rw.array(operand, sys.maxsize)  # not a copy
        return None if array is None else rw.constant(array.reshape(rw.info_of(type).shape), type)
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


@rule(*_MOVED_PAST)
def function_of_moved(op: ir.Operation, rw: Rewriter) -> Replacement:
    """f(move(a), move(b), splat) = move(f(a, b, splat)) for the three ways of moving in the table below."""
    makers = []
    for value in op.operands:
        maker = defining(value)
        if maker is None:
            return None
        makers.append(maker)
    names = {maker.name for maker in makers} - {"astra.constant"}
    function = _PAST.get(names.pop()) if len(names) == 1 else None
    if function is None:
        return None
    result = rw.info(op.results[0])
    if not result.static or any(rw.info(v).shape != result.shape for v in op.operands):
        return None
    moves: list[ir.Operation | None] = []
    for value, maker in zip(op.operands, makers, strict=True):
        if maker.name != "astra.constant":
            if len(maker.operands) != 1:
                return None
            moves.append(maker)
        elif rw.splat_of(value) is not None:
            moves.append(None)
        else:
            return None
    return function(op, moves, result, rw)


_Moves = Sequence[ir.Operation | None]  # what moves each operand, None for a splat


def _resized(op: ir.Operation, rw: Rewriter, shape: Sequence[int], moves: _Moves) -> ir.Value:
    """The operation on what the operands were before they were moved to the result's shape from the given one."""
    operands = []
    for value, maker in zip(op.operands, moves, strict=True):
        type = rw.type(shape, rw.info(value).element)
        if maker is None:
            operands.append(rw.splat(rw.splat_of(value), type))
        elif rw.info(maker.operands[0]).rank == 0 and len(shape):
            operands.append(rw.build("broadcast", maker.operands, type, dimensions=()))
        else:
            operands.append(maker.operands[0])
    return rw.copy(op, operands, rw.type(shape, rw.info(op.results[0]).element))


def _past_broadcasts(op: ir.Operation, moves: _Moves, result: TensorInfo, rw: Rewriter) -> Replacement:
    """Less to compute: all broadcasts must be alike, or of scalars."""
    shape: Shape = ()
    dimensions: list[int] = []
    for maker in moves:
        source = rw.info(maker.operands[0]) if maker is not None else None
        if source is None or source.rank == 0:
            continue
        if shape and (shape, dimensions) != (source.shape, int_list(maker, "dimensions")):
            return None
        shape, dimensions = source.shape, int_list(maker, "dimensions")
    if math.prod(shape) >= result.size:
        return None
    return rw.build("broadcast", (_resized(op, rw, shape, moves),), result.type, dimensions=dimensions)


def _past_reshapes(op: ir.Operation, moves: _Moves, result: TensorInfo, rw: Rewriter) -> Replacement:
    """Only reshapes from one shape that add dimensions of size 1: they merge into a broadcast later on."""
    shapes = {rw.info(maker.operands[0]).shape for maker in moves if maker is not None}
    shape = shapes.pop()
    if shapes or len(shape) >= result.rank or unit_map(shape, result.shape) is None:
        return None
    return rw.build("reshape", (_resized(op, rw, shape, moves),), result.type)


def _past_transposes(op: ir.Operation, moves: _Moves, result: TensorInfo, rw: Rewriter) -> Replacement:
    """Only transposes that nothing else uses."""
    permutations = set()
    for value, maker in zip(op.operands, moves, strict=True):
        if maker is None:
            continue
        if any(use.owner.operation != op for use in value.uses):
            return None
        permutations.add(tuple(int_list(maker, "permutation")))
    permutation = permutations.pop()
    if permutations:
        return None
    shape = [0] * result.rank
    for size, p in zip(result.shape, permutation, strict=True):
        shape[p] = size
    return rw.build("transpose", (_resized(op, rw, shape, moves),), result.type, permutation=permutation)


_PAST = {
    "astra.broadcast": _past_broadcasts, "astra.reshape": _past_reshapes, "astra.transpose": _past_transposes,
}  # fmt: skip


@rule("iota")
def small_iota(op: ir.Operation, rw: Rewriter) -> Replacement:
    """An iota along a dimension of size 1 is zero."""
    info = rw.info(op.results[0])
    if info.static and info.size and info.shape[value_of(op, "dimension")] == 1:
        return rw.splat(np.zeros(()), info.type)
    return None
