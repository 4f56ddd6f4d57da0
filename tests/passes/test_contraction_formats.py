"""Products of narrow numbers in every format of panels that this machine can run, against numpy."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.passes.kernel_rules.gemm_formats import format_of
from astra_mlir.passes.target import TARGETS, host_target, target_named
from astra_mlir.target_machine import TargetMachine

from .kernel_harness import MLIR_NAMES, compile_kernel, operation_text
from .test_contraction import LAYOUTS, attributes, check, reference

SIZES = [(37, 45, 53), (130, 70, 1030), (9, 50, 7), (70, 40, 519)]
# Every level that this machine has, with its features and without.
LEVELS = [name for name in ("x86-64-v2", "x86-64-v3", "x86-64-v4") if name in TARGETS]
HERE = [
    name for name in LEVELS
    if host_target().family == "x86" and target_named(name).vector_bits <= host_target().vector_bits
] + [host_target().name]  # fmt: skip
INTEGERS = [(np.int8, np.int8), (np.uint8, np.int8), (np.int8, np.uint8), (np.uint8, np.uint8), (np.int16, np.int16)]


def exact(lhs_shape, rhs_shape, dimensions, lhs_type, rhs_type, result, target):
    """All values of the operand types, so that sums of neighbours come as large as they can."""
    rng = np.random.default_rng(1)
    operands = []
    for shape, type in ((lhs_shape, lhs_type), (rhs_shape, rhs_type)):
        info = np.iinfo(type)
        values = rng.integers(info.min, info.max, shape, dtype=type, endpoint=True)
        values.flat[: values.size // 2] = info.min
        operands.append(values)
    expected = reference(*operands, *dimensions, np.int64)
    sizes = "".join(f"{size}x" for size in expected.shape)
    type = f"tensor<{sizes}{MLIR_NAMES[np.dtype(result).name]}>"
    text = operation_text("dot_general", operands, [type], attributes(*dimensions))
    (actual,) = compile_kernel(f'module attributes {{astra.target = "{target}"}} {{ {text} }}', operands)()
    np.testing.assert_array_equal(actual, expected.astype(result))


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("types", INTEGERS, ids=lambda pair: "-".join(t.__name__ for t in pair))
def test_integers_are_exact(types, target):
    for layout, size in (("nn", SIZES[-1]), ("tt", SIZES[0])):
        dimensions, shapes = LAYOUTS[layout]
        exact(*shapes(*size), dimensions, *types, np.int32, target)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_layouts_on_this_machine(layout, size):
    dimensions, shapes = LAYOUTS[layout]
    exact(*shapes(*size), dimensions, np.int8, np.int8, np.int32, "host")
    check(*shapes(*size), dimensions, ml_dtypes.bfloat16, np.float32, target="host")


@pytest.mark.parametrize("target", HERE)
def test_bfloat16(target):
    for layout in ("nn", "nt"):
        dimensions, shapes = LAYOUTS[layout]
        check(*shapes(50, 70, 301), dimensions, ml_dtypes.bfloat16, ml_dtypes.bfloat16, target=target)


def test_several_contracted_dimensions_of_odd_size():
    dimensions = ((), (), (1, 2), (0, 2))
    for size in (3, 130):
        exact((20, 9, size), (9, 33, size), dimensions, np.int8, np.int8, np.int32, "host")
        check((20, 9, size), (9, 33, size), dimensions, ml_dtypes.bfloat16, np.float32, target="host")


def test_batches_and_results_that_are_narrow():
    exact((5, 20, 67), (5, 67, 40), ((0,), (0,), (2,), (1,)), np.int8, np.int8, np.int8, "host")
    exact((5, 67, 20), (40, 5, 67), ((0,), (1,), (1,), (2,)), np.uint8, np.int8, np.int32, "host")


def test_nan_and_infinity_of_bfloat16():
    lhs, rhs = np.zeros((20, 64), ml_dtypes.bfloat16), np.ones((64, 40), ml_dtypes.bfloat16)
    lhs[0, 1], lhs[1, 2], lhs[2, 3], lhs[3, 4:6] = np.nan, np.inf, -np.inf, (np.inf, -np.inf)
    text = operation_text("dot_general", [lhs, rhs], ["tensor<20x40xf32>"], attributes(*LAYOUTS["nn"][0]))
    (actual,) = compile_kernel(text, [lhs, rhs])()
    assert np.isnan(actual[0]).all()
    assert np.isposinf(actual[1]).all()
    assert np.isneginf(actual[2]).all()
    assert np.isnan(actual[3]).all()
    assert (actual[4:] == 0).all()


@pytest.mark.parametrize(
    ("processor", "schedule"),
    [
        ("x86_64-unknown-linux-gnu:znver4", "x86-64-v4+avx512bf16+vnni"),
        ("x86_64-unknown-linux-gnu:znver3", "x86-64-v3"),
        ("aarch64-unknown-linux-gnu:cortex-a72", "neon"),
        ("aarch64-unknown-linux-gnu:neoverse-n1", "neon+dotprod"),
        ("aarch64-unknown-linux-gnu:neoverse-v1", "neon+dotprod+bfdot"),
    ],
)
def test_features_of_a_processor(processor, schedule):
    assert TargetMachine.parse(processor).schedule == schedule
    assert target_named(schedule).features == tuple(sorted(schedule.split("+")[1:]))


def test_the_host_is_described_alike_by_both():
    assert TargetMachine.host().schedule == host_target().name


def test_what_is_widened():
    assert format_of("bf16", "f32", "f32", host_target()) is None
    assert format_of("f16", "f16", "f32", host_target()) is None
    assert format_of("ui16", "i8", "i32", host_target()) is None
    assert format_of("i8", "i8", "i64", host_target()) is None
