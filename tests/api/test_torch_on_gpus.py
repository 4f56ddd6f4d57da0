"""PyTorch functions and modules compiled for GPUs, on a driver that stands in for NVIDIA's."""

from __future__ import annotations

import pytest

from tests.runtime.gpu_driver import needs_compiler, with_driver

pytest.importorskip("torch")
pytestmark = needs_compiler

BEFORE = """
import torch, astra_mlir as astra
from astra_mlir.gpu import runtime as gpu_runtime
from astra_mlir.gpu.arrays import DeviceArray
torch.manual_seed(0)
TARGET = "cuda:sm_90a"
close = lambda a, b: torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
"""


def test_modules_and_functions_on_tensors_of_the_host() -> None:
    with_driver(
        BEFORE
        + """
net = torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.GELU(), torch.nn.LayerNorm(30), torch.nn.Linear(30, 5))
x = torch.randn(8, 20)
fast = astra.jit(net, target=TARGET)
with torch.no_grad():
    close(fast(x), net(x))
    net[0].weight.mul_(2)  # parameters are read at each call
    close(fast(x), net(x))
    assert fast.cache_info().hits == 1
    frozen = astra.compile(net, x, target=TARGET)
    before = net(x)
    net[0].weight.mul_(2)
    close(frozen(x), before)
assert ".target sm_90a" in frozen.ptx() and frozen.executable.compiled.kernels

@astra.jit(target=TARGET)
def f(d, *, power):
    d["total"] += d["x"].sum()  # in place
    return {"y": d["x"] ** power, "power": power}, d["x"].to(torch.bfloat16)
d = {"x": x, "total": torch.zeros(())}
result, half = f(d, power=2)
close(result["y"], x**2); close(d["total"], x.sum())
assert result["power"] == 2 and half.dtype == torch.bfloat16
for wrong in (lambda: frozen(x[:3]), lambda: frozen(x.double()), lambda: frozen(x.to("meta"))):
    try: wrong()
    except astra.AstraError as error: print(error)
    else: raise AssertionError
"""
    )


def test_tensors_on_the_gpu_are_taken_and_given_where_they_are() -> None:
    text = with_driver(
        BEFORE
        + """
class OnGpu(torch.Tensor):  # this PyTorch has no GPUs; what is asked of a tensor on one is this
    @staticmethod
    def __new__(cls, array):
        made = torch.Tensor._make_wrapper_subclass(cls, array.shape, dtype=torch.from_numpy(array).dtype, device="cuda")
        made.array = DeviceArray(gpu_runtime.DeviceMemory.of(array), array.shape, array.dtype)
        return made
    def __torch_dispatch__(self, *_, **__): raise NotImplementedError
    def detach(self): return self
    def __dlpack_device__(self): return self.array.__dlpack_device__()
    def __dlpack__(self, stream=None, **_): asked.append(stream); return self.array.__dlpack__(stream)
asked = []
torch.from_dlpack = lambda value: torch.from_numpy(np.asarray(value)) if type(value) is DeviceArray else None
weight = torch.randn(6, 4)
f = astra.jit(lambda x: torch.tanh(x @ weight), target=TARGET)
x = torch.randn(5, 6)
close(f(OnGpu(x.numpy())), torch.tanh(x @ weight))
given = OnGpu(x.numpy())
driver.fake_cuda_reset()
close(f(given), torch.tanh(x @ weight))
assert asked[-1] == gpu_runtime.stream_of()  # what is on PyTorch's stream is done before
print([line.split()[0] for line in log() if "HtoD" in line or "Event" in line])
try: astra.jit(lambda x: x + 1)(given)
except astra.AstraError as error: print(error)
"""
    ).splitlines()
    # the weight is of the host; PyTorch's stream is waited for, and waits for the program
    wait = ["cuEventRecord", "cuStreamWaitEvent"]
    assert text[0] == str(["cuMemcpyHtoDAsync", *wait, *wait])
    assert "the tensor is on the device 'cuda'; move it to the CPU" in text[1]
