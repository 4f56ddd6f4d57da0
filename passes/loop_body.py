"""The body of a linalg operation at one place of its loops, and the loops themselves.

What ``astra-kernels-to-loops`` and its parts for stores and fetches (``stream_stores.py``, ``gathered_rows.py``) share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.passes.loop_schedule import Loop
from astra_mlir.passes.memref_utils import Builder

__all__ = ["Number", "Position", "clone_at", "for_loop", "loop_annotation"]

UNROLLED_WHOLE = 8  # loops shorter than this are left to LLVM's unroller

Number = ir.Value | int


@dataclass
class Position:
    """Where emission stands: loop variables so far and, per access, the address they amount to."""

    builder: Builder
    variables: list[tuple[Loop, Number]]
    addresses: list[Number]


def for_loop(
    builder: Builder, low: Number, high: Number, body: Callable[[Builder, Number], None], interleaved: int = 0
) -> None:
    """An ``scf.for`` without results; a single iteration needs none."""
    if isinstance(low, int) and isinstance(high, int) and high - low == 1:
        body(builder, low)
        return
    bounds = (builder.value(low), builder.value(high), builder.constant(1))
    op = builder.op("scf.for", bounds, (), loop_annotation(low, high, interleaved), regions=1)
    block = op.regions[0].blocks.append(builder.index, arg_locs=[builder.loc])
    end = ir.Operation.create("scf.yield", loc=builder.loc, ip=ir.InsertionPoint(block))
    body(Builder(ir.InsertionPoint(end), builder.loc), block.arguments[0])


def loop_annotation(low: Number, high: Number, interleaved: int) -> dict[str, ir.Attribute]:
    """Keep LLVM from unrolling a loop whole before its vectorizer sees it: it would vectorize the next outer one.

    It then takes one vector per iteration, too, unless it is told how many: ``interleaved``, 0 for outer loops.
    """
    if isinstance(low, int) and isinstance(high, int) and high - low < UNROLLED_WHOLE:
        return {}
    count = f"interleave = <count = {interleaved} : i32>, " if interleaved > 1 else ""
    return {"llvm.loop_annotation": ir.Attribute.parse(f"#llvm.loop_annotation<{count}unroll = <disable = true>>")}


def clone_at(op: ir.Operation, position: Position, mapping: dict[ir.Value, ir.Value]) -> None:
    """Clone an operation of the body; ``mapping`` says what its values are there, and learns of its results."""
    builder = position.builder
    if op.name == "linalg.index":
        dimension = op.attributes["dim"].value
        total: Number = 0
        for loop, variable in position.variables:
            if loop.dimension == dimension:
                total = builder.add(total, builder.mul(variable, loop.scale))
        mapping[op.results[0]] = builder.value(total)
        return
    new = op.clone(builder.ip)
    _remap(new, op, position, mapping)


def _remap(new: ir.Operation, old: ir.Operation, position: Position, mapping: dict[ir.Value, ir.Value]) -> None:
    for i, value in enumerate(old.operands):
        if value in mapping:
            new.operands[i] = mapping[value]
    for before, after in zip(old.results, new.results, strict=True):
        mapping[before] = after
    for old_region, new_region in zip(old.regions, new.regions, strict=True):
        for old_block, new_block in zip(old_region.blocks, new_region.blocks, strict=True):
            for before, after in zip(old_block.arguments, new_block.arguments, strict=True):
                mapping[before] = after
            for old_op, new_op in zip(list(old_block.operations), list(new_block.operations), strict=True):
                if old_op.operation.name == "linalg.index":
                    at = Position(
                        Builder(ir.InsertionPoint(new_op.operation), position.builder.loc), position.variables, []
                    )
                    clone_at(old_op.operation, at, mapping)
                    new_op.operation.results[0].replace_all_uses_with(mapping[old_op.operation.results[0]])
                    new_op.operation.erase()
                else:
                    _remap(new_op.operation, old_op.operation, position, mapping)
