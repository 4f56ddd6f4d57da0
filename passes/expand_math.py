"""``astra-expand-math``: elementary functions become polynomial arithmetic.

Stage 13 of the CPU pipeline, on scalar loops (or vectors) just before LLVM.  A call of the C library for each element
keeps LLVM from vectorizing the loop around it; arithmetic does not.  The functions are in ``math_functions.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.math_builder import FloatBuilder, Number
from astra_mlir.passes.math_functions import FUNCTIONS, inverse_of_raised_exp
from astra_mlir.passes.target import target_of

__all__ = ["ExpandMath"]


@register_pass
@dataclass(frozen=True)
class ExpandMath(Pass):
    """Replace ``math`` operations that have no instruction by ``arith``, on f16, bf16, f32, f64 and vectors of them.

    f16 and bf16 are computed in f32; roundings to bf16 become integer arithmetic.  ``sqrt``, ``absf``, ``copysign``,
    ``fma``, roundings to integers and integer operations stay.

    Before::

        %0 = math.rsqrt %x : f32

    After::

        %one = arith.constant 1.0 : f32
        %0 = math.sqrt %x : f32
        %1 = arith.divf %one, %0 : f32
    """

    name = "astra-expand-math"
    summary = "expand elementary functions into polynomial arithmetic"

    def run(self, module: ir.Operation) -> None:
        found: list[ir.Operation] = []
        roundings: list[ir.Operation] = []

        def visit(op: ir.Operation) -> ir.WalkResult:
            if op.name in FUNCTIONS and _float_element(op.results[0].type) is not None:
                found.append(op)
            if op.name == "arith.truncf" and isinstance(_float_element(op.results[0].type), ir.BF16Type):
                roundings.append(op)
            return ir.WalkResult.ADVANCE

        module.walk(visit)
        target = target_of(module)
        fused, scales = target.fused_multiply_add, target.family == "x86" and target.vector_bits == 512
        for op in found:
            inverse = _inverse_of_raised(op) if op.name == "math.exp" else None
            if inverse is not None:
                _expand_inverse(inverse, op, fused=fused)
            else:
                _expand(op, fused=fused, scales=scales)
        for op in roundings:
            _expand_rounding(op, fused=fused)


def _float_element(type: ir.Type) -> ir.Type | None:
    element = type.element_type if isinstance(type, ir.VectorType) else type
    return element if isinstance(element, ir.F16Type | ir.BF16Type | ir.F32Type | ir.F64Type) else None


def _expand(op: ir.Operation, *, fused: bool, scales: bool) -> None:
    type = op.results[0].type
    element = _float_element(type)
    operands = list(op.operands)
    with ir.InsertionPoint(op), op.location:
        if element is not None and element.width < 32:
            wide = ir.F32Type.get()
            if isinstance(type, ir.VectorType):
                wide = ir.VectorType.get(list(type.shape), wide)
            operands = [ir.Operation.create("arith.extf", results=[wide], operands=[x]).result for x in operands]
            builder = FloatBuilder(wide, fused=fused, scales=scales)
        else:
            builder = FloatBuilder(type, fused=fused, scales=scales)
        value = FUNCTIONS[op.name](builder, *(Number(builder, x) for x in operands)).value
        if isinstance(element, ir.BF16Type):
            value = builder.to_bf16(Number(builder, value))
        elif value.type != type:
            value = ir.Operation.create("arith.truncf", results=[type], operands=[value]).result
    op.results[0].replace_all_uses_with(value)
    op.erase()


def _inverse_of_raised(exp: ir.Operation) -> ir.Operation | None:
    """The division where an exponential is only used in 1 / (1 + exp(x))."""
    element = _float_element(exp.results[0].type)
    if element is None or element.width < 32:
        return None
    add = _only_user(exp, "arith.addf")
    if add is None or not any(_is_one(operand) for operand in add.operands):
        return None
    division = _only_user(add, "arith.divf")
    return division if division is not None and _is_one(division.operands[0]) else None


def _only_user(op: ir.Operation, name: str) -> ir.Operation | None:
    uses = list(op.results[0].uses)
    return uses[0].owner.operation if len(uses) == 1 and uses[0].owner.name == name else None


def _is_one(value: ir.Value) -> bool:
    if isinstance(value.owner, ir.Block) or value.owner.name != "arith.constant":
        return False
    attribute = value.owner.attributes["value"]
    if isinstance(attribute, ir.DenseElementsAttr):
        return attribute.is_splat and attribute.get_splat_value().value == 1
    return attribute.value == 1


def _expand_inverse(division: ir.Operation, exp: ir.Operation, *, fused: bool) -> None:
    with ir.InsertionPoint(division), division.location:
        builder = FloatBuilder(exp.results[0].type, fused=fused)
        value = inverse_of_raised_exp(builder, Number(builder, exp.operands[0])).value
    add = division.operands[1].owner.operation
    division.results[0].replace_all_uses_with(value)
    for op in (division, add, exp):
        op.erase()


def _expand_rounding(op: ir.Operation, *, fused: bool) -> None:
    source = op.operands[0]
    element = _float_element(source.type)
    if element is None or element.width < 32:
        return  # f16 to bf16 does not occur: programs convert by way of f32
    with ir.InsertionPoint(op), op.location:
        builder = FloatBuilder(source.type, fused=fused)
        single = Number(builder, source)
        if element.width == 64:
            single = builder.to_odd_f32(single)
        value = single.builder.to_bf16(single)
    op.results[0].replace_all_uses_with(value)
    op.erase()
