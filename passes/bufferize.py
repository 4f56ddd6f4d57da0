"""``astra-bufferize``: tensors become byte buffers, results become caller-provided output buffers.

Stands between linalg on tensors and kernel forming.  Every tensor value is given a place: a view of a byte buffer
(``memref<Nxi8>``), so that reshapes and contiguous slices are views with an identity layout whatever their offset.
An operation writes over its destination operand where nothing reads the old contents any more, and into the function's
output buffer where its result is returned; otherwise into a new ``memref.alloc`` (``astra-plan-memory`` packs those
into one arena).  State carried by a loop lives in buffers of the enclosing block and is updated in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.elements import is_splat, splat_value
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.bufferize_control import CONTROL_RULES, branch_instead_of_select
from astra_mlir.passes.buffers import Buffer, Offset, Root, Scope, bytes_of, scope_of, tied_operand
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.donation import ALIASES, aliases_of, without_reshapes
from astra_mlir.passes.memref_utils import (
    DYNAMIC,
    Builder,
    byte_width,
    is_tensor,
    memref_of,
    row_major_strides,
)
from astra_mlir.passes.read_first import is_read_before_update
from astra_mlir.passes.traversal import walk

__all__ = ["Bufferize"]

IN_PLACE = 1 << 16  # bytes from which a result is written over an operand that dies: smaller ones stay in the cache


class FunctionBufferizer:
    def __init__(self, func: ir.Operation, constants: list[ir.Attribute]) -> None:
        self.func = func
        self.constants = constants
        self.buffers: dict[ir.Value, Buffer] = {}
        self.fills: dict[ir.Value, ir.Value] = {}  # tensors known to hold one scalar everywhere, made when needed
        self.preferred: dict[ir.Value, Buffer] = {}  # where a value should be computed if that is free
        self.slots: dict[ir.Value, Root] = {}  # inserted slices and the place in them where the source is wanted
        self.entry = func.regions[0].blocks[0]
        self.entry_scope: Scope
        self.constant_roots: list[tuple[ir.Value, ir.Type]] = []
        self.i8 = ir.IntegerType.get_signless(8)
        self.scopes: dict[ir.Block, Scope] = {}
        self.loaded: set[Root] = set()  # roots that the body under conversion reads at computed indices

    # -- function ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        scope = self.entry_scope = scope_of(self.entry)
        terminator = self.entry.operations[len(self.entry.operations) - 1].operation
        loc = self.func.location
        at_start = Builder(ir.InsertionPoint.at_block_begin(self.entry), loc)
        tensors, results = list(self.entry.arguments), list(terminator.operands)
        for argument in tensors:
            if not is_tensor(argument):
                raise UnsupportedError(f"{loc}: function argument of type {argument.type} is not a tensor")
        aliases = aliases_of(self.func, scope, results)
        for number, argument in enumerate(tensors):
            self._require_static(argument)
            root = self._argument(argument.type, loc)
            self._assign_root(at_start, argument, root, scope, writable=number in aliases)
        outputs = [self._argument(value.type, loc) for value in results]
        places = []
        for value, output, alias in zip(results, outputs, aliases, strict=True):
            root = Root(output, scope, writable=True) if alias < 0 else self.buffers[tensors[alias]].root
            places.append(Buffer(root, at_start.view(root.value, 0, memref_of(value.type)), 0))
            made = without_reshapes(value)
            self.prefer(made, Buffer(root, at_start.view(root.value, 0, memref_of(made.type)), 0), scope)
        self.convert_block(scope)
        self._return(Builder(ir.InsertionPoint(terminator), terminator.location), results, places, aliases)
        terminator.erase()
        self.erase_tensor_ops(self.entry)
        for _ in tensors:
            self.entry.erase_argument(0)
        kinds = [argument.type for argument in self.entry.arguments]
        constants = len(self.constant_roots)
        self.func.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, []))
        for name in ("arg_attrs", "res_attrs"):
            if name in self.func.attributes:
                del self.func.attributes[name]
        counts = {"num_inputs": len(tensors), "num_outputs": len(outputs), "num_constants": constants}
        if len(self.constants) > constants:  # the module's list begins with those of functions before this one
            counts["first_constant"] = len(self.constants) - constants
        i64 = ir.IntegerType.get_signless(64)
        for name, count in counts.items():
            self.func.attributes[f"astra.{name}"] = ir.IntegerAttr.get(i64, count)
        if any(alias >= 0 for alias in aliases):
            self.func.attributes[ALIASES] = ir.DenseI64ArrayAttr.get(aliases)

    def _return(
        self, builder: Builder, results: Sequence[ir.Value], places: Sequence[Buffer], aliases: Sequence[int]
    ) -> None:
        """Copy each result to its place unless it is there; to donated arguments, which are read until now, last."""
        taken = [place.root for place, alias in zip(places, aliases, strict=True) if alias >= 0]
        late = []
        for value, place, alias in zip(results, places, aliases, strict=True):
            if alias < 0:
                self.move(builder, value, place)
                continue
            if value in self.fills and value not in self.buffers:
                late.append((self.fills[value], place))
                continue
            buffer = self.read(builder, value, self.entry_scope)
            if buffer.root is not place.root or buffer.offset != place.offset:
                if buffer.root in taken:
                    buffer = self.pack(builder, buffer, value.type, self.entry_scope)
                late.append((buffer.memref, place))
        for source, place in late:
            builder.copy(source, place.memref)
        builder.op("func.return")

    def _argument(self, tensor: ir.Type, loc: ir.Location) -> ir.Value:
        return self.entry.add_argument(ir.MemRefType.get([bytes_of(tensor)], self.i8), loc)

    def _assign_root(self, builder: Builder, tensor: ir.Value, root: ir.Value, scope: Scope, writable: bool) -> Buffer:
        self._require_static(tensor)
        buffer = Buffer(Root(root, scope, writable), builder.view(root, 0, memref_of(tensor.type)), 0)
        return self.assign(tensor, buffer)

    @staticmethod
    def _require_static(tensor: ir.Value) -> None:
        if not tensor.type.has_static_shape:
            place = source_place(tensor.location)
            raise UnsupportedError(
                f"{place}: the CPU lowering needs static shapes, got {tensor.type}; compile for given sizes"
            )

    def assign(self, tensor: ir.Value, buffer: Buffer) -> Buffer:
        self.buffers[tensor] = buffer
        buffer.root.tensors.append(tensor)
        return buffer

    def prefer(self, value: ir.Value, place: Buffer, scope: Scope) -> None:
        """Ask that ``value`` be computed in ``place``, through chains of operations that update a destination."""
        while isinstance(value.owner, ir.Operation | ir.OpView) and value.owner.operation.block == scope.block:
            if value in self.preferred:
                return
            self.preferred[value] = place
            destination = tied_operand(value)
            if destination is None or len(list(destination.uses)) != 1:
                return
            value = destination

    # -- values -----------------------------------------------------------------------------------------------

    def allocate(self, builder: Builder, value: ir.Value, scope: Scope) -> Buffer:
        """A place for a value to be computed at the current position: the preferred one if it is free, or a new one."""
        place = self.preferred.get(value)
        if place is not None and self.is_free(place.root, scope):
            return place
        return self.new_place(builder, value.type, scope)

    @staticmethod
    def new_place(builder: Builder, kind: ir.Type, scope: Scope) -> Buffer:
        """A buffer of its own for a tensor type."""
        root = Root(builder.alloc(bytes_of(kind)), scope, writable=True)
        return Buffer(root, builder.view(root.value, 0, memref_of(kind)), 0)

    def is_free(self, root: Root, scope: Scope, ignoring: Sequence[ir.Value] = ()) -> bool:
        """Whether nothing at or after the current position reads the root, but for uses by ``ignoring`` values."""
        if not root.writable or root.scope is not scope:
            return False
        return all(
            scope.last_use.get(tensor, -1) < scope.position
            or (tensor in ignoring and scope.last_use[tensor] == scope.position)
            for tensor in root.tensors
        )

    def read(self, builder: Builder, tensor: ir.Value, scope: Scope) -> Buffer:
        """The place of a tensor that is read here."""
        buffer = self.buffers.get(tensor)
        if buffer is None:
            if tensor not in self.fills and tensor.owner.operation.name != "tensor.empty":
                raise UnsupportedError(f"{builder.loc}: {tensor.owner.operation.name} has no bufferization rule")
            # materialise next to the definition, so that it is done once and dominates every later use
            definition = tensor.owner.operation
            near = Builder(ir.InsertionPoint(definition), definition.location)
            kind = tensor.type
            root = Root(near.alloc(bytes_of(kind)), self._scope_of(definition), False)
            buffer = self.assign(tensor, Buffer(root, near.view(root.value, 0, memref_of(kind)), 0))
            if tensor in self.fills:
                near.copy(self.fills[tensor], buffer.memref)
        return buffer

    def _scope_of(self, op: ir.Operation) -> Scope:
        return self.scopes[op.block]

    def update(
        self, builder: Builder, result: ir.Value, destination: ir.Value, scope: Scope, readers: Sequence[ir.Value]
    ) -> Buffer:
        """A place that holds ``destination``'s contents and may be overwritten; ``readers`` are other operands."""
        current = self.buffers.get(destination)
        if current is not None:
            others = [r for r in readers if is_tensor(r) and r in self.buffers and self.buffers[r].root is current.root]
            if (
                current.offset is not None
                and not others
                and current.root not in self.loaded
                and self.is_free(current.root, scope, [destination])
            ):
                return current
        place = self.allocate(builder, result, scope)
        if destination in self.fills:
            builder.copy(self.fills[destination], place.memref)
        elif current is not None:
            builder.copy(current.memref, place.memref)
        return place

    def _contiguous(self, builder: Builder, tensor: ir.Value, scope: Scope) -> ir.Value:
        buffer = self.read(builder, tensor, scope)
        if buffer.offset is not None:
            return buffer.memref
        return self.pack(builder, buffer, tensor.type, scope).memref

    def pack(self, builder: Builder, buffer: Buffer, kind: ir.Type, scope: Scope) -> Buffer:
        packed = self.new_place(builder, kind, scope)
        builder.copy(buffer.memref, packed.memref)
        return packed

    def move(self, builder: Builder, value: ir.Value, place: Buffer) -> None:
        """Copy ``value`` to ``place`` unless it is there already."""
        if value in self.fills and value not in self.buffers:
            builder.copy(self.fills[value], place.memref)
            return
        buffer = self.read(builder, value, self.entry_scope)
        if buffer.root is place.root and buffer.offset == place.offset:
            return
        builder.copy(buffer.memref, place.memref)

    # -- blocks -----------------------------------------------------------------------------------------------

    def convert_block(self, scope: Scope) -> None:
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

    def erase_tensor_ops(self, block: ir.Block) -> None:
        for op in reversed(list(block.operations)):
            operation = op.operation
            if operation.name in _TENSOR_OPS or (
                operation.name in _RULES and any(is_tensor(v) for v in (*operation.results, *operation.operands))
            ):
                operation.erase()

    # -- rules ------------------------------------------------------------------------------------------------

    def empty(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        del builder, scope
        self._require_static(op.results[0])

    def constant(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
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

    def fill(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        del builder, scope
        self.fills[op.results[0]] = op.operands[0]

    def from_elements(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        result = op.results[0]
        buffer = self.assign(result, self.allocate(builder, result, scope))
        builder.store(op.operands[0], buffer.memref, [])

    def extract(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        source = op.operands[0]
        if source in self.fills and source not in self.buffers:
            value = self.fills[source]
        else:
            value = builder.load(self.read(builder, source, scope).memref, list(op.operands)[1:])
        op.results[0].replace_all_uses_with(value)

    def reshape(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        source, result = op.operands[0], op.results[0]
        if source in self.fills and source not in self.buffers:
            self.fills[result] = self.fills[source]
            return
        buffer = self.read(builder, source, scope)
        if buffer.offset is None:
            buffer = self.pack(builder, buffer, source.type, scope)
        memref = builder.view(buffer.root.value, buffer.offset, memref_of(result.type))
        self.assign(result, Buffer(buffer.root, memref, buffer.offset))

    def slice_of(
        self, op: ir.Operation, builder: Builder, buffer: Buffer, source: ir.Type, shape: Sequence[int], first: int
    ) -> Buffer:
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
            return Buffer(buffer.root, builder.view(buffer.root.value, offset, kind), offset)
        return Buffer(buffer.root, builder.subview(buffer.memref, offsets, sizes, strides, shape), None)

    def extract_slice(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        source, result = op.operands[0], op.results[0]
        if source in self.fills and source not in self.buffers:
            self.fills[result] = self.fills[source]
            return
        self._require_static(result)
        buffer = self.read(builder, source, scope)
        part = self.slice_of(op, builder, buffer, source.type, result.type.shape, 1)
        if is_read_before_update(op):
            part = self.pack(builder, part, result.type, scope)
        self.assign(result, part)

    def insert_slice(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        source, destination = op.operands[0], op.operands[1]
        result = op.results[0]
        place = self.update(builder, result, destination, scope, [source])
        slot, current = self.slots.get(result), self.buffers.get(destination)
        if slot is not None and source in self.buffers and self.buffers[source].root is slot:
            slot.writable = False  # from now on it belongs to the stack
            if current is not None and place.root is current.root:
                self.assign(result, place)
                return
        target = self.slice_of(op, builder, place, result.type, source.type.shape, 2)
        if source in self.fills and source not in self.buffers:
            builder.copy(self.fills[source], target.memref)
        else:
            builder.copy(self.read(builder, source, scope).memref, target.memref)
        self.assign(result, place)

    def generic(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
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
                place = self.update(builder, result, init, scope, inputs)
            else:
                place = self._place_of(op, inputs, result, builder, scope)
            outputs.append(place.memref)
            self.assign(result, place)
        self.loaded = set()
        builder.generic(sources, outputs, op.attributes["indexing_maps"], op.attributes["iterator_types"], body)

    def _place_of(
        self, op: ir.Operation, inputs: Sequence[ir.Value], result: ir.Value, builder: Builder, scope: Scope
    ) -> Buffer:
        """Where a result is computed: its preferred place, that of a large operand that dies here, or a new one."""
        preferred = self.preferred.get(result)
        if preferred is not None and self._is_overwritable(op, inputs, result, preferred, scope):
            return preferred
        if preferred is None or not self.is_free(preferred.root, scope):
            for value in inputs if bytes_of(result.type) >= IN_PLACE else ():
                place = self.buffers.get(value)
                if (
                    place is not None
                    and not isinstance(place.root.value.owner, ir.Block)
                    and place.memref.type == memref_of(result.type)
                    and self._is_overwritable(op, inputs, result, place, scope)
                ):
                    return place
        return self.allocate(builder, result, scope)

    def _is_overwritable(
        self, op: ir.Operation, inputs: Sequence[ir.Value], result: ir.Value, place: Buffer, scope: Scope
    ) -> bool:
        """Whether a result can be computed where operands live that die here: each element is read before it is
        written."""
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
        taken = any(other in self.buffers and self.buffers[other].root is place.root for other in op.results)
        if not readers or not same or not parallel or taken or place.root in self.loaded or place.offset is None:
            return False
        return self.is_free(place.root, scope, [inputs[i] for i in readers])

    def _generic_input(self, builder: Builder, value: ir.Value, scope: Scope) -> ir.Value:
        return self.read(builder, value, scope).memref if is_tensor(value) else value

    def _captured_loads(self, block: ir.Block, scope: Scope) -> None:
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

    def kernel_call(self, op: ir.Operation, builder: Builder, scope: Scope) -> None:
        operands = list(op.operands)
        split = len(operands) - op.attributes["num_outs"].value
        inputs, inits = operands[:split], operands[split:]
        sources = [self._contiguous(builder, value, scope) if is_tensor(value) else value for value in inputs]
        places = []
        for init, result in zip(inits, op.results, strict=True):
            if init not in self.buffers and init not in self.fills:
                place = self.allocate(builder, result, scope)
            else:
                place = self.update(builder, result, init, scope, inputs)
            places.append(place)
            self.assign(result, place)
        arguments = [*sources, *(place.memref for place in places)]
        builder.op("func.call", arguments, (), {"callee": op.attributes["callee"]})


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
    "astra.optimization_barrier",
}

_RULES: dict[str, Callable[[FunctionBufferizer, ir.Operation, Builder, Scope], None]] = {
    "tensor.empty": FunctionBufferizer.empty,
    "arith.constant": FunctionBufferizer.constant,
    "linalg.fill": FunctionBufferizer.fill,
    "tensor.from_elements": FunctionBufferizer.from_elements,
    "tensor.extract": FunctionBufferizer.extract,
    "tensor.expand_shape": FunctionBufferizer.reshape,
    "tensor.collapse_shape": FunctionBufferizer.reshape,
    "astra.optimization_barrier": FunctionBufferizer.reshape,
    "tensor.extract_slice": FunctionBufferizer.extract_slice,
    "tensor.insert_slice": FunctionBufferizer.insert_slice,
    "linalg.generic": FunctionBufferizer.generic,
    "astra.kernel_call": FunctionBufferizer.kernel_call,
    **CONTROL_RULES,
}


@register_pass
@dataclass(frozen=True)
class Bufferize(Pass):
    """Give every tensor a place in memory.

    Before: ``func.func @main(%x: tensor<4xf32>) -> tensor<4xf32>`` with linalg on tensors.
    After: ``func.func @main(%x: memref<16xi8>, %out: memref<16xi8>)`` with linalg on memrefs.
    Results may take over the memory of donated arguments (``donation.py``).
    Constants that are not splats become further arguments; their values are the module attribute ``astra.constants``.
    """

    name: ClassVar[str] = "astra-bufferize"
    summary: ClassVar[str] = "place tensors in byte buffers, results in caller-provided outputs"

    def run(self, module: ir.Operation) -> None:
        constants: list[ir.Attribute] = []
        for op in module.regions[0].blocks[0].operations:
            func = op.operation
            if func.name != "func.func" or not len(func.regions[0].blocks):
                continue
            kinds = func.attributes["function_type"].value
            if any(isinstance(kind, ir.MemRefType) for kind in kinds.inputs):
                continue
            branch_instead_of_select(func)
            FunctionBufferizer(func, constants).run()
        module.attributes["astra.constants"] = ir.ArrayAttr.get(constants)
        _mark_kernels(module)


def _mark_kernels(module: ir.Operation) -> None:
    """Kernels take bare pointers, and their buffers are distinct: an out never shares a root with another operand."""
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation
        for op in module.regions[0].blocks[0].operations
    }
    called: set[str] = set()
    for func in functions.values():
        if "astra.num_inputs" in func.attributes:
            func.attributes["llvm.bareptr"] = ir.UnitAttr.get()
            calls = (op for op in walk(func.regions[0].blocks[0]) if op.name == "func.call")
            called.update(ir.FlatSymbolRefAttr(op.attributes["callee"]).value for op in calls)
    no_alias = ir.DictAttr.get({"llvm.noalias": ir.UnitAttr.get()})
    empty = ir.DictAttr.get({})
    for name in called:
        kinds = ir.TypeAttr(functions[name].attributes["function_type"]).value.inputs
        functions[name].attributes["llvm.bareptr"] = ir.UnitAttr.get()
        functions[name].attributes["arg_attrs"] = ir.ArrayAttr.get(
            [no_alias if isinstance(kind, ir.MemRefType) else empty for kind in kinds]
        )
