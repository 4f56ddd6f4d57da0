"""Generators of the kernels that ``astra-to-kernels`` calls, one module per family; importing it registers all."""

from __future__ import annotations

from astra_mlir.passes.kernel_rules import attention as attention
from astra_mlir.passes.kernel_rules import contraction as contraction
from astra_mlir.passes.kernel_rules import convolution as convolution
from astra_mlir.passes.kernel_rules import cumulative as cumulative
from astra_mlir.passes.kernel_rules import custom_call as custom_call
from astra_mlir.passes.kernel_rules import exchange as exchange
from astra_mlir.passes.kernel_rules import fft as fft
from astra_mlir.passes.kernel_rules import linear_algebra as linear_algebra
from astra_mlir.passes.kernel_rules import random as random
from astra_mlir.passes.kernel_rules import scatter as scatter
from astra_mlir.passes.kernel_rules import select_and_scatter as select_and_scatter
from astra_mlir.passes.kernel_rules import sort as sort
from astra_mlir.passes.kernel_rules import tile_call as tile_call
from astra_mlir.passes.kernel_rules import top_k as top_k
from astra_mlir.passes.kernel_rules import window as window
from astra_mlir.passes.kernel_rules.registry import KERNEL_RULES, KernelRequest, Out, kernel_name, kernel_rule

__all__ = ["KERNEL_RULES", "KernelRequest", "Out", "kernel_name", "kernel_rule"]
