"""Programs of JAX through the GPU's stages, run without a GPU: numbers against JAX on the CPU, and what is launched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.gpu_driver import needs_compiler, with_driver

pytestmark = needs_compiler

BEFORE = """
import jax, jax.numpy as jnp
from tests.passes.gpu_emulated import check
r = np.random.default_rng(0)
def f(*shape): return r.standard_normal(shape).astype(np.float32)
def ints(*shape, kind=np.int32): return r.integers(-9, 9, shape).astype(kind)
x, b = f(37, 48), f(48)
nhwc = ("NHWC", "HWIO", "NHWC")
"""

QUICK = """
check(lambda x, b: jnp.tanh(x + b) * 2, x, b)
assert len(check(lambda x: jax.nn.softmax(x, -1), x).compiled.kernels) == 1  # a row is read once
check(lambda x: (x.sum(0), jnp.argmax(x, 1)), x)
layer = lambda x, w, b, y: y + jax.nn.relu(x @ w + b)
assert len(check(layer, x, f(48, 29), f(29), f(37, 29), tol=1e-4).compiled.kernels) == 1
y = r.integers(0, 30, 16).astype(np.int32)
xent = lambda l, y: -jnp.take_along_axis(jax.nn.log_softmax(l), y[:, None], 1).mean()
check(jax.grad(xent), f(16, 30), y, tol=1e-4)  # a row sum of the form acc - x, and a scatter
"""

GROUPS = {
    "elementwise": """
check(lambda x, b: jnp.tanh(x + b) * 2, x, b)
check(lambda x, s: x * s + 1, x, np.float32(3))
check(lambda x: x.T + 1, x)
check(lambda x: x + jnp.arange(48), x)
check(lambda x: (x > 0, jnp.any(x > 2, axis=1)), x)
check(lambda x: jax.nn.gelu(x, approximate=False), x)
check(lambda x: jnp.pad(x, ((1, 2), (3, 0))), x)
check(lambda x: jnp.concatenate([x, x * 2], 0), x)
check(lambda x, i: x[i], x, np.array([3, 1, 7], np.int32))
""",
    "reductions": """
assert len(check(lambda x: jax.nn.softmax(x, -1), x).compiled.kernels) == 1  # a row is read once
norm = lambda x: (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
assert len(check(norm, x).compiled.kernels) == 1
check(lambda x: (x.sum(0), x.sum(), jnp.argmax(x, 1)), x)
check(lambda x: (x.sum(1), x.max(1)), f(3, 70001), tol=1e-4)
check(lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (3, 3), (2, 2), "SAME"), x)
check(lambda x: jax.lax.reduce(x, jnp.float32(0), lambda a, b: a + b + a * b * 0.001, (1,)), x, tol=1e-2)
check(lambda x: jax.nn.softmax(x.astype(jnp.bfloat16)), x, tol=1e-2)
""",
    "orders": """
y = r.integers(0, 30, 16).astype(np.int32)
xent = lambda l, y: -jnp.take_along_axis(jax.nn.log_softmax(l), y[:, None], 1).mean()
check(jax.value_and_grad(xent), f(16, 30), y, tol=1e-4)  # its row sum is of the form acc - x
s = f(5, 37)
sums = lambda x: (jnp.cumsum(x, 1), jnp.cumsum(x, 0), jax.lax.cummax(x, 0), jax.lax.cumsum(x, 1, reverse=True))
check(sums, s, tol=1e-4)
check(lambda x: jnp.cumsum(x, 1), f(2, 3000), tol=1e-3)
check(lambda x: (jnp.sort(x, 0), jnp.argsort(x, 1), jnp.median(x, axis=1)), s)
check(lambda x: -jnp.sort(-x), np.array([3, np.nan, -np.inf, 0, -0.0, 1, np.nan], np.float32))
check(lambda x, y: jax.lax.sort((x, y), num_keys=2), ints(3, 70), f(3, 70))
check(lambda x: jax.lax.top_k(x, 5), s)
""",
    "scatters": """
at = lambda n, *s: r.integers(0, n, s).astype(np.int32)
s = f(5, 37)
check(jax.grad(lambda w, i: (w[i] ** 2).sum()), f(20, 12), at(20, 50), tol=1e-4)
check(lambda x, i, j, v: x.at[i, j].add(v), s, at(5, 200), at(37, 200), f(200), tol=1e-4)
check(lambda x, i, v: x.at[i].max(v), s, at(5, 30), f(30, 37))
check(lambda x, i: x.at[i].set(2.0), s, at(5, 3))
check(lambda x, i, v: jax.lax.dynamic_update_slice(x, v, (i, 3)), s, np.int32(2), f(2, 4))
pool = lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
check(jax.grad(lambda x: (pool(x) ** 2).sum()), f(2, 9, 8, 3), tol=1e-4)
""",
    "control": """
assert check(lambda x: jax.lax.scan(lambda c, a: (c + a, c * a), jnp.zeros(48), x), x).compiled.straight_line
exe = check(lambda x: jax.lax.while_loop(lambda c: c.sum() < 100.0, lambda c: c * 2, jnp.abs(x)), x)
assert not exe.compiled.straight_line
check(lambda x: jax.lax.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, x), x)
check(lambda x, i: jax.lax.dynamic_slice(x, (i, 0), (3, 48)), x, np.int32(5))
""",
    "attention": """
def attend(q, k, v, causal=False):
    return jax.nn.dot_product_attention(q, k, v, is_causal=causal)
q, k, v = f(2, 70, 2, 16), f(2, 70, 2, 16), f(2, 70, 2, 16)
for causal in (False, True):
    exe = check(lambda q, k, v: attend(q, k, v, causal), q, k, v, tol=1e-4)
    assert len(exe.compiled.kernels) == 1, exe.compiled.kernels
    loss = lambda q, k, v: jnp.sum(attend(q, k, v, causal) ** 2)
    exe = check(jax.grad(loss, (0, 1, 2)), q, k, v, tol=1e-3)
    assert sum(name.startswith("attention") for name in exe.compiled.kernels) == 4, exe.compiled.kernels
grouped = lambda q, k, v: jnp.sum(attend(q, k, v, True) ** 2)
exe = check(jax.grad(grouped, (0, 1, 2)), f(2, 33, 4, 16), f(2, 33, 2, 16), f(2, 33, 2, 16), tol=1e-3)
assert sum(not name.startswith("attention") for name in exe.compiled.kernels) == 1  # what is squared
masked = lambda q, k, v, m: jax.nn.dot_product_attention(q, k, v, mask=m > 0)
check(masked, q, k, v, ints(2, 1, 70, 70), tol=1e-4)
lengths = lambda q, k, v, a, b: jax.nn.dot_product_attention(q, k, v, query_seq_lengths=a, key_value_seq_lengths=b)
exe = check(lengths, q, k, v, np.int32([70, 9]), np.int32([33, 70]), tol=1e-4)
assert sum(name.startswith("attention") for name in exe.compiled.kernels) == 1, exe.compiled.kernels
check(attend, f(1, 33, 4, 8), f(1, 20, 2, 8), f(1, 20, 2, 8), tol=1e-4)  # two heads share keys
""",
    "products": """
check(lambda a, b: a @ b, x, f(48, 29), tol=1e-4)
check(lambda a, b: a.T @ b.T, f(48, 37), f(29, 48), tol=1e-4)
check(lambda a, b: jnp.einsum("bhqd,bkhd->bhqk", a, b), f(2, 3, 20, 16), f(2, 18, 3, 16), tol=1e-4)
check(lambda a, b: a.astype(jnp.bfloat16) @ b.astype(jnp.bfloat16), x, f(48, 29), tol=3e-2)
long = check(lambda a, b, c: jax.nn.relu(a.T @ b + c), f(5000, 37), f(5000, 29), f(29), tol=1e-3)
assert sorted(name.rpartition("_")[0] for name in long.compiled.kernels) == ["gemm_parts", "gemm_sums"]
check(lambda a, b: jnp.einsum("bki,bkj->bij", a, b), f(2, 3000, 37), f(2, 3000, 29), tol=1e-3)
dot = lambda a, b: jax.lax.dot(a, b, preferred_element_type=jnp.int32)
check(dot, ints(37, 48, kind=np.int8), ints(48, 29, kind=np.int8))
check(lambda a, b: a @ b, ints(37, 48), ints(48, 29))
check(lambda x, w, b, v: jax.nn.relu(x @ w + b) @ v, f(32, 48), f(48, 64), f(64), f(64, 10), tol=1e-4)
check(lambda x, w: x @ w, b, f(48, 64), tol=1e-4)
""",
    "epilogues": """
def one(function, *arguments, tol=1e-4):
    kernels = check(function, *arguments, tol=tol).compiled.kernels
    assert len(kernels) == 1, kernels
one(lambda x, w, b: jax.nn.gelu(x @ w + b), x, f(48, 29), f(29))
one(lambda x, w, b, y: y + (x @ w + b) * 0.5, x, f(48, 29), f(29), f(37, 29))
one(lambda x, w, s, b: jax.nn.relu((x @ w - b) * jax.lax.rsqrt(s + 1e-5)), x, f(48, 29), abs(f(29)), f(29))
one(lambda x, w, c: (x @ w) * c[:, None], x, f(48, 29), f(37))
scores = lambda a, w, y: jnp.einsum('bhqd,bhkd->bhqk', a, w) * y[:, None, None, None]
one(scores, f(2, 3, 20, 16), f(2, 3, 18, 16), f(2))
one(lambda g, w, p: jnp.where(p > 0, g @ w.T, 0), x, f(29, 48), f(37, 29))
half = lambda *shape: f(*shape).astype(jnp.bfloat16)
one(lambda x, w, b: (x @ w + b).astype(jnp.float32) * 2, half(37, 48), half(48, 32), half(32), tol=3e-2)
dot = lambda a, b: jax.lax.dot(a, b, preferred_element_type=jnp.int32)
quantized = ints(37, 48, kind=np.int8), ints(48, 29, kind=np.int8)
one(lambda a, b, s: dot(a, b).astype(jnp.float32) * s, *quantized, f(29))
conv = jax.lax.conv_general_dilated
norm = lambda y, *p: (y - p[0]) * jax.lax.rsqrt(p[1] + 1e-5) * p[2] + p[3]
p = [abs(f(16)) for _ in range(4)]
same = lambda x, w: conv(x, w, (1, 1), "SAME", dimension_numbers=nhwc)
one(lambda x, w, y, *p: jax.nn.relu(norm(same(x, w), *p) + y), f(2, 8, 9, 3), f(3, 3, 3, 16), f(2, 8, 9, 16), *p)
channels = lambda x, w, *p: jax.nn.silu(norm(conv(x, w, (2, 2), "SAME"), *(q[:, None, None] for q in p)))
one(channels, f(2, 3, 8, 9), f(16, 3, 3, 3), *p)
grouped = lambda x, w, b: jnp.tanh(conv(x, w, (1, 1), "SAME", dimension_numbers=nhwc, feature_group_count=2) + b)
one(grouped, f(2, 8, 9, 4), f(3, 3, 2, 16), f(16))
both = check(lambda x, w, b: (x @ w + b, jnp.tanh(x @ w + b)), x, f(48, 29), f(29), tol=1e-4)
assert len(both.compiled.kernels) == 2  # what another result needs is written
donated = check(lambda x, w, b: jax.jit(lambda y: y + x @ w, donate_argnums=0)(b), x, f(48, 29), f(37, 29), tol=1e-4)
""",
    "convolutions": """
conv = jax.lax.conv_general_dilated
check(lambda x, w: conv(x, w, (1, 1), "SAME", dimension_numbers=nhwc), f(2, 8, 9, 3), f(3, 3, 3, 16), tol=1e-4)
check(lambda x, w: conv(x, w, (2, 2), "SAME"), f(2, 3, 8, 9), f(16, 3, 3, 3), tol=1e-4)
for groups, w in ((2, f(3, 3, 2, 16)), (4, f(3, 3, 1, 4))):
    grouped = lambda x, w: conv(x, w, (1, 1), "SAME", dimension_numbers=nhwc, feature_group_count=groups)
    check(grouped, f(2, 8, 9, 4), w, tol=1e-4)
upward = lambda x, w: jax.lax.conv_transpose(x, w, (2, 2), "SAME", dimension_numbers=nhwc)
check(upward, f(2, 8, 9, 4), f(3, 3, 4, 8), tol=1e-4)
loss = lambda w, x: (conv(x, w, (2, 2), "SAME", dimension_numbers=nhwc) ** 2).sum()
check(jax.grad(loss), f(3, 3, 3, 16), f(2, 8, 9, 3), tol=1e-3)
""",
}


def test_some_numbers_are_those_of_jax() -> None:
    assert with_driver(BEFORE + QUICK + "print('ok')").splitlines()[-1] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_numbers_are_those_of_jax(group: str) -> None:
    assert with_driver(BEFORE + GROUPS[group] + "print('ok')").splitlines()[-1] == "ok"


def test_models_are_few_launches() -> None:
    """What follows products and convolutions is in their kernels: beside those, norms, pooling and attention."""
    import numpy as np

    from benchmarks import models
    from tests.passes.gpu_emulated import launches

    block, weights = models.gpt_block(4), models.gpt_block_arguments(64, 4, 32)()
    assert launches(block, *weights) == 7  # 2 norms, 4 products, attention
    assert launches(models.mlp, *models.mlp_arguments(32, 64, (16, 32))()) == 2
    images = np.zeros((1, 64, 64, 3), np.float32)
    assert launches(models.resnet, models.resnet_parameters(7, 10, True), images) == 32


def test_what_has_no_kernel_is_refused_by_name() -> None:
    text = with_driver(
        BEFORE
        + """
from tests.passes.gpu_emulated import compile
from astra_mlir.errors import UnsupportedError
for g, a in ((lambda x: jnp.linalg.eigh(x @ x.T), x), (lambda x: jnp.linalg.svd(x), x)):
    try: compile(g, a)
    except UnsupportedError as error: print(error)
"""
    )
    assert "astra.custom_call of 'lapack_ssyevd_ffi' has no kernel for GPUs" in text and "gesdd" in text


def test_jit_and_compile_take_a_gpu_as_target() -> None:
    text = with_driver(
        BEFORE
        + """
import astra_mlir as astra
from astra_mlir.gpu import emulation as gpu_emulation
from astra_mlir.gpu.arrays import DeviceArray
from tests.passes.gpu_emulated import interpreted_code
gpu_emulation.emulated_code = interpreted_code
@astra.jit(target="cuda:sm_90a", static_argnames="flip", donate_argnums=0)
def step(p, x, flip=False):
    g = jax.grad(lambda p: ((x @ p["w"] + p["b"]) ** 2).sum())(p)
    return jax.tree.map(lambda a, d: a + d if flip else a - 0.1 * d, p, g)
p = {"w": f(48, 8), "b": f(8)}
for flip in (True, False):
    new, old = step(p, x, flip=flip), jax.jit(step._arguments.function, static_argnames="flip")(p, x, flip=flip)
    same = lambda a, b: type(a) is np.ndarray and np.allclose(a, b, rtol=1e-4, atol=1e-4)
    assert jax.tree.all(jax.tree.map(same, new, old))
again = step(new, x, flip=False)
print(step.cache_info().hits, step.cache_info().misses)
exe = astra.compile(lambda x: jnp.tanh(x).sum(0), x, target="cuda:sm_90a")
device = DeviceArray(__import__("astra_mlir.gpu.runtime").gpu.runtime.DeviceMemory.of(x), x.shape, x.dtype)
result = exe(device)
print(type(result).__name__, np.allclose(result, np.tanh(x).sum(0), atol=1e-4), result.__dlpack_device__())
print(type(exe(x)).__name__, exe)
try: exe(x[:5])
except astra.ShapeError as error: print(error)
program = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> { %y = stablehlo.negate %x : tensor<4xf32> "
program += "return %y : tensor<4xf32> }"
print(astra.compile(program, target="cuda:sm_90a")(np.ones(4, np.float32)))
"""
    ).splitlines()
    assert text[0] == "1 2"
    assert text[1] == "DeviceArray True (2, 0)"
    assert text[2].startswith("ndarray <astra compiled")
    assert "expected shape (37, 48)" in text[3]
    assert text[4].startswith("(array([-1., -1., -1., -1.]")


def test_without_a_driver_a_program_compiles_and_its_call_says_why_it_cannot_run() -> None:
    text = with_driver(
        BEFORE
        + """
import astra_mlir as astra
exe = astra.compile(lambda x: jnp.tanh(x) @ x.T, x, target="cuda:sm_90a")
reports = exe.kernels()
print(".visible .entry" in exe.ptx(), len(reports), max(k.spill_bytes for k in reports), exe.cost().flops > 0)
print(exe.memory().argument_bytes, exe.memory().arena_bytes > 0, "astra.tile_dot" in exe.ir("tile"))
try: exe(x)
except astra.AstraError as error: print(error)
""",
        ASTRA_CUDA_DRIVER="",
    ).splitlines()
    assert text[0] == "True 2 0 True"
    assert text[1] == "7104 True True"
    assert "libcuda.so.1 cannot be opened" in text[2] or "device" in text[2]


@pytest.mark.slow
def test_saved_programs_run_again_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.astra"
    text = with_driver(
        BEFORE
        + f"""
import astra_mlir as astra
from astra_mlir.gpu import emulation as gpu_emulation
from astra_mlir.gpu import saved as gpu_saved
from tests.passes.gpu_emulated import interpreted_code
gpu_emulation.emulated_code = interpreted_code
table = np.linspace(0, 1, 48, dtype=np.float32)
exe = astra.compile(lambda x: jnp.tanh(x) * table, x, target="cuda:sm_90a")
exe.save({str(file)!r})
again = gpu_saved.load({str(file)!r})
print(np.array_equal(again(x)[0], exe(x)), again.ptx() == exe.ptx(), again.kernels() == exe.kernels())
data = bytearray(open({str(file)!r}, "rb").read())
for change in (len(data) // 2, 3):
    data[change] ^= 1
    open({str(file)!r}, "wb").write(data)
    try: gpu_saved.load({str(file)!r})
    except astra.CompileError as error: print(error)
"""
    ).splitlines()
    assert text[0] == "True True True"
    assert "damaged" in text[1] and "no saved program" in text[2]
