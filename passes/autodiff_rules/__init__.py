"""Derivative rules by operation; importing this package fills the tables of ``core``."""

from __future__ import annotations

from astra_mlir.passes.autodiff_rules import calls as calls
from astra_mlir.passes.autodiff_rules import collectives as collectives
from astra_mlir.passes.autodiff_rules import contraction as contraction
from astra_mlir.passes.autodiff_rules import control as control
from astra_mlir.passes.autodiff_rules import elementwise as elementwise
from astra_mlir.passes.autodiff_rules import indexing as indexing
from astra_mlir.passes.autodiff_rules import linear_algebra as linear_algebra
from astra_mlir.passes.autodiff_rules import reduction as reduction
from astra_mlir.passes.autodiff_rules import shape as shape
from astra_mlir.passes.autodiff_rules import sorting as sorting
