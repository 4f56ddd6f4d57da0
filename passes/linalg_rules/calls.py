"""Calls: of generated kernels and of functions, with operands as tensors and results in signless types."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.lowering import RULES, Lowering, Val, rule

__all__: list[str] = []


@rule("kernel_call")
def _call(low: Lowering, op: ir.Operation) -> list[Val]:
    infos = low.result_infos(op)
    attributes = {name: op.attributes[name] for name in op.attributes}
    operands = [low.tensor(val) for val in low.operands(op)]
    new = low.create(op.name, operands, [info.tensor for info in infos], attributes)
    return [Val(info, tensor=value) for info, value in zip(infos, new.results, strict=True)]


def _empty(low: Lowering, op: ir.Operation) -> list[Val]:
    info = low.info(op.result.type)
    return [Val(info, tensor=low.empty(info.tensor))]


RULES["func.call"] = _call
RULES["tensor.empty"] = _empty
