"""Asynchronous copies, mbarriers and the tensor memory accelerator (sections 9.7.9.25 and 9.7.14.16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.ptx_emulator.machine import Cluster, EmulationError, Lanes, Step, instruction
from tools.ptx_emulator.memory import TensorMap
from tools.ptx_emulator.movement import memory_operand
from tools.ptx_emulator.parse import Immediate, Instruction, Memory

__all__: list[str] = []

_U32, _U64 = np.dtype(np.uint32), np.dtype(np.uint64)
Key = tuple[int, int]


@dataclass
class Mbarrier:
    """An mbarrier object: its phase, arrivals and bytes that the phase still waits for."""

    count: int
    pending: int
    bytes: int = 0
    phase: int = 0

    def settle(self) -> None:
        """Begin the next phase when nothing is waited for."""
        if self.pending < 0:
            raise EmulationError("more threads arrived at an mbarrier than it was initialised for")
        if self.pending == 0 and self.bytes == 0:
            self.phase += 1
            self.pending = self.count


def _keys(block: Cluster, operand: Memory, lanes: Lanes) -> list[Key]:
    addresses = block.at(operand, lanes) & np.uint64((1 << 56) - 1)
    rank, offset = block.shared_place(addresses, lanes)
    return [(int(r), int(o)) for r, o in zip(rank, offset, strict=True)]


def _barrier(block: Cluster, key: Key) -> Mbarrier:
    if key not in block.mbarriers:
        raise EmulationError(f"there is no mbarrier at byte {key[1]} of shared memory of block {key[0]}")
    return block.mbarriers[key]


@instruction("mbarrier")
def _mbarrier(this: Instruction) -> Step:
    action = this.modifiers[0]
    if action == "init":
        return _init(this)
    if action == "inval":
        return lambda block, lanes: (
            [block.mbarriers.pop(k, None) for k in _keys(block, memory_operand(this, 0), lanes)] and None
        )
    if action in ("arrive", "arrive_drop", "expect_tx"):
        return _arrive(this, action)
    if action in ("try_wait", "test_wait"):
        return _wait(this)
    raise EmulationError(f"not known: {this.text}")


def _init(this: Instruction) -> Step:
    address = memory_operand(this, 0)

    def step(block: Cluster, lanes: Lanes) -> None:
        counts = np.broadcast_to(block.get(this.operands[1], lanes, _U32), len(lanes))
        for key, count in zip(_keys(block, address, lanes), counts, strict=True):
            if key[1] % 8:
                raise EmulationError(f"an mbarrier at byte {key[1]}, which is not a multiple of 8")
            block.mbarriers[key] = Mbarrier(int(count), int(count))

    return step


def _arrive(this: Instruction, action: str) -> Step:
    position = next(i for i, o in enumerate(this.operands) if isinstance(o, Memory))
    address = memory_operand(this, position)
    more = this.operands[position + 1 :]
    expects = action == "expect_tx" or "expect_tx" in this.modifiers

    def step(block: Cluster, lanes: Lanes) -> None:
        numbers = (
            np.broadcast_to(block.get(more[0], lanes, _U32), len(lanes)) if more else np.ones(len(lanes), np.uint32)
        )
        tokens = []
        for key, number in zip(_keys(block, address, lanes), numbers, strict=True):
            barrier = _barrier(block, key)
            tokens.append(barrier.phase)
            if expects:
                barrier.bytes += int(number)
            if action != "expect_tx":
                barrier.pending -= 1 if expects else int(number)
            if action == "arrive_drop":
                barrier.count -= 1
            barrier.settle()
        block.events += 1
        if position:
            block.set(this.operands[0], lanes, np.array(tokens, np.uint64))

    return step


def _wait(this: Instruction) -> Step:
    parity = "parity" in this.modifiers
    address = memory_operand(this, 1)

    def step(block: Cluster, lanes: Lanes) -> None:
        wanted = np.broadcast_to(block.get(this.operands[2], lanes, _U32 if parity else _U64), len(lanes))
        keys = _keys(block, address, lanes)
        for key in set(keys):
            if block.late:
                _deliver(block, key)
        over = [
            (_barrier(block, key).phase & 1) != int(value) if parity else _barrier(block, key).phase > int(value)
            for key, value in zip(keys, wanted, strict=True)
        ]
        done = np.array(over)
        block.set(this.operands[0], lanes, done)
        if not done.all():
            block.poll(lanes[~done])

    return step


def _deliver(block: Cluster, key: Key) -> None:
    for action in block.pending.pop(("mbarrier", key), []):
        action()


def _complete(block: Cluster, key: Key, count: int) -> None:
    barrier = _barrier(block, key)
    barrier.bytes -= count
    barrier.settle()
    block.events += 1


# --- copies -----------------------------------------------------------------------------------------------------------


@instruction("cp")
def _copy(this: Instruction) -> Step:
    words = this.modifiers
    if words[:2] == ("async", "bulk"):
        if "commit_group" in words:
            return _commit("bulk")
        if "wait_group" in words:
            return _wait_group(this, "bulk")
        if "prefetch" in words:
            return lambda block, lanes: None
        return _tensor(this) if "tensor" in words else _flat(this)
    if words[0] == "async":
        if "commit_group" in words:
            return _commit("cp")
        if "wait_group" in words or "wait_all" in words:
            return _wait_group(this, "cp")
        if "mbarrier" in words:
            return _arrive_after(this)
        return _words(this)
    raise EmulationError(f"not known: {this.text}")


def _queue(block: Cluster, kind: str, thread: int, action: Callable[[], None]) -> None:
    if block.late:
        block.pending[kind, thread].append(action)
    else:
        action()


def _commit(kind: str) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        for thread in lanes.tolist():
            actions = block.pending.pop((kind, thread), [])
            block.pending[kind + " groups", thread].append(lambda actions=actions: [a() for a in actions] and None)

    return step


def _wait_group(this: Instruction, kind: str) -> Step:
    left = 0
    if this.operands:
        assert isinstance(this.operands[0], Immediate)
        left = this.operands[0].value

    def step(block: Cluster, lanes: Lanes) -> None:
        for thread in lanes.tolist():
            groups = block.pending[kind + " groups", thread]
            while len(groups) > left:
                groups.pop(0)()
            if "wait_all" in this.modifiers:
                for action in block.pending.pop((kind, thread), []):
                    action()

    return step


def _words(this: Instruction) -> Step:
    """``cp.async`` of 4, 8 or 16 bytes by each thread, zero beyond the source's size."""
    destination, source = memory_operand(this, 0), memory_operand(this, 1)
    size = this.operands[2]
    assert isinstance(size, Immediate)

    def step(block: Cluster, lanes: Lanes) -> None:
        to, from_ = block.at(destination, lanes), block.at(source, lanes)
        given = np.full(len(lanes), size.value)
        if len(this.operands) > 3:
            given = np.broadcast_to(block.get(this.operands[3], lanes, _U32), len(lanes))
        for width, count in ((size.value, 1),):
            if np.any(to % np.uint64(width)) or np.any((from_ % np.uint64(width))[given > 0]):
                raise EmulationError(
                    f"{block.where(lanes)}: a copy of {width * count} bytes at an address that is not a multiple of it"
                )
        for i, thread in enumerate(lanes.tolist()):
            one = lanes[i : i + 1]

            def action(i: int = i, one: Lanes = one) -> None:
                data = np.zeros(size.value, np.uint8)
                if given[i]:
                    read = block.read("global", from_[i : i + 1], one, np.dtype(np.uint8), int(given[i]))
                    data[: given[i]] = np.concatenate(read)
                words = [data.view(np.uint32)[j : j + 1] for j in range(size.value // 4)]
                block.write("shared", to[i : i + 1], one, words)

            _queue(block, "cp", thread, action)

    return step


def _arrive_after(this: Instruction) -> Step:
    """``cp.async.mbarrier.arrive``: arrive when the thread's copies have ended; here they end now."""
    address = memory_operand(this, 0)

    def step(block: Cluster, lanes: Lanes) -> None:
        for thread in lanes.tolist():
            for kind in ("cp groups", "cp"):
                for action in block.pending.pop((kind, thread), []):
                    action()
        for key in _keys(block, address, lanes):
            barrier = _barrier(block, key)
            barrier.pending -= "noinc" in this.modifiers
            barrier.settle()
        block.events += 1

    return step


def _flat(this: Instruction) -> Step:
    """``cp.async.bulk`` without a tensor: bytes in a row."""
    to_shared = this.modifiers[2].startswith("shared")
    if not to_shared and "reduce" in this.modifiers:
        raise EmulationError(f"not known: {this.text}")
    destination, source = memory_operand(this, 0), memory_operand(this, 1)

    def step(block: Cluster, lanes: Lanes) -> None:
        to, from_ = block.at(destination, lanes), block.at(source, lanes)
        sizes = np.broadcast_to(block.get(this.operands[2], lanes, _U32), len(lanes))
        for i, thread in enumerate(lanes.tolist()):
            one, size = lanes[i : i + 1], int(sizes[i])
            if size % 16 or to[i] % 16 or from_[i] % 16:
                raise EmulationError(f"{block.where(one)}: a bulk copy must have 16-byte addresses and sizes")

            def move(i: int = i, one: Lanes = one, size: int = size) -> None:
                spaces = ("shared", "global") if to_shared else ("global", "shared")
                words = block.read(spaces[1], from_[i : i + 1], one, _U32, size // 4)
                block.write(spaces[0], to[i : i + 1], one, words)

            if to_shared:
                (key,) = _keys(block, memory_operand(this, 3), one)
                _start(block, key, size, move)
            else:
                _queue(block, "bulk", thread, move)

    return step


def _start(block: Cluster, key: Key, size: int, move: Callable[[], None]) -> None:
    def action() -> None:
        move()
        _complete(block, key, size)

    if block.late:
        block.pending["mbarrier", key].append(action)
    else:
        action()


def _tensor_map(block: Cluster, operand: Memory, lanes: Lanes) -> TensorMap:
    head = block.read("", block.at(operand, lanes[:1]), lanes[:1], _U64, 2)
    if int(head[0][0]) != TENSOR_MAP_MAGIC:
        raise EmulationError(f"{block.where(lanes)}: there is no tensor map at this address")
    return block.tensor_maps[int(head[1][0])]


TENSOR_MAP_MAGIC = 0x70616D726F736E74


def _tensor(this: Instruction) -> Step:
    """``cp.async.bulk.tensor``: a box of a tensor to shared memory, of one block or several, or back."""
    to_shared = this.modifiers[4].startswith("shared") if len(this.modifiers) > 4 else False
    if "im2col" in this.modifiers or this.opcode != "cp":
        raise EmulationError(f"not known: {this.text}")
    tensor_at = 1 if to_shared else 0
    tensor = memory_operand(this, tensor_at)
    shared = memory_operand(this, 1 - tensor_at)
    operands = this.operands[2:]

    def step(block: Cluster, lanes: Lanes) -> None:
        map_ = _tensor_map(block, Memory(tensor.base, tensor.offset), lanes)
        corners = [np.broadcast_to(block.get(c, lanes, np.dtype(np.int32)), len(lanes)) for c in tensor.coordinates]
        if len(corners) != len(map_.box):
            raise EmulationError(f"{len(corners)} coordinates for a tensor of {len(map_.box)} dimensions")
        places = block.at(shared, lanes)
        masks = np.zeros(len(lanes), np.uint32)
        if "multicast::cluster" in this.modifiers:
            masks = np.broadcast_to(block.get(operands[1], lanes, np.dtype(np.uint16)), len(lanes)).astype(np.uint32)
        for i, thread in enumerate(lanes.tolist()):
            one = lanes[i : i + 1]
            corner = [int(c[i]) for c in corners]
            rank, offset = block.shared_place(places[i : i + 1] & np.uint64((1 << 56) - 1), one)
            if int(offset[0]) % 128:
                raise EmulationError(
                    f"{block.where(one)}: a box at byte {int(offset[0])} of shared memory, not a multiple of 128"
                )
            if not to_shared:
                _queue(
                    block,
                    "bulk",
                    thread,
                    lambda c=corner, r=int(rank[0]), o=int(offset[0]): _box_out(block, map_, c, r, o),
                )
                continue
            (key,) = _keys(block, memory_operand(this, 2), one)
            ranks = [r for r in range(len(block.blocks)) if int(masks[i]) >> r & 1] or [int(rank[0])]
            size = int(np.prod(map_.box)) * map_.array.itemsize
            for r in ranks:  # each block's own barrier at the same place is told of its bytes
                target = (r if masks[i] else key[0], key[1])
                _start(block, target, size, lambda c=corner, r=r, o=int(offset[0]): _box_in(block, map_, c, r, o))

    return step


def _box_places(map_: TensorMap, corner: list[int], offset: int) -> tuple[Any, Any, Any]:
    """(byte offset in the tensor, byte offset in shared memory, inside) of each element of a box."""
    size = map_.array.itemsize
    axes = np.meshgrid(*[np.arange(b) for b in reversed(map_.box)], indexing="ij")[::-1]  # innermost first
    strides = (size, *map_.strides)
    source = sum((axis + c) * s for axis, c, s in zip(axes, corner, strides, strict=True))
    inside = np.ones(axes[0].shape, bool)
    for axis, c, extent in zip(axes, corner, map_.sizes, strict=True):
        inside &= (axis + c >= 0) & (axis + c < extent)
    linear = np.arange(source.size).reshape(source.shape) * size + offset
    if map_.swizzle:
        bits = {128: 7, 64: 3, 32: 1}[map_.swizzle]
        linear = linear ^ ((linear >> 7 & bits) << 4)
    return source, linear, inside


def _box_in(block: Cluster, map_: TensorMap, corner: list[int], rank: int, offset: int) -> None:
    source, linear, inside = _box_places(map_, corner, offset)
    size = map_.array.itemsize
    bits = map_.array.reshape(-1).view(f"uint{8 * size}")
    values = np.where(inside, bits[np.where(inside, source // size, 0)], 0)
    if linear.max() + size > block.shared.shape[1]:
        raise EmulationError(f"a box reaches to byte {linear.max() + size} of {block.shared_size} of shared memory")
    block.shared[rank].view(f"uint{8 * size}")[linear // size] = values


def _box_out(block: Cluster, map_: TensorMap, corner: list[int], rank: int, offset: int) -> None:
    target, linear, inside = _box_places(map_, corner, offset)
    size = map_.array.itemsize
    values = block.shared[rank].view(f"uint{8 * size}")[linear // size]
    map_.array.reshape(-1).view(f"uint{8 * size}")[target[inside] // size] = values[inside]
