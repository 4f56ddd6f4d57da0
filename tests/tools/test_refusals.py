"""What a user reads when a program cannot be run: one paragraph that names the place, from every tool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {{\n{body}\n  return %0 : tensor<2xf32>\n}}\n"

PROGRAMS = {
    "truncated": ("func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {\n  %0 = stablehlo.ad", "program.mlir:2:"),
    "unsupported operation": (
        MAIN.format(
            body='  %0 = "stablehlo.cross-replica-sum"(%a) {replica_groups = dense<0> : tensor<1x1xi64>} '
            ": (tensor<2xf32>) -> tensor<2xf32>"
        ),
        "program.mlir:2:8: 'stablehlo.cross-replica-sum'",
    ),
    "quantized type": (
        "func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.1>>) { return }\n",
        "quantized types are not supported",
    ),
    "shape mismatch in a call": (
        MAIN.format(body="  %0 = func.call @f(%a) : (tensor<2xf32>) -> tensor<2xf32>")
        + "func.func private @f(%a: tensor<3xf32>) -> tensor<3xf32> { return %a : tensor<3xf32> }\n",
        "program.mlir:2:8: error: 'func.call' op operand type mismatch",
    ),
    "wrong type": (
        MAIN.format(body='  %0 = "stablehlo.add"(%a) : (tensor<2xf32>) -> tensor<2xf32>'),
        "program.mlir:2:8: error: 'stablehlo.add' op expected 2 operands",
    ),
    "malformed Astra operation": (
        MAIN.format(
            body='  %0 = "astra.transpose"(%a) {permutation = array<i64: 1>} : (tensor<2xf32>) -> tensor<2xf32>'
        ),
        "program.mlir:2:8: error: 'astra.transpose' op",
    ),
    "check dialect": (
        MAIN.format(body="  check.expect_eq %a, %a : tensor<2xf32>"),
        "write the check as a custom call: stablehlo.custom_call @check.expect_eq",
    ),
    "dynamic shape": ("func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> { return %a : tensor<?xf32> }\n", "dynamic"),
}

TOOLS = {
    "astra_opt": ["--astra-cpu-pipeline"],
    "astra_run": [],
    "astra_translate": ["--to", "asm", "--target", "x86-64-v3"],
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_one_paragraph_that_names_the_place(tool: str, name: str, tmp_path: Path) -> None:
    text, message = PROGRAMS[name]
    path = tmp_path / "program.mlir"
    path.write_text(text)
    command = [sys.executable, "-m", f"astra_mlir.tools.{tool}", str(path), *TOOLS[tool]]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "\n\n" not in result.stderr.strip()
    if (tool, name) != ("astra_run", "quantized type"):  # there the argument's type is refused before the program's
        assert message in result.stderr
