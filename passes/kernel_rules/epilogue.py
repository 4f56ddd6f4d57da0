"""What follows a matrix product or a convolution element by element, done by its kernel to what is still in the cache.

A bias, a normalization, an activation, a residual, a conversion: the operations from the product on, up to the last one
after which a single value is needed by anything else.  ``contraction.py`` and ``convolution.py`` ask for them; kernels
compute them in vectors of finished results (:meth:`Epilogue.apply`).  ``gpu_kernels/epilogue.py`` asks for them with a
reading of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.donation import is_donated
from astra_mlir.passes.kernel_rules.contraction_shapes import memref_text
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.linalg_rules.lowering import RULES, Lowering, Val

__all__ = ["FUSED", "Epilogue", "Fused", "Read", "Reading", "epilogue_of", "is_splat", "is_there", "read_elements"]

# What a tile's vectors compute; that each becomes arithmetic on one element without branches is checked.
FUSED = frozenset(
    f"astra.{name}"
    for name in (
        "abs", "add", "and", "ceil", "clamp", "compare", "convert", "cosine", "divide", "erf", "exponential",
        "exponential_minus_one", "floor", "log", "log_plus_one", "logistic", "maximum", "minimum", "multiply", "negate",
        "not", "or", "round_nearest_afz", "round_nearest_even", "rsqrt", "select", "sign", "sine", "sqrt", "subtract",
        "tanh",
    )
)  # fmt: skip
_MATERIALIZED = ("astra.dot_general", "astra.kernel_call", "astra.convolution")
_ELEMENTS = ("f64", "f32", "bf16", "f16", "i32", "i16", "i8")  # of arrays that are read and written
_LONGEST = 48  # operations
_NAME = re.compile(r"%[A-Za-z0-9_-]+")
_LINE = re.compile(r"(%[\w-]+) = (arith|math)\.")
_CONSTANT = re.compile(r"arith\.constant (\S+)(?: : (\w+))?$")
_TYPE = re.compile(r"(?<=[ (])(b?f16|f32|f64|i1|i8|i16|i32|i64)\b")


@dataclass(frozen=True)
class Epilogue:
    """Scalar code: ``lines`` on ``parameters`` (the product, then one for each of ``kinds``) give ``result``.

    A kind is ``"full"`` (an array like the result), ``"row"`` (one number for each column), ``"column"`` (one for each
    row) or ``"scalar"`` (on GPUs, steps by loops); ``elements`` are these arrays' element types, ``element`` that of
    what is written.
    """

    parameters: tuple[str, ...]
    lines: tuple[str, ...]
    result: str
    kinds: tuple[Any, ...]
    elements: tuple[str, ...]
    element: str
    groups: int = (
        1  # of columns, or rows, that are batch elements of the product, whose numbers lie one after the other
    )

    @property
    def names(self) -> list[str]:
        """What kernels call the arrays."""
        return [f"%other{i}" for i in range(len(self.kinds))]

    @property
    def arrays(self) -> list[tuple[str, str]]:
        """The arrays flat, with their types."""
        return [(name, f"memref<?x{element}>") for name, element in zip(self.names, self.elements, strict=True)]

    def group_size(self, sizes: Sequence[int]) -> int:
        """Rows or columns of a batch element of a product of these batches, rows and columns."""
        return sizes[2] if "row" in self.kinds else sizes[1]

    def apply(
        self, f: FunctionText, value: str, place: Index, row: Index, column: Index, mask: str | None, lanes: int | None
    ) -> str:
        """What becomes of ``lanes`` results (``None``: one, without vectors) that begin at ``place``: ``row`` and
        ``column`` are how far they are in arrays of these kinds."""
        values = [value]
        for (array, memref), element, kind in zip(self.arrays, self.elements, self.kinds, strict=True):
            at = {"full": place, "row": column, "column": row, "scalar": 0}[kind]
            vector, here = f"vector<{lanes}x{element}>", f"{array}[{f.ssa(at)}]"
            if lanes is None or kind in ("column", "scalar"):
                read = f.value(f"memref.load {here} : {memref}")
                if lanes is not None:
                    read = f.value(f"vector.broadcast {read} : {element} to {vector}")
            elif mask is None:
                read = f.value(f"vector.load {here} : {memref}, {vector}")
            else:
                zero = f.constant("dense<0.0>" if "f" in element else "dense<0>", vector)
                kinds = f"{memref}, vector<{lanes}xi1>, {vector} into {vector}"
                read = f.value(f"vector.maskedload {here}, {mask}, {zero} : {kinds}")
            values.append(read)
        names, prefix = dict(zip(self.parameters, values, strict=True)), f"e{f.fresh()[1:]}"

        def rename(match: re.Match[str]) -> str:
            return names.get(match[0]) or f"%{prefix}_{match[0][1:]}"

        for line in self.lines:
            f.line(_NAME.sub(rename, line if lanes is None else _vector_line(line, lanes)))
        return _NAME.sub(rename, self.result)


@dataclass(frozen=True)
class Fused:
    """An epilogue in a program: its other operands, the operations that it replaces (the last one gives its value)."""

    epilogue: Epilogue
    operands: tuple[ir.Value, ...]
    operations: tuple[ir.Operation, ...]

    @property
    def last(self) -> ir.Operation:
        return self.operations[-1]

    @property
    def absorbed(self) -> tuple[ir.Operation, ...]:
        """What else is gone, in an order in which it can be erased; the product comes after these."""
        return tuple(reversed(self.operations[:-1]))

    @property
    def types(self) -> list[str]:
        """The memref types of the other operands."""
        return [memref_text(value.type) for value in self.operands]


@dataclass(frozen=True)
class Read:
    """How a tile gets an element of an operand: for values that it reads, the kind and the array, and operations on
    them, in order."""

    values: Mapping[ir.Value, tuple[Any, ir.Value]]
    operations: tuple[ir.Operation, ...] = ()


Reading = Callable[[ir.Value, ir.Operation], Read | None]  # of a value, for a product; None where a tile cannot


def _vector_line(line: str, lanes: int) -> str:
    """A line of scalar arithmetic for vectors."""
    constant = _CONSTANT.search(line)
    if constant is not None:
        type = constant[2] or "i1"
        return f"{line[: constant.start()]}arith.constant dense<{constant[1]}> : vector<{lanes}x{type}>"
    line = _TYPE.sub(lambda match: f"vector<{lanes}x{match[1]}>", line)
    # between vectors the type of the condition is written, too
    return line.replace(" : ", f" : vector<{lanes}xi1>, ") if "= arith.select " in line else line


def epilogue_of(dot: ir.Operation, stop: set[ir.Operation], reading: Reading | None = None) -> Fused | None:
    """The longest epilogue of a product or convolution, without operations in ``stop``; ``None`` where none is."""
    if str(dot.results[0].type.element_type) not in _ELEMENTS:
        return None
    reading = reading or _read
    operations = _followers(dot, stop, reading)
    for end in range(len(operations), 0, -1):
        last = operations[end - 1]
        if str(last.results[0].type.element_type) not in _ELEMENTS:
            continue
        needed = _needed(operations[:end], last)
        inside = {dot, *needed}
        if all(use.owner.operation in inside for op in inside if op != last for use in op.results[0].uses):
            fused = _fused(dot, needed, reading)
            if fused is not None:
                return fused
    return None


def _followers(dot: ir.Operation, stop: set[ir.Operation], reading: Reading) -> list[ir.Operation]:
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
                op.name in FUSED
                and op not in stop
                and len(found) < _LONGEST
                and list(op.results[0].type.shape) == list(shape)
                and all(operand in values or reading(operand, dot) for operand in op.operands)
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


def _read(value: ir.Value, dot: ir.Operation) -> Read | None:
    """How a tile of the CPU's kernels reads a value: whole arrays and broadcasts along rows or columns."""
    type = dot.results[0].type
    owner = _owner(value)
    if owner is not None and owner.name == "astra.constant":
        return Read({}, (owner,)) if is_splat(owner) else None
    if not read_elements(value):
        return None
    if owner is not None and owner.name == "astra.broadcast":
        source, along = owner.operands[0], _along(dot)
        sizes = zip(int_list(owner, "dimensions"), source.type.shape, strict=True)
        wide = tuple((dimension, size) for dimension, size in sizes if size > 1)
        if not wide:
            return Read({value: ("scalar", source)})
        kind = along.get(tuple(dimension for dimension, _ in wide))
        fits = kind and wide[0][1] == type.shape[wide[0][0]]
        return Read({value: (kind, source)}) if fits else None
    return Read({value: ("full", value)}) if list(value.type.shape) == list(type.shape) and is_there(value) else None


def _owner(value: ir.Value) -> ir.Operation | None:
    return None if isinstance(value.owner, ir.Block) else value.owner.operation


def is_splat(constant: ir.Operation) -> bool:
    """Whether all elements of an ``astra.constant`` are one number."""
    attribute = constant.attributes["value"]
    return isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat


def read_elements(value: ir.Value) -> bool:
    """Whether the elements of a value are of a type that epilogues read."""
    return str(value.type.element_type) in _ELEMENTS


def is_there(value: ir.Value) -> bool:
    """Whether a value is in memory when the product runs, and stays there."""
    # what is donated is better updated in place, by an operation of its own
    if is_donated(value):
        return False
    # what only this operation would read is better computed along the way than written to memory for it
    owner = _owner(value)
    return owner is None or owner.name in _MATERIALIZED or len(list(value.uses)) > 1


def _along(dot: ir.Operation) -> dict[tuple[int, ...], str]:
    """The dimensions of the result along which a tile can read numbers, and what kind that is."""
    last = dot.results[0].type.rank - 1
    if dot.name == "astra.convolution":
        feature = value_of(dot, "output_feature_dimension")
        return {(feature,): "row" if feature == last else "column"}
    return {(last,): "row"} | ({(0,): "column"} if last == 1 else {})


def _fused(dot: ir.Operation, operations: list[ir.Operation], reading: Reading) -> Fused | None:
    """The code of the operations, on one element."""
    low = Lowering()
    holder = ir.Module.create()
    element, written = (op.results[0].type.element_type for op in (dot, operations[-1]))
    inside = {dot.results[0], *(op.results[0] for op in operations)}
    reads: dict[ir.Value, tuple[Any, ir.Value]] = {}
    before: dict[ir.Operation, None] = {}
    for op in operations:
        for operand in op.operands:
            if operand not in inside:
                read = reading(operand, dot)
                assert read is not None
                if any(reads.get(value, kind) != kind for value, kind in read.values.items()):
                    return None  # one array read in two ways
                reads.update(read.values)
                before.update(dict.fromkeys(read.operations))
    kinds = [element, *(value.type.element_type for value in reads)]
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get("epilogue"),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(kinds, [written])),
        },
        regions=1,
        ip=ir.InsertionPoint(holder.body),
    )
    block = function.regions[0].blocks.append(*kinds)
    low.ip = ir.InsertionPoint(block)
    for value, argument in zip([dot.results[0], *reads], block.arguments, strict=True):
        low.values[value] = Val(low.info(value.type), scalar=argument)
    for op in [*before, *operations]:
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
        elements=tuple(map(str, kinds[1:])),
        element=str(written),
    )
    return Fused(epilogue, tuple(source for _, source in reads.values()), tuple(operations))
