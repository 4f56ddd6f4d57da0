"""What the hand-made kernels for Hopper share: one warpgroup copies by the tensor memory accelerator, others multiply.

Their loops are PTX: pieces of it that the kernels are put together from are functions here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from astra_mlir.passes.gpu.llvm_text import LlvmText

__all__ = [
    "MEET",
    "POINTER",
    "ROW_BYTES", "SHARED_BYTES", "WARPGROUP", "HopperText", "address", "advance", "descriptor", "float_bits",
    "wait_for",
]  # fmt: skip

ROW_BYTES = 128  # of a stage's rows: the widest swizzle, with which no access to shared memory conflicts
SHARED_BYTES = 227 * 1024  # of a block on sm_90
WARPGROUP = 128  # threads
POINTER = "!llvm.ptr<1>"  # to global memory
MEET = "barrier.cluster.arrive;\nbarrier.cluster.wait;"  # all threads of all blocks of a cluster
_BY_VALUE = "{llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant}"


class HopperText(LlvmText):
    """Writes one kernel: its arguments are pointers and the like, then tensor maps by value."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def kernel(self, arguments: Sequence[tuple[str, str]], maps: Sequence[str], threads: int, cluster: int = 1) -> str:
        """The kernel of what was written, and the declaration of its shared memory; ``arguments``: (name, type)."""
        listed = [f"{name}: {kind}" for name, kind in arguments] + [f"{name}: !llvm.ptr {_BY_VALUE}" for name in maps]
        head = f"llvm.func @{self.name}({', '.join(listed)}) attributes {_attributes(threads, cluster)} {{"
        shared = "{addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>"
        return "\n".join([head, *self.body(), "}", f"llvm.mlir.global external @{self.name}_shared() {shared}"])

    def addresses(self, *names: str) -> list[str]:
        """Pointers of global or parameter memory as numbers."""
        return [
            self.value(f"llvm.ptrtoint {n} : !llvm.ptr{'' if n.startswith('%map') else '<1>'} to i64") for n in names
        ]

    def shared_memory(self) -> str:
        """Where the block's shared memory begins."""
        pointer = self.value(f"llvm.mlir.addressof @{self.name}_shared : !llvm.ptr<3>")
        return self.value(f"llvm.ptrtoint {pointer} : !llvm.ptr<3> to i32")

    def warpgroup(self, thread: str) -> str:
        """A thread's warpgroup, the same in all threads of a warp, so that LLVM and ptxas see that a branch on it does
        not part one."""
        group = self.binary("udiv", thread, WARPGROUP)
        return self.ptx("shfl.sync.idx.b32 $0, $1, 0, 31, -1;", [(group, "i32")], ["i32"])[0]

    def make_barriers(
        self, shared: str, thread: str, at: int, counts: Sequence[int], meet: str = "bar.sync 0;"
    ) -> None:
        """One thread makes an mbarrier for each count, from byte ``at`` on; nobody goes on before they are there."""
        barriers = "".join(f"mbarrier.init.shared::cta.b64 [at+{8 * i}], {n};\n" for i, n in enumerate(counts))
        self.ptx(
            f"""{{
            .reg .pred p; .reg .b32 at;
            setp.ne.u32 p, $1, 0;
            @p bra done;
            add.u32 at, $0, {at};
            {barriers}
            fence.mbarrier_init.release.cluster;
            done:
            }}
            {meet}""",
            [(shared, "i32"), (thread, "i32")],
        )


def _attributes(threads: int, cluster: int) -> str:
    """The attributes of a kernel that has a multiprocessor to itself: all of its registers are the block's.

    ``setmaxnreg`` needs ``.maxnreg``, and hangs where a block asks for more registers than it was launched with.
    """
    registers = min(255, 65536 // threads) // 8 * 8
    among = f", nvvm.cluster_dim = array<i32: {cluster}, 1, 1>" if cluster > 1 else ""
    return f"{{nvvm.kernel, nvvm.maxntid = array<i32: {threads}, 1, 1>, nvvm.maxnreg = {registers} : i32{among}}}"


def advance(stage: str, phase: str, stages: int, predicate: str = "p") -> str:
    """To the next stage, and the other phase behind the last one."""
    return f"""add.u32 {stage}, {stage}, 1;
            setp.eq.u32 {predicate}, {stage}, {stages};
            @{predicate} mov.u32 {stage}, 0;
            @{predicate} xor.b32 {phase}, {phase}, 1;"""


def descriptor(transposed: bool, block_k: int) -> int:
    """A matrix descriptor without its address ("Matrix Descriptor Format" of the PTX ISA): the swizzle of 128 bytes.

    With k innermost, 8 rows are 1024 bytes.  Otherwise boxes of 64 x ``block_k`` follow each other along the outer
    dimension (leading offset), and 8 rows of k are 1024 bytes (stride).
    """
    leading = block_k * ROW_BYTES if transposed else 16
    return 1 << 62 | (8 * ROW_BYTES >> 4) << 32 | (leading >> 4) << 16


def address(register: str, transposed: bool, rows: int) -> str:
    """The descriptor of the matrix at ``base``; transposed, boxes of ``rows`` rows are side by side."""
    return f"""cvt.u64.u32 wide, base;
            shr.u64 wide, wide, 4;
            mov.b64 {register}, {descriptor(transposed, rows)};
            or.b64 {register}, {register}, wide;"""


def wait_for(barrier: str, parity: str, label: str, predicate: str = "q") -> str:
    """Until a phase of an mbarrier is over."""
    return f"""{label}:
            mbarrier.try_wait.parity.shared::cta.b64 {predicate}, [{barrier}], {parity};
            @!{predicate} bra {label};"""


def float_bits(value: float) -> str:
    """An f32 as PTX writes it."""
    return f"0f{struct.unpack('<I', struct.pack('<f', value))[0]:08X}"
