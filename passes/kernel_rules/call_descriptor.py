"""Descriptors of custom calls: what ``astra_custom_call`` of the runtime reads to find out whom to call with what.

The form, 64-bit words, is that of ``runtime/src/custom_calls.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.call_targets import FFI_TYPES
from astra_mlir.dialects.elements import dtype_of, to_numpy
from astra_mlir.errors import DTypeError, UnsupportedError, source_place

__all__ = ["descriptor"]

_ARRAY, _DICTIONARY, _SCALAR, _STRING = 1, 2, 3, 4


def descriptor(op: ir.Operation, target: str, attributes: ir.DictAttr | None) -> np.ndarray:
    """The words of a call: whom, the types of operands and results (of ``op``), and the attributes."""
    try:
        words = [*_string(target), *_arrays(op.operands), *_arrays(op.results), *_dictionary(attributes)]
    except DTypeError as error:
        raise UnsupportedError(f"{source_place(op.location)}: custom call '{target}': {error}") from None
    return np.array(words, np.int64)


def _padded(data: bytes) -> list[int]:
    data += b"\0" * (-len(data) % 8)
    return list(struct.unpack(f"<{len(data) // 8}q", data))


def _string(text: str) -> list[int]:
    data = text.encode()
    return [len(data), *_padded(data)]


def _type(dtype: np.dtype) -> int:
    if dtype not in FFI_TYPES:
        raise DTypeError(f"there is no element type {dtype.name} in the interface of custom calls")
    return FFI_TYPES[dtype]


def _arrays(values: Sequence[ir.Value]) -> list[int]:
    words = [len(values)]
    for value in values:
        shape = value.type.shape
        words += [_type(dtype_of(value.type.element_type)), len(shape), *shape]
    return words


def _dictionary(attributes: ir.DictAttr | None) -> list[int]:
    """Sorted by name, as handlers expect."""
    entries = {} if attributes is None else {named.name: named.attr for named in _entries(attributes)}
    words = [len(entries)]
    for name in sorted(entries):
        entry = [*_string(name), *_value(entries[name])]
        words += [1 + len(entry), *entry]
    return words


def _entries(attributes: ir.DictAttr) -> list[ir.NamedAttribute]:
    return [attributes[i] for i in range(len(attributes))]


def _value(attribute: ir.Attribute) -> list[int]:
    if isinstance(attribute, ir.StringAttr):
        return [_STRING, *_string(attribute.value)]
    if isinstance(attribute, ir.BoolAttr):
        return [_SCALAR, _type(np.dtype(bool)), *_padded(np.array(attribute.value).tobytes())]
    if isinstance(attribute, (ir.IntegerAttr, ir.FloatAttr)):
        dtype = dtype_of(attribute.type)
        return [_SCALAR, _type(dtype), *_padded(np.array(attribute.value, dtype).tobytes())]
    if isinstance(attribute, ir.DictAttr):
        return [_DICTIONARY, *_dictionary(attribute)]
    if isinstance(attribute, ir.ArrayAttr) and len(attribute) == 0:
        return [_ARRAY, _type(np.dtype(np.int64)), 0]
    array = _array(attribute)
    return [_ARRAY, _type(array.dtype), array.size, *_padded(np.ascontiguousarray(array).tobytes())]


def _array(attribute: ir.Attribute) -> np.ndarray:
    for kind, dtype in _ARRAYS:
        if isinstance(attribute, kind):
            return np.array(list(attribute), dtype)
    if isinstance(attribute, ir.DenseElementsAttr):
        return to_numpy(attribute)
    raise DTypeError(f"an attribute {attribute} has no form in the interface of custom calls")


_ARRAYS = (
    (ir.DenseBoolArrayAttr, np.bool_), (ir.DenseI8ArrayAttr, np.int8), (ir.DenseI16ArrayAttr, np.int16),
    (ir.DenseI32ArrayAttr, np.int32), (ir.DenseI64ArrayAttr, np.int64), (ir.DenseF32ArrayAttr, np.float32),
    (ir.DenseF64ArrayAttr, np.float64),
)  # fmt: skip
