"""Vectorize functions: from a function of one example to the function of a batch of them (the expansion of astra.vmap).

The engine walks a function once, in order, and knows of every value which of its dimensions is the batch, if any.  What
is the same for all applications is copied; for all else the rules of ``vectorize_rules`` build the batched operation.
There are no loops over the batch: a rule gives operations one more dimension.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.dialects.checks import DYNAMIC
from astra_mlir.dialects.transforms import SYMBOL_ATTRIBUTES
from astra_mlir.errors import AstraError, UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.inline import copy_body, symbols_used
from astra_mlir.passes.transforms import (
    DERIVATIONS,
    Expansion,
    entry_block,
    expand,
    find_function,
    functions_of,
    prepare,
    unnamed_functions,
)
from astra_mlir.passes.traversal import replace_operands, walk
from astra_mlir.passes.vectorize_rules import RULES
from astra_mlir.passes.vectorize_rules.core import SHARED, SUM, Batch, Batcher, refuse, require_static
from astra_mlir.passes.vectorize_rules.varying import Varying

__all__ = ["Vectorize", "Vectorizer", "vectorize"]

# Whose regions may use batched values from outside.
_CAPTURING = frozenset(
    f"astra.{name}" for name in ("scan", "while", "if", "reduce", "reduce_window", "sort", "scatter")
)
_BATCH = 2  # examples where no axis-size is given
_DYNAMIC_RESULTS = frozenset({"astra.set_dimension_size"})


class Vectorized(NamedTuple):
    """A function's batched form: its name, and where each result has the batch."""

    name: str
    dims: tuple[int | None, ...]


class _Body(Batcher):
    """Builds the batched form of one function's operations."""

    def __init__(
        self, vectorizer: Vectorizer, size: int, ip: ir.InsertionPoint, loc: ir.Location, marked: set[ir.Value]
    ) -> None:
        super().__init__(size, ip, loc)
        self.vectorizer = vectorizer
        self.marked = marked

    def is_batched(self, value: ir.Value) -> bool:
        return value in self.marked

    def function(self, name: str, dims: Sequence[int | None], out_axes: Sequence[int] | None = None) -> Vectorized:
        return self.vectorizer.function(name, self.size, dims, out_axes)

    def batched_results(self, name: str, batched: Sequence[bool]) -> list[bool]:
        return self.vectorizer.varying.function(name, batched)

    def program(self, data: bytes, operands: Sequence[ir.Value]) -> list[ir.Value]:
        return self.vectorizer.program(data, operands, self.ip, self.loc)

    def elementwise(self, shape: Sequence[int], block: ir.Block) -> _Body:
        size = math.prod(shape)
        marked = set(block.arguments)
        body = _Body(self.vectorizer, size, self.ip, self.loc, marked)
        for old in dict.fromkeys(value for op in walk(block) for value in op.operands):
            batch = self.environment.get(old)
            if batch is None:
                continue
            if batch.dim is not None:
                own = list(old.type.shape)
                spread = self.broadcast(
                    self.front(batch), [*shape, *own], [0, *range(len(shape), len(shape) + len(own))]
                )
                batch = Batch(self.reshape(spread, [size, *own]), 0)
                marked.add(old)
            body.bind(old, batch)
        self.vectorizer.varying.block(block, marked)
        return body

    def inline(self, block: ir.Block, arguments: Sequence[Batch]) -> list[Batch]:
        for old, new in zip(block.arguments, arguments, strict=True):
            self.bind(old, new)
        *operations, end = (view.operation for view in block.operations)
        location = self.loc
        for op in operations:
            self.loc = op.location
            for old, new in zip(op.results, self._convert(op), strict=True):
                self.bind(old, new)
        self.loc = location
        return [self.environment[value] for value in end.operands]

    def _convert(self, op: ir.Operation) -> Sequence[Batch]:
        args = [self.environment[value] for value in op.operands]
        batched = any(arg.dim is not None for arg in args)
        if len(op.regions) and self.uses_batched(op):
            if op.name not in _CAPTURING:
                refuse(op, "its region uses a value from outside that differs between applications; write it as a "
                           "scatter, whose function may")  # fmt: skip
            batched = True
        if not batched:
            copy = op.clone(ip=self.ip).operation
            replace_operands(copy, self.values)
            return [Batch(result) for result in copy.results]
        rule = RULES.get(op.name)
        if rule is None:
            refuse(op, "there is no rule for it")
        if op.name not in _DYNAMIC_RESULTS:
            require_static(op)
        return rule(op, args, self)

    def uses_batched(self, op: ir.Operation) -> bool:
        return any(
            value in self.marked
            for region in op.regions
            for block in region.blocks
            for nested in walk(block)
            for value in nested.operands
        )


class Vectorizer:
    """Makes batched forms of a module's functions, each once."""

    def __init__(self, expansion: Expansion) -> None:
        self.expansion = expansion
        self.functions = expansion.functions
        self.varying = Varying(self._lookup)
        self._made: dict[tuple[object, ...], Vectorized] = {}

    def _lookup(self, name: str) -> ir.Operation:
        """A function without calls and transformations in it."""
        self.expansion.make_ready(name)
        return self.functions[name]

    def vectorize(
        self, name: str, axis_size: int, in_axes: Sequence[int], out_axes: Sequence[int] | None = None
    ) -> ir.Operation:
        """The batched form of function ``name``, as :func:`vectorize` gives it."""
        function = self._lookup(name)
        type = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        if axis_size < 0:
            raise AstraError(f"the axis size must not be negative, but is {axis_size}")
        out_axes = [0] * len(type.results) if out_axes is None else out_axes
        for what, axes, types in (("in", in_axes, type.inputs), ("out", out_axes, type.results)):
            _check_axes(name, what, axes, types)
        dims = [None if axis == SHARED else axis for axis in in_axes]
        return self.functions[self.function(name, axis_size, dims, out_axes).name]

    def function(
        self, name: str, size: int, dims: Sequence[int | None], out_axes: Sequence[int] | None = None
    ) -> Vectorized:
        """The batched form for arguments batched in ``dims``; results as ``out_axes`` says, or where they come out."""
        key = (name, size, tuple(dims), None if out_axes is None else tuple(out_axes))
        if key not in self._made:
            function = self._lookup(name)
            new = self._declare(function)
            if out_axes is not None:  # known before it is built: a derivative rule may use the function it is for
                self._made[key] = Vectorized(_symbol(new), tuple(axis if axis >= 0 else None for axis in out_axes))
            try:
                self._made[key] = self._build(function, new, size, dims, out_axes)
            except AstraError:
                del self.functions[_symbol(new)]
                new.erase()
                raise
        return self._made[key]

    def _declare(self, function: ir.Operation) -> ir.Operation:
        """A new function behind another one, without a body yet."""
        name = self.expansion.new_name(f"{_symbol(function)}.vmap")
        new = ir.Operation.create(
            "func.func", regions=1, loc=function.location, ip=ir.InsertionPoint.after(function),
            attributes={
                "sym_name": ir.StringAttr.get(name), "sym_visibility": ir.StringAttr.get("private"),
                "function_type": function.attributes["function_type"],
            },
        )  # fmt: skip
        self.functions[name] = new
        return new

    def _build(
        self, function: ir.Operation, new: ir.Operation, size: int, dims: Sequence[int | None],
        out_axes: Sequence[int] | None,
    ) -> Vectorized:  # fmt: skip
        name, place = _symbol(function), source_place(function.location)
        block = entry_block(function)
        types = [argument.type for argument in block.arguments]
        for number, (type, dim) in enumerate(zip(types, dims, strict=True)):
            if dim is not None and (not isinstance(type, ir.RankedTensorType) or DYNAMIC in type.shape):
                raise UnsupportedError(
                    f"{place}: argument {number} of @{name} is {type}, which cannot be batched; write the program for "
                    "static shapes"
                )
        marked = {argument for argument, dim in zip(block.arguments, dims, strict=True) if dim is not None}
        self.varying.block(block, marked)
        body = _Body(self, size, ir.InsertionPoint(new), function.location, marked)
        batched = [type if dim is None else body.with_batch(type, dim) for type, dim in zip(types, dims, strict=True)]
        new_block = new.regions[0].blocks.append(*batched, arg_locs=[argument.location for argument in block.arguments])
        body.ip = ir.InsertionPoint(new_block)
        results = body.inline(block, [Batch(arg, dim) for arg, dim in zip(new_block.arguments, dims, strict=True)])
        if out_axes is not None:
            end = block.operations[len(block.operations) - 1].operation
            results = [
                _placed(body, result, axis, f"{source_place(_place(value, end))}: result {i} of @{name}")
                for i, (result, axis, value) in enumerate(zip(results, out_axes, end.operands, strict=True))
            ]
        values = [result.value for result in results]
        ir.Operation.create("func.return", operands=values, loc=function.location, ip=body.ip)
        function_type = ir.FunctionType.get(batched, [value.type for value in values])
        new.attributes["function_type"] = ir.TypeAttr.get(function_type)
        return Vectorized(_symbol(new), tuple(result.dim for result in results))

    def program(
        self, data: bytes, operands: Sequence[ir.Value], ip: ir.InsertionPoint, loc: ir.Location
    ) -> list[ir.Value]:
        """Build the operations of another program's ``@main``, whose other functions become functions of the module."""
        given = stablehlo.deserialize_portable_artifact(loc.context, data)
        with loc.context, ir.Location.unknown():
            prepare(given.operation)
        names = {name: self.expansion.new_name(name) for name in functions_of(given.operation)}
        module = self.expansion.module.regions[0].blocks[0]
        for old, function in functions_of(given.operation).items():
            copy = function.clone(ip=ir.InsertionPoint(module)).operation
            copy.attributes["sym_name"] = ir.StringAttr.get(names[old])
            copy.attributes["sym_visibility"] = ir.StringAttr.get("private")
            for block in copy.regions[0].blocks:
                for op in walk(block):
                    for attribute in SYMBOL_ATTRIBUTES:
                        if attribute in op.attributes:
                            renamed = names[ir.FlatSymbolRefAttr(op.attributes[attribute]).value]
                            op.attributes[attribute] = ir.FlatSymbolRefAttr.get(renamed)
            self.functions[names[old]] = copy
        return copy_body(self.expansion.body(names["main"]), operands, ip, loc)[1]


def _placed(body: _Body, result: Batch, axis: int, what: str) -> Batch:
    """A result with the batch where it has to be."""
    if axis >= 0:
        return Batch(body.at(result, axis), axis)
    if axis == SHARED and result.dim is not None:
        raise AstraError(
            f"{what} differs between applications, but its out axis is -1, which demands one value for all; give it an "
            "out axis of 0 or more"
        )
    if axis == SUM and result.dim is not None:
        element = result.value.type.element_type
        zero = body.splat(0, ir.RankedTensorType.get([], element))
        shape = [n for d, n in enumerate(result.value.type.shape) if d != result.dim]
        total = body.op(
            "reduce", (result.value, zero), (body.type(shape, element),), dimensions=(result.dim,), kind="add"
        )
        return Batch(total.results[0])
    return result


def _place(value: ir.Value, end: ir.Operation) -> ir.Location:
    owner = value.owner
    return end.location if isinstance(owner, ir.Block) else owner.operation.location


def _symbol(op: ir.Operation) -> str:
    return ir.StringAttr(op.attributes["sym_name"]).value


def _check_axes(name: str, what: str, axes: Sequence[int], types: Sequence[ir.Type]) -> None:
    things = "arguments" if what == "in" else "results"
    if len(axes) != len(types):
        raise AstraError(f"@{name} has {len(types)} {things}, but there are {len(axes)} {what} axes: {list(axes)}")
    for number, (axis, type) in enumerate(zip(axes, types, strict=True)):
        if axis == SHARED:
            continue
        rank = len(type.shape) if isinstance(type, ir.RankedTensorType) else 0
        if not 0 <= axis <= rank:
            raise AstraError(
                f"{what} axis {axis} of {things[:-1]} {number} of @{name}, {type}, is not from 0 to {rank} (or -1 for "
                "what is not batched)"
            )


def vectorize(
    function_op: ir.Operation, axis_size: int, in_axes: Sequence[int], out_axes: Sequence[int] | None = None
) -> ir.Operation:
    """The batched form of a ``func.func``: a new private function beside it that works on ``axis_size`` examples.

    ``in_axes`` has for each argument the dimension at which the batch is inserted, or -1 for one that all applications
    share; ``out_axes`` (all 0 by default) the same for results, where -1 demands a result that does not differ between
    applications.  The function must be in the Astra dialect, of static shapes, without transformation operations.

    Raises :class:`AstraError` for axes that do not fit, and for a result that differs where its out axis is -1;
    :class:`UnsupportedError`, with the place in the source, for what has no batched form (unknown custom calls).
    """
    parent = function_op.parent
    assert parent is not None
    return Vectorizer(Expansion(parent.operation)).vectorize(_symbol(function_op), axis_size, in_axes, out_axes)


def _derive(expansion: Expansion, callee: ir.Operation, attributes: dict[str, Any]) -> ir.Operation:
    """What ``astra.vmap`` makes of a function."""
    return Vectorizer(expansion).vectorize(
        _symbol(callee), attributes["axis_size"], attributes["in_axes"], attributes["out_axes"]
    )


DERIVATIONS["astra.vmap"] = _derive


# --- the pass --------------------------------------------------------------------------------------------------------


@register_pass
@dataclass(frozen=True)
class Vectorize(Pass):
    """Give operations a batch dimension: of one function, or of every callee of ``astra.vmap``.

    Before::

        func.func public @main(%x: tensor<4xf32>, %w: tensor<4x3xf32>) -> tensor<3xf32> {
          %0 = "astra.dot_general"(%x, %w) {... lhs_contracting_dimensions = array<i64: 0>, ...}
              : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
          return %0 : tensor<3xf32>
        }

    After ``--astra-vectorize="fn=main in-axes=0,-1 axis-size=8"``::

        func.func public @main(%x: tensor<8x4xf32>, %w: tensor<4x3xf32>) -> tensor<8x3xf32> {
          %0 = "astra.dot_general"(%x, %w) {... lhs_contracting_dimensions = array<i64: 1>, ...}
              : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
          return %0 : tensor<8x3xf32>
        }

    With ``fn``, that function is replaced; its types are those of one example, so ``axis-size`` says how many a batch
    has.  The smallest batch, of two, is taken where it does not, with a note on standard error.  Without ``fn``, each
    ``astra.vmap`` becomes the operations of its callee's batched form, innermost first.  A program in StableHLO is
    imported, inlined and simplified, and its loops are raised, first.
    Raises :class:`~astra_mlir.errors.AstraError` for axes that do not fit the function, and
    :class:`~astra_mlir.errors.UnsupportedError` for what has no batched form (unknown custom calls, dynamic shapes).
    """

    name: ClassVar[str] = "astra-vectorize"
    summary: ClassVar[str] = "give a function, or the callees of all astra.vmap, a batch dimension"

    fn: str = field(default="", metadata={"doc": "the function to replace (default: expand all astra.vmap instead)"})
    in_axes: tuple[int, ...] = field(
        default=(), metadata={"doc": "the batch axis of each argument, -1 for a shared one (default: all 0)"}
    )
    out_axes: tuple[int, ...] = field(
        default=(), metadata={"doc": "the batch axis of each result, -1 for one that must not differ (default: all 0)"}
    )
    axis_size: int = field(
        default=-1,
        metadata={"doc": "the number of examples, which no program of one example tells (default: 2, with a note)"},
    )

    def run(self, module: ir.Operation) -> None:
        if not self.fn and (self.in_axes or self.out_axes or self.axis_size != -1):
            raise AstraError(
                f"{self.name}: in-axes, out-axes and axis-size are those of a function; give it as fn=<name>"
            )
        if self.axis_size < -1:
            raise AstraError(f"{self.name}: axis-size must not be negative, but is {self.axis_size}")
        if self.fn and self.axis_size == -1:
            note = f"@{self.fn} is given batches of {_BATCH} examples; axis-size=N gives it another size"
            print(f"note: {self.name}: {note}", file=sys.stderr)
        prepare(module)
        if self.fn:
            self._replace(module)
        else:
            expand(module, ["astra.vmap"])

    def _replace(self, module: ir.Operation) -> None:
        old = find_function(module, self.fn, self.name)
        for op in walk(module.regions[0].blocks[0]):
            if self.fn in symbols_used(op):
                raise AstraError(
                    f"{source_place(op.location)}: {self.name}: '{op.name}' uses @{self.fn}, which cannot be replaced "
                    "then; vectorize the function that uses it, or write an astra.vmap of it"
                )
        keep = unnamed_functions(module)
        expansion = Expansion(module)
        type = ir.FunctionType(ir.TypeAttr(old.attributes["function_type"]).value)
        in_axes = self.in_axes or (0,) * len(type.inputs)
        size = _BATCH if self.axis_size == -1 else self.axis_size
        new = Vectorizer(expansion).vectorize(self.fn, size, in_axes, self.out_axes or None)
        del expansion.functions[_symbol(new)]
        for attribute in set(old.attributes.keys()) - {"function_type"}:
            new.attributes[attribute] = old.attributes[attribute]
        if "sym_visibility" not in old.attributes:
            del new.attributes["sym_visibility"]
        old.erase()
        expansion.functions[self.fn] = new
        expansion.drop_unused(keep)
