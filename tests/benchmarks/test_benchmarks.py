"""The benchmark harness measures, compares and reports."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")
sys.path.append(str(Path(__file__).parents[2]))

import jax
import jax.numpy as jnp

import astra_mlir as astra
from benchmarks import bars, batching, gradients, measure, run
from benchmarks.case import Case, arrays
from benchmarks.cases import CASES, GROUPS
from benchmarks.gradient_programs import PROGRAMS
from benchmarks.measure import (
    ASTRA,
    COMPILED_TORCH,
    NUMPY,
    PLUGIN,
    TORCH,
    XLA,
    CompileMeasurement,
    Measurement,
    largest_error,
)
from benchmarks.report import Report
from benchmarks.roofline import Roofline
from benchmarks.warm_start import WARM_CASES, WarmStart


def wide(case: Case) -> contextlib.AbstractContextManager[object]:
    return jax.enable_x64(True) if case.wide else contextlib.nullcontext()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_case_at_a_small_size_agrees_with_xla(case: Case) -> None:
    small = case.smaller()
    with wide(small):
        arguments = small.arguments()
        expected = jax.jit(small.function)(*arguments)
        assert largest_error(astra.jit(small.function)(*arguments), expected) <= small.tolerance
        if small.numpy is not None:
            actual = small.numpy(*map(np.asarray, arguments))
            assert largest_error(actual, expected) <= max(10 * small.tolerance, 1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if c.torch], ids=lambda c: c.name)
def test_every_pytorch_counterpart_computes_the_same(case: Case) -> None:
    pytest.importorskip("torch")
    small = case.smaller()
    if small.small_function is not None and "loop" in case.groups:
        pytest.skip("the number of steps is part of the counterpart")
    with wide(small):
        arguments = small.arguments()
        ((function, own, to_numpy),) = measure._torch_ways(small, arguments, (TORCH,)).values()
        actual, expected = to_numpy(function(*own)), jax.jit(small.function)(*arguments)
        assert largest_error(actual, expected) <= max(10 * small.tolerance, 1e-5)


def test_the_table_is_whole() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {group for case in CASES for group in case.groups} == set(GROUPS)
    assert set(bars.HARDWARE_MS) <= set(names)
    assert set(WARM_CASES) <= set(names)


def result(name: str, astra_ms: float, xla_ms: float, error: float = 0.0, groups: tuple[str, ...] = ("single",)):
    measured = Measurement(name, list(groups), {ASTRA: astra_ms, XLA: xla_ms}, {ASTRA: 100.0, XLA: 50.0})
    measured.errors, measured.tolerance, measured.kept = {ASTRA: error}, 1e-6, 1000
    measured.scratch, measured.flops, measured.bytes = {ASTRA: 200, XLA: 100}, 4_000_000, 1000
    return measured


def test_bars_name_what_misses_them() -> None:
    slow, fast = result("slow", 10.0, 2.0), result("fast", 1.0, 90.0)
    model = result("model", 1.0, 2.0, groups=("model",))
    warm = WarmStart("model", {ASTRA: 0.2, XLA: 0.5}, {ASTRA: 1.0, XLA: 1.0})
    lines = {line.partition(":")[0]: line for line in bars.verdict([slow, fast, model], [warm])}
    assert lines["speed over XLA's, mean of the single operations"].endswith("4.24, at least 2: met")
    assert lines["speed over XLA's, mean of models and loops"].endswith("met")
    assert lines["speed over XLA's, each case"].endswith("**missed** by slow 0.20")
    assert "1 models 2.00" in lines["compile time by XLA's, mean of the models"]
    assert lines["first result of a second process, both with their caches, by XLA's"].endswith("met")
    assert lines["peak memory by XLA's, each model"].endswith("1.09, at most 1.1: met")
    assert lines["results agree with XLA's"].endswith("met")


def test_bars_of_the_plugin_compare_it_with_xla() -> None:
    call, training = result("call", 3.0, 4.0, groups=("call",)), result("steps", 9.0, 2.0, groups=("training",))
    call.milliseconds[PLUGIN], training.milliseconds[PLUGIN] = 5.0, 4.0
    lines = {line.partition(":")[0]: line for line in bars.verdict([call, training])}
    assert lines["time of a call by jax.jit's"].endswith("0.75, at most 1: met")
    assert lines["time of a call through the plugin by jax.jit's on XLA"].endswith("**missed** by call 1.25")
    slow = lines["speed of the plugin over XLA's, a thousand calls of small training steps"]
    assert slow.endswith("**missed** by steps 0.50")


def test_a_step_is_called_on_its_own_state() -> None:
    assert measure.in_turn(lambda state, batch: (state * batch, state), 5)(1, 2) == (32, 16)


def test_a_call_longer_than_all_the_time_is_measured_too() -> None:
    """The blocks of whoever is first decide when it ends, however little time there is for the others."""
    now = [0.0]

    def slow() -> float:
        now[0] += 10
        return 0.0

    times = measure.times_in_turn({"a": (slow, ()), "b": (slow, ())}, 0.01, lambda: now[0])
    assert len(times["a"]) >= 7
    assert len(times["b"]) == 3


def test_disagreement_is_reported() -> None:
    wrong = result("wrong", 1.0, 1.0, error=1.0)
    assert not wrong.agrees
    assert "wrong (Astra)" in bars.verdict([wrong])[-1]
    assert "(!)" in Report([wrong]).to_markdown()


def report() -> Report:
    rates = {1 << 20: 100.0, 1 << 25: 10.0}
    return Report(
        [result("one", 1.0, 1.5), result("two f64", 2.0, 1.0)],
        [CompileMeasurement("model", 3.0, 1.0, {"astra": 1.0})],
        [WarmStart("one", {ASTRA: 0.2, XLA: 0.5}, {ASTRA: 1.0, XLA: 1.0})],
        Roofline(rates, rates, {"f32": 40.0, "f64": 20.0}),
    )


def test_json_holds_everything_and_is_read_again() -> None:
    whole = report()
    document = json.loads(whole.to_json())
    assert [case["name"] for case in document["results"]] == ["one", "two f64"]
    assert document["results"][0]["speed"][XLA] == 1.5
    assert "processor" in document["machine"]
    assert Report.from_json(whole.to_json()) == whole


def test_the_page_shows_how_much_of_the_machine_is_reached() -> None:
    page = report().to_markdown()
    assert "| one | 1.000 | 1.500 | 1.50x | 0.100 | 10% |" in page
    assert "| two f64 | 2.000 | 1.000 | 0.50x | 0.200 | 10% |" in page


def test_a_later_run_adds_to_an_earlier_one() -> None:
    whole, later = report(), Report([result("three", 1.0, 1.0), result("one", 1.0, 3.0)])
    whole.update(later, ["three", "one", "two f64"])
    assert [r.name for r in whole.results] == ["three", "one", "two f64"]
    assert whole.results[1].speed() == 3.0
    assert whole.roofline == report().roofline


def test_names_and_groups_select_cases() -> None:
    named = [case.name for case in run.select("sort,MATMUL")]
    assert named == [c.name for c in CASES if "sort" in c.name or "matmul" in c.name]
    assert run.select(None) == list(CASES)
    assert [case.name for case in run.select("4x4", "loop")] == ["scan 4x4 matmul, 100k steps"]


def test_a_case_is_measured_with_all_peers_and_agrees() -> None:
    case = next(case for case in CASES if case.name == "matmul 256").smaller()
    peers = [peer for peer in measure.available_peers() if peer != COMPILED_TORCH]
    measured = measure.measure(case, 0.05, peers)
    assert measured.disagreeing == []
    assert set(measured.milliseconds) == {ASTRA, XLA, *peers}
    assert NUMPY in peers
    assert measured.flops == 2 * 24**3
    assert measured.bytes == measured.kept == 3 * 4 * 24**2


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
