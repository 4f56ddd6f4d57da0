"""The schedules that were chosen, as text: what each kernel's function carries, and ``astra-print-schedules``.

``astra-to-kernels`` and ``astra-kernels-to-loops`` leave what they chose on the functions they make, in the attribute
``astra.schedule``; it is for readers only and goes with the last step to LLVM.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass

__all__ = ["SCHEDULE_ATTRIBUTE", "PrintSchedules", "attach_schedule", "describe", "schedules_of"]

SCHEDULE_ATTRIBUTE = "astra.schedule"


def describe(value: Any) -> str:
    """A schedule in a line: its class, and the fields that say something.

    >>> from astra_mlir.passes.kernel_rules.gemm import Gemm
    >>> describe(Gemm("f32", "f32", "f32", "f32", (), ((8, 1),), ((4, 1),), ((2, 1, 1),), 4))
    'f32 x f32 -> f32, 1 x 8 x 4 x 2'
    """
    if hasattr(value, "sizes") and hasattr(value, "lhs"):  # a product: batches x rows x columns x steps
        return f"{value.lhs} x {value.rhs} -> {value.result}, {' x '.join(map(str, value.sizes))}"
    if is_dataclass(value):
        if hasattr(value, "vector_bits"):
            return str(value.name)
        shown = [f"{field.name}={_part(getattr(value, field.name))}" for field in fields(value) if _says(value, field)]
        return f"{type(value).__name__.strip('_')}({', '.join(shown)})"
    if isinstance(value, tuple):
        return " x ".join(map(describe, value)) if all(isinstance(v, int) for v in value) else _list(value)
    return str(value)


def _part(value: Any) -> str:
    text = describe(value)
    return f"[{text}]" if ("," in text and not is_dataclass(value)) or hasattr(value, "sizes") else text


def _list(values: tuple[Any, ...]) -> str:
    return ", ".join(map(describe, values))


def _says(value: Any, field: Any) -> bool:
    found = getattr(value, field.name)
    return found is not None and found != () and found != field.default


def attach_schedule(function: ir.Operation, text: str) -> None:
    """Leave a schedule on a function."""
    function.attributes[SCHEDULE_ATTRIBUTE] = ir.StringAttr.get(text, function.context)


def schedules_of(module: ir.Operation) -> dict[str, str]:
    """The schedules of a module's functions, by name."""
    return {
        ir.StringAttr(view.operation.attributes["sym_name"]).value: ir.StringAttr(
            view.operation.attributes[SCHEDULE_ATTRIBUTE]
        ).value
        for view in module.regions[0].blocks[0].operations
        if SCHEDULE_ATTRIBUTE in view.operation.attributes
    }


@register_pass
@dataclass(frozen=True)
class PrintSchedules(Pass):
    """Print the schedule of each kernel to stderr, a line each; the module stays as it is.

    To be put after ``astra-cpu-to-loops``, when all have been chosen (after ``astra-cpu-to-linalg`` those of products,
    convolutions and the like are)::

        astra-opt program.mlir --astra-cpu-to-astra --astra-cpu-to-linalg --astra-print-schedules -o /dev/null
    """

    name: ClassVar[str] = "astra-print-schedules"
    summary: ClassVar[str] = "print the schedule that was chosen for each kernel"

    def run(self, module: ir.Operation) -> None:
        for function, text in schedules_of(module).items():
            print(f"@{function}: {text}", file=sys.stderr)
