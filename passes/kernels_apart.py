"""Taking the inner functions of generated kernels out of a module, to be lowered and compiled while the rest still is.

Between ``astra-to-kernels``, which marks them, and the passes after it, and only where machine code is wanted: what the
pipeline prints is whole.  An inner function (a tile of a product, packing, a register tile) is vector code from the
start: no later pass needs to see it, it is not inlined, and it has no tasks of its own.
"""

from __future__ import annotations

import re

from astra_mlir.bindings import ir
from astra_mlir.passes.target import TARGET_ATTRIBUTE

__all__ = ["APART", "mark_inner", "take_apart"]

APART = "astra.apart"  # on a function that may be taken out: the functions that it calls

_FUNCTION = re.compile(r"^func\.func private @([\w.$]+)\(.*?^\}$", re.MULTILINE | re.DOTALL)
_CALLED = re.compile(r"@([\w.$]+)\(")


def mark_inner(functions: dict[str, ir.Operation], text: str, kernel: str) -> None:
    """Mark those of ``functions``, made of ``text``, that may be taken out; ``kernel`` itself is called by programs."""
    for match in _FUNCTION.finditer(text):
        name, body = match[1], match[0]
        if (
            name in functions
            and name != kernel
            and "scf.forall" not in body
            and '"noinline"' in body.partition("\n")[0]
        ):
            called = [ir.StringAttr.get(other) for other in sorted(set(_CALLED.findall(body)) - {name})]
            functions[name].attributes[APART] = ir.ArrayAttr.get(called)


def take_apart(module: ir.Module) -> ir.Module | None:
    """A module of the inner functions of ``module``, which keeps their declarations; None where there are none."""
    inner = {}
    for op in module.body.operations:
        if APART in op.operation.attributes:
            calls = {ir.StringAttr(name).value for name in op.operation.attributes[APART]}
            inner[ir.StringAttr(op.operation.attributes["sym_name"]).value] = (op.operation, calls)
    while missing := [name for name, (_, calls) in inner.items() if not calls <= inner.keys()]:
        for name in missing:
            del inner[name]
    if not inner:
        return None
    with module.context, ir.Location.unknown():
        apart = ir.Module.create()
        apart.operation.attributes[TARGET_ATTRIBUTE] = module.operation.attributes[TARGET_ATTRIBUTE]
        for function, _ in inner.values():
            kept = ("sym_name", "function_type", "sym_visibility", "passthrough")
            declaration = {name: function.attributes[name] for name in kept}
            with ir.InsertionPoint(function):
                ir.Operation.create("func.func", attributes=declaration, regions=1)
            function.detach_from_parent()
            apart.body.append(function)
    return apart
