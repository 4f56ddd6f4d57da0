"""Loads, stores, atomics, moves and address conversions (sections 9.7.9 and 9.7.13), and control flow (9.7.12)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tools.ptx_emulator import memory
from tools.ptx_emulator.arithmetic import type_of
from tools.ptx_emulator.machine import EXITED, Cluster, EmulationError, Lanes, Step, dtype_of, instruction
from tools.ptx_emulator.parse import Instruction, Memory, Symbol, Vector

__all__: list[str] = []

_SPACES = ("global", "shared", "local", "param", "const")


def space_of(this: Instruction) -> str:
    """The state space that an instruction names; "" is generic."""
    for modifier in this.modifiers:
        name = modifier.partition("::")[0]
        if name in _SPACES:
            return "global" if name == "const" else name
    return ""


def memory_operand(this: Instruction, position: int) -> Memory:
    """An operand that must be an address."""
    operand = this.operands[position]
    if not isinstance(operand, Memory):
        raise EmulationError(f"an address was expected: {this.text}")
    return operand


@instruction("ld", "ldu")
def _load(this: Instruction) -> Step:
    space, dtype = space_of(this), dtype_of(type_of(this))
    address = memory_operand(this, 1)

    def step(block: Cluster, lanes: Lanes) -> None:
        results = block.parts(this.operands[0])
        values = block.read(space, block.at(address, lanes), lanes, dtype, len(results))
        for result, value in zip(results, values, strict=True):
            block.set(result, lanes, value)

    return step


@instruction("st")
def _store(this: Instruction) -> Step:
    space, dtype = space_of(this), dtype_of(type_of(this))
    address = memory_operand(this, 0)

    def step(block: Cluster, lanes: Lanes) -> None:
        values = [np.asarray(block.get(part, lanes, dtype)) for part in block.parts(this.operands[1])]
        block.write(space, block.at(address, lanes), lanes, values)

    return step


_ATOMICS: dict[str, Any] = {
    "add": lambda old, new: old + new, "min": np.minimum, "max": np.maximum, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "exch": lambda old, new: new, "inc": lambda old, new: np.where(old >= new, 0, old + 1),
    "dec": lambda old, new: np.where((old == 0) | (old > new), new, old - 1),
}  # fmt: skip


@instruction("atom", "red")
def _atomic(this: Instruction) -> Step:
    if "async" in this.modifiers:
        raise EmulationError(f"not known: {this.text}")
    space, name = space_of(this), type_of(this)
    packed = {"f16x2": "f16", "bf16x2": "bf16"}.get(name)
    dtype = dtype_of(name)
    operation = next((m for m in this.modifiers if m in _ATOMICS or m == "cas"), "")
    returns = this.opcode == "atom"
    address = memory_operand(this, 1 if returns else 0)

    def apply(old: Any, new: Any) -> Any:
        if packed:
            halves = _ATOMICS[operation](old.reshape(1).view(dtype_of(packed)), new.reshape(1).view(dtype_of(packed)))
            return halves.astype(dtype_of(packed)).view(np.uint32)[0]
        return np.asarray(_ATOMICS[operation](old, new)).astype(dtype)

    def step(block: Cluster, lanes: Lanes) -> None:
        places = block.at(address, lanes)
        sources = this.operands[2 if returns else 1 :]
        columns = [
            [np.broadcast_to(block.get(part, lanes, dtype), len(lanes)) for part in block.parts(s)] for s in sources
        ]
        for i in range(len(lanes)):  # one after the other: threads may meet at an address
            one = lanes[i : i + 1]
            old = block.read(space, places[i : i + 1], one, dtype, len(columns[0]))
            if operation == "cas":
                new = [np.where(old[0] == columns[0][0][i], columns[1][0][i], old[0])]
            else:
                new = [np.asarray(apply(o[0], c[i])).reshape(1) for o, c in zip(old, columns[0], strict=True)]
            block.write(space, places[i : i + 1], one, [n.astype(dtype) if n.dtype != dtype else n for n in new])
            if returns:
                for part, value in zip(block.parts(this.operands[0]), old, strict=True):
                    block.set(part, one, value)
        block.events += 1

    return step


@instruction("mov")
def _move(this: Instruction) -> Step:
    name = type_of(this)
    dtype = dtype_of(name)

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, source = this.operands
        if isinstance(source, Vector):  # packed into one register, the first element lowest
            width = 8 * dtype.itemsize // len(source.parts)
            total = np.zeros(len(lanes), f"uint{8 * dtype.itemsize}")
            for i, part in enumerate(source.parts):
                total |= np.asarray(block.get(part, lanes, np.dtype(f"uint{width}"))).astype(
                    total.dtype
                ) << total.dtype.type(i * width)
            block.set(destination, lanes, total)
        elif isinstance(destination, Vector):
            value = np.asarray(block.get(source, lanes, np.dtype(f"uint{8 * dtype.itemsize}")))
            width = 8 * dtype.itemsize // len(destination.parts)
            for i, part in enumerate(destination.parts):
                block.set(part, lanes, (value >> value.dtype.type(i * width)).astype(f"uint{width}"))
        else:
            block.set(destination, lanes, block.get(source, lanes, dtype))

    return step


@instruction("cvta")
def _generic(this: Instruction) -> Step:
    space = space_of(this)
    window = {"shared": memory.SHARED, "local": memory.LOCAL, "param": memory.PARAMETERS}.get(space, 0)
    to = "to" in this.modifiers

    def step(block: Cluster, lanes: Lanes) -> None:
        value = np.asarray(block.get(this.operands[1], lanes, np.dtype(np.uint64)))
        if space != "param":  # the address of a parameter is generic in the first place
            value = value & np.uint64((1 << 56) - 1) if to and window else value | np.uint64(window)
        block.set(this.operands[0], lanes, value)

    return step


@instruction("mapa")
def _map(this: Instruction) -> Step:
    generic = space_of(this) == ""

    def step(block: Cluster, lanes: Lanes) -> None:
        destination, source, rank = this.operands
        place = np.asarray(block.get(source, lanes, np.dtype(np.uint64)))
        inside = place & np.uint64((1 << memory.SHARED_BLOCK_SHIFT) - 1)
        number = np.asarray(block.get(rank, lanes, np.dtype(np.uint64))) + np.uint64(1)
        found = number << np.uint64(memory.SHARED_BLOCK_SHIFT) | inside
        block.set(destination, lanes, found | np.uint64(memory.SHARED) if generic else found.astype(np.uint32))

    return step


@instruction("isspacep")
def _is_space(this: Instruction) -> Step:
    number = {"global": 0, "shared": 1, "local": 2, "param": 3}[space_of(this)]

    def step(block: Cluster, lanes: Lanes) -> None:
        value = np.asarray(block.get(this.operands[1], lanes, np.dtype(np.uint64)))
        block.set(this.operands[0], lanes, value >> np.uint64(56) == number)

    return step


@instruction(
    "prefetch",
    "prefetchu",
    "applypriority",
    "discard",
    "membar",
    "fence",
    "nanosleep",
    "setmaxnreg",
    "griddepcontrol",
    "pmevent",
)
def _nothing(this: Instruction) -> Step:
    return lambda block, lanes: None


@instruction("createpolicy")
def _policy(this: Instruction) -> Step:
    return lambda block, lanes: block.set(this.operands[0], lanes, np.uint64(0))


# --- control flow -----------------------------------------------------------------------------------------------------


@instruction("bra")
def _branch(this: Instruction) -> Step:
    label = this.operands[0]
    assert isinstance(label, Symbol)

    def step(block: Cluster, lanes: Lanes) -> None:
        block.pc[lanes] = block.kernel.labels[label.name]

    return step


@instruction("ret", "exit")
def _end(this: Instruction) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        block.status[lanes] = EXITED
        block.events += 1
        block.exited()

    return step


@instruction("trap", "brkpt")
def _trap(this: Instruction) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        raise EmulationError(f"{block.where(lanes)}: {' '.join(block.output[-1:])} trap")

    return step


@instruction("call")
def _call(this: Instruction) -> Step:
    name = next((o.name for o in this.operands if isinstance(o, Symbol)), "")
    if name not in ("vprintf", "__assertfail"):
        raise EmulationError(f"calls of {name or 'an address'} are not known")

    def text_at(block: Cluster, address: int, lanes: Lanes) -> str:
        data = bytearray()
        while not data.endswith(b"\0"):
            at = np.array([address + len(data)], np.uint64)
            data += block.read("", at, lanes, np.dtype(np.uint8))[0].tobytes()
        return data[:-1].decode()

    def step(block: Cluster, lanes: Lanes) -> None:
        groups = [o for o in this.operands if isinstance(o, Vector)]
        arguments = groups[-1].parts
        for i in range(len(lanes)):
            one = lanes[i : i + 1]
            given = []
            for argument in arguments:
                assert isinstance(argument, Symbol)
                here = np.array([block.address(argument.name)], np.uint64)
                given.append(int(block.read("local", here, one, np.dtype(np.uint64))[0][0]))
            form = text_at(block, given[0], one)
            if name == "__assertfail":
                raise EmulationError(f"{block.where(one)}: assertion failed: {form}")
            values: list[Any] = []
            place = given[1]
            for conversion in _conversions(form):
                dtype = {"f": np.float64, "d": np.int64 if "l" in conversion else np.int32}.get(
                    conversion[-1], np.uint64 if "l" in conversion or conversion[-1] == "p" else np.uint32
                )
                size = np.dtype(dtype).itemsize
                place = -(-place // size) * size
                values.append(block.read("", np.array([place], np.uint64), one, np.dtype(dtype))[0][0])
                place += size
            block.output.append(_formatted(form, values))
        if len(groups) > 1:
            result = groups[0].parts[0]
            assert isinstance(result, Symbol)
            block.write(
                "local",
                np.full(len(lanes), block.address(result.name), np.uint64),
                lanes,
                [np.zeros(len(lanes), np.uint32)],
            )

    return step


def _conversions(form: str) -> list[str]:
    return re.findall(r"%[-+ #0]*\d*(?:\.\d+)?((?:ll|l|h)?[diuxXfeEgGcpsa])", form)


def _formatted(form: str, values: list[Any]) -> str:
    return form.replace("%ll", "%").replace("%l", "%").replace("%p", "%#x").replace("%u", "%d") % tuple(
        v.item() for v in values
    )
