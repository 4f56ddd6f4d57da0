"""Kernels of ``astra.dot_general`` on the CPU: any dimension numbers, float and integer element types.

Batch, free and contracting dimensions are collapsed to (batch, M, N, K) levels with strides; ``gemm.py`` and
``skinny.py`` choose the loops; ``complex_products.py`` makes real products of complex ones.  8-bit float operands, and
products of a few elements, are left to ``astra-to-linalg``.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.contraction_shapes import accumulator_of, memref_text, row_major_strides
from astra_mlir.passes.kernel_rules.epilogue import Fused, epilogue_of
from astra_mlir.passes.kernel_rules.gemm import Gemm, GemmSchedule, schedule_gemm
from astra_mlir.passes.kernel_rules.gemm_functions import bits_of
from astra_mlir.passes.kernel_rules.gemm_levels import Level, merge_levels
from astra_mlir.passes.kernel_rules.gemm_split import SplitSchedule
from astra_mlir.passes.kernel_rules.products import Schedule, schedule_product, scratch_types, with_epilogue
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.small_kernels import FLAT, LANES, SPAN
from astra_mlir.passes.target import target_of

__all__ = ["add_product", "adding", "dot_general"]

OFTEN = 4  # products with the same right operand for which packing it beforehand pays
MAX_PACKED = 1 << 21  # elements of an operand that is kept packed besides
SMALL_WORK = 1024  # multiply-adds in f32 of a product that loops do in registers
MIN_WORK = 128  # multiply-adds of one product below which linalg's scalar loops are as good


def _request(op: ir.Operation, schedule: Schedule, accumulator: str) -> KernelRequest:
    lhs, rhs = op.operands
    types = [memref_text(value.type) for value in (lhs, rhs, op.results[0])]
    name = kernel_name("dot", schedule, *types)
    return KernelRequest(
        name=name,
        ins=(lhs, rhs),
        outs=(Out(op.results[0].type),),
        build=lambda: schedule.text(name, *types),
        scratch=scratch_types(schedule, accumulator),
        schedule=schedule,
    )


def _packed_before(op: ir.Operation, gemm: Gemm, loop: ir.Operation, *, accumulate: bool) -> KernelRequest:
    """The product of an operand that does not change in a loop: packed once, before the loop."""
    lhs, rhs = op.operands
    schedule = schedule_gemm(gemm, target_of(op), accumulate=accumulate, packed_before=True)
    packed = ir.RankedTensorType.get([schedule.packed_elements], ir.Type.parse(gemm.accumulator))
    rhs_type, packed_type = memref_text(rhs.type), memref_text(packed)
    types = (memref_text(lhs.type), packed_type, memref_text(op.results[0].type))
    name = kernel_name("dot", schedule, *types)
    packing = kernel_name("pack", gemm.rhs, gemm.batch, gemm.n, gemm.k, gemm.bases[1], schedule.types, rhs_type)
    prepared = KernelRequest(
        name=packing,
        ins=(rhs,),
        outs=(Out(packed),),
        build=lambda: schedule.packing_text(packing, rhs_type, packed_type),
    )
    return KernelRequest(
        name=name,
        ins=(lhs,),
        outs=(Out(op.results[0].type),),
        build=lambda: schedule.text(name, *types),
        prepared=prepared,
        loop=loop,
        schedule=schedule,
    )


def _loop_around(op: ir.Operation, value: ir.Value) -> ir.Operation | None:
    """The outermost scan around ``op`` in which ``value`` does not change, if it is used often enough there."""
    home = value.owner if isinstance(value.owner, ir.Block) else value.owner.operation.block
    times, inner = 1, op
    while inner.block != home:
        inner = inner.parent.operation
        if inner.name != "astra.scan":
            return None
        times *= value_of(inner, "trip_count")
    return inner if times >= OFTEN else None


@kernel_rule("dot_general")
def dot_general(op: ir.Operation) -> KernelRequest | None:
    """``result[b, m, n] = sum_k lhs[b, m, k] * rhs[b, n, k]`` after collapsing the dimensions of each class."""
    gemm = _gemm_of(op)
    if gemm is None or _absorbing_add(op) is not None:
        return None
    return _product(op, gemm, schedule_product(gemm, target_of(op)), accumulate=False)


@kernel_rule("add")
def add_product(op: ir.Operation) -> KernelRequest | None:
    """``sum + dot_general(lhs, rhs)`` where nothing else needs the old sum: the kernel adds to it in place.

    So the gradient of a weight that a loop gathers step by step, or a sum of products, is read and written once.
    """
    products = [v.owner.operation for v in op.operands if _is_dot(v) and _absorbing_add(v.owner.operation) is not None]
    if not products:
        return None
    (product,) = products  # the two operands never both qualify
    gemm = _gemm_of(product)
    assert gemm is not None
    request = _product(product, gemm, schedule_gemm(gemm, target_of(op), accumulate=True), accumulate=True)
    (total,) = [value for value in op.operands if value != product.results[0]]
    return replace(request, outs=(Out(op.results[0].type, init=total),), absorbed=(product,))


def _product(op: ir.Operation, gemm: Gemm, schedule: Schedule, *, accumulate: bool) -> KernelRequest:
    loop = _loop_around(op, op.operands[1]) if isinstance(schedule, GemmSchedule) else None
    if loop is not None and prod(op.operands[1].type.shape) <= MAX_PACKED:
        return _packed_before(op, gemm, loop, accumulate=accumulate)
    if not accumulate and isinstance(schedule, GemmSchedule | SplitSchedule):
        fused = epilogue_of(op, adding(op.block))
        if fused is not None and _fits(op, gemm, fused):
            gemm = replace(gemm, stored=fused.epilogue.element)
            return _with_epilogue(op, with_epilogue(gemm, target_of(op), fused.epilogue), fused)
    return _request(op, schedule, gemm.accumulator)


def _with_epilogue(op: ir.Operation, schedule: Schedule, fused: Fused) -> KernelRequest:
    """The product with what follows it."""
    ins = (*op.operands, *fused.operands)
    result = fused.last.results[0].type
    types = [memref_text(value.type) for value in op.operands]
    name = kernel_name("dot", schedule, *types, *fused.types, memref_text(result))
    return KernelRequest(
        name=name,
        ins=ins,
        outs=(Out(result),),
        build=lambda: schedule.text(name, *types, memref_text(result), fused.types),
        scratch=scratch_types(schedule, schedule.gemm.accumulator),
        schedule=schedule,
        absorbed=(*fused.absorbed, op),
        last=fused.last,
    )


def _fits(op: ir.Operation, gemm: Gemm, fused: Fused) -> bool:
    """Whether the columns and rows of the kernel are those that the epilogue's operands lie along."""
    shape, kinds = list(op.results[0].type.shape), fused.epilogue.kinds
    _, rows, columns, _ = gemm.sizes
    return ("row" not in kinds or shape[-1] == columns) and ("column" not in kinds or shape == [rows, columns])


def adding(block: ir.Block) -> set[ir.Operation]:
    """The additions of a block that kernels of products do in place."""
    dots = [op.operation for op in block.operations if op.operation.name == "astra.dot_general"]
    return {add for dot in dots if (add := _absorbing_add(dot)) is not None}


def _is_dot(value: ir.Value) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.operation.name == "astra.dot_general"


def _absorbing_add(dot: ir.Operation) -> ir.Operation | None:
    """The addition that the kernel of a product can do, if there is one."""
    uses = list(dot.results[0].uses)
    if len(uses) != 1 or uses[0].owner.operation.name != "astra.add":
        return None
    add = uses[0].owner.operation
    chosen = [v for v in reversed(list(add.operands)) if _is_dot(v) and _adds_in_place(v.owner.operation)]
    if add.block != dot.block or not chosen or chosen[0] != dot.results[0]:
        return None
    (total,) = [value for value in add.operands if value != chosen[0]]
    return add if len(list(total.uses)) == 1 and (_is_product(total) or _is_gathered(total, add)) else None


def _adds_in_place(dot: ir.Operation) -> bool:
    gemm = _gemm_of(dot)
    if gemm is None or gemm.result != gemm.accumulator:
        return False
    return isinstance(schedule_product(gemm, target_of(dot)), GemmSchedule)


def _is_product(value: ir.Value) -> bool:
    """Whether a value is computed by the kernel of a product: then its memory is free to be added to."""
    if isinstance(value.owner, ir.Block):
        return False
    op = value.owner.operation
    return op.name == "astra.dot_general" or (
        op.name == "astra.kernel_call" and ir.FlatSymbolRefAttr(op.attributes["callee"]).value.startswith("astra_dot_")
    )


def _is_gathered(value: ir.Value, add: ir.Operation) -> bool:
    """Whether a value is state of a scan of which ``add`` gives the next."""
    block = add.block
    if block.owner.name != "astra.scan" or value.owner != block:
        return False
    end = block.operations[len(block.operations) - 1].operation
    uses = [(use.owner.operation, use.operand_number) for use in add.results[0].uses]
    return uses == [(end, ir.BlockArgument(value).arg_number - 1)]


def _is_small(gemm: Gemm) -> bool:
    """Whether a product within a loop is left to ``small_kernels.py``, which keeps it in registers."""
    levels = (gemm.batch, gemm.m, gemm.n, gemm.k)
    types = {gemm.lhs, gemm.rhs, gemm.result, gemm.accumulator}
    _, rows, columns, depth = gemm.sizes
    if len(types) > 1 or types - {"f32", "f64"} or gemm.batch or any(len(level) > 1 for level in levels):
        return False
    if depth < 2 or rows * columns * depth > SMALL_WORK * 4 // (bits_of(gemm.result) // 8):
        return False
    sides = [(*level, gemm.k[0][1 + i]) for i, side in enumerate((gemm.m, gemm.n)) for level in side]
    if all(stride == 1 or (size - 1) * stride < SPAN for size, stride, _ in sides):
        return rows * columns <= LANES
    # A matrix whose rows are one after the other, times a vector: all products at once, neighbours added.
    whole = len(sides) == 1 and sides[0][1:] == (depth, 1) and gemm.k[0][1:] == (1, 1)
    return whole and depth & (depth - 1) == 0 and rows * columns * depth <= FLAT


def _is_in_loop(op: ir.Operation) -> bool:
    while op.parent is not None:
        op = op.parent.operation
        if op.name in ("astra.scan", "astra.while"):
            return True
    return False


def _gemm_of(op: ir.Operation) -> Gemm | None:
    """The product as kernels see it; ``None`` for those that are left to linalg."""
    lhs, rhs = op.operands
    elements = [str(value.type.element_type) for value in (lhs, rhs, op.results[0])]
    is_complex = len(set(elements)) == 1 and elements[0].startswith("complex")
    accumulator = elements[0] if is_complex else accumulator_of(*elements)
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
    if _is_small(gemm) and _is_in_loop(op):
        return None
    if batches > 1 and rows * columns < 4:  # a tile of registers would be empty but for a corner
        return None
    if batches == 0 or rows * columns * depth < MIN_WORK or depth == 1 or rows == columns == 1:
        return None
    return gemm
