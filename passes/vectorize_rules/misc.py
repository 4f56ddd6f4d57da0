"""Vectorization of sorting, linear algebra and random numbers: operations on the last dimensions, or along one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.passes.vectorize_rules.captures import captured, copy_region, repeated
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, refuse, rule


@rule("sort")
def sort(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """One more dimension; batched values that the comparator uses from outside are sorted along."""
    outside = captured(op, b)
    dims = [arg.dim for arg in args if arg.dim is not None]
    dim = min(dims, default=0)
    values = [b.at(arg, dim) for arg in args]
    dimension = value_of(op, "dimension")
    dimension += dimension >= dim
    if not outside:
        new = b.again(op, values, [value.type for value in values], dimension=dimension)
        return [Batch(result, dim) for result in new.results]
    count = len(values)
    values += [repeated(value, values[0].type.shape, dim, b) for value in outside]
    new = b.op("sort", values, [value.type for value in values], dimension=dimension, kind="custom",
               is_stable=value_of(op, "is_stable"))  # fmt: skip
    old = op.regions[0].blocks[0]
    scalars = [ir.RankedTensorType.get([], value.type.element_type) for value in values for _ in range(2)]

    def mapping(arguments: Sequence[ir.Value]) -> dict[ir.Value, ir.Value]:
        return dict(zip((*old.arguments, *outside), (*arguments[: 2 * count], *arguments[2 * count :: 2]), strict=True))

    copy_region(old, new.regions[0], scalars, mapping, (), b)
    return [Batch(result, dim) for result in list(new.results)[:count]]


@rule("cholesky", "top_k", "fft")
def on_last_dimensions(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """All but the last dimensions are a batch already."""
    new = b.again(op, [b.front(arg) for arg in args], [b.with_batch(result.type, 0) for result in op.results])
    return [Batch(result, 0) for result in new.results]


@rule("triangular_solve")
def triangular_solve(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """One matrix for all applications solves for all their columns (rows, where it is on the right) at once."""
    a, right = args
    result = op.results[0].type
    if a.dim is not None:
        return [Batch(b.again(op, (b.front(a), b.front(right)), (b.with_batch(result, 0),)).results[0], 0)]
    *lead, rows, columns = result.shape
    dim = len(lead) + (1 if value_of(op, "left_side") else 0)
    value = b.at(right, dim)
    merged = [*lead, rows, b.size * columns] if dim > len(lead) else [*lead, b.size * rows, columns]
    type = b.type(merged, result.element_type)
    solved = b.again(op, (a.value, b.reshape(value, merged)), (type,)).results[0]
    return [Batch(b.reshape(solved, b.with_batch(result, dim).shape), dim)]


# --- random numbers --------------------------------------------------------------------------------------------------


@rule("rng")
def rng(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Parameters for each application: standard numbers for all, scaled and shifted."""
    low, high, shape = args
    if shape.dim is not None:
        refuse(op, "its shape differs between applications")
    result = op.results[0].type
    element = result.element_type
    if not isinstance(element, ir.FloatType):
        refuse(op, "the bounds of random integers differ between applications; draw floats and convert them")
    scalar = ir.RankedTensorType.get([], element)
    index = shape.value.type.element_type
    one = b.splat(b.size, b.type([1], index))
    sizes = b.build("concatenate", (one, shape.value), b.type([1 + len(result.shape)], index), dimension=0)
    full = b.with_batch(result, 0)
    standard = b.again(op, (b.splat(0, scalar), b.splat(1, scalar), sizes), (full,)).results[0]
    first, second = (b.broadcast(b.front(bound), full.shape, [0]) for bound in (low, high))
    scale = second if value_of(op, "distribution") == "NORMAL" else b.binary("subtract", second, first)
    return [Batch(b.binary("add", first, b.binary("multiply", standard, scale)), 0)]


@rule("rng_bit_generator")
def rng_bit_generator(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """One generator after the other: each application's bits are those of its own state."""
    states = b.front(args[0])
    types = [b.with_batch(result.type, 0) for result in op.results]
    scan = b.op("scan", (states,), types, trip_count=b.size, num_carries=0, reverse=False)
    index = ir.RankedTensorType.get([], ir.IntegerType.get_signless(64))
    block = scan.regions[0].blocks.append(index, op.operands[0].type, arg_locs=[b.loc, b.loc])
    with b.building_at(ir.InsertionPoint(block)):
        new = b.again(op, (block.arguments[1],), [result.type for result in op.results])
        b.op("yield", list(new.results), ())
    return [Batch(result, 0) for result in scan.results]


@rule("custom_call")
def custom_call(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """A function whose leading dimensions are a batch (JAX says how many) takes one more of them."""
    frontend = op.attributes.get(_FRONTEND, {})
    if _LEADING not in frontend:
        refuse(op, f"nothing is known about '{value_of(op, 'call_target_name')}'; express it with other operations, or "
                   "give it a batched form with jax.custom_batching.custom_vmap")  # fmt: skip
    types = [b.with_batch(result.type, 0) for result in op.results]
    new = b.again(op, [b.front(arg) for arg in args], types)
    count = int(ir.StringAttr(frontend[_LEADING]).value) + 1
    entries = {named.name: named.attr for named in (frontend[i] for i in range(len(frontend)))}
    new.attributes[_FRONTEND] = ir.DictAttr.get({**entries, _LEADING: ir.StringAttr.get(str(count))})
    for key in ("operand_layouts", "result_layouts"):
        if key in op.attributes:
            new.attributes[key] = ir.ArrayAttr.get([_outermost(layout) for layout in ir.ArrayAttr(op.attributes[key])])
    return [Batch(result, 0) for result in new.results]


_FRONTEND, _LEADING = "mhlo.frontend_attributes", "num_batch_dims"


def _outermost(layout: ir.Attribute) -> ir.Attribute:
    """A layout (dimensions from the innermost on) with a dimension in front of the others, outermost in memory."""
    inner = to_numpy(layout).reshape(-1)
    return ir.DenseElementsAttr.get(np.append(inner + 1, 0).astype(np.int64), type=ir.IndexType.get())
