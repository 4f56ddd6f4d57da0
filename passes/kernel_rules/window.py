"""Kernels of ``astra.reduce_window`` over an input with padding: pooling that reads the edges where they are.

Linalg's loops need a padded copy of the input.  Here the window is cut at the edges instead: each result takes the
places of its window that are in the input.  With the channels last, vectors of channels go by, and whole windows are
written out; with a windowed dimension last, the other dimensions are reduced first, into a padded row on the stack.
Windows without padding, custom combiners and holes in the input are left to ``astra-to-linalg``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.dialects.elements import splat_value
from astra_mlir.passes.kernel_rules.contraction_shapes import memref_text, row_major_strides
from astra_mlir.passes.kernel_rules.function_text import AS_WRITTEN, FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_functions import bits_of, widen
from astra_mlir.passes.kernel_rules.gemm_levels import flatten, narrow
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.target import Target, target_of

__all__ = ["reduce_window"]

MAX_WINDOW = 64  # places of a window: larger ones are rather sums over everything than pooling
WRITTEN_OUT = 25  # places of a whole window that are written out
VECTORS = 4  # of channels at a time
MAX_ROW = 32 * 1024  # bytes of a padded row on the stack
MAX_STRIDE = 16  # along such a row
TASK_WORK = 1 << 18  # elements read in a task of at least 20 us

# The operation on two vectors for floats, signed and unsigned integers.
_COMBINE = {
    "add": ("arith.addf {}, {}", "arith.addi {}, {}", "arith.addi {}, {}"),
    "multiply": ("arith.mulf {}, {}", "arith.muli {}, {}", "arith.muli {}, {}"),
    "maximum": ("arith.maximumf {}, {} fastmath<nsz>", "arith.maxsi {}, {}", "arith.maxui {}, {}"),
    "minimum": ("arith.minimumf {}, {} fastmath<nsz>", "arith.minsi {}, {}", "arith.minui {}, {}"),
}
_NEUTRAL = {"add": 0, "multiply": 1}  # the others may begin with anything: twice is as good as once
_ELEMENTS = ("f64", "f32", "bf16", "f16", "i64", "ui64", "i32", "ui32", "i16", "ui16", "i8", "ui8")


@dataclass(frozen=True)
class _Window:
    """How a window reduction is run; ``inner`` trailing elements are side by side and without a window."""

    kind: str
    element: str
    start: str
    shape: tuple[int, ...]
    result: tuple[int, ...]
    window: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    low: tuple[int, ...]
    inner: int
    target: Target

    @property
    def accumulator(self) -> str:
        return "f32" if self.element in ("bf16", "f16") else self.element.removeprefix("u")

    @property
    def lanes(self) -> int:
        return self.target.lanes(bits_of(self.accumulator))

    @property
    def row_elements(self) -> int:
        """Elements of a padded row, and what its last vectors reach beyond."""
        reach = (self.result[-1] - 1) * self.strides[-1] + (self.window[-1] - 1) * self.dilations[-1] + 1
        return max(self.low[-1] + self.shape[-1], reach) + (1 + self.strides[-1]) * self.lanes

    @property
    def row_bytes(self) -> int:
        return self.row_elements * bits_of(self.accumulator) // 8

    @property
    def units(self) -> int:
        """Rows of the result."""
        return prod(self.result[:-1])

    def text(self, name: str, types: Sequence[str]) -> str:
        """The functions: ``@name(input, result)`` and what writes one row."""
        f = FunctionText(name, [("%input_array", types[0]), ("%result_array", types[1])])
        flatten(f, "%input", "%input_array", types[0])
        flatten(f, "%result", "%result_array", types[1])
        work = self.result[-1] * self.inner * prod(self.window)
        memref = f"memref<?x{self.element.removeprefix('u')}>"
        with f.grouped(self.units, max(1, TASK_WORK // work), sequential=2 * TASK_WORK // work) as unit:
            f.call(f"{name}_row", [("%input", memref), ("%result", memref), (unit, "index")])
        row = FunctionText(
            f"{name}_row", [("%input", memref), ("%result", memref), ("%unit", "index")], inline=False
        )  # fmt: skip
        (_Channels if self.inner > 1 else _Rows)(row, self).write()
        return f"{row.text()}\n\n{f.text()}"


@kernel_rule("reduce_window")
def reduce_window(op: ir.Operation) -> KernelRequest | None:
    """One kernel per shape, element type and window."""
    what = _describe(op)
    if what is None:
        return None
    types = [memref_text(op.operands[0].type), memref_text(op.results[0].type)]
    name = kernel_name("window", what, *types)
    return KernelRequest(
        name=name, ins=(op.operands[0],), outs=(Out(op.results[0].type),), build=lambda: what.text(name, types),
        schedule=what,
    )  # fmt: skip


def _describe(op: ir.Operation) -> _Window | None:
    """The description of a reduction that a kernel does; ``None`` for others."""
    kind, padding = value_of(op, "kind"), int_list(op, "padding")
    if len(op.operands) != 2 or kind not in _COMBINE or min(padding, default=0) < 0 or not any(padding):
        return None
    operand, result = op.operands[0].type, op.results[0].type
    element, start = str(operand.element_type), _constant(op.operands[1])
    if element not in _ELEMENTS or result.element_type != operand.element_type or start is None:
        return None
    if start[1] != _NEUTRAL.get(kind, start[1]) or any(size != 1 for size in int_list(op, "base_dilations")):
        return None
    window, strides = int_list(op, "window_dimensions"), int_list(op, "window_strides")
    rank = len(window)
    windowed = [
        d for d in range(rank) if (window[d], strides[d], padding[2 * d], padding[2 * d + 1]) != (1, 1, 0, 0)
    ]  # fmt: skip
    outer = windowed[-1] + 1
    target, inner = target_of(op), prod(operand.shape[outer:])
    what = _Window(
        kind, element, start[0], tuple(operand.shape[:outer]), tuple(result.shape[:outer]), tuple(window[:outer]),
        tuple(strides[:outer]), tuple(int_list(op, "window_dilations")[:outer]), tuple(padding[: 2 * outer : 2]),
        inner, target,
    )  # fmt: skip
    if prod(window) > MAX_WINDOW or 0 in (*operand.shape, *result.shape):
        return None
    if inner > 1:
        return what if inner >= what.lanes // 2 else None  # else most of each vector would be empty
    return what if what.row_bytes <= MAX_ROW and what.strides[-1] <= MAX_STRIDE else None


def _constant(value: ir.Value) -> tuple[str, float] | None:
    """A scalar constant as text and number."""
    if isinstance(value.owner, ir.Block) or value.owner.operation.name != "astra.constant":
        return None
    attribute = value.owner.operation.attributes["value"]
    number = splat_value(attribute)
    text = str(attribute).removeprefix("dense<").partition(">")[0]
    return None if number is None else (text, float(number))


class _Writer:
    """Writes the function of one row of the result: ``%unit`` counts the dimensions before the last one."""

    def __init__(self, f: FunctionText, what: _Window) -> None:
        self.f, self.what, self.lanes, self.accumulator = f, what, what.lanes, what.accumulator
        self.vector = f"vector<{self.lanes}x{self.accumulator}>"
        self.steps = [what.inner * stride for stride in row_major_strides(list(what.shape))]
        element = what.element.removeprefix("u")
        start = f.constant(f"dense<{what.start}>", f"vector<{self.lanes}x{element}>")
        self.start = widen(f, start, what.element, self.accumulator, lanes=self.lanes)

    def write(self) -> None:
        """Fill the function."""
        raise NotImplementedError

    def bounds(self, d: int, at: Index) -> tuple[Index, Index]:
        """Which places of the window, along a dimension, are in the input."""
        f, what = self.f, self.what
        dilation, before = what.dilations[d], f.sub(what.low[d], f.mul(at, what.strides[d]))
        first = f.ceil_div(self.at_least_0(before), dilation)
        end = f.ceil_div(self.at_least_0(f.add(before, what.shape[d])), dilation)
        return first, f.min(end, what.window[d])

    def at_least_0(self, value: Index) -> Index:
        if isinstance(value, int):
            return max(value, 0)
        return self.f.value(f"arith.maxsi {value}, {self.f.ssa(0)} : index")

    def is_padded(self, d: int) -> bool:
        """Whether some window reaches over an edge of a dimension."""
        what = self.what
        last = (what.result[d] - 1) * what.strides[d] + (what.window[d] - 1) * what.dilations[d] - what.low[d]
        return what.low[d] > 0 or last >= what.shape[d]

    def combined(self, a: str, b: str) -> str:
        is_float, is_unsigned = "f" in self.accumulator, self.what.element.startswith("u")
        template = _COMBINE[self.what.kind][0 if is_float else 2 if is_unsigned else 1]
        return self.f.value(f"{template.format(a, b)} : {self.vector}")

    def load(self, at: Index, mask: str | None) -> str:
        """A widened vector of the input."""
        f, element = self.f, self.what.element.removeprefix("u")
        memref, vector = f"memref<?x{element}>", f"vector<{self.lanes}x{element}>"
        if mask is None:
            value = f.value(f"vector.load %input[{f.ssa(at)}] : {memref}, {vector}")
        else:
            zero = f.constant("dense<0.0>" if "f" in element else "dense<0>", vector)
            kinds = f"{memref}, vector<{self.lanes}xi1>, {vector} into {vector}"
            value = f.value(f"vector.maskedload %input[{f.ssa(at)}], {mask}, {zero} : {kinds}")
        return widen(f, value, self.what.element, self.accumulator, lanes=self.lanes)

    def store(self, value: str, at: Index, mask: str | None) -> None:
        """Narrow and store a vector of the result."""
        f, element = self.f, self.what.element.removeprefix("u")
        value = narrow(f, value, self.accumulator, element, lanes=self.lanes)
        memref, vector = f"memref<?x{element}>", f"vector<{self.lanes}x{element}>"
        if mask is None:
            f.line(f"vector.store {value}, %result[{f.ssa(at)}] : {memref}, {vector}")
        else:
            kinds = f"{memref}, vector<{self.lanes}xi1>, {vector}"
            f.line(f"vector.maskedstore %result[{f.ssa(at)}], {mask}, {value} : {kinds}")

    def blocks(self, size: int, body: Callable[[Index, int, str | None], None]) -> None:
        """``body(first, vectors, mask)`` over ``size`` elements, a few vectors at a time; a mask is of one vector."""
        f, width = self.f, VECTORS * self.lanes
        whole = size // width * width
        if whole:
            with f.loop(0, whole, width) as first:
                body(first, VECTORS, None)
        rest = (size - whole) // self.lanes
        if rest:
            body(whole, rest, None)
        done = whole + rest * self.lanes
        if done < size:
            mask = f.value(f"vector.create_mask {f.ssa(size - done)} : vector<{self.lanes}xi1>")
            body(done, 1, mask)

    def over(self, ranges: Sequence[tuple[int, Index, Index]], at: Index, vectors: int, mask: str | None) -> list[str]:
        """Vectors from ``at`` on, combined over (dimension, first, end) of places of the window, in nested loops."""
        f = self.f

        def nest(depth: int, at: Index, values: list[str]) -> list[str]:
            if depth == len(ranges):
                return [
                    self.combined(value, self.load(f.add(at, i * self.lanes), mask)) for i, value in enumerate(values)
                ]
            d, first, end = ranges[depth]
            name, place, inside = f.fresh(), f.fresh(), [f.fresh() for _ in values]
            arguments = ", ".join(f"{a} = {b}" for a, b in zip(inside, values, strict=True))
            kinds = ", ".join([self.vector] * len(values))
            bounds = f"{f.ssa(first)} to {f.ssa(end)} step {f.ssa(1)}"
            head = f"{name}:{len(values)} = scf.for {place} = {bounds} iter_args({arguments}) -> ({kinds}) {{"
            with f.block(head, f"}} {AS_WRITTEN}"):
                step = f.mul(place, self.what.dilations[d] * self.steps[d])
                f.line(f"scf.yield {', '.join(nest(depth + 1, f.add(at, step), inside))} : {kinds}")
            return [f"{name}#{i}" for i in range(len(values))]

        return nest(0, at, [self.start] * vectors)

    def written_out(self, dimensions: Sequence[int], at: Index, vectors: int, mask: str | None) -> list[str]:
        """The same over all places of the window, without loops."""
        what, values = self.what, [self.start] * vectors
        for places in itertools.product(*(range(what.window[d]) for d in dimensions)):
            steps = zip(places, dimensions, strict=True)
            to = self.f.add(at, sum(place * what.dilations[d] * self.steps[d] for place, d in steps))
            for i in range(vectors):
                values[i] = self.combined(values[i], self.load(self.f.add(to, i * self.lanes), mask))
        return values

    def reduced(
        self, ranges: Sequence[tuple[int, Index, Index]], at: Index, vectors: int, mask: str | None, whole: str | None
    ) -> list[str]:
        """Written out where the ranges are known to be ``whole`` windows, in loops elsewhere."""
        f, dimensions = self.f, [d for d, _, _ in ranges]
        if prod(self.what.window[d] for d in dimensions) > WRITTEN_OUT:
            return self.over(ranges, at, vectors, mask)
        if whole is None:
            return self.written_out(dimensions, at, vectors, mask)
        name, kinds = f.fresh(), ", ".join([self.vector] * vectors)
        with f.block(f"{name}:{vectors} = scf.if {whole} -> ({kinds}) {{", "} else {"):
            f.line(f"scf.yield {', '.join(self.written_out(dimensions, at, vectors, mask))} : {kinds}")
        with f.block(""):
            f.line(f"scf.yield {', '.join(self.over(ranges, at, vectors, mask))} : {kinds}")
        return [f"{name}#{i}" for i in range(vectors)]

    def places(self, coordinates: Sequence[Index]) -> tuple[list[tuple[int, Index, Index]], Index, str | None]:
        """For a place of the result, along its first dimensions: the windows' ranges, where in the input they would
        begin, and whether they all are whole (``None``: always)."""
        f, what = self.f, self.what
        ranges: list[tuple[int, Index, Index]] = []
        at: Index = 0
        whole: str | None = None
        for d, coordinate in enumerate(coordinates):
            at = f.add(at, f.mul(f.sub(f.mul(coordinate, what.strides[d]), what.low[d]), self.steps[d]))
            if not self.is_padded(d):
                if what.window[d] > 1:
                    ranges.append((d, 0, what.window[d]))
                continue
            first, end = self.bounds(d, coordinate)
            ranges.append((d, first, end))
            missing = f.sub(what.window[d], f.sub(end, first))
            is_whole = f.compare("eq", missing, 0)
            whole = is_whole if whole is None else f.value(f"arith.andi {whole}, {is_whole} : i1")
        return ranges, at, whole


class _Channels(_Writer):
    """Dimensions without a window are last: vectors of them."""

    def write(self) -> None:
        f, what = self.f, self.what
        coordinates = f.delinearize("%unit", what.result[:-1])
        with f.loop(0, what.result[-1]) as column:
            ranges, at, whole = self.places([*coordinates, column])
            to = f.mul(f.add(f.mul("%unit", what.result[-1]), column), what.inner)

            def block(first: Index, vectors: int, mask: str | None) -> None:
                for i, value in enumerate(self.reduced(ranges, f.add(at, first), vectors, mask, whole)):
                    self.store(value, f.add(to, first, i * self.lanes), mask)

            self.blocks(what.inner, block)


class _Rows(_Writer):
    """A dimension with a window is last: a row is reduced along the other dimensions first."""

    def write(self) -> None:
        f, what, lanes = self.f, self.what, self.lanes
        kind = f"memref<{what.row_elements}x{self.accumulator}>, {self.vector}"
        row = f.value(f"memref.alloca() {{alignment = 64 : i64}} : {kind.partition(',')[0]}")
        low = what.low[-1]
        for first in (*range(0, low, lanes), *range(low + what.shape[-1], what.row_elements, lanes)):
            f.line(f"vector.store {self.start}, {row}[{f.ssa(min(first, what.row_elements - lanes))}] : {kind}")
        ranges, at, whole = self.places(f.delinearize("%unit", what.result[:-1]))

        def reduce(first: Index, vectors: int, mask: str | None) -> None:
            for i, value in enumerate(self.reduced(ranges, f.add(at, first), vectors, mask, whole)):
                if mask is not None:
                    value = f.value(f"arith.select {mask}, {value}, {self.start} : vector<{lanes}xi1>, {self.vector}")
                f.line(f"vector.store {value}, {row}[{f.ssa(f.add(first, low + i * lanes))}] : {kind}")

        self.blocks(what.shape[-1], reduce)

        def combine(first: Index, vectors: int, mask: str | None) -> None:
            values = [self.start] * vectors
            for place in range(what.window[-1]):
                for i in range(vectors):
                    start = f.mul(f.add(first, i * lanes), what.strides[-1])
                    near = self.strided(row, kind, f.add(start, place * what.dilations[-1]))
                    values[i] = self.combined(values[i], near)
            for i, value in enumerate(values):
                self.store(value, f.add(f.mul("%unit", what.result[-1]), first, i * lanes), mask)

        self.blocks(what.result[-1], combine)

    def strided(self, row: str, kind: str, at: Index) -> str:
        """A vector of every ``stride``-th element of the row."""
        f, lanes, stride = self.f, self.lanes, self.what.strides[-1]
        loaded = [f.value(f"vector.load {row}[{f.ssa(f.add(at, i * lanes))}] : {kind}") for i in range(stride)]
        result = loaded[0]
        for i, vector in enumerate(loaded if stride > 1 else []):
            places = [lane * stride - i * lanes for lane in range(lanes)]
            chosen = [lanes + place if 0 <= place < lanes else lane for lane, place in enumerate(places)]
            result = f.value(f"vector.shuffle {result}, {vector} {chosen} : {self.vector}, {self.vector}")
        return result
