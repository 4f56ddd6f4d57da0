"""Measures the elementary functions of ``astra-expand-math`` and writes ``docs/math-accuracy.md``.

    python -m astra_mlir.tools.measure_math > docs/math-accuracy.md

f32 results are compared with numpy and scipy in f64, f64 results with ``mpmath``; the unit is the distance between the
two numbers of the type around the exact value.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import mpmath
import numpy as np
import scipy.special

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
from astra_mlir.passes import run_pipeline

__all__ = [
    "FUNCTIONS",
    "SPECIAL_VALUES",
    "Compiled",
    "Measured",
    "compile_functions",
    "compile_text",
    "errors_in_ulp",
    "measure",
    "samples",
]

LOWERING = (
    "astra-expand-math,convert-scf-to-cf,expand-strided-metadata,finalize-memref-to-llvm,convert-math-to-llvm,"
    "convert-math-to-libm,convert-arith-to-llvm,convert-cf-to-llvm,convert-func-to-llvm,reconcile-unrealized-casts"
)
DTYPES = {32: np.dtype(np.float32), 64: np.dtype(np.float64)}
SPECIAL_VALUES = [
    0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, 3.0, -3.0, 1e-30, -1e-30, 100.0, -100.0,
    1e3, -1e3, 1.2e-38, -1.2e-38, 1e-42, -1e-42, 3.4e38, -3.4e38,
]  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A function: how to compute it with numpy and mpmath, and where; the bound is in units of the last place."""

    reference: Callable[..., Any]
    exact: Callable[..., Any]
    intervals: tuple[tuple[float, float], ...]  # of uniform samples; every function gets random bit patterns beside
    bounds: tuple[float, float] = (2.0, 2.0)  # f32, f64: the promise of docs/math-accuracy.md
    operands: int = 1
    text: str = ""  # where it is more than one operation, of %v0 on type {t}, named %r


_LOGISTIC = """
        %one = arith.constant 1.0 : {t}
        %m = arith.negf %v0 : {t}
        %e = math.exp %m : {t}
        %d = arith.addf %one, %e : {t}
        %r = arith.divf %one, %d : {t}"""


def _logistic(x: Any) -> Any:
    return np.exp(-np.logaddexp(0, -x))


def _rsqrt(x: Any) -> Any:
    return 1 / np.sqrt(x)


FUNCTIONS: dict[str, Measured] = {
    "exp": Measured(np.exp, mpmath.exp, ((-104, 89), (-1, 1), (-745, 710))),
    "exp2": Measured(np.exp2, lambda x: mpmath.mpf(2) ** x, ((-150, 129), (-1, 1), (-1075, 1025))),
    "expm1": Measured(np.expm1, mpmath.expm1, ((-20, 89), (-1.1, 1.1), (-40, 710))),
    "log": Measured(np.log, mpmath.log, ((0.5, 2), (0.9, 1.1), (0, 1000))),
    "log2": Measured(np.log2, lambda x: mpmath.log(x, 2), ((0.5, 2), (0.9, 1.1), (0, 1000))),
    "log10": Measured(np.log10, mpmath.log10, ((0.5, 2), (0.9, 1.1), (0, 1000))),
    "log1p": Measured(np.log1p, mpmath.log1p, ((-1, 3), (-0.1, 0.1), (0, 1000))),
    "tanh": Measured(np.tanh, mpmath.tanh, ((-10, 10), (-1, 1), (-20, 20))),
    "sinh": Measured(np.sinh, mpmath.sinh, ((-90, 90), (-1, 1), (-711, 711))),
    "cosh": Measured(np.cosh, mpmath.cosh, ((-90, 90), (-1, 1), (-711, 711))),
    "asinh": Measured(np.arcsinh, mpmath.asinh, ((-3, 3), (-1e4, 1e4))),
    "acosh": Measured(np.arccosh, mpmath.acosh, ((1, 3), (1, 1e4))),
    "atanh": Measured(np.arctanh, mpmath.atanh, ((-1, 1),)),
    "sin": Measured(np.sin, mpmath.sin, ((-10, 10), (-1000, 1000), (-1e9, 1e9))),
    "cos": Measured(np.cos, mpmath.cos, ((-10, 10), (-1000, 1000), (-1e9, 1e9))),
    "tan": Measured(np.tan, mpmath.tan, ((-10, 10), (-1000, 1000), (-1e9, 1e9))),
    "asin": Measured(np.arcsin, mpmath.asin, ((-1, 1), (-0.1, 0.1))),
    "acos": Measured(np.arccos, mpmath.acos, ((-1, 1), (0.9, 1))),
    "atan": Measured(np.arctan, mpmath.atan, ((-3, 3), (-1000, 1000))),
    "atan2": Measured(np.arctan2, mpmath.atan2, ((-10, 10), (-1e5, 1e5)), operands=2),
    "erf": Measured(scipy.special.erf, mpmath.erf, ((-6, 6), (-1, 1))),
    "powf": Measured(np.power, mpmath.power, ((0, 10), (-8, 8), (0.9, 1.1)), (1.0, 2.0), operands=2),
    "logistic": Measured(
        _logistic, lambda x: 1 / (1 + mpmath.exp(-x)), ((-110, 20), (-1, 1), (-30, 30)), text=_LOGISTIC
    ),
    "cbrt": Measured(np.cbrt, lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), ((-10, 10), (-1e5, 1e5))),
    "rsqrt": Measured(_rsqrt, lambda x: 1 / mpmath.sqrt(x), ((0, 10), (0, 1e5))),
}


@dataclass(frozen=True)
class Compiled:
    """Machine code of a loop over each function, and its assembly."""

    bits: int
    engine: llvm.ExecutionEngine
    assembly: str

    def __call__(self, name: str, *operands: np.ndarray) -> np.ndarray:
        """Apply a function to contiguous one-dimensional arrays."""
        result = np.empty_like(operands[0])
        self.run(name, *operands, result)
        return result

    def run(self, name: str, *arrays: np.ndarray) -> None:
        """Call a function that takes memrefs of dynamic size."""
        values = []
        for array in arrays:
            values += [array.ctypes.data, array.ctypes.data, 0, array.size, 1]
        kinds = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64] * len(arrays)
        ctypes.CFUNCTYPE(None, *kinds)(self.engine.get_function_address(name))(*values)

    def calls(self, name: str) -> list[str]:
        """What the loop over a function calls (nothing, where it could be vectorized)."""
        body = re.search(rf"^{name}:(.*?)^\.Lfunc_end", self.assembly, re.DOTALL | re.MULTILINE)
        assert body is not None
        return re.findall(r"\bcall\w*\s+(\S+)", body.group(1))


def _loop(name: str, bits: int) -> str:
    memref = f"memref<?xf{bits}>"
    operands = range(FUNCTIONS[name].operands)
    arguments = "".join(f"%x{i}: {memref}, " for i in operands)
    loads = "".join(f"%v{i} = memref.load %x{i}[%i] : {memref}\n" for i in operands)
    values = ", ".join(f"%v{i}" for i in operands)
    body = FUNCTIONS[name].text.format(t=f"f{bits}") or f"%r = math.{name} {values} : f{bits}"
    return f"""
    func.func @{name}({arguments}%out: {memref}) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = memref.dim %out, %c0 : {memref}
      scf.for %i = %c0 to %n step %c1 {{
        {loads}{body}
        memref.store %r, %out[%i] : {memref}
      }}
      return
    }}"""


def compile_functions(
    bits: int, names: Sequence[str] = tuple(FUNCTIONS), cpu: str | None = None, schedule: str | None = None
) -> Compiled:
    """Compile a loop over each function for a processor (this machine's unless named) and a schedule target."""
    return compile_text("".join(_loop(name, bits) for name in names), bits, cpu, schedule)


def compile_text(functions: str, bits: int, cpu: str | None = None, schedule: str | None = None) -> Compiled:
    """Compile functions in MLIR text in the same way."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    attributes = f' attributes {{astra.target = "{schedule}"}}' if schedule else ""
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(f"module{attributes} {{ {functions} }}")
        run_pipeline(module, LOWERING)
        text = translate_to_llvm_ir(module)
    features = llvm.get_host_cpu_features().flatten() if cpu is None else ""
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=cpu or llvm.get_host_cpu_name(), features=features, opt=3, jit=True
    )
    code = llvm.parse_assembly(text)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(code, builder)
    assembly = machine.emit_assembly(code)
    engine = llvm.create_mcjit_compiler(code, machine)
    engine.finalize_object()
    return Compiled(bits, engine, assembly)


def samples(name: str, bits: int, count: int) -> list[np.ndarray]:
    """Operands: ``count`` uniform samples of each interval, and as many random bit patterns (finite ones)."""
    rng = np.random.default_rng(len(name) + bits)
    dtype, function = DTYPES[bits], FUNCTIONS[name]
    operands = []
    for operand in range(function.operands):
        intervals = function.intervals if operand == 0 else (*function.intervals[1:], (-300, 300))
        parts = [rng.uniform(low, high, count) for low, high in intervals]
        words = rng.integers(0, 1 << 32, 2 * count, dtype=np.uint32)
        patterns = words.view(dtype)[:count]
        parts.append(np.where(np.isfinite(patterns), patterns, 1.0))
        operands.append(np.concatenate(parts).astype(dtype))
    return operands


def errors_in_ulp(actual: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The distance of each result from the exact value, which is given in a wider type."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(actual.dtype)
        finite = np.isfinite(rounded)
        unit = np.spacing(np.abs(np.where(finite, rounded, 1)).astype(actual.dtype)).astype(exact.dtype)
        error = np.abs(actual.astype(exact.dtype) - exact) / unit
        same = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
        return np.where(finite, np.where(np.isnan(error), np.inf, error), np.where(same, 0, np.inf))


def _exact(name: str, bits: int, operands: list[np.ndarray]) -> np.ndarray:
    function = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        reference = np.asarray(function.reference(*(x.astype(np.float64) for x in operands)))
    if bits == 32:
        return reference
    exact = reference.astype(np.longdouble)
    with mpmath.workprec(120):
        for i in np.flatnonzero(np.isfinite(reference) & (reference != 0)):
            value = function.exact(*(mpmath.mpf(float(x[i])) for x in operands))
            high = float(value)
            exact[i] = np.longdouble(high) + np.longdouble(float(value - high)) if np.isfinite(high) else high
    return exact


def measure(compiled: Compiled, name: str, count: int) -> tuple[float, list[float]]:
    """The largest error in units of the last place, and the operands where it is."""
    operands = samples(name, compiled.bits, count)
    error = errors_in_ulp(compiled(name, *operands), _exact(name, compiled.bits, operands))
    worst = int(np.argmax(error))
    return float(error[worst]), [float(x[worst]) for x in operands]


def main() -> int:
    """Print the table."""
    compiled = {bits: compile_functions(bits) for bits in (32, 64)}
    print("# Accuracy of elementary functions\n")
    print(
        "Made by `python -m astra_mlir.tools.measure_math`.  The largest error seen, in units of the last place, of the"
    )
    print(
        "functions that `astra-expand-math` writes as arithmetic: f32 on 1,000,000 operands per interval against f64,"
    )
    print(
        "f64 on 5,000 against `mpmath`; intervals where the function is interesting and random bit patterns, denormals"
    )
    print(
        "and huge arguments included.  `sqrt` is correctly rounded by the processor.  f16 and bf16 are computed in f32"
    )
    print("and rounded once.  Special values (NaN, infinities, zeros with their sign) are IEEE 754's.\n")
    print("No entry is above 2, and `tests/passes/test_expand_math.py` holds them to it.  `logistic` is")
    print("1 / (1 + exp(-x)), which is recognised as one function.\n")
    print("No function calls a library: `sin`, `cos` and `tan` reduce every finite argument, up to the largest, in")
    print("vector code (f32: sums of exact products in f64; f64: a table of the bits of 1 / (2 pi)).\n")
    print("| function | f32 | at | f64 | at |")
    print("|---|---|---|---|---|")
    for name in FUNCTIONS:
        cells = []
        for bits, count in ((32, 1_000_000), (64, 5_000)):
            error, operands = measure(compiled[bits], name, count)
            cells.append(f"{error:.2f} | {', '.join(f'{x:.6g}' for x in operands)}")
        print(f"| {name} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
