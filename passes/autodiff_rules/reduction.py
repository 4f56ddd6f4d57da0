"""Derivatives of reductions, window reductions and cumulative operations.

Where several elements are the maximum of a reduction they get equal shares; of a window the first one gets all, as in
JAX; a cumulative maximum shares as the binary maximum does, step by step.  No rule divides by an operand, so products
are differentiated exactly at zeros.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.autodiff_rules.contraction import dilate
from astra_mlir.passes.autodiff_rules.core import ELEMENTWISE, Emitter, jvp, refuse, structured_jvp, structured_vjp, vjp
from astra_mlir.passes.autodiff_rules.engine import Forward, Reverse
from astra_mlir.passes.autodiff_rules.regions import fold_windows, reduce_tree, windows_of
from astra_mlir.passes.autodiff_rules.written_out import forward_through, reverse_through

MaybeValue = ir.Value | None
Values = Sequence[MaybeValue]


def _extreme_of(kind: str) -> float:
    """What every float is at least (maximum), or at most (minimum)."""
    return -np.inf if kind == "maximum" else np.inf


def _is_neutral(init: ir.Value, kind: str, b: Emitter) -> bool:
    """Whether an initial value is a constant that every element replaces."""
    value = b.splat_of(init)
    return value is not None and bool(np.asarray(value) == _extreme_of(kind))


def _reduced(op: ir.Operation) -> tuple[list[int], list[int]]:
    """The dimensions that are kept, and those that are reduced."""
    dimensions = int_list(op, "dimensions")
    return [d for d in range(op.operands[0].type.rank) if d not in dimensions], dimensions


def _spread(value: ir.Value, op: ir.Operation, b: Emitter) -> ir.Value:
    """A value of the result's shape along all reduced dimensions."""
    return b.broadcast(value, b.info(op.operands[0]).shape, _reduced(op)[0])


def _scalar_as_result(value: ir.Value, op: ir.Operation, b: Emitter) -> ir.Value:
    info = b.info(op.results[0])
    return b.broadcast(b.convert(value, info.element), info.shape, ())


def _again(op: ir.Operation, operands: Sequence[ir.Value], b: Emitter, **attributes: Any) -> ir.Value:
    """The same reduction of other operands (of a known kind: without a region)."""
    name = op.name.removeprefix("astra.")
    kept = {key: value for key, value in op.attributes.items() if key not in attributes}
    return b.build(name, operands, op.results[0].type, **kept, **attributes)


# --- reduce: sums ----------------------------------------------------------------------------------------------------


def _linear_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    return [_again(op, [b.zeros_like(x) if t is None else t for x, t in zip(op.operands, tangents, strict=True)], b)]


def _sum_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,), (x, init) = cotangents, op.operands
    assert c is not None
    element = b.info(x).element
    return [
        b.convert(_spread(c, op, b), element) if needs[0] else None,
        b.convert(b.sum(c), b.info(init).element) if needs[1] else None,
    ]


# --- reduce: products ----------------------------------------------------------------------------------------------


def _shift(value: ir.Value, by: int, dimension: int, filling: Any, b: Emitter) -> ir.Value:
    """Elements moved on by ``by`` (1 or -1) along a dimension."""
    info = b.info(value)
    low = [by if d == dimension else 0 for d in range(info.rank)]
    fill = b.full(b.type((), info.element), filling)
    return b.build("pad", (value, fill), info.type, low=low, high=[-n for n in low], interior=[0] * info.rank)


def _product_of_others(op: ir.Operation, b: Emitter) -> ir.Value | None:
    """For each element the product of all others that are reduced together with it, and of the initial value."""
    x, init = op.operands
    element = b.info(op.results[0]).element
    x = b.convert(x, element)
    shape, (kept, reduced) = b.info(x).shape, _reduced(op)
    size = math.prod(shape[d] for d in reduced)
    if size > 1:
        order = [*kept, *reduced]
        flat = b.reshape(b.transpose(x, order), [*(shape[d] for d in kept), size])
        last = len(kept)
        before, after = (
            _shift(
                b.build("cumulative", (flat,), flat.type, dimension=last, reverse=backwards, kind="multiply"),
                -1 if backwards else 1, last, 1, b,
            )
            for backwards in (False, True)
        )  # fmt: skip
        others = b.reshape(b.f("multiply", before, after), [shape[d] for d in order])
        others = b.transpose(others, [order.index(d) for d in range(len(order))])
    else:
        others = b.full(b.type(shape, element), 1)
    if b.splat_of(init) == 1:
        return others
    return b.f("multiply", others, b.broadcast(b.convert(init, element), shape, ()))


def _product_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    x, init = op.operands
    element, total = b.info(op.results[0]).element, None
    if tangents[0] is not None:
        terms = b.f("multiply", b.convert(tangents[0], element), _product_of_others(op, b))
        total = b.sum(terms, _reduced(op)[1])
    if tangents[1] is not None:
        one = b.full(init.type, 1)
        rest = b.f("multiply", _scalar_as_result(tangents[1], op, b), _again(op, (x, one), b))
        total = b.add(total, rest)
    return [total]


def _product_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,), (x, init) = cotangents, op.operands
    assert c is not None
    of_x = of_init = None
    if needs[0]:
        of_x = b.convert(b.f("multiply", _spread(c, op, b), _product_of_others(op, b)), b.info(x).element)
    if needs[1]:
        product = _again(op, (x, b.full(init.type, 1)), b)
        of_init = b.convert(b.sum(b.f("multiply", c, product)), b.info(init).element)
    return [of_x, of_init]


# --- reduce: extremes ------------------------------------------------------------------------------------------------


class _Shares:
    """Which elements a reduction to the maximum or minimum takes, and what each of them is given."""

    def __init__(self, op: ir.Operation, b: Emitter, active_init: bool) -> None:
        (x, init), result = op.operands, op.results[0]
        element = b.info(result).element
        self.op, self.b, self.element = op, b, element
        self.taken = b.convert(b.compare("EQ", b.convert(x, element), _spread(result, op, b)), element)
        count = b.sum(self.taken, _reduced(op)[1])
        self.init = None
        if active_init or not _is_neutral(init, value_of(op, "kind"), b):
            self.init = b.convert(b.compare("EQ", _scalar_as_result(init, op, b), result), element)
            count = b.f("add", count, self.init)
        self.count = count


def _extreme_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    shares, total = _Shares(op, b, tangents[1] is not None), None
    if tangents[0] is not None:
        total = b.sum(b.f("multiply", b.convert(tangents[0], shares.element), shares.taken), _reduced(op)[1])
    if tangents[1] is not None:
        assert shares.init is not None
        total = b.add(total, b.f("multiply", _scalar_as_result(tangents[1], op, b), shares.init))
    return [None if total is None else b.f("divide", total, shares.count)]


def _extreme_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,), (x, init) = cotangents, op.operands
    assert c is not None
    shares, of_x, of_init = _Shares(op, b, needs[1]), None, None
    share = b.f("divide", c, shares.count)
    if needs[0]:
        of_x = b.convert(b.f("multiply", _spread(share, op, b), shares.taken), b.info(x).element)
    if needs[1]:
        assert shares.init is not None
        of_init = b.convert(b.sum(b.f("multiply", share, shares.init)), b.info(init).element)
    return [of_x, of_init]


def _numbers(indices: ir.Value, dimensions: list[int]) -> bool:
    """Whether the indices of argmax or argmin number the elements along the one dimension that is reduced."""
    owner = indices.owner
    if isinstance(owner, ir.Block) or len(dimensions) != 1:
        return False
    op = owner.operation
    if op.name == "astra.broadcast":
        spread = int_list(op, "dimensions")
        return spread == dimensions and _numbers(op.operands[0], [0])
    return op.name == "astra.iota" and dimensions == [value_of(op, "dimension")]


def _arg_taken(op: ir.Operation, b: Emitter) -> tuple[ir.Value, ir.Value | None]:
    """Which elements argmax or argmin has taken, as i1, and how many where that may be several (as floats)."""
    x, indices, _, _ = op.operands
    value, index = op.results
    taken = b.compare("EQ", b.convert(indices, b.info(index).element), _spread(index, op, b))
    if _numbers(indices, _reduced(op)[1]):
        return taken, None
    element = b.info(value).element
    taken = b.f("and", taken, b.compare("EQ", b.convert(x, element), _spread(value, op, b)))
    return taken, b.sum(b.convert(taken, element), _reduced(op)[1])


def _refuse_active_init(op: ir.Operation, active: bool) -> None:
    if active:
        refuse(op, "its initial value varies; combine with that by maximum or minimum afterwards")


def _arg_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    t = tangents[0]
    _refuse_active_init(op, tangents[2] is not None)
    if t is None:
        return [None, None]
    taken, count = _arg_taken(op, b)
    t = b.convert(t, b.info(op.results[0]).element)
    total = b.sum(b.select(taken, t, b.zeros_like(t)), _reduced(op)[1])
    return [total if count is None else b.f("divide", total, count), None]


def _arg_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    c, x = cotangents[0], op.operands[0]
    _refuse_active_init(op, needs[2])
    if c is None or not needs[0]:
        return [None] * 4
    taken, count = _arg_taken(op, b)
    c = c if count is None else b.f("divide", c, count)
    c = b.convert(_spread(c, op, b), b.info(x).element)
    return [b.select(taken, c, b.zeros_like(c)), None, None, None]


# --- reduce_window -------------------------------------------------------------------------------------------------


def _window_sum_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    """An element gets the sum over the windows it lies in: a window reduction of the cotangent, spread by the strides.

    The initial value counts once for each window and for each place of padding in it.
    """
    (c,), (x, init) = cotangents, op.operands
    assert c is not None
    of_x = of_init = None
    if needs[0]:
        of_x = b.convert(_window_sum_transpose(op, c, b), b.info(x).element)
    if needs[1]:
        times = _again(op, (b.zeros_like(x), b.full(init.type, 1)), b)
        of_init = b.convert(b.sum(b.f("multiply", c, times)), b.info(init).element)
    return [of_x, of_init]


def _window_sum_transpose(op: ir.Operation, c: ir.Value, b: Emitter) -> ir.Value:
    what, shape, info = windows_of(op), b.info(op.operands[0]).shape, b.info(c)
    window, strides, dilations = what["window_dimensions"], what["window_strides"], what["window_dilations"]
    padding = []
    for d, size in enumerate(shape):
        wide, low = dilate(window[d], dilations[d]), what["padding"][2 * d]
        before = wide - low - 1
        base = dilate(size, what["base_dilations"][d])
        padding += [before, base + wide - 1 - dilate(info.shape[d], strides[d]) - before]
    zero = b.zeros(b.type((), info.element))
    return b.build(
        "reduce_window", (c, zero), b.type(shape, info.element), window_dimensions=window,
        window_strides=what["base_dilations"], base_dilations=strides, window_dilations=dilations, padding=padding,
        kind="add",
    )  # fmt: skip


_DIRECTIONS = {"maximum": "GE", "minimum": "LE"}


def _region(
    op: ir.Operation, index: int, types: Sequence[ir.Type], b: Emitter, body: Callable[..., Sequence[ir.Value]]
) -> None:
    """Write a region of an operation just built."""
    place = b.place
    block = ir.Block.create_at_start(op.regions[index], list(types), [place[1]] * len(types))
    b.at_end(block, place[1])
    b.op("yield", body(*block.arguments), ())
    b.return_to(place)


def _carried(
    values: ir.Value, others: ir.Value, inits: tuple[ir.Value, ir.Value], what: dict[str, list[int]],
    shape: Sequence[int], b: Emitter, keeps: Callable[[ir.Value, ir.Value], ir.Value],
) -> ir.Value:  # fmt: skip
    """Of each window the element of ``others`` at the place where ``keeps(kept, next)`` ends up in ``values``."""
    types = [b.type(shape, b.info(x).element) for x in (values, others)]
    new = b.op("reduce_window", (values, others, *inits), types, kind="custom", **what)

    def body(x: ir.Value, t: ir.Value, y: ir.Value, u: ir.Value) -> list[ir.Value]:
        kept = keeps(x, y)
        return [b.select(kept, x, y), b.select(kept, t, u)]

    scalars = [b.type((), b.info(x).element) for x in (values, others)]
    _region(new, 0, [*scalars, *scalars], b, body)
    return new.results[1]


def _window_extreme_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    """The tangent of the first element that is the extreme one."""
    x, init = (b.convert(value, b.info(op.results[0]).element) for value in op.operands)
    t, t_init = (
        b.zeros_like(value) if t is None else b.convert(t, b.info(value).element)
        for value, t in zip((x, init), tangents, strict=True)
    )
    direction = _DIRECTIONS[value_of(op, "kind")]
    shape = b.info(op.results[0]).shape
    return [_carried(x, t, (init, t_init), windows_of(op), shape, b, lambda p, q: b.compare(direction, p, q))]


def _window_extreme_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,), (x, init) = cotangents, op.operands
    assert c is not None
    what, kind = windows_of(op), value_of(op, "kind")
    same_type = b.info(x).element == b.info(c).element
    if not needs[1] and same_type and set(what["window_dilations"]) == {1} and _is_neutral(init, kind, b):
        return [_scattered_to_selected(x, c, what, kind, b), None]
    # By the number of the element that each window takes; the initial value has a number that is outside.
    shape = b.info(x).shape
    size = math.prod(shape)
    i32 = ir.IntegerType.get_signless(32 if size < 2**31 else 64)
    numbers = b.reshape(b.iota((size,), 0, i32), shape)
    direction, scalar = _DIRECTIONS[kind], b.type((), i32)
    chosen = _carried(
        x, numbers, (init, b.full(scalar, size)), what, b.info(c).shape, b, lambda p, q: b.compare(direction, p, q)
    )
    c = b.convert(c, b.info(x).element)
    flat = b.build(
        "scatter", (b.zeros(b.type((size,), b.info(c).element)), chosen, c), b.type((size,), b.info(c).element),
        update_window_dims=(), inserted_window_dims=(0,), input_batching_dims=(), scatter_indices_batching_dims=(),
        scatter_dims_to_operand_dims=(0,), index_vector_dim=len(shape), kind="add",
    )  # fmt: skip
    of_init = None
    if needs[1]:
        mine = b.compare("EQ", chosen, b.full(chosen.type, size))
        of_init = b.sum(b.select(mine, c, b.zeros_like(c)))
    return [b.reshape(flat, shape) if needs[0] else None, of_init]


def _scattered_to_selected(x: ir.Value, c: ir.Value, what: dict[str, list[int]], kind: str, b: Emitter) -> ir.Value:
    """``astra.select_and_scatter`` of the cotangent; for spread elements, over the operand spread out first."""
    info, gaps = b.info(x), [n - 1 for n in what["base_dilations"]]
    spread, nothing = x, [0] * b.info(x).rank
    if any(gaps):
        type = b.type([dilate(n, gap + 1) for n, gap in zip(info.shape, gaps, strict=True)], info.element)
        fill = b.full(b.type((), info.element), _extreme_of(kind))
        spread = b.build("pad", (x, fill), type, low=nothing, high=nothing, interior=gaps)
    found = b.build(
        "select_and_scatter", (spread, c, b.zeros(b.type((), info.element))), spread.type,
        window_dimensions=what["window_dimensions"], window_strides=what["window_strides"], padding=what["padding"],
        select_kind=_DIRECTIONS[kind], scatter_kind="add",
    )  # fmt: skip
    if not any(gaps):
        return found
    limits = b.info(spread).shape
    return b.build(
        "slice", (found,), x.type, start_indices=nothing, limit_indices=limits, strides=what["base_dilations"]
    )


# --- one table of kinds --------------------------------------------------------------------------------------------

_JVP: dict[str, dict[str, Callable[..., Values]]] = {
    "astra.reduce": {
        "add": _linear_jvp, "multiply": _product_jvp, "maximum": _extreme_jvp, "minimum": _extreme_jvp,
        "argmax": _arg_jvp, "argmin": _arg_jvp,
    },
    "astra.reduce_window": {
        "add": _linear_jvp, "maximum": _window_extreme_jvp, "minimum": _window_extreme_jvp,
    },
}  # fmt: skip
_VJP: dict[str, dict[str, Callable[..., Values]]] = {
    "astra.reduce": {
        "add": _sum_vjp, "multiply": _product_vjp, "maximum": _extreme_vjp, "minimum": _extreme_vjp,
        "argmax": _arg_vjp, "argmin": _arg_vjp,
    },
    "astra.reduce_window": {
        "add": _window_sum_vjp, "maximum": _window_extreme_vjp, "minimum": _window_extreme_vjp,
    },
}  # fmt: skip
_WRITTEN_OUT = {"astra.reduce": reduce_tree, "astra.reduce_window": fold_windows}


@structured_jvp("reduce", "reduce_window")
def _reduction_jvp(op: ir.Operation, engine: Forward) -> None:
    rule = _JVP[op.name].get(value_of(op, "kind"))
    if rule is None:
        forward_through(op, engine, _WRITTEN_OUT[op.name])
        return
    tangents = [engine.tangents.get(value) for value in op.operands]
    for result, tangent in zip(op.results, rule(op, tangents, engine.b), strict=True):
        if tangent is not None:
            engine.tangents[result] = tangent


@structured_vjp("reduce", "reduce_window")
def _reduction_vjp(op: ir.Operation, cotangents: Values, engine: Reverse) -> Sequence[tuple[ir.Value, MaybeValue]]:
    rule = _VJP[op.name].get(value_of(op, "kind"))
    if rule is None:
        return reverse_through(op, cotangents, engine, _WRITTEN_OUT[op.name])
    operands = list(op.operands)
    needs = [operand in engine.varied for operand in operands]
    return list(zip(operands, rule(op, cotangents, needs, engine.b), strict=True))


# --- select_and_scatter ----------------------------------------------------------------------------------------------


def _refuse_custom_scatter(op: ir.Operation) -> None:
    if value_of(op, "scatter_kind") != "add":
        refuse(op, "its scatter function is not add")


@jvp("select_and_scatter")
def _select_and_scatter_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    """Linear in the source and the initial value; where elements are sent does not change with the operand."""
    _refuse_custom_scatter(op)
    if tangents[1] is None and tangents[2] is None:
        return [None]
    _, source, init = op.operands
    given = [b.zeros_like(value) if t is None else t for value, t in zip((source, init), tangents[1:], strict=True)]
    new = op.clone(ip=b.place[0]).operation
    operands = new.operands
    operands[1], operands[2] = given
    return [new.results[0]]


@vjp("select_and_scatter")
def _select_and_scatter_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    """The cotangent at the place that each window selects."""
    _refuse_custom_scatter(op)
    (c,), (x, source, init) = cotangents, op.operands
    assert c is not None
    info, kind, of_source = b.info(x), value_of(op, "select_kind"), None
    if needs[1]:
        if kind == "custom":
            refuse(op, "its select function is none of GE, GT, LE and LT")
        ones = [1] * info.rank
        what = {name: int_list(op, name) for name in ("window_dimensions", "window_strides", "padding")}
        what |= {"base_dilations": ones, "window_dilations": ones}
        start = b.full(b.type((), info.element), _extreme_of("maximum" if kind[0] == "G" else "minimum"))
        zero = b.zeros(b.type((), b.info(c).element))
        of_source = _carried(
            x, c, (start, zero), what, b.info(source).shape, b, lambda p, q: b.compare(kind, p, q)
        )  # fmt: skip
        of_source = b.convert(of_source, b.info(source).element)
    return [None, of_source, b.convert(b.sum(c), b.info(init).element) if needs[2] else None]


# --- cumulative ----------------------------------------------------------------------------------------------------


@jvp("cumulative")
def _cumulative_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    (t,) = tangents
    assert t is not None
    if value_of(op, "kind") == "add":
        return [b.copy(op, (t,), t.type)]
    dimension, backwards = value_of(op, "dimension"), value_of(op, "reverse")
    of_previous, of_new = _cumulative_weights(op, b)
    return [_recurrence(of_previous, b.f("multiply", of_new, t), dimension, backwards, b)]


@vjp("cumulative")
def _cumulative_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,) = cotangents
    assert c is not None
    dimension, backwards, kind = value_of(op, "dimension"), value_of(op, "reverse"), value_of(op, "kind")
    if kind == "add":
        return [b.build("cumulative", (c,), c.type, dimension=dimension, reverse=not backwards, kind=kind)]
    of_previous, of_new = _cumulative_weights(op, b)
    of_next = _shift(of_previous, 1 if backwards else -1, dimension, 0, b)
    return [b.f("multiply", of_new, _recurrence(of_next, c, dimension, not backwards, b))]


def _cumulative_weights(op: ir.Operation, b: Emitter) -> tuple[ir.Value, ir.Value]:
    """The derivatives of each result by the one before it and by its own element."""
    x, y, kind = op.operands[0], op.results[0], value_of(op, "kind")
    neutral = 1.0 if kind == "multiply" else _extreme_of("minimum" if kind == "minimum" else "maximum")
    previous = _shift(y, -1 if value_of(op, "reverse") else 1, value_of(op, "dimension"), neutral, b)
    if kind == "logaddexp":
        # exp(x - y), and 1 for equal infinities
        ones = b.full(y.type, 1)
        previous_weight, own = (
            b.select(b.compare("EQ", z, y), ones, b.f("exponential", b.f("subtract", z, y))) for z in (previous, x)
        )
        return previous_weight, own
    found: list[ir.Value] = []
    ones = b.full(y.type, 1)
    for term in ELEMENTWISE[f"astra.{kind}"]:
        assert term is not None
        weight = b.term(term, ones, y, (previous, x))
        assert weight is not None
        found.append(weight)
    return found[0], found[1]


def _recurrence(factors: ir.Value, terms: ir.Value, dimension: int, backwards: bool, b: Emitter) -> ir.Value:
    """s with ``s[i] = factors[i] * s[i - 1] + terms[i]`` along a dimension (``backwards``: from ``s[i + 1]``)."""
    info = b.info(terms)
    order = [dimension, *(d for d in range(info.rank) if d != dimension)]
    factors, terms = b.transpose(factors, order), b.transpose(terms, order)
    size, *rest = b.info(terms).shape
    part, index = b.type(rest, info.element), b.type((), ir.IntegerType.get_signless(32))
    new = b.op(
        "scan", (b.zeros(part), factors, terms), (part, terms.type), trip_count=size, num_carries=1, reverse=backwards
    )

    def body(i: ir.Value, s: ir.Value, factor: ir.Value, term: ir.Value) -> list[ir.Value]:
        following = b.f("add", b.f("multiply", factor, s), term)
        return [following, following]

    _region(new, 0, [index, part, part, part], b, body)
    return b.transpose(new.results[1], [order.index(d) for d in range(info.rank)])
