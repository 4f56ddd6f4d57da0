"""Comparator and combiner regions on tiles: what a region computes of scalars, of all elements at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.kernel_rules.region import ScalarFunction, scalar_region
from astra_mlir.passes.tile_builder import Tile, TileBuilder

__all__ = ["TileRegion", "tile_region"]

TileRegion = Callable[[TileBuilder, Sequence[Tile]], list[Tile]]


def tile_region(op: ir.Operation) -> tuple[ScalarFunction, TileRegion]:
    """The region of an operation, and what writes it to a tile function on its operands, then what it captures.

    Raises :class:`UnsupportedError` where it has more than elementwise operations.
    """
    scalar = scalar_region(op)
    for line in scalar.lines:
        name = line.partition("=")[2].split()[0] if "=" in line else line
        if not name.startswith(("arith.", "math.")):
            raise UnsupportedError(f"{source_place(op.location)}: {op.name} with a region of {name} runs on no GPU")

    def write(b: TileBuilder, operands: Sequence[Tile]) -> list[Tile]:
        module = ir.Module.parse(scalar.text)
        block = module.body.operations[0].regions[0].blocks[0]
        values = dict(zip(block.arguments, operands, strict=True))
        for view in block.operations:
            inner = view.operation
            given = [values[value] for value in inner.operands]
            if inner.name == "func.return":
                return given
            attributes = {name: inner.attributes[name] for name in inner.attributes}
            kind = inner.results[0].type
            if inner.name == "arith.constant":
                values[inner.results[0]] = b.one(inner.name, [], kind, **attributes)
            else:
                values[inner.results[0]] = b.elementwise(inner.name, given, kind, **attributes)
        raise AssertionError("a function without an end")

    return scalar, write
