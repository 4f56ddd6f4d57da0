"""Checks a vectorized program against the program itself on one example after the other, all mixes of operands."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

from . import round_trip

SHARED = -1
SIZE = 3

Evaluate = Callable[[ir.Module, Sequence[np.ndarray]], list[np.ndarray]]


def mixes(count: int) -> Iterator[tuple[bool, ...]]:
    """Which arguments are batched: every mix of up to four, else all, each alone, and all but one."""
    if count <= 4:
        yield from (mix for mix in itertools.product((True, False), repeat=count) if any(mix))
        return
    yield (True,) * count
    for i in range(count):
        yield tuple(j == i for j in range(count))
        yield tuple(j != i for j in range(count))


def axes_of(mix: Sequence[bool], ranks: Sequence[int], turn: int) -> list[int]:
    """An axis for each batched argument: first, last or in the middle by turns."""
    return [
        (turn + i) % (rank + 1) if batched else SHARED for i, (batched, rank) in enumerate(zip(mix, ranks, strict=True))
    ]


def vectorized(text: str, axes: Sequence[int], out_axes: Sequence[int] = (), size: int = SIZE) -> ir.Module:
    """The module whose ``@main`` is the batched one, exported to StableHLO (in the current context)."""
    module = ir.Module.parse(text)
    options = f"fn=main in-axes=[{','.join(map(str, axes))}] out-axes=[{','.join(map(str, out_axes))}] axis-size={size}"
    run_pipeline(module, f"astra-vectorize{{{options}}},astra-export{{pure-stablehlo}}")
    assert module.operation.verify()
    return module


def close(expected: np.ndarray, found: np.ndarray) -> None:
    """Equal up to the rounding of another order of operations."""
    assert expected.dtype == found.dtype and expected.shape == found.shape, (
        expected.dtype,
        expected.shape,
        found.shape,
    )
    if expected.dtype.kind in "biu":
        assert np.array_equal(expected, found), f"{expected} is not {found}"
        return
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    tolerance = {2: 3e-2, 4: 1e-4}.get(expected.real.dtype.itemsize, 1e-9)
    np.testing.assert_allclose(found.astype(wide), expected.astype(wide), rtol=tolerance, atol=tolerance)


def check(
    text: str, *, evaluate: Evaluate = round_trip.evaluate, only: Sequence[tuple[bool, ...]] = (),
    examples: Callable[[int], list[np.ndarray]] | None = None, size: int = SIZE,
) -> None:  # fmt: skip
    """Vectorize ``@main`` for every mix of batched arguments and compare with ``size`` evaluations of the original.

    ``examples(i)`` gives the arguments of application ``i``; without, they are random.
    """
    with make_context(), ir.Location.unknown():
        original = ir.Module.parse(text)
        run_pipeline(original, "astra-import,astra-export{pure-stablehlo}")
        types = ir.FunctionType(round_trip.entry(original).attributes["function_type"].value).inputs
        rng = np.random.default_rng(0)
        inputs = [
            examples(i) if examples else [np.asarray(round_trip._random(rng, type, False)) for type in types]
            for i in range(size)
        ]
        for turn, mix in enumerate(only or mixes(len(types))):
            rows = [[x if b else y for b, x, y in zip(mix, row, inputs[0], strict=True)] for row in inputs]
            expected = [evaluate(original, row) for row in rows]
            axes = axes_of(mix, [len(type.shape) for type in types], turn)
            arguments = [
                inputs[0][i] if axis == SHARED else np.stack([row[i] for row in rows], axis)
                for i, axis in enumerate(axes)
            ]
            for i, found in enumerate(evaluate(vectorized(text, axes, size=size), arguments)):
                close(np.stack([row[i] for row in expected]), found)
