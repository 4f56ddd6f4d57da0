"""``astra-kernels-to-loops``: the linalg operations of each kernel become scf loops over scalar loads and stores.

``loop_schedule.py`` decides the order of the loops; this module emits them.  The shared outer loops of a kernel are cut
into tasks of about ``TASK_NANOSECONDS`` (an ``scf.forall``; a kernel with less work than two tasks stays serial).  The
cut depends on shapes only, never on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.gathered_rows import GatheredRow, contiguous_load, fetch_ahead, gathered_rows
from astra_mlir.passes.loop_body import Number, Position, clone_at, for_loop, loop_annotation
from astra_mlir.passes.loop_schedule import TILE, Loop, Schedule, ScheduledNest
from astra_mlir.passes.memref_utils import Builder, byte_width, is_sub_byte, load_element, store_element
from astra_mlir.passes.schedules import attach_schedule
from astra_mlir.passes.small_kernels import SmallKernel
from astra_mlir.passes.stream_stores import (
    Read,
    can_stream,
    cut_for_streams,
    fence,
    is_aligned,
    read_elements,
    stream,
    stream_buffer,
)  # fmt: skip
from astra_mlir.passes.vector_transpose import EDGE, can_transpose, transpose_block

__all__ = ["KernelsToLoops"]

TASK_NANOSECONDS = 25_000.0  # long against the few hundred nanoseconds of handing out a task
MAX_TASKS = 512
TASK_MULTIPLE = 1024  # a task that is cut from an innermost loop begins and ends on a page, so every vector is aligned
# Iterations of a vectorized loop that run side by side, by how many operations one has: enough to hide the latency of
# an addition or a load, few enough that values stay in registers (row sums of 4M on Zen 4: 1 to 4 side by side, 1.3x).
INTERLEAVED = ((4, 4), (12, 2))
FUNCTION_OPERATIONS = 12  # what an elementary function becomes
FREE = ("linalg.yield", "linalg.index", "arith.constant", "arith.index_cast", "arith.bitcast")


class _KernelEmitter:
    def __init__(self, func: ir.Operation) -> None:
        self.func = func
        self.body = func.regions[0].blocks[0]
        self.schedule = Schedule(func)
        self.nests = self.schedule.nests
        self.shared = self.schedule.shared
        self.local_spans = self.schedule.local_spans
        self.vector_bits = self.schedule.target.vector_bits
        self.streams = self.find_streams()
        self.rows = self.find_rows()
        self.aligned: dict[ir.Value, ir.Value] = {}  # for each streamed buffer, whether it begins on a line
        self.views: dict[ir.Value, ir.Value] = {}  # row buffers of the current task
        self.tasks = "serial"
        self.known: dict[tuple[object, ...], ir.Value] = {}  # values at addresses of the shared loops

    def run(self) -> None:
        if not self.nests:
            return
        last = self.body.operations[len(self.body.operations) - 1].operation
        builder = Builder(ir.InsertionPoint(last), self.func.location)
        self.emit_tasks(builder, self.schedule.shared_loops)
        for op in reversed(list(self.body.operations)):
            name = op.operation.name
            if name == "linalg.generic" or (
                name == "memref.reinterpret_cast" and not list(op.operation.results[0].uses)
            ):
                op.operation.erase()
        del self.func.attributes["astra.shared_loops"]
        attach_schedule(self.func, self.described())

    def described(self) -> str:
        """The schedule for readers: the loops of each nest, those that are shared before the bar."""
        nests = []
        for item in self.nests:
            sizes = [f"{loop.extent}{'' if loop.parallel else ' reduced'}" for loop in item.loops]
            outer, inner = sizes[: self.shared], sizes[self.shared :]
            rows = f", {item.rows.extent} rows at a time" if item.rows else ""
            staged = ", through a buffer" if item.staged is not None else ""
            nests.append(f"{' x '.join(outer)} | {' x '.join(inner)}{rows}{staged}")
        return f"{'; '.join(nests)}; {self.tasks}"

    def find_streams(self) -> dict[int, list[int]]:
        """For the nests, by identity, the outputs that are stored past the cache; their innermost loops are cut."""
        if "astra.streamed" not in self.func.attributes:
            return {}
        arguments = [self.body.arguments[i] for i in self.func.attributes["astra.streamed"]]
        found = {}
        for item in self.nests:
            outputs = range(item.nest.inputs, len(item.flats))
            numbers = [n for n in outputs if item.flats[n] in arguments and can_stream(item, n)]
            if numbers and (len(self.nests) == 1 or len(item.loops) > self.shared):
                cut_for_streams(item)
                self.schedule.shared = self.shared = min(self.shared, len(item.loops) - 1)
                found[id(item)] = numbers
        del self.func.attributes["astra.streamed"]
        return found

    def find_rows(self) -> dict[int, list[GatheredRow]]:
        """For the nests, by identity, the rows that they fetch ahead; the innermost loop is not shared then."""
        found = {}
        written = [flat for item in self.nests for flat in item.flats[item.nest.inputs :]]
        for item in self.nests:
            rows = gathered_rows(item, written, self.schedule.target.l2_bytes)
            if rows and (len(self.nests) == 1 or len(item.loops) > self.shared):
                self.schedule.shared = self.shared = min(self.shared, len(item.loops) - 1)
                found[id(item)] = rows
        return found

    # -- emission ---------------------------------------------------------------------------------------------

    def emit_tasks(self, builder: Builder, shared: list[Loop]) -> None:
        """The shared loops, cut into tasks when there is enough work."""
        for item in self.nests:
            for number in self.streams.get(id(item), ()):
                self.aligned[item.flats[number]] = is_aligned(builder, item.flats[number])
        wanted = min(MAX_TASKS, int(self.schedule.cost() / TASK_NANOSECONDS))
        total = math.prod(loop.extent for loop in shared)
        if wanted < 2 or total < 2:
            self.emit_serial(builder, 0, [])
            if self.streams:
                fence(builder)
            return
        depth = 0
        rows = 1
        while depth < len(shared) and rows < wanted:
            rows *= shared[depth].extent
            depth += 1
        before = rows // shared[depth - 1].extent
        blocks = min(shared[depth - 1].extent, -(-wanted // before))
        size = -(-shared[depth - 1].extent // blocks)
        if depth == self.shared and size > 2 * TASK_MULTIPLE and self.interleaved_leaf(depth, size):
            size -= size % -TASK_MULTIPLE
        blocks = -(-shared[depth - 1].extent // size)
        self.tasks = f"{before * blocks} tasks"
        forall = builder.op(
            "scf.forall",
            (),
            (),
            {
                "staticLowerBound": ir.DenseI64ArrayAttr.get([0]),
                "staticUpperBound": ir.DenseI64ArrayAttr.get([before * blocks]),
                "staticStep": ir.DenseI64ArrayAttr.get([1]),
                "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0, 0, 0]),
            },
            regions=1,
        )
        block = forall.regions[0].blocks.append(builder.index, arg_locs=[builder.loc])
        terminator = ir.Operation.create(
            "scf.forall.in_parallel", regions=1, loc=builder.loc, ip=ir.InsertionPoint(block)
        )
        terminator.regions[0].blocks.append()
        inside = Builder(ir.InsertionPoint(terminator), builder.loc)
        self.move_locals(inside)
        task: Number = block.arguments[0]
        rest: Number = inside.binary("divui", task, inside.constant(blocks)) if blocks > 1 else task
        number: Number = inside.binary("remui", task, inside.constant(blocks)) if blocks > 1 else 0
        variables: list[Number] = []
        for loop in reversed(shared[: depth - 1]):
            variables.insert(
                0, inside.binary("remui", rest, inside.constant(loop.extent)) if before > loop.extent else rest
            )
            rest = inside.binary("divui", rest, inside.constant(loop.extent)) if before > loop.extent else rest
        low = inside.mul(number, size)
        high = inside.add(low, size)
        if shared[depth - 1].extent % size:
            high = inside.binary("minui", inside.value(high), inside.constant(shared[depth - 1].extent))
        side_by_side = self.interleaved_leaf(depth, size)
        for_loop(
            inside,
            low,
            high,
            lambda body, variable: self.emit_serial(body, depth, [*variables, variable]),
            side_by_side,
        )
        if self.streams:
            fence(inside)

    def emit_serial(self, builder: Builder, depth: int, variables: list[Number]) -> None:
        """The shared loops from ``depth`` on, then the nests."""
        if depth == 0:
            self.move_locals(builder)
        if depth < self.shared:
            extent = self.nests[0].loops[depth].extent
            for_loop(
                builder,
                0,
                extent,
                lambda body, variable: self.emit_serial(body, depth + 1, [*variables, variable]),
                self.interleaved_leaf(depth + 1, extent),
            )
            return
        self.known = {}
        for item in self.nests:
            pairs = list(zip(item.loops[: self.shared], variables, strict=True))
            addresses: list[Number] = []
            for number, constant in enumerate(item.constants):
                address: Number = constant
                for loop, variable in pairs:
                    address = builder.add(address, builder.mul(variable, loop.steps[number]))
                addresses.append(address)
            self.emit_nest(item, Position(builder, pairs, addresses))

    def move_locals(self, builder: Builder) -> None:
        """Allocate each task's row buffers."""
        for flat, span in self.local_spans.items():
            kind = ir.MemRefType.get([span], flat.type.element_type)
            attributes = {"operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0])}
            self.views[flat] = builder.op("memref.alloca", (), (kind,), attributes).results[0]

    def interleaved(self, item: ScheduledNest, extent: int) -> int:
        """How many iterations of a nest's innermost, vectorized loop should run side by side."""
        kinds = [flat.type.element_type for flat in item.flats if flat is not None]
        if not kinds:
            return 1
        lanes = max(1, self.vector_bits // (8 * max(byte_width(kind) for kind in kinds)))
        operations = _operations(item.nest.op.regions[0].blocks[0]) * (item.rows.extent if item.rows else 1)
        wanted = next((count for limit, count in INTERLEAVED if operations <= limit), 1)
        while wanted > 1 and extent < 2 * wanted * lanes and extent % (wanted * lanes):
            wanted //= 2
        return wanted

    def interleaved_leaf(self, depth: int, extent: int) -> int:
        """The same for a shared loop, the one before ``depth``, where it is innermost."""
        if depth < self.shared or any(len(item.loops) > self.shared for item in self.nests):
            return 0
        return min(self.interleaved(item, extent) for item in self.nests)

    def stage(self, item: ScheduledNest, position: Position) -> tuple[ScheduledNest, Position]:
        """Copy the block of the staged access into a buffer; returns the nest and position that read it from there."""
        number = item.staged
        assert number is not None
        read, written = item.loops[-2:]
        builder = position.builder
        kind = ir.MemRefType.get([TILE * TILE], item.flats[number].type.element_type)
        attributes = {"operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0])}
        buffer = builder.op("memref.alloca", (), (kind,), attributes).results[0]
        steps = {id(read): TILE, id(written): 1}

        def copy(at: Position) -> None:
            value = self.load(item, at, number)
            address: Number = 0
            for loop, variable in at.variables:
                address = at.builder.add(address, at.builder.mul(variable, steps.get(id(loop), 0)))
            store_element(at.builder, value, buffer, at.builder.value(address))

        source = self.flat(number, item)
        if can_transpose(source.type.element_type) and all(loop.whole % EDGE == 0 for loop in (read, written)):
            self.stage_in_registers(item, position, source, buffer)
        else:
            self.walk(item, position, [written, read], copy)
        loops = list(item.loops)
        for i in (-2, -1):
            loops[i] = replace(
                loops[i], steps=[steps[id(loops[i])] if n == number else s for n, s in enumerate(loops[i].steps)]
            )
        flats = [buffer if n == number else flat for n, flat in enumerate(item.flats)]
        addresses: list[Number] = [0 if n == number else a for n, a in enumerate(position.addresses)]
        return ScheduledNest(item.nest, loops, flats, item.constants, item.uses_index), Position(
            builder, position.variables, addresses
        )

    def stage_in_registers(self, item: ScheduledNest, position: Position, source: ir.Value, buffer: ir.Value) -> None:
        """Bring a block, whose edges are multiples of ``EDGE``, into the buffer in transposed squares."""
        number = item.staged
        read, written = item.loops[-2:]
        start = position.addresses[number]

        def square(builder: Builder, i: Number, j: Number) -> None:
            at = builder.add(
                builder.add(start, builder.mul(i, EDGE * written.steps[number])),
                builder.mul(j, EDGE * read.steps[number]),
            )
            to = builder.add(builder.mul(j, EDGE * TILE), builder.mul(i, EDGE))
            transpose_block(builder, source, at, written.steps[number], buffer, to, TILE)

        rows, columns = (_squares(position.builder, self.bound(position, loop)) for loop in (written, read))
        for_loop(
            position.builder,
            0,
            rows,
            lambda outer, i: for_loop(outer, 0, columns, lambda inner, j: square(inner, i, j)),
        )

    def emit_nest(self, item: ScheduledNest, position: Position) -> None:
        if item.staged is not None:
            item, position = self.stage(item, position)
        inner = item.loops[self.shared :]
        if inner and not inner[-1].parallel:
            split = next(i for i, loop in enumerate(inner) if not loop.parallel)
            self.walk(item, position, inner[:split], lambda at: self.reduce_in_registers(item, at, inner[split:]))
            return
        streamed, rows = self.streams.get(id(item), []), self.rows.get(id(item), [])
        if not streamed and not rows:
            self.walk(item, position, inner, lambda at: self.store_all(item, at, self.combine_rows(item, at)))
            return

        def along(at: Position) -> None:
            for row in rows:
                fetch_ahead(item, at, row, self.bound(at, item.loops[-2]))
            if streamed:
                self.stream_all(item, at, streamed)
            else:
                self.walk(item, at, inner[-1:], lambda at: self.store_all(item, at, self.combine_rows(item, at)))

        self.walk(item, position, inner[:-1], along)

    def stream_all(self, item: ScheduledNest, position: Position, numbers: Sequence[int]) -> None:
        """The innermost loop past the cache into memory; through buffers unless it only copies."""
        builder, inner = position.builder, item.loops[-1]
        count = self.bound(position, inner)
        read = self.copied(item, position)
        if read is not None:
            flat = item.flats[numbers[0]]
            stream(builder, read, flat, position.addresses[numbers[0]], count, self.aligned[flat])
            return
        flats, addresses = list(item.flats), list(position.addresses)
        for number in numbers:
            flats[number] = stream_buffer(builder, inner, item.flats[number].type.element_type)
            addresses[number] = 0
        buffered = ScheduledNest(item.nest, item.loops, flats, item.constants, item.uses_index)
        at = Position(builder, position.variables, addresses)
        self.walk(buffered, at, [inner], lambda at: self.store_all(buffered, at, self.combine_rows(buffered, at)))
        for number in numbers:
            flat, buffer = item.flats[number], flats[number]
            stream(
                builder,
                lambda inside, i, kind, buffer=buffer: read_elements(inside, buffer, [i], kind),
                flat,
                position.addresses[number],
                count,
                self.aligned[flat],
            )

    def copied(self, item: ScheduledNest, position: Position) -> Read | None:
        """How to read what the innermost loop writes, if that is consecutive elements of one array."""
        block = item.nest.op.regions[0].blocks[0]
        *_, last = block.operations
        if len(last.operation.operands) != 1 or is_sub_byte(last.operation.operands[0].type):
            return None
        value, inner = last.operation.operands[0], item.loops[-1]
        if value in block.arguments:
            number = list(block.arguments).index(value)
            if item.flats[number] is None or inner.steps[number] != 1:
                return None
            flat, address = self.flat(number, item), position.addresses[number]
            return lambda inside, i, kind: read_elements(inside, flat, [inside.value(inside.add(i, address))], kind)
        row = None
        if not isinstance(value.owner, ir.Block) and value.owner.operation.name == "memref.load":
            row = contiguous_load(item, value.owner.operation)
        if row is None:
            return None
        place, load = row.place(item, position, lambda n: self.load(item, position, n)), row.load

        def read(inside: Builder, i: ir.Value, kind: ir.Type) -> ir.Value:
            at = Position(inside, [*position.variables, (inner, i)], [])
            return read_elements(inside, load.operands[0], row.indices(at, place), kind)

        return read

    def combine_rows(self, item: ScheduledNest, position: Position) -> list[ir.Value]:
        """The values of one iteration of the innermost loop: of the body once, or once for each of a few rows."""
        if item.rows is None:
            return self.apply(item, position, {})
        outputs = range(item.nest.inputs, len(item.flats))
        running = [self.load(item, position, number) for number in outputs]
        for row in range(item.rows.extent):
            at = self.step(item, position, item.rows, row, position.builder)
            running = self.apply(item, at, dict(zip(outputs, running, strict=True)))
        return running

    def step(self, item: ScheduledNest, position: Position, loop: Loop, variable: Number, builder: Builder) -> Position:
        addresses = [builder.add(a, builder.mul(variable, loop.steps[n])) for n, a in enumerate(position.addresses)]
        return Position(builder, [*position.variables, (loop, variable)], addresses)

    def bound(self, position: Position, loop: Loop) -> Number:
        if loop.limit is None:
            return loop.extent
        blocks, whole = loop.limit
        block = next(variable for other, variable in position.variables if other is blocks)
        builder = position.builder
        rest = builder.binary("subi", builder.constant(whole), builder.value(builder.mul(block, loop.extent)))
        return builder.binary("minui", rest, builder.constant(loop.extent))

    def walk(
        self, item: ScheduledNest, position: Position, loops: Sequence[Loop], leaf: Callable[[Position], None]
    ) -> None:
        if not loops:
            leaf(position)
            return
        first, rest = loops[0], loops[1:]
        innermost = not rest and first is item.loops[-1]
        for_loop(
            position.builder,
            0,
            self.bound(position, first),
            lambda body, variable: self.walk(item, self.step(item, position, first, variable, body), rest, leaf),
            self.interleaved(item, first.extent) if innermost else 0,
        )

    def reduce_in_registers(self, item: ScheduledNest, position: Position, loops: Sequence[Loop]) -> None:
        """Reduction loops that carry the running values."""
        outputs = range(item.nest.inputs, len(item.flats))
        initial = [self.load(item, position, number) for number in outputs]
        final = self.reduction_loop(item, position, loops, initial)
        self.store_all(item, position, final)

    def reduction_loop(
        self, item: ScheduledNest, position: Position, loops: Sequence[Loop], running: list[ir.Value]
    ) -> list[ir.Value]:
        if not loops:
            return self.apply(item, position, dict(zip(range(item.nest.inputs, len(item.flats)), running, strict=True)))
        builder = position.builder
        high = self.bound(position, loops[0])
        bounds = (builder.constant(0), builder.value(high), builder.constant(1))
        annotation = loop_annotation(0, high, self.interleaved(item, loops[0].extent) if len(loops) == 1 else 0)
        op = builder.op("scf.for", (*bounds, *running), [value.type for value in running], annotation, regions=1)
        kinds = [builder.index, *(value.type for value in running)]
        block = op.regions[0].blocks.append(*kinds, arg_locs=[builder.loc] * len(kinds))
        inside = Builder(ir.InsertionPoint(block), builder.loc)
        at = self.step(item, position, loops[0], block.arguments[0], inside)
        results = self.reduction_loop(item, at, loops[1:], list(block.arguments)[1:])
        inside.op("scf.yield", results)
        return list(op.results)

    # -- the body ---------------------------------------------------------------------------------------------

    def key(self, item: ScheduledNest, number: int) -> tuple[object, ...] | None:
        """What names an address that only the shared loops determine."""
        if any(loop.steps[number] for loop in item.loops[self.shared :]):
            return None
        return (
            item.flats[number],
            item.constants[number],
            tuple(loop.steps[number] for loop in item.loops[: self.shared]),
        )

    def flat(self, number: int, item: ScheduledNest) -> ir.Value:
        flat = item.flats[number]
        return self.views.get(flat, flat)

    def load(self, item: ScheduledNest, position: Position, number: int) -> ir.Value:
        key = self.key(item, number)
        if key is not None and key in self.known:
            return self.known[key]
        builder = position.builder
        return load_element(builder, self.flat(number, item), builder.value(position.addresses[number]))

    def store_all(self, item: ScheduledNest, position: Position, values: Sequence[ir.Value]) -> None:
        builder = position.builder
        outside = not item.loops[self.shared :] or not item.loops[-1].parallel
        for number, value in zip(range(item.nest.inputs, len(item.flats)), values, strict=True):
            flat = item.flats[number]
            key = self.key(item, number)
            self.known = {k: v for k, v in self.known.items() if k[0] != flat}
            if key is not None and outside and len(position.variables) == self.shared:
                self.known[key] = value
                if flat in self.local_spans and self.local_spans[flat] == 1:
                    continue
            store_element(builder, value, self.flat(number, item), builder.value(position.addresses[number]))

    def apply(self, item: ScheduledNest, position: Position, running: dict[int, ir.Value]) -> list[ir.Value]:
        """One iteration of the body; returns the values it yields."""
        op = item.nest.op
        block = op.regions[0].blocks[0]
        mapping: dict[ir.Value, ir.Value] = {}
        for number, (argument, operand) in enumerate(zip(block.arguments, op.operands, strict=True)):
            if number in running:
                mapping[argument] = running[number]
            elif item.flats[number] is None:
                mapping[argument] = operand
            elif any(True for _ in argument.uses):
                mapping[argument] = self.load(item, position, number)
        operations = list(block.operations)
        for inner in operations[:-1]:
            clone_at(inner.operation, position, mapping)
        return [mapping.get(value, value) for value in operations[-1].operation.operands]


def _operations(block: ir.Block) -> int:
    """About how many instructions the body of an operation becomes."""
    total = 0
    for op in block.operations:
        name = op.operation.name
        if name not in FREE:
            total += FUNCTION_OPERATIONS if name.startswith(("math.", "complex.")) else 1
        total += sum(_operations(nested) for region in op.operation.regions for nested in region.blocks)
    return total


def _squares(builder: Builder, extent: Number) -> Number:
    if isinstance(extent, int):
        return extent // EDGE
    return builder.binary("divui", extent, builder.constant(EDGE))


@register_pass
@dataclass(frozen=True)
class KernelsToLoops(Pass):
    """Turn the linalg operations of kernels into scf loops.

    Before: ``linalg.generic`` on memrefs in ``func.func private @kernel_0`` with ``astra.shared_loops = 1``.
    After: ``scf.forall`` over tasks, ``scf.for`` inside, ``memref.load``/``memref.store`` at linear addresses.
    """

    name: ClassVar[str] = "astra-kernels-to-loops"
    summary: ClassVar[str] = "lower kernels to scf loops, parallel ones cut into tasks"

    def run(self, module: ir.Operation) -> None:
        for op in module.regions[0].blocks[0].operations:
            func = op.operation
            if func.name == "func.func" and "astra.shared_loops" in func.attributes:
                in_loop = "astra.in_loop" in func.attributes
                if in_loop:
                    del func.attributes["astra.in_loop"]
                if in_loop and SmallKernel(func).emit():
                    del func.attributes["astra.shared_loops"]
                else:
                    _KernelEmitter(func).run()
