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


class Varying:
    """Marks the values of functions that differ between applications (of functions, given which arguments do)."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self._functions: dict[tuple[str, tuple[bool, ...]], list[bool]] = {}

    def function(self, name: str, batched: Sequence[bool]) -> list[bool]:
        """Which results of a function differ, given which arguments do.

        The derivative rule of a function may use the function with that rule, so this is a fixpoint too.
        """
        key = (name, tuple(batched))
        if key in self._functions:
            return self._functions[key]
        function = self.lookup(name)
        results = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).results
        self._functions[key] = [False] * len(results)
        while True:
            known = set(self._functions)
            found = self._results(function, batched)
            if found == self._functions[key]:
                return found
            for other in set(self._functions) - known:  # which may rest on what was thought of this one
                del self._functions[other]
            self._functions[key] = found

    def _results(self, function: ir.Operation, batched: Sequence[bool]) -> list[bool]:
        blocks = list(function.regions[0].blocks)
        if not blocks:
            return [any(batched)] * len(
                ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).results
            )
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
    return [
        mark or derived[i] or (is_inexact(result.type) and next(of_tangents))
        for i, (mark, result) in enumerate(zip(found, op.results, strict=True))
    ]


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
