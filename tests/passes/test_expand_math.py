"""``astra-expand-math``: error bounds, special values, and that loops over the functions become vector code."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes import run_pipeline
from astra_mlir.tools.measure_math import (
    FUNCTIONS,
    SPECIAL_VALUES,
    Compiled,
    compile_functions,
    errors_in_ulp,
    measure,
)


@functools.cache
def compiled(bits: int) -> Compiled:
    return compile_functions(bits)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_f32(name):
    error, operands = measure(compiled(32), name, 300_000)
    assert error <= FUNCTIONS[name].bounds[0], operands


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_f64(name):
    error, operands = measure(compiled(64), name, 500)
    assert error <= FUNCTIONS[name].bounds[1], operands


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, bits):
    values = np.array(SPECIAL_VALUES, f"float{bits}")
    if FUNCTIONS[name].operands == 2:
        operands = [grid.ravel().copy() for grid in np.meshgrid(values, values)]
    else:
        operands = [values]
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name].reference(*(x.astype(np.float64) for x in operands))
        actual = compiled(bits)(name, *operands)
        assert (errors_in_ulp(actual, expected) <= 4).all()
        zero = actual == 0
        np.testing.assert_array_equal(np.signbit(actual[zero]), np.signbit(expected.astype(actual.dtype)[zero]))


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v4"])
def test_no_calls(cpu, bits):
    code = compile_functions(bits, cpu=cpu, schedule=cpu) if cpu == "x86-64-v3" else compiled(bits)
    assert {name: code.calls(name) for name in FUNCTIONS if code.calls(name)} == {}
    assert "mm0, " in code.assembly


def test_without_fused_multiply_add():
    names = ["exp", "log2", "tanh", "sin", "erf", "powf"]
    for bits, count in ((32, 100_000), (64, 300)):
        code = compile_functions(bits, names, cpu="x86-64-v2", schedule="x86-64-v2")
        for name in names:
            error, operands = measure(code, name, count)
            assert error <= 4, (name, operands)
            assert code.calls(name) == [], name


def expanded(text: str) -> str:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, "astra-expand-math")
        return str(module)


@pytest.mark.parametrize("type", ["f16", "bf16", "f32", "f64", "vector<8xf32>", "vector<2x4xf64>", "vector<16xbf16>"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_types(name, type):
    operands = ", ".join(["%x"] * FUNCTIONS[name].operands)
    text = expanded(f"func.func @f(%x: {type}) -> {type} {{ %0 = math.{name} {operands} : {type} return %0 : {type} }}")
    assert f"math.{name} " not in text


@pytest.mark.parametrize("name", ["sqrt", "floor", "ceil", "trunc", "roundeven", "absf"])
def test_instructions_stay(name):
    text = expanded(f"func.func @f(%x: f32) -> f32 {{ %0 = math.{name} %x : f32 return %0 : f32 }}")
    assert f"math.{name}" in text


def test_unknown_target_is_refused():
    with pytest.raises(UnsupportedError, match="no target is named 'z80'"):
        expanded('module attributes {astra.target = "z80"} { func.func @f(%x: f32) { %0 = math.exp %x : f32 return } }')
