"""The LLVM IR text that leaves the bindings is what the LLVM of the code generator reads, bit for bit."""

from __future__ import annotations

import llvmlite.binding as llvm
import pytest

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir

CASES = [
    ("f32", "0xFF800000", "float 0xFFF0000000000000"),
    ("f32", "0x7FC00000", "float 0x7FF8000000000000"),
    ("f32", "0xFFC00001", "float 0xFFF8000020000000"),
    ("f32", "0.1", "float 0x3FB99999A0000000"),
    ("f32", "3.14159274", "float 0x400921FB60000000"),
    ("f32", "3.0e-41", "float 0x3784E84000000000"),
    ("f64", "0x7FF0000000000000", "double 0x7FF0000000000000"),
    ("f64", "0.1", "double 1.000000e-01"),
    ("f64", "3.141592653589793", "double 0x400921FB54442D18"),
    ("f16", "0.3333", "half 0xH3555"),
    ("f16", "0x7C00", "half 0xH7C00"),
    ("bf16", "0.1", "bfloat 0xR3DCD"),
    ("bf16", "0x7FC0", "bfloat 0xR7FC0"),
]


@pytest.mark.parametrize(("type_", "value", "expected"), CASES)
def test_float_literals(type_: str, value: str, expected: str) -> None:
    text = f"""
      llvm.func @f(%arg0: {type_}) -> {type_} {{
        %0 = llvm.mlir.constant({value} : {type_}) : {type_}
        %1 = llvm.fmul %arg0, %0 : {type_}
        llvm.return %0 : {type_}
      }}"""
    with make_context(), ir.Location.unknown():
        printed = translate_to_llvm_ir(ir.Module.parse(text))
    assert f"ret {expected}\n" in printed
    assert f", {expected.split()[1]}\n" in printed
    llvm.parse_assembly(printed)
