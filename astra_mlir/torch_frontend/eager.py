"""Transformed functions of PyTorch tensors, called: a part of the trace within a capture, else compiled.

Between ``transformations/api.py`` and ``torch_frontend/functions.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from astra_mlir.bindings import make_context
from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.signature import signature_of
from astra_mlir.split_programs import compile_parts
from astra_mlir.torch_frontend.arrays import dtype_of
from astra_mlir.torch_frontend.capture import capture, is_tracing
from astra_mlir.torch_frontend.functions import CompiledTorchFunction, TensorExecutable, TorchFunction, jit
from astra_mlir.torch_frontend.transforms import FRONTEND
from astra_mlir.transformations import rules
from astra_mlir.transformations.api import Transformed

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
        known.traced_once = function.rule is rules.jvp
    jitted: TorchFunction = known
    return jitted


# --- vjp and linearize on tensors --------------------------------------------------------------------------------


class _Derivative:
    """A function compiled for one signature of primals, in two parts: its value, and its derivative there."""

    def __init__(self, function: Transformed, primals: tuple[Any, ...]) -> None:
        reverse, self.has_aux = function.rule is rules.vjp, function.options["has_aux"]
        self.name = f"the function that {'vjp' if reverse else 'linearize'} gave"
        self.what = "the cotangents" if reverse else "the tangents"
        leaves, self.linear_tree = FRONTEND.flatten(self._output(function, primals) if reverse else primals)
        self.linear_specs = [FRONTEND.spec(leaf) for leaf in leaves]
        source = Transformed(function.source, rules.derivative, reverse=reverse, **function.options)

        def joint(primals: tuple[Any, ...], linear: list[Any]) -> Any:
            given = iter(linear)
            filled = [
                next(given) if FRONTEND.kind(s) in "fc" else rules.float0_zeros(s.shape) for s in self.linear_specs
            ]
            value, derivative = source.traced(FRONTEND, (primals, FRONTEND.unflatten(self.linear_tree, filled)), {})
            (values, self.value_tree), (derivatives, self.derivative_tree) = map(FRONTEND.flatten, (value, derivative))
            self.is_float0 = [getattr(x, "dtype", None) == rules.FLOAT0 for x in derivatives]
            return values, [x for x, skipped in zip(derivatives, self.is_float0, strict=True) if not skipped]

        joint.__name__ = function.__name__
        present = [_like(spec) for spec in self.linear_specs if FRONTEND.kind(spec) in "fc"]
        captured = capture(joint, (primals, present))
        if captured.written:
            raise UnsupportedError(
                f"{function.__name__} changes a tensor that it closes over in place (buffers of a module in training "
                "mode?), which astra.vjp and astra.linearize leave to no one to do; use astra.value_and_grad, or call "
                "module.eval()"
            )
        late = range(len(captured.in_positions) - len(present), len(captured.in_positions))
        self.hidden = captured.hidden
        self.count = captured.out_count - self.is_float0.count(False)
        parts = compile_parts(captured.program, late, self.count)
        self.early, self.late = TensorExecutable(parts.early), TensorExecutable(parts.late)

    @staticmethod
    def _output(function: Transformed, primals: tuple[Any, ...]) -> Any:
        """The tree of the function's output, of tensors without values."""
        captured = capture(function.source, primals)
        specs = signature_of(captured.program.parse(make_context()), "main").outputs
        out = captured.result([torch.empty(s.shape, dtype=dtype_of(s.dtype), device="meta") for s in specs])
        return out[0] if function.options["has_aux"] else out

    def run(self, function: Transformed, primals: tuple[Any, ...], tensors: Sequence[torch.Tensor]) -> tuple[Any, ...]:
        """The value, the function that gives the derivative, and auxiliary data if there is any."""
        # The caller may write into tensors afterwards.
        kept = [tensor.detach().clone() for tensor in (*tensors, *self.hidden)]
        results = self.early.run(tensors)
        out, aux = FRONTEND.unflatten(self.value_tree, results[: self.count])

        def derivative(*given: Any) -> Any:
            if is_tracing():
                return function.traced(FRONTEND, primals, {})[1](*given)
            linear = given[0] if function.rule is rules.vjp and len(given) == 1 else given
            values = rules.linear_arguments(
                FRONTEND, self.linear_specs, self.linear_tree, linear, self.what, self.name
            )  # fmt: skip
            found = iter(self.late.run([*kept, *results[self.count :], *values]))
            leaves = [None if skipped else next(found) for skipped in self.is_float0]
            return FRONTEND.unflatten(self.derivative_tree, leaves)

        return (out, derivative, aux) if self.has_aux else (out, derivative)


def _like(spec: Any) -> torch.Tensor:
    return torch.empty(spec.shape, dtype=spec.dtype, device="meta")


def _with_function(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """vjp and linearize on tensors: ``function`` is new at each call, its code found by its program."""
    if kwargs:
        raise AstraError(f"{function.__name__}: primals are given by position")
    args = pytree.tree_map(lambda leaf: FRONTEND.value(leaf, "an argument"), args)
    tensors, tree = pytree.tree_flatten(args)
    key = ("torch", tree, *((tensor.shape, tensor.dtype) for tensor in tensors))
    known = function.compiled.get(key)
    if known is None:
        known = function.compiled[key] = _Derivative(function, args)
    result: tuple[Any, ...] = known.run(function, args, tensors)
    return result
