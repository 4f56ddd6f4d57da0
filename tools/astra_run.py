"""astra-run: compile a function of an ``.mlir`` file and run it on arrays.

Inputs are ``.npy`` files or seeded random numbers of the function's types.  Results are printed or saved.  The
``check.*`` custom calls of StableHLO conformance programs are honoured: exit code 1 when one does not hold.  They have
to be custom calls (stablehlo.custom_call @check.expect_eq); the syntax of the check dialect is not read.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from astra_mlir.bindings import ir
from astra_mlir.tools.checks import Check, take_checks
from astra_mlir.tools.entry import name_of, select_function
from astra_mlir.tools.session import Session, StopTool, read_source, run_tool

if TYPE_CHECKING:
    import numpy as np

    from astra_mlir.executable import Executable
    from astra_mlir.signature import ArraySpec

    Array = np.ndarray[Any, Any]

__all__ = ["main"]

_TIMING_SECONDS = 1.0
_TIMING_RUNS = 1000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="astra-run", description=__doc__, allow_abbrev=False)
    flag = parser.add_argument
    flag("program", nargs="?", default="-", help="MLIR text, bytecode or a StableHLO portable artifact; - is stdin")
    flag("--function", default="main", metavar="NAME", help="what to run (default: main, or the only public function)")
    flag("--input", action="append", default=[], metavar="FILE.npy", help="an argument; the first ones in their order")
    flag(
        "--random-seed", type=int, default=0, metavar="N", help="seed of the arguments that are not given (default: 0)"
    )
    flag("--save", metavar="PREFIX", help="write results to PREFIX0.npy, PREFIX1.npy, ... instead of printing them")
    flag("--time", action="store_true", help="print the times of compiling and of running")
    flag("--target", default=None, help="processor to compile for (default: this machine)")
    flag("--traceback", action="store_true", help="show the Python traceback of a failure")
    return parser


def _random(spec: ArraySpec, generator: np.random.Generator) -> Array:
    """Numbers of an argument's type: normal floats, small integers, fair booleans."""
    kind = spec.dtype.kind
    if kind == "b":
        return generator.integers(0, 2, spec.shape).astype(spec.dtype)
    if kind == "c":
        parts = generator.standard_normal((2, *spec.shape))
        return (parts[0] + 1j * parts[1]).astype(spec.dtype)
    if kind in "iu" or "int" in spec.dtype.name:
        low = 0 if "uint" in spec.dtype.name else -8
        high = 2 if spec.dtype.name.endswith("int2") else 8
        return generator.integers(max(low, -high), high, spec.shape).astype(spec.dtype)
    return generator.standard_normal(spec.shape).astype(spec.dtype)


def _load(path: str, spec: ArraySpec) -> Array:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StopTool(f"cannot read the array '{path}': {error}") from None
    # numpy stores types it does not know (bfloat16 and the like) as raw bytes of their width.
    if array.dtype.kind == "V" and array.dtype.itemsize == spec.dtype.itemsize:
        array = array.view(spec.dtype)
    return array


def _arguments(exe: Executable, paths: Sequence[str], seed: int) -> list[Array]:
    import numpy as np

    specs = exe.signature.inputs
    if len(paths) > len(specs):
        raise StopTool(f"{len(paths)} --input files for a function of {len(specs)} arguments {exe.signature}")
    generator = np.random.default_rng(seed)
    return [
        spec.accept(_load(paths[i], spec)) if i < len(paths) else _random(spec, generator)
        for i, spec in enumerate(specs)
    ]


def _give(results: Sequence[Array], prefix: str | None) -> None:
    import numpy as np

    for i, result in enumerate(results):
        if prefix is not None:
            try:
                np.save(f"{prefix}{i}.npy", result)
            except OSError as error:
                raise StopTool(f"cannot write '{prefix}{i}.npy': {error.strerror}") from None
        else:
            shape = "x".join([*map(str, result.shape), result.dtype.name])
            print(f"result {i}: {shape}\n{np.array2string(result, threshold=64, precision=7)}")


def _print_times(exe: Executable, arguments: Sequence[Array], first: float) -> None:
    times: list[float] = []
    while sum(times) < _TIMING_SECONDS and len(times) < _TIMING_RUNS:
        start = time.perf_counter()
        exe(*arguments)
        times.append(time.perf_counter() - start)
    compile_time = sum(exe.compile_times.values())
    parts = ", ".join(f"{name} {1e3 * seconds:.0f}" for name, seconds in exe.compile_times.items())
    print(f"compile: {1e3 * compile_time:.1f} ms ({parts})")
    print(
        f"run: median {1e3 * statistics.median(times):.4f} ms, fastest {1e3 * min(times):.4f} ms, "
        f"first {1e3 * first:.4f} ms ({len(times)} runs)"
    )


def _report_checks(session: Session, checks: Sequence[Check], results: tuple[Array, ...]) -> None:
    failures = [failure for check in checks if (failure := check.failure(results)) is not None]
    if failures:
        raise StopTool("\n".join(session.readable(failure) for failure in failures))


def _main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    session = Session("astra-run")
    with session.reporting():
        module = session.parse(read_source(options.program), options.program)
        with session.context, ir.Location.unknown():
            function = select_function(module, options.function)
            entry = name_of(function)
            own_results = len(ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).results)
            checks = take_checks(function)
        from astra_mlir.compiler import compile_module  # brings llvmlite: not needed to find a mistake in the program

        exe = compile_module(module, entry, target=options.target)
        arguments = _arguments(exe, options.input, options.random_seed)
        start = time.perf_counter()
        results = exe(*arguments)
        first = time.perf_counter() - start
    _give(results[:own_results], options.save)
    if options.time:
        _print_times(exe, arguments, first)
    _report_checks(session, checks, results)
    if checks:
        print(f"{len(checks)} check{'s' if len(checks) > 1 else ''} passed")
    return 0


def main(argv: list[str] | None = None) -> int:
    """The ``astra-run`` console script."""
    return run_tool("astra-run", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
