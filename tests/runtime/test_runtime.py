"""The native runtime through its C interface: parallel loops, threads, buffers, fork."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading

import ml_dtypes
import numpy as np
import pytest

from astra_mlir import config
from astra_mlir import runtime as runtime_module
from astra_mlir.errors import AstraError
from astra_mlir.native import empty
from astra_mlir.runtime import Call, MemoryStats, library_path, runtime, set_num_threads, threads

TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def parallel_for(body, count: int, num_threads: int = 0) -> None:
    """Run ``body(begin, end)`` over [0, count) on the default context."""
    task = TASK(lambda context, begin, end: body(begin, end))
    api = runtime().api
    api.parallel_for(runtime().context, ctypes.cast(task, ctypes.c_void_p), None, count, num_threads)


def in_child(code: str, **environment: str) -> str:
    """The output of Python code in a process of its own."""
    env = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_table_is_versioned() -> None:
    library = ctypes.CDLL(str(library_path()))
    library.astra_get_api.restype = ctypes.c_void_p
    assert library.astra_get_api(1)
    assert not library.astra_get_api(2)
    assert runtime().api.struct_size == ctypes.sizeof(runtime_module._Api)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64, 1000])
@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_every_task_runs_once(count: int, num_threads: int) -> None:
    hits = np.zeros(count, np.int64)

    def body(begin: int, end: int) -> None:
        assert 0 <= begin < end <= count
        hits[begin:end] += 1

    parallel_for(body, count, num_threads)
    assert (hits == 1).all()


def test_several_threads_take_part() -> None:
    seen: set[int] = set()
    both = threading.Barrier(2, timeout=20)

    def body(begin: int, end: int) -> None:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both.wait()

    parallel_for(body, 2, 2)
    assert len(seen) == 2


def test_a_loop_inside_of_a_task_runs_on_its_thread() -> None:
    inner: list[bool] = []

    def body(begin: int, end: int) -> None:
        outer = threading.get_ident()
        parallel_for(lambda b, e: inner.append(threading.get_ident() == outer), 8, 2)

    parallel_for(body, 4, 2)
    assert inner
    assert all(inner)


def test_loops_of_several_callers_at_once() -> None:
    totals = [0] * 4

    def caller(which: int) -> None:
        for _ in range(50):
            hits = np.zeros(100, np.int64)

            def body(begin: int, end: int, hits: np.ndarray = hits) -> None:
                hits[begin:end] += 1

            parallel_for(body, 100, 3)
            totals[which] += int(hits.sum())

    callers = [threading.Thread(target=caller, args=(i,)) for i in range(4)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join(60)
    assert totals == [5000] * 4


def test_number_of_threads() -> None:
    before = runtime().num_threads
    try:
        set_num_threads(3)
        assert runtime().num_threads == 3
        set_num_threads(0)
        assert runtime().num_threads >= 1
    finally:
        set_num_threads(before)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_threads_takes_positive_integers(count: object) -> None:
    with pytest.raises(AstraError, match="number of threads"), threads(count):  # type: ignore[arg-type]
        pass


def test_setting_of_threads_and_affinity() -> None:
    code = "from astra_mlir.runtime import runtime; print(runtime().num_threads)"
    assert in_child(code, ASTRA_NUM_THREADS="5") == "5"
    assert in_child(f"import os; os.sched_setaffinity(0, [sorted(os.sched_getaffinity(0))[0]]); {code}") == "1"


def test_a_wrong_setting_is_refused() -> None:
    code = "import astra_mlir\ntry:\n  astra_mlir.set_num_threads(1)\nexcept astra_mlir.AstraError as e: print(e)"
    assert "ASTRA_NUM_THREADS='many'" in in_child(code, ASTRA_NUM_THREADS="many")


def test_every_setting_says_what_it_does() -> None:
    for setting in config.SETTINGS:
        assert setting.variable.startswith("ASTRA_")
        assert len(setting.doc) > 10


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_module, "_LIBRARY", "libnot_there.so")
    with pytest.raises(AstraError, match="cmake --build build"):
        library_path()


def test_buffers_are_aligned_and_reused() -> None:
    runtime().release_cached()
    first = empty((np.dtype(np.float64), (512, 512)))
    address = first.ctypes.data
    assert address % 64 == 0
    live = runtime().memory_stats().live_bytes
    first[:] = 1
    view = first[3:]
    del first
    assert runtime().memory_stats().live_bytes == live  # the view holds it
    del view
    after = runtime().memory_stats()
    assert after.live_bytes < live
    assert after.cached_bytes > 0
    again = empty((np.dtype(np.float64), (512, 512)))
    assert again.ctypes.data == address
    assert runtime().memory_stats().peak_bytes >= live


def test_structures_of_another_version_are_refused() -> None:
    call = Call(8)
    with pytest.raises(AstraError, match="unknown version"):
        runtime().execute(ctypes.addressof(call))
    call = Call(ctypes.sizeof(Call))
    with pytest.raises(AstraError, match="no entry"):
        runtime().execute(ctypes.addressof(call))
    assert ctypes.sizeof(MemoryStats) == 32


def test_no_memory_for_an_arena() -> None:
    task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(lambda i, o, a: None)
    call = Call(ctypes.sizeof(Call), ctypes.cast(task, ctypes.c_void_p).value, 0, 0, 1 << 60, 0)
    with pytest.raises(MemoryError, match="arena"):
        runtime().execute(ctypes.addressof(call))


def test_a_child_of_a_fork_has_threads_of_its_own() -> None:
    code = """
import os, numpy as np, ctypes
from astra_mlir.runtime import runtime
TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
def loop():
    hits = np.zeros(64, np.int64)
    def body(context, begin, end): hits[begin:end] += 1
    task = TASK(body)
    runtime().api.parallel_for(runtime().context, ctypes.cast(task, ctypes.c_void_p), None, 64, 3)
    return bool((hits == 1).all())
assert loop()
for _ in range(5):
    child = os.fork()
    if child == 0:
        os._exit(0 if loop() and loop() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert loop()
print("ok")
"""
    assert in_child(code) == "ok"


_CONVERSIONS = {
    "__truncsfhf2": (ctypes.c_float, np.float32, np.float16),
    "__truncdfhf2": (ctypes.c_double, np.float64, np.float16),
    "__truncsfbf2": (ctypes.c_float, np.float32, ml_dtypes.bfloat16),
    "__truncdfbf2": (ctypes.c_double, np.float64, ml_dtypes.bfloat16),
}


@pytest.mark.parametrize("name", _CONVERSIONS)
def test_narrowing_conversions(name: str) -> None:
    argument, _, narrow = _CONVERSIONS[name]
    function = getattr(runtime().library, name)
    function.argtypes, function.restype = [argument], ctypes.c_float

    def narrowed(values: np.ndarray) -> np.ndarray:
        return (
            np.array([function(v) for v in values.tolist()], np.float32).view(np.uint32).astype(np.uint16).view(narrow)
        )

    with np.errstate(over="ignore", invalid="ignore"):
        every = np.arange(1 << 16, dtype=np.uint16).view(narrow).astype(np.float32)
        every = every[np.isfinite(every)]
        rng = np.random.default_rng(0)
        near = every[rng.integers(0, len(every), 2000)]
        near = near * (1 + rng.choice([0, 2**-9, 2**-12, 2**-8, 2**-11, 1e-6], 2000))
        special = [0.0, -0.0, np.inf, -np.inf, 1e-30, 65519.9, 65520.0, 3e38, 3.4e38]
        # Single-precision values, so that the reference (which goes through them) rounds once.
        values = np.concatenate([near, special]).astype(np.float32)
        expected = values.astype(narrow)
    np.testing.assert_array_equal(narrowed(values).view(np.uint16), expected.view(np.uint16))
    assert np.isnan(narrowed(np.array([np.nan])).astype(np.float32)).all()


@pytest.mark.parametrize(("name", "bits"), [("__truncdfhf2", 10), ("__truncdfbf2", 7)])
def test_doubles_are_rounded_once(name: str, bits: int) -> None:
    function = getattr(runtime().library, name)
    function.argtypes, function.restype = [ctypes.c_double], ctypes.c_float
    narrow = _CONVERSIONS[name][2]
    above_the_middle = 1 + 2.0 ** -(bits + 1) + 2.0**-40  # a tie once it is rounded to single precision
    got = np.array([function(above_the_middle)], np.float32).view(np.uint32).astype(np.uint16).view(narrow)
    assert float(got[0]) == 1 + 2.0**-bits


def test_widening_half() -> None:
    function = getattr(runtime().library, "__extendhfsf2")
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    bits = np.arange(0, 1 << 16, 7, dtype=np.uint16)
    finite = bits[np.isfinite(bits.view(np.float16))]
    packed = finite.astype(np.uint32).view(np.float32)
    got = np.array([function(v) for v in packed.tolist()], np.float32)
    np.testing.assert_array_equal(got, finite.view(np.float16).astype(np.float32))
