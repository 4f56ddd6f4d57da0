"""``astra.tune``: measures schedules of a program's products on this machine and keeps those that are faster.

Above the compile driver: each contraction and convolution of a program is compiled alone, once with the schedule made
by rule and once with each choice near it (tiles, packing), and timed in turn.  The best is the next to be varied.  What
stays ahead by :data:`GAIN` goes to the file of ``tuned_choices.py``, from which later compilations take it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from astra_mlir import compiler, tuned_choices
from astra_mlir.errors import AstraError
from astra_mlir.executable import Executable
from astra_mlir.program import Program
from astra_mlir.target_machine import TargetMachine
from astra_mlir.tuned_choices import Choice, Trial, trying

__all__ = ["GAIN", "Candidate", "Tuned", "tune_program"]

GAIN = 1.03  # by which a choice must be faster: what two runs of the same code differ by
_ROUNDS = 6  # of varying what is best, at most
_TUNED = ("astra.dot_general", "astra.convolution")


class Candidate(NamedTuple):
    """A schedule of a product, and the product compiled with it."""

    schedule: Any
    executable: Executable


# Seconds of a call of each of some candidates on the same arguments.
Timer = Callable[[Sequence[Candidate], Sequence[np.ndarray[Any, Any]]], Sequence[float]]


@dataclass(frozen=True)
class Tuned:
    """What was found for a product: seconds with the schedule by rule and with the best, and the choice of the best."""

    product: str
    seconds_by_rule: float
    seconds: float
    choice: Choice | None  # None: the rule's was not beaten

    @property
    def speedup(self) -> float:
        """The time by rule by that of the choice."""
        return self.seconds_by_rule / self.seconds

    def __str__(self) -> str:
        said = "as by rule" if self.choice is None else ", ".join(f"{k}={v}" for k, v in self.choice.items())
        return f"{self.product}: {1e3 * self.seconds_by_rule:.3f} ms, {self.speedup:.2f}x with {said}"


def tune_program(program: Program, target: TargetMachine, timer: Timer | None = None) -> list[Tuned]:
    """Tune the products of a program for ``target``, which must be this machine, and keep what is faster."""
    why_not = target.why_not_here()
    if why_not is not None:
        raise AstraError(f"astra.tune: {why_not}; schedules are measured where they run")
    found: dict[str, Tuned] = {}
    for product in _products(program, target):
        for tuned in _tune_product(product, target, timer or time_in_turn, found):
            found[tuned.product] = tuned
            tuned_choices.store(target.schedule, {tuned.product: tuned.choice})
    return list(found.values())


def _products(program: Program, target: TargetMachine) -> Iterator[Program]:
    """Each contraction and convolution of a program, once, as a program of its own."""
    from astra_mlir.bindings import ir, make_context
    from astra_mlir.passes.traversal import walk

    module = compiler.lower(program, make_context(), "astra", target)
    texts: dict[bytes, None] = {}
    with module.context, ir.Location.unknown():
        for op in walk(module.body):
            if op.name not in _TUNED:
                continue
            alone = ir.Module.create()
            types = [value.type for value in op.operands]
            inputs = ", ".join(map(str, types))
            function = ir.Operation.parse(f"func.func private @main({inputs}) -> {op.results[0].type}")
            alone.body.append(function)
            del function.attributes["sym_visibility"]
            block = function.regions[0].blocks.append(*types)
            with ir.InsertionPoint(block):
                copy = op.clone()
                for i, argument in enumerate(block.arguments):
                    copy.operands[i] = argument
                ir.Operation.create("func.return", operands=[copy.results[0]])
            texts[Program.from_module(alone, "main").data] = None
    return (Program(data, "main") for data in texts)


def _tune_product(program: Program, target: TargetMachine, timer: Timer, known: Mapping[str, Tuned]) -> Iterator[Tuned]:
    from astra_mlir.passes.kernel_rules.gemm import choices_near, with_choice

    def compiled(choices: dict[str, Choice]) -> tuple[Executable, Trial]:
        with trying(Trial(choices)) as trial:
            return compiler.compile_program(program, target=target), trial

    executable, trial = compiled({})
    arguments = _arguments(executable)
    for name, schedule in trial.asked.items():
        if name in known:
            continue
        by_rule = best = Candidate(schedule, executable)
        best_choice, tried = None, {_identity(schedule)}
        alone = timer([by_rule], arguments)[0]
        for _ in range(_ROUNDS):
            candidates: list[tuple[Candidate, Choice]] = []
            for choice in choices_near(best.schedule):
                varied = with_choice(schedule, choice)
                if varied is not None and _identity(varied) not in tried:
                    tried.add(_identity(varied))
                    candidates.append((Candidate(varied, compiled({name: choice})[0]), choice))
            if not candidates:
                break
            first, *others = timer([best, *(candidate for candidate, _ in candidates)], arguments)
            fastest = min(range(len(others)), key=others.__getitem__)
            if first < GAIN * others[fastest]:
                break
            best, best_choice = candidates[fastest]
        before, after = timer([by_rule, best], arguments) if best_choice else (alone, alone)
        ahead = before >= GAIN * after
        yield Tuned(name, before, after if ahead else before, best_choice if ahead else None)


def _identity(schedule: Any) -> tuple[Any, ...]:
    return schedule.tile_rows, schedule.tile_columns, schedule.pack_lhs, schedule.pack_rhs


def _arguments(executable: Executable) -> list[np.ndarray[Any, Any]]:
    """Numbers to compute on: what they are does not matter, except that none is subnormal or infinite."""
    generator = np.random.default_rng(0)
    specs = executable.signature.inputs
    return [generator.integers(1, 3, spec.shape).astype(spec.dtype) for spec in specs]


_BLOCK_SECONDS = 0.004
_BLOCKS = 9


def time_in_turn(candidates: Sequence[Candidate], arguments: Sequence[np.ndarray[Any, Any]]) -> list[float]:
    """Medians over blocks of calls; all take turns, so that what else the machine does hits all alike."""

    def block(candidate: Candidate, calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            candidate.executable(*arguments)
        return (time.perf_counter() - start) / calls

    for candidate in candidates:
        block(candidate, 1)
    calls = max(1, round(_BLOCK_SECONDS / block(candidates[0], 1)))
    times: list[list[float]] = [[] for _ in candidates]
    for number in range(_BLOCKS):
        for i in range(len(candidates)) if number % 2 == 0 else reversed(range(len(candidates))):
            times[i].append(block(candidates[i], calls))
    return [statistics.median(each) for each in times]
