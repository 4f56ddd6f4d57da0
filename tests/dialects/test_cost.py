"""Looking at Astra operations is as cheap as looking at those of an upstream dialect.

Without a Python module for a dialect the bindings retry a failing import for every operation that is touched, fifty
times the cost (see ``astra_mlir/bindings.py``); every pass would be slow at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import astra_mlir as astra
from astra_mlir import compiler
from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import verify
from astra_mlir.program import Program

_COUNT = 5000
_TYPE = "tensor<4xf32>"


def _program(line: Callable[[int], str]) -> ir.Module:
    body = "\n".join(line(i) for i in range(_COUNT))
    return ir.Module.parse(f"func.func @f(%v0: {_TYPE}) {{\n{body}\nreturn\n}}")


def _astra(i: int) -> str:
    return f'%v{i + 1} = "astra.add"(%v{i}, %v0) {{note = 1 : i64}} : ({_TYPE}, {_TYPE}) -> {_TYPE}'


def _arith(i: int) -> str:
    return f"%v{i + 1} = arith.addf %v{i}, %v0 {{note = 1 : i64}} : {_TYPE}"


def _look_at_everything(module: ir.Module) -> None:
    block = module.body.operations[0].regions[0].blocks[0]
    for op in block.operations:
        operation = op.operation
        assert operation.name
        for operand in operation.operands:
            assert operand.type is not None
        assert "note" in operation.attributes or operation.name == "func.return"


def _best_time(function: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def test_iterating_costs_as_much_as_for_an_upstream_dialect() -> None:
    with make_context():
        astra, arith = _program(_astra), _program(_arith)
        ratio = _best_time(lambda: _look_at_everything(astra)) / _best_time(lambda: _look_at_everything(arith))
    assert ratio < 3, f"an Astra operation costs {ratio:.1f} times one of arith"


def test_verifying_costs_a_few_times_as_much_as_iterating() -> None:
    with make_context():
        module = _program(_astra)
        ratio = _best_time(lambda: verify(module)) / _best_time(lambda: _look_at_everything(module))
    assert ratio < 5, f"verifying an operation costs {ratio:.1f} times looking at it"


def test_parts_are_counted_by_their_size() -> None:
    """A gather of few rows from a large table moves those rows, not the table."""
    program = """func.func @main(%t: tensor<1000x8xf32>, %i: tensor<i32>) -> tensor<4x8xf32> {
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %0 = stablehlo.dynamic_slice %t, %i, %zero, sizes = [4, 8]
        : (tensor<1000x8xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
      return %0 : tensor<4x8xf32>
    }"""
    assert astra.compile(program).cost().bytes_accessed == 2 * 4 * 32 + 2 * 4


_PRODUCT_AND_MORE = """func.func @main(%x: tensor<64x64xf32>) -> (RESULTS) {
      %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
        : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
      %1 = stablehlo.exponential %0 : tensor<64x64xf32>
      %2 = stablehlo.add %1, %x : tensor<64x64xf32>
      return RETURNED : RESULTS
    }"""


def _returning(*values: str) -> astra.Executable:
    results = ", ".join(["tensor<64x64xf32>"] * len(values))
    return astra.compile(_PRODUCT_AND_MORE.replace("RETURNED", ", ".join(values)).replace("RESULTS", results))


def test_groups_are_the_kernels_of_the_program() -> None:
    exe = _returning("%0", "%2")  # the product is a result itself, so its kernel computes nothing else
    product, fused = sorted(exe.cost().groups, key=lambda group: group.kernel)
    assert product.kernel.startswith("astra_dot_")
    assert product.calls == 1
    assert fused.operations == {"exp": 1, "addf": 1}
    assert "f32 x f32 -> f32, 1 x 64 x 64 x 64" in exe.schedules()[product.kernel]
    assert "epilogue" not in exe.schedules()[product.kernel]
    assert "4096" in exe.schedules()[fused.kernel]


def test_a_product_and_its_epilogue_are_one_group() -> None:
    exe = _returning("%2")
    (product,) = exe.cost().groups
    assert product.kernel.startswith("astra_dot_")
    assert product.calls == 1
    schedule = exe.schedules()[product.kernel]
    assert "f32 x f32 -> f32, 1 x 64 x 64 x 64" in schedule
    assert "math.exp" in schedule
    assert "arith.addf" in schedule


def test_compilation_leaves_what_the_cost_is_counted_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is lowered again; of code that came from disk the program is once, and says the same."""
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path))
    made, found = (_returning("%0", "%2") for _ in range(2))
    lowered: list[str] = []
    lower = compiler.lower

    def counted(program: Program, context: ir.Context, stage: str, *more: Any, **named: Any) -> ir.Module:
        lowered.append(stage)
        return lower(program, context, stage, *more, **named)

    monkeypatch.setattr(compiler, "lower", counted)
    cost = made.cost()
    assert len(cost.groups) == 2
    assert not lowered
    assert found.cost() == cost
    assert found.cost() == cost
    assert lowered == ["kernels"]
