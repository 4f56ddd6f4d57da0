"""What ``astra-recognize-attention`` knows of values between the two products of an attention: forms, and how
operations change them.

A softmax and its derivative can be written in many ways.  Instead of matching each, operations are computed with: a
value of the scores' shape is a sum of terms, each a number times powers of

    E, the exponentials of the scores less their maxima,      L, the sums of E along the columns,
    G, the products of the result's cotangent and the values, R, the sums of E * G along the columns.

The probabilities are E / L however they were computed, and the cotangent of the scores is E G / L - E R / L^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.passes.attention_axes import Axis, Labels, flat
from astra_mlir.passes.attention_masks import Term

__all__ = ["EXPONENTIALS", "PROBABILITIES", "SCORE_COTANGENT", "Empty", "Form", "Peaks", "Scores", "Shifted", "Sum"]

Powers = tuple[int, int, int, int]  # of E, G, L and R
EXPONENTIALS: Powers = (1, 0, 0, 0)
PROBABILITIES: Powers = (1, 0, -1, 0)
SCORE_COTANGENT: dict[Powers, float] = {(1, 1, -1, 0): 1.0, (1, 0, -2, 1): -1.0}


@dataclass(frozen=True)
class Scores:
    """``scale`` times the products, plus a bias, ``fill`` where masked."""

    labels: Labels
    scale: float = 1.0
    bias: tuple[ir.Value, Labels, bool] | None = None  # the last: subtracted
    masks: tuple[Term, ...] = ()
    fill: float | None = None

    def same(self, other: Scores) -> bool:
        """Whether the numbers are the same (however the dimensions are arranged)."""
        mine, others = ((s.scale, s.bias and s.bias[::2], s.masks, s.fill) for s in (self, other))
        return mine == others

    def scaled(self, factor: float) -> Scores | None:
        if not 0 < factor < inf or self.bias is not None:
            return None
        return replace(self, scale=self.scale * factor, fill=None if self.fill is None else self.fill * factor)

    def biased(self, value: ir.Value, labels: Labels, *, subtracted: bool) -> Scores | None:
        if self.bias is not None or self.fill not in (None, -inf):
            return None
        return replace(self, bias=(value, labels, subtracted))

    def masked(self, terms: list[Term] | None, fill: float) -> Scores | None:
        if terms is None or fill != fill or fill == inf or self.fill not in (None, fill):
            return None
        return replace(self, masks=self.masks + tuple(t for t in terms if t not in self.masks), fill=fill)


@dataclass(frozen=True)
class Peaks:
    """The maxima of scores along columns."""

    labels: Labels
    scores: Scores


@dataclass(frozen=True)
class Shifted:
    """Scores less their maxima."""

    labels: Labels
    scores: Scores


@dataclass(frozen=True)
class Empty:
    """Whether scores are -inf; all of a row if ``rows``."""

    labels: Labels
    rows: bool


@dataclass(frozen=True)
class Sum:
    """Terms by the powers in them; ``masked``: set to 0 where scores are masked."""

    labels: Labels
    terms: tuple[tuple[Powers, float], ...]
    masked: bool = False

    def map(self, function: Callable[[Powers, float], tuple[Powers, float]]) -> Sum:
        return replace(self, terms=_collected([function(powers, factor) for powers, factor in self.terms]))

    def scaled(self, factor: float) -> Sum:
        return self.map(lambda powers, x: (powers, x * factor))

    def plus(self, other: Sum, sign: float = 1.0) -> Sum:
        terms = _collected([*self.terms, *((powers, sign * x) for powers, x in other.terms)])
        return replace(self, terms=terms, masked=self.masked and other.masked)

    def times(self, other: Sum) -> Sum:
        products = [(_added(p, q), x * y) for p, x in self.terms for q, y in other.terms]
        return replace(self, terms=_collected(products), masked=self.masked or other.masked)

    def over(self, other: Sum) -> Sum | None:
        """Divided by a single term of sums of exponentials."""
        if len(other.terms) != 1 or any(other.terms[0][0][i] for i in (0, 1, 3)):
            return None
        ((powers, factor),) = other.terms
        return self.map(lambda p, x: ((p[0], p[1], p[2] - powers[2], p[3]), x / factor))

    def summed(self, labels: Labels) -> Sum | None:
        """The sum along the columns."""
        found: list[tuple[Powers, float]] = []
        for (e, g, sums, r), x in self.terms:
            if e != 1 or g not in (0, 1) or (g and r):
                return None
            found.append(((0, 0, sums + (g == 0), r + (g == 1)), x))
        return Sum(labels, _collected(found))

    def is_multiple_of(self, terms: dict[Powers, float]) -> float | None:
        """The factor by which the terms are these."""
        mine = dict(self.terms)
        if set(mine) != set(terms):
            return None
        factors = [mine[powers] / x for powers, x in terms.items()]
        return factors[0] if all(abs(f - factors[0]) <= 1e-5 * abs(factors[0]) for f in factors) else None


Form = Scores | Peaks | Shifted | Empty | Sum


def _added(p: Powers, q: Powers) -> Powers:
    return (p[0] + q[0], p[1] + q[1], p[2] + q[2], p[3] + q[3])


def _collected(terms: list[tuple[Powers, float]]) -> tuple[tuple[Powers, float], ...]:
    found: dict[Powers, float] = {}
    for powers, factor in terms:
        found[powers] = found.get(powers, 0.0) + factor
    return tuple(sorted((powers, factor) for powers, factor in found.items() if factor))


def moved(form: Form, labels: Labels) -> Form:
    """The form of the same numbers elsewhere."""
    changed: Any = replace(form, labels=labels)
    return changed


def has_axis(labels: Labels, axis: Axis) -> bool:
    """Whether a value varies along an axis."""
    wanted = flat((axis,))
    return any(part is x for label in labels for part in flat(label) for x in wanted)
