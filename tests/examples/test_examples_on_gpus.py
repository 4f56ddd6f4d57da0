"""Every example, at its own size (GPT with one layer), down to binaries for GPUs; steps of it on a driver that stands
in for NVIDIA's."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import astra_mlir as astra
from astra_mlir.gpu import machine as gpu_machine
from tests.runtime.gpu_driver import needs_compiler, with_driver

pytest.importorskip("jax")
pytest.importorskip("sklearn")

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["mlp_digits", "cnn_digits", "gpt_text", "lstm_text", "nbody", "wave"]


def _has_ptxas() -> bool:
    try:
        return bool(gpu_machine.ptxas())
    except astra.AstraError:
        return False


needs_ptxas = pytest.mark.skipif(not _has_ptxas(), reason="needs ptxas")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """The modules of examples by their names."""
    monkeypatch.syspath_prepend(EXAMPLES)
    yield importlib.import_module


def _program(example: Callable[[str], Any], name: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function that the example runs, and its arguments."""
    module, common = example(name), example("common")
    problem = {
        "mlp_digits": lambda: module.problem(common.load_digits()),
        "cnn_digits": lambda: module.problem(common.load_digits()),
        "gpt_text": lambda: module.problem(common.load_text(), replace(module.SIZES["small"], layers=1)),
        "lstm_text": lambda: module.problem(common.load_text()),
        "nbody": module.problem,
        "wave": module.problem,
    }[name]()
    return problem.step, (problem.state, problem.batch(0))


def _assembled(function: Callable[..., Any], arguments: tuple[Any, ...], target: str) -> None:
    exe = astra.compile(function, *arguments, target=target)
    cubin = exe.cubin()
    reports = exe.kernels()
    assert cubin.data.startswith(b"\x7fELF") and len(cubin.kernels) == len(reports) > 0
    assert not cubin.warnings
    assert [report for report in reports if report.spill_bytes or report.occupancy.blocks == 0] == []


@needs_ptxas
@pytest.mark.parametrize(
    ("name", "target"),
    [*((name, "cuda:sm_90a") for name in NAMES), ("wave", "cuda:sm_80"), ("nbody", "cuda:sm_89")],
)
def test_a_binary_without_spills(example: Callable[[str], Any], name: str, target: str) -> None:
    _assembled(*_program(example, name), target)


@needs_ptxas
def test_a_training_step_of_flax(example: Callable[[str], Any]) -> None:
    pytest.importorskip("flax")
    pytest.importorskip("optax")
    module = example("flax_spirals")
    points, labels = module.spirals()
    step, parameters, state = module.training(points, labels)
    _assembled(step, (parameters, state), "cuda:sm_90a")


@needs_compiler
@pytest.mark.parametrize("name", ["wave", *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES[:-1])])
def test_steps_follow_jax(name: str) -> None:
    code = f"""
import sys, jax
sys.path[:0] = [{str(EXAMPLES)!r}, {str(EXAMPLES.parent)!r}]
import astra_mlir as astra
from tests.examples.test_examples import _problem
problem = _problem({name!r})
ours, theirs = astra.jit(problem.step, target="cuda:sm_90a"), jax.jit(problem.step)
state = jax_state = problem.state
for index in range(3):
    state, value = ours(state, problem.batch(index))
    jax_state, jax_value = theirs(jax_state, problem.batch(index))
    np.testing.assert_allclose(np.asarray(value), jax_value, rtol=1e-4)
print("right")
"""
    assert with_driver(code) == "right"
