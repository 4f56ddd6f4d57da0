"""Sorting operations of the Astra dialect."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    operands,
    require_choice,
    require_dimension,
    require_element,
    require_no_region,
    require_region,
    require_same_element,
    require_same_shape,
    require_shape,
    results,
    scalar_type,
)
from astra_mlir.dialects.core import Attr, define, require, value_of

__all__ = ["SORT_KINDS"]

SORT_KINDS = ("ascending", "descending", "custom")


# --- verifiers ---------------------------------------------------------------------------------------------------


def _verify_sort(op: ir.Operation) -> None:
    values, found = operands(op), results(op)
    require(bool(values), "expects at least 1 operands, but has 0 (C1)")
    require(len(found) == len(values), f"has {len(values)} operands, but {len(found)} results (C2)")
    first = values[0]
    for value, result in zip(values, found, strict=True):
        require_element(value, "bifc")
        require_same_element(value, result, "C2")
        require_same_shape(first, value, "C3")
        require_same_shape(first, result, "C3")
    require_dimension("dimension", value_of(op, "dimension"), first, "C4")
    kind, keys = require_choice(op, "kind", SORT_KINDS), value_of(op, "num_keys")
    if kind == "custom":
        require(keys is None, "attribute 'num_keys' has no meaning where the kind is 'custom'")
        scalars = [scalar_type(value.element) for value in values for _ in range(2)]
        require_region(op, 0, "comparator", scalars, [scalar_type(ir.IntegerType.get_signless(1))], "C5")
        return
    require_no_region(op, 0, "comparator", kind)
    require(
        keys is None or 0 < keys <= len(values), f"attribute 'num_keys' is {keys}, but must be from 1 to {len(values)}"
    )


def _verify_top_k(op: ir.Operation) -> None:
    (operand,), (values, indices) = operands(op), results(op)
    k = value_of(op, "k")
    require_element(operand, "if")
    require(operand.rank > 0, f"{operand.what} must have a dimension, but is {operand.type}")
    size = operand.shape[-1]
    require(
        k >= 0 and (size < 0 or k <= size),
        f"attribute 'k' is {k}, but must be from 0 to the last dimension of {operand.type}",
    )
    require_same_element(operand, values)
    i32 = ir.IntegerType.get_signless(32)
    require(indices.element == i32, f"{indices.what} must have i32 elements, but is {indices.type}")
    for result in (values, indices):
        require_shape(result, [*operand.shape[:-1], k], f"that of {operand.type} with {k} last elements")


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "sort",
    family="sorting",
    operands=("*operands",),
    results=("*results",),
    attributes={"dimension": Attr.I64, "is_stable": Attr.BOOL, "kind": Attr.STRING},
    optional_attributes={"num_keys": Attr.I64},
    regions=1,
    doc="""Sort along one dimension, moving the elements of all operands alike.

```mlir
%keys, %values = "astra.sort"(%a, %b) ({}) {dimension = 1 : i64, is_stable = true, kind = "ascending"}
    : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>)
```

`kind` is ascending, descending or custom. Ascending and descending compare the first `num_keys` (default 1) operands
lexicographically; NaN is the largest value, all NaNs are equal, and -0.0 equals 0.0. With custom the region takes two
scalars of each operand (both of the first, both of the second, ...) and yields whether the first of each two goes
before the second. With `is_stable` equal elements keep their order.
""",
    verify=_verify_sort,
)
define(
    "top_k",
    family="sorting",
    operands=("operand",),
    results=("values", "indices"),
    attributes={"k": Attr.I64, "largest": Attr.BOOL},
    doc="""The k largest elements along the last dimension, in order, and where they are.

```mlir
%values, %indices = "astra.top_k"(%operand) {k = 3 : i64, largest = true}
    : (tensor<4x8xf32>) -> (tensor<4x3xf32>, tensor<4x3xi32>)
```

With `largest = false`, the smallest. Of equal elements the one with the lower index goes first. Floats are in the
total order of IEEE 754: -NaN, -inf, ..., -0.0, 0.0, ..., inf, NaN.
""",
    verify=_verify_top_k,
)
