"""Products of tiles on tensor cores and without, in the interpreter and the emulator of PTX."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.gpu import code as gpu_code
from astra_mlir.gpu.machine import GpuMachine, assemble
from astra_mlir.passes.gpu.hopper_functions import tensor_maps_of
from tests.passes.gpu.programs import Compiled, expand, matmul, matmul_arguments, tile_function
from tests.passes.gpu.simt import TensorMap as SimtMap
from tests.passes.gpu.simt import launch as run_threads
from tests.passes.gpu.test_tile_to_gpu import check
from tools.ptx_emulator import TensorMap as EmulatorMap
from tools.ptx_emulator import launch as run_ptx

RNG = np.random.default_rng(7)
DTYPES = {
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64, "i8": np.int8,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn, "i32": np.int32,
}  # fmt: skip


def whole(name: str, m: int, n: int) -> str:
    """Row-major offsets of an m x n tile."""
    return f"""
  %{name}_i = @arange() {{start = 0 : i64}} : () -> tensor<{m * n}xi32>
  %{name} = @reshape(%{name}_i) : (tensor<{m * n}xi32>) -> tensor<{m}x{n}xi32>
"""


def product(m: int, n: int, k: int, element: str, result: str, precision: str, warps: int, target: str) -> str:
    body = f"""
{whole("oa", m, k)}{whole("ob", k, n)}{whole("oc", m, n)}
  %a = @load(%x, %oa) : (memref<?x{element}>, tensor<{m}x{k}xi32>) -> tensor<{m}x{k}x{element}>
  %b = @load(%y, %ob) : (memref<?x{element}>, tensor<{k}x{n}xi32>) -> tensor<{k}x{n}x{element}>
  %c = @load(%z, %oc) : (memref<?x{result}>, tensor<{m}x{n}xi32>) -> tensor<{m}x{n}x{result}>
  %d = @dot(%a, %b, %c) {{precision = "{precision}"}}
      : (tensor<{m}x{k}x{element}>, tensor<{k}x{n}x{element}>, tensor<{m}x{n}x{result}>) -> tensor<{m}x{n}x{result}>
  @store(%z, %oc, %d) : (memref<?x{result}>, tensor<{m}x{n}xi32>, tensor<{m}x{n}x{result}>) -> ()
"""
    arguments = [f"x:memref<?x{element}>", f"y:memref<?x{element}>", f"z:memref<?x{result}>"]
    return tile_function(expand(body), arguments, warps, target)


CASES = [
    (32, 32, 32, "f16", "f32", "tf32", 4, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 1e-4),
    (64, 16, 16, "bf16", "f32", "tf32", 4, "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 1e-4),
    (16, 64, 64, "f16", "f16", "tf32", 2, "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", 2e-2),
    (32, 64, 16, "f32", "f32", "tf32", 4, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 1e-2),
    (32, 16, 16, "f32", "f32", "3xtf32", 1, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 2e-5),
    (32, 32, 16, "f32", "f32", "ieee", 4, "fma.rn.f32", 1e-5),
    (8, 16, 8, "f16", "f32", "ieee", 1, "fma.rn.f32", 1e-4),
    (32, 16, 64, "i8", "i32", "ieee", 4, "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", 0),
    (16, 16, 32, "f64", "f64", "ieee", 4, "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64", 1e-12),
    (32, 32, 32, "f8E4M3FN", "f32", "ieee", 4, "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", 1e-3),
]  # fmt: skip


@pytest.mark.parametrize(("m", "n", "k", "element", "result", "precision", "warps", "instruction", "tolerance"), CASES)
def test_product(
    m: int, n: int, k: int, element: str, result: str, precision: str, warps: int, instruction: str, tolerance: float
) -> None:
    text = product(m, n, k, element, result, precision, warps, "sm_89")
    draw = (lambda *s: RNG.integers(-100, 100, s)) if element == "i8" else (lambda *s: RNG.standard_normal(s))
    x, y = draw(m, k).astype(DTYPES[element]), draw(k, n).astype(DTYPES[element])
    z = draw(m, n).astype(DTYPES[result])
    exact = x.astype(np.float64) @ y.astype(np.float64) + z.astype(np.float64)
    compiled = check(text, (1,), [x, y, z], {2: exact}, tolerance)
    assert instruction in compiled.ptx()


# m, n, k of a tile, element, B stored transposed, warps, target, stages
LOOPS = [
    (32, 32, 32, "f16", False, 4, "sm_80", 3),
    (64, 32, 32, "bf16", True, 4, "sm_80", 2),
    (32, 32, 16, "f32", False, 4, "sm_80", 3),
    (64, 64, 64, "f16", False, 4, "sm_90a", 3),
    (64, 32, 16, "bf16", True, 4, "sm_90a", 2),
]
MORE_LOOPS = [
    (32, 64, 64, "f16", True, 2, "sm_89", 4),
    (32, 32, 16, "f32", True, 4, "sm_80", 3),
    (64, 64, 64, "f16", False, 8, "sm_80", 1),
    (64, 32, 128, "bf16", True, 4, "sm_90a", 2),
    (128, 128, 32, "f16", False, 8, "sm_90a", 3),
    (64, 256, 64, "bf16", False, 8, "sm_90a", 2),
    (64, 32, 32, "f32", True, 4, "sm_90a", 2),
    (64, 64, 32, "f16", True, 4, "sm_90a", 1),
]
LOOPS += [pytest.param(*case, marks=pytest.mark.slow) for case in MORE_LOOPS]


@pytest.mark.parametrize(("m", "n", "k", "element", "transposed", "warps", "target", "stages"), LOOPS)
def test_pipelined_loop(
    m: int, n: int, k: int, element: str, transposed: bool, warps: int, target: str, stages: int
) -> None:
    """Three iterations and one: fewer than there are stages, and more."""
    body = matmul(m, n, k, element, transposed=transposed)
    text = tile_function(body, matmul_arguments(element, element), warps, target)
    text = text.replace("astra.tile,", f"astra.tile, astra.num_stages = {stages} : i64,")
    for blocks in (5, 1):
        depth = blocks * k
        x = RNG.standard_normal((2 * m, depth)).astype(DTYPES[element])
        y = RNG.standard_normal((n, depth) if transposed else (depth, n)).astype(DTYPES[element])
        exact = x.astype(np.float64) @ (y.T if transposed else y).astype(np.float64)
        z = np.zeros((2 * m, n), DTYPES[element])
        tolerance = {"f32": 2e-2, "f16": 2e-2, "bf16": 1e-1}[element]
        compiled = check(text, (2, 1), [x, y, z, n, depth], {2: exact}, tolerance)
    ptx = compiled.ptx()
    assert ("cp.async.cg.shared.global" in ptx) == (stages > 1)
    if target == "sm_90a":
        assert "wgmma.mma_async" in ptx
        return
    assert "ldmatrix" in ptx or element == "f32" or stages == 1
    assert ("ldmatrix.sync.aligned.m8n8.x4.trans" in ptx) == (not transposed and element == "f16" and stages > 1)


@pytest.mark.parametrize("element", ["i8", "f8E4M3FN"])
def test_narrow_products_of_warpgroups(element: str) -> None:
    """Their second operand has to lie along k."""
    m, n, k = 64, 32, 64
    result = "i32" if element == "i8" else "f32"
    body = matmul(m, n, k, element, result, result, transposed=True)
    text = tile_function(body, matmul_arguments(element, result), 4, "sm_90a")
    x = RNG.integers(-9, 9, (m, 3 * k)).astype(DTYPES[element])
    y = RNG.integers(-9, 9, (n, 3 * k)).astype(DTYPES[element])
    exact = x.astype(np.float64) @ y.T.astype(np.float64)
    compiled = check(text, (1, 1), [x, y, np.zeros((m, n), DTYPES[result]), n, 3 * k], {2: exact})
    assert "wgmma.mma_async.sync.aligned.m64n32k32" in compiled.ptx()


def block_product(m: int, n: int, k: int, transposed: bool) -> str:
    """C = A B by blocks of arrays of constant or given sizes: a loop over the blocks along K."""
    b_shape = (n, k) if transposed else (k, n)
    b_place = "%j0, %kk" if transposed else "%kk, %j0"
    b_sizes = "%n, %k" if transposed else "%k, %n"
    turn = (
        f"%bt = @transpose(%b) {{permutation = array<i64: 1, 0>}} : (tensor<{n}x{k}xf16>) -> tensor<{k}x{n}xf16>"
        if transposed
        else ""
    )
    return (
        expand(f"""
  %i = @program_id() {{axis = 0 : i64}} : () -> i32
  %bm = arith.constant {m} : i32
  %bk = arith.constant {k} : i32
  %i0 = arith.muli %i, %bm : i32
  %j0 = arith.constant 0 : i32
  %one = arith.constant 1 : i64
  %n = arith.constant {n} : i64
  %zero = arith.constant dense<0.0> : tensor<{m}x{n}xf32>
  %end = arith.trunci %k : i64 to i32
  %d = scf.for %kk = %j0 to %end step %bk iter_args(%acc = %zero) -> (tensor<{m}x{n}xf32>) : i32 {{
    %a = @block_load(%x, %m, %k, %k, %one, %i0, %kk) {{rank = 2 : i64}}
        : (memref<?xf16>, i64, i64, i64, i64, i32, i32) -> tensor<{m}x{k}xf16>
    %b = @block_load(%y, {b_sizes}, {"%k" if transposed else "%n"}, %one, {b_place}) {{rank = 2 : i64}}
        : (memref<?xf16>, i64, i64, i64, i64, i32, i32) -> tensor<{b_shape[0]}x{b_shape[1]}xf16>
    {turn}
    %s = @dot(%a, %{"bt" if transposed else "b"}, %acc) {{precision = "tf32"}}
        : (tensor<{m}x{k}xf16>, tensor<{k}x{n}xf16>, tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
    scf.yield %s : tensor<{m}x{n}xf32>
  }}
  @block_store(%d, %z, %m, %n, %n, %one, %i0, %j0) {{rank = 2 : i64}}
      : (tensor<{m}x{n}xf32>, memref<?xf32>, i64, i64, i64, i64, i32, i32) -> ()
""")
        .replace("  %bs = arith.addi %k, %j64 : i64\n", "")
        .replace(f"  %bs = arith.constant {n} : i64\n", "")
    )


@pytest.mark.parametrize(("n", "k", "transposed"), [(128, 64, False), (64, 128, True)])
def test_blocks_come_by_the_copy_engine(n: int, k: int, transposed: bool) -> None:
    """Rows and depth that are no multiples of the blocks; fewer blocks than buffers, and more."""
    aligned = " {astra.divisibility = 16 : i64}"
    arguments = ["x:memref<?xf16>", "y:memref<?xf16>", "z:memref<?xf32>", f"m:i64{aligned}", f"k:i64{aligned}"]
    text = tile_function(block_product(64, n, k, transposed), arguments, 4, "sm_90a")
    compiled = Compiled(text, "astra-tile-pipeline{copy-engine=true},astra-tile-layouts,astra-tile-to-gpu")
    ptx = compiled.ptx()
    assert "cp.async.bulk.tensor.2d.shared::cluster.global" in ptx
    assert "mbarrier.try_wait.parity" in ptx
    assert "wgmma.mma_async" in ptx
    cubin = assemble(ptx, GpuMachine.parse("sm_90a"))
    assert cubin.kernels["k"].spill_store_bytes == 0
    maps_of_launch = [gpu_code._tensor_map(spec) for spec in tensor_maps_of(compiled.kernel())]
    first = maps_of_launch[0]  # of x: depth and rows are arguments 4 and 3, rows are `depth` apart
    assert (first.parameter, first.sizes, first.strides) == (0, (4, 3), (0, 4))
    assert (first.from_parameters, first.element_bytes, first.swizzle) == (0b10_0000_0011, 2, 3)
    threads, shared = compiled.attribute("astra.threads"), compiled.attribute("astra.shared_bytes")
    for rows, depth in ((96, 5 * k - 16), (40, k)):
        x = RNG.standard_normal((rows, depth)).astype(np.float16)
        y = RNG.standard_normal((n, depth) if transposed else (depth, n)).astype(np.float16)
        exact = x.astype(np.float64) @ (y.T if transposed else y).astype(np.float64)
        for way in ("threads", "ptx"):
            z = np.zeros((rows, n), np.float32)
            values = [x, y, z, rows, depth]
            described = compiled.tensor_maps(values)
            if way == "threads":
                run_threads(compiled.module, "k", (2,), [*values, *(SimtMap(*one, 2) for one in described)])
            else:
                maps = [EmulatorMap(values[p], sizes, strides, *rest) for p, sizes, strides, *rest in described]
                place = {"grid": (2, 1, 1), "block": (threads, 1, 1), "shared_bytes": shared, "late": True}
                run_ptx(ptx, "k", arguments=[*values, *maps], **place)
            np.testing.assert_allclose(z, exact, rtol=1e-3, atol=1e-3, err_msg=way)
