"""Import of custom calls and barriers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.import_rules.core import Importer, TupleElements, flag, rule
from astra_mlir.passes.import_rules.sorting import top_k
from astra_mlir.passes.import_rules.transforms import PREFIX, from_custom_call

# Custom calls that only say something about their operand and give it back.
_ANNOTATIONS = {
    "Sharding", "LayoutConstraint", "annotate_device_placement", "MoveToDevice", "MoveToHost",
    "SPMDFullToShardShape", "SPMDShardToFullShape", "xla.sdy.FuncResultSharding", "xla.sdy.PropagationBarrier",
}  # fmt: skip

# Custom calls that only say what is to be scheduled before what.
_ORDERS = {"control_dep"}

# Operations that XLA's exporters hide in custom calls; those of top_k have attributes.
_TOP_K = ("mhlo.topk", "TopK")
_WRAPPED = {"mhlo.erf": "erf", "mhlo.tan": "tan"}


@rule("stablehlo.custom_call")
def _custom_call(op: ir.Operation, b: Importer) -> Sequence[ir.Value] | None:
    target = op.attributes["call_target_name"].value
    operands = list(op.operands)
    results = [result.type for result in op.results]
    if target.startswith(PREFIX):
        return from_custom_call(op, b)
    if target in _ANNOTATIONS and [x.type for x in operands] == results:
        return operands
    if target in _ORDERS and not results:
        return []
    if target in _WRAPPED:
        return b.op(_WRAPPED[target], operands, results).results
    if target in _TOP_K:
        given = op.attributes["mhlo.attributes" if "mhlo.attributes" in op.attributes else "mhlo.backend_config"]
        return top_k(operands[0], results, given["k"], given["largest"], b)
    flat = _flatten(results)
    # All attributes stay, so that they are there again after export.
    new = b.op(
        "custom_call",
        operands,
        flat,
        **{**dict(op.attributes.items()), "has_side_effect": flag(op, "has_side_effect")},
    )
    if flat == results:
        return new.results
    # The result is a tuple: what takes elements of it finds them by value, nested tuples by a list.
    elements = iter(new.results)
    for result in op.results:
        b.tuples[result] = _nest(result.type, elements)
    return None


def _flatten(types: Sequence[ir.Type]) -> list[ir.Type]:
    """The types with tuples replaced by what they hold."""
    flat: list[ir.Type] = []
    for type in types:
        if isinstance(type, ir.TupleType):
            flat += _flatten([type.get_type(i) for i in range(type.num_types)])
        else:
            flat.append(type)
    return flat


def _nest(type: ir.Type, elements: Iterator[ir.Value]) -> TupleElements:
    """The next elements, in lists as the tuple type nests them."""
    types = [type.get_type(i) for i in range(type.num_types)]
    return [_nest(t, elements) if isinstance(t, ir.TupleType) else next(elements) for t in types]


@rule("stablehlo.optimization_barrier")
def _optimization_barrier(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    return b.op("optimization_barrier", list(op.operands), [result.type for result in op.results]).results
