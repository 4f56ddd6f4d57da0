"""The transformations in JAX programs: functions traced to jaxprs, and the primitive that holds a transformed one.

The frontend of ``transformations/rules.py`` for JAX functions.  A transformation that is called while Astra captures a
function becomes one equation of its jaxpr, ``astra_transform``, which is lowered to a private function of the module
and ``stablehlo.custom_call @astra.<kind>``.  That private function, and all inside of it, is lowered for the platform
``astra_autodiff``, for which JAX's ``custom_jvp``, ``stop_gradient`` and their like stay calls of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax._src import api_util, core
from jax._src import linear_util as lu
from jax._src.interpreters import ad, batching, mlir
from jax._src.interpreters import partial_eval as pe
from jax.tree_util import tree_flatten, tree_unflatten
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo as hlo

from astra_mlir.errors import AstraError, DTypeError
from astra_mlir.jax_frontend import closures as jax_closures
from astra_mlir.jax_frontend import custom_rules as jax_custom_rules
from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.jax_frontend.capture import is_tracing
from astra_mlir.transformations.rules import FLOAT0, Float0, Traced

__all__ = ["FRONTEND", "JaxFrontend", "astra_transform_p", "is_tracing", "lower_function"]


# --- the primitive -----------------------------------------------------------------------------------------------

astra_transform_p = core.Primitive("astra_transform")
"""A transformed function, applied.

``kind`` names the operation, ``jaxpr`` the function (closed, without constants), ``attributes`` are pairs of names and
integers, tuples of integers or strings, ``outputs`` the abstract values of the results.
"""
astra_transform_p.multiple_results = True


def _abstract_eval(*_: Any, outputs: Sequence[Any], **__: Any) -> Sequence[Any]:
    return list(outputs)


def _impl(*_: Any, kind: str, **__: Any) -> Any:
    raise AstraError(f"a function transformed by astra.{kind} was evaluated by JAX; call it from astra.jit")


astra_transform_p.def_abstract_eval(_abstract_eval)
astra_transform_p.def_impl(_impl)


def _attribute(value: Any) -> Any:
    if isinstance(value, int):
        return mlir.i64_attr(value)
    return ir.StringAttr.get(value) if isinstance(value, str) else ir.DenseI64ArrayAttr.get(list(value))


def lower_function(context: Any, name: str, jaxpr: Any) -> str:
    """Lower a closed jaxpr without constants to a private function that keeps JAX's derivative rules; gives its symbol.

    ``context`` is the module context of a lowering rule.  Functions inside share a cache of their own: JAX keeps
    lowered inner functions by jaxpr alone, and one that was lowered for plain evaluation has lost its rules.
    """
    jax_custom_rules.register()
    if tuple(context.platforms) != (jax_lowering.AUTODIFF_PLATFORM,):
        kept = context.cached_primitive_lowerings.setdefault(jax_lowering.AUTODIFF_PLATFORM, {})
        context = context.replace(platforms=(jax_lowering.AUTODIFF_PLATFORM,), cached_primitive_lowerings=kept)
    key = ("astra_transform", jaxpr)
    function = context.cached_primitive_lowerings.get(key)
    if function is None:
        function = mlir.lower_jaxpr_to_fun(context, name, jaxpr, (), num_const_args=0, in_avals=jaxpr.in_avals)
        context.cached_primitive_lowerings[key] = function
    return str(ir.StringAttr(function.attributes["sym_name"]).value)


def _lower(
    ctx: Any, *operands: Any, kind: str, name: str, jaxpr: Any, attributes: tuple[tuple[str, Any], ...], outputs: Any
) -> Any:
    del outputs
    symbol = lower_function(ctx.module_context, name, jaxpr)
    config = {key: _attribute(value) for key, value in attributes}
    config["symbols"] = ir.ArrayAttr.get([ir.StringAttr.get("callee")])
    types = [mlir.aval_to_ir_type(ctx.module_context, aval) for aval in ctx.avals_out]
    call = hlo.CustomCallOp.build_generic(
        results=types,
        operands=list(operands),
        attributes={
            "call_target_name": ir.StringAttr.get(f"astra.{kind}"),
            "called_computations": ir.ArrayAttr.get([ir.FlatSymbolRefAttr.get(symbol)]),
            "backend_config": ir.DictAttr.get(config),
            "api_version": mlir.i32_attr(4),
        },
    )
    return call.results


def _refuse_lowering(*_: Any, kind: str, **__: Any) -> Any:
    raise AstraError(
        f"a function transformed by astra.{kind} is compiled by JAX; compile it with astra.jit in place of jax.jit"
    )


for _platform in (jax_lowering.PLATFORM, jax_lowering.AUTODIFF_PLATFORM):
    mlir._platform_specific_lowerings[_platform][astra_transform_p] = mlir.LoweringRuleEntry(_lower, True)
mlir.register_lowering(astra_transform_p, _refuse_lowering)


def _refuse_derivative(*_: Any, kind: str, **__: Any) -> Any:
    raise AstraError(
        f"a transformation of JAX's (jax.grad, jax.jvp or another) was applied to a function with astra.{kind} in it; "
        "use that of Astra, which differentiates both: astra.grad in place of jax.grad"
    )


ad.primitive_jvps[astra_transform_p] = _refuse_derivative
ad.primitive_linearizations[astra_transform_p] = lambda *args, **params: _refuse_derivative(**params)


def _batch(values: Sequence[Any], axes: Sequence[Any], **params: Any) -> tuple[Sequence[Any], Sequence[int]]:
    """JAX's vmap of a function with a transformed one in it: that one batched by Astra."""
    sizes = {v.shape[a] for v, a in zip(values, axes, strict=True) if a is not None}
    in_axes = [-1 if axis is None else axis for axis in axes]
    specs = [
        FRONTEND.spec(v) if a < 0 else FRONTEND.resized(FRONTEND.spec(v), (*v.shape[:a], *v.shape[a + 1 :]))
        for v, a in zip(values, in_axes, strict=True)
    ]
    traced = FRONTEND.trace(lambda *inner: astra_transform_p.bind(*inner, **params), specs, params["name"])
    (size,) = sizes
    outputs = [FRONTEND.resized(spec, (size, *spec.shape)) for spec in traced.outputs]
    attributes = {"axis_size": size, "in_axes": in_axes, "out_axes": [0] * len(outputs)}
    return FRONTEND.bind("vmap", traced, values, attributes, outputs), [0] * len(outputs)


batching.primitive_batchers[astra_transform_p] = _batch


# --- the frontend ------------------------------------------------------------------------------------------------


class JaxFrontend:
    """:class:`~astra_mlir.transformations.rules.Frontend` of functions of JAX arrays; its specs are abstract values."""

    def flatten(self, tree: Any) -> tuple[list[Any], Any]:
        return tree_flatten(tree)

    def unflatten(self, structure: Any, leaves: Sequence[Any]) -> Any:
        return tree_unflatten(structure, leaves)

    def flatten_axes(self, what: str, structure: Any, axes: Any) -> list[int | None]:
        try:
            return list(api_util.flatten_axes(what, structure, axes))
        except ValueError as error:
            raise AstraError(str(error)) from None

    def value(self, leaf: Any, what: str) -> Any:
        if isinstance(leaf, core.Tracer):
            return leaf
        if getattr(leaf, "dtype", None) == FLOAT0:
            raise DTypeError(f"{what} has the element type float0, which only tangents and cotangents have")
        try:
            return jnp.asarray(leaf)
        except (TypeError, ValueError):
            text = repr(leaf)
            raise AstraError(
                f"{what} must be an array or a number, but is {text if len(text) <= 60 else text[:57] + '...'} "
                f"({type(leaf).__name__})"
            ) from None

    def full(self, spec: Any, number: int) -> Any:
        return lax.full(spec.shape, number, spec.dtype)

    def basis(self, spec: Any, size: int) -> Any:
        return jnp.eye(size, dtype=spec.dtype).reshape(size, *spec.shape)

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any:
        return jnp.reshape(value, shape)

    def spec(self, value: Any) -> Any:
        aval = core.typeof(value)
        return core.ShapedArray(aval.shape, aval.dtype, weak_type=aval.weak_type)

    def resized(self, spec: Any, shape: tuple[int, ...]) -> Any:
        return core.ShapedArray(shape, spec.dtype, weak_type=spec.weak_type)

    def kind(self, spec: Any) -> str:
        for scalar, kind in _KINDS:
            if jax.dtypes.issubdtype(spec.dtype, scalar):
                return kind
        return "k"

    def function(self, source: Any) -> Callable[..., Any]:
        if callable(source):
            return source  # type: ignore[no-any-return]
        from astra_mlir.jax_frontend import programs as jax_programs
        from astra_mlir.transformations import programs as program_transforms

        return jax_programs.as_function(program_transforms.bottom_of(source))

    def trace(self, function: Callable[..., Any], inputs: Sequence[Any], name: str) -> Traced:
        out: list[Any] = []

        def flat(*values: Any) -> list[Any]:
            leaves, tree = tree_flatten(function(*values))
            places: list[int | Float0] = []
            results: list[Any] = []
            for leaf in leaves:
                if getattr(leaf, "dtype", None) == FLOAT0:
                    places.append(Float0(tuple(leaf.shape)))
                else:
                    places.append(len(results))
                    results.append(leaf)
            out[:] = [tree, tuple(places)]
            return results

        info = api_util.debug_info(f"astra.{name}", function, tuple(inputs), {})
        jaxpr, outputs, consts = pe.trace_to_jaxpr_dynamic(lu.wrap_init(flat, debug_info=info), list(inputs))
        jaxpr = jax_closures.close_rules(jaxpr, consts)
        closed = core.ClosedJaxpr(pe.convert_constvars_jaxpr(jaxpr), ())
        specs = tuple(core.ShapedArray(a.shape, a.dtype, weak_type=a.weak_type) for a in outputs)
        return Traced(
            (mlir.sanitize_name(name.strip("<>")), closed), tuple(consts), tuple(inputs), specs, out[0], out[1], self
        )

    def bind(
        self, kind: str, traced: Traced, operands: Sequence[Any], attributes: dict[str, Any], outputs: Sequence[Any]
    ) -> list[Any]:
        name, jaxpr = traced.handle
        if kind == "call":
            return list(core.jaxpr_as_fun(jaxpr)(*operands))
        fixed = tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in attributes.items())
        return list(astra_transform_p.bind(
            *operands, kind=kind, name=name, jaxpr=jaxpr, attributes=fixed, outputs=tuple(outputs)
        ))  # fmt: skip


_KINDS = ((jnp.floating, "f"), (jnp.complexfloating, "c"), (jnp.integer, "i"), (jnp.bool_, "b"))

FRONTEND = JaxFrontend()
