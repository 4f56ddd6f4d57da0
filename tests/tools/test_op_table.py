"""The generated reference and table of operations are up to date and complete."""

from __future__ import annotations

import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import OPS
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes import run_pipeline
from astra_mlir.tools import op_table


def test_committed_pages_are_up_to_date() -> None:
    assert op_table.main(["--check"]) == 0


def test_every_operation_is_in_both_pages() -> None:
    reference, table = op_table.dialect_reference(), op_table.operation_table()
    for name in OPS:
        assert f"\n### {name}\n" in reference
        assert f"\n| `{name}` |" in table


@pytest.mark.parametrize("name", ["stablehlo.cross-replica-sum", "stablehlo.uniform_quantize", "stablehlo.infeed"])
def test_refused_operations_are_listed(name: str) -> None:
    assert name in op_table.operation_table().partition("refused by name")[2]


@pytest.mark.parametrize("column", ["jvp", "vjp", "vmap"])
def test_every_operation_is_transformed_or_says_why_not(column: str) -> None:
    lines = op_table.operation_table().splitlines()
    number = next(line for line in lines if line.startswith("| operation |")).split("|").index(f" {column} ")
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| `astra.")]
    assert [row[1] for row in rows if row[number] not in ("yes", "zero", "-")] == []
    for row in rows:
        if row[number] == "-":
            assert any(line.startswith(f"- {row[1]}, ") and column in line.partition(":")[0] for line in lines), row[1]


def test_what_has_code_for_cpus_has_some_for_gpus_or_is_refused_there() -> None:
    lines = op_table.operation_table().splitlines()
    head = next(line for line in lines if line.startswith("| operation |")).split("|")
    cpu, gpu = head.index(" CPU "), head.index(" GPU ")
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| `astra.")]
    known = {"-", "expanded", "kernel", "linalg", "kernel, linalg", "refused"}
    assert {row[1]: row[gpu] for row in rows if row[gpu] not in known} == {}
    refused = [row[1] for row in rows if row[gpu] == "refused" != row[cpu]]
    assert sorted(refused) == [f"`astra.{name}`" for name in ("exchange", "participant", "rng")]


@pytest.mark.parametrize("name", ["exchange", "participant", "rng", "custom_call"])
def test_what_is_refused_on_gpus_is_refused_by_its_name(name: str) -> None:
    operations = {
        "exchange": '"astra.exchange"(%x) {groups = dense<0> : tensor<1x1xi64>, kind = "gather"} '
        ": (tensor<8xf32>) -> tensor<1x8xf32>",
        "participant": '"astra.participant"() : () -> tensor<ui32>',
        "rng": '"astra.rng"(%a, %a, %s) {distribution = "UNIFORM"} '
        ": (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<8xf32>",
        "custom_call": '"astra.custom_call"(%x) {call_target_name = "f", has_side_effect = false} '
        ": (tensor<8xf32>) -> tensor<8xf32>",
    }
    kind = operations[name].rpartition("-> ")[2]
    text = f"""func.func @main(%x: tensor<8xf32>, %a: tensor<f32>, %s: tensor<1xi64>) -> {kind} {{
      %0 = {operations[name]}
      return %0 : {kind}
    }}"""
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        with pytest.raises(UnsupportedError, match=rf"astra\.{name}.* has no kernel for GPUs"):
            run_pipeline(module, "astra-to-gpu-kernels", verify=False)


def test_a_missing_rule_is_a_visible_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    def row() -> str:
        return next(line for line in op_table.operation_table().splitlines() if line.startswith("| `astra.sine` |"))

    assert "**no**" not in row().split("|")[3]
    monkeypatch.delitem(op_table.EXPORT.renamed, "astra.sine")
    assert "**no**" in row().split("|")[3]
