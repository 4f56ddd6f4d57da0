"""The typing rules of the kernel language: promotion, signedness, broadcasting, and the operation that each case takes.

Between ``values.py`` and ``core.py``.  A Python number takes the type of the value that it meets (a float makes an
integer ``float32``); two values are promoted by ``types.promoted``.  Integer division and remainder truncate, as in C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.language.types import DType, PointerType, float32, int1, int32, int64, promoted, uint64
from astra_mlir.language.values import Pointer, Value, builder, type_of

__all__ = [
    "binary", "bitcast", "broadcast_to", "cast", "common", "compare", "constant", "elementwise", "full", "index",
    "index_pointer", "invert", "negative", "offsets_of", "power", "reshape", "select", "to_value", "transpose",
]  # fmt: skip


# --- making values -----------------------------------------------------------------------------------------------


def natural_type(number: Any) -> DType:
    """The type of a Python number that meets no value."""
    if isinstance(number, bool):
        return int1
    if isinstance(number, int):
        if -(1 << 31) <= number < 1 << 31:
            return int32
        if -(1 << 63) <= number < 1 << 63:
            return int64
        if 0 <= number < 1 << 64:
            return uint64
        raise TypeError(f"the number {number} does not fit into 64 bits")
    if isinstance(number, float):
        return float32
    raise TypeError(f"expected a number or a value of the kernel, but this is {_kind(number)}")


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    return f"a {type(value).__name__} ({value!r})"


def constant(number: Any, dtype: DType, shape: Sequence[int] = ()) -> Value:
    """A number as a scalar or as every element of a tile."""
    kind = type_of(dtype, shape)
    element = type_of(dtype, ())
    if dtype.is_float:
        attribute = ir.FloatAttr.get(element, float(number))
    else:
        bits = int(number) & ((1 << dtype.width) - 1)
        signed = bits - (1 << dtype.width) if bits >> (dtype.width - 1) and dtype.width > 1 else bits
        attribute = ir.IntegerAttr.get(element, signed)
    if shape:
        attribute = ir.DenseElementsAttr.get_splat(kind, attribute)
    return Value(builder().op("arith.constant", (), (kind,), {"value": attribute}).result, dtype, shape)


def full(shape: Sequence[int], value: Any, dtype: DType) -> Value:
    """A tile (a scalar for an empty shape) of one number or scalar value."""
    if isinstance(value, Value):
        scalar = cast(value, dtype)
        if scalar.shape:
            raise TypeError(f"a tile is filled with a scalar, not with {value}")
        return splat(scalar, shape)
    return constant(value, dtype, shape)


def splat(value: Value, shape: Sequence[int]) -> Value:
    if not shape:
        return value
    return Value(
        builder().op("tensor.splat", (value.handle,), (type_of(value.dtype, shape),)).result, value.dtype, shape
    )


def to_value(operand: Any) -> Value:
    """A value of the kernel: itself, or the constant of a Python number in its natural type."""
    if isinstance(operand, Value):
        return operand
    if isinstance(operand, Pointer):
        raise TypeError(f"{operand} cannot be computed with: load it first, or add an integer to it")
    return constant(operand, natural_type(operand))


# --- shapes ------------------------------------------------------------------------------------------------------


def reshape(value: Value, shape: Sequence[int]) -> Value:
    """The same elements in another shape."""
    shape = tuple(int(size) for size in shape)
    size = 1
    for extent in shape:
        size *= extent
    if size != value.numel:
        raise TypeError(f"{value} has {value.numel} elements and cannot be reshaped to {shape}")
    if shape == value.shape:
        return value
    if not value.shape:
        return splat(value, shape)
    return Value(builder().tile("reshape", (value.handle,), (type_of(value.dtype, shape),)).result, value.dtype, shape)


def broadcast_to(value: Value, shape: Sequence[int]) -> Value:
    """A scalar or tile in a larger shape: missing leading dimensions are added, those of size 1 grow."""
    shape = tuple(shape)
    if value.shape == shape:
        return value
    if not value.shape:
        return splat(value, shape)
    if len(value.shape) > len(shape):
        raise TypeError(f"{value} cannot be broadcast to {shape}")
    value = reshape(value, (1,) * (len(shape) - len(value.shape)) + value.shape)
    if any(size not in (1, wanted) for size, wanted in zip(value.shape, shape, strict=True)):
        raise TypeError(f"{value} cannot be broadcast to {shape}")
    if value.shape == shape:
        return value
    return Value(
        builder().tile("broadcast", (value.handle,), (type_of(value.dtype, shape),)).result, value.dtype, shape
    )


def common_shape(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that all can be broadcast to."""
    rank = max(map(len, shapes))
    result = [1] * rank
    for shape in shapes:
        for i, size in enumerate(shape, rank - len(shape)):
            if size != 1 and result[i] not in (1, size):
                raise TypeError(f"shapes {', '.join(str(tuple(s)) for s in shapes)} do not fit together")
            result[i] = max(result[i], size)
    return tuple(result)


def transpose(value: Value, permutation: Sequence[int] | None) -> Value:
    """The dimensions reordered; reversed without a permutation."""
    order = list(permutation) if permutation is not None else list(range(len(value.shape)))[::-1]
    if sorted(order) != list(range(len(value.shape))):
        raise TypeError(f"{order} is no order of the dimensions of {value}")
    shape = [value.shape[i] for i in order]
    result = builder().tile("transpose", (value.handle,), (type_of(value.dtype, shape),), permutation=order).result
    return Value(result, value.dtype, shape)


def _indexed_shape(shape: Sequence[int], index: Any) -> tuple[int, ...]:
    index = index if isinstance(index, tuple) else (index,)
    rest = list(shape)
    result = []
    for item in index:
        if item is None:
            result.append(1)
        elif isinstance(item, slice) and item == slice(None) and rest:
            result.append(rest.pop(0))
        else:
            raise TypeError(f"a tile is indexed by None and ':' only, not by {item!r}: address memory through pointers")
    return (*result, *rest)


def index(value: Value, item: Any) -> Value:
    """``x[:, None]``: new dimensions of size 1."""
    return reshape(value, _indexed_shape(value.shape, item))


def index_pointer(pointer: Pointer, item: Any) -> Pointer:
    """``p[:, None]`` of a tile of pointers."""
    if pointer.tile is None:
        raise TypeError(f"a scalar pointer has no elements to index: add offsets to it ({_kind(item)})")
    return Pointer(pointer.base, pointer.element, index(pointer.tile, item), pointer.scalar)


# --- conversions -------------------------------------------------------------------------------------------------


def _unary(name: str, value: Value, dtype: DType, **attributes: ir.Attribute) -> Value:
    return Value(
        builder().op(name, (value.handle,), (type_of(dtype, value.shape),), attributes).result, dtype, value.shape
    )


def cast(value: Any, dtype: DType) -> Value:
    """The elements converted: floats to integers truncate, booleans are 0 and 1."""
    if not isinstance(dtype, DType):
        raise TypeError(f"{value} cannot be converted to {dtype}: give an element type")
    if not isinstance(value, Value):
        return constant(value, dtype)
    source = value.dtype
    if source == dtype:
        return value
    if source.is_float and dtype.is_float:
        if source.width == dtype.width:
            return cast(cast(value, float32), dtype)
        return _unary("arith.extf" if source.width < dtype.width else "arith.truncf", value, dtype)
    if dtype.kind == "b":
        return compare("ne", value, 0)
    if source.is_integer and dtype.is_integer:
        if source.width == dtype.width:
            return Value(value.handle, dtype, value.shape)
        if source.width > dtype.width:
            return _unary("arith.trunci", value, dtype)
        return _unary("arith.extsi" if source.kind == "i" else "arith.extui", value, dtype)
    if source.is_float:
        return _unary("arith.fptoui" if dtype.kind == "u" else "arith.fptosi", value, dtype)
    return _unary("arith.sitofp" if source.kind == "i" else "arith.uitofp", value, dtype)


def bitcast(value: Value, dtype: DType) -> Value:
    """The bits taken as another type of as many bits."""
    if value.dtype.width != dtype.width:
        raise TypeError(f"{value} has elements of {value.dtype.width} bits, which cannot be taken as {dtype}")
    if value.dtype.text == dtype.text:
        return Value(value.handle, dtype, value.shape)
    return _unary("arith.bitcast", value, dtype)


# --- operators ---------------------------------------------------------------------------------------------------

# Operator -> the operation for floats, signed and unsigned integers.
_ARITHMETIC = {
    "add": ("arith.addf", "arith.addi", "arith.addi"),
    "sub": ("arith.subf", "arith.subi", "arith.subi"),
    "mul": ("arith.mulf", "arith.muli", "arith.muli"),
    "truediv": ("arith.divf", None, None),
    "floordiv": (None, "arith.divsi", "arith.divui"),
    "mod": ("arith.remf", "arith.remsi", "arith.remui"),
    "and": (None, "arith.andi", "arith.andi"),
    "or": (None, "arith.ori", "arith.ori"),
    "xor": (None, "arith.xori", "arith.xori"),
    "lshift": (None, "arith.shli", "arith.shli"),
    "rshift": (None, "arith.shrsi", "arith.shrui"),
    "maximum": ("arith.maxnumf", "arith.maxsi", "arith.maxui"),
    "minimum": ("arith.minnumf", "arith.minsi", "arith.minui"),
}
_ON_BOOLEANS = {"and", "or", "xor", "maximum", "minimum"}

# Comparison -> predicate numbers for floats (ordered, but unordered !=), signed and unsigned integers.
_COMPARISONS = {
    "eq": (1, 0, 0), "ne": (13, 1, 1), "lt": (4, 2, 6), "le": (5, 3, 7), "gt": (2, 4, 8), "ge": (3, 5, 9),
}  # fmt: skip
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "and": "&", "or": "|",
          "xor": "^", "lshift": "<<", "rshift": ">>"}  # fmt: skip


def number_type(number: Any, other: DType) -> DType:
    """The type that a Python number takes beside a value."""
    natural = natural_type(number)
    if natural.is_float:
        return other if other.is_float else float32
    if other.kind == "b":
        return natural
    if other.is_float or natural.kind == "b":
        return other
    low, high = (0, 1 << other.width) if other.kind == "u" else (-(1 << (other.width - 1)), 1 << (other.width - 1))
    return other if low <= int(number) < high else promoted(other, natural)


def common(*operands: Any) -> list[Value]:
    """The operands as values of one type and shape."""
    values = [v for v in operands if isinstance(v, Value)]
    for operand in operands:
        if isinstance(operand, Pointer):
            raise TypeError(f"{operand} cannot be computed with: load it first, or add an integer to it")
    if values:
        dtype = values[0].dtype
        for value in values[1:]:
            dtype = promoted(dtype, value.dtype)
        for operand in operands:
            if not isinstance(operand, Value):
                dtype = promoted(dtype, number_type(operand, dtype))
    else:
        dtype = natural_type(operands[0])
        for operand in operands[1:]:
            dtype = promoted(dtype, natural_type(operand))
    shape = common_shape(*(value.shape for value in values)) if values else ()
    return [
        broadcast_to(cast(operand, dtype), shape) if isinstance(operand, Value) else constant(operand, dtype, shape)
        for operand in operands
    ]


def binary(name: str, lhs: Any, rhs: Any) -> Any:
    """An operator on two operands, at least one of them a value or pointer."""
    if isinstance(lhs, Pointer) or isinstance(rhs, Pointer):
        return _pointer_operator(name, lhs, rhs)
    if name in _COMPARISONS:
        return compare(name, lhs, rhs)
    a, b = common(lhs, rhs)
    dtype = a.dtype
    if name == "truediv" and dtype.is_integer:
        dtype = float32
    elif dtype.kind == "b" and name not in _ON_BOOLEANS:
        dtype = int32
    elif dtype.is_float and dtype.width == 8:
        dtype = float32  # arithmetic of 8-bit floats
    a, b = cast(a, dtype), cast(b, dtype)
    operation = _ARITHMETIC[name][{"f": 0, "i": 1, "u": 2, "b": 2}[dtype.kind]]
    if operation is None:
        raise TypeError(f"'{_SIGNS.get(name, name)}' does not take {_show(lhs)} and {_show(rhs)}")
    return Value(builder().op(operation, (a.handle, b.handle), (a.handle.type,)).result, dtype, a.shape)


def _show(operand: Any) -> str:
    return repr(operand)


def compare(name: str, lhs: Any, rhs: Any) -> Value:
    """A comparison: booleans."""
    a, b = common(lhs, rhs)
    if a.dtype.is_float and a.dtype.width == 8:
        a, b = cast(a, float32), cast(b, float32)
    on_floats, signed, unsigned = _COMPARISONS[name]
    predicate = on_floats if a.dtype.is_float else signed if a.dtype.kind == "i" else unsigned
    attribute = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), predicate)
    operation = "arith.cmpf" if a.dtype.is_float else "arith.cmpi"
    result = builder().op(operation, (a.handle, b.handle), (type_of(int1, a.shape),), {"predicate": attribute}).result
    return Value(result, int1, a.shape)


def negative(value: Value) -> Value:
    """``-x``."""
    if value.dtype.is_float:
        if value.dtype.width == 8:
            value = cast(value, float32)
        return _unary("arith.negf", value, value.dtype)
    return binary("sub", 0, value)  # type: ignore[no-any-return]


def invert(value: Value) -> Value:
    """``~x``."""
    if value.dtype.is_float:
        raise TypeError(f"'~' does not take {value}")
    return binary("xor", value, True if value.dtype.kind == "b" else constant(-1, value.dtype))  # type: ignore[no-any-return]


def power(base: Value, exponent: Any) -> Value:
    """``x ** n``: products for a small integer number, else ``math.powf``."""
    if isinstance(exponent, int) and 1 <= exponent <= 8:
        result = base
        for _ in range(exponent - 1):
            result = binary("mul", result, base)
        return result
    return elementwise("math.powf", base, exponent)


def select(condition: Any, x: Any, y: Any) -> Any:
    """``where``: elements of x or of y."""
    if not isinstance(condition, Value):
        return x if condition else y
    if condition.dtype.kind != "b":
        condition = cast(condition, int1)
    a, b = common(x, y)
    shape = common_shape(condition.shape, a.shape)
    a, b, condition = (broadcast_to(value, shape) for value in (a, b, condition))
    result = builder().op("arith.select", (condition.handle, a.handle, b.handle), (a.handle.type,)).result
    return Value(result, a.dtype, shape)


def elementwise(operation: str, *operands: Any) -> Value:
    """An operation of ``math`` (or ``arith``) on floats; integers are converted to f32 first."""
    values = common(*operands)
    dtype = values[0].dtype
    if not dtype.is_float or dtype.width == 8:
        values = [cast(value, float32) for value in values]
    first = values[0]
    result = builder().op(operation, [value.handle for value in values], (first.handle.type,)).result
    return Value(result, first.dtype, first.shape)


# --- pointers ----------------------------------------------------------------------------------------------------


def _pointer_operator(name: str, lhs: Any, rhs: Any) -> Any:
    if name == "add" and isinstance(rhs, Pointer):
        lhs, rhs = rhs, lhs
    if name not in ("add", "sub") or not isinstance(lhs, Pointer) or isinstance(rhs, Pointer | float):
        raise TypeError(f"'{_SIGNS.get(name, name)}' does not take {_show(lhs)} and {_show(rhs)}")
    if isinstance(rhs, Value) and rhs.dtype.is_float:
        raise TypeError(f"a pointer is moved by integers, not by {rhs}")
    if isinstance(rhs, Value) and rhs.shape:
        if lhs.tile is None:
            tile = rhs if name == "add" else negative(rhs)
        else:
            tile = binary(name, lhs.tile, rhs)
        return Pointer(lhs.base, lhs.element, tile, lhs.scalar)
    if isinstance(rhs, int) and isinstance(lhs.scalar, int):
        return Pointer(lhs.base, lhs.element, lhs.tile, lhs.scalar + (rhs if name == "add" else -rhs))
    scalar = rhs if isinstance(lhs.scalar, int) and lhs.scalar == 0 and name == "add" else binary(name, lhs.scalar, rhs)
    return Pointer(lhs.base, lhs.element, lhs.tile, scalar)


def offsets_of(pointer: Pointer, shape: Sequence[int]) -> Value:
    """All offsets of a pointer in one tile (or scalar) of a shape, i32 or i64."""
    offsets: Value | None = pointer.tile
    if not (isinstance(pointer.scalar, int) and pointer.scalar == 0):
        scalar = pointer.scalar if isinstance(pointer.scalar, Value) else to_value(pointer.scalar)
        offsets = scalar if offsets is None else binary("add", offsets, scalar)
    if offsets is None:
        offsets = constant(0, int32)
    if offsets.dtype.width < 32 or offsets.dtype.kind == "b":
        offsets = cast(offsets, int32)
    elif offsets.dtype.name == "uint32":
        offsets = cast(offsets, int64)  # its upper half would be negative
    return broadcast_to(offsets, shape)


def is_pointer_type(dtype: Any) -> bool:
    """Whether a type is that of pointers."""
    return isinstance(dtype, PointerType)


Combine = Callable[..., Any]
