"""Derivative rules that look at which arguments are differentiated: ``symbolic_zeros=True`` of JAX's custom functions.

Asked by ``jax_frontend/custom_rules.py``.  Such a rule is traced once, for all of its arguments being differentiated,
while JAX traces it for those that are.  That is the same where the rule leaves out work only, and most rules do; for
one that gives other results the function has no derivative here.  Which it is: the rule is traced for other choices of
arguments and compared on random numbers with what the one rule gives for these.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import core as jax_core
from jax._src.dtypes import float0

from astra_mlir.jax_frontend.rule_functions import (
    Function,
    NoRuleError,
    derivative,
    inexact_positions,
    is_inexact,
    tangent_avals,
    trace,
)

__all__ = ["check_jvp", "check_vjp"]

_ALL_CHOICES = 4  # arguments up to which every choice is looked at; of more, each alone and all but each


def check_jvp(function: Function, avals: Sequence[Any], jvp: Any, active: Sequence[int]) -> None:
    """Raise :class:`NoRuleError` unless the rule of ``function`` says for fewer arguments what ``jvp`` says."""
    inexact = inexact_positions(avals)
    for chosen in _choices(active):

        def ours(*args: Any, chosen: Sequence[int] = chosen) -> Sequence[Any]:
            tangents = [
                t if i in chosen else jnp.zeros_like(t) for i, t in zip(inexact, args[len(avals) :], strict=True)
            ]
            return jax_core.jaxpr_as_fun(jvp)(*args[: len(avals)], *tangents)

        _compare(ours, derivative(function, avals, chosen), (*avals, *tangent_avals(avals)))


def check_vjp(
    function: Function, avals: Sequence[Any], results: Sequence[Any], rule: tuple[Any, Any], active: Sequence[int],
    stores: Sequence[Any],
) -> None:  # fmt: skip
    """As :func:`check_jvp`, for the forward and backward functions of a rule.

    ``stores`` are where JAX keeps the structure of the rule's residuals, of which there is one for each choice.
    """
    forward, backward = rule
    inexact = inexact_positions(avals)
    for chosen in _choices(active):

        def ours(*args: Any, chosen: Sequence[int] = chosen) -> Sequence[Any]:
            out = jax_core.jaxpr_as_fun(forward)(*args[: len(avals)])
            found = jax_core.jaxpr_as_fun(backward)(*out[len(results) :], *args[len(avals) :])
            return [*out[: len(results)], *(x for i, x in zip(inexact, found, strict=True) if i in chosen)]

        def theirs(*args: Any, chosen: Sequence[int] = chosen) -> Sequence[Any]:
            def of_chosen(*values: Any) -> list[Any]:
                changed = dict(zip(chosen, values, strict=True))
                return list(function(*(changed.get(i, x) for i, x in enumerate(args[: len(avals)]))))

            out, pull_back = jax.vjp(of_chosen, *(args[i] for i in chosen))
            given = iter(args[len(avals) :])
            return [*out, *pull_back([next(given) if is_inexact(y) else np.zeros(y.shape, float0) for y in results])]

        with _emptied(stores):
            _compare(ours, theirs, (*avals, *tangent_avals(results)))


def _choices(active: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Some of the arguments, but not all."""
    n = len(active)
    counts = range(1, n) if n <= _ALL_CHOICES else (1, n - 1)
    return itertools.chain.from_iterable(itertools.combinations(active, count) for count in counts)


@contextlib.contextmanager
def _emptied(stores: Sequence[Any]) -> Iterator[None]:
    kept = [store.val for store in stores]
    for store in stores:
        store.reset()
    try:
        yield
    finally:
        for store, value in zip(stores, kept, strict=True):
            store.reset()
            store.store(value)


def _compare(ours: Function, theirs: Function, avals: Sequence[Any]) -> None:
    try:
        asked = trace(theirs, avals)
    except Exception:  # the rule has nothing to say of this choice
        return
    made = trace(ours, avals)
    if str(made) == str(asked):
        return
    if any(_loops(jaxpr.jaxpr) for jaxpr in (made, asked)):  # which random numbers may keep from ending
        raise NoRuleError(
            "its derivative rule (symbolic_zeros=True) has a while loop, and differs with the arguments that are "
            f"differentiated, perhaps in more than the work that it leaves out; {_INSTEAD}"
        )
    for seed in range(2):
        rng = np.random.default_rng(seed)
        values = [_random(rng, aval) for aval in avals]
        try:
            pairs = [jax.jit(jax_core.jaxpr_as_fun(jaxpr))(*values) for jaxpr in (made, asked)]
        except Exception as error:
            raise NoRuleError(
                "its derivative rule (symbolic_zeros=True) differs with the arguments that are differentiated, and "
                f"could not be tried for whether that matters ({type(error).__name__}); {_INSTEAD}"
            ) from error
        if not all(map(_is_close, *pairs)):
            raise NoRuleError(
                "its derivative rule (symbolic_zeros=True) gives another result where fewer arguments are "
                f"differentiated; {_INSTEAD}"
            )


_INSTEAD = (
    "write a rule that does not depend on that, or close over the arguments that are never differentiated and "
    "give the rule for the others"
)


def _loops(jaxpr: Any) -> bool:
    return any(
        equation.primitive.name == "while" or any(map(_loops, jax_core.jaxprs_in_params(equation.params)))
        for equation in jaxpr.eqns
    )


def _random(rng: np.random.Generator, aval: Any) -> Any:
    if is_inexact(aval):
        return jnp.asarray(rng.uniform(0.25, 1.0, aval.shape), aval.dtype)
    if jnp.issubdtype(aval.dtype, np.number) or aval.dtype == np.bool_:
        return jnp.ones(aval.shape, aval.dtype)
    raise NoRuleError(f"its derivative rule (symbolic_zeros=True) takes {aval.dtype}, for which it cannot be tried")


def _is_close(a: Any, b: Any) -> bool:
    if not is_inexact(a):
        return bool(np.array_equal(a, b))
    tolerance = float(jnp.finfo(a.dtype).eps) ** 0.5
    wide = np.complex128 if jnp.issubdtype(a.dtype, np.complexfloating) else np.float64
    return bool(np.allclose(np.asarray(a, wide), np.asarray(b, wide), tolerance, tolerance, equal_nan=True))
