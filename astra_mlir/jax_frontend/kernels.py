"""Kernels in JAX programs: ``astra.kernel_call`` is a primitive, a custom call ``@astra.tile_call`` for Astra.

Between ``kernels/decorator.py``, which traces the kernel, and ``astra-import``, which makes the operation of the call.
A call with a ``vjp`` is a function with a derivative rule; that of a pointwise kernel comes from
``kernels/pointwise.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np
from jax._src.interpreters import batching, mlir
from jax.extend import core as jax_core

from astra_mlir.errors import KernelError
from astra_mlir.jax_frontend import rule_functions as jax_rule_functions
from astra_mlir.kernels.decorator import Kernel
from astra_mlir.kernels.launch import Argument, bound_arguments, grid_of
from astra_mlir.kernels.pointwise import pointwise_function
from astra_mlir.language.types import PointerType, dtype_of

__all__ = ["kernel_call"]

_PRIMITIVE: Any = jax_core.Primitive("astra_tile_call")
_PRIMITIVE.multiple_results = True


def _shapes(*avals: Any, outs: tuple[Any, ...], **parameters: Any) -> Any:
    del avals, parameters
    return [jax.core.ShapedArray(shape, np.dtype(dtype)) for shape, dtype in outs]


_PRIMITIVE.def_abstract_eval(_shapes)


def _run(*values: Any, **parameters: Any) -> Any:
    """Outside of a compiled function: compiled by itself."""
    return _compiled(tuple(sorted(parameters.items())))(*values)


_PRIMITIVE.def_impl(_run)


@cache
def _compiled(parameters: tuple[Any, ...]) -> Callable[..., Any]:
    from astra_mlir.jax_frontend.functions import jit

    return jit(lambda *values: _PRIMITIVE.bind(*values, **dict(parameters)))


def _lower(
    ctx: Any, *operands: Any, outs: Any, body: str, grid: Any, order: Any, initial: Any, name: str
) -> Sequence[Any]:
    del outs
    platforms = ctx.module_context.platforms
    if not all(platform.startswith("astra") for platform in platforms):
        raise KernelError(
            f"kernel '{name}' is compiled by Astra, not for {platforms[0]}: use astra.jit or its JAX backend"
        )
    return jax_rule_functions.custom_call(
        ctx, "tile_call", operands, {}, body=mlir.ir.StringAttr.get(body), grid=jax_rule_functions.integers(grid),
        order=jax_rule_functions.integers(order), initial=jax_rule_functions.integers(initial),
    )  # fmt: skip


mlir.register_lowering(_PRIMITIVE, _lower)


def _batched(values: Sequence[Any], dims: Sequence[Any], **parameters: Any) -> Any:
    """One call after the other for the examples of a batch."""
    mapped = [i for i, dim in enumerate(dims) if dim is not None]
    moved = [jax.numpy.moveaxis(values[i], dims[i], 0) for i in mapped]

    def one(xs: Sequence[Any]) -> Any:
        given = list(values)
        for i, x in zip(mapped, xs, strict=True):
            given[i] = x
        return _PRIMITIVE.bind(*given, **parameters)

    results = jax.lax.map(one, moved)
    return results, [0] * len(results)


batching.primitive_batchers[_PRIMITIVE] = _batched


@cache
def _context() -> Any:
    from astra_mlir.bindings import make_context

    return make_context()


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | jax.Array | jax.core.Tracer)


def _argument(name: str, value: Any) -> Argument:
    """An array of the program: a pointer, or a scalar where it has rank 0; numbers are known at compile time."""
    kind = dtype_of(value.dtype)
    return Argument(name, PointerType(kind) if value.shape else kind, value)


def kernel_call(
    kernel: Kernel,
    grid: Any,
    out_shapes: Any,
    *args: Any,
    vjp: Callable[..., Any] | str | None = None,
    **kwargs: Any,
) -> Any:
    """Run a kernel in a JAX program; its results are new arrays.

    The kernel's first parameters are ``args``, the next ones the outputs, the others ``kwargs``.  ``out_shapes`` is the
    output or a list of them: each has a shape and a dtype (``jax.ShapeDtypeStruct``); an array instead is what the
    output begins as.  Arrays of rank 0 are scalar arguments, Python numbers constants.  ``grid`` is a tuple or a
    function of the arguments by name.  ``vjp(args, results, cotangents)`` gives the cotangents of ``args``;
    ``vjp="pointwise"`` differentiates a kernel that works element by element.

    >>> import jax.numpy as jnp, astra_mlir as astra, astra_mlir.language as al
    >>> @astra.kernel
    ... def double(x, out, n, BLOCK: al.constexpr):
    ...     i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    ...     al.store(out + i, 2 * al.load(x + i, i < n), i < n)
    >>> @astra.jit
    ... def f(x):
    ...     return astra.kernel_call(double, (1,), x, x, n=3, BLOCK=4) + 1
    >>> f(jnp.arange(3.0)).tolist()
    [1.0, 3.0, 5.0]
    """
    single = not isinstance(out_shapes, tuple | list)
    outs = [out_shapes] if single else list(out_shapes)
    if vjp is None:
        results = _call(kernel, grid, outs, args, kwargs)
    else:
        results = _differentiable(kernel, grid, outs, args, kwargs, vjp)
    return results[0] if single else list(results)


def _call(kernel: Kernel, grid: Any, outs: Sequence[Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    module, parameters, operands = _traced(kernel, grid, outs, args, kwargs)
    del module
    return _PRIMITIVE.bind(*operands, **parameters)


def _traced(kernel: Kernel, grid: Any, outs: Sequence[Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The module of the tile function, the primitive's parameters and its operands."""
    numbers: dict[str, Any] = {}

    def make(name: str, value: Any) -> Any:
        if _is_array(value):
            return _argument(name, value)
        if isinstance(value, _Out):
            return Argument(name, PointerType(dtype_of(value.dtype)), value)
        numbers[name] = value
        return None

    placed = [*args, *(_Out(i, out) for i, out in enumerate(outs))]
    found, constants, options = bound_arguments(kernel, placed, kwargs, make)
    arguments = [argument for argument in found if argument is not None]
    constants.update(numbers)
    meta = {**{a.name: a.value for a in arguments}, **constants}
    module = kernel.trace(
        _context(), {a.name: a.kind for a in arguments}, constants, name=kernel.name, num_warps=options["num_warps"],
        num_stages=options["num_stages"],
    )  # fmt: skip
    operands: list[Any] = []
    order = []
    for argument in arguments:
        if isinstance(argument.value, _Out):
            order.append(-1 - argument.value.number)
        else:
            order.append(len(operands))
            operands.append(argument.value)
    initial = []
    for out in outs:
        initial.append(len(operands) if _is_array(out) and not _is_input(out, args) else -1)
        if initial[-1] >= 0:
            operands.append(out)
    parameters = {
        "outs": tuple((tuple(out.shape), np.dtype(out.dtype).name) for out in outs), "body": str(module),
        "grid": grid_of(grid, meta), "order": tuple(order), "initial": tuple(initial), "name": kernel.name,
    }  # fmt: skip
    return module, parameters, operands


def _is_input(out: Any, args: Sequence[Any]) -> bool:
    """An argument given as the shape of an output says only that: the same shape and type."""
    return any(out is value for value in args)


class _Out:
    """Stands for an output among the arguments."""

    def __init__(self, number: int, like: Any) -> None:
        self.number = number
        self.shape = tuple(like.shape)
        self.dtype = np.dtype(like.dtype)


def _differentiable(
    kernel: Kernel, grid: Any, outs: Sequence[Any], args: Sequence[Any], kwargs: dict[str, Any], vjp: Any
) -> Any:
    """The call as a function of its array arguments with a derivative rule."""
    positions = [i for i, value in enumerate(args) if _is_array(value)]
    shapes = [jax.ShapeDtypeStruct(out.shape, out.dtype) for out in outs]
    starts = [
        out if _is_array(out) and not _is_input(out, args) else shape for out, shape in zip(outs, shapes, strict=True)
    ]

    def whole(values: Sequence[Any]) -> list[Any]:
        given = list(args)
        for i, value in zip(positions, values, strict=True):
            given[i] = value
        return given

    if vjp == "pointwise":
        module, parameters, _ = _traced(kernel, grid, starts, args, kwargs)
        function = pointwise_function(module, parameters["order"], [shape.dtype for shape in shapes])

        def rule(inputs: Sequence[Any], results: Any, cotangents: Any) -> Any:
            del results
            arrays = [inputs[i] for i in positions]
            return jax.vjp(lambda *values: function(values, [shape.shape for shape in shapes]), *arrays)[1](
                list(cotangents)
            )
    else:

        def rule(inputs: Sequence[Any], results: Any, cotangents: Any) -> Any:
            single = len(outs) == 1
            given = vjp(inputs, results[0] if single else results, cotangents[0] if single else cotangents)
            given = given if isinstance(given, tuple | list) else (given,)
            if len(given) == len(inputs):
                return tuple(given[i] for i in positions)
            if len(given) != len(positions):
                raise KernelError(
                    f"the vjp of kernel '{kernel.name}' gives {len(given)} cotangents of {len(args)} arguments"
                )
            return tuple(given)

    def plain(*values: Any) -> Any:
        return list(_call(kernel, grid, starts, whole(values), kwargs))

    call: Any = jax.custom_vjp(plain)

    def forward(*values: Any) -> Any:
        results = call(*values)
        return results, (values, results)

    def backward(kept: Any, cotangents: Any) -> Any:
        values, results = kept
        given = rule(whole(values), results, cotangents)
        return tuple(_zero_like(value) if g is None else g for g, value in zip(given, values, strict=True))

    call.defvjp(forward, backward)
    return call(*(args[i] for i in positions))


def _zero_like(value: Any) -> Any:
    if jax.numpy.issubdtype(value.dtype, jax.numpy.inexact):
        return jax.numpy.zeros_like(value)
    return np.zeros(value.shape, jax.dtypes.float0)
