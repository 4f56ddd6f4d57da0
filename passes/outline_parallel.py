"""``astra-outline-parallel``: the body of each outermost ``scf.forall`` becomes a function of a range of tasks.

The call in its place, ``@<task>.parallel(count, captured...)``, is declared here and defined by ``astra-emit-entry`` in
the LLVM dialect, where function pointers exist: it hands the task function to the runtime's ``astra_parallel_for``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import DYNAMIC, Builder, strides_and_offset
from astra_mlir.passes.traversal import replace_operands, walk

__all__ = ["PARALLEL_SUFFIX", "OutlineParallel"]

PARALLEL_SUFFIX = ".parallel"


def _foralls(block: ir.Block) -> list[ir.Operation]:
    """The outermost ``scf.forall`` operations in a block."""
    found = []
    for op in block.operations:
        operation = op.operation
        if operation.name == "scf.forall":
            found.append(operation)
            continue
        for region in operation.regions:
            for nested in region.blocks:
                found += _foralls(nested)
    return found


def _captured(op: ir.Operation) -> tuple[list[ir.Value], list[ir.Value]]:
    """Values from outside that a region uses: (constants, others), in order of use."""
    inside: set[ir.Value] = set()
    used: dict[ir.Value, None] = {}

    def visit(block: ir.Block) -> None:
        inside.update(block.arguments)
        for nested in block.operations:
            used.update(dict.fromkeys(nested.operation.operands))
            inside.update(nested.operation.results)
            for region in nested.operation.regions:
                for deeper in region.blocks:
                    visit(deeper)

    visit(op.regions[0].blocks[0])
    outside = [value for value in used if value not in inside]
    constants = [v for v in outside if not isinstance(v.owner, ir.Block) and v.owner.operation.name == "arith.constant"]
    return constants, [v for v in outside if v not in constants]


def _is_bare(kind: ir.Type) -> bool:
    """Whether a memref type can be passed as one pointer."""
    if not isinstance(kind, ir.MemRefType):
        return True
    if not kind.has_static_shape:
        return False
    strides, offset = strides_and_offset(kind)
    return offset != DYNAMIC and DYNAMIC not in strides


def _bounds(builder: Builder, op: ir.Operation) -> list[tuple[ir.Value | int, ir.Value | int, int]]:
    """(lower bound, number of iterations, step) per dimension."""
    dynamic = iter(op.operands)
    rows = [
        [next(dynamic) if bound == DYNAMIC else bound for bound in op.attributes[name]]
        for name in ("staticLowerBound", "staticUpperBound", "staticStep")
    ]
    result = []
    for low, high, step in zip(*rows, strict=True):
        if isinstance(low, int) and isinstance(high, int) and isinstance(step, int):
            result.append((low, max(0, -(-(high - low) // step)), step))
        else:
            span = builder.binary("subi", builder.value(high), builder.value(low))
            result.append((low, builder.binary("ceildivsi", span, builder.value(step)), step))
    return result


def _outline(module_body: ir.Block, func: ir.Operation, forall: ir.Operation, name: str) -> None:
    loc = forall.location
    caller = Builder(ir.InsertionPoint(forall), loc)
    bounds = _bounds(caller, forall)
    constants, captured = _captured(forall)
    extra = [value for low, extent, step in bounds for value in (low, extent, step) if not isinstance(value, int)]
    captured = list(dict.fromkeys([*captured, *extra]))
    index = caller.index
    kinds = [value.type for value in captured]
    bare = all(_is_bare(kind) for kind in kinds)
    task = _function(name, [index, index, *kinds], bare, loc)
    declaration = _function(name + PARALLEL_SUFFIX, [index, *kinds], bare, loc)
    if bare:
        flags = _noalias_flags(func, captured)
        task.attributes["arg_attrs"] = ir.ArrayAttr.get([ir.DictAttr.get({})] * 2 + flags)
    block = task.regions[0].blocks.append(index, index, *kinds, arg_locs=[loc] * (2 + len(kinds)))
    inside = Builder(ir.InsertionPoint(block), loc)
    mapping = dict(zip(captured, list(block.arguments)[2:], strict=True))
    for value in constants:
        mapping[value] = value.owner.operation.clone(inside.ip).results[0]
    loop = inside.op("scf.for", (block.arguments[0], block.arguments[1], inside.constant(1)), (), regions=1)
    inside.op("func.return")
    old = forall.regions[0].blocks[0]
    body = loop.regions[0].blocks.append(index, arg_locs=[loc])
    end = ir.Operation.create("scf.yield", loc=loc, ip=ir.InsertionPoint(body))
    at = Builder(ir.InsertionPoint(end), loc)
    rest: ir.Value = body.arguments[0]
    for number in range(len(bounds) - 1, -1, -1):
        low, extent, step = (
            mapping.get(value, value) if not isinstance(value, int) else value for value in bounds[number]
        )
        variable: ir.Value = rest
        if number:
            size = at.value(extent)
            variable, rest = at.binary("remui", rest, size), at.binary("divui", rest, size)
        scaled = at.mul(variable, step) if isinstance(step, int) else at.binary("muli", variable, step)
        mapping[old.arguments[number]] = at.value(at.add(scaled, low))
    for op in list(old.operations)[:-1]:
        op.operation.move_before(end)
    for op in body.operations:
        replace_operands(op.operation, mapping)
    module_body.append(task)
    module_body.append(declaration)
    count: ir.Value | int = 1
    for _, extent, _ in bounds:
        count = (
            count * extent
            if isinstance(count, int) and isinstance(extent, int)
            else caller.binary("muli", caller.value(count), caller.value(extent))
        )
    caller.op(
        "func.call", [caller.value(count), *captured], (), {"callee": ir.FlatSymbolRefAttr.get(name + PARALLEL_SUFFIX)}
    )
    forall.erase()


def _noalias_flags(func: ir.Operation, captured: Sequence[ir.Value]) -> list[ir.Attribute]:
    """The ``llvm.noalias`` marks of those captured values that are arguments of the enclosing function."""
    empty = ir.DictAttr.get({})
    marks = list(func.attributes["arg_attrs"]) if "arg_attrs" in func.attributes else []
    entry = func.regions[0].blocks[0]
    flags = []
    for value in captured:
        argument = isinstance(value.owner, ir.Block) and value.owner == entry
        flags.append(marks[ir.BlockArgument(value).arg_number] if argument and marks else empty)
    return flags


def _function(name: str, kinds: Sequence[ir.Type], bare: bool, loc: ir.Location) -> ir.Operation:
    attributes: dict[str, ir.Attribute] = {
        "sym_name": ir.StringAttr.get(name),
        "sym_visibility": ir.StringAttr.get("private"),
        "function_type": ir.TypeAttr.get(ir.FunctionType.get(list(kinds), [])),
    }
    if bare:
        attributes["llvm.bareptr"] = ir.UnitAttr.get()
    return ir.Operation.create("func.func", attributes=attributes, regions=1, loc=loc)


def _hoist_allocas(func: ir.Operation) -> None:
    """Move stack buffers of static size to the function's entry: in a loop each iteration would take new stack."""
    entry = func.regions[0].blocks[0]
    found = [op for op in walk(entry) if op.name == "memref.alloca" and not len(op.operands)]
    first = entry.operations[0].operation
    for op in found:
        if op != first:
            op.move_before(first)


@register_pass
@dataclass(frozen=True)
class OutlineParallel(Pass):
    """Move the bodies of parallel loops into task functions.

    Before: ``scf.forall (%i) in (64) {...}``.
    After: ``func.call @kernel_0.task0.parallel(%c64, ...)`` and
    ``func.func private @kernel_0.task0(%begin, %end, ...)``.
    Parallel loops inside of parallel loops stay; ``scf-forall-to-for`` makes them serial.
    """

    name: ClassVar[str] = "astra-outline-parallel"
    summary: ClassVar[str] = "outline scf.forall bodies into functions that the runtime runs in parallel"

    def run(self, module: ir.Operation) -> None:
        module_body = module.regions[0].blocks[0]
        for op in list(module_body.operations):
            func = op.operation
            if func.name != "func.func" or not len(func.regions[0].blocks):
                continue
            name = ir.StringAttr(func.attributes["sym_name"]).value
            for number, forall in enumerate(_foralls(func.regions[0].blocks[0])):
                _outline(module_body, func, forall, f"{name}.task{number}")
        for op in module_body.operations:
            if op.operation.name == "func.func" and len(op.operation.regions[0].blocks):
                _hoist_allocas(op.operation)
