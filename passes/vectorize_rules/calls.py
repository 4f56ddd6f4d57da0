"""Vectorization of calls: the batched form of the function is called, with the custom derivatives it has.

A custom derivative survives: all functions of such a call are vectorized so that they fit together, with the batch in
front of everything that has one.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.transforms import is_inexact
from astra_mlir.passes.custom_batching import batching_rule
from astra_mlir.passes.vectorize_rules.core import SHARED, SUM, Batch, Batcher, refuse, rule
from astra_mlir.passes.vectorize_rules.varying import custom_jvp_results, custom_vjp_results


def _axes(marks: Sequence[bool]) -> list[int]:
    return [0 if mark else SHARED for mark in marks]


def _dims(marks: Sequence[bool]) -> list[int | None]:
    return [0 if mark else None for mark in marks]


def _types(values: Sequence[ir.Value], marks: Sequence[bool], b: Batcher) -> list[ir.Type]:
    return [b.with_batch(v.type, 0) if mark else v.type for v, mark in zip(values, marks, strict=True)]


def _in_front(args: Sequence[Batch], b: Batcher) -> list[ir.Value]:
    return [arg.value if arg.dim is None else b.front(arg) for arg in args]


@rule("func.call", "checkpoint")
def call(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    name = ir.FlatSymbolRefAttr(op.attributes["callee"]).value
    batched = b.function(name, [arg.dim for arg in args])
    types = [
        result.type if dim is None else b.with_batch(result.type, dim)
        for result, dim in zip(op.results, batched.dims, strict=True)
    ]
    new = b.again(op, [arg.value for arg in args], types, callee=ir.FlatSymbolRefAttr.get(batched.name))
    return [Batch(result, dim) for result, dim in zip(new.results, batched.dims, strict=True)]


def _again(
    op: ir.Operation, args: list[Batch], marks: Sequence[bool], symbols: dict[str, str], b: Batcher
) -> list[Batch]:
    references = {key: ir.FlatSymbolRefAttr.get(name) for key, name in symbols.items()}
    new = b.again(op, _in_front(args, b), _types(op.results, marks, b), **references)
    return [Batch(result, dim) for result, dim in zip(new.results, _dims(marks), strict=True)]


@rule("custom_jvp")
def custom_jvp(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Tangents are batched as what they are tangents of, for operands and for results."""
    given = [arg.dim is not None for arg in args]
    found = custom_jvp_results(op, given, b.batched_results)
    inexact = [[mark for mark, value in zip(marks, values, strict=True) if is_inexact(value.type)]
               for marks, values in ((given, op.operands), (found, op.results))]  # fmt: skip
    symbols = {
        "callee": b.function(value_of(op, "callee"), _dims(given), _axes(found)).name,
        "jvp": b.function(value_of(op, "jvp"), _dims([*given, *inexact[0]]), _axes([*found, *inexact[1]])).name,
    }
    return _again(op, args, found, symbols, b)


@rule("custom_vjp")
def custom_vjp(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The cotangent of a shared operand is the sum of what the applications give."""
    given = [arg.dim is not None for arg in args]
    found = custom_vjp_results(op, given, b.batched_results)
    forward, backward = value_of(op, "forward"), value_of(op, "backward")
    residuals = b.batched_results(forward, given)[len(found) :]
    cotangents = [mark for mark, value in zip(found, op.results, strict=True) if is_inexact(value.type)]
    wanted = [0 if mark else SUM for mark, value in zip(given, op.operands, strict=True) if is_inexact(value.type)]
    symbols = {
        "callee": b.function(value_of(op, "callee"), _dims(given), _axes(found)).name,
        "forward": b.function(forward, _dims(given), _axes([*found, *residuals])).name,
        "backward": b.function(backward, _dims([*residuals, *cotangents]), wanted).name,
    }
    return _again(op, args, found, symbols, b)


_SOLVE_FUNCTIONS = ("matvec", "transpose_matvec", "solve", "transpose_solve")


@rule("linear_solve")
def linear_solve(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """The right-hand sides and solutions are batched where any operand is; constants stay as they are."""
    counts = value_of(op, "const_counts")
    total = sum(counts)
    right = [Batch(b.front(arg), 0) for arg in args[total:]]
    symbols, start = {}, 0
    for attribute, count in zip(_SOLVE_FUNCTIONS, counts, strict=True):
        if attribute in op.attributes:
            dims = [None if arg.dim is None else 0 for arg in args[start : start + count]]
            name = value_of(op, attribute)
            symbols[attribute] = b.function(name, [*dims, *[0] * len(right)], [0] * len(right)).name
        start += count
    return _again(op, [*args[:total], *right], [True] * len(right), symbols, b)


@rule("custom_vmap")
def custom_vmap(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """What the program's own rule says, which takes and gives values with the batch in front."""
    key = value_of(op, "rule")
    own_rule = batching_rule(key)
    if own_rule is None:
        refuse(op, f"its batching rule, '{key}', is a function of the process that captured the program; vectorize it "
                   "there")  # fmt: skip
    program, batched = own_rule(b.size, [arg.dim is not None for arg in args])
    values = b.program(program, _in_front(args, b))
    return [Batch(value, dim) for value, dim in zip(values, _dims(batched), strict=True)]
