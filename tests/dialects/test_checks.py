"""The arithmetic of shapes against obviously right versions, and the inference of result types."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import elementwise
from astra_mlir.dialects.checks import (
    DYNAMIC,
    compatible_types,
    element_class,
    fits,
    is_promotable,
    num_windows,
    shape_text,
)
from astra_mlir.dialects.shape import padded_size, sliced_size


@pytest.fixture
def context() -> Iterator[ir.Context]:
    with make_context() as context, ir.Location.unknown():
        yield context


_SIZES = st.integers(0, 8)
_STEPS = st.integers(1, 4)


@given(_SIZES, st.integers(1, 5), _STEPS, st.integers(-3, 3), st.integers(-3, 3), _STEPS, _STEPS)
def test_num_windows_counts_positions(
    size: int, window: int, stride: int, low: int, high: int, base: int, dilation: int
) -> None:
    spread = 0 if size == 0 else (size - 1) * base + 1
    last = (window - 1) * dilation
    positions = [start for start in range(0, low + spread + high, stride) if start + last < low + spread + high]
    assert num_windows(size, window, stride, low, high, base, dilation) == len(positions)


@given(_SIZES, _SIZES, _STEPS)
def test_sliced_size_counts_elements(start: int, length: int, stride: int) -> None:
    assert sliced_size(start, start + length, stride) == len(range(start, start + length, stride))


@given(_SIZES, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_padded_size_counts_elements(size: int, low: int, high: int, interior: int) -> None:
    elements = ["low"] * low + list(itertools.chain.from_iterable([i] + ["gap"] * interior for i in range(size)))
    assert padded_size(size, low, high, interior) == len(elements) - (interior if size else 0) + high


def test_dynamic_sizes_fit_any() -> None:
    assert num_windows(DYNAMIC, 3) == DYNAMIC
    assert fits(DYNAMIC, 3) and fits(3, DYNAMIC) and fits(3, 3) and not fits(3, 4)
    assert shape_text([2, DYNAMIC, 3]) == "2x?x3"
    assert shape_text([]) == "scalar"


@pytest.mark.parametrize(
    ("first", "second", "compatible"),
    [
        ("tensor<2x?xf32>", "tensor<?x3xf32>", True),
        ("tensor<2x?xf32>", "tensor<3x?xf32>", False),
        ("tensor<2xf32>", "tensor<2xf64>", False),
        ("tensor<2xf32>", "tensor<2x1xf32>", False),
        ("tensor<f32>", "f32", False),
    ],
)
def test_compatible_types(context: ir.Context, first: str, second: str, compatible: bool) -> None:
    assert compatible_types(ir.Type.parse(first), ir.Type.parse(second)) is compatible
    assert compatible_types(ir.Type.parse(second), ir.Type.parse(first)) is compatible


@pytest.mark.parametrize(
    ("letter", "types"),
    [
        ("b", "i1"),
        ("s", "i2 i4 i8 i16 i32 i64"),
        ("i", "ui2 ui4 ui8 ui16 ui32 ui64"),
        ("f", "f8E4M3FN f8E5M2 f8E4M3B11FNUZ f8E3M4 f16 bf16 f32 f64"),
        ("c", "complex<f32> complex<f64>"),
        ("", "i3 i128 si8 ui1 index tf32 f80 f128 complex<f16> complex<i32> none"),
    ],
)
def test_element_classes(context: ir.Context, letter: str, types: str) -> None:
    for name in types.split():
        assert element_class(ir.Type.parse(name)) == letter, name


@pytest.mark.parametrize(
    ("source", "target", "promotable"),
    [
        ("bf16", "f32", True),
        ("f32", "bf16", False),
        ("i8", "i32", True),
        ("i8", "ui32", False),
        ("i32", "f32", False),
        ("complex<f32>", "complex<f64>", True),
        ("complex<f64>", "complex<f32>", False),
        ("i1", "i1", True),
    ],
)
def test_is_promotable(context: ir.Context, source: str, target: str, promotable: bool) -> None:
    assert is_promotable(ir.Type.parse(source), ir.Type.parse(target)) is promotable


@pytest.mark.parametrize(
    ("name", "operands", "result"),
    [
        ("add", ["tensor<2x?xf32>", "tensor<?x3xf32>"], "tensor<2x3xf32>"),
        ("add", ["tensor<?xf32>", "tensor<?xf32>"], "tensor<?xf32>"),
        ("sine", ["tensor<bf16>"], "tensor<bf16>"),
        ("is_finite", ["tensor<?x3xf32>"], "tensor<?x3xi1>"),
        ("compare", ["tensor<2xi32>", "tensor<2xi32>"], "tensor<2xi1>"),
        ("abs", ["tensor<2xcomplex<f64>>"], "tensor<2xf64>"),
        ("abs", ["tensor<2xi8>"], "tensor<2xi8>"),
        ("complex", ["tensor<2xf32>", "tensor<2xf32>"], "tensor<2xcomplex<f32>>"),
    ],
)
def test_result_type(context: ir.Context, name: str, operands: list[str], result: str) -> None:
    types = [ir.RankedTensorType(ir.Type.parse(text)) for text in operands]
    assert str(elementwise.result_type(name, *types)) == result
