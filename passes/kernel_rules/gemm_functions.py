"""The functions that every matrix product of a module shares: micro-kernel and loop over a packed block.

Sizes and strides are arguments, so that the machine code of a matrix product is made once per element type however many
products a module has.  ``gemm.py`` writes the functions that call these, one per shape.

A block of the left operand is an array in which element (row r, step k) lies at ``offset + rows[r] + k *
step_stride``: a table of row offsets describes a packed panel, a plain matrix, several collapsed dimensions and the
overlapping rows of a convolution alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.passes.kernel_rules.function_text import AS_WRITTEN, FunctionText
from astra_mlir.passes.kernel_rules.gemm_formats import Format
from astra_mlir.passes.target import Target

__all__ = ["MACRO_ARGUMENTS", "GemmTypes", "bits_of", "macro_text", "micro_text", "widen"]


def bits_of(element: str) -> int:
    """The width of a builtin element type, from its name."""
    return int(element.lstrip("bfui"))


@dataclass(frozen=True)
class GemmTypes:
    """Accumulator type of a matrix product and the register tile that a target gives it, or a narrower one."""

    accumulator: str
    target: Target
    narrow: bool = False  # a tile of one vector, for few columns
    format: Format | None = None  # of panels that hold groups of narrow numbers

    @property
    def lanes(self) -> int:
        return self.target.lanes(bits_of(self.accumulator))

    @property
    def rows(self) -> int:
        """Rows of the register tile."""
        return self.target.micro_rows

    @property
    def columns(self) -> int:
        """Columns of the register tile."""
        return self.vectors * self.lanes

    @property
    def vectors(self) -> int:
        """Vectors in a row of the register tile."""
        return 1 if self.narrow else self.target.micro_vectors

    @property
    def group(self) -> int:
        """Steps in an element of a panel."""
        return self.format.group if self.format else 1

    @property
    def suffix(self) -> str:
        format = f"{self.format.name}_" if self.format else ""
        return f"{format}{self.accumulator}_{self.rows}x{self.columns}"

    @property
    def is_float(self) -> bool:
        return "f" in self.accumulator

    @property
    def zero(self) -> str:
        return "0.0" if self.is_float else "0"

    @property
    def micro(self) -> str:
        return f"astra_gemm_micro_{self.suffix}"

    @property
    def macro(self) -> str:
        return f"astra_gemm_macro_{self.suffix}"

    def pack(self, source: str, width: int, side: int, way: str) -> str:
        """The name of the function that packs panels of ``width`` lanes of ``source`` elements (``side`` 0: lhs)."""
        format = self.accumulator
        if self.format:
            format = f"{self.format.element}x{self.group}" + ("_offset" if self.is_offset(side) else "")
        return f"astra_gemm_pack_{way}_{source}_{format}_{width}_v{self.target.vector_bits}"

    def copy(self, source: str, width: int) -> str:
        """The name of the function that packs panels of lanes that are side by side in memory."""
        return f"astra_gemm_copy_{source}_{self.accumulator}_{width}_v{self.target.vector_bits}"

    def is_offset(self, side: int) -> bool:
        """Whether an operand is packed 128 higher than it is."""
        return side == 0 and self.format is not None and self.format.offset

    def multiply_add(self, f: FunctionText, a: str, b: str, c: str, type: str) -> str:
        """``a * b + c``."""
        if self.format:
            return self.format.multiply_add(f, a, b, c, type, self.lanes)
        if self.is_float and self.target.fused_multiply_add:
            return f.value(f"vector.fma {a}, {b}, {c} : {type}")
        kind = "f" if self.is_float else "i"
        return f.value(f"arith.add{kind} {f.value(f'arith.mul{kind} {a}, {b} : {type}')}, {c} : {type}")

    def numbers(self, f: FunctionText, value: str, type: str) -> str:
        """A vector of a panel's elements as what is multiplied."""
        return self.format.numbers(f, value, type, self.lanes) if self.format else value

    def add(self, f: FunctionText, a: str, b: str, type: str) -> str:
        return f.value(f"arith.add{'f' if self.is_float else 'i'} {a}, {b} : {type}")


def widen(f: FunctionText, value: str, source: str, target: str, *, lanes: int | None = None) -> str:
    """Convert from element type ``source`` (``"ui8"`` and the like are unsigned) to the at least as wide ``target``."""
    signless = source.removeprefix("u")
    if signless == target:
        return value
    operation = "arith.extf" if "f" in source else "arith.extui" if source.startswith("u") else "arith.extsi"
    shape = (lambda type: type) if lanes is None else (lambda type: f"vector<{lanes}x{type}>")
    return f.value(f"{operation} {value} : {shape(signless)} to {shape(target)}")


MICRO_ARGUMENTS = (
    ("%a", "memref<?x{t}>"), ("%a_offset", "index"), ("%a_rows", "memref<?xindex>"), ("%a_row0", "index"),
    ("%a_step", "index"), ("%b", "memref<?x{t}>"), ("%b_offset", "index"), ("%b_step", "index"), ("%depth", "index"),
    ("%c", "memref<?x{t}>"), ("%c_offset", "index"), ("%c_stride", "index"), ("%m", "index"), ("%n", "index"),
    ("%first", "i1"), ("%next", "memref<?x{t}>"), ("%next_offset", "index"), ("%next_step", "index"),
)  # fmt: skip

MACRO_ARGUMENTS = (
    ("%a", "memref<?x{t}>"), ("%a_offset", "index"), ("%a_panel", "index"), ("%a_rows", "memref<?xindex>"),
    ("%a_row_step", "index"), ("%a_step", "index"), ("%b", "memref<?x{t}>"), ("%b_offset", "index"),
    ("%b_panel", "index"), ("%b_step", "index"), ("%depth", "index"), ("%c", "memref<?x{t}>"), ("%c_offset", "index"),
    ("%c_stride", "index"), ("%m", "index"), ("%n", "index"), ("%first", "i1"),
    ("%next", "memref<?x{t}>"), ("%next_offset", "index"), ("%next_step", "index"),
)  # fmt: skip


def _arguments(template: tuple[tuple[str, str], ...], element: str) -> list[tuple[str, str]]:
    return [(name, type.format(t=element)) for name, type in template]


def micro_text(types: GemmTypes) -> str:
    """``c[:m, :n] (+)= a[rows] @ b``: one register tile; ``first`` overwrites ``c`` instead of adding.

    Rows ``row0 .. row0 + rows`` of the table must be there even where ``m`` is less, and name readable elements.
    Each step fetches the line at ``next_offset + k * next_step`` of ``next`` into the second-level cache: what is
    packed next comes while this is computed (32x4096x4096 f32 on two cores: 6.7 ms instead of 9.1).
    """
    f = FunctionText(types.micro, _arguments(MICRO_ARGUMENTS, types.accumulator), inline=False)
    element, lanes, rows, vectors = types.accumulator, types.lanes, types.rows, types.vectors
    vector, memref = f"vector<{lanes}x{element}>", f"memref<?x{element}>"
    tile = [(i, j) for i in range(rows) for j in range(vectors)]
    zero = f.constant(f"dense<{types.zero}>", vector)

    pointers = []
    for i in range(rows):
        row = f.value(f"memref.load %a_rows[{f.ssa(f.add('%a_row0', i))}] : memref<?xindex>")
        pointers.append(f.add("%a_offset", row))

    # one more row where the left operand is packed 128 higher: 128 times the right one, to be subtracted
    sums_of = [*tile, *((rows, j) for j in range(vectors) if types.is_offset(0))]
    accumulators = {at: f"%acc_{at[0]}_{at[1]}" for at in sums_of}
    start = ", ".join(f"{accumulators[at]} = {zero}" for at in sums_of)
    types_list = ", ".join([vector] * len(sums_of))
    k = f.fresh()
    bounds = f"{f.ssa(0)} to %depth step {f.ssa(1)}"
    head = f"%sum:{len(sums_of)} = scf.for {k} = {bounds} iter_args({start}) -> ({types_list}) {{"
    with f.block(head, f"}} {AS_WRITTEN}"):
        a_step, b_at = f.mul(k, "%a_step"), f.add("%b_offset", f.mul(k, "%b_step"))
        ahead = f.add("%next_offset", f.mul(k, "%next_step"))
        f.line(f"memref.prefetch %next[{f.ssa(ahead)}], read, locality<2>, data : {memref}")
        columns = [
            f.value(f"vector.load %b[{f.ssa(f.add(b_at, j * lanes))}] : {memref}, {vector}") for j in range(vectors)
        ]
        columns = [types.numbers(f, column, vector) for column in columns]
        sums = []
        for i in range(rows):
            scalar = f.value(f"memref.load %a[{f.ssa(f.add(pointers[i], a_step))}] : {memref}")
            row = types.numbers(f, f.value(f"vector.broadcast {scalar} : {element} to {vector}"), vector)
            sums += [types.multiply_add(f, row, columns[j], accumulators[i, j], vector) for j in range(vectors)]
        if types.is_offset(0):
            offset = f.constant("dense<-128>", f"vector<{lanes * types.group}xi8>")
            sums += [types.multiply_add(f, offset, columns[j], accumulators[rows, j], vector) for j in range(vectors)]
        f.line(f"scf.yield {', '.join(sums)} : {types_list}")
    results = {at: f"%sum#{i}" for i, at in enumerate(sums_of)}
    if types.is_offset(0):
        for i, j in tile:
            results[i, j] = f.value(f"arith.subi {results[i, j]}, {results[rows, j]} : {vector}")

    whole = f.value(f"arith.andi {f.compare('eq', '%m', rows)}, {f.compare('eq', '%n', types.columns)} : i1")
    with f.block(f"scf.if {whole} {{", "} else {"):
        places = {
            (i, j): f"%c[{f.ssa(f.add('%c_offset', f.mul(i, '%c_stride'), j * lanes))}] : {memref}, {vector}"
            for i, j in tile
        }
        with f.block("scf.if %first {", "} else {"):
            for at in tile:
                f.line(f"vector.store {results[at]}, {places[at]}")
        with f.block(""):
            for at in tile:
                total = types.add(f, f.value(f"vector.load {places[at]}"), results[at], vector)
                f.line(f"vector.store {total}, {places[at]}")
    with f.block(""):
        # an edge of the result: by way of a buffer, one masked row after the other
        buffer = f"memref<{rows * types.columns}x{element}>"
        tile_buffer = f.value(f"memref.alloca() {{alignment = 64 : i64}} : {buffer}")
        for i, j in tile:
            place = f.ssa(i * types.columns + j * lanes)
            f.line(f"vector.store {results[i, j]}, {tile_buffer}[{place}] : {buffer}, {vector}")
        false = f.constant("dense<false>", f"vector<{lanes}xi1>")
        masked = f"{memref}, vector<{lanes}xi1>, {vector}"
        with f.loop(0, "%m") as i, f.loop(0, "%n", lanes) as j:
            mask = f.value(f"vector.create_mask {f.ssa(f.sub('%n', j))} : vector<{lanes}xi1>")
            load_mask = f.value(f"arith.select %first, {false}, {mask} : vector<{lanes}xi1>")
            at = f"%c[{f.ssa(f.add('%c_offset', f.mul(i, '%c_stride'), j))}]"
            before = f.value(f"vector.maskedload {at}, {load_mask}, {zero} : {masked} into {vector}")
            place = f.ssa(f.add(f.mul(i, types.columns), j))
            row = f.value(f"vector.load {tile_buffer}[{place}] : {buffer}, {vector}")
            f.line(f"vector.maskedstore {at}, {mask}, {types.add(f, before, row, vector)} : {masked}")
    return f.text()


def macro_text(types: GemmTypes) -> str:
    """``c[:m, :n] (+)= a @ b`` for a block of panels.

    Each row tile passes all panels of ``b``, which come from the second-level cache one after the other.  So a left
    operand that is read where it lies need not fit there: its rows, 4 KiB apart, say, would share few sets (1024^3 f32:
    19.9 ms on one core, 20.8 with the panels outside).  The first row tiles fetch what ``next`` has in the columns of a
    panel, a vector's width each.
    """
    f = FunctionText(types.macro, _arguments(MACRO_ARGUMENTS, types.accumulator), inline=False)
    rows, columns = types.rows, types.columns
    with f.loop(0, f.ceil_div("%m", rows)) as i:
        first_row = f.mul(i, rows)
        with f.loop(0, f.ceil_div("%n", columns)) as j:
            first_column = f.mul(j, columns)
            b_at = f.add("%b_offset", f.mul(j, "%b_panel"))
            width = f.min(f.sub("%n", first_column), columns)
            is_ahead = f.compare("slt", i, types.vectors)
            line = f.add("%next_offset", first_column, f.mul(i, types.lanes))
            values = {
                "%next_offset": f.value(f"arith.select {is_ahead}, {f.ssa(line)}, %next_offset : index"),
                "%next_step": f.value(f"arith.select {is_ahead}, %next_step, {f.ssa(0)} : index"),
                "%a_offset": f.add("%a_offset", f.mul(i, "%a_panel")),
                "%a_row0": f.mul(i, "%a_row_step"),
                "%b_offset": b_at,
                "%c_offset": f.add("%c_offset", f.mul(first_row, "%c_stride"), first_column),
                "%m": f.min(f.sub("%m", first_row), rows),
                "%n": width,
            }
            f.call(types.micro, [(values.get(n, n), t) for n, t in _arguments(MICRO_ARGUMENTS, types.accumulator)])
    return f.text()
