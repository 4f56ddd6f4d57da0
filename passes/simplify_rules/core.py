"""What a simplification rule is, the table of rules by operation, and the helpers that rules are written with.

A rule takes an operation and a :class:`Rewriter` and returns the values that replace the operation's results (``None``
among them for one that is unused), ``None`` where it does not apply, or :data:`CHANGED` where it changed the operation
in place.  Operations that a rule makes go in
front of the one it replaces and are simplified in turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS, build, elements
from astra_mlir.errors import DTypeError

__all__ = [
    "CHANGED", "FOLD_LIMIT", "FREE", "RULES", "UNIQUE", "Replacement", "Rewriter", "Rule", "TensorInfo", "defining",
    "has_uses", "is_removable", "remove_dead", "rule",
]  # fmt: skip

CHANGED = object()
"""Returned by a rule that changed the operation in place."""

Replacement = Any  # ir.Value | Sequence[ir.Value] | CHANGED | None
Rule = Callable[[ir.Operation, "Rewriter"], Replacement]

RULES: dict[str, list[Rule]] = {}

FOLD_LIMIT = 4096
"""Elements of the largest constant that arithmetic is folded to (splats are folded at any size)."""

FREE = frozenset(f"astra.{name}" for name in ("constant", "iota", "broadcast", "reshape"))
"""Operations that cost nothing where they are used, but memory when they are kept."""

UNIQUE = frozenset(("astra.rng", "astra.optimization_barrier", "astra.yield"))
"""Operations that are neither merged with equal ones nor moved out of loops."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorator: add a rule to the table of each named operation (tried in the order of definition)."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES.setdefault(f"astra.{name}", []).append(function)
        return function

    return register


@dataclass(frozen=True)
class TensorInfo:
    """What rules ask about a tensor type."""

    type: ir.RankedTensorType
    shape: tuple[int, ...]  # negative where dynamic
    element: ir.Type
    kind: str  # "b" i1, "i" signed or signless, "u" unsigned, "f" float, "c" complex, "?" anything else
    width: int

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def static(self) -> bool:
        """Whether every dimension is known."""
        return all(size >= 0 for size in self.shape)

    @property
    def size(self) -> int:
        """The number of elements (of a static type)."""
        return math.prod(self.shape)

    @property
    def integral(self) -> bool:
        """Whether elements are i1 or integers, for which arithmetic is exact modulo the width."""
        return self.kind in "biu"


def _info(type: ir.Type) -> TensorInfo:
    if not isinstance(type, ir.RankedTensorType):
        return TensorInfo(type, (), type, "?", 0)
    element = type.element_type
    kind, width = "?", 0
    if isinstance(element, ir.IntegerType):
        width = element.width
        kind = "b" if width == 1 else "u" if element.is_unsigned else "i"
    elif isinstance(element, ir.FloatType):
        kind, width = "f", element.width
    elif isinstance(element, ir.ComplexType):
        kind, width = "c", 2 * ir.FloatType(element.element_type).width
    return TensorInfo(type, tuple(type.shape), element, kind, width)


def defining(value: ir.Value, name: str | None = None) -> ir.Operation | None:
    """The operation that defines a value, if it is one (called ``astra.<name>``)."""
    owner = value.owner
    if isinstance(owner, ir.Block):
        return None
    op = owner.operation
    return op if name is None or op.name == f"astra.{name}" else None


def has_uses(op: ir.Operation) -> bool:
    """Whether any result of the operation is used."""
    return any(next(iter(result.uses), None) is not None for result in op.results)


def is_removable(op: ir.Operation) -> bool:
    """Whether the operation may disappear when its results are unused (nothing in it has a side effect)."""
    definition = OPS.get(op.name)
    if definition is None or definition.terminator:
        return False
    # Devices run the same code, so what none of them uses goes in all of them.
    effects = not definition.pure and definition.family != "collective"
    if effects and ("has_side_effect" not in op.attributes or op.attributes["has_side_effect"].value):
        return False
    if definition.regions:
        for region in op.regions:
            for block in region.blocks:
                if not all(is_removable(o.operation) or o.operation.name == "astra.yield" for o in block.operations):
                    return False
    return True


def remove_dead(block: ir.Block) -> bool:
    """Erase the operations of a block, and in its regions, whose results nobody uses; whether there were any."""
    changed = False
    for view in reversed(list(block.operations)):
        op = view.operation
        definition = OPS.get(op.name)
        if definition is not None and not definition.terminator and not has_uses(op) and is_removable(op):
            op.erase()
            changed = True
        elif len(op.regions):
            for region in op.regions:
                for nested in region.blocks:
                    changed |= remove_dead(nested)
    return changed


class Rewriter:
    """Builds operations in front of the one being simplified, and answers questions about types and constants."""

    def __init__(self) -> None:
        self.created: list[ir.Operation] = []
        self.changed = False
        self._anchor: ir.Operation | None = None
        self._ip: ir.InsertionPoint | None = None
        self._location: ir.Location | None = None
        self._infos: dict[ir.Type, TensorInfo] = {}
        self._splats: dict[ir.Attribute, Any] = {}

    def at(self, op: ir.Operation) -> None:
        """Build in front of ``op``, with its location, from now on."""
        self._anchor, self._ip = op, None

    def at_block_begin(self, block: ir.Block, location: ir.Location) -> None:
        """Build at the beginning of a block from now on."""
        self._ip, self._location = ir.InsertionPoint.at_block_begin(block), location

    def _place(self) -> dict[str, Any]:
        if self._ip is None:
            assert self._anchor is not None
            self._ip, self._location = ir.InsertionPoint(self._anchor), self._anchor.location
        return {"loc": self._location, "ip": self._ip}

    # --- building --------------------------------------------------------------------------------------------------

    def op(self, name: str, operands: Sequence[ir.Value], types: Sequence[ir.Type], **attributes: Any) -> ir.Operation:
        """Build ``astra.<name>``."""
        op = build(name, operands, types, **self._place(), **attributes)
        self.created.append(op)
        return op

    def build(self, name: str, operands: Sequence[ir.Value], type: ir.Type, **attributes: Any) -> ir.Value:
        """Build ``astra.<name>`` with one result."""
        return self.op(name, operands, (type,), **attributes).results[0]

    def copy(self, op: ir.Operation, operands: Sequence[ir.Value], type: ir.Type) -> ir.Value:
        """Build an operation of the same name and attributes on other operands (no regions, one result)."""
        new = ir.Operation.create(
            op.name, results=[type], operands=list(operands), attributes=dict(op.attributes.items()), **self._place()
        )  # fmt: skip
        self.created.append(new)
        return new.results[0]

    def constant(self, array: Any, type: ir.RankedTensorType) -> ir.Value:
        """A constant of the (static) type with an array's elements."""
        return self.build("constant", (), type, value=elements.from_numpy(array, type))

    def splat(self, value: Any, type: ir.RankedTensorType) -> ir.Value:
        """A constant of the (static) type whose elements all are ``value``."""
        return self.build("constant", (), type, value=elements.splat(type, value))

    def type(self, shape: Sequence[int], element: ir.Type) -> ir.RankedTensorType:
        """The tensor type of a shape and an element type."""
        return ir.RankedTensorType.get(list(shape), element)

    def reshape(self, value: ir.Value, shape: Sequence[int]) -> ir.Value:
        """``value`` with another static shape (itself where that is its shape)."""
        info = self.info(value)
        if info.shape == tuple(shape):
            return value
        return self.build("reshape", (value,), self.type(shape, info.element))

    # --- asking ----------------------------------------------------------------------------------------------------

    def info(self, value: ir.Value) -> TensorInfo:
        """Shape and element type of a value."""
        return self.info_of(value.type)

    def info_of(self, type: ir.Type) -> TensorInfo:
        """Shape and element type of a tensor type."""
        info = self._infos.get(type)
        if info is None:
            info = self._infos[type] = _info(type)
        return info

    def attribute(self, value: ir.Value) -> ir.Attribute | None:
        """The elements of a constant."""
        owner = value.owner
        if isinstance(owner, ir.Block) or owner.operation.name != "astra.constant":
            return None
        return owner.operation.attributes["value"]

    def splat_of(self, value: ir.Value) -> Any:
        """The one element (a NumPy scalar) of a splat or single-element constant; ``None`` for anything else."""
        attribute = self.attribute(value)
        if attribute is None:
            return None
        if attribute not in self._splats:
            info = self.info(value)
            known = info.kind != "?" and info.static and info.size > 0
            self._splats[attribute] = elements.splat_value(attribute) if known else None
        return self._splats[attribute]

    def array(self, value: ir.Value, limit: int = FOLD_LIMIT) -> np.ndarray | None:
        """The elements of a constant (of any size where it is a splat, else of at most ``limit`` elements)."""
        attribute = self.attribute(value)
        if attribute is None:
            return None
        info = self.info(value)
        if info.kind == "?" or info.size == 0 or (info.size > limit and not elements.is_splat(attribute)):
            return None
        try:
            return elements.to_numpy(attribute)
        except DTypeError:
            return None  # a resource whose data was left out of the text

    def integer(self, value: ir.Value) -> int | None:
        """The value of a constant that is one integer."""
        splat = self.splat_of(value)
        return int(splat) if splat is not None and self.info(value).kind in "biu" else None
