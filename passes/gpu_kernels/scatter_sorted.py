"""Scatters of many updates on GPUs in a fixed order: updates are sorted by their places, runs of one place combined.

An *entry* is a window, whose place is where it begins, or, where windows may overlap, each of its elements.  A program
combines a chunk of entries by a segmented scan, whose tree only their number determines.  Places that are whole inside
of the chunk are applied to the target; what goes on in the chunk before or behind becomes one entry, at most two of a
chunk, for the next launch, until one chunk is left.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu_kernels.cumulative import wide
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type
from astra_mlir.passes.gpu_kernels.scatter_form import Combining, Scatter, Windows
from astra_mlir.passes.gpu_kernels.sorting import Sort, SortWriter, by_keys
from astra_mlir.passes.tile_builder import Tile, TileBuilder, block_size, cells

__all__ = ["SortedScatter"]

ENTRIES = 1024  # whose places a program computes
TILE = 1024  # elements of a chunk
COLUMNS = 64  # of a chunk
LEAST = 32  # entries of a chunk
NOWHERE = -1  # the place of an entry that is outside, the largest unsigned number


def _neutral(kind: str, element: ir.Type) -> float | int:
    """What changes nothing when combined."""
    if kind in ("add", "multiply"):
        return (-0.0 if isinstance(element, ir.FloatType) else 0) if kind == "add" else 1
    largest = kind == "minimum"
    if isinstance(element, ir.FloatType):
        return float("inf") if largest else float("-inf")
    if element.width == 1:
        return int(largest)
    if element.is_unsigned:
        return -1 if largest else 0
    return (1 << (element.width - 1)) - 1 if largest else -(1 << (element.width - 1))


class SortedScatter:
    """One scatter: its buffers and launches."""

    def __init__(self, name: str, form: Scatter, types: Sequence[ir.Type]) -> None:
        self.name, self.form, self.types = name, form, types
        self.alone = form.overlaps  # each element is an entry
        self.entries = form.count * form.window if self.alone else form.count
        self.width = 1 if self.alone else form.window
        self.columns = block_size(self.width, COLUMNS)
        self.chunk = max(LEAST, TILE // self.columns)
        i32, u32 = ir.IntegerType.get_signless(32), ir.IntegerType.get_unsigned(32)
        places = ir.RankedTensorType.get([self.entries], u32)
        order, parts = by_keys([u32], False, False)
        order_out = ir.RankedTensorType.get([self.entries], i32)
        self.sort = Sort(name, (places,), (places, order_out), 0, order, parts, top=self.entries)
        self.scratch = [places, places, order_out, *self.sort.record_buffers]
        self.levels: list[tuple[int, int, int]] = []  # entries of a launch, the buffers of what it leaves
        count, memory = self.entries, self._memory()
        while form.kind != "update" and count > self.chunk:
            left = 2 * cells(count, self.chunk)
            first = 3 + len(self.scratch)
            self.scratch += [ir.RankedTensorType.get([left], i32), ir.RankedTensorType.get([left, self.width], memory)]
            self.levels.append((count, first, first + 1))
            count = left
        self.last = count

    def _memory(self) -> ir.Type:
        """The type in which partial results lie."""
        element = self.types[2].element_type
        if isinstance(element, ir.FloatType):
            return ir.F32Type.get() if element.width < 32 else element
        return ir.IntegerType.get_signless(max(8, element.width))

    def text(self) -> str:
        host = HostFunction(self.name, [buffer_type(kind) for kind in (*self.types, *self.scratch)])
        unsorted, places, order, records = 3, 4, 5, len(self.sort.record_buffers)
        self._write_places(host, unsorted)
        SortWriter(
            self.sort, host, [unsorted], [places, order], list(range(6, 6 + records))
        ).write()  # fmt: skip
        keys, values = places, None
        for count, next_keys, next_values in self.levels:
            self._combine(host, count, keys, values, (next_keys, next_values))
            keys, values = next_keys, next_values
        self._combine(host, self.entries if self.form.kind == "update" else self.last, keys, values, None)
        return host.text()

    def _write_places(self, host: HostFunction, out: int) -> None:
        """The place of each entry."""
        function = host.tile(0, 1, 2, out)
        b, form = function.builder, self.form
        block = block_size(self.entries, ENTRIES)
        entry = b.program_id(0) * block + b.arange(block)
        number = entry // form.window if self.alone else entry
        windows = Windows(function, form, self.types, entry % form.window if self.alone else entry * 0)
        begins = windows.begins(number)
        place = windows.place(windows.begin(begins)) if self.alone else windows.row(begins)
        inside = b.broadcast(windows.fits(begins), entry.shape)
        place = b.select(inside, b.broadcast(place, entry.shape), NOWHERE)
        b.store(function.arguments[3], entry, place, entry < self.entries)
        host.launch(function, "scatter_places", [cells(self.entries, block)], [0, 1, 2, out])

    def _combine(
        self, host: HostFunction, count: int, keys: int, values: int | None, left: tuple[int, int] | None
    ) -> None:
        """Combine chunks of sorted entries: of updates, or (``values``) of what launches before have left."""
        form, columns, width = self.form, self.columns, self.width
        chunk = self.chunk if left is not None else max(block_size(count, self.chunk), 1)
        updates = form.kind == "update"
        source = 5 if values is None else values  # the entries' numbers, or values
        arguments = [0, 1, 2, keys, source, *(left or ())]
        function = host.tile(*arguments)
        b = function.builder
        key_pointer, source_pointer, *left_pointers = function.arguments[3:]
        blocks, pid = cells(width, columns), b.program_id(0)
        first = pid // blocks * chunk
        entry = (first + b.arange(chunk))[:, None]
        column = (pid % blocks * columns + b.arange(columns))[None, :]
        shape = (chunk, columns)
        exists = entry < count
        key = b.load(key_pointer, entry, exists, NOWHERE)
        before = b.load(key_pointer, b.maximum(entry - 1, 0), exists & (entry > 0), NOWHERE)
        after = b.load(key_pointer, entry + 1, entry + 1 < count, NOWHERE)
        starts, ends = key.ne(before) | entry.eq(0), key.ne(after) | entry.eq(count - 1)
        wanted = b.broadcast(exists, shape)
        if width % columns:
            wanted = wanted & (column < width)
        inside = wanted & b.broadcast(key.ne(NOWHERE), shape)
        windows = self._windows(function, column, entry)
        element = self.types[2].element_type
        combining = Combining(form.kind, element)
        if values is None:
            number = b.load(source_pointer, entry, exists)
            own = windows if not self.alone else self._windows(function, number % form.window, entry)
            update = b.broadcast(own.update(number // form.window if self.alone else number), shape)
            stored = b.load(windows.updates, update, wanted)
        else:
            stored = b.load(source_pointer, entry * width + column, wanted)
        begin = key if self.alone else windows.of_row(b.maximum(key, 0))
        place = b.broadcast(begin if self.alone else windows.place(begin), shape)
        if updates:
            b.store(windows.target, place, stored, inside & b.broadcast(ends, shape))
            host.launch(function, "scatter_last", [cells(count, chunk) * blocks], arguments)
            return
        value = stored.ne(0) if combining.is_bool else b.convert(stored, wide(stored.element, b))
        value = b.select(wanted, value, b.full(shape, _neutral(form.kind, element), value.element))

        def segment(inner: TileBuilder, x: list[Tile], y: list[Tile]) -> list[Tile]:
            return [inner.select(y[1], y[0], combining.both(inner, x[0], y[0])), x[1] | y[1]]

        total, started = b.scan([value, b.broadcast(starts, shape)], 0, segment)
        whole = b.broadcast(ends, shape) & started & inside
        old = combining.value(b, b.load(windows.target, place, whole))
        memory = windows.target.type.element_type
        b.store(windows.target, place, combining.stored(b, combining.both(b, old, total), memory), whole)
        if left is not None:
            self._leave(b, left_pointers, pid // blocks, entry, column, first, total, started, key, ends, count, chunk)
        host.launch(function, "scatter_chunks", [cells(count, chunk) * blocks], arguments)

    def _windows(self, function: object, position: Tile, entry: Tile) -> Windows:
        return Windows(function, self.form, self.types, position)  # type: ignore[arg-type]

    def _leave(
        self, b: TileBuilder, pointers: Sequence[ir.Value], chunk_number: Tile, entry: Tile, column: Tile, first: Tile,
        total: Tile, started: Tile, key: Tile, ends: Tile, count: int, chunk: int,
    ) -> None:  # fmt: skip
        """What began before the chunk, up to its end in it, and what ends behind the chunk: two entries."""
        shape, combining = total.shape, Combining(self.form.kind, self.types[2].element_type)
        keys, values = pointers
        memory = values.type.element_type
        last = b.minimum(first + (chunk - 1), count - 1)
        is_last = b.broadcast(entry.eq(last), shape)
        ends = b.broadcast(ends, shape)
        head = (started ^ 1) & (ends | is_last)  # the first segment, begun before, where it ends or the chunk does
        tail = started & is_last & (ends ^ 1)
        inside = b.broadcast(column < self.width, shape) & b.broadcast(entry < count, shape)
        neutral = b.full(shape, _neutral(self.form.kind, self.types[2].element_type), total.element)
        some_head, some_tail = (
            b.reduce([(part & inside).to(b.i32)], 0, lambda inner, x, y: [x[0] | y[0]])[0].ne(0)[None, :]
            for part in (head, tail)
        )
        key = b.broadcast(key, shape)
        for number, (part, some, other, other_some) in enumerate(
            ((head, some_head, tail, some_tail), (tail, some_tail, head, some_head))
        ):
            slot = chunk_number * 2 + number
            offsets = b.broadcast(slot * self.width + column, shape)
            stored = combining.stored(b, total, memory)
            empty = combining.stored(b, neutral, memory)
            b.store(values, offsets, stored, part & inside)
            b.store(values, offsets, empty, is_last & inside & b.broadcast(some ^ 1, shape))
            place = b.broadcast(slot, shape)
            leader = inside & b.broadcast(column.eq(0), shape)
            b.store(keys, place, key, leader & part)
            b.store(keys, place, key, leader & other & b.broadcast(some ^ 1, shape))
            nothing = b.broadcast((some | other_some) ^ 1, shape)
            b.store(keys, place, b.full(shape, NOWHERE, b.i32), leader & is_last & nothing)
