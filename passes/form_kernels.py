"""``astra-form-kernels``: linalg operations on memrefs become calls of private kernel functions.

Neighbouring operations that share data and whose outer parallel loops agree are put into one kernel, which will run
them row by row while the row is in cache (a softmax is one kernel).  Kernels with the same body are emitted once,
however many layers a model has.  Buffers that only one kernel uses move into it.  Stands between bufferization and
memory planning, which sees the shorter lifetimes.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.loop_nest import Access, LoopNest, Place, nest_of, place_of
from astra_mlir.passes.memref_utils import Builder, byte_width, reinterpret
from astra_mlir.passes.split_reductions import split_reductions
from astra_mlir.passes.target import Target, target_of
from astra_mlir.passes.traversal import walk

__all__ = ["FormKernels"]

MAX_OPS = 24  # operations in one kernel
MAX_BASES = 24  # buffers one kernel touches
ENOUGH_ROWS = 64  # iterations of the shared loops that keep every thread busy
SMALL_NEST = 1 << 16  # iterations below which parallelism does not matter

_LOOPS = ("scf.for", "scf.while")
_TRANSPARENT = ("arith.", "math.", "memref.alloc", "memref.view", "memref.subview", "index.", "complex.")


@dataclass
class _Group:
    """Nests that will run under the same outer loops."""

    target: Target
    nests: list[LoopNest] = field(default_factory=list)
    shared: int = 0  # number of outer loops in common
    bases: dict[ir.Value, bool] = field(default_factory=dict)  # buffer -> is written
    loaded: set[ir.Value] = field(default_factory=set)  # buffers read at computed indices

    def add(self, nest: LoopNest, shared: int) -> None:
        self.nests.append(nest)
        self.shared = shared
        for access in filter(None, nest.accesses):
            self.bases[access.place.base] = self.bases.get(access.place.base, False) or access.written
        for load in nest.loads:
            base = place_of(load.operands[0]).base
            self.loaded.add(base)
            self.bases.setdefault(base, False)

    def extended(self, nests: Sequence[LoopNest]) -> _Group | None:
        """This group with further nests, or ``None`` where their loops do not agree."""
        group = _Group(self.target, list(self.nests), self.shared, dict(self.bases), set(self.loaded))
        related = not group.nests or any(_touched(nest) & group.bases.keys() for nest in nests)
        if not related:
            return None
        for nest in nests:
            shared = _shared_loops(group, nest) if group.nests else nest.parallel
            if group.nests and not shared:
                return None
            group.add(nest, shared)
        return group

    def accesses(self) -> list[tuple[LoopNest, Access]]:
        return [(nest, access) for nest in self.nests for access in nest.accesses if access is not None]


def _touched(nest: LoopNest) -> set[ir.Value]:
    """The buffers a nest reads or writes."""
    bases = {access.place.base for access in nest.accesses if access is not None}
    return bases | {place_of(load.operands[0]).base for load in nest.loads}


def _is_fill(nest: LoopNest) -> bool:
    """Whether a nest only writes a scalar everywhere."""
    return not nest.loads and all(access is None or access.written for access in nest.accesses)


def _span(access: Access, extents: Sequence[int], first: int = 0) -> int:
    """Elements between the first and the last that the loops from ``first`` on touch, inclusive."""
    return 1 + sum(abs(c) * (e - 1) for c, e in zip(access.coefficients[first:], extents[first:], strict=True))


def _end(access: Access, extents: Sequence[int]) -> int:
    """The element behind the last that is touched, exactly: a view as large as its base is then all of it."""
    return 1 + access.constant + sum(max(c, 0) * (e - 1) for c, e in zip(access.coefficients, extents, strict=True))


def _rows_are_disjoint(access: Access, nest: LoopNest, shared: int) -> bool:
    """Whether iterations of the shared loops touch different elements."""
    inner = _span(access, nest.extents, shared)
    for coefficient, extent in sorted(zip(access.coefficients[:shared], nest.extents[:shared], strict=True)):
        if coefficient < inner:
            return False
        inner += coefficient * (extent - 1)
    return True


def _shared_loops(group: _Group, nest: LoopNest) -> int:
    """How many outer loops the nest can share with the group; 0 when it must not join."""
    bases = {access.place.base for access in nest.accesses if access is not None}
    loaded = {place_of(load.operands[0]).base for load in nest.loads}
    if _fills_for_columns(group, nest):
        return nest.parallel
    if nest.wants_own_schedule() or any(other.wants_own_schedule() for other in group.nests):
        return 0
    if len(group.nests) >= MAX_OPS or len(bases | group.bases.keys()) > MAX_BASES:
        return 0
    first = group.nests[0]
    shared = 0
    limit = min(group.shared, nest.parallel)
    while shared < limit and first.extents[shared] == nest.extents[shared]:
        shared += 1
    if shared == 0:
        return 0
    rows, before = math.prod(nest.extents[:shared]), math.prod(first.extents[: group.shared])
    work = max(nest.iterations, *(n.iterations for n in group.nests))
    if rows < min(before, ENOUGH_ROWS) and work > SMALL_NEST:
        return 0
    written = {access.place.base for access in nest.accesses if access is not None and access.written}
    for base in bases | loaded:
        if base not in group.bases or not (group.bases[base] or base in written):
            continue
        if base in loaded or base in group.loaded:
            return 0
        touching = [
            (n, a) for n, a in (*group.accesses(), *((nest, a) for a in nest.accesses if a)) if a.place.base == base
        ]
        reference = touching[0][1]
        for owner, access in touching:
            if access.place.origin != reference.place.origin or access.constant != reference.constant:
                return 0
            if access.coefficients[:shared] != reference.coefficients[:shared] or not _rows_are_disjoint(
                access, owner, shared
            ):
                return 0
            row = _span(access, owner.extents, shared) * byte_width(access.memref.type.element_type)
            if row > group.target.l2_bytes // 4:  # what the operations share should stay in the second-level cache
                return 0
    return shared


def _fills_for_columns(group: _Group, nest: LoopNest) -> bool:
    """Whether the group only initializes what the nest, a column reduction, adds to."""
    if len(group.nests) != 1 or not nest.wants_own_schedule() or nest.parallel == len(nest.extents):
        return False
    fill, outputs = group.nests[0], [access for access in nest.accesses if access is not None and access.written]
    target = fill.accesses[-1]
    return (
        _is_fill(fill)
        and len(outputs) == 1
        and target is not None
        and fill.extents == nest.extents[: nest.parallel]
        and target.place == outputs[0].place
        and target.constant == outputs[0].constant
        and target.coefficients == outputs[0].coefficients[: nest.parallel]
    )


class _KernelFormer:
    def __init__(self, module: ir.Operation) -> None:
        self.module_body = module.regions[0].blocks[0]
        self.kernels: dict[str, ir.Operation] = {}  # by the text of the function
        self.loops = 0  # that the block under way is in
        self.names: set[str] = set()  # of the kernels
        self.target = target_of(module)

    def block(self, block: ir.Block) -> None:
        """Outline every linalg operation of a block and of the blocks nested in it."""
        group = _Group(self.target)
        fills: list[LoopNest] = []  # initialisations, which go with their first reader
        for op in list(block.operations):
            operation = op.operation
            if operation.name == "linalg.generic":
                nest = nest_of(operation)
                if nest.iterations == 0:
                    operation.erase()
                elif _is_fill(nest):
                    fills.append(nest)
                else:
                    group = self.join(group, [*fills, nest])
                    fills = []
                continue
            if self.separates(operation, group, fills):
                group = self.join(group, fills)
                self.outline(group)
                group, fills = _Group(self.target), []
            self.loops += operation.name in _LOOPS
            for region in operation.regions:
                for nested in region.blocks:
                    self.block(nested)
            self.loops -= operation.name in _LOOPS
        self.outline(self.join(group, fills))

    def join(self, group: _Group, nests: Sequence[LoopNest]) -> _Group:
        """Add nests to the group if the last one may join it, else outline the group and start another."""
        if not nests:
            return group
        extended = group.extended(nests) if group.nests else None
        if extended is not None:
            return extended
        self.outline(group)
        fresh = _Group(self.target).extended(nests)
        if fresh is not None:
            return fresh
        for nest in nests[:-1]:
            self.outline(_Group(self.target).extended([nest]))
        return _Group(self.target).extended(nests[-1:])

    @staticmethod
    def separates(op: ir.Operation, group: _Group, fills: Sequence[LoopNest]) -> bool:
        """Whether the group and the fills may not be moved past an operation."""
        filled = {access.place.base for nest in fills for access in nest.accesses if access is not None}
        if op.name == "memref.load":
            base = place_of(op.operands[0]).base
            return base in filled or group.bases.get(base, False)
        if op.name == "memref.store":
            base = place_of(op.operands[1]).base
            return base in filled or base in group.bases
        return not op.name.startswith(_TRANSPARENT)

    # -- outlining --------------------------------------------------------------------------------------------

    def outline(self, group: _Group) -> None:
        """Move the group's operations into a kernel and leave a call where the last one stood."""
        if not group.nests:
            return
        last = group.nests[-1].op
        call_site = Builder(ir.InsertionPoint(last), last.location)
        local = self.local_bases(group)
        spans: dict[tuple[object, ...], int] = {}
        places: dict[tuple[object, ...], tuple[Place, ir.Type]] = {}
        written: set[tuple[object, ...]] = set()

        def key_of(memref: ir.Value, place: Place) -> tuple[object, ...]:
            element = memref.type.element_type
            key = (*place.origin, str(element))
            places.setdefault(key, (place, element))
            return key

        for nest, access in group.accesses():
            key = key_of(access.memref, access.place)
            spans[key] = max(spans.get(key, 0), _end(access, nest.extents))
            if access.written:
                written.add(key)
        for nest in group.nests:
            for load in nest.loads:
                memref = load.operands[0]
                place = place_of(memref)
                key = key_of(memref, place)
                size = 1 + sum((n - 1) * s for n, s in zip(memref.type.shape, place.strides, strict=True))
                spans[key] = max(spans.get(key, 0), size)

        arguments = [key for key in places if places[key][0].base not in local]
        kinds = {key: ir.MemRefType.get([spans[key]], places[key][1]) for key in places}
        captured = self.captured_scalars(group)
        inputs = [kinds[key] for key in arguments] + [value.type for value in captured]
        func = self.create_function(inputs, last.location)
        body = func.regions[0].blocks[0]
        inside = Builder(ir.InsertionPoint(body), last.location)
        flat = {key: body.arguments[i] for i, key in enumerate(arguments)}
        for key, (place, _) in places.items():
            if place.base in local:
                attributes = {"operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0])}
                flat[key] = inside.op("memref.alloca", (), (kinds[key],), attributes).results[0]
        scalars = {value: body.arguments[len(arguments) + i] for i, value in enumerate(captured)}
        self.move(group, inside, flat, scalars, key_of)
        inside.op("func.return")
        i64 = ir.IntegerType.get_signless(64)
        func.attributes["astra.shared_loops"] = ir.IntegerAttr.get(i64, group.shared)
        streamed = [i for i, key in enumerate(arguments) if key in written and self.is_streamed(group, places[key][0])]
        if streamed:
            func.attributes["astra.streamed"] = ir.DenseI64ArrayAttr.get(streamed)
        no_alias = ir.DictAttr.get({"llvm.noalias": ir.UnitAttr.get()})
        empty = ir.DictAttr.get({})
        func.attributes["arg_attrs"] = ir.ArrayAttr.get(
            [no_alias if self.is_alone(key, arguments, written) else empty for key in arguments]
            + [empty] * len(captured)
        )
        name = self.intern(func)
        operands = [self.argument(call_site, *places[key], kinds[key]) for key in arguments]
        call_site.op("func.call", [*operands, *captured], (), {"callee": ir.FlatSymbolRefAttr.get(name)})
        for nest in group.nests:
            nest.op.erase()

    def is_streamed(self, group: _Group, place: Place) -> bool:
        """Whether a written buffer should not be brought into the cache: it is larger, or is a result read by nobody.

        A result counts if the kernel touches more than the cache holds.
        """
        accesses = group.accesses()
        if sum(access.place.base == place.base for _, access in accesses) != 1:
            return False
        touched = {
            access.place.origin: _span(access, nest.extents) * byte_width(access.memref.type.element_type)
            for nest, access in accesses
        }
        if touched[place.origin] > self.target.l3_bytes:
            return True
        loaded = sum(nest.iterations * byte_width(load.results[0].type) for nest in group.nests for load in nest.loads)
        is_result = isinstance(place.base.owner, ir.Block) and not self.loops
        return (
            is_result
            and sum(touched.values()) + loaded > self.target.l3_bytes
            and _is_only_written(place.base, self.names)
        )

    @staticmethod
    def is_alone(key: tuple[object, ...], keys: Sequence[tuple[object, ...]], written: set[tuple[object, ...]]) -> bool:
        """Whether no other argument may overlap this one in a way that a write could be seen through."""
        return all(other == key or other[0] != key[0] or not (key in written or other in written) for other in keys)

    @staticmethod
    def create_function(inputs: Sequence[ir.Type], loc: ir.Location) -> ir.Operation:
        attributes = {
            "sym_name": ir.StringAttr.get("kernel"),
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(list(inputs), [])),
            "llvm.bareptr": ir.UnitAttr.get(),
        }
        func = ir.Operation.create("func.func", attributes=attributes, regions=1, loc=loc)
        func.regions[0].blocks.append(*inputs, arg_locs=[loc] * len(inputs))
        return func

    @staticmethod
    def argument(builder: Builder, place: Place, element: ir.Type, kind: ir.MemRefType) -> ir.Value:
        """The flat view that the caller passes for a place."""
        if not place.dynamic and place.base.type == kind:
            return place.base
        offset: ir.Value | int = place.offset
        for value, scale in place.dynamic:
            offset = builder.add(offset, builder.mul(value, scale))
        return builder.view(place.base, offset, kind)

    @staticmethod
    def local_bases(group: _Group) -> set[ir.Value]:
        """Allocations that only this group uses, small enough per row to live inside the kernel."""
        ops = {nest.op for nest in group.nests}
        local = set()
        for base, is_written in group.bases.items():
            if (
                not is_written
                or base in group.loaded
                or isinstance(base.owner, ir.Block)
                or base.owner.operation.name != "memref.alloc"
            ):
                continue
            rows = [
                _span(a, n.extents, group.shared) * byte_width(a.memref.type.element_type)
                for n, a in group.accesses()
                if a.place.base == base
            ]
            if max(rows) > group.target.l1_bytes:  # they live on the stack of a task
                continue
            views = [use.owner.operation for use in base.uses]
            if all(
                v.name == "memref.view" and all(use.owner.operation in ops for use in v.results[0].uses) for v in views
            ):
                origins = {
                    (a.place.origin, str(a.memref.type.element_type))
                    for _, a in group.accesses()
                    if a.place.base == base
                }
                if len(origins) == 1:
                    local.add(base)
        return local

    @staticmethod
    def captured_scalars(group: _Group) -> list[ir.Value]:
        """Scalars from outside that the bodies use and that are not constants, in order."""
        found: dict[ir.Value, None] = {}
        for nest in group.nests:
            block = nest.op.regions[0].blocks[0]
            inside: set[ir.Value] = set(block.arguments)
            candidates = [v for v in nest.op.operands if not isinstance(v.type, ir.MemRefType)]
            candidates += _operands_within(block, inside)
            for value in candidates:
                if value in inside or isinstance(value.type, ir.MemRefType) or _is_constant(value):
                    continue
                found[value] = None
        return list(found)

    @staticmethod
    def move(group: _Group, inside: Builder, flat: dict, scalars: dict[ir.Value, ir.Value], key_of) -> None:
        """Recreate the operations in the kernel on views of its flat arguments, taking their bodies along."""
        shaped: dict[tuple[object, ...], ir.Value] = {}
        constants: dict[ir.Value, ir.Value] = {}

        def view(memref: ir.Value) -> ir.Value:
            place = place_of(memref)
            key = key_of(memref, place)
            full = (key, tuple(memref.type.shape), place.strides)
            if full not in shaped:
                shaped[full] = reinterpret(inside, flat[key], memref.type.shape, place.strides)
            return shaped[full]

        def scalar(value: ir.Value) -> ir.Value:
            if value in scalars:
                return scalars[value]
            if value not in constants:
                constants[value] = value.owner.operation.clone(inside.ip).results[0]
            return constants[value]

        for nest in group.nests:
            op = nest.op
            operands = [view(v) if isinstance(v.type, ir.MemRefType) else scalar(v) for v in op.operands]
            block = op.regions[0].blocks[0]
            inner: set[ir.Value] = set(block.arguments)
            _operands_within(block, inner)
            _remap(block, inner, view, scalar)
            inside.generic(
                operands[: nest.inputs],
                operands[nest.inputs :],
                op.attributes["indexing_maps"],
                op.attributes["iterator_types"],
                block,
            )

    def intern(self, func: ir.Operation) -> str:
        """The name of the kernel with this body: an earlier one if there is one."""
        text = str(func)
        if text not in self.kernels:
            func.attributes["sym_name"] = ir.StringAttr.get(f"kernel_{len(self.kernels)}")
            self.names.add(f"kernel_{len(self.kernels)}")
            self.module_body.append(func)
            self.kernels[text] = func
        kernel = self.kernels[text]
        if self.loops:
            kernel.attributes["astra.in_loop"] = ir.UnitAttr.get()
        return ir.StringAttr(kernel.attributes["sym_name"]).value


def _is_only_written(base: ir.Value, earlier: Container[str]) -> bool:
    """Whether no operation after the kernels ``earlier`` looks at what is in a buffer."""
    for use in base.uses:
        view = use.owner.operation
        if view.name not in ("memref.view", "memref.subview"):
            return False
        for reader in view.results[0].uses:
            op = reader.owner.operation
            if op.name == "func.call" and ir.FlatSymbolRefAttr(op.attributes["callee"]).value in earlier:
                continue
            if op.name != "linalg.generic" or reader.operand_number < op.attributes["operandSegmentSizes"][0]:
                return False
            body = list(op.regions[0].blocks)  # moved already for the operations of the kernel that is being formed
            if body and list(body[0].arguments[reader.operand_number].uses):
                return False
    return True


def _is_constant(value: ir.Value) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.operation.name in (
        "arith.constant",
        "complex.constant",
    )


def _operands_within(block: ir.Block, inside: set[ir.Value]) -> list[ir.Value]:
    """Every operand in a block; ``inside`` collects what is defined in it."""
    found = []
    for op in block.operations:
        operation = op.operation
        found += list(operation.operands)
        inside.update(operation.results)
        for region in operation.regions:
            for nested in region.blocks:
                inside.update(nested.arguments)
                found += _operands_within(nested, inside)
    return found


def _remap(block: ir.Block, inside: set[ir.Value], view, scalar) -> None:
    for op in walk(block):
        for i, value in enumerate(op.operands):
            if value not in inside:
                op.operands[i] = view(value) if isinstance(value.type, ir.MemRefType) else scalar(value)


@register_pass
@dataclass(frozen=True)
class FormKernels(Pass):
    """Group linalg operations on memrefs into private kernel functions, identical ones shared.

    After: ``func.call @kernel_0(%view, ...)`` in the function, and ``func.func private @kernel_0`` with the operations
    on flat arguments; ``astra.shared_loops`` says how many outer loops its operations share, ``astra.streamed`` which
    arguments should be stored past the cache,
    ``astra.in_loop`` that it is called in one.
    """

    name: ClassVar[str] = "astra-form-kernels"
    summary: ClassVar[str] = "group linalg operations on memrefs into shared kernel functions"

    def run(self, module: ir.Operation) -> None:
        former = _KernelFormer(module)
        for op in list(module.regions[0].blocks[0].operations):
            func = op.operation
            if func.name == "func.func" and "astra.num_inputs" in func.attributes:
                split_reductions(func)
                former.block(func.regions[0].blocks[0])
