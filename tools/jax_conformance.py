"""How much of JAX's own test suite passes on the Astra backend: runs its files, counts, writes docs/jax-conformance.md.

    python -m tools.jax_conformance CHECKOUT lax_test fft_test     # run, as far as not yet recorded
    python -m tools.jax_conformance CHECKOUT --table               # the counts, into the page

CHECKOUT is JAX's repository at the tag of the installed version.  Every test that ends is recorded in a file of
``--results``, so that a run may be stopped at any time (``--seconds``) and goes on where it was; a test during which
the process ended counts as failed.  What fails on Astra runs on JAX's CPU backend as well: what fails there does not
count.

The module is also the plugin of pytest that records (``-p tools.jax_conformance``).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "jax-conformance.md"
PLATFORMS = {"astra": "astra,cpu", "cpu": "cpu"}
GENERATED_CASES = 10
START, END = "<!-- table -->", "<!-- end of table -->"
HEAD = """\
| file | tests run | passed | failed | skipped | fail on CPU too | share passed | why the failed ones fail |
|---|---:|---:|---:|---:|---:|---:|---|
"""


# --- the plugin of pytest ---------------------------------------------------------------------------------------------


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--record", help="file of results, one JSON object a line")
    parser.addoption("--among", help="file with the names of the tests to run (default: all)")
    parser.addoption("--every", type=int, default=1, help="only each N-th test")
    parser.addoption("--stop-after", type=float, help="seconds after which no more tests begin")


def pytest_configure(config: Any) -> None:
    import jax
    import jax._src.test_util  # declares the setting, which has no environment variable

    jax.config.update("jax_test_dut", "cpu")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(Path(config.getoption("record")), config.getoption("stop_after")))


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    done = read(Path(config.getoption("record")))
    among = config.getoption("among")
    names = set(Path(among).read_text().split("\n")) if among else None
    Path(config.getoption("record")).with_suffix(".total").write_text(str(len(items)))
    every = config.getoption("every")
    keep = [
        item
        for item in (items[::every] if every > 1 else items)
        if name_of(item.nodeid) not in done and (names is None or name_of(item.nodeid) in names)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(keep)])
    items[:] = keep


class _Recorder:
    """Writes what happens to each test at once: the process may end in the next one."""

    def __init__(self, path: Path, stop_after: float | None) -> None:
        self.file = path.open("a", buffering=1)
        self.stop_at = time.monotonic() + stop_after if stop_after else None
        self.session: Any = None

    def pytest_sessionstart(self, session: Any) -> None:
        self.session = session

    def write(self, name: str, outcome: str, **more: Any) -> None:
        self.file.write(json.dumps({"test": name, "outcome": outcome, **more}) + "\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.write(name_of(nodeid), "started", at=time.time())

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            text = report.longreprtext if report.failed else ""
            crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", text[-2000:])
            more = {"message": crash[:2000], "text": text[-6000:]} if report.failed else {}
            self.write(name_of(report.nodeid), report.outcome, seconds=round(report.duration, 2), **more)
        if self.stop_at and time.monotonic() > self.stop_at:
            self.session.shouldstop = "out of time"


def name_of(nodeid: str) -> str:
    """``LaxTest::testAbs0`` of ``tests/lax_test.py::LaxTest::testAbs0``."""
    return nodeid.partition("::")[2]


# --- results ----------------------------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The last word on each test; one that began and never ended has crashed the process."""
    results: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            before = results.get(entry["test"], {}).get("outcome")
            if before != "failed" or entry["outcome"] == "started":  # a failed part of a test is not made good
                results[entry["test"]] = entry
    return results


def failures(results: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, entry in results.items() if entry["outcome"] in ("failed", "started")]


def record(results: Path, platform: str, file: str) -> Path:
    return results / platform / f"{file}.jsonl"


def forget(path: Path, names: set[str]) -> None:
    """Take results out, so that their tests run again."""
    if not path.exists():
        return
    lines = path.read_text().splitlines()
    kept = [line for line in lines if json.loads(line)["test"] not in names]
    path.write_text("".join(line + "\n" for line in kept))


def _forget_running(path: Path, since: float = 0) -> None:
    forget(path, {name for name, entry in read(path).items() if entry.get("at", 0) > since})


# --- running ----------------------------------------------------------------------------------------------------------


def run(options: argparse.Namespace, platform: str, file: str, deadline: float, among: list[str] | None = None) -> bool:
    """Run what is not recorded yet; whether all of it was."""
    path = record(options.results, platform, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = path.with_suffix(".among")
    if among is not None:
        names.write_text("\n".join(among))
    repository = str(PAGE.parent.parent)
    environment = {
        **os.environ,
        "JAX_PLATFORMS": PLATFORMS[platform],
        "JAX_NUM_GENERATED_CASES": str(GENERATED_CASES),
        "PYTHONPATH": os.pathsep.join(filter(None, [repository, os.environ.get("PYTHONPATH")])),
    }
    while (left := deadline - time.monotonic()) > 10:
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tools.jax_conformance", "--tb=short",
            "--no-header", "--show-capture=no", "-r", "N", f"--record={path}", f"--stop-after={left - 5}",
            f"--every={options.every}",
            *([f"--among={names}"] if among is not None else []),
            *(["-k", options.k] if options.k else []), *(["-n", str(options.n)] if options.n > 1 else []),
            f"tests/{file}.py",
        ]  # fmt: skip
        log = path.with_suffix(".log")
        with log.open("a") as output:
            process = subprocess.Popen(
                command, cwd=options.checkout, env=environment, stdout=output, stderr=output, start_new_session=True
            )
            try:
                status = process.wait(left + options.patience)
            except subprocess.TimeoutExpired:
                status = -9
            except BaseException:  # stopped from outside: what was running has not failed
                _kill(process)
                _forget_running(path)
                raise
            _kill(process)
            if status == -9:  # only what has hung for long has failed
                _forget_running(path, since=time.time() - options.patience)
        if status in (0, 1, 5):
            return True
        if status == 2:
            text = log.read_text()[-2000:]
            if "out of time" in text:
                _forget_running(path)  # another process of pytest-xdist's
                return False
            print(text, file=sys.stderr)
            return True
        # The process ended inside of a test, which is recorded as begun: go on after it.
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process with those of pytest-xdist, if it has not ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class Counts:
    """What became of a file's tests; ``both``: failed, and on JAX's CPU backend too."""

    total: int
    passed: int
    failed: int
    skipped: int
    both: int


def counts(results: Path, file: str) -> Counts:
    ours, cpu = read(record(results, "astra", file)), read(record(results, "cpu", file))
    failed = failures(ours)
    both = [name for name in failed if cpu.get(name, {}).get("outcome") not in (None, "passed")]
    outcomes = [entry["outcome"] for entry in ours.values()]
    collected = record(results, "astra", file).with_suffix(".total")  # not there where the file cannot be imported
    total = int(collected.read_text()) if collected.exists() else len(ours)
    return Counts(total, outcomes.count("passed"), len(failed) - len(both), outcomes.count("skipped"), len(both))


def line(file: str, found: Counts, why: str) -> str:
    """The row of the table."""
    counted = found.passed + found.failed
    ran = counted + found.skipped + found.both
    tests = "all" if ran == found.total else f"{ran} of {found.total}"
    share = f"{math.floor(10000 * found.passed / counted) / 100:.2f} %" if counted else ""
    cells = (file, tests, found.passed, found.failed, found.skipped, found.both, share, why)
    return f"| {' | '.join(map(str, cells))} |"


# --- the page ---------------------------------------------------------------------------------------------------------


def rows(text: str) -> Iterator[tuple[str, str]]:
    table = text.partition(START)[2].partition(END)[0]
    for row in table.strip().splitlines()[2:]:
        yield row.split("|")[1].strip(), row


def write_table(results: Path, page: Path = PAGE) -> None:
    """Put the counts of every file in ``results`` into the page; other rows and the reasons stay as they are."""
    text = page.read_text()
    kept = dict(rows(text))
    for path in sorted((results / "astra").rglob("*.jsonl")):
        file = path.relative_to(results / "astra").with_suffix("").as_posix()
        why = kept[file].split("|")[-2].strip() if file in kept else ""
        kept[file] = line(file, counts(results, file), why)
    before, after = text.partition(START)[0], text.partition(END)[2]
    table = HEAD + "".join(kept[file] + "\n" for file in sorted(kept))
    page.write_text(f"{before}{START}\n\n{table}\n{END}{after}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="JAX's repository at the tag of the installed version")
    parser.add_argument("files", nargs="*", help="files of its tests, without .py")
    parser.add_argument("--results", type=Path, default=Path("build/jax-conformance"), help="folder of the results")
    parser.add_argument("--seconds", type=float, default=1e6, help="stop after this time; run again to go on")
    parser.add_argument("--patience", type=float, default=60, help="seconds beyond --seconds before a test is killed")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th test")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests with such names, as pytest has it")
    parser.add_argument("-n", type=int, default=1, help="processes (pytest-xdist)")
    parser.add_argument("--again", action="store_true", help="run tests again that failed")
    parser.add_argument("--failures", action="store_true", help="run nothing, print what failed and why")
    parser.add_argument("--table", action="store_true", help="write the counts into docs/jax-conformance.md")
    options = parser.parse_intermixed_args(arguments)
    options.results = options.results.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    deadline = time.monotonic() + options.seconds
    for file in options.files:
        ours = record(options.results, "astra", file)
        if options.failures:
            cpu = read(record(options.results, "cpu", file))
            found = read(ours)
            for name in failures(found):
                message = found[name].get("message", "the process ended").strip().replace("\n", " ")[:300]
                other = cpu.get(name, {}).get("outcome", "not run")
                print(f"{file}::{name} (on CPU: {other})\n    {message}")
            continue
        if options.again:
            forget(ours, set(failures(read(ours))))
        whole = run(options, "astra", file, deadline)
        failed = failures(read(ours))
        if failed:
            whole &= run(options, "cpu", file, deadline, failed)
        print(line(file, counts(options.results, file), "" if whole else "not finished"), flush=True)
        if not whole and time.monotonic() > deadline - 10:
            break
    if options.table:
        write_table(options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
