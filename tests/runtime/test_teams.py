"""Compiled functions run by several participants at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.errors import AstraError
from astra_mlir.teams import run_team


def test_each_participant_has_its_own_arguments() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    executable = astra.compile(lambda v, w: (v * 2 + w, v.sum()), x[0], x[0]).executable
    for (product, total), row in zip(run_team(executable, [(row, row + 1) for row in x]), x, strict=True):
        np.testing.assert_array_equal(product, row * 3 + 1)
        assert total == row.sum()


def test_a_callback_that_fails_ends_all_participants() -> None:
    def host(v: np.ndarray) -> np.ndarray:
        if v[0] == 2:
            raise ValueError("participant two")
        return v

    function = jax.jit(lambda v: jax.pure_callback(host, jax.ShapeDtypeStruct((4,), jnp.float32), v))
    executable = astra.compile(function, np.zeros(4, np.float32)).executable
    with pytest.raises(AstraError, match="participant two"):
        run_team(executable, [(np.full(4, i, np.float32),) for i in range(3)])
    assert len(run_team(executable, [(np.zeros(4, np.float32),)] * 3)) == 3
