"""Functions in native code that compiled programs call by name: handlers of XLA's foreign function interface.

``stablehlo.custom_call @name`` of a program calls what was registered under the name, in this process, with the arrays
in place and the attributes of ``mhlo.backend_config``.
"""

from __future__ import annotations

import ctypes
from typing import Any

from astra_mlir.call_targets import TARGETS
from astra_mlir.errors import AstraError
from astra_mlir.runtime import runtime

__all__ = ["register_function", "register_target"]

_STAGES = ("instantiate", "prepare", "initialize", "execute")


def register_target(name: str, handler: Any) -> None:
    """Let compiled programs call a handler of XLA's FFI under a name.

    ``handler`` is a PyCapsule or an address of an ``XLA_FFI_Handler``, or a dict of them for the stages
    (``"execute"`` is required, ``"instantiate"``, ``"prepare"`` and ``"initialize"`` are not): what
    ``jax.ffi.register_ffi_target`` takes.  A later registration of the name replaces an earlier one.

    Raises :class:`AstraError` for anything else.
    """
    stages = handler if isinstance(handler, dict) else {"execute": handler}
    unknown = set(stages) - set(_STAGES)
    if unknown or stages.get("execute") is None:
        raise AstraError(f"the handler of '{name}' must have a stage 'execute' and others of {', '.join(_STAGES[:3])}")
    addresses = [_address(name, stages.get(stage)) for stage in _STAGES]
    active = runtime()
    active.check(active.api.register_xla_handler(name.encode(), *addresses))
    TARGETS.add(name)


def register_function(name: str, function: ctypes.c_void_p) -> None:
    """Let compiled programs call a function of the runtime's own interface (``astra_target_fn``) under a name."""
    active = runtime()
    active.check(active.api.register_target(name.encode(), function, None))
    TARGETS.add(name)


def _address(name: str, handler: Any) -> int | None:
    if handler is None:
        return None
    if isinstance(handler, int) and not isinstance(handler, bool):
        return handler
    if type(handler).__name__ != "PyCapsule":
        raise AstraError(f"the handler of '{name}' must be a PyCapsule or an address, not a {type(handler).__name__}")
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(get_pointer(handler, get_name(handler)))
