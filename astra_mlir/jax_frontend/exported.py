"""Exported functions (``jax.export.Exported``) with the derivative that was exported with them.

StableHLO has lost ``stop_gradient`` and derivative rules; JAX exports the function's vjp beside it, to be used for
reverse mode, and so it is here: what ``transformations/api.py`` transforms in place of an exported function is a
function of JAX arrays with that vjp as its rule, which has the vjp's own in turn.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.dtypes import float0
from jax.tree_util import tree_flatten, tree_leaves, tree_unflatten

from astra_mlir.errors import UnsupportedError
from astra_mlir.jax_frontend.programs import as_function
from astra_mlir.transformations.programs import ExportedBottom

__all__ = ["function_of"]


def function_of(exported: Any) -> Any:
    """An exported function as one of JAX arrays; reverse mode raises :class:`UnsupportedError` where it has no vjp."""
    bottom = ExportedBottom(exported)
    flat = _flat(bottom)

    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = tree_flatten((args, kwargs))
        bottom.check_tree(tree)
        return tree_unflatten(exported.out_tree, flat(*leaves))

    call.__name__ = exported.fun_name
    return call


def _flat(bottom: ExportedBottom) -> Any:
    """The exported function of flat arrays, with its derivative rule."""
    exported = bottom.exported
    function = as_function(bottom)

    def value(*leaves: Any) -> list[Any]:
        args, kwargs = tree_unflatten(exported.in_tree, leaves)
        return tree_leaves(function(*args, **kwargs))

    def forward(*leaves: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return value(*leaves), leaves

    def backward(leaves: tuple[Any, ...], cotangents: list[Any]) -> tuple[Any, ...]:
        if not exported.has_vjp():
            raise UnsupportedError(
                "the function was exported without its vjp; keep that with exported.serialize(vjp_order=1), or "
                "differentiate what the program computes, as if it had no derivative rules and no stop_gradient: "
                "give exported.mlir_module_serialized in place of exported"
            )
        pull_back = exported.vjp()
        # Those of integers are float0 there, which is i1 in its StableHLO.
        given = [np.zeros(ct.shape, np.bool_) if ct.dtype == float0 else ct for ct in cotangents]
        found = _flat(ExportedBottom(pull_back))(*leaves, *given)
        return tuple(None if aval.dtype == float0 else ct for ct, aval in zip(found, pull_back.out_avals, strict=True))

    flat = jax.custom_vjp(value)
    flat.defvjp(forward, backward)
    return flat
