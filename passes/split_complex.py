"""``astra-split-complex``: every complex value becomes two real ones, before kernels are made.

For targets whose kernels have no complex elements: what handles reals (fusion, products, sorts, scatters) handles
complex programs then.  Arrays at the border of a function keep their memory: ``tensor<4xcomplex<f32>>`` becomes
``tensor<4x2xf32>``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.complex_arithmetic import compute, is_nonzero
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.linalg_rules.complex_scalar import FORMULAS
from astra_mlir.passes.simplify import Simplify
from astra_mlir.passes.simplify_rules.core import Rewriter
from astra_mlir.passes.traversal import walk

__all__ = ["SplitComplex"]

Parts = tuple[ir.Value, ir.Value]
Rule = Callable[["_Splitter", ir.Operation], "Sequence[ir.Value | Parts]"]
_RULES: dict[str, Rule] = {}

# Done on each part alone: they move elements, or are linear.
_EACH = {
    "broadcast", "concatenate", "dynamic_slice", "dynamic_update_slice", "exchange", "gather", "pad", "reshape",
    "reverse", "select", "slice", "transpose",
}  # fmt: skip
_LINEAR = {"reduce", "reduce_window", "cumulative", "scatter"}  # ... if what they do is to add, or to replace
# Operands and results become twice as many, in regions too.
_LISTS = {"if", "while", "scan", "optimization_barrier", "yield", "sort", "reduce", "reduce_window"}


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _RULES.update({f"astra.{name}": rule for name in names})
        return rule

    return register


def _is_complex(type: ir.Type) -> bool:
    return isinstance(type, ir.RankedTensorType) and isinstance(type.element_type, ir.ComplexType)


def _part(type: ir.Type) -> ir.Type:
    """The type of each part; other types as they are."""
    return ir.RankedTensorType.get(type.shape, type.element_type.element_type) if _is_complex(type) else type


def _types(values: Sequence[ir.Value]) -> list[ir.Type]:
    return [_part(v.type) for v in values for _ in range(1 + _is_complex(v.type))]


class _Splitter:
    """Rewrites one function."""

    def __init__(self) -> None:
        self.b = Rewriter()
        self.parts: dict[ir.Value, Parts] = {}
        self.gone: list[ir.Operation] = []

    def function(self, func: ir.Operation) -> None:
        block = func.regions[0].blocks[0]
        operations = [view.operation for view in block.operations]
        self.b.at_block_begin(block, func.location)
        for argument in block.arguments:
            if _is_complex(argument.type):
                part = _part(argument.type)
                whole = self.b.type([*part.shape, 2], part.element_type)
                argument.set_type(whole)
                self.parts[argument] = self.taken_apart(argument, part)
        for op in operations:
            self.operation(op)
        for op in reversed(self.gone):
            op.erase()
        end = block.operations[len(block.operations) - 1].operation
        kinds = [a.type for a in block.arguments], [v.type for v in end.operands]
        func.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(*kinds))

    def taken_apart(self, whole: ir.Value, part: ir.Type) -> Parts:
        shape = list(part.shape)
        halves = [
            self.b.build(
                "slice", (whole,), self.b.type([*shape, 1], part.element_type),
                start_indices=[0] * len(shape) + [i], limit_indices=[*shape, i + 1], strides=[1] * (len(shape) + 1),
            )
            for i in range(2)
        ]  # fmt: skip
        return self.b.reshape(halves[0], shape), self.b.reshape(halves[1], shape)

    def joined(self, value: ir.Value) -> ir.Value:
        """Both parts side by side, as complex numbers lie in memory."""
        shape, element = list(self.parts[value][0].type.shape), self.parts[value][0].type.element_type
        columns = [self.b.reshape(part, [*shape, 1]) for part in self.parts[value]]
        return self.b.build("concatenate", columns, self.b.type([*shape, 2], element), dimension=len(shape))

    def block(self, block: ir.Block) -> None:
        for op in [view.operation for view in block.operations]:
            self.operation(op)

    def operation(self, op: ir.Operation) -> None:
        if not any(value in self.parts or _is_complex(value.type) for value in (*op.operands, *op.results)):
            for region in op.regions:
                for block in region.blocks:
                    self.block(block)
            return
        self.b.at(op)
        if op.name == "func.return":
            with ir.InsertionPoint(op), op.location:
                values = [self.joined(v) if v in self.parts else v for v in op.operands]
                ir.Operation.create("func.return", operands=values)
            self.gone.append(op)
            return
        rule = _RULES.get(op.name)
        if rule is None:
            raise self.unsupported(op)
        self.gone.append(op)  # in front of what is in its regions, which is erased first
        for old, new in zip(op.results, rule(self, op), strict=True):
            if isinstance(new, tuple):
                self.parts[old] = new
            else:
                old.replace_all_uses_with(new)

    def unsupported(self, op: ir.Operation, what: str = "") -> UnsupportedError:
        return UnsupportedError(f"{source_place(op.location)}: {op.name}{what} of complex numbers runs on no GPU")

    def expanded(self, values: Sequence[ir.Value]) -> list[ir.Value]:
        """Real values, and both parts of complex ones."""
        return [part for value in values for part in self.parts.get(value, (value,))]

    def count(self, values: Sequence[ir.Value]) -> ir.Attribute:
        """How many values :meth:`expanded` gives."""
        return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), len(self.expanded(values)))

    def create(self, op: ir.Operation, operands: Sequence[ir.Value], results: Sequence[ir.Type]) -> ir.Operation:
        """The same operation on other values; its regions are still to be made."""
        attributes = {name: op.attributes[name] for name in op.attributes}
        return ir.Operation.create(
            op.name, results=list(results), operands=list(operands), attributes=attributes, regions=len(op.regions),
            loc=op.location, ip=ir.InsertionPoint(op),
        )  # fmt: skip

    def collected(self, op: ir.Operation, results: Sequence[ir.Value]) -> list[ir.Value | Parts]:
        """New results, two for each complex one."""
        values = iter(results)
        return [(next(values), next(values)) if _is_complex(old.type) else next(values) for old in op.results]

    def move_region(self, old: ir.Region, new: ir.Region, order: Sequence[tuple[int, int]] | None = None) -> None:
        """The block of a region with two arguments for each complex one; ``order`` names (argument, part) of each."""
        if not len(old.blocks):
            return
        source = old.blocks[0]
        arguments = list(source.arguments)
        if order is None:
            order = [(i, part) for i, a in enumerate(arguments) for part in range(1 + _is_complex(a.type))]
        block = new.blocks.append(*[_part(arguments[i].type) for i, _ in order])
        made = {key: block.arguments[i] for i, key in enumerate(order)}
        for i, argument in enumerate(arguments):
            if _is_complex(argument.type):
                self.parts[argument] = (made[i, 0], made[i, 1])
            else:
                argument.replace_all_uses_with(made[i, 0])
        for view in list(source.operations):
            view.operation.detach_from_parent()
            block.append(view)
        self.block(block)


def _each(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    """The operation on each part alone."""
    found = []
    for number in range(2):
        operands = [s.parts[v][number] if v in s.parts else v for v in op.operands]
        found.append(s.create(op, operands, [_part(op.results[0].type)]).results[0])
    return [(found[0], found[1])]


def _listed(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    new = s.create(op, s.expanded(list(op.operands)), _types(op.results))
    if op.name == "astra.scan":
        carries = list(op.operands)[: value_of(op, "num_carries")]
        new.attributes["num_carries"] = s.count(carries)
    order = None
    if op.name == "astra.sort":
        if "num_keys" in op.attributes or value_of(op, "kind") != "custom":
            keys = list(op.operands)[: value_of(op, "num_keys", 1)]
            new.attributes["num_keys"] = s.count(keys)
        order = [
            (2 * i + side, part)
            for i, value in enumerate(op.operands)
            for part in range(1 + (value in s.parts))
            for side in range(2)
        ]
    for old, region in zip(op.regions, new.regions, strict=True):
        s.move_region(old, region, order)
    return s.collected(op, list(new.results))


def _reduction(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    """Sums on each part; other combiners as regions on both."""
    kind = value_of(op, "kind")
    if kind in ("add", "update"):
        return _each(s, op)
    if op.name not in ("astra.reduce", "astra.reduce_window"):
        raise s.unsupported(op, f" of kind {kind}")
    if kind == "custom":
        return _listed(s, op)
    new = s.create(op, s.expanded(list(op.operands)), _types(op.results))
    new.attributes["kind"] = ir.StringAttr.get("custom")
    scalar = ir.RankedTensorType.get([], _part(op.results[0].type).element_type)
    block = new.regions[0].blocks.append(*[scalar] * 4)
    inner = Rewriter()
    inner.at_block_begin(block, op.location)
    a, b, c, d = block.arguments
    ir.Operation.create("astra.yield", operands=[*compute(inner, kind, [(a, b), (c, d)])], ip=ir.InsertionPoint(block))  # type: ignore[misc]
    return s.collected(op, list(new.results))


for _name in _EACH:
    _RULES[f"astra.{_name}"] = _each
for _name in _LISTS:
    _RULES[f"astra.{_name}"] = _listed
for _name in _LINEAR:
    _RULES[f"astra.{_name}"] = _reduction


@_rule(*FORMULAS)
def _formula(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    return [compute(s.b, op.name.removeprefix("astra."), [s.parts[v] for v in op.operands])]


@_rule("real", "imag")
def _component(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    return [s.parts[op.operands[0]][op.name == "astra.imag"]]


@_rule("complex")
def _complex(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    return [(op.operands[0], op.operands[1])]


@_rule("constant")
def _constant(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    type, array = _part(op.results[0].type), to_numpy(op.attributes["value"])
    return [
        (s.b.constant(np.ascontiguousarray(array.real), type), s.b.constant(np.ascontiguousarray(array.imag), type))
    ]


@_rule("iota")
def _iota(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    type = _part(op.results[0].type)
    return [(s.create(op, list(op.operands), [type]).results[0], s.b.splat(0, type))]


@_rule("convert")
def _convert(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    (operand,), type = op.operands, _part(op.results[0].type)
    if operand not in s.parts:
        return [(s.b.build("convert", (operand,), type), s.b.splat(0, type))]
    re, im = s.parts[operand]
    if _is_complex(op.results[0].type):
        return [(s.b.build("convert", (re,), type), s.b.build("convert", (im,), type))]
    if str(type.element_type) == "i1":
        return [s.b.build("or", (is_nonzero(s.b, re), is_nonzero(s.b, im)), type)]
    return [s.b.build("convert", (re,), type)]


@_rule("compare")
def _compare(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    direction = value_of(op, "direction")
    if direction not in ("EQ", "NE"):
        raise s.unsupported(op, f" {direction}")
    type = op.results[0].type
    pairs = zip(*(s.parts[v] for v in op.operands), strict=True)
    both = [s.b.build("compare", pair, type, direction=direction, compare_type="FLOAT") for pair in pairs]
    return [s.b.build("and" if direction == "EQ" else "or", both, type)]


@_rule("is_finite")
def _is_finite(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    type = op.results[0].type
    return [s.b.build("and", [s.b.build("is_finite", (p,), type) for p in s.parts[op.operands[0]]], type)]


@_rule("get_dimension_size")
def _size(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    return [s.create(op, [s.parts[op.operands[0]][0]], [op.results[0].type]).results[0]]


@_rule("bitcast_convert")
def _bitcast(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    if op.operands[0].type != op.results[0].type:
        raise s.unsupported(op)
    return [s.parts[op.operands[0]]]


@_rule("dot_general", "convolution")
def _product(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    """Four real products."""
    (a, b), type = (s.parts[v] for v in list(op.operands)[:2]), _part(op.results[0].type)
    rest = list(op.operands)[2:]
    (rr, ri), (ir_, ii) = (
        [s.create(op, [left, right, *rest], [type]).results[0] for right in b] for left in a
    )  # fmt: skip
    return [(s.b.build("subtract", (rr, ii), type), s.b.build("add", (ri, ir_), type))]


def _embedded(s: _Splitter, parts: Parts) -> ir.Value:
    """Matrices with each element as the real 2 x 2 matrix [[re, -im], [im, re]]."""
    re, im = parts
    shape, element = list(re.type.shape), re.type.element_type
    *batch, rows, columns = shape
    minus = s.b.build("negate", (im,), im.type)
    cells = [s.b.reshape(part, [*batch, rows, 1, columns, 1]) for part in (re, minus, im, re)]
    wide = s.b.type([*batch, rows, 1, columns, 2], element)
    lines = [s.b.build("concatenate", cells[i : i + 2], wide, dimension=len(shape) + 1) for i in (0, 2)]
    tall = s.b.type([*batch, rows, 2, columns, 2], element)
    return s.b.reshape(s.b.build("concatenate", lines, tall, dimension=len(shape) - 1), [*batch, 2 * rows, 2 * columns])


def _extracted(s: _Splitter, value: ir.Value, type: ir.Type) -> Parts:
    """The parts of what :func:`_embedded` gave: the first columns."""
    *batch, rows, columns = type.shape
    split = s.b.reshape(value, [*batch, rows, 2, columns, 2])
    shape = list(split.type.shape)
    found = []
    for i in range(2):
        begin, end = [0] * len(shape), list(shape)
        begin[-3], end[-3], end[-1] = i, i + 1, 1
        cut = s.b.build(
            "slice", (split,), s.b.type([e - b for b, e in zip(begin, end, strict=True)], type.element_type),
            start_indices=begin, limit_indices=end, strides=[1] * len(shape),
        )  # fmt: skip
        found.append(s.b.reshape(cut, type.shape))
    return found[0], found[1]


@_rule("cholesky")
def _cholesky(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    """The factor of the embedding is the embedding of the factor: its diagonal blocks are real multiples of 1."""
    type = _part(op.results[0].type)
    whole = _embedded(s, s.parts[op.operands[0]])
    return [_extracted(s, s.create(op, [whole], [whole.type]).results[0], type)]


@_rule("triangular_solve")
def _triangular_solve(s: _Splitter, op: ir.Operation) -> list[ir.Value | Parts]:
    """With the embedding of a matrix whose diagonal was divided away, and vectors whose parts take turns."""
    a, b = op.operands
    left, transpose = value_of(op, "left_side"), value_of(op, "transpose_a")
    matrix, known = s.parts[a], s.parts[b]
    if transpose == "TRANSPOSE":
        matrix = _conjugate(s, matrix)
    adjoint = transpose != "NO_TRANSPOSE"
    part = matrix[0].type
    rank = len(part.shape)
    if not value_of(op, "unit_diagonal"):
        diagonal = _diagonal(s, matrix)
        along = rank - 2 if left != adjoint else rank - 1  # rows where those are what the diagonal multiplies
        matrix = compute(s.b, "divide", [matrix, _spread(s, diagonal, part, along)])  # type: ignore[assignment]
        pivot = _conjugate(s, diagonal) if adjoint else diagonal
        pivot = _spread(s, pivot, known[0].type, rank - 2 if left else rank - 1)
        known = compute(s.b, "divide", [known, pivot])  # type: ignore[assignment]
    zero = s.b.splat(0.0, part)  # the diagonal counts as ones
    whole = _embedded(s, (matrix[0], s.b.build("select", (_is_diagonal(s, part), zero, matrix[1]), part)))
    element, shape = part.element_type, list(known[0].type.shape)
    turn = rank - 1 if left else rank  # of the parts, behind the dimension that is solved for
    re, im = known if left else _conjugate(s, known)
    cut = [*shape[:turn], 1, *shape[turn:]]
    joined = s.b.type([*shape[:turn], 2, *shape[turn:]], element)
    vectors = s.b.build("concatenate", [s.b.reshape(x, cut) for x in (re, im)], joined, dimension=turn)
    flat = list(shape)
    flat[turn - 1] *= 2
    new = s.create(op, [whole, s.b.reshape(vectors, flat)], [s.b.type(flat, element)])
    new.attributes["unit_diagonal"] = ir.BoolAttr.get(True)
    new.attributes["transpose_a"] = ir.StringAttr.get("TRANSPOSE" if adjoint else "NO_TRANSPOSE")
    found = s.b.reshape(new.results[0], joined.shape)
    halves = []
    for i in range(2):
        begin, end = [0] * len(joined.shape), list(joined.shape)
        begin[turn], end[turn] = i, i + 1
        half = s.b.build(
            "slice", (found,), s.b.type(cut, element), start_indices=begin, limit_indices=end, strides=[1] * len(cut)
        )
        halves.append(s.b.reshape(half, shape))
    parts = (halves[0], halves[1])
    return [parts if left else _conjugate(s, parts)]


def _conjugate(s: _Splitter, parts: Parts) -> Parts:
    return parts[0], s.b.build("negate", (parts[1],), parts[1].type)


def _is_diagonal(s: _Splitter, type: ir.Type) -> ir.Value:
    rank, i32 = len(type.shape), ir.IntegerType.get_signless(32)
    numbers = [s.b.build("iota", (), s.b.type(type.shape, i32), dimension=d) for d in (rank - 2, rank - 1)]
    truth = s.b.type(type.shape, ir.IntegerType.get_signless(1))
    return s.b.build("compare", numbers, truth, direction="EQ", compare_type="SIGNED")


def _diagonal(s: _Splitter, parts: Parts) -> Parts:
    """The diagonals of square matrices."""
    type = parts[0].type
    *batch, n, _ = type.shape
    rank, same = len(type.shape), _is_diagonal(s, type)
    zero, start = s.b.splat(0.0, type), s.b.splat(-0.0, s.b.type([], type.element_type))
    sums = [
        s.b.build(
            "reduce", (s.b.build("select", (same, p, zero), type), start), s.b.type([*batch, n], type.element_type),
            dimensions=[rank - 1], kind="add",
        )
        for p in parts
    ]  # fmt: skip
    return sums[0], sums[1]


def _spread(s: _Splitter, parts: Parts, type: ir.Type, along: int) -> Parts:
    """Vectors along a dimension of matrices, repeated in the other."""
    rank = len(type.shape)
    dimensions = [*range(rank - 2), along]
    re, im = (s.b.build("broadcast", (p,), type, dimensions=dimensions) for p in parts)
    return re, im


@register_pass
@dataclass(frozen=True)
class SplitComplex(Pass):
    """Write programs on complex numbers as programs on their real and imaginary parts.

    Before::

        func.func @f(%x: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
          %0 = "astra.multiply"(%x, %x) : (tensor<4xcomplex<f32>>, tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
          %1 = "astra.imag"(%0) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>

    After::

        func.func @f(%x: tensor<4x2xf32>) -> tensor<4xf32> {
          %re = ..., %im = ...  // slices of %x
          %1 = "astra.add"("astra.multiply"(%re, %im), "astra.multiply"(%im, %re)) : tensor<4xf32>

    Products are four real ones, sums are taken of each part, elementwise functions follow the formulas of
    ``astra-to-linalg``; matrices to be factored become real ones of twice the size.
    """

    name: ClassVar[str] = "astra-split-complex"
    summary: ClassVar[str] = "complex values to their real and imaginary parts"

    def run(self, module: ir.Operation) -> None:
        split = False
        for view in list(module.regions[0].blocks[0].operations):
            func = view.operation
            if func.name == "func.func" and len(func.regions[0].blocks) and _has_complex(func):
                _Splitter().function(func)
                split = True
        if split:
            Simplify().run(module)


def _has_complex(func: ir.Operation) -> bool:
    block = func.regions[0].blocks[0]
    if any(_is_complex(a.type) for a in block.arguments):
        return True
    return any(_is_complex(result.type) for op in walk(block) for result in op.results)
