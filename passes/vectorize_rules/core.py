"""What a vectorization rule is, the table of rules by operation, and the builder that rules are written with.

A rule takes an operation, its operands' :class:`Batch` (the value in the new function and which of its dimensions is
the batch, ``None`` for a value that all applications share) and a :class:`Batcher`; it builds the batched form and
gives a :class:`Batch` for each result.  Rules are only asked where something is batched; all else is copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import build, elements, to_attribute
from astra_mlir.dialects.checks import DYNAMIC
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.traversal import replace_operands

__all__ = ["RULES", "SHARED", "SUM", "Batch", "Batcher", "Rule", "identity_of", "refuse", "rule", "shifted"]

SHARED = -1
"""An out axis: the result must be the same for all applications."""

SUM = -2
"""An out axis: a batched result is summed over the batch, a shared one stays."""


class Batch(NamedTuple):
    """A value of the batched function, and the dimension of it that is the batch (``None``: shared by all)."""

    value: ir.Value
    dim: int | None = None


Rule = Callable[[ir.Operation, list[Batch], "Batcher"], Sequence[Batch]]

RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorator: the rule of each named operation (without ``astra.``, unless the name has another dialect)."""

    def register(function: Rule) -> Rule:
        for name in names:
            full_name = name if "." in name else f"astra.{name}"
            if full_name in RULES:
                raise ValueError(f"two vectorization rules for {full_name}")
            RULES[full_name] = function
        return function

    return register


def refuse(op: ir.Operation, why: str) -> NoReturn:
    """Raise :class:`UnsupportedError` naming the operation and its place."""
    raise UnsupportedError(f"{source_place(op.location)}: '{op.name}' cannot be vectorized: {why}")


def shifted(dimensions: Sequence[int], dim: int) -> list[int]:
    """The numbers of dimensions after another one has been inserted at ``dim``."""
    return [d + (d >= dim) for d in dimensions]


def identity_of(kind: str, element: ir.Type) -> Any:
    """The element that a combiner (add, multiply, maximum, minimum, and, or, xor) leaves all others unchanged by."""
    if kind in ("maximum", "minimum"):
        return _extreme(element, lowest=kind == "maximum")
    if kind == "add":
        return -0.0 if isinstance(element, ir.FloatType) else 0
    if kind == "and":
        return np.array(-1).astype(elements.dtype_of(element)) if element.width > 1 else True
    return {"multiply": 1, "or": 0, "xor": 0}[kind]


def _extreme(element: ir.Type, *, lowest: bool) -> Any:
    if isinstance(element, ir.ComplexType):
        part = _extreme(element.element_type, lowest=lowest)
        return complex(part, part)
    dtype = elements.dtype_of(element)
    if dtype == np.bool_:
        return not lowest
    if isinstance(element, ir.FloatType):
        infinity = np.array(-math.inf if lowest else math.inf).astype(dtype)
        if np.isinf(infinity.astype(np.float64)):
            return infinity
        from ml_dtypes import finfo  # formats without infinities

        return finfo(dtype).min if lowest else finfo(dtype).max
    from ml_dtypes import iinfo

    return int(iinfo(dtype).min if lowest else iinfo(dtype).max)


class Batcher:
    """Builds operations at one place; knows the axis size, and what stands for the values of the old function."""

    def __init__(self, size: int, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        self.size = size
        self.ip = ip
        self.loc = loc
        self.environment: dict[ir.Value, Batch] = {}
        self.values: dict[ir.Value, ir.Value] = {}  # the same without the dimensions
        self.active: ir.Value | None = None  # which applications come here at all; None: all of them

    # --- what the engine adds --------------------------------------------------------------------------------------

    def is_batched(self, value: ir.Value) -> bool:
        """Whether a value of the old function differs between applications (known before it is converted)."""
        raise NotImplementedError

    def inline(self, block: ir.Block, arguments: Sequence[Batch]) -> list[Batch]:
        """Build the batched form of a region's block here; what its terminator has as operands."""
        raise NotImplementedError

    def function(self, name: str, dims: Sequence[int | None], out_axes: Sequence[int] | None = None) -> Any:
        """The batched form of a function, for operands batched in ``dims``: an object with ``name`` and ``dims``.

        ``out_axes`` says where the results must have the batch (or SHARED or SUM); without, each where it comes out.
        """
        raise NotImplementedError

    def batched_results(self, name: str, batched: Sequence[bool]) -> list[bool]:
        """Which results of a function differ between applications, given which arguments do."""
        raise NotImplementedError

    def uses_batched(self, op: ir.Operation) -> bool:
        """Whether regions of an operation use batched values from outside."""
        raise NotImplementedError

    def elementwise(self, shape: Sequence[int], block: ir.Block) -> Batcher:
        """A batcher that applies a block on scalars to the elements of tensors of a shape, which begins with the batch.

        It takes and gives vectors of all elements; what the block uses from outside is repeated as necessary.
        """
        raise NotImplementedError

    def program(self, data: bytes, operands: Sequence[ir.Value]) -> list[ir.Value]:
        """Build the operations of ``@main`` of a program (a StableHLO portable artifact) here."""
        raise NotImplementedError

    def bind(self, old: ir.Value, new: Batch) -> None:
        """``new`` stands for the value ``old`` of the old function from now on."""
        self.environment[old] = new
        self.values[old] = new.value

    @contextmanager
    def building_at(self, ip: ir.InsertionPoint) -> Iterator[None]:
        """Build somewhere else for a while."""
        outer, self.ip = self.ip, ip
        try:
            yield
        finally:
            self.ip = outer

    @contextmanager
    def masked(self, active: ir.Value | None) -> Iterator[None]:
        """Build for a while what only some applications come to."""
        outer, self.active = self.active, active
        try:
            yield
        finally:
            self.active = outer

    # --- building --------------------------------------------------------------------------------------------------

    def op(self, name: str, operands: Sequence[ir.Value], types: Sequence[ir.Type], **attributes: Any) -> ir.Operation:
        """Build ``astra.<name>`` (its regions, if any, are empty)."""
        return build(name, operands, types, loc=self.loc, ip=self.ip, **attributes)

    def build(self, name: str, operands: Sequence[ir.Value], type: ir.Type, **attributes: Any) -> ir.Value:
        """Build ``astra.<name>`` with one result."""
        return self.op(name, operands, (type,), **attributes).results[0]

    def again(
        self, op: ir.Operation, operands: Sequence[ir.Value], types: Sequence[ir.Type], **changed: Any
    ) -> ir.Operation:
        """A copy of an operation, regions included, on other operands, with other result types and attributes."""
        copy = op.clone(ip=self.ip).operation
        if len(copy.regions):
            replace_operands(copy, self.values)  # what the regions use from outside
        for i, value in enumerate(operands):
            copy.operands[i] = value
        for result, type in zip(copy.results, types, strict=True):
            result.set_type(type)
        for name, value in changed.items():
            copy.attributes[name] = to_attribute(value)
        return copy

    def again_empty(self, op: ir.Operation, operands: Sequence[ir.Value], types: Sequence[ir.Type]) -> ir.Operation:
        """As :meth:`again`, with regions that have no blocks yet."""
        return ir.Operation.create(
            op.name, results=list(types), operands=list(operands), attributes=dict(op.attributes.items()),
            regions=len(op.regions), loc=self.loc, ip=self.ip,
        )  # fmt: skip

    def type(self, shape: Sequence[int], element: ir.Type) -> ir.RankedTensorType:
        """The tensor type of a shape and an element type."""
        return ir.RankedTensorType.get(list(shape), element)

    def with_batch(self, type: ir.RankedTensorType, dim: int) -> ir.RankedTensorType:
        """A type with the batch inserted as dimension ``dim``."""
        shape = list(type.shape)
        return self.type([*shape[:dim], self.size, *shape[dim:]], type.element_type)

    def splat(self, value: Any, type: ir.RankedTensorType) -> ir.Value:
        """A constant whose elements all are ``value``."""
        return self.build("constant", (), type, value=elements.splat(type, value))

    def reshape(self, value: ir.Value, shape: Sequence[int]) -> ir.Value:
        """``value`` with another static shape (itself where that is its shape)."""
        if list(value.type.shape) == list(shape):
            return value
        return self.build("reshape", (value,), self.type(shape, value.type.element_type))

    def transpose(self, value: ir.Value, permutation: Sequence[int]) -> ir.Value:
        """``value`` with its dimensions in another order (itself where that is their order)."""
        if list(permutation) == list(range(len(permutation))):
            return value
        shape = value.type.shape
        type = self.type([shape[d] for d in permutation], value.type.element_type)
        return self.build("transpose", (value,), type, permutation=permutation)

    def broadcast(self, value: ir.Value, shape: Sequence[int], dimensions: Sequence[int]) -> ir.Value:
        """``value`` repeated to a shape, its dimensions being ``dimensions`` of that."""
        if list(value.type.shape) == list(shape):
            return value
        return self.build("broadcast", (value,), self.type(shape, value.type.element_type), dimensions=dimensions)

    def binary(self, name: str, lhs: ir.Value, rhs: ir.Value) -> ir.Value:
        """An elementwise operation whose result has its operands' type."""
        return self.build(name, (lhs, rhs), lhs.type)

    def convert(self, value: ir.Value, element: ir.Type) -> ir.Value:
        """``value`` with another element type."""
        if value.type.element_type == element:
            return value
        return self.build("convert", (value,), self.type(value.type.shape, element))

    # --- moving the batch ------------------------------------------------------------------------------------------

    def at(self, batch: Batch, dim: int) -> ir.Value:
        """The value with the batch as dimension ``dim``: transposed, or repeated if all applications share it."""
        value = batch.value
        rank = len(value.type.shape)
        if batch.dim is None:
            type = self.with_batch(value.type, dim)
            return self.build("broadcast", (value,), type, dimensions=shifted(range(rank), dim))
        others = [d for d in range(rank) if d != batch.dim]
        return self.transpose(value, [*others[:dim], batch.dim, *others[dim:]])

    def front(self, batch: Batch) -> ir.Value:
        """The value with the batch as its first dimension."""
        return self.at(batch, 0)

    def aligned(self, batches: Sequence[Batch]) -> tuple[list[ir.Value], int]:
        """Values of one (unbatched) shape with the batch at one dimension: the first that any of them has it at."""
        dim = min(batch.dim for batch in batches if batch.dim is not None)
        return [self.at(batch, dim) for batch in batches], dim


def require_static(op: ir.Operation) -> None:
    """Refuse an operation with a result of dynamic shape."""
    for result in op.results:
        if DYNAMIC in result.type.shape:
            refuse(op, f"its result is {result.type}; write the program for static shapes")
