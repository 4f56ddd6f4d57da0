"""Products of complex numbers against numpy: where each operand's neighbours lie, few rows or columns, batches."""

from __future__ import annotations

import numpy as np
import pytest

from astra_mlir.passes.kernel_rules.complex_products import ComplexSchedule, schedule_complex
from astra_mlir.passes.kernel_rules.gemm import Gemm
from astra_mlir.passes.kernel_rules.products import schedule_product
from astra_mlir.passes.target import target_named

from .kernel_harness import MLIR_NAMES, compile_kernel, operation_text
from .test_contraction import DIMENSION_NUMBERS, LAYOUTS, attributes, reference


def check(lhs_shape, rhs_shape, dimensions, dtype=np.complex64, target="x86-64-v3"):
    rng = np.random.default_rng(0)
    lhs, rhs = ((rng.standard_normal((*s, 2)) @ [1, 1j]).astype(dtype) for s in (lhs_shape, rhs_shape))
    expected = reference(lhs, rhs, *dimensions, np.complex128)
    magnitude = reference(np.abs(lhs), np.abs(rhs), *dimensions, np.float64)
    sizes = "".join(f"{size}x" for size in expected.shape)
    type = f"tensor<{sizes}{MLIR_NAMES[np.dtype(dtype).name]}>"
    text = operation_text("dot_general", [lhs, rhs], [type], attributes(*dimensions))
    (actual,) = compile_kernel(f'module attributes {{astra.target = "{target}"}} {{ {text} }}', [lhs, rhs])()
    epsilon = np.finfo(dtype).eps
    assert np.all(np.abs(actual - expected) <= 4 * epsilon * np.sqrt(lhs.size / lhs_shape[0] + 8) * magnitude)


@pytest.mark.parametrize("size", [(37, 45, 53), (130, 33, 300), (4, 50, 601), (9, 3, 70)], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, size):
    dimensions, shapes = LAYOUTS[layout]
    check(*shapes(*size), dimensions)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 70, 133), (70, 1, 133), (64, 64, 64)], ids=str)
def test_double_precision_on_this_machine(layout, size):
    dimensions, shapes = LAYOUTS[layout]
    check(*shapes(*size), dimensions, np.complex128, "host")


@pytest.mark.parametrize("case", DIMENSION_NUMBERS)
def test_dimension_numbers(case):
    check(*DIMENSION_NUMBERS[case])


def schedule_of(m, n, k):
    levels = {"m": ((m, k),), "n": ((n, 1),), "k": ((k, 1, n),)}
    gemm = Gemm(*["complex<f32>"] * 4, batch=(), **levels, row_stride=n)
    schedule = schedule_complex(gemm, target_named("x86-64-v4"), schedule_product)
    assert isinstance(schedule, ComplexSchedule)
    return schedule


def test_what_is_copied():
    """The smaller work: the right operand at twice its size, or the few rows of the left one."""
    square, few_rows = schedule_of(64, 64, 64), schedule_of(4, 512, 512)
    assert not square.separate
    assert square.scratch[0] == 4 * 64 * 64
    assert square.product.gemm.sizes == (1, 64, 128, 128)
    assert few_rows.separate
    assert few_rows.scratch[0] == 2 * 4 * 512
    assert few_rows.product.gemm.sizes == (1, 8, 1024, 512)
