"""Kernels of ``astra.tile_call`` on GPUs: the tile function itself, launched with the grid of the call.

What ``kernel_rules/tile_call.py`` is for CPUs.  Scalar arguments are elements of arrays of the program, which lie on
the device: the tile function gets their addresses and reads them, so that the host need not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OpBuilder, int_list, value_of
from astra_mlir.passes.gpu_kernels.registry import buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.kernel_rules.text import refuse
from astra_mlir.passes.kernel_rules.tile_call import tile_function
from astra_mlir.passes.tile_nests import memory_type

_ALIGNMENT = 16  # bytes, of all arrays of programs on GPUs


@gpu_kernel_rule("tile_call")
def tile_call(op: ir.Operation) -> KernelRequest:
    """One host function per tile function, shapes and grid."""
    order, initial = int_list(op, "order"), int_list(op, "initial")
    inputs = [i for i in dict.fromkeys(order) if i >= 0]
    ins = [op.operands[i] for i in inputs]
    outs = [
        Out(result.type, op.operands[first] if first >= 0 else None)
        for result, first in zip(op.results, initial, strict=True)
    ]
    buffers = [buffer_type(value.type) for value in (*ins, *op.results)]
    places = [inputs.index(i) if i >= 0 else len(ins) - 1 - i for i in order]
    grid, body = int_list(op, "grid"), value_of(op, "body")
    name = kernel_name("tile_call", "gpu", body, grid, places, *buffers)
    return KernelRequest(name, ins, outs, lambda: _text(op, name, body, grid, places, buffers))


def _text(
    op: ir.Operation, name: str, body: str, grid: Sequence[int], places: Sequence[int], buffers: Sequence[ir.MemRefType]
) -> str:
    module = ir.Module.parse(body)
    func = tile_function(op, module)
    arguments = func.regions[0].blocks[0].arguments
    for number, (argument, place) in enumerate(zip(arguments, places, strict=True)):
        given = memory_type(buffers[place].element_type, op)
        kind = argument.type
        is_pointer = isinstance(kind, ir.MemRefType)
        wanted = kind.element_type if is_pointer else memory_type(kind, op)
        if given != wanted or not (is_pointer or buffers[place].rank == 0):
            raise refuse(
                op, f"argument {number} of the kernel is {kind}, but it is given {buffers[place]}", "pass that type"
            )
    _read_scalars(op, func)
    symbol = f"{_kind_of(func)}_{hashlib.sha256(func.get_asm(enable_debug_info=False).encode()).hexdigest()[:12]}"
    func.attributes["sym_name"] = ir.StringAttr.get(symbol)
    func.attributes["sym_visibility"] = ir.StringAttr.get("private")
    parameters = ", ".join(f"%arg{i}: {kind}" for i, kind in enumerate(buffers))
    passed = ", ".join(f"%arg{place}" for place in places)
    kinds = ", ".join(str(buffers[place]) for place in places)
    sizes = ", ".join(map(str, grid))
    return f"""
func.func private @{name}({parameters}) {{
  "astra.gpu_launch"({passed}) {{grid = array<i64: {sizes}>, kernel = @{symbol}}} : ({kinds}) -> ()
  return
}}
{func.get_asm(enable_debug_info=False)}"""


def _kind_of(func: ir.Operation) -> str:
    """The kernel's name, for profilers."""
    name = ir.StringAttr(func.attributes["sym_name"]).value
    return name if name.isascii() else "kernel"


def _read_scalars(op: ir.Operation, func: ir.Operation) -> None:
    """Scalar arguments become addresses that the function reads; all pointers are known to be aligned."""
    block = func.regions[0].blocks[0]
    builder = OpBuilder(ir.InsertionPoint.at_block_begin(block), op.location)
    i32, i64 = ir.IntegerType.get_signless(32), ir.IntegerType.get_signless(64)
    for argument in block.arguments:
        kind = argument.type
        if isinstance(kind, ir.MemRefType):
            continue
        stored = memory_type(kind, op)
        argument.set_type(ir.MemRefType.get([ir.ShapedType.get_dynamic_size()], stored))
        zero = builder.op("arith.constant", (), [i32], {"value": ir.IntegerAttr.get(i32, 0)})
        load = builder.op("astra.tile_load", [argument, zero.results[0]], [stored], {})
        value = load.results[0]
        if stored != kind:
            value = builder.op("arith.trunci", [value], [kind], {}).results[0]
        argument.replace_all_uses_except(value, load)
    kinds = [argument.type for argument in block.arguments]
    func.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, []))
    aligned = ir.DictAttr.get({"astra.divisibility": ir.IntegerAttr.get(i64, _ALIGNMENT)})
    func.attributes["arg_attrs"] = ir.ArrayAttr.get([aligned] * len(kinds))
