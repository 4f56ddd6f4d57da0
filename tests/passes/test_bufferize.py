"""Programs whose values share, swap and outlive buffers: what bufferization and memory planning must not confuse.

Each runs through the whole CPU pipeline and is compared with JAX on CPU.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

import astra_mlir as astra
from astra_mlir.passes.plan_memory import plan_offsets, plan_results


def _f32(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape) + len(shape)).standard_normal(shape).astype(np.float32)


def swap_carries(x, y):
    return lax.fori_loop(0, 5, lambda i, s: (s[1], s[0] + 1.0), (x, y))


def in_place(x, y):
    """The sorted arrays die where their product is computed."""
    return jnp.sum(jnp.sort(jnp.sort(x, axis=0) * jnp.sort(y, axis=1), axis=1), axis=0)


def in_another_order(x, y):
    z = jnp.sort(x, axis=0)
    return jnp.sum(jnp.sort(z + z.T * jnp.sort(y, axis=1).T, axis=1), axis=0)


def needed_later(x, y):
    z = jnp.sort(x, axis=0)
    w = jnp.sort(2 * z, axis=1) * y
    return jnp.sum(jnp.sort(w + z, axis=0), axis=0), jnp.sum(w, axis=1)


def rotate_three(x, y):
    return lax.fori_loop(0, 4, lambda i, s: (s[1], s[2], s[0] * 2.0), (x, y, x + y))


def same_initial_value_twice(x, y):
    return lax.fori_loop(0, 3, lambda i, s: (s[0] + y, s[1] * y), (x, x))


def initial_value_also_captured(x, y):
    return lax.fori_loop(0, 3, lambda i, s: s + x * y, x)


def carry_read_after_its_update(x, y):
    def body(i, s):
        a, b = s
        new = a * 0.5 + y
        return new, b + jnp.roll(a, 1) + new

    return lax.fori_loop(0, 6, body, (x, y))


def neighbours_in_place(x, y):
    return lax.fori_loop(0, 8, lambda i, s: 0.5 * (jnp.roll(s, 1, 0) + jnp.roll(s, -1, 0)) + y, x)


def update_then_use_old(x, y):
    new = x.at[1].set(y[0])
    return new, new.at[2].set(0.0), x + new


def chain_of_updates_in_loop(x, y):
    return lax.fori_loop(0, x.shape[0], lambda i, s: s.at[i].set(s[(i + 1) % s.shape[0]] + y[0]), x)


def stacked_and_reversed(x, y):
    final, ys = lax.scan(lambda c, v: (c + v, c * v), y[0], x, reverse=True)
    return final, ys


def stacked_values_used_on(x, y):
    def body(carry, v):
        half = (carry + v) * 0.5
        stacked = half.reshape(2, 2)
        return half * y[0] - jnp.cumsum(half), (stacked, stacked.T, half, carry, half, jnp.sum(half), jnp.ones(2))

    return lax.scan(body, y[0], x, reverse=True)


def stacked_rows_read_back(x, y):
    def body(i, s):
        row = s[i - 1] + y[0]
        return s.at[i].set(row * s[i])

    return lax.fori_loop(1, x.shape[0], body, x)


def nested_scans(x, y):
    def outer(c, row):
        inner, zs = lax.scan(lambda d, v: (d * 0.9 + v, d), c[0], row)
        return c + inner, zs

    return lax.scan(outer, y[0], x)


def while_with_array_state(x, y):
    def body(s):
        k, a, b = s
        return k + 1, b, a * 0.5 + b

    return lax.while_loop(lambda s: (s[0] < 7) & (jnp.abs(s[1]).sum() < 1e6), body, (0, x, y))


def while_that_never_runs(x, y):
    return lax.while_loop(lambda s: s[0] < 0, lambda s: (s[0] + 1, s[1] * y), (0, x))


def branches_share_a_buffer(x, y):
    return lax.cond(x[0, 0] > 0, lambda a, b: (a + b, a), lambda a, b: (b, b - a), x, y)


def branch_in_loop(x, y):
    return lax.fori_loop(0, 6, lambda i, s: lax.cond(i % 2 == 0, lambda a: a + y, lambda a: a * y, s), x)


def branch_updates_a_part(x, y):
    """One branch changes an element, the other gives the state on, a third changes another one twice."""

    def body(i, s):
        row = s[i]
        s = lax.cond(s[i, 0] > 0, lambda s: s.at[i].set(row * 0.5 + y[i]), lambda s: s, s)
        branches = [lambda s: s, lambda s: s.at[0].add(row), lambda s: s.at[i, 1].set(s[0, 0]).at[0, 0].set(s[i, 1])]
        return lax.switch(i % 3, branches, s)

    return lax.fori_loop(0, x.shape[0], body, x)


def branches_update_two(x, y):
    def body(i, s):
        return lax.cond(s[0][i, 1] > 0, lambda a, b: (b, a), lambda a, b: (a.at[i].set(b[0]), b.at[0].set(a[i])), *s)

    return lax.fori_loop(0, x.shape[0], body, (x, y))


def update_in_a_branch_used_later(x, y):
    new = lax.cond(x[0, 0] > 0, lambda a: a.at[1].set(y[0]), lambda a: a, x + 1)
    both = lax.cond(x[0, 0] > 0, lambda a, b: (a.at[1].set(0), a), lambda a, b: (b, a), new, y)
    return new, *both


def swapped_rows(x, y):
    return lax.fori_loop(0, x.shape[0] - 2, lambda i, s: s.at[i].set(s[i + 2]).at[i + 2].set(s[i]), x)


def states_that_read_each_other(x, y):
    def body(i, s):
        a, b = s
        return a.at[i].set(b[i] + a[0]), b.at[i].set(a[i] * 0.5)

    return lax.fori_loop(0, x.shape[0], body, (x, y))


def part_read_in_an_inner_loop(x, y):
    def body(i, s):
        row = s[i]
        new = s.at[i].set(0.0)
        return lax.fori_loop(0, 3, lambda j, t: t.at[j].add(row * j), new)

    return lax.fori_loop(0, x.shape[0], body, x)


def switch(x, y):
    index = (x[0, 0] > 0).astype(jnp.int32) + 1
    return lax.switch(index, [lambda a: a, lambda a: a + y, lambda a: a * y], x)


def branches_of_constants(x, y):
    first = lax.cond(x[0, 0] > 0, lambda: jnp.zeros_like(x), lambda: x)
    second = lax.cond(x[0, 0] > 0, lambda: y, lambda: jnp.ones_like(y))
    third = lax.cond(x[0, 0] > 0, lambda: jnp.ones_like(y), lambda: jnp.ones_like(y))
    fourth = lax.cond(x[0, 0] > 0, lambda: 1.0, lambda: y[0, 0])
    return first, second, third, fourth


def argument_returned_twice(x, y):
    return x, x, y


def constant_returned(x, y):
    return jnp.zeros((3,)), jnp.arange(4.0), x


def reshaped_views(x, y):
    flat = x.reshape(-1)
    return flat[2:6].reshape(2, 2) + 1.0, x.T.reshape(-1)[::2], jnp.concatenate([x, y], 1)[:, 1:5]


PROGRAMS = [
    swap_carries, rotate_three, same_initial_value_twice, initial_value_also_captured, carry_read_after_its_update,
    neighbours_in_place, update_then_use_old, chain_of_updates_in_loop, stacked_and_reversed, stacked_values_used_on,
    stacked_rows_read_back, nested_scans,
    while_with_array_state, while_that_never_runs, branches_share_a_buffer, branch_in_loop, switch,
    branches_of_constants, branch_updates_a_part, branches_update_two, update_in_a_branch_used_later, swapped_rows,
    states_that_read_each_other, part_read_in_an_inner_loop, argument_returned_twice, constant_returned, reshaped_views,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("rows", [5, 300])
def test_program_equals_jax(program, rows):
    x, y = _f32(rows, 4), _f32(rows + 1, 4)[1:]
    expected = jax.tree.leaves(jax.jit(program)(x, y))
    results = jax.tree.leaves(astra.jit(program)(x, y))
    assert len(results) == len(expected)
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(np.asarray(result), np.asarray(value), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "program", [branch_updates_a_part, swapped_rows, states_that_read_each_other, part_read_in_an_inner_loop]
)
def test_updates_of_parts_copy_no_state(program):
    """Not in branches, and not where the old contents of a few elements are read after an update."""
    x, y = _f32(3000, 4), _f32(3000, 4)
    assert astra.compile(program, x, y).memory().arena_bytes <= 4096


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_arguments_are_not_written(program):
    x, y = _f32(6, 4), _f32(7, 4)[1:].copy()
    before = x.copy(), y.copy()
    astra.jit(program)(x, y)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.integers(0, 1000)), max_size=40))
def test_planned_buffers_do_not_overlap(rows):
    intervals = [(first, first + length, size) for first, length, size in rows]
    offsets, total = plan_offsets(intervals)
    for i, (first, last, size) in enumerate(intervals):
        assert offsets[i] % 64 == 0
        assert offsets[i] + size <= total
        for j in range(i):
            other_first, other_last, other_size = intervals[j]
            if first <= other_last and other_first <= last:
                assert offsets[i] + size <= offsets[j] or offsets[j] + other_size <= offsets[i]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.sampled_from([100, 4096, 5000, 9000])), max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([64, 4096, 8192, 20000])), max_size=5),
)
def test_buffers_in_results_are_dead_before_them(rows, results):
    intervals = [(first, first + length, size) for first, length, size in rows]
    places = plan_results(intervals, results)
    for i, (result, offset) in places.items():
        first, last, size = intervals[i]
        assert last < results[result][0]
        assert offset % 64 == 0
        assert offset + size <= results[result][1]
        for j, (other, at) in places.items():
            if i != j and result == other and first <= intervals[j][1] and intervals[j][0] <= last:
                assert offset + size <= at or at + intervals[j][2] <= offset


def test_a_chain_of_products_begins_in_its_result():
    shapes = [jax.ShapeDtypeStruct((256, 256), np.float32)] * 3
    executable = astra.compile(lambda a, b, c: jnp.tanh(jnp.tanh(a @ b) @ c) @ a, *shapes)
    # Each product reads the one before, so the first is in the result and the second takes the one array of scratch:
    # tanh is computed by the products' kernels, and their operands are read in place.
    assert executable.memory().arena_bytes <= 4 * 256**2


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5))
def test_random_loop_bodies(seed, carries):
    """Random bodies over several carried arrays: permutations, updates, rolls and reductions of the state."""
    generator = np.random.default_rng(seed)
    plan = [[(int(generator.integers(carries)), int(generator.integers(8))) for _ in range(3)] for _ in range(carries)]

    def term(state, i, source, kind):
        value = state[source]
        choices = [
            lambda: value,
            lambda: jnp.roll(value, 1, 0),
            lambda: value * 0.5,
            lambda: jnp.broadcast_to(value.mean(0), value.shape),
            lambda: value.at[i % value.shape[0]].set(1.0),
            lambda: value.at[i].set(value[i + 1]).at[i + 1].set(value[i] + value[0]),
            lambda: lax.cond(value[i, 0] > 0, lambda v: v.at[i].set(v[0]), lambda v: v, value),
            lambda: lax.cond(value[i, 1] > 0, lambda v, w: v * w[i], lambda v, w: w.at[0].add(v[i]), value, state[0]),
        ]
        return choices[kind]()

    def body(i, state):
        return tuple(sum(term(state, i, s, k) for s, k in terms) * 0.3 for terms in plan)

    def program(*state):
        return lax.fori_loop(0, 4, body, state)

    state = [generator.standard_normal((7, 3)).astype(np.float32) for _ in range(carries)]
    for result, value in zip(astra.jit(program)(*state), jax.jit(program)(*state), strict=True):
        np.testing.assert_allclose(np.asarray(result), np.asarray(value), rtol=1e-4, atol=1e-5)


def test_functions_have_their_own_constants() -> None:
    """A module may have several public functions; the constants of all are one list."""
    type = "tensor<3xf32>"
    functions = "".join(
        f"func.func @{name}(%x: {type}) -> {type} {{\n"
        f"  %w = stablehlo.constant dense<[{values}]> : {type}\n"
        f"  %y = stablehlo.multiply %x, %w : {type}\n"
        f"  return %y : {type}\n}}\n"
        for name, values in (("other", "1.0, 2.0, 3.0"), ("main", "4.0, 5.0, 6.0"))
    )
    x = np.ones(3, np.float32)
    for entry, expected in (("other", [1, 2, 3]), ("main", [4, 5, 6])):
        (found,) = astra.compile(functions, entry=entry)(x)
        assert np.array_equal(found, expected), entry


@pytest.mark.parametrize(("program", "buffers"), [(in_place, 2), (in_another_order, 3), (needed_later, 3)])
def test_large_results_are_written_over_what_dies(program, buffers: int) -> None:
    x, y = _f32(160, 160), _f32(160, 160)
    compiled = astra.jit(program).compile(x, y)
    for ours, want in zip(
        jax.tree.leaves(compiled(x, y)), jax.tree.leaves(jax.jit(program)(jnp.asarray(x), jnp.asarray(y))), strict=True
    ):
        np.testing.assert_allclose(ours, want, rtol=1e-5, atol=1e-4)
    assert compiled.memory().arena_bytes <= buffers * x.nbytes + 4096
