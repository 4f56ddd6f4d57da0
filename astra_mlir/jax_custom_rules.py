"""What JAX erases on its way to StableHLO, kept for differentiation and batching: rules for ``astra_autodiff``.

A program that is only to be run is lowered for the platform ``astra``, where ``stop_gradient`` is nothing,
``checkpoint`` its body, and a function with a derivative rule a plain call.  A program that is to be transformed is
lowered for ``astra_autodiff``, where the rules of this module make custom calls ``@astra.*`` of them, which
``astra-import`` turns into operations of the dialect.

Primitives whose StableHLO form is a loop or a polynomial (``lu``, ``lgamma``, ``igamma``) become ``@astra.custom_jvp``
as well, with JAX's own derivative: that of the form would be slow, less accurate, or wrong where the form branches.  A
rule may use the very function that it belongs to (the derivative of ``lu`` contains ``lu``), so each rule is lowered
once a module, under a name that its own body can refer to.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache, partial
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
from jax._src.lax import lax as lax_internal
from jax._src.lax import linalg as lax_linalg
from jax._src.lax import special
from jax._src.lax.control_flow import loops, solves
from jax._src.random import core as jax_random
from jaxlib.mlir import ir

from astra_mlir import capture, jax_lowering
from astra_mlir.passes.custom_batching import register_batching_rule

__all__ = ["register"]

_Function = Callable[..., Sequence[Any]]  # flat arrays in, flat arrays out

# How many derivative rules of one piece of source may nest.  Rules of one function object are lowered once and refer to
# themselves, to any order of derivative; only functions made anew whenever they are used count.
_MOST_NESTED = 4


# --- custom calls ------------------------------------------------------------------------------------------------


def _custom_call(
    ctx: Any, name: str, operands: Sequence[Any], symbols: dict[str, str], **attributes: ir.Attribute
) -> list[Any]:
    """``stablehlo.custom_call @astra.<name>``; ``symbols``: functions by the attribute that names them."""
    attributes["symbols"] = ir.ArrayAttr.get([ir.StringAttr.get(attribute) for attribute in symbols])
    types = [mlir.aval_to_ir_types(ctx.module_context, aval) for aval in ctx.avals_out]
    call = ir.Operation.create(
        "stablehlo.custom_call",
        results=mlir.ir_tree_registry.flatten(types)[0],
        operands=mlir.ir_tree_registry.flatten(operands)[0],
        attributes={
            "call_target_name": ir.StringAttr.get(f"astra.{name}"),
            "called_computations": ir.ArrayAttr.get([ir.FlatSymbolRefAttr.get(symbol) for symbol in symbols.values()]),
            "backend_config": ir.DictAttr.get(attributes),
            "api_version": mlir.i32_attr(4),
        },
    )
    return list(call.results)


def _integers(values: Sequence[int]) -> ir.Attribute:
    return ir.DenseI64ArrayAttr.get(list(values))


# --- functions ---------------------------------------------------------------------------------------------------


class _NoRuleError(Exception):
    """There is no derivative rule, for the reason that the message gives."""


_TRACED_VALUE = "its derivative rule uses a traced value of the code around it; make that an argument of the function"


def _is_inexact(aval: Any) -> bool:
    return bool(jnp.issubdtype(aval.dtype, np.inexact))


def _inexact(avals: Sequence[Any]) -> list[int]:
    """Which of the values have tangents."""
    return [i for i, aval in enumerate(avals) if _is_inexact(aval)]


def _tangent_avals(avals: Sequence[Any]) -> list[Any]:
    return [aval for aval in avals if _is_inexact(aval)]


def _trace(function: _Function, avals: Sequence[Any]) -> Any:
    """The jaxpr of a function of flat arrays; custom rules inside it stay, unlike in ``mlir.lower_fun``."""
    arguments = [
        jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=getattr(aval, "weak_type", False)) for aval in avals
    ]
    jaxpr = jax.make_jaxpr(function)(*arguments)
    if jaxpr.effects:
        raise _NoRuleError(f"its derivative rule has side effects: {jaxpr.effects}")
    if any(isinstance(constant, jax_core.Tracer) for constant in jaxpr.consts):
        raise _NoRuleError(_TRACED_VALUE)
    return jaxpr


def _bound(primitive: Any, params: dict[str, Any]) -> _Function:
    """The application of a primitive, as a function of flat arrays."""

    def apply(*args: Any) -> Sequence[Any]:
        out = primitive.bind(*args, **primitive.get_bind_params(params))
        return list(out) if primitive.multiple_results else [out]

    return apply


def _derivative(function: _Function, avals: Sequence[Any], active: Sequence[int]) -> _Function:
    """The directional derivative, as JAX takes it, in the form of ``astra.custom_jvp``'s ``jvp``.

    It takes all arguments, then a tangent for each float or complex one (those of arguments that are not ``active`` are
    not looked at), and gives the results, then a tangent for each float or complex one.
    """
    inexact = _inexact(avals)

    def jvp(*args: Any) -> list[Any]:
        primals = list(args[: len(avals)])
        tangents = dict(zip(inexact, args[len(avals) :], strict=True))

        def of_active(*values: Any) -> list[Any]:
            changed = dict(zip(active, values, strict=True))
            return list(function(*(changed.get(i, x) for i, x in enumerate(primals))))

        if not active:
            out = function(*primals)
            return [*out, *(jnp.zeros_like(y) for y in out if _is_inexact(jax_core.typeof(y)))]
        out, derivatives = jax.jvp(of_active, [primals[i] for i in active], [tangents[i] for i in active])
        return [*out, *(t for y, t in zip(out, derivatives, strict=True) if _is_inexact(jax_core.typeof(y)))]

    return jvp


# --- rules of a module -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """A derivative rule to be lowered: its functions, and by which operands there is no derivative."""

    functions: dict[str, tuple[Any, str]]  # attribute -> jaxpr, platform
    key: Hashable  # the same for uses that may share the functions
    source: Hashable  # the same for rules made by one piece of source code
    without: tuple[int, ...] = ()
    reason: str = ""


class _Rules:
    """The derivative rules that one module has functions for so far, and those that are being lowered."""

    def __init__(self) -> None:
        self.symbols: dict[Hashable, dict[str, str]] = {}
        self.kept: list[Any] = []  # objects whose id is part of a key
        self._open: list[Hashable] = []  # the sources of the rules that are being lowered, outermost first

    @staticmethod
    def of(ctx: Any) -> _Rules:
        """Those of the module that ``ctx`` lowers to."""
        return ctx.module_context.cached_primitive_lowerings.setdefault(_Rules, _Rules())  # type: ignore[no-any-return]

    def lower(self, ctx: Any, label: str, rule: _Rule) -> dict[str, str]:
        """The symbols of a rule's functions, by attribute, lowered unless they are (or are being) already.

        A function of the rule may use the rule: it then refers to itself.
        """
        symbols = self.symbols.get(rule.key)
        if symbols is not None:
            return symbols
        if self._open.count(rule.source) >= _MOST_NESTED:
            raise _NoRuleError(
                "its derivative rule makes another function with such a rule whenever it is called, of "
                f"which derivatives above order {_MOST_NESTED} are not supported; "
                "make that function once, outside of the rule"
            )
        symbols = self.symbols[rule.key] = {
            attribute: self._unused(ctx, f"{label}.{_LABELS.get(attribute, attribute)}") for attribute in rule.functions
        }
        self._open.append(rule.source)
        for attribute, (jaxpr, platform) in rule.functions.items():
            _lower(ctx, jaxpr, symbols[attribute], platform)
        self._open.pop()
        return symbols

    def _unused(self, ctx: Any, name: str) -> str:
        """A symbol that no function of the module has or will have (JAX makes none with a dot)."""
        taken = {symbol for symbols in self.symbols.values() for symbol in symbols.values()}
        names = itertools.chain([name], (f"{name}_{i}" for i in itertools.count()))
        return next(name for name in names if name not in taken and name not in ctx.module_context.symbol_table)


_LABELS = {"callee": "value"}


def _lower(ctx: Any, jaxpr: Any, name: str, platform: str = jax_lowering.AUTODIFF_PLATFORM) -> str:
    """Lower a closed jaxpr to a private function of the module; gives its symbol."""
    module_context = ctx.module_context
    if tuple(module_context.platforms) != (platform,):
        # JAX keeps lowered functions by jaxpr alone; without their rules they must not be found for other platforms.
        kept = module_context.cached_primitive_lowerings.setdefault(platform, {})
        module_context = module_context.replace(platforms=(platform,), cached_primitive_lowerings=kept)
    function = mlir.lower_jaxpr_to_fun(module_context, name, jaxpr, (), num_const_args=0, in_avals=jaxpr.in_avals)
    return ir.StringAttr(function.operation.attributes["sym_name"]).value


def _emit(ctx: Any, name: str, args: Sequence[Any], label: str, rule: _Rule) -> list[Any]:
    """The custom call ``@astra.<name>`` with a rule."""
    symbols = _Rules.of(ctx).lower(ctx, label, rule)
    attributes: dict[str, ir.Attribute] = {}
    if rule.without:
        attributes["nondifferentiable"] = _integers(rule.without)
        attributes["reason"] = ir.StringAttr.get(rule.reason)
    return _custom_call(ctx, name, args, symbols, **attributes)


def _emit_without_rule(ctx: Any, args: Sequence[Any], label: str, callee: Any, platform: str, reason: str) -> list[Any]:
    """A call that all passes but differentiation take, and that refuses with ``reason``."""
    zero = _trace(
        _derivative(jax_core.jaxpr_as_fun(callee), callee.in_avals, ()),
        (*callee.in_avals, *_tangent_avals(callee.in_avals)),
    )
    without = tuple(_inexact(callee.in_avals))
    rule = _Rule({"callee": (callee, platform), "jvp": (zero, platform)}, object(), None, without, reason)
    return _emit(ctx, "custom_jvp", args, label, rule)


def _reason(error: Exception) -> str:
    if isinstance(error, _NoRuleError):
        return str(error)
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return _TRACED_VALUE
    return f"its derivative rule raised {type(error).__name__}: {' '.join(str(error).split())[:_MOST_CHARACTERS]}"


_MOST_CHARACTERS = 400  # of an error message of JAX


def _jvp_rule(function: _Function, avals: Sequence[Any]) -> tuple[Any, tuple[int, ...], str]:
    """The jaxpr of a function's derivative; by which of its arguments there is none, and why."""

    def trace(active: Sequence[int]) -> Any:
        return _trace(_derivative(function, avals, active), (*avals, *_tangent_avals(avals)))

    inexact = _inexact(avals)
    try:
        return trace(inexact), (), ""
    except Exception as error:  # whatever a rule raises, perhaps only for some arguments
        first = error
    active = [i for i in inexact if len(inexact) > 1 and _succeeds(partial(trace, [i]))]
    if not active:
        raise _NoRuleError(_reason(first)) from first
    return trace(active), tuple(i for i in inexact if i not in active), _reason(first)


def _succeeds(function: Callable[[], Any]) -> bool:
    try:
        function()
    except Exception:
        return False
    return True


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
    kept = _Rules.of(ctx).kept
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


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _text(ctx: Any, *jaxprs: Any) -> Hashable:
    """A key for the operations of closed jaxprs: their text and the identity of their constants."""
    _Rules.of(ctx).kept.extend(constant for jaxpr in jaxprs for constant in jaxpr.consts)
    return tuple((str(jaxpr.jaxpr), *map(id, jaxpr.consts)) for jaxpr in jaxprs)


def _label(callee: Any) -> str:
    return re.sub(r"\W", "_", callee.jaxpr.debug_info.func_name)


def _custom_jvp_call(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    callee = params["call_jaxpr"]
    label = _label(callee)
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    try:
        jvp, without, reason = _jvp_rule(_bound(custom_derivatives.custom_jvp_call_p, params), callee.in_avals)
        identity, source = _identity(ctx, params["jvp_jaxpr_fun"])
        key = ("custom_jvp", identity, _text(ctx, callee, jvp), without)
        rule = _Rule({"callee": (callee, autodiff), "jvp": (jvp, autodiff)}, key, source, without, reason)
        return _emit(ctx, "custom_jvp", args, label, rule)
    except _NoRuleError as error:
        return _emit_without_rule(ctx, args, label, callee, autodiff, str(error))


def _custom_vjp_call(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    callee, constants = params["call_jaxpr"], params["num_consts"]
    label = _label(callee)
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    try:
        try:
            forward, backward = _vjp_rule(params)
        except Exception as error:
            raise _NoRuleError(_reason(error)) from error
        identity, source = _identity(ctx, params["fwd_jaxpr_thunk"], params["bwd"])
        functions = {"callee": (callee, autodiff), "forward": (forward, autodiff), "backward": (backward, autodiff)}
        key = ("custom_vjp", identity, _text(ctx, callee, forward, backward), constants)
        closed_over = tuple(i for i in _inexact(callee.in_avals) if i < constants)
        reason = "it is closed over by a function with a custom vjp rule; make it an argument of that function"
        return _emit(ctx, "custom_vjp", args, label, _Rule(functions, key, source, closed_over, reason))
    except _NoRuleError as error:
        return _emit_without_rule(ctx, args, label, callee, autodiff, str(error))


def _vjp_rule(params: dict[str, Any]) -> tuple[Any, Any]:
    """The jaxprs of the forward and backward functions, in the form of ``astra.custom_vjp``."""
    callee, constants = params["call_jaxpr"], params["num_consts"]
    avals, results = callee.in_avals, callee.out_avals
    # For symbolic zeros: which arguments are differentiated.  All that can be, for all that is known here.
    perturbed = [_is_inexact(aval) for aval in avals[constants:]]
    inner, consts = params["fwd_jaxpr_thunk"].call_wrapped(*perturbed)
    _, residual_tree, forwarded = params["out_trees"]()

    def forward(*args: Any) -> list[Any]:
        out = jax_core.eval_jaxpr(inner, consts, *args[constants:])
        count = residual_tree.num_leaves - sum(f is not None for f in forwarded)
        kept = iter(out[:count])
        return [*out[count:], *(next(kept) if f is None else args[f] for f in forwarded)]

    def backward(*args: Any) -> list[Any]:
        residuals, given = args[: residual_tree.num_leaves], iter(args[residual_tree.num_leaves :])
        cotangents = [next(given) if _is_inexact(y) else np.zeros(y.shape, float0) for y in results]
        out = params["bwd"].call_wrapped(*residuals, *cotangents)
        found = [jnp.zeros(aval.shape, aval.dtype) for aval in _tangent_avals(avals[:constants])]
        for aval, cotangent in zip(avals[constants:], out, strict=True):
            if _is_inexact(aval):
                zero = isinstance(cotangent, (ad_util.Zero, ad_util.SymbolicZero)) or cotangent is None
                found.append(jnp.zeros(aval.shape, aval.dtype) if zero else jnp.asarray(cotangent, aval.dtype))
        return found

    traced = _trace(forward, avals)
    return traced, _trace(backward, (*traced.out_avals[len(results) :], *_tangent_avals(results)))


# A linear_call of tangents: what the tangent of linear_call is.
_linear_tangent_p = jax_core.Primitive("astra_linear_tangent")
_linear_tangent_p.multiple_results = True
_linear_tangent_p.def_abstract_eval(lambda *args, callee, **params: callee.out_avals)


def _linear_call(ctx: Any, *args: Any, **params: Any) -> list[Any]:
    """A function linear in its last arguments: its tangent is the function of tangents, with the transpose given."""
    callee, known = params["callee"], params["num_callee_consts"] + params["num_res"]
    avals = callee.in_avals
    count = len(_inexact(avals[:known]))

    def jvp(*values: Any) -> list[Any]:
        tangents = values[len(avals) + count :]
        out = _linear_tangent_p.bind(*values[:known], *tangents, **params)
        return [*jax_core.jaxpr_as_fun(callee)(*values[: len(avals)]), *out]

    without = tuple(_inexact(avals[:known]))
    reason = "linear_call takes derivatives by its linear arguments only"
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    functions = {"callee": (callee, autodiff), "jvp": (_trace(jvp, (*avals, *_tangent_avals(avals))), autodiff)}
    rule = _Rule(functions, object(), "linear_call", without, reason)
    try:
        return _emit(ctx, "custom_jvp", args, _label(callee), rule)
    except _NoRuleError as error:
        return _emit_without_rule(ctx, args, _label(callee), callee, autodiff, str(error))


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
        return [*(jnp.zeros(aval.shape, aval.dtype) for aval in _tangent_avals(avals[:known])), *out]

    try:
        try:
            functions = {
                "callee": (callee, autodiff),
                "forward": (_trace(forward, avals), autodiff),
                "backward": (_trace(backward, (*avals[:known], *callee.out_avals)), autodiff),
            }
        except Exception as error:
            raise _NoRuleError(_reason(error)) from error
        return _emit(ctx, "custom_vjp", args, label, _Rule(functions, object(), "linear_call"))
    except _NoRuleError as error:
        return _emit_without_rule(ctx, args, label, callee, autodiff, str(error))


# --- calls without a derivative rule -----------------------------------------------------------------------------


def _stop_gradient(ctx: Any, x: Any) -> list[Any]:
    return _custom_call(ctx, "stop_gradient", [x], {}) if _is_inexact(ctx.avals_in[0]) else [x]


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
    symbol = _lower(ctx, pe.close_jaxpr(params["jaxpr"]), "checkpoint")
    policy = _POLICIES.get(params["policy"])
    attributes = {} if policy is None else {"policy": ir.StringAttr.get(policy)}
    return _custom_call(ctx, "checkpoint", args, {"callee": symbol}, **attributes)


_SOLVE_FUNCTIONS = ("matvec", "transpose_matvec", "solve", "transpose_solve")  # JAX's order, and that of const_counts


def _linear_solve(ctx: Any, *args: Any, const_lengths: Any, jaxprs: Any) -> list[Any]:
    right = ctx.avals_in[sum(const_lengths) :]
    auxiliary = len(ctx.avals_out) > len(right)
    symbols = {
        attribute: _lower(ctx, _first_results(jaxpr, len(right)) if auxiliary else jaxpr, attribute)
        for attribute, jaxpr in zip(_SOLVE_FUNCTIONS, jaxprs, strict=True)
        if jaxpr is not None
    }
    counts = _integers(const_lengths)
    results = _custom_call(
        ctx.replace(avals_out=ctx.avals_out[: len(right)]), "linear_solve", args, symbols, const_counts=counts
    )
    return results + (_auxiliary_results(ctx, args, const_lengths, jaxprs, len(right)) if auxiliary else [])


def _first_results(jaxpr: Any, count: int) -> Any:
    """A function without the auxiliary results of a solver."""
    return _trace(lambda *args: jax_core.jaxpr_as_fun(jaxpr)(*args)[:count], jaxpr.in_avals)


def _auxiliary_results(ctx: Any, args: Sequence[Any], const_lengths: Any, jaxprs: Any, count: int) -> list[Any]:
    """What a solver gives besides the solution, from a second run of it: as in JAX, its derivative is zero."""

    def auxiliary(*values: Any) -> list[Any]:
        return [lax.stop_gradient(x) for x in jax_core.jaxpr_as_fun(jaxprs.solve)(*values)[count:]]

    start = const_lengths.matvec + const_lengths.vecmat
    chosen = [*range(start, start + const_lengths.solve), *range(sum(const_lengths), len(args))]
    sub = ctx.replace(avals_in=[ctx.avals_in[i] for i in chosen], avals_out=ctx.avals_out[count:])
    return list(_lower_traced(sub, auxiliary, [args[i] for i in chosen]))


def _lower_traced(ctx: Any, function: _Function, args: Sequence[Any]) -> Sequence[Any]:
    """Lower a function in place."""
    jaxpr = _trace(function, ctx.avals_in)
    results, _ = mlir.jaxpr_subcomp(
        ctx.module_context, jaxpr.jaxpr, ctx.name_stack, ctx.tokens_in,
        mlir.ir_consts(jaxpr.consts, [v.aval for v in jaxpr.jaxpr.constvars]), *args,
        dim_var_values=ctx.dim_var_values, const_lowering=ctx.const_lowering, outer_traceback=ctx.traceback,
    )  # fmt: skip
    return results  # type: ignore[no-any-return]


# --- custom_vmap -------------------------------------------------------------------------------------------------

# Only the call itself: what custom_vmap is lowered to, inside of the derivative rule that JAX gives it.
_custom_vmap_call_p = jax_core.Primitive("astra_custom_vmap")
_custom_vmap_call_p.multiple_results = True
_custom_vmap_call_p.def_abstract_eval(lambda *args, call, **params: call.out_avals)


def _custom_vmap_call(ctx: Any, *args: Any, call: Any, **params: Any) -> list[Any]:
    def batched(axis_size: int, in_batched: Sequence[bool]) -> tuple[bytes, tuple[bool, ...]]:
        return _batched_program(call, params, axis_size, in_batched)

    key = register_batching_rule(_label(call), batched)
    return _custom_call(
        ctx, "custom_vmap", args, {"callee": _lower(ctx, call, _label(call))}, rule=ir.StringAttr.get(key)
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
    callee = _trace(lambda *values: _custom_vmap_call_p.bind(*values, **params), ctx.avals_in)
    autodiff = jax_lowering.AUTODIFF_PLATFORM
    label = _label(params["call"])
    try:
        jvp, without, reason = _jvp_rule(_bound(custom_batching.custom_vmap_p, params), ctx.avals_in)
        functions = {"callee": (callee, autodiff), "jvp": (jvp, autodiff)}
        return _emit(ctx, "custom_jvp", args, label, _Rule(functions, object(), "custom_vmap", without, reason))
    except _NoRuleError as error:
        return _emit_without_rule(ctx, args, label, callee, autodiff, str(error))


# --- primitives that StableHLO has no operation for --------------------------------------------------------------

_COMPOSITE = (
    lax_linalg.lu_p, lax_linalg.qr_p, lax_linalg.geqrf_p, lax_linalg.householder_product_p, lax_linalg.ormqr_p,
    lax_linalg.cholesky_update_p, lax_linalg.symmetric_product_p,
    special.lgamma_p, special.digamma_p, special.polygamma_p, special.zeta_p, special.igamma_p, special.igammac_p,
    special.igamma_grad_a_p, special.regularized_incomplete_beta_p,
    special.bessel_i0e_p, special.bessel_i1e_p, special.erf_inv_p, special.erfc_p,
    lax_internal.asin_p, lax_internal.acos_p, lax_internal.atan_p, lax_internal.sinh_p, lax_internal.cosh_p,
    lax_internal.asinh_p, lax_internal.acosh_p, lax_internal.atanh_p, lax_internal.nextafter_p,
    loops.cumlogsumexp_p, jax_random.random_gamma_p,
)  # fmt: skip


def _composite(primitive: Any) -> Callable[..., list[Any]]:
    """Lower a primitive as a call of its ordinary form with JAX's derivative."""

    def lower(ctx: Any, *args: Any, **params: Any) -> list[Any]:
        apply = _bound(primitive, params)
        callee = _trace(apply, ctx.avals_in)
        key = (primitive, tuple(sorted(params.items())), tuple(ctx.avals_in))
        try:
            jvp, without, reason = _jvp_rule(apply, ctx.avals_in)
            functions = {"callee": (callee, jax_lowering.PLATFORM), "jvp": (jvp, jax_lowering.AUTODIFF_PLATFORM)}
            return _emit(ctx, "custom_jvp", args, primitive.name, _Rule(functions, key, key, without, reason))
        except _NoRuleError as error:
            return _emit_without_rule(ctx, args, primitive.name, callee, jax_lowering.PLATFORM, str(error))

    return lower


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
    *((primitive, _composite(primitive)) for primitive in _COMPOSITE),
)


@cache
def register() -> None:
    """Register the rules with JAX for the platform ``astra_autodiff``, those of the other module first."""
    jax_lowering.register()
    rules = mlir._platform_specific_lowerings[jax_lowering.AUTODIFF_PLATFORM]
    for primitive, rule in _RULES:
        rules[primitive] = mlir.LoweringRuleEntry(rule, True)
