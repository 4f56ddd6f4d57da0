"""``astra-to-gpu-kernels``: operations that linalg does not express become launches of generated tile functions.

The GPU's counterpart of ``astra-to-kernels``, by the table of ``passes/gpu_kernels``.  What neither that nor
``astra-to-linalg`` has a rule for is refused by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OPS, value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.gpu_kernels import GPU_KERNEL_RULES
from astra_mlir.passes.gpu_kernels.attention_results import take_results_as_used
from astra_mlir.passes.kernel_rules import KERNEL_RULES
from astra_mlir.passes.linalg_rules import RULES
from astra_mlir.passes.to_kernels import Rewriter
from astra_mlir.passes.traversal import walk

__all__ = ["ToGpuKernels"]


@register_pass
@dataclass(frozen=True)
class ToGpuKernels(Pass):
    """Replace an operation by ``astra.kernel_call`` of a host function that launches tile functions.

    Before: ``%0 = "astra.dot_general"(%x, %w) ...``.
    After: ``%1 = "astra.kernel_call"(%x, %w, %0) {callee = @astra_dot_0f, ...}``, ``func.func private @astra_dot_0f``
    with ``astra.gpu_launch``, and ``func.func private @gemm_4f1c`` with the unit attribute ``astra.tile``.
    """

    name: ClassVar[str] = "astra-to-gpu-kernels"
    summary: ClassVar[str] = "operations that linalg does not express to tile functions for GPUs"

    def run(self, module: ir.Operation) -> None:
        functions = module.regions[0].blocks[0]
        for op in [op for op in walk(functions) if op.name == "astra.attention_gradient"]:
            take_results_as_used(op)
        _erase_unused(module)
        Rewriter(module, GPU_KERNEL_RULES).run()
        _erase_unused(module)
        for view in module.regions[0].blocks[0].operations:
            for block in view.operation.regions[0].blocks if len(view.operation.regions) else ():
                for op in walk(block):
                    if op.name in KERNEL_RULES and op.name not in RULES:
                        called = value_of(op, "call_target_name") if op.name == "astra.custom_call" else None
                        what = f"{op.name} of '{called}'" if called else op.name
                        raise UnsupportedError(f"{source_place(op.location)}: {what} has no kernel for GPUs")


def _erase_unused(parent: ir.Operation) -> None:
    """Erase what kernels compute along the way, so that nothing needs it any more."""
    for region in parent.regions:
        for block in region:
            for view in reversed(list(block.operations)):
                op = view.operation
                known = OPS.get(op.name)
                if known is not None and known.pure and len(op.results) and all(not list(r.uses) for r in op.results):
                    op.erase()
                elif len(op.regions):
                    _erase_unused(op)
