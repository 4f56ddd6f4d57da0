"""Shardings as XLA wrote them before Shardy, in Shardy's dialect.

Programs exported by older releases of JAX, or with ``jax_use_shardy_partitioner`` off, have attributes
``mhlo.sharding`` (``"{devices=[2,1]<=[2]}"``), and calls ``@Sharding``, ``@SPMDFullToShardShape`` and
``@SPMDShardToFullShape`` around the body of a ``shard_map``.  ``partition/programs.py`` translates them before it does
anything else.  Works on JAX's own MLIR bindings.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxlib import xla_client
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import sdy

from astra_mlir.errors import UnsupportedError
from astra_mlir.partition.meshes import Digit, Sharding

__all__ = ["import_shardings", "sharding_of"]

_NAME = "mhlo.sharding"
_MESH = "gspmd"
_KINDS = xla_client.OpSharding.Type
_TO_TILE, _TO_WHOLE, _WISH = "SPMDFullToShardShape", "SPMDShardToFullShape", "Sharding"


@dataclass(frozen=True)
class _Part:
    """A digit of a device's number, ``(device // stride) % size``."""

    stride: int
    size: int


@dataclass(frozen=True)
class _Tiles:
    """The parts that number the tiles of each dimension, most significant first; those that a region is written for
    (``None``: all of them), and those that sums are due over; the devices in order, where they are no such parts."""

    dims: tuple[tuple[_Part, ...], ...] = ()
    manual: tuple[_Part, ...] | None = ()
    unreduced: tuple[_Part, ...] = ()
    devices: tuple[int, ...] = ()

    @property
    def parts(self) -> Iterator[_Part]:
        return itertools.chain(*self.dims, self.manual or (), self.unreduced)


def import_shardings(module: Any, partitions: int) -> None:
    """Translate all shardings of a module for this many devices, in place; nothing is done where there are none."""
    found = {text for op in _walk(module.operation) for text in _texts(op)}
    if found:
        _Importer(module, partitions, found).run()


def _walk(op: Any) -> Iterator[Any]:
    for region in op.regions:
        for block in region.blocks:
            for inner in list(block.operations):
                yield inner.operation
                yield from _walk(inner.operation)


def _bytes(attribute: Any) -> bytes:
    return bytes(ir.StringAttr(attribute).value_bytes)


def _texts(op: Any) -> Iterator[bytes]:
    if _NAME in op.attributes:
        yield _bytes(op.attributes[_NAME])
    for group in ("arg_attrs", "res_attrs"):
        if group in op.attributes:
            for attributes in map(ir.DictAttr, ir.ArrayAttr(op.attributes[group])):
                if _NAME in attributes:
                    yield _bytes(attributes[_NAME])


def _parsed(text: bytes) -> Any:
    """XLA's own class: of text, or of a protocol buffer where many devices are listed."""
    if text.startswith(b"{"):
        return xla_client.HloSharding.from_string(text.decode())
    proto = xla_client.OpSharding()
    proto.ParseFromString(text)
    return xla_client.HloSharding.from_proto(proto)


def _tiles(sharding: Any) -> _Tiles:
    if sharding.tuple_elements() or sharding.is_replicated() or sharding.is_maximal() or sharding.is_unknown():
        return _Tiles()
    if sharding.is_manual():
        return _Tiles(manual=None)
    sizes = list(sharding.tile_assignment_dimensions())
    kinds = list(sharding.subgroup_types())
    if sharding.replicate_on_last_tile_dim():
        kinds.append(_KINDS.REPLICATED)
    devices = np.array(sharding.tile_assignment_devices()).reshape(sizes)
    parts = _parts_of(devices)
    order: tuple[int, ...] = ()
    if parts is None:  # no order of digits: a mesh of its own
        order = tuple(devices.ravel().tolist())
        parts = _parts_of(np.arange(devices.size).reshape(sizes))
        assert parts is not None
    rank = len(sizes) - len(kinds)
    special: dict[Any, tuple[_Part, ...]] = {}
    for kind, part in zip(kinds, parts[rank:], strict=True):
        special[kind] = special.get(kind, ()) + part
    return _Tiles(tuple(parts[:rank]), special.get(_KINDS.MANUAL, ()), special.get(_KINDS.UNREDUCED, ()), order)


def sharding_of(sharding: Any) -> Sharding:
    """One of XLA's as digits; without dimensions where all devices have all of it."""
    tiles = _tiles(sharding)
    digits = [tuple(Digit(p.stride, p.size, tiles.devices) for p in parts) for parts in (*tiles.dims, tiles.unreduced)]
    return Sharding(tuple(digits[:-1]), frozenset(digits[-1]))


def _parts_of(devices: Any) -> list[tuple[_Part, ...]] | None:
    """For each dimension of an array of all devices, what its index is of their numbers; None if it is no digits."""
    first = (0,) * devices.ndim
    if devices[first] != 0:
        return None
    lines = [devices[(*first[:d], slice(None), *first[d + 1 :])] for d in range(devices.ndim)]
    if not np.array_equal(sum(np.ix_(*lines), np.zeros(devices.shape, devices.dtype)), devices):
        return None
    found = [_parts_of_line(line) for line in lines]
    return None if None in found else found  # type: ignore[return-value]


def _parts_of_line(line: Any) -> tuple[_Part, ...] | None:
    for sizes in sorted(set(itertools.permutations(_primes(len(line))))):
        cut = line.reshape(sizes)
        strides = [int(np.take(cut, 1, axis=d).min()) for d in range(len(sizes))]
        if np.array_equal(
            sum((i * s for i, s in zip(np.indices(sizes), strides, strict=True)), np.zeros(sizes, int)), cut
        ):
            return tuple(_Part(stride, size) for stride, size in zip(strides, sizes, strict=True))
    return None


def _primes(number: int) -> list[int]:
    found, factor = [], 2
    while number > 1:
        while number % factor == 0:
            number //= factor
            found.append(factor)
        factor += 1
    return found


class _Importer:
    """One mesh has the axes of all shardings, cut where any of them cuts; what does not fit it has one of its own."""

    def __init__(self, module: Any, partitions: int, found: set[bytes]) -> None:
        self.module, self.partitions = module, partitions
        self.parsed = {text: _parsed(text) for text in found}
        self.tiles = {text: _tiles(sharding) for text, sharding in self.parsed.items()}
        self.meshes: dict[Any, str] = {}
        cuts = {1, partitions}
        self.own: set[_Tiles] = set()  # with a mesh of its own
        for tiles in sorted(self.tiles.values(), key=repr):
            more = cuts | {at for part in tiles.parts for at in (part.stride, part.stride * part.size)}
            ordered = sorted(more)
            if tiles.devices or any(b % a for a, b in itertools.pairwise(ordered)):
                self.own.add(tiles)
            else:
                cuts = more
        self.cuts = sorted(cuts)
        self.functions = {
            _symbol(op.operation): op.operation
            for op in module.body.operations
            if op.operation.name == "func.func"
        }  # fmt: skip
        self.manual: set[str] = set()  # the axes which the operations at hand are written for one tile of

    # --- shardings

    def mesh(self, devices: Sequence[int], cuts: Sequence[int]) -> str:
        """The name of the mesh with these axes."""
        key = tuple(devices), tuple(cuts)
        if key not in self.meshes:
            name = _MESH if not self.meshes else f"{_MESH}_{len(self.meshes)}"
            axes = [sdy.MeshAxisAttr.get(_axis(low), high // low) for low, high in itertools.pairwise(cuts)]
            attributes = {"sym_name": ir.StringAttr.get(name), "mesh": sdy.MeshAttr.get(axes[::-1], list(devices))}
            with ir.InsertionPoint.at_block_begin(self.module.body):
                ir.Operation.create("sdy.mesh", attributes=attributes)
            self.meshes[key] = name
        return self.meshes[key]

    def mesh_of(self, tiles: _Tiles) -> tuple[str, list[int]]:
        cuts = self.cuts
        if tiles in self.own:
            cuts = sorted({1, self.partitions, *(at for p in tiles.parts for at in (p.stride, p.stride * p.size))})
        return self.mesh(tiles.devices, cuts), cuts

    @staticmethod
    def axes(parts: Sequence[_Part], cuts: Sequence[int]) -> list[str]:
        """The axes that parts consist of, most significant first."""
        return [_axis(low) for p in parts for low in reversed(cuts) if p.stride <= low < p.stride * p.size]

    def attribute(self, text: bytes, rank: int, open: Sequence[int] = ()) -> Any:
        """The same as Shardy's attribute, without axes that the operations at hand are written for a tile of."""
        tiles = self.tiles[text]
        mesh, cuts = self.mesh_of(tiles)
        dims = []
        for dim in range(rank):
            names = self.axes(tiles.dims[dim], cuts) if dim < len(tiles.dims) else []
            axes = [sdy.AxisRefAttr.get(name) for name in names if name not in self.manual]
            dims.append(sdy.DimensionShardingAttr.get(axes, dim not in open))
        due = [sdy.AxisRefAttr.get(name) for name in self.axes(tiles.unreduced, cuts) if name not in self.manual]
        return sdy.TensorShardingAttr.get(mesh, dims, [], due)

    def whole(self, rank: int) -> Any:
        """Every device has all of it."""
        return sdy.TensorShardingAttr.get(
            self.mesh((), self.cuts), [sdy.DimensionShardingAttr.get([], True) for _ in range(rank)]
        )

    # --- the module

    def run(self) -> None:
        with self.module.context, ir.Location.unknown():
            for op in self.functions.values():
                self.signature(op)
            self.function("main")
            for op in list(_walk(self.module.operation)):
                if _NAME in op.attributes:
                    del op.attributes[_NAME]

    def signature(self, function: Any) -> None:
        inputs = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        for group, types in (("arg_attrs", inputs.inputs), ("res_attrs", inputs.results)):
            if group not in function.attributes:
                continue
            changed = []
            for given, type in zip(ir.ArrayAttr(function.attributes[group]), types, strict=True):
                kept = {named.name: named.attr for named in (given[i] for i in range(len(given)))}
                text = kept.pop(_NAME, None)
                if text is not None and isinstance(type, ir.RankedTensorType) and "sdy.sharding" not in kept:
                    kept["sdy.sharding"] = self.attribute(_bytes(text), type.rank)
                changed.append(ir.DictAttr.get(kept))
            function.attributes[group] = ir.ArrayAttr.get(changed)

    def function(self, name: str, done: dict[tuple[str, frozenset[str]], None] | None = None) -> None:
        """The operations of a function and of those that it calls, from the outermost on."""
        done = {} if done is None else done
        if (name, frozenset(self.manual)) in done:
            return
        done[name, frozenset(self.manual)] = None
        for op in [op for op in _walk(self.functions[name]) if op.name == "func.call"]:
            if (axes := self.manual_axes(op)) is not None:
                self.manual_computation(op, axes)
                outer, self.manual = self.manual, self.manual | set(axes)
                self.function(_callee(op), done)
                self.manual = outer
            else:
                self.function(_callee(op), done)
        for op in list(_walk(self.functions[name])):
            if op.name == "stablehlo.custom_call" and _NAME in op.attributes:
                with op.location, ir.InsertionPoint(op):
                    self.custom_call(op)

    def custom_call(self, op: Any) -> None:
        target, text = _target(op), _bytes(op.attributes[_NAME])
        if target in (_TO_TILE, _TO_WHOLE):
            if next(iter(op.results[0].uses), None) is None:
                op.erase()
                return
            raise UnsupportedError(f"{op.location}: custom call '{target}' that is not around a function (shard_map)")
        if target == _WISH:
            value = op.operands[0]
            if self.tiles[text].manual is not None and isinstance(value.type, ir.RankedTensorType):
                wish = self.attribute(text, value.type.rank, _unspecified(op))
                value = ir.Operation.create(
                    "sdy.sharding_constraint", [value.type], [value], {"sharding": wish}
                ).results[0]
            op.results[0].replace_all_uses_with(value)
            op.erase()
            return
        sharding = self.parsed[text]
        of_each = sharding.tuple_elements() or [sharding] * max(1, len(op.results))
        if all(part.is_maximal() for part in of_each):  # a callback that one device makes
            only = sdy.TensorShardingAttr.get(self.mesh(of_each[0].tile_assignment_devices(), (1,)), [])
            op.attributes["sdy.sharding"] = sdy.TensorShardingPerValueAttr.get([only] * len(of_each))
        elif len(op.results) == 1 and self.tiles[text].manual is not None and not sharding.tuple_elements():
            result = self.attribute(text, op.results[0].type.rank)
            op.attributes["sdy.sharding"] = sdy.TensorShardingPerValueAttr.get([result])

    # --- shard_map

    def manual_axes(self, call: Any) -> list[str] | None:
        """The axes that the called function is written for one tile of, beyond those at hand; None: for none."""
        edges = [*filter(None, map(_entered, call.operands))] + [left[1] for left in map(_left, call.results) if left]
        if not edges:
            return None
        for op in edges:
            if _target(op) == _TO_TILE:
                tiles = self.tiles[_bytes(op.attributes[_NAME])]
                break
        else:
            maker = edges[0].operands[0].owner.operation
            tiles = self.tiles[_bytes(maker.attributes[_NAME])] if _NAME in maker.attributes else _Tiles(manual=None)
        _, cuts = self.mesh_of(tiles)
        every = [_axis(low) for low in cuts[:-1]]
        names = every if tiles.manual is None else self.axes(tiles.manual, cuts)
        return sorted(set(names) - self.manual, key=every[::-1].index)

    def manual_computation(self, call: Any, axes: Sequence[str]) -> None:
        """In place of a call between changes of shape, Shardy's operation with the call in it."""
        ins, operands, erased = [], [], []
        for value in call.operands:
            entered = _entered(value)
            rank = value.type.rank if isinstance(value.type, ir.RankedTensorType) else 0
            if entered is None:
                operands.append(value)
                ins.append(self.whole(rank))
                continue
            operand = entered.operands[0]
            wish = None if isinstance(operand.owner, ir.Block) else operand.owner.operation
            text = _bytes(wish.attributes[_NAME]) if wish is not None and _calls(wish, _WISH) else None
            ins.append(self.whole(rank) if text is None else self.attribute(text, rank, _unspecified(entered)))
            operands.append(operand)
            erased.append(entered)
        outs, types, replaced = [], [], []
        for result in call.results:
            left = _left(result)
            if left is None:
                rank = result.type.rank if isinstance(result.type, ir.RankedTensorType) else 0
                outs.append(self.whole(rank))
                types.append(result.type)
                replaced.append(result)
                continue
            wish, edge = left
            outs.append(self.attribute(_bytes(edge.attributes[_NAME]), edge.results[0].type.rank, _unspecified(edge)))
            types.append(edge.results[0].type)
            replaced.append(edge.results[0])
            erased += [edge, *([wish] if wish is not None else [])]
        attributes = {
            "in_shardings": sdy.TensorShardingPerValueAttr.get(ins),
            "out_shardings": sdy.TensorShardingPerValueAttr.get(outs),
            "manual_axes": sdy.ManualAxesAttr.get([ir.StringAttr.get(name) for name in axes]),
        }
        with call.location, ir.InsertionPoint(call):
            region = ir.Operation.create("sdy.manual_computation", types, operands, attributes, regions=1)
        for old, new in zip(replaced, region.results, strict=True):
            old.replace_all_uses_with(new)
        block = region.regions[0].blocks.append(*[value.type for value in call.operands])
        block.append(call)
        for i, argument in enumerate(block.arguments):
            call.operands[i] = argument
        with ir.InsertionPoint(block), call.location:
            ir.Operation.create("sdy.return", operands=list(call.results))
        for op in erased:
            if not any(True for result in op.results for _ in result.uses):
                op.erase()


def _axis(stride: int) -> str:
    return f"stride_{stride}"


def _symbol(op: Any) -> str:
    return str(ir.StringAttr(op.attributes["sym_name"]).value)


def _callee(call: Any) -> str:
    return str(ir.FlatSymbolRefAttr(call.attributes["callee"]).value)


def _target(call: Any) -> str:
    return str(ir.StringAttr(call.attributes["call_target_name"]).value)


def _calls(op: Any, target: str) -> bool:
    return op.name == "stablehlo.custom_call" and _target(op) == target and _NAME in op.attributes


def _entered(value: Any) -> Any:
    """The change of shape which made an argument of the body."""
    if isinstance(value.owner, ir.Block):
        return None
    op = value.owner.operation
    return op if _calls(op, _TO_TILE) else None


def _left(value: Any) -> tuple[Any, Any] | None:
    """What becomes of a result of the body: the wish that it stays a tile, and the change of shape."""
    for use in value.uses:
        op = use.owner.operation
        if _calls(op, _TO_WHOLE):
            return None, op
        if _calls(op, _WISH) and (found := _left(op.results[0])) is not None:
            return op, found[1]
    return None


def _unspecified(call: Any) -> list[int]:
    """Dimensions that a wish says nothing about: ``backend_config = "unspecified_dims=[0,1]"``."""
    if "backend_config" not in call.attributes or not isinstance(call.attributes["backend_config"], ir.StringAttr):
        return []
    text = ir.StringAttr(call.attributes["backend_config"]).value
    for part in text.split(";"):
        name, _, listed = part.partition("=")
        if name.strip() == "unspecified_dims":
            return [int(dim) for dim in listed.strip("[]").split(",") if dim]
    return []
