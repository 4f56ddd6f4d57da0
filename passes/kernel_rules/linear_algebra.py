"""Kernels of ``astra.cholesky`` and ``astra.triangular_solve``: batched, real and complex.

Both are left-looking: an unknown is its right-hand side less the products of what is known, then divided by the
diagonal.  Where rows of the unknown are contiguous, a strip of columns is accumulated in vector registers; a single
column or row is a dot product or an update along the contiguous direction of the matrix.
"""

from __future__ import annotations

import math
from functools import partial

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.field import Field, Number
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import (
    Element,
    Function,
    element_of,
    memref_type,
    parallel_calls,
    refuse,
    reshaped,
    shape_of,
)

LANES = 8
WIDE = 4  # vectors that a strip of columns accumulates
TASK = 1 << 17  # multiplications that make a task (about 50 us)


def _check_element(op: ir.Operation) -> Element:
    element = element_of(op.results[0].type)
    if element.kind == "complex" or element.storage in ("f16", "bf16", "f32", "f64"):
        return element
    raise refuse(op, f"element type {element.storage}", "convert to f32")


def _tasks(units: int, work: int) -> tuple[int, int]:
    """Tasks, and units to a task, for ``units`` of ``work`` multiplications each."""
    each = max(1, TASK // max(work, 1))
    return -(-units // each), each


def _part(f: Function, each: int, units: int) -> tuple[int | str, str]:
    begin = f.mul("%task", each)
    return begin, f.binary("arith.minsi", f.add(begin, each), units)


# --- triangular_solve --------------------------------------------------------------------------------------------


@kernel_rule("triangular_solve")
def triangular_solve(op: ir.Operation) -> KernelRequest:
    """One kernel per shapes, element type and flags; the right-hand side is overwritten by the solution."""
    a, b = op.operands
    element = _check_element(op)
    flags = tuple(value_of(op, name) for name in ("left_side", "lower", "unit_diagonal", "transpose_a"))
    name = kernel_name("triangular_solve", shape_of(a), shape_of(b), element, flags)
    kernel = _TriangularSolve(name, shape_of(a), shape_of(b), element, *flags)
    return KernelRequest(name, [a], [Out(op.results[0].type, b)], kernel.text)


class _TriangularSolve:
    """Writes one kernel; ``%a`` is batch x n x n, ``%x`` batch x rows x columns."""

    def __init__(
        self, name: str, a_shape: list[int], b_shape: list[int], element: Element, left: bool, lower: bool, unit: bool,
        transpose: str,
    ) -> None:  # fmt: skip
        self.name, self.a_shape, self.b_shape, self.element = name, a_shape, b_shape, element
        self.left, self.unit, self.adjoint = left, unit, transpose == "ADJOINT"
        transposed = transpose != "NO_TRANSPOSE"
        self.forward = (lower != transposed) == left
        # Whether the coefficient of known k in the equation of unknown t is a[t, k] (else a[k, t]).
        self.direct = left != transposed
        self.batch, self.n = math.prod(a_shape[:-2]), a_shape[-1]
        self.rows, self.columns = b_shape[-2:]

    def text(self) -> str:
        """The kernel and its tasks."""
        types = [memref_type(shape, self.element.storage) for shape in (self.a_shape, self.b_shape)]
        f = Function(self.name, [("%a", types[0]), ("%x", types[1])])
        if math.prod(self.b_shape) == 0:
            return f.text()
        strips = self._strips() if self.left else [(0, self.rows, 0, 0)]
        texts = []
        for number, (first, count, lanes, width) in enumerate(strips):
            step = max(lanes, 1) * max(width, 1)
            units = self.batch * (count // step)
            tasks, each = _tasks(units, self.n * self.n * step // 2)
            task = Function(f"{self.name}_{number}", [("%task", "index"), *f.arguments])
            views = self._views(task, types)
            with task.loop(*_part(task, each, units)) as unit:
                batch = task.binary("arith.divui", unit, count // step)
                place = task.add(first, task.mul(task.binary("arith.remui", unit, count // step), step))
                if lanes:
                    self._strip(task, views, batch, place, lanes, width)
                else:
                    self._vector(task, views, batch, place)
            parallel_calls(f, tasks, task.name)
            texts.append(task.text())
        return "\n".join([f.text(), *texts])

    def _strips(self) -> list[tuple[int, int, int, int]]:
        """The columns as (first, count, lanes, vectors): wide strips, then narrow ones, then single columns."""
        if not self.element.vectorizable:
            return [(0, self.columns, 0, 0)]
        strips, first = [], 0
        for width in (WIDE, 1):
            count = (self.columns - first) // (LANES * width) * (LANES * width)
            if count:
                strips.append((first, count, LANES, width))
                first += count
        return strips + ([(first, self.columns - first, 0, 0)] if first < self.columns else [])

    def _views(self, f: Function, types: list[str]) -> tuple[tuple[str, str], tuple[str, str]]:
        storage = self.element.storage
        a = reshaped(f, "%a", types[0], [self.batch, self.n, self.n], storage)
        return a, reshaped(f, "%x", types[1], [self.batch, self.rows, self.columns], storage)

    def _coefficient(
        self, field: Field, view: tuple[str, str], batch: str, target: int | str, known: int | str
    ) -> Number:
        at = [target, known] if self.direct else [known, target]
        number = field.load(view[0], [batch, *at], view[1])
        return field.conjugate(number) if self.adjoint else number

    def _order(self, f: Function, i: str) -> int | str:
        return i if self.forward else f.subtract(self.n - 1, i)

    def _strip(
        self, f: Function, views: tuple[tuple[str, str], tuple[str, str]], batch: str, column: int | str, lanes: int,
        width: int,
    ) -> None:  # fmt: skip
        """Solve for ``width`` vectors of columns."""
        scalar, vector = Field(f, self.element), Field(f, self.element, lanes)
        (a, x), offsets = views, [v * lanes for v in range(width)]

        def row(target: int | str) -> list[str]:
            return [vector.load(x[0], [batch, target, f.add(column, o)], x[1])[0] for o in offsets]

        with f.loop(0, self.n) as i:
            target = self._order(f, i)

            def less(k: str, sums: list[str], target: int | str = target) -> list[str]:
                known = self._order(f, k)
                factor = vector.spread(self._coefficient(scalar, a, batch, target, known))
                return [
                    vector.subtract((total,), vector.multiply(factor, (value,)))[0]
                    for total, value in zip(sums, row(known), strict=True)
                ]

            sums = f.carry(0, i, [(value, vector.type) for value in row(target)], less)
            if not self.unit:
                diagonal = vector.spread(self._coefficient(scalar, a, batch, target, target))
                sums = [vector.divide((total,), diagonal)[0] for total in sums]
            for total, offset in zip(sums, offsets, strict=True):
                vector.store((total,), x[0], [batch, target, f.add(column, offset)], x[1])

    def _vector(
        self, f: Function, views: tuple[tuple[str, str], tuple[str, str]], batch: str, place: int | str
    ) -> None:
        """Solve for one column (left side) or one row (right side)."""
        a, x = views
        field = Field(f, self.element, reassociate=True)

        def at(position: int | str) -> list[int | str]:
            return [batch, position, place] if self.left else [batch, place, position]

        def finish(target: int | str, total: Number) -> Number:
            if not self.unit:
                total = field.divide(total, self._coefficient(field, a, batch, target, target))
                field.store(total, x[0], at(target), x[1])
            elif self.direct:
                field.store(total, x[0], at(target), x[1])
            return total

        with f.loop(0, self.n) as i:
            target = self._order(f, i)
            start = field.load(x[0], at(target), x[1])
            if self.direct:
                # What is known lies in one range, walked upwards along a row of the matrix.
                lower, upper = (0, i) if self.forward else (f.add(target, 1), self.n)

                def less(k: str, sums: list[str], target: int | str = target) -> list[str]:
                    factor = self._coefficient(field, a, batch, target, k)
                    return list(field.subtract(tuple(sums), field.multiply(factor, field.load(x[0], at(k), x[1]))))

                inits = list(zip(start, field.types, strict=True))
                finish(target, tuple(f.carry(lower, upper, inits, less)))
            else:
                solved = finish(target, start)
                with f.loop(*((f.add(target, 1), self.n) if self.forward else (0, target))) as k:
                    factor = self._coefficient(field, a, batch, k, target)
                    total = field.subtract(field.load(x[0], at(k), x[1]), field.multiply(factor, solved))
                    field.store(total, x[0], at(k), x[1])


# --- cholesky ----------------------------------------------------------------------------------------------------


@kernel_rule("cholesky")
def cholesky(op: ir.Operation) -> KernelRequest:
    """One kernel per shape, element type and triangle."""
    a = op.operands[0]
    element, lower = _check_element(op), value_of(op, "lower")
    name = kernel_name("cholesky", shape_of(a), element, lower)
    return KernelRequest(
        name, [a], [Out(op.results[0].type)], partial(_cholesky_text, name, shape_of(a), element, lower)
    )


def _cholesky_text(name: str, shape: list[int], element: Element, lower: bool) -> str:
    """The other triangle is zero; a matrix that is not positive definite gives NaN everywhere."""
    type_, n, batch = memref_type(shape, element.storage), shape[-1], math.prod(shape[:-2])
    f = Function(name, [("%a", type_), ("%l", type_)])
    if not batch * n:
        return f.text()
    tasks, each = _tasks(batch, n * n * n // 6)
    task = Function(f"{name}_task", [("%task", "index"), *f.arguments])
    a, view = reshaped(task, "%a", type_, [batch, n, n], element.storage)
    factor = reshaped(task, "%l", type_, [batch, n, n], element.storage)[0]
    with task.loop(*_part(task, each, batch)) as b:
        rows = _lower_rows if lower else _upper_rows
        good = rows(task, element, a, factor, view, b, n)
        failed = task.binary("arith.xori", good, task.constant("true", "i1"), "i1")
        with task.when(failed), task.loop(0, n) as i, task.loop(0, n) as j:
            field = Field(task, element)
            nan = {"f32": "0x7FC00000", "f64": "0x7FF8000000000000"}[field.part]
            field.store(tuple(task.constant(nan, type_) for type_ in field.types), factor, [b, i, j], view)
    parallel_calls(f, tasks, task.name)
    return f"{f.text()}\n{task.text()}"


def _pivot(f: Function, field: Field, total: str) -> tuple[Number, str]:
    """The diagonal element for what is left of the pivot, and whether that is positive."""
    root = f.value(f"math.sqrt {total} : {field.part}")
    zero = f.constant("0.0", field.part)
    good = f.value(f"arith.cmpf ogt, {total}, {zero} : {field.part}")
    return (root, zero) if field.complex else (root,), good


def _lower_rows(f: Function, element: Element, a: str, factor: str, view: str, b: str, n: int) -> str:
    """Row by row: each element is a dot product of two rows of the factor."""
    field = Field(f, element, reassociate=True)

    def row(i: str, good: list[str]) -> list[str]:
        with f.loop(0, i) as j:

            def less(k: str, sums: list[str]) -> list[str]:
                mine, other = (field.load(factor, [b, r, k], view) for r in (i, j))
                return list(field.subtract(tuple(sums), field.multiply(mine, field.conjugate(other))))

            start = field.load(a, [b, i, j], view)
            total = tuple(f.carry(0, j, list(zip(start, field.types, strict=True)), less))
            field.store(field.divide(total, field.load(factor, [b, j, j], view)), factor, [b, i, j], view)

        def less_square(k: str, sums: list[str]) -> list[str]:
            square = field.square_of_modulus(field.load(factor, [b, i, k], view))
            return list(field.subtract((sums[0],), (square,)))

        diagonal = field.load(a, [b, i, i], view)[0]
        (left,) = f.carry(0, i, [(diagonal, field.part)], less_square)
        pivot, positive = _pivot(f, field, left)
        field.store(pivot, factor, [b, i, i], view)
        with f.loop(f.add(i, 1), n) as j:
            field.store(field.zero(), factor, [b, i, j], view)
        return [f.value(f"arith.andi {good[0]}, {positive} : i1")]

    return f.carry(0, n, [(f.constant("true", "i1"), "i1")], row)[0]


def _upper_rows(f: Function, element: Element, a: str, factor: str, view: str, b: str, n: int) -> str:
    """Row by row: the rows above, scaled, are taken from the matrix's row along its contiguous direction."""
    field = Field(f, element)

    def row(i: str, good: list[str]) -> list[str]:
        with f.loop(0, i) as j:
            field.store(field.zero(), factor, [b, i, j], view)
        with f.loop(i, n) as j:
            field.store(field.load(a, [b, i, j], view), factor, [b, i, j], view)
        with f.loop(0, i) as k:
            scale = field.conjugate(field.load(factor, [b, k, i], view))
            with f.loop(i, n) as j:
                product = field.multiply(scale, field.load(factor, [b, k, j], view))
                field.store(field.subtract(field.load(factor, [b, i, j], view), product), factor, [b, i, j], view)
        pivot, positive = _pivot(f, field, field.load(factor, [b, i, i], view)[0])
        field.store(pivot, factor, [b, i, i], view)
        with f.loop(f.add(i, 1), n) as j:
            field.store(field.divide(field.load(factor, [b, i, j], view), pivot), factor, [b, i, j], view)
        return [f.value(f"arith.andi {good[0]}, {positive} : i1")]

    return f.carry(0, n, [(f.constant("true", "i1"), "i1")], row)[0]
