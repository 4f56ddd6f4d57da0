"""The functions of a scheduled matrix product: a small one for its shape, large ones that shapes share.

Sizes and strides are arguments of the large functions, which are named by a hash of their text: products that differ in
numbers only call the same machine code.  What is written into the text is the form of a product: element types, how
many levels its dimensions have, and what is packed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from astra_mlir.passes.kernel_rules.function_text import AS_WRITTEN, FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_functions import MACRO_ARGUMENTS, macro_text, micro_text
from astra_mlir.passes.kernel_rules.gemm_levels import Level, flatten, level_offset, narrow
from astra_mlir.passes.kernel_rules.gemm_packing import COPY_ARGUMENTS, PACK_ARGUMENTS, copy_text, pack_text

if TYPE_CHECKING:
    from astra_mlir.passes.kernel_rules.epilogue import Epilogue
    from astra_mlir.passes.kernel_rules.gemm import GemmSchedule

__all__ = ["packing_text", "program_text"]

TASK_WORK = 1 << 20  # multiply-adds of f32 in a task of at least 20 us
PACK_WORK = 1 << 16  # elements packed in a task of at least 20 us

Levels = Sequence[Sequence[Index]]
Visit = Callable[[Index, Index, Index, Index], None]  # offset in lhs, in rhs, steps, first step within the block
Pieces = Callable[[Visit], None]


def program_text(
    schedule: GemmSchedule, name: str, lhs_type: str, rhs_type: str, result_type: str, others: Sequence[str] = ()
) -> str:
    """``@name(lhs, rhs[, others], result[, scratch])`` on memrefs of the given types, and all that it calls."""
    gemm, types = schedule.gemm, schedule.types
    functions = {types.micro: micro_text(types), types.macro: macro_text(types)}
    packed = [(gemm.lhs, types.rows, 0)] if schedule.pack_lhs else []
    packed += [(gemm.rhs, types.columns, 1)] if schedule.pack_rhs in ("tile", "ahead") else []
    for operand in packed:
        functions |= _pack_function(schedule, *operand)
    tile = _TileWriter(schedule)
    functions[tile.name] = tile.text
    ahead = _PanelWriter(schedule) if schedule.pack_rhs == "ahead" else None
    if ahead is not None:
        functions[ahead.name] = ahead.text
    functions[name] = _entry(schedule, name, (lhs_type, rhs_type, *others, result_type), tile, ahead)
    return "\n\n".join(functions.values())


def _pack_function(schedule: GemmSchedule, element: str, width: int, side: int) -> dict[str, str]:
    """The function that packs an operand, by its name."""
    types, way = schedule.types, schedule.way_of_packing(side)
    if way == "copy":
        return {types.copy(element, width): copy_text(types, element, width)}
    return {types.pack(element, width, side, way): pack_text(types, element, width, side, way)}


def packing_text(schedule: GemmSchedule, name: str, rhs_type: str, packed_type: str) -> str:
    """``@name(rhs, packed)`` on memrefs of the given types, which packs all panels, and all that it calls."""
    types, element = schedule.types, schedule.gemm.rhs
    panel = _PanelWriter(schedule)
    f = FunctionText(name, [("%rhs_array", rhs_type), ("%packed_array", packed_type)])
    flatten(f, "%rhs", "%rhs_array", rhs_type)
    flatten(f, "%packed", "%packed_array", packed_type)
    _run_packing(f, schedule, panel)
    functions = _pack_function(schedule, element, types.columns, 1)
    return "\n\n".join((*functions.values(), panel.text, f.text()))


def _run_packing(f: FunctionText, schedule: GemmSchedule, panel: _Writer) -> None:
    work = schedule.panel_elements
    count, group = schedule.gemm.sizes[0] * schedule.panels, max(1, PACK_WORK // work)
    _run(f, panel, count, group, 2 * PACK_WORK // work)


def _run(f: FunctionText, writer: _Writer, count: int, group: int, sequential: int) -> None:
    """Calls of a shared function for each of ``count`` units, in tasks."""
    with f.grouped(count, group, sequential=sequential) as i:
        f.call(writer.name, [*writer.arrays, (i, "index"), *((value, "index") for value in writer.values)])


def _entry(schedule: GemmSchedule, name: str, array_types: Sequence[str], tile: _Writer, ahead: _Writer | None) -> str:
    """The function of one shape: its numbers, and the tasks."""
    gemm = schedule.gemm
    rhs = "%packed_array" if schedule.pack_rhs == "before" else "%rhs_array"
    others = [f"{other}_array" for other in (schedule.epilogue.names if schedule.epilogue else ())]
    arguments = list(zip(("%lhs_array", rhs, *others, "%result_array"), array_types, strict=True))
    arguments += [("%packed_array", f"memref<{size}x{gemm.accumulator}>") for size in schedule.scratch]
    f = FunctionText(name, arguments)
    swapped = {"%lhs_array": "%rhs", "%rhs_array": "%lhs"} if gemm.is_swapped else {}
    for array, type in arguments:
        flatten(f, swapped.get(array, array.removesuffix("_array")), array, type)

    if ahead is not None:
        _run_packing(f, schedule, ahead)
    work = schedule.tile_rows * schedule.tile_columns * gemm.sizes[3]
    _run(f, tile, prod(schedule.tiles), schedule.group, 2 * TASK_WORK // work)
    return f.text()


@dataclass(frozen=True)
class _Form:
    """The levels of a product with names of arguments in place of numbers."""

    batch: Levels
    m: Levels
    n: Levels
    k: Levels
    bases: tuple[Index, Index]
    result_m: Levels
    result_n: Levels

    @property
    def inner(self) -> Sequence[Index]:
        """The innermost level of the steps."""
        return self.k[-1] if self.k else (1, 1, 1)


class _Writer:
    """A shared function that is being written: ``name``, ``text``, the ``arrays`` it takes, and the ``values`` of the
    numbers that follow them and the index of the task."""

    def __init__(
        self, schedule: GemmSchedule, kind: str, arrays: Sequence[str], epilogue: Epilogue | None = None
    ) -> None:
        self.schedule, self.gemm, self.types = schedule, schedule.gemm, schedule.types
        gemm = self.gemm
        flat = {"%lhs": gemm.lhs, "%rhs": gemm.rhs, "%result": gemm.written, "%packed": gemm.accumulator}
        self.arrays = [(array, f"memref<?x{flat[array].removeprefix('u')}>") for array in arrays]
        self.arrays += epilogue.arrays if epilogue else []
        self.values: list[int] = []
        self.arguments = [*self.arrays, ("%task", "index")]
        self.f = FunctionText("", self.arguments, inline=False)
        gemm = self.gemm
        self.form = _Form(
            self.levels(gemm.batch), self.levels(gemm.m), self.levels(gemm.n), self.levels(gemm.k),
            (self.number_or_zero(gemm.bases[0]), self.number_or_zero(gemm.bases[1])),
            self.levels(gemm.result_m), self.levels(gemm.result_n),
        )  # fmt: skip
        self.write()
        digest = hashlib.sha256(self.f.text().encode()).hexdigest()
        self.name = self.f.name = f"astra_gemm_{kind}_{digest[:12]}"
        self.text = self.f.text()

    def write(self) -> None:
        """Fill the function."""
        raise NotImplementedError

    # --- numbers -----------------------------------------------------------------------------------------------------

    def number(self, value: int) -> str:
        """The name of an argument with this value."""
        name = f"%n{len(self.values)}"
        self.values.append(value)
        self.arguments.append((name, "index"))
        return name

    def number_or_zero(self, value: int) -> Index:
        return self.number(value) if value else 0

    def levels(self, levels: Sequence[Level]) -> Levels:
        return tuple(tuple(map(self.number, level)) for level in levels)

    def flag(self, value: bool) -> str:
        """An ``i1`` argument."""
        return self.f.compare("ne", self.number(int(value)), 0)

    def groups(self, steps: Index) -> Index:
        """How many elements of a panel a run of steps fills."""
        return self.f.ceil_div(steps, self.types.group)

    # --- places ------------------------------------------------------------------------------------------------------

    def operand_base(self, batch: Index, operand: int) -> Index:
        """Where a batch element of an operand begins."""
        return self.f.add(self.form.bases[operand - 1], level_offset(self.f, self.form.batch, batch, operand))

    def alloca(self, elements: int, element: str) -> str:
        """A temporary on the stack, as a memref of dynamic size."""
        static = self.f.value(f"memref.alloca() {{alignment = 64 : i64}} : memref<{elements}x{element}>")
        return self.f.value(f"memref.cast {static} : memref<{elements}x{element}> to memref<?x{element}>")

    def offset_table(self, levels: Levels, first: Index, count: Index, width: int, capacity: int) -> str:
        """A table of where elements ``first .. first + count`` begin; up to a multiple of ``width`` the last repeats.

        The coordinates are counted up with carries: divisions would cost as much as a small tile.
        """
        f, table = self.f, self.alloca(capacity, "index")
        coordinates = f.delinearize(first, [level[0] for level in levels])
        end = f.mul(f.ceil_div(count, width), width)
        names = [f.fresh() for _ in levels]
        i, last = f.fresh(), f.sub(count, 1)
        start = ", ".join(f"{name} = {f.ssa(at)}" for name, at in zip(names, coordinates, strict=True))
        types = ", ".join(["index"] * len(levels))
        carried = f"{f.fresh()}:{len(levels)} = " if levels else ""
        head = f"{carried}scf.for {i} = {f.ssa(0)} to {f.ssa(end)} step {f.ssa(1)}"
        with f.block(f"{head} iter_args({start}) -> ({types}) {{" if levels else f"{head} {{", f"}} {AS_WRITTEN}"):
            offset = f.add(*(f.mul(name, level[1]) for name, level in zip(names, levels, strict=True)))
            f.line(f"memref.store {f.ssa(offset)}, {table}[{i}] : memref<?xindex>")
            carry = f.compare("slt", i, last)
            following = []
            for position in range(len(levels) - 1, -1, -1):
                raised = f.ssa(f.add(names[position], 1))
                full = f.compare("eq", raised, levels[position][0]) if position else None
                value = raised
                if full is not None:
                    value = f.value(f"arith.select {full}, {f.ssa(0)}, {raised} : index")
                following.insert(0, f.value(f"arith.select {carry}, {value}, {names[position]} : index"))
                carry = f.value(f"arith.andi {carry}, {full} : i1") if full is not None else carry
            if levels:
                f.line(f"scf.yield {', '.join(following)} : {types}")
        return table

    def call_pack(
        self, side: int, offset: Index, lanes: str, lane0: Index, valid: Index, ascending: str, step: Index,
        depth: Index, panel: str, panel_offset: Index,
    ) -> None:  # fmt: skip
        """Pack the steps of one panel of an operand (``side`` 0: lhs, 1: rhs)."""
        types, (source, element) = self.types, self.source(side)
        values = (source, offset, lanes, lane0, valid, ascending, step, depth, panel, panel_offset)
        name = types.pack(element, (types.rows, types.columns)[side], side, self.schedule.way_of_packing(side))
        self.f.call(name, self.typed(PACK_ARGUMENTS, values, element))

    def call_copy(
        self, side: int, offset: Index, step: Index, depth: Index, valid: Index, panel: str, panel_offset: Index,
        panel_elements: Index,
    ) -> None:  # fmt: skip
        """Pack the steps of several panels of an operand whose lanes are side by side in memory."""
        types, (source, element) = self.types, self.source(side)
        values = (source, offset, step, depth, valid, panel, panel_offset, panel_elements)
        name = types.copy(element, (types.rows, types.columns)[side])
        self.f.call(name, self.typed(COPY_ARGUMENTS, values, element))

    def source(self, side: int) -> tuple[str, str]:
        """An operand and its element type."""
        return (("%lhs", self.gemm.lhs), ("%rhs", self.gemm.rhs))[side]

    def typed(
        self, arguments: Sequence[tuple[str, str]], values: Sequence[Index], element: str
    ) -> list[tuple[Index, str]]:
        """Values with the types of the arguments of a packing function."""
        kinds = [type.format(s=element.removeprefix("u"), t=self.gemm.accumulator) for _, type in arguments]
        return list(zip(values, kinds, strict=True))


def _is_ascending(levels: Sequence[Level]) -> bool:
    """Whether elements come in ascending order of place, each next to the one before where it can be."""
    if not levels:
        return False
    reach = [sum((size - 1) * stride for size, stride in levels[i + 1 :]) for i in range(len(levels))]
    return levels[-1][1] == 1 and all(stride > inner for (_, stride), inner in zip(levels, reach, strict=True))


class _PanelWriter(_Writer):
    """One panel of the right operand, all its steps, into scratch."""

    def __init__(self, schedule: GemmSchedule) -> None:
        super().__init__(schedule, "panel", ("%rhs", "%packed"))

    def write(self) -> None:
        f, form, width = self.f, self.form, self.types.columns
        batches, _, columns, _ = self.gemm.sizes
        panel_elements, copies = self.number(self.schedule.panel_elements), self.schedule.way_of_packing(1) == "copy"
        sizes = (self.number(batches) if self.gemm.batch else 1, self.number(self.schedule.panels))
        batch, panel = f.delinearize("%task", sizes)
        first = f.mul(panel, width)
        valid = f.min(f.sub(self.number(columns), first), width)
        lanes = "" if copies else self.offset_table(form.n, first, valid, 1, width)
        ascending = "" if copies else self.flag(_is_ascending(self.gemm.n))
        base = f.add(self.operand_base(batch, 2), first if copies else 0)
        with f.loop(0, f.product(level[0] for level in form.k[:-1])) as run:
            offset = f.add(base, level_offset(f, form.k[:-1], run, 2))
            to = f.add(f.mul("%task", panel_elements), f.mul(run, f.mul(self.groups(form.inner[0]), width)))
            steps, step = form.inner[0], form.inner[2]
            if copies:
                self.call_copy(1, offset, step, steps, valid, "%packed", to, panel_elements)
            else:
                self.call_pack(1, offset, lanes, 0, valid, ascending, step, steps, "%packed", to)


class _TileWriter(_Writer):
    """One tile of the result."""

    def __init__(self, schedule: GemmSchedule) -> None:
        rhs = "%packed" if schedule.pack_rhs in ("ahead", "before") else "%rhs"
        super().__init__(schedule, "tile", ("%lhs", rhs, "%result"), schedule.epilogue)

    def write(self) -> None:
        f, form, schedule, gemm, types = self.f, self.form, self.schedule, self.gemm, self.types
        tile_rows, tile_columns = self.number(schedule.tile_rows), self.number(schedule.tile_columns)
        rows, columns = self.number(gemm.sizes[1]), self.number(gemm.sizes[2])
        row_stride = 0 if gemm.result_m else self.number(gemm.row_stride)
        self.fresh = self.flag(not schedule.accumulate)
        tiles = (self.number(schedule.tiles[0]) if gemm.batch else 1, *map(self.number, schedule.tiles[1:]))
        batch, row_tile, column_tile = f.delinearize("%task", tiles)
        self.row, self.column = f.mul(row_tile, tile_rows), f.mul(column_tile, tile_columns)
        self.columns = columns
        copies = schedule.pack_rhs == "tile" and schedule.way_of_packing(1) == "copy"
        self.reads_ahead = copies and gemm.rhs == gemm.accumulator
        self.following: Index | None = None  # where in the right operand the block that is packed next begins
        self.m, self.n = f.min(f.sub(rows, self.row), tile_rows), f.min(f.sub(columns, self.column), tile_columns)

        self.ascending = {
            side: self.flag(_is_ascending(levels))
            for side, levels in enumerate((gemm.m, gemm.n))
            if schedule.needs_table(side) and (schedule.pack_lhs, schedule.pack_rhs == "tile")[side]
        }
        self.tables = {
            side: self.offset_table(levels, start, count, width, capacity)
            for side, levels, start, count, width, capacity in (
                (0, form.m, self.row, self.m, types.rows, schedule.largest_rows),
                (1, form.n, self.column, self.n, 1, schedule.largest_columns),
            )
            if schedule.needs_table(side)
        }
        if schedule.pack_lhs:
            self.lhs_block = self.alloca(schedule.lhs_block_elements, gemm.accumulator)
            unit_stride = ((types.rows, 1),)
            self.panel_table = self.offset_table(unit_stride, 0, types.rows, types.rows, types.rows)
        if schedule.pack_rhs == "tile":
            self.rhs_block = self.alloca(schedule.rhs_block_elements, gemm.accumulator)
        elif schedule.pack_rhs in ("ahead", "before"):
            panels, self.panel_elements = self.number(schedule.panels), self.number(schedule.panel_elements)
            panel = f.add(f.mul(batch, panels), f.div(self.column, types.columns))
            self.panels_at = f.mul(panel, self.panel_elements)
        result_at = f.add(
            self.number_or_zero(gemm.result_base),
            level_offset(f, form.batch, batch, 3),
            f.mul(self.row, row_stride),
            0 if gemm.result_n else self.column,
        )
        self.output: tuple[str, Index, Index] = ("%result", result_at, row_stride)
        if gemm.is_staged:
            self.output = (self.alloca(schedule.result_block_elements, gemm.accumulator), 0, tile_columns)
        self.bases = self.operand_base(batch, 1), self.operand_base(batch, 2)
        self.for_each_block()
        self.group_at: Index = 0  # where the numbers of this batch element begin in arrays of the epilogue
        if schedule.epilogue is not None and schedule.epilogue.groups > 1:
            group = f.rem(batch, self.number(schedule.epilogue.groups))
            self.group_at = f.mul(group, self.number(schedule.epilogue.group_size(gemm.sizes)))
        if schedule.epilogue is not None and not gemm.is_staged:
            self.finish(result_at, row_stride)
        if gemm.is_staged:
            self.store_staged(self.output[0], tile_columns, result_at, row_stride)

    def finish(self, result_at: Index, row_stride: Index) -> None:
        """The epilogue of a tile that is in its place, a vector at a time."""
        f, lanes, element = self.f, self.types.lanes, self.gemm.accumulator
        vector, bits = f"vector<{lanes}x{element}>", f"vector<{lanes}xi1>"
        zero = f.constant(f"dense<{self.types.zero}>", vector)
        kinds = f"memref<?x{element}>, {bits}, {vector}"
        with f.loop(0, self.m) as i:
            row = f.add(result_at, f.mul(i, row_stride))
            with f.loop(0, self.n, lanes) as j:
                mask = f.value(f"vector.create_mask {f.ssa(f.sub(self.n, j))} : {bits}")
                place = f.add(row, j)
                value = f.value(f"vector.maskedload %result[{f.ssa(place)}], {mask}, {zero} : {kinds} into {vector}")
                value = narrow(f, value, element, self.gemm.result.removeprefix("u"), lanes=lanes)
                value = self.followed(value, place, i, j, mask)
                f.line(f"vector.maskedstore %result[{f.ssa(place)}], {mask}, {value} : {kinds}")

    def followed(self, value: str, place: Index, i: Index, j: Index, mask: str | None) -> str:
        """What the epilogue makes of the result, or the vector of results, at row ``i`` and column ``j`` of a tile."""
        if self.schedule.epilogue is None:
            return value
        f, lanes = self.f, None if mask is None else self.types.lanes
        row, column = f.add(self.group_at, self.row, i), f.add(self.group_at, self.column, j)
        return self.schedule.epilogue.apply(f, value, place, row, column, mask, lanes)

    def for_each_block(self) -> None:
        """Loops over the steps, with a block of packed or plain operands in each iteration."""
        f, (size, lhs_step, rhs_step), outer = self.f, self.form.inner, self.form.k[:-1]
        runs = f.product(level[0] for level in outer)
        if self.schedule.segments > 1:
            segments = self.number(self.schedule.segments)
            with f.loop(0, runs, segments) as run:
                count = f.min(f.sub(runs, run), segments)

                def pieces(visit: Visit) -> None:
                    with f.loop(0, count) as i:
                        at = f.add(run, i)
                        places = level_offset(f, outer, at, 1), level_offset(f, outer, at, 2)
                        visit(*places, size, f.mul(i, self.groups(size)))

                self.block(pieces, f.mul(run, self.groups(size)), f.mul(count, self.groups(size)))
            return
        depth = self.number(self.schedule.depth)
        with f.loop(0, runs) as run:
            lhs_run, rhs_run = level_offset(f, outer, run, 1), level_offset(f, outer, run, 2)
            with f.loop(0, size, depth) as step:
                steps = f.min(f.sub(size, step), depth)
                places = f.add(lhs_run, f.mul(step, lhs_step)), f.add(rhs_run, f.mul(step, rhs_step))
                if self.reads_ahead:
                    self.following = self.place_of_next(rhs_run, f.add(step, depth))
                at = f.add(f.mul(run, self.groups(size)), f.div(step, self.types.group))
                self.block(lambda visit: visit(*places, steps, 0), at, self.groups(steps))

    def place_of_next(self, rhs_run: Index, step: Index) -> Index:
        """Where in the right operand the block of the next steps begins, after the last one that of the next tile."""
        f, (size, _, rhs_step) = self.f, self.form.inner
        more, column = f.compare("slt", step, size), f.add(self.column, self.n)
        beside = f.value(f"arith.select {f.compare('slt', column, self.columns)}, {f.ssa(column)}, {f.ssa(0)} : index")
        below = f.add(self.column, f.mul(step, rhs_step))
        at = f.value(f"arith.select {more}, {f.ssa(below)}, {beside} : index")
        return f.add(self.bases[1], rhs_run, at)

    def block(self, pieces: Pieces, step: Index, depth: Index) -> None:
        """One block of ``depth`` groups from group ``step`` on; ``pieces(visit)`` visits its runs of equal strides."""
        f, types, schedule = self.f, self.types, self.schedule
        output, output_at, stride = self.output
        first = f.value(f"arith.andi {f.compare('eq', step, 0)}, {self.fresh} : i1")
        values: dict[str, Index] = {
            "%depth": depth, "%c": output, "%c_offset": output_at, "%c_stride": stride, "%m": self.m, "%n": self.n,
            "%first": first, "%next": output, "%next_offset": output_at, "%next_step": 0,
        }  # fmt: skip
        places: dict[str, Index] = {}
        if not (schedule.pack_lhs and schedule.pack_rhs != "no"):  # a plain operand: then there is one run
            pieces(lambda lhs_at, rhs_at, steps, at: places.update(lhs=lhs_at, rhs=rhs_at))
        if schedule.pack_lhs:
            panel = f.mul(depth, types.rows)
            self.pack_block(pieces, 0, 0, self.m, self.lhs_block, panel)
            values |= {"%a": self.lhs_block, "%a_offset": 0, "%a_panel": panel, "%a_rows": self.panel_table}
            values |= {"%a_row_step": 0, "%a_step": types.rows}
        else:
            values |= {"%a": "%lhs", "%a_offset": f.add(self.bases[0], places["lhs"]), "%a_panel": 0}
            values |= {"%a_rows": self.tables[0], "%a_row_step": types.rows, "%a_step": self.form.inner[1]}
        if schedule.pack_rhs == "tile":
            width, panel = schedule.block_columns, f.mul(depth, types.columns)
            values |= {"%b": self.rhs_block, "%b_offset": 0, "%b_panel": panel, "%b_step": types.columns}
            with f.loop(0, self.n if schedule.tile_columns > width else width, width) as column:
                if self.following is not None:
                    at, rhs_step = f.add(self.following, column), self.form.inner[2]
                    values |= {"%next": "%rhs", "%next_offset": at, "%next_step": rhs_step}
                count = f.min(f.sub(self.n, column), width)
                self.pack_block(pieces, 1, column, count, self.rhs_block, panel)
                self.call_macro(values | {"%c_offset": f.add(output_at, column), "%n": count})
            return
        if schedule.pack_rhs in ("ahead", "before"):
            at = f.add(self.panels_at, f.mul(step, types.columns))
            values |= {"%b": "%packed", "%b_offset": at, "%b_panel": self.panel_elements, "%b_step": types.columns}
        else:
            at = f.add(self.bases[1], places["rhs"], self.column)
            values |= {"%b": "%rhs", "%b_offset": at, "%b_panel": types.columns, "%b_step": self.form.inner[2]}
        self.call_macro(values)

    def call_macro(self, values: dict[str, Index]) -> None:
        """The product of two blocks."""
        kinds = [(values[name], type.format(t=self.gemm.accumulator)) for name, type in MACRO_ARGUMENTS]
        self.f.call(self.types.macro, kinds)

    def pack_block(
        self, pieces: Pieces, side: int, first: Index, count: Index, block: str, panel_elements: Index
    ) -> None:
        """Pack the panels of ``count`` lanes from ``first`` on of one block of an operand (``side`` 0: lhs, 1: rhs)."""
        f = self.f
        width, stride = (self.types.rows, self.types.columns)[side], self.form.inner[side + 1]

        def copy(lhs_at: Index, rhs_at: Index, steps: Index, at: Index) -> None:
            offset = f.add(self.bases[side], (lhs_at, rhs_at)[side], (self.row, self.column)[side], first)
            self.call_copy(side, offset, stride, steps, count, block, f.mul(at, width), panel_elements)

        if self.schedule.way_of_packing(side) == "copy":
            pieces(copy)
            return
        ascending = self.ascending[side]
        with f.loop(0, f.ceil_div(count, width)) as panel:
            lane = f.mul(panel, width)
            valid = f.min(f.sub(count, lane), width)

            def pack(lhs_at: Index, rhs_at: Index, steps: Index, at: Index) -> None:
                offset = f.add(self.bases[side], (lhs_at, rhs_at)[side])
                to = f.add(f.mul(panel, panel_elements), f.mul(at, width))
                lane0 = f.add(first, lane)
                self.call_pack(side, offset, self.tables[side], lane0, valid, ascending, stride, steps, block, to)

            pieces(pack)

    def store_staged(self, block: str, block_stride: Index, result_at: Index, row_stride: Index) -> None:
        """Write a finished tile: in the element type of the result, and to where its rows and columns are."""
        f, schedule = self.f, self.schedule
        rows = columns = None
        if self.gemm.result_m:
            rows = self.offset_table(self.form.result_m, self.row, self.m, 1, schedule.largest_rows)
        if self.gemm.result_n:
            columns = self.offset_table(self.form.result_n, self.column, self.n, 1, schedule.largest_columns)
        with f.loop(0, self.m) as i:
            from_row = f.mul(i, block_stride)
            row = f.value(f"memref.load {rows}[{f.ssa(i)}] : memref<?xindex>") if rows else f.mul(i, row_stride)
            to_row = f.add(result_at, row)
            if columns is None:
                self.store_row(block, from_row, to_row, i)
            else:
                self.scatter_row(block, from_row, to_row, i, columns)

    def scatter_row(self, block: str, from_row: Index, to_row: Index, i: Index, columns: str) -> None:
        """Write row ``i`` of a tile, each element to its column."""
        f, accumulator, result = self.f, self.gemm.accumulator, self.gemm.result.removeprefix("u")
        written = self.gemm.written.removeprefix("u")
        with f.loop(0, self.n) as j:
            value = f.value(f"memref.load {block}[{f.ssa(f.add(from_row, j))}] : memref<?x{accumulator}>")
            value = narrow(f, value, accumulator, result)
            place = f.add(to_row, f.value(f"memref.load {columns}[{f.ssa(j)}] : memref<?xindex>"))
            value = self.followed(value, place, i, j, None)
            f.line(f"memref.store {value}, %result[{f.ssa(place)}] : memref<?x{written}>")

    def store_row(self, block: str, from_row: Index, to_row: Index, i: Index) -> None:
        """Write row ``i`` of a tile side by side."""
        f, lanes = self.f, self.types.lanes
        accumulator, result = self.gemm.accumulator, self.gemm.result.removeprefix("u")
        written = self.gemm.written.removeprefix("u")
        with f.loop(0, self.n, lanes) as j:
            mask = f.value(f"vector.create_mask {f.ssa(f.sub(self.n, j))} : vector<{lanes}xi1>")
            place = f"{block}[{f.ssa(f.add(from_row, j))}] : memref<?x{accumulator}>, vector<{lanes}x{accumulator}>"
            value = narrow(f, f.value(f"vector.load {place}"), accumulator, result, lanes=lanes)
            value = self.followed(value, f.add(to_row, j), i, j, mask)
            kinds = f"memref<?x{written}>, vector<{lanes}xi1>, vector<{lanes}x{written}>"
            f.line(f"vector.maskedstore %result[{f.ssa(f.add(to_row, j))}], {mask}, {value} : {kinds}")
