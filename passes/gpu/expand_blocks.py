"""Loads and stores of blocks as masked loads and stores of their elements: what a GPU without a copy engine does."""

from __future__ import annotations

from collections.abc import Iterable

from astra_mlir.bindings import ir
from astra_mlir.passes.memref_utils import Builder

__all__ = ["expand_blocks"]

_SLT, _SGE = 2, 5


def expand_blocks(func: ir.Operation) -> None:
    """Replace all block loads and stores of a tile function."""
    for op in list(_inside(func)):
        if op.name == "astra.tile_block_load":
            _load(op)
        elif op.name == "astra.tile_block_store":
            _store(op)


def _inside(op: ir.Operation) -> Iterable[ir.Operation]:
    for region in op.regions:
        for block in region.blocks:
            for child in block.operations:
                yield child.operation
                yield from _inside(child.operation)


def _load(op: ir.Operation) -> None:
    kind = op.results[0].type
    block = _Block(op, list(op.operands)[1:], kind.shape)
    operands = [op.operands[0], block.offsets, block.mask]
    op.results[0].replace_all_uses_with(block.op("astra.tile_load", operands, (kind,)).results[0])
    op.erase()


def _store(op: ir.Operation) -> None:
    value, pointer, *numbers = op.operands
    block = _Block(op, numbers, value.type.shape)
    block.op("astra.tile_store", [pointer, block.offsets, value, block.mask])
    op.erase()


class _Block(Builder):
    """Offsets and mask of a block: rank sizes, strides and indices."""

    def __init__(self, op: ir.Operation, numbers: list[ir.Value], shape: list[int]) -> None:
        super().__init__(ir.InsertionPoint(op), op.location)
        self.i1, self.i64 = ir.IntegerType.get_signless(1), ir.IntegerType.get_signless(64)
        rank = len(shape)
        sizes, strides, indices = numbers[:rank], numbers[rank : 2 * rank], numbers[2 * rank :]
        self.shape = list(shape)
        offsets, masks = [], []
        for dim in range(rank):
            places = self._places(dim, indices[dim])
            size = self._splat(sizes[dim], places.type.shape)
            zero = self._splat(self.constant(0, self.i64), places.type.shape)
            inside = self.binary("andi", self._compare(_SGE, places, zero), self._compare(_SLT, places, size))
            if dim < rank - 1:  # the last stride is 1
                places = self.binary("muli", places, self._splat(strides[dim], places.type.shape))
            offsets.append(self._broadcast(places, self.i64))
            masks.append(self._broadcast(inside, self.i1))
        self.offsets, self.mask = offsets[0], masks[0]
        for offset, mask in zip(offsets[1:], masks[1:], strict=True):
            self.offsets = self.binary("addi", self.offsets, offset)
            self.mask = self.binary("andi", self.mask, mask)

    def _places(self, dim: int, index: ir.Value) -> ir.Value:
        """Indices along a dimension, as a tile that has 1 in the others."""
        size = self.shape[dim]
        i32 = ir.IntegerType.get_signless(32)
        start = {"start": ir.IntegerAttr.get(self.i64, 0)}
        steps = self.op("astra.tile_arange", (), (ir.RankedTensorType.get([size], i32),), start).results[0]
        wide = ir.RankedTensorType.get([size], self.i64)
        steps = self.op("arith.extsi", (steps,), (wide,)).results[0]
        first = self.op("arith.extsi", (index,), (self.i64,)).results[0]
        places = self.binary("addi", self._splat(first, [size]), steps)
        lone = [size if d == dim else 1 for d in range(len(self.shape))]
        return self._reshaped(places, lone) if len(lone) > 1 else places

    def _reshaped(self, value: ir.Value, shape: list[int]) -> ir.Value:
        kind = ir.RankedTensorType.get(shape, value.type.element_type)
        return self.op("astra.tile_reshape", (value,), (kind,)).results[0]

    def _broadcast(self, value: ir.Value, element: ir.Type) -> ir.Value:
        if list(value.type.shape) == self.shape:
            return value
        return self.op("astra.tile_broadcast", (value,), (ir.RankedTensorType.get(self.shape, element),)).results[0]

    def _splat(self, value: ir.Value, shape: list[int]) -> ir.Value:
        return self.op("tensor.splat", (value,), (ir.RankedTensorType.get(shape, value.type),)).results[0]

    def _compare(self, predicate: int, a: ir.Value, b: ir.Value) -> ir.Value:
        kind = ir.RankedTensorType.get(a.type.shape, self.i1)
        return self.op("arith.cmpi", (a, b), (kind,), {"predicate": ir.IntegerAttr.get(self.i64, predicate)}).results[0]
