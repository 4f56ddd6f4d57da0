"""``astra-tile-to-loops``: tile functions become loops over the programs of a grid, for the CPU.

Behind it come the passes of the stage ``llvm``: parallel loops to tasks of the runtime, vectors to LLVM.  What is
inside a program is written by ``tile_loops/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.tile import TILE_ATTRIBUTE
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import DYNAMIC
from astra_mlir.passes.target import target_of
from astra_mlir.passes.tile_loops.chunks import VectorBuilder
from astra_mlir.passes.tile_loops.emitter import Emitter
from astra_mlir.passes.traversal import walk

__all__ = ["LOG_ATTRIBUTE", "MESSAGES_ATTRIBUTE", "TileToLoops"]

LOG_ATTRIBUTE = "astra.tile_log"  # the function's last argument is where prints and asserts go
MESSAGES_ATTRIBUTE = "astra.tile_messages"  # of the module: what the records in the log are of
NO_ALIAS_ATTRIBUTE = "astra.tile_no_alias"  # different pointers never overlap
PARALLEL_ATTRIBUTE = "astra.tile_parallel"  # programs may run at once though their order may change sums' bits

_ORDERED = {"astra.tile_atomic_cas"}
_ANY_ORDER = {"add", "min", "max", "umin", "umax", "and", "or", "xor", "fmin", "fmax"}


def _needs_order(func: ir.Operation) -> bool:
    """Whether the order of programs can be seen in the results: sums of floats, and what atomics give back."""
    for op in walk(func.regions[0].blocks[0]):
        if op.name in _ORDERED:
            return True
        if op.name == "astra.tile_atomic" and (
            value_of(op, "kind") not in _ANY_ORDER or any(True for _ in op.result.uses)
        ):
            return True
    return False


def _lower(func: ir.Operation, messages: list[ir.Attribute]) -> None:
    """Replace a tile function by ``@name(%x, %y, %z: index, arguments...)``: the loop over its grid."""
    old = func.regions[0].blocks[0]
    b = VectorBuilder(ir.InsertionPoint(func), func.location)
    arguments = list(old.arguments)
    kinds = [b.index] * 3 + [argument.type for argument in arguments]
    logged = LOG_ATTRIBUTE in func.attributes
    if logged:
        kinds.append(ir.MemRefType.get([DYNAMIC], ir.IntegerType.get_signless(64)))
    new = b.op(
        "func.func",
        attributes={
            "sym_name": func.attributes["sym_name"],
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(kinds, [])),
        },
        regions=1,
    )
    entry = new.regions[0].blocks.append(*kinds, arg_locs=[b.loc] * len(kinds))
    b.ip = ir.InsertionPoint(entry)
    x, y, z = list(entry.arguments)[:3]
    count = b.binary("muli", b.binary("muli", x, y), z)
    if _needs_order(func) and PARALLEL_ATTRIBUTE not in func.attributes:
        loop = b.op("scf.for", (b.constant(0), count, b.constant(1)), (), regions=1)
        body = loop.regions[0].blocks.append(b.index, arg_locs=[b.loc])
        ir.Operation.create("scf.yield", loc=b.loc, ip=ir.InsertionPoint(body))
    else:
        loop = b.op(
            "scf.forall",
            (count,),
            (),
            {
                "staticLowerBound": ir.DenseI64ArrayAttr.get([0]),
                "staticUpperBound": ir.DenseI64ArrayAttr.get([DYNAMIC]),
                "staticStep": ir.DenseI64ArrayAttr.get([1]),
                "operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 1, 0, 0]),
            },
            regions=1,
        )
        body = loop.regions[0].blocks.append(b.index, arg_locs=[b.loc])
        end = ir.Operation.create("scf.forall.in_parallel", regions=1, loc=b.loc, ip=ir.InsertionPoint(body))
        end.regions[0].blocks.append()
    b.op("func.return")
    b.ip = ir.InsertionPoint(body.operations[0])
    target = target_of(func)
    emitter = Emitter(b, target.lanes(32), body, NO_ALIAS_ATTRIBUTE in func.attributes)
    emitter.messages = messages
    number = body.arguments[0]
    rest = b.binary("divui", number, x)
    emitter.program = (b.binary("remui", number, x), b.binary("remui", rest, y), b.binary("divui", rest, y))
    emitter.grid = (x, y, z)
    emitter.scalars.update(zip(arguments, list(entry.arguments)[3:], strict=False))
    if logged:
        emitter.log = list(entry.arguments)[-1]
    emitter.block(old)
    func.erase()


@register_pass
@dataclass(frozen=True)
class TileToLoops(Pass):
    """Lower tile functions to parallel loops over their grids, tiles to vectors and buffers on the stack.

    Before::

        func.func @add(%x: memref<?xf32>, ...) attributes {astra.tile} {
          %i = "astra.tile_program_id"() {axis = 0 : i64} : () -> i32

    After::

        func.func private @add(%gx: index, %gy: index, %gz: index, %x: memref<?xf32>, ...) {
          scf.forall (%p) in (%programs) {
            ... vector.maskedload ...

    A function whose results may show the order of its programs (sums of floats by atomics) gets a serial loop, so that
    its results do not depend on the number of threads.
    """

    name: ClassVar[str] = "astra-tile-to-loops"
    summary: ClassVar[str] = "lower tile functions to loops over their grids, with vectors and stack buffers"

    def run(self, module: ir.Operation) -> None:
        messages: list[ir.Attribute] = []
        for view in list(module.regions[0].blocks[0].operations):
            func = view.operation
            if func.name == "func.func" and TILE_ATTRIBUTE in func.attributes and len(func.regions[0].blocks):
                _lower(func, messages)
        if messages:
            module.attributes[MESSAGES_ATTRIBUTE] = ir.ArrayAttr.get(messages)
