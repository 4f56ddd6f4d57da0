"""What a convolution kernel needs to know of ``astra.convolution``: sizes, strides and the padding of the input."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides
from astra_mlir.passes.kernel_rules.convolution_phases import Along, phases_along
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm import Gemm
from astra_mlir.passes.kernel_rules.gemm_levels import Level, merge_levels
from astra_mlir.passes.target import Target

__all__ = ["Convolution", "Padding", "Phase", "describe"]

Phase = tuple[Along, ...]  # one for each spatial dimension


@dataclass(frozen=True)
class Padding:
    """How the input is written into scratch: per dimension elements before and after."""

    shape: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    element: str

    @property
    def padded_shape(self) -> list[int]:
        """The shape of the scratch."""
        return [low + size + high for low, size, high in zip(self.low, self.shape, self.high, strict=True)]

    def of_examples(self, count: int) -> Padding:
        """The same for ``count`` inputs in one array."""
        return self if count == 1 else Padding((count, *self.shape), (0, *self.low), (0, *self.high), self.element)

    @property
    def is_none(self) -> bool:
        """Whether the input can be read where it is."""
        return not any(self.low) and not any(self.high)

    @property
    def axis(self) -> int:
        """The last dimension that changes."""
        return max(i for i, change in enumerate(zip(self.low, self.high, strict=True)) if any(change))

    def row_text(self, name: str, target: Target) -> str:
        """``@name(input, padded, row)``: write one row, the last dimension that changes and all that are within it."""
        padded, strides = self.padded_shape, row_major_strides(list(self.shape))
        axis = self.axis
        inner = prod(self.shape[axis + 1 :])
        signless = self.element.removeprefix("u")
        memref = f"memref<?x{signless}>"
        f = FunctionText(name, [("%input", memref), ("%padded", memref), ("%row", "index")], inline=False)
        coordinates = f.delinearize("%row", padded[:axis])
        source: Index = 0
        inside: str | None = None
        for i, at in enumerate(coordinates):
            position = f.sub(at, self.low[i])
            if self.low[i] or self.high[i]:
                # a negative position is a large unsigned number, so one comparison checks both ends
                test = f.value(f"arith.cmpi ult, {f.ssa(position)}, {f.ssa(self.shape[i])} : index")
                inside = test if inside is None else f.value(f"arith.andi {inside}, {test} : i1")
            source = f.add(source, f.mul(position, strides[i]))
        start = f.mul("%row", padded[axis] * inner)
        writer = _RowWriter(f, target, signless)
        begin, count, end = self.low[axis] * inner, self.shape[axis] * inner, self.high[axis] * inner

        def inside_row() -> None:
            writer.fill(start, begin)
            writer.copy(source, f.add(start, begin), count)
            writer.fill(f.add(start, begin + count), end)

        if inside is None:
            inside_row()
        else:
            with f.block(f"scf.if {inside} {{", "} else {"):
                inside_row()
            with f.block(""):
                writer.fill(start, padded[axis] * inner)
        return f.text()


class _RowWriter:
    """Copies and zero-fills contiguous elements with vectors."""

    def __init__(self, f: FunctionText, target: Target, element: str) -> None:
        self.f, self.element = f, element
        self.lanes = target.lanes(int(element.lstrip("bfi")))
        self.vector, self.memref = f"vector<{self.lanes}x{element}>", f"memref<?x{element}>"
        zero = "0.0" if "f" in element else "0"
        self.zeros = f.constant(f"dense<{zero}>", self.vector)
        self.zero = f.constant(zero, element)

    def fill(self, to: Index, count: int) -> None:
        self._each(to, count, None)

    def copy(self, source: Index, to: Index, count: int) -> None:
        self._each(to, count, source)

    def _each(self, to: Index, count: int, source: Index | None) -> None:
        f = self.f
        whole = count // self.lanes * self.lanes
        for lower, upper, step in ((0, whole, self.lanes), (whole, count, 1)):
            if lower == upper:
                continue
            vector = step > 1
            with f.loop(lower, upper, step) as i:
                value = self.zeros if vector else self.zero
                kind = f"{self.memref}, {self.vector}" if vector else self.memref
                if source is not None:
                    place = f"%input[{f.ssa(f.add(source, i))}]"
                    value = f.value(f"{'vector' if vector else 'memref'}.load {place} : {kind}")
                f.line(f"{'vector' if vector else 'memref'}.store {value}, %padded[{f.ssa(f.add(to, i))}] : {kind}")


@dataclass(frozen=True)
class Convolution:
    """The attributes of the operation that the kernels need, with sizes; dimensions are in the order of the arrays."""

    elements: tuple[str, str, str]
    lhs_shape: tuple[int, ...]
    rhs_shape: tuple[int, ...]
    result_shape: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[int, ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    reversal: tuple[bool, ...]
    lhs_dimensions: tuple[int, int, tuple[int, ...]]  # batch, feature, spatial
    rhs_dimensions: tuple[int, int, tuple[int, ...]]  # input feature, output feature, spatial
    result_dimensions: tuple[int, int, tuple[int, ...]]  # batch, feature, spatial
    groups: int
    batch_groups: int
    examples: int = 1  # independent convolutions, whose arrays lie one after the other

    def phases(self, *, join: bool = True) -> list[Phase]:
        """The convolutions without holes in the input that this one consists of."""
        inputs, windows, results = (
            dims[2] for dims in (self.lhs_dimensions, self.rhs_dimensions, self.result_dimensions)
        )
        return list(itertools.product(*(
            phases_along(
                self.result_shape[results[i]], self.rhs_shape[windows[i]], self.strides[i], self.padding[2 * i],
                self.lhs_dilation[i], self.rhs_dilation[i], join=join,
            )
            for i in range(len(inputs))
        )))  # fmt: skip

    @property
    def has_gaps(self) -> bool:
        """Whether there are elements of the result that are in no phase: they are 0."""
        covered = sum(prod(along.size * along.copies for along in phase) for phase in self.phases())
        return covered < prod(self.result_shape[d] for d in self.result_dimensions[2])

    def input_padding(self) -> Padding:
        """What is read around the input, by its dimensions."""
        low, high = ([0] * len(self.lhs_shape) for _ in range(2))
        for phase in self.phases():
            for along, d in zip(phase, self.lhs_dimensions[2], strict=True):
                low[d] = max(low[d], -along.start)
                high[d] = max(high[d], along.last + 1 - self.lhs_shape[d])
        return Padding(self.lhs_shape, tuple(low), tuple(high), self.elements[0])

    def gemm(self, phase: Phase, accumulator: str) -> Gemm:
        """The matrix product of a phase on the padded input and the kernel."""
        padding = self.input_padding()
        lhs_strides = row_major_strides(padding.padded_shape)
        rhs_strides, out_strides = row_major_strides(list(self.rhs_shape)), row_major_strides(list(self.result_shape))
        batch, feature, spatial = self.lhs_dimensions
        kernel_in, kernel_out, kernel_spatial = self.rhs_dimensions
        result_batch, result_feature, result_spatial = self.result_dimensions

        step_in = self.rhs_shape[kernel_in]
        steps: list[Level] = [(step_in, lhs_strides[feature], rhs_strides[kernel_in])]
        # (size, stride in the input, in the result) of the dimensions of the result other than the feature
        groups = self.groups * self.batch_groups
        places: dict[int, Level] = {
            result_batch: (self.result_shape[result_batch], lhs_strides[batch], out_strides[result_batch])
        }
        copies: list[Level] = []  # (size, stride in the kernel, in the result)
        bases = [0, 0, 0]
        for i, along in enumerate(phase):
            walk, window, to = lhs_strides[spatial[i]], rhs_strides[kernel_spatial[i]], out_strides[result_spatial[i]]
            if self.reversal[i]:
                bases[1] += (self.rhs_shape[kernel_spatial[i]] - 1) * window
                window = -window
            bases[0] += (along.start + padding.low[spatial[i]]) * walk
            bases[1] += along.tap * window
            bases[2] += along.first * to
            steps.append((along.taps, walk * along.dilation, window * along.tap_step))
            places[result_spatial[i]] = (along.size, walk * along.stride, to * along.step)
            copies.append((along.copies, window * along.tap_copy, to))
        by_operand = [merge_levels(sorted(steps, key=lambda level: -abs(level[side]))) for side in (1, 2)]
        k = min(by_operand, key=len)

        sizes = (prod(padding.padded_shape), prod(self.rhs_shape), prod(self.result_shape))
        examples: Level = (self.examples, *sizes)
        group_size = self.result_shape[result_feature] // groups
        features = [*copies, (group_size, rhs_strides[kernel_out], out_strides[result_feature])]
        lhs_group = step_in * lhs_strides[feature]
        if self.batch_groups > 1:
            lhs_group = self.result_shape[result_batch] * lhs_strides[batch]
        group = (
            groups, lhs_group,
            group_size * rhs_strides[kernel_out], group_size * out_strides[result_feature],
        )  # fmt: skip
        lhs, rhs, result = self.elements
        if result_feature == len(self.result_shape) - 1:
            return _arranged(Gemm(
                lhs, rhs, result, accumulator, merge_levels([examples, group]), (), (), k, row_stride=0,
                bases=(bases[0], bases[1]), result_base=bases[2],
            ), [places[d] for d in sorted(places)], features)  # fmt: skip

        def swapped(level: Level) -> Level:
            return (level[0], level[2], level[1], *level[3:])

        # The feature is not the last dimension: the kernel is the left operand, the input the right one.
        outer = [(places[d][0], 0, *places[d][1:]) for d in sorted(places) if d < result_feature]
        inner = [places[d] for d in sorted(places) if d > result_feature]
        return _arranged(Gemm(
            rhs, lhs, result, accumulator,
            merge_levels([swapped(examples), *outer, swapped(group)]), (), (),
            tuple((size, b, a) for size, a, b in k), row_stride=0, bases=(bases[1], bases[0]), result_base=bases[2],
            rhs_overlaps=True, is_swapped=True,
        ), features, inner)  # fmt: skip


def _arranged(gemm: Gemm, m: list[Level], n: list[Level]) -> Gemm:
    """``gemm`` with rows and columns of (size, stride in the operand, stride in the result)."""

    def part(levels: list[Level], side: int) -> tuple[Level, ...]:
        return merge_levels([(level[0], level[side]) for level in levels])

    rows, columns = part(m, 2), part(n, 2)
    in_rows, side_by_side = len(rows) <= 1, not columns or (len(columns) == 1 and columns[0][1] == 1)
    return replace(
        gemm, m=part(m, 1), n=part(n, 1), row_stride=rows[0][1] if in_rows and rows else 1,
        result_m=() if in_rows else rows, result_n=() if side_by_side else columns,
    )  # fmt: skip


def describe(op: ir.Operation) -> Convolution:
    """The description of an ``astra.convolution`` with static shapes and padding."""
    lhs, rhs = list(op.operands)[:2]
    result = op.results[0]

    def dimensions(prefix: str, first: str, second: str) -> tuple[int, int, tuple[int, ...]]:
        spatial = tuple(int_list(op, f"{prefix}_spatial_dimensions"))
        return value_of(op, f"{prefix}_{first}_dimension"), value_of(op, f"{prefix}_{second}_dimension"), spatial

    rank = len(lhs.type.shape) - 2
    return Convolution(
        elements=tuple(str(value.type.element_type) for value in (lhs, rhs, result)),
        lhs_shape=tuple(lhs.type.shape),
        rhs_shape=tuple(rhs.type.shape),
        result_shape=tuple(result.type.shape),
        strides=tuple(int_list(op, "window_strides")),
        padding=tuple(int_list(op, "padding")) or (0,) * (2 * rank),
        lhs_dilation=tuple(int_list(op, "lhs_dilation")),
        rhs_dilation=tuple(int_list(op, "rhs_dilation")),
        reversal=tuple(value_of(op, "window_reversal")),
        lhs_dimensions=dimensions("input", "batch", "feature"),
        rhs_dimensions=dimensions("kernel", "input_feature", "output_feature"),
        result_dimensions=dimensions("output", "batch", "feature"),
        groups=value_of(op, "feature_group_count"),
        batch_groups=value_of(op, "batch_group_count"),
    )
