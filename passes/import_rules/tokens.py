"""Import of tokens: arrays without elements.

A token orders side effects.  Operations with side effects keep their order here, so a token says nothing more; it
becomes a ``tensor<0xi1>``, as JAX has it in signatures.
"""

from __future__ import annotations

import numpy as np

from astra_mlir.bindings import ir

__all__ = ["CREATORS", "replace_tokens", "takes_tokens"]

CREATORS = ("stablehlo.create_token", "stablehlo.after_all")
_TOKEN = "!stablehlo.token"


def takes_tokens(module: ir.Operation) -> bool:
    """Whether a function of the module has a token among its arguments."""
    functions = [op.operation for op in module.regions[0].blocks[0].operations if op.operation.name == "func.func"]
    types = [ir.FunctionType(function.attributes["function_type"].value) for function in functions]
    return any(_is_token(t) for type in types for t in (*type.inputs, *type.results))


def replace_tokens(module: ir.Operation) -> None:
    """Give every token in a module the type of an array without elements."""
    empty = ir.RankedTensorType.get([0], ir.IntegerType.get_signless(1))
    for function in module.regions[0].blocks[0].operations:
        if function.operation.name != "func.func":
            continue
        _replace_within(function.operation, empty)
        type = ir.FunctionType(function.attributes["function_type"].value)
        inputs, results = ([empty if _is_token(t) else t for t in types] for types in (type.inputs, type.results))
        function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, results))


def _replace_within(op: ir.Operation, empty: ir.Type) -> None:
    for region in op.regions:
        for block in region.blocks:
            for value in block.arguments:
                if _is_token(value.type):
                    value.set_type(empty)
            for inner in [view.operation for view in block.operations]:
                if inner.name in CREATORS:
                    none = ir.DenseElementsAttr.get(np.zeros(0, bool), type=empty)
                    constant = ir.Operation.create(
                        "stablehlo.constant", [empty], attributes={"value": none}, ip=ir.InsertionPoint(inner),
                        loc=inner.location,
                    )  # fmt: skip
                    inner.results[0].replace_all_uses_with(constant.result)
                    inner.erase()
                    continue
                for value in inner.results:
                    if _is_token(value.type):
                        value.set_type(empty)
                _replace_within(inner, empty)


def _is_token(type: ir.Type) -> bool:
    return str(type) == _TOKEN
