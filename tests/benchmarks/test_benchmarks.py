"""The benchmark harness measures, compares and reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")
sys.path.append(str(Path(__file__).parents[2]))

import jax
import jax.numpy as jnp

import astra_mlir as astra
from benchmarks import batching, gradients, report, run
from benchmarks.cases import CASES, Case, arrays
from benchmarks.gradient_programs import PROGRAMS
from benchmarks.measure import CompileMeasurement, Measurement, largest_error, measure


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


def gradient(
    name: str, times: tuple[float, ...], memory: tuple[int, ...], share: float = 0.1
) -> gradients.GradientMeasurement:
    measured = gradients.GradientMeasurement(name, tolerance=1e-6, autodiff_share=share)
    measured.median_ms = dict(zip(gradients.WAYS, times, strict=True))
    measured.memory = dict(zip(gradients.WAYS, memory, strict=True))
    measured.compile_seconds = dict(zip(gradients.WAYS, (1.0, 2.0, 2.0), strict=True))
    measured.errors = dict.fromkeys(gradients.WAYS[1:], 1e-7)
    return measured


def test_marks_of_gradients_name_what_misses_them() -> None:
    good = gradient("good", (3.0, 2.0, 2.0), (100, 100, 90))
    bad = gradient("bad", (3.0, 2.0, 4.0), (100, 90, 110), share=0.5)
    assert all(line.endswith("met") for line in gradients.verdict([good]))
    missed = [line for line in gradients.verdict([good, bad]) if "missed" in line]
    assert len(missed) == 4
    assert all("bad" in line and "good" not in line for line in missed)
    assert "bad (0.75x)" in missed[0]
    assert "bad (1.10 times)" in missed[1]


def test_the_page_of_gradients_holds_every_program() -> None:
    page = gradients.to_markdown(
        [gradient("one", (3.0, 2.0, 1.0), (1 << 20, 1 << 21, 1 << 20))], [gradient("two", (6.0, 4.0, 3.0), (1, 1, 1))]
    )
    assert "| one | 3.00 | 2.00 | 1.00 | 1.50x | 3.00x | 2.00x | 1.0 | 2.0 | 1.0 |" in page
    assert "| two | 6.00 | 4.00 | 3.00 | 1.50x | 2.00x | 1.33x |" in page


def test_a_gradient_is_measured_three_ways_and_agrees() -> None:
    case = Case("product", lambda w, x: jnp.sum(jnp.tanh(x @ w)), arrays((32, 32), (16, 32)), 1e-5)
    measured = gradients.measure_gradient(case, seconds=0.05)
    assert set(measured.median_ms) == set(gradients.WAYS)
    assert measured.agrees
    assert measured.autodiff_share is not None
    assert 0 < measured.autodiff_share < 1


@pytest.mark.parametrize("case", [c for c in PROGRAMS if "N-body" in c.name or "Gibbs" in c.name], ids=lambda c: c.name)
def test_programs_of_loops_have_the_same_gradients(case: Case) -> None:
    arguments = case.arguments()
    expected = jax.jit(jax.grad(case.function))(*arguments)
    assert largest_error(astra.jit(astra.grad(case.function))(*arguments), expected) <= case.tolerance


def test_a_batched_program_is_measured_both_ways_and_is_the_same() -> None:
    program = batching.BatchedProgram(
        "product", lambda x, w: jnp.tanh(x @ w), lambda x, w: jnp.tanh(x @ w), arrays((4, 8, 16), (16, 8)), (0, None)
    )
    measured = batching.measure_batching(program, seconds=0.05)
    assert measured.agrees
    assert measured.same_ir
    assert measured.vmap_ms > 0
    assert measured.hand_ms > 0


def test_a_program_batched_in_another_way_is_told() -> None:
    program = batching.BatchedProgram("sum", jnp.sum, lambda x: 2 * jnp.sum(x, axis=1), arrays((4, 8)), (0,))
    measured = batching.measure_batching(program, seconds=0.05)
    assert not measured.same_ir
    assert not measured.agrees
