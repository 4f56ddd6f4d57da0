"""Walks the block of a tile function and writes its loops: work on tiles of one shape shares a loop over vectors.

Between ``tile_to_loops.py`` and the parts below.  Ranges, views and arithmetic on them are not computed where they
stand but wherever they are used.  All else joins the open *group* of its shape, or closes it and begins another; values
of a group that others use go to buffers on the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.tile_loops import structured
from astra_mlir.passes.tile_loops.chunks import Buffer, VectorBuilder, stored_element
from astra_mlir.passes.tile_loops.control import CONTROL
from astra_mlir.passes.tile_loops.evaluate import Evaluator, Index, dimensions, lane_dimension

__all__ = ["Emitter"]

_VIEWS = {"astra.tile_arange", "astra.tile_broadcast", "astra.tile_transpose", "tensor.splat", "arith.constant"}
# Integer arithmetic that is cheaper done again than kept; divisions are not.
_CHEAP = {
    f"arith.{name}" for name in ("addi", "subi", "muli", "andi", "ori", "xori", "cmpi", "extsi", "extui", "trunci")
}
_CHEAP_OPERATIONS = 16
_MEMORY = {"astra.tile_load", "astra.tile_store", "astra.tile_block_load", "astra.tile_block_store"}
_STORES = {"astra.tile_store", "astra.tile_block_store"}


def squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without its dimensions of 1."""
    return tuple(size for size in shape if size > 1)


class Group:
    """Operations that share a loop."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.members: list[ir.Operation] = []

    def __contains__(self, op: ir.Operation) -> bool:
        return op in self.members


class Emitter:
    """Writes the loops of one tile function."""

    def __init__(self, b: VectorBuilder, lanes: int, entry: ir.Block, no_alias: bool) -> None:
        self.b = b
        self.lanes = lanes  # of 32 bits in a vector register
        self.entry = entry  # where buffers are made
        self.no_alias = no_alias
        self.scalars: dict[ir.Value, ir.Value] = {}
        self.buffers: dict[ir.Value, Buffer] = {}
        self.group: Group | None = None
        self.free: dict[tuple[str, int], list[Buffer]] = {}
        self.positions: dict[ir.Operation, int] = {}
        self.costs: dict[ir.Value, int] = {}
        self.log: ir.Value | None = None
        self.messages: list[ir.Attribute] = []
        self.program: tuple[ir.Value, ...] = ()
        self.grid: tuple[ir.Value, ...] = ()

    # --- buffers -------------------------------------------------------------------------------------------------

    def allocate(self, shape: Sequence[int], element: ir.Type) -> Buffer:
        """A buffer on the stack, one that is free if there is."""
        size = prod(shape)
        key = (str(element), size)
        if self.free.get(key):
            return Buffer(self.free[key].pop().memref, tuple(shape), element)
        kind = ir.MemRefType.get([size], stored_element(element))
        attributes = {
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0]),
            "alignment": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 64),
        }
        first = ir.InsertionPoint.at_block_begin(self.entry)
        memref = ir.Operation.create("memref.alloca", [kind], attributes=attributes, loc=self.b.loc, ip=first).results[
            0
        ]
        return Buffer(memref, tuple(shape), element)

    def bind(self, value: ir.Value, buffer: Buffer) -> None:
        """A value is in a buffer from now on."""
        self.buffers[value] = buffer
        buffer.owner.users.add(value)

    def release(self, buffer: Buffer) -> None:
        """A temporary buffer is free again."""
        self.free.setdefault((str(buffer.element), prod(buffer.shape)), []).append(buffer)

    def new_buffer(self, value: ir.Value) -> Buffer:
        """A buffer for a value."""
        buffer = self.allocate(dimensions(value), value.type.element_type)
        self.bind(value, buffer)
        return buffer

    # --- laziness and liveness -----------------------------------------------------------------------------------

    def is_lazy(self, op: ir.Operation) -> bool:
        """Whether an operation is computed where it is used."""
        return len(op.results) == 1 and self.cost(op.results[0]) < _CHEAP_OPERATIONS

    def cost(self, value: ir.Value) -> int:
        """Operations that computing a value again takes; many where it must be kept."""
        if value not in self.costs:
            self.costs[value] = self._cost(value)
        return self.costs[value]

    def _cost(self, value: ir.Value) -> int:
        owner = value.owner
        if isinstance(owner, ir.Block) or not isinstance(value.type, ir.RankedTensorType):
            return 0
        op = owner.operation
        if op.name in _VIEWS or (op.name == "astra.tile_reshape" and self._is_unit_reshape(op)):
            return 0  # a view of something kept is as cheap as that
        if op.name not in _CHEAP:
            return _CHEAP_OPERATIONS
        costs = [self._rooted_cost(operand) for operand in op.operands]
        return sum(costs) + 1

    def _rooted_cost(self, value: ir.Value) -> int:
        """Like :meth:`cost`, but what is behind views counts."""
        owner = value.owner
        if isinstance(owner, ir.Block):
            return _CHEAP_OPERATIONS if isinstance(value.type, ir.RankedTensorType) else 0
        op = owner.operation
        if op.name in ("astra.tile_broadcast", "astra.tile_transpose", "astra.tile_reshape"):
            return self._rooted_cost(op.operands[0])
        return self.cost(value)

    def _is_unit_reshape(self, op: ir.Operation) -> bool:
        return squeezed(dimensions(op.operands[0])) == squeezed(dimensions(op.result))

    def users(self, value: ir.Value) -> list[ir.Operation]:
        """The operations that use a value, through what is lazy."""
        found = []
        for use in value.uses:
            op = use.owner.operation
            if self.is_lazy(op) or op.name == "astra.tile_reshape":
                found += self.users(op.results[0])
                if op.name == "astra.tile_reshape" and not self.is_lazy(op):
                    found.append(op)
            else:
                found.append(op)
        return found

    def position(self, op: ir.Operation, block: ir.Block) -> int:
        """The place in a block of an operation or of that which has it inside."""
        at: ir.Operation | None = op
        while at is not None:
            if at.block == block:
                return self.positions[at]
            parent = at.parent
            at = parent.operation if parent is not None else None
        return 1 << 30

    def dead_after(self, value: ir.Value, op: ir.Operation) -> bool:
        """Whether nothing behind ``op``, in its block, uses a value (made in this block or carried by its loop)."""
        block = op.block
        owner = value.owner
        home = owner if isinstance(owner, ir.Block) else owner.operation.block
        if home != block:
            return False
        return all(self.position(user, block) <= self.positions[op] for user in self.users(value))

    def buffer_dead_after(self, buffer: Buffer, op: ir.Operation) -> bool:
        """Whether all values in a buffer are dead behind ``op``."""
        return all(self.dead_after(user, op) for user in buffer.owner.users)

    # --- blocks --------------------------------------------------------------------------------------------------

    def block(self, block: ir.Block) -> None:
        """Write all operations but the terminator."""
        operations = [view.operation for view in block.operations]
        for number, op in enumerate(operations):
            self.positions[op] = number
        for op in operations[:-1]:
            self.b.loc = op.location
            self.operation(op)
        self.flush()

    def operation(self, op: ir.Operation) -> None:
        name = op.name
        shapes = [dimensions(r) for r in op.results] or [dimensions(v) for v in op.operands]
        on_tiles = any(shapes) or any(dimensions(v) for v in op.operands)
        if name in CONTROL:
            self.flush()
            CONTROL[name](self, op)
        elif name in structured.RULES:
            self.flush()
            structured.RULES[name](self, op)
        elif not on_tiles:
            self._scalar(op)
        elif name == "astra.tile_reshape" and not self._is_unit_reshape(op):
            self.flush()
            self.bind(op.result, self.materialized(op.operands[0]).viewed(dimensions(op.result)))
        elif self.is_lazy(op):
            if name == "astra.tile_transpose":
                self.flush()
        elif name in _MEMORY or name.startswith(("arith.", "math.")) or name == "astra.tile_gather":
            self._join(op)
        else:
            raise UnsupportedError(f"{source_place(op.location)}: '{name}' has no CPU lowering in tile functions")

    def _scalar(self, op: ir.Operation) -> None:
        """A scalar operation is copied; memory is accessed in order."""
        if op.name in _MEMORY:
            self.flush()
            evaluator = Evaluator(self.b, self.scalars, self.buffers)
            if op.name == "astra.tile_load":
                chunk = evaluator._eval_load(op, (), None)
                assert chunk.scalar is not None
                self.scalars[op.result] = chunk.scalar
            else:
                evaluator.store(op, (), None)
            return
        axis = {"astra.tile_program_id": self.program, "astra.tile_num_programs": self.grid}.get(op.name)
        if axis is not None:
            self.scalars[op.result] = self.b.from_index(
                axis[op.attributes["axis"].value], ir.IntegerType.get_signless(32)
            )
            return
        if op.name.startswith("astra."):
            raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' has no CPU lowering in tile functions")
        attributes = {name: op.attributes[name] for name in op.attributes}
        operands = [self.scalars[v] for v in op.operands]
        new = self.b.op(op.name, operands, [r.type for r in op.results], attributes)
        for old, result in zip(op.results, new.results, strict=True):
            self.scalars[old] = result

    # --- groups --------------------------------------------------------------------------------------------------

    def _join(self, op: ir.Operation) -> None:
        """Add an operation to the open group, or begin another."""
        shape = dimensions(op.results[0]) if len(op.results) else dimensions(op.operands[0])
        if op.name == "astra.tile_store":
            shape = dimensions(op.operands[1])
        if op.name == "astra.tile_gather":
            self.flush()
            self.materialized(op.operands[0])
        key = squeezed(shape)
        if self.group is not None and (self.group.shape != key or self._conflicts(op)):
            self.flush()
        if self.group is None:
            self.group = Group(key)
        self.group.members.append(op)

    def _conflicts(self, op: ir.Operation) -> bool:
        """Whether memory operations of the group must be done, for all elements, before ``op``."""
        if op.name not in _MEMORY:
            return False
        assert self.group is not None
        for other in self.group.members:
            if other.name not in _MEMORY or not (other.name in _STORES or op.name in _STORES):
                continue
            if self.no_alias and _pointer(other) != _pointer(op):
                continue
            if "block" in other.name or "block" in op.name or other.operands[1] != op.operands[1]:
                return True
        return False

    def flush(self) -> None:
        """Write the loop of the open group."""
        group, self.group = self.group, None
        if group is None:
            return
        last = group.members[-1]
        kept = []
        for op in group.members:
            for result in op.results:
                if any(user not in group.members for user in self.users(result)):
                    kept.append((result, self._destination(result, group, last)))
        with_results = dict(kept)

        def body(index: Index, evaluator: Evaluator) -> None:
            values = []
            for op in group.members:
                place = expand(dimensions(op.results[0]) if len(op.results) else _stored_shape(op), index)
                lane = lane_dimension(dimensions(op.results[0]) if len(op.results) else _stored_shape(op))
                if op.name == "astra.tile_store":
                    evaluator.store(op, place, lane)
                elif op.name == "astra.tile_block_store":
                    evaluator.block_store(op, place, lane)
                else:
                    chunk = evaluator.at(op.results[0], place, lane)
                    if op.results[0] in with_results:
                        values.append((with_results[op.results[0]], place, self._value(chunk, lane)))
            for buffer, place, value in values:  # at the end: a buffer may be that of a value that is read here
                self.b.write(buffer, self.b.flat(buffer, list(place)), value)

        self.loops(group.shape, body)
        for result, buffer in kept:
            self.bind(result, buffer)

    def _value(self, chunk: object, lane: int | None) -> ir.Value:
        if lane is None:
            assert chunk.scalar is not None  # type: ignore[attr-defined]
            return chunk.scalar  # type: ignore[attr-defined]
        return self.b.lanes(chunk)  # type: ignore[arg-type]

    def _destination(self, value: ir.Value, group: Group, last: ir.Operation) -> Buffer:
        """The buffer for a group's value: that of the carried value it becomes next, if that is no longer read."""
        for use in value.uses:
            op = use.owner.operation
            if op.name != "scf.yield" or op.block != last.block:
                continue
            loop = op.parent.operation
            if loop.name != "scf.for":
                continue
            argument = op.block.arguments[1 + use.operand_number]
            buffer = self.buffers.get(argument)
            if (
                buffer is None
                or any(user != argument for user in buffer.owner.users)
                or not self.dead_after(argument, last)
            ):
                continue
            if any(
                use.owner.operation.name in ("astra.tile_transpose", "astra.tile_broadcast", "astra.tile_gather")
                for use in argument.uses
            ):
                continue
            return Buffer(buffer.memref, dimensions(value), buffer.element, buffer.owner)
        return self.allocate(dimensions(value), value.type.element_type)

    def loops(self, shape: Sequence[int], body: object, width: int | None = None) -> None:
        """Loops over a shape without dimensions of 1, the last in vectors; ``body(index, evaluator)`` is in them."""
        b = self.b
        saved = b.width
        b.width = min(shape[-1], width or self.lanes) if shape else 1
        index: list[ir.Value | int] = []
        opened = 0
        for d, size in enumerate(shape):
            step = b.width if d == len(shape) - 1 else 1
            if size == step:
                index.append(0)
            else:
                index.append(b.loop(0, size, step)[1])
                opened += 1
        body(tuple(index), Evaluator(b, self.scalars, self.buffers))  # type: ignore[operator]
        for _ in range(opened):
            b.leave()
        b.width = saved

    def materialized(self, value: ir.Value) -> Buffer:
        """A value in a buffer; one that is not in any yet is computed."""
        if value not in self.buffers:
            self.flush()
        if value not in self.buffers:
            self.copy(value, self.allocate(dimensions(value), value.type.element_type))
        return self.buffers[value]

    def copy(self, value: ir.Value, buffer: Buffer, bind: bool = True) -> None:
        """Compute a value into a buffer."""

        def body(index: Index, evaluator: Evaluator) -> None:
            place = expand(dimensions(value), index)
            lane = lane_dimension(dimensions(value))
            chunk = evaluator.at(value, place, lane)
            self.b.write(buffer, self.b.flat(buffer, list(place)), self._value(chunk, lane))

        self.loops(squeezed(dimensions(value)), body)
        if bind:
            self.bind(value, buffer)


def _pointer(op: ir.Operation) -> ir.Value:
    return op.operands[1 if op.name == "astra.tile_block_store" else 0]


def _stored_shape(op: ir.Operation) -> tuple[int, ...]:
    return dimensions(op.operands[1 if op.name == "astra.tile_store" else 0])


def expand(shape: Sequence[int], index: Index) -> Index:
    """An index of a shape without dimensions of 1 as one of the shape."""
    rest = list(index)
    return tuple(rest.pop(0) if size > 1 else 0 for size in shape)
