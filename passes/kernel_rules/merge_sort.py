"""Stable merge sort by a comparator function: positions are moved, elements are read through them.

Short runs are sorted by insertion, then merged pairwise between two buffers of positions.  A few long rows are cut into
blocks that all threads sort, and rounds of merges of neighbours, each merge a task.
"""

from __future__ import annotations

from collections.abc import Callable

from astra_mlir.passes.kernel_rules.text import Function, memref_type

__all__ = ["RUN", "merge_sort", "merge_sort_blocks"]

RUN = 8  # length of the runs sorted by insertion
BLOCKS = 16  # parts of a long row

Precedes = Callable[[Function, str, str], str]  # whether the element at one position (i32) goes before another's: i1


def _insertion_run(
    f: Function, buffer: str, type_: str, at: list[int | str], begin: str, end: int | str, less: Precedes
) -> None:
    """Put the positions ``begin .. end`` into ``buffer[at, begin .. end]`` in sorted order."""
    with f.loop(begin, end) as i:
        new = f.value(f"arith.index_cast {i} : index to i32")

        def condition(values: list[str]) -> str:
            inside = f.value(f"arith.cmpi sgt, {values[0]}, {begin} : index")
            no = f.constant("false", "i1")

            def compare() -> list[str]:
                return [less(f, new, f.load(buffer, [*at, f.subtract(values[0], 1)], type_))]

            return f.choose(inside, ["i1"], compare, lambda: [no])[0]

        def shift(values: list[str]) -> list[str]:
            before = f.subtract(values[0], 1)
            f.store(f.load(buffer, [*at, before], type_), buffer, [*at, values[0]], type_)
            return [str(before)]

        (place,) = f.repeat([(i, "index")], condition, shift)
        f.store(new, buffer, [*at, place], type_)


def _merge(
    f: Function, buffer: str, type_: str, slot: int | str, source: int | str, target: int | str,
    bounds: tuple[str, str, str], less: Precedes,
) -> None:  # fmt: skip
    """Merge ``[begin, middle)`` and ``[middle, end)`` of one buffer of positions into the other."""
    begin, middle, end = bounds

    def both_left(values: list[str]) -> str:
        left = f.value(f"arith.cmpi slt, {values[0]}, {middle} : index")
        right = f.value(f"arith.cmpi slt, {values[1]}, {end} : index")
        return f.value(f"arith.andi {left}, {right} : i1")

    def take_one(values: list[str]) -> list[str]:
        i, j, k = values
        left, right = (f.load(buffer, [slot, source, p], type_) for p in (i, j))
        from_right = less(f, right, left)
        chosen = f.value(f"arith.select {from_right}, {right}, {left} : i32")
        f.store(chosen, buffer, [slot, target, k], type_)
        step = f.value(f"arith.index_castui {from_right} : i1 to index")
        next_i = f.add(i, f.subtract(1, step))
        return [str(next_i), str(f.add(j, step)), str(f.add(k, 1))]

    i, j, k = f.repeat([(begin, "index"), (middle, "index"), (begin, "index")], both_left, take_one)
    with f.loop(i, middle) as rest:
        to = f.add(k, f.subtract(rest, i))
        f.store(f.load(buffer, [slot, source, rest], type_), buffer, [slot, target, to], type_)
    # What is left on the right is already in its place, counted from the end.
    with f.loop(j, end) as rest:
        f.store(f.load(buffer, [slot, source, rest], type_), buffer, [slot, target, rest], type_)


def merge_sort(
    f: Function, buffer: str, type_: str, slot: int | str, begin: int | str, end: int | str, length: int, less: Precedes
) -> int:
    """Sort the positions ``begin .. end`` (at most ``length``); the buffer (0 or 1) that holds them at the end."""
    begin, end = f.index(begin), f.index(end)
    with f.loop(begin, end, RUN) as run:
        _insertion_run(f, buffer, type_, [slot, 0], run, f.binary("arith.minsi", f.add(run, RUN), end), less)
    rounds = 0
    while RUN << rounds < length:
        rounds += 1
    if not rounds:
        return 0

    def one_round(_: str, values: list[str]) -> list[str]:
        source, width = values
        target = f.subtract(1, source)
        double = f.add(width, width)
        with f.loop(begin, end, double) as first:
            middle = f.binary("arith.minsi", f.add(first, width), end)
            last = f.binary("arith.minsi", f.add(first, double), end)
            _merge(f, buffer, type_, slot, source, target, (first, middle, last), less)
        return [str(target), str(double)]

    f.carry(0, rounds, [(f.constant(0), "index"), (f.constant(RUN), "index")], one_round)
    return rounds % 2


def merge_sort_blocks(
    f: Function, name: str, buffer: str, length: int, arguments: list[tuple[str, str]], less: Precedes
) -> tuple[int, list[Function]]:
    """Sort one long row with all threads; gives the final buffer and the task functions, which take ``arguments``."""
    block = -(-length // BLOCKS)
    type_ = memref_type([1, 2, length], "i32")
    task = Function(f"{name}_block", [("%task", "index"), *arguments])
    begin = task.mul("%task", block)
    end = task.binary("arith.minsi", task.add(begin, block), length)
    current = merge_sort(task, buffer, type_, 0, begin, end, block, less)
    merge = Function(f"{name}_merge", [("%task", "index"), ("%source", "index"), ("%width", "index"), *arguments])
    first = merge.binary("arith.muli", "%task", merge.binary("arith.muli", "%width", 2))
    middle = merge.binary("arith.minsi", merge.add(first, "%width"), length)
    last = merge.binary("arith.minsi", merge.add(middle, "%width"), length)
    _merge(merge, buffer, type_, 0, "%source", merge.subtract(1, "%source"), (first, middle, last), less)

    with f.block(f"scf.forall (%part) in ({BLOCKS})"):
        f.call(task.name, [("%part", "index"), *arguments])
    count, width = BLOCKS // 2, block
    while count:
        part = f.fresh()
        with f.block(f"scf.forall ({part}) in ({count})"):
            values = [(part, "index"), (f.constant(current), "index"), (f.constant(width), "index")]
            f.call(merge.name, [*values, *arguments])
        count, width, current = count // 2, width * 2, 1 - current
    return current, [task, merge]
