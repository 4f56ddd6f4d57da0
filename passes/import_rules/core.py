"""What an import rule is, the registry of rules, and the builder that rules work with.

A rule replaces one StableHLO or CHLO operation: it builds Astra operations through the :class:`Importer` and returns
the values that stand for the results (see ``passes/conversion.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.dialects import build, elements
from astra_mlir.passes.conversion import Converter, RuleTable, refuse

__all__ = [
    "IMPORT", "REJECTED", "Importer", "TupleElements", "attribute", "enumeration", "flag", "integer", "integers",
    "is_static", "refuse", "rule", "with_element", "with_shape",
]  # fmt: skip

TupleElements = list["ir.Value | TupleElements"]  # nested tuples are nested lists

IMPORT = RuleTable()
rule = IMPORT.rule

REJECTED: dict[str, str] = {}  # operations refused by name -> why, and what to do instead
_SOURCE_DIALECTS = ("stablehlo", "chlo", "vhlo", "mhlo", "check")  # none of their operations may be left


# --- attributes --------------------------------------------------------------------------------------------------


def attribute(op: ir.Operation, name: str) -> ir.Attribute | None:
    """An attribute, or ``None`` where it is absent."""
    return op.attributes.get(name)


def flag(op: ir.Operation, name: str, default: bool = False) -> bool:
    """A bool attribute."""
    value = attribute(op, name)
    return default if value is None else bool(value.value)


def integer(op: ir.Operation, name: str) -> int:
    """An integer attribute."""
    return int(op.attributes[name].value)


# Attributes of the StableHLO dialect come without their class, so their name says which it is.
_ENUMERATIONS = {
    "comparison_direction": stablehlo.ComparisonDirectionAttr,
    "compare_type": stablehlo.ComparisonTypeAttr,
    "fft_type": stablehlo.FftTypeAttr,
    "rng_algorithm": stablehlo.RngAlgorithmAttr,
    "rng_distribution": stablehlo.RngDistributionAttr,
    "transpose_a": stablehlo.TransposeAttr,
}


def enumeration(op: ir.Operation, name: str) -> str | None:
    """A StableHLO enumeration attribute as its word, ``None`` where absent."""
    value = op.attributes.get(name)
    return None if value is None else _ENUMERATIONS[name](value).value


def integers(op: ir.Operation, name: str, default: Sequence[int] = ()) -> list[int]:
    """An integer array attribute (dense array or dense elements) as a flat list, ``default`` where absent."""
    value = attribute(op, name)
    if value is None:
        return list(default)
    if isinstance(value, ir.DenseElementsAttr):
        return [int(x) for x in elements.to_numpy(value).reshape(-1)]
    return list(value)


# --- types -------------------------------------------------------------------------------------------------------


def is_static(type: ir.Type) -> bool:
    """Whether all dimensions of a ranked tensor type are known."""
    return type.has_static_shape


def with_shape(type: ir.Type, shape: Sequence[int]) -> ir.RankedTensorType:
    """A tensor of ``type``'s element type with another shape (negative sizes are dynamic)."""
    dynamic = ir.ShapedType.get_dynamic_size()
    return ir.RankedTensorType.get([dynamic if size < 0 else size for size in shape], type.element_type)


def with_element(type: ir.Type, element_type: ir.Type) -> ir.RankedTensorType:
    """A tensor of ``type``'s shape with another element type."""
    return ir.RankedTensorType.get(list(type.shape), element_type)


# --- the builder -------------------------------------------------------------------------------------------------


class Importer(Converter):
    """Where and how import rules build: in place of the current operation, with its location."""

    table = IMPORT

    def __init__(self) -> None:
        super().__init__()
        self.tuples: dict[ir.Value, TupleElements] = {}  # tuple value -> its elements
        self._resources: dict[ir.Attribute, ir.Attribute] = {}  # large dense constant -> its resource

    def unknown(self, op: ir.Operation) -> None:
        name = op.name
        if name in REJECTED:
            refuse(op, REJECTED[name])
        if name.partition(".")[0] in _SOURCE_DIALECTS:
            refuse(op, "Astra has no counterpart of it; express it with operations of the StableHLO specification")

    def op(
        self, name: str, operands: Sequence[ir.Value], results: Sequence[ir.Type], **attributes: Any
    ) -> ir.Operation:
        """Build ``astra.<name>`` in place of the current operation."""
        return build(name, operands, results, loc=self.loc, ip=self.ip, **attributes)

    def emit(self, name: str, operands: Sequence[ir.Value], result: ir.Type, **attributes: Any) -> ir.Value:
        """Build ``astra.<name>`` with one result and return it."""
        return build(name, operands, [result], loc=self.loc, ip=self.ip, **attributes).results[0]

    # --- constants ---

    def constant(self, value: ir.Attribute) -> ir.Value:
        """A constant; large data goes to a resource, without a copy."""
        if isinstance(value, ir.DenseElementsAttr) and not value.is_splat:
            type = ir.RankedTensorType(value.type)
            if np.prod(type.shape, dtype=np.int64) > elements.RESOURCE_THRESHOLD:
                if value not in self._resources:
                    self._resources[value] = elements.resource(elements.to_numpy(value), type)
                value = self._resources[value]
        return self.emit("constant", [], value.type, value=value)

    def integers(self, values: Sequence[int]) -> ir.Value:
        """A rank-1 i64 constant."""
        type = ir.RankedTensorType.get([len(values)], ir.IntegerType.get_signless(64))
        return self.constant(elements.from_numpy(np.asarray(values, np.int64), type))

    def scalar(self, value: Any, element_type: ir.Type) -> ir.Value:
        """A rank-0 constant."""
        return self.constant(elements.splat(ir.RankedTensorType.get([], element_type), value))

    def full(self, value: Any, type: ir.RankedTensorType, like: ir.Value) -> ir.Value:
        """A tensor of ``type`` filled with ``value``; dynamic sizes are those of ``like``, of the same shape."""
        if is_static(type):
            return self.constant(elements.splat(type, value))
        return self.broadcast(self.scalar(value, type.element_type), type, [], like)

    def broadcast(
        self, operand: ir.Value, type: ir.RankedTensorType, dimensions: Sequence[int], like: ir.Value
    ) -> ir.Value:
        """``operand`` broadcast along ``dimensions`` to ``type``, dynamic sizes being those of ``like``."""
        shape = [] if is_static(type) else [self.shape_of(like)]
        return self.emit("broadcast", [operand, *shape], type, dimensions=dimensions)

    def size_of(self, value: ir.Value, dimension: int) -> ir.Value:
        """The size of a dimension as a rank-0 i32 tensor."""
        i32 = ir.IntegerType.get_signless(32)
        size = value.type.shape[dimension]
        if size >= 0:
            return self.scalar(size, i32)
        return self.emit("get_dimension_size", [value], ir.RankedTensorType.get([], i32), dimension=dimension)

    def shape_of(self, value: ir.Value) -> ir.Value:
        """The sizes of all dimensions as a rank-1 i32 tensor."""
        i32 = ir.IntegerType.get_signless(32)
        rank = value.type.rank
        one = ir.RankedTensorType.get([1], i32)
        sizes = [self.emit("reshape", [self.size_of(value, d)], one) for d in range(rank)]
        return self.emit("concatenate", sizes, ir.RankedTensorType.get([rank], i32), dimension=0)

    # --- reading operands ---

    def constant_of(self, value: ir.Value) -> np.ndarray | None:
        """The elements of ``value`` if it is a constant (also through broadcasts and reshapes of one)."""
        op = value.owner
        if not isinstance(op, (ir.Operation, ir.OpView)):
            return None
        if op.name in ("astra.constant", "stablehlo.constant"):
            return elements.to_numpy(op.attributes["value"])
        if op.name in ("astra.broadcast", "astra.reshape") and is_static(value.type):
            array = self.constant_of(op.operands[0])
            if array is not None and array.size == 1:
                return np.broadcast_to(array.reshape(()), value.type.shape)
        return None

    def constant_integers(self, *values: ir.Value) -> list[list[int]] | None:
        """The integers of rank-1 constants, or ``None`` if one of them is not constant."""
        arrays = [self.constant_of(value) for value in values]
        if any(array is None for array in arrays):
            return None
        return [[int(x) for x in array.reshape(-1)] for array in arrays if array is not None]

    def element_convert(self, values: Sequence[ir.Value], element_types: Sequence[ir.Type]) -> list[ir.Value]:
        """Convert each value to the element type given for it, where it has another."""
        return [
            value
            if value.type.element_type == element
            else self.emit("convert", [value], with_element(value.type, element))
            for value, element in zip(values, element_types, strict=True)
        ]
