"""``astra-tile-simplify``: dead and repeated tile operations go, tiles that a loop only moves are not carried.

Part of what ``astra.kernel`` runs after tracing: MLIR's own passes do not look into Astra's operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OPS
from astra_mlir.dialects.tile import TILE_ATTRIBUTE
from astra_mlir.passes.core import Pass, register_pass

__all__ = ["TileSimplify"]

_READS = {"astra.tile_load", "astra.tile_block_load"}


def _is_pure(name: str) -> bool:
    return name in OPS and OPS[name].family == "tile" and OPS[name].pure


def _unused(op: ir.Operation) -> bool:
    return all(next(iter(result.uses), None) is None for result in op.results)


def _drop_dead(block: ir.Block) -> None:
    for view in reversed(list(block.operations)):
        op = view.operation
        for region in op.regions:
            for inner in region.blocks:
                _drop_dead(inner)
        name = op.name
        if len(op.results) and _unused(op) and (_is_pure(name) or name in _READS or _is_upstream_pure(name)):
            op.erase()


def _is_upstream_pure(name: str) -> bool:
    return name.startswith(("arith.", "math.", "tensor."))


def _merge_equal(block: ir.Block, known: dict[tuple[object, ...], list[ir.Operation]]) -> None:
    """Values of equal operations in this block or around it."""
    added: list[tuple[object, ...]] = []
    for view in list(block.operations):
        op = view.operation
        if _is_pure(op.name) and not len(op.regions):
            key = (
                op.name,
                tuple(op.operands),
                tuple((n, str(op.attributes[n])) for n in op.attributes),
                tuple(map(str, (r.type for r in op.results))),
            )
            if key in known:
                for old, new in zip(op.results, known[key][-1].results, strict=True):
                    old.replace_all_uses_with(new)
                op.erase()
                continue
            known.setdefault(key, []).append(op)
            added.append(key)
            continue
        for region in op.regions:
            for inner in region.blocks:
                _merge_equal(inner, known)
    for key in added:
        del known[key]


def _defined_in(value: ir.Value, block: ir.Block) -> bool:
    """Whether a value is made in a loop's body (its arguments included)."""
    owner = value.owner
    if isinstance(owner, ir.Block):
        return bool(owner == block)
    at: ir.Operation | None = owner.operation
    while at is not None:
        if at.block == block:
            return True
        parent = at.parent
        at = parent.operation if parent is not None and parent.name != "func.func" else None
    return False


def _splatted(value: ir.Value) -> ir.Value | ir.Attribute | None:
    """The scalar (or its constant) of which every element of a tile is."""
    owner = value.owner
    if isinstance(owner, ir.Block):
        return None
    if owner.name == "tensor.splat":
        return owner.operation.operands[0]
    if owner.name == "arith.constant":
        attribute = owner.operation.attributes["value"]
        if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat:
            return attribute.get_splat_value()
    return None


def _moved_by(op: ir.Operation, number: int) -> ir.Value | ir.Attribute | None:
    """The scalar that each iteration adds to a carried tile of integers, where it does nothing else with it."""
    block = op.regions[0].blocks[0]
    argument = block.arguments[1 + number]
    if not isinstance(argument.type, ir.RankedTensorType) or not isinstance(argument.type.element_type, ir.IntegerType):
        return None
    end = block.operations[len(block.operations) - 1].operation
    maker = end.operands[number].owner
    if isinstance(maker, ir.Block) or maker.name != "arith.addi":
        return None
    lhs, rhs = maker.operation.operands
    if rhs == argument:
        lhs, rhs = rhs, lhs
    if lhs != argument:
        return None
    scalar = _splatted(rhs)
    return None if isinstance(scalar, ir.Value) and _defined_in(scalar, block) else scalar


def _carry_scalars(op: ir.Operation) -> None:
    """``t += splat(s)`` in a loop: it carries the sum of the scalars, of which the tile is made where it is used."""
    count = len(op.operands) - 3
    for number in range(count):
        step = _moved_by(op, number)
        if step is None:
            continue
        block = op.regions[0].blocks[0]
        argument, init = block.arguments[1 + number], op.operands[3 + number]
        kind, element = argument.type, argument.type.element_type
        if isinstance(init.type, ir.IntegerType):
            continue
        loc, before = op.location, ir.InsertionPoint(op)
        zero = _constant(ir.IntegerAttr.get(element, 0), element, loc, before)
        by = step if isinstance(step, ir.Value) else _constant(step, element, loc, before)
        end = block.operations[len(block.operations) - 1].operation
        inits = list(op.operands)
        inits[3 + number] = zero
        kinds = [value.type for value in inits[3:]]
        named = {name: op.attributes[name] for name in op.attributes}
        new = ir.Operation.create("scf.for", kinds, inits, named, regions=1, loc=loc, ip=before)
        types = [a.type for a in block.arguments]
        types[1 + number] = element
        body = new.regions[0].blocks.append(*types, arg_locs=[loc] * len(types))
        inside = ir.InsertionPoint(body)
        tile = _sum(init, body.arguments[1 + number], kind, loc, inside)
        for i, old in enumerate(block.arguments):
            old.replace_all_uses_with(tile if i == 1 + number else body.arguments[i])
        for view in list(block.operations):
            body.append(view.operation)
        at_end = ir.InsertionPoint(end)
        following = ir.Operation.create(
            "arith.addi", [element], [body.arguments[1 + number], by], loc=loc, ip=at_end
        ).results[0]
        end.operands[number] = following
        after = ir.InsertionPoint(op)
        for i, result in enumerate(op.results):
            found = new.results[i]
            result.replace_all_uses_with(_sum(init, found, kind, loc, after) if i == number else found)
        op.erase()
        return _carry_scalars(new)
    return None


def _constant(attribute: ir.Attribute, kind: ir.Type, loc: ir.Location, ip: ir.InsertionPoint) -> ir.Value:
    return ir.Operation.create("arith.constant", [kind], attributes={"value": attribute}, loc=loc, ip=ip).results[0]


def _sum(tile: ir.Value, scalar: ir.Value, kind: ir.Type, loc: ir.Location, ip: ir.InsertionPoint) -> ir.Value:
    wide = ir.Operation.create("tensor.splat", [kind], [scalar], loc=loc, ip=ip).results[0]
    return ir.Operation.create("arith.addi", [kind], [tile, wide], loc=loc, ip=ip).results[0]


def _loops(block: ir.Block) -> list[ir.Operation]:
    found = []
    for view in block.operations:
        for region in view.operation.regions:
            for inner in region.blocks:
                found += _loops(inner)
        if view.operation.name == "scf.for":
            found.append(view.operation)
    return found


@register_pass
@dataclass(frozen=True)
class TileSimplify(Pass):
    """Remove dead and repeated operations of tile functions; carry scalars instead of tiles that loops only move.

    Before::

        %r = scf.for ... iter_args(%offsets = %first) -> (tensor<64xi32>) {
          ...
          %next = arith.addi %offsets, %splat : tensor<64xi32>

    After::

        %r = scf.for ... iter_args(%moved = %c0) -> (i32) {
          %0 = tensor.splat %moved : tensor<64xi32>
          %offsets = arith.addi %first, %0 : tensor<64xi32>
          ...
          %next = arith.addi %moved, %step : i32
    """

    name: ClassVar[str] = "astra-tile-simplify"
    summary: ClassVar[str] = "remove dead and repeated tile operations, carry scalars instead of moved tiles"

    def run(self, module: ir.Operation) -> None:
        for view in module.regions[0].blocks[0].operations:
            func = view.operation
            if func.name == "func.func" and TILE_ATTRIBUTE in func.attributes and len(func.regions[0].blocks):
                block = func.regions[0].blocks[0]
                for loop in _loops(block):
                    _carry_scalars(loop)
                _merge_equal(block, {})
                _drop_dead(block)
