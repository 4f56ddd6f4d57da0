"""GPUs by the runtime's table, on a driver that stands in for NVIDIA's: memory, launches, graphs, failures."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from astra_mlir.gpu import runtime as gpu_runtime
from tests.runtime.gpu_driver import needs_compiler, with_driver

pytestmark = needs_compiler

# Kernels of an emulated module are functions of the process: this one adds a scalar to a float for each program.
MODULE = """
from astra_mlir.gpu import runtime as gpu
from astra_mlir.gpu.emulation import image_of
from astra_mlir.runtime import runtime
EMULATED = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p)
@EMULATED
def add(inputs, outputs, arena):
    values = ctypes.cast(inputs[1], ctypes.POINTER(ctypes.c_float))
    for i in range(ctypes.c_int64.from_address(inputs[0]).value):
        values[i] += ctypes.c_float.from_address(inputs[2]).value
address = ctypes.cast(add, ctypes.c_void_p).value
image = image_of([("add", address, (0, 4))])
module = gpu.GpuModule(image, [gpu.Kernel("add", threads=128, parameters=2, shared_bytes=100_000, cluster=(2, 1, 1))])
x = gpu.DeviceMemory.of(np.arange(4, dtype=np.float32))
def back(memory, n=4):
    out = np.empty(n, np.float32); memory.to_host(out); return out.tolist()
"""

# A program: native code that launches by the runtime's symbols.
PROGRAM = (
    MODULE
    + """
library = runtime().library
for name in ("launch", "write"):
    symbol = ctypes.cast(getattr(library, f"astra_gpu_{name}"), ctypes.c_void_p).value
    ctypes.c_void_p.in_dll(driver, f"fake_cuda_{name}").value = symbol
at = ctypes.cast(driver.fake_cuda_program, ctypes.c_void_p).value
def runs(): return ctypes.c_int.in_dll(driver, "fake_cuda_runs").value
"""
)


def test_a_kernel_may_say_the_grid_of_its_launches() -> None:
    text = with_driver(
        MODULE
        + """
own = gpu.GpuModule(image, [gpu.Kernel("add", threads=128, parameters=2, grid=(7, 1, 1))])
own.launch("add", [4], [ctypes.c_void_p(x.address), ctypes.c_float(0.5)])
print([line for line in log() if "Launch" in line])
"""
    )
    assert "grid 7 1 1 threads 128" in text


def test_memory_and_launches() -> None:
    text = with_driver(
        MODULE
        + """
module.launch("add", [4], [ctypes.c_void_p(x.address), ctypes.c_float(0.5)])
print(back(x)); print([line for line in log() if "Launch" in line or "Attribute" in line or "cluster" in line])
del x
print(driver.fake_cuda_bytes(0))
"""
    ).splitlines()
    assert text[0] == "[0.5, 1.5, 2.5, 3.5]"
    assert "cuKernelSetAttribute add 8 = 100000" in text[1]
    assert "grid 4 1 1 threads 128 shared 100000 attributes 1" in text[1] and "cluster 2 1 1" in text[1]
    assert text[2] == "0"


def test_a_program_is_recorded_on_its_second_call_and_replayed_after() -> None:
    text = with_driver(
        PROGRAM
        + """
for _ in range(4):
    module.execute(at, [], [x.address], 256, straight_line=True)
print(back(x)); print(runs()); print([line.split()[0] for line in log() if "Graph" in line])
y = gpu.DeviceMemory.of(np.arange(4, dtype=np.float32))
module.execute(at, [], [y.address], 256, straight_line=True)
print(back(y)[:2]); print(runs())
del module, x, y
print(driver.fake_cuda_bytes(0))
"""
    ).splitlines()
    assert text[0] == "[4.5, 11.0, 12.0, 13.0]"  # the write of 2.0 is replayed, too
    assert text[1] == "2"
    assert text[2] == "['cuGraphInstantiate', 'cuGraphLaunch', 'cuGraphLaunch', 'cuGraphLaunch']"
    assert text[3:] == ["[4.5, 3.5]", "3", "0"]


def test_without_the_flag_nothing_is_recorded_and_streams_of_callers_are_waited_for() -> None:
    text = with_driver(
        PROGRAM
        + """
driver.fake_cuda_reset()
module.execute(at, [], [x.address], 256, stream=0)
print(log())
driver.fake_cuda_reset()
stream = ctypes.c_void_p(); driver.cuStreamCreate(ctypes.byref(stream), 0)
module.execute(at, [], [x.address], 0, stream=stream.value)
print([line.split()[0] for line in log()])
"""
    ).splitlines()
    assert text[0].startswith("['cuMemAllocAsync 256', 'cuMemsetD32Async 1 x 4', 'cuLaunchKernelEx add")
    assert text[0].endswith("'cuMemFreeAsync 256']")
    names = "cuEventRecord cuStreamWaitEvent cuMemsetD32Async cuLaunchKernelEx cluster cuEventRecord cuStreamWaitEvent"
    assert text[1] == str(names.split())


def test_failures_end_the_program_with_their_message() -> None:
    text = with_driver(
        PROGRAM
        + """
def message(action):
    try: action()
    except Exception as error: return f"{type(error).__name__}: {error}"
run = lambda: module.execute(at, [], [x.address], 4096)
driver.fake_cuda_fail(b"cuLaunchKernelEx", 0, 700); print(message(run))
driver.fake_cuda_fail(b"cuMemAllocAsync", 0, 2); print(message(run))
driver.fake_cuda_fail(b"cuStreamSynchronize", 0, 700); print(message(gpu.synchronize))
print(message(lambda: gpu.GpuModule(image, [gpu.Kernel("other", 32, 0)])))
print(message(lambda: gpu.GpuModule(image, [gpu.Kernel("add", 32, 2, shared_bytes=1 << 20)])))
print(message(lambda: gpu.device_info(3)))
print(message(lambda: module.launch("add", [1, 1 << 20], [ctypes.c_void_p(0), ctypes.c_float(0)])))
driver.fake_cuda_fail(b"cuGraphInstantiate", 0, 1)
replay = lambda: module.execute(at, [], [x.address], 4096, straight_line=True)
replay(); print(message(replay)); print(message(replay))
del module, x
print(driver.fake_cuda_bytes(0))
"""
    ).splitlines()
    assert "launch of kernel add: CUDA_ERROR_ILLEGAL_ADDRESS" in text[0]
    assert text[1].startswith("MemoryError: no 4096 bytes on device 0: CUDA_ERROR_OUT_OF_MEMORY")
    assert "a kernel or copy before this one: CUDA_ERROR_ILLEGAL_ADDRESS" in text[2]
    assert text[3].startswith("CompileError: kernel other")
    assert "needs 1048576 bytes of shared memory; a program has at most 232448 here" in text[4]
    assert text[5] == "AstraError: there is no device 3; this machine has 1"
    assert "a grid of 1048576 programs on axis 1, of at most 65535" in text[6]
    assert "cuGraphInstantiate" in text[7] and text[8] == "None"
    assert text[9] == "0"


def test_tensor_maps_are_encoded_at_the_launch() -> None:
    text = with_driver(
        """
from astra_mlir.gpu import runtime as gpu
map = gpu.TensorMap(0, 9, (64, 1), (0, 2), (64, 32), swizzle=3, from_parameters=2 | 2 << 8, element_bytes=2)
module = gpu.GpuModule(b"anything", [gpu.Kernel("copy", 384, 3, tensor_maps=(map,), overlaps=True)])
x = gpu.DeviceMemory.of(np.zeros(4096, np.float32))
module.launch("copy", [1], [ctypes.c_void_p(x.address), ctypes.c_int64(128), ctypes.c_int64(72)])
print("\\n".join(line for line in log() if "Map" in line or "attribute" in line))
"""
    ).splitlines()
    assert text[0] == "cuTensorMapEncodeTiled type 9 rank 2 sizes 64 128 stride 144 box 64 32 swizzle 3"
    assert text[2] == "  attribute 6"


def test_why_there_is_no_device() -> None:
    code = "from astra_mlir.gpu.runtime import why_no_device; print(why_no_device())"
    assert "CUDA driver is of version 11.4; 12.0 or newer is needed" in with_driver(code, FAKE_CUDA_VERSION="11040")
    assert "this machine has 0" in with_driver(code, FAKE_CUDA_DEVICES="0")
    other = next(Path(sys.base_prefix).rglob("lib*/libpython3*.so*"), None) or Path("/lib/x86_64-linux-gnu/libm.so.6")
    assert "has no function cuInit: it is too old" in with_driver(code, ASTRA_CUDA_DRIVER=str(other))
    text = with_driver(code, ASTRA_CUDA_DRIVER="")
    assert "libcuda.so.1 cannot be opened" in text or text == "None"


def test_structures_are_those_of_the_header() -> None:
    sizes = {gpu_runtime._DeviceInfo: 176, gpu_runtime._TensorMap: 168, gpu_runtime._Kernel: 112}
    assert {kind: ctypes.sizeof(kind) for kind in sizes} == sizes
    assert ctypes.sizeof(gpu_runtime._GpuCall) == 80
