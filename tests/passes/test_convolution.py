"""The kernels of ``astra.convolution`` against JAX: layouts, strides, padding, holes, groups, gradients, element
types."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

from .kernel_harness import MLIR_NAMES, compile_kernel, operation_text


def _attributes(spec, strides, padding, lhs_dilation, rhs_dilation, reversal, groups, batch_groups):
    spatial = "".join(sorted(set(spec[0]) - set("NC"), key=spec[0].index))

    def array(values):
        return f"array<i64: {', '.join(map(str, values))}>"

    flat = [value for pair in padding for value in pair]
    lhs, rhs, out = spec
    flags = ", ".join(str(flag).lower() for flag in reversal)
    return f"""
      window_strides = {array(strides)}, padding = {array(flat)}, lhs_dilation = {array(lhs_dilation)},
      rhs_dilation = {array(rhs_dilation)}, window_reversal = array<i1: {flags}>,
      input_batch_dimension = {lhs.index("N")} : i64, input_feature_dimension = {lhs.index("C")} : i64,
      input_spatial_dimensions = {array(lhs.index(s) for s in spatial)},
      kernel_input_feature_dimension = {rhs.index("I")} : i64, kernel_output_feature_dimension = {rhs.index("O")} : i64,
      kernel_spatial_dimensions = {array(rhs.index(s) for s in spatial)},
      output_batch_dimension = {out.index("N")} : i64, output_feature_dimension = {out.index("C")} : i64,
      output_spatial_dimensions = {array(out.index(s) for s in spatial)},
      feature_group_count = {groups} : i64, batch_group_count = {batch_groups} : i64"""


def build(
    lhs_shape, rhs_shape, spec=("NHWC", "HWIO", "NHWC"), strides=None, padding=None, lhs_dilation=None,
    rhs_dilation=None, reversal=None, groups=1, batch_groups=1, dtype=np.float32, result=None, target="x86-64-v3",
):  # fmt: skip
    """(operands, module text, expected values in f64)."""
    rank = len(lhs_shape) - 2
    ones = (1,) * rank
    strides, lhs_dilation, rhs_dilation = strides or ones, lhs_dilation or ones, rhs_dilation or ones
    padding, reversal = padding or ((0, 0),) * rank, reversal or (False,) * rank
    rng = np.random.default_rng(1)
    integers = np.dtype(dtype).kind in "iu"
    operands = [
        rng.integers(-9, 9, shape).astype(dtype) if integers else rng.standard_normal(shape).astype(dtype)
        for shape in (lhs_shape, rhs_shape)
    ]
    spatial = [spec[0].index(s) for s in sorted(set(spec[0]) - set("NC"), key=spec[0].index)]
    kernel_axes = [spec[1].index(spec[0][i]) for i in spatial]
    flipped = np.flip(operands[1], [axis for axis, flag in zip(kernel_axes, reversal, strict=True) if flag])
    with jax.enable_x64(True):
        expected = np.asarray(
            jax.lax.conv_general_dilated(
                jnp.asarray(operands[0].astype(np.float64)), jnp.asarray(flipped.astype(np.float64)), strides, padding,
                lhs_dilation, rhs_dilation, spec, groups, batch_groups,
            )
        )  # fmt: skip
    result = np.dtype(result or dtype)
    type = f"tensor<{''.join(f'{size}x' for size in expected.shape)}{MLIR_NAMES[result.name]}>"
    attributes = _attributes(spec, strides, padding, lhs_dilation, rhs_dilation, reversal, groups, batch_groups)
    text = operation_text("convolution", operands, [type], attributes)
    return operands, f'module attributes {{astra.target = "{target}"}} {{ {text} }}', expected, result


def check(*args, **kwargs):
    operands, text, expected, result = build(*args, **kwargs)
    (actual,) = compile_kernel(text, operands)()
    if result.kind in "iu":
        np.testing.assert_array_equal(actual, expected.astype(result))
        return
    epsilon = float(ml_dtypes.finfo(result).eps)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        actual.astype(np.float64), expected, rtol=2 * epsilon, atol=max(epsilon / 4, 1e-6) * scale
    )


def case(**options):
    return options


SAME = ((1, 1), (1, 1))
CASES = {
    "valid": case(lhs_shape=(2, 9, 11, 8), rhs_shape=(3, 3, 8, 16)),
    "same": case(lhs_shape=(2, 14, 14, 16), rhs_shape=(3, 3, 16, 40), padding=SAME),
    "long runs": case(lhs_shape=(2, 14, 14, 64), rhs_shape=(3, 3, 64, 33), padding=SAME),
    "strides": case(lhs_shape=(2, 15, 13, 8), rhs_shape=(3, 3, 8, 16), strides=(2, 3), padding=((1, 0), (0, 2))),
    "first layer": case(lhs_shape=(2, 31, 30, 3), rhs_shape=(7, 7, 3, 16), strides=(2, 2), padding=((3, 3), (2, 3))),
    "kernel holes": case(
        lhs_shape=(1, 20, 20, 8), rhs_shape=(3, 3, 8, 16), rhs_dilation=(2, 3), padding=((2, 2), (3, 3))
    ),
    "input holes": case(
        lhs_shape=(1, 7, 8, 16), rhs_shape=(3, 3, 16, 8), lhs_dilation=(2, 2), padding=((1, 2), (2, 1))
    ),
    "input holes and stride": case(
        lhs_shape=(1, 7, 8, 16), rhs_shape=(3, 3, 16, 8), lhs_dilation=(3, 2), strides=(2, 1), padding=((1, 2), (2, 1))
    ),
    "input holes wider than the kernel": case(
        lhs_shape=(2, 5, 4, 16), rhs_shape=(2, 3, 16, 8), lhs_dilation=(2, 4), padding=((1, 1), (3, 2))
    ),
    "gradient of patches": case(
        lhs_shape=(2, 3, 4, 24),
        rhs_shape=(4, 4, 6, 24),
        spec=("NHWC", "HWOI", "NHWC"),
        lhs_dilation=(4, 4),
        padding=((3, 3), (3, 3)),
        reversal=(True, True),
    ),
    "gradient of patches NCHW": case(
        lhs_shape=(2, 24, 3, 4),
        rhs_shape=(24, 6, 4, 4),
        spec=("NCHW", "IOHW", "NCHW"),
        lhs_dilation=(4, 4),
        padding=((3, 3), (3, 3)),
        reversal=(True, True),
    ),
    "pointwise gradient with stride": case(
        lhs_shape=(2, 7, 7, 16),
        rhs_shape=(1, 1, 8, 16),
        spec=("NHWC", "HWOI", "NHWC"),
        padding=((0, 1), (0, 1)),
        lhs_dilation=(2, 2),
    ),
    "input and kernel holes": case(
        lhs_shape=(1, 9, 8, 16), rhs_shape=(3, 4, 16, 8), lhs_dilation=(2, 3), rhs_dilation=(4, 2), padding=SAME
    ),
    "input holes NCHW": case(
        lhs_shape=(2, 16, 7, 8),
        rhs_shape=(24, 16, 4, 4),
        spec=("NCHW", "OIHW", "NCHW"),
        lhs_dilation=(2, 2),
        padding=((2, 2), (2, 2)),
    ),
    "input holes and groups": case(
        lhs_shape=(2, 7, 8, 32), rhs_shape=(3, 3, 16, 32), groups=2, lhs_dilation=(2, 2), padding=SAME
    ),
    "one dimension with input holes": case(
        lhs_shape=(3, 20, 16), rhs_shape=(5, 16, 24), spec=("NWC", "WIO", "NWC"), padding=((2, 2),), lhs_dilation=(3,)
    ),
    "depthwise with input holes": case(
        lhs_shape=(2, 6, 5, 40), rhs_shape=(3, 3, 1, 40), groups=40, padding=SAME, lhs_dilation=(2, 2)
    ),
    "depthwise with input holes NCHW": case(
        lhs_shape=(2, 12, 6, 21),
        rhs_shape=(12, 1, 3, 3),
        groups=12,
        padding=SAME,
        lhs_dilation=(2, 1),
        spec=("NCHW", "OIHW", "NCHW"),
    ),
    "batch groups": case(
        lhs_shape=(12, 9, 8, 16), rhs_shape=(3, 3, 16, 36), batch_groups=3, padding=SAME, strides=(2, 1)
    ),
    "reversed": case(lhs_shape=(2, 9, 11, 8), rhs_shape=(3, 2, 8, 16), reversal=(True, True), padding=SAME),
    "reversed one": case(lhs_shape=(2, 9, 11, 8), rhs_shape=(3, 2, 8, 16), reversal=(False, True)),
    "cropped": case(lhs_shape=(2, 12, 12, 8), rhs_shape=(3, 3, 8, 16), padding=((-1, -2), (-2, 1))),
    "cropped holes": case(
        lhs_shape=(2, 6, 6, 8), rhs_shape=(3, 3, 8, 16), lhs_dilation=(2, 3), padding=((-1, -2), (-2, 3))
    ),
    "pointwise": case(lhs_shape=(2, 14, 14, 32), rhs_shape=(1, 1, 32, 64)),
    "pointwise with stride": case(lhs_shape=(2, 14, 14, 32), rhs_shape=(1, 1, 32, 64), strides=(2, 2)),
    "NCHW": case(lhs_shape=(2, 8, 14, 15), rhs_shape=(20, 8, 3, 3), spec=("NCHW", "OIHW", "NCHW"), padding=SAME),
    "NCHW with stride": case(
        lhs_shape=(2, 3, 30, 31), rhs_shape=(150, 3, 5, 5), spec=("NCHW", "OIHW", "NCHW"), padding=SAME, strides=(2, 2)
    ),
    "NCHW pointwise": case(lhs_shape=(2, 24, 10, 10), rhs_shape=(40, 24, 1, 1), spec=("NCHW", "OIHW", "NCHW")),
    "mixed layouts": case(
        lhs_shape=(9, 2, 11, 8), rhs_shape=(16, 3, 8, 3), spec=("HNWC", "OHIW", "NHCW"), padding=SAME
    ),
    "groups": case(lhs_shape=(2, 10, 10, 32), rhs_shape=(3, 3, 8, 48), groups=4, padding=SAME),
    "groups NCHW": case(
        lhs_shape=(2, 32, 10, 10), rhs_shape=(48, 8, 3, 3), groups=4, padding=SAME, spec=("NCHW", "OIHW", "NCHW")
    ),
    "one dimension": case(lhs_shape=(3, 50, 16), rhs_shape=(5, 16, 24), spec=("NWC", "WIO", "NWC"), padding=((2, 2),)),
    "three dimensions": case(
        lhs_shape=(2, 6, 7, 8, 4), rhs_shape=(3, 3, 3, 4, 16), spec=("NDHWC", "DHWIO", "NDHWC"), padding=((1, 1),) * 3
    ),
    "small groups": case(lhs_shape=(2, 10, 10, 36), rhs_shape=(3, 3, 4, 36), groups=9, padding=SAME),
    "groups of pairs with stride": case(
        lhs_shape=(2, 11, 10, 18),
        rhs_shape=(3, 2, 2, 18),
        groups=9,
        padding=SAME,
        strides=(2, 1),
        reversal=(True, False),
    ),
    "groups of a vector with input holes": case(
        lhs_shape=(2, 5, 6, 24), rhs_shape=(3, 3, 8, 24), groups=3, padding=SAME, lhs_dilation=(2, 1)
    ),
    "depthwise": case(lhs_shape=(2, 10, 11, 40), rhs_shape=(3, 3, 1, 40), groups=40, padding=SAME),
    "depthwise with stride": case(
        lhs_shape=(2, 10, 11, 19),
        rhs_shape=(3, 2, 1, 19),
        groups=19,
        padding=SAME,
        strides=(2, 3),
        reversal=(True, False),
    ),
    "depthwise NCHW": case(
        lhs_shape=(2, 12, 10, 21),
        rhs_shape=(12, 1, 3, 3),
        groups=12,
        padding=SAME,
        rhs_dilation=(2, 1),
        spec=("NCHW", "OIHW", "NCHW"),
    ),
    "depthwise kernel gradient": case(
        lhs_shape=(2, 10, 11, 40),
        rhs_shape=(2, 10, 11, 40),
        batch_groups=40,
        padding=SAME,
        spec=("CHWN", "IHWO", "HWNC"),
    ),
    "depthwise kernel gradient with stride": case(
        lhs_shape=(2, 11, 11, 20),
        rhs_shape=(2, 5, 5, 20),
        batch_groups=20,
        rhs_dilation=(2, 2),
        spec=("CHWN", "IHWO", "HWNC"),
    ),
    # gradients of the first layer case and of a stride 1 convolution, as JAX writes them
    "input gradient": case(
        lhs_shape=(2, 14, 14, 40),
        rhs_shape=(3, 3, 16, 40),
        spec=("NHWC", "HWOI", "NHWC"),
        padding=SAME,
        reversal=(True, True),
    ),
    "input gradient with stride": case(
        lhs_shape=(2, 7, 7, 16),
        rhs_shape=(3, 3, 8, 16),
        spec=("NHWC", "HWOI", "NHWC"),
        padding=((1, 2), (1, 2)),
        lhs_dilation=(2, 2),
        reversal=(True, True),
    ),
    "kernel gradient": case(
        lhs_shape=(2, 14, 14, 16), rhs_shape=(2, 14, 14, 40), spec=("CHWN", "IHWO", "HWNC"), padding=SAME
    ),
    "kernel gradient with stride": case(
        lhs_shape=(2, 14, 14, 8),
        rhs_shape=(2, 7, 7, 16),
        spec=("CHWN", "IHWO", "HWNC"),
        padding=((0, 1), (0, 1)),
        rhs_dilation=(2, 2),
    ),
    "kernel gradient OIHW": case(
        lhs_shape=(2, 8, 14, 14), rhs_shape=(2, 20, 14, 14), spec=("CNHW", "IOHW", "CNHW"), padding=SAME
    ),
}


WINOGRAD = {
    "plain": case(lhs_shape=(2, 12, 14, 32), rhs_shape=(3, 3, 32, 32), padding=SAME),
    "odd": case(lhs_shape=(3, 9, 11, 40), rhs_shape=(3, 3, 40, 50), padding=SAME),
    "valid": case(lhs_shape=(2, 9, 14, 150), rhs_shape=(3, 3, 150, 33)),
    "uneven padding": case(lhs_shape=(2, 10, 13, 33), rhs_shape=(3, 3, 33, 70), padding=((0, 3), (4, -2))),
    "many features": case(lhs_shape=(1, 10, 10, 300), rhs_shape=(3, 3, 300, 200), padding=SAME),
    "input gradient": case(
        lhs_shape=(2, 14, 13, 40),
        rhs_shape=(3, 3, 33, 40),
        spec=("NHWC", "HWOI", "NHWC"),
        padding=SAME,
        reversal=(True, True),
    ),
    "other order": case(
        lhs_shape=(9, 2, 11, 40), rhs_shape=(3, 35, 3, 40), spec=("HNWC", "WOHI", "WNHC"), padding=SAME,
        reversal=(False, True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", ["x86-64-v2", "x86-64-v3", "host"])
@pytest.mark.parametrize("case", WINOGRAD)
def test_winograd(case, target):
    _, text, _, _ = build(**WINOGRAD[case])
    assert "winograd" in kernels(text)
    check(**WINOGRAD[case], target=target)


@pytest.mark.parametrize(
    ("dtype", "result"), [(np.float16, np.float16), (ml_dtypes.bfloat16, np.float32), (np.float32, np.float32)]
)
def test_winograd_element_types(dtype, result):
    for case in ("odd", "input gradient"):
        check(**WINOGRAD[case], dtype=dtype, result=result)


def test_winograd_is_as_accurate_as_it_says():
    """Errors are about twice those of the definition, whose sums of 576 terms here are of f32 products."""
    errors = {}
    for name, precision in (("winograd", ""), ("definition", 'precision = "HIGHEST", ')):
        operands, text, expected, _ = build((2, 16, 16, 64), (3, 3, 64, 64), padding=SAME)
        text = text.replace("window_strides", f"{precision}window_strides", 1)
        assert ("winograd" in kernels(text)) == (name == "winograd")
        (actual,) = compile_kernel(text, operands)()
        errors[name] = np.sqrt(np.mean((actual - expected) ** 2))
    assert errors["winograd"] < 3 * errors["definition"]


@pytest.mark.parametrize("case", CASES)
def test_against_jax(case):
    check(**CASES[case])


@pytest.mark.parametrize("case", ["same", "first layer", "NCHW", "kernel gradient"])
def test_widest_vectors(case):
    check(**CASES[case], target="host")


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (np.float64, np.float64),
        (np.float16, np.float16),
        (ml_dtypes.bfloat16, np.float32),
        (np.int8, np.int32),
        (np.int32, np.int32),
    ],
    ids=lambda t: np.dtype(t).name,
)
def test_element_types(dtype, result):
    for case in ("same", "strides", "input holes", "gradient of patches NCHW"):
        check(**CASES[case], dtype=dtype, result=result)


def kernels(text):
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, "astra-to-kernels")
        return str(module)


def test_left_to_linalg():
    _, text, _, _ = build((8, 6, 6, 4), (3, 3, 4, 8), batch_groups=4)
    _, tiny, _, _ = build((1, 3, 3, 1), (2, 2, 1, 1))
    for module_text in (text, tiny):
        assert "kernel_call" not in kernels(module_text)
