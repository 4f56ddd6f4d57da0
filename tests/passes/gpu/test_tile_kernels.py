"""Kernels written in the language of kernels, at the configurations one would launch: binaries without spills for every
architecture, the instructions meant, and (smaller) the right numbers."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import astra_mlir as astra
import astra_mlir.language as al
from astra_mlir.bindings import make_context
from astra_mlir.gpu.machine import GpuMachine, assemble
from tests.passes.gpu.programs import Compiled
from tests.passes.gpu.test_tile_to_gpu import check

RNG = np.random.default_rng(11)


@astra.kernel
def softmax(x, y, stride, n, BLOCK: al.constexpr):
    row = al.program_id(0)
    i = al.arange(0, BLOCK)
    v = al.load(x + row * stride + i, mask=i < n, other=-float("inf"))
    v = v - al.max(v, 0)
    e = al.exp(v)
    al.store(y + row * stride + i, e / al.sum(e, 0), mask=i < n)


@astra.kernel
def layer_norm(x, w, b, y, stride, n, eps, BLOCK: al.constexpr):
    row = al.program_id(0)
    i = al.arange(0, BLOCK)
    m = i < n
    v = al.load(x + row * stride + i, mask=m, other=0.0).to(al.float32)
    mean = al.sum(v, 0) / n
    d = al.where(m, v - mean, 0.0)
    var = al.sum(d * d, 0) / n
    r = al.rsqrt(var + eps)
    al.store(
        y + row * stride + i,
        (d * r * al.load(w + i, mask=m).to(al.float32) + al.load(b + i, mask=m).to(al.float32)),
        mask=m,
    )


@astra.kernel
def matmul(
    a,
    b,
    c,
    M,
    N,
    K,
    sam,
    sak,
    sbk,
    sbn,
    scm,
    scn,
    BM: al.constexpr,
    BN: al.constexpr,
    BK: al.constexpr,
    GROUP: al.constexpr,
):
    pid = al.program_id(0)
    num_m = al.cdiv(M, BM)
    num_n = al.cdiv(N, BN)
    in_group = GROUP * num_n
    group = pid // in_group
    first = group * GROUP
    size = min(num_m - first, GROUP)
    pm = first + (pid % in_group) % size
    pn = (pid % in_group) // size
    rm = pm * BM + al.arange(0, BM)
    rn = pn * BN + al.arange(0, BN)
    rk = al.arange(0, BK)
    pa = a + (rm[:, None] * sam + rk[None, :] * sak)
    pb = b + (rk[:, None] * sbk + rn[None, :] * sbn)
    acc = al.zeros((BM, BN), al.float32)
    for k in range(al.cdiv(K, BK)):
        ta = al.load(pa, mask=rk[None, :] < K - k * BK, other=0.0)
        tb = al.load(pb, mask=rk[:, None] < K - k * BK, other=0.0)
        acc = al.dot(ta, tb, acc)
        pa += BK * sak
        pb += BK * sbk
    pc = c + rm[:, None] * scm + rn[None, :] * scn
    al.store(pc, acc.to(al.float16), mask=(rm[:, None] < M) & (rn[None, :] < N))


@astra.kernel
def attention(q, k, v, o, n, scale, sh, sn, BM: al.constexpr, BN: al.constexpr, D: al.constexpr, CAUSAL: al.constexpr):
    start = al.program_id(0)
    head = al.program_id(1)
    q = q + head * sh
    k = k + head * sh
    v = v + head * sh
    o = o + head * sh
    rm = start * BM + al.arange(0, BM)
    rn = al.arange(0, BN)
    rd = al.arange(0, D)
    tq = al.load(q + rm[:, None] * sn + rd[None, :])
    m = al.full((BM,), -float("inf"), al.float32)
    total = al.zeros((BM,), al.float32)
    acc = al.zeros((BM, D), al.float32)
    end = n
    if CAUSAL:
        end = (start + 1) * BM
    for j in range(0, end, BN):
        tk = al.load(k + (j + rn)[:, None] * sn + rd[None, :])
        s = al.dot(tq, al.trans(tk)) * scale
        if CAUSAL:
            s = al.where(rm[:, None] >= (j + rn)[None, :], s, -float("inf"))
        m2 = al.maximum(m, al.max(s, 1))
        p = al.exp2(s - m2[:, None])
        alpha = al.exp2(m - m2)
        total = total * alpha + al.sum(p, 1)
        acc = acc * alpha[:, None]
        tv = al.load(v + (j + rn)[:, None] * sn + rd[None, :])
        acc = al.dot(p.to(al.float16), tv, acc)
        m = m2
    acc = acc / total[:, None]
    al.store(o + rm[:, None] * sn + rd[None, :], acc.to(al.float16))


# kernel, types, numbers of 1, constants, warps, stages
CASES: dict[str, tuple[Any, ...]] = {
    "softmax": (softmax, ["*f32"] * 2 + ["i32"] * 2, (), {"BLOCK": 4096}, 8, 1),
    "layer_norm": (layer_norm, ["*f16"] * 4 + ["i32", "i32", "f32"], (), {"BLOCK": 4096}, 8, 1),
    "matmul": (
        matmul, ["*f16"] * 3 + ["i32"] * 9, ("sak", "sbn", "scn"), {"BM": 128, "BN": 128, "BK": 32, "GROUP": 8}, 4, 3,
    ),
    "matmul_deep": (
        matmul, ["*f16"] * 3 + ["i32"] * 9, ("sak", "sbn", "scn"), {"BM": 128, "BN": 256, "BK": 64, "GROUP": 8}, 8, 3,
    ),
    "attention": (
        attention, ["*f16"] * 4 + ["i32", "f32", "i32", "i32"], (), {"BM": 64, "BN": 64, "D": 64, "CAUSAL": True}, 4, 2,
    ),
    "attention_wide": (
        attention, ["*f16"] * 4 + ["i32", "f32", "i32", "i32"], (),
        {"BM": 128, "BN": 64, "D": 128, "CAUSAL": False}, 8, 2,
    ),
}  # fmt: skip


def text_of(name: str, target: str, **changes: Any) -> str:
    kernel, types, ones, constants, warps, stages = CASES[name]
    constants = {**constants, **changes}
    free = [p for p in inspect.signature(kernel.fn).parameters if p not in constants]
    divisibility = {p: 16 for p, kind in zip(free, types, strict=True) if kind not in ("f32",)}
    module = kernel.trace(
        make_context(), types, constants, name="k", num_warps=warps, num_stages=stages, divisibility=divisibility,
        ones=ones,
    )  # fmt: skip
    return str(module).replace("module {", f'module attributes {{astra.target = "cuda:{target}"}} {{', 1)


EXPECTED = {
    "softmax": {"": ["ld.global.v4.b32", "st.global.v4.b32", "shfl.sync.bfly"]},
    "layer_norm": {"": ["ld.global.v4.b32", "st.global.v4.b32", "shfl.sync.bfly"]},
    "matmul": {"sm_80": ["mma.sync", "ldmatrix", "cp.async.cg"], "sm_90a": ["wgmma.mma_async", "cp.async.cg"]},
    "attention": {"sm_80": ["mma.sync", "ldmatrix", "cp.async.cg"], "sm_90a": ["wgmma.mma_async", "cp.async.cg"]},
}


@pytest.mark.parametrize("target", ["sm_80", pytest.param("sm_89", marks=pytest.mark.slow), "sm_90a"])
@pytest.mark.parametrize("name", list(CASES))
def test_no_spills(name: str, target: str) -> None:
    compiled = Compiled(text_of(name, target))
    ptx = compiled.ptx()
    cubin = assemble(ptx, GpuMachine.parse(target))
    resources = cubin.kernels["k"]
    assert (resources.spill_store_bytes, resources.spill_load_bytes, resources.stack_bytes) == (0, 0, 0)
    assert not cubin.warnings
    wanted = EXPECTED.get(name, {})
    for instruction in wanted.get("", []) + wanted.get(target, []):
        assert instruction in ptx


def test_softmax_of_an_odd_row() -> None:
    x = RNG.standard_normal((3, 900)).astype(np.float32)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    text = text_of("softmax", "sm_80", BLOCK=1024).replace("{astra.divisibility = 16 : i64}", "")
    check(text, (3,), [x, np.zeros_like(x), 900, 900], {1: e / e.sum(1, keepdims=True)}, 1e-6)


@pytest.mark.parametrize(("target", "warps"), [("sm_80", 4), ("sm_90a", 4)])
def test_attention(target: str, warps: int) -> None:
    n, depth = 128, 64
    q, k, v = RNG.standard_normal((3, n, depth)).astype(np.float16)
    scale = 1.4426950408889634 / 8
    s = q.astype(np.float64) @ k.astype(np.float64).T * scale
    s[np.triu_indices(n, 1)] = -np.inf
    p = np.exp2(s - s.max(1, keepdims=True))
    expected = p / p.sum(1, keepdims=True) @ v.astype(np.float64)
    out = np.zeros((n, depth), np.float16)
    arguments = [q, k, v, out, n, np.float32(scale), n * depth, depth]
    check(text_of("attention", target), (2, 1), arguments, {3: expected}, 4e-3)


@pytest.mark.parametrize("target", ["sm_80", "sm_90a"])
def test_masked_matmul(target: str) -> None:
    """Rows, columns and depth that are no multiples of the tiles."""
    m, n, depth = 48, 96, 80
    a, b = RNG.standard_normal((m, depth)).astype(np.float16), RNG.standard_normal((depth, n)).astype(np.float16)
    a = np.concatenate([a, np.zeros((16, depth), np.float16)])  # rows that are read but not wanted
    b = np.concatenate([b, np.zeros((32, n), np.float16)])
    text = text_of("matmul", target, BM=64, BN=32, BK=32, GROUP=2)
    arguments = [a, b, np.zeros((m, n), np.float16), m, n, depth, depth, 1, n, 1, n, 1]
    exact = a[:m].astype(np.float64) @ b[:depth].astype(np.float64)
    check(text, (3,), arguments, {2: exact}, 3e-2)
