"""``astra-expand-fft``: Fourier transforms as products with matrices of roots of unity, where products are fast.

A line of n = n1 n2 points is transformed along n1, multiplied by roots of unity and transformed along n2 (Cooley and
Tukey), until the lengths are at most 64: those are one product of real and imaginary parts side by side.  Lengths with
a prime factor above 128 are convolutions with a chirp (Bluestein) of a power of two.  Stands before
``astra-split-complex``; tables are computed in f64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.simplify_rules.core import Rewriter
from astra_mlir.passes.traversal import walk

__all__ = ["ExpandFft"]

LONGEST = 64  # points of a transform that is one product
LARGEST_PRIME = 128

Parts = tuple[ir.Value, "ir.Value | None"]  # no imaginary part: zeros


def _factor(n: int) -> int:
    """The largest divisor that is a product of its own; 0: there is none."""
    for divisor in range(min(LONGEST, n), 1, -1):
        if n % divisor == 0:
            return divisor
    return n if n <= LARGEST_PRIME else 0


def _is_smooth(n: int) -> bool:
    while n > 1:
        factor = _factor(n)
        if not factor:
            return False
        n //= factor
    return True


class _Transforms:
    """Builds transforms of lines, [batch, n], in front of an operation."""

    def __init__(self, op: ir.Operation, element: ir.Type) -> None:
        self.b, self.element = Rewriter(), element
        self.b.at(op)

    def constant(self, array: np.ndarray) -> ir.Value:
        return self.b.constant(array, self.b.type(array.shape, self.element))

    def arithmetic(self, name: str, x: ir.Value, y: ir.Value) -> ir.Value:
        return self.b.build(name, (x, y), x.type)

    def times(self, parts: Parts, table: np.ndarray) -> Parts:
        """Each line multiplied by a table of complex numbers of its shape."""
        re, im = parts
        tables = []
        for part in (table.real, table.imag):
            rank = len(re.type.shape)
            dimensions = list(range(rank - table.ndim, rank))
            small = self.constant(np.ascontiguousarray(part))
            tables.append(self.b.build("broadcast", (small,), re.type, dimensions=dimensions))
        a, b = (self.arithmetic("multiply", re, t) for t in tables)
        if im is None:
            return a, b
        c, d = (self.arithmetic("multiply", im, t) for t in reversed(tables))
        return self.arithmetic("subtract", a, c), self.arithmetic("add", b, d)

    def cut(self, value: ir.Value, begin: int, end: int, axis: int) -> ir.Value:
        shape = list(value.type.shape)
        starts, limits = [0] * len(shape), list(shape)
        starts[axis], limits[axis] = begin, end
        shape[axis] = end - begin
        return self.b.build(
            "slice", (value,), self.b.type(shape, self.element), start_indices=starts, limit_indices=limits,
            strides=[1] * len(shape),
        )  # fmt: skip

    def join(self, values: Sequence[ir.Value], axis: int) -> ir.Value:
        shape = list(values[0].type.shape)
        shape[axis] = sum(value.type.shape[axis] for value in values)
        return self.b.build("concatenate", values, self.b.type(shape, self.element), dimension=axis)

    def permuted(self, value: ir.Value, order: Sequence[int]) -> ir.Value:
        shape = [value.type.shape[i] for i in order]
        return self.b.build("transpose", (value,), self.b.type(shape, self.element), permutation=list(order))

    def each(self, parts: Parts, function: object, *arguments: object) -> Parts:
        re, im = parts
        return function(re, *arguments), None if im is None else function(im, *arguments)  # type: ignore[operator]

    def product(self, parts: Parts, n: int, sign: int) -> Parts:
        """Transforms of ``n`` points along dimension 1 of [batch, n, rest], which becomes the last one."""
        angle = 2 * math.pi * (np.outer(np.arange(n), np.arange(n)) % n) / n
        c, s = np.cos(angle), sign * np.sin(angle)
        re, im = parts
        x = re if im is None else self.join([re, im], 1)
        matrix = np.block([[c, s]]) if im is None else np.block([[c, s], [-s, c]])
        batch, _, rest = x.type.shape
        y = self.b.build(
            "dot_general", (x, self.constant(matrix)), self.b.type([batch, rest, 2 * n], self.element),
            lhs_batching_dimensions=[], rhs_batching_dimensions=[], lhs_contracting_dimensions=[1],
            rhs_contracting_dimensions=[0], precision="HIGHEST",
        )  # fmt: skip
        return self.cut(y, 0, n, 2), self.cut(y, n, 2 * n, 2)

    def lines(self, parts: Parts, sign: int) -> tuple[ir.Value, ir.Value]:
        """The transforms of all lines of [batch, n], with exp(sign 2 pi i j k / n)."""
        batch, n = parts[0].type.shape
        if n == 1:
            re, im = parts
            return re, im if im is not None else self.b.splat(0.0, re.type)
        if not _is_smooth(n):
            return self.chirp(parts, sign)
        n1 = _factor(n)
        n2 = n // n1
        re, im = self.product(self.each(parts, self.b.reshape, [batch, n1, n2]), n1, sign)
        if n2 == 1:
            return self.b.reshape(re, [batch, n]), self.b.reshape(im, [batch, n])  # type: ignore[arg-type]
        table = np.exp(sign * 2j * np.pi * np.outer(np.arange(n2), np.arange(n1)) / n)
        parts = self.each(self.times((re, im), table), self.permuted, [0, 2, 1])
        parts = self.lines(self.each(parts, self.b.reshape, [batch * n1, n2]), sign)
        parts = self.each(self.each(parts, self.b.reshape, [batch, n1, n2]), self.permuted, [0, 2, 1])
        re, im = self.each(parts, self.b.reshape, [batch, n])
        assert im is not None
        return re, im

    def chirp(self, parts: Parts, sign: int) -> tuple[ir.Value, ir.Value]:
        """j k = (j^2 + k^2 - (k - j)^2) / 2: a convolution with a chirp, done by transforms of a power of two."""
        batch, n = parts[0].type.shape
        m = 1 << (2 * n - 2).bit_length()
        squares = np.arange(n, dtype=np.int64) ** 2 % (2 * n)
        chirp = np.exp(sign * 1j * np.pi * squares / n)
        other = np.zeros(m, np.complex128)
        other[:n] = chirp.conj()
        other[m - n + 1 :] = chirp.conj()[1:][::-1]
        x = self.times(parts, chirp)
        zeros = self.b.splat(0.0, self.b.type([batch, m - n], self.element))
        x = self.each(x, lambda part: self.join([part, zeros], 1))
        x = self.times(self.lines(x, -1), np.fft.fft(other) / m)
        x = self.each(self.lines(x, 1), self.cut, 0, n, 1)
        re, im = self.times(x, chirp)
        assert im is not None
        return re, im

    def along(self, parts: Parts, axis: int, sign: int) -> tuple[ir.Value, ir.Value]:
        """The transforms along a dimension."""
        shape = list(parts[0].type.shape)
        rank = len(shape)
        order = [d for d in range(rank) if d != axis] + [axis]
        back = [order.index(d) for d in range(rank)]
        moved = [shape[d] for d in order]
        if axis != rank - 1:
            parts = self.each(parts, self.permuted, order)
        n = shape[axis]
        parts = self.lines(self.each(parts, self.b.reshape, [math.prod(moved[:-1]), n]), sign)
        parts = self.each(parts, self.b.reshape, moved)
        re, im = self.each(parts, self.permuted, back) if axis != rank - 1 else parts
        assert im is not None
        return re, im

    def whole(self, parts: tuple[ir.Value, ir.Value], n: int) -> tuple[ir.Value, ir.Value]:
        """All n points of a real signal's transform from the first half."""
        axis = len(parts[0].type.shape) - 1
        if n < 3:
            return parts[0], parts[1]
        found = []
        for part, negative in zip(parts, (False, True), strict=True):
            rest = self.cut(part, 1, (n + 1) // 2, axis)
            rest = self.b.build("reverse", (rest,), rest.type, dimensions=[axis])
            found.append(self.join([part, self.b.build("negate", (rest,), rest.type) if negative else rest], axis))
        return found[0], found[1]


def _expand(op: ir.Operation) -> None:
    kind, lengths = value_of(op, "fft_type"), int_list(op, "fft_length")
    (operand,), result = op.operands, op.results[0]
    real = operand.type.element_type if kind == "RFFT" else operand.type.element_type.element_type
    t = _Transforms(op, real)
    rank = len(operand.type.shape)
    axes = list(range(rank - len(lengths), rank))
    b, sign = t.b, 1 if kind in ("IFFT", "IRFFT") else -1
    parts: Parts = (operand, None)
    if kind != "RFFT":
        part = b.type(operand.type.shape, real)
        parts = b.build("real", (operand,), part), b.build("imag", (operand,), part)
    if kind == "RFFT":
        parts = t.along(parts, axes[-1], sign)
        parts = t.each(parts, t.cut, 0, lengths[-1] // 2 + 1, axes[-1])
    for axis in axes[:-1]:
        parts = t.along(parts, axis, sign)
    if kind == "IRFFT":
        parts = t.whole(parts, lengths[-1])  # type: ignore[arg-type]
    if kind != "RFFT":
        parts = t.along(parts, axes[-1], sign)
    re, im = parts
    if sign > 0:
        scale = b.splat(1.0 / math.prod(lengths), re.type)
        re, im = t.each((re, im), lambda part: t.arithmetic("multiply", part, scale))
    new = re if kind == "IRFFT" else b.build("complex", (re, im), result.type)
    result.replace_all_uses_with(new)
    op.erase()


@register_pass
@dataclass(frozen=True)
class ExpandFft(Pass):
    """Write Fourier transforms as products with tables.

    Before::

        %0 = "astra.fft"(%x) {fft_type = "RFFT", fft_length = array<i64: 8>}
            : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>

    After::

        %m = "astra.constant"() {value = dense<...> : tensor<8x16xf32>} : () -> tensor<8x16xf32>  // cosines and sines
        %y = "astra.dot_general"(%x, %m) {..., precision = "HIGHEST"} : (...) -> tensor<4x1x16xf32>
        %0 = "astra.complex"(...)  // slices of %y
    """

    name: ClassVar[str] = "astra-expand-fft"
    summary: ClassVar[str] = "write Fourier transforms as products with matrices of roots of unity"

    def run(self, module: ir.Operation) -> None:
        for view in module.regions[0].blocks[0].operations:
            for region in view.operation.regions:
                for block in region.blocks:
                    for op in [op for op in walk(block) if op.name == "astra.fft"]:
                        if 0 not in op.results[0].type.shape:
                            _expand(op)
