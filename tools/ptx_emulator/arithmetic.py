"""Arithmetic, comparison, logic and conversion (sections 9.7.1 to 9.7.9 of the reference)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tools.ptx_emulator.machine import Cluster, EmulationError, Lanes, Step, dtype_of, instruction
from tools.ptx_emulator.parse import Instruction, Pair

__all__: list[str] = []

_TYPES = frozenset(
    "s8 s16 s32 s64 u8 u16 u32 u64 b8 b16 b32 b64 f16 bf16 f32 f64 pred f16x2 bf16x2 u16x2 s16x2".split()  # noqa: SIM905
)
_PACKED = {"f16x2": "f16", "bf16x2": "bf16", "u16x2": "u16", "s16x2": "s16"}
_ROUNDINGS = ("rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi")


def type_of(this: Instruction) -> str:
    """The type that an instruction works in: its last modifier that is one."""
    for modifier in reversed(this.modifiers):
        if modifier in _TYPES:
            return modifier
    raise EmulationError(f"no type in: {this.text}")


def rounding_of(this: Instruction) -> str:
    """``rn`` where none is given."""
    return next((m for m in this.modifiers if m in _ROUNDINGS), "rn")


def rounded(exact: Any, dtype: Any, mode: str = "rn") -> Any:
    """A value of a wider float type in a narrower one, by a rounding mode."""
    exact = np.asarray(exact)
    near = exact.astype(dtype)
    if mode in ("rn", "rna") or dtype == exact.dtype:
        return near
    back = near.astype(exact.dtype)
    down, up = np.asarray(dtype.type(-np.inf)), np.asarray(dtype.type(np.inf))
    if dtype.name == "bfloat16":
        raise EmulationError("directed rounding to bf16 is not known")
    too_high, too_low = back > exact, back < exact
    if mode == "rm":
        return np.where(too_high, np.nextafter(near, down), near)
    if mode == "rp":
        return np.where(too_low, np.nextafter(near, up), near)
    toward = np.where(exact > 0, too_high, too_low)
    return np.where(toward, np.nextafter(near, dtype.type(0)), near)


def _wide(dtype: Any) -> Any:
    """The type in which results are exact enough to round once: f64 for f32 and narrower, extended for f64."""
    return np.dtype(np.longdouble) if dtype == np.float64 else np.dtype(np.float64)


def _is_float(dtype: Any) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _flush(value: Any, this: Instruction) -> Any:
    if "ftz" in this.modifiers and value.dtype == np.float32:
        return np.where(np.abs(value) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), value), value)
    return value


def _elementwise(this: Instruction, function: Callable[..., Any], count: int) -> Step:
    """Destination and ``count`` sources of one type; floats in a wider one and rounded; packed types by halves."""
    name = type_of(this)
    single = dtype_of(_PACKED.get(name, name))
    mode = rounding_of(this)

    def compute(values: list[Any]) -> Any:
        if _is_float(single):
            wide = _wide(single)
            result = rounded(function(*[_flush(v, this).astype(wide) for v in values]), single, mode)
            if "sat" in this.modifiers:
                result = np.where(np.isnan(result), single.type(0), np.clip(result, single.type(0), single.type(1)))
            return _flush(result.astype(single), this)
        result = function(*values)
        return np.asarray(result).astype(single)

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, *sources = this.operands
        if name in _PACKED:
            values = [np.atleast_1d(block.get(s, lanes, dtype_of("b32"))) for s in sources[:count]]
            low = compute([(v & 0xFFFF).astype(np.uint16).view(single) for v in values])
            high = compute([(v >> 16).astype(np.uint16).view(single) for v in values])
            block.set(
                destination, lanes, low.view(np.uint16).astype(np.uint32) | high.view(np.uint16).astype(np.uint32) << 16
            )
        else:
            block.set(destination, lanes, compute([block.get(s, lanes, single) for s in sources[:count]]))

    return step


def _minimum(nan: bool, less: bool) -> Callable[[Any, Any], Any]:
    def choose(a: Any, b: Any) -> Any:
        if np.asarray(a).dtype.kind != "f":
            return np.minimum(a, b) if less else np.maximum(a, b)
        if nan:
            return np.minimum(a, b) if less else np.maximum(a, b)
        return np.fmin(a, b) if less else np.fmax(a, b)

    return choose


def _divide(a: Any, b: Any) -> Any:
    if np.asarray(a).dtype.kind == "f":
        return a / b
    safe = np.where(b == 0, np.ones_like(b), b)
    quotient = (
        np.abs(a.astype(object)) // np.abs(safe.astype(object))
        if a.dtype.itemsize == 8 and a.dtype.kind == "i"
        else None
    )
    if quotient is not None:
        return np.where((a < 0) ^ (safe < 0), -quotient, quotient)
    if a.dtype.kind == "u":
        return a // safe
    wide = a.astype(np.int64), np.asarray(safe).astype(np.int64)
    result = np.abs(wide[0]) // np.abs(wide[1])
    return np.where((wide[0] < 0) ^ (wide[1] < 0), -result, result)


def _remainder(a: Any, b: Any) -> Any:
    return np.fmod(a, np.where(b == 0, np.ones_like(b), b))


_UNARY: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs, "neg": operator.neg, "sqrt": np.sqrt, "rcp": lambda x: 1 / x, "rsqrt": lambda x: 1 / np.sqrt(x),
    "ex2": np.exp2, "lg2": np.log2, "sin": np.sin, "cos": np.cos, "tanh": np.tanh,
}  # fmt: skip
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "div": _divide, "rem": _remainder,
    "copysign": lambda a, b: np.copysign(b, a),
}  # fmt: skip
_LOGIC: dict[str, Callable[[Any, Any], Any]] = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}


@instruction(*_UNARY)
def _unary(this: Instruction) -> Step:
    return _elementwise(this, _UNARY[this.opcode], 1)


@instruction(*_BINARY)
def _binary(this: Instruction) -> Step:
    if "cc" in this.modifiers:
        return _with_carry(this)
    return _elementwise(this, _BINARY[this.opcode], 2)


@instruction("addc", "subc", "madc")
def _with_carry(this: Instruction) -> Step:
    """Extended precision: the carry goes from one instruction to the next in the thread's condition code."""
    dtype = dtype_of(type_of(this).replace("s", "u"))
    bits = 8 * dtype.itemsize
    takes, gives, subtracts = this.opcode.endswith("c"), "cc" in this.modifiers, this.opcode.startswith("sub")

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, *sources = this.operands
        values = [np.asarray(block.get(s, lanes, dtype)).astype(object) for s in sources]
        if len(values) == 3:
            product = values[0] * values[1]
            values = [product >> bits if "hi" in this.modifiers else product & (1 << bits) - 1, values[2]]
        carry = block.carry[lanes].astype(object) if takes else 0
        total = values[0] - values[1] - carry if subtracts else values[0] + values[1] + carry
        total = np.broadcast_to(total, len(lanes))
        if gives:
            block.carry[lanes] = np.array([int(t) >> bits & 1 for t in total], bool)
        block.set(destination, lanes, np.array([int(t) & (1 << bits) - 1 for t in total], dtype))

    return step


@instruction("min", "max")
def _extreme(this: Instruction) -> Step:
    function = _minimum("NaN" in this.modifiers, this.opcode == "min")
    if len(this.operands) == 4:
        return _elementwise(this, lambda a, b, c: function(function(a, b), c), 3)
    return _elementwise(this, function, 2)


@instruction("mul", "mad", "mul24", "mad24")
def _multiply(this: Instruction) -> Step:
    name = type_of(this)
    if "cc" in this.modifiers:
        if name not in ("s32", "u32", "u64") or (name == "s32" and "hi" in this.modifiers):
            raise EmulationError(f"not known: {this.text}")
        return _with_carry(this)
    if name in _PACKED or _is_float(dtype_of(name)):
        if this.opcode == "mul":
            return _elementwise(this, operator.mul, 2)
        return _elementwise(this, lambda a, b, c: a * b + c, 3)
    dtype = dtype_of(name)
    wide = np.dtype(f"{'int' if dtype.kind == 'i' else 'uint'}{min(64, 16 * dtype.itemsize)}")

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, *sources = this.operands
        a, b = (np.asarray(block.get(s, lanes, dtype)) for s in sources[:2])
        if "hi" in this.modifiers and dtype.itemsize == 8:
            product = np.asarray([int(x) * int(y) >> 64 for x, y in np.broadcast(a, b)]) & np.array(
                (1 << 64) - 1, object
            )
            value = product.astype(np.uint64).view(dtype)
        elif "hi" in this.modifiers:
            value = (a.astype(wide) * b.astype(wide) >> 8 * dtype.itemsize).astype(dtype)
        elif "wide" in this.modifiers:
            value = a.astype(wide) * b.astype(wide)
        else:
            value = a * b
        if this.opcode in ("mad", "mad24"):
            value = value + block.get(sources[2], lanes, value.dtype)
        block.set(destination, lanes, value)

    return step


@instruction("fma")
def _fused(this: Instruction) -> Step:
    if "relu" in this.modifiers:
        return _elementwise(this, lambda a, b, c: np.maximum(a * b + c, 0), 3)
    return _elementwise(this, lambda a, b, c: a * b + c, 3)


@instruction("and", "or", "xor")
def _logic(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, a, b = this.operands
        block.set(destination, lanes, _LOGIC[this.opcode](block.get(a, lanes, dtype), block.get(b, lanes, dtype)))

    return step


@instruction("not", "cnot")
def _not(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def step(block: Cluster, lanes: Lanes) -> None:
        value = block.get(this.operands[1], lanes, dtype)
        block.set(this.operands[0], lanes, ~value if this.opcode == "not" else (value == 0).astype(dtype))

    return step


@instruction("shl", "shr")
def _shift(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))
    bits = 8 * dtype.itemsize

    def step(block: Cluster, lanes: Lanes) -> None:
        value = block.get(this.operands[1], lanes, dtype)
        by = block.get(this.operands[2], lanes, np.dtype(np.uint32))
        inside = np.minimum(by, bits - 1).astype(dtype)
        shifted = value << inside if this.opcode == "shl" else value >> inside
        beyond = (
            np.where(value < 0, -1, 0).astype(dtype) if this.opcode == "shr" and dtype.kind == "i" else dtype.type(0)
        )
        block.set(this.operands[0], lanes, np.where(by >= bits, beyond, shifted).astype(dtype))

    return step


@instruction("shf")
def _funnel(this: Instruction) -> Step:
    left, clamp = "l" in this.modifiers, "clamp" in this.modifiers

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, *sources = this.operands
        low, high, by = (np.asarray(block.get(s, lanes, np.dtype(np.uint32))).astype(np.uint64) for s in sources)
        by = np.minimum(by, np.uint64(32)) if clamp else by & np.uint64(31)
        both = high << np.uint64(32) | low
        value = (both << by) >> np.uint64(32) if left else both >> by
        if left and clamp:
            value = np.where(by == 32, low, value)
        block.set(destination, lanes, (value & np.uint64(0xFFFFFFFF)).astype(np.uint32))

    return step


@instruction("lop3")
def _lookup(this: Instruction) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        destination, a, b, c, table = this.operands
        x, y, z = (np.asarray(block.get(s, lanes, np.dtype(np.uint32))) for s in (a, b, c))
        truth = int(block.get(table, lanes, np.dtype(np.uint32)))
        result = np.zeros(len(lanes), np.uint32)
        for row in range(8):
            if truth >> row & 1:
                result |= (x if row & 4 else ~x) & (y if row & 2 else ~y) & (z if row & 1 else ~z)
        block.set(destination, lanes, result)

    return step


@instruction("prmt")
def _permute(this: Instruction) -> Step:
    if len(this.modifiers) > 1:
        raise EmulationError(f"only the default mode of prmt is known: {this.text}")

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, a, b, selector = this.operands
        x, y, s = (
            np.broadcast_to(block.get(o, lanes, np.dtype(np.uint32)), len(lanes)).astype(np.uint64)
            for o in (a, b, selector)
        )
        both = y << np.uint64(32) | x
        result = np.zeros(len(lanes), np.uint64)
        for i in range(4):
            choice = s >> np.uint64(4 * i) & np.uint64(15)
            byte = both >> (choice & np.uint64(7)) * np.uint64(8) & np.uint64(0xFF)
            byte = np.where(
                choice & np.uint64(8), np.where(byte & np.uint64(0x80), np.uint64(0xFF), np.uint64(0)), byte
            )
            result |= byte << np.uint64(8 * i)
        block.set(destination, lanes, result.astype(np.uint32))

    return step


def _counted(function: Callable[[int, int], int]) -> Callable[[Instruction], Step]:
    def make(this: Instruction) -> Step:
        dtype = dtype_of(type_of(this))

        def step(block: Cluster, lanes: Lanes) -> None:
            values = np.broadcast_to(
                block.get(this.operands[1], lanes, np.dtype(f"uint{8 * dtype.itemsize}")), len(lanes)
            )
            block.set(
                this.operands[0], lanes, np.array([function(int(v), 8 * dtype.itemsize) for v in values], np.uint32)
            )

        return step

    return make


instruction("popc")(_counted(lambda value, _: value.bit_count()))
instruction("clz")(_counted(lambda value, bits: bits - value.bit_length()))


@instruction("brev")
def _reverse(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def step(block: Cluster, lanes: Lanes) -> None:
        bits = 8 * dtype.itemsize
        values = np.broadcast_to(block.get(this.operands[1], lanes, dtype), len(lanes))
        block.set(this.operands[0], lanes, np.array([int(f"{int(v):0{bits}b}"[::-1], 2) for v in values], dtype))

    return step


@instruction("bfind")
def _find(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def found(value: int) -> int:
        value = ~value if value < 0 else value
        return value.bit_length() - 1 & 0xFFFFFFFF

    def step(block: Cluster, lanes: Lanes) -> None:
        values = np.broadcast_to(block.get(this.operands[1], lanes, dtype), len(lanes))
        positions = np.array([found(int(v)) for v in values], np.uint32)
        if "shiftamt" in this.modifiers:
            positions = np.where(positions == 0xFFFFFFFF, positions, np.uint32(8 * dtype.itemsize - 1) - positions)
        block.set(this.operands[0], lanes, positions)

    return step


@instruction("bfe")
def _extract(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))
    bits = 8 * dtype.itemsize

    def field(value: int, start: int, length: int) -> int:
        start, length = start & 0xFF, length & 0xFF
        taken = value >> start & (1 << length) - 1
        if dtype.kind == "i" and length and (value >> min(start + length - 1, bits - 1)) & 1:
            taken |= -1 << length
        return taken & (1 << bits) - 1

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, *sources = this.operands
        value, start, length = (
            np.broadcast_to(block.get(s, lanes, t), len(lanes))
            for s, t in zip(sources, (dtype, *[np.dtype(np.uint32)] * 2), strict=True)
        )
        found = [field(int(v), int(s), int(n)) for v, s, n in zip(value, start, length, strict=True)]
        block.set(destination, lanes, np.array(found, f"uint{bits}"))

    return step


@instruction("bfi")
def _insert(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, *sources = this.operands
        types = (dtype, dtype, np.dtype(np.uint32), np.dtype(np.uint32))
        new, old, start, length = (
            np.broadcast_to(block.get(s, lanes, t), len(lanes)) for s, t in zip(sources, types, strict=True)
        )
        mask = np.array(
            [((1 << int(n)) - 1) << int(s) & (1 << 8 * dtype.itemsize) - 1 for s, n in zip(start, length, strict=True)],
            dtype,
        )
        block.set(destination, lanes, old & ~mask | (new << start.astype(dtype)) & mask)

    return step


# --- comparison -------------------------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "lo": operator.lt, "ls": operator.le, "hi": operator.gt, "hs": operator.ge,
}  # fmt: skip


def compared(name: str, a: Any, b: Any) -> Any:
    """A comparison of PTX: ``lt``, unordered ``ltu``, ``num``, ``nan``."""
    if _is_float(np.asarray(a).dtype):
        a, b = np.asarray(a).astype(np.float64), np.asarray(b).astype(np.float64)
        unordered = np.isnan(a) | np.isnan(b)
        if name in ("num", "nan"):
            return unordered if name == "nan" else ~unordered
        if name.endswith("u") and name[:-1] in _COMPARE:
            return _COMPARE[name[:-1]](a, b) | unordered
        return _COMPARE[name](a, b) & ~unordered
    return _COMPARE[name](a, b)


@instruction("setp", "set")
def _compare(this: Instruction) -> Step:
    types = [m for m in this.modifiers if m in _TYPES]
    comparison = this.modifiers[0]
    combine = next((m for m in this.modifiers[1:] if m in _LOGIC), None)
    name = types[-1]
    if name in _PACKED:
        raise EmulationError(f"packed comparisons are not known: {this.text}")
    dtype = dtype_of(name)

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, a, b, *other = this.operands
        result = compared(comparison, block.get(a, lanes, dtype), block.get(b, lanes, dtype))
        opposite = ~result
        if combine:
            third = block.get(other[0], lanes, np.dtype(np.bool_))
            result, opposite = _LOGIC[combine](result, third), _LOGIC[combine](opposite, third)
        if this.opcode == "setp":
            first, *second = destination.parts if isinstance(destination, Pair) else (destination,)
            block.set(first, lanes, result)
            if second:
                block.set(second[0], lanes, opposite)
        elif types[0] == "f32":
            block.set(destination, lanes, result.astype(np.float32))
        else:
            block.set(destination, lanes, np.where(result, np.uint32(0xFFFFFFFF), np.uint32(0)))

    return step


@instruction("selp")
def _select(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, a, b, choice = this.operands
        chosen = block.get(choice, lanes, np.dtype(np.bool_))
        block.set(destination, lanes, np.where(chosen, block.get(a, lanes, dtype), block.get(b, lanes, dtype)))

    return step


@instruction("testp")
def _test(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))
    tests = {"finite": np.isfinite, "infinite": np.isinf, "number": lambda x: ~np.isnan(x), "notanumber": np.isnan}

    def step(block: Cluster, lanes: Lanes) -> None:
        block.set(this.operands[0], lanes, tests[this.modifiers[0]](block.get(this.operands[1], lanes, dtype)))

    return step


# --- conversion -------------------------------------------------------------------------------------------------------

_FLOATS8 = {"e4m3x2": ml_dtypes.float8_e4m3fn, "e5m2x2": ml_dtypes.float8_e5m2}


def converted(value: Any, to: Any, mode: str, saturate: bool) -> Any:
    """A value in another type (table of ``cvt``)."""
    value = np.asarray(value)
    if _is_float(value.dtype) and not _is_float(to):
        wide = value.astype(np.float64)
        whole = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}.get(mode, np.trunc)(wide)
        limits = np.iinfo(to)
        clipped = np.clip(np.where(np.isnan(whole), 0, whole), float(limits.min), float(limits.max))
        result = np.where(
            clipped >= float(limits.max), limits.max, np.where(clipped <= float(limits.min), limits.min, 0)
        ).astype(to)
        inside = (clipped < float(limits.max)) & (clipped > float(limits.min))
        result[inside] = clipped[inside].astype(to) if result.ndim else clipped.astype(to)
        return result
    if _is_float(to):
        if _is_float(value.dtype):
            if mode in ("rni", "rzi", "rmi", "rpi"):
                wide = value.astype(np.float64)
                return {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}[mode](wide).astype(to)
            if to.itemsize >= value.dtype.itemsize and to.name != "bfloat16":
                result = value.astype(to)
            else:
                result = rounded(value.astype(np.float64), to, mode)
        else:
            result = (
                rounded(value.astype(np.longdouble), to, mode)
                if value.dtype.itemsize == 8
                else rounded(value.astype(np.float64), to, mode)
            )
        if saturate:
            result = np.where(np.isnan(result), to.type(0), np.clip(result, to.type(0), to.type(1))).astype(to)
        return result
    if saturate:
        limits = np.iinfo(to)
        return np.array([min(max(int(v), limits.min), limits.max) for v in np.atleast_1d(value)], to)
    return value.astype(to)


@instruction("cvt")
def _convert(this: Instruction) -> Step:
    types = [m for m in this.modifiers if m in _TYPES or m in _FLOATS8 or m == "tf32"]
    mode, saturate = rounding_of(this), "sat" in this.modifiers or "satfinite" in this.modifiers
    to, source = types[0], types[1]

    def pack(block: Cluster, lanes: Lanes) -> None:  # two numbers into one register, the first in its high half
        if to in _FLOATS8:
            single: Any = np.dtype(_FLOATS8[to])
        else:
            single = dtype_of(_PACKED[to])
        if source in _PACKED:
            both = np.broadcast_to(block.get(this.operands[1], lanes, dtype_of("b32")), len(lanes))
            halves = [
                (both >> 16).astype(np.uint16).view(dtype_of(_PACKED[source])),
                (both & 0xFFFF).astype(np.uint16).view(dtype_of(_PACKED[source])),
            ]
        else:
            halves = [np.broadcast_to(block.get(o, lanes, dtype_of(source)), len(lanes)) for o in this.operands[1:3]]
        if "relu" in this.modifiers:
            halves = [np.maximum(h, 0).astype(h.dtype) for h in halves]
        if to in _FLOATS8:
            most = float(ml_dtypes.finfo(single).max)
            halves = [np.clip(h.astype(np.float32), -most, most) for h in halves]
        bits = 8 * single.itemsize
        high, low = (np.ascontiguousarray(h.astype(np.float32).astype(single)).view(f"uint{bits}") for h in halves)
        block.set(this.operands[0], lanes, high.astype(f"uint{2 * bits}") << bits | low)

    def unpack8(block: Cluster, lanes: Lanes) -> None:
        both = np.broadcast_to(block.get(this.operands[1], lanes, dtype_of("b16")), len(lanes))
        single = np.dtype(_FLOATS8[source])
        low, high = (
            half.astype(np.uint8).view(single).astype(np.float16).view(np.uint16) for half in (both & 0xFF, both >> 8)
        )
        block.set(this.operands[0], lanes, low.astype(np.uint32) | high.astype(np.uint32) << 16)

    def to_tf32(block: Cluster, lanes: Lanes) -> None:
        bits = np.broadcast_to(block.get(this.operands[1], lanes, dtype_of("b32")), len(lanes))
        block.set(this.operands[0], lanes, (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000))

    def step(block: Cluster, lanes: Lanes) -> None:
        value = _flush(np.atleast_1d(block.get(this.operands[1], lanes, dtype_of(source))), this)
        block.set(this.operands[0], lanes, converted(value, dtype_of(to), mode, saturate))

    if to == "tf32":
        return to_tf32
    if source in _FLOATS8:
        return unpack8
    return pack if to in _PACKED or to in _FLOATS8 else step


@instruction("dp4a")
def _dot4(this: Instruction) -> Step:
    kinds = [np.int8 if m.startswith("s") else np.uint8 for m in this.modifiers[-2:]]

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, a, b, c = this.operands
        x, y = (
            np.ascontiguousarray(np.broadcast_to(block.get(o, lanes, dtype_of("b32")), len(lanes)))
            .view(k)
            .reshape(-1, 4)
            .astype(np.int64)
            for o, k in ((a, kinds[0]), (b, kinds[1]))
        )
        value = (x * y).sum(1) + np.asarray(block.get(c, lanes, dtype_of("s32"))).astype(np.int64)
        block.set(destination, lanes, value.astype(np.int32))

    return step
