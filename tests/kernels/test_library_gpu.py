"""The kernels of examples/kernels on GPUs: the library's tests once more, each launch made PTX that is assembled to a
binary and run by the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from astra_mlir.bindings import make_context
from astra_mlir.gpu.machine import GpuMachine, assemble
from astra_mlir.kernels import launch as kernel_launch
from tests.kernels import test_library
from tests.passes.gpu.programs import Compiled
from tools.ptx_emulator import launch as run_ptx

LAUNCHED: list[str] = []
SPILLED: list[str] = []


def _launch(target: str) -> Any:
    compiled: dict[Any, tuple[str, int, int]] = {}

    def launch(kernel: Any, grid: Any, args: Any, kwargs: Any) -> None:
        arguments, constants, options = kernel_launch.bound_arguments(kernel, args, kwargs)
        sizes = kernel_launch.grid_of(grid, {**constants, **{a.name: a.value for a in arguments}})
        ones = [a.name for a in arguments if type(a.value) is int and a.value == 1]
        key = (kernel.name, repr([(a.name, str(a.kind)) for a in arguments]), repr(constants), tuple(ones))
        if key not in compiled:
            types = {a.name: a.kind for a in arguments}
            aligned = {a.name: 16 for a in arguments if isinstance(a.value, np.ndarray)}
            module = kernel.trace(
                make_context(), types, constants, name="k", ones=ones, divisibility=aligned, **options
            )  # fmt: skip
            text = str(module).replace("module {", f'module attributes {{astra.target = "cuda:{target}"}} {{', 1)
            made = Compiled(text)
            ptx = made.ptx()
            cubin = assemble(ptx, GpuMachine.parse(target))
            if cubin.kernels["k"].spill_store_bytes or cubin.warnings:
                SPILLED.append(f"{kernel.name} {constants}: {cubin}")
            compiled[key] = ptx, made.attribute("astra.threads"), made.attribute("astra.shared_bytes")
        LAUNCHED.append(kernel.name)
        ptx, threads, shared = compiled[key]
        values = [_flat(a.value) if isinstance(a.value, np.ndarray) else a.value for a in arguments]
        run_ptx(ptx, "k", grid=sizes, block=(threads, 1, 1), arguments=values, shared_bytes=shared, late=True)

    return launch


def _flat(array: np.ndarray) -> np.ndarray:
    """The elements as they lie in memory."""
    return array if array.flags.c_contiguous else array.T if array.flags.f_contiguous else np.asarray(array.base)


@pytest.fixture(params=["sm_80", "sm_90a"])
def on_gpu(request: Any, monkeypatch: Any) -> Iterator[None]:
    SPILLED.clear()
    LAUNCHED.clear()
    monkeypatch.setattr(kernel_launch, "launch", _launch(request.param))
    yield
    assert LAUNCHED and not SPILLED


def looser(monkeypatch: Any, tolerance: float) -> None:
    exact = test_library.close
    monkeypatch.setattr(test_library, "close", lambda a, b, t=2e-5: exact(a, b, max(t, tolerance)))


@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize(
    "name", ["vector_add", "softmax", "layer_norm", "dropout", "cross_entropy", "quantized_matmul"]
)
def test_kernel(name: str, monkeypatch: Any) -> None:
    looser(monkeypatch, 2e-5)
    getattr(test_library, f"test_{name}")()


@pytest.mark.slow
@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize("transposed", [False, True])
def test_matmul(transposed: bool, monkeypatch: Any) -> None:
    looser(monkeypatch, 3e-2)
    test_library.test_matmul(transposed)


@pytest.mark.slow
@pytest.mark.usefixtures("on_gpu")
def test_grouped_gemm(monkeypatch: Any) -> None:
    looser(monkeypatch, 3e-2)
    test_library.test_grouped_gemm()


@pytest.mark.slow
@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize(("causal", "shared"), [(False, 1), (True, 2)])
def test_flash_attention(causal: bool, shared: int, monkeypatch: Any) -> None:
    looser(monkeypatch, 3e-2)
    test_library.test_flash_attention(causal, shared)


@pytest.mark.slow
@pytest.mark.usefixtures("on_gpu")
@pytest.mark.parametrize(("causal", "shared"), [(False, 1), (True, 2)])
def test_packed_attention(causal: bool, shared: int, monkeypatch: Any) -> None:
    looser(monkeypatch, 3e-2)
    test_library.test_packed_attention(causal, shared)
