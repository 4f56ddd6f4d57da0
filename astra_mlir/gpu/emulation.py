"""Kernels of GPU programs compiled for the CPU, for a driver that stands in for NVIDIA's (runtime/tests/fake_cuda.cpp).

So that whole programs (their launches, memory and control flow) run where there is no GPU: ``gpu/executable.py`` asks
for this where the driver's device is the emulated one.  The same tile functions go to ``astra-tile-cpu-pipeline``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from astra_mlir import target_machine
from astra_mlir.gpu.runtime import Kernel
from astra_mlir.target_machine import CodegenOptions, TargetMachine

if TYPE_CHECKING:
    from astra_mlir.bindings import ir

__all__ = ["emulated_code", "emulated_objects", "image_of"]

_MAGIC = b"ASTRAEMU"
_THREADS = 128  # of a program, as the emulated driver is told


def image_of(entries: Sequence[tuple[str, int, Sequence[int]]]) -> bytes:
    """The image of functions of this process: name, address, and of each parameter its bytes, 0 for a pointer.

    Each has the signature of compiled functions, with the grid (three i64), then the arrays that pointers point to and
    the addresses of the other parameters' values as inputs.
    """
    parts = [_MAGIC, struct.pack("<Q", len(entries))]
    for name, address, sizes in entries:
        parts.append(struct.pack("<Q", len(name)) + name.encode())
        parts.append(struct.pack(f"<QQ{len(sizes)}Q", address, len(sizes), *sizes))
    return b"".join(parts)


def emulated_objects(tile_text: bytes) -> tuple[list[bytes], dict[str, list[int]]]:
    """CPU code for tile functions (a module's bytecode), each ``astra_entry_launch_NAME``, and the bytes of their
    parameters, 0 for a pointer."""
    from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
    from astra_mlir.kernels.launch import entry_text
    from astra_mlir.passes import run_pipeline
    from astra_mlir.passes.target import TARGET_ATTRIBUTE

    machine = TargetMachine.host()
    context = make_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse(tile_text)
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(machine.schedule)
        parameters = {}
        for op in list(module.body.operations):
            name = ir.StringAttr(op.operation.attributes["sym_name"]).value
            kinds = [argument.type for argument in op.operation.regions[0].blocks[0].arguments]
            parameters[name] = [_bytes_of(kind) for kind in kinds]
            for added in ir.Module.parse(entry_text(name, f"launch_{name}", list(map(str, kinds)))).body.operations:
                if ir.StringAttr(added.operation.attributes["sym_name"]).value != name:  # not the declaration
                    module.body.append(added.operation.clone())
        run_pipeline(module, "astra-tile-cpu-pipeline", verify=False)
        text = translate_to_llvm_ir(module)
    return target_machine.object_code(text, machine, CodegenOptions.default(), whole=True), parameters


def emulated_code(tile_text: bytes, names: Sequence[str]) -> tuple[bytes, list[Kernel], Any]:
    """An image of CPU code for tile functions, how each is launched, and what keeps the code."""
    objects, parameters = emulated_objects(tile_text)
    code = target_machine.load(objects)
    entries = [(name, code.address(f"astra_entry_launch_{name}"), parameters[name]) for name in names]
    kernels = [Kernel(name, _THREADS, len(parameters[name])) for name in names]
    return image_of(entries), kernels, code


def _bytes_of(kind: ir.Type) -> int:
    from astra_mlir.bindings import ir

    return 0 if isinstance(kind, ir.MemRefType) else max(8, int(kind.width)) // 8
