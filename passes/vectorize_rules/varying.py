"""Which values differ between applications: what must be known of a loop before it is built.

A result differs where an operand, or a value that a region uses from outside, does; for control flow and calls the
table says which of their results do.  Marks are only ever added, so carried values reach a fixpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.transforms import is_inexact
from astra_mlir.passes.simplify_rules.loops import Scan, While, only_block, used_values

__all__ = ["Varying", "custom_jvp_results", "custom_vjp_results"]

Lookup = Callable[[str], ir.Operation]
_Question = tuple[str, tuple[bool, ...]]  # a function, and which of its arguments differ


class Varying:
    """Marks the values of functions that differ between applications (of functions, given which arguments do).

    The derivative rule of a function may use the function with that rule, and so may several functions each other's
    (the Bessel functions do).  So what is asked of all functions is one system of equations, solved from "nothing
    differs" upwards: where an answer grows, whatever used it is asked again.  Answers only grow, so this ends.
    """

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self._answers: dict[_Question, list[bool]] = {}
        self._askers: dict[_Question, dict[_Question, None]] = {}  # whose answers rest on this one
        self._open: dict[_Question, None] = {}  # to be answered, or answered again; the last first
        self._current: _Question | None = None  # the one that is being answered

    def function(self, name: str, batched: Sequence[bool]) -> list[bool]:
        """Which results of a function differ, given which arguments do.

        Asked while another function is walked, it says what is known by then; that function is walked again for more.
        """
        question = (name, tuple(batched))
        if question not in self._answers:
            self._answers[question] = [False] * len(_function_type(self.lookup(name)).results)
            self._askers[question] = {}
            if any(batched):  # a function uses no values from outside
                self._open[question] = None
        if self._current is None:
            self._solve()
        else:
            self._askers[question][self._current] = None
        return self._answers[question]

    def _solve(self) -> None:
        while self._open:
            question = next(reversed(self._open))
            self._current = question
            try:
                found = self._results(self.lookup(question[0]), question[1])
            finally:
                self._current = None
            del self._open[question]
            if found != self._answers[question]:
                self._answers[question] = found
                self._open.update(self._askers[question])

    def _results(self, function: ir.Operation, batched: Sequence[bool]) -> list[bool]:
        blocks = list(function.regions[0].blocks)
        if not blocks:
            return [any(batched)] * len(_function_type(function).results)
        marked = {argument for argument, mark in zip(blocks[0].arguments, batched, strict=True) if mark}
        self.block(blocks[0], marked)
        end = blocks[0].operations[len(blocks[0].operations) - 1]
        return [value in marked for value in end.operands]

    def block(self, block: ir.Block, marked: set[ir.Value]) -> None:
        """Add to ``marked`` the values of a block, and of regions in it, that differ."""
        for view in block.operations:
            op = view.operation
            special = _SPECIAL.get(op.name)
            if special is not None:
                special(op, marked, self)
            elif op.name not in _SHARED_RESULTS and any(value in marked for value in used_values(op)):
                marked.update(op.results)


def _function_type(function: ir.Operation) -> ir.FunctionType:
    return ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)


_SHARED_RESULTS = ("astra.get_dimension_size",)


def _mark(values: Iterable[ir.Value], marks: Iterable[bool], marked: set[ir.Value]) -> bool:
    """Mark some values; whether any was new."""
    new = [value for value, mark in zip(values, marks, strict=True) if mark and value not in marked]
    marked.update(new)
    return bool(new)


def _scan(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    parts = Scan.of(op)
    _mark(parts.carries, [value in marked for value in parts.inits], marked)
    _mark(parts.slices, [value in marked for value in parts.xs], marked)
    varying.block(parts.body, marked)
    while _mark(parts.carries, [value in marked for value in parts.yields], marked):
        varying.block(parts.body, marked)
    _mark(op.results, [value in marked for value in (*parts.carries, *parts.elements)], marked)


def _while(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    parts = While.of(op)
    arguments, conditions = list(parts.body.arguments), list(parts.condition.arguments)
    _mark(arguments, [value in marked for value in parts.inits], marked)
    changed = True
    while changed:
        _mark(conditions, [value in marked for value in arguments], marked)
        varying.block(parts.condition, marked)
        varying.block(parts.body, marked)
        # Where applications end at different times, what they carry differs.
        all_differ = parts.predicate in marked
        changed = _mark(arguments, [all_differ or value in marked for value in parts.yields], marked)
    _mark(op.results, [value in marked for value in arguments], marked)


def _if(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    all_differ = op.operands[0] in marked
    for region in op.regions:
        block = only_block(region)
        varying.block(block, marked)
        end = block.operations[len(block.operations) - 1]
        _mark(op.results, [all_differ or value in marked for value in end.operands], marked)


def _barrier(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    del varying
    _mark(op.results, [value in marked for value in op.operands], marked)


# --- calls -----------------------------------------------------------------------------------------------------------


def _operand_marks(op: ir.Operation, marked: set[ir.Value]) -> list[bool]:
    return [value in marked for value in op.operands]


def _call(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    name = ir.FlatSymbolRefAttr(op.attributes["callee"]).value
    _mark(op.results, varying.function(name, _operand_marks(op, marked)), marked)


def custom_jvp_results(op: ir.Operation, marks: Sequence[bool], results: Callable[..., list[bool]]) -> list[bool]:
    """A result differs where it, its value in ``jvp`` or its tangent does."""
    found = results(value_of(op, "callee"), marks)
    tangents = [mark for mark, value in zip(marks, op.operands, strict=True) if is_inexact(value.type)]
    derived = results(value_of(op, "jvp"), [*marks, *tangents])
    of_tangents = iter(derived[len(found) :])
    by_tangent = [is_inexact(result.type) and next(of_tangents) for result in op.results]
    return [any(marks) for marks in zip(found, derived[: len(found)], by_tangent, strict=True)]


def custom_vjp_results(op: ir.Operation, marks: Sequence[bool], results: Callable[..., list[bool]]) -> list[bool]:
    """A result differs where it or its value in ``forward`` does."""
    found = results(value_of(op, "callee"), marks)
    return [x or y for x, y in zip(found, results(value_of(op, "forward"), marks), strict=False)]


def _custom_jvp(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    _mark(op.results, custom_jvp_results(op, _operand_marks(op, marked), varying.function), marked)


def _custom_vjp(op: ir.Operation, marked: set[ir.Value], varying: Varying) -> None:
    _mark(op.results, custom_vjp_results(op, _operand_marks(op, marked), varying.function), marked)


_SPECIAL: dict[str, Callable[[ir.Operation, set[ir.Value], Varying], None]] = {
    "astra.scan": _scan,
    "astra.while": _while,
    "astra.if": _if,
    "astra.optimization_barrier": _barrier,
    "func.call": _call,
    "astra.checkpoint": _call,
    "astra.custom_jvp": _custom_jvp,
    "astra.custom_vjp": _custom_vjp,
}
