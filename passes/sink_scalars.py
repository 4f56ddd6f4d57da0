"""``astra-sink-scalars``: what is computed of single elements goes where it is used, so that a GPU's host reads none.

On the CPU a rank-0 tensor is read once and its value handed to loops.  For a program on a GPU that would be a wait for
the device.  Here, after fusion, a scalar that a ``linalg.generic`` takes from outside is computed in its body, from a
``tensor.extract`` there, and ``tensor.from_elements`` of such a scalar is a ``linalg.generic`` of rank 0.  What is left
outside decides control flow or the places of slices: those are copied back, one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import Builder, is_tensor
from astra_mlir.passes.traversal import walk

__all__ = ["SinkScalars"]

LONGEST = 64  # operations that are computed again for each reader


def _is_scalar_work(op: ir.Operation) -> bool:
    return op.name.startswith(("arith.", "math.", "complex.")) and not len(op.regions) and len(op.results) == 1


def _chain(values: Sequence[ir.Value]) -> list[ir.Operation] | None:
    """The operations, in order, that compute values from elements of tensors; None where there is no such element."""
    found: dict[ir.Operation, None] = {}
    reads = False

    def visit(value: ir.Value) -> bool:
        nonlocal reads
        if isinstance(value, ir.BlockArgument):
            return True
        op = value.owner.operation
        if op in found:
            return True
        if op.name == "tensor.extract":
            reads = True
        elif not _is_scalar_work(op):
            return True  # stays outside
        elif not all(visit(operand) for operand in op.operands):
            return False
        found[op] = None
        return len(found) <= LONGEST

    if not all(visit(value) for value in values) or not reads:
        return None
    return list(found)


def _captured(op: ir.Operation) -> list[ir.Value]:
    """Scalars from outside that a generic takes, as operands or in its body, and that no constant gives."""
    block = op.regions[0].blocks[0]
    inside: set[ir.Value] = set(block.arguments)
    values: dict[ir.Value, None] = {value: None for value in op.operands if not is_tensor(value)}
    for inner in walk(block):
        inside.update(inner.results)
        for region in inner.regions:
            for nested in region.blocks:
                inside.update(nested.arguments)
        values.update(dict.fromkeys(value for value in inner.operands if not is_tensor(value)))
    return [value for value in values if value not in inside]


def _sink_into(op: ir.Operation) -> None:
    scalars = _captured(op)
    block = op.regions[0].blocks[0]
    for scalar in scalars:
        chain = _chain([scalar])
        if chain is None:
            continue
        place = ir.InsertionPoint.at_block_begin(block)
        copies: dict[ir.Value, ir.Value] = {}
        for old in chain:
            new = old.clone(place)
            for i, operand in enumerate(new.operands):
                if operand in copies:
                    new.operands[i] = copies[operand]
            copies[old.results[0]] = new.results[0]
        new = copies[scalar]
        for inner in walk(block):
            if inner.results and inner.results[0] in copies.values():
                continue
            for i, operand in enumerate(inner.operands):
                if operand == scalar:
                    inner.operands[i] = new
        for argument, operand in zip(block.arguments, op.operands, strict=True):
            if operand == scalar:
                argument.replace_all_uses_with(new)


def _from_elements(op: ir.Operation) -> None:
    """A tensor of one computed element as an operation on tensors."""
    if op.results[0].type.rank != 0 or _chain(list(op.operands)) is None:
        return
    builder = Builder(ir.InsertionPoint(op), op.location)
    kind = op.results[0].type
    empty = builder.op("tensor.empty", (), (kind,)).results[0]
    maps = ir.ArrayAttr.get([ir.AffineMapAttr.get(ir.AffineMap.get(0, 0, []))])
    attributes = {
        "indexing_maps": maps,
        "iterator_types": ir.ArrayAttr.get([]),
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 1]),
    }
    generic = builder.op("linalg.generic", (empty,), (kind,), attributes, regions=1)
    block = generic.regions[0].blocks.append(kind.element_type, arg_locs=[op.location])
    ir.Operation.create("linalg.yield", operands=[op.operands[0]], loc=op.location, ip=ir.InsertionPoint(block))
    op.results[0].replace_all_uses_with(generic.results[0])
    op.erase()
    _sink_into(generic)


@register_pass
@dataclass(frozen=True)
class SinkScalars(Pass):
    """Compute scalars of tensors' elements in the bodies that use them.

    Before: ``%s = tensor.extract %t[]`` and a ``linalg.generic`` whose body uses ``%s``.
    After: the ``tensor.extract`` is in the body.
    """

    name: ClassVar[str] = "astra-sink-scalars"
    summary: ClassVar[str] = "scalars of single elements are computed where they are used"

    def run(self, module: ir.Operation) -> None:
        for view in module.regions[0].blocks[0].operations:
            func = view.operation
            for block in func.regions[0].blocks if func.name == "func.func" else ():
                operations = [
                    op for op in walk(block) if op.name in ("tensor.from_elements", "linalg.generic", "linalg.fill")
                ]
                for op in operations:
                    if op.name == "tensor.from_elements":
                        _from_elements(op)
                    elif op.name == "linalg.generic":
                        _sink_into(op)
                    else:
                        _fill(op)


def _fill(op: ir.Operation) -> None:
    """A fill with a computed scalar."""
    if _chain([op.operands[0]]) is None:
        return
    builder = Builder(ir.InsertionPoint(op), op.location)
    kind = op.results[0].type
    rank = kind.rank
    attributes = {
        "indexing_maps": ir.ArrayAttr.get([ir.AffineMapAttr.get(ir.AffineMap.get_identity(rank))]),
        "iterator_types": ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")] * rank),
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 1]),
    }
    generic = builder.op("linalg.generic", (op.operands[1],), (kind,), attributes, regions=1)
    block = generic.regions[0].blocks.append(kind.element_type, arg_locs=[op.location])
    ir.Operation.create("linalg.yield", operands=[op.operands[0]], loc=op.location, ip=ir.InsertionPoint(block))
    op.results[0].replace_all_uses_with(generic.results[0])
    op.erase()
    _sink_into(generic)
