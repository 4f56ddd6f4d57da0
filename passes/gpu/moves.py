"""How a tile gets from one layout to another: what its threads exchange, and where in shared memory if they must.

``plan_move`` takes the cheapest of: nothing; other names for registers; shuffles inside each warp; through shared
memory.  For the last, places are a linear map over GF(2) too, chosen so that neither the writing nor the reading side
has bank conflicts (the construction of "Linear Layouts", section 5.4): with S and D the spans of the lanes that access
at once on each side, places whose element numbers differ by a vector of H share banks, and H meets neither S nor D.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.passes.gpu.layouts import Layout, Span, log2

__all__ = ["Permute", "Places", "Shuffle", "ThroughShared", "bank_conflicts", "plan_move", "shared_places"]

_BANK_BYTES = 128  # what shared memory delivers in one cycle: 32 banks of 4 bytes
_VECTOR_BYTES = 16


@dataclass(frozen=True)
class Permute:
    """Register r of the result is register ``source[r]`` of the same thread."""

    source: tuple[int, ...]


@dataclass(frozen=True)
class Shuffle:
    """Register r of the result is ``source[r]`` of the lane ``lane_of[r] ^ (sum of lane_bits over the bits of the
    lane) ^ (sum of warp_bits over the bits of the warp)`` of the same warp."""

    source: tuple[int, ...]
    lane_of: tuple[int, ...]
    lane_bits: tuple[int, ...]
    warp_bits: tuple[int, ...]


@dataclass(frozen=True)
class Places:
    """Where elements lie in shared memory: bit i of an element's number adds (XOR) ``bases[i]`` to its place."""

    bases: tuple[int, ...]

    def __call__(self, element: int) -> int:
        place = 0
        for i, basis in enumerate(self.bases):
            if element >> i & 1:
                place ^= basis
        return place


@dataclass(frozen=True)
class ThroughShared:
    """Each side's registers in the order in which ``vector`` of them lie side by side in shared memory."""

    places: Places
    vector: int
    written: tuple[int, ...]
    read: tuple[int, ...]


def plan_move(source: Layout, target: Layout, element_bytes: int) -> Permute | Shuffle | ThroughShared | None:
    """The way from one layout of a tile to another (``None``: they are the same)."""
    if source == target:
        return None
    return (
        _permute(source, target) or _shuffle(source, target, element_bytes) or _through(source, target, element_bytes)
    )


def _all_masks(masks: Sequence[int]) -> tuple[int, ...]:
    result = [0]
    for mask in masks:
        result += [value ^ mask for value in result]
    return tuple(result)


def _permute(source: Layout, target: Layout) -> Permute | None:
    same = [a == b or not b for a, b in zip(source.thread, target.thread, strict=True)]
    if not all(same):
        return None
    if any(a != b for a, b in zip(source.thread, target.thread, strict=True)):
        return None  # a copy wanted where each lane holds another: that is a shuffle
    registers = Span(source.register)
    masks = [registers.solve(basis) for basis in target.register]
    if any(mask is None for mask in masks):
        return None
    return Permute(_all_masks([mask for mask in masks if mask is not None]))


def _shuffle(source: Layout, target: Layout, element_bytes: int) -> Shuffle | None:
    """Lanes exchange registers inside their warp: each register that is read is the same one for all lanes."""
    both = Span(source.register + source.lane)
    lanes = Span(source.lane)
    registers = [both.solve(basis) for basis in target.register]
    lane_bits = [lanes.solve(basis) for basis in target.lane]
    warp_bits = [lanes.solve(a ^ b) for a, b in zip(source.warp, target.warp, strict=True)]
    if any(mask is None for mask in (*registers, *lane_bits, *warp_bits)):
        return None
    masks = _all_masks([mask for mask in registers if mask is not None])
    if len(masks) * max(element_bytes // 4, 1) > 32:  # beyond, 128-bit accesses of shared memory are fewer
        return None
    width = len(source.register)
    return Shuffle(
        tuple(mask & (source.registers - 1) for mask in masks),
        tuple(mask >> width for mask in masks),
        tuple(mask for mask in lane_bits if mask is not None),
        tuple(mask for mask in warp_bits if mask is not None),
    )


def _common(source: Layout, target: Layout, most: int) -> list[int]:
    """Bases that both sides have in registers: they can lie side by side, and be accessed as one vector."""
    target_registers = set(target.register)
    shared = [basis for basis in source.register if basis in target_registers]
    return shared[: log2(most)]


def _through(source: Layout, target: Layout, element_bytes: int) -> ThroughShared:
    vector = _common(source, target, max(_VECTOR_BYTES // element_bytes, 1))
    places = shared_places(source, target, vector, element_bytes)
    return ThroughShared(places, 1 << len(vector), _order(source, vector), _order(target, vector))


def _order(layout: Layout, vector: Sequence[int]) -> tuple[int, ...]:
    """Register numbers, those of a vector together."""
    first = [layout.register.index(basis) for basis in vector]
    bits = first + [i for i in range(len(layout.register)) if i not in first]
    return _all_masks([1 << i for i in bits])


def shared_places(source: Layout, target: Layout, vector: Sequence[int], element_bytes: int) -> Places:
    """Places without bank conflicts for lanes that write vectors in one layout and read them in another."""
    bits = log2(math.prod(source.shape))
    at_once = log2(_BANK_BYTES // (element_bytes << len(vector)))
    writes = _independent(vector, source.lane[:at_once])
    reads = _independent(vector, target.lane[:at_once])
    meet = _intersection(vector, writes, reads)
    only_writes = _independent([*vector, *meet], writes)
    only_reads = _independent([*vector, *meet], reads)
    paired = [a ^ b for a, b in zip(only_writes, only_reads, strict=False)]
    banks = [*meet, *only_writes]
    longer = only_reads[len(paired) :]  # where the sides have different numbers of lanes apart
    banks += longer
    rest = _independent([*vector, *banks, *paired], [1 << i for i in range(bits)])
    # Banks beyond those of one access are further places.
    basis = Span([*vector, *banks, *paired, *rest])
    assert basis.rank == bits
    masks = [basis.solve(1 << i) for i in range(bits)]
    return Places(tuple(mask for mask in masks if mask is not None))


def _independent(given: Sequence[int], vectors: Sequence[int]) -> list[int]:
    """Those of the vectors that the given ones and the ones before do not span."""
    chosen: list[int] = []
    for vector in vectors:
        if Span([*given, *chosen]).solve(vector) is None:
            chosen.append(vector)
    return chosen


def _intersection(modulo: Sequence[int], left: Sequence[int], right: Sequence[int]) -> list[int]:
    """A basis of the meet of two spans, up to vectors of ``modulo``."""
    span = Span([*modulo, *left])
    result: list[int] = []
    chosen: list[int] = []
    for vector in right:
        mask = Span([*modulo, *left, *chosen]).solve(vector)
        if mask is None:
            chosen.append(vector)
            continue
        common = vector  # reduced by the right side's own vectors, what is left is the left side's
        for i, other in enumerate(chosen):
            if mask >> (len(modulo) + len(left) + i) & 1:
                common ^= other
        if span.solve(common) is not None and Span([*modulo, *result]).solve(common) is None:
            result.append(common)
    return result


def bank_conflicts(layout: Layout, places: Places, order: Sequence[int], vector: int, element_bytes: int) -> int:
    """The most cycles that one access of a warp takes beyond those that its bytes need (all registers looked at)."""
    worst = 0
    lanes_at_once = max(min(32, _BANK_BYTES // (vector * element_bytes)), 1)
    for first in range(0, len(order), vector):
        for start in range(0, 32, lanes_at_once):
            words: dict[int, set[int]] = {}
            for lane in range(start, start + lanes_at_once):
                place = places(layout.element(order[first], lane, 0)) * element_bytes
                for word in range(place // 4, (place + vector * element_bytes + 3) // 4):
                    words.setdefault(word % 32, set()).add(word)
            worst = max(worst, max(len(found) for found in words.values()) - 1)
    return worst
