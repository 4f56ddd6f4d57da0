"""A program whose values have shardings, as the program that each partition runs on its tiles.

After Shardy's passes (``partition/programs.py``) every value has a sharding and every operation a rule, which says
which dimensions of operands and results are one *factor* of the computation (``i``, ``j`` and ``k`` of a product).  An
operation computes on tiles of those factors that all its values share; for all others its operands are gathered first.
So what Shardy left inconsistent costs communication, never a wrong result.  Works on JAX's own MLIR bindings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import sdy, stablehlo

from astra_mlir.errors import UnsupportedError
from astra_mlir.partition.calls import CALLS
from astra_mlir.partition.inline import target_of
from astra_mlir.partition.meshes import Digit, Meshes, Sharding, count, independent, replicated
from astra_mlir.partition.moves import Mover, create, zeros

__all__ = ["Localizer", "plain"]

Digits = tuple[Digit, ...]

# A reduction whose body is one of these operations, started at its neutral element, is finished by an all-reduce.
_REDUCTIONS = {f"stablehlo.{name}": name for name in ("add", "multiply", "maximum", "minimum", "and", "or", "xor")}
# Sums pass through these one by one; of others, what is not yet added up is added up first.
_LINEAR = frozenset(
    f"stablehlo.{name}"
    for name in ("add", "subtract", "negate", "transpose", "reshape", "broadcast_in_dim", "slice", "real", "imag")
)
# What computes from where an element is, or with a state: on all of it, in each partition alike.
_WHOLE = frozenset(("stablehlo.rng", "stablehlo.rng_bit_generator", "stablehlo.composite", "stablehlo.dynamic_gather"))


def _refuse(op: Any, why: str) -> UnsupportedError:
    return UnsupportedError(f"{op.location}: '{op.name}' in a program for several devices: {why}")


def _is_array(value: Any) -> bool:
    return isinstance(value.type, ir.RankedTensorType)


class Localizer:
    """Rewrites one function in place."""

    def __init__(self, meshes: Meshes, mover: Mover) -> None:
        self.meshes, self.mover = meshes, mover
        self._known: dict[Any, tuple[tuple[int, ...], Sharding]] = {}  # the whole shape of each value, and its tiles

    # --- values

    def set(self, value: Any, shape: Sequence[int], sharding: Sharding) -> None:
        """Say what a value is; its type becomes that of a tile."""
        self._known[value] = (tuple(shape), sharding)
        if any(sharding.dims):
            value.set_type(ir.RankedTensorType.get(sharding.local(shape), value.type.element_type))

    def know(self, value: Any, shape: Sequence[int], sharding: Sharding) -> None:
        """Say of what a tile is one."""
        self._known[value] = (tuple(shape), sharding)

    def known(self, value: Any) -> tuple[tuple[int, ...], Sharding]:
        """The whole shape of a value, and its tiles."""
        return self._known[value]

    def moved(self, value: Any, want: Sharding) -> Any:
        """The value with another sharding, at the insertion point."""
        if not _is_array(value):
            return value
        shape, have = self._known[value]
        if have == want:
            return value
        result = self.mover.move(value, have, want)
        self._known[result] = (shape, want)
        return result

    def _shardings(self, op: Any, name: str, shapes: Sequence[Sequence[int] | None]) -> list[Sharding]:
        """Those of an attribute with one for each value; whole arrays where there is none."""
        if name not in op.attributes:
            return [replicated(len(shape or ())) for shape in shapes]
        attribute = op.attributes[name]
        if sdy.TensorShardingAttr.isinstance(attribute):
            return [self.meshes.sharding(attribute, shape or ()) for shape in shapes]
        given = sdy.TensorShardingPerValueAttr(attribute).shardings  # an operation without results may have one too
        return [self.meshes.sharding(s, shape or ()) for s, shape in zip(given, shapes, strict=False)]

    def wanted(self, op: Any) -> list[Sharding]:
        """The shardings that an operation's results should have."""
        shapes = [tuple(r.type.shape) if _is_array(r) else None for r in op.results]
        return self._shardings(op, "sdy.sharding", shapes)

    # --- blocks

    def function(self, op: Any, parameters: Sequence[Sharding], results: Sequence[Sharding]) -> None:
        """Arguments, body and results of a function; its type follows."""
        block = op.regions[0].blocks[0]
        for argument, sharding in zip(block.arguments, parameters, strict=True):
            if _is_array(argument):
                self.set(argument, argument.type.shape, sharding)
        self.block(block, results)
        returned = list(block.operations)[-1].operation
        types = [argument.type for argument in block.arguments], [value.type for value in returned.operands]
        op.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(*types))

    def block(self, block: Any, results: Sequence[Sharding]) -> None:
        """All operations; what the terminator gives has the shardings ``results``."""
        operations = [op.operation for op in block.operations]
        for op in operations[:-1]:
            if op == self.mover.anchor:
                continue
            with ir.InsertionPoint(op), op.location:
                self.operation(op)
        last = operations[-1]
        with ir.InsertionPoint(last), last.location:
            for i, (value, want) in enumerate(zip(list(last.operands), results, strict=True)):
                last.operands[i] = self.moved(value, want)

    def operation(self, op: Any) -> None:
        """One operation, with the insertion point in front of it."""
        special = _SPECIAL.get(op.name)
        if special is not None:
            special(self, op)
        elif op.name.startswith("sdy."):
            raise _refuse(op, "there is no way to localize it")
        else:
            self.by_rule(op)

    # --- operations with a rule

    def by_rule(self, op: Any) -> None:
        """On tiles of the factors that all values share."""
        for region in op.regions:
            plain(region)
        want = self.wanted(op)
        shapes = [tuple(r.type.shape) if _is_array(r) else () for r in op.results]
        have = [self._known[v] if _is_array(v) else ((), replicated(0)) for v in op.operands]
        rule = _Rule(op, [shape for shape, _ in have], shapes)
        due = _sums_that_pass(op, have, want)
        factors = rule.factors([sharding.dims for _, sharding in have], [sharding.dims for sharding in want])
        for i, value in enumerate(list(op.operands)):
            if _is_array(value):
                op.operands[i] = self.moved(value, Sharding(rule.dims(rule.operands[i], factors), due))
        sums = tuple(digit for f in rule.reduced for digit in factors[f])
        values = []
        for result, shape, mapping in zip(op.results, shapes, rule.results, strict=True):
            if _is_array(result):
                self.set(result, shape, Sharding(rule.dims(mapping, factors), due))
            values.append(result)
        self._sizes(op)
        if op.name == "stablehlo.scatter" and sums:  # what the updates are added to counts once
            for i in range(len(op.results)):
                op.operands[i] = self.mover.only_on_first(op.operands[i], sums)
        self._finish(op, values, want, sums)

    def _finish(self, op: Any, values: Sequence[Any], want: Sequence[Sharding], sums: Digits) -> None:
        """Reduce over partitions and reshard behind the operation, for all that uses its results."""
        with ir.InsertionPoint.after(op):
            for value, wanted in zip(values, want, strict=True):
                if not _is_array(value):
                    continue
                (shape, have), now, uses = self._known[value], value, list(value.uses)
                late = tuple(digit for digit in sums if digit in wanted.unreduced)
                soon = tuple(digit for digit in sums if digit not in wanted.unreduced)
                if soon:
                    now = self.mover.reduce(now, _reduction_of(op) or "add", soon)
                have = Sharding(have.dims, have.unreduced | set(late))
                self._known[now] = (shape, have)
                now = self.moved(now, wanted)
                if now is not value:
                    for use in uses:
                        use.owner.operands[use.operand_number] = now

    def _sizes(self, op: Any) -> None:
        """Sizes that an operation has as attributes."""
        if op.name == "stablehlo.dynamic_slice":
            op.attributes["slice_sizes"] = ir.DenseI64ArrayAttr.get(list(op.results[0].type.shape))
        elif op.name == "stablehlo.gather":
            sizes = list(ir.DenseI64ArrayAttr(op.attributes["slice_sizes"]))
            shape, sharding = self._known[op.operands[0]]
            local = sharding.local(shape)
            sizes = [n if n < whole else m for n, whole, m in zip(sizes, shape, local, strict=True)]
            op.attributes["slice_sizes"] = ir.DenseI64ArrayAttr.get(sizes)
        elif op.name == "stablehlo.slice":
            shape, sharding = self._known[op.operands[0]]
            limits = list(ir.DenseI64ArrayAttr(op.attributes["limit_indices"]))
            local = [n // count(d) if d else limit for n, d, limit in zip(shape, sharding.dims, limits, strict=True)]
            op.attributes["limit_indices"] = ir.DenseI64ArrayAttr.get(local)

    # --- operations of their own

    def _constant(self, op: Any) -> None:
        (want,) = self.wanted(op)
        shape = tuple(op.results[0].type.shape)
        new, tiled = _constant_of(op, want.local(shape))
        self._known[new] = (shape, Sharding(want.dims) if tiled else replicated(len(shape)))
        new = self.moved(new, want)
        op.results[0].replace_all_uses_with(new)
        op.erase()

    def _iota(self, op: Any) -> None:
        (want,) = self.wanted(op)
        result, dim = op.results[0], ir.IntegerAttr(op.attributes["iota_dimension"]).value
        shape, digits = tuple(result.type.shape), want.dims[dim]
        if not digits:
            self.set(result, shape, Sharding(want.dims))
            self._finish(op, [result], [want], ())
            return
        local, i32 = want.local(shape), ir.IntegerType.get_signless(32)
        places = ir.RankedTensorType.get(local, i32)
        counted = create("iota", [], [places], iota_dimension=op.attributes["iota_dimension"])
        begin = self.mover.offset(digits, local[dim])
        begin = create("broadcast_in_dim", [begin], [places], broadcast_dimensions=ir.DenseI64ArrayAttr.get([]))
        new = create("add", [counted, begin], [places])
        new = create("convert", [new], [ir.RankedTensorType.get(local, result.type.element_type)])
        self._known[new] = (shape, Sharding(want.dims))
        new = self.moved(new, want)
        result.replace_all_uses_with(new)
        op.erase()

    def _reshard(self, op: Any) -> None:
        """All that changes a sharding and no value."""
        value, name = op.operands[0], "out_sharding" if "out_sharding" in op.attributes else "sharding"
        shape = self._known[value][0]
        want = self._shardings(op, name, [shape])[0] if name in op.attributes else self._known[value][1]
        op.results[0].replace_all_uses_with(self.moved(value, want))
        op.erase()

    def _pass(self, op: Any) -> None:
        """Results are the operands."""
        if op.name.startswith("sdy."):
            op.results[0].replace_all_uses_with(op.operands[0])
            op.erase()
            return
        for value, result in zip(op.operands, op.results, strict=True):
            if _is_array(value):
                self.set(result, *self._known[value])

    def _manual(self, op: Any) -> None:
        """A region that is written for tiles: its operations take the operation's place."""
        ins = sdy.TensorShardingPerValueAttr(op.attributes["in_shardings"]).shardings
        outs = sdy.TensorShardingPerValueAttr(op.attributes["out_shardings"]).shardings
        names = list(sdy.ManualAxesAttr(op.attributes["manual_axes"]))
        manual: set[Digit] = set()
        for attribute in (*ins, *outs):
            manual |= self.meshes.manual(attribute, names)
        block = op.regions[0].blocks[0]
        with ir.InsertionPoint(op):
            for value, argument, attribute in zip(list(op.operands), block.arguments, ins, strict=True):
                if not _is_array(value):
                    argument.replace_all_uses_with(value)
                    continue
                sharding = self.meshes.sharding(attribute, self._known[value][0])
                now = self.moved(value, sharding)
                self._inner(argument, now, Sharding(sharding.without(manual).dims))
        shapes = [tuple(r.type.shape) if _is_array(r) else () for r in op.results]
        wholes = [self.meshes.sharding(a, shape) for a, shape in zip(outs, shapes, strict=True)]
        self.block(block, [whole.without(manual) for whole in wholes])
        returned = list(list(block.operations)[-1].operands)
        for inner_op in list(block.operations)[:-1]:
            inner_op.operation.move_before(op)
        with ir.InsertionPoint(op):
            for result, value, shape, whole in zip(op.results, returned, shapes, wholes, strict=True):
                if _is_array(result):
                    value = self._renamed(value)
                    self._known[value] = (shape, whole)
                result.replace_all_uses_with(value)
        op.erase()

    def _inner(self, argument: Any, value: Any, sharding: Sharding) -> None:
        """An argument of a region becomes a value from outside, which is another array there."""
        value = self._renamed(value)
        self._known[value] = (tuple(argument.type.shape), sharding)
        argument.replace_all_uses_with(value)

    def _renamed(self, value: Any) -> Any:
        """The same tile as a value of its own: one value is one array."""
        return create("reshape", [value], [value.type])

    def _while(self, op: Any) -> None:
        want = self.wanted(op)
        shapes = [tuple(r.type.shape) if _is_array(r) else () for r in op.results]
        for i, (value, sharding) in enumerate(zip(list(op.operands), want, strict=True)):
            op.operands[i] = self.moved(value, sharding)
        for region, results in zip(op.regions, ([replicated(0)], want), strict=True):
            block = region.blocks[0]
            for argument, shape, sharding in zip(block.arguments, shapes, want, strict=True):
                if _is_array(argument):
                    self.set(argument, shape, sharding)
            self.block(block, results)
        self._results(op, shapes, want)

    def _branches(self, op: Any) -> None:
        want = self.wanted(op)
        op.operands[0] = self.moved(op.operands[0], replicated(0))
        for region in op.regions:
            self.block(region.blocks[0], want)
        self._results(op, [tuple(r.type.shape) if _is_array(r) else () for r in op.results], want)

    def _results(self, op: Any, shapes: Sequence[Sequence[int]], want: Sequence[Sharding]) -> None:
        for result, shape, sharding in zip(op.results, shapes, want, strict=True):
            if _is_array(result):
                self.set(result, shape, sharding)

    def _custom_call(self, op: Any) -> None:
        """Where it runs in one device only (callbacks), that one tells the others what it gave."""
        asks = CALLS.get(target_of(op))
        if asks is not None:
            asks(self, op)
            return
        device = None
        if "sdy.sharding" in op.attributes:
            for attribute in sdy.TensorShardingPerValueAttr(op.attributes["sdy.sharding"]).shardings:
                device = self.meshes.only_device(attribute) if device is None else device
        if device is None:
            self.by_rule(op)
            return
        for i, value in enumerate(list(op.operands)):
            if _is_array(value):
                op.operands[i] = self.moved(value, replicated(len(self._known[value][0])))
        self._on_one(op, device)

    def _on_one(self, op: Any, device: int) -> None:
        i1 = ir.RankedTensorType.get([], ir.IntegerType.get_signless(1))
        partition = self.mover.partition()
        number = ir.DenseElementsAttr.get(np.array(device, np.uint32), signless=False)
        here = create("constant", [], [partition.type], value=number)
        direction = stablehlo.ComparisonDirectionAttr.get("EQ")
        chosen = create("compare", [partition, here], [i1], comparison_direction=direction)
        types = [result.type for result in op.results]
        branch = ir.Operation.create("stablehlo.if", results=types, operands=[chosen], regions=2)
        mine, others = (region.blocks.append() for region in branch.regions)
        tokens = [value for value in op.operands if not _is_array(value)]
        with ir.InsertionPoint(others):
            stablehlo.return_([zeros(t) if isinstance(t, ir.RankedTensorType) else tokens[0] for t in types])
        for result, new in zip(op.results, branch.results, strict=True):
            now = new
            if _is_array(new):
                now = self.mover.from_partition(new, device)
                self._known[now] = (tuple(new.type.shape), replicated(len(new.type.shape)))
            result.replace_all_uses_with(now)
        with ir.InsertionPoint(mine):
            end = stablehlo.return_(list(op.results))
        op.move_before(end.operation if end is not None else list(mine.operations)[-1].operation)

    def _get_size(self, op: Any) -> None:
        shape, _ = self._known[op.operands[0]]
        size = np.int32(shape[ir.IntegerAttr(op.attributes["dimension"]).value])
        new = create("constant", [], [op.results[0].type], value=ir.DenseElementsAttr.get(size))
        self._known[new] = ((), replicated(0))
        op.results[0].replace_all_uses_with(new)
        op.erase()


_SPECIAL: dict[str, Callable[[Localizer, Any], None]] = {
    "stablehlo.constant": Localizer._constant,
    "sdy.constant": Localizer._constant,
    "stablehlo.iota": Localizer._iota,
    "stablehlo.while": Localizer._while,
    "stablehlo.case": Localizer._branches,
    "stablehlo.if": Localizer._branches,
    "stablehlo.custom_call": Localizer._custom_call,
    "stablehlo.get_dimension_size": Localizer._get_size,
    "stablehlo.optimization_barrier": Localizer._pass,
    "sdy.propagation_barrier": Localizer._pass,
    "sdy.manual_computation": Localizer._manual,
    **dict.fromkeys(
        (
            "sdy.reshard", "sdy.sharding_constraint", "sdy.all_gather", "sdy.all_slice", "sdy.all_to_all",
            "sdy.collective_permute", "sdy.all_reduce", "sdy.reduce_scatter", "sdy.replicated_to_unreduced",
            "sdy.sharded_to_unreduced",
        ),
        Localizer._reshard,
    ),
}  # fmt: skip


def _constant_of(op: Any, shape: Sequence[int]) -> tuple[Any, bool]:
    """A constant of this shape if all elements are equal, otherwise the whole one; and whether it is the first."""
    whole = op.results[0].type
    type = ir.RankedTensorType.get(list(shape), whole.element_type)
    if isinstance(whole.element_type, ir.ComplexType):
        return _complex_constant(op, type)
    value = ir.DenseElementsAttr(op.attributes["value"])
    if not value.is_splat:
        return create("constant", [], [whole], value=value), False
    return create("constant", [], [type], value=ir.DenseElementsAttr.get_splat(type, value.get_splat_value())), True


def _complex_constant(op: Any, type: Any) -> tuple[Any, bool]:
    """The bindings refuse the elements of such a constant, so its text is taken instead."""
    if "sdy.sharding" in op.attributes:
        del op.attributes["sdy.sharding"]
    text = op.get_asm(print_generic_op_form=True).replace('"sdy.constant"', '"stablehlo.constant"')
    splat = "dense<(" in text
    if splat:
        text = text.replace(str(op.results[0].type), str(type))
    new = ir.Operation.parse(text)
    ir.InsertionPoint.current.insert(new)
    return new.results[0], splat


def plain(region: Any) -> None:
    """Take shardings out of a region that is no part of the partitioned program, such as a combiner."""
    for block in region.blocks:
        for op in [op.operation for op in block.operations]:
            if op.name == "sdy.constant":
                with ir.InsertionPoint(op), op.location:
                    op.results[0].replace_all_uses_with(_constant_of(op, op.results[0].type.shape)[0])
                op.erase()
            elif op.name in ("sdy.reshard", "sdy.sharding_constraint"):
                op.results[0].replace_all_uses_with(op.operands[0])
                op.erase()
            else:
                for inner in op.regions:
                    plain(inner)


# --- rules -----------------------------------------------------------------------------------------------------------


class _Rule:
    """Which dimensions are which factor, and of which factors tiles can be computed alone."""

    def __init__(self, op: Any, operands: Sequence[Sequence[int]], results: Sequence[Sequence[int]]) -> None:
        shapes = [*operands, *results]
        self.sizes: list[int] = []
        self.reduced: list[int] = []
        self.operands: list[list[list[int]]] = [[[] for _ in shape] for shape in operands]
        self.results: list[list[list[int]]] = [[[] for _ in shape] for shape in results]
        if "sdy.sharding_rule" not in op.attributes or op.name in _WHOLE:
            self._local: set[int] = set()
            if op.name.startswith("chlo.") and len(set(map(tuple, shapes))) == 1:
                self.sizes = list(shapes[0])
                self.operands = [[[d] for d in range(len(shapes[0]))] for _ in operands]
                self.results = [[[d] for d in range(len(shapes[0]))] for _ in results]
                self._local = set(range(len(shapes[0])))
            return
        rule = sdy.OpShardingRuleAttr(op.attributes["sdy.sharding_rule"])
        del op.attributes["sdy.sharding_rule"]
        self.sizes = list(rule.factor_sizes)
        self.operands = [_mapping(m) for m in rule.operand_mappings]
        self.results = [_mapping(m) for m in rule.result_mappings]
        whole = {*rule.need_replication_factors, *rule.permutation_factors}
        self.reduced = list(rule.reduction_factors)
        if not _reduction_of(op):
            whole |= set(self.reduced)
        for mapping, shape in zip((*self.operands, *self.results), shapes, strict=True):
            for factors, size in zip(mapping, shape, strict=True):
                if count_of(self.sizes, factors) != size:
                    whole |= set(factors)
        whole |= _not_local(op, self.operands, self.results, self.reduced)
        self._local = set(range(len(self.sizes))) - whole

    def factors(self, operands: Sequence[Sequence[Digits]], results: Sequence[Sequence[Digits]]) -> list[Digits]:
        """The digits that number the tiles of each factor."""
        choices: list[list[Digits]] = [[] for _ in self.sizes]
        for mapping, dims in (*zip(self.operands, operands, strict=True), *zip(self.results, results, strict=True)):
            for factors, digits in zip(mapping, dims, strict=True):
                for factor, part in self._parts(factors, digits).items():
                    choices[factor].append(part)
        chosen: list[Digits] = [()] * len(self.sizes)
        used: set[Digit] = set()
        for factor in sorted(self._local):
            digits = _agreed(choices[factor])
            while digits and (used & set(digits) or not independent(used | set(digits))):
                digits = digits[:-1]
            chosen[factor] = digits
            used |= set(digits)
        # Tiles of a dimension are contiguous: a factor has tiles only if those before it are numbered to the end.
        changed = True
        while changed:
            changed = False
            for factors in (f for mapping in (*self.operands, *self.results) for f in mapping):
                ended = False
                for factor in factors:
                    if ended and chosen[factor]:
                        chosen[factor], changed = (), True
                    ended = ended or count(chosen[factor]) != self.sizes[factor]
        return chosen

    def _parts(self, factors: Sequence[int], digits: Digits) -> dict[int, Digits]:
        """A dimension's digits, shared out among its factors."""
        parts: dict[int, Digits] = dict.fromkeys(factors, ())
        left = list(digits)
        for factor in factors:
            size = self.sizes[factor]
            while left and size % left[0].size == 0 and size > 1:
                size //= left[0].size
                parts[factor] += (left.pop(0),)
            if size > 1:
                break
        return parts

    def dims(self, mapping: Sequence[Sequence[int]], factors: Sequence[Digits]) -> tuple[Digits, ...]:
        """The digits of each dimension of a value."""
        return tuple(tuple(digit for f in dim for digit in factors[f]) for dim in mapping)


def _mapping(attribute: Any) -> list[list[int]]:
    mapping = sdy.TensorMappingAttr(attribute)
    return [list(sdy.DimMappingAttr(dim).factor_indices) for dim in mapping.dim_mappings]


def count_of(sizes: Sequence[int], factors: Sequence[int]) -> int:
    """The number of elements along a dimension made of these factors."""
    return int(np.prod([sizes[f] for f in factors], dtype=np.int64))


def _agreed(choices: Sequence[Digits]) -> Digits:
    """The longest if all others are its beginning; what all have in common otherwise."""
    if not choices:
        return ()
    longest = max(choices, key=len)
    if all(longest[: len(choice)] == choice for choice in choices):
        return longest
    shared = 0
    while all(len(c) > shared and c[shared] == choices[0][shared] for c in choices):
        shared += 1
    return choices[0][:shared]


def _reduction_of(op: Any) -> str | None:
    """How partial results of an operation are combined; None if they cannot be."""
    if op.name in ("stablehlo.dot_general", "stablehlo.dot", "stablehlo.convolution"):
        return "add"
    if op.name not in ("stablehlo.reduce", "stablehlo.scatter") or len(op.results) != 1:
        return None
    body = [inner.operation for inner in op.regions[0].blocks[0].operations]
    if len(body) != 2 or body[0].name not in _REDUCTIONS:
        return None
    kind = _REDUCTIONS[body[0].name]
    if op.name == "stablehlo.scatter":
        return kind if kind == "add" else None
    return kind if _is_neutral(op.operands[1], kind) else None


def _is_neutral(value: Any, kind: str) -> bool:
    if isinstance(value.owner, ir.Block) or value.owner.operation.name != "stablehlo.constant":
        return False
    maker = value.owner.operation
    if isinstance(value.type.element_type, ir.ComplexType):  # whose elements the bindings refuse
        return kind == "add" and "dense<(0.000000e+00,0.000000e+00)>" in maker.get_asm(print_generic_op_form=True)
    attribute = ir.DenseElementsAttr(maker.attributes["value"])
    scalar = attribute.get_splat_value() if attribute.is_splat else None
    element = value.type.element_type
    if isinstance(scalar, ir.FloatAttr):
        return bool(scalar.value == {"add": 0.0, "multiply": 1.0, "maximum": -np.inf, "minimum": np.inf}.get(kind))
    if isinstance(scalar, ir.IntegerAttr):
        width, signed = element.width, not element.is_unsigned
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed and width > 1 else (0, (1 << width) - 1)
        neutral = {"add": 0, "multiply": 1, "or": 0, "xor": 0, "and": -1, "maximum": low, "minimum": high}[kind]
        return (scalar.value - neutral) % (1 << width) == 0
    return False


def _not_local(op: Any, operands: Sequence[Any], results: Sequence[Any], reduced: Sequence[int]) -> set[int]:
    """Factors whose tiles an operation cannot compute alone, though its rule lets them pass."""

    def of(mapping: Any) -> set[int]:
        return {factor for dim in mapping for factor in dim}

    given = set().union(*map(of, operands)) if operands else set()
    made = set().union(*map(of, results)) if results else set()
    unseen = given - made - set(reduced)  # all of what only operands have counts
    if op.name in ("stablehlo.scatter", "stablehlo.dynamic_update_slice"):  # places count along these
        arrays = len(results)
        updates = operands[-1] if op.name == "stablehlo.scatter" else operands[1]
        return unseen | (set().union(*map(of, operands[:arrays])) - of(updates))
    if op.name == "stablehlo.convolution":
        groups = [ir.IntegerAttr(op.attributes[f"{side}_group_count"]).value for side in ("batch", "feature")]
        return unseen if groups == [1, 1] else given | made
    return unseen | (made - given) if op.name == "stablehlo.custom_call" else unseen


def _sums_that_pass(op: Any, have: Sequence[tuple[Any, Sharding]], want: Sequence[Sharding]) -> frozenset[Digit]:
    """Digits over which operands and results alike are not yet added up."""
    if op.name not in _LINEAR or not have:
        return frozenset()
    every = [sharding.unreduced for _, sharding in have] + [sharding.unreduced for sharding in want]
    return frozenset.intersection(*every)
