"""Operations of the Astra dialect that exist only on the way to code: calls of kernels."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import operands, results
from astra_mlir.dialects.core import Attr, define, int_list, require, value_of
from astra_mlir.errors import VerificationError


def _verify_kernel_call(op: ir.Operation) -> None:
    values, found = operands(op), results(op)
    num_outs, num_scratch = value_of(op, "num_outs"), value_of(op, "num_scratch", 0)
    if not 0 <= num_outs <= len(values):
        raise VerificationError(f"attribute 'num_outs' is {num_outs}, but there are {len(values)} operands")
    if not 0 <= num_scratch <= num_outs:
        raise VerificationError(f"attribute 'num_scratch' is {num_scratch}, but 'num_outs' is {num_outs}")
    if len(found) != num_outs:
        raise VerificationError(f"must have one result for each of the {num_outs} outs, but has {len(found)}")
    for out, result in zip(values[len(values) - num_outs :], found, strict=True):
        if out.type != result.type:
            raise VerificationError(f"{result.what} must have the type of its out, {out.type}, but is {result.type}")


define(
    "kernel_call",
    family="codegen",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "num_outs": Attr.I64},
    optional_attributes={"num_scratch": Attr.I64},
    doc="""Call a kernel: a function on buffers that reads its inputs and writes its outputs.

```mlir
%result = "astra.kernel_call"(%in, %out) {callee = @kernel, num_outs = 1 : i64}
    : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
```

The operands are inputs, then `num_outs` outs; an out is the initial content of a buffer and its result the content
after the call. The last `num_scratch` outs are scratch memory, whose results mean nothing. `callee` is a private
function that takes a memref for each operand.
""",
    verify=_verify_kernel_call,
)


def _verify_gpu_launch(op: ir.Operation) -> None:
    grid = int_list(op, "grid")
    require(len(grid) == 3 and all(size >= 0 for size in grid), f"attribute 'grid' must be three sizes, but is {grid}")


define(
    "gpu_launch",
    family="codegen",
    operands=("*arguments",),
    results=(),
    attributes={"kernel": Attr.SYMBOL, "grid": Attr.I64_ARRAY},
    pure=False,
    doc="""Run a tile function for every program of a grid, on a GPU, after what was launched before.

```mlir
"astra.gpu_launch"(%x, %n) {kernel = @softmax, grid = array<i64: 128, 1, 1>} : (memref<4096xf32>, i32) -> ()
```

The operands are the tile function's arguments: memrefs of identity layout for pointers, and scalars.
""",
    verify=_verify_gpu_launch,
)
