"""Which devices a collective operation joins: groups and pairs as numbers of participants (StableHLO, "Execution").

A program runs on ``replicas`` times ``partitions`` devices; participant ``r * partitions + p`` runs partition ``p`` of
replica ``r``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.elements import to_numpy

__all__ = ["DeviceGrid"]

_FLAT = frozenset({"astra.all_gather", "astra.all_reduce", "astra.reduce_scatter"})


class DeviceGrid(NamedTuple):
    """How many replicas of a program run, of how many partitions each."""

    replicas: int
    partitions: int

    @classmethod
    def of(cls, module: ir.Operation) -> DeviceGrid:
        """The grid that a module's attributes name; one device where they name none."""
        return cls(*(_number(module, name) for name in ("mhlo.num_replicas", "mhlo.num_partitions")))

    @property
    def size(self) -> int:
        """How many devices there are."""
        return self.replicas * self.partitions

    def groups(self, op: ir.Operation) -> np.ndarray:
        """The groups as rows of participants; shorter ones end in -1."""
        rows = to_numpy(value_of(op, "replica_groups")).tolist()
        flat = op.name in _FLAT
        channel = value_of(op, "channel", (0, 0))[0] > 0
        everywhere = bool(value_of(op, "use_global_device_ids", False))
        n, p = self
        if not rows or not rows[0]:  # all are one group
            rows = [list(range(n * p if everywhere else p if channel and not flat else n))]
        rows = [[member for member in row if member >= 0] for row in rows]
        if channel and everywhere:
            return _matrix(rows)
        if not channel:  # replicas, of each partition
            return _matrix([[r * p + i for r in row] for row in rows for i in range(p)])
        if flat:  # replicas with all their partitions
            return _matrix([[r * p + i for i in range(p) for r in row] for row in rows])
        return _matrix([[r * p + i for i in row] for row in rows for r in range(n)])

    def pairs(self, op: ir.Operation) -> np.ndarray:
        """Sources and targets as rows of two participants."""
        given = to_numpy(value_of(op, "source_target_pairs")).reshape(-1, 2)
        n, p = self
        if value_of(op, "channel", (0, 0))[0] > 0:
            found = [r * p + given for r in range(n)]
        else:
            found = [given * p + i for i in range(p)]
        return np.concatenate(found).astype(np.int64)


def _number(module: ir.Operation, name: str) -> int:
    return int(ir.IntegerAttr(module.attributes[name]).value) if name in module.attributes else 1


def _matrix(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Rows of one length, filled with -1."""
    size = max(map(len, rows))
    return np.array([[*row, *[-1] * (size - len(row))] for row in rows], np.int64)
