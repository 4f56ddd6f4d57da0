"""Which values are worth a place in memory although an elementwise fusion could compute them where they are read.

Upstream's elementwise fusion moves a producer with one use into its consumer however often the consumer reads each
element.  An ``astra.optimization_barrier`` between the two, which bufferization forwards, keeps expensive producers
out of loops that would repeat them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.bindings import ir

__all__ = ["is_work", "repeats"]

# Everything else in a body counts as expensive: divisions, roots, transcendental functions.
_FREE = frozenset({"linalg.yield", "linalg.index", "arith.constant", "arith.index_cast", "arith.bitcast"})
_CHEAP = frozenset(
    {f"arith.{name}" for name in (
        "addf", "subf", "mulf", "negf", "maximumf", "minimumf", "cmpf", "addi", "subi", "muli", "andi", "ori", "xori",
        "maxsi", "minsi", "maxui", "minui", "cmpi", "shli", "shrsi", "shrui", "select", "extf", "truncf", "extsi",
        "extui", "trunci", "sitofp", "uitofp", "fptosi", "fptoui",
    )}
    | {"math.absf", "math.absi", "math.copysign", "math.ceil", "math.floor", "math.roundeven", "tensor.extract"}
    | {"complex.re", "complex.im", "complex.create"}
)  # fmt: skip
_EXPENSIVE = 20  # in units of a cheap operation
_VIEWS = frozenset({"tensor.collapse_shape", "tensor.expand_shape"})


def is_work(value: ir.Value, allowed: int) -> bool:
    """Whether an element of ``value`` costs more than ``allowed`` cheap operations to compute again.

    Counted are all elementwise operations that fusion could chain up, each at least once, which bounds the search.
    """
    return _left(value, allowed) < 0


def _left(value: ir.Value, budget: int) -> int:
    """What is left of a budget of cheap operations, negative when it does not suffice."""
    if not isinstance(value, ir.OpResult):
        return budget
    op = value.owner.operation
    if op.name in _VIEWS:
        return _left(op.operands[0], budget)
    if op.name != "linalg.generic" or "reduction" in str(op.attributes["iterator_types"]):
        return budget
    names = [inner.operation.name for inner in op.regions[0].blocks[0].operations]
    budget -= max(1, sum(0 if name in _FREE else 1 if name in _CHEAP else _EXPENSIVE for name in names))
    inputs = op.attributes["operandSegmentSizes"][0]
    for operand in list(op.operands)[:inputs]:
        if budget < 0:
            break
        budget = _left(operand, budget)
    return budget


def repeats(shape: Sequence[int], loops_read: set[int], sizes: Sequence[int]) -> bool:
    """Whether loops read elements of ``shape`` several times, and not merely in their innermost loops.

    What only inner loops repeat is invariant in them and computed once in front of them.
    """
    if prod(sizes) < 2 * prod(shape):
        return False
    innermost = max(loops_read, default=-1)
    missing = any(size > 1 and i not in loops_read for i, size in enumerate(sizes[:innermost]))
    overlapping = prod(sizes[i] for i in loops_read) >= 2 * prod(shape)
    return missing or overlapping
