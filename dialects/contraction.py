"""Contractions of the Astra dialect: the generalized dot product and convolution."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    DYNAMIC,
    Tensor,
    fits,
    is_promotable,
    num_windows,
    operands,
    require_choice,
    require_dimensions,
    require_element,
    require_same_element,
    require_shape,
    require_size,
    shape_text,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["PRECISIONS"]

PRECISIONS = ("DEFAULT", "HIGH", "HIGHEST")


# --- verifiers ---------------------------------------------------------------------------------------------------


def _require_elements(op: ir.Operation, lhs: Tensor, rhs: Tensor, result: Tensor, constraint: str) -> None:
    require_element(lhs, "bifc")
    require_same_element(lhs, rhs, constraint)
    if not is_promotable(lhs.element, result.element):
        raise VerificationError(
            f"result cannot hold sums of {lhs.element} products: it is {result.type} ({constraint})"
        )
    if "precision" in op.attributes:
        require_choice(op, "precision", PRECISIONS)


def _require_pairs(
    lhs: Tensor, rhs: Tensor, name: str, pairs: tuple[Sequence[int], Sequence[int]], cited: tuple[str, str]
) -> None:
    """Batching or contracting dimensions pair up and have equal sizes."""
    if len(pairs[0]) != len(pairs[1]):
        raise VerificationError(
            f"attributes 'lhs_{name}_dimensions' and 'rhs_{name}_dimensions' must have one length, but are "
            f"{list(pairs[0])} and {list(pairs[1])} ({cited[0]})"
        )
    for i, j in zip(*pairs, strict=True):
        if not fits(lhs.shape[i], rhs.shape[j]):
            raise VerificationError(
                f"{name} dimension {i} of {lhs.what}, {lhs.type}, and {j} of {rhs.what}, {rhs.type}, differ in size "
                f"({cited[1]})"
            )


def _verify_dot_general(op: ir.Operation) -> None:
    (lhs, rhs), result = operands(op), single_result(op)
    batch = value_of(op, "lhs_batching_dimensions"), value_of(op, "rhs_batching_dimensions")
    contracting = value_of(op, "lhs_contracting_dimensions"), value_of(op, "rhs_contracting_dimensions")
    cited = (("lhs", lhs, "C5", "C6", "C3"), ("rhs", rhs, "C7", "C8", "C4"))
    for side, (name, operand, of_batch, of_contracting, unique) in enumerate(cited):
        rank, what = operand.rank, operand.what
        require_dimensions(f"{name}_batching_dimensions", batch[side], rank, what, bounds=of_batch)
        require_dimensions(f"{name}_contracting_dimensions", contracting[side], rank, what, bounds=of_contracting)
        both = batch[side] + contracting[side]
        require_dimensions(
            f"{name}_batching_dimensions + {name}_contracting_dimensions", both, rank, what, unique=unique
        )
    _require_pairs(lhs, rhs, "batching", batch, ("C1", "C9"))
    _require_pairs(lhs, rhs, "contracting", contracting, ("C2", "C10"))
    _require_elements(op, lhs, rhs, result, "C13")
    expected = [lhs.shape[d] for d in batch[0]]
    for side, operand in enumerate((lhs, rhs)):
        expected += [
            size for d, size in enumerate(operand.shape) if d not in batch[side] and d not in contracting[side]
        ]
    require_shape(result, expected, f"that of {lhs.type} times {rhs.type}", "C12")


_SPATIAL_SIZES = (  # attribute, constraint on its length, constraint on its values
    ("window_strides", "C2", "C3"),
    ("lhs_dilation", "C5", "C6"),
    ("rhs_dilation", "C7", "C8"),
)
_LAYOUTS = (  # operand or result, attributes of its dimensions, constraints: length of the spatial ones, all different
    ("input_spatial_dimensions", ("input_batch_dimension", "input_feature_dimension"), "C12", "C13"),
    ("kernel_spatial_dimensions", ("kernel_input_feature_dimension", "kernel_output_feature_dimension"), "C17", "C18"),
    ("output_spatial_dimensions", ("output_batch_dimension", "output_feature_dimension"), "C19", "C20"),
)


def _quotient(size: int, divisor: int) -> int:
    return size // divisor if size >= 0 else DYNAMIC


def _verify_convolution(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    require(len(values) <= 3, f"expects 2 or 3 operands, but has {len(values)}")
    lhs, rhs = values[:2]
    rank, spatial = lhs.rank, lhs.rank - 2
    require(rhs.rank == rank, f"{lhs.what}, {lhs.type}, and {rhs.what}, {rhs.type}, must have one rank (C1)")
    require(rank >= 2, f"{lhs.what} must have rank 2 or more, but is {lhs.type} (C1)")
    require(result.rank == rank, f"result must have rank {rank}, but is {result.type} (C26)")
    _require_elements(op, lhs, rhs, result, "C27")
    sizes = {}
    for name, length, positive in _SPATIAL_SIZES:
        sizes[name] = value_of(op, name)
        require_size(name, sizes[name], spatial, "each spatial dimension", constraint=length, least=1, low=positive)
    require_size("window_reversal", value_of(op, "window_reversal"), spatial, "each spatial dimension", constraint="C9")
    layouts = []
    for name, others, length, unique in _LAYOUTS:
        dimensions = value_of(op, name)
        require_size(name, dimensions, spatial, "each spatial dimension", constraint=length)
        pair = [value_of(op, other) for other in others]
        names = " + ".join((*others, name))
        require_dimensions(names, [*pair, *dimensions], rank, "the tensor", bounds=unique, unique=unique)
        layouts.append((dimensions, *pair))
    (inputs, batch, feature), (kernel, kernel_in, kernel_out), (outputs, out_batch, out_feature) = layouts
    _require_groups(op, lhs.shape[batch], lhs.shape[feature], rhs.shape[kernel_in], rhs.shape[kernel_out])
    padding = value_of(op, "padding")
    if len(values) == 3:
        shape = values[2].shape
        if len(shape) != 2 or not fits(shape[0], spatial) or not fits(shape[1], 2):
            raise VerificationError(f"{values[2].what} must have shape {spatial}x2, but is {values[2].type} (C4)")
        require_element(values[2], "i")
    else:
        require(padding is not None, "requires attribute 'padding' (array of i64)")
        require_size("padding", padding, 2 * spatial, "both ends of each spatial dimension", constraint="C4")
    expected = [DYNAMIC] * rank
    expected[out_batch] = _quotient(lhs.shape[batch], value_of(op, "batch_group_count"))
    expected[out_feature] = rhs.shape[kernel_out]
    if len(values) == 2:
        for i, dimension in enumerate(outputs):
            expected[dimension] = num_windows(
                lhs.shape[inputs[i]], rhs.shape[kernel[i]], sizes["window_strides"][i], padding[2 * i],
                padding[2 * i + 1], sizes["lhs_dilation"][i], sizes["rhs_dilation"][i],
            )  # fmt: skip
    require_shape(result, expected, f"that of the convolution of {lhs.type} with {rhs.type}", "C25")


def _require_groups(op: ir.Operation, batch: int, feature: int, kernel_in: int, kernel_out: int) -> None:
    feature_groups, batch_groups = value_of(op, "feature_group_count"), value_of(op, "batch_group_count")
    require(feature_groups > 0, f"attribute 'feature_group_count' must be positive, but is {feature_groups} (C21)")
    require(batch_groups > 0, f"attribute 'batch_group_count' must be positive, but is {batch_groups} (C22)")
    require(feature_groups == 1 or batch_groups == 1, "cannot group both features and batch (C23)")
    for size, groups, what, constraint in (
        (batch, batch_groups, "batch of operand 'lhs'", "C10"),
        (feature, feature_groups, "features of operand 'lhs'", "C11"),
        (kernel_out, batch_groups, "output features of operand 'rhs'", "C15"),
        (kernel_out, feature_groups, "output features of operand 'rhs'", "C16"),
    ):
        if size >= 0 and size % groups:
            raise VerificationError(f"{what}, {size}, cannot be split into {groups} groups ({constraint})")
    if not fits(kernel_in, _quotient(feature, feature_groups)):
        raise VerificationError(
            f"operand 'rhs' takes {shape_text([kernel_in])} input features, but a group of operand 'lhs' has "
            f"{shape_text([_quotient(feature, feature_groups)])} (C14)"
        )


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "dot_general",
    family="contraction",
    operands=("lhs", "rhs"),
    attributes={
        "lhs_batching_dimensions": Attr.I64_ARRAY,
        "rhs_batching_dimensions": Attr.I64_ARRAY,
        "lhs_contracting_dimensions": Attr.I64_ARRAY,
        "rhs_contracting_dimensions": Attr.I64_ARRAY,
    },
    optional_attributes={"precision": Attr.STRING},
    doc="""Multiply and sum over contracting dimensions, once for each index of the batching dimensions.

```mlir
%result = "astra.dot_general"(%lhs, %rhs)
    {lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,
     lhs_contracting_dimensions = array<i64: 2>, rhs_contracting_dimensions = array<i64: 1>, precision = "HIGHEST"}
    : (tensor<8x4x5xf32>, tensor<8x5x6xf32>) -> tensor<8x4x6xf32>
```

The result has the batching dimensions, then the other dimensions of `lhs`, then those of `rhs`. Its element type may
be wider than the operands' (int8 to int32, bf16 to f32): products are then summed in that type. `precision` is
DEFAULT, HIGH or HIGHEST.
""",
    verify=_verify_dot_general,
)
define(
    "convolution",
    family="contraction",
    operands=("lhs", "rhs", "*dynamic_padding"),
    attributes={
        "window_strides": Attr.I64_ARRAY,
        "lhs_dilation": Attr.I64_ARRAY,
        "rhs_dilation": Attr.I64_ARRAY,
        "window_reversal": Attr.BOOL_ARRAY,
        "input_batch_dimension": Attr.I64,
        "input_feature_dimension": Attr.I64,
        "input_spatial_dimensions": Attr.I64_ARRAY,
        "kernel_input_feature_dimension": Attr.I64,
        "kernel_output_feature_dimension": Attr.I64,
        "kernel_spatial_dimensions": Attr.I64_ARRAY,
        "output_batch_dimension": Attr.I64,
        "output_feature_dimension": Attr.I64,
        "output_spatial_dimensions": Attr.I64_ARRAY,
        "feature_group_count": Attr.I64,
        "batch_group_count": Attr.I64,
    },
    optional_attributes={"padding": Attr.I64_ARRAY, "precision": Attr.STRING},
    doc="""The dot product of a kernel with every window of an input.

```mlir
%result = "astra.convolution"(%lhs, %rhs)
    {window_strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, lhs_dilation = array<i64: 1, 1>,
     rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, input_batch_dimension = 0 : i64,
     input_feature_dimension = 3 : i64, input_spatial_dimensions = array<i64: 1, 2>,
     kernel_input_feature_dimension = 2 : i64, kernel_output_feature_dimension = 3 : i64,
     kernel_spatial_dimensions = array<i64: 0, 1>, output_batch_dimension = 0 : i64,
     output_feature_dimension = 3 : i64, output_spatial_dimensions = array<i64: 1, 2>, feature_group_count = 1 : i64,
     batch_group_count = 1 : i64}
    : (tensor<2x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x8x8x16xf32>
```

`lhs` is the input, `rhs` the kernel; the `*_dimension` attributes name the dimensions of both and of the result.
`padding` has the low and the high padding of the first spatial dimension, then of the next; `lhs_dilation` spreads the
input's elements, `rhs_dilation` the kernel's; `window_reversal` reverses the kernel. With `feature_group_count` or
`batch_group_count` over 1, features or batch fall into groups, each convolved with its share of output features. The
optional operand, n x 2 integers, gives the padding in place of the attribute. The result's element type may be wider
than the operands'; `precision` is that of `astra.dot_general`.
""",
    verify=_verify_convolution,
)
