"""Kernels of ``astra.tile_call``: a function on buffers that runs a tile function's loop over its grid.

The tile function comes as text (``astra.kernel`` traced it); ``astra-tile-to-loops`` lowers it here, and the function
around it makes pointers of the buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.dialects.tile import TILE_ATTRIBUTE
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import element_of, memref_type, refuse, shape_of
from astra_mlir.passes.target import TARGET_ATTRIBUTE, target_of
from astra_mlir.passes.tile_to_loops import TileToLoops

__all__ = ["tile_function"]


def tile_function(op: ir.Operation, module: ir.Module) -> ir.Operation:
    """The one tile function in the module of a call."""
    functions = [view.operation for view in module.body.operations if TILE_ATTRIBUTE in view.operation.attributes]
    if len(functions) != 1:
        raise refuse(op, f"its body has {len(functions)} tile functions", "give one")
    return functions[0]


@kernel_rule("tile_call")
def tile_call(op: ir.Operation) -> KernelRequest:
    """One kernel per tile function, shapes and grid."""
    order, initial = int_list(op, "order"), int_list(op, "initial")
    inputs = [i for i in dict.fromkeys(order) if i >= 0]
    ins = [op.operands[i] for i in inputs]
    outs = [
        Out(result.type, op.operands[first] if first >= 0 else None)
        for result, first in zip(op.results, initial, strict=True)
    ]
    values = [*ins, *op.results]
    types = [memref_type(shape_of(value), element_of(value.type).storage) for value in values]
    sizes = [prod(shape_of(value)) for value in values]
    places = [inputs.index(i) if i >= 0 else len(ins) - 1 - i for i in order]
    grid, body, target = int_list(op, "grid"), value_of(op, "body"), target_of(op).name
    name = kernel_name("tile_call", body, grid, places, target, *types)
    return KernelRequest(name, ins, outs, lambda: _text(op, name, body, grid, places, types, sizes, target))


def _text(
    op: ir.Operation, name: str, body: str, grid: Sequence[int], places: Sequence[int], types: Sequence[str],
    sizes: Sequence[int], target: str,
) -> str:  # fmt: skip
    module = ir.Module.parse(body)
    func = tile_function(op, module)
    kinds = [str(argument.type) for argument in func.regions[0].blocks[0].arguments]
    func.attributes["sym_name"] = ir.StringAttr.get(f"{name}_programs")
    module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(target)
    TileToLoops().run(module.operation)
    lines, passed = [], []
    for axis, size in enumerate(grid):
        lines.append(f"%g{axis} = arith.constant {size} : index")
        passed.append((f"%g{axis}", "index"))
    for i, (place, kind) in enumerate(zip(places, kinds, strict=True)):
        given = types[place]
        if kind.startswith("memref"):
            lines.append(f"%n{i} = arith.constant {sizes[place]} : index")
            lines.append(
                f"%v{i} = memref.reinterpret_cast %a{place} to offset: [0], sizes: [%n{i}], strides: [1]"
                f" : {given} to {kind}"
            )
        elif given != f"memref<{kind}>":
            raise refuse(op, f"argument {i} of the kernel is {kind}, but it is given {given}", "pass that type")
        else:
            lines.append(f"%v{i} = memref.load %a{place}[] : {given}")
        passed.append((f"%v{i}", kind))
    functions = [view.operation.get_asm(enable_debug_info=False) for view in module.body.operations]
    parameters = ", ".join(f"%a{i}: {kind}" for i, kind in enumerate(types))
    call = f"func.call @{name}_programs({', '.join(n for n, _ in passed)}) : ({', '.join(k for _, k in passed)}) -> ()"
    text = "\n  ".join([*lines, call, "return"])
    return "\n".join([*functions, f"func.func private @{name}({parameters}) {{\n  {text}\n}}"])
