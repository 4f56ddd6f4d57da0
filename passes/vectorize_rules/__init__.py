"""Vectorization rules, one module per family of operations; importing this package fills the table."""

from __future__ import annotations

from astra_mlir.passes.vectorize_rules import calls as calls
from astra_mlir.passes.vectorize_rules import collectives as collectives
from astra_mlir.passes.vectorize_rules import contraction as contraction
from astra_mlir.passes.vectorize_rules import control as control
from astra_mlir.passes.vectorize_rules import elementwise as elementwise
from astra_mlir.passes.vectorize_rules import indexing as indexing
from astra_mlir.passes.vectorize_rules import misc as misc
from astra_mlir.passes.vectorize_rules import reduction as reduction
from astra_mlir.passes.vectorize_rules import shape as shape
from astra_mlir.passes.vectorize_rules.core import RULES, SHARED, SUM, Batch, Batcher

__all__ = ["RULES", "SHARED", "SUM", "Batch", "Batcher"]
