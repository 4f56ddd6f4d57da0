"""``astra-expand-math``: elementary functions become polynomial arithmetic.

Stage 13 of the CPU pipeline, on scalar loops (or vectors) just before LLVM.  A call of the C library for each element
keeps LLVM from vectorizing the loop around it; arithmetic does not.  The functions are in ``math_functions.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.math_builder import FloatBuilder, Number
from astra_mlir.passes.math_functions import FUNCTIONS
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
