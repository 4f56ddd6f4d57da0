"""Tile operations: what one program of a grid does to blocks of elements; `astra.kernel` and the GPU path make them.

A tile function is a `func.func` with the unit attribute `astra.tile`, without results, that runs once for every
program of a grid. Its arguments are pointers, `memref<?xT>`, whose elements are addressed by integer offsets, and
scalars. Its values are scalars (`i1`, `i8` to `i64`, floats; signedness is that of the operation, as in `arith`) and
tiles: tensors of static shape whose every dimension is a power of two. Elementwise work is in upstream `arith` and
`math`, which take both; `tensor.splat` makes a tile of a scalar; `scf.for`, `scf.if` and `scf.while` carry both.
Calls are inlined before. Two paths take tile functions: `astra-tile-to-loops` to the CPU, and those of `passes/gpu`.
Numbers do not depend on the path's layouts: reductions have one tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OPS, Attr, define, int_list, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["ATOMIC_KINDS", "ORDERINGS", "PRECISIONS", "SCOPES", "TILE_ATTRIBUTE", "is_scalar_type", "is_tile_type"]

TILE_ATTRIBUTE = "astra.tile"

PRECISIONS = ("ieee", "tf32", "3xtf32")
ATOMIC_KINDS = ("add", "fadd", "fmin", "fmax", "min", "max", "umin", "umax", "and", "or", "xor", "exchange")
ORDERINGS = ("relaxed", "acquire", "release", "acq_rel")
SCOPES = ("cta", "gpu", "sys")
_FLOAT_KINDS = ("fadd", "fmin", "fmax")
_CACHES = ("ca", "cg", "cv", "cs", "wb", "wt")
_EVICTIONS = ("evict_first", "evict_last")

_WIDTHS = (1, 8, 16, 32, 64)
_FLOAT_WIDTHS = (8, 16, 32, 64)


class _Value(NamedTuple):
    """An operand or result: how messages call it, its type, its shape (empty for a scalar), its element type."""

    what: str
    type: ir.Type
    shape: tuple[int, ...]
    element: ir.Type


def is_scalar_type(kind: ir.Type) -> bool:
    """Whether a type is that of a scalar in tile functions."""
    if isinstance(kind, ir.IntegerType):
        return bool(kind.is_signless) and kind.width in _WIDTHS
    return isinstance(kind, ir.FloatType) and kind.width in _FLOAT_WIDTHS


def is_tile_type(kind: ir.Type) -> bool:
    """Whether a type is a tile: a tensor of static power-of-two dimensions."""
    return (
        isinstance(kind, ir.RankedTensorType)
        and bool(kind.shape)
        and all(size > 0 and size & (size - 1) == 0 for size in kind.shape)
        and is_scalar_type(kind.element_type)
    )


def _view(what: str, kind: ir.Type) -> _Value:
    if is_tile_type(kind):
        return _Value(what, kind, tuple(kind.shape), kind.element_type)
    if is_scalar_type(kind):
        return _Value(what, kind, (), kind)
    raise VerificationError(
        f"{what} must be a scalar or a tile (a tensor whose dimensions are powers of two), but is {kind}"
    )


def _what(names: Sequence[str], index: int, role: str) -> str:
    named = index < len(names) and not names[index].startswith("*")
    return f"{role} '{names[index]}'" if named else f"{role} {index}"


def _operands(op: ir.Operation, first: int = 0) -> list[_Value]:
    names = OPS[op.name].operands
    values = op.operands
    return [_view(_what(names, i, "operand"), values[i].type) for i in range(first, len(values))]


def _results(op: ir.Operation) -> list[_Value]:
    names = OPS[op.name].results
    return [_view(_what(names, i, "result"), value.type) for i, value in enumerate(op.results)]


def _require_tile(value: _Value) -> None:
    require(bool(value.shape), f"{value.what} must be a tile, but is {value.type}")


def _text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _require_shape(value: _Value, expected: Sequence[int], source: str) -> None:
    if value.shape != tuple(expected):
        raise VerificationError(f"{value.what} must have shape {_text(expected)}, {source}, but is {value.type}")


def _require_element(value: _Value, expected: ir.Type, source: str) -> None:
    if value.element != expected:
        raise VerificationError(f"{value.what} must have elements {expected}, {source}, but is {value.type}")


def _require_integer(value: _Value, widths: Sequence[int]) -> None:
    if not isinstance(value.element, ir.IntegerType) or value.element.width not in widths:
        names = " or ".join(f"i{width}" for width in widths)
        raise VerificationError(f"{value.what} must have elements {names}, but is {value.type}")


def _require_axis(op: ir.Operation, value: _Value) -> int:
    axis = int(value_of(op, "axis"))
    if not 0 <= axis < len(value.shape):
        raise VerificationError(f"attribute 'axis' is {axis}, which is not a dimension of {value.what}, {value.type}")
    return axis


def _require_optional_choice(op: ir.Operation, name: str, choices: Sequence[str]) -> None:
    value = value_of(op, name)
    require(
        value is None or value in choices, f"attribute '{name}' must be one of {', '.join(choices)}, but is '{value}'"
    )


def _pointer_element(op: ir.Operation, index: int) -> ir.Type:
    """The type of the values behind a pointer operand, ``memref<?xT>`` (``T`` unsigned is ``T`` signless here)."""
    kind = op.operands[index].type
    what = _what(OPS[op.name].operands, index, "operand")
    if not isinstance(kind, ir.MemRefType) or len(kind.shape) != 1:
        raise VerificationError(f"{what} must be a pointer, memref<?xT>, but is {kind}")
    element = kind.element_type
    if isinstance(element, ir.IntegerType) and element.is_unsigned:
        element = ir.IntegerType.get_signless(element.width)
    if not is_scalar_type(element) or element.width == 1:
        raise VerificationError(f"{what} must point to integers of 8 to 64 bits or floats, but is {kind}")
    return element


# --- verifiers ---------------------------------------------------------------------------------------------------


def _verify_program(op: ir.Operation) -> None:
    axis = value_of(op, "axis")
    require(axis in (0, 1, 2), f"attribute 'axis' must be 0, 1 or 2, but is {axis}")
    require(str(op.result.type) == "i32", f"result must be i32, but is {op.result.type}")


def _verify_arange(op: ir.Operation) -> None:
    (result,) = _results(op)
    require(len(result.shape) == 1, f"result must have rank 1, but is {result.type}")
    _require_integer(result, (32,))


def _verify_reshape(op: ir.Operation) -> None:
    (operand,), (result,) = _operands(op), _results(op)
    _require_tile(operand)
    _require_tile(result)
    _require_element(result, operand.element, "as the operand")
    if prod(operand.shape) != prod(result.shape):
        raise VerificationError(f"result must have as many elements as {operand.type}, but is {result.type}")


def _verify_transpose(op: ir.Operation) -> None:
    (operand,), (result,) = _operands(op), _results(op)
    _require_tile(operand)
    permutation = int_list(op, "permutation")
    if sorted(permutation) != list(range(len(operand.shape))):
        raise VerificationError(
            f"attribute 'permutation' must order the {len(operand.shape)} dimensions of the operand, "
            f"but is {permutation}"
        )
    _require_element(result, operand.element, "as the operand")
    _require_shape(result, [operand.shape[i] for i in permutation], "the operand's permuted")


def _verify_broadcast(op: ir.Operation) -> None:
    (operand,), (result,) = _operands(op), _results(op)
    _require_tile(operand)
    _require_element(result, operand.element, "as the operand")
    fits = len(operand.shape) == len(result.shape) and all(
        size in (1, wide) for size, wide in zip(operand.shape, result.shape, strict=True)
    )
    require(fits, f"result must be the operand, {operand.type}, with dimensions of 1 grown, but is {result.type}")


def _verify_join(op: ir.Operation) -> None:
    (lhs, rhs), (result,) = _operands(op), _results(op)
    _require_tile(lhs)
    require(lhs.type == rhs.type, f"{rhs.what} must have the type of {lhs.what}, {lhs.type}, but is {rhs.type}")
    _require_element(result, lhs.element, "as the operands")
    _require_shape(result, (*lhs.shape, 2), "the operands' with a last dimension of 2")


def _verify_split(op: ir.Operation) -> None:
    (operand,), found = _operands(op), _results(op)
    require(
        len(operand.shape) > 1 and operand.shape[-1] == 2,
        f"{operand.what} must have at least rank 2 and a last dimension of 2, but is {operand.type}",
    )
    for result in found:
        _require_element(result, operand.element, "as the operand")
        _require_shape(result, operand.shape[:-1], "the operand's without its last dimension")


def _require_access(op: ir.Operation, offsets: _Value, mask: _Value | None) -> None:
    _require_integer(offsets, (32, 64))
    if mask is not None:
        _require_shape(mask, offsets.shape, "that of the offsets")
        _require_integer(mask, (1,))


def _verify_load(op: ir.Operation) -> None:
    element, values, (result,) = _pointer_element(op, 0), _operands(op, 1), _results(op)
    require(len(values) <= 3, f"expects at most 4 operands, but has {len(values) + 1}")
    offsets, mask, other = [*values, None, None, None][:3]
    assert offsets is not None
    offsets = offsets._replace(what="operand 'offsets'")
    _require_access(op, offsets, mask and mask._replace(what="operand 'mask'"))
    _require_element(result, element, "those of the pointer")
    _require_shape(result, offsets.shape, "that of the offsets")
    if other is not None and other.type != result.type:
        raise VerificationError(f"operand 'other' must have the type of the result, {result.type}, but is {other.type}")
    _require_optional_choice(op, "cache", _CACHES)
    _require_optional_choice(op, "eviction", _EVICTIONS)


def _verify_store(op: ir.Operation) -> None:
    element, values = _pointer_element(op, 0), _operands(op, 1)
    require(len(values) <= 3, f"expects at most 4 operands, but has {len(values) + 1}")
    offsets, value = values[:2]
    _require_access(op, offsets, values[2]._replace(what="operand 'mask'") if len(values) > 2 else None)
    _require_element(value, element, "those of the pointer")
    _require_shape(value, offsets.shape, "that of the offsets")
    _require_optional_choice(op, "cache", _CACHES)
    _require_optional_choice(op, "eviction", _EVICTIONS)


def _verify_atomic(op: ir.Operation) -> None:
    element, values, (result,) = _pointer_element(op, 0), _operands(op, 1), _results(op)
    require(len(values) <= 3, f"expects at most 4 operands, but has {len(values) + 1}")
    offsets, value = values[:2]
    _require_access(op, offsets, values[2]._replace(what="operand 'mask'") if len(values) > 2 else None)
    kind = value_of(op, "kind")
    require(kind in ATOMIC_KINDS, f"attribute 'kind' must be one of {', '.join(ATOMIC_KINDS)}, but is '{kind}'")
    is_float = isinstance(element, ir.FloatType)
    require(
        kind == "exchange" or is_float == (kind in _FLOAT_KINDS),
        f"attribute 'kind' is '{kind}', which is not for elements {element}",
    )
    for other in (value, result):
        _require_element(other, element, "those of the pointer")
        _require_shape(other, offsets.shape, "that of the offsets")
    _require_optional_choice(op, "ordering", ORDERINGS)
    _require_optional_choice(op, "scope", SCOPES)


def _verify_atomic_cas(op: ir.Operation) -> None:
    element, (offsets, compare, value), (result,) = _pointer_element(op, 0), _operands(op, 1), _results(op)
    _require_access(op, offsets, None)
    for other in (compare, value, result):
        _require_element(other, element, "those of the pointer")
        _require_shape(other, offsets.shape, "that of the offsets")
    _require_optional_choice(op, "ordering", ORDERINGS)
    _require_optional_choice(op, "scope", SCOPES)


def _verify_block(op: ir.Operation, pointer: int, tile: _Value) -> None:
    rank = value_of(op, "rank")
    element = _pointer_element(op, pointer)
    require(1 <= rank <= 5, f"attribute 'rank' must be 1 to 5, but is {rank}")
    numbers = list(op.operands)[pointer + 1 :]
    if len(numbers) != 3 * rank:
        raise VerificationError(
            f"expects {rank} sizes, strides and indices each after the pointer, but has {len(numbers)} operands there"
        )
    for i, number in enumerate(numbers):
        what, kind = (("size", "i64"), ("stride", "i64"), ("index", "i32"))[i // rank]
        require(str(number.type) == kind, f"{what} {i % rank} must be {kind}, but is {number.type}")
    _require_element(tile, element, "those of the pointer")
    require(len(tile.shape) == rank, f"{tile.what} must have rank {rank}, but is {tile.type}")


def _verify_block_load(op: ir.Operation) -> None:
    _verify_block(op, 0, _results(op)[0])


def _verify_block_store(op: ir.Operation) -> None:
    _verify_block(op, 1, _view("operand 'value'", op.operands[0].type))


def _verify_combiner(op: ir.Operation, values: Sequence[_Value]) -> None:
    """The region takes both sides' scalars and yields as many."""
    blocks = list(op.regions[0].blocks)
    require(bool(blocks), "the combiner region must not be empty")
    scalars = [value.element for value in values]
    operations = blocks[0].operations
    yielded = [value.type for value in operations[len(operations) - 1].operands]
    for verb, expected, found in (
        ("take", scalars * 2, [argument.type for argument in blocks[0].arguments]),
        ("yield", scalars, yielded),
    ):
        if found != expected:
            names, has = (", ".join(map(str, types)) for types in (expected, found))
            raise VerificationError(f"the combiner region must {verb} ({names}), but {verb}s ({has})")


def _verify_reduce(op: ir.Operation) -> None:
    values, found = _operands(op), _results(op)
    require(bool(values), "expects at least 1 operands, but has 0")
    axis = _require_axis(op, values[0])
    require(
        len(found) == len(values), f"must have one result for each of the {len(values)} operands, but has {len(found)}"
    )
    for value, result in zip(values, found, strict=True):
        _require_shape(value, values[0].shape, "that of the first operand")
        _require_element(result, value.element, "as its operand")
        _require_shape(result, value.shape[:axis] + value.shape[axis + 1 :], "the operand's without the axis")
    _verify_combiner(op, values)


def _verify_scan(op: ir.Operation) -> None:
    values, found = _operands(op), _results(op)
    require(bool(values), "expects at least 1 operands, but has 0")
    _require_axis(op, values[0])
    require(
        len(found) == len(values), f"must have one result for each of the {len(values)} operands, but has {len(found)}"
    )
    for value, result in zip(values, found, strict=True):
        _require_shape(value, values[0].shape, "that of the first operand")
        require(result.type == value.type, f"{result.what} must be {value.type} as its operand, but is {result.type}")
    _verify_combiner(op, values)


def _verify_dot(op: ir.Operation) -> None:
    (a, b, acc), (result,) = _operands(op), _results(op)
    for value in (a, b, acc):
        require(len(value.shape) == 2, f"{value.what} must have rank 2, but is {value.type}")
    _require_shape(b, (a.shape[1], b.shape[1]), "rows as the columns of operand 'a'")
    _require_shape(acc, (a.shape[0], b.shape[1]), "that of the product")
    require(result.type == acc.type, f"{result.what} must be {acc.type} as operand 'acc', but is {result.type}")
    both_f8 = isinstance(a.element, ir.FloatType) and a.element.width == 8 == b.element.width
    if not both_f8:
        _require_element(b, a.element, "those of operand 'a'")
    allowed = _accumulators(a.element)
    if str(acc.element) not in allowed:
        raise VerificationError(
            f"{acc.what} must have elements {' or '.join(allowed)} for a product of {a.element}, but is {acc.type}"
        )
    precision = value_of(op, "precision")
    require(precision in PRECISIONS, f"attribute 'precision' must be one of {', '.join(PRECISIONS)}, not '{precision}'")


def _accumulators(element: ir.Type) -> tuple[str, ...]:
    if isinstance(element, ir.FloatType):
        if element.width == 64:
            return ("f64",)
        return ("f32", "f16") if str(element) == "f16" or element.width == 8 else ("f32",)
    return ("i32",) if element.width == 8 else ()


def _verify_gather(op: ir.Operation) -> None:
    (source, index), (result,) = _operands(op), _results(op)
    axis = _require_axis(op, source)
    _require_integer(index, (32, 64))
    expected = (*source.shape[:axis], *index.shape[axis : axis + 1], *source.shape[axis + 1 :])
    _require_shape(index, expected, "that of the source but along the axis")
    _require_element(result, source.element, "as the source")
    _require_shape(result, index.shape, "that of the indices")


def _verify_print(op: ir.Operation) -> None:
    values = _operands(op)
    flags = value_of(op, "unsigned", ())
    require(
        not flags or len(flags) == len(values),
        f"attribute 'unsigned' must have {len(values)} values, one for each operand, but has {len(flags)}",
    )


def _verify_assert(op: ir.Operation) -> None:
    _require_integer(_operands(op)[0], (1,))


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "tile_program_id",
    family="tile",
    attributes={"axis": Attr.I64},
    doc="""Which program of the grid this is.

```mlir
%id = "astra.tile_program_id"() {axis = 0 : i64} : () -> i32
```

`axis` is 0, 1 or 2; a grid has three dimensions, the last of size 1 where they are not used.
""",
    verify=_verify_program,
)
define(
    "tile_num_programs",
    family="tile",
    attributes={"axis": Attr.I64},
    doc="""How many programs the grid has along an axis.

```mlir
%count = "astra.tile_num_programs"() {axis = 0 : i64} : () -> i32
```

`axis` is 0, 1 or 2.
""",
    verify=_verify_program,
)
define(
    "tile_arange",
    family="tile",
    attributes={"start": Attr.I64},
    doc="""The numbers from `start` on, one for each element of a tile of rank 1.

```mlir
%lanes = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<128xi32>
```
""",
    verify=_verify_arange,
)
define(
    "tile_reshape",
    family="tile",
    operands=("operand",),
    doc="""The same elements in row-major order in another shape.

```mlir
%column = "astra.tile_reshape"(%row) : (tensor<128xi32>) -> tensor<128x1xi32>
```
""",
    verify=_verify_reshape,
)
define(
    "tile_transpose",
    family="tile",
    operands=("operand",),
    attributes={"permutation": Attr.I64_ARRAY},
    doc="""Reorder the dimensions of a tile.

```mlir
%result = "astra.tile_transpose"(%operand) {permutation = array<i64: 1, 0>} : (tensor<16x32xf32>) -> tensor<32x16xf32>
```

Dimension `i` of the result is dimension `permutation[i]` of the operand.
""",
    verify=_verify_transpose,
)
define(
    "tile_broadcast",
    family="tile",
    operands=("operand",),
    doc="""Repeat a tile along its dimensions of size 1.

```mlir
%result = "astra.tile_broadcast"(%operand) : (tensor<16x1xf32>) -> tensor<16x32xf32>
```

The rank stays; a scalar becomes a tile by `tensor.splat`.
""",
    verify=_verify_broadcast,
)
define(
    "tile_join",
    family="tile",
    operands=("lhs", "rhs"),
    doc="""Two tiles side by side along a new last dimension.

```mlir
%result = "astra.tile_join"(%a, %b) : (tensor<16xf32>, tensor<16xf32>) -> tensor<16x2xf32>
```
""",
    verify=_verify_join,
)
define(
    "tile_split",
    family="tile",
    operands=("operand",),
    results=("lhs", "rhs"),
    doc="""Take a last dimension of 2 apart: the inverse of `astra.tile_join`.

```mlir
%a, %b = "astra.tile_split"(%operand) : (tensor<16x2xf32>) -> (tensor<16xf32>, tensor<16xf32>)
```
""",
    verify=_verify_split,
)
define(
    "tile_load",
    family="tile",
    operands=("pointer", "offsets", "*mask_and_other"),
    optional_attributes={"cache": Attr.STRING, "eviction": Attr.STRING, "volatile": Attr.BOOL},
    pure=False,
    doc="""Read the elements of a pointer at offsets.

```mlir
%result = "astra.tile_load"(%pointer, %offsets, %mask, %other)
    : (memref<?xf32>, tensor<128xi32>, tensor<128xi1>, tensor<128xf32>) -> tensor<128xf32>
```

Offsets are in elements, i32 or i64; result, mask and other are tiles of their shape, or all are scalars. Where the mask
is false nothing is read and the result is `other`, without it 0. `cache` (ca, cg, cv, cs, wb, wt), `eviction`
(evict_first, evict_last) and `volatile` are hints to GPUs.
""",
    verify=_verify_load,
)
define(
    "tile_store",
    family="tile",
    operands=("pointer", "offsets", "value", "*mask"),
    results=(),
    optional_attributes={"cache": Attr.STRING, "eviction": Attr.STRING},
    pure=False,
    doc="""Write the elements of a tile, or a scalar, at offsets of a pointer.

```mlir
"astra.tile_store"(%pointer, %offsets, %value, %mask)
    : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>, tensor<128xi1>) -> ()
```

Nothing is written where the mask is false. Which of two elements at one offset stays is not defined. `cache` and
`eviction` as for `astra.tile_load`.
""",
    verify=_verify_store,
)
define(
    "tile_atomic",
    family="tile",
    operands=("pointer", "offsets", "value", "*mask"),
    attributes={"kind": Attr.STRING},
    optional_attributes={"ordering": Attr.STRING, "scope": Attr.STRING},
    pure=False,
    doc="""Combine what is at offsets of a pointer with values, each element atomically; the result is what was there.

```mlir
%old = "astra.tile_atomic"(%pointer, %offsets, %value, %mask) {kind = "fadd"}
    : (memref<?xf32>, tensor<128xi32>, tensor<128xf32>, tensor<128xi1>) -> tensor<128xf32>
```

`kind` is add, min, max (signed), umin, umax, and, or, xor of integers, fadd, fmin, fmax of floats, or exchange.
`ordering` (relaxed, acquire, release, acq_rel, which is the default) and `scope` (cta, gpu, which is the default, sys)
say what is ordered with it. Where the mask is false memory is not touched and the result is not defined.
""",
    verify=_verify_atomic,
)
define(
    "tile_atomic_cas",
    family="tile",
    operands=("pointer", "offsets", "compare", "value"),
    optional_attributes={"ordering": Attr.STRING, "scope": Attr.STRING},
    pure=False,
    doc="""Replace what is at offsets of a pointer where it equals `compare`; the result is what was there.

```mlir
%old = "astra.tile_atomic_cas"(%pointer, %offset, %expected, %new) : (memref<?xi32>, i32, i32, i32) -> i32
```

Each element is compared bit by bit and replaced atomically. `ordering` and `scope` as for `astra.tile_atomic`.
""",
    verify=_verify_atomic_cas,
)
define(
    "tile_block_load",
    family="tile",
    operands=("pointer", "*sizes_strides_indices"),
    attributes={"rank": Attr.I64},
    pure=False,
    doc="""Read a block of a strided array: what the copy engine of a GPU does by a tensor descriptor.

```mlir
%result = "astra.tile_block_load"(%pointer, %rows, %columns, %row_stride, %one, %i, %j) {rank = 2 : i64}
    : (memref<?xf32>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf32>
```

`rank` sizes and strides (in elements; the last stride is 1) describe the array at the pointer, `rank` indices the first
element of the block, whose shape is that of the result. What is outside of the array reads as 0.
""",
    verify=_verify_block_load,
)
define(
    "tile_block_store",
    family="tile",
    operands=("value", "pointer", "*sizes_strides_indices"),
    results=(),
    attributes={"rank": Attr.I64},
    pure=False,
    doc="""Write a block of a strided array; what is outside of the array is not written.

```mlir
"astra.tile_block_store"(%value, %pointer, %rows, %columns, %row_stride, %one, %i, %j) {rank = 2 : i64}
    : (tensor<64x32xf32>, memref<?xf32>, i64, i64, i64, i64, i32, i32) -> ()
```

`rank`, sizes, strides and indices are those of `astra.tile_block_load`.
""",
    verify=_verify_block_store,
)
define(
    "tile_reduce",
    family="tile",
    operands=("*operands",),
    results=("*results",),
    attributes={"axis": Attr.I64},
    regions=1,
    doc="""Combine the elements along an axis by a region on scalars.

```mlir
%sum = "astra.tile_reduce"(%operand) ({
^bb0(%lhs: f32, %rhs: f32):
  %0 = arith.addf %lhs, %rhs : f32
  "astra.yield"(%0) : (f32) -> ()
}) {axis = 1 : i64} : (tensor<16x128xf32>) -> tensor<16xf32>
```

The region takes the left elements of all operands, then the right ones, and yields the combined ones. The results lack
`axis`; they are scalars if it was the only dimension. The tree is fixed: while n > 1 are left, element i is combined
with element i + n/2 for all i < n/2, the former on the left.
""",
    verify=_verify_reduce,
)
define(
    "tile_scan",
    family="tile",
    operands=("*operands",),
    results=("*results",),
    attributes={"axis": Attr.I64, "reverse": Attr.BOOL},
    regions=1,
    doc="""Combine each element along an axis with all before it by a region on scalars: an inclusive scan.

```mlir
%sums = "astra.tile_scan"(%operand) ({
^bb0(%lhs: f32, %rhs: f32):
  %0 = arith.addf %lhs, %rhs : f32
  "astra.yield"(%0) : (f32) -> ()
}) {axis = 0 : i64, reverse = false} : (tensor<128xf32>) -> tensor<128xf32>
```

The region is that of `astra.tile_reduce`. With `reverse` the scan begins at the last element. The tree is fixed: for
d = 1, 2, 4, ... element i becomes element i - d combined with element i, for all i >= d at once (Hillis and Steele).
""",
    verify=_verify_scan,
)
define(
    "tile_dot",
    family="tile",
    operands=("a", "b", "acc"),
    attributes={"precision": Attr.STRING},
    doc="""A matrix product of two tiles, added to an accumulator.

```mlir
%result = "astra.tile_dot"(%a, %b, %acc) {precision = "tf32"}
    : (tensor<64x32xf32>, tensor<32x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
```

Elements of f64 accumulate in f64, of f32 and bf16 in f32, of f16 and f8 in f32 or f16, of i8 in i32. `precision` is for
f32: ieee (all bits), tf32 (the tensor cores' 10 bits of mantissa), 3xtf32 (three products that give nearly all bits);
the CPU computes all three with all bits.
""",
    verify=_verify_dot,
)
define(
    "tile_gather",
    family="tile",
    operands=("source", "index"),
    attributes={"axis": Attr.I64},
    doc="""Pick elements of a tile along an axis.

```mlir
%result = "astra.tile_gather"(%source, %index) {axis = 0 : i64} : (tensor<64xf32>, tensor<16xi32>) -> tensor<16xf32>
```

The indices have the source's shape but along `axis`; the result has theirs. An index out of range is undefined.
""",
    verify=_verify_gather,
)
define(
    "tile_print",
    family="tile",
    operands=("*values",),
    results=(),
    attributes={"prefix": Attr.STRING},
    optional_attributes={"unsigned": Attr.BOOL_ARRAY},
    pure=False,
    doc="""Print scalars or tiles, for debugging.

```mlir
"astra.tile_print"(%x) {prefix = "x: "} : (tensor<16xf32>) -> ()
```

A line for each element, with the program's ids, the element's indices, `prefix` and the value. `unsigned` tells which
operands are unsigned integers.
""",
    verify=_verify_print,
)
define(
    "tile_assert",
    family="tile",
    operands=("condition",),
    results=(),
    attributes={"message": Attr.STRING},
    pure=False,
    doc="""Stop the program with `message` unless a condition holds for all elements.

```mlir
"astra.tile_assert"(%condition) {message = "index out of range"} : (tensor<16xi1>) -> ()
```
""",
    verify=_verify_assert,
)
