"""Operations of the Astra dialect that make, move or re-arrange elements without computing on them."""

from __future__ import annotations

import math

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    DYNAMIC,
    Tensor,
    fits,
    operands,
    require_dimension,
    require_dimensions,
    require_element,
    require_index_vector,
    require_same_element,
    require_same_shape,
    require_scalar,
    require_shape,
    require_size,
    shape_text,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["padded_size", "sliced_size"]


def sliced_size(start: int, limit: int, stride: int) -> int:
    """The size of a dimension after taking ``[start:limit:stride]`` of it."""
    return -(-(limit - start) // stride)


def padded_size(size: int, low: int, high: int, interior: int) -> int:
    """The size of a static dimension after padding (negative ``low`` and ``high`` cut elements off)."""
    return size + low + max(size - 1, 0) * interior + high


# --- verifiers ---------------------------------------------------------------------------------------------------


def _dynamic_operands(op: ir.Operation, values: list[Tensor], first: int, counts: tuple[int, ...]) -> list[Tensor]:
    """The variadic operands from ``first`` on, of which there must be one of ``counts``."""
    extra = values[first:]
    if len(extra) not in counts:
        allowed = " or ".join(str(first + count) for count in counts)
        raise VerificationError(f"expects {allowed} operands, but has {len(values)}")
    return extra


def _verify_constant(op: ir.Operation) -> None:
    result = single_result(op)
    value = op.attributes["value"]
    value_type = getattr(value, "type", None)
    require(value_type == result.type, f"attribute 'value' has type {value_type}, but the result {result.type} (C1)")
    require_element(result, "bifc")


def _verify_iota(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    dynamic = _dynamic_operands(op, values, 0, (0, 1))
    require_element(result, "ifc")
    require_dimension("dimension", value_of(op, "dimension"), result, "C1")
    if dynamic:
        require_index_vector(dynamic[0], result.rank, "each dimension of the result")
    else:
        require(DYNAMIC not in result.shape, f"needs a shape operand, because the result is {result.type}")


def _verify_broadcast(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand = values[0]
    dimensions = value_of(op, "dimensions")
    require_same_element(operand, result, "C1")
    require_element(operand, "bifc")
    require_size("dimensions", dimensions, operand.rank, "each dimension of the operand", constraint="C2")
    require_dimensions("dimensions", dimensions, result.rank, "the result", bounds="C3", unique="C4")
    for d, dimension in enumerate(dimensions):
        if operand.shape[d] != 1 and not fits(operand.shape[d], result.shape[dimension]):
            raise VerificationError(
                f"dimension {d} of operand 'operand', {operand.type}, is neither 1 nor the size of dimension "
                f"{dimension} of the result, {result.type} (C5)"
            )
    for shape in _dynamic_operands(op, values, 1, (0, 1)):
        require_index_vector(shape, result.rank, "each dimension of the result")


def _verify_reshape(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand = values[0]
    require_same_element(operand, result, "C1")
    require_element(operand, "bifc")
    if DYNAMIC not in operand.shape and DYNAMIC not in result.shape:
        count, expected = math.prod(result.shape), math.prod(operand.shape)
        if count != expected:
            raise VerificationError(
                f"result has {count} elements, {result.type}, but operand 'operand' has {expected}, {operand.type} (C2)"
            )
    for shape in _dynamic_operands(op, values, 1, (0, 1)):
        require_index_vector(shape, result.rank, "each dimension of the result")


def _verify_transpose(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    permutation = value_of(op, "permutation")
    require_same_element(operand, result, "C1")
    require_element(operand, "bifc")
    if sorted(permutation) != list(range(operand.rank)):
        raise VerificationError(
            f"attribute 'permutation' must be a permutation of the {operand.rank} dimensions of operand 'operand', "
            f"{operand.type}, but is {list(permutation)} (C2)"
        )
    require_shape(result, [operand.shape[d] for d in permutation], f"that of {operand.type} permuted", "C3")


def _verify_slice(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand = values[0]
    require_same_element(operand, result, "C1")
    require_element(operand, "bifc")
    dynamic = _dynamic_operands(op, values, 1, (0, 3))
    if dynamic:
        for vector in dynamic:
            require_index_vector(vector, operand.rank, "each dimension of the operand")
        require(result.rank == operand.rank, f"result must have rank {operand.rank}, but is {result.type}")
        return
    names = ("start_indices", "limit_indices", "strides")
    for name in names:
        require(value_of(op, name) is not None, f"requires attribute '{name}' (array of i64)")
        require_size(name, value_of(op, name), operand.rank, "each dimension of the operand", constraint="C2")
    starts, limits, strides = (value_of(op, name) for name in names)
    for d, (start, limit, stride, size) in enumerate(zip(starts, limits, strides, operand.shape, strict=True)):
        if not 0 <= start <= limit or (size >= 0 and limit > size):
            raise VerificationError(f"cannot take [{start}, {limit}) of dimension {d} of {operand.type} (C3)")
        require(stride > 0, f"attribute 'strides' has {stride}, which is less than 1 (C4)")
    expected = [sliced_size(*bounds) for bounds in zip(starts, limits, strides, strict=True)]
    require_shape(result, expected, f"that of the slice of {operand.type}", "C5")


def _verify_pad(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand, padding_value = values[:2]
    require_element(operand, "bifc")
    require_same_element(operand, padding_value, "C1")
    require_same_element(operand, result, "C1")
    require_scalar(padding_value)
    dynamic = _dynamic_operands(op, values, 2, (0, 3))
    if dynamic:
        for vector in dynamic:
            require_index_vector(vector, operand.rank, "each dimension of the operand")
        require(result.rank == operand.rank, f"result must have rank {operand.rank}, but is {result.type}")
        return
    names = ("low", "high", "interior")
    for name in names:
        require(value_of(op, name) is not None, f"requires attribute '{name}' (array of i64)")
        require_size(name, value_of(op, name), operand.rank, "each dimension of the operand", constraint="C2")
    low, high, interior = (value_of(op, name) for name in names)
    require(all(i >= 0 for i in interior), f"attribute 'interior' must not be negative, but is {list(interior)} (C3)")
    expected = [
        padded_size(size, *paddings) if size >= 0 else DYNAMIC
        for size, *paddings in zip(operand.shape, low, high, interior, strict=True)
    ]
    for size in expected:
        require(size >= 0 or size == DYNAMIC, f"padding cuts off more than there is of {operand.type} (C4)")
    require_shape(result, expected, f"that of {operand.type} padded", "C4")


def _verify_concatenate(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    require(bool(values), "expects at least 1 operands, but has 0 (C3)")
    first, dimension = values[0], value_of(op, "dimension")
    require_element(first, "bifc")
    require_dimension("dimension", dimension, first, "C4")
    for value in values[1:]:
        require_same_element(first, value, "C1")
        others = [size if d == dimension else other for d, (size, other) in enumerate(zip(value.shape, first.shape))]  # noqa: B905
        if value.rank != first.rank or not all(map(fits, value.shape, others)):
            raise VerificationError(
                f"{value.what}, {value.type}, and {first.what}, {first.type}, must have one shape except for dimension "
                f"{dimension} (C2)"
            )
    require_same_element(first, result, "C5")
    sizes = [value.shape[dimension] for value in values]
    expected = list(first.shape)
    expected[dimension] = DYNAMIC if DYNAMIC in sizes else sum(sizes)
    text = " and ".join(shape_text(value.shape) for value in values[:4]) + (" and others" if len(values) > 4 else "")
    require_shape(result, expected, f"that of {text} concatenated", "C6")


def _verify_reverse(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    require_element(operand, "bifc")
    require_same_element(operand, result, "C1")
    require_same_shape(operand, result, "C1")
    dimensions = value_of(op, "dimensions")
    require_dimensions("dimensions", dimensions, result.rank, "the result", bounds="C3", unique="C2")


def _verify_get_dimension_size(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    require_dimension("dimension", value_of(op, "dimension"), operand, "C1")
    i32 = ir.IntegerType.get_signless(32)
    require(not result.shape and result.element == i32, f"result must be tensor<i32>, but is {result.type}")


def _verify_set_dimension_size(op: ir.Operation) -> None:
    (operand, size), result = operands(op), single_result(op)
    dimension = value_of(op, "dimension")
    require_scalar(size, "i")
    require_dimension("dimension", dimension, operand)
    require_same_element(operand, result)
    expected = list(operand.shape)
    expected[dimension] = DYNAMIC
    require_shape(result, expected, f"that of {operand.type} except for dimension {dimension}")


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "constant",
    family="shape",
    attributes={"value": Attr.ELEMENTS},
    doc="""A tensor known when the program is compiled.

```mlir
%result = "astra.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
```

The result has the type of `value`, of static shape. Large values that are not splats are resources, so that printing
a program never prints megabytes.
""",
    verify=_verify_constant,
)
define(
    "iota",
    family="shape",
    operands=("*dynamic_shape",),
    attributes={"dimension": Attr.I64},
    doc="""Number the positions along one dimension, from zero.

```mlir
%result = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xi32>
```

Each element is its index in `dimension`. The optional operand, a vector of integers, gives a shape that the result
type leaves open.
""",
    verify=_verify_iota,
)
define(
    "broadcast",
    family="shape",
    operands=("operand", "*dynamic_shape"),
    attributes={"dimensions": Attr.I64_ARRAY},
    doc="""Repeat a tensor along new dimensions and along dimensions of size 1.

```mlir
%result = "astra.broadcast"(%operand) {dimensions = array<i64: 2, 0>} : (tensor<1x3xf32>) -> tensor<3x2x4xf32>
```

Dimension `i` of the operand becomes dimension `dimensions[i]` of the result, expanded if its size is 1; all other
dimensions of the result are new. The optional operand, a vector of integers, gives a shape that the result type leaves
open.
""",
    verify=_verify_broadcast,
)
define(
    "reshape",
    family="shape",
    operands=("operand", "*dynamic_shape"),
    doc="""The same elements in row-major order with another shape.

```mlir
%result = "astra.reshape"(%operand) : (tensor<2x6xf32>) -> tensor<3x4xf32>
```

The number of elements stays. The optional operand, a vector of integers, gives a shape that the result type leaves
open.
""",
    verify=_verify_reshape,
)
define(
    "transpose",
    family="shape",
    operands=("operand",),
    attributes={"permutation": Attr.I64_ARRAY},
    doc="""Permute the dimensions.

```mlir
%result = "astra.transpose"(%operand) {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
```

Dimension `i` of the result is dimension `permutation[i]` of the operand.
""",
    verify=_verify_transpose,
)
define(
    "slice",
    family="shape",
    operands=("operand", "*dynamic"),
    optional_attributes={
        "start_indices": Attr.I64_ARRAY,
        "limit_indices": Attr.I64_ARRAY,
        "strides": Attr.I64_ARRAY,
    },
    doc="""Take every `strides[d]`-th element of an interval in every dimension.

```mlir
%result = "astra.slice"(%operand)
    {start_indices = array<i64: 0, 1>, limit_indices = array<i64: 2, 6>, strides = array<i64: 1, 2>}
    : (tensor<3x8xf32>) -> tensor<2x3xf32>
```

Along dimension `d` the result has the elements from `start_indices[d]` up to but not including `limit_indices[d]`.
With three more operands, vectors of integers, these give starts, limits and strides in place of the attributes.
""",
    verify=_verify_slice,
)
define(
    "pad",
    family="shape",
    operands=("operand", "padding_value", "*dynamic"),
    optional_attributes={"low": Attr.I64_ARRAY, "high": Attr.I64_ARRAY, "interior": Attr.I64_ARRAY},
    doc="""Put copies of one value before, after and between the elements.

```mlir
%result = "astra.pad"(%operand, %padding_value)
    {low = array<i64: 1, 0>, high = array<i64: 0, -1>, interior = array<i64: 0, 2>}
    : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x6xf32>
```

Along dimension `d`: `low[d]` values before, `high[d]` after, `interior[d]` between neighbours. A negative `low` or
`high` cuts elements off instead. With three more operands, vectors of integers, these give low, high and interior in
place of the attributes.
""",
    verify=_verify_pad,
)
define(
    "concatenate",
    family="shape",
    operands=("*operands",),
    attributes={"dimension": Attr.I64},
    doc="""Join tensors along one dimension.

```mlir
%result = "astra.concatenate"(%a, %b) {dimension = 1 : i64}
    : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
```

The operands have one shape except for `dimension`, whose sizes add up.
""",
    verify=_verify_concatenate,
)
define(
    "reverse",
    family="shape",
    operands=("operand",),
    attributes={"dimensions": Attr.I64_ARRAY},
    doc="""Reverse the order of the elements along some dimensions.

```mlir
%result = "astra.reverse"(%operand) {dimensions = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
```
""",
    verify=_verify_reverse,
)
define(
    "get_dimension_size",
    family="shape",
    operands=("operand",),
    attributes={"dimension": Attr.I64},
    doc="""The size of one dimension.

```mlir
%result = "astra.get_dimension_size"(%operand) {dimension = 0 : i64} : (tensor<?x3xf32>) -> tensor<i32>
```
""",
    verify=_verify_get_dimension_size,
)
define(
    "set_dimension_size",
    family="shape",
    operands=("operand", "size"),
    attributes={"dimension": Attr.I64},
    doc="""Say that only the first `size` elements along one dimension are meant.

```mlir
%result = "astra.set_dimension_size"(%operand, %size) {dimension = 0 : i64}
    : (tensor<4x3xf32>, tensor<i32>) -> tensor<?x3xf32>
```

The size of `dimension` in the result is `size`, which is at most that of the operand.
""",
    verify=_verify_set_dimension_size,
)
