"""Simplify Astra programs: folding, algebra, dead code, common subexpressions, data movement, and loops.

Runs after import and inlining and again after loops are raised.  This module is the engine; what it knows about each
operation is in the tables of ``simplify_rules``.

The engine sweeps over the operations of each function in order: an operation is matched against the rules of its name,
then against equal operations that dominate it.  What a rule builds is simplified at once, its users come later in the
same sweep, and a sweep over nothing but unchanged operations ends the work.  (MLIR's greedy driver reached from Python
costs 10 us a rewrite; one visit here costs 3-5 us.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.simplify_rules import RULES
from astra_mlir.passes.simplify_rules.core import CHANGED, FREE, UNIQUE, Rewriter, Rule, is_removable, remove_dead

__all__ = ["Simplify", "simplify"]

MAX_SWEEPS = 16
MAX_DEPTH = 100  # of rules applied to what rules have built

_COMMUTATIVE = frozenset(f"astra.{n}" for n in ("add", "multiply", "maximum", "minimum", "and", "or", "xor"))

_Scope = dict[Any, ir.Operation]


class _Scopes:
    """Operations seen on the way from the function's entry to here, by what they compute."""

    def __init__(self) -> None:
        self.stack: list[_Scope] = []

    def find(self, key: Any, local: bool) -> ir.Operation | None:
        for scope in (self.stack[-1],) if local else reversed(self.stack):
            if key in scope:
                return scope[key]
        return None


def _key(op: ir.Operation, numbers: dict[ir.Value, int] | None = None) -> Any:
    """What an operation computes, as a key: equal keys mean equal results.

    ``numbers`` numbers the values that are local to the region being described.
    """
    operands: Any = op.operands
    operands = tuple(operands) if numbers is None else tuple(numbers.get(v, v) for v in operands)
    name = op.name
    attributes = op.attributes
    key = (
        name,
        frozenset(operands) if name in _COMMUTATIVE else operands,
        tuple(attributes.items()) if len(attributes) else (),
        tuple(result.type for result in op.results),
    )
    if not len(op.regions):
        return key
    numbers = {} if numbers is None else numbers
    return (key, tuple(_block_key(block, numbers) for region in op.regions for block in region.blocks))


def _block_key(block: ir.Block, numbers: dict[ir.Value, int]) -> Any:
    for argument in block.arguments:
        numbers[argument] = len(numbers)
    keys: list[Any] = [tuple(argument.type for argument in block.arguments)]
    for view in block.operations:
        op = view.operation
        keys.append(_key(op, numbers))
        for result in op.results:
            numbers[result] = len(numbers)
    return tuple(keys)


class _Engine:
    def __init__(self, rules: Mapping[str, Sequence[Rule]]) -> None:
        self.rules = rules
        self.rewriter = Rewriter()
        self.scopes = _Scopes()
        self.depth = 0

    def block(self, block: ir.Block) -> None:
        self.scopes.stack.append({})
        for view in list(block.operations):
            self.visit(view.operation)
        self.scopes.stack.pop()

    def visit(self, op: ir.Operation) -> None:
        if len(op.regions):
            for region in op.regions:
                for block in region.blocks:
                    self.block(block)
        name = op.name
        rules = self.rules.get(name)
        if rules is not None:
            rewriter = self.rewriter
            rewriter.at(op)
            created: list[ir.Operation] = []
            rewriter.created = created
            for rule in rules:
                replacement = rule(op, rewriter)
                if replacement is not None:
                    self._replace(op, replacement, created)
                    return
        if name in OPS and name not in UNIQUE:
            self._merge(op, name)

    def _replace(self, op: ir.Operation, replacement: Any, created: list[ir.Operation]) -> None:
        self.rewriter.changed = True
        if replacement is not CHANGED:
            values = (replacement,) if isinstance(replacement, ir.Value) else replacement
            for old, new in zip(op.results, values, strict=True):
                if new is not None:
                    old.replace_all_uses_with(new)
            op.erase()
        if self.depth < MAX_DEPTH:
            self.depth += 1
            for new in created:
                self.visit(new)
            self.depth -= 1

    def _merge(self, op: ir.Operation, name: str) -> None:
        """Replace ``op`` by an equal operation that dominates it, or note it for those to come."""
        key = _key(op)
        equal = self.scopes.find(key, local=name in FREE and name != "astra.constant")
        if equal is None:
            self.scopes.stack[-1][key] = op
        elif OPS[name].pure or is_removable(op):
            self.rewriter.changed = True
            for old, new in zip(op.results, equal.results, strict=True):
                old.replace_all_uses_with(new)
            op.erase()


def simplify(block: ir.Block, rules: Mapping[str, Sequence[Rule]] = RULES) -> None:
    """Simplify the operations of a block, regions included, until nothing changes."""
    engine = _Engine(rules)
    for _ in range(MAX_SWEEPS):
        remove_dead(block)
        engine.rewriter.changed = False
        engine.block(block)
        if not engine.rewriter.changed:
            break
    remove_dead(block)


@register_pass
@dataclass(frozen=True)
class Simplify(Pass):
    """Fold constants, apply algebraic identities, remove dead and repeated work, and simplify data movement and loops.

    Before::

        %0 = "astra.constant"() {value = dense<1.0> : tensor<4xf32>} : () -> tensor<4xf32>
        %1 = "astra.multiply"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        %2 = "astra.reshape"(%1) : (tensor<4xf32>) -> tensor<2x2xf32>
        %3 = "astra.reshape"(%2) : (tensor<2x2xf32>) -> tensor<1x4xf32>

    After::

        %0 = "astra.reshape"(%x) : (tensor<4xf32>) -> tensor<1x4xf32>

    Values never change: an identity is applied to floating-point numbers only where it holds for every operand, with
    signed zeros, infinities and NaNs (any NaN is as good as any other).  So ``x + (-0.0)`` and ``x * 1`` are ``x``, but
    ``x + 0.0`` and ``x * 0.0`` stay.  The exceptions are a power with exponent 2, 3 or -1, which becomes products or a
    quotient as in XLA, and sums with tensors of zeros into which a part was written (``simplify_rules/accumulation``):
    signs of zeros and, of scattered updates, the order of additions may change.  Large constants stay resources and are
    not folded by arithmetic.
    """

    name: ClassVar[str] = "astra-simplify"
    summary: ClassVar[str] = "fold constants, apply identities, remove dead and repeated work, simplify loops"

    def run(self, module: ir.Operation) -> None:
        """Simplify each function of ``module``."""
        for view in module.regions[0].blocks[0].operations:
            if view.operation.name == "func.func":
                for block in view.operation.regions[0].blocks:
                    simplify(block)
