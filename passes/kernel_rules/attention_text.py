"""What the functions of both attention kernels are written with: vectors, tables of places, packing, products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from astra_mlir.passes.kernel_rules.attention_products import Product
from astra_mlir.passes.kernel_rules.attention_shapes import Array, AttentionSchedule, offsets_of
from astra_mlir.passes.kernel_rules.function_text import AS_WRITTEN, FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_functions import widen
from astra_mlir.passes.kernel_rules.gemm_levels import flatten, level_offset, narrow
from astra_mlir.passes.kernel_rules.gemm_packing import (
    COPY_ARGUMENTS,
    PACK_ARGUMENTS,
    block_side,
    copy_text,
    pack_text,
)

__all__ = ["Writer", "entry_arrays"]

INDICES = "memref<?xindex>"
_LARGEST = {"f32": 3.4028234663852886e38, "f64": 1.7976931348623157e308}


def entry_arrays(f: FunctionText, arrays: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Flatten the arguments ``<name>_array`` of an entry; the names and types of what the other functions take."""
    for name, type in arrays:
        flatten(f, name, f"{name}_array", type)
    return [
        (name, f"memref<?x{type.removesuffix('>').rsplit('x', 1)[-1].removeprefix('memref<')}>")
        for name, type in arrays
    ]


class Writer:
    """One function of an attention kernel being written."""

    def __init__(self, schedule: AttentionSchedule, name: str, arguments: Sequence[tuple[str, str]]) -> None:
        self.schedule, self.attention = schedule, schedule.attention
        self.f = FunctionText(name, arguments, inline=False)
        self.element = schedule.attention.accumulator
        self.lanes = schedule.scores.lanes
        self.vector = f"vector<{self.lanes}x{self.element}>"
        self.mask_type = f"vector<{self.lanes}xi1>"
        self.memref = f"memref<?x{self.element}>"
        self.called: dict[str, str] = {}  # the texts of shared functions that are called, by name

    # --- memory ------------------------------------------------------------------------------------------------------

    def alloca(self, elements: int, element: str | None = None) -> str:
        """A temporary on the stack, as a memref of dynamic size."""
        element = element or self.element
        static = self.f.value(f"memref.alloca() {{alignment = 64 : i64}} : memref<{elements}x{element}>")
        return self.f.value(f"memref.cast {static} : memref<{elements}x{element}> to memref<?x{element}>")

    def load(self, array: str, at: Index) -> str:
        return self.f.value(f"vector.load {array}[{self.f.ssa(at)}] : {self.memref}, {self.vector}")

    def store(self, value: str, array: str, at: Index) -> None:
        self.f.line(f"vector.store {value}, {array}[{self.f.ssa(at)}] : {self.memref}, {self.vector}")

    def load_scalar(self, array: str, at: Index) -> str:
        return self.f.value(f"memref.load {array}[{self.f.ssa(at)}] : {self.memref}")

    def store_scalar(self, value: str, array: str, at: Index) -> None:
        self.f.line(f"memref.store {value}, {array}[{self.f.ssa(at)}] : {self.memref}")

    def load_index(self, table: str, at: Index) -> str:
        return self.f.value(f"memref.load {table}[{self.f.ssa(at)}] : {INDICES}")

    def fill(self, array: str, count: int, value: float) -> None:
        """Set ``count`` elements, rounded up to vectors."""
        with self.f.loop(0, count, self.lanes) as i:
            self.store(self.splat(value), array, i)

    # --- vectors -----------------------------------------------------------------------------------------------------

    def splat(self, value: float) -> str:
        return self.f.constant(f"dense<{self.literal(value)}>", self.vector)

    def scalar(self, value: float) -> str:
        return self.f.constant(self.literal(value), self.element)

    def literal(self, value: float) -> str:
        """A float as MLIR writes it, infinities as their bits."""
        if abs(value) > _LARGEST[self.element]:
            bits = {"f32": ("0x7F800000", "0xFF800000"), "f64": ("0x7FF0000000000000", "0xFFF0000000000000")}
            return bits[self.element][value < 0]
        return f"{value:.17e}"

    def broadcast(self, value: str) -> str:
        return self.f.value(f"vector.broadcast {value} : {self.element} to {self.vector}")

    def op(self, name: str, *operands: str) -> str:
        """An ``arith`` or ``math`` operation on vectors."""
        return self.f.value(f"{name} {', '.join(operands)} : {self.vector}")

    def fma(self, a: str, b: str, c: str) -> str:
        return self.schedule.scores.multiply_add(self.f, a, b, c, self.vector)

    def select(self, mask: str, a: str, b: str) -> str:
        return self.f.value(f"arith.select {mask}, {a}, {b} : {self.mask_type}, {self.vector}")

    def larger(self, a: str, b: str) -> str:
        """The larger one, ``b`` where ``a`` is not a number: one instruction."""
        return self.select(self.f.value(f"arith.cmpf ogt, {a}, {b} : {self.vector}"), a, b)

    def lanes_below(self, count: Index) -> str:
        """The mask of the first ``count`` lanes."""
        return self.f.value(f"vector.create_mask {self.f.ssa(count)} : {self.mask_type}")

    def reduce(self, combine: Callable[[str, str, str], str], value: str) -> str:
        """All lanes combined by halves, which is quicker than one after the other."""
        size = self.lanes
        while size > 2:
            kind, half = f"vector<{size}x{self.element}>", f"vector<{size // 2}x{self.element}>"
            parts = [
                self.f.value(
                    f"vector.extract_strided_slice {value} {{offsets = [{offset}], sizes = [{size // 2}], "
                    f"strides = [1]}} : {kind} to {half}"
                )
                for offset in (0, size // 2)
            ]
            value, size = combine(*parts, half), size // 2
        last = [
            self.f.value(f"vector.extract {value}[{i}] : {self.element} from vector<2x{self.element}>") for i in (0, 1)
        ]
        return combine(last[0], last[1], self.element)

    def sum_of(self, value: str) -> str:
        """The sum of all lanes."""
        return self.reduce(lambda a, b, kind: self.f.value(f"arith.addf {a}, {b} : {kind}"), value)

    def extreme_of(self, predicate: str, value: str) -> str:
        """The lane that compares so with all others."""

        def combine(a: str, b: str, kind: str) -> str:
            chosen = self.f.value(f"arith.cmpf {predicate}, {a}, {b} : {kind}")
            mask = "" if kind == self.element else f"{kind.replace(self.element, 'i1')}, "
            return self.f.value(f"arith.select {chosen}, {a}, {b} : {mask}{kind}")

        return self.reduce(combine, value)

    @contextmanager
    def carried(
        self, lower: Index, upper: Index, step: int, inits: Sequence[str], given: list[str]
    ) -> Iterator[tuple[Index, list[str], list[str]]]:
        """A loop that carries vectors: gives the index, their values, and a list for the next ones."""
        f = self.f
        i, result = f.fresh(), f.fresh()
        names = [f.fresh() for _ in inits]
        start = ", ".join(f"{name} = {init}" for name, init in zip(names, inits, strict=True))
        types = ", ".join([self.vector] * len(inits))
        following: list[str] = []
        bounds = f"{f.ssa(lower)} to {f.ssa(upper)} step {f.ssa(step)}"
        head = f"{result}:{len(inits)} = scf.for {i} = {bounds} iter_args({start}) -> ({types}) {{"
        with f.block(head, f"}} {AS_WRITTEN}"):
            yield i, names, following
            f.line(f"scf.yield {', '.join(following)} : {types}")
        given += [f"{result}#{k}" for k in range(len(inits))]

    # --- places ------------------------------------------------------------------------------------------------------

    def array(self, name: str) -> Array:
        found = self.attention.array(name)
        assert found is not None
        return found

    def base(self, name: str, batch: Index) -> Index:
        """Where a batch element of an array begins."""
        array = self.array(name)
        return self.f.add(
            array.offset, level_offset(self.f, offsets_of(self.attention, array, self.attention.batch), batch, 1)
        )

    def row_offset(self, name: str, row: Index) -> Index:
        """Where a row begins within its batch element."""
        return level_offset(self.f, offsets_of(self.attention, self.array(name), self.attention.rows), row, 1)

    def row_table(self, name: str, first: Index, count: Index, capacity: int) -> str:
        """A table of where rows begin."""
        table = self.alloca(capacity, "index")
        with self.f.loop(0, count) as i:
            offset = self.f.ssa(self.row_offset(name, self.f.add(first, i)))
            self.f.line(f"memref.store {offset}, {table}[{self.f.ssa(i)}] : {INDICES}")
        return table

    def multiples(self, stride: int, count: int) -> str:
        """A table of multiples of a stride."""
        table = self.alloca(count, "index")
        with self.f.loop(0, count) as i:
            self.f.line(f"memref.store {self.f.ssa(self.f.mul(i, stride))}, {table}[{self.f.ssa(i)}] : {INDICES}")
        return table

    def row_bound(self, row: Index) -> Index:
        """How many columns a row may see."""
        a = self.attention
        assert a.causal is not None
        position = self.f.delinearize(row, a.sizes_of(a.rows))[a.rows.index(a.causal)]
        bound = self.f.add(position, a.offset + 1)
        return self.f.min(bound, a.size(a.column))

    # --- packing and products ----------------------------------------------------------------------------------------

    def pack(
        self, source: str, offset: Index, lanes: str, lane0: Index, valid: Index, step: int, depth: Index, width: int,
        panel: str, panel_offset: Index, *, adjacent: bool = False,
    ) -> None:  # fmt: skip
        """``panel[panel_offset + k * width + l] = source[offset + lanes[lane0 + l] + k * step]`` for ``l < valid``.

        ``adjacent``: lanes are known to be side by side, ``lanes[l] = l``.
        """
        element = self.array(source.removeprefix("%")).element
        types, side = self.schedule.scores, int(width != self.schedule.scores.rows)
        values: tuple[Index, ...]
        if adjacent:
            name, arguments = types.copy(element, width), COPY_ARGUMENTS
            values = (source, self.f.add(offset, lane0), step, depth, valid, panel, panel_offset, 0)
        else:
            in_blocks = step == 1 and isinstance(depth, int) and depth >= block_side(types, width)
            way = "blocks" if in_blocks else "any"
            name, arguments = types.pack(element, width, side, way), PACK_ARGUMENTS
            ascending = self.f.constant("true", "i1")
            values = (source, offset, lanes, lane0, valid, ascending, step, depth, panel, panel_offset)
        kinds = [type.format(s=element, t=self.element) for _, type in arguments]
        self.f.call(name, list(zip(values, kinds, strict=True)))
        if name not in self.called:
            text = copy_text(types, element, width) if adjacent else pack_text(types, element, width, side, way)
            self.called[name] = text

    def product(
        self, product: Product, a: tuple[str, Index], b: tuple[str, Index, Index], c: tuple[str, Index], depth: Index,
        m: Index, n: Index, *, first: str | None = None, factors: str | None = None,
    ) -> None:  # fmt: skip
        """Call a :class:`Product`: ``a`` and ``c`` are (array, offset), ``b`` (array, offset, elements of a panel)."""
        arguments: list[tuple[Index, str]] = [(a[0], self.memref), (a[1], "index"), (b[0], self.memref)]
        arguments += [(b[1], "index"), (b[2], "index"), (c[0], self.memref), (c[1], "index")]
        arguments += [(x, "index") for x in (depth, m, n)]
        if product.mode != "fresh":
            arguments.append((first or self.f.constant("false", "i1"), "i1"))
        if product.mode == "scaled":
            assert factors is not None
            arguments.append((factors, self.memref))
        self.f.call(product.name, arguments)
        self.called[product.name] = product.text

    # --- elements of other types -------------------------------------------------------------------------------------

    def load_widened(self, name: str, at: Index, mask: str) -> str:
        """A vector of an array's elements, 0 in other lanes, in the type that is computed in."""
        element = self.array(name).element
        kind = f"vector<{self.lanes}x{element}>"
        zero = self.f.constant("dense<0.0>" if "f" in element else "dense<0>", kind)
        place = f"%{name}[{self.f.ssa(at)}], {mask}, {zero}"
        value = self.f.value(f"vector.maskedload {place} : memref<?x{element}>, {self.mask_type}, {kind} into {kind}")
        return widen(self.f, value, element, self.element, lanes=self.lanes)

    def prepare_rows(self) -> None:
        """What :meth:`load_row` needs, made where no loop makes it again."""
        self.row_buffer = self.alloca(self.lanes)

    def load_row(self, name: str, start: Index, letter: str, first: Index) -> str:
        """The elements of an array along a dimension from ``first`` on, 0 behind its end."""
        f, size, stride = self.f, self.attention.size(letter), self.array(name).stride(letter)
        count = f.sub(size, first)
        if stride == 1 or size == 1:
            return self.load_widened(name, f.add(start, first), self.lanes_below(count))
        element = self.array(name).element
        buffer = self.row_buffer
        self.store(self.splat(0.0), buffer, 0)
        with f.loop(0, f.min(count, self.lanes)) as i:
            at = f.ssa(f.add(start, f.mul(f.add(first, i), stride)))
            value = f.value(f"memref.load %{name}[{at}] : memref<?x{element}>")
            self.store_scalar(widen(f, value, element, self.element), buffer, i)
        return self.load(buffer, 0)

    def copy_rows(
        self, name: str, base: Index, table: str, count: Index, letter: str, target: str, capacity: int
    ) -> None:  # fmt: skip
        """Rows as a product takes them on its right: panels of register columns, row after row, 0 behind the end."""
        f, columns = self.f, self.schedule.features(letter).columns
        with f.loop(0, count) as i:
            start = f.add(base, self.load_index(table, i))
            with f.loop(0, self.schedule.padded(letter), self.lanes) as j:
                panel = f.div(j, columns)
                at = f.add(f.mul(panel, capacity * columns), f.mul(i, columns), f.rem(j, columns))
                self.store(self.load_row(name, start, letter, j), target, at)

    def store_narrowed(self, value: str, name: str, at: Index, mask: str) -> None:
        element = self.array(name).element
        value = narrow(self.f, value, self.element, element, lanes=self.lanes)
        kinds = f"memref<?x{element}>, {self.mask_type}, vector<{self.lanes}x{element}>"
        self.f.line(f"vector.maskedstore %{name}[{self.f.ssa(at)}], {mask}, {value} : {kinds}")

    # --- bias and mask -----------------------------------------------------------------------------------------------

    def modifier(self, name: str, start: Index, column: Index, inside: str) -> str:
        """The elements of a bias or mask at columns from ``column`` on."""
        stride = self.array(name).stride(self.attention.column)
        if stride == 1:
            return self.load_widened(name, self.f.add(start, column), inside)
        assert stride == 0
        array = self.array(name)
        scalar = self.f.value(f"memref.load %{name}[{self.f.ssa(start)}] : memref<?x{array.element}>")
        return self.broadcast(widen(self.f, scalar, array.element, self.element))

    def is_kept(self, start: Index, column: Index, inside: str) -> str:
        """Where the mask, of bytes, is not 0."""
        element, stride = self.array("mask").element, self.array("mask").stride(self.attention.column)
        kind = f"vector<{self.lanes}x{element}>"
        zero = self.f.constant("dense<0>", kind)
        if stride == 1:
            place = f"%mask[{self.f.ssa(self.f.add(start, column))}], {inside}, {zero}"
            value = self.f.value(
                f"vector.maskedload {place} : memref<?x{element}>, {self.mask_type}, {kind} into {kind}"
            )
        else:
            scalar = self.f.value(f"memref.load %mask[{self.f.ssa(start)}] : memref<?x{element}>")
            value = self.f.value(f"vector.broadcast {scalar} : {element} to {kind}")
        return self.f.value(f"arith.cmpi ne, {value}, {zero} : {kind}")
