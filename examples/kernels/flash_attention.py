"""Flash attention, forward and backward.

The scores of a block of queries with all keys would not fit near the processor, so they are made block by block: a
running maximum and a running sum rescale what was accumulated whenever a larger score appears (Milakov and
Gimelshein 2018, Dao et al. 2022). Only the result and the logarithm of each row's sum go to memory. The backward
pass makes the scores again from that logarithm: a program of one kernel owns a block of keys and adds up the
gradients of keys and values over all queries, one of another kernel a block of queries. With ``CAUSAL`` blocks that
are wholly masked are not visited. Groups of query heads may share a head of keys and values.
"""

from __future__ import annotations

import math

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al

LOG2_E = 1.4426950408889634


@astra.kernel
def load_rows(pointer, rows, length, D: al.constexpr):
    return al.load(pointer + rows[:, None] * D + al.arange(0, D)[None, :], (rows < length)[:, None], other=0)


@astra.kernel
def store_rows(pointer, rows, length, value, D: al.constexpr):
    al.store(pointer + rows[:, None] * D + al.arange(0, D)[None, :], value, (rows < length)[:, None])


@astra.kernel
def visible(queries, keys, length, CAUSAL: al.constexpr):
    mask = (keys < length)[None, :]
    if CAUSAL:
        mask = mask & (queries[:, None] >= keys[None, :])
    return mask


@astra.kernel
def forward_kernel(
    q, k, v, out, logs, length, scale, HEADS: al.constexpr, SHARED: al.constexpr, D: al.constexpr, BM: al.constexpr,
    BN: al.constexpr, CAUSAL: al.constexpr,
):  # fmt: skip
    block, head = al.program_id(0), al.program_id(1)
    rows = block * BM + al.arange(0, BM)
    kv = head // SHARED * length * D
    queries = load_rows(q + head * length * D, rows, length, D)
    top = al.full((BM,), -float("inf"), al.float32)
    total = al.zeros((BM,), al.float32)
    acc = al.zeros((BM, D), al.float32)
    end = al.minimum((block + 1) * BM, length) if CAUSAL else length
    for start in al.range(0, end, BN, num_stages=2):
        columns = start + al.arange(0, BN)
        keys = load_rows(k + kv, columns, length, D)
        scores = al.dot(queries, keys.T) * (scale * LOG2_E)
        scores = al.where(visible(rows, columns, length, CAUSAL), scores, -float("inf"))
        higher = al.maximum(top, al.max(scores, 1))
        powers = al.exp2(scores - higher[:, None])
        shrink = al.exp2(top - higher)
        total = total * shrink + al.sum(powers, 1)
        acc = acc * shrink[:, None]
        values = load_rows(v + kv, columns, length, D)
        acc = al.dot(powers.to(values.dtype), values, acc)
        top = higher
    store_rows(out + head * length * D, rows, length, acc / total[:, None], D)
    al.store(logs + head * length + rows, top + al.log2(total), rows < length)


@astra.kernel
def delta_kernel(out, dout, delta, length, D: al.constexpr, BM: al.constexpr):
    head = al.program_id(1)
    rows = al.program_id(0) * BM + al.arange(0, BM)
    o = load_rows(out + head * length * D, rows, length, D).to(al.float32)
    do = load_rows(dout + head * length * D, rows, length, D).to(al.float32)
    al.store(delta + head * length + rows, al.sum(o * do, 1), rows < length)


@astra.kernel
def powers_of(queries, keys, logs, rows, columns, length, scale, CAUSAL: al.constexpr):
    scores = al.dot(queries, keys.T) * (scale * LOG2_E)
    return al.where(visible(rows, columns, length, CAUSAL), al.exp2(scores - logs[:, None]), 0.0)


@astra.kernel
def keys_kernel(
    q, k, v, dout, logs, delta, dk, dv, length, scale, HEADS: al.constexpr, SHARED: al.constexpr, D: al.constexpr,
    BM: al.constexpr, BN: al.constexpr, CAUSAL: al.constexpr,
):  # fmt: skip
    block, shared = al.program_id(0), al.program_id(1)
    columns = block * BN + al.arange(0, BN)
    keys = load_rows(k + shared * length * D, columns, length, D)
    values = load_rows(v + shared * length * D, columns, length, D)
    gk = al.zeros((BN, D), al.float32)
    gv = al.zeros((BN, D), al.float32)
    first = block * BN // BM * BM if CAUSAL else 0
    for head in range(shared * SHARED, (shared + 1) * SHARED):
        for start in range(first, length, BM):
            rows = start + al.arange(0, BM)
            queries = load_rows(q + head * length * D, rows, length, D)
            do = load_rows(dout + head * length * D, rows, length, D)
            log = al.load(logs + head * length + rows, rows < length, other=float("inf"))
            mean = al.load(delta + head * length + rows, rows < length, other=0)
            p = powers_of(queries, keys, log, rows, columns, length, scale, CAUSAL)
            gv = al.dot(p.to(do.dtype).T, do, gv)
            ds = p * (al.dot(do, values.T) - mean[:, None]) * scale
            gk = al.dot(ds.to(queries.dtype).T, queries, gk)
    store_rows(dk + shared * length * D, columns, length, gk, D)
    store_rows(dv + shared * length * D, columns, length, gv, D)


@astra.kernel
def queries_kernel(
    q, k, v, dout, logs, delta, dq, length, scale, HEADS: al.constexpr, SHARED: al.constexpr, D: al.constexpr,
    BM: al.constexpr, BN: al.constexpr, CAUSAL: al.constexpr,
):  # fmt: skip
    block, head = al.program_id(0), al.program_id(1)
    rows = block * BM + al.arange(0, BM)
    kv = head // SHARED * length * D
    queries = load_rows(q + head * length * D, rows, length, D)
    do = load_rows(dout + head * length * D, rows, length, D)
    log = al.load(logs + head * length + rows, rows < length, other=float("inf"))
    mean = al.load(delta + head * length + rows, rows < length, other=0)
    gq = al.zeros((BM, D), al.float32)
    end = al.minimum((block + 1) * BM, length) if CAUSAL else length
    for start in range(0, end, BN):
        columns = start + al.arange(0, BN)
        keys = load_rows(k + kv, columns, length, D)
        values = load_rows(v + kv, columns, length, D)
        p = powers_of(queries, keys, log, rows, columns, length, scale, CAUSAL)
        ds = p * (al.dot(do, values.T) - mean[:, None]) * scale
        gq = al.dot(ds.to(keys.dtype), keys, gq)
    store_rows(dq + head * length * D, rows, length, gq, D)


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, *, causal: bool = False, blocks: tuple[int, int] = (32, 32)
) -> tuple[np.ndarray, np.ndarray]:
    """Attention of (heads, length, size) arrays, and the base-2 logarithms that its backward pass takes."""
    heads, length, size = q.shape
    out, logs = np.empty_like(q), np.empty((heads, length), np.float32)
    bm, bn = blocks
    forward_kernel[(-(-length // bm), heads)](
        q, k, v, out, logs, length, 1 / math.sqrt(size), HEADS=heads, SHARED=heads // k.shape[0], D=size, BM=bm, BN=bn,
        CAUSAL=causal,
    )  # fmt: skip
    return out, logs


def attention_backward(
    dout: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, out: np.ndarray, logs: np.ndarray, *,
    causal: bool = False, blocks: tuple[int, int] = (32, 32),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients of queries, keys and values."""
    heads, length, size = q.shape
    bm, bn = blocks
    delta = np.empty((heads, length), np.float32)
    dq, dk, dv = np.empty_like(q), np.empty_like(k), np.empty_like(v)
    delta_kernel[(-(-length // bm), heads)](out, dout, delta, length, D=size, BM=bm)
    common = {"HEADS": heads, "SHARED": heads // k.shape[0], "D": size, "BM": bm, "BN": bn, "CAUSAL": causal}
    scale = 1 / math.sqrt(size)
    keys_kernel[(-(-length // bn), k.shape[0])](q, k, v, dout, logs, delta, dk, dv, length, scale, **common)
    queries_kernel[(-(-length // bm), heads)](q, k, v, dout, logs, delta, dq, length, scale, **common)
    return dq, dk, dv


if __name__ == "__main__":
    x, y, z = np.random.default_rng(0).standard_normal((3, 2, 100, 32)).astype(np.float32)
    result, _ = attention(x, y, z, causal=True)
    print("the first row attends to itself:", np.allclose(result[:, 0], z[:, 0]))
