"""``astra.grad``, ``astra.vmap`` and their like: transformations of functions, expanded by the compiler.

What users call.  A transformation makes a :class:`Transformed` function.  Called on arrays it is compiled for their
shapes and types, as by ``astra.jit``; called while Astra captures a function it becomes a part of it, so that all of
them nest in each other and in ``astra.jit``.  What each means is in ``transformations/rules.py``; the derivatives are
taken in the IR.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from astra_mlir import frontends
from astra_mlir.bindings import ir
from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.program import Program
from astra_mlir.transformations import rules
from astra_mlir.transformations.jacobians import jacobian
from astra_mlir.transformations.rules import ReverseMode

__all__ = [
    "ReverseMode", "Transformed", "checkpoint", "custom_jvp", "custom_vjp", "grad", "hessian", "jacfwd", "jacrev",
    "jvp", "linearize", "value_and_grad", "vjp", "vmap",
]  # fmt: skip


# --- transformed functions ---------------------------------------------------------------------------------------

Rule = Callable[..., Any]
"""``rule(frontend, f, args, kwargs, **options)``: what a transformation gives inside of a trace."""


class Transformed:
    """A function under a transformation.

    ``source`` is a function, another :class:`Transformed` or a program; ``rule`` with its ``options`` says what calling
    it means.
    """

    def __init__(self, source: Any, rule: Rule, **options: Any) -> None:
        self.source = source
        self.rule = rule
        self.options = options
        self.compiled: dict[Any, Any] = {}  # what the module that calls it has compiled
        if callable(source):
            functools.update_wrapper(self, source, updated=())
        else:
            is_path = isinstance(source, Path) or (isinstance(source, str) and "\n" not in source)
            self.__name__ = Path(source).stem if is_path else getattr(source, "fun_name", "program")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it on arrays (compiled for their shapes and types at the first call), or within a trace."""
        return self._frontend_module(args, kwargs).call(self, args, kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> Any:
        """The compiled function for these arguments' shapes and types, to be looked at or called."""
        return self._frontend_module(args, kwargs).compile(self, args, kwargs)

    def traced(self, frontend: rules.Frontend, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result as a part of what ``frontend`` traces."""
        source = self.source if isinstance(self.source, Transformed) else frontend.function(self.source)
        return self.rule(frontend, source, args, kwargs, **self.options)

    @property
    def root(self) -> Any:
        """What is at the bottom: a function or a program."""
        return self.source.root if isinstance(self.source, Transformed) else self.source

    def _frontend_module(self, args: Any, kwargs: Any) -> Any:
        return importlib.import_module(f"astra_mlir.{_frontend_of(self.root, args, kwargs)}")

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """So that methods can be decorated."""
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<astra transformed {self.__name__}>"


_PROGRAMS = (str, bytes, Path, Program, ir.Module)


def _frontend_of(source: Any, args: Any, kwargs: Any) -> str:
    """The module that traces and calls functions like ``source``.

    Each has ``call`` and ``compile``, both of a :class:`Transformed`, its arguments and its keyword arguments.
    """
    if not callable(source):
        return "transformations.programs"
    if frontends.uses_torch(source, args, kwargs):
        return "torch_frontend.eager"
    return "jax_frontend.eager"


def _source(source: Any, name: str) -> Any:
    """``source`` if it can be transformed."""
    compiled = sys.modules.get("astra_mlir.compiled")
    if compiled is not None and isinstance(source, compiled.Compiled):
        raise AstraError(
            f"astra.{name}: got a compiled function, which has lost the derivative rules of the function that it was "
            f"made of; transform that one and compile the result: astra.compile(astra.{name}(f), ...)"
        )
    executable = sys.modules.get("astra_mlir.executable")
    if executable is not None and isinstance(source, executable.Executable):
        return source.program
    if callable(source) or isinstance(source, _PROGRAMS):
        return source
    export = sys.modules.get("jax.export")
    if export is not None and isinstance(source, export.Exported):
        from astra_mlir.jax_frontend import exported as jax_exported

        return jax_exported.function_of(source)
    raise AstraError(
        f"astra.{name}: expected a function, a program (a path, MLIR text or bytes, a module) or a "
        f"jax.export.Exported, got {type(source).__name__}"
    )


# --- derivatives -------------------------------------------------------------------------------------------------


def _gradient(*args: Any, **options: Any) -> Any:
    value, gradient = rules.value_and_grad(*args, **options)
    return (gradient, value[1]) if options["has_aux"] else gradient


def grad(
    f: Any,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reverse_mode: ReverseMode | None = None,
) -> Transformed:
    """The gradient of a function with a scalar result, with respect to the positional arguments ``argnums``.

    It takes the arguments of ``f`` and gives a tree like the argument ``argnums``, or a tuple of trees for several;
    with ``has_aux`` ``f`` returns ``(result, auxiliary data)`` and the gradient is ``(gradient, auxiliary data)``.
    Conventions are those of ``jax.grad``: complex arguments get the transpose without conjugation; ``holomorphic`` is
    for complex results; with ``allow_int`` integer arguments get zeros of type float0.  ``reverse_mode`` says what to
    keep of the forward run and how long while loops may run (:class:`ReverseMode`).

    ``f`` is a function of JAX arrays (also one of ``astra.jit``), a program (a path, MLIR text or bytes, a module, what
    ``astra.compile`` made of one) or a ``jax.export.Exported``.  Raises :class:`ShapeError` or :class:`DTypeError` for
    a result that is no scalar or not real, :class:`UnsupportedError` for an operation that has no derivative.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> astra.grad(lambda x: jnp.sum(x**2))(np.array([1.0, 2.0], np.float32))
    array([2., 4.], dtype=float32)
    """
    return Transformed(
        _source(f, "grad"), _gradient, argnums=_argnums(argnums), has_aux=has_aux, holomorphic=holomorphic,
        allow_int=allow_int, reverse_mode=reverse_mode,
    )  # fmt: skip


def value_and_grad(
    f: Any,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reverse_mode: ReverseMode | None = None,
) -> Transformed:
    """As :func:`grad`, giving ``(value, gradient)``; with ``has_aux`` the value is ``(value, auxiliary data)``.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> value, gradient = astra.value_and_grad(lambda x: x**3)(np.float32(2))
    >>> float(value), float(gradient)
    (8.0, 12.0)
    """
    return Transformed(
        _source(f, "value_and_grad"), rules.value_and_grad, argnums=_argnums(argnums), has_aux=has_aux,
        holomorphic=holomorphic, allow_int=allow_int, reverse_mode=reverse_mode,
    )  # fmt: skip


def jvp(f: Any, primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of ``f`` at ``primals`` and its derivative in the direction ``tangents``, in forward mode.

    ``primals`` and ``tangents`` are tuples of trees of the same structure, one for each argument; tangents of integers
    have type float0.  Gives ``(out, tangent of out)``, and auxiliary data last with ``has_aux``.  ``f`` is traced at
    each call; called on arrays, what it traces to is compiled once.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> value, tangent = astra.jvp(lambda x: x**2, (np.float32(3),), (np.float32(1),))
    >>> float(value), float(tangent)
    (9.0, 6.0)
    """
    result: tuple[Any, ...] = Transformed(_source(f, "jvp"), rules.jvp, has_aux=has_aux)(primals, tangents)
    return result


def vjp(f: Any, *primals: Any, has_aux: bool = False, reverse_mode: ReverseMode | None = None) -> tuple[Any, ...]:
    """The value of ``f`` at ``primals`` and the function from a cotangent of it to those of the arguments.

    Gives ``(out, pull_back)``, and auxiliary data last with ``has_aux``.  ``pull_back`` takes a tree like ``out`` and
    gives a tuple of trees like the arguments; cotangents of integers have type float0.  Called on arrays, what the
    derivative needs of the forward run is kept with ``pull_back``, which may be called any number of times.  ``f`` is
    traced at each call of ``vjp``, and what it traces to is compiled once.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> out, pull_back = astra.vjp(jnp.sin, np.float32(0))
    >>> float(pull_back(np.float32(2))[0])
    2.0
    """
    result: tuple[Any, ...] = Transformed(_source(f, "vjp"), rules.vjp, has_aux=has_aux, reverse_mode=reverse_mode)(
        *primals
    )
    return result


def linearize(f: Any, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of ``f`` at ``primals`` and its derivative there, a linear function of the tangents.

    Gives ``(out, push_forward)``, and auxiliary data last with ``has_aux``; ``push_forward`` takes one tree of tangents
    for each argument.  Called on arrays, what the derivative needs of the forward run is kept with ``push_forward``.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> out, push_forward = astra.linearize(lambda x: x**2, np.float32(3))
    >>> float(push_forward(np.float32(10)))
    60.0
    """
    result: tuple[Any, ...] = Transformed(_source(f, "linearize"), rules.linearize, has_aux=has_aux)(*primals)
    return result


def jacfwd(
    f: Any, argnums: int | Sequence[int] = 0, *, has_aux: bool = False, holomorphic: bool = False
) -> Transformed:
    """The Jacobian in forward mode: one column for each element of the arguments ``argnums``, which are float.

    Gives the tree of ``f``'s output with, at each leaf, the tree of the argument (a tuple of trees for several
    ``argnums``) of blocks of shape ``(*output leaf, *argument leaf)``; with ``has_aux`` a pair of that and the
    auxiliary data.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> astra.jacfwd(lambda x: x**2)(np.array([1.0, 2.0], np.float32))
    array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    return Transformed(
        _source(f, "jacfwd"), jacobian, mode="jacfwd", argnums=_argnums(argnums), has_aux=has_aux,
        holomorphic=holomorphic,
    )  # fmt: skip


def jacrev(
    f: Any,
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reverse_mode: ReverseMode | None = None,
) -> Transformed:
    """As :func:`jacfwd`, in reverse mode: one row for each element of the output, which is real.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> astra.jacrev(jnp.sum)(np.ones(3, np.float32))
    array([1., 1., 1.], dtype=float32)
    """
    return Transformed(
        _source(f, "jacrev"), jacobian, mode="jacrev", argnums=_argnums(argnums), has_aux=has_aux,
        holomorphic=holomorphic, allow_int=allow_int, reverse_mode=reverse_mode,
    )  # fmt: skip


def hessian(
    f: Any, argnums: int | Sequence[int] = 0, *, has_aux: bool = False, holomorphic: bool = False,
    reverse_mode: ReverseMode | None = None,
) -> Transformed:  # fmt: skip
    """The matrix of second derivatives, forward over reverse: ``jacfwd(jacrev(f))``.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> astra.hessian(lambda x: jnp.prod(x))(np.array([3.0, 5.0], np.float32))
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    inner = jacrev(f, argnums, has_aux=has_aux, holomorphic=holomorphic, reverse_mode=reverse_mode)
    return jacfwd(inner, argnums, has_aux=has_aux, holomorphic=holomorphic)


def _argnums(argnums: Any) -> int | tuple[int, ...]:
    if isinstance(argnums, int):
        return argnums
    if isinstance(argnums, (tuple, list)) and all(isinstance(n, int) for n in argnums):
        return tuple(argnums)
    raise AstraError(f"argnums must be an integer or a tuple of integers, but is {argnums!r}")


# --- batching and checkpoints ------------------------------------------------------------------------------------


def vmap(
    f: Any, in_axes: Any = 0, out_axes: Any = 0, axis_name: Any = None, axis_size: int | None = None,
    spmd_axis_name: Any = None,
) -> Transformed:  # fmt: skip
    """``f`` applied to every slice of its arguments, the results stacked.

    ``in_axes`` is an axis for all positional arguments, or a tuple with a tree of axes for each; None is an argument
    that is the same for all; keyword arguments are mapped along their first axis.  ``out_axes`` is a tree of axes of
    the results; None is a result that is the same for all.  ``axis_size`` is needed where no argument is mapped.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> astra.vmap(jnp.dot, in_axes=(0, None))(np.eye(2, dtype=np.float32), np.array([3.0, 4.0], np.float32))
    array([3., 4.], dtype=float32)
    """
    for what, given in (("axis_name", axis_name), ("spmd_axis_name", spmd_axis_name)):
        if given is not None:
            raise UnsupportedError(
                f"astra.vmap: {what}={given!r}: collective operations over a mapped axis are not supported; write the "
                "reduction over the axis outside of vmap"
            )
    if not isinstance(in_axes, (int, tuple, list, type(None))):
        raise AstraError(
            f"astra.vmap: in_axes must be an integer, None or a tuple with an entry for each argument, not {in_axes!r}"
        )
    return Transformed(_source(f, "vmap"), rules.vmap, in_axes=in_axes, out_axes=out_axes, axis_size=axis_size)


def checkpoint(
    f: Any, *, prevent_cse: bool = True, policy: Any = None, static_argnums: int | Sequence[int] = ()
) -> Any:
    """``f``, of whose run reverse mode keeps nothing but the arguments: it runs again when its derivative is taken.

    ``policy`` says what may be kept all the same: ``"nothing"`` (the default), ``"dots"`` (results of contractions),
    ``"dots_with_no_batch_dims"`` or ``"everything"``, or the policy of ``jax.checkpoint_policies`` of such a name.
    ``prevent_cse`` is taken for JAX's sake: recomputation is never merged with the first run.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> float(astra.grad(astra.checkpoint(lambda x: jnp.sin(jnp.sin(x))))(np.float32(0)))
    1.0
    """
    del prevent_cse
    if static_argnums not in ((), None, []):
        raise UnsupportedError("astra.checkpoint: static_argnums is not supported; close over static values")
    return Transformed(_source(f, "checkpoint"), rules.checkpoint, policy=_policy(policy))


# Names of jax.checkpoint_policies with the policies of the operation.
_JAX_POLICIES = {
    "nothing_saveable": "nothing",
    "everything_saveable": "everything",
    "dots_saveable": "dots",
    "checkpoint_dots": "dots",
    "dots_with_no_batch_dims_saveable": "dots_with_no_batch_dims",
    "checkpoint_dots_with_no_batch_dims": "dots_with_no_batch_dims",
}


def _policy(policy: Any) -> str:
    if policy is None:
        return "nothing"
    if isinstance(policy, str):
        if policy in rules.CHECKPOINT_POLICIES:
            return policy
    elif "jax" in sys.modules:
        known = sys.modules["jax"].checkpoint_policies
        for name, ours in _JAX_POLICIES.items():
            if getattr(known, name) == policy:
                return ours
    raise UnsupportedError(
        f"astra.checkpoint: the policy {policy!r} is not supported; give one of {', '.join(rules.CHECKPOINT_POLICIES)}"
    )


# --- rules of the user's -----------------------------------------------------------------------------------------


def custom_jvp(f: Callable[..., Any] | None = None, *, nondiff_argnums: Sequence[int] = ()) -> Any:
    """A function of JAX arrays with a derivative rule of its own, given by ``defjvp`` as for ``jax.custom_jvp``.

    The rule takes ``(primals, tangents)``, after the ``nondiff_argnums`` arguments, and gives the output and its
    tangent, which is linear in the tangents.  Both modes use it.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> @astra.custom_jvp
    ... def log1pexp(x):
    ...     return jnp.log(1.0 + jnp.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), (1 - 1 / (1 + jnp.exp(x))) * t
    >>> float(astra.grad(log1pexp)(np.float32(100)))
    1.0
    """
    if f is None:
        return functools.partial(custom_jvp, nondiff_argnums=nondiff_argnums)
    from astra_mlir.jax_frontend.eager import CustomJvp

    return CustomJvp(f, tuple(nondiff_argnums))


def custom_vjp(f: Callable[..., Any] | None = None, *, nondiff_argnums: Sequence[int] = ()) -> Any:
    """A function of JAX arrays with a reverse-mode rule of its own, given by ``defvjp`` as for ``jax.custom_vjp``.

    ``defvjp(forward, backward)``: ``forward`` takes the arguments and gives the output and residuals, ``backward``
    takes the ``nondiff_argnums`` arguments, the residuals and the cotangent of the output and gives a tuple of the
    arguments' cotangents.  Forward mode of such a function is refused.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> @astra.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (jnp.clip(ct, -1, 1),))
    >>> float(astra.grad(lambda x: 5 * clipped(x))(np.float32(2)))
    1.0
    """
    if f is None:
        return functools.partial(custom_vjp, nondiff_argnums=nondiff_argnums)
    from astra_mlir.jax_frontend.eager import CustomVjp

    return CustomVjp(f, tuple(nondiff_argnums))
