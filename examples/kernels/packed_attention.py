"""Flash attention of sequences of different lengths that lie one behind the other, forward and backward.

Queries are (tokens, heads, size); sequence ``i`` is the tokens from ``starts[i]`` to ``starts[i + 1]``, in arrays of
their own for queries and for keys. No element of padding is read or computed: a program has a block of queries of one
sequence and visits the keys of that sequence only. With ``CAUSAL`` the last query sees the last key. Rows that see no
key are 0. Groups of query heads may share a head of keys and values; no sum is made by atomic operations.
"""

from __future__ import annotations

import math

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al

LOG2_E = 1.4426950408889634


@astra.kernel
def load_rows(pointer, rows, end, head, HEADS: al.constexpr, D: al.constexpr):
    places = (rows[:, None] * HEADS + head) * D + al.arange(0, D)[None, :]
    return al.load(pointer + places, (rows < end)[:, None], other=0)


@astra.kernel
def store_rows(pointer, rows, end, head, value, HEADS: al.constexpr, D: al.constexpr):
    places = (rows[:, None] * HEADS + head) * D + al.arange(0, D)[None, :]
    al.store(pointer + places, value, (rows < end)[:, None])


@astra.kernel
def scores_of(queries, keys, rows, columns, last, shift, scale, CAUSAL: al.constexpr):
    scores = al.dot(queries, keys.T) * (scale * LOG2_E)
    mask = (columns < last)[None, :]
    if CAUSAL:
        mask = mask & (rows[:, None] + shift >= columns[None, :])
    return al.where(mask, scores, -float("inf"))


@astra.kernel
def forward_kernel(
    q, k, v, out, logs, of_queries, of_keys, scale, HEADS: al.constexpr, SHARED: al.constexpr, D: al.constexpr,
    BM: al.constexpr, BN: al.constexpr, CAUSAL: al.constexpr,
):  # fmt: skip
    head, sequence = al.program_id(1), al.program_id(2)
    first, end = al.load(of_queries + sequence), al.load(of_queries + sequence + 1)
    start, last = al.load(of_keys + sequence), al.load(of_keys + sequence + 1)
    block = first + al.program_id(0) * BM
    if block < end:
        rows = block + al.arange(0, BM)
        shift = last - end  # from a query to the last key that it sees
        queries = load_rows(q, rows, end, head, HEADS, D)
        top = al.full((BM,), -float("inf"), al.float32)
        total = al.zeros((BM,), al.float32)
        acc = al.zeros((BM, D), al.float32)
        behind = al.minimum(block + BM + shift, last) if CAUSAL else last
        for at in al.range(start, behind, BN, num_stages=2):
            columns = at + al.arange(0, BN)
            keys = load_rows(k, columns, last, head // SHARED, HEADS // SHARED, D)
            scores = scores_of(queries, keys, rows, columns, last, shift, scale, CAUSAL)
            higher = al.maximum(top, al.max(scores, 1))
            base = al.where(higher == -float("inf"), 0.0, higher)
            powers = al.exp2(scores - base[:, None])
            shrink = al.exp2(top - base)
            total = total * shrink + al.sum(powers, 1)
            values = load_rows(v, columns, last, head // SHARED, HEADS // SHARED, D)
            acc = al.dot(powers.to(values.dtype), values, acc * shrink[:, None])
            top = higher
        store_rows(out, rows, end, head, acc / al.where(total == 0.0, 1.0, total)[:, None], HEADS, D)
        log = al.where(total == 0.0, float("inf"), top + al.log2(total))
        al.store(logs + rows * HEADS + head, log, rows < end)


@astra.kernel
def delta_kernel(out, dout, delta, tokens, HEADS: al.constexpr, D: al.constexpr, BM: al.constexpr):
    head = al.program_id(1)
    rows = al.program_id(0) * BM + al.arange(0, BM)
    o = load_rows(out, rows, tokens, head, HEADS, D).to(al.float32)
    do = load_rows(dout, rows, tokens, head, HEADS, D).to(al.float32)
    al.store(delta + rows * HEADS + head, al.sum(o * do, 1), rows < tokens)


@astra.kernel
def keys_kernel(
    q, k, v, dout, logs, delta, dk, dv, of_queries, of_keys, scale, HEADS: al.constexpr, SHARED: al.constexpr,
    D: al.constexpr, BM: al.constexpr, BN: al.constexpr, CAUSAL: al.constexpr,
):  # fmt: skip
    shared, sequence = al.program_id(1), al.program_id(2)
    first, end = al.load(of_queries + sequence), al.load(of_queries + sequence + 1)
    start, last = al.load(of_keys + sequence), al.load(of_keys + sequence + 1)
    block = start + al.program_id(0) * BN
    if block < last:
        columns = block + al.arange(0, BN)
        shift = last - end
        keys = load_rows(k, columns, last, shared, HEADS // SHARED, D)
        values = load_rows(v, columns, last, shared, HEADS // SHARED, D)
        gk = al.zeros((BN, D), al.float32)
        gv = al.zeros((BN, D), al.float32)
        sees = al.maximum(block - shift, first) if CAUSAL else first  # the first query that sees a key of these
        for head in range(shared * SHARED, (shared + 1) * SHARED):
            for at in range(sees, end, BM):
                rows = at + al.arange(0, BM)
                queries = load_rows(q, rows, end, head, HEADS, D)
                do = load_rows(dout, rows, end, head, HEADS, D)
                log = al.load(logs + rows * HEADS + head, rows < end, other=float("inf"))
                mean = al.load(delta + rows * HEADS + head, rows < end, other=0)
                p = al.exp2(scores_of(queries, keys, rows, columns, last, shift, scale, CAUSAL) - log[:, None])
                gv = al.dot(p.to(do.dtype).T, do, gv)
                ds = p * (al.dot(do, values.T) - mean[:, None]) * scale
                gk = al.dot(ds.to(queries.dtype).T, queries, gk)
        store_rows(dk, columns, last, shared, gk, HEADS // SHARED, D)
        store_rows(dv, columns, last, shared, gv, HEADS // SHARED, D)


@astra.kernel
def queries_kernel(
    q, k, v, dout, logs, delta, dq, of_queries, of_keys, scale, HEADS: al.constexpr, SHARED: al.constexpr,
    D: al.constexpr, BM: al.constexpr, BN: al.constexpr, CAUSAL: al.constexpr,
):  # fmt: skip
    head, sequence = al.program_id(1), al.program_id(2)
    first, end = al.load(of_queries + sequence), al.load(of_queries + sequence + 1)
    start, last = al.load(of_keys + sequence), al.load(of_keys + sequence + 1)
    block = first + al.program_id(0) * BM
    if block < end:
        rows = block + al.arange(0, BM)
        shift = last - end
        queries = load_rows(q, rows, end, head, HEADS, D)
        do = load_rows(dout, rows, end, head, HEADS, D)
        log = al.load(logs + rows * HEADS + head, rows < end, other=float("inf"))
        mean = al.load(delta + rows * HEADS + head, rows < end, other=0)
        gq = al.zeros((BM, D), al.float32)
        behind = al.minimum(block + BM + shift, last) if CAUSAL else last
        for at in range(start, behind, BN):
            columns = at + al.arange(0, BN)
            keys = load_rows(k, columns, last, head // SHARED, HEADS // SHARED, D)
            values = load_rows(v, columns, last, head // SHARED, HEADS // SHARED, D)
            p = al.exp2(scores_of(queries, keys, rows, columns, last, shift, scale, CAUSAL) - log[:, None])
            ds = p * (al.dot(do, values.T) - mean[:, None]) * scale
            gq = al.dot(ds.to(keys.dtype), keys, gq)
        store_rows(dq, rows, end, head, gq, HEADS, D)


def _grids(q: np.ndarray, k: np.ndarray, starts: tuple[np.ndarray, np.ndarray], blocks: tuple[int, int]):
    """Grids over the queries and over the keys: as many blocks as the longest sequence has."""
    longest = [int(np.diff(s).max()) for s in starts]
    sequences = len(starts[0]) - 1
    of_queries, of_keys = (-(-length // block) for length, block in zip(longest, blocks, strict=True))
    return (of_queries, q.shape[1], sequences), (of_keys, k.shape[1], sequences)


def packed_attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, of_queries: np.ndarray, of_keys: np.ndarray, *, causal: bool = False,
    blocks: tuple[int, int] = (32, 32),
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Attention of (tokens, heads, size) arrays within each sequence, and the base-2 logarithms for the backward pass.

    ``of_queries`` and ``of_keys`` are int32: where each sequence begins, and the number of tokens at the end.
    """
    heads, size = q.shape[1:]
    out, logs = np.empty_like(q), np.empty(q.shape[:2], np.float32)
    grid, _ = _grids(q, k, (of_queries, of_keys), blocks)
    forward_kernel[grid](
        q, k, v, out, logs, of_queries, of_keys, 1 / math.sqrt(size), HEADS=heads, SHARED=heads // k.shape[1], D=size,
        BM=blocks[0], BN=blocks[1], CAUSAL=causal,
    )  # fmt: skip
    return out, logs


def packed_attention_backward(
    dout: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, out: np.ndarray, logs: np.ndarray,
    of_queries: np.ndarray, of_keys: np.ndarray, *, causal: bool = False, blocks: tuple[int, int] = (32, 32),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients of queries, keys and values."""
    tokens, heads, size = q.shape
    bm, bn = blocks
    delta = np.empty((tokens, heads), np.float32)
    dq, dk, dv = np.empty_like(q), np.empty_like(k), np.empty_like(v)
    delta_kernel[(-(-tokens // bm), heads)](out, dout, delta, tokens, HEADS=heads, D=size, BM=bm)
    common = {"HEADS": heads, "SHARED": heads // k.shape[1], "D": size, "BM": bm, "BN": bn, "CAUSAL": causal}
    grid, of_columns = _grids(q, k, (of_queries, of_keys), blocks)
    scale = 1 / math.sqrt(size)
    keys_kernel[of_columns](q, k, v, dout, logs, delta, dk, dv, of_queries, of_keys, scale, **common)
    queries_kernel[grid](q, k, v, dout, logs, delta, dq, of_queries, of_keys, scale, **common)
    return dq, dk, dv


if __name__ == "__main__":
    x, y, z = np.random.default_rng(0).standard_normal((3, 100, 2, 32)).astype(np.float32)
    starts = np.array([0, 30, 31, 100], np.int32)
    result, _ = packed_attention(x, y, z, starts, starts, causal=True)
    print("a sequence of one token attends to itself:", np.allclose(result[30], z[30]))
