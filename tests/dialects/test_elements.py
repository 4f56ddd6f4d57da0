"""Constant data: every element type goes to NumPy and back, large data without copies."""

from __future__ import annotations

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import elements
from astra_mlir.errors import DTypeError

ELEMENT_TYPES = [name for name in elements._DTYPES if name != "index"]


@pytest.fixture(scope="module")
def context():
    with make_context() as context, ir.Location.unknown():
        yield context


def holder(attribute: ir.Attribute) -> ir.Module:
    """A module that holds an attribute, as text would."""
    module = ir.Module.create()
    module.operation.attributes["test.value"] = attribute
    return module


@pytest.mark.parametrize("shape", [(), (1,), (3,), (7, 9), (0, 2)], ids=str)
@pytest.mark.parametrize("name", ELEMENT_TYPES)
def test_there_and_back(context, name: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    low, high = (0, 2) if name in ("i1", "i2", "ui2") else (1, 4)
    if name == "i2":
        low, high = -2, 2
    array = rng.integers(low, high, shape).astype(elements._DTYPES[name])
    attribute = elements.from_numpy(array)
    assert attribute.type == ir.RankedTensorType.get(list(shape), ir.Type.parse(name))
    for module in (holder(attribute), ir.Module.parse(str(holder(attribute)))):
        found = elements.to_numpy(module.operation.attributes["test.value"])
        assert found.dtype == array.dtype and found.shape == array.shape and np.all(found == array)
        assert not found.flags.writeable


@pytest.mark.parametrize("name", ELEMENT_TYPES)
def test_splat(context, name: str) -> None:
    type = ir.RankedTensorType.get([70], ir.Type.parse(name))
    attribute = elements.splat(type, 1)
    assert elements.is_splat(attribute) and elements.splat_value(attribute) == 1
    assert np.all(elements.to_numpy(attribute) == np.ones(70, elements._DTYPES[name]))


def test_large_data_is_a_resource_over_the_same_memory(context) -> None:
    array = np.arange(1000, dtype=np.float32)
    attribute = elements.from_numpy(array)
    assert str(attribute).startswith("dense_resource<")
    assert np.shares_memory(elements.to_numpy(attribute), array)
    assert elements.splat_value(attribute) is None


def test_dense_data_is_not_copied(context) -> None:
    attribute = elements.dense(np.arange(1000, dtype=np.int64), ir.Type.parse("tensor<1000xi64>"))
    assert np.shares_memory(elements.to_numpy(attribute), elements.to_numpy(attribute))


def test_conversion_to_the_given_type(context) -> None:
    attribute = elements.from_numpy([1.5, 2.5], ir.Type.parse("tensor<2xbf16>"))
    assert str(attribute) == "dense<[1.500000e+00, 2.500000e+00]> : tensor<2xbf16>"


def test_unknown_element_types_are_refused(context) -> None:
    with pytest.raises(DTypeError, match="dtype datetime64"):
        elements.element_type_of(np.dtype("datetime64[s]"))
    with pytest.raises(DTypeError, match="element type i17"):
        elements.dtype_of(ir.Type.parse("i17"))
