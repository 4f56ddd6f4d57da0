"""``astra-to-linalg``: Astra operations to linalg on tensors, scf, tensor, arith and math.

Stage 7 of the CPU pipeline.  What each operation becomes is the tables in ``passes/linalg_rules``; this module walks
the functions and gives them signless types.  Shapes have to be static.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.linalg_rules import Lowering, Val
from astra_mlir.passes.traversal import walk

__all__ = ["ToLinalg"]


@register_pass
@dataclass(frozen=True)
class ToLinalg(Pass):
    """Lower every Astra operation that ``astra-to-kernels`` left.

    Before::

        func.func @f(%x: tensor<4xui32>, %y: tensor<ui32>) -> tensor<4xui32> {
          %0 = "astra.broadcast"(%y) {dimensions = array<i64>} : (tensor<ui32>) -> tensor<4xui32>
          %1 = "astra.maximum"(%x, %0) : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
          return %1 : tensor<4xui32>
        }

    After::

        func.func @f(%x: tensor<4xi32>, %y: tensor<i32>) -> tensor<4xi32> {
          %scalar = tensor.extract %y[] : tensor<i32>
          %0 = tensor.empty() : tensor<4xi32>
          %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
              ins(%x : tensor<4xi32>) outs(%0 : tensor<4xi32>) {
          ^bb0(%in: i32, %out: i32):
            %2 = arith.maxui %in, %scalar : i32
            linalg.yield %2 : i32
          } -> tensor<4xi32>
          return %1 : tensor<4xi32>
        }
    """

    name = "astra-to-linalg"
    summary = "lower Astra operations of static shape to linalg, scf, tensor, arith and math"

    def run(self, module: ir.Operation) -> None:
        low = Lowering()
        _check_calls(module)
        for op in list(module.regions[0].blocks[0].operations):
            op = op.operation
            if op.name == "func.func" and _takes_tensors(op):
                _lower_function(low, op)


def _check_calls(module: ir.Operation) -> None:
    """Refuse a call that inlining had to leave because its function is only declared."""
    functions = [view.operation for view in module.regions[0].blocks[0].operations]
    functions = [op for op in functions if op.name == "func.func"]
    declared = {_symbol(op) for op in functions if not len(op.regions[0].blocks) and _takes_tensors(op)}
    if not declared:
        return
    for function in functions:
        for block in function.regions[0].blocks:
            for op in walk(block):
                if op.name == "func.call" and op.attributes["callee"].value in declared:
                    raise UnsupportedError(
                        f"{source_place(op.location)}: call of @{op.attributes['callee'].value}, which has no body; "
                        "define the function in the program"
                    )


def _symbol(function: ir.Operation) -> str:
    return function.attributes["sym_name"].value


def _takes_tensors(function: ir.Operation) -> bool:
    """Whether a function is part of the program (generated kernels are on memrefs and scalars)."""
    signature = function.attributes["function_type"].value
    types = (*signature.inputs, *signature.results)
    return not types or any(isinstance(t, (ir.RankedTensorType, ir.UnrankedTensorType)) for t in types)


def _lower_function(low: Lowering, function: ir.Operation) -> None:
    low.op, low.loc = function, function.location
    signature = function.attributes["function_type"].value
    inputs = [low.info(t) for t in signature.inputs]
    results = [low.info(t) for t in signature.results]
    attributes = {name: function.attributes[name] for name in function.attributes}
    attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get([info.tensor for info in inputs], [info.tensor for info in results])
    )
    new = ir.Operation.create(
        "func.func", attributes=attributes, regions=1, loc=function.location, ip=ir.InsertionPoint(function)
    )
    if len(function.regions[0].blocks):
        block = new.regions[0].blocks.append(*[info.tensor for info in inputs])
        with low.inside(block):
            arguments = [_argument(low, Val(info, tensor=v)) for info, v in zip(inputs, block.arguments, strict=True)]
            returned = low.lower_block(function.regions[0].blocks[0], arguments)
            low.create("func.return", [low.tensor(val) for val in returned], ())
    function.erase()


def _argument(low: Lowering, val: Val) -> Val:
    """Extract the scalar of a rank-0 argument where it dominates every use."""
    if val.info.rank == 0:
        low.scalar(val)
    return val
