"""Kernels of ``astra.custom_call``: the addresses of its arrays, handed to the runtime with a descriptor.

The function itself is found by name when the program runs (``astra_custom_call`` of the runtime); which names there are
is what ``call_targets.py`` knows, so that a program with an unknown one is refused when it is compiled.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.call_targets import is_known
from astra_mlir.dialects.core import build, value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.passes.kernel_rules.call_descriptor import descriptor
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import Function, element_of, memref_type, refuse, shape_of

__all__ = ["CALLS"]

_ENTRY = "astra_custom_call"

CALLS = "astra.calls"
"""The attribute of a module with the names of the functions that it calls."""


@kernel_rule("custom_call")
def custom_call(op: ir.Operation) -> KernelRequest | None:
    """One kernel per descriptor and layout; arrays in a layout that is not row-major are transposed around it."""
    target = value_of(op, "call_target_name")
    if not is_known(target):
        return None  # refused by astra-to-linalg
    if any(not isinstance(value.type, ir.RankedTensorType) for value in (*op.operands, *op.results)):
        raise refuse(op, f"'{target}' takes or gives something that is no array", "pass arrays only")
    words = descriptor(op, target, _attributes(op))
    _note(op, target)
    # Arrays without elements have no address, and no part in the kernel.
    there = [0 not in value.type.shape for value in (*op.operands, *op.results)]
    orders = zip(op.operands, _orders(op, "operand"), strict=True)
    ins = [_transposed(op, value, order) for value, order in orders if 0 not in value.type.shape]
    outs: list[Out | None] = []
    for result, order in zip(op.results, _orders(op, "result"), strict=True):
        if 0 in result.type.shape:
            outs.append(None)
        elif order is None:
            outs.append(Out(result.type))
        else:
            back = [order.index(i) for i in range(len(order))]
            outs.append(Out(_permuted(result.type, order), permutation=tuple(back)))
    types = [memref_type(shape_of(value), element_of(value.type).storage) for value in ins]
    types += [f"memref<{len(words)}xi64>"]
    types += [memref_type(list(out.type.shape), element_of(out.type).storage) for out in outs if out is not None]
    aliases = _aliases(op)
    name = kernel_name("custom_call", target, there, aliases, *types)
    return KernelRequest(name, ins, outs, lambda: _text(name, types, len(ins), there, aliases), tables=(words,))


def _note(op: ir.Operation, target: str) -> None:
    """Write a name down on the module."""
    module = op
    while module.parent is not None:
        module = module.parent
    known = {ir.StringAttr(name).value for name in module.attributes[CALLS]} if CALLS in module.attributes else set()
    module.attributes[CALLS] = ir.ArrayAttr.get([ir.StringAttr.get(name) for name in sorted(known | {target})])


def _attributes(op: ir.Operation) -> ir.DictAttr | None:
    """What the function is told beside its arrays: JAX writes it under one of two names."""
    for key in ("mhlo.backend_config", "backend_config"):
        if key in op.attributes and isinstance(op.attributes[key], ir.DictAttr):
            return op.attributes[key]
    return None


def _aliases(op: ir.Operation) -> list[tuple[int, int]]:
    """Operands that the function updates in place, each with the result in its place (numbered after operands)."""
    if "output_operand_aliases" not in op.attributes:
        return []
    aliases: list[tuple[int, int]] = []
    orders, result_orders = _orders(op, "operand"), _orders(op, "result")
    for alias in map(stablehlo.OutputOperandAlias, op.attributes["output_operand_aliases"]):
        operand, result = alias.operand_index, (*alias.output_tuple_indices, 0)[0]
        if op.operands[operand].type != op.results[result].type or orders[operand] != result_orders[result]:
            raise refuse(op, f"operand {operand} and the result in its place differ", "give them one type and layout")
        if 0 not in op.operands[operand].type.shape:
            aliases.append((operand, len(op.operands) + result))
    return aliases


def _orders(op: ir.Operation, side: str) -> list[list[int] | None]:
    """For each operand or result its dimensions in the order of memory, outermost first; None for row-major."""
    values = op.operands if side == "operand" else op.results
    key = f"{side}_layouts"
    if key not in op.attributes:
        return [None] * len(values)
    orders: list[list[int] | None] = []
    for layout in ir.ArrayAttr(op.attributes[key]):
        order = [int(i) for i in reversed(to_numpy(layout).tolist())] if len(ir.DenseElementsAttr(layout)) else []
        orders.append(None if order == sorted(order) else order)
    return orders


def _permuted(type: ir.Type, order: Sequence[int]) -> ir.Type:
    return ir.RankedTensorType.get([type.shape[i] for i in order], type.element_type)


def _transposed(op: ir.Operation, value: ir.Value, order: list[int] | None) -> ir.Value:
    if order is None:
        return value
    type, ip = _permuted(value.type, order), ir.InsertionPoint(op)
    return build("transpose", [value], [type], permutation=order, loc=op.location, ip=ip).results[0]


def _text(
    name: str, types: Sequence[str], num_ins: int, there: Sequence[bool], aliases: Sequence[tuple[int, int]]
) -> str:
    """Collects the addresses and calls the runtime; ``types[num_ins]`` is the descriptor.

    ``there`` says of each operand and result whether the kernel has it, that is, whether it has elements.  What a
    result has in common with an operand is copied to it before the call, and the operand then is the result.
    """
    arguments = [(f"%a{i}", type) for i, type in enumerate(types)]
    f = Function(name, arguments)
    addresses = f"memref<{max(1, len(there))}xi64>"
    table = f.header(f"memref.alloca() : {addresses}")

    def address(value: str, type: str) -> str:
        index = f.value(f"memref.extract_aligned_pointer_as_index {value} : {type} -> index")
        return f.value(f"arith.index_cast {index} : index to i64")

    present = iter([argument for i, argument in enumerate(arguments) if i != num_ins])
    arrays = {i: next(present) for i, given in enumerate(there) if given}
    for operand, result in aliases:
        (source, type), (target, _) = arrays[operand], arrays[result]
        f.emit(f"memref.copy {source}, {target} : {type} to {type}")
        arrays[operand] = arrays[result]
    for i in range(len(there)):
        place = address(*arrays[i]) if i in arrays else f.constant(0, "i64")
        f.emit(f"memref.store {place}, {table}[{f.constant(i)}] : {addresses}")
    words, buffers = address(*arguments[num_ins]), address(table, addresses)
    f.emit(f"func.call @{_ENTRY}({words}, {buffers}) : (i64, i64) -> ()")
    return f"func.func private @{_ENTRY}(i64, i64)\n{f.text()}"
