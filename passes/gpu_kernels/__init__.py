"""Tile functions for the operations that linalg does not express, one module per family; importing it registers all."""

from __future__ import annotations

from astra_mlir.passes.gpu_kernels import contraction as contraction
from astra_mlir.passes.gpu_kernels.registry import GPU_KERNEL_RULES, gpu_kernel_rule

__all__ = ["GPU_KERNEL_RULES", "gpu_kernel_rule"]
