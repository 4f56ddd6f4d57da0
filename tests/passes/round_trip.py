"""What the tests of import and export share: making inputs, and evaluating StableHLO in two ways nobody here wrote."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.dialects import elements

__all__ = ["evaluate", "evaluate_in_jax", "random_inputs", "same"]


def entry(module: ir.Module) -> ir.Operation:
    """The function ``main``."""
    return next(op for op in module.body.operations if op.operation.attributes["sym_name"].value == "main").operation


def random_inputs(module: ir.Module, *, special: bool = False) -> list[np.ndarray]:
    """Arguments for ``main``: small numbers; with ``special``, floats begin with NaN, -0.0 and infinities."""
    types = ir.FunctionType(entry(module).attributes["function_type"].value).inputs
    rng = np.random.default_rng(zlib.crc32(str(types).encode()))
    return [_random(rng, type, special) for type in types]


def _random(rng: np.random.Generator, type: ir.Type, special: bool) -> np.ndarray:
    shape, dtype = list(type.shape), elements.dtype_of(type.element_type)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    if isinstance(type.element_type, ir.IntegerType):
        values = np.asarray(rng.integers(0 if type.element_type.is_unsigned else -9, 10, shape))
        return np.where(values == 0, 3, values).astype(dtype)  # the interpreter cannot divide by zero
    values = 2 * rng.standard_normal(shape)
    if isinstance(type.element_type, ir.ComplexType):
        return np.asarray(values + 2j * rng.standard_normal(shape)).astype(dtype)
    if special and values.ndim:
        flat = values.reshape(-1)
        flat[: min(len(flat), 5)] = [np.nan, -0.0, np.inf, -np.inf, 0.0][: len(flat)]
    return np.asarray(values).astype(dtype)


def evaluate(module: ir.Module, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of ``main`` by the StableHLO reference interpreter (which ends the process on unknown operations)."""
    arguments = [
        elements.dense(x, ir.RankedTensorType.get(list(x.shape), elements.element_type_of(x.dtype))) for x in inputs
    ]
    return [np.array(elements.to_numpy(result)) for result in stablehlo.eval_module(module, arguments)]


def evaluate_in_jax(module: ir.Module, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of ``main`` by XLA, on JAX's CPU backend."""
    import jax
    from jax._src import compiler
    from jax._src.interpreters import mlir
    from jaxlib import _jax
    from jaxlib.mlir.dialects import stablehlo as jax_stablehlo

    version = stablehlo.get_smaller_version(stablehlo.get_current_version(), jax_stablehlo.get_current_version())
    artifact = stablehlo.serialize_portable_artifact(ir.Module.parse(str(module)), version)  # which changes its module
    client = jax.devices("cpu")[0].client
    with mlir.make_ir_context() as context:
        program = jax_stablehlo.deserialize_portable_artifact(context, artifact)
        options = compiler.get_compile_options(1, 1)
        executable = client.compile_and_load(program, _jax.DeviceList(tuple(client.devices()[:1])), options)
    with jax.enable_x64(True):
        results = executable.execute_sharded([jax.device_put(x) for x in inputs])
    return [np.asarray(shards[0]) for shards in results.disassemble_into_single_device_arrays()]


def same(expected: np.ndarray, found: np.ndarray) -> None:
    """Equal in shape, dtype and every bit, except that any NaN equals any other."""
    assert expected.dtype == found.dtype and expected.shape == found.shape
    inexact = expected.dtype.kind in "fcV"
    equal = (expected == found) | ((expected != expected) & (found != found)) if inexact else expected == found
    assert np.all(equal), f"{expected} is not {found}"
    if expected.dtype.kind == "f":
        numbers = ~np.isnan(expected)
        assert np.array_equal(np.signbit(expected)[numbers], np.signbit(found)[numbers])
