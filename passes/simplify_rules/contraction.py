"""Simplification rules: transposes into contractions, and reductions of what is repeated or of size 1."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.simplify_rules.core import Replacement, Rewriter, defining, rule

_SIDES = ("lhs", "rhs")


def _dot_attributes(op: ir.Operation) -> dict[str, list[int]]:
    return {
        f"{side}_{what}_dimensions": int_list(op, f"{side}_{what}_dimensions")
        for side in _SIDES
        for what in ("batching", "contracting")
    }


@rule("dot_general")
def dot_of_transpose(op: ir.Operation, rw: Rewriter) -> Replacement:
    """dot_general(transpose(a), b) contracts other dimensions of a, where the free ones keep their order."""
    operands, attributes = list(op.operands), _dot_attributes(op)
    changed = False
    for i, side in enumerate(_SIDES):
        maker = defining(operands[i], "transpose")
        if maker is None:
            continue
        permutation = int_list(maker, "permutation")
        names = (f"{side}_batching_dimensions", f"{side}_contracting_dimensions")
        bound = {d for name in names for d in attributes[name]}
        free = [p for d, p in enumerate(permutation) if d not in bound]
        if free != sorted(free):
            continue
        for name in names:
            attributes[name] = [permutation[d] for d in attributes[name]]
        operands[i] = maker.operands[0]
        changed = True
    if not changed:
        return None
    return rw.build("dot_general", operands, op.results[0].type, precision=value_of(op, "precision"), **attributes)


@rule("transpose")
def transpose_of_dot(op: ir.Operation, rw: Rewriter) -> Replacement:
    """transpose(dot_general(a, b)) = dot_general(b, a) where the free dimensions of a and b trade places."""
    dot = defining(op.operands[0], "dot_general")
    if dot is None or len(list(dot.results[0].uses)) != 1:
        return None
    attributes = _dot_attributes(dot)
    batch = len(attributes["lhs_batching_dimensions"])
    bound = batch + len(attributes["lhs_contracting_dimensions"])
    left, rank = rw.info(dot.operands[0]).rank - bound, rw.info(dot.results[0]).rank
    swapped = [*range(batch), *range(batch + left, rank), *range(batch, batch + left)]
    if int_list(op, "permutation") != swapped:
        return None
    exchanged = {
        name.replace("lhs", "rhs") if name.startswith("lhs") else name.replace("rhs", "lhs"): value
        for name, value in attributes.items()
    }
    return rw.build(
        "dot_general", (dot.operands[1], dot.operands[0]), op.results[0].type,
        precision=value_of(dot, "precision"), **exchanged,
    )  # fmt: skip


# --- reduce --------------------------------------------------------------------------------------------------------

_IDEMPOTENT = ("maximum", "minimum", "and", "or")
_COMBINERS = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")


@rule("reduce")
def reduce_of_transpose(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Reducing a transposed value reduces other dimensions, where the remaining ones keep their order."""
    if len(op.operands) != 2 or value_of(op, "kind") not in _COMBINERS:
        return None
    maker = defining(op.operands[0], "transpose")
    if maker is None:
        return None
    permutation, dimensions = int_list(maker, "permutation"), int_list(op, "dimensions")
    kept = [p for d, p in enumerate(permutation) if d not in dimensions]
    if kept != sorted(kept):
        return None
    return rw.build(
        "reduce", (maker.operands[0], op.operands[1]), op.results[0].type,
        dimensions=sorted(permutation[d] for d in dimensions), kind=value_of(op, "kind"),
    )  # fmt: skip


@rule("reduce")
def reduce_of_ones(op: ir.Operation, rw: Rewriter) -> Replacement:
    """A reduction over dimensions of size 1 combines each element with the initial value once."""
    kind, dimensions = value_of(op, "kind"), int_list(op, "dimensions")
    if len(op.operands) != 2 or kind not in _COMBINERS:
        return None
    operand, init = op.operands
    source, target = rw.info(operand), rw.info(op.results[0])
    if not source.static or not target.static:
        return None
    if all(source.shape[d] == 1 for d in dimensions):
        spread = rw.build("broadcast", (init,), target.type, dimensions=()) if target.rank else init
        return rw.build(kind, (rw.reshape(operand, target.shape), spread), target.type)
    ones = [d for d in dimensions if source.shape[d] == 1]
    if not ones:
        return None
    rest = [d for d in dimensions if d not in ones]
    shape = [n for d, n in enumerate(source.shape) if d not in ones]
    renumbered = [d - sum(one < d for one in ones) for d in rest]
    return rw.build("reduce", (rw.reshape(operand, shape), init), target.type, dimensions=renumbered, kind=kind)


@rule("reduce")
def reduce_of_broadcast(op: ir.Operation, rw: Rewriter) -> Replacement:
    """Reducing repeated elements: the maximum of equal numbers is that number, a sum of integers their multiple."""
    kind, dimensions = value_of(op, "kind"), int_list(op, "dimensions")
    if len(op.operands) != 2:
        return None
    operand, init = op.operands
    maker = defining(operand, "broadcast")
    target, repeated = rw.info(op.results[0]), rw.info(operand)
    if maker is None or len(maker.operands) != 1 or not target.static or not repeated.size:
        return None
    source, spread = rw.info(maker.operands[0]), int_list(maker, "dimensions")
    if any(d in dimensions for d in spread):
        return None
    count = 1
    for d in dimensions:
        count *= repeated.shape[d]
    if kind not in _IDEMPOTENT and not (kind == "add" and source.kind in "iu"):
        return None
    renumbered = [d - sum(r < d for r in dimensions) for d in spread]
    value = maker.operands[0]
    if (source.shape, renumbered) != (target.shape, list(range(target.rank))):
        value = rw.build("broadcast", (value,), target.type, dimensions=renumbered)
    if kind == "add":
        value = rw.build("multiply", (value, rw.splat(count, target.type)), target.type)
    start = rw.build("broadcast", (init,), target.type, dimensions=()) if target.rank else init
    return rw.build(kind, (value, start), target.type)
