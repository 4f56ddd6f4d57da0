"""Matrix products as the kernels see them, and their schedules: tiles, packing and tasks.

``contraction.py`` and ``convolution.py`` describe what they compute as a :class:`Gemm`: for each batch index, every
element of the result is a sum over k of ``lhs[m, k] * rhs[n, k]``, where the place of an element in an operand is a
sum of strides, one per collapsed dimension.  So a transposed operand, several contracting dimensions or the
overlapping windows of a convolution are strides, not copies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from astra_mlir import tuned_choices
from astra_mlir.passes.kernel_rules.epilogue import Epilogue
from astra_mlir.passes.kernel_rules.gemm_formats import format_of
from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes, bits_of
from astra_mlir.passes.kernel_rules.gemm_levels import Level
from astra_mlir.passes.kernel_rules.gemm_packing import block_side
from astra_mlir.passes.kernel_rules.gemm_program import TASK_WORK, packing_text, program_text
from astra_mlir.passes.target import Target, round_up

__all__ = ["Gemm", "GemmSchedule", "choices_near", "name_of", "schedule_gemm", "with_choice"]

# Steps, or groups of narrow ones, of a packed block: a panel of 8 rows is 8 KiB, one of 32 columns 32 KiB in f32.
DEPTH = 256
MIN_ROWS = 128  # rows for which the right operand is packed in each task: packing costs about as much as 4 of them
MAX_COLUMNS = 512  # columns of a task
STACK_BYTES = 128 * 1024  # for each packed block that lives on the stack


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
    result_base: int = 0
    result_m: tuple[Level, ...] = ()  # (size, stride in the result) of rows that are not row_stride apart
    result_n: tuple[Level, ...] = ()  # and of columns that are not side by side
    rhs_overlaps: bool = False  # the right operand is a window over an array that is much smaller
    is_swapped: bool = False  # lhs is the right operand of the operation
    stored: str = ""  # the element type that an epilogue makes of the result's, where that is another

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

    @property
    def is_staged(self) -> bool:
        """Whether tiles are finished in a block beside the result: elements are narrowed, or not in rows."""
        return self.written != self.accumulator or bool(self.result_m or self.result_n)

    @property
    def written(self) -> str:
        """The element type of the array that is written."""
        return self.stored or self.result

    def swapped(self) -> Gemm:
        """The transposed product (the same memory where the rows or the columns are one)."""
        return replace(
            self, lhs=self.rhs, rhs=self.lhs, m=self.n, n=self.m,
            batch=tuple((size, b, a, c) for size, a, b, c in self.batch),
            k=tuple((size, b, a) for size, a, b in self.k),
            bases=(self.bases[1], self.bases[0]),
            is_swapped=not self.is_swapped,
        )  # fmt: skip


def _even_tile(total: int, largest: int, multiple: int) -> int:
    """A tile of at most ``largest`` that divides ``total`` into tiles of nearly equal size."""
    return round_up(-(-total // -(-total // largest)), multiple)


@dataclass(frozen=True)
class GemmSchedule:
    """How a :class:`Gemm` is run on a target."""

    gemm: Gemm
    types: GemmTypes
    tile_rows: int
    tile_columns: int
    depth: int  # steps of a block, at most DEPTH groups
    segments: int  # innermost k levels in a block (more than one where they are short)
    pack_lhs: bool
    pack_rhs: str  # "no", "tile" (in each task), "ahead" (once, into scratch) or "before" (by another kernel)
    tiles: tuple[int, int, int]  # batches, tiles of rows, tiles of columns
    group: int  # tiles of a task
    accumulate: bool = False  # add to what the result holds
    epilogue: Epilogue | None = None  # what is computed of a finished tile
    tuned: bool = False  # chosen by measuring

    @property
    def scratch(self) -> tuple[int, ...]:
        """Accumulator elements of each scratch array: the packed right operand, if that is packed ahead."""
        if self.pack_rhs != "ahead":
            return ()
        return (self.packed_elements,)

    @property
    def panels(self) -> int:
        """Panels of the right operand."""
        return -(-self.gemm.sizes[2] // self.types.columns)

    @property
    def panel_elements(self) -> int:
        """Elements of a panel with all steps."""
        inner = self.gemm.k[-1][0] if self.gemm.k else 1
        return self.gemm.sizes[3] // inner * -(-inner // self.types.group) * self.types.columns

    @property
    def block_columns(self) -> int:
        """Columns of the right operand that are packed at a time in a task."""
        return _block_columns(self.types)

    def way_of_packing(self, side: int) -> str:
        """How the functions of ``gemm_packing.py`` read an operand that is packed (``side`` 0: lhs, 1: rhs).

        ``"copy"``: its lanes are side by side in memory; ``"blocks"``: its steps are; ``"any"``: looked at panel by
        panel.
        """
        gemm, types = self.gemm, self.types
        levels, width = ((gemm.m, types.rows), (gemm.n, types.columns))[side]
        if types.format is None and len(levels) == 1 and levels[0][1] == 1:
            return "copy"
        inner = gemm.k[-1] if gemm.k else (1, 1, 1)
        fewest = inner[0] if self.segments > 1 or inner[0] % self.depth == 0 else inner[0] % self.depth
        in_blocks = levels and levels[-1][1] > 1 and inner[side + 1] == 1 and fewest >= block_side(types, width)
        return "blocks" if in_blocks and types.format is None else "any"

    def needs_table(self, side: int) -> bool:
        """Whether tiles need the places of their rows or columns in an operand."""
        is_packed = (self.pack_lhs, self.pack_rhs == "tile")[side]
        return self.way_of_packing(side) != "copy" if is_packed else side == 0

    # The sizes of stack arrays are those of the largest tile, so that schedules can share functions.

    @property
    def largest_rows(self) -> int:
        is_short = self.pack_lhs or self.gemm.is_staged
        return round_up(_largest_rows(self.types, is_short), self.types.rows)

    @property
    def largest_columns(self) -> int:
        return max(MAX_COLUMNS, self.types.columns)

    @property
    def lhs_block_elements(self) -> int:
        return self.largest_rows * DEPTH + self.types.lanes

    @property
    def rhs_block_elements(self) -> int:
        return self.block_columns * DEPTH

    @property
    def result_block_elements(self) -> int:
        return self.largest_rows * max(
            _stack_elements(self.types) // _largest_rows(self.types, True), self.types.columns
        )

    @property
    def packed_elements(self) -> int:
        """Elements of the packed right operand, all its panels."""
        return self.gemm.sizes[0] * self.panels * self.panel_elements

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str, others: Sequence[str] = ()) -> str:
        """The functions: ``@name(lhs, rhs[, others], result[, scratch])`` on memrefs of the given types, and all that
        it calls; others are operands of the epilogue."""
        return program_text(self, name, lhs_type, rhs_type, result_type, others)

    def packing_text(self, name: str, rhs_type: str, packed_type: str) -> str:
        """The functions: ``@name(rhs, packed)`` makes what a product that is packed before takes as right operand."""
        return packing_text(self, name, rhs_type, packed_type)


def _largest_rows(types: GemmTypes, is_short: bool) -> int:
    """Rows of which a task reads ``DEPTH`` steps at a time: packed ones are a quarter of the second-level cache, which
    panels of the right operand pass through; those that are read where they lie are half of it."""
    part = 4 if is_short else 2
    return max(MIN_ROWS, types.target.l2_bytes * 8 // (part * DEPTH * bits_of(types.accumulator)))


def _block_columns(types: GemmTypes) -> int:
    return max(_stack_elements(types) // DEPTH, types.columns)


def _stack_elements(types: GemmTypes) -> int:
    return STACK_BYTES * 8 // bits_of(types.accumulator)


def schedule_gemm(gemm: Gemm, target: Target, *, accumulate: bool = False, packed_before: bool = False) -> GemmSchedule:
    """The schedule; it depends on shapes and target only, so that results do not depend on the number of threads, or on
    what was measured to be faster for them.

    With ``accumulate``, products are added to what the result holds; its elements must have the accumulator's type.
    With ``packed_before``, another kernel packs the right operand, once for many products.
    """
    batches, rows, columns, steps = gemm.sizes
    types = GemmTypes(gemm.accumulator, target, format=format_of(gemm.lhs, gemm.rhs, gemm.accumulator, target))
    types = replace(types, narrow=columns <= types.lanes)
    inner = gemm.k[-1] if gemm.k else (1, 1, 1)
    inner_groups = -(-inner[0] // types.group)
    segments = DEPTH // inner_groups if inner_groups <= DEPTH // 2 else 1
    segments = min(segments, steps // inner[0])
    depth = _even_tile(inner[0], DEPTH * types.group, 8)

    pack_lhs = not (gemm.lhs == gemm.accumulator and inner[1] == 1 and segments == 1)
    largest_rows = _largest_rows(types, pack_lhs or gemm.is_staged)
    pack_rhs = "before" if packed_before else _pack_rhs(gemm, types, segments, largest_rows)

    largest_columns = MAX_COLUMNS
    if gemm.is_staged:
        largest_columns = min(largest_columns, _stack_elements(types) // largest_rows)
    tile_rows = _even_tile(rows, largest_rows, types.rows)
    tile_columns = _even_tile(columns, max(largest_columns, types.columns), types.columns)
    # more tiles than keep the cores busy would cost more packing
    while (
        _tile_count(gemm, tile_rows, tile_columns) < target.tasks and tile_rows * tile_columns * steps >= 2 * TASK_WORK
    ):
        # what is packed in a task is packed again in each task beside it: fewer columns cost packing of the left
        # operand, fewer rows that of the right one
        if not pack_lhs and tile_rows > max(tile_columns, MIN_ROWS):  # both are read less often by square tiles
            tile_rows = round_up(tile_rows // 2, types.rows)
        elif tile_columns >= 2 * (max(tile_rows, types.columns) if pack_lhs else 2 * types.columns):
            tile_columns = round_up(tile_columns // 2, types.columns)
        elif tile_rows >= 2 * types.rows and (pack_rhs != "tile" or tile_rows > MIN_ROWS):
            tile_rows = round_up(tile_rows // 2, types.rows)
        elif tile_columns >= 2 * types.columns:
            tile_columns = round_up(tile_columns // 2, types.columns)
        else:
            break
    tiles = (batches, -(-rows // tile_rows), -(-columns // tile_columns))
    group = max(1, TASK_WORK // (tile_rows * tile_columns * steps))
    schedule = GemmSchedule(
        gemm, types, tile_rows, tile_columns, depth, segments, pack_lhs, pack_rhs, tiles, group, accumulate
    )  # fmt: skip
    if not tuned_choices.any_for(target.name):
        return schedule
    choice = tuned_choices.choice_for(target.name, name_of(schedule), schedule)
    return (choice and with_choice(schedule, choice)) or schedule


def name_of(schedule: GemmSchedule) -> str:
    """What choices for a product are kept under: its types and sizes for readers, and a hash of all that it is."""
    gemm, before = schedule.gemm, schedule.pack_rhs == "before"
    digest = hashlib.sha256(repr((gemm, schedule.accumulate, before)).encode()).hexdigest()
    return f"{gemm.lhs} x {gemm.rhs} -> {gemm.result}, {' x '.join(map(str, gemm.sizes))} {digest[:12]}"


CHOSEN = ("tile_rows", "tile_columns", "pack_lhs", "pack_rhs")


def with_choice(schedule: GemmSchedule, choice: tuned_choices.Choice) -> GemmSchedule | None:
    """The schedule with other tiles and packing; ``None`` for what its product has no such schedule for.

    Steps are summed in the same order, so results have the same bits.
    """
    try:
        rows, columns, pack_lhs, pack_rhs = (choice[name] for name in CHOSEN)
    except KeyError:
        return None
    gemm, types = schedule.gemm, schedule.types
    if not (type(rows) is type(columns) is int and type(pack_lhs) is bool) or (schedule.pack_lhs and not pack_lhs):
        return None
    largest_rows = _largest_rows(types, pack_lhs or gemm.is_staged)
    largest_columns = min(MAX_COLUMNS, _stack_elements(types) // largest_rows) if gemm.is_staged else MAX_COLUMNS
    if not (0 < rows <= round_up(largest_rows, types.rows) and rows % types.rows == 0):
        return None
    if not (0 < columns <= max(largest_columns, types.columns) and columns % types.columns == 0):
        return None
    if pack_rhs != schedule.pack_rhs and (schedule.pack_rhs == "before" or pack_rhs not in _ways_of_packing(schedule)):
        return None
    batches, all_rows, all_columns, steps = gemm.sizes
    tiles = (batches, -(-all_rows // rows), -(-all_columns // columns))
    group = max(1, TASK_WORK // (rows * columns * steps))
    return replace(
        schedule, tile_rows=rows, tile_columns=columns, pack_lhs=pack_lhs, pack_rhs=pack_rhs, tiles=tiles, group=group,
        tuned=True,
    )  # fmt: skip


def choices_near(schedule: GemmSchedule) -> Iterator[dict[str, Any]]:
    """Choices that differ from a schedule's in one thing."""
    now = {name: getattr(schedule, name) for name in CHOSEN}
    for rows in (schedule.tile_rows // 2, 2 * schedule.tile_rows):
        yield now | {"tile_rows": max(schedule.types.rows, round_up(rows, schedule.types.rows))}
    for columns in (schedule.tile_columns // 2, 2 * schedule.tile_columns):
        yield now | {"tile_columns": max(schedule.types.columns, round_up(columns, schedule.types.columns))}
    for way in _ways_of_packing(schedule):
        yield now | {"pack_rhs": way}
    yield now | {"pack_lhs": True}


def _ways_of_packing(schedule: GemmSchedule) -> list[str]:
    """How the right operand may be packed."""
    in_place = _is_plain(schedule.gemm, schedule.types) and schedule.segments == 1
    return ["tile", *(["no"] if in_place else []), *([] if schedule.gemm.rhs_overlaps else ["ahead"])]


def _is_plain(gemm: Gemm, types: GemmTypes) -> bool:
    """Whether the right operand may be read where it lies: whole panels, columns side by side."""
    return (
        gemm.rhs == gemm.accumulator and gemm.sizes[2] % types.columns == 0 and len(gemm.n) == 1 and gemm.n[0][1] == 1
    )


def _pack_rhs(gemm: Gemm, types: GemmTypes, segments: int, largest_rows: int) -> str:
    """How the right operand is packed."""
    batches, rows, columns, steps = gemm.sizes
    element_bytes = bits_of(types.accumulator) // 8
    in_place = segments == 1 and _is_plain(gemm, types)
    if in_place and (rows <= types.rows or columns * steps * element_bytes <= 2 * types.target.l1_bytes):
        return "no"
    # once for all rows where they are many and it stays in the last cache; the pieces of a large one in each task
    packed_bytes = batches * round_up(columns, types.columns) * steps * element_bytes // types.group
    return (
        "ahead"
        if rows > 4 * largest_rows and packed_bytes <= types.target.l3_bytes // 16 and not gemm.rhs_overlaps
        else "tile"
    )


def _tile_count(gemm: Gemm, tile_rows: int, tile_columns: int) -> int:
    batches, rows, columns, _ = gemm.sizes
    return batches * -(-rows // tile_rows) * -(-columns // tile_columns)
