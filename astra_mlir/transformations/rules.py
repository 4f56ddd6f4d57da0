"""What each transformation of the Python API means: trees, argument numbers, checks; one text for every frontend.

Between the public functions (``transformations/api.py``) and the frontends (``jax_frontend/transforms.py``,
``transformations/programs.py``), which trace functions to flat programs and apply the operations ``astra.jvp``,
``astra.vjp``, ``astra.vmap`` and ``astra.checkpoint`` to them.  A rule takes a frontend, the function and the arguments
that the transformed function was called with, all inside of a trace, and gives the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from astra_mlir.dialects.transforms import VJP_POLICIES
from astra_mlir.errors import AstraError, DTypeError, ShapeError, UnsupportedError

__all__ = [
    "CHECKPOINT_POLICIES", "FLOAT0", "Chosen", "Float0", "Frontend", "Primals", "ReverseMode", "Traced", "batch",
    "call_traced",
    "check_input", "check_output", "checkpoint", "derivative", "float0_zeros", "inexact", "jvp", "linear_arguments",
    "linearize", "name_of", "output_specs", "pullback", "pushforward", "split_aux", "value_and_grad", "vjp", "vmap",
]  # fmt: skip

FLOAT0 = np.dtype([("float0", np.void, 0)])
"""The element type of tangents and cotangents of integers: JAX's own, of no bytes."""


@dataclass(frozen=True)
class Float0:
    """A leaf that stands for an array of :data:`FLOAT0`, which no program computes."""

    shape: tuple[int, ...]


def float0_zeros(shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """What users get for it."""
    return np.zeros(tuple(shape), FLOAT0)


@dataclass(frozen=True)
class Traced:
    """A function traced to a flat program: what a transformation operation refers to.

    ``handle`` is the frontend's; ``consts`` are the values outside that the function uses, its first operands.
    ``leaves`` has for each leaf of the output tree the number of a result, or a :class:`Float0`.
    """

    handle: Any
    consts: tuple[Any, ...]
    inputs: tuple[Any, ...]  # specs, without those of consts
    outputs: tuple[Any, ...]
    tree: Any
    leaves: tuple[int | Float0, ...]
    frontend: Frontend = field(repr=False)

    def unflatten(self, results: Sequence[Any]) -> Any:
        """The tree of the function's output with ``results`` in it."""
        leaves = [float0_zeros(x.shape) if isinstance(x, Float0) else results[x] for x in self.leaves]
        return self.frontend.unflatten(self.tree, leaves)


class Frontend(Protocol):
    """How functions are traced.  A *value* is an array of the running trace, a *spec* has its shape and dtype."""

    def flatten(self, tree: Any) -> tuple[list[Any], Any]: ...

    def unflatten(self, structure: Any, leaves: Sequence[Any]) -> Any: ...

    def flatten_axes(self, what: str, structure: Any, axes: Any) -> list[int | None]:
        """``axes``, a prefix of a tree of ``structure``, as one axis for each leaf."""
        ...

    def value(self, leaf: Any, what: str) -> Any:
        """A leaf of the arguments as a value; raises :class:`AstraError`, with ``what`` it is, for what is no array."""
        ...

    def full(self, spec: Any, number: int) -> Any:
        """A value of this spec, every element of which is ``number``."""
        ...

    def basis(self, spec: Any, size: int) -> Any:
        """The ``size`` unit vectors in the space of values of this spec, along a first axis."""
        ...

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any: ...

    def spec(self, value: Any) -> Any: ...

    def resized(self, spec: Any, shape: tuple[int, ...]) -> Any:
        """The spec with another shape."""
        ...

    def kind(self, spec: Any) -> str:
        """``f`` for floats, ``c`` for complex, ``i`` for integers, ``b`` for bool, ``k`` for random keys."""
        ...

    def function(self, source: Any) -> Callable[..., Any]:
        """What a transformation was applied to, as a function of values."""
        ...

    def trace(self, function: Callable[..., Any], inputs: Sequence[Any], name: str) -> Traced:
        """Trace ``function`` of values of these specs."""
        ...

    def bind(
        self, kind: str, traced: Traced, operands: Sequence[Any], attributes: dict[str, Any], outputs: Sequence[Any]
    ) -> list[Any]:
        """Apply operation ``astra.<kind>`` of a traced function; ``operands`` include the consts."""
        ...


# --- the operations on flat programs -----------------------------------------------------------------------------


def _is_inexact(frontend: Frontend, spec: Any) -> bool:
    return frontend.kind(spec) in ("f", "c")


def inexact(frontend: Frontend, specs: Sequence[Any]) -> list[int]:
    return [i for i, spec in enumerate(specs) if _is_inexact(frontend, spec)]


def call_traced(traced: Traced, values: Sequence[Any]) -> list[Any]:
    return traced.frontend.bind("call", traced, [*traced.consts, *values], {}, traced.outputs)


def pushforward(
    traced: Traced, argnums: Sequence[int], values: Sequence[Any], tangents: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """The results, and the tangents of the float and complex ones."""
    frontend, shift, count = traced.frontend, len(traced.consts), len(traced.outputs)
    specs = [*traced.outputs, *(traced.outputs[i] for i in inexact(frontend, traced.outputs))]
    operands = [*traced.consts, *values, *tangents]
    results = frontend.bind("jvp", traced, operands, {"argnums": [shift + i for i in argnums]}, specs)
    return results[:count], results[count:]


@dataclass(frozen=True)
class ReverseMode:
    """How reverse mode is to run: what it keeps, within which memory, and how long loops may run.

    ``policy`` is ``"recompute-cheap"`` (the default), which computes again what costs less than being read back, or
    ``"save-all"``.  ``memory_budget`` is the most bytes of temporaries to aim at, by computing more again.
    ``while_bound`` is the most iterations of while loops whose number of iterations is not known; a loop that runs
    longer gives NaN in place of floats.
    """

    policy: str | None = None
    memory_budget: int | None = None
    while_bound: int | None = None

    def __post_init__(self) -> None:
        if self.policy not in (None, *VJP_POLICIES):
            raise AstraError(f"ReverseMode: policy {self.policy!r} is not one of {', '.join(VJP_POLICIES)}")
        for name in ("memory_budget", "while_bound"):
            value = getattr(self, name)
            least = 1 if name == "while_bound" else 0
            if value is not None and (not isinstance(value, int) or value < least):
                raise AstraError(f"ReverseMode: {name} must be an integer of at least {least}, but is {value!r}")

    def attributes(self) -> dict[str, Any]:
        """The attributes of ``astra.vjp`` that say so."""
        return {name: value for name, value in vars(self).items() if value is not None}


def pullback(
    traced: Traced, argnums: Sequence[int], values: Sequence[Any], cotangents: Sequence[Any],
    reverse_mode: ReverseMode | None = None,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """The results, and the cotangents of the arguments ``argnums``, which are float or complex.

    There is a cotangent for each float or complex result; None is one that is zero, for which nothing is computed.
    """
    frontend, shift, count = traced.frontend, len(traced.consts), len(traced.outputs)
    specs = [*traced.outputs, *(traced.inputs[i] for i in argnums)]
    given = [traced.outputs[i] for i in inexact(frontend, traced.outputs)]
    full = [frontend.full(spec, 0) if x is None else x for x, spec in zip(cotangents, given, strict=True)]
    operands = [*traced.consts, *values, *full]
    attributes: dict[str, Any] = {"argnums": [shift + i for i in argnums]}
    zeros = [i for i, x in enumerate(cotangents) if x is None]
    attributes |= {"zero_cotangents": zeros} if zeros else {}
    if reverse_mode is not None:
        if not isinstance(reverse_mode, ReverseMode):
            raise AstraError(f"reverse_mode must be an astra.ReverseMode(...), but is {reverse_mode!r}")
        attributes |= reverse_mode.attributes()
    results = frontend.bind("vjp", traced, operands, attributes, specs)
    return results[:count], results[count:]


def batch(
    traced: Traced, size: int, in_axes: Sequence[int], out_axes: Sequence[int], values: Sequence[Any]
) -> list[Any]:
    """The results batched along ``out_axes``; -1 is an argument or result that is not."""
    frontend = traced.frontend
    specs = [
        spec if axis == -1 else frontend.resized(spec, (*spec.shape[:axis], size, *spec.shape[axis:]))
        for spec, axis in zip(traced.outputs, out_axes, strict=True)
    ]
    attributes = {"axis_size": size, "in_axes": [-1] * len(traced.consts) + list(in_axes), "out_axes": list(out_axes)}
    return frontend.bind("vmap", traced, [*traced.consts, *values], attributes, specs)


# --- arguments ---------------------------------------------------------------------------------------------------


def name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _positions(argnums: int | Sequence[int], count: int, name: str) -> list[int]:
    """Argument numbers as positions among ``count`` positional arguments."""
    given = [argnums] if isinstance(argnums, int) else list(argnums)
    positions = [n + count if n < 0 else n for n in given]
    if not all(0 <= p < count for p in positions):
        raise AstraError(
            f"{name} with argnums={argnums} needs the arguments at these positions, but was called with {count} "
            "positional arguments; arguments given by keyword cannot be differentiated"
        )
    if len(set(positions)) != len(positions):
        raise AstraError(f"{name}: argnums={argnums} names an argument twice")
    return positions


class Chosen:
    """The arguments that are differentiated, as flat values; the others stay as they are, of whatever kind."""

    def __init__(
        self, frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
        argnums: int | Sequence[int], name: str,
    ) -> None:  # fmt: skip
        self.frontend, self.f, self.args, self.kwargs = frontend, f, args, kwargs
        self.positions = _positions(argnums, len(args), name)
        chosen = tuple(args[p] for p in self.positions)
        leaves, self.tree = frontend.flatten(chosen[0] if isinstance(argnums, int) else chosen)
        self.single = isinstance(argnums, int)
        self.values = [frontend.value(leaf, f"{name}: an argument that is differentiated") for leaf in leaves]
        self.specs = [frontend.spec(value) for value in self.values]

    def call(self, values: Sequence[Any]) -> Any:
        """The function with other values for the chosen arguments."""
        chosen = self.frontend.unflatten(self.tree, values)
        args = list(self.args)
        for position, value in zip(self.positions, (chosen,) if self.single else chosen, strict=True):
            args[position] = value
        return self.f(*args, **self.kwargs)


def split_aux(out: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    if not has_aux:
        return out, ()
    if not isinstance(out, tuple) or len(out) != 2:
        raise AstraError(
            f"{name} with has_aux=True: the function must return a pair (output, auxiliary data), but returned "
            f"{f'a tuple of {len(out)}' if isinstance(out, tuple) else f'a {type(out).__name__}'}"
        )
    return out


_INPUT_WAYS = {
    "jacfwd": "For other arguments use astra.jvp",
    "grad": "To differentiate integers, which gives zeros of type float0, pass allow_int=True or use astra.vjp",
    "jacrev": "To differentiate integers, which gives zeros of type float0, pass allow_int=True or use astra.vjp",
}


def check_input(kind: str, spec: Any, name: str, holomorphic: bool, taken: str) -> None:
    """``taken``: the kinds of elements that arguments may have."""
    if holomorphic and kind != "c":
        raise DTypeError(f"{name} with holomorphic=True needs complex arguments, but one is {spec.dtype}")
    if not holomorphic and kind not in taken:
        what = "real (float) arguments" if taken == "f" else "real or complex arguments"
        raise DTypeError(f"{name} needs {what}, but one is {spec.dtype}. {_INPUT_WAYS[name]}")


def check_output(kind: str, spec: Any, name: str, holomorphic: bool) -> None:
    if holomorphic and kind != "c":
        raise DTypeError(f"{name} with holomorphic=True needs a function with complex results, but one is {spec.dtype}")
    if not holomorphic and kind == "c":
        raise DTypeError(
            f"{name} needs a function with real results, but one is {spec.dtype}. Pass holomorphic=True for a "
            "holomorphic function, or use astra.vjp"
        )
    if not holomorphic and kind != "f":
        raise DTypeError(
            f"{name} needs a function with real (float) results, but one is {spec.dtype}; astra.vjp takes any"
        )


# --- derivatives -------------------------------------------------------------------------------------------------


def value_and_grad(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *,
    argnums: int | Sequence[int], has_aux: bool, holomorphic: bool, allow_int: bool,
    reverse_mode: ReverseMode | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The value (with auxiliary data: a pair) and the tree of gradients."""
    chosen = Chosen(frontend, f, args, kwargs, argnums, "grad")
    for spec in chosen.specs:
        check_input(frontend.kind(spec), spec, "grad", holomorphic, "fcibk" if allow_int else "fc")

    def scalar(*values: Any) -> Any:
        out, aux = split_aux(chosen.call(values), has_aux, "grad")
        leaves, _ = frontend.flatten(out)
        if len(leaves) != 1 or leaves[0] is not out:
            raise ShapeError(
                f"grad needs a function with one scalar result, but '{name_of(f)}' returned a {type(out).__name__}"
                + ("" if has_aux else "; pass has_aux=True if it returns (output, auxiliary data)")
            )
        return out, aux

    traced = frontend.trace(scalar, chosen.specs, name_of(f))
    if isinstance(traced.leaves[0], Float0):
        raise DTypeError("grad needs a function with real (float) results, but one is float0")
    result = traced.outputs[traced.leaves[0]]
    if result.shape != ():
        raise ShapeError(
            f"grad needs a function with a scalar result, but that of '{name_of(f)}' has shape {tuple(result.shape)}. "
            "Reduce it (for example with mean or sum), or use astra.jacrev or astra.vjp"
        )
    check_output(frontend.kind(result), result, "grad", holomorphic)
    cotangents = [
        frontend.full(result, 1) if i == traced.leaves[0] else None for i in inexact(frontend, traced.outputs)
    ]
    argnums_flat = inexact(frontend, chosen.specs)
    results, gradients = pullback(traced, argnums_flat, chosen.values, cotangents, reverse_mode)
    value, aux = traced.unflatten(results)
    tree = frontend.unflatten(chosen.tree, _with_float0(chosen.specs, argnums_flat, gradients))
    return ((value, aux) if has_aux else value), tree


def _with_float0(specs: Sequence[Any], present: Sequence[int], values: Sequence[Any]) -> list[Any]:
    """One value for each spec: those that are ``present``, zeros of type float0 for the others."""
    known = dict(zip(present, values, strict=True))
    return [known[i] if i in known else float0_zeros(spec.shape) for i, spec in enumerate(specs)]


def _is_float0(leaf: Any) -> bool:
    return bool(getattr(leaf, "dtype", None) == FLOAT0)


def linear_arguments(
    frontend: Frontend, specs: Sequence[Any], structure: Any, given: Any, what: str, name: str
) -> list[Any]:
    """Values of tangents or cotangents for the float and complex ones of ``specs``, checked against them."""
    leaves, tree = frontend.flatten(given)
    if tree != structure:
        raise AstraError(f"{name}: the structure of {what} is {tree}, but must be {structure}")
    values = []
    for leaf, spec in zip(leaves, specs, strict=True):
        if isinstance(spec, Float0) or not _is_inexact(frontend, spec):
            if not _is_float0(leaf):
                dtype = getattr(leaf, "dtype", type(leaf).__name__)
                primal = "float0" if isinstance(spec, Float0) else spec.dtype
                raise DTypeError(f"{name}: {what} of elements {primal} have elements float0, but one has {dtype}")
            continue
        value = frontend.value(leaf, f"{name}: one of {what}")
        found = frontend.spec(value)
        if found.dtype != spec.dtype:
            raise DTypeError(f"{name}: {what} must have the element type {spec.dtype}, but one has {found.dtype}")
        if tuple(found.shape) != tuple(spec.shape):
            raise ShapeError(f"{name}: {what} must have shape {tuple(spec.shape)}, but one has {tuple(found.shape)}")
        values.append(value)
    return values


def output_specs(traced: Traced, count: int) -> list[Any]:
    """Specs of the first ``count`` leaves of the output tree."""
    return [x if isinstance(x, Float0) else traced.outputs[x] for x in traced.leaves[:count]]


class Primals:
    """A function traced at its primal arguments, for the transformations that take these themselves."""

    def __init__(self, frontend: Frontend, f: Callable[..., Any], primals: Any, has_aux: bool, name: str) -> None:
        if not isinstance(primals, (tuple, list)):
            raise AstraError(
                f"{name}: primals must be a tuple or a list, one for each argument, not {type(primals).__name__}"
            )
        leaves, self.tree = frontend.flatten(tuple(primals))
        self.frontend = frontend
        self.values = [frontend.value(leaf, f"{name}: an argument") for leaf in leaves]
        self.specs = [frontend.spec(value) for value in self.values]
        self.argnums = inexact(frontend, self.specs)
        structure: list[Any] = []

        def flat(*values: Any) -> Any:
            out, aux = split_aux(f(*frontend.unflatten(self.tree, values)), has_aux, name)
            leaves, tree = frontend.flatten(out)
            structure[:] = [len(leaves), tree]
            return leaves, aux

        self.traced = frontend.trace(flat, self.specs, name_of(f))
        self.out_count, self.out_tree = structure
        self.out_specs = output_specs(self.traced, self.out_count)

    def outputs(self, results: Sequence[Any]) -> tuple[Any, Any]:
        """The function's output and auxiliary data."""
        leaves, aux = self.traced.unflatten(results)
        return self.frontend.unflatten(self.out_tree, leaves), aux

    def pushforward(self, tangents: Any, name: str) -> tuple[list[Any], Any]:
        """The results, and the tree of the output's tangents."""
        frontend, traced = self.frontend, self.traced
        values = linear_arguments(frontend, self.specs, self.tree, tangents, "the tangents", name)
        results, out = pushforward(traced, self.argnums, self.values, values)
        by_result = dict(zip(inexact(frontend, traced.outputs), out, strict=True))
        leaves = [
            by_result[leaf] if not isinstance(leaf, Float0) and leaf in by_result else float0_zeros(spec.shape)
            for leaf, spec in zip(traced.leaves, self.out_specs, strict=False)
        ]
        return results, frontend.unflatten(self.out_tree, leaves)

    def pullback(self, cotangent: Any, name: str, reverse_mode: ReverseMode | None = None) -> tuple[list[Any], Any]:
        """The results, and the tuple of the arguments' cotangents."""
        frontend, traced = self.frontend, self.traced
        values = iter(linear_arguments(frontend, self.out_specs, self.out_tree, cotangent, "the cotangents", name))
        # The output's leaves come first, in order; auxiliary data has the cotangent zero.
        in_output = {x for x in traced.leaves[: self.out_count] if not isinstance(x, Float0)}
        cotangents = [next(values) if i in in_output else None for i in inexact(frontend, traced.outputs)]
        results, gradients = pullback(traced, self.argnums, self.values, cotangents, reverse_mode)
        return results, frontend.unflatten(self.tree, _with_float0(self.specs, self.argnums, gradients))


def jvp(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, Any], kwargs: dict[str, Any], *, has_aux: bool
) -> tuple[Any, ...]:
    """Of ``args = (primals, tangents)``: output, tangent of the output, and auxiliary data if there is any."""
    del kwargs
    primals = Primals(frontend, f, args[0], has_aux, "jvp")
    if not isinstance(args[1], (tuple, list)):
        raise AstraError(
            f"jvp: tangents must be a tuple or a list, one for each argument, not {type(args[1]).__name__}"
        )
    results, tangent = primals.pushforward(tuple(args[1]), "jvp")
    out, aux = primals.outputs(results)
    return (out, tangent, aux) if has_aux else (out, tangent)


def vjp(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, has_aux: bool,
    reverse_mode: ReverseMode | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """The output, the function from its cotangent to the arguments', and auxiliary data if there is any."""
    del kwargs
    primals = Primals(frontend, f, args, has_aux, "vjp")
    out, aux = primals.outputs(call_traced(primals.traced, primals.values))

    def pull_back(cotangent: Any) -> Any:
        return primals.pullback(cotangent, "the function that vjp gave", reverse_mode)[1]

    return (out, pull_back, aux) if has_aux else (out, pull_back)


def derivative(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, Any], kwargs: dict[str, Any], *, reverse: bool,
    has_aux: bool, reverse_mode: ReverseMode | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """What the functions of vjp and linearize compute, together with the value.

    ``args`` are the primals and the cotangent (``reverse``) or tangents.  Gives ``((output, auxiliary data),
    derivative)``.
    """
    del kwargs
    primals = Primals(frontend, f, args[0], has_aux, "vjp" if reverse else "linearize")
    if reverse:
        results, found = primals.pullback(args[1], "the derivative", reverse_mode)
    else:
        results, found = primals.pushforward(args[1], "the derivative")
    return primals.outputs(results), found


def linearize(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, has_aux: bool
) -> tuple[Any, ...]:
    """The output, the function from tangents to its tangent, and auxiliary data if there is any."""
    del kwargs
    primals = Primals(frontend, f, args, has_aux, "linearize")
    out, aux = primals.outputs(call_traced(primals.traced, primals.values))

    def push_forward(*tangents: Any) -> Any:
        return primals.pushforward(tangents, "the function that linearize gave")[1]

    return (out, push_forward, aux) if has_aux else (out, push_forward)


# --- batching and checkpoints ------------------------------------------------------------------------------------


def vmap(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, in_axes: Any,
    out_axes: Any, axis_size: int | None,
) -> Any:  # fmt: skip
    """The function of every slice of the arguments, the results stacked."""
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise AstraError(
            f"vmap: in_axes={in_axes} has {len(in_axes)} entries, but '{name_of(f)}' was called with {len(args)} "
            "positional arguments; give one for each"
        )
    leaves, tree = frontend.flatten((args, kwargs))
    _, args_tree = frontend.flatten(args)
    given = frontend.flatten_axes("vmap: in_axes", args_tree, in_axes)
    given += [0] * (len(leaves) - len(given))  # keyword arguments are mapped along their first axis
    values = [frontend.value(leaf, "vmap: an argument") for leaf in leaves]
    specs = [frontend.spec(value) for value in values]
    axes = [_axis(axis, len(spec.shape), f"in_axes: an argument of shape {tuple(spec.shape)}")
            for axis, spec in zip(given, specs, strict=True)]  # fmt: skip
    size = _axis_size([(spec.shape, axis) for spec, axis in zip(specs, axes, strict=True) if axis >= 0], axis_size)
    slices = [
        spec if axis < 0 else frontend.resized(spec, (*spec.shape[:axis], *spec.shape[axis + 1 :]))
        for spec, axis in zip(specs, axes, strict=True)
    ]

    def one(*values: Any) -> Any:
        args, kwargs = frontend.unflatten(tree, values)
        return f(*args, **kwargs)

    traced = frontend.trace(one, slices, name_of(f))
    given = frontend.flatten_axes("vmap: out_axes", traced.tree, out_axes)
    by_result: dict[int, int] = {}
    out_leaves: list[int | Float0] = []
    for axis, leaf in zip(given, traced.leaves, strict=True):
        shape = leaf.shape if isinstance(leaf, Float0) else traced.outputs[leaf].shape
        position = _axis(axis, len(shape) + 1, f"out_axes: a result of shape {tuple(shape)} and the new axis")
        if isinstance(leaf, Float0):
            out_leaves.append(leaf if position < 0 else Float0((*shape[:position], size, *shape[position:])))
        else:
            by_result[leaf] = position
            out_leaves.append(leaf)
    # A frontend may have results of its own after those in the tree.
    results = batch(traced, size, axes, [by_result.get(i, 0) for i in range(len(traced.outputs))], values)
    return frontend.unflatten(
        traced.tree, [float0_zeros(x.shape) if isinstance(x, Float0) else results[x] for x in out_leaves]
    )


def _axis(axis: int | None, rank: int, what: str) -> int:
    """The axis counted from the front; -1 for None, which is not batched."""
    if axis is None:
        return -1
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise AstraError(f"vmap: axes must be integers or None, but one is {axis!r}")
    if not -rank <= axis < rank:
        raise ShapeError(f"vmap, {what} has no axis {axis}")
    return axis % rank


def _axis_size(mapped: Sequence[tuple[tuple[int, ...], int]], given: int | None) -> int:
    """The one size of the mapped axes, each given as a shape and an axis of it."""
    found = {shape[axis] for shape, axis in mapped} | ({given} if given is not None else set())
    if not found:
        raise AstraError("vmap: no argument is mapped; give one an axis in in_axes, or give axis_size")
    if len(found) > 1:
        uses = [f"{shape[axis]} (axis {axis} of an argument of shape {tuple(shape)})" for shape, axis in mapped]
        uses = list(dict.fromkeys([*uses, *([] if given is None else [f"{given} (axis_size)"])]))
        raise ShapeError(f"vmap: the mapped axes must have one size, but have {', '.join(uses)}")
    return int(found.pop())


CHECKPOINT_POLICIES = ("nothing", "dots", "dots_with_no_batch_dims", "everything")


def checkpoint(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, policy: str
) -> Any:
    """The function, with nothing kept for its derivative but what the policy says."""
    if policy not in CHECKPOINT_POLICIES:
        raise UnsupportedError(f"checkpoint: no policy '{policy}'; the policies are {', '.join(CHECKPOINT_POLICIES)}")
    leaves, tree = frontend.flatten((args, kwargs))
    values = [frontend.value(leaf, "checkpoint: an argument") for leaf in leaves]

    def flat(*values: Any) -> Any:
        args, kwargs = frontend.unflatten(tree, values)
        return f(*args, **kwargs)

    traced = frontend.trace(flat, [frontend.spec(value) for value in values], name_of(f))
    operands = [*traced.consts, *values]
    return traced.unflatten(frontend.bind("checkpoint", traced, operands, {"policy": policy}, traced.outputs))
