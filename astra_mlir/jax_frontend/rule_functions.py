"""Functions of derivative rules, from jaxprs to private functions of a module: what both kinds of rules are made with.

``jax_frontend/custom_rules.py`` has the rules of functions for which a user gave one, ``jax_frontend/composites.py``
those of primitives. A rule may use the very function that it belongs to (the derivative of ``lu`` contains ``lu``), so
each rule is lowered once a module, under a name that its own body can refer to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import core as jax_core
from jax._src.interpreters import mlir
from jaxlib.mlir import ir

from astra_mlir.jax_frontend import lowering as jax_lowering

__all__ = [
    "Function", "NoRuleError", "Rule", "Rules", "bound", "custom_call", "derivative", "emit", "emit_without_rule",
    "inexact_positions", "integers", "is_inexact", "jvp_rule", "lower", "lower_traced", "reason_of",
    "tangent_avals", "trace",
]  # fmt: skip

Function = Callable[..., Sequence[Any]]  # flat arrays in, flat arrays out

# How many derivative rules of one piece of source may nest.  Rules of one function object are lowered once and refer to
# themselves, to any order of derivative; only functions made anew whenever they are used count.
_MOST_NESTED = 4


# --- custom calls ------------------------------------------------------------------------------------------------


def custom_call(
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


def integers(values: Sequence[int]) -> ir.Attribute:
    return ir.DenseI64ArrayAttr.get(list(values))


# --- functions ---------------------------------------------------------------------------------------------------


class NoRuleError(Exception):
    """There is no derivative rule, for the reason that the message gives."""


_TRACED_VALUE = "its derivative rule uses a traced value of the code around it; make that an argument of the function"


def is_inexact(aval: Any) -> bool:
    return bool(jnp.issubdtype(aval.dtype, np.inexact))


def inexact_positions(avals: Sequence[Any]) -> list[int]:
    """Which of the values have tangents."""
    return [i for i, aval in enumerate(avals) if is_inexact(aval)]


def tangent_avals(avals: Sequence[Any]) -> list[Any]:
    return [aval for aval in avals if is_inexact(aval)]


def trace(function: Function, avals: Sequence[Any]) -> Any:
    """The jaxpr of a function of flat arrays; custom rules inside it stay, unlike in ``mlir.lower_fun``."""
    arguments = [
        jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=getattr(aval, "weak_type", False)) for aval in avals
    ]
    jaxpr = jax.make_jaxpr(function)(*arguments)
    if jaxpr.effects:
        raise NoRuleError(f"its derivative rule has side effects: {jaxpr.effects}")
    if any(isinstance(constant, jax_core.Tracer) for constant in jaxpr.consts):
        raise NoRuleError(_TRACED_VALUE)
    return jaxpr


def bound(primitive: Any, params: dict[str, Any]) -> Function:
    """The application of a primitive, as a function of flat arrays."""

    def apply(*args: Any) -> Sequence[Any]:
        out = primitive.bind(*args, **primitive.get_bind_params(params))
        return list(out) if primitive.multiple_results else [out]

    return apply


def derivative(function: Function, avals: Sequence[Any], active: Sequence[int]) -> Function:
    """The directional derivative, as JAX takes it, in the form of ``astra.custom_jvp``'s ``jvp``.

    It takes all arguments, then a tangent for each float or complex one (those of arguments that are not ``active`` are
    not looked at), and gives the results, then a tangent for each float or complex one.
    """
    inexact = inexact_positions(avals)

    def jvp(*args: Any) -> list[Any]:
        primals = list(args[: len(avals)])
        tangents = dict(zip(inexact, args[len(avals) :], strict=True))

        def of_active(*values: Any) -> list[Any]:
            changed = dict(zip(active, values, strict=True))
            return list(function(*(changed.get(i, x) for i, x in enumerate(primals))))

        if not active:
            out = function(*primals)
            return [*out, *(jnp.zeros_like(y) for y in out if is_inexact(jax_core.typeof(y)))]
        out, derivatives = jax.jvp(of_active, [primals[i] for i in active], [tangents[i] for i in active])
        return [*out, *(t for y, t in zip(out, derivatives, strict=True) if is_inexact(jax_core.typeof(y)))]

    return jvp


# --- rules of a module -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """A derivative rule to be lowered: its functions, and by which operands there is no derivative."""

    functions: dict[str, tuple[Any, str]]  # attribute -> jaxpr, platform
    key: Hashable  # the same for uses that may share the functions
    source: Hashable  # the same for rules made by one piece of source code
    without: tuple[int, ...] = ()
    reason: str = ""


class Rules:
    """The derivative rules that one module has functions for so far, and those that are being lowered."""

    def __init__(self) -> None:
        self.symbols: dict[Hashable, dict[str, str]] = {}
        self.kept: list[Any] = []  # objects whose id is part of a key
        self._open: list[Hashable] = []  # the sources of the rules that are being lowered, outermost first

    @staticmethod
    def of(ctx: Any) -> Rules:
        """Those of the module that ``ctx`` lowers to."""
        return ctx.module_context.cached_primitive_lowerings.setdefault(Rules, Rules())  # type: ignore[no-any-return]

    def nested(self, source: Hashable) -> int:
        """How many rules of one source are being lowered."""
        return self._open.count(source)

    def lower(self, ctx: Any, label: str, rule: Rule) -> dict[str, str]:
        """The symbols of a rule's functions, by attribute, lowered unless they are (or are being) already.

        A function of the rule may use the rule: it then refers to itself.
        """
        symbols = self.symbols.get(rule.key)
        if symbols is not None:
            return symbols
        if self.nested(rule.source) >= _MOST_NESTED:
            raise NoRuleError(
                "its derivative rule makes another function with such a rule whenever it is called, of "
                f"which derivatives above order {_MOST_NESTED} are not supported; "
                "make that function once, outside of the rule"
            )
        symbols = self.symbols[rule.key] = {
            attribute: self._unused(ctx, f"{label}.{_LABELS.get(attribute, attribute)}") for attribute in rule.functions
        }
        self._open.append(rule.source)
        for attribute, (jaxpr, platform) in rule.functions.items():
            lower(ctx, jaxpr, symbols[attribute], platform)
        self._open.pop()
        return symbols

    def _unused(self, ctx: Any, name: str) -> str:
        """A symbol that no function of the module has or will have (JAX makes none with a dot)."""
        taken = {symbol for symbols in self.symbols.values() for symbol in symbols.values()}
        names = itertools.chain([name], (f"{name}_{i}" for i in itertools.count()))
        return next(name for name in names if name not in taken and name not in ctx.module_context.symbol_table)


_LABELS = {"callee": "value"}


def lower(ctx: Any, jaxpr: Any, name: str, platform: str = jax_lowering.AUTODIFF_PLATFORM) -> str:
    """Lower a closed jaxpr to a private function of the module; gives its symbol."""
    module_context = ctx.module_context
    if tuple(module_context.platforms) != (platform,):
        # JAX keeps lowered functions by jaxpr alone; without their rules they must not be found for other platforms.
        kept = module_context.cached_primitive_lowerings.setdefault(platform, {})
        module_context = module_context.replace(platforms=(platform,), cached_primitive_lowerings=kept)
    function = mlir.lower_jaxpr_to_fun(module_context, name, jaxpr, (), num_const_args=0, in_avals=jaxpr.in_avals)
    return ir.StringAttr(function.operation.attributes["sym_name"]).value


def emit(ctx: Any, name: str, args: Sequence[Any], label: str, rule: Rule) -> list[Any]:
    """The custom call ``@astra.<name>`` with a rule."""
    symbols = Rules.of(ctx).lower(ctx, label, rule)
    attributes: dict[str, ir.Attribute] = {}
    if rule.without:
        attributes["nondifferentiable"] = integers(rule.without)
        attributes["reason"] = ir.StringAttr.get(rule.reason)
    return custom_call(ctx, name, args, symbols, **attributes)


def emit_without_rule(ctx: Any, args: Sequence[Any], label: str, callee: Any, platform: str, reason: str) -> list[Any]:
    """A call that all passes but differentiation take, and that refuses with ``reason``."""
    zero = trace(
        derivative(jax_core.jaxpr_as_fun(callee), callee.in_avals, ()),
        (*callee.in_avals, *tangent_avals(callee.in_avals)),
    )
    without = tuple(inexact_positions(callee.in_avals))
    rule = Rule({"callee": (callee, platform), "jvp": (zero, platform)}, object(), None, without, reason)
    return emit(ctx, "custom_jvp", args, label, rule)


def reason_of(error: Exception) -> str:
    if isinstance(error, NoRuleError):
        return str(error)
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return _TRACED_VALUE
    return f"its derivative rule raised {type(error).__name__}: {' '.join(str(error).split())[:_MOST_CHARACTERS]}"


_MOST_CHARACTERS = 400  # of an error message of JAX


def jvp_rule(function: Function, avals: Sequence[Any]) -> tuple[Any, tuple[int, ...], str]:
    """The jaxpr of a function's derivative; by which of its arguments there is none, and why."""

    def traced(active: Sequence[int]) -> Any:
        return trace(derivative(function, avals, active), (*avals, *tangent_avals(avals)))

    inexact = inexact_positions(avals)
    try:
        return traced(inexact), (), ""
    except Exception as error:  # whatever a rule raises, perhaps only for some arguments
        first = error
    active = [i for i in inexact if len(inexact) > 1 and _succeeds(partial(traced, [i]))]
    if not active:
        raise NoRuleError(reason_of(first)) from first
    return traced(active), tuple(i for i in inexact if i not in active), reason_of(first)


def _succeeds(function: Callable[[], Any]) -> bool:
    try:
        function()
    except Exception:
        return False
    return True


def lower_traced(ctx: Any, function: Function, args: Sequence[Any]) -> Sequence[Any]:
    """Lower a function in place."""
    jaxpr = trace(function, ctx.avals_in)
    results, _ = mlir.jaxpr_subcomp(
        ctx.module_context, jaxpr.jaxpr, ctx.name_stack, ctx.tokens_in,
        mlir.ir_consts(jaxpr.consts, [v.aval for v in jaxpr.jaxpr.constvars]), *args,
        dim_var_values=ctx.dim_var_values, const_lowering=ctx.const_lowering, outer_traceback=ctx.traceback,
    )  # fmt: skip
    return results  # type: ignore[no-any-return]
