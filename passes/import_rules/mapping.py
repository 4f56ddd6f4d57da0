"""Import of stablehlo.map: its computation on scalars becomes the same computation on whole tensors."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import elements
from astra_mlir.passes.import_rules.core import IMPORT, Importer, refuse, rule, with_element

_SCALAR_ONLY = "the body of a map may only hold elementwise operations and constants; use stablehlo.while for others"
# Operations on scalars that leave them as they are.
_IDENTITIES = ("stablehlo.reshape", "stablehlo.broadcast_in_dim", "stablehlo.transpose")
_RAISED = {*IMPORT.renamed, "stablehlo.compare", "stablehlo.reduce_precision"}
_ALREADY_IMPORTED = {"astra.erf", "astra.tan", "astra.multiply"}  # what CHLO functions have become before this rule


@rule("stablehlo.map")
def _map(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    whole = op.results[0].type
    like = op.operands[0]
    body = op.regions[0].blocks[0]
    raised: dict[ir.Value, ir.Value] = dict(zip(body.arguments, op.operands, strict=True))

    def tensor(value: ir.Value) -> ir.Value:
        """The whole tensor for a scalar of the body, or for one captured from outside."""
        if value not in raised:
            raised[value] = b.broadcast(value, with_element(whole, value.type.element_type), [], like)
        return raised[value]

    *operations, end = list(body.operations)
    for inner in operations:
        if inner.name in ("stablehlo.constant", "astra.constant"):
            value = elements.splat_value(inner.attributes["value"])
            raised[inner.results[0]] = b.full(value, with_element(whole, inner.results[0].type.element_type), like)
        elif inner.name in _IDENTITIES and inner.results[0].type == inner.operands[0].type:
            raised[inner.results[0]] = tensor(inner.operands[0])
        elif inner.name in _RAISED or inner.name in _ALREADY_IMPORTED:
            new = ir.Operation.create(
                inner.name,
                results=[with_element(whole, inner.results[0].type.element_type)],
                operands=[tensor(value) for value in inner.operands],
                attributes=dict(inner.attributes.items()),
                loc=inner.location,
                ip=b.ip,
            )
            raised[inner.results[0]] = new.results[0] if inner.name in _ALREADY_IMPORTED else b.convert(new)[0]
        else:
            refuse(inner, _SCALAR_ONLY)
    return [tensor(end.operands[0])]
