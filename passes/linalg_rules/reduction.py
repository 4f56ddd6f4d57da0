"""Reductions and windowed reductions: one ``linalg.generic`` with reduction loops, for any combiner.

Known kinds start from their neutral element and take the initial value in afterwards, so that a schedule may split
them; sums and products of half-width floats accumulate in f32.  A combiner region is inlined on scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from astra_mlir.bindings import ir
from astra_mlir.passes.linalg_rules.convert import convert, widen
from astra_mlir.passes.linalg_rules.elementwise import apply, compare
from astra_mlir.passes.linalg_rules.indexing import pad
from astra_mlir.passes.linalg_rules.lowering import Expr, Lowering, TypeInfo, Val, dim, rule
from astra_mlir.passes.linalg_rules.scalar import compare_float, select

__all__ = ["combine", "neutral"]

Body = Callable[[list[ir.Value], list[ir.Value]], Sequence[ir.Value]]

# Combiners with their fast-math flags: sums and products may be reassociated; which zero is the larger one is left
# open, as that costs half of the speed of a reduction.
_FLAGGED = {
    "add": ("arith.addf", "reassoc"),
    "multiply": ("arith.mulf", "reassoc"),
    "maximum": ("arith.maximumf", "nsz"),
    "minimum": ("arith.minimumf", "nsz"),
}
_NEUTRAL_FLOAT = {"add": 0.0, "multiply": 1.0, "maximum": -inf, "minimum": inf}


def neutral(low: Lowering, kind: str, info: TypeInfo) -> ir.Value | None:
    """The neutral element of a combiner on elements of ``info`` (None where there is none)."""
    if info.kind == "complex":
        value = {"add": 0.0, "multiply": 1.0}.get(kind)
        if value is None:
            return None
        parts = [low.constant(info.compute, value), low.constant(info.compute, 0.0)]
        return low.emit("complex.create", parts, info.element)
    if info.kind == "float":
        value = _NEUTRAL_FLOAT.get(kind)
        return None if value is None else low.constant(info.element, value)
    smallest = -(1 << (info.bits - 1)) if info.kind == "int" else 0
    largest = (1 << (info.bits - 1)) - 1 if info.kind == "int" else (1 << info.bits) - 1
    integers = {"add": 0, "multiply": 1, "or": 0, "xor": 0, "and": -1, "maximum": smallest, "minimum": largest}
    return low.constant(info.element, integers[kind])


def combine(low: Lowering, kind: str, a: ir.Value, b: ir.Value, info: TypeInfo) -> ir.Value:
    """``a kind b`` for the accumulator ``a``."""
    if kind not in _FLAGGED or info.kind != "float" or info.narrow:
        return apply(low, kind, [a, b], info, info)
    name, flag = _FLAGGED[kind]
    attribute = low.cached(("fastmath", flag), lambda: ir.Attribute.parse(f"#arith.fastmath<{flag}>"))
    return low.emit(name, [a, b], info.compute, {"fastmath": attribute})


def _is_constant(value: ir.Value, wanted: ir.Value) -> bool:
    """Whether two scalars are the same ``arith.constant`` (0.0 and -0.0 differ)."""
    if not (isinstance(value, ir.OpResult) and isinstance(wanted, ir.OpResult)):
        return False
    a, b = value.owner, wanted.owner
    if a.name != b.name:
        return False
    if a.name == "complex.create":
        return all(_is_constant(x, y) for x, y in zip(a.operands, b.operands, strict=True))
    return a.name == "arith.constant" and a.attributes["value"] == b.attributes["value"]


@rule("reduce")
def _reduce(low: Lowering, op: ir.Operation) -> list[Val]:
    vals = low.operands(op)
    half = len(vals) // 2
    inputs, inits = vals[:half], vals[half:]
    kind, dimensions = low.attribute("kind"), low.attribute("dimensions")
    infos = low.result_infos(op)
    rank = inputs[0].info.rank
    iterators = "".join("r" if i in dimensions else "p" for i in range(rank))
    kept = tuple(dim(i) for i in range(rank) if i not in dimensions)
    loops = _Loops(iterators, inputs[0].info.shape, low.identity(rank), kept)
    return _reduction(low, op, kind, inputs, inits, infos, loops)


@dataclass(frozen=True)
class _Loops:
    """The loops of a reduction: iterator letters and sizes, how inputs are read, where results go."""

    iterators: str
    sizes: Sequence[int]
    read: tuple[Expr, ...]
    out: tuple[Expr, ...]

    def run(
        self, low: Lowering, inputs: Sequence[Val], starts: Sequence[ir.Value], infos: Sequence[TypeInfo], body: Body
    ) -> list[Val]:
        """The results of ``body(accumulators, elements)`` over the loops, each accumulator beginning at its start."""
        outs = [(low.tensor(Val(i, scalar=start)), self.out) for i, start in zip(infos, starts, strict=True)]
        results = low.read_generic([(val, self.read) for val in inputs], outs, self.iterators, self.sizes, body)
        return [Val(info, tensor=value) for info, value in zip(infos, results, strict=True)]


def _reduction(
    low: Lowering, op: ir.Operation, kind: str, inputs: Sequence[Val], inits: Sequence[Val],
    infos: Sequence[TypeInfo], loops: _Loops,
) -> list[Val]:  # fmt: skip
    inputs, inits = ([_widened(low, v, i) for v, i in zip(vals, infos, strict=True)] for vals in (inputs, inits))
    starts = [low.scalar(init) for init in inits]
    if kind == "custom":
        region = op.regions[0].blocks[0]
        scalars = [low.info_of((), result.type.element_type) for result in op.results]

        def inline(accumulators: list[ir.Value], elements: list[ir.Value]) -> list[ir.Value]:
            both = zip((*scalars, *scalars), (*accumulators, *elements), strict=True)
            yielded = low.lower_block(region, [Val(info, scalar=value) for info, value in both])
            return [low.scalar(val) for val in yielded]

        return loops.run(low, inputs, starts, infos, inline)
    if kind in ("argmax", "argmin"):
        return _arg_extreme(low, {"argmax": "maximum", "argmin": "minimum"}[kind], inputs, starts, infos, loops)
    return [_known(low, kind, inputs[0], starts[0], infos[0], loops)]


def _widened(low: Lowering, val: Val, result: TypeInfo) -> Val:
    """An input or initial value in the element type of the result, which may be wider."""
    if val.info.element == result.element:
        return val
    wide = low.info_of(val.info.shape, result.element)
    return low.elementwise([wide], [val], lambda args: [convert(low, args[0], val.info, wide)])[0]


def _known(low: Lowering, kind: str, val: Val, init: ir.Value, info: TypeInfo, loops: _Loops) -> Val:
    wide = info
    if info.narrow and kind in _FLAGGED:
        wide = low.info_of(info.shape, info.compute)
    start = neutral(low, kind, wide)
    if start is None:
        return loops.run(low, [val], [init], [info], lambda acc, new: [combine(low, kind, acc[0], new[0], info)])[0]

    def body(accumulators: list[ir.Value], elements: list[ir.Value]) -> list[ir.Value]:
        return [combine(low, kind, accumulators[0], convert(low, elements[0], info, wide), wide)]

    total = loops.run(low, [val], [start], [wide], body)[0]
    unchanged = _is_constant(init, neutral(low, kind, info))
    if unchanged and wide is info:
        return total

    def finish(args: list[ir.Value]) -> list[ir.Value]:
        value = args[0] if unchanged else combine(low, kind, convert(low, init, info, wide), args[0], wide)
        return [convert(low, value, wide, info)]

    return low.elementwise([info], [total], finish)[0]


def _arg_extreme(
    low: Lowering,
    kind: str,
    inputs: Sequence[Val],
    starts: Sequence[ir.Value],
    infos: Sequence[TypeInfo],
    loops: _Loops,
) -> list[Val]:
    """The extreme value, then the lowest index among the elements that hold it: two reductions that vectorize.

    A NaN wins as the extreme value, and then the elements that are NaN hold it.
    """
    values, indices = inputs
    info, index_info = infos
    extreme = _known(low, kind, values, starts[0], info, loops)
    largest = neutral(low, "minimum", index_info)
    best = low.view(extreme, values.info, loops.out)

    def candidate(value: ir.Value, best: ir.Value, index: ir.Value, largest: ir.Value) -> ir.Value:
        holds = compare(low, "EQ", [value, best], info)
        if info.kind == "float":
            wide = widen(low, value, info)
            holds = low.emit("arith.ori", [holds, compare_float(low, "uno", wide, wide)], low.i1)
        return select(low, holds, index, largest)

    def body(accumulators: list[ir.Value], elements: list[ir.Value]) -> list[ir.Value]:
        index = candidate(*elements, neutral(low, "minimum", index_info))
        return [combine(low, "minimum", accumulators[0], index, index_info)]

    (lowest,) = loops.run(low, [values, best, indices], [largest], [index_info], body)
    init, init_index = starts

    def finish(args: list[ir.Value]) -> list[ir.Value]:
        from_init = candidate(init, args[0], init_index, neutral(low, "minimum", index_info))
        return [combine(low, "minimum", args[1], from_init, index_info)]

    return [extreme, *low.elementwise([index_info], [extreme, lowest], finish)]


@rule("reduce_window")
def _reduce_window(low: Lowering, op: ir.Operation) -> list[Val]:
    vals = low.operands(op)
    half = len(vals) // 2
    inits = vals[half:]
    attribute = low.attribute
    window, strides = attribute("window_dimensions"), attribute("window_strides")
    base_dilations, dilations, padding = (
        attribute("base_dilations"),
        attribute("window_dilations"),
        attribute("padding"),
    )
    kind = attribute("kind")
    infos = low.result_infos(op)
    rank = len(window)
    inputs = []
    for val, init in zip(vals[:half], inits, strict=True):
        sizes = [
            padding[2 * i] + padding[2 * i + 1] + (n and (n - 1) * base_dilations[i] + 1)
            for i, n in enumerate(val.info.shape)
        ]
        padded = low.like(val.info, sizes)
        inputs.append(pad(low, val, low.scalar(init), padding[::2], [d - 1 for d in base_dilations], padded))
    # Only window dimensions longer than one get a loop of their own.
    long = [i for i in range(rank) if window[i] != 1]
    loop_of = {i: rank + k for k, i in enumerate(long)}
    exprs: list[Expr] = []
    for i in range(rank):
        terms = [(i, strides[i])]
        if i in loop_of:
            terms.append((loop_of[i], dilations[i]))
        exprs.append((tuple(terms), 0))
    letters = "p" * rank + "r" * len(long)
    sizes = (*infos[0].shape, *(window[i] for i in long))
    loops = _Loops(letters, sizes, tuple(exprs), low.identity(rank))
    return _reduction(low, op, kind, inputs, inits, infos, loops)
