"""The source of a kernel function: its syntax tree, parameters, free names, and which names are live where.

Below ``frontend.py``, which compiles the tree.  Liveness decides what loops and branches carry: a name that is neither
read before it is written in a loop's body nor read after the loop is local to an iteration.
"""

from __future__ import annotations

import ast
import builtins
import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from astra_mlir.errors import KernelError
from astra_mlir.language.types import DType

__all__ = ["KernelFunction", "Parameter", "assigned", "function", "live_in", "reads"]


class Parameter:
    """A parameter of a kernel: its name, default, and whether it is known at compile time."""

    def __init__(self, parameter: inspect.Parameter, constexpr: type | None) -> None:
        self.name = parameter.name
        self.default = parameter.default
        annotation = parameter.annotation
        self.is_constexpr = annotation is constexpr or (isinstance(annotation, str) and "constexpr" in annotation)
        self.has_default = self.default is not inspect.Parameter.empty


class KernelFunction:
    """A Python function that is compiled, not run: what ``@astra.kernel`` and calls inside of kernels take."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.name = fn.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise KernelError(
            f"'{self.name}' is a kernel function: call it in a kernel, or launch it: {self.name}[grid](...)"
        )

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.fn)

    @functools.cached_property
    def parameters(self) -> list[Parameter]:
        """In order."""
        from astra_mlir.language.core import constexpr

        return [Parameter(p, constexpr) for p in self.signature.parameters.values()]

    @functools.cached_property
    def file(self) -> str:
        return self.fn.__code__.co_filename

    @functools.cached_property
    def _source(self) -> tuple[list[str], int]:
        try:
            return inspect.getsourcelines(self.fn)
        except (OSError, TypeError) as error:
            raise KernelError(f"the source of kernel '{self.name}' cannot be read: {error}") from None

    @functools.cached_property
    def tree(self) -> ast.FunctionDef:
        """The definition, with line numbers of the file."""
        lines, first = self._source
        text = "".join(lines)
        tree = ast.parse(textwrap.dedent(text)).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise KernelError(f"{self.file}:{first}: a kernel is written as 'def', not as a lambda")
        self.indent = len(lines[0]) - len(lines[0].lstrip())
        ast.increment_lineno(tree, first - 1)
        return tree

    def line(self, number: int) -> str:
        """A line of the source by its number in the file."""
        lines, first = self._source
        return lines[number - first].rstrip("\n") if 0 <= number - first < len(lines) else ""

    def lookup(self, name: str) -> Any:
        """A global, enclosing or builtin name; raises ``NameError``."""
        for scope in (self._enclosing, self.fn.__globals__, vars(builtins)):
            if name in scope:
                return scope[name]
        raise NameError(
            f"name '{name}' is not defined here (a name first assigned in a loop or in one branch is not known after)"
        )

    @property
    def _enclosing(self) -> dict[str, Any]:
        cells = self.fn.__closure__ or ()
        found = {}
        for name, cell in zip(self.fn.__code__.co_freevars, cells, strict=True):
            try:
                found[name] = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
        return found

    @functools.cached_property
    def live_out(self) -> dict[ast.AST, frozenset[str]]:
        """The names that are read after each statement."""
        table: dict[ast.AST, frozenset[str]] = {}
        _live(self.tree.body, frozenset(), table)
        return table

    @functools.cached_property
    def source_digest(self) -> str:
        """A hash of the source text."""
        return hashlib.sha256("".join(self._source[0]).encode()).hexdigest()

    @functools.cached_property
    def free_names(self) -> list[str]:
        """The names that the source reads and that are not its own."""
        own = {p.name for p in self.parameters} | set(assigned(self.tree.body))
        return [name for name in sorted(reads(self.tree)) if name not in own]

    @functools.cached_property
    def module(self) -> str:
        """The name of the module that it is in."""
        return str(getattr(self.fn, "__module__", ""))

    def watched(self, outer: Sequence[KernelFunction] = ()) -> list[tuple[Any, str, Any]]:
        """What :meth:`key` depends on and may change: (scope, name, value), where a scope is a dictionary or a cell."""
        cells = dict(zip(self.fn.__code__.co_freevars, self.fn.__closure__ or (), strict=True))
        enclosing, found = self._enclosing, []
        for name in self.free_names:
            scope: Any = cells[name] if name in enclosing else self.fn.__globals__
            value = enclosing.get(name, self.fn.__globals__.get(name, KernelFunction))
            if isinstance(value, KernelFunction):
                if value.module == _LIBRARY or value in outer:
                    continue
                found += value.watched((*outer, self))
            elif not isinstance(value, _PLAIN):
                continue
            found.append((scope, name, value))
        return found

    def key(self) -> str:
        """A hash of the source and all that it names: functions of kernels, numbers, types."""
        return _key(self, ())


def function(fn: Callable[..., Any]) -> KernelFunction:
    """Make a Python function callable from kernels."""
    return KernelFunction(fn)


def _key(fn: KernelFunction, outer: Sequence[KernelFunction]) -> str:
    digest = fn.source_digest
    if fn in outer:
        return digest
    found = []
    for name in fn.free_names:
        try:
            value = fn.lookup(name)
        except NameError:
            continue
        if isinstance(value, KernelFunction):
            found.append(f"{name}={_key(value, (*outer, fn))}" if value.module != _LIBRARY else name)
        elif isinstance(value, _PLAIN):
            found.append(f"{name}={value!r}")
    return f"{digest}({';'.join(found)})"


_PLAIN = bool | int | float | str | tuple | DType | type(None)  # values that code is made with
_LIBRARY = "astra_mlir.language.standard"  # part of the compiler, which is in every key


# --- liveness ----------------------------------------------------------------------------------------------------


def reads(node: ast.AST | None) -> frozenset[str]:
    if node is None:
        return frozenset()
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


def _written(target: ast.AST) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def assigned(statements: Iterable[ast.stmt]) -> list[str]:
    """The names that statements assign, in order."""
    found: dict[str, None] = {}
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found[node.id] = None
    return list(found)


def _live(statements: Sequence[ast.stmt], out: frozenset[str], table: dict[ast.AST, frozenset[str]]) -> frozenset[str]:
    """The names that are live before statements, after which ``out`` are."""
    for node in reversed(statements):
        table[node] = out
        if isinstance(node, ast.Return):
            out = reads(node.value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                out = out - _written(target) | reads(target)
            out |= reads(node.value)
        elif isinstance(node, ast.AnnAssign):
            out = out - _written(node.target) | reads(node.value)
        elif isinstance(node, ast.AugAssign):
            out |= reads(node.value) | _written(node.target) | reads(node.target)
        elif isinstance(node, ast.If):
            out = _live(node.body, out, table) | _live(node.orelse, out, table) | reads(node.test)
        elif isinstance(node, ast.For):
            inside = out
            for _ in range(2):
                inside = out | (_live(node.body, inside, table) - _written(node.target))
            out = inside | reads(node.iter)
        elif isinstance(node, ast.While):
            inside = out | reads(node.test)
            for _ in range(2):
                inside = out | reads(node.test) | _live(node.body, inside, table)
            out = inside
        else:
            out |= reads(node)
    return out


def live_in(body: Sequence[ast.stmt], out: frozenset[str]) -> frozenset[str]:
    """The names that are read before they are written in statements, or in ``out`` and not written."""
    return _live(body, out, {})
