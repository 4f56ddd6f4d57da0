"""Primitives of JAX whose StableHLO form is a loop or a polynomial, with JAX's own derivative: ``@astra.custom_jvp``.

The derivative of the form would be slow, less accurate, or wrong where the form branches; and where JAX has no
derivative (``nextafter``) the bits that the form computes with would have one, zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax._src.lax import lax as lax_internal
from jax._src.lax import linalg as lax_linalg
from jax._src.lax import special, windowed_reductions
from jax._src.lax.control_flow import loops
from jax._src.random import core as jax_random
from jaxlib.mlir.dialects import stablehlo as hlo

from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.jax_frontend.rule_functions import (
    NoRuleError,
    Rule,
    Rules,
    bound,
    emit,
    emit_without_rule,
    jvp_rule,
    lower_traced,
    trace,
)  # fmt: skip

__all__ = ["RULES"]

_COMPOSITES = (
    lax_linalg.lu_p, lax_linalg.qr_p, lax_linalg.geqrf_p, lax_linalg.householder_product_p, lax_linalg.ormqr_p,
    lax_linalg.cholesky_update_p, lax_linalg.symmetric_product_p, lax_linalg.eigh_p, lax_linalg.eig_p,
    lax_linalg.svd_p, lax_linalg.schur_p, lax_linalg.hessenberg_p, lax_linalg.tridiagonal_p,
    lax_linalg.tridiagonal_solve_p, lax_linalg.geqp3_p,
    special.lgamma_p, special.digamma_p, special.polygamma_p, special.zeta_p, special.igamma_p, special.igammac_p,
    special.igamma_grad_a_p, special.regularized_incomplete_beta_p,
    special.bessel_i0e_p, special.bessel_i1e_p, special.erf_inv_p, special.erfc_p,
    lax_internal.asin_p, lax_internal.acos_p, lax_internal.atan_p, lax_internal.sinh_p, lax_internal.cosh_p,
    lax_internal.asinh_p, lax_internal.acosh_p, lax_internal.atanh_p, lax_internal.nextafter_p,
    loops.cumlogsumexp_p, jax_random.random_gamma_p,
)  # fmt: skip


def _composite(primitive: Any, source: Any = None) -> Callable[..., list[Any]]:
    """Lower a primitive as a call of its ordinary form with JAX's derivative; ``source`` as in ``Rule``."""

    def lower(ctx: Any, *args: Any, **params: Any) -> list[Any]:
        apply = bound(primitive, params)
        callee = trace(apply, ctx.avals_in)
        key = (primitive, tuple(sorted(params.items())), tuple(ctx.avals_in))
        try:
            jvp, without, reason = jvp_rule(apply, ctx.avals_in)
            functions = {"callee": (callee, jax_lowering.PLATFORM), "jvp": (jvp, jax_lowering.AUTODIFF_PLATFORM)}
            return emit(ctx, "custom_jvp", args, primitive.name, Rule(functions, key, source or key, without, reason))
        except NoRuleError as error:
            return emit_without_rule(ctx, args, primitive.name, callee, jax_lowering.PLATFORM, str(error))

    return lower


def _select_and_gather_add(
    tangents: jax.Array, operand: jax.Array, *, select_prim: Any, window_dimensions: Any, window_strides: Any,
    padding: Any, base_dilation: Any, window_dilation: Any,
) -> jax.Array:  # fmt: skip
    """The tangent of a pooling by maximum: what is at the place that each window selects.

    JAX packs both numbers into the bits of one, which has no derivative; here the window selects a position,
    which is outside for a window of nothing but padding: its tangent is zero.
    """
    greatest = select_prim is lax.ge_p
    operand = lax.stop_gradient(operand)
    positions = lax.iota(np.int32, operand.size).reshape(operand.shape)
    start = (np.asarray(-np.inf if greatest else np.inf, operand.dtype), np.int32(operand.size))

    def select(x: Any, y: Any) -> Any:
        first = select_prim.bind(x[0], y[0])
        return tuple(lax.select(first, a, b) for a, b in zip(x, y, strict=True))

    _, chosen = lax.reduce_window(
        (operand, positions), start, select, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )
    return jnp.take(tangents.ravel(), chosen, mode="fill", fill_value=0)


def _lower_select_and_gather_add(ctx: Any, *args: Any, **params: Any) -> Any:
    return lower_traced(ctx, lambda *values: [_select_and_gather_add(*values, **params)], args)


def _of_complex(primitive: Any, ordinary: Callable[..., Any]) -> Callable[..., Any]:
    """A composite for complex numbers only: sine and cosine choose by zero parts there, one operation is all of reals.

    (JAX's complex sine has a constant for its real part where the argument's is zero.)
    """
    composite = _composite(primitive)

    def lower(ctx: Any, *args: Any, **params: Any) -> Any:
        is_complex = np.issubdtype(ctx.avals_in[0].dtype, np.complexfloating)
        return composite(ctx, *args, **params) if is_complex else ordinary(ctx, *args, **params)

    return lower


def _lower_abs(ctx: Any, *args: Any, **params: Any) -> Any:
    """Of reals with JAX's derivative, which is 1 at zero; the operation's own is 0 there."""
    if not jnp.issubdtype(ctx.avals_in[0].dtype, jnp.floating):
        return lax_internal._nary_lower_hlo(hlo.abs, ctx, *args, **params)
    return _composite(lax_internal.abs_p)(ctx, *args, **params)


def _lower_integer_pow(ctx: Any, *args: Any, **params: Any) -> Any:
    """Negative powers with JAX's derivative: that of the quotient overflows long before it is infinite.

    The rule of each power has the next in it, so it ends somewhere: high derivatives are those of a quotient.
    """
    primitive = lax_internal.integer_pow_p
    if params["y"] >= 0 or Rules.of(ctx).nested(primitive) >= _MOST_POWERS:
        return lax_internal._integer_pow_lowering(ctx, *args, **params)
    return _composite(primitive, source=primitive)(ctx, *args, **params)


_MOST_POWERS = 4  # whose rules nest: derivatives up to this order are JAX's


RULES: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (lax_internal.integer_pow_p, _lower_integer_pow),
    (lax_internal.abs_p, _lower_abs),
    (lax_internal.sin_p, _of_complex(lax_internal.sin_p, lax_internal._sin_lowering)),
    (lax_internal.cos_p, _of_complex(lax_internal.cos_p, lax_internal._cos_lowering)),
    (windowed_reductions.select_and_gather_add_p, _lower_select_and_gather_add),
    *((primitive, _composite(primitive)) for primitive in _COMPOSITES),
)
"""Primitives, and how they are lowered for the platform ``astra_autodiff``."""
