"""Derivatives of operations that make or move elements: linear, and transposed by moving cotangents back."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.autodiff_rules.core import Emitter, linear, refuse, vjp, zero

MaybeValue = ir.Value | None

zero("has no operand that is differentiated", "constant", "iota", "get_dimension_size")
linear("broadcast", "reshape", "transpose", "slice", "reverse", "set_dimension_size")
linear("pad", operands=(0, 1))
linear("concatenate", "optimization_barrier", operands=None)


def _static(op: ir.Operation, count: int) -> None:
    if len(op.operands) > count:
        refuse(op, "its shape is only known at run time; differentiate for static shapes")


@vjp("broadcast")
def _broadcast(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """The sum over new dimensions and over those that were expanded."""
    (c,) = cotangents
    assert c is not None
    _static(op, 1)
    shape, result, dimensions = b.info(op.operands[0]).shape, b.info(c).shape, int_list(op, "dimensions")
    kept = {d: i for i, d in enumerate(dimensions) if shape[i] == result[d]}
    summed = b.sum(c, [d for d in range(len(result)) if d not in kept])
    # What is left is in the order of the result's dimensions.
    left = sorted(kept)
    operands_order = sorted(kept.values())
    moved = b.transpose(summed, [left.index(dimensions[i]) for i in operands_order])
    return [b.reshape(moved, shape)]


@vjp("reshape")
def _reshape(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    _static(op, 1)
    return [b.reshape(c, b.info(op.operands[0]).shape)]


@vjp("transpose")
def _transpose(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    permutation = int_list(op, "permutation")
    return [b.transpose(c, [permutation.index(d) for d in range(len(permutation))])]


@vjp("reverse")
def _reverse(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    return [b.copy(op, (c,), c.type)]


@vjp("slice")
def _slice(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """Back to where the elements came from, with zeros around and between them."""
    (c,) = cotangents
    assert c is not None
    _static(op, 1)
    x = op.operands[0]
    starts, strides = int_list(op, "start_indices"), int_list(op, "strides")
    sizes, taken = b.info(x).shape, b.info(c).shape
    high = [
        size - start - ((count - 1) * stride + 1 if count else 0)
        for size, start, count, stride in zip(sizes, starts, taken, strides, strict=True)
    ]
    zero_value = b.zeros(b.type((), b.info(x).element))
    return [b.build("pad", (c, zero_value), x.type, low=starts, high=high, interior=[s - 1 for s in strides])]


@vjp("pad")
def _pad(op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter) -> Sequence[MaybeValue]:
    """The operand's elements are cut out again; everything else was the padding value."""
    (c,) = cotangents
    assert c is not None
    _static(op, 2)
    x = op.operands[0]
    low, high, interior = (int_list(op, name) for name in ("low", "high", "interior"))
    # First undo what was cut off by negative padding, then take every (interior + 1)-th element.
    nothing = b.zeros(b.type((), b.info(c).element))
    grown = [size + max(0, -lo) + max(0, -hi) for size, lo, hi in zip(b.info(c).shape, low, high, strict=True)]
    whole = c
    if tuple(grown) != b.info(c).shape:
        whole = b.build(
            "pad", (c, nothing), b.type(grown, b.info(c).element), low=[max(0, -lo) for lo in low],
            high=[max(0, -hi) for hi in high], interior=[0] * len(low),
        )  # fmt: skip
    sizes = b.info(x).shape
    starts = [max(0, lo) for lo in low]
    limits = [
        start + ((size - 1) * (gap + 1) + 1 if size else 0)
        for start, size, gap in zip(starts, sizes, interior, strict=True)
    ]
    element = b.build(
        "slice", (whole,), x.type, start_indices=starts, limit_indices=limits, strides=[gap + 1 for gap in interior]
    )
    of_value = b.f("subtract", b.sum(c), b.sum(element)) if needs[1] else None
    return [element if needs[0] else None, of_value]


@vjp("concatenate")
def _concatenate(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    dimension, shape = value_of(op, "dimension"), b.info(c).shape
    found: list[MaybeValue] = []
    start = 0
    for x, need in zip(op.operands, needs, strict=True):
        size = b.info(x).shape[dimension]
        starts, limits = [0] * len(shape), list(shape)
        starts[dimension], limits[dimension] = start, start + size
        found.append(
            b.build("slice", (c,), x.type, start_indices=starts, limit_indices=limits, strides=[1] * len(shape))
            if need else None
        )  # fmt: skip
        start += size
    return found


@vjp("set_dimension_size")
def _set_dimension_size(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    refuse(op, "its shape is only known at run time; differentiate for static shapes")


@vjp("optimization_barrier")
def _optimization_barrier(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """Cotangents are kept together as the operands were."""
    given = [c for c in cotangents if c is not None]
    kept = iter(b.op("optimization_barrier", given, [c.type for c in given]).results)
    return [None if c is None else next(kept) for c in cotangents]
