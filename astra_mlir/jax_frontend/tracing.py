"""How ``capture.py`` has JAX trace in less time: functions of ``jax.numpy`` are called, not traced on their own first.

Most of ``jax.numpy`` is compiled on its own, to be inlined where it is used: JAX traces such a function to a jaxpr for
the types of its arguments, and then writes that jaxpr's operations into the one around it.  Called directly it writes
the same operations there (``tests/api/test_jax_tracing.py`` compares), which takes half the time the first time.  What
is called more often is faster with a jaxpr, so the third call with the same types makes one.  Measured to the jaxpr:
a GPT block 17 to 12 ms, an MLP's train step 23 to 14, ResNet-18's 265 to 245.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from types import SimpleNamespace
from typing import Any

from jax._src import core, pjit, tree_util
from jax._src.lib import jax_jit

__all__ = ["capturing", "install"]

# True while this thread traces a function for Astra: functions compiled by Astra are then traced into it.
capturing: ContextVar[bool] = ContextVar("astra_capturing", default=False)

_DIRECT_CALLS = 2
_MOST_COUNTED = 4096

_calls: dict[int, tuple[Any, int]] = {}  # by JAX's entry for a function and its types, which is held here
_NO_JAXPR = SimpleNamespace(effects=(), consts=())


@cache
def install() -> None:
    """Replace the two functions of JAX that a compiled function goes through when it is called on traced values."""
    infer, run = pjit._infer_params, pjit._run_python_pjit

    def _infer_params(function: Callable[..., Any], info: Any, args: Any, kwargs: Any) -> Any:
        if info.inline and _is_traced() and function.__module__.startswith("jax."):
            entry = _entry(function, info, args, kwargs)
            if entry is not None and entry.pjit_params is None and _count(entry) < _DIRECT_CALLS:
                return _Result(function(*args, **kwargs)), ()
        return infer(function, info, args, kwargs)

    def _run_python_pjit(found: Any, flat: Any, *rest: Any) -> Any:
        if type(found) is _Result:
            return found.value, None, None, None, _NO_JAXPR, None, None, None
        return run(found, flat, *rest)

    pjit._infer_params, pjit._run_python_pjit = _infer_params, _run_python_pjit


class _Result:
    """What a function gave that was called."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _is_traced() -> bool:
    return capturing.get() and type(core.trace_ctx.trace) is not core.EvalTrace


def _entry(function: Callable[..., Any], info: Any, args: Any, kwargs: Any) -> Any:
    """What JAX remembers of a function for these types; None for arguments that it refuses, and in a mesh."""
    mesh = pjit.get_ctx_mesh(info.use_resource_env)
    if not mesh.empty:
        return None
    signature, dynamic = jax_jit.parse_arguments(
        args, tuple(kwargs.values()), tuple(kwargs), info.static_argnums, info.static_argnames,
        tree_util.tracing_registry,
    )  # fmt: skip
    try:
        types = tuple(map(core.shaped_abstractify, dynamic))
    except (OverflowError, TypeError):
        return None
    return pjit._infer_params_cached(function, info, signature, types, mesh)


def _count(entry: Any) -> int:
    """How often this was asked for an entry before."""
    _, count = _calls.get(id(entry), (entry, 0))
    if len(_calls) >= _MOST_COUNTED:
        _calls.clear()
    _calls[id(entry)] = entry, count + 1
    return count
