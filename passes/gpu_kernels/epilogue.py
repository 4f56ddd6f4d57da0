"""What follows a product or convolution element by element, done by its kernel to the finished tile.

The chains are those of the CPU's kernels (``kernel_rules/epilogue.py``); what they read may be more here.  An operand
is read by a step for each loop of the product, so it may lie along any of the result's dimensions, and what only the
chain needs (a folded normalization, the derivative of an activation) is computed along the way.  A tile function
applies the scalar code to tiles; the kernels made for Hopper get it as ``astra.epilogue`` (``gpu/hopper_epilogue.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list
from astra_mlir.passes.kernel_rules.epilogue import (
    FUSED,
    Epilogue,
    Fused,
    Read,
    epilogue_of,
    is_splat,
    is_there,
    read_elements,
)
from astra_mlir.passes.memref_utils import row_major_strides
from astra_mlir.passes.tile_builder import Tile, TileBuilder

__all__ = ["Places", "Spread", "apply", "function_text", "gpu_epilogue_of"]

Places = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # elements by loops of batch, rows, columns
Spread = Callable[
    [Sequence[int]], "Places | None"
]  # the places of an operand by its steps along the result's dimensions

_INLINED = 12  # operations that are computed along the way for one operand
# What is in memory whoever uses it: results of kernels of their own.
_STORED = frozenset(
    f"astra.{name}" for name in ("attention", "case", "gather", "if", "reduce", "scan", "scatter", "sort", "while")
)


def gpu_epilogue_of(op: ir.Operation, spread: Spread) -> Fused | None:
    """The longest epilogue of a product; the kinds of its operands are :data:`Places`."""
    return epilogue_of(op, set(), lambda value, dot: _read(value, tuple(range(dot.results[0].type.rank)), dot, spread))


def _read(value: ir.Value, along: Sequence[int | None], dot: ir.Operation, spread: Spread) -> Read | None:
    """How a tile gets a value of which each dimension lies along one of the result's (``None``: has size 1)."""
    owner = None if isinstance(value.owner, ir.Block) else value.owner.operation
    if owner is not None and owner.name == "astra.constant" and is_splat(owner):
        return Read({}, (owner,))
    if owner is not None and owner.name == "astra.broadcast":
        source = owner.operands[0]
        wide = zip(int_list(owner, "dimensions"), source.type.shape, strict=True)
        read = _read(source, [along[d] if size > 1 else None for d, size in wide], dot, spread)
        return read and Read(read.values, (*read.operations, owner))
    if owner is not None and owner.name == "astra.reshape" and (inner := _without_ones(owner, along)) is not None:
        read = _read(owner.operands[0], inner, dot, spread)
        return read and Read(read.values, (*read.operations, owner))
    if owner is not None and owner.name in FUSED and len(list(value.uses)) == 1:
        return _computed(owner, along, dot, spread)
    stored = owner is not None and owner.name in _STORED
    if not read_elements(value) or not (stored or is_there(value)) or _after(value, dot):
        return None
    steps = [0] * dot.results[0].type.rank
    for dimension, step, size in zip(along, row_major_strides(value.type.shape), value.type.shape, strict=True):
        if size > 1:
            assert dimension is not None
            steps[dimension] += step
    places = spread(steps)
    return None if places is None else Read({value: (places, value)})


def _without_ones(reshape: ir.Operation, along: Sequence[int | None]) -> list[int | None] | None:
    """Where the operand's dimensions lie, if dimensions of 1 are all that comes or goes."""
    before, after = (list(value.type.shape) for value in (reshape.operands[0], reshape.results[0]))
    wide = [(size, place) for size, place in zip(after, along, strict=True) if size > 1]
    if [size for size in before if size > 1] != [size for size, _ in wide]:
        return None
    places = iter(place for _, place in wide)
    return [next(places) if size > 1 else None for size in before]


def _computed(owner: ir.Operation, along: Sequence[int | None], dot: ir.Operation, spread: Spread) -> Read | None:
    values: dict[ir.Value, tuple[object, ir.Value]] = {}
    operations: dict[ir.Operation, None] = {}
    for operand in owner.operands:
        if list(operand.type.shape) != list(owner.results[0].type.shape):
            return None
        read = _read(operand, along, dot, spread)
        if read is None or any(values.get(value, kind) != kind for value, kind in read.values.items()):
            return None
        values.update(read.values)
        operations.update(dict.fromkeys(read.operations))
    operations[owner] = None
    return Read(values, tuple(operations)) if values and len(operations) <= _INLINED else None


def _after(value: ir.Value, dot: ir.Operation) -> bool:
    """Whether a value is of the product itself, which no tile can read."""
    return value == dot.results[0]


def function_text(epilogue: Epilogue, element: str) -> str:
    """The scalar code as a function of the product's element and the operands' elements."""
    kinds = (element, *epilogue.elements)
    parameters = ", ".join(f"{name}: {kind}" for name, kind in zip(epilogue.parameters, kinds, strict=True))
    lines = "\n".join(epilogue.lines)
    end = f"return {epilogue.result} : {epilogue.element}"
    return f"func.func private @epilogue({parameters}) -> {epilogue.element} {{\n{lines}\n{end}\n}}"


def apply(b: TileBuilder, epilogue: Epilogue, values: Sequence[Tile]) -> Tile:
    """The scalar code on tiles: the product's, and those of the operands, which may have dimensions of 1."""
    module = ir.Module.parse(function_text(epilogue, str(values[0].element)))
    block = module.body.operations[0].regions[0].blocks[0]
    made = dict(zip(block.arguments, values, strict=True))
    for view in block.operations:
        op = view.operation
        if op.name == "func.return":
            return made[op.operands[0]]
        attributes = {name: op.attributes[name] for name in op.attributes}
        operands = [made[operand] for operand in op.operands]
        result = op.results[0]
        if operands:
            made[result] = b.elementwise(op.name, operands, result.type, **attributes)
        else:
            made[result] = b.one(op.name, [], result.type, **attributes)
    raise AssertionError("a function without an end")
