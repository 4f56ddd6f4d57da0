"""Transformed programs, called: a program in a file, in memory or exported by JAX, without tracing it again.

Between ``transformations.py`` and ``program_frontend.py``.  A :class:`Bottom` says how one kind of sources becomes a
program and what its arrays are; everything else here is the same for all kinds.
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
from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.executable import Executable
from astra_mlir.program import Program
from astra_mlir.program_frontend import ProgramFrontend, array_of, current
from astra_mlir.transform_rules import FLOAT0, Float0
from astra_mlir.transformations import Transformed
from astra_mlir.trees import PlainTrees, Trees

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
        from astra_mlir.jax_transforms import FRONTEND

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
        if tree != self.exported.in_tree:
            raise AstraError(
                f"{self.name}: the arguments' structure differs from the one exported\n"
                f"  expected {self.exported.in_tree}\n  got      {tree}"
            )
        results = frontend.call_program(self.program, [leaves[i] for i in self.exported.module_kept_var_idx])
        return frontend.unflatten(self.exported.out_tree, results)


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


@dataclass(frozen=True)
class CompiledProgram:
    """A transformed program compiled for one signature."""

    executable: Executable
    bottom: Bottom
    tree: Any
    places: tuple[int | Float0, ...]

    def run(self, arrays: Sequence[np.ndarray[Any, Any]], leaves: Sequence[Any]) -> Any:
        """The results for arrays made of ``leaves``."""
        results = self.executable(*arrays)
        found = [np.zeros(x.shape, FLOAT0) if isinstance(x, Float0) else results[x] for x in self.places]
        return self.bottom.trees.unflatten(self.tree, self.bottom.outputs(found, leaves))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arguments like those it was compiled for."""
        leaves, _ = self.bottom.trees.flatten((args, kwargs))
        return self.run(_arrays(self.bottom, leaves), leaves)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executable, name)


def call(function: Transformed, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a transformed program for arguments: arrays, or values of a running trace."""
    jax_transforms = sys.modules.get("astra_mlir.jax_transforms")
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
        known = CompiledProgram(compiler.compile_program(program), bottom, out_tree, places)
        function.compiled[key] = known
    return known


def built(
    bottom: Bottom, function: Transformed, types: Sequence[tuple[tuple[int, ...], np.dtype[Any]]], tree: Any
) -> tuple[Program, Any, tuple[int | Float0, ...]]:
    """The program of a transformed function for flat arguments of these types."""
    frontend = ProgramFrontend(bottom.trees, bottom)

    def flat(*values: Any) -> Any:
        args, kwargs = frontend.unflatten(tree, values)
        return function.traced(frontend, args, kwargs)

    paths = [f"argument {i}" for i in range(len(types))]
    return frontend.build(bottom.name, flat, types, paths)
