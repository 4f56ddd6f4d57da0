"""Arrays that one thread reads while another donates them: the reader's values are the array's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import astra_mlir as astra

jax = pytest.importorskip("jax")
jnp = jax.numpy


def _jit(name: str) -> tuple[Callable[..., Any], Any]:
    return (astra.jit, jax.devices("cpu")[0]) if name == "astra.jit" else (jax.jit, jax.devices("astra")[0])


@pytest.mark.parametrize("size", [1 << 10, 1 << 19])
@pytest.mark.parametrize("name", ["astra.jit", "backend"])
def test_reader_beside_donor(name: str, size: int) -> None:
    jit, device = _jit(name)

    def wait(x: Any) -> Any:
        started.set()
        time.sleep(0.3)
        return x[:1]

    # Reads all of x after the callback has waited.
    def read(x: Any) -> Any:
        first = jax.pure_callback(wait, jax.ShapeDtypeStruct((1,), x.dtype), x)
        return (x + first * 0).sum()

    reader = jit(read)
    donor = jit(lambda x: x * -7, donate_argnums=0)
    started = threading.Event()
    make = jit(lambda x: x + 1)
    ones = jax.device_put(np.zeros(size, np.float32), device)
    reader(make(ones))
    donor(make(ones))
    x = make(ones)
    jax.block_until_ready(x)
    started.clear()
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.append(float(reader(x))))
    thread.start()
    assert started.wait(20)
    y = donor(x)
    thread.join()
    assert found == [size] and float(np.asarray(y)[0]) == -7
