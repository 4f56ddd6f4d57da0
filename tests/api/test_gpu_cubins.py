"""Programs of JAX to binaries for Hopper: every one assembles, and common kernels keep everything in registers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.gpu import machine as gpu_machine

TARGET = "cuda:sm_90a"


def _has_ptxas() -> bool:
    try:
        return bool(gpu_machine.ptxas())
    except astra.AstraError:
        return shutil.which("ptxas") is not None


pytestmark = pytest.mark.skipif(not _has_ptxas(), reason="needs ptxas")


def s(*shape: int, kind: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, kind)


X, B, Q = s(64, 96), s(96), s(2, 3, 64, 32)
I8, BF, H = jnp.int8, jnp.bfloat16, jnp.float16
Program = tuple[Callable[..., Any], tuple[Any, ...]]
PROGRAMS: dict[str, Program] = {}
UNARY = [
    "sum", "max", "mean", "argmax", "cumsum", "sort",
]  # fmt: skip
ACTIVATIONS = [
    "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift",
]  # fmt: skip

for _name in [
    "abs",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log1p",
    "sqrt",
    "cbrt",
    "square",
    "reciprocal",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "sign",
    "isnan",
    "isinf",
    "isfinite",
    "negative",
    "positive",
    "signbit",
    "deg2rad",
]:
    PROGRAMS[_name] = (getattr(jnp, _name), (X,))
for _name in [
    "relu",
    "sigmoid",
    "silu",
    "gelu",
    "softplus",
    "elu",
    "selu",
    "celu",
    "log_sigmoid",
    "leaky_relu",
    "hard_tanh",
    "relu6",
    "mish",
    "glu",
]:
    PROGRAMS[_name] = (getattr(jax.nn, _name), (X,))
for _name in [
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "minimum",
    "power",
    "arctan2",
    "hypot",
    "logaddexp",
    "fmod",
    "remainder",
    "floor_divide",
    "copysign",
    "greater",
    "less",
    "equal",
    "logical_and",
    "nextafter",
    "heaviside",
]:
    PROGRAMS[_name] = (getattr(jnp, _name), (X, B))
for _name in [
    "sum",
    "prod",
    "max",
    "min",
    "mean",
    "var",
    "std",
    "all",
    "any",
    "argmax",
    "argmin",
    "median",
    "ptp",
    "cumsum",
    "cumprod",
    "sort",
    "argsort",
]:
    PROGRAMS[f"{_name} rows"] = (partial(getattr(jnp, _name), axis=1), (X,))
for _name in UNARY:
    PROGRAMS[f"{_name} columns"] = (partial(getattr(jnp, _name), axis=0), (X,))
for _kind in (jnp.bfloat16, jnp.float16, jnp.int32, jnp.int8, jnp.uint8, jnp.uint32, jnp.int16, jnp.bool_):
    _of = np.dtype(_kind).name
    PROGRAMS[f"add {_of}"] = (lambda x: x + x, (s(64, 96, kind=_kind),))
    PROGRAMS[f"sum {_of}"] = (lambda x: jnp.sum(x, 1), (s(64, 96, kind=_kind),))
    PROGRAMS[f"to {_of}"] = (lambda x, k=_kind: x.astype(k), (X,))
for _name in ACTIVATIONS:
    PROGRAMS[_name] = (getattr(jnp, _name), (s(64, kind=jnp.int32), s(64, kind=jnp.int32)))


def _attention(q: Any, k: Any, v: Any) -> Any:
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / 6.0
    causal = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    return jax.nn.softmax(jnp.where(causal, scores, -1e9), -1) @ v


def _norm(x: Any, w: Any) -> Any:
    return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5) * w


def _mlp(p: Any, x: Any) -> Any:
    for w, b in p:
        x = jnp.tanh(x @ w + b)
    return (x**2).mean()


def _block(p: Any, x: Any) -> Any:
    h = _norm(x, p["n"])
    q, k, v = (jnp.reshape(h @ p[n], (2, 16, 4, 8)).transpose(0, 2, 1, 3) for n in "qkv")
    x = x + _attention(q, k, v).transpose(0, 2, 1, 3).reshape(x.shape) @ p["o"]
    return x + jax.nn.gelu(_norm(x, p["n"]) @ p["u"]) @ p["d"]


def _lstm(p: Any, xs: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(jnp.concatenate([x, h], -1) @ p, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return jax.lax.scan(step, (jnp.zeros((4, 16)), jnp.zeros((4, 16))), xs)[1]


_conv = jax.lax.conv_general_dilated
_nhwc = ("NHWC", "HWIO", "NHWC")


def _residual(p: Any, x: Any) -> Any:
    y = jax.nn.relu(_conv(x, p[0], (1, 1), "SAME", dimension_numbers=_nhwc))
    return jax.nn.relu(x + _conv(y, p[1], (1, 1), "SAME", dimension_numbers=_nhwc)).mean((1, 2))


_layers = tuple((s(32, 32), s(32)) for _ in range(2))
_weights = {n: s(32, 32) for n in "qkvo"} | {"n": s(32), "u": s(32, 64), "d": s(64, 32)}
_pool = lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")  # noqa: E731
PROGRAMS |= {
    "softmax": (lambda x: jax.nn.softmax(x), (X,)),
    "log softmax": (lambda x: jax.nn.log_softmax(x), (X,)),
    "softmax gradient": (jax.grad(lambda x: (jax.nn.softmax(x) ** 2).sum()), (X,)),
    "layer norm": (_norm, (X, B)),
    "layer norm gradient": (jax.grad(lambda x, w: (_norm(x, w) ** 2).sum(), (0, 1)), (X, B)),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, 1), (X,)),
    "gemm f32": (jnp.matmul, (s(128, 64), s(64, 96))),
    "gemm bf16": (jnp.matmul, (s(128, 64, kind=BF), s(64, 96, kind=BF))),
    "gemm f16": (jnp.matmul, (s(128, 64, kind=H), s(64, 96, kind=H))),
    "gemm int8": (
        lambda a, b: jax.lax.dot(a, b, preferred_element_type=jnp.int32),
        (s(64, 64, kind=I8), s(64, 64, kind=I8)),
    ),
    "gemm large": (jnp.matmul, (s(1024, 1024, kind=BF), s(1024, 1024, kind=BF))),
    "gemm transposed": (lambda a, b: a.T @ b.T, (s(64, 128), s(96, 64))),
    "gemm batched": (jnp.matmul, (s(4, 32, 64), s(4, 64, 32))),
    "gemm bias gelu": (lambda a, b, c: jax.nn.gelu(a @ b + c), (s(64, 64), s(64, 96), B)),
    "matvec": (jnp.matmul, (X, B)),
    "outer": (jnp.outer, (B, B)),
    "attention": (_attention, (Q, Q, Q)),
    "attention gradient": (jax.grad(lambda q, k, v: _attention(q, k, v).sum(), (0, 1, 2)), (Q, Q, Q)),
    "convolution": (lambda x, w: _conv(x, w, (1, 1), "SAME"), (s(2, 8, 12, 12), s(16, 8, 3, 3))),
    "convolution strided": (lambda x, w: _conv(x, w, (2, 2), "SAME"), (s(2, 8, 12, 12), s(16, 8, 3, 3))),
    "max pool": (_pool, (s(2, 12, 12, 8),)),
    "max pool gradient": (jax.grad(lambda x: _pool(x).sum()), (s(2, 12, 12, 8),)),
    "transpose": (lambda x: x.T + 1, (s(256, 256),)),
    "reverse": (lambda x: x[::-1, ::2], (X,)),
    "pad": (lambda x: jnp.pad(x, 3), (X,)),
    "concatenate": (lambda x: jnp.concatenate([x, x + 1]), (X,)),
    "where": (lambda x: jnp.where(x > 0, x, 0), (X,)),
    "clip": (lambda x: jnp.clip(x, -1, 1), (X,)),
    "iota": (lambda x: x + jnp.arange(96), (X,)),
    "one hot": (lambda i: jax.nn.one_hot(i, 32), (s(64, kind=jnp.int32),)),
    "take": (lambda x, i: x[i], (X, s(16, kind=jnp.int32))),
    "embedding gradient": (jax.grad(lambda w, i: (w[i] ** 2).sum()), (X, s(16, kind=jnp.int32))),
    "argsort long": (jnp.argsort, (s(1 << 20),)),
    "sort by two keys": (lambda x, y: jax.lax.sort((x, y), num_keys=2), (s(10000), s(10000))),
    "top k long": (lambda x: jax.lax.top_k(x, 8), (s(64, 32000),)),
    "scatter sorted": (lambda x, i, v: x.at[i].add(v), (X, s(5000, kind=jnp.int32), s(5000, 96))),
    "scatter atomic": (lambda x, i, v: x.at[i].add(v), (s(64, kind=jnp.int32),) * 3),
    "complex": (lambda z: (z @ z.T * 1j + jnp.exp(z[0]).sum()).real, (s(64, 64, kind=jnp.complex64),)),
    "fft": (jnp.fft.fft, (s(4, 4096),)),
    "irfft": (jnp.fft.irfft, (s(4, 65, kind=jnp.complex64),)),
    "random bits": (lambda key: jax.lax.rng_bit_generator(key, (1000,)), (s(4, kind=jnp.uint32),)),
    "cholesky": (jnp.linalg.cholesky, (s(256, 256),)),
    "triangular solve": (jax.scipy.linalg.solve_triangular, (s(256, 256), s(256, 64))),
    "top k": (lambda x: jax.lax.top_k(x, 5), (X,)),
    "dynamic slice": (lambda x, i: jax.lax.dynamic_slice(x, (i, 0), (4, 96)), (X, s(kind=jnp.int32))),
    "random": (
        lambda k: jax.random.uniform(jax.random.wrap_key_data(k), (64, 64)),
        (s(2, kind=jnp.uint32),),
    ),
    "scan": (lambda x: jax.lax.scan(lambda c, a: (c + a, c * a), jnp.zeros(96), x), (X,)),
    "while": (lambda x: jax.lax.while_loop(lambda c: c.sum() < 9, lambda c: c + 1, x), (X,)),
    "cond": (lambda x: jax.lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x), (X,)),
    "mlp": (_mlp, (_layers, s(16, 32))),
    "mlp step": (jax.value_and_grad(_mlp), (_layers, s(16, 32))),
    "gpt block": (_block, (_weights, s(2, 16, 32))),
    "gpt block gradient": (jax.grad(lambda p, x: (_block(p, x) ** 2).mean()), (_weights, s(2, 16, 32))),
    "lstm": (_lstm, (s(32, 64), s(5, 4, 16))),
    "residual block": (_residual, ((s(3, 3, 8, 8), s(3, 3, 8, 8)), s(2, 8, 8, 8))),
}
SPILL_FREE = (
    "softmax", "layer norm", "gemm f32", "gemm bf16", "gemm large", "attention", "gelu", "transpose", "argsort long",
    "sort by two keys", "top k long", "scatter sorted", "scatter atomic", "cholesky",
    "triangular solve",
)  # fmt: skip
REFUSED = {
    "eigenvalues": (jnp.linalg.eigvalsh, (s(8, 8),)),
}


def test_all_programs_assemble() -> None:
    assert len(PROGRAMS) >= 150
    failed, spilled = {}, []
    compiled = {}
    for name, (function, arguments) in PROGRAMS.items():
        try:
            compiled[name] = astra.compile(function, *arguments, target=TARGET)
            compiled[name].ptx()
        except Exception as error:  # all are reported together
            failed[name] = f"{type(error).__name__}: {error}"[:200]
            compiled.pop(name, None)

    def kernels(item: tuple[str, Any]) -> tuple[str, Any]:
        return item[0], item[1].kernels()

    with ThreadPoolExecutor(2) as pool:  # ptxas is a process of its own
        for name, reports in pool.map(kernels, compiled.items()):
            assert all(report.registers > 0 and report.occupancy.blocks > 0 for report in reports), name
            spilled += [name] * any(report.spill_bytes for report in reports)
    assert not failed, "\n".join(f"{name}: {why}" for name, why in failed.items())
    assert not set(spilled) & set(SPILL_FREE), spilled


def test_intended_instructions() -> None:
    """128-bit accesses, asynchronous copies and the tensor cores where they belong."""
    ptx = {
        name: astra.compile(*_flat(PROGRAMS[name]), target=TARGET).ptx() for name in ("softmax", "gemm bf16", "gelu")
    }
    assert "ld.global.v4" in ptx["softmax"] and "shfl.sync" in ptx["softmax"]
    assert "mma" in ptx["gemm bf16"] and "cp.async" in ptx["gemm bf16"]


_F8 = jnp.float8_e4m3fn
# operands' type, sums' type, whether k is innermost of both, the instruction
PRODUCTS = {
    "f64": (jnp.float64, jnp.float64, False, "mma.sync.aligned.m8n8k4.row.col.f64"),  # DMMA
    "f32": (jnp.float32, jnp.float32, False, "m16n8k8.row.col.f32.tf32.tf32.f32"),  # three of them
    "bf16": (BF, BF, False, "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16"),
    "f16": (H, jnp.float32, True, "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16"),
    "int8": (I8, jnp.int32, True, "wgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8"),
    "int8, rows of the second operand": (I8, jnp.int32, False, "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32"),
    "f8": (_F8, jnp.float32, True, "wgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3"),
    "f8, range": (jnp.float8_e5m2, BF, True, "wgmma.mma_async.sync.aligned.m64n64k32.f32.e5m2.e5m2"),
    "f8, rows of the second operand": (_F8, jnp.float32, False, ".f32.bf16.bf16"),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_take_the_tensor_cores(name: str) -> None:
    """Every type has its instruction of the tensor cores, and nothing spills."""
    kind, total, inner, instruction = PRODUCTS[name]
    dimensions = (((1,), (1,)), ((), ())) if inner else (((1,), (0,)), ((), ()))
    with jax.enable_x64(kind == jnp.float64):
        compiled = astra.compile(
            lambda a, b: jax.lax.dot_general(a, b, dimensions, preferred_element_type=total),
            s(256, 256, kind=kind), s(256, 256, kind=kind), target=TARGET,
        )  # fmt: skip
    assert instruction in compiled.ptx()
    (report,) = compiled.kernels()
    assert report.registers > 0 and report.spill_bytes == 0


def test_a_long_sum_is_split_among_programs() -> None:
    """A product of few tiles: in f32 by two kernels, in bf16 by blocks of a cluster that share the steps."""
    for kind, names, text in (
        (jnp.float32, {"gemm_parts", "gemm_sums"}, "tf32.tf32"),
        (BF, {"gemm"}, "st.shared::cluster"),
    ):
        a = s(8192, 64, kind=kind)
        compiled = astra.compile(lambda a, b: a.T @ b, a, a, target=TARGET)
        reports = compiled.kernels()
        assert {report.name.rpartition("_")[0] for report in reports} == names
        assert all(report.spill_bytes == 0 for report in reports)
        assert text in compiled.ptx()


def _flat(program: Program) -> tuple[Any, ...]:
    return program[0], *program[1]


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_operation(name: str) -> None:
    function, arguments = REFUSED[name]
    with pytest.raises(astra.UnsupportedError, match=r"GPU|complex"):
        astra.compile(function, *arguments, target=TARGET).ptx()
