"""Counter-based random numbers on GPUs: the bits that ``kernel_rules/random.py`` gives on the CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.tile_builder import Tile, TileBuilder, TileFunction, block_size, cells

BLOCK = 512  # counters of a program
MOST = 1 << 31  # offsets are i32

Words = tuple[Tile, ...]  # i32


def _u32(value: int) -> int:
    """A 32-bit number as a signed one."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _halves(b: TileBuilder, wide: Tile) -> Words:
    return wide.to(b.i32), (wide >> 32).to(b.i32)


def _join(b: TileBuilder, low: Tile, high: Tile) -> Tile:
    return low.to(b.i64, unsigned=True) | (high.to(b.i64, unsigned=True) << 32)


def three_fry(counter: Words, key: Words) -> Words:
    """Threefry-2x32-20 (Salmon et al., SC 2011)."""
    schedule = [*key, key[0] ^ 0x1BD11BDA ^ key[1]]
    x0, x1 = (word + schedule[i] for i, word in enumerate(counter))
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    for group in range(5):
        for distance in rotations[group % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << distance) | (x1 >> (32 - distance)))
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + (group + 1)
    return x0, x1


def philox(b: TileBuilder, counter: Words, key: Words) -> Words:
    """Philox-4x32-10 (Salmon et al., SC 2011)."""
    x, (k0, k1) = list(counter), key
    for number in range(10):
        if number:
            k0, k1 = k0 + _u32(0x9E3779B9), k1 + _u32(0xBB67AE85)
        low0, high0 = _halves(b, x[0].to(b.i64, unsigned=True) * 0xD2511F53)
        low1, high1 = _halves(b, x[2].to(b.i64, unsigned=True) * 0xCD9E8D57)
        x = [high1 ^ x[1] ^ k0, low1, high0 ^ x[3] ^ k1, low0]
    return tuple(x)


def _stored(b: TileBuilder, word: Tile, memory: ir.Type) -> Tile:
    """A word as an element: its low bits."""
    word = word.to(ir.IntegerType.get_signless(memory.width))
    return b.bitcast(word, memory) if isinstance(memory, ir.FloatType) else word


def _advance(function: TileFunction, words: int, count: int) -> None:
    """The new state, by the first program: the same key, the counter increased."""
    b, (state, new_state, *_) = function.builder, function.arguments
    first = b.program_id(0).eq(0)
    old = [b.load(state, b.index(i)) for i in range(words)]
    low = old[1] + count
    new = [old[0], low]
    if words == 3:
        new.append(old[2] + b.compare(low, "lt", old[1], unsigned=True).to(b.i64))
    for i, word in enumerate(new):
        b.store(new_state, b.index(i), word, first)


@gpu_kernel_rule("rng_bit_generator")
def rng_bit_generator(op: ir.Operation) -> KernelRequest | None:
    """One kernel per algorithm, shape and element type."""
    state, (new_state, output) = op.operands[0].type, (result.type for result in op.results)
    algorithm, words = value_of(op, "algorithm"), state.shape[0]
    element = output.element_type
    size = math.prod(output.shape)
    fits = state.element_type.width == 64 and (words == 2 or (words == 3 and algorithm != "THREE_FRY"))
    if not fits or element.width not in (8, 16, 32, 64) or size >= MOST:
        raise UnsupportedError(
            f"{source_place(op.location)}: {op.name} {algorithm} of {state} and {output} has no kernel for GPUs"
        )
    name = kernel_name("rng_bits", "gpu", algorithm, state, output)

    def build() -> str:
        host = HostFunction(name, [buffer_type(kind) for kind in (state, new_state, output)])
        function = host.tile(0, 1, 2)
        write = _three_fry_bits if algorithm == "THREE_FRY" else _philox_bits
        host.launch(function, "random", [write(function, list(output.shape), words)], [0, 1, 2])
        return host.text()

    return KernelRequest(name, [op.operands[0]], [Out(new_state), Out(output)], build)


def _three_fry_bits(function: TileFunction, shape: Sequence[int], words: int) -> int:
    """Two words come from one counter: neighbours in the first even dimension (the longest if none is even)."""
    b, (state, _, out) = function.builder, function.arguments
    memory = out.type.element_type
    wide = memory.width == 64
    split = 0
    if shape and not wide:
        split = next((d for d, size in enumerate(shape) if size % 2 == 0), list(shape).index(max(shape)))
    outer, size, inner = (math.prod(shape[:split]), shape[split], math.prod(shape[split + 1 :])) if shape else (1, 1, 1)
    counters = size if wide else -(-size // 2)
    total = outer * counters * inner
    _advance(function, words, total)
    block = block_size(total, BLOCK)
    place = b.program_id(0) * block + b.arange(block)
    exists = place < total
    key = _halves(b, b.load(state, b.index(0)))
    counter = b.load(state, b.index(1)) + place.to(b.i64)
    x = three_fry(_halves(b, counter), key)
    if wide:
        b.store(out, place, _stored(b, _join(b, *x), memory), exists)
        return cells(total, block)
    row, i = place // inner, place % inner
    o, h = row // counters, row % counters
    for number in range(2):
        at = h * 2 + number
        b.store(out, (o * size + at) * inner + i, _stored(b, x[number], memory), exists & (at < size))
    return cells(total, block)


def _philox_at(b: TileBuilder, block: Tile, low: Tile, high: Tile, key: Words) -> Words:
    """The four words of a block after the 128-bit counter ``high : low``."""
    here = low + block.to(b.i64)
    wrapped = b.compare(here, "lt", low, unsigned=True)
    return philox(b, (*_halves(b, here), *_halves(b, high + wrapped.to(b.i64))), key)


def _philox_bits(function: TileFunction, shape: Sequence[int], words: int) -> int:
    """The words of a block belong to four elements in a row (two where they are 64 bits wide)."""
    b, (state, _, out) = function.builder, function.arguments
    memory, total = out.type.element_type, math.prod(shape)
    each = 2 if memory.width == 64 else 4
    counters = cells(total, each)
    _advance(function, words, counters)
    block = block_size(counters, BLOCK)
    place = b.program_id(0) * block + b.arange(block)
    key, low = (b.load(state, b.index(i)) for i in range(2))
    high = b.load(state, b.index(2)) if words == 3 else key
    x = _philox_at(b, place, low, high, _halves(b, key))
    values = [_join(b, *x[:2]), _join(b, *x[2:])] if each == 2 else x
    for i, value in enumerate(values):
        at = place * each + i
        b.store(out, at, _stored(b, value, memory), at < total)
    return cells(counters, block)
