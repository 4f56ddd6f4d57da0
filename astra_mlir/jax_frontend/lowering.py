"""How JAX primitives without a platform-independent lowering become StableHLO for the platforms of Astra.

JAX lowers most primitives for a platform that it does not know in the way that suits Astra (``cumsum`` as one
reduce_window, ``lu`` as loops, ``top_k`` and ``erf`` as CHLO).  The table below has the few where that way is a custom
call or a quadratic algorithm.  Registering is done once, by ``register``; it has no effect on JAX's own platforms.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax._src import debugging
from jax._src.export import _export as jax_export
from jax._src.interpreters import mlir
from jax._src.lax import ann, slicing
from jax._src.lax import lax as lax_internal
from jax._src.lax import linalg as lax_linalg
from jax._src.lax import parallel as lax_parallel
from jax._src.lax.control_flow import conditionals, loops
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo as hlo

from astra_mlir import call_targets
from astra_mlir.jax_frontend import callbacks as jax_callbacks

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


def _top_k(ctx: Any, operand: Any, *, k: int, axis: int) -> Any:
    """As a custom call: ``chlo.top_k`` itself has changed between the versions of CHLO that JAX and Astra carry.

    jaxlib converts what it hands to a plugin to HLO as well: by HLO's
    name and with attributes of the typed interface, of which it does not complain on stderr.
    """
    rank = len(ctx.avals_in[0].shape)
    order = [*range(rank)]
    order[axis], order[-1] = order[-1], order[axis]
    operand = hlo.transpose(operand, mlir.dense_int_array(order))
    shapes = [tuple(aval.shape[d] for d in order) for aval in ctx.avals_out]
    avals = [aval.update(shape=shape) for aval, shape in zip(ctx.avals_out, shapes, strict=True)]
    types = [mlir.aval_to_ir_type(ctx.module_context, aval) for aval in avals]
    attributes = {"k": mlir.i64_attr(k), "largest": ir.BoolAttr.get(True)}
    call = mlir.custom_call("TopK", result_types=types, operands=[operand], backend_config=attributes, api_version=4)
    return [hlo.transpose(result, mlir.dense_int_array(order)) for result in call.results]


def _logistic(ctx: Any, operand: Any, *, accuracy: Any) -> Any:
    """As one operation: JAX writes 1 / (1 + exp(-x)), whose derivative is NaN where the exponential overflows."""
    del ctx, accuracy
    return [hlo.logistic(operand)]


def _unaffected(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whatever promotions of types and ranks the program that it is lowered in allows."""

    @functools.wraps(function)
    def call(*operands: Any, **options: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return function(*operands, **options)

    return call


def _within(indices: jax.Array, *, sizes: tuple[int, ...], bounds: tuple[int, ...]) -> jax.Array:
    """Where windows of these sizes begin; those that reach beyond a bound begin beyond it."""
    greatest = jnp.iinfo(indices.dtype).max
    last = jnp.array([min(bound - size, greatest) for bound, size in zip(bounds, sizes, strict=True)], indices.dtype)
    inside = (indices >= 0) & (indices <= last)
    if greatest < max(bounds):
        indices = indices.astype(jnp.int32)
    return jnp.where(inside, indices, jnp.array(bounds, indices.dtype))


def _scatter(rule: Callable[..., Any]) -> Callable[..., Any]:
    """JAX's rule for scatters, with windows that are partly outside dropped whole: StableHLO drops their elements."""
    within = mlir.lower_fun(_unaffected(_within), multiple_results=False)

    @functools.wraps(rule)
    def lower(ctx: Any, operand: Any, indices: Any, updates: Any, **parameters: Any) -> Any:
        shape, numbers = ctx.avals_in[0].shape, parameters["dimension_numbers"]
        windows = iter(numbers.update_window_dims)
        single = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        all_sizes = [1 if d in single else ctx.avals_in[2].shape[next(windows)] for d in range(len(shape))]
        sizes = tuple(all_sizes[d] for d in numbers.scatter_dims_to_operand_dims)
        if parameters["mode"] == slicing.GatherScatterMode.FILL_OR_DROP and any(size > 1 for size in sizes):
            bounds = tuple(shape[d] for d in numbers.scatter_dims_to_operand_dims)
            context = ctx.replace(avals_in=ctx.avals_in[1:2], avals_out=None)
            (indices,) = within(context, indices, sizes=sizes, bounds=bounds)
        return rule(ctx, operand, indices, updates, **parameters)

    return lower


# primitive, implementation in JAX operations, has several results
_RULES: tuple[tuple[Any, Callable[..., Any], bool], ...] = (
    (loops.cumlogsumexp_p, _logaddexp_scan, False),
    (ann.approx_top_k_p, _exact_top_k, True),
)

_SCATTERS = (
    slicing.scatter_p, slicing.scatter_add_p, slicing.scatter_sub_p, slicing.scatter_mul_p, slicing.scatter_min_p,
    slicing.scatter_max_p,
)  # fmt: skip

# Decompositions of matrices are LAPACK's: the functions that jaxlib wraps for XLA's foreign function interface.
_LAPACK = (
    lax_linalg.eig_p, lax_linalg.eigh_p, lax_linalg.geqp3_p, lax_linalg.geqrf_p, lax_linalg.hessenberg_p,
    lax_linalg.householder_product_p, lax_linalg.lu_p, lax_linalg.ormqr_p, lax_linalg.schur_p, lax_linalg.svd_p,
    lax_linalg.tridiagonal_p, lax_linalg.tridiagonal_solve_p,
)  # fmt: skip


@cache
def register_lapack() -> None:
    """Let compiled programs call the LAPACK functions of jaxlib, which takes them from SciPy."""
    from jaxlib import lapack

    from astra_mlir import ffi

    lapack._lapack.initialize()  # type: ignore[attr-defined]
    for name, handler, version in lapack.registrations()["cpu"]:
        if version == 1:
            ffi.register_target(name, handler)


def _find_target(name: str) -> None:
    """A function that was registered with JAX for its own CPU backend serves Astra's programs as well."""
    from jaxlib import xla_client

    from astra_mlir import ffi

    if name.startswith("lapack_"):
        register_lapack()
        return
    jax.devices("cpu")  # JAX hands over what was registered when this backend starts
    handler = xla_client.custom_call_targets("Host").get(name)
    if isinstance(handler, dict):  # of the typed interface
        ffi.register_target(name, handler)


# Up to this many rows and columns the loops that JAX has for any platform are faster as native code than LAPACK.
_SMALL_LU = 16


def _with_lapack(primitive: Any) -> Any:
    """JAX's lowering for its CPU backend, which calls LAPACK."""
    entry = mlir._platform_specific_lowerings["cpu"][primitive]

    def rule(ctx: Any, *operands: Any, **parameters: Any) -> Any:
        # Those loops are not typed for values that differ between devices (shard_map, explicit shardings).
        manual = getattr(ctx.module_context.axis_context, "manual_axes", ())
        typed = manual or not ctx.avals_in[0].sharding.mesh.empty
        if primitive is lax_linalg.lu_p and not typed and max(ctx.avals_in[0].shape[-2:]) <= _SMALL_LU:
            return mlir._lowerings[primitive].rule(ctx, *operands, **parameters)
        register_lapack()
        return entry.rule(ctx, *operands, **parameters)

    return mlir.LoweringRuleEntry(rule, entry.inline)


class _Rules(dict[Any, Any]):
    """JAX's lowering rules for a platform; what has one for JAX's CPU backend alone is lowered by that."""

    def __contains__(self, primitive: object) -> bool:
        return super().__contains__(primitive) or (
            primitive not in mlir._lowerings and primitive in mlir._platform_specific_lowerings["cpu"]
        )

    def __missing__(self, primitive: Any) -> Any:
        return mlir._platform_specific_lowerings["cpu"][primitive]


def _with_own_branch(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule of ``lax.platform_dependent``, with JAX's CPU branch for Astra where there is none for it or for all."""

    @functools.wraps(rule)
    def lower(ctx: Any, *operands: Any, **parameters: Any) -> Any:
        for key in ("platforms", "branches_platforms"):
            platforms = parameters.get(key)
            if platforms and not any(names is None or PLATFORM in names for names in platforms):
                parameters[key] = tuple((*names, PLATFORM) if "cpu" in names else names for names in platforms)
        return rule(ctx, *operands, **parameters)

    return lower


def _as_exported(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule for calls of exported functions: one for JAX's CPU backend runs on Astra, too."""

    @functools.wraps(rule)
    def lower(ctx: Any, *operands: Any, exported: Any) -> Any:
        if PLATFORM in ctx.module_context.platforms and PLATFORM not in exported.platforms:
            platforms = tuple(PLATFORM if name == "cpu" else name for name in exported.platforms)
            exported = dataclasses.replace(exported, platforms=platforms)
        return rule(ctx, *operands, exported=exported)

    return lower


@cache
def register() -> None:
    """Register the rules of the table with JAX for both platforms."""
    jax_callbacks.install()
    call_targets.find_with(_find_target)
    for primitive, replaced in (
        (conditionals.cond_p, _with_own_branch),
        (conditionals.platform_index_p, _with_own_branch),
        (jax_export.call_exported_p, _as_exported),
    ):
        entry = mlir._lowerings[primitive]
        mlir._lowerings[primitive] = mlir.LoweringRuleEntry(replaced(entry.rule), entry.inline)
    # Not `mlir.register_lowering`: it takes only platforms that have a backend, and capture needs none.
    for platform in (PLATFORM, AUTODIFF_PLATFORM):
        rules = _Rules(mlir._platform_specific_lowerings[platform])
        mlir._platform_specific_lowerings[platform] = rules
        for primitive, function, several in _RULES:
            rule = mlir.lower_fun(_unaffected(function), multiple_results=several)
            rules.setdefault(primitive, mlir.LoweringRuleEntry(rule, False))
        for primitive in _LAPACK:
            rules.setdefault(primitive, _with_lapack(primitive))
        for primitive in (debugging.debug_callback_p, debugging.debug_print_p):
            rules.setdefault(primitive, mlir._platform_specific_lowerings["cpu"][primitive])
        for primitive in _SCATTERS:
            entry = mlir._lowerings[primitive]
            rules.setdefault(primitive, mlir.LoweringRuleEntry(_scatter(entry.rule), entry.inline))
        rules.setdefault(
            lax_parallel.pbroadcast_p, mlir._platform_specific_lowerings["cuda"][lax_parallel.pbroadcast_p]
        )
        rules.setdefault(lax_internal.top_k_p, mlir.LoweringRuleEntry(_top_k, False))
        rules.setdefault(lax_internal.logistic_p, mlir.LoweringRuleEntry(_logistic, False))
