"""``astra-expand-transforms``: all transformations of functions, and then the calls that only they look into.

The step of ``astra-cpu-pipeline`` between Astra programs as they were written and programs without functions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.transforms import CUSTOM_CALLS, TRANSFORMATIONS
from astra_mlir.passes.autodiff_rules.engine import Policy
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.drop_rules import DropRules
from astra_mlir.passes.inline import Inline
from astra_mlir.passes.merge_runs import merge_runs
from astra_mlir.passes.simplify import Simplify, simplify
from astra_mlir.passes.transforms import expand, functions_of, prepare
from astra_mlir.passes.traversal import walk

__all__ = ["ExpandTransforms"]

_CONCERNED = frozenset((*TRANSFORMATIONS, *CUSTOM_CALLS, "astra.stop_gradient"))


@register_pass
@dataclass(frozen=True)
class ExpandTransforms(Pass):
    """Expand every ``astra.jvp``, ``astra.vjp`` and ``astra.vmap``, drop derivative rules, inline and simplify.

    Before::

        func.func @main(%x: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
          %y, %cx = "astra.vjp"(%x, %c) {argnums = array<i64: 0>, callee = @f}
              : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
          return %cx : tensor<f32>
        }
        func.func private @f(%x: tensor<f32>) -> tensor<f32> {
          %0 = "astra.exponential"(%x) : (tensor<f32>) -> tensor<f32>
          return %0 : tensor<f32>
        }

    After::

        func.func @main(%x: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
          %0 = "astra.exponential"(%x) : (tensor<f32>) -> tensor<f32>
          %1 = "astra.multiply"(%c, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          return %1 : tensor<f32>
        }

    A program without such operations is left as it is.
    """

    name: ClassVar[str] = "astra-expand-transforms"
    summary: ClassVar[str] = "expand all transformations of functions, drop derivative rules, inline and simplify"

    while_bound: int = field(default=0, metadata={"doc": "the most iterations of while loops, for reverse mode"})

    def run(self, module: ir.Operation) -> None:
        """Expand the transformations in ``module``."""
        if not any(_is_concerned(op) for op in walk(module.regions[0].blocks[0])):
            return
        prepare(module)
        expand(module, TRANSFORMATIONS, Policy(while_bound=self.while_bound))
        for step in (DropRules(), Inline(), Simplify()):
            step.run(module)
        for function in functions_of(module).values():
            for block in function.regions[0].blocks:
                while merge_runs(block):  # then what the merged bodies have twice
                    simplify(block)


def _is_concerned(op: ir.Operation) -> bool:
    """Whether there is something to do for an operation, which in StableHLO is a custom call."""
    if op.name == "stablehlo.custom_call":
        return op.attributes["call_target_name"].value in _CONCERNED
    return op.name in _CONCERNED
