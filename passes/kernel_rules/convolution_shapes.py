"""What a convolution kernel needs to know of ``astra.convolution``: sizes, strides and the padding of the input."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm import Gemm
from astra_mlir.passes.kernel_rules.gemm_levels import Level, merge_levels
from astra_mlir.passes.target import Target

__all__ = ["Convolution", "Padding", "describe"]


@dataclass(frozen=True)
class Padding:
    """How the input is written into scratch: per dimension elements before, after and (holes) between, as in pad."""

    shape: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    spacing: tuple[int, ...]  # 1: no holes
    element: str

    @property
    def padded_shape(self) -> list[int]:
        """The shape of the scratch."""
        spans = [(size - 1) * step + 1 if size else 0 for size, step in zip(self.shape, self.spacing, strict=True)]
        return [low + span + high for low, span, high in zip(self.low, spans, self.high, strict=True)]

    @property
    def is_none(self) -> bool:
        """Whether the input can be read where it is."""
        return not any(self.low) and not any(self.high) and all(step == 1 for step in self.spacing)

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
            if self.low[i] or self.high[i] or self.spacing[i] != 1:
                # a negative position is a large unsigned number, so one comparison checks both ends
                index = position if self.spacing[i] == 1 else f.ssa(f.div(position, self.spacing[i]))
                tests = [f.value(f"arith.cmpi ult, {f.ssa(index)}, {f.ssa(self.shape[i])} : index")]
                if self.spacing[i] != 1:
                    tests.append(f.compare("eq", f.rem(position, self.spacing[i]), 0))
                for test in tests:
                    inside = test if inside is None else f.value(f"arith.andi {inside}, {test} : i1")
                position = index
            source = f.add(source, f.mul(position, strides[i]))
        start = f.mul("%row", padded[axis] * inner)
        writer = _RowWriter(f, target, signless)
        low, spacing, size = self.low[axis], self.spacing[axis], self.shape[axis]
        first = max(0, -(low // spacing))  # the first source element at or behind the beginning
        last = min(size - 1, (padded[axis] - 1 - low) // spacing)

        def inside_row() -> None:
            if spacing == 1:
                begin, count = min(low + first, padded[axis]), max(0, last - first + 1)
                writer.fill(start, begin * inner)
                writer.copy(f.add(source, first * inner), f.add(start, begin * inner), count * inner)
                writer.fill(f.add(start, (begin + count) * inner), (padded[axis] - begin - count) * inner)
                return
            writer.fill(start, padded[axis] * inner)
            with f.loop(first, last + 1) as i:
                to = f.add(start, f.mul(f.add(low, f.mul(i, spacing)), inner))
                writer.copy(f.add(source, f.mul(i, inner)), to, inner)

        if inside is None:
            inside_row()
        else:
            with f.block(f"scf.if {inside} {{", "} else {"):
                inside_row()
            with f.block(""):
                writer.fill(start, padded[axis] * inner)
        return f.text()

    @property
    def axis(self) -> int:
        """The last dimension that changes."""
        changes = zip(self.low, self.high, self.spacing, strict=True)
        return max(i for i, change in enumerate(changes) if change != (0, 0, 1))


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

    def input_padding(self) -> Padding:
        """The padding of the input, by its dimensions."""
        low, high, spacing = ([value] * len(self.lhs_shape) for value in (0, 0, 1))
        for i, dimension in enumerate(self.lhs_dimensions[2]):
            low[dimension], high[dimension] = self.padding[2 * i], self.padding[2 * i + 1]
            spacing[dimension] = self.lhs_dilation[i]
        return Padding(self.lhs_shape, tuple(low), tuple(high), tuple(spacing), self.elements[0])

    def gemm(self, accumulator: str) -> Gemm:
        """The matrix product on the padded input and the kernel."""
        lhs_strides = row_major_strides(self.input_padding().padded_shape)
        rhs_strides, out_strides = row_major_strides(list(self.rhs_shape)), row_major_strides(list(self.result_shape))
        batch, feature, spatial = self.lhs_dimensions
        kernel_in, kernel_out, kernel_spatial = self.rhs_dimensions
        result_batch, result_feature, result_spatial = self.result_dimensions

        step_in = self.rhs_shape[kernel_in]
        steps: list[Level] = [(step_in, lhs_strides[feature], rhs_strides[kernel_in])]
        rhs_base = 0
        for i, (place, window) in enumerate(zip(spatial, kernel_spatial, strict=True)):
            size, stride = self.rhs_shape[window], rhs_strides[window]
            if self.reversal[i]:
                rhs_base += (size - 1) * stride
                stride = -stride
            steps.append((size, lhs_strides[place] * self.rhs_dilation[i], stride))
        by_operand = [merge_levels(sorted(steps, key=lambda level: -abs(level[side]))) for side in (1, 2)]

        # dimensions of the result other than the feature: where they walk in the input
        walk = {result_batch: lhs_strides[batch]}
        for i, dimension in enumerate(result_spatial):
            walk[dimension] = lhs_strides[spatial[i]] * self.strides[i]
        group_size = self.result_shape[result_feature] // self.groups
        levels = [(self.result_shape[d], walk[d]) for d in range(len(self.result_shape)) if d != result_feature]
        columns = merge_levels([(group_size, rhs_strides[kernel_out])])
        group = (
            self.groups, step_in * lhs_strides[feature], group_size * rhs_strides[kernel_out],
            group_size * out_strides[result_feature],
        )  # fmt: skip
        k = min(by_operand, key=len)
        lhs, rhs, result = self.elements
        if result_feature == len(self.result_shape) - 1:
            return Gemm(
                lhs, rhs, result, accumulator, merge_levels([group]), merge_levels(levels), columns, k,
                row_stride=self.result_shape[result_feature], bases=(0, rhs_base),
            )  # fmt: skip
        # The feature is not the last dimension: the kernel is the left operand, the input the right one.
        outer = [(self.result_shape[d], 0, walk[d], out_strides[d]) for d in range(result_feature)]
        inner = merge_levels(levels[result_feature:])
        return Gemm(
            rhs, lhs, result, accumulator,
            merge_levels([*outer, (group[0], group[2], group[1], group[3])]), columns, inner,
            tuple((size, b, a) for size, a, b in k), row_stride=out_strides[result_feature], bases=(rhs_base, 0),
            rhs_overlaps=True, is_swapped=True,
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
