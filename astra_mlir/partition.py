"""Programs for several devices: from one program with shardings to the program that each device runs.

Between JAX's runtime (``jax_programs_loaded.py``) and the compile driver.  Shardings are propagated by Shardy's own
passes, in jaxlib; ``partition_local.py`` then rewrites the program for tiles.  See docs/distributed.md.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax._src.interpreters import mlir as jax_mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import sdy, stablehlo
from jaxlib.mlir.passmanager import PassManager

from astra_mlir.errors import UnsupportedError
from astra_mlir.jax_shardings import drop_shardings
from astra_mlir.partition_gspmd import import_shardings
from astra_mlir.partition_local import Localizer, plain
from astra_mlir.partition_meshes import Meshes, Sharding, hlo_text, replicated
from astra_mlir.partition_moves import Mover

__all__ = ["PIPELINE", "Partitioned", "partition", "partition_module", "run"]

_VERSION = "1.17.0"
_GROUPS_BY_AXES = stablehlo.ReplicaGroupMeshAxesAttr

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
    for op in _walk(copy):
        # Calls in place of operations that HLO has not, with their attributes, cannot be said in it.
        if op.name == "stablehlo.custom_call" and _target(op) == "mhlo.topk":
            op.attributes["call_target_name"] = ir.StringAttr.get("TopK")
            del op.attributes["mhlo.backend_config"]
    written = io.BytesIO()
    copy.write_bytecode(written)
    return written.getvalue()


def partition_module(module: Any, num_partitions: int) -> tuple[list[str], list[str]]:
    """Rewrite a module in place; the shardings of the arguments and results of its function ``main``."""
    import_shardings(module, num_partitions)
    run("sdy-propagate-sharding-from-func-to-call", module)
    _inline(module)
    _settle(module)
    run(",".join(PIPELINE), module)
    meshes = Meshes(module, num_partitions)
    main = _function(module, "main")
    block = main.regions[0].blocks[0]
    mover = Mover(block, num_partitions, _last_channel(module))
    parameters = _shardings(meshes, main, "arg_attrs", [argument.type for argument in block.arguments])
    returned = list(block.operations)[-1].operation
    results = _shardings(meshes, main, "res_attrs", [value.type for value in returned.operands])
    localizer = Localizer(meshes, mover)
    localizer.function(main, parameters, results)
    mover.finish()
    for op in module.body.operations:  # what decompositions of composites are written in
        if op.operation.name == "func.func" and op.operation != main:
            plain(op.operation.regions[0])
    drop_shardings(module)
    return [hlo_text(s, num_partitions) for s in parameters], [hlo_text(s, num_partitions) for s in results]


def run(pipeline: str, module: Any) -> None:
    """Run passes of jaxlib's."""
    PassManager.parse(f"builtin.module({pipeline})").run(module.operation)


def _function(module: Any, name: str) -> Any:
    for op in module.body.operations:
        if op.operation.name == "func.func" and _symbol(op.operation) == name:
            return op.operation
    raise UnsupportedError(f"a program for several devices without a function '{name}'")


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


def _walk(op: Any) -> Any:
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield inner.operation
                yield from _walk(inner.operation)


def _last_channel(module: Any) -> int:
    handles = (op.attributes["channel_handle"] for op in _walk(module.operation) if "channel_handle" in op.attributes)
    return max((stablehlo.ChannelHandle(handle).handle for handle in handles), default=0)


def _settle(module: Any) -> None:
    """Do at once what is begun (``async_start``), and forget what was to be scheduled before what."""
    settled: dict[Any, list[Any]] = {}
    begun: list[Any] = []
    for op in list(_walk(module.operation)):
        if "replica_groups" in op.attributes and _GROUPS_BY_AXES.isinstance(op.attributes["replica_groups"]):
            op.attributes["replica_groups"] = _listed(module, _GROUPS_BY_AXES(op.attributes["replica_groups"]))
        if op.name == "stablehlo.async_start":
            block = op.regions[0].blocks[0]
            for argument, operand in zip(block.arguments, list(op.operands), strict=True):
                argument.replace_all_uses_with(operand)
            *body, last = [inner.operation for inner in block.operations]
            for inner in body:
                inner.move_before(op)
            settled[op.results[0]] = list(last.operands)
            begun.append(op)
        elif op.name == "stablehlo.async_done":
            for result, value in zip(op.results, settled[op.operands[0]], strict=True):
                result.replace_all_uses_with(value)
            op.erase()
        elif op.name == "stablehlo.custom_call" and _target(op) == "control_dep":
            op.erase()
    for op in begun:
        op.erase()


def _symbol(op: Any) -> str:
    return str(ir.StringAttr(op.attributes["sym_name"]).value)


def _listed(module: Any, groups: Any) -> Any:
    """Groups as the partitions of each, of groups by the axes of a mesh (as JAX 0.12 writes them)."""
    mesh, numbers = groups.mesh, None
    if isinstance(mesh, ir.FlatSymbolRefAttr):
        name = ir.FlatSymbolRefAttr(mesh).value
        meshes = (op.operation for op in module.body.operations if op.operation.name == "sdy.mesh")
        mesh = sdy.MeshAttr(next(op for op in meshes if _symbol(op) == name).attributes["mesh"])
        numbers = list(mesh.device_ids) or None
    else:
        mesh = stablehlo.MeshAttr(mesh)
        if mesh.device_ids is not None:
            numbers = [int(number) for number in ir.DenseIntElementsAttr(mesh.device_ids)]
    kind = sdy.MeshAxisAttr if isinstance(mesh, sdy.MeshAttr) else stablehlo.MeshAxisAttr
    sizes = {axis.name: axis.size for axis in map(kind, mesh.axes)}
    axes = [stablehlo.AxisRefAttr(axis) for axis in groups.axes]
    if any(axis.sub_axis_info is not None for axis in axes):
        raise UnsupportedError("a collective over a part of a mesh's axis")
    order = [*sizes]
    inner = [order.index(axis.name) for axis in axes]
    outer = [i for i in range(len(order)) if i not in inner]
    devices = np.arange(math.prod(sizes.values())) if numbers is None else np.array(numbers)
    of_each = devices.reshape(list(sizes.values())).transpose(outer + inner)
    size = math.prod(sizes[axis.name] for axis in axes)
    return ir.DenseIntElementsAttr.get(np.ascontiguousarray(of_each.reshape(-1, size), np.int64))


def _target(call: Any) -> str:
    return str(ir.StringAttr(call.attributes["call_target_name"]).value)


def _inline(module: Any) -> None:
    """Put every called function in place of its calls, so that shardings need not cross from one to another."""
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation
        for op in module.body.operations
        if op.operation.name == "func.func"
    }
    done: set[str] = set()

    def inline_into(name: str) -> None:
        if name in done:
            return
        done.add(name)
        for call in [op for op in _walk(functions[name]) if op.name == "func.call"]:
            callee = ir.FlatSymbolRefAttr(call.attributes["callee"]).value
            inline_into(callee)
            copy = functions[callee].clone(ip=ir.InsertionPoint(module.body))
            block = copy.regions[0].blocks[0]
            for argument, operand in zip(block.arguments, list(call.operands), strict=True):
                argument.replace_all_uses_with(operand)
            *body, last = [op.operation for op in block.operations]
            for op in body:
                op.move_before(call)
            for result, value in zip(call.results, list(last.operands), strict=True):
                result.replace_all_uses_with(value)
            call.erase()
            copy.erase()

    inline_into("main")
    run("symbol-dce", module)
