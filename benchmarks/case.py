"""What a benchmark case is, and how its arrays are made; the cases themselves stand in ``cases.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Case", "arrays", "integers", "normal"]

Tree = Any


@dataclass(frozen=True)
class Case:
    """``function(*arguments())``; results may differ by ``tolerance`` relative to the largest expected magnitude.

    ``small`` makes arguments of the same kind that a test can afford (``small_function`` where sizes are part of the
    function).  ``torch`` names the counterpart in ``torch_peers.py``, ``numpy`` is NumPy's where there is a natural
    one.  ``wide`` is for f64: JAX makes such arrays only on request.  ``calls`` above 1 is for a step ``(state, *batch)
    -> (state, value)``: so many calls from Python are timed, each on the state that the last one gave.  ``groups`` says
    which means the case counts in.
    """

    name: str
    function: Callable[..., Tree]
    arguments: Callable[[], tuple[Tree, ...]]
    tolerance: float = 2e-6
    small: Callable[[], tuple[Tree, ...]] | None = None
    small_function: Callable[..., Tree] | None = None
    torch: str = ""
    numpy: Callable[..., Tree] | None = None
    wide: bool = False
    calls: int = 1
    groups: tuple[str, ...] = ()

    def smaller(self) -> Case:
        """The case on small arguments."""
        if self.small is None:
            raise ValueError(f"case '{self.name}' has no small variant")
        return replace(self, function=self.small_function or self.function, arguments=self.small)


def normal(*shape: int, seed: int = 0, scale: float = 1.0, dtype: Any = np.float32) -> jax.Array:
    """Normal numbers."""
    wide = np.float64 if dtype == np.float64 else np.float32
    return jnp.asarray(scale * np.random.default_rng(seed).standard_normal(shape, wide), dtype)


def integers(high: int, *shape: int, low: int = 0, seed: int = 0, dtype: Any = np.int32) -> jax.Array:
    """Integers from ``low`` to below ``high``."""
    return jnp.asarray(np.random.default_rng(seed).integers(low, high, shape), dtype)


def uniform(low: float, high: float, *shape: int, seed: int = 0, dtype: Any = np.float32) -> jax.Array:
    """Numbers from ``low`` to ``high``."""
    return jnp.asarray(np.random.default_rng(seed).uniform(low, high, shape), dtype)


def arrays(
    *shapes: tuple[int, ...], scale: float = 1.0, dtype: Any = np.float32
) -> Callable[[], tuple[jax.Array, ...]]:
    """Arguments: one normal array for each shape."""
    return lambda: tuple(normal(*shape, seed=i, scale=scale, dtype=dtype) for i, shape in enumerate(shapes))
