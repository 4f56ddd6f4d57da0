"""``astra-kernels-to-tile``: the linalg operations of each kernel become tile functions and launches of them.

The GPU's counterpart of ``astra-kernels-to-loops``: stands between forming kernels and planning memory.  A kernel whose
nests can share a program of a grid is one tile function (``tile_nests.py``); otherwise each nest is one of its own, and
buffers that were inside of the kernel become arguments, which the callers allocate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.loop_nest import place_of
from astra_mlir.passes.memref_utils import Builder, byte_width
from astra_mlir.passes.tile_builder import TileFunction
from astra_mlir.passes.tile_nests import CannotShare, Nest, nests_of, scalar_type, tile_function
from astra_mlir.passes.traversal import walk

__all__ = ["KernelsToTile", "launch"]

POINTER_BYTES = 16  # what pointers are multiples of where accesses may be 128 bits wide
_ALIGNED = "astra.divisibility"


def launch(builder: Builder, kernel: str, grid: Sequence[int], arguments: Sequence[ir.Value]) -> None:
    """``astra.gpu_launch`` on values of a host function; scalars are brought to the types of tile functions."""
    operands = []
    for value in arguments:
        if not isinstance(value.type, ir.MemRefType):
            kind = scalar_type(value.type)
            if isinstance(value.type, ir.IndexType):
                value = builder.op("arith.index_cast", (value,), (kind,)).results[0]
            elif kind != value.type:
                value = builder.op("arith.extui", (value,), (kind,)).results[0]
        operands.append(value)
    attributes = {"kernel": ir.FlatSymbolRefAttr.get(kernel), "grid": ir.DenseI64ArrayAttr.get(list(grid))}
    builder.op("astra.gpu_launch", operands, (), attributes)


class _Converter:
    def __init__(self, module: ir.Operation) -> None:
        self.body = module.regions[0].blocks[0]
        self.functions = {
            ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation for op in self.body.operations
        }
        self.calls: dict[str, list[ir.Operation]] = {}
        for func in self.functions.values():
            for block in func.regions[0].blocks:
                for op in walk(block):
                    if op.name == "func.call":
                        self.calls.setdefault(ir.FlatSymbolRefAttr(op.attributes["callee"]).value, []).append(op)

    def convert(self, name: str, func: ir.Operation) -> None:
        nests = nests_of(func)
        block = func.regions[0].blocks[0]
        local = {op.operation.results[0] for op in block.operations if op.operation.name == "memref.alloca"}
        shared = func.attributes["astra.shared_loops"].value
        made = self.tried(func, nests, shared, local)
        if made is None:
            made = []
            for nest in nests:
                alone = self.tried(func, [nest], nest.nest.parallel, set())
                if alone is None:
                    raise UnsupportedError(f"{source_place(nest.nest.op.location)}: this loop nest runs on no GPU")
                made += alone
            self.promote(name, func, sorted_values(local, block))
        end = block.operations[len(block.operations) - 1].operation
        builder = Builder(ir.InsertionPoint(end), func.location)
        for function, grid, values in made:
            symbol = self.add(function)
            launch(builder, symbol, grid, [self.promoted.get(value, value) for value in values])
        for op in reversed(list(block.operations)):
            if op.operation.name not in ("astra.gpu_launch", "func.return", "arith.index_cast", "arith.extui"):
                op.operation.erase()
        for attribute in ("astra.shared_loops", "astra.streamed"):
            if attribute in func.attributes:
                del func.attributes[attribute]

    def tried(
        self, func: ir.Operation, nests: Sequence[Nest], shared: int, local: set[ir.Value]
    ) -> list[tuple[TileFunction, tuple[int, int, int], list[ir.Value]]] | None:
        """One function for all nests, if that can be."""
        self.promoted: dict[ir.Value, ir.Value] = {}
        parallel = nests[0].nest.parallel
        loops = nests[0].extents[:parallel]
        if all(nest.nest.parallel == parallel and nest.extents[:parallel] == loops for nest in nests):
            shared = parallel
        arguments = _used(func, nests, local)
        try:
            function, grid = tile_function(func, nests, shared, arguments, local)
        except CannotShare:
            return None
        return [(function, grid, arguments)]

    def add(self, function: TileFunction) -> str:
        symbol = function.finish("tile")
        if symbol not in self.functions:
            self.functions[symbol] = function.func
            self.body.append(function.func)
        return symbol

    def promote(self, name: str, func: ir.Operation, buffers: Sequence[ir.Value]) -> None:
        """Buffers inside of a kernel become arguments, which its callers allocate."""
        block = func.regions[0].blocks[0]
        for buffer in buffers:
            kind = buffer.type
            self.promoted[buffer] = block.add_argument(kind, func.location)
            size = kind.shape[0] * byte_width(kind.element_type)
            for i, call in enumerate(self.calls.get(name, [])):
                at = Builder(ir.InsertionPoint(call), call.location)
                view = at.view(at.alloc(size), 0, kind)
                new = at.op("func.call", [*call.operands, view], (), {"callee": call.attributes["callee"]})
                call.erase()
                self.calls[name][i] = new
        kinds = [argument.type for argument in block.arguments]
        func.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, []))
        if "arg_attrs" in func.attributes:
            del func.attributes["arg_attrs"]

    def note_alignment(self) -> None:
        """Pointers that some caller passes at an offset are not promised to be multiples of 16 bytes."""
        for name, func in self.functions.items():
            blocks = func.regions[0].blocks
            launches = [op for block in blocks for op in walk(block) if op.name == "astra.gpu_launch"]
            calls = self.calls.get(name, [])
            for op in launches:
                for number, value in enumerate(op.operands):
                    if isinstance(value.type, ir.MemRefType) and not _is_aligned(value, calls):
                        _forget_alignment(self.functions[ir.FlatSymbolRefAttr(op.attributes["kernel"]).value], number)


def sorted_values(values: set[ir.Value], block: ir.Block) -> list[ir.Value]:
    """Results of operations of a block, in its order."""
    return [
        op.operation.results[0]
        for op in block.operations
        if len(op.operation.results) and op.operation.results[0] in values
    ]


def _used(func: ir.Operation, nests: Sequence[Nest], local: set[ir.Value]) -> list[ir.Value]:
    """The buffers and arguments of a kernel that some of its nests take, in order."""
    block = func.regions[0].blocks[0]
    found: set[ir.Value] = set()
    for nest in nests:
        found.update(base for base in nest.bases if base is not None)
        found.update(place_of(load.operands[0]).base for load in nest.nest.loads)
        found.update(nest.nest.op.operands)
        for op in walk(nest.block):
            found.update(op.operands)
    places = [
        *block.arguments,
        *(op.operation.results[0] for op in block.operations if op.operation.name == "memref.alloca"),
    ]
    return [value for value in places if value in found and value not in local]


def _is_aligned(value: ir.Value, calls: Sequence[ir.Operation]) -> bool:
    if not isinstance(value, ir.BlockArgument) or not calls:
        return _offset_is_aligned(value)
    return all(_offset_is_aligned(call.operands[value.arg_number]) for call in calls)


def _offset_is_aligned(value: ir.Value) -> bool:
    place = place_of(value)
    return place.offset % POINTER_BYTES == 0 and all(scale % POINTER_BYTES == 0 for _, scale in place.dynamic)


def _forget_alignment(function: ir.Operation, number: int) -> None:
    attributes = list(function.attributes["arg_attrs"])
    attributes[number] = ir.DictAttr.get({})
    function.attributes["arg_attrs"] = ir.ArrayAttr.get(attributes)


@register_pass
@dataclass(frozen=True)
class KernelsToTile(Pass):
    """Replace the linalg operations of kernel functions by tile functions and ``astra.gpu_launch``.

    Before: ``func.func private @kernel_0`` with ``linalg.generic`` on flat arguments and ``astra.shared_loops``.
    After: ``func.func private @kernel_0`` with ``astra.gpu_launch``, and ``func.func private @tile_4f1c`` with the unit
    attribute ``astra.tile``.
    """

    name: ClassVar[str] = "astra-kernels-to-tile"
    summary: ClassVar[str] = "linalg operations of kernels to tile functions for GPUs"

    def run(self, module: ir.Operation) -> None:
        converter = _Converter(module)
        for name, func in list(converter.functions.items()):
            if "astra.shared_loops" in func.attributes:
                converter.convert(name, func)
        converter.note_alignment()
