"""Where the tiles of a sharded array lie: meshes and shardings of Shardy's dialect, as strides over the partitions.

An axis of a mesh, or a part of one, is a digit of the number of a partition: ``(partition // stride) % size``.  Two
meshes over the same partitions are then comparable, and what has to move between two shardings is seen dimension by
dimension.  Used by ``partition/local.py``; works on JAX's own MLIR bindings.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import sdy

__all__ = ["Digit", "Meshes", "Sharding", "count", "groups", "hlo_text", "independent", "replicated", "tile_of"]


@dataclass(frozen=True, order=True)
class Digit:
    """``(position // stride) % size`` of a partition's position in ``order`` (empty: positions are the partitions)."""

    stride: int
    size: int
    order: tuple[int, ...] = ()


Digits = tuple[Digit, ...]


@dataclass(frozen=True)
class Sharding:
    """For each dimension the digits that number its tiles, most significant first; and over which sums are due."""

    dims: tuple[Digits, ...]
    unreduced: frozenset[Digit] = frozenset()

    def local(self, shape: Sequence[int]) -> list[int]:
        """The shape of one tile."""
        return [n // count(digits) for n, digits in zip(shape, self.dims, strict=True)]

    @property
    def used(self) -> set[Digit]:
        """All digits that number tiles."""
        return {digit for digits in self.dims for digit in digits}

    def without(self, digits: Iterable[Digit]) -> Sharding:
        """What remains inside of a region that is written for one tile of ``digits``."""
        gone = set(digits)
        return Sharding(tuple(tuple(d for d in dim if d not in gone) for dim in self.dims), self.unreduced - gone)

    def fitting(self, shape: Sequence[int]) -> Sharding:
        """The same without digits, least significant first, that do not divide their dimension."""
        return Sharding(tuple(_dividing(n, digits) for n, digits in zip(shape, self.dims, strict=True)), self.unreduced)


def _dividing(size: int, digits: Digits) -> Digits:
    while digits and size % count(digits):
        digits = digits[:-1]
    return digits


def replicated(rank: int) -> Sharding:
    """Every partition has the whole array."""
    return Sharding(((),) * rank)


def count(digits: Iterable[Digit]) -> int:
    """How many tiles these digits number."""
    return math.prod(digit.size for digit in digits)


class Meshes:
    """The meshes of one module, whose axes are cut at all the places where any sharding in it cuts one."""

    def __init__(self, module: Any, partitions: int) -> None:
        self.partitions = partitions
        self._meshes: dict[str, Any] = {}
        for op in module.body.operations:
            if op.operation.name == "sdy.mesh":
                name = ir.StringAttr(op.operation.attributes["sym_name"]).value
                self._meshes[name] = sdy.MeshAttr(op.operation.attributes["mesh"])

    def sharding(self, attribute: Any, shape: Sequence[int]) -> Sharding:
        """Of a ``TensorShardingAttr``, without what does not divide the array."""
        attribute = sdy.TensorShardingAttr(attribute)
        axes = self._axes(attribute)
        dims = [
            tuple(digit for axis in sdy.DimensionShardingAttr(dim).axes for digit in self._digits(axes, axis))
            for dim in attribute.dimension_shardings
        ]
        dims += [()] * (len(shape) - len(dims))
        unreduced = [digit for axis in attribute.unreduced_axes for digit in self._digits(axes, axis)]
        return Sharding(tuple(dims), frozenset(unreduced)).fitting(shape)

    def manual(self, attribute: Any, names: Iterable[str]) -> set[Digit]:
        """The digits of whole axes, of the mesh of a ``TensorShardingAttr``."""
        axes = self._axes(attribute)
        return {digit for name in names if name in axes for digit in _cut(*axes[name])}

    def only_device(self, attribute: Any) -> int | None:
        """The device of a mesh of one: where something runs that must not run on each."""
        devices = list(self._mesh(attribute).device_ids)
        return devices[0] if len(devices) == 1 and not self._mesh(attribute).axes else None

    def _mesh(self, attribute: Any) -> Any:
        given = sdy.TensorShardingAttr(attribute).mesh_or_ref
        if isinstance(given, ir.FlatSymbolRefAttr):
            return self._meshes[given.value]
        return sdy.MeshAttr(given)

    def _axes(self, attribute: Any) -> dict[str, tuple[int, int, tuple[int, ...]]]:
        """For each axis stride, size and order; none for a mesh of a single device."""
        mesh = self._mesh(attribute)
        axes = [sdy.MeshAxisAttr(axis) for axis in mesh.axes]
        if math.prod(axis.size for axis in axes) != self.partitions:
            return {}
        order = tuple(mesh.device_ids)
        if order == tuple(range(self.partitions)):
            order = ()
        result, stride = {}, self.partitions
        for axis in axes:
            stride //= axis.size
            result[axis.name] = (stride, axis.size, order)
        return result

    def _digits(self, axes: dict[str, tuple[int, int, tuple[int, ...]]], reference: Any) -> Digits:
        axis = sdy.AxisRefAttr(reference)
        if axis.name not in axes:
            return ()
        stride, size, order = axes[axis.name]
        if axis.sub_axis_info is not None:
            part = sdy.SubAxisInfoAttr(axis.sub_axis_info)
            stride, size = stride * (size // (part.pre_size * part.size)), part.size
        return _cut(stride, size, order)


def _cut(stride: int, size: int, order: tuple[int, ...]) -> Digits:
    """An axis as digits of prime size, so that parts of axes and axes of other meshes are made of the same digits.

    Largest factors are least significant: an axis of 12 is cut into 2, 2 and 3.
    """
    digits, factor = [], 2
    while size > 1:
        if size % factor:
            factor += 1
            continue
        size //= factor
        digits.append(Digit(stride * size, factor, order))
    return tuple(digits)


def _position(partition: int, order: tuple[int, ...]) -> int:
    return order.index(partition) if order else partition


def tile_of(partition: int, digits: Iterable[Digit]) -> int:
    """The number of the tile that a partition has."""
    tile = 0
    for digit in digits:
        tile = tile * digit.size + _position(partition, digit.order) // digit.stride % digit.size
    return tile


def groups(partitions: int, digits: Sequence[Digit]) -> list[list[int]]:
    """Partitions that differ in these digits (of one order) only, in the order of their tiles."""
    order = digits[0].order
    found = []
    for base in range(partitions):
        if any(base // d.stride % d.size for d in digits):
            continue
        offsets = itertools.product(*(range(d.size) for d in digits))
        positions = [base + sum(i * d.stride for i, d in zip(at, digits, strict=True)) for at in offsets]
        found.append([order[p] if order else p for p in positions])
    return found


def independent(digits: Iterable[Digit]) -> bool:
    """Whether every combination of their values belongs to as many partitions."""
    ordered = sorted(set(digits), key=lambda digit: digit.stride)
    if len({digit.order for digit in ordered}) > 1:
        return False
    return all(b.stride % (a.stride * a.size) == 0 for a, b in itertools.pairwise(ordered))


def hlo_text(sharding: Sharding, partitions: int) -> str:
    """As XLA writes it (``HloSharding``), which is what JAX reads back from a compiled program.

    >>> hlo_text(Sharding(((Digit(1, 2),), ())), 4)
    '{devices=[2,1,2]0,2,1,3 last_tile_dim_replicate}'
    """
    tiles = [count(digits) for digits in sharding.dims]
    due = sorted(sharding.unreduced, reverse=True)
    sums = count(due)
    copies = partitions // (math.prod(tiles) * sums)
    if math.prod(tiles) == 1 and partitions in (sums, copies):
        return "{unreduced}" if partitions == sums > 1 else "{replicated}"
    digits = [*(digit for dim in sharding.dims for digit in dim), *due]
    devices = sorted(range(partitions), key=lambda partition: (tile_of(partition, digits), partition))
    sizes = ",".join(str(n) for n in (*tiles, *([sums] if due else []), *([copies] if copies > 1 else [])))
    last = " last_tile_dim_replicate" if copies > 1 else ""
    if due:
        last = f" last_tile_dims={{unreduced{', replicated' if copies > 1 else ''}}}"
    return f"{{devices=[{sizes}]{','.join(map(str, devices))}{last}}}"
