"""``astra-tile-pipeline``: loads that feed products run ahead of them, into buffers in shared memory.

A loop whose body loads tiles and multiplies them becomes one that multiplies what was copied ``stages - 1`` iterations
before, while the copies of later iterations are under way.  What the loads' addresses depend on (the *slice* of the
body) is computed ahead as well: its loop-carried values exist twice, now and ``stages - 1`` iterations later.
"""

from __future__ import annotations

from collections.abc import Iterable

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.access import access_width, fastest_dims, mask_of
from astra_mlir.passes.gpu.axes import AxisAnalysis, constant_of
from astra_mlir.passes.gpu.descriptors import describes
from astra_mlir.passes.gpu.target import GpuTarget, gpu_target_of
from astra_mlir.passes.memref_utils import Builder, byte_width

__all__ = ["DEFAULT_STAGES", "pipeline_function"]

DEFAULT_STAGES = 3
_COPY_BYTES = 4  # the least that one asynchronous copy takes


def pipeline_function(func: ir.Operation, engine: bool = False) -> None:
    """Pipeline the innermost loops of a tile function; with ``engine`` those whose products load blocks, by TMA."""
    stages = DEFAULT_STAGES
    if "astra.num_stages" in func.attributes:
        stages = ir.IntegerAttr(func.attributes["astra.num_stages"]).value
    target = gpu_target_of(func)
    budget = target.shared_bytes_block
    if engine and not target.wgmma:
        return
    for loop in list(_loops(func)):
        own = (
            ir.IntegerAttr(loop.attributes["astra.num_stages"]).value
            if "astra.num_stages" in loop.attributes
            else stages
        )
        if own > 1:
            budget -= _Pipeline(loop, own, target, budget, engine).run()


def _loops(op: ir.Operation) -> Iterable[ir.Operation]:
    """Loops that have none inside."""
    for region in op.regions:
        for block in region.blocks:
            for child in block.operations:
                child = child.operation
                inner = list(_loops(child))
                if inner:
                    yield from inner
                elif child.name == "scf.for":
                    yield child


def _inside(op: ir.Operation) -> Iterable[ir.Operation]:
    yield op
    for region in op.regions:
        for block in region.blocks:
            for child in block.operations:
                yield from _inside(child.operation)


class _Pipeline:
    def __init__(self, loop: ir.Operation, stages: int, target: GpuTarget, budget: int, engine: bool) -> None:
        self.engine = engine
        self.loop, self.stages, self.target, self.budget = loop, stages, target, budget
        self.block = loop.regions[0].blocks[0]
        self.body = [op.operation for op in self.block.operations]
        self.position = {op: i for i, op in enumerate(self.body)}
        self.facts = AxisAnalysis()
        self.yielded = list(self.body[-1].operands)

    def run(self) -> int:
        """Rewrite the loop if that pays; gives the shared memory that it takes."""
        loads = [op for op in self.body if self._is_candidate(op)]
        while loads:
            self.slice_ops, self.slice_arguments = self._slice(loads)
            dependent = [op for op in loads if op in self.slice_ops]
            if not dependent:
                break
            loads = [op for op in loads if op not in dependent]
        if not loads or any(not _is_repeatable(op) for op in self.slice_ops):
            return 0
        size = sum(_tile_bytes(op.results[0].type) for op in loads)
        while self.stages > 1 and size * self.stages > self.budget:
            self.stages -= 1
        if self.stages < 2:
            return 0
        self._rewrite(loads)
        return size * self.stages

    # --- what can run ahead

    def _is_candidate(self, op: ir.Operation) -> bool:
        if self.engine:
            return _by_engine(op)
        if op.name != "astra.tile_load" or not isinstance(op.results[0].type, ir.RankedTensorType):
            return False
        kind = op.results[0].type
        if len(kind.shape) != 2 or not _feeds_product(op.results[0]) or "volatile" in op.attributes:
            return False
        if len(op.operands) > 3 and not _is_zero(op.operands[3]):
            return False
        if any(self._writes(use.owner.operation) for use in op.operands[0].uses):
            return False
        width = access_width(self.facts, op, self.target.access_bits)
        return width * byte_width(kind.element_type) >= _COPY_BYTES

    def _writes(self, op: ir.Operation) -> bool:
        return op.name.startswith(("astra.tile_store", "astra.tile_atomic", "astra.tile_block_store"))

    def _slice(self, loads: list[ir.Operation]) -> tuple[set[ir.Operation], list[int]]:
        """The operations of the body, and the loop's carried values, on which the loads' operands depend."""
        return self._closure([operand for op in loads for operand in op.operands], ())

    def _closure(self, values: list[ir.Value], sources: Iterable[ir.Operation]) -> tuple[set[ir.Operation], list[int]]:
        operations: set[ir.Operation] = set()
        arguments: set[int] = set()
        excluded = set(sources)
        work = list(values)
        while work:
            value = work.pop()
            if isinstance(value.owner, ir.Block):
                number = ir.BlockArgument(value).arg_number - 1
                if value.owner == self.block and number >= 0 and number not in arguments:
                    arguments.add(number)
                    work.append(self.yielded[number])
                continue
            op = value.owner.operation
            if op not in self.position or op in operations or op in excluded:
                continue
            operations.add(op)
            for inner in _inside(op):
                work += list(inner.operands)
        return operations, sorted(arguments)

    def _needed(self, loads: list[ir.Operation]) -> tuple[set[ir.Operation], list[int]]:
        """What the body still computes now, the loads' results given."""
        roots = [op for op in self.body[:-1] if op not in loads and not _is_pure(op)]
        values = [operand for op in roots for inner in _inside(op) for operand in inner.operands]
        used = [i for i, result in enumerate(self.loop.results) if list(result.uses)]
        operations, arguments = self._closure([*values, *(self.yielded[i] for i in used)], loads)
        more = sorted({*arguments, *used})
        # values that results need are carried, and so is what they depend on
        again, arguments = self._closure([*values, *(self.yielded[i] for i in more)], loads)
        return operations | again | set(roots), sorted({*arguments, *more})

    # --- the new loop

    def _rewrite(self, loads: list[ir.Operation]) -> None:
        loop, stages = self.loop, self.stages
        builder = _Tiles(ir.InsertionPoint(loop), loop.location)
        lower, upper, step = list(loop.operands)[:3]
        initial = list(loop.operands)[3:]
        needed, kept = self._needed(loads)
        ahead = self.slice_arguments
        if self.engine:
            kind = ir.MemRefType.get([stages], builder.i64, memory_space=ir.IntegerAttr.get(builder.i64, 3))
            self.barriers = builder.op("astra.tile_barriers", (), (kind,)).results[0]
        buffers = [builder.buffer(op.results[0].type, self._inner(op), stages) for op in loads]
        i32 = builder.i32
        # before the loop: the copies of the first iterations
        iteration, carried = lower, {i: initial[i] for i in ahead}
        for stage in range(stages - 1):
            slot = builder.constant(stage, i32)
            carried = self._copies(builder, loads, buffers, slot, iteration, upper, carried)
            iteration = builder.binary("addi", iteration, step)
        distance = builder.binary("muli", step, builder.constant(stages - 1, step.type))
        zero, last = builder.constant(0, i32), builder.constant(stages - 1, i32)
        slots = [zero, last, *([zero] if self.engine else [])]  # the one to read, the one to fill, how often around
        operands = [lower, upper, step, *(initial[i] for i in kept), *(carried[i] for i in ahead), *slots]
        new = builder.op("scf.for", operands, [value.type for value in operands[3:]], {}, 1)
        for attribute in ("astra.num_stages",):
            if attribute in loop.attributes:
                new.attributes[attribute] = loop.attributes[attribute]
        types = [value.type for value in (lower, *operands[3:])]
        block = new.regions[0].blocks.append(*types, arg_locs=[loop.location] * len(types))
        inner = _Tiles(ir.InsertionPoint(block), loop.location)
        arguments = list(block.arguments)
        now = {self.block.arguments[0]: arguments[0]}
        now.update({self.block.arguments[i + 1]: arguments[1 + j] for j, i in enumerate(kept)})
        later = {i: arguments[1 + len(kept) + j] for j, i in enumerate(ahead)}
        read, write, *around = arguments[len(arguments) - len(slots) :]
        if self.engine:
            inner.op("astra.tile_arrival", (self.barriers, read, around[0]))
        else:
            inner.op("astra.tile_wait", (), (), {"pending": ir.IntegerAttr.get(inner.i64, stages - 2)})
        future = inner.binary("addi", arguments[0], distance)
        later = self._copies(inner, loads, buffers, write, future, upper, later)
        for op in self.body[:-1]:
            if op in loads:
                buffer = buffers[loads.index(op)]
                now[op.results[0]] = inner.op("astra.tile_read", (buffer, read), (op.results[0].type,)).results[0]
            elif op in needed:
                _clone(inner, op, now)
        results = [now.get(self.yielded[i], self.yielded[i]) for i in kept]
        results += [later[i] for i in ahead]
        following = inner.next_slot(read, stages)
        results += [following, inner.next_slot(write, stages)]
        if self.engine:
            wrapped = inner.op(
                "arith.cmpi",
                (following, inner.constant(0, i32)),
                (inner.i1,),
                {"predicate": ir.IntegerAttr.get(inner.i64, 0)},
            ).results[0]
            turn = inner.op("arith.extui", (wrapped,), (i32,)).results[0]
            results.append(inner.binary("xori", around[0], turn))
        inner.op("scf.yield", results)
        behind = _Tiles(ir.InsertionPoint.after(new), loop.location)
        if self.engine:
            behind.op("astra.tile_barriers_end", (self.barriers,))
        else:
            behind.op("astra.tile_wait", (), (), {"pending": ir.IntegerAttr.get(behind.i64, 0)})
        for j, i in enumerate(kept):
            loop.results[i].replace_all_uses_with(new.results[j])
        loop.erase()

    def _copies(
        self,
        builder: _Tiles,
        loads: list[ir.Operation],
        buffers: list[ir.Value],
        slot: ir.Value,
        iteration: ir.Value,
        upper: ir.Value,
        carried: dict[int, ir.Value],
    ) -> dict[int, ir.Value]:
        """The copies of one iteration, if there is such a one; gives the carried values of the next."""
        known = {self.block.arguments[0]: iteration}
        known.update({self.block.arguments[i + 1]: value for i, value in carried.items()})
        for op in self.body[:-1]:
            if op in self.slice_ops:
                _clone(builder, op, known)
        exists = builder.less(iteration, upper)
        if self.engine:
            size = sum(_tile_bytes(op.results[0].type) for op in loads)
            bytes_ = {"bytes": ir.IntegerAttr.get(builder.i64, size)}
            builder.op("astra.tile_expect", (self.barriers, slot, exists), (), bytes_)
            for op, buffer in zip(loads, buffers, strict=True):
                pointer, *numbers = (known.get(operand, operand) for operand in op.operands)
                operands = (pointer, buffer, slot, self.barriers, exists, *numbers[4:], *numbers[:4])
                builder.op("astra.tile_block_copy", operands)
            return {i: known.get(self.yielded[i], self.yielded[i]) for i in carried}
        for op, buffer in zip(loads, buffers, strict=True):
            pointer, offsets, *_ = (known.get(operand, operand) for operand in op.operands)
            mask = mask_of(op)
            everywhere = builder.splat_like(exists, offsets)
            if mask is not None:
                everywhere = builder.binary("andi", known.get(mask, mask), everywhere)
            builder.op("astra.tile_copy", (pointer, offsets, buffer, slot, everywhere))
        builder.op("astra.tile_commit")
        return {i: known.get(self.yielded[i], self.yielded[i]) for i in carried}

    def _inner(self, op: ir.Operation) -> int:
        return 1 if self.engine else fastest_dims(self.facts(op.operands[1]))[0]


class _Tiles(Builder):
    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        super().__init__(ip, loc)
        self.i1, self.i32, self.i64 = (ir.IntegerType.get_signless(width) for width in (1, 32, 64))

    def buffer(self, kind: ir.Type, inner: int, slots: int) -> ir.Value:
        space = ir.IntegerAttr.get(self.i64, 3)
        result = ir.MemRefType.get([slots, *kind.shape], kind.element_type, memory_space=space)
        return self.op("astra.tile_buffer", (), (result,), {"inner": ir.IntegerAttr.get(self.i64, inner)}).results[0]

    def less(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.op("arith.cmpi", (a, b), (self.i1,), {"predicate": ir.IntegerAttr.get(self.i64, 2)}).results[0]

    def splat_like(self, value: ir.Value, tile: ir.Value) -> ir.Value:
        kind = ir.RankedTensorType.get(tile.type.shape, value.type)
        return self.op("tensor.splat", (value,), (kind,)).results[0]

    def next_slot(self, slot: ir.Value, slots: int) -> ir.Value:
        following = self.binary("addi", slot, self.constant(1, self.i32))
        equal = {"predicate": ir.IntegerAttr.get(self.i64, 0)}
        wraps = self.op("arith.cmpi", (following, self.constant(slots, self.i32)), (self.i1,), equal).results[0]
        return self.op("arith.select", (wraps, self.constant(0, self.i32), following), (self.i32,)).results[0]


def _clone(builder: Builder, op: ir.Operation, known: dict[ir.Value, ir.Value]) -> None:
    """Repeat an operation with other operands, also inside its regions."""
    clone = op.clone(ip=builder.ip)
    for inner in _inside(clone):
        for i, operand in enumerate(inner.operands):
            if operand in known:
                inner.operands[i] = known[operand]
    for value, result in zip(op.results, clone.results, strict=True):
        known[value] = result


_PURE = (
    "arith.", "math.", "tensor.splat", "astra.tile_arange", "astra.tile_reshape", "astra.tile_broadcast",
    "astra.tile_transpose", "astra.tile_program_id", "astra.tile_num_programs", "astra.tile_join", "astra.tile_split",
    "astra.tile_reduce", "astra.tile_scan", "astra.tile_dot", "astra.tile_gather", "astra.tile_load", "astra.yield",
)  # fmt: skip


def _is_pure(op: ir.Operation) -> bool:
    """Whether an operation may be left out where its results are not used."""
    if op.name in ("scf.if", "scf.yield"):
        return all(_is_pure(inner) for inner in list(_inside(op))[1:])
    return op.name.startswith(_PURE)


def _is_repeatable(op: ir.Operation) -> bool:
    return _is_pure(op) and op.name != "astra.tile_dot"


def _by_engine(op: ir.Operation) -> bool:
    """Whether a load of a block feeds a product and the launch can describe its array."""
    if op.name != "astra.tile_block_load" or not _feeds_product(op.results[0]):
        return False
    kind = op.results[0].type
    return describes(op.operands[0], list(op.operands)[1:5], list(kind.shape), kind.element_type) is not None


_THROUGH = ("astra.tile_transpose", "arith.extf", "arith.extsi", "arith.truncf", "arith.sitofp", "arith.mulf")


def _feeds_product(value: ir.Value, depth: int = 0) -> bool:
    """Whether a tile is a factor of a product, possibly transposed or converted."""
    for use in value.uses:
        op = use.owner.operation
        if op.name == "astra.tile_dot" and use.operand_number < 2:
            return True
        if op.name in _THROUGH and depth < 4 and _feeds_product(op.results[0], depth + 1):
            return True
    return False


def _is_zero(value: ir.Value) -> bool:
    if isinstance(value.owner, ir.Block) or value.owner.name not in ("arith.constant", "tensor.splat"):
        return False
    op = value.owner.operation
    if op.name == "tensor.splat":
        return _is_zero(op.operands[0])
    attribute = op.attributes["value"]
    if isinstance(attribute, ir.DenseElementsAttr):
        if not attribute.is_splat:
            return False
        attribute = attribute.get_splat_value()
    return str(attribute).startswith("0.0") if isinstance(attribute, ir.FloatAttr) else constant_of(op) == 0


def _tile_bytes(kind: ir.Type) -> int:
    count = byte_width(kind.element_type)
    for size in kind.shape:
        count *= size
    return count
