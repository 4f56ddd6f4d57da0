"""The single-operation cases: products, norms, reductions, data movement, windows.

Sizes are those of ordinary models (a transformer of width 768, images of 56x56x64) or large enough that memory is
what is measured (4M elements).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.case import Case, arrays, integers, normal, uniform

__all__ = ["OPERATIONS", "convolution", "layer_norm"]

Tree = Any


def matmul_int8(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.matmul(x, y, preferred_element_type=jnp.int32)


def layer_norm(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + shift


def rms_norm(x: jax.Array, scale: jax.Array) -> jax.Array:
    return x * lax.rsqrt(jnp.mean(x**2, axis=-1, keepdims=True) + 1e-6) * scale


def black_scholes(price: jax.Array, strike: jax.Array, years: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The values of calls and puts at 2 % interest and 30 % volatility."""
    rate, volatility = 0.02, 0.3
    spread = volatility * jnp.sqrt(years)
    d1 = (jnp.log(price / strike) + (rate + 0.5 * volatility**2) * years) / spread
    discounted = strike * jnp.exp(-rate * years)

    def distribution(x: jax.Array) -> jax.Array:
        return 0.5 * (1 + lax.erf(x * np.sqrt(0.5)))

    call = price * distribution(d1) - discounted * distribution(d1 - spread)
    return call, call + discounted - price


def options(count: int) -> Callable[[], tuple[jax.Array, ...]]:
    ranges = ((50, 150), (50, 150), (0.1, 3))
    return lambda: tuple(uniform(*r, count, seed=i, dtype=np.float64) for i, r in enumerate(ranges))


def convolution(stride: int = 1, groups: int = 1) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """A convolution of NHWC images by an HWIO kernel of odd size, padded as PyTorch does (half the kernel)."""

    def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(
            x, kernel, (stride, stride), [(size // 2, size // 2) for size in kernel.shape[:2]],
            dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups,
        )  # fmt: skip

    return convolve


def max_pool(x: jax.Array) -> jax.Array:
    """Windows of 3x3 at stride 2 over NHWC."""
    padding = ((0, 0), (1, 1), (1, 1), (0, 0))
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding)


def images(kernel: tuple[int, ...], size: int = 56, batch: int = 8) -> Callable[[], tuple[jax.Array, ...]]:
    def make() -> tuple[jax.Array, ...]:
        channels = 64 if batch == 8 else 16
        return normal(batch, size, size, channels), normal(*kernel, seed=1, scale=0.1)

    return make


def _product(*shapes: tuple[int, ...], dtype: Any = np.float32) -> dict[str, Any]:
    """Arguments of these shapes, and of about a sixteenth of them."""
    small = [tuple(max(min(n, 24), n // 16 + 1) for n in shape) for shape in shapes]
    return {"arguments": arrays(*shapes, dtype=dtype), "small": arrays(*small, dtype=dtype), "torch": "matmul"}


def _int8(*shapes: tuple[int, ...]) -> Callable[[], tuple[jax.Array, ...]]:
    return lambda: tuple(integers(127, *s, low=-127, seed=i, dtype=np.int8) for i, s in enumerate(shapes))


_4M = 4 * 1024 * 1024
_SQUARE = {"arguments": arrays((2048, 2048)), "small": arrays((40, 72))}
_ROWS = {"arguments": arrays((2048, 1024)), "small": arrays((24, 70))}

OPERATIONS: tuple[Case, ...] = (
    *(
        Case(f"matmul {n}", jnp.matmul, **_product((n, n), (n, n)), numpy=np.matmul, tolerance=5e-6)
        for n in (64, 256, 1024, 2048)
    ),
    Case("matmul 4096x64x4096", jnp.matmul, **_product((4096, 64), (64, 4096)), numpy=np.matmul, tolerance=5e-6),
    Case("matmul 32x4096x4096", jnp.matmul, **_product((32, 4096), (4096, 4096)), numpy=np.matmul, tolerance=5e-6),
    Case("matrix-vector 4096", jnp.matmul, **_product((4096, 4096), (4096,)), numpy=np.matmul, tolerance=5e-6),
    Case("batched matmul 64x128^3", jnp.matmul, **_product((64, 128, 128), (64, 128, 128)), numpy=np.matmul,
         tolerance=5e-6),
    Case("matmul f64 512", jnp.matmul, **_product((512, 512), (512, 512), dtype=np.float64), numpy=np.matmul,
         tolerance=1e-13, wide=True),
    Case("matmul bf16 1024", jnp.matmul, **_product((1024, 1024), (1024, 1024), dtype=jnp.bfloat16), tolerance=1e-2),
    Case("matmul f16 1024", jnp.matmul, **_product((1024, 1024), (1024, 1024), dtype=np.float16), tolerance=2e-3),
    Case("matmul int8 1024", matmul_int8, _int8((1024, 1024), (1024, 1024)), 0.0, _int8((24, 40), (40, 32)),
         torch="matmul_int8"),
    Case("softmax 2048x1024", jax.nn.softmax, **_ROWS, torch="softmax"),
    Case("log-softmax 64x50257", jax.nn.log_softmax, arrays((64, 50257)), small=arrays((3, 517)), torch="log_softmax"),
    Case("layernorm 2048x1024", layer_norm, arrays((2048, 1024), (1024,), (1024,)),
         small=arrays((24, 70), (70,), (70,)), torch="layer_norm"),
    Case("RMSnorm 2048x1024", rms_norm, arrays((2048, 1024), (1024,)), small=arrays((24, 70), (70,)),
         torch="rms_norm"),
    Case("gelu 4M", jax.nn.gelu, arrays((_4M,)), small=arrays((5003,)), torch="gelu"),
    Case("Black-Scholes f64 1M", black_scholes, options(1024 * 1024), 1e-13, options(2011), torch="black_scholes",
         wide=True),
    Case("row sums 2048x2048", lambda x: jnp.sum(x, axis=1), **_SQUARE, tolerance=1e-5, torch="row_sums",
         numpy=lambda x: np.sum(x, axis=1)),
    Case("column sums 2048x2048", lambda x: jnp.sum(x, axis=0), **_SQUARE, tolerance=1e-5, torch="column_sums",
         numpy=lambda x: np.sum(x, axis=0)),
    Case("sum of 4M", jnp.sum, lambda: (jnp.abs(normal(_4M)),), 1e-5, lambda: (jnp.abs(normal(5003)),), torch="sum",
         numpy=np.sum),
    Case("argmax rows 2048x2048", lambda x: jnp.argmax(x, axis=1), **_SQUARE, tolerance=0.0, torch="argmax",
         numpy=lambda x: np.argmax(x, axis=1)),
    Case("transpose 2048x2048", jnp.transpose, **_SQUARE, tolerance=0.0, torch="transpose",
         numpy=lambda x: np.ascontiguousarray(x.T)),
    Case("transpose 0231 of 8x64x56x56", lambda x: jnp.transpose(x, (0, 2, 3, 1)), arrays((8, 64, 56, 56)), 0.0,
         arrays((2, 5, 7, 9)), torch="transpose_0231", numpy=lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1))),
    Case("cumsum rows 2048x2048", lambda x: jnp.cumsum(x, axis=1), **_SQUARE, tolerance=1e-5, torch="cumsum_rows",
         numpy=lambda x: np.cumsum(x, axis=1)),
    Case("cumsum flat 4M", jnp.cumsum, arrays((_4M,)), 1e-4, arrays((5003,)), torch="cumsum", numpy=np.cumsum),
    Case("sort rows 2048x512", jnp.sort, arrays((2048, 512)), 0.0, arrays((20, 77)), torch="sort", numpy=np.sort),
    Case("sort 1M", jnp.sort, arrays((1024 * 1024,)), 0.0, arrays((5003,)), torch="sort", numpy=np.sort),
    Case("embedding 8k of 50k x 768", lambda table, rows: table[rows],
         lambda: (normal(50_000, 768), integers(50_000, 8192)), 0.0,
         lambda: (normal(50, 24), integers(50, 31)), torch="embedding", numpy=lambda table, rows: table[rows]),
    Case("scatter-add 8k into 50k x 768", lambda table, rows, updates: table.at[rows].add(updates),
         lambda: (jnp.zeros((50_000, 768)), integers(50_000, 8192), normal(8192, 768)),
         small=lambda: (jnp.zeros((50, 24)), integers(50, 31), normal(31, 24)), torch="scatter_add"),
    Case("conv 3x3 8x56x56x64", convolution(), images((3, 3, 64, 64)), 5e-6, images((3, 3, 16, 16), 9, 2),
         torch="convolution"),
    Case("conv 1x1 8x56x56x64 to 256", convolution(), images((1, 1, 64, 256)), 5e-6, images((1, 1, 16, 40), 9, 2),
         torch="convolution"),
    Case("depthwise conv 3x3 8x56x56x64", convolution(groups=64), images((3, 3, 1, 64)), 5e-6,
         images((3, 3, 1, 16), 9, 2), convolution(groups=16), torch="convolution"),
    Case("conv 3x3 stride 2 8x56x56x64", convolution(stride=2), images((3, 3, 64, 64)), 5e-6,
         images((3, 3, 16, 16), 9, 2), torch="convolution_2"),
    Case("max-pool 3x3 8x56x56x64", max_pool, arrays((8, 56, 56, 64)), 0.0, arrays((2, 9, 9, 16)), torch="max_pool"),
)  # fmt: skip
