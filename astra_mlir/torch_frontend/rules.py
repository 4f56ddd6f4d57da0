"""What differentiation needs to know of a PyTorch program, kept while ``torch_frontend/capture.py`` traces it.

Lowering would erase it: ``detach`` is the identity, a gradient mode is no operation, and of a
``torch.autograd.Function`` only its forward operations would remain.  While a function is traced, marker operations
record these; they become ``astra.stop_gradient`` and ``astra.custom_vjp``.  Whether a value is differentiable is not
modelled here but observed: the trace runs PyTorch's own autograd on fake tensors that require gradients.
"""

from __future__ import annotations

import contextlib
import inspect
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

import torch
from torch.autograd.function import Function, FunctionCtx, once_differentiable
from torch.fx import GraphModule
from torch.fx import traceback as fx_traceback
from torch.nn.modules._functions import BackwardHookFunction
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import CheckpointFunction

from astra_mlir.errors import UnsupportedError
from astra_mlir.torch_frontend.markers import (
    MarkerCall,
    Rule,
    Traced,
    apply_marker,
    call,
    is_inexact,
    new_marker,
    original_apply,
    outputs_of,
    place_of,
    run_graph,
    stop_gradient,
    user_frame,
)  # fmt: skip
from astra_mlir.torch_frontend.patches import patched, recorder

__all__ = ["KeepRules", "RecordPlaces", "apply_function", "conjugate", "recording"]

_aten = torch.ops.aten

# --- modes -------------------------------------------------------------------------------------------------------

# What makes a tensor of Python's numbers part of the trace: it has the tensor's value.
_LIFTING = (_aten.lift_fresh.default, _aten.lift_fresh_copy.default, _aten.lift.default)
_INDEXING = (
    _aten.index.Tensor, _aten._unsafe_index.Tensor, _aten.index_put.default, _aten.index_put_.default,
    _aten._unsafe_index_put.default, _aten._index_put_impl_.default,
)  # fmt: skip


def _with_indices_from_the_front(function: Any, args: Any) -> Any:
    """The arguments with indices that count from the end turned into others: torch-mlir takes them for 0."""
    if function not in _INDEXING:
        return args
    indices = [
        index if index is None or not _is_signed(index) else torch.where(index < 0, index + size, index)
        for index, size in zip(args[1], args[0].shape, strict=False)
    ]
    return (args[0], indices, *args[2:])


def _is_signed(index: torch.Tensor) -> bool:
    return index.dtype not in (torch.bool, torch.uint8)


class RecordPlaces(TorchDispatchMode):
    """Active while a function is traced: gives each operation its place in the user's source.

    Tensors that the function closes over become fake by ``fake``, so that tracing never computes with them.
    """

    keeps_rules = False

    def __init__(self, fake: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.fake = fake

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # its wrapper would stand between an operation and the frame that called it

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        frame = user_frame(sys._getframe(1))
        if frame is not None:
            code = frame.f_code
            fx_traceback.set_stack_trace([f'File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}\n'])
        args, kwargs = _with_indices_from_the_front(function, args), kwargs or {}
        if function not in _LIFTING:
            args, kwargs = pytree.tree_map_only(torch.Tensor, self.fake, (args, kwargs))
        return self.record(function, args, kwargs)

    def record(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Record the operation."""
        return function(*args, **kwargs)

    def finish(self) -> None:
        """Let go of frames and storages."""


class KeepRules(RecordPlaces):
    """Records markers, too: it sees each operation below autograd, and whether operands require gradients.

    ``trace(function, tensors, keep)`` traces a part of a ``Function`` on its own; ``rules`` collects what was found.
    """

    keeps_rules = True

    def __init__(
        self, trace: Callable[[Callable[..., Any], Sequence[Any], bool], Traced], rules: dict[int, Rule],
        fake: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:  # fmt: skip
        super().__init__(fake)
        self.trace = trace
        self.rules = rules
        self._last: tuple[FrameType | None, int, Any] = (None, -1, None)
        self._stopped: dict[int, Any] = {}  # storages of what markers gave, kept alive so that no other takes the key

    def record(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Record the operation with what it hides from gradients marked."""
        if function.namespace in ("astra", "prim"):
            return function(*args, **kwargs)
        caller = sys._getframe(2)
        previous, self._last = self._last, (caller, caller.f_lasti, function)
        if function is _aten.detach.default:
            return self._detach(args[0], previous)
        if function._schema.is_mutable:
            self._check_written(function, args, kwargs)
            if not torch.is_grad_enabled() and self._is_differentiable(args[0]):
                return self._write_unseen(function, args, kwargs)
        if not torch.is_grad_enabled():
            args, kwargs = pytree.tree_map_only(torch.Tensor, self._stop, (args, kwargs))
        return function(*args, **kwargs)

    def finish(self) -> None:
        self._last = (None, -1, None)
        self._stopped.clear()

    def _detach(self, tensor: torch.Tensor, previous: tuple[FrameType | None, int, Any]) -> Any:
        # Autograd detaches the results that it saves, within the very call that computed them; such a detachment says
        # nothing about the value that goes on.  A call of detach is a call of its own, at another instruction.
        frame, instruction, function = self._last
        if previous[0] is frame and previous[1] == instruction and previous[2] is not function:
            self._last = previous
            return _aten.detach.default(tensor)
        return self._stop(tensor) if tensor.requires_grad else _aten.detach.default(tensor)

    def _stop(self, tensor: torch.Tensor) -> torch.Tensor:
        if not (tensor.requires_grad and is_inexact(tensor)):
            return tensor
        result: torch.Tensor = stop_gradient(tensor)
        storage = result.untyped_storage()
        self._stopped[storage._cdata] = storage
        return result

    def _check_written(self, function: Any, args: Any, kwargs: Any) -> None:
        """Refuse a change in place that would be lost, or be seen by gradients, where the marker copied."""
        for position, argument in enumerate(function._schema.arguments):
            if argument.alias_info is None or not argument.alias_info.is_write:
                continue
            value = args[position] if position < len(args) else kwargs.get(argument.name)
            for tensor in pytree.tree_leaves(value):
                why = self._why_not_written(tensor) if isinstance(tensor, torch.Tensor) else None
                if why is not None:
                    raise UnsupportedError(
                        f"{place_of(sys._getframe(3))}: {function} changes in place {why}, in a function to "
                        "differentiate; work on a copy (.clone()) or without changing in place"
                    )

    def _why_not_written(self, tensor: torch.Tensor) -> str | None:
        if tensor.untyped_storage()._cdata in self._stopped:
            return "a detached tensor, which shares its memory with the one it was detached from"
        return None

    @staticmethod
    def _is_differentiable(tensor: Any) -> bool:
        return isinstance(tensor, torch.Tensor) and tensor.requires_grad and is_inexact(tensor)

    def _write_unseen(self, function: Any, args: Any, kwargs: Any) -> torch.Tensor:
        """Change a tensor in place such that its value changes, and its derivative stays that of the old value."""
        target: torch.Tensor = args[0]
        rest, kwargs = pytree.tree_map_only(torch.Tensor, self._stop, (args[1:], kwargs))
        new = function(stop_gradient(target).clone(), *rest, **kwargs)
        number = new_marker([target])
        two, one = [target, new], [target]
        self.rules[number] = Rule("custom_vjp", "unseen_write", {
            "callee": _graph(two, lambda graph, old, new: [new]),
            "forward": _graph(two, lambda graph, old, new: [_first(graph, call, ([old, new], number))]),
            "backward": _graph(one, lambda graph, c: [c, graph.call_function(_aten.zeros_like.default, (c,))]),
        })  # fmt: skip
        written: torch.Tensor = _aten.copy_.default(target, call([target, new], number)[0])
        return written


def _graph(examples: Sequence[torch.Tensor], build: Callable[..., list[torch.fx.Node]]) -> GraphModule:
    """A graph whose values all are like the first example, made by hand where nothing can be traced."""
    graph = torch.fx.Graph()
    results = build(graph, *(graph.placeholder(f"value_{i}") for i in range(len(examples))))
    graph.output(results)
    for node in graph.nodes:
        node.meta["val"] = [examples[0].detach()] if node.target is call else examples[0].detach()
    return GraphModule(torch.nn.Module(), graph)


def _first(graph: torch.fx.Graph, function: Any, args: tuple[Any, ...]) -> torch.fx.Node:
    return graph.call_function(operator.getitem, (graph.call_function(function, args), 0))


@contextlib.contextmanager
def recording(mode: RecordPlaces) -> Iterator[None]:
    """While active, ``mode`` records this thread's operations and, if it keeps rules, autograd functions."""
    token = recorder.set(mode)
    try:
        with patched(), mode:
            yield
    finally:
        recorder.reset(token)
        mode.finish()


# --- torch.autograd.Function -------------------------------------------------------------------------------------


def apply_function(cls: Any, *args: Any, **kwargs: Any) -> Any:
    """``cls.apply`` while functions are traced: kept as a rule where this thread keeps rules, else PyTorch's own."""
    keeper = recorder.get()
    if keeper is not None and cls is CheckpointFunction:  # what it computes again in reverse mode is the same
        return args[0](*args[2:])
    if not isinstance(keeper, KeepRules) or cls is MarkerCall or not torch.is_grad_enabled():
        return original_apply(cls, *args, **kwargs)
    tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    if not any(tensor.requires_grad for tensor in tensors):
        return original_apply(cls, *args, **kwargs)
    if cls is BackwardHookFunction:
        raise UnsupportedError(
            f"{place_of(sys._getframe(1))}: a module has backward hooks (register_full_backward_hook), which compiled "
            "code does not call; remove them from a module to differentiate, or give a torch.autograd.Function"
        )
    if torch._C._are_functorch_transforms_active():
        raise UnsupportedError(
            f"{place_of(sys._getframe(1))}: {cls.__name__} (a torch.autograd.Function) inside of a transformation of "
            "torch.func: its rule would be lost to the derivative outside; transform with astra.grad and astra.vmap"
        )
    if _has_setup_context(cls):
        bound = inspect.signature(cls.forward).bind(*args, **kwargs)
        bound.apply_defaults()
        args, kwargs = bound.args, {}
    if kwargs:
        raise TypeError("apply() takes no keyword arguments")
    return _Application(keeper, cls, args).result()


class _Context(FunctionCtx):
    """``ctx`` of a ``Function`` whose parts are traced on their own."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return tuple(self.__dict__.get("to_save", ()))


class _Application:
    """One application of a ``Function``, its parts traced over flat operands.

    The operands of the rule are the tensors among the arguments, then tensors that ``forward`` closes over, then those
    that ``backward`` does.  ``forward`` of the rule applies it again for its results, so that second derivatives of
    these are the rule's, too, and gives as residuals what the context keeps: arguments as they are, results of that
    application, and other values as constants, which is what they are to PyTorch.
    """

    def __init__(self, keeper: KeepRules, cls: Any, args: tuple[Any, ...]) -> None:
        self.keeper, self.cls = keeper, cls
        self.place = place_of(sys._getframe(2))
        self.leaves, self.tree = pytree.tree_flatten(args)
        self.positions = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, torch.Tensor)]
        self.tensors: list[torch.Tensor] = [self.leaves[i] for i in self.positions]
        self.context = _Context(tuple(isinstance(a, torch.Tensor) and a.requires_grad for a in args))
        self.args = args
        # Autograd knows of tensors that are arguments themselves, not of those inside of lists and the like.
        self.argument_of = [
            i if isinstance(argument, torch.Tensor) else None
            for i, argument in enumerate(args)
            for leaf in pytree.tree_leaves(argument)
            if isinstance(leaf, torch.Tensor)
        ]
        self.output: Any = None

    def result(self) -> Any:
        """Trace the parts, apply their rule, and give what ``apply`` gives."""
        traced = self.keeper.trace(self._forward, self.tensors, False)
        count = len(self.results)
        values = [node.meta["val"] for node in outputs_of(traced.graph)]
        results, residuals = values[:count], values[count:]
        inexact = [i for i, result in enumerate(results) if is_inexact(result)]
        cotangents = [results[i] for i in inexact]
        plain = _is_once_differentiable(self.cls.backward)
        backward = self.keeper.trace(
            lambda *values: self._backward(values[: len(residuals)], values[len(residuals) :]),
            [*residuals, *cotangents], not plain,
        )  # fmt: skip
        operands = [*self.tensors, *traced.hidden, *backward.hidden]
        kept = len(operands) - len(backward.hidden)

        def callee(*operands: Any) -> Any:
            return run_graph(traced.graph, operands[:kept])[:count]

        def rule_backward(*values: Any) -> Any:
            split = len(residuals) + len(backward.hidden)
            found = run_graph(
                backward.graph, [*values[: len(residuals)], *values[split:], *values[len(residuals) : split]]
            )
            closed_over = operands[len(self.tensors) :]
            return [*found, *(torch.zeros(t.shape, dtype=t.dtype) for t in closed_over if is_inexact(t))]

        callee_graph = self._part(callee, operands)
        backward_graph = self._part(rule_backward, [*residuals, *backward.hidden, *cotangents])
        kinds = _residual_kinds(traced.graph, count)

        def rule_forward(*operands: Any) -> Any:
            values = run_graph(traced.graph, operands[:kept])
            found = call(list(operands), number)
            saved = [
                value if kind == "operand" else found[kind] if isinstance(kind, int) else stop_gradient(value)
                for kind, value in zip(kinds, values[count:], strict=True)
            ]
            return [*found, *saved, *operands[kept:]]

        number = new_marker(results)
        forward_graph = self._part(rule_forward, operands)
        functions = {"callee": callee_graph, "forward": forward_graph, "backward": backward_graph}
        self.keeper.rules[number] = Rule("custom_vjp", self.cls.__name__, functions)
        found = apply_marker(number, operands)
        return self._as_given(found)

    def _part(self, function: Callable[..., Any], tensors: Sequence[Any]) -> GraphModule:
        return self.keeper.trace(function, tensors, False).graph

    def _arguments(self, tensors: Sequence[Any]) -> Any:
        leaves = list(self.leaves)
        for position, tensor in zip(self.positions, tensors, strict=True):
            leaves[position] = tensor
        return pytree.tree_unflatten(leaves, self.tree)

    def _forward(self, *tensors: Any) -> list[torch.Tensor]:
        args, context = self._arguments(tensors), self.context
        with torch.no_grad():
            if _has_setup_context(self.cls):
                output = self.cls.forward(*args)
                self.cls.setup_context(context, args, output)
            else:
                output = self.cls.forward(context, *args)
        if getattr(context, "dirty_tensors", ()):
            raise self._refuse("changes its argument in place (mark_dirty); return a new tensor")
        self.output = output
        outputs = output if isinstance(output, tuple) else (output,)
        self.results = [value for value in outputs if isinstance(value, torch.Tensor)]
        constants = {id(t) for t in getattr(context, "non_differentiable", ())}
        self.constant_results = [id(result) in constants for result in self.results]
        state = {k: v for k, v in vars(context).items() if k not in _NOT_SAVED}
        differentiable = [is_inexact(r) and not c for r, c in zip(self.results, self.constant_results, strict=True)]
        self.materialized = getattr(context, "materialize_grads", True)
        if not self.materialized and sum(differentiable) > 1:
            raise self._refuse(
                "sets set_materialize_grads(False) and has several differentiable results: which of their gradients "
                "are None is not known before the code runs; take zeros instead"
            )
        self.state, self.state_tree = pytree.tree_flatten(state)
        self.saved = [i for i, leaf in enumerate(self.state) if isinstance(leaf, torch.Tensor)]
        return [*self.results, *(self.state[i] for i in self.saved)]

    def _backward(self, residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[torch.Tensor]:
        context = _Context(self.context.needs_input_grad)
        state = list(self.state)
        for position, residual in zip(self.saved, residuals, strict=True):
            state[position] = residual
        context.__dict__.update(pytree.tree_unflatten(state, self.state_tree))
        rest = iter(cotangents)
        outputs = self.output if isinstance(self.output, tuple) else (self.output,)
        constants = iter(self.constant_results)
        given: list[Any] = []
        for value in outputs:
            if not isinstance(value, torch.Tensor):
                given.append(None)
                continue
            # PyTorch's cotangents of complex numbers are the conjugates of JAX's, which Astra has.
            cotangent = conjugate(next(rest)) if is_inexact(value) else torch.zeros(value.shape, dtype=value.dtype)
            constant = next(constants)
            has_none = not self.materialized and (constant or not is_inexact(value))
            given.append(None if has_none else cotangent)
        found = self.cls.backward(context, *given)
        found = found if isinstance(found, tuple) else (found,)
        if len(found) < len(self.args) or any(g is not None for g in found[len(self.args) :]):
            raise self._refuse(
                f"gives {len(found)} gradients from backward, but was applied to {len(self.args)} arguments"
            )
        return [
            self._fitted(None if i is None else found[i], tensor)
            for i, tensor in zip(self.argument_of, self.tensors, strict=True)
            if is_inexact(tensor)
        ]

    def _fitted(self, gradient: Any, tensor: torch.Tensor) -> torch.Tensor:
        """A gradient that ``backward`` gave, as autograd takes it for a tensor."""
        if gradient is None:
            return torch.zeros(tensor.shape, dtype=tensor.dtype)
        if gradient.shape != tensor.shape:
            gradient = gradient.sum_to_size(tensor.shape)
        return conjugate(gradient.to(tensor.dtype))

    def _as_given(self, found: list[torch.Tensor]) -> Any:
        """The results in the structure that ``forward`` gave."""
        rest = iter(
            result.detach() if constant else result
            for result, constant in zip(found, self.constant_results, strict=True)
        )
        if not isinstance(self.output, tuple):
            return next(rest)
        return tuple(next(rest) if isinstance(value, torch.Tensor) else value for value in self.output)

    def _refuse(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"{self.place}: {self.cls.__name__} (a torch.autograd.Function) {what}")


_NOT_SAVED = ("needs_input_grad", "non_differentiable", "dirty_tensors", "materialize_grads", "saved_for_forward")


def conjugate(tensor: torch.Tensor) -> torch.Tensor:
    """The complex conjugate; a real tensor as it is."""
    return torch.conj_physical(tensor) if tensor.dtype.is_complex else tensor


def _has_setup_context(cls: Any) -> bool:
    return cls.setup_context is not Function.setup_context


def _is_once_differentiable(backward: Any) -> bool:
    code = getattr(backward, "__code__", None)
    return code is not None and code is _ONCE_DIFFERENTIABLE


_ONCE_DIFFERENTIABLE = once_differentiable(lambda ctx: None).__code__


def _residual_kinds(graph: GraphModule, count: int) -> list[str | int]:
    """For each output after the first ``count``: ``operand``, the number of the result that it is, or ``value``."""
    nodes = outputs_of(graph)
    results = {node: i for i, node in reversed(list(enumerate(nodes[:count])))}
    return [
        "operand"
        if node.op == "placeholder"
        else results.get(node, "value" if is_inexact(node.meta["val"]) else "operand")
        for node in nodes[count:]
    ]
