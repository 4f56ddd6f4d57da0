"""The generated reference and table of operations are up to date and complete."""

from __future__ import annotations

import pytest

from astra_mlir.dialects import OPS
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


def test_a_missing_rule_is_a_visible_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    def row() -> str:
        return next(line for line in op_table.operation_table().splitlines() if line.startswith("| `astra.sine` |"))

    assert "**no**" not in row().split("|")[3]
    monkeypatch.delitem(op_table.EXPORT.renamed, "astra.sine")
    assert "**no**" in row().split("|")[3]
