"""Derivatives of calls that carry rules of their own (``dialects/transforms.py``).

Where the rule of the program says what the derivative is, its functions are copied in place of the call; the derivative
of higher order is then that of what these functions compute, as in JAX.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.transforms import is_inexact
from astra_mlir.passes.autodiff_rules.core import Emitter, refuse, structured_jvp, structured_vjp, zero
from astra_mlir.passes.autodiff_rules.engine import Forward, Reverse, varied_values
from astra_mlir.passes.inline import copy_body
from astra_mlir.passes.traversal import replace_operation

MaybeValue = ir.Value | None
Contributions = Sequence[tuple[ir.Value, MaybeValue]]

zero("declared to be a constant", "stop_gradient")


def _inexact(values: Sequence[ir.Value]) -> list[ir.Value]:
    return [value for value in values if is_inexact(value.type)]


def _copy_before(
    engine: Forward | Reverse, op: ir.Operation, function: str, operands: Sequence[ir.Value]
) -> tuple[list[ir.Operation], list[ir.Value]]:
    return copy_body(engine.functions.body(function), operands, ir.InsertionPoint(op), op.location)


def _required(cotangents: Sequence[MaybeValue], values: Sequence[ir.Value], b: Emitter) -> list[ir.Value]:
    """A cotangent for each float or complex value, zeros made."""
    return [
        b.zeros(value.type) if c is None else c
        for c, value in zip(cotangents, values, strict=True)
        if is_inexact(value.type)
    ]


def _refuse_nondifferentiable(op: ir.Operation, active: Container[ir.Value]) -> None:
    """Refuse the derivative by an operand that has none, for the reason that the rule's author gave."""
    for i in value_of(op, "nondifferentiable", ()):
        if op.operands[i] in active:
            refuse(op, f"@{value_of(op, 'callee')} has no derivative by operand {i}: {value_of(op, 'reason')}")


def _through_callee(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    """Reverse mode of what a call computes, whose operations take its place."""
    operations, found = _copy_before(engine, op, value_of(op, "callee"), list(op.operands))
    engine.varied.difference_update(op.results)
    replace_operation(op, found)
    varied_values(operations, engine.varied, engine.varied)
    seeds: dict[ir.Value, ir.Value] = {}
    for value, c in zip(found, cotangents, strict=True):
        engine.accumulate(seeds, value, c)
    engine.run(operations, seeds)
    return list(seeds.items())


# --- custom_jvp ------------------------------------------------------------------------------------------------------


@structured_jvp("custom_jvp")
def _custom_jvp_jvp(op: ir.Operation, engine: Forward) -> None:
    _refuse_nondifferentiable(op, engine.tangents)
    operands = list(op.operands)
    tangents = [engine.tangent(x) for x in _inexact(operands)]
    ip, location = engine.b.place
    _, found = copy_body(
        engine.functions.body(value_of(op, "jvp")), [*operands, *tangents], ip, location
    )  # fmt: skip
    count = len(op.results)
    replace_operation(op, found[:count])
    engine.tangents.update(zip(_inexact(found[:count]), found[count:], strict=True))


@structured_vjp("custom_jvp")
def _custom_jvp_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    """The transpose of the rule, which is linear in the tangents: its reverse mode at tangents of zero.

    Where a rule applies an operation with a rule to tangents (that of a linear function, perhaps the same one), it is
    the function itself that is transposed, as in JAX: the tangent of a linear function is the function again.
    """
    if engine.transposing:
        return _through_callee(op, cotangents, engine)
    _refuse_nondifferentiable(op, engine.varied)
    b, operands = engine.b, list(op.operands)
    place = b.place
    b.before(op)
    separate = [b.zeros(x.type) for x in _inexact(operands)]
    operations, found = _copy_before(engine, op, value_of(op, "jvp"), [*operands, *separate])
    count = len(op.results)
    given = [c for c, result in zip(cotangents, op.results, strict=True) if is_inexact(result.type)]
    engine.varied.difference_update(op.results)
    replace_operation(op, found[:count])
    b.return_to(place)
    needed = {t for x, t in zip(_inexact(operands), separate, strict=True) if x in engine.varied}
    inner = Reverse(engine.functions, engine.policy, b, set(needed), transposing=True)
    varied_values(operations, inner.varied)
    seeds: dict[ir.Value, ir.Value] = {}
    for value, c in zip(found[count:], given, strict=True):
        inner.accumulate(seeds, value, c)
    inner.run(operations, seeds)
    return [(x, seeds.get(t)) for x, t in zip(_inexact(operands), separate, strict=True)]


# --- custom_vjp ------------------------------------------------------------------------------------------------------


@structured_jvp("custom_vjp")
def _custom_vjp_jvp(op: ir.Operation, engine: Forward) -> None:
    refuse(
        op,
        f"@{value_of(op, 'callee')} has a custom rule for reverse mode only (custom_vjp), so forward mode has none; "
        "use reverse mode, or give it a custom_jvp rule",
    )


@structured_vjp("custom_vjp")
def _custom_vjp_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    _refuse_nondifferentiable(op, engine.varied)
    operands, backward = list(op.operands), value_of(op, "backward")
    _, found = _copy_before(engine, op, value_of(op, "forward"), operands)
    count = len(op.results)
    given = _required(cotangents, list(op.results), engine.b)
    engine.varied.difference_update(op.results)
    replace_operation(op, found[:count])
    _, result = engine.copy(backward, [*found[count:], *given])
    return list(zip(_inexact(operands), result, strict=True))


# --- checkpoint ------------------------------------------------------------------------------------------------------


@structured_jvp("checkpoint")
def _checkpoint_jvp(op: ir.Operation, engine: Forward) -> None:
    """A checkpoint of the derived function, so that reverse mode of forward mode keeps nothing either."""
    b, operands = engine.b, list(op.operands)
    argnums = [i for i, x in enumerate(operands) if x in engine.tangents]
    callee = engine.functions.derived("jvp", value_of(op, "callee"), argnums=tuple(argnums))
    types = [result.type for result in op.results]
    tangent_types = [type for type in types if is_inexact(type)]
    new = b.op(
        "checkpoint", [*operands, *(engine.tangents[operands[i]] for i in argnums)], [*types, *tangent_types],
        callee=callee, policy=value_of(op, "policy"),
    )  # fmt: skip
    results = list(new.results)
    replace_operation(op, results[: len(types)])
    engine.tangents.update(zip(_inexact(results[: len(types)]), results[len(types) :], strict=True))


# Operations whose results a policy keeps.
_DOTS = ("astra.dot_general", "astra.convolution")


def _kept_by(policy: str, op: ir.Operation) -> bool:
    if policy == "dots":
        return op.name in _DOTS
    return policy == "dots_with_no_batch_dims" and (
        op.name == "astra.convolution"
        or (op.name == "astra.dot_general" and not value_of(op, "lhs_batching_dimensions"))
    )


@structured_vjp("checkpoint")
def _checkpoint_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    """Run the callee once more, behind a barrier that keeps passes from merging both runs, and go back through it.

    With a policy that keeps something the first run stands in place of the call, and the second uses what is kept.
    """
    b, operands = engine.b, list(op.operands)
    callee, policy = value_of(op, "callee"), value_of(op, "policy", "nothing")
    results = list(op.results)
    first: list[ir.Operation] = []
    if policy != "nothing":
        first, replaced = _copy_before(engine, op, callee, operands)
        engine.varied.difference_update(results)
        replace_operation(op, replaced)
        if policy == "everything":
            return _back_through(first, [(x, x) for x in dict.fromkeys(operands)], replaced, cotangents, engine)
    given = [c for c in cotangents if c is not None]
    kept = [i for i, one in enumerate(first) if _kept_by(policy, one)]
    guarded = [*operands, *given, *(first[i].results[0] for i in kept)]
    barrier = list(b.op("optimization_barrier", guarded, [x.type for x in guarded]).results)
    after, rest = barrier[: len(operands)], iter(barrier[len(operands) :])
    again, found = engine.copy(callee, after)
    repeated = [again[i] for i in kept]
    seeds = [None if c is None else next(rest) for c in cotangents]
    contributions = _back_through(again, list(zip(operands, after, strict=True)), found, seeds, engine)
    for op_again, value in zip(repeated, rest, strict=True):
        op_again.results[0].replace_all_uses_with(value)
        op_again.erase()
    return contributions


def _back_through(
    operations: list[ir.Operation], arguments: Sequence[tuple[ir.Value, ir.Value]], results: Sequence[ir.Value],
    cotangents: Sequence[MaybeValue], engine: Reverse,
) -> Contributions:  # fmt: skip
    """Reverse mode of operations whose arguments (second) stand for the operands of a call (first).

    A call may have one operand several times; each of its arguments has a cotangent of its own.
    """
    varied = {new for old, new in arguments if old in engine.varied}
    inner = Reverse(engine.functions, engine.policy, engine.b, varied, engine.transposing)
    varied_values(operations, inner.varied)
    seeds: dict[ir.Value, ir.Value] = {}
    for value, c in zip(results, cotangents, strict=True):
        inner.accumulate(seeds, value, c)
    inner.run(operations, seeds)
    return [(old, seeds.get(new)) for old, new in arguments]


# --- custom_vmap -----------------------------------------------------------------------------------------------------


@structured_jvp("custom_vmap")
def _custom_vmap_jvp(op: ir.Operation, engine: Forward) -> None:
    operations, found = _copy_before(engine, op, value_of(op, "callee"), list(op.operands))
    replace_operation(op, found)
    engine.operations(operations)


@structured_vjp("custom_vmap")
def _custom_vmap_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    return _through_callee(op, cotangents, engine)


# --- linear_solve ----------------------------------------------------------------------------------------------------


class _Solve:
    """The parts of an ``astra.linear_solve``: constants by function, and the right-hand side."""

    def __init__(self, op: ir.Operation) -> None:
        values, counts = list(op.operands), value_of(op, "const_counts")
        self.counts = list(counts)
        self.constants: list[list[ir.Value]] = []
        start = 0
        for count in counts:
            self.constants.append(values[start : start + count])
            start += count
        self.right = values[start:]


@structured_jvp("linear_solve")
def _linear_solve_jvp(op: ir.Operation, engine: Forward) -> None:
    """A x = b gives A dx = db - dA x (implicit differentiation)."""
    b, parts = engine.b, _Solve(op)
    x = list(op.results)
    right = [engine.tangents.get(value) for value in parts.right]
    matrix = parts.constants[0]
    varied = [i for i, value in enumerate(matrix) if value in engine.tangents]
    if varied:
        callee = engine.functions.derived("jvp", value_of(op, "matvec"), argnums=tuple(varied))
        operands = [*matrix, *x, *(engine.tangents[matrix[i]] for i in varied)]
        _, found = copy_body(engine.functions.body(callee), operands, *b.place)
        right = [
            b.f("subtract", b.zeros(t.type) if r is None else r, t) for r, t in zip(right, found[len(x) :], strict=True)
        ]
    if all(r is None for r in right):
        return
    values = [*list(op.operands)[: sum(parts.counts)], *_required(right, parts.right, b)]
    attributes = dict(op.attributes.items())
    new = b.op("linear_solve", values, [value.type for value in parts.right], **attributes)
    engine.tangents.update(zip(x, new.results, strict=True))


@structured_vjp("linear_solve")
def _linear_solve_vjp(op: ir.Operation, cotangents: Sequence[MaybeValue], engine: Reverse) -> Contributions:
    """With A^T w = c the cotangent of b is w, and that of the constants of A is -(d(A x))^T w."""
    b, parts = engine.b, _Solve(op)
    if "transpose_solve" not in op.attributes:
        refuse(op, "reverse mode needs a solver of the transposed system; give transpose_solve, or symmetric=True")
    of_matrix, of_transpose, of_solve, of_transpose_solve = parts.constants
    has_transpose = "transpose_matvec" in op.attributes
    c = _required(cotangents, list(op.results), b)
    values = [*of_transpose, *of_matrix, *of_transpose_solve, *of_solve, *c]
    transposed = b.op(
        "linear_solve", values, [value.type for value in c],
        matvec=value_of(op, "transpose_matvec") if has_transpose else value_of(op, "matvec"),
        transpose_matvec=value_of(op, "matvec") if has_transpose else None,
        solve=value_of(op, "transpose_solve"), transpose_solve=value_of(op, "solve"),
        const_counts=[len(of_transpose), len(of_matrix), len(of_transpose_solve), len(of_solve)],
    )  # fmt: skip
    w = list(transposed.results)
    found: list[tuple[ir.Value, MaybeValue]] = list(zip(parts.right, w, strict=True))
    varied = [i for i, value in enumerate(of_matrix) if value in engine.varied]
    if varied:
        callee = engine.functions.derived("vjp", value_of(op, "matvec"), argnums=tuple(varied))
        minus = [b.f("negate", value) for value in w]
        _, results = engine.copy(callee, [*of_matrix, *op.results, *minus])
        found += zip((of_matrix[i] for i in varied), results[len(w) :], strict=True)
    return found
