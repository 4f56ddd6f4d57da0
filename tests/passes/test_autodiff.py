"""The engine of derivatives: control flow, what is computed and kept, higher orders, StableHLO in and out.

The rules of single operations are in ``test_autodiff_rules.py``, random programs in ``test_derivative_programs.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from astra_mlir.bindings import ir, make_context
from astra_mlir.compiler import compile_module
from astra_mlir.errors import UnsupportedError
from astra_mlir.passes import run_pipeline

from . import round_trip
from .derivatives import FORWARD, REVERSE, check, derived, module_of, reference
from .interpretation import operations, transformed

rng = np.random.default_rng(1)
X, W = rng.standard_normal(4), rng.standard_normal(4)
Z = X + 1j * W


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


# --- control flow ----------------------------------------------------------------------------------------------------


def scan(x: Any, w: Any) -> Any:
    """Carries, slices, stacked results and a value from outside."""

    def body(c: Any, t: Any) -> Any:
        c = jnp.tanh(c * w + t)
        return c, jnp.sin(c) * t

    return lax.scan(body, x, jnp.stack([x, w, x * w]))


def backwards(x: Any, w: Any) -> Any:
    """A scan that runs from the end."""
    return lax.scan(lambda c, t: (c * t + w, c * c), x, jnp.stack([x, w, x * w]), reverse=True)


def counted(x: Any, w: Any) -> Any:
    """The counter is used as a number."""
    return lax.fori_loop(0, 5, lambda i, c: jnp.sin(c) * w + i * x, x)


def swapped(x: Any, w: Any) -> Any:
    """One carry varies only because another does, an iteration later, and that only because of a third."""

    def body(_: Any, state: Any) -> Any:
        a, b, c = state
        return b * 1.5, jnp.sin(c), c + a

    return lax.fori_loop(0, 4, body, (jnp.ones(4), w, x))


def mixed(x: Any, w: Any) -> Any:
    """Integer carries, inputs and outputs beside floats."""

    def body(state: Any, inputs: Any) -> Any:
        n, c = state
        flag, k = inputs
        c = jnp.where(flag, c * k + n, jnp.cos(c) * w)
        return (n + k, c), (n, c.sum())

    return lax.scan(body, (jnp.int32(2), x), (np.array([True, False, True]), np.arange(3, dtype=np.int32)))


def nested(x: Any, w: Any) -> Any:
    """A scan in a scan, over values of the outer one."""

    def outer(c: Any, t: Any) -> Any:
        def inner(d: Any, u: Any) -> Any:
            d = jnp.tanh(d * w + u * t)
            return d, d * u

        d, ys = lax.scan(inner, c, jnp.stack([x, w]))
        return d, ys.sum(0)

    return lax.scan(outer, x, jnp.stack([x, w, x * w]))


def never(x: Any, w: Any) -> Any:
    """No iterations at all."""
    return lax.scan(lambda c, t: (c * t * w, jnp.sin(c)), x, jnp.zeros((0, 4)))


def branch(x: Any, w: Any) -> Any:
    """The branches need different values."""
    return lax.cond(x[0] > 0, lambda a, b: jnp.sin(a) * b, lambda a, b: jnp.exp(jnp.cos(a)) + b, x, w)


def constant_branch(x: Any, w: Any) -> Any:
    """One branch does not vary."""
    return lax.cond(x[0] < 0, lambda a: jnp.ones(4), lambda a: jnp.sin(a), x), w * 2


def switch(x: Any, w: Any) -> Any:
    """Three branches, chosen by a number that comes from the argument."""
    return lax.switch(
        (jnp.abs(x[0]) * 10).astype(int) % 3,
        [lambda a: a, lambda a: jnp.sin(a) * w, lambda a: jnp.cos(a) * w],
        x,
    )


def branch_in_scan(x: Any, w: Any) -> Any:
    """Residuals of branches are stacked."""

    def body(c: Any, i: Any) -> Any:
        c = lax.cond(i % 2 == 0, lambda a: jnp.sin(a) * w, lambda a: a * jnp.exp(w * 0.1), c)
        return c, c.sum()

    return lax.scan(body, x, jnp.arange(6))


def scan_in_branch(x: Any, w: Any) -> Any:
    """Stacks are residuals of branches."""
    return lax.cond(w[0] > -5, lambda a: scan(a, w)[0], lambda a: a, x)


def mapped(x: Any, w: Any) -> Any:
    """A loop without carries."""
    return lax.map(lambda a: jnp.sin(a) * w, x)


def complex_scan(z: Any) -> Any:
    """Complex carries and slices."""
    return lax.scan(lambda c, t: (c * t + z, jnp.abs(c)), z, jnp.stack([z, z * z]))


def unused(x: Any, w: Any) -> Any:
    """An argument that the result does not depend on."""
    return jnp.sin(x), jnp.arange(3)


TWO = (
    scan, backwards, counted, swapped, mixed, nested, never, branch, constant_branch, switch, branch_in_scan,
    scan_in_branch, mapped, unused,
)  # fmt: skip


@pytest.mark.parametrize("mode", [FORWARD, REVERSE])
@pytest.mark.parametrize("function", TWO, ids=lambda f: f.__name__)
def test_control_flow(function: Callable[..., Any], mode: str) -> None:
    check(function, (X, W), (mode, (0, 1)))


@pytest.mark.parametrize("mode", [FORWARD, REVERSE])
def test_complex_scan(mode: str) -> None:
    check(complex_scan, (Z,), (mode, (0,)))


@pytest.mark.parametrize("wrt", [(0,), (1,), (1, 0)])
def test_some_arguments(wrt: tuple[int, ...]) -> None:
    check(scan, (X, W), (REVERSE, wrt))
    check(scan, (X, W), (FORWARD, wrt))


def grows(x: Any, w: Any) -> Any:
    """A while that ends on data, after more than ten iterations and less than thirty."""
    return lax.while_loop(lambda s: jnp.sum(s) < 50, lambda s: s * 1.1 + jnp.sin(w * s) ** 2, jnp.abs(x))


def limited(x: Any, w: Any) -> Any:
    """The same, with a counter in the condition, in a scan."""

    def body(c: Any, t: Any) -> Any:
        return lax.while_loop(
            lambda s: (s[0] < 20) & (jnp.sum(s[1]) < t), lambda s: (s[0] + 1, s[1] * 1.1 + jnp.sin(w) ** 2), (0, c)
        )[1], c

    return lax.scan(body, jnp.abs(x), jnp.array([10.0, 20.0]))


def by_products(function: Callable[..., Any], **options: Any) -> None:
    """Reverse mode of what JAX has none for: c . (J t) = (c J) . t, with J t from JAX."""
    full, expected = reference(function, (X, W), (FORWARD, (0, 1)))
    count = len(expected) // 2
    seeds = [rng.standard_normal(y.shape) for y in expected[:count]]
    found = compile_module(derived(module_of(function, (X, W)), (REVERSE, (0, 1)), **options))(X, W, *seeds)
    for x, y in zip(found, expected[:count], strict=False):
        np.testing.assert_allclose(x, y, rtol=1e-9)
    left = sum(np.vdot(c, t) for c, t in zip(seeds, expected[count:], strict=True))
    right = sum(np.vdot(c, t) for c, t in zip(found[count:], full[2:], strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-9)


def test_while() -> None:
    check(grows, (X, W), (FORWARD, (0, 1)))
    by_products(grows, while_bound=30)
    by_products(limited)


def test_a_bound_that_is_too_low_gives_nan() -> None:
    module = derived(module_of(grows, (X, W)), (REVERSE, (0, 1)), (FORWARD, (0,)), while_bound=10)
    value, of_x, of_w, tangent, *second = compile_module(module)(X, W, np.ones(4), np.ones(4))
    for found in (value, of_x, of_w, tangent, *second):
        assert np.isnan(found).all()


# --- higher orders ---------------------------------------------------------------------------------------------------


def branch_and_scan(x: Any, w: Any) -> Any:
    """What second derivatives have to get through."""
    a = lax.fori_loop(0, 3, lambda i, c: jnp.sin(c * w + i), x)
    return branch(a, w) * jnp.maximum(x, w)


SECOND = [((first, (0, 1)), (second, (0, 1))) for first in (FORWARD, REVERSE) for second in (FORWARD, REVERSE)]


@pytest.mark.parametrize("steps", SECOND, ids=lambda steps: f"{steps[1][0]} over {steps[0][0]}")
def test_second_derivatives(steps: Any) -> None:
    first, (mode, _) = steps
    by = (0, 1, 2) if first[0] == REVERSE else (0, 1)  # by the cotangent, too
    check(branch_and_scan, (X, W), first, (mode, by))


@pytest.mark.parametrize(
    "steps",
    [
        ((FORWARD, (0,)), (FORWARD, (0,)), (FORWARD, (0, 1))),
        ((REVERSE, (0,)), (FORWARD, (0,)), (REVERSE, (0, 1))),
        ((REVERSE, (0,)), (REVERSE, (0,)), (FORWARD, (1,))),
    ],
    ids=["forward", "reverse forward reverse", "reverse reverse forward"],
)
def test_third_derivatives(steps: Any) -> None:
    check(lambda x, w: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c * w), x), (X, W), *steps)


# --- what is computed ------------------------------------------------------------------------------------------------


def test_dead_results_cost_nothing() -> None:
    """Of a result that does not depend on the arguments nothing is derived; the value is computed once."""

    def function(x: Any, w: Any) -> Any:
        return jnp.sin(x), jnp.tanh(jnp.outer(w, w)).sum() + jnp.exp(w)

    names = operations(derived(module_of(function, (X, W)), (REVERSE, (0,))))
    assert names.count("dot_general") + names.count("multiply") == 2  # the outer product, and c cos(x)
    assert (names.count("tanh"), names.count("exponential"), names.count("cosine")) == (1, 1, 1)


GRADIENT = """
func.func @main(%x: tensor<8x8xf64>, %w: tensor<8x8xf64>, %c: tensor<8x8xf64>) -> tensor<8x8xf64> {
  %0:2 = "astra.vjp"(%x, %w, %c) {callee = @f, argnums = array<i64: 0>}
      : (tensor<8x8xf64>, tensor<8x8xf64>, tensor<8x8xf64>) -> (tensor<8x8xf64>, tensor<8x8xf64>)
  return %0#1 : tensor<8x8xf64>
}
func.func private @f(%x: tensor<8x8xf64>, %w: tensor<8x8xf64>) -> tensor<8x8xf64> {
  %0 = "astra.sine"(%x) : (tensor<8x8xf64>) -> tensor<8x8xf64>
  %1 = "astra.dot_general"(%0, %w)
      {lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}
      : (tensor<8x8xf64>, tensor<8x8xf64>) -> tensor<8x8xf64>
  return %1 : tensor<8x8xf64>
}
"""


def test_values_that_only_results_need_are_not_computed() -> None:
    assert operations(transformed(GRADIENT, "astra-autodiff")) == ["dot_general", "cosine", "multiply"]


def test_loops_carry_only_what_varies() -> None:
    """Reverse mode of a loop over a counter, a constant recurrence and the one that varies."""

    def function(x: Any, w: Any) -> Any:
        def body(i: Any, state: Any) -> Any:
            a, b = state
            return jnp.cos(a), jnp.sin(b) * a

        return lax.fori_loop(0, 5, body, (w, x))[1]

    module = derived(module_of(function, (X, W)), (REVERSE, (0,)))
    scans = [op for op in module.body.operations[0].regions[0].blocks[0].operations if op.name == "astra.scan"]
    assert [scan.attributes["num_carries"].value for scan in scans] == [2, 1]


def test_integer_arguments() -> None:
    """Their cotangents are i1, false, and of their shape: what JAX's float0 zeros stand for."""

    def function(x: Any, n: Any, p: Any) -> Any:
        return jnp.where(p, x * n, jnp.sin(x))

    n, p = np.arange(4, dtype=np.int32), np.array([True, False, True, False])
    module = derived(module_of(function, (X, n, p)), (REVERSE, (0, 1, 2)))
    _, of_x, of_n, of_p = compile_module(module)(X, n, p, W)
    np.testing.assert_allclose(of_x, np.where(p, W * n, W * np.cos(X)))
    for found in (of_n, of_p):
        assert found.dtype == np.bool_ and found.shape == (4,) and not found.any()


# --- what is kept ----------------------------------------------------------------------------------------------------

# Three times three layers sin(x w): as they are, or each three behind a checkpoint.
LAYERS = """
func.func @main(%x: tensor<64x64xf64>, %w: tensor<64x64xf64>, %c: tensor<64x64xf64>)
    -> (tensor<64x64xf64>, tensor<64x64xf64>) {{
  %0:3 = "astra.vjp"(%x, %w, %c) {{callee = @f, argnums = array<i64: 0, 1>}}
      : (tensor<64x64xf64>, tensor<64x64xf64>, tensor<64x64xf64>)
      -> (tensor<64x64xf64>, tensor<64x64xf64>, tensor<64x64xf64>)
  return %0#1, %0#2 : tensor<64x64xf64>, tensor<64x64xf64>
}}
func.func private @f(%x: tensor<64x64xf64>, %w: tensor<64x64xf64>) -> tensor<64x64xf64> {{
  %0 = {call}(%x, %w) {{callee = @three}} : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  %1 = {call}(%0, %w) {{callee = @three}} : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  %2 = {call}(%1, %w) {{callee = @three}} : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  return %2 : tensor<64x64xf64>
}}
func.func private @three(%x: tensor<64x64xf64>, %w: tensor<64x64xf64>) -> tensor<64x64xf64> {{
  %0 = call @layer(%x, %w) : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  %1 = call @layer(%0, %w) : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  %2 = call @layer(%1, %w) : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  return %2 : tensor<64x64xf64>
}}
func.func private @layer(%x: tensor<64x64xf64>, %w: tensor<64x64xf64>) -> tensor<64x64xf64> {{
  %0 = "astra.dot_general"(%x, %w)
      {{lhs_batching_dimensions = array<i64>, rhs_batching_dimensions = array<i64>,
       lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 0>}}
      : (tensor<64x64xf64>, tensor<64x64xf64>) -> tensor<64x64xf64>
  %1 = "astra.sine"(%0) : (tensor<64x64xf64>) -> tensor<64x64xf64>
  return %1 : tensor<64x64xf64>
}}
"""


def _layers(call: str) -> tuple[list[str], int, list[np.ndarray]]:
    """Operations of the gradient program, bytes of temporaries, and its results."""
    text = LAYERS.format(call=call)
    module = transformed(text, "astra-expand-transforms")
    with make_context(), ir.Location.unknown():
        executable = compile_module(ir.Module.parse(text))
    numbers = np.random.default_rng(2)
    arguments = [numbers.standard_normal((64, 64)) / scale for scale in (1, 8, 1)]
    return operations(module), executable.memory().arena_bytes, list(executable(*arguments))


def test_checkpoints_compute_again_and_keep_less() -> None:
    plain, plain_bytes, expected = _layers('"func.call"')
    again, again_bytes, found = _layers('"astra.checkpoint"')
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)
    # Nine layers back are 18 products. Of the forward ones the last is only needed for its argument.
    assert plain.count("dot_general") == 9 + 18
    # The two first checkpoints run before the third is differentiated, and all three once more.
    assert again.count("dot_general") == 6 + 9 + 18
    assert again_bytes <= 0.75 * plain_bytes


def test_policies() -> None:
    """Cheap values are computed again: less memory, the same numbers."""

    def function(x: Any, w: Any) -> Any:
        def body(c: Any, t: Any) -> Any:
            s = jnp.sin(c)
            return jnp.maximum(s * w + t, 0.1) * jnp.exp(-s * t), s.sum()

        return lax.scan(body, x, jnp.linspace(0.0, 1.0, 64)[:, None] * jnp.ones(256))

    x, w = np.linspace(0, 1, 256), np.linspace(1, 2, 256)
    full, expected = reference(function, (x, w), (REVERSE, (0, 1)))
    arenas = {}
    for policy in ("save-all", "recompute-cheap"):
        executable = compile_module(derived(module_of(function, (x, w)), (REVERSE, (0, 1)), policy=policy))
        for found, y in zip(executable(*full), expected, strict=True):
            np.testing.assert_allclose(found, y, rtol=1e-9)
        arenas[policy] = executable.memory().arena_bytes
    # Two values an iteration, the carry and its sine, instead of four; a barrier takes room for a number of each.
    assert arenas["save-all"] - arenas["recompute-cheap"] >= 2 * 64 * x.nbytes - 64 * x.itemsize


# --- rules of the program --------------------------------------------------------------------------------------------

RULES = """
func.func @main(%x: tensor<4xf64>) -> tensor<4xf64> {
  OP : (tensor<4xf64>) -> tensor<4xf64>
  %1 = "astra.multiply"(%0, %0) : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %1 : tensor<4xf64>
}
func.func private @sine(%x: tensor<4xf64>) -> tensor<4xf64> {
  %0 = "astra.sine"(%x) : (tensor<4xf64>) -> tensor<4xf64>
  return %0 : tensor<4xf64>
}
func.func private @half(%x: tensor<4xf64>) -> tensor<4xf64> {
  %two = "astra.constant"() {value = dense<2.0> : tensor<4xf64>} : () -> tensor<4xf64>
  %0 = "astra.divide"(%x, %two) : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %0 : tensor<4xf64>
}
func.func private @double(%x: tensor<4xf64>) -> tensor<4xf64> {
  %0 = "astra.add"(%x, %x) : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %0 : tensor<4xf64>
}
func.func private @rule(%x: tensor<4xf64>, %t: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
  %0 = "astra.sine"(%x) : (tensor<4xf64>) -> tensor<4xf64>
  %1 = "astra.multiply"(%x, %t) : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %0, %1 : tensor<4xf64>, tensor<4xf64>
}
func.func private @forward(%x: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
  %0 = "astra.sine"(%x) : (tensor<4xf64>) -> tensor<4xf64>
  return %0, %x : tensor<4xf64>, tensor<4xf64>
}
func.func private @backward(%x: tensor<4xf64>, %c: tensor<4xf64>) -> tensor<4xf64> {
  %0 = "astra.multiply"(%x, %c) : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %0 : tensor<4xf64>
}
"""

# The operation; its value; its derivative, as the rule says (the sine's is given as x, the solver solves 2 y = x).
CALLS = {
    "stop_gradient": ('%0 = "astra.stop_gradient"(%x)', lambda x: x, np.zeros_like),
    "checkpoint": ('%0 = "astra.checkpoint"(%x) {callee = @sine}', np.sin, np.cos),
    "custom_vmap": ('%0 = "astra.custom_vmap"(%x) {callee = @sine, rule = "r"}', np.sin, np.cos),
    "custom_jvp": ('%0 = "astra.custom_jvp"(%x) {callee = @sine, jvp = @rule}', np.sin, lambda x: x),
    "custom_vjp": (
        '%0 = "astra.custom_vjp"(%x) {callee = @sine, forward = @forward, backward = @backward}', np.sin, lambda x: x
    ),
    "linear_solve": (
        '%0 = "astra.linear_solve"(%x) {matvec = @double, solve = @half, transpose_matvec = @double,'
        " transpose_solve = @half, const_counts = array<i64: 0, 0, 0, 0>}",
        lambda x: x / 2, lambda x: np.full_like(x, 0.5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", [FORWARD, REVERSE])
@pytest.mark.parametrize("name", CALLS)
def test_rules_of_the_program(name: str, mode: str) -> None:
    operation, value, slope = CALLS[name]
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(RULES.replace("OP", operation))
        if (name, mode) == ("custom_vjp", FORWARD):
            with pytest.raises(UnsupportedError, match="reverse mode only"):
                derived(module, (mode, (0,)))
            return
        y, found = compile_module(derived(module, (mode, (0,))))(X, W)
    np.testing.assert_allclose(y, value(X) ** 2, rtol=1e-12)
    np.testing.assert_allclose(found, 2 * value(X) * slope(X) * W, rtol=1e-12)


# --- StableHLO in, StableHLO out -------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [scan, branch_in_scan, switch, limited], ids=lambda f: f.__name__)
def test_exported_derivatives(function: Callable[..., Any]) -> None:
    """In the StableHLO interpreter and in XLA they give what the compiled ones give."""
    mode = FORWARD if function is limited else REVERSE
    full, expected = reference(function, (X, W), (mode, (0, 1)))
    module = derived(module_of(function, (X, W)), (mode, (0, 1)))
    run_pipeline(module, "astra-export")
    assert "astra." not in str(module)
    with make_context(), ir.Location.unknown():
        again = ir.Module.parse(str(module))
        for evaluate in (round_trip.evaluate, round_trip.evaluate_in_jax):
            for x, y in zip(evaluate(again, full), expected, strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)
