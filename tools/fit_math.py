"""Fits the polynomials of ``astra-expand-math`` and writes ``passes/math_coefficients.py``.

    python -m astra_mlir.tools.fit_math > passes/math_coefficients.py

Each function is fitted by least squares at Chebyshev nodes with 60 digits, which is within a small factor of the
best polynomial; its coefficients are rounded to the element type one after the other, from the constant term on,
and the rest is fitted again to what the rounding left.  The error in the comment of each table is the largest seen
on a fine grid, of the fitted function (as ``passes/math_functions.py`` multiplies it by a power of the small
argument, the error of the result is smaller still).  Needs ``mpmath``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
from mpmath import mpf

__all__ = ["FITS", "Fit", "fit"]

mpmath.mp.dps = 60


@dataclass(frozen=True)
class Fit:
    """One polynomial: the function, its interval, and its degree for f32 and f64."""

    name: str
    function: Callable[[mpf], mpf]
    interval: tuple[mpf | float, mpf | float]
    degrees: tuple[int | None, int | None]
    weight: Callable[[mpf], mpf] = lambda x: mpf(1)  # how much an error at x matters


def _from_series(function: Callable[[mpf], mpf], at_zero: mpf | float) -> Callable[[mpf], mpf]:
    """The function, continued to the removable singularity at 0."""
    return lambda x: mpf(at_zero) if x == 0 else function(x)


def _odd(function: Callable[[mpf], mpf], at_zero: mpf) -> Callable[[mpf], mpf]:
    """(f(sqrt(z)) - sqrt(z)) / sqrt(z)^3: the rest of an odd function after its first term, by the square."""
    return _from_series(lambda z: (function(mpmath.sqrt(z)) - mpmath.sqrt(z)) / mpmath.sqrt(z) ** 3, at_zero)


_LN2_2 = mpmath.log(2) / 2 * mpf("1.001")
_SQRT2 = mpmath.sqrt(2)
_QUARTER_PI = mpmath.pi / 4 * mpf("1.0001")


def _log_tail(z: mpf) -> mpf:
    """(log((1 + s) / (1 - s)) - 2 s) / s^3 at s = sqrt(z)."""
    s = mpmath.sqrt(z)
    return (mpmath.log((1 + s) / (1 - s)) - 2 * s) / s**3


FITS = (
    Fit(
        "EXP",  # exp(r) = 1 + r + r^2 p(r)
        _from_series(lambda r: (mpmath.expm1(r) - r) / r**2, 0.5), (-_LN2_2, _LN2_2), (4, 9),
    ),
    Fit("EXP2", _from_series(lambda r: (mpf(2) ** r - 1) / r, mpmath.log(2)), (-0.5005, 0.5005), (6, 11)),
    Fit(
        "LOG",  # log(1 + f) = f - f^2 / 2 + f^3 p(f)
        _from_series(lambda f: (mpmath.log1p(f) - f + f * f / 2) / f**3, mpf(1) / 3),
        (1 / _SQRT2 - 1, _SQRT2 - 1), (8, None),
    ),
    Fit(
        "LOG_RATIO",  # log((1 + s) / (1 - s)) = 2 s + s^3 p(s^2)
        _from_series(_log_tail, mpf(2) / 3), (0, ((_SQRT2 - 1) / (_SQRT2 + 1)) ** 2), (3, 7),
    ),
    Fit(
        "LOG_RATIO_TAIL",  # log((1 + s) / (1 - s)) = 2 s + 2/3 s^3 + s^5 p(s^2)
        _from_series(lambda z: (_log_tail(z) - mpf(2) / 3) / z, mpf(2) / 5),
        (0, ((_SQRT2 - 1) / (_SQRT2 + 1)) ** 2), (None, 7),
    ),
    Fit("SIN", _odd(mpmath.sin, -mpf(1) / 6), (0, _QUARTER_PI**2), (3, 6)),
    Fit(
        "COS",  # cos(r) = 1 - r^2 / 2 + r^4 p(r^2)
        _from_series(lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2, mpf(1) / 24),
        (0, _QUARTER_PI**2), (2, 6),
    ),
    Fit("ATAN", _odd(mpmath.atan, -mpf(1) / 3), (0, 1), (8, 21)),
    Fit("SINH", _odd(mpmath.sinh, mpf(1) / 6), (0, 1), (3, 7)),
    Fit("ASIN", _odd(mpmath.asin, mpf(1) / 6), (0, 0.25), (5, 13)),
    Fit(
        "ERF",  # erf(x) = x + x p(x^2)
        _from_series(lambda z: mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1, 2 / mpmath.sqrt(mpmath.pi) - 1),
        (0, 1), (6, 12),
    ),
    Fit("CBRT", lambda x: mpmath.cbrt(x), (1, 8), (3, 3), lambda x: 1 / mpmath.cbrt(x)),  # where iterations begin
    # log(erfc(x)) = p(x - 2) and p(x - 3)
    Fit("LOG_ERFC", lambda t: mpmath.log(mpmath.erfc(t + 2)), (-1, 2), (8, None), lambda t: mpmath.erfc(t + 2)),
    Fit("LOG_ERFC", lambda t: mpmath.log(mpmath.erfc(t + 3)), (-2, 3), (None, 17), lambda t: mpmath.erfc(t + 3)),
)  # fmt: skip


# Constants and the bits that the first of their two parts has, for f32 and f64: few enough that the product with an
# exponent is exact where one is taken, a whole number otherwise.
SPLITS = {
    "ln2": (mpmath.log(2), (15, 32)),
    "log10_2": (mpmath.log10(2), (15, 32)),
    "half_pi": (mpmath.pi / 2, (24, 53)),
    "pi": (mpmath.pi, (24, 53)),
    "two_pi": (mpmath.pi * 2, (24, 53)),
    "log2_e": (1 / mpmath.log(2), (24, 53)),
    "log10_e": (1 / mpmath.log(10), (24, 53)),
    "two_thirds": (mpf(2) / 3, (24, 53)),
}
INVERSE_TWO_PI_BITS = 1216  # an f64 may be 2^1024; 53 of its bits and 120 below the point of the product matter


def split(value: mpf, bits: int) -> tuple[float, float]:
    """``value`` as a sum of two numbers, the first of ``bits`` bits."""
    unit = mpf(2) ** (mpmath.floor(mpmath.log(value, 2)) + 1 - bits)
    high = mpmath.nint(value / unit) * unit
    return float(high), float(value - high)


def _nodes(low: mpf, high: mpf, count: int) -> list[mpf]:
    angles = [mpmath.pi * (2 * i + 1) / (2 * count) for i in range(count)]
    return [(low + high) / 2 + (high - low) / 2 * mpmath.cos(angle) for angle in angles]


def fit(item: Fit, degree: int, dtype: type[np.floating]) -> tuple[list[float], float]:
    """Coefficients from the constant term on, each a value of ``dtype``, and the largest error."""
    low, high = (mpf(bound) for bound in item.interval)
    nodes = _nodes(low, high, 2 * degree + 6)  # an even number: none at the middle, where some functions are 0 / 0
    weights = [item.weight(x) for x in nodes]
    rest = [item.function(x) for x in nodes]
    coefficients: list[mpf] = []
    for i in range(degree + 1):
        matrix = mpmath.matrix([[w * x**j for j in range(i, degree + 1)] for x, w in zip(nodes, weights, strict=True)])
        solution, _ = mpmath.qr_solve(
            matrix, mpmath.matrix([w * value for w, value in zip(weights, rest, strict=True)])
        )
        coefficients.append(mpf(float(dtype(mpmath.nstr(solution[0], 30)))))
        rest = [value - coefficients[-1] * x**i for value, x in zip(rest, nodes, strict=True)]
    worst = mpf(0)
    for i in range(300):
        x = low + (high - low) * (i + mpf("0.5")) / 300
        error = sum(c * x**j for j, c in enumerate(coefficients)) - item.function(x)
        worst = max(worst, abs(error) * item.weight(x))
    return [float(c) for c in coefficients], float(worst)


def main() -> int:
    """Print the module."""
    print('"""Polynomials of ``astra-expand-math``, lowest degree first; made by ``tools/fit_math.py``."""')
    print("\nfrom __future__ import annotations\n")
    print('__all__ = ["COEFFICIENTS", "INVERSE_TWO_PI_BITS", "INVERSE_TWO_PI_DIGITS", "SPLIT"]\n')
    print("# (function, bits of the element type) -> coefficients")
    print("COEFFICIENTS: dict[tuple[str, int], tuple[float, ...]] = {")
    for item in FITS:
        for bits, dtype, degree in ((32, np.float32, item.degrees[0]), (64, np.float64, item.degrees[1])):
            if degree is None:
                continue
            coefficients, error = fit(item, degree, dtype)
            low, high = (float(bound) for bound in item.interval)
            print(f'    ("{item.name}", {bits}): (  # on [{low:.4g}, {high:.4g}], error {error:.1e}')
            for c in coefficients:
                print(f"        {c!r},")
            print("    ),")
    print("}")
    print("\n# (constant, bits of the element type) -> its leading bits and the rest")
    print("SPLIT: dict[tuple[str, int], tuple[float, float]] = {")
    for name, (value, widths) in SPLITS.items():
        for bits, width in zip((32, 64), widths, strict=True):
            print(f'    ("{name}", {bits}): {split(value, width)},')
    print("}")
    mpmath.mp.prec = INVERSE_TWO_PI_BITS + 64
    digits = int(mpmath.floor(mpf(2) ** INVERSE_TWO_PI_BITS / (2 * mpmath.pi)))
    print("\n# The first bits behind the point of 1 / (2 pi), as an integer.")
    print(f"INVERSE_TWO_PI_BITS = {INVERSE_TWO_PI_BITS}")
    print("INVERSE_TWO_PI_DIGITS = int(")
    text = f"{digits:x}"
    for start in range(0, len(text), 100):
        print(f'    "{text[start : start + 100]}"')
    print("    , 16,")
    print(")")
    return 0


if __name__ == "__main__":
    sys.exit(main())
