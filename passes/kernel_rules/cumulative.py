"""Kernels of ``astra.cumulative``: inclusive scans along one dimension.

Contiguous rows are scanned a vector at a time (shifts by 1, 2, 4 lanes, then the carry); a few long rows are cut into
blocks of fixed size whose totals are scanned first; other dimensions carry a strip of running values over the rows.

Rounding errors of a running value grow with the number of steps.  So where the combiner rounds, a long row is cut into
groups, and those into groups again: each is scanned from its own start; what came before the group is combined last.
An element then depends on about ``GROUP`` roundings for each level instead of one for each element before it.
Products are different: equal factors have equal rounding errors, which add up however they are grouped.  Those of f32
run in f64, and so do the sums of a strip, where that costs less than groups (4000 x 1000: 0.87 ms against 0.90 ms).
``logaddexp`` along a strip, and complex numbers, take one step after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import (
    Element,
    Function,
    combine,
    element_of,
    identity,
    memref_type,
    narrow,
    parallel_calls,
    refuse_small_floats,
    reshaped,
    shape_of,
    widen,
)

LANES = 8
BLOCK = 32768  # elements of a long row that one task scans
STRIP = 1024  # running values of one task when the scanned dimension is not the last
GROUP = 16  # steps (of a vector, or of smaller groups) that one running value takes
ROUNDING = ("add", "multiply", "logaddexp")  # the combiners whose result on floats depends on the grouping
TASK = 32768  # elements that make a task worth handing to another thread (about 20 us)


@kernel_rule("cumulative")
def cumulative(op: ir.Operation) -> KernelRequest:
    """One kernel per shape, element type, dimension, direction and combiner."""
    operand = op.operands[0]
    refuse_small_floats(op, element_of(operand.type))
    dimension, reverse, kind = (value_of(op, name) for name in ("dimension", "reverse", "kind"))
    name = kernel_name(f"cumulative_{kind}", operand.type, dimension, reverse)
    build = partial(_text, name, shape_of(operand), element_of(operand.type), dimension, reverse, kind)
    return KernelRequest(name, [operand], [Out(op.results[0].type)], build)


def _text(name: str, shape: list[int], element: Element, dimension: int, reverse: bool, kind: str) -> str:
    outer, length, inner = math.prod(shape[:dimension]), shape[dimension], math.prod(shape[dimension + 1 :])
    type_ = memref_type(shape, element.storage)
    f = Function(name, [("%in", type_), ("%out", type_)])
    if outer * length * inner == 0:
        return f.text()
    scan = _Scan(name, [outer, length, inner], type_, element, reverse, kind)
    if inner > 1:
        return scan.strips(f)
    if length >= 4 * BLOCK and outer < 8 and element.kind != "complex":
        return scan.blocks(f)
    return scan.rows(f)


@dataclass(frozen=True)
class _Wide(Element):
    """An f32 whose running values are kept in f64."""

    @property
    def compute(self) -> str:
        return "f64"


class _Scan:
    """Writes the functions of one kernel; arrays are seen as outer x length x inner."""

    def __init__(self, name: str, sizes: list[int], type_: str, element: Element, reverse: bool, kind: str) -> None:
        wide = ("multiply",) if sizes[2] == 1 else ("add", "multiply")
        if kind in wide and element.storage == "f32":
            element = _Wide(element.storage, element.kind, element.width)
        self.name, self.type, self.element, self.reverse, self.kind = name, type_, element, reverse, kind
        self.outer, self.length, self.inner = sizes
        self.identity = identity(kind, element) if element.kind != "complex" else ""
        self.grouped = element.kind == "float" and kind in ROUNDING and not isinstance(element, _Wide)

    def _views(self, f: Function, shape: list[int]) -> tuple[str, str, str]:
        source, view = reshaped(f, "%in", self.type, shape, self.element.storage)
        return source, reshaped(f, "%out", self.type, shape, self.element.storage)[0], view

    def _grouped(
        self,
        f: Function,
        bounds: tuple[int | str, int | str],
        steps: int,
        start: str,
        step: Callable[[str, str | None, str], str],
        step_size: int = 1,
        lanes: int = 0,
    ) -> str:
        """The running value after ``bounds``, from ``start``; it takes ``steps`` steps at most, in groups of groups.

        ``step(k, before, running)`` gives the next running value of the innermost group; ``before`` is what comes
        before that group (``None`` where there are no groups).
        """
        type_ = f"vector<{lanes}x{self.element.compute}>" if lanes else self.element.compute
        spans = [GROUP]
        while self.grouped and spans[0] < steps:
            spans.insert(0, spans[0] * GROUP)
        neutral = f.constant(self.identity, type_)

        def level(lower: int | str, upper: int | str, depth: int, before: str | None, start: str) -> str:
            def one_step(k: str, values: list[str]) -> list[str]:
                return [step(k, before, values[0])]

            def one_group(k: str, values: list[str]) -> list[str]:
                end = f.binary("arith.minsi", f.add(k, spans[depth] * step_size), upper)
                ahead = values[0]
                if before is not None:
                    ahead = combine(f, self.kind, self.element, before, ahead, lanes)
                total = level(k, end, depth + 1, ahead, neutral)
                return [combine(f, self.kind, self.element, values[0], total, lanes)]

            innermost = depth == len(spans)
            body, size = (one_step, 1) if innermost else (one_group, spans[depth])
            return f.carry(lower, upper, [(start, type_)], body, step=size * step_size)[0]

        del spans[0]  # the whole is the group of the first level
        return level(*bounds, 0, None, start)

    # -- contiguous rows --

    def rows(self, f: Function) -> str:
        """Whole rows, several to a task where they are short."""
        rows = max(1, min(self.outer, TASK // self.length))
        tasks = -(-self.outer // rows)
        task = Function(f"{self.name}_rows", [("%task", "index"), *f.arguments])
        source, target, view = self._views(task, [self.outer, self.length])
        first = task.mul("%task", rows)
        last = task.binary("arith.minsi", task.add(first, rows), self.outer)
        with task.loop(first, last) as row:
            self._scan_row(task, source, target, view, row, 0, self.length, None)
        parallel_calls(f, tasks, task.name)
        return f"{f.text()}\n{task.text()}"

    def _scan_row(
        self,
        f: Function,
        source: str,
        target: str,
        view: str,
        row: str,
        begin: int | str,
        length: int,
        carry: str | None,
    ) -> None:
        """Scan ``length`` elements from ``begin``, starting with ``carry`` (a scalar), or with the first element."""
        element, compute = self.element, self.element.compute
        lanes = LANES if element.vectorizable and length >= 2 * LANES else 1
        whole = length - length % lanes
        # The part that is no whole vector comes last in scanning order.
        vector_begin = f.add(begin, length - whole) if self.reverse else begin
        if lanes > 1:
            vector = f"vector<{lanes}x{compute}>"
            stored = f"vector<{lanes}x{element.storage}>"
            start = f.constant(self.identity, vector)
            if carry is not None:
                start = f.value(f"vector.broadcast {carry} : {compute} to {vector}")

            def step(k: str, before: str | None, running: str) -> str:
                offset = f.subtract(whole - lanes, k) if self.reverse else k
                position = f.add(vector_begin, offset)
                loaded = f.value(f"vector.load {source}[{row}, {position}] : {view}, {stored}")
                prefix = self._prefix(f, widen(f, element, loaded, lanes), lanes)
                result = combine(f, self.kind, element, running, prefix, lanes)
                if before is not None:
                    result = combine(f, self.kind, element, before, result, lanes)
                final = narrow(f, element, result, lanes)
                f.emit(f"vector.store {final}, {target}[{row}, {position}] : {view}, {stored}")
                total = f.value(
                    f"vector.extract {prefix}[{0 if self.reverse else lanes - 1}] : {compute} from {vector}"
                )
                spread = f.value(f"vector.broadcast {total} : {compute} to {vector}")
                return combine(f, self.kind, element, running, spread, lanes)

            running = self._grouped(f, (0, whole), whole // lanes, start, step, lanes, lanes)
            if whole < length:
                carry = f.value(f"vector.extract {running}[0] : {compute} from {vector}")
            first, count = whole, length - whole
        else:
            first, count = 0, length
        if not count:
            return
        if carry is None:
            position = f.add(begin, length - 1 if self.reverse else 0)
            loaded = f.load(source, [row, position], view)
            f.store(loaded, target, [row, position], view)
            carry, first = widen(f, element, loaded), 1

        def scalar_step(k: str, values: list[str]) -> list[str]:
            offset = f.subtract(length - 1, k) if self.reverse else k
            position = f.add(begin, offset)
            value = widen(f, element, f.load(source, [row, position], view))
            result = combine(f, self.kind, element, values[0], value)
            f.store(narrow(f, element, result), target, [row, position], view)
            return [result]

        if first < length:
            f.carry(first, length, [(carry, compute)], scalar_step)

    def _prefix(self, f: Function, vector: str, lanes: int) -> str:
        """The inclusive scan within a vector: each step combines with the lanes 1, 2, 4, ... before."""
        type_ = f"vector<{lanes}x{self.element.compute}>"
        neutral = f.constant(self.identity, type_)
        shift = 1
        while shift < lanes:
            if self.reverse:
                mask = [lanes + i + shift if i + shift < lanes else i for i in range(lanes)]
            else:
                mask = [i if i < shift else lanes + i - shift for i in range(lanes)]
            shifted = f.value(f"vector.shuffle {neutral}, {vector} {mask} : {type_}, {type_}")
            vector = combine(f, self.kind, self.element, shifted, vector, lanes)
            shift *= 2
        return vector

    # -- long rows --

    def blocks(self, f: Function) -> str:
        """Totals of blocks, their scan, then each block from its carry."""
        blocks = -(-self.length // BLOCK)
        totals = memref_type([self.outer, blocks], self.element.compute)
        arguments = [("%task", "index"), *f.arguments, ("%totals", totals)]
        total, scan = (Function(f"{self.name}_{part}", arguments) for part in ("total", "scan"))
        for task in (total, scan):
            source, target, view = self._views(task, [self.outer, self.length])
            row = task.binary("arith.divui", "%task", blocks)
            block = task.binary("arith.remui", "%task", blocks)
            begin = task.mul(block, BLOCK)
            sizes = [BLOCK] if self.length % BLOCK == 0 else [BLOCK, self.length % BLOCK]
            for predicate, size in zip(("ne", "eq"), sizes, strict=False):
                condition = task.constant("true", "i1")
                if len(sizes) > 1:
                    condition = task.value(f"arith.cmpi {predicate}, {block}, {task.constant(blocks - 1)} : index")
                with task.when(condition):
                    if task is total:
                        self._total(task, source, view, row, block, begin, size, totals)
                    else:
                        carry = task.load("%totals", [row, block], totals)
                        self._scan_row(task, source, target, view, row, begin, size, carry)
        allocated = f.header(f"memref.alloca() : {totals}")
        self._call_tasks(f, total.name, allocated, totals, self.outer * blocks)
        neutral = f.constant(self.identity, self.element.compute)
        with f.loop(0, self.outer) as row:

            def step(k: str, before: str | None, running: str) -> str:
                block = f.subtract(blocks - 1, k) if self.reverse else k
                value = f.load(allocated, [row, block], totals)
                carry = running if before is None else combine(f, self.kind, self.element, before, running)
                f.store(carry, allocated, [row, block], totals)
                return combine(f, self.kind, self.element, running, value)

            self._grouped(f, (0, blocks), blocks, neutral, step)
        self._call_tasks(f, scan.name, allocated, totals, self.outer * blocks)
        return "\n".join(function.text() for function in (f, total, scan))

    @staticmethod
    def _call_tasks(f: Function, task: str, allocated: str, totals: str, count: int) -> None:
        iv = f.fresh()
        with f.block(f"scf.forall ({iv}) in ({count})"):
            f.call(task, [(iv, "index"), *f.arguments, (allocated, totals)])

    def _total(
        self, f: Function, source: str, view: str, row: str, block: str, begin: int | str, length: int, totals: str
    ) -> None:
        element, compute = self.element, self.element.compute
        lanes = LANES if element.vectorizable and length >= 4 * LANES else 1
        vector, stored = f"vector<{lanes}x{compute}>", f"vector<{lanes}x{element.storage}>"
        unroll = 4 if lanes > 1 else 1
        whole = length - length % (lanes * unroll)
        neutral = f.constant(self.identity, vector if lanes > 1 else compute)

        def step(k: str, values: list[str]) -> list[str]:
            results = []
            for i, value in enumerate(values):
                position = f.add(f.add(begin, k), i * lanes)
                if lanes > 1:
                    loaded = f.value(f"vector.load {source}[{row}, {f.index(position)}] : {view}, {stored}")
                    results.append(combine(f, self.kind, element, value, widen(f, element, loaded, lanes), lanes))
                else:
                    loaded = f.load(source, [row, position], view)
                    results.append(combine(f, self.kind, element, value, widen(f, element, loaded)))
            return results

        type_ = vector if lanes > 1 else compute

        def group(k: str, values: list[str]) -> list[str]:
            end = f.binary("arith.minsi", f.add(k, 2 * GROUP * lanes * unroll), whole)
            first, *others = f.carry(k, end, [(neutral, type_)] * unroll, step, step=lanes * unroll)
            for other in others:
                first = combine(f, self.kind, element, first, other, lanes if lanes > 1 else 0)
            return [combine(f, self.kind, element, values[0], first, lanes if lanes > 1 else 0)]

        (result,) = f.carry(0, whole, [(neutral, type_)], group, step=2 * GROUP * lanes * unroll)
        if lanes > 1:
            scanned = result
            parts = [f.value(f"vector.extract {scanned}[{i}] : {compute} from {vector}") for i in range(lanes)]
            result = parts[0]
            for part in parts[1:]:
                result = combine(f, self.kind, element, result, part)

        def tail(k: str, values: list[str]) -> list[str]:
            loaded = f.load(source, [row, f.add(begin, k)], view)
            return [combine(f, self.kind, element, values[0], widen(f, element, loaded))]

        if whole < length:
            (result,) = f.carry(whole, length, [(result, compute)], tail)
        f.store(result, "%totals", [row, block], totals)

    # -- other dimensions --

    def strips(self, f: Function) -> str:
        """A strip of running values, of the compute type, walks along the dimension."""
        element = self.element
        strip = min(self.inner, STRIP)
        per_outer = -(-self.inner // strip)
        chunks = max(1, TASK // (self.length * strip))  # strips to a task
        count = self.outer * per_outer
        task = Function(f"{self.name}_strips", [("%task", "index"), *f.arguments])
        source, target, view = self._views(task, [self.outer, self.length, self.inner])
        running_type = memref_type([strip], element.compute)
        running = task.header(f"memref.alloca() : {running_type}")
        first = task.mul("%task", chunks)
        last = task.binary("arith.minsi", task.add(first, chunks), count)
        with task.loop(first, last) as chunk:
            outer = task.binary("arith.divui", chunk, per_outer)
            begin = task.mul(task.binary("arith.remui", chunk, per_outer), strip)
            width: int | str = strip
            if self.inner % strip:
                width = task.binary("arith.minsi", strip, task.subtract(self.inner, begin))
            start = self.length - 1 if self.reverse else 0
            with task.loop(0, width) as i:
                value = task.load(source, [outer, start, task.add(begin, i)], view)
                task.store(value, target, [outer, start, task.add(begin, i)], view)
                task.store(widen(task, element, value), running, [i], running_type)
            with task.loop(1, self.length) as k:
                position = task.subtract(self.length - 1, k) if self.reverse else k
                with task.loop(0, width) as i:
                    value = widen(task, element, task.load(source, [outer, position, task.add(begin, i)], view))
                    result = combine(task, self.kind, element, task.load(running, [i], running_type), value)
                    task.store(result, running, [i], running_type)
                    task.store(narrow(task, element, result), target, [outer, position, task.add(begin, i)], view)
        parallel_calls(f, -(-count // chunks), task.name)
        return f"{f.text()}\n{task.text()}"
