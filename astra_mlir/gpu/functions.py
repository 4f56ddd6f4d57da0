"""``astra.jit`` and ``astra.compile`` of JAX functions for GPUs: trees of arrays around a GPU executable.

What ``jax_frontend/functions.py`` is for CPUs.  Arguments are NumPy or JAX arrays of the host, which are copied to the
device, or arrays in the device's memory of PyTorch, CuPy or JAX (DLPack), which are not copied; with one of these,
results stay on the device (:class:`~astra_mlir.gpu.arrays.DeviceArray`).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.tree_util import tree_flatten, tree_structure, tree_unflatten

from astra_mlir import frontends
from astra_mlir.compiled import CacheInfo
from astra_mlir.errors import ShapeError
from astra_mlir.gpu.arrays import is_device_array, shape_and_type
from astra_mlir.gpu.compiler import compile_gpu_program
from astra_mlir.gpu.executable import GpuExecutable
from astra_mlir.gpu.machine import GpuMachine
from astra_mlir.jax_frontend import capture as capturing

__all__ = ["GpuCompiled", "GpuFunction"]


def _stand_in(leaf: Any) -> Any:
    """What tracing takes for a leaf: shape and type of device arrays, whose elements are not here."""
    return jax.ShapeDtypeStruct(*shape_and_type(leaf)) if is_device_array(leaf) else leaf


def _key(leaf: Any) -> Any:
    if is_device_array(leaf):
        return shape_and_type(leaf)
    if isinstance(leaf, (bool, int, float, complex)):
        return type(leaf)
    array = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
    return array.shape, array.dtype, getattr(leaf, "weak_type", False)


class GpuCompiled:
    """A function compiled for one signature and a GPU; ``executable`` is the flat function underneath.

    ``ir(stage)``, ``ptx()``, ``sass()``, ``kernels()``, ``cost()``, ``roofline()`` and ``memory()`` are its.
    """

    def __init__(self, executable: GpuExecutable, captured: capturing.Captured, in_tree: Any) -> None:
        self.executable = executable
        self.in_tree, self.out_tree = in_tree, captured.out_tree
        for name in ("ir", "ptx", "cubin", "sass", "kernels", "cost", "roofline", "memory", "save"):
            setattr(self, name, getattr(executable, name))
        self.signature, self.compile_times = executable.signature, executable.compile_times

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arguments of the same structure; raises :class:`ShapeError` for others."""
        leaves, tree = tree_flatten((args, kwargs))
        if tree != self.in_tree:
            raise ShapeError(f"expected arguments of structure {self.in_tree}, got {tree}")
        return self.run(leaves)

    def run(self, leaves: Sequence[Any]) -> Any:
        """Run on the flattened arguments."""
        specs = self.executable.signature.inputs
        given = [
            leaf if is_device_array(leaf) else np.asarray(leaf, spec.dtype) if np.ndim(leaf) == 0 else np.asarray(leaf)
            for leaf, spec in zip(leaves, specs, strict=True)
        ]
        return tree_unflatten(self.out_tree, self.executable(*given))

    def __repr__(self) -> str:
        return repr(self.executable)


class GpuFunction:
    """What ``astra.jit(f, target="cuda:...")`` gives: compiles at the first call of each signature."""

    def __init__(self, arguments: Any, target: str | GpuMachine, cache_size: int) -> None:
        functools.update_wrapper(self, arguments.function)
        self._arguments = arguments
        self._target = target if isinstance(target, GpuMachine) else GpuMachine.parse(target)
        self._cache_size = cache_size
        self._cache: dict[Any, GpuCompiled] = {}
        self._lock = threading.RLock()
        self._hits = self._misses = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if capturing.is_tracing():
            return self._arguments.function(*args, **kwargs)
        if frontends.uses_torch(self._arguments.function, args, kwargs):
            return self._on_tensors(*args, **kwargs)
        dynamic, dynamic_kwargs, _ = self._arguments.split(args, kwargs)
        leaves, _ = tree_flatten((dynamic, dynamic_kwargs))
        return self.compile(*args, **kwargs).run(leaves)

    def compile(self, *args: Any, **kwargs: Any) -> GpuCompiled:
        """The compiled function for these arguments' signature; needs no GPU."""
        arguments = self._arguments
        if frontends.uses_torch(arguments.function, args, kwargs):
            compiled: GpuCompiled = self._on_tensors.compile(*args, **kwargs)
            return compiled
        dynamic, dynamic_kwargs, static = arguments.split(args, kwargs)
        leaves, tree = tree_flatten((dynamic, dynamic_kwargs))
        key = (tree, static, tuple(map(_key, leaves)), jax.config.jax_enable_x64)
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._hits += 1
                return found
            self._misses += 1
            captured = capturing.capture(
                arguments.function, *jax.tree_util.tree_map(_stand_in, (args, kwargs)),
                static_argnums=sorted(arguments.static_nums), static_argnames=sorted(arguments.static_names),
                input_paths=arguments.paths(dynamic, dynamic_kwargs),
                donated=arguments.donated_leaves(dynamic, dynamic_kwargs),
            )  # fmt: skip
            executable = compile_gpu_program(captured.program, self._target)
            compiled = GpuCompiled(executable, captured, tree_structure((dynamic, dynamic_kwargs)))
            while len(self._cache) >= max(1, self._cache_size):
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = compiled
        return compiled

    @functools.cached_property
    def _on_tensors(self) -> Any:
        """The same for a function of PyTorch's tensors."""
        from astra_mlir.torch_frontend.gpu import GpuTorchFunction

        return GpuTorchFunction(self._arguments.function, str(self._target), self._cache_size)

    def cache_info(self) -> CacheInfo:
        """How the cache of signatures has done."""
        return CacheInfo(self._hits, self._misses, self._cache_size, len(self._cache))

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., Any]:
        return self if instance is None else functools.partial(self, instance)
