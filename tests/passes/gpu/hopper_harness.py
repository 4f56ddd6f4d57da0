"""Running a kernel for Hopper in tests: its PTX, its launch in the emulator, what ptxas must say of it."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
from astra_mlir.gpu.machine import GpuMachine, assemble, ptx
from tools.ptx_emulator import TensorMap, launch

MACHINE = GpuMachine.parse("sm_90a")
DTYPES: dict[str, Any] = {
    "bf16": ml_dtypes.bfloat16, "f16": np.float16, "tf32": np.float32, "f32": np.float32, "i8": np.int8,
    "i32": np.int32, "f8E4M3FN": ml_dtypes.float8_e4m3fn,
}  # fmt: skip


def ptx_of(kernel: Any, *arguments: Any) -> str:
    """The PTX of a kernel's description; its name is ``kernel``."""
    with make_context():
        return ptx(translate_to_llvm_ir(ir.Module.parse(kernel.mlir("kernel", *arguments))), MACHINE)


def run(text: str, kernel: Any, arrays: Any, grid: Any = None, cluster: int = 1, *, late: bool) -> None:
    """Launch on arrays, of which the kernel's tensor maps name some by their numbers."""
    maps = [TensorMap(arrays[s.operand], s.sizes, s.strides, s.box, s.swizzle) for s in kernel.tensor_maps]
    launch(
        text, "kernel", grid=grid or kernel.grid, block=(kernel.threads,), arguments=[*arrays, *maps],
        shared_bytes=kernel.shared_bytes, cluster=(cluster,), late=late,
    )  # fmt: skip


def check_resources(text: str, threads: int) -> None:
    """No spills, no serialised wgmma, and all registers of the multiprocessor, else setmaxnreg would wait for ever."""
    cubin = assemble(text, MACHINE)
    resources = cubin.kernels["kernel"]
    assert resources.spill_store_bytes == resources.spill_load_bytes == resources.stack_bytes == 0
    if "setmaxnreg" in text:
        assert resources.registers == 65536 // threads // 8 * 8
    assert cubin.warnings == ()


def attention_arrays(attention: Any, *, cotangents: bool = False) -> list[np.ndarray]:
    """Random queries, keys and values of an attention, and cotangents."""
    rng = np.random.default_rng(0)
    of_queries, of_keys = (attention.queries, attention.heads), (attention.keys, attention.heads // attention.group)
    made = []
    for rows, heads in (of_queries, of_keys, of_keys, *([of_queries] if cotangents else [])):
        shape = (rows, heads) if attention.token_major else (heads, rows)
        dtype = DTYPES[attention.element]
        made.append(rng.standard_normal((attention.batch, *shape, attention.width)).astype(dtype))
    return made
