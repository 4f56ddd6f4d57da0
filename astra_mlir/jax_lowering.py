"""How JAX primitives without a platform-independent lowering become StableHLO for the platforms of Astra.

JAX lowers most primitives for a platform that it does not know in the way that suits Astra (``cumsum`` as one
reduce_window, ``lu`` as loops, ``top_k`` and ``erf`` as CHLO).  The table below has the few where that way is a custom
call or a quadratic algorithm.  Registering is done once, by ``register``; it has no effect on JAX's own platforms.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax._src.interpreters import mlir
from jax._src.lax import ann
from jax._src.lax import lax as lax_internal
from jax._src.lax import linalg as lax_linalg
from jax._src.lax.control_flow import loops
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo as hlo

__all__ = ["AUTODIFF_PLATFORM", "PLATFORM", "register"]

PLATFORM = "astra"

# What functions under a transformation are lowered for: as PLATFORM, but with JAX's derivative rules kept.
AUTODIFF_PLATFORM = "astra_autodiff"


def _logaddexp_scan(x: jax.Array, *, axis: int, reverse: bool) -> jax.Array:
    """Logarithmic depth in place of a window of full length with a custom combiner."""
    return lax.associative_scan(jnp.logaddexp, x, axis=axis, reverse=reverse)


def _exact_top_k(
    operand: jax.Array, *, k: int, reduction_dimension: int, recall_target: float, is_max_k: bool,
    reduction_input_size_override: int, aggregate_to_topk: bool,
) -> tuple[jax.Array, jax.Array]:  # fmt: skip
    """Approximate top-k exactly: every recall target is met."""
    del recall_target, reduction_input_size_override, aggregate_to_topk
    moved = jnp.moveaxis(operand, reduction_dimension, -1)
    values, indices = lax.top_k(moved if is_max_k else -moved, k)
    values = values if is_max_k else -values
    return jnp.moveaxis(values, -1, reduction_dimension), jnp.moveaxis(indices, -1, reduction_dimension)


def _reflector(column: jax.Array, j: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Householder's (v, tau, beta): (I - tau v v^H)^H column is beta at row j and zero below, as LAPACK's larfg."""
    rows = jnp.arange(column.shape[0])
    alpha = column[j]
    below = jnp.where(rows > j, column, 0)
    below_norm2 = jnp.sum(jnp.real(below * jnp.conj(below)))
    norm = jnp.sqrt(jnp.real(alpha * jnp.conj(alpha)) + below_norm2)
    trivial = (below_norm2 == 0) & (jnp.imag(alpha) == 0 if jnp.iscomplexobj(alpha) else True)
    beta = jnp.where(trivial, jnp.real(alpha), -jnp.copysign(norm, jnp.real(alpha)))
    safe_beta = jnp.where(beta == 0, 1, beta)
    tau = jnp.where(trivial, 0, (beta - alpha) / safe_beta).astype(column.dtype)
    divisor = jnp.where(trivial, 1, alpha - beta)
    v = jnp.where(rows > j, column / divisor, 0) + (rows == j)
    return v.astype(column.dtype), tau, beta.astype(column.dtype)


def _geqrf_matrix(a: jax.Array) -> tuple[jax.Array, jax.Array]:
    rows = jnp.arange(a.shape[0])
    count = min(a.shape)

    def step(j: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        a, taus = state
        v, tau, beta = _reflector(a[:, j], j)
        projection = jnp.conj(tau) * (jnp.conj(v) @ a)
        projection = jnp.where(jnp.arange(a.shape[1]) > j, projection, 0)
        a = a - v[:, None] * projection[None, :]
        column = jnp.where(rows > j, v, jnp.where(rows == j, beta, a[:, j]))
        return a.at[:, j].set(column), taus.at[j].set(tau)

    return lax.fori_loop(0, count, step, (a, jnp.zeros(count, a.dtype)))


def _householder_matrix(a: jax.Array, taus: jax.Array) -> jax.Array:
    m, n = a.shape
    rows = jnp.arange(m)

    def step(i: jax.Array, q: jax.Array) -> jax.Array:
        j = taus.shape[0] - 1 - i
        v = jnp.where(rows > j, a[:, j], 0) + (rows == j).astype(a.dtype)
        return q - taus[j] * v[:, None] * (jnp.conj(v) @ q)[None, :]

    return lax.fori_loop(0, taus.shape[0], step, jnp.eye(m, n, dtype=a.dtype))


def _batched(function: Callable[..., Any], *operands: jax.Array) -> Any:
    """``function`` of a matrix (and a vector) over any number of leading batch dimensions."""
    for _ in range(operands[0].ndim - 2):
        function = jax.vmap(function)
    return function(*operands)


def _geqrf(a: jax.Array, **options: Any) -> tuple[jax.Array, jax.Array]:
    del options
    return tuple(_batched(_geqrf_matrix, a))  # type: ignore[return-value]


def _householder_product(a: jax.Array, taus: jax.Array) -> jax.Array:
    return _batched(_householder_matrix, a, taus)  # type: ignore[no-any-return]


def _top_k(ctx: Any, operand: Any, *, k: int, axis: int) -> Any:
    """As a custom call: ``chlo.top_k`` itself has changed between the versions of CHLO that JAX and Astra carry."""
    rank = len(ctx.avals_in[0].shape)
    order = [*range(rank)]
    order[axis], order[-1] = order[-1], order[axis]
    operand = hlo.transpose(operand, mlir.dense_int_array(order))
    shapes = [tuple(aval.shape[d] for d in order) for aval in ctx.avals_out]
    avals = [aval.update(shape=shape) for aval, shape in zip(ctx.avals_out, shapes, strict=True)]
    types = [mlir.aval_to_ir_type(ctx.module_context, aval) for aval in avals]
    attributes = ir.DictAttr.get({"k": mlir.i64_attr(k), "largest": ir.BoolAttr.get(True)})
    call = mlir.custom_call(
        "mhlo.topk", result_types=types, operands=[operand], extra_attributes={"mhlo.attributes": attributes}
    )
    return [hlo.transpose(result, mlir.dense_int_array(order)) for result in call.results]


def _logistic(ctx: Any, operand: Any, *, accuracy: Any) -> Any:
    """As one operation: JAX writes 1 / (1 + exp(-x)), whose derivative is NaN where the exponential overflows."""
    del ctx, accuracy
    return [hlo.logistic(operand)]


# primitive, implementation in JAX operations, has several results
_RULES: tuple[tuple[Any, Callable[..., Any], bool], ...] = (
    (loops.cumlogsumexp_p, _logaddexp_scan, False),
    (ann.approx_top_k_p, _exact_top_k, True),
    (lax_linalg.geqrf_p, _geqrf, True),
    (lax_linalg.householder_product_p, _householder_product, False),
)


def _unaffected(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whatever promotions of types and ranks the program that it is lowered in allows."""

    @functools.wraps(function)
    def call(*operands: Any, **options: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return function(*operands, **options)

    return call


@cache
def register() -> None:
    """Register the rules of the table with JAX for both platforms."""
    # Not `mlir.register_lowering`: it takes only platforms that have a backend, and capture needs none.
    for platform in (PLATFORM, AUTODIFF_PLATFORM):
        rules = mlir._platform_specific_lowerings[platform]
        for primitive, function, several in _RULES:
            rule = mlir.lower_fun(_unaffected(function), multiple_results=several)
            rules.setdefault(primitive, mlir.LoweringRuleEntry(rule, False))
        rules.setdefault(lax_internal.top_k_p, mlir.LoweringRuleEntry(_top_k, False))
        rules.setdefault(lax_internal.logistic_p, mlir.LoweringRuleEntry(_logistic, False))
