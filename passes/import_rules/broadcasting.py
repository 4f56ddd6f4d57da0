"""Import of CHLO's elementwise operations that broadcast their operands to a common shape."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.elementwise import BINARY
from astra_mlir.passes.conversion import Rule
from astra_mlir.passes.import_rules.core import Importer, attribute, is_static, rule, with_element
from astra_mlir.passes.import_rules.elementwise import compare_type


def _aligned(operand: ir.Value, rank: int, dimensions: list[int] | None) -> list[int]:
    """Which result dimension each operand dimension is: the last ones unless the operation says otherwise."""
    own = operand.type.rank
    return dimensions if dimensions is not None and own < rank else list(range(rank - own, rank))


def _common_shape(operands: Sequence[ir.Value], aligned: Sequence[list[int]], type: ir.Type, b: Importer) -> ir.Value:
    """The result's shape as a rank-1 tensor: in every dimension the size of an operand that is not one there."""
    i32 = ir.IntegerType.get_signless(32)
    scalar, one = ir.RankedTensorType.get([], i32), ir.RankedTensorType.get([1], i32)
    boolean = ir.RankedTensorType.get([], ir.IntegerType.get_signless(1))
    sizes = []
    for d, known in enumerate(type.shape):
        if known >= 0:
            sizes.append(b.scalar(known, i32))
            continue
        places = [(x, dimensions.index(d)) for x, dimensions in zip(operands, aligned, strict=True) if d in dimensions]
        size, *others = [b.size_of(x, place) for x, place in places if x.type.shape[place] != 1]
        for other in others:
            is_one = b.emit("compare", [size, b.scalar(1, i32)], boolean, direction="EQ", compare_type="SIGNED")
            size = b.emit("select", [is_one, other, size], scalar)
        sizes.append(size)
    parts = [b.emit("reshape", [size], one) for size in sizes]
    return b.emit("concatenate", parts, ir.RankedTensorType.get([len(parts)], i32), dimension=0)


def broadcast_operands(op: ir.Operation, b: Importer) -> list[ir.Value]:
    """The operands, each broadcast to the result's shape."""
    type = op.results[0].type
    operands = list(op.operands)
    given = attribute(op, "broadcast_dimensions")
    aligned = [_aligned(x, type.rank, None if given is None else list(given)) for x in operands]
    shape = [] if is_static(type) else [_common_shape(operands, aligned, type, b)]
    return [
        x
        if is_static(type) and list(x.type.shape) == list(type.shape)
        else b.emit("broadcast", [x, *shape], with_element(type, x.type.element_type), dimensions=dimensions)
        for x, dimensions in zip(operands, aligned, strict=True)
    ]


def _broadcasting(name: str) -> Rule:
    def convert(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
        return [b.emit(name, broadcast_operands(op, b), op.results[0].type)]

    return convert


for _function in BINARY:
    rule(f"chlo.broadcast_{_function.name}")(_broadcasting(_function.name))
rule("chlo.broadcast_select")(_broadcasting("select"))


@rule("chlo.broadcast_compare")
def _compare(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    direction = str(op.attributes["comparison_direction"]).removesuffix(">").rpartition(" ")[2]
    how = attribute(op, "compare_type")
    word = "NOTYPE" if how is None else str(how).removesuffix(">").rpartition(" ")[2]
    return [
        b.emit(
            "compare",
            broadcast_operands(op, b),
            op.results[0].type,
            direction=direction,
            compare_type=compare_type(op) if word == "NOTYPE" else word,
        )
    ]
