"""The forward kernel of attention: scores of one tile of queries and one chunk of keys at a time.

FlashAttention-2 (Dao 2023, https://arxiv.org/abs/2307.08691) on the register tiles of matrix products.  Keys and
values are first packed into panels (values are read where they lie if that is as good), once for all tiles of a wave:
so many batch elements that there are tasks for all threads.  A task has one tile of queries; for each chunk of keys it
computes the scores, the maxima and exponentials of their rows, and adds the product with the chunk of values to its
result, which it scales down where a maximum has grown.  Chunks that the causal mask leaves nothing of are not computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from astra_mlir.passes.kernel_rules.attention_products import Product
from astra_mlir.passes.kernel_rules.attention_shapes import AttentionSchedule
from astra_mlir.passes.kernel_rules.attention_text import Writer, entry_arrays
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.target import round_up

__all__ = ["attention_text", "module_text", "packed_sizes", "score_text"]

PACK_WORK = 1 << 16  # elements packed in a task of at least 20 us
NEGLIGIBLE = {"f32": 105.0, "f64": 746.0}  # exp(-this) is 0


def packed_sizes(schedule: AttentionSchedule) -> dict[str, int]:
    """Elements of the packed keys and values of one wave of batch elements."""
    a = schedule.attention
    columns = schedule.wave * schedule.chunks * schedule.columns
    sizes = {"%packed_key": columns * a.size(a.depth)}
    return sizes if schedule.values_in_place else sizes | {"%packed_value": columns * schedule.padded(a.feature)}


def module_text(entry: FunctionText, writers: Sequence[Writer]) -> str:
    """The functions of a kernel, with the shared ones that they call."""
    shared = {name: text for writer in writers for name, text in writer.called.items()}
    return "\n\n".join([*shared.values(), *(writer.f.text() for writer in writers), entry.text()])


def attention_text(schedule: AttentionSchedule, name: str, arrays: list[tuple[str, str]]) -> str:
    """``@name(arrays..., packed arrays...)`` on memrefs of the given names and types, and what it calls."""
    a, wave = schedule.attention, schedule.wave
    f = FunctionText(name, [(f"{array}_array", type) for array, type in arrays])
    flat = entry_arrays(f, arrays)
    packing = _packing(schedule, f"{name}_pack", flat)
    tile, chunk = _tile(schedule, f"{name}_tile", f"{name}_chunk", flat)
    width = schedule.columns * (a.size(a.depth) + (0 if schedule.values_in_place else schedule.padded(a.feature)))
    work = max(1, a.work // (a.size(a.batch) * schedule.tiles))
    group = max(1, (1 << 20) // work)
    chunks = max(1, PACK_WORK // width)
    with f.loop(0, a.size(a.batch), wave) as first:
        with f.grouped(wave * schedule.chunks, chunks, sequential=chunks) as task:
            f.call(packing.f.name, [*flat, (first, "index"), (task, "index")])
        with f.grouped(wave * schedule.tiles, group, sequential=2 * group) as task:
            f.call(tile.f.name, [*flat, (first, "index"), (task, "index")])
    return module_text(f, (packing, chunk, tile))


def _packing(schedule: AttentionSchedule, name: str, flat: list[tuple[str, str]]) -> Writer:
    """One chunk of keys, as panels of columns of the scores' product, and of values, as panels of features."""
    w = Writer(schedule, name, [*flat, ("%wave", "index"), ("%task", "index")])
    f, a = w.f, schedule.attention
    batch, chunk = f.delinearize("%task", (schedule.wave, schedule.chunks))
    batch = f.add("%wave", batch)
    first = f.mul(chunk, schedule.columns)
    valid = f.min(f.sub(a.size(a.column), first), schedule.columns)
    columns, depth = schedule.scores.columns, a.size(a.depth)
    key = w.array("key")
    lanes = w.multiples(key.stride(a.column), schedule.columns)
    base = f.add(w.base("key", batch), f.mul(first, key.stride(a.column)))
    to = f.mul("%task", schedule.columns * depth)
    with f.loop(0, f.ceil_div(valid, columns)) as panel:
        lane = f.mul(panel, columns)
        count = f.min(f.sub(valid, lane), columns)
        at = f.add(to, f.mul(lane, depth))
        w.pack(
            "%key",
            base,
            lanes,
            lane,
            count,
            key.stride(a.depth),
            depth,
            columns,
            "%packed_key",
            at,
            adjacent=key.stride(a.column) == 1,
        )
    if schedule.values_in_place:
        return w
    columns, features = schedule.features(a.feature).columns, a.size(a.feature)
    value = w.array("value")
    lanes = w.multiples(value.stride(a.feature), features)
    base = f.add(w.base("value", batch), f.mul(first, value.stride(a.column)))
    to = f.mul("%task", schedule.columns * schedule.padded(a.feature))
    with f.loop(0, f.ceil_div(features, columns)) as panel:
        lane = f.mul(panel, columns)
        count = f.min(f.sub(features, lane), columns)
        at = f.add(to, f.mul(lane, schedule.columns))
        w.pack(
            "%value",
            base,
            lanes,
            lane,
            count,
            value.stride(a.column),
            valid,
            columns,
            "%packed_value",
            at,
            adjacent=value.stride(a.feature) == 1,
        )
    return w


# What a tile keeps for each of its rows while the chunks go by.
ROWS = ("%maxima", "%sums", "%safe", "%shrink", "%masked")


def _tile(
    schedule: AttentionSchedule, name: str, chunk_name: str, flat: list[tuple[str, str]]
) -> tuple[Writer, Writer]:
    """All chunks of a tile of queries, and then its rows of the results."""
    w = Writer(schedule, name, [*flat, ("%wave", "index"), ("%task", "index")])
    f, a = w.f, schedule.attention
    rows, depth, width = schedule.scores.rows, a.size(a.depth), schedule.padded(a.feature)
    packed, tile = f.delinearize("%task", (schedule.wave, schedule.tiles))
    batch = f.add("%wave", packed)
    if a.causal is not None:  # late rows see most columns: the longest tasks first
        tile = f.sub(schedule.tiles - 1, tile)
    first = f.mul(tile, schedule.rows)
    count = f.min(f.sub(a.size(a.rows), first), schedule.rows)
    table = w.row_table("query", first, count, schedule.rows)
    queries = w.alloca(schedule.rows * depth + w.lanes)
    with f.loop(0, f.ceil_div(count, rows)) as panel:
        lane = f.mul(panel, rows)
        valid = f.min(f.sub(count, lane), rows)
        step = w.array("query").stride(a.depth)
        w.pack("%query", w.base("query", batch), table, lane, valid, step, depth, rows, queries, f.mul(lane, depth))
    state = {row: w.alloca(round_up(schedule.rows, w.lanes)) for row in ROWS}
    w.fill(state["%maxima"], schedule.rows, -inf)
    w.fill(state["%sums"], schedule.rows, 0.0)
    if a.causal is not None:
        w.fill(state["%masked"], schedule.rows, 0.0)
    values: dict[str, tuple[Index, str]] = {row: (array, w.memref) for row, array in state.items()}
    values |= {
        "%queries": (queries, w.memref),
        "%scores": (w.alloca(schedule.rows * schedule.columns), w.memref),
        "%result_tile": (w.alloca(schedule.rows * width), w.memref),
        "%count": (count, "index"),
    }
    for modifier in ("bias", "mask"):
        if a.array(modifier) is not None:
            values[f"%{modifier}_table"] = (w.row_table(modifier, first, count, schedule.rows), "memref<?xindex>")
            values[f"%{modifier}_base"] = (w.base(modifier, batch), "index")
    end: Index = a.size(a.column)
    if a.causal is not None:
        bounds = w.alloca(schedule.rows, "index")
        values["%bounds"] = (bounds, "memref<?xindex>")
        with f.loop(0, count) as i:
            bound = f.ssa(w.row_bound(f.add(first, i)))
            f.line(f"memref.store {bound}, {bounds}[{f.ssa(i)}] : memref<?xindex>")
        if a.rows[0] == a.causal:  # otherwise bounds do not grow with the rows
            end = w.load_index(bounds, f.sub(count, 1))
            columns = schedule.scores.columns
            end = f.min(f.mul(f.ceil_div(end, columns), columns), a.size(a.column))
    chunk = _chunk(schedule, chunk_name, flat, values)

    def run(start: Index, end: Index) -> None:
        with f.loop(f.div(start, schedule.columns), f.ceil_div(end, schedule.columns)) as i:
            lower = f.mul(i, schedule.columns)
            if start != 0:
                lower = f.value(f"arith.maxsi {f.ssa(lower)}, {f.ssa(start)} : index")
            size = f.sub(f.min(f.mul(f.add(i, 1), schedule.columns), end), lower)
            place = f.add(f.mul(packed, schedule.chunks), i)
            within = f.sub(lower, f.mul(i, schedule.columns))
            keys = f.add(f.mul(place, schedule.columns * depth), f.mul(within, depth))
            if schedule.values_in_place:
                values_at = f.add(w.base("value", batch), f.mul(lower, width))
            else:
                columns = schedule.features(a.feature).columns
                values_at = f.add(f.mul(place, schedule.columns * width), f.mul(within, columns))
            extra: list[tuple[Index, str]] = [(x, "index") for x in (lower, size, keys, values_at)]
            f.call(chunk_name, [*flat, *values.values(), *extra])

    run(0, end)
    if end != a.size(a.column) and a.fill != -inf:
        # scores as low as what masked ones are given: these count as well
        lowest = w.splat(inf)
        found: list[str] = []
        with w.carried(0, count, w.lanes, [lowest], found) as (i, (lowest,), following):
            maxima = w.select(w.lanes_below(f.sub(count, i)), w.load(state["%maxima"], i), w.splat(inf))
            following.append(w.select(f.value(f"arith.cmpf olt, {maxima}, {lowest} : {w.vector}"), maxima, lowest))
        bound = w.scalar(a.fill + NEGLIGIBLE[a.accumulator])
        lowest = w.extreme_of("olt", found[0])
        low = f.value(f"arith.cmpf ole, {lowest}, {bound} : {w.element}")
        with f.block(f"scf.if {low} {{"):
            run(end, a.size(a.column))
    _finish(w, batch, first, count, state, str(values["%result_tile"][0]))
    return w, chunk


def _chunk(
    schedule: AttentionSchedule, name: str, flat: list[tuple[str, str]], values: dict[str, tuple[Index, str]]
) -> Writer:
    """One chunk of keys: scores, their exponentials, and the product with the values."""
    kinds = [(value, kind) for value, (_, kind) in values.items()]
    extra = [(value, "index") for value in ("%lower", "%size", "%keys", "%values")]
    w = Writer(schedule, name, [*flat, *kinds, *extra])
    f, a = w.f, schedule.attention
    depth, width, stride = a.size(a.depth), schedule.padded(a.feature), schedule.columns
    padded_rows = f.mul(f.ceil_div("%count", schedule.scores.rows), schedule.scores.rows)
    score_text(w, ("%queries", 0), ("%packed_key", "%keys"), depth, "%scores", padded_rows)
    first = f.compare("eq", "%lower", 0)
    _maxima(w)
    _shrink(w)
    _exponentials(w)
    types = schedule.features(a.feature)
    product = Product(types, row=stride, step=1, panel=types.rows * stride, stride=width, mode="scaled")
    values, panel = "%packed_value", stride * types.columns
    if schedule.values_in_place:
        product, values, panel = replace(product, b_step=width), "%value", types.columns
    w.product(
        product, ("%scores", 0), (values, "%values", panel), ("%result_tile", 0), "%size", padded_rows, width,
        first=first, factors="%shrink",
    )  # fmt: skip
    return w


def score_text(
    w: Writer, rows: tuple[str, Index], columns: tuple[str, Index], depth: int, result: str, m: Index
) -> None:
    """The product of packed rows with packed columns into a tile of scores."""
    types, stride = w.schedule.scores, w.schedule.columns
    n = w.f.mul(w.f.ceil_div("%size", types.columns), types.columns)
    product = Product(types, row=1, step=types.rows, panel=types.rows * depth, stride=stride, mode="fresh")
    w.product(product, rows, (*columns, types.columns * depth), (result, 0), depth, m, n)


def row_limit(w: Writer, row: Index) -> Index:
    """How many columns of the chunk the row may see."""
    if w.attention.causal is None:
        return "%size"
    f = w.f
    bound = f.sub(w.load_index("%bounds", row), "%lower")
    bound = f.value(f"arith.maxsi {f.ssa(bound)}, {f.ssa(0)} : index")
    return f.min(bound, "%size")


def modify_text(w: Writer, row: Index, at: Index) -> None:
    """Scale a row of scores, add the bias and mask it."""
    f, a = w.f, w.attention
    places = {}
    for name in ("bias", "mask"):
        if a.array(name) is not None:
            start = f.add(f"%{name}_base", w.load_index(f"%{name}_table", row))
            places[name] = f.add(start, f.mul("%lower", w.array(name).stride(a.column)))
    with f.loop(0, "%size", w.lanes) as j:
        inside = w.lanes_below(f.sub("%size", j))
        score = w.op("arith.mulf", w.load("%scores", f.add(at, j)), w.splat(a.scale))
        if "bias" in places:
            score = w.op("arith.addf", score, w.modifier("bias", places["bias"], j, inside))
        if "mask" in places:
            score = w.select(w.is_kept(places["mask"], j, inside), score, w.splat(a.fill))
        w.store(score, "%scores", f.add(at, j))


def limit_text(w: Writer, at: Index, limit: Index) -> Index:
    """Mask the last vector of a row in part; the number of columns up to its end."""
    f, a = w.f, w.attention
    whole = f.mul(f.div(limit, w.lanes), w.lanes)
    rest = f.sub(limit, whole)
    with f.block(f"scf.if {f.compare('ne', rest, 0)} {{"):
        place = f.add(at, whole)
        other = w.splat(-inf)
        if a.causal is not None and a.fill != -inf:
            fill = w.splat(a.fill if a.masked else a.fill / a.scale)
            other = w.select(w.lanes_below(f.sub("%size", whole)), fill, other)
        w.store(w.select(w.lanes_below(rest), w.load("%scores", place), other), "%scores", place)
    return f.mul(f.ceil_div(limit, w.lanes), w.lanes)


def _maxima(w: Writer) -> None:
    """The maximum of each row, into ``%safe`` for now."""
    f, a = w.f, w.attention
    with f.loop(0, "%count") as row:
        at = f.mul(row, w.schedule.columns)
        if a.masked:
            modify_text(w, row, at)
        limit = row_limit(w, row)
        end = limit_text(w, at, limit)
        found: list[str] = []
        start, step = w.splat(-inf), 4 * w.lanes
        by_four = f.mul(f.div(end, step), step)
        with w.carried(0, by_four, step, [start] * 4, found) as (j, names, following):
            following += [w.larger(w.load("%scores", f.add(at, j, k * w.lanes)), m) for k, m in enumerate(names)]
        largest = w.larger(w.larger(found[0], found[1]), w.larger(found[2], found[3]))
        found = []
        with w.carried(by_four, end, w.lanes, [largest], found) as (j, (m,), following):
            following.append(w.larger(w.load("%scores", f.add(at, j)), m))
        largest = w.extreme_of("ogt", found[0])
        if not a.masked and a.scale != 1.0:
            largest = f.value(f"arith.mulf {largest}, {w.scalar(a.scale)} : {w.element}")
        if a.causal is not None and a.fill != -inf:
            fill = f.value(f"arith.maxnumf {largest}, {w.scalar(a.fill)} : {w.element}")
            is_masked = f.compare("slt", limit, "%size")
            largest = f.value(f"arith.select {is_masked}, {fill}, {largest} : {w.element}")
        w.store_scalar(largest, "%safe", row)


def _shrink(w: Writer) -> None:
    """For vectors of rows: new maxima, what sums and results shrink by, and the exponentials of masked scores."""
    f, a = w.f, w.attention
    with f.loop(0, "%count", w.lanes) as i:
        before = w.load("%maxima", i)
        largest = w.larger(w.load("%safe", i), before)
        w.store(largest, "%maxima", i)
        nothing = f.value(f"arith.cmpf oeq, {largest}, {w.splat(-inf)} : {w.vector}")
        safe = w.select(nothing, w.splat(0.0), largest)
        w.store(safe, "%safe", i)
        shrink = w.op("math.exp", w.op("arith.subf", before, safe))
        w.store(shrink, "%shrink", i)
        w.store(w.op("arith.mulf", w.load("%sums", i), shrink), "%sums", i)
        if a.causal is not None and a.fill != -inf:
            below = w.op("arith.subf", w.splat(a.fill), safe)  # above 0 only where no column of the chunk is masked
            below = w.select(f.value(f"arith.cmpf olt, {below}, {w.splat(0.0)} : {w.vector}"), below, w.splat(0.0))
            w.store(w.op("math.exp", below), "%masked", i)


def _exponentials(w: Writer) -> None:
    """Scores become exponentials, whose sums are added up."""
    f, a = w.f, w.attention
    with f.loop(0, "%count") as row:
        at = f.mul(row, w.schedule.columns)
        safe = w.broadcast(w.load_scalar("%safe", row))
        below = w.op("arith.negf", safe)
        end = f.mul(f.ceil_div(row_limit(w, row), w.lanes), w.lanes)
        found: list[str] = []
        with w.carried(0, end, w.lanes, [w.splat(0.0)], found) as (j, (total,), following):
            place = f.add(at, j)
            score = w.load("%scores", place)
            if a.masked or a.scale == 1.0:
                score = w.op("arith.subf", score, safe)
            else:
                score = w.fma(score, w.splat(a.scale), below)
            weight = w.op("math.exp", score)
            w.store(weight, "%scores", place)
            following.append(w.op("arith.addf", total, weight))
        total = w.sum_of(found[0])
        if a.causal is not None:
            weight = w.load_scalar("%masked", row)
            with f.loop(end, "%size", w.lanes) as j:
                w.store(w.broadcast(weight), "%scores", f.add(at, j))
            rest = f.value(f"arith.maxsi {f.ssa(f.sub('%size', end))}, {f.ssa(0)} : index")
            rest = f.value(f"arith.index_cast {rest} : index to i64")
            rest = f.value(f"arith.sitofp {rest} : i64 to {w.element}")
            product = f.value(f"arith.mulf {weight}, {rest} : {w.element}")
            total = f.value(f"arith.addf {total}, {product} : {w.element}")
        total = f.value(f"arith.addf {total}, {w.load_scalar('%sums', row)} : {w.element}")
        w.store_scalar(total, "%sums", row)


def _finish(w: Writer, batch: Index, first: Index, count: Index, state: dict[str, str], result: str) -> None:
    """Divide by the sums, and write the rows of both results."""
    f, a = w.f, w.attention
    one, zero = w.splat(1.0), w.splat(0.0)
    with f.loop(0, count, w.lanes) as i:
        total = w.load(state["%sums"], i)
        logarithm = w.op("arith.addf", w.load(state["%safe"], i), w.op("math.log", total))
        w.store(logarithm, state["%maxima"], i)
        inverse = w.op("arith.divf", one, total)
        if a.empty_is_zero:
            empty = f.value(f"arith.cmpf oeq, {total}, {zero} : {w.vector}")
            inverse = w.select(empty, zero, inverse)
        w.store(inverse, state["%shrink"], i)
    width, features = w.schedule.padded(a.feature), a.size(a.feature)
    result_base, logsumexp_base = w.base("result", batch), w.base("logsumexp", batch)
    only = w.lanes_below(1)
    with f.loop(0, count) as i:
        row = f.add(first, i)
        inverse = w.broadcast(w.load_scalar(state["%shrink"], i))
        to = f.add(result_base, w.row_offset("result", row))
        start = f.mul(i, width)
        with f.loop(0, features, w.lanes) as j:
            value = w.op("arith.mulf", w.load(result, f.add(start, j)), inverse)
            w.store_narrowed(value, "result", f.add(to, j), w.lanes_below(f.sub(features, j)))
        value = w.broadcast(w.load_scalar(state["%maxima"], i))
        w.store_narrowed(value, "logsumexp", f.add(logsumexp_base, w.row_offset("logsumexp", row)), only)
