"""Tile programs as texts, and what it takes to make kernels of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
from astra_mlir.gpu_machine import GpuMachine, ptx
from astra_mlir.passes import run_pipeline

TILE_PASSES = "astra-tile-layouts,astra-tile-to-gpu"
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

    def attribute(self, name: str) -> Any:
        kernel = next(op.operation for op in self.module.body.operations if "nvvm.kernel" in op.operation.attributes)
        return ir.IntegerAttr(kernel.attributes[name]).value
