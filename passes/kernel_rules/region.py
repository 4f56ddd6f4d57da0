"""Combiner and comparator regions as private functions on scalars, which LLVM inlines into the kernel's loops.

The region's operations are lowered by the scalar rules of ``astra-to-linalg``, so a custom combiner computes exactly
what the same operations compute elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.kernel_rules.text import Function, element_of, refuse
from astra_mlir.passes.linalg_rules.elementwise import apply
from astra_mlir.passes.linalg_rules.lowering import RULES, Lowering, Val

__all__ = ["ScalarFunction", "combiner", "scalar_region"]

_SCALAR_DIALECTS = frozenset({"arith", "math", "complex", "scf", "func"})


@dataclass(frozen=True)
class ScalarFunction:
    """A function on scalars: its name, its text, the types of its results and what it reads from outside."""

    name: str
    text: str
    results: tuple[str, ...]
    captures: tuple[ir.Value, ...]  # rank-0 tensors; the function takes their elements after its own arguments

    @property
    def capture_types(self) -> list[str]:
        """Element types of the captured values."""
        return [element_of(value.type).storage for value in self.captures]

    def arguments(self) -> list[tuple[str, str]]:
        """Arguments that a kernel needs for the captured values."""
        return [(f"%capture{i}", f"memref<{type_}>") for i, type_ in enumerate(self.capture_types)]

    def load_captures(self, f: Function) -> list[tuple[str, str]]:
        """The captured scalars, loaded from those arguments: ``(value, type)``."""
        return [(f.load(name, [], type_), type_[len("memref<") : -1]) for name, type_ in self.arguments()]

    def call(self, f: Function, operands: Sequence[tuple[str, str]], captured: Sequence[tuple[str, str]]) -> list[str]:
        """Call it on ``(value, type)`` scalars."""
        return f.call(self.name, [*operands, *captured], self.results)


def scalar_region(op: ir.Operation, region: int = 0) -> ScalarFunction:
    """The function that a region of ``op`` with rank-0 arguments and results computes.

    Raises :class:`UnsupportedError` where the region needs more than scalars.
    """
    block = op.regions[region].blocks[0]
    constants, captures = _captured(op, block)
    argument_types = [value.type for value in (*block.arguments, *captures)]

    def body(low: Lowering, arguments: Sequence[ir.Value]) -> list[Val]:
        vals = [Val(low.info(t), scalar=a) for t, a in zip(argument_types, arguments, strict=True)]
        number = len(block.arguments)
        for value, val in zip(captures, vals[number:], strict=True):
            low.values[value] = val
        for constant in constants:
            low.op = constant
            low.values[constant.results[0]] = RULES[constant.name](low, constant)[0]
        return low.lower_block(block, vals[:number])

    name, text, results, dialects = _function(argument_types, body)
    if not dialects <= _SCALAR_DIALECTS:
        raise refuse(op, "its region computes with arrays", "use only operations on scalars in it")
    return ScalarFunction(name, text, results, tuple(captures))


def combiner(kind: str, tensor_type: ir.Type) -> ScalarFunction:
    """``kind`` of two elements of a tensor type, for element types that need the rules of ``astra-to-linalg``."""
    scalar = ir.RankedTensorType.get([], tensor_type.element_type)

    def body(low: Lowering, arguments: Sequence[ir.Value]) -> list[Val]:
        info = low.info(scalar)
        return [Val(info, scalar=apply(low, kind, arguments, info, info))]

    name, text, results, _ = _function([scalar, scalar], body)
    return ScalarFunction(name, text, results, ())


def _captured(op: ir.Operation, block: ir.Block) -> tuple[list[ir.Operation], list[ir.Value]]:
    """Constants and other values from outside of ``block`` that operations in it use."""
    constants: list[ir.Operation] = []
    captures: list[ir.Value] = []
    inside: set[ir.Value] = set()

    def visit(inner: ir.Block) -> None:
        inside.update(inner.arguments)
        for operation in inner.operations:
            for value in operation.operands:
                if value in inside or value in captures:
                    continue
                if value.type.rank:
                    raise refuse(op, "its region uses an array from outside", "pass it as an operand")
                if isinstance(value, ir.OpResult) and value.owner.name == "astra.constant":
                    constants.append(value.owner)
                    inside.add(value)
                else:
                    captures.append(value)
            inside.update(operation.results)
            for region in operation.regions:
                for nested in region:
                    visit(nested)

    visit(block)
    return constants, captures


def _function(
    arguments: Sequence[ir.Type], body: Callable[[Lowering, Sequence[ir.Value]], list[Val]]
) -> tuple[str, str, tuple[str, ...], set[str]]:
    """Name, text, result types and dialects of the function that ``body`` builds; the name is a hash of the text."""
    low = Lowering()
    holder = ir.Module.create()
    types = [low.info(type_).element for type_ in arguments]
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get("astra_scalar"),
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(types, [])),
        },
        regions=1,
        ip=ir.InsertionPoint(holder.body),
    )
    block = function.regions[0].blocks.append(*types)
    low.ip = ir.InsertionPoint(block)
    returned = [low.scalar(val) for val in body(low, list(block.arguments))]
    low.create("func.return", returned, ())
    results = [value.type for value in returned]
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(types, results))
    text = str(function)
    name = f"astra_scalar_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    dialects: set[str] = set()

    def note(operation: ir.Operation) -> ir.WalkResult:
        dialects.add(operation.name.partition(".")[0])
        return ir.WalkResult.ADVANCE

    function.walk(note)
    return name, text.replace("@astra_scalar", f"@{name}", 1), tuple(map(str, results)), dialects
