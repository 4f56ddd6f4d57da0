"""The benchmarks' results as JSON and as a page of the documentation."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.bars import geometric_mean, verdict
from benchmarks.cases import GROUPS
from benchmarks.measure import ASTRA, PEERS, XLA, CompileMeasurement, Measurement
from benchmarks.roofline import Roofline
from benchmarks.warm_start import TRACING, WarmStart

__all__ = ["Report", "machine"]


@dataclass
class Report:
    """Everything measured, possibly by several runs on one machine."""

    results: list[Measurement] = field(default_factory=list)
    compiled: list[CompileMeasurement] = field(default_factory=list)
    warm: list[WarmStart] = field(default_factory=list)
    roofline: Roofline = field(default_factory=Roofline)

    def verdict(self) -> list[str]:
        """A line for each bar."""
        return verdict(self.results, self.warm)

    def least_ms(self, result: Measurement) -> float | None:
        """The least milliseconds that the machine could take for a case; None where its work is not known."""
        if not self.roofline.gigaflops or not result.bounded:
            return None
        return self.roofline.least_ms(result.flops, result.bytes, "f64" if "f64" in result.name else "f32")

    # --- JSON -------------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """As JSON, with what the machine is."""
        document = {"machine": machine(), **asdict(self), "bars": self.verdict()}
        for case, result in zip(document["results"], self.results, strict=True):
            case |= {"speed": {peer: result.speed(peer) for peer in PEERS}, "least_ms": self.least_ms(result)}
        return json.dumps(document, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Report:
        """What :meth:`to_json` wrote."""
        document = json.loads(text)
        derived = ("speed", "least_ms")
        rates: dict[str, Any] = document["roofline"]
        for kind in ("copy", "read"):
            rates[kind] = {int(size): rate for size, rate in rates[kind].items()}
        return Report(
            [Measurement(**{k: v for k, v in case.items() if k not in derived}) for case in document["results"]],
            [CompileMeasurement(**c) for c in document["compiled"]],
            [WarmStart(**w) for w in document["warm"]],
            Roofline(**rates),
        )

    def update(self, later: Report, order: Sequence[str]) -> None:
        """Take over what a later run measured; cases are in ``order``, others go."""
        for name in ("results", "compiled", "warm"):
            found = {item.name: item for item in (*getattr(self, name), *getattr(later, name))}
            setattr(
                self, name, [found[key] for key in order if key in found] if name == "results" else [*found.values()]
            )
        if later.roofline.gigaflops:
            self.roofline = later.roofline

    # --- the page ---------------------------------------------------------------------------------------------------

    def to_markdown(self) -> str:
        """The documentation page."""
        lines = [
            _INTRODUCTION,
            *(f"- {key}: {value}" for key, value in machine().items()),
            *(f"- {line}" for line in (self.roofline.lines() if self.roofline.gigaflops else ())),
            "",
            "## Bars",
            "",
            *(f"- {line}" for line in self.verdict()),
        ]
        for group in GROUPS[:3] + GROUPS[4:]:
            chosen = [r for r in self.results if group in r.groups]
            if chosen:
                lines += ["", f"## {_TITLES[group]}", "", *self._table(chosen)]
        lines += self._programs()
        lines += _warm_lines(self.warm)
        for c in self.compiled:
            lines += _compile_lines(c)
        return "\n".join(lines) + "\n"

    def _table(self, results: Sequence[Measurement]) -> list[str]:
        peers = [peer for peer in PEERS if any(peer in r.milliseconds for r in results)]
        header = ["case", "Astra ms", *(f"{p} ms" for p in peers), *(f"by {p}" for p in peers), "least ms", "reached"]
        rows = [header, ["---", *["---:"] * (len(header) - 1)]]
        for r in results:
            least = self.least_ms(r)
            times = [f"{r.milliseconds[p]:.3f}" if p in r.milliseconds else "" for p in peers]
            speeds = [f"{r.speed(p):.2f}x" if p in r.milliseconds else "" for p in peers]
            reached = ["", ""] if least is None else [f"{least:.3f}", f"{least / r.milliseconds[ASTRA]:.0%}"]
            rows.append([_named(r), f"{r.milliseconds[ASTRA]:.3f}", *times, *speeds, *reached])
        means = [geometric_mean([s for r in results if (s := r.speed(p)) is not None]) for p in peers]
        rows.append(["geometric mean", "", *[""] * len(peers), *(f"{mean:.2f}x" for mean in means), "", ""])
        return [f"| {' | '.join(row)} |" for row in rows]

    def _programs(self) -> list[str]:
        """Error, compile times and memory."""
        if not self.results:
            return []
        rows = [["case", "error", "compile ms, Astra", "XLA", "ratio", "temporaries MiB, Astra", "XLA", "peak ratio"]]
        rows.append(["---", *["---:"] * (len(rows[0]) - 1)])
        for r in self.results:
            ours, theirs = r.compile_ms[ASTRA], r.compile_ms[XLA]
            error = f"{r.errors[ASTRA]:.0e}" if r.errors.get(ASTRA) else "0"
            peak = (r.kept + r.scratch[ASTRA]) / max(1, r.kept + r.scratch[XLA])
            sizes = [f"{r.scratch[way] / 2**20:.1f}" for way in (ASTRA, XLA)]
            compiled = [f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.1f}"]
            rows.append([r.name, f"{error}{'' if r.agrees else ' (!)'}", *compiled, *sizes, f"{peak:.2f}"])
        notes = [f"- {r.name}: {note}" for r in self.results for note in r.notes]
        return ["", "## Errors, compile times, memory", "", *(f"| {' | '.join(row)} |" for row in rows), "", *notes]


_TITLES = {
    "single": "Single operations",
    "model": "Models",
    "loop": "Loops",
    "call": "Calls",
    "training": "Training, a call from Python for each step",
}

_INTRODUCTION = """# Benchmarks

Made by `python -m benchmarks.run --json results.json --markdown docs/benchmarks.md`; do not edit. Astra, XLA's CPU
backend (through `jax.jit`), and, where a case has a counterpart, NumPy, PyTorch and `torch.compile`, and `jax.jit` with
Astra's plugin as JAX's backend (*plugin*) ran in turn in one process on the same arrays, f32 unless the name says
otherwise; a time is the median of many blocks of calls, first calls left out. *By* is a peer's time by Astra's: above
1, Astra is faster. The times depend on the machine and on what else it does; the ratios much less. *Least ms* is what
the case's operations take at the machine's measured rate of multiply-adds, or its bytes at the rate of reading or
copying, whichever is longer, and *reached* the part of Astra's time that this is; [how to read the
table](performance.md#reading-the-benchmarks) says what follows. *Error* is the largest difference from XLA's results
relative to the largest magnitude. *Compile* is the first call, from Python function to result. *Temporaries* is the
memory that a call needs beside its arguments and results, *peak ratio* compares all three.
"""


def _named(r: Measurement) -> str:
    return r.name + "".join(f" ({way}: another result!)" for way in r.disagreeing)


def _warm_lines(warm: Sequence[WarmStart]) -> list[str]:
    if not warm:
        return []
    rows = [
        "| case | first result s, Astra | XLA | ratio | tracing, in both | by XLA's whole | imports s, Astra | XLA |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for w in warm:
        first, imports = w.first_seconds, w.import_seconds
        tracing = first.get(TRACING, 0)
        rows.append(
            f"| {w.name} | {first[ASTRA]:.3f} | {first[XLA]:.3f} | {first[ASTRA] / first[XLA]:.2f} "
            f"| {tracing:.3f} | {tracing / first[XLA]:.2f} | {imports[ASTRA]:.2f} | {imports[XLA]:.2f} |"
        )
    head = "From the Python function and its arguments to the first result, in a process that finds all code on disk."
    return ["", "## A second process", "", head, "", *rows]


def _compile_lines(c: CompileMeasurement) -> list[str]:
    return [
        "",
        f"## Compile time: {c.name}",
        "",
        f"Astra {c.astra_seconds:.2f} s, XLA {c.xla_seconds:.2f} s, both from the Python function to machine code.",
        "",
        "| Astra's stage | seconds |",
        "|---|---:|",
        *(f"| {stage} | {seconds:.2f} |" for stage, seconds in c.stages.items()),
        f"| rest (tracing by JAX) | {c.astra_seconds - sum(c.stages.values()):.2f} |",
    ]


def machine() -> dict[str, str]:
    """What the numbers were taken on."""
    cpu, flags = platform.processor(), set()
    kernel = ".".join(platform.release().split(".")[:2])
    information = Path("/proc/cpuinfo")
    if information.exists():
        entries = [line.split(":", 1) for line in information.read_text().splitlines() if ":" in line]
        values = {key.strip(): value.strip() for key, value in entries}
        cpu, flags = values.get("model name", cpu), set(values.get("flags", "").split())
    vector = [name for name in ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni") if name in flags]
    packages = ("astra-mlir", "jax", "jaxlib", "torch-mlir", "llvmlite", "numpy", "torch")
    versions = [f"{name} {metadata.version(name)}" for name in packages if _installed(name)]
    return {
        "processor": f"{cpu}, {len(os.sched_getaffinity(0))} cores used ({', '.join(vector)})",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {kernel}, Python {platform.python_version()}",
        "packages": ", ".join(versions),
        "load of the machine when asked": f"{os.getloadavg()[0]:.1f} (the benchmark itself adds up to 2)",
    }


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
