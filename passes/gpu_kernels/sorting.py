"""Sorts and the k largest on GPUs, stable, in O(n log^2 n): networks inside of programs, then merges of sorted runs.

Records (``sort_orders.py``) are sorted, not elements: rows that fit into a program by one launch, longer ones as runs,
which each further launch merges by twos.  The last launch moves the elements of all operands to their places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.regions import TileRegion, tile_region
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.gpu_kernels.sort_network import bitonic_merge, bitonic_sort, merge_start
from astra_mlir.passes.gpu_kernels.sort_orders import ComparedRecords, KeyRecords, Order, PackedRecords, key_bits
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.tile_builder import Tile, TileBuilder, TileFunction, block_size, cells, power_of_two
from astra_mlir.passes.tile_nests import memory_type

WHOLE = 4096  # records of one word that a program sorts: 8 of each thread of 16 warps
WIDE = 2048  # records of more
SMALL = 1024  # records of a program that has several rows
__all__ = ["Sort", "SortWriter", "by_keys"]

MOST = 1 << 31  # elements: offsets are i32


@dataclass(frozen=True)
class Sort:
    """What is sorted: arrays as outer x length x inner, a row is one (outer, inner)."""

    name: str
    operands: tuple[ir.Type, ...]
    results: tuple[ir.Type, ...]
    dimension: int
    order: Callable[[TileFunction, Sequence[ir.Value]], Order]  # of a function with the operands and what is captured
    parts: tuple[ir.Type, ...]  # of a record
    captured: tuple[ir.Type, ...] = ()
    top: int | None = None

    @property
    def shape(self) -> list[int]:
        return list(self.operands[0].shape)

    @property
    def length(self) -> int:
        return self.shape[self.dimension]

    @property
    def inner(self) -> int:
        return math.prod(self.shape[self.dimension + 1 :])

    @property
    def rows(self) -> int:
        return math.prod(self.shape) // max(1, self.length)

    @property
    def run(self) -> int:
        """Records that a program sorts."""
        return min(power_of_two(self.length), WHOLE if len(self.parts) == 1 else WIDE)

    @property
    def kept(self) -> int | None:
        """Records of each run that may be among the ``top``, where those are few."""
        return None if self.top is None or 4 * self.top > self.run else power_of_two(self.top)

    @property
    def record_buffers(self) -> list[ir.Type]:
        """Two buffers for each part, if rows are longer than a run."""
        blocks = cells(self.length, self.run)
        if blocks == 1:
            return []
        size = self.rows * blocks * (self.kept or self.run)
        return [ir.RankedTensorType.get([size], part) for _ in range(2) for part in self.parts]

    def text(self) -> str:
        types = (*self.operands, *self.captured, *self.results, *self.record_buffers)
        host = HostFunction(self.name, [buffer_type(kind) for kind in types])
        given, results = len(self.operands) + len(self.captured), len(self.results)
        numbers = list(range(len(types)))
        SortWriter(self, host, numbers[:given], numbers[given : given + results], numbers[given + results :]).write()
        return host.text()


class SortWriter:
    """Writes the launches of a sort."""

    def __init__(
        self, sort: Sort, host: HostFunction, inputs: Sequence[int], outputs: Sequence[int], records: Sequence[int]
    ) -> None:
        self.sort, self.host = sort, host
        self.inputs, self.outputs = list(inputs), list(outputs)
        half = len(records) // 2
        self.records = [list(records[:half]), list(records[half:])]

    def write(self) -> None:
        sort, run = self.sort, self.sort.run
        blocks = cells(sort.length, run)
        if blocks == 1:
            self.sort_runs(sort.length, None, None)
        elif sort.kept is None:
            self.sort_runs(sort.length, None, 0)
            self.merge(run, blocks)
        else:
            self.sort_runs(sort.length, None, 0)
            length, source = blocks * sort.kept, 0
            while length > run:
                self.sort_runs(length, source, 1 - source)
                length, source = cells(length, run) * sort.kept, 1 - source
            self.sort_runs(length, source, None)

    def sort_runs(self, length: int, source: int | None, target: int | None) -> None:
        """Sort each run of the operands' rows, or of records, into records, or into the results."""
        sort, host = self.sort, self.host
        width = min(sort.run, power_of_two(length))
        blocks, rows = cells(length, width), block_size(sort.rows, max(1, SMALL // width))
        read = self.records[source] if source is not None else []
        written = self.records[target] if target is not None else self.outputs
        arguments = [*self.inputs, *read, *written]
        function = host.tile(*arguments, warps=max(1, min(16, rows * width // 256)))
        b, pointers = function.builder, function.arguments
        order = sort.order(function, pointers)
        program = b.program_id(0)
        row = (program // blocks * rows + b.arange(rows))[:, None]
        place = program % blocks * width + b.arange(width)[None, :]
        place = b.broadcast(place, (rows, width))
        exists = row < sort.rows if sort.rows % rows else None
        inside = place < length
        mask = inside if exists is None else inside & exists
        if source is None:
            base = self.base(row)
            loads = [partial(b.load, pointer, base + place * sort.inner, mask) for pointer in pointers]
            record = order.make(b, lambda i: loads[i](), place, inside)
        else:
            given = pointers[len(self.inputs) :]
            last = [-1] * (len(read) - 1) + [(1 << 31) - 1 if len(read) > 1 else -1]  # behind all others
            record = [
                b.load(pointer, row * length + place, mask, other)
                for pointer, other in zip(given[: len(read)], last, strict=True)
            ]
        record = bitonic_sort(b, order, record)
        outs = pointers[len(pointers) - len(written) :]
        if target is None:
            self.deliver(b, order, pointers, outs, row, place, record, exists)
        else:
            keep = sort.kept or width
            at = place - program % blocks * width
            at = (row * blocks + program % blocks) * keep + at
            kept = place - program % blocks * width < keep if keep < width else None
            both = kept if exists is None else exists if kept is None else kept & exists
            for pointer, part in zip(outs, record, strict=True):
                b.store(pointer, at, part, None if both is None else b.broadcast(both, at.shape))
        host.launch(function, "sort", [cells(sort.rows, rows) * blocks], arguments)

    def merge(self, run: int, blocks: int) -> None:
        """Merge runs by twos until a row is one."""
        sort, host = self.sort, self.host
        source, length, size = 0, run, blocks * run
        grid = [sort.rows * blocks]
        symbol = None
        while 2 * length < size:
            arguments = [*self.inputs, *self.records[source], *self.records[1 - source]]
            if symbol is None:
                symbol = host.add(self.merged(arguments, run, size, last=False), "merge")
            host.repeat(symbol, grid, arguments, [length])
            source, length = 1 - source, 2 * length
        arguments = [*self.inputs, *self.records[source], *self.outputs]
        host.launch(self.merged(arguments, run, size, last=True), "merge_last", grid, arguments, [length])

    def merged(self, arguments: Sequence[int], width: int, size: int, last: bool) -> TileFunction:
        """A program writes ``width`` records of two merged runs, whose length is the scalar."""
        sort = self.sort
        function = self.host.tile(*arguments, scalars=1, warps=max(1, min(16, width // 256)))
        b, pointers = function.builder, function.arguments
        order, length = sort.order(function, pointers), b.wrap(pointers[-1])
        given = pointers[len(self.inputs) : len(self.inputs) + len(sort.parts)]
        outs = pointers[len(self.inputs) + len(sort.parts) : -1]
        program, blocks = b.program_id(0), size // width
        row, first = program // blocks, program % blocks * width
        base = row * size
        begin = first // (length * 2) * (length * 2)
        middle, end = (b.minimum(begin + length * n, b.index(size)) for n in (1, 2))
        runs, lengths = (base + begin, base + middle), (middle - begin, end - middle)

        def read(place: Tile) -> list[Tile]:
            return [b.load(pointer, b.minimum(place, base + (size - 1))) for pointer in given]

        start, stop = (
            merge_start(b, order, read, runs, lengths, first - begin + n, size) for n in (0, width)
        )  # fmt: skip
        taken = stop - start
        at = b.arange(width)[None, :]
        behind = runs[1] + (first - begin + width - stop) - 1 - (at - taken)
        source = b.select(at < taken, runs[0] + start + at, behind)
        record = [b.load(pointer, source) for pointer in given]
        record = bitonic_merge(b, order, record)
        if last:
            self.deliver(b, order, pointers, outs, row, first + at, record, None)
        else:
            for pointer, part in zip(outs, record, strict=True):
                b.store(pointer, base + first + at, part)
        return function

    def base(self, row: Tile) -> Tile:
        """Where a row of the operands begins."""
        sort = self.sort
        return (
            row // sort.inner * (sort.length * sort.inner) + row % sort.inner if sort.inner > 1 else row * sort.length
        )

    def deliver(
        self, b: TileBuilder, order: Order, operands: Sequence[ir.Value], results: Sequence[ir.Value], row: Tile,
        rank: Tile, record: Sequence[Tile], exists: Tile | None,
    ) -> None:  # fmt: skip
        """The elements of records to their ranks."""
        sort = self.sort
        count = sort.length if sort.top is None else sort.top
        place, base = order.position(b, record), self.base(row)
        mask = rank < count
        mask = b.broadcast(mask if exists is None else mask & exists, place.shape)
        if sort.top is not None:
            target = row * sort.top + rank
            b.store(results[0], target, b.load(operands[0], base + place, mask), mask)
            b.store(results[1], target, place, mask)
            return
        for operand, result in zip(operands, results, strict=False):
            moved = b.load(operand, base + place * sort.inner, mask)
            b.store(result, base + rank * sort.inner, moved, mask)


def _refuse_large(op: ir.Operation) -> None:
    if math.prod(op.operands[0].type.shape) >= MOST:
        raise UnsupportedError(f"{source_place(op.location)}: {op.name} of {MOST} elements has no kernel for GPUs")


def by_keys(
    elements: Sequence[ir.Type], descending: bool, total: bool
) -> tuple[Callable[[TileFunction, Sequence[ir.Value]], Order], tuple[ir.Type, ...]]:
    order: Order
    if len(elements) == 1 and key_bits(elements[0]) <= 32:
        order = PackedRecords(elements[0], descending, total)
    else:
        order = KeyRecords(tuple(elements), descending, total)
    return lambda function, pointers: order, tuple(order.parts)


def _by_region(
    operands: Sequence[ir.Type], length: int, less: TileRegion, memory: Sequence[ir.Type], captured: int
) -> Callable[[TileFunction, Sequence[ir.Value]], Order]:
    booleans = tuple(str(kind.element_type) == "i1" for kind in operands)

    def order(function: TileFunction, pointers: Sequence[ir.Value]) -> Order:
        b, count = function.builder, len(operands)
        scalars = [b.load(pointer, b.index(0)) for pointer in pointers[count : count + captured]]
        return ComparedRecords(tuple(memory), booleans, length, less, scalars)

    return order


@gpu_kernel_rule("sort")
def sort(op: ir.Operation) -> KernelRequest | None:
    """Sorts by known orders, and by comparators of scalars."""
    kind, dimension = value_of(op, "kind"), value_of(op, "dimension")
    operands, results = (tuple(v.type for v in values) for values in (op.operands, op.results))
    dimension += len(operands[0].shape) if dimension < 0 else 0
    _refuse_large(op)
    if any(isinstance(kind_.element_type, ir.ComplexType) for kind_ in operands):
        raise UnsupportedError(f"{source_place(op.location)}: astra.sort of complex numbers has no kernel for GPUs")
    captures: Sequence[ir.Value] = ()
    if kind == "custom":
        scalar, less = tile_region(op)
        captures = scalar.captures
        if any(str(value.type.element_type) == "i1" for value in captures):
            raise UnsupportedError(f"{source_place(op.location)}: a comparator that reads a boolean runs on no GPU")
        memory = tuple(memory_type(t.element_type, op) for t in map(buffer_type, operands))
        order = _by_region(operands, operands[0].shape[dimension], less, memory, len(captures))
        parts: tuple[ir.Type, ...] = (*memory, ir.IntegerType.get_signless(32))
        name = kernel_name("sort_custom", "gpu", dimension, scalar.name, *operands)
    else:
        keys = value_of(op, "num_keys", 1)
        order, parts = by_keys([t.element_type for t in operands[:keys]], kind == "descending", False)
        name = kernel_name("sort", "gpu", kind, dimension, keys, *operands)
    captured = tuple(value.type for value in captures)
    work = Sort(name, operands, results, dimension, order, parts, captured)
    outs = [Out(t) for t in results]
    return KernelRequest(name, [*op.operands, *captures], outs, work.text, work.record_buffers)


@gpu_kernel_rule("top_k")
def top_k(op: ir.Operation) -> KernelRequest | None:
    """The first k of a row in descending order, or ascending."""
    operand, results = op.operands[0].type, tuple(v.type for v in op.results)
    k, largest = value_of(op, "k"), value_of(op, "largest")
    _refuse_large(op)
    name = kernel_name("top_k", "gpu", operand, k, largest)
    order, parts = by_keys([operand.element_type], largest, True)
    work = Sort(name, (operand,), results, len(operand.shape) - 1, order, parts, top=k)
    return KernelRequest(name, [op.operands[0]], [Out(t) for t in results], work.text, work.record_buffers)
