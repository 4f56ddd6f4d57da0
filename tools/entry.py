"""The function of a program that a tool is asked for: finding it, and dropping what it does not use."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.errors import InvalidProgramError
from astra_mlir.passes.inline import symbols_used
from astra_mlir.passes.traversal import walk

__all__ = ["name_of", "select_function"]


def name_of(function: ir.Operation) -> str:
    """A function's symbol."""
    return ir.StringAttr(function.attributes["sym_name"]).value


def select_function(module: ir.Module, name: str) -> ir.Operation:
    """The function ``name``; functions that it does not use are removed from the module.

    Where ``main`` is asked for and there is none, the only function that is not private is taken.
    """
    functions = [op.operation for op in module.body.operations if op.operation.name == "func.func"]
    named = {name_of(function): function for function in functions}
    public = [function for function in functions if not _is_private(function)]
    if name not in named:
        if name != "main" or len(public) != 1:
            known = ", ".join(f"@{known}" for known in named) or "none"
            raise InvalidProgramError(f"the program has no function @{name} (functions: {known})")
        name = name_of(public[0])
    chosen = named[name]
    for function in public:
        if function != chosen:
            function.attributes["sym_visibility"] = ir.StringAttr.get("private")
    if _is_private(chosen):
        del chosen.attributes["sym_visibility"]
    _erase_unused(functions, named, name)
    return chosen


def _erase_unused(functions: list[ir.Operation], named: dict[str, ir.Operation], root: str) -> None:
    """Erase what ``root`` does not reach (MLIR's ``symbol-dce`` refuses Astra operations with regions)."""
    used, pending = {root}, [root]
    while pending:
        for block in named[pending.pop()].regions[0].blocks:
            for op in walk(block):
                new = {name for name in symbols_used(op) if name in named} - used
                used |= new
                pending += new
    for function in functions:
        if name_of(function) not in used:
            function.erase()


def _is_private(function: ir.Operation) -> bool:
    attributes = function.attributes
    return "sym_visibility" in attributes and ir.StringAttr(attributes["sym_visibility"]).value == "private"
