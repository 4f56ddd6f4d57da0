"""Tile functions to kernels of NVIDIA GPUs: layouts of tiles over threads, and the code each thread runs.

Importing this package registers its passes.
"""

from __future__ import annotations

from astra_mlir.passes.gpu import assign as assign
from astra_mlir.passes.gpu import lower_exchange as lower_exchange
from astra_mlir.passes.gpu import lower_memory as lower_memory
from astra_mlir.passes.gpu import to_gpu as to_gpu
