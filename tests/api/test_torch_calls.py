"""Calls of compiled functions on PyTorch's tensors: which program runs, whose memory is read, what stays native."""

from __future__ import annotations

import gc
import math
import weakref
from typing import Any

import numpy as np
import pytest

import astra_mlir as astra

torch = pytest.importorskip("torch", reason="the PyTorch frontend needs PyTorch: pip install 'astra-mlir[torch]'")


def scaled(x: Any, s: float = 2.0, negative: bool = False) -> dict[str, Any]:
    return {"scaled": torch.tanh(x) * s, "same": -x if negative else x}


def test_values_that_are_no_tensors_choose_the_program() -> None:
    compiled, x = astra.jit(scaled), torch.randn(4, 5)
    for s in (2.0, 3.0, -0.0, 0.0, math.nan, 2):
        for negative in (False, True):
            for _ in range(3):
                result, expected = compiled(x, s, negative=negative), scaled(x, s, negative)
                torch.testing.assert_close(result["scaled"], expected["scaled"], equal_nan=True)
                assert torch.equal(result["same"], expected["same"])
    assert torch.equal(1 / compiled(torch.ones(1), -0.0)["scaled"], torch.tensor([-math.inf]))
    info = compiled._torch.cache_info()
    assert (info.hits, info.misses) == (24, 13)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(5, 4).t(),
        torch.randn(4, 10)[:, ::2],
        torch.randn(4, 5, dtype=torch.complex64).conj().imag,
        torch.randn(4, 5, dtype=torch.float64),
        torch.empty(0, 5),
        torch.tensor(3.0),
        torch.randn(3, 1, 4)[:, :, 1:],
        np.ones((3, 2), np.float32),
    ],
    ids=["transposed", "strided", "negated", "f64", "empty", "scalar", "part", "numpy"],
)
def test_reads_tensors_as_they_lie(tensor: Any) -> None:
    compiled, zero = astra.jit(lambda x, zero: torch.tanh(x) + zero), torch.tensor(0.0)
    expected = torch.tanh(torch.as_tensor(tensor))
    for _ in range(3):
        torch.testing.assert_close(compiled(tensor, zero), expected)


FLOATS = ("bfloat16", "float16", "float32", "float64", "complex64", "float8_e4m3fn")
INTEGERS = ("int8", "int16", "int64", "uint8", "bool")


@pytest.mark.parametrize("kind", FLOATS + INTEGERS)
def test_results_have_the_element_type(kind: str) -> None:
    dtype = getattr(torch, kind)
    compiled, x = astra.jit(lambda x: [x, (torch.stack([x, x]),)]), torch.tensor([0.0, 1.0]).to(dtype)
    for _ in range(2):
        one, (two,) = compiled(x)
        assert one.dtype == two.dtype == dtype
        assert two.shape == (2, 2)
        assert torch.equal(two[1].to(torch.complex64), torch.tensor([0, 1], dtype=torch.complex64))


def test_repeated_calls_are_native() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Dropout(0.5), torch.nn.Linear(7, 2)).eval()
    compiled, x = astra.jit(model), torch.randn(4, 5)
    with torch.no_grad():
        for _ in range(3):
            torch.testing.assert_close(compiled(x), model(x))
        assert compiled._native_hits == 2
        model[0].weight.data = torch.randn(5, 7).t()  # another memory, and another layout
        torch.testing.assert_close(compiled(x), model(x))
        model[0].weight.add_(1)
        torch.testing.assert_close(compiled(x), model(x))
        assert compiled._native_hits == 4
        with pytest.raises(astra.AstraError, match="requires a gradient"), torch.enable_grad():
            compiled(x.clone().requires_grad_())
        model[1].train()
        with pytest.raises(astra.UnsupportedError, match="random"):
            compiled(x)
        model.eval().double()
        with pytest.raises(astra.DTypeError, match="expected element type torch.float32, got torch.float64"):
            compiled(x)


def test_a_function_with_a_mutable_argument_is_dispatched_by_its_contents() -> None:
    compiled, x = astra.jit(lambda parts, x: parts["w"] * x if len(parts) == 1 else parts["v"] - x), torch.ones(2)
    parts = {"w": torch.tensor(3.0)}
    assert compiled(parts, x).tolist() == [3, 3]
    parts["w"] = torch.tensor(4.0)
    assert compiled(parts, x).tolist() == [4, 4]
    parts["v"] = torch.tensor(9.0)
    assert compiled(parts, x).tolist() == [8, 8]


def test_results_own_their_memory_and_give_it_back() -> None:
    compiled = astra.jit(lambda x: (x + 1, x[:4].reshape(2, 2)))
    x = torch.zeros(1 << 18)
    compiled(x)
    first, _ = compiled(x)
    others = [compiled(first)[0] for _ in range(20)]
    del compiled
    gc.collect()
    assert first[0] == 1 and all(other[-1] == 2 for other in others)
    first[0] = 7
    array = np.asarray(first)
    kept = weakref.ref(first)
    del first
    assert kept() is None and array[0] == 7


def test_thread_limit() -> None:
    compiled = astra.jit(scaled, num_threads=1)
    compiled(torch.ones(3))
    assert compiled._torch.compile(torch.ones(3)).num_threads == 1
    alone = astra.compile(scaled, torch.ones(3))
    alone.num_threads = 2
    assert alone.num_threads == 2
    with pytest.raises(astra.AstraError, match="num_threads"):
        alone.num_threads = -1
