"""LLVM IR text to PTX and cubins: libdevice, resources, refusals.  No GPU is needed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.gpu import machine as gpu_machine
from astra_mlir.gpu.machine import GpuMachine

MACHINE = GpuMachine.parse("cuda:sm_90a")


def kernel(body: str, *declarations: str) -> str:
    text = "define ptx_kernel void @k(ptr addrspace(1) %p) {\n" + body + "\n  ret void\n}\n"
    return "\n".join((*declarations, text))


def test_libdevice_is_linked_and_only_what_is_called_stays() -> None:
    body = """%x = load float, ptr addrspace(1) %p
      %y = call float @__nv_tanhf(float %x)
      store float %y, ptr addrspace(1) %p"""
    text = gpu_machine.ptx(kernel(body, "declare float @__nv_tanhf(float)"), MACHINE)
    assert "ex2.approx" in text
    assert ".func" not in text  # inlined, and the rest of libdevice is gone
    assert len(text) < 4000


@pytest.mark.parametrize("architecture", ["sm_80", "sm_89", "sm_90a"])
def test_a_cubin_tells_what_its_kernels_take(architecture: str) -> None:
    machine = GpuMachine.parse(architecture)
    shared = "@s = internal addrspace(3) global [64 x float] undef, align 16"
    body = """%i = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
      %at = getelementptr float, ptr addrspace(3) @s, i32 %i
      store volatile float 1.0, ptr addrspace(3) %at
      call void @llvm.nvvm.barrier0()
      %x = load volatile float, ptr addrspace(3) %at
      store float %x, ptr addrspace(1) %p"""
    declared = "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()", "declare void @llvm.nvvm.barrier0()"
    cubin = gpu_machine.assemble(gpu_machine.ptx(kernel(body, shared, *declared), machine), machine)
    assert cubin.data.startswith(b"\x7fELF")
    resources = cubin.kernels["k"]
    assert resources.shared_bytes == 256
    assert resources.barriers == 1
    assert 1 <= resources.registers <= 32
    assert resources.spill_store_bytes == resources.stack_bytes == 0
    assert gpu_machine.assemble(gpu_machine.ptx(kernel(body, shared, *declared), machine), machine) == cubin  # kept


def test_what_ptxas_reports() -> None:
    said = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'f' for 'sm_90a'
ptxas info    : Function properties for f
    16 bytes stack frame, 12 bytes spill stores, 8 bytes spill loads
ptxas info    : Used 168 registers, used 2 barriers, 49152 bytes smem, 592 bytes cmem[0]
ptxas info    : Compiling entry function 'g' for 'sm_90a'
ptxas warning : something serialises in function 'g'
ptxas info    : Used 24 registers
"""
    kernels, warnings = gpu_machine._report(said)
    assert kernels["f"] == gpu_machine.Resources(168, 2, 49152, 592, 16, 12, 8)
    assert kernels["g"] == gpu_machine.Resources(registers=24)
    assert warnings == ("ptxas warning : something serialises in function 'g'",)


@pytest.mark.parametrize(
    ("llvm_ir", "message"),
    [
        ("define void @f() {\n ret void\n}\n", "has no kernel"),
        ("define ptx_kernel void @k() {\n %x = add i32 %nowhere, 1\n ret void\n}\n", "does not accept(.|\\n)*nowhere"),
        (kernel("%x = call float @llvm.sin.f32(float 1.0)", "declare float @llvm.sin.f32(float)"), "llvm.sin.f32"),
        (kernel("call void @elsewhere()", "declare void @elsewhere()"), "calls elsewhere"),
    ],
)
def test_refused(llvm_ir: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        gpu_machine.ptx(llvm_ir, MACHINE)


def test_ptxas_errors_are_shown() -> None:
    text = gpu_machine.ptx(kernel(""), MACHINE).replace("ret;", "nonsense;")
    with pytest.raises(CompileError, match="ptxas does not accept.*nonsense"):
        gpu_machine.assemble(text, MACHINE)


def test_unknown_architectures_and_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AstraError, match="sm_10'.*sm_90a"):
        GpuMachine.parse("cuda:sm_10")
    monkeypatch.setattr(gpu_machine, "_tool_folders", lambda: iter(()))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(AstraError, match="ptxas.*gpu.*ASTRA_PTXAS"):
        gpu_machine.ptxas.__wrapped__()
    with pytest.raises(AstraError, match="libdevice.*gpu.*ASTRA_LIBDEVICE"):
        gpu_machine._libdevice.__wrapped__()
    with pytest.raises(AstraError, match="nvdisasm or cuobjdump"):
        gpu_machine.disassemble(b"")


def test_what_is_told_of_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x = np.zeros((512, 512), np.float32)
    exe = astra.compile(lambda x: x @ x, x, target="cuda:sm_90a")
    line = exe.roofline("tf32")
    assert line.compute_us == pytest.approx(2 * exe.roofline("f16").compute_us) and line.memory_us > 0
    assert ".entry" in exe.ptx() and exe.kernels()[0].occupancy.blocks >= 1
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(astra.AstraError, match="no disassembler on the path"):
        exe.sass()
    tool = tmp_path / "nvdisasm"
    tool.write_text('#!/bin/sh\nread -r line < $1; case "$line" in *ELF*) echo MOV R1 ;; esac\n')
    tool.chmod(0o755)
    assert exe.sass() == "MOV R1\n"
