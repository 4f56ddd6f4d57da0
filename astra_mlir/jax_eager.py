"""Transformed functions of JAX arrays, called: a part of the trace within a capture, else compiled as by ``astra.jit``.

Between ``transformations.py`` and ``jax_functions.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

from astra_mlir import jax_transforms
from astra_mlir import transform_rules as rules
from astra_mlir.jax_functions import CompiledFunction, JitFunction, jit
from astra_mlir.transformations import Transformed

__all__ = ["CustomJvp", "CustomVjp", "call", "compile"]


def call(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a transformed function for arguments: arrays, or values of a running trace."""
    if jax_transforms.is_tracing():
        return function.traced(jax_transforms.FRONTEND, args, kwargs)
    if function.rule in (rules.vjp, rules.linearize):
        return _with_function(function, args)
    return _jitted(function)(*args, **kwargs)


def compile(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledFunction:
    """The compiled function for the shapes and types of arguments."""
    return _jitted(function).compile(*args, **kwargs)


def _jitted(function: Transformed) -> JitFunction:
    """``astra.jit`` of a transformed function, with the options of the ``astra.jit`` that it transforms, if any."""
    known = function.compiled.get("jit")
    if known is None:
        root = function.root
        same_arguments = function.rule not in (rules.jvp, rules.vjp, rules.linearize)
        known = root.around(function, same_arguments) if isinstance(root, JitFunction) else jit(function)
        function.compiled["jit"] = known
    jitted: JitFunction = known
    return jitted


def _with_function(function: Transformed, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """vjp and linearize on arrays."""
    raise NotImplementedError


# --- rules of the user's -----------------------------------------------------------------------------------------


class _Custom:
    """A function with a derivative rule: JAX's own object, of which capture keeps the rule; compiled when called."""

    def __init__(self, inner: Any, nondiff_argnums: tuple[int, ...]) -> None:
        functools.update_wrapper(self, inner, updated=())
        self._inner = inner
        self._jitted = jit(inner, static_argnums=nondiff_argnums)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it on arrays (compiled) or on traced values."""
        leaves = jax.tree_util.tree_leaves((args, kwargs))
        if jax_transforms.is_tracing() or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return self._inner(*args, **kwargs)
        return self._jitted(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """So that methods can be decorated."""
        return self if instance is None else functools.partial(self, instance)


class CustomJvp(_Custom):
    """What ``astra.custom_jvp`` gives."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: tuple[int, ...]) -> None:
        super().__init__(jax.custom_jvp(function, nondiff_argnums=nondiff_argnums), nondiff_argnums)

    def defjvp(self, rule: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Set the rule; usable as a decorator."""
        self._inner.defjvp(rule, symbolic_zeros=symbolic_zeros)
        return rule

    def defjvps(self, *rules: Callable[..., Any] | None) -> None:
        """Set one rule for each argument, ``rule(tangent, out, *arguments)``; None for one without influence."""
        self._inner.defjvps(*rules)


class CustomVjp(_Custom):
    """What ``astra.custom_vjp`` gives."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: tuple[int, ...]) -> None:
        super().__init__(jax.custom_vjp(function, nondiff_argnums=nondiff_argnums), nondiff_argnums)

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any], symbolic_zeros: bool = False) -> None:
        """Set the rule."""
        self._inner.defvjp(forward, backward, symbolic_zeros=symbolic_zeros)
