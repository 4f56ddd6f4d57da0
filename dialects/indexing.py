"""Operations of the Astra dialect that read or write at computed positions."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    DYNAMIC,
    Tensor,
    fits,
    is_promotable,
    operands,
    require_choice,
    require_dimensions,
    require_element,
    require_index_vector,
    require_no_region,
    require_region,
    require_same_element,
    require_same_shape,
    require_scalar,
    require_shape,
    require_size,
    results,
    scalar_type,
    shape_text,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["SCATTER_KINDS"]

SCATTER_KINDS = ("update", "add", "multiply", "maximum", "minimum", "custom")


# --- verifiers ---------------------------------------------------------------------------------------------------


def _require_starts(starts: list[Tensor], operand: Tensor, count: str, same: str) -> None:
    """One rank-0 integer for each dimension of the operand, all of one type."""
    if len(starts) != operand.rank:
        raise VerificationError(
            f"needs {operand.rank} start indices, one for each dimension of {operand.type}, but has {len(starts)} "
            f"({count})"
        )
    for start in starts:
        require_scalar(start, "i")
        require_same_element(starts[0], start, same)


def _verify_dynamic_slice(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand, starts, sizes = values[0], values[1:], value_of(op, "slice_sizes")
    require_element(operand, "bifc")
    require_same_element(operand, result, "C1")
    _require_starts(starts, operand, "C2", "C3")
    require_size("slice_sizes", sizes, operand.rank, "each dimension of the operand", constraint="C2")
    _require_slice_sizes(sizes, operand, "C4")
    require_shape(result, sizes, "the slice sizes", "C5")


def _require_slice_sizes(sizes: Sequence[int], operand: Tensor, constraint: str) -> None:
    for size, limit in zip(sizes, operand.shape, strict=True):
        if size < 0 or (limit >= 0 and size > limit):
            raise VerificationError(
                f"attribute 'slice_sizes' is {shape_text(sizes)}, which does not fit into {operand.what}, "
                f"{operand.type} ({constraint})"
            )


def _verify_dynamic_update_slice(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand, update, starts = values[0], values[1], values[2:]
    require_element(operand, "bifc")
    require_same_element(operand, result, "C1")
    require_same_shape(operand, result, "C1")
    require_same_element(operand, update, "C2")
    require(update.rank == operand.rank, f"{update.what} must have rank {operand.rank}, but is {update.type} (C3)")
    _require_starts(starts, operand, "C4", "C5")
    if any(0 <= limit < size for size, limit in zip(update.shape, operand.shape, strict=True)):
        raise VerificationError(f"{update.what}, {update.type}, does not fit into {operand.what}, {operand.type} (C6)")


def _require_batching(
    op: ir.Operation, operand: Tensor, indices: Tensor, names: tuple[str, str], constraints: tuple[str, str, str]
) -> None:
    """What gather and scatter have in common: batching dimensions of the operand and of the indices pair up."""
    dimensions, index_dimensions = (value_of(op, name) for name in names)
    not_vector, same_size, equal = constraints
    vector_dimension = value_of(op, "index_vector_dim")
    if vector_dimension in index_dimensions:
        raise VerificationError(f"attribute '{names[1]}' has the index_vector_dim, {vector_dimension} ({not_vector})")
    if len(dimensions) != len(index_dimensions):
        raise VerificationError(
            f"attributes '{names[0]}' and '{names[1]}' must have one length, but have {len(dimensions)} and "
            f"{len(index_dimensions)} ({same_size})"
        )
    for d, i in zip(dimensions, index_dimensions, strict=True):
        if not fits(operand.shape[d], indices.shape[i]):
            raise VerificationError(
                f"batching dimension {d} of {operand.what}, {operand.type}, and {i} of {indices.what}, {indices.type}, "
                f"differ in size ({equal})"
            )


def _index_vector_size(indices: Tensor, dimension: int) -> int:
    return indices.shape[dimension] if dimension < indices.rank else 1


def _combine(rank: int, window_dimensions: Sequence[int], windows: Sequence[int], batch: Sequence[int]) -> list[int]:
    """A shape with ``windows`` at ``window_dimensions`` and ``batch`` at the others, in order."""
    window_sizes, batch_sizes = iter(windows), iter(batch)
    return [next(window_sizes if d in window_dimensions else batch_sizes, 0) for d in range(rank)]


def _verify_gather(op: ir.Operation) -> None:
    values, result = operands(op), single_result(op)
    operand, indices, dynamic = values[0], values[1], values[2:]
    require(len(dynamic) <= 1, f"expects 2 or 3 operands, but has {len(values)}")
    require_element(operand, "bifc")
    require_element(indices, "i")
    require_same_element(operand, result, "C23")
    offset, collapsed, batching, index_batching, index_map = (
        value_of(op, name)
        for name in (
            "offset_dims", "collapsed_slice_dims", "operand_batching_dims", "start_indices_batching_dims",
            "start_index_map",
        )
    )  # fmt: skip
    vector_dimension = value_of(op, "index_vector_dim")
    if operand.rank != len(offset) + len(collapsed) + len(batching):
        raise VerificationError(
            f"{operand.what}, {operand.type}, must have as many dimensions as offset_dims, collapsed_slice_dims and "
            f"operand_batching_dims together, {len(offset) + len(collapsed) + len(batching)} (C1)"
        )
    if not 0 <= vector_dimension <= indices.rank:
        raise VerificationError(
            f"attribute 'index_vector_dim' is {vector_dimension}, but must be from 0 to {indices.rank}, the rank of "
            f"{indices.what} (C2)"
        )
    if not fits(len(index_map), _index_vector_size(indices, vector_dimension)):
        raise VerificationError(
            f"attribute 'start_index_map' has {len(index_map)} values, but {indices.what}, {indices.type}, has index "
            f"vectors of {_index_vector_size(indices, vector_dimension)} (C3)"
        )
    check = require_dimensions
    check("offset_dims", offset, result.rank, "the result", bounds="C5", unique="C4", increasing="C4")
    check("collapsed_slice_dims", collapsed, operand.rank, operand.what, bounds="C8", increasing="C7")
    check("operand_batching_dims", batching, operand.rank, operand.what, bounds="C11", increasing="C10")
    check("collapsed_slice_dims + operand_batching_dims", collapsed + batching, operand.rank, operand.what, unique="C6")
    check("start_indices_batching_dims", index_batching, indices.rank, indices.what, bounds="C14", unique="C13")
    _require_batching(
        op, operand, indices, ("operand_batching_dims", "start_indices_batching_dims"), ("C15", "C16", "C17")
    )
    check("start_index_map", index_map, operand.rank, operand.what, bounds="C19")
    check("start_index_map + operand_batching_dims", index_map + batching, operand.rank, operand.what, unique="C18")
    sizes = value_of(op, "slice_sizes")
    if dynamic:
        require_index_vector(dynamic[0], operand.rank, "each dimension of the operand")
        sizes = [DYNAMIC] * operand.rank
    else:
        require(sizes is not None, "requires attribute 'slice_sizes' (array of i64)")
        require_size("slice_sizes", sizes, operand.rank, "each dimension of the operand", constraint="C20")
        _require_slice_sizes(sizes, operand, "C21")
        for dimensions, constraint in ((collapsed, "C9"), (batching, "C12")):
            for d in dimensions:
                require(
                    sizes[d] <= 1, f"attribute 'slice_sizes' must be 1 in dimension {d}, not {sizes[d]} ({constraint})"
                )
    windows = [size for d, size in enumerate(sizes) if d not in collapsed and d not in batching]
    batch = [size for d, size in enumerate(indices.shape) if d != vector_dimension]
    require(
        result.rank == len(batch) + len(offset),
        f"result must have rank {len(batch) + len(offset)}, but is {result.type} (C22)",
    )
    require_shape(result, _combine(result.rank, offset, windows, batch), "that of the gathered slices", "C22")


def _verify_scatter(op: ir.Operation) -> None:
    values, found = operands(op), results(op)
    count = len(values) // 2
    if len(values) % 2 == 0 or count == 0 or len(found) != count:
        raise VerificationError(
            f"expects n inputs, the indices, n updates and n results, but has {len(values)} operands and {len(found)} "
            "results (C5)"
        )
    inputs, indices, updates = values[:count], values[count], values[count + 1 :]
    first, update = inputs[0], updates[0]
    require_element(indices, "i")
    window, inserted, batching, index_batching, index_map = (
        value_of(op, name)
        for name in (
            "update_window_dims", "inserted_window_dims", "input_batching_dims", "scatter_indices_batching_dims",
            "scatter_dims_to_operand_dims",
        )
    )  # fmt: skip
    vector_dimension = value_of(op, "index_vector_dim")
    for i in range(count):
        require_element(inputs[i], "bifc")
        require_same_shape(first, inputs[i], "C1")
        require_same_shape(update, updates[i], "C3")
        require_same_element(inputs[i], updates[i], "C6")
        require_same_shape(inputs[i], found[i], "C24")
    if first.rank != len(window) + len(inserted) + len(batching):
        raise VerificationError(
            f"{first.what}, {first.type}, must have as many dimensions as update_window_dims, inserted_window_dims and "
            f"input_batching_dims together, {len(window) + len(inserted) + len(batching)} (C2)"
        )
    if not 0 <= vector_dimension <= indices.rank:
        raise VerificationError(
            f"attribute 'index_vector_dim' is {vector_dimension}, but must be from 0 to {indices.rank}, the rank of "
            "the indices (C22)"
        )
    if not fits(len(index_map), _index_vector_size(indices, vector_dimension)):
        raise VerificationError(
            f"attribute 'scatter_dims_to_operand_dims' has {len(index_map)} values, but the indices, {indices.type}, "
            f"have index vectors of {_index_vector_size(indices, vector_dimension)} (C19)"
        )
    check = require_dimensions
    check("update_window_dims", window, update.rank, "the updates", bounds="C8", unique="C7", increasing="C7")
    check("inserted_window_dims", inserted, first.rank, first.what, bounds="C11", increasing="C10")
    check("input_batching_dims", batching, first.rank, first.what, bounds="C13", increasing="C12")
    check("inserted_window_dims + input_batching_dims", inserted + batching, first.rank, first.what, unique="C9")
    check("scatter_indices_batching_dims", index_batching, indices.rank, "the indices", bounds="C15", unique="C14")
    _require_batching(
        op, first, indices, ("input_batching_dims", "scatter_indices_batching_dims"), ("C16", "C17", "C18")
    )
    check("scatter_dims_to_operand_dims", index_map, first.rank, first.what, bounds="C21")
    check(
        "scatter_dims_to_operand_dims + input_batching_dims", index_map + batching, first.rank, first.what, unique="C20"
    )
    limits = [size for d, size in enumerate(first.shape) if d not in inserted and d not in batching]
    batch = [size for d, size in enumerate(indices.shape) if d != vector_dimension]
    rank = len(batch) + len(window)
    require(update.rank == rank, f"the updates must have rank {rank}, but are {update.type} (C4)")
    for d, limit in zip(window, limits, strict=True):
        if 0 <= limit < update.shape[d]:
            raise VerificationError(
                f"dimension {d} of the updates, {update.type}, exceeds the dimension of {first.what}, {first.type}, "
                "that it is written to (C4)"
            )
    expected = _combine(rank, window, [update.shape[d] for d in window], batch)
    require_shape(update, expected, "that of the indices and windows", "C4")
    _require_combiner(op, inputs, found)


def _require_combiner(op: ir.Operation, inputs: list[Tensor], found: list[Tensor]) -> None:
    kind = require_choice(op, "kind", SCATTER_KINDS)
    for value, result in zip(inputs, found, strict=True):
        if not is_promotable(value.element, result.element):
            raise VerificationError(
                f"{result.what} cannot hold the elements of {value.type}: it is {result.type} (C25)"
            )
    if kind != "custom":
        require(len(inputs) == 1, f"kind '{kind}' takes 1 input, but there are {len(inputs)}")
        require_no_region(op, 0, "update", kind)
        return
    scalars = [scalar_type(result.element) for result in found]
    require_region(op, 0, "update", [*scalars, *scalars], scalars, "C23")


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "dynamic_slice",
    family="indexing",
    operands=("operand", "*start_indices"),
    attributes={"slice_sizes": Attr.I64_ARRAY},
    doc="""Take a slice that begins at computed indices.

```mlir
%result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
    : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
```

There is one start index for each dimension. Starts are clamped so that the slice lies inside of the operand.
""",
    verify=_verify_dynamic_slice,
)
define(
    "dynamic_update_slice",
    family="indexing",
    operands=("operand", "update", "*start_indices"),
    doc="""Replace a slice that begins at computed indices.

```mlir
%result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
    : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
```

There is one start index for each dimension. Starts are clamped so that `update` lies inside of the operand.
""",
    verify=_verify_dynamic_update_slice,
)
define(
    "gather",
    family="indexing",
    operands=("operand", "start_indices", "*dynamic_slice_sizes"),
    attributes={
        "offset_dims": Attr.I64_ARRAY,
        "collapsed_slice_dims": Attr.I64_ARRAY,
        "operand_batching_dims": Attr.I64_ARRAY,
        "start_indices_batching_dims": Attr.I64_ARRAY,
        "start_index_map": Attr.I64_ARRAY,
        "index_vector_dim": Attr.I64,
    },
    optional_attributes={"slice_sizes": Attr.I64_ARRAY, "indices_are_sorted": Attr.BOOL},
    doc="""Take many slices of one size, each at an index vector.

```mlir
%rows = "astra.gather"(%operand, %start_indices)
    {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
     start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
     slice_sizes = array<i64: 1, 8>}
    : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
```

The vector along `index_vector_dim` of `start_indices` gives the start of a slice of `slice_sizes`: its component `i` in
dimension `start_index_map[i]`, zero in the others, clamped so that the slice lies inside of the operand. Of each slice,
`collapsed_slice_dims` and `operand_batching_dims` are dropped and the others become `offset_dims` of the result; the
remaining dimensions of the result are those of `start_indices` without the index vectors. Dimension
`operand_batching_dims[i]` is indexed by the position in `start_indices_batching_dims[i]`. The optional operand, a
vector of integers, gives the slice sizes in place of the attribute. `indices_are_sorted` promises that the index
vectors are in increasing order.
""",
    verify=_verify_gather,
)
define(
    "scatter",
    family="indexing",
    operands=("*operands",),
    results=("*results",),
    attributes={
        "update_window_dims": Attr.I64_ARRAY,
        "inserted_window_dims": Attr.I64_ARRAY,
        "input_batching_dims": Attr.I64_ARRAY,
        "scatter_indices_batching_dims": Attr.I64_ARRAY,
        "scatter_dims_to_operand_dims": Attr.I64_ARRAY,
        "index_vector_dim": Attr.I64,
        "kind": Attr.STRING,
    },
    optional_attributes={"indices_are_sorted": Attr.BOOL, "unique_indices": Attr.BOOL},
    regions=1,
    doc="""Combine many windows of one size into a tensor, each at an index vector.

```mlir
%result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
    {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
     scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
     index_vector_dim = 1 : i64, kind = "add"}
    : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
```

The operands are n inputs, the indices and n updates. Dimensions are numbered as in `astra.gather`, the other way
around: `update_window_dims` of the updates are windows, whose position is the index vector. A window element that
falls outside of the input is skipped. `kind` is update (the new value replaces the old one), add, multiply, maximum,
minimum, all with one input, or custom: then the region takes n current and n update scalars and yields n. Updates are
applied in row-major order of the indices. `indices_are_sorted` promises that the index vectors are in increasing
order, `unique_indices` that no two windows overlap.
""",
    verify=_verify_scatter,
)
