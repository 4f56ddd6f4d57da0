"""Operations of the Astra dialect that exist only on the way to code: calls of kernels."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

define(
    "kernel_call",
    family="codegen",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "num_outs": Attr.I64},
    optional_attributes={"num_scratch": Attr.I64},
)
