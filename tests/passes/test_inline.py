"""astra-inline: calls disappear, at a cost that stays linear in the size of the result."""

from __future__ import annotations

import time

import pytest

import astra_mlir.passes
from astra_mlir.bindings import ir, make_context
from astra_mlir.errors import UnsupportedError

DOUBLE = """
func.func private @double(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "astra.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


def inlined(text: str) -> ir.Module:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        astra_mlir.passes.run_pipeline(module, "astra-inline")
        assert module.operation.verify()
        return module


def chain(name: str, callee: str, calls: int, visibility: str = "private") -> str:
    lines = [f"func.func {visibility} @{name}(%v0: tensor<4xf32>) -> tensor<4xf32> {{"]
    lines += [f"  %v{i + 1} = call @{callee}(%v{i}) : (tensor<4xf32>) -> tensor<4xf32>" for i in range(calls)]
    return "\n".join([*lines, f"  return %v{calls} : tensor<4xf32>", "}"])


def test_call_graph_is_inlined_callees_first() -> None:
    text = chain("main", "a", 3, "public") + chain("a", "b", 4) + chain("b", "double", 5) + DOUBLE
    printed = str(inlined(text))
    assert printed.count("astra.add") == 60
    assert "call" not in printed
    assert "private" not in printed


def test_inlined_operations_remember_the_call() -> None:
    text = chain("main", "double", 1, "public") + DOUBLE
    text = text.replace(
        "(%v0) : (tensor<4xf32>) -> tensor<4xf32>", '(%v0) : (tensor<4xf32>) -> tensor<4xf32> loc("caller.py":7:1)', 1
    )
    assert "caller.py" in inlined(text).operation.get_asm(enable_debug_info=True)


def test_several_blocks_are_refused() -> None:
    text = "func.func @main() {\n  cf.br ^a\n^a:\n  return\n}"
    with pytest.raises(UnsupportedError, match="2 blocks"):
        inlined(text)


def test_cost_is_linear() -> None:
    """Ten times the calls cost about ten times the time."""

    def seconds(calls: int) -> float:
        text = chain("main", "a", calls, "public") + chain("a", "double", 20) + DOUBLE
        with make_context(), ir.Location.unknown():
            module = ir.Module.parse(text)
            start = time.process_time()
            astra_mlir.passes.run_pipeline(module, "astra-inline", verify=False)
            return time.process_time() - start

    small, large = min(seconds(20) for _ in range(3)), min(seconds(200) for _ in range(3))
    assert large < 40 * small
