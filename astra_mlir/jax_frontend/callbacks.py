"""Calls from compiled programs back into Python: ``jax.pure_callback``, ``io_callback``, ``debug.print`` and the like.

JAX lowers each of them by ``emit_python_callback``, which knows its own backends only; ``install`` adds Astra's.  A
callback becomes a custom call with a number, under which the Python function is found when the program calls it.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import itertools
import os
import re
import traceback
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np
from jax._src import buffer_callback as jax_buffer_callback
from jax._src import callback as jax_callback
from jax._src import config, dtypes, ffi
from jax._src import mesh as mesh_lib
from jax._src.buffer_callback import buffer_callback_p
from jax._src.interpreters import mlir

from astra_mlir.call_targets import CALLBACK, dtype_of_number

__all__ = ["TARGET", "called_by", "install"]

TARGET = "astra_python_callback"
PLATFORMS = ("astra", "astra_autodiff")

# Names mean nothing in another process: programs that come from one say so.
_PROCESS = os.urandom(6).hex()
_NAME = re.compile(CALLBACK.encode() + rb"[0-9a-f]+ [0-9]+")
_numbers = itertools.count()


class _Registration:
    """A Python function that programs may call, by its name, for as long as someone holds this."""

    def __init__(self, function: Callable[..., Any], in_place: bool = False) -> None:
        self.name = f"{CALLBACK}{_PROCESS} {next(_numbers)}"
        self.function = function
        self.in_place = in_place  # whether it takes views of operands and results and gives nothing
        _registrations[self.name] = self


_registrations: weakref.WeakValueDictionary[str, _Registration] = weakref.WeakValueDictionary()


def called_by(program: bytes) -> list[Any]:
    """What must be held for the callbacks of a program (a portable artifact) to work."""
    names = {name.decode() for name in _NAME.findall(program)}
    return [registration for registration in map(_registrations.get, names) if registration is not None]


@cache
def install() -> None:
    """Let JAX lower callbacks for Astra's platforms."""
    original = jax_callback.emit_python_callback

    def emit(
        ctx: Any, callback: Any, token: Any, operands: Any, operand_avals: Any, result_avals: Any, **how: Any
    ) -> Any:
        platforms = ctx.module_context.platforms
        if len(platforms) != 1 or platforms[0] not in PLATFORMS:
            return original(ctx, callback, token, operands, operand_avals, result_avals, **how)
        sharding = how.get("sharding")
        return _emit(ctx, callback, token, operands, operand_avals, result_avals, how["has_side_effect"], sharding)

    jax_callback.emit_python_callback = emit
    entry = mlir._lowerings[buffer_callback_p]
    for platform in PLATFORMS:
        rule = functools.partial(_lower_buffer_callback, entry.rule)
        mlir._platform_specific_lowerings[platform][buffer_callback_p] = mlir.LoweringRuleEntry(rule, False)


@cache
def _register() -> None:
    from astra_mlir import ffi as targets

    targets.register_function(TARGET, ctypes.cast(_entry, ctypes.c_void_p))


def _emit(
    ctx: Any, callback: Callable[..., Any], token: Any, operands: Sequence[Any], operand_avals: Sequence[Any],
    result_avals: Sequence[Any], has_side_effect: bool, sharding: Any,
) -> tuple[list[Any], Any, Any]:  # fmt: skip
    def checked(*arguments: Any) -> list[np.ndarray[Any, Any]]:
        results = callback(*arguments)
        if len(results) != len(result_avals):
            raise RuntimeError(
                f"Mismatched number of outputs from callback. Expected: {len(result_avals)}, Actual: {len(results)}"
            )
        arrays = [np.asarray(dtypes.canonicalize_value(np.asarray(result))) for result in results]
        for i, (array, aval) in enumerate(zip(arrays, result_avals, strict=True)):
            if array.shape != aval.shape:
                raise RuntimeError(
                    f"Incorrect output shape for return value #{i}: Expected: {aval.shape}, Actual: {array.shape}"
                )
            if array.dtype != aval.dtype:
                raise RuntimeError(
                    f"Incorrect output dtype for return value #{i}: Expected: {aval.dtype}, Actual: {array.dtype}"
                )
        return arrays

    _register()
    registration = _Registration(checked)
    ctx.module_context.add_keepalive(registration)
    ctx = dataclasses.replace(ctx, avals_in=list(operand_avals), avals_out=list(result_avals))
    lower = ffi.build_ffi_lowering_function(TARGET, has_side_effect=has_side_effect)
    call = lower(ctx, *operands, function=registration.name)
    if sharding is not None:
        mlir.set_sharding(ctx.module_context, call, sharding)
    # Operations with side effects keep their order in Astra: the token needs no part in the call.
    return list(call.results), token, None


class _Buffer:
    """What a buffer callback sees of an operand or a result: its elements in place."""

    def __init__(self, array: np.ndarray[Any, Any], writeable: bool) -> None:
        self._array = array
        array.flags.writeable = writeable

    def __getattr__(self, name: str) -> Any:
        if name in ("shape", "dtype", "ndim"):
            return getattr(self._array, name)
        raise AttributeError(name)

    @property
    def writeable(self) -> bool:
        return bool(self._array.flags.writeable)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self._array, dtype, copy=copy)

    def __dlpack__(self, **how: Any) -> Any:
        return self._array.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[Any, int]:
        return self._array.__dlpack_device__()


class _Context:
    """What a buffer callback is told about its call."""

    stage = jax_buffer_callback.ExecutionStage.EXECUTE

    @property
    def stream(self) -> int:
        raise jax.errors.JaxRuntimeError("XLA FFI GPU context is not available")


def _lower_buffer_callback(
    original: Callable[..., Any], ctx: Any, *operands: Any, callback: Callable[..., Any], in_tree: Any, out_tree: Any,
    has_side_effect: bool, input_output_aliases: Sequence[tuple[int, int]], **how: Any,
) -> Any:  # fmt: skip
    platforms = ctx.module_context.platforms
    if len(platforms) != 1 or platforms[0] not in PLATFORMS:
        return original(
            ctx, *operands, callback=callback, in_tree=in_tree, out_tree=out_tree, has_side_effect=has_side_effect,
            input_output_aliases=input_output_aliases, **how,
        )  # fmt: skip

    def call(inputs: list[_Buffer], outputs: list[_Buffer]) -> None:
        args, kwargs = in_tree.unflatten(inputs)
        if callback(_Context(), out_tree.unflatten(outputs), *args, **kwargs) is not None:
            raise ValueError("buffer_callback callback must not return any values.")

    _register()
    registration = _Registration(call, in_place=True)
    ctx.module_context.add_keepalive(registration)
    rule = ffi.ffi_lowering(TARGET, has_side_effect=has_side_effect, operand_output_aliases=dict(input_output_aliases))
    return rule(ctx, *operands, function=registration.name)


# --- when a program calls --------------------------------------------------------------------------------------------


class _Array(ctypes.Structure):
    """``astra_array`` of the runtime's interface."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int64),
        ("rank", ctypes.c_int64),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
    ]


class _Call(ctypes.Structure):
    """``astra_custom_call_info`` of the runtime's interface."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("target", ctypes.c_char_p),
        ("target_size", ctypes.c_size_t),
        ("num_inputs", ctypes.c_int64),
        ("inputs", ctypes.POINTER(_Array)),
        ("num_outputs", ctypes.c_int64),
        ("outputs", ctypes.POINTER(_Array)),
        ("attributes", ctypes.POINTER(ctypes.c_int64)),
    ]


def _view(array: _Array) -> np.ndarray[Any, Any]:
    """The elements in place; valid until the call is over."""
    shape = tuple(array.dims[i] for i in range(array.rank))
    dtype = dtype_of_number(array.type)
    size = dtype.itemsize * int(np.prod(shape))
    if size == 0:
        return np.empty(shape, dtype)
    memory: Any = (ctypes.c_char * size).from_address(array.data)
    return np.frombuffer(memory, np.uint8).view(dtype).reshape(shape)


# The meshes that the caller of a program has set mean nothing to the functions that it calls.
# JAX 0.10 has them among its settings, 0.12 beside its meshes.
_MESHES = tuple(
    getattr(config if hasattr(config, name) else mesh_lib, name)
    for name in ("abstract_mesh_context_manager", "device_context")
)


def _call_back(user: Any, info: Any) -> int:
    """What the runtime calls, on the thread that runs the program."""
    del user
    set_by_caller = [mesh.swap_local(config.config_ext.unset) for mesh in _MESHES]
    try:
        call = info[0]
        registration = _registrations.get(_name(call.attributes))
        if registration is None:
            raise RuntimeError("the Python function of a callback is not there any more, or was in another process")
        if registration.in_place:
            registration.function(
                [_Buffer(_view(call.inputs[i]), False) for i in range(call.num_inputs)],
                [_Buffer(_view(call.outputs[i]), True) for i in range(call.num_outputs)],
            )
            return 0
        arguments = [_view(call.inputs[i]).copy() for i in range(call.num_inputs)]
        for argument in arguments:
            argument.flags.writeable = False
        for i, result in enumerate(registration.function(*arguments)):
            if result.size:
                _view(call.outputs[i])[...] = result
        return 0
    except BaseException:
        from astra_mlir.runtime import runtime

        message = f"CpuCallback error calling callback: {traceback.format_exc()}"
        return int(runtime().api.fail(message.encode(errors="replace")))
    finally:
        for mesh, value in zip(_MESHES, set_by_caller, strict=True):
            mesh.set_local(value)


_entry = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Call))(_call_back)


def _name(words: Any) -> str:
    """The string of an encoded dictionary (runtime/src/custom_calls.h) whose only entry is ``function``."""
    key_size = words[2]
    size_at = 3 + (key_size + 7) // 8 + 1  # behind the number of entries, the entry's size, its key and its kind
    return ctypes.string_at(ctypes.addressof(words.contents) + 8 * (size_at + 1), words[size_at]).decode()
