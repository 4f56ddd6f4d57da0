"""What a program is made before its values get tiles: one function, in which nothing is begun and done apart.

Used by ``partition/programs.py`` for the program, and by ``partition/calls.py`` for what JAX gives for parts of it;
works on JAX's own MLIR bindings.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import sdy, stablehlo
from jaxlib.mlir.passmanager import PassManager

from astra_mlir.errors import UnsupportedError

__all__ = ["function", "inline", "run", "settle", "target_of", "walk"]

_GROUPS_BY_AXES = stablehlo.ReplicaGroupMeshAxesAttr


def run(pipeline: str, module: Any) -> None:
    """Run passes of jaxlib's."""
    PassManager.parse(f"builtin.module({pipeline})").run(module.operation)


def function(module: Any, name: str) -> Any:
    for op in module.body.operations:
        if op.operation.name == "func.func" and _symbol(op.operation) == name:
            return op.operation
    raise UnsupportedError(f"a program for several devices without a function '{name}'")


def walk(op: Any) -> Any:
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield inner.operation
                yield from walk(inner.operation)


def target_of(call: Any) -> str:
    return str(ir.StringAttr(call.attributes["call_target_name"]).value)


def settle(module: Any) -> None:
    """Do at once what is begun (``async_start``), and forget what was to be scheduled before what."""
    settled: dict[Any, list[Any]] = {}
    begun: list[Any] = []
    for op in list(walk(module.operation)):
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
        elif op.name == "stablehlo.custom_call" and target_of(op) == "control_dep":
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


def inline(module: Any) -> None:
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
        for call in [op for op in walk(functions[name]) if op.name == "func.call"]:
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
