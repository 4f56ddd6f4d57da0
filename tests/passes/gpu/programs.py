"""Tile programs as texts, and what it takes to make kernels of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
from astra_mlir.gpu.machine import GpuMachine, ptx
from astra_mlir.passes import run_pipeline

TILE_PASSES = "astra-tile-pipeline,astra-tile-layouts,astra-tile-to-gpu"
TO_LLVM = (
    "convert-scf-to-cf,convert-vector-to-llvm{use-vector-alignment=true},convert-math-to-llvm,convert-arith-to-llvm,"
    "convert-index-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts"
)
ADD = """
^bb0(%l: {t}, %r: {t}):
  %s = {op} %l, %r : {t}
  "astra.yield"(%s) : ({t}) -> ()
"""


def tile_function(body: str, arguments: Sequence[str], warps: int = 4, target: str = "sm_90a") -> str:
    """A module with one tile function ``k``.  Arguments are types; pointers are aligned to 16 bytes, and named %0 on.

    In the body, ``load T %p, %o`` and the like are spelled out; this only saves the frame.
    """
    listed = ", ".join(
        f"%{name}: {kind}" + (" {astra.divisibility = 16 : i64}" if kind.startswith("memref") else "")
        for name, kind in (argument.split(":", 1) for argument in arguments)
    )
    attributes = f"astra.tile, astra.num_warps = {warps} : i64"
    return (
        f'module attributes {{astra.target = "cuda:{target}"}} {{\n'
        f"func.func @k({listed}) attributes {{{attributes}}} {{\n{body}\n  return\n}}\n}}"
    )


_SHORT = re.compile(r"@(\w+)\(([^)]*)\)(?:\s*(\{[^}]*\}))?\s*:")


def expand(body: str) -> str:
    """``@load(%x, %o) : (..) -> ..`` stands for ``"astra.tile_load"(%x, %o) : (..) -> ..``."""
    return _SHORT.sub(lambda m: f'"astra.tile_{m[1]}"({m[2]}) {m[3] or ""} :', body)


def reduction(operation: str, element: str) -> str:
    return "({" + ADD.format(t=element, op=operation) + "})"


class Compiled:
    """A tile function on its way: the module after ``astra-tile-to-gpu``, and the PTX."""

    def __init__(self, text: str, passes: str = TILE_PASSES) -> None:
        self.target = re.search(r"cuda:(\w+)", text)[1]  # type: ignore[index]
        self.context = make_context()
        with self.context, ir.Location.unknown():
            self.module = ir.Module.parse(text)
            run_pipeline(self.module, passes)

    def ptx(self) -> str:
        with self.context, ir.Location.unknown():
            module = ir.Module.parse(str(self.module))
            run_pipeline(module, TO_LLVM)
            return ptx(translate_to_llvm_ir(module), GpuMachine.parse(self.target))

    def kernel(self) -> ir.Operation:
        return next(op.operation for op in self.module.body.operations if "nvvm.kernel" in op.operation.attributes)

    def attribute(self, name: str) -> Any:
        return ir.IntegerAttr(self.kernel().attributes[name]).value

    def tensor_maps(self, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What a launch encodes: the parameter, sizes, strides in bytes, box and swizzle of each descriptor."""
        found = []
        for entry in ir.ArrayAttr(self.kernel().attributes["astra.tensor_maps"]):
            given = ir.DictAttr(entry)
            number = {name: ir.IntegerAttr(given[name]).value for name in ("operand", "swizzle", "from_parameters")}
            sizes, strides, box = (list(given[name]) for name in ("sizes", "strides", "box"))
            for i in range(len(sizes)):
                if number["from_parameters"] >> i & 1:
                    sizes[i] = arguments[sizes[i]]
                if i and number["from_parameters"] >> (8 + i) & 1:
                    strides[i - 1] = arguments[strides[i - 1]] * arguments[number["operand"]].itemsize
            found.append((number["operand"], tuple(sizes), tuple(strides), tuple(box), number["swizzle"]))
        return found


def outer(name: str, rows: str, columns: str, m: int, n: int, stride: str) -> str:
    """Offsets ``rows[:, None] * stride + columns[None, :]``; ``stride`` is a scalar's name."""
    return f"""
  %{name}_r1 = @reshape(%{rows}) : (tensor<{m}xi32>) -> tensor<{m}x1xi32>
  %{name}_c1 = @reshape(%{columns}) : (tensor<{n}xi32>) -> tensor<1x{n}xi32>
  %{name}_s = tensor.splat %{stride} : tensor<{m}x1xi32>
  %{name}_rs = arith.muli %{name}_r1, %{name}_s : tensor<{m}x1xi32>
  %{name}_rb = @broadcast(%{name}_rs) : (tensor<{m}x1xi32>) -> tensor<{m}x{n}xi32>
  %{name}_cb = @broadcast(%{name}_c1) : (tensor<1x{n}xi32>) -> tensor<{m}x{n}xi32>
  %{name} = arith.addi %{name}_rb, %{name}_cb : tensor<{m}x{n}xi32>
"""


def matmul(
    m: int, n: int, k: int, element: str, result: str = "f32", out: str | None = None, transposed: bool = False
) -> str:
    """C = A B (B stored N x K where ``transposed``), a loop over K of tiles m x n x k; sizes are multiples of these."""
    out = out or element
    b_shape = (n, k) if transposed else (k, n)
    b_offsets = outer("ob", "cn", "rk", n, k, "K") if transposed else outer("ob", "rk", "cn", k, n, "N")
    b_step = "%stepk" if transposed else "%stepb"
    load_b = f"%b0 = @load(%y, %pb) : (memref<?x{element}>, tensor<{b_shape[0]}x{b_shape[1]}xi32>)" + (
        f" -> tensor<{b_shape[0]}x{b_shape[1]}x{element}>"
    )
    b_tile = (
        f"%b = @transpose(%b0) {{permutation = array<i64: 1, 0>}} : "
        f"(tensor<{n}x{k}x{element}>) -> tensor<{k}x{n}x{element}>"
        if transposed
        else ""
    )
    b_name = "b" if transposed else "b0"
    zero = "0" if result == "i32" else "0.0"
    convert = f"%e = arith.truncf %d : tensor<{m}x{n}x{result}> to tensor<{m}x{n}x{out}>" if out != result else ""
    final = "e" if out != result else "d"
    return expand(f"""
  %pm = @program_id() {{axis = 0 : i64}} : () -> i32
  %pn = @program_id() {{axis = 1 : i64}} : () -> i32
  %bm = arith.constant {m} : i32
  %bn = arith.constant {n} : i32
  %bk = arith.constant {k} : i32
  %lo = arith.constant 0 : i32
  %fm = arith.muli %pm, %bm : i32
  %fn = arith.muli %pn, %bn : i32
  %am = @arange() {{start = 0 : i64}} : () -> tensor<{m}xi32>
  %an = @arange() {{start = 0 : i64}} : () -> tensor<{n}xi32>
  %rk = @arange() {{start = 0 : i64}} : () -> tensor<{k}xi32>
  %fms = tensor.splat %fm : tensor<{m}xi32>
  %fns = tensor.splat %fn : tensor<{n}xi32>
  %rm = arith.addi %fms, %am : tensor<{m}xi32>
  %cn = arith.addi %fns, %an : tensor<{n}xi32>
{outer("oa", "rm", "rk", m, k, "K")}{b_offsets}
  %zero = arith.constant dense<{zero}> : tensor<{m}x{n}x{result}>
  %stepa = tensor.splat %bk : tensor<{m}x{k}xi32>
  %stepk = tensor.splat %bk : tensor<{b_shape[0]}x{b_shape[1]}xi32>
  %bkn = arith.muli %bk, %N : i32
  %stepb = tensor.splat %bkn : tensor<{b_shape[0]}x{b_shape[1]}xi32>
  %d, %qa, %qb = scf.for %it = %lo to %K step %bk iter_args(%acc = %zero, %pa = %oa, %pb = %ob)
      -> (tensor<{m}x{n}x{result}>, tensor<{m}x{k}xi32>, tensor<{b_shape[0]}x{b_shape[1]}xi32>) : i32 {{
    %a = @load(%x, %pa) : (memref<?x{element}>, tensor<{m}x{k}xi32>) -> tensor<{m}x{k}x{element}>
    {load_b}
    {b_tile}
    %s = @dot(%a, %{b_name}, %acc) {{precision = "tf32"}}
        : (tensor<{m}x{k}x{element}>, tensor<{k}x{n}x{element}>, tensor<{m}x{n}x{result}>) -> tensor<{m}x{n}x{result}>
    %na = arith.addi %pa, %stepa : tensor<{m}x{k}xi32>
    %nb = arith.addi %pb, {b_step} : tensor<{b_shape[0]}x{b_shape[1]}xi32>
    scf.yield %s, %na, %nb : tensor<{m}x{n}x{result}>, tensor<{m}x{k}xi32>, tensor<{b_shape[0]}x{b_shape[1]}xi32>
  }}
  {convert}
{outer("oc", "rm", "cn", m, n, "N")}
  @store(%z, %oc, %{final}) : (memref<?x{out}>, tensor<{m}x{n}xi32>, tensor<{m}x{n}x{out}>) -> ()
""")


def matmul_arguments(element: str, out: str) -> list[str]:
    """Sizes are known to be multiples of 16, like aligned pointers."""
    aligned = " {astra.divisibility = 16 : i64}"
    return [
        f"x:memref<?x{element}>",
        f"y:memref<?x{element}>",
        f"z:memref<?x{out}>",
        f"N:i32{aligned}",
        f"K:i32{aligned}",
    ]
