"""astra-raise-loops: JAX's loops become scans of the right shape, other loops stay, and values do not change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from jax import lax

from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline
from astra_mlir.passes.simplify_rules.loops import walk

from .interpretation import evaluate, same_bits
from .random_programs import INPUTS, programs

RAISE = "astra-import,astra-inline,astra-simplify,astra-raise-loops,astra-simplify"

generator = np.random.default_rng(0)
XS = generator.standard_normal((10, 4)).astype(np.float32)
C = generator.standard_normal(4).astype(np.float32)


@dataclass(frozen=True)
class Loop:
    """What is known of a scan: iterations, carries, sliced inputs, stacked results, direction, loops inside."""

    trip_count: int
    carries: int
    inputs: int = 0
    stacked: int = 0
    reverse: bool = False


def loops(text: str, pipeline: str = RAISE) -> list[Loop | str]:
    """The loops of a program after a pipeline, outer ones first; "while" for those that were not raised."""
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, pipeline)
        assert module.operation.verify()
        found: list[Loop | str] = []
        for function in module.body.operations:
            for op in walk(function.regions[0].blocks[0]):
                if op.name == "astra.while":
                    found.append("while")
                elif op.name == "astra.scan":
                    trips, carries = (op.attributes[n].value for n in ("trip_count", "num_carries"))
                    inputs, stacked = len(op.operands) - carries, len(op.results) - carries
                    found.append(Loop(trips, carries, inputs, stacked, op.attributes["reverse"].value))
        return found


def sum_scan(c: Any, xs: Any, **options: Any) -> Any:
    return lax.scan(lambda c, x: (c * x + 1, c + x), c, xs, **options)


def nested(c: Any, xs: Any) -> Any:
    def row(c: Any, x: Any) -> Any:
        total, _ = lax.scan(lambda a, b: (a + b, None), c.sum(), x)
        return c * jnp.tanh(total), total

    return lax.scan(row, c, xs)


def gradient(c: Any, xs: Any) -> Any:
    def loss(c: Any, xs: Any) -> Any:
        return lax.scan(lambda c, x: (jnp.sin(c) * x, c), c, xs)[0].sum()

    return jax.grad(loss, argnums=(0, 1))(c, xs)


def filled(c: Any, xs: Any) -> Any:
    """Writes rows of an array in a fori_loop."""
    return lax.fori_loop(0, 10, lambda i, a: a.at[i].set(xs[i] * c), jnp.zeros((10, 4), jnp.float32))


def accumulated(c: Any, xs: Any) -> Any:
    """Reads the row before the one it writes, so the array stays a carry."""
    return lax.fori_loop(1, 10, lambda i, a: a.at[i].set(a[i - 1] + xs[i]), jnp.zeros((10, 4), jnp.float32))


def two_directions(c: Any, xs: Any) -> Any:
    return lax.fori_loop(0, 10, lambda i, c: c + xs[i] * xs[9 - i], c)


def pytree(c: Any, xs: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        return {"a": carry["a"] + x["u"], "n": carry["n"] + 1}, (x["v"] * carry["n"], carry["a"])

    return lax.scan(step, {"a": c, "n": 0}, {"u": xs, "v": xs * 2})


def checkpointed(c: Any, xs: Any) -> Any:
    def loss(c: Any) -> Any:
        body = jax.checkpoint(lambda c, x: (jnp.tanh(c * x), None))
        return lax.scan(body, c, xs)[0].sum()

    return jax.grad(loss)(c)


S = Loop(10, 1, 1, 1)
PROGRAMS: dict[str, tuple[Callable[..., Any], list[Loop | str]]] = {
    "scan": (sum_scan, [S]),
    "reversed": (lambda c, xs: sum_scan(c, xs, reverse=True), [Loop(10, 1, 1, 1, True)]),
    "unrolled twice": (lambda c, xs: sum_scan(c, xs, unroll=2), [Loop(5, 1, 1, 1)]),
    "unrolled three times": (lambda c, xs: sum_scan(c, xs, unroll=3), [Loop(3, 1, 1, 1)]),
    "nested": (nested, [S, Loop(4, 1, 1)]),
    "map": (lambda c, xs: lax.map(lambda x: jnp.sin(x).sum(), xs), [Loop(10, 0, 1, 1)]),
    "gradient": (gradient, [Loop(10, 1, 1, 2), Loop(10, 1, 3, 1, True)]),
    "fori_loop": (lambda c, xs: lax.fori_loop(2, 8, lambda i, c: c * xs[i] + i, c), [Loop(6, 1)]),
    "fori_loop over all rows": (lambda c, xs: lax.fori_loop(0, 10, lambda i, c: c * xs[i] + i, c), [Loop(10, 1, 1)]),
    "fori_loop that writes rows": (filled, [Loop(10, 0, 1, 1)]),
    "fori_loop that reads what it wrote": (accumulated, [Loop(9, 1)]),
    "two directions": (two_directions, [Loop(10, 1, 1)]),
    "repeated rows and results": (
        lambda c, xs: lax.scan(lambda c, x: (c + x[0] * x[1], (c, c)), c, (xs, xs)), [Loop(10, 1, 1, 1)],
    ),
    "rows that count": (
        lambda c, xs: lax.scan(lambda c, i: (c + i, None), c, jnp.arange(10, dtype=jnp.float32)), [Loop(10, 1)],
    ),
    "pytree": (pytree, [Loop(10, 1, 2, 2)]),
    "checkpointed": (checkpointed, [Loop(10, 1, 1, 1), Loop(10, 1, 2, 0, True)]),
    "associative_scan": (lambda c, xs: lax.associative_scan(jnp.add, xs), []),
    "scan of no rows": (lambda c, xs: sum_scan(c, xs[:0]), []),
    "scan of one row": (lambda c, xs: sum_scan(c, xs[:1]), []),
    "condition on data": (lambda c, xs: lax.while_loop(lambda c: c.sum() < 9, lambda c: c + 1, c), ["while"]),
    "counter and condition on data": (
        lambda c, xs: lax.while_loop(lambda s: (s[0] < 5) & (s[1].sum() < 9), lambda s: (s[0] + 1, s[1] + 1), (0, c)),
        ["while"],
    ),
    "counter that doubles": (
        lambda c, xs: lax.while_loop(lambda s: s[0] < 50, lambda s: (s[0] * 2, s[1] + 1), (1, c)), ["while"],
    ),
    "step of data": (
        lambda c, xs: lax.while_loop(
            lambda s: s[0] < 9, lambda s: (s[0] + 1 + (s[1].sum() > 0).astype(int), s[1] + 1), (0, c)
        ), ["while"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_jax(name: str) -> None:
    function, expected = PROGRAMS[name]
    text = jax.jit(function, keep_unused=True).lower(C, XS).as_text()
    assert loops(text) == expected
    assert loops(text, "astra-import,astra-inline,astra-raise-loops,astra-simplify") == expected
    before = evaluate(text, [C, XS], "astra-import")
    for a, b in zip(before, evaluate(text, [C, XS], RAISE), strict=True):
        assert same_bits(a, b)
    for a, b in zip(before, jax.tree.leaves(jax.jit(function)(C, XS)), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_bound_that_is_an_argument_stays_a_while() -> None:
    text = jax.jit(lambda n, c: lax.fori_loop(0, n, lambda i, c: c * 2, c)).lower(5, C).as_text()
    assert loops(text) == ["while"]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(loops=True))
def test_random_loops_keep_their_values(text: str) -> None:
    inputs = list(INPUTS.values())
    before = evaluate(text, inputs)
    for pipeline in ("astra-simplify", "astra-raise-loops", "astra-simplify,astra-raise-loops,astra-simplify"):
        for a, b in zip(before, evaluate(text, inputs, pipeline), strict=True):
            assert same_bits(a, b), (pipeline, a, b)


# --- counted loops of every form -----------------------------------------------------------------------------------


def counted(type: str, start: int, direction: str, bound: int, step: int, *, swapped: bool = False) -> str:
    """Sums the counter's values in a while."""
    scalar, comparison = f"tensor<{type}>", "UNSIGNED" if type.startswith("u") else "SIGNED"
    operands = "%b, %i" if swapped else "%i, %b"
    return f"""
    func.func @main(%sum: {scalar}) -> ({scalar}, {scalar}) {{
      %start = "astra.constant"() {{value = dense<{start}> : {scalar}}} : () -> {scalar}
      %r:2 = "astra.while"(%start, %sum) ({{
      ^bb0(%i: {scalar}, %s: {scalar}):
        %b = "astra.constant"() {{value = dense<{bound}> : {scalar}}} : () -> {scalar}
        %m = "astra.compare"({operands}) {{direction = "{direction}", compare_type = "{comparison}"}}
          : ({scalar}, {scalar}) -> tensor<i1>
        "astra.yield"(%m) : (tensor<i1>) -> ()
      }}, {{
      ^bb0(%i: {scalar}, %s: {scalar}):
        %t = "astra.add"(%s, %i) : ({scalar}, {scalar}) -> {scalar}
        %d = "astra.constant"() {{value = dense<{step}> : {scalar}}} : () -> {scalar}
        %j = "astra.add"(%i, %d) : ({scalar}, {scalar}) -> {scalar}
        "astra.yield"(%j, %t) : ({scalar}, {scalar}) -> ()
      }}) : ({scalar}, {scalar}) -> ({scalar}, {scalar})
      return %r#0, %r#1 : {scalar}, {scalar}
    }}"""


COUNTED = [  # element type, start, comparison, bound, step, trip count (None: not raised)
    ("i32", 0, "LT", 7, 1, 7), ("i32", 3, "LT", 12, 2, 5), ("i32", 3, "LT", 13, 2, 5), ("i32", 0, "LE", 7, 1, 8),
    ("i32", 9, "GT", 2, -1, 7), ("i32", 9, "GE", 2, -3, 3), ("i32", 0, "NE", 12, 3, 4), ("i32", 5, "NE", -5, -2, 5),
    ("i64", -4, "LT", 4, 3, 3), ("i8", -100, "LT", 100, 7, 29), ("ui8", 1, "LE", 200, 50, 4),
    ("ui32", 0, "LT", 5, 1, 5),
    ("i32", 0, "LT", 7, -1, None), ("i32", 0, "NE", 7, 2, None), ("i8", 100, "LE", 127, 1, None),
    ("ui8", 250, "LT", 255, 10, None), ("i32", 0, "EQ", 0, 1, None),
]  # fmt: skip
SWAPPED = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE", "NE": "NE", "EQ": "EQ"}


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("type", "start", "direction", "bound", "step", "trips"), COUNTED)
def test_counted_loops(
    type: str, start: int, direction: str, bound: int, step: int, trips: int | None, swapped: bool
) -> None:
    direction = SWAPPED[direction] if swapped else direction
    text = counted(type, start, direction, bound, step, swapped=swapped)
    if trips is None:
        assert loops(text, "astra-raise-loops") == ["while"]
        return
    assert loops(text, "astra-raise-loops") == [Loop(trips, 1)]
    dtype = np.dtype(type.replace("ui", "uint") if type.startswith("u") else f"int{type[1:]}")
    before = evaluate(text, [np.asarray(1, dtype)])
    after = evaluate(text, [np.asarray(1, dtype)], "astra-raise-loops")
    assert [x.item() for x in before] == [x.item() for x in after]


def test_loop_whose_condition_is_false_at_once_disappears() -> None:
    assert loops(counted("i32", 9, "LT", 7, 1), "astra-simplify") == []
