"""astra-vectorize and calls with rules of their own: custom derivatives survive, and transformations nest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context, stablehlo
from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.passes import run_pipeline
from astra_mlir.passes.custom_batching import register_batching_rule
from astra_mlir.passes.vectorize import vectorize

from . import round_trip


def evaluate(text: str, pipeline: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, f"{pipeline},astra-expand-transforms,astra-export")
        return round_trip.evaluate(module, inputs)


X, W, C = (np.random.default_rng(i).standard_normal(s).astype(np.float32) for i, s in enumerate([(3, 4), 4, (3, 4)]))
WS = np.stack([W, W + 1, W + 2])

# The derivatives are twice and three times the true ones, so that it shows which are used.
CUSTOM_VJP = """
!v = tensor<4xf32>
func.func public @main(%x: !v, %w: !v) -> !v {
  %y = "astra.custom_vjp"(%x, %w) {callee = @f, forward = @forward, backward = @backward} : (!v, !v) -> !v
  return %y : !v
}
func.func private @f(%x: !v, %w: !v) -> !v {
  %y = "astra.multiply"(%x, %w) : (!v, !v) -> !v
  return %y : !v
}
func.func private @forward(%x: !v, %w: !v) -> (!v, !v, !v) {
  %y = "astra.multiply"(%x, %w) : (!v, !v) -> !v
  return %y, %x, %w : !v, !v, !v
}
func.func private @backward(%x: !v, %w: !v, %c: !v) -> (!v, !v) {
  %two = "astra.constant"() {value = dense<2.0> : !v} : () -> !v
  %three = "astra.constant"() {value = dense<3.0> : !v} : () -> !v
  %a = "astra.multiply"(%c, %w) : (!v, !v) -> !v
  %cx = "astra.multiply"(%a, %two) : (!v, !v) -> !v
  %b = "astra.multiply"(%c, %x) : (!v, !v) -> !v
  %cw = "astra.multiply"(%b, %three) : (!v, !v) -> !v
  return %cx, %cw : !v, !v
}
"""


@pytest.mark.parametrize("axes", [(0, -1), (-1, 0), (0, 0)])
def test_custom_vjp_survives(axes: tuple[int, int]) -> None:
    """The cotangent of a shared operand is the sum over the batch."""
    given = [value if axis == 0 else value[0] for axis, value in zip(axes, (X, WS), strict=True)]
    x, w = (np.broadcast_to(value, (3, 4)) for value in given)
    pipeline = (
        f"astra-vectorize{{fn=main in-axes=[{axes[0]},{axes[1]}] axis-size=3}},astra-autodiff{{fn=main wrt=[0,1]}}"
    )
    y, cx, cw = evaluate(CUSTOM_VJP, pipeline, [*given, C])
    expected = [2 * C * w, 3 * C * x]
    np.testing.assert_allclose(y, x * w, rtol=1e-6)
    for axis, value, found in zip(axes, expected, (cx, cw), strict=True):
        np.testing.assert_allclose(found, value if axis == 0 else value.sum(0), rtol=1e-5)


# The rule of a derivative uses the function with that rule: the second derivative is by the rule, too.
CUSTOM_JVP = """
!v = tensor<4xf32>
func.func public @main(%x: !v, %w: !v) -> !v {
  %y = "astra.custom_jvp"(%x, %w) {callee = @f, jvp = @f_jvp} : (!v, !v) -> !v
  return %y : !v
}
func.func private @f(%x: !v, %w: !v) -> !v {
  %a = "astra.multiply"(%x, %x) : (!v, !v) -> !v
  %y = "astra.multiply"(%a, %w) : (!v, !v) -> !v
  return %y : !v
}
func.func private @f_jvp(%x: !v, %w: !v, %dx: !v, %dw: !v) -> (!v, !v) {
  %y = "astra.custom_jvp"(%x, %w) {callee = @f, jvp = @f_jvp} : (!v, !v) -> !v
  %three = "astra.constant"() {value = dense<3.0> : !v} : () -> !v
  %a = "astra.multiply"(%three, %y) : (!v, !v) -> !v
  %dy = "astra.multiply"(%a, %dx) : (!v, !v) -> !v
  return %y, %dy : !v, !v
}
"""


@pytest.mark.parametrize("axes", [(0, -1), (-1, 0)])
def test_custom_jvp_survives(axes: tuple[int, int]) -> None:
    given = [value if axis == 0 else value[0] for axis, value in zip(axes, (X, WS), strict=True)]
    x, w = (np.broadcast_to(value, (3, 4)) for value in given)
    tangent = np.ones_like(given[0])
    pipeline = (
        f"astra-vectorize{{fn=main in-axes=[{axes[0]},{axes[1]}] axis-size=3}},"
        "astra-autodiff{fn=main mode=forward wrt=[0]},astra-autodiff{fn=main mode=forward wrt=[0]}"
    )
    y, first, also_first, second = evaluate(CUSTOM_JVP, pipeline, [*given, tangent, tangent])
    np.testing.assert_allclose(y, x * x * w, rtol=1e-5)
    for found, factor in ((first, 3), (also_first, 3), (second, 9)):
        np.testing.assert_allclose(found, factor * x * x * w, rtol=1e-5)


LINEAR_SOLVE = """
!v = tensor<4xf32>
func.func public @main(%a: !v, %b: !v) -> !v {
  %x = "astra.linear_solve"(%a, %a, %b) {matvec = @matvec, solve = @solve, const_counts = array<i64: 1, 0, 1, 0>}
      : (!v, !v, !v) -> !v
  return %x : !v
}
func.func private @matvec(%a: !v, %x: !v) -> !v {
  %y = "astra.multiply"(%a, %x) : (!v, !v) -> !v
  return %y : !v
}
func.func private @solve(%a: !v, %b: !v) -> !v {
  %y = "astra.divide"(%b, %a) : (!v, !v) -> !v
  return %y : !v
}
"""


# The rule of each function has both functions in it, one through a checkpoint.
MUTUAL = """
!s = tensor<f32>
func.func public @main(%x: !s, %t: !s) -> (!s, !s) {
  %y:2 = "astra.jvp"(%x, %t) {callee = @sine, argnums = array<i64: 0>} : (!s, !s) -> (!s, !s)
  return %y#0, %y#1 : !s, !s
}
func.func private @sine(%x: !s) -> !s {
  %y = "astra.custom_jvp"(%x) {callee = @sine.value, jvp = @sine.jvp} : (!s) -> !s
  return %y : !s
}
func.func private @sine.value(%x: !s) -> !s {
  %y = "astra.sine"(%x) : (!s) -> !s
  return %y : !s
}
func.func private @sine.jvp(%x: !s, %t: !s) -> (!s, !s) {
  %y = "astra.checkpoint"(%x) {callee = @sine} : (!s) -> !s
  %d = "astra.custom_jvp"(%x) {callee = @cosine.value, jvp = @cosine.jvp} : (!s) -> !s
  %dy = "astra.multiply"(%d, %t) : (!s, !s) -> !s
  return %y, %dy : !s, !s
}
func.func private @cosine.value(%x: !s) -> !s {
  %y = "astra.cosine"(%x) : (!s) -> !s
  return %y : !s
}
func.func private @cosine.jvp(%x: !s, %t: !s) -> (!s, !s) {
  %y = "astra.custom_jvp"(%x) {callee = @cosine.value, jvp = @cosine.jvp} : (!s) -> !s
  %s = "astra.checkpoint"(%x) {callee = @sine} : (!s) -> !s
  %st = "astra.multiply"(%s, %t) : (!s, !s) -> !s
  %dy = "astra.negate"(%st) : (!s) -> !s
  return %y, %dy : !s, !s
}
"""


@pytest.mark.parametrize("axes", [(0, 0), (0, -1), (-1, 0)])
def test_rules_that_use_each_other(axes: tuple[int, int]) -> None:
    """And there is a derivative of the batched rule."""
    x, t = (value if axis == 0 else value[0] for axis, value in zip(axes, (W, C[0]), strict=True))
    cy, cdy = X[0] if axes[0] == 0 else X[0, 0], X[1]
    pipeline = (
        f"astra-vectorize{{fn=main in-axes=[{axes[0]},{axes[1]}] out-axes=[{axes[0]},0] axis-size=4}},"
        "astra-autodiff{fn=main wrt=[0]}"
    )
    y, dy, cx = evaluate(MUTUAL, pipeline, [x, t, cy, cdy])
    np.testing.assert_allclose(y, np.sin(x), rtol=1e-5)
    np.testing.assert_allclose(dy, np.cos(x) * t, rtol=1e-5)
    through_dy = -cdy * np.sin(x) * t
    np.testing.assert_allclose(cx, cy * np.cos(x) + (through_dy if axes[0] == 0 else through_dy.sum()), rtol=1e-4)


# The first result differs by its value, the second by its tangent only.
TANGENT_ONLY = """
func.func public @main(%x: tensor<f32>) -> tensor<f32> {
  %y:2 = "astra.custom_jvp"(%x) {callee = @f, jvp = @f.jvp} : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %y#1 : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  return %x, %one : tensor<f32>, tensor<f32>
}
func.func private @f.jvp(%x: tensor<f32>, %t: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) {
  %one = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %xt = "astra.multiply"(%x, %t) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %x, %one, %one, %xt : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>
}
"""


def test_a_result_may_differ_by_its_tangent_alone() -> None:
    pipeline = "astra-vectorize{fn=main axis-size=4},astra-autodiff{fn=main wrt=[0]}"
    y, gradient = evaluate(TANGENT_ONLY, pipeline, [W, C[0]])
    np.testing.assert_allclose(y, np.ones(4))
    np.testing.assert_allclose(gradient, W * C[0], rtol=1e-6)


@pytest.mark.parametrize("axes", [(0, -1), (-1, 0), (0, 0), (1, 0)])
def test_linear_solve(axes: tuple[int, int]) -> None:
    a, b = (value if axis >= 0 else value[0] for axis, value in zip(axes, (X, C), strict=True))
    given = a.T.copy() if axes[0] == 1 else a
    pipeline = f"astra-vectorize{{fn=main in-axes=[{axes[0]},{axes[1]}] axis-size=3}}"
    (found,) = evaluate(LINEAR_SOLVE, pipeline, [given, b])
    np.testing.assert_allclose(found, np.broadcast_to(b / a, (3, 4)), rtol=1e-6)


CHECKPOINT = """
!v = tensor<4xf32>
func.func public @main(%x: !v, %w: !v) -> !v {
  %y = "astra.checkpoint"(%x, %w) {callee = @f} : (!v, !v) -> !v
  return %y : !v
}
func.func private @f(%x: !v, %w: !v) -> !v {
  %y = "astra.multiply"(%x, %w) : (!v, !v) -> !v
  return %y : !v
}
"""


def test_checkpoint() -> None:
    (found,) = evaluate(CHECKPOINT, "astra-vectorize{fn=main in-axes=[0,-1] axis-size=3}", [X, W])
    np.testing.assert_allclose(found, X * W, rtol=1e-6)


CUSTOM_VMAP = """
!v = tensor<4xf32>
func.func public @main(%x: !v, %w: !v) -> !v {{
  %y = "astra.custom_vmap"(%x, %w) {{callee = @f, rule = "{key}"}} : (!v, !v) -> !v
  return %y : !v
}}
func.func private @f(%x: !v, %w: !v) -> !v {{
  %y = "astra.multiply"(%x, %w) : (!v, !v) -> !v
  return %y : !v
}}
"""
# The rule adds where the callee multiplies, so that it shows which is used, and has functions of the names of others.
BATCHED = """
!b = tensor<3x4xf32>
func.func public @main(%x: !b, %w: tensor<4xf32>) -> !b {
  %0 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<4xf32>) -> !b
  %1 = stablehlo.custom_call @astra.checkpoint(%x, %0)
      {called_computations = [@f], backend_config = {symbols = ["callee"]}, api_version = 4 : i32} : (!b, !b) -> !b
  return %1 : !b
}
func.func private @f(%x: !b, %w: !b) -> !b {
  %0 = stablehlo.add %x, %w : !b
  return %0 : !b
}
"""


def test_custom_vmap() -> None:
    asked = []

    def batched(size: int, marks: Sequence[bool]) -> tuple[bytes, tuple[bool, ...]]:
        asked.append((size, tuple(marks)))
        with make_context(), ir.Location.unknown():
            version = stablehlo.get_current_version()
            return stablehlo.serialize_portable_artifact(ir.Module.parse(BATCHED), version), (True,)

    text = CUSTOM_VMAP.format(key=register_batching_rule("f", batched))
    (found,) = evaluate(text, "astra-vectorize{fn=main in-axes=[1,-1] axis-size=3}", [X.T.copy(), W])
    assert asked == [(3, (True, False))]
    np.testing.assert_allclose(found, X + W, rtol=1e-6)


SQUARE = """
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.multiply"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
"""
VMAP_OF_VJP = """
!v = tensor<4xf32>
func.func public @main(%x: tensor<3x4xf32>, %c: !v) -> tensor<3x4xf32> {
  %y = "astra.vmap"(%x, %c)
      {callee = @f, axis_size = 3 : i64, in_axes = array<i64: 0, -1>, out_axes = array<i64: 0>}
      : (tensor<3x4xf32>, !v) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
func.func private @f(%x: !v, %c: !v) -> !v {
  %y, %cx = "astra.vjp"(%x, %c) {callee = @g, argnums = array<i64: 0>} : (!v, !v) -> (!v, !v)
  return %cx : !v
}
"""
VMAP_OF_VMAP = """
func.func public @main(%x: tensor<3x2x4xf32>) -> tensor<4x3x2xf32> {
  %y = "astra.vmap"(%x) {callee = @f, axis_size = 3 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 1>}
      : (tensor<3x2x4xf32>) -> tensor<4x3x2xf32>
  return %y : tensor<4x3x2xf32>
}
func.func private @f(%x: tensor<2x4xf32>) -> tensor<4x2xf32> {
  %y = "astra.vmap"(%x) {callee = @g, axis_size = 2 : i64, in_axes = array<i64: 0>, out_axes = array<i64: 1>}
      : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
"""


def test_vmap_of_vjp() -> None:
    """The callee of a vmap holds a vjp, which is expanded first."""
    (found,) = evaluate(VMAP_OF_VJP + SQUARE, "astra-vectorize", [X, W])
    np.testing.assert_allclose(found, 2 * X * W, rtol=1e-6)


def test_vmap_of_vmap() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32)
    (found,) = evaluate(VMAP_OF_VMAP + SQUARE, "astra-vectorize", [x])
    np.testing.assert_allclose(found, np.moveaxis(x * x, 2, 0), rtol=1e-6)


MYSTERY = """
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = "astra.custom_call"(%x) {call_target_name = "mystery", has_side_effect = false}
      : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
"""


def test_function_gives_a_new_private_function() -> None:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(SQUARE)
        new = vectorize(module.body.operations[0].operation, 3, [1], [0])
        assert ir.StringAttr(new.attributes["sym_visibility"]).value == "private"
        assert str(ir.TypeAttr(new.attributes["function_type"]).value) == "(tensor<4x3xf32>) -> tensor<3x4xf32>"
        assert [ir.StringAttr(op.attributes["sym_name"]).value for op in module.body.operations] == ["g", "g.vmap"]
        assert module.operation.verify()


def test_refusals_leave_the_module_as_it_was() -> None:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(MYSTERY)
        before = str(module)
        old = module.body.operations[0].operation
        with pytest.raises(UnsupportedError, match="nothing is known about 'mystery'"):
            vectorize(old, 3, [0])
        with pytest.raises(AstraError, match="there are 2 in axes"):
            vectorize(old, 3, [0, 0])
        with pytest.raises(AstraError, match="is not from 0 to 1"):
            vectorize(old, 3, [2])
        with pytest.raises(AstraError, match="must not be negative"):
            vectorize(old, -3, [0])
        assert str(module) == before
