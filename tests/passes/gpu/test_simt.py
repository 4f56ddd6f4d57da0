"""The interpreter of threads finds what is wrong with a kernel: bugs put in on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from astra_mlir.bindings import ir
from tests.passes.gpu.programs import Compiled, matmul, matmul_arguments, tile_function
from tests.passes.gpu.simt import Fault, launch

M, N, K = 64, 32, 32
RNG = np.random.default_rng(3)


def operations(op: ir.Operation) -> Iterator[ir.Operation]:
    for region in op.regions:
        for block in region.blocks:
            for child in block.operations:
                yield child.operation
                yield from operations(child.operation)


def in_ptx(op: ir.Operation, text: str) -> bool:
    return op.name == "llvm.inline_asm" and text in ir.StringAttr(op.attributes["asm_string"]).value


def replaced(op: ir.Operation, old: str, new: str) -> None:
    text = ir.StringAttr(op.attributes["asm_string"]).value
    op.attributes["asm_string"] = ir.StringAttr.get(text.replace(old, new))


def without(wanted: Callable[[ir.Operation], bool]) -> Callable[[ir.Operation], None]:
    def change(kernel: ir.Operation) -> None:
        found = [op for op in operations(kernel) if wanted(op)]
        assert found
        for op in found:
            op.erase()

    return change


def other_ptx(old: str, new: str) -> Callable[[ir.Operation], None]:
    def change(kernel: ir.Operation) -> None:
        found = [op for op in operations(kernel) if in_ptx(op, old)]
        assert found
        for op in found:
            replaced(op, old, new)

    return change


def first_constant(old: int, new: int) -> Callable[[ir.Operation], None]:
    """Another distance of the first XOR with a constant: a wrong swizzle."""

    def change(kernel: ir.Operation) -> None:
        for op in operations(kernel):
            if op.name == "arith.constant" and str(op.results[0].type) == "i32":
                users = {use.owner.operation.name for use in op.results[0].uses}
                if users == {"arith.xori"} and ir.IntegerAttr(op.attributes["value"]).value == old:
                    op.attributes["value"] = ir.IntegerAttr.get(op.results[0].type, new)
                    return
        raise AssertionError("no such constant")

    return change


BUGS: dict[str, tuple[str, Callable[[ir.Operation], None] | None]] = {
    "none": ("sm_80", None),
    "barriers": ("sm_80", without(lambda op: op.name == "nvvm.barrier")),
    "waits": ("sm_80", without(lambda op: in_ptx(op, "cp.async.wait_group"))),
    "too many under way": ("sm_80", other_ptx("wait_group 1;", "wait_group 2;")),
    "transposed": ("sm_80", other_ptx(".trans", "")),
    "swizzle": ("sm_80", first_constant(32, 64)),
    "none of warpgroups": ("sm_90a", None),
    "major": ("sm_90a", other_ptx(", p, 1, 1, 0, 1;", ", p, 1, 1, 0, 0;")),
}


@pytest.mark.parametrize("name", list(BUGS))
def test_bug_is_found(name: str) -> None:
    target, change = BUGS[name]
    compiled = Compiled(tile_function(matmul(M, N, K, "f16"), matmul_arguments("f16", "f16"), 4, target))
    if change is not None:
        with compiled.context, ir.Location.unknown():
            change(compiled.module.operation)
    x, y = RNG.standard_normal((M, 4 * K)).astype(np.float16), RNG.standard_normal((4 * K, N)).astype(np.float16)
    z = np.zeros((M, N), np.float16)
    exact = x.astype(np.float64) @ y.astype(np.float64)
    try:
        launch(compiled.module, "k", (1, 1), [x, y, z, N, 4 * K])
    except Fault:
        assert change is not None
        return
    assert np.allclose(z, exact, rtol=2e-2, atol=2e-2) == (change is None)


def test_out_of_bounds_is_found() -> None:
    compiled = Compiled(tile_function(matmul(M, N, K, "f16"), matmul_arguments("f16", "f16"), 4, "sm_80"))
    x, y, z = np.zeros((M, K), np.float16), np.zeros((K, N), np.float16), np.zeros((M - 1, N), np.float16)
    with pytest.raises(Fault, match="out of bounds"):
        launch(compiled.module, "k", (1, 1), [x, y, z, N, K])
