"""Inline every call, so that later passes see each function as one program (first pass after import).

JAX gives one private function to every ``jit`` inside a program, and to the body of every ``scan``; the passes that
follow look at one function at a time.  Call graphs are processed callees first, so each body is copied in its final
form, and the last call of a private function takes its operations over instead of copying them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.transforms import SYMBOL_ATTRIBUTES
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.traversal import replace_operands, replace_operation, walk

__all__ = ["Inline", "copy_body", "symbols_used"]


def _symbol(op: ir.Operation, name: str) -> str:
    return ir.StringAttr(op.attributes[name]).value


@dataclass
class _Function:
    """A function of the module, the calls in its body, and how many calls to it are left."""

    op: ir.Operation
    private: bool
    body: ir.Block | None
    calls: list[tuple[ir.Operation, str]]
    remaining: int = 0


class _Inliner:
    def __init__(self, module: ir.Operation) -> None:
        self.functions: dict[str, _Function] = {}
        self.roots: set[str] = set()
        for view in module.regions[0].blocks[0].operations:
            op = view.operation
            if op.name == "func.func":
                self._add(op)

    def _add(self, op: ir.Operation) -> None:
        blocks = list(op.regions[0].blocks)
        if len(blocks) > 1:
            raise UnsupportedError(
                f"{source_place(op.location)}: function @{_symbol(op, 'sym_name')} has {len(blocks)} blocks; "
                "astra-inline takes structured control flow only (lift cf branches to scf or astra operations first)"
            )
        private = "sym_visibility" in op.attributes and _symbol(op, "sym_visibility") == "private"
        function = _Function(op, private, blocks[0] if blocks else None, [])
        name = _symbol(op, "sym_name")
        self.functions[name] = function
        if not private:
            self.roots.add(name)
        for nested in walk(function.body) if function.body else ():
            if nested.name == "func.call":
                function.calls.append((nested, nested.attributes["callee"].value))
            else:
                self.roots.update(symbols_used(nested))  # such functions stay

    def _callees_first(self) -> list[str]:
        """The functions that public ones reach, each after everything it calls."""
        order: dict[str, None] = {}
        for name in self.functions:
            if name in self.roots:
                self._visit(name, None, [], order)
        return [*order]

    def _visit(self, name: str, call: ir.Operation | None, path: list[str], order: dict[str, None]) -> None:
        if name in order or name not in self.functions:
            return
        if name in path:
            cycle = " -> ".join(f"@{n}" for n in [*path[path.index(name) :], name])
            where = call.location if call is not None else self.functions[name].op.location
            raise UnsupportedError(
                f"{source_place(where)}: recursive call {cycle}; array programs have no recursion: "
                "write the repetition as a loop"
            )
        path.append(name)
        for op, callee in self.functions[name].calls:
            self._visit(callee, op, path, order)
        path.pop()
        order[name] = None

    def run(self) -> None:
        order = self._callees_first()
        reached = set(order)
        for name in order:
            for _, callee in self.functions[name].calls:
                if callee in self.functions:
                    self.functions[callee].remaining += 1
        for name in order:
            for call, callee in self.functions[name].calls:
                function = self.functions.get(callee)
                if function is not None and function.body is not None:
                    function.remaining -= 1
                    _inline(call, function, take=callee not in self.roots and function.remaining == 0)
        for name, function in self.functions.items():
            if name not in self.roots and (function.body is not None or name not in reached):
                function.op.erase()


_SYMBOL_ATTRIBUTES = (*SYMBOL_ATTRIBUTES, "called_computations", "decomposition")


def symbols_used(op: ir.Operation) -> Iterator[str]:
    """The symbols of functions that an operation refers to (a call, a kernel call, a custom call, a composite)."""
    attributes = op.attributes
    if not len(attributes):
        return
    for name in _SYMBOL_ATTRIBUTES:
        if name in attributes:
            attribute = attributes[name]
            for item in attribute if isinstance(attribute, ir.ArrayAttr) else (attribute,):
                if isinstance(item, ir.FlatSymbolRefAttr):
                    yield item.value


def copy_body(
    body: ir.Block, operands: Sequence[ir.Value], ip: ir.InsertionPoint, call_location: ir.Location
) -> tuple[list[ir.Operation], list[ir.Value]]:
    """Copy a function's operations to ``ip`` with operands for its arguments; gives the copies and what it returns.

    A copy keeps the location of its original and gains that of the call.
    """
    *originals, terminator = [view.operation for view in body.operations]
    mapping: dict[ir.Value, ir.Value] = dict(zip(body.arguments, operands, strict=True))
    copies = []
    for op in originals:
        copy = op.clone(ip=ip).operation
        copy.location = ir.Location.callsite(op.location, [call_location])
        replace_operands(copy, mapping)
        for old, new in zip(op.results, copy.results, strict=True):
            mapping[old] = new
        copies.append(copy)
    return copies, [mapping.get(value, value) for value in terminator.operands]


def _inline(call: ir.Operation, callee: _Function, take: bool) -> None:
    """Put the body of ``callee`` in the place of ``call``; with ``take`` its operations are moved there, not copied."""
    assert callee.body is not None
    arguments, operands = list(callee.body.arguments), list(call.operands)
    call_location = call.location
    if take:
        *body, terminator = [view.operation for view in callee.body.operations]
        for argument, operand in zip(arguments, operands, strict=True):
            argument.replace_all_uses_with(operand)
        for op in body:
            op.move_before(call)
            op.location = ir.Location.callsite(op.location, [call_location])
        results = list(terminator.operands)
    else:
        _, results = copy_body(callee.body, operands, ir.InsertionPoint(call), call_location)
    replace_operation(call, results)


@register_pass
@dataclass(frozen=True)
class Inline(Pass):
    """Replace every call of a function that has a body by the body, then drop private functions nobody refers to.

    Before::

        func.func public @main(%x: tensor<f32>) -> tensor<f32> {
          %0 = call @double(%x) : (tensor<f32>) -> tensor<f32>
          return %0 : tensor<f32>
        }
        func.func private @double(%x: tensor<f32>) -> tensor<f32> {
          %0 = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          return %0 : tensor<f32>
        }

    After::

        func.func public @main(%x: tensor<f32>) -> tensor<f32> {
          %0 = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          return %0 : tensor<f32>
        }

    Calls inside regions are inlined too.  Functions that an operation other than a call refers to (a kernel call) stay,
    as do calls of functions without a body.  Inlined operations keep their own location and gain the place of the call.
    Recursion, and functions of several blocks, are refused with :class:`~astra_mlir.errors.UnsupportedError`.
    """

    name: ClassVar[str] = "astra-inline"
    summary: ClassVar[str] = "inline every call, then drop unused private functions"

    def run(self, module: ir.Operation) -> None:
        """Inline all calls in the functions of ``module``."""
        _Inliner(module).run()
