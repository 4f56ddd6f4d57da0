"""Which instruction computes an ``astra.tile_dot``, and the layouts of its accumulator and operands."""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.layouts import Layout, blocked, mma_accumulator, mma_operand, wgmma_accumulator
from astra_mlir.passes.gpu.target import GpuTarget

__all__ = [
    "MmaShape", "SharedOperand", "Wgmma", "mma_shape", "operand_layout", "product_layout", "shared_operand", "wgmma_of",
]  # fmt: skip


@dataclass(frozen=True)
class MmaShape:
    """One ``mma.sync``: its shape, the name of its types in PTX, bits of an operand's element."""

    m: int
    n: int
    k: int
    types: str
    bits: int


_F8 = {"f8E4M3FN": "e4m3", "f8E5M2": "e5m2"}


def mma_shape(op: ir.Operation, target: GpuTarget) -> MmaShape | None:
    """The tensor core's instruction for a product; ``None`` where it has to be multiplied and added by threads."""
    a, b, acc = (operand.type for operand in op.operands)
    kind, result = str(a.element_type), str(acc.element_type)
    precision = ir.StringAttr(op.attributes["precision"]).value
    m, k = a.shape
    n = b.shape[1]
    if kind in _F8 and str(b.element_type) in _F8 and target.tensor_f8 and result == "f32":
        found = MmaShape(16, 8, 32, f"f32.{_F8[kind]}.{_F8[str(b.element_type)]}.f32", 8)
    elif kind in ("f16", "bf16") and result in ("f32", "f16"):
        found = MmaShape(16, 8, 16, f"{result}.{kind}.{kind}.{result}", 16)
    elif kind == "f32" and precision != "ieee":
        found = MmaShape(16, 8, 8, "f32.tf32.tf32.f32", 32)
    elif kind == "i8":
        found = MmaShape(16, 8, 32, "s32.s8.s8.s32", 8)
    elif kind == "f64":
        found = MmaShape(8, 8, 4, "f64.f64.f64.f64", 64)
    else:
        return None
    return found if m >= found.m and n >= found.n and k >= found.k else None


def product_layout(op: ir.Operation, warps: int, target: GpuTarget) -> Layout:
    """The layout of the accumulator and the result."""
    shape = tuple(op.operands[2].type.shape)
    if (wgmma := wgmma_of(op, warps, target)) is not None:
        return wgmma_accumulator(shape, warps, wgmma.n)
    mma = mma_shape(op, target)
    if mma is None:
        return blocked(shape, min(4, shape[1]), warps)
    return mma_accumulator(shape, warps, mma.m, _by_rows(shape, warps, mma.m) if _is_chained(op) else None)


def _is_chained(op: ir.Operation) -> bool:
    """Whether there are several products in a block, one of which may use the other's result (attention does)."""
    return sum(other.operation.name == "astra.tile_dot" for other in op.block.operations) > 1


def _by_rows(shape: tuple[int, int], warps: int, rows: int) -> tuple[int, int]:
    """Each warp has whole rows, as far as there are enough: reductions of rows, and products with them, stay in it."""
    along_m = min(warps, shape[0] // rows)
    return along_m, warps // along_m


def operand_layout(op: ir.Operation, index: int, accumulator: Layout, target: GpuTarget) -> Layout | None:
    """The layout in which the product reads operand 0 or 1; ``None``: it reads it in shared memory, where it is."""
    shape = tuple(op.operands[index].type.shape)
    if wgmma_of(op, accumulator.warps, target) is not None:
        if shared_operand(op.operands[index]) is not None:
            return None
        width = op.operands[index].type.element_type.width
        if index == 0:
            return mma_operand(accumulator, shape, 0, width)
        return blocked(shape, min(128 // width, shape[1]), accumulator.warps)
    mma = mma_shape(op, target)
    if mma is None:
        return blocked(shape, min(4, shape[1]), accumulator.warps)
    return mma_operand(accumulator, shape, index, mma.bits, mma.m)


# --- products of warpgroups -------------------------------------------------------------------------------------------

_WGMMA = {  # element: the types in PTX, depth of one instruction, whether operands may lie along M and N
    "f16": ("f16.f16", 16, True),
    "bf16": ("bf16.bf16", 16, True),
    "f32": ("tf32.tf32", 8, False),
    "i8": ("s8.s8", 32, False),
}
_RESULT = {"f32": "f32", "f16": "f16", "i32": "s32"}
_LEAST_ROW = 32  # bytes of a row of a tile in shared memory: the narrowest swizzle


@dataclass(frozen=True)
class Wgmma:
    """One ``wgmma.mma_async``: its columns and depth, the name of its types, whether it takes transposed operands."""

    n: int
    k: int
    types: str
    turns: bool


@dataclass(frozen=True)
class SharedOperand:
    """An operand in shared memory: the buffer, its slot and the operand's dimension that lies contiguously."""

    buffer: ir.Value
    slot: ir.Value
    inner: int


def shared_operand(value: ir.Value) -> SharedOperand | None:
    """Where an operand lies, if it is in shared memory as it stands (or its transpose is)."""
    turned = False
    while not isinstance(value.owner, ir.Block) and value.owner.name == "astra.tile_transpose":
        turned = not turned if list(value.owner.operation.attributes["permutation"]) == [1, 0] else turned
        value = value.owner.operation.operands[0]
    if isinstance(value.owner, ir.Block) or value.owner.name != "astra.tile_read":
        return None
    buffer, slot = value.owner.operation.operands
    inner = ir.IntegerAttr(buffer.owner.operation.attributes["inner"]).value
    return SharedOperand(buffer, slot, 1 - inner if turned else inner)


def wgmma_of(op: ir.Operation, warps: int, target: GpuTarget) -> Wgmma | None:
    """The warpgroup's instruction for a product, if the target has it and tile and operands fit it."""
    a, b, acc = (operand.type for operand in op.operands)
    kind, result = str(a.element_type), str(acc.element_type)
    precision = ir.StringAttr(op.attributes["precision"]).value
    m, k = a.shape
    n = b.shape[1]
    if kind in _F8 and str(b.element_type) in _F8:
        types, depth, turns = f"{_F8[kind]}.{_F8[str(b.element_type)]}", 32, False
    elif kind in _WGMMA and result in _RESULT and not (kind == "f32" and precision != "tf32"):
        types, depth, turns = _WGMMA[kind]
    else:
        return None
    if not target.wgmma or warps % 4 or m < 64 or k < depth:
        return None
    groups = warps // 4
    along_n = groups // min(groups, m // 64)
    if n // along_n < 8:
        return None
    size = max(a.element_type.width // 8, 1)
    for index, along_k in ((0, 1), (1, 0)):
        operand = shared_operand(op.operands[index])
        if operand is None:
            if index == 1 and (n if turns else k) * size < _LEAST_ROW:
                return None
            continue
        shape = op.operands[index].type.shape
        if shape[operand.inner] * size < _LEAST_ROW or (operand.inner != along_k and not turns):
            return None
        if shape[1 - operand.inner] < 8:
            return None
    return Wgmma(min(256, n // along_n), depth, f"{_RESULT[result]}.{types}", turns)
