"""Simplification rules that round differently, and closer: the logistic function under another name."""

from __future__ import annotations

import math

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, defining, rule

__all__ = ["softplus_derivative_as_logistic", "tanh_as_logistic"]


def _argument_of_raised_tanh(value: ir.Value, rw: Rewriter) -> ir.Value | None:
    """u where the value is ``tanh(u) + 1`` and nothing else needs the two."""
    add = defining(value, "add")
    if add is None or rw.info(value).kind != "f" or rw.splat_of(add.operands[1]) != 1:
        return None
    tanh = defining(add.operands[0], "tanh")
    if tanh is None or any(len(list(op.results[0].uses)) != 1 for op in (add, tanh)):
        return None
    return tanh.operands[0]


@rule("multiply")
def tanh_as_logistic(op: ir.Operation, rw: Rewriter) -> Replacement:
    """(tanh(u) + 1) * 0.5 = logistic(2 u), and the same with y * 0.5 in place of 0.5.

    One exponential and a division without the cancellation of ``tanh(u) + 1``: for u < 0 the result has all its digits.
    The Gaussian error linear unit of transformers is written this way.
    """
    for raised, half in (op.operands, reversed(op.operands)):
        argument = _argument_of_raised_tanh(raised, rw)
        if argument is None:
            continue
        scaled = None
        if rw.splat_of(half) != 0.5:
            scaled = defining(half, "multiply")
            if scaled is None or rw.splat_of(scaled.operands[1]) != 0.5:
                continue
        type = op.results[0].type
        logistic = rw.build("logistic", (rw.build("add", (argument, argument), type),), type)
        return logistic if scaled is None else rw.build("multiply", (scaled.operands[0], logistic), type)
    return None


def _bare(value: ir.Value, rw: Rewriter) -> ir.Value:
    """What a value is up to its sign: through negations, magnitudes, and zeros that are added or subtracted from."""
    while True:
        if (op := defining(value, "negate") or defining(value, "abs")) is not None:
            value = op.operands[0]
        elif (op := defining(value, "add") or defining(value, "subtract")) is not None:
            others = [x for x in op.operands if rw.splat_of(x) != 0]
            if len(others) != 1:
                return value
            value = others[0]
        else:
            return value


def _compared(value: ir.Value, direction: str) -> list[ir.Value] | None:
    compare = defining(value, "compare")
    return list(compare.operands) if compare is not None and value_of(compare, "direction") == direction else None


def _where_finite(value: ir.Value, rw: Rewriter) -> ir.Value | None:
    """y where the value is ``y``, but 0 where ``y`` is plus infinity."""
    select = defining(value, "select")
    if select is None or rw.splat_of(select.operands[1]) != 0:
        return None
    sides = _compared(select.operands[0], "EQ")
    kept = select.operands[2]
    return kept if sides is not None and sides[0] == kept and rw.splat_of(sides[1]) == math.inf else None


def _is_softplus(value: ir.Value, x: ir.Value, rw: Rewriter) -> bool:
    """Whether the value is ``log(1 + exp(x))`` as JAX writes it: max(x, 0) + log1p(exp(-|x|)), NaN chosen apart."""
    bare = _bare(x, rw)
    select = defining(value, "select")
    if select is None:
        return False
    sides = _compared(select.operands[0], "NE")
    if sides is None or sides[0] != sides[1] or any(_bare(y, rw) != bare for y in (sides[0], select.operands[1])):
        return False
    add = defining(select.operands[2], "add")
    for largest, rest in (add.operands, reversed(add.operands)) if add is not None else ():
        maximum, logarithm = defining(largest, "maximum"), defining(rest, "log_plus_one")
        exponential = None if logarithm is None else defining(logarithm.operands[0], "exponential")
        negate = None if exponential is None else defining(exponential.operands[0], "negate")
        size = None if negate is None else defining(negate.operands[0], "abs")
        if maximum is None or size is None or _bare(size.operands[0], rw) != bare:
            continue
        return any(y == x and rw.splat_of(zero) == 0 for y, zero in (maximum.operands, reversed(maximum.operands)))
    return False


@rule("exponential")
def softplus_derivative_as_logistic(op: ir.Operation, rw: Rewriter) -> Replacement:
    """exp(x - softplus(x)) = logistic(x), with 0 in place of infinite ones: what JAX differentiates ``logaddexp`` to.

    One exponential and a division in place of two exponentials and a logarithm.  ``softplus``, ``log_sigmoid`` and the
    cross-entropy of logits have this derivative.
    """
    subtract = defining(op.operands[0], "subtract")
    if subtract is None or rw.info(op.results[0]).kind != "f":
        return None
    x, softplus = (_where_finite(operand, rw) for operand in subtract.operands)
    if x is None or softplus is None or not _is_softplus(softplus, x, rw):
        return None
    return rw.build("logistic", (x,), op.results[0].type)
