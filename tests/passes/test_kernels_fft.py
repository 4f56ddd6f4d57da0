"""Kernels of ``astra.fft`` against numpy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type

TRANSFORMS = {"FFT": np.fft.fftn, "IFFT": np.fft.ifftn, "RFFT": np.fft.rfftn, "IRFFT": np.fft.irfftn}


def _check(kind: str, shape: tuple[int, ...], rank: int, double: bool) -> None:
    """``shape`` is that of the full signal."""
    rng = np.random.default_rng(0)
    lengths = shape[len(shape) - rank :]
    axes = tuple(range(len(shape) - rank, len(shape)))
    half = (*shape[:-1], shape[-1] // 2 + 1)
    operand = rng.standard_normal(half if kind == "IRFFT" else shape)
    if kind != "RFFT":
        operand = operand + 1j * rng.standard_normal(operand.shape)
    operand = operand.astype(
        {False: np.float32, True: np.float64}[double] if kind == "RFFT" else [np.complex64, np.complex128][double]
    )
    part = "f64" if double else "f32"
    result_shape = half if kind == "RFFT" else shape
    element = part if kind == "IRFFT" else f"complex<{part}>"
    result = f"tensor<{''.join(f'{size}x' for size in result_shape)}{element}>"
    text = ", ".join(map(str, lengths))
    (got,) = run_operation("fft", [operand], [result], f'fft_type = "{kind}", fft_length = array<i64: {text}>')
    wide = operand.astype(np.float64 if kind == "RFFT" else np.complex128)
    expected = TRANSFORMS[kind](wide, **({"s": lengths} if kind == "IRFFT" else {}), axes=axes)
    error = np.abs(got - expected).max() / np.sqrt(np.mean(np.abs(expected) ** 2))
    assert error < (1e-14 if double else 3e-6) * max(1.0, np.log2(np.prod(lengths))), (kind, shape, error)


LENGTHS = [1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 24, 77, 97, 100, 1024]


@pytest.mark.parametrize("length", LENGTHS)
def test_lengths(length: int) -> None:
    _check(("FFT", "IRFFT")[length % 2], (3, length), 1, length % 3 == 0)


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("double", [False, True])
def test_kinds(kind: str, double: bool) -> None:
    _check(kind, *(((2, 6, 17), 2) if double else ((3, 4, 5, 8), 3)), double)
    _check(kind, (5, 30), 1, double)


@pytest.mark.parametrize("length,double", [(8192, False), (8192, True), (5000, False), (3001, False), (65536, False)])
def test_long_lines(length: int, double: bool) -> None:
    _check("FFT", (11, length), 1, double)


def test_nothing() -> None:
    operand = np.zeros((0, 8), np.complex64)
    (got,) = run_operation("fft", [operand], [tensor_type(operand)], 'fft_type = "FFT", fft_length = array<i64: 8>')
    assert got.shape == (0, 8)
