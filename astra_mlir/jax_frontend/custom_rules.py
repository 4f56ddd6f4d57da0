"""What JAX erases on its way to StableHLO, kept for differentiation and batching: rules for ``astra_autodiff``.

A program that is only to be run is lowered for the platform ``astra``, where ``stop_gradient`` is nothing,
``checkpoint`` its body, and a function with a derivative rule a plain call.  A program that is to be transformed is
lowered for ``astra_autodiff``, where the rules of this module make custom calls ``@astra.*`` of them, which
``astra-import`` turns into operations of the dialect.

Primitives whose StableHLO form is a loop or a polynomial become ``@astra.custom_jvp`` as well
(``jax_frontend/composites.py``).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cache
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax._src import ad_checkpoint, ad_util, custom_batching, custom_derivatives, linear_util
from jax._src import core as jax_core
from jax._src.dtypes import float0
from jax._src.interpreters import mlir
from jax._src.interpreters import partial_eval as pe
from jax._src.lax.control_flow import solves
from jaxlib.mlir import ir

from astra_mlir.jax_frontend import capture
from astra_mlir.jax_frontend import composites as jax_composites
from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.jax_frontend import symbolic_zeros as jax_symbolic_zeros
from astra_mlir.jax_frontend.rule_functions import (
    NoRuleError,
    Rule,
    Rules,
    bound,
    custom_call,
    emit,
    emit_without_rule,
    inexact_positions,
    integers,
    is_inexact,
    jvp_rule,
    lower,
    lower_traced,
    reason_of,
    tangent_avals,
    trace,
)
from astra_mlir.passes.custom_batching import register_batching_rule

__all__ = ["register"]


# --- the rules of JAX's functions with derivative rules ----------------------------------------------------------


def _rule_functions(wrapped: Any, depth: int = 4) -> list[Any]:
    """The ``WrappedFun`` of a user's rule inside of the closures that JAX has put around it."""
    if isinstance(wrapped, linear_util.WrappedFun):
        return _rule_functions(wrapped.f) or [wrapped]
    if not depth or not isinstance(wrapped, FunctionType):
        return []
    contents = inspect.getclosurevars(wrapped).nonlocals.values()
    return [found for content in contents for found in _rule_functions(content, depth - 1)]


def _identity(ctx: Any, *rules: Any) -> tuple[Hashable, Hashable]:
    """A key for the functions of a user's rules with their static arguments, and one for their source code."""
    kept = Rules.of(ctx).kept
    key: list[Hashable] = []
    source: list[Hashable] = []
    for wrapped in (found for rule in rules for found in _rule_functions(rule)):
        function = getattr(wrapped.f, "func", wrapped.f)
        static = [x.val for _, args in wrapped.transforms for group in args if isinstance(group, tuple) for x in group
                  if hasattr(x, "val")]  # fmt: skip
        kept.extend((wrapped.f, *static))
        key.append((id(wrapped.f), *((type(x), x) if _is_hashable(x) else id(x) for x in static)))
        source.append(getattr(function, "__code__", None) or str(wrapped.debug_info.func_src_info))
    return (tuple(key) if key else object()), tuple(source)


def _closed_over(call: Any, constants: int, rule: Any) -> tuple[int, ...]:
    """Which operands of a call its function closes over: the first ones.  Its rule says nothing of derivatives by them.

    ``constants`` are those of this call; a call that JAX has traced again has those of the first trace as arguments.
    """
    count = constants + sum(_constants_of_first_traces(rule))
    return tuple(i for i in inexact_positions(call.in_avals) if i < count)


def _constants_of_first_traces(wrapped: Any, depth: int = 4) -> Iterator[int]:
    if isinstance(wrapped, linear_util.WrappedFun):
        yield from _constants_of_first_traces(wrapped.f)
    elif depth and isinstance(wrapped, FunctionType):
        nonlocals = inspect.getclosurevars(wrapped).nonlocals
        if "num_consts" in nonlocals and ("jvp_jaxpr_fun" in nonlocals or "fwd_jaxpr_thunk" in nonlocals):
            yield nonlocals["num_consts"]
        for content in nonlocals.values():
            yield from _constants_of_first_traces(content, depth - 1)


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _text(ctx: Any, *jaxprs: Any) -> Hashable:
    """A key for the operations of closed jaxprs: their text and the identity of their constants."""
    Rules.of(ctx).kept.extend(constant for jaxpr in jaxprs for constant in jaxpr.consts)
    return tuple((str(jaxpr.jaxpr), *map(id, jaxpr.consts)) for jaxpr in jaxprs)


def _label(callee: Any) -> str:
    return re.sub(r"\W", "_", callee.jaxpr.debug_info.func_name)


def _custom_jvp_call(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    callee = params["call_jaxpr"]
    label = _label(callee)
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    try:
        function = bound(custom_derivatives.custom_jvp_call_p, params)
        jvp, without, reason = jvp_rule(function, callee.in_avals)
        closed_over = _closed_over(callee, params["num_consts"], params["jvp_jaxpr_fun"])
        without, reason = tuple(sorted({*without, *closed_over})), reason or _CLOSED_OVER
        if params["symbolic_zeros"]:
            active = [i for i in inexact_positions(callee.in_avals) if i not in without]
            jax_symbolic_zeros.check_jvp(function, callee.in_avals, jvp, active)
        identity, source = _identity(ctx, params["jvp_jaxpr_fun"])
        key = ("custom_jvp", identity, _text(ctx, callee, jvp), without)
        rule = Rule({"callee": (callee, autodiff), "jvp": (jvp, autodiff)}, key, source, without, reason)
        return emit(ctx, "custom_jvp", args, label, rule)
    except NoRuleError as error:
        return emit_without_rule(ctx, args, label, callee, autodiff, str(error))


def _custom_vjp_call(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    callee, constants = params["call_jaxpr"], params["num_consts"]
    label = _label(callee)
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    try:
        closed_over = _closed_over(callee, constants, params["fwd_jaxpr_thunk"])
        try:
            forward, backward = _vjp_rule(params, closed_over)
        except Exception as error:
            raise NoRuleError(reason_of(error)) from error
        if params["symbolic_zeros"]:
            active = [i for i in inexact_positions(callee.in_avals) if i not in closed_over]
            stores = [x for f in _rule_functions(params["fwd_jaxpr_thunk"]) for x in f.stores if x is not None]
            jax_symbolic_zeros.check_vjp(
                bound(custom_derivatives.custom_vjp_call_p, params), callee.in_avals, callee.out_avals,
                (forward, backward), active, stores,
            )  # fmt: skip
        identity, source = _identity(ctx, params["fwd_jaxpr_thunk"], params["bwd"])
        functions = {"callee": (callee, autodiff), "forward": (forward, autodiff), "backward": (backward, autodiff)}
        key = ("custom_vjp", identity, _text(ctx, callee, forward, backward), closed_over)
        return emit(ctx, "custom_vjp", args, label, Rule(functions, key, source, closed_over, _CLOSED_OVER))
    except NoRuleError as error:
        return emit_without_rule(ctx, args, label, callee, autodiff, str(error))


_CLOSED_OVER = "it is closed over by a function with a derivative rule; make it an argument of that function"


def _vjp_rule(params: dict[str, Any], closed_over: Sequence[int]) -> tuple[Any, Any]:
    """The jaxprs of the forward and backward functions, in the form of ``astra.custom_vjp``."""
    callee, constants = params["call_jaxpr"], params["num_consts"]
    avals, results = callee.in_avals, callee.out_avals
    # For symbolic zeros: which arguments are differentiated.  All that can be, for all that is known here; a rule for
    # which that matters is refused (jax_frontend/symbolic_zeros.py).
    perturbed = [is_inexact(aval) and i not in closed_over for i, aval in enumerate(avals)][constants:]
    inner, consts = params["fwd_jaxpr_thunk"].call_wrapped(*perturbed)
    _, residual_tree, forwarded = params["out_trees"]()

    def forward(*args: Any) -> list[Any]:
        out = jax_core.eval_jaxpr(inner, consts, *args[constants:])
        count = residual_tree.num_leaves - sum(f is not None for f in forwarded)
        kept = iter(out[:count])
        return [*out[count:], *(next(kept) if f is None else args[f] for f in forwarded)]

    def backward(*args: Any) -> list[Any]:
        residuals, given = args[: residual_tree.num_leaves], iter(args[residual_tree.num_leaves :])
        cotangents = [next(given) if is_inexact(y) else np.zeros(y.shape, float0) for y in results]
        out = params["bwd"].call_wrapped(*residuals, *cotangents)
        found = [jnp.zeros(aval.shape, aval.dtype) for aval in tangent_avals(avals[:constants])]
        for aval, cotangent in zip(avals[constants:], out, strict=True):
            if is_inexact(aval):
                zero = isinstance(cotangent, (ad_util.Zero, ad_util.SymbolicZero)) or cotangent is None
                found.append(jnp.zeros(aval.shape, aval.dtype) if zero else jnp.asarray(cotangent, aval.dtype))
        return found

    traced = trace(forward, avals)
    return traced, trace(backward, (*traced.out_avals[len(results) :], *tangent_avals(results)))


# A linear_call of tangents: what the tangent of linear_call is.
_linear_tangent_p = jax_core.Primitive("astra_linear_tangent")
_linear_tangent_p.multiple_results = True
_linear_tangent_p.def_abstract_eval(lambda *args, callee, **params: callee.out_avals)


def _linear_call(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    """A function linear in its last arguments: its tangent is the function of tangents, with the transpose given."""
    callee, known = params["callee"], params["num_callee_consts"] + params["num_res"]
    avals = callee.in_avals
    count = len(inexact_positions(avals[:known]))

    def jvp(*values: Any) -> list[Any]:
        tangents = values[len(avals) + count :]
        out = _linear_tangent_p.bind(*values[:known], *tangents, **params)
        return [*jax_core.jaxpr_as_fun(callee)(*values[: len(avals)]), *out]

    without = tuple(inexact_positions(avals[:known]))
    reason = "linear_call takes derivatives by its linear arguments only"
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    functions = {"callee": (callee, autodiff), "jvp": (trace(jvp, (*avals, *tangent_avals(avals))), autodiff)}
    rule = Rule(functions, object(), "linear_call", without, reason)
    try:
        return emit(ctx, "custom_jvp", args, _label(callee), rule)
    except NoRuleError as error:
        return emit_without_rule(ctx, args, _label(callee), callee, autodiff, str(error))


def _linear_tangent(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    """``linear_call`` with its transpose, as a vjp rule."""
    callee, known = params["callee"], params["num_callee_consts"] + params["num_res"]
    label = _label(callee)
    avals = callee.in_avals
    autodiff = jax_lowering.AUTODIFF_PLATFORM

    def forward(*values: Any) -> list[Any]:
        return [*jax_core.jaxpr_as_fun(callee)(*values), *values[:known]]

    def backward(*values: Any) -> list[Any]:
        transpose, consts = params["transpose_thunk"]()
        residuals, cotangents = values[params["num_callee_consts"] : known], values[known:]
        out = custom_derivatives.linear_call_p.bind(
            *consts, *residuals, *cotangents, callee=transpose, num_callee_consts=len(consts),
            num_res=params["num_res"], transpose_thunk=lambda: (callee, values[: params["num_callee_consts"]]),
        )  # fmt: skip
        return [*(jnp.zeros(aval.shape, aval.dtype) for aval in tangent_avals(avals[:known])), *out]

    try:
        try:
            functions = {
                "callee": (callee, autodiff),
                "forward": (trace(forward, avals), autodiff),
                "backward": (trace(backward, (*avals[:known], *callee.out_avals)), autodiff),
            }
        except Exception as error:
            raise NoRuleError(reason_of(error)) from error
        return emit(ctx, "custom_vjp", args, label, Rule(functions, object(), "linear_call"))
    except NoRuleError as error:
        return emit_without_rule(ctx, args, label, callee, autodiff, str(error))


# --- calls without a derivative rule -----------------------------------------------------------------------------


def _stop_gradient(ctx: Any, x: Any) -> list[Any]:
    return custom_call(ctx, "stop_gradient", [x], {}) if is_inexact(ctx.avals_in[0]) else [x]


_POLICIES = {
    jax.checkpoint_policies.everything_saveable: "everything",
    jax.checkpoint_policies.nothing_saveable: "nothing",
    jax.checkpoint_policies.dots_saveable: "dots",
    jax.checkpoint_policies.checkpoint_dots: "dots",
    jax.checkpoint_policies.dots_with_no_batch_dims_saveable: "dots_with_no_batch_dims",
    jax.checkpoint_policies.checkpoint_dots_with_no_batch_dims: "dots_with_no_batch_dims",
}


def _remat(ctx: Any, *args: Any, **params: Any) -> Any:
    """A policy that is none of JAX's fixed ones keeps nothing: that changes memory and time, not values."""
    if params["differentiated"] or params["jaxpr"].effects:
        return ad_checkpoint._remat_lowering(ctx, *args, **params)
    symbol = lower(ctx, pe.close_jaxpr(params["jaxpr"]), "checkpoint")
    policy = _POLICIES.get(params["policy"])
    attributes = {} if policy is None else {"policy": ir.StringAttr.get(policy)}
    return custom_call(ctx, "checkpoint", args, {"callee": symbol}, **attributes)


_SOLVE_FUNCTIONS = ("matvec", "transpose_matvec", "solve", "transpose_solve")  # JAX's order, and that of const_counts


def _linear_solve(ctx: Any, *args: Any, const_lengths: Any, jaxprs: Any) -> list[Any]:
    right = ctx.avals_in[sum(const_lengths) :]
    auxiliary = len(ctx.avals_out) > len(right)
    symbols = {
        attribute: lower(ctx, _first_results(jaxpr, len(right)) if auxiliary else jaxpr, attribute)
        for attribute, jaxpr in zip(_SOLVE_FUNCTIONS, jaxprs, strict=True)
        if jaxpr is not None
    }
    counts = integers(const_lengths)
    results = custom_call(
        ctx.replace(avals_out=ctx.avals_out[: len(right)]), "linear_solve", args, symbols, const_counts=counts
    )
    return results + (_auxiliary_results(ctx, args, const_lengths, jaxprs, len(right)) if auxiliary else [])


def _first_results(jaxpr: Any, count: int) -> Any:
    """A function without the auxiliary results of a solver."""
    return trace(lambda *args: jax_core.jaxpr_as_fun(jaxpr)(*args)[:count], jaxpr.in_avals)


def _auxiliary_results(ctx: Any, args: Sequence[Any], const_lengths: Any, jaxprs: Any, count: int) -> list[Any]:
    """What a solver gives besides the solution, from a second run of it: as in JAX, its derivative is zero."""

    def auxiliary(*values: Any) -> list[Any]:
        return [lax.stop_gradient(x) for x in jax_core.jaxpr_as_fun(jaxprs.solve)(*values)[count:]]

    start = const_lengths.matvec + const_lengths.vecmat
    chosen = [*range(start, start + const_lengths.solve), *range(sum(const_lengths), len(args))]
    sub = ctx.replace(avals_in=[ctx.avals_in[i] for i in chosen], avals_out=ctx.avals_out[count:])
    return list(lower_traced(sub, auxiliary, [args[i] for i in chosen]))


# --- custom_vmap -------------------------------------------------------------------------------------------------

# Only the call itself: what custom_vmap is lowered to, inside of the derivative rule that JAX gives it.
_custom_vmap_call_p = jax_core.Primitive("astra_custom_vmap")
_custom_vmap_call_p.multiple_results = True
_custom_vmap_call_p.def_abstract_eval(lambda *args, call, **params: call.out_avals)


def _custom_vmap_call(ctx: Any, *args: Any, call: Any, **params: Any) -> list[Any]:
    def batched(axis_size: int, in_batched: Sequence[bool]) -> tuple[bytes, tuple[bool, ...]]:
        return _batched_program(call, params, axis_size, in_batched)

    key = register_batching_rule(_label(call), batched)
    return custom_call(
        ctx, "custom_vmap", args, {"callee": lower(ctx, call, _label(call))}, rule=ir.StringAttr.get(key)
    )


def _batched_program(
    call: Any, params: dict[str, Any], axis_size: int, in_batched: Sequence[bool]
) -> tuple[bytes, tuple[bool, ...]]:
    """The program of a custom_vmap function's rule with these operands batched in front, and its batched results."""
    out_batched: list[bool] = []

    def rule(*args: Any) -> list[Any]:
        dimensions = [0 if batched else None for batched in in_batched]
        out, out_dimensions = custom_batching.custom_vmap_batching(args, dimensions, call=call, **params)
        out_batched[:] = [d is not None for d in out_dimensions]
        return list(out)

    avals = [
        jax.ShapeDtypeStruct((axis_size, *aval.shape) if batched else aval.shape, aval.dtype)
        for aval, batched in zip(call.in_avals, in_batched, strict=True)
    ]
    traced = jax.jit(rule, keep_unused=True).trace(*avals)
    lowered = traced.lower(lowering_platforms=(jax_lowering.AUTODIFF_PLATFORM,))
    return capture.artifact(lowered.compiler_ir("stablehlo")), tuple(out_batched)


def _custom_vmap(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    """With JAX's derivative: forward mode of the callee; batched, that of the rule."""
    callee = trace(lambda *values: _custom_vmap_call_p.bind(*values, **params), ctx.avals_in)
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    label = _label(params["call"])
    try:
        jvp, without, reason = jvp_rule(bound(custom_batching.custom_vmap_p, params), ctx.avals_in)
        functions = {"callee": (callee, autodiff), "jvp": (jvp, autodiff)}
        return emit(ctx, "custom_jvp", args, label, Rule(functions, object(), "custom_vmap", without, reason))
    except NoRuleError as error:
        return emit_without_rule(ctx, args, label, callee, autodiff, str(error))


# --- registration ------------------------------------------------------------------------------------------------

_RULES: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (ad_util.stop_gradient_p, _stop_gradient),
    (custom_derivatives.custom_jvp_call_p, _custom_jvp_call),
    (custom_derivatives.custom_vjp_call_p, _custom_vjp_call),
    (custom_derivatives.linear_call_p, _linear_call),
    (_linear_tangent_p, _linear_tangent),
    (ad_checkpoint.remat_p, _remat),
    (solves.linear_solve_p, _linear_solve),
    (custom_batching.custom_vmap_p, _custom_vmap),
    (_custom_vmap_call_p, _custom_vmap_call),
    *jax_composites.RULES,
)


@cache
def register() -> None:
    """Register the rules with JAX for the platform ``astra_autodiff``, those of the other module first."""
    jax_lowering.register()
    rules = mlir._platform_specific_lowerings[jax_lowering.AUTODIFF_PLATFORM]
    for primitive, rule in _RULES:
        rules[primitive] = mlir.LoweringRuleEntry(rule, True)
