"""What JAX allows its own platforms by their names, allowed for Astra as well: its cache of programs, DLPack, and calls
of Python while a program is partitioned.

Installed once, when the backend is registered (``jax_backend/plugin.py``).
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax._src import array as jax_array
from jax._src import compilation_cache, compiler, dlpack
from jaxlib import xla_client

__all__ = ["install"]

_PLATFORM = "astra"


@cache
def install() -> None:
    """Replace the functions of JAX that ask for the platform's name."""
    compilation_cache.is_cache_used = _is_cache_used
    compiler._cache_write = _cache_write
    dlpack._to_dlpack = _to_dlpack
    dlpack.from_dlpack = jax.dlpack.from_dlpack = _from_dlpack  # type: ignore[assignment]
    jax_array.ArrayImpl.__dlpack_device__ = _dlpack_device  # type: ignore[method-assign]
    xla_client.encode_inspect_sharding_callback = _encode_inspection


# --- inspect_array_sharding: XLA finds the function by its address, Astra by the bytes that say it

_original_encode_inspection = xla_client.encode_inspect_sharding_callback


def _encode_inspection(handler: Any) -> bytes:
    from astra_mlir.partition.calls import register_inspection

    key: bytes = _original_encode_inspection(handler)
    register_inspection(key, handler)
    return key


# --- the persistent cache of programs --------------------------------------------------------------------------------

_original_is_cache_used, _original_cache_write = compilation_cache.is_cache_used, compiler._cache_write


def _is_cache_used(backend: Any) -> bool:
    if backend.platform == _PLATFORM:
        backend = types.SimpleNamespace(platform="cpu")
    return bool(_original_is_cache_used(backend))


def _cache_write(key: str, seconds: float, name: str, backend: Any, executable: Any, *host_callbacks: Any) -> None:
    """JAX does not keep programs that call Python; Astra's have their callbacks in the program, under a name."""
    if backend.platform == _PLATFORM:
        from astra_mlir.jax_backend import loaded_programs as jax_programs_loaded

        if jax_programs_loaded.calls_python(executable.fingerprint):
            return
        host_callbacks = ((),) if host_callbacks else ()  # JAX 0.12 does not hand them over any more
    _original_cache_write(key, seconds, name, backend, executable, *host_callbacks)


# --- DLPack: elements are exchanged in place, through an array of JAX's CPU backend that shares them ------------------

_original_to_dlpack, _original_from_dlpack = dlpack._to_dlpack, dlpack.from_dlpack
_original_dlpack_device = jax_array.ArrayImpl.__dlpack_device__


def _device_of(x: Any) -> Any:
    return next(iter(x.devices())) if len(x.devices()) == 1 else None


def _is_own(device: Any) -> bool:
    return device is not None and device.platform == _PLATFORM


def _dlpack_device(self: Any) -> Any:
    if _is_own(_device_of(self)):
        return dlpack.DLDeviceType.kDLCPU, 0
    return _original_dlpack_device(self)


def _to_dlpack(x: Any, stream: Any, src_device: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    if _is_own(src_device or _device_of(x)):
        host = jax.local_devices(backend="cpu")[0]
        x = jax.device_put(jnp.array(x, copy=True) if copy else x, host)
        src_device, copy = host, None
    return _original_to_dlpack(x, stream, src_device, device, copy)


def _from_dlpack(external_array: Any, device: Any = None, copy: bool | None = None) -> Any:
    """``jax.dlpack.from_dlpack``; what comes from another library is on Astra's device where that is the default."""
    if isinstance(device, jax.sharding.Sharding) and len(device.device_set) == 1:
        (device,) = device.device_set
    if isinstance(external_array, jax.Array):
        home = _device_of(external_array)
    else:
        home = jax.config.jax_default_device or jax.local_devices()[0]
    target = device if device is not None else home
    on_host = getattr(external_array, "__dlpack_device__", lambda: (None, 0))()[0] == dlpack.DLDeviceType.kDLCPU
    if not (_is_own(target) and on_host):
        return _original_from_dlpack(external_array, device, copy)
    dlpack._check_device(device, home, copy)  # refuses a copy that was not allowed
    return jax.device_put(_original_from_dlpack(external_array, None, copy), target)
