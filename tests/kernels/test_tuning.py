"""Constants chosen by measuring and by rules."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def increment(x, n, BLOCK: al.constexpr, TWICE: al.constexpr = False):
    i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    al.store(x + i, al.load(x + i, i < n) + (2 if TWICE else 1), i < n)


def grid(meta) -> tuple[int]:
    return (-(-meta["n"] // meta["BLOCK"]),)


def test_autotune_measures_on_copies_and_passes_over_what_fails() -> None:
    configs = [astra.Config({"BLOCK": 100}), astra.Config({"BLOCK": 64}), astra.Config({"BLOCK": 32}, num_warps=2)]
    tuned = astra.autotune(configs, key=["n"])(increment)
    x = np.zeros(500, np.float32)
    for _ in range(3):
        tuned[grid](x, 500)
    np.testing.assert_array_equal(x, 3)
    (best,) = tuned.best.values()
    assert best.constants["BLOCK"] in (32, 64)
    tuned[grid](x, 400)
    assert len(tuned.best) == 2


def test_autotune_refuses_without_a_configuration_that_compiles() -> None:
    tuned = astra.autotune([astra.Config({"BLOCK": 3})])(increment)
    with pytest.raises(astra.KernelError, match="powers of two"):
        tuned[grid](np.zeros(5, np.float32), 5)


def test_heuristics_and_configurations_together() -> None:
    rules = {"TWICE": lambda given: given["n"] > 10}
    tuned = astra.autotune([astra.Config({"BLOCK": 16})])(astra.heuristics(rules)(increment))
    x = np.zeros(20, np.float32)
    tuned[grid](x, 5)
    tuned[grid](x, 20)
    np.testing.assert_array_equal(x, [3] * 5 + [2] * 15)


def test_names_of_the_package_do_not_depend_on_what_is_used_first() -> None:
    code = "import astra_mlir as a; a.autotune; a.kernel_call; assert type(a.kernel).__name__ == 'function'"
    subprocess.run([sys.executable, "-c", code], check=True)
