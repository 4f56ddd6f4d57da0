"""Inclusive scans along a dimension on GPUs: a program has a row or some columns, and goes along by blocks."""

from __future__ import annotations

import math
from collections.abc import Callable

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.tile_builder import Tile, TileBuilder, block_size, cells

__all__ = ["COMBINERS", "combiner"]

ROW_BLOCK = 1024
COLUMN_BLOCK = (32, 64)  # of a scan along another dimension than the last: steps, neighbouring columns

Binary = Callable[[TileBuilder, Tile, Tile], Tile]


def _logaddexp(b: TileBuilder, x: Tile, y: Tile) -> Tile:
    most, least = b.maximum(x, y), b.minimum(x, y)
    sum_ = most + b.math("log1p", b.math("exp", least - most))
    return b.select(x.eq(y), x + math.log(2), sum_)


COMBINERS: dict[str, Binary] = {
    "add": lambda b, x, y: x | y if x.element == b.i1 else x + y,
    "multiply": lambda b, x, y: x & y if x.element == b.i1 else x * y,
    "logaddexp": _logaddexp,
    "and": lambda b, x, y: x & y,
    "or": lambda b, x, y: x | y,
    "xor": lambda b, x, y: x ^ y,
}


def combiner(kind: str, element: ir.Type) -> Binary | None:
    """The combiner of that name on elements of a type (signedness counts); None for a custom one."""
    if kind in ("maximum", "minimum"):
        unsigned = isinstance(element, ir.IntegerType) and (element.is_unsigned or element.width == 1)
        names = {"maximum": ("maxsi", "maxui"), "minimum": ("minsi", "minui")}[kind]

        def extreme(b: TileBuilder, x: Tile, y: Tile) -> Tile:
            name = f"{kind}f" if x.is_float else names[unsigned]
            return b.elementwise(f"arith.{name}", [x, y])

        return extreme
    return COMBINERS.get(kind)


def wide(element: ir.Type, b: TileBuilder) -> ir.Type:
    """The type in which elements are combined: f32 for narrower floats."""
    return b.f32 if isinstance(element, ir.FloatType) and element.width < 32 else element


@gpu_kernel_rule("cumulative")
def cumulative(op: ir.Operation) -> KernelRequest | None:
    """One kernel per shape, element type, dimension, direction and combiner."""
    operand = op.operands[0].type
    dimension, reverse, kind = (value_of(op, name) for name in ("dimension", "reverse", "kind"))
    if combiner(kind, operand.element_type) is None or isinstance(operand.element_type, ir.ComplexType):
        return None
    name = kernel_name(f"cumulative_{kind}", "gpu", operand, dimension, reverse)
    return KernelRequest(
        name, [op.operands[0]], [Out(op.results[0].type)], lambda: _build(name, operand, dimension, reverse, kind)
    )


def _build(name: str, operand: ir.Type, dimension: int, reverse: bool, kind: str) -> str:
    shape = list(operand.shape)
    outer, length, inner = math.prod(shape[:dimension]), shape[dimension], math.prod(shape[dimension + 1 :])
    host = HostFunction(name, [buffer_type(operand)] * 2)
    function = host.tile(0, 1)
    b, (source, target) = function.builder, function.arguments
    combine = combiner(kind, operand.element_type)
    assert combine is not None
    along = 0 if inner > 1 else 1
    steps = block_size(length, COLUMN_BLOCK[0] if inner > 1 else ROW_BLOCK)
    columns = block_size(inner, COLUMN_BLOCK[1])
    blocks = cells(inner, columns)
    program = b.program_id(0)
    row, first = program // blocks, program % blocks * columns
    column = (first + b.arange(columns))[None, :]
    is_bool = operand.element_type == b.i1
    element = b.i1 if is_bool else wide(function.arguments[0].type.element_type, b)
    shape_of_tile = (steps, columns) if along == 0 else (1, steps)
    carried = (1, columns) if along == 0 else (1, 1)

    def both(builder: TileBuilder, lhs: list[Tile], rhs: list[Tile]) -> list[Tile]:
        """Values with a flag each that tells whether there is one."""
        x, has_x = lhs
        y, has_y = rhs
        value = builder.select(has_x & has_y, combine(builder, x, y), builder.select(has_x, x, y))
        return [value, has_x | has_y]

    def block(start: Tile, state: list[Tile]) -> list[Tile]:
        place = start + b.arange(steps)
        place = place[:, None] if along == 0 else place[None, :]
        inside = b.broadcast(place < length, shape_of_tile)
        if inner > 1 and inner % columns:
            inside = inside & (column < inner)
        at = (length - 1) - place if reverse else place
        offsets = (row * length + at) * inner + (column if inner > 1 else 0)
        offsets = b.broadcast(offsets, shape_of_tile)
        value = b.load(source, offsets, inside)
        value = value.ne(0) if is_bool else b.convert(value, element)
        scanned = b.scan([value, inside], along, both)
        result, _ = both(b, [b.broadcast(part, shape_of_tile) for part in state], list(scanned))
        stored = result.to(b.i8) if is_bool else b.convert(result, source.type.element_type)
        b.store(target, offsets, stored, inside)
        total = [b.reshape(part, carried) for part in b.reduce([value, inside], along, both)]
        return both(b, state, total)

    b.loop(0, length, steps, [b.full(carried, 0, element), b.full(carried, 0, b.i1)], block)
    host.launch(function, "scan", [outer * blocks], [0, 1])
    return host.text()
