"""Reductions, window reductions and cumulative operations of the Astra dialect."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    Tensor,
    is_promotable,
    num_windows,
    operands,
    require_choice,
    require_dimension,
    require_dimensions,
    require_element,
    require_no_region,
    require_region,
    require_same_element,
    require_same_shape,
    require_scalar,
    require_shape,
    require_size,
    results,
    scalar_type,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["COMBINER_KINDS", "CUMULATIVE_KINDS", "REDUCE_KINDS", "SELECT_KINDS", "SELECT_SCATTER_KINDS"]

COMBINER_KINDS = ("add", "multiply", "maximum", "minimum", "and", "or", "xor", "custom")
REDUCE_KINDS = (*COMBINER_KINDS, "argmax", "argmin")
CUMULATIVE_KINDS = ("add", "multiply", "maximum", "minimum", "logaddexp")
SELECT_KINDS = ("GE", "GT", "LE", "LT", "custom")
SELECT_SCATTER_KINDS = ("add", "custom")

_ELEMENTS_OF_KIND = {"and": "bi", "or": "bi", "xor": "bi", "logaddexp": "f"}  # all others: any


# --- verifiers ---------------------------------------------------------------------------------------------------


def _inputs_and_inits(op: ir.Operation, constraint: str) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """The inputs, initial values and results: as many of each."""
    values, found = operands(op), results(op)
    count = len(values) // 2
    if len(values) % 2 or count == 0 or len(found) != count:
        raise VerificationError(
            f"expects n inputs, n initial values and n results, but has {len(values)} operands and {len(found)} "
            f"results ({constraint})"
        )
    return values[:count], values[count:], found


def _require_combiner(
    op: ir.Operation, kind: str, inputs: list[Tensor], inits: list[Tensor], found: list[Tensor], cited: tuple[str, ...]
) -> None:
    """Element types of inputs, initial values and results agree with the kind or with the region."""
    same_element, promoted, region = cited
    classes = _ELEMENTS_OF_KIND.get(kind, "bifc")
    for value, init, result in zip(inputs, inits, found, strict=True):
        require_element(value, classes)
        require_scalar(init)
        require_same_element(value, init, same_element)
        if not is_promotable(value.element, result.element):
            raise VerificationError(
                f"{result.what} cannot hold elements of {value.type}: it is {result.type} ({promoted})"
            )
    if kind == "custom":
        scalars = [scalar_type(result.element) for result in found]
        require_region(op, 0, "body", [*scalars, *scalars], scalars, region)
        return
    require_no_region(op, 0, "body", kind)
    if kind in ("argmax", "argmin"):
        require(len(inputs) == 2, f"kind '{kind}' takes values and their indices, but has {len(inputs)} inputs")
        require_element(inputs[1], "i")
    else:
        require(len(inputs) == 1, f"kind '{kind}' takes 1 input, but there are {len(inputs)}")


def _verify_reduce(op: ir.Operation) -> None:
    inputs, inits, found = _inputs_and_inits(op, "C3")
    kind, dimensions = require_choice(op, "kind", REDUCE_KINDS), value_of(op, "dimensions")
    first = inputs[0]
    require_dimensions("dimensions", dimensions, first.rank, first.what, bounds="C4", unique="C5")
    expected = [size for d, size in enumerate(first.shape) if d not in dimensions]
    for value, result in zip(inputs, found, strict=True):
        require_same_shape(first, value, "C1")
        require_shape(result, expected, f"that of {first.type} without dimensions {list(dimensions)}", "C7")
    _require_combiner(op, kind, inputs, inits, found, ("C2", "C8", "C6"))


_WINDOW_SIZES = (  # attribute, constraint on its length, constraint on its values
    ("window_dimensions", "C4", "C5"),
    ("window_strides", "C6", "C7"),
    ("base_dilations", "C8", "C9"),
    ("window_dilations", "C10", "C11"),
)


def _window_sizes(op: ir.Operation, rank: int, rows: Sequence[tuple[str, str, str]]) -> list[Sequence[int]]:
    """Positive attributes with one value a dimension."""
    values = [value_of(op, name) for name, _, _ in rows]
    for value, (name, length, positive) in zip(values, rows, strict=True):
        require_size(name, value, rank, "each dimension of the operand", constraint=length, least=1, low=positive)
    return values


def _verify_reduce_window(op: ir.Operation) -> None:
    inputs, inits, found = _inputs_and_inits(op, "C1")
    kind = require_choice(op, "kind", COMBINER_KINDS)
    first = inputs[0]
    window, strides, base, dilations = _window_sizes(op, first.rank, _WINDOW_SIZES)
    padding = value_of(op, "padding")
    require_size("padding", padding, 2 * first.rank, "both ends of each dimension", constraint="C12")
    sizes = zip(first.shape, window, strides, padding[::2], padding[1::2], base, dilations, strict=True)
    expected = [num_windows(*row) for row in sizes]
    for value, result in zip(inputs, found, strict=True):
        require_same_shape(first, value, "C2")
        require_shape(result, expected, f"the number of windows of {first.type}", "C15")
    _require_combiner(op, kind, inputs, inits, found, ("C3", "C16", "C13"))


def _verify_cumulative(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    kind = require_choice(op, "kind", CUMULATIVE_KINDS)
    require_element(operand, _ELEMENTS_OF_KIND.get(kind, "bifc"))
    require_dimension("dimension", value_of(op, "dimension"), operand)
    require_same_element(operand, result)
    require_same_shape(operand, result)


def _verify_select_and_scatter(op: ir.Operation) -> None:
    (operand, source, init), result = operands(op), single_result(op)
    select, scatter = (
        require_choice(op, "select_kind", SELECT_KINDS),
        require_choice(op, "scatter_kind", SELECT_SCATTER_KINDS),
    )
    require_element(operand, "bifc")
    require_same_element(operand, source, "C1")
    require_same_element(operand, init, "C3")
    require_scalar(init)
    require_same_shape(operand, result, "C11")
    require(
        is_promotable(operand.element, result.element),
        f"result cannot hold elements of {operand.type}: it is {result.type} (C12)",
    )
    rows = (("window_dimensions", "C4", "C5"), ("window_strides", "C6", "C7"))
    window, strides = _window_sizes(op, operand.rank, rows)
    padding = value_of(op, "padding")
    require_size("padding", padding, 2 * operand.rank, "both ends of each dimension", constraint="C8")
    sizes = zip(operand.shape, window, strides, padding[::2], padding[1::2], strict=True)
    require_shape(source, [num_windows(*row) for row in sizes], f"the number of windows of {operand.type}", "C2")
    scalar, predicate = scalar_type(operand.element), scalar_type(ir.IntegerType.get_signless(1))
    accumulator = scalar_type(result.element)
    if select == "custom":
        require_region(op, 0, "select", [scalar, scalar], [predicate], "C9")
    else:
        require_no_region(op, 0, "select", select)
    if scatter == "custom":
        require_region(op, 1, "scatter", [accumulator, accumulator], [accumulator], "C10")
    else:
        require_no_region(op, 1, "scatter", scatter)


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "reduce",
    family="reduction",
    operands=("*operands",),
    results=("*results",),
    attributes={"dimensions": Attr.I64_ARRAY, "kind": Attr.STRING},
    regions=1,
    doc="""Combine all elements along some dimensions.

```mlir
%result = "astra.reduce"(%input, %init) ({}) {dimensions = array<i64: 1>, kind = "add"}
    : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
```

The operands are n inputs of one shape and n initial values; the results lack `dimensions`. `kind` is add, multiply,
maximum, minimum, and, or, xor, each with one input; argmax or argmin; or custom. With custom the region combines n + n
scalars into n. argmax and argmin take values and their integer indices and give the largest (smallest) value with its
index: NaN wins, and of equal values the one with the lower index. The order of combination is not fixed by the
operation, but is the same in every run of a compiled program. The results' element types may be wider than the inputs'.
""",
    verify=_verify_reduce,
)
define(
    "reduce_window",
    family="reduction",
    operands=("*operands",),
    results=("*results",),
    attributes={
        "window_dimensions": Attr.I64_ARRAY,
        "window_strides": Attr.I64_ARRAY,
        "base_dilations": Attr.I64_ARRAY,
        "window_dilations": Attr.I64_ARRAY,
        "padding": Attr.I64_ARRAY,
        "kind": Attr.STRING,
    },
    regions=1,
    doc="""Combine all elements in each position of a sliding window.

```mlir
%result = "astra.reduce_window"(%input, %init) ({})
    {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, base_dilations = array<i64: 1, 1>,
     window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 1, 1>, kind = "maximum"}
    : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x5xf32>
```

The operands are n inputs of one shape and n initial values. `base_dilations` spreads the input's elements,
`window_dilations` those of the window; `padding` has the low and the high padding of dimension 0, then of dimension 1,
and so on; padding and gaps count as the initial value. `kind` and the region are those of `astra.reduce`, without
argmax and argmin.
""",
    verify=_verify_reduce_window,
)
define(
    "cumulative",
    family="reduction",
    operands=("operand",),
    attributes={"dimension": Attr.I64, "reverse": Attr.BOOL, "kind": Attr.STRING},
    doc="""Combine every element with all those before it along one dimension.

```mlir
%result = "astra.cumulative"(%operand) {dimension = 1 : i64, reverse = false, kind = "add"}
    : (tensor<4x8xf32>) -> tensor<4x8xf32>
```

An inclusive scan: element `i` of the result combines elements 0 to `i` of the operand; with `reverse`, `i` to the last.
`kind` is add, multiply, maximum, minimum or logaddexp.
""",
    verify=_verify_cumulative,
)
define(
    "select_and_scatter",
    family="reduction",
    operands=("operand", "source", "init_value"),
    attributes={
        "window_dimensions": Attr.I64_ARRAY,
        "window_strides": Attr.I64_ARRAY,
        "padding": Attr.I64_ARRAY,
        "select_kind": Attr.STRING,
        "scatter_kind": Attr.STRING,
    },
    regions=2,
    doc="""Send each element of `source` to the selected element of its window of `operand`.

```mlir
%result = "astra.select_and_scatter"(%operand, %source, %init_value) ({}, {})
    {window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 2>, padding = array<i64: 0, 0, 0, 0>,
     select_kind = "GE", scatter_kind = "add"}
    : (tensor<4x8xf32>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x8xf32>
```

The result begins as `init_value` everywhere. Each window of `operand` selects one of its elements, and the element of
`source` at the window's position is combined into the result there. The first element of a window (row-major) is
selected until `select(selected, next)` is false: GE, GT, LE, LT compare the two, custom is the first region. `scatter`
is add or custom, the second region. This is the gradient of a max-pooling.
""",
    verify=_verify_select_and_scatter,
)
