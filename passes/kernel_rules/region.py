"""Combiner and comparator regions as text on scalars, to be put into the loops of a kernel.

The region's operations are lowered by the scalar rules of ``astra-to-linalg``, so a custom combiner computes exactly
what the same operations compute elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.kernel_rules.text import Function, element_of, refuse
from astra_mlir.passes.linalg_rules.elementwise import apply
from astra_mlir.passes.linalg_rules.lowering import RULES, Lowering, Val

__all__ = ["ScalarFunction", "combiner", "scalar_region"]

_NAME = re.compile(r"%[A-Za-z0-9_]+")
_SCALAR_DIALECTS = frozenset({"arith", "math", "complex", "scf", "func"})


@dataclass(frozen=True)
class ScalarFunction:
    """A computation on scalars: its name (a hash of its text), its arguments, text and what it reads from outside."""

    name: str
    parameters: tuple[str, ...]  # names in the text
    lines: tuple[str, ...]
    results: tuple[str, ...]  # names in the text
    captures: tuple[ir.Value, ...]  # rank-0 tensors, whose elements are the last parameters
    text: str = ""  # a func.func

    def arguments(self) -> list[tuple[str, str]]:
        """Arguments that a kernel needs for the captured values."""
        types = [element_of(value.type).storage for value in self.captures]
        return [(f"%capture{i}", f"memref<{type_}>") for i, type_ in enumerate(types)]

    def load_captures(self, f: Function) -> list[str]:
        """The captured scalars, loaded from those arguments."""
        return [f.load(name, [], type_) for name, type_ in self.arguments()]

    def inline(self, f: Function, operands: Sequence[str], captured: Sequence[str]) -> list[str]:
        """Write the computation on these values to a function; its results."""
        names = dict(zip(self.parameters, (*operands, *captured), strict=True))
        prefix = f.fresh("s")

        def rename(match: re.Match[str]) -> str:
            return names.get(match[0]) or f"{prefix}_{match[0][1:]}"

        for line in self.lines:
            f.emit(_NAME.sub(rename, line))
        return [_NAME.sub(rename, result) for result in self.results]


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

    function, dialects = _function(argument_types, body, tuple(captures))
    if not dialects <= _SCALAR_DIALECTS:
        raise refuse(op, "its region computes with arrays", "use only operations on scalars in it")
    return function


def combiner(kind: str, tensor_type: ir.Type) -> ScalarFunction:
    """``kind`` of two elements of a tensor type, for element types that need the rules of ``astra-to-linalg``."""
    scalar = ir.RankedTensorType.get([], tensor_type.element_type)

    def body(low: Lowering, arguments: Sequence[ir.Value]) -> list[Val]:
        info = low.info(scalar)
        return [Val(info, scalar=apply(low, kind, arguments, info, info))]

    return _function([scalar, scalar], body, ())[0]


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
    arguments: Sequence[ir.Type],
    body: Callable[[Lowering, Sequence[ir.Value]], list[Val]],
    captures: tuple[ir.Value, ...],
) -> tuple[ScalarFunction, set[str]]:
    """What ``body`` builds, and the dialects of its operations."""
    low = Lowering()
    holder = ir.Module.create()
    types = [low.info(type_).element for type_ in arguments]
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get("scalar"),
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
    dialects: set[str] = set()

    def note(operation: ir.Operation) -> ir.WalkResult:
        dialects.add(operation.name.partition(".")[0])
        return ir.WalkResult.ADVANCE

    function.walk(note)
    text = str(function)
    _, *lines, last, _ = [line.strip() for line in text.strip().splitlines()]
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    parameters = tuple(f"%arg{i}" for i in range(len(types)))
    given = tuple(part.strip() for part in last.removeprefix("return").partition(":")[0].split(","))
    return ScalarFunction(digest, parameters, tuple(lines), given, captures, text), dialects
