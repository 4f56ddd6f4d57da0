"""Programs for several devices: from one program with shardings to the program that each device runs.

Between JAX's runtime (``jax_backend/loaded_programs.py``) and the compile driver.  Shardings are propagated by Shardy's
own passes, in jaxlib; ``partition/local.py`` then rewrites the program for tiles.  See docs/distributed.md.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jax._src.interpreters import mlir as jax_mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import sdy, stablehlo

from astra_mlir.jax_frontend.shardings import drop_shardings
from astra_mlir.partition.gspmd import import_shardings
from astra_mlir.partition.inline import function, inline, run, settle, target_of, walk
from astra_mlir.partition.local import Localizer, plain
from astra_mlir.partition.merge import merge_all_reduces
from astra_mlir.partition.meshes import Meshes, Sharding, hlo_text, replicated
from astra_mlir.partition.moves import Mover

__all__ = ["PIPELINE", "Partitioned", "partition", "partition_module", "run"]

_VERSION = "1.17.0"
# Shardy's own pipeline of jaxlib 0.10.2, with all reshardings explicit.
PIPELINE = (
    "sdy-lift-inlined-meshes", "sdy-remove-size-one-axes", "sdy-constant-or-scalar-splitter", "symbol-dce",
    "sdy-manual-axes-cleanup", "sdy-add-data-flow-edges", "sdy-apply-sharding-constraints", "sdy-sharding-group-import",
    "sdy-user-priority-propagate", "sdy-propagate-to-func-results", "func.func(sdy-constant-or-scalar-merger)",
    "func.func(sdy-sink-data-flow-edges)", "sdy-remove-sharding-groups",
    "func.func(sdy-sharding-constraint-to-reshard)",
    "sdy-update-non-divisible-input-output-shardings", "sdy-remove-sub-axes-in-input-output-shardings",
    "sdy-close-shardings", "func.func(sdy-insert-explicit-reshards{enable-full-version=true})",
    "func.func(sdy-populate-op-sharding-rules)",
)  # fmt: skip


@dataclass(frozen=True)
class Partitioned:
    """The program of each device, and where the arrays of the whole program lie."""

    code: bytes
    """A portable artifact."""
    described: bytes
    """MLIR's bytecode of the same, with the shardings as attributes of the module, for JAX to read."""
    parameters: tuple[str, ...]
    results: tuple[str, ...]


def partition(code: bytes, num_replicas: int, num_partitions: int) -> Partitioned:
    """The program that each of ``num_partitions`` devices runs, of a portable artifact of JAX's."""
    with jax_mlir.make_ir_context() as context, ir.Location.unknown():
        module = stablehlo.deserialize_portable_artifact(context, code)
        parameters, results = partition_module(module, num_partitions)
        for name, number in (("num_replicas", num_replicas), ("num_partitions", num_partitions)):
            module.operation.attributes[f"mhlo.{name}"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(32), number)
        described = _described(module, parameters, results)
        partitioned = stablehlo.serialize_portable_artifact(module, _VERSION, True)  # which changes the module
    return Partitioned(partitioned, described, tuple(parameters), tuple(results))


def _described(module: Any, parameters: Sequence[str], results: Sequence[str]) -> bytes:
    """The module with shardings as attributes, as jaxlib reads it."""
    copy = module.operation.clone()
    # Without results XLA wants one sharding, as for one result.
    of_results = "{" + ", ".join(results) + "}" if len(results) > 1 else (*results, "{replicated}")[0]
    copy.attributes["mhlo.spmd_output_sharding"] = ir.StringAttr.get(of_results)
    copy.attributes["mhlo.spmd_parameters_shardings"] = ir.ArrayAttr.get([ir.StringAttr.get(p) for p in parameters])
    for op in walk(copy):
        # Calls in place of operations that HLO has not, with their attributes, cannot be said in it.
        if op.name == "stablehlo.custom_call" and target_of(op) in ("mhlo.topk", "TopK"):
            op.attributes["call_target_name"] = ir.StringAttr.get("TopK")
            del op.attributes["mhlo.backend_config"]
    written = io.BytesIO()
    copy.write_bytecode(written)
    return written.getvalue()


def partition_module(module: Any, num_partitions: int) -> tuple[list[str], list[str]]:
    """Rewrite a module in place; the shardings of the arguments and results of its function ``main``."""
    import_shardings(module, num_partitions)
    run("sdy-propagate-sharding-from-func-to-call", module)
    inline(module)
    settle(module)
    run(",".join(PIPELINE), module)
    meshes = Meshes(module, num_partitions)
    main = function(module, "main")
    block = main.regions[0].blocks[0]
    mover = Mover(block, num_partitions, _last_channel(module))
    parameters = _shardings(meshes, main, "arg_attrs", [argument.type for argument in block.arguments])
    returned = list(block.operations)[-1].operation
    results = _shardings(meshes, main, "res_attrs", [value.type for value in returned.operands])
    localizer = Localizer(meshes, mover)
    localizer.function(main, parameters, results)
    mover.finish()
    merge_all_reduces(main)
    for op in module.body.operations:  # what decompositions of composites are written in
        if op.operation.name == "func.func" and op.operation != main:
            plain(op.operation.regions[0])
    drop_shardings(module)
    return [hlo_text(s, num_partitions) for s in parameters], [hlo_text(s, num_partitions) for s in results]


def _shardings(meshes: Meshes, main: Any, group: str, types: Sequence[Any]) -> list[Sharding]:
    """Of all arguments or all results; what has none lies whole in each device."""
    given = list(ir.ArrayAttr(main.attributes[group])) if group in main.attributes else [None] * len(types)
    shardings = []
    for attributes, type in zip(given, types, strict=True):
        shape = tuple(type.shape) if isinstance(type, ir.RankedTensorType) else ()
        if attributes is not None and "sdy.sharding" in ir.DictAttr(attributes):
            attribute = sdy.TensorShardingAttr(ir.DictAttr(attributes)["sdy.sharding"])
            shardings.append(meshes.sharding(attribute, shape))
        else:
            shardings.append(replicated(len(shape)))
    return shardings


def _last_channel(module: Any) -> int:
    handles = (op.attributes["channel_handle"] for op in walk(module.operation) if "channel_handle" in op.attributes)
    return max((stablehlo.ChannelHandle(handle).handle for handle in handles), default=0)
