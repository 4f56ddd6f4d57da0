"""Simplification rules that round differently, and closer: the logistic function under another name."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, defining, rule

__all__ = ["tanh_as_logistic"]


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
