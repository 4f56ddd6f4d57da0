"""The kernels of a GPU program: tile functions to PTX and a cubin, and what each takes of the GPU's resources.

Between ``gpu/compiler.py``, which leaves the tile functions of a program, and ``gpu/machine.py``, which writes PTX and
calls ptxas.  All kernels of a program are one cubin, kept by its PTX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from astra_mlir.errors import CompileError
from astra_mlir.gpu import machine as gpu_machine
from astra_mlir.gpu.machine import Cubin, GpuMachine
from astra_mlir.gpu.runtime import Kernel, TensorMap

if TYPE_CHECKING:
    from astra_mlir.bindings import ir
    from astra_mlir.passes.gpu.hopper_gemm import TensorMapSpec
    from astra_mlir.passes.gpu.report import KernelReport

__all__ = ["DeviceCode", "device_code", "kernel_of"]


@dataclass(frozen=True)
class DeviceCode:
    """PTX of a program's kernels, and how each is launched."""

    ptx: str
    launches: tuple[Kernel, ...]
    machine: GpuMachine

    @cached_property
    def cubin(self) -> Cubin:
        """The binary, from the cache or made now."""
        return gpu_machine.assemble(self.ptx, self.machine)

    def reports(self) -> list[KernelReport]:
        """The table of resources, in the order of the launches' numbers."""
        from astra_mlir.passes.gpu.report import kernel_report
        from astra_mlir.passes.gpu.target import gpu_target_named

        target = gpu_target_named(self.machine.architecture)
        taken = self.cubin.kernels
        return [kernel_report(target, k.name, taken[k.name], k.threads, k.shared_bytes) for k in self.launches]


def device_code(tile_text: bytes, kernels: Sequence[str], machine: GpuMachine) -> DeviceCode:
    """The kernels of a module of tile functions (its bytecode), named in the order of their numbers.

    Raises :class:`UnsupportedError` for what a tile function uses that the GPU path does not have.
    """
    from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
    from astra_mlir.passes import run_pipeline
    from astra_mlir.passes.target import TARGET_ATTRIBUTE

    if not kernels:
        return DeviceCode("", (), machine)
    context = make_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse(tile_text)
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(str(machine))
        try:
            run_pipeline(module, "astra-tile-to-kernels", verify=False)
            launches = _launches(module, kernels)
            run_pipeline(module, "astra-kernels-to-llvm", verify=False)
        except ir.MLIRError as error:
            raise CompileError(f"a pass from tile functions to kernels failed: {error}") from error
        return DeviceCode(gpu_machine.ptx(translate_to_llvm_ir(module), machine), launches, machine)


def kernel_of(given: dict[str, Any]) -> Kernel:
    """The kernel of its fields, as ``dataclasses.asdict`` and JSON leave them."""

    def tuples(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}

    maps = tuple(TensorMap(**tuples(fields)) for fields in given["tensor_maps"])
    return Kernel(**{**tuples(given), "tensor_maps": maps})


def _launches(module: ir.Module, kernels: Sequence[str]) -> tuple[Kernel, ...]:
    from astra_mlir.bindings import ir
    from astra_mlir.passes.gpu.hopper_functions import CLUSTER, GRID, tensor_maps_of
    from astra_mlir.passes.gpu.to_gpu import SHARED_BYTES, THREADS

    found = {}
    for view in module.body.operations:
        attributes = view.operation.attributes
        if THREADS in attributes:
            name = ir.StringAttr(attributes["sym_name"]).value
            threads = ir.IntegerAttr(attributes[THREADS]).value
            shared = ir.IntegerAttr(attributes[SHARED_BYTES]).value if SHARED_BYTES in attributes else 0
            maps = tuple(map(_tensor_map, tensor_maps_of(view.operation)))
            parameters = len(view.operation.regions[0].blocks[0].arguments) - len(maps)
            cluster = ir.IntegerAttr(attributes[CLUSTER]).value if CLUSTER in attributes else 1
            grid = tuple(ir.DenseI64ArrayAttr(attributes[GRID])) if GRID in attributes else (0, 0, 0)
            found[name] = Kernel(
                name, threads, parameters, shared, cluster=(cluster, 1, 1), tensor_maps=maps, grid=grid
            )  # fmt: skip
    return tuple(found[name] for name in kernels)


# The driver's numbers of element types, and of swizzles by their bytes (CUtensorMapDataType, CUtensorMapSwizzle).
_ELEMENTS = {"i8": 0, "f8E4M3FN": 0, "f8E5M2": 0, "i32": 3, "f16": 6, "f32": 7, "bf16": 9, "tf32": 11}
_ELEMENT_BYTES = {"i8": 1, "f8E4M3FN": 1, "f8E5M2": 1, "i32": 4, "f16": 2, "f32": 4, "bf16": 2, "tf32": 4}
_SWIZZLES = {0: 0, 32: 1, 64: 2, 128: 3}


def _tensor_map(spec: TensorMapSpec) -> TensorMap:
    swizzle = _SWIZZLES[spec.swizzle]
    return TensorMap(
        spec.operand, _ELEMENTS[spec.element], spec.sizes, (0, *spec.strides), spec.box, swizzle, spec.from_parameters,
        _ELEMENT_BYTES[spec.element],
    )  # fmt: skip
