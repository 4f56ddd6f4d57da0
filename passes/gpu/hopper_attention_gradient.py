"""The derivative of attention on Hopper, in two kernels that add in a fixed order: same bits every time.

FlashAttention-2's backward pass (Dao 2023, section 3.1.2) recomputes probabilities ``P`` from scores and the logarithms
of sums that the forward kernel kept, and needs, with ``G = dO @ V^T`` and ``D`` the row sums of ``dO * O``,
``dS = P * (G - D)``, ``dV = P^T @ dO``, ``dK = scale * dS^T @ Q`` and ``dQ = scale * dS @ K``.  One kernel has it all
if ``dQ`` is added to by atomics, in whatever order blocks run; here one kernel has ``dK`` and ``dV``, another ``dQ``:
seven products instead of five, and no atomics.

Both are one scheme: a block holds 128 rows of two operands (keys and values, or queries and cotangents) and tiles of
the other two stream past; a warpgroup has 64 of the rows, computes two products with each tile, and those of their
results, in registers, with the same tile transposed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from astra_mlir.errors import UnsupportedError
from astra_mlir.passes.gpu.hopper_attention import HopperAttention
from astra_mlir.passes.gpu.hopper_gemm import TensorMapSpec
from astra_mlir.passes.gpu.hopper_text import (
    POINTER,
    ROW_BYTES,
    SHARED_BYTES,
    WARPGROUP,
    HopperText,
    address,
    advance,
    float_bits,
    wait_for,
)

__all__ = ["HopperAttentionGradient"]

_ROWS = 64  # of a warpgroup
_CONSUMERS = 2
_COLUMNS = 64  # of 16 bits in a row of shared memory
_SUMS_BYTES = 2 * 4 * _ROWS
_COPYING_REGISTERS, _MULTIPLYING_REGISTERS = 40, 232


@dataclass(frozen=True)
class HopperAttentionGradient:
    """The derivative of an attention by its keys and values (``of="keys"``) or by its queries (``"queries"``).

    Raises :class:`UnsupportedError` for stages that do not fit.
    """

    attention: HopperAttention
    of: str
    stages: int = 2

    def __post_init__(self) -> None:
        if self.of not in ("keys", "queries"):
            raise UnsupportedError(f"the derivative of '{self.of}': expected keys or queries")
        if self.shared_bytes > SHARED_BYTES:
            raise UnsupportedError(f"{self.stages} stages take {self.shared_bytes} bytes of shared memory")

    @property
    def keys(self) -> bool:
        """Whether this is the kernel of keys and values."""
        return self.of == "keys"

    @property
    def part_bytes(self) -> int:
        """Of 64 rows of an operand."""
        return self.attention.parts * _ROWS * ROW_BYTES

    @property
    def barriers_at(self) -> int:
        """Where the mbarriers are: of the rows that stay, then full and empty ones of the tiles."""
        return 2 * self.part_bytes * (_CONSUMERS + self.stages)

    @property
    def sums_at(self) -> int:
        """With queries as tiles: where their logarithms of sums and row sums are, of each stage."""
        return self.barriers_at + 8 + 16 * self.stages + 8

    @property
    def shared_bytes(self) -> int:
        """Dynamic shared memory of a block."""
        return self.sums_at + (self.stages * _SUMS_BYTES if self.keys else 0)

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return WARPGROUP * (1 + _CONSUMERS)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Blocks: of 128 rows, heads, batch."""
        a = self.attention
        rows, heads = (a.keys, a.heads // a.group) if self.keys else (a.queries, a.heads)
        return -(-rows // (_CONSUMERS * _ROWS)), heads, a.batch

    @property
    def tensor_maps(self) -> tuple[TensorMapSpec, ...]:
        """Maps, all with boxes of 64 x 64, in the order of arguments."""
        a = self.attention

        def spec(operand: int, rows: int, heads: int) -> TensorMapSpec:
            inner = 2 * a.width
            row, head = (heads * inner, inner) if a.token_major else (inner, rows * inner)
            box = (_COLUMNS, _ROWS, 1, 1)
            strides = (row, head, rows * heads * inner)
            return TensorMapSpec(operand, (a.width, rows, heads, a.batch), strides, box, ROW_BYTES, a.element)

        by_queries, by_keys = (a.queries, a.heads), (a.keys, a.heads // a.group)
        q, k, v, d = spec(0, *by_queries), spec(1, *by_keys), spec(2, *by_keys), spec(3, *by_queries)
        if self.keys:
            return k, v, q, d, spec(6, *by_keys), spec(7, *by_keys)
        return q, d, k, v, spec(6, *by_queries)

    def mlir(self, name: str) -> str:
        """The kernel as a function of the LLVM dialect: its arguments are the pointers of queries, keys, values,
        cotangents, logarithms of sums and row sums of cotangents times results (f32, both as in the forward kernel), of
        the derivatives, and the maps."""
        return _Kernel(self, name).text()


class _Kernel(HopperText):
    """Writes one of the kernels.  *Rows* stay in shared memory (first and second operand), *tiles* stream."""

    def __init__(self, gradient: HopperAttentionGradient, name: str) -> None:
        super().__init__(name)
        self.gradient, self.attention = gradient, gradient.attention
        a = self.attention
        self.scale = a.scale if a.scale is not None else a.width**-0.5
        self.factor = self.scale * math.log2(math.e)
        self.shift = a.keys - a.queries
        self.width = a.width // 2  # registers of a result

    def text(self) -> str:
        """The kernel and the declaration of its shared memory."""
        maps = [f"%map{i}" for i in range(len(self.gradient.tensor_maps))]
        self.write(maps)
        names = ["%queries", "%keys", "%values", "%cotangents", "%logsums", "%deltas"]
        names += ["%of_keys", "%of_values"] if self.gradient.keys else ["%of_queries"]
        return self.kernel([(name, POINTER) for name in names], maps, self.gradient.threads)

    def write(self, maps: list[str]) -> None:
        """The blocks of the kernel."""
        shared, places = self.shared_memory(), self.addresses(*maps)
        sums = self.addresses("%logsums", "%deltas")
        thread = self.value("nvvm.read.ptx.sreg.tid.x : i32")
        block, head, batch = (self.value(f"nvvm.read.ptx.sreg.ctaid.{axis} : i32") for axis in "xyz")
        if not self.gradient.keys and self.attention.causal:  # the longest rows first
            block = self.binary("sub", self.constant(self.gradient.grid[0] - 1), block)
        stages = self.gradient.stages
        counts = [1] + [2 if self.gradient.keys else 1] * stages + [_CONSUMERS] * stages
        self.make_barriers(shared, thread, self.gradient.barriers_at, counts)
        first = self.binary("mul", block, _CONSUMERS * _ROWS)
        start, end = self.tiles(first)
        group = self.warpgroup(thread)
        common = [shared, first, head, batch, start, end]
        self.line(f"llvm.cond_br {self.compare('eq', group, 0)}, ^copy, ^multiply")
        self.label("copy")
        self.ptx(f"setmaxnreg.dec.sync.aligned.u32 {_COPYING_REGISTERS};")
        self.line(f"llvm.cond_br {self.compare('eq', thread, 0)}, ^ask, ^other")
        self.label("ask")
        self.ptx(self.copies(), [*((n, "i32") for n in common), *((p, "i64") for p in places[:4])])
        self.line("llvm.br ^end")
        self.label("other")
        if self.gradient.keys:  # the second warp brings what belongs to the tiles' queries
            second = self.compare("eq", self.binary("udiv", thread, 32), 1)
            self.line(f"llvm.cond_br {second}, ^bring, ^end")
            self.label("bring")
            self.ptx(self.sums_of_columns(), [*((n, "i32") for n in (*common, thread)), *((p, "i64") for p in sums)])
        self.line("llvm.br ^end")
        self.label("multiply")
        self.ptx(f"setmaxnreg.inc.sync.aligned.u32 {_MULTIPLYING_REGISTERS};")
        numbers = [*common, thread, self.binary("sub", group, 1)]
        addresses = [*sums, *places[4:]]
        self.ptx(self.products(), [*((n, "i32") for n in numbers), *((p, "i64") for p in addresses)])
        self.line("llvm.br ^end")
        self.label("end")
        self.line("llvm.return")

    def tiles(self, first: str) -> tuple[str, str]:
        """The first tile that a block's rows have to do with, and the one behind the last."""
        a = self.attention
        every = -(-(a.queries if self.gradient.keys else a.keys) // _ROWS)
        if not a.causal:
            return self.constant(0), self.constant(every)
        if self.gradient.keys:  # queries from the first key's own position on
            start = self.binary("sub", first, self.shift)
            start = self.value(f"llvm.intr.smax({start}, {self.constant(0)}) : (i32, i32) -> i32")
            start = self.binary("udiv", start, _ROWS)
            return self.value(f"llvm.intr.umin({start}, {self.constant(every)}) : (i32, i32) -> i32"), self.constant(
                every
            )
        last = self.binary("add", first, _CONSUMERS * _ROWS + self.shift + _ROWS - 1)
        last = self.value(f"llvm.intr.smax({last}, {self.constant(0)}) : (i32, i32) -> i32")
        last = self.binary("udiv", last, _ROWS)
        return self.constant(0), self.value(f"llvm.intr.umin({last}, {self.constant(every)}) : (i32, i32) -> i32")

    def next_tile(self) -> str:
        """From one tile to the next, ``tile`` and ``other`` (the tiles' head), ``q`` when there are no more."""
        return """add.u32 tile, tile, 1;
            setp.lt.u32 q, tile, $5;
            @q bra same;
            mov.u32 tile, $4;
            add.u32 other, other, 1;
            same:
            """

    def first_head(self) -> str:
        """The first head of tiles, and the one behind the last."""
        a = self.attention
        if self.gradient.keys:
            return f"mul.lo.u32 other, $2, {a.group};\nadd.u32 behind, other, {a.group};\n"
        return f"div.u32 other, $2, {a.group};\nadd.u32 behind, other, 1;\n"

    # --- the warpgroup that copies ----------------------------------------------------------------------------------

    def copies(self) -> str:
        """$0 shared, $1 first row, $2 head, $3 batch, $4 first tile, $5 behind the last; $6.. the maps."""
        gradient, parts = self.gradient, self.attention.parts
        cast = "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes"
        rows = ""
        for operand in (0, 1):
            for consumer in range(_CONSUMERS):
                rows += f"add.u32 row, $1, {consumer * _ROWS};\n"
                for part in range(parts):
                    at = (operand * _CONSUMERS + consumer) * gradient.part_bytes + part * _ROWS * ROW_BYTES
                    rows += f"add.u32 to, $0, {at};\nmov.u32 column, {part * _COLUMNS};\n"
                    rows += f"{cast} [to], [${6 + operand}, {{column, row, $2, $3}}], [full];\n"
        tiles = ""
        for operand in (0, 1):
            for part in range(parts):
                at = 2 * _CONSUMERS * gradient.part_bytes + operand * gradient.part_bytes + part * _ROWS * ROW_BYTES
                tiles += f"add.u32 to, base, {at};\nmov.u32 column, {part * _COLUMNS};\n"
                tiles += f"{cast} [to], [${8 + operand}, {{column, row, other, $3}}], [full];\n"
        return f"""{{
            .reg .pred p, q; .reg .b32 full, empty, row, column, to, base, stage, parity, tile, other, behind;
            add.u32 full, $0, {gradient.barriers_at};
            mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], {2 * _CONSUMERS * gradient.part_bytes};
            {rows}
            mov.u32 stage, 0;
            mov.u32 parity, 1;
            mov.u32 tile, $4;
            {self.first_head()}
            setp.ge.u32 p, $4, $5;
            @p bra done;
            next:
            mul.lo.u32 row, tile, {_ROWS};
            mad.lo.u32 full, stage, 8, $0;
            add.u32 full, full, {gradient.barriers_at + 8};
            add.u32 empty, full, {8 * gradient.stages};
            {wait_for("empty", "parity", "wait", "p")}
            mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], {2 * gradient.part_bytes};
            mad.lo.u32 base, stage, {2 * gradient.part_bytes}, $0;
            {tiles}
            {advance("stage", "parity", gradient.stages)}
            {self.next_tile()}
            setp.lt.u32 p, other, behind;
            @p bra next;
            done:
            }}"""

    # --- the warpgroups that multiply -------------------------------------------------------------------------------

    def products(self) -> str:
        """$0..$5 as in :meth:`copies`, $6 thread, $7 warpgroup; $8, $9 logarithms of sums and row sums; $10.. the maps
        of results.

        Registers: ``s`` scores, then probabilities; ``g`` products of cotangents and values, then ``dS``; ``p``, ``d``
        these as pairs of 16 bits; ``x`` and ``y`` the results of the first and second operand.
        """
        gradient = self.gradient
        results = ("x", "y") if gradient.keys else ("x",)
        zero = "".join(f"mov.b32 {name}{i}, 0;\n" for name in results for i in range(self.width))
        return f"""{{
            .reg .pred q, masked, all, none, chosen, later;
            .reg .b32 s<32>, g<32>, p<16>, d<16>, x<{self.width}>, y<{self.width}>;
            .reg .b32 t, u, lane, warp, inside, row, tile, other, behind, stage, phase, before, bar, base, limit, place;
            .reg .b32 log0, log1, delta0, delta1, edge, at;
            .reg .b64 lhs, rhs, wide, logs, deltas;
            rem.u32 inside, $6, {WARPGROUP};
            rem.u32 lane, inside, 32;
            div.u32 warp, inside, 32;
            setp.eq.u32 chosen, inside, 0;
            setp.eq.u32 all, inside, inside;
            setp.ne.u32 none, inside, inside;
            mad.lo.u32 row, $7, {_ROWS}, $1;
            mad.lo.u32 row, warp, 16, row;
            shr.u32 t, lane, 2;
            add.u32 row, row, t;
            {zero}
            mov.u32 stage, 0;
            mov.u32 phase, 0;
            setp.ne.u32 later, inside, inside;
            mov.u32 tile, $4;
            {self.first_head()}
            {self.sums_of_rows()}
            setp.ge.u32 q, $4, $5;
            @q bra nothing;
            add.u32 bar, $0, {gradient.barriers_at};
            {wait_for("bar", "0", "wr")}
            next:
            mad.lo.u32 bar, stage, 8, $0;
            add.u32 bar, bar, {gradient.barriers_at + 8};
            {wait_for("bar", "phase", "wt")}
            {self.with_rows("s", 0)}
            {self.with_rows("g", 1)}
            @!later bra first;
            wgmma.wait_group.sync.aligned 2;
            mad.lo.u32 bar, before, 8, $0;
            @chosen mbarrier.arrive.shared::cta.b64 _, [bar+{gradient.barriers_at + 8 + 8 * gradient.stages}];
            first:
            wgmma.wait_group.sync.aligned 1;
            {self.mask()}
            {self.probabilities()}
            wgmma.wait_group.sync.aligned 0;
            {self.differences()}
            {self.accumulate()}
            setp.eq.u32 later, inside, inside;
            mov.u32 before, stage;
            {advance("stage", "phase", gradient.stages, "q")}
            {self.next_tile()}
            setp.lt.u32 q, other, behind;
            @q bra next;
            wgmma.wait_group.sync.aligned 0;
            nothing:
            {self.finish(results)}
            }}"""

    def with_rows(self, result: str, operand: int) -> str:
        """Begin the product of the warpgroup's rows of an operand with the tile of the same number, transposed."""
        gradient, a = self.gradient, self.attention
        name = f"wgmma.mma_async.sync.aligned.m64n{_ROWS}k16.f32.{a.element}.{a.element}"
        registers = "{" + ", ".join(f"{result}{i}" for i in range(32)) + "}"
        text = f"""mad.lo.u32 base, $7, {gradient.part_bytes}, $0;
            add.u32 base, base, {operand * _CONSUMERS * gradient.part_bytes};
            {address("lhs", False, 0)}
            mad.lo.u32 base, stage, {2 * gradient.part_bytes}, $0;
            add.u32 base, base, {(2 * _CONSUMERS + operand) * gradient.part_bytes};
            {address("rhs", False, 0)}
            wgmma.fence.sync.aligned;
            """
        before = 0
        for i in range(a.width // 16):
            at = i // 4 * _ROWS * ROW_BYTES + i % 4 * 32
            if i:
                text += f"add.s64 lhs, lhs, {(at - before) >> 4};\nadd.s64 rhs, rhs, {(at - before) >> 4};\n"
            before = at
            text += f"{name} {registers}, lhs, rhs, {'all' if i else 'none'}, 1, 1, 0, 0;\n"
        return text + "wgmma.commit_group.sync.aligned;"

    def accumulate(self) -> str:
        """Begin ``x += dS @ first tile`` and, for keys, ``y += P @ second tile``."""
        gradient, a = self.gradient, self.attention
        name = f"wgmma.mma_async.sync.aligned.m64n{a.width}k16.f32.{a.element}.{a.element}"
        text = "wgmma.fence.sync.aligned;\n"
        for result, left, operand in (("x", "d", 0), ("y", "p", 1)):
            if result == "y" and not gradient.keys:
                continue
            registers = "{" + ", ".join(f"{result}{i}" for i in range(self.width)) + "}"
            text += f"""mad.lo.u32 base, stage, {2 * gradient.part_bytes}, $0;
                add.u32 base, base, {(2 * _CONSUMERS + operand) * gradient.part_bytes};
                {address("rhs", True, _ROWS)}
                """
            for step in range(_ROWS // 16):
                fragment = "{" + ", ".join(f"{left}{4 * step + i}" for i in range(4)) + "}"
                text += (
                    f"{name} {registers}, {fragment}, rhs, all, 1, 1, 1;\nadd.s64 rhs, rhs, {16 * ROW_BYTES >> 4};\n"
                )
        return text + "wgmma.commit_group.sync.aligned;"

    def sums_of_rows(self) -> str:
        """With queries as rows: the logarithms of sums and row sums of the thread's two rows."""
        a = self.attention
        if self.gradient.keys:
            return ""
        text = f"""{a.place_of_sums("$3", "$2")}
            add.s64 logs, $8, wide;
            add.s64 deltas, $9, wide;
            """
        for r in (0, 1):
            text += f"""add.u32 t, row, {8 * r};
                min.u32 t, t, {a.queries - 1};
                mul.wide.u32 wide, t, {a.sums_step};
                add.s64 lhs, logs, wide;
                add.s64 rhs, deltas, wide;
                ld.global.nc.f32 log{r}, [lhs];
                ld.global.nc.f32 delta{r}, [rhs];
                {self.in_powers_of_two(f"log{r}")}
                """
        return text

    def in_powers_of_two(self, register: str) -> str:
        """``-log2(sum)`` of a logarithm of a sum; zero for a row that sees no key."""
        guard = ""
        if self.attention.causal and self.shift < 0:
            guard = f"setp.eq.f32 q, {register}, 0fFF800000;\nselp.b32 {register}, 0, {register}, q;\n"
        return f"{guard}mul.rn.f32 {register}, {register}, {float_bits(-math.log2(math.e))};"

    def sums_of_columns(self) -> str:
        """With queries as tiles: a warp brings their logarithms of sums and row sums to shared memory.

        $0..$5 as in :meth:`copies`, $6 thread; $7, $8 the arrays.
        """
        gradient, a = self.gradient, self.attention
        bring = ""
        for half in (0, 1):
            bring += f"""add.u32 t, column, {32 * half};
                min.u32 t, t, {a.queries - 1};
                mul.wide.u32 wide, t, {a.sums_step};
                add.s64 logs, wide, base0;
                add.s64 deltas, wide, base1;
                ld.global.nc.f32 log0, [logs];
                ld.global.nc.f32 delta0, [deltas];
                {self.in_powers_of_two("log0")}
                st.shared.f32 [to+{128 * half}], log0;
                st.shared.f32 [to+{128 * half + 4 * _ROWS}], delta0;
                """
        return f"""{{
            .reg .pred q, p; .reg .b32 full, empty, t, u, lane, column, to, stage, parity, tile, other, behind, log0;
            .reg .b32 delta0;
            .reg .b64 wide, logs, deltas, base0, base1;
            rem.u32 lane, $6, 32;
            mov.u32 stage, 0;
            mov.u32 parity, 1;
            mov.u32 tile, $4;
            {self.first_head()}
            setp.ge.u32 q, $4, $5;
            @q bra done;
            next:
            mad.lo.u32 full, stage, 8, $0;
            add.u32 full, full, {gradient.barriers_at + 8};
            add.u32 empty, full, {8 * gradient.stages};
            {wait_for("empty", "parity", "wait")}
            {a.place_of_sums("$3", "other")}
            add.s64 base0, $7, wide;
            add.s64 base1, $8, wide;
            mad.lo.u32 column, tile, {_ROWS}, lane;
            mad.lo.u32 to, stage, {_SUMS_BYTES}, $0;
            mad.lo.u32 to, lane, 4, to;
            add.u32 to, to, {gradient.sums_at};
            {bring}
            bar.warp.sync -1;
            setp.eq.u32 p, lane, 0;
            @p mbarrier.arrive.shared::cta.b64 _, [full];
            {advance("stage", "parity", gradient.stages, "q")}
            {self.next_tile()}
            setp.lt.u32 q, other, behind;
            @q bra next;
            done:
            }}"""

    def columns(self, which: int, i: int) -> str:
        """With queries as columns: the logarithms of sums (0) or row sums (1) of columns ``8 i`` and ``8 i + 1``."""
        names = ("log0, log1", "delta0, delta1")[which]
        return f"ld.shared.v2.f32 {{{names}}}, [edge+{which * 4 * _ROWS + 32 * i}];\n"

    def place_of_columns(self) -> str:
        """Where the entries of the thread's first column are: ``edge``."""
        return f"""and.b32 t, lane, 3;
            mad.lo.u32 edge, stage, {_SUMS_BYTES}, $0;
            mad.lo.u32 edge, t, 8, edge;
            add.u32 edge, edge, {self.gradient.sums_at};
            """

    def mask(self) -> str:
        """Scores of keys that a query does not see are minus infinity."""
        if not self.attention.causal:
            return ""
        # Of the tile's columns, from the thread's first: the last that a row sees, or (keys as rows) the first that
        # sees the row.
        text = f"""and.b32 t, lane, 3;
            shl.b32 t, t, 1;
            mad.lo.u32 t, tile, {_ROWS}, t;
            sub.s32 limit, row, t;
            """
        keys = self.gradient.keys
        text += f"add.s32 limit, limit, {-self.shift if keys else self.shift};\n"
        text += "add.s32 u, limit, 8;\n"
        for i in range(32):
            column, which = i // 4 * 8 + i % 2, "u" if i // 2 % 2 else "limit"
            text += f"setp.{'gt' if keys else 'lt'}.s32 q, {which}, {column};\nselp.b32 s{i}, 0fFF800000, s{i}, q;\n"
        return text

    def probabilities(self) -> str:
        """``s = exp(scale * s - log(sum))``."""
        text = self.place_of_columns() if self.gradient.keys else ""
        for i in range(0, 32, 4):
            text += self.columns(0, i // 4) if self.gradient.keys else ""
            for j in range(i, i + 4):
                log = f"log{j % 2}" if self.gradient.keys else f"log{j // 2 % 2}"
                text += f"fma.rn.f32 s{j}, s{j}, {float_bits(self.factor)}, {log};\nex2.approx.ftz.f32 s{j}, s{j};\n"
        return text

    def differences(self) -> str:
        """``g = P * (g - D)``, and both as pairs of 16 bits: accumulators have the layout of a left operand."""
        kind = f"{self.attention.element}x2"
        text = ""
        for i in range(0, 32, 4):
            text += self.columns(1, i // 4) if self.gradient.keys else ""
            for j in range(i, i + 4):
                delta = f"delta{j % 2}" if self.gradient.keys else f"delta{j // 2 % 2}"
                text += f"sub.rn.f32 g{j}, g{j}, {delta};\nmul.rn.f32 g{j}, g{j}, s{j};\n"
        for i in range(16):
            text += f"cvt.rn.{kind}.f32 d{i}, g{2 * i + 1}, g{2 * i};\n"
            text += f"cvt.rn.{kind}.f32 p{i}, s{2 * i + 1}, s{2 * i};\n" if self.gradient.keys else ""
        return text

    def finish(self, results: tuple[str, ...]) -> str:
        """Scale and store the results through the shared memory of the warpgroup's own rows."""
        gradient, a = self.gradient, self.attention
        leave = "cp.async.bulk.tensor.4d.global.shared::cta.bulk_group"
        text = "".join(f"mul.rn.f32 x{i}, x{i}, {float_bits(self.scale)};\n" for i in range(self.width))
        text += f"""add.u32 bar, $0, {gradient.barriers_at};
            {wait_for("bar", "0", "wf")}
            and.b32 t, lane, 15;
            mad.lo.u32 t, warp, 16, t;
            and.b32 u, t, 7;
            shr.u32 edge, lane, 4;
            mul.lo.u32 place, t, {ROW_BYTES};
            """
        stores = ""
        for operand, result in enumerate(results):
            text += f"""mad.lo.u32 base, $7, {gradient.part_bytes}, $0;
                add.u32 base, base, {operand * _CONSUMERS * gradient.part_bytes};
                """
            stores += f"""mad.lo.u32 base, $7, {gradient.part_bytes}, $0;
                add.u32 base, base, {operand * _CONSUMERS * gradient.part_bytes};
                """
            for i in range(0, self.width, 2):
                text += f"cvt.rn.{a.element}x2.f32 {result}{i}, {result}{i + 1}, {result}{i};\n"
            for part in range(a.parts):
                at = part * _ROWS * ROW_BYTES
                for j in range(4):
                    registers = ", ".join(f"{result}{part * 32 + 8 * j + i}" for i in (0, 2, 4, 6))
                    text += f"""add.u32 t, edge, {2 * j};
                        xor.b32 t, t, u;
                        mad.lo.u32 t, t, 16, place;
                        add.u32 t, t, base;
                        stmatrix.sync.aligned.m8n8.x4.shared.b16 [t+{at}], {{{registers}}};
                        """
                stores += f"add.u32 t, base, {at};\nmov.u32 at, {part * _COLUMNS};\n"
                stores += f"{leave} [${10 + operand}, {{at, limit, $2, $3}}], [t];\n"
        return f"""{text}
            fence.proxy.async.shared::cta;
            add.u32 bar, $7, 1;
            bar.sync bar, {WARPGROUP};
            @!chosen bra stored;
            mad.lo.u32 limit, $7, {_ROWS}, $1;
            {stores}
            cp.async.bulk.commit_group;
            cp.async.bulk.wait_group 0;
            stored:
            """
