"""The functions of the kernel language that are operations of tile functions: what ``import astra_mlir.language as al``
gives beside the types and ``standard.py``.

Each takes and returns values of ``values.py``; typing rules are ``semantic.py``'s, operations ``dialects/tile.py``'s.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.language import semantic
from astra_mlir.language.types import DType, float32, float64, int1, int32, int64, uint32, uint64
from astra_mlir.language.values import Pointer, Value, builder, type_of

__all__ = [
    "Descriptor", "arange", "associative_scan", "atomic_add", "atomic_and", "atomic_cas", "atomic_max", "atomic_min",
    "atomic_or", "atomic_xchg", "atomic_xor", "broadcast", "broadcast_to", "cast", "constexpr", "device_assert",
    "device_print", "dot", "expand_dims", "fma", "full", "gather", "join", "load", "make_tensor_descriptor", "maximum",
    "minimum", "multiple_of", "num_programs", "permute", "program_id", "range", "reduce", "reshape", "split",
    "static_assert", "static_print", "static_range", "store", "trans", "umulhi", "view", "where",
]  # fmt: skip


class constexpr:
    """Marks a parameter whose value is known when the kernel is compiled: ``BLOCK: al.constexpr``."""

    def __new__(cls, value: Any) -> Any:
        return value


class range:
    """``al.range(a, b, step, num_stages=3)``: a loop with a hint of how many iterations are in flight on a GPU."""

    def __init__(
        self,
        first: Any,
        second: Any = None,
        step: Any = 1,
        *,
        num_stages: int | None = None,
        unroll: int | None = None,
        warp_specialize: bool = False,
    ) -> None:
        self.start, self.stop = (0, first) if second is None else (first, second)
        self.step = step
        hints = {"num_stages": num_stages, "unroll": unroll, "warp_specialize": int(warp_specialize)}
        self.attributes = {f"astra.{name}": value for name, value in hints.items() if value}


class static_range:
    """``al.static_range(n)``: the loop's body once for each number, which is a constant in it."""

    def __init__(self, *bounds: int) -> None:
        self.numbers = builtins.range(*bounds)


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise TypeError(f"axis {axis} is not one of the {rank} dimensions")
    return axis % rank


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    result = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    for size in result:
        if not isinstance(size, int) or size <= 0 or size & (size - 1):
            raise TypeError(f"sizes of tiles are powers of two known at compile time, not {size!r}")
    return result


def _value(dtype: DType, shape: Sequence[int], op: ir.Operation) -> Value:
    return Value(op.result, dtype, shape)


# --- the grid and ranges -----------------------------------------------------------------------------------------


def program_id(axis: int = 0) -> Value:
    """Which program of the grid this is along an axis (0, 1 or 2): i32."""
    return _value(int32, (), builder().tile("program_id", (), (type_of(int32, ()),), axis=axis))


def num_programs(axis: int = 0) -> Value:
    """How many programs the grid has along an axis: i32."""
    return _value(int32, (), builder().tile("num_programs", (), (type_of(int32, ()),), axis=axis))


def arange(start: int, end: int) -> Value:
    """The numbers from ``start`` to before ``end``, a power of two of them: i32."""
    if not isinstance(start, int) or not isinstance(end, int):
        raise TypeError("the bounds of arange are known at compile time: declare them al.constexpr")
    (size,) = _shape((end - start,))
    return _value(int32, (size,), builder().tile("arange", (), (type_of(int32, (size,)),), start=start))


def full(shape: Sequence[int], value: Any, dtype: DType) -> Value:
    """A tile of one number."""
    return semantic.full(_shape(shape), value, dtype)


# --- shapes ------------------------------------------------------------------------------------------------------


def reshape(value: Value, *shape: Any) -> Value:
    """The same elements, row by row, in another shape."""
    return semantic.reshape(value, _shape(shape[0] if len(shape) == 1 else shape))


view = reshape


def broadcast_to(value: Any, *shape: Any) -> Value:
    """A scalar or tile repeated to a larger shape."""
    return semantic.broadcast_to(semantic.to_value(value), _shape(shape[0] if len(shape) == 1 else shape))


def broadcast(lhs: Any, rhs: Any) -> tuple[Value, Value]:
    """Two values in the shape that both can be broadcast to."""
    a, b = semantic.to_value(lhs), semantic.to_value(rhs)
    shape = semantic.common_shape(a.shape, b.shape)
    return semantic.broadcast_to(a, shape), semantic.broadcast_to(b, shape)


def expand_dims(value: Value, axis: int) -> Value:
    """A new dimension of size 1."""
    position = _axis(axis, len(value.shape) + 1)
    return semantic.reshape(value, (*value.shape[:position], 1, *value.shape[position:]))


def trans(value: Value, *permutation: Any) -> Value:
    """The dimensions reordered; without a permutation the last two are exchanged."""
    if not permutation:
        order = list(builtins.range(len(value.shape)))
        order[-2:] = order[:-3:-1]
        return semantic.transpose(value, order)
    return semantic.transpose(value, permutation[0] if isinstance(permutation[0], tuple | list) else permutation)


permute = trans


def join(lhs: Value, rhs: Value) -> Value:
    """Two tiles along a new last dimension of 2."""
    a, b = semantic.common(lhs, rhs)
    shape = (*a.shape, 2)
    if not a.shape:
        a, b, shape = semantic.reshape(a, (1,)), semantic.reshape(b, (1,)), (1, 2)
    return _value(a.dtype, shape, builder().tile("join", (a.handle, b.handle), (type_of(a.dtype, shape),)))


def split(value: Value) -> tuple[Value, Value]:
    """The two halves along a last dimension of 2."""
    kind = type_of(value.dtype, value.shape[:-1])
    op = builder().tile("split", (value.handle,), (kind, kind))
    return tuple(Value(result, value.dtype, value.shape[:-1]) for result in op.results)  # type: ignore[return-value]


def gather(source: Value, index: Value, axis: int) -> Value:
    """Elements of a tile picked along an axis by the numbers in ``index``."""
    op = builder().tile(
        "gather",
        (source.handle, index.handle),
        (type_of(source.dtype, index.shape),),
        axis=_axis(axis, len(source.shape)),
    )
    return _value(source.dtype, index.shape, op)


def cast(value: Any, dtype: DType, bitcast: bool = False) -> Value:
    """The elements converted, or with ``bitcast`` their bits taken as another type."""
    return semantic.bitcast(value, dtype) if bitcast else semantic.cast(value, dtype)


def multiple_of(value: Any, values: Any) -> Any:
    """A promise, which is not needed here: the value itself."""
    del values
    return value


max_contiguous = max_constancy = assume = multiple_of


# --- memory ------------------------------------------------------------------------------------------------------


def _mask(mask: Any, shape: Sequence[int]) -> list[ir.Value]:
    if mask is None:
        return []
    value = semantic.cast(mask, int1) if isinstance(mask, Value) else semantic.constant(bool(mask), int1)
    return [semantic.broadcast_to(value, shape).handle]


def _access(pointer: Any, *others: Any) -> tuple[Value, tuple[int, ...]]:
    """The offsets of an access in the shape of all that take part."""
    if not isinstance(pointer, Pointer):
        raise TypeError(f"expected a pointer, but this is {pointer!r}")
    shapes = [other.shape for other in others if isinstance(other, Value)]
    shape = semantic.common_shape(pointer.shape, *shapes)
    if pointer.tile is None and shape:
        raise TypeError(f"{pointer} is one pointer, but its mask or value is a tile of {shape}: add offsets to it")
    return semantic.offsets_of(pointer, shape), shape


def load(
    pointer: Any,
    mask: Any = None,
    other: Any = None,
    *,
    cache_modifier: str = "",
    eviction_policy: str = "",
    volatile: bool = False,
    **hints: Any,
) -> Value:
    """The elements behind a pointer; where ``mask`` is false ``other`` (0), without touching memory."""
    del hints
    offsets, shape = _access(pointer, mask, other)
    stored = pointer.element.stored
    operands = [pointer.base, offsets.handle, *_mask(mask, shape)]
    if other is not None and mask is not None:
        operands.append(semantic.broadcast_to(semantic.cast(other, stored), shape).handle)
    op = builder().tile(
        "load", operands, (type_of(stored, shape),), cache=cache_modifier.strip(".") or None,
        eviction=eviction_policy or None, volatile=volatile or None,
    )  # fmt: skip
    return semantic.cast(_value(stored, shape, op), pointer.element)


def store(
    pointer: Any, value: Any, mask: Any = None, *, cache_modifier: str = "", eviction_policy: str = "", **hints: Any
) -> None:
    """Write elements behind a pointer where ``mask`` is true, converted to its type."""
    del hints
    offsets, shape = _access(pointer, mask, value)
    element = pointer.element
    number = semantic.cast(semantic.cast(value, element) if element.kind == "b" else value, element.stored)
    operands = [pointer.base, offsets.handle, semantic.broadcast_to(number, shape).handle, *_mask(mask, shape)]
    builder().tile(
        "store", operands, (), cache=cache_modifier.strip(".") or None, eviction=eviction_policy or None
    )  # fmt: skip


def _atomic(kinds: dict[str, str]) -> Callable[..., Value]:
    def atomic(pointer: Any, value: Any, mask: Any = None, sem: str | None = None, scope: str | None = None) -> Value:
        offsets, shape = _access(pointer, mask, value)
        dtype = pointer.element
        if dtype.kind not in kinds:
            raise TypeError(f"there is no such atomic operation on {dtype}")
        number = semantic.broadcast_to(semantic.cast(value, dtype), shape)
        op = builder().tile(
            "atomic", [pointer.base, offsets.handle, number.handle, *_mask(mask, shape)], (number.handle.type,),
            kind=kinds[dtype.kind], ordering=sem, scope=scope,
        )  # fmt: skip
        return _value(dtype, shape, op)

    return atomic


def _named(name: str, kinds: dict[str, str], doc: str) -> Callable[..., Value]:
    function = _atomic(kinds)
    function.__name__ = name
    function.__doc__ = doc
    return function


_OLD = "What is behind the pointer is combined with ``value``, each element atomically; what was there is returned."
_BITS = ("and", "or", "xor")
atomic_add = _named("atomic_add", {"f": "fadd", "i": "add", "u": "add"}, f"Add. {_OLD}")
atomic_max = _named("atomic_max", {"f": "fmax", "i": "max", "u": "umax"}, f"The larger. {_OLD}")
atomic_min = _named("atomic_min", {"f": "fmin", "i": "min", "u": "umin"}, f"The smaller. {_OLD}")
atomic_xchg = _named("atomic_xchg", dict.fromkeys("fiu", "exchange"), f"Replace. {_OLD}")
atomic_and, atomic_or, atomic_xor = (
    _named(f"atomic_{name}", dict.fromkeys("iu", name), f"Bits: {name}. {_OLD}") for name in _BITS
)


def atomic_cas(pointer: Any, cmp: Any, val: Any, sem: str | None = None, scope: str | None = None) -> Value:
    """Replace what is behind the pointer where it equals ``cmp``; what was there."""
    offsets, shape = _access(pointer, cmp, val)
    dtype = pointer.element
    compare, value = (semantic.broadcast_to(semantic.cast(x, dtype), shape) for x in (cmp, val))
    op = builder().tile(
        "atomic_cas", (pointer.base, offsets.handle, compare.handle, value.handle), (value.handle.type,),
        ordering=sem, scope=scope,
    )  # fmt: skip
    return _value(dtype, shape, op)


class Descriptor:
    """An array in memory and the shape of the blocks that are read and written: see :func:`make_tensor_descriptor`."""

    def __init__(self, base: Pointer, shape: Sequence[Any], strides: Sequence[Any], block_shape: Sequence[int]) -> None:
        if base.tile is not None:
            raise TypeError("a descriptor's base is one pointer, not a tile of them")
        if not (isinstance(base.scalar, int) and base.scalar == 0):
            raise TypeError("a descriptor's base is the pointer argument itself: describe the whole array")
        if not len(shape) == len(strides) == len(block_shape):
            raise TypeError("a descriptor has as many sizes as strides and sizes of its block")
        last = strides[-1]
        if isinstance(last, int) and last != 1:
            raise TypeError(f"a descriptor's last stride is 1, not {last}")
        self.base = base
        self.dtype = base.element
        self.block_shape = _shape(block_shape)
        self.sizes = [semantic.cast(size, int64) for size in shape]
        self.strides = [semantic.cast(stride, int64) for stride in strides]

    def _numbers(self, offsets: Sequence[Any]) -> list[ir.Value]:
        if len(offsets) != len(self.block_shape):
            raise TypeError(f"the descriptor's blocks have {len(self.block_shape)} dimensions, not {len(offsets)}")
        indices = [semantic.cast(offset, int32) for offset in offsets]
        return [value.handle for value in (*self.sizes, *self.strides, *indices)]

    def load(self, offsets: Sequence[Any]) -> Value:
        """The block whose first element is at ``offsets``; what is outside of the array is 0."""
        stored = self.dtype.stored
        op = builder().tile(
            "block_load", [self.base.base, *self._numbers(offsets)], (type_of(stored, self.block_shape),),
            rank=len(self.block_shape),
        )  # fmt: skip
        return semantic.cast(_value(stored, self.block_shape, op), self.dtype)

    def store(self, offsets: Sequence[Any], value: Value) -> None:
        """Write a block; what would be outside of the array is not written."""
        block = semantic.broadcast_to(
            semantic.cast(semantic.cast(value, self.dtype), self.dtype.stored), self.block_shape
        )
        builder().tile(
            "block_store", [block.handle, self.base.base, *self._numbers(offsets)], (), rank=len(self.block_shape)
        )


def make_tensor_descriptor(
    base: Pointer, shape: Sequence[Any], strides: Sequence[Any], block_shape: Sequence[int]
) -> Descriptor:
    """A descriptor of the array of ``shape`` at ``base``; its ``load([i, j])`` and ``store([i, j], x)`` move blocks."""
    return Descriptor(base, shape, strides, block_shape)


# --- computing ---------------------------------------------------------------------------------------------------


def where(condition: Any, x: Any, y: Any) -> Any:
    """Elements of ``x`` where the condition holds, else of ``y``."""
    return semantic.select(condition, x, y)


def maximum(x: Any, y: Any) -> Value:
    """The larger, element by element; a NaN loses."""
    return semantic.binary("maximum", x, y)  # type: ignore[no-any-return]


def minimum(x: Any, y: Any) -> Value:
    """The smaller, element by element; a NaN loses."""
    return semantic.binary("minimum", x, y)  # type: ignore[no-any-return]


def fma(x: Any, y: Any, z: Any) -> Value:
    """``x * y + z``, rounded once."""
    return semantic.elementwise("math.fma", x, y, z)


def umulhi(x: Any, y: Any) -> Value:
    """The upper half of the product of unsigned integers of 32 bits."""
    a, b = semantic.common(x, y)
    wide = semantic.binary("mul", *(semantic.cast(semantic.bitcast(v, uint32), uint64) for v in (a, b)))
    return semantic.cast(semantic.cast(semantic.binary("rshift", wide, 32), uint32), a.dtype)


def dot(
    a: Value,
    b: Value,
    acc: Value | None = None,
    input_precision: str | None = None,
    *,
    allow_tf32: bool | None = None,
    out_dtype: DType | None = None,
) -> Value:
    """The matrix product of two tiles, plus ``acc``.

    f16, bf16, f8 and f32 accumulate in f32 (f16 in f16 where ``out_dtype`` says so), f64 in f64, i8 in i32.
    ``input_precision`` of f32 is "tf32" (the default), "3xtf32" or "ieee".
    """
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[1] != b.shape[0]:
        raise TypeError(f"dot takes matrices that fit together, not {a} and {b}")
    if a.dtype != b.dtype and not (a.dtype.is_float and a.dtype.width == 8 == b.dtype.width and b.dtype.is_float):
        raise TypeError(f"dot takes matrices of one element type, not {a} and {b}")
    if a.dtype.is_integer and a.dtype.name != "int8":
        raise TypeError(f"dot takes floats or int8, not {a}")
    natural = int32 if a.dtype.is_integer else float64 if a.dtype.width == 64 else float32
    dtype = acc.dtype if acc is not None else out_dtype or natural
    shape = (a.shape[0], b.shape[1])
    start = semantic.constant(0, dtype, shape) if acc is None else semantic.broadcast_to(acc, shape)
    precision = input_precision or ("ieee" if allow_tf32 is False else "tf32")
    op = builder().tile("dot", (a.handle, b.handle, start.handle), (start.handle.type,), precision=precision)
    return _value(dtype, shape, op)


def _combine_region(op: ir.Operation, values: Sequence[Value], combine: Any) -> None:
    from astra_mlir.language.frontend import call

    kinds = [type_of(value.dtype, ()) for value in values] * 2
    block = op.regions[0].blocks.append(*kinds, arg_locs=[builder().loc] * len(kinds))
    dtypes = [value.dtype for value in values] * 2
    arguments = [Value(argument, dtype) for argument, dtype in zip(block.arguments, dtypes, strict=True)]
    with builder().at(block):
        found = call(combine, arguments, {})
        found = found if isinstance(found, tuple) else (found,)
        if len(found) != len(values):
            raise TypeError(f"the combining function must return {len(values)} values, but returns {len(found)}")
        results = [semantic.cast(result, value.dtype) for result, value in zip(found, values, strict=True)]
        if any(result.shape for result in results):
            raise TypeError("the combining function must return scalars")
        builder().op("astra.yield", [result.handle for result in results])


def reduce(input: Any, axis: int | None, combine_fn: Any, keep_dims: bool = False) -> Any:
    """Combine the elements along an axis (all without one) by a function of the left and right ones.

    ``input`` may be a tuple of tiles; then the function takes all left elements, then all right ones.  The tree is
    fixed: element i with element i + n/2, until one is left.
    """
    values = list(input) if isinstance(input, tuple | list) else [input]
    shape = semantic.common_shape(*(value.shape for value in values))
    if not shape:
        raise TypeError(f"{values[0]} is a scalar: there is nothing to reduce")
    values = [semantic.broadcast_to(value, shape) for value in values]
    kept = list(shape)
    if axis is None:
        values = [semantic.reshape(value, (value.numel,)) for value in values]
        kept, position = [1] * len(shape), 0
    else:
        position = _axis(axis, len(shape))
        kept[position] = 1
    rest = [size for i, size in enumerate(values[0].shape) if i != position]
    op = builder().tile("reduce", [v.handle for v in values], [type_of(v.dtype, rest) for v in values], axis=position)
    _combine_region(op, values, combine_fn)
    results = [Value(result, v.dtype, rest) for result, v in zip(op.results, values, strict=True)]
    if keep_dims:
        results = [semantic.reshape(result, kept) for result in results]
    return tuple(results) if isinstance(input, tuple | list) else results[0]


def associative_scan(input: Any, axis: int, combine_fn: Any, reverse: bool = False) -> Any:
    """Each element along an axis combined with all before it (after it with ``reverse``)."""
    values = list(input) if isinstance(input, tuple | list) else [input]
    position = _axis(axis, len(values[0].shape))
    op = builder().tile(
        "scan", [v.handle for v in values], [v.handle.type for v in values], axis=position, reverse=bool(reverse)
    )
    _combine_region(op, values, combine_fn)
    results = [Value(result, v.dtype, v.shape) for result, v in zip(op.results, values, strict=True)]
    return tuple(results) if isinstance(input, tuple | list) else results[0]


# --- debugging ---------------------------------------------------------------------------------------------------


def static_assert(condition: Any, message: str = "") -> None:
    """Refuse to compile the kernel unless a condition on constants holds."""
    if isinstance(condition, Value):
        raise TypeError("static_assert takes what is known at compile time: use device_assert")
    if not condition:
        raise AssertionError(f"static_assert failed{': ' * bool(message)}{message}")


def static_print(*values: Any, sep: str = " ", end: str = "\n") -> None:
    """Print while the kernel is compiled."""
    if not builder().dry:
        print(*values, sep=sep, end=end)


def device_print(prefix: str, *values: Any, hex: bool = False) -> None:
    """Print values while the kernel runs: a line for each element of each program."""
    del hex
    found = [semantic.to_value(value) for value in values]
    builder().tile(
        "print", [v.handle for v in found], (), prefix=prefix, unsigned=[v.dtype.kind in "ub" for v in found] or None
    )


def device_assert(condition: Any, message: str = "", mask: Any = None) -> None:
    """The launch raises :class:`KernelError` with the message if a condition does not hold for some element."""
    value = semantic.cast(condition, int1)
    if mask is not None:
        value = semantic.binary("or", value, semantic.invert(semantic.cast(mask, int1)))
    builder().tile("assert", (value.handle,), (), message=message or "device_assert failed")
