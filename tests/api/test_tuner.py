"""``astra.tune`` measures schedules, keeps the faster ones in a file, and compilation takes them from there."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir import program_cache, tuned_choices
from astra_mlir.errors import AstraError
from astra_mlir.program import Program
from astra_mlir.target_machine import CodegenOptions, TargetMachine
from astra_mlir.tuner import Tuned, tune_program

TARGET = "x86-64-v2"
PRODUCT = """
func.func @main(%x: tensor<96x64xf32>, %y: tensor<64x160xf32>) -> tensor<96x160xf32> {
  %0 = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0]
      : (tensor<96x64xf32>, tensor<64x160xf32>) -> tensor<96x160xf32>
  return %0 : tensor<96x160xf32>
}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "tuning.json"
    monkeypatch.setenv("ASTRA_TUNING", str(path))
    return path


def program() -> Program:
    return astra.compile(PRODUCT, target=TARGET).program


def schedule() -> str:
    return next(iter(astra.compile(PRODUCT, target=TARGET).schedules().values()))


def prefers(text: str, seconds: float = 1.0):
    """A clock by which schedules that say ``text`` take one second and others two."""
    return lambda candidates, _: [seconds if text in repr(candidate.schedule) else 2.0 for candidate in candidates]


def tune(timer) -> list[Tuned]:
    return tune_program(program(), TargetMachine.parse(TARGET), timer)


def test_what_is_faster_is_kept_and_compiled_with(file: Path) -> None:
    arguments = [
        np.random.default_rng(i).standard_normal(shape, np.float32) for i, shape in enumerate([(96, 64), (64, 160)])
    ]
    (before,) = astra.compile(PRODUCT, target=TARGET)(*arguments)
    by_rule = schedule()
    (tuned,) = tune(prefers("pack_lhs=True"))
    assert tuned.speedup == 2
    assert "pack_lhs=True" in schedule()
    assert "tuned=True" in schedule()
    (after,) = astra.compile(PRODUCT, target=TARGET)(*arguments)
    np.testing.assert_array_equal(after, before)
    assert json.loads(file.read_text())["choices"][TARGET][tuned.product]["pack_lhs"] is True
    tune(lambda candidates, _: [1.0] * len(candidates))  # the rule's is as fast now
    assert schedule() == by_rule


def test_choices_are_searched_step_by_step(file: Path) -> None:
    rows = int(schedule().partition("tile_rows=")[2].partition(",")[0])

    def timer(candidates, _):
        return [float(candidate.schedule.tile_rows) for candidate in candidates]

    (tuned,) = tune(timer)
    assert tuned.choice is not None
    assert tuned.choice["tile_rows"] == 4  # the least there is, several halvings away
    assert tuned.speedup == rows / 4


def test_what_is_within_noise_is_not_kept(file: Path) -> None:
    (tuned,) = tune(prefers("pack_lhs=True", seconds=1.98))
    assert tuned.choice is None
    assert "tuned" not in schedule()


def test_programs_are_kept_apart_by_the_choices(file: Path) -> None:
    def key() -> str:
        return program_cache.key_of(Program(b"any", "main"), TargetMachine.parse(TARGET), CodegenOptions())

    before = key()
    tuned_choices.store(TARGET, {"a product": {"tile_rows": 8}})
    after = key()
    assert after != before
    tuned_choices.store(TARGET, {"a product": None})
    assert key() == before


def test_a_choice_that_does_not_fit_is_not_taken(file: Path) -> None:
    by_rule = schedule()
    (tuned,) = tune(prefers("pack_lhs=True"))
    for wrong in ({}, {"tile_rows": 3}, {"tile_rows": "8"}, {"tile_columns": 1 << 20}, {"pack_rhs": "twice"}):
        choice = {**tuned.choice, **wrong} if wrong else {}
        tuned_choices.store(TARGET, {tuned.product: choice})
        assert schedule() == by_rule


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1, "choices": {"x86-64-v2": {"a": 3}}}'])
def test_what_is_damaged_is_ignored_with_a_warning(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.warns(UserWarning, match="ignored"):
        assert tuned_choices.digest() == ""
    with pytest.warns(UserWarning, match="ignored"):
        tuned_choices.store(TARGET, {"a product": {"tile_rows": 8}})
    assert tuned_choices.digest() != ""


def test_writers_at_the_same_time_lose_nothing(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: tuned_choices.store(TARGET, {f"product {i}": {"tile_rows": i}}), range(40)))
    assert len(json.loads(file.read_text())["choices"][TARGET]) == 40


def test_nothing_is_read_where_it_is_switched_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tuned_choices.store(TARGET, {"a product": {"tile_rows": 8}})
    monkeypatch.setenv("ASTRA_TUNING", "0")
    assert tuned_choices.digest() == ""


def test_only_this_machine_can_be_measured() -> None:
    with pytest.raises(AstraError, match=r"astra\.tune: it is code for aarch64"):
        tune_program(program(), TargetMachine.parse("aarch64-unknown-linux-gnu:generic"))


def test_a_function_is_tuned_by_the_clock(file: Path) -> None:
    pytest.importorskip("jax")
    from jax import lax

    def function(image, kernel, x):
        return lax.conv_general_dilated(image, kernel, (1, 1), "SAME"), x @ x.T, x @ x.T + 1

    arguments = [np.ones(shape, np.float32) for shape in ((1, 3, 20, 20), (8, 3, 3, 3), (40, 40))]
    found = astra.tune(function, *arguments)
    assert {tuned.product.rpartition(" ")[0] for tuned in found} == {
        "f32 x f32 -> f32, 1 x 8 x 400 x 27", "f32 x f32 -> f32, 1 x 40 x 40 x 40",
    }  # fmt: skip
    assert all(tuned.speedup >= 1 for tuned in found)
