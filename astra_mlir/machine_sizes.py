"""Sizes of a machine that schedules go by, beside its instructions: its caches, and the processors of a process.

At the bottom of the package: ``passes/target.py`` reads them in the names of targets, and ``target_machine.py`` adds
those of this machine to the target ``host``, so that they are part of what programs are kept under.  A target that is
named has the sizes of its name, or of its level, on any machine.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from astra_mlir.errors import AstraError

__all__ = ["SIZES", "host_sizes", "parse_sizes", "sizes_text"]

SIZES = ("l1", "l2", "l3", "cores")  # first-level cache of data, second and third level, in bytes; processors

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}
_MOST_CACHES = 16
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def parse_sizes(text: str) -> dict[str, int]:
    """The sizes of a text like ``l2=2m+cores=8``, none in an empty one; :class:`AstraError` for others.

    >>> parse_sizes("l2=2m+cores=8")
    {'l2': 2097152, 'cores': 8}
    """
    found = {}
    for part in text.split("+") if text else ():
        match = re.fullmatch(rf"({'|'.join(SIZES)})=([1-9]\d{{0,9}})([km]?)", part)
        if match is None or (match[1] == "cores" and match[3]):
            raise AstraError(f"'{part}' is no size of a target: l1, l2 or l3 (l2=512k, l3=32m), or cores=8")
        found[match[1]] = int(match[2]) * _UNITS[match[3]]
    return found


def sizes_text(sizes: Mapping[str, int]) -> str:
    """The reverse of :func:`parse_sizes`, in one order.

    >>> sizes_text({"cores": 8, "l2": 2 << 20})
    'l2=2m+cores=8'
    """

    def number(value: int) -> str:
        unit = max((unit for unit in _UNITS if value % _UNITS[unit] == 0), key=_UNITS.__getitem__)
        return f"{value // _UNITS[unit]}{unit}"

    ordered = [(name, sizes[name]) for name in SIZES if name in sizes]
    return "+".join(f"{name}={value if name == 'cores' else number(value)}" for name, value in ordered)


@cache
def host_sizes() -> dict[str, int]:
    """What this machine says of itself: a cache that it does not tell is left out."""
    sizes = {}
    for index in range(_MOST_CACHES):
        kind = _read(f"{_CACHES}/index{index}/type")
        if not kind:
            break
        if kind == "Instruction":
            continue
        level, size = (_read(f"{_CACHES}/index{index}/{name}") for name in ("level", "size"))
        if kind in ("Data", "Unified") and re.fullmatch(r"[1-9]\d*[KM]", size):
            sizes[f"l{level}"] = int(size[:-1]) * _UNITS[size[-1].lower()]
    return {name: size for name, size in sizes.items() if name in SIZES} | {"cores": _processors()}


def _processors() -> int:
    """As the runtime counts them (``available_processors``): by affinity and the cgroup's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(_QUOTA).partition(" ")
    if quota.isdigit() and period.isdigit() and int(period) > 0:
        count = min(count, max(1, math.ceil(int(quota) / int(period))))
    return count


def _read(file: str | Path) -> str:
    try:
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123  every process does this
            return opened.read().decode().strip()
    except OSError:
        return ""
