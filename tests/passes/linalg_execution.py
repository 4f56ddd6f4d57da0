"""Runs functions in Astra's dialect for the tests of ``astra-to-linalg``: small ones, which no kernel takes."""

from __future__ import annotations

from collections.abc import Sequence

import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir, make_context
from astra_mlir.compiler import compile_module

_DTYPES = {
    "i1": np.bool_,
    "i4": ml_dtypes.int4,
    "ui4": ml_dtypes.uint4,
    **{f"{u}i{n}": np.dtype(f"{u}int{n}") for u in ("", "u") for n in (8, 16, 32, 64)},
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "f32": np.float32,
    "f64": np.float64,
    "complex<f32>": np.complex64,
    "complex<f64>": np.complex128,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E4M3": ml_dtypes.float8_e4m3,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E3M4": ml_dtypes.float8_e3m4,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
    "f8E8M0FNU": ml_dtypes.float8_e8m0fnu,
    "f6E2M3FN": ml_dtypes.float6_e2m3fn,
    "f6E3M2FN": ml_dtypes.float6_e3m2fn,
    "f4E2M1FN": ml_dtypes.float4_e2m1fn,
}
DTYPES = {name: np.dtype(dtype) for name, dtype in _DTYPES.items()}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def tensor(dtype: str, *shape: int) -> str:
    """The text of a tensor type."""
    return f"tensor<{''.join(f'{n}x' for n in shape)}{dtype}>"


def type_of(array: np.ndarray) -> str:
    """The text of the tensor type of a numpy array."""
    return tensor(NAMES[array.dtype], *array.shape)


def run(text: str, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of the function ``@main`` of a module in Astra's dialect."""
    with make_context(), ir.Location.unknown():
        return [np.asarray(result) for result in compile_module(ir.Module.parse(text))(*inputs)]


def call(body: str, inputs: Sequence[np.ndarray], results: Sequence[str]) -> list[np.ndarray]:
    """Results of a function with arguments %0, %1, ... whose ``body`` (operations and return) is given."""
    arguments = ", ".join(f"%{i}: {type_of(np.asarray(x))}" for i, x in enumerate(inputs))
    return run(f"func.func @main({arguments}) -> ({', '.join(results)}) {{\n{body}\n}}", inputs)
