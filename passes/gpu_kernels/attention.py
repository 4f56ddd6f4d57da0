"""Attention on GPUs: online softmax over tiles of keys, and its derivative in two functions without atomics.

A program has a tile of queries of one batch element (or, for the derivatives of keys and values, a tile of keys) and
goes through the tiles of the others, as FlashAttention-2 does; scores exist for one tile against another.  The sums of
cotangents times results, which both functions of the derivative need, are a function before them.  Operands are
read where they lie, transposed and sliced as they are.  Where an attention has the form that the kernels for Hopper
take, the tile function says so (``hopper_functions.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from astra_mlir.bindings import ir
from astra_mlir.dialects.attention import subscripts_of
from astra_mlir.passes.gpu.hopper_functions import ATTENTION, ATTENTION_GRADIENT
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.attention import array_of, attention_shape, modifier_names, operand_arrays
from astra_mlir.passes.kernel_rules.attention_shapes import Attention
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.tile_builder import Tile, block_size, cells
from astra_mlir.passes.tile_nests import Axis

__all__ = ["attention", "attention_gradient"]

_DELTA = "delta"  # sums of cotangents times results, by queries
# (queries, keys) of a tile of scores, and warps: the largest without spills (``ptxas`` for sm_90a) where a row of
# queries has up to 128 bytes, up to 256 (f32 of 64) and more (f32 of 128).
_TILES = {
    "forward": ((64, 64, 4), (64, 64, 4), (64, 32, 4)),
    "deltas": ((64, 64, 4), (64, 64, 4), (64, 64, 4)),
    "queries": ((64, 64, 8), (64, 64, 8), (32, 32, 8)),
    "keys": ((64, 64, 8), (64, 32, 8), (32, 16, 8)),
}
# A fill as low as this counts for nothing in a row that sees a key: it is so far below the maximum that its exponential
# is 0.
_HIDDEN = -1e30


@gpu_kernel_rule("attention")
def attention(op: ir.Operation) -> KernelRequest:
    """``astra.attention``."""
    s = subscripts_of(op)
    names = [("query", s.query), ("key", s.key), ("value", s.value), *modifier_names(s)]
    return _request(op, names, {"result": s.result, "logsumexp": s.logsumexp}, _forward)


@gpu_kernel_rule("attention_gradient")
def attention_gradient(op: ir.Operation) -> KernelRequest:
    """``astra.attention_gradient``."""
    s = subscripts_of(op)
    names = [("query", s.query), ("key", s.key), ("value", s.value), ("result", s.result)]
    names += [("logsumexp", s.logsumexp), ("cotangent", s.result), *modifier_names(s)]
    results = dict(zip(("query_cotangent", "key_cotangent", "value_cotangent"), s.gradients, strict=True))
    return _request(op, names, results, _backward, {_DELTA: s.logsumexp})


def _request(
    op: ir.Operation,
    names: Sequence[tuple[str, str]],
    results: dict[str, str],
    write: Callable[[HostFunction, Attention, list[str]], None],
    temporaries: dict[str, str] | None = None,
) -> KernelRequest:
    s = subscripts_of(op)
    operands = operand_arrays(op, s, names)
    arrays = {name: array for name, (_, array) in operands.items()}
    arrays |= {
        name: array_of(result.type, letters)
        for (name, letters), result in zip(results.items(), op.results, strict=True)
    }
    shape = attention_shape(op, s, arrays)
    scratch = []
    for name, letters in (temporaries or {}).items():
        kind = ir.RankedTensorType.get(shape.sizes_of(letters), ir.Type.parse(shape.accumulator))
        scratch.append(kind)
        arrays[name] = array_of(kind, letters)
    shape = replace(shape, arrays=tuple(arrays.items()))
    kinds = [base.type for base, _ in operands.values()] + [result.type for result in op.results] + scratch
    name = kernel_name(op.name.removeprefix("astra."), "gpu", shape)

    def build() -> str:
        host = HostFunction(name, [buffer_type(kind) for kind in kinds])
        write(host, shape, list(arrays))
        return host.text()

    return KernelRequest(
        name, [base for base, _ in operands.values()], [Out(result.type) for result in op.results], build,
        scratch=scratch, schedule=shape,
    )  # fmt: skip


def _tile_of(kind: str, shape: Attention) -> tuple[int, int, int]:
    query = shape.array("cotangent" if kind == "deltas" else "query")
    assert query is not None
    width = max(block_size(shape.size(letter), 1 << 30, 16) for letter in (shape.depth, shape.feature))
    row = width * ir.Type.parse(query.element).width // 8
    return _TILES[kind][0 if row <= 128 else 1 if row <= 256 else 2]


class _Kernel:
    """One tile function: what it reads, its scores, and what it writes.

    ``names`` are those of the host function's buffers, ``used`` those that the tile function takes, in its order.
    """

    def __init__(
        self, host: HostFunction, shape: Attention, names: list[str], used: Sequence[str], tile: tuple[int, int, int]
    ) -> None:
        rows, columns, warps = tile
        self.host, self.shape, self.names, self.used = host, shape, names, list(used)
        self.arguments = [names.index(name) for name in self.used]
        self.function = host.tile(*self.arguments, warps=warps, stages=2)
        self.b = self.function.builder
        self.rows, self.columns = Axis(tuple(shape.sizes_of(shape.rows))), Axis((shape.size(shape.column),))
        self.block_rows = block_size(self.rows.size, rows, 16)
        self.block_columns = block_size(self.columns.size, columns, 16)
        self.batch = Axis(tuple(shape.sizes_of(shape.batch)))
        self.accumulator = ir.Type.parse(shape.accumulator)
        self.precision = "3xtf32" if shape.accumulator == "f32" else "ieee"

    def begin(self, tiles: int) -> Tile:
        """The tile of a program, its batch element put aside."""
        program = self.b.program_id(0)
        if self.batch.size == 1:
            return program
        self.batch.position = program // tiles
        return program % tiles

    def place(self, axis: Axis, first: Tile, block: int, dimension: int) -> None:
        """Positions of a tile along rows (0) or columns (1) of scores."""
        position = first + self.b.arange(block)
        axis.position = position[:, None] if dimension == 0 else position[None, :]
        axis.mask = axis.position < axis.size if axis.size % block else None

    def element(self, name: str) -> ir.Type:
        """The element in memory of an operand or result."""
        return self.host.buffers[self.names.index(name)].element_type

    def _address(self, name: str, axes: Sequence[tuple[Axis, str]]) -> Tile | int:
        array = self.shape.array(name)
        assert array is not None
        total: Tile | int = array.offset
        for axis, letters in (*axes, *([(self.batch, self.shape.batch)] if self.batch.size > 1 else [])):
            part = axis.address([array.stride(letter) for letter in letters], False)
            total = part + total if isinstance(part, Tile) else total + part  # type: ignore[operator]
        return total

    def _offsets(self, name: str, axes: Sequence[tuple[Axis, str]], shape: Sequence[int]) -> tuple[Tile, Tile | None]:
        address = self._address(name, axes)
        offsets = address if isinstance(address, Tile) else self.b.index(address)
        if not offsets.shape:
            offsets = self.b.broadcast(offsets, [1] * len(shape))
        mask = None
        for axis, _ in axes:
            if axis.mask is not None:
                mask = axis.mask if mask is None else mask & axis.mask
        return self.b.broadcast(offsets, shape), mask

    def load(self, name: str, axes: Sequence[tuple[Axis, str]], shape: Sequence[int]) -> Tile:
        """A tile of an array; 0 outside of it."""
        offsets, mask = self._offsets(name, axes, shape)
        return self.b.load(self.function.arguments[self.used.index(name)], offsets, mask)

    def store(self, name: str, axes: Sequence[tuple[Axis, str]], value: Tile) -> None:
        """A tile of a result, in its element type."""
        offsets, mask = self._offsets(name, axes, value.shape)
        value = self.b.convert(value, self.element(name))
        self.b.store(self.function.arguments[self.used.index(name)], offsets, value, mask)

    def mark(self, of: str | None) -> None:
        """Say what the function is, if it has the form of a kernel for Hopper: a derivative ``of`` queries or keys."""
        form = _hopper_form(self)
        if form is not None and of is None and self.used == _FORWARD:
            self.function.func.attributes[ATTENTION] = ir.DictAttr.get(form)
        elif form is not None and of is not None:
            self.function.func.attributes[ATTENTION_GRADIENT] = ir.DictAttr.get(form | {"of": ir.StringAttr.get(of)})

    def launch(self, kind: str, programs: int) -> None:
        """End the function and launch it."""
        self.host.launch(self.function, kind, [programs], self.arguments)

    def along(self, letter: str, dimension: int) -> tuple[Axis, int]:
        """All positions along a dimension of features, as a tile's rows (0) or columns (1)."""
        axis = Axis((self.shape.size(letter),))
        block = block_size(axis.size, 1 << 30, 16)
        self.place(axis, self.b.index(0), block, dimension)
        return axis, block

    def operand(self, name: str, outer: Axis, letters: str, block: int, letter: str) -> Tile:
        """A tile of rows or of columns of scores, by features."""
        across, size = self.along(letter, 1)
        return self.load(name, [(outer, letters), (across, letter)], (block, size))

    def of_columns(self, name: str, letter: str) -> Tile:
        """A tile of keys or values: columns of scores as rows."""
        return self.operand(name, self.turned, self.shape.column, self.block_columns, letter)

    def of_rows(self, name: str, letter: str) -> Tile:
        """A tile of queries, cotangents or results."""
        return self.operand(name, self.rows, self.shape.rows, self.block_rows, letter)

    def at_columns(self, first: Tile) -> None:
        """Go to a tile of keys: ``columns`` across a tile of scores, ``turned`` along it."""
        self.place(self.columns, first, self.block_columns, 1)
        self.turned = Axis(self.columns.extents)
        self.place(self.turned, first, self.block_columns, 0)

    def dot(self, a: Tile, b: Tile, total: Tile | None = None) -> Tile:
        """A product, in the accumulator's type."""
        if a.element != b.element:
            wide = a.element if a.element.width >= b.element.width else b.element
            a, b = self.b.convert(a, wide), self.b.convert(b, wide)
        total = self.b.full((a.shape[0], b.shape[1]), 0, self.accumulator) if total is None else total
        return self.b.dot(a, b, total, self.precision if str(a.element) == "f32" else "ieee")

    def scores(self, queries: Tile, keys: Tile) -> tuple[Tile, Tile | None]:
        """Scores of a tile with bias and mask, and where they are not the fill; -inf beyond the last key."""
        shape, b = self.shape, self.b
        block = (self.block_rows, self.block_columns)
        score = self.dot(queries, b.transpose(keys)) * shape.scale
        axes = [(self.rows, shape.rows), (self.columns, shape.column)]
        if shape.array("bias") is not None:
            score = score + b.convert(self.load("bias", axes, block), self.accumulator)
        seen: Tile | None = None
        if shape.array("mask") is not None:
            seen = self.load("mask", axes, block).ne(0)
        if shape.causal is not None:
            position = self.rows.loop(shape.rows.index(shape.causal))
            assert self.columns.position is not None
            below = self.columns.position <= position + shape.offset
            seen = below if seen is None else seen & below
        if seen is not None:
            score = b.select(seen, score, b.full((1, 1), shape.fill, self.accumulator))
        if self.columns.mask is not None:
            score = b.select(self.columns.mask, score, b.full((1, 1), -math.inf, self.accumulator))
        return score, seen

    def end_of_columns(self, first_row: Tile) -> Tile | int:
        """The keys that a tile of queries sees: up to its last position, if what it does not see counts for nothing."""
        shape = self.shape
        if shape.causal is None or shape.fill > _HIDDEN or len(shape.rows) > 1:
            return self.columns.size
        last = first_row + (self.block_rows + shape.offset)
        return self.b.minimum(last, self.columns.size)


def _forward(host: HostFunction, shape: Attention, names: list[str]) -> None:
    kernel = _Kernel(host, shape, names, names, _tile_of("forward", shape))
    b, rows = kernel.b, kernel.block_rows
    tiles = cells(kernel.rows.size, rows)
    first = kernel.begin(tiles) * rows
    kernel.place(kernel.rows, first, rows, 0)
    queries = kernel.of_rows("query", shape.depth)
    width = block_size(shape.size(shape.feature), 1 << 30, 16)

    def step(column: Tile, state: list[Tile]) -> list[Tile]:
        most, total, result = state
        kernel.at_columns(column)
        score, _ = kernel.scores(queries, kernel.of_columns("key", shape.depth))
        higher = b.maximum(most, b.max(score, 1)[:, None])
        base = _finite(kernel, higher)
        shrink = b.math("exp", most - base)
        weights = b.math("exp", score - base)
        total = total * shrink + b.sum(weights, 1)[:, None]
        values = kernel.of_columns("value", shape.feature)
        result = kernel.dot(b.convert(weights, values.element), values, result * shrink)
        return [higher, total, result]

    start = [
        b.full((rows, 1), -math.inf, kernel.accumulator), b.full((rows, 1), 0, kernel.accumulator),
        b.full((rows, width), 0, kernel.accumulator),
    ]  # fmt: skip
    most, total, result = b.loop(0, kernel.end_of_columns(first), kernel.block_columns, start, step)
    result = result / total
    if shape.empty_is_zero:
        result = b.select(b.broadcast(total.eq(0), result.shape), b.full(result.shape, 0, kernel.accumulator), result)
    across, _ = kernel.along(shape.feature, 1)
    kernel.store("result", [(kernel.rows, shape.rows), (across, shape.feature)], result)
    kernel.store("logsumexp", [(kernel.rows, shape.rows)], _finite(kernel, most) + b.math("log", total))
    kernel.mark(None)
    kernel.launch("attention", tiles * kernel.batch.size)


def _finite(kernel: _Kernel, value: Tile) -> Tile:
    """Zero in place of minus infinity, for rows that see no key."""
    return kernel.b.select(value.eq(-math.inf), kernel.b.full(value.shape, 0, kernel.accumulator), value)


def _derivatives(kernel: _Kernel, queries: Tile, keys: Tile, sums: tuple[Tile, Tile, Tile]) -> tuple[Tile, Tile]:
    """(probabilities, derivatives of scores) of a tile; ``sums`` as :func:`_sums` gives them."""
    b, shape = kernel.b, kernel.shape
    cotangents, deltas, logsums = sums
    score, seen = kernel.scores(queries, keys)
    weights = b.math("exp", score - logsums)
    values = kernel.of_columns("value", shape.feature)
    products = kernel.dot(cotangents, b.transpose(values))
    derivative = weights * (products - deltas)
    zero = b.full((1, 1), 0, kernel.accumulator)
    if seen is not None:
        derivative = b.select(seen, derivative, zero)
    for axis in (kernel.rows, kernel.columns):
        if axis.mask is not None:
            derivative = b.select(axis.mask, derivative, zero)
            weights = b.select(axis.mask, weights, zero)
    return weights, derivative


def _sums(kernel: _Kernel) -> tuple[Tile, Tile, Tile]:
    """Cotangents of a tile of queries, the sums of their products with results, and the logarithms of sums."""
    b, shape = kernel.b, kernel.shape
    rows = [(kernel.rows, shape.rows)]
    logsums, deltas = (kernel.load(name, rows, (kernel.block_rows, 1)) for name in ("logsumexp", _DELTA))
    cotangents = kernel.of_rows("cotangent", shape.feature)
    return cotangents, deltas, _finite(kernel, b.convert(logsums, kernel.accumulator))


def _backward(host: HostFunction, shape: Attention, names: list[str]) -> None:
    _deltas(_Kernel(host, shape, names, ["result", "cotangent", _DELTA], _tile_of("deltas", shape)))
    modifiers = [name for name in ("mask", "bias") if name in names]
    common = ["query", "key", "value", "cotangent", "logsumexp", _DELTA]
    of_keys = [*common, "key_cotangent", "value_cotangent", *modifiers]
    of_queries = [*common, "query_cotangent", *modifiers]
    _of_queries(_Kernel(host, shape, names, of_queries, _tile_of("queries", shape)))
    _of_keys(_Kernel(host, shape, names, of_keys, _tile_of("keys", shape)))


def _deltas(kernel: _Kernel) -> None:
    """The sums of the products of cotangents and results."""
    b, shape, rows = kernel.b, kernel.shape, kernel.block_rows
    tiles = cells(kernel.rows.size, rows)
    kernel.place(kernel.rows, kernel.begin(tiles) * rows, rows, 0)
    cotangents, results = (
        b.convert(kernel.of_rows(name, shape.feature), kernel.accumulator) for name in ("cotangent", "result")
    )
    kernel.store(_DELTA, [(kernel.rows, shape.rows)], b.sum(cotangents * results, 1)[:, None])
    kernel.launch("attention_deltas", tiles * kernel.batch.size)


def _of_queries(kernel: _Kernel) -> None:
    b, shape, rows = kernel.b, kernel.shape, kernel.block_rows
    tiles = cells(kernel.rows.size, rows)
    first = kernel.begin(tiles) * rows
    kernel.place(kernel.rows, first, rows, 0)
    queries, sums = kernel.of_rows("query", shape.depth), _sums(kernel)

    def step(column: Tile, state: list[Tile]) -> list[Tile]:
        kernel.at_columns(column)
        keys = kernel.of_columns("key", shape.depth)
        _, derivative = _derivatives(kernel, queries, keys, sums)
        return [kernel.dot(b.convert(derivative, keys.element), keys, state[0])]

    start = [b.full(queries.shape, 0, kernel.accumulator)]
    (total,) = b.loop(0, kernel.end_of_columns(first), kernel.block_columns, start, step)
    across, _ = kernel.along(shape.depth, 1)
    kernel.store("query_cotangent", [(kernel.rows, shape.rows), (across, shape.depth)], total * shape.scale)
    kernel.mark("queries")
    kernel.launch("attention_queries", tiles * kernel.batch.size)


def _of_keys(kernel: _Kernel) -> None:
    b, shape = kernel.b, kernel.shape
    tiles = cells(kernel.columns.size, kernel.block_columns)
    kernel.at_columns(kernel.begin(tiles) * kernel.block_columns)
    keys = kernel.of_columns("key", shape.depth)
    width = block_size(shape.size(shape.feature), 1 << 30, 16)

    def step(row: Tile, state: list[Tile]) -> list[Tile]:
        kernel.place(kernel.rows, row, kernel.block_rows, 0)
        queries, sums = kernel.of_rows("query", shape.depth), _sums(kernel)
        weights, derivative = _derivatives(kernel, queries, keys, sums)
        turned = b.transpose(b.convert(derivative, queries.element)), b.transpose(b.convert(weights, sums[0].element))
        return [kernel.dot(turned[0], queries, state[0]), kernel.dot(turned[1], sums[0], state[1])]

    start = [
        b.full(keys.shape, 0, kernel.accumulator), b.full((kernel.block_columns, width), 0, kernel.accumulator),
    ]  # fmt: skip
    of_keys, of_values = b.loop(0, kernel.rows.size, kernel.block_rows, start, step)
    for name, letter, total in (
        ("key_cotangent", shape.depth, of_keys * shape.scale), ("value_cotangent", shape.feature, of_values),
    ):  # fmt: skip
        across, _ = kernel.along(letter, 1)
        kernel.store(name, [(kernel.turned, shape.column), (across, letter)], total)
    kernel.mark("keys")
    kernel.launch("attention_keys", tiles * kernel.batch.size)


_FORWARD = ["query", "key", "value", "result", "logsumexp"]
_OF_SUMS = ("logsumexp", _DELTA)


def _hopper_form(kernel: _Kernel) -> dict[str, ir.Attribute] | None:
    """The arguments of ``HopperAttention`` for an attention of heads in rows; None for others."""
    shape, names = kernel.shape, kernel.used
    arrays, sums = ([name for name in names if (name in _OF_SUMS) == of_sums] for of_sums in (False, True))
    elements = {str(kernel.element(name)) for name in arrays}
    width, keys = shape.size(shape.feature), shape.size(shape.column)
    if {"mask", "bias"} & set(names) or len(elements) > 1 or len(shape.rows) > 2:
        return None
    if {str(kernel.element(name)) for name in sums} != {"f32"} or shape.size(shape.depth) != width:
        return None
    if shape.empty_is_zero:
        return None
    # Of two letters of queries one is their position, the other a head of the group that shares keys.
    position = shape.causal or max(shape.rows, key=shape.size)
    queries, group = shape.size(position), shape.size(shape.rows.replace(position, ""))
    if shape.causal is not None and (shape.offset != keys - queries or shape.fill > _HIDDEN):
        return None

    def order(lies: Callable[[Attention, str, str, bool], bool], of: Sequence[str]) -> bool | None:
        return next((last for last in (False, True) if all(lies(shape, name, position, last) for name in of)), None)

    token_major = order(_lies_in_rows, [name for name in arrays if name != "result"])
    result_token_major = order(_lies_in_rows, [name for name in arrays if name == "result"])
    heads_last = order(_sums_in_rows, sums)
    if token_major is None or result_token_major is None or heads_last is None:
        return None
    numbers = {
        "batch": shape.size(shape.batch[:-1]), "heads": shape.size(shape.batch[-1:]) * group, "group": group,
        "queries": queries, "keys": keys, "width": width,
    }  # fmt: skip
    truths = {
        "causal": shape.causal is not None, "token_major": token_major, "result_token_major": result_token_major,
        "heads_last": heads_last,
    }  # fmt: skip
    i64 = ir.IntegerType.get_signless(64)
    values: dict[str, ir.Attribute] = {name: ir.IntegerAttr.get(i64, n) for name, n in numbers.items()}
    values |= {name: ir.BoolAttr.get(truth) for name, truth in truths.items()}
    values["element"] = ir.StringAttr.get(elements.pop())
    values["scale"] = ir.FloatAttr.get(ir.F64Type.get(), shape.scale)
    return values


def _sums_in_rows(shape: Attention, name: str, position: str, heads_last: bool) -> bool:
    """Whether what there is one of for each query has no gaps, ``heads_last`` with the heads of a group behind it."""
    group = shape.rows.replace(position, "")
    inner = (position, group) if not heads_last else (group, position)
    return _has_strides(shape, name, [*inner, *reversed(shape.batch)])


def _lies_in_rows(shape: Attention, name: str, position: str, token_major: bool) -> bool:
    """Whether an array has no gaps: batch, heads (those of a group side by side), positions, features; positions before
    heads if ``token_major``."""
    of_keys = name.startswith(("key", "value"))
    letter, group = (shape.column, "") if of_keys else (position, shape.rows.replace(position, ""))
    feature = shape.depth if name.startswith(("query", "key")) else shape.feature
    heads = [group, shape.batch[-1:]]
    inner = [*heads, letter] if token_major else [letter, *heads]
    return _has_strides(shape, name, [feature, *inner, *reversed(shape.batch[:-1])])


def _has_strides(shape: Attention, name: str, letters: Sequence[str]) -> bool:
    """Whether an array is one behind the other, the first letter innermost."""
    array = shape.array(name)
    assert array is not None
    step = 1
    for letter in letters:
        if letter and shape.size(letter) > 1:
            if array.stride(letter) != step:
                return False
            step *= shape.size(letter)
    return array.offset == 0
