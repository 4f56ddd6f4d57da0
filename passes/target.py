"""The CPU that code is generated for: vector width, registers and cache sizes, as the kernel generators ask for them.

A target is named so that tests and saved artifacts do not depend on the machine they are made on.  The target of a
module is its attribute ``astra.target``; a module without one is compiled for :data:`default_target`.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from dataclasses import dataclass, replace

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError
from astra_mlir.machine_sizes import host_sizes, parse_sizes, sizes_text

__all__ = [
    "FEATURES", "TARGETS", "TARGET_ATTRIBUTE", "Target", "default_target", "host_target", "round_up", "target_named",
    "target_of",
]  # fmt: skip

TARGET_ATTRIBUTE = "astra.target"

# The target of modules that name none: this machine, or what a tool was told (``ASTRA_TARGET``).
default_target: ContextVar[str] = ContextVar("astra_default_target", default="host")


@dataclass(frozen=True)
class Target:
    """What the schedules depend on.

    ``micro_rows`` x (``micro_vectors`` vectors) is the tile of a matrix product that is held in registers.
    """

    name: str
    vector_bits: int
    vector_registers: int
    micro_rows: int
    micro_vectors: int
    family: str = "x86"
    features: tuple[str, ...] = ()  # names in FEATURES, in order: kernels are named by what a target is written as
    fused_multiply_add: bool = True
    l1_bytes: int = 32 * 1024
    l2_bytes: int = 512 * 1024
    l3_bytes: int = 32 * 1024 * 1024
    cores: int = 8  # only for what changes the order of no sum: results are the same with any number of them

    @property
    def tasks(self) -> int:
        """Tasks of equal size that keep the cores busy to an even end."""
        return max(16, 2 * self.cores)

    def lanes(self, bits: int) -> int:
        """How many elements of ``bits`` bits a vector register holds."""
        return self.vector_bits // bits


# What a name may add to a level, "x86-64-v4+avx512bf16+vnni" or "neon+dotprod": instructions that sum neighbouring
# products of narrow numbers, with the features by which LLVM says that this machine has them.
FEATURES: dict[str, tuple[str, ...]] = {
    "avx512bf16": ("avx512bf16",),
    "vnni": ("avx512vnni", "avx512vl"),
    "dotprod": ("dotprod",),
    "bfdot": ("bf16",),
}

# x86-64-v3: 6 x 16 f32 is BLIS's Haswell tile, 12 accumulators of the 16 registers.  x86-64-v4: 8 x 32 uses 16 of
# the 32 accumulators and runs as fast as 12 x 32, 14 x 32 and 8 x 48 on Zen 4 (116 GFLOP/s, each within 1 % of
# peak) while a power of two leaves less of a tile empty at the edges of the shapes that models have, and 8 rows of any
# stride fit a first-level cache of 8 ways, so they are read where they lie (8 rows 4 KiB apart: 114 GFLOP/s, 12: 77).
# Processors with AVX-512 have at least 1 MiB of second-level cache.
TARGETS = {
    target.name: target
    for target in (
        Target(
            "x86-64-v2", vector_bits=128, vector_registers=16, micro_rows=4, micro_vectors=2, fused_multiply_add=False
        ),
        Target("x86-64-v3", vector_bits=256, vector_registers=16, micro_rows=6, micro_vectors=2),
        Target("x86-64-v4", vector_bits=512, vector_registers=32, micro_rows=8, micro_vectors=2, l2_bytes=1 << 20),
        Target("neon", vector_bits=128, vector_registers=32, micro_rows=8, micro_vectors=2, family="arm"),
    )
}


@functools.cache
def target_named(name: str) -> Target:
    """The target of that name: a level, its features, and sizes that are not the level's; ``"host"`` is this machine.

    >>> target_named("x86-64-v3").lanes(32)
    8
    >>> list(target_named("x86-64-v4+vnni").features)
    ['vnni']
    >>> target_named("x86-64-v3+l2=2m").l2_bytes
    2097152
    """
    if name == "host":
        return host_target()
    level, *parts = name.split("+")
    features = [part for part in parts if "=" not in part]
    if level not in TARGETS or not set(features) <= set(FEATURES):
        raise UnsupportedError(
            f"no target is named '{name}'; there are: host, {', '.join(TARGETS)}, each followed by any of "
            f"{', '.join(f'+{feature}' for feature in FEATURES)} and by sizes (+l2=512k+cores=8)"
        )
    sizes = parse_sizes("+".join(part for part in parts if "=" in part))
    fields = {size if size == "cores" else f"{size}_bytes": value for size, value in sizes.items()}
    return replace(TARGETS[level], name=name, features=tuple(sorted({*features})), **fields)  # type: ignore[arg-type]


@functools.cache
def host_target() -> Target:
    """The widest named target that this machine's processor implements, with the features and sizes it has."""
    from llvmlite import binding

    has = binding.get_host_cpu_features()
    added = "".join(f"+{name}" for name, needed in FEATURES.items() if all(has.get(feature) for feature in needed))
    if all(has.get(f"avx512{part}") for part in ("f", "dq", "bw", "vl", "cd")):
        level = f"x86-64-v4{added}"
    elif has.get("avx2") and has.get("fma"):
        level = "x86-64-v3"
    else:
        level = f"neon{added}" if has.get("neon") else "x86-64-v2"
    return target_named(f"{level}+{sizes_text(host_sizes())}")


def target_of(op: ir.Operation) -> Target:
    """The target of the module that ``op`` is in."""
    while op.parent is not None:
        op = op.parent.operation
    if TARGET_ATTRIBUTE in op.attributes:
        return target_named(ir.StringAttr(op.attributes[TARGET_ATTRIBUTE]).value)
    return target_named(default_target.get())


def round_up(value: int, multiple: int) -> int:
    """The least multiple that is not below a value: sizes in whole vectors, tiles or lines of the cache.

    >>> round_up(10, 4)
    12
    """
    return -(-value // multiple) * multiple
