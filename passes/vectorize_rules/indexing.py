"""Vectorization of reads and writes at computed positions.

Positions that all applications share leave the batch a dimension that is taken whole.  Positions of their own make a
gather or scatter whose batching dimensions pair each application's positions with its data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ml_dtypes import iinfo

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements, int_list, value_of
from astra_mlir.passes.vectorize_rules.captures import captured, copy_region, repeated
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, rule


def _array(values: Sequence[int]) -> ir.Attribute:
    return ir.DenseI64ArrayAttr.get(list(values))


def _plus_one(op: ir.Operation, name: str) -> list[int]:
    return [d + 1 for d in int_list(op, name)]


# --- slices at computed positions ------------------------------------------------------------------------------------


def _zero_like(starts: Sequence[Batch], b: Batcher) -> ir.Value:
    return b.splat(0, ir.RankedTensorType.get([], starts[0].value.type.element_type))


def _whole_in_front(starts: Sequence[Batch], dim: int, b: Batcher) -> list[ir.Value]:
    """Shared start indices with a zero for the batch."""
    values = [start.value for start in starts]
    return [*values[:dim], _zero_like(starts, b), *values[dim:]]


def _index_vectors(starts: Sequence[Batch], b: Batcher) -> ir.Value:
    """Start indices as rows, one for each application."""
    columns = [b.reshape(b.front(start), [b.size, 1]) for start in starts]
    if len(columns) == 1:
        return columns[0]
    type = b.type([b.size, len(columns)], columns[0].type.element_type)
    return b.build("concatenate", columns, type, dimension=1)


@rule("dynamic_slice")
def dynamic_slice(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Starts for each application: a gather, which clamps as a slice does."""
    operand, *starts = args
    sizes, result = int_list(op, "slice_sizes"), op.results[0].type
    if all(start.dim is None for start in starts):
        dim = operand.dim
        assert dim is not None
        operands = [operand.value, *_whole_in_front(starts, dim, b)]
        new = b.build("dynamic_slice", operands, b.with_batch(result, dim),
                      slice_sizes=[*sizes[:dim], b.size, *sizes[dim:]])  # fmt: skip
        return [Batch(new, dim)]
    moving = [d for d, n in enumerate(op.operands[0].type.shape) if sizes[d] != n]  # others can only start at 0
    if not moving:
        return [operand]
    indices = _index_vectors([starts[d] for d in moving], b)
    rank = len(sizes)
    shared = operand.dim is None
    new = b.build(
        "gather", (operand.value if shared else b.front(operand), indices), b.with_batch(result, 0),
        offset_dims=range(1, rank + 1), collapsed_slice_dims=(), operand_batching_dims=() if shared else (0,),
        start_indices_batching_dims=() if shared else (0,),
        start_index_map=moving if shared else [d + 1 for d in moving], index_vector_dim=1,
        slice_sizes=sizes if shared else [min(1, b.size), *sizes],
    )  # fmt: skip
    return [Batch(new, 0)]


@rule("dynamic_update_slice")
def dynamic_update_slice(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Starts for each application: a scatter of clamped positions (a scatter alone would skip what falls outside)."""
    operand, update, *starts = args
    shape, sizes = op.operands[0].type.shape, op.operands[1].type.shape
    if all(start.dim is None for start in starts):
        (target, part), dim = b.aligned([operand, update])
        return [
            Batch(b.build("dynamic_update_slice", (target, part, *_whole_in_front(starts, dim, b)), target.type), dim)
        ]
    moving = [d for d, n in enumerate(shape) if sizes[d] != n]
    if not moving:
        return [update if update.dim is not None else Batch(b.front(update), 0)]
    target, part = b.front(operand), b.front(update)
    if 0 in sizes:
        return [Batch(target, 0)]
    clamped = [_clamped(starts[d], shape[d] - sizes[d], b) for d in moving]
    new = b.op(
        "scatter", (target, _index_vectors(clamped, b), part), (target.type,),
        update_window_dims=range(1, len(shape) + 1), inserted_window_dims=(), input_batching_dims=(0,),
        scatter_indices_batching_dims=(0,), scatter_dims_to_operand_dims=[d + 1 for d in moving], index_vector_dim=1,
        kind="update", indices_are_sorted=True, unique_indices=True,
    )  # fmt: skip
    return [Batch(new.results[0], 0)]


def _clamped(start: Batch, limit: int, b: Batcher) -> Batch:
    """A start index in [0, limit]."""
    element = start.value.type.element_type
    highest = int(iinfo(elements.dtype_of(element)).max)
    scalar = ir.RankedTensorType.get([], element)
    low, high = b.splat(0, scalar), b.splat(np.int64(min(limit, highest)), scalar)
    return Batch(b.build("clamp", (low, start.value, high), start.value.type), start.dim)


# --- gather and scatter ----------------------------------------------------------------------------------------------


@rule("gather")
def gather(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """A batched operand alone: slices take the batch whole.  Batched indices: more of them; both: they pair up."""
    operand, indices, *_ = args
    offset, sizes = _plus_one(op, "offset_dims"), _slice_sizes(op)
    type = b.with_batch(op.results[0].type, 0)
    changed: dict[str, object] = {}
    if operand.dim is not None:
        for name in ("collapsed_slice_dims", "operand_batching_dims", "start_index_map"):
            changed[name] = _array(_plus_one(op, name))
        sizes = [b.size if indices.dim is None else min(1, b.size), *sizes]
    if indices.dim is not None:
        changed["start_indices_batching_dims"] = _array(_plus_one(op, "start_indices_batching_dims"))
        changed["index_vector_dim"] = value_of(op, "index_vector_dim") + 1
        if "indices_are_sorted" in op.attributes:
            changed["indices_are_sorted"] = False
    if operand.dim is None and indices.dim is None:  # only the operand that gives the sizes is batched
        attributes = {**dict(op.attributes.items()), "slice_sizes": sizes}
        return [Batch(b.build("gather", (operand.value, indices.value), op.results[0].type, **attributes))]
    if operand.dim is not None and indices.dim is not None:
        changed["operand_batching_dims"] = _array([0, *_plus_one(op, "operand_batching_dims")])
        changed["start_indices_batching_dims"] = _array([0, *_plus_one(op, "start_indices_batching_dims")])
    elif indices.dim is None:
        offset = [0, *offset]
    values = [b.front(arg) if arg.dim is not None else arg.value for arg in (operand, indices)]
    attributes = {**dict(op.attributes.items()), "offset_dims": offset, "slice_sizes": sizes, **changed}
    return [Batch(b.build("gather", values, type, **attributes), 0)]


def _slice_sizes(op: ir.Operation) -> list[int]:
    """The slice sizes: where an operand gives them, those that the result's type says."""
    if "slice_sizes" in op.attributes:
        return int_list(op, "slice_sizes")
    shape, offset = op.results[0].type.shape, iter(int_list(op, "offset_dims"))
    dropped = {*int_list(op, "collapsed_slice_dims"), *int_list(op, "operand_batching_dims")}
    return [1 if d in dropped else shape[next(offset)] for d in range(len(op.operands[0].type.shape))]


@rule("scatter")
def scatter(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Shared indices: windows take the batch whole.  Batched indices: they pair up with inputs and updates."""
    count = len(args) // 2
    indices = args[count]
    paired = indices.dim is not None
    values = [arg.value if arg is indices and not paired else b.front(arg) for arg in args]
    changed: dict[str, object] = {}
    window = _plus_one(op, "update_window_dims")
    for name in ("inserted_window_dims", "input_batching_dims", "scatter_dims_to_operand_dims"):
        changed[name] = _array(_plus_one(op, name))
    if paired:
        changed["input_batching_dims"] = _array([0, *_plus_one(op, "input_batching_dims")])
        changed["scatter_indices_batching_dims"] = _array([0, *_plus_one(op, "scatter_indices_batching_dims")])
        changed["index_vector_dim"] = value_of(op, "index_vector_dim") + 1
        if "indices_are_sorted" in op.attributes:
            changed["indices_are_sorted"] = False
    else:
        window = [0, *window]
    types = [b.with_batch(result.type, 0) for result in op.results]
    changed["update_window_dims"] = _array(window)
    outside = captured(op, b)
    if outside:
        return _scatter_with(op, values, types, changed, outside, b)
    new = b.again(op, values, types, **changed)
    return [Batch(result, 0) for result in new.results]


def _scatter_with(
    op: ir.Operation, values: Sequence[ir.Value], types: Sequence[ir.Type], changed: dict[str, object],
    outside: Sequence[ir.Value], b: Batcher,
) -> Sequence[Batch]:  # fmt: skip
    """A scatter whose function takes batched values from outside as elements of more inputs, which stay as they are."""
    count, more = len(types), len(outside)
    inputs, indices, updates = values[:count], values[count], values[count + 1 :]
    new_inputs = [repeated(value, inputs[0].type.shape, 0, b) for value in outside]
    new_updates = [repeated(value, updates[0].type.shape, 0, b) for value in outside]
    results = [*types, *(value.type for value in new_inputs)]
    new = b.op(
        "scatter", [*inputs, *new_inputs, indices, *updates, *new_updates], results,
        **{**dict(op.attributes.items()), **changed},
    )  # fmt: skip
    old = op.regions[0].blocks[0]
    scalars = [ir.RankedTensorType.get([], type.element_type) for type in results] * 2

    def mapping(arguments: Sequence[ir.Value]) -> dict[ir.Value, ir.Value]:
        current, given = arguments[:count], arguments[count + more : 2 * count + more]
        return dict(zip((*old.arguments, *outside), (*current, *given, *arguments[count : count + more]), strict=True))

    copy_region(old, new.regions[0], scalars, mapping, range(count, count + more), b)
    return [Batch(result, 0) for result in list(new.results)[:count]]
