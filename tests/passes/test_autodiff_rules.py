"""Derivative rules of all families but the elementwise, against JAX and central differences, in double precision.

A case is a function of arrays.  Its gradient program, ``astra.vjp``, is differentiated forwards, so that one compiled
program gives the value, the cotangents, the tangents and the second derivatives; all are compared with ``jax.jvp`` of
``jax.vjp``.  What JAX does not differentiate (or wrongly) is compared with central differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from astra_mlir.bindings import ir, make_context
from astra_mlir.compiler import compile_module
from astra_mlir.errors import UnsupportedError
from astra_mlir.jax_frontend.capture import capture
from astra_mlir.passes import run_pipeline
from astra_mlir.passes.autodiff import AutodiffPass

Function = Callable[..., Any]
Arrays = Sequence[np.ndarray]


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def a(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of which no two are equal."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def c(*shape: int, seed: int = 0) -> np.ndarray:
    """Complex numbers."""
    return a(*shape, seed=seed) + 1j * a(*shape, seed=seed + 1)


def ties(*shape: int) -> np.ndarray:
    """Small integers, as floats: many are equal, many are zero."""
    return np.random.default_rng(shape).integers(0, 3, shape).astype(float)


def bf16(*shape: int) -> np.ndarray:
    """Short floats."""
    return a(*shape).astype(jnp.bfloat16)


def ints(*values: Any) -> np.ndarray:
    """Indices."""
    return np.array(values)


# --- running ---------------------------------------------------------------------------------------------------------


def _is_inexact(x: Any) -> bool:
    return bool(jnp.issubdtype(np.asarray(x).dtype, jnp.inexact))


def _module(function: Function, arguments: Arrays) -> ir.Module:
    return capture(function, arguments, {}).program.parse(make_context())


def _derived(module: ir.Module, *steps: tuple[str, Sequence[int]]) -> Callable[..., tuple[np.ndarray, ...]]:
    for mode, wrt in steps:
        run_pipeline(module, [AutodiffPass(fn="main", mode=mode, wrt=tuple(wrt))])
    return compile_module(module)


def _random_like(x: np.ndarray, seed: int) -> np.ndarray:
    x = np.asarray(x)
    make = c if np.iscomplexobj(x) else a
    return np.asarray(make(*x.shape, seed=seed)).astype(x.dtype)


def _compare(got: Sequence[np.ndarray], expected: Any, tolerance: float) -> None:
    expected = [np.asarray(x) for x in jax.tree_util.tree_leaves(expected)]
    assert [x.shape for x in got] == [x.shape for x in expected]
    for x, y in zip(got, expected, strict=True):
        wide = np.complex128 if np.iscomplexobj(y) else np.float64
        np.testing.assert_allclose(x.astype(wide), y.astype(wide), rtol=tolerance, atol=tolerance)


class Case:
    """A function of arrays, and its inexact arguments and results."""

    def __init__(self, function: Function, arguments: Arrays) -> None:
        self.function = function
        self.arguments = [jnp.asarray(x) for x in arguments]
        self.wrt = [i for i, x in enumerate(self.arguments) if _is_inexact(x)]
        self.xs = [self.arguments[i] for i in self.wrt]
        self.ts = [_random_like(x, 10 + i) for i, x in enumerate(self.xs)]
        values = self._results(self.xs)
        self.returned = [i for i, y in enumerate(values) if _is_inexact(y)]
        self.cs = [_random_like(values[i], 20 + i) for i in self.returned]
        self.tcs = [_random_like(x, 30 + i) for i, x in enumerate(self.cs)]
        self.base = [np.asarray(x) for x in self.arguments]

    def _results(self, xs: Sequence[Any]) -> tuple[Any, ...]:
        full = list(self.arguments)
        for i, x in zip(self.wrt, xs, strict=True):
            full[i] = x
        found = self.function(*full)
        return tuple(found) if isinstance(found, tuple | list) else (found,)

    def inexact(self, *xs: Any) -> list[Any]:
        """The function of inexact arguments, to inexact results."""
        values = self._results(xs)
        return [values[i] for i in self.returned]

    def check(self, tolerance: float = 1e-9) -> None:
        """Both modes and second derivatives, against JAX."""
        count = len(self.base)
        module = _module(self.function, self.arguments)
        second = _derived(
            module, ("reverse", self.wrt), ("forward", [*self.wrt, *range(count, count + len(self.returned))])
        )

        def gradients(xs: Any, cs: Any) -> Any:
            ys, transposed = jax.vjp(self.inexact, *xs)
            return ys, transposed(list(cs))

        expected = jax.jvp(gradients, (tuple(self.xs), tuple(self.cs)), (tuple(self.ts), tuple(self.tcs)))
        got = second(*self.base, *self.cs, *self.ts, *self.tcs)
        leaves = len(jax.tree_util.tree_leaves(expected[0]))
        _compare(got[-leaves:], expected[1], tolerance)
        total = len(got) - leaves
        _compare(got[total - len(self.wrt) : total], expected[0][1], tolerance)

    def forward(self) -> tuple[np.ndarray, ...]:
        """The tangents."""
        found = _derived(_module(self.function, self.arguments), ("forward", self.wrt))(*self.base, *self.ts)
        return found[len(found) - len(self.returned) :]

    def reverse(self) -> tuple[np.ndarray, ...]:
        """The cotangents."""
        found = _derived(_module(self.function, self.arguments), ("reverse", self.wrt))(*self.base, *self.cs)
        return found[len(found) - len(self.wrt) :]

    def check_by_differences(self, tolerance: float = 1e-5) -> None:
        """Both modes against the change of the compiled function along the tangents."""
        step, primal = 1e-5, compile_module(_module(self.function, self.arguments))
        ends = []
        for sign in (1, -1):
            moved = list(self.base)
            for i, t in zip(self.wrt, self.ts, strict=True):
                moved[i] = moved[i] + sign * step * t
            found = primal(*moved)
            ends.append([found[i] for i in self.returned])
        expected = [(y - z) / (2 * step) for y, z in zip(*ends, strict=True)]
        _compare(self.forward(), expected, tolerance)
        paired = sum(np.vdot(t, x) for t, x in zip(self.ts, self.reverse(), strict=True))
        change = sum(np.vdot(x, y) for x, y in zip(self.cs, expected, strict=True))
        np.testing.assert_allclose(paired, change, rtol=tolerance, atol=tolerance)


# --- contractions ----------------------------------------------------------------------------------------------------


def conv(spec: tuple[str, str, str], **how: Any) -> Function:
    """A convolution."""
    how = {"window_strides": (1, 1), "padding": "SAME"} | how
    return lambda x, w: lax.conv_general_dilated(x, w, dimension_numbers=spec, **how)


NCHW, NHWC = ("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "NHWC")
CONTRACTIONS: dict[str, tuple[Any, ...]] = {
    "matmul": (jnp.matmul, a(3, 4), a(4, 5)),
    "left transposed": (lambda x, y: jnp.einsum("ki,kj->ij", x, y), a(4, 3), a(4, 5)),
    "right transposed": (lambda x, y: jnp.einsum("ik,jk->ij", x, y), a(3, 4), a(5, 4)),
    "batches": (lambda x, y: jnp.einsum("bik,kbj->jib", x, y), a(2, 3, 4), a(4, 2, 5)),
    "two contractions": (
        lambda x, y: lax.dot_general(x, y, (((0, 3), (2, 1)), ((2,), (0,)))), a(2, 3, 4, 5), a(4, 5, 2, 6)
    ),
    "vectors": (jnp.dot, a(4), a(4, seed=1)),
    "complex": (jnp.matmul, c(3, 4), c(4, 2)),
    "convolution": (conv(NCHW), a(2, 3, 5, 6), a(4, 3, 3, 2)),
    "strides": (conv(NHWC, window_strides=(2, 1), padding=((1, 2), (0, 1))), a(2, 7, 6, 3), a(3, 2, 3, 4)),
    "layouts": (
        conv(("HNWC", "OHWI", "CWHN"), window_strides=(2, 3), padding=((1, 2), (0, 1))), a(7, 2, 6, 3), a(4, 3, 2, 3)
    ),
    "dilations": (
        conv(NCHW, window_strides=(2, 1), padding=((2, 1), (1, 3)), lhs_dilation=(2, 3), rhs_dilation=(2, 1)),
        a(2, 3, 5, 4), a(4, 3, 3, 2),
    ),
    "cut off": (
        conv(NCHW, window_strides=(2, 1), padding=((-1, 1), (0, -2)), rhs_dilation=(1, 2)), a(2, 3, 9, 9), a(4, 3, 3, 2)
    ),
    "feature groups": (conv(NCHW, window_strides=(2, 1), feature_group_count=2), a(2, 4, 5, 6), a(6, 2, 3, 2)),
    "depthwise": (conv(NHWC, feature_group_count=4), a(2, 5, 6, 4), a(3, 3, 1, 8)),
    "batch groups": (conv(NCHW, window_strides=(2, 1), batch_group_count=2), a(4, 3, 5, 6), a(6, 3, 3, 2)),
    "three dimensions": (
        conv(("NCDHW", "OIDHW", "NCDHW"), window_strides=(1, 2, 1)), a(1, 2, 3, 4, 3), a(2, 2, 2, 3, 2)
    ),
    "no dimensions": (conv(("NC", "OI", "NC"), window_strides=(), padding=()), a(3, 2), a(4, 2)),
    "complex convolution": (conv(("NCH", "OIH", "NCH"), window_strides=(2,)), c(1, 2, 5), c(2, 2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRACTIONS)
def test_contraction(name: str) -> None:
    function, *arguments = CONTRACTIONS[name]
    Case(function, arguments).check()


def test_products_wider_than_operands() -> None:
    wide = {"preferred_element_type": jnp.float32}
    Case(lambda x, y: lax.dot(x, y, **wide), (bf16(3, 4), bf16(4, 5))).check(3e-2)
    Case(lambda x, y: lax.conv_general_dilated(x, y, (1,), "SAME", **wide), (bf16(2, 3, 6), bf16(4, 3, 3))).check(0.1)


REVERSED = """
func.func @main(%x: tensor<2x6x5x3xf64>, %w: tensor<3x2x3x4xf64>) -> tensor<2x3x4x4xf64> {
  %0 = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
      window = {stride = [2, 1], pad = [[1, 0], [0, 0]], reverse = [true, false]}
      {feature_group_count = 1 : i64, batch_group_count = 1 : i64}
      : (tensor<2x6x5x3xf64>, tensor<3x2x3x4xf64>) -> tensor<2x3x4x4xf64>
  return %0 : tensor<2x3x4x4xf64>
}
"""


def test_reversed_kernel() -> None:
    """JAX has no such convolution, but it is that with the kernel reversed."""

    def function(x: Any, w: Any) -> Any:
        return conv(NHWC, window_strides=(2, 1), padding=((1, 0), (0, 0)))(x, jnp.flip(w, 0))

    case = Case(function, (a(2, 6, 5, 3), a(3, 2, 3, 4)))
    with make_context():
        got = _derived(ir.Module.parse(REVERSED), ("reverse", (0, 1)))(*case.base, *case.cs)
    _compare(got[1:], jax.vjp(case.inexact, *case.xs)[1](case.cs), 1e-9)


# --- reads and writes at computed positions --------------------------------------------------------------------------

ROWS = ints(3, 1, 3, 9, 0, -1, 1)
STARTS = ints([0], [5], [-2], [1])
WINDOWS = lax.ScatterDimensionNumbers((1,), (), (0,))


def at(kind: str, **how: Any) -> Function:
    """``x.at[k].<kind>(u)``."""
    return lambda x, u, *k: getattr(x.at[k], kind)(u, **how)


INDEXING: dict[str, tuple[Any, ...]] = {
    "dynamic slice": (lambda x, k: lax.dynamic_slice(x, (k, k), (2, 3)), a(5, 6), np.array(9)),
    "dynamic update": (lambda x, u, k: lax.dynamic_update_slice(x, u, (k, -k)), a(5, 6), a(2, 3), np.array(2)),
    "rows": (lambda x, k: x[k], a(5, 6), ints(0, 3, 3, -1)),
    "clipped columns": (lambda x, k: jnp.take(x, k, axis=1, mode="clip"), a(5, 6), ints([0, 3], [3, -1], [7, 5])),
    "two indices": (lambda x, k, m: x[k, :, m], a(5, 3, 4), ints(0, 3, 3), ints(1, 1, 2)),
    "along an axis": (lambda x, k: jnp.take_along_axis(x, k, 1), a(3, 4), ints([0, 3], [1, 1], [2, 0])),
    "constant indices": (lambda x: x[ints(0, 2, 2, 4)], a(5, 6)),
    "filled": (lambda x, k: x.at[k].get(mode="fill", fill_value=1.0), a(5, 6), ints(0, 7, 3, -9)),
    "slices of batches": (
        jax.vmap(lambda x, k: lax.dynamic_slice(x, (k,), (3,))), a(4, 6), ints(0, -3, 9, 2)
    ),
    "many slices": (
        lambda x, k: jax.vmap(lambda i: lax.dynamic_slice(x, (i, i), (3, 2)))(k), a(6, 3), ints(0, -3, 9, 2)
    ),
    **{f"{kind} rows": (at(kind), a(5, 3), a(7, 3), ROWS) for kind in ("add", "set", "max", "min")},
    **{f"{kind} one row": (at(kind), a(5, 3), a(3), np.array(2)) for kind in ("add", "set", "max")},
    "multiply one row": (at("multiply", unique_indices=True), a(5, 3), a(3), np.array(2)),
    **{f"{kind} numbers": (at(kind), a(5), a(7), ROWS) for kind in ("set", "min")},
    "multiply rows": (at("multiply", unique_indices=True), a(5, 3), a(4, 3), ints(4, 1, 9, 0)),
    "set unique": (at("set", unique_indices=True), a(5, 3, 2), a(3, 2), ints(0, 3, 9), ints(1, 1, 2)),
    "add windows": (lambda x, k, u: lax.scatter_add(x, k, u, WINDOWS, mode="clip"), a(6), STARTS, a(4, 3)),
    "set windows": (lambda x, k, u: lax.scatter(x, k, u, WINDOWS, mode="clip"), a(6), STARTS, a(4, 3)),
    "dropped windows": (lambda x, k, u: lax.scatter(x, k, u, WINDOWS, mode="drop"), a(9), STARTS % 13, a(4, 3)),
    "set in batches": (
        jax.vmap(lambda x, k, u: x.at[k].set(u)), a(3, 4), ints([0, 0, 3], [2, 1, 2], [1, 1, 1]), a(3, 3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INDEXING)
def test_indexing(name: str) -> None:
    function, *arguments = INDEXING[name]
    Case(function, arguments).check()


def test_scatter_shares_equal_extremes() -> None:
    arguments = np.array([1.0, 2, 3, 0, 1]), np.array([1.0, 1, 3, 4, 4, 7]), ints(0, 0, 2, 3, 3, 9)
    case = Case(at("max"), arguments)
    _compare(case.reverse(), jax.vjp(case.inexact, *case.xs)[1](case.cs), 1e-9)
    _compare(case.forward(), jax.jvp(case.inexact, tuple(case.xs), tuple(case.ts))[1], 1e-9)


def test_windows_outside_in_part() -> None:
    """Of a scattered window the elements outside are left out, also in the derivative (XLA leaves the window out)."""
    text = """
    func.func @main(%x: tensor<4xf64>, %k: tensor<3x1xi32>, %u: tensor<3x2xf64>) -> tensor<4xf64> {
      %0 = "astra.scatter"(%x, %k, %u) ({}) {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64>,
          input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>,
          scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "update"}
          : (tensor<4xf64>, tensor<3x1xi32>, tensor<3x2xf64>) -> tensor<4xf64>
      return %0 : tensor<4xf64>
    }
    """
    indices = np.array([[-1], [3], [2]], np.int32)  # the last one overwrites what the second wrote
    with make_context():
        reverse = _derived(ir.Module.parse(text), ("reverse", (0, 2)))
    _, of_x, of_u = reverse(a(4), indices, a(3, 2), np.array([1.0, 2, 3, 4]))
    np.testing.assert_array_equal(of_x, [0, 2, 0, 0])
    np.testing.assert_array_equal(of_u, [[0, 1], [0, 0], [3, 4]])


@pytest.mark.parametrize("kind", ["update", "add", "multiply", "maximum"])
def test_scattered_results_wider_than_operands(kind: str) -> None:
    text = f"""
    func.func @main(%x: tensor<4xf32>, %k: tensor<2x1xi32>, %u: tensor<2xf32>) -> tensor<4xf64> {{
      %0 = "astra.scatter"(%x, %k, %u) ({{}}) {{update_window_dims = array<i64>, inserted_window_dims = array<i64: 0>,
          input_batching_dims = array<i64>, scatter_indices_batching_dims = array<i64>, unique_indices = true,
          scatter_dims_to_operand_dims = array<i64: 0>, index_vector_dim = 1 : i64, kind = "{kind}"}}
          : (tensor<4xf32>, tensor<2x1xi32>, tensor<2xf32>) -> tensor<4xf64>
      return %0 : tensor<4xf64>
    }}
    """
    method = {"update": "set", "maximum": "max"}.get(kind, kind)

    def function(x: Any, k: Any, u: Any) -> Any:
        return getattr(x.astype(jnp.float64).at[k[:, 0]], method)(u.astype(jnp.float64), unique_indices=True)

    case = Case(function, (a(4).astype(np.float32), np.array([[3], [1]], np.int32), a(2).astype(np.float32)))
    with make_context():
        forward = _derived(ir.Module.parse(text), ("forward", (0, 2)))
        reverse = _derived(ir.Module.parse(text), ("reverse", (0, 2)))
    _compare(forward(*case.base, *case.ts), jax.jvp(case.inexact, tuple(case.xs), tuple(case.ts)), 1e-6)
    _compare(reverse(*case.base, *case.cs)[1:], jax.vjp(case.inexact, *case.xs)[1](case.cs), 1e-6)


def test_several_factors_of_one_element_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"'astra.scatter' cannot be differentiated.*unique_indices=True"):
        Case(at("multiply"), (a(5), a(7), ROWS)).reverse()


# --- reductions ------------------------------------------------------------------------------------------------------


def affine(x: Any, y: Any) -> Any:
    """A reduction by a combiner of pairs."""
    return lax.reduce((x, y), (1.0, 0.0), lambda p, q: (p[0] * q[0], p[0] * q[1] + p[1] * q[0]), (0,))


def window(function: Any, start: float, *how: Any) -> Function:
    """A window reduction."""
    return lambda x: lax.reduce_window(x, start, function, *how)


def pooled(start: float, function: Any, x: Any, s: Any) -> Any:
    """The gradient of a pooling."""
    return jax.vjp(window(function, start, (2, 3), (2, 1), "SAME"), x)[1](s)[0]


POOL = (1, 2, 3), (1, 2, 1)
REDUCTIONS: dict[str, tuple[Any, ...]] = {
    "sum": (lambda x: jnp.sum(x, (0, 2)), a(3, 4, 5)),
    "product": (lambda x: jnp.prod(x, 1), a(3, 4, 2)),
    "product of dimensions": (lambda x: jnp.prod(x, (0, 2)), a(3, 2, 3)),
    "product with zeros": (lambda x: jnp.prod(x, 1), ties(5, 4)),
    "complex product": (lambda x: jnp.prod(x, 0), c(4, 2)),
    "maximum": (lambda x: jnp.max(x, 1), a(3, 4)),
    "equal maxima": (lambda x: jnp.max(x, (0, 2)), ties(3, 4, 5)),
    "equal minima": (lambda x: jnp.min(x, 0), ties(6, 4)),
    "log of sum of exponentials": (lambda x: lax.reduce(x, -jnp.inf, jnp.logaddexp, (0,)), a(3, 2)),
    "pairs": (affine, a(3, 2), a(3, 2, seed=1)),
    "sum pooling": (window(lax.add, 0.0, *POOL, "SAME"), a(2, 6, 5)),
    "dilated sum pooling": (
        window(lax.add, 0.0, *POOL, ((0, 0), (1, 2), (2, 0)), (1, 2, 1), (1, 1, 2)), a(2, 6, 5)
    ),
    "max pooling": (window(lax.max, -jnp.inf, *POOL, "SAME"), a(2, 6, 5)),
    "max pooling of equals": (window(lax.max, -jnp.inf, *POOL, "SAME"), ties(2, 6, 5)),
    "min pooling": (window(lax.min, jnp.inf, (1, 2, 3), (1, 2, 3), "VALID"), ties(2, 6, 7)),
    "max pooling of spread elements": (
        window(lax.max, -jnp.inf, *POOL, ((0, 0), (1, 2), (2, 0)), (1, 2, 1)), a(2, 6, 5)
    ),
    "select and scatter": (lambda x, s: pooled(-jnp.inf, lax.max, x, s), a(6, 7), a(3, 7)),
    "select the least": (lambda x, s: pooled(jnp.inf, lax.min, x, s), a(6, 7), a(3, 7)),
    **{
        f"{f.__name__}{', reversed' if r else ''}": (lambda x, f=f, r=r: f(x, axis=1, reverse=r), a(2, 4, 2))
        for f in (lax.cumsum, lax.cumprod, lax.cummax, lax.cummin, lax.cumlogsumexp) for r in (False, True)
    },
    "cumprod with zeros": (lambda x: lax.cumprod(x, 0), ties(7)),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction(name: str) -> None:
    function, *arguments = REDUCTIONS[name]
    Case(function, arguments).check()


def test_wider_sums() -> None:
    Case(lambda x: jnp.sum(x, 1, dtype=jnp.float32), (bf16(3, 4),)).check(2e-2)


WIDER = {
    "reduce": ("tensor<2x4xf32>", "tensor<2xf64>", "dimensions = array<i64: 1>"),
    "reduce_window": (
        "tensor<2x4xf32>", "tensor<2x3xf64>",
        "window_dimensions = array<i64: 1, 2>, window_strides = array<i64: 1, 1>, base_dilations = array<i64: 1, 1>, "
        "window_dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["add", "multiply", "maximum"])
@pytest.mark.parametrize("name", WIDER)
def test_results_wider_than_operands(name: str, kind: str) -> None:
    source, target, attributes = WIDER[name]
    text = f"""func.func @main(%x: {source}, %i: tensor<f32>) -> {target} {{
      %0 = "astra.{name}"(%x, %i) ({{}}) {{{attributes}, kind = "{kind}"}} : ({source}, tensor<f32>) -> {target}
      return %0 : {target}
    }}"""

    def function(x: Any, i: Any) -> Any:
        x, i = x.astype(jnp.float64), i.astype(jnp.float64)
        f = {"add": jnp.add, "multiply": jnp.multiply, "maximum": jnp.maximum}[kind]
        if name == "reduce":
            return f(i, {"add": jnp.sum, "multiply": jnp.prod, "maximum": jnp.max}[kind](x, 1))
        return f(i, f(x[:, :-1], x[:, 1:]))

    case = Case(function, (a(2, 4).astype(np.float32), np.float32(0.5)))
    with make_context():
        forward = _derived(ir.Module.parse(text), ("forward", (0, 1)))
        reverse = _derived(ir.Module.parse(text), ("reverse", (0, 1)))
    _compare(forward(*case.base, *case.ts), jax.jvp(case.inexact, tuple(case.xs), tuple(case.ts)), 1e-6)
    _compare(reverse(*case.base, *case.cs)[1:], jax.vjp(case.inexact, *case.xs)[1](case.cs), 1e-6)


def test_argmax_with_indices_of_its_own() -> None:
    """Equal values with equal indices share."""
    text = """
    func.func @main(%x: tensor<3x4xf64>, %k: tensor<3x4xi32>) -> tensor<3xf64> {
      %init = "astra.constant"() {value = dense<0xFFF0000000000000> : tensor<f64>} : () -> tensor<f64>
      %first = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
      %0:2 = "astra.reduce"(%x, %k, %init, %first) ({}) {dimensions = array<i64: 1>, kind = "argmax"}
          : (tensor<3x4xf64>, tensor<3x4xi32>, tensor<f64>, tensor<i32>) -> (tensor<3xf64>, tensor<3xi32>)
      return %0#0 : tensor<3xf64>
    }
    """
    x = np.array([[1.0, 3, 2, 3], [5, 1, 1, 1], [0, 2, 2, 2]])
    k = np.array([[7, 7, 7, 7], [1, 2, 3, 4], [9, 8, 8, 9]], np.int32)
    with make_context():
        forward = _derived(ir.Module.parse(text), ("forward", (0,)))
        reverse = _derived(ir.Module.parse(text), ("reverse", (0,)))
    np.testing.assert_array_equal(forward(x, k, np.arange(12.0).reshape(3, 4))[1], [2, 4, 9.5])
    np.testing.assert_array_equal(
        reverse(x, k, np.array([1.0, 2, 3]))[1], [[0, 0.5, 0, 0.5], [2, 0, 0, 0], [0, 1.5, 1.5, 0]]
    )


def argmax(x: Any) -> Any:
    """The largest value, by the form of reduction that gives its index too."""

    def larger(p: Any, q: Any) -> Any:
        wins = (p[0] > q[0]) | (p[0] != p[0])
        takes = wins | ((p[0] == q[0]) & (p[1] < q[1]))
        return lax.select(wins, p[0], q[0]), lax.select(takes, p[1], q[1])

    numbers = lax.broadcasted_iota(jnp.int32, x.shape, 1)
    return lax.reduce((x, numbers), (-jnp.inf, jnp.int32(0)), larger, (1,))


DIFFERENCES: dict[str, tuple[Any, ...]] = {  # JAX refuses these, or one mode of them
    "sum and initial value": (lambda x, i: lax.reduce(x, i, lax.add, (1,)), a(3, 4), a()),
    "product and initial value": (lambda x, i: lax.reduce(x, i, lax.mul, (1,)), a(3, 4), a()),
    "maximum and initial value": (lambda x, i: lax.reduce(x, i, lax.max, (1,)), a(3, 4), np.array(0.5)),
    "maximum from a constant": (lambda x: lax.reduce(x, 0.5, lax.max, (1,)), a(6, 2)),
    "argmax": (argmax, a(3, 5)),
    "dilated max windows": (window(lax.max, -jnp.inf, *POOL, "VALID", None, (1, 1, 2)), a(2, 6, 7)),
    "max windows from a constant": (window(lax.max, 0.5, *POOL, "SAME"), a(2, 6, 5)),
    "products of windows": (window(lax.mul, 1.0, *POOL, "SAME"), a(2, 4, 5)),
    "custom windows": (window(lambda x, y: x + y + x * y, 0.0, *POOL, "SAME"), a(2, 4, 5)),
    "initial value of windows": (
        lambda x, i: lax.reduce_window(x, i, lambda x, y: x + y, *POOL, "SAME"), a(2, 6, 5), a()
    ),
    "initial value of max windows": (
        lambda x, i: lax.reduce_window(x, i, lambda x, y: jnp.maximum(x, y), *POOL, "SAME"), a(2, 6, 5), np.array(0.5)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENCES)
def test_reduction_by_differences(name: str) -> None:
    function, *arguments = DIFFERENCES[name]
    Case(function, arguments).check_by_differences()


def test_infinite_elements_of_cumulative_logaddexp() -> None:
    case = Case(lambda x: lax.cumlogsumexp(x, 0), (np.array([-np.inf, 0, 1, -np.inf, 2]),))
    assert np.isfinite(case.forward()[0]).all()
    assert np.isfinite(case.reverse()[0]).all()


# --- sorting ---------------------------------------------------------------------------------------------------------

SORTING: dict[str, tuple[Any, ...]] = {
    "sort": (lambda x: jnp.sort(x, 1), a(3, 5, 2)),
    "descending": (lambda x: jnp.sort(x, 0, descending=True), a(5)),
    "two keys": (
        lambda x, y, z: lax.sort((x, y, z), dimension=0, num_keys=2),
        a(4, 2), a(4, 2, seed=1), ints([1, 2], [3, 0], [2, 2], [1, 1]),
    ),
    "stable": (lambda x, y: lax.sort((x, y), dimension=0, num_keys=1), ties(6), a(6)),
    "integer keys": (lambda k, y: lax.sort((k, y), dimension=0, num_keys=1), ints(2, 0, 1, 2), a(4)),
    "median": (lambda x: jnp.median(x, 0), a(7, 2)),
    "largest": (lambda x: lax.top_k(x, 3), a(2, 7)),
}  # fmt: skip


@pytest.mark.parametrize("name", SORTING)
def test_sorting(name: str) -> None:
    function, *arguments = SORTING[name]
    Case(function, arguments).check()


def test_sorting_by_a_comparator() -> None:
    """By absolute value, which takes a region."""
    text = """
    func.func @main(%x: tensor<4xf64>, %y: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
      %0:2 = "stablehlo.sort"(%x, %y) ({
      ^bb0(%a: tensor<f64>, %b: tensor<f64>, %c: tensor<f64>, %d: tensor<f64>):
        %p = stablehlo.abs %a : tensor<f64>
        %q = stablehlo.abs %b : tensor<f64>
        %r = stablehlo.compare LT, %p, %q : (tensor<f64>, tensor<f64>) -> tensor<i1>
        stablehlo.return %r : tensor<i1>
      }) {dimension = 0 : i64, is_stable = true} : (tensor<4xf64>, tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>)
      return %0#0, %0#1 : tensor<4xf64>, tensor<4xf64>
    }
    """
    x, y, t, u = np.array([-3.0, 1, -2, 0.5]), a(4), a(4, seed=1), a(4, seed=2)
    order = [3, 1, 2, 0]
    with make_context():
        forward = _derived(ir.Module.parse(text), ("forward", (0, 1)))
        reverse = _derived(ir.Module.parse(text), ("reverse", (0, 1)))
    _compare(forward(x, y, t, u), [x[order], y[order], t[order], u[order]], 0)
    back = np.argsort(order)
    _compare(reverse(x, y, t, u), [x[order], y[order], t[back], u[back]], 0)


# --- linear algebra --------------------------------------------------------------------------------------------------


def positive(x: np.ndarray) -> np.ndarray:
    """Positive definite matrices."""
    return x @ np.conj(np.swapaxes(x, -1, -2)) + x.shape[-1] * np.eye(x.shape[-1])


def solve(left: bool, lower: bool, how: str, unit: bool) -> Function:
    """Triangular solves; ``how``: N, T or H."""
    return lambda m, y: lax.linalg.triangular_solve(
        m, y, left_side=left, lower=lower, transpose_a=how != "N", conjugate_a=how == "H", unit_diagonal=unit
    )


SOLVES = [  # left_side, lower, transpose_a, unit_diagonal, complex
    *((left, lower, how, False, True) for left in (True, False) for lower in (True, False) for how in "NTH"),
    (True, True, "N", True, False), (False, True, "T", True, False), (True, False, "H", True, False),
    (False, False, "N", False, False),
]  # fmt: skip
FFT = jnp.fft
LINEAR_ALGEBRA: dict[str, tuple[Any, ...]] = {
    "cholesky": (jnp.linalg.cholesky, positive(a(3, 2, 2))),
    "upper cholesky": (lambda x: jnp.linalg.cholesky(x, upper=True), positive(a(3, 3))),
    "complex cholesky": (jnp.linalg.cholesky, positive(c(3, 3))),
    "cholesky as it is": (lambda x: lax.linalg.cholesky(x, symmetrize_input=False), positive(a(3, 3))),
    "fft": (FFT.fftn, c(2, 3, 4)),
    "ifft": (FFT.ifft, c(2, 6)),
    **{f"rfft of {n}": (FFT.rfft, a(2, n)) for n in (1, 2, 6, 7)},
    **{f"irfft to {n}": (lambda x, n=n: FFT.irfft(x, n), c(2, n // 2 + 1)) for n in (1, 2, 6, 7)},
    "rfftn": (lambda x: FFT.rfftn(x, axes=(1, 2, 3)), a(2, 3, 4, 5)),
    "irfftn": (lambda x: FFT.irfftn(x, s=(3, 4, 6), axes=(1, 2, 3)), c(2, 3, 4, 4)),
}


@pytest.mark.parametrize("name", LINEAR_ALGEBRA)
def test_linear_algebra(name: str) -> None:
    function, *arguments = LINEAR_ALGEBRA[name]
    Case(function, arguments).check()


@pytest.mark.parametrize(("left", "lower", "how", "unit", "is_complex"), SOLVES)
def test_triangular_solve(left: bool, lower: bool, how: str, unit: bool, is_complex: bool) -> None:
    make = c if is_complex else a
    right = make(2, 3, 2) if left else make(2, 2, 3)
    Case(solve(left, lower, how, unit), (make(2, 3, 3) + 2 * np.eye(3), right)).check()


def test_upper_factors() -> None:
    """JAX makes an upper factor of a lower one, so it is compared with that."""
    text = """
    func.func @main(%x: tensor<3x3xcomplex<f64>>) -> tensor<3x3xcomplex<f64>> {
      %0 = "astra.cholesky"(%x) {lower = false} : (tensor<3x3xcomplex<f64>>) -> tensor<3x3xcomplex<f64>>
      return %0 : tensor<3x3xcomplex<f64>>
    }
    """
    case = Case(lambda x: jnp.linalg.cholesky(x, upper=True), (positive(c(3, 3)),))
    t = case.ts[0] + np.conj(case.ts[0].T)  # of Hermitian matrices both are the same
    upper = np.triu(case.cs[0])
    with make_context():
        forward = _derived(ir.Module.parse(text), ("forward", (0,)))
        reverse = _derived(ir.Module.parse(text), ("reverse", (0,)))
    expected = jax.jvp(case.inexact, tuple(case.xs), (t,))[1][0]
    np.testing.assert_allclose(forward(*case.base, t)[1], expected, atol=1e-9)
    paired = np.sum(reverse(*case.base, upper)[1] * t)
    np.testing.assert_allclose(paired, np.sum(upper * np.asarray(expected)), atol=1e-9)


# --- random numbers, calls, refusals ---------------------------------------------------------------------------------


def test_random_numbers_are_constants() -> None:
    Case(lambda x: x * jax.random.normal(jax.random.key(0), (3,)), (a(3),)).check()


def test_refusals_name_the_operation() -> None:
    call = """
    func.func @main(%x: tensor<4xf64>) -> tensor<4xf64> {
      %0 = "astra.custom_call"(%x) {call_target_name = "mystery", has_side_effect = false}
          : (tensor<4xf64>) -> tensor<4xf64>
      return %0 : tensor<4xf64>
    }
    """
    rng = """
    func.func @main(%x: tensor<f64>, %shape: tensor<1xi64>) -> tensor<4xf64> {
      %0 = "astra.rng"(%x, %x, %shape) {distribution = "UNIFORM"}
          : (tensor<f64>, tensor<f64>, tensor<1xi64>) -> tensor<4xf64>
      return %0 : tensor<4xf64>
    }
    """
    for text, message in ((call, "'astra.custom_call' cannot be.*'mystery'"), (rng, "'astra.rng' cannot be")):
        for mode in ("forward", "reverse"):
            with make_context(), pytest.raises(UnsupportedError, match=message):
                _derived(ir.Module.parse(text), (mode, (0,)))
