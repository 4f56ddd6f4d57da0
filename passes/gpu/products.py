"""Which instruction computes an ``astra.tile_dot``, and the layouts of its accumulator and operands."""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.layouts import Layout, blocked, mma_accumulator, mma_operand
from astra_mlir.passes.gpu.target import GpuTarget

__all__ = ["MmaShape", "mma_shape", "operand_layout", "product_layout"]


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
    mma = mma_shape(op, target)
    if mma is None:
        return blocked(shape, min(4, shape[1]), warps)
    grid = None
    return mma_accumulator(shape, warps, mma.m, grid)


def operand_layout(op: ir.Operation, index: int, accumulator: Layout, target: GpuTarget) -> Layout:
    """The layout in which the product reads operand 0 or 1."""
    shape = tuple(op.operands[index].type.shape)
    mma = mma_shape(op, target)
    if mma is None:
        return blocked(shape, min(4, shape[1]), accumulator.warps)
    return mma_operand(accumulator, shape, index, mma.bits, mma.m)
