"""Matrix products of complex numbers as products of real ones twice as wide: every schedule of those serves both.

In memory a complex matrix is a real one with the two parts of a number side by side.  With ``w[k, n]`` written out as
the 2 x 2 matrix ``[[re, im], [-im, re]]`` the product ``x @ w`` is the real product of the rows of x as they lie with
that, and its rows are the result as it lies.  Only the right operand is copied, to twice its size.  Where rows are few
that would be most of the work; then the parts of the left operand are separated instead, and the products of either
with the right one, as it lies, are added in the end.

``products.py`` asks for the schedule; the kernel writes its copies, calls the kernel of the real product, and adds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm import Gemm
from astra_mlir.passes.kernel_rules.gemm_levels import Level, level_offset, merge_levels
from astra_mlir.passes.target import Target

if TYPE_CHECKING:
    from astra_mlir.passes.kernel_rules.products import Schedule

__all__ = ["ComplexSchedule", "part_of", "schedule_complex"]

TASK_ELEMENTS = 1 << 14  # complex numbers copied or added in a task of at least 20 us

Write = Callable[[str, int, Index], None]  # a vector, how many numbers it has, where the first goes


def part_of(element: str) -> str:
    """The type of the parts of a complex element type.

    >>> part_of("complex<f32>")
    'f32'
    """
    return element.removeprefix("complex<").removesuffix(">")


@dataclass(frozen=True)
class ComplexSchedule:
    """A :class:`Gemm` of complex numbers, and how the real product it becomes is run."""

    gemm: Gemm
    separate: bool  # the parts of the left operand, instead of writing out the right one
    copy_lhs: bool  # its steps are not side by side
    target: Target
    product: Schedule

    @property
    def part(self) -> str:
        return part_of(self.gemm.lhs)

    @property
    def _copies(self) -> list[int]:
        batches, rows, columns, steps = self.gemm.sizes
        if self.separate:
            return [2 * batches * rows * steps, 4 * batches * rows * columns]
        return [4 * batches * columns * steps] + [2 * batches * rows * steps] * self.copy_lhs

    @property
    def scratch(self) -> tuple[int, ...]:
        """Real elements of each scratch array: the copies, and what the real product needs."""
        return (*self._copies, *self.product.scratch)

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str) -> str:
        """The functions: ``@name(lhs, rhs, result, scratch...)`` and all that it calls."""
        arguments = [("%lhs_array", lhs_type), ("%rhs_array", rhs_type), ("%result_array", result_type)]
        scratch = [(f"%scratch{i}", f"memref<{size}x{self.part}>") for i, size in enumerate(self.scratch)]
        f = FunctionText(name, [*arguments, *scratch])
        real = {array: self._as_parts(f, array, type) for array, type in arguments}
        real |= {array: (array, type) for array, type in scratch}
        flat = {
            array: f.value(f"memref.cast {value} : {type} to memref<?x{self.part}>")
            for array, (value, type) in real.items()
        }
        lhs, rhs = ("%rhs_array", "%lhs_array") if self.gemm.is_swapped else ("%lhs_array", "%rhs_array")
        if self.separate:
            left, right, result = "%scratch0", rhs, "%scratch1"
            self._separate(f, flat[lhs], flat[left])
        else:
            left, right, result = ("%scratch1" if self.copy_lhs else lhs), "%scratch0", "%result_array"
            self._write_out(f, flat[rhs], flat[right])
            if self.copy_lhs:
                self._copy(f, flat[lhs], flat[left])
        passed = [real[left], real[right], real[result], *(real[x] for x, _ in scratch[len(self._copies) :])]
        f.call(f"{name}_parts", passed)
        if self.separate:
            self._combine(f, flat[result], flat["%result_array"])
        product = self.product.text(f"{name}_parts", *(type for _, type in passed[:3]))
        return f"{product}\n\n{f.text()}"

    # --- memory ------------------------------------------------------------------------------------------------------

    def _as_parts(self, f: FunctionText, array: str, type: str) -> tuple[str, str]:
        """The parts of a complex array in a row, with their type.

        No operation on memrefs changes the element type: the cast folds when both have become the same LLVM type.
        """
        shape = type.removeprefix("memref<").partition("complex")[0]
        count = prod(int(size) for size in shape.split("x") if size)
        row_type, part_type = f"memref<{count}x{self.gemm.lhs}>", f"memref<{2 * count}x{self.part}>"
        row = f.value(
            f"memref.reinterpret_cast {array} to offset: [0], sizes: [{count}], strides: [1] : {type} to {row_type}"
        )
        return f.value(f"builtin.unrealized_conversion_cast {row} : {row_type} to {part_type}"), part_type

    def _for_each(
        self, f: FunctionText, source: str, base: int, levels: Sequence[Level], inner: Level, write: Write
    ) -> None:
        """Visit the numbers of an operand in tasks, several neighbours at once where ``inner`` has no stride.

        ``levels`` and ``inner`` are (size, stride in the operand in numbers, stride in the copy in parts).
        """
        size, step, to_step = inner
        count = prod(level[0] for level in levels)
        group = max(1, TASK_ELEMENTS // size)
        numbers = self.target.lanes(32) // 2 if step == 1 else 1
        with f.grouped(count, group, sequential=2 * group) as unit:
            at = f.mul(f.add(base, level_offset(f, levels, unit, 1)), 2)
            to = level_offset(f, levels, unit, 2)
            whole = size // numbers * numbers
            for start, end, width in ((0, whole, numbers), (whole, size, 1)):
                if start == end:
                    continue
                kind = f"vector<{2 * width}x{self.part}>"
                with f.loop(start, end, width) as i:
                    place = f.ssa(f.add(at, f.mul(i, 2 * step)))
                    value = f.value(f"vector.load {source}[{place}] : memref<?x{self.part}>, {kind}")
                    write(value, width, f.add(to, f.mul(i, to_step)))

    def _store(self, f: FunctionText, value: str, lanes: int, array: str, at: Index) -> None:
        f.line(f"vector.store {value}, {array}[{f.ssa(at)}] : memref<?x{self.part}>, vector<{lanes}x{self.part}>")

    def _signed(self, f: FunctionText, value: str, numbers: int, re: int, im: int) -> str:
        """Both parts times 1 or -1."""
        kind = f"vector<{2 * numbers}x{self.part}>"
        signs = f.constant(f"dense<[{', '.join([f'{re}.0', f'{im}.0'] * numbers)}]>", kind)
        return f.value(f"arith.mulf {value}, {signs} : {kind}")

    def _exchanged(self, f: FunctionText, value: str, numbers: int) -> str:
        """(im, re) of each number."""
        kind = f"vector<{2 * numbers}x{self.part}>"
        return f.value(f"vector.shuffle {value}, {value} {[i ^ 1 for i in range(2 * numbers)]} : {kind}, {kind}")

    # --- what is copied ----------------------------------------------------------------------------------------------

    def _write_out(self, f: FunctionText, source: str, to: str) -> None:
        """The right operand as [k, 2, n, 2] where its columns are side by side, else as [n, 2, k, 2]."""
        levels, inner = _copy_levels(self.gemm, 2, _written_strides(self.gemm))
        numbers_apart = 2 * self.gemm.sizes[2 if _columns_are_adjacent(self.gemm) else 3]

        def write(value: str, numbers: int, at: Index) -> None:
            rows = [value, self._signed(f, self._exchanged(f, value, numbers), numbers, -1, 1)]
            if not _columns_are_adjacent(self.gemm):
                rows = [self._signed(f, value, numbers, 1, -1), self._exchanged(f, value, numbers)]
            for i, row in enumerate(rows):
                self._store(f, row, 2 * numbers, to, f.add(at, i * numbers_apart))

        self._for_each(f, source, self.gemm.bases[1], levels, inner, write)

    def _copy(self, f: FunctionText, source: str, to: str) -> None:
        """The left operand as [m, k, 2]; its columns are the steps."""
        _, rows, _, steps = self.gemm.sizes
        levels, inner = _copy_levels(self.gemm, 1, (2 * rows * steps, 2 * steps, 2))
        width = f"vector<2x{self.part}>"

        def write(value: str, numbers: int, at: Index) -> None:
            for i in range(numbers):
                pair = value
                if numbers > 1:
                    kind = f"vector<{2 * numbers}x{self.part}>"
                    pair = f.value(
                        f"vector.extract_strided_slice {value} "
                        f"{{offsets = [{2 * i}], sizes = [2], strides = [1]}} : {kind} to {width}"
                    )
                self._store(f, pair, 2, to, f.add(at, i * inner[2]))

        self._for_each(f, source, self.gemm.bases[0], levels, inner, write)

    def _separate(self, f: FunctionText, source: str, to: str) -> None:
        """The left operand as [m, 2, k]."""
        _, rows, _, steps = self.gemm.sizes
        levels, inner = _copy_levels(self.gemm, 1, (2 * rows * steps, 2 * steps, 1))

        def write(value: str, numbers: int, at: Index) -> None:
            kind = f"vector<{2 * numbers}x{self.part}>"
            for i in range(numbers):
                for part in range(2):
                    element = f.value(f"vector.extract {value}[{2 * i + part}] : {self.part} from {kind}")
                    place = f.ssa(f.add(at, i * inner[2], part * steps))
                    f.line(f"memref.store {element}, {to}[{place}] : memref<?x{self.part}>")

        self._for_each(f, source, self.gemm.bases[0], levels, inner, write)

    def _combine(self, f: FunctionText, source: str, to: str) -> None:
        """The result from its products [m, 2, n, 2] with the real and with the imaginary parts of the left operand."""
        batches, rows, columns, _ = self.gemm.sizes
        group = max(1, TASK_ELEMENTS // columns)
        numbers = self.target.lanes(32) // 2
        with f.grouped(batches * rows, group, sequential=2 * group) as unit:
            batch, row = f.delinearize(unit, (batches, rows))
            at = f.mul(unit, 4 * columns)
            place = f.mul(f.add(level_offset(f, self.gemm.batch, batch, 3), f.mul(row, self.gemm.row_stride)), 2)
            whole = columns // numbers * numbers
            for start, end, width in ((0, whole, numbers), (whole, columns, 1)):
                if start == end:
                    continue
                kind = f"vector<{2 * width}x{self.part}>"
                with f.loop(start, end, width) as i:
                    parts = [f.ssa(f.add(at, f.mul(i, 2), part * 2 * columns)) for part in range(2)]
                    re, im = (f.value(f"vector.load {source}[{x}] : memref<?x{self.part}>, {kind}") for x in parts)
                    im = self._signed(f, self._exchanged(f, im, width), width, -1, 1)
                    total = f.value(f"arith.addf {re}, {im} : {kind}")
                    self._store(f, total, 2 * width, to, f.add(place, f.mul(i, 2)))


def _columns_are_adjacent(gemm: Gemm) -> bool:
    return bool(gemm.n) and gemm.n[-1][1] == 1


def _steps_are_adjacent(gemm: Gemm) -> bool:
    return gemm.k[-1][1] == 1


def _written_strides(gemm: Gemm) -> tuple[int, int, int]:
    """Strides of a batch element, of the columns and of the steps in the right operand written out, in parts."""
    _, _, columns, steps = gemm.sizes
    if _columns_are_adjacent(gemm):
        return 4 * columns * steps, 2, 4 * columns
    return 4 * columns * steps, 4 * steps, 2


def _copy_levels(gemm: Gemm, operand: int, strides: tuple[int, int, int]) -> tuple[list[Level], Level]:
    """The levels of an operand as (size, stride in it, stride in its copy), and the one whose elements are closest.

    ``strides`` are those of a batch element, of a row or column, and of a step in the copy.
    """
    free = gemm.m if operand == 1 else gemm.n
    classes = [
        [(level[0], level[operand]) for level in gemm.batch],
        [(level[0], level[1]) for level in free],
        [(level[0], level[operand]) for level in gemm.k],
    ]
    levels: list[Level] = []
    for members, stride in zip(classes, strides, strict=True):
        within = row_major_strides([size for size, _ in members])
        levels += [(size, step, stride * inner) for (size, step), inner in zip(members, within, strict=True)]
    inner = min(levels[len(gemm.batch) :], key=lambda level: level[1])
    levels.remove(inner)
    return levels, inner


def schedule_complex(
    gemm: Gemm, target: Target, schedule_product: Callable[[Gemm, Target], Schedule]
) -> ComplexSchedule:
    """The schedule; ``schedule_product`` is asked for that of the real product."""
    if gemm.sizes[1] == 1 and gemm.sizes[2] > 1 and not _columns_are_adjacent(gemm):
        gemm = replace(gemm.swapped(), row_stride=1)
    _, rows, columns, steps = gemm.sizes
    separate = 4 * rows <= steps and _columns_are_adjacent(gemm)
    copy_lhs = separate or not _steps_are_adjacent(gemm)
    written = _written_strides(gemm)

    def doubled(levels: Sequence[Level]) -> list[Level]:
        return [(size, *(2 * stride for stride in strides)) for size, *strides in levels]

    def within(levels: Sequence[Level]) -> list[int]:
        return row_major_strides([level[0] for level in levels])

    batch = [
        (
            size,
            apart * 2 * rows * steps if copy_lhs else 2 * lhs,
            2 * rhs if separate else apart * written[0],
            apart * 4 * rows * columns if separate else 2 * result,
        )
        for (size, lhs, rhs, result), apart in zip(gemm.batch, within(gemm.batch), strict=True)
    ]
    m = [(rows, 2 * steps)] if copy_lhs else doubled(gemm.m)
    lhs_steps = [x * (1 if separate else 2) for x in within(gemm.k)] if copy_lhs else [2 * x for _, x, _ in gemm.k]
    if separate:
        m.append((2, steps))
        n = [*doubled(gemm.n), (2, 1)]
        k = [(level[0], x, 2 * level[2]) for level, x in zip(gemm.k, lhs_steps, strict=True)]
    else:
        across = _columns_are_adjacent(gemm)
        n = [(level[0], x * written[1]) for level, x in zip(gemm.n, within(gemm.n), strict=True)]
        n.append((2, 1 if across else 2 * steps))
        places = zip(gemm.k, lhs_steps, within(gemm.k), strict=True)
        k = [(level[0], x, y * written[2]) for level, x, y in places]
        k.append((2, 1, 2 * columns if across else 1))
    part = part_of(gemm.lhs)
    real = Gemm(
        part, part, part, part,
        batch=merge_levels(batch), m=merge_levels(m), n=merge_levels(n), k=merge_levels(k),
        row_stride=2 * columns if separate else 2 * gemm.row_stride,
        bases=(0 if copy_lhs else 2 * gemm.bases[0], 2 * gemm.bases[1] if separate else 0),
    )  # fmt: skip
    return ComplexSchedule(gemm, separate, copy_lhs and not separate, target, schedule_product(real, target))
