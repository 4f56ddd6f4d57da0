"""The native path of a call: which program arguments find, what happens to arrays, threads of a function."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.runtime import runtime

F32 = np.float32


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, F32)


# --- which program -----------------------------------------------------------------------------------------------


def test_calls_alike_are_found_natively() -> None:
    f = astra.jit(lambda p, *, scale: jax.tree.map(lambda x: scale * x, p))
    f({"a": ones(2), "b": [ones(3), None]}, scale=2.0)
    assert f._native_hits == 0
    found = f({"a": 3 * ones(2), "b": [ones(3), None]}, scale=3.0)
    assert f._native_hits == 1
    assert found["a"].tolist() == [9, 9]
    assert found["b"][0].tolist() == [3, 3, 3]
    assert found["b"][1] is None


def test_dictionaries_in_any_order() -> None:
    f = astra.jit(lambda p, **k: (p["a"] - p["b"], k["x"] / k["y"]))
    x, y = 6 * ones(2), 2 * ones(2)
    for _ in range(2):
        for p in ({"a": 5 * ones(2), "b": ones(2)}, {"b": ones(2), "a": 5 * ones(2)}):
            assert [r[0] for r in f(p, x=x, y=y)] == [4, 3]
            assert [r[0] for r in f(p, y=y, x=x)] == [4, 3]
    assert f.cache_info().misses == 1


def test_one_array_in_two_places() -> None:
    f = astra.jit(lambda p: p["b"] - 2 * p["a"])
    one, two = ones(2), 2 * ones(2)
    assert f({"b": one, "a": one})[0] == -1
    assert f({"b": two, "a": one})[0] == 0
    assert f({"b": one, "a": two})[0] == -3


Pair = namedtuple("Pair", "left right")


@jax.tree_util.register_dataclass
@dataclass
class Point:
    x: Any
    y: Any


def test_registered_classes() -> None:
    f = astra.jit(lambda p, q: Point(p.left - q.y, q.x))
    for k in range(1, 4):
        found = f(Pair(k * ones(2), None), Point(np.int32(k), ones(2)))
        assert type(found) is Point
        assert found.x[0] == k - 1
        assert int(found.y) == k
    assert f._native_hits == 2
    with pytest.raises(AttributeError):
        f((ones(2), None), Point(np.int32(1), ones(2)))


def test_kinds_of_leaves_are_told_apart() -> None:
    f = astra.jit(lambda x: x * 2)
    for _ in range(2):
        assert f(3).dtype == np.int32
        assert f(3.0).dtype == F32
        assert f(True).dtype == np.int32
        assert f(2j).dtype == np.complex64
        assert f(np.int16(3)).dtype == np.int16
        assert f(np.array(3, np.int8)).dtype == np.int8
        assert f(jnp.int16(3)).dtype == np.int16
    assert int(f(-(2**31) + 1)) == 2
    with pytest.raises(astra.AstraError):
        f(2**40)


def test_weak_types_of_jax_arrays_are_told_apart() -> None:
    f = astra.jit(lambda x: x + np.int8(1))
    strong, weak = jnp.asarray(1, jnp.int32), jnp.asarray(1)
    assert weak.weak_type
    for _ in range(2):
        assert f(strong).dtype == jax.jit(lambda x: x + np.int8(1))(strong).dtype
        assert f(weak).dtype == jax.jit(lambda x: x + np.int8(1))(weak).dtype


def test_static_values_that_compare_oddly() -> None:
    class Odd:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            if self is other:
                return True
            raise ValueError("these are not compared")

    f = astra.jit(lambda x, n: x + 1, static_argnums=1)
    odd, nan = Odd(), float("nan")
    assert f(ones(2), odd)[0] == 2
    assert f(ones(2), odd)[0] == 2
    f(ones(2), nan)
    f(ones(2), nan)
    assert f._native_hits == 2


def test_functions_can_be_collected() -> None:
    function = astra.jit(lambda x: x)
    function(ones(2))
    function.itself = function
    gone, plan = weakref.ref(function), weakref.ref(function.compile(ones(2)))
    del function
    gc.collect()
    assert gone() is None
    assert plan() is None


# --- arrays ------------------------------------------------------------------------------------------------------


def test_jax_arrays_seen_before_are_still_checked() -> None:
    f = astra.jit(lambda x: x + 1)
    x = jnp.ones(1000)
    assert f(x)[0] == 2
    assert f(x)[0] == 2
    x.delete()
    with pytest.raises(astra.AstraError, match="x: this array was donated"):
        f(x)


def test_arrays_at_the_place_of_earlier_ones() -> None:
    f, step = astra.jit(lambda x: x + 1), jax.jit(lambda x: x * 2)
    x = jnp.ones(8)
    for i in range(300):  # results of JAX, which may not be computed yet, where other arrays were
        x = step(x) if i % 2 else jnp.full(8, float(i))
        np.testing.assert_array_equal(np.asarray(f(x)), np.asarray(x) + 1)


def test_results_live_on_their_own() -> None:
    f = astra.jit(lambda x: (x + 1, x[:3]))
    live = runtime().memory_stats().live_bytes
    big, small = f(jnp.ones(500_000))
    view = np.asarray(big)[5:]
    del big
    gc.collect()
    assert view[0] == 2
    assert runtime().memory_stats().live_bytes > live + 1_900_000
    assert small.tolist() == [1, 1, 1]


def test_arrays_that_are_not_contiguous() -> None:
    f = astra.jit(lambda x: x + 1)
    x = np.arange(12, dtype=F32).reshape(3, 4)
    for other in (
        x.T.copy().T,
        x[::-1],
        np.broadcast_to(F32(1), (3, 4)),
        np.frombuffer(b"a" + x.tobytes(), np.uint8)[1:].view(F32).reshape(3, 4),
    ):
        np.testing.assert_array_equal(f(other), other + 1)


# --- threads -----------------------------------------------------------------------------------------------------


def test_a_limit_of_threads_for_one_function() -> None:
    f = astra.jit(lambda x: jnp.tanh(x).sum(), num_threads=1)
    x = np.linspace(0, 1, 300_000, dtype=F32)
    compiled = f.compile(x)
    assert compiled.num_threads == 1
    expected = f(x)
    compiled.num_threads = 2
    compiled.executable.num_threads = 3
    with astra.threads(5):
        assert f(x).tobytes() == expected.tobytes()
    with pytest.raises(astra.AstraError, match="num_threads"):
        astra.jit(lambda x: x, num_threads=-1)
    with pytest.raises(astra.AstraError, match="num_threads"):
        compiled.executable.num_threads = "2"


def test_other_python_threads_run_during_a_call() -> None:
    f = astra.jit(lambda x: jax.lax.fori_loop(0, 400_000, lambda i, c: jnp.sin(c) + i, x))
    x = np.ones(8, F32)
    f(x)
    counted, done = 0, threading.Event()
    thread = threading.Thread(target=lambda: (f(x), done.set()))
    thread.start()
    while not done.is_set():
        counted += 1
    thread.join()
    assert counted > 100
