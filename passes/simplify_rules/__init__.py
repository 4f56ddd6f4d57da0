"""The rules of ``astra-simplify``, one module per subject; importing this package fills the table :data:`RULES`."""

from __future__ import annotations

from astra_mlir.passes.simplify_rules import accumulation as accumulation
from astra_mlir.passes.simplify_rules import algebra as algebra
from astra_mlir.passes.simplify_rules import contraction as contraction
from astra_mlir.passes.simplify_rules import control as control
from astra_mlir.passes.simplify_rules import folding as folding
from astra_mlir.passes.simplify_rules import movement as movement
from astra_mlir.passes.simplify_rules import ranges as ranges
from astra_mlir.passes.simplify_rules import sigmoid as sigmoid
from astra_mlir.passes.simplify_rules import slicing as slicing
from astra_mlir.passes.simplify_rules.core import RULES

__all__ = ["RULES"]
