"""3x3 convolutions by Winograd's minimal filtering F(2x2, 3x3): 16 multiplications for 4 outputs instead of 36.

Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015).  A tile is 4x4 inputs and the 2x2 outputs
that they give.  The kernel is transformed into scratch once; then every task transforms some tiles of the input, does
16 products on the micro-kernel of ``gemm_functions.py`` and transforms back, all within the second-level cache.  The
input is read where it lies, its padding included.

Sums are of other terms than in the definition, so rounding differs: errors grow about two times.  ``precision`` above
the default therefore keeps to the definition, and so do f64 and what is too small to gain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides
from astra_mlir.passes.kernel_rules.convolution_shapes import Convolution
from astra_mlir.passes.kernel_rules.epilogue import Epilogue
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_functions import (
    MACRO_ARGUMENTS,
    GemmTypes,
    macro_text,
    micro_text,
    widen,
)
from astra_mlir.passes.kernel_rules.gemm_levels import flatten, narrow, transposed
from astra_mlir.passes.target import Target, round_up

__all__ = ["Winograd", "schedule_winograd"]

PLANES = 16  # products, one for each place of a transformed tile
BLOCK = 4096  # elements of a plane of transformed inputs, and of products, in a task: 16 planes of both are 512 KiB
MAX_TILES = 64  # of a task
MAX_CHANNELS = 128  # transformed at a time
SKEW = 16  # elements between planes, so that they do not compete for the same sets of the cache
MIN_CHANNELS = 32  # with fewer the transformations take as long as what they save
KERNEL_COST = 150  # of transforming an element of the kernel, in multiply-adds (512 x 512 on Zen 4)
GAIN = 0.8  # of the multiply-adds of the definition
MIN_TASKS = 16
MAX_KERNELS = 1 << 20  # elements of all kernels together, which are transformed to 16 times as many
TASK_ELEMENTS = 1 << 13  # of the kernel that are transformed in a task of at least 20 us


@dataclass(frozen=True)
class Winograd:
    """How a 3x3 convolution is run: ``tiles`` and ``outputs`` of a task, ``channels`` transformed at a time."""

    convolution: Convolution
    types: GemmTypes
    tiles: int
    channels: int
    outputs: int
    epilogue: Epilogue | None = None

    @property
    def features(self) -> tuple[int, int]:
        """Input and output features."""
        what = self.convolution
        return what.rhs_shape[what.rhs_dimensions[0]], what.rhs_shape[what.rhs_dimensions[1]]

    @property
    def panels(self) -> int:
        return -(-self.features[1] // self.types.columns)

    @property
    def plane(self) -> int:
        """Elements of a plane of the transformed kernel."""
        return self.panels * self.features[0] * self.types.columns + SKEW

    @property
    def scratch(self) -> tuple[int, ...]:
        return (self.convolution.examples * PLANES * self.plane,)

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str, others: Sequence[str] = ()) -> str:
        """The functions: ``@name(lhs, rhs[, others], result, scratch)`` and all that it calls."""
        types, what = self.types, self.convolution
        arrays = [("%lhs_array", lhs_type), ("%rhs_array", rhs_type)]
        arrays += [(f"%other{i}_array", type) for i, type in enumerate(others)]
        arrays.append(("%result_array", result_type))
        arrays.append(("%planes_array", f"memref<{self.scratch[0]}x{types.accumulator}>"))
        f = FunctionText(name, arrays)
        for array, type in arrays:
            flatten(f, array.removesuffix("_array"), array, type)
        kernel, tile = _KernelWriter(self), _TileWriter(self)
        together = 1 if kernel.is_side_by_side else types.lanes  # input features
        group = max(1, TASK_ELEMENTS // (9 * types.columns * together))
        units = self.panels * -(-self.features[0] // together)
        with f.grouped(what.examples * units, group, sequential=2 * group) as unit:
            self._call(f, kernel, unit, units, (prod(what.rhs_shape), PLANES * self.plane))
        tasks = -(-_tiles(what) // self.tiles) * -(-self.features[1] // self.outputs)
        with f.tasks(what.examples * tasks, parallel=True) as task:
            sizes = (prod(what.lhs_shape), PLANES * self.plane, prod(what.result_shape))
            self._call(f, tile, task, tasks, sizes)
        return "\n\n".join([micro_text(types), macro_text(types), kernel.text, tile.text, f.text()])

    def _call(self, f: FunctionText, writer: _Writer, unit: Index, units: int, sizes: Sequence[int]) -> None:
        """Call a function for one of ``units`` of an example, whose arrays have ``sizes`` elements."""
        example, unit = f.delinearize(unit, (self.convolution.examples, units))
        f.call(writer.name, writer.passed(unit, [f.mul(example, size) for size in sizes]))


def _tiles(what: Convolution) -> int:
    rows, columns = (-(-what.result_shape[d] // 2) for d in what.result_dimensions[2])
    return what.result_shape[what.result_dimensions[0]] * rows * columns


def schedule_winograd(what: Convolution, accumulator: str, target: Target) -> Winograd | None:
    """The schedule, or ``None`` where the convolution is of another form or too small."""
    last = len(what.lhs_shape) - 1
    if (
        accumulator != "f32"
        or last != 3
        or (what.lhs_dimensions[1], what.result_dimensions[1]) != (last, last)
        or any(what.rhs_shape[d] != 3 for d in what.rhs_dimensions[2])
        or {*what.strides, *what.lhs_dilation, *what.rhs_dilation, what.groups, what.batch_groups} != {1}
    ):
        return None
    types = GemmTypes(accumulator, target)
    inputs, outputs = (what.rhs_shape[d] for d in what.rhs_dimensions[:2])
    tiles = _tiles(what)
    places = what.result_shape[what.result_dimensions[0]]
    for d in what.result_dimensions[2]:
        places *= what.result_shape[d]
    strides = row_major_strides(list(what.rhs_shape))
    if what.examples * inputs * outputs > MAX_KERNELS or 1 not in (strides[d] for d in what.rhs_dimensions[:2]):
        return None
    if min(inputs, outputs) < MIN_CHANNELS or PLANES * tiles + KERNEL_COST > GAIN * 9 * places:
        return None

    def even(total: int, largest: int, multiple: int) -> int:
        return round_up(-(-total // -(-total // largest)), multiple)

    channels = even(inputs, MAX_CHANNELS, types.lanes)
    width, most = even(outputs, MAX_CHANNELS, types.columns), min(MAX_TILES, BLOCK // channels)
    while what.examples * -(-tiles // most) * -(-outputs // width) < MIN_TASKS:
        if most > 2 * types.rows:
            most //= 2
        elif width >= 4 * types.columns:
            width = round_up(width // 2, types.columns)
        else:
            break
    most = min(most, BLOCK // width) // types.rows * types.rows
    return Winograd(what, types, even(tiles, most, types.rows), channels, width)


class _Writer:
    """A function that shapes share: numbers are arguments, named in ``numbers``; its name is a hash of its text."""

    def __init__(
        self, schedule: Winograd, kind: str, arrays: Sequence[tuple[str, str]], epilogue: Epilogue | None = None
    ) -> None:
        self.schedule, self.what, self.types = schedule, schedule.convolution, schedule.types
        self.lanes, self.accumulator = self.types.lanes, self.types.accumulator
        self.vector, self.mask_type = f"vector<{self.lanes}x{self.accumulator}>", f"vector<{self.lanes}xi1>"
        self.arrays = [(array, f"memref<?x{element.removeprefix('u')}>") for array, element in arrays]
        self.values: list[int] = []
        bases = [(f"{array}_base", "index") for array, _ in arrays]  # where the arrays of an example begin
        self.arrays += epilogue.arrays if epilogue else []
        self.arguments = [*self.arrays, ("%task", "index"), *bases]
        self.f = FunctionText("", self.arguments, inline=False)
        self.zero = self.f.constant(f"dense<{self.types.zero}>", self.vector)
        self.false = self.f.constant("dense<false>", self.mask_type)
        self.write()
        digest = hashlib.sha256(self.f.text().encode()).hexdigest()
        self.name = self.f.name = f"astra_winograd_{kind}_{digest[:12]}"
        self.text = self.f.text()

    def write(self) -> None:
        """Fill the function."""
        raise NotImplementedError

    def number(self, value: int) -> str:
        """The name of an argument with this value."""
        name = f"%n{len(self.values)}"
        self.values.append(value)
        self.arguments.append((name, "index"))
        return name

    def passed(self, task: Index, bases: Sequence[Index]) -> list[tuple[Index, str]]:
        """The operands of a call."""
        return [*self.arrays, *((value, "index") for value in (task, *bases, *self.values))]

    def add(self, a: str, b: str) -> str:
        return self.f.value(f"arith.addf {a}, {b} : {self.vector}")

    def subtract(self, a: str, b: str) -> str:
        return self.f.value(f"arith.subf {a}, {b} : {self.vector}")

    def tail(self, count: Index) -> str:
        return self.f.value(f"vector.create_mask {self.f.ssa(count)} : {self.mask_type}")

    def load(self, array: str, element: str, at: Index, mask: str) -> str:
        """A widened vector."""
        f, signless = self.f, element.removeprefix("u")
        read = f"vector<{self.lanes}x{signless}>"
        zero = f.constant("dense<0.0>", read)
        kinds = f"memref<?x{signless}>, {self.mask_type}, {read} into {read}"
        value = f.value(f"vector.maskedload {array}[{f.ssa(at)}], {mask}, {zero} : {kinds}")
        return widen(f, value, element, self.accumulator, lanes=self.lanes)

    def plane_place(self, block: str, at: Index) -> str:
        return f"{block}[{self.f.ssa(at)}] : memref<?x{self.accumulator}>, {self.vector}"

    @staticmethod
    def both_ways(square: list[list[str]], transform: Callable[[list[str]], list[str]]) -> list[list[str]]:
        """``transform`` of the rows of a square, then of the columns of what it gives."""
        rows = [transform(row) for row in square]
        columns = [transform(list(column)) for column in zip(*rows, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]


class _KernelWriter(_Writer):
    """The transformed kernel, ``G g G^T``, of a panel of output features and one input feature, or a vector of them
    where output features do not lie side by side."""

    def __init__(self, schedule: Winograd) -> None:
        super().__init__(
            schedule, "kernel", [("%rhs", schedule.convolution.elements[1]), ("%planes", schedule.types.accumulator)]
        )

    def write(self) -> None:
        f, what = self.f, self.what
        strides = row_major_strides(list(what.rhs_shape))
        of_input, of_output, spatial = what.rhs_dimensions
        self.channels, self.outputs = map(self.number, self.schedule.features)
        channels = self.channels
        base, steps = 0, []
        for d, is_reversed in zip(spatial, what.reversal, strict=True):
            base += 2 * strides[d] if is_reversed else 0
            steps.append(self.number(-strides[d] if is_reversed else strides[d]))
        input_step, plane = self.number(strides[of_input]), self.number(self.schedule.plane)
        start = f.add("%rhs_base", self.number(base))
        if self.is_side_by_side:
            panel, channel = f.div("%task", channels), f.rem("%task", channels)
            self.one_channel(panel, channel, f.add(start, f.mul(channel, input_step)), steps, plane)
        else:
            blocks = f.ceil_div(channels, self.lanes)
            panel, channel = f.div("%task", blocks), f.mul(f.rem("%task", blocks), self.lanes)
            start = f.add(start, f.mul(channel, input_step))
            self.channels_in_rows(panel, channel, start, steps, (input_step, self.number(strides[of_output])), plane)

    @property
    def is_side_by_side(self) -> bool:
        return row_major_strides(list(self.what.rhs_shape))[self.what.rhs_dimensions[1]] == 1

    def one_channel(self, panel: Index, channel: Index, start: Index, steps: list[str], plane: Index) -> None:
        """Output features lie side by side."""
        f, columns = self.f, self.types.columns
        for first in range(0, columns, self.lanes):
            output = f.add(f.mul(panel, columns), first)
            mask = self.tail(f.sub(self.outputs, output))
            at = f.add(start, output)
            places = [f.add(at, f.mul(i, steps[0]), f.mul(j, steps[1])) for i in range(3) for j in range(3)]
            weights = [self.load("%rhs", self.what.elements[1], place, mask) for place in places]
            self.store(weights, f.add(self.panel_place(panel, channel), first), plane)

    def channels_in_rows(
        self, panel: Index, channel: Index, start: Index, steps: list[str], step: tuple[Index, Index], plane: Index
    ) -> None:
        """Input features lie side by side, or nothing does: squares of the two are transposed in registers."""
        f, lanes, columns = self.f, self.lanes, self.types.columns
        size = 9 * lanes * lanes
        buffer, kind = "%weights", f"memref<{size}x{self.accumulator}>, {self.vector}"
        f.line(f"{buffer} = memref.alloca() {{alignment = 64 : i64}} : memref<{size}x{self.accumulator}>")
        count = f.min(f.sub(self.channels, channel), lanes)
        tail = self.tail(count)
        for first in range(0, columns, lanes):
            output = f.add(f.mul(panel, columns), first)
            with f.loop(0, 3) as i, f.loop(0, 3) as j:
                at = f.add(start, f.mul(output, step[1]), f.mul(i, steps[0]), f.mul(j, steps[1]))
                rows = []
                for lane in range(lanes):
                    inside = f.compare("slt", f.add(output, lane), self.outputs)
                    mask = f.value(f"arith.select {inside}, {tail}, {self.false} : {self.mask_type}")
                    place = f.value(f"arith.select {inside}, {f.ssa(f.add(at, f.mul(lane, step[1])))}, {at} : index")
                    rows.append(self.load("%rhs", self.what.elements[1], place, mask))
                to = f.mul(f.add(f.mul(i, 3), j), lanes * lanes)
                for c, row in enumerate(transposed(f, rows, self.vector)):
                    f.line(f"vector.store {row}, {buffer}[{f.ssa(f.add(to, c * lanes))}] : {kind}")
            with f.loop(0, count) as c:
                at = f.mul(c, lanes)
                weights = [
                    f.value(f"vector.load {buffer}[{f.ssa(f.add(at, i * lanes * lanes))}] : {kind}") for i in range(9)
                ]
                self.store(weights, f.add(self.panel_place(panel, f.add(channel, c)), first), plane)

    def panel_place(self, panel: Index, channel: Index) -> Index:
        place = self.f.mul(self.f.add(self.f.mul(panel, self.channels), channel), self.types.columns)
        return self.f.add("%planes_base", place)

    def store(self, weights: list[str], to: Index, plane: Index) -> None:
        f = self.f
        square = [weights[3 * i : 3 * i + 3] for i in range(3)]
        for i, row in enumerate(self.both_ways(square, self.transform)):
            for j, value in enumerate(row):
                f.line(f"vector.store {value}, {self.plane_place('%planes', f.add(to, f.mul(4 * i + j, plane)))}")

    def transform(self, g: list[str]) -> list[str]:
        half = self.f.constant("dense<0.5>", self.vector)
        outer = self.add(g[0], g[2])
        even = self.f.value(f"arith.mulf {self.add(outer, g[1])}, {half} : {self.vector}")
        odd = self.f.value(f"arith.mulf {self.subtract(outer, g[1])}, {half} : {self.vector}")
        return [g[0], even, odd, g[2]]


class _TileWriter(_Writer):
    """Some tiles and output features of the result."""

    def __init__(self, schedule: Winograd) -> None:
        elements = schedule.convolution.elements
        self.written = schedule.epilogue.element if schedule.epilogue else elements[2].removeprefix("u")
        arrays = [("%lhs", elements[0]), ("%planes", schedule.types.accumulator), ("%result", self.written)]
        super().__init__(schedule, "tile", arrays, schedule.epilogue)

    def write(self) -> None:
        f, what, types, schedule = self.f, self.what, self.types, self.schedule
        lhs_strides, result_strides = (row_major_strides(list(s)) for s in (what.lhs_shape, what.result_shape))
        lhs_spatial, result_spatial = what.lhs_dimensions[2], what.result_dimensions[2]
        self.sizes = [self.number(what.lhs_shape[d]) for d in lhs_spatial]
        self.result_sizes = [self.number(what.result_shape[d]) for d in result_spatial]
        self.low = [self.number(what.padding[2 * i]) for i in range(2)]
        self.lhs_steps = [self.number(lhs_strides[d]) for d in (what.lhs_dimensions[0], *lhs_spatial)]
        self.result_steps = [self.number(result_strides[d]) for d in (what.result_dimensions[0], *result_spatial)]
        self.grid = [f.ceil_div(size, 2) for size in self.result_sizes]
        channels, outputs = map(self.number, schedule.features)
        most, chunk, width = map(self.number, (schedule.tiles, schedule.channels, schedule.outputs))
        tiles, plane = map(self.number, (_tiles(what), schedule.plane))

        blocks = f.div(f.add(outputs, f.sub(width, 1)), width)
        first_tile, first_output = f.mul(f.div("%task", blocks), most), f.mul(f.rem("%task", blocks), width)
        self.first_tile, self.count = first_tile, f.min(f.sub(tiles, first_tile), most)
        count_outputs = f.min(f.sub(outputs, first_output), width)
        block = PLANES * (BLOCK + SKEW)
        transformed, products = self.alloca(block, self.accumulator), self.alloca(block, self.accumulator)
        rows = self.alloca(round_up(MAX_TILES, types.rows), "index")
        lhs_plane, product_plane = f.add(f.mul(most, chunk), SKEW), f.add(f.mul(most, width), SKEW)
        with f.loop(0, f.mul(f.ceil_div(self.count, types.rows), types.rows)) as i:
            f.line(f"memref.store {f.ssa(f.mul(i, chunk))}, {rows}[{f.ssa(i)}] : memref<?xindex>")

        with f.loop(0, channels, chunk) as channel:
            depth = f.min(f.sub(channels, channel), chunk)
            self.transform_inputs(channel, depth, transformed, chunk, lhs_plane)
            with f.loop(0, PLANES) as i:
                at = f.add("%planes_base", f.mul(first_output, channels), f.mul(channel, types.columns))
                values: dict[str, Index] = {
                    "%a": transformed, "%a_offset": f.mul(i, lhs_plane), "%a_panel": 0, "%a_rows": rows,
                    "%a_row_step": types.rows, "%a_step": 1,
                    "%b": "%planes", "%b_offset": f.add(f.mul(i, plane), at),
                    "%b_panel": f.mul(channels, types.columns), "%b_step": types.columns, "%depth": depth,
                    "%c": products, "%c_offset": f.mul(i, product_plane), "%c_stride": width, "%m": self.count,
                    "%n": count_outputs, "%first": f.compare("eq", channel, 0),
                    "%next": products, "%next_offset": 0, "%next_step": 0,
                }  # fmt: skip
                f.call(types.macro, [(values[n], type.format(t=self.accumulator)) for n, type in MACRO_ARGUMENTS])
        self.transform_outputs(first_output, count_outputs, products, width, product_plane)

    def alloca(self, elements: int, element: str) -> str:
        static = self.f.value(f"memref.alloca() {{alignment = 64 : i64}} : memref<{elements}x{element}>")
        return self.f.value(f"memref.cast {static} : memref<{elements}x{element}> to memref<?x{element}>")

    def place(self, i: Index) -> list[Index]:
        """Image, row and column of a tile."""
        return self.f.delinearize(self.f.add(self.first_tile, i), (2, *self.grid))

    def along(self, tile: Index, count: int, low: Index, size: Index, step: Index) -> tuple[list[str], list[Index]]:
        """Which of ``count`` places of a tile, in one dimension, are in an array, and where (0 if they are not)."""
        f, inside, offsets = self.f, [], []
        for i in range(count):
            at = f.sub(f.add(f.mul(tile, 2), i), low)
            # a negative place is a large unsigned number, so one comparison checks both ends
            inside.append(f.value(f"arith.cmpi ult, {f.ssa(at)}, {f.ssa(size)} : index"))
            offset = f.ssa(f.mul(at, step))
            offsets.append(f.value(f"arith.select {inside[-1]}, {offset}, {f.ssa(0)} : index"))
        return inside, offsets

    def masks(self, rows: list[str], columns: list[str]) -> list[list[str]]:
        return [[self.f.value(f"arith.andi {row}, {column} : i1") for column in columns] for row in rows]

    def transform_inputs(self, channel: Index, depth: Index, to: str, width: Index, plane: Index) -> None:
        """``B^T d B`` of the tiles, into a plane for each of its elements."""
        f = self.f
        with f.loop(0, self.count) as i:
            image, row, column = self.place(i)
            base = f.add("%lhs_base", f.mul(image, self.lhs_steps[0]), channel)
            in_rows, row_offsets = self.along(row, 4, self.low[0], self.sizes[0], self.lhs_steps[1])
            in_columns, column_offsets = self.along(column, 4, self.low[1], self.sizes[1], self.lhs_steps[2])
            row_offsets = [f.add(base, offset) for offset in row_offsets]
            inside = self.masks(in_rows, in_columns)
            target = f.mul(i, width)
            with f.loop(0, depth, self.lanes) as c:
                tail = self.tail(f.sub(depth, c))
                square = [
                    [
                        self.load(
                            "%lhs", self.what.elements[0], f.add(row_offsets[y], column_offsets[x], c),
                            self.chosen(inside[y][x], tail),
                        )
                        for x in range(4)
                    ]
                    for y in range(4)
                ]  # fmt: skip
                for y, values in enumerate(self.both_ways(square, self.input_transform)):
                    for x, value in enumerate(values):
                        at = f.add(target, f.mul(4 * y + x, plane), c)
                        f.line(f"vector.store {value}, {self.plane_place(to, at)}")

    def chosen(self, inside: str, tail: str) -> str:
        return self.f.value(f"arith.select {inside}, {tail}, {self.false} : {self.mask_type}")

    def input_transform(self, d: list[str]) -> list[str]:
        return [
            self.subtract(d[0], d[2]), self.add(d[1], d[2]), self.subtract(d[2], d[1]), self.subtract(d[1], d[3])
        ]  # fmt: skip

    def output_transform(self, m: list[str]) -> list[str]:
        inner, outer = self.add(m[1], m[2]), self.subtract(m[1], m[2])
        return [self.add(m[0], inner), self.subtract(outer, m[3])]

    def transform_outputs(self, first: Index, count: Index, source: str, width: Index, plane: Index) -> None:
        """``A^T m A`` of the tiles, into the result."""
        f, result = self.f, self.what.elements[2]
        with f.loop(0, self.count) as i:
            image, row, column = self.place(i)
            base = f.add("%result_base", f.mul(image, self.result_steps[0]), first)
            in_rows, row_offsets = self.along(row, 2, 0, self.result_sizes[0], self.result_steps[1])
            in_columns, column_offsets = self.along(column, 2, 0, self.result_sizes[1], self.result_steps[2])
            inside = self.masks(in_rows, in_columns)
            from_row = f.mul(i, width)
            with f.loop(0, count, self.lanes) as c:
                tail = self.tail(f.sub(count, c))
                places = [[f.add(from_row, f.mul(4 * y + x, plane), c) for x in range(4)] for y in range(4)]
                square = [[f.value(f"vector.load {self.plane_place(source, at)}") for at in row] for row in places]
                for y, values in enumerate(self.both_ways(square, self.output_transform)):
                    for x, value in enumerate(values):
                        value = narrow(f, value, self.accumulator, result, lanes=self.lanes)
                        at = f.add(base, row_offsets[y], column_offsets[x], c)
                        mask = self.chosen(inside[y][x], tail)
                        if self.schedule.epilogue is not None:
                            feature = f.add(first, c)
                            value = self.schedule.epilogue.apply(f, value, at, 0, feature, mask, self.lanes)
                        kinds = f"memref<?x{self.written}>, {self.mask_type}, vector<{self.lanes}x{self.written}>"
                        f.line(f"vector.maskedstore %result[{f.ssa(at)}], {mask}, {value} : {kinds}")
