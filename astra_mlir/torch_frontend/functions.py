"""``astra.jit`` and ``astra.compile`` of PyTorch functions and modules: tensors in, tensors out.

The top of the path for PyTorch users: trees of tensors, one compiled function per signature in a bounded cache.
``torch_frontend/capture.py`` makes the program, ``compiler.py`` compiles it, ``executable.py`` runs it.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from astra_mlir import compiler, config, native
from astra_mlir.compiled import CacheInfo, CompiledPlan
from astra_mlir.errors import AstraError, DTypeError, ShapeError, UnsupportedError
from astra_mlir.executable import Executable
from astra_mlir.kept_code import compile_kept
from astra_mlir.runtime import thread_limit
from astra_mlir.signature import ArraySpec
from astra_mlir.target_machine import TargetMachine, is_gpu_target
from astra_mlir.torch_frontend.arrays import dtype_of, tensor_of
from astra_mlir.torch_frontend.capture import Captured, capture, is_tracing, name_of
from astra_mlir.trees import Described, arguments_differ, is_plain

__all__ = ["CompiledTorchFunction", "TensorExecutable", "TorchFunction", "check_type", "jit"]


# `kind` of native plans whose results are tensors.
_TENSORS = 3


def _settings() -> Any:
    """What decides, besides the arguments, which program runs; None while a function is captured."""
    return None if is_tracing() else (torch.get_default_dtype(), torch.is_grad_enabled())


@functools.cache
def _connect() -> None:
    """Tell the native call path what of PyTorch it uses."""
    table = torch.Tensor.__dlpack_c_exchange_api__  # type: ignore[attr-defined]
    native.use_torch(torch.Tensor, torch.nn.Parameter, table, _settings)


@functools.cache
def _element_type(dtype: torch.dtype) -> tuple[int, int]:
    return native.element_type(torch.empty(0, dtype=dtype))


class TensorExecutable:
    """An executable that takes and gives tensors."""

    def __init__(self, executable: Executable) -> None:
        self.executable = executable
        self._from_array = [tensor_of(spec.dtype) for spec in executable.signature.outputs]

    def run(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run on tensors that fit, in order."""
        dense = [_dense(tensor) for tensor in tensors]
        results = self.executable.run_pointers([tensor.data_ptr() for tensor in dense])
        return [wrap(array) for wrap, array in zip(self._from_array, results, strict=True)]


class _Leaf:
    def __repr__(self) -> str:
        return "*"


def _described(tree: pytree.TreeSpec) -> Described:
    """What ``arguments_differ`` compares."""
    args, kwargs = pytree.tree_unflatten([_Leaf()] * tree.num_leaves, tree)
    return list(map(repr, args)), {name: repr(value) for name, value in kwargs.items()}


class CompiledTorchFunction(CompiledPlan):
    """A PyTorch function compiled for one signature: call it with the same tree of tensors.

    ``frozen`` says that the tensors which the function closes over (parameters, buffers) have the values that they had
    when it was compiled; else they are read at each call, and written where the function changes them in place.
    """

    def __init__(
        self, captured: Captured, target: str | TargetMachine | None, frozen: bool, traced_once: bool = False
    ) -> None:
        _connect()
        program = captured.program
        constants = tuple(map(np.array, program.constants)) if frozen else ()
        compile_program = compile_kept if traced_once else compiler.compile_program
        self.executable: Executable = compile_program(replace(program, constants=constants), target=target)
        self.captured = captured
        self.frozen = frozen
        signature = self.executable.signature
        self._specs = signature.inputs
        self._dtypes = [dtype_of(spec.dtype) for spec in signature.inputs]
        self._hidden = () if frozen else captured.hidden
        numbered = None
        if not captured.written and all(isinstance(leaf, int) for leaf in captured.out_leaves):
            numbered = captured.result(range(captured.out_count))
        plain = numbered is not None and is_plain(numbered)
        results = tuple(_element_type(dtype_of(spec.dtype)) for spec in signature.outputs)
        unflatten = None if plain else list if captured.written else captured.result
        self._bind(
            self.executable, results, (None,) * len(results), numbered if plain else None, unflatten, _TENSORS, (),
            self._hidden, tuple(map(_element_type, self._dtypes)),
        )  # fmt: skip

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run; raises :class:`ShapeError` or :class:`DTypeError` naming the argument that does not fit."""
        leaves, tree = pytree.tree_flatten((args, kwargs))
        if tree != self.captured.in_tree:
            expected, given = _described(self.captured.in_tree), _described(tree)
            raise ShapeError(arguments_differ(self.executable.program.name, expected, given))
        leaves = [_tensor(leaf) for leaf in leaves]
        for i, expected in enumerate(self.captured.static):
            if i not in self.captured.in_positions and _leaf_key(leaves[i]) != _leaf_key(expected):
                raise AstraError(
                    f"{self.executable.program.name}: an argument that is no tensor, {leaves[i]!r}, differs from "
                    f"{expected!r}, compiled for; compile it for that value, or pass a tensor"
                )
        for i, spec, dtype in zip(self.captured.in_positions, self._specs, self._dtypes, strict=False):
            _check(leaves[i], spec, dtype)
        return self.run(leaves)

    def run(self, leaves: Sequence[Any]) -> Any:
        """Run on the flattened arguments."""
        given = [leaves[i] for i in self.captured.in_positions]
        found = super().run(given)
        if not self.captured.written:
            return found
        self._write([*given, *self._hidden], found[self.captured.out_count :])
        return self.captured.result(found)

    def _converted(self, leaf: Any, number: int) -> torch.Tensor:
        """A tensor with the elements of a leaf as compiled code reads them."""
        tensor = _tensor(leaf)
        if isinstance(tensor, torch.Tensor):
            tensor = tensor.detach()
        _check(tensor, self._specs[number], self._dtypes[number])
        return _dense(tensor)

    def _write(self, tensors: Sequence[torch.Tensor], values: Sequence[torch.Tensor]) -> None:
        """Give arguments that the function changes in place their new values."""
        memory = [tensor.untyped_storage().data_ptr() for tensor in tensors]
        for number in self.captured.written:
            if memory.count(memory[number]) > 1:
                raise AstraError(
                    f"{self._specs[number].path} is changed in place and shares its memory with another argument, "
                    "which compiled code cannot follow; pass a copy (.clone())"
                )
        with torch.no_grad():
            for number, value in zip(self.captured.written, values, strict=True):
                tensors[number].copy_(value)


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor with its elements one after the other, as compiled code reads them."""
    if tensor.is_contiguous() and not tensor.is_conj() and not tensor.is_neg():
        return tensor
    return tensor.detach().resolve_conj().resolve_neg().contiguous()


def _tensor(leaf: Any) -> Any:
    """A leaf as PyTorch has it: NumPy arrays as tensors over their memory."""
    return torch.from_numpy(leaf) if isinstance(leaf, np.ndarray) else leaf


def _check(leaf: Any, spec: ArraySpec, dtype: torch.dtype) -> None:
    check_type(leaf, spec, dtype)
    _check_value(leaf, spec.path)


def check_type(leaf: Any, spec: ArraySpec, dtype: torch.dtype) -> None:
    """Raise what is wrong with a leaf in the place of a tensor of a shape and type."""
    if not isinstance(leaf, torch.Tensor):
        raise AstraError(f"{spec.path}: expected a tensor {spec}, got {type(leaf).__name__}")
    if tuple(leaf.shape) != spec.shape:
        raise ShapeError(f"{spec.path}: expected shape {spec.shape} ({spec}), got {tuple(leaf.shape)}")
    if leaf.dtype != dtype:
        raise DTypeError(
            f"{spec.path}: expected element type {dtype}, got {leaf.dtype}; convert it with .to({dtype}) or compile "
            "for that type"
        )


def _check_value(leaf: torch.Tensor, path: str) -> None:
    if leaf.device.type != "cpu":
        raise AstraError(f"{path}: the tensor is on the device '{leaf.device}'; move it to the CPU (.cpu())")
    if leaf.requires_grad and torch.is_grad_enabled():
        raise AstraError(
            f"{path}: the tensor requires a gradient, which autograd cannot take through compiled code; pass it "
            "detached (.detach()), call under torch.no_grad(), or differentiate with astra.grad"
        )


# --- jit ---------------------------------------------------------------------------------------------------------


def _leaf_key(leaf: Any) -> Any:
    """What of a leaf decides which program runs."""
    if isinstance(leaf, torch.Tensor):
        return leaf.shape, leaf.dtype
    return type(leaf), leaf.hex() if type(leaf) is float else leaf  # 0.0 is not -0.0


class TorchFunction(native.Dispatcher):
    """What :func:`jit` gives: a callable that compiles at the first call of each signature.

    A call is native (``runtime/python/dispatcher.cpp``): it finds the compiled function by the arguments' structure,
    types and values that are no tensors, or comes here.
    """

    def __init__(
        self, function: Callable[..., Any], target: TargetMachine | None, cache_size: int, num_threads: int = 0
    ) -> None:
        _connect()
        self.function = function
        self._target = target
        self._cache_size = cache_size
        self._num_threads = num_threads
        self._cache: dict[Any, CompiledTorchFunction] = {}
        self._lock = threading.RLock()
        self._hits = self._misses = 0
        root = getattr(function, "root", function)  # of a transformed function
        self._transformed = root is not function  # whoever asks Astra for derivatives does not ask autograd
        self.traced_once = False  # code is looked for among that of all functions of which this holds
        self._modules = list(root.modules()) if isinstance(root, torch.nn.Module) else []
        self._set_modules(self._modules)
        functools.update_wrapper(self, function, updated=())

    def _call_uncached(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call like none that the native path remembers."""
        if is_tracing():
            return self.function(*args, **kwargs)
        leaves, tree = self._flattened(args, kwargs)
        for i, leaf in enumerate(leaves):
            if isinstance(leaf, torch.Tensor) and (leaf.requires_grad or leaf.device.type != "cpu"):
                _check_value(leaf.detach() if self._transformed else leaf, _paths(self.function, args, kwargs)[i])
        compiled = self._compiled(args, kwargs, leaves, tree)
        if not compiled.captured.written:
            self._remember(args, kwargs, compiled, tuple(range(len(compiled.captured.in_positions))))
        return compiled.run(leaves)

    def _flattened(self, args: Any, kwargs: Any) -> tuple[list[Any], Any]:
        leaves, tree = pytree.tree_flatten((args, kwargs))
        return [_tensor(leaf) for leaf in leaves], tree

    def _compiled(self, args: Any, kwargs: Any, leaves: list[Any], tree: Any) -> CompiledTorchFunction:
        training = tuple(module.training for module in self._modules)
        key = (tree, training, torch.get_default_dtype(), *map(_leaf_key, leaves))
        try:
            hash(key)
        except TypeError:
            raise self._not_hashable(args, kwargs, leaves) from None
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._hits += 1
                return found
            found = CompiledTorchFunction(self._capture(args, kwargs), self._target, False, self.traced_once)
            found.num_threads = self._num_threads
            self._misses += 1
            while len(self._cache) >= max(1, self._cache_size):
                oldest = min(self._cache, key=lambda k: self._cache[k]._last_used)
                self._forget(self._cache.pop(oldest))
            self._cache[key] = found
        return found

    def _not_hashable(self, args: Any, kwargs: Any, leaves: list[Any]) -> AstraError:
        for leaf, path in zip(leaves, _paths(self.function, args, kwargs), strict=True):
            try:
                hash(leaf)
            except TypeError:
                return AstraError(
                    f"{path}: a {type(leaf).__name__} is no tensor and not hashable, so calls cannot be told apart by "
                    "it; pass tensors, or close over it"
                )
        return AstraError(f"{name_of(self.function)}: the arguments' structure is not hashable")

    def _capture(self, args: Any, kwargs: Any) -> Captured:
        args, kwargs = pytree.tree_map(_tensor, (args, kwargs))
        return capture(self.function, args, kwargs, input_paths=_tensor_paths(self.function, args, kwargs))

    def compile(self, *args: Any, **kwargs: Any) -> CompiledTorchFunction:
        """The compiled function for these arguments' signature, to be looked at or called; it is cached, too."""
        leaves, tree = self._flattened(args, kwargs)
        return self._compiled(args, kwargs, leaves, tree)

    def freeze(self, *args: Any, **kwargs: Any) -> CompiledTorchFunction:
        """The function compiled with the values that its parameters have now; not cached."""
        captured = self._capture(args, kwargs)
        if any(number >= len(captured.in_positions) for number in captured.written):
            raise UnsupportedError(
                f"{name_of(self.function)} changes a tensor that it closes over in place (buffers of a module in "
                "training mode?); call module.eval() first, or use astra.jit, which updates them"
            )
        return CompiledTorchFunction(captured, self._target, frozen=True)

    def cache_info(self) -> CacheInfo:
        """How the cache of signatures has done."""
        return CacheInfo(self._hits + self._native_hits, self._misses, self._cache_size, len(self._cache))

    def clear_cache(self) -> None:
        """Forget all compiled signatures."""
        with self._lock:
            self._cache.clear()
            self._forget(None)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """So that methods can be decorated."""
        return self if instance is None else functools.partial(self, instance)


def _paths(function: Callable[..., Any], args: Any, kwargs: Any) -> list[str]:
    """What a user would call each leaf of the arguments: ``params['w']``."""
    called = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        parameters = list(inspect.signature(called).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    paths = []
    for i, value in enumerate(args):
        name = names[i] if i < len(names) else f"argument {i}"
        paths += [name + pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(value)[0]]
    for name, value in kwargs.items():
        paths += [name + pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(value)[0]]
    return paths


def _tensor_paths(function: Callable[..., Any], args: Any, kwargs: Any) -> list[str]:
    leaves = pytree.tree_leaves((args, kwargs))
    return [
        path
        for path, leaf in zip(_paths(function, args, kwargs), leaves, strict=True)
        if isinstance(leaf, torch.Tensor)
    ]


def jit(
    function: Callable[..., Any] | None = None, *, static_argnums: Any = None, static_argnames: Any = None,
    donate_argnums: Any = None, donate_argnames: Any = None, target: str | TargetMachine | None = None,
    cache_size: int | None = None, output: str = "auto", num_threads: int = 0,
) -> Any:  # fmt: skip
    """Compile a PyTorch function or module for each signature that it is called with; see docs/pytorch.md.

    Leaves of the arguments that are tensors (or NumPy arrays) are arguments of the program, all others part of it: one
    version is compiled for each of their values, so static arguments need no saying.  Usable as a decorator with and
    without options.  A call takes at most ``num_threads`` threads (0: no limit).  Raises
    :class:`UnsupportedError` for what Astra does not compile.
    """
    if function is None:
        return functools.partial(
            jit, donate_argnums=donate_argnums, donate_argnames=donate_argnames, target=target, cache_size=cache_size,
            output=output, num_threads=num_threads,
        )  # fmt: skip
    if isinstance(function, TorchFunction):
        function = function.function
    if donate_argnums is not None or donate_argnames is not None:
        raise AstraError("PyTorch tensors cannot be donated: they stay the caller's; leave out donate_argnums")
    if output != "auto":
        raise AstraError(f"output={output!r}: functions of PyTorch tensors give tensors; leave it out")
    size = config.jit_cache_size.get() if cache_size is None else cache_size
    if is_gpu_target(target):
        from astra_mlir.torch_frontend.gpu import GpuTorchFunction

        return GpuTorchFunction(function, str(target), size)
    machine = TargetMachine.parse(target) if isinstance(target, str) else target
    return TorchFunction(function, machine, size, thread_limit("astra.jit: num_threads", num_threads))
