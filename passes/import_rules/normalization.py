"""Import of batch normalization: written out as the StableHLO specification defines it."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.import_rules.core import Importer, integer, is_static, rule


class _Batch:
    """The operand's type, its feature dimension, and arithmetic on tensors of that type."""

    def __init__(self, op: ir.Operation, b: Importer) -> None:
        self.b = b
        self.operand = op.operands[0]
        self.type = self.operand.type
        self.feature = integer(op, "feature_index")
        self.epsilon = op.attributes["epsilon"].value
        self.others = [d for d in range(self.type.rank) if d != self.feature]

    def spread(self, value: ir.Value) -> ir.Value:
        """A vector of one value a feature, broadcast to the operand's shape."""
        return self.b.broadcast(value, self.type, [self.feature], self.operand)

    def binary(self, name: str, lhs: ir.Value, rhs: ir.Value) -> ir.Value:
        return self.b.emit(name, [lhs, rhs], lhs.type)

    def sum(self, value: ir.Value, vector: ir.RankedTensorType) -> ir.Value:
        """The sum over all dimensions but the feature's."""
        zero = self.b.scalar(0, self.type.element_type)
        return self.b.emit("reduce", [value, zero], vector, dimensions=self.others, kind="add")

    def count(self, like: ir.Value) -> ir.Value:
        """How many elements a feature has, as a tensor of the type of ``like``."""
        element = self.type.element_type
        if is_static(self.type):
            product = 1
            for d in self.others:
                product *= self.type.shape[d]
            return self.b.full(product, like.type, like)
        i32 = ir.RankedTensorType.get([], ir.IntegerType.get_signless(32))
        total = self.b.scalar(1, i32.element_type)
        for d in self.others:
            total = self.b.emit("multiply", [total, self.b.size_of(self.operand, d)], i32)
        total = self.b.emit("convert", [total], ir.RankedTensorType.get([], element))
        return self.b.broadcast(total, like.type, [], like)

    def mean(self, value: ir.Value, vector: ir.RankedTensorType) -> ir.Value:
        total = self.sum(value, vector)
        return self.binary("divide", total, self.count(total))

    def deviation(self, variance: ir.Value) -> ir.Value:
        """sqrt(variance + epsilon), in the operand's shape."""
        spread = self.spread(variance)
        shifted = self.binary("add", spread, self.b.full(self.epsilon, self.type, self.operand))
        return self.b.emit("sqrt", [shifted], self.type)

    def normalize(self, scale: ir.Value, offset: ir.Value, mean: ir.Value, variance: ir.Value) -> ir.Value:
        centered = self.binary("subtract", self.operand, self.spread(mean))
        scaled = self.binary("multiply", self.spread(scale), centered)
        return self.binary("add", self.binary("divide", scaled, self.deviation(variance)), self.spread(offset))


@rule("stablehlo.batch_norm_inference")
def _inference(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    _, scale, offset, mean, variance = op.operands
    return [_Batch(op, b).normalize(scale, offset, mean, variance)]


@rule("stablehlo.batch_norm_training")
def _training(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, scale, offset = op.operands
    batch = _Batch(op, b)
    vector = op.results[1].type
    mean = batch.mean(operand, vector)
    centered = batch.binary("subtract", operand, batch.spread(mean))
    variance = batch.mean(batch.binary("multiply", centered, centered), vector)
    return [batch.normalize(scale, offset, mean, variance), mean, variance]


@rule("stablehlo.batch_norm_grad")
def _grad(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operand, scale, mean, variance, grad_output = op.operands
    batch = _Batch(op, b)
    vector = op.results[1].type
    centered = batch.binary("subtract", operand, batch.spread(mean))
    deviation = batch.deviation(variance)
    count = batch.count(operand)
    grad_sum = batch.sum(grad_output, vector)
    correlation = batch.sum(batch.binary("multiply", grad_output, centered), vector)
    scaled_grad = batch.binary("multiply", grad_output, count)
    without_mean = batch.binary("subtract", scaled_grad, batch.spread(grad_sum))
    shared = batch.binary("multiply", batch.spread(correlation), centered)
    shared = batch.binary("divide", shared, batch.binary("multiply", deviation, deviation))
    factor = batch.binary("divide", batch.binary("divide", batch.spread(scale), deviation), count)
    grad_operand = batch.binary("multiply", factor, batch.binary("subtract", without_mean, shared))
    normalized = batch.binary("divide", centered, deviation)
    grad_scale = batch.sum(batch.binary("multiply", grad_output, normalized), vector)
    return [grad_operand, grad_scale, grad_sum]
