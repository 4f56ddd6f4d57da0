"""Elementary functions in branch-free arithmetic, for ``astra-expand-math``: f32 and f64 by the same formulas.

Each function reduces its argument exactly or with a correction, evaluates a polynomial of ``math_coefficients.py`` and
puts the result together; special values are selected at the end.  Nothing here traps, branches or calls, so a loop over
them becomes vector code.  ``docs/math-accuracy.md`` has the measured errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from astra_mlir.passes.math_builder import FloatBuilder, Number
from astra_mlir.passes.math_coefficients import COEFFICIENTS, INVERSE_TWO_PI_BITS, INVERSE_TWO_PI_DIGITS, SPLIT

__all__ = ["FUNCTIONS", "inverse_of_raised_exp"]

FUNCTIONS: dict[str, Callable[..., Number]] = {}  # by operation name; called with a builder and the operands


def _function(name: str) -> Callable[[Callable[..., Number]], Callable[..., Number]]:
    def register(function: Callable[..., Number]) -> Callable[..., Number]:
        FUNCTIONS[f"math.{name}"] = function
        return function

    return register


def _split(b: FloatBuilder, name: str) -> tuple[float, float]:
    return SPLIT[name, b.format.bits]


def _polynomial(b: FloatBuilder, name: str, x: Number) -> Number:
    return b.polynomial(x, COEFFICIENTS[name, b.format.bits])


# --- exponentials ------------------------------------------------------------------------------------------------


def _exp_reduced(b: FloatBuilder, x: Number) -> tuple[Number, Number]:
    """(n, q) with exp(x) = 2^n (1 + q); x within a few hundred (f32) or thousand (f64)."""
    n, r = _exp_argument(b, x)
    return n, b.fma(r * r, _polynomial(b, "EXP", r), r)


def _exp_argument(b: FloatBuilder, x: Number) -> tuple[Number, Number]:
    """(n, r) with x = n log(2) + r."""
    high, low = _split(b, "ln2")
    magic = b.format.integer_magic
    shifted = b.fma(x, math.log2(math.e), magic)
    n, integer = shifted - magic, b.bits_of(shifted) - b.bits_of(b.constant(magic))
    return integer, b.fma(n, -low, b.fma(n, -high, x))


def _exp_range(b: FloatBuilder) -> tuple[float, float]:
    """Beyond these the exponential is 0 and infinite."""
    return (-105.0, 89.0) if b.format.bits == 32 else (-746.0, 710.0)


@_function("exp")
def _exp(b: FloatBuilder, x: Number) -> Number:
    low, high = _exp_range(b)
    n, q = _exp_reduced(b, b.at_least(b.at_most(x, high), low))
    return b.scale(q + 1.0, n)


def inverse_of_raised_exp(b: FloatBuilder, x: Number) -> Number:
    """1 / (1 + exp(x)), the logistic function of -x: what the sum 1 + 2^n loses is added to 2^n q.

    All are scaled down, so that nothing overflows where the result is denormal.
    """
    low, high, shift = (-40.0, 105.0, 32) if b.format.bits == 32 else (-80.0, 747.0, 64)
    n, q = _exp_reduced(b, b.at_least(b.at_most(x, high), low))
    power, unit = b.power_of_two(n - shift), 2.0**-shift
    raised = power + unit
    return unit / (b.fma(power, q, unit - (raised - power)) + raised)


@_function("exp2")
def _exp2(b: FloatBuilder, x: Number) -> Number:
    low, high = (-151.0, 129.0) if b.format.bits == 32 else (-1076.0, 1025.0)
    x = b.at_least(b.at_most(x, high), low)
    n, integer = b.nearest(x)
    r = x - n
    return b.scale(b.fma(r, _polynomial(b, "EXP2", r), 1.0), integer)


def _half_of_expm1(b: FloatBuilder, x: Number) -> Number:
    """Half of expm1 of a number that is neither beyond overflow nor far below -1 / epsilon; the sign of 0 is lost.

    2^n (1 + r) - 1 first, which is exact where the two nearly cancel.
    """
    n, r = _exp_argument(b, x)
    half = b.power_of_two(n - 1)
    return b.fma(half, r * r * _polynomial(b, "EXP", r), b.fma(half, r, half - 0.5))


@_function("expm1")
def _expm1(b: FloatBuilder, x: Number) -> Number:
    low = -20.0 if b.format.bits == 32 else -40.0
    y = _half_of_expm1(b, b.at_least(b.at_most(x, _exp_range(b)[1]), low))
    return b.copysign(y + y, x)


@_function("tanh")
def _tanh(b: FloatBuilder, x: Number) -> Number:
    """h / (h + 1) with 2 h = expm1(2 |x|); what the sum and the quotient lost is put right."""
    magnitude = b.at_most(b.abs(x), 10.0 if b.format.bits == 32 else 20.0)
    h = _half_of_expm1(b, magnitude + magnitude)
    divisor = h + 1.0
    inverse = 1.0 / divisor
    y = h * inverse
    lost = b.fma(-y, h - (divisor - 1.0), b.remainder_of(y, divisor, h))
    return b.copysign(b.fma(lost, inverse, y), x)


@_function("sinh")
def _sinh(b: FloatBuilder, x: Number) -> Number:
    """x + x^3 p(x^2) up to 1, beyond it (e - 1 / e) / 2 with e = exp(|x|), halved before it overflows."""
    magnitude = b.abs(x)
    z = magnitude * magnitude
    small = b.fma(magnitude * z, _polynomial(b, "SINH", z), magnitude)
    n, q = _exp_reduced(b, b.at_most(magnitude, _exp_range(b)[1] + 0.5))
    e = (q + 1.0) * b.power_of_two(n - 2)  # exp / 4
    y = b.select(magnitude.compare("olt", 1.0), small, (e - 0.0625 / e) * 2.0)
    return b.copysign(b.select(b.is_infinite(magnitude), math.inf, y), x)


@_function("cosh")
def _cosh(b: FloatBuilder, x: Number) -> Number:
    """(e + 1 / e) / 2 with e = exp(|x|), halved before it overflows."""
    magnitude = b.abs(x)
    n, q = _exp_reduced(b, b.at_most(magnitude, _exp_range(b)[1] + 0.5))
    e = (q + 1.0) * b.power_of_two(n - 2)  # exp / 4
    y = (e + 0.0625 / e) * 2.0
    return b.select(b.is_infinite(magnitude), magnitude, y)


# --- logarithms --------------------------------------------------------------------------------------------------


def _log_reduced(b: FloatBuilder, x: Number) -> tuple[Number, Number]:
    """(e, f) with x = 2^e (1 + f), e a whole number and 1 + f between sqrt(1/2) and sqrt(2)."""
    width = b.format.mantissa
    shift = width + 2
    small = x.compare("olt", b.format.min_normal)
    x = b.select(small, x * 2.0**shift, x)
    root = b.bits_of(b.constant(math.sqrt(0.5)))
    bits = b.bits_of(x) - root
    exponent = (bits >> width) + b.select(small, b.integer(-shift), b.integer(0))
    fraction = b.from_bits((bits & ((1 << width) - 1)) + root)
    return b.to_float(exponent), fraction - 1.0


def _log_tail(b: FloatBuilder, f: Number) -> Number:
    """log(1 + f) - f."""
    square = f * f
    if b.format.bits == 32:
        return b.fma(square, -0.5, square * f * _polynomial(b, "LOG", f))
    s = f / (f + 2.0)
    z = s * s
    # with s (2 + f) = f:  2 s = f - s f  and  s f = f^2 / 2 - s f^2 / 2
    half = square * 0.5
    return b.fma(s, b.fma(z, _polynomial(b, "LOG_RATIO", z), half), -half)


def _log_specials(b: FloatBuilder, x: Number, y: Number) -> Number:
    """The logarithm y of x where x is zero, negative, infinite or NaN."""
    y = b.select(b.is_infinite(x), x, y)
    y = b.select(x.compare("oeq", 0.0), -math.inf, y)
    return b.select(x.compare("ult", 0.0), math.nan, y)


@_function("log")
def _log(b: FloatBuilder, x: Number) -> Number:
    high, low = _split(b, "ln2")
    e, f = _log_reduced(b, x)
    return _log_specials(b, x, b.fma(e, high, f + b.fma(e, low, _log_tail(b, f))))


@_function("log1p")
def _log1p(b: FloatBuilder, x: Number) -> Number:
    """log(u) at u = 1 + x, with what the rounding of u lost added to its fraction."""
    high, low = _split(b, "ln2")
    u = x + 1.0
    large = x.compare("ogt", 1.0)
    lost = b.select(large, 1.0 - (u - x), x - (u - 1.0))
    root = b.bits_of(b.constant(math.sqrt(0.5)))
    bits = b.bits_of(u) - root
    exponent = bits >> b.format.mantissa
    fraction = b.from_bits((bits & ((1 << b.format.mantissa) - 1)) + root)
    e = b.to_float(exponent)
    largest = b.format.bias - 1
    down = b.power_of_two(b.integer(0) - b.select(exponent.compare("sgt", largest), b.integer(largest), exponent))
    f = b.fma(lost, down, fraction - 1.0)
    y = b.fma(e, high, f + b.fma(e, low, _log_tail(b, f)))
    y = b.select(b.abs(x).compare("olt", 2.0 ** -(b.format.mantissa + 2)), x, y)
    y = b.select(b.is_infinite(x), x, y)
    y = b.select(x.compare("oeq", -1.0), -math.inf, y)
    return b.select(x.compare("ult", -1.0), math.nan, y)


def _log_of_base(b: FloatBuilder, x: Number, factor: str, exponent_split: tuple[float, float]) -> Number:
    """log(x) * factor, the product of the leading part done exactly."""
    e, f = _log_reduced(b, x)
    high, low = _split(b, factor)
    product = f * high
    lost = b.fma(f, high, -product) if b.fused else b.constant(0.0)
    rest = b.fma(_log_tail(b, f), high, b.fma(f, low, lost))
    y = b.fma(e, exponent_split[0], product + b.fma(e, exponent_split[1], rest))
    return _log_specials(b, x, y)


@_function("log2")
def _log2(b: FloatBuilder, x: Number) -> Number:
    return _log_of_base(b, x, "log2_e", (1.0, 0.0))


@_function("log10")
def _log10(b: FloatBuilder, x: Number) -> Number:
    return _log_of_base(b, x, "log10_e", _split(b, "log10_2"))


@_function("asinh")
def _asinh(b: FloatBuilder, x: Number) -> Number:
    """log1p(a + a^2 / (1 + sqrt(a^2 + 1))) with a = |x|; log(a) + log(2) where the square would overflow."""
    a = b.abs(x)
    large = a.compare("ogt", 2.0 ** (b.format.mantissa + 4))
    small = b.select(large, 1.0, a)
    square = small * small
    argument = b.select(large, a, small + square / (b.sqrt(square + 1.0) + 1.0))
    y = _log1p(b, argument) + b.select(large, b.constant(math.log(2)), b.constant(0.0))
    return b.copysign(y, x)


@_function("acosh")
def _acosh(b: FloatBuilder, x: Number) -> Number:
    """log1p(t + sqrt(2 t + t^2)) with t = x - 1; log(x) + log(2) where the square would overflow."""
    large = x.compare("ogt", 2.0 ** (b.format.mantissa + 4))
    t = b.select(large, 1.0, x - 1.0)
    argument = b.select(large, x, t + b.sqrt(b.fma(t, t, t + t)))
    y = _log1p(b, argument) + b.select(large, b.constant(math.log(2)), b.constant(0.0))
    return b.select(x.compare("ult", 1.0), math.nan, y)


@_function("atanh")
def _atanh(b: FloatBuilder, x: Number) -> Number:
    a = b.abs(x)
    return b.copysign(_log1p(b, (a + a) / (1.0 - a)) * 0.5, x)


# --- trigonometric functions -------------------------------------------------------------------------------------


def _chunk(start: int, width: int, scale: int = 0) -> float:
    """Bits ``start .. start + width`` behind the point of 1 / (2 pi), times 2^scale."""
    digits = (INVERSE_TWO_PI_DIGITS >> (INVERSE_TWO_PI_BITS - start - width)) % (1 << width)
    return math.ldexp(digits, scale - (start + width))


def _reduced_angle(b: FloatBuilder, x: Number) -> tuple[Number, Number]:
    """(r, q) with x = r + q pi / 2 modulo 2 pi and |r| <= pi / 4, for any finite x."""
    if b.format.bits == 32:
        r, q = _reduced_angle_f32(b, x)
        return b.convert(r), q
    r, _, q = _reduced_angle_f64(b, x)
    return r, q


def _reduced_angle_f32(b: FloatBuilder, x: Number) -> tuple[Number, Number]:
    """The turns x / (2 pi), summed in f64 from exact products with 29-bit pieces of 1 / (2 pi), whole turns dropped
    from each; r in f64."""
    wide = b.of_width(64)
    angle = wide.convert(x)
    turns = None
    for i in range(7):
        part = angle * _chunk(29 * i, 29)
        part = part - wide.round(part)
        turns = part if turns is None else turns + part
    assert turns is not None
    turns = turns - wide.round(turns)
    quarters = wide.round(turns * 4.0)
    r = wide.fma(quarters, -0.25, turns) * (2 * math.pi)
    return r, b.nearest(b.convert(quarters))[1]


_WINDOW = 24  # bits between two windows of 1 / (2 pi)
_PIECES = 4  # of 53 bits each, in a window


def _reduced_angle_f64(b: FloatBuilder, x: Number) -> tuple[Number, Number, Number]:
    """The same with two-part products, on the window of 1 / (2 pi) that the exponent of x asks for; r in two parts.

    The bits before the window give whole turns only; the four pieces in it reach 120 bits below the point.
    """
    exponent = ((b.bits_of(x) >> 52) & 0x7FF) - (b.format.bias + 52)
    exponent = b.select(exponent.compare("sgt", 0), exponent, b.integer(0))
    window = (exponent * 43691) >> 20  # exponent / 24, exact up to 2^11
    last = (1024 - 52) // _WINDOW
    table = [
        _chunk(_WINDOW * i + 53 * piece, 53, scale=_WINDOW * i) for i in range(last + 1) for piece in range(_PIECES)
    ]
    magnitude = b.abs(x)
    x_in_window = x * b.power_of_two(b.integer(0) - window * _WINDOW)
    pieces = [b.lookup("astra_inverse_two_pi", table, window * _PIECES + i) for i in range(_PIECES)]
    high, low = b.product(x_in_window, pieces[0])
    next_high, next_low = b.product(x_in_window, pieces[1])
    terms = [low - b.round(low), next_high - b.round(next_high), next_low]
    terms += [*b.product(x_in_window, pieces[2]), x_in_window * pieces[3]]
    turns, rest = high - b.round(high), None
    for term in terms:
        turns, error = b.sum(turns, term)
        rest = error if rest is None else rest + error
    assert rest is not None
    turns = turns - b.round(turns)
    quarters = b.round(turns * 4.0)
    turns, rest = b.sum(b.fma(quarters, -0.25, turns), rest)
    two_pi, two_pi_rest = _split(b, "two_pi")
    r, r_rest = b.product(turns, b.constant(two_pi))
    r_rest = b.fma(turns, two_pi_rest, b.fma(rest, two_pi, r_rest))
    leading, r = r, r + r_rest
    r_rest = r_rest - (r - leading)
    small = magnitude.compare("olt", 2.0**-27)  # where the products would be denormal
    return b.select(small, x, r), b.select(small, b.constant(0.0), r_rest), b.nearest(quarters)[1]


def _sine_and_cosine(b: FloatBuilder, r: Number) -> tuple[Number, Number]:
    """Both, for |r| <= pi / 4."""
    z = r * r
    sine = b.fma(r * z, _polynomial(b, "SIN", z), r)
    cosine = b.fma(z * z, _polynomial(b, "COS", z), b.fma(z, -0.5, 1.0))
    return sine, cosine


def _negate_where(b: FloatBuilder, condition_bits: Number, bit: int, y: Number) -> Number:
    """-y where that bit is set."""
    sign = (condition_bits & (1 << bit)) << (b.format.bits - 1 - bit)
    return b.from_bits(b.op("arith.xori", (b.bits_of(y), sign), b.integer_type))


@_function("sin")
def _sin(b: FloatBuilder, x: Number) -> Number:
    r, q = _reduced_angle(b, x)
    sine, cosine = _sine_and_cosine(b, r)
    y = b.select((q & 1).compare("eq", 0), sine, cosine)
    return b.select(x.compare("oeq", 0.0), x, _negate_where(b, q, 1, y))


@_function("cos")
def _cos(b: FloatBuilder, x: Number) -> Number:
    r, q = _reduced_angle(b, x)
    sine, cosine = _sine_and_cosine(b, r)
    y = b.select((q & 1).compare("eq", 0), cosine, sine)
    return _negate_where(b, q + 1, 1, y)


@_function("tan")
def _tan(b: FloatBuilder, x: Number) -> Number:
    """sin(r) / cos(r) or its inverse; f32 in f64, f64 with numbers in two parts."""
    if b.format.bits == 32:
        wide = b.of_width(64)
        r, q = _reduced_angle_f32(b, x)
        z = r * r
        sine = wide.fma(r * z, wide.polynomial(z, COEFFICIENTS["SIN", 32]), r)
        cosine = wide.fma(z * z, wide.polynomial(z, COEFFICIENTS["COS", 32]), wide.fma(z, -0.5, 1.0))
        even = (q & 1).compare("eq", 0)
        y = b.convert(wide.select(even, sine, cosine) / wide.select(even, cosine, sine))
    else:
        r, r_rest, q = _reduced_angle_f64(b, x)
        even = (q & 1).compare("eq", 0)
        (sine, sine_rest), (cosine, cosine_rest) = _sine_and_cosine_parts(b, r, r_rest)
        divisor, divisor_rest = b.select(even, cosine, sine), b.select(even, cosine_rest, sine_rest)
        inverse = 1.0 / divisor
        dividend, dividend_rest = b.select(even, sine, cosine), b.select(even, sine_rest, cosine_rest)
        y = dividend * inverse
        lost = b.remainder_of(y, divisor, dividend) + b.fma(-y, divisor_rest, dividend_rest)
        y = b.fma(lost, inverse, y)
    return b.select(x.compare("oeq", 0.0), x, _negate_where(b, q, 0, y))


def _sine_and_cosine_parts(
    b: FloatBuilder, r: Number, r_rest: Number
) -> tuple[tuple[Number, Number], tuple[Number, Number]]:
    """Both of r + r_rest, each with what its rounding left."""
    z = r * r
    tail = b.fma(r * z, _polynomial(b, "SIN", z), r_rest)
    sine = r + tail
    half = b.fma(z, -0.5, 1.0)
    half_rest = b.fma(z, -0.5, 1.0 - half) - r * r_rest
    cosine_tail = b.fma(z * z, _polynomial(b, "COS", z), half_rest)
    cosine = half + cosine_tail
    return (sine, tail - (sine - r)), (cosine, cosine_tail - (cosine - half))


def _atan_polynomial(b: FloatBuilder, t: Number) -> Number:
    """atan(t) for 0 <= t <= 1."""
    z = t * t
    return b.fma(t * z, _polynomial(b, "ATAN", z), t)


@_function("atan")
def _atan(b: FloatBuilder, x: Number) -> Number:
    high, low = _split(b, "half_pi")
    a = b.abs(x)
    steep = a.compare("ogt", 1.0)
    y = _atan_polynomial(b, b.select(steep, 1.0, a) / b.select(steep, a, b.constant(1.0)))
    return b.copysign(b.select(steep, high - (y - low), y), x)


@_function("atan2")
def _atan2(b: FloatBuilder, y: Number, x: Number) -> Number:
    half_high, half_low = _split(b, "half_pi")
    high, low = _split(b, "pi")
    ay, ax = b.abs(y), b.abs(x)
    steep = ay.compare("ogt", ax)
    smaller, larger = b.select(steep, ax, ay), b.select(steep, ay, ax)
    ratio = smaller / b.select(larger.compare("oeq", 0.0), 1.0, larger)
    ratio = b.select(b.is_infinite(smaller), 1.0, ratio)
    angle = _atan_polynomial(b, ratio)
    angle = b.select(steep, half_high - (angle - half_low), angle)
    angle = b.select(b.bits_of(x).compare("slt", 0), high - (angle - low), angle)
    return b.select(x.compare("uno", y), x + y, b.copysign(angle, y))


def _asin_parts(b: FloatBuilder, x: Number) -> tuple[Number, Number, Number]:
    """(whether |x| > 1/2, s, asin(s) - s) with s = |x| or there sqrt((1 - |x|) / 2)."""
    a = b.abs(x)
    large = a.compare("ogt", 0.5)
    z = b.select(large, b.fma(a, -0.5, 0.5), a * a)
    s = b.select(large, b.sqrt(z), a)
    return large, s, s * z * _polynomial(b, "ASIN", z)


@_function("asin")
def _asin(b: FloatBuilder, x: Number) -> Number:
    high, low = _split(b, "half_pi")
    large, s, tail = _asin_parts(b, x)
    return b.copysign(b.select(large, (high - (s + s)) - (tail + tail - low), s + tail), x)


@_function("acos")
def _acos(b: FloatBuilder, x: Number) -> Number:
    half_high, half_low = _split(b, "half_pi")
    high, low = _split(b, "pi")
    large, s, tail = _asin_parts(b, x)
    p = s + tail
    negative = x.compare("olt", 0.0)
    outer = b.select(negative, high - (p + p - low), p + p)
    signed = b.copysign(p, x)
    return b.select(large, outer, half_high - (signed - half_low))


# --- the rest ----------------------------------------------------------------------------------------------------


@_function("erf")
def _erf(b: FloatBuilder, x: Number) -> Number:
    """x + x p(x^2) up to 1, beyond it 1 - exp(p(|x|)) with a polynomial for the logarithm of erfc."""
    end, middle = (4.0, 2.0) if b.format.bits == 32 else (6.0, 3.0)
    a = b.abs(x)
    small = b.fma(a, _polynomial(b, "ERF", a * a), a)
    n, q = _exp_reduced(b, _polynomial(b, "LOG_ERFC", b.at_most(a, end) - middle))
    scale = b.power_of_two(n)
    large = (1.0 - scale) - scale * q
    return b.copysign(b.select(a.compare("olt", 1.0), small, large), x)


@_function("rsqrt")
def _rsqrt(b: FloatBuilder, x: Number) -> Number:
    return 1.0 / b.sqrt(x)


@_function("cbrt")
def _cbrt(b: FloatBuilder, x: Number) -> Number:
    """x = m 2^(3 k) with 1 <= m < 8; two steps of Halley's iteration from a polynomial, which cube the error."""
    width, bias = b.format.mantissa, b.format.bias
    a = b.abs(x)
    small = a.compare("olt", b.format.min_normal)
    shift = 3 * (width // 3 + 1)
    bits = b.bits_of(b.select(small, a * 2.0**shift, a))
    padding = -bias % 3
    exponent = (bits >> width) + padding
    third = (exponent * 21846) >> 16  # exponent / 3, exact up to 2^15
    m = b.from_bits((bits & ((1 << width) - 1)) | ((exponent - third * 3 + bias) << width))
    y = _polynomial(b, "CBRT", m)
    for _ in range(2):
        square = y * y
        cube = square * y
        y = b.fma(y, b.fma(-square, y, m) / (cube + cube + m), y)
    k = third - (bias + padding) // 3 - b.select(small, b.integer(shift // 3), b.integer(0))
    y = b.copysign(y * b.power_of_two(k), x)
    keep = b.select(a.compare("oeq", 0.0), b.constant(1.0), b.constant(0.0))
    keep = b.select(a.compare("olt", math.inf), keep, 1.0)
    return b.select(keep.compare("une", 0.0), x, y)


_LOG_RATIO_TAIL = COEFFICIENTS["LOG_RATIO_TAIL", 64]


def _pow_specials(b: FloatBuilder, x: Number, y: Number, magnitude: Number) -> Number:
    """|x|^y with the sign of x^y, and the cases that the logarithm does not give."""
    half = y * 0.5
    whole = y.compare("oeq", b.trunc(y))
    odd = b.both(whole, half.compare("one", b.trunc(half)))
    result = b.select(odd, b.copysign(magnitude, x), magnitude)
    undefined = b.both(x.compare("olt", 0.0), x.compare("ogt", -math.inf))
    undefined = b.both(undefined, y.compare("one", b.trunc(y)))
    result = b.select(undefined, math.nan, result)
    result = b.select(y.compare("oeq", 0.0), 1.0, result)
    return b.select(x.compare("oeq", 1.0), 1.0, result)


def _pow_by_f64(b: FloatBuilder, x: Number, y: Number) -> Number:
    """f32: exp2(y log2|x|) in f64, where one rounding of the product does no harm."""
    wide = b.of_width(64)
    a = wide.convert(b.abs(x))
    root = wide.bits_of(wide.constant(math.sqrt(0.5)))
    bits = wide.bits_of(a) - root
    e = wide.to_float(bits >> wide.format.mantissa)
    f = wide.from_bits((bits & ((1 << wide.format.mantissa) - 1)) + root) - 1.0
    s = f / (f + 2.0)
    z = s * s
    log = wide.fma(s, wide.fma(z, wide.polynomial(z, COEFFICIENTS["LOG_RATIO", 64][:6]), 2.0), 0.0)
    log2 = wide.fma(log, math.log2(math.e), e)
    log2 = wide.select(a.compare("oeq", 0.0), -math.inf, log2)
    log2 = wide.select(a.compare("olt", math.inf), log2, a)
    t = wide.at_least(wide.at_most(wide.convert(y), 1e300), -1e300) * log2
    t = wide.at_least(wide.at_most(t, 200.0), -200.0)
    n, integer = wide.nearest(t)
    r = t - n
    power = wide.fma(r, wide.polynomial(r, COEFFICIENTS["EXP2", 32]), 1.0) * wide.power_of_two(integer)
    return b.convert(power)


def _pow_by_parts(b: FloatBuilder, x: Number, y: Number) -> Number:
    """f64: exp2(y log2|x|) with the logarithm and the product in two parts."""
    a = b.abs(x)
    e, f = _log_reduced(b, a)
    # s = f / (2 + f), and log(1 + f) = 2 s + s^3 (2/3 + s^2 p(s^2))
    divisor = f + 2.0
    s = f / divisor
    s_rest = b.fma(-s, f - (divisor - 2.0), b.remainder_of(s, divisor, f)) / divisor
    z, z_rest = b.product(s, s)
    z_rest = b.fma(s + s, s_rest, z_rest)
    third, third_rest = _split(b, "two_thirds")
    tail = z * b.polynomial(z, _LOG_RATIO_TAIL)
    factor, factor_rest = b.sum(b.constant(third), tail)
    factor_rest = factor_rest + third_rest
    cube, cube_rest = b.product(z, s)
    cube_rest = b.fma(z, s_rest, b.fma(z_rest, s, cube_rest))
    log, log_rest = b.product(cube, factor)
    log_rest = b.fma(cube, factor_rest, b.fma(cube_rest, factor, log_rest))
    log, error = b.sum(s + s, log)
    log_rest = error + b.fma(s_rest, 2.0, log_rest)
    log2_e, log2_e_rest = _split(b, "log2_e")
    log2, log2_rest = b.product(log, b.constant(log2_e))
    log2_rest = b.fma(log, log2_e_rest, b.fma(log_rest, log2_e, log2_rest))
    log2, error = b.sum(e, log2)
    log2_rest = error + log2_rest
    zero_or_infinite = b.select(a.compare("oeq", 0.0), -math.inf, a)
    special = b.select(a.compare("oeq", 0.0), b.constant(1.0), b.constant(0.0))
    special = b.select(a.compare("olt", math.inf), special, 1.0)
    is_special = special.compare("une", 0.0)
    log2 = b.select(is_special, zero_or_infinite, log2)
    log2_rest = b.select(is_special, b.constant(0.0), log2_rest)

    y = b.at_least(b.at_most(y, 1e200), -1e200)
    t, t_rest = b.product(y, log2)
    t_rest = b.fma(y, log2_rest, t_rest)
    in_range = b.abs(t).compare("olt", 1100.0)
    t = b.at_least(b.at_most(t, 1100.0), -1100.0)
    n, integer = b.nearest(t)
    r = t - n
    power = b.fma(r, _polynomial(b, "EXP2", r), 1.0)
    t_rest = b.select(in_range, t_rest, b.constant(0.0))
    return b.scale(b.fma(power, t_rest * math.log(2), power), integer)


@_function("powf")
def _powf(b: FloatBuilder, x: Number, y: Number) -> Number:
    by = _pow_by_f64 if b.format.bits == 32 else _pow_by_parts
    return _pow_specials(b, x, y, by(b, x, y))
