"""One element of a value, computed where it is wanted: a gather of a few elements needs no array of all of them.

A cross-entropy reads one logarithm of a probability in each row; the rows themselves need not be written for that.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.lowering import Lowering
from astra_mlir.passes.linalg_rules.recompute import is_work

__all__ = ["element"]

_DEPTH = 4  # operations in a row that are computed for an element
_CHEAP = 8  # what those behind the first, which others may read, may cost


def element(low: Lowering, value: ir.Value, where: Sequence[ir.Value], depth: int = _DEPTH) -> ir.Value:
    """The element of a tensor at indices: computed from the elements of operands if it is elementwise, else read."""
    op = value.owner.operation if isinstance(value, ir.OpResult) else None
    if depth == 0 or op is None or not _is_elementwise(op) or (depth < _DEPTH and is_work(value, _CHEAP)):
        return low.emit("tensor.extract", [value, *where], value.type.element_type)
    block = op.regions[0].blocks[0]
    mapping: dict[ir.Value, ir.Value] = {}
    for argument, operand, attribute in zip(
        list(block.arguments)[:-1], list(op.operands)[:-1], list(op.attributes["indexing_maps"])[:-1], strict=True
    ):
        if not isinstance(operand.type, ir.RankedTensorType):
            mapping[argument] = operand
            continue
        indices = [
            where[expression.position]
            if isinstance(expression, ir.AffineDimExpr)
            else low.constant_index(expression.value)
            for expression in attribute.value.results
        ]
        mapping[argument] = element(low, operand, indices, depth - 1)
    *body, end = [view.operation for view in block.operations]
    for inner in body:
        new = inner.clone(low.ip)
        for i, old in enumerate(inner.operands):
            if old in mapping:
                new.operands[i] = mapping[old]
        mapping.update(zip(inner.results, new.results, strict=True))
    return mapping.get(end.operands[0], end.operands[0])


def _is_elementwise(op: ir.Operation) -> bool:
    """Whether an operation is a ``linalg.generic`` that reads each operand at its own indices or at constants."""
    if op.name != "linalg.generic" or len(op.results) != 1 or "reduction" in str(op.attributes["iterator_types"]):
        return False
    block = op.regions[0].blocks[0]
    if any(len(view.operation.regions) or view.operation.name == "linalg.index" for view in block.operations):
        return False
    *inputs, output = [attribute.value for attribute in op.attributes["indexing_maps"]]
    simple = (ir.AffineDimExpr, ir.AffineConstantExpr)
    return (
        output == ir.AffineMap.get_identity(output.n_dims)
        and not list(block.arguments[len(block.arguments) - 1].uses)
        and all(isinstance(expression, simple) for indexing in inputs for expression in indexing.results)
    )
