"""Kernels of ``astra.convolution`` on the CPU: a matrix product whose left operand is a window over the input.

For an output place and a kernel place the input's place is a sum of strides, so the micro-kernel of ``gemm.py``
reads the input where it lies; only padding is written out first, into scratch.  The same holds for both gradients,
whose dimension numbers are permuted and whose kernel may be reversed or have holes.  Holes between input elements
divide the convolution into phases without (``convolution_phases.py``), a product each.  Channelwise (depthwise)
convolutions are in ``depthwise.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.contraction import adding
from astra_mlir.passes.kernel_rules.contraction_shapes import accumulator_of, memref_text
from astra_mlir.passes.kernel_rules.convolution_shapes import Convolution, Padding, describe
from astra_mlir.passes.kernel_rules.depthwise import schedule_depthwise
from astra_mlir.passes.kernel_rules.epilogue import Epilogue, Fused, epilogue_of
from astra_mlir.passes.kernel_rules.function_text import FunctionText
from astra_mlir.passes.kernel_rules.gemm_levels import flatten
from astra_mlir.passes.kernel_rules.products import Schedule, schedule_product, scratch_types, with_epilogue
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


def _plan(
    what: Convolution, accumulator: str, target: Target, *, exact: bool, epilogue: Epilogue | None = None
) -> _Plan | None:
    """The steps; with an ``epilogue`` where the kernels of all products have one."""
    winograd = None if exact else schedule_winograd(what, accumulator, target)
    if winograd is not None:
        return _Plan(None, False, (replace(winograd, epilogue=epilogue),))
    if epilogue is not None and what.has_gaps:
        return None
    padding = None if what.input_padding().is_none else what.input_padding().of_examples(what.examples)
    channelwise = schedule_depthwise(what, accumulator, target)
    if channelwise is not None:
        padding = padding if channelwise.reads_padded else None
        return _Plan(padding, what.has_gaps, (replace(channelwise, epilogue=epilogue),))
    products = [what.gemm(phase, accumulator) for phase in what.phases()]
    if sum(gemm.work for gemm in products) < MIN_WORK:
        return None
    if what.groups * what.batch_groups > 1 and any(min(gemm.sizes[1:3]) < target.micro_rows for gemm in products):
        return None
    if epilogue is None:
        return _Plan(padding, what.has_gaps, tuple(schedule_product(gemm, target) for gemm in products))
    groups = what.groups * what.batch_groups
    size, along = what.result_shape[what.result_dimensions[1]] // groups, {"row", "column"} & {*epilogue.kinds}
    if any(along and size != epilogue.group_size(gemm.sizes) for gemm in products):
        return None  # neighbouring phases that are one product
    epilogue = replace(epilogue, groups=groups if along else 1)
    schedules = [with_epilogue(replace(gemm, stored=epilogue.element), target, epilogue) for gemm in products]
    return None if None in schedules else _Plan(padding, False, tuple(filter(None, schedules)))


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
    if len(op.operands) > 2 or _examples_of(op) is not None:
        return None
    what, operands = describe(op), list(op.operands)
    fused = epilogue_of(op, adding(op.block))
    request = fused and _request(op, what, operands, fused.last.results[0], fused)
    return request or _request(op, what, operands, op.results[0])


@kernel_rule("transpose")
def convolution_of_examples(op: ir.Operation) -> KernelRequest | None:
    """A convolution in which each group is an example, as ``astra.vmap`` writes it where both operands differ.

    Before::

        groups(reshape(transpose(x)), reshape(transpose(w))), its features taken apart and the examples moved in front

    The kernel reads ``x`` and ``w`` as they are.
    """
    reshape = _owner(op.operands[0], "astra.reshape")
    grouped = reshape and _owner(reshape.operands[0], "astra.convolution")
    found = grouped and _examples_of(grouped)
    if not found or found.last != op:
        return None
    request = _request(grouped, found.what, found.operands, op.results[0])
    return request and replace(request, absorbed=(reshape, grouped))


@dataclass(frozen=True)
class _Examples:
    """A convolution of one example, its operands for all, and the transposition that gives the results of all."""

    what: Convolution
    operands: list[ir.Value]
    last: ir.Operation


def _owner(value: ir.Value, name: str) -> ir.Operation | None:
    op = None if isinstance(value.owner, ir.Block) else value.owner.operation
    return op if op is not None and op.name == name else None


def _only_user(value: ir.Value, name: str) -> ir.Operation | None:
    users = [use.owner.operation for use in value.uses]
    return users[0] if len(users) == 1 and users[0].name == name else None


def _in_front(value: ir.Value, dimension: int, count: int) -> ir.Value | None:
    """What ``value`` is made of if its ``dimension`` is ``count`` examples times something, moved from the front."""
    reshape = _owner(value, "astra.reshape")
    transpose = reshape and _owner(reshape.operands[0], "astra.transpose")
    shape = list(value.type.shape)
    shape[dimension : dimension + 1] = [count, shape[dimension] // count]
    if not transpose or list(transpose.results[0].type.shape) != shape:
        return None
    moved = [i + 1 for i in range(len(shape) - 1)]
    moved.insert(dimension, 0)
    return transpose.operands[0] if int_list(transpose, "permutation") == moved else None


def _examples_of(op: ir.Operation) -> _Examples | None:
    """``op`` as convolutions of independent examples, where it has the form and a kernel takes it."""
    what = describe(op)
    count, feature = what.groups, what.result_dimensions[1]
    reshape = _only_user(op.results[0], "astra.reshape") if count > 1 else None
    last = reshape and _only_user(reshape.results[0], "astra.transpose")
    if not last or last.block != op.block or what.batch_groups > 1:
        return None
    shape = list(what.result_shape)
    shape[feature : feature + 1] = [count, shape[feature] // count]
    to_front = [feature, *(d for d in range(len(shape)) if d != feature)]
    if list(reshape.results[0].type.shape) != shape or int_list(last, "permutation") != to_front:
        return None
    operands = [_in_front(op.operands[0], what.lhs_dimensions[1], count)]
    operands.append(_in_front(op.operands[1], what.rhs_dimensions[1], count))
    if any(operand is None for operand in operands):
        return None

    def one(shape: tuple[int, ...], dimension: int) -> tuple[int, ...]:
        return (*shape[:dimension], shape[dimension] // count, *shape[dimension + 1 :])

    what = replace(
        what, groups=1, examples=count, lhs_shape=one(what.lhs_shape, what.lhs_dimensions[1]),
        rhs_shape=one(what.rhs_shape, what.rhs_dimensions[1]), result_shape=one(what.result_shape, feature),
    )  # fmt: skip
    if _request(op, what, operands, last.results[0]) is None:
        return None
    return _Examples(what, operands, last)


def _request(
    op: ir.Operation, what: Convolution, operands: list[ir.Value], result: ir.Value, fused: Fused | None = None
) -> KernelRequest | None:
    accumulator = accumulator_of(*what.elements)
    if accumulator is None or 0 in (*what.lhs_shape, *what.rhs_shape, *what.result_shape):
        return None
    precision = value_of(op, "precision") if "precision" in op.attributes else "DEFAULT"
    target = target_of(op)
    plan = _plan(what, accumulator, target, exact=precision != "DEFAULT", epilogue=fused and fused.epilogue)
    if plan is None:
        return None
    lhs, rhs = operands
    types = [memref_text(value.type) for value in (lhs, rhs, result)]
    others = fused.types if fused else []
    name = kernel_name("conv", plan, *types, *others)
    names = [f"%other{i}" for i in range(len(others))]
    arrays = [("%lhs", types[0]), ("%rhs", types[1]), *zip(names, others, strict=True), ("%result", types[2])]
    scratch = []
    if plan.padding is not None:
        scratch.append(ir.RankedTensorType.get(plan.padding.padded_shape, lhs.type.element_type))
        arrays.append(("%padded", memref_text(scratch[-1])))
    calls = []
    for schedule in plan.products:
        calls.append(["%lhs" if plan.padding is None else "%padded", "%rhs", *names, "%result"])
        for type in scratch_types(schedule, accumulator):
            calls[-1].append(f"%scratch{len(scratch)}")
            scratch.append(type)
            arrays.append((calls[-1][-1], memref_text(type)))

    def text() -> str:
        kinds = dict(arrays)
        functions = {}
        for i, (schedule, passed) in enumerate(zip(plan.products, calls, strict=True)):
            ends = (kinds[array] for array in (*passed[:2], "%result"))
            followed = (others,) if fused is not None else ()  # not every schedule has an epilogue
            functions |= _functions_of(schedule.text(f"{name}_product{i}", *ends, *followed))
        texts = list(functions.values())
        if plan.padding is not None:
            texts.append(plan.padding.row_text(f"{name}_pad", target))
        element = types[2].removesuffix(">").rpartition("x")[2]
        texts.append(_entry_text(name, plan, arrays, calls, element))
        return "\n\n".join(texts)

    outs = (Out(result.type),)
    request = KernelRequest(name=name, ins=(lhs, rhs), outs=outs, build=text, scratch=scratch, schedule=plan)
    if fused is None:
        return request
    return replace(request, ins=(lhs, rhs, *fused.operands), absorbed=(*fused.absorbed, op), last=fused.last)
