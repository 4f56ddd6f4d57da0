"""Blocks copied by the copy engine (TMA) of Hopper: one thread asks, a barrier in shared memory (mbarrier) tells of it.

A kernel gets one more parameter for each array that blocks are copied from: a descriptor, which the launch encodes from
what attribute ``astra.tensor_maps`` of the kernel says, an array of dictionaries in the order of the parameters, the
fields of ``TensorMapSpec``.  With ``from_parameters``, sizes and strides are those of i64 arguments at the launch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astra_mlir.bindings import ir
from astra_mlir.passes.gpu.descriptors import describes
from astra_mlir.passes.gpu.emit import storage
from astra_mlir.passes.gpu.lower_shared import swizzle_bytes, tile_address
from astra_mlir.passes.gpu.to_gpu import register_rules
from astra_mlir.passes.memref_utils import byte_width

if TYPE_CHECKING:
    from astra_mlir.passes.gpu.to_gpu import Lowering

__all__: list[str] = []

_BARRIER_BYTES = 8


def _barriers(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    """One barrier for each buffer, of one arrival: that of the thread which asks for the copies."""
    thread = lowering.thread
    count = op.results[0].type.shape[0]
    base = lowering.pin(op.results[0], count * _BARRIER_BYTES)
    start = thread.op("llvm.ptrtoint", (base,), (thread.i32,)).results[0]
    first = thread.equal(lowering.tid, thread.integer(0))
    for i in range(count):
        place = thread.binary("addi", start, thread.integer(i * _BARRIER_BYTES))
        thread.ptx("@$1 mbarrier.init.shared::cta.b64 [$0], 1;", "r,b,~{memory}", (place, first))
    thread.ptx("fence.proxy.async.shared::cta;", "~{memory}", ())
    thread.barrier(lowering.warps)
    return [base]


def _barrier(lowering: Lowering, barriers: ir.Value, slot: ir.Value) -> ir.Value:
    thread = lowering.thread
    start = thread.op("llvm.ptrtoint", (lowering[barriers],), (thread.i32,)).results[0]
    return thread.binary("addi", start, thread.binary("muli", lowering[slot], thread.integer(_BARRIER_BYTES)))


def _asks(lowering: Lowering, exists: ir.Value) -> ir.Value:
    thread = lowering.thread
    return thread.binary("andi", thread.equal(lowering.tid, thread.integer(0)), lowering[exists])


def _expect(lowering: Lowering, op: ir.Operation) -> None:
    barriers, slot, exists = op.operands
    size = ir.IntegerAttr(op.attributes["bytes"]).value
    operands = (_barrier(lowering, barriers, slot), _asks(lowering, exists))
    text = f"@$1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], {size};"
    lowering.thread.ptx(text, "r,b,~{memory}", operands)


def _block_copy(lowering: Lowering, op: ir.Operation) -> None:
    """One copy for each panel of the buffer."""
    thread = lowering.thread
    pointer, buffer, slot, barriers, exists, row, column, *numbers = op.operands
    shape, element = list(buffer.type.shape)[1:], storage(buffer.type.element_type)
    described = describes(pointer, list(numbers), shape, buffer.type.element_type)
    assert described is not None
    descriptor = lowering.tensor_map(described)
    width = swizzle_bytes(tuple(shape), 1, byte_width(element))
    panel = width // byte_width(element)
    base, barrier, asks = (
        tile_address(lowering, buffer, slot),
        _barrier(lowering, barriers, slot),
        _asks(lowering, exists),
    )
    for i in range(shape[1] // panel):
        target = thread.binary("addi", base, thread.integer(i * shape[0] * width)) if i else base
        start = thread.binary("addi", lowering[column], thread.integer(i * panel)) if i else lowering[column]
        text = (
            "@$5 cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
            "[$0], [$1, {$2, $3}], [$4];"
        )
        operands = (target, descriptor, start, lowering[row], barrier, asks)
        thread.ptx(text, "r,l,r,r,r,b,~{memory}", operands)


def _arrival(lowering: Lowering, op: ir.Operation) -> None:
    """All threads wait until what was asked for is there, and for each other: the buffer of before is free then."""
    thread = lowering.thread
    barriers, slot, parity = op.operands
    text = (
        "{ .reg .pred q; again: mbarrier.try_wait.parity.shared::cta.b64 q, [$0], $1; @q bra done; bra again; done: }"
    )
    thread.ptx(text, "r,r,~{memory}", (_barrier(lowering, barriers, slot), lowering[parity]))
    thread.ptx("fence.proxy.async.shared::cta;", "~{memory}", ())
    thread.barrier(lowering.warps)


def _end(lowering: Lowering, op: ir.Operation) -> None:
    thread = lowering.thread
    count = op.operands[0].type.shape[0]
    thread.barrier(lowering.warps)
    start = thread.op("llvm.ptrtoint", (lowering[op.operands[0]],), (thread.i32,)).results[0]
    first = thread.equal(lowering.tid, thread.integer(0))
    for i in range(count):
        place = thread.binary("addi", start, thread.integer(i * _BARRIER_BYTES))
        thread.ptx("@$1 mbarrier.inval.shared::cta.b64 [$0];", "r,b,~{memory}", (place, first))


register_rules(
    {
        "astra.tile_barriers": _barriers,
        "astra.tile_expect": _expect,
        "astra.tile_block_copy": _block_copy,
        "astra.tile_arrival": _arrival,
        "astra.tile_barriers_end": _end,
    }
)
