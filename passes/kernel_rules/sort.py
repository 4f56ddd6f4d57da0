"""Kernels of ``astra.sort``: every sort is stable; other operands are carried along with the keys.

Known orders sort integer keys (``radix_sort``), comparator regions go through ``merge_sort``.  Either way positions are
sorted first, then every operand is gathered once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.merge_sort import merge_sort, merge_sort_blocks
from astra_mlir.passes.kernel_rules.radix_sort import SMALL, count_sort, radix_sort, radix_sort_blocks
from astra_mlir.passes.kernel_rules.region import ScalarFunction, scalar_region
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.sort_keys import Records, key_width, sort_key
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

LONG = 65536  # from this length on, a few rows are sorted by all threads together
FEW = 4  # rows
STACK = 192 * 1024  # bytes of records that a task keeps on its stack
SLOTS = 8  # tasks, each with its own scratch, where they do not fit there
TASK = 8192  # elements that make a task (about 50 us)


@kernel_rule("sort")
def sort(op: ir.Operation) -> KernelRequest:
    """One kernel per shape, element types, dimension and order."""
    dimension, kind = value_of(op, "dimension"), value_of(op, "kind")
    elements = [element_of(value.type) for value in op.operands]
    shape = shape_of(op.operands[0])
    if shape and shape[dimension] >= 1 << 31:
        raise refuse(op, "the sorted dimension has 2**31 elements or more", "sort parts of it")
    comparator = scalar_region(op) if kind == "custom" else None
    number_of_keys = 0 if comparator else value_of(op, "num_keys", 1)
    for element in elements[:number_of_keys]:
        if element.kind == "complex" or (element.kind == "float" and element.width < 16):
            raise refuse(op, f"{element.storage} has no known order", "give a comparator, or convert the keys")
    if dimension < 0:
        dimension += len(shape)
    name = kernel_name(f"sort_{kind}", shape, elements, dimension, number_of_keys, comparator and comparator.name)
    kernel = SortKernel(name, shape, elements, dimension, number_of_keys, kind == "descending", comparator)
    i32, i64 = (ir.IntegerType.get_signless(width) for width in (32, 64))
    scratch = [ir.RankedTensorType.get(s, {"i32": i32, "i64": i64}[e]) for s, e in kernel.scratch()]
    captures = comparator.captures if comparator else ()
    outs = [Out(result.type) for result in op.results]
    return KernelRequest(name, [*op.operands, *captures], outs, kernel.text, scratch)


class SortKernel:
    """Writes one kernel; arrays are seen as outer x length x inner, a row is one (outer, inner)."""

    total_order = False  # of float keys: zeros and NaNs of either sign are told apart

    def __init__(
        self, name: str, shape: Sequence[int], elements: list[Element], dimension: int, number_of_keys: int,
        descending: bool, comparator: ScalarFunction | None,
    ) -> None:  # fmt: skip
        self.name, self.shape, self.elements, self.descending = name, list(shape), elements, descending
        self.comparator, self.number_of_keys = comparator, number_of_keys
        self.outer, self.inner = math.prod(shape[:dimension]), math.prod(shape[dimension + 1 :])
        self.length, self.rows = shape[dimension], self.outer * self.inner
        width = max([key_width(element) for element in elements[:number_of_keys]], default=0)
        self.together = self.length >= LONG and self.rows < FEW
        self.records = Records(1, self.length, width)
        self.small = not comparator and self.length <= SMALL
        self.on_stack = not self.together and (self.small or self._row_bytes() <= STACK)
        if not self.on_stack and not self.together:
            self.records = Records(min(self.rows, SLOTS), self.length, width)

    def _row_bytes(self) -> int:
        return 8 * self.length if self.comparator else self.records.bytes

    def _buffers(self) -> list[tuple[str, str]]:
        """Names and types of what is sorted in: records, or two buffers of positions."""
        if self.comparator:
            return [("%positions", memref_type([self.records.slots, 2, self.length], "i32"))]
        return self.records.memrefs()

    def scratch(self) -> list[tuple[list[int], str]]:
        """Shapes and element types of the scratch parameters."""
        if self.on_stack or self.rows * self.length == 0:
            return []
        shape = [self.records.slots, 2, self.length]
        return [(shape, type_.removesuffix(">").rpartition("x")[2]) for _, type_ in self._buffers()]

    def outs(self) -> list[tuple[str, str]]:
        """Names and types of the results."""
        return [(f"%out{i}", memref_type(self.shape, e.storage)) for i, e in enumerate(self.elements)]

    def text(self) -> str:
        """The kernel and the functions it calls."""
        arguments = [(f"%in{i}", memref_type(self.shape, e.storage)) for i, e in enumerate(self.elements)]
        arguments += self.comparator.arguments() if self.comparator else []
        arguments += self.outs()
        arguments += [] if not self.scratch() else self._buffers()
        f = Function(self.name, arguments)
        functions = [f]
        if self.rows * self.length:
            functions += self._together(f) if self.together else self._rows(f)
        return "\n".join(function.text() for function in functions)

    # -- access to a row --

    def _view(self, f: Function, name: str, element: Element) -> tuple[str, str]:
        shape = [self.outer, self.length, self.inner]
        return reshaped(f, name, memref_type(self.shape, element.storage), shape, element.storage)

    def _load(self, f: Function, operand: int, row: int | str, position: int | str) -> str:
        view, type_ = self._view(f, f"%in{operand}", self.elements[operand])
        return f.load(view, self._subscript(f, row, position), type_)

    def _subscript(self, f: Function, row: int | str, position: int | str) -> list[int | str]:
        if self.inner == 1:
            return [row, position, 0]
        if self.outer == 1:
            return [0, position, row]
        return [f.binary("arith.divui", row, self.inner), position, f.binary("arith.remui", row, self.inner)]

    def _key(self, operand: int, row: int | str, f: Function, position: str) -> str:
        element = self.elements[operand]
        key = sort_key(f, element, self._load(f, operand, row, position), self.descending, self.total_order)
        width = key_width(element)
        if width < self.records.width:
            key = f.value(f"arith.extui {key} : i{width} to i{self.records.width}")
        return key

    def _keys(self, row: int | str) -> list[Callable[[Function, str], str]]:
        return [partial(self._key, operand, row) for operand in range(self.number_of_keys)]

    def _gather(self, f: Function, row: int | str, to: int | str, position: str) -> None:
        """Write the elements at ``position`` of a row to place ``to`` of the results."""
        for i, element in enumerate(self.elements):
            view, type_ = self._view(f, f"%out{i}", element)
            f.store(self._load(f, i, row, position), view, self._subscript(f, row, to), type_)

    def _less(self, row: int | str, captured: list[str], f: Function, left: str, right: str) -> str:
        assert self.comparator is not None
        operands = []
        for i in range(len(self.elements)):
            for position in (left, right):
                at = f.value(f"arith.index_castui {position} : i32 to index")
                operands.append(self._load(f, i, row, at))
        return self.comparator.inline(f, operands, captured)[0]

    # -- rows, one after the other within a task --

    def _rows(self, f: Function) -> list[Function]:
        tasks = -(-self.rows // max(1, TASK // max(self.length, 1))) if self.on_stack else self.records.slots
        task = Function(f"{self.name}_rows", [("%task", "index"), *f.arguments])
        if self.on_stack and not self.small:
            for name, type_ in self._buffers():
                task.define(name, f"memref.alloca() : {type_}")
        each = -(-self.rows // tasks)
        begin = task.binary("arith.minsi", task.mul("%task", each), self.rows)
        with task.loop(begin, task.binary("arith.minsi", task.add(begin, each), self.rows)) as row:
            self._row(task, row, 0 if self.on_stack else "%task")
        parallel_calls(f, tasks, task.name)
        return [task]

    def _row(self, f: Function, row: str, slot: int | str) -> None:
        if self.comparator:
            buffer, type_ = self._buffers()[0]
            less = partial(self._less, row, self.comparator.load_captures(f))
            current = merge_sort(f, buffer, type_, slot, 0, self.length, self.length, less)
            with f.loop(0, self.length) as i:
                position = f.load(buffer, [slot, current, i], type_)
                self._gather(f, row, i, f.value(f"arith.index_castui {position} : i32 to index"))
        elif self.small:
            self._small_row(f, row)
        else:
            sorted_in = radix_sort(f, self.records, slot, self._keys(row))
            with f.loop(0, self.length) as i:
                position = self.records.position(f, self.records.load(f, [slot, sorted_in, i]))
                self._gather(f, row, i, position)

    def _small_row(self, f: Function, row: str) -> None:
        keys_type, order_type = memref_type([self.length], "i64"), memref_type([self.length], "i32")
        words = [f.header(f"memref.alloca() : {keys_type}") for _ in range(self.number_of_keys)]
        order = f.header(f"memref.alloca() : {order_type}")
        sign = f.constant(-(1 << 63), "i64")
        unique = self.number_of_keys == 1 and self.records.packed
        with f.loop(0, self.length) as i:
            for word, key in zip(words, self._keys(row), strict=True):
                value = key(f, i)
                if unique:
                    value = self.records.make(f, value, i)[0]
                elif self.records.width < 64:
                    value = f.value(f"arith.extui {value} : i{self.records.width} to i64")
                f.store(f.value(f"arith.xori {value}, {sign} : i64"), word, [i], keys_type)
        count_sort(f, self.length, words, order, unique)
        with f.loop(0, self.length) as i:
            position = f.load(order, [i], order_type)
            self._gather(f, row, i, f.value(f"arith.index_castui {position} : i32 to index"))

    # -- a few long rows, each by all threads --

    def _together(self, f: Function) -> list[Function]:
        functions: list[Function] = []
        buffer, type_ = self._buffers()[0]
        for row in range(self.rows):
            part = f"{self.name}_{row}"
            current: int | str
            if self.comparator:
                # Captured scalars are loaded by the tasks, which take the kernel's own arguments.
                less = self._less_in_task(row)
                current, tasks = merge_sort_blocks(f, part, buffer, self.length, f.arguments, less)
            else:
                extra = [a for a in f.arguments if a[0].startswith("%in")]
                current, tasks = radix_sort_blocks(f, part, self.records, extra, self._keys(row))
            gather = Function(f"{part}_gather", [("%task", "index"), ("%source", "index"), *f.arguments])
            begin = gather.mul("%task", LONG)
            with gather.loop(begin, gather.binary("arith.minsi", gather.add(begin, LONG), self.length)) as i:
                if self.comparator:
                    loaded = gather.load(buffer, [0, "%source", i], type_)
                    position = gather.value(f"arith.index_castui {loaded} : i32 to index")
                else:
                    position = self.records.position(gather, self.records.load(gather, [0, "%source", i]))
                self._gather(gather, row, i, position)
            iv = f.fresh()
            with f.block(f"scf.forall ({iv}) in ({-(-self.length // LONG)})"):
                f.call(gather.name, [(iv, "index"), (f.index(current), "index"), *f.arguments])
            functions += [*tasks, gather]
        return functions

    def _less_in_task(self, row: int) -> Callable[[Function, str, str], str]:
        assert self.comparator is not None
        comparator = self.comparator

        def less(f: Function, left: str, right: str) -> str:
            return self._less(row, comparator.load_captures(f), f, left, right)

        return less
