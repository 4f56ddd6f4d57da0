"""Contractions and convolutions that no kernel took: multiply-add loops in one ``linalg.generic``.

Products of half-width floats accumulate in f32; operands narrower than the result are widened first.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.convert import convert, join, parts
from astra_mlir.passes.linalg_rules.indexing import pad
from astra_mlir.passes.linalg_rules.lowering import Expr, Lowering, TypeInfo, Val, dim, rule
from astra_mlir.passes.linalg_rules.reduction import neutral
from astra_mlir.passes.linalg_rules.shape import reshape

__all__ = ["contract"]


def contract(
    low: Lowering, inputs: Sequence[tuple[Val, Sequence[Expr]]], out: Sequence[Expr], iterators: str,
    sizes: Sequence[int], info: TypeInfo,
) -> Val:  # fmt: skip
    """The sum over the reduction loops of the product of two inputs, as a value of ``info``."""
    wide = low.info_of(info.shape, info.compute) if info.narrow else info
    zero = neutral(low, "add", wide)
    start = low.tensor(Val(wide, scalar=zero))
    kinds = [val.info for val, _ in inputs]

    def body(accumulators: list[ir.Value], elements: list[ir.Value]) -> list[ir.Value]:
        a, b = (convert(low, x, source, wide) for x, source in zip(elements, kinds, strict=True))
        # Where nothing is summed the accumulator is left alone: fused into a sum, the loop would add to it each time.
        return [_multiply_add(low, accumulators[0] if "r" in iterators else zero, a, b, wide)]

    (total,) = low.read_generic(inputs, [(start, tuple(out))], iterators, sizes, body)
    result = Val(wide, tensor=total)
    return (
        low.elementwise([info], [result], lambda args: [convert(low, args[0], wide, info)])[0]
        if info.narrow
        else result
    )


def _multiply_add(low: Lowering, total: ir.Value, a: ir.Value, b: ir.Value, info: TypeInfo) -> ir.Value:
    t = info.compute
    if info.kind == "bool":
        return low.emit("arith.ori", [total, low.emit("arith.andi", [a, b], t)], t)
    if info.kind in ("int", "uint"):
        return low.emit("arith.addi", [total, low.emit("arith.muli", [a, b], t)], t)
    flags = {"fastmath": low.cached("contraction", lambda: ir.Attribute.parse("#arith.fastmath<reassoc,contract>"))}

    def accumulate(x: ir.Value, y: ir.Value, z: ir.Value, name: str = "arith.addf") -> ir.Value:
        return low.emit(name, [x, low.emit("arith.mulf", [y, z], t, flags)], t, flags)

    if info.kind == "float":
        return accumulate(total, a, b)
    (re, im), (a_re, a_im), (b_re, b_im) = (parts(low, z, info) for z in (total, a, b))
    re = accumulate(accumulate(re, a_re, b_re), a_im, b_im, "arith.subf")
    im = accumulate(accumulate(im, a_re, b_im), a_im, b_re)
    return join(low, re, im, info)


@rule("dot_general")
def _dot_general(low: Lowering, op: ir.Operation) -> list[Val]:
    """Loops: the result's dimensions, then the contracted ones."""
    operands, info = low.operands(op), low.info(op.result.type)
    batching = [low.attribute(f"{side}_batching_dimensions") for side in ("lhs", "rhs")]
    contracting = [low.attribute(f"{side}_contracting_dimensions") for side in ("lhs", "rhs")]
    rank, batch = info.rank, len(batching[0])
    maps, free = [], batch
    for val, batch_dims, sum_dims in zip(operands, batching, contracting, strict=True):
        loops = {d: i for i, d in enumerate(batch_dims)} | {d: rank + i for i, d in enumerate(sum_dims)}
        for d in range(val.info.rank):
            if d not in loops:
                loops[d] = free
                free += 1
        maps.append([dim(loops[d]) for d in range(val.info.rank)])
    sizes = (*info.shape, *(operands[0].info.shape[d] for d in contracting[0]))
    iterators = "p" * rank + "r" * len(contracting[0])
    return [contract(low, list(zip(operands, maps, strict=True)), low.identity(rank), iterators, sizes, info)]


@rule("convolution")
def _convolution(low: Lowering, op: ir.Operation) -> list[Val]:
    """Loops: group (of features or of batches, where there are several), batch, feature, output space; channel, window.

    The feature dimension of the kernel and of the result is split by the group count, and so is the input's feature or
    batch dimension; the input is padded and dilated beforehand, the kernel is read backwards where reversed.
    """
    if len(op.operands) > 2:
        raise low.unsupported("a convolution with dynamic padding has no static shape; compile for fixed padding")
    attribute = low.attribute
    lhs, rhs = low.operands(op)
    info = low.info(op.result.type)
    spatial = attribute("input_spatial_dimensions")
    kernel_spatial, output_spatial = attribute("kernel_spatial_dimensions"), attribute("output_spatial_dimensions")
    padding, dilation = attribute("padding"), attribute("lhs_dilation")
    groups, batch_groups = attribute("feature_group_count"), attribute("batch_group_count")
    batch_dim, feature_dim = attribute("input_batch_dimension"), attribute("input_feature_dimension")

    lows, interiors, shape = [0] * lhs.info.rank, [0] * lhs.info.rank, list(lhs.info.shape)
    for i, d in enumerate(spatial):
        lows[d], interiors[d] = padding[2 * i], dilation[i] - 1
        n = shape[d]
        shape[d] = padding[2 * i] + padding[2 * i + 1] + (n and (n - 1) * dilation[i] + 1)
    lhs = pad(low, lhs, neutral(low, "add", lhs.info), lows, interiors, low.like(lhs.info, shape))

    count = len(spatial)
    in_channels = rhs.info.shape[attribute("kernel_input_feature_dimension")]
    split = max(groups, batch_groups)
    features = info.shape[attribute("output_feature_dimension")] // split
    batch = info.shape[attribute("output_batch_dimension")]
    window = [rhs.info.shape[d] for d in kernel_spatial]
    group, group_sizes = ([0], [split]) if split > 1 else ([], [])
    n = len(group)
    f, first_space, c, first_window = n + 1, n + 2, n + 2 + count, n + 3 + count
    sizes = [*group_sizes, batch, features, *(info.shape[d] for d in output_spatial), in_channels, *window]

    lhs_exprs: dict[int, Expr] = {
        batch_dim: (((0, batch), (n, 1)), 0) if batch_groups > 1 else dim(n),
        feature_dim: (((0, in_channels), (c, 1)), 0) if groups > 1 else dim(c),
    }
    rhs_exprs: dict[int, Expr] = {
        attribute("kernel_input_feature_dimension"): dim(c),
        attribute("kernel_output_feature_dimension"): dim(f),
    }
    strides, rhs_dilation = attribute("window_strides"), attribute("rhs_dilation")
    reversal = attribute("window_reversal")
    for i in range(count):
        lhs_exprs[spatial[i]] = (((first_space + i, strides[i]), (first_window + i, rhs_dilation[i])), 0)
        rhs_exprs[kernel_spatial[i]] = (
            dim(first_window + i, -1, window[i] - 1) if reversal[i] else dim(first_window + i)
        )
    out_dims = {attribute("output_batch_dimension"): [n], attribute("output_feature_dimension"): [*group, f]}
    out_dims |= {d: [first_space + i] for i, d in enumerate(output_spatial)}

    # The kernel and the result with their feature dimension split into (group, feature).
    rhs_map, rhs_shape = [], []
    for d, m in enumerate(rhs.info.shape):
        is_feature = d == attribute("kernel_output_feature_dimension")
        rhs_map += [*map(dim, group), dim(f)] if is_feature else [rhs_exprs[d]]
        rhs_shape += [*group_sizes, features] if is_feature else [m]
    rhs = reshape(low, rhs, low.like(rhs.info, rhs_shape))
    out_map = [dim(loop) for d in range(info.rank) for loop in out_dims[d]]
    split_info = low.like(info, [sizes[loop] for d in range(info.rank) for loop in out_dims[d]])
    iterators = "p" * c + "r" * (1 + count)
    inputs = [(lhs, [lhs_exprs[d] for d in range(lhs.info.rank)]), (rhs, rhs_map)]
    return [reshape(low, contract(low, inputs, out_map, iterators, sizes, split_info), info)]
