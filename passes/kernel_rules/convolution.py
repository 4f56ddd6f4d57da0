"""Kernels of ``astra.convolution`` on the CPU: a matrix product whose left operand is a window over the input.

For an output place and a kernel place the input's place is a sum of strides, so the micro-kernel of ``gemm.py``
reads the input where it lies; only padding and holes between input elements are written out first, into scratch.
The same holds for both gradients, whose dimension numbers are permuted and whose kernel may be reversed or have
holes.  Channelwise (depthwise) convolutions are in ``depthwise.py``; other grouped batches are left to
``astra-to-linalg``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.passes.kernel_rules.contraction_shapes import accumulator_of, memref_text
from astra_mlir.passes.kernel_rules.convolution_shapes import Convolution, Padding, describe
from astra_mlir.passes.kernel_rules.depthwise import schedule_depthwise
from astra_mlir.passes.kernel_rules.function_text import FunctionText
from astra_mlir.passes.kernel_rules.gemm_levels import flatten
from astra_mlir.passes.kernel_rules.products import Schedule, schedule_product, scratch_types
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.target import Target, target_of

__all__ = ["convolution"]

MIN_WORK = 4096  # multiply-adds below which linalg's scalar loops are as good
TASK_ELEMENTS = 1 << 15  # elements copied in a task of at least 20 us


def _entry_text(
    name: str, arrays: Sequence[tuple[str, str]], padding: Padding | None, target: Target, product: Sequence[str]
) -> str:
    """``@name(lhs, rhs, result, scratch...)``: pad, then the product of ``product`` (names among ``arrays``)."""
    f = FunctionText(name, arrays)
    kinds = dict(arrays)
    if padding is not None:
        flatten(f, "%input", "%lhs", kinds["%lhs"])
        flatten(f, "%flat", "%padded", kinds["%padded"])
        shape = padding.padded_shape
        rows, row = prod(shape[: padding.axis]), max(1, prod(shape[padding.axis :]))
        memref = f"memref<?x{padding.element.removeprefix('u')}>"
        with f.grouped(rows, max(1, TASK_ELEMENTS // row), sequential=2 * TASK_ELEMENTS // row) as i:
            f.call(f"{name}_pad", [("%input", memref), ("%flat", memref), (i, "index")])
    f.call(f"{name}_product", [(array, kinds[array]) for array in product])
    return f.text()


def _schedule(what: Convolution, accumulator: str, target: Target) -> Schedule | None:
    channelwise = schedule_depthwise(what, accumulator, target)
    if channelwise is not None or what.batch_groups != 1:
        return channelwise
    gemm = what.gemm(accumulator)
    if gemm.work < MIN_WORK or (what.groups > 1 and min(gemm.sizes[1:]) < target.micro_rows):
        return None
    return schedule_product(gemm, target)


@kernel_rule("convolution")
def convolution(op: ir.Operation) -> KernelRequest | None:
    """Padding into scratch where there is any, then a matrix product over overlapping windows."""
    if len(op.operands) > 2:
        return None
    what = describe(op)
    accumulator = accumulator_of(*what.elements)
    if accumulator is None or 0 in (*what.lhs_shape, *what.rhs_shape, *what.result_shape):
        return None
    target = target_of(op)
    schedule = _schedule(what, accumulator, target)
    if schedule is None:
        return None
    padding = None if what.input_padding().is_none else what.input_padding()
    lhs, rhs = op.operands
    types = [memref_text(value.type) for value in (lhs, rhs, op.results[0])]
    name = kernel_name("conv", schedule, padding, *types)
    arrays = [("%lhs", types[0]), ("%rhs", types[1]), ("%result", types[2])]
    scratch = []
    if padding is not None:
        scratch.append(ir.RankedTensorType.get(padding.padded_shape, lhs.type.element_type))
        arrays.append(("%padded", memref_text(scratch[-1])))
    product = ["%lhs" if padding is None else "%padded", "%rhs", "%result"]
    for i, type in enumerate(scratch_types(schedule, accumulator)):
        scratch.append(type)
        arrays.append((f"%scratch{i}", memref_text(type)))
        product.append(f"%scratch{i}")

    def text() -> str:
        kinds = dict(arrays)
        functions = [schedule.text(f"{name}_product", *(kinds[array] for array in product[:3]))]
        if padding is not None:
            functions.append(padding.row_text(f"{name}_pad", target))
        functions.append(_entry_text(name, arrays, padding, target, product))
        return "\n\n".join(functions)

    return KernelRequest(name=name, ins=(lhs, rhs), outs=(Out(op.results[0].type),), build=text, scratch=scratch)
