"""Choosing a kernel's constants: by measuring configurations (``astra.autotune``) or by rules (``astra.heuristics``).

Around ``kernels/decorator.py``: both make a kernel whose launches add constants to those that they are given.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from astra_mlir import code_cache, config, program_cache
from astra_mlir.errors import KernelError
from astra_mlir.gpu.runtime import device_info, synchronize_all
from astra_mlir.kernels.decorator import Kernel
from astra_mlir.kernels.gpu import device_of, is_on_device
from astra_mlir.target_machine import TargetMachine

__all__ = ["Config", "autotune", "heuristics"]

_REPEATS = 3  # runs of a configuration, of which the fastest counts
_LAUNCHES = 20  # of a run on a device


@dataclass(frozen=True)
class Config:
    """A choice of constants, warps of a program and stages of its loops.

    >>> Config({"BLOCK": 64}).constants
    {'BLOCK': 64}
    """

    constants: Mapping[str, Any]
    num_warps: int = 4
    num_stages: int = 3

    @property
    def launch_options(self) -> dict[str, Any]:
        """What is added to the arguments of a launch."""
        return {**self.constants, "num_warps": self.num_warps, "num_stages": self.num_stages}


@dataclass
class _Tuning:
    configs: Sequence[Config]
    key: Sequence[str]
    chosen: dict[str, int] = field(default_factory=dict)


class _Tuned(Kernel):
    """A kernel with configurations; ``best`` has the chosen ones by what they were chosen for."""

    def __init__(self, kernel: Kernel, tuning: _Tuning) -> None:
        super().__init__(kernel.fn)
        self.inner = kernel
        self.tuning = tuning

    @property
    def best(self) -> dict[str, Config]:
        return {key: self.tuning.configs[number] for key, number in self.tuning.chosen.items()}

    resolves = True

    def resolved(self, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        configs = self.tuning.configs
        named = [p.name for p in self.parameters]
        given = {**dict(zip(named, args, strict=False)), **kwargs}
        missing = [name for name in self.tuning.key if name not in given]
        if missing:
            raise KernelError(f"kernel '{self.name}': the tuning key names '{missing[0]}', which is not given")
        kinds = [f"{name}:{getattr(given[name], 'dtype', '')}" for name in named if hasattr(given.get(name), "shape")]
        key = repr(([given[name] for name in self.tuning.key], kinds))
        if key not in self.tuning.chosen:
            self.tuning.chosen[key] = self._stored(key, grid, args, kwargs)
        options = configs[self.tuning.chosen[key]].launch_options
        return self.inner.resolved(grid, args, {**kwargs, **options})

    def _stored(self, key: str, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        """The choice of an earlier process, else that of measuring now."""
        described = repr([sorted(c.launch_options.items()) for c in self.tuning.configs])
        device = device_of([*args, *kwargs.values()])
        machine = str(TargetMachine.parse(config.target.get())) if device is None else repr(device_info(device))
        place = code_cache.key_of("tuning", program_cache.compiler_hash(), self.key(), described, key, machine)
        found = code_cache.load(place)
        if found is None:
            found = [json.dumps(self._measured(grid, args, kwargs)).encode()]
            code_cache.store(place, found)
        return int(json.loads(found[0]))

    def _measured(self, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        times: dict[int, float] = {}
        device = device_of([*args, *kwargs.values()])
        failure: KernelError | None = None
        for number, choice in enumerate(self.tuning.configs):
            given = [_copied(value) for value in args]
            named = {name: _copied(value) for name, value in kwargs.items()}
            try:
                run = functools.partial(self.inner[grid], *given, **{**named, **choice.launch_options})
                times[number] = _host_time(run) if device is None else _device_time(run, device)
            except KernelError as error:
                failure = error
        if not times:
            raise failure or KernelError(f"kernel '{self.name}' has no configurations")
        return min(times, key=times.__getitem__)


def _host_time(run: Callable[[], None]) -> float:
    """The seconds of a launch that has ended when it returns."""
    run()
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def _device_time(run: Callable[[], None], device: int) -> float:
    """The seconds of a launch on a device, from many of them one after the other."""
    run()
    synchronize_all(device)
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        for _ in range(_LAUNCHES):
            run()
        synchronize_all(device)
        times.append((time.perf_counter() - start) / _LAUNCHES)
    return min(times)


def _copied(value: Any) -> Any:
    """Arrays as copies: measuring changes nothing that the caller has."""
    for method in ("clone", "copy"):  # PyTorch's; NumPy's, CuPy's
        if hasattr(value, "shape") and hasattr(value, method):
            return getattr(value, method)()
    if is_on_device(value):
        raise KernelError(f"{type(value).__name__} has no copy(): configurations are measured on copies of arrays")
    return np.array(value) if hasattr(value, "shape") and hasattr(value, "dtype") and value.shape else value


def autotune(configs: Sequence[Config], key: Sequence[str] = ()) -> Callable[[Kernel], Kernel]:
    """Launch a kernel with the fastest of some configurations, measured once for each value of what ``key`` names.

    Configurations are measured on copies of the arrays; one that cannot be compiled is passed over.  The choice is kept
    on disk, for the kernel's source, the types and the machine.

    >>> import numpy as np
    >>> import astra_mlir as astra, astra_mlir.language as al
    >>> @astra.autotune([astra.Config({"BLOCK": 64}), astra.Config({"BLOCK": 256})], key=["n"])
    ... @astra.kernel
    ... def double(x, n, BLOCK: al.constexpr):
    ...     i = al.program_id(0) * BLOCK + al.arange(0, BLOCK)
    ...     al.store(x + i, 2 * al.load(x + i, i < n), i < n)
    >>> x = np.ones(100)
    >>> double[lambda meta: (-(-meta["n"] // meta["BLOCK"]),)](x, 100)
    >>> x.sum()
    np.float64(200.0)
    """

    def decorate(kernel: Kernel) -> Kernel:
        return _Tuned(kernel, _Tuning(list(configs), list(key)))

    return decorate


class _Ruled(Kernel):
    """A kernel some of whose constants are computed from its arguments."""

    def __init__(self, kernel: Kernel, rules: Mapping[str, Callable[[Mapping[str, Any]], Any]]) -> None:
        super().__init__(kernel.fn)
        self.inner = kernel
        self.rules = rules

    resolves = True

    def resolved(self, grid: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        given = {**dict(zip([p.name for p in self.parameters], args, strict=False)), **kwargs}
        for name, rule in self.rules.items():
            given[name] = rule(given)
        added = {name: given[name] for name in self.rules}
        return self.inner.resolved(grid, args, {**kwargs, **added})


def heuristics(rules: Mapping[str, Callable[[Mapping[str, Any]], Any]]) -> Callable[[Kernel], Kernel]:
    """Compute constants of a kernel from the other arguments of each launch, by name.

    >>> import numpy as np
    >>> import astra_mlir as astra, astra_mlir.language as al
    >>> @astra.heuristics({"BLOCK": lambda given: al.next_power_of_2(given["n"])})
    ... @astra.kernel
    ... def double(x, n, BLOCK: al.constexpr):
    ...     i = al.arange(0, BLOCK)
    ...     al.store(x + i, 2 * al.load(x + i, i < n), i < n)
    >>> x = np.ones(100)
    >>> double[(1,)](x, 100)
    >>> x.sum()
    np.float64(200.0)
    """
    return lambda kernel: _Ruled(kernel, rules)
