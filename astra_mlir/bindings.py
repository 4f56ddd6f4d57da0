"""The MLIR Python bindings, imported in one place.

Everything in Astra takes ``ir``, ``passmanager``, ``rewrite`` and the dialect modules from here, so that another
distribution of the bindings is a change of this file only.

The bindings look for a Python module for the dialect of every operation they touch and retry the failing import each
time when there is none (54 us per operation instead of 1 us).  So every dialect in use gets a module here, an empty one
where the wheel ships none.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import re
import struct
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch_mlir import ir, passmanager, rewrite
from torch_mlir._mlir_libs import _mlir, _mlirDialectsLLVM, _mlirRegisterEverything, _stablehlo
from torch_mlir.dialects import (
    affine,
    arith,
    bufferization,
    cf,
    complex,
    func,
    linalg,
    llvm,
    math,
    memref,
    scf,
    tensor,
    vector,
)

from astra_mlir.errors import CompileError, source_place

__all__ = [
    "affine", "arith", "bufferization", "cf", "complex", "dense_data", "func", "ir", "linalg", "llvm",
    "make_context", "math", "memref", "passmanager", "rewrite", "scf", "stablehlo", "tensor", "torch_context",
    "torch_decomposition_table", "torch_importer", "translate_to_llvm_ir", "vector",
]  # fmt: skip

stablehlo = _stablehlo  # attribute classes, portable artifacts and the reference interpreter

_DIALECTS_WITHOUT_MODULE = ("astra", "stablehlo", "chlo", "vhlo", "interpreter", "check", "sdy", "builtin_ext")

for _name in _DIALECTS_WITHOUT_MODULE:
    sys.modules.setdefault(f"torch_mlir.dialects.{_name}", types.ModuleType(f"torch_mlir.dialects.{_name}"))

_stablehlo.register_stablehlo_passes()

# CHLO is only loaded as a dependency of a pass, so a context runs this one on an empty module.
_LOADS_CHLO = "builtin.module(func.func(stablehlo-complex-math-expander))"


_c_api = ctypes.CDLL(str(next(Path(_mlir.__file__).parent.glob("lib*AggregateCAPI.so"))))
_raw_data = _c_api.mlirDenseElementsAttrGetRawData
_raw_data.restype, _raw_data.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_capsule_name = ctypes.pythonapi.PyCapsule_GetName
_capsule_name.restype, _capsule_name.argtypes = ctypes.c_char_p, [ctypes.py_object]


def dense_data(attribute: ir.DenseElementsAttr, size: int) -> ctypes.Array[ctypes.c_char]:
    """The first ``size`` bytes of a dense attribute's storage, without a copy (a splat stores one element).

    The storage belongs to the context, which the returned buffer keeps alive.
    """
    capsule = attribute._CAPIPtr
    address = _raw_data(_capsule_pointer(capsule, _capsule_name(capsule)))
    buffer = (ctypes.c_char * size).from_address(address) if size else (ctypes.c_char * 0)()
    buffer.attribute = attribute  # type: ignore[attr-defined]
    return buffer


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
        passmanager.PassManager.parse(_LOADS_CHLO).run(ir.Module.create().operation)
        _accept_complex_constants()
        load_dialect()
    return context


def torch_context() -> ir.Context:
    """A new context with the dialects that PyTorch programs pass through: torch, StableHLO, CHLO, func."""
    context = ir.Context()
    from torch_mlir._mlir_libs import _torchMlir

    _torchMlir.register_dialect(context)
    _stablehlo.register_dialect(context)
    context.enable_multithreading(False)
    return context


def torch_importer() -> types.ModuleType:
    """torch-mlir's importer of FX graphs, a module that imports torch."""
    return importlib.import_module("torch_mlir.extras.fx_importer")


def torch_decomposition_table() -> dict[Any, Callable[..., Any]]:
    """What torch-mlir expects to be decomposed before its importer."""
    return importlib.import_module("torch_mlir.extras.fx_decomp_util").get_decomposition_table()


def translate_to_llvm_ir(module: ir.Module) -> str:
    """The LLVM IR text of a module that is wholly in the LLVM dialect, in the spelling that LLVM 22 reads.

    Raises :class:`CompileError` for a module in which something else is left (the translation itself would crash).
    """
    for op in module.body.operations:
        if not op.operation.name.startswith("llvm."):
            place = source_place(op.operation.location)
            raise CompileError(f"{place}: '{op.operation.name}' is left after the lowering to the LLVM dialect")
    text = _mlirDialectsLLVM.translate_module_to_llvmir(module.operation)
    pieces, done = [], 0
    for start in _places_of_floats(text):
        match = _FLOAT_LITERAL.match(text, start)
        if match:
            pieces += [text[done:start], _older_float_literal(match)]
            done = match.end()
    return "".join([*pieces, text[done:]])


# LLVM 23 prints floats as the shortest decimal that reads back, as the bits of the type (f0x...), or by name (-inf).
# LLVM 22 wants decimals to be exact, the bits of float as those of double, and no names.
_FLOAT_LITERAL = re.compile(
    r"(?<=[ (\[<])(?:f0x(?P<bits>[0-9A-F]+)"
    r"|(?P<decimal>-?\d\.\d+e[+-]\d+)"
    r"|(?P<sign>[+-])(?:(?P<inf>inf)|(?P<quiet>qnan|nan)|snan)(?:\((?P<payload>0x[0-9A-Fa-f]+)\))?)"
)
_BITS_OF_FLOAT = re.compile(r"f0x")
_DECIMAL_POINT = re.compile(r"\.\d+e[+-]\d")
_NO_NUMBER = re.compile(r"[+-](?:inf|q?nan|snan)")
_FLOAT_TYPE = re.compile(r"(?<![\w.@%])(half|bfloat|float|double)(?!\w)")
_MANTISSA_BITS = {"half": 10, "bfloat": 7, "float": 23, "double": 52}
_WIDTH = {"half": 16, "bfloat": 16, "float": 32, "double": 64}


def _places_of_floats(text: str) -> list[int]:
    """Where literals may begin: searching for what is rare in the text takes a tenth of searching for them whole."""
    places = [match.start() for match in _BITS_OF_FLOAT.finditer(text)]
    for match in _DECIMAL_POINT.finditer(text):
        digit = match.start() - 1
        places.append(digit - 1 if text[digit - 1] == "-" else digit)
    if "inf" in text or "nan" in text:
        places += [match.start() for match in _NO_NUMBER.finditer(text)]
    return sorted(places)


def _type_before(match: re.Match[str]) -> str:
    """The floating-point type named last before a literal on its line ("double", whose literals stay, if none)."""
    text, position = match.string, match.start()
    for type_ in _WIDTH:  # almost always the word before
        if text.endswith(type_, 0, position - 1):
            return type_
    return (_FLOAT_TYPE.findall(text, text.rfind("\n", 0, position), position) or ["double"])[-1]


def _older_float_literal(match: re.Match[str]) -> str:
    type_ = _type_before(match)
    width, mantissa = _WIDTH[type_], _MANTISSA_BITS[type_]
    if match["decimal"]:
        if type_ == "double":
            return match[0]
        bits = _bits_of(float(match["decimal"]), type_)
    elif match["bits"]:
        bits = int(match["bits"], 16)
    else:
        bits = ((1 << (width - 1 - mantissa)) - 1) << mantissa
        bits |= (1 << (width - 1)) if match["sign"] == "-" else 0
        bits |= (1 << (mantissa - 1)) if match["quiet"] else 0
        bits |= int(match["payload"] or "0", 16)
    if type_ == "half":
        return f"0xH{bits:04X}"
    if type_ == "bfloat":
        return f"0xR{bits:04X}"
    return f"0x{_float_bits_as_double(bits) if type_ == 'float' else bits:016X}"


def _bits_of(value: float, type_: str) -> int:
    if type_ == "half":
        return int(struct.unpack("<H", struct.pack("<e", value))[0])
    bits = int(struct.unpack("<I", struct.pack("<f", value))[0])
    if type_ == "float":
        return bits
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16  # to bfloat, nearest even


def _float_bits_as_double(bits: int) -> int:
    sign, exponent, mantissa = bits >> 31, bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 0xFF:
        return sign << 63 | 0x7FF << 52 | mantissa << 29
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])
