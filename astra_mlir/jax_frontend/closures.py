"""Rules that close over traced values of the code around them: made arguments, while the trace is at hand.

JAX keeps a derivative rule as a Python function, to be traced when it is needed.  Where that is within the trace of the
function around it (``jit(grad(f))``), the rule may use values of that function; Astra needs it later.  Here, right
after a function was traced, its rules are traced too, and the values of the function that they use become arguments of
the call, by which (as by everything closed over) there is no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax._src import ad_util, custom_derivatives
from jax._src import core as jax_core
from jax._src import linear_util as lu
from jax._src.dtypes import float0
from jax._src.interpreters import partial_eval as pe

from astra_mlir.jax_frontend.rule_functions import is_inexact

__all__ = ["close_rules"]

_Known = dict[int, Any]  # id of a traced value -> the variable that has it in the function at hand


def close_rules(jaxpr: Any, consts: Sequence[Any]) -> Any:
    """A jaxpr as its trace gave it, with rules that use no values of it but their arguments.

    Values that are neither computed in the jaxpr nor among its ``consts`` stay in the rules.
    """
    return _close(jaxpr, dict(zip(map(id, consts), jaxpr.constvars, strict=True)))


def _close(jaxpr: Any, known: _Known) -> Any:
    scope = {*jaxpr.constvars, *jaxpr.invars}
    for equation in jaxpr.eqns:
        scope.update(equation.outvars)

    def find(tracer: Any) -> Any:
        variable = known.get(id(tracer), getattr(tracer, "val", None))
        return variable if isinstance(variable, jax_core.Var) and variable in scope else None

    equations = [_equation(equation, find) for equation in jaxpr.eqns]
    if all(new is old for new, old in zip(equations, jaxpr.eqns, strict=True)):
        return jaxpr
    return jaxpr.replace(eqns=equations)


def _equation(equation: Any, find: Callable[[Any], Any]) -> Any:
    if equation.primitive.name == "astra_transform":
        return equation  # its function was traced, and closed, before
    rule = _RULES.get(equation.primitive)
    if rule is not None:
        try:
            return rule(equation, find)
        except Exception:  # whatever a rule raises when it is traced: it will be refused where it is needed
            return equation
    params = {name: _inside(value) for name, value in equation.params.items()}
    changed = any(params[name] is not value for name, value in equation.params.items())
    return equation.replace(params=params) if changed else equation


def _inside(value: Any) -> Any:
    """A parameter of an equation with the functions in it closed."""
    if isinstance(value, jax_core.ClosedJaxpr):
        closed = close_rules(value.jaxpr, value.consts)
        return value if closed is value.jaxpr else value.replace(jaxpr=closed)
    if isinstance(value, jax_core.Jaxpr):
        return _close(value, {})
    if isinstance(value, tuple) and any(isinstance(x, jax_core.ClosedJaxpr) for x in value):
        parts = [_inside(x) for x in value]
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def _leaked(*constants: Any) -> list[Any]:
    """The traced values among constants, each once."""
    found = {id(x): x for x in constants if isinstance(x, jax_core.Tracer)}
    return list(found.values())


def _as_arguments(jaxpr: Any, consts: Sequence[Any], leaked: Sequence[Any]) -> Any:
    """A closed jaxpr that takes the ``leaked`` values as its first arguments, for all rules in it as well."""
    variables = dict(zip(map(id, consts), jaxpr.constvars, strict=True))
    first = [variables.get(id(x)) or jax_core.Var(x.aval) for x in leaked]
    kept = [(v, x) for v, x in zip(jaxpr.constvars, consts, strict=True) if not any(x is y for y in leaked)]
    open_ = jaxpr.replace(
        constvars=[v for v, _ in kept], invars=[*first, *jaxpr.invars], debug_info=jaxpr.debug_info.with_unknown_names()
    )
    closed = _close(open_, dict(zip(map(id, leaked), first, strict=True)))
    return jax_core.ClosedJaxpr(closed, [x for _, x in kept])


def _with_arguments(equation: Any, leaked: Sequence[Any], variables: Sequence[Any], **params: Any) -> Any:
    """The call with more arguments, behind its constants, which its function does not look at."""
    start, call = equation.params["num_consts"], equation.params["call_jaxpr"]
    inputs = call.jaxpr.invars
    unused = [jax_core.Var(x.aval) for x in leaked]
    function = call.jaxpr.replace(
        invars=[*inputs[:start], *unused, *inputs[start:]], debug_info=call.jaxpr.debug_info.with_unknown_names()
    )
    return equation.replace(
        invars=[*equation.invars[:start], *variables, *equation.invars[start:]],
        params={**equation.params, **params, "call_jaxpr": call.replace(jaxpr=function)},
    )


def _custom_jvp(equation: Any, find: Callable[[Any], Any]) -> Any:
    jvp_jaxpr_fun = equation.params["jvp_jaxpr_fun"]
    count = len(equation.invars) - equation.params["num_consts"]
    _, consts, _ = jvp_jaxpr_fun.call_wrapped(*[False] * count)
    leaked = _leaked(*consts)
    variables = [find(x) for x in leaked]
    if not leaked or any(v is None for v in variables):
        return equation
    num_consts = len(leaked)  # by this name it counts as closed over (jax_frontend/custom_rules.py)

    def jvp(*zeros: bool) -> tuple[Any, Any, Any]:
        jaxpr, consts, out_zeros = jvp_jaxpr_fun.call_wrapped(*zeros[num_consts:])
        closed = _as_arguments(jaxpr, consts, leaked)
        inputs = closed.jaxpr.invars
        tangents = [
            jax_core.Var(x.aval.to_tangent_aval())
            for x, zero in zip(leaked, zeros[:num_consts], strict=True)
            if not zero
        ]
        primals = num_consts + count
        return closed.jaxpr.replace(invars=[*inputs[:primals], *tangents, *inputs[primals:]]), closed.consts, out_zeros

    thunk = lu.wrap_init(pe._memoize(jvp), debug_info=jvp_jaxpr_fun.debug_info)
    return _with_arguments(equation, leaked, variables, jvp_jaxpr_fun=thunk)


def _custom_vjp(equation: Any, find: Callable[[Any], Any]) -> Any:
    params = equation.params
    fwd_jaxpr_thunk, bwd, out_trees, start = (params[x] for x in ("fwd_jaxpr_thunk", "bwd", "out_trees", "num_consts"))
    avals, results = params["call_jaxpr"].in_avals, params["call_jaxpr"].out_avals
    forward, consts = fwd_jaxpr_thunk.call_wrapped(*(is_inexact(aval) for aval in avals[start:]))
    _, residual_tree, forwarded = out_trees()
    outputs = iter(forward.outvars)
    residuals = [next(outputs).aval if f is None else avals[f] for f in forwarded]
    zero: list[Any] = []

    def backward(*args: Any) -> list[Any]:
        given = iter(args[len(residuals) :])
        cotangents = [next(given) if is_inexact(y) else np.zeros(y.shape, float0) for y in results]
        found = bwd.call_wrapped(*args[: len(residuals)], *cotangents)
        zero[:] = [isinstance(x, (ad_util.Zero, ad_util.SymbolicZero)) or x is None for x in found]
        return [x for x, is_zero in zip(found, zero, strict=True) if not is_zero]

    arguments = [*residuals, *(aval for aval in results if is_inexact(aval))]
    traced = jax.make_jaxpr(backward)(*(jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in arguments))
    leaked = _leaked(*consts, *traced.consts)
    variables = [find(x) for x in leaked]
    if not leaked or any(v is None for v in variables):
        return equation
    num_consts = len(leaked)  # by this name it counts as closed over (jax_frontend/custom_rules.py)

    def fwd(*nonzeros: bool) -> tuple[Any, Any]:
        jaxpr, consts = fwd_jaxpr_thunk.call_wrapped(*nonzeros[num_consts:])
        closed = _as_arguments(jaxpr, consts, leaked)
        return closed.jaxpr, closed.consts

    def trees() -> tuple[Any, Any, Any]:
        moved = [f if f is None or f < start else f + num_consts for f in forwarded]
        leaves = jax.tree.structure([0] * (num_consts + residual_tree.num_leaves))
        return out_trees()[0], leaves, [*range(start, start + num_consts), *moved]

    rule = _as_arguments(traced.jaxpr, traced.consts, leaked)

    def bwd_of_values(*args: Any) -> list[Any]:
        cotangents = zip(args[num_consts + len(residuals) :], results, strict=True)
        values = [*args[: num_consts + len(residuals)], *(c for c, y in cotangents if is_inexact(y))]
        found = iter(jax_core.eval_jaxpr(rule.jaxpr, rule.consts, *values))
        inputs = [*(x.aval for x in leaked), *avals[start:]]
        return [
            ad_util.Zero(aval.to_ct_aval()) if is_zero else next(found)
            for aval, is_zero in zip(inputs, [*[True] * num_consts, *zero], strict=True)
        ]

    return _with_arguments(
        equation, leaked, variables,
        fwd_jaxpr_thunk=lu.wrap_init(pe._memoize(fwd), debug_info=fwd_jaxpr_thunk.debug_info),
        bwd=lu.wrap_init(bwd_of_values, debug_info=bwd.debug_info), out_trees=trees,
    )  # fmt: skip


_RULES: dict[Any, Callable[[Any, Callable[[Any], Any]], Any]] = {
    custom_derivatives.custom_jvp_call_p: _custom_jvp,
    custom_derivatives.custom_vjp_call_p: _custom_vjp,
}
