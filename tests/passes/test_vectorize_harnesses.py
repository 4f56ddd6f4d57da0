"""JAX's own test harnesses, vectorized and compiled by Astra, beside jax.vmap: mixes of batched arguments in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.compiler import compile_program
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes import run_pipeline
from astra_mlir.program import Program

jax = pytest.importorskip("jax")
test_harnesses = pytest.importorskip("jax._src.internal_test_util.test_harnesses")

STRIDE = 150  # the slow suite takes every 150th harness
SIZE = 3

# In JAX, a batch of generators is the first one, asked for more bits; in Astra, each has its own.
_DIFFERENT = ("rng_bit_generator",)
# Equal bfloat16 numbers: which of them an approximate top k names first is open.
_TIES = ("approx_top_k",)


class _NotInJaxError(Exception):
    """JAX itself does not vectorize, compile or lower the harness."""


def _mixes(count: int) -> list[tuple[int, ...]]:
    """Axes of arguments, -1 for shared ones: all batched, each alone, all but one."""
    if count == 1:
        return [(0,), (1,)]
    found = [(0,) * count]
    for i in range(count):
        found += [tuple(0 if j == i else -1 for j in range(count)), tuple(-1 if j == i else 1 for j in range(count))]
    return list(dict.fromkeys(found))


def _found(harness: Any, examples: Sequence[Any], axes: Sequence[int], arguments: Sequence[np.ndarray]) -> list[Any]:
    from astra_mlir.jax_frontend.capture import capture

    try:
        captured = capture(harness.dyn_fun, examples, {})
    except (UnsupportedError, NotImplementedError) as error:
        raise _NotInJaxError from error
    program = captured.program
    all_axes = ",".join(map(str, [*axes, *[-1] * len(program.constants)]))
    with make_context() as context, ir.Location.unknown():
        module = program.parse(context)
        run_pipeline(module, f"astra-vectorize{{fn=main axis-size={SIZE} in-axes=[{all_axes}]}}")
        data = Program.from_module(module).data
    return list(compile_program(Program(data, constants=program.constants))(*arguments))


def compare(harness: Any, wanted: Sequence[int]) -> None:
    """Compare one harness with its arguments batched at these axes (the last one where an axis is too far)."""
    rows = [harness.dyn_args_maker(np.random.RandomState(seed)) for seed in range(SIZE)]
    axes = [min(axis, np.ndim(x)) for axis, x in zip(wanted, rows[0], strict=True)]
    arguments = [
        np.asarray(rows[0][i]) if axis < 0 else np.stack([np.asarray(row[i]) for row in rows], axis)
        for i, axis in enumerate(axes)
    ]
    in_axes = tuple(None if axis < 0 else axis for axis in axes)
    try:
        expected = jax.jit(jax.vmap(harness.dyn_fun, in_axes, axis_size=SIZE))(*arguments)
    except Exception as error:
        raise _NotInJaxError from error
    found = _found(harness, rows[0], axes, arguments)
    for one, other in zip(jax.tree.leaves(expected), found, strict=True):
        one = np.asarray(one)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        if harness.group_name not in _DIFFERENT:
            if harness.group_name == "cholesky":  # the other triangle is not defined
                one, other = np.tril(one), np.tril(other)
            _close(one, other, harness.group_name in _TIES)


def _close(expected: np.ndarray, found: np.ndarray, ties: bool) -> None:
    if expected.dtype.kind in "biu":
        assert ties or np.array_equal(expected, found)
        return
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    tolerance = {2: 5e-2, 4: 2e-4}.get(expected.real.dtype.itemsize, 1e-8)
    expected, found = expected.astype(wide), found.astype(wide)
    largest = np.max(np.abs(expected), where=np.isfinite(expected), initial=1)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * largest)


def check(harnesses: Sequence[Any]) -> None:
    """At least 99.5 % of what JAX vectorizes and Astra compiles must be equal."""
    compared, failures = 0, []
    with jax.enable_x64(True):
        for number, harness in enumerate(harnesses):
            arguments = harness.dyn_args_maker(np.random.RandomState(0))
            for axes in _mixes(len(arguments))[number % 2 :: 2] if len(arguments) else ():
                try:
                    compare(harness, axes)
                    compared += 1
                except _NotInJaxError:
                    continue
                except Exception as error:
                    compared += 1
                    failures.append(f"{harness.fullname} {axes}: {type(error).__name__}: {str(error)[:300]}")
    assert len(failures) <= 0.005 * compared, f"{len(failures)} of {compared}:\n" + "\n".join(failures)
    assert compared > 0.5 * len(harnesses)


def test_few() -> None:
    check(test_harnesses.all_harnesses[::1000])


@pytest.mark.slow
def test_sample() -> None:
    check(test_harnesses.all_harnesses[::STRIDE])
