"""Kernels of ``astra.exchange`` and ``astra.participant``: calls of the runtime, which knows the other devices.

The descriptor, 64-bit words: kind, bytes of a piece, number of groups, size of a group, the members row by row (-1
fills short rows); for ``permute`` then the number of pairs, and each pair's source and target.
"""

from __future__ import annotations

import math

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.collectives import EXCHANGE_KINDS
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import Function, element_of, memref_type, shape_of

_EXCHANGE, _PARTICIPANT = "astra_exchange", "astra_participant"


@kernel_rule("exchange")
def exchange(op: ir.Operation) -> KernelRequest:
    """One kernel per operand and result type; what differs is in the descriptor."""
    operand, result = op.operands[0], op.results[0]
    words = descriptor(op)
    types = [
        memref_type(shape_of(operand), element_of(operand.type).storage),
        f"memref<{len(words)}xi64>",
        memref_type(shape_of(result), element_of(result.type).storage),
    ]
    name = kernel_name("exchange", *types)
    return KernelRequest(name, [operand], [Out(result.type)], lambda: _exchange_text(name, types), tables=(words,))


def descriptor(op: ir.Operation) -> np.ndarray:
    """What the runtime is told."""
    kind, groups = value_of(op, "kind"), to_numpy(value_of(op, "groups"))
    operand = op.operands[0].type
    size = math.prod(operand.shape) * element_of(operand).bytes
    words = [
        EXCHANGE_KINDS.index(kind), size // groups.shape[1] if kind == "all_to_all" else size, *groups.shape,
        *groups.reshape(-1).tolist(),
    ]  # fmt: skip
    if kind == "permute":
        pairs = to_numpy(value_of(op, "pairs")).reshape(-1, 2)
        words += [len(pairs), *pairs.reshape(-1).tolist()]
    return np.array(words, np.int64)


def _address(f: Function, value: str, type: str) -> str:
    index = f.value(f"memref.extract_aligned_pointer_as_index {value} : {type} -> index")
    return f.value(f"arith.index_cast {index} : index to i64")


def _exchange_text(name: str, types: list[str]) -> str:
    arguments = list(zip(("%in", "%words", "%out"), types, strict=True))
    f = Function(name, arguments)
    buffers = f.header("memref.alloca() : memref<2xi64>")
    for i, (value, type) in enumerate((arguments[0], arguments[2])):
        f.emit(f"memref.store {_address(f, value, type)}, {buffers}[{f.constant(i)}] : memref<2xi64>")
    words = _address(f, *arguments[1])
    f.emit(f"func.call @{_EXCHANGE}({words}, {_address(f, buffers, 'memref<2xi64>')}) : (i64, i64) -> ()")
    return f"func.func private @{_EXCHANGE}(i64, i64)\n{f.text()}"


@kernel_rule("participant")
def participant(op: ir.Operation) -> KernelRequest:
    """One kernel."""
    name, type = kernel_name("participant"), "memref<i64>"

    def text() -> str:
        f = Function(name, [("%out", type)])
        number = f.value(f"func.call @{_PARTICIPANT}() : () -> i64")
        f.emit(f"memref.store {number}, %out[] : {type}")
        return f"func.func private @{_PARTICIPANT}() -> i64\n{f.text()}"

    return KernelRequest(name, [], [Out(op.results[0].type)], text)
