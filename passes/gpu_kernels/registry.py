"""The table of GPU kernels: which Astra operations become launches of generated tile functions, and how they are built.

The rules give the same :class:`KernelRequest` as those of the CPU (``kernel_rules/registry.py``); what is built is a
:class:`HostFunction`, which launches tile functions on its buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.kernel_rules.registry import KernelRule
from astra_mlir.passes.tile_builder import TileFunction
from astra_mlir.passes.tile_nests import memory_type

__all__ = ["GPU_KERNEL_RULES", "HostFunction", "buffer_type", "gpu_kernel_rule"]

GPU_KERNEL_RULES: dict[str, KernelRule] = {}  # by full operation name


def gpu_kernel_rule(*names: str) -> Callable[[KernelRule], KernelRule]:
    """Decorator: the function is the GPU's rule of ``astra.<name>`` for each of ``names``."""

    def register(rule: KernelRule) -> KernelRule:
        for name in names:
            GPU_KERNEL_RULES[f"astra.{name}"] = rule
        return rule

    return register


def buffer_type(tensor: ir.Type) -> ir.MemRefType:
    """The memref that a host function takes for a tensor: signless elements."""
    element = tensor.element_type
    if isinstance(element, ir.IntegerType) and not element.is_signless:
        element = ir.IntegerType.get_signless(element.width)
    return ir.MemRefType.get(tensor.shape, element)


class HostFunction:
    """The text of a kernel's function on the host, and of the tile functions that it launches.

    ``buffers`` are the types of its arguments.
    """

    def __init__(self, name: str, buffers: Sequence[ir.MemRefType]) -> None:
        self.name, self.buffers = name, buffers
        self.launches: list[str] = []
        self.functions: dict[str, str] = {}

    def tile(self, *arguments: int, scalars: int = 0, warps: int = 4, stages: int = 3) -> TileFunction:
        """A tile function on some of the buffers, by their numbers, and on so many i32 behind them."""
        loc = ir.Location.unknown()
        kinds = [(memory_type(self.buffers[i].element_type, _Place(loc)), True) for i in arguments]
        kinds += [(ir.IntegerType.get_signless(32), False)] * scalars
        return TileFunction(kinds, loc, warps, stages)

    def launch(
        self, function: TileFunction, kind: str, grid: Sequence[int], arguments: Sequence[int],
        scalars: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """End a tile function and launch it on buffers."""
        self.repeat(self.add(function, kind), grid, arguments, scalars)

    def add(self, function: TileFunction, kind: str) -> str:
        """End a tile function that is launched by its name."""
        symbol = function.finish(kind)
        self.functions[symbol] = function.func.get_asm(enable_debug_info=False)
        return symbol

    def repeat(self, symbol: str, grid: Sequence[int], arguments: Sequence[int], scalars: Sequence[int] = ()) -> None:
        """Launch a function that was added."""
        sizes = [*grid, *[1] * (3 - len(grid))]
        numbers = [f"%n{len(self.launches)}_{i}" for i in range(len(scalars))]
        names = ", ".join([*(f"%arg{i}" for i in arguments), *numbers])
        kinds = ", ".join([*(str(self.buffers[i]) for i in arguments), *["i32"] * len(scalars)])
        constants = [f"  {name} = arith.constant {n} : i32\n" for name, n in zip(numbers, scalars, strict=True)]
        self.launches.append(
            "".join(constants)
            + f'  "astra.gpu_launch"({names}) {{grid = array<i64: {", ".join(map(str, sizes))}>, kernel = @{symbol}}}'
            f" : ({kinds}) -> ()"
        )

    def text(self) -> str:
        """All functions."""
        parameters = ", ".join(f"%arg{i}: {kind}" for i, kind in enumerate(self.buffers))
        body = "\n".join(self.launches)
        host = f"func.func private @{self.name}({parameters}) {{\n{body}\n  return\n}}"
        return "\n".join([host, *self.functions.values()])


class _Place:
    """Where an unsupported type is reported from."""

    def __init__(self, location: ir.Location) -> None:
        self.location = location
