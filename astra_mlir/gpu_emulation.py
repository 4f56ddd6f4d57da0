"""Kernels of GPU programs compiled for the CPU, for a driver that stands in for NVIDIA's (runtime/tests/fake_cuda.cpp).

So that whole programs (their launches, memory and control flow) run where there is no GPU: ``gpu_executable.py`` asks
for this where the driver's device is the emulated one.
"""
