"""``astra-to-kernels``: operations whose CPU schedule linalg cannot express become calls of generated kernels.

Stage 6 of the CPU pipeline, on Astra operations.  Which operations are taken, and by what kernel, is the table in
``passes/kernel_rules``; what no rule takes is left for ``astra-to-linalg``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OPS, build
from astra_mlir.dialects.elements import from_numpy
from astra_mlir.passes import kernel_rules
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.kernel_rules.registry import KernelRequest, KernelRule
from astra_mlir.passes.kernels_apart import mark_inner
from astra_mlir.passes.schedules import attach_schedule, describe

__all__ = ["Rewriter", "ToKernels"]


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
        Rewriter(module, kernel_rules.KERNEL_RULES).run()


class Rewriter:
    """Replaces the operations of one module that a table has rules for."""

    def __init__(self, module: ir.Operation, rules: Mapping[str, KernelRule]) -> None:
        self.rules = rules
        self.body = module.regions[0].blocks[0]
        self.present = {_symbol(op.operation) for op in self.body.operations if "sym_name" in op.operation.attributes}
        self.tables: dict[int, tuple[np.ndarray, ir.Attribute]] = {}  # by the array's identity
        self.calls: dict[tuple[object, ...], list[ir.Value]] = {}  # of kernels that run before loops

    def run(self) -> None:
        """Replace what has a kernel in all functions."""
        for op in list(self.body.operations):
            self.rewrite_within(op.operation)

    def rewrite_within(self, parent: ir.Operation) -> None:
        """Replace what has a kernel in the regions of ``parent``."""
        for region in parent.regions:
            for block in region:
                operations = [op.operation for op in block.operations]
                gone: set[int] = set()  # places of operations that the kernel of one before them computes
                for place, op in enumerate(operations):
                    if place in gone:
                        continue
                    rule = self.rules.get(op.name)
                    if rule is not None and OPS[op.name].pure and all(_has_no_elements(r.type) for r in op.results):
                        self.replace_by_nothing(op)
                        continue
                    request = rule(op) if rule is not None and _has_static_shapes(op) else None
                    if request is None:
                        self.rewrite_within(op)
                    else:
                        self.add_functions(request)
                        if request.last is not None:
                            following = [i for i in range(place + 1, len(operations)) if i not in gone]
                            gone.update(i for i in following if operations[i] in (*request.absorbed, request.last))
                        self.replace_by_call(request.last or op, request)

    def replace_by_nothing(self, op: ir.Operation) -> None:
        """Results without elements need no kernel."""
        with ir.InsertionPoint(op), op.location:
            for result in op.results:
                result.replace_all_uses_with(_empty(result.type))
        op.erase()

    def add_functions(self, request: KernelRequest) -> None:
        """Build the functions of a kernel unless the module has it."""
        if request.name in self.present:
            return
        text = request.build()
        parsed = ir.Module.parse(text)  # has to outlive the loop: it owns the functions until they are moved
        added = {}
        for function in list(parsed.body.operations):
            symbol = _symbol(function.operation)
            if symbol not in self.present:
                self.present.add(symbol)
                added[symbol] = function.operation
                function.operation.detach_from_parent()
                self.body.append(function)
                if symbol == request.name and request.schedule is not None:
                    attach_schedule(function.operation, describe(request.schedule))
        mark_inner(added, text, request.name)
        if request.name not in self.present:
            raise AssertionError(f"the kernel builder of {request.name} does not define it")

    def replace_by_call(self, op: ir.Operation, request: KernelRequest) -> None:
        """Put the call in the place of ``op``."""
        call = self.call(op, request)
        if len(op.results) != len(request.outs):
            raise AssertionError(f"the outs of kernel {request.name} are not the results of {op.name}")
        made = iter(call.results)
        for old, out in zip(op.results, request.outs, strict=True):
            with ir.InsertionPoint(op), op.location:
                new = _empty(old.type) if out is None else next(made)
                if out is not None and out.permutation is not None:
                    new = build("transpose", [new], [old.type], permutation=list(out.permutation)).result
            if old.type != new.type:
                raise AssertionError(f"the outs of kernel {request.name} are not the results of {op.name}")
            old.replace_all_uses_with(new)
        op.erase()
        for absorbed in request.absorbed:
            absorbed.erase()

    def call(self, op: ir.Operation, request: KernelRequest) -> ir.Operation:
        """The call, in front of ``op``."""
        prepared = self.prepared(request.prepared, request.loop) if request.prepared and request.loop else []
        with ir.InsertionPoint(op), op.location:
            tables = [self.constant(array) for array in request.tables]
            outs = [out for out in request.outs if out is not None]
            inits = [out.init if out.init is not None else _empty(out.type) for out in outs]
            inits += [_empty(scratch) for scratch in request.scratch]
            return build(
                "kernel_call",
                [*request.ins, *prepared, *tables, *inits],
                [value.type for value in inits],
                callee=ir.FlatSymbolRefAttr.get(request.name),
                num_outs=len(inits),
                num_scratch=len(request.scratch) or None,
            )

    def prepared(self, request: KernelRequest, loop: ir.Operation) -> list[ir.Value]:
        """The outs of a kernel that runs before a loop, called once however many ask for it."""
        key = (request.name, *request.ins, loop)
        if key not in self.calls:
            self.add_functions(request)
            self.calls[key] = list(self.call(loop, request).results)
        return self.calls[key]

    def constant(self, array: np.ndarray) -> ir.Value:
        """``astra.constant`` of a table; calls with the same table get the same attribute, so they can be merged."""
        if id(array) not in self.tables:
            self.tables[id(array)] = array, from_numpy(array)
        value = self.tables[id(array)][1]
        return build("constant", [], [value.type], value=value).result


def _symbol(op: ir.Operation) -> str:
    return ir.StringAttr(op.attributes["sym_name"]).value


def _has_static_shapes(op: ir.Operation) -> bool:
    return all(
        value.type.has_static_shape for value in (*op.operands, *op.results) if isinstance(value.type, ir.ShapedType)
    )


def _has_no_elements(tensor_type: ir.Type) -> bool:
    return tensor_type.has_static_shape and 0 in tensor_type.shape


def _empty(tensor_type: ir.Type) -> ir.Value:
    return ir.Operation.create("tensor.empty", results=[tensor_type]).result
