"""Expanding transformations of functions: ``astra.vjp @f`` becomes the operations of the derived function.

The driver that ``astra-autodiff`` and ``astra-vectorize`` share.  A transformation whose callee contains others is
expanded after these, so any nesting comes down to deriving functions without transformations in them.  Each pass
registers in :data:`DERIVATIONS` how it derives a function; derived functions are made once for equal requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS, value_of
from astra_mlir.dialects.transforms import TRANSFORMATIONS
from astra_mlir.errors import AstraError, UnsupportedError, source_place
from astra_mlir.passes.importing import ImportPass
from astra_mlir.passes.inline import Inline, copy_body, symbols_used
from astra_mlir.passes.raise_loops import RaiseLoops
from astra_mlir.passes.simplify import Simplify, simplify
from astra_mlir.passes.traversal import replace_operation, walk

__all__ = [
    "DERIVATIONS",
    "Expansion",
    "clone_function",
    "entry_block",
    "find_function",
    "functions_of",
    "operations_in",
    "prepare",
]

# transformation -> (driver, callee, attributes of the operation) -> the derived function, private and with a new name
Derivation = Callable[["Expansion", ir.Operation, dict[str, Any]], ir.Operation]
DERIVATIONS: dict[str, Derivation] = {}


def functions_of(module: ir.Operation) -> dict[str, ir.Operation]:
    """The functions of a module by name."""
    return {
        ir.StringAttr(view.operation.attributes["sym_name"]).value: view.operation
        for view in module.regions[0].blocks[0].operations
        if view.operation.name == "func.func"
    }


def operations_in(function: ir.Operation) -> Iterator[ir.Operation]:
    """Every operation of a function, nested ones included."""
    for block in function.regions[0].blocks:
        yield from walk(block)


def _named(functions: Iterable[ir.Operation]) -> set[str]:
    """What the operations of some functions name."""
    return {name for function in functions for op in operations_in(function) for name in symbols_used(op)}


def find_function(module: ir.Operation, name: str, what: str) -> ir.Operation:
    """Function ``name``; raises :class:`AstraError` saying for ``what`` it was looked for, and which there are."""
    functions = functions_of(module)
    if name not in functions:
        known = ", ".join(f"@{known}" for known in functions) or "none"
        raise AstraError(
            f"{what}: the module has no function @{name} (functions: {known}; a private one that nothing calls is "
            "dropped by passes before)"
        )
    return functions[name]


def entry_block(function: ir.Operation) -> ir.Block:
    """The only block of a function; :class:`UnsupportedError` for a function without a body or with several blocks."""
    blocks = list(function.regions[0].blocks)
    if len(blocks) != 1:
        name = ir.StringAttr(function.attributes["sym_name"]).value
        raise UnsupportedError(
            f"{source_place(function.location)}: function @{name} has {len(blocks)} blocks, so it cannot be "
            "transformed; write a body of one block with structured control flow"
        )
    return blocks[0]


def prepare(module: ir.Operation) -> None:
    """Bring a StableHLO module to the form that transformations take: imported, inlined, loops raised.

    Nothing is done to a module that holds none.
    """
    block = module.regions[0].blocks[0]
    if not any(op.name.startswith(("stablehlo.", "chlo.")) for op in walk(block)):
        return
    for step in (ImportPass(), Inline(), Simplify(), RaiseLoops(), Simplify()):
        step.run(module)


def clone_function(function: ir.Operation, name: str) -> ir.Operation:
    """A private copy of a function under another name, behind it, without attributes of arguments and results."""
    copy = function.clone(ip=ir.InsertionPoint.after(function)).operation
    copy.attributes["sym_name"] = ir.StringAttr.get(name)
    copy.attributes["sym_visibility"] = ir.StringAttr.get("private")
    for attribute in ("arg_attrs", "res_attrs"):
        if attribute in copy.attributes:
            del copy.attributes[attribute]
    return copy


def set_function_type(function: ir.Operation) -> None:
    """Make a function's type that of its arguments and of what it returns."""
    block = function.regions[0].blocks[0]
    returned = block.operations[len(block.operations) - 1].operation
    function.attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get([x.type for x in block.arguments], [x.type for x in returned.operands])
    )


@dataclass
class Expansion:
    """The functions of one module while transformations are expanded."""

    module: ir.Operation
    policy: Any = None  # what reverse mode keeps: autodiff_rules.engine.Policy
    functions: dict[str, ir.Operation] = field(init=False)
    differentiated: bool = field(default=False, init=False)  # whether a derivative is taken of what is derived now
    _ready: set[str] = field(default_factory=set)
    _path: list[str] = field(default_factory=list)
    _derived: dict[Any, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.functions = functions_of(self.module)

    # --- what derivations ask for ------------------------------------------------------------------------------------

    def body(self, name: str) -> ir.Block:
        """The body of a function, all calls and transformations in it expanded."""
        self.make_ready(name)
        return entry_block(self.functions[name])

    def derived(self, transformation: str, callee: str, **attributes: Any) -> str:
        """The name of what a transformation (``jvp``, ``vjp``, ``vmap``) makes of a function."""
        key = (transformation, callee, tuple(sorted(attributes.items())), self.differentiated)
        if key not in self._derived:
            before = self.differentiated
            self.differentiated = before or transformation in ("jvp", "vjp")
            self.make_ready(callee)
            self.differentiated = before
            function = DERIVATIONS[f"astra.{transformation}"](self, self.functions[callee], attributes)
            name = ir.StringAttr(function.attributes["sym_name"]).value
            self.functions[name] = function
            self._ready.add(name)
            self._derived[key] = name
        return self._derived[key]

    def new_name(self, base: str) -> str:
        """A name that no function has."""
        name, i = base, 1
        while name in self.functions:
            name, i = f"{base}_{i}", i + 1
        return name

    def new_function(self, callee: ir.Operation, suffix: str) -> ir.Operation:
        """A private copy of a function to derive from, named after it."""
        name = ir.StringAttr(callee.attributes["sym_name"]).value
        copy = clone_function(callee, self.new_name(f"{name}.{suffix}"))
        self.functions[ir.StringAttr(copy.attributes["sym_name"]).value] = copy
        return copy

    # --- expanding ---------------------------------------------------------------------------------------------------

    def make_ready(self, name: str, kinds: Iterable[str] = TRANSFORMATIONS) -> bool:
        """Expand the transformations (of these kinds) and inline the calls in a function; whether there were any."""
        if name in self._ready:
            return False
        if name not in self.functions:
            raise AstraError(f"the module has no function @{name}")
        if name in self._path:
            cycle = " -> ".join(f"@{n}" for n in [*self._path[self._path.index(name) :], name])
            raise UnsupportedError(
                f"{source_place(self.functions[name].location)}: recursive call {cycle}; array programs have no "
                "recursion: write the repetition as a loop"
            )
        self._path.append(name)
        block = entry_block(self.functions[name])
        found = [op for op in walk(block) if op.name == "func.call" or op.name in kinds]
        for op in found:
            callee = op.attributes["callee"].value
            if op.name != "func.call":
                declared = (*OPS[op.name].attributes, *OPS[op.name].optional_attributes)
                attributes = {key: value_of(op, key) for key in declared if key in op.attributes and key != "callee"}
                callee = self.derived(op.name.removeprefix("astra."), callee, **attributes)
            self._replace_by_body(op, callee)
        self._path.pop()
        if set(kinds) == set(TRANSFORMATIONS):
            self._ready.add(name)
        if found:
            simplify(block)
        return bool(found)

    def _replace_by_body(self, op: ir.Operation, callee: str) -> None:
        if not len(self.functions[callee].regions[0].blocks):
            return  # a declaration: the call stays
        _, results = copy_body(self.body(callee), list(op.operands), ir.InsertionPoint(op), op.location)
        replace_operation(op, results)

    def drop_unused(self, before: set[str]) -> None:
        """Erase private functions that nothing names any more; those in ``before`` only if they were named then."""
        while True:
            named = _named(self.functions.values())
            unused = [
                name
                for name, function in self.functions.items()
                if name not in named and name not in before and "sym_visibility" in function.attributes
                and ir.StringAttr(function.attributes["sym_visibility"]).value == "private"
            ]  # fmt: skip
            if not unused:
                return
            for name in unused:
                self.functions.pop(name).erase()


def unnamed_functions(module: ir.Operation) -> set[str]:
    """The functions that no operation names: what a pass must leave even if it is private."""
    functions = functions_of(module)
    return functions.keys() - _named(functions.values())


def expand(module: ir.Operation, kinds: Iterable[str], policy: Any = None) -> bool:
    """Expand all transformations of some kinds in a module, and any in their callees; whether there were any."""
    kinds = tuple(kinds)
    expansion = Expansion(module, policy)
    block = module.regions[0].blocks[0]
    if not any(op.name in kinds for op in walk(block)):
        return False
    keep = unnamed_functions(module)
    callees = {name for op in walk(block) if op.name in kinds for name in symbols_used(op)}
    for name in list(expansion.functions):
        if name not in callees and any(op.name in kinds for op in operations_in(expansion.functions[name])):
            expansion.make_ready(name, kinds)
    expansion.drop_unused(keep)
    return True
