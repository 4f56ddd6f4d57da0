"""Vectorization of contractions: one operand batched makes a free dimension, both a batching dimension or groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.vectorize_rules.core import Batch, Batcher, refuse, rule, shifted

_SIDES = ("lhs", "rhs")
_KINDS = ("batching", "contracting")


@rule("dot_general")
def dot_general(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """Batched on both sides: one more batching dimension, in front.  On one side: one more free dimension of it."""
    numbers = {(side, kind): int_list(op, f"{side}_{kind}_dimensions") for side in _SIDES for kind in _KINDS}
    for side, arg in zip(_SIDES, args, strict=True):
        if arg.dim is not None:
            for kind in _KINDS:
                numbers[side, kind] = shifted(numbers[side, kind], arg.dim)
    if args[0].dim is not None and args[1].dim is not None:
        for side, arg in zip(_SIDES, args, strict=True):
            numbers[side, "batching"].insert(0, arg.dim)
        dim = 0
    else:
        dim = len(numbers["lhs", "batching"])
        for side, arg in zip(_SIDES, args, strict=True):
            bound = (*numbers[side, "batching"], *numbers[side, "contracting"])
            free = [d for d in range(len(arg.value.type.shape)) if d not in bound]
            if arg.dim is not None:
                dim += free.index(arg.dim)
                break
            dim += len(free)
    attributes = {f"{side}_{kind}_dimensions": value for (side, kind), value in numbers.items()}
    type = b.with_batch(op.results[0].type, dim)
    return [Batch(b.again(op, [arg.value for arg in args], [type], **attributes).results[0], dim)]


# --- convolution -----------------------------------------------------------------------------------------------------


@dataclass
class _Folding:
    """Folds the batch into one dimension of an operand, or takes it out of one of the result."""

    b: Batcher

    def into(self, batch: Batch, dimension: int, groups: int) -> ir.Value:
        """The batch, behind the first ``groups`` parts of a dimension (numbered without the batch), becomes its part.

        A dimension of size groups x n becomes groups x batch x n.
        """
        value = self.b.at(batch, dimension)
        shape = list(value.type.shape)
        size = shape[dimension + 1]
        before, after = shape[:dimension], shape[dimension + 2 :]
        if groups > 1:
            value = self.b.reshape(value, [*before, self.b.size, groups, size // groups, *after])
            rank = len(value.type.shape)
            order = [*range(dimension), dimension + 1, dimension, *range(dimension + 2, rank)]
            value = self.b.transpose(value, order)
        return self.b.reshape(value, [*before, self.b.size * size, *after])

    def out_of(self, value: ir.Value, dimension: int, groups: int) -> Batch:
        """The inverse: the batch is taken out of a dimension, in front of which it comes."""
        shape = list(value.type.shape)
        size = shape[dimension] // max(self.b.size, 1)
        before, after = shape[:dimension], shape[dimension + 1 :]
        if groups > 1:
            value = self.b.reshape(value, [*before, groups, self.b.size, size // groups, *after])
            rank = len(value.type.shape)
            value = self.b.transpose(value, [*range(dimension), dimension + 1, dimension, *range(dimension + 2, rank)])
        return Batch(self.b.reshape(value, [*before, self.b.size, size, *after]), dimension)


@rule("convolution")
def convolution(op: ir.Operation, args: list[Batch], b: Batcher) -> Sequence[Batch]:
    """A batched input joins the batch of images, a batched kernel the output features, both make groups."""
    lhs, rhs, *padding = args
    if any(amount.dim is not None for amount in padding):
        refuse(op, "its padding differs between applications; pad the inputs with masks instead")
    result = op.results[0].type
    if not b.size:
        return [Batch(b.splat(0, b.with_batch(result, 0)), 0)]
    features, batches = value_of(op, "feature_group_count"), value_of(op, "batch_group_count")
    out_batch, out_feature = value_of(op, "output_batch_dimension"), value_of(op, "output_feature_dimension")
    in_batch, in_feature = value_of(op, "input_batch_dimension"), value_of(op, "input_feature_dimension")
    kernel_out = value_of(op, "kernel_output_feature_dimension")
    fold = _Folding(b)
    shape = list(result.shape)
    changed: dict[str, int] = {}
    if rhs.dim is None:
        # Groups of images (batch_group_count) stay outermost: groups x applications x images.
        values = [fold.into(lhs, in_batch, batches), rhs.value]
        folded, groups = out_batch, 1
    elif lhs.dim is None:
        # Output features come in groups, of either kind: groups x applications x features.
        values = [lhs.value, fold.into(rhs, kernel_out, max(features, batches))]
        folded, groups = out_feature, max(features, batches)
    else:
        # Each application is a group of its own, outside of those there are: applications x groups x features.
        if batches > 1:
            values, changed = [fold.into(lhs, in_batch, 1)], {"batch_group_count": batches * b.size}
        else:
            values, changed = [fold.into(lhs, in_feature, 1)], {"feature_group_count": features * b.size}
        values.append(fold.into(rhs, kernel_out, 1))
        folded, groups = out_feature, 1
    shape[folded] *= b.size
    values += [amount.value for amount in padding]
    new = b.again(op, values, [b.type(shape, result.element_type)], **changed)
    return [fold.out_of(new.results[0], folded, groups)]
