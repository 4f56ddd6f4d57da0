"""What the benchmarks must reach, as data: each bar has a limit, and how its numbers follow from what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import ASTRA, COMPILED_TORCH, NUMPY, PLUGIN, TORCH, XLA, Measurement
from benchmarks.warm_start import WarmStart

__all__ = ["BARS", "HARDWARE_MS", "Bar", "geometric_mean", "verdict"]

Values = dict[str, float]

# What the hardware allows, in milliseconds on two cores, where the design estimated it: for a sort a tenth of PyTorch's
# time, for the product with a depth of 64 and the long attention PyTorch's.
HARDWARE_MS = {
    "depthwise conv 3x3 8x56x56x64": 1.0,
    "sort rows 2048x512": 2.6,
    "sort 1M": 11.3,
    "cumsum rows 2048x2048": 2.0,
    "cumsum flat 4M": 3.0,
    "conv 1x1 8x56x56x64 to 256": 5.0,
    "attention 8x2048x64": 61.0,
    "matmul 4096x64x4096": 35.0,
    "conv 3x3 8x56x56x64": 11.0,
    "argmax rows 2048x2048": 0.5,
    "max-pool 3x3 8x56x56x64": 1.5,
    "batched matmul 64x128^3": 1.6,
    "matmul 32x4096x4096": 6.0,
    "Gibbs-like scan gradient, 60 scalars, 500 steps": 1.0,
    "scan of sorts of 64, 1k steps": 0.3,
    "LSTM scan 256 steps, batch 1, width 128": 1.6,
}


@dataclass(frozen=True)
class Bar:
    """``values`` gives numbers by name, none where nothing of it was measured; each must keep ``limit``."""

    text: str
    limit: float
    at_least: bool
    values: Callable[[Mapping[str, Measurement], Sequence[WarmStart]], Values]

    def missed(self, values: Values) -> Values:
        """The values that do not keep the limit."""
        return {k: v for k, v in values.items() if (v < self.limit if self.at_least else v > self.limit)}


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive numbers (NaN of none)."""
    logarithms = [math.log(v) for v in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else math.nan


def _speeds(results: Mapping[str, Measurement], groups: set[str], by: str = XLA) -> Values:
    """Astra's speed by a peer's in the cases of some groups."""
    chosen = {name: r.speed(by) for name, r in results.items() if groups & set(r.groups)}
    return {name: speed for name, speed in chosen.items() if speed is not None}


def _ratios(groups: set[str], of: str, by: str) -> Callable[..., Values]:
    """The time of one way by another's in the cases of some groups."""

    def values(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
        times = {name: r.milliseconds for name, r in results.items() if groups & set(r.groups)}
        return {name: ms[of] / ms[by] for name, ms in times.items() if of in ms and by in ms}

    return values


def _mean_speed(groups: set[str], by: str = XLA) -> Callable[..., Values]:
    def values(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
        speeds = _speeds(results, groups, by)
        return {f"{len(speeds)} cases": geometric_mean(speeds.values())} if speeds else {}

    return values


def _against(name: str, other: str) -> Callable[..., Values]:
    """How fast one case is by Astra relative to another by Astra."""

    def values(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
        if name not in results or other not in results:
            return {}
        return {name: results[other].milliseconds[ASTRA] / results[name].milliseconds[ASTRA]}

    return values


def _hardware(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
    return {name: results[name].milliseconds[ASTRA] / ms for name, ms in HARDWARE_MS.items() if name in results}


def _libraries(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
    values = {}
    for name in ("matmul 1024", "matmul 2048", "matmul 4096x64x4096"):
        times = results[name].milliseconds if name in results else {}
        peers = [times[way] for way in (NUMPY, TORCH) if way in times]
        if peers:
            values[name] = min(peers) / times[ASTRA]
    return values


def _compile(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
    ratios = [r.compile_ms[ASTRA] / r.compile_ms[XLA] for r in results.values() if "model" in r.groups]
    return {f"{len(ratios)} models": geometric_mean(ratios)} if ratios else {}


def _memory(results: Mapping[str, Measurement], _: Sequence[WarmStart]) -> Values:
    models = {name: r for name, r in results.items() if "model" in r.groups}
    return {name: (r.kept + r.scratch[ASTRA]) / (r.kept + r.scratch[XLA]) for name, r in models.items()}


_PROGRAMS = {"model", "loop"}
_ALL = {"single", *_PROGRAMS}

BARS: tuple[Bar, ...] = (
    Bar("speed over XLA's, mean of the single operations", 2.0, True, _mean_speed({"single"})),
    Bar("speed over XLA's, mean of models and loops", 1.5, True, _mean_speed(_PROGRAMS)),
    Bar("speed over XLA's, each case", 0.95, True, lambda results, _: _speeds(results, _ALL)),
    Bar("speed over XLA's, loops with solves, sorts, loops or gradients inside", 3.0, True,
        lambda results, _: _speeds(results, {"hard loop"})),
    Bar("speed over PyTorch's, mean", 1.0, True, _mean_speed(_ALL, TORCH)),
    Bar("speed over torch.compile's, mean", 1.0, True, _mean_speed(_ALL, COMPILED_TORCH)),
    Bar("time of jax.jit on Astra's plugin by astra.jit's, mean", 1.05, False, _mean_speed(_ALL, PLUGIN)),
    Bar("time by what the hardware allows, where estimated", 1.5, False, _hardware),
    Bar("f32 products by the faster of NumPy's OpenBLAS and PyTorch's oneDNN", 0.97, True, _libraries),
    Bar("bf16 product by f32's speed", 1.0, True, _against("matmul bf16 1024", "matmul 1024")),
    Bar("f16 product by f32's speed", 1.0, True, _against("matmul f16 1024", "matmul 1024")),
    Bar("int8 product by f32's speed", 1.5, True, _against("matmul int8 1024", "matmul 1024")),
    Bar("time of a call by jax.jit's", 1.0, False, _ratios({"call"}, ASTRA, XLA)),
    Bar("time of a call through the plugin by jax.jit's on XLA", 1.0, False, _ratios({"call"}, PLUGIN, XLA)),
    Bar("speed of the plugin over XLA's, a thousand calls of small training steps", 1.0, True,
        _ratios({"training"}, XLA, PLUGIN)),
    Bar("compile time by XLA's, mean of the models", 1.5, False, _compile),
    Bar("first result of a second process, both with their caches, by XLA's", 0.5, False,
        lambda _, warm: {w.name: w.first_seconds[ASTRA] / w.first_seconds[XLA] for w in warm}),
    Bar("peak memory by XLA's, each model", 1.1, False, _memory),
)  # fmt: skip


def verdict(results: Sequence[Measurement], warm: Sequence[WarmStart] = ()) -> list[str]:
    """One line for each bar of which something was measured, and one about the results."""
    by_name = {r.name: r for r in results}
    lines = []
    for bar in BARS:
        values = bar.values(by_name, warm)
        if not values:
            continue
        missed, sign = bar.missed(values), "at least" if bar.at_least else "at most"
        extreme = (min if bar.at_least else max)(values.values())
        text = f"{bar.text}: {extreme:.2f}{' at worst' if len(values) > 1 else ''}, {sign} {bar.limit:g}: "
        cases = "; ".join(f"{name} {value:.2f}" for name, value in sorted(missed.items(), key=lambda item: item[1]))
        lines.append(text + (f"**missed** by {cases}" if missed else "met"))
    wrong = [f"{r.name} ({', '.join(r.disagreeing)})" for r in results if r.disagreeing]
    if results:
        lines.append(f"results agree with XLA's: {'**not** those of ' + '; '.join(wrong) if wrong else 'met'}")
    return lines
