"""Bounds of integer values, from loop indices, iota, constants and arithmetic that cannot wrap.

JAX wraps every index into ``select(i < 0, i + n, i)``; with bounds such comparisons are decided at compile time.
"""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, TensorInfo, rule

__all__ = ["bounds"]

Bounds = tuple[int, int]  # both inclusive

_DEPTH = 8
_SAME = ("broadcast", "reshape", "transpose", "slice", "reverse", "dynamic_slice")


def _representable(info: TensorInfo) -> Bounds:
    if info.kind == "i":
        return -(2 ** (info.width - 1)), 2 ** (info.width - 1) - 1
    return 0, 2**info.width - 1


def bounds(value: ir.Value, rw: Rewriter, depth: int = _DEPTH) -> Bounds | None:
    """The smallest and largest value that an element of an integer tensor can have; ``None`` where nothing is known."""
    info = rw.info(value)
    if info.kind not in "biu" or depth == 0:
        return None
    owner = value.owner
    if isinstance(owner, ir.Block):
        return _argument_bounds(value, owner)
    op = owner.operation
    if not op.name.startswith("astra."):
        return None
    found = _of_operation(op, op.name[6:], rw, depth - 1)
    if found is None:
        return None
    lowest, highest = _representable(info)
    return found if lowest <= found[0] and found[1] <= highest else None  # it may wrap


def _argument_bounds(value: ir.Value, block: ir.Block) -> Bounds | None:
    owner = block.owner.operation
    if owner.name == "astra.scan" and ir.BlockArgument(value).arg_number == 0:
        return 0, max(value_of(owner, "trip_count") - 1, 0)
    return None


def _of_operation(op: ir.Operation, name: str, rw: Rewriter, depth: int) -> Bounds | None:
    if name == "constant":
        array = rw.array(op.results[0])
        return None if array is None else (int(array.min()), int(array.max()))
    if name == "iota":
        size = rw.info(op.results[0]).shape[value_of(op, "dimension")]
        return (0, max(size - 1, 0)) if size >= 0 else None
    operands = op.operands
    if name in _SAME:
        return bounds(operands[0], rw, depth)
    if name == "convert":
        found = bounds(operands[0], rw, depth)
        if found is None and rw.info(operands[0]).kind in "biu":
            return _representable(rw.info(operands[0]))
        return found
    if name == "concatenate":
        parts = [bounds(v, rw, depth) for v in operands]
        known = [p for p in parts if p is not None]
        return _union(known) if len(known) == len(parts) else None
    if name == "select":
        a, b = bounds(operands[1], rw, depth), bounds(operands[2], rw, depth)
        return None if a is None or b is None else _union([a, b])
    if name == "clamp":
        low, high = bounds(operands[0], rw, depth), bounds(operands[2], rw, depth)
        return (low[0], max(low[1], high[1])) if low is not None and high is not None and low[0] <= high[0] else None
    if name in ("minimum", "maximum", "and", "remainder", "add", "subtract", "multiply"):
        return _binary(name, bounds(operands[0], rw, depth), bounds(operands[1], rw, depth))
    return None


def _union(parts: list[Bounds]) -> Bounds:
    return min(p[0] for p in parts), max(p[1] for p in parts)


def _binary(name: str, a: Bounds | None, b: Bounds | None) -> Bounds | None:
    if name == "and" and b is not None and b[0] >= 0:
        return 0, b[1] if a is None or a[0] < 0 else min(a[1], b[1])
    if a is None or b is None:
        return None
    if name == "minimum":
        return min(a[0], b[0]), min(a[1], b[1])
    if name == "maximum":
        return max(a[0], b[0]), max(a[1], b[1])
    if name == "add":
        return a[0] + b[0], a[1] + b[1]
    if name == "subtract":
        return a[0] - b[1], a[1] - b[0]
    if name == "multiply":
        products = [x * y for x in a for y in b]
        return min(products), max(products)
    if name == "remainder" and b[0] > 0 and a[0] >= 0:
        return 0, min(a[1], b[1] - 1)
    return None


# direction -> what decides that it always holds, what decides that it never does
_DECIDED = {
    "LT": (lambda a, b: a[1] < b[0], lambda a, b: a[0] >= b[1]),
    "LE": (lambda a, b: a[1] <= b[0], lambda a, b: a[0] > b[1]),
    "GT": (lambda a, b: a[0] > b[1], lambda a, b: a[1] <= b[0]),
    "GE": (lambda a, b: a[0] >= b[1], lambda a, b: a[1] < b[0]),
    "EQ": (lambda a, b: a[0] == a[1] == b[0] == b[1], lambda a, b: a[1] < b[0] or b[1] < a[0]),
    "NE": (lambda a, b: a[1] < b[0] or b[1] < a[0], lambda a, b: a[0] == a[1] == b[0] == b[1]),
}


@rule("compare")
def decided_compare(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A comparison of integers whose bounds decide it is a constant."""
    lhs, rhs = op.operands
    info = rw.info(op.results[0])
    if rw.info(lhs).kind not in "iu" or not info.static or rw.attribute(rhs) is None:
        return None
    b = bounds(rhs, rw)
    a = bounds(lhs, rw) or _representable(rw.info(lhs))
    if b is None:
        return None
    always, never = _DECIDED[value_of(op, "direction")]
    if always(a, b):
        return rw.splat(True, info.type)
    return rw.splat(False, info.type) if never(a, b) else None


@rule("clamp", "minimum", "maximum")
def decided_limit(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A limit that an integer cannot pass is left out."""
    name, operands = op.name[6:], op.operands
    value = operands[1] if name == "clamp" else operands[0]
    if rw.info(value).kind not in "iu":
        return None
    found = bounds(value, rw)
    if found is None:
        return None
    if name != "clamp":
        limit = bounds(operands[1], rw)
        if limit is None:
            return None
        inside = found[1] <= limit[0] if name == "minimum" else found[0] >= limit[1]
        return value if inside else None
    low, high = bounds(operands[0], rw), bounds(operands[2], rw)
    if low is None or high is None:
        return None
    return value if found[0] >= low[1] and found[1] <= high[0] else None
