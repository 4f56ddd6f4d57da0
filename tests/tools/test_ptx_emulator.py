"""The emulator of PTX: kernels written by hand, which ptxas accepts too, against NumPy; what is undefined is found."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.gpu.machine import GpuMachine, assemble
from tools.ptx_emulator import EmulationError, TensorMap, launch

RNG = np.random.default_rng(0)


def module(body: str, parameters: str = ".param .u64 x, .param .u64 y", variables: str = "") -> str:
    """A module with one kernel ``k``; ``%x`` and ``%y`` hold the addresses of the arguments."""
    text = f""".version 8.6
.target sm_90a
.address_size 64
{variables}
.visible .entry k({parameters})
{{
  .reg .pred %p<8>;
  .reg .b16 %h<32>;
  .reg .b32 %r<200>;
  .reg .b64 %d<32>;
  .reg .b64 %x, %y;
  ld.param.b64 %x, [x];
  ld.param.b64 %y, [y];
  mov.u32 %r0, %tid.x;
{body}
  ret;
}}
"""
    assemble(text, GpuMachine.parse("sm_90a"))  # it is PTX
    return text


ELEMENT_AT = """
  mul.wide.u32 %d0, %r0, 4;
  add.s64 %d1, %x, %d0;
  add.s64 %d2, %y, %d0;
"""


def run(body: str, x: np.ndarray, y: np.ndarray, threads: int = 64, **options: object) -> np.ndarray:
    launch(module(body), "k", grid=(1,), block=(threads,), arguments=[x, y], **options)
    return y


def test_threads_part_and_meet_again() -> None:
    """Odd threads triple, even ones add one, each as often as its index says; all of them store behind the loop."""
    body = f"""{ELEMENT_AT}
  ld.global.u32 %r1, [%d1];
  and.b32 %r2, %r0, 7;
$again:
  setp.eq.u32 %p0, %r2, 0;
  @%p0 bra $done;
  and.b32 %r3, %r0, 1;
  setp.ne.u32 %p1, %r3, 0;
  @%p1 bra $odd;
  add.u32 %r1, %r1, 1;
  bra $next;
$odd:
  mul.lo.u32 %r1, %r1, 3;
$next:
  sub.u32 %r2, %r2, 1;
  bra $again;
$done:
  st.global.u32 [%d2], %r1;
"""
    x = RNG.integers(0, 100, 64).astype(np.uint32)
    times = np.arange(64) & 7
    expected = np.where(np.arange(64) & 1, x * 3**times, x + times)
    np.testing.assert_array_equal(run(body, x, np.zeros(64, np.uint32)), expected)


def test_a_sum_over_a_block_through_shuffles_and_shared_memory() -> None:
    body = f"""{ELEMENT_AT}
  ld.global.f32 %r1, [%d1];
  shfl.sync.bfly.b32 %r2, %r1, 16, 31, -1;
  add.f32 %r1, %r1, %r2;
  shfl.sync.bfly.b32 %r2, %r1, 8, 31, -1;
  add.f32 %r1, %r1, %r2;
  shfl.sync.bfly.b32 %r2, %r1, 4, 31, -1;
  add.f32 %r1, %r1, %r2;
  shfl.sync.bfly.b32 %r2, %r1, 2, 31, -1;
  add.f32 %r1, %r1, %r2;
  shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;
  add.f32 %r1, %r1, %r2;
  shr.u32 %r3, %r0, 5;
  shl.b32 %r3, %r3, 2;
  mov.u32 %r4, buffer;
  add.u32 %r3, %r3, %r4;
  and.b32 %r5, %r0, 31;
  setp.eq.u32 %p0, %r5, 0;
  @%p0 st.shared.f32 [%r3], %r1;
  bar.sync 0;
  ld.shared.v2.f32 {{%r6, %r7}}, [buffer];
  add.f32 %r8, %r6, %r7;
  st.global.f32 [%d2], %r8;
"""
    x = RNG.integers(-9, 9, 64).astype(np.float32)
    variables = ".shared .align 16 .b8 buffer[8];"
    y = np.zeros(64, np.float32)
    launch(module(body, variables=variables), "k", grid=(1,), block=(64,), arguments=[x, y])
    np.testing.assert_array_equal(y, np.full(64, x.sum()))


MMA = """
  and.b32 %r1, %r0, 15;
  shr.u32 %r2, %r0, 4;
  shl.b32 %r3, %r1, 5;
  shl.b32 %r4, %r2, 4;
  add.u32 %r3, %r3, %r4;
  mov.u32 %r5, tile;
  add.u32 %r6, %r5, %r3;
  mul.wide.u32 %d0, %r3, 1;
  add.s64 %d1, %x, %d0;
  ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%d1];
  st.shared.v4.b32 [%r6], {%r10, %r11, %r12, %r13};
  ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%d1+512];
  st.shared.v4.b32 [%r6+512], {%r10, %r11, %r12, %r13};
  bar.warp.sync -1;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r20, %r21, %r22, %r23}, [%r6];
  and.b32 %r7, %r0, 7;
  shl.b32 %r7, %r7, 5;
  shr.u32 %r8, %r0, 3;
  and.b32 %r8, %r8, 1;
  shl.b32 %r8, %r8, 4;
  add.u32 %r7, %r7, %r8;
  add.u32 %r7, %r7, %r5;
  ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r24, %r25}, [%r7+512];
  mov.b32 %r30, 0f00000000;
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%r31, %r32, %r33, %r34}, {%r20, %r21, %r22, %r23}, {%r24, %r25},
    {%r30, %r30, %r30, %r30};
  shr.u32 %r40, %r0, 2;
  shl.b32 %r40, %r40, 5;
  and.b32 %r41, %r0, 3;
  shl.b32 %r41, %r41, 3;
  add.u32 %r40, %r40, %r41;
  mul.wide.u32 %d2, %r40, 1;
  add.s64 %d3, %y, %d2;
  st.global.v2.f32 [%d3], {%r31, %r32};
  st.global.v2.f32 [%d3+256], {%r33, %r34};
"""


def test_a_tensor_core_product() -> None:
    """A 16 x 16 times (8 x 16)^T through ldmatrix, with the accumulators where the reference says they are."""
    x = RNG.integers(-4, 5, (32, 16)).astype(ml_dtypes.bfloat16)
    y = np.zeros((16, 8), np.float32)
    text = module(MMA, variables=".shared .align 16 .b8 tile[1024];")
    launch(text, "k", grid=(1,), block=(32,), arguments=[x, y])
    wide = x.astype(np.float32)
    np.testing.assert_array_equal(y, wide[:16] @ wide[16:24].T)


def wgmma(wait: bool = True) -> str:
    """64 x 64 (K-major) times 64 x 64 (K-major, transposed) by TMA, an mbarrier and wgmma m64n32k16, twice in n."""
    accumulators = "{" + ", ".join(f"%r{100 + i}" for i in range(16)) + "}"
    products = ""
    for k in range(4):
        products += f"""
  add.s64 %d10, %d8, {2 * k};
  add.s64 %d11, %d9, {2 * k};
  wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 {accumulators}, %d10, %d11, %p{2 + (k > 0)}, 1, 1, 0, 0;"""
    stores = ""
    for i in range(0, 16, 2):
        stores += f"  st.global.v2.f32 [%d13+{i // 4 * 32 + i // 2 % 2 * 8 * 128}], {{%r{100 + i}, %r{101 + i}}};\n"
    return f"""
  setp.ne.u32 %p0, %r0, 0;
  mov.u32 %r1, smem;
  add.u32 %r2, %r1, 12288;
  @%p0 bra $copied;
  mbarrier.init.shared::cta.b64 [%r2], 1;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], 12288;
  mov.b64 %d1, a;
  mov.b64 %d2, b;
  mov.u32 %r4, 0;
  add.u32 %r3, %r1, 8192;
  cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%d1, {{%r4, %r4}}], [%r2];
  cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r3], [%d2, {{%r4, %r4}}], [%r2];
$copied:
  bar.sync 0;
$poll:
  mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r2], 0;
  @!%p1 bra $poll;
  cvt.u64.u32 %d5, %r1;
  shr.u64 %d5, %d5, 4;
  mov.b64 %d6, {1 << 62 | 64 << 32 | 1 << 16};
  or.b64 %d8, %d5, %d6;
  add.s64 %d9, %d8, {8192 >> 4};
  setp.ne.u32 %p2, %r4, %r4;
  setp.eq.u32 %p3, %r4, %r4;
  wgmma.fence.sync.aligned;
{products}
  wgmma.commit_group.sync.aligned;
  {"wgmma.wait_group.sync.aligned 0;" if wait else ""}
  shr.u32 %r5, %r0, 2;
  and.b32 %r6, %r5, 7;
  shr.u32 %r7, %r0, 5;
  shl.b32 %r7, %r7, 4;
  add.u32 %r6, %r6, %r7;
  shl.b32 %r6, %r6, 7;
  and.b32 %r8, %r0, 3;
  shl.b32 %r8, %r8, 3;
  add.u32 %r6, %r6, %r8;
  cvt.u64.u32 %d12, %r6;
  add.s64 %d13, %y, %d12;
{stores}"""


@pytest.mark.parametrize("late", [False, True])
def test_a_product_of_a_warpgroup(late: bool) -> None:
    x = RNG.integers(-4, 5, (96, 64)).astype(ml_dtypes.bfloat16)
    a, b = x[:64].copy(), x[64:].copy()
    y = np.zeros((64, 32), np.float32)
    parameters = ".param .u64 x, .param .u64 y, .param .align 64 .b8 a[128], .param .align 64 .b8 b[128]"
    text = module(wgmma(), parameters, ".extern .shared .align 1024 .b8 smem[];")
    maps = [TensorMap(m, (64, rows), (128,), (64, rows), swizzle=128) for m, rows in ((a, 64), (b, 32))]
    launch(text, "k", grid=(1,), block=(128,), arguments=[x, y, *maps], shared_bytes=12288 + 8, late=late)
    np.testing.assert_array_equal(y, a.astype(np.float32) @ b.astype(np.float32).T)


def test_a_missing_wait_gives_other_numbers() -> None:
    x = np.ones((96, 64), ml_dtypes.bfloat16)
    y = np.zeros((64, 32), np.float32)
    parameters = ".param .u64 x, .param .u64 y, .param .align 64 .b8 a[128], .param .align 64 .b8 b[128]"
    text = module(wgmma(wait=False), parameters, ".extern .shared .align 1024 .b8 smem[];")
    maps = [TensorMap(x[:rows].copy(), (64, rows), (128,), (64, rows), swizzle=128) for rows in (64, 32)]
    launch(text, "k", grid=(1,), block=(128,), arguments=[x, y, *maps], shared_bytes=12288 + 8, late=True)
    assert not np.any(y == 64)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (ELEMENT_AT + "ld.global.u32 %r1, [%d1+256];", "4 bytes at offset 256 of 256 bytes"),
        (ELEMENT_AT + "add.s64 %d1, %d1, 2;\nld.global.u32 %r1, [%d1];", "offset 2 is not a multiple of 4"),
        ("mov.u64 %d1, 0;\nld.global.u32 %r1, [%d1];", "is in no array"),
        ("setp.ne.u32 %p0, %r0, 3;\n@%p0 bar.sync 1, 64;", "deadlock: 63 threads"),
        ("trap;", "thread 0.*trap"),
        ("mov.u32 %r1, 4096;\nld.shared.u32 %r2, [%r1];", "shared memory has 0 bytes"),
        (
            "mov.u32 %r1, 0;\n$l:\nmbarrier.try_wait.parity.shared.b64 %p0, [%r1], 0;\n@!%p0 bra $l;",
            "no mbarrier at byte 0",
        ),
    ],
)
def test_what_is_undefined_is_found(body: str, message: str) -> None:
    with pytest.raises(EmulationError, match=message):
        run(body, np.zeros(64, np.uint32), np.zeros(64, np.uint32))


@pytest.mark.parametrize(
    ("instruction", "function"),
    [
        ("div.s32 %r3, %r1, %r2", lambda x: np.trunc(x / -7).astype(np.int32)),
        ("rem.s32 %r3, %r1, %r2", lambda x: np.fmod(x, -7)),
        ("shr.s32 %r3, %r1, 3", lambda x: x >> 3),
        (
            "shf.l.wrap.b32 %r3, %r1, %r1, 9",
            lambda x: (x.view(np.uint32) << 9 | x.view(np.uint32) >> 23).view(np.int32),
        ),
        ("prmt.b32 %r3, %r1, %r1, 0x0123", lambda x: x.byteswap()),
        ("bfe.s32 %r3, %r1, 4, 8", lambda x: (x >> 4).astype(np.int8).astype(np.int32)),
        ("lop3.b32 %r3, %r1, %r2, %r0, 0x96", lambda x: x ^ -7 ^ np.arange(64, dtype=np.int32)),
        ("popc.b32 %r3, %r1", lambda x: np.array([int(v & 0xFFFFFFFF).bit_count() for v in x.tolist()], np.int32)),
        ("mad.lo.s32 %r3, %r1, %r2, %r0", lambda x: x * -7 + np.arange(64, dtype=np.int32)),
        ("mul.hi.s32 %r3, %r1, %r2", lambda x: (x.astype(np.int64) * -7 >> 32).astype(np.int32)),
        ("cvt.rn.f32.s32 %r3, %r1", lambda x: x.astype(np.float32).view(np.int32)),
        ("max.u32 %r3, %r1, %r2", lambda x: np.maximum(x.view(np.uint32), np.int32(-7).view(np.uint32)).view(np.int32)),
    ],
)
def test_arithmetic(instruction: str, function: object) -> None:
    x = RNG.integers(-(1 << 31), 1 << 31, 64).astype(np.int32)
    body = f"{ELEMENT_AT}\nld.global.u32 %r1, [%d1];\nmov.u32 %r2, -7;\n{instruction};\nst.global.u32 [%d2], %r3;"
    np.testing.assert_array_equal(run(body, x, np.zeros(64, np.int32)), function(x))
