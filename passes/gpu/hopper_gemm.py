"""Matrix products on Hopper: persistent blocks of one copying warpgroup and the warpgroups that multiply.

The kernel that ``sm_90a`` is built for (CUTLASS calls it warp-specialised and persistent): a thread of the first
warpgroup asks the tensor memory accelerator for the tiles of both operands, up to ``stages`` ahead; the others issue
``wgmma`` from shared memory into their registers and wait for memory only where that is the bottleneck.  mbarriers
count bytes that arrived (*full*) and warpgroups that are done with a stage (*empty*).  Blocks of a cluster share the
tile of the second operand: each copies a part of it to all; or, where there are few tiles, they share the steps of k.
Results of 16 bits leave through shared memory by the accelerator too, 64 columns at a time, while the copying goes on
with the next tile.

The loops are PTX (``llvm.inline_asm``), since ``nvvm`` has no operation for what the accumulators need: to stay in
place from ``wgmma`` to ``wgmma``; everything else is the LLVM dialect.  :class:`HopperGemm` is shape and schedule,
:meth:`HopperGemm.mlir` its kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from astra_mlir.errors import UnsupportedError
from astra_mlir.passes.gpu.hopper_kernel import RESULT_BYTES, STAGED_COLUMNS, HopperKernel
from astra_mlir.passes.gpu.hopper_text import ROW_BYTES, SHARED_BYTES, WARPGROUP

__all__ = ["FORMATS", "Epilogue", "HopperGemm", "TensorMapSpec", "hopper_gemm"]


@dataclass(frozen=True)
class _Format:
    """An operand's element: its name in ``wgmma``, bytes, the accumulator's type, and whether it may be MN-major."""

    ptx: str
    bytes: int
    accumulator: str
    transposable: bool = False


FORMATS = {
    "f16": _Format("f16", 2, "f32", True),
    "bf16": _Format("bf16", 2, "f32", True),
    "tf32": _Format("tf32", 4, "f32"),
    "f8E4M3FN": _Format("e4m3", 1, "f32"),
    "f8E5M2": _Format("e5m2", 1, "f32"),
    "i8": _Format("s8", 1, "i32"),
}


@dataclass(frozen=True)
class TensorMapSpec:
    """A tensor map that the launch must encode: as in ``cuTensorMapEncodeTiled``, the innermost dimension first.

    ``operand`` is the number of the kernel's argument that is the array's address; ``sizes`` and ``box`` are in
    elements, ``strides`` (of all dimensions but the innermost) and ``swizzle`` in bytes.  Bit i of ``from_parameters``
    says that the size of dimension i, bit 8 + i that its stride (then in elements), is the number of an i64 argument.
    """

    operand: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]
    swizzle: int
    element: str
    from_parameters: int = 0


@dataclass(frozen=True)
class Epilogue:
    """What happens to results before they are stored: a function of accumulators, row and column.

    ``arguments`` are the types of further kernel arguments; ``emit(values, row, column, batch, arguments, line)`` gives
    the names of what is stored for two neighbouring accumulators, of which ``column`` is the first one's, in the
    result's type, written with ``line("llvm.fadd %a, %b : f32")``, which gives a new value's name.
    """

    arguments: tuple[str, ...] = ()
    emit: Callable[[Sequence[str], str, str, str, Sequence[str], Callable[[str], str]], Sequence[str]] | None = None


@dataclass(frozen=True)
class HopperGemm:
    """``result[b] = lhs[b] @ rhs[b]``: shapes, element types and the schedule.

    Behind the batch dimension lhs is ``m x k`` (``lhs_major="k"``) or ``k x m`` (``"m"``), rhs ``k x n`` (``"n"``) or
    ``n x k`` (``"k"``), in rows.  Raises :class:`UnsupportedError` for what ``wgmma`` or the accelerator cannot do.
    """

    m: int
    n: int
    k: int
    batch: int = 1
    element: str = "bf16"
    result: str = "bf16"
    lhs_major: str = "k"
    rhs_major: str = "n"
    block_m: int = 128
    block_n: int = 256
    stages: int = 4
    cluster: int = 1  # blocks, one above the other, that share the tile of rhs
    split: int = 1  # blocks of a cluster that share the steps of k; their sums are added in a fixed order
    group: int = 8  # tiles above each other that are computed before the next ones to the right: they share the cache

    def __post_init__(self) -> None:
        if self.element not in FORMATS or self.result not in RESULT_BYTES:
            raise UnsupportedError(f"a product of {self.element} to {self.result} has no wgmma")
        if not self.format.transposable and (self.lhs_major, self.rhs_major) != ("k", "k"):
            raise UnsupportedError(f"operands of {self.element} must have k innermost for wgmma")
        for name, inner, size in (
            ("lhs", self.k if self.lhs_major == "k" else self.m, self.format.bytes),
            ("rhs", self.k if self.rhs_major == "k" else self.n, self.format.bytes),
            ("result", self.n, RESULT_BYTES[self.result]),
        ):
            if inner * size % 16:
                raise UnsupportedError(f"rows of {name} are {inner * size} bytes: tensor maps need a multiple of 16")
        if self.block_m % 64 or self.consumers > 3:
            raise UnsupportedError(f"{self.block_m} rows of a block are not one to three times 64")
        if self.block_n % 16 or not 16 <= self.block_n <= 256:
            raise UnsupportedError(f"{self.block_n} columns of a block are no multiple of 16 up to 256")
        if self.rhs_major == "n" and self.block_n % (ROW_BYTES // self.format.bytes * self.cluster):
            raise UnsupportedError(
                f"{self.block_n} columns are not whole rows of shared memory for {self.cluster} blocks"
            )
        if self.rhs_major == "k" and self.block_n % (8 * self.cluster):
            raise UnsupportedError(f"{self.block_n} columns do not divide into {self.cluster} parts of whole rows")
        if self.split > 1:
            if self.cluster > 1 or self.split not in (2, 4, 8) or self.split > self.steps:
                raise UnsupportedError(f"{self.steps} steps of k do not divide among {self.split} blocks")
            if self.block_n % (8 * self.split) or self.exchanged > self.barriers_at - self.staging:
                raise UnsupportedError(f"sums of {self.split} blocks do not fit")
        if self.shared_bytes > SHARED_BYTES:
            raise UnsupportedError(f"{self.shared_bytes} bytes of shared memory are more than {SHARED_BYTES}")

    # --- shapes -----------------------------------------------------------------------------------------------------

    @property
    def format(self) -> _Format:
        """The operands' element."""
        return FORMATS[self.element]

    @property
    def element_columns(self) -> int:
        """Elements in a row of shared memory."""
        return ROW_BYTES // self.format.bytes

    @property
    def block_k(self) -> int:
        """The extent of k in a stage."""
        return self.element_columns

    @property
    def consumers(self) -> int:
        """Warpgroups that multiply, 64 rows each."""
        return self.block_m // 64

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return WARPGROUP * (1 + self.consumers)

    @property
    def blocks_together(self) -> int:
        """Blocks of a cluster."""
        return self.cluster * self.split

    @property
    def steps(self) -> int:
        """The steps of k."""
        return -(-self.k // self.block_k)

    @property
    def own_columns(self) -> int:
        """The columns that a block stores: all of the tile, or its part where blocks share the steps of k."""
        return self.block_n // self.split

    @property
    def exchanged(self) -> int:
        """Bytes of sums that a block is given by those it shares the steps of k with, in place of the stages."""
        return self.block_m * self.block_n * 4

    @property
    def staged(self) -> bool:
        """Whether results leave through shared memory (16 bits) or from the registers."""
        return RESULT_BYTES[self.result] == 2 and self.own_columns % STAGED_COLUMNS == 0

    @property
    def lhs_stage(self) -> int:
        """Bytes of lhs in a stage."""
        return self.block_m * ROW_BYTES

    @property
    def rhs_stage(self) -> int:
        """Bytes of rhs in a stage."""
        return self.block_n * ROW_BYTES

    @property
    def staging(self) -> int:
        """Bytes that results pass through: two halves for each warpgroup, 64 rows of 128 bytes."""
        return self.consumers * 2 * 64 * ROW_BYTES if self.staged else 0

    @property
    def barriers_at(self) -> int:
        """Where the mbarriers are in shared memory: all full ones, then all empty ones."""
        return self.stages * (self.lhs_stage + self.rhs_stage) + self.staging

    @property
    def shared_bytes(self) -> int:
        """Dynamic shared memory of a block."""
        return self.barriers_at + 16 * self.stages

    @property
    def tiles(self) -> tuple[int, int, int]:
        """Tiles along m (those of a cluster as one), n and the batch."""
        return -(-self.m // (self.block_m * self.cluster)), -(-self.n // self.block_n), self.batch

    def grid(self, processors: int) -> tuple[int, int, int]:
        """The blocks of a launch on a GPU with so many multiprocessors."""
        if self.split > 1:  # the sums take the place of the next tile's operands, so there is none
            return (self.split * prod(self.tiles), 1, 1)
        return (self.cluster * min(prod(self.tiles), max(1, processors // self.cluster)), 1, 1)

    @property
    def tensor_maps(self) -> tuple[TensorMapSpec, ...]:
        """The maps of lhs and rhs, and of the result where it leaves by the accelerator, in the order of arguments."""
        size, columns = self.format.bytes, self.element_columns
        lhs = (self.k, self.m) if self.lhs_major == "k" else (self.m, self.k)
        rhs = (self.k, self.n) if self.rhs_major == "k" else (self.n, self.k)
        part = self.block_n // self.cluster

        def spec(operand: int, inner: int, outer: int, box: tuple[int, int], bytes_: int) -> TensorMapSpec:
            strides = (inner * bytes_, inner * outer * bytes_)
            element = self.result if operand == 2 else self.element
            return TensorMapSpec(operand, (inner, outer, self.batch), strides, (*box, 1), ROW_BYTES, element)

        maps = [
            spec(0, *lhs, (columns, self.block_m if self.lhs_major == "k" else self.block_k), size),
            spec(1, *rhs, (columns, part if self.rhs_major == "k" else self.block_k), size),
        ]
        if self.staged:
            maps.append(spec(2, self.n, self.m, (STAGED_COLUMNS, 64), 2))
        return tuple(maps)

    # --- the kernel -------------------------------------------------------------------------------------------------

    def mlir(self, name: str, epilogue: Epilogue | None = None) -> str:
        """The kernel as a function of the LLVM dialect, and the declaration of dynamic shared memory.

        Its arguments are the pointers of lhs, rhs and result, those of the epilogue, and the tensor maps by value.
        """
        if epilogue is None and (self.format.accumulator == "i32") != (self.result == "i32"):
            raise UnsupportedError(f"a product of {self.element} is not of type {self.result}")
        return HopperKernel(self, name, epilogue or Epilogue()).text()


# --- choosing a schedule ----------------------------------------------------------------------------------------------

# Of one multiprocessor and clock cycle (H100 and H200, SXM): multiply-adds of 16-bit operands, bytes that wgmma reads
# from shared memory, and bytes from the second-level cache when all multiprocessors read (7.4 TB/s).
_MULTIPLY_ADDS, _SHARED_READ, _CACHE_READ = 2048, 128, 32
_TILE_CYCLES = 1500  # to begin a tile and to store one of 128 x 256, which nothing overlaps
_EXCHANGE_CYCLES = 2000  # two barriers of a cluster; the sums themselves go at the rate of copies
_BLOCKS = ((128, 256), (192, 128), (128, 192), (128, 128), (64, 256), (64, 128), (128, 64), (64, 64))
_MOST_STAGES = 8


def hopper_gemm(
    m: int,
    n: int,
    k: int,
    *,
    batch: int = 1,
    element: str = "bf16",
    result: str = "bf16",
    lhs_major: str = "k",
    rhs_major: str = "n",
    processors: int = 132,
) -> HopperGemm:
    """The schedule of a product: of all blocks and clusters the one that a model of the GPU finds fastest.

    A step of k takes what is longest: multiplying, reading operands from shared memory, or copying them from the cache;
    a tile its steps and its store; the whole as many tiles as fall to one multiprocessor.

    Raises :class:`UnsupportedError` where no block suits the shape.
    """
    problem = HopperGemm(m, n, k, batch, element, result, lhs_major, rhs_major, 64, 64, 2)
    found: list[tuple[float, int, HopperGemm]] = []
    refusal: UnsupportedError | None = None
    for block_m, block_n in _BLOCKS:
        for cluster, split in ((1, 1), (2, 1), (1, 2), (1, 4), (1, 8)):
            try:
                shape = replace(problem, block_m=block_m, block_n=block_n)
                gemm = replace(_deepest(replace(shape, cluster=cluster)), split=split)
            except UnsupportedError as error:
                refusal = error
                continue
            found.append((_cycles(gemm, processors), cluster * split, gemm))
    if not found:
        raise refusal or UnsupportedError(f"no block suits a product of {m} x {k} x {n}")
    return min(found, key=lambda candidate: candidate[:2])[2]


def _deepest(gemm: HopperGemm) -> HopperGemm:
    """The schedule with as many stages as there is shared memory for."""
    stage = gemm.lhs_stage + gemm.rhs_stage + 16
    stages = min(_MOST_STAGES, (SHARED_BYTES - gemm.staging) // stage)
    return replace(gemm, stages=stages)


def _cycles(gemm: HopperGemm, processors: int) -> float:
    """Clock cycles of the whole product by the model."""
    rate = _MULTIPLY_ADDS * 2 / gemm.format.bytes
    multiply = gemm.block_m * gemm.block_n * gemm.block_k / rate
    read = (gemm.block_m + gemm.block_n * gemm.consumers) * ROW_BYTES / _SHARED_READ
    copy = (gemm.block_m + gemm.block_n / gemm.cluster) * ROW_BYTES / _CACHE_READ
    steps = -(-gemm.steps // gemm.split)
    store = _TILE_CYCLES * (0.3 + 0.7 * gemm.block_m * gemm.own_columns / (128 * 256))
    exchange = _EXCHANGE_CYCLES + gemm.exchanged / _CACHE_READ if gemm.split > 1 else 0.0
    rounds = -(-prod(gemm.tiles) // max(1, processors // gemm.blocks_together))
    return rounds * (steps * max(multiply, read, copy) + store + exchange)
