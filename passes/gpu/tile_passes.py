"""The passes from tile functions to kernels; what they do is imported when they run."""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass

__all__ = ["HopperFunctions", "TileLayouts", "TilePipeline", "TileToGpu"]


@register_pass
@dataclass(frozen=True)
class HopperFunctions(Pass):
    """Tile functions that are wholly a product or an attention become kernels made for Hopper, if that is the target.

    Before: ``func.func @gemm(%a, %b, %c) attributes {astra.tile, astra.gemm = {m = 4096 : i64, ...}}``.
    After: ``llvm.func @gemm(%lhs, %rhs, %result, %map0, ...) attributes {nvvm.kernel, astra.tensor_maps = [...]}``.
    """

    name = "astra-hopper-functions"
    summary = "tile functions that are products or attention to kernels made for Hopper"

    def run(self, module: ir.Operation) -> None:
        from astra_mlir.passes.gpu.hopper_functions import hopper_functions

        hopper_functions(module)


@register_pass
@dataclass(frozen=True)
class TilePipeline(Pass):
    """Loads that feed products in a loop run ahead of them, into buffers in shared memory.

    Before::

        scf.for %i = %lo to %hi step %s iter_args(%acc = %zero, %p = %offsets) {
          %a = "astra.tile_load"(%x, %p)
          %t = "astra.tile_dot"(%a, %b, %acc)

    After (three stages)::

        %buffer = "astra.tile_buffer"() {inner = 1 : i64} : () -> memref<3x128x32xf16, 3>
        "astra.tile_copy"(%x, %p0, %buffer, %slot0, %mask0)    // of the first two iterations
        "astra.tile_commit"()
        scf.for %i = %lo to %hi step %s iter_args(%acc = %zero, %p2 = ..., %read = %c0, %write = %c2) {
          "astra.tile_wait"() {pending = 1 : i64}
          "astra.tile_copy"(%x, %p2, %buffer, %write, %mask)   // two iterations ahead
          "astra.tile_commit"()
          %a = "astra.tile_read"(%buffer, %read)
          %t = "astra.tile_dot"(%a, %b, %acc)

    Loads and stores of blocks become masked loads and stores first.  With ``copy-engine``, on sm_90a, loops whose
    products load blocks have these copied by TMA; the launch must then encode the kernel's ``astra.tensor_maps``.
    """

    name = "astra-tile-pipeline"
    summary = "loads of tile functions that feed products run ahead of them"

    copy_engine: bool = False

    def run(self, module: ir.Operation) -> None:
        from astra_mlir.passes.gpu.assign import tile_functions
        from astra_mlir.passes.gpu.expand_blocks import expand_blocks
        from astra_mlir.passes.gpu.pipelining import pipeline_function

        for func in tile_functions(module):
            if self.copy_engine:
                pipeline_function(func, engine=True)
            expand_blocks(func)
            pipeline_function(func)


@register_pass
@dataclass(frozen=True)
class TileLayouts(Pass):
    """Give every tile a layout (attribute ``astra.layouts``), with an ``astra.tile_convert`` where two meet.

    Before::

        %0 = "astra.tile_arange"() {start = 0 : i64} : () -> tensor<256xi32>
        %1 = "astra.tile_load"(%x, %0) : (memref<?xf32>, tensor<256xi32>) -> tensor<256xf32>

    After::

        %0 = "astra.tile_arange"() {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[128,0]"], start = 0 : i64} : ...
        %1 = "astra.tile_load"(%x, %0) {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[128,0]"]} : ...
    """

    name = "astra-tile-layouts"
    summary = "how the tiles of tile functions lie over the threads of a GPU's block"

    def run(self, module: ir.Operation) -> None:
        from astra_mlir.passes.gpu.assign import Assignment, tile_functions

        for func in tile_functions(module):
            Assignment(func).run()


@register_pass
@dataclass(frozen=True)
class TileToGpu(Pass):
    """Turn tile functions (after ``astra-tile-layouts``) into kernels: ``llvm.func`` with what one thread does.

    Before::

        %1 = "astra.tile_load"(%x, %0) {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[]"]}
            : (memref<?xf32>, tensor<128xi32>) -> tensor<128xf32>
        %2 = arith.addf %1, %1 {astra.layouts = ["r[1,2] l[4,8,16,32,64] w[]"]} : tensor<128xf32>

    After::

        %6 = llvm.getelementptr %x[%5] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
        %7 = llvm.load %6 {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
        %8 = arith.addf %7, %7 : vector<4xf32>
    """

    name = "astra-tile-to-gpu"
    summary = (
        "tile functions with layouts to kernels: the code of one thread, in the arith, vector, scf and llvm dialects"
    )

    def run(self, module: ir.Operation) -> None:
        from astra_mlir.passes.gpu import (  # noqa: F401 (their rules)
            lower_engine,
            lower_exchange,
            lower_memory,
            lower_print,
            lower_products,
            lower_shared,
        )
        from astra_mlir.passes.gpu.to_gpu import make_kernels

        make_kernels(module)
