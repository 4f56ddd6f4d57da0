"""Derivatives of elementwise functions: one row a function (see ``core.ELEMENTWISE``), and those that change the type.

Conventions: maximum and minimum give half to each of two equal operands, as in JAX; abs has derivative 0 at 0 (what
JAX captures brings JAX's, 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.autodiff_rules.core import ELEMENTWISE, Emitter, Number, Term, jvp, linear, vjp, zero

MaybeValue = ir.Value | None


def _same(g: Number, y: Number, *xs: Number) -> Number:
    return g


def _negated(g: Number, y: Number, *xs: Number) -> Number:
    return -g


def _chosen(operand: int, direction: str) -> Term:
    """maximum, minimum: all of g where this operand wins, half of it where both are equal."""

    def term(g: Number, y: Number, lhs: Number, rhs: Number) -> Number:
        mine, other = (lhs, rhs) if operand == 0 else (rhs, lhs)
        return mine.where(direction, other, g, mine.where("EQ", other, g * 0.5, 0))

    return term


def _power_base(g: Number, y: Number, x: Number, p: Number) -> Number:
    """p x^(p - 1), and 0 for 0^0; the exponent is replaced, not the product, so that derivatives of this are right."""
    exponent = p - 1
    return g * (p * x.f("power", p.where("EQ", 0, x.where("EQ", 0, 1, exponent), exponent)))


def _power_exponent(g: Number, y: Number, x: Number, p: Number) -> Number:
    return g * (x.where("EQ", 0, 1, x).f("log") * y)


def _truncated_quotient(x: Number, y: Number) -> Number:
    quotient = x / y
    return quotient.f("sign") * quotient.f("abs").f("floor")


ELEMENTWISE.update({
    "astra.negate": (_negated,),
    "astra.exponential": (lambda g, y, x: g * y,),
    "astra.exponential_minus_one": (lambda g, y, x: g * (y + 1),),
    "astra.log": (lambda g, y, x: g / x,),
    "astra.log_plus_one": (lambda g, y, x: g / (x + 1),),
    "astra.sqrt": (lambda g, y, x: g * (y._wrap(0.5) / y),),
    "astra.rsqrt": (lambda g, y, x: g * ((y / x) * -0.5),),
    "astra.cbrt": (lambda g, y, x: g / (y * y * 3),),
    "astra.sine": (lambda g, y, x: g * x.f("cosine"),),
    "astra.cosine": (lambda g, y, x: -(g * x.f("sine")),),
    "astra.tan": (lambda g, y, x: g * (y * y + 1),),
    "astra.tanh": (lambda g, y, x: (g + g * y) * (1 - y),),
    "astra.logistic": (lambda g, y, x: g * (y * (1 - y)),),
    "astra.erf": (lambda g, y, x: g * ((-(x * x)).f("exponential") * (2 / math.sqrt(math.pi))),),
    "astra.add": (_same, _same),
    "astra.subtract": (_same, _negated),
    "astra.multiply": (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    "astra.divide": (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * (y / b))),
    "astra.remainder": (_same, lambda g, y, a, b: -(g * _truncated_quotient(a, b))),
    "astra.maximum": (_chosen(0, "GT"), _chosen(1, "GT")),
    "astra.minimum": (_chosen(0, "LT"), _chosen(1, "LT")),
    "astra.power": (_power_base, _power_exponent),
    "astra.atan2": (
        lambda g, y, a, b: g * (b / (a * a + b * b)),
        lambda g, y, a, b: -(g * (a / (a * a + b * b))),
    ),
})  # fmt: skip

zero("locally constant", "sign", "ceil", "floor", "round_nearest_even", "round_nearest_afz", "is_finite", "compare")
zero("on integers and booleans", "not", "popcnt", "count_leading_zeros", "and", "or", "xor")
zero("on integers and booleans", "shift_left", "shift_right_arithmetic", "shift_right_logical")
zero("bits have no derivative", "bitcast_convert")

# --- types change --------------------------------------------------------------------------------------------------


def _unit(op: ir.Operation, b: Emitter) -> list[ir.Value]:
    """The derivatives of |z| by both parts, z / |z|: not ``astra.sign``, whose derivative is declared to be zero."""
    (x,), y = op.operands, op.results[0]
    nothing = b.zeros_like(y)
    at_zero = b.compare("EQ", y, nothing)
    size = b.select(at_zero, b.full(y.type, 1), y)
    return [b.f("divide", b.f(part, x), size) for part in ("real", "imag")]


@jvp("abs")
def _abs_jvp(op: ir.Operation, tangents: Sequence[MaybeValue], b: Emitter) -> Sequence[MaybeValue]:
    """d|z| = Re(conj(z) dz) / |z|; of a real number, sign(x) dx.  Zero at zero."""
    (t,), (x,) = tangents, op.operands
    assert t is not None
    if b.info(x).kind != "c":
        return [b.f("multiply", t, b.f("sign", x))]
    parts = [b.f("multiply", unit, b.f(part, t)) for unit, part in zip(_unit(op, b), ("real", "imag"), strict=True)]
    return [b.f("add", *parts)]


@vjp("abs")
def _abs_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,), (x,) = cotangents, op.operands
    assert c is not None
    if b.info(x).kind != "c":
        return [b.f("multiply", c, b.f("sign", x))]
    real, imag = (b.f("multiply", c, unit) for unit in _unit(op, b))
    return [b.f("complex", real, b.f("negate", imag))]


linear("real", "imag", "convert", "reduce_precision")
linear("complex", operands=None)


@vjp("real")
def _real_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    return [b.f("complex", c, b.zeros_like(c)) if b.info(op.operands[0]).kind == "c" else c]


@vjp("imag")
def _imag_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """The transpose without conjugation: Im z = Re(-i z)."""
    (c,) = cotangents
    assert c is not None
    return [b.f("complex", b.zeros_like(c), b.f("negate", c)) if b.info(op.operands[0]).kind == "c" else None]


@vjp("complex")
def _complex_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    return [b.f("real", c) if needs[0] else None, b.f("negate", b.f("imag", c)) if needs[1] else None]


@vjp("convert")
def _convert_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    """To the operand's type: rounding is ignored, complex to real takes the real part, as the operation itself does."""
    (c,) = cotangents
    assert c is not None
    return [b.convert(c, b.info(op.operands[0]).element)]


@vjp("reduce_precision")
def _reduce_precision_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    return [b.copy(op, (c,), c.type)]


# --- choices ---------------------------------------------------------------------------------------------------------


@jvp("select")
def _select_jvp(op: ir.Operation, tangents: Sequence[MaybeValue], b: Emitter) -> Sequence[MaybeValue]:
    type = op.results[0].type
    return [b.select(op.operands[0], *(b.zeros(type) if t is None else t for t in tangents[1:]))]


@vjp("select")
def _select_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,), predicate = cotangents, op.operands[0]
    assert c is not None
    nothing = b.zeros_like(c)
    return [
        None,
        b.select(predicate, c, nothing) if needs[1] else None,
        b.select(predicate, nothing, c) if needs[2] else None,
    ]


def _clamp_masks(op: ir.Operation, b: Emitter) -> list[ir.Value]:
    """Where the result is the lower bound, the operand strictly between the bounds, and the upper bound.

    As in JAX, the lower bound counts only where it is below the upper one.
    """
    low, x, high = op.operands
    shape = b.info(x).shape
    low, high = (bound if b.info(bound).shape == shape else b.broadcast(bound, shape, ()) for bound in (low, high))
    inside = b.f("and", b.compare("GT", x, low), b.compare("LT", x, high))
    below = b.f("and", b.compare("GT", low, x), b.compare("LT", low, high))
    return [below, inside, b.compare("LT", high, x)]


@jvp("clamp")
def _clamp_jvp(op: ir.Operation, tangents: Sequence[MaybeValue], b: Emitter) -> Sequence[MaybeValue]:
    shape, total = b.info(op.operands[1]).shape, None
    for mask, t in zip(_clamp_masks(op, b), tangents, strict=True):
        if t is not None:
            t = t if b.info(t).shape == shape else b.broadcast(t, shape, ())
            total = b.add(total, b.select(mask, t, b.zeros_like(t)))
    return [total]


@vjp("clamp")
def _clamp_vjp(
    op: ir.Operation, cotangents: Sequence[MaybeValue], needs: Sequence[bool], b: Emitter
) -> Sequence[MaybeValue]:
    (c,) = cotangents
    assert c is not None
    masks, nothing = _clamp_masks(op, b), b.zeros_like(c)
    return [
        b.sum_to_shape_of(b.select(mask, c, nothing), x) if need else None
        for mask, need, x in zip(masks, needs, op.operands, strict=True)
    ]
