"""Tile functions that are wholly a product or an attention become the kernels made for Hopper (``sm_90a``).

A tile function says what it computes by an attribute beside its body: ``astra.gemm`` has the arguments of
:func:`~astra_mlir.passes.gpu.hopper_gemm.hopper_gemm` (and ``astra.epilogue`` what follows element by element),
``astra.attention`` those of :class:`~astra_mlir.passes.gpu.hopper_attention.HopperAttention`, and
``astra.attention_gradient`` these with what the derivative is of; the function's arguments are the pointers in the
kernel's order.  Other targets, and shapes that the kernels have no form for, take the body.
What a launch needs to know is attributes of the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes.gpu.assign import tile_functions
from astra_mlir.passes.gpu.hopper_attention import HopperAttention
from astra_mlir.passes.gpu.hopper_attention_gradient import HopperAttentionGradient
from astra_mlir.passes.gpu.hopper_epilogue import epilogue_of, lower_functions
from astra_mlir.passes.gpu.hopper_gemm import HopperGemm, TensorMapSpec, hopper_gemm
from astra_mlir.passes.gpu.target import GpuTarget, gpu_target_of
from astra_mlir.passes.gpu.to_gpu import MAPS, SHARED_BYTES, THREADS, declare

__all__ = [
    "ATTENTION",
    "ATTENTION_GRADIENT",
    "CLUSTER",
    "EPILOGUE",
    "GEMM",
    "GRID",
    "hopper_functions",
    "tensor_maps_of",
]

# On tile functions.
GEMM, EPILOGUE, ATTENTION = "astra.gemm", "astra.epilogue", "astra.attention"
ATTENTION_GRADIENT = "astra.attention_gradient"
# On kernels: the grid of every launch, and the blocks of a cluster.
GRID, CLUSTER = "astra.grid", "astra.cluster"
_LEAST = 64  # rows, columns and steps below which a tile of 64 x 64 would be mostly empty


def hopper_functions(module: ir.Operation) -> None:
    """Replace the tile functions of a module for ``sm_90a`` that there are kernels for."""
    for func in tile_functions(module):
        target = gpu_target_of(func)
        if target.name != "sm_90a":
            continue
        name = ir.StringAttr(func.attributes["sym_name"]).value
        try:
            if GEMM in func.attributes:
                _gemm(module, func, name, _values(func.attributes[GEMM]), target)
            elif ATTENTION in func.attributes:
                _attention(module, func, name, HopperAttention(**_values(func.attributes[ATTENTION])))
            elif ATTENTION_GRADIENT in func.attributes:
                options = _values(func.attributes[ATTENTION_GRADIENT])
                of = options.pop("of")
                _attention(module, func, name, HopperAttentionGradient(HopperAttention(**options), of))
        except UnsupportedError:
            continue  # the body is the form for it


def _gemm(module: ir.Operation, func: ir.Operation, name: str, options: Mapping[str, Any], target: GpuTarget) -> None:
    if min(options["m"], options["n"], options["k"]) < _LEAST:
        return
    processors = target.multiprocessors
    gemm = hopper_gemm(**options, processors=processors)
    epilogue = epilogue_of(func.attributes[EPILOGUE], gemm) if EPILOGUE in func.attributes else None
    made = ir.Module.parse(gemm.mlir(name, epilogue))
    if epilogue is not None:
        for view in made.body.operations:
            if view.operation.name == "llvm.func":
                declare(module, lower_functions(view.operation, target))
    _replace(module, func, made, gemm, gemm.grid(processors), gemm.blocks_together)


def _attention(
    module: ir.Operation, func: ir.Operation, name: str, kernel: HopperAttention | HopperAttentionGradient
) -> None:
    _replace(module, func, ir.Module.parse(kernel.mlir(name)), kernel, kernel.grid, 1)


def _replace(
    module: ir.Operation,
    func: ir.Operation,
    made: ir.Module,
    kernel: HopperGemm | HopperAttention | HopperAttentionGradient,
    grid: tuple[int, int, int],
    cluster: int,
) -> None:
    for view in made.body.operations:
        op = view.operation.clone()
        if op.name == "llvm.func":
            i64 = ir.IntegerType.get_signless(64)
            op.attributes[THREADS] = ir.IntegerAttr.get(i64, kernel.threads)
            op.attributes[SHARED_BYTES] = ir.IntegerAttr.get(i64, kernel.shared_bytes)
            op.attributes[GRID] = ir.DenseI64ArrayAttr.get(list(grid))
            op.attributes[CLUSTER] = ir.IntegerAttr.get(i64, cluster)
            op.attributes[MAPS] = ir.ArrayAttr.get([_dictionary(spec) for spec in kernel.tensor_maps])
        ir.InsertionPoint(func).insert(op)
    func.erase()


def _dictionary(spec: TensorMapSpec) -> ir.Attribute:
    i64 = ir.IntegerType.get_signless(64)
    return ir.DictAttr.get(
        {
            "operand": ir.IntegerAttr.get(i64, spec.operand),
            "sizes": ir.DenseI64ArrayAttr.get(spec.sizes),
            "strides": ir.DenseI64ArrayAttr.get(spec.strides),
            "box": ir.DenseI64ArrayAttr.get(spec.box),
            "swizzle": ir.IntegerAttr.get(i64, spec.swizzle),
            "element": ir.StringAttr.get(spec.element),
        }
    )


def tensor_maps_of(kernel: ir.Operation) -> list[TensorMapSpec]:
    """The tensor maps that a kernel says its launch must encode."""
    if MAPS not in kernel.attributes:
        return []
    return [TensorMapSpec(**_values(entry)) for entry in ir.ArrayAttr(kernel.attributes[MAPS])]


def _values(dictionary: ir.Attribute) -> dict[str, Any]:
    """A dictionary attribute of numbers, truths, text and lists of numbers as Python values."""
    values: dict[str, Any] = {}
    for entry in ir.DictAttr(dictionary):
        attribute = entry.attr
        if isinstance(attribute, ir.DenseI64ArrayAttr):
            values[entry.name] = tuple(attribute)
        else:
            values[entry.name] = attribute.value
    return values
