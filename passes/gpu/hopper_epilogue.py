"""What follows a product of a whole program, in the kernel made for Hopper: from scalar code to an ``Epilogue``.

A tile function that has ``astra.epilogue`` beside ``astra.gemm`` gives the scalar code, a function of the product's
element and of one element of each further argument, and the steps by which those are read along batch, rows and
columns.  Accumulators come as pairs of neighbouring columns, so an array in rows is read two elements at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.emit import Thread
from astra_mlir.passes.gpu.hopper_gemm import Epilogue, HopperGemm
from astra_mlir.passes.gpu.lower_math import MATH, Libdevice, lower_math, needs_conversion
from astra_mlir.passes.gpu.target import GpuTarget
from astra_mlir.passes.traversal import walk

__all__ = ["epilogue_attribute", "epilogue_of", "lower_functions"]

_POINTER = "!llvm.ptr<1>"
_NAME = re.compile(r"%[A-Za-z0-9_-]+")
Line = Callable[[str], str]


def epilogue_attribute(text: str, steps: Sequence[Sequence[int | None]]) -> ir.Attribute:
    """``astra.epilogue``: the function's text, and for each further argument its steps by batch, row and column."""
    numbers = [ir.DenseI64ArrayAttr.get([number or 0 for number in places]) for places in steps]
    return ir.DictAttr.get({"code": ir.StringAttr.get(text), "steps": ir.ArrayAttr.get(numbers)})


def epilogue_of(attribute: ir.Attribute, gemm: HopperGemm) -> Epilogue:
    """What the kernel of ``gemm`` does to its results."""
    found = ir.DictAttr(attribute)
    module = ir.Module.parse(ir.StringAttr(found["code"]).value)  # has to outlive what is read of it
    function = module.body.operations[0].operation
    block = function.regions[0].blocks[0]
    kinds = [str(argument.type) for argument in block.arguments]
    lines = [line.strip() for line in str(function).strip().splitlines()[1:-1]]
    result = lines.pop().removeprefix("return").partition(":")[0].strip()
    steps = [tuple(ir.DenseI64ArrayAttr(entry)) for entry in ir.ArrayAttr(found["steps"])]

    def emit(
        values: Sequence[str], row: str, column: str, batch: str, arguments: Sequence[str], line: Line
    ) -> list[str]:
        place = _Place(gemm, row, column, batch, line)
        read = [place.read(pointer, kind, s) for pointer, kind, s in zip(arguments, kinds[1:], steps, strict=True)]
        pair = []
        for i, value in enumerate(values):
            made = {"%arg0": _rounded(value, kinds[0], gemm, line)}
            made |= {f"%arg{j}": both[i] for j, both in enumerate(read, 1)}
            for text in lines:
                name, _, code = text.partition(" = ")
                made[name] = line(_NAME.sub(lambda match: made[match[0]], code))  # noqa: B023
            pair.append(made[result])
        return pair

    return Epilogue((_POINTER,) * len(steps), emit)


def _rounded(value: str, kind: str, gemm: HopperGemm, line: Line) -> str:
    """The accumulator as the product's element, so that the numbers are those of a product of its own."""
    return value if kind == gemm.format.accumulator else line(f"llvm.fptrunc {value} : f32 to {kind}")


class _Place:
    """A pair of neighbouring results, and what is read for it."""

    def __init__(self, gemm: HopperGemm, row: str, column: str, batch: str, line: Line) -> None:
        self.gemm, self.line, self.batch = gemm, line, batch
        # Beyond the last row or column the results go nowhere; what is read for them is what there is at the edge.
        self.row = self._within(row, gemm.m - 1) if gemm.m % (gemm.block_m * gemm.cluster) else row
        self.column = self._within(column, gemm.n - 2) if gemm.n % gemm.block_n else column

    def _within(self, number: str, last: int) -> str:
        bound = self.line(f"llvm.mlir.constant({last} : i32) : i32")
        return self.line(f"llvm.intr.umin({number}, {bound}) : (i32, i32) -> i32")

    def read(self, pointer: str, kind: str, steps: Sequence[int]) -> list[str]:
        """The elements for both results."""
        start = self._address(pointer, kind, steps)
        if steps[2] == 0:
            return [self.line(f"llvm.load {start} : {_POINTER} -> {kind}")] * 2
        even = all(step % 2 == 0 for step in steps[:2])
        if steps[2] == 1 and even:
            vector = f"vector<2x{kind}>"
            alignment = 2 * _bytes(kind)
            pair = self.line(f"llvm.load {start} {{alignment = {alignment} : i64}} : {_POINTER} -> {vector}")
            numbers = [self.line(f"llvm.mlir.constant({i} : i32) : i32") for i in range(2)]
            return [self.line(f"llvm.extractelement {pair}[{number} : i32] : {vector}") for number in numbers]
        second = self.line(f"llvm.getelementptr {start}[{steps[2]}] : ({_POINTER}) -> {_POINTER}, {kind}")
        return [self.line(f"llvm.load {place} : {_POINTER} -> {kind}") for place in (start, second)]

    def _address(self, pointer: str, kind: str, steps: Sequence[int]) -> str:
        total = None
        for number, step in zip((self.batch, self.row, self.column), steps, strict=True):
            if step:
                wide = self.line(f"llvm.zext {number} : i32 to i64")
                if step > 1:
                    wide = self.line(f"llvm.mul {wide}, {self.line(f'llvm.mlir.constant({step} : i64) : i64')} : i64")
                total = wide if total is None else self.line(f"llvm.add {total}, {wide} : i64")
        if total is None:
            return pointer
        return self.line(f"llvm.getelementptr {pointer}[{total}] : ({_POINTER}, i64) -> {_POINTER}, {kind}")


def _bytes(kind: str) -> int:
    return int(re.sub(r"\D", "", kind)) // 8


def lower_functions(kernel: ir.Operation, target: GpuTarget) -> dict[str, tuple[int, ir.Type]]:
    """Put libdevice's functions in the place of those of ``math``; which they are, with their arities and types."""
    lowering = Libdevice(target)
    for block in kernel.regions[0].blocks:
        for op in list(walk(block)):
            if op.name in MATH or needs_conversion(op):
                lowering.thread = Thread(ir.InsertionPoint(op), op.location)
                op.results[0].replace_all_uses_with(lower_math(lowering, op, list(op.operands), op.results[0].type))
                op.erase()
    return lowering.declared
