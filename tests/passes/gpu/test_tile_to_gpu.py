"""Kernels made of tile functions give what NumPy gives, their threads run by the interpreter beside this file and their
PTX by the emulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.passes.gpu.programs import Compiled, expand, reduction, tile_function
from tests.passes.gpu.simt import Fault
from tests.passes.gpu.simt import launch as run_threads
from tools.ptx_emulator import launch as run_ptx

RNG = np.random.default_rng(5)


def check(
    text: str, grid: Sequence[int], arguments: Sequence[Any], expected: dict[int, np.ndarray], tolerance: float = 0.0
) -> Compiled:
    """Both ways of running give the expected arrays."""
    compiled = Compiled(text)
    for way in ("threads", "ptx"):
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        if way == "threads":
            run_threads(compiled.module, "k", grid, copies)
        else:
            threads, shared = compiled.attribute("astra.threads"), compiled.attribute("astra.shared_bytes")
            wide = (*grid, *(1,) * (3 - len(grid)))
            place = {"grid": wide, "block": (threads, 1, 1), "shared_bytes": shared, "late": True}
            run_ptx(compiled.ptx(), "k", arguments=copies, **place)
        for number, array in expected.items():
            got = copies[number].astype(np.float64)
            np.testing.assert_allclose(got, array.astype(np.float64), rtol=tolerance, atol=tolerance, err_msg=way)
    return compiled


@pytest.mark.parametrize("n", [4096, 3000])
@pytest.mark.parametrize("warps", [1, 4])
def test_masked_addition(n: int, warps: int) -> None:
    body = expand("""
  %pid = @program_id() {axis = 0 : i64} : () -> i32
  %size = arith.constant 1024 : i32
  %start = arith.muli %pid, %size : i32
  %range = @arange() {start = 0 : i64} : () -> tensor<1024xi32>
  %starts = tensor.splat %start : tensor<1024xi32>
  %o = arith.addi %starts, %range : tensor<1024xi32>
  %ns = tensor.splat %n : tensor<1024xi32>
  %m = arith.cmpi slt, %o, %ns : tensor<1024xi32>
  %a = @load(%x, %o, %m) : (memref<?xf32>, tensor<1024xi32>, tensor<1024xi1>) -> tensor<1024xf32>
  %b = @load(%y, %o, %m) : (memref<?xf32>, tensor<1024xi32>, tensor<1024xi1>) -> tensor<1024xf32>
  %s = arith.addf %a, %b : tensor<1024xf32>
  @store(%z, %o, %s, %m) : (memref<?xf32>, tensor<1024xi32>, tensor<1024xf32>, tensor<1024xi1>) -> ()
""")
    x, y = RNG.standard_normal((2, n)).astype(np.float32)
    text = tile_function(body, ["x:memref<?xf32>", "y:memref<?xf32>", "z:memref<?xf32>", "n:i32"], warps)
    compiled = check(text, (4,), [x, y, np.zeros(n, np.float32), n], {2: x + y})
    # n is not known to be a multiple of anything: masks differ from element to element
    assert "ld.global.b32" in compiled.ptx()
    wide = Compiled(text.replace("%n: i32", "%n: i32 {astra.divisibility = 16 : i64}"))
    assert "ld.global.v4.b32" in wide.ptx()
    assert "st.global.v4.b32" in wide.ptx()


ROWS = """
  %pid = @program_id() {{axis = 0 : i64}} : () -> i32
  %rows = arith.constant {m} : i32
  %first = arith.muli %pid, %rows : i32
  %i = @arange() {{start = 0 : i64}} : () -> tensor<{m}xi32>
  %firsts = tensor.splat %first : tensor<{m}xi32>
  %row = arith.addi %firsts, %i : tensor<{m}xi32>
  %column = @reshape(%row) : (tensor<{m}xi32>) -> tensor<{m}x1xi32>
  %rowsb = @broadcast(%column) : (tensor<{m}x1xi32>) -> tensor<{m}x{n}xi32>
  %j = @arange() {{start = 0 : i64}} : () -> tensor<{n}xi32>
  %jrow = @reshape(%j) : (tensor<{n}xi32>) -> tensor<1x{n}xi32>
  %jb = @broadcast(%jrow) : (tensor<1x{n}xi32>) -> tensor<{m}x{n}xi32>
  %width = arith.constant dense<{n}> : tensor<{m}x{n}xi32>
  %scaled = arith.muli %rowsb, %width : tensor<{m}x{n}xi32>
  %o = arith.addi %scaled, %jb : tensor<{m}x{n}xi32>
  %x0 = @load(%x, %o) : (memref<?x{t}>, tensor<{m}x{n}xi32>) -> tensor<{m}x{n}x{t}>
"""


def rows(m: int, n: int, element: str, rest: str) -> str:
    return expand(ROWS.format(m=m, n=n, t=element) + rest.replace("TILE", f"tensor<{m}x{n}x{element}>"))


@pytest.mark.parametrize(("m", "n", "warps"), [(1, 1024, 4), (8, 256, 4), (16, 64, 2), (4, 32, 1), (64, 16, 8)])
def test_softmax_of_rows(m: int, n: int, warps: int) -> None:
    rest = f"""
  %max = "astra.tile_reduce"(%x0) {reduction("arith.maximumf", "f32")} {{axis = 1 : i64}} : (TILE) -> tensor<{m}xf32>
  %max1 = @reshape(%max) : (tensor<{m}xf32>) -> tensor<{m}x1xf32>
  %maxb = @broadcast(%max1) : (tensor<{m}x1xf32>) -> TILE
  %c = arith.subf %x0, %maxb : TILE
  %e = math.exp %c : TILE
  %sum = "astra.tile_reduce"(%e) {reduction("arith.addf", "f32")} {{axis = 1 : i64}} : (TILE) -> tensor<{m}xf32>
  %sum1 = @reshape(%sum) : (tensor<{m}xf32>) -> tensor<{m}x1xf32>
  %sumb = @broadcast(%sum1) : (tensor<{m}x1xf32>) -> TILE
  %q = arith.divf %e, %sumb : TILE
  @store(%y, %o, %q) : (memref<?xf32>, tensor<{m}x{n}xi32>, TILE) -> ()
  @store(%z, %row, %sum) : (memref<?xf32>, tensor<{m}xi32>, tensor<{m}xf32>) -> ()
"""
    text = tile_function(rows(m, n, "f32", rest), ["x:memref<?xf32>", "y:memref<?xf32>", "z:memref<?xf32>"], warps)
    x = RNG.standard_normal((2 * m, n)).astype(np.float32)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    sums = e.sum(1)
    check(
        text, (2,), [x, np.zeros_like(x), np.zeros(2 * m, np.float32)], {1: e / sums[:, None], 2: sums}, tolerance=2e-6
    )


def tree(x: np.ndarray, axis: int) -> np.ndarray:
    """The sum in the order that ``astra.tile_reduce`` prescribes."""
    x = np.moveaxis(x, axis, 0)
    while len(x) > 1:
        x = x[: len(x) // 2] + x[len(x) // 2 :]
    return x[0]


@pytest.mark.parametrize(("m", "n", "warps"), [(1, 1024, 4), (32, 32, 4), (128, 8, 4), (4, 2, 1), (16, 256, 8)])
@pytest.mark.parametrize("axis", [0, 1])
def test_sums_have_the_bits_of_the_prescribed_tree(m: int, n: int, warps: int, axis: int) -> None:
    kept = n if axis == 0 else m
    rest = f"""
  %s = "astra.tile_reduce"(%x0) {reduction("arith.addf", "f32")} {{axis = {axis} : i64}} : (TILE) -> tensor<{kept}xf32>
  @store(%y, %{"j" if axis == 0 else "i"}, %s) : (memref<?xf32>, tensor<{kept}xi32>, tensor<{kept}xf32>) -> ()
"""
    text = tile_function(rows(m, n, "f32", rest), ["x:memref<?xf32>", "y:memref<?xf32>"], warps)
    x = RNG.standard_normal((m, n)).astype(np.float32)
    check(text, (1,), [x, np.zeros(kept, np.float32)], {1: tree(x, axis)})


def test_reduction_of_pairs_to_scalars() -> None:
    """The place of the largest number: the combiner is neither simple nor commutative."""
    body = expand("""
  %o = @arange() {start = 0 : i64} : () -> tensor<512xi32>
  %a = @load(%x, %o) : (memref<?xf32>, tensor<512xi32>) -> tensor<512xf32>
  %v, %i = "astra.tile_reduce"(%a, %o) ({
  ^bb0(%l: f32, %li: i32, %r: f32, %ri: i32):
    %c = arith.cmpf oge, %l, %r : f32
    %s = arith.select %c, %l, %r : f32
    %si = arith.select %c, %li, %ri : i32
    "astra.yield"(%s, %si) : (f32, i32) -> ()
  }) {axis = 0 : i64} : (tensor<512xf32>, tensor<512xi32>) -> (f32, i32)
  %zero = arith.constant 0 : i32
  @store(%y, %zero, %v) : (memref<?xf32>, i32, f32) -> ()
  @store(%z, %zero, %i) : (memref<?xi32>, i32, i32) -> ()
""")
    text = tile_function(body, ["x:memref<?xf32>", "y:memref<?xf32>", "z:memref<?xi32>"])
    x = RNG.integers(0, 50, 512).astype(np.float32)
    arguments = [x, np.zeros(1, np.float32), np.zeros(1, np.int32)]
    halves, places = x.copy(), np.arange(512)
    while len(halves) > 1:
        h = len(halves) // 2
        first = halves[:h] >= halves[h:]
        halves, places = np.where(first, halves[:h], halves[h:]), np.where(first, places[:h], places[h:])
    check(text, (1,), arguments, {1: halves, 2: places})


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("m", "n", "warps"), [(2, 256, 4), (64, 4, 4), (16, 16, 1)])
def test_scan(m: int, n: int, warps: int, axis: int, reverse: bool) -> None:
    rest = f"""
  %s = "astra.tile_scan"(%x0) {reduction("arith.addf", "f32")} {{axis = {axis} : i64, reverse = {str(reverse).lower()}}}
      : (TILE) -> TILE
  @store(%y, %o, %s) : (memref<?xf32>, tensor<{m}x{n}xi32>, TILE) -> ()
"""
    text = tile_function(rows(m, n, "f32", rest), ["x:memref<?xf32>", "y:memref<?xf32>"], warps)
    x = RNG.standard_normal((m, n)).astype(np.float32)
    s = np.moveaxis(x, axis, 0)[:: -1 if reverse else 1].copy()
    d = 1
    while d < len(s):
        s[d:] = s[:-d] + s[d:]
        d *= 2
    check(text, (1,), [x, np.zeros_like(x)], {1: np.moveaxis(s[:: -1 if reverse else 1], 0, axis)})


@pytest.mark.parametrize("element", ["f32", "f16", "i8"])
def test_transpose(element: str) -> None:
    rest = f"""
  %t = @transpose(%x0) {{permutation = array<i64: 1, 0>}} : (TILE) -> tensor<64x32x{element}>
  %i64_ = @arange() {{start = 0 : i64}} : () -> tensor<2048xi32>
  %to = @reshape(%i64_) : (tensor<2048xi32>) -> tensor<64x32xi32>
  @store(%y, %to, %t) : (memref<?x{element}>, tensor<64x32xi32>, tensor<64x32x{element}>) -> ()
"""
    text = tile_function(rows(32, 64, element, rest), [f"x:memref<?x{element}>", f"y:memref<?x{element}>"])
    dtype = {"f32": np.float32, "f16": np.float16, "i8": np.int8}[element]
    x = RNG.integers(-100, 100, (32, 64)).astype(dtype)
    check(text, (1,), [x, np.zeros((64, 32), dtype)], {1: x.T})


def test_loop_carries_tiles_and_offsets() -> None:
    """Columns of a strip are added up, the offsets moving on, until a condition in scalars."""
    body = expand("""
  %lo = arith.constant 0 : i32
  %st = arith.constant 1 : i32
  %i = @arange() {start = 0 : i64} : () -> tensor<256xi32>
  %zero = arith.constant dense<0.0> : tensor<256xf32>
  %step = arith.constant dense<256> : tensor<256xi32>
  %s, %e = scf.for %it = %lo to %n step %st iter_args(%acc = %zero, %o = %i)
      -> (tensor<256xf32>, tensor<256xi32>) : i32 {
    %a = @load(%x, %o) : (memref<?xf32>, tensor<256xi32>) -> tensor<256xf32>
    %odd = arith.andi %it, %st : i32
    %c = arith.cmpi eq, %odd, %st : i32
    %b = scf.if %c -> tensor<256xf32> {
      %m = arith.negf %a : tensor<256xf32>
      scf.yield %m : tensor<256xf32>
    } else {
      scf.yield %a : tensor<256xf32>
    }
    %t = arith.addf %acc, %b : tensor<256xf32>
    %p = arith.addi %o, %step : tensor<256xi32>
    scf.yield %t, %p : tensor<256xf32>, tensor<256xi32>
  }
  @store(%y, %i, %s) : (memref<?xf32>, tensor<256xi32>, tensor<256xf32>) -> ()
""")
    text = tile_function(body, ["x:memref<?xf32>", "y:memref<?xf32>", "n:i32"], 2)
    x = RNG.integers(-9, 9, (5, 256)).astype(np.float32)
    compiled = check(text, (1,), [x, np.zeros(256, np.float32), 5], {1: x[0] - x[1] + x[2] - x[3] + x[4]})
    assert "ld.global.v4.b32" in compiled.ptx()


def test_gather_join_split_and_small_types() -> None:
    body = expand("""
  %o = @arange() {start = 0 : i64} : () -> tensor<128xi32>
  %a = @load(%x, %o) : (memref<?xbf16>, tensor<128xi32>) -> tensor<128xbf16>
  %i = @load(%p, %o) : (memref<?xi32>, tensor<128xi32>) -> tensor<128xi32>
  %g = @gather(%a, %i) {axis = 0 : i64} : (tensor<128xbf16>, tensor<128xi32>) -> tensor<128xbf16>
  %j = @join(%a, %g) : (tensor<128xbf16>, tensor<128xbf16>) -> tensor<128x2xbf16>
  %l, %r = @split(%j) : (tensor<128x2xbf16>) -> (tensor<128xbf16>, tensor<128xbf16>)
  %s = arith.subf %r, %l : tensor<128xbf16>
  @store(%y, %o, %s) : (memref<?xbf16>, tensor<128xi32>, tensor<128xbf16>) -> ()
""")
    import ml_dtypes

    text = tile_function(body, ["x:memref<?xbf16>", "p:memref<?xi32>", "y:memref<?xbf16>"])
    x = RNG.integers(-100, 100, 128).astype(ml_dtypes.bfloat16)
    p = RNG.permutation(128).astype(np.int32)
    check(text, (1,), [x, p, np.zeros(128, ml_dtypes.bfloat16)], {2: x[p] - x})


ATOMICS = {
    "add": ("i32", np.add), "min": ("i32", np.minimum), "umax": ("i32", np.maximum), "xor": ("i32", np.bitwise_xor),
    "fadd": ("f32", np.add), "fmax": ("f32", np.maximum), "fmin": ("f32", np.minimum),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(ATOMICS))
def test_atomics(kind: str) -> None:
    element, function = ATOMICS[kind]
    body = expand(f"""
  %o = @arange() {{start = 0 : i64}} : () -> tensor<64xi32>
  %m = arith.constant dense<7> : tensor<64xi32>
  %p = arith.andi %o, %m : tensor<64xi32>
  %limit = arith.constant dense<50> : tensor<64xi32>
  %mask = arith.cmpi slt, %o, %limit : tensor<64xi32>
  %a = @load(%x, %o) : (memref<?x{element}>, tensor<64xi32>) -> tensor<64x{element}>
  %old = @atomic(%y, %p, %a, %mask) {{kind = "{kind}"}}
      : (memref<?x{element}>, tensor<64xi32>, tensor<64x{element}>, tensor<64xi1>) -> tensor<64x{element}>
""")
    text = tile_function(body, [f"x:memref<?x{element}>", f"y:memref<?x{element}>"])
    low = 0 if kind.startswith("u") else -50
    x = RNG.integers(low, 50, 64).astype(np.int32 if element == "i32" else np.float32)
    y = RNG.integers(0, 5, 8).astype(x.dtype)
    expected = y.copy()
    function.at(expected, np.arange(50) % 8, x[:50])
    check(text, (1,), [x, y], {1: expected})


def test_scalar_atomic_gives_all_threads_the_old_value() -> None:
    body = expand("""
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %old = @atomic(%c, %zero, %one) {kind = "add"} : (memref<?xi32>, i32, i32) -> i32
  %i = @arange() {start = 0 : i64} : () -> tensor<128xi32>
  %size = arith.constant 128 : i32
  %first = arith.muli %old, %size : i32
  %firsts = tensor.splat %first : tensor<128xi32>
  %o = arith.addi %firsts, %i : tensor<128xi32>
  @store(%y, %o, %o) : (memref<?xi32>, tensor<128xi32>, tensor<128xi32>) -> ()
""")
    text = tile_function(body, ["c:memref<?xi32>", "y:memref<?xi32>"])
    check(text, (3,), [np.zeros(1, np.int32), np.zeros(384, np.int32)], {0: np.array([3]), 1: np.arange(384)})


def test_blocks_stop_at_the_bounds() -> None:
    body = expand("""
  %one = arith.constant 1 : i64
  %i = arith.constant 5 : i32
  %j = arith.constant -2 : i32
  %k = arith.constant 0 : i32
  %b = @block_load(%x, %m, %n, %s, %one, %i, %j) {rank = 2 : i64}
      : (memref<?xf32>, i64, i64, i64, i64, i32, i32) -> tensor<8x16xf32>
  %t = arith.addf %b, %b : tensor<8x16xf32>
  @block_store(%t, %y, %m, %n, %s, %one, %k, %k) {rank = 2 : i64}
      : (tensor<8x16xf32>, memref<?xf32>, i64, i64, i64, i64, i32, i32) -> ()
""")
    text = tile_function(body, ["x:memref<?xf32>", "y:memref<?xf32>", "m:i64", "n:i64", "s:i64"], 1)
    x = RNG.integers(1, 9, (7, 12)).astype(np.float32)
    block = np.zeros((8, 16), np.float32)
    block[:2, 2:14] = x[5:7]
    check(text, (1,), [x, np.ones((7, 12), np.float32), 7, 12, 12], {1: 2 * block[:7, :12]})


def test_print_writes_a_line_for_each_element() -> None:
    body = expand("""
  %i = @arange() {start = 3 : i64} : () -> tensor<4xi32>
  %h = arith.sitofp %i : tensor<4xi32> to tensor<4xf16>
  @print(%i, %h) {prefix = "x: "} : (tensor<4xi32>, tensor<4xf16>) -> ()
""")
    compiled = Compiled(tile_function(body, ["x:memref<?xi32>"], 1))
    lines: list[str] = []
    run_threads(compiled.module, "k", (2,), [np.zeros(1, np.int32)], lines)
    written = "".join(lines).splitlines()
    assert "vprintf" in compiled.ptx()
    assert len(written) == 16
    assert "pid (1, 0, 0) idx (2) x: 5" in written
    assert "pid (0, 0, 0) idx (3) x: 6.000000" in written


def test_assertion_stops_the_kernel() -> None:
    body = expand("""
  %o = @arange() {start = 0 : i64} : () -> tensor<64xi32>
  %a = @load(%x, %o) : (memref<?xi32>, tensor<64xi32>) -> tensor<64xi32>
  %c = arith.cmpi slt, %a, %o : tensor<64xi32>
  @assert(%c) {message = "too large"} : (tensor<64xi1>) -> ()
""")
    compiled = Compiled(tile_function(body, ["x:memref<?xi32>"], 1))
    x = np.arange(64, dtype=np.int32) - 1
    run_threads(compiled.module, "k", (1,), [x])
    x[40] = 40
    with pytest.raises(Fault, match="trap"):
        run_threads(compiled.module, "k", (1,), [x])
    assert "trap" in compiled.ptx()


def test_while_carries_tiles() -> None:
    """Halve until all is below 1; a product's layout goes in and out."""
    body = expand(f"""
  %i = @arange() {{start = 0 : i64}} : () -> tensor<256xi32>
  %o = @reshape(%i) : (tensor<256xi32>) -> tensor<16x16xi32>
  %a = @load(%x, %o) : (memref<?xf16>, tensor<16x16xi32>) -> tensor<16x16xf16>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %half = arith.constant dense<0.5> : tensor<16x16xf32>
  %one = arith.constant 1.0 : f32
  %n0 = arith.constant 0 : i32
  %n1 = arith.constant 1 : i32
  %p = @dot(%a, %a, %zero) {{precision = "tf32"}}
      : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %t, %n = scf.while (%c = %p, %m = %n0) : (tensor<16x16xf32>, i32) -> (tensor<16x16xf32>, i32) {{
    %rows = "astra.tile_reduce"(%c) {reduction("arith.maximumf", "f32")} {{axis = 0 : i64}}
        : (tensor<16x16xf32>) -> tensor<16xf32>
    %most = "astra.tile_reduce"(%rows) {reduction("arith.maximumf", "f32")} {{axis = 0 : i64}}
        : (tensor<16xf32>) -> f32
    %more = arith.cmpf oge, %most, %one : f32
    scf.condition(%more) %c, %m : tensor<16x16xf32>, i32
  }} do {{
  ^bb0(%c: tensor<16x16xf32>, %m: i32):
    %d = arith.mulf %c, %half : tensor<16x16xf32>
    %q = arith.addi %m, %n1 : i32
    scf.yield %d, %q : tensor<16x16xf32>, i32
  }}
  @store(%y, %o, %t) : (memref<?xf32>, tensor<16x16xi32>, tensor<16x16xf32>) -> ()
  @store(%z, %n0, %n) : (memref<?xi32>, i32, i32) -> ()
""")
    text = tile_function(body, ["x:memref<?xf16>", "y:memref<?xf32>", "z:memref<?xi32>"], 4, "sm_80")
    x = RNG.integers(-3, 4, (16, 16)).astype(np.float16)
    p, n = x.astype(np.float32) @ x.astype(np.float32), 0
    while p.max() >= 1:
        p, n = p / 2, n + 1
    check(text, (1,), [x, np.zeros((16, 16), np.float32), np.zeros(1, np.int32)], {1: p, 2: np.array([n])})


@pytest.mark.parametrize("element", ["i32", "i64", "f32", "i16"])
def test_compare_and_swap(element: str) -> None:
    body = expand(f"""
  %o = @arange() {{start = 0 : i64}} : () -> tensor<32xi32>
  %a = @load(%x, %o) : (memref<?x{element}>, tensor<32xi32>) -> tensor<32x{element}>
  %b = @load(%y, %o) : (memref<?x{element}>, tensor<32xi32>) -> tensor<32x{element}>
  %old = @atomic_cas(%z, %o, %a, %b)
      : (memref<?x{element}>, tensor<32xi32>, tensor<32x{element}>, tensor<32x{element}>) -> tensor<32x{element}>
  @store(%x, %o, %old) : (memref<?x{element}>, tensor<32xi32>, tensor<32x{element}>) -> ()
""")
    names = [f"{name}:memref<?x{element}>" for name in "xyz"]
    dtype = {"i32": np.int32, "i64": np.int64, "f32": np.float32, "i16": np.int16}[element]
    x, y, z = RNG.integers(0, 3, (3, 32)).astype(dtype)
    check(tile_function(body, names), (1,), [x, y, z], {0: z, 2: np.where(x == z, y, z)})
