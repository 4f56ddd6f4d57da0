"""What partitions send each other when an array's sharding changes: collectives of StableHLO between tiles.

Used by ``partition/local.py``; works on JAX's own MLIR bindings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from astra_mlir.partition.meshes import Digit, Sharding, count, groups, independent, tile_of

__all__ = ["Mover"]

Digits = tuple[Digit, ...]
Dims = list[Digits]


class Mover:
    """Emits what moves data at the insertion point; what depends on the partition alone goes to the entry's begin."""

    def __init__(self, entry: Any, partitions: int, channel: int) -> None:
        self.partitions = partitions
        self._channel = channel
        self._i32 = ir.IntegerType.get_signless(32)
        # An operation that stays first while others come and go.
        with ir.InsertionPoint.at_block_begin(entry):
            self.anchor = _constant(np.int32(0)).owner.operation
        self._partition: Any = None
        self._tiles: dict[Digits, Any] = {}
        self._reduced: dict[Any, tuple[Any, str, Digits]] = {}  # results of all_reduce: of what, how, over which

    def finish(self) -> None:
        """Forget the place at the entry's begin, and sums that nothing uses any more."""
        for value in reversed(list(self._reduced)):
            if next(iter(value.uses), None) is None:
                value.owner.operation.erase()
        self.anchor.erase()

    # --- which partition this is

    def partition(self) -> Any:
        """The number of the partition, ``tensor<ui32>``."""
        if self._partition is None:
            type = ir.RankedTensorType.get([], ir.IntegerType.get_unsigned(32))
            with ir.InsertionPoint(self.anchor):
                self._partition = create("partition_id", [], [type])
        return self._partition

    def tile(self, digits: Digits) -> Any:
        """The number of this partition's tile, ``tensor<i32>``: looked up in a table of all."""
        if digits not in self._tiles:
            partition = self.partition()
            with ir.InsertionPoint(self.anchor):
                table = _constant(np.array([tile_of(p, digits) for p in range(self.partitions)], np.int32))
                one = ir.RankedTensorType.get([1], self._i32)
                sizes = ir.DenseI64ArrayAttr.get([1])
                entry = create("dynamic_slice", [table, partition], [one], slice_sizes=sizes)
                self._tiles[digits] = create("reshape", [entry], [ir.RankedTensorType.get([], self._i32)])
        return self._tiles[digits]

    def offset(self, digits: Digits, size: int) -> Any:
        """Where this partition's tile of ``size`` elements begins, ``tensor<i32>``."""
        tile = self.tile(digits)
        return create("multiply", [tile, _constant(np.int32(size))], [tile.type])

    # --- one step

    def gather(self, value: Any, dim: int, digits: Digits) -> Any:
        """All tiles of ``digits`` along a dimension."""
        shape = list(value.type.shape)
        shape[dim] *= count(digits)
        type = ir.RankedTensorType.get(shape, value.type.element_type)
        return create("all_gather", [value], [type], all_gather_dim=_i64(dim), **self._team(digits))

    def slice(self, value: Any, dim: int, digits: Digits) -> Any:
        """This partition's tile of what it has; of a sum that was for all, only the tile is added up."""
        shape = list(value.type.shape)
        shape[dim] //= count(digits)
        type = ir.RankedTensorType.get(shape, value.type.element_type)
        if value in self._reduced and self._reduced[value][2] == digits:
            operand, kind, _ = self._reduced[value]
            return self._combine("reduce_scatter", operand, type, kind, digits, scatter_dimension=_i64(dim))
        zero = _constant(np.int32(0))
        starts = [zero] * len(shape)
        starts[dim] = self.offset(digits, shape[dim])
        return create("dynamic_slice", [value, *starts], [type], slice_sizes=ir.DenseI64ArrayAttr.get(shape))

    def place(self, value: Any, dim: int, digits: Digits) -> Any:
        """This partition's tile among zeros: the sum over all tiles is the whole."""
        shape, zero = list(value.type.shape), _constant(np.int32(0))
        starts = [zero] * len(shape)
        starts[dim] = self.offset(digits, shape[dim])
        shape[dim] *= count(digits)
        type = ir.RankedTensorType.get(shape, value.type.element_type)
        return create("dynamic_update_slice", [zeros(type), value, *starts], [type])

    def exchange(self, value: Any, source: int, target: int, digits: Digits) -> Any:
        """Tiles along the dimension ``source`` become tiles along ``target``."""
        shape, n = list(value.type.shape), count(digits)
        shape[source] *= n
        shape[target] //= n
        type = ir.RankedTensorType.get(shape, value.type.element_type)
        return create(
            "all_to_all", [value], [type], split_dimension=_i64(target), concat_dimension=_i64(source),
            split_count=_i64(n), **self._team(digits, shared=False),
        )  # fmt: skip

    def reduce(self, value: Any, kind: str, digits: Digits) -> Any:
        """The combination of what partitions have that differ in ``digits`` only."""
        for part in _by_order(digits):
            result = self._combine("all_reduce", value, value.type, kind, part)
            self._reduced[result] = value, kind, part
            value = result
        return value

    def _combine(self, name: str, value: Any, type: Any, kind: str, digits: Digits, **attributes: Any) -> Any:
        op = _operation(name, [value], [type], 1, **attributes, **self._team(digits))
        scalar = ir.RankedTensorType.get([], value.type.element_type)
        block = op.regions[0].blocks.append(scalar, scalar)
        with ir.InsertionPoint(block):
            stablehlo.return_([create(kind, list(block.arguments), [scalar])])
        return op.results[0]

    def from_partition(self, value: Any, partition: int) -> Any:
        """What one partition has, for all."""
        team = [partition, *(p for p in range(self.partitions) if p != partition)]
        return create(
            "collective_broadcast", [value], [value.type], replica_groups=_dense([team]), **self._handle()
        )  # fmt: skip

    def only_on_first(self, value: Any, digits: Digits) -> Any:
        """Zero except in tile 0, so that the sum over tiles is the value."""
        zero = ir.RankedTensorType.get([], ir.IntegerType.get_signless(1))
        direction = stablehlo.ComparisonDirectionAttr.get("EQ")
        first = create("compare", [self.tile(digits), _constant(np.int32(0))], [zero], comparison_direction=direction)
        return create("select", [first, value, zeros(value.type)], [value.type])

    def _handle(self) -> dict[str, Any]:
        self._channel += 1
        return {"channel_handle": stablehlo.ChannelHandle.get(self._channel, 1)}

    def _team(self, digits: Digits, shared: bool = True) -> dict[str, Any]:
        team = {"replica_groups": _dense(groups(self.partitions, digits)), **self._handle()}
        return {**team, "use_global_device_ids": ir.UnitAttr.get()} if shared else team

    # --- from one sharding to another

    def move(self, value: Any, have: Sharding, want: Sharding) -> Any:
        """A tile of ``want`` for one of ``have``."""
        due = sorted(have.unreduced - want.unreduced)
        if due:
            value = self.reduce(value, _sum_of(value.type.element_type), tuple(due))
        later, dims = want.unreduced - have.unreduced, list(have.dims)
        for dim, (a, b) in enumerate(zip(have.dims, want.dims, strict=True)):
            rest = a[len(b) :]
            if rest and a[: len(b)] == b and later.issuperset(rest):
                value, dims[dim], later = self.place(value, dim, rest), b, later - set(rest)
        if dims != list(want.dims):
            value = self._move(value, dims, list(want.dims))
        return self.only_on_first(value, tuple(sorted(later))) if later else value

    def _move(self, value: Any, have: Dims, want: Dims) -> Any:
        every = {digit for digits in (*have, *want) for digit in digits}
        if not independent(every):  # of two meshes: by way of the whole array
            value = self._gathered(value, have, [()] * len(have))
            return self._sliced(value, [()] * len(have), want)
        permuted = self._permuted(value, have, want)
        if permuted is not None:
            return permuted
        used = {digit for digits in have for digit in digits}
        # What needs no communication makes what is sent smaller.
        first = [b if b[: len(a)] == a and not used & set(b[len(a) :]) else a for a, b in zip(have, want, strict=True)]
        value = self._sliced(value, have, first)
        have = first
        value, have = self._exchanged(value, have, want)
        common = [a[: _shared(a, b)] for a, b in zip(have, want, strict=True)]
        return self._sliced(self._gathered(value, have, common), common, want)

    def _gathered(self, value: Any, have: Dims, want: Dims) -> Any:
        for dim, (a, b) in enumerate(zip(have, want, strict=True)):
            if len(a) > len(b):
                value = self.gather(value, dim, a[len(b) :])
        return value

    def _sliced(self, value: Any, have: Dims, want: Dims) -> Any:
        for dim, (a, b) in enumerate(zip(have, want, strict=True)):
            if len(b) > len(a):
                value = self.slice(value, dim, b[len(a) :])
        return value

    def _exchanged(self, value: Any, have: Dims, want: Dims) -> tuple[Any, Dims]:
        """Digits that number tiles of one dimension and are to be the next ones of another."""
        have = list(have)
        for source, (a, b) in enumerate(zip(list(have), want, strict=True)):
            rest = a[_shared(a, b) :]
            for target in range(len(have)):
                due = want[target][len(have[target]) :]
                prefix = want[target][: len(have[target])] == have[target]
                if rest and target != source and prefix and due[: len(rest)] == rest:
                    value = self.exchange(value, source, target, rest)
                    have[source], have[target] = a[: len(a) - len(rest)], have[target] + rest
                    break
        return value, have

    def _permuted(self, value: Any, have: Dims, want: Dims) -> Any:
        """All tiles stay whole and change their places: each partition receives one."""
        flat = [tuple(digit for digits in dims for digit in digits) for dims in (have, want)]
        same_tiles = [count(a) == count(b) for a, b in zip(have, want, strict=True)]
        if set(flat[0]) != set(flat[1]) or not all(same_tiles):
            return None
        others = _others(self.partitions, flat[0])
        owner = {(tile_of(p, flat[0]), others[p]): p for p in range(self.partitions)}
        pairs = [[owner[tile_of(p, flat[1]), others[p]], p] for p in range(self.partitions)]
        return create("collective_permute", [value], [value.type], source_target_pairs=_dense(pairs), **self._handle())


def _others(partitions: int, digits: Digits) -> list[int]:
    """For each partition its group: partitions of one group differ in ``digits`` only."""
    number = [0] * partitions
    for i, group in enumerate(groups(partitions, digits)):
        for member in group:
            number[member] = i
    return number


def _by_order(digits: Digits) -> list[Digits]:
    orders = {digit.order for digit in digits}
    return [tuple(d for d in digits if d.order == order) for order in sorted(orders)]


def _shared(a: Sequence[Digit], b: Sequence[Digit]) -> int:
    """The length of the common prefix."""
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return length


def _sum_of(element: Any) -> str:
    return "or" if str(element) == "i1" else "add"


# --- operations ------------------------------------------------------------------------------------------------------


def _operation(name: str, operands: Sequence[Any], types: Sequence[Any], regions: int = 0, **attributes: Any) -> Any:
    return ir.Operation.create(
        f"stablehlo.{name}", results=list(types), operands=list(operands), attributes=attributes, regions=regions
    )


def create(name: str, operands: Sequence[Any], types: Sequence[Any], **attributes: Any) -> Any:
    """``stablehlo.<name>`` at the insertion point; its result."""
    return _operation(name, operands, types, **attributes).results[0]


def zeros(type: Any) -> Any:
    """An array of zeros."""
    element = type.element_type
    if isinstance(element, ir.ComplexType):
        part = ir.ComplexType(element).element_type
        scalar = ir.RankedTensorType.get([], part)
        half = ir.DenseElementsAttr.get_splat(scalar, ir.FloatAttr.get(part, 0.0))
        value = create("constant", [], [scalar], value=half)
        value = create("complex", [value, value], [ir.RankedTensorType.get([], element)])
        nowhere = ir.DenseI64ArrayAttr.get([])
        return create("broadcast_in_dim", [value], [type], broadcast_dimensions=nowhere)
    zero = ir.IntegerAttr.get(element, 0) if isinstance(element, ir.IntegerType) else ir.FloatAttr.get(element, 0.0)
    return create("constant", [], [type], value=ir.DenseElementsAttr.get_splat(type, zero))


def _constant(array: Any) -> Any:
    attribute = ir.DenseElementsAttr.get(np.asarray(array))
    return create("constant", [], [attribute.type], value=attribute)


def _dense(rows: Iterable[Iterable[int]]) -> Any:
    return ir.DenseElementsAttr.get(np.array(list(rows), np.int64))


def _i64(value: int) -> Any:
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)
