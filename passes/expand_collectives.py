"""``astra-expand-collectives``: all communication becomes ``astra.exchange``, which the runtime does, and arithmetic.

Last pass on the Astra dialect, after all transformations.  What the numbers in groups mean is decided here, by the
numbers of replicas and partitions of the module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.collectives import COLLECTIVES
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.device_groups import DeviceGrid
from astra_mlir.passes.simplify import Simplify
from astra_mlir.passes.simplify_rules.core import Rewriter
from astra_mlir.passes.traversal import walk
from astra_mlir.passes.vectorize_rules.core import identity_of

__all__ = ["SMALL_BYTES", "ExpandCollectives"]

# Up to here each device gets all operands and combines them itself; larger ones are combined in parts, and the parts
# gathered, which sends 2 (n - 1) / n of the data instead of n - 1 times it, in two steps instead of one.
SMALL_BYTES = 1 << 15


@register_pass
@dataclass(frozen=True)
class ExpandCollectives(Pass):
    """Write collectives as exchanges of the runtime.

    Before::

        module attributes {mhlo.num_partitions = 2 : i32} {
          %0 = "astra.all_reduce"(%x) ({}) {channel = array<i64: 1, 1>, kind = "add",
              replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, use_global_device_ids = true}
              : (tensor<8xf32>) -> tensor<8xf32>

    After::

          %zero = "astra.constant"() {value = dense<-0.0> : tensor<f32>} : () -> tensor<f32>
          %0 = "astra.exchange"(%x) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "gather"}
              : (tensor<8xf32>) -> tensor<2x8xf32>
          %1 = "astra.reduce"(%0, %zero) ({}) {dimensions = array<i64: 0>, kind = "add"}
              : (tensor<2x8xf32>, tensor<f32>) -> tensor<8xf32>

    A device adds in the order of the group, so all members compute the same bits.  A large operand is split: each
    member combines one part (``all_to_all``), and the parts are gathered.  Without other devices, a collective is what
    it is for a group of one.
    """

    name: ClassVar[str] = "astra-expand-collectives"
    summary: ClassVar[str] = "write communication between devices as exchanges of the runtime"

    def run(self, module: ir.Operation) -> None:
        """Expand all collectives of ``module``."""
        found = [op for op in walk(module.regions[0].blocks[0]) if op.name in COLLECTIVES]
        if not found:
            return
        expansion = _Expansion(DeviceGrid.of(module))
        for op in found:
            expansion.b.at(op)
            value = _RULES[op.name](expansion, op)
            op.results[0].replace_all_uses_with(value)
            op.erase()
        Simplify().run(module)


class _Expansion:
    """Replaces the operations of a module for so many replicas and partitions."""

    def __init__(self, grid: DeviceGrid) -> None:
        self.grid = grid
        self.b = Rewriter()

    # --- what is sent

    def exchange(self, kind: str, value: ir.Value, groups: np.ndarray, pairs: np.ndarray | None = None) -> ir.Value:
        """``astra.exchange``; nothing is sent by a group of one."""
        info = self.b.info(value)
        shape = (groups.shape[1], *info.shape) if kind == "gather" else info.shape
        if not info.size:
            return self.b.splat(0, self.b.type(shape, info.element))
        if self.grid.size == 1 and kind != "permute":
            return self.b.reshape(value, shape)
        attributes = {"pairs": ir.DenseElementsAttr.get(pairs)} if pairs is not None else {}
        return self.b.build(
            "exchange", (value,), self.b.type(shape, info.element), kind=kind,
            groups=ir.DenseElementsAttr.get(groups), **attributes,
        )  # fmt: skip

    def transpose(self, value: ir.Value, permutation: Sequence[int]) -> ir.Value:
        """Dimensions in another order."""
        info = self.b.info(value)
        type = self.b.type([info.shape[d] for d in permutation], info.element)
        return self.b.build("transpose", (value,), type, permutation=list(permutation))

    def pieces(self, value: ir.Value, dim: int, count: int) -> ir.Value:
        """``count`` parts along a dimension, as a new first dimension."""
        shape = list(self.b.info(value).shape)
        cut = self.b.reshape(value, [*shape[:dim], count, shape[dim] // count, *shape[dim + 1 :]])
        return self.transpose(cut, [dim, *(d for d in range(len(shape) + 1) if d != dim)])

    def joined(self, value: ir.Value, dim: int) -> ir.Value:
        """The parts along the first dimension one after the other along ``dim`` of what they are parts of."""
        shape = list(self.b.info(value).shape)
        order = [*range(1, dim + 1), 0, *range(dim + 1, len(shape))]
        return self.b.reshape(
            self.transpose(value, order), [*shape[1 : dim + 1], shape[0] * shape[dim + 1], *shape[dim + 2 :]]
        )

    def masked(self, op: ir.Operation, value: ir.Value, groups: np.ndarray) -> ir.Value:
        """What was gathered, with the neutral element where this device's group has no member."""
        info, i64, i1 = self.b.info(value), ir.IntegerType.get_signless(64), ir.IntegerType.get_signless(1)
        sizes = np.zeros(self.grid.size, np.int64)
        for row in groups:
            sizes[row[row >= 0]] = (row >= 0).sum()
        table = self.b.constant(sizes, self.b.type(sizes.shape, i64))
        me = self.b.build("participant", (), self.b.type((), i64))
        mine = self.b.build("dynamic_slice", (table, me), self.b.type((1,), i64), slice_sizes=[1])
        size = self.b.build("broadcast", (self.b.reshape(mine, ()),), self.b.type(info.shape, i64), dimensions=[])
        place = self.b.build("iota", (), self.b.type(info.shape, i64), dimension=0)
        there = self.b.build(
            "compare", (place, size), self.b.type(info.shape, i1), direction="LT", compare_type="SIGNED"
        )
        neutral = self.b.splat(identity_of(value_of(op, "kind"), info.element), value.type)
        return self.b.build("select", (there, value, neutral), value.type)

    def combined(self, op: ir.Operation, value: ir.Value) -> ir.Value:
        """The combination along the first dimension, narrow floats in f32."""
        kind = value_of(op, "kind")
        if kind == "custom":
            raise UnsupportedError(
                f"{source_place(op.location)}: '{op.name}' combines by a region that is no known kind; use add, "
                "multiply, maximum, minimum, and, or or xor"
            )
        info = self.b.info(value)
        wide = isinstance(info.element, ir.FloatType) and info.element.width < 32
        element = ir.F32Type.get() if wide else info.element
        if wide:
            value = self.b.build("convert", (value,), self.b.type(info.shape, element))
        init = self.b.splat(identity_of(kind, element), self.b.type((), element))
        type = self.b.type(info.shape[1:], element)
        result = self.b.build("reduce", (value, init), type, dimensions=[0], kind=kind)
        return self.b.build("convert", (result,), self.b.type(info.shape[1:], info.element)) if wide else result

    # --- the operations

    def all_gather(self, op: ir.Operation) -> ir.Value:
        return self.joined(
            self.exchange("gather", op.operands[0], self.grid.groups(op)), value_of(op, "all_gather_dim")
        )

    def all_reduce(self, op: ir.Operation) -> ir.Value:
        operand, groups = op.operands[0], self.grid.groups(op)
        info, n = self.b.info(operand), groups.shape[1]
        if (groups < 0).any():
            return self.combined(op, self.masked(op, self.exchange("gather", operand, groups), groups))
        if info.size * _bytes(info.element) <= SMALL_BYTES:
            return self.combined(op, self.exchange("gather", operand, groups))
        part = -(-info.size // n)
        flat = self.b.reshape(operand, [info.size])
        if part * n != info.size:
            nothing = self.b.splat(0, self.b.type((), info.element))
            type = self.b.type((part * n,), info.element)
            flat = self.b.build("pad", (flat, nothing), type, low=[0], high=[part * n - info.size], interior=[0])
        mine = self.combined(op, self.exchange("all_to_all", self.b.reshape(flat, [n, part]), groups))
        flat = self.b.reshape(self.exchange("gather", mine, groups), [n * part])
        if part * n != info.size:
            type = self.b.type((info.size,), info.element)
            flat = self.b.build("slice", (flat,), type, start_indices=[0], limit_indices=[info.size], strides=[1])
        return self.b.reshape(flat, info.shape)

    def reduce_scatter(self, op: ir.Operation) -> ir.Value:
        groups = self.grid.groups(op)
        if (groups < 0).any():
            raise _uneven(op)
        pieces = self.pieces(op.operands[0], value_of(op, "scatter_dimension"), groups.shape[1])
        return self.combined(op, self.exchange("all_to_all", pieces, groups))

    def all_to_all(self, op: ir.Operation) -> ir.Value:
        split, concat, count = (value_of(op, name) for name in ("split_dimension", "concat_dimension", "split_count"))
        pieces = self.pieces(op.operands[0], split, count)
        return self.joined(self.exchange("all_to_all", pieces, self.grid.groups(op)), concat)

    def collective_permute(self, op: ir.Operation) -> ir.Value:
        operand, pairs = op.operands[0], self.grid.pairs(op)
        if self.grid.size == 1:
            info = self.b.info(operand)
            return operand if len(pairs) else self.b.splat(0, self.b.type(info.shape, info.element))
        everyone = np.arange(self.grid.size, dtype=np.int64)[None]
        return self.exchange("permute", operand, everyone, pairs)

    def collective_broadcast(self, op: ir.Operation) -> ir.Value:
        return self.exchange("broadcast", op.operands[0], self.grid.groups(op))

    def identity(self, op: ir.Operation) -> ir.Value:
        """The number of this replica or partition."""
        count, other = self.grid
        if op.name == "astra.partition_id":
            count, other = other, count
        type = op.results[0].type
        if count == 1:
            return self.b.splat(0, type)
        i64 = self.b.type((), ir.IntegerType.get_signless(64))
        number = self.b.build("participant", (), i64)
        if other > 1:
            name = "remainder" if op.name == "astra.partition_id" else "divide"
            number = self.b.build(name, (number, self.b.splat(self.grid.partitions, i64)), i64)
        return self.b.build("convert", (number,), type)


def _bytes(element: ir.Type) -> int:
    if isinstance(element, ir.ComplexType):
        return 2 * int(element.element_type.width) // 8
    return max(1, math.ceil(element.width / 8))


def _uneven(op: ir.Operation) -> UnsupportedError:
    return UnsupportedError(f"{source_place(op.location)}: '{op.name}' has groups of different sizes; make them equal")


_RULES: dict[str, Callable[[_Expansion, ir.Operation], ir.Value]] = {
    "astra.all_gather": _Expansion.all_gather,
    "astra.all_reduce": _Expansion.all_reduce,
    "astra.reduce_scatter": _Expansion.reduce_scatter,
    "astra.all_to_all": _Expansion.all_to_all,
    "astra.collective_permute": _Expansion.collective_permute,
    "astra.collective_broadcast": _Expansion.collective_broadcast,
    "astra.partition_id": _Expansion.identity,
    "astra.replica_id": _Expansion.identity,
}
