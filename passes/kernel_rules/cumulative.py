"""Kernels of ``astra.cumulative``: inclusive scans along one dimension.

Contiguous rows are scanned a vector at a time (shifts by 1, 2, 4 lanes, then the carry); a few long rows are cut into
blocks of fixed size whose totals are scanned first; other dimensions carry a strip of running values over the rows.
"""

from __future__ import annotations

import math
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


class _Scan:
    """Writes the functions of one kernel; arrays are seen as outer x length x inner."""

    def __init__(self, name: str, sizes: list[int], type_: str, element: Element, reverse: bool, kind: str) -> None:
        self.name, self.type, self.element, self.reverse, self.kind = name, type_, element, reverse, kind
        self.outer, self.length, self.inner = sizes
        self.identity = identity(kind, element) if element.kind != "complex" else ""

    def _views(self, f: Function, shape: list[int]) -> tuple[str, str, str]:
        source, view = reshaped(f, "%in", self.type, shape, self.element.storage)
        return source, reshaped(f, "%out", self.type, shape, self.element.storage)[0], view

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

            def step(k: str, values: list[str]) -> list[str]:
                offset = f.subtract(whole - lanes, k) if self.reverse else k
                position = f.add(vector_begin, offset)
                loaded = f.value(f"vector.load {source}[{row}, {position}] : {view}, {stored}")
                prefix = self._prefix(f, widen(f, element, loaded, lanes), lanes)
                result = combine(f, self.kind, element, values[0], prefix, lanes)
                final = narrow(f, element, result, lanes)
                f.emit(f"vector.store {final}, {target}[{row}, {position}] : {view}, {stored}")
                total = f.value(
                    f"vector.extract {prefix}[{0 if self.reverse else lanes - 1}] : {compute} from {vector}"
                )
                spread = f.value(f"vector.broadcast {total} : {compute} to {vector}")
                return [combine(f, self.kind, element, values[0], spread, lanes)]

            (running,) = f.carry(0, whole, [(start, vector)], step, step=lanes)
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

            def step(k: str, values: list[str]) -> list[str]:
                block = f.subtract(blocks - 1, k) if self.reverse else k
                value = f.load(allocated, [row, block], totals)
                f.store(values[0], allocated, [row, block], totals)
                return [combine(f, self.kind, self.element, values[0], value)]

            f.carry(0, blocks, [(neutral, self.element.compute)], step)
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

        inits = [(neutral, vector if lanes > 1 else compute)] * unroll
        sums = f.carry(0, whole, inits, step, step=lanes * unroll)
        result = sums[0]
        if lanes > 1:
            for other in sums[1:]:
                result = combine(f, self.kind, element, result, other, lanes)
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
