"""Kernels of ``astra.scatter`` against the definition, element by element."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type

COMBINERS = {
    "update": lambda old, new: new,
    "add": lambda old, new: old + new,
    "multiply": lambda old, new: old * new,
    "maximum": max,
    "minimum": min,
}


@dataclass
class Numbers:
    """Dimension numbers of a scatter."""

    update_window_dims: list[int] = field(default_factory=list)
    inserted_window_dims: list[int] = field(default_factory=list)
    input_batching_dims: list[int] = field(default_factory=list)
    scatter_indices_batching_dims: list[int] = field(default_factory=list)
    scatter_dims_to_operand_dims: list[int] = field(default_factory=list)
    index_vector_dim: int = 0

    def text(self, kind: str) -> str:
        attributes = [f'kind = "{kind}"']
        for name, value in vars(self).items():
            if isinstance(value, int):
                attributes.append(f"{name} = {value} : i64")
            else:
                attributes.append(f"{name} = array<i64{':' if value else ''} {', '.join(map(str, value))}>")
        return ", ".join(attributes)


def reference(operand: np.ndarray, indices: np.ndarray, updates: np.ndarray, n: Numbers, kind: str) -> np.ndarray:
    """The StableHLO specification of scatter, for one input."""
    result = operand.copy()
    scatter_dims = [d for d in range(updates.ndim) if d not in n.update_window_dims]
    for at in itertools.product(*map(range, updates.shape)):
        position = [at[d] for d in scatter_dims]
        index = list(position)
        if n.index_vector_dim < indices.ndim:
            index.insert(n.index_vector_dim, slice(None))
            start = indices[tuple(index)]
        else:
            start = [indices[tuple(index)]]
        full = [0] * operand.ndim
        for i, d in enumerate(n.scatter_dims_to_operand_dims):
            full[d] += int(start[i])
        for d, i in zip(n.input_batching_dims, n.scatter_indices_batching_dims, strict=True):
            full[d] += position[i - (i > n.index_vector_dim)]
        window = iter(at[d] for d in n.update_window_dims)
        for d in range(operand.ndim):
            if d not in n.inserted_window_dims and d not in n.input_batching_dims:
                full[d] += next(window)
        if all(0 <= i < size for i, size in zip(full, operand.shape, strict=True)):
            with np.errstate(over="ignore"):  # integers wrap around
                result[tuple(full)] = COMBINERS[kind](result[tuple(full)], updates[at])
    return result


ROWS = Numbers([1], [0], [], [], [0], 1)
CASES = {
    "elements": ((20,), (15, 1), (15,), Numbers([], [0], [], [], [0], 1)),
    "implicit index vector": ((20,), (15,), (15,), Numbers([], [0], [], [], [0], 1)),
    "rows": ((9, 21), (15, 1), (15, 21), ROWS),
    "windows": ((9, 12), (7, 2), (7, 3, 5), Numbers([1, 2], [], [], [], [0, 1], 1)),
    "columns": ((9, 12), (7, 1), (9, 7), Numbers([0], [1], [], [], [1], 1)),
    "index vector first": ((9, 12), (2, 4, 3), (4, 3), Numbers([], [0, 1], [], [], [1, 0], 0)),
    "batches": ((4, 9, 3), (4, 5, 1), (4, 5, 3), Numbers([2], [1], [0], [0], [1], 2)),
    "second batch": ((9, 4, 3), (5, 4, 1), (5, 4, 3), Numbers([2], [0], [1], [1], [0], 2)),
    "rank 0": ((), (0,), (), Numbers([], [], [], [], [], 0)),
    "no updates": ((5, 4), (0, 1), (0, 4), ROWS),
}


def _data(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    values = rng.integers(-5, 6, shape) if np.dtype(dtype) != bool else rng.integers(0, 2, shape)
    return np.asarray(values).astype(dtype)


def _check(case: tuple, kind: str, dtype: type, index: type = np.int32) -> None:
    shape, index_shape, update_shape, numbers = case
    rng = np.random.default_rng(0)
    operand, updates = _data(rng, shape, dtype), _data(rng, update_shape, dtype)
    indices = rng.integers(-3 if np.dtype(index).kind == "i" else 0, max([*shape, 1]) + 2, index_shape).astype(index)
    (result,) = run_operation(
        "scatter", [operand, indices, updates], [tensor_type(operand)], numbers.text(kind), "({})"
    )
    np.testing.assert_array_equal(result, reference(operand, indices, updates, numbers, kind))


@pytest.mark.parametrize("name", CASES)
def test_dimension_numbers(name: str) -> None:
    _check(CASES[name], "add", np.float32)


@pytest.mark.parametrize("kind", COMBINERS)
def test_kinds(kind: str) -> None:
    _check(CASES["windows"], kind, np.int32)


@pytest.mark.parametrize(
    "dtype",
    [bool, np.int8, np.uint8, np.uint32, np.int64, np.float16, ml_dtypes.bfloat16, np.float64, np.complex64],
    ids=str,
)
def test_element_types(dtype: type) -> None:
    _check(CASES["rows"], "add", dtype)
    if dtype is not np.complex64:
        _check(CASES["rows"], "maximum", dtype)


@pytest.mark.parametrize("index", [np.int64, np.uint8, np.uint64, np.int8], ids=str)
def test_index_types(index: type) -> None:
    _check(CASES["windows"], "update", np.float32, index)


def test_extreme_indices() -> None:
    numbers = CASES["windows"][3]
    operand, updates = np.zeros((9, 12), np.float32), np.ones((4, 3, 5), np.float32)
    limits = np.iinfo(np.int64)
    indices = np.array([[limits.min, 0], [limits.max, 0], [0, limits.max - 1], [8, 11]], np.int64)
    (result,) = run_operation(
        "scatter", [operand, indices, updates], [tensor_type(operand)], numbers.text("add"), "({})"
    )
    expected = np.zeros((9, 12), np.float32)
    expected[8, 11] = 1
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("rows,columns", [(64, 1024), (64, 48), (3000, 20), (5, 600)])
def test_divided_work(rows: int, columns: int) -> None:
    """Shapes on either side of the limits at which columns or rows become tasks."""
    rng = np.random.default_rng(1)
    count = 100_000 // columns
    operand = rng.integers(-5, 6, (rows, columns)).astype(np.float32)
    updates = rng.integers(-5, 6, (count, columns)).astype(np.float32)
    indices = rng.integers(-2, rows + 2, (count, 1)).astype(np.int32)
    (result,) = run_operation("scatter", [operand, indices, updates], [tensor_type(operand)], ROWS.text("add"), "({})")
    kept = (indices[:, 0] >= 0) & (indices[:, 0] < rows)
    np.add.at(operand, indices[kept, 0], updates[kept])
    np.testing.assert_array_equal(result, operand)


def test_divided_windows_and_batches() -> None:
    rng = np.random.default_rng(2)
    for shape, index_shape, update_shape, numbers in (
        ((64, 70), (300, 2), (300, 9, 31), Numbers([1, 2], [], [], [], [0, 1], 1)),
        ((8, 50, 40), (8, 130, 1), (8, 130, 40), Numbers([2], [1], [0], [0], [1], 2)),
    ):
        operand = rng.integers(-5, 6, shape).astype(np.float32)
        updates = rng.integers(-5, 6, update_shape).astype(np.float32)
        indices = rng.integers(-8, 60, index_shape).astype(np.int32)
        (result,) = run_operation(
            "scatter", [operand, indices, updates], [tensor_type(operand)], numbers.text("add"), "({})"
        )
        np.testing.assert_array_equal(result, reference(operand, indices, updates, numbers, "add"))


def test_custom_combiner_on_two_inputs() -> None:
    rng = np.random.default_rng(3)
    values, counts = rng.standard_normal(20).astype(np.float32), np.zeros(20, np.int32)
    indices = rng.integers(0, 20, (50, 1)).astype(np.int32)
    updates, ones = rng.standard_normal(50).astype(np.float32), np.ones(50, np.int32)
    region = """({
      ^bb0(%a: tensor<f32>, %n: tensor<i32>, %b: tensor<f32>, %m: tensor<i32>):
        %s = "astra.subtract"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        %t = "astra.add"(%n, %m) : (tensor<i32>, tensor<i32>) -> tensor<i32>
        "astra.yield"(%s, %t) : (tensor<f32>, tensor<i32>) -> ()
    })"""
    results = run_operation(
        "scatter", [values, counts, indices, updates, ones], [tensor_type(values), tensor_type(counts)],
        CASES["elements"][3].text("custom"), region,
    )  # fmt: skip
    for i, update in zip(indices[:, 0], updates, strict=True):
        values[i] -= update
        counts[i] += 1
    np.testing.assert_array_equal(results[0], values)
    np.testing.assert_array_equal(results[1], counts)
