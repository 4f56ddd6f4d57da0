"""The MLIR Python bindings, imported in one place.

Everything in Astra takes ``ir``, ``passmanager``, ``rewrite`` and the dialect modules from here, so that another
distribution of the bindings is a change of this file only.

The bindings look for a Python module for the dialect of every operation they touch and retry the failing import each
time when there is none (54 us per operation instead of 1 us).  So every dialect in use gets a module here, an empty one
where the wheel ships none.
"""

from __future__ import annotations

import functools
import sys
import types

from torch_mlir import ir, passmanager, rewrite
from torch_mlir._mlir_libs import _mlir, _mlirDialectsLLVM, _mlirRegisterEverything, _stablehlo
from torch_mlir.dialects import (
    affine,
    arith,
    bufferization,
    cf,
    complex,
    func,
    irdl,
    linalg,
    llvm,
    math,
    memref,
    scf,
    tensor,
    vector,
)

__all__ = [
    "affine", "arith", "bufferization", "cf", "complex", "func", "ir", "irdl", "linalg", "llvm", "make_context", "math",
    "memref", "passmanager", "rewrite", "scf", "stablehlo", "tensor", "translate_to_llvm_ir", "vector",
]  # fmt: skip

stablehlo = _stablehlo  # attribute classes, portable artifacts and the reference interpreter

_DIALECTS_WITHOUT_MODULE = ("astra", "stablehlo", "chlo", "vhlo", "interpreter", "check", "sdy", "builtin_ext")

for _name in _DIALECTS_WITHOUT_MODULE:
    sys.modules.setdefault(f"torch_mlir.dialects.{_name}", types.ModuleType(f"torch_mlir.dialects.{_name}"))

_stablehlo.register_stablehlo_passes()


def _dense_elements(attribute: ir.Attribute) -> ir.Attribute:
    element = attribute.type.element_type
    if isinstance(element, (ir.IntegerType, ir.IndexType)):
        return ir.DenseIntElementsAttr(attribute)
    if isinstance(element, ir.ComplexType):
        return ir.DenseElementsAttr(attribute)
    return ir.DenseFPElementsAttr(attribute)


@functools.cache
def _accept_complex_constants() -> None:
    """Replace the bindings' own downcast of dense elements, which raises TypeError for complex numbers."""
    attribute = ir.Attribute.parse("dense<0> : tensor<1xi32>")
    _mlir.register_type_caster(attribute.typeid, replace=True)(_dense_elements)


def make_context() -> ir.Context:
    """A new context with every upstream dialect, StableHLO, CHLO and the Astra dialect loaded (about 10 ms)."""
    from astra_mlir.dialects import load_dialect

    context = ir.Context()
    _mlirRegisterEverything.register_llvm_translations(context)
    _stablehlo.register_dialect(context)
    context.enable_multithreading(False)
    with context, ir.Location.unknown():
        _accept_complex_constants()
        load_dialect()
    return context


def translate_to_llvm_ir(module: ir.Module) -> str:
    """The LLVM IR text of a module that is wholly in the LLVM dialect."""
    return _mlirDialectsLLVM.translate_module_to_llvmir(module.operation)
