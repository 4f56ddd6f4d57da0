"""A launch: arguments into parameters, blocks into clusters, and all of them run."""

from __future__ import annotations

import functools
import itertools
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.ptx_emulator import arithmetic, bulk, movement, tensor_cores, warps  # the instructions
from tools.ptx_emulator.machine import INSTRUCTIONS, Cluster, EmulationError, Step
from tools.ptx_emulator.memory import Globals, TensorMap
from tools.ptx_emulator.parse import Kernel, Module, Variable, parse

__all__ = ["launch"]

_INSTRUCTION_MODULES = (arithmetic, bulk, movement, tensor_cores, warps)
_TENSOR_MAP_BYTES = 128


def launch(
    ptx: str,
    kernel: str,
    *,
    grid: Sequence[int],
    block: Sequence[int],
    arguments: Sequence[Any],
    shared_bytes: int = 0,
    cluster: Sequence[int] = (1, 1, 1),
    late: bool = False,
) -> list[str]:
    """Run a kernel and give back what it printed.

    An argument is a contiguous array (global memory, changed in place), a number, a NumPy scalar or a
    :class:`TensorMap`, one for each parameter.  ``shared_bytes`` is the dynamic shared memory; ``late`` lets what is
    asynchronous happen only when it is waited for.

    Raises :class:`EmulationError` for what a GPU does not define, and for a deadlock.
    """
    module, steps = _prepared(ptx)
    if kernel not in module.kernels:
        raise EmulationError(f"there is no kernel '{kernel}'; there are: {', '.join(module.kernels)}")
    code = module.kernels[kernel]
    memory = Globals()
    parameters, places, maps = _parameters(code, arguments, memory)
    addresses = {v.name: memory.place(_initial(v)) for v in module.variables if v.space in ("global", "const")}
    shape, size, cluster_shape = (_three(x) for x in (grid, block, cluster))
    counts = [range(n // c) for n, c in zip(shape, cluster_shape, strict=True)]
    if any(n % c for n, c in zip(shape, cluster_shape, strict=True)):
        raise EmulationError(f"grid {shape} is no multiple of cluster {cluster_shape}")
    waiting = []
    output: list[str] = []
    for z, y, x in itertools.product(*reversed(counts)):
        corner = tuple(i * c for i, c in zip((x, y, z), cluster_shape, strict=True))
        inside = itertools.product(*(range(c) for c in reversed(cluster_shape)))
        blocks = [tuple(a + b for a, b in zip(corner, reversed(p), strict=True)) for p in inside]
        state = Cluster(
            code, steps[kernel], module.variables, memory, maps, parameters, places, shape, size, blocks,  # type: ignore[arg-type]
            cluster_shape, shared_bytes, late,
        )  # fmt: skip
        state.addresses |= addresses
        state.output = output
        if not state.run():
            waiting.append(state)
    while waiting:  # for each other
        before = sum(state.events for state in waiting)
        left = [state for state in waiting if not state.run()]
        if len(left) == len(waiting) and sum(state.events for state in waiting) == before:
            raise EmulationError(f"deadlock: {len(waiting)} blocks wait for each other; {_polled(waiting[0])}")
        waiting = left
    return output


def _polled(state: Cluster) -> str:
    lane = int(np.flatnonzero(state.status == 0)[0])
    at = state.kernel.code[max(0, int(state.pc[lane]) - 1)]
    return f"{state.where(np.array([lane]))} at: {at.text}"


@functools.lru_cache(maxsize=64)
def _prepared(ptx: str) -> tuple[Module, dict[str, list[Step]]]:
    module = parse(ptx)
    steps = {}
    for name, kernel in module.kernels.items():
        steps[name] = [_step_of(i) for i in kernel.code]
    return module, steps


def _step_of(this: Any) -> Step:
    if this.opcode not in INSTRUCTIONS:
        raise EmulationError(f"instruction '{this.opcode}' is not known: {this.text}")
    return INSTRUCTIONS[this.opcode](this)


def _three(sizes: Sequence[int]) -> tuple[int, int, int]:
    x, y, z = (*sizes, 1, 1)[:3]
    return int(x), int(y), int(z)


def _initial(variable: Variable) -> np.ndarray[Any, Any]:
    data = np.zeros(-(-variable.size // 8) * 8, np.uint8)
    data[: len(variable.data)] = np.frombuffer(variable.data, np.uint8)
    return data


def _parameters(
    kernel: Kernel, arguments: Sequence[Any], memory: Globals
) -> tuple[bytes, dict[str, int], list[TensorMap]]:
    """The bytes of the parameters, the place of each, and the tensor maps that they name."""
    if len(arguments) != len(kernel.parameters):
        raise EmulationError(
            f"kernel '{kernel.name}' has {len(kernel.parameters)} parameters, {len(arguments)} arguments are given"
        )
    data, places, maps = b"", {}, []
    for parameter, argument in zip(kernel.parameters, arguments, strict=True):
        data += b"\0" * (-len(data) % max(parameter.align, 1))
        places[parameter.name] = len(data)
        if isinstance(argument, TensorMap):
            maps.append(argument)
            data += struct.pack("<QQ", bulk.TENSOR_MAP_MAGIC, len(maps) - 1).ljust(_TENSOR_MAP_BYTES, b"\0")
        elif isinstance(argument, np.ndarray):
            data += struct.pack("<Q", memory.place(argument))
        else:
            if isinstance(argument, np.generic):
                value = argument.tobytes()
            elif isinstance(argument, float):
                value = struct.pack("<f" if parameter.size == 4 else "<d", argument)
            else:
                value = int(argument).to_bytes(parameter.size, "little", signed=int(argument) < 0)
            data += value.ljust(parameter.size, b"\0")
    return data + b"\0" * 16, places, maps
