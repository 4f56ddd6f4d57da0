"""``astra-export``: the Astra dialect to StableHLO, for other tools and for the reference interpreter.

The inverse of ``astra-import``: kinds become regions again, a scan becomes a while loop with a counter, and the two
functions that StableHLO lacks (erf, top_k) become CHLO operations, or with ``pure-stablehlo`` StableHLO as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from astra_mlir.bindings import ir, passmanager
from astra_mlir.passes import export_rules as export_rules
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.export_rules.core import Exporter

__all__ = ["ExportPass"]

_LEGALIZE_CHLO = "builtin.module(func.func(chlo-legalize-to-stablehlo))"


@register_pass
@dataclass(frozen=True)
class ExportPass(Pass):
    """Convert an Astra program to StableHLO.

    Before::

        %0 = "astra.cumulative"(%x) {dimension = 0 : i64, kind = "add", reverse = false}
            : (tensor<4xf32>) -> tensor<4xf32>

    After::

        %zero = stablehlo.constant dense<0.0> : tensor<f32>
        %0 = "stablehlo.reduce_window"(%x, %zero) <{padding = dense<[[3, 0]]>, window_dimensions = array<i64: 4>}> ({
          ^bb0(%a: tensor<f32>, %b: tensor<f32>):
            %s = stablehlo.add %a, %b : tensor<f32>
            stablehlo.return %s : tensor<f32>
        }) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>

    The result evaluates to the same values.  Raises :class:`~astra_mlir.errors.UnsupportedError` for what only exists
    late in code generation (``astra.kernel_call``).
    """

    name: ClassVar[str] = "astra-export"
    summary: ClassVar[str] = "convert the Astra dialect to StableHLO (and CHLO for erf and top_k)"

    pure_stablehlo: bool = field(default=False, metadata={"doc": "write erf and top_k out, so that no CHLO is left"})

    def run(self, module: ir.Operation) -> None:
        exporter = Exporter(self.pure_stablehlo)
        for function in module.regions[0].blocks[0].operations:
            if function.operation.name == "func.func":
                for block in function.regions[0].blocks:
                    exporter.convert_block(block)
        exporter.finish()
        if self.pure_stablehlo:
            passmanager.PassManager.parse(_LEGALIZE_CHLO).run(module)
