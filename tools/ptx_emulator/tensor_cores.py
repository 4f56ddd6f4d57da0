"""Tensor cores: ``ldmatrix``, ``stmatrix``, ``mma.sync`` and ``wgmma`` (sections 9.7.15 and 9.7.16)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tools.ptx_emulator.machine import Cluster, EmulationError, Lanes, Step, dtype_of, instruction
from tools.ptx_emulator.movement import memory_operand
from tools.ptx_emulator.parse import Immediate, Instruction, Operand, Vector

__all__: list[str] = []

_U32, _U64 = np.dtype(np.uint32), np.dtype(np.uint64)
_NAMES = {"f16", "bf16", "tf32", "f32", "f64", "s8", "u8", "s32", "e4m3", "e5m2"}


def _types(this: Instruction) -> list[str]:
    return [m for m in this.modifiers if m in _NAMES]


def _shape(this: Instruction) -> tuple[int, int, int]:
    found = next(filter(None, (re.fullmatch(r"m(\d+)n(\d+)k(\d+)", m) for m in this.modifiers)))
    return int(found[1]), int(found[2]), int(found[3])


def _warps(block: Cluster, lanes: Lanes, size: int = 32) -> np.ndarray[Any, Any]:
    """Threads as whole warps (or groups of ``size``), each in the order of its lanes."""
    ordered = np.sort(lanes)
    if len(ordered) % size or np.any(block.lane[ordered[::32]] != 0):
        raise EmulationError(f"{block.where(lanes)}: whole warps are needed, {len(ordered)} threads are here")
    return ordered.reshape(-1, size)


def _met(block: Cluster, lanes: Lanes) -> Lanes:
    return block.together(lanes, np.uint32(0xFFFFFFFF))


# --- matrices between shared memory and registers ---------------------------------------------------------------------


@instruction("ldmatrix")
def _load_matrix(this: Instruction) -> Step:
    count = int(next(m for m in this.modifiers if re.fullmatch(r"x[124]", m))[1:])
    transposed = "trans" in this.modifiers
    address = memory_operand(this, 1)
    _only_8x8(this)

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _met(block, lanes)
        for warp in _warps(block, lanes) if len(lanes) else ():
            rows = block.at(address, warp[: 8 * count])
            words = block.read(
                "shared" if "shared" in _spaces(this) else "", rows, warp[: 8 * count], np.dtype(np.uint16), 8
            )
            matrices = np.stack(words, 1).reshape(count, 8, 8)
            if transposed:
                matrices = matrices.transpose(0, 2, 1)
            pairs = np.ascontiguousarray(matrices).view(np.uint32).reshape(count, 32)
            for part, values in zip(block.parts(this.operands[0]), pairs, strict=True):
                block.set(part, warp, values)

    return step


@instruction("stmatrix")
def _store_matrix(this: Instruction) -> Step:
    count = int(next(m for m in this.modifiers if re.fullmatch(r"x[124]", m))[1:])
    transposed = "trans" in this.modifiers
    address = memory_operand(this, 0)
    _only_8x8(this)

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _met(block, lanes)
        for warp in _warps(block, lanes) if len(lanes) else ():
            rows = block.at(address, warp[: 8 * count])
            parts = [np.asarray(block.get(p, warp, _U32)) for p in block.parts(this.operands[1])]
            matrices = np.stack(parts).view(np.uint16).reshape(count, 8, 8)
            if transposed:
                matrices = matrices.transpose(0, 2, 1)
            words = matrices.reshape(8 * count, 8)
            block.write(
                "shared" if "shared" in _spaces(this) else "",
                rows,
                warp[: 8 * count],
                [words[:, i].copy() for i in range(8)],
            )

    return step


def _only_8x8(this: Instruction) -> None:
    if "m8n8" not in this.modifiers or "b16" not in this.modifiers:
        raise EmulationError(f"only m8n8 of b16 is known: {this.text}")


def _spaces(this: Instruction) -> set[str]:
    return {m.partition("::")[0] for m in this.modifiers}


# --- mma.sync ---------------------------------------------------------------------------------------------------------


def _bytes_of(name: str) -> float:
    return {"f16": 2, "bf16": 2, "tf32": 4, "f64": 8, "s8": 1, "u8": 1, "e4m3": 1, "e5m2": 1}[name]


def as_numbers(bits: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """Values in the last dimension's 32-bit (f64: 64-bit) registers, in a type that holds products exactly."""
    if name == "tf32":
        return (bits & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)
    types: dict[str, Any] = {
        "f16": np.float16,
        "bf16": ml_dtypes.bfloat16,
        "f64": np.float64,
        "s8": np.int8,
        "u8": np.uint8,
        "e4m3": ml_dtypes.float8_e4m3fn,
        "e5m2": ml_dtypes.float8_e5m2,
    }
    values = np.ascontiguousarray(bits).view(types[name])
    return values.astype(np.int64) if name in ("s8", "u8") else values.astype(np.float64)


def _fragment(registers: np.ndarray[Any, Any], name: str, rows: int, columns: int) -> np.ndarray[Any, Any]:
    """Operand A (rows x k) of ``mma``, or B transposed (n x k), from [registers, lanes]: register r of lane l holds, of
    row l / 4 plus 8 for odd r (where there are 16 rows), the elements at l % 4 in each half of the columns."""
    values = as_numbers(np.ascontiguousarray(registers.T)[..., None], name)  # lanes, registers, elements
    per = values.shape[-1]
    result = np.zeros((rows, columns), values.dtype)
    lane = np.arange(32)
    tall = rows // 8
    for r in range(registers.shape[0]):
        row = lane // 4 + (8 * (r % tall))
        column = (lane % 4) * per + (r // tall) * 4 * per
        for e in range(per):
            result[row, column + e] = values[:, r, e]
    return result


@instruction("mma")
def _mma(this: Instruction) -> Step:
    m, n, k = _shape(this)
    if "row" not in this.modifiers or "col" not in this.modifiers or "sp" in this.modifiers:
        raise EmulationError(f"not known: {this.text}")
    to, a_type, b_type, from_ = _types(this)

    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _met(block, lanes)
        wide = _U64 if a_type == "f64" else _U32
        for warp in _warps(block, lanes) if len(lanes) else ():
            d, a, b, c = this.operands
            left, right = (np.stack([np.asarray(block.get(p, warp, wide)) for p in block.parts(o)]) for o in (a, b))
            product = _fragment(left, a_type, m, k) @ _fragment(right, b_type, n, k).T
            accumulators = _accumulators(block, warp, c, from_, m, n)
            _set_accumulators(block, warp, d, to, accumulators + product)

    return step


def _places(m: int, n: int, position: int) -> tuple[Any, Any]:
    """(rows, columns) of accumulator ``position`` in each lane, as 16 x 8 tiles (8 x 8 where m is 8)."""
    lane = np.arange(32)
    tall = m // 8
    tile, inside = divmod(position, 2 * tall)
    return lane // 4 + 8 * (inside // 2), lane % 4 * 2 + inside % 2 + 8 * tile


def _accumulators(block: Cluster, warp: Lanes, operand: Operand, name: str, m: int, n: int) -> np.ndarray[Any, Any]:
    result = np.zeros((m, n), np.int64 if name == "s32" else np.float64)
    parts = block.parts(operand)
    if name == "f16":
        pairs = np.stack([np.asarray(block.get(p, warp, _U32)) for p in parts], 1).view(np.float16)
        columns = [pairs[:, i] for i in range(pairs.shape[1])]
    else:
        columns = [np.broadcast_to(block.get(p, warp, dtype_of(name)), len(warp)) for p in parts]
    for i, values in enumerate(columns):
        result[_places(m, n, i)] = values
    return result


def _set_accumulators(block: Cluster, warp: Lanes, operand: Operand, name: str, values: np.ndarray[Any, Any]) -> None:
    m, n = values.shape
    parts = block.parts(operand)
    if name == "f16":
        for i, part in enumerate(parts):
            low, high = (
                values[_places(m, n, 2 * i + h)].astype(np.float16).view(np.uint16).astype(np.uint32) for h in (0, 1)
            )
            block.set(part, warp, low | high << np.uint32(16))
        return
    for i, part in enumerate(parts):
        block.set(part, warp, values[_places(m, n, i)].astype(dtype_of(name)))


# --- wgmma ------------------------------------------------------------------------------------------------------------


def _matrix(
    block: Cluster, thread: int, descriptor: int, name: str, outer: int, k: int, k_major: bool
) -> np.ndarray[Any, Any]:
    """The matrix (outer x k) that a descriptor of shared memory means (section "Matrix Descriptor Format")."""
    start, leading, stride = ((descriptor >> shift & 0x3FFF) << 4 for shift in (0, 16, 32))
    mode = descriptor >> 62
    size = int(_bytes_of(name))
    o, c = np.meshgrid(np.arange(outer), np.arange(k), indexing="ij")
    width = {0: 16, 1: 128, 2: 64, 3: 32}[mode]
    if k_major:
        byte = c * size
        if mode == 0:  # core matrices of 8 rows of 16 bytes
            offset = o // 8 * stride + o % 8 * 16 + byte // 16 * leading + byte % 16
        else:
            if k * size > width:
                raise EmulationError(f"{k} elements of k are wider than the swizzle of {width} bytes")
            offset = o // 8 * stride + o % 8 * width + byte
    elif size != 2:
        raise EmulationError(f"only 16-bit types may be read transposed, not {name}")
    else:
        byte = o * size
        if mode == 0:
            offset = byte // 16 * stride + byte % 16 + c // 8 * leading + c % 8 * 16
        else:
            offset = byte // width * leading + byte % width + c // 8 * stride + c % 8 * width
    address = start + offset
    if mode:
        bits = {1: 7, 2: 3, 3: 1}[mode]
        address = address ^ ((address >> 7 & bits) << 4)
    if address.max() + size > block.shared.shape[1]:
        raise EmulationError(f"a matrix reaches to byte {address.max() + size} of {block.shared_size} of shared memory")
    data = block.shared[block.rank[thread]]
    dtype: Any = np.dtype(f"uint{8 * size}")
    bits_ = data.view(dtype)[address // size]
    return as_numbers(bits_[..., None] if name != "tf32" else bits_, name).reshape(outer, k)


def _uniform(block: Cluster, operand: Operand, group: Lanes, dtype: Any) -> int:
    values = np.broadcast_to(block.get(operand, group, dtype), len(group))
    if np.any(values != values[0]):
        raise EmulationError(f"{block.where(group)}: the threads of a warpgroup give different descriptors")
    return int(values[0])


@instruction("wgmma")
def _wgmma(this: Instruction) -> Step:
    if "fence" in this.modifiers:
        return _group_step(this, lambda block, group: None)
    if "commit_group" in this.modifiers:
        return _group_step(this, _commit)
    if "wait_group" in this.modifiers:
        left = this.operands[0]
        assert isinstance(left, Immediate)
        return _group_step(this, lambda block, group: _finish(block, group, left.value))
    m, n, k = _shape(this)
    to, a_type, b_type = _types(this)
    d, a, b, accumulate, *options = this.operands
    numbers = [o.value for o in options if isinstance(o, Immediate)]
    scales, transposed = numbers[:2] or [1, 1], [*numbers[2:], 0, 0]
    from_registers = isinstance(a, Vector)
    b_transposed = bool(transposed[0] if from_registers else transposed[1])
    a_transposed = bool(transposed[0]) and not from_registers

    def compute(block: Cluster, group: Lanes) -> Callable[[], None]:
        right_at = _uniform(block, b, group, _U64)
        left_at = 0 if from_registers else _uniform(block, a, group, _U64)
        keep = bool(np.all(block.get(accumulate, group, np.dtype(np.bool_))))

        def run() -> None:
            right = _matrix(block, group[0], right_at, b_type, n, k, not b_transposed) * scales[1]
            if not from_registers:
                left = _matrix(block, group[0], left_at, a_type, m, k, not a_transposed) * scales[0]
            for w in range(4):
                warp = group[32 * w : 32 * w + 32]
                if from_registers:
                    registers = np.stack([np.asarray(block.get(p, warp, _U32)) for p in block.parts(a)])
                    part = _fragment(registers, a_type, 16, k) * scales[0]
                else:
                    part = left[16 * w : 16 * w + 16]
                result = part @ right.T
                if keep:
                    result = result + _accumulators(block, warp, d, to, 16, n)
                _set_accumulators(block, warp, d, to, result)

        return run

    def issue(block: Cluster, group: Lanes) -> None:
        run = compute(block, group)
        if block.late:
            block.pending["wgmma", int(group[0])].append(run)
        else:
            run()

    return _group_step(this, issue)


def _group_step(this: Instruction, act: Callable[[Cluster, Lanes], None]) -> Step:
    def step(block: Cluster, lanes: Lanes) -> None:
        lanes = _met(block, lanes)
        if len(lanes) == 0:
            return
        groups = np.unique(block.warp[lanes] // 4)
        for number in groups:  # the four warps run together here
            group = np.sort(lanes[block.warp[lanes] // 4 == number])
            if len(group) == 128:
                act(block, group)
            else:
                raise EmulationError(
                    f"{block.where(group)}: {this.text} with {len(group)} of a warpgroup's 128 threads"
                )

    return step


def _commit(block: Cluster, group: Lanes) -> None:
    key = int(group[0])
    runs = block.pending.pop(("wgmma", key), [])
    block.pending["wgmma groups", key].append(lambda: [run() for run in runs] and None)


def _finish(block: Cluster, group: Lanes, left: int) -> None:
    groups = block.pending["wgmma groups", int(group[0])]
    while len(groups) > left:
        groups.pop(0)()
