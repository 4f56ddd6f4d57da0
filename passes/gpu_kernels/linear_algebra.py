"""Cholesky factors and triangular solves on GPUs, by blocks of 32 rows; matrices of a batch side by side.

A solve is one launch: a program has some columns of the unknown and goes down its blocks, each the right-hand side less
the products with those before, by ``astra.tile_dot``, then solved with the block of the diagonal in registers.
A factor is one launch for each block of columns: every program has a block of rows below and factors the block of the
diagonal along, so that nothing is waited for in between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.cumulative import wide
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.tile_builder import Tile, TileBuilder, TileFunction, block_size, cells

BLOCK = 32
MOST = 1 << 31  # offsets are i32


@dataclass(frozen=True)
class _Matrix:
    """Where elements of the matrices of a batch lie: ``first + row * rows + column * columns``."""

    first: int
    rows: int
    columns: int

    def at(self, base: Tile, row: Tile, column: Tile) -> Tile:
        return base + self.first + row * self.rows + column * self.columns

    @property
    def transposed(self) -> _Matrix:
        return _Matrix(self.first, self.columns, self.rows)

    def reversed(self, rows: int, columns: int) -> _Matrix:
        """With this many rows and columns in the opposite order (0: as they are)."""
        first = self.first + max(0, rows - 1) * self.rows + max(0, columns - 1) * self.columns
        return _Matrix(first, -self.rows if rows else self.rows, -self.columns if columns else self.columns)


class _Blocks:
    """Blocks of matrices in a tile function, in the type in which they are computed."""

    def __init__(self, function: TileFunction, element: ir.Type) -> None:
        self.b: TileBuilder = function.builder
        self.memory, self.compute = element, wide(element, self.b)
        self.row, self.column = self.b.arange(BLOCK)[:, None], self.b.arange(BLOCK)[None, :]

    def load(self, pointer: ir.Value, place: Tile, mask: Tile) -> Tile:
        mask = self.b.broadcast(mask, place.shape)
        return self.b.convert(self.b.load(pointer, place, mask), self.compute)

    def store(self, pointer: ir.Value, place: Tile, value: Tile, mask: Tile) -> None:
        self.b.store(pointer, place, self.b.convert(value, self.memory), self.b.broadcast(mask, place.shape))

    def identity(self, value: Tile, inside: Tile) -> Tile:
        """A block with ones on the diagonal where it is not ``inside``."""
        ones = self.row.eq(self.column).to(self.compute)
        return self.b.select(self.b.broadcast(inside, value.shape), value, ones)

    def picked(self, value: Tile, where: Tile, axis: int) -> Tile:
        """The one row (axis 0) or column (axis 1) where the condition holds."""
        only = self.b.select(self.b.broadcast(where, value.shape), value, 0.0)
        total = self.b.sum(only, axis)
        return total[None, :] if axis == 0 else total[:, None]

    def less_product(self, acc: Tile, left: Tile, right: Tile) -> Tile:
        """``acc - left @ right``."""
        return self.b.dot(0.0 - left, right, acc)


def _refuse(op: ir.Operation) -> None:
    kind = op.results[0].type
    sizes = [math.prod(value.type.shape) for value in (*op.operands, *op.results)]
    if not isinstance(kind.element_type, ir.FloatType) or kind.element_type.width < 16 or max(sizes) >= MOST:
        raise UnsupportedError(f"{source_place(op.location)}: {op.name} of {kind} has no kernel for GPUs")


@gpu_kernel_rule("triangular_solve")
def triangular_solve(op: ir.Operation) -> KernelRequest | None:
    """One kernel per shapes, element type and flags."""
    _refuse(op)
    a, b = (value.type for value in op.operands)
    left, lower, unit, transpose = (
        value_of(op, name) for name in ("left_side", "lower", "unit_diagonal", "transpose_a")
    )
    n = a.shape[-1]
    rows, columns = b.shape[-2:]
    matrix, unknown = _Matrix(0, n, 1), _Matrix(0, columns, 1)
    if transpose != "NO_TRANSPOSE":
        matrix, lower = matrix.transposed, not lower
    if not left:  # x a = b is a^T x^T = b^T
        matrix, lower, unknown = matrix.transposed, not lower, unknown.transposed
    width = columns if left else rows
    if not lower:  # from the last row up
        matrix, unknown = matrix.reversed(n, n), unknown.reversed(n, 0)
    batch = math.prod(a.shape[:-2])
    name = kernel_name("triangular_solve", "gpu", a, b, left, lower, unit, transpose)

    def build() -> str:
        host = HostFunction(name, [buffer_type(kind) for kind in (a, b, b)])
        function = host.tile(0, 1, 2)
        _solve(function, b.element_type, (matrix, unknown), (n, width), unit)
        host.launch(function, "solve", [batch * cells(width, block_size(width, BLOCK, 16))], [0, 1, 2])
        return host.text()

    return KernelRequest(name, list(op.operands), [Out(op.results[0].type)], build)


def _solve(
    function: TileFunction, element: ir.Type, matrices: tuple[_Matrix, _Matrix], sizes: tuple[int, int], unit: bool
) -> None:  # fmt: skip
    (matrix, unknown), (n, width), t = matrices, sizes, _Blocks(function, element)
    b, (a_pointer, b_pointer, x_pointer) = t.b, function.arguments
    columns = block_size(width, BLOCK, 16)
    strips = cells(width, columns)
    number, strip = b.program_id(0) // strips, b.program_id(0) % strips
    a_base, x_base = number * (n * n), number * (n * width)
    column = (strip * columns + b.arange(columns))[None, :]
    own_row = t.row

    def block(first: Tile, _: list[Tile]) -> list[Tile]:
        row = first + own_row
        there = (row < n) & (column < width)
        acc = t.load(b_pointer, unknown.at(x_base, row, column), there)

        def before(other: Tile, state: list[Tile]) -> list[Tile]:
            left = t.load(a_pointer, matrix.at(a_base, row, other + t.column), row < n)
            right = t.load(x_pointer, unknown.at(x_base, other + own_row, column), column < width)
            return [t.less_product(state[0], left, right)]

        (acc,) = b.loop(0, first, BLOCK, [acc], before) if n > BLOCK else [acc]
        inside = (row < n) & (first + t.column <= (row - 1 if unit else row))
        diagonal = t.identity(t.load(a_pointer, matrix.at(a_base, row, first + t.column), inside), row < n)

        def step(j: Tile, state: list[Tile]) -> list[Tile]:
            (acc,) = state
            here = own_row.eq(j)
            found = t.picked(acc, here, 0)
            factors = t.picked(diagonal, t.column.eq(j), 1)
            if not unit:
                pivot = b.sum(b.select(here, factors, 0.0), 0)[None, :]
                found = found / pivot
            rest = b.select(own_row > j, acc - factors * found, acc)
            return [b.select(here, b.broadcast(found, acc.shape), rest)]

        (acc,) = b.loop(0, BLOCK, 1, [acc], step)
        t.store(x_pointer, unknown.at(x_base, row, column), acc, there)
        return []

    b.loop(0, n, BLOCK, [], block)


@gpu_kernel_rule("cholesky")
def cholesky(op: ir.Operation) -> KernelRequest | None:
    """One kernel per shape, element type and triangle."""
    _refuse(op)
    kind, lower = op.operands[0].type, value_of(op, "lower")
    n, batch = kind.shape[-1], math.prod(kind.shape[:-2])
    name = kernel_name("cholesky", "gpu", kind, lower)

    def build() -> str:
        host = HostFunction(name, [buffer_type(kind)] * 2)
        function = host.tile(0, 1, scalars=1)
        matrix = _Matrix(0, n, 1) if lower else _Matrix(0, 1, n)
        _factor(function, kind.element_type, matrix, n, batch)
        symbol = host.add(function, "cholesky")
        for first in range(0, n, BLOCK):
            host.repeat(symbol, [batch * cells(n - first, BLOCK)], [0, 1], [first])
        return host.text()

    return KernelRequest(name, [op.operands[0]], [Out(op.results[0].type)], build)


def _factor(function: TileFunction, element: ir.Type, matrix: _Matrix, n: int, batch: int) -> None:
    """The block of columns from the scalar on; a program has a block of rows."""
    t = _Blocks(function, element)
    b, (source, target, scalar) = t.b, function.arguments
    first = b.wrap(scalar)
    program = b.program_id(0)
    base = program % batch * (n * n)
    begin = first + program // batch * BLOCK
    row, column = begin + t.row, first + t.column
    top = first + t.row

    def pair(state: Sequence[Tile], other: Tile) -> list[Tile]:
        right = t.load(target, matrix.at(base, column, other + t.row), column < n)
        lefts = (
            t.load(target, matrix.at(base, rows, other + t.column), rows < n) for rows in (top, row)
        )  # fmt: skip
        return [t.less_product(acc, left, right) for acc, left in zip(state, lefts, strict=True)]

    high, low = b.maximum(top, column), b.minimum(top, column)  # the triangle above is not read
    diagonal = t.load(source, matrix.at(base, high, low), (top < n) & (column < n))
    own_high, own_low = b.maximum(row, column), b.minimum(row, column)
    own = t.load(source, matrix.at(base, own_high, own_low), (row < n) & (column < n))
    diagonal, own = b.loop(0, first, BLOCK, [diagonal, own], lambda other, state: pair(state, other))
    diagonal = t.identity(diagonal, (top < n) & (column < n))

    def step(j: Tile, state: list[Tile]) -> list[Tile]:
        diagonal, own = state
        is_row, is_column, behind = t.row.eq(j), t.column.eq(j), t.column > j
        line = t.picked(diagonal, is_row, 0)
        pivot = b.math("sqrt", b.sum(b.select(is_column, line, 0.0), 1)[:, None])
        line = line / pivot
        results = []
        for block in (diagonal, own):
            found = t.picked(block, is_column, 1) / pivot
            rest = b.select(behind, block - found * line, block)
            results.append(b.select(is_column, b.broadcast(found, block.shape), rest))
        return results

    diagonal, own = b.loop(0, BLOCK, 1, [diagonal, own], step)
    t.store(target, matrix.at(base, row, column), own, (row < n) & (column <= row))
