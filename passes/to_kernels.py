"""``astra-to-kernels``: operations whose CPU schedule linalg cannot express become calls of generated kernels.

Stage 6 of the CPU pipeline, on Astra operations.  Which operations are taken, and by what kernel, is the table in
``passes/kernel_rules``; what no rule takes is left for ``astra-to-linalg``.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import build
from astra_mlir.passes import kernel_rules
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.kernel_rules.registry import KernelRequest

__all__ = ["ToKernels"]


@register_pass
@dataclass(frozen=True)
class ToKernels(Pass):
    """Replace an operation by ``astra.kernel_call`` of a private function on memrefs, added once per distinct body.

    Before::

        %0 = "astra.cumulative"(%x) {dimension = 0, kind = "add", reverse = false} : (tensor<8xf32>) -> tensor<8xf32>

    After::

        %0 = tensor.empty() : tensor<8xf32>
        %1 = "astra.kernel_call"(%x, %0) {callee = @astra_cumulative_0f, num_outs = 1} : (...) -> tensor<8xf32>
        ...
        func.func private @astra_cumulative_0f(%in: memref<8xf32>, %out: memref<8xf32>) { ... }
    """

    name = "astra-to-kernels"
    summary = "replace operations that need their own loop nest by calls of generated kernels"

    def run(self, module: ir.Operation) -> None:
        body = module.regions[0].blocks[0]
        present = {
            ir.StringAttr(op.operation.attributes["sym_name"]).value
            for op in body.operations
            if "sym_name" in op.operation.attributes
        }
        for op in list(body.operations):
            self._rewrite_within(op.operation, body, present)

    def _rewrite_within(self, parent: ir.Operation, module_body: ir.Block, present: set[str]) -> None:
        for region in parent.regions:
            for block in region:
                for op in list(block.operations):
                    op = op.operation
                    rule = kernel_rules.KERNEL_RULES.get(op.name)
                    request = rule(op) if rule is not None and _has_static_shapes(op) else None
                    if request is None:
                        self._rewrite_within(op, module_body, present)
                        continue
                    _add_functions(request, module_body, present)
                    _replace_by_call(op, request)


def _has_static_shapes(op: ir.Operation) -> bool:
    return all(
        value.type.has_static_shape for value in (*op.operands, *op.results) if isinstance(value.type, ir.ShapedType)
    )


def _add_functions(request: KernelRequest, module_body: ir.Block, present: set[str]) -> None:
    if request.name in present:
        return
    parsed = ir.Module.parse(request.build())
    for function in list(parsed.body.operations):
        symbol = ir.StringAttr(function.operation.attributes["sym_name"]).value
        if symbol not in present:
            present.add(symbol)
            function.operation.detach_from_parent()
            module_body.append(function)
    if request.name not in present:
        raise AssertionError(f"the kernel builder of {request.name} does not define it")


def _replace_by_call(op: ir.Operation, request: KernelRequest) -> None:
    if [result.type for result in op.results] != [out.type for out in request.outs]:
        raise AssertionError(f"the outs of kernel {request.name} are not the results of {op.name}")
    loc = op.location
    with ir.InsertionPoint(op), loc:
        inits = [out.init if out.init is not None else _empty(out.type) for out in request.outs]
        inits += [_empty(scratch) for scratch in request.scratch]
        call = build(
            "kernel_call",
            [*request.ins, *inits],
            [value.type for value in inits],
            callee=ir.FlatSymbolRefAttr.get(request.name),
            num_outs=len(inits),
            num_scratch=len(request.scratch) or None,
        )
    for old, new in zip(op.results, call.results, strict=False):
        old.replace_all_uses_with(new)
    op.erase()


def _empty(tensor_type: ir.Type) -> ir.Value:
    return ir.Operation.create("tensor.empty", results=[tensor_type]).result
