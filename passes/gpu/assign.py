"""``astra-tile-layouts``: a layout for every tile of a tile function, with few changes between them.

Loads and stores want neighbouring threads at neighbouring elements and wide accesses; products want the fragments of
the tensor cores.  These are the anchors.  What is computed from them takes their layout over; what costs nothing to
compute (constants, ranges, offsets, masks) has none of its own and is computed anew in each layout in which it is
wanted.  Only where an anchored value is wanted in another layout stands an ``astra.tile_convert``.
"""

from __future__ import annotations

import math

from astra_mlir.bindings import ir
from astra_mlir.dialects.tile import TILE_ATTRIBUTE
from astra_mlir.dialects.tile_layout import LAYOUTS_ATTRIBUTE
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu.access import access_width, fastest_dims, sector_efficiency
from astra_mlir.passes.gpu.axes import AxisAnalysis
from astra_mlir.passes.gpu.layouts import LANE_BITS, Layout, blocked, log2, strides_of
from astra_mlir.passes.gpu.products import operand_layout, product_layout
from astra_mlir.passes.gpu.target import gpu_target_of

__all__ = ["Assignment", "layouts_of", "scan_layout", "tile_functions", "warps_of"]

DEFAULT_WARPS = 4

_MEMORY = (
    "astra.tile_load", "astra.tile_store", "astra.tile_atomic", "astra.tile_atomic_cas", "astra.tile_copy",
)  # fmt: skip
_FREE = {
    "arith.constant", "tensor.splat", "astra.tile_arange", "astra.tile_broadcast", "astra.tile_read",
}  # fmt: skip
_LOOPS = ("scf.for", "scf.while")


def tile_functions(module: ir.Operation) -> list[ir.Operation]:
    """The tile functions of a module."""
    block = module.regions[0].blocks[0]
    return [
        op.operation
        for op in block.operations
        if op.operation.name == "func.func" and TILE_ATTRIBUTE in op.operation.attributes
    ]


def warps_of(func: ir.Operation) -> int:
    """How many warps run a tile function."""
    if "astra.num_warps" not in func.attributes:
        return DEFAULT_WARPS
    return int(ir.IntegerAttr(func.attributes["astra.num_warps"]).value)


def layouts_of(op: ir.Operation) -> list[Layout | None]:
    """The layouts of an operation's results (``None`` for scalars), as the attribute says."""
    results = list(op.results)
    if LAYOUTS_ATTRIBUTE not in op.attributes:
        return [None] * len(results)
    texts = [ir.StringAttr(text).value for text in ir.ArrayAttr(op.attributes[LAYOUTS_ATTRIBUTE])]
    return [Layout.parse(text, value.type.shape) if text else None for text, value in zip(texts, results, strict=True)]


def scan_layout(shape: tuple[int, ...], axis: int, warps: int) -> Layout:
    """Neighbours along the axis in neighbouring lanes, what is beyond them in registers, other dimensions in warps."""
    strides = strides_of(shape)
    along = [strides[axis] << i for i in range(log2(shape[axis]))]
    others = [strides[d] << i for d in reversed(range(len(shape))) if d != axis for i in range(log2(shape[d]))]
    lane, register = along[:LANE_BITS], along[LANE_BITS:]
    spare = LANE_BITS - len(lane)
    lane, others = lane + others[:spare], others[spare:]
    warp = others[len(others) - min(log2(warps), len(others)) :]
    others = others[: len(others) - len(warp)]
    lane += [0] * (LANE_BITS - len(lane))
    warp += [0] * (log2(warps) - len(warp))
    return Layout(shape, (*register, *others), tuple(lane), tuple(warp))


def _is_tile(value: ir.Value) -> bool:
    return isinstance(value.type, ir.RankedTensorType)


def _terminator(region: ir.Region) -> ir.Operation:
    operations = region.blocks[0].operations
    return operations[len(operations) - 1].operation


class Assignment:
    """Gives the tiles of one function their layouts."""

    def __init__(self, func: ir.Operation) -> None:
        self.func = func
        self.target = gpu_target_of(func)
        self.warps = warps_of(func)
        self.facts = AxisAnalysis()
        self.vectors: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        self.natural_memo: dict[ir.Value, Layout | None] = {}
        self.pending: set[ir.Value] = set()
        self.given: dict[ir.Value, Layout] = {}  # layouts of values that are in place
        self.versions: dict[tuple[ir.Value, Layout], ir.Value] = {}
        self.originals: list[ir.Operation] = []

    def run(self) -> None:
        self._find_vectors(self.func)
        self._block(self.func.regions[0].blocks[0])
        for op in reversed(self.originals):
            if not any(list(result.uses) for result in op.results):
                op.erase()

    # --- wishes of memory operations

    def _find_vectors(self, op: ir.Operation) -> None:
        """The widest access among the operations on tiles of one shape and order: their layouts are then the same."""
        for region in op.regions:
            for block in region.blocks:
                for child in block.operations:
                    child = child.operation
                    if child.name in _MEMORY and _is_tile(child.operands[1]):
                        shape = tuple(child.operands[1].type.shape)
                        key = (shape, fastest_dims(self.facts(child.operands[1])))
                        width = access_width(self.facts, child, self.target.access_bits)
                        self.vectors[key] = max(self.vectors.get(key, 1), width)
                    self._find_vectors(child)

    def _coalesced(self, op: ir.Operation) -> Layout:
        shape = tuple(op.operands[1].type.shape)
        order = fastest_dims(self.facts(op.operands[1]))
        return self._spread(shape, self.vectors.get((shape, order), 1), order)

    def _spread(self, shape: tuple[int, ...], vector: int = 4, order: tuple[int, ...] | None = None) -> Layout:
        threads = 32 * self.warps
        return blocked(shape, min(vector, max(math.prod(shape) // threads, 1)), self.warps, order)

    # --- the layout that a value has of itself

    def natural(self, value: ir.Value) -> Layout | None:
        """The layout of an anchored value; ``None`` for one that can be computed in any."""
        if not _is_tile(value):
            return None
        if value in self.given:
            return self.given[value]
        if value in self.natural_memo:
            return self.natural_memo[value]
        if value in self.pending:
            return None
        layout = self._natural(value)
        if not self.pending:  # with a loop's argument pending, what depends on it is not yet known
            self.natural_memo[value] = layout
        return layout

    def _natural(self, value: ir.Value) -> Layout | None:
        owner = value.owner
        if isinstance(owner, ir.Block):
            return self._carried(
                owner.owner.operation, ir.BlockArgument(value).arg_number - (owner.owner.operation.name == "scf.for")
            )
        op, name, shape = owner.operation, owner.name, tuple(value.type.shape)
        if name in _FREE:
            return None
        if name in _LOOPS:
            return self._carried(op, list(op.results).index(value))
        if name == "scf.if":
            return self._branches(op, list(op.results).index(value))
        if name in _MEMORY:
            return self._coalesced(op)
        if name == "astra.tile_dot":
            return product_layout(op, self.warps, self.target)
        if name == "astra.tile_reduce":
            return self._or_spread(op.operands[0]).drop(ir.IntegerAttr(op.attributes["axis"]).value)
        if name == "astra.tile_scan":
            return scan_layout(shape, ir.IntegerAttr(op.attributes["axis"]).value, self.warps)
        if name == "astra.tile_gather":
            return self._or_spread(op.operands[1])
        if name in ("astra.tile_reshape", "astra.tile_transpose"):
            inner = self.natural(op.operands[0])
            return None if inner is None else _forward(op, inner)
        if name in ("astra.tile_join", "astra.tile_split"):
            return _forward(op, self._best(list(map(self.natural, op.operands))) or self._or_spread(op.operands[0]))
        if name == "astra.tile_block_load":
            return self._spread(shape, self.target.access_bits // max(value.type.element_type.width, 8))
        return self._best([self.natural(operand) for operand in op.operands])

    def _or_spread(self, value: ir.Value) -> Layout:
        return self.natural(value) or self._spread(tuple(value.type.shape))

    @staticmethod
    def _best(layouts: list[Layout | None]) -> Layout | None:
        """Of several operands' layouts, that without copies; else the first."""
        known = [layout for layout in layouts if layout is not None]
        return min(known, key=lambda layout: len(layout.copies), default=None)

    def _carried(self, op: ir.Operation, index: int) -> Layout | None:
        """The layout of a value that a loop carries: that of what the loop computes, of what it begins with, or the
        one that its uses want."""
        if op.name == "scf.while":
            return self._carried_while(op, index)
        if op.name != "scf.for":
            raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' with tiles for a GPU")
        argument = op.regions[0].blocks[0].arguments[index + 1]
        if argument in self.given:
            return self.given[argument]
        if argument in self.pending:
            return None
        self.pending.add(argument)
        layout = self.natural(_terminator(op.regions[0]).operands[index]) or self.natural(op.operands[3 + index])
        self.pending.discard(argument)
        layout = layout or self._wanted(argument, 0) or self._wanted(op.results[index], 0)
        layout = layout or self._spread(tuple(argument.type.shape))
        if not self.pending:
            self.given[argument] = self.given[op.results[index]] = layout
        return layout

    def _carried_while(self, op: ir.Operation, index: int) -> Layout | None:
        """All values of one place of a ``while`` (before, after, results) are spread out in the same simple way."""
        return self._spread(tuple(op.results[index].type.shape)) if index < len(op.results) else None

    def _branches(self, op: ir.Operation, index: int) -> Layout | None:
        yielded = [_terminator(region).operands[index] for region in op.regions if len(region.blocks)]
        return self._best([self.natural(value) for value in yielded]) or self._spread(
            tuple(op.results[index].type.shape)
        )

    def _wanted(self, value: ir.Value, depth: int) -> Layout | None:
        """The layout in which the first memory operation that depends on a value will want it."""
        if depth > 16:
            return None
        for use in value.uses:
            user = use.owner.operation
            if user.name in _MEMORY:
                return self._coalesced(user) if use.operand_number else None
            if not user.results or user.name in ("scf.for", "scf.yield", "astra.tile_reduce", "astra.tile_dot"):
                continue
            result = user.results[0]
            found = self.given.get(result) or (self._wanted(result, depth + 1) if _is_tile(result) else None)
            if found is not None:
                return _backward(user, use.operand_number, found)
        return None

    # --- rewriting

    def _block(self, block: ir.Block) -> None:
        for op in [op.operation for op in block.operations]:
            self._operation(op)

    def _operation(self, op: ir.Operation) -> None:
        name = op.name
        if name == "scf.for":
            self._for(op)
        elif name == "scf.if":
            layouts = [self.natural(result) for result in op.results]
            for region in op.regions:
                self._region(region, layouts)
            self._finish(op, layouts)
        elif name == "scf.while":
            self._while(op)
        elif name in ("scf.yield", "scf.condition", "func.return"):
            return
        elif any(map(_is_tile, op.results)):
            layouts = [self.natural(result) for result in op.results]
            if layouts[0] is None:  # computed where it is wanted
                self.originals.append(op)
                return
            self._set_operands(op, layouts[0])
            self._finish(op, layouts)
        elif any(map(_is_tile, op.operands)):
            self._root(op)

    def _region(self, region: ir.Region, layouts: list[Layout | None]) -> None:
        """A region and the layouts that its values leave it in."""
        if not len(region.blocks):
            return
        self._block(region.blocks[0])
        last = _terminator(region)
        skipped = len(last.operands) - len(layouts)  # the condition of scf.condition
        for i, layout in enumerate(layouts):
            if layout is not None:
                last.operands[i + skipped] = self.at(last.operands[i + skipped], layout)

    def _for(self, op: ir.Operation) -> None:
        layouts = [self._carried(op, i) if _is_tile(result) else None for i, result in enumerate(op.results)]
        for i, layout in enumerate(layouts):
            if layout is not None:
                op.operands[3 + i] = self.at(op.operands[3 + i], layout)
        self._finish(op, layouts)
        self._region(op.regions[0], layouts)

    def _while(self, op: ir.Operation) -> None:
        before = [
            self._spread(tuple(value.type.shape)) if _is_tile(value) else None
            for value in op.regions[0].blocks[0].arguments
        ]
        after = [self._spread(tuple(value.type.shape)) if _is_tile(value) else None for value in op.results]
        for values, layouts in (
            (op.regions[0].blocks[0].arguments, before),
            (op.regions[1].blocks[0].arguments, after),
            (op.results, after),
        ):
            for value, layout in zip(values, layouts, strict=True):
                if layout is not None:
                    self.given[value] = layout
        for i, layout in enumerate(before):
            if layout is not None:
                op.operands[i] = self.at(op.operands[i], layout)
        self._region(op.regions[0], after)
        self._region(op.regions[1], before)
        op.attributes[LAYOUTS_ATTRIBUTE] = _attribute(after)

    def _finish(self, op: ir.Operation, layouts: list[Layout | None]) -> None:
        """Record where results lie; a loop's are also those of its arguments."""
        op.attributes[LAYOUTS_ATTRIBUTE] = _attribute(layouts)
        for i, layout in enumerate(layouts):
            if layout is not None:
                self.given[op.results[i]] = layout
                if op.name == "scf.for":
                    self.given[op.regions[0].blocks[0].arguments[i + 1]] = layout

    def _set_operands(self, op: ir.Operation, layout: Layout) -> None:
        for i, operand in enumerate(op.operands):
            wanted = self._operand_layout(op, i, layout) if _is_tile(operand) else None
            if wanted is not None:
                op.operands[i] = self.at(operand, wanted)

    def _operand_layout(self, op: ir.Operation, index: int, layout: Layout) -> Layout | None:
        """The layout in which an operation wants an operand to give its (first) result in ``layout``."""
        operand = op.operands[index]
        if op.name == "astra.tile_dot":
            return layout if index == 2 else operand_layout(op, index, layout, self.target)
        if op.name == "astra.tile_reduce":
            return self._or_spread(op.operands[0])
        if op.name == "astra.tile_gather" and index == 0:
            return self._or_spread(operand)
        return _backward(op, index, layout)

    def _root(self, op: ir.Operation) -> None:
        """An operation without results that are tiles."""
        if op.name == "astra.tile_reduce":
            layout = self._or_spread(op.operands[0])
        elif op.name == "astra.tile_store":
            layout = self._store_layout(op)
        elif op.name == "astra.tile_copy":
            layout = self._coalesced(op)
        else:
            layout = None
        for i, operand in enumerate(op.operands):
            if _is_tile(operand):
                op.operands[i] = self.at(operand, layout or self._or_spread(operand))

    def _store_layout(self, op: ir.Operation) -> Layout:
        """The stored value's own layout where its accesses touch whole sectors of memory, else the coalesced one."""
        wide = self._coalesced(op)
        own = self.natural(op.operands[2])
        if own is None or own == wide:
            return wide
        order = fastest_dims(self.facts(op.operands[1]))
        size = max(op.operands[2].type.element_type.width // 8, 1)
        small = math.prod(own.shape) <= 32 * self.warps
        if small or sector_efficiency(own, order[0], size) >= sector_efficiency(wide, order[0], size):
            return own
        return wide

    def at(self, value: ir.Value, layout: Layout) -> ir.Value:
        """A value in a layout: itself, computed anew, or converted."""
        key = (value, layout)
        if key not in self.versions:
            self.versions[key] = self._version(value, layout)
        return self.versions[key]

    def _version(self, value: ir.Value, layout: Layout) -> ir.Value:
        own = self.natural(value)
        if own == layout:
            return value
        if own is not None:
            place = _after(value)
            loc = self.func.location if isinstance(value.owner, ir.Block) else value.owner.location
            result = ir.Operation.create(
                "astra.tile_convert", results=[value.type], operands=[value], ip=place, loc=loc
            )
            result.attributes[LAYOUTS_ATTRIBUTE] = _attribute([layout])
            self.given[result.results[0]] = layout
            return result.results[0]
        op = value.owner.operation
        operands = [
            self.at(operand, _backward(op, i, layout)) if _is_tile(operand) else operand
            for i, operand in enumerate(op.operands)
        ]
        clone = op.clone(ip=_after(value))
        for i, operand in enumerate(operands):
            clone.operands[i] = operand
        clone.attributes[LAYOUTS_ATTRIBUTE] = _attribute([layout] * len(op.results))
        result = clone.results[list(op.results).index(value)]
        self.given[result] = layout
        return result


def _attribute(layouts: list[Layout | None]) -> ir.Attribute:
    return ir.ArrayAttr.get([ir.StringAttr.get(str(layout) if layout is not None else "") for layout in layouts])


def _after(value: ir.Value) -> ir.InsertionPoint:
    """Right behind what makes a value."""
    if isinstance(value.owner, ir.Block):
        return ir.InsertionPoint.at_block_begin(value.owner)
    return ir.InsertionPoint.after(value.owner.operation)


# --- how a layout passes through operations on shapes -----------------------------------------------------------------


def _joined(inner: Layout, shape: tuple[int, ...]) -> Layout:
    """A new last dimension of 2, both of whose elements each thread holds."""
    twice = (tuple(2 * basis for basis in bases) for bases in (inner.register, inner.lane, inner.warp))
    register, lane, warp = twice
    return Layout(shape, (1, *register), lane, warp)


def _forward(op: ir.Operation, inner: Layout) -> Layout:
    shape = tuple(op.results[0].type.shape)
    if op.name == "astra.tile_transpose":
        return inner.transpose(list(op.attributes["permutation"]))
    if op.name == "astra.tile_join":
        return _joined(inner, shape)
    if op.name == "astra.tile_split":
        return inner.drop(len(inner.shape) - 1)
    return inner.reshape(shape)


def _backward(op: ir.Operation, index: int, layout: Layout) -> Layout:
    """The layout of an operand that gives a result in ``layout`` without a move."""
    shape = tuple(op.operands[index].type.shape)
    if op.name == "astra.tile_transpose":
        permutation = list(op.attributes["permutation"])
        return layout.transpose([permutation.index(i) for i in range(len(permutation))])
    if op.name == "astra.tile_broadcast":
        return layout.project(shape)
    if op.name == "astra.tile_reshape":
        return layout.reshape(shape)
    if op.name == "astra.tile_join":
        return layout.drop(len(layout.shape) - 1)
    if op.name == "astra.tile_split":
        return _joined(layout, shape)
    return layout
