"""Convolutions and converting products with what follows them in one kernel: against JAX, with the bits of the separate
operations, on any number of threads."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.passes.kernel_rules import contraction, convolution

BF16 = ml_dtypes.bfloat16


def normal(*shape: int, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def conv(x, w, spec="NHWC", strides=(1, 1), padding="SAME", **options):
    kernel = "OIHW" if spec[1] == "C" else "HWIO"
    return jax.lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=(spec, kernel, spec), **options)


def normalized(**options):
    """A convolution, a normalization along its features, a residual and an activation."""

    def program(x, w, scale, residual):
        y = conv(x, w, **options)
        if options.get("spec") == "NCHW":
            scale = scale[:, None, None]
        return jax.nn.relu((y - 0.5) * scale + residual)

    return program


def quantized(x, w, scale):
    y = jax.lax.dot_general(x, w, (((1,), (0,)), ((), ())), preferred_element_type=jnp.int32)
    return jnp.clip(jnp.round(y.astype(jnp.float32) * scale), -128, 127).astype(jnp.int8)


def descent(x, g, w):
    """A kernel's gradient, subtracted."""
    return w - 0.1 * jax.vjp(lambda w: conv(x, w), w)[1](g)[0]


def layer(x, w, b):
    return jax.nn.silu(x @ w + b)


X, NCHW = normal(2, 9, 11, 32), normal(2, 32, 9, 11)
FULL = normal(2, 9, 11, 48)
PROGRAMS = {  # program, arguments, what is called once where everything is in one kernel
    "winograd": (normalized(), (X, normal(3, 3, 32, 48), normal(48), FULL)),
    "product": (normalized(), (X, normal(1, 1, 32, 48), normal(48), FULL)),
    "padded": (normalized(), (X, normal(5, 3, 32, 20), normal(20), normal(2, 9, 11, 20))),
    "strided": (normalized(strides=(2, 2)), (X, normal(3, 3, 32, 48), normal(48), normal(2, 5, 6, 48))),
    "features first": (normalized(spec="NCHW"), (NCHW, normal(48, 32, 3, 3), normal(48), normal(2, 48, 9, 11))),
    "groups": (
        normalized(feature_group_count=2), (X, normal(3, 3, 16, 48), normal(48), FULL)
    ),
    "groups, features first": (
        normalized(spec="NCHW", feature_group_count=2),
        (NCHW, normal(48, 16, 3, 3), normal(48), normal(2, 48, 9, 11)),
    ),
    "depthwise": (normalized(feature_group_count=32), (X, normal(3, 3, 1, 32), normal(32), X)),
    "depthwise, features first": (
        normalized(spec="NCHW", feature_group_count=32), (NCHW, normal(32, 1, 3, 3), normal(32), NCHW)
    ),
    "small groups": (normalized(feature_group_count=8), (X, normal(3, 3, 4, 32), normal(32), X)),
    "transposed": (
        normalized(lhs_dilation=(2, 2), padding=((1, 2), (1, 2))),
        (X, normal(3, 3, 32, 16), normal(16), normal(2, 18, 22, 16)),
    ),
    "transposed, features first": (
        normalized(spec="NCHW", lhs_dilation=(2, 2), padding=((1, 2), (1, 2))),
        (NCHW, normal(16, 32, 3, 3), normal(16), normal(2, 16, 18, 22)),
    ),
    "gradient": (descent, (normal(8, 14, 14, 64), normal(8, 14, 14, 64), normal(3, 3, 64, 64))),
    "gradient in parts": (descent, (normal(16, 64, 64, 16), normal(16, 64, 64, 33), normal(1, 1, 16, 33))),
    "narrow": (normalized(), tuple(a.astype(BF16) for a in (X, normal(3, 3, 32, 48), normal(48), FULL))),
    "converted": (
        lambda x, w, b: jax.nn.relu(conv(x, w, preferred_element_type=jnp.float32) + b).astype(jnp.bfloat16),
        (X.astype(BF16), normal(3, 3, 32, 48).astype(BF16), normal(48)),
    ),
    "converted product": (
        lambda x, w, b: jnp.tanh(x @ w + b).astype(jnp.bfloat16), (normal(37, 70), normal(70, 83), normal(83))
    ),
    "select": (
        lambda x, w, b: jnp.where(x @ w > b, x @ w, 0.1 * (x @ w)), (normal(37, 70), normal(70, 83), normal(83))
    ),
    "narrow product": (layer, tuple(a.astype(BF16) for a in (normal(37, 70), normal(70, 83), normal(83)))),
    "quantized product": (
        quantized, (np.arange(70 * 40, dtype=np.int8).reshape(40, 70), normal(70, 83).astype(np.int8), normal(83) / 99)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_jax_and_same_bits_as_separate_operations(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, arguments = PROGRAMS[name]
    expected = np.asarray(jax.jit(function)(*arguments)).astype(np.float64)
    fused = astra.jit(function)
    actual = []
    for threads in (1, 2, 3, 8):
        with astra.threads(threads):
            actual.append(np.asarray(fused(*arguments)))
    kernels = fused.compile(*arguments).ir("kernels")
    entry = next(function for function in kernels.split("\n  }") if "astra.num_inputs" in function)
    assert entry.count("call @") == 1, entry
    for rule in (contraction, convolution):
        monkeypatch.setattr(rule, "epilogue_of", lambda *_: None)
    separate = np.asarray(astra.jit(lambda *x: function(*x))(*arguments))
    np.testing.assert_array_equal(actual[0], separate)
    assert all(np.array_equal(actual[0], other) for other in actual[1:])
    tolerance = {"bfloat16": 2e-2, "int8": 1}.get(actual[0].dtype.name, 2e-5)
    np.testing.assert_allclose(actual[0].astype(np.float64), expected, atol=tolerance * max(1, np.abs(expected).max()))


def test_what_is_not_along_the_features_stays_outside() -> None:
    def program(x, w, rows):
        return conv(x, w) * rows[:, None, None, None]

    arguments = X, normal(3, 3, 32, 48), normal(2)
    np.testing.assert_allclose(astra.jit(program)(*arguments), jax.jit(program)(*arguments), rtol=1e-4, atol=1e-3)


def test_gaps_of_a_transposed_convolution_get_the_bias_too() -> None:
    def program(x, w, b):
        return conv(x, w, lhs_dilation=(3, 3), padding=((0, 0), (0, 0))) + b

    arguments = X, normal(2, 2, 32, 16), normal(16)
    np.testing.assert_allclose(astra.jit(program)(*arguments), jax.jit(program)(*arguments), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"padding": ((2, 0), (0, 3))}, {"strides": (2, 3), "rhs_dilation": (1, 2)}])
def test_channelwise_convolutions_read_the_edges_without_a_copy(options: dict) -> None:
    def program(x, w):
        return conv(x, w, feature_group_count=32, **options)

    arguments = X, normal(3, 4, 1, 32)
    compiled = astra.jit(program).compile(*arguments)
    assert compiled.memory().arena_bytes == 0
    np.testing.assert_allclose(compiled(*arguments), jax.jit(program)(*arguments), rtol=1e-4, atol=1e-4)
