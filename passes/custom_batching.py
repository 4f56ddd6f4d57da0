"""The batching rules that programs of this process bring along (JAX's ``custom_vmap``): keys and what they stand for.

Capture registers a rule and writes its key into ``astra.custom_vmap``; ``astra-vectorize`` looks the key up and asks
for the batched form.  A key means nothing in another process: a program read from a file has its rules no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["BatchedCallee", "batching_rule", "register_batching_rule"]

BatchedCallee = Callable[[int, Sequence[bool]], tuple[bytes, tuple[bool, ...]]]
"""``(axis_size, which operands are batched) -> (program, which results are batched)``.

The program is a StableHLO portable artifact whose ``@main`` takes the operands, batched ones with the axis in front,
and gives the results in the same way.  It may contain ``@astra.*`` custom calls.
"""

_RULES: dict[str, BatchedCallee] = {}


def register_batching_rule(name: str, rule: BatchedCallee) -> str:
    """Make a rule known for as long as the process lives; gives its key, which begins with ``name``."""
    key = f"{name} {len(_RULES)}"
    _RULES[key] = rule
    return key


def batching_rule(key: str) -> BatchedCallee | None:
    """The rule with a key of this process; ``None`` for any other key."""
    return _RULES.get(key)
