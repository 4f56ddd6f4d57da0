"""JAX's own test harnesses, lowered to StableHLO: each imports, verifies, exports and parses again."""

from __future__ import annotations

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context, stablehlo
from astra_mlir.passes import run_pipeline

from .round_trip import evaluate_in_jax

jax = pytest.importorskip("jax")
test_harnesses = pytest.importorskip("jax._src.internal_test_util.test_harnesses")

SAMPLE = 40  # the fast suite takes every 40th harness, and evaluates every 8th of those


def import_and_export(harness, evaluated: bool) -> str | None:
    """``None`` where JAX cannot lower the harness, else the exported program."""
    from jaxlib import _jax

    with jax.enable_x64(True):
        arguments = harness.dyn_args_maker(np.random.RandomState(0))
        try:
            lowered = jax.jit(harness.dyn_fun).trace(*arguments).lower(lowering_platforms=("cpu",))
        except (NotImplementedError, TypeError):
            return None
    version = stablehlo.get_smaller_version(stablehlo.get_current_version(), "1.17.0")
    artifact = _jax.mlir.serialize_portable_artifact(lowered.compiler_ir(), version)
    with make_context() as context, ir.Location.unknown():
        module = stablehlo.deserialize_portable_artifact(context, artifact)
        original = str(module)
        run_pipeline(module, "astra-import")
        assert "stablehlo." not in str(module).replace("#stablehlo.", "")
        run_pipeline(module, "astra-export{pure-stablehlo}")
        assert module.operation.verify()
        exported = ir.Module.parse(str(module))
        if evaluated and "custom_call" not in original and "rng" not in original:
            inputs = [np.asarray(x) for x in jax.tree.leaves(arguments)]
            main = exported.body.operations[0]
            if len(inputs) == len(ir.FunctionType(main.attributes["function_type"].value).inputs):
                expected = evaluate_in_jax(ir.Module.parse(original), inputs)
                for one, other in zip(expected, evaluate_in_jax(exported, inputs), strict=True):
                    equal(one, other, harness.fullname)
        return str(module)


def equal(expected: np.ndarray, found: np.ndarray, name: str) -> None:
    """Equal up to the rounding of another order of operations."""
    assert expected.dtype == found.dtype and expected.shape == found.shape, name
    if expected.dtype.kind in "biu":
        assert np.array_equal(expected, found), name
        return
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    half = expected.dtype.itemsize <= 2
    tolerance = 2e-2 if half else 1e-4
    np.testing.assert_allclose(found.astype(wide), expected.astype(wide), rtol=tolerance, atol=tolerance, err_msg=name)


def check(harnesses, evaluate_every: int) -> None:
    lowered = 0
    failures = []
    for number, harness in enumerate(harnesses):
        try:
            lowered += import_and_export(harness, number % evaluate_every == 0) is not None
        except Exception as error:
            failures.append(f"{harness.fullname}: {type(error).__name__}: {str(error)[:300]}")
    assert not failures, f"{len(failures)} of {lowered + len(failures)}:\n" + "\n".join(failures)
    assert lowered > 0.95 * len(harnesses)


def test_sample() -> None:
    check(test_harnesses.all_harnesses[::SAMPLE], 8)


@pytest.mark.slow
def test_all() -> None:
    check(test_harnesses.all_harnesses, 20)
