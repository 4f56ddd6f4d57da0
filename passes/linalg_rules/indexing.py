"""Slices, pads, concatenations and gathers: tensor slices where the copy is a block, else a generic that extracts."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.convert import to_index
from astra_mlir.passes.linalg_rules.element import element
from astra_mlir.passes.linalg_rules.lowering import ZERO, Lowering, TypeInfo, Val, dim, rule

__all__ = ["clamped", "extract_slice", "insert_slice", "pad"]

_DYNAMIC = -(2**63)
_FEW = 4  # elements of an operand for each that a gather reads, from which computing only those pays
_LARGE_PAD = 1 << 17  # elements from which writing the padding alone pays for its kernels


def _slice_attributes(
    low: Lowering, offsets: Sequence[int | ir.Value], sizes: Sequence[int], strides: Sequence[int], leading: int
) -> tuple[list[ir.Value], dict[str, ir.Attribute]]:
    dynamic = [offset for offset in offsets if not isinstance(offset, int)]
    static = [offset if isinstance(offset, int) else _DYNAMIC for offset in offsets]

    def array(values: Sequence[int]) -> ir.Attribute:
        return low.cached(("i64s", tuple(values)), lambda: ir.DenseI64ArrayAttr.get(list(values)))

    segments = (*([1] * leading), len(dynamic), 0, 0)
    return dynamic, {
        "static_offsets": array(static),
        "static_sizes": array(sizes),
        "static_strides": array(strides),
        "operandSegmentSizes": low.cached(("i32s", segments), lambda: ir.DenseI32ArrayAttr.get(list(segments))),
    }


def extract_slice(
    low: Lowering, source: ir.Value, offsets: Sequence[int | ir.Value], sizes: Sequence[int], result: ir.Type,
    strides: Sequence[int] | None = None,
) -> ir.Value:  # fmt: skip
    """``tensor.extract_slice``; ``result`` may lack unit dimensions of ``sizes``."""
    dynamic, attributes = _slice_attributes(low, offsets, sizes, strides or [1] * len(sizes), 1)
    return low.emit("tensor.extract_slice", [source, *dynamic], result, attributes)


def insert_slice(
    low: Lowering, source: ir.Value, target: ir.Value, offsets: Sequence[int | ir.Value], sizes: Sequence[int],
    strides: Sequence[int] | None = None,
) -> ir.Value:  # fmt: skip
    """``tensor.insert_slice`` of ``source`` into ``target``."""
    dynamic, attributes = _slice_attributes(low, offsets, sizes, strides or [1] * len(sizes), 2)
    return low.emit("tensor.insert_slice", [source, target, *dynamic], target.type, attributes)


# --- slices ----------------------------------------------------------------------------------------------------------


@rule("slice")
def _slice(low: Lowering, op: ir.Operation) -> list[Val]:
    val, info = low.get(op.operands[0]), low.info(op.result.type)
    if len(op.operands) > 1:
        raise low.unsupported("a slice with dynamic bounds has no static shape; use dynamic_slice")
    starts, strides = low.attribute("start_indices"), low.attribute("strides")
    if val.scalar is not None:
        return [Val(info, scalar=val.scalar)]
    if info.shape == val.info.shape:
        return [val]
    if val.iota is not None:
        return [low.view(val, info, [dim(i, strides[i], starts[i]) for i in range(info.rank)])]
    return [Val(info, tensor=extract_slice(low, low.tensor(val), starts, info.shape, info.tensor, strides))]


def clamped(low: Lowering, start: Val, limit: int) -> int | ir.Value:
    """A start index limited to [0, limit], as an ``index`` (a plain 0 where nothing else is possible).

    The clamp is in the index's own type, narrower than ``index`` as a rule: more of them fit into a vector.
    """
    if limit == 0:
        return 0
    x, info = low.scalar(start), start.info
    signed = info.kind == "int"
    if signed:
        x = low.emit("arith.maxsi", [x, low.constant(info.element, 0)], info.element)
    if limit < 1 << (info.bits - signed):
        bound = low.constant(info.element, limit)
        x = low.emit("arith.minsi" if signed else "arith.minui", [x, bound], info.element)
    return to_index(low, x, info)


@rule("dynamic_slice")
def _dynamic_slice(low: Lowering, op: ir.Operation) -> list[Val]:
    val, *starts = low.operands(op)
    info = low.info(op.result.type)
    if val.scalar is not None or info.shape == val.info.shape:
        return [Val(info, scalar=val.scalar) if val.scalar is not None else val]
    offsets = [clamped(low, s, n - m) for s, n, m in zip(starts, val.info.shape, info.shape, strict=True)]
    return [Val(info, tensor=extract_slice(low, low.tensor(val), offsets, info.shape, info.tensor))]


@rule("dynamic_update_slice")
def _dynamic_update_slice(low: Lowering, op: ir.Operation) -> list[Val]:
    val, update, *starts = low.operands(op)
    if update.info.shape == val.info.shape:
        return [update]
    if update.info.size == 0:
        return [val]
    shape = update.info.shape
    offsets = [clamped(low, s, n - m) for s, n, m in zip(starts, val.info.shape, shape, strict=True)]
    return [Val(val.info, tensor=insert_slice(low, low.tensor(update), low.tensor(val), offsets, shape))]


# --- pad and concatenate ---------------------------------------------------------------------------------------------


@rule("pad")
def _pad(low: Lowering, op: ir.Operation) -> list[Val]:
    if len(op.operands) > 2:
        raise low.unsupported("a pad with dynamic amounts has no static shape; compile for fixed amounts")
    val, value = low.operands(op)
    info = low.info(op.result.type)
    lows, interiors = low.attribute("low"), low.attribute("interior")
    return [pad(low, val, low.scalar(value), lows, interiors, info)]


def pad(low: Lowering, val: Val, value: ir.Value, lows: Sequence[int], interiors: Sequence[int], info: TypeInfo) -> Val:
    """``val`` spread with ``interiors`` between elements, at ``lows`` (negative: cut) in a tensor full of ``value``."""
    starts, counts, offsets, strides = [], [], [], []
    for n, before, interior, size in zip(val.info.shape, lows, interiors, info.shape, strict=True):
        stride = interior + 1
        first = max(0, -(before // stride))  # the first element at a position >= 0
        last = min(n, (size - 1 - before) // stride + 1)  # one past the last element at a position < size
        starts.append(first)
        counts.append(max(0, last - first))
        offsets.append(before + first * stride)
        strides.append(stride)
    if 0 in counts:
        return Val(info, scalar=value)
    if tuple(counts) == info.shape == val.info.shape:
        return val
    source = low.tensor(val)
    if tuple(counts) != val.info.shape:
        source = extract_slice(low, source, starts, counts, ir.RankedTensorType.get(counts, val.info.element))
    framed = info.size >= _LARGE_PAD and 2 * prod(counts) >= info.size and set(strides) == {1}
    around = _frame(low, value, offsets, counts, info) if framed else low.fill(value, info)
    return Val(info, tensor=insert_slice(low, source, around, offsets, counts, strides))


def _frame(low: Lowering, value: ir.Value, offsets: Sequence[int], counts: Sequence[int], info: TypeInfo) -> ir.Value:
    """A tensor that holds ``value`` outside of the block of ``counts`` elements at ``offsets`` only."""
    result = low.empty(info.tensor)
    for i, (before, count) in enumerate(zip(offsets, counts, strict=True)):
        for start, size in ((0, before), (before + count, info.shape[i] - before - count)):
            if size:
                shape = (*counts[:i], size, *info.shape[i + 1 :])
                face = low.fill(value, low.like(info, shape))
                result = insert_slice(low, face, result, (*offsets[:i], start, *([0] * (info.rank - i - 1))), shape)
    return result


@rule("concatenate")
def _concatenate(low: Lowering, op: ir.Operation) -> list[Val]:
    info, dimension = low.info(op.result.type), low.attribute("dimension")
    vals = [val for val in low.operands(op) if val.info.size]
    if len(vals) == 1:
        return vals
    result = low.empty(info.tensor)
    offset = 0
    for val in vals:
        offsets = [offset if i == dimension else 0 for i in range(info.rank)]
        result = insert_slice(low, low.tensor(val), result, offsets, val.info.shape)
        offset += val.info.shape[dimension]
    return [Val(info, tensor=result)]


# --- gather ----------------------------------------------------------------------------------------------------------


@rule("gather")
def _gather(low: Lowering, op: ir.Operation) -> list[Val]:
    """Loops over the result; start indices are inputs of the generic, the operand is read by ``tensor.extract``."""
    operand, indices = low.operands(op)[:2]  # slice sizes given as an operand are known from the result's type
    info = low.info(op.result.type)
    attribute = low.attribute
    index_dim = attribute("index_vector_dim")
    offset_dims, start_map = attribute("offset_dims"), attribute("start_index_map")
    batching = dict(zip(attribute("operand_batching_dims"), attribute("start_indices_batching_dims"), strict=True))
    hidden = {*attribute("collapsed_slice_dims"), *batching}
    if operand.scalar is not None:
        return [Val(info, scalar=operand.scalar)]
    batch_dims = [i for i in range(info.rank) if i not in offset_dims]
    window = dict(zip([i for i in range(operand.info.rank) if i not in hidden], offset_dims, strict=True))
    # Where a dimension of start_indices is in the result (the index vector's own dimension is in none).
    indices_dims = [i for i in range(indices.info.rank) if i != index_dim]
    place = dict(zip(indices_dims, batch_dims, strict=True))
    components = []
    for k in range(len(start_map)):
        exprs = [((), k) if i == index_dim else dim(place[i]) for i in range(indices.info.rank)]
        components.append(_index_component(low, indices, exprs, k, index_dim, info))
    source = low.tensor(operand)
    owner = op.operands[0].owner
    here = not isinstance(owner, ir.Block) and owner.operation.block == op.block  # not in front of a loop
    alone = here and len(list(op.operands[0].uses)) == 1 and _FEW * info.size <= operand.info.size

    def body(args: list[ir.Value]) -> list[ir.Value]:
        starts = dict(zip(start_map, args, strict=True))
        where = []
        for i, n in enumerate(operand.info.shape):
            size = info.shape[window[i]] if i in window else 1
            index = None
            if i in starts and n != size:
                index = clamped(low, Val(low.like(indices.info, ()), scalar=starts[i]), n - size)
            loop = place[batching[i]] if i in batching else window.get(i)
            if loop is not None:
                position = low.loop_index(loop)
                index = position if index is None else low.emit("arith.addi", [index, position], low.index)
            where.append(low.constant_index(0) if index is None else index)
        return [element(low, source, where) if alone else low.emit("tensor.extract", [source, *where], info.element)]

    return low.elementwise([info], components, body, loops=True)


def _index_component(
    low: Lowering, indices: Val, exprs: Sequence[tuple[tuple[tuple[int, int], ...], int]], k: int, index_dim: int,
    info: TypeInfo,
) -> Val:  # fmt: skip
    """Component ``k`` of the index vectors, as a value of the result's shape."""
    spread = low.like(indices.info, info.shape)
    size = indices.info.shape[index_dim] if index_dim < indices.info.rank else 1
    if size == 1 or indices.scalar is not None or indices.iota is not None:
        return low.view(indices, spread, exprs)
    shape = [1 if i == index_dim else n for i, n in enumerate(indices.info.shape)]
    offsets = [k if i == index_dim else 0 for i in range(indices.info.rank)]
    column_info = low.like(indices.info, shape)
    column = Val(column_info, tensor=extract_slice(low, low.tensor(indices), offsets, shape, column_info.tensor))
    return low.view(column, spread, [ZERO if i == index_dim else expr for i, expr in enumerate(exprs)])
