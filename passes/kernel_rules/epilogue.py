"""What follows a matrix product element by element, done by its kernel to a tile that is still in the cache.

A bias, an activation, a residual: the operations from the product on, up to the last one after which a single value is
needed by anything else.  ``contraction.py`` finds them for a product, the tile function of ``gemm_program.py`` computes
them in vectors when the tile's last step is done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list
from astra_mlir.passes.linalg_rules.lowering import RULES, Lowering, Val

__all__ = ["Epilogue", "Fused", "epilogue_of"]

# What a tile's vectors compute; that each becomes arithmetic on one element without branches is checked.
_FUSED = frozenset(
    f"astra.{name}"
    for name in (
        "abs", "add", "compare", "divide", "erf", "exponential", "exponential_minus_one", "log", "log_plus_one",
        "logistic", "maximum", "minimum", "multiply", "negate", "rsqrt", "select", "sqrt", "subtract", "tanh",
    )
)  # fmt: skip
_MATERIALIZED = ("astra.dot_general", "astra.kernel_call", "astra.convolution")
_LONGEST = 48  # operations
_NAME = re.compile(r"%[A-Za-z0-9_]+")
_LINE = re.compile(r"(%\w+) = (arith|math)\.")
_CONSTANT = re.compile(r"arith\.constant (\S+)(?: : (\w+))?$")
_TYPE = re.compile(r"(?<=[ (])(f32|f64|i1|i32|i64)\b")


@dataclass(frozen=True)
class Epilogue:
    """Vector code: ``lines`` on ``parameters`` (the product, then one for each of ``kinds``) give ``result``.

    A kind is ``"full"`` (an array like the result), ``"row"`` (one number for each column), ``"column"`` (one for each
    row) or ``"scalar"``.
    """

    parameters: tuple[str, ...]
    lines: tuple[str, ...]
    result: str
    kinds: tuple[str, ...]

    def inline(self, prefix: str, values: Sequence[str], lanes: int) -> tuple[list[str], str]:
        """The lines on vectors of ``lanes`` elements with names that begin with ``prefix``, and what they give."""
        names = dict(zip(self.parameters, values, strict=True))

        def rename(match: re.Match[str]) -> str:
            return names.get(match[0]) or f"%{prefix}_{match[0][1:]}"

        lines = [_NAME.sub(rename, _vector_line(line, lanes)) for line in self.lines]
        return lines, _NAME.sub(rename, self.result)


@dataclass(frozen=True)
class Fused:
    """An epilogue in a program: its other operands, the operations that it replaces (the last one gives its value)."""

    epilogue: Epilogue
    operands: tuple[ir.Value, ...]
    operations: tuple[ir.Operation, ...]

    @property
    def last(self) -> ir.Operation:
        return self.operations[-1]


def _vector_line(line: str, lanes: int) -> str:
    """A line of scalar arithmetic for vectors."""
    constant = _CONSTANT.search(line)
    if constant is not None:
        type = constant[2] or "i1"
        return f"{line[: constant.start()]}arith.constant dense<{constant[1]}> : vector<{lanes}x{type}>"
    return _TYPE.sub(lambda match: f"vector<{lanes}x{match[1]}>", line)


def epilogue_of(dot: ir.Operation, stop: set[ir.Operation]) -> Fused | None:
    """The longest epilogue of a product, without operations in ``stop``; ``None`` where nothing can be fused."""
    type = dot.results[0].type
    operations = _followers(dot, stop)
    for end in range(len(operations), 0, -1):
        last = operations[end - 1]
        if last.results[0].type != type:
            continue
        needed = _needed(operations[:end], last)
        inside = {dot, *needed}
        if all(use.owner.operation in inside for op in inside if op != last for use in op.results[0].uses):
            return _fused(dot, needed)
    return None


def _followers(dot: ir.Operation, stop: set[ir.Operation]) -> list[ir.Operation]:
    """Operations of the block, in order, that compute from the product and from what a tile can read."""
    values = {dot.results[0]}
    found: list[ir.Operation] = []
    after = False
    for op in dot.block.operations:
        op = op.operation
        if op == dot:
            after = True
        elif after and any(operand in values for operand in op.operands):
            shape = dot.results[0].type.shape
            if (
                op.name in _FUSED
                and op not in stop
                and len(found) < _LONGEST
                and list(op.results[0].type.shape) == list(shape)
                and all(operand in values or _kind_of(operand, dot) for operand in op.operands)
            ):
                values.add(op.results[0])
                found.append(op)
    return found


def _needed(operations: Sequence[ir.Operation], last: ir.Operation) -> list[ir.Operation]:
    """Those that ``last`` is computed from, in order."""
    needed = {last}
    for op in reversed(operations):
        if any(use.owner.operation in needed for use in op.results[0].uses):
            needed.add(op)
    return [op for op in operations if op in needed]


def _kind_of(value: ir.Value, dot: ir.Operation) -> tuple[str, ir.Value] | None:
    """How a tile reads a value, and where from; ``None`` where it cannot."""
    type = dot.results[0].type
    owner = None if isinstance(value.owner, ir.Block) else value.owner.operation
    if owner is not None and owner.name == "astra.constant":
        attribute = owner.attributes["value"]
        return ("constant", value) if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat else None
    if value.type.element_type != type.element_type:
        return None
    if owner is not None and owner.name == "astra.broadcast":
        source, dimensions = owner.operands[0], int_list(owner, "dimensions")
        shape, rank = list(source.type.shape), type.rank
        if not shape:
            return "scalar", source
        if dimensions == [rank - 1] and shape[0] == type.shape[rank - 1]:
            return "row", source
        if rank == 2 and dimensions == [0] and shape[0] == type.shape[0]:
            return "column", source
        return None
    if value.type != type:
        return None
    # what only this operation would read is better computed along the way than written to memory for it
    is_there = owner is None or owner.name in _MATERIALIZED or len(list(value.uses)) > 1
    return ("full", value) if is_there else None


def _fused(dot: ir.Operation, operations: list[ir.Operation]) -> Fused | None:
    """The code of the operations, on one element."""
    low = Lowering()
    holder = ir.Module.create()
    element = dot.results[0].type.element_type
    inside = {dot.results[0], *(op.results[0] for op in operations)}
    reads: dict[ir.Value, tuple[str, ir.Value]] = {}
    constants: dict[ir.Value, ir.Operation] = {}
    for op in operations:
        for operand in op.operands:
            if operand not in inside:
                kind = _kind_of(operand, dot)
                assert kind is not None
                if kind[0] == "constant":
                    constants[operand] = operand.owner.operation
                else:
                    reads[operand] = kind
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get("epilogue"),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get([element] * (1 + len(reads)), [element])),
        },
        regions=1,
        ip=ir.InsertionPoint(holder.body),
    )
    block = function.regions[0].blocks.append(*[element] * (1 + len(reads)))
    low.ip = ir.InsertionPoint(block)
    for value, argument in zip([dot.results[0], *reads], block.arguments, strict=True):
        low.values[value] = Val(low.info(value.type), scalar=argument)
    for op in [*constants.values(), *operations]:
        low.op = op
        low.values[op.results[0]] = RULES[op.name](low, op)[0]
    low.create("func.return", [low.scalar(low.values[operations[-1].results[0]])], ())
    _, *lines, last, _ = [line.strip() for line in str(function).strip().splitlines()]
    if not all(_LINE.match(line) for line in lines):
        return None
    epilogue = Epilogue(
        parameters=tuple(f"%arg{i}" for i in range(1 + len(reads))),
        lines=tuple(lines),
        result=last.removeprefix("return").partition(":")[0].strip(),
        kinds=tuple(kind for kind, _ in reads.values()),
    )
    return Fused(epilogue, tuple(source for _, source in reads.values()), tuple(operations))
