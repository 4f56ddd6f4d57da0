"""Reductions, windows, contractions and convolutions through ``astra-to-linalg``, executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from .linalg_execution import DTYPES, NAMES, call, tensor, type_of


def array(values: Sequence[int]) -> str:
    return f"array<i64: {', '.join(map(str, values))}>" if values else "array<i64>"


def reduce_text(kind: str, dimensions: Sequence[int], x: np.ndarray, result: str, init: str = "%1") -> str:
    scalar = tensor(NAMES[x.dtype])
    return (
        f'"astra.reduce"(%0, {init}) ({{}}) {{dimensions = {array(dimensions)}, kind = "{kind}"}} :'
        f" ({type_of(x)}, {scalar}) -> {result}"
    )


def reduce(kind: str, dimensions: Sequence[int], x: np.ndarray, init: object) -> np.ndarray:
    shape = [n for i, n in enumerate(x.shape) if i not in dimensions]
    result = tensor(NAMES[x.dtype], *shape)
    body = f"%r = {reduce_text(kind, dimensions, x, result)}\nreturn %r : {result}"
    return call(body, [x, np.asarray(init, x.dtype)], [result])[0]


KINDS: dict[str, tuple[Callable[..., np.ndarray], str]] = {
    "add": (np.add.reduce, "ifc"),
    "multiply": (np.multiply.reduce, "ifc"),
    "maximum": (np.maximum.reduce, "bif"),
    "minimum": (np.minimum.reduce, "bif"),
    "and": (np.bitwise_and.reduce, "bi"),
    "or": (np.bitwise_or.reduce, "bi"),
    "xor": (np.bitwise_xor.reduce, "bi"),
}
CLASSES = {
    "i1": "b",
    "i8": "i",
    "ui32": "i",
    "i64": "i",
    "f16": "f",
    "bf16": "f",
    "f32": "f",
    "f64": "f",
    "complex<f32>": "c",
}


@pytest.mark.parametrize("dtype", CLASSES)
def test_every_kind(dtype: str) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 9, (4, 5, 3)).astype(DTYPES[dtype])
    if CLASSES[dtype] in "fc":
        x = (x * random.normal(size=x.shape)).astype(x.dtype)
    if CLASSES[dtype] == "c":
        x = x + (1j * random.normal(size=x.shape)).astype(x.dtype)
    kinds = [kind for kind, (_, classes) in KINDS.items() if CLASSES[dtype] in classes]
    result = tensor(dtype, 4, 3)
    lines = [f"%r{i} = {reduce_text(kind, (1,), x, result)}" for i, kind in enumerate(kinds)]
    returned = ", ".join(f"%r{i}" for i in range(len(kinds)))
    body = "\n".join([*lines, f"return {returned} : {', '.join([result] * len(kinds))}"])
    one = np.asarray(1, x.dtype)  # the neutral element of none but multiply and "and"
    for kind, actual in zip(kinds, call(body, [x, one], [result] * len(kinds)), strict=True):
        function = KINDS[kind][0]
        if CLASSES[dtype] == "f":
            expected = function(np.concatenate([np.ones((4, 1, 3)), x.astype(np.float64)], 1), 1)
            eps = float(jnp.finfo(x.dtype).eps)
            np.testing.assert_allclose(actual.astype(np.float64), expected, rtol=4 * eps, atol=4 * eps, err_msg=kind)
        elif CLASSES[dtype] == "c":
            expected = function(np.concatenate([np.ones((4, 1, 3)), x], 1), 1)
            np.testing.assert_allclose(actual, expected, rtol=1e-5, err_msg=kind)
        else:
            padded = np.concatenate([np.ones((4, 1, 3), x.dtype), x], 1)
            kwargs = {"dtype": x.dtype} if kind in ("add", "multiply") else {}
            np.testing.assert_array_equal(actual, function(padded, 1, **kwargs), err_msg=kind)


@pytest.mark.parametrize("dimensions", ((), (0,), (2,), (0, 2), (0, 1, 2)))
def test_dimensions(dimensions: tuple[int, ...]) -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(reduce("add", dimensions, x, 0), x.sum(dimensions))
    np.testing.assert_array_equal(reduce("maximum", dimensions, x, -np.inf), x.max(dimensions) if dimensions else x)


def test_empty_and_nan() -> None:
    np.testing.assert_array_equal(reduce("add", (0,), np.zeros((0, 3), np.float32), 2), np.full(3, 2.0))
    np.testing.assert_array_equal(reduce("minimum", (0,), np.zeros((0,), np.int32), 7), 7)
    x = np.array([[1, np.nan, 3], [4, 5, -np.inf]], np.float32)
    np.testing.assert_array_equal(reduce("maximum", (1,), x, -np.inf), [np.nan, 5])
    np.testing.assert_array_equal(reduce("minimum", (1,), x, np.inf), [np.nan, -np.inf])


def test_half_sums_do_not_stagnate() -> None:
    x = np.full(4096, 0.25, np.float16)
    assert reduce("add", (0,), x, 0) == 1024
    assert reduce("add", (0,), np.full(4096, 0.25, DTYPES["bf16"]), 0) == 1024


@pytest.mark.parametrize("kind", ("argmax", "argmin"))
@pytest.mark.parametrize("dtype", ("f32", "bf16", "i32", "ui8"))
def test_arg_extremes(kind: str, dtype: str) -> None:
    x = np.random.default_rng(1).integers(0, 4, (6, 9)).astype(DTYPES[dtype])
    if "f" in dtype:
        x[2, 3] = x[2, 5] = np.nan
        x[3] = -np.inf if kind == "argmax" else np.inf
        worst = np.inf if kind == "argmin" else -np.inf
    else:
        worst = np.iinfo(x.dtype).max if kind == "argmin" else np.iinfo(x.dtype).min
    body = f"""
      %i = "astra.iota"() {{dimension = 1}} : () -> tensor<6x9xi32>
      %r:2 = "astra.reduce"(%0, %i, %1, %2) ({{}}) {{dimensions = array<i64: 1>, kind = "{kind}"}} :
        ({type_of(x)}, tensor<6x9xi32>, tensor<{dtype}>, tensor<i32>) -> (tensor<6x{dtype}>, tensor<6xi32>)
      return %r#0, %r#1 : tensor<6x{dtype}>, tensor<6xi32>
    """
    inputs = [x, np.asarray(worst, x.dtype), np.int32(0)]
    values, indices = call(body, inputs, [tensor(dtype, 6), "tensor<6xi32>"])
    expected = np.asarray(getattr(jnp, kind)(jnp.asarray(x), axis=1))
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(values.astype(np.float32), x[np.arange(6), expected].astype(np.float32))


def test_custom_combiner_of_two_inputs_that_reads_a_captured_value() -> None:
    """The sum and the weighted sum in one reduction."""
    body = """
      %z = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
      %r:2 = "astra.reduce"(%0, %1, %z, %z) ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>, %d: tensor<f32>):
        %e = "astra.add"(%a, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        %f = "astra.multiply"(%d, %2) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        %g = "astra.add"(%b, %f) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "astra.yield"(%e, %g) : (tensor<f32>, tensor<f32>) -> ()
      }) {dimensions = array<i64: 0>, kind = "custom"} :
        (tensor<3x2xf32>, tensor<3x2xf32>, tensor<f32>, tensor<f32>) -> (tensor<2xf32>, tensor<2xf32>)
      return %r#0, %r#1 : tensor<2xf32>, tensor<2xf32>
    """
    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((3, 2), np.float32)
    first, second = call(body, [x, y, np.float32(3)], ["tensor<2xf32>"] * 2)
    np.testing.assert_array_equal(first, x.sum(0))
    np.testing.assert_array_equal(second, [9, 9])


def test_reduction_of_values_that_have_no_tensor() -> None:
    body = """
      %c = "astra.constant"() {value = dense<2.0> : tensor<3x4xf32>} : () -> tensor<3x4xf32>
      %i = "astra.iota"() {dimension = 1} : () -> tensor<3x4xf32>
      %z = "astra.constant"() {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
      %b = "astra.broadcast"(%0) {dimensions = array<i64: 0>} : (tensor<3xf32>) -> tensor<3x4xf32>
      %r = "astra.reduce"(%c, %z) ({}) {dimensions = array<i64: 1>, kind = "add"} :
        (tensor<3x4xf32>, tensor<f32>) -> tensor<3xf32>
      %s = "astra.reduce"(%i, %z) ({}) {dimensions = array<i64: 0, 1>, kind = "add"} :
        (tensor<3x4xf32>, tensor<f32>) -> tensor<f32>
      %t = "astra.reduce"(%b, %z) ({}) {dimensions = array<i64: 1>, kind = "add"} :
        (tensor<3x4xf32>, tensor<f32>) -> tensor<3xf32>
      %v = "astra.reverse"(%0) {dimensions = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
      %w = "astra.reduce"(%v, %z) ({}) {dimensions = array<i64: 0>, kind = "add"} :
        (tensor<3xf32>, tensor<f32>) -> tensor<f32>
      return %r, %s, %t, %w : tensor<3xf32>, tensor<f32>, tensor<3xf32>, tensor<f32>
    """
    x = np.arange(3, dtype=np.float32)
    r, s, t, w = call(body, [x], ["tensor<3xf32>", "tensor<f32>", "tensor<3xf32>", "tensor<f32>"])
    np.testing.assert_array_equal(r, [8, 8, 8])
    np.testing.assert_array_equal(t, x * 4)
    assert s == 18 and w == 3


# window, strides, base dilations, window dilations, padding
WINDOWS = {
    "plain": ((2, 3), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
    "strided": ((2, 2), (2, 3), (1, 1), (1, 1), ((0, 1), (1, 2))),
    "dilated": ((2, 3), (1, 2), (2, 1), (1, 2), ((1, 0), (2, 2))),
    "one dimension": ((1, 3), (1, 1), (1, 1), (1, 1), ((0, 0), (1, 1))),
    "cut": ((1, 2), (1, 1), (1, 1), (1, 1), ((-1, 0), (0, -2))),
    "identity": ((1, 1), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
}


@pytest.mark.parametrize("case", WINDOWS)
@pytest.mark.parametrize(("kind", "init"), (("add", 0.0), ("maximum", -np.inf), ("minimum", 1.0), ("custom", 0.0)))
def test_reduce_window(case: str, kind: str, init: float) -> None:
    window, strides, base, dilations, padding = WINDOWS[case]
    x = np.random.default_rng(2).integers(-9, 9, (5, 7)).astype(np.float32)
    function = {"add": lax.add, "maximum": lax.max, "minimum": lax.min, "custom": lambda a, b: a + b}[kind]
    expected = np.asarray(
        lax.reduce_window(jnp.asarray(x), jnp.float32(init), function, window, strides, padding, base, dilations)
    )
    region = """{
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %e = "astra.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "astra.yield"(%e) : (tensor<f32>) -> ()
      }"""
    flat = [n for pair in padding for n in pair]
    body = f"""
      %r = "astra.reduce_window"(%0, %1) ({region if kind == "custom" else "{}"}) {{
        window_dimensions = {array(window)}, window_strides = {array(strides)}, base_dilations = {array(base)},
        window_dilations = {array(dilations)}, padding = {array(flat)}, kind = "{kind}"}} :
        (tensor<5x7xf32>, tensor<f32>) -> {type_of(expected)}
      return %r : {type_of(expected)}
    """
    np.testing.assert_array_equal(call(body, [x, np.float32(init)], [type_of(expected)])[0], expected)


# lhs shape, rhs shape, contracting, batching
DOTS = {
    "matrix": ((3, 4), (4, 5), ((1,), (0,)), ((), ())),
    "transposed": ((4, 3), (5, 4), ((0,), (1,)), ((), ())),
    "batched": ((2, 3, 4), (2, 4, 5), ((2,), (1,)), ((0,), (0,))),
    "batch in the middle": ((3, 2, 4), (4, 5, 2), ((2,), (0,)), ((1,), (2,))),
    "two contracted": ((3, 4, 2), (2, 4, 5), ((1, 2), (1, 0)), ((), ())),
    "vectors": ((4,), (4,), ((0,), (0,)), ((), ())),
    "outer": ((3,), (5,), ((), ()), ((), ())),
    "nothing contracted": ((3, 0), (0, 5), ((1,), (0,)), ((), ())),
    "matrix vector": ((3, 4), (4,), ((1,), (0,)), ((), ())),
}


def dot_text(x: np.ndarray, y: np.ndarray, case: str, result: str) -> str:
    contracting, batching = DOTS[case][2:]
    return f"""
      %r = "astra.dot_general"(%0, %1) {{
        lhs_batching_dimensions = {array(batching[0])}, rhs_batching_dimensions = {array(batching[1])},
        lhs_contracting_dimensions = {array(contracting[0])}, rhs_contracting_dimensions = {array(contracting[1])}}} :
        ({type_of(x)}, {type_of(y)}) -> {result}
      return %r : {result}
    """


@pytest.mark.parametrize("case", DOTS)
def test_dot_general(case: str) -> None:
    random = np.random.default_rng(3)
    x, y = (random.integers(-4, 5, shape).astype(np.float32) for shape in DOTS[case][:2])
    expected = np.asarray(lax.dot_general(x, y, DOTS[case][2:]))
    np.testing.assert_array_equal(
        call(dot_text(x, y, case, type_of(expected)), [x, y], [type_of(expected)])[0], expected
    )


@pytest.mark.parametrize(
    ("lhs", "rhs", "result"),
    (
        ("i8", "i8", "i32"),
        ("ui8", "ui8", "ui32"),
        ("bf16", "bf16", "f32"),
        ("f16", "f16", "f16"),
        ("bf16", "bf16", "bf16"),
        ("f64", "f64", "f64"),
        ("complex<f32>", "complex<f32>", "complex<f32>"),
        ("i1", "i1", "i1"),
    ),
)
def test_dot_general_types(lhs: str, rhs: str, result: str) -> None:
    random = np.random.default_rng(4)
    low, high = (100, 127) if lhs.endswith("i8") else (0, 2) if lhs == "i1" else (-4, 5)
    x, y = (
        random.integers(low, high, s).astype(DTYPES[t]) for s, t in zip(DOTS["matrix"][:2], (lhs, rhs), strict=True)
    )
    if lhs == "complex<f32>":
        x, y = x * (1 + 2j), y * (2 - 1j)
    t = tensor(result, 3, 5)
    wide = {"i1": bool, "complex<f32>": complex}.get(lhs, np.float64)
    expected = x.astype(wide) @ y.astype(wide)
    np.testing.assert_array_equal(call(dot_text(x, y, "matrix", t), [x, y], [t])[0].astype(wide), expected)


def test_dot_general_reads_a_transposed_broadcast() -> None:
    body = """
      %t = "astra.transpose"(%0) {permutation = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
      %b = "astra.broadcast"(%1) {dimensions = array<i64: 0>} : (tensor<4xf32>) -> tensor<4x5xf32>
      %r = "astra.dot_general"(%t, %b) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} :
        (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
      return %r : tensor<3x5xf32>
    """
    x, y = np.arange(12, dtype=np.float32).reshape(4, 3), np.arange(4, dtype=np.float32)
    (actual,) = call(body, [x, y], ["tensor<3x5xf32>"])
    np.testing.assert_array_equal(actual, x.T @ np.broadcast_to(y[:, None], (4, 5)))


def test_expensive_operand_of_a_contraction() -> None:
    """Computed once, behind a barrier that bufferization forwards."""
    body = """
      %t = "astra.tanh"(%0) : (tensor<4xf32>) -> tensor<4xf32>
      %r = "astra.dot_general"(%1, %t) {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
        lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>} :
        (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3xf32>
      return %r : tensor<3xf32>
    """
    x, y = np.arange(4, dtype=np.float32), np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_allclose(call(body, [x, y], ["tensor<3xf32>"])[0], y @ np.tanh(x), rtol=1e-6)


# lhs and rhs shape (in the given layouts), strides, padding, lhs and rhs dilation, groups, batch groups, layouts
NHWC, NCHW = ("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")
CONVOLUTIONS: dict[str, tuple[object, ...]] = {
    "plain": ((2, 5, 6, 3), (3, 2, 3, 4), (1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1), 1, 1, NHWC),
    "channels first": ((2, 3, 5, 6), (4, 3, 3, 2), (1, 1), ((1, 1), (1, 0)), (1, 1), (1, 1), 1, 1, NCHW),
    "strided and dilated": ((1, 7, 6, 2), (3, 2, 2, 2), (2, 1), ((1, 2), (0, 1)), (1, 1), (2, 3), 1, 1, NHWC),
    "transposed": ((1, 4, 4, 2), (3, 3, 2, 3), (1, 1), ((2, 1), (1, 2)), (2, 3), (1, 1), 1, 1, NHWC),
    "grouped": ((2, 5, 5, 6), (2, 2, 3, 4), (1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1), 2, 1, NHWC),
    "depthwise": ((1, 5, 5, 3), (3, 3, 1, 6), (1, 1), ((1, 1), (1, 1)), (1, 1), (1, 1), 3, 1, NHWC),
    "batch groups": ((4, 5, 5, 3), (2, 2, 3, 4), (1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1), 1, 2, NHWC),
    "negative padding": ((1, 6, 6, 1), (2, 2, 1, 1), (1, 1), ((-1, 0), (1, -2)), (1, 1), (1, 1), 1, 1, NHWC),
    "one dimension": ((2, 7, 3), (3, 3, 4), (2,), ((1, 1),), (1,), (1,), 1, 1, ("NWC", "WIO", "NWC")),
    "no dimension": ((2, 3), (3, 4), (), (), (), (), 1, 1, ("NC", "IO", "NC")),
}


def convolution_text(
    case: Sequence[object], x: np.ndarray, k: np.ndarray, result: str, reversal: Sequence[bool] | None = None
) -> str:
    strides, padding, lhs_dilation, rhs_dilation, groups, batch_groups, layouts = case[2:]
    numbers = lax.conv_dimension_numbers(x.shape, k.shape, layouts)
    lhs, rhs, out = numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec
    reversal = reversal or [False] * len(strides)
    flags = f"array<i1: {', '.join(str(flag).lower() for flag in reversal)}>" if reversal else "array<i1>"
    return f"""
      %r = "astra.convolution"(%0, %1) {{
        window_strides = {array(strides)}, padding = {array([n for pair in padding for n in pair])},
        lhs_dilation = {array(lhs_dilation)}, rhs_dilation = {array(rhs_dilation)}, window_reversal = {flags},
        input_batch_dimension = {lhs[0]}, input_feature_dimension = {lhs[1]},
        input_spatial_dimensions = {array(lhs[2:])},
        kernel_output_feature_dimension = {rhs[0]}, kernel_input_feature_dimension = {rhs[1]},
        kernel_spatial_dimensions = {array(rhs[2:])},
        output_batch_dimension = {out[0]}, output_feature_dimension = {out[1]},
        output_spatial_dimensions = {array(out[2:])},
        feature_group_count = {groups}, batch_group_count = {batch_groups}}} : ({type_of(x)}, {type_of(k)}) -> {result}
      return %r : {result}
    """


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case: str) -> None:
    shape, kernel, strides, padding, lhs_dilation, rhs_dilation, groups, batch_groups, layouts = CONVOLUTIONS[case]
    random = np.random.default_rng(6)
    x, k = (random.integers(-4, 5, s).astype(np.float32) for s in (shape, kernel))
    expected = np.asarray(
        lax.conv_general_dilated(
            x, k, strides, padding, lhs_dilation, rhs_dilation, layouts, groups, batch_groups, precision="highest"
        )
    )
    text = convolution_text(CONVOLUTIONS[case], x, k, type_of(expected))
    np.testing.assert_array_equal(call(text, [x, k], [type_of(expected)])[0], expected)


@pytest.mark.parametrize("dtype", ("i8", "f16", "complex<f32>"))
def test_convolution_types_and_reversal(dtype: str) -> None:
    random = np.random.default_rng(7)
    case = CONVOLUTIONS["plain"]
    x, k = (random.integers(-3, 4, s).astype(DTYPES[dtype]) for s in case[:2])
    result_dtype = "i32" if dtype == "i8" else dtype
    with jax.enable_x64(True):
        wide = np.complex128 if dtype.startswith("c") else np.float64
        flipped = k[::-1].astype(wide)
        expected = np.asarray(
            lax.conv_general_dilated(x.astype(wide), flipped, (1, 1), "VALID", dimension_numbers=NHWC)
        )
    t = tensor(result_dtype, *expected.shape)
    (actual,) = call(convolution_text(case, x, k, t, (True, False)), [x, k], [t])
    np.testing.assert_array_equal(actual, expected.astype(DTYPES[result_dtype]))
