"""How wide the accesses of memory can be, and how well they fill what memory delivers."""

from __future__ import annotations

import math

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.axes import AxisAnalysis, Facts, argument_divisor
from astra_mlir.passes.gpu.layouts import Layout, strides_of
from astra_mlir.passes.memref_utils import byte_width

__all__ = ["access_width", "fastest_dims", "mask_of", "pointer_bytes", "sector_efficiency"]

_SECTOR_BYTES = 32

# operation: where its offsets are, and its mask, if it has one
_MASK = {"astra.tile_load": 2, "astra.tile_store": 3, "astra.tile_atomic": 3, "astra.tile_copy": 4}


def mask_of(op: ir.Operation) -> ir.Value | None:
    """The mask of an access of memory."""
    place = _MASK.get(op.name, len(op.operands))
    return op.operands[place] if place < len(op.operands) else None


def fastest_dims(facts: Facts) -> tuple[int, ...]:
    """Dimensions, the one along which offsets follow one another first."""
    rank = len(facts.contiguity)
    return tuple(sorted(range(rank), key=lambda d: (-facts.contiguity[d], -d)))


def pointer_bytes(pointer: ir.Value) -> int:
    """What the address is a multiple of."""
    owner = pointer.owner
    size = byte_width(pointer.type.element_type)
    if isinstance(owner, ir.Block) and owner.owner.operation.name == "func.func":
        return max(argument_divisor(owner.owner, ir.BlockArgument(pointer).arg_number), size)
    return size


def access_width(facts: AxisAnalysis, op: ir.Operation, bits: int, dim: int | None = None) -> int:
    """The most elements along a dimension (the fastest one) that one access of at most ``bits`` bits may take."""
    offsets = facts(op.operands[1])
    dim = fastest_dims(offsets)[0] if dim is None else dim
    size = byte_width(op.operands[0].type.element_type)
    alignment = pointer_bytes(op.operands[0])
    mask = mask_of(op)
    same = facts(mask).constancy[dim] if mask is not None else offsets.contiguity[dim]
    width = bits // 8 // size
    while width > 1 and not (
        offsets.contiguity[dim] % width == 0
        and same % width == 0
        and math.gcd(alignment, offsets.first(dim, width) * size) % (width * size) == 0
    ):
        width //= 2
    return max(width, 1)


def sector_efficiency(layout: Layout, dim: int, element_bytes: int) -> float:
    """Which part of the 32-byte sectors that a warp's access touches it needs, where ``dim`` lies contiguously."""
    run = layout.contiguous(dim)
    vector = min(run, max(16 // element_bytes, 1))
    elements = np.unique(layout.table()[:32, :vector].ravel())
    stride, size = strides_of(layout.shape)[dim], layout.shape[dim]
    along = elements // stride % size
    rest = elements - along * stride
    sectors = {(int(r), int(a) * element_bytes // _SECTOR_BYTES) for r, a in zip(rest, along, strict=True)}
    least = max(len(elements) * element_bytes / _SECTOR_BYTES, 1)
    return least / len(sectors)
