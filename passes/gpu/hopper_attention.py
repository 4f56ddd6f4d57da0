"""Attention on Hopper: FlashAttention-3's forward kernel for ``sm_90a``.

Dao et al. 2024 ("FlashAttention-3"), section 3: a warpgroup copies tiles of keys and values by the tensor memory
accelerator, two multiply, 64 queries each.  While the tensor cores compute the scores of a tile of keys and add the
product of the tile before to the result, each warpgroup takes exponentials of what it has; probabilities never leave
the registers, where accumulators of one ``wgmma`` are the left operand of the next.  Results are divided by the sums
of exponentials at the end, and the logarithms of those sums are given for the derivative.

:class:`HopperAttention` is shape and schedule; the warpgroups' loops are PTX, for the reason given in
``hopper_gemm.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from astra_mlir.errors import UnsupportedError
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

__all__ = ["HopperAttention"]

_QUERIES = 64  # of a warpgroup
_CONSUMERS = 2
_COLUMNS = 64  # of 16 bits in a row of shared memory
_COPYING_REGISTERS, _MULTIPLYING_REGISTERS = 40, 232


@dataclass(frozen=True)
class HopperAttention:
    """``softmax(scale * q @ k^T) @ v`` for each head: shapes and the schedule.

    Queries and results are ``batch x heads x queries x width``, keys and values ``batch x (heads / group) x keys x
    width``, in rows, of bf16 or f16; ``token_major`` has queries (keys) before heads, ``result_token_major`` is the
    result's own order if it is another one.  ``causal``: a query sees keys
    up to its own position, which is counted from the end if there are more or fewer keys.  Sums are f32; with
    ``heads_last`` the logarithms of sums of a group's heads stand side by side, behind their position.

    Raises :class:`UnsupportedError` for a width or a type that the kernel has no form for.
    """

    batch: int
    heads: int
    queries: int
    keys: int
    width: int
    element: str = "bf16"
    scale: float | None = None
    causal: bool = False
    group: int = 1
    token_major: bool = False
    result_token_major: bool | None = None
    heads_last: bool = False
    block_keys: int = 128
    stages: int = 2

    def __post_init__(self) -> None:
        if self.element not in ("bf16", "f16"):
            raise UnsupportedError(f"attention of {self.element} has no form for Hopper: bf16 and f16 have")
        if self.width not in (64, 128):
            raise UnsupportedError(f"attention with heads of {self.width} has no form for Hopper: 64 and 128 have")
        if self.heads % self.group:
            raise UnsupportedError(f"{self.heads} heads are not whole groups of {self.group}")
        if self.block_keys % 16 or not 16 <= self.block_keys <= 256 or self.shared_bytes > SHARED_BYTES:
            raise UnsupportedError(f"{self.block_keys} keys in {self.stages} stages do not fit")

    @property
    def parts(self) -> int:
        """Boxes of 64 columns that a head is wide."""
        return self.width // _COLUMNS

    @property
    def tile_bytes(self) -> int:
        """Of a tile of keys or of values."""
        return self.parts * self.block_keys * ROW_BYTES

    @property
    def query_bytes(self) -> int:
        """Of one warpgroup's queries."""
        return self.parts * _QUERIES * ROW_BYTES

    @property
    def barriers_at(self) -> int:
        """Where the mbarriers are: of the queries, and full and empty ones of keys and of values."""
        return _CONSUMERS * self.query_bytes + 2 * self.stages * self.tile_bytes

    @property
    def shared_bytes(self) -> int:
        """Dynamic shared memory of a block."""
        return self.barriers_at + 8 + 4 * 8 * self.stages

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return WARPGROUP * (1 + _CONSUMERS)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Blocks: of 128 queries, heads, batch."""
        return -(-self.queries // (_CONSUMERS * _QUERIES)), self.heads, self.batch

    @property
    def sums_step(self) -> int:
        """Bytes from one query's logarithm of a sum to the next one's."""
        return 4 * (self.group if self.heads_last else 1)

    def place_of_sums(self, batch: str, head: str) -> str:
        """PTX: in ``wide`` the bytes before a head's logarithms of sums; ``t`` and ``u`` are used."""
        if not self.heads_last:
            return f"mad.lo.u32 t, {batch}, {self.heads}, {head};\nmul.wide.u32 wide, t, {4 * self.queries};\n"
        return f"""div.u32 u, {head}, {self.group};
            mad.lo.u32 t, {batch}, {self.heads // self.group}, u;
            mul.lo.u32 u, u, {self.group};
            sub.u32 u, {head}, u;
            mad.lo.u32 t, t, {self.queries * self.group}, u;
            mul.wide.u32 wide, t, 4;
            """

    @property
    def tensor_maps(self) -> tuple[TensorMapSpec, ...]:
        """The maps of queries, keys, values and result, in the order of arguments."""

        def spec(operand: int, rows: int, heads: int, box: int, token_major: bool = self.token_major) -> TensorMapSpec:
            inner = 2 * self.width
            row, head = (heads * inner, inner) if token_major else (inner, rows * inner)
            sizes = (self.width, rows, heads, self.batch)
            strides = (row, head, rows * heads * inner)
            return TensorMapSpec(operand, sizes, strides, (_COLUMNS, box, 1, 1), ROW_BYTES, self.element)

        of_keys = (self.keys, self.heads // self.group, self.block_keys)
        of_queries = (self.queries, self.heads, _QUERIES)
        own = self.token_major if self.result_token_major is None else self.result_token_major
        return spec(0, *of_queries), spec(1, *of_keys), spec(2, *of_keys), spec(3, *of_queries, own)

    def mlir(self, name: str) -> str:
        """The kernel as a function of the LLVM dialect: its arguments are the pointers of queries, keys, values, result
        and logarithms of sums (f32, ``batch x heads x queries``, or ``batch x heads / group x queries x group``), and
        the maps."""
        return _Kernel(self, name).text()


class _Kernel(HopperText):
    """Writes the kernel of one :class:`HopperAttention`."""

    def __init__(self, attention: HopperAttention, name: str) -> None:
        super().__init__(name)
        self.attention = attention
        scale = attention.scale if attention.scale is not None else attention.width**-0.5
        self.factor = scale * math.log2(math.e)  # exponentials are powers of two
        self.scores = attention.block_keys // 2  # registers of a thread
        self.results = attention.width // 2

    def text(self) -> str:
        """The kernel and the declaration of its shared memory."""
        maps = [f"%map{i}" for i in range(4)]
        self.write(maps)
        arguments = [(name, POINTER) for name in ("%queries", "%keys", "%values", "%result", "%sums")]
        return self.kernel(arguments, maps, self.attention.threads)

    def write(self, maps: list[str]) -> None:
        """The blocks of the kernel."""
        attention = self.attention
        shared, places = self.shared_memory(), self.addresses(*maps)
        (sums,) = self.addresses("%sums")
        thread = self.value("nvvm.read.ptx.sreg.tid.x : i32")
        tile, head, batch = (self.value(f"nvvm.read.ptx.sreg.ctaid.{axis} : i32") for axis in "xyz")
        if attention.causal:  # the longest rows first
            tile = self.binary("sub", self.constant(attention.grid[0] - 1), tile)
        of_tiles = [1] * attention.stages + [
            _CONSUMERS
        ] * attention.stages  # full and empty ones, of keys and of values
        self.make_barriers(shared, thread, attention.barriers_at, [1, *of_tiles, *of_tiles])
        first = self.binary("mul", tile, _CONSUMERS * _QUERIES)
        count = self.tiles(first)
        group = self.warpgroup(thread)
        self.line(f"llvm.cond_br {self.compare('eq', group, 0)}, ^copy, ^multiply")
        self.label("copy")
        self.ptx(f"setmaxnreg.dec.sync.aligned.u32 {_COPYING_REGISTERS};")
        self.line(f"llvm.cond_br {self.compare('eq', thread, 0)}, ^ask, ^end")
        self.label("ask")
        kv_head = self.binary("udiv", head, attention.group)
        numbers = [shared, first, head, kv_head, batch, count]
        self.ptx(self.copies(), [*((n, "i32") for n in numbers), *((p, "i64") for p in places[:3])])
        self.line("llvm.br ^end")
        self.label("multiply")
        self.ptx(f"setmaxnreg.inc.sync.aligned.u32 {_MULTIPLYING_REGISTERS};")
        numbers = [shared, first, head, batch, count, thread, self.binary("sub", group, 1)]
        self.ptx(self.products(), [*((n, "i32") for n in numbers), (places[3], "i64"), (sums, "i64")])
        self.line("llvm.br ^end")
        self.label("end")
        self.line("llvm.return")

    @property
    def shift(self) -> int:
        """How many keys more than queries there are: the last query sees the last key."""
        return self.attention.keys - self.attention.queries

    def tiles(self, first: str) -> str:
        """The tiles of keys that a block's queries see."""
        attention = self.attention
        every = -(-attention.keys // attention.block_keys)
        if not attention.causal:
            return self.constant(every)
        last = self.binary("add", first, _CONSUMERS * _QUERIES + self.shift + attention.block_keys - 1)
        last = self.value(f"llvm.intr.smax({last}, {self.constant(0)}) : (i32, i32) -> i32")
        count = self.binary("udiv", last, attention.block_keys)
        return self.value(f"llvm.intr.umin({count}, {self.constant(every)}) : (i32, i32) -> i32")

    # --- the warpgroup that copies ----------------------------------------------------------------------------------

    def copies(self) -> str:
        """$0 shared, $1 first query, $2 head, $3 head of keys, $4 batch, $5 tiles; $6..$8 the maps."""
        attention = self.attention
        cast = "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes"
        stages, tile = attention.stages, attention.tile_bytes
        queries = ""
        for consumer in range(_CONSUMERS):
            queries += f"add.u32 row, $1, {consumer * _QUERIES};\n"
            for part in range(attention.parts):
                at = consumer * attention.query_bytes + part * _QUERIES * ROW_BYTES
                queries += f"add.u32 to, $0, {at};\nmov.u32 column, {part * _COLUMNS};\n"
                queries += f"{cast} [to], [$6, {{column, row, $2, $4}}], [full];\n"

        def load(which: int) -> str:
            """Keys (0) or values (1)."""
            text = f"""mad.lo.u32 full, stage, 8, $0;
                add.u32 full, full, {attention.barriers_at + 8 + which * 16 * stages};
                add.u32 empty, full, {8 * stages};
                {wait_for("empty", "parity", f"wait{which}", "p")}
                mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], {tile};
                mad.lo.u32 base, stage, {tile}, $0;
                """
            for part in range(attention.parts):
                start = _CONSUMERS * attention.query_bytes + which * stages * tile
                at = start + part * attention.block_keys * ROW_BYTES
                text += f"add.u32 to, base, {at};\nmov.u32 column, {part * _COLUMNS};\n"
                text += f"{cast} [to], [${7 + which}, {{column, row, $3, $4}}], [full];\n"
            return text

        return f"""{{
            .reg .pred p; .reg .b32 full, empty, row, column, to, base, stage, parity, k;
            add.u32 full, $0, {attention.barriers_at};
            mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], {_CONSUMERS * attention.query_bytes};
            {queries}
            mov.u32 k, 0;
            mov.u32 stage, 0;
            mov.u32 parity, 1;
            next:
            setp.ge.u32 p, k, $5;
            @p bra done;
            mul.lo.u32 row, k, {attention.block_keys};
            {load(0)}
            {load(1)}
            {advance("stage", "parity", stages)}
            add.u32 k, k, 1;
            bra next;
            done:
            }}"""

    # --- the warpgroups that multiply -------------------------------------------------------------------------------

    def products(self) -> str:
        """$0 shared, $1 first query, $2 head, $3 batch, $4 tiles, $5 thread, $6 warpgroup; $7 the map, $8 sums.

        Registers: ``s`` scores, then exponentials; ``p`` the same as pairs of 16 bits; ``o`` the result; ``m``, ``l``
        maxima and sums of the thread's two rows.
        """
        attention = self.attention
        stages = attention.stages
        zero = "".join(f"mov.b32 o{i}, 0;\n" for i in range(self.results))
        return f"""{{
            .reg .pred q, masked, all, none, chosen;
            .reg .b32 s<{self.scores}>, o<{self.results}>, p<{self.scores // 2}>;
            .reg .b32 m0, m1, l0, l1, n0, n1, a0, a1, c0, c1, t, u, lane, warp, row, limit0, limit1, edge;
            .reg .b32 k, stage, phase, before, bar, base, inside, address;
            .reg .b64 lhs, rhs, wide, place;
            rem.u32 inside, $5, {WARPGROUP};
            rem.u32 lane, inside, 32;
            div.u32 warp, inside, 32;
            setp.eq.u32 chosen, inside, 0;
            setp.eq.u32 all, inside, inside;
            setp.ne.u32 none, inside, inside;
            mad.lo.u32 row, $6, {_QUERIES}, $1;
            mad.lo.u32 row, warp, 16, row;
            shr.u32 t, lane, 2;
            add.u32 row, row, t;
            mov.b32 m0, 0fFF800000;
            mov.b32 m1, 0fFF800000;
            mov.b32 l0, 0;
            mov.b32 l1, 0;
            {zero}
            mov.u32 k, 0;
            mov.u32 stage, 0;
            mov.u32 phase, 0;
            setp.eq.u32 q, $4, 0;
            @q bra nothing;
            add.u32 bar, $0, {attention.barriers_at};
            {wait_for("bar", "0", "wq")}
            {self.score("w0")}
            wgmma.wait_group.sync.aligned 0;
            {self.release(0, "stage")}
            {self.softmax("first")}
            {self.pack()}
            next:
            mov.u32 before, stage;
            mov.u32 u, phase;
            {advance("stage", "phase", stages, "q")}
            add.u32 k, k, 1;
            setp.ge.u32 q, k, $4;
            @q bra last;
            {self.score("w1")}
            {self.add("w2", "before", "u")}
            wgmma.wait_group.sync.aligned 1;
            {self.release(0, "stage")}
            {self.softmax("more")}
            wgmma.wait_group.sync.aligned 0;
            {self.release(1, "before")}
            {"".join(f"mul.rn.f32 o{i}, o{i}, a{i // 2 % 2};" + chr(10) for i in range(self.results))}
            {self.pack()}
            bra next;
            last:
            {self.add("w3", "before", "u")}
            wgmma.wait_group.sync.aligned 0;
            nothing:
            {self.finish()}
            }}"""

    def release(self, which: int, stage: str) -> str:
        """A stage of keys (0) or values (1) may be written again."""
        attention = self.attention
        at = attention.barriers_at + 8 + which * 16 * attention.stages + 8 * attention.stages
        return f"""mad.lo.u32 bar, {stage}, 8, $0;
            @chosen mbarrier.arrive.shared::cta.b64 _, [bar+{at}];"""

    def score(self, label: str) -> str:
        """Begin ``s = q @ k^T`` of the tile in ``stage``."""
        attention = self.attention
        name = f"wgmma.mma_async.sync.aligned.m64n{attention.block_keys}k16.f32.{attention.element}.{attention.element}"
        registers = "{" + ", ".join(f"s{i}" for i in range(self.scores)) + "}"
        text = f"""mad.lo.u32 bar, stage, 8, $0;
            add.u32 bar, bar, {attention.barriers_at + 8};
            {wait_for("bar", "phase", label)}
            mad.lo.u32 base, $6, {attention.query_bytes}, $0;
            {address("lhs", False, 0)}
            mad.lo.u32 base, stage, {attention.tile_bytes}, $0;
            add.u32 base, base, {_CONSUMERS * attention.query_bytes};
            {address("rhs", False, 0)}
            wgmma.fence.sync.aligned;
            """
        steps = [(part, step) for part in range(attention.parts) for step in range(4)]
        before = (0, 0)
        for i, (part, step) in enumerate(steps):
            lhs, rhs = (part * rows * ROW_BYTES + 32 * step for rows in (_QUERIES, attention.block_keys))
            if i:
                text += f"add.s64 lhs, lhs, {(lhs - before[0]) >> 4};\nadd.s64 rhs, rhs, {(rhs - before[1]) >> 4};\n"
            before = (lhs, rhs)
            text += f"{name} {registers}, lhs, rhs, {'all' if i else 'none'}, 1, 1, 0, 0;\n"
        return text + "wgmma.commit_group.sync.aligned;"

    def add(self, label: str, stage: str, phase: str) -> str:
        """Begin ``o += p @ v`` with the values in a stage."""
        attention = self.attention
        name = f"wgmma.mma_async.sync.aligned.m64n{attention.width}k16.f32.{attention.element}.{attention.element}"
        registers = "{" + ", ".join(f"o{i}" for i in range(self.results)) + "}"
        text = f"""mad.lo.u32 bar, {stage}, 8, $0;
            add.u32 bar, bar, {attention.barriers_at + 8 + 16 * attention.stages};
            {wait_for("bar", phase, label)}
            mad.lo.u32 base, {stage}, {attention.tile_bytes}, $0;
            add.u32 base, base, {_CONSUMERS * attention.query_bytes + attention.stages * attention.tile_bytes};
            {address("rhs", True, attention.block_keys)}
            wgmma.fence.sync.aligned;
            """
        for step in range(attention.block_keys // 16):
            left = "{" + ", ".join(f"p{4 * step + i}" for i in range(4)) + "}"
            text += f"{name} {registers}, {left}, rhs, all, 1, 1, 1;\n"
            text += f"add.s64 rhs, rhs, {16 * ROW_BYTES >> 4};\n"
        return text + "wgmma.commit_group.sync.aligned;"

    def softmax(self, label: str) -> str:
        """New maxima of both rows, exponentials in place of the scores, sums; ``a``: by what the result shrinks."""
        text = self.mask(label)
        for r in (0, 1):
            mine = [f"s{i}" for i in range(self.scores) if i // 2 % 2 == r]
            text += f"max.f32 n{r}, {mine[0]}, {mine[1]};\n"
            text += "".join(f"max.f32 n{r}, n{r}, {value};\n" for value in mine[2:])
            for distance in (1, 2):  # the four threads of a row
                text += f"shfl.sync.bfly.b32 t, n{r}, {distance}, 31, -1;\nmax.f32 n{r}, n{r}, t;\n"
            text += f"""max.f32 n{r}, n{r}, m{r};
                setp.eq.f32 q, n{r}, 0fFF800000;
                mul.rn.f32 c{r}, n{r}, {float_bits(-self.factor)};
                selp.b32 c{r}, 0, c{r}, q;
                fma.rn.f32 a{r}, m{r}, {float_bits(self.factor)}, c{r};
                ex2.approx.ftz.f32 a{r}, a{r};
                mov.b32 m{r}, n{r};
                mul.rn.f32 l{r}, l{r}, a{r};
                """
            for value in mine:
                text += f"fma.rn.f32 {value}, {value}, {float_bits(self.factor)}, c{r};\n"
                text += f"ex2.approx.ftz.f32 {value}, {value};\n"
                text += f"add.rn.f32 l{r}, l{r}, {value};\n"
        return text

    def mask(self, label: str) -> str:
        """Keys that a row must not see have a score of minus infinity: only in tiles where there are some."""
        attention = self.attention
        tail = attention.keys % attention.block_keys
        if not attention.causal and not tail:
            return ""
        # limit: the last column of the tile that a row sees, counted from the thread's first column.
        text = f"mul.lo.u32 edge, k, {attention.block_keys};\nsub.s32 edge, {attention.keys - 1}, edge;\n"
        if attention.causal:
            text += f"""mul.lo.u32 limit0, k, {attention.block_keys};
                sub.s32 limit0, row, limit0;
                add.s32 limit0, limit0, {self.shift};
                add.s32 limit1, limit0, 8;
                min.s32 limit0, limit0, edge;
                min.s32 limit1, limit1, edge;
                """
        else:
            text += "mov.b32 limit0, edge;\nmov.b32 limit1, edge;\n"
        text += f"""setp.lt.s32 masked, limit0, {attention.block_keys - 1};
            vote.sync.any.pred masked, masked, -1;
            @!masked bra {label}_seen;
            and.b32 t, lane, 3;
            shl.b32 t, t, 1;
            sub.s32 limit0, limit0, t;
            sub.s32 limit1, limit1, t;
            """
        for i in range(self.scores):
            column = i // 4 * 8 + i % 2
            text += f"setp.lt.s32 q, limit{i // 2 % 2}, {column};\nselp.b32 s{i}, 0fFF800000, s{i}, q;\n"
        return text + f"{label}_seen:\n"

    def pack(self) -> str:
        """Exponentials in pairs of 16 bits, as the left operand of a product: accumulators have its layout."""
        kind = f"{self.attention.element}x2"
        return "".join(
            f"cvt.rn.{kind}.f32 p{i}, s{2 * i + 1}, s{2 * i};\n" for i in range(self.scores // 2)
        )  # register i of a 16 x 16 part: rows of its first or second half, its first or second eight columns

    def finish(self) -> str:
        """Divide by the sums, store the result through shared memory, and the logarithms of the sums."""
        attention = self.attention
        text = ""
        for r in (0, 1):
            for distance in (1, 2):
                text += f"shfl.sync.bfly.b32 t, l{r}, {distance}, 31, -1;\nadd.rn.f32 l{r}, l{r}, t;\n"
            text += f"rcp.approx.ftz.f32 a{r}, l{r};\nlg2.approx.ftz.f32 c{r}, l{r};\n"
            text += f"fma.rn.f32 c{r}, m{r}, {float_bits(self.factor)}, c{r};\n"
            text += f"mul.rn.f32 c{r}, c{r}, {float_bits(math.log(2))};\n"
        for i in range(0, self.results, 2):
            text += "".join(f"mul.rn.f32 o{j}, o{j}, a{i // 2 % 2};\n" for j in (i, i + 1))
            text += f"cvt.rn.{attention.element}x2.f32 o{i}, o{i + 1}, o{i};\n"
        # The warpgroup's own queries are not needed any more: the result takes their place.
        text += f"""mad.lo.u32 base, $6, {attention.query_bytes}, $0;
            and.b32 t, lane, 15;
            mad.lo.u32 t, warp, 16, t;
            mad.lo.u32 address, t, {ROW_BYTES}, base;
            and.b32 u, t, 7;
            shr.u32 edge, lane, 4;
            """
        for part in range(attention.parts):
            for j in range(4):
                registers = ", ".join(f"o{part * 32 + 8 * j + i}" for i in (0, 2, 4, 6))
                text += f"""add.u32 t, edge, {2 * j};
                    xor.b32 t, t, u;
                    mad.lo.u32 t, t, 16, address;
                    stmatrix.sync.aligned.m8n8.x4.shared.b16 [t+{part * _QUERIES * ROW_BYTES}], {{{registers}}};
                    """
        stores = ""
        for part in range(attention.parts):
            at = part * _QUERIES * ROW_BYTES
            stores += f"add.u32 t, base, {at};\nmov.u32 u, {part * _COLUMNS};\n"
            stores += "cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [$7, {u, limit0, $2, $3}], [t];\n"
        text += f"""fence.proxy.async.shared::cta;
            add.u32 bar, $6, 1;
            bar.sync bar, {WARPGROUP};
            @!chosen bra stored;
            mad.lo.u32 limit0, $6, {_QUERIES}, $1;
            {stores}
            cp.async.bulk.commit_group;
            cp.async.bulk.wait_group 0;
            stored:
            and.b32 t, lane, 3;
            setp.ne.u32 q, t, 0;
            @q bra summed;
            {attention.place_of_sums("$3", "$2")}
            add.s64 place, wide, $8;
            mul.wide.u32 wide, row, {attention.sums_step};
            add.s64 place, place, wide;
            setp.lt.u32 q, row, {attention.queries};
            @q st.global.f32 [place], c0;
            add.u32 t, row, 8;
            setp.lt.u32 q, t, {attention.queries};
            @q st.global.f32 [place+{8 * attention.sums_step}], c1;
            summed:
            """
        return text
