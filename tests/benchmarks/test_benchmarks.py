"""The benchmark harness measures, compares and reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")
sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import report, run
from benchmarks.cases import CASES
from benchmarks.measure import CompileMeasurement, Measurement, measure


def result(name: str, astra_ms: float, xla_ms: float, error: float = 0.0) -> Measurement:
    return Measurement(name, astra_ms, xla_ms, 100.0, 50.0, error, 1e-6)


def test_geometric_mean() -> None:
    assert report.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)


def test_marks() -> None:
    slow, fast = result("slow", 10.0, 2.0), result("fast", 1.0, 10.0)
    lines = report.verdict([slow, fast], [CompileMeasurement("model", 3.0, 1.0)])
    assert lines[0].endswith("met")
    assert "slow at 0.20x" in lines[1]
    assert lines[1].endswith("**missed**")
    assert lines[2].endswith("met")
    assert lines[3].startswith("compile time of model 3.00 times")


def test_disagreement_is_reported() -> None:
    wrong = result("wrong", 1.0, 1.0, error=1.0)
    assert not wrong.agrees
    assert "not wrong" in report.verdict([wrong], [])[2]
    assert "(!)" in report.to_markdown([wrong], [])


def test_json_and_markdown_hold_every_case() -> None:
    results = [result("one", 1.0, 1.5), result("two", 2.0, 1.0)]
    document = json.loads(report.to_json(results, []))
    assert [case["name"] for case in document["cases"]] == ["one", "two"]
    assert "processor" in document["machine"]
    page = report.to_markdown(results, [])
    assert "| one | 1.000 | 1.500 | 1.50x |" in page


def test_names_select_cases() -> None:
    cases, with_compile = run._selected("sort,MATMUL")
    assert [case.name for case in cases] == [c.name for c in CASES if "sort" in c.name or "matmul" in c.name]
    assert not with_compile
    assert run._selected(None) == (list(CASES), True)


def test_a_case_is_measured_and_agrees() -> None:
    case = next(case for case in CASES if case.name == "matmul 256")
    measured = measure(case, seconds=0.1)
    assert measured.agrees
    assert measured.astra_ms > 0
    assert measured.xla_ms > 0
