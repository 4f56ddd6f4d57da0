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


def _verify_tile_call(op: ir.Operation) -> None:
    values, found = operands(op), results(op)
    grid = int_list(op, "grid")
    require(len(grid) == 3 and all(size >= 0 for size in grid), f"attribute 'grid' must be three sizes, but is {grid}")
    initial, order = int_list(op, "initial"), int_list(op, "order")
    require(len(initial) == len(found), f"attribute 'initial' must have {len(found)} values, one for each result")
    for number, result in zip(initial, found, strict=True):
        require(-1 <= number < len(values), f"attribute 'initial' has {number}, but there are {len(values)} operands")
        if number >= 0 and values[number].type != result.type:
            raise VerificationError(
                f"{result.what} must have the type of its initial value, {values[number].type}, but is {result.type}"
            )
    for number in order:
        require(
            -len(found) <= number < len(values),
            f"attribute 'order' has {number}, but there are {len(values)} operands and {len(found)} results",
        )


define(
    "tile_call",
    family="codegen",
    operands=("*operands",),
    results=("*results",),
    attributes={"body": Attr.STRING, "grid": Attr.I64_ARRAY, "order": Attr.I64_ARRAY, "initial": Attr.I64_ARRAY},
    doc="""Run a tile function, one of `astra.kernel`, for every program of a grid as part of a program.

```mlir
%result = "astra.tile_call"(%x) {
  body = "func.func @double(%x: memref<?xf32>, %out: memref<?xf32>) attributes {astra.tile} { return }",
  grid = array<i64: 4, 1, 1>, order = array<i64: 0, -1>, initial = array<i64: -1>
} : (tensor<1024xf32>) -> tensor<1024xf32>
```

`body` is the text of a module with the tile function. `order` says what each of its arguments is: operand `i` is `i`,
result `i` is `-1 - i`; a tensor of rank 0 may be a scalar argument. A result begins as the operand that `initial` says,
with -1 its first content means nothing.
""",
    verify=_verify_tile_call,
)
