"""The kernel of a Hopper matrix product, written for one shape and schedule (``hopper_gemm.py``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from astra_mlir.passes.gpu.hopper_text import (
    MEET,
    POINTER,
    ROW_BYTES,
    WARPGROUP,
    HopperText,
    advance,
    descriptor,
    wait_for,
)

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.hopper_gemm import Epilogue, HopperGemm

__all__ = ["RESULT_BYTES", "STAGED_COLUMNS", "HopperKernel"]

STEP_BYTES = 32  # of k that one wgmma takes
STAGED_COLUMNS = 64  # of a result that leave at once: rows of 128 bytes
RESULT_BYTES = {"f16": 2, "bf16": 2, "f32": 4, "i32": 4, "i8": 1}
# Registers of a thread when the kernel runs (setmaxnreg): 40 + 2 * 232 or 40 + 3 * 152 of the 504 or 496 that the
# threads of a place in the four warpgroups have at its start.
COPYING_REGISTERS, MULTIPLYING_REGISTERS = 40, {2: 232, 3: 152}

_Finished = Callable[[int, int], list[str]]  # accumulators from a number on, so many, as they are stored


class HopperKernel(HopperText):
    """Writes the kernel of one :class:`~astra_mlir.passes.gpu.hopper_gemm.HopperGemm`."""

    def __init__(self, gemm: HopperGemm, name: str, epilogue: Epilogue) -> None:
        super().__init__(name)
        self.gemm, self.epilogue = gemm, epilogue

    # --- parts ------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The kernel and the declaration of its shared memory."""
        gemm = self.gemm
        maps = [f"%map{i}" for i in range(len(gemm.tensor_maps))]
        extra = [f"%extra{i}" for i in range(len(self.epilogue.arguments))]
        self.write(maps, extra)
        arguments = [(name, POINTER) for name in ("%lhs", "%rhs", "%result")]
        arguments += zip(extra, self.epilogue.arguments, strict=True)
        return self.kernel(arguments, maps, gemm.threads, gemm.blocks_together)

    def write(self, maps: list[str], extra: list[str]) -> None:
        """The blocks of the kernel."""
        gemm = self.gemm
        shared, places = self.shared_memory(), self.addresses(*maps)
        thread = self.value("nvvm.read.ptx.sreg.tid.x : i32")
        block = self.value("nvvm.read.ptx.sreg.ctaid.x : i32")
        blocks = self.value("nvvm.read.ptx.sreg.nctaid.x : i32")
        rank = self.value("nvvm.read.ptx.sreg.cluster.ctarank : i32") if gemm.blocks_together > 1 else self.constant(0)
        counts = [1] * gemm.stages + [gemm.consumers * gemm.cluster] * gemm.stages
        self.make_barriers(
            shared, thread, gemm.barriers_at, counts, MEET if gemm.blocks_together > 1 else "bar.sync 0;"
        )
        first, step = (self.binary("udiv", number, gemm.blocks_together) for number in (block, blocks))
        group = self.warpgroup(thread)
        self.line(f"llvm.cond_br {self.compare('eq', group, 0)}, ^copy, ^multiply")
        self.copying(shared, thread, rank, first, step, places)
        self.multiplying(shared, thread, rank, first, step, group, places, extra)
        self.label("end")
        if gemm.blocks_together > 1:  # a block's shared memory must last while another may copy into it
            self.ptx(MEET)
        self.line("llvm.return")

    def place_of(self, tile: str) -> tuple[str, str, str]:
        """(row of tiles, column of tiles, batch element) of a tile's number: ``group`` rows at a time."""
        rows, columns, _ = self.gemm.tiles
        batch = self.binary("udiv", tile, rows * columns)
        inside = self.binary("urem", tile, rows * columns)
        wide = min(self.gemm.group, rows)
        band = self.binary("udiv", inside, wide * columns)
        within = self.binary("urem", inside, wide * columns)
        start = self.binary("mul", band, wide)
        left = self.binary("sub", self.constant(rows), start)
        height = self.value(f"llvm.intr.umin({left}, {self.constant(wide)}) : (i32, i32) -> i32")
        row = self.binary("add", start, self.binary("urem", within, height))
        return row, self.binary("udiv", within, height), batch

    def copying(self, shared: str, thread: str, rank: str, first: str, step: str, places: list[str]) -> None:
        """The warpgroup that copies: one thread of it asks for all tiles."""
        gemm = self.gemm
        self.label("copy")
        self.set_registers("dec", COPYING_REGISTERS)
        zero = self.constant(0)
        one = self.compare("eq", thread, 0)
        self.line(f"llvm.cond_br {one}, ^copy_next({first}, {zero}, {zero} : i32, i32, i32), ^copied")
        self.label("copy_next", [("%tile", "i32"), ("%stage", "i32"), ("%phase", "i32")])
        self.line(f"llvm.cond_br {self.compare('ult', '%tile', prod(gemm.tiles))}, ^copy_tile, ^copied")
        self.label("copy_tile")
        row, column, batch = self.place_of("%tile")
        above = rank if gemm.cluster > 1 else self.constant(0)
        row = self.binary("add", self.binary("mul", row, gemm.cluster), above)
        row, column = self.binary("mul", row, gemm.block_m), self.binary("mul", column, gemm.block_n)
        shift = self.binary("mul", above, gemm.block_n // gemm.cluster)  # of this block's part of the tile of rhs
        numbers = [shared, row, self.binary("add", column, shift), batch, self.binary("mul", shift, ROW_BYTES)]
        numbers += self.steps(rank)
        operands = [*((n, "i32") for n in numbers), *((p, "i64") for p in places[:2])]
        after = self.ptx(self.copy_loop(), [*operands, ("%stage", "i32"), ("%phase", "i32")], ["i32", "i32"], tied=2)
        self.line(f"llvm.br ^copy_next({self.binary('add', '%tile', step)}, {', '.join(after)} : i32, i32, i32)")
        self.label("copied")
        if gemm.split > 1:  # all threads of a cluster meet twice where the others exchange their sums
            self.ptx(f"{MEET}\n{MEET}")
        self.line("llvm.br ^end")

    def steps(self, rank: str) -> list[str]:
        """The first step of k of a block, and the one behind its last."""
        gemm = self.gemm
        if gemm.split == 1:
            return [self.constant(0), self.constant(gemm.steps)]
        ends = [self.binary("mul", number, gemm.steps) for number in (rank, self.binary("add", rank, 1))]
        return [self.binary("udiv", end, gemm.split) for end in ends]

    def set_registers(self, change: str, count: int) -> None:
        """Give registers of the copying warpgroup to the others, where those are so many that they need them."""
        if self.gemm.consumers > 1:
            self.ptx(f"setmaxnreg.{change}.sync.aligned.u32 {count};")

    def copy_loop(self) -> str:
        """$0 stage, $1 phase; $2 shared, $3 row, $4 column, $5 batch, $6 the part's place, $7, $8 steps; then maps."""
        gemm = self.gemm
        part = gemm.block_n // gemm.cluster
        cast = "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes"
        copies = ""
        columns = gemm.element_columns

        def box(number: int, to: str, offset: int, first: str, second: str, shared_by_all: bool) -> str:
            all_ = shared_by_all and gemm.cluster > 1
            end = f", {(1 << gemm.cluster) - 1}" if all_ else ""
            name = f"{cast}.multicast::cluster" if all_ else cast
            return f"{name} [{to}+{offset}], [${9 + number}, {{{first}, {second}, $5}}], [full]{end};\n"

        if gemm.lhs_major == "k":
            copies += box(0, "lhs", 0, "at", "$3", False)
        else:
            for i in range(0, gemm.block_m, columns):
                copies += f"add.s32 other, $3, {i};\n" + box(0, "lhs", i * ROW_BYTES, "other", "at", False)
        if gemm.rhs_major == "k":
            copies += box(1, "rhs", 0, "at", "$4", True)
        else:
            for i in range(0, part, columns):
                copies += f"add.s32 other, $4, {i};\n" + box(1, "rhs", i * ROW_BYTES, "other", "at", True)
        return f"""{{
            .reg .pred p; .reg .b32 k, at, other, lhs, rhs, full, empty, parity;
            mov.u32 k, $7;
            next:
            mad.lo.u32 full, $0, 8, $2;
            add.u32 full, full, {gemm.barriers_at};
            add.u32 empty, full, {8 * gemm.stages};
            xor.b32 parity, $1, 1;
            {wait_for("empty", "parity", "wait", "p")}
            mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], {gemm.lhs_stage + gemm.rhs_stage};
            mad.lo.u32 lhs, $0, {gemm.lhs_stage}, $2;
            mad.lo.u32 rhs, $0, {gemm.rhs_stage}, $2;
            add.u32 rhs, rhs, {gemm.stages * gemm.lhs_stage};
            add.u32 rhs, rhs, $6;
            mul.lo.u32 at, k, {gemm.block_k};
            {copies}
            {advance("$0", "$1", gemm.stages)}
            add.u32 k, k, 1;
            setp.lt.u32 p, k, $8;
            @p bra next;
            }}"""

    def multiplying(
        self,
        shared: str,
        thread: str,
        rank: str,
        first: str,
        step: str,
        group: str,
        places: list[str],
        extra: list[str],
    ) -> None:
        """The warpgroups that multiply: a tile at a time, its epilogue and its store."""
        gemm = self.gemm
        self.label("multiply")
        self.set_registers("inc", MULTIPLYING_REGISTERS.get(gemm.consumers, 0))
        consumer = self.binary("sub", group, 1)
        inside = self.binary("urem", thread, WARPGROUP)
        zero = self.constant(0)
        self.line(f"llvm.br ^next({first}, {zero}, {zero} : i32, i32, i32)")
        self.label("next", [("%tile_", "i32"), ("%stage_", "i32"), ("%phase_", "i32")])
        self.line(f"llvm.cond_br {self.compare('ult', '%tile_', prod(gemm.tiles))}, ^tile, ^stored")
        self.label("tile")
        count = gemm.block_n // 2
        rows = self.binary("mul", consumer, 64 * ROW_BYTES)
        begin, end = self.steps(rank)
        mine = self.binary("sub", end, begin) if gemm.split > 1 else end
        operands = [(name, "i32") for name in (shared, rows, inside, mine, "%stage_", "%phase_")]
        results = [gemm.format.accumulator] * count + ["i32", "i32"]
        *values, stage, phase = self.ptx(self.multiply_loop(count), operands, results, tied=2)
        row, column, batch = self.place_of("%tile_")
        above = rank if gemm.cluster > 1 else self.constant(0)
        row = self.binary("add", self.binary("mul", row, gemm.cluster), above)
        row = self.binary("add", self.binary("mul", row, gemm.block_m), self.binary("mul", consumer, 64))
        column = self.binary("mul", column, gemm.block_n)
        if gemm.split > 1:
            values = self.exchange(values, shared, consumer, inside, rank)
            column = self.binary("add", column, self.binary("mul", rank, gemm.own_columns))
        # Of 64 rows a warp has 16, of them a thread two; of each 8 columns it has two.
        warp, lane = self.binary("udiv", inside, 32), self.binary("urem", inside, 32)
        own = self.binary("add", self.binary("mul", warp, 16), self.binary("udiv", lane, 4))
        pair = self.binary("mul", self.binary("urem", lane, 4), 2)
        at = _Place(row, column, batch, own, pair)

        def finished(start: int, count: int) -> list[str]:
            return self.finished(values, start, count, at, extra)

        # A few columns are finished and stored before the next, so that few registers are needed beside accumulators.
        if gemm.staged:
            self.store_staged(finished, at, shared, consumer, inside, places[2])
        else:
            self.store_direct(finished, at)
        self.line(f"llvm.br ^next({self.binary('add', '%tile_', step)}, {stage}, {phase} : i32, i32, i32)")
        self.label("stored")
        if gemm.staged:
            self.ptx("cp.async.bulk.wait_group 0;")
        self.line("llvm.br ^end")

    def multiply_loop(self, count: int) -> str:
        """$0.. accumulators, then stage, phase; then shared, the warpgroup's rows, the thread in it, the steps of k."""
        gemm = self.gemm
        stage, phase, shared, rows, thread, mine = (f"${count + i}" for i in range(6))
        accumulators = "{" + ", ".join(f"${i}" for i in range(count)) + "}"
        format_ = gemm.format
        steps = ROW_BYTES // STEP_BYTES
        k = STEP_BYTES // format_.bytes
        to = {"f32": "f32", "i32": "s32"}[format_.accumulator]
        name = f"wgmma.mma_async.sync.aligned.m64n{gemm.block_n}k{k}.{to}.{format_.ptx}.{format_.ptx}"
        options = ", 1, 1" if to == "f32" else ""
        if format_.transposable:
            options += f", {int(gemm.lhs_major == 'm')}, {int(gemm.rhs_major == 'n')}"
        # From one step of k to the next: 32 bytes of a row, or k rows of 128 bytes.
        lhs_step = STEP_BYTES if gemm.lhs_major == "k" else k * ROW_BYTES
        rhs_step = STEP_BYTES if gemm.rhs_major == "k" else k * ROW_BYTES
        products = ""
        for i in range(steps):
            products += f"{name} {accumulators}, lhs, rhs, {'some' if i == 0 else 'all'}{options};\n"
            if i + 1 < steps:
                products += f"add.s64 lhs, lhs, {lhs_step >> 4};\nadd.s64 rhs, rhs, {rhs_step >> 4};\n"
        release = "@chosen mbarrier.arrive.shared::cta.b64 _, [old];"
        if gemm.cluster > 1:  # to all blocks that copy to this one
            arrive = "mbarrier.arrive.release.cluster.shared::cluster.b64"
            ranks = range(gemm.cluster)
            release = "".join(f"mapa.shared::cluster.u32 far, old, {r};\n@chosen {arrive} _, [far];\n" for r in ranks)
        # The 64 rows of a warpgroup: rows of shared memory, or a box of them.
        place = f"mul.lo.u32 base, {stage}, {gemm.lhs_stage}; add.u32 base, base, {shared}; add.u32 base, base, {rows};"
        return f"""{{
            .reg .pred p, some, all, chosen; .reg .b32 k, base, full, old, far; .reg .b64 lhs, rhs, wide, head;
            mov.u32 k, 0;
            setp.eq.u32 all, k, 0;
            setp.eq.u32 chosen, {thread}, 0;
            next:
            setp.ne.u32 some, k, 0;
            mad.lo.u32 full, {stage}, 8, {shared};
            add.u32 full, full, {gemm.barriers_at};
            {wait_for("full", phase, "wait", "p")}
            {place}
            cvt.u64.u32 wide, base;
            shr.u64 wide, wide, 4;
            mov.b64 head, {descriptor(gemm.lhs_major == "m", gemm.block_k)};
            or.b64 lhs, wide, head;
            mul.lo.u32 base, {stage}, {gemm.rhs_stage};
            add.u32 base, base, {shared};
            add.u32 base, base, {gemm.stages * gemm.lhs_stage};
            cvt.u64.u32 wide, base;
            shr.u64 wide, wide, 4;
            mov.b64 head, {descriptor(gemm.rhs_major == "n", gemm.block_k)};
            or.b64 rhs, wide, head;
            wgmma.fence.sync.aligned;
            {products}
            wgmma.commit_group.sync.aligned;
            wgmma.wait_group.sync.aligned 1;
            @!some bra first;
            {release}
            first:
            add.u32 old, full, {8 * gemm.stages};
            {advance(stage, phase, gemm.stages)}
            add.u32 k, k, 1;
            setp.lt.u32 p, k, {mine};
            @p bra next;
            wgmma.wait_group.sync.aligned 0;
            {release}
            }}"""

    def exchange(self, values: list[str], shared: str, consumer: str, inside: str, rank: str) -> list[str]:
        """Each block of the cluster gives every other the sums of its columns and adds what it is given, in order.

        In shared memory, where the stages were: by giver, warpgroup, eight columns and thread, four numbers each.
        """
        gemm = self.gemm
        groups = gemm.own_columns // 8
        part = gemm.consumers * groups * WARPGROUP * 16  # bytes that one block gives another
        kind = gemm.format.accumulator
        mine = self.binary("add", shared, self.binary("mul", consumer, groups * WARPGROUP * 16))
        mine = self.binary("add", mine, self.binary("mul", inside, 16))
        given = self.binary("add", mine, self.binary("mul", rank, part))
        self.ptx(MEET)  # nobody needs its stages any more
        for other in range(gemm.split):
            (far,) = self.ptx(f"mapa.shared::cluster.u32 $0, $1, {other};", [(given, "i32")], ["i32"])
            for i in range(groups):
                first = (other * groups + i) * 4
                self.ptx(
                    f"st.shared::cluster.v4.b32 [$0+{i * WARPGROUP * 16}], {{$1, $2, $3, $4}};",
                    [(far, "i32"), *((value, kind) for value in values[first : first + 4])],
                )
        self.ptx(MEET)
        sums: list[str] = []
        for giver in range(gemm.split):
            for i in range(groups):
                at = giver * part + i * WARPGROUP * 16
                found = self.ptx(f"ld.shared.v4.b32 {{$0, $1, $2, $3}}, [$4+{at}];", [(mine, "i32")], [kind] * 4)
                if giver == 0:
                    sums += found
                    continue
                for j, value in enumerate(found, 4 * i):
                    add = "llvm.add" if kind == "i32" else "llvm.fadd"
                    sums[j] = self.value(f"{add} {sums[j]}, {value} : {kind}")
        return sums

    def finished(self, values: list[str], first: int, count: int, at: _Place, extra: list[str]) -> list[str]:
        """``count`` accumulators from number ``first`` on after the epilogue, in the result's type."""
        gemm = self.gemm
        results: list[str] = []
        for i in range(first, first + count, 2):
            pair = values[i : i + 2]
            if self.epilogue.emit is not None:
                row = self.binary("add", self.binary("add", at.row, at.own), 8 * (i // 2 % 2))
                column = self.binary("add", self.binary("add", at.column, at.pair), i // 4 * 8)
                results += self.epilogue.emit(pair, row, column, at.batch, extra, self.value)
            elif gemm.result in ("f16", "bf16"):
                results += [self.value(f"llvm.fptrunc {value} : f32 to {gemm.result}") for value in pair]
            else:
                results += pair
        return results

    def store_staged(self, finished: _Finished, at: _Place, shared: str, consumer: str, inside: str, map_: str) -> None:
        """Through shared memory, 64 columns at a time and two in turn, by ``stmatrix`` and the accelerator."""
        gemm = self.gemm
        half = 64 * ROW_BYTES
        base = self.binary("add", shared, gemm.stages * (gemm.lhs_stage + gemm.rhs_stage))
        base = self.binary("add", base, self.binary("mul", consumer, 2 * half))
        # stmatrix takes the address of a row of 8 numbers from each thread: row lane % 16, left or right 8 columns.
        warp, lane = self.binary("udiv", inside, 32), self.binary("urem", inside, 32)
        row = self.binary("add", self.binary("mul", warp, 16), self.binary("urem", lane, 16))
        column = self.binary("udiv", lane, 16)
        rows = self.binary("mul", row, ROW_BYTES)
        flip = self.binary("urem", row, 8)  # the swizzle: columns of 16 bytes change places by the row
        number = self.binary("add", consumer, 1)
        chunks = gemm.own_columns // STAGED_COLUMNS
        for chunk in range(chunks):
            # Two halves in turn, so all but the last store must have been read; with an odd number of them a tile's
            # first has the half of the last one before.
            left = 0 if chunk == 0 and chunks % 2 else 1
            buffer = self.binary("add", base, half * (chunk % 2))
            results = finished(chunk * 32, 32)
            words = [self.packed(results[i : i + 2]) for i in range(0, 32, 2)]
            self.ptx(
                f"""{{
                .reg .pred p;
                setp.ne.u32 p, $0, 0;
                @p bra done;
                cp.async.bulk.wait_group.read {left};
                done:
                }}
                bar.sync $1, 128;""",
                [(inside, "i32"), (number, "i32")],
            )
            for j in range(4):  # 16 columns
                place = self.binary("xor", self.binary("add", column, 2 * j), flip)
                address = self.binary("add", self.binary("add", buffer, rows), self.binary("mul", place, 16))
                self.ptx(
                    "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};",
                    [(name, "i32") for name in (address, *words[4 * j : 4 * j + 4])],
                )
            to = self.binary("add", at.column, chunk * STAGED_COLUMNS)
            self.ptx(
                """fence.proxy.async.shared::cta;
                bar.sync $1, 128;
                {
                .reg .pred p;
                setp.ne.u32 p, $0, 0;
                @p bra done;
                cp.async.bulk.tensor.3d.global.shared::cta.bulk_group [$6, {$3, $4, $5}], [$2];
                cp.async.bulk.commit_group;
                done:
                }""",
                [*((name, "i32") for name in (inside, number, buffer, to, at.row, at.batch)), (map_, "i64")],
            )

    def vector(self, values: list[str]) -> str:
        """Two values as a vector of the result's type."""
        kind = f"vector<2x{self.gemm.result}>"
        vector = self.value(f"llvm.mlir.undef : {kind}")
        for i, value in enumerate(values):
            vector = self.value(f"llvm.insertelement {value}, {vector}[{self.constant(i)} : i32] : {kind}")
        return vector

    def packed(self, values: list[str]) -> str:
        """Two values of 16 bits in a register."""
        return self.value(f"llvm.bitcast {self.vector(values)} : vector<2x{self.gemm.result}> to i32")

    def store_direct(self, finished: _Finished, at: _Place) -> None:
        """From the registers: pairs of neighbours, four threads to a sector of 32 bytes."""
        gemm = self.gemm
        kind = gemm.result
        start = self.binary("mul", at.batch, gemm.m)
        for i in range(0, gemm.own_columns // 2, 2):
            row = self.binary("add", self.binary("add", at.row, at.own), 8 * (i // 2 % 2))
            column = self.binary("add", self.binary("add", at.column, at.pair), i // 4 * 8)
            in_rows, in_columns = self.compare("ult", row, gemm.m), self.compare("ult", column, gemm.n)
            inside = self.binary("and", in_rows, in_columns, "i1")
            line, across = (
                self.value(f"llvm.zext {number} : i32 to i64") for number in (self.binary("add", start, row), column)
            )
            offset = self.binary("add", self.binary("mul", line, gemm.n, "i64"), across, "i64")
            pointer = self.value(f"llvm.getelementptr %result[{offset}] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {kind}")
            vector = self.vector(finished(i, 2))
            number = self.unique()
            self.line(f"llvm.cond_br {inside}, ^yes{number}, ^no{number}")
            self.label(f"yes{number}")
            aligned = f"{{alignment = {2 * RESULT_BYTES[kind]} : i64}}"
            self.line(f"llvm.store {vector}, {pointer} {aligned} : vector<2x{kind}>, !llvm.ptr<1>")
            self.line(f"llvm.br ^no{number}")
            self.label(f"no{number}")


@dataclass(frozen=True)
class _Place:
    """Where a thread's accumulators are: the warpgroup's first row, the tile's first column, the batch element, and
    the thread's own row and pair of columns among them."""

    row: str
    column: str
    batch: str
    own: str
    pair: str
