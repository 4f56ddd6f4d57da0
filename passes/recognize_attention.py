"""``astra-recognize-attention``: products, masks and a softmax become ``astra.attention``, derivatives included.

First pass of the stage to linalg: programs are flat, and derivatives have been expanded, Astra's own and those that
JAX wrote.  Each product of two arrays may be the scores of an attention: what happens to it is followed operation by
operation with the forms of ``attention_forms.py``, until everything has ended in a product with the values (the result
and, for the derivative, the cotangents) or something is not understood, and then all is left as it was.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.attention_axes import (
    Axis,
    Labels,
    axes_in,
    flat,
    forward,
    same,
    size_of,
    source_of,
    unify,
    unknown,
)
from astra_mlir.passes.attention_build import replace_attention
from astra_mlir.passes.attention_forms import (
    EXPONENTIALS,
    PROBABILITIES,
    SCORE_COTANGENT,
    Empty,
    Form,
    Peaks,
    Scores,
    Shifted,
    Sum,
    has_axis,
    moved,
)
from astra_mlir.passes.attention_masks import additive_mask, mask_terms
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.kernel_rules.contraction_shapes import FLOATS
from astra_mlir.passes.simplify_rules.core import Rewriter, defining, remove_dead
from astra_mlir.passes.traversal import walk

__all__ = ["RecognizeAttention"]

LEAST_SCORES = 1024  # below, what a tile sets up costs more than writing the scores
LEAST_ROWS = 8


@register_pass
@dataclass(frozen=True)
class RecognizeAttention(Pass):
    """Replace the dataflow of an attention by one operation, and that of its derivative by another.

    Before::

        %s = "astra.dot_general"(%q, %k) {...} : (tensor<8x64x16xf32>, tensor<8x64x16xf32>) -> tensor<8x64x64xf32>
        %m = "astra.reduce"(%s, %low) ({}) {dimensions = array<i64: 2>, kind = "maximum"} : ...
        %e = "astra.exponential"(%s less %m)
        %l = "astra.reduce"(%e, %zero) ({}) {dimensions = array<i64: 2>, kind = "add"} : ...
        %p = "astra.divide"(%e, %l broadcast)
        %o = "astra.dot_general"(%p, %v) {...} : (tensor<8x64x64xf32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>

    After::

        %o, %logsumexp = "astra.attention"(%q, %k, %v) {subscripts = "aqd,akd,ake->aqe,aq", scale = 1.0, ...}

    Nothing is replaced where the scores or probabilities have other uses.
    """

    name: ClassVar[str] = "astra-recognize-attention"
    summary: ClassVar[str] = "replace products, masks and a softmax by attention, forward and backward"

    def run(self, module: ir.Operation) -> None:
        """Look at every product in every block."""
        for function in module.regions[0].blocks[0].operations:
            for region in function.operation.regions:
                for block in region.blocks:
                    if any(op.name == "astra.exponential" for op in walk(block)):
                        _visit(block)


def _visit(block: ir.Block) -> None:
    operations = [view.operation for view in block.operations]
    if any(op.name == "astra.exponential" for op in operations):
        products = [op for op in operations if op.name == "astra.dot_general" and _may_be_scores(op)]
        position: dict[ir.Operation, int] = {}
        replaced = False
        for op in products:
            if not position:
                operations = [view.operation for view in block.operations]
                position = {op: i for i, op in enumerate(operations)}
            found = Candidate(block, op)
            if found.follow(operations, position) and replace_attention(found, operations, position):
                replaced, position = True, {}  # an operation's hash depends on its operands
        if replaced:
            remove_dead(block)
    for view in list(block.operations):
        for region in view.operation.regions:
            for nested in region.blocks:
                _visit(nested)


def _may_be_scores(op: ir.Operation) -> bool:
    values = (*op.operands, *op.results)
    if any(not v.type.has_static_shape or str(v.type.element_type) not in FLOATS for v in values):
        return False
    batch = len(int_list(op, "lhs_batching_dimensions"))
    rank = len(op.operands[0].type.shape) - len(int_list(op, "lhs_contracting_dimensions"))
    shape = list(op.results[0].type.shape)
    sizes = [int(np.prod(shape[batch:rank])), int(np.prod(shape[rank:]))]
    return min(sizes) >= LEAST_ROWS and sizes[0] * sizes[1] >= LEAST_SCORES


class _Failed(Exception):
    """The candidate is no attention."""


def _require(condition: bool) -> None:
    if not condition:
        raise _Failed


def _got(form: Form | None) -> Form:
    if form is None:
        raise _Failed
    return form


@dataclass
class Operand:
    """An array that goes into the attention: what it is moved from, and the axes of that."""

    value: ir.Value
    labels: Labels


@dataclass
class Candidate:
    """A product that may be the scores of an attention, and what has been found on the way from it."""

    block: ir.Block
    product: ir.Operation
    forms: dict[ir.Value, Form] = field(default_factory=dict)
    rw: Rewriter = field(default_factory=Rewriter)
    sides: tuple[Operand, Operand] | None = None  # of the product
    column: Axis | None = None  # along which the softmax is taken
    final: Scores | None = None  # what the softmax is taken of
    query: Operand | None = None
    key: Operand | None = None
    value: Operand | None = None
    cotangent: Operand | None = None
    empty_is_zero: bool = False
    waiting: list[int] = field(default_factory=list)  # operations that use a value with a form
    # Products that the attention makes unnecessary, by what they compute, with the axes of their results.
    results: dict[str, list[tuple[ir.Value, Labels]]] = field(default_factory=dict)

    def follow(self, operations: Sequence[ir.Operation], position: dict[ir.Operation, int]) -> bool:
        """Whether all that is made of the product is understood."""
        try:
            self.begin(position)
            done = -1
            while self.waiting:  # users in the order of the program, so that both operands are known
                number = heapq.heappop(self.waiting)
                if number == done:
                    continue
                op, done = operations[number], number
                rule = _RULES.get(op.name)
                _require(rule is not None)
                assert rule is not None
                form = rule(self, op)
                if form is not None:
                    self.add(op.results[0], form, position)
            return self.is_complete()
        except _Failed:
            return False

    def begin(self, position: dict[ir.Operation, int]) -> None:
        """The forms of the product itself."""
        op = self.product
        batch = [
            Axis(size, known=True) for size in op.results[0].type.shape[: len(int_list(op, "lhs_batching_dimensions"))]
        ]
        shapes = [list(operand.type.shape) for operand in op.operands]
        depth = [Axis(shapes[0][d], known=True) for d in int_list(op, "lhs_contracting_dimensions")]
        sides, free = [], []
        for name, operand, shape in zip(("lhs", "rhs"), op.operands, shapes, strict=True):
            labels: list[tuple[Axis, ...]] = [(Axis(size, known=True),) if size > 1 else () for size in shape]
            for axes, dimensions in ((batch, "batching"), (depth, "contracting")):
                for axis, d in zip(axes, int_list(op, f"{name}_{dimensions}_dimensions"), strict=True):
                    labels[d] = (axis,) if axis.size > 1 else ()
            taken = [*int_list(op, f"{name}_batching_dimensions"), *int_list(op, f"{name}_contracting_dimensions")]
            free += [labels[d] for d in range(len(shape)) if d not in taken]
            sides.append(Operand(*source_of(operand, tuple(labels))))
        self.sides = sides[0], sides[1]
        labels = tuple([(axis,) if axis.size > 1 else () for axis in batch] + free)
        self.add(op.results[0], Scores(labels), position)

    def add(self, value: ir.Value, form: Form, position: dict[ir.Operation, int]) -> None:
        """Note a form, and what uses the value, which has to be in the same block."""
        self.forms[value] = form
        for use in value.uses:
            user = use.owner.operation
            _require(user in position)
            heapq.heappush(self.waiting, position[user])

    def is_complete(self) -> bool:
        """Whether there is an attention, and all its parts are known."""
        return self.final is not None and self.query is not None and self.value is not None and bool(self.results)

    # --- the softmax -----------------------------------------------------------------------------------------------

    def reduced(self, op: ir.Operation) -> tuple[Form, Labels]:
        """The operand of a reduction along the columns, and the labels of what remains."""
        _require(len(op.operands) == 2 and op.operands[0] in self.forms)
        form, dimensions = self.forms[op.operands[0]], int_list(op, "dimensions")
        axes = [axis for d in dimensions for axis in flat(form.labels[d])]
        if self.column is None:
            _require(isinstance(form, Scores) and len(axes) == 1)
            self.column = axes[0]
            self.arrange()
        _require(flat((self.column,)) == tuple(axes))
        return form, tuple(label for d, label in enumerate(form.labels) if d not in dimensions)

    def arrange(self) -> None:
        """The side of the product that has the columns is the keys'."""
        assert self.sides is not None and self.column is not None
        has = [has_axis(side.labels, self.column) for side in self.sides]
        _require(has.count(True) == 1)
        self.key, self.query = self.sides[has.index(True)], self.sides[has.index(False)]

    def soft(self, form: Scores) -> Scores:
        """Note what the softmax is taken of."""
        _require(self.final is None or self.final.same(form))
        self.final = self.final or form
        return form

    # --- the products that it ends in --------------------------------------------------------------------------------

    def other_side(self, op: ir.Operation, position: int, form: Sum) -> tuple[Operand, Labels, bool]:
        """Of a product with a sum of the scores' shape at ``position``: the other operand with its axes, those of the
        result, and whether it sums along the columns (rather than along all rows)."""
        assert self.column is not None
        names = ("lhs", "rhs")[position], ("rhs", "lhs")[position]
        batch = [int_list(op, f"{name}_batching_dimensions") for name in names]
        steps = [int_list(op, f"{name}_contracting_dimensions") for name in names]
        other = op.operands[1 - position]
        labels = list(unknown(list(other.type.shape)))
        for mine, others in ((batch[0], batch[1]), (steps[0], steps[1])):
            for i, j in zip(mine, others, strict=True):
                labels[j] = form.labels[i]
        _require(not any(has_axis((form.labels[d],), self.column) for d in batch[0]))
        operand = Operand(*source_of(other, tuple(labels)))
        free = [
            [label for d, label in enumerate(all_) if d not in b and d not in s]
            for all_, b, s in ((form.labels, batch[0], steps[0]), (tuple(labels), batch[1], steps[1]))
        ]
        summed = [axis for d in steps[0] for axis in flat(form.labels[d])]
        along_columns = summed == list(flat((self.column,)))
        rest = [axis for label in free[0] for axis in flat(label)]
        # all batch dimensions stay apart: what is left beside them is rows, or the columns
        assert self.query is not None and self.key is not None
        rows = [axis for axis in axes_in(self.query.labels) if not has_axis(self.key.labels, axis)]
        expected = rows if along_columns else list(flat((self.column,)))
        if not along_columns:
            _require(sorted(map(id, summed)) == sorted(map(id, rows)))
        _require(sorted(map(id, rest)) == sorted(map(id, expected)))
        result = [form.labels[d] for d in batch[0]] + (free[0] + free[1] if position == 0 else free[1] + free[0])
        return operand, tuple(result), along_columns

    def product_with(self, op: ir.Operation) -> None:
        """A product of probabilities, or of the scores' cotangent, with another array."""
        known = [operand in self.forms for operand in op.operands]
        _require(known.count(True) == 1)
        position = known.index(True)
        form = self.forms[op.operands[position]]
        _require(isinstance(form, Sum))
        assert isinstance(form, Sum)
        operand, labels, along_columns = self.other_side(op, position, form)
        assert self.final is not None
        if form.is_multiple_of({PROBABILITIES: 1.0}) == 1.0:
            self.require_unmasked(form)
            kind, which = ("result", "value") if along_columns else ("value_cotangent", "cotangent")
        else:
            factor = form.is_multiple_of(SCORE_COTANGENT)
            _require(factor is not None and abs(factor - self.final.scale) <= 1e-5 * self.final.scale)
            _require(form.masked or self.final.fill in (None, -inf))
            kind, which = ("query_cotangent", "key") if along_columns else ("key_cotangent", "query")
        self.match(which, operand)
        self.results.setdefault(kind, []).append((op.results[0], labels))

    def require_unmasked(self, form: Sum) -> None:
        """Setting to 0 what is masked must change nothing, as after masking by -inf."""
        _require(not form.masked or (self.final is not None and self.final.fill in (None, -inf)))

    def match(self, which: str, operand: Operand) -> None:
        """The array has to be the one that plays this part already, if there is one."""
        before = getattr(self, which)
        if before is None:
            setattr(self, which, operand)
        else:
            _require(same(before.value, operand.value) and unify(before.labels, operand.labels))

    def cotangent_product(self, value: ir.Value, labels: Labels) -> Sum | None:
        """The form of the product of the result's cotangent and the values, if the value is that."""
        assert self.column is not None
        source, moved_labels = source_of(value, labels)
        op = defining(source, "dot_general")
        if op is None or self.query is None:
            return None
        batch = len(int_list(op, "lhs_batching_dimensions"))
        position, operands, summed = batch, [], unknown(
            [op.operands[0].type.shape[d] for d in int_list(op, "lhs_contracting_dimensions")]
        )  # fmt: skip
        for name, operand in zip(("lhs", "rhs"), op.operands, strict=True):
            of_batch, steps = (int_list(op, f"{name}_{kind}_dimensions") for kind in ("batching", "contracting"))
            found: list[tuple[Axis, ...]] = [()] * len(operand.type.shape)
            for label, d in [*zip(moved_labels, of_batch, strict=False), *zip(summed, steps, strict=True)]:
                found[d] = label
            for d in range(len(found)):
                if d not in of_batch and d not in steps:
                    found[d] = moved_labels[position]
                    position += 1
            operands.append(Operand(*source_of(operand, tuple(found))))
        has = [has_axis(operand.labels, self.column) for operand in operands]
        if has.count(True) != 1:
            return None
        self.match("value", operands[has.index(True)])
        self.match("cotangent", operands[has.index(False)])
        return Sum(labels, (((0, 1, 0, 0), 1.0),))


# --- operations ----------------------------------------------------------------------------------------------------

_Rule = Callable[[Candidate, ir.Operation], "Form | None"]


def _move(c: Candidate, op: ir.Operation) -> Form:
    form = c.forms[op.operands[0]]
    _require(len(op.operands) == 1)
    labels = forward(op, form.labels)
    _require(labels is not None)
    assert labels is not None
    if op.name == "astra.broadcast" and c.column is not None and not has_axis(form.labels, c.column):
        new = [d for d, label in enumerate(labels) if size_of(label) == c.column.size and not label[0].known]
        if len(new) == 1:  # numbers of rows, for all columns
            unify((labels[new[0]],), ((c.column,),))
    return moved(form, labels)


def _convert(c: Candidate, op: ir.Operation) -> Form:
    _require(str(op.results[0].type.element_type) in FLOATS and not isinstance(c.forms[op.operands[0]], Empty))
    return _move(c, op)


def _both(c: Candidate, op: ir.Operation) -> tuple[Form, Form] | None:
    """The forms of both operands, with their axes made the same; ``None`` where one is not known."""
    known = [operand for operand in op.operands if operand in c.forms]
    if len(known) == 2:
        a, b = (c.forms[operand] for operand in op.operands)
        _require(unify(a.labels, b.labels))
        return a, b
    other = op.operands[1] if op.operands[0] in c.forms else op.operands[0]
    form = c.forms[known[0]]
    if c.rw.splat_of(other) is not None:
        return None
    if isinstance(form, Sum):
        found = c.cotangent_product(other, form.labels)
        _require(found is not None)
        assert found is not None
        return (form, found) if op.operands[0] == known[0] else (found, form)
    return None


def _number(c: Candidate, op: ir.Operation) -> tuple[Form, float | None, ir.Value]:
    """The form of the one operand that has one, and the other operand, as a number where it is one."""
    position = 0 if op.operands[0] in c.forms else 1
    other = op.operands[1 - position]
    splat = c.rw.splat_of(other)
    return c.forms[op.operands[position]], None if splat is None else float(splat), other


def _multiply(c: Candidate, op: ir.Operation) -> Form:
    both = _both(c, op)
    if both is not None:
        a, b = both
        _require(isinstance(a, Sum) and isinstance(b, Sum))
        assert isinstance(a, Sum) and isinstance(b, Sum)
        return a.times(b)
    form, number, _ = _number(c, op)
    _require(number is not None and isinstance(form, Scores | Sum))
    assert number is not None and isinstance(form, Scores | Sum)
    return _got(form.scaled(number))


def _divide(c: Candidate, op: ir.Operation) -> Form:
    both = _both(c, op)
    if both is not None:
        a, b = both
        _require(isinstance(a, Sum) and isinstance(b, Sum))
        assert isinstance(a, Sum) and isinstance(b, Sum)
        return _got(a.over(b))
    form, number, _ = _number(c, op)
    _require(number is not None and isinstance(form, Scores | Sum))
    assert number is not None and isinstance(form, Scores | Sum)
    if op.operands[0] not in c.forms:
        _require(isinstance(form, Sum))
        assert isinstance(form, Sum)
        return _got(Sum(form.labels, (((0, 0, 0, 0), number),)).over(form))
    _require(number != 0)
    return _got(form.scaled(1.0 / number))


def _add(c: Candidate, op: ir.Operation) -> Form:
    both = _both(c, op)
    if both is not None:
        a, b = both
        _require(isinstance(a, Sum) and isinstance(b, Sum))
        assert isinstance(a, Sum) and isinstance(b, Sum)
        return a.plus(b)
    form, number, other = _number(c, op)
    if number == 0.0:
        return form
    _require(isinstance(form, Scores))
    assert isinstance(form, Scores)
    terms = additive_mask(other, form.labels, c.rw)
    if terms is not None:
        return _got(form.masked(terms, -inf))
    return _got(form.biased(*source_of(other, form.labels, broadcasts=True), subtracted=False))


def _subtract(c: Candidate, op: ir.Operation) -> Form:
    both = _both(c, op)
    if both is not None:
        a, b = both
        if isinstance(a, Scores):
            _require(isinstance(b, Peaks) and b.scores.same(a))
            return Shifted(a.labels, c.soft(a))
        _require(isinstance(a, Sum) and isinstance(b, Sum))
        assert isinstance(a, Sum) and isinstance(b, Sum)
        return a.plus(b, -1.0)
    form, number, other = _number(c, op)
    if isinstance(form, Scores) and number is None and op.operands[0] in c.forms:
        return _got(form.biased(*source_of(other, form.labels, broadcasts=True), subtracted=True))
    _require(number == 0.0)
    if op.operands[0] in c.forms:
        return form
    _require(isinstance(form, Sum))
    assert isinstance(form, Sum)
    return form.scaled(-1.0)


def _negate(c: Candidate, op: ir.Operation) -> Form:
    form = c.forms[op.operands[0]]
    _require(isinstance(form, Sum))
    assert isinstance(form, Sum)
    return form.scaled(-1.0)


def _maximum(c: Candidate, op: ir.Operation) -> Form:
    """Of the maxima and -inf, as JAX writes it."""
    form, number, _ = _number(c, op)
    _require(isinstance(form, Peaks) and number == -inf)
    return form


def _exponential(c: Candidate, op: ir.Operation) -> Form:
    form = c.forms[op.operands[0]]
    _require(isinstance(form, Shifted))
    return Sum(form.labels, ((EXPONENTIALS, 1.0),))


def _reduce(c: Candidate, op: ir.Operation) -> Form:
    form, labels = c.reduced(op)
    kind, init = value_of(op, "kind"), c.rw.splat_of(op.operands[1])
    _require(init is not None)
    if kind == "maximum":
        _require(isinstance(form, Scores) and float(init) == -inf)
        assert isinstance(form, Scores)
        return Peaks(labels, form)
    if kind == "and":
        _require(isinstance(form, Empty) and not form.rows and bool(init))
        return Empty(labels, rows=True)
    _require(kind == "add" and isinstance(form, Sum) and float(init) == 0.0)
    assert isinstance(form, Sum)
    c.require_unmasked(form)
    return _got(form.summed(labels))


def _compare(c: Candidate, op: ir.Operation) -> Form:
    form, number, _ = _number(c, op)
    _require(isinstance(form, Scores) and number == -inf and value_of(op, "direction") == "EQ")
    assert isinstance(form, Scores)
    c.soft(form)
    return Empty(form.labels, rows=False)


def _select(c: Candidate, op: ir.Operation) -> Form:
    predicate, *values = op.operands
    if predicate in c.forms:
        empty, form = c.forms[predicate], c.forms.get(values[1])
        _require(isinstance(empty, Empty) and empty.rows and c.rw.splat_of(values[0]) == 0)
        if form is None:  # the cotangent of the same choice
            form = c.cotangent_product(values[1], empty.labels)
        _require(isinstance(form, Sum))
        assert form is not None
        _require(unify(empty.labels, form.labels))
        c.empty_is_zero = True
        return form
    _require(predicate.type.shape == op.results[0].type.shape)
    known = [value in c.forms for value in values]
    _require(known.count(True) == 1)
    form, other = c.forms[values[known.index(True)]], c.rw.splat_of(values[known.index(False)])
    _require(other is not None)
    terms = mask_terms(predicate, form.labels, c.rw, inverted=known[1])
    if isinstance(form, Scores):
        return _got(form.masked(terms, float(other)))
    _require(isinstance(form, Sum) and float(other) == 0.0 and terms is not None and c.final is not None)
    assert isinstance(form, Sum) and terms is not None and c.final is not None
    _require(set(terms) == set(c.final.masks))
    return Sum(form.labels, form.terms, masked=True)


def _dot_general(c: Candidate, op: ir.Operation) -> None:
    c.product_with(op)


_RULES: dict[str, _Rule] = {
    "astra.reshape": _move,
    "astra.transpose": _move,
    "astra.broadcast": _move,
    "astra.optimization_barrier": _move,
    "astra.convert": _convert,
    "astra.multiply": _multiply,
    "astra.divide": _divide,
    "astra.add": _add,
    "astra.subtract": _subtract,
    "astra.negate": _negate,
    "astra.maximum": _maximum,
    "astra.exponential": _exponential,
    "astra.reduce": _reduce,
    "astra.compare": _compare,
    "astra.select": _select,
    "astra.dot_general": _dot_general,
}
