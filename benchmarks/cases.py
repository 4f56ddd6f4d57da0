"""The benchmark cases as one table, with the groups that means and bars are taken over.

``single``: one operation; ``model`` and ``loop``: programs; ``hard loop``: loops with solves, sorts, loops or gradients
in their bodies (``loop`` too); ``call``: nothing but the overhead of a call; ``training``: many calls of a small step.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.case import Case
from benchmarks.loops import CALLS, HARD_LOOPS, LOOPS, TRAINING
from benchmarks.models import MODELS
from benchmarks.operations import OPERATIONS

__all__ = ["CASES", "GROUPS"]

_TABLES = (
    (OPERATIONS, ("single",)),
    (MODELS, ("model",)),
    (LOOPS, ("loop",)),
    (HARD_LOOPS, ("loop", "hard loop")),
    (CALLS, ("call",)),
    (TRAINING, ("training",)),
)

GROUPS = ("single", "model", "loop", "hard loop", "call", "training")

CASES: tuple[Case, ...] = tuple(replace(case, groups=groups) for table, groups in _TABLES for case in table)
