"""Compiled code kept by the program it was made of, for functions that are traced anew at each call.

``astra.vjp``, ``astra.jvp`` and ``astra.linearize`` take a function and apply it at once, so it is traced at each call,
as JAX does: it may read what has changed since.  Where the trace is the same program as before, its code is found here
and nothing is compiled.  A program is its bytes, the arrays beside it and the settings that compilation depends on.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from astra_mlir import compiler, config, tuned_choices
from astra_mlir.executable import Executable
from astra_mlir.program import Program
from astra_mlir.target_machine import TargetMachine

__all__ = ["compile_kept", "kept"]

_Made = TypeVar("_Made")
_MOST = 256  # programs; the one used longest ago goes first

_lock = threading.Lock()
_code: OrderedDict[Hashable, Any] = OrderedDict()


def kept(program: Program, target: TargetMachine, options: Hashable, make: Callable[[Program], _Made]) -> _Made:
    """What ``make`` made of an equal program for the same target and ``options``, or makes of this one now."""
    constants = tuple((x.shape, x.dtype.name, _digest(x)) for x in program.constants)
    settings = (config.optimization_level.get(), config.verify_passes.get(), tuned_choices.digest())
    names = (program.entry, program.input_paths, program.name)
    key = (hashlib.sha256(program.data).digest(), names, constants, target, options, settings)
    with _lock:
        if key in _code:
            _code.move_to_end(key)
            found: _Made = _code[key]
            return found
    # The caller may write into its own arrays afterwards.
    made = make(replace(program, constants=tuple(map(np.array, program.constants))))
    with _lock:
        _code[key] = made
        while len(_code) > _MOST:
            _code.popitem(last=False)
    return made


def compile_kept(program: Program, target: str | TargetMachine | None = None) -> Executable:
    """As ``compiler.compile_program``, which runs only where no equal program has been compiled before."""
    machine = target if isinstance(target, TargetMachine) else TargetMachine.parse(target or config.target.get())
    return kept(program, machine, "whole", lambda own: compiler.compile_program(own, target=machine))


def _digest(array: np.ndarray[Any, Any]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).digest()
