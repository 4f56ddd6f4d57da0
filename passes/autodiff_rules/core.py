"""What derivative rules are: tables by operation name, and the emitter that rules build operations with.

An operation is differentiated by the first of these that knows it:

- ``ZERO``: its derivative is zero wherever it exists (floor, compare), or is declared to be (stop_gradient);
- ``ELEMENTWISE``: one function ``(g, y, *operands)`` for each operand, linear in ``g``: the term that the operand's
  tangent ``g`` adds to the result's, and the cotangent that the result's cotangent ``g`` adds to the operand's (the
  Jacobian of an elementwise function is diagonal, so it is its own transpose);
- ``JVP`` and ``VJP``: rules that take tangents (cotangents) and give tangents (cotangents), ``None`` meaning zero.
  ``LINEAR`` operations need no rule in ``JVP``: the tangent is the same operation on tangents;
- ``STRUCTURED_JVP`` and ``STRUCTURED_VJP``: rules of operations with regions or callees, which run the engine on these
  and may replace the operation by one with more results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.elementwise import result_type
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.simplify_rules.core import Rewriter

__all__ = [
    "ELEMENTWISE", "JVP", "LINEAR", "STRUCTURED_JVP", "STRUCTURED_VJP", "VJP", "ZERO", "Emitter", "has_jvp", "has_vjp",
    "jvp", "linear", "refuse", "structured_jvp", "structured_vjp", "vjp", "zero",
]  # fmt: skip

MaybeValue = ir.Value | None
JvpRule = Callable[[ir.Operation, Sequence[MaybeValue], "Emitter"], Sequence[MaybeValue]]
VjpRule = Callable[[ir.Operation, Sequence[MaybeValue], Sequence[bool], "Emitter"], Sequence[MaybeValue]]
# g (tangent or cotangent), the result and the operands, all wrapped for arithmetic; None for a term that is zero.
Term = Callable[..., Any]

ZERO: dict[str, str] = {}  # operation -> why its derivative is zero
ELEMENTWISE: dict[str, tuple[Term | None, ...]] = {}
LINEAR: dict[str, tuple[int, ...] | None] = {}  # operands in which it is linear; None: all of them together
JVP: dict[str, JvpRule] = {}
VJP: dict[str, VjpRule] = {}
STRUCTURED_JVP: dict[str, Callable[[ir.Operation, Any], None]] = {}
STRUCTURED_VJP: dict[
    str, Callable[[ir.Operation, Sequence[MaybeValue], Any], Sequence[tuple[ir.Value, MaybeValue]]]
] = {}


def _register(table: dict[str, Any], names: Sequence[str], value: Any) -> None:
    for name in names:
        if f"astra.{name}" in table:
            raise ValueError(f"two derivative rules for astra.{name}")
        table[f"astra.{name}"] = value


def _decorator(table: dict[str, Any]) -> Callable[..., Callable[[Any], Any]]:
    def of(*names: str) -> Callable[[Any], Any]:
        def register(rule: Any) -> Any:
            _register(table, names, rule)
            return rule

        return register

    return of


jvp = _decorator(JVP)
"""Decorator: ``rule(op, tangents of the operands, b) -> tangents of the results``."""
vjp = _decorator(VJP)
"""Decorator: ``rule(op, cotangents of the results, which operands need one, b) -> cotangents of the operands``."""
structured_jvp = _decorator(STRUCTURED_JVP)
"""Decorator: ``rule(op, engine)``, which puts the results' tangents into ``engine.tangents``."""
structured_vjp = _decorator(STRUCTURED_VJP)
"""Decorator: ``rule(op, cotangents of the results, engine) -> pairs of a value and what is added to its cotangent``."""


def zero(why: str, *names: str) -> None:
    """Declare that the derivative of the named operations is zero."""
    _register(ZERO, names, why)


def linear(*names: str, operands: tuple[int, ...] | None = (0,)) -> None:
    """Declare operations to be linear in some operands (``None``: in all of them together)."""
    _register(LINEAR, names, operands)


def has_jvp(name: str) -> bool:
    """Whether forward mode knows the operation ``name``."""
    return any(name in table for table in (ZERO, ELEMENTWISE, LINEAR, JVP, STRUCTURED_JVP))


def has_vjp(name: str) -> bool:
    """Whether reverse mode knows the operation ``name``."""
    return any(name in table for table in (ZERO, ELEMENTWISE, VJP, STRUCTURED_VJP))


def refuse(op: ir.Operation, why: str) -> NoReturn:
    """Raise :class:`UnsupportedError` naming the operation and its place."""
    raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' cannot be differentiated: {why}")


class Emitter(Rewriter):
    """Builds the operations of derivatives, at a place that the engine sets."""

    def before(self, op: ir.Operation, location: ir.Location | None = None) -> None:
        """Build in front of ``op`` from now on, with its location or the one given."""
        self._ip, self._location = ir.InsertionPoint(op), location or op.location

    def after(self, op: ir.Operation) -> None:
        """Build behind ``op`` from now on, with its location."""
        self._ip, self._location = ir.InsertionPoint.after(op), op.location

    def at_end(self, block: ir.Block, location: ir.Location) -> None:
        """Build at the end of a block that has no terminator yet."""
        self._ip, self._location = ir.InsertionPoint(block), location

    def locate(self, location: ir.Location) -> None:
        """Keep the place, and give what is built next this location."""
        self._location = location

    @property
    def place(self) -> tuple[ir.InsertionPoint, ir.Location]:
        """Where operations are built, to be restored by :meth:`return_to`."""
        assert self._ip is not None and self._location is not None
        return self._ip, self._location

    def return_to(self, place: tuple[ir.InsertionPoint, ir.Location]) -> None:
        """Build where :attr:`place` was."""
        self._ip, self._location = place

    # --- what rules are written in ---------------------------------------------------------------------------------

    def f(self, name: str, *operands: ir.Value, **attributes: Any) -> ir.Value:
        """Elementwise ``astra.<name>`` of operands of one shape."""
        return self.build(name, operands, result_type(name, *(x.type for x in operands)), **attributes)

    def full(self, type: ir.RankedTensorType, value: Any) -> ir.Value:
        """The constant tensor of a static type whose elements all are ``value``."""
        if not type.has_static_shape:
            raise UnsupportedError(
                f"{source_place(self.place[1])}: a derivative needs a constant of type {type}, whose shape is only "
                "known at run time; differentiate for static shapes"
            )
        return self.splat(value, type)

    def zeros(self, type: ir.RankedTensorType) -> ir.Value:
        """The zero of a static tensor type."""
        return self.full(type, 0)

    def zeros_like(self, value: ir.Value) -> ir.Value:
        """The zero of a value's type."""
        return self.zeros(value.type)

    def index_type(self, width: int = 32) -> ir.Type:
        """The element type of indices."""
        return ir.IntegerType.get_signless(width)

    def compare(self, direction: str, lhs: ir.Value, rhs: ir.Value) -> ir.Value:
        """``astra.compare`` with the compare type of the elements (floats: IEEE)."""
        kind = {"f": "FLOAT", "c": "FLOAT", "i": "SIGNED", "u": "UNSIGNED", "b": "UNSIGNED"}[self.info(lhs).kind]
        return self.f("compare", lhs, rhs, direction=direction, compare_type=kind)

    def select(self, predicate: ir.Value, on_true: ir.Value, on_false: ir.Value) -> ir.Value:
        """``astra.select``."""
        return self.build("select", (predicate, on_true, on_false), on_true.type)

    def convert(self, value: ir.Value, element: ir.Type) -> ir.Value:
        """The value with another element type (itself if it has that)."""
        info = self.info(value)
        return value if info.element == element else self.build("convert", (value,), self.type(info.shape, element))

    def broadcast(self, value: ir.Value, shape: Sequence[int], dimensions: Sequence[int]) -> ir.Value:
        """``astra.broadcast``: dimension ``i`` of ``value`` becomes ``dimensions[i]`` of ``shape``."""
        info = self.info(value)
        if info.shape == tuple(shape) and list(dimensions) == list(range(info.rank)):
            return value
        return self.build("broadcast", (value,), self.type(shape, info.element), dimensions=list(dimensions))

    def transpose(self, value: ir.Value, permutation: Sequence[int]) -> ir.Value:
        """``astra.transpose`` (nothing where the permutation is the identity)."""
        info = self.info(value)
        if list(permutation) == list(range(info.rank)):
            return value
        type = self.type([info.shape[d] for d in permutation], info.element)
        return self.build("transpose", (value,), type, permutation=list(permutation))

    def reduce(self, kind: str, value: ir.Value, dimensions: Sequence[int], init: Any = 0) -> ir.Value:
        """``astra.reduce`` of one value by a kind (``value`` itself where there are no dimensions)."""
        if not dimensions:
            return value
        info = self.info(value)
        type = self.type([size for d, size in enumerate(info.shape) if d not in dimensions], info.element)
        start = self.full(self.type((), info.element), init)
        return self.build("reduce", (value, start), type, dimensions=list(dimensions), kind=kind)

    def sum(self, value: ir.Value, dimensions: Sequence[int] | None = None) -> ir.Value:
        """The sum along dimensions (``None``: all)."""
        return self.reduce("add", value, range(self.info(value).rank) if dimensions is None else dimensions)

    def sum_to_shape_of(self, value: ir.Value, like: ir.Value) -> ir.Value:
        """The sum of all for a rank-0 ``like``, else ``value``: the transpose of using a scalar for all elements."""
        return self.sum(value) if not self.info(like).rank and self.info(value).rank else value

    def add(self, a: MaybeValue, b: MaybeValue) -> MaybeValue:
        """The sum of two (co)tangents, ``None`` being zero."""
        if a is None or b is None:
            return b if a is None else a
        return self.f("add", a, b)

    def iota(self, shape: Sequence[int], dimension: int, element: ir.Type) -> ir.Value:
        """Positions along a dimension."""
        return self.build("iota", (), self.type(shape, element), dimension=dimension)

    def term(self, function: Term, g: ir.Value, y: ir.Value, operands: Sequence[ir.Value]) -> MaybeValue:
        """Evaluate a row of ``ELEMENTWISE``."""
        found = function(Number(g, self), Number(y, self), *(Number(x, self) for x in operands))
        return found.value if isinstance(found, Number) else None


class Number:
    """A tensor with Python's arithmetic, which emits Astra operations; numbers stand for constant tensors."""

    def __init__(self, value: ir.Value, emitter: Emitter) -> None:
        self.value, self.b = value, emitter

    def _wrap(self, other: Any) -> Number:
        if isinstance(other, Number):
            return other
        return Number(self.b.full(self.value.type, np.asarray(other)), self.b)

    def __add__(self, other: Any) -> Number:
        return self.f("add", other)

    def __sub__(self, other: Any) -> Number:
        return self.f("subtract", other)

    def __rsub__(self, other: Any) -> Number:
        return self._wrap(other) - self

    def __mul__(self, other: Any) -> Number:
        return self.f("multiply", other)

    def __truediv__(self, other: Any) -> Number:
        return self.f("divide", other)

    def __neg__(self) -> Number:
        return self.f("negate")

    def f(self, name: str, *others: Any) -> Number:
        """Elementwise ``astra.<name>`` of this and others."""
        return Number(self.b.f(name, self.value, *(self._wrap(other).value for other in others)), self.b)

    def where(self, direction: str, bound: Any, on_true: Any, on_false: Any) -> Number:
        """``on_true`` where this compares so with ``bound``, else ``on_false`` (numbers of ``on_true``'s type)."""
        predicate = self.b.compare(direction, self.value, self._wrap(bound).value)
        chosen = on_true if isinstance(on_true, Number) else on_false
        values = [chosen._wrap(x).value for x in (on_true, on_false)]
        return Number(self.b.select(predicate, *values), self.b)

    @property
    def kind(self) -> str:
        """ "f" for floats, "c" for complex numbers."""
        return self.b.info(self.value).kind
