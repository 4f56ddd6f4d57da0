"""``@astra.kernel``: a tile kernel written in Python, compiled for each set of argument types and constants.

Above ``language/``, which compiles the function's syntax tree to a tile function; ``kernels/launch.py`` runs it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from astra_mlir.errors import KernelError
from astra_mlir.language.function import KernelFunction
from astra_mlir.language.types import DTYPES, DType, PointerType, bfloat16, float16, float32, float64, int1

if TYPE_CHECKING:
    from astra_mlir.bindings import ir
    from astra_mlir.kernels.gpu import GpuKernel
    from astra_mlir.native import Launches

__all__ = ["Kernel", "Launcher", "kernel"]

_SHORT = {"fp16": float16, "bf16": bfloat16, "fp32": float32, "fp64": float64, "f16": float16, "f32": float32,
          "f64": float64, "bool": int1, "i1": int1, "i8": DTYPES["int8"], "i16": DTYPES["int16"],
          "i32": DTYPES["int32"], "i64": DTYPES["int64"], "u8": DTYPES["uint8"], "u16": DTYPES["uint16"],
          "u32": DTYPES["uint32"], "u64": DTYPES["uint64"]}  # fmt: skip

ArgumentType = DType | PointerType


def argument_type(given: Any) -> ArgumentType:
    """The type of an argument: itself, or that of a text like ``*float32`` (a pointer) or ``i32``."""
    if isinstance(given, DType | PointerType):
        return given
    text = str(given)
    element = DTYPES.get(text.lstrip("*")) or _SHORT.get(text.lstrip("*"))
    if element is None:
        raise KernelError(f"'{given}' is no type of kernel arguments")
    return PointerType(element) if text.startswith("*") else element


class Kernel(KernelFunction):
    """A kernel: launch it with ``kernel[grid](arguments...)``, call it in other kernels, or :meth:`trace` it."""

    def __getitem__(self, grid: Any) -> Launcher:
        return Launcher(self, grid)

    def trace(
        self,
        context: ir.Context,
        arg_types: Sequence[Any] | Mapping[str, Any],
        constexprs: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        num_warps: int = 4,
        num_stages: int = 3,
        divisibility: Mapping[str, int] | None = None,
        ones: Sequence[str] = (),
    ) -> ir.Module:
        """A module with the kernel as its one tile function, ``@name``.

        ``arg_types`` are the types of the parameters that are not in ``constexprs``, in order or by name: element
        types, pointers to them, or texts (``"*float32"``, ``"i32"``).  ``divisibility`` marks arguments of which it is
        known (bytes for pointers); integers named in ``ones`` are 1.  Raises :class:`KernelError` with the line.

        >>> import astra_mlir as astra, astra_mlir.language as al
        >>> from astra_mlir.bindings import make_context
        >>> @astra.kernel
        ... def double(x, n, BLOCK: al.constexpr):
        ...     i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
        ...     al.store(x + i, al.load(x + i, i < n) * 2, i < n)
        >>> module = double.trace(make_context(), ["*float32", "int32"], {"BLOCK": 64})
        >>> "astra.tile_store" in str(module)
        True
        """
        from astra_mlir.language.tracing import trace

        return trace(
            self, context, arg_types, dict(constexprs or {}), name=name or self.name, num_warps=num_warps,
            num_stages=num_stages, divisibility=divisibility or {}, ones=ones,
        )  # fmt: skip

    def compile(
        self,
        target: str,
        arg_types: Sequence[Any] | Mapping[str, Any],
        constexprs: Mapping[str, Any] | None = None,
        *,
        num_warps: int = 4,
        num_stages: int = 3,
        divisibility: Mapping[str, int] | None = None,
        ones: Sequence[str] = (),
    ) -> GpuKernel:
        """The kernel compiled for a GPU (``cuda:sm_90a``), to look at; arguments as of :meth:`trace`.

        A launch on device arrays compiles with the divisibility (16) of its pointers and numbers.  Needs no GPU.
        """
        from astra_mlir.kernels.gpu import compile_kernel

        given = arg_types if isinstance(arg_types, Mapping) else list(arg_types)
        return compile_kernel(
            self, target, given, dict(constexprs or {}), num_warps=num_warps, num_stages=num_stages,
            divisibility=divisibility, ones=ones,
        )  # fmt: skip

    resolves = False  # whether launches have constants that `resolved` adds

    def resolved(self, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The keyword arguments of a launch with all constants: here those that were given."""
        del grid, args
        return dict(kwargs)

    @functools.cached_property
    def launches(self) -> Launches:
        """Its launches on device arrays, by the kinds of their arguments."""
        from astra_mlir.kernels.gpu import launches_of

        return launches_of(self)

    def __repr__(self) -> str:
        return f"<astra kernel {self.name}>"


class Launcher:
    """A kernel with a grid: calling it runs the kernel's programs on arrays, in place."""

    def __init__(self, kernel: Kernel, grid: Any) -> None:
        self.kernel = kernel
        self.grid = grid

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        kernel = self.kernel
        if kernel.resolves:
            kwargs = kernel.resolved(self.grid, args, kwargs)
        if kernel.launches.launch(self.grid, args, kwargs) is True:
            return
        from astra_mlir.kernels.launch import launch

        launch(kernel, self.grid, args, kwargs)


def kernel(fn: Callable[..., Any]) -> Kernel:
    """Make a Python function a kernel: it is compiled when it is launched, for each set of types and constants.

    >>> import numpy as np
    >>> import astra_mlir as astra, astra_mlir.language as al
    >>> @astra.kernel
    ... def add(x, y, out, n, BLOCK: al.constexpr):
    ...     i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    ...     al.store(out + i, al.load(x + i, i < n) + al.load(y + i, i < n), i < n)
    >>> x, out = np.arange(5.0), np.zeros(5)
    >>> add[(1,)](x, x, out, 5, BLOCK=8)
    >>> out
    array([0., 2., 4., 6., 8.])
    """
    return Kernel(fn)
