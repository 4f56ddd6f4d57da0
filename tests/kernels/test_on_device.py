"""Kernels launched on arrays in a GPU's memory, on a driver that stands in for NVIDIA's: what is read of the arrays,
what is compiled, on which stream and in which context it is launched, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.gpu.machine import GpuMachine
from astra_mlir.gpu.runtime import DeviceInfo
from astra_mlir.kernels.gpu import machine_of
from examples.kernels.softmax import softmax_kernel
from tests.kernels import on_device
from tests.runtime.gpu_driver import needs_compiler, with_driver

pytestmark = needs_compiler

BEFORE = """
import ml_dtypes
from tests.kernels import on_device as d
from tests.kernels.on_device import *
def loads(): return sum(line == "cuLibraryLoadData" for line in log())
"""


def run(code: str, **environment: str) -> list[str]:
    return with_driver(BEFORE + code, **environment).splitlines()


def test_arrays_of_all_kinds_are_read_where_they_lie() -> None:
    run("""
for kind in (np.float32, np.float16, np.int32): check(Array, kind)
own = lambda array: DeviceArray(DeviceMemory.of(array), array.shape, array.dtype)
check(own)
check(own, ml_dtypes.bfloat16)  # by DLPack: the interface has no such elements
check(lambda array: Exchanged(DeviceMemory.of(array), array.shape, array.dtype))
stream = new_stream(driver)
use_tensors(stream)
driver.fake_cuda_reset()
check(Tensor)
assert last_stream(driver) == stream and not any("Event" in line or "Sync" in line for line in log())
x = np.arange(100, dtype=np.float32)
given, out = Array(x), Array(0 * x)
for scale in (2.0, np.float32(2), np.int16(2)):  # numbers of Python and NumPy
    scaled[blocks](given, out, 100, scale)
    assert (out.numpy() == 6 * x).all()
scaled[blocks](given, out, np.int64(100), 2.0, shift=1.5, BLOCK=64)
assert (out.numpy() == 6 * x + 1.5).all()
""")


def test_a_kernel_is_compiled_for_kinds_of_arguments_and_once() -> None:
    run("""
x, y, out = map(Array, data())
def launched(*args, **kwargs):
    before = loads()
    add[(4,)](*args, **kwargs)
    return loads() - before
assert launched(x, y, out, 100, BLOCK=32) == 1
assert launched(x, y, out, 50, BLOCK=32) == 0  # neither is a multiple of 16
assert launched(x, y, out, 96, BLOCK=32) == 1
assert launched(x, y, out, 1, BLOCK=32) == 1
before = loads()
add[(3,)](x, y, out, 1 << 40, BLOCK=32)
assert loads() == before + 1
assert launched(x, y, out, 100, BLOCK=32, num_warps=8) == 1
assert launched(x, y, out, 100, BLOCK=64) == 1
shifted = Array(data()[0], data=(x.memory.address + 4, False))
assert launched(shifted, y, out, 50, BLOCK=32) == 1  # not aligned to 16 bytes
assert (out.numpy()[:50] == data()[0][1:51] + data()[1][:50]).all()
scaled[blocks](x, out, 100, 1.0)
assert (out.numpy() == 3 * data()[0]).all()
d.FACTOR = 5  # the code counts on a global
scaled[blocks](x, out, 100, 1.0)
assert (out.numpy() == 5 * data()[0]).all()
before = loads()
scaled[blocks](x, out, 100, 1.0); scaled[(0,)](x, out, 100, 1.0)
assert loads() == before
ruled[blocks](x, out, 100)
assert (out.numpy() == data()[0] + 1).all()
tuned[blocks](x, 100)  # measured on copies
assert (x.numpy() == 2 * data()[0]).all() and len(tuned.best) == 1, x.numpy()
assert "cuCtxSynchronize" in log()
""")


def test_launches_go_to_the_stream_given_or_that_of_the_arrays() -> None:
    run("""
first, second = new_stream(driver), new_stream(driver)
x, y, out = data()
on_first = [Array(array, stream=first) for array in (x, y, out)]
add[(4,)](*on_first, 100, BLOCK=32)
driver.fake_cuda_reset()
add[(4,)](*on_first, 100, BLOCK=32)
assert last_stream(driver) == first
assert [line.split()[0] for line in log()] == ["cuLaunchKernelEx"]
add[(4,)](on_first[0], Array(y, stream=second), on_first[2], 100, BLOCK=32)  # waits for the other one's
assert last_stream(driver) == first
waits = ["cuEventRecord", "cuStreamWaitEvent"]
asked = [line.split()[0] for line in log() if "Mem" not in line]
assert asked[-5:] == [*waits, "cuLaunchKernelEx", *waits], asked  # before and after
class Stream: cuda_stream = second
for given in (second, Stream):
    driver.fake_cuda_reset()
    add[(4,)](*on_first, 100, BLOCK=32, stream=given)
    assert last_stream(driver) == second and "cuStreamWaitEvent" in log()
plain = [Array(array) for array in (x, y, out)]
add[(4,)](*plain, 100, BLOCK=32)
assert last_stream(driver) == 0
add[(4,)](*[DeviceArray(a.memory, a.shape, a.dtype) for a in plain], 100, BLOCK=32)
assert last_stream(driver) == gpu_runtime.stream_of()
try: add[(4,)](*plain, 100, BLOCK=32, stream="mine")
except TypeError as error: assert "stream: expected an address or a stream of PyTorch or CuPy" in str(error)
else: raise AssertionError
""")


def test_launches_are_in_the_context_of_the_arrays_and_leave_that_of_the_caller() -> None:
    run(
        """
current = lambda: (driver.cuCtxGetCurrent(ctypes.byref(found)), found.value)[1]
found = ctypes.c_void_p()
gpu_runtime.device_info(0)
first = current()
x, y, out = data()
there = [Array(array, device=1) for array in (x, y, out)]
assert current() == first
add[blocks](*there, 100, BLOCK=32)
add[blocks](*there, 100, BLOCK=32)
assert (there[2].numpy() == x + y).all() and current() == first
text = message(lambda: add[(4,)](there[0], Array(y), there[2], 100, BLOCK=32))
assert "all arrays have to be on one device, but are 'x' on device 1, 'y' on device 0" in text, text
""",
        FAKE_CUDA_DEVICES="2",
    )


def test_what_is_refused_is_named() -> None:
    lines = run("""
x, y, out = data()
given = [Array(array) for array in (x, y, out)]
say = lambda *arguments, n=100, **kwargs: print(message(lambda: add[(4,)](*arguments, n, BLOCK=32, **kwargs)))
for _ in range(2):  # before and after the kernel is known
    say(given[0], y, given[2])
    say(given[0], given[1], Array(out, data=(given[2].memory.address, True)))
    say(given[0], given[1], Array(out, mask=given[0]))
    say(given[0], given[1], Array(out, stream=0))
    say(given[0], given[1], Array(out, data=(4096, False)))
    say(given[0], given[1], Array(out, typestr="<c8"))
    say(given[0], given[1], "out")
    say(given[0], given[1], given[2], n=1 << 70)
    print(message(lambda: add[(4,)](*given, BLOCK=32)))
    print(message(lambda: add[(1, 1, 1, 1)](*given, 100, BLOCK=32)))
    add[(4,)](*given, 100, BLOCK=32)
driver.fake_cuda_fail(b"cuLaunchKernelEx", 0, 700)
say(*given)
""")
    expected = [
        "all arrays have to be on one device, but are 'x' on device 0, 'y' on the host, 'out' on device 0",
        "kernel 'add' writes to argument 'out', which is read-only",
        "argument 'out' is a masked array",
        "argument 'out': its __cuda_array_interface__ names stream 0",
        "argument 'out': its address, 0x1000, is in no GPU's memory",
        "argument 'out': kernels have no elements of type complex64",
        "argument 'out' is str",
        f"argument 'n': {1 << 70} does not fit into 64 bits",
        "missing a required argument: 'n'",
        "a grid is one to three sizes",
    ]
    assert len(lines) == 2 * len(expected) + 1
    for line, text in zip(lines, 2 * expected, strict=False):
        assert text in line
    assert "launch of kernel add: CUDA_ERROR_ILLEGAL_ADDRESS" in lines[-1]


def test_a_launch_takes_few_microseconds_of_python() -> None:
    (line,) = run("""
from astra_mlir.gpu import emulation as gpu_emulation
gpu_emulation.emulated_code = lambda text, names: (b"none" * 8, [gpu_runtime.Kernel(names[0], 128, 4)], None)
print(overhead(Array))
""")
    assert float(line) < 10  # 2 on a quiet machine


def test_devices_have_the_code_of_their_architecture() -> None:
    info = DeviceInfo("GPU", 90, 132, 1, 1, 13000)
    found = {c: machine_of(replace(info, capability=c)).architecture for c in (80, 86, 87, 89, 90)}
    assert found == {80: "sm_80", 86: "sm_86", 87: "sm_86", 89: "sm_89", 90: "sm_90a"}
    for other in (75, 100, 120):
        assert GpuMachine.for_capability(other) is None
        with pytest.raises(astra.AstraError, match="which Astra does not generate code for"):
            machine_of(replace(info, capability=other))


def test_a_kernel_is_looked_at_without_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = {"x": 16, "y": 16, "out": 16, "n": 16}
    for target, registers in (("cuda:sm_80", 40), ("cuda:sm_90a", 40)):
        compiled = on_device.add.compile(target, ["*float32"] * 3 + ["int32"], {"BLOCK": 1024}, divisibility=known)
        assert "ld.global.v4" in compiled.ptx() and compiled.written == {"out"}
        report = compiled.report()
        assert report.registers <= registers and report.spill_bytes == 0 and report.threads == 128
        assert report.occupancy.blocks >= 8 and report.name == "add"
    assert compiled.roofline(1 << 20, 12 << 20).bound == "memory"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(astra.AstraError, match="no disassembler on the path"):
        compiled.sass()
    tool = tmp_path / "nvdisasm"
    tool.write_text('#!/bin/sh\necho "/*0000*/ MOV R1, c[0x0][0x28] ;"\n')
    tool.chmod(0o755)
    assert "MOV R1" in compiled.sass()


def test_programs_take_their_kernels_along() -> None:
    run("""
import jax, jax.numpy as jnp, astra_mlir as astra
s = jax.ShapeDtypeStruct
x = np.random.default_rng(0).standard_normal((16, 40)).astype(np.float32)
flags = np.arange(16) % 3 > 0

def f(x, flags, scale):
    sums = astra.kernel_call(scaled, blocks, s((40,), x.dtype), x.sum(0), n=40, scale=scale, BLOCK=32) + 1
    whole = jnp.ones(16, np.float32)  # what the kernel leaves as it is
    return sums, astra.kernel_call(extremes, (16,), [-whole, whole * 2], x, flags, columns=40, BLOCK=64)

exe = astra.compile(f, x, flags, np.float32(2), target="cuda:sm_90a")
names = [report.name for report in exe.kernels()]
assert any(name.startswith("extremes") for name in names) and any(name.startswith("scaled") for name in names), names
assert exe.executable.compiled.straight_line  # scalars are read on the device
sums, (least, most) = exe(x, flags, np.float32(2))
np.testing.assert_allclose(sums, 6 * x.sum(0) + 1, rtol=1e-5, atol=1e-5)
assert (least == np.where(flags, np.minimum(x.min(1), 0), -1)).all() and (most == np.where(flags, x.max(1), 2)).all()

layer = lambda x: astra.kernel_call(swish, blocks, s((600,), x.dtype), x, n=600, BLOCK=128, vjp="pointwise") * 2
x = np.linspace(-3, 3, 600, dtype=np.float32)
gradient = astra.jit(jax.grad(lambda x: layer(x).sum()), target="cuda:sm_90a")(x)
np.testing.assert_allclose(gradient, jax.grad(lambda x: 2 * jax.nn.silu(x).sum())(x), rtol=1e-5, atol=1e-5)
""")


def test_kernels_of_programs_are_binaries_without_spills() -> None:
    x = np.zeros((64, 1024), np.float32)

    def normed(x: Any) -> Any:
        return astra.kernel_call(
            softmax_kernel, (64,), x, x, columns=1024, x_stride=1024, out_stride=1024, BLOCK=1024
        ) @ jnp.ones((1024, 64))  # fmt: skip

    for target in ("cuda:sm_80", "cuda:sm_90a"):
        exe = astra.compile(normed, x, target=target)
        (report,) = [report for report in exe.kernels() if report.name.startswith("softmax_kernel")]
        assert report.spill_bytes == 0 and "ld.global.v4" in exe.ptx()
