"""The transformations of programs: modules built around them operation by operation, without JAX.

The frontend of ``transformations/rules.py`` for StableHLO and Astra programs and what becomes one,
``transformations/programs.py``. A trace here is a function of a module under construction; a value is an SSA value of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects.elements import dtype_of, element_type_of, from_numpy
from astra_mlir.errors import AstraError, DTypeError, InvalidProgramError, ShapeError, UnsupportedError, source_place
from astra_mlir.passes.inline import symbols_used
from astra_mlir.passes.traversal import walk
from astra_mlir.program import Program
from astra_mlir.transformations.rules import FLOAT0, Float0, Traced
from astra_mlir.trees import Trees

__all__ = ["ProgramFrontend", "Spec", "Value", "current"]


@dataclass(frozen=True)
class Spec:
    """The type of a value."""

    type: ir.RankedTensorType

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions."""
        return tuple(self.type.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of the elements."""
        return dtype_of(self.type.element_type)


class _Scope:
    """A function under construction, and the values of outer ones that it takes as further arguments."""

    def __init__(self, name: str, types: Sequence[ir.Type], module: ir.Module, outer: _Scope | None) -> None:
        with module.context, ir.Location.unknown():
            self.function = ir.Operation.create(
                "func.func", regions=1, ip=ir.InsertionPoint(module.body),
                attributes={
                    "sym_name": ir.StringAttr.get(name),
                    "function_type": ir.TypeAttr.get(ir.FunctionType.get(list(types), [])),
                },
            )  # fmt: skip
            self.block = self.function.regions[0].blocks.append(*types, arg_locs=[ir.Location.unknown()] * len(types))
        self.name = name
        self.outer = outer
        self.lifted: dict[Value, ir.Value] = {}

    def local(self, value: Value) -> ir.Value:
        """A value in this function: its own, or an argument for one of an outer function."""
        if value.scope is self:
            return value.value
        if value not in self.lifted:
            scope = self.outer
            while scope is not None and scope is not value.scope:
                scope = scope.outer
            if scope is None:
                raise AstraError("a value was used outside of the function that it was traced in")
            self.lifted[value] = self.block.add_argument(value.value.type, ir.Location.unknown())
        return self.lifted[value]

    def finish(self, results: Sequence[ir.Value], private: bool) -> None:
        """Return ``results``."""
        ir.Operation.create("func.return", operands=list(results), ip=ir.InsertionPoint(self.block))
        types = [argument.type for argument in self.block.arguments], [result.type for result in results]
        self.function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(*types))
        if private:
            self.function.attributes["sym_visibility"] = ir.StringAttr.get("private")


@dataclass(frozen=True, eq=False)
class Value:
    """An array of a trace."""

    value: ir.Value
    scope: _Scope = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions."""
        return Spec(self.value.type).shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of the elements."""
        return Spec(self.value.type).dtype


current: ContextVar[ProgramFrontend | None] = ContextVar("astra_program_frontend", default=None)


class ProgramFrontend:
    """:class:`~astra_mlir.transformations.rules.Frontend` for programs: one module under construction.

    ``source`` is the ``program_transforms.Bottom`` that the module is built for.
    """

    def __init__(self, trees: Trees, source: Any) -> None:
        self.trees = trees
        self.source = source
        self.context = make_context()
        with self.context, ir.Location.unknown():
            self.module = ir.Module.create()
        self._names: set[str] = set()
        self._scope: _Scope | None = None
        self._loaded: dict[bytes, str] = {}
        self.constants: list[tuple[Value, np.ndarray[Any, Any]]] = []  # hidden arguments of the entry

    # --- trees -------------------------------------------------------------------------------------------------------

    def flatten(self, tree: Any) -> tuple[list[Any], Any]:
        return self.trees.flatten(tree)

    def unflatten(self, structure: Any, leaves: Sequence[Any]) -> Any:
        return self.trees.unflatten(structure, leaves)

    def flatten_axes(self, what: str, structure: Any, axes: Any) -> list[int | None]:
        return self.trees.flatten_axes(what, structure, axes)

    # --- values ------------------------------------------------------------------------------------------------------

    @property
    def scope(self) -> _Scope:
        """The function under construction."""
        assert self._scope is not None, "not in a trace"
        return self._scope

    def _create(
        self, name: str, types: Sequence[ir.Type], operands: Sequence[Value], attributes: dict[str, ir.Attribute]
    ) -> list[Value]:
        scope = self.scope
        op = ir.Operation.create(
            name, results=list(types), operands=[scope.local(x) for x in operands], attributes=attributes,
            ip=ir.InsertionPoint(scope.block),
        )  # fmt: skip
        return [Value(result, scope) for result in op.results]

    def value(self, leaf: Any, what: str) -> Value:
        if isinstance(leaf, Value):
            return leaf
        array = array_of(leaf, what)
        attribute = from_numpy(array)
        return self._create("stablehlo.constant", [attribute.type], [], {"value": attribute})[0]

    def full(self, spec: Spec, number: int) -> Value:
        return self.value(np.broadcast_to(np.asarray(number, spec.dtype), spec.shape), "")

    def basis(self, spec: Spec, size: int) -> Value:
        return self.value(np.eye(size, dtype=spec.dtype).reshape(size, *spec.shape), "")

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        if tuple(value.shape) == tuple(shape):
            return value
        return self._create("stablehlo.reshape", [self.resized(self.spec(value), shape).type], [value], {})[0]

    def spec(self, value: Value) -> Spec:
        return Spec(value.value.type)

    def resized(self, spec: Spec, shape: tuple[int, ...]) -> Spec:
        return Spec(ir.RankedTensorType.get(list(shape), spec.type.element_type))

    def kind(self, spec: Spec) -> str:
        element = spec.type.element_type
        if isinstance(element, ir.FloatType):
            return "f"
        if isinstance(element, ir.ComplexType):
            return "c"
        return "b" if ir.IntegerType(element).width == 1 else "i"

    # --- functions ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _in_scope(self, name: str, types: Sequence[ir.Type]) -> Iterator[_Scope]:
        outer = self._scope
        self._scope = scope = _Scope(self._new_name(name), types, self.module, outer)
        token = current.set(self)
        try:
            with self.context, ir.Location.unknown():
                yield scope
        finally:
            self._scope = outer
            current.reset(token)

    def _new_name(self, base: str) -> str:
        name, i = base, 0
        while name in self._names:
            name, i = f"{base}_{i}", i + 1
        self._names.add(name)
        return name

    def _results(self, out: Any, scope: _Scope) -> tuple[list[ir.Value], tuple[int | Float0, ...], Any]:
        leaves, tree = self.flatten(out)
        results: list[ir.Value] = []
        places: list[int | Float0] = []
        for leaf in leaves:
            if getattr(leaf, "dtype", None) == FLOAT0:
                places.append(Float0(tuple(leaf.shape)))
            else:
                places.append(len(results))
                results.append(scope.local(self.value(leaf, "a result")))
        return results, tuple(places), tree

    def trace(self, function: Callable[..., Any], inputs: Sequence[Spec], name: str) -> Traced:
        with self._in_scope(name.strip("<>"), [spec.type for spec in inputs]) as scope:
            arguments = [Value(x, scope) for x in scope.block.arguments]
            results, places, tree = self._results(function(*arguments), scope)
            scope.finish(results, private=True)
        outputs = tuple(Spec(result.type) for result in results)
        return Traced(scope.name, tuple(scope.lifted), tuple(inputs), outputs, tree, places, self)

    def bind(
        self, kind: str, traced: Traced, operands: Sequence[Value], attributes: dict[str, Any], outputs: Sequence[Spec]
    ) -> list[Value]:
        # Here the values of outer functions are the last arguments of an inner one, not the first.
        shift, count = len(traced.consts), len(traced.inputs)
        ordered = [*operands[shift : shift + count], *operands[:shift], *operands[shift + count :]]
        types = [spec.type for spec in outputs]
        if kind == "call":
            return self._create("func.call", types, ordered, {"callee": ir.FlatSymbolRefAttr.get(traced.handle)})
        config = {key: _attribute(value) for key, value in attributes.items()}
        if "argnums" in attributes:
            config["argnums"] = _attribute([n - shift for n in attributes["argnums"]])
        if "in_axes" in attributes:
            config["in_axes"] = _attribute([*attributes["in_axes"][shift:], *attributes["in_axes"][:shift]])
        config["symbols"] = ir.ArrayAttr.get([ir.StringAttr.get("callee")])
        call = {
            "call_target_name": ir.StringAttr.get(f"astra.{kind}"),
            "called_computations": ir.ArrayAttr.get([ir.FlatSymbolRefAttr.get(traced.handle)]),
            "backend_config": ir.DictAttr.get(config),
            "api_version": ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 4),
        }
        return self._create("stablehlo.custom_call", types, ordered, call)

    # --- programs ----------------------------------------------------------------------------------------------------

    def function(self, source: Any) -> Callable[..., Any]:
        del source  # the one that this module is built for

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.source(self, args, kwargs)

        call.__name__ = Path(self.source.name).stem.strip("<>")
        return call

    def call_program(self, program: Program, values: Sequence[Any]) -> list[Value]:
        """Call a program's entry on values; the program's functions become private ones of the module."""
        name = self._loaded.get(program.data)
        if name is None:
            name = self._loaded[program.data] = self._load(program)
        function = next(f for f in self._functions(self.module) if _symbol(f) == name)
        types = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        given = list(types.inputs)[: len(types.inputs) - len(program.constants)]
        if len(values) != len(given):
            raise ShapeError(f"{program.name}: @{program.entry} takes {len(given)} arguments, but got {len(values)}")
        operands = [
            self._argument(value, type, program, i) for i, (value, type) in enumerate(zip(values, given, strict=True))
        ]
        operands += [self._hidden(constant) for constant in program.constants]
        callee = {"callee": ir.FlatSymbolRefAttr.get(name)}
        return self._create("func.call", list(types.results), operands, callee)

    def _argument(self, value: Any, type: ir.Type, program: Program, i: int) -> Value:
        if isinstance(value, (bool, int, float, complex)) and isinstance(type, ir.RankedTensorType):
            value = np.asarray(value, dtype_of(type.element_type))
        found = self.value(value, f"{program.name}: argument {i}")
        if found.value.type != type:
            error = DTypeError if tuple(found.shape) == tuple(type.shape) else ShapeError
            raise error(f"{program.name}: argument {i} of @{program.entry} has type {type}, but got {found.value.type}")
        return found

    def _hidden(self, constant: np.ndarray[Any, Any]) -> Value:
        """An argument of the outermost function for a large constant of the program's."""
        for value, known in self.constants:
            if known is constant:
                return value
        scope = self.scope
        while scope.outer is not None:
            scope = scope.outer
        shaped = ir.RankedTensorType.get(list(constant.shape), element_type_of(constant.dtype))
        value = Value(scope.block.add_argument(shaped, ir.Location.unknown()), scope)
        self.constants.append((value, constant))
        return value

    def _functions(self, module: ir.Module) -> list[ir.Operation]:
        return [view.operation for view in module.body.operations if view.operation.name == "func.func"]

    def _load(self, program: Program) -> str:
        module = program.parse(self.context)
        if any(view.operation.name.startswith("vhlo.") for view in module.body.operations):
            raise InvalidProgramError(f"{program.name} is in the VHLO dialect; give it as a portable artifact")
        functions = {_symbol(function): function for function in self._functions(module)}
        if program.entry not in functions:
            known = ", ".join(f"@{name}" for name in functions) or "none"
            raise InvalidProgramError(f"{program.name} has no function @{program.entry} (functions: {known})")
        for view in module.body.operations:
            if view.operation.name not in ("func.func", "sdy.mesh"):
                place = source_place(view.operation.location)
                raise UnsupportedError(f"{place}: {view.operation.name} beside functions is not supported")
        names = {name: self._new_name(name) for name in functions}
        for name, function in functions.items():
            copy = function.clone(ip=ir.InsertionPoint(self.module.body)).operation
            copy.attributes["sym_name"] = ir.StringAttr.get(names[name])
            copy.attributes["sym_visibility"] = ir.StringAttr.get("private")
            for group in ("arg_attrs", "res_attrs"):
                if group in copy.attributes:
                    del copy.attributes[group]
            for block in copy.regions[0].blocks:
                for op in walk(block):
                    _rename(op, names)
        return names[program.entry]

    # --- the whole ---------------------------------------------------------------------------------------------------

    def build(
        self, name: str, function: Callable[..., Any], types: Sequence[tuple[tuple[int, ...], np.dtype[Any]]],
        paths: Sequence[str],
    ) -> tuple[Program, Any, tuple[int | Float0, ...]]:  # fmt: skip
        """The program of a function of values; the tree of its results and where each leaf is among them."""
        with self.context, ir.Location.unknown():
            inputs = [ir.RankedTensorType.get(list(shape), element_type_of(dtype)) for shape, dtype in types]
        with self._in_scope("main", inputs) as scope:
            arguments = [Value(x, scope) for x in scope.block.arguments]
            results, places, tree = self._results(function(*arguments), scope)
            scope.finish(results, private=False)
            constants = tuple(array for _, array in self.constants)
            all_paths = [*paths, *(f"closed-over array {i}" for i in range(len(constants)))]
            data = Program.from_module(self.module).data
        return Program(data, "main", tuple(all_paths), constants, name), tree, places


def _attribute(value: Any) -> ir.Attribute:
    if isinstance(value, int):
        return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)
    return ir.StringAttr.get(value) if isinstance(value, str) else ir.DenseI64ArrayAttr.get(list(value))


def _symbol(function: ir.Operation) -> str:
    return str(ir.StringAttr(function.attributes["sym_name"]).value)


def _rename(op: ir.Operation, names: dict[str, str]) -> None:
    """Replace the symbols that an operation refers to."""
    if not any(names.get(symbol, symbol) != symbol for symbol in symbols_used(op)):
        return

    def renamed(attribute: ir.Attribute) -> ir.Attribute:
        if isinstance(attribute, ir.FlatSymbolRefAttr):
            return ir.FlatSymbolRefAttr.get(names.get(attribute.value, attribute.value))
        if isinstance(attribute, ir.ArrayAttr):
            return ir.ArrayAttr.get([renamed(item) for item in attribute])
        return attribute

    for name in list(op.attributes):
        op.attributes[name] = renamed(op.attributes[name])


_NUMBERS: tuple[tuple[type, Any], ...] = (
    (bool, np.bool_),
    (int, np.int32),
    (float, np.float32),
    (complex, np.complex64),
)


def array_of(leaf: Any, what: str) -> np.ndarray[Any, Any]:
    """A leaf as a NumPy array; Python numbers have 32 bits, as in JAX.

    Raises :class:`AstraError`, with ``what`` it is, for what is no array.
    """
    for kind, dtype in _NUMBERS:
        if type(leaf) is kind:
            return np.asarray(leaf, dtype)
    if hasattr(leaf, "__array__") or hasattr(leaf, "__dlpack__"):
        array = np.asarray(leaf) if hasattr(leaf, "__array__") else np.from_dlpack(leaf)
        if array.dtype != object:
            return array
    text = repr(leaf)
    raise AstraError(
        f"{what} must be an array or a number, but is {text if len(text) <= 60 else text[:57] + '...'} "
        f"({type(leaf).__name__})"
    )
