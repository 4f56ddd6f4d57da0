"""What is replaced in PyTorch while ``capture.py`` traces: calls that leave no operation, yet decide gradients.

``torch.autograd.Function.apply`` is handed to ``torch_frontend/rules.py``.  Hooks, and changes of what a tensor is that
go past the dispatcher, are refused: the trace would lose them, and gradients would be others than PyTorch's.  The
changes are to the process; threads other than those that trace see what PyTorch does.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import torch
from torch.autograd.function import Function, _HookMixin
from torch.autograd.graph import saved_tensors_hooks

from astra_mlir.errors import UnsupportedError
from astra_mlir.torch_frontend.markers import place_of

__all__ = ["patched", "recorder"]

# The mode that records this thread's operations; its ``keeps_rules`` says whether for differentiation.
recorder: ContextVar[Any] = ContextVar("astra_torch_recorder", default=None)

_lock = threading.Lock()
_depth = 0
_NOTHING = object()
_HOOKS = "; compiled code does not call hooks: give what it does as the backward of a torch.autograd.Function"


@contextlib.contextmanager
def patched() -> Iterator[None]:
    """While active (in any thread) PyTorch has the replacements of this module."""
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            for owner, name, value, _ in _PATCHES:
                setattr(owner, name, value)
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if not _depth:
                for owner, name, _, original in _PATCHES:
                    delattr(owner, name) if original is _NOTHING else setattr(owner, name, original)


def _apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
    # Runs as the code of PyTorch's own function, among its globals: bound methods made earlier run it, too.
    from astra_mlir.torch_frontend.rules import apply_function

    return apply_function(cls, *args, **kwargs)


def _keeps_rules() -> bool:
    return recorder.get() is not None and recorder.get().keeps_rules


def _refuse(what: str) -> None:
    raise UnsupportedError(f"{place_of(sys._getframe(2))}: {what}")


def _refusing(original: Any, what: str, way: str, applies: Callable[[Any], bool]) -> Callable[..., Any]:
    """The original, refused in a function to differentiate where it ``applies`` to its first argument."""

    def replacement(first: Any, *args: Any, **kwargs: Any) -> Any:
        if _keeps_rules() and applies(first):
            _refuse(f"{what}, in a function to differentiate{way}")
        return original(first, *args, **kwargs)

    return replacement


def _has_gradient(tensor: Any) -> bool:
    return isinstance(tensor, torch.Tensor) and tensor.requires_grad


def _are_users(hooks: Any) -> bool:
    """Whether hooks on saved tensors are not PyTorch's own, which change no value (checkpoint, save_on_cpu)."""
    return type(hooks) is saved_tensors_hooks or not type(hooks).__module__.startswith("torch.")


_data: Any = torch._C.TensorBase.data


def _set_data(tensor: torch.Tensor, value: torch.Tensor) -> None:
    if recorder.get() is not None:
        _refuse(
            "an assignment to .data exchanges a tensor's memory, which a compiled function cannot follow; use "
            "tensor.copy_(value) under torch.no_grad(), or a new variable"
        )
    _data.__set__(tensor, value)


_DETACH = "detach_ changes in place whether gradients flow", "; use y = y.detach()"
_saved_tensor: Any = torch._C._autograd.SavedTensor
_function_apply: Any = Function.__dict__["apply"].__func__
_code = _function_apply.__code__

# Owner, attribute, what it is while tracing, what it was.
_PATCHES: list[tuple[Any, str, Any, Any]] = [
    (_function_apply, "__code__", _apply.__code__.replace(co_freevars=_code.co_freevars), _code),
    (torch.Tensor, "data", property(_data.__get__, _set_data), _NOTHING),
    (torch.Tensor, "detach_", _refusing(torch.Tensor.detach_, *_DETACH, _has_gradient), _NOTHING),
    (torch, "detach_", _refusing(torch.detach_, *_DETACH, _has_gradient), torch.detach_),
    *(
        (torch.Tensor, name, _refusing(getattr(torch.Tensor, name), f"{name} sets a hook", _HOOKS, _has_gradient),
         getattr(torch.Tensor, name))
        for name in ("register_hook", "register_post_accumulate_grad_hook")
    ),
    (_HookMixin, "_register_hook",
     staticmethod(_refusing(_HookMixin._register_hook, "grad_fn.register_hook sets a hook", _HOOKS, lambda _: True)),
     _HookMixin.__dict__["_register_hook"]),
    (saved_tensors_hooks, "__enter__",
     _refusing(saved_tensors_hooks.__enter__, "saved_tensors_hooks sets a hook", _HOOKS, _are_users),
     saved_tensors_hooks.__enter__),
    (_saved_tensor, "register_hooks",
     _refusing(_saved_tensor.register_hooks, "register_hooks sets a hook", _HOOKS, lambda _: True),
     _saved_tensor.__dict__["register_hooks"]),
]  # fmt: skip
