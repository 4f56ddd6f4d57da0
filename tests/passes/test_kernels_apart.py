"""Which functions of kernels are taken out of a module to be compiled on their own."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import astra_mlir as astra
from astra_mlir.bindings import ir, make_context
from astra_mlir.passes.kernels_apart import mark_inner, take_apart
from astra_mlir.passes.target import TARGET_ATTRIBUTE

TEXT = """
func.func private @tile() attributes {passthrough = ["noinline"]} {
  func.call @leaf() : () -> ()
  return
}
func.func private @leaf() attributes {passthrough = ["noinline"]} {
  return
}
func.func private @small() {
  return
}
func.func private @calls_small() attributes {passthrough = ["noinline"]} {
  func.call @small() : () -> ()
  return
}
func.func private @calls_that() attributes {passthrough = ["noinline"]} {
  func.call @calls_small() : () -> ()
  return
}
func.func private @tasks() attributes {passthrough = ["noinline"]} {
  scf.forall (%i) in (8) {
  }
  return
}
func.func private @kernel() attributes {passthrough = ["noinline"]} {
  func.call @tile() : () -> ()
  return
}
"""


def test_what_may_be_inlined_or_has_tasks_stays_with_all_that_calls_it() -> None:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(TEXT)
        module.operation.attributes[TARGET_ATTRIBUTE] = ir.StringAttr.get("x86-64-v3")
        names = {ir.StringAttr(f.operation.attributes["sym_name"]).value: f.operation for f in module.body.operations}
        mark_inner(names, TEXT, "kernel")
        apart = take_apart(module)
        assert apart is not None
        taken = [ir.StringAttr(f.operation.attributes["sym_name"]).value for f in apart.body.operations]
        assert taken == ["tile", "leaf"]
        assert apart.operation.verify()
        assert module.operation.verify()
        left = {
            ir.StringAttr(f.operation.attributes["sym_name"]).value: bool(len(f.operation.regions[0].blocks))
            for f in module.body.operations
        }
        assert left == {name: name not in taken for name in names}
        assert take_apart(ir.Module.parse("module {}")) is None


def test_a_product_links_with_its_inner_functions() -> None:
    x, y = np.ones((70, 300), np.float32), np.arange(300 * 50, dtype=np.float32).reshape(300, 50) % 7
    compiled = astra.compile(lambda x, y: jnp.tanh(x @ y), x, y)
    np.testing.assert_array_equal(np.asarray(compiled(x, y)), np.tanh(x @ y))
    if "codegen" in compiled.compile_times:  # not where the cache on disk has it
        assert "inner functions" in compiled.compile_times
