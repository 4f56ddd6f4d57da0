"""What ``runtime/python/`` defines; users see the classes of ``executable.py`` and ``jax_frontend/functions.py``."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

_Spec = tuple[np.dtype[Any], tuple[int, ...]]

class Function:
    _num_threads: int
    def _bind(
        self,
        entry: int,
        arena_bytes: int,
        inputs: Sequence[_Spec],
        outputs: Sequence[_Spec],
        constants: tuple[np.ndarray[Any, Any], ...],
        aliases: tuple[int, ...],
        /,
    ) -> None: ...
    def __call__(self, *arguments: Any) -> tuple[np.ndarray[Any, Any], ...]: ...
    def run_pointers(self, addresses: Sequence[int], /) -> tuple[np.ndarray[Any, Any], ...]: ...

class Plan:
    _num_threads: int
    @property
    def _last_used(self) -> int: ...
    def _bind(
        self,
        function: Function,
        avals: tuple[Any, ...],
        wraps: tuple[Any, ...],
        tree: Any,
        unflatten: Any,
        kind: int,
        donated: tuple[int, ...],
        hidden: tuple[Any, ...] = (),
        elements: tuple[tuple[int, int], ...] = (),
        /,
    ) -> None: ...
    def run(self, leaves: Sequence[Any], /) -> Any: ...

class Dispatcher:
    @property
    def _native_hits(self) -> int: ...
    def _set_static(self, positions: tuple[int, ...], names: frozenset[str], /) -> None: ...
    def _set_on_tensors(self, other: Any, /) -> None: ...
    def _set_modules(self, modules: list[Any], /) -> None: ...
    def _numbered(self, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> tuple[Any, Any]: ...
    def _remember(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], plan: Plan, order: tuple[int, ...], /
    ) -> None: ...
    def _forget(self, plan: Plan | None, /) -> int: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class Launches:
    def __init__(
        self, parameters: tuple[tuple[str, bool] | tuple[str, bool, Any], ...], check: Callable[[int], None], /
    ) -> None: ...
    def launch(self, grid: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> bool | tuple[Any, ...]: ...
    def add(
        self,
        key: tuple[Any, ...],
        module: int,
        kernel: int,
        written: bytes,
        watched: tuple[tuple[Any, str | None, Any], ...],
        kept: Any,
        /,
    ) -> None: ...

def initialize(api: int, context: int, thread_override: ContextVar[int], /) -> None: ...
def use_jax(
    *,
    array_type: type,
    key_type: type,
    device_put: Any,
    sharding: Any,
    devices: list[Any],
    flatten: Any,
    trace_context: Any,
    pointer_of: Any,
    collect: Any,
) -> None: ...
def element_type(tensor: Any, /) -> tuple[int, int]: ...
def use_torch(tensor_type: type, parameter_type: type, table: Any, settings: Any, /) -> None: ...
def empty(spec: _Spec, /) -> np.ndarray[Any, Any]: ...
def processor_identity() -> bytes: ...
