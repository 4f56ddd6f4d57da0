"""Kernels of ``astra.top_k``: the k largest (or smallest) elements of every row, in order, with their positions.

For a small k the k-th key is found byte by byte from counts, the keys up to it are collected, and only those are
sorted; otherwise the whole row is.  Of equal elements the earlier come first; NaN counts as the largest.
"""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.radix_sort import SMALL, count_sort
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.sort import STACK, SortKernel
from astra_mlir.passes.kernel_rules.sort_keys import Records, key_width, sort_key
from astra_mlir.passes.kernel_rules.text import Element, Function, element_of, memref_type, refuse, reshaped, shape_of


@kernel_rule("top_k")
def top_k(op: ir.Operation) -> KernelRequest:
    """One kernel per shape, element type, k and direction."""
    operand = op.operands[0]
    shape, element, k, largest = shape_of(operand), element_of(operand.type), value_of(op, "k"), value_of(op, "largest")
    if element.kind == "complex" or (element.kind == "float" and element.width < 16):
        raise refuse(op, f"{element.storage} has no known order", "convert the operand")
    if shape[-1] >= 1 << 31:
        raise refuse(op, "rows have 2**31 elements or more", "take the largest of parts, then of those")
    name = kernel_name("top_k", shape, element, k, largest)
    kernel = _TopK(name, shape, element, k, largest)
    i32, i64 = (ir.IntegerType.get_signless(width) for width in (32, 64))
    scratch = [ir.RankedTensorType.get(s, {"i32": i32, "i64": i64}[e]) for s, e in kernel.scratch()]
    return KernelRequest(name, [operand], [Out(result.type) for result in op.results], kernel.text, scratch)


class _TopK(SortKernel):
    """A sort by one key whose results are the first k elements and where they were."""

    def __init__(self, name: str, shape: list[int], element: Element, k: int, largest: bool) -> None:
        super().__init__(name, shape, [element], len(shape) - 1, 1, largest, None)
        self.k = k
        self.select = k <= SMALL and 4 * k <= self.length and key_width(element) <= 32 and not self.small
        if self.select:
            self.records = Records(1, self.length, 32)
            self.together, self.on_stack = False, 8 * self.length <= STACK
            if not self.on_stack:
                self.records = Records(min(self.rows, 8), self.length, 32)

    def outs(self) -> list[tuple[str, str]]:
        shape = [*self.shape[:-1], self.k]
        return [("%values", memref_type(shape, self.elements[0].storage)), ("%indices", memref_type(shape, "i32"))]

    def _buffers(self) -> list[tuple[str, str]]:
        if self.select:
            return [("%keys", memref_type([self.records.slots, self.length], "i32"))]
        return super()._buffers()

    def scratch(self) -> list[tuple[list[int], str]]:
        if self.select and not self.on_stack and self.rows * self.length:
            return [([self.records.slots, self.length], "i32")]
        return super().scratch()

    def _gather(self, f: Function, row: int | str, to: int | str, position: str) -> None:
        """Results have k elements a row: what comes after is left out."""
        wanted = f.value(f"arith.cmpi slt, {f.index(to)}, {f.constant(self.k)} : index")
        with f.when(wanted):
            value = self._load(f, 0, row, position)
            index = f.value(f"arith.index_cast {position} : index to i32")
            for stored, (name, type_) in zip((value, index), self.outs(), strict=True):
                element = self.elements[0].storage if name == "%values" else "i32"
                view, view_type = reshaped(f, name, type_, [self.rows, self.k], element)
                f.store(stored, view, [row, to], view_type)

    def _row(self, f: Function, row: str, slot: int | str) -> None:
        if self.select:
            self._select_row(f, row, slot)
        else:
            super()._row(f, row, slot)

    def _select_row(self, f: Function, row: str, slot: int | str) -> None:
        n, width = self.length, key_width(self.elements[0])
        keys, keys_type = self._buffers()[0]
        counts_type, words_type = memref_type([256], "i32"), memref_type([self.k], "i64")
        order_type = memref_type([self.k], "i32")
        counts, words = f.header(f"memref.alloca() : {counts_type}"), f.header(f"memref.alloca() : {words_type}")
        order = f.header(f"memref.alloca() : {order_type}")
        none, one = f.constant(0, "i32"), f.constant(1, "i32")
        with f.loop(0, n) as i:
            key = sort_key(f, self.elements[0], self._load(f, 0, row, i), self.descending)
            f.store(key if width == 32 else f.value(f"arith.extui {key} : i{width} to i32"), keys, [slot, i], keys_type)
        threshold, missing, shift = none, f.constant(self.k, "i32"), width
        while shift:
            shift -= 8
            threshold, missing = self._next_byte(f, slot, threshold, missing, shift, width, counts, counts_type)

        def collect(i: str, values: list[str]) -> list[str]:
            key = f.load(keys, [slot, i], keys_type)
            below = f.value(f"arith.cmpi ult, {key}, {threshold} : i32")
            equal = f.value(f"arith.cmpi eq, {key}, {threshold} : i32")
            left = f.value(f"arith.cmpi ne, {values[1]}, {none} : i32")
            tied = f.value(f"arith.andi {equal}, {left} : i1")
            taken = f.value(f"arith.ori {below}, {tied} : i1")

            def take() -> list[str]:
                record = self.records.make(f, key, i)[0]
                biased = f.binary("arith.xori", record, -(1 << 63), "i64")
                f.store(biased, words, [f.value(f"arith.index_cast {values[0]} : i32 to index")], words_type)
                used = f.value(f"arith.select {tied}, {one}, {none} : i32")
                return [
                    f.value(f"arith.addi {values[0]}, {one} : i32"),
                    f.value(f"arith.subi {values[1]}, {used} : i32"),
                ]

            return f.choose(taken, ["i32", "i32"], take, lambda: values)

        f.carry(0, n, [(none, "i32"), (missing, "i32")], collect)
        count_sort(f, self.k, [words], order, unique=True)
        with f.loop(0, self.k) as i:
            rank = f.value(f"arith.index_castui {f.load(order, [i], order_type)} : i32 to index")
            self._gather(f, row, i, self.records.position(f, [f.load(words, [rank], words_type)]))

    def _next_byte(
        self, f: Function, slot: int | str, threshold: str, missing: str, shift: int, width: int, counts: str,
        counts_type: str,
    ) -> tuple[str, str]:  # fmt: skip
        """One more byte of the k-th key, and how many keys that begin with it are still to be taken."""
        keys, keys_type = self._buffers()[0]
        none, one = f.constant(0, "i32"), f.constant(1, "i32")
        byte_of = f.constant(shift, "i32")
        with f.loop(0, 256) as d:
            f.store(none, counts, [d], counts_type)
        with f.loop(0, self.length) as i:
            key = f.load(keys, [slot, i], keys_type)

            def count(key: str = key) -> None:
                byte = f.binary("arith.andi", f.value(f"arith.shrui {key}, {byte_of} : i32"), 255, "i32")
                at = f.value(f"arith.index_castui {byte} : i32 to index")
                f.store(
                    f.value(f"arith.addi {f.load(counts, [at], counts_type)}, {one} : i32"), counts, [at], counts_type
                )

            if shift + 8 == width:
                count()
            else:
                # Keys that agree with the threshold in the bytes before.
                differing = f.value(f"arith.xori {key}, {threshold} : i32")
                agrees = f.value(f"arith.cmpi ult, {differing}, {f.constant(1 << (shift + 8), 'i32')} : i32")
                with f.when(agrees):
                    count()

        def condition(values: list[str]) -> str:
            at = f.value(f"arith.index_castui {values[0]} : i32 to index")
            return f.value(f"arith.cmpi ult, {f.load(counts, [at], counts_type)}, {values[1]} : i32")

        def skip(values: list[str]) -> list[str]:
            at = f.value(f"arith.index_castui {values[0]} : i32 to index")
            here = f.load(counts, [at], counts_type)
            return [f.value(f"arith.addi {values[0]}, {one} : i32"), f.value(f"arith.subi {values[1]}, {here} : i32")]

        digit, left = f.repeat([(none, "i32"), (missing, "i32")], condition, skip)
        placed = f.value(f"arith.shli {digit}, {byte_of} : i32")
        return f.value(f"arith.ori {threshold}, {placed} : i32"), left
