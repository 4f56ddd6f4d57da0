"""Structured control flow and function signatures through ``astra-to-linalg``, executed."""

from __future__ import annotations

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes import run_pipeline

from .linalg_execution import call


@pytest.mark.parametrize("predicate", (True, False))
def test_if_yields_scalars_and_tensors(predicate: bool) -> None:
    body = """
      %r:2 = "astra.if"(%0) ({
        %a = "astra.negate"(%1) : (tensor<3xf32>) -> tensor<3xf32>
        "astra.yield"(%a, %2) : (tensor<3xf32>, tensor<f32>) -> ()
      }, {
        %b = "astra.broadcast"(%2) {dimensions = array<i64>} : (tensor<f32>) -> tensor<3xf32>
        %c = "astra.exponential"(%2) : (tensor<f32>) -> tensor<f32>
        "astra.yield"(%b, %c) : (tensor<3xf32>, tensor<f32>) -> ()
      }) : (tensor<i1>) -> (tensor<3xf32>, tensor<f32>)
      return %r#0, %r#1 : tensor<3xf32>, tensor<f32>
    """
    x = np.arange(3, dtype=np.float32)
    a, b = call(body, [np.bool_(predicate), x, np.float32(0)], ["tensor<3xf32>", "tensor<f32>"])
    np.testing.assert_array_equal(a, -x if predicate else np.zeros(3))
    assert b == (0 if predicate else 1)


@pytest.mark.parametrize("predicate", (True, False))
def test_if_between_values_from_outside(predicate: bool) -> None:
    """Canonicalization makes a select of it; the operands stay as they are."""
    body = """
      %a = "astra.negate"(%1) : (tensor<3xf32>) -> tensor<3xf32>
      %r = "astra.if"(%0) ({
        "astra.yield"(%1) : (tensor<3xf32>) -> ()
      }, {
        "astra.yield"(%a) : (tensor<3xf32>) -> ()
      }) : (tensor<i1>) -> tensor<3xf32>
      %s = "astra.add"(%r, %a) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
      return %r, %s : tensor<3xf32>, tensor<3xf32>
    """
    x = np.arange(3, dtype=np.float32)
    chosen, total = call(body, [np.bool_(predicate), x], ["tensor<3xf32>"] * 2)
    np.testing.assert_array_equal(chosen, x if predicate else -x)
    np.testing.assert_array_equal(total, chosen - x)


def test_while_with_unsigned_counter_and_swapped_carries() -> None:
    """Fibonacci numbers in a vector's elements, by carries that change places."""
    body = """
      %z = "astra.constant"() {value = dense<0> : tensor<ui32>} : () -> tensor<ui32>
      %one = "astra.constant"() {value = dense<1> : tensor<ui32>} : () -> tensor<ui32>
      %r:3 = "astra.while"(%z, %0, %1) ({
      ^bb0(%i: tensor<ui32>, %a: tensor<2xi64>, %b: tensor<2xi64>):
        %c = "astra.compare"(%i, %2) {direction = "LT", compare_type = "UNSIGNED"} :
          (tensor<ui32>, tensor<ui32>) -> tensor<i1>
        "astra.yield"(%c) : (tensor<i1>) -> ()
      }, {
      ^bb0(%i: tensor<ui32>, %a: tensor<2xi64>, %b: tensor<2xi64>):
        %j = "astra.add"(%i, %one) : (tensor<ui32>, tensor<ui32>) -> tensor<ui32>
        %s = "astra.add"(%a, %b) : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
        "astra.yield"(%j, %b, %s) : (tensor<ui32>, tensor<2xi64>, tensor<2xi64>) -> ()
      }) : (tensor<ui32>, tensor<2xi64>, tensor<2xi64>) -> (tensor<ui32>, tensor<2xi64>, tensor<2xi64>)
      return %r#0, %r#1 : tensor<ui32>, tensor<2xi64>
    """
    inputs = [np.array([0, 10]), np.array([1, 10]), np.uint32(10)]
    i, a = call(body, inputs, ["tensor<ui32>", "tensor<2xi64>"])
    assert i == 10
    np.testing.assert_array_equal(a, [55, 890])


@pytest.mark.parametrize("reverse", (False, True))
@pytest.mark.parametrize("index", ("i32", "i64"))
def test_scan(reverse: bool, index: str) -> None:
    body = f"""
      %r:4 = "astra.scan"(%0, %1, %2, %3) ({{
      ^bb0(%i: tensor<{index}>, %c: tensor<f32>, %h: tensor<2xf32>, %x: tensor<2xf32>, %s: tensor<f32>):
        %f = "astra.convert"(%i) : (tensor<{index}>) -> tensor<f32>
        %d = "astra.add"(%c, %f) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        %b = "astra.broadcast"(%s) {{dimensions = array<i64>}} : (tensor<f32>) -> tensor<2xf32>
        %m = "astra.multiply"(%x, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        %g = "astra.add"(%h, %m) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        "astra.yield"(%d, %g, %g, %d) : (tensor<f32>, tensor<2xf32>, tensor<2xf32>, tensor<f32>) -> ()
      }}) {{trip_count = 4, num_carries = 2, reverse = {str(reverse).lower()}}} :
        (tensor<f32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) ->
        (tensor<f32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>)
      return %r#0, %r#1, %r#2, %r#3 : tensor<f32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>
    """
    xs, s = np.arange(8, dtype=np.float32).reshape(4, 2), np.arange(1, 5, dtype=np.float32)
    types = ["tensor<f32>", "tensor<2xf32>", "tensor<4x2xf32>", "tensor<4xf32>"]
    c, h, ys, cs = call(body, [np.float32(1), np.ones(2, np.float32), xs, s], types)
    order = slice(None, None, -1) if reverse else slice(None)
    products = (xs * s[:, None])[order]
    np.testing.assert_array_equal(ys[order], 1 + np.cumsum(products, 0))
    np.testing.assert_array_equal(cs[order], [1, 2, 4, 7])
    np.testing.assert_array_equal(h, ys[order][-1])
    assert c == 7


def test_scan_without_iterations_and_nested_regions() -> None:
    body = """
      %r = "astra.scan"(%0) ({
      ^bb0(%i: tensor<i32>, %c: tensor<f32>):
        %q = "astra.scan"(%c) ({
        ^bb0(%j: tensor<i32>, %d: tensor<f32>):
          %p = "astra.compare"(%i, %j) {direction = "EQ", compare_type = "SIGNED"} :
            (tensor<i32>, tensor<i32>) -> tensor<i1>
          %e = "astra.if"(%p) ({
            %g = "astra.add"(%d, %d) : (tensor<f32>, tensor<f32>) -> tensor<f32>
            "astra.yield"(%g) : (tensor<f32>) -> ()
          }, {
            "astra.yield"(%d) : (tensor<f32>) -> ()
          }) : (tensor<i1>) -> tensor<f32>
          "astra.yield"(%e) : (tensor<f32>) -> ()
        }) {trip_count = 2, num_carries = 1, reverse = false} : (tensor<f32>) -> tensor<f32>
        "astra.yield"(%q) : (tensor<f32>) -> ()
      }) {trip_count = 3, num_carries = 1, reverse = false} : (tensor<f32>) -> tensor<f32>
      %s = "astra.scan"(%0) ({
      ^bb0(%i: tensor<i32>, %c: tensor<f32>):
        %e = "astra.add"(%c, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "astra.yield"(%e) : (tensor<f32>) -> ()
      }) {trip_count = 0, num_carries = 1, reverse = false} : (tensor<f32>) -> tensor<f32>
      return %r, %s : tensor<f32>, tensor<f32>
    """
    r, s = call(body, [np.float32(3)], ["tensor<f32>"] * 2)
    assert (r, s) == (12, 3)


def lowered(text: str) -> str:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, "astra-to-linalg")
        return str(module)


REFUSED = {
    "dynamic": (
        'func.func @f(%x: tensor<?xf32>) { %0 = "astra.negate"(%x) : (tensor<?xf32>) -> tensor<?xf32> return }',
        "dynamic dimension",
    ),
    "kernel": (
        'func.func @f(%x: tensor<4xf32>) { %0:2 = "astra.top_k"(%x) {k = 2, largest = true} : (tensor<4xf32>) ->'
        " (tensor<2xf32>, tensor<2xi32>) return }",
        "'astra.top_k' at .*no lowering to linalg",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_operation(case: str) -> None:
    text, message = REFUSED[case]
    with pytest.raises(UnsupportedError, match=message):
        lowered(text)


def test_kernel_calls_and_attributes_survive_in_signless_types() -> None:
    text = lowered(
        """
        func.func @f(%x: tensor<4xui8> {jax.donated}) -> (tensor<4xui8> {jax.name = "y"}) attributes {note = 1 : i64} {
          %0 = tensor.empty() : tensor<4xui8>
          %1 = "astra.kernel_call"(%x, %0) {callee = @k, num_outs = 1 : i64} :
            (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
          return %1 : tensor<4xui8>
        }
        func.func private @k(%in: memref<4xi8>, %out: memref<4xi8>) { return }
        """
    )
    assert 'func.func @f(%arg0: tensor<4xi8> {jax.donated}) -> (tensor<4xi8> {jax.name = "y"})' in text
    assert "note = 1" in text and "ui8" not in text
    assert "(tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>" in text


def test_long_chains_are_cut() -> None:
    """Elementwise fusion takes time quadratic in the length of a chain."""
    lines = [f'%{i + 1} = "astra.sine"(%{i}) : (tensor<4xf32>) -> tensor<4xf32>' for i in range(300)]
    body = "\n".join([*lines, "return %300 : tensor<4xf32>"])
    text = lowered(f"func.func @f(%0: tensor<4xf32>) -> tensor<4xf32> {{ {body} }}")
    assert text.count("astra.optimization_barrier") == 2
    x = np.arange(4, dtype=np.float32)
    expected = x
    for _ in range(300):
        expected = np.sin(expected)
    np.testing.assert_allclose(call(body, [x], ["tensor<4xf32>"])[0], expected, rtol=1e-4)
