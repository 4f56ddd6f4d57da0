"""Kernels of ``astra.dot_general`` on the CPU: any dimension numbers, float and integer element types.

Batch, free and contracting dimensions are collapsed to (batch, M, N, K) levels with strides; ``gemm.py`` and
``skinny.py`` choose the loops.  Complex and 8-bit float operands, and products of a few elements, are left to
``astra-to-linalg``.
"""

from __future__ import annotations

from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list
from astra_mlir.passes.kernel_rules.contraction_shapes import accumulator_of, memref_text, row_major_strides
from astra_mlir.passes.kernel_rules.gemm import Gemm
from astra_mlir.passes.kernel_rules.gemm_levels import Level, merge_levels
from astra_mlir.passes.kernel_rules.products import schedule_product, scratch_types
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.target import target_of

__all__ = ["dot_general"]

MIN_WORK = 128  # multiply-adds of one product below which linalg's scalar loops are as good


def _request(op: ir.Operation, gemm: Gemm) -> KernelRequest:
    lhs, rhs = op.operands
    target = target_of(op)
    schedule = schedule_product(gemm, target)
    types = [memref_text(value.type) for value in (lhs, rhs, op.results[0])]
    name = kernel_name("dot", schedule, *types)
    return KernelRequest(
        name=name,
        ins=(lhs, rhs),
        outs=(Out(op.results[0].type),),
        build=lambda: schedule.text(name, *types),
        scratch=scratch_types(schedule, gemm.accumulator),
    )


@kernel_rule("dot_general")
def dot_general(op: ir.Operation) -> KernelRequest | None:
    """``result[b, m, n] = sum_k lhs[b, m, k] * rhs[b, n, k]`` after collapsing the dimensions of each class."""
    lhs, rhs = op.operands
    elements = [str(value.type.element_type) for value in (lhs, rhs, op.results[0])]
    accumulator = accumulator_of(*elements)
    if accumulator is None:
        return None
    lhs_shape, rhs_shape = list(lhs.type.shape), list(rhs.type.shape)
    lhs_strides, rhs_strides = row_major_strides(lhs_shape), row_major_strides(rhs_shape)
    lhs_batch, rhs_batch = int_list(op, "lhs_batching_dimensions"), int_list(op, "rhs_batching_dimensions")
    lhs_sum, rhs_sum = int_list(op, "lhs_contracting_dimensions"), int_list(op, "rhs_contracting_dimensions")

    def paired(lhs_dimensions: list[int], rhs_dimensions: list[int]) -> list[Level]:
        pairs = zip(lhs_dimensions, rhs_dimensions, strict=True)
        return [(lhs_shape[i], lhs_strides[i], rhs_strides[j]) for i, j in pairs]

    def free(shape: list[int], strides: list[int], taken: list[int]) -> list[Level]:
        return [(shape[i], strides[i]) for i in range(len(shape)) if i not in taken]

    steps = paired(lhs_sum, rhs_sum)
    by_operand = [merge_levels(sorted(steps, key=lambda level: -level[side])) for side in (1, 2)]
    m = merge_levels(free(lhs_shape, lhs_strides, lhs_batch + lhs_sum))
    n = merge_levels(free(rhs_shape, rhs_strides, rhs_batch + rhs_sum))
    rows, columns = (prod(level[0] for level in levels) for levels in (m, n))
    batch_strides = row_major_strides([lhs_shape[i] for i in lhs_batch])
    batch = [
        (*level, stride * rows * columns)
        for level, stride in zip(paired(lhs_batch, rhs_batch), batch_strides, strict=True)
    ]
    gemm = Gemm(
        *elements,
        accumulator,
        batch=merge_levels(batch),
        m=m,
        n=n,
        k=min(by_operand, key=len),
        row_stride=columns,
    )
    batches, _, _, depth = gemm.sizes
    if batches == 0 or rows * columns * depth < MIN_WORK or depth == 1 or rows == columns == 1:
        return None
    return _request(op, gemm)
