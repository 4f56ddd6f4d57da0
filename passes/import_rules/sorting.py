"""Import of sort and top_k: lexicographic comparators become kinds, others keep their region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.passes.import_rules.core import Importer, flag, integer, rule, with_element
from astra_mlir.passes.import_rules.matching import sort_order


@rule("stablehlo.sort")
def _sort(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operands = list(op.operands)
    dimension = integer(op, "dimension") % max(operands[0].type.rank, 1)
    attributes = {"dimension": dimension, "is_stable": flag(op, "is_stable")}
    types = [result.type for result in op.results]
    order = sort_order(op.regions[0])
    if order is None:
        new = b.op("sort", operands, types, kind="custom", **attributes)
        b.move_region(op.regions[0], new.regions[0])
        return new.results
    kind, keys = order
    total = [i for i, key in enumerate(keys) if key == "total"]
    narrow = [i for i in range(len(keys)) if i not in total and _is_narrow(types[i].element_type)]
    for i in total:
        operands[i] = _total_order_key(operands[i], b)
    for i in narrow:
        (operands[i],) = b.element_convert([operands[i]], [ir.F32Type.get()])
    new = b.op("sort", operands, [x.type for x in operands], kind=kind, num_keys=len(keys), **attributes)
    values = list(new.results)
    for i in total:
        values[i] = _from_total_order_key(values[i], types[i], b)
    for i in narrow:
        (values[i],) = b.element_convert([values[i]], [types[i].element_type])
    return values


def _is_narrow(element: ir.Type) -> bool:
    """Whether keys of a type are ordered as f32 numbers, which all of its values are."""
    return isinstance(element, ir.FloatType) and element.width < 16


def _integer_of(type: ir.RankedTensorType) -> ir.RankedTensorType:
    return with_element(type, ir.IntegerType.get_signless(type.element_type.width))


def _flip_magnitude(bits: ir.Value, b: Importer) -> ir.Value:
    """Negative numbers get the bits below their sign flipped; doing it twice gives the number back."""
    type = bits.type
    width = type.element_type.width
    low_bits = 2 ** (width - 1) - 1
    sign = b.emit("shift_right_arithmetic", [bits, b.full(width - 1, type, bits)], type)
    mask = b.emit("and", [sign, b.full(low_bits, type, bits)], type)
    return b.emit("xor", [bits, mask], type)


def _total_order_key(value: ir.Value, b: Importer) -> ir.Value:
    """Integers whose signed order is the IEEE total order of the floats."""
    return _flip_magnitude(b.emit("bitcast_convert", [value], _integer_of(value.type)), b)


def _from_total_order_key(key: ir.Value, type: ir.RankedTensorType, b: Importer) -> ir.Value:
    return b.emit("bitcast_convert", [_flip_magnitude(key, b)], type)


@rule("chlo.top_k")
def _top_k(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    types = [result.type for result in op.results]
    return top_k(op.operands[0], types, op.attributes["k"], True, b)


def top_k(operand: ir.Value, types: Sequence[ir.Type], k: Any, largest: Any, b: Importer) -> Sequence[ir.Value]:
    """``astra.top_k``, which orders common numbers: truth values go as bytes, narrow floats as f32."""
    element = operand.type.element_type
    if isinstance(element, ir.IntegerType) and element.width == 1:
        ordered = ir.IntegerType.get_unsigned(8)
    elif _is_narrow(element):
        ordered = ir.F32Type.get()
    else:
        return b.op("top_k", [operand], types, k=k, largest=largest).results
    (number,) = b.element_convert([operand], [ordered])
    values, indices = b.op("top_k", [number], [with_element(types[0], ordered), types[1]], k=k, largest=largest).results
    return [*b.element_convert([values], [element]), indices]
