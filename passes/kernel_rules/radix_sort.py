"""Stable sorting of records by their keys: by counting for a few, byte by byte (least significant first) for many.

Rows are sorted one after the other within a task; a few long rows are sorted by all threads together, block by block.
"""

from __future__ import annotations

from collections.abc import Callable

from astra_mlir.passes.kernel_rules.sort_keys import Records
from astra_mlir.passes.kernel_rules.text import Function, memref_type

__all__ = ["SMALL", "count_sort", "radix_sort", "radix_sort_blocks"]

SMALL = 64  # up to this length, comparing all pairs (vectorized) beats counting bytes
BLOCK = 65536  # records of a long row that one task counts and moves (about 100 us)
BLOCKS = 128  # at most this many blocks, whose counts are on the stack

KeyAt = Callable[[Function, str], str]  # the key (``i<width>``) of the element at a position (index)


def count_sort(f: Function, length: int, words: list[str], order: str, unique: bool) -> None:
    """Write to ``order`` (memref<length x i32>) the positions in sorted order.

    ``words`` are memref<length x i64> arrays of keys, most significant first, to compare as signed integers; of equal
    keys (none if ``unique``) the earlier position goes first.  An element's rank is the number of elements before it.
    """
    keys, ranks = memref_type([length], "i64"), memref_type([length], "i32")
    zero, one = f.constant(0, "i64"), f.constant(1, "i64")
    with f.loop(0, length) as i:
        mine = [f.load(word, [i], keys) for word in words]
        here = f.value(f"arith.index_cast {i} : index to i64")

        def step(j: str, values: list[str]) -> list[str]:
            before = ""
            if not unique:
                there = f.value(f"arith.index_cast {j} : index to i64")
                before = f.value(f"arith.cmpi slt, {there}, {here} : i64")
            for word, own in zip(reversed(words), reversed(mine), strict=True):
                other = f.load(word, [j], keys)
                less = f.value(f"arith.cmpi slt, {other}, {own} : i64")
                if before:
                    equal = f.value(f"arith.cmpi eq, {other}, {own} : i64")
                    less = f.value(f"arith.ori {less}, {f.value(f'arith.andi {equal}, {before} : i1')} : i1")
                before = less
            counted = f.value(f"arith.select {before}, {one}, {zero} : i64")
            return [f.value(f"arith.addi {values[0]}, {counted} : i64")]

        (rank,) = f.carry(0, length, [(zero, "i64")], step)
        at = f.value(f"arith.index_cast {rank} : i64 to index")
        f.store(f.value(f"arith.index_cast {i} : index to i32"), order, [at], ranks)


def radix_sort(f: Function, records: Records, slot: int | str, keys: list[KeyAt]) -> str:
    """Sort the row's records by ``keys`` (most significant first); the index of the buffer that holds them.

    All bytes of a key are counted while records are made; a byte that is the same in all records costs no more.
    """
    n, passes = records.length, records.passes
    counts_type = memref_type([passes, 256], "i32")
    counts = f.header(f"memref.alloca() : {counts_type}")
    one, none, all_ = (f.constant(value, "i32") for value in (1, 0, n))
    current = f.constant(0)
    for number, key in enumerate(reversed(keys)):
        with f.loop(0, passes) as p, f.loop(0, 256) as d:
            f.store(none, counts, [p, d], counts_type)
        with f.loop(0, n) as i:
            position = records.position(f, records.load(f, [slot, current, i])) if number else i
            words = records.make(f, key(f, position), position)
            records.store(f, words, [slot, current, i])
            for byte_number in range(passes):
                at: list[int | str] = [byte_number, records.digit(f, words, byte_number)]
                f.store(f.value(f"arith.addi {f.load(counts, at, counts_type)}, {one} : i32"), counts, at, counts_type)

        def one_pass(p: str, values: list[str]) -> list[str]:
            source = values[0]
            target = f.subtract(1, source)
            byte = f.value(f"arith.index_cast {p} : index to i64")
            first = records.digit(f, records.load(f, [slot, source, 0]), byte)
            spread = f.value(f"arith.cmpi ne, {f.load(counts, [p, first], counts_type)}, {all_} : i32")

            def move() -> list[str]:
                def offset(d: str, totals: list[str]) -> list[str]:
                    count = f.load(counts, [p, d], counts_type)
                    f.store(totals[0], counts, [p, d], counts_type)
                    return [f.value(f"arith.addi {totals[0]}, {count} : i32")]

                f.carry(0, 256, [(none, "i32")], offset)
                with f.loop(0, n) as i:
                    words = records.load(f, [slot, source, i])
                    at = [p, records.digit(f, words, byte)]
                    place = f.load(counts, at, counts_type)
                    f.store(f.value(f"arith.addi {place}, {one} : i32"), counts, at, counts_type)
                    to = f.value(f"arith.index_castui {place} : i32 to index")
                    records.store(f, words, [slot, target, to])
                return [str(target)]

            return f.choose(spread, ["index"], move, lambda: [source])

        (current,) = f.carry(0, passes, [(current, "index")], one_pass)
    return current


def radix_sort_blocks(
    f: Function, name: str, records: Records, extra: list[tuple[str, str]], keys: list[KeyAt]
) -> tuple[str, list[Function]]:
    """Sort one long row (slot 0) with all threads; gives the final buffer and the task functions that it calls.

    ``extra`` are further values, as ``(name, type)``, that the keys read; the tasks take them and the records.
    Records are cut into blocks; a pass counts bytes per block, turns counts into places, and moves each block.
    """
    n = records.length
    block = max(BLOCK, -(-n // BLOCKS))
    blocks = -(-n // block)
    counts_type = memref_type([blocks, 256], "i32")
    counts = f.header(f"memref.alloca() : {counts_type}")
    arguments = [*records.memrefs(), *extra]
    functions = []
    none, all_ = f.constant(0, "i32"), f.constant(n, "i32")

    def run(task: Function, *operands: tuple[str, str]) -> None:
        iv = f.fresh()
        with f.block(f"scf.forall ({iv}) in ({blocks})"):
            f.call(task.name, [(iv, "index"), *operands, *arguments])

    def block_range(task: Function) -> tuple[int | str, str]:
        begin = task.mul("%task", block)
        return begin, task.binary("arith.minsi", task.add(begin, block), n)

    count = Function(
        f"{name}_count",
        [("%task", "index"), ("%source", "index"), ("%byte", "i64"), ("%counts", counts_type), *arguments],
    )
    with count.loop(0, 256) as d:
        count.store(count.constant(0, "i32"), "%counts", ["%task", d], counts_type)
    with count.loop(*block_range(count)) as i:
        at = ["%task", records.digit(count, records.load(count, [0, "%source", i]), "%byte")]
        old = count.load("%counts", at, counts_type)
        count.store(count.binary("arith.addi", old, 1, "i32"), "%counts", at, counts_type)
    move = Function(f"{name}_move", count.arguments)
    target = move.subtract(1, "%source")
    with move.loop(*block_range(move)) as i:
        words = records.load(move, [0, "%source", i])
        at = ["%task", records.digit(move, words, "%byte")]
        place = move.load("%counts", at, counts_type)
        move.store(move.binary("arith.addi", place, 1, "i32"), "%counts", at, counts_type)
        records.store(move, words, [0, target, move.value(f"arith.index_castui {place} : i32 to index")])
    functions += [count, move]

    current = f.constant(0)
    for number, key in enumerate(reversed(keys)):
        fill = Function(f"{name}_fill{number}", [("%task", "index"), ("%source", "index"), *arguments])
        with fill.loop(*block_range(fill)) as i:
            position = records.position(fill, records.load(fill, [0, "%source", i])) if number else i
            records.store(fill, records.make(fill, key(fill, position), position), [0, "%source", i])
        functions.append(fill)
        run(fill, (current, "index"))

        def one_pass(p: str, values: list[str]) -> list[str]:
            source = values[0]
            byte = f.value(f"arith.index_cast {p} : index to i64")
            operands = [(source, "index"), (byte, "i64"), (counts, counts_type)]
            run(count, *operands)
            first = records.digit(f, records.load(f, [0, source, 0]), byte)

            def total(b: str, totals: list[str]) -> list[str]:
                return [f.value(f"arith.addi {totals[0]}, {f.load(counts, [b, first], counts_type)} : i32")]

            (same,) = f.carry(0, blocks, [(none, "i32")], total)
            spread = f.value(f"arith.cmpi ne, {same}, {all_} : i32")

            def move_all() -> list[str]:
                def per_digit(d: str, before: list[str]) -> list[str]:
                    def per_block(b: str, totals: list[str]) -> list[str]:
                        here = f.load(counts, [b, d], counts_type)
                        f.store(totals[0], counts, [b, d], counts_type)
                        return [f.value(f"arith.addi {totals[0]}, {here} : i32")]

                    return f.carry(0, blocks, [(before[0], "i32")], per_block)

                f.carry(0, 256, [(none, "i32")], per_digit)
                run(move, *operands)
                return [str(f.subtract(1, source))]

            return f.choose(spread, ["index"], move_all, lambda: [source])

        (current,) = f.carry(0, records.passes, [(current, "index")], one_pass)
    return current, functions
