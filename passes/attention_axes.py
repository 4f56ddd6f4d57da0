"""Axes of arrays as ``astra-recognize-attention`` follows them through reshapes, transpositions and broadcasts.

Each dimension of a value is labelled with the axes that it runs along: none where its size is 1, several where a
reshape has joined them.  An axis that a reshape splits later is split in all labels at once, and an axis that is not
known yet (that of a broadcast, or one that is only summed over) takes the place of the first one it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list

__all__ = ["Axis", "Labels", "axes_in", "flat", "forward", "same", "source_of", "unify"]


class Axis:
    """A range of indices; once it has ``parts``, these stand for it."""

    def __init__(self, size: int, *, known: bool = False) -> None:
        self.size, self.known = size, known
        self.parts: tuple[Axis, ...] | None = None

    def split(self, outer: int) -> tuple[Axis, Axis]:
        """Two axes in the place of this one."""
        parts = Axis(outer, known=self.known), Axis(self.size // outer, known=self.known)
        self.parts = parts
        return parts


Dimension = tuple[Axis, ...]
Labels = tuple[Dimension, ...]


def flat(dimension: Dimension) -> Dimension:
    """The axes of a dimension, split ones replaced by their parts."""
    found: list[Axis] = []
    for axis in dimension:
        found += [axis] if axis.parts is None else flat(axis.parts)
    return tuple(found)


def axes_in(labels: Labels) -> Dimension:
    """All axes of a value, in order."""
    return tuple(axis for dimension in labels for axis in flat(dimension))


def unknown(shape: Sequence[int]) -> Labels:
    """Labels that take the place of any others."""
    return tuple(() if size == 1 else (Axis(size),) for size in shape)


def _unify_dimensions(a: Dimension, b: Dimension) -> bool:
    left, right = list(flat(a)), list(flat(b))
    while left and right:
        x, y = left.pop(0), right.pop(0)
        if x is y:
            continue
        if x.size == y.size:
            if x.known and y.known:
                return False
            if y.known:
                x.parts = (y,)
            else:
                y.parts = (x,)
        elif x.size % y.size == 0 and not x.known:
            right.insert(0, y)
            left[:0] = x.split(y.size)
        elif y.size % x.size == 0 and not y.known:
            left.insert(0, x)
            right[:0] = y.split(x.size)
        else:
            return False
    return not left and not right


def unify(a: Labels, b: Labels) -> bool:
    """Make two labels of one shape the same, if they can be."""
    return len(a) == len(b) and all(_unify_dimensions(x, y) for x, y in zip(a, b, strict=True))


def reshaped(labels: Labels, shape: Sequence[int]) -> Labels | None:
    """The labels of a value in another shape."""
    axes = list(axes_in(labels))
    found: list[Dimension] = []
    for size in shape:
        dimension: list[Axis] = []
        while size > 1:
            if not axes:
                return None
            axis = axes.pop(0)
            if size % axis.size == 0:
                dimension.append(axis)
                size //= axis.size
            elif axis.size % size == 0:
                outer, inner = axis.split(size)
                dimension.append(outer)
                axes.insert(0, inner)
                size = 1
            else:
                return None
        found.append(tuple(dimension))
    return tuple(found) if not axes else None


def forward(op: ir.Operation, labels: Labels) -> Labels | None:
    """The labels of the result of an operation that moves the elements of its operand."""
    shape = list(op.results[0].type.shape)
    if op.name == "astra.reshape":
        return reshaped(labels, shape)
    if op.name == "astra.transpose":
        return tuple(labels[d] for d in int_list(op, "permutation"))
    if op.name == "astra.broadcast":
        found = list(unknown(shape))
        for size, label, dimension in zip(op.operands[0].type.shape, labels, int_list(op, "dimensions"), strict=True):
            if size == shape[dimension]:
                found[dimension] = label
        return tuple(found)
    return labels  # elementwise, or a barrier


def _backward(op: ir.Operation, labels: Labels) -> Labels | None:
    """The labels of the operand of such an operation."""
    shape = list(op.operands[0].type.shape)
    if op.name == "astra.reshape":
        return reshaped(labels, shape)
    if op.name == "astra.transpose":
        found: list[Dimension] = [()] * len(shape)
        for label, d in zip(labels, int_list(op, "permutation"), strict=True):
            found[d] = label
        return tuple(found)
    if op.name == "astra.broadcast":
        dimensions = int_list(op, "dimensions")
        return tuple(() if size == 1 else labels[d] for size, d in zip(shape, dimensions, strict=True))
    return labels


def _is_float(value: ir.Value) -> bool:
    return isinstance(value.type.element_type, ir.FloatType)


def source_of(value: ir.Value, labels: Labels, *, broadcasts: bool = False) -> tuple[ir.Value, Labels]:
    """What a value is moved, or widened, from, with its labels; ``broadcasts``: by way of these, too."""
    while not isinstance(value.owner, ir.Block):
        op = value.owner.operation
        steps = op.name in ("astra.reshape", "astra.transpose") or (op.name == "astra.broadcast" and broadcasts)
        steps |= op.name == "astra.optimization_barrier" and len(op.operands) == 1
        if op.name == "astra.convert":
            source = op.operands[0]
            steps = (
                _is_float(source)
                and _is_float(value)
                and source.type.element_type.width <= value.type.element_type.width
            )
        found = _backward(op, labels) if steps else None
        if found is None:
            break
        value, labels = op.operands[0], found
    return value, labels


def same(a: ir.Value, b: ir.Value, depth: int = 8) -> bool:
    """Whether two values are computed in the same way: reverse mode computes some again, behind barriers."""
    a, b = _before_barriers(a), _before_barriers(b)
    if a == b:
        return True
    if depth == 0 or isinstance(a.owner, ir.Block) or isinstance(b.owner, ir.Block) or a.type != b.type:
        return False
    x, y = a.owner.operation, b.owner.operation
    alike = x.name == y.name and x.name != "astra.rng" and len(x.results) == 1 and not len(x.regions)
    return (
        alike
        and len(x.operands) == len(y.operands)
        and dict(x.attributes.items()) == dict(y.attributes.items())
        and all(same(*operands, depth - 1) for operands in zip(x.operands, y.operands, strict=True))
    )


def _before_barriers(value: ir.Value) -> ir.Value:
    while not isinstance(value.owner, ir.Block):
        op = value.owner.operation
        if op.name != "astra.optimization_barrier" or len(op.operands) != 1:
            break
        value = op.operands[0]
    return value


def size_of(axes: Sequence[Axis]) -> int:
    """How many indices there are along axes."""
    return prod(axis.size for axis in axes)
