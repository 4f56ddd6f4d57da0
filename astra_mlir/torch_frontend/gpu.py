"""``astra.jit`` and ``astra.compile`` of PyTorch functions and modules for GPUs: tensors in, tensors out.

What ``torch_frontend/functions.py`` is for CPUs.  Tensors on the GPU are read where they lie (DLPack), on PyTorch's
current stream, and then results are tensors there, too; tensors of the host are copied at each call, and results back.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from astra_mlir.compiled import CacheInfo
from astra_mlir.errors import AstraError, ShapeError, UnsupportedError
from astra_mlir.gpu.arrays import DeviceArray
from astra_mlir.gpu.compiler import compile_gpu_program
from astra_mlir.gpu.executable import GpuExecutable
from astra_mlir.gpu.machine import GpuMachine
from astra_mlir.signature import ArraySpec
from astra_mlir.torch_frontend.arrays import array_of, dtype_of, tensor_of
from astra_mlir.torch_frontend.capture import Captured, capture, is_tracing, name_of
from astra_mlir.torch_frontend.functions import _described, _leaf_key, _tensor, _tensor_paths, check_type
from astra_mlir.trees import arguments_differ

__all__ = ["GpuCompiledTorchFunction", "GpuTorchFunction"]


class GpuCompiledTorchFunction:
    """A PyTorch function compiled for one signature and a GPU; ``executable`` is the flat function underneath.

    ``ir(stage)``, ``ptx()``, ``sass()``, ``kernels()``, ``cost()``, ``memory()`` and ``save(path)`` are its.
    ``frozen`` says that the tensors which the function closes over have the values that they had when it was compiled.
    """

    def __init__(self, captured: Captured, target: GpuMachine, frozen: bool) -> None:
        constants = tuple(np.array(array_of(tensor.cpu())) for tensor in captured.hidden) if frozen else ()
        self.executable: GpuExecutable = compile_gpu_program(replace(captured.program, constants=constants), target)
        self.captured, self.frozen = captured, frozen
        self._hidden = () if frozen else captured.hidden
        for name in ("ir", "ptx", "cubin", "sass", "kernels", "cost", "roofline", "memory", "save"):
            setattr(self, name, getattr(self.executable, name))
        self.signature, self.compile_times = self.executable.signature, self.executable.compile_times

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run; raises :class:`ShapeError` or :class:`DTypeError` naming the argument that does not fit."""
        leaves, tree = pytree.tree_flatten((args, kwargs))
        if tree != self.captured.in_tree:
            expected, given = _described(self.captured.in_tree), _described(tree)
            raise ShapeError(arguments_differ(self.executable.program.name, expected, given))
        return self.run([_tensor(leaf) for leaf in leaves])

    def run(self, leaves: Sequence[Any]) -> Any:
        """Run on the flattened arguments."""
        tensors = [*(leaves[i] for i in self.captured.in_positions), *self._hidden]
        given = [_argument(t, spec) for t, spec in zip(tensors, self.signature.inputs, strict=True)]
        found = [_result(value) for value in self.executable(*given)]
        with torch.no_grad():
            for number, value in zip(self.captured.written, found[self.captured.out_count :], strict=True):
                tensors[number].copy_(value)
        return self.captured.result(found)

    def __repr__(self) -> str:
        return repr(self.executable)


def _argument(tensor: Any, spec: ArraySpec) -> Any:
    """A tensor as the executable takes it: on the device as it is, of the host as an array."""
    check_type(tensor, spec, dtype_of(spec.dtype))
    if tensor.requires_grad and torch.is_grad_enabled() and not isinstance(tensor, torch.nn.Parameter):
        raise AstraError(
            f"{spec.path}: the tensor requires a gradient, which autograd cannot take through compiled code; pass it "
            "detached (.detach()), call under torch.no_grad(), or differentiate with astra.grad"
        )
    if tensor.device.type == "cpu":
        return array_of(tensor)
    if tensor.device.type != "cuda":
        raise AstraError(f"{spec.path}: the tensor is on the device '{tensor.device}', which is no NVIDIA GPU")
    tensor = tensor.detach()
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _result(value: Any) -> torch.Tensor:
    if isinstance(value, DeviceArray):
        return torch.from_dlpack(value)
    return tensor_of(value.dtype)(value)


class GpuTorchFunction:
    """What ``astra.jit`` of a PyTorch function for a GPU gives: compiles at the first call of each signature."""

    def __init__(self, function: Callable[..., Any], target: str, cache_size: int) -> None:
        self.function = function
        self._target = GpuMachine.parse(target)
        self._cache_size = cache_size
        self._cache: dict[Any, GpuCompiledTorchFunction] = {}
        self._lock = threading.RLock()
        self._hits = self._misses = 0
        root = getattr(function, "root", function)
        self._modules = list(root.modules()) if isinstance(root, torch.nn.Module) else []
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if is_tracing():
            return self.function(*args, **kwargs)
        leaves = [_tensor(leaf) for leaf in pytree.tree_leaves((args, kwargs))]
        return self.compile(*args, **kwargs).run(leaves)

    def compile(self, *args: Any, **kwargs: Any) -> GpuCompiledTorchFunction:
        """The compiled function for these arguments' signature; needs no GPU."""
        leaves, tree = pytree.tree_flatten((args, kwargs))
        training = tuple(module.training for module in self._modules)
        key = (tree, training, torch.get_default_dtype(), *map(_leaf_key, map(_tensor, leaves)))
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._hits += 1
                return found
            self._misses += 1
            found = GpuCompiledTorchFunction(self._capture(args, kwargs), self._target, frozen=False)
            while len(self._cache) >= max(1, self._cache_size):
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = found
        return found

    def freeze(self, *args: Any, **kwargs: Any) -> GpuCompiledTorchFunction:
        """The function compiled with the values that its parameters have now; not cached."""
        captured = self._capture(args, kwargs)
        if any(number >= len(captured.in_positions) for number in captured.written):
            raise UnsupportedError(
                f"{name_of(self.function)} changes a tensor that it closes over in place (buffers of a module in "
                "training mode?); call module.eval() first, or use astra.jit, which updates them"
            )
        return GpuCompiledTorchFunction(captured, self._target, frozen=True)

    def _capture(self, args: Any, kwargs: Any) -> Captured:
        args, kwargs = pytree.tree_map(_tensor, (args, kwargs))
        return capture(
            self.function, args, kwargs, input_paths=_tensor_paths(self.function, args, kwargs), on_gpu=True
        )  # fmt: skip

    def cache_info(self) -> CacheInfo:
        """How the cache of signatures has done."""
        return CacheInfo(self._hits, self._misses, self._cache_size, len(self._cache))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)
