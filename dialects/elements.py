"""Constant data: elements attributes to and from NumPy arrays, shared by every pass that reads or makes constants.

Small and splat constants are dense attributes; anything larger is a resource, so that printing a program never prints
megabytes and no pass copies the data.  Element types that NumPy lacks (bfloat16, float8, int4) come from ml_dtypes.
"""

from __future__ import annotations

import functools
import re
import weakref
from typing import Any

import ml_dtypes
import numpy as np

from astra_mlir.bindings import dense_data, ir
from astra_mlir.errors import DTypeError

__all__ = [
    "RESOURCE_THRESHOLD",
    "dense",
    "dtype_of",
    "element_type_of",
    "from_numpy",
    "is_splat",
    "resource",
    "splat",
    "splat_value",
    "to_numpy",
]

RESOURCE_THRESHOLD = 32  # elements; above it a constant that is not a splat becomes a resource

_DTYPES: dict[str, Any] = {
    "i1": np.bool_,
    "i2": ml_dtypes.int2, "i4": ml_dtypes.int4, "ui2": ml_dtypes.uint2, "ui4": ml_dtypes.uint4,
    "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "index": np.int64,
    "ui8": np.uint8, "ui16": np.uint16, "ui32": np.uint32, "ui64": np.uint64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
    "complex<f32>": np.complex64, "complex<f64>": np.complex128,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn, "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz, "f8E4M3": ml_dtypes.float8_e4m3,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz, "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz, "f8E3M4": ml_dtypes.float8_e3m4, "f8E8M0FNU": ml_dtypes.float8_e8m0fnu,
    "f4E2M1FN": ml_dtypes.float4_e2m1fn, "f6E2M3FN": ml_dtypes.float6_e2m3fn, "f6E3M2FN": ml_dtypes.float6_e3m2fn,
}  # fmt: skip
_ELEMENT_TYPES = {np.dtype(dtype): name for name, dtype in _DTYPES.items() if name != "index"}


@functools.cache
def _dtype(name: str) -> np.dtype[Any]:
    if name not in _DTYPES:
        raise DTypeError(f"element type {name} has no array counterpart")
    return np.dtype(_DTYPES[name])


def dtype_of(element_type: ir.Type) -> np.dtype[Any]:
    """The NumPy dtype of an element type; :class:`~astra_mlir.errors.DTypeError` where there is none."""
    return _dtype(str(element_type))


def element_type_of(dtype: Any) -> ir.Type:
    """The element type of a NumPy dtype (in the current context)."""
    name = _ELEMENT_TYPES.get(np.dtype(dtype))
    if name is None:
        raise DTypeError(f"dtype {np.dtype(dtype)} has no element type")
    return ir.Type.parse(name)


# --- reading -----------------------------------------------------------------------------------------------------

# Arrays behind the resources made here, by context and resource name; others are read from their printed form.
_RESOURCES: weakref.WeakKeyDictionary[ir.Context, dict[str, np.ndarray]] = weakref.WeakKeyDictionary()


def is_splat(attribute: ir.Attribute) -> bool:
    """Whether all elements are known to be equal (a dense splat attribute)."""
    return isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat


def to_numpy(attribute: ir.Attribute) -> np.ndarray:
    """The elements as a read-only array of the attribute's shape, without a copy (a splat is a broadcast view)."""
    shaped = ir.ShapedType(attribute.type)
    shape, dtype = tuple(shaped.shape), dtype_of(shaped.element_type)
    if isinstance(attribute, ir.DenseElementsAttr):
        if attribute.is_splat:
            array = np.broadcast_to(np.frombuffer(dense_data(attribute, dtype.itemsize), dtype)[0], shape)
        else:
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            array = np.frombuffer(dense_data(attribute, size), dtype).reshape(shape)
    else:
        array = _resource_data(attribute).view(dtype).reshape(shape)
    array.flags.writeable = False
    return array


def _resource_data(attribute: ir.Attribute) -> np.ndarray:
    match = re.match(r'dense_resource<"?(.*?)"?> :', str(attribute))
    if match is None:
        raise DTypeError(f"cannot read the elements of a constant held as {str(attribute)[:60]}")
    known = _RESOURCES.get(attribute.context, {})
    if match[1] in known:
        return known[match[1]]
    with attribute.context, ir.Location.unknown():
        module = ir.Module.create()
        module.operation.attributes["value"] = attribute
        printed = str(module)
    blob = re.search(r': "0x([0-9A-Fa-f]*)"', printed)
    if blob is None:
        raise DTypeError(f"resource {match[1]} of a constant has no data")
    return np.frombuffer(bytes.fromhex(blob[1])[4:], np.uint8)  # the first four bytes are the alignment


def splat_value(attribute: ir.Attribute) -> Any:
    """The one element of a splat or single-element constant as a NumPy scalar; ``None`` for any other constant."""
    shaped = ir.ShapedType(attribute.type)
    if is_splat(attribute) or (shaped.has_static_shape and all(size == 1 for size in shaped.shape)):
        return to_numpy(attribute).flat[0]
    return None


# --- making ------------------------------------------------------------------------------------------------------


def splat(type: ir.RankedTensorType, value: Any) -> ir.DenseElementsAttr:
    """The dense attribute of static type ``type`` whose elements all are ``value``."""
    if 0 in type.shape:
        return ir.Attribute.parse(f"dense<> : {type}")
    return ir.DenseElementsAttr.get(_raw(np.asarray(value).astype(dtype_of(type.element_type)).reshape(1)), type=type)


def from_numpy(array: Any, type: ir.RankedTensorType | None = None) -> ir.Attribute:
    """The elements attribute of an array: dense where small or a splat, a resource otherwise.

    ``type`` defaults to the array's own shape and dtype; the array is converted to it.  A resource keeps a reference to
    the array (a copy where it was not contiguous), which must not be changed afterwards.
    """
    array = np.asarray(array)
    if type is None:
        type = ir.RankedTensorType.get(list(array.shape), element_type_of(array.dtype))
    array = np.ascontiguousarray(array, dtype_of(type.element_type))
    raw = _raw(array)
    if array.size <= RESOURCE_THRESHOLD or bool((raw == raw[:1]).all()):
        return dense(array, type)
    return resource(array, type)


def dense(array: np.ndarray, type: ir.RankedTensorType) -> ir.DenseElementsAttr:
    """A dense attribute of any size, which copies the data."""
    raw = _raw(np.ascontiguousarray(array))
    if array.size == 0:
        return ir.Attribute.parse(f"dense<> : {type}")
    return ir.DenseElementsAttr.get(raw[:1] if bool((raw == raw[:1]).all()) else raw, type=type)


def resource(array: np.ndarray, type: ir.RankedTensorType) -> ir.Attribute:
    """A resource attribute over the (contiguous) array's memory."""
    data = array.reshape(-1).view(np.uint8)
    attribute = ir.DenseResourceElementsAttr.get_from_buffer(data, "constant", type, alignment=max(array.itemsize, 1))
    name = str(attribute).removeprefix("dense_resource<").partition(">")[0]
    _RESOURCES.setdefault(type.context, {})[name] = data
    return attribute


_RAW_DTYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64, 16: np.complex128}


def _raw(array: np.ndarray) -> np.ndarray:
    """The flat array's bits, one unsigned integer an element."""
    return array.reshape(-1).view(_RAW_DTYPES[array.itemsize])
