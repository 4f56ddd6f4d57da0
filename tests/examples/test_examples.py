"""Every example, at a small size, follows JAX step by step for a hundred steps."""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("sklearn")

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = 100


def _problem(name: str) -> Any:
    common, module = importlib.import_module("common"), importlib.import_module(name)
    digits, text = common.load_digits, common.load_text
    return {
        "mlp_digits": lambda: module.problem(digits(), width=32, batch_size=32),
        "cnn_digits": lambda: module.problem(digits(), channels=4, batch_size=16),
        "gpt_text": lambda: module.problem(text(), module.Shape(layers=2, heads=2, width=32, context=16, batch=4)),
        "lstm_text": lambda: module.problem(text(), width=32, length=16, batch_size=4),
        "nbody": lambda: module.problem(bodies=24, substeps=5),
        "wave": lambda: module.problem(size=32, substeps=10),
    }[name]()


@functools.cache
def _comparison(name: str) -> Any:
    """A hundred steps of one example through Astra and through JAX."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        return importlib.import_module("common").compare(_problem(name), STEPS)
    finally:
        sys.path.remove(str(EXAMPLES))


# Training amplifies rounding differences from step to step, so the curves are compared with a growing tolerance.
FIRST_STEP, LAST_STEP = 1e-5, 5e-3


@pytest.mark.parametrize("name", ["mlp_digits", "cnn_digits", "gpt_text", "lstm_text", "nbody", "wave"])
def test_follows_jax(name: str) -> None:
    result = _comparison(name)
    ours, theirs = np.array(result.astra_values), np.array(result.jax_values)
    assert np.isfinite(ours).all()
    tolerance = np.geomspace(FIRST_STEP, LAST_STEP, STEPS)
    worst = np.abs(ours - theirs) / np.abs(theirs) / tolerance
    assert worst.max() <= 1, f"step {worst.argmax()}: Astra {ours[worst.argmax()]}, JAX {theirs[worst.argmax()]}"


@pytest.mark.parametrize("name", ["mlp_digits", "cnn_digits", "gpt_text", "lstm_text"])
def test_training_learns(name: str) -> None:
    values = _comparison(name).astra_values
    assert np.mean(values[-10:]) < 0.9 * values[0]


@pytest.mark.parametrize("name", ["nbody", "wave"])
def test_energy_is_kept(name: str) -> None:
    values = _comparison(name).astra_values
    np.testing.assert_allclose(values, values[0], rtol=1e-3)
