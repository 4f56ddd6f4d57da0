"""The schedule of a matrix product: tiles, packing, tasks, and the functions of one shape that call the shared ones.

``contraction.py`` and ``convolution.py`` describe what they compute as a :class:`Gemm`: for each batch index, every
element of the result is a sum over k of ``lhs[m, k] * rhs[n, k]``, where the place of an element in an operand is a
sum of strides, one per collapsed dimension.  So a transposed operand, several contracting dimensions or the
overlapping windows of a convolution are strides, not copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_functions import (
    MACRO_ARGUMENTS,
    PACK_ARGUMENTS,
    GemmTypes,
    bits_of,
    macro_text,
    micro_text,
    pack_text,
)
from astra_mlir.passes.target import Target

__all__ = ["Gemm", "GemmSchedule", "Level", "flatten", "level_offset", "merge_levels", "narrow", "schedule_gemm"]

Level = tuple[int, ...]  # size and one or two strides, in elements

DEPTH = 256  # steps of a packed block: a panel of 8 rows is 8 KiB, one of 32 columns 32 KiB in f32
MAX_ROWS = 128  # rows of a task: its packed block of the left operand is 128 KiB of the second-level cache in f32
MAX_COLUMNS = 512  # columns of a task
STACK_BYTES = 128 * 1024  # for each packed block that lives on the stack
TASK_WORK = 1 << 20  # multiply-adds of f32 in a task of at least 20 us
PACK_WORK = 1 << 16  # elements packed in a task of at least 20 us


def merge_levels(levels: list[Level]) -> tuple[Level, ...]:
    """Outer-to-inner levels with those of size 1 dropped and adjacent ones joined where every stride allows it.

    >>> merge_levels([(2, 12), (3, 4), (1, 7), (4, 2)])
    ((6, 4), (4, 2))
    """
    merged: list[Level] = []
    for level in levels:
        if level[0] == 1:
            continue
        if merged and all(outer == level[0] * inner for outer, inner in zip(merged[-1][1:], level[1:], strict=True)):
            merged[-1] = (merged[-1][0] * level[0], *level[1:])
        else:
            merged.append(level)
    return tuple(merged)


@dataclass(frozen=True)
class Gemm:
    """``result[b, m, n] = sum_k lhs[b, m, k] * rhs[b, n, k]``.

    Element types are builtin names, unsigned ones as ``"ui8"``.  Levels are (size, stride in the operand) for ``m`` and
    ``n``, (size, stride in lhs, stride in rhs) for ``k`` and (size, the same two, stride in the result) for ``batch``.
    Within a batch element the rows of the result are ``row_stride`` elements apart, its columns side by side.
    """

    lhs: str
    rhs: str
    result: str
    accumulator: str
    batch: tuple[Level, ...]
    m: tuple[Level, ...]
    n: tuple[Level, ...]
    k: tuple[Level, ...]
    row_stride: int
    bases: tuple[int, int] = (0, 0)  # where the operands begin, for strides that go backwards
    rhs_overlaps: bool = False  # the right operand is a window over an array that is much smaller
    is_swapped: bool = False  # lhs is the right operand of the operation

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Batches, rows, columns, steps."""
        batches, rows, columns, depth = (
            prod(level[0] for level in levels) for levels in (self.batch, self.m, self.n, self.k)
        )
        return batches, rows, columns, depth

    @property
    def work(self) -> int:
        """Multiply-adds."""
        return prod(self.sizes)

    def swapped(self) -> Gemm:
        """The transposed product (the same memory where the rows or the columns are one)."""
        return replace(
            self, lhs=self.rhs, rhs=self.lhs, m=self.n, n=self.m,
            batch=tuple((size, b, a, c) for size, a, b, c in self.batch),
            k=tuple((size, b, a) for size, a, b in self.k),
            bases=(self.bases[1], self.bases[0]),
            is_swapped=not self.is_swapped,
        )  # fmt: skip


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _even_tile(total: int, largest: int, multiple: int) -> int:
    """A tile of at most ``largest`` that divides ``total`` into tiles of nearly equal size."""
    return _round_up(-(-total // -(-total // largest)), multiple)


@dataclass(frozen=True)
class GemmSchedule:
    """How a :class:`Gemm` is run on a target."""

    gemm: Gemm
    types: GemmTypes
    tile_rows: int
    tile_columns: int
    depth: int  # steps of a block
    segments: int  # innermost k levels in a block (more than one where they are short)
    pack_lhs: bool
    pack_rhs: str  # "no", "tile" (in each task) or "ahead" (once, into scratch)
    tiles: tuple[int, int, int]  # batches, tiles of rows, tiles of columns
    group: int  # tiles of a task

    @property
    def scratch(self) -> tuple[int, ...]:
        """Accumulator elements of each scratch array: the packed right operand, if that is packed ahead."""
        if self.pack_rhs != "ahead":
            return ()
        batches, _, columns, depth = self.gemm.sizes
        return (batches * _round_up(columns, self.types.columns) * depth,)

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str) -> str:
        """The functions: ``@name(lhs, rhs, result[, scratch])`` on memrefs of the given types and all that it calls."""
        return _SchedulePrinter(self, name).module(lhs_type, rhs_type, result_type)


def schedule_gemm(gemm: Gemm, target: Target) -> GemmSchedule:
    """The schedule; it depends on shapes and target only, so that results do not depend on the number of threads."""
    batches, rows, columns, steps = gemm.sizes
    types = GemmTypes(gemm.accumulator, target)
    types = replace(types, narrow=columns <= types.lanes)
    accumulator_bytes = bits_of(gemm.accumulator) // 8
    inner = gemm.k[-1] if gemm.k else (1, 1, 1)
    depth = _even_tile(inner[0], DEPTH, 8)
    segments = DEPTH // inner[0] if inner[0] <= DEPTH // 2 else 1
    segments = min(segments, steps // inner[0])

    lhs_plain = gemm.lhs == gemm.accumulator and inner[1] == 1 and segments == 1
    pack_lhs = not lhs_plain or columns > 4 * types.columns
    rhs_plain = gemm.rhs == gemm.accumulator and columns % types.columns == 0 and len(gemm.n) == 1 and gemm.n[0][1] == 1
    if rhs_plain and segments == 1 and (rows <= 64 or (rows <= MAX_ROWS and columns <= MAX_COLUMNS)):
        pack_rhs = "no"
    else:
        pack_rhs = "tile" if rows <= MAX_ROWS or gemm.rhs_overlaps else "ahead"

    largest_rows = MAX_ROWS if bits_of(gemm.accumulator) <= 32 else MAX_ROWS // 2
    largest_columns = MAX_COLUMNS
    if pack_rhs == "tile":
        largest_columns = STACK_BYTES // (DEPTH * accumulator_bytes)
    if gemm.result != gemm.accumulator:
        largest_columns = min(largest_columns, STACK_BYTES // (largest_rows * accumulator_bytes))
    tile_rows = _even_tile(rows, largest_rows, types.rows)
    tile_columns = _even_tile(columns, max(largest_columns, types.columns), types.columns)
    while _tile_count(gemm, tile_rows, tile_columns) < 32 and tile_rows * tile_columns * steps >= 2 * TASK_WORK:
        if tile_columns >= 2 * max(tile_rows, types.columns):
            tile_columns = _round_up(tile_columns // 2, types.columns)
        elif tile_rows >= 2 * types.rows and (pack_rhs != "tile" or tile_rows < rows):
            tile_rows = _round_up(tile_rows // 2, types.rows)
        elif tile_columns >= 2 * types.columns:
            tile_columns = _round_up(tile_columns // 2, types.columns)
        else:
            break
    tiles = (batches, -(-rows // tile_rows), -(-columns // tile_columns))
    group = max(1, TASK_WORK // (tile_rows * tile_columns * steps))
    return GemmSchedule(gemm, types, tile_rows, tile_columns, depth, segments, pack_lhs, pack_rhs, tiles, group)


def _tile_count(gemm: Gemm, tile_rows: int, tile_columns: int) -> int:
    batches, rows, columns, _ = gemm.sizes
    return batches * -(-rows // tile_rows) * -(-columns // tile_columns)


def narrow(f: FunctionText, value: str, source: str, target: str, *, lanes: int) -> str:
    """Round or truncate a vector of accumulators to the element type of the result."""
    if source == target:
        return value
    operation = "arith.truncf" if "f" in target else "arith.trunci"
    return f.value(f"{operation} {value} : vector<{lanes}x{source}> to vector<{lanes}x{target}>")


class _SchedulePrinter:
    """Writes the functions of one schedule."""

    def __init__(self, schedule: GemmSchedule, name: str) -> None:
        self.schedule, self.gemm, self.types, self.name = schedule, schedule.gemm, schedule.types, name
        self.flat = {
            "%lhs": f"memref<?x{self.gemm.lhs.removeprefix('u')}>",
            "%rhs": f"memref<?x{self.gemm.rhs.removeprefix('u')}>",
            "%result": f"memref<?x{self.gemm.result.removeprefix('u')}>",
            "%packed": f"memref<?x{self.gemm.accumulator}>",
        }
        _, _, columns, depth = self.gemm.sizes
        self.panels = -(-columns // self.types.columns)  # of the right operand
        self.panel_elements = depth * self.types.columns

    # --- the functions ---------------------------------------------------------------------------------------------

    def module(self, lhs_type: str, rhs_type: str, result_type: str) -> str:
        schedule, types = self.schedule, self.types
        functions = [micro_text(types), macro_text(types)]
        packs = {}
        if schedule.pack_lhs:
            packs[types.pack(self.gemm.lhs, types.rows)] = (self.gemm.lhs, types.rows)
        if schedule.pack_rhs != "no":
            packs[types.pack(self.gemm.rhs, types.columns)] = (self.gemm.rhs, types.columns)
        functions += [pack_text(types, source, width) for source, width in packs.values()]
        if schedule.pack_rhs == "ahead":
            functions.append(self.pack_ahead())
        functions += [self.tile(), self.entry(lhs_type, rhs_type, result_type)]
        return "\n\n".join(functions)

    def entry(self, lhs_type: str, rhs_type: str, result_type: str) -> str:
        schedule, gemm = self.schedule, self.gemm
        batches, _, _, depth = gemm.sizes
        arguments = [("%lhs_array", lhs_type), ("%rhs_array", rhs_type), ("%result_array", result_type)]
        arguments += [("%packed_array", f"memref<{size}x{gemm.accumulator}>") for size in schedule.scratch]
        f = FunctionText(self.name, arguments)
        swapped = {"%lhs_array": "%rhs", "%rhs_array": "%lhs"} if gemm.is_swapped else {}
        for array, type in arguments:
            flatten(f, swapped.get(array, array.removesuffix("_array")), array, type)
        if schedule.pack_rhs == "ahead":
            group = max(1, PACK_WORK // self.panel_elements)
            self.grouped_tasks(
                f, batches * self.panels, group, 2 * PACK_WORK // self.panel_elements, "pack", ("%rhs", "%packed")
            )
        tile_work = schedule.tile_rows * schedule.tile_columns * depth
        names = ("%lhs", "%packed" if schedule.pack_rhs == "ahead" else "%rhs", "%result")
        self.grouped_tasks(f, prod(schedule.tiles), schedule.group, 2 * TASK_WORK // tile_work, "tile", names)
        return f.text()

    def grouped_tasks(
        self, f: FunctionText, count: int, group: int, sequential: int, function: str, names: tuple[str, ...]
    ) -> None:
        """Call ``@name_function(names..., i)`` for ``count`` values of i, in tasks of ``group``, sequentially if
        few."""
        arguments = [(name, self.flat[name]) for name in names]
        with f.grouped(count, group, sequential=sequential) as i:
            f.call(f"{self.name}_{function}", [*arguments, (i, "index")])

    def pack_ahead(self) -> str:
        """``@name_pack``: one panel of the right operand, all its steps."""
        gemm, width = self.gemm, self.types.columns
        f = FunctionText(
            f"{self.name}_pack", [("%rhs", self.flat["%rhs"]), ("%packed", self.flat["%packed"]), ("%panel", "index")],
            inline=False,
        )  # fmt: skip
        batch, panel = f.delinearize("%panel", (gemm.sizes[0], self.panels))
        first = f.mul(panel, width)
        valid = f.min(f.sub(gemm.sizes[2], first), width)
        lanes = self.offset_table(f, gemm.n, first, valid, width)
        base = self.operand_base(f, batch, 2)
        outer, inner = gemm.k[:-1], gemm.k[-1] if gemm.k else (1, 1, 1)
        with f.loop(0, prod(level[0] for level in outer)) as segment:
            self.call_pack(
                f, "%rhs", gemm.rhs, width, f.add(base, level_offset(f, outer, segment, 2)), lanes, 0, valid,
                self.ascending(gemm.n, width), inner[2], inner[0], "%packed",
                f.add(f.mul("%panel", self.panel_elements), f.mul(segment, inner[0] * width)),
            )  # fmt: skip
        return f.text()

    def tile(self) -> str:
        """``@name_tile``: one tile of the result."""
        schedule, gemm, types = self.schedule, self.gemm, self.types
        rhs_name = "%packed" if schedule.pack_rhs == "ahead" else "%rhs"
        names = ("%lhs", rhs_name, "%result")
        f = FunctionText(f"{self.name}_tile", [*((n, self.flat[n]) for n in names), ("%tile", "index")], inline=False)
        batch, row_tile, column_tile = f.delinearize("%tile", schedule.tiles)
        _, rows, columns, _ = gemm.sizes
        row, column = f.mul(row_tile, schedule.tile_rows), f.mul(column_tile, schedule.tile_columns)
        m = f.min(f.sub(rows, row), schedule.tile_rows)
        n = f.min(f.sub(columns, column), schedule.tile_columns)

        row_table = self.offset_table(f, gemm.m, row, m, schedule.tile_rows)
        panel_table = row_table
        if schedule.pack_lhs:
            lhs_block = self.alloca(f, schedule.tile_rows * self.block_depth + types.lanes, gemm.accumulator)
            panel_table = self.offset_table(f, ((types.rows, 1),), 0, types.rows, types.rows)
        if schedule.pack_rhs == "tile":
            column_table = self.offset_table(f, gemm.n, column, n, schedule.tile_columns)
            rhs_block = self.alloca(f, schedule.tile_columns * self.block_depth, gemm.accumulator)
        result_at = f.add(level_offset(f, gemm.batch, batch, 3), f.mul(row, gemm.row_stride), column)
        if gemm.result == gemm.accumulator:
            output, stride, output_at = "%result", gemm.row_stride, result_at
        else:
            output, stride = (
                self.alloca(f, schedule.tile_rows * schedule.tile_columns, gemm.accumulator),
                schedule.tile_columns,
            )
            output_at = 0
        lhs_base, rhs_base = self.operand_base(f, batch, 1), self.operand_base(f, batch, 2)
        lhs_step, rhs_step = (gemm.k[-1] if gemm.k else (1, 1, 1))[1:]

        def block(
            pieces: Callable[[Callable[[Index, Index, Index, Index], None]], None], step: Index, depth: Index
        ) -> None:
            """One block of ``depth`` steps from ``step`` on; ``pieces(visit)`` visits its runs of equal strides as
            (offset in lhs, offset in rhs, steps, first step within the block)."""
            values: dict[str, Index] = {
                "%depth": depth, "%c": output, "%c_offset": output_at, "%c_stride": stride, "%m": m, "%n": n,
                "%a_rows": panel_table, "%first": f.compare("eq", step, 0),
            }  # fmt: skip
            packed_panel = f.mul(depth, types.rows)
            if schedule.pack_lhs:
                self.pack_tile(
                    f,
                    "%lhs",
                    gemm.lhs,
                    types.rows,
                    pieces,
                    0,
                    lhs_base,
                    row_table,
                    m,
                    gemm.m,
                    lhs_step,
                    lhs_block,
                    packed_panel,
                )
                values |= {
                    "%a": lhs_block,
                    "%a_offset": 0,
                    "%a_panel": packed_panel,
                    "%a_row_step": 0,
                    "%a_step": types.rows,
                }
            else:
                values |= {"%a": "%lhs", "%a_panel": 0, "%a_row_step": types.rows, "%a_step": lhs_step}
                pieces(lambda lhs_at, rhs_at, steps, at: values.update({"%a_offset": f.add(lhs_base, lhs_at)}))
            if schedule.pack_rhs == "tile":
                panel = f.mul(depth, types.columns)
                self.pack_tile(
                    f,
                    "%rhs",
                    gemm.rhs,
                    types.columns,
                    pieces,
                    1,
                    rhs_base,
                    column_table,
                    n,
                    gemm.n,
                    rhs_step,
                    rhs_block,
                    panel,
                )
                values |= {"%b": rhs_block, "%b_offset": 0, "%b_panel": panel, "%b_step": types.columns}
            elif schedule.pack_rhs == "ahead":
                panel = f.add(f.mul(batch, self.panels), f.mul(column_tile, schedule.tile_columns // types.columns))
                at = f.add(f.mul(panel, self.panel_elements), f.mul(step, types.columns))
                values |= {"%b": "%packed", "%b_offset": at, "%b_panel": self.panel_elements, "%b_step": types.columns}
            else:
                values |= {"%b": "%rhs", "%b_panel": types.columns, "%b_step": rhs_step}
                pieces(lambda lhs_at, rhs_at, steps, at: values.update({"%b_offset": f.add(rhs_base, rhs_at, column)}))
            f.call(types.macro, [(values[n], t.format(t=gemm.accumulator)) for n, t in MACRO_ARGUMENTS])

        self.for_each_block(f, block)
        if gemm.result != gemm.accumulator:
            self.store_narrowed(f, output, m, n, result_at)
        return f.text()

    # --- their parts -----------------------------------------------------------------------------------------------

    @property
    def block_depth(self) -> int:
        """The most steps that a block has."""
        inner = self.gemm.k[-1][0] if self.gemm.k else 1
        return (
            self.schedule.segments * inner
            if self.schedule.segments > 1
            else min(self.schedule.depth, _round_up(inner, 8))
        )

    def for_each_block(self, f: FunctionText, block: Callable[..., None]) -> None:
        """Call ``block(pieces, first step, steps)`` in loops over the steps."""
        outer, inner = self.gemm.k[:-1], self.gemm.k[-1] if self.gemm.k else (1, 1, 1)
        runs, segments, depth = prod(level[0] for level in outer), self.schedule.segments, self.schedule.depth
        if segments > 1:
            with f.loop(0, runs, segments) as run:
                count = f.min(f.sub(runs, run), segments)

                def pieces(visit: Callable[[Index, Index, Index, Index], None]) -> None:
                    with f.loop(0, count) as i:
                        at = f.add(run, i)
                        visit(
                            level_offset(f, outer, at, 1), level_offset(f, outer, at, 2), inner[0], f.mul(i, inner[0])
                        )

                block(pieces, f.mul(run, inner[0]), f.mul(count, inner[0]))
            return
        with f.loop(0, runs) as run:
            lhs_run, rhs_run = level_offset(f, outer, run, 1), level_offset(f, outer, run, 2)
            with f.loop(0, inner[0], depth) as step:
                steps = f.min(f.sub(inner[0], step), depth)
                places = f.add(lhs_run, f.mul(step, inner[1])), f.add(rhs_run, f.mul(step, inner[2]))
                block(lambda visit: visit(*places, steps, 0), f.add(f.mul(run, inner[0]), step), steps)

    def pack_tile(
        self, f: FunctionText, source: str, element: str, width: int, pieces: Callable[..., None], side: int,
        base: Index, table: str, count: Index, levels: tuple[Level, ...], stride: int, block: str,
        panel_elements: Index,
    ) -> None:  # fmt: skip
        """Pack the panels of one block of an operand (``side`` 0: lhs, 1: rhs)."""
        with f.loop(0, f.ceil_div(count, width)) as panel:
            lane = f.mul(panel, width)
            valid = f.min(f.sub(count, lane), width)

            def pack(lhs_at: Index, rhs_at: Index, steps: Index, at: Index) -> None:
                offset = f.add(base, (lhs_at, rhs_at)[side])
                to = f.add(f.mul(panel, panel_elements), f.mul(at, width))
                ascending = self.ascending(levels, width)
                self.call_pack(
                    f, source, element, width, offset, table, lane, valid, ascending, stride, steps, block, to
                )

            pieces(pack)

    def call_pack(
        self, f: FunctionText, source: str, element: str, width: int, offset: Index, lanes: str, lane0: Index,
        valid: Index, ascending: bool, step: Index, depth: Index, panel: str, panel_offset: Index,
    ) -> None:  # fmt: skip
        values = (
            source, offset, lanes, lane0, valid, f.constant(str(ascending).lower(), "i1"), step, depth,
            panel, panel_offset,
        )  # fmt: skip
        kinds = [type.format(s=element.removeprefix("u"), t=self.gemm.accumulator) for _, type in PACK_ARGUMENTS]
        f.call(self.types.pack(element, width), list(zip(values, kinds, strict=True)))

    @staticmethod
    def ascending(levels: tuple[Level, ...], width: int) -> bool:
        """Whether the lanes of a panel come in ascending order of place, the next to each other where they can be."""
        if not levels:
            return width == 1
        reach = [sum((size - 1) * stride for size, stride in levels[i + 1 :]) for i in range(len(levels))]
        return levels[-1][1] == 1 and all(stride > inner for (_, stride), inner in zip(levels, reach, strict=True))

    def operand_base(self, f: FunctionText, batch: Index, operand: int) -> Index:
        """Where a batch element of an operand begins."""
        return f.add(self.gemm.bases[operand - 1], level_offset(f, self.gemm.batch, batch, operand))

    @staticmethod
    def alloca(f: FunctionText, elements: int, element: str) -> str:
        """A temporary on the stack, as a memref of dynamic size."""
        static = f.value(f"memref.alloca() {{alignment = 64 : i64}} : memref<{elements}x{element}>")
        return f.value(f"memref.cast {static} : memref<{elements}x{element}> to memref<?x{element}>")

    def offset_table(
        self, f: FunctionText, levels: tuple[Level, ...], first: Index, count: Index, capacity: int
    ) -> str:
        """A table of where elements ``first .. first + capacity`` begin; those beyond ``count`` repeat the last."""
        table = self.alloca(f, capacity, "index")
        last = f.sub(f.add(first, count), 1)
        with f.loop(0, capacity) as i:
            offset = level_offset(f, levels, f.min(f.add(first, i), last), 1)
            f.line(f"memref.store {f.ssa(offset)}, {table}[{f.ssa(i)}] : memref<?xindex>")
        return table

    def store_narrowed(self, f: FunctionText, block: str, m: Index, n: Index, result_at: Index) -> None:
        """Convert a finished tile to the element type of the result."""
        accumulator, result = self.gemm.accumulator, self.gemm.result.removeprefix("u")
        lanes = self.types.lanes
        with f.loop(0, m) as i:
            from_row, to_row = f.mul(i, self.schedule.tile_columns), f.add(result_at, f.mul(i, self.gemm.row_stride))
            with f.loop(0, n, lanes) as j:
                mask = f.value(f"vector.create_mask {f.ssa(f.sub(n, j))} : vector<{lanes}xi1>")
                source = (
                    f"{block}[{f.ssa(f.add(from_row, j))}] : memref<?x{accumulator}>, vector<{lanes}x{accumulator}>"
                )
                value = narrow(f, f.value(f"vector.load {source}"), accumulator, result, lanes=lanes)
                kinds = f"memref<?x{result}>, vector<{lanes}xi1>, vector<{lanes}x{result}>"
                f.line(f"vector.maskedstore %result[{f.ssa(f.add(to_row, j))}], {mask}, {value} : {kinds}")


def flatten(f: FunctionText, name: str, array: str, type: str) -> None:
    """Define ``name`` as the elements of the identity-layout memref ``array`` in a row, of dynamic size."""
    *sizes, element = type.removeprefix("memref<").removesuffix(">").split("x")
    count = prod(map(int, sizes))
    static = f.value(
        f"memref.reinterpret_cast {array} to offset: [0], sizes: [{count}], strides: [1]"
        f" : {type} to memref<{count}x{element}>"
    )
    f.line(f"{name} = memref.cast {static} : memref<{count}x{element}> to memref<?x{element}>")


def level_offset(f: FunctionText, levels: tuple[Level, ...], index: Index, stride: int) -> Index:
    """Where the element with that row-major index over the levels lies."""
    if not levels:
        return 0
    coordinates = f.delinearize(index, [level[0] for level in levels])
    return f.add(*(f.mul(i, level[stride]) for i, level in zip(coordinates, levels, strict=True)))
