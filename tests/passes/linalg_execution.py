"""Runs Astra functions for the tests of ``astra-to-linalg``, with upstream passes alone behind that pass."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import ml_dtypes
import numpy as np

from astra_mlir import passes
from astra_mlir.bindings import ir, linalg, make_context

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
}
DTYPES = {name: np.dtype(dtype) for name, dtype in _DTYPES.items()}
NAMES = {dtype: name for name, dtype in DTYPES.items()}

_BUFFERIZE = (
    "linalg-fuse-elementwise-ops,"
    "one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map"
    " allow-return-allocs-from-loops},"
    "buffer-results-to-out-params{modify-public-functions}"
)
_TO_LLVM = ",".join(
    [
        "func.func(convert-linalg-to-loops,arith-expand{include-bf16=true},convert-scf-to-cf)",
        "expand-strided-metadata",
        "lower-affine",
        "convert-math-to-llvm{approximate-log1p=false}",
        "convert-math-to-libm",
        "convert-complex-to-llvm",
        "arith-expand{include-bf16=true}",
        "convert-arith-to-llvm",
        "finalize-memref-to-llvm",
        "convert-func-to-llvm",
        "convert-cf-to-llvm",
        "reconcile-unrealized-casts",
    ]
)


def tensor(dtype: str, *shape: int) -> str:
    """The text of a tensor type."""
    return f"tensor<{''.join(f'{n}x' for n in shape)}{dtype}>"


def type_of(array: np.ndarray) -> str:
    """The text of the tensor type of a numpy array."""
    return tensor(NAMES[array.dtype], *array.shape)


def run(text: str, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of the function ``@main`` of a module in Astra's dialect."""
    from torch_mlir.execution_engine import ExecutionEngine

    inputs = [np.ascontiguousarray(x) if x.ndim else x.copy() for x in map(np.asarray, inputs)]
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        main = next(op for op in module.body.operations if op.operation.attributes["sym_name"].value == "main")
        main.operation.attributes["llvm.emit_c_interface"] = ir.UnitAttr.get()
        types = main.operation.attributes["function_type"].value.results
        outputs = [np.full(t.shape, 0, DTYPES[str(t.element_type)]) for t in types]
        passes.run_pipeline(module, "astra-to-linalg,canonicalize")
        _call_expm1(module)
        passes.run_pipeline(module, _BUFFERIZE)
        _copy_by_loops(module)
        passes.run_pipeline(module, _TO_LLVM)
        engine = ExecutionEngine(module, opt_level=2)
        arguments = [_descriptor(array) for array in (*inputs, *outputs)]
        pointers = [ctypes.c_void_p(descriptor.ctypes.data) for descriptor in arguments]
        packed = (ctypes.c_void_p * max(1, len(pointers)))(*[ctypes.addressof(pointer) for pointer in pointers])
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.raw_lookup("_mlir_ciface_main"))(packed)
    return outputs


def _call_expm1(module: ir.Module) -> None:
    """Call libm's expm1, which the upstream lowering spells exp(x) - 1."""
    names = {"f32": "expm1f", "f64": "expm1"}

    def replace(op: ir.Operation) -> ir.WalkResult:
        if op.name == "math.expm1":
            x = op.operands[0]
            callee = ir.FlatSymbolRefAttr.get(names[str(x.type)])
            call = ir.Operation.create("func.call", [x.type], [x], {"callee": callee}, ip=ir.InsertionPoint(op))
            op.result.replace_all_uses_with(call.result)
            op.erase()
        return ir.WalkResult.ADVANCE

    module.operation.walk(replace)
    for t, name in names.items():
        module.body.append(ir.Operation.parse(f"func.func private @{name}({t}) -> {t}"))


def _copy_by_loops(module: ir.Module) -> None:
    """Copy memrefs by linalg, as the C function that strided copies would call is not at hand."""

    def replace(op: ir.Operation) -> ir.WalkResult:
        if op.name == "memref.copy":
            with ir.InsertionPoint(op), ir.Location.unknown():
                linalg.copy(op.operands[0], outs=[op.operands[1]])
            op.erase()
        return ir.WalkResult.ADVANCE

    module.operation.walk(replace)


def _descriptor(array: np.ndarray) -> np.ndarray:
    """A memref descriptor of row-major data."""
    strides = [1] * array.ndim
    for i in reversed(range(array.ndim - 1)):
        strides[i] = strides[i + 1] * array.shape[i + 1]
    return np.array([array.ctypes.data, array.ctypes.data, 0, *array.shape, *strides], np.int64)


def call(body: str, inputs: Sequence[np.ndarray], results: Sequence[str]) -> list[np.ndarray]:
    """Results of a function with arguments %0, %1, ... whose ``body`` (operations and return) is given."""
    arguments = ", ".join(f"%{i}: {type_of(np.asarray(x))}" for i, x in enumerate(inputs))
    return run(f"func.func @main({arguments}) -> ({', '.join(results)}) {{\n{body}\n}}", inputs)
