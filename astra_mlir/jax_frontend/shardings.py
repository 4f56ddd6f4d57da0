"""Programs of JAX without what says where data lies, which means nothing on one device.

JAX marks random keys with (empty) shardings in programs that use none themselves.  Works on modules of JAX's own MLIR
bindings, which know the dialect of shardings (``sdy``).
"""

from __future__ import annotations

import io
from typing import Any

from jax._src.interpreters import mlir as jax_mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from astra_mlir.errors import UnsupportedError

__all__ = ["drop_shardings", "result_attributes", "without_shardings"]


def without_shardings(artifact: bytes) -> bytes:
    """A portable artifact without shardings, of one with them for a single device."""
    with jax_mlir.make_ir_context() as context, ir.Location.unknown():
        module = stablehlo.deserialize_portable_artifact(context, artifact)
        if b"manual_computation" in artifact:  # shard_map
            from astra_mlir.partition.programs import partition_module

            partition_module(module, 1)
        drop_shardings(module)
        return stablehlo.serialize_portable_artifact(module, "1.17.0")  # type: ignore[no-any-return]


def result_attributes(artifact: bytes, name: str) -> list[str | None]:
    """A string attribute of each result of an artifact's function ``main``."""
    with jax_mlir.make_ir_context() as context, ir.Location.unknown():
        module = stablehlo.deserialize_portable_artifact(context, artifact)
        main = next(op for op in module.body.operations if _symbol(op.operation) == "main").operation
        if "res_attrs" not in main.attributes:
            return []
        return [ir.StringAttr(given[name]).value if name in given else None for given in main.attributes["res_attrs"]]


def _symbol(op: Any) -> str | None:
    return ir.StringAttr(op.attributes["sym_name"]).value if "sym_name" in op.attributes else None


def drop_shardings(module: Any) -> None:
    """Remove meshes and the shardings of values."""
    bytecode = io.BytesIO()
    module.operation.write_bytecode(bytecode)
    if b"sdy" not in bytecode.getbuffer().tobytes():  # in most programs: much less than a walk over the operations
        return
    for op in [op.operation for op in module.body.operations]:
        if op.name == "sdy.mesh":
            op.erase()
    with module.context, ir.Location.unknown():
        _drop(module.operation)


def _drop(op: Any) -> None:
    for name in [name for name in op.attributes if name.startswith("sdy.")]:
        del op.attributes[name]
    for group in ("arg_attrs", "res_attrs"):
        if group in op.attributes:
            named = [[dictionary[i] for i in range(len(dictionary))] for dictionary in op.attributes[group]]
            kept = [{n.name: n.attr for n in entries if not n.name.startswith("sdy.")} for entries in named]
            op.attributes[group] = ir.ArrayAttr.get([ir.DictAttr.get(attributes) for attributes in kept])
    for region in op.regions:
        for block in region.blocks:
            for inner in [o.operation for o in block.operations]:
                if inner.name == "sdy.sharding_constraint":
                    inner.results[0].replace_all_uses_with(inner.operands[0])
                    inner.erase()
                elif inner.name == "sdy.sharding_group":
                    inner.erase()
                elif inner.name.startswith("sdy."):
                    raise UnsupportedError(
                        f"{inner.location}: {inner.name}: programs over several devices (shard_map) are compiled by "
                        "JAX's jit with JAX_PLATFORMS=astra only"
                    )
                else:
                    _drop(inner)
