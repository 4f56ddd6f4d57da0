"""What a launch must tell the copy engine (TMA) of an array from which a kernel copies blocks."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.axes import argument_divisor
from astra_mlir.passes.memref_utils import byte_width

__all__ = ["describes"]

_LARGEST_BOX = 256
_ELEMENTS = ("f16", "bf16", "f32", "i8", "f8E4M3FN", "f8E5M2")


def _number(value: ir.Value) -> int | None:
    """A constant."""
    if isinstance(value.owner, ir.Block) or value.owner.name != "arith.constant":
        return None
    return ir.IntegerAttr(value.owner.operation.attributes["value"]).value


def _given(value: ir.Value) -> tuple[int, bool] | None:
    """A number that the launch knows: a constant, or (``True``) which parameter it is."""
    if (constant := _number(value)) is not None:
        return constant, False
    owner = value.owner
    if isinstance(owner, ir.Block) and owner.owner.operation.name == "func.func" and str(value.type) == "i64":
        return ir.BlockArgument(value).arg_number, True
    return None


def describes(
    pointer: ir.Value, numbers: list[ir.Value], shape: list[int], element: ir.Type
) -> dict[str, object] | None:
    """The descriptor for blocks of an array (sizes, then strides, of rank 2); ``None`` if there is none."""
    owner = pointer.owner
    if (
        not isinstance(owner, ir.Block)
        or owner.owner.operation.name != "func.func"
        or len(shape) != 2
        or str(element) not in _ELEMENTS
    ):
        return None
    size = byte_width(element)
    given = [_given(value) for value in numbers]
    if any(number is None for number in given[:3]):
        return None
    rows, columns, stride = (number for number in given[:3] if number is not None)
    aligned = (
        stride[0] * size % 16 == 0
        if not stride[1]
        else argument_divisor(owner.owner.operation, stride[0]) * size % 16 == 0
    )
    width = min(shape[1] * size, 128)  # of a row of a panel
    panel = width // size
    if not aligned or width < 32 or shape[0] > _LARGEST_BOX or shape[0] < 8:
        return None
    if argument_divisor(owner.owner.operation, ir.BlockArgument(pointer).arg_number) % 16:
        return None
    bits = sum(1 << place for place, number in ((0, columns), (1, rows), (9, stride)) if number[1])
    return {
        "operand": ir.BlockArgument(pointer).arg_number,
        "sizes": [columns[0], rows[0]],
        "strides": [stride[0] if stride[1] else stride[0] * size],
        "box": [panel, shape[0]],
        "swizzle": width,
        "from_parameters": bits,
        "element": str(element),
    }
