"""Kernels of ``astra.attention`` and ``astra.attention_gradient``: operands are read where they lie.

Transpositions, slices and reshapes in front of an operand become strides, so that splitting heads from a projection
costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.attention import Subscripts, subscripts_of
from astra_mlir.dialects.core import build, value_of
from astra_mlir.passes.kernel_rules.attention_gradient_program import gradient_scratch, gradient_text
from astra_mlir.passes.kernel_rules.attention_program import attention_text, packed_sizes
from astra_mlir.passes.kernel_rules.attention_shapes import Array, Attention, schedule_attention, schedule_gradient
from astra_mlir.passes.kernel_rules.contraction_shapes import accumulator_of, memref_text, row_major_strides
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.strided_views import View, view_of
from astra_mlir.passes.target import target_of

__all__ = ["array_of", "attention", "attention_shape", "modifier_names", "operand_arrays"]


def array_of(memref: ir.Type, letters: str, view: View | None = None) -> Array:
    strides = row_major_strides(list(memref.shape)) if view is None else view.strides
    text = memref_text(memref)
    element = text.removesuffix(">").rsplit("x", 1)[-1].removeprefix("memref<")
    return Array(text, element, 0 if view is None else view.offset, tuple(zip(letters, strides, strict=True)))


def _last(op: ir.Operation, value: ir.Value, letters: str, column: str) -> tuple[ir.Value, str]:
    """A modifier with its dimension of columns last, transposed for that if need be."""
    if (
        column not in letters
        or letters.endswith(column)
        or dict(zip(letters, value.type.shape, strict=True))[column] == 1
    ):
        return value, letters
    order = [d for d, letter in enumerate(letters) if letter != column] + [letters.index(column)]
    type = ir.RankedTensorType.get([value.type.shape[d] for d in order], value.type.element_type)
    moved = build("transpose", (value,), (type,), permutation=order, loc=op.location, ip=ir.InsertionPoint(op))
    return moved.results[0], "".join(letters[d] for d in order)


def operand_arrays(
    op: ir.Operation, s: Subscripts, names: Sequence[tuple[str, str]]
) -> dict[str, tuple[ir.Value, Array]]:
    """What each operand is read from, and how it lies there."""
    found = {}
    for (name, letters), value in zip(names, op.operands, strict=True):
        if name in ("mask", "bias"):
            value, letters = _last(op, value, letters, s.column)
        view = view_of(value)
        if name in ("mask", "bias") and dict(zip(letters, view.strides, strict=True)).get(s.column, 0) not in (0, 1):
            view = View(value, 0, tuple(row_major_strides(list(value.type.shape))))
        found[name] = (
            view.base,
            array_of(view.base.type, letters, view) if view.base != value else array_of(value.type, letters),
        )
    return found


def attention_shape(op: ir.Operation, s: Subscripts, arrays: dict[str, Array]) -> Attention:
    sizes: dict[str, int] = {}
    for letters, value in zip((s.query, s.key, s.value), op.operands, strict=False):
        sizes |= dict(zip(letters, value.type.shape, strict=True))
    elements = [array.element for name, array in arrays.items() if name != "mask"]
    accumulator = accumulator_of(*elements)
    assert accumulator is not None  # the verifier admits floats only
    causal = value_of(op, "causal")
    return Attention(
        tuple(sorted(sizes.items())), s.batch, s.rows, s.column, s.depth, s.feature, tuple(arrays.items()),
        value_of(op, "scale"), value_of(op, "fill"), causal[0] if causal else None, value_of(op, "offset", 0),
        value_of(op, "empty_is_zero", False), accumulator,
    )  # fmt: skip


def modifier_names(s: Subscripts) -> list[tuple[str, str]]:
    return [(name, letters) for name, letters in (("mask", s.mask), ("bias", s.bias)) if letters is not None]


@kernel_rule("attention")
def attention(op: ir.Operation) -> KernelRequest:
    """Online softmax over chunks of keys."""
    s = subscripts_of(op)
    names = [("query", s.query), ("key", s.key), ("value", s.value), *modifier_names(s)]
    results = {"result": s.result, "logsumexp": s.logsumexp}
    return _request(op, s, names, results, backward=False)


@kernel_rule("attention_gradient")
def attention_gradient(op: ir.Operation) -> KernelRequest:
    """Scores computed again, tile by tile."""
    s = subscripts_of(op)
    names = [("query", s.query), ("key", s.key), ("value", s.value), ("result", s.result)]
    names += [("logsumexp", s.logsumexp), ("cotangent", s.result), *modifier_names(s)]
    results = dict(zip(("query_cotangent", "key_cotangent", "value_cotangent"), s.gradients, strict=True))
    return _request(op, s, names, results, backward=True)


def _request(
    op: ir.Operation, s: Subscripts, names: Sequence[tuple[str, str]], results: dict[str, str], *, backward: bool
) -> KernelRequest:
    operands = operand_arrays(op, s, names)
    arrays = {name: array for name, (_, array) in operands.items()}
    for (name, letters), result in zip(results.items(), op.results, strict=True):
        arrays[name] = array_of(result.type, letters)
    shape = attention_shape(op, s, arrays)
    schedule = (schedule_gradient if backward else schedule_attention)(shape, target_of(op))
    sizes = (gradient_scratch if backward else packed_sizes)(schedule)
    element = ir.Type.parse(shape.accumulator)
    scratch = [ir.RankedTensorType.get([size], element) for size in sizes.values()]
    name = kernel_name("attention_gradient" if backward else "attention", schedule)
    arguments = [(f"%{array}", found.memref) for array, found in arrays.items()]
    arguments += [(array, memref_text(type)) for array, type in zip(sizes, scratch, strict=True)]
    return KernelRequest(
        name=name,
        ins=[base for base, _ in operands.values()],
        outs=[Out(result.type) for result in op.results],
        scratch=scratch,
        build=lambda: (gradient_text if backward else attention_text)(schedule, name, arguments),
    )
