"""What an export rule is, the registry of rules, and the builder that rules work with.

A rule replaces one Astra operation: it builds StableHLO operations through the :class:`Exporter` and returns the values
that stand for the results (see ``passes/conversion.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.dialects import elements, to_attribute, value_of
from astra_mlir.passes.conversion import Converter, RuleTable, refuse

__all__ = ["EXPORT", "Exporter", "compare_type_of", "refuse", "rule", "scalar_type", "value_of", "with_shape"]

EXPORT = RuleTable()
rule = EXPORT.rule

Body = Callable[[Sequence[ir.Value]], Sequence[ir.Value]]  # builds a region: from its arguments to what it returns


def scalar_type(element_type: ir.Type) -> ir.RankedTensorType:
    """The rank-0 tensor type."""
    return ir.RankedTensorType.get([], element_type)


def with_shape(type: ir.Type, shape: Sequence[int]) -> ir.RankedTensorType:
    """A tensor of ``type``'s element type with another static shape."""
    return ir.RankedTensorType.get(list(shape), type.element_type)


def compare_type_of(element_type: ir.Type) -> str:
    """How ordinary comparisons of an element type compare."""
    if isinstance(element_type, ir.IntegerType):
        return "UNSIGNED" if element_type.is_unsigned or element_type.width == 1 else "SIGNED"
    return "FLOAT"


class Exporter(Converter):
    """Where and how export rules build: in place of the current operation, with its location."""

    table = EXPORT

    def __init__(self, pure_stablehlo: bool) -> None:
        super().__init__()
        self.pure_stablehlo = pure_stablehlo  # write top_k out in place of the CHLO operation

    def unknown(self, op: ir.Operation) -> None:
        if op.name.startswith("astra."):
            refuse(op, "StableHLO has no counterpart of it; export before the passes that make such operations")

    def op(
        self,
        name: str,
        operands: Sequence[ir.Value],
        results: Sequence[ir.Type],
        regions: int = 0,
        **attributes: Any,
    ) -> ir.Operation:
        """Build an operation (``stablehlo.`` unless the name has its dialect); attributes may be Python values."""
        return ir.Operation.create(
            name if "." in name else f"stablehlo.{name}",
            results=list(results),
            operands=list(operands),
            attributes={key: to_attribute(value) for key, value in attributes.items() if value is not None},
            regions=regions,
            loc=self.loc,
            ip=self.ip,
        )

    def emit(self, name: str, operands: Sequence[ir.Value], result: ir.Type, **attributes: Any) -> ir.Value:
        """Build an operation with one result and return it."""
        return self.op(name, operands, [result], **attributes).results[0]

    def binary(self, name: str, lhs: ir.Value, rhs: ir.Value) -> ir.Value:
        """An elementwise operation whose result has its operands' type."""
        return self.op(name, [lhs, rhs], [lhs.type]).results[0]

    def compare(self, direction: str, lhs: ir.Value, rhs: ir.Value, how: str | None = None) -> ir.Value:
        """A comparison (of the ordinary kind for the element type unless ``how`` says otherwise)."""
        boolean = ir.RankedTensorType.get(list(lhs.type.shape), ir.IntegerType.get_signless(1))
        return self.emit(
            "compare",
            [lhs, rhs],
            boolean,
            comparison_direction=stablehlo.ComparisonDirectionAttr.get(direction),
            compare_type=stablehlo.ComparisonTypeAttr.get(how or compare_type_of(lhs.type.element_type)),
        )

    def select(self, predicate: ir.Value, on_true: ir.Value, on_false: ir.Value) -> ir.Value:
        """A choice between two values of one type."""
        return self.emit("select", [predicate, on_true, on_false], on_true.type)

    def scalar(self, value: Any, element_type: ir.Type) -> ir.Value:
        """A rank-0 constant."""
        type = scalar_type(element_type)
        return self.emit("constant", [], type, value=elements.splat(type, value))

    def region(self, region: ir.Region, argument_types: Sequence[ir.Type], body: Body) -> None:
        """Fill a region with a block that ``body`` builds."""
        block = region.blocks.append(*argument_types, arg_locs=[self.loc] * len(argument_types))
        with self.building_at(ir.InsertionPoint(block)):
            self.op("return", body(list(block.arguments)), [])

    @contextmanager
    def building_at(self, ip: ir.InsertionPoint) -> Iterator[None]:
        """Build somewhere else for a while."""
        outer, self.ip = self.ip, ip
        try:
            yield
        finally:
            self.ip = outer
