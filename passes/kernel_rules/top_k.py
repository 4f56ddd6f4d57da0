"""Kernels of ``astra.top_k``: the k largest (or smallest) elements of every row, in order, with their positions.

For a small k the k-th key is found from counts of its bits, the keys up to it are collected, and only those are sorted;
otherwise the whole row is.  Of equal elements the earlier come first; floats are in the total order of IEEE 754.
"""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.radix_sort import SMALL, count_sort
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.sort import STACK, SortKernel
from astra_mlir.passes.kernel_rules.sort_keys import Records, key_width, sort_key
from astra_mlir.passes.kernel_rules.text import Element, Function, element_of, memref_type, refuse, reshaped, shape_of

LEADING_BITS = 11  # bits of the keys that are counted first: sign, exponent and two more of f32
COUNTS = f"memref<{1 << LEADING_BITS}xi32>"


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

    total_order = True

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
            return [("%candidates", memref_type([self.records.slots, self.length], "i64"))]
        return super()._buffers()

    def scratch(self) -> list[tuple[list[int], str]]:
        if self.select and not self.on_stack and self.rows * self.length:
            return [([self.records.slots, self.length], "i64")]
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
        """Find the k-th key from counts of its leading bits, keep what may be among the first k, count the rest."""
        width, n = key_width(self.elements[0]), self.length
        counts = f.header(f"memref.alloca() : {COUNTS}")
        none = f.constant(0, "i32")
        bits = min(LEADING_BITS, width)
        shift = width - bits

        def leading(i: str) -> tuple[str, str]:
            key = sort_key(f, self.elements[0], self._load(f, 0, row, i), self.descending, self.total_order)
            key = key if width == 32 else f.value(f"arith.extui {key} : i{width} to i32")
            return key, f.binary("arith.shrui", key, shift, "i32") if shift else key

        self._clear(f, counts, bits)
        with f.loop(0, n) as i:
            self._count(f, counts, leading(i)[1])
        digit, missing = self._find(f, counts, f.constant(self.k, "i32"))
        candidates, candidates_type = self._buffers()[0]

        def keep(i: str, values: list[str]) -> list[str]:
            key, own = leading(i)
            # Written in any case, and kept by moving on: no branch to mispredict.
            f.store(self.records.make(f, key, i)[0], candidates, [slot, values[0]], candidates_type)
            kept = f.value(f"arith.cmpi ule, {own}, {digit} : i32")
            return [str(f.add(values[0], f.value(f"arith.index_castui {kept} : i1 to index")))]

        (count,) = f.carry(0, n, [(f.constant(0), "index")], keep)

        def key_at(i: str) -> str:
            record = f.load(candidates, [slot, i], candidates_type)
            return f.value(f"arith.trunci {f.binary('arith.shrui', record, 32, 'i64')} : i64 to i32")

        threshold = f.binary("arith.shli", digit, shift, "i32")
        while shift:
            bits = min(8, shift)
            known, shift = shift, shift - bits
            self._clear(f, counts, bits)
            with f.loop(0, count) as i:
                key = key_at(i)
                differing = f.value(f"arith.xori {key}, {threshold} : i32")
                agrees = f.value(f"arith.cmpi ult, {differing}, {f.constant(1 << known, 'i32')} : i32")
                with f.when(agrees):
                    own = f.binary("arith.shrui", key, shift, "i32")
                    self._count(f, counts, f.binary("arith.andi", own, (1 << bits) - 1, "i32"))
            digit, missing = self._find(f, counts, missing)
            threshold = f.value(f"arith.ori {threshold}, {f.binary('arith.shli', digit, shift, 'i32')} : i32")
        words, words_type = f.header(f"memref.alloca() : memref<{self.k}xi64>"), memref_type([self.k], "i64")

        def collect(i: str, values: list[str]) -> list[str]:
            key = key_at(i)
            below = f.value(f"arith.cmpi ult, {key}, {threshold} : i32")
            equal = f.value(f"arith.cmpi eq, {key}, {threshold} : i32")
            left = f.value(f"arith.cmpi ne, {values[1]}, {none} : i32")
            tied = f.value(f"arith.andi {equal}, {left} : i1")

            def take() -> list[str]:
                record = f.load(candidates, [slot, i], candidates_type)
                biased = f.binary("arith.xori", record, -(1 << 63), "i64")
                f.store(biased, words, [values[0]], words_type)
                used = f.value(f"arith.extui {tied} : i1 to i32")
                return [str(f.add(values[0], 1)), f.value(f"arith.subi {values[1]}, {used} : i32")]

            taken = f.value(f"arith.ori {below}, {tied} : i1")
            return f.choose(taken, ["index", "i32"], take, lambda: values)

        f.carry(0, count, [(f.constant(0), "index"), (missing, "i32")], collect)
        order_type = memref_type([self.k], "i32")
        order = f.header(f"memref.alloca() : {order_type}")
        count_sort(f, self.k, [words], order, unique=True)
        with f.loop(0, self.k) as i:
            rank = f.value(f"arith.index_castui {f.load(order, [i], order_type)} : i32 to index")
            self._gather(f, row, i, self.records.position(f, [f.load(words, [rank], words_type)]))

    @staticmethod
    def _clear(f: Function, counts: str, bits: int) -> None:
        with f.loop(0, 1 << bits) as d:
            f.store(f.constant(0, "i32"), counts, [d], COUNTS)

    @staticmethod
    def _count(f: Function, counts: str, digit: str) -> None:
        at = f.value(f"arith.index_castui {digit} : i32 to index")
        f.store(f.binary("arith.addi", f.load(counts, [at], COUNTS), 1, "i32"), counts, [at], COUNTS)

    @staticmethod
    def _find(f: Function, counts: str, missing: str) -> tuple[str, str]:
        """The digit of the k-th key, and how many keys with that digit are still to be taken."""

        def at(digit: str) -> str:
            return f.load(counts, [f.value(f"arith.index_castui {digit} : i32 to index")], COUNTS)

        def not_reached(values: list[str]) -> str:
            return f.value(f"arith.cmpi ult, {at(values[0])}, {values[1]} : i32")

        def skip(values: list[str]) -> list[str]:
            here = at(values[0])
            return [f.binary("arith.addi", values[0], 1, "i32"), f.value(f"arith.subi {values[1]}, {here} : i32")]

        digit, left = f.repeat([(f.constant(0, "i32"), "i32"), (missing, "i32")], not_reached, skip)
        return digit, left
