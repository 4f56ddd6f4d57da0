"""The backward kernel of attention: scores are computed again, one tile of queries and one chunk of keys at a time.

FlashAttention-2's backward pass (Dao 2023, https://arxiv.org/abs/2307.08691).  A task has one part of the keys of a
batch element.  For each chunk of keys it goes through the tiles of queries: probabilities from the saved sums, the
cotangents of the scores, and from these three products are added to: the cotangents of the chunk's keys and values,
which live on the stack, and those of the tile's queries, of which every part has its own, to be summed at the end.
"""

from __future__ import annotations

from math import inf

from astra_mlir.passes.kernel_rules.attention_products import Product
from astra_mlir.passes.kernel_rules.attention_program import (
    NEGLIGIBLE,
    limit_text,
    modify_text,
    module_text,
    row_limit,
    score_text,
)
from astra_mlir.passes.kernel_rules.attention_shapes import TASK_WORK, AttentionSchedule
from astra_mlir.passes.kernel_rules.attention_text import INDICES, Writer, entry_arrays
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.target import round_up

__all__ = ["gradient_scratch", "gradient_text", "parts_of"]

TASKS = 16  # to be shared by threads


def parts_of(schedule: AttentionSchedule) -> int:
    """How many parts the keys of a batch element have."""
    return max(1, min(-(-TASKS // schedule.attention.size(schedule.attention.batch)), schedule.chunks))


def gradient_scratch(schedule: AttentionSchedule) -> dict[str, int]:
    """Elements of the parts of the queries' cotangents, and of the sums of cotangent times result of all rows."""
    a = schedule.attention
    rows = a.size(a.batch) * schedule.tiles * schedule.rows
    partial = parts_of(schedule) * rows * schedule.padded(a.depth)
    return {"%partial": partial, "%delta": rows + schedule.scores.lanes}


def gradient_text(schedule: AttentionSchedule, name: str, arrays: list[tuple[str, str]]) -> str:
    """``@name(arrays..., partial, delta)`` on memrefs of the given names and types, and what it calls."""
    a = schedule.attention
    f = FunctionText(name, [(f"{array}_array", type) for array, type in arrays])
    flat = entry_arrays(f, arrays)
    delta = _delta(schedule, f"{name}_delta", flat)
    part, tile = _part(schedule, f"{name}_part", f"{name}_tile", flat)
    total = _total(schedule, f"{name}_total", flat)
    tiles, parts = a.size(a.batch) * schedule.tiles, a.size(a.batch) * parts_of(schedule)
    small = schedule.rows * (a.size(a.depth) + a.size(a.feature)) * 4
    group = max(1, TASK_WORK // 16 // small)
    with f.grouped(tiles, group, sequential=2 * group) as task:
        f.call(delta.f.name, [*flat, (task, "index")])
    with f.grouped(parts, 1, sequential=parts if a.work <= TASK_WORK else 0) as task:
        f.call(part.f.name, [*flat, (task, "index")])
    with f.grouped(tiles, group, sequential=2 * group) as task:
        f.call(total.f.name, [*flat, (task, "index")])
    return module_text(f, (delta, tile, part, total))


def _delta(schedule: AttentionSchedule, name: str, flat: list[tuple[str, str]]) -> Writer:
    """For each row of a tile the sum of the result times its cotangent."""
    w = Writer(schedule, name, [*flat, ("%task", "index")])
    f, a = w.f, schedule.attention
    batch, tile = f.delinearize("%task", (a.size(a.batch), schedule.tiles))
    first = f.mul(tile, schedule.rows)
    features = a.size(a.feature)
    w.prepare_rows()
    result, cotangent = w.base("result", batch), w.base("cotangent", batch)
    with f.loop(0, f.min(f.sub(a.size(a.rows), first), schedule.rows)) as i:
        row = f.add(first, i)
        left, right = f.add(result, w.row_offset("result", row)), f.add(cotangent, w.row_offset("cotangent", row))
        found: list[str] = []
        with w.carried(0, features, w.lanes, [w.splat(0.0)], found) as (j, (total,), following):
            x, y = w.load_row("result", left, a.feature, j), w.load_row("cotangent", right, a.feature, j)
            following.append(w.fma(x, y, total))
        w.store_scalar(w.sum_of(found[0]), "%delta", f.add(f.mul("%task", schedule.rows), i))
    return w


def _part(schedule: AttentionSchedule, name: str, tile_name: str, flat: list[tuple[str, str]]) -> tuple[Writer, Writer]:
    """A part of the keys of a batch element: chunk by chunk, all tiles of queries."""
    w = Writer(schedule, name, [*flat, ("%task", "index")])
    f, a, parts = w.f, schedule.attention, parts_of(schedule)
    batch, part = f.delinearize("%task", (a.size(a.batch), parts))
    depth, features = a.size(a.depth), a.size(a.feature)
    depth_width, feature_width = schedule.padded(a.depth), schedule.padded(a.feature)
    rows = schedule.tiles * schedule.rows
    queries = f.mul(f.add(f.mul(part, a.size(a.batch)), batch), rows * depth_width)
    with f.loop(0, rows * depth_width, w.lanes) as i:
        w.store(w.splat(0.0), "%partial", f.add(queries, i))
    columns = schedule.scores.columns
    padded = round_up(schedule.columns, schedule.scores.rows)
    arrays = {
        "%packed_key": w.alloca(schedule.columns * depth), "%packed_value": w.alloca(schedule.columns * features),
        "%key_rows": w.alloca(schedule.columns * depth_width),
        "%scores": w.alloca(schedule.rows * schedule.columns + w.lanes),
        "%cotangents": w.alloca(schedule.rows * schedule.columns + w.lanes),
        "%key_sums": w.alloca(padded * depth_width), "%value_sums": w.alloca(padded * feature_width),
        "%query_panels": w.alloca(schedule.rows * depth + w.lanes),
        "%cotangent_panels": w.alloca(schedule.rows * features + w.lanes),
        "%query_rows": w.alloca(schedule.rows * depth_width),
        "%cotangent_rows": w.alloca(schedule.rows * feature_width),
    }  # fmt: skip
    kinds = [(array, w.memref) for array in arrays]
    numbers = ("%batch", "%first", "%lower", "%size", "%queries")
    kinds += [(number, "index") for number in numbers]
    tile = _tile(schedule, tile_name, [*flat, *kinds])
    per_part = -(-schedule.chunks // parts)
    start = f.mul(part, per_part)
    skips = a.causal is not None and a.rows[0] == a.causal
    everything = _has_low_rows(w, batch) if skips and a.fill != -inf else None
    key_lanes = w.multiples(w.array("key").stride(a.column), schedule.columns)
    value_lanes = w.multiples(w.array("value").stride(a.column), schedule.columns)
    depth_lanes = w.multiples(w.array("key").stride(a.depth), depth)
    with f.loop(start, f.min(f.add(start, per_part), schedule.chunks)) as chunk:
        lower = f.mul(chunk, schedule.columns)
        size = f.min(f.sub(a.size(a.column), lower), schedule.columns)
        for source, letter, lanes, steps, target in (
            ("key", a.depth, key_lanes, depth, "%packed_key"),
            ("value", a.feature, value_lanes, features, "%packed_value"),
        ):  # fmt: skip
            array = w.array(source)
            base = f.add(w.base(source, batch), f.mul(lower, array.stride(a.column)))
            with f.loop(0, f.ceil_div(size, columns)) as panel:
                lane = f.mul(panel, columns)
                valid = f.min(f.sub(size, lane), columns)
                at = f.mul(lane, steps)
                w.pack(
                    f"%{source}",
                    base,
                    lanes,
                    lane,
                    valid,
                    array.stride(letter),
                    steps,
                    columns,
                    arrays[target],
                    at,
                    adjacent=array.stride(a.column) == 1,
                )
        base = f.add(w.base("key", batch), f.mul(lower, w.array("key").stride(a.column)))
        width = schedule.features(a.depth).columns
        with f.loop(0, f.ceil_div(depth, width)) as panel:
            lane = f.mul(panel, width)
            valid, at = f.min(f.sub(depth, lane), width), f.mul(lane, schedule.columns)
            step = w.array("key").stride(a.column)
            w.pack(
                "%key",
                base,
                depth_lanes,
                lane,
                valid,
                step,
                size,
                width,
                arrays["%key_rows"],
                at,
                adjacent=w.array("key").stride(a.depth) == 1,
            )
        for sums, width in (("%key_sums", depth_width), ("%value_sums", feature_width)):
            with f.loop(0, padded * width, w.lanes) as i:
                w.store(w.splat(0.0), arrays[sums], i)
        first_tile: Index = 0
        if skips:  # the first row that sees the chunk
            inner = a.size(a.rows[1:])
            position = f.value(f"arith.maxsi {f.ssa(f.sub(lower, a.offset))}, {f.ssa(0)} : index")
            first_tile = f.min(f.div(f.mul(position, inner), schedule.rows), schedule.tiles)
            if everything is not None:
                first_tile = f.value(f"arith.select {everything}, {f.ssa(0)}, {f.ssa(first_tile)} : index")
        with f.loop(first_tile, schedule.tiles) as i:
            row = f.mul(i, schedule.rows)
            values = (batch, row, lower, size, f.add(queries, f.mul(row, depth_width)))
            f.call(
                tile_name,
                [*flat, *((x, w.memref) for x in arrays.values()),
                 *((x, "index") for x in values)],
            )  # fmt: skip
        for sums, result, width, count, factor in (
            ("%key_sums", "key_cotangent", depth_width, depth, a.scale),
            ("%value_sums", "value_cotangent", feature_width, features, 1.0),
        ):
            to = w.base(result, batch)
            with f.loop(0, size) as i:
                place = f.add(to, f.mul(f.add(lower, i), w.array(result).stride(a.column)))
                with f.loop(0, count, w.lanes) as j:
                    value = w.load(arrays[sums], f.add(f.mul(i, width), j))
                    value = w.op("arith.mulf", value, w.splat(factor)) if factor != 1.0 else value
                    w.store_narrowed(value, result, f.add(place, j), w.lanes_below(f.sub(count, j)))
    return w, tile


def _has_low_rows(w: Writer, batch: Index) -> str:
    """Whether there are rows whose scores are as low as what masked ones are given: then these count as well."""
    f, a = w.f, w.attention
    base = w.base("logsumexp", batch)
    low = w.alloca(1, "index")
    f.line(f"memref.store {f.ssa(0)}, {low}[{f.ssa(0)}] : {INDICES}")
    with f.loop(0, a.size(a.rows)) as row:
        value = w.load_scalar("%logsumexp", f.add(base, w.row_offset("logsumexp", row)))
        bound = w.scalar(a.fill + 2 * NEGLIGIBLE[a.accumulator])
        with f.block(f"scf.if {f.value(f'arith.cmpf ole, {value}, {bound} : {w.element}')} {{"):
            f.line(f"memref.store {f.ssa(1)}, {low}[{f.ssa(0)}] : {INDICES}")
    return f.compare("ne", w.load_index(low, 0), 0)


def _tile(schedule: AttentionSchedule, name: str, arguments: list[tuple[str, str]]) -> Writer:
    """One tile of queries and one chunk of keys."""
    w = Writer(schedule, name, arguments)
    f, a, stride = w.f, schedule.attention, schedule.columns
    depth, features = a.size(a.depth), a.size(a.feature)
    depth_width, feature_width = schedule.padded(a.depth), schedule.padded(a.feature)
    count = f.min(f.sub(a.size(a.rows), "%first"), schedule.rows)
    rows = schedule.scores.rows
    w.prepare_rows()
    padded_rows = f.mul(f.ceil_div(count, rows), rows)
    padded_columns = f.mul(f.ceil_div("%size", rows), rows)
    for source, letter, panels, rows_array in (
        ("query", a.depth, "%query_panels", "%query_rows"),
        ("cotangent", a.feature, "%cotangent_panels", "%cotangent_rows"),
    ):
        base, width, array = w.base(source, "%batch"), a.size(letter), w.array(source)
        table = w.row_table(source, "%first", count, schedule.rows)
        with f.loop(0, f.ceil_div(count, rows)) as panel:
            lane = f.mul(panel, rows)
            valid = f.min(f.sub(count, lane), rows)
            w.pack(
                f"%{source}", base, table, lane, valid, array.stride(letter), width, rows, panels, f.mul(lane, width)
            )
        w.copy_rows(source, base, table, count, letter, rows_array, schedule.rows)
    score_text(w, ("%query_panels", 0), ("%packed_key", 0), depth, "%scores", padded_rows)
    score_text(w, ("%cotangent_panels", 0), ("%packed_value", 0), features, "%cotangents", padded_rows)
    if a.causal is not None:
        bounds = w.alloca(schedule.rows, "index")
        f.line(f"%bounds = memref.cast {bounds} : {INDICES} to {INDICES}")
        with f.loop(0, count) as i:
            f.line(f"memref.store {f.ssa(w.row_bound(f.add('%first', i)))}, {bounds}[{f.ssa(i)}] : {INDICES}")
    for modifier in ("bias", "mask"):
        if a.array(modifier) is not None:
            table = w.row_table(modifier, "%first", count, schedule.rows)
            f.line(f"%{modifier}_table = memref.cast {table} : {INDICES} to {INDICES}")
            f.line(f"%{modifier}_base = arith.addi {f.ssa(w.base(modifier, '%batch'))}, {f.ssa(0)} : index")
    _weights(w, count)
    types = schedule.features(a.feature)
    over_rows = Product(types, row=1, step=stride, panel=rows, stride=feature_width, mode="added")
    w.product(
        over_rows, ("%scores", 0), ("%cotangent_rows", 0, schedule.rows * types.columns), ("%value_sums", 0), count,
        padded_columns, feature_width,
    )  # fmt: skip
    types = schedule.features(a.depth)
    over_rows = Product(types, row=1, step=stride, panel=rows, stride=depth_width, mode="added")
    w.product(
        over_rows, ("%cotangents", 0), ("%query_rows", 0, schedule.rows * types.columns), ("%key_sums", 0), count,
        padded_columns, depth_width,
    )  # fmt: skip
    over_columns = Product(types, row=stride, step=1, panel=rows * stride, stride=depth_width, mode="added")
    w.product(
        over_columns, ("%cotangents", 0), ("%key_rows", 0, stride * types.columns), ("%partial", "%queries"), "%size",
        padded_rows, depth_width,
    )  # fmt: skip
    return w


def _weights(w: Writer, count: Index) -> None:
    """Scores become probabilities, and the products of cotangents with values the cotangents of scores."""
    f, a, stride = w.f, w.attention, w.schedule.columns
    tiles = w.schedule.tiles
    delta_base = f.add(f.mul("%batch", tiles * w.schedule.rows), "%first")
    base = w.base("logsumexp", "%batch")
    bounded = a.causal is not None and a.fill != -inf
    with f.loop(0, count) as row:
        at = f.mul(row, stride)
        if a.masked:
            modify_text(w, row, at)
        limit = row_limit(w, row)
        end = limit_text(w, at, limit)
        value = w.load_scalar("%logsumexp", f.add(base, w.row_offset("logsumexp", f.add("%first", row))))
        if a.empty_is_zero:
            empty = f.value(f"arith.cmpf oeq, {value}, {w.scalar(-inf)} : {w.element}")
            value = f.value(f"arith.select {empty}, {w.scalar(inf)}, {value} : {w.element}")
        logarithm = w.broadcast(value)
        below = w.op("arith.negf", logarithm)
        delta = w.broadcast(w.load_scalar("%delta", f.add(delta_base, row)))
        with f.loop(0, end, w.lanes) as j:
            place = f.add(at, j)
            score = w.load("%scores", place)
            if a.masked or a.scale == 1.0:
                score = w.op("arith.subf", score, logarithm)
            else:
                score = w.fma(score, w.splat(a.scale), below)
            weight = w.op("math.exp", score)
            w.store(weight, "%scores", place)
            cotangent = w.op("arith.mulf", weight, w.op("arith.subf", w.load("%cotangents", place), delta))
            if bounded:
                cotangent = w.select(w.lanes_below(f.sub(limit, j)), cotangent, w.splat(0.0))
            if a.array("mask") is not None and a.fill != -inf:
                start = f.add("%mask_base", w.load_index("%mask_table", row))
                start = f.add(start, f.mul("%lower", w.array("mask").stride(a.column)))
                kept = w.is_kept(start, j, w.lanes_below(f.sub("%size", j)))
                cotangent = w.select(kept, cotangent, w.splat(0.0))
            w.store(cotangent, "%cotangents", place)
        if a.causal is not None:
            hidden = w.splat(0.0)
            if bounded:
                hidden = w.op("math.exp", w.op("arith.subf", w.splat(a.fill), logarithm))
            with f.loop(end, "%size", w.lanes) as j:
                w.store(hidden, "%scores", f.add(at, j))
                w.store(w.splat(0.0), "%cotangents", f.add(at, j))


def _total(schedule: AttentionSchedule, name: str, flat: list[tuple[str, str]]) -> Writer:
    """The queries' cotangents of a tile: the sum of all parts, in their order."""
    w = Writer(schedule, name, [*flat, ("%task", "index")])
    f, a = w.f, schedule.attention
    batch, tile = f.delinearize("%task", (a.size(a.batch), schedule.tiles))
    first = f.mul(tile, schedule.rows)
    width, depth = schedule.padded(a.depth), a.size(a.depth)
    rows = schedule.tiles * schedule.rows
    to = w.base("query_cotangent", batch)
    with f.loop(0, f.min(f.sub(a.size(a.rows), first), schedule.rows)) as i:
        row = f.add(first, i)
        place = f.add(to, w.row_offset("query_cotangent", row))
        start = f.mul(f.add(f.mul(batch, rows), row), width)
        with f.loop(0, depth, w.lanes) as j:
            total = w.load("%partial", f.add(start, j))
            for part in range(1, parts_of(schedule)):
                at = f.add(start, j, part * a.size(a.batch) * rows * width)
                total = w.op("arith.addf", total, w.load("%partial", at))
            total = w.op("arith.mulf", total, w.splat(a.scale))
            w.store_narrowed(total, "query_cotangent", f.add(place, j), w.lanes_below(f.sub(depth, j)))
    return w
