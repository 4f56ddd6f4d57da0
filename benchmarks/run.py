"""Run the benchmarks: ``python -m benchmarks.run [--cases matmul,sort] [--json out.json] [--markdown page.md]``.

Exit code 1 when a result does not agree with XLA's; marks that are missed are printed, not failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.measure import CompileMeasurement, Measurement, measure, measure_compile
from benchmarks.report import machine, to_json, to_markdown, verdict

GPT_TRAIN_STEP = "GPT train step, 12 layers"


def _selected(text: str | None) -> tuple[list[Case], bool]:
    """The cases whose names contain one of the comma-separated parts, and whether the compile-time case is one."""
    parts = text.lower().split(",") if text else [""]
    chosen = [case for case in CASES if any(part in case.name.lower() for part in parts)]
    return chosen, any(part in GPT_TRAIN_STEP.lower() for part in parts)


def _compile_gpt() -> CompileMeasurement:
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    import common
    import gpt_text
    import jax

    problem = gpt_text.problem(common.load_text(), gpt_text.SIZES["124M"])
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), (problem.state, problem.batch(0)))
    return measure_compile(GPT_TRAIN_STEP, problem.step, shapes)


def _line(result: Measurement) -> str:
    error = "" if result.agrees else f"  DISAGREES: error {result.error:.1e}, allowed {result.tolerance:.1e}"
    return (
        f"{result.name:32} Astra {result.astra_ms:9.3f} ms  XLA {result.xla_ms:9.3f} ms  {result.speed:6.2f}x"
        f"  compile {result.astra_compile_ms:6.0f} / {result.xla_compile_ms:6.0f} ms{error}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", help="only those whose names contain one of these comma-separated words")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to time each case (default: 2)")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--markdown", type=Path, help="write the documentation page here")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    options = parser.parse_args()
    os.environ["ASTRA_CACHE"] = "0"  # what earlier runs compiled is not to be found
    cases, with_compile = _selected(options.cases)
    if options.list:
        print("\n".join([*(case.name for case in cases), *([GPT_TRAIN_STEP] if with_compile else [])]))
        return 0
    for key, value in machine().items():
        print(f"{key}: {value}")
    results, failed = [], False
    for case in cases:
        try:
            results.append(measure(case, options.seconds))
            print(_line(results[-1]), flush=True)
        except Exception as error:
            failed = True
            print(f"{case.name:32} FAILED: {type(error).__name__}: {error}", flush=True)
    compiled = [_compile_gpt()] if with_compile else []
    for c in compiled:
        print(f"{c.name:32} compile: Astra {c.astra_seconds:.2f} s, XLA {c.xla_seconds:.2f} s")
    print("\n".join(verdict(results, compiled)))
    if options.json:
        options.json.write_text(to_json(results, compiled) + "\n")
    if options.markdown and not failed:
        options.markdown.write_text(to_markdown(results, compiled))
    return 1 if failed or not all(result.agrees for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
