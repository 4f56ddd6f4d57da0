"""Export of structured control flow and custom calls; a scan becomes a while loop with a counter."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.conversion import Rule
from astra_mlir.passes.export_rules.core import Exporter, rule, value_of, with_shape


@rule("astra.yield")
def _yield(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    b.op("return", list(op.operands), [])
    return ()


def _keep_regions(name: str) -> Rule:
    def convert(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
        new = b.op(name, list(op.operands), [result.type for result in op.results], len(op.regions))
        for source, target in zip(op.regions, new.regions, strict=True):
            b.move_region(source, target)
        return new.results

    return convert


rule("astra.if")(_keep_regions("if"))
rule("astra.while")(_keep_regions("while"))
rule("astra.optimization_barrier")(_keep_regions("optimization_barrier"))


@rule("astra.custom_call")
def _custom_call(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    attributes = dict(op.attributes.items())
    return b.op("custom_call", list(op.operands), [result.type for result in op.results], **attributes).results


# --- scan --------------------------------------------------------------------------------------------------------


@rule("astra.scan")
def _scan(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    """Carried by the loop: the counter, the scan's carries, and the stacked outputs, updated a slice at a time.

    The stacked inputs are captured: they do not change.
    """
    operands = list(op.operands)
    count, trips, reverse = (value_of(op, name) for name in ("num_carries", "trip_count", "reverse"))
    carries, inputs = operands[:count], operands[count:]
    outputs = [result.type for result in op.results][count:]
    body = op.regions[0].blocks[0]
    counter = body.arguments[0].type
    zero = b.scalar(0, counter.element_type)
    empty = [
        b.emit("broadcast_in_dim", [b.scalar(0, type.element_type)], type, broadcast_dimensions=[]) for type in outputs
    ]
    if trips == 0:
        return [*carries, *empty]
    inits = [zero, *carries, *empty]
    types = [value.type for value in inits]
    loop = b.op("while", inits, types, 2)
    b.region(
        loop.regions[0], types, lambda arguments: [b.compare("LT", arguments[0], b.scalar(trips, counter.element_type))]
    )

    block = loop.regions[1].blocks.append(*types, arg_locs=[b.loc] * len(types))
    arguments = list(block.arguments)
    with b.building_at(ir.InsertionPoint(block)):
        index = arguments[0]
        position = index
        if reverse:
            position = b.binary("subtract", b.scalar(trips - 1, counter.element_type), index)
        slices = [_take(x, position, zero, b) for x in inputs]
        for old, value in zip(body.arguments, [index, *arguments[1 : 1 + count], *slices], strict=True):
            old.replace_all_uses_with(value)
        *operations, end = list(body.operations)
        # Operations keep their place in front of the end while they are converted, then move over.
        b.convert_block(body)
        *operations, end = list(body.operations)
        for operation in operations:
            block.append(operation)
        yielded = list(end.operands)
        stacks = [
            _put(stack, value, position, zero, b)
            for stack, value in zip(arguments[1 + count :], yielded[count:], strict=True)
        ]
        following = b.binary("add", index, b.scalar(1, counter.element_type))
        b.op("return", [following, *yielded[:count], *stacks], [])
    return list(loop.results)[1:]


def _take(stacked: ir.Value, position: ir.Value, zero: ir.Value, b: Exporter) -> ir.Value:
    """The slice of a stacked input at ``position``, without the leading dimension."""
    shape = list(stacked.type.shape)
    sizes = [1, *shape[1:]]
    starts = [position, *[zero] * (len(shape) - 1)]
    kept = b.emit("dynamic_slice", [stacked, *starts], with_shape(stacked.type, sizes), slice_sizes=sizes)
    return b.emit("reshape", [kept], with_shape(stacked.type, shape[1:]))


def _put(stack: ir.Value, value: ir.Value, position: ir.Value, zero: ir.Value, b: Exporter) -> ir.Value:
    """A stacked output with ``value`` as its slice at ``position``."""
    shape = list(stack.type.shape)
    update = b.emit("reshape", [value], with_shape(stack.type, [1, *shape[1:]]))
    starts = [position, *[zero] * (len(shape) - 1)]
    return b.emit("dynamic_update_slice", [stack, update, *starts], stack.type)
