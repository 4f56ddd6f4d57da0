"""The transformations in PyTorch programs: the frontend of ``transformations/rules.py`` for functions of tensors.

A transformation that is called while Astra captures a function becomes one marker of its graph, whose function is a
graph of its own (captured with the rules that differentiation needs), and so ``stablehlo.custom_call @astra.<kind>``.
Gradients are PyTorch's: for complex numbers the conjugates of JAX's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.torch_frontend.capture import running_trace
from astra_mlir.torch_frontend.markers import Rule, apply_marker, new_marker, outputs_of, run_graph
from astra_mlir.torch_frontend.rules import conjugate
from astra_mlir.transformations.rules import FLOAT0, Float0, Traced

__all__ = ["FRONTEND", "TorchFrontend"]


@dataclass(frozen=True)
class _Spec:
    """Shape and element type."""

    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class _Structure:
    """A tree without its leaves; None is no leaf, unlike in ``torch.utils._pytree``."""

    tree: Any
    present: tuple[bool, ...]

    def __str__(self) -> str:
        return str(self.tree)


class TorchFrontend:
    """:class:`~astra_mlir.transformations.rules.Frontend` for functions of PyTorch tensors."""

    def flatten(self, tree: Any) -> tuple[list[Any], _Structure]:
        leaves, structure = pytree.tree_flatten(tree)
        present = tuple(leaf is not None for leaf in leaves)
        return [leaf for leaf in leaves if leaf is not None], _Structure(structure, present)

    def unflatten(self, structure: _Structure, leaves: Sequence[Any]) -> Any:
        rest = iter(leaves)
        return pytree.tree_unflatten([next(rest) if there else None for there in structure.present], structure.tree)

    def flatten_axes(self, what: str, structure: _Structure, axes: Any) -> list[int | None]:
        found = pytree._broadcast_to_and_flatten(axes, structure.tree)
        if found is None:
            raise AstraError(f"{what}: {axes!r} is not a prefix of the tree {structure}")
        return [axis for axis, there in zip(found, structure.present, strict=True) if there]

    def value(self, leaf: Any, what: str) -> torch.Tensor:
        if isinstance(leaf, torch.Tensor):
            return leaf
        if isinstance(leaf, np.ndarray) and leaf.dtype != FLOAT0:
            return torch.from_numpy(leaf)
        if isinstance(leaf, (bool, int, float, complex)):
            return torch.tensor(leaf)
        raise AstraError(f"{what} must be a tensor or a number, but is a {type(leaf).__name__}")

    def full(self, spec: Any, number: int) -> torch.Tensor:
        return torch.full(spec.shape, number, dtype=spec.dtype)

    def basis(self, spec: Any, size: int) -> torch.Tensor:
        return torch.eye(size, dtype=spec.dtype).reshape(size, *spec.shape)

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any:
        return value.reshape(shape)

    def spec(self, value: Any) -> _Spec:
        return _Spec(tuple(value.shape), value.dtype)

    def resized(self, spec: Any, shape: tuple[int, ...]) -> _Spec:
        return _Spec(tuple(shape), spec.dtype)

    def kind(self, spec: Any) -> str:
        if spec.dtype.is_floating_point:
            return "f"
        return "c" if spec.dtype.is_complex else "b" if spec.dtype == torch.bool else "i"

    def function(self, source: Any) -> Callable[..., Any]:
        if not callable(source):
            raise AstraError(f"a {type(source).__name__} cannot be called on PyTorch tensors")
        called: Callable[..., Any] = source
        return called

    def trace(self, function: Callable[..., Any], inputs: Sequence[Any], name: str) -> Traced:
        out: list[Any] = []

        def flat(*values: torch.Tensor) -> list[torch.Tensor]:
            leaves, structure = self.flatten(function(*values))
            places: list[int | Float0] = []
            results: list[torch.Tensor] = []
            for leaf in leaves:
                if getattr(leaf, "dtype", None) == FLOAT0:
                    places.append(Float0(tuple(leaf.shape)))
                else:
                    places.append(len(results))
                    results.append(self.value(leaf, f"a result of '{name}'").resolve_conj().resolve_neg())
            out[:] = [structure, tuple(places)]
            return results

        examples = [torch.empty(spec.shape, dtype=spec.dtype, device="meta") for spec in inputs]
        graph, hidden, written = running_trace().run(flat, examples, keep=True)
        if any(number < len(inputs) for number in written):
            raise UnsupportedError(
                f"'{name}' changes an argument in place and is transformed; work on a copy (.clone()), or give the new "
                "value as a result"
            )
        placeholders = list(graph.graph.find_nodes(op="placeholder"))
        for node in placeholders[len(inputs) :]:  # constants are the first operands of a transformation
            placeholders[0].prepend(node)
        graph.recompile()
        outputs = tuple(self.spec(node.meta["val"]) for node in outputs_of(graph))
        changed = tuple(number - len(inputs) for number in written)  # their new values are the last results
        return Traced((name, graph, changed), hidden, tuple(inputs), outputs, out[0], out[1], self)

    def bind(
        self, kind: str, traced: Traced, operands: Sequence[Any], attributes: dict[str, Any], outputs: Sequence[Any]
    ) -> list[Any]:
        name, _, changed = traced.handle
        if changed and kind == "vmap":
            raise UnsupportedError(
                f"'{name}' changes a tensor that it closes over in place (buffers of a module in training mode?), and "
                "astra.vmap applies it many times; call module.eval(), or give the new value as a result"
            )
        results = self._apply(kind, traced, operands, attributes, outputs)
        values = results[: len(traced.outputs)]
        with torch.no_grad():
            for position, value in zip(changed, values[len(values) - len(changed) :], strict=True):
                operands[position].copy_(value)
        return results

    def _apply(
        self, kind: str, traced: Traced, operands: Sequence[Any], attributes: dict[str, Any], outputs: Sequence[Any]
    ) -> list[Any]:
        name, graph, _ = traced.handle
        if kind == "call":
            return run_graph(graph, operands)
        count = len(traced.consts) + len(traced.inputs)
        operands = [*operands[:count], *(map(conjugate, operands[count:]) if kind == "vjp" else operands[count:])]
        number = new_marker(outputs)
        config = {key: value if isinstance(value, (int, str)) else list(value) for key, value in attributes.items()}
        running_trace().rules[number] = Rule(kind, name, {"callee": graph}, config)
        results = apply_marker(number, operands)
        if kind != "vjp":
            return results
        values = len(traced.outputs)
        return [*results[:values], *map(conjugate, results[values:])]


FRONTEND = TorchFrontend()
