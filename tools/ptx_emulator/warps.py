"""What threads do together: barriers, shuffles, votes, reductions of warps (sections 9.7.9.5 and 9.7.14)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.ptx_emulator.arithmetic import type_of
from tools.ptx_emulator.machine import EXITED, Cluster, EmulationError, Lanes, Step, dtype_of, instruction
from tools.ptx_emulator.parse import Instruction, Pair

__all__: list[str] = []

_U32 = np.dtype(np.uint32)
_ALL = 0xFFFFFFFF


@instruction("bar", "barrier")
def _barrier(this: Instruction) -> Step:
    if "warp" in this.modifiers:
        return _warp_barrier(this)
    if "cluster" in this.modifiers:
        return _cluster_barrier(this)
    if "red" in this.modifiers:
        raise EmulationError(f"not known: {this.text}")
    waits = "sync" in this.modifiers

    def step(block: Cluster, lanes: Lanes) -> None:
        number = int(np.max(block.get(this.operands[0], lanes, _U32)))
        count = int(np.max(block.get(this.operands[1], lanes, _U32))) if len(this.operands) > 1 else 0
        for rank in np.unique(block.rank[lanes]):
            here = lanes[block.rank[lanes] == rank]
            state = block.barriers.setdefault((int(rank), number), [0, count, []])
            state[0] += len(here)
            if waits:
                state[2].append(here)
                block.wait(here)
        block.check_barriers()

    return step


def _warp_barrier(this: Instruction) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        _meet(this, block, lanes, 0)

    return step


def _cluster_barrier(this: Instruction) -> Step:
    arrives = "arrive" in this.modifiers

    def step(block: Cluster, lanes: Lanes) -> None:
        if arrives:
            block.cluster_phase[lanes] += 1
            block.events += 1
        elif np.any(block.cluster_phase[lanes] > block.cluster_phase[block.status != EXITED].min()):
            block.pc[lanes] -= 1
            block.poll(lanes)

    return step


def _meet(this: Instruction, block: Cluster, lanes: Lanes, mask_at: int) -> Lanes:
    mask = np.broadcast_to(block.get(this.operands[mask_at], lanes, _U32), len(lanes))
    return block.together(lanes, mask)


def _by_warp(block: Cluster, lanes: Lanes, values: Any, fill: Any) -> tuple[Any, Any, Any]:
    """(values as warps x 32, which lanes take part, row of each thread)."""
    warps, rows = np.unique(block.warp[lanes], return_inverse=True)
    table = np.full((len(warps), 32), fill, np.asarray(values).dtype)
    present = np.zeros((len(warps), 32), bool)
    table[rows, block.lane[lanes]] = values
    present[rows, block.lane[lanes]] = True
    return table, present, rows


@instruction("shfl")
def _shuffle(this: Instruction) -> Step:
    mode = next(m for m in this.modifiers if m in ("up", "down", "bfly", "idx"))

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _meet(this, block, lanes, 4)
        if len(lanes) == 0:
            return
        destination, a, b, c, _ = this.operands
        result, *valid = destination.parts if isinstance(destination, Pair) else (destination,)
        table, present, rows = _by_warp(block, lanes, block.get(a, lanes, _U32), 0)
        by = np.broadcast_to(block.get(b, lanes, _U32), len(lanes)).astype(np.int64) & 31
        control = np.broadcast_to(block.get(c, lanes, _U32), len(lanes)).astype(np.int64)
        lane = block.lane[lanes]
        segment, clamp = control >> 8 & 31, control & 31
        most, least = (lane & segment) | (clamp & ~segment), lane & segment
        source = {"up": lane - by, "down": lane + by, "bfly": lane ^ by, "idx": least | (by & ~segment)}[mode]
        inside = source >= most if mode == "up" else source <= most
        source = np.where(inside, source, lane)
        if not np.all(present[rows, source]):
            raise EmulationError(f"{block.where(lanes)}: a shuffle reads a thread that does not take part")
        block.set(result, lanes, table[rows, source])
        for predicate in valid:
            block.set(predicate, lanes, inside)

    return step


@instruction("vote")
def _vote(this: Instruction) -> Step:
    mode = next(m for m in this.modifiers if m in ("all", "any", "uni", "ballot"))

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _meet(this, block, lanes, 2)
        if len(lanes) == 0:
            return
        chosen = np.broadcast_to(block.get(this.operands[1], lanes, np.dtype(np.bool_)), len(lanes))
        table, present, rows = _by_warp(block, lanes, chosen, False)
        if mode == "ballot":
            bits = (table.astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(1).astype(np.uint32)
            block.set(this.operands[0], lanes, bits[rows])
        else:
            all_, any_ = np.all(table | ~present, 1), np.any(table & present, 1)
            found = {"all": all_, "any": any_, "uni": all_ | ~any_}[mode]
            block.set(this.operands[0], lanes, found[rows])

    return step


@instruction("activemask")
def _active(this: Instruction) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        _, present, rows = _by_warp(block, lanes, np.ones(len(lanes), bool), False)
        bits = (present.astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(1).astype(np.uint32)
        block.set(this.operands[0], lanes, bits[rows])

    return step


@instruction("elect")
def _elect(this: Instruction) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _meet(this, block, lanes, 1)
        if len(lanes) == 0:
            return
        _, present, rows = _by_warp(block, lanes, np.ones(len(lanes), bool), False)
        first = np.argmax(present, 1)
        destination = this.operands[0]
        leader, chosen = destination.parts if isinstance(destination, Pair) else (destination, None)
        block.set(leader, lanes, first[rows].astype(np.uint32))
        if chosen is not None:
            block.set(chosen, lanes, block.lane[lanes] == first[rows])

    return step


@instruction("redux")
def _reduce(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))
    mode = next(m for m in this.modifiers if m in ("add", "min", "max", "and", "or", "xor"))
    function: Any = {
        "add": np.add,
        "min": np.minimum,
        "max": np.maximum,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "xor": np.bitwise_xor,
    }[mode]

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _meet(this, block, lanes, 2)
        if len(lanes) == 0:
            return
        values = np.broadcast_to(block.get(this.operands[1], lanes, dtype), len(lanes))
        table, present, rows = _by_warp(block, lanes, values, 0)
        found = np.array([function.reduce(row[here]) for row, here in zip(table, present, strict=True)], dtype)
        block.set(this.operands[0], lanes, found[rows])

    return step


@instruction("match")
def _match(this: Instruction) -> Step:
    dtype = dtype_of(type_of(this))

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _meet(this, block, lanes, 2)
        if len(lanes) == 0:
            return
        if "any" not in this.modifiers:
            raise EmulationError(f"not known: {this.text}")
        values = np.broadcast_to(block.get(this.operands[1], lanes, dtype), len(lanes))
        table, present, rows = _by_warp(block, lanes, values, 0)
        equal = (table[rows] == np.asarray(values)[:, None]) & present[rows]
        bits = (equal.astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(1).astype(np.uint32)
        block.set(this.operands[0], lanes, bits)

    return step
