"""Tile operations of the GPU path alone: changes of layout, tiles in shared memory that are loaded ahead of their use.

`astra-tile-pipeline` and `astra-tile-layouts` make them, `astra-tile-to-gpu` replaces them.
"""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import Attr, define, require

__all__ = ["LAYOUTS_ATTRIBUTE"]

LAYOUTS_ATTRIBUTE = "astra.layouts"  # of an operation: one text for each result, empty for scalars


def _verify_convert(op: ir.Operation) -> None:
    operand, result = op.operands[0].type, op.result.type
    require(operand == result, f"result must be {operand} as the operand, but is {result}")


define(
    "tile_convert",
    family="tile",
    operands=("operand",),
    doc="""The same tile, spread over the threads of a block in another way.

```mlir
%result = "astra.tile_convert"(%operand) {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[]"]}
    : (tensor<128xf32>) -> tensor<128xf32>
```

Attribute `astra.layouts` of every operation that gives tiles says how they lie: the element that a place holds is the
XOR of the numbers whose bit is set in the register (r), the lane (l) and the warp (w).
""",
    verify=_verify_convert,
)


def _shared_shape(kind: ir.Type, what: str) -> tuple[list[int], ir.Type]:
    is_shared = isinstance(kind, ir.MemRefType) and len(kind.shape) > 1 and str(kind.memory_space) == "3 : i64"
    require(is_shared, f"{what} must be tiles in shared memory, memref<SxMxNxT, 3>, but is {kind}")
    return list(kind.shape)[1:], kind.element_type


def _verify_buffer(op: ir.Operation) -> None:
    shape, _ = _shared_shape(op.result.type, "result")
    inner = ir.IntegerAttr(op.attributes["inner"]).value
    require(0 <= inner < len(shape), f"attribute 'inner' is {inner}, which is not a dimension of the tiles")


def _verify_copy(op: ir.Operation) -> None:
    shape, _ = _shared_shape(op.operands[2].type, "operand 'buffer'")
    offsets = op.operands[1].type
    same = isinstance(offsets, ir.RankedTensorType) and list(offsets.shape) == shape
    require(same, f"operand 'offsets' must have the shape of the buffer's tiles, but is {offsets}")


def _verify_read(op: ir.Operation) -> None:
    shape, element = _shared_shape(op.operands[0].type, "operand 'buffer'")
    result = op.result.type
    same = list(result.shape) == shape and result.element_type == element
    require(same, f"result must be a tile of the buffer, {op.operands[0].type}, but is {result}")


define(
    "tile_buffer",
    family="tile",
    attributes={"inner": Attr.I64},
    pure=False,
    doc="""Tiles in shared memory, one after the other.

```mlir
%buffer = "astra.tile_buffer"() {inner = 1 : i64} : () -> memref<3x128x32xf16, 3>
```

`inner` is the dimension whose elements follow one another. Rows of up to 128 bytes are swizzled (pieces of 16 bytes
change places by the row's number), wider ones are split in panels of 128 bytes: the form that tensor cores read.
""",
    verify=_verify_buffer,
)
define(
    "tile_copy",
    family="tile",
    operands=("pointer", "offsets", "buffer", "slot", "*mask"),
    results=(),
    pure=False,
    doc="""Begin to copy elements of a pointer to a tile in shared memory; what the mask leaves out becomes 0.

```mlir
"astra.tile_copy"(%pointer, %offsets, %buffer, %slot, %mask)
    : (memref<?xf16>, tensor<128x32xi32>, memref<3x128x32xf16, 3>, i32, tensor<128x32xi1>) -> ()
```

`astra.tile_commit` closes a group of copies, `astra.tile_wait` waits for groups.
""",
    verify=_verify_copy,
)
define(
    "tile_commit",
    family="tile",
    results=(),
    pure=False,
    doc="""Close a group of copies (it may be empty).

```mlir
"astra.tile_commit"() : () -> ()
```
""",
)
define(
    "tile_wait",
    family="tile",
    results=(),
    attributes={"pending": Attr.I64},
    pure=False,
    doc="""Wait until all but the last `pending` groups of copies have arrived, for all threads of the block.

```mlir
"astra.tile_wait"() {pending = 1 : i64} : () -> ()
```
""",
)
define(
    "tile_read",
    family="tile",
    operands=("buffer", "slot"),
    pure=False,
    doc="""A tile as it is in shared memory.

```mlir
%tile = "astra.tile_read"(%buffer, %slot) : (memref<3x128x32xf16, 3>, i32) -> tensor<128x32xf16>
```
""",
    verify=_verify_read,
)
define(
    "tile_barriers",
    family="tile",
    pure=False,
    doc="""Barriers in shared memory, one for each buffer that the copy engine fills.

```mlir
%barriers = "astra.tile_barriers"() : () -> memref<3xi64, 3>
```

`astra.tile_barriers_end` ends their use.
""",
)
define(
    "tile_barriers_end",
    family="tile",
    operands=("barriers",),
    results=(),
    pure=False,
    doc="""The memory of barriers may be used for something else.

```mlir
"astra.tile_barriers_end"(%barriers) : (memref<3xi64, 3>) -> ()
```
""",
)
define(
    "tile_expect",
    family="tile",
    operands=("barriers", "slot", "exists"),
    results=(),
    attributes={"bytes": Attr.I64},
    pure=False,
    doc="""Tell a barrier how much the copies that follow bring, if `exists`.

```mlir
"astra.tile_expect"(%barriers, %slot, %exists) {bytes = 16384 : i64} : (memref<3xi64, 3>, i32, i1) -> ()
```
""",
)
define(
    "tile_block_copy",
    family="tile",
    operands=("pointer", "buffer", "slot", "barriers", "exists", "*indices_sizes_strides"),
    results=(),
    pure=False,
    doc="""Have the copy engine bring a block of an array to a tile in shared memory, if `exists`.

```mlir
"astra.tile_block_copy"(%x, %buffer, %slot, %barriers, %exists, %i, %j, %rows, %columns, %stride, %one)
    : (memref<?xf16>, memref<3x128x64xf16, 3>, i32, memref<3xi64, 3>, i1, i32, i32, i64, i64, i64, i64) -> ()
```

What is outside of the array becomes 0. Sizes and strides are constants or arguments of the function: they go into a
descriptor that the launch makes.
""",
)
define(
    "tile_arrival",
    family="tile",
    operands=("barriers", "slot", "parity"),
    results=(),
    pure=False,
    doc="""Wait until a buffer's copies have arrived, the `parity`-th time (mod 2), for all threads of the block.

```mlir
"astra.tile_arrival"(%barriers, %slot, %parity) : (memref<3xi64, 3>, i32, i32) -> ()
```
""",
)
