"""``astra-expand-math``: error bounds, special values, and that loops over the functions become vector code."""

from __future__ import annotations

import functools

import ml_dtypes
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
    compile_text,
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
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not FUNCTIONS[name].text])
def test_types(name, type):
    operands = ", ".join(["%x"] * FUNCTIONS[name].operands)
    text = expanded(f"func.func @f(%x: {type}) -> {type} {{ %0 = math.{name} {operands} : {type} return %0 : {type} }}")
    assert f"math.{name} " not in text


@pytest.mark.parametrize("bits", [32, 64])
def test_rounding_to_bf16(bits):
    text = f"""func.func @f(%x: memref<?xf{bits}>, %out: memref<?xbf16>) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = memref.dim %x, %c0 : memref<?xf{bits}>
      scf.for %i = %c0 to %n step %c1 {{
        %v = memref.load %x[%i] : memref<?xf{bits}>
        %r = arith.truncf %v : f{bits} to bf16
        memref.store %r, %out[%i] : memref<?xbf16>
      }}
      return
    }}"""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 1 << 32, 200_000, dtype=np.uint32).view(f"float{bits}")
    near_ties = (1 + (2 * rng.integers(0, 128, 1000) + 1) / 256) * (1 + rng.integers(-1, 2, 1000) * 2.0**-40)
    with np.errstate(invalid="ignore"):
        values = np.concatenate([np.array(SPECIAL_VALUES), near_ties, words]).astype(f"float{bits}")
    code = compile_text(text, bits, cpu="x86-64-v3", schedule="x86-64-v3")
    assert code.calls("f") == []
    out = np.empty(values.size, ml_dtypes.bfloat16)
    code.run("f", values, out)
    with np.errstate(all="ignore"):
        expected = values.astype(ml_dtypes.bfloat16) if bits == 32 else _bf16_of_f64(values)
        np.testing.assert_array_equal(out.astype(np.float32), expected.astype(np.float32))


def _bf16_of_f64(values: np.ndarray) -> np.ndarray:
    """Rounded once, by looking at the two neighbours."""
    near = values.astype(np.float32).astype(ml_dtypes.bfloat16)
    bits = near.view(np.int16)
    candidates = [near] + [(bits + step).astype(np.int16).view(ml_dtypes.bfloat16) for step in (-1, 1)]
    wide = [c.astype(np.float64) for c in candidates]
    result = near.copy()
    error = np.abs(wide[0] - values)
    for candidate, value in zip(candidates[1:], wide[1:], strict=True):
        closer = np.abs(value - values) < error
        result = np.where(closer, candidate, result)
        error = np.where(closer, np.abs(value - values), error)
    overflow = np.abs(values) >= 2.0**128 - 2.0**119  # half way from the largest number to the next
    return np.where(overflow, np.copysign(np.inf, values).astype(ml_dtypes.bfloat16), result)


@pytest.mark.parametrize("name", ["sqrt", "floor", "ceil", "trunc", "roundeven", "absf"])
def test_instructions_stay(name):
    text = expanded(f"func.func @f(%x: f32) -> f32 {{ %0 = math.{name} %x : f32 return %0 : f32 }}")
    assert f"math.{name}" in text


def test_unknown_target_is_refused():
    with pytest.raises(UnsupportedError, match="no target is named 'z80'"):
        expanded('module attributes {astra.target = "z80"} { func.func @f(%x: f32) { %0 = math.exp %x : f32 return } }')


@pytest.mark.parametrize("schedule", ["x86-64-v3", "x86-64-v4"])
def test_powers_of_two_where_there_is_an_instruction(schedule):
    text = expanded(
        f'module attributes {{astra.target = "{schedule}"}} '
        "{ func.func @f(%x: f64, %y: vector<8xf32>) -> (f64, vector<8xf32>) "
        "{ %0 = math.exp %x : f64 %1 = math.exp %y : vector<8xf32> return %0, %1 : f64, vector<8xf32> } }"
    )
    assert text.count("ldexp") == (2 if schedule == "x86-64-v4" else 0)
