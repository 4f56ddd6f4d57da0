"""Transformed programs, called: a program in a file, in memory or exported by JAX, without tracing it again.

Between ``transformations/api.py`` and ``transformations/program_frontend.py``.  A :class:`Bottom` says how one kind of
sources becomes a program and what its arrays are; everything else here is the same for all kinds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from astra_mlir import compiler
from astra_mlir.bindings import ir
from astra_mlir.compiled import Compiled
from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.executable import Executable
from astra_mlir.kept_code import compile_kept
from astra_mlir.program import Program
from astra_mlir.split_programs import compile_parts
from astra_mlir.transformations import rules
from astra_mlir.transformations.api import Transformed
from astra_mlir.transformations.program_frontend import ProgramFrontend, array_of, current
from astra_mlir.transformations.rules import FLOAT0, Float0
from astra_mlir.trees import PlainTrees, Trees, arguments_differ, described

__all__ = [
    "Bottom",
    "CompiledProgram",
    "ExportedBottom",
    "ProgramBottom",
    "call",
    "call_with",
    "compile",
    "compile_with",
]


class Bottom(Protocol):
    """A kind of sources: what turns a source and the types of its arguments into a program, and arrays into arrays."""

    name: str  # for messages
    trees: Trees

    def __call__(self, frontend: ProgramFrontend, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The source applied to trees of values of a trace: makes a :class:`Program` for their types and calls it with
        ``frontend.call_program``, whose results it puts into the tree of the source's own.
        """
        ...

    def array(self, leaf: Any, what: str) -> np.ndarray[Any, Any]:
        """An argument as a NumPy array; raises :class:`AstraError`, with ``what`` it is, for what is no array."""
        ...

    def outputs(self, arrays: Sequence[np.ndarray[Any, Any]], leaves: Sequence[Any]) -> list[Any]:
        """Results as the kind of arrays that a call with these ``leaves`` gives."""
        ...


class ProgramBottom:
    """A StableHLO or Astra program: flat arguments; one result is given as it is, several as a tuple."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.name = program.name
        self.trees: Trees = PlainTrees()

    def __call__(self, frontend: ProgramFrontend, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the entry."""
        if kwargs:
            raise AstraError(f"{self.name}: a program takes positional arguments, but got {', '.join(kwargs)}=")
        results = frontend.call_program(self.program, args)
        return results[0] if len(results) == 1 else tuple(results)

    def array(self, leaf: Any, what: str) -> np.ndarray[Any, Any]:
        """Anything that NumPy takes for an array of numbers."""
        return array_of(leaf, what)

    def outputs(self, arrays: Sequence[np.ndarray[Any, Any]], leaves: Sequence[Any]) -> list[Any]:
        """JAX arrays where an argument is one, else NumPy arrays."""
        jax = sys.modules.get("jax")
        if jax is None or not any(isinstance(leaf, jax.Array) for leaf in leaves):
            return list(arrays)
        return [array if array.dtype == FLOAT0 else jax.numpy.asarray(array) for array in arrays]


class ExportedBottom(ProgramBottom):
    """A ``jax.export.Exported``: its StableHLO, with the trees of the function that it was made from."""

    def __init__(self, exported: Any) -> None:
        from astra_mlir.jax_frontend.transforms import FRONTEND

        if any(not isinstance(size, int) for aval in exported.in_avals for size in aval.shape):
            raise UnsupportedError(
                f"{exported.fun_name}: the exported module has symbolic shapes; export it for fixed shapes"
            )
        if len(exported.platforms) != 1:
            raise UnsupportedError(
                f"{exported.fun_name}: the module is exported for {', '.join(exported.platforms)}; export it for one"
            )
        super().__init__(Program(exported.mlir_module_serialized, "main", name=exported.fun_name))
        self.exported = exported
        self.trees = FRONTEND

    def __call__(self, frontend: ProgramFrontend, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the exported function on trees."""
        leaves, tree = frontend.flatten((tuple(args), kwargs))
        self.check_tree(tree)
        results = frontend.call_program(self.program, [leaves[i] for i in self.exported.module_kept_var_idx])
        return frontend.unflatten(self.exported.out_tree, results)

    def check_tree(self, tree: Any) -> None:
        """Raise :class:`AstraError` unless arguments have the structure that was exported."""
        if tree != self.exported.in_tree:
            raise AstraError(arguments_differ(self.name, described(self.exported.in_tree), described(tree)))


def short_name(bottom: Bottom) -> str:
    """A name for functions of it."""
    return Path(bottom.name).stem.strip("<>")


def bottom_of(source: Any) -> Bottom:
    """How a program is called."""
    if isinstance(source, Program):
        return ProgramBottom(source)
    if isinstance(source, ir.Module):
        return ProgramBottom(Program.from_module(source))
    if isinstance(source, Path):
        return ProgramBottom(Program.from_file(source))
    if isinstance(source, bytes):
        return ProgramBottom(Program(source))
    if isinstance(source, str):
        is_text = "\n" in source or "func.func" in source
        return ProgramBottom(Program(source.encode()) if is_text else Program.from_file(source))
    return ExportedBottom(source)


# --- calling -----------------------------------------------------------------------------------------------------


_ArrayType = tuple[tuple[int, ...], np.dtype[Any]]


@dataclass(frozen=True)
class CompiledProgram(Compiled):
    """A transformed program compiled for one signature."""

    executable: Executable
    bottom: Bottom
    tree: Any
    places: tuple[int | Float0, ...]

    def run(self, arrays: Sequence[np.ndarray[Any, Any]], leaves: Sequence[Any]) -> Any:
        """The results for arrays made of ``leaves``."""
        results = self.executable(*(array for array in arrays if array.dtype != FLOAT0))
        found = [np.zeros(x.shape, FLOAT0) if isinstance(x, Float0) else results[x] for x in self.places]
        return self.bottom.trees.unflatten(self.tree, self.bottom.outputs(found, leaves))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arguments like those it was compiled for."""
        leaves, _ = self.bottom.trees.flatten((args, kwargs))
        return self.run(_arrays(self.bottom, leaves), leaves)


def call(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a transformed program for arguments: arrays, or values of a running trace."""
    jax_transforms = sys.modules.get("astra_mlir.jax_frontend.transforms")
    if jax_transforms is not None and jax_transforms.is_tracing():
        return function.traced(jax_transforms.FRONTEND, args, kwargs)
    return call_with(_bottom(function), function, args, kwargs)


def compile(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledProgram:
    """The compiled program for the shapes and types of arguments."""
    return compile_with(_bottom(function), function, args, kwargs)


def _bottom(function: Transformed) -> Bottom:
    bottom: Bottom | None = function.compiled.get("bottom")
    if bottom is None:
        bottom = function.compiled["bottom"] = bottom_of(function.root)
    return bottom


def _arrays(bottom: Bottom, leaves: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    return [bottom.array(leaf, f"argument {i}") for i, leaf in enumerate(leaves)]


def call_with(bottom: Bottom, function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a transformed function whose source ``bottom`` stands for."""
    frontend = current.get()
    if frontend is not None:
        return function.traced(frontend, args, kwargs)
    if function.rule in (rules.vjp, rules.linearize):
        return _with_function(bottom, function, args)
    leaves, tree = bottom.trees.flatten((args, kwargs))
    arrays = _arrays(bottom, leaves)
    return _compiled(bottom, function, arrays, tree).run(arrays, leaves)


def compile_with(
    bottom: Bottom, function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> CompiledProgram:
    """Compile a transformed function whose source ``bottom`` stands for."""
    leaves, tree = bottom.trees.flatten((args, kwargs))
    return _compiled(bottom, function, _arrays(bottom, leaves), tree)


def _compiled(
    bottom: Bottom, function: Transformed, arrays: Sequence[np.ndarray[Any, Any]], tree: Any
) -> CompiledProgram:
    """The compiled function for a signature, made at the first call of it."""
    types = [(tuple(array.shape), array.dtype) for array in arrays]
    key = (tree, tuple(types))
    known: CompiledProgram | None = function.compiled.get(key)
    if known is None:
        program, out_tree, places = built(bottom, function, types, tree)
        compile_program = compile_kept if function.rule is rules.jvp else compiler.compile_program
        known = CompiledProgram(compile_program(program), bottom, out_tree, places)
        function.compiled[key] = known
    return known


def built(
    bottom: Bottom, function: Transformed, types: Sequence[tuple[tuple[int, ...], np.dtype[Any]]], tree: Any
) -> tuple[Program, Any, tuple[int | Float0, ...]]:
    """The program of a transformed function for flat arguments of these types."""
    frontend = ProgramFrontend(bottom.trees, bottom)

    def flat(*values: Any) -> Any:
        given = iter(values)
        leaves = [rules.float0_zeros(shape) if dtype == FLOAT0 else next(given) for shape, dtype in types]
        args, kwargs = frontend.unflatten(tree, leaves)
        return function.traced(frontend, args, kwargs)

    present = [(i, type) for i, type in enumerate(types) if type[1] != FLOAT0]
    return frontend.build(bottom.name, flat, [type for _, type in present], [f"argument {i}" for i, _ in present])


# --- vjp and linearize -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Type:
    """Shape and element type of what a derivative is linear in."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kind: str  # as of rules.Frontend


@dataclass(frozen=True)
class _Arrays:
    """The part of ``rules.Frontend`` that checks arrays outside of any trace."""

    bottom: Bottom

    def flatten(self, tree: Any) -> tuple[list[Any], Any]:
        return self.bottom.trees.flatten(tree)

    def value(self, leaf: Any, what: str) -> np.ndarray[Any, Any]:
        return self.bottom.array(leaf, what)

    def spec(self, value: Any) -> Any:
        return value

    def kind(self, spec: _Type) -> str:
        return spec.kind


class _Derivative:
    """A program compiled for one signature of primals, in two parts: its value, and its derivative there."""

    def __init__(self, bottom: Bottom, function: Transformed, types: Sequence[_ArrayType], tree: Any) -> None:
        self.bottom, self.function, self.tree = bottom, function, tree
        self.reverse, has_aux = function.rule is rules.vjp, function.options["has_aux"]
        self.name = "vjp" if self.reverse else "linearize"
        self.what = "the cotangents" if self.reverse else "the tangents"
        self._outline(types)
        linear = [x for x in self.linear if x.kind in "fc"]
        source = Transformed(
            function.source, rules.derivative, reverse=self.reverse, has_aux=has_aux,
            reverse_mode=function.options.get("reverse_mode"),
        )  # fmt: skip
        frontend = ProgramFrontend(bottom.trees, bottom)
        structures: list[Any] = []

        def joint(*values: Any) -> list[Any]:
            given = iter(values[len(types) :])
            filled = [next(given) if x.kind in "fc" else rules.float0_zeros(x.shape) for x in self.linear]
            primals = frontend.unflatten(tree, values[: len(types)])
            out, found = source.traced(frontend, (primals, frontend.unflatten(self.linear_tree, filled)), {})
            first, value_tree = frontend.flatten(out)
            second, derivative_tree = frontend.flatten(found)
            structures[:] = [len(first), value_tree, derivative_tree]
            return [*first, *second]

        paths = [f"argument {i}" for i in range(len(types))] + [f"{self.what} {i}" for i in range(len(linear))]
        program, _, places = frontend.build(bottom.name, joint, [*types, *((x.shape, x.dtype) for x in linear)], paths)
        leaves, self.value_tree, self.derivative_tree = structures
        self.value_places, self.derivative_places = places[:leaves], places[leaves:]
        self.count = sum(isinstance(x, int) for x in self.value_places)
        self.parts = compile_parts(program, range(len(types), len(types) + len(linear)), self.count)
        self.constants = program.constants

    def _outline(self, types: Sequence[_ArrayType]) -> None:
        """Trace the program for its structure alone."""
        frontend = ProgramFrontend(self.bottom.trees, self.bottom)
        source = self.function.source

        def probe(*values: Any) -> tuple[()]:
            f = source if isinstance(source, Transformed) else frontend.function(source)
            primals = frontend.unflatten(self.tree, values)
            found = rules.Primals(frontend, f, primals, self.function.options["has_aux"], self.name)
            specs = found.out_specs if self.reverse else found.specs
            self.linear = [
                _Type(x.shape, FLOAT0, "b") if isinstance(x, Float0) else _Type(x.shape, x.dtype, frontend.kind(x))
                for x in specs
            ]
            self.linear_tree = found.out_tree if self.reverse else found.tree
            return ()

        frontend.build(self.bottom.name, probe, types, [f"argument {i}" for i in range(len(types))])

    def run(self, arrays: Sequence[np.ndarray[Any, Any]], leaves: Sequence[Any]) -> tuple[Any, ...]:
        """The value, the function that gives the derivative, and auxiliary data if there is any."""
        results = self.parts.early(*arrays)
        out, aux = self._tree(self.value_tree, self.value_places, 0, results, leaves)
        residuals = results[self.count :]
        kept = [array.copy() for array in arrays]  # the caller may write into its own arrays afterwards
        name = f"the function that {self.name} gave"
        checked: Any = _Arrays(self.bottom)

        def derivative(*given: Any) -> Any:
            if self.reverse and len(given) != 1:
                raise AstraError(f"{name} takes one argument, the cotangent of the output, but got {len(given)}")
            tree = given[0] if self.reverse else given
            values = rules.linear_arguments(checked, self.linear, self.linear_tree, tree, self.what, name)
            found = self.parts.late(*kept, *self.constants, *residuals, *values)
            return self._tree(self.derivative_tree, self.derivative_places, self.count, found, [*leaves, *given])

        return (out, derivative, aux) if self.function.options["has_aux"] else (out, derivative)

    def _tree(
        self, tree: Any, places: Sequence[int | Float0], first: int, results: Sequence[Any], leaves: Sequence[Any]
    ) -> Any:
        arrays = [np.zeros(x.shape, FLOAT0) if isinstance(x, Float0) else results[x - first] for x in places]
        return self.bottom.trees.unflatten(tree, self.bottom.outputs(arrays, leaves))


def _with_function(bottom: Bottom, function: Transformed, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """vjp and linearize on arrays: ``function`` is new at each call, its code found by its program."""
    leaves, tree = bottom.trees.flatten(args)
    arrays = _arrays(bottom, leaves)
    types = [(tuple(array.shape), array.dtype) for array in arrays]
    key = (tree, tuple(types))
    known = function.compiled.get(key)
    if known is None:
        known = function.compiled[key] = _Derivative(bottom, function, types, tree)
    result: tuple[Any, ...] = known.run(arrays, leaves)
    return result
