"""JAX on Astra under strain: threads, donation, callbacks that raise, forks and exits, and memory that must not grow.

A second or two of each in the fast suite.  An hour of it, in random order:

    JAX_PLATFORMS=astra python tests/api/test_jax_stress.py 3600
"""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = jax.numpy


def device() -> Any:
    return jax.devices("astra")[0]


def in_threads(work: Callable[[int], None], count: int = 6) -> None:
    """``work`` of 0, 1, ... at the same time; what one raises is raised."""
    failed: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


# --- one round of each; the number makes its programs and values ------------------------------------------------------

_FUNCTIONS = (
    jnp.sin, jnp.tanh, jnp.cumsum, jnp.sort, lambda x: x[::-1] * 2, lambda x: x + x.sum(),
    lambda x: x @ jnp.outer(x, x),
    lambda x: jnp.where(x > 0, x, -x), lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y * 0.5 + 1, x),
    lambda x: jnp.linalg.norm(jnp.linalg.qr(jnp.outer(x, x) + jnp.eye(len(x)))[1], axis=0),
)  # fmt: skip


def random_programs(number: int) -> None:
    """Compositions of functions, beside the same on JAX's CPU backend."""
    rng = random.Random(number)
    chosen = [rng.choice(_FUNCTIONS) for _ in range(rng.randint(1, 5))]

    def f(x: Any) -> Any:
        for function in chosen:
            x = jnp.clip(function(x) / 2, -50, 50)  # the sine of 4e7 is another number after every rounding
        return x

    x = np.random.default_rng(number).uniform(-1, 1, rng.choice([1, 3, 16, 65])).astype(np.float32)
    found, expected = (np.asarray(jax.jit(f)(jax.device_put(x, d))) for d in (device(), jax.devices("cpu")[0]))
    np.testing.assert_allclose(found, expected, rtol=5e-3, atol=5e-3 * max(1.0, float(np.abs(expected).max())))


def compiling_and_running(number: int) -> None:
    """Threads that compile programs of their own and run each other's."""
    shared = jax.jit(lambda x: x * 2 + 1)

    def work(i: int) -> None:
        x = jax.device_put(np.full(1000 * (i + 1), i, np.float32), device())
        own = jax.jit(lambda x: x + (number % 50) * 10 + i)
        for _ in range(10):
            x = shared(own(x)) - shared(x)
        assert x.shape == (1000 * (i + 1),) and len(np.unique(np.asarray(x))) == 1

    in_threads(work)


def donating_while_others_read(number: int) -> None:
    """One thread gives an array away while others compute with it, copy it and look at it."""
    size = (8, 1 << 18)[number % 2]
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    total = jax.jit(lambda x: (x.min(), x.max()))
    current = [jax.device_put(np.zeros(size, np.float32), device())]
    done = threading.Event()

    def work(i: int) -> None:
        if i == 0:
            for _ in range(60):
                current[0] = step(current[0])
            done.set()
        while not done.is_set():
            x = current[0]
            try:
                if i == 1:
                    low, high = total(x)
                elif i == 2:
                    copied = np.asarray(jax.device_put(x, jax.devices("cpu")[0]))
                    low, high = copied.min(), copied.max()
                else:
                    seen = np.asarray(x)
                    low, high = seen.min(), seen.max()
            except (RuntimeError, ValueError) as error:
                assert "deleted" in str(error) or "donated" in str(error), error
            else:
                assert float(low) == float(high), (i, low, high)

    in_threads(work, 4)
    assert float(current[0][0]) == 60


def donated_then_used(number: int) -> None:
    x = jax.device_put(np.full((4, 1 << 19)[number % 2], 3, np.float32), device())
    y = jax.jit(lambda x: x * 2, donate_argnums=0)(x)
    for use in (lambda: x + 1, lambda: np.asarray(x), lambda: jax.device_put(x, jax.devices("cpu")[0])):
        with pytest.raises(RuntimeError, match="deleted"):
            use()
    assert float(y[0]) == 6


def failing_callbacks(number: int) -> None:
    """What a callback raises reaches who waits; the next call is none the worse."""

    def callback(x: Any) -> Any:
        if x[0] < 0:
            raise ValueError(f"no such luck {number}")
        return x + 1

    size = (8, 1 << 19)[number % 2]
    f = jax.jit(lambda x: jax.pure_callback(callback, jax.ShapeDtypeStruct(x.shape, x.dtype), x) * 2)

    def work(i: int) -> None:
        x = jax.device_put(np.full(size, i if i % 2 else -1, np.float32), device())
        if i % 2:
            assert float(f(x)[1]) == 2 * (i + 1)
        else:
            # jaxlib's fast path raises a ValueError with the same message.
            with pytest.raises((RuntimeError, ValueError), match=f"no such luck {number}"):
                f(x).block_until_ready()

    in_threads(work, 4)


def child(script: str) -> str:
    environment = {**os.environ, "JAX_PLATFORMS": "astra"}
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.returncode == 0, (result.returncode, result.stderr[-3000:])
    return result.stdout.strip()


_PROGRAM = """
import os, threading, time, jax, jax.numpy as jnp, numpy as np
f = jax.jit(lambda x: jnp.tanh(x @ x))
x = f(jnp.ones((600, 600)))
"""


def exits_with_work_in_flight(number: int) -> None:
    """The interpreter ends while programs are queued and callbacks run.

    Not while daemon threads are in JAX: CPython ends such threads within jaxlib's code, which aborts on any backend.
    """
    endings = (
        "for _ in range(20): x = f(x)",
        "y = jax.jit(lambda x: jax.pure_callback(lambda v: (time.sleep(0.2), v)[1], x, x))(x)",
    )
    assert child(f"{_PROGRAM}{endings[number % len(endings)]}\nprint('ends')") == "ends"


_FORK = """
pid = os.fork()
if pid == 0:
    os._exit(int(np.zeros(3).sum()))
assert os.waitpid(pid, 0)[1] == 0
import multiprocessing
print(multiprocessing.get_context("fork").Pool(2).map(abs, [-1, 2]), float(f(x)[0, 0]) > 0)
"""


def forks(number: int) -> None:
    """A process with threads of the runtime forks; the child, which does not use JAX, and the parent both go on."""
    del number
    assert child(_PROGRAM + _FORK) == "[1, 2] True"


ROUNDS: tuple[Callable[[int], None], ...] = (
    random_programs, compiling_and_running, donating_while_others_read, donated_then_used, failing_callbacks,
    exits_with_work_in_flight, forks,
)  # fmt: skip
_IN_PROCESSES = (exits_with_work_in_flight, forks)


@pytest.mark.parametrize("work", ROUNDS, ids=lambda work: work.__name__)
def test_strain(work: Callable[[int], None]) -> None:
    for number in range(2):
        work(number)


# --- memory ----------------------------------------------------------------------------------------------------------


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def compile_and_forget(count: int) -> None:
    """Programs that are all different, each run and dropped."""
    for _ in range(count):
        x = jax.device_put(np.ones(1000, np.float32), device())
        assert float(jax.jit(lambda x: jnp.tanh(x) * 2 + 1)(x)[0]) > 2
    jax.clear_caches()
    gc.collect()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_is_given_back() -> None:
    """Compiling and running again and again, memory does not grow: what is kept once is kept before it is measured."""
    compile_and_forget(60)  # 118 KB each for the first ones, 3 KB each afterwards
    before, live = resident_bytes(), device().memory_stats()["bytes_in_use"]
    compile_and_forget(60)
    assert resident_bytes() - before < 8 << 20
    x = jax.device_put(np.ones(1 << 18, np.float32), device())
    for _ in range(300):
        x = x * 1.5 - x * 0.5
    x.block_until_ready()
    del x
    gc.collect()
    assert device().memory_stats()["bytes_in_use"] <= live + (1 << 20)


def main(seconds: float) -> None:
    """Rounds in random order for so long; tells how many of each and how memory grew, in the last half as well."""
    end, number, counts = time.monotonic() + seconds, 0, dict.fromkeys(ROUNDS, 0)
    rng, sizes = random.Random(0), []
    while time.monotonic() < end:
        # Rounds in processes of their own are the slow ones.
        work = rng.choices(
            ROUNDS, [10 if round.__name__ not in ("forks", "exits_with_work_in_flight") else 1 for round in ROUNDS]
        )[0]
        number += 1
        work(number)
        counts[work] += 1
        if number % 20 == 0:
            jax.clear_caches()
            gc.collect()
            sizes.append(resident_bytes() >> 20)
    print({work.__name__: count for work, count in counts.items()})
    print(f"resident MiB: {sizes[:1]} at first, {sizes[len(sizes) // 2 :][:1]} half way, {sizes[-1:]} at the end")


if __name__ == "__main__":
    main(float(sys.argv[1]))
