"""A compiled function run by several participants at once, which meet in its collective operations.

Beside ``executable.py``: JAX's programs over several devices are run by the native plugin; this is the same from
Python, for tests and for looking at one program.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from astra_mlir.errors import AstraError
from astra_mlir.executable import Executable
from astra_mlir.runtime import Call, runtime

__all__ = ["run_team"]


def run_team(executable: Executable, arguments: Sequence[Sequence[Any]]) -> list[tuple[np.ndarray[Any, Any], ...]]:
    """Run ``executable`` as ``len(arguments)`` participants, each on a thread of its own with its own arguments.

    Gives the results of each.  Raises :class:`AstraError` when one participant fails: then all do.
    """
    if not executable.entry_address:
        raise AstraError(f"@{executable.program.entry} cannot be called here: {executable.target.why_not_here()}")
    native = runtime()
    signature = executable.signature
    outputs, calls, kept = [], [], []
    team = ctypes.c_void_p()
    for number, given in enumerate(arguments):
        signature.check_count(len(given))
        inputs = [spec.accept(value) for spec, value in zip(signature.inputs, given, strict=True)]
        outputs.append(tuple(np.empty(spec.shape, spec.dtype) for spec in signature.outputs))
        places = [array.ctypes.data for array in (*inputs, *executable.constants)]
        for output, argument in zip(outputs[-1], executable.aliases, strict=False):
            if argument >= 0:  # the code changes this argument where the result is
                np.copyto(output, inputs[argument])
                places[argument] = output.ctypes.data
        sources = (ctypes.c_void_p * max(1, len(places)))(*places)
        targets = (ctypes.c_void_p * max(1, len(outputs[-1])))(*[array.ctypes.data for array in outputs[-1]])
        kept += [inputs, sources, targets]
        calls.append(
            Call(
                ctypes.sizeof(Call), executable.entry_address, ctypes.addressof(sources), ctypes.addressof(targets),
                executable.arena_bytes, 0, None, number,
            )
        )  # fmt: skip
    native.check(native.api.team_create(len(calls), ctypes.addressof(team)))
    try:
        for call in calls:
            call.team = team
        with ThreadPoolExecutor(len(calls)) as threads:
            for _ in threads.map(native.execute, map(ctypes.addressof, calls)):
                pass
        return outputs
    finally:
        native.api.team_destroy(team)
