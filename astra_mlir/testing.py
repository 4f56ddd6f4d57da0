"""Checks of derivatives against central differences: for users' functions and rules, and for Astra's own tests.

Above ``transformations/api.py``; the functions are compiled by Astra, the differences are taken in NumPy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from astra_mlir import frontends
from astra_mlir.errors import AstraError
from astra_mlir.transformations import rules
from astra_mlir.transformations.api import Transformed
from astra_mlir.transformations.rules import FLOAT0
from astra_mlir.trees import PlainTrees

__all__ = ["check_grads"]

# By bytes of a real element: the relative and absolute tolerance, and the step.  The step balances the truncation
# error, its square, with the rounding error, the type's resolution over it: the cube root of the resolution.
_DEFAULTS = {8: (1e-6, 6e-6), 4: (5e-3, 5e-3), 2: (1e-1, 6e-2), 1: (5e-1, 2.5e-1)}

_CHECK_OF_TENSORS = (
    "torch.autograd.gradcheck checks the backward of a torch.autograd.Function, which is the rule that Astra takes"
)


def check_grads(
    f: Any, args: Sequence[Any], order: int = 1, modes: Sequence[str] = ("fwd", "rev"), rtol: float | None = None,
    atol: float | None = None, eps: float | None = None,
) -> None:  # fmt: skip
    """Check the derivatives of ``f`` at ``args`` that Astra takes against central differences, up to an order.

    ``f`` is a function of arrays or a program, as for :func:`astra.grad`; ``args`` are trees of arrays.  In mode
    ``fwd`` the derivative in a random direction is compared with the difference of two values of ``f`` in steps of
    ``eps``; in mode ``rev`` the products of both sides with a random cotangent are.  Orders above one check the
    derivatives of these derivatives in each of the modes.  Integer arguments stay as they are.  Tolerances and step
    default to those of the coarsest element type among arguments and results; give 64-bit arrays where it matters.

    Raises :class:`AssertionError` that says in which modes, and by how much, the two differ, and
    :class:`UnsupportedError` for PyTorch's functions and tensors.

    >>> import numpy as np, jax.numpy as jnp, astra_mlir as astra
    >>> astra.check_grads(lambda x: jnp.sin(x) * x, (np.linspace(0, 1, 5, dtype=np.float32),), order=2)
    """
    if not isinstance(args, (tuple, list)):
        raise AstraError(f"check_grads: args must be a tuple, one for each argument of f, not a {type(args).__name__}")
    unknown = [mode for mode in modes if mode not in _MODES]
    if unknown:
        raise AstraError(f"check_grads: no mode {unknown[0]!r}; the modes are {', '.join(map(repr, _MODES))}")
    frontends.refuse_torch("astra.check_grads", _CHECK_OF_TENSORS, f.root if isinstance(f, Transformed) else f, args)
    check = _Check(_trees_of(f), tuple(modes), rtol, atol, eps, np.random.default_rng(0))
    check.run(Transformed(f, _apply), tuple(args), order, "")


def _apply(frontend: rules.Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    del frontend
    return f(*args, **kwargs)


def _forward(
    frontend: rules.Frontend, f: Callable[..., Any], args: tuple[Any, Any], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    return rules.jvp(frontend, f, args, kwargs, has_aux=False)[:2]


def _reverse(
    frontend: rules.Frontend, f: Callable[..., Any], args: tuple[Any, Any], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    (out, _), found = rules.derivative(frontend, f, args, kwargs, reverse=True, has_aux=False)
    return out, found


_MODES = {"fwd": _forward, "rev": _reverse}


def _trees_of(f: Any) -> Any:
    root = f.root if isinstance(f, Transformed) else f
    jax = sys.modules.get("jax")
    if jax is not None and (callable(root) or isinstance(root, jax.export.Exported)):
        from astra_mlir.jax_frontend.transforms import FRONTEND

        return FRONTEND
    return PlainTrees()


class _Check:
    """The settings of one check."""

    def __init__(
        self, trees: Any, modes: tuple[str, ...], rtol: float | None, atol: float | None, eps: float | None, rng: Any
    ) -> None:
        self.trees, self.modes, self.rtol, self.atol, self.eps, self.rng = trees, modes, rtol, atol, eps, rng

    def run(self, f: Transformed, args: tuple[Any, ...], order: int, path: str) -> None:
        """Check ``f`` and, for higher orders, its derivatives; ``path`` says of what it is one."""
        args = self._map(np.asarray, args)
        for mode in self.modes:
            name = f"{path}{mode}"
            derivative = Transformed(f, _MODES[mode])
            out = f(*args)
            direction = self._map(self._random, args)
            numerical = self._difference(f, args, direction, out)
            if mode == "fwd":
                value, found = derivative(args, direction)
                self._compare(f"{name}: the tangent", found, numerical, [args, out])
                further = direction
            else:
                further = self._map(self._random, out)
                value, found = derivative(args, further)
                left = np.asarray(self._product(numerical, further))
                right = np.asarray(self._product(direction, found))
                self._compare(f"{name}: the product with the cotangent", right, left, [args, out])
            self._compare(f"{name}: the value", value, out, [args, out])
            if order > 1:
                self.run(Transformed(derivative, _second), (args, further), order - 1, f"{name}, ")

    # --- trees of arrays ---------------------------------------------------------------------------------------------

    def _map(self, function: Callable[..., Any], tree: Any, *others: Any) -> Any:
        leaves, structure = self.trees.flatten(tree)
        rest = [self.trees.flatten(other)[0] for other in others]
        return self.trees.unflatten(structure, [function(*xs) for xs in zip(leaves, *rest, strict=True)])

    def _random(self, leaf: Any) -> np.ndarray[Any, Any]:
        leaf = np.asarray(leaf)
        if not _has_tangents(leaf.dtype):
            return np.zeros(leaf.shape, FLOAT0)
        values = self.rng.standard_normal(leaf.shape)
        if leaf.dtype.kind == "c":
            values = values + 1j * self.rng.standard_normal(leaf.shape)
        return np.asarray(values).astype(leaf.dtype)

    def _difference(self, f: Transformed, args: tuple[Any, ...], direction: tuple[Any, ...], out: Any) -> Any:
        step = self.eps if self.eps is not None else self._default([args, out])[1]

        def moved(sign: int) -> Any:
            def move(x: Any, t: Any) -> Any:
                return x if t.dtype == FLOAT0 else (x + np.asarray(sign * step, t.dtype) * t).astype(x.dtype)

            return f(*self._map(move, args, direction))

        def slope(high: Any, low: Any) -> np.ndarray[Any, Any]:
            high, low = np.asarray(high), np.asarray(low)
            if not _has_tangents(high.dtype):
                return np.zeros(high.shape, FLOAT0)
            wide = np.complex128 if high.dtype.kind == "c" else np.float64
            return (high.astype(wide) - low.astype(wide)) / (2 * step)

        return self._map(slope, moved(1), moved(-1))

    def _product(self, xs: Any, ys: Any) -> Any:
        """The real part of the bilinear product: what reverse mode conserves, also of what is not holomorphic."""
        pairs = zip(self.trees.flatten(xs)[0], self.trees.flatten(ys)[0], strict=True)
        wide = ((np.asarray(x), np.asarray(y)) for x, y in pairs if np.asarray(x).dtype != FLOAT0)
        return sum((np.sum(_wide(x) * _wide(y)).real for x, y in wide), np.float64(0))

    def _default(self, trees: Sequence[Any]) -> tuple[float, float]:
        sizes = [
            dtype.itemsize // (2 if dtype.kind == "c" else 1)
            for dtype in (np.asarray(leaf).dtype for tree in trees for leaf in self.trees.flatten(tree)[0])
            if _has_tangents(dtype)
        ]
        return _DEFAULTS[min(sizes, default=8)]

    def _compare(self, what: str, found: Any, expected: Any, involved: Sequence[Any]) -> None:
        default = self._default(involved)[0]
        rtol, atol = (default if given is None else given for given in (self.rtol, self.atol))
        leaves = list(zip(self.trees.flatten(found)[0], self.trees.flatten(expected)[0], strict=True))
        for number, (x, y) in enumerate(leaves):
            x, y = np.asarray(x), np.asarray(y)
            which = what if len(leaves) == 1 else f"{what}, leaf {number}"
            if x.shape != y.shape:
                raise AssertionError(f"{which} has shape {x.shape}, expected {y.shape}")
            if x.dtype == FLOAT0 or not x.size:
                continue
            error = np.abs(_wide(x) - _wide(y))
            allowed = atol + rtol * np.max(np.abs(_wide(y)))
            if not np.all((error <= allowed) | (np.isnan(x) & np.isnan(y))):
                worst = np.unravel_index(np.argmax(error - allowed), error.shape)
                raise AssertionError(
                    f"{which} is {x[worst]} at {tuple(map(int, worst))}, expected {y[worst]} from central differences "
                    f"(rtol={rtol}, atol={atol})"
                )


def _second(frontend: rules.Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The derivative alone, without the value."""
    del frontend
    return f(*args, **kwargs)[1]


def _has_tangents(dtype: np.dtype[Any]) -> bool:
    return dtype != FLOAT0 and (dtype.kind in "fc" or (dtype.kind == "V" and "float" in dtype.name))


def _wide(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
