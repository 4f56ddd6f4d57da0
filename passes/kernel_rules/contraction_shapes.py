"""Element types and strides of arrays, as the rules of contraction and convolution need them."""

from __future__ import annotations

from astra_mlir.bindings import ir

__all__ = ["accumulator_of", "memref_text", "row_major_strides"]

FLOATS = ("f64", "f32", "bf16", "f16")
INTEGERS = ("i64", "ui64", "i32", "ui32", "i16", "ui16", "i8", "ui8")


def accumulator_of(*elements: str) -> str | None:
    """The element type in which products of ``elements`` are summed; ``None`` where no kernel does it.

    >>> accumulator_of("bf16", "bf16", "bf16"), accumulator_of("i8", "ui8", "i32"), accumulator_of("complex<f32>")
    ('f32', 'i32', None)
    """
    if all(element in FLOATS for element in elements):
        return "f64" if "f64" in elements else "f32"
    if all(element in INTEGERS for element in elements):
        return "i64" if any(element.endswith("64") for element in elements) else "i32"
    return None


def row_major_strides(shape: list[int]) -> list[int]:
    """Strides, in elements, of a contiguous array.

    >>> row_major_strides([2, 3, 4])
    [12, 4, 1]
    """
    strides, stride = [], 1
    for size in reversed(shape):
        strides.insert(0, stride)
        stride *= size
    return strides


def memref_text(type: ir.Type) -> str:
    """The memref type, in text, of a kernel argument for a tensor type."""
    element = str(type.element_type)
    element = element[1:] if element.startswith("ui") else element
    return f"memref<{''.join(f'{size}x' for size in type.shape)}{element}>"
