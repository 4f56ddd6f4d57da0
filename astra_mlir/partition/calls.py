"""Calls that JAX's partitioner answers: ``custom_partitioning`` and ``inspect_array_sharding``.

Which tiles their operands and results have is known when the program is partitioned (``partition/local.py``); what
JAX registered for XLA's partitioner is asked here in its place.  Works on JAX's own MLIR bindings.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from jax._src import custom_partitioning as jax_custom_partitioning
from jax._src.interpreters import mlir as jax_mlir
from jaxlib import xla_client
from jaxlib.mlir import ir

from astra_mlir.call_targets import PJRT_TYPES
from astra_mlir.errors import UnsupportedError
from astra_mlir.partition.gspmd import sharding_of
from astra_mlir.partition.inline import function, inline, settle
from astra_mlir.partition.meshes import Sharding, hlo_text, replicated
from astra_mlir.partition.moves import create

__all__ = ["CALLS", "register_inspection"]

_inspections: weakref.WeakValueDictionary[bytes, Any] = weakref.WeakValueDictionary()


def register_inspection(key: bytes, handler: Callable[[Any], None]) -> None:
    """What to tell the sharding that a call with this key finds; JAX keeps the function while it may be called."""
    _inspections[key] = handler


def _key(op: Any) -> bytes:
    return bytes(ir.StringAttr(op.attributes["backend_config"]).value_bytes)


def _hlo(sharding: Sharding, partitions: int) -> Any:
    return xla_client.HloSharding.from_string(hlo_text(sharding, partitions))


def _dtype(type: Any) -> Any:
    for dtype in PJRT_TYPES:
        if jax_mlir.dtype_to_ir_type(dtype) == type:
            return dtype
    raise UnsupportedError(f"custom_partitioning with elements of type {type}")


def inspect(localizer: Any, op: Any) -> None:
    """Tell a Python function how the operand lies."""
    value = op.operands[0]
    _, sharding = localizer.known(value)
    handler = _inspections.get(_key(op))
    if handler is not None:
        handler(_hlo(sharding, localizer.meshes.partitions))
    op.results[0].replace_all_uses_with(value)
    op.erase()


def custom(localizer: Any, op: Any) -> None:
    """In place of a call what its function ``partition`` gives for the tiles at hand."""
    partitions = localizer.meshes.partitions
    shapes, have = (
        zip(*(localizer.known(value) for value in op.operands), strict=True) if len(op.operands) else ((), ())
    )
    want = localizer.wanted(op)
    made = [tuple(result.type.shape) for result in op.results]
    parts = [
        xla_client.Shape.array_shape(_dtype(value.type.element_type), shape)
        for value, shape in [*zip(op.operands, shapes, strict=True), *zip(op.results, made, strict=True)]
    ]
    given, of_results = parts[: len(shapes)], parts[len(shapes) :]
    wished = [_hlo(sharding, partitions) for sharding in want]
    several = len(made) != 1
    shape = xla_client.Shape.tuple_shape(of_results) if several else of_results[0]
    wish = xla_client.HloSharding.tuple_sharding(shape, wished) if several else wished[0]
    code, ins, outs = jax_custom_partitioning._custom_partitioning_partition(
        given, [_hlo(sharding, partitions) for sharding in have], shape, wish, _key(op)
    )
    outs = outs.tuple_elements() if several else [outs]
    operands = [
        localizer.moved(value, _checked(op, sharding_of(sharding), shape))
        for value, sharding, shape in zip(list(op.operands), ins, shapes, strict=True)
    ]
    values = _inlined(op, code, operands)
    for result, value, sharding, shape, wanted in zip(op.results, values, outs, made, want, strict=True):
        value = create("reshape", [value], [value.type])  # one value is one array, and this may be an operand
        localizer.know(value, shape, _checked(op, sharding_of(sharding), shape))
        result.replace_all_uses_with(localizer.moved(value, wanted))
    op.erase()


def _checked(op: Any, sharding: Sharding, shape: Sequence[int]) -> Sharding:
    sharding = Sharding(sharding.dims, sharding.unreduced) if sharding.dims else replicated(len(shape))
    if sharding.fitting(shape) != sharding:
        raise UnsupportedError(f"{op.location}: custom_partitioning over devices whose number does not divide {shape}")
    return sharding


def _inlined(op: Any, code: bytes, operands: Sequence[Any]) -> list[Any]:
    """The results of a module's function ``main``, written in front of an operation."""
    module = ir.Module.parse(code)
    inline(module)
    settle(module)
    root = op
    while root.parent is not None:
        root = root.parent
    # Operations of one module are not moved into another.
    copy = function(module, "main").clone(ip=ir.InsertionPoint(root.regions[0].blocks[0]))
    block = copy.regions[0].blocks[0]
    if len(block.arguments) != len(operands):
        raise UnsupportedError(f"{op.location}: custom_partitioning with a function that has arguments of its own")
    for argument, operand in zip(block.arguments, operands, strict=True):
        argument.replace_all_uses_with(operand)
    *body, last = [inner.operation for inner in block.operations]
    results = list(last.operands)
    for inner in body:
        inner.move_before(op)
    copy.erase()
    return results


CALLS: dict[str, Callable[[Any, Any], None]] = {
    "CustomSPMDPartitioning": custom,
    "InspectSharding": inspect,
}
"""By the name of the call, what replaces it in the program of each device."""
