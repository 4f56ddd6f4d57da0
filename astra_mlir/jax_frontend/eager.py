"""Transformed functions of JAX arrays, called: a part of the trace within a capture, else compiled as by ``astra.jit``.

Between ``transformations/api.py`` and ``jax_frontend/functions.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_flatten, tree_structure, tree_unflatten

from astra_mlir import frontends
from astra_mlir.errors import AstraError
from astra_mlir.jax_frontend import capture as capturing
from astra_mlir.jax_frontend import transforms as jax_transforms
from astra_mlir.jax_frontend.arrays import ArrayImpl, trace_context
from astra_mlir.jax_frontend.functions import CompiledFunction, JitFunction, jit, leaf_key, tracer_error
from astra_mlir.jax_frontend.transforms import FRONTEND, JaxFrontend
from astra_mlir.split_programs import compile_parts
from astra_mlir.transformations import rules
from astra_mlir.transformations.api import Transformed

__all__ = ["CustomJvp", "CustomVjp", "call", "compile"]


def call(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a transformed function for arguments: arrays, or values of a running trace."""
    if jax_transforms.is_tracing():
        return function.traced(jax_transforms.FRONTEND, args, kwargs)
    if function.rule in (rules.vjp, rules.linearize):
        return _with_function(function, args)
    return _jitted(function, args, kwargs)(*args, **kwargs)


def compile(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledFunction:
    """The compiled function for the shapes and types of arguments."""
    return _jitted(function, args, kwargs).compile(*args, **kwargs)


def _jitted(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> JitFunction:
    """``astra.jit`` of a transformed function, with the options of the ``astra.jit`` that it transforms, if any.

    Texts and functions among the arguments are static: nothing else can be done with them, and JAX takes them, too.
    """
    nums = tuple([i for i, x in enumerate(args) if _is_static(x)])
    names = tuple([name for name, x in kwargs.items() if _is_static(x)])
    known = function.compiled.get(("jit", nums, names))
    if known is None:
        root = function.root
        if isinstance(root, JitFunction):
            known = root.around(function, function.rule not in (rules.jvp, rules.vjp, rules.linearize))
        else:
            known = jit(function, static_argnums=nums, static_argnames=names)
        if function.rule is rules.jvp:
            known = known.traced_once()
        function.compiled["jit", nums, names] = known
    jitted: JitFunction = known
    return jitted


def _is_static(argument: Any) -> bool:
    # A callable object may be a tree with arrays in it.
    return isinstance(argument, (str, bytes)) or (callable(argument) and jax.tree_util.all_leaves([argument]))


# --- vjp and linearize on arrays -----------------------------------------------------------------------------------


class _OnArrays(JaxFrontend):
    """The frontend outside of any trace: values stay the arrays they are, and are their own specs."""

    def value(self, leaf: Any, what: str) -> Any:
        if isinstance(leaf, (bool, int, float, complex)):
            leaf = np.asarray(leaf)
        if not isinstance(leaf, (ArrayImpl, np.ndarray, np.generic)) or leaf.dtype == jax.dtypes.float0:
            return super().value(leaf, what)
        dtype = jax.dtypes.canonicalize_dtype(leaf.dtype)
        return leaf if leaf.dtype == dtype else np.asarray(leaf, dtype)

    def spec(self, value: Any) -> Any:
        return value


_ON_ARRAYS = _OnArrays()


class _Derivative:
    """A function compiled for one signature of primals, in two parts: its value, and its derivative there."""

    def __init__(self, function: Transformed, primals: tuple[Any, ...], leaves: Sequence[Any], tree: Any) -> None:
        reverse, has_aux = function.rule is rules.vjp, function.options["has_aux"]
        name = "vjp" if reverse else "linearize"
        source = Transformed(function.source, rules.derivative, reverse=reverse, **function.options)
        specs = [FRONTEND.spec(FRONTEND.value(leaf, f"{name}: an argument")) for leaf in leaves]
        outline = self._outline(function, specs, tree, has_aux, name)
        # What the derivative is linear in: the output's cotangents or the arguments' tangents.
        self.linear_specs = outline.out_specs if reverse else outline.specs
        self.linear_tree = outline.out_tree if reverse else outline.tree
        self.name = f"the function that {name} gave"
        self.what = "the cotangents" if reverse else "the tangents"
        present = [s for s in self.linear_specs if not isinstance(s, rules.Float0) and FRONTEND.kind(s) in "fc"]

        def joint(primals: tuple[Any, ...], linear: list[Any]) -> Any:
            given = iter(linear)
            filled = [next(given) if any(s is p for p in present) else rules.float0_zeros(s.shape)
                      for s in self.linear_specs]  # fmt: skip
            return source.traced(FRONTEND, (primals, tree_unflatten(self.linear_tree, filled)), {})

        structs = [jax.ShapeDtypeStruct(s.shape, s.dtype, weak_type=s.weak_type) for s in present]
        joint.__name__ = function.__name__
        paths = [f"argument {i}" for i in range(len(leaves))] + [f"{self.what} {i}" for i in range(len(present))]
        captured = capturing.capture(joint, (primals, structs), {}, input_paths=paths)
        value_tree, derivative_tree = captured.out_tree.children()
        count, late = value_tree.num_leaves, range(len(leaves), len(leaves) + len(present))
        root = function.root
        target, output = (root._target, root._output) if isinstance(root, JitFunction) else (None, "auto")
        self.parts = compile_parts(captured.program, late, count, target)
        early = self.parts.early.signature.outputs[count:]
        residuals = tuple(jax.core.ShapedArray(spec.shape, spec.dtype) for spec in early)
        pair = tree_structure((tree_unflatten(value_tree, [0] * count), [0] * len(residuals)))
        first = replace(captured, out_avals=(*captured.out_avals[:count], *residuals), out_tree=pair)
        second = replace(captured, out_avals=captured.out_avals[count:], out_tree=derivative_tree)
        self.value = CompiledFunction(self.parts.early, first, tree, (), output)
        self.derivative = CompiledFunction(self.parts.late, second, None, (), output)
        self.constants = captured.program.constants

    @staticmethod
    def _outline(function: Transformed, specs: Sequence[Any], tree: Any, has_aux: bool, name: str) -> Any:
        """The function traced for its structure alone."""
        found: list[Any] = []

        def probe(*values: Any) -> tuple[()]:
            f = function.source if isinstance(function.source, Transformed) else FRONTEND.function(function.source)
            found.append(rules.Primals(FRONTEND, f, tree_unflatten(tree, values), has_aux, name))
            return ()

        token = capturing.capturing.set(True)
        try:
            FRONTEND.trace(probe, specs, name)
        finally:
            capturing.capturing.reset(token)
        return found[0]

    def run(self, function: Transformed, primals: tuple[Any, ...], leaves: Sequence[Any]) -> tuple[Any, ...]:
        """The value, the function that gives the derivative, and auxiliary data if there is any."""
        (out, aux), residuals = self.value.run(leaves)
        # The caller may write into its own arrays afterwards.
        kept = [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]

        def derivative(*given: Any) -> Any:
            found, _ = tree_flatten(given)
            if any(isinstance(leaf, jax.core.Tracer) for leaf in found) and jax_transforms.is_tracing():
                return function.traced(FRONTEND, tree_unflatten(tree_structure(primals), kept), {})[1](*given)
            linear = given[0] if function.rule is rules.vjp else given
            if function.rule is rules.vjp and len(given) != 1:
                raise AstraError(f"{self.name} takes one argument, the cotangent of the output, but got {len(given)}")
            values = rules.linear_arguments(
                _ON_ARRAYS, self.linear_specs, self.linear_tree, linear, self.what, self.name
            )  # fmt: skip
            return self.derivative.run([*kept, *self.constants, *residuals, *values])

        return (out, derivative, aux) if function.options["has_aux"] else (out, derivative)


def _with_function(function: Transformed, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """vjp and linearize on arrays: ``function`` is new at each call, its code found by its program."""
    leaves, tree = tree_flatten(args)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        raise tracer_error(rules.name_of(function))
    leaves = [x if leaf_key(x) is not None else jnp.asarray(x) for x in leaves]
    key = (tree, trace_context(), tuple(map(leaf_key, leaves)))
    known = function.compiled.get(key)
    if known is None:
        known = function.compiled[key] = _Derivative(function, args, leaves, tree)
    result: tuple[Any, ...] = known.run(function, args, leaves)
    return result


# --- rules of the user's -----------------------------------------------------------------------------------------


_RULE_OF_TENSORS = "give the rule as the backward of a torch.autograd.Function, which Astra's transformations keep"


class _Custom:
    """A function with a derivative rule: JAX's own object, of which capture keeps the rule; compiled when called."""

    name: str

    def __init__(self, inner: Any, nondiff_argnums: tuple[int, ...]) -> None:
        functools.update_wrapper(self, inner, updated=())
        self._inner = inner
        self._jitted = jit(inner, static_argnums=nondiff_argnums)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it on arrays (compiled) or on traced values."""
        frontends.refuse_torch(self.name, _RULE_OF_TENSORS, None, args, kwargs)
        leaves = jax.tree_util.tree_leaves((args, kwargs))
        if jax_transforms.is_tracing() or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return self._inner(*args, **kwargs)
        return self._jitted(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """So that methods can be decorated."""
        return self if instance is None else functools.partial(self, instance)


class CustomJvp(_Custom):
    """What ``astra.custom_jvp`` gives."""

    name = "astra.custom_jvp"

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

    name = "astra.custom_vjp"

    def __init__(self, function: Callable[..., Any], nondiff_argnums: tuple[int, ...]) -> None:
        super().__init__(jax.custom_vjp(function, nondiff_argnums=nondiff_argnums), nondiff_argnums)

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any], symbolic_zeros: bool = False) -> None:
        """Set the rule."""
        self._inner.defvjp(forward, backward, symbolic_zeros=symbolic_zeros)
