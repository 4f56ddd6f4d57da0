"""Layouts of tiles over threads, and the plans that lead from one to another, against what their tables say."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from astra_mlir.passes.gpu.layouts import (
    Layout,
    Span,
    blocked,
    mma_accumulator,
    mma_operand,
    wgmma_accumulator,
)
from astra_mlir.passes.gpu.moves import Permute, Shuffle, ThroughShared, bank_conflicts, plan_move

SHAPES_1D = [(1,), (2,), (32,), (64,), (128,), (1024,)]
SHAPES_2D = [(1, 32), (16, 16), (32, 8), (64, 64), (128, 32), (4, 256)]
BLOCKED = [
    blocked(shape, vector, warps, order)
    for shape in SHAPES_1D + SHAPES_2D
    for vector in (1, 4)
    for warps in (1, 4)
    for order in itertools.permutations(range(len(shape)))
]
PRODUCTS = [
    mma_accumulator(shape, warps, rows)
    for shape in [(16, 8), (16, 16), (64, 32), (32, 64), (128, 128)]
    for warps in (1, 2, 4, 8)
    for rows in (8, 16)
] + [wgmma_accumulator(shape, warps) for shape in [(64, 8), (64, 64), (128, 64), (256, 128)] for warps in (4, 8)]


def held(layout: Layout) -> set[int]:
    return set(layout.table().ravel().tolist())


def test_span_solves() -> None:
    rng = random.Random(3)
    for _ in range(200):
        vectors = [rng.randrange(256) for _ in range(rng.randrange(1, 9))]
        sums = {}
        for mask in range(1 << len(vectors)):
            value = 0
            for i, vector in enumerate(vectors):
                value ^= vector if mask >> i & 1 else 0
            sums.setdefault(value, mask)
        span = Span(vectors)
        for value in range(256):
            mask = span.solve(value)
            assert (mask is not None) == (value in sums)
            if mask is not None:
                total = 0
                for i, vector in enumerate(vectors):
                    total ^= vector if mask >> i & 1 else 0
                assert total == value


@pytest.mark.parametrize("layout", BLOCKED + PRODUCTS, ids=lambda layout: f"{layout.shape} {layout}")
def test_layout_holds_every_element(layout: Layout) -> None:
    assert layout.complete
    assert held(layout) == set(range(math.prod(layout.shape)))
    assert Layout.parse(str(layout), layout.shape) == layout
    element = math.prod(layout.shape) - 1
    assert layout.element(*layout.find(element)) == element
    # no thread holds an element twice
    table = layout.table()
    assert all(len(set(row)) == layout.registers for row in table.tolist())


def test_blocked_is_coalesced() -> None:
    layout = blocked((16, 128), 4, 4)
    table = layout.table()
    assert table[0, :4].tolist() == [0, 1, 2, 3]
    assert table[:32, 0].tolist() == list(range(0, 128, 4))
    assert table[32, 0] == 128  # the next warp has another row
    assert layout.contiguous(1) == 4
    assert blocked((16, 128), 4, 4, (0, 1)).contiguous(0) == 4


@pytest.mark.parametrize("layout", [x for x in BLOCKED + PRODUCTS if len(x.shape) == 2], ids=str)
def test_operations_on_layouts(layout: Layout) -> None:
    rows, columns = layout.shape
    table = layout.table()
    transposed = layout.transpose((1, 0)).table()
    assert (transposed == table % columns * rows + table // columns).all()
    for axis in (0, 1):
        kept = layout.drop(axis)
        assert kept.complete
        coordinate = (table // columns, table % columns)[1 - axis]
        for thread in range(0, layout.threads, 7):  # what a thread holds of the result is what it held of the operand
            assert set(kept.table()[thread].tolist()) == set(coordinate[thread].tolist())


def test_mma_accumulator_is_that_of_ptx() -> None:
    """PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type"."""
    layout = mma_accumulator((16, 8), 1)
    for lane, i in itertools.product(range(32), range(4)):
        row = lane // 4 + (8 if i >= 2 else 0)
        assert layout.element(i, lane, 0) == row * 8 + lane % 4 * 2 + i % 2


@pytest.mark.parametrize(("bits", "depth"), [(16, 16), (8, 32), (32, 8)])
def test_mma_operands_are_those_of_ptx(bits: int, depth: int) -> None:
    accumulator = mma_accumulator((16, 8), 1)
    a = mma_operand(accumulator, (16, depth), 0, bits)
    b = mma_operand(accumulator, (depth, 8), 1, bits)
    e = 32 // bits
    assert a.registers == 4 * e
    assert b.registers == 2 * e
    for lane in range(32):
        group, thread = divmod(lane, 4)
        for i in range(4 * e):
            row = group + (8 if i // e % 2 else 0)
            column = thread * e + i % e + (4 * e if i >= 2 * e else 0)
            assert a.element(i, lane, 0) == row * depth + column
        for i in range(2 * e):
            row = thread * e + i % e + (4 * e if i >= e else 0)
            assert b.element(i, lane, 0) == row * 8 + group


def test_wgmma_accumulator_is_that_of_ptx() -> None:
    """PTX ISA, "WGMMA .m64nNk16 register fragment layout for accumulator matrix D"."""
    layout = wgmma_accumulator((128, 64), 8)
    assert layout.registers == 32
    for thread, i in itertools.product(range(256), range(32)):
        warp, lane = divmod(thread, 32)
        row = warp // 4 * 64 + warp % 4 * 16 + lane // 4 + (8 if i % 4 >= 2 else 0)
        column = i // 4 * 8 + lane % 4 * 2 + i % 2
        assert layout.element(i, lane, warp) == row * 64 + column


@pytest.mark.parametrize("shape", [(64, 32), (128, 128), (32, 64), (16, 256)])
@pytest.mark.parametrize("warps", [1, 4, 8])
def test_operands_meet_the_accumulator(shape: tuple[int, int], warps: int) -> None:
    """Each warp has the rows and columns of the operands that its part of the product needs."""
    accumulator = mma_accumulator(shape, warps)
    for operand, whole in ((0, (shape[0], 64)), (1, (64, shape[1]))):
        layout = mma_operand(accumulator, whole, operand, 16)
        assert layout.complete
        for warp in range(warps):
            threads = slice(32 * warp, 32 * warp + 32)
            mine = accumulator.table()[threads].ravel()
            mine = mine // shape[1] if operand == 0 else mine % shape[1]
            have = layout.table()[threads].ravel()
            have = have // 64 if operand == 0 else have % shape[1]
            assert set(mine.tolist()) == set(have.tolist())


def moved(source: Layout, target: Layout, plan: object) -> np.ndarray:
    """The elements that each thread holds after a plan was followed, as its code would."""
    values = source.table()
    if plan is None:
        return values
    if isinstance(plan, Permute):
        return values[:, list(plan.source)]
    if isinstance(plan, Shuffle):
        result = np.empty((source.threads, target.registers), np.int64)
        for thread, register in itertools.product(range(source.threads), range(target.registers)):
            warp, lane = divmod(thread, 32)
            other = plan.lane_of[register]
            for bits, number in ((plan.lane_bits, lane), (plan.warp_bits, warp)):
                for i, bit in enumerate(bits):
                    other ^= bit if number >> i & 1 else 0
            result[thread, register] = values[warp * 32 + other, plan.source[register]]
        return result
    assert isinstance(plan, ThroughShared)
    memory = np.full(math.prod(source.shape), -1)
    for thread, i in itertools.product(range(source.threads), range(len(plan.written))):
        start = plan.places(int(values[thread, plan.written[i // plan.vector * plan.vector]]))
        memory[start + i % plan.vector] = values[thread, plan.written[i]]
    result = np.empty((target.threads, target.registers), np.int64)
    wanted = target.table()
    for thread, i in itertools.product(range(target.threads), range(len(plan.read))):
        start = plan.places(int(wanted[thread, plan.read[i // plan.vector * plan.vector]]))
        result[thread, plan.read[i]] = memory[start + i % plan.vector]
    return result


SQUARE = mma_accumulator((64, 64), 4)
PAIRS = [
    (a, b)
    for group in (
        [x for x in BLOCKED if x.shape == (1024,) and x.warps == 4],
        [x for x in BLOCKED + PRODUCTS if x.shape == (64, 64) and x.warps == 4],
        [x for x in BLOCKED if x.shape == (4, 256) and x.warps == 4],
        [mma_accumulator((64, 32), 4), blocked((64, 32), 8, 4), mma_operand(SQUARE, (64, 32), 0, 16)],
        [mma_accumulator((32, 64), 4), blocked((32, 64), 8, 4), mma_operand(SQUARE, (32, 64), 1, 16)],
        [blocked((64,), 1, 4), *(blocked((64, 64), 4, 4).drop(axis) for axis in (0, 1)), SQUARE.drop(1)],
    )
    for a, b in itertools.product(group, group)
]  # fmt: skip


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
@pytest.mark.parametrize("element_bytes", [2, 4])
def test_plans_bring_every_element_to_its_place(source: Layout, target: Layout, element_bytes: int) -> None:
    plan = plan_move(source, target, element_bytes)
    assert (moved(source, target, plan) == target.table()).all()
    if isinstance(plan, ThroughShared):
        assert bank_conflicts(source, plan.places, plan.written, plan.vector, element_bytes) == 0
        assert bank_conflicts(target, plan.places, plan.read, plan.vector, element_bytes) == 0


def test_first_product_feeds_the_second_without_a_move() -> None:
    """In attention the probabilities, an accumulator, are operand 0 of the next product: nothing moves."""
    first = mma_accumulator((64, 64), 4, grid=(4, 1))
    second = mma_operand(mma_accumulator((64, 128), 4, grid=(4, 1)), (64, 64), 0, 16)
    assert plan_move(first, second, 2) is None
    apart = mma_operand(mma_accumulator((64, 128), 4, grid=(2, 2)), (64, 64), 0, 16)
    assert isinstance(plan_move(first, apart, 2), ThroughShared)


def test_plan_prefers_shuffles() -> None:
    rows = blocked((32,), 1, 1)
    assert isinstance(plan_move(rows, Layout((32,), (1, 2), (4, 8, 16, 0, 0), ()), 4), Shuffle)
    assert plan_move(rows, rows, 4) is None
