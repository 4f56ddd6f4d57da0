"""Markers in the graphs of PyTorch programs: operations of Astra and StableHLO that PyTorch does not have.

A marker is an operation of a library of PyTorch's of its own, so that tracing takes it for any other; what the rules
that markers apply consist of stands beside the graph.  ``torch_frontend/lowering.py`` turns markers into custom calls.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import torch
from torch.autograd.function import Function
from torch.fx import GraphModule, Interpreter

from astra_mlir.errors import UnsupportedError

__all__ = [
    "MarkerCall", "Rule", "Traced", "apply_marker", "call", "direct", "is_inexact", "is_user_file", "marker_results",
    "new_marker", "node_place", "original_apply", "outputs_of", "place_of", "run_graph", "stop_gradient", "user_frame",
]  # fmt: skip

_PACKAGES = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))


def is_inexact(tensor: torch.Tensor) -> bool:
    """Whether elements are floats or complex numbers: those that have derivatives."""
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def is_user_file(name: str) -> bool:
    """Whether a file is neither PyTorch's, Astra's nor generated."""
    return not name.startswith(("<", *_PACKAGES))


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame, from ``frame`` outwards, of code that is neither PyTorch's nor Astra's."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def place_of(frame: FrameType | None) -> str:
    """``file:line`` of the user's code that runs in ``frame`` or called it."""
    frame = user_frame(frame)
    return "unknown location" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def node_place(node: Any) -> str:
    """``file:line`` of a graph's node."""
    match = re.search(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
    return "unknown location" if match is None else f"{match[1]}:{match[2]}"


# --- markers -----------------------------------------------------------------------------------------------------

# ``call`` applies rule number ``rule`` of the trace; what it gives stands in _marker_results meanwhile.
_library = torch.library.Library("astra", "FRAGMENT")
_library.define("stop_gradient(Tensor operand) -> Tensor")
_library.define("call(Tensor[] operands, int rule) -> Tensor[]")
marker_results: dict[int, list[tuple[torch.Size, torch.dtype]]] = {}
_numbers = itertools.count()


def _empty_stop_gradient(operand: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(operand, memory_format=torch.contiguous_format)


def _empty_results(operands: list[torch.Tensor], rule: int) -> list[torch.Tensor]:
    return [torch.empty(shape, dtype=dtype, device="meta") for shape, dtype in marker_results[rule]]


# Operations of StableHLO that PyTorch's importer does not know, called by decompositions.
_library.define("complex(Tensor real, Tensor imag) -> Tensor")
_library.define("real(Tensor operand) -> Tensor")
_library.define("imag(Tensor operand) -> Tensor")
_library.define("remainder(Tensor lhs, Tensor rhs) -> Tensor")


def _empty_part(operand: torch.Tensor) -> torch.Tensor:
    return torch.empty(operand.shape, dtype=operand.dtype.to_real(), device="meta")


def _empty_complex(real: torch.Tensor, imag: torch.Tensor) -> torch.Tensor:
    return torch.empty(real.shape, dtype=real.dtype.to_complex(), device="meta")


_library.impl("real", _empty_part, "Meta")
_library.impl("imag", _empty_part, "Meta")
_library.impl("complex", _empty_complex, "Meta")
_library.impl("remainder", lambda lhs, rhs: torch.empty(lhs.shape, dtype=lhs.dtype, device="meta"), "Meta")
_ELEMENTWISE = {"add": 2, "subtract": 2, "multiply": 2, "divide": 2, "negate": 1, "exponential": 1}
for _name, _count in _ELEMENTWISE.items():
    _library.define(f"{_name}({', '.join(f'Tensor operand_{i}' for i in range(_count))}) -> Tensor")
    _library.impl(_name, lambda x, *rest: torch.empty(x.shape, dtype=x.dtype, device="meta"), "Meta")
_DIRECT = ("complex", "real", "imag", "remainder", *_ELEMENTWISE)
direct = {getattr(torch.ops.astra, name).default: f"stablehlo.{name}" for name in _DIRECT}

_library.impl("stop_gradient", _empty_stop_gradient, "Meta")
_library.impl("call", _empty_results, "Meta")
stop_gradient = torch.ops.astra.stop_gradient.default
call = torch.ops.astra.call.default


_apply: Any = Function.__dict__["apply"].__func__
# A copy, since the code of Function.apply itself is replaced while functions are traced.
original_apply = FunctionType(_apply.__code__, _apply.__globals__, "apply", _apply.__defaults__, _apply.__closure__)


class MarkerCall(Function):
    """The marker of a rule as autograd sees it: differentiable, so that ``requires_grad`` is what it will be."""

    @staticmethod
    def forward(ctx: Any, rule: int, *operands: torch.Tensor) -> Any:
        return tuple(call(list(operands), rule))

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        raise UnsupportedError(
            f"{place_of(sys._getframe(1))}: torch.autograd inside of a function to differentiate meets a "
            "torch.autograd.Function, whose rule would be lost; differentiate with astra.grad, or with torch.func.grad "
            "outside of the part that uses it"
        )


def new_marker(results: Iterable[torch.Tensor]) -> int:
    """The number of a new rule, whose results are like these."""
    number = next(_numbers)
    marker_results[number] = [(result.shape, result.dtype) for result in results]
    return number


def apply_marker(number: int, operands: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Apply a rule to values of the running trace."""
    return list(original_apply(MarkerCall, number, *operands))


@dataclass(frozen=True)
class Traced:
    """A graph in functional form: ``graph(*arguments, *hidden)`` gives a list of tensors."""

    graph: GraphModule
    hidden: tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Rule:
    """An operation ``astra.<kind>`` of functions: these by the attribute that names them, and the other attributes."""

    kind: str
    name: str
    functions: dict[str, GraphModule]
    attributes: dict[str, int | str | list[int]] = field(default_factory=dict)


def outputs_of(graph: GraphModule) -> list[Any]:
    """The nodes that are a graph's results."""
    return list(next(node for node in graph.graph.nodes if node.op == "output").args[0])


def run_graph(graph: GraphModule, arguments: Sequence[Any]) -> list[Any]:
    """The results of a graph for these arguments, as a part of the running trace."""
    return list(Interpreter(graph).run(*arguments))
