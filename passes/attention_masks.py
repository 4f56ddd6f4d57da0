"""Masks of scores as ``astra-recognize-attention`` reads them: causal ones by their meaning, others as an operand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.attention_axes import Axis, Labels, flat, same, source_of
from astra_mlir.passes.simplify_rules.core import Rewriter, defining

__all__ = ["Causal", "General", "additive_mask", "mask_terms"]


@dataclass(frozen=True)
class General:
    """Keeps scores where ``value``, of i1, is set (``inverted``: is not)."""

    value: ir.Value
    labels: Labels
    inverted: bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, General) or self.inverted != other.inverted:
            return False
        return tuple(map(flat, self.labels)) == tuple(map(flat, other.labels)) and same(self.value, other.value)

    def __hash__(self) -> int:
        return hash(self.inverted)


@dataclass(frozen=True)
class Causal:
    """Keeps columns up to ``row + offset``."""

    row: Axis
    column: Axis
    offset: int
    table: General | None = field(default=None, compare=False)  # the same as an operand


Term = Causal | General
_SWAPPED = {"GE": ("LE", True), "GT": ("LT", True), "LE": ("LE", False), "LT": ("LT", False)}


def mask_terms(value: ir.Value, labels: Labels, rw: Rewriter, *, inverted: bool = False) -> list[Term] | None:
    """The masks that all must be set where ``value`` is; ``None`` for what is not understood."""
    while True:
        value, labels = source_of(value, labels, broadcasts=True)
        negation = defining(value, "not")
        if negation is None:
            break
        value, inverted = negation.operands[0], not inverted
    for name, of_inverted in (("and", False), ("or", True)):
        both = defining(value, name)
        if both is not None and inverted == of_inverted:
            found = [mask_terms(operand, labels, rw, inverted=inverted) for operand in both.operands]
            if all(terms is not None for terms in found):
                return [term for terms in found for term in terms or ()]
    splat = rw.splat_of(value)
    if splat is not None and bool(splat) != inverted:
        return []  # masks nothing
    causal = _compared(value, labels, rw, inverted) or _constant(rw.array(value, 1 << 26), labels, inverted)
    table = General(value, labels, inverted)
    return [replace(causal, table=table) if causal else table]


def additive_mask(value: ir.Value, labels: Labels, rw: Rewriter) -> list[Term] | None:
    """The masks of what is 0 where they are set and -inf elsewhere; ``None`` for any other bias."""
    value, labels = source_of(value, labels, broadcasts=True)
    select = defining(value, "select")
    if select is not None:
        predicate, *chosen = select.operands
        values = [rw.splat_of(x) for x in chosen]
        if predicate.type.shape == select.results[0].type.shape and sorted(map(str, values)) == ["-inf", "0.0"]:
            return mask_terms(predicate, labels, rw, inverted=str(values[0]) == "-inf")
        return None
    array = rw.array(value, 1 << 26)
    if array is not None and array.dtype.kind == "f" and bool(np.all((array == 0) | (array == -np.inf))):
        causal = _constant(array == 0, labels, False)
        return None if causal is None else [causal]
    return None


def _linear(value: ir.Value, labels: Labels, rw: Rewriter) -> tuple[dict[Axis, int], int] | None:
    """Coefficients of positions along axes, and a constant."""
    value, labels = source_of(value, labels, broadcasts=True)
    constant = rw.integer(value)
    if constant is not None:
        return {}, constant
    op = defining(value)
    if op is None:
        return None
    if op.name == "astra.iota":
        axes = flat(labels[value_of(op, "dimension")])
        return ({axes[0]: 1}, 0) if len(axes) == 1 else None
    if op.name == "astra.convert":
        return _linear(op.operands[0], labels, rw)
    if op.name in ("astra.add", "astra.subtract"):
        parts = [_linear(operand, labels, rw) for operand in op.operands]
        if parts[0] is None or parts[1] is None:
            return None
        (a, x), (b, y) = parts[0], parts[1]
        sign = 1 if op.name == "astra.add" else -1
        return {axis: a.get(axis, 0) + sign * b.get(axis, 0) for axis in (*a, *b)}, x + sign * y
    return None


def _compared(value: ir.Value, labels: Labels, rw: Rewriter, inverted: bool) -> Causal | None:
    """``column <= row + offset`` of positions."""
    op = defining(value, "compare")
    if op is None or value_of(op, "direction") not in _SWAPPED or value_of(op, "compare_type") == "FLOAT":
        return None
    left, right = (_linear(operand, labels, rw) for operand in op.operands)
    if left is None or right is None:
        return None
    direction, swapped = _SWAPPED[value_of(op, "direction")]
    if swapped:
        left, right = right, left
    if inverted:  # not (a <= b) is b < a
        direction, left, right = ("LT" if direction == "LE" else "LE"), right, left
    # left - right <= bound
    bound = right[1] - left[1] - (direction == "LT")
    weights = {axis: left[0].get(axis, 0) - right[0].get(axis, 0) for axis in (*left[0], *right[0])}
    found = {weight: axis for axis, weight in weights.items() if weight}
    if len([w for w in weights.values() if w]) != 2 or set(found) != {1, -1} or bound < 0:
        return None
    return Causal(found[-1], found[1], bound)


def _constant(array: np.ndarray | None, labels: Labels, inverted: bool) -> Causal | None:
    """The same as a table."""
    places = [d for d, label in enumerate(labels) if label]
    if array is None or array.dtype != bool or len(places) != 2 or array.ndim != len(labels):
        return None
    axes: Sequence[tuple[Axis, ...]] = [flat(labels[d]) for d in places]
    if any(len(axis) != 1 for axis in axes):
        return None
    kept = array.reshape([array.shape[d] for d in places]) != inverted
    for table, (row, column) in ((kept, axes), (kept.T, axes[::-1])):
        offset = int(table[0].sum()) - 1
        if offset >= 0 and np.array_equal(table, np.tri(*table.shape, offset, dtype=bool)):
            return Causal(row[0], column[0], offset)
    return None
