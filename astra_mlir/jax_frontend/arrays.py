"""JAX arrays in and out of compiled functions without copies, and the few private names of JAX that this takes.

Between ``jax_frontend/functions.py`` and JAX: an input array is read where it lies, a result becomes a JAX array that
owns the very buffer.  The native call path does the same for plain arrays (``runtime/python/arrays.cpp``) and asks here
for the others, so the functions do little and assume the JAX version that the package pins.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import array
from jax._src.config import trace_context as trace_context  # all settings that change what tracing gives
from jax._src.lib import xla_client
from jax._src.random import prng
from jax.tree_util import tree_flatten

from astra_mlir import native

__all__ = [
    "ArrayImpl", "KeyArray", "connect", "is_key_type", "key_array", "pointer_of", "to_jax", "to_keys", "trace_context",
]  # fmt: skip

ArrayImpl: Any = array.ArrayImpl
KeyArray: Any = prng.PRNGKeyArray


@cache
def _cpu() -> tuple[Any, Any]:
    device = jax.local_devices(backend="cpu")[0]
    return device, jax.sharding.SingleDeviceSharding(device)


@cache
def _row_major(rank: int) -> Any:
    """The layout object of an ordinary CPU array of a rank."""
    device, sharding = _cpu()
    aval = jax.core.ShapedArray((2,) * rank, np.dtype(np.float32))
    zeros = np.zeros((2,) * rank, np.float32)
    return xla_client.batched_device_put(aval, sharding, [zeros], [device])._pjrt_layout


def pointer_of(value: Any) -> int | None:
    """The address of a JAX array's elements in row-major order, once they are computed.

    None when they do not lie so in this process's memory (another device, several devices, a custom layout): take
    ``numpy.asarray`` then.  Raises JAX's error for an array that was deleted or donated.
    """
    sharding = value.sharding
    if sharding is not _on_cpu[0]:
        device = getattr(sharding, "_device", None)
        if device is None or device.platform != "cpu":
            return None
        _on_cpu[0] = sharding
    value.block_until_ready()
    if value.dtype in _PACKED or value._pjrt_layout != _row_major(len(value.shape)):
        return None
    return value.unsafe_buffer_pointer()  # type: ignore[no-any-return]


# Element types that JAX keeps several to a byte; compiled functions take one to a byte, as NumPy does.
_PACKED = frozenset(np.dtype(kind) for kind in (jnp.int2, jnp.int4, jnp.uint2, jnp.uint4, jnp.float4_e2m1fn))

_on_cpu: list[Any] = [None]  # the sharding last found to be of a CPU: arrays share these objects


def to_jax(aval: Any, result: np.ndarray[Any, Any]) -> jax.Array:
    """A JAX array of abstract value ``aval`` that takes over ``result``, which must not be written any more.

    Zero-copy where the elements begin at a 64-byte boundary, which those of large results do.
    """
    device, sharding = _cpu()
    return xla_client.batched_device_put(aval, sharding, [result], [device], False)


def to_keys(aval: Any, result: np.ndarray[Any, Any]) -> jax.Array:
    """An array of typed random keys from their integers."""
    data = to_jax(jax.core.ShapedArray(result.shape, result.dtype), result)
    return prng.random_wrap(data, impl=aval.dtype._impl)


def is_key_type(aval: Any) -> bool:
    """Whether an abstract value is of typed random keys, which are arrays of integers underneath."""
    return bool(jax.dtypes.issubdtype(aval.dtype, jax.dtypes.prng_key))


def key_array(keys: Any) -> jax.Array:
    """The integers of an array of typed random keys."""
    return jax.random.key_data(keys)


def connect() -> None:
    """Tell the native call path what of JAX it uses; once, before the first call."""
    _connect()


@cache
def _connect() -> None:
    device, sharding = _cpu()
    native.use_jax(
        array_type=ArrayImpl, key_type=KeyArray, device_put=xla_client.batched_device_put, sharding=sharding,
        devices=[device], flatten=tree_flatten, trace_context=trace_context, pointer_of=pointer_of,
        collect=xla_client._xla.collect_garbage,
    )  # fmt: skip
