"""Derivatives of contractions: bilinear, so each operand's transpose is a contraction of the cotangent with the other.

Products are summed in the result's element type, which may be wider than the operands': cotangents stay in it until the
end.  The two transposes of a convolution are convolutions with the paddings and dimension numbers of JAX's.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.autodiff_rules.core import Emitter, jvp, refuse, vjp

MaybeValue = ir.Value | None


@jvp("dot_general", "convolution")
def _product_jvp(op: ir.Operation, tangents: Sequence[MaybeValue], b: Emitter) -> Sequence[MaybeValue]:
    """The product rule."""
    lhs, rhs, *padding = op.operands
    total = None
    for operands in ((tangents[0], rhs), (lhs, tangents[1])):
        if all(x is not None for x in operands):
            total = b.add(total, b.copy(op, (*operands, *padding), op.results[0].type))
    return [total]


# --- dot_general ---------------------------------------------------------------------------------------------------


@vjp("dot_general")
def _dot_general_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    return [_dot_operand(op, c, side, b) if needs[side] else None for side in range(2)]


def _dot_operand(op: ir.Operation, c: ir.Value, side: int, b: Emitter) -> ir.Value:
    """The cotangent of an operand: that of the result contracted with the other operand over the other's free ones.

    Of the two orders of that product the one is taken whose result need not be transposed, where there is one.
    """
    names = ("lhs", "rhs")
    batch, contracting = (
        [int_list(op, f"{name}_{what}_dimensions") for name in names] for what in ("batching", "contracting")
    )
    x, other = op.operands[side], b.convert(op.operands[1 - side], b.info(c).element)
    ranks = [b.info(operand).rank for operand in op.operands]
    free = [[d for d in range(ranks[i]) if d not in (*batch[i], *contracting[i])] for i in range(2)]
    count = len(batch[0])
    first = count if side == 1 else count + len(free[0])  # of the other operand's free dimensions in the result
    in_result = list(range(first, first + len(free[1 - side])))
    # Where each dimension of the two products lies in the operand.
    pairs = dict(zip(contracting[1 - side], contracting[side], strict=True))
    contracted = [pairs[d] for d in sorted(pairs)]
    orders = {True: [*batch[side], *free[side], *contracted], False: [*batch[side], *contracted, *free[side]]}
    cotangent_first = not (orders[False] == sorted(orders[False]) and orders[True] != sorted(orders[True]))
    operands = (c, other) if cotangent_first else (other, c)
    of_c = {"batching": list(range(count)), "contracting": in_result}
    of_other = {"batching": batch[1 - side], "contracting": free[1 - side]}
    dimensions = dict(zip(names, (of_c, of_other) if cotangent_first else (of_other, of_c), strict=True))
    order = orders[cotangent_first]
    shape = [b.info(x).shape[d] for d in order]
    product = b.build(
        "dot_general", operands, b.type(shape, b.info(c).element), precision=value_of(op, "precision"),
        **{f"{name}_{what}_dimensions": dimensions[name][what] for name in names for what in of_c},
    )  # fmt: skip
    return b.convert(b.transpose(product, [order.index(d) for d in range(len(order))]), b.info(x).element)


# --- convolution ---------------------------------------------------------------------------------------------------


@vjp("convolution")
def _convolution_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    if len(op.operands) > 2:
        refuse(op, "its padding is only known at run time; differentiate for static padding")
    what = _Convolution(op, b)
    return [what.input(c) if needs[0] else None, what.kernel(c) if needs[1] else None]


def dilate(size: int, dilation: int) -> int:
    """The size of a dimension whose elements are spread out."""
    return (size - 1) * dilation + 1 if size else 0


class _Convolution:
    """The two transposes of one convolution."""

    def __init__(self, op: ir.Operation, b: Emitter) -> None:
        self.b = b
        self.lhs, self.rhs = op.operands
        self.precision = value_of(op, "precision")
        self.strides, self.lhs_dilation, self.rhs_dilation, padding = (
            int_list(op, name) for name in ("window_strides", "lhs_dilation", "rhs_dilation", "padding")
        )
        self.low = padding[::2]
        self.reversal: tuple[bool, ...] = value_of(op, "window_reversal")
        # batch and feature (kernel: input and output feature), then spatial dimensions
        names = (
            ("input", "input_batch", "input_feature"),
            ("kernel", "kernel_input_feature", "kernel_output_feature"),
            ("output", "output_batch", "output_feature"),
        )
        self.of_input, self.of_kernel, self.of_output = (
            (*(value_of(op, f"{one}_dimension") for one in pair), int_list(op, f"{name}_spatial_dimensions"))
            for name, *pair in names
        )
        self.feature_groups, self.batch_groups = value_of(op, "feature_group_count"), value_of(op, "batch_group_count")
        self.dilated = [
            [dilate(b.info(value).shape[d], n) for d, n in zip(dimensions[2], dilation, strict=True)]
            for value, dimensions, dilation in (
                (self.lhs, self.of_input, self.lhs_dilation),
                (self.rhs, self.of_kernel, self.rhs_dilation),
                (op.results[0], self.of_output, self.strides),
            )
        ]

    def input(self, c: ir.Value) -> ir.Value:
        """The cotangent, spread by the strides, convolved with the reversed kernel whose features trade places."""
        b, element = self.b, self.b.info(c).element
        (into, out, spatial), (batch, feature, _) = self.of_kernel, self.of_input
        groups = self.feature_groups * self.batch_groups  # one of the two is 1
        rhs = self._move_groups(b.convert(self.rhs, element), out, into, groups)
        padding = []
        for lhs, window, result, low in zip(*self.dilated, self.low, strict=True):
            padding += [window - low - 1, lhs - result + low]
        shape = list(b.info(self.lhs).shape)
        shape[batch] //= self.batch_groups
        shape[feature] *= self.batch_groups
        found = self._build(
            c, rhs, shape, (self.of_output, (out, into, spatial), self.of_input), self.lhs_dilation, padding,
            (self.strides, self.rhs_dilation), [not r for r in self.reversal], (groups, 1),
        )  # fmt: skip
        return b.convert(self._move_groups(found, feature, batch, self.batch_groups), b.info(self.lhs).element)

    def kernel(self, c: ir.Value) -> MaybeValue:
        """The input convolved with the cotangent, which is its kernel; batches are summed, so they are the features."""
        b = self.b
        if 0 in b.info(c).shape:
            return None
        lhs, rhs_info = b.convert(self.lhs, b.info(c).element), b.info(self.rhs)
        padding = []
        for input_size, window, result, low in zip(*self.dilated, self.low, strict=True):
            padding += [low, result - input_size + window - low - 1]
        batch, feature, spatial = self.of_input
        found = self._build(
            lhs, c, rhs_info.shape, ((feature, batch, spatial), self.of_output, self.of_kernel), self.rhs_dilation,
            padding, (self.lhs_dilation, self.strides), [False] * len(self.low),
            (self.batch_groups, self.feature_groups),
        )  # fmt: skip
        if any(self.reversal):
            reversed_ = [d for d, r in zip(self.of_kernel[2], self.reversal, strict=True) if r]
            found = b.build("reverse", (found,), found.type, dimensions=reversed_)
        return b.convert(found, rhs_info.element)

    def _move_groups(self, value: ir.Value, source: int, target: int, groups: int) -> ir.Value:
        """Split ``groups`` off from the front of one dimension and put them in front of another."""
        if groups == 1:
            return value
        b, shape = self.b, list(self.b.info(value).shape)
        split = [*shape[:source], groups, shape[source] // groups, *shape[source + 1 :]]
        target_in_split = target if target < source else target + 1
        order = [d for d in range(len(split)) if d != source]
        order.insert(order.index(target_in_split), source)
        shape[source] //= groups
        shape[target] *= groups
        return b.reshape(b.transpose(b.reshape(value, split), order), shape)

    def _build(
        self, lhs: ir.Value, rhs: ir.Value, shape: Sequence[int], dimensions: tuple[tuple[int, int, list[int]], ...],
        strides: list[int], padding: list[int], dilations: tuple[list[int], list[int]], reversal: list[bool],
        groups: tuple[int, int],
    ) -> ir.Value:  # fmt: skip
        of_input, of_kernel, of_output = dimensions
        return self.b.build(
            "convolution", (lhs, rhs), self.b.type(shape, self.b.info(lhs).element), window_strides=strides,
            padding=padding, lhs_dilation=dilations[0], rhs_dilation=dilations[1], window_reversal=reversal,
            input_batch_dimension=of_input[0], input_feature_dimension=of_input[1],
            input_spatial_dimensions=of_input[2], kernel_input_feature_dimension=of_kernel[0],
            kernel_output_feature_dimension=of_kernel[1], kernel_spatial_dimensions=of_kernel[2],
            output_batch_dimension=of_output[0], output_feature_dimension=of_output[1],
            output_spatial_dimensions=of_output[2], feature_group_count=groups[0], batch_group_count=groups[1],
            precision=self.precision,
        )  # fmt: skip
