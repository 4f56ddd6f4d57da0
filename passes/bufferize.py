"""``astra-bufferize``: tensors become byte buffers, results become caller-provided output buffers.

Stands between linalg on tensors and kernel forming.  Every tensor value is given a place: a view of a byte buffer
(``memref<Nxi8>``), so that reshapes and contiguous slices are views with an identity layout whatever their offset.
An operation writes over its destination operand where nothing reads the old contents any more, and into the function's
output buffer where its result is returned; otherwise into a new ``memref.alloc`` (``astra-plan-memory`` packs those
into one arena).  State carried by a loop lives in buffers of the enclosing block and is updated in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.elements import is_splat, splat_value
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import (
    DYNAMIC,
    Builder,
    byte_width,
    is_tensor,
    memref_of,
    row_major_strides,
)

__all__ = ["Bufferize"]

Offset = ir.Value | int


@dataclass(eq=False)
class _Root:
    """A byte buffer: an allocation, an argument, or the state of a loop."""

    value: ir.Value
    scope: _Scope  # the block in which it may be overwritten
    writable: bool
    tensors: list[ir.Value] = field(default_factory=list)  # the tensor values that live in it


@dataclass(eq=False)
class _Buffer:
    """Where one tensor value lives: a view of a root; ``offset`` is in bytes, ``None`` when not contiguous."""

    root: _Root
    memref: ir.Value
    offset: Offset | None


@dataclass(eq=False)
class _Scope:
    """One block under conversion, with the position of the last use of every value in it."""

    block: ir.Block
    operations: list[ir.Operation]  # as they were before the conversion; positions count these
    last_use: dict[ir.Value, int]
    position: int = 0


def _collect_uses(op: ir.Operation, position: int, last_use: dict[ir.Value, int]) -> None:
    for operand in op.operands:
        last_use[operand] = position
    for region in op.regions:
        for block in region.blocks:
            for nested in block.operations:
                _collect_uses(nested.operation, position, last_use)


def _scope(block: ir.Block) -> _Scope:
    last_use: dict[ir.Value, int] = {}
    operations = [op.operation for op in block.operations]
    for position, op in enumerate(operations):
        _collect_uses(op, position, last_use)
    return _Scope(block, operations, last_use)


class _FunctionBufferizer:
    def __init__(self, func: ir.Operation, constants: list[ir.Attribute]) -> None:
        self.func = func
        self.constants = constants
        self.buffers: dict[ir.Value, _Buffer] = {}
        self.fills: dict[ir.Value, ir.Value] = {}  # tensors known to hold one scalar everywhere, made when needed
        self.preferred: dict[ir.Value, _Buffer] = {}  # where a value should be computed if that is free
        self.entry = func.regions[0].blocks[0]
        self.entry_scope: _Scope
        self.constant_roots: list[tuple[ir.Value, ir.Type]] = []
        self.i8 = ir.IntegerType.get_signless(8)
        self.scopes: dict[ir.Block, _Scope] = {}
        self.loaded: set[_Root] = set()  # roots that the body under conversion reads at computed indices

    # -- function ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        scope = self.entry_scope = _scope(self.entry)
        terminator = self.entry.operations[len(self.entry.operations) - 1].operation
        loc = self.func.location
        at_start = Builder(ir.InsertionPoint.at_block_begin(self.entry), loc)
        tensors = list(self.entry.arguments)
        for argument in tensors:
            if not is_tensor(argument):
                raise UnsupportedError(f"{loc}: function argument of type {argument.type} is not a tensor")
            self._require_static(argument)
            self._assign_root(at_start, argument, self._argument(argument.type, loc), scope, writable=False)
        outputs = [self._argument(value.type, loc) for value in terminator.operands]
        roots = []
        for value, output in zip(terminator.operands, outputs, strict=True):
            root = _Root(output, scope, writable=True)
            buffer = _Buffer(root, at_start.view(output, 0, memref_of(value.type)), 0)
            roots.append(buffer)
            self._prefer(value, buffer, scope)
        self._block(scope)
        builder = Builder(ir.InsertionPoint(terminator), terminator.location)
        for value, place in zip(terminator.operands, roots, strict=True):
            self._move(builder, value, place)
        builder.op("func.return")
        terminator.erase()
        self._erase_tensor_ops(self.entry)
        for _ in tensors:
            self.entry.erase_argument(0)
        kinds = [argument.type for argument in self.entry.arguments]
        constants = len(self.constant_roots)
        self.func.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, []))
        for name in ("arg_attrs", "res_attrs"):
            if name in self.func.attributes:
                del self.func.attributes[name]
        counts = (len(tensors), len(outputs), constants)
        i64 = ir.IntegerType.get_signless(64)
        for name, count in zip(("astra.num_inputs", "astra.num_outputs", "astra.num_constants"), counts, strict=True):
            self.func.attributes[name] = ir.IntegerAttr.get(i64, count)

    def _argument(self, tensor: ir.Type, loc: ir.Location) -> ir.Value:
        size = math.prod(tensor.shape) * byte_width(tensor.element_type)
        return self.entry.add_argument(ir.MemRefType.get([size], self.i8), loc)

    def _assign_root(
        self, builder: Builder, tensor: ir.Value, root: ir.Value, scope: _Scope, writable: bool
    ) -> _Buffer:
        self._require_static(tensor)
        buffer = _Buffer(_Root(root, scope, writable), builder.view(root, 0, memref_of(tensor.type)), 0)
        return self._assign(tensor, buffer)

    @staticmethod
    def _require_static(tensor: ir.Value) -> None:
        if not tensor.type.has_static_shape:
            raise UnsupportedError(
                f"{source_place(tensor.location)}: the CPU lowering needs static shapes, got {tensor.type}; compile for given sizes"
            )

    def _assign(self, tensor: ir.Value, buffer: _Buffer) -> _Buffer:
        self.buffers[tensor] = buffer
        buffer.root.tensors.append(tensor)
        return buffer

    def _prefer(self, value: ir.Value, place: _Buffer, scope: _Scope) -> None:
        """Ask that ``value`` be computed in ``place``, through chains of operations that update a destination."""
        while isinstance(value.owner, ir.Operation | ir.OpView) and value.owner.operation.block == scope.block:
            if value in self.preferred:
                return
            self.preferred[value] = place
            destination = _tied_operand(value)
            if destination is None or len(list(destination.uses)) != 1:
                return
            value = destination

    # -- values -----------------------------------------------------------------------------------------------

    def _allocate(self, builder: Builder, value: ir.Value, scope: _Scope) -> _Buffer:
        """A place for a value to be computed at the current position: the preferred one if it is free, or a new one."""
        place = self.preferred.get(value)
        if place is not None and self._is_free(place.root, scope):
            return place
        kind = value.type
        size = math.prod(kind.shape) * byte_width(kind.element_type)
        root = _Root(builder.alloc(size), scope, writable=True)
        return _Buffer(root, builder.view(root.value, 0, memref_of(kind)), 0)

    def _is_free(self, root: _Root, scope: _Scope, ignoring: Sequence[ir.Value] = ()) -> bool:
        """Whether nothing at or after the current position reads the root, but for uses by ``ignoring`` values."""
        if not root.writable or root.scope is not scope:
            return False
        return all(
            scope.last_use.get(tensor, -1) < scope.position
            or (tensor in ignoring and scope.last_use[tensor] == scope.position)
            for tensor in root.tensors
        )

    def _read(self, builder: Builder, tensor: ir.Value, scope: _Scope) -> _Buffer:
        """The place of a tensor that is read here."""
        buffer = self.buffers.get(tensor)
        if buffer is None:
            if tensor not in self.fills and tensor.owner.operation.name != "tensor.empty":
                raise UnsupportedError(f"{builder.loc}: {tensor.owner.operation.name} has no bufferization rule")
            # materialise next to the definition, so that it is done once and dominates every later use
            definition = tensor.owner.operation
            near = Builder(ir.InsertionPoint(definition), definition.location)
            kind = tensor.type
            root = _Root(
                near.alloc(math.prod(kind.shape) * byte_width(kind.element_type)), self._scope_of(definition), False
            )
            buffer = self._assign(tensor, _Buffer(root, near.view(root.value, 0, memref_of(kind)), 0))
            if tensor in self.fills:
                near.copy(self.fills[tensor], buffer.memref)
        return buffer

    def _scope_of(self, op: ir.Operation) -> _Scope:
        return self.scopes[op.block]

    def _update(
        self, builder: Builder, result: ir.Value, destination: ir.Value, scope: _Scope, readers: Sequence[ir.Value]
    ) -> _Buffer:
        """A place that holds ``destination``'s contents and may be overwritten; ``readers`` are other operands."""
        current = self.buffers.get(destination)
        if current is not None:
            others = [r for r in readers if is_tensor(r) and r in self.buffers and self.buffers[r].root is current.root]
            if (
                current.offset is not None
                and not others
                and current.root not in self.loaded
                and self._is_free(current.root, scope, [destination])
            ):
                return current
        place = self._allocate(builder, result, scope)
        if destination in self.fills:
            builder.copy(self.fills[destination], place.memref)
        elif current is not None:
            builder.copy(current.memref, place.memref)
        return place

    def _contiguous(self, builder: Builder, tensor: ir.Value, scope: _Scope) -> ir.Value:
        buffer = self._read(builder, tensor, scope)
        if buffer.offset is not None:
            return buffer.memref
        return self._pack(builder, buffer, tensor.type, scope).memref

    def _pack(self, builder: Builder, buffer: _Buffer, kind: ir.Type, scope: _Scope) -> _Buffer:
        root = _Root(builder.alloc(math.prod(kind.shape) * byte_width(kind.element_type)), scope, True)
        packed = _Buffer(root, builder.view(root.value, 0, memref_of(kind)), 0)
        builder.copy(buffer.memref, packed.memref)
        return packed

    def _move(self, builder: Builder, value: ir.Value, place: _Buffer) -> None:
        """Copy ``value`` to ``place`` unless it is there already."""
        if value in self.fills and value not in self.buffers:
            builder.copy(self.fills[value], place.memref)
            return
        buffer = self._read(builder, value, self.entry_scope)
        if buffer.root is place.root and buffer.offset == place.offset:
            return
        builder.copy(buffer.memref, place.memref)

    # -- blocks -----------------------------------------------------------------------------------------------

    def _block(self, scope: _Scope) -> None:
        self.scopes[scope.block] = scope
        for position, operation in enumerate(scope.operations):
            scope.position = position
            rule = _RULES.get(operation.name)
            if rule is not None:
                rule(self, operation, Builder(ir.InsertionPoint(operation), operation.location), scope)
            elif any(is_tensor(v) for v in (*operation.operands, *operation.results)) and not _is_terminator(operation):
                raise UnsupportedError(
                    f"{source_place(operation.location)}: {operation.name} has no bufferization rule"
                )

    def _erase_tensor_ops(self, block: ir.Block) -> None:
        for op in reversed(list(block.operations)):
            operation = op.operation
            if operation.name in _TENSOR_OPS or (
                operation.name in _RULES and any(is_tensor(v) for v in (*operation.results, *operation.operands))
            ):
                operation.erase()

    # -- rules ------------------------------------------------------------------------------------------------

    def empty(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        del builder, scope
        self._require_static(op.results[0])

    def constant(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        result = op.results[0]
        if not is_tensor(result):
            return
        value = op.attributes["value"]
        if is_splat(value):
            self.fills[result] = _scalar_constant(builder, value)
            return
        root = self._argument(result.type, op.location)
        self.constants.append(value)
        self.constant_roots.append((root, result.type))
        start = Builder(ir.InsertionPoint.at_block_begin(self.entry), op.location)
        self._assign_root(start, result, root, self.entry_scope, writable=False)

    def fill(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        del builder, scope
        self.fills[op.results[0]] = op.operands[0]

    def from_elements(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        result = op.results[0]
        buffer = self._assign(result, self._allocate(builder, result, scope))
        builder.store(op.operands[0], buffer.memref, [])

    def extract(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        source = op.operands[0]
        if source in self.fills and source not in self.buffers:
            value = self.fills[source]
        else:
            value = builder.load(self._read(builder, source, scope).memref, list(op.operands)[1:])
        op.results[0].replace_all_uses_with(value)

    def reshape(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        source, result = op.operands[0], op.results[0]
        if source in self.fills and source not in self.buffers:
            self.fills[result] = self.fills[source]
            return
        buffer = self._read(builder, source, scope)
        if buffer.offset is None:
            buffer = self._pack(builder, buffer, source.type, scope)
        memref = builder.view(buffer.root.value, buffer.offset, memref_of(result.type))
        self._assign(result, _Buffer(buffer.root, memref, buffer.offset))

    def _slice(
        self, op: ir.Operation, builder: Builder, buffer: _Buffer, source: ir.Type, shape: Sequence[int], first: int
    ) -> _Buffer:
        """The view that an extract or insert of a slice means; ``first`` is the number of the first offset operand."""
        dynamic = iter(list(op.operands)[first:])
        offsets = [next(dynamic) if o == DYNAMIC else o for o in op.attributes["static_offsets"]]
        sizes, strides = list(op.attributes["static_sizes"]), list(op.attributes["static_strides"])
        if DYNAMIC in sizes or DYNAMIC in strides:
            raise UnsupportedError(
                f"{source_place(op.location)}: slices of dynamic size or stride are not lowered to the CPU"
            )
        if buffer.offset is not None and _is_contiguous_slice(source.shape, sizes, strides):
            offset: Offset = buffer.offset
            width = byte_width(source.element_type)
            for start, stride in zip(offsets, row_major_strides(source.shape), strict=True):
                offset = builder.add(offset, builder.mul(start, stride * width))
            kind = ir.MemRefType.get(list(shape), source.element_type)
            return _Buffer(buffer.root, builder.view(buffer.root.value, offset, kind), offset)
        return _Buffer(buffer.root, builder.subview(buffer.memref, offsets, sizes, strides, shape), None)

    def extract_slice(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        source, result = op.operands[0], op.results[0]
        if source in self.fills and source not in self.buffers:
            self.fills[result] = self.fills[source]
            return
        self._require_static(result)
        buffer = self._read(builder, source, scope)
        self._assign(result, self._slice(op, builder, buffer, source.type, result.type.shape, 1))

    def insert_slice(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        source, destination = op.operands[0], op.operands[1]
        result = op.results[0]
        place = self._update(builder, result, destination, scope, [source])
        target = self._slice(op, builder, place, result.type, source.type.shape, 2)
        if source in self.fills and source not in self.buffers:
            builder.copy(self.fills[source], target.memref)
        else:
            builder.copy(self._read(builder, source, scope).memref, target.memref)
        self._assign(result, place)

    def generic(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        segments = list(op.attributes["operandSegmentSizes"])
        operands = list(op.operands)
        inputs, inits = operands[: segments[0]], operands[segments[0] :]
        body = op.regions[0].blocks[0]
        self.loaded = set()
        self._captured_loads(body, scope)
        sources = [self._generic_input(builder, value, scope) for value in inputs]
        outputs = []
        for number, (init, result) in enumerate(zip(inits, op.results, strict=True)):
            reads = any(True for _ in body.arguments[segments[0] + number].uses)
            if reads:
                place = self._update(builder, result, init, scope, inputs)
            else:
                place = self._overwritable(op, inputs, result, scope) or self._allocate(builder, result, scope)
            outputs.append(place.memref)
            self._assign(result, place)
        self.loaded = set()
        builder.generic(sources, outputs, op.attributes["indexing_maps"], op.attributes["iterator_types"], body)

    def _overwritable(
        self, op: ir.Operation, inputs: Sequence[ir.Value], result: ir.Value, scope: _Scope
    ) -> _Buffer | None:
        """The preferred place of a result although operands live there: each element is read before it is written."""
        place = self.preferred.get(result)
        if place is None:
            return None
        readers = [i for i, v in enumerate(inputs) if v in self.buffers and self.buffers[v].root is place.root]
        maps = list(op.attributes["indexing_maps"])
        written = maps[len(inputs) + result.result_number]
        parallel = all("parallel" in str(kind) for kind in op.attributes["iterator_types"])
        same = all(
            maps[i] == written
            and self.buffers[inputs[i]].memref.type == place.memref.type
            and self.buffers[inputs[i]].offset == place.offset
            for i in readers
        )
        if not readers or not same or not parallel or place.root in self.loaded:
            return None
        return place if self._is_free(place.root, scope, [inputs[i] for i in readers]) else None

    def _generic_input(self, builder: Builder, value: ir.Value, scope: _Scope) -> ir.Value:
        return self._read(builder, value, scope).memref if is_tensor(value) else value

    def _captured_loads(self, block: ir.Block, scope: _Scope) -> None:
        """Reads of captured tensors in a body become loads."""
        for op in list(block.operations):
            operation = op.operation
            if operation.name == "tensor.extract":
                inner = Builder(ir.InsertionPoint(operation), operation.location)
                self.extract(operation, inner, scope)
                if operation.operands[0] in self.buffers:
                    self.loaded.add(self.buffers[operation.operands[0]].root)
                operation.erase()
            else:
                for region in operation.regions:
                    for nested in region.blocks:
                        self._captured_loads(nested, scope)

    def kernel_call(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        operands = list(op.operands)
        split = len(operands) - op.attributes["num_outs"].value
        inputs, inits = operands[:split], operands[split:]
        sources = [self._contiguous(builder, value, scope) if is_tensor(value) else value for value in inputs]
        places = []
        for init, result in zip(inits, op.results, strict=True):
            if init not in self.buffers and init not in self.fills:
                place = self._allocate(builder, result, scope)
            else:
                place = self._update(builder, result, init, scope, inputs)
            places.append(place)
            self._assign(result, place)
        arguments = [*sources, *(place.memref for place in places)]
        builder.op("func.call", arguments, (), {"callee": op.attributes["callee"]})

    def for_loop(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        bounds, inits = list(op.operands)[:3], list(op.operands)[3:]
        body = op.regions[0].blocks[0]
        inner = _scope(body)
        tensors = [i for i, value in enumerate(inits) if is_tensor(value)]
        scalars = [i for i in range(len(inits)) if i not in tensors]
        state = self._loop_state(
            op, builder, scope, inner, [(inits[i], op.results[i], body.arguments[1 + i]) for i in tensors]
        )
        loop = builder.op(
            "scf.for", (*bounds, *(inits[i] for i in scalars)), [inits[i].type for i in scalars], regions=1
        )
        body.append_to(loop.regions[0])
        terminator = body.operations[len(body.operations) - 1].operation
        yielded = list(terminator.operands)
        self._convert_body(inner, terminator, [(yielded[i], place) for i, place in zip(tensors, state, strict=True)])
        self._replace_terminator(terminator, "scf.yield", scalars)
        self._erase_tensor_ops(body)
        for i in reversed(tensors):
            body.erase_argument(1 + i)
        for new, i in enumerate(scalars):
            op.results[i].replace_all_uses_with(loop.results[new])

    def _loop_state(
        self,
        op: ir.Operation,
        builder: Builder,
        scope: _Scope,
        inner: _Scope,
        carried: list[tuple[ir.Value, ir.Value, ir.Value]],
    ) -> list[_Buffer]:
        """Buffers for the carried tensors (init, result, block argument), holding the initial values."""
        state = []
        for init, result, _ in carried:
            place = self._update(builder, result, init, scope, list(inner.last_use))
            if any(place.root is other.root for other in state):
                fresh = self._pack(builder, place, init.type, scope)
                place = fresh
            state.append(place)
            self._assign(result, place)
        for (_, _, argument), place in zip(carried, state, strict=True):
            self._assign(argument, _Buffer(_Root(place.root.value, inner, writable=True), place.memref, place.offset))
        return state

    def _convert_body(self, inner: _Scope, terminator: ir.Operation, moves: list[tuple[ir.Value, _Buffer]]) -> None:
        """Convert a region's block and leave each yielded tensor in its place."""
        places = []
        for value, place in moves:
            root = next(
                (
                    b.root
                    for b in (self.buffers.get(a) for a in inner.block.arguments)
                    if b and b.root.value == place.root.value and b.offset == place.offset
                ),
                None,
            )
            local = _Buffer(root or _Root(place.root.value, inner, writable=True), place.memref, place.offset)
            places.append(local)
            self._prefer(value, local, inner)
        self._block(inner)
        builder = Builder(ir.InsertionPoint(terminator), terminator.location)
        inner.position = len(inner.operations)
        pending = []
        targets = {id(place.root) for place in places}
        for (value, _), place in zip(moves, places, strict=True):
            if value in self.fills and value not in self.buffers:
                pending.append((self.fills[value], place))
                continue
            buffer = self._read(builder, value, inner)
            if buffer.root is place.root and buffer.offset == place.offset:
                continue
            if id(buffer.root) in targets:  # another carried value's place: it may be overwritten before it is read
                buffer = self._pack(builder, buffer, value.type, inner)
            pending.append((buffer.memref, place))
        for source, place in pending:
            builder.copy(source, place.memref)

    @staticmethod
    def _replace_terminator(terminator: ir.Operation, name: str, kept: Sequence[int]) -> None:
        operands = [terminator.operands[i] for i in kept]
        ir.Operation.create(name, operands=operands, loc=terminator.location, ip=ir.InsertionPoint(terminator))
        terminator.erase()

    def while_loop(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        inits = list(op.operands)
        before, after = op.regions[0].blocks[0], op.regions[1].blocks[0]
        before_scope, after_scope = _scope(before), _scope(after)
        tensors = [i for i, value in enumerate(inits) if is_tensor(value)]
        scalars = [i for i in range(len(inits)) if i not in tensors]
        condition = before.operations[len(before.operations) - 1].operation
        forwarded = list(condition.operands)[1:]
        results = list(op.results)
        carried: list[tuple[ir.Value, _Buffer]] = []
        for i in tensors:
            tied = next((k for k, value in enumerate(forwarded) if value == before.arguments[i]), None)
            stand_in = results[tied] if tied is not None else before.arguments[i]
            place = self._update(builder, stand_in, inits[i], scope, [*before_scope.last_use, *after_scope.last_use])
            if any(place.root is other.root for _, other in carried):
                place = self._pack(builder, place, inits[i].type, scope)
            carried.append((before.arguments[i], place))
        out_tensors = [k for k, value in enumerate(forwarded) if is_tensor(value)]
        out_scalars = [k for k in range(len(forwarded)) if k not in out_tensors]
        out_places = []
        taken: set[int] = set()
        for k in out_tensors:
            own = next(
                (place for argument, place in carried if argument == forwarded[k] and id(place.root) not in taken), None
            )
            place = own or self._allocate(builder, results[k], scope)
            if any(place.root is other.root for other in out_places):
                place = self._pack(builder, place, results[k].type, scope)
            taken.add(id(place.root))
            out_places.append(place)
            self._assign(results[k], place)
        loop = builder.op("scf.while", [inits[i] for i in scalars], [forwarded[k].type for k in out_scalars], regions=2)
        before.append_to(loop.regions[0])
        after.append_to(loop.regions[1])
        for argument, place in carried:
            self._assign(
                argument, _Buffer(_Root(place.root.value, before_scope, writable=False), place.memref, place.offset)
            )
        self._convert_body(
            before_scope, condition, [(forwarded[k], place) for k, place in zip(out_tensors, out_places, strict=True)]
        )
        self._replace_terminator(condition, "scf.condition", [0, *(1 + k for k in out_scalars)])
        self._erase_tensor_ops(before)
        for k, place in zip(out_tensors, out_places, strict=True):
            self._assign(
                after.arguments[k],
                _Buffer(_Root(place.root.value, after_scope, writable=True), place.memref, place.offset),
            )
        terminator = after.operations[len(after.operations) - 1].operation
        yielded = list(terminator.operands)
        self._convert_body(
            after_scope, terminator, [(yielded[i], place) for i, (_, place) in zip(tensors, carried, strict=True)]
        )
        self._replace_terminator(terminator, "scf.yield", scalars)
        self._erase_tensor_ops(after)
        for i in reversed(tensors):
            before.erase_argument(i)
        for k in reversed(out_tensors):
            after.erase_argument(k)
        for new, k in enumerate(out_scalars):
            results[k].replace_all_uses_with(loop.results[new])

    def if_else(self, op: ir.Operation, builder: Builder, scope: _Scope) -> None:
        results = list(op.results)
        tensors = [i for i, value in enumerate(results) if is_tensor(value)]
        scalars = [i for i in range(len(results)) if i not in tensors]
        places = []
        for i in tensors:
            places.append(self._allocate(builder, results[i], scope))
            self._assign(results[i], places[-1])
        branch = builder.op("scf.if", [op.operands[0]], [results[i].type for i in scalars], regions=2)
        for number, region in enumerate(list(op.regions)):
            if not len(region.blocks):
                continue
            block = region.blocks[0]
            inner = _scope(block)
            block.append_to(branch.regions[number])
            terminator = block.operations[len(block.operations) - 1].operation
            yielded = list(terminator.operands)
            self._convert_body(
                inner, terminator, [(yielded[i], place) for i, place in zip(tensors, places, strict=True)]
            )
            self._replace_terminator(terminator, "scf.yield", scalars)
            self._erase_tensor_ops(block)
        for new, i in enumerate(scalars):
            results[i].replace_all_uses_with(branch.results[new])


def _scalar_constant(builder: Builder, splat: ir.Attribute) -> ir.Value:
    """The element of a splat constant as an SSA value."""
    element = splat.type.element_type
    if not isinstance(element, ir.ComplexType):
        return builder.op("arith.constant", (), (element,), {"value": splat.get_splat_value()}).results[0]
    value = splat_value(splat)
    parts = [ir.FloatAttr.get(element.element_type, float(part)) for part in (value.real, value.imag)]
    return builder.op("complex.constant", (), (element,), {"value": ir.ArrayAttr.get(parts)}).results[0]


def _is_terminator(op: ir.Operation) -> bool:
    return op.name in ("scf.yield", "scf.condition", "func.return", "linalg.yield")


def _is_contiguous_slice(shape: Sequence[int], sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements of a slice lie next to each other in a row-major array."""
    partial = False
    for extent, size, stride in zip(reversed(shape), reversed(sizes), reversed(strides), strict=True):
        if stride != 1 and size > 1:
            return False
        if partial and size != 1:
            return False
        partial = partial or size != extent
    return True


def _tied_operand(result: ir.Value) -> ir.Value | None:
    """The destination operand whose buffer an operation's result takes over, if there is one."""
    op = result.owner.operation
    if op.name == "tensor.insert_slice":
        return op.operands[1]
    if op.name == "linalg.generic":
        return op.operands[op.attributes["operandSegmentSizes"][0] + result.result_number]
    if op.name == "astra.kernel_call":
        return op.operands[len(op.operands) - op.attributes["num_outs"].value + result.result_number]
    if op.name == "scf.for":
        return op.operands[3 + result.result_number]
    return None


_TENSOR_OPS = {
    "tensor.empty",
    "tensor.from_elements",
    "tensor.extract",
    "tensor.expand_shape",
    "tensor.collapse_shape",
    "tensor.extract_slice",
    "tensor.insert_slice",
    "linalg.fill",
    "astra.kernel_call",
}

_RULES: dict[str, Callable[[_FunctionBufferizer, ir.Operation, Builder, _Scope], None]] = {
    "tensor.empty": _FunctionBufferizer.empty,
    "arith.constant": _FunctionBufferizer.constant,
    "linalg.fill": _FunctionBufferizer.fill,
    "tensor.from_elements": _FunctionBufferizer.from_elements,
    "tensor.extract": _FunctionBufferizer.extract,
    "tensor.expand_shape": _FunctionBufferizer.reshape,
    "tensor.collapse_shape": _FunctionBufferizer.reshape,
    "tensor.extract_slice": _FunctionBufferizer.extract_slice,
    "tensor.insert_slice": _FunctionBufferizer.insert_slice,
    "linalg.generic": _FunctionBufferizer.generic,
    "astra.kernel_call": _FunctionBufferizer.kernel_call,
    "scf.for": _FunctionBufferizer.for_loop,
    "scf.while": _FunctionBufferizer.while_loop,
    "scf.if": _FunctionBufferizer.if_else,
}


@register_pass
@dataclass(frozen=True)
class Bufferize(Pass):
    """Give every tensor a place in memory.

    Before: ``func.func @main(%x: tensor<4xf32>) -> tensor<4xf32>`` with linalg on tensors.
    After: ``func.func @main(%x: memref<16xi8>, %out: memref<16xi8>)`` with linalg on memrefs.
    Constants that are not splats become further arguments; their values are the module attribute ``astra.constants``.
    """

    name: ClassVar[str] = "astra-bufferize"
    summary: ClassVar[str] = "Place tensors in byte buffers, results in caller-provided outputs"

    def run(self, module: ir.Operation) -> None:
        constants: list[ir.Attribute] = []
        for op in module.regions[0].blocks[0].operations:
            func = op.operation
            if func.name != "func.func" or not len(func.regions[0].blocks):
                continue
            kinds = func.attributes["function_type"].value
            if any(isinstance(kind, ir.MemRefType) for kind in kinds.inputs):
                continue
            _FunctionBufferizer(func, constants).run()
        module.attributes["astra.constants"] = ir.ArrayAttr.get(constants)
        _mark_kernels(module)


def _mark_kernels(module: ir.Operation) -> None:
    """Kernels take bare pointers, and their buffers are distinct: an out never shares a root with another operand."""
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation
        for op in module.regions[0].blocks[0].operations
    }
    called: set[str] = set()

    def visit(op: ir.Operation) -> None:
        if op.name == "func.call":
            called.add(ir.FlatSymbolRefAttr(op.attributes["callee"]).value)
        for region in op.regions:
            for block in region.blocks:
                for nested in block.operations:
                    visit(nested.operation)

    for func in functions.values():
        if "astra.num_inputs" in func.attributes:
            func.attributes["llvm.bareptr"] = ir.UnitAttr.get()
            visit(func)
    no_alias = ir.DictAttr.get({"llvm.noalias": ir.UnitAttr.get()})
    empty = ir.DictAttr.get({})
    for name in called:
        kinds = ir.TypeAttr(functions[name].attributes["function_type"]).value.inputs
        functions[name].attributes["llvm.bareptr"] = ir.UnitAttr.get()
        functions[name].attributes["arg_attrs"] = ir.ArrayAttr.get(
            [no_alias if isinstance(kind, ir.MemRefType) else empty for kind in kinds]
        )
