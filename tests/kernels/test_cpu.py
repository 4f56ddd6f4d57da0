"""Kernels on the CPU: every feature of the language against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import astra_mlir as astra
import astra_mlir.language as al

RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


# --- elementwise and memory --------------------------------------------------------------------------------------


@astra.kernel
def add(x, y, out, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(out + i, al.load(x + i, i < n) + al.load(y + i, i < n), i < n)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "uint32"]
)
@pytest.mark.parametrize("n", [1, 7, 130])
def test_add(dtype: str, n: int) -> None:
    import ml_dtypes

    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    x, y = (RNG.integers(0, 50, n).astype(kind) for _ in range(2))
    out = np.zeros(n + 1, kind)
    add[(astra_cdiv(n, 64),)](x, y, out, n, BLOCK=64)
    np.testing.assert_array_equal(out[:n], x + y)
    assert out[n] == 0  # masked


def astra_cdiv(a: int, b: int) -> int:
    return -(-a // b)


@astra.kernel
def reversed_in_place(x, n: al.constexpr):
    i = al.arange(0, n)
    al.store(x + i, al.load(x + (n - 1 - i)))


def test_a_store_does_not_overtake_loads() -> None:
    x = np.arange(64, dtype=np.float32)
    reversed_in_place[(1,)](x, n=64)
    np.testing.assert_array_equal(x, np.arange(64)[::-1])


@astra.kernel
def strided(x, out, rows, columns, stride, other, R: al.constexpr, C: al.constexpr):
    i, j = al.arange(0, R), al.arange(0, C)
    mask = (i < rows)[:, None] & (j < columns)[None, :]
    tile = al.load(x + i[:, None] * stride + j[None, :], mask, other=other)
    al.store(out + j[:, None] * R + i[None, :], tile.T)


def test_strided_blocks_and_transposes() -> None:
    x = floats(5, 13)
    out = np.zeros((16, 8), np.float32)
    strided[(1,)](x, out, 5, 11, 13, 7.5, R=8, C=16)
    expected = np.full((8, 16), 7.5, np.float32)
    expected[:5, :11] = x[:, :11]
    np.testing.assert_array_equal(out, expected.T)


@astra.kernel
def functions(x, out, F: al.constexpr, N: al.constexpr):
    i = al.arange(0, N)
    al.store(out + i, F(al.load(x + i)))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("exp", np.exp), ("log", np.log), ("sqrt", np.sqrt), ("sin", np.sin), ("tanh", np.tanh), ("floor", np.floor),
        ("exp2", np.exp2), ("rsqrt", lambda x: 1 / np.sqrt(x)), ("abs", np.abs), ("log2", np.log2),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    ],
)  # fmt: skip
def test_functions(name: str, reference) -> None:
    x = np.abs(floats(32)) + 0.1
    out = np.zeros_like(x)
    functions[(1,)](x, out, F=getattr(al, name), N=32)
    np.testing.assert_allclose(out, reference(x.astype(np.float64)), rtol=3e-6)


@astra.kernel
def integers(x, y, out, N: al.constexpr):
    i = al.arange(0, N)
    a, b = al.load(x + i), al.load(y + i)
    al.store(out + i, a // b)
    al.store(out + N + i, a % b)
    al.store(out + 2 * N + i, a >> 2)
    al.store(out + 3 * N + i, al.where((a > b) & (a > 0), ~a, -b))
    al.store(out + 4 * N + i, (a * 1.5).to(al.int32))
    al.store(out + 5 * N + i, a.to(al.float32).to(al.int32, bitcast=True))


def test_integers() -> None:
    x = RNG.integers(-1000, 1000, 32).astype(np.int32)
    y = RNG.integers(1, 30, 32).astype(np.int32)
    out = np.zeros((6, 32), np.int32)
    integers[(1,)](x, y, out, N=32)
    expected = [
        (np.sign(x) * (abs(x) // y)), np.fmod(x, y), x >> 2, np.where((x > y) & (x > 0), ~x, -y),
        np.trunc(x * 1.5), x.astype(np.float32).view(np.int32),
    ]  # fmt: skip
    np.testing.assert_array_equal(out, np.stack(expected).astype(np.int32))


# --- reductions and scans ----------------------------------------------------------------------------------------


@astra.kernel
def reductions(x, sums, largest, where, columns, R: al.constexpr, C: al.constexpr):
    i, j = al.arange(0, R), al.arange(0, C)
    tile = al.load(x + i[:, None] * C + j[None, :])
    al.store(sums + i, al.sum(tile, 1))
    al.store(largest + i, tile.max(axis=1))
    al.store(where + i, al.argmax(tile, 1))
    al.store(columns + j, al.sum(tile, 0))


def tree(x: np.ndarray) -> np.ndarray:
    """The sums along the last axis, as the fixed tree has them."""
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        x = x[..., :half] + x[..., half:]
    return x[..., 0]


@pytest.mark.parametrize("shape", [(4, 8), (2, 512), (64, 32), (1, 16), (8, 1), (16, 2)])
def test_reductions_have_the_bits_of_the_tree(shape) -> None:
    x = floats(*shape)
    x[-1, -1] = x.max() + 1
    x[0, : shape[1] // 2] = x[0].max()
    sums, largest = np.zeros(shape[0], np.float32), np.zeros(shape[0], np.float32)
    where, columns = np.zeros(shape[0], np.int32), np.zeros(shape[1], np.float32)
    reductions[(1,)](x, sums, largest, where, columns, R=shape[0], C=shape[1])
    np.testing.assert_array_equal(sums, tree(x))
    np.testing.assert_array_equal(columns, tree(x.T))
    np.testing.assert_array_equal(largest, x.max(1))
    np.testing.assert_array_equal(where, x.argmax(1))


@astra.kernel
def whole(x, out, N: al.constexpr):
    v = al.load(x + al.arange(0, N))
    al.store(out, al.sum(v))
    al.store(out + 1, al.max(v) - al.min(v))
    value, place = al.min(v, axis=0, return_indices=True)
    al.store(out + 2, place + value)


def test_reductions_to_scalars() -> None:
    x, out = floats(1024), np.zeros(3, np.float32)
    whole[(1,)](x, out, N=1024)
    np.testing.assert_array_equal(out[0], tree(x))
    np.testing.assert_allclose(out[1:], [x.max() - x.min(), x.argmin() + x.min()], rtol=1e-6)


@astra.kernel
def linear(a1, b1, a2, b2):
    return a1 * a2, b1 * a2 + b2


@astra.kernel
def scans(x, out, R: al.constexpr, C: al.constexpr):
    at = al.arange(0, R)[:, None] * C + al.arange(0, C)[None, :]
    v = al.load(x + at)
    al.store(out + at, al.cumsum(v, 1))
    al.store(out + R * C + at, al.cumsum(v, 0, reverse=True))
    a, b = al.associative_scan((v, v * 2), 1, linear)
    al.store(out + 2 * R * C + at, a + b)


@pytest.mark.parametrize("shape", [(4, 64), (2, 8), (16, 16)])
def test_scans(shape) -> None:
    x = floats(*shape)
    out = np.zeros((3, *shape), np.float32)
    scans[(1,)](x, out, R=shape[0], C=shape[1])
    exact = x.astype(np.float64)
    a, b = exact.copy(), 2 * exact
    for j in range(1, shape[1]):
        b[:, j] = b[:, j - 1] * exact[:, j] + 2 * exact[:, j]
        a[:, j] = a[:, j - 1] * exact[:, j]
    for found, wanted in zip(out, (exact.cumsum(1), exact[::-1].cumsum(0)[::-1], a + b), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


# --- products ----------------------------------------------------------------------------------------------------


@astra.kernel
def matmul(a, b, c, M, N, K, sa, sb, sc, BM: al.constexpr, BN: al.constexpr, BK: al.constexpr, OUT: al.constexpr):
    m, n = al.program_id(0) * BM + al.arange(0, BM), al.program_id(1) * BN + al.arange(0, BN)
    k = al.arange(0, BK)
    pa = a + m[:, None] * sa + k[None, :]
    pb = b + k[:, None] * sb + n[None, :]
    acc = al.zeros((BM, BN), OUT)
    for start in range(0, K, BK):
        x = al.load(pa, (m < M)[:, None] & (start + k < K)[None, :], other=0)
        y = al.load(pb, (start + k < K)[:, None] & (n < N)[None, :], other=0)
        acc = al.dot(x, y, acc)
        pa += BK
        pb += BK * sb
    al.store(c + m[:, None] * sc + n[None, :], acc, (m < M)[:, None] & (n < N)[None, :])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int8"])
def test_matmul(dtype: str) -> None:
    import ml_dtypes

    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    out = {"float64": "float64", "int8": "int32"}.get(dtype, "float32")
    m, n, k = 50, 37, 45
    a, b = (RNG.integers(-8, 8, shape).astype(kind) for shape in ((m, k), (k, n)))
    c = np.zeros((m, n), out)
    matmul[(4, 2)](a, b, c, m, n, k, k, n, n, BM=16, BN=32, BK=16, OUT=getattr(al, out))
    np.testing.assert_array_equal(c, a.astype(np.float64) @ b.astype(np.float64))


@astra.kernel
def described(a, b, c, M, N, K, BM: al.constexpr, BN: al.constexpr, BK: al.constexpr):
    i, j = al.program_id(0) * BM, al.program_id(1) * BN
    x = al.make_tensor_descriptor(a, [M, K], [K, 1], [BM, BK])
    y = al.make_tensor_descriptor(b, [N, K], [K, 1], [BN, BK])
    z = al.make_tensor_descriptor(c, [M, N], [N, 1], [BM, BN])
    acc = al.zeros((BM, BN), al.float32)
    for k in al.range(0, K, BK, num_stages=3):
        acc = al.dot(x.load([i, k]), y.load([j, k]).T, acc)
    z.store([i, j], acc)


def test_descriptors() -> None:
    a, b = RNG.integers(-8, 8, (20, 33)).astype(np.float32), RNG.integers(-8, 8, (41, 33)).astype(np.float32)
    c = np.zeros((20, 41), np.float32)
    described[lambda meta: (astra_cdiv(20, meta["BM"]), 3)](a, b, c, 20, 41, 33, BM=8, BN=16, BK=16)
    np.testing.assert_array_equal(c, a @ b.T)


# --- control flow ------------------------------------------------------------------------------------------------


@astra.kernel
def collatz(x, out, n):
    i = al.program_id(0)
    if i >= n:
        return
    value = al.load(x + i)
    steps = 0
    while value > 1:
        if value % 2 == 0:
            value = value // 2
        else:
            value = 3 * value + 1
        steps += 1
    al.store(out + i, steps)


def test_while_and_if() -> None:
    x = np.arange(1, 11, dtype=np.int32)
    out = np.full(12, -1, np.int32)
    collatz[(12,)](x, out, 10)
    np.testing.assert_array_equal(out, [0, 1, 7, 2, 5, 8, 16, 3, 19, 6, -1, -1])


@astra.kernel
def swaps(x, y, n, N: al.constexpr):
    i = al.arange(0, N)
    a, b = al.load(x + i), al.load(y + i)
    best = a
    for k in range(n, 0, -1):
        a, b = b, a + k
        if k % 2 == 0:
            best = al.maximum(best, a)
        else:
            best = best + 0.5
    al.store(x + i, a)
    al.store(y + i, best)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_carried_tiles_change_places(n: int) -> None:
    x, y = floats(64), floats(64)
    a, b = x.copy(), y.copy()
    best = a
    for k in range(n, 0, -1):
        a, b = b, a + k
        best = np.maximum(best, a) if k % 2 == 0 else best + np.float32(0.5)
    swaps[(1,)](x, y, n, N=64)
    np.testing.assert_array_equal(x, a)
    np.testing.assert_array_equal(y, best)


# --- atomics, randomness, debugging ------------------------------------------------------------------------------


@astra.kernel
def histogram(x, counts, sums, n, BLOCK: al.constexpr):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    bins = al.load(x + i, i < n, other=0)
    al.atomic_add(counts + bins, 1, mask=i < n)
    al.atomic_max(sums + bins, i, mask=i < n)


def test_atomics_in_parallel() -> None:
    x = RNG.integers(0, 16, 5000).astype(np.int32)
    counts, last = np.zeros(16, np.int32), np.zeros(16, np.int32)
    histogram[(astra_cdiv(5000, 128),)](x, counts, last, 5000, BLOCK=128)
    np.testing.assert_array_equal(counts, np.bincount(x, minlength=16))
    np.testing.assert_array_equal(last, [np.flatnonzero(x == bin).max() for bin in range(16)])


@astra.kernel
def locked(lock, total, x):
    while al.atomic_cas(lock, 0, 1) != 0:
        pass
    al.store(total, al.load(total) + al.load(x + al.program_id(0)))
    al.atomic_xchg(lock, 0)


def test_locks_and_sums_in_the_order_of_programs() -> None:
    x = floats(100)
    lock, total = np.zeros(1, np.int32), np.zeros(1, np.float32)
    locked[(100,)](lock, total, x)
    expected = np.float32(0)
    for value in x:
        expected += value
    assert total[0] == expected


@astra.kernel
def draws(out, seed, N: al.constexpr):
    i = al.arange(0, N)
    al.store(out + i, al.rand(seed, i))
    al.store(out + N + i, al.randn(seed, i))


def test_random_numbers() -> None:
    out = np.zeros((2, 4096), np.float32)
    draws[(1,)](out, 42, N=4096)
    uniform, normal = out
    assert uniform.min() >= 0 and uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.02 and abs(normal.mean()) < 0.05 and abs(normal.std() - 1) < 0.05
    again = np.zeros_like(out)
    draws[(1,)](again, 42, N=4096)
    np.testing.assert_array_equal(out, again)


@astra.kernel
def bits(out, N: al.constexpr):
    i = al.arange(0, N)
    a, _, _, d = al.philox(0, i.to(al.uint32), i.to(al.uint32) * 0, i.to(al.uint32) * 0, i.to(al.uint32) * 0)
    al.store(out + i, a)
    al.store(out + N + i, d)


def test_philox_is_the_published_one() -> None:
    out = np.zeros((2, 2), np.uint32)
    bits[(1,)](out, N=2)
    assert out[0, 0] == 0x6627E8D5 and out[1, 0] == 0x9B00DBD8  # Random123's known answer of zeros


@astra.kernel
def talks(x, n):
    i = al.program_id(0)
    value = al.load(x + i)
    al.device_print("value ", value)
    al.device_assert(value < n, "too large")


def test_prints_and_asserts(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.arange(3, dtype=np.int32)
    talks[(3,)](x, 3)
    assert capsys.readouterr().out.splitlines() == [f"program ({i}, 0, 0): value {i}" for i in range(3)]
    with pytest.raises(astra.KernelError, match=r"test_cpu.py:\d+:\d+: too large \(in program \(2, 0, 0\)\)"):
        talks[(3,)](x, 2)


@astra.kernel
def pairs(x, out, N: al.constexpr):
    i = al.arange(0, N)
    even, odd = al.split(al.reshape(al.load(x + al.arange(0, 2 * N)), (N, 2)))
    al.store(out + i, odd - even)
    al.store(out + N + al.arange(0, 2 * N), al.flip(al.join(odd, even).reshape(2 * N)))


def test_joins_splits_and_gathers() -> None:
    x, out = floats(64), np.zeros(96, np.float32)
    pairs[(1,)](x, out, N=32)
    even, odd = x[::2], x[1::2]
    np.testing.assert_array_equal(out[:32], odd - even)
    np.testing.assert_array_equal(out[32:], np.stack([odd, even], 1).ravel()[::-1])


# --- arrays of other frameworks ----------------------------------------------------------------------------------


def test_torch_and_jax_arrays_in_place() -> None:
    torch = pytest.importorskip("torch")
    jnp = pytest.importorskip("jax.numpy")
    x = torch.arange(10, dtype=torch.bfloat16)
    out = torch.zeros(10, dtype=torch.bfloat16)
    add[(1,)](x, x, out, 10, BLOCK=16)
    assert out.tolist() == [2.0 * i for i in range(10)]
    y, result = jnp.arange(10.0), np.zeros(10, np.float32)
    add[(1,)](y, y, result, 10, BLOCK=16)
    np.testing.assert_array_equal(result, 2 * np.arange(10))


def test_refusals() -> None:
    x = floats(4)
    frozen = floats(4)
    frozen.flags.writeable = False
    with pytest.raises(astra.KernelError, match="'out', which is read-only"):
        add[(1,)](x, x, frozen, 4, BLOCK=4)
    with pytest.raises(astra.KernelError, match="argument 'n' is str"):
        add[(1,)](x, x, x, "4", BLOCK=4)
    with pytest.raises(astra.KernelError, match="a grid is one to three sizes"):
        add[(1, 1, 1, 1)](x, x, x, 4, BLOCK=4)
    with pytest.raises(astra.KernelError, match="sizes of tiles are powers of two"):
        add[(1,)](x, x, x, 4, BLOCK=5)
