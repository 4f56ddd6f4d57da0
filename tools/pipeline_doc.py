"""Writes docs/pipeline.md: one program after every pass of the CPU pipeline.

    python -m astra_mlir.tools.pipeline_doc docs/pipeline.md

The page is made by running the passes, so it shows what they do now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
from astra_mlir.passes import PASSES, expand_pipeline, run_pipeline
from astra_mlir.passes.pipelines import CPU_STAGES, stage_pipeline
from astra_mlir.passes.target import TARGET_ATTRIBUTE
from astra_mlir.tools.session import run_tool

__all__ = ["main", "page"]

TARGET = "x86-64-v3"
_LONGEST = 70  # lines of IR shown; the rest is counted

PROGRAM = """\
// A running maximum of a layer's outputs: tanh(x w + b), scanned over the rows as jax.lax.scan writes it.
module @layer {
  func.func public @main(%x: tensor<6x32xf32>, %w: tensor<32x16xf32>, %b: tensor<16xf32>) -> tensor<6x16xf32> {
    %product = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0]
        : (tensor<6x32xf32>, tensor<32x16xf32>) -> tensor<6x16xf32>
    %rows = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<16xf32>) -> tensor<6x16xf32>
    %sum = stablehlo.add %product, %rows : tensor<6x16xf32>
    %y = stablehlo.tanh %sum : tensor<6x16xf32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %start = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<16xf32>
    %empty = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<6x16xf32>
    %first = stablehlo.constant dense<0> : tensor<i32>
    %loop:3 = stablehlo.while(%i = %first, %best = %start, %all = %empty)
        : tensor<i32>, tensor<16xf32>, tensor<6x16xf32>
    cond {
      %count = stablehlo.constant dense<6> : tensor<i32>
      %more = stablehlo.compare LT, %i, %count, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %more : tensor<i1>
    } do {
      %none = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %slice = stablehlo.dynamic_slice %y, %i, %none, sizes = [1, 16]
          : (tensor<6x16xf32>, tensor<i32>, tensor<i32>) -> tensor<1x16xf32>
      %row = stablehlo.reshape %slice : (tensor<1x16xf32>) -> tensor<16xf32>
      %higher = stablehlo.maximum %best, %row : tensor<16xf32>
      %update = stablehlo.reshape %higher : (tensor<16xf32>) -> tensor<1x16xf32>
      %written = stablehlo.dynamic_update_slice %all, %update, %i, %none
          : (tensor<6x16xf32>, tensor<1x16xf32>, tensor<i32>, tensor<i32>) -> tensor<6x16xf32>
      %next = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %next, %higher, %written : tensor<i32>, tensor<16xf32>, tensor<6x16xf32>
    }
    return %loop#2 : tensor<6x16xf32>
  }
}
"""


def _block(text: str, language: str = "mlir") -> str:
    lines = text.rstrip().splitlines()
    shown = [line if len(line) <= 200 else line[:197] + "..." for line in lines[:_LONGEST]]
    if len(lines) > _LONGEST:
        comment = "//" if language == "mlir" else ";"
        shown.append(f"{comment} ... and {len(lines) - _LONGEST} more lines")
    return "\n".join([f"```{language}", *shown, "```"])


def _steps(stage: str) -> list[list[str]]:
    """The passes of a stage, those of upstream MLIR that follow each other as one step."""
    steps: list[list[str]] = []
    for element in expand_pipeline(stage_pipeline(stage)):
        ours = element.partition("{")[0] in PASSES
        if ours or not steps or steps[-1][0].partition("{")[0] in PASSES:
            steps.append([element])
        else:
            steps[-1].append(element)
    return steps


def _stage_sections(module: ir.Module) -> Iterator[str]:
    before = module.operation.get_asm(large_elements_limit=16)
    for stage, (summary, _) in CPU_STAGES.items():
        yield f"## Stage `{stage}`: {summary}\n"
        for step in _steps(stage):
            run_pipeline(module, ",".join(step))
            after = module.operation.get_asm(large_elements_limit=16)
            name = step[0].partition("{")[0]
            flags = " ".join(f"--{element}" if "(" not in element else element for element in step)
            about = f"{PASSES[name].summary}." if name in PASSES else "passes of upstream MLIR."
            yield f"### `{flags}`\n\n{about[0].upper()}{about[1:]}\n"
            yield (_block(after) if after != before else "No change to this program.") + "\n"
            before = after


def page(target: str = TARGET) -> str:
    """The whole page."""
    from astra_mlir.target_machine import TargetMachine, assembly

    machine = TargetMachine.parse(target)
    context = make_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse(PROGRAM)
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get(machine.schedule)
        sections = list(_stage_sections(module))
        text = translate_to_llvm_ir(module)
    head = [
        "# One program after every pass\n",
        "Made by `python -m astra_mlir.tools.pipeline_doc docs/pipeline.md`; do not edit. These are the passes of",
        "`astra-cpu-pipeline`, which is what `astra.jit` runs. To see the same for any program:\n",
        "```sh\nastra-opt program.mlir --astra-cpu-pipeline --mlir-print-ir-after-all\n```\n",
        "## The program, in StableHLO\n",
        _block(PROGRAM) + "\n",
    ]
    tail = [
        "## LLVM IR\n",
        f"What `astra-translate --to llvm-ir --target {target}` writes.\n",
        _block(text, "llvm") + "\n",
        "## Machine code\n",
        f"What `astra-translate --to asm --target {target}` writes, after LLVM's optimisation.\n",
        _block(assembly(text, machine), "asm"),
    ]
    return "\n".join([*head, *sections, *tail]) + "\n"


def _main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="pipeline_doc", description=__doc__)
    parser.add_argument("page", type=Path, help="the file to write")
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--traceback", action="store_true", help="show the Python traceback of a failure")
    options = parser.parse_args(argv)
    options.page.write_text(page(options.target))
    return 0


def main(argv: list[str] | None = None) -> int:
    """``python -m astra_mlir.tools.pipeline_doc``."""
    return run_tool("pipeline_doc", _main, argv)


if __name__ == "__main__":
    sys.exit(main())
