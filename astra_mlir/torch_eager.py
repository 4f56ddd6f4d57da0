"""Transformed functions of PyTorch tensors, called: a part of the trace within a capture, else compiled.

Between ``transformations.py`` and ``torch_functions.py``.
"""

from __future__ import annotations

from typing import Any

from astra_mlir import transform_rules as rules
from astra_mlir.torch_capture import is_tracing
from astra_mlir.torch_functions import CompiledTorchFunction, TorchFunction, jit
from astra_mlir.torch_transforms import FRONTEND
from astra_mlir.transformations import Transformed

__all__ = ["call", "compile"]


def call(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a transformed function for arguments: tensors, or values of a running trace."""
    if is_tracing():
        return function.traced(FRONTEND, args, kwargs)
    if function.rule in (rules.vjp, rules.linearize):
        return _with_function(function, args, kwargs)
    return _jitted(function)(*args, **kwargs)


def compile(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledTorchFunction:
    """The compiled function for the shapes and types of arguments."""
    return _jitted(function).compile(*args, **kwargs)


def _jitted(function: Transformed) -> TorchFunction:
    known = function.compiled.get("torch")
    if known is None:
        known = function.compiled["torch"] = jit(function)
    jitted: TorchFunction = known
    return jitted


def _with_function(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """vjp and linearize on tensors: the value, and a compiled function that runs forward again."""
    if "torch" not in function.compiled:

        def value(args: Any, kwargs: Any) -> Any:
            out, _, *aux = function.traced(FRONTEND, args, kwargs)
            return out, *aux

        def derivative(args: Any, kwargs: Any, given: Any) -> Any:
            return function.traced(FRONTEND, args, kwargs)[1](*given)

        value.__name__ = derivative.__name__ = function.__name__
        function.compiled["torch"] = jit(value), jit(derivative)
    value_of, derivative_of = function.compiled["torch"]
    out, *aux = value_of(args, kwargs)
    return out, lambda *given: derivative_of(args, kwargs, given), *aux
