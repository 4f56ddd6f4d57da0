"""Timing one case through Astra and its peers in turn, with a check that all results agree."""

from __future__ import annotations

import contextlib
import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.extend
import numpy as np

import astra_mlir as astra
from astra_mlir import code_cache
from benchmarks.case import Case

__all__ = [
    "ASTRA", "COMPILED_TORCH", "NUMPY", "PEERS", "PLUGIN", "TORCH", "XLA", "CompileMeasurement", "Measurement",
    "in_turn", "largest_error", "measure", "measure_compile", "seconds_per_call", "times_in_turn",
]  # fmt: skip

Tree = Any

ASTRA = "Astra"
XLA, NUMPY, TORCH, COMPILED_TORCH, PLUGIN = PEERS = ("XLA", "NumPy", "PyTorch", "torch.compile", "plugin")

# A block of calls is timed together, so that the clock does not matter for short ones; blocks of the ways alternate, so
# that what else the machine does hits all alike.
_BLOCK_SECONDS = 0.02
_LEAST_BLOCKS = 7
# The peers' threads go on spinning for a while after a call, PyTorch's for about 8 ms: whoever is next has half of a
# machine of two cores meanwhile (measured: 50 steps of the wave equation take 4.8 ms in place of 3.5).  But a machine
# that has slept for 10 ms is slow for as long again (row sums: 0.22 ms in place of 0.11), so others wait less, and the
# first calls of a block are not timed.
_PAUSE_SECONDS = 0.002
_PAUSE_AFTER_TORCH = 0.01
_UNTIMED = 5  # a fifth of as many calls as are timed
_PEER_TOLERANCE = 10  # times the case's: a peer may take another formula (PyTorch's variance, its attention)


@dataclass
class Measurement:
    """Of one case, by way: median milliseconds of a call and of the first (compiling) one, error, temporaries.

    ``bytes`` are those that must move: arguments and results once each, or less where the program reads only a part.
    """

    name: str
    groups: list[str] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)
    compile_ms: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)  # relative to XLA's result
    tolerance: float = 0.0
    scratch: dict[str, int] = field(default_factory=dict)  # bytes beside arguments and results
    kept: int = 0  # bytes of arguments and results
    flops: int = 0
    bytes: int = 0
    bounded: bool = True  # whether flops and bytes are those of the whole run
    notes: list[str] = field(default_factory=list)

    def speed(self, by: str = XLA) -> float | None:
        """Astra's speed relative to a peer's: above 1 is faster."""
        return self.milliseconds[by] / self.milliseconds[ASTRA] if by in self.milliseconds else None

    @property
    def disagreeing(self) -> list[str]:
        """The ways whose results are not XLA's."""
        allowed = {ASTRA: self.tolerance}
        return [
            way
            for way, error in self.errors.items()
            if error > allowed.get(way, max(_PEER_TOLERANCE * self.tolerance, 1e-5))
        ]

    @property
    def agrees(self) -> bool:
        return ASTRA not in self.disagreeing


@dataclass(frozen=True)
class CompileMeasurement:
    """Seconds to compile a program that is only compiled, and where Astra's go."""

    name: str
    astra_seconds: float
    xla_seconds: float
    stages: dict[str, float] = field(default_factory=dict)


def largest_error(actual: Tree, expected: Tree) -> float:
    """The largest difference, relative to the largest magnitude that is expected of each array."""
    worst = 0.0
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a.shape != b.shape:
            return float("inf")
        difference = np.abs(a - b)
        worst = max(worst, float(np.max(difference, initial=0) / max(np.max(np.abs(b), initial=0), 1e-30)))
        if np.isnan(difference).any():
            return float("inf")
    return worst


def seconds_per_call(
    function: Callable[..., Tree],
    arguments: tuple[Tree, ...],
    calls: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one call by ``clock``, timed over a block of ``calls`` of them."""
    start = clock()
    for _ in range(calls):
        result = function(*arguments)
    jax.block_until_ready(result)
    return (clock() - start) / calls


def in_turn(step: Callable[..., Tree], calls: int) -> Callable[..., Tree]:
    """A loop in Python of ``calls`` steps ``(state, *batch) -> (state, value)``; the step itself where it is one."""
    if calls == 1:
        return step

    def loop(state: Tree, *batch: Tree) -> Tree:
        for _ in range(calls):
            state, value = step(state, *batch)
        return state, value

    return loop


def times_in_turn(
    ways: Mapping[str, tuple[Callable[..., Tree], tuple[Tree, ...]]],
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Milliseconds of a call of each function on its arguments: blocks of all in turn, for about ``seconds`` seconds.

    Each goes first every other time: what a block leaves in the caches is the next one's gain.
    """
    calls = {}
    for way, (function, arguments) in ways.items():
        once = min(seconds_per_call(function, arguments, 1, clock) for _ in range(2))
        calls[way] = max(1, round(_BLOCK_SECONDS / max(once, 1e-7)))
    times: dict[str, list[float]] = {way: [] for way in ways}
    start, before = time.perf_counter(), ""
    first = next(iter(ways))
    while len(times[first]) < _LEAST_BLOCKS or time.perf_counter() - start < seconds:
        for way in (*ways, *reversed(ways)):
            if way != first and len(times[way]) > 2 and sum(times[way]) > 3e3 * seconds:
                continue  # a peer that takes that long is not worth more of its time
            time.sleep(_PAUSE_AFTER_TORCH if before in (TORCH, COMPILED_TORCH) else _PAUSE_SECONDS)
            before = way
            function, arguments = ways[way]
            if calls[way] > _UNTIMED:
                seconds_per_call(function, arguments, calls[way] // _UNTIMED, clock)
            times[way].append(1e3 * seconds_per_call(function, arguments, calls[way], clock))
    return times


def _torch_ways(case: Case, arguments: tuple[Tree, ...], peers: Sequence[str]) -> dict[str, Any]:
    """The PyTorch functions that are asked for, each with its arguments and what makes its results NumPy's."""
    if not case.torch or not {TORCH, COMPILED_TORCH} & set(peers):
        return {}
    import torch

    from benchmarks import torch_peers

    peer = torch_peers.PEERS[case.torch]
    own = peer.prepare(*torch_peers.to_torch(arguments))
    ways = {}
    if TORCH in peers:
        ways[TORCH] = (peer.make(lambda f: f), own, torch_peers.from_torch)
    if COMPILED_TORCH in peers and peer.compiled:
        torch.compiler.reset()
        ways[COMPILED_TORCH] = (peer.make(lambda f: torch.compile(f, dynamic=False)), own, torch_peers.from_torch)
    return ways


def available_peers() -> tuple[str, ...]:
    """The peers that are installed; the plugin is Astra again, called by ``jax.jit`` as the backend of its arrays."""
    return tuple(
        peer
        for peer in PEERS
        if (peer not in (TORCH, COMPILED_TORCH) or importlib.util.find_spec("torch"))
        and (peer != PLUGIN or "astra" in jax.extend.backend.backends())
    )


def measure(case: Case, seconds: float, peers: Sequence[str] = (XLA,)) -> Measurement:
    """Time a case for about ``seconds`` seconds; XLA always runs, since its results are what others are checked by."""
    with jax.enable_x64(True) if case.wide else contextlib.nullcontext():
        return _measure(case, seconds, peers)


def _measure(case: Case, seconds: float, peers: Sequence[str]) -> Measurement:
    arguments = case.arguments()
    jax.block_until_ready(arguments)
    result = Measurement(case.name, list(case.groups), tolerance=case.tolerance)
    ours, theirs = astra.jit(case.function), jax.jit(case.function)
    ways: dict[str, Any] = {XLA: (theirs, arguments, lambda tree: tree), ASTRA: (ours, arguments, lambda tree: tree)}
    if NUMPY in peers and case.numpy:
        ways[NUMPY] = (case.numpy, jax.tree.map(np.asarray, arguments), lambda tree: tree)
    ways |= _torch_ways(case, arguments, peers)
    if PLUGIN in peers:
        # another function than XLA's: JAX keeps what it has traced and compiled by the function
        plugin = jax.jit(lambda *arguments: case.function(*arguments))
        ways[PLUGIN] = (plugin, jax.device_put(arguments, jax.devices("astra")[0]), lambda tree: tree)
    expected: Tree = None
    code_cache.forget()  # kernels that earlier cases have compiled
    for way, (function, own, to_numpy) in tuple(ways.items()):
        start = time.perf_counter()
        try:
            actual = jax.block_until_ready(function(*own))
        except Exception as error:
            if way in (ASTRA, XLA):
                raise
            result.notes.append(f"{way} fails: {type(error).__name__}: {str(error).splitlines()[0][:80]}")
            del ways[way]
            continue
        result.compile_ms[way] = 1e3 * (time.perf_counter() - start)
        if way == XLA:
            expected = actual
        else:
            result.errors[way] = largest_error(to_numpy(actual), expected)
        del actual
    del expected
    _add_resources(result, ours.compile(*arguments), theirs.lower(*arguments).compile())
    timed = {way: (in_turn(ways[way][0], case.calls), ways[way][1]) for way in sorted(ways, key=[ASTRA, *PEERS].index)}
    times = times_in_turn(timed, seconds)
    result.milliseconds = {way: statistics.median(blocks) for way, blocks in times.items()}
    return result


def _add_resources(result: Measurement, ours: Any, theirs: Any) -> None:
    """Memory of both, and the work that the program is."""
    memory, cost = ours.memory(), ours.cost()
    result.scratch = {ASTRA: memory.arena_bytes, XLA: int(theirs.memory_analysis().temp_size_in_bytes)}
    result.kept = memory.argument_bytes + memory.output_bytes
    result.flops, result.bounded = cost.flops, not cost.unbounded_loops
    result.bytes = min(cost.bytes_accessed, result.kept) if result.bounded else result.kept


def measure_compile(name: str, function: Callable[..., Tree], arguments: tuple[Tree, ...]) -> CompileMeasurement:
    """Compile ``function`` for arguments of these shapes through both, from Python function to machine code."""
    start = time.perf_counter()
    executable = astra.compile(function, *arguments)
    astra_seconds = time.perf_counter() - start
    start = time.perf_counter()
    jax.jit(function).lower(*arguments).compile()
    return CompileMeasurement(name, astra_seconds, time.perf_counter() - start, dict(executable.compile_times))
