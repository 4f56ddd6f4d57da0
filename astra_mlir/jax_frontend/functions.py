"""``astra.jit``: JAX functions compiled for each signature they are called with.

The top of the path for JAX users: pytrees in and out, static and donated arguments, one compiled function per signature
in a bounded cache.  ``jax_frontend/capture.py`` makes the program, ``compiler.py`` compiles it, ``executable.py`` runs
it.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import jax
import numpy as np
from jax.tree_util import keystr, tree_flatten, tree_flatten_with_path, tree_leaves, tree_structure, tree_unflatten

from astra_mlir import compiler, config, frontends
from astra_mlir.compiled import CacheInfo, CompiledPlan
from astra_mlir.errors import AstraError, DTypeError, ShapeError
from astra_mlir.executable import Executable
from astra_mlir.jax_frontend import capture as capturing
from astra_mlir.jax_frontend.arrays import (
    ArrayImpl,
    KeyArray,
    connect,
    is_key_type,
    key_array,
    pointer_of,
    to_keys,
    trace_context,
)
from astra_mlir.kept_code import compile_kept
from astra_mlir.native import Dispatcher
from astra_mlir.runtime import thread_limit
from astra_mlir.signature import ArraySpec, refuse_masked
from astra_mlir.target_machine import TargetMachine, is_gpu_target
from astra_mlir.trees import arguments_differ, described, is_plain

__all__ = ["CacheInfo", "CompiledFunction", "JitFunction", "compile_function", "jit"]

_OUTPUT_KINDS = ("auto", "jax", "numpy")
_NO_NUMBERS = "OSUMm"  # NumPy's kinds: objects, bytes, text, dates
_NUMBERS = (bool, int, float, complex)


# --- arguments ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Arguments:
    """Which arguments of a function are static and which are donated, by position and by name."""

    function: Callable[..., Any]
    static_nums: frozenset[int]
    static_names: frozenset[str]
    donated_nums: frozenset[int]
    donated_names: frozenset[str]

    @staticmethod
    def of(
        function: Callable[..., Any], static_nums: Any, static_names: Any, donated_nums: Any, donated_names: Any
    ) -> _Arguments:
        """Resolve positions and names of each kind to both, as far as the function's parameters say."""
        names = _positional_names(function)

        def resolve(nums: Any, given: Any, what: str) -> tuple[frozenset[int], frozenset[str]]:
            positions = {_position(n, len(names), what) for n in _sequence(nums)}
            named = set(_sequence(given))
            both = {names[p] for p in positions if p < len(names)} | named
            return frozenset(positions | {names.index(n) for n in named if n in names}), frozenset(both)

        static = resolve(static_nums, static_names, "static_argnums")
        donated = resolve(donated_nums, donated_names, "donate_argnums")
        if static[0] & donated[0] or static[1] & donated[1]:
            raise AstraError(f"{_name(function)}: an argument cannot be both static and donated")
        return _Arguments(function, *static, *donated)

    def split(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
        """Dynamic positional and keyword arguments, and the static ones as a hashable key."""
        if not self.static_names and not self.static_nums:
            return args, kwargs, ()
        dynamic = tuple(a for i, a in enumerate(args) if i not in self.static_nums)
        static: list[tuple[Any, Any]] = [(i, a) for i, a in enumerate(args) if i in self.static_nums]
        static += sorted((k, v) for k, v in kwargs.items() if k in self.static_names)
        for which, value in static:
            try:
                hash(value)
            except TypeError:
                raise AstraError(
                    f"{_name(self.function)}: static argument {self._label(which)} is a {type(value).__name__}, which "
                    "is not hashable; static values are compared from call to call (use a tuple or a frozen dataclass)"
                ) from None
        # Equal values of different types (1 and True and 1.0) are different programs.
        key = tuple((which, type(value), value) for which, value in static)
        return dynamic, {k: v for k, v in kwargs.items() if k not in self.static_names}, key

    def _label(self, which: int | str) -> str:
        names = _positional_names(self.function)
        return f"'{names[which] if isinstance(which, int) and which < len(names) else which}'"

    def donated_leaves(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
        """Indices of donated leaves among the flattened dynamic arguments."""
        donated: list[int] = []
        position = 0
        parts = [(i in self.donated_nums, a) for i, a in self._dynamic_positions(args)]
        parts += [(k in self.donated_names, kwargs[k]) for k in sorted(kwargs)]
        for is_donated, value in parts:
            count = tree_structure(value).num_leaves
            donated += range(position, position + count) if is_donated else ()
            position += count
        return tuple(donated)

    def _dynamic_positions(self, dynamic: tuple[Any, ...]) -> Iterable[tuple[int, Any]]:
        """Dynamic arguments with their positions among all arguments."""
        positions = (i for i in range(len(dynamic) + len(self.static_nums)) if i not in self.static_nums)
        return zip(positions, dynamic, strict=False)

    def paths(self, dynamic: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        """What a user would call each leaf: ``params['w']``."""
        names = _positional_names(self.function)
        paths = []
        for i, value in self._dynamic_positions(dynamic):
            name = names[i] if i < len(names) else f"argument {i}"
            paths += [name + keystr(path) for path, _ in tree_flatten_with_path(value)[0]]
        for key in sorted(kwargs):
            paths += [key + keystr(path) for path, _ in tree_flatten_with_path(kwargs[key])[0]]
        return paths


@functools.lru_cache(maxsize=1024)
def _positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.kind in kinds)


def _sequence(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, (int, str)) else tuple(value)


def _position(index: int, count: int, what: str) -> int:
    position = index + count if index < 0 else index
    if position < 0:
        raise AstraError(f"{what}: {index} is out of range for a function of {count} positional parameters")
    return position


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def leaf_key(leaf: Any) -> Any:
    """What of a leaf decides which program runs; None for what is not an array or number."""
    kind = type(leaf)
    if kind is ArrayImpl:
        return leaf.shape, leaf.dtype, leaf.weak_type
    if kind is np.ndarray:
        return leaf.shape, leaf.dtype
    if kind in _NUMBERS:
        return kind
    if kind is KeyArray or isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf.shape, leaf.dtype
    if isinstance(leaf, np.generic):
        return (), leaf.dtype
    return None


def _normalized(leaf: Any, path: str) -> Any:
    """A leaf that is neither JAX's nor NumPy's as a NumPy array; raises for what is no array."""
    refuse_masked(leaf, path)
    if hasattr(leaf, "__jax_array__"):
        return leaf.__jax_array__()
    if hasattr(leaf, "__array__") or hasattr(leaf, "__dlpack__"):
        array = np.asarray(leaf) if hasattr(leaf, "__array__") else np.from_dlpack(leaf)
        if array.dtype != object:
            return array
    text = repr(leaf)
    raise AstraError(
        f"{path}: expected an array or a number, got {type(leaf).__name__} "
        f"({text if len(text) <= 60 else text[:57] + '...'}); pass arrays, or make it static (static_argnames)"
    )


# --- one signature -----------------------------------------------------------------------------------------------


class CompiledFunction(CompiledPlan):
    """A JAX function compiled for one signature: call it with the same tree of arrays; static arguments are left out.

    ``executable`` is the flat function underneath; :meth:`ir`, :meth:`asm`, :meth:`cost` and :meth:`memory` are its.
    ``run(leaves)``, which is native, runs on the flattened arguments.
    """

    def __init__(
        self, executable: Executable, captured: capturing.Captured, in_tree: Any, donated: tuple[int, ...], output: str
    ) -> None:
        connect()
        self.executable = executable
        self.in_tree = in_tree
        self.out_tree = captured.out_tree
        self.out_avals = captured.out_avals
        self._specs = executable.signature.inputs
        wraps = tuple(map(_wrapper, captured.out_avals))
        kind = "jax" if to_keys in wraps else output
        numbered = tree_unflatten(captured.out_tree, range(len(wraps)))
        plain = is_plain(numbered)
        unflatten = None if plain else functools.partial(tree_unflatten, captured.out_tree)
        self._bind(
            executable, tuple(captured.out_avals), wraps, numbered if plain else None, unflatten,
            _OUTPUT_KINDS.index(kind), donated,
        )  # fmt: skip

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run; raises :class:`ShapeError` or :class:`DTypeError` naming the argument that does not fit."""
        leaves, tree = tree_flatten((args, kwargs))
        if tree != self.in_tree:
            raise ShapeError(arguments_differ(self.executable.program.name, described(self.in_tree), described(tree)))
        return self.run(leaves)

    def _converted(self, leaf: Any, number: int) -> int | np.ndarray[Any, Any]:
        """What the native path cannot read of a leaf by itself: where its elements are, or an array of them.

        Wide NumPy arrays narrow as in JAX where 64-bit types are off.
        """
        spec = self._specs[number]
        if type(leaf) is KeyArray:
            leaf = key_array(leaf)
        if type(leaf) is ArrayImpl:
            try:
                pointer = pointer_of(leaf)
            except RuntimeError as error:
                raise _unreadable(leaf, spec, error) from error
            if pointer is not None and leaf.shape == spec.shape and leaf.dtype == spec.dtype:
                return pointer
        if isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype != spec.dtype:
            if leaf.dtype == jax.dtypes.float0:
                leaf = np.zeros(leaf.shape, np.bool_)  # as JAX lowers them
            elif jax.dtypes.canonicalize_dtype(leaf.dtype) == spec.dtype:
                leaf = np.asarray(leaf, spec.dtype)
        elif isinstance(leaf, jax.core.Tracer):
            raise tracer_error(spec.path)
        return spec.accept(leaf)

    def _same_array(self, number: int, donated: int) -> None:
        first, second = sorted((number, donated))
        raise AstraError(
            f"{self._specs[second].path} is the same array as {self._specs[first].path}, and one is donated; "
            "pass a copy, or do not donate it"
        )


def _wrapper(aval: Any) -> Callable[[Any, np.ndarray[Any, Any]], Any] | None:
    """What makes a result of an array where it is neither a NumPy nor a JAX array, which the native path makes."""
    if aval.dtype == jax.dtypes.float0:
        return _to_float0
    return to_keys if is_key_type(aval) else None


def _to_float0(aval: Any, result: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The derivative of integers, for which compiled code gives i1: JAX's zeros without bytes."""
    del result
    return np.zeros(aval.shape, jax.dtypes.float0)


def _unreadable(leaf: Any, spec: ArraySpec, error: RuntimeError) -> Exception:
    """What to raise when the memory of a JAX array cannot be had."""
    if not leaf.is_deleted():
        return error
    return AstraError(
        f"{spec.path}: this array was donated to an earlier call (or deleted), which gave its memory away; "
        "use the array that the call returned, or do not donate it (donate_argnums)"
    )


def tracer_error(name: str) -> AstraError:
    return AstraError(
        f"{name}: a function compiled by Astra was called on traced values, within jax.jit, jax.grad, jax.lax.scan or "
        "another function of JAX, which cannot look into it. Put astra.jit around all of it: astra.jit(jax.grad(f)) in "
        "place of jax.grad(astra.jit(f))"
    )


def compile_function(
    arguments: _Arguments,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    target: str | TargetMachine | None,
    output: str,
    executables: MutableMapping[bytes, Executable] | None,
) -> CompiledFunction:
    """Capture and compile a function for the arguments given (arrays or ``jax.ShapeDtypeStruct``).

    Signatures that differ only in what JAX knows of them (NumPy's or JAX's arrays, weak types of results) give the same
    program: ``executables`` holds those compiled before (None: those of all functions are looked through).
    """
    dynamic, dynamic_kwargs, _ = arguments.split(args, kwargs)
    in_tree = tree_structure((dynamic, dynamic_kwargs))
    paths = arguments.paths(dynamic, dynamic_kwargs)
    for leaf, path in zip(tree_leaves((dynamic, dynamic_kwargs)), paths, strict=True):
        refuse_masked(leaf, path)
        if isinstance(leaf, np.ndarray) and not leaf.dtype.isnative:
            raise DTypeError(
                f"{path}: the {leaf.dtype.name} array has the other byte order ({leaf.dtype.str}); convert it with "
                f".astype({leaf.dtype.name!r})"
            )
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in _NO_NUMBERS:
            kind = "str" if leaf.dtype.kind in "SU" else leaf.dtype.name
            raise DTypeError(f"{path}: arrays of {kind} cannot be compiled for; pass numbers, or make it static")
    donated = arguments.donated_leaves(dynamic, dynamic_kwargs)
    captured = capturing.capture(
        arguments.function, args, kwargs, static_argnums=sorted(arguments.static_nums),
        static_argnames=sorted(arguments.static_names), input_paths=paths, donated=donated,
    )  # fmt: skip
    program = captured.program
    if executables is None:
        executable = compile_kept(program, target)
    else:
        known = None if program.constants else executables.get(program.data)
        executable = known or compiler.compile_program(program, target=target)
        if not program.constants:
            executables[program.data] = executable
    return CompiledFunction(executable, captured, in_tree, donated, output)


# --- jit ---------------------------------------------------------------------------------------------------------


class JitFunction(Dispatcher):
    """What :func:`jit` gives: a callable that compiles at the first call of each signature.

    A call is native (``runtime/python/dispatcher.cpp``): it finds the compiled function by the arguments' structure and
    types, or comes here.
    """

    def __init__(
        self,
        arguments: _Arguments,
        target: str | TargetMachine | None,
        cache_size: int,
        output: str,
        num_threads: int = 0,
    ) -> None:
        functools.update_wrapper(self, arguments.function)
        connect()
        self._set_static(tuple(sorted(arguments.static_nums)), arguments.static_names)
        self._arguments = arguments
        self._target = target
        self._output = output
        self._num_threads = num_threads
        self._cache_size = cache_size
        self._cache: dict[Any, CompiledFunction] = {}
        self._executables: WeakValueDictionary[bytes, Executable] | None = WeakValueDictionary()
        self._lock = threading.RLock()
        self._hits = self._misses = 0
        self._torch: Any = None  # the same for calls on PyTorch tensors, from the first such call on

    def _call_uncached(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call like none that the native path remembers."""
        if self._torch is not None and frontends.uses_torch(None, args, kwargs):
            return self._torch(*args, **kwargs)
        if capturing.is_tracing():  # it may also use traced values without having them as arguments
            return self._arguments.function(*args, **kwargs)
        dynamic, dynamic_kwargs, static = self._arguments.split(args, kwargs)
        leaves, tree = tree_flatten((dynamic, dynamic_kwargs))
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            raise tracer_error(_name(self._arguments.function))
        if frontends.uses_torch(None, args, kwargs):
            return self._for_torch()(*args, **kwargs)
        if any(leaf_key(leaf) is None for leaf in leaves):
            paths = self._arguments.paths(dynamic, dynamic_kwargs)
            leaves = [x if leaf_key(x) is not None else _normalized(x, p) for x, p in zip(leaves, paths, strict=True)]
            args, kwargs = self._with_leaves(args, kwargs, leaves, tree)
            return self(*args, **kwargs)
        compiled = self._compiled(args, kwargs, leaves, tree, static)
        order = tuple(tree_leaves(self._numbered(dynamic, dynamic_kwargs)))
        self._remember(args, kwargs, compiled, order)
        return compiled.run(leaves)

    def _with_leaves(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], leaves: list[Any], tree: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with the dynamic ones' leaves replaced."""
        dynamic, dynamic_kwargs = tree_unflatten(tree, leaves)
        rest = iter(dynamic)
        nums = self._arguments.static_nums
        return tuple(a if i in nums else next(rest) for i, a in enumerate(args)), {**kwargs, **dynamic_kwargs}

    def _compiled(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any], tree: Any, static: Any
    ) -> CompiledFunction:
        key = (tree, static, trace_context(), tuple(map(leaf_key, leaves)))
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._hits += 1
                return found
            compiled = compile_function(self._arguments, args, kwargs, self._target, self._output, self._executables)
            compiled.num_threads = self._num_threads
            self._misses += 1
            while len(self._cache) >= max(1, self._cache_size):
                oldest = min(self._cache, key=lambda k: self._cache[k]._last_used)
                self._forget(self._cache.pop(oldest))
            self._cache[key] = compiled
        return compiled

    def _for_torch(self) -> Any:
        """The function for PyTorch tensors."""
        if self._torch is None:
            from astra_mlir.torch_frontend import functions as torch_functions

            arguments = self._arguments
            donated = arguments.donated_nums or arguments.donated_names or None
            self._torch = torch_functions.jit(
                arguments.function, target=self._target, cache_size=self._cache_size, donate_argnums=donated,
                output=self._output, num_threads=self._num_threads,
            )  # fmt: skip
            self._set_on_tensors(self._torch)
        return self._torch

    def compile(self, *args: Any, **kwargs: Any) -> Any:
        """The compiled function for these arguments' signature, to be looked at or called; it is cached, too."""
        if frontends.uses_torch(None, args, kwargs):
            return self._for_torch().compile(*args, **kwargs)
        dynamic, dynamic_kwargs, static = self._arguments.split(args, kwargs)
        leaves, tree = tree_flatten((dynamic, dynamic_kwargs))
        return self._compiled(args, kwargs, leaves, tree, static)

    def traced_once(self) -> JitFunction:
        """This function, which is traced for one call: code is looked for among that of all such functions."""
        self._executables = None
        return self

    def around(self, function: Callable[..., Any], same_arguments: bool) -> JitFunction:
        """The same options for a function made of this one; with its static arguments where it takes the same."""
        none: frozenset[Any] = frozenset()
        nums, names = self._arguments.static_nums, self._arguments.static_names
        arguments = _Arguments(
            function, nums if same_arguments else none, names if same_arguments else none, none, none
        )
        return JitFunction(arguments, self._target, self._cache_size, self._output, self._num_threads)

    def cache_info(self) -> CacheInfo:
        """How the cache of signatures has done."""
        counts = CacheInfo(self._hits + self._native_hits, self._misses, self._cache_size, len(self._cache))
        if self._torch is None:
            return counts
        more = self._torch.cache_info()
        return CacheInfo(
            counts.hits + more.hits, counts.misses + more.misses, counts.maxsize, counts.currsize + more.currsize
        )

    def clear_cache(self) -> None:
        """Forget all compiled signatures."""
        with self._lock:
            self._cache.clear()
            self._forget(None)
            self._torch = None

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """So that methods can be decorated; ``self`` is then the first argument (make it static or a pytree)."""
        return self if instance is None else functools.partial(self, instance)


def jit(
    function: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Iterable[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    donate_argnames: str | Iterable[str] | None = None,
    target: str | TargetMachine | None = None,
    cache_size: int | None = None,
    num_threads: int = 0,
    output: str = "auto",
) -> Any:
    """Compile a JAX function with Astra: like ``jax.jit``, for the CPU (PyTorch functions, too: docs/pytorch.md) or
    for a GPU (``target="cuda:sm_90a"``: docs/gpu-programs.md).

    Arguments and results are trees of arrays and numbers as in JAX, with the same types and values.  One version is
    compiled for each combination of tree structure, shapes, element types, static values and JAX settings; the last
    ``cache_size`` (``ASTRA_JIT_CACHE_SIZE``) are kept.  A call takes at most ``num_threads`` threads (0: no limit).
    Donated JAX arrays are given up: their memory is reused and using them again is an error.  Results are JAX arrays
    when an argument is one and NumPy arrays otherwise (``output`` = ``"jax"`` or ``"numpy"`` fixes it), without copies
    of large arrays in either direction.  Usable as a decorator with and without options.

    Raises :class:`UnsupportedError` for an operation that Astra does not compile, :class:`AstraError` for an argument
    that is no array and for calls inside of JAX transformations (write ``astra.jit(jax.grad(f))``).

    >>> import numpy as np, astra_mlir as astra, jax.numpy as jnp
    >>> @astra.jit
    ... def scale(x, factor):
    ...     return {"scaled": jnp.tanh(x) * factor}
    >>> scale(np.zeros(3, np.float32), 2.0)["scaled"]
    array([0., 0., 0.], dtype=float32)
    """
    if function is None:
        return functools.partial(
            jit, static_argnums=static_argnums, static_argnames=static_argnames, donate_argnums=donate_argnums,
            donate_argnames=donate_argnames, target=target, cache_size=cache_size, num_threads=num_threads,
            output=output,
        )  # fmt: skip
    if not callable(function):
        raise AstraError(f"astra.jit: expected a function, got {type(function).__name__}")
    if output not in _OUTPUT_KINDS:
        raise AstraError(f"astra.jit: output={output!r} is not one of {', '.join(map(repr, _OUTPUT_KINDS))}")
    arguments = _Arguments.of(function, static_argnums, static_argnames, donate_argnums, donate_argnames)
    if frontends.is_torch_module(function):
        from astra_mlir.torch_frontend import functions as torch_functions

        return torch_functions.jit(
            function, donate_argnums=donate_argnums, donate_argnames=donate_argnames, target=target,
            cache_size=cache_size, output=output,
        )  # fmt: skip
    size = config.jit_cache_size.get() if cache_size is None else cache_size
    if is_gpu_target(target):
        from astra_mlir.gpu.functions import GpuFunction

        return GpuFunction(arguments, str(target), size)
    machine = TargetMachine.parse(target) if isinstance(target, str) else target
    return JitFunction(arguments, machine, size, output, thread_limit("astra.jit: num_threads", num_threads))
