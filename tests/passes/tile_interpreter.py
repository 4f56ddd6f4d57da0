"""Tile functions on NumPy arrays, one program after the other: slow, obviously right, an oracle for compiled paths.

``run(module, "name", arguments, grid)``: pointers are NumPy arrays of one dimension, changed in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.elements import dtype_of, to_numpy

_TO_UNSIGNED = {1: bool, 8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def _dtype(kind: ir.Type) -> np.dtype[Any]:
    if isinstance(kind, ir.RankedTensorType):
        kind = kind.element_type
    return np.dtype(np.int64) if isinstance(kind, ir.IndexType) else dtype_of(kind)


def _wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """On floats below 32 bits, in f32 and rounded."""

    def wrapped(*operands: Any) -> Any:
        first = np.asarray(operands[0])
        if first.dtype.itemsize < 4 and first.dtype.kind not in "iub":
            return np.asarray(function(*(np.asarray(o, np.float32) for o in operands))).astype(first.dtype)
        return function(*operands)

    return wrapped


def _unsigned(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*operands: Any) -> Any:
        kind = np.asarray(operands[0]).dtype
        if kind.kind == "b":
            return function(*operands)
        plain = [np.asarray(o).view(_TO_UNSIGNED[8 * kind.itemsize]) for o in operands]
        return np.asarray(function(*plain)).astype(plain[0].dtype).view(kind)

    return wrapped


def _shift(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(value: Any, count: Any) -> Any:
        bits = 8 * np.asarray(value).dtype.itemsize
        return np.where(
            np.asarray(count).astype(np.int64) % (1 << 62) < bits, function(value, np.minimum(count, bits - 1)), 0
        )

    return wrapped


def _division(a: Any, b: Any) -> Any:
    b = np.where(np.asarray(b) == 0, 1, b)
    return (
        np.trunc(np.asarray(a, np.float64) / b)
        if np.asarray(a).dtype.itemsize < 8
        else np.sign(a) * np.sign(b) * (abs(a) // abs(b))
    )


def _minimum_number(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b), a, function(a, b)))


_ARITH: dict[str, Callable[..., Any]] = {
    "addf": _wide(np.add),
    "subf": _wide(np.subtract),
    "mulf": _wide(np.multiply),
    "divf": _wide(np.divide),
    "addi": np.add,
    "subi": np.subtract,
    "muli": np.multiply,
    "andi": np.bitwise_and,
    "ori": np.bitwise_or,
    "xori": np.bitwise_xor,
    "maximumf": _wide(np.maximum),
    "minimumf": _wide(np.minimum),
    "maxnumf": _wide(np.fmax),
    "minnumf": _wide(np.fmin),
    "remf": _wide(np.fmod),
    "maxsi": np.maximum,
    "minsi": np.minimum,
    "maxui": _unsigned(np.maximum),
    "minui": _unsigned(np.minimum),
    "divsi": _division,
    "remsi": lambda a, b: a - _division(a, b) * b,
    "divui": _unsigned(lambda a, b: a // np.where(b == 0, 1, b)),
    "remui": _unsigned(lambda a, b: a % np.where(b == 0, 1, b)),
    "shli": lambda a, b: _shift(np.left_shift)(a, b),
    "shrsi": lambda a, b: np.right_shift(a, np.minimum(b, 8 * np.asarray(a).dtype.itemsize - 1)),
    "shrui": lambda a, b: _unsigned(_shift(np.right_shift))(a, b),
    "negf": np.negative,
    "select": lambda c, a, b: np.where(c, a, b),
}
_MATH = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "powf": np.power,
    "absf": np.abs,
    "absi": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "roundeven": np.round,
    "round": lambda x: np.trunc(x + np.copysign(0.5, x)),
    "trunc": np.trunc,
    "cbrt": np.cbrt,
    "copysign": np.copysign,
    "fma": lambda a, b, c: np.float64(a) * b + c,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asin": np.arcsin,
    "acos": np.arccos,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": np.vectorize(math.erf),
    "erfc": np.vectorize(math.erfc),
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "ctpop": lambda x: np.bitwise_count(np.asarray(x).view(_TO_UNSIGNED[8 * np.asarray(x).dtype.itemsize])),
    "ctlz": np.vectorize(lambda x: 0, otypes=[np.int64]),
}
_CMP_INT = [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal]
_CMP_FLOAT = {
    1: np.equal,
    2: np.greater,
    3: np.greater_equal,
    4: np.less,
    5: np.less_equal,
    6: lambda a, b: (a < b) | (a > b),
    13: np.not_equal,
    7: lambda a, b: ~(np.isnan(a) | np.isnan(b)),
    14: lambda a, b: np.isnan(a) | np.isnan(b),
    8: lambda a, b: ~((a < b) | (a > b)),
    9: lambda a, b: ~(a <= b),
    10: lambda a, b: ~(a < b),
    11: lambda a, b: ~(a >= b),
    12: lambda a, b: ~(a > b),
}


class _Program:
    """One program of the grid."""

    def __init__(self, grid: Sequence[int], ids: Sequence[int]) -> None:
        self.grid, self.ids = grid, ids

    def block(self, block: ir.Block, values: dict[ir.Value, Any]) -> list[Any]:
        for view in block.operations:
            op = view.operation
            operands = [values[value] for value in op.operands]
            if op.name in ("astra.yield", "scf.yield", "func.return"):
                return operands
            if op.name == "scf.condition":
                return operands
            results = self.operation(op, operands, values)
            for result, value in zip(op.results, results, strict=True):
                kind = result.type
                shape = tuple(kind.shape) if isinstance(kind, ir.RankedTensorType) else ()
                if isinstance(value, np.ndarray | np.generic | int | float | bool):
                    value = np.asarray(value).astype(_dtype(kind), copy=False)
                    assert value.shape == shape, f"{op.name} gives {value.shape} for {kind}"
                values[result] = value
        return []

    def region(self, op: ir.Operation, number: int, arguments: Sequence[Any], values: dict[ir.Value, Any]) -> list[Any]:
        block = op.regions[number].blocks[0]
        return self.block(block, {**values, **dict(zip(block.arguments, arguments, strict=True))})

    def operation(self, op: ir.Operation, operands: list[Any], values: dict[ir.Value, Any]) -> list[Any]:
        dialect, _, name = op.name.partition(".")
        if op.name == "arith.constant":
            attribute = op.attributes["value"]
            if isinstance(attribute, ir.DenseElementsAttr):
                return [np.array(to_numpy(attribute))]
            return [np.asarray(attribute.value).astype(_dtype(op.results[0].type))]
        if dialect == "arith" and name in _ARITH:
            return [_ARITH[name](*operands)]
        if dialect == "math" and name in _MATH:
            return [_wide(_MATH[name])(*operands)]
        if op.name == "arith.cmpi":
            predicate = op.attributes["predicate"].value
            if predicate > 5 and operands[0].dtype != bool:
                operands = [value.view(_TO_UNSIGNED[8 * value.dtype.itemsize]) for value in operands]
            return [_CMP_INT[predicate if predicate < 6 else predicate - 4](*operands)]
        if op.name == "arith.cmpf":
            return [_CMP_FLOAT[op.attributes["predicate"].value](*operands)]
        if dialect == "arith":
            return [self.cast(name, operands[0], _dtype(op.results[0].type))]
        if dialect == "scf":
            return self.control(op, name, operands, values)
        if op.name == "tensor.splat":
            return [np.full(op.results[0].type.shape, operands[0])]
        return list(
            getattr(self, name.removeprefix("tile_"))(op, *operands, **({"values": values} if len(op.regions) else {}))
        )

    def cast(self, name: str, value: Any, kind: np.dtype[Any]) -> Any:
        if name in ("extui", "uitofp") and value.dtype != bool:
            value = value.view(_TO_UNSIGNED[8 * value.dtype.itemsize])
        if name == "bitcast":
            return value.view(kind)
        if name in ("fptosi", "fptoui"):
            return np.trunc(np.nan_to_num(np.asarray(value, np.float64))).astype(np.int64)
        if name == "trunci" and kind.kind == "b":
            return value & 1
        if name == "extsi" and value.dtype == bool:
            return -value.astype(kind)
        assert name in (
            "extf",
            "truncf",
            "extsi",
            "extui",
            "trunci",
            "sitofp",
            "uitofp",
            "index_cast",
            "index_castui",
        ), name
        return value.astype(kind)

    def control(self, op: ir.Operation, name: str, operands: list[Any], values: dict[ir.Value, Any]) -> list[Any]:
        if name == "for":
            low, high, step, *state = operands
            for i in range(int(low), int(high), int(step)):
                state = self.region(op, 0, [np.asarray(i, low.dtype), *state], values)
            return state
        if name == "if":
            taken = 0 if operands[0] else 1
            return self.region(op, taken, [], values) if len(op.regions[taken].blocks) else []
        while True:
            go, *state = self.region(op, 0, operands, values)
            if not go:
                return state
            operands = self.region(op, 1, state, values)

    # --- operations of the dialect ---------------------------------------------------------------------------------

    def program_id(self, op: ir.Operation) -> list[Any]:
        return [self.ids[value_of(op, "axis")]]

    def num_programs(self, op: ir.Operation) -> list[Any]:
        return [self.grid[value_of(op, "axis")]]

    def arange(self, op: ir.Operation) -> list[Any]:
        return [value_of(op, "start") + np.arange(op.result.type.shape[0], dtype=np.int32)]

    def reshape(self, op: ir.Operation, value: Any) -> list[Any]:
        return [value.reshape(op.result.type.shape)]

    def transpose(self, op: ir.Operation, value: Any) -> list[Any]:
        return [value.transpose(value_of(op, "permutation"))]

    def broadcast(self, op: ir.Operation, value: Any) -> list[Any]:
        return [np.broadcast_to(value, op.result.type.shape)]

    def join(self, op: ir.Operation, a: Any, b: Any) -> list[Any]:
        return [np.stack([a, b], -1)]

    def split(self, op: ir.Operation, value: Any) -> list[Any]:
        return [value[..., 0], value[..., 1]]

    @staticmethod
    def checked(pointer: Any, offsets: Any, mask: Any) -> tuple[Any, Any]:
        mask = np.ones(offsets.shape, bool) if mask is None else mask
        inside = offsets[mask] if offsets.shape else offsets[None][np.atleast_1d(mask)]
        assert np.all((inside >= 0) & (inside < pointer.size)), (
            f"offsets {inside.min()} to {inside.max()} of {pointer.size}"
        )
        return np.where(mask, offsets, 0), mask

    def load(self, op: ir.Operation, pointer: Any, offsets: Any, mask: Any = None, other: Any = None) -> list[Any]:
        offsets, mask = self.checked(pointer, offsets, mask)
        read = pointer[offsets] if pointer.size else np.zeros(offsets.shape, pointer.dtype)
        return [np.where(mask, read, np.zeros((), pointer.dtype) if other is None else other)]

    def store(self, op: ir.Operation, pointer: Any, offsets: Any, value: Any, mask: Any = None) -> list[Any]:
        offsets, mask = self.checked(pointer, offsets, mask)
        pointer[np.atleast_1d(offsets)[np.atleast_1d(mask)]] = np.atleast_1d(value)[np.atleast_1d(mask)]
        return []

    def atomic(self, op: ir.Operation, pointer: Any, offsets: Any, value: Any, mask: Any = None) -> list[Any]:
        offsets, mask = self.checked(pointer, offsets, mask)
        names = {
            "add": "addi",
            "fadd": "addf",
            "min": "minsi",
            "max": "maxsi",
            "umin": "minui",
            "umax": "maxui",
            "fmin": "minimumf",
            "fmax": "maximumf",
            "and": "andi",
            "or": "ori",
            "xor": "xori",
        }
        kind, old = value_of(op, "kind"), np.zeros(offsets.shape, pointer.dtype)
        for i in np.ndindex(offsets.shape):
            if mask[i]:
                old[i] = pointer[offsets[i]]
                pointer[offsets[i]] = value[i] if kind == "exchange" else _ARITH[names[kind]](old[i], value[i])
        return [old]

    def _blocked(self, rank: int, shape: Sequence[int], numbers: Sequence[Any]) -> tuple[Any, Any]:
        sizes, strides, indices = (numbers[i * rank : (i + 1) * rank] for i in range(3))
        offsets, mask = np.zeros(tuple(shape), np.int64), np.ones(tuple(shape), bool)
        for d, (size, stride, index) in enumerate(zip(sizes, strides, indices, strict=True)):
            at = (int(index) + np.arange(shape[d])).reshape([-1 if i == d else 1 for i in range(rank)])
            offsets, mask = offsets + at * int(stride), mask & (at >= 0) & (at < int(size))
        return offsets, mask

    def block_load(self, op: ir.Operation, pointer: Any, *numbers: Any) -> list[Any]:
        return self.load(op, pointer, *self._blocked(value_of(op, "rank"), op.result.type.shape, numbers))

    def block_store(self, op: ir.Operation, value: Any, pointer: Any, *numbers: Any) -> list[Any]:
        offsets, mask = self._blocked(value_of(op, "rank"), value.shape, numbers)
        return self.store(op, pointer, offsets, value, mask)

    def reduce(self, op: ir.Operation, *operands: Any, values: dict[ir.Value, Any]) -> list[Any]:
        state = [np.moveaxis(value, value_of(op, "axis"), 0) for value in operands]
        while len(state[0]) > 1:
            half = len(state[0]) // 2
            sides = [value[:half] for value in state] + [value[half:] for value in state]
            state = [np.asarray(v) for v in self.unchecked(op, sides, values)]
        return [value[0] for value in state]

    def scan(self, op: ir.Operation, *operands: Any, values: dict[ir.Value, Any]) -> list[Any]:
        axis, reverse = value_of(op, "axis"), value_of(op, "reverse")
        state = [np.moveaxis(value, axis, 0)[:: -1 if reverse else 1] for value in operands]
        distance = 1
        while distance < len(state[0]):
            sides = [value[:-distance] for value in state] + [value[distance:] for value in state]
            new = self.unchecked(op, sides, values)
            state = [
                np.concatenate([old[:distance], later]).astype(old.dtype) for old, later in zip(state, new, strict=True)
            ]
            distance *= 2
        return [np.moveaxis(value[:: -1 if reverse else 1], 0, axis) for value in state]

    def unchecked(self, op: ir.Operation, arguments: Sequence[Any], values: dict[ir.Value, Any]) -> list[Any]:
        """The combiner on whole arrays: its types are those of scalars."""
        block = op.regions[0].blocks[0]
        local = {**values, **dict(zip(block.arguments, arguments, strict=True))}
        for view in block.operations:
            inner = view.operation
            operands = [local[value] for value in inner.operands]
            if inner.name == "astra.yield":
                return operands
            for result, value in zip(inner.results, self.operation(inner, operands, local), strict=True):
                local[result] = np.asarray(value).astype(_dtype(result.type), copy=False)
        raise AssertionError("no terminator")

    def dot(self, op: ir.Operation, a: Any, b: Any, acc: Any) -> list[Any]:
        kind = np.int64 if acc.dtype.kind == "i" else np.float64
        return [a.astype(kind) @ b.astype(kind) + acc]

    def gather(self, op: ir.Operation, source: Any, index: Any) -> list[Any]:
        return [np.take_along_axis(source, index.astype(np.int64), value_of(op, "axis"))]


def run(function: ir.Operation, arguments: Sequence[Any], grid: Sequence[int]) -> None:
    """Run a tile function for every program of a grid; pointers are flat arrays, scalars numbers."""
    block = function.regions[0].blocks[0]
    given = []
    for value, kind in zip(arguments, (argument.type for argument in block.arguments), strict=True):
        is_pointer = isinstance(kind, ir.MemRefType)
        given.append(value if is_pointer else np.asarray(value).astype(_dtype(kind)))
    with np.errstate(all="ignore"):
        for z in range(grid[2]):
            for y in range(grid[1]):
                for x in range(grid[0]):
                    _Program(grid, (x, y, z)).block(block, dict(zip(block.arguments, given, strict=True)))
