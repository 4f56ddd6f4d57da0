"""Jacobians and Hessians: batched derivatives over the standard basis, for every frontend.

Beside ``transformations/rules.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from astra_mlir.errors import DTypeError
from astra_mlir.transformations.rules import (
    Chosen,
    Float0,
    Frontend,
    ReverseMode,
    Traced,
    batch,
    call_traced,
    check_input,
    check_output,
    float0_zeros,
    inexact,
    name_of,
    output_specs,
    pullback,
    pushforward,
    split_aux,
)

__all__ = ["jacobian"]


def jacobian(
    frontend: Frontend, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, mode: str,
    argnums: int | Sequence[int], has_aux: bool, holomorphic: bool, allow_int: bool = False,
    reverse_mode: ReverseMode | None = None,
) -> Any:  # fmt: skip
    """The tree of the output with, for each leaf, the tree of arguments with the blocks of the Jacobian.

    ``mode`` is ``jacfwd``, one column for each element of an argument, or ``jacrev``, one row for each of the output:
    each block is one batched derivative over the standard basis.
    """
    chosen = Chosen(frontend, f, args, kwargs, argnums, mode)
    for spec in chosen.specs:
        taken = "f" if mode == "jacfwd" else ("fcibk" if allow_int else "fc")
        check_input(frontend.kind(spec), spec, mode, holomorphic, taken)
    structure: list[Any] = []

    def flat(*values: Any) -> Any:
        out, aux = split_aux(chosen.call(values), has_aux, mode)
        leaves, tree = frontend.flatten(out)
        structure[:] = [len(leaves), tree]
        return leaves, aux

    traced = frontend.trace(flat, chosen.specs, name_of(f))
    out_count, out_tree = structure
    out_specs = output_specs(traced, out_count)
    for spec in out_specs:
        kind = "i" if isinstance(spec, Float0) else frontend.kind(spec)
        if mode == "jacrev":
            check_output(kind, spec if not isinstance(spec, Float0) else _Named("float0"), mode, holomorphic)
        elif holomorphic and kind != "c":
            raise DTypeError(f"{mode} with holomorphic=True needs a function with complex results")
    if mode == "jacfwd":
        blocks = _columns(chosen, traced, out_count)
    else:
        blocks = _rows(chosen, traced, out_count, reverse_mode)
    rows = []
    for o, out_spec in enumerate(out_specs):
        shapes = [(*out_spec.shape, *spec.shape) for spec in chosen.specs]
        row = [blocks[o, i] if (o, i) in blocks else float0_zeros(shape) for i, shape in enumerate(shapes)]
        rows.append(frontend.unflatten(chosen.tree, row))
    tree = frontend.unflatten(out_tree, rows)
    return (tree, traced.unflatten(call_traced(traced, chosen.values))[1]) if has_aux else tree


@dataclass(frozen=True)
class _Named:
    dtype: str


_Blocks = dict[tuple[int, int], Any]


def _over_basis(
    frontend: Frontend, spec: Any, apply: Callable[[Any], list[Any]], out_axes: Sequence[int], name: str
) -> list[Any]:
    """``apply`` to each unit vector, the results stacked along ``out_axes``."""
    size = math.prod(spec.shape)
    if size == 1:
        results = apply(frontend.full(spec, 1))
        shapes = [frontend.spec(x).shape for x in results]
        stacked = [(*shape[:a], 1, *shape[a:]) for shape, a in zip(shapes, out_axes, strict=True)]
        return [frontend.reshape(x, shape) for x, shape in zip(results, stacked, strict=True)]
    traced = frontend.trace(apply, [spec], name)
    return batch(traced, size, [0], out_axes, [frontend.basis(spec, size)])


def _columns(chosen: Chosen, traced: Traced, out_count: int) -> _Blocks:
    frontend = chosen.frontend
    blocks: _Blocks = {}
    tangible = inexact(frontend, traced.outputs)
    wanted = [(o, x) for o, x in enumerate(traced.leaves[:out_count]) if not isinstance(x, Float0) and x in tangible]
    for i, spec in enumerate(chosen.specs):
        shapes = {x: (*traced.outputs[x].shape, *spec.shape) for _, x in wanted}
        if 0 in spec.shape:
            blocks |= {(o, i): frontend.full(frontend.resized(traced.outputs[x], shapes[x]), 0) for o, x in wanted}
            continue

        def push(tangent: Any, i: int = i) -> list[Any]:
            return pushforward(traced, [i], chosen.values, [tangent])[1]

        axes = [len(traced.outputs[x].shape) for x in tangible]
        columns = dict(zip(tangible, _over_basis(frontend, spec, push, axes, "push_forward"), strict=True))
        blocks |= {(o, i): frontend.reshape(columns[x], shapes[x]) for o, x in wanted}
    return blocks


def _rows(chosen: Chosen, traced: Traced, out_count: int, reverse_mode: ReverseMode | None) -> _Blocks:
    frontend = chosen.frontend
    blocks: _Blocks = {}
    tangible = inexact(frontend, traced.outputs)
    argnums = inexact(frontend, chosen.specs)
    for o, leaf in enumerate(traced.leaves[:out_count]):
        assert not isinstance(leaf, Float0), "checked before"
        spec = traced.outputs[leaf]
        shapes = {i: (*spec.shape, *chosen.specs[i].shape) for i in argnums}
        if 0 in spec.shape:
            blocks |= {(o, i): frontend.full(frontend.resized(chosen.specs[i], shapes[i]), 0) for i in argnums}
            continue

        def pull(cotangent: Any, leaf: int = leaf) -> list[Any]:
            cotangents = [cotangent if x == leaf else None for x in tangible]
            return pullback(traced, argnums, chosen.values, cotangents, reverse_mode)[1]

        rows = zip(argnums, _over_basis(frontend, spec, pull, [0] * len(argnums), "pull_back"), strict=True)
        blocks |= {(o, i): frontend.reshape(row, shapes[i]) for i, row in rows}
    return blocks
