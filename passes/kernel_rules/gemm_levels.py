"""Places in arrays that are described by levels: sizes with a stride in each of one or more arrays."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index

__all__ = ["Level", "flatten", "level_offset", "merge_levels", "narrow", "transposed"]

Level = tuple[int, ...]  # size and one or more strides, in elements


def merge_levels(levels: list[Level]) -> tuple[Level, ...]:
    """Outer-to-inner levels with those of size 1 dropped and adjacent ones joined where every stride allows it.

    >>> merge_levels([(2, 12), (3, 4), (1, 7), (4, 2)])
    ((6, 4), (4, 2))
    """
    merged: list[Level] = []
    for level in levels:
        if level[0] == 1:
            continue
        if merged and all(outer == level[0] * inner for outer, inner in zip(merged[-1][1:], level[1:], strict=True)):
            merged[-1] = (merged[-1][0] * level[0], *level[1:])
        else:
            merged.append(level)
    return tuple(merged)


def flatten(f: FunctionText, name: str, array: str, type: str) -> None:
    """Define ``name`` as the elements of the identity-layout memref ``array`` in a row, of dynamic size."""
    *sizes, element = type.removeprefix("memref<").removesuffix(">").split("x")
    count = prod(map(int, sizes))
    static = f.value(
        f"memref.reinterpret_cast {array} to offset: [0], sizes: [{count}], strides: [1]"
        f" : {type} to memref<{count}x{element}>"
    )
    f.line(f"{name} = memref.cast {static} : memref<{count}x{element}> to memref<?x{element}>")


def level_offset(f: FunctionText, levels: Sequence[Sequence[Index]], index: Index, stride: int) -> Index:
    """Where the element with that row-major index over the levels lies."""
    if not levels:
        return 0
    coordinates = f.delinearize(index, [level[0] for level in levels])
    return f.add(*(f.mul(i, level[stride]) for i, level in zip(coordinates, levels, strict=True)))


def narrow(f: FunctionText, value: str, source: str, target: str, *, lanes: int | None = None) -> str:
    """Round or truncate an accumulator, or a vector of them, to the element type of the result."""
    if source == target:
        return value
    operation = "arith.truncf" if "f" in target else "arith.trunci"
    before, after = (type if lanes is None else f"vector<{lanes}x{type}>" for type in (source, target))
    return f.value(f"{operation} {value} : {before} to {after}")


def transposed(f: FunctionText, rows: list[str], type: str) -> list[str]:
    """The columns of a square of vectors: in each stage, squares of ``half`` swap their off-diagonal parts."""
    side, half = len(rows), 1
    rows = list(rows)
    while half < side:
        low = [i if not i & half else side + i - half for i in range(side)]
        high = [i + half if not i & half else side + i for i in range(side)]
        for i in range(side):
            if not i & half:
                a, b = rows[i], rows[i + half]
                rows[i] = f.value(f"vector.shuffle {a}, {b} {low} : {type}, {type}")
                rows[i + half] = f.value(f"vector.shuffle {a}, {b} {high} : {type}, {type}")
        half *= 2
    return rows
