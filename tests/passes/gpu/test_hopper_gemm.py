"""Matrix products for Hopper: the PTX they become, run without a GPU, and what ptxas says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from astra_mlir.errors import UnsupportedError
from astra_mlir.passes.gpu.hopper_gemm import Epilogue, HopperGemm, hopper_gemm

from .hopper_harness import DTYPES, check_resources, ptx_of, run


def operands(gemm: HopperGemm) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    lhs = (gemm.m, gemm.k) if gemm.lhs_major == "k" else (gemm.k, gemm.m)
    rhs = (gemm.n, gemm.k) if gemm.rhs_major == "k" else (gemm.k, gemm.n)
    dtype = DTYPES[gemm.element]
    a, b = (rng.integers(-3, 4, (gemm.batch, *shape)).astype(dtype) for shape in (lhs, rhs))
    return a, b


def product(gemm: HopperGemm, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    wide = a.astype(np.float64), b.astype(np.float64)
    lhs = wide[0] if gemm.lhs_major == "k" else wide[0].transpose(0, 2, 1)
    rhs = wide[1] if gemm.rhs_major == "n" else wide[1].transpose(0, 2, 1)
    return lhs @ rhs


def computed(gemm: HopperGemm, text: str, a: np.ndarray, b: np.ndarray, *more: Any, late: bool) -> np.ndarray:
    """The product by two multiprocessors."""
    result = np.zeros((gemm.batch, gemm.m, gemm.n), DTYPES[gemm.result])
    run(text, gemm, (a, b, result, *more), gemm.grid(2), gemm.blocks_together, late=late)
    return result


CASES = {
    "tiles in turn, edges": HopperGemm(72, 136, 72, block_m=64, block_n=64, stages=2),
    "two warpgroups, transposed": HopperGemm(128, 64, 200, lhs_major="m", result="f32", block_n=64, stages=3),
    "k innermost, batch": HopperGemm(64, 72, 64, batch=2, rhs_major="k", block_m=64, block_n=64, stages=2),
    "a cluster shares rhs": HopperGemm(128, 128, 128, cluster=2, block_m=64, block_n=128, stages=2),
    "a cluster shares rows of rhs": HopperGemm(256, 64, 128, cluster=2, rhs_major="k", block_n=64, stages=2),
    "tf32": HopperGemm(64, 64, 64, element="tf32", result="f32", rhs_major="k", block_m=64, block_n=64, stages=2),
    "i8": HopperGemm(64, 72, 256, element="i8", result="i32", rhs_major="k", block_m=64, block_n=64, stages=2),
    "f8": HopperGemm(64, 64, 128, element="f8E4M3FN", result="f16", rhs_major="k", block_m=64, block_n=64, stages=2),
    "k in two parts": HopperGemm(64, 128, 320, split=2, block_m=64, block_n=128, stages=2),
    "k in four parts, from registers": HopperGemm(
        72, 72, 264, element="f16", result="f32", split=4, block_n=64, stages=3, batch=2
    ),
    "three warpgroups": HopperGemm(192, 64, 64, element="f16", result="f16", block_m=192, block_n=64, stages=2),
}


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("name", CASES)
def test_products_are_exact(name: str, late: bool) -> None:
    """On small whole numbers, whatever is asynchronous happening at once or as late as it may."""
    gemm = CASES[name]
    a, b = operands(gemm)
    found = computed(gemm, ptx_of(gemm), a, b, late=late)
    np.testing.assert_array_equal(found, product(gemm, a, b).astype(found.dtype))


def test_an_epilogue_sees_rows_columns_and_its_arguments() -> None:
    """Add a bias by column and take the maximum with zero."""
    gemm = HopperGemm(64, 72, 64, block_m=64, block_n=64, stages=2)

    def emit(values: Any, row: str, column: str, batch: str, arguments: Any, line: Any) -> list[str]:
        results = []
        for i, value in enumerate(values):
            own = line(f"llvm.add {column}, {line(f'llvm.mlir.constant({i} : i32) : i32')} : i32")
            inside = line(f"llvm.intr.umin({own}, {line('llvm.mlir.constant(71 : i32) : i32')}) : (i32, i32) -> i32")
            place = line(f"llvm.getelementptr {arguments[0]}[{inside}] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32")
            total = line(f"llvm.fadd {value}, {line(f'llvm.load {place} : !llvm.ptr<1> -> f32')} : f32")
            zero = line("llvm.mlir.constant(0.0 : f32) : f32")
            most = line(f"llvm.intr.maxnum({total}, {zero}) : (f32, f32) -> f32")
            results.append(line(f"llvm.fptrunc {most} : f32 to bf16"))
        return results

    a, b = operands(gemm)
    bias = np.arange(72, dtype=np.float32) - 36
    text = ptx_of(gemm, Epilogue(("!llvm.ptr<1>",), emit))
    found = computed(gemm, text, a, b, bias, late=True)
    np.testing.assert_array_equal(found, np.maximum(product(gemm, a, b) + bias, 0).astype(found.dtype))


@pytest.mark.parametrize(
    ("element", "result"), [("bf16", "bf16"), ("f8E4M3FN", "bf16"), ("tf32", "f32"), ("i8", "i32")]
)
def test_the_schedule_of_large_products(element: str, result: str) -> None:
    """At 8192: all that Hopper has for it in the PTX, no spills, no warnings of ptxas (of serialised wgmma)."""
    major = "n" if element == "bf16" else "k"
    gemm = hopper_gemm(8192, 8192, 8192, element=element, result=result, rhs_major=major)
    assert gemm.cluster == 2
    assert gemm.block_m * gemm.block_n >= 128 * 192
    text = ptx_of(gemm)
    for instruction in (
        "wgmma.mma_async.sync.aligned.m64n", "cp.async.bulk.tensor.3d.shared::cluster", ".multicast::cluster",
        "setmaxnreg.dec", "setmaxnreg.inc", "mbarrier.try_wait.parity",
    ):  # fmt: skip
        assert instruction in text
    assert ("stmatrix" in text) == (result == "bf16")
    check_resources(text, gemm.threads)


@pytest.mark.parametrize(
    ("shape", "least_share"),
    [((8192, 8192, 8192), 0.9), ((4096, 4096, 4096), 0.85), ((512, 512, 4096), 0.45), ((2048, 768, 3072), 0.5)],
)
def test_schedules_fill_the_processors(shape: tuple[int, int, int], least_share: float) -> None:
    gemm = hopper_gemm(*shape)
    blocks = gemm.grid(132)[0]
    tiles = np.prod(gemm.tiles) * gemm.cluster * gemm.split
    rounds = -(-tiles // blocks)
    assert tiles / (rounds * 132) >= least_share
    assert gemm.stages >= 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 60}, "rows of lhs are 120 bytes"),
        ({"n": 100}, "rows of rhs are 200 bytes"),
        ({"element": "f64"}, "f64 to bf16 has no wgmma"),
        ({"element": "i8", "rhs_major": "k"}, "i8 is not of type bf16"),
        ({"element": "tf32", "result": "f32"}, "k innermost"),
        ({"stages": 12}, "bytes of shared memory"),
        ({"block_m": 96}, "96 rows"),
        ({"split": 4}, "2 steps of k"),
        ({"split": 3, "k": 512}, "among 3 blocks"),
    ],
)
def test_what_the_tensor_cores_cannot_do_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        HopperGemm(**{"m": 128, "n": 128, "k": 128, **arguments}).mlir("kernel")
