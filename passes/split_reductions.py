"""Long reductions to few results are split into partial reductions of fixed blocks, so that threads can share them.

The split depends on shapes only: the result has the same bits for any number of threads.  A sum of sums also has
smaller rounding errors than one long sum.  Called by ``astra-form-kernels``.
"""

from __future__ import annotations

import math

from astra_mlir.bindings import ir
from astra_mlir.passes.loop_nest import LoopNest, nest_of
from astra_mlir.passes.memref_utils import Builder, byte_width, reinterpret, strides_and_offset

__all__ = ["neutral_of", "split_reductions"]

FEW_RESULTS = 16  # rows and columns fewer than this do not keep the threads busy
LONG = 1 << 16  # reduced elements per result from which splitting few results pays
LARGE = 1 << 17  # elements from which column reductions are split: a block of whole rows is read as one stream
ROWS = 64  # rows of such a block at least, so that the partial results are small beside what they sum
WANTED_BLOCKS = 64  # enough for many threads to finish together
BLOCKS = range(8, 129)  # numbers of blocks that are worth it

_FLOAT_NEUTRAL = {"arith.addf": 0.0, "arith.mulf": 1.0, "arith.maximumf": -math.inf, "arith.minimumf": math.inf}
_INT_NEUTRAL = {
    "arith.addi": lambda bits: 0,
    "arith.muli": lambda bits: 1,
    "arith.andi": lambda bits: -1,
    "arith.ori": lambda bits: 0,
    "arith.xori": lambda bits: 0,
    "arith.maxsi": lambda bits: -(1 << (bits - 1)),
    "arith.minsi": lambda bits: (1 << (bits - 1)) - 1,
    "arith.maxui": lambda bits: 0,
    "arith.minui": lambda bits: -1,
}


def split_reductions(func: ir.Operation) -> None:
    """Split the long reductions of a bufferized function."""
    for block in (block for region in func.regions for block in region.blocks):
        for op in list(block.operations):
            operation = op.operation
            if operation.name == "linalg.generic":
                _split(operation)
            else:
                split_reductions(operation)


def _combiner(op: ir.Operation) -> ir.Operation | None:
    """The one operation that combines the running value with the new one, if the body has that form."""
    block = op.regions[0].blocks[0]
    inputs = op.attributes["operandSegmentSizes"][0]
    if op.attributes["operandSegmentSizes"][1] != 1:
        return None
    running = block.arguments[inputs]
    uses = list(running.uses)
    yielded = block.operations[len(block.operations) - 1].operation.operands[0]
    if len(uses) != 1 or isinstance(yielded.owner, ir.Block) or yielded.owner.operation != uses[0].owner.operation:
        return None
    combiner = yielded.owner.operation
    return combiner if combiner.name in _FLOAT_NEUTRAL or combiner.name in _INT_NEUTRAL else None


def neutral_of(combiner: ir.Operation) -> ir.Attribute | None:
    """The neutral element of an operation that combines two scalars, if it has one."""
    return _neutral(combiner) if combiner.name in _FLOAT_NEUTRAL or combiner.name in _INT_NEUTRAL else None


def _neutral(combiner: ir.Operation) -> ir.Attribute:
    kind = combiner.results[0].type
    if combiner.name in _FLOAT_NEUTRAL:
        return ir.FloatAttr.get(kind, _FLOAT_NEUTRAL[combiner.name])
    return ir.IntegerAttr.get(kind, _INT_NEUTRAL[combiner.name](kind.width))


def _choose(nest: LoopNest) -> tuple[int, int] | None:
    """The reduction dimension (of the operation) to split and the number of blocks."""
    results = math.prod(nest.extents[: nest.parallel])
    reduced = math.prod(nest.extents[nest.parallel :])
    in_columns = nest.iterations >= LARGE and nest.wants_own_schedule() and nest.best_loop() == nest.parallel - 1
    if not in_columns and (results > FEW_RESULTS or reduced < LONG):
        return None
    most = reduced // ROWS if in_columns else reduced
    choices = [
        (dimension, blocks)
        for extent, dimension in zip(nest.extents[nest.parallel :], nest.loops[nest.parallel :], strict=True)
        for blocks in BLOCKS
        if extent % blocks == 0 and blocks <= most
    ]
    return min(choices, key=lambda choice: abs(math.log(choice[1] / WANTED_BLOCKS)), default=None)


def _split(op: ir.Operation) -> None:
    combiner = _combiner(op)
    if combiner is None or any(o.operation.name == "linalg.index" for o in op.regions[0].blocks[0].operations):
        return
    nest = nest_of(op)
    choice = _choose(nest)
    if choice is None:
        return
    dimension, blocks = choice
    extent = nest.extents[nest.loops.index(dimension)]
    builder = Builder(ir.InsertionPoint(op), op.location)
    inputs = nest.inputs
    operands = list(op.operands)
    maps = [attribute.value for attribute in op.attributes["indexing_maps"]]
    split_operands, split_maps = [], []
    for operand, indexing in zip(operands[:inputs], maps[:inputs], strict=True):
        split = _split_operand(builder, operand, indexing, dimension, blocks, extent // blocks)
        if split is None:
            return
        split_operands.append(split[0])
        split_maps.append(split[1])
    result = operands[inputs]
    shape, element = list(result.type.shape), result.type.element_type
    rank = maps[inputs].n_dims
    partial_kind = ir.MemRefType.get([blocks, *shape], element)
    partial = builder.view(builder.alloc(math.prod(partial_kind.shape) * byte_width(element)), 0, partial_kind)
    neutral = builder.op("arith.constant", (), (element,), {"value": _neutral(combiner)}).results[0]
    builder.copy(neutral, partial)
    split_maps.append(ir.AffineMap.get(rank + 1, 0, [ir.AffineDimExpr.get(0), *_shifted(maps[inputs])]))
    parallel = ir.Attribute.parse("#linalg.iterator_type<parallel>")
    reduction = ir.Attribute.parse("#linalg.iterator_type<reduction>")
    attributes = dict(_attributes(combiner))
    combine = combiner.name
    builder.generic(
        split_operands,
        [partial],
        _maps(split_maps),
        ir.ArrayAttr.get([parallel, *op.attributes["iterator_types"]]),
        op.regions[0].blocks[0],
    )
    outer = [ir.AffineDimExpr.get(i + 1) for i in range(len(shape))]
    final = builder.generic(
        [partial],
        [result],
        _maps([ir.AffineMap.get(len(outer) + 1, 0, e) for e in ([ir.AffineDimExpr.get(0), *outer], outer)]),
        ir.ArrayAttr.get([reduction] + [parallel] * len(outer)),
    )
    body = final.regions[0].blocks[0]
    copied = body.operations[0].operation
    ip = ir.InsertionPoint(copied)
    combined = ir.Operation.create(
        combine, results=[element], operands=list(body.arguments), attributes=attributes, loc=op.location, ip=ip
    )
    ir.Operation.create("linalg.yield", operands=[combined.results[0]], loc=op.location, ip=ip)
    copied.erase()
    op.erase()


def _attributes(op: ir.Operation) -> list[tuple[str, ir.Attribute]]:
    return [(name, op.attributes[name]) for name in op.attributes]


def _maps(maps: list[ir.AffineMap]) -> ir.Attribute:
    return ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps])


def _shifted(indexing: ir.AffineMap) -> list[ir.AffineExpr]:
    """The results of a map with every dimension's number one higher."""
    shift = ir.AffineMap.get(indexing.n_dims + 1, 0, [ir.AffineDimExpr.get(d + 1) for d in range(indexing.n_dims)])
    return [expression.compose(shift) for expression in indexing.results]


def _split_operand(
    builder: Builder, operand: ir.Value, indexing: ir.AffineMap, dimension: int, blocks: int, size: int
) -> tuple[ir.Value, ir.AffineMap] | None:
    """An input with the split dimension as two, and its map; ``None`` where its layout or map does not allow it."""
    old = [ir.AffineDimExpr.get(d) for d in range(indexing.n_dims)]
    results = _shifted(indexing)
    positions = [i for i, expression in enumerate(indexing.results) if expression == old[dimension]]
    simple = all(expression in old or isinstance(expression, ir.AffineConstantExpr) for expression in indexing.results)
    if not simple or len(positions) > 1:
        return None
    if not positions:
        return operand, ir.AffineMap.get(indexing.n_dims + 1, 0, results)
    at = positions[0]
    strides, offset = strides_and_offset(operand.type)
    if offset != 0:
        return None
    shape = list(operand.type.shape)
    shape[at : at + 1] = [blocks, size]
    results[at : at + 1] = [ir.AffineDimExpr.get(0), ir.AffineDimExpr.get(dimension + 1)]
    strides[at : at + 1] = [strides[at] * size, strides[at]]
    return reinterpret(builder, operand, shape, strides), ir.AffineMap.get(indexing.n_dims + 1, 0, results)
