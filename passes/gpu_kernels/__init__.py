"""Tile functions for the operations that linalg does not express, one module per family; importing it registers all."""

from __future__ import annotations

from astra_mlir.passes.gpu_kernels import attention as attention
from astra_mlir.passes.gpu_kernels import contraction as contraction
from astra_mlir.passes.gpu_kernels import cumulative as cumulative
from astra_mlir.passes.gpu_kernels import linear_algebra as linear_algebra
from astra_mlir.passes.gpu_kernels import random as random
from astra_mlir.passes.gpu_kernels import scatter as scatter
from astra_mlir.passes.gpu_kernels import sorting as sorting
from astra_mlir.passes.gpu_kernels import tile_call as tile_call
from astra_mlir.passes.gpu_kernels import windows as windows
from astra_mlir.passes.gpu_kernels.registry import GPU_KERNEL_RULES, gpu_kernel_rule

__all__ = ["GPU_KERNEL_RULES", "gpu_kernel_rule"]
