"""The function of one element that a pointwise kernel computes, in JAX, for its derivative.

Asked by ``jax_frontend/kernels.py``.  A kernel is pointwise if all loads and stores are at one and the same offset,
that of its element, and what is between them is arithmetic: then a result's element is a function of the inputs'
elements, which is written here once more with JAX's operations, on whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from astra_mlir.bindings import ir
from astra_mlir.errors import KernelError, source_place

__all__ = ["pointwise_function"]

_COMPARE = {0: "eq", 1: "ne", 2: "lt", 3: "le", 4: "gt", 5: "ge"}
_COMPARE_FLOATS = {1: "eq", 2: "gt", 3: "ge", 4: "lt", 5: "le", 6: "ne", 13: "ne"}

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "arith.addf": jnp.add, "arith.subf": jnp.subtract, "arith.mulf": jnp.multiply, "arith.divf": jnp.divide,
    "arith.negf": jnp.negative, "arith.remf": lax.rem, "arith.addi": jnp.add, "arith.subi": jnp.subtract,
    "arith.muli": jnp.multiply, "arith.maxnumf": jnp.fmax, "arith.minnumf": jnp.fmin, "arith.select": jnp.where,
    "arith.andi": jnp.bitwise_and, "arith.ori": jnp.bitwise_or, "arith.xori": jnp.bitwise_xor,
    "math.exp": jnp.exp, "math.exp2": jnp.exp2, "math.expm1": jnp.expm1, "math.log": jnp.log, "math.log2": jnp.log2,
    "math.log1p": jnp.log1p, "math.sqrt": jnp.sqrt, "math.rsqrt": lax.rsqrt, "math.sin": jnp.sin,
    "math.cos": jnp.cos, "math.tan": jnp.tan, "math.tanh": jnp.tanh, "math.erf": lax.erf, "math.absf": jnp.abs,
    "math.powf": jnp.power, "math.atan": jnp.arctan, "math.atan2": jnp.arctan2, "math.floor": jnp.floor,
    "math.ceil": jnp.ceil, "math.round": jnp.round, "math.fma": lambda x, y, z: x * y + z, "math.sinh": jnp.sinh,
    "math.cosh": jnp.cosh, "math.asin": jnp.arcsin, "math.acos": jnp.arccos, "tensor.splat": lambda x: x,
    "astra.tile_broadcast": lambda x: x,
}  # fmt: skip
_CONVERSIONS = {"arith.extf", "arith.truncf", "arith.sitofp", "arith.uitofp", "arith.fptosi", "arith.fptoui",
                "arith.extsi", "arith.extui", "arith.trunci"}  # fmt: skip


def _dtype(kind: ir.Type) -> Any:
    from astra_mlir.language.types import DTYPES

    element = kind.element_type if isinstance(kind, ir.RankedTensorType) else kind
    name = next(d.name for d in DTYPES.values() if d.text == str(element))
    return jnp.dtype("bool" if name == "int1" else name)


def pointwise_function(
    module: ir.Module, order: Sequence[int], dtypes: Sequence[Any]
) -> Callable[[Sequence[Any], Sequence[Any]], list[Any]]:
    """A function of a kernel's inputs (arrays) and its results' shapes that gives the results, in JAX operations.

    Raises :class:`KernelError`, naming the operation and its place, for a kernel that is not pointwise.
    """
    func = module.body.operations[0].operation
    block = func.regions[0].blocks[0]
    numbers = {argument: order[i] for i, argument in enumerate(block.arguments)}
    operations = [view.operation for view in block.operations][:-1]
    accesses = [op for op in operations if op.name in ("astra.tile_load", "astra.tile_store")]
    offsets = accesses[0].operands[1] if accesses else None

    def refuse(op: ir.Operation, why: str) -> KernelError:
        return KernelError(f"{source_place(op.location)}: the kernel is not pointwise ({why}): give its vjp")

    for op in accesses:
        if op.operands[1] != offsets:
            raise refuse(op, "it accesses elements at different places")
        number = numbers[op.operands[0]]
        if (op.name == "astra.tile_store") != (number < 0):
            raise refuse(op, "it reads what it writes")
    depends = set(_reads(accesses))
    for op in operations:
        if op.name in ("astra.tile_load", "astra.tile_store") or not depends & set(op.operands):
            continue
        if op.name not in _OPERATIONS and op.name not in _CONVERSIONS and op.name not in ("arith.cmpf", "arith.cmpi"):
            raise refuse(op, f"'{op.name}'")
        depends.update(op.results)

    def evaluate(inputs: Sequence[Any], shapes: Sequence[Any]) -> list[Any]:
        assert module is not None  # it owns the operations
        values: dict[ir.Value, Any] = {}
        for argument, number in numbers.items():
            if number >= 0 and not isinstance(argument.type, ir.MemRefType):
                values[argument] = jnp.reshape(inputs[number], ())
        results: list[Any] = [None] * len(shapes)

        def value(v: ir.Value) -> Any:
            if v not in values:
                values[v] = compute(v)
            return values[v]

        def compute(v: ir.Value) -> Any:
            op = v.owner.operation
            name = op.name
            if name == "astra.tile_load":
                return jnp.ravel(inputs[numbers[op.operands[0]]])  # what is masked off is not stored
            if name == "arith.constant":
                attribute = op.attributes["value"]
                if isinstance(attribute, ir.DenseElementsAttr):
                    attribute = attribute.get_splat_value()
                return np.asarray(attribute.value, _dtype(v.type))
            operands = [value(x) for x in op.operands]
            if name in ("arith.cmpf", "arith.cmpi"):
                table = _COMPARE if name == "arith.cmpi" else _COMPARE_FLOATS
                predicate = op.attributes["predicate"].value
                if predicate not in table:
                    raise refuse(op, "an unsigned comparison")
                return getattr(lax, table[predicate])(*jnp.broadcast_arrays(*operands))
            if name in _CONVERSIONS:
                return operands[0].astype(_dtype(v.type))
            if name not in _OPERATIONS:
                raise refuse(op, f"a result depends on '{name}'")
            return _OPERATIONS[name](*operands)

        for op in operations:
            if op.name == "astra.tile_store":
                number = -1 - numbers[op.operands[0]]
                shape, dtype = shapes[number], dtypes[number]
                results[number] = jnp.reshape(jnp.broadcast_to(value(op.operands[2]), (_size(shape),)), shape)
                results[number] = results[number].astype(dtype)
        return [r if r is not None else jnp.zeros(s, d) for r, s, d in zip(results, shapes, dtypes, strict=True)]

    return evaluate


def _reads(accesses: Sequence[ir.Operation]) -> list[ir.Value]:
    return [op.result for op in accesses if op.name == "astra.tile_load"]


def _size(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size
