"""Programs in every form read back equal, and cut short they give an error that says what is wrong."""

from __future__ import annotations

import pytest

from astra_mlir.bindings import ir, make_context, stablehlo
from astra_mlir.errors import InvalidProgramError
from astra_mlir.program import Program

TEXT = """module @named {
  func.func public @main(%arg0: tensor<2x3xf32>, %arg1: tensor<3xf32>) -> (tensor<2x3xf32> {jax.result_info = "r"}) {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
    %1 = stablehlo.add %arg0, %0 : tensor<2x3xf32>
    return %1 : tensor<2x3xf32>
  }
}
"""


def encoded(form: str) -> bytes:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(TEXT)
        if form == "artifact":
            return stablehlo.serialize_portable_artifact(module, "1.10.0")
        return Program.from_module(module).data if form == "bytecode" else TEXT.encode()


@pytest.mark.parametrize("form", ["text", "bytecode", "artifact"])
def test_every_form_reads_back(form: str) -> None:
    assert str(Program(encoded(form)).parse(make_context())).strip() == TEXT.strip()


@pytest.mark.parametrize("form", ["text", "bytecode", "artifact"])
def test_cut_short(form: str) -> None:
    data = encoded(form)
    context = make_context()
    for length in range(1, len(data) - 2, max(1, len(data) // 40)):
        if form == "text" and data[:length].decode().strip() in ("", "module @named {"):
            continue
        with pytest.raises(InvalidProgramError, match="program"):
            Program(data[:length], name="the program").parse(context)


def test_message_of_damaged_artifact_says_what_is_missing() -> None:
    with pytest.raises(InvalidProgramError, match=r"f.mlirbc is not a readable StableHLO portable artifact .*bytes"):
        Program(encoded("artifact")[:200], name="f.mlirbc").parse(make_context())
