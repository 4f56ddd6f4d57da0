"""The threads of a cluster of blocks: their registers, and which of them run next.

Threads that are at the same instruction run it together, as vectors.  Of the groups of threads the one at the lowest
instruction runs first, up to the next label, branch or meeting point, which brings threads together again behind the
branches that parted them; a thread that polls in vain steps back until something happens.  Blocks of a cluster are
emulated together, those of a grid in turn, and in turn again where they wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np

from tools.ptx_emulator import memory
from tools.ptx_emulator.memory import AddressError, Globals, gather, scatter
from tools.ptx_emulator.parse import Immediate, Instruction, Kernel, Memory, Operand, Register, Symbol, Variable, Vector

__all__ = ["INSTRUCTIONS", "Cluster", "EmulationError", "Lanes", "Step", "dtype_of", "instruction"]

Lanes = np.ndarray[Any, Any]
Step = Callable[["Cluster", Lanes], None]
INSTRUCTIONS: dict[str, Callable[[Instruction], Step]] = {}

_INTEGERS = (("s", "int"), ("u", "uint"), ("b", "uint"))
_DTYPES: dict[str, Any] = {
    **{f"{kind}{bits}": np.dtype(f"{name}{bits}") for kind, name in _INTEGERS for bits in (8, 16, 32, 64)},
    "f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16), "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64), "pred": np.dtype(np.bool_),
    "f16x2": np.dtype(np.uint32), "bf16x2": np.dtype(np.uint32),
}  # fmt: skip
RUNNING, WAITING, POLLING, EXITED = range(4)
# Where groups of threads must be looked at again: threads part, meet, wait or see what others did.
_MEETING_NAMES = (
    "bra bar barrier ret exit shfl vote match redux elect mma wgmma ldmatrix stmatrix mbarrier cp trap call atom"
)
_MEETING = frozenset({*_MEETING_NAMES.split(), "activemask"})
_MOST_INSTRUCTIONS = 50_000_000


class EmulationError(Exception):
    """The kernel did what a GPU does not define, or something that the emulator does not know."""


def instruction(*opcodes: str) -> Callable[[Callable[[Instruction], Step]], Callable[[Instruction], Step]]:
    """Decorator: what makes the step of an instruction of these opcodes."""

    def register(make: Callable[[Instruction], Step]) -> Callable[[Instruction], Step]:
        for opcode in opcodes:
            INSTRUCTIONS[opcode] = make
        return make

    return register


def dtype_of(name: str) -> Any:
    """The NumPy type of ``f32``, ``b64``, ..."""
    if name not in _DTYPES:
        raise EmulationError(f"type .{name} is not known")
    return _DTYPES[name]


class Cluster:
    """Blocks that run together, and everything their threads hold."""

    def __init__(
        self, kernel: Kernel, steps: list[Step], variables: list[Variable], globals_: Globals,
        tensor_maps: list[memory.TensorMap], parameters: bytes, parameter_places: dict[str, int],
        grid: tuple[int, int, int], block: tuple[int, int, int],
        blocks: list[tuple[int, int, int]], shape: tuple[int, int, int], shared_bytes: int, late: bool,
    ) -> None:  # fmt: skip
        self.kernel, self.steps, self.globals, self.tensor_maps, self.late = kernel, steps, globals_, tensor_maps, late
        self.grid, self.block, self.shape, self.blocks = grid, block, shape, blocks
        self.per_block = block[0] * block[1] * block[2]
        self.threads = np.arange(self.per_block * len(blocks))
        self.rank = self.threads // self.per_block  # of the block in the cluster
        index = self.threads % self.per_block
        self.index = index
        self.lane, self.warp = index % 32, self.rank * -(-self.per_block // 32) + index // 32
        size = len(self.threads)
        self.registers: dict[str, np.ndarray[Any, Any]] = {}
        for name, kind in kernel.registers.items():
            self.registers[name] = np.zeros(size, np.bool_ if kind == "pred" else np.dtype(f"uint{kind[1:]}"))
        self.special = {
            "%tid.x": index % block[0], "%tid.y": index // block[0] % block[1],
            "%tid.z": index // (block[0] * block[1]), "%laneid": self.lane, "%warpid": index // 32,
            "%cluster_ctarank": self.rank,
        }  # fmt: skip
        for axis, letter in enumerate("xyz"):
            place = np.array([b[axis] for b in blocks])[self.rank]
            self.special |= {
                f"%ntid.{letter}": np.full(size, block[axis]), f"%nctaid.{letter}": np.full(size, grid[axis]),
                f"%ctaid.{letter}": place, f"%cluster_ctaid.{letter}": place % shape[axis],
                f"%cluster_nctaid.{letter}": np.full(size, shape[axis]), f"%clusterid.{letter}": place // shape[axis],
                f"%nclusterid.{letter}": np.full(size, grid[axis] // shape[axis]),
            }  # fmt: skip
        self.special["%cluster_nctarank"] = np.full(size, len(blocks))
        self.special["%nwarpid"] = np.full(size, -(-self.per_block // 32))
        for name, masks in (("eq", lambda n: 1 << n), ("lt", lambda n: (1 << n) - 1), ("le", lambda n: (2 << n) - 1)):
            self.special[f"%lanemask_{name}"] = np.array([masks(int(n)) for n in self.lane])
        for name, below in (("gt", "le"), ("ge", "lt")):
            self.special[f"%lanemask_{name}"] = 0xFFFFFFFF ^ self.special[f"%lanemask_{below}"]
        self.pc = np.zeros(size, np.int64)
        self.status = np.zeros(size, np.int8)
        self.carry = np.zeros(size, np.bool_)
        self.events = 0  # counts what a polling thread may wait for
        self.barriers: dict[tuple[int, int], list[Any]] = {}
        self.mbarriers: dict[tuple[int, int], Any] = {}
        self.pending: dict[Any, list[Callable[[], None]]] = defaultdict(list)
        self.cluster_phase = np.zeros(size, np.int64)  # how often each thread has arrived at the cluster's barrier
        self.output: list[str] = []
        # Variables: shared ones one after the other in the window of each block, what the launch asks for last.
        self.parameters = np.frombuffer(bytearray(parameters), np.uint8)
        self.addresses: dict[str, int] = {name: memory.PARAMETERS + at for name, at in parameter_places.items()}
        shared = local = 0
        for variable in sorted(kernel.variables + variables, key=lambda v: (v.size == 0, v.space)):
            if variable.space == "shared":
                shared = -(-shared // variable.align) * variable.align
                self.addresses[variable.name] = shared
                shared += variable.size or shared_bytes
            elif variable.space == "local":
                local = -(-local // variable.align) * variable.align
                self.addresses[variable.name] = local
                local += variable.size
        self.shared = np.full((len(blocks), -(-max(shared, 1) // 1024) * 1024), 0xFF, np.uint8)
        self.shared_size = shared
        self.local = np.full((size, max(local, 1) + 8), 0xFF, np.uint8)[:, : max(8, -(-local // 8) * 8)].copy()
        self._meeting = [i.opcode in _MEETING for i in kernel.code]
        for at in kernel.labels.values():
            if at > 0:
                self._meeting[at - 1] = True
        self._waiting_at: dict[int, set[int]] = defaultdict(set)

    # --- operands ---------------------------------------------------------------------------------------------------

    def get(self, operand: Operand, lanes: Lanes, dtype: Any) -> Any:
        """The values of an operand in some threads, as an array of ``dtype`` (or one value for all)."""
        if isinstance(operand, Register):
            if operand.name in self.registers:
                value = self.registers[operand.name][lanes]
            elif operand.name in self.special:
                value = self.special[operand.name][lanes].astype(np.uint64)
            elif operand.name in (
                "%clock",
                "%clock64",
                "%globaltimer",
                "%globaltimer_lo",
                "%smid",
                "%dynamic_smem_size",
            ):
                value = np.zeros(len(lanes), np.uint64)
            else:
                raise EmulationError(f"register {operand.name} is not known")
            if operand.negated:
                return ~value
            if value.dtype == dtype:
                return value
            if value.dtype == np.bool_ or dtype == np.bool_:
                return value.astype(dtype)
            if value.dtype.itemsize != dtype.itemsize:
                value = value.astype(f"uint{8 * dtype.itemsize}")
            return value.view(dtype)
        if isinstance(operand, Immediate):
            width = 8 * dtype.itemsize
            if (
                operand.bits is not None
                or dtype.kind in "fV"
                or dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")
            ):
                return np.array(operand.value & ((1 << width) - 1), f"uint{width}").view(dtype)
            if dtype == np.bool_:
                return np.array(operand.value != 0)
            return np.array(operand.value & ((1 << width) - 1), f"uint{width}").view(dtype)
        if isinstance(operand, Symbol):
            return np.array(self.address(operand.name), np.uint64).astype(dtype)
        raise EmulationError(f"operand {operand} is not a value")

    def address(self, name: str) -> int:
        """The address of a variable in its space."""
        if name not in self.addresses:
            raise EmulationError(f"'{name}' is not known")
        return self.addresses[name]

    def set(self, operand: Operand, lanes: Lanes, value: Any) -> None:
        """Write values to a register: narrower ones extended by their type's sign."""
        if isinstance(operand, Register):
            if operand.name == "_":
                return
            register = self.registers[operand.name]
            value = np.asarray(value)
            if register.dtype == np.bool_:
                register[lanes] = value
                return
            size = register.dtype.itemsize
            if value.dtype.itemsize != size:
                signed = value.dtype.kind == "i"
                bits = value if value.dtype.kind in "iub" else value.view(f"uint{8 * value.dtype.itemsize}")
                value = bits.astype(f"int{8 * size}" if signed else f"uint{8 * size}")
            register[lanes] = value.view(register.dtype) if value.ndim else value.reshape(1).view(register.dtype)[0]
            return
        raise EmulationError(f"operand {operand} cannot be written")

    def parts(self, operand: Operand) -> tuple[Operand, ...]:
        """The elements of a vector operand, or the operand alone."""
        return operand.parts if isinstance(operand, Vector) else (operand,)

    def at(self, operand: Memory, lanes: Lanes) -> np.ndarray[Any, Any]:
        """The addresses that a memory operand means."""
        base = operand.base
        if isinstance(base, Register):
            value = self.registers[base.name][lanes].astype(np.uint64)
        else:
            value = np.full(len(lanes), self.get(base, lanes, np.dtype(np.uint64)), np.uint64)
        return value + np.uint64(operand.offset & ((1 << 64) - 1))

    # --- memory -----------------------------------------------------------------------------------------------------

    def places(
        self, space: str, addresses: np.ndarray[Any, Any], lanes: Lanes
    ) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """(positions, bytes, offsets into them) for addresses in a space, "" being generic."""
        if space == "":
            window = addresses >> np.uint64(56)
            for number, name in ((0, "global"), (1, "shared"), (2, "local"), (3, "param")):
                here = np.flatnonzero(window == number)
                if len(here):
                    inside = addresses[here] if number in (0, 3) else addresses[here] & np.uint64((1 << 56) - 1)
                    for positions, data, offsets in self.places(name, inside, lanes[here]):
                        yield here[positions], data, offsets
        elif space == "global":
            yield from self.globals.resolve(addresses)
        elif space == "param":
            yield np.arange(len(lanes)), self.parameters, (addresses & np.uint64((1 << 56) - 1)).astype(np.int64)
        elif space == "shared":
            block, offset = self.shared_place(addresses, lanes)
            inside = self.shared.shape[1]
            if offset.size and int(offset.max()) >= inside:
                raise AddressError(f"shared memory has {self.shared_size} bytes, offset {int(offset.max())} is used")
            yield np.arange(len(lanes)), self.shared.reshape(-1), block * inside + offset
        elif space == "local":
            inside = self.local.shape[1]
            yield np.arange(len(lanes)), self.local.reshape(-1), lanes * inside + addresses.astype(np.int64)
        else:
            raise EmulationError(f"state space .{space} is not known")

    def shared_place(
        self, addresses: np.ndarray[Any, Any], lanes: Lanes
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """(block of the cluster, offset in its shared memory) of addresses in shared memory."""
        number = ((addresses >> np.uint64(memory.SHARED_BLOCK_SHIFT)) & np.uint64(0xFF)).astype(np.int64)
        offset = (addresses & np.uint64((1 << memory.SHARED_BLOCK_SHIFT) - 1)).astype(np.int64)
        return np.where(number == 0, self.rank[lanes], number - 1), offset

    def read(
        self, space: str, addresses: np.ndarray[Any, Any], lanes: Lanes, dtype: Any, count: int = 1
    ) -> list[np.ndarray[Any, Any]]:
        """``count`` elements at each address."""
        results = [np.empty(len(lanes), dtype) for _ in range(count)]
        for positions, data, offsets in self.places(space, addresses, lanes):
            for result, values in zip(results, gather(data, offsets, dtype, count), strict=True):
                result[positions] = values
        return results

    def write(
        self, space: str, addresses: np.ndarray[Any, Any], lanes: Lanes, values: list[np.ndarray[Any, Any]]
    ) -> None:
        """Write neighbouring elements at each address."""
        for positions, data, offsets in self.places(space, addresses, lanes):
            scatter(data, offsets, [np.broadcast_to(value, len(lanes))[positions] for value in values])

    # --- running ----------------------------------------------------------------------------------------------------

    def run(self) -> bool:
        """Run until every thread has ended (True) or those left wait for another block (False)."""
        executed, events = 0, -1
        while True:
            running = np.flatnonzero(self.status == RUNNING)
            if len(running) == 0:
                if np.all(self.status == EXITED):
                    return True
                polling = self.status == POLLING
                if polling.any() and events != self.events:
                    events = self.events
                    self.status[polling] = RUNNING
                    continue
                if polling.any():
                    self.status[polling] = RUNNING
                    return False
                self._refuse_deadlock()
            at = int(self.pc[running].min())
            lanes = running[self.pc[running] == at]
            while True:
                executed += 1
                if executed > _MOST_INSTRUCTIONS:
                    raise EmulationError("the kernel does not end")
                self._step(at, lanes)
                if self._meeting[at]:
                    break
                at += 1

    def _step(self, at: int, lanes: Lanes) -> None:
        this = self.kernel.code[at]
        self.pc[lanes] = at + 1
        if this.guard is not None:
            taken = self.registers[this.guard.name][lanes]
            lanes = lanes[~taken if this.guard.negated else taken]
            if len(lanes) == 0:
                return
        try:
            with np.errstate(all="ignore"):
                self.steps[at](self, lanes)
        except AddressError as error:
            raise EmulationError(f"{self.where(lanes)}: {error}, in: {this.text}") from None
        except EmulationError as error:
            raise EmulationError(f"{error}, in: {this.text}") if this.text not in str(error) else error from None

    def where(self, lanes: Lanes) -> str:
        """The first of some threads, in words."""
        return f"block {self.blocks[self.rank[lanes[0]]]}, thread {self.index[lanes[0]]}"

    def wait(self, lanes: Lanes, again: bool = False) -> None:
        """Hold threads until :meth:`release`; ``again``: they repeat their instruction then."""
        self.status[lanes] = WAITING
        if again:
            self.pc[lanes] -= 1

    def release(self, lanes: Lanes) -> None:
        """Let threads run on."""
        self.status[lanes] = RUNNING
        self.events += 1

    def poll(self, lanes: Lanes) -> None:
        """Threads that asked in vain: others run first."""
        self.status[lanes] = POLLING

    def together(self, lanes: Lanes, masks: Any) -> Lanes:
        """Of threads at an instruction for whole warps those whose warps are complete; the others wait for the rest."""
        at = int(self.pc[lanes[0]]) - 1
        held = self._waiting_at[at]
        if not held and len(lanes) % 32 == 0 and np.all(masks == 0xFFFFFFFF):
            counts = np.bincount(self.warp[lanes])
            if np.all((counts == 0) | (counts == 32)):
                return lanes
        everyone = np.array(sorted(held | set(lanes.tolist())))
        wanted = np.broadcast_to(masks, len(lanes))
        ready: list[int] = []
        for warp in np.unique(self.warp[lanes]):
            here = everyone[self.warp[everyone] == warp]
            mask = int(wanted[self.warp[lanes] == warp][0])
            members = self.threads[self.warp == warp]
            members = members[[bool(mask >> int(n) & 1) for n in self.lane[members]]]
            members = members[self.status[members] != EXITED]
            if set(members.tolist()) <= set(here.tolist()):
                ready += here.tolist()
                held -= set(here.tolist())
                self.status[here] = RUNNING
                self.pc[here] = at + 1
            else:
                held |= set(here.tolist())
                self.wait(here)
        return np.array(sorted(ready), np.int64)

    def check_barriers(self) -> None:
        """Let the threads go on whose barrier everybody has reached."""
        for (rank, number), (arrived, count, waiting) in list(self.barriers.items()):
            left = int(np.sum((self.rank == rank) & (self.status != EXITED)))
            if waiting and arrived >= (count or left):
                del self.barriers[rank, number]
                for lanes in waiting:
                    self.release(lanes)

    def exited(self) -> None:
        """What the end of threads sets free: barriers without a count."""
        self.check_barriers()

    def _refuse_deadlock(self) -> None:
        lanes = np.flatnonzero(self.status == WAITING)
        at = self.kernel.code[int(self.pc[lanes[0]]) - 1]
        raise EmulationError(f"deadlock: {len(lanes)} threads wait for ever, {self.where(lanes)} at: {at.text}")
