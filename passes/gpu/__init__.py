"""Tile functions and the kernels beside them to the LLVM and NVVM dialects.

Importing this package registers its passes.
"""

from __future__ import annotations

from astra_mlir.passes.gpu import tile_passes as tile_passes
