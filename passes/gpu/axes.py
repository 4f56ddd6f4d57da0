"""What is known of integer tiles along each dimension: runs of successive numbers, their divisors, runs of equals.

From that follows how many elements one access may take: offsets that follow one another, the first of them aligned, and
a mask that is the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from astra_mlir.bindings import ir

__all__ = ["AxisAnalysis", "Facts"]

_LARGE = 1 << 30  # of what zero is divisible by


@dataclass(frozen=True)
class Facts:
    """Along each dimension: aligned groups of ``contiguity`` are successive numbers, whose first one is a multiple of
    ``divisibility``; aligned groups of ``constancy`` are equal.  ``value`` is that of a constant."""

    contiguity: tuple[int, ...]
    divisibility: tuple[int, ...]
    constancy: tuple[int, ...]
    value: int | None = None

    @staticmethod
    def unknown(shape: tuple[int, ...]) -> Facts:
        ones = (1,) * max(len(shape), 1)
        return Facts(ones, ones, ones)

    @staticmethod
    def same(shape: tuple[int, ...], divisor: int, value: int | None = None) -> Facts:
        """A scalar, or a tile of equal elements."""
        rank = max(len(shape), 1)
        return Facts((1,) * rank, (divisor,) * rank, tuple(shape) or (1,), value)

    @property
    def divisor(self) -> int:
        """A divisor of every element."""
        return max(d if c == 1 else 1 for c, d in zip(self.contiguity, self.divisibility, strict=True))

    def first(self, dim: int, count: int) -> int:
        """A divisor of the first number of each aligned group of ``count`` (at most the contiguity)."""
        own = self.divisibility[dim]
        return own if count >= self.contiguity[dim] else math.gcd(own, count)

    def join(self, other: Facts) -> Facts:
        """What holds of both."""
        contiguity = tuple(map(math.gcd, self.contiguity, other.contiguity))
        return Facts(
            contiguity,
            tuple(math.gcd(self.first(d, c), other.first(d, c)) for d, c in enumerate(contiguity)),
            tuple(map(math.gcd, self.constancy, other.constancy)),
            self.value if self.value == other.value else None,
        )


def _power(value: int) -> int:
    """The largest power of two that divides a number."""
    return value & -value if value else _LARGE


def _shape(value: ir.Value) -> tuple[int, ...]:
    return tuple(value.type.shape) if isinstance(value.type, ir.RankedTensorType) else ()


def constant_of(op: ir.Operation) -> int | None:
    """The number that an ``arith.constant`` gives, of a tile one that all elements have."""
    attribute = op.attributes["value"]
    if isinstance(attribute, ir.DenseElementsAttr):
        if not attribute.is_splat:
            return None
        attribute = attribute.get_splat_value()
    return int(attribute.value) if isinstance(attribute, ir.IntegerAttr | ir.BoolAttr) else None


Rule = Callable[["AxisAnalysis", ir.Operation], Facts]


class AxisAnalysis:
    """Facts about the integer values of a tile function, found on demand."""

    def __init__(self) -> None:
        self._facts: dict[ir.Value, Facts] = {}

    def __call__(self, value: ir.Value) -> Facts:
        if value not in self._facts:
            self._facts[value] = self._find(value)
        return self._facts[value]

    def _find(self, value: ir.Value) -> Facts:
        if isinstance(value.owner, ir.Block):
            return self._argument(value)
        rule = _RULES.get(value.owner.name)
        if rule is None:
            return self._loop_result(value) if value.owner.name == "scf.for" else Facts.unknown(_shape(value))
        return rule(self, value.owner.operation)

    def _argument(self, value: ir.Value) -> Facts:
        owner = value.owner.owner.operation
        number = ir.BlockArgument(value).arg_number
        shape = _shape(value)
        if owner.name == "func.func":
            return Facts.same(shape, argument_divisor(owner, number))
        if owner.name != "scf.for":
            return Facts.unknown(shape)
        if number == 0:
            return Facts.same(shape, math.gcd(self(owner.operands[0]).divisor, self(owner.operands[2]).divisor))
        yielded = _terminator(value.owner).operands[number - 1]
        return self._fixpoint(value, self(owner.operands[2 + number]), yielded)

    def _fixpoint(self, argument: ir.Value, facts: Facts, yielded: ir.Value) -> Facts:
        """What holds before the loop and after every iteration, from the most hopeful guess down."""
        facts = Facts(facts.contiguity, facts.divisibility, facts.constancy)
        known = dict(self._facts)
        for _ in range(8):
            self._facts = {**known, argument: facts}
            after = facts.join(self(yielded))
            if after == facts:
                break
            facts = after
        else:
            facts = Facts.unknown(_shape(argument))
        self._facts = {**known, argument: facts}
        return facts

    def _loop_result(self, value: ir.Value) -> Facts:
        owner = value.owner.operation
        number = list(owner.results).index(value)
        return self(owner.regions[0].blocks[0].arguments[number + 1])


def argument_divisor(func: ir.Operation, number: int) -> int:
    """What a launch promised of an argument: bytes of a pointer's alignment, a divisor of a scalar."""
    if "arg_attrs" not in func.attributes:
        return 1
    attributes = ir.DictAttr(ir.ArrayAttr(func.attributes["arg_attrs"])[number])
    if "astra.divisibility" not in attributes:
        return 1
    return _power(ir.IntegerAttr(attributes["astra.divisibility"]).value)


def _terminator(block: ir.Block) -> ir.Operation:
    return block.operations[len(block.operations) - 1].operation


# --- one rule for each operation --------------------------------------------------------------------------------------


def _constant(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    value = constant_of(op)
    shape = _shape(op.results[0])
    return Facts.unknown(shape) if value is None else Facts.same(shape, _power(value), value)


def _splat(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    inner = analysis(op.operands[0])
    return Facts.same(_shape(op.results[0]), inner.divisor, inner.value)


def _arange(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    return Facts(_shape(op.results[0]), (_power(ir.IntegerAttr(op.attributes["start"]).value),), (1,))


def _as_operand(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    return analysis(op.operands[0])


def _reshape(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    """Dimensions of 1 put in or left out keep what the others have; other reshapes keep groups of the last one."""
    inner, source, target = analysis(op.operands[0]), _shape(op.operands[0]), _shape(op.results[0])
    kept = [d for d, size in enumerate(source) if size != 1]
    if [source[d] for d in kept] != [size for size in target if size != 1]:
        return _regrouped(inner, source, target)
    places = iter(kept)
    dims = [next(places) if size != 1 else None for size in target]
    every = inner.divisor
    return Facts(
        tuple(1 if d is None else inner.contiguity[d] for d in dims),
        tuple(every if d is None else inner.divisibility[d] for d in dims),
        tuple(1 if d is None else inner.constancy[d] for d in dims),
        inner.value,
    )


def _regrouped(inner: Facts, source: tuple[int, ...], target: tuple[int, ...]) -> Facts:
    """Elements one after the other are that in any shape, as far as both shapes' last dimensions go."""
    last = max((d for d, size in enumerate(source) if size != 1), default=0)
    place = max((d for d, size in enumerate(target) if size != 1), default=0)
    run = math.gcd(inner.contiguity[last], target[place])
    contiguity, divisibility, constancy = [1] * len(target), [inner.divisor] * len(target), [1] * len(target)
    contiguity[place], divisibility[place] = run, inner.first(last, run)
    constancy[place] = math.gcd(inner.constancy[last], target[place])
    return Facts(tuple(contiguity), tuple(divisibility), tuple(constancy), inner.value)


def _broadcast(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    inner, source, target = analysis(op.operands[0]), _shape(op.operands[0]), _shape(op.results[0])
    grown = [a != b for a, b in zip(source, target, strict=True)]
    return Facts(
        tuple(1 if g else c for g, c in zip(grown, inner.contiguity, strict=True)),
        tuple(inner.divisor if g else d for g, d in zip(grown, inner.divisibility, strict=True)),
        tuple(size if g else c for g, size, c in zip(grown, target, inner.constancy, strict=True)),
        inner.value,
    )


def _transpose(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    inner, permutation = analysis(op.operands[0]), list(op.attributes["permutation"])
    fields = (inner.contiguity, inner.divisibility, inner.constancy)
    return Facts(*(tuple(field[p] for p in permutation) for field in fields), inner.value)


def _sum(sign: int) -> Rule:
    def rule(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
        a, b = (analysis(operand) for operand in op.operands)
        runs = [
            max(math.gcd(x.contiguity[d], y.constancy[d]) for x, y in ((a, b), (b, a))[: 2 if sign > 0 else 1])
            for d in range(len(a.contiguity))
        ]
        value = None if a.value is None or b.value is None else a.value + sign * b.value
        return Facts(
            tuple(runs),
            tuple(math.gcd(a.first(d, c), b.first(d, c)) for d, c in enumerate(runs)),
            tuple(map(math.gcd, a.constancy, b.constancy)),
            value,
        )

    return rule


def _product(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    a, b = (analysis(operand) for operand in op.operands)
    for one, other in ((a, b), (b, a)):
        if one.value == 1:
            return other
    divisor = min(a.divisor * b.divisor, _LARGE)
    rank = len(a.contiguity)
    value = None if a.value is None or b.value is None else a.value * b.value
    return Facts((1,) * rank, (divisor,) * rank, tuple(map(math.gcd, a.constancy, b.constancy)), value)


def _quotient(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    a, b = (analysis(operand) for operand in op.operands)
    rank = len(a.contiguity)
    constancy = tuple(map(math.gcd, a.constancy, b.constancy))
    if b.value is None or b.value <= 0:
        return Facts((1,) * rank, (1,) * rank, constancy)
    runs = tuple(
        max(constancy[d], math.gcd(math.gcd(a.contiguity[d], a.divisibility[d]), _power(b.value))) for d in range(rank)
    )
    exact = a.divisor % b.value == 0
    divisor = _power(a.divisor // b.value) if exact else 1
    value = None if a.value is None else a.value // b.value if a.value >= 0 else None
    return Facts((1,) * rank, (divisor,) * rank, runs, value)


def _remainder(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    a, b = (analysis(operand) for operand in op.operands)
    rank = len(a.contiguity)
    constancy = tuple(map(math.gcd, a.constancy, b.constancy))
    if b.value is None or b.value <= 0:
        divisor = math.gcd(a.divisor, b.divisor)
        return Facts((1,) * rank, (divisor,) * rank, constancy)
    runs = tuple(math.gcd(math.gcd(a.contiguity[d], a.first(d, a.contiguity[d])), _power(b.value)) for d in range(rank))
    divisors = tuple(math.gcd(a.first(d, c), _power(b.value)) for d, c in enumerate(runs))
    return Facts(runs, divisors, constancy)


_SIGNED_LESS, _UNSIGNED_LESS = (2, 5), (6, 9)  # slt, sge; ult, uge
_MORE = (4, 3, 8, 7)  # sgt, sle; ugt, ule: less with the sides exchanged


def _comparison(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    """A run [s, s+g) is wholly below a number or wholly not, where both s and the number are multiples of g."""
    a, b = (analysis(operand) for operand in op.operands)
    predicate = ir.IntegerAttr(op.attributes["predicate"]).value
    if predicate in _MORE:
        a, b = b, a
    rank = len(a.contiguity)
    constancy = [math.gcd(x, y) for x, y in zip(a.constancy, b.constancy, strict=True)]
    if predicate in (*_SIGNED_LESS, *_UNSIGNED_LESS, *_MORE):
        for d in range(rank):
            group = math.gcd(a.contiguity[d], b.constancy[d])
            group = math.gcd(math.gcd(group, a.first(d, group)), b.first(d, 1) if b.contiguity[d] == 1 else 1)
            constancy[d] = max(constancy[d], group)
    return Facts((1,) * rank, (1,) * rank, tuple(constancy))


def _combined(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    """Any function of each element alone: equal operands give equal results."""
    facts = [analysis(operand) for operand in op.operands if _shape(operand) == _shape(op.results[0])]
    shape = _shape(op.results[0])
    if not facts:
        return Facts.unknown(shape)
    constancy = facts[0].constancy
    for other in facts[1:]:
        constancy = tuple(map(math.gcd, constancy, other.constancy))
    ones = (1,) * len(constancy)
    return Facts(ones, ones, constancy)


def _chosen(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    """One of two values: what both have, as far as the condition is the same."""
    condition, a, b = (analysis(operand) for operand in op.operands)
    both = a.join(b)
    if not _shape(op.operands[0]):
        return both
    runs = tuple(map(math.gcd, both.contiguity, condition.constancy))
    return Facts(
        runs,
        tuple(math.gcd(a.first(d, c), b.first(d, c)) for d, c in enumerate(runs)),
        tuple(map(math.gcd, both.constancy, condition.constancy)),
    )


def _extreme(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    a, b = (analysis(operand) for operand in op.operands)
    rank = len(a.contiguity)
    divisor = math.gcd(a.divisor, b.divisor)
    return Facts((1,) * rank, (divisor,) * rank, tuple(map(math.gcd, a.constancy, b.constancy)))


def _shift(analysis: AxisAnalysis, op: ir.Operation) -> Facts:
    a, b = (analysis(operand) for operand in op.operands)
    rank = len(a.contiguity)
    divisor = a.divisor << b.value if b.value is not None and 0 <= b.value < 32 else 1
    return Facts((1,) * rank, (min(divisor, _LARGE),) * rank, tuple(map(math.gcd, a.constancy, b.constancy)))


_RULES: dict[str, Rule] = {
    "arith.constant": _constant,
    "tensor.splat": _splat,
    "astra.tile_arange": _arange,
    "astra.tile_reshape": _reshape,
    "astra.tile_broadcast": _broadcast,
    "astra.tile_transpose": _transpose,
    "arith.addi": _sum(1),
    "arith.subi": _sum(-1),
    "arith.muli": _product,
    "arith.divsi": _quotient,
    "arith.divui": _quotient,
    "arith.floordivsi": _quotient,
    "arith.remsi": _remainder,
    "arith.remui": _remainder,
    "arith.cmpi": _comparison,
    "arith.select": _chosen,
    "arith.minsi": _extreme,
    "arith.maxsi": _extreme,
    "arith.minui": _extreme,
    "arith.maxui": _extreme,
    "arith.shli": _shift,
    "astra.tile_convert": _as_operand,
    **dict.fromkeys(("arith.extsi", "arith.extui", "arith.trunci", "arith.index_cast"), _as_operand),
    **dict.fromkeys(("arith.andi", "arith.ori", "arith.xori", "arith.cmpf"), _combined),
}
