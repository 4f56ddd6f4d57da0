"""Scalar code of the elementwise operations on complex numbers, written out in real arithmetic on their parts.

Formulas avoid overflow and cancellation where the result is representable; signs of zero and infinities follow NumPy
where it costs one select.  Only ``complex.re``, ``complex.im`` and ``complex.create`` remain of the complex dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, log
from typing import NamedTuple

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.convert import join, parts
from astra_mlir.passes.linalg_rules.lowering import Lowering, TypeInfo
from astra_mlir.passes.linalg_rules.scalar import Emitter, compare_float, select

__all__ = ["COMPLEX", "FORMULAS", "Real", "Z"]

_LARGEST = {32: 3.4028234663852886e38, 64: 1.7976931348623157e308}


class Bit:
    """An i1 with the logical operators."""

    __slots__ = ("low", "v")

    def __init__(self, low: Lowering, v: ir.Value) -> None:
        self.low, self.v = low, v

    def __and__(self, other: Bit) -> Bit:
        return Bit(self.low, self.low.emit("arith.andi", [self.v, other.v], self.low.i1))

    def __or__(self, other: Bit) -> Bit:
        return Bit(self.low, self.low.emit("arith.ori", [self.v, other.v], self.low.i1))

    def pick(self, a: Real, b: Real | float) -> Real:
        """``a`` where set, else ``b``."""
        return Real(self.low, select(self.low, self.v, a.v, a.coerce(b)))


class Real:
    """A float value with Python's operators, so that the formulas below read as formulas."""

    __slots__ = ("low", "v")

    def __init__(self, low: Lowering, v: ir.Value) -> None:
        self.low, self.v = low, v

    def coerce(self, other: Real | float) -> ir.Value:
        return other.v if isinstance(other, Real) else self.low.constant(self.v.type, other)

    def call(self, name: str, *others: Real | float) -> Real:
        """The operation ``name`` on this and further arguments."""
        return Real(self.low, self.low.emit(name, [self.v, *map(self.coerce, others)], self.v.type))

    def like(self, value: float) -> Real:
        """A constant of the same type."""
        return Real(self.low, self.coerce(value))

    def __add__(self, other: Real | float) -> Real:
        return self.call("arith.addf", other)

    def __sub__(self, other: Real | float) -> Real:
        return self.call("arith.subf", other)

    def __mul__(self, other: Real | float) -> Real:
        return self.call("arith.mulf", other)

    def __truediv__(self, other: Real | float) -> Real:
        return self.call("arith.divf", other)

    def __neg__(self) -> Real:
        return self.call("arith.negf")

    def __abs__(self) -> Real:
        return self.call("math.absf")

    def is_(self, predicate: str, other: Real | float) -> Bit:
        """A comparison by the name of its ``arith.cmpf`` predicate."""
        return Bit(self.low, compare_float(self.low, predicate, self.v, self.coerce(other)))

    @property
    def infinite(self) -> Bit:
        return abs(self).is_("oeq", inf)

    @property
    def nan(self) -> Bit:
        return self.is_("uno", self)

    @property
    def largest(self) -> float:
        """The largest finite value of the type."""
        return _LARGEST[getattr(self.v.type, "element_type", self.v.type).width]


class Z(NamedTuple):
    """A complex number."""

    re: Real
    im: Real

    def pick(self, condition: Bit, other: Z) -> Z:
        """This where ``condition`` holds, else ``other``."""
        return Z(condition.pick(self.re, other.re), condition.pick(self.im, other.im))

    @property
    def nan(self) -> Bit:
        return self.re.nan | self.im.nan


def _abs(z: Z) -> Real:
    a, b = abs(z.re), abs(z.im)
    large, small = a.call("arith.maximumf", b), a.call("arith.minimumf", b)
    ratio = large.is_("oeq", 0.0).pick(large, small / large)
    norm = large * (ratio * ratio + 1.0).call("math.sqrt")
    return (a.is_("oeq", inf) | b.is_("oeq", inf)).pick(a.like(inf), norm)


def _negate(z: Z) -> Z:
    return Z(-z.re, -z.im)


def _add(a: Z, b: Z) -> Z:
    return Z(a.re + b.re, a.im + b.im)


def _subtract(a: Z, b: Z) -> Z:
    return Z(a.re - b.re, a.im - b.im)


def _multiply(a: Z, b: Z) -> Z:
    return Z(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)


def _divide(n: Z, d: Z) -> Z:
    """Smith's algorithm, then the cases of C99's Annex G: by zero, infinite by finite, finite by infinite."""
    wide = abs(d.re).is_("oge", abs(d.im))
    first, second = wide.pick(d.re, d.im), wide.pick(d.im, d.re)
    ratio = second / first
    scale = first + second * ratio
    re = wide.pick(n.re + n.im * ratio, n.re * ratio + n.im) / scale
    im = wide.pick(n.im - n.re * ratio, n.im * ratio - n.re) / scale
    infinity = d.re.like(inf).call("math.copysign", d.re)
    by_zero = d.re.is_("oeq", 0.0) & d.im.is_("oeq", 0.0) & (n.re.is_("ord", n.re) | n.im.is_("ord", n.im))

    def unit(x: Real) -> Real:
        """1 for infinities, 0 for finite values, the sign kept."""
        return x.infinite.pick(x.like(1.0), 0.0).call("math.copysign", x)

    n_infinite, d_infinite = n.re.infinite | n.im.infinite, d.re.infinite | d.im.infinite
    n_finite = abs(n.re).is_("olt", inf) & abs(n.im).is_("olt", inf)
    d_finite = abs(d.re).is_("olt", inf) & abs(d.im).is_("olt", inf)
    u, v = Z(unit(n.re), unit(n.im)), Z(unit(d.re), unit(d.im))
    grown = Z((u.re * d.re + u.im * d.im) * inf, (u.im * d.re - u.re * d.im) * inf)
    vanished = Z((n.re * v.re + n.im * v.im) * 0.0, (n.im * v.re - n.re * v.im) * 0.0)
    result = vanished.pick(d_infinite & n_finite, grown.pick(n_infinite & d_finite, Z(re, im)))
    return Z(infinity * n.re, infinity * n.im).pick(by_zero, result)


def _exp_times(x: Real, factor: Real) -> Real:
    """``exp(x) * factor`` without overflow of ``exp(x)`` alone."""
    half = (x * 0.5).call("math.exp")
    return x.is_("ogt", log(x.largest)).pick(half * factor * half, x.call("math.exp") * factor)


def _exponential(z: Z) -> Z:
    x, y = z
    re, im = _exp_times(x, y.call("math.cos")), _exp_times(x, y.call("math.sin"))
    zero = x.is_("oeq", -inf)
    re, im = zero.pick(x.like(0.0), re), zero.pick(x.like(0.0), im)
    unbounded = x.is_("oeq", inf) & abs(y).is_("ueq", inf)
    re = unbounded.pick(x, re)
    real = y.is_("oeq", 0.0)
    return Z(real.pick(x.call("math.exp"), re), real.pick(y, im))


def _exponential_minus_one(z: Z) -> Z:
    x, y = z
    half_sine = (y * 0.5).call("math.sin")
    re = x.call("math.expm1") * y.call("math.cos") - half_sine * half_sine * 2.0
    im = _exp_times(x, y.call("math.sin"))
    real = y.is_("oeq", 0.0)
    return Z(real.pick(x.call("math.expm1"), re), real.pick(y, im))


def _log_modulus(x: Real, y: Real, x_minus_one: Real) -> Real:
    """log(hypot(x, y)) given x - 1, accurate near modulus one."""
    a, b = abs(x), abs(y)
    a_is_large = a.is_("oge", b)
    large, small = a_is_large.pick(a, b), a_is_large.pick(b, a)
    large_minus_one = (a_is_large & x.is_("ogt", 0.0)).pick(x_minus_one, large - 1.0)
    near = (large_minus_one * (large + 1.0) + small * small).call("math.log1p") * 0.5
    far = _abs(Z(x, y)).call("math.log")
    # Scaled by 1/4, the modulus of the largest numbers does not overflow.
    beyond = _abs(Z(x * 0.25, y * 0.25)).call("math.log") + log(4.0)
    far = large.is_("ogt", large.largest / 4).pick(beyond, far)
    is_near = large.is_("ogt", 0.5) & large.is_("olt", 2.0)
    return is_near.pick(near, far)


def _log(z: Z) -> Z:
    return Z(_log_modulus(z.re, z.im, z.re - 1.0), z.im.call("math.atan2", z.re))


def _log_plus_one(z: Z) -> Z:
    x, y = z
    shifted = x + 1.0
    small = abs(x).is_("olt", 0.5) & abs(y).is_("olt", 0.5)
    near = (x * (x + 2.0) + y * y).call("math.log1p") * 0.5
    return Z(small.pick(near, _log_modulus(shifted, y, x)), y.call("math.atan2", shifted))


def _sqrt(z: Z) -> Z:
    huge = _abs(z).is_("ogt", z.re.largest / 4)
    scale = huge.pick(z.re.like(0.0625), 1.0)
    x, y = z.re * scale, z.im * scale
    root = ((abs(x) + _abs(Z(x, y))) * 0.5).call("math.sqrt")
    other = abs(y) / (root * 2.0)
    other = root.is_("oeq", 0.0).pick(root, other)
    right = x.is_("oge", 0.0)
    grow = huge.pick(x.like(4.0), 1.0)
    re, im = right.pick(root, other) * grow, right.pick(other, root) * grow
    unbounded = z.im.infinite
    re = unbounded.pick(x.like(inf), re)
    im = unbounded.pick(x.like(inf), im)
    return Z(re, im.call("math.copysign", z.im)).pick(z.im.is_("ord", z.im), Z(re, z.im))


def _one(z: Z) -> Z:
    return Z(z.re.like(1.0), z.re.like(0.0))


def _rsqrt(z: Z) -> Z:
    return _divide(_one(z), _sqrt(z))


def _polar(radius: Real, angle: Real) -> Z:
    return Z(radius * angle.call("math.cos"), radius * angle.call("math.sin"))


def _cbrt(z: Z) -> Z:
    return _polar(_abs(z).call("math.cbrt"), z.im.call("math.atan2", z.re) / 3.0)


def _sinh_cosh(y: Real) -> tuple[Real, Real]:
    magnitude = abs(y)
    half = (magnitude * 0.5).call("math.exp")
    large = half * 0.5 * half
    grown = magnitude.call("math.expm1")
    is_large = magnitude.is_("ogt", 30.0)
    sinh = is_large.pick(large, (grown + grown / (grown + 1.0)) * 0.5)
    exponential = magnitude.call("math.exp")
    cosh = is_large.pick(large, (exponential + magnitude.like(1.0) / exponential) * 0.5)
    return sinh.call("math.copysign", y), cosh


def _times_zero_safe(a: Real, b: Real) -> Real:
    """``a * b``, zero where ``a`` is zero even if ``b`` is infinite."""
    return a.is_("oeq", 0.0).pick(a, a * b)


def _sine(z: Z) -> Z:
    sinh, cosh = _sinh_cosh(z.im)
    return Z(_times_zero_safe(z.re.call("math.sin"), cosh), _times_zero_safe(sinh, z.re.call("math.cos")))


def _cosine(z: Z) -> Z:
    sinh, cosh = _sinh_cosh(z.im)
    return Z(z.re.call("math.cos") * cosh, -_times_zero_safe(z.re.call("math.sin"), sinh))


def _tanh(z: Z) -> Z:
    x, y = z
    t, s = x.call("math.tanh"), y.call("math.tan")
    decay = (-abs(x)).call("math.exp")
    sech = decay * 2.0 / (decay * decay + 1.0)
    square = s * s
    scale = t * t * square + 1.0
    re = t * (square + 1.0) / scale
    im = s * (sech * sech) / scale
    unbounded = x.infinite
    return Z(unbounded.pick(t, re), unbounded.pick(x.like(0.0).call("math.copysign", y), im))


def _tan(z: Z) -> Z:
    """-i tanh(iz)."""
    turned = _tanh(Z(-z.im, z.re))
    return Z(turned.im, -turned.re)


def _logistic(z: Z) -> Z:
    exponential = _exponential(_negate(z))
    return _divide(_one(z), Z(exponential.re + 1.0, exponential.im))


def _sign(z: Z) -> Z:
    modulus = _abs(z)
    zero = modulus.is_("oeq", 0.0)
    return z.pick(zero, Z(z.re / modulus, z.im / modulus))


def _power(a: Z, b: Z) -> Z:
    radius, angle = _abs(a), a.im.call("math.atan2", a.re)
    magnitude = radius.call("math.powf", b.re) * (-(b.im * angle)).call("math.exp")
    logarithm = _log_modulus(a.re, a.im, a.re - 1.0)
    turn = b.im.is_("oeq", 0.0).pick(b.im, b.im * logarithm)
    result = _polar(magnitude, b.re * angle + turn)
    zero = Z(a.re.like(0.0), a.re.like(0.0))
    base_zero = radius.is_("oeq", 0.0) & b.re.is_("ogt", 0.0)
    exponent_zero = b.re.is_("oeq", 0.0) & b.im.is_("oeq", 0.0)
    return _one(a).pick(exponent_zero, zero.pick(base_zero, result))


def _atan2(y: Z, x: Z) -> Z:
    """-i log((x + iy) / sqrt(x^2 + y^2))."""
    turned = Z(x.re - y.im, x.im + y.re)
    norm = _sqrt(_add(_multiply(x, x), _multiply(y, y)))
    logarithm = _log(_divide(turned, norm))
    return Z(logarithm.im, -logarithm.re)


def _extreme(predicate: str) -> Callable[[Z, Z], Z]:
    def pick(a: Z, b: Z) -> Z:
        first = a.re.is_(predicate, b.re) | (a.re.is_("oeq", b.re) & a.im.is_(predicate, b.im))
        return a.pick(a.nan, b.pick(b.nan, a.pick(first, b)))

    return pick


def _emitter(function: Callable[..., Z | Real]) -> Emitter:
    def emit(low: Lowering, args: Sequence[ir.Value], info: TypeInfo) -> ir.Value:
        numbers = []
        for arg in args:
            re, im = parts(low, arg, info)
            numbers.append(Z(Real(low, re), Real(low, im)))
        result = function(*numbers)
        return result.v if isinstance(result, Real) else join(low, result.re.v, result.im.v, info)

    return emit


FORMULAS: dict[str, Callable[..., Z | Real]] = {
    "abs": _abs,
    "add": _add,
    "atan2": _atan2,
    "cbrt": _cbrt,
    "cosine": _cosine,
    "divide": _divide,
    "exponential": _exponential,
    "exponential_minus_one": _exponential_minus_one,
    "imag": lambda z: z.im,
    "log": _log,
    "log_plus_one": _log_plus_one,
    "logistic": _logistic,
    "maximum": _extreme("ogt"),
    "minimum": _extreme("olt"),
    "multiply": _multiply,
    "negate": _negate,
    "power": _power,
    "real": lambda z: z.re,
    "rsqrt": _rsqrt,
    "sign": _sign,
    "sine": _sine,
    "sqrt": _sqrt,
    "subtract": _subtract,
    "tan": _tan,
    "tanh": _tanh,
}

COMPLEX: dict[str, Emitter] = {name: _emitter(function) for name, function in FORMULAS.items()}
