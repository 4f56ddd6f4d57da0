"""Run the benchmarks: ``python -m benchmarks.run [--cases matmul,sort] [--json out.json] [--markdown page.md]``.

A whole run takes half an hour; ``--cases`` and ``--only`` choose parts, and what ``--json`` names keeps the results of
earlier runs of other cases, so that the table and the bars can be made piece by piece.  Exit code 1 when a result does
not agree with XLA's; bars that are missed are printed, not failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import jax

from benchmarks.case import Case
from benchmarks.cases import CASES, GROUPS
from benchmarks.measure import (
    ASTRA,
    PEERS,
    XLA,
    CompileMeasurement,
    Measurement,
    available_peers,
    measure,
    measure_compile,
)
from benchmarks.models import example
from benchmarks.report import Report, machine
from benchmarks.roofline import measure_roofline
from benchmarks.warm_start import WARM_CASES, measure_warm_start

__all__ = ["main", "select"]

GPT_TRAIN_STEP = "GPT train step, 12 layers"
PARTS = ("cases", "warm", "compile")


def select(text: str | None, groups: str | None = None) -> list[Case]:
    """The cases whose names contain one of the comma-separated parts, of the comma-separated groups."""
    parts = text.lower().split(";" if ";" in text else ",") if text else [""]
    chosen = set(groups.split(",")) if groups else set(GROUPS)
    return [case for case in CASES if chosen & set(case.groups) and any(p.strip() in case.name.lower() for p in parts)]


def _compile_gpt() -> CompileMeasurement:
    text, common = example("gpt_text"), example("common")
    problem = text.problem(common.load_text(), text.SIZES["124M"])
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), (problem.state, problem.batch(0)))
    return measure_compile(GPT_TRAIN_STEP, problem.step, shapes)


def _line(result: Measurement) -> str:
    peers = "".join(
        f"  {peer} {result.milliseconds[peer]:.3f} ms {result.speed(peer):.2f}x"
        for peer in PEERS
        if peer in result.milliseconds
    )
    wrong = "".join(f"  {way} DISAGREES: error {result.errors[way]:.1e}" for way in result.disagreeing)
    compile_ms = f"  compile {result.compile_ms[ASTRA]:.0f} / {result.compile_ms[XLA]:.0f} ms"
    notes = "".join(f"  ({note})" for note in result.notes)
    return f"{result.name:44} Astra {result.milliseconds[ASTRA]:9.3f} ms{peers}{compile_ms}{wrong}{notes}"


def _peers(text: str | None) -> tuple[str, ...]:
    installed = available_peers()
    names = {peer.lower(): peer for peer in PEERS}
    chosen = tuple(names[part] for part in text.lower().split(",")) if text else PEERS
    for peer in chosen:
        if peer not in installed:
            print(f"{peer} is not installed: skipped")
    return tuple(peer for peer in chosen if peer in installed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", help="only those whose names contain one of these words (commas or semicolons)")
    parser.add_argument("--groups", help=f"only cases of these groups ({', '.join(GROUPS)})")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts of the run (default: {','.join(PARTS)})")
    parser.add_argument("--peers", help=f"who runs beside Astra (default: {','.join(PEERS)}, where installed)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long to time each case (default: 1)")
    parser.add_argument("--json", type=Path, help="add the results to this file")
    parser.add_argument("--missing", action="store_true", help="only cases that the file of --json does not have yet")
    parser.add_argument("--markdown", type=Path, help="write the documentation page here")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    return parser.parse_args()


def _add_to(path: Path | None, report: Report) -> Report:
    """What was measured now together with what ``path`` has of earlier runs, kept there."""
    if path is None:
        return report
    whole = Report.from_json(path.read_text()) if path.exists() else Report()
    whole.update(report, [case.name for case in CASES])
    path.write_text(whole.to_json())
    return whole


def main() -> int:
    options = _arguments()
    os.environ["ASTRA_CACHE"] = "0"  # what earlier runs compiled is not to be found
    os.environ.setdefault("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")
    cases, parts = select(options.cases, options.groups), options.only.split(",")
    if options.missing and options.json and options.json.exists():
        known = {result.name for result in Report.from_json(options.json.read_text()).results}
        cases = [case for case in cases if case.name not in known]
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    for key, value in machine().items():
        print(f"{key}: {value}")
    report, failed, peers = Report(), False, _peers(options.peers)
    if cases and "cases" in parts:
        report.roofline = measure_roofline()
        print("\n".join(report.roofline.lines()), flush=True)
    for case in cases if "cases" in parts else ():
        try:
            report.results.append(measure(case, options.seconds, peers))
            print(_line(report.results[-1]), flush=True)
            _add_to(options.json, report)  # a run that is broken off keeps what it has
        except Exception as error:
            failed = True
            print(f"{case.name:44} FAILED: {type(error).__name__}: {error}", flush=True)
    if "warm" in parts:
        for name in WARM_CASES:
            if any(case.name == name for case in cases):
                report.warm.append(warm := measure_warm_start(name))
                times = "  ".join(f"{way} {seconds:.3f} s" for way, seconds in warm.first_seconds.items())
                print(f"{name:44} second process: {times}", flush=True)
    if "compile" in parts and not options.cases:
        report.compiled.append(c := _compile_gpt())
        print(f"{c.name:44} compile: Astra {c.astra_seconds:.2f} s, XLA {c.xla_seconds:.2f} s")
    agree = all(result.agrees for result in report.results)
    report = _add_to(options.json, report)
    print("\n".join(report.verdict()))
    if options.markdown:
        options.markdown.write_text(report.to_markdown())
    return 1 if failed or not agree else 0


if __name__ == "__main__":
    sys.exit(main())
