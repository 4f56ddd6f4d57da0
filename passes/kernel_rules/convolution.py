"""Kernels of ``astra.convolution`` on the CPU: a matrix product whose left operand is a window over the input.

For an output place and a kernel place the input's place is a sum of strides, so the micro-kernel of ``gemm.py``
reads the input where it lies; only padding is written out first, into scratch.  The same holds for both gradients,
whose dimension numbers are permuted and whose kernel may be reversed or have holes.  Holes between input elements
divide the convolution into phases without (``convolution_phases.py``), a product each.  Channelwise (depthwise)
convolutions are in ``depthwise.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.contraction_shapes import accumulator_of, memref_text
from astra_mlir.passes.kernel_rules.convolution_shapes import Convolution, Padding, describe
from astra_mlir.passes.kernel_rules.depthwise import schedule_depthwise
from astra_mlir.passes.kernel_rules.function_text import FunctionText
from astra_mlir.passes.kernel_rules.gemm_levels import flatten
from astra_mlir.passes.kernel_rules.products import Schedule, schedule_product, scratch_types
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.winograd import schedule_winograd
from astra_mlir.passes.target import Target, target_of

__all__ = ["convolution"]

MIN_WORK = 4096  # multiply-adds below which linalg's scalar loops are as good
TASK_ELEMENTS = 1 << 15  # elements copied in a task of at least 20 us


@dataclass(frozen=True)
class _Plan:
    """The steps of a convolution's kernel: pad the input, clear the result where no phase writes, the products."""

    padding: Padding | None
    has_gaps: bool
    products: tuple[Schedule, ...]


def _plan(what: Convolution, accumulator: str, target: Target, *, exact: bool) -> _Plan | None:
    winograd = None if exact else schedule_winograd(what, accumulator, target)
    if winograd is not None:
        return _Plan(None, False, (winograd,))
    padding = None if what.input_padding().is_none else what.input_padding()
    channelwise = schedule_depthwise(what, accumulator, target)
    if channelwise is not None:
        return _Plan(padding, what.has_gaps, (channelwise,))
    products = [what.gemm(phase, accumulator) for phase in what.phases()]
    if sum(gemm.work for gemm in products) < MIN_WORK:
        return None
    if what.groups * what.batch_groups > 1 and any(min(gemm.sizes[1:3]) < target.micro_rows for gemm in products):
        return None
    return _Plan(padding, what.has_gaps, tuple(schedule_product(gemm, target) for gemm in products))


def _functions_of(text: str) -> dict[str, str]:
    """The functions of a text by their heads, for leaving out the second of what two products share."""
    return {function.partition("\n")[0]: function for function in text.split("\n\n")}


def _entry_text(
    name: str, plan: _Plan, arrays: Sequence[tuple[str, str]], calls: Sequence[Sequence[str]], element: str
) -> str:
    """``@name(lhs, rhs, result, scratch...)``: the steps of ``plan``; ``calls`` are what its products take."""
    f = FunctionText(name, arrays)
    kinds = dict(arrays)
    if plan.padding is not None:
        flatten(f, "%input", "%lhs", kinds["%lhs"])
        flatten(f, "%flat", "%padded", kinds["%padded"])
        shape = plan.padding.padded_shape
        rows, row = prod(shape[: plan.padding.axis]), max(1, prod(shape[plan.padding.axis :]))
        memref = f"memref<?x{plan.padding.element.removeprefix('u')}>"
        with f.grouped(rows, max(1, TASK_ELEMENTS // row), sequential=2 * TASK_ELEMENTS // row) as i:
            f.call(f"{name}_pad", [("%input", memref), ("%flat", memref), (i, "index")])
    if plan.has_gaps:
        flatten(f, "%zeroed", "%result", kinds["%result"])
        zero = f.constant("0.0" if "f" in element else "0", element)
        count = prod(map(int, kinds["%result"].removeprefix("memref<").split("x")[:-1]))
        with f.grouped(count, TASK_ELEMENTS, sequential=2 * TASK_ELEMENTS) as i:
            f.line(f"memref.store {zero}, %zeroed[{f.ssa(i)}] : memref<?x{element}>")
    for i, passed in enumerate(calls):
        f.call(f"{name}_product{i}", [(array, kinds[array]) for array in passed])
    return f.text()


@kernel_rule("convolution")
def convolution(op: ir.Operation) -> KernelRequest | None:
    """Padding into scratch where there is any, then a matrix product over overlapping windows."""
    if len(op.operands) > 2:
        return None
    what = describe(op)
    accumulator = accumulator_of(*what.elements)
    if accumulator is None or 0 in (*what.lhs_shape, *what.rhs_shape, *what.result_shape):
        return None
    precision = value_of(op, "precision") if "precision" in op.attributes else "DEFAULT"
    plan = _plan(what, accumulator, target_of(op), exact=precision != "DEFAULT")
    if plan is None:
        return None
    lhs, rhs = op.operands
    types = [memref_text(value.type) for value in (lhs, rhs, op.results[0])]
    name = kernel_name("conv", plan, *types)
    arrays = [("%lhs", types[0]), ("%rhs", types[1]), ("%result", types[2])]
    scratch = []
    if plan.padding is not None:
        scratch.append(ir.RankedTensorType.get(plan.padding.padded_shape, lhs.type.element_type))
        arrays.append(("%padded", memref_text(scratch[-1])))
    calls = []
    for schedule in plan.products:
        calls.append(["%lhs" if plan.padding is None else "%padded", "%rhs", "%result"])
        for type in scratch_types(schedule, accumulator):
            calls[-1].append(f"%scratch{len(scratch)}")
            scratch.append(type)
            arrays.append((calls[-1][-1], memref_text(type)))

    def text() -> str:
        kinds = dict(arrays)
        functions = {}
        for i, (schedule, passed) in enumerate(zip(plan.products, calls, strict=True)):
            functions |= _functions_of(schedule.text(f"{name}_product{i}", *(kinds[array] for array in passed[:3])))
        texts = list(functions.values())
        if plan.padding is not None:
            texts.append(plan.padding.row_text(f"{name}_pad", target_of(op)))
        element = types[2].removesuffix(">").rpartition("x")[2]
        texts.append(_entry_text(name, plan, arrays, calls, element))
        return "\n\n".join(texts)

    return KernelRequest(name=name, ins=(lhs, rhs), outs=(Out(op.results[0].type),), build=text, scratch=scratch)
