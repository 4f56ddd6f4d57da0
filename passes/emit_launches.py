"""The host side of GPU programs: launches, and reads and writes of single elements, as calls of the runtime.

``astra-emit-launches`` works on memrefs, when memory is planned: what is left of the tile functions is their launches,
each a call of a function that is declared here.  ``astra-emit-launch-calls`` is last, in the LLVM dialect, and writes
the bodies of those: values are packed into an array of addresses as the driver takes them (``astra_gpu_launch`` of
``runtime/include/astra/runtime.h``).  Kernels are numbered in the order of the module attribute ``astra.gpu_kernels``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.tile import TILE_ATTRIBUTE
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.memref_utils import DYNAMIC, Builder, byte_width, strides_and_offset
from astra_mlir.passes.traversal import walk

__all__ = ["KERNELS", "READS", "EmitLaunchCalls", "EmitLaunches"]

KERNELS = "astra.gpu_kernels"  # on the module: the tile functions that are launched, in the order of their numbers
READS = "astra.gpu_reads"  # on the module: that the host reads elements, so the program is no straight line
_PREFIX = "astra.launch"
_READ, _WRITE = "astra.read", "astra.write"


class _Host:
    """Rewrites the functions of one module that run on the host."""

    def __init__(self, module: ir.Operation) -> None:
        self.body = module.regions[0].blocks[0]
        self.declared: set[str] = set()
        self.kernels: dict[str, int] = {}
        self.reads = False

    def function(self, func: ir.Operation) -> None:
        for op in [op for block in func.regions[0].blocks for op in walk(block)]:
            builder = Builder(ir.InsertionPoint(op), op.location)
            if op.name == "astra.gpu_launch":
                self.launch(op, builder)
            elif op.name == "memref.load":
                self.reads = True
                kind = op.results[0].type
                name = self.declare(f"{_READ}.{kind}", [builder.index], [kind])
                address = _address(builder, op.operands[0], list(op.operands)[1:])
                value = builder.op("func.call", [address], [kind], {"callee": ir.FlatSymbolRefAttr.get(name)})
                op.results[0].replace_all_uses_with(value.results[0])
                op.erase()
            elif op.name == "memref.store":
                value, memref, *indices = op.operands
                name = self.declare(f"{_WRITE}.{value.type}", [builder.index, value.type], [])
                address = _address(builder, memref, indices)
                builder.op("func.call", [address, value], [], {"callee": ir.FlatSymbolRefAttr.get(name)})
                op.erase()
            elif op.name.startswith("linalg."):
                raise UnsupportedError(f"{source_place(op.location)}: {op.name} runs on no GPU")

    def declare(self, name: str, inputs: list[ir.Type], results: list[ir.Type]) -> str:
        """A private function without a body."""
        if name not in self.declared:
            self.declared.add(name)
            attributes = {
                "sym_name": ir.StringAttr.get(name),
                "sym_visibility": ir.StringAttr.get("private"),
                "function_type": ir.TypeAttr.get(ir.FunctionType.get(inputs, results)),
                "llvm.bareptr": ir.UnitAttr.get(),
            }
            self.body.append(ir.Operation.create("func.func", attributes=attributes, regions=1))
        return name

    def launch(self, op: ir.Operation, builder: Builder) -> None:
        number = self.kernels.setdefault(value_of(op, "kernel"), len(self.kernels))
        grid = value_of(op, "grid")
        kinds = [value.type for value in op.operands]
        values: list[ir.Value] = []
        for value in op.operands:  # addresses: the types of memrefs are of no interest any more
            values.append(_address(builder, value, ()) if isinstance(value.type, ir.MemRefType) else value)
        kinds = [value.type for value in values]
        name = f"{_PREFIX}.{number}." + ".".join(map(str, (*grid, *kinds)))
        self.declare(name, kinds, [])
        builder.op("func.call", values, (), {"callee": ir.FlatSymbolRefAttr.get(name)})
        op.erase()


def _address(builder: Builder, memref: ir.Value, indices: list[ir.Value] | tuple[()]) -> ir.Value:
    """The address of an element in device memory, as an index."""
    strides, offset = strides_and_offset(memref.type)
    address = builder.op("memref.extract_aligned_pointer_as_index", (memref,), (builder.index,)).results[0]
    if offset == DYNAMIC:
        base = builder.op("memref.extract_strided_metadata", (memref,), _metadata_types(memref, builder))
        elements: ir.Value | int = base.results[1]
    else:
        elements = offset
    for index, stride in zip(indices, strides, strict=False):
        elements = builder.add(elements, builder.mul(index, stride))
    return builder.value(builder.add(address, builder.mul(elements, byte_width(memref.type.element_type))))


def _metadata_types(memref: ir.Value, builder: Builder) -> list[ir.Type]:
    rank = memref.type.rank
    return [ir.MemRefType.get([], memref.type.element_type), *[builder.index] * (1 + 2 * rank)]


@register_pass
@dataclass(frozen=True)
class EmitLaunches(Pass):
    """Replace launches, and loads and stores of host functions, by calls; remove the tile functions.

    Before: ``"astra.gpu_launch"(%x) {kernel = @tile_0, grid = array<i64: 8, 1, 1>} : (memref<8xf32>) -> ()``.
    After: ``call @astra.launch.0.8.1.1.index(%address) : (index) -> ()``.
    """

    name: ClassVar[str] = "astra-emit-launches"
    summary: ClassVar[str] = "launches of tile functions to calls of the runtime"

    def run(self, module: ir.Operation) -> None:
        host = _Host(module)
        functions = [op.operation for op in host.body.operations]
        for func in functions:
            if TILE_ATTRIBUTE in func.attributes:
                func.erase()
            elif func.name == "func.func" and len(func.regions[0].blocks):
                host.function(func)
        module.attributes[KERNELS] = ir.ArrayAttr.get([ir.StringAttr.get(name) for name in host.kernels])
        if host.reads:
            module.attributes[READS] = ir.UnitAttr.get()


_RUNTIME = """
llvm.func @astra_gpu_launch(i64, !llvm.ptr, !llvm.ptr)
llvm.func @astra_gpu_read(!llvm.ptr, !llvm.ptr, i64)
llvm.func @astra_gpu_write(!llvm.ptr, i64, i64)
"""


def _launch_text(name: str, kinds: list[str]) -> str:
    parts = name.removeprefix(_PREFIX + ".").split(".")
    number, grid = parts[0], parts[1:4]
    parameters = ", ".join(f"%a{i}: {kind}" for i, kind in enumerate(kinds))
    sizes = "\n".join(
        f"  %g{i} = llvm.mlir.constant({size} : i64) : i64\n"
        f"  %gp{i} = llvm.getelementptr %grid[{i}] : (!llvm.ptr) -> !llvm.ptr, i64\n"
        f"  llvm.store %g{i}, %gp{i} : i64, !llvm.ptr"
        for i, size in enumerate(grid)
    )
    places = "\n".join(
        f"  %v{i} = llvm.alloca %one x {kind} : (i64) -> !llvm.ptr\n"
        f"  llvm.store %a{i}, %v{i} : {kind}, !llvm.ptr\n"
        f"  %p{i} = llvm.getelementptr %places[{i}] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr\n"
        f"  llvm.store %v{i}, %p{i} : !llvm.ptr, !llvm.ptr"
        for i, kind in enumerate(kinds)
    )
    return f"""
llvm.func internal @"{name}"({parameters}) attributes {{passthrough = ["noinline"]}} {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %three = llvm.mlir.constant(3 : i64) : i64
  %count = llvm.mlir.constant({max(1, len(kinds))} : i64) : i64
  %grid = llvm.alloca %three x i64 : (i64) -> !llvm.ptr
  %places = llvm.alloca %count x !llvm.ptr : (i64) -> !llvm.ptr
{sizes}
{places}
  %number = llvm.mlir.constant({number} : i64) : i64
  llvm.call @astra_gpu_launch(%number, %grid, %places) : (i64, !llvm.ptr, !llvm.ptr) -> ()
  llvm.return
}}
"""


def _bytes(kind: str) -> int:
    return {"i1": 1, "i8": 1, "i16": 2, "f16": 2, "bf16": 2, "i32": 4, "f32": 4, "i64": 8, "f64": 8}[kind]


def _read_text(name: str, kind: str) -> str:
    memory = "i8" if kind == "i1" else kind
    after = "\n  %truth = llvm.trunc %value : i8 to i1" if kind == "i1" else ""
    return f"""
llvm.func internal @"{name}"(%address: i64) -> {kind} {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %bytes = llvm.mlir.constant({_bytes(kind)} : i64) : i64
  %place = llvm.alloca %one x {memory} : (i64) -> !llvm.ptr
  %memory = llvm.inttoptr %address : i64 to !llvm.ptr
  llvm.call @astra_gpu_read(%place, %memory, %bytes) : (!llvm.ptr, !llvm.ptr, i64) -> ()
  %value = llvm.load %place : !llvm.ptr -> {memory}{after}
  llvm.return {"%truth" if kind == "i1" else "%value"} : {kind}
}}
"""


def _write_text(name: str, kind: str) -> str:
    bits = 8 * _bytes(kind) if kind != "i1" else 1
    cast = f"%whole = llvm.bitcast %value : {kind} to i{bits}" if kind[0] != "i" else ""
    whole = "%whole" if cast else "%value"
    wide = f"%wide = llvm.zext {whole} : i{bits} to i64" if bits < 64 else ""
    return f"""
llvm.func internal @"{name}"(%address: i64, %value: {kind}) {{
  {cast}
  {wide}
  %bytes = llvm.mlir.constant({_bytes(kind)} : i64) : i64
  %memory = llvm.inttoptr %address : i64 to !llvm.ptr
  llvm.call @astra_gpu_write(%memory, {"%wide" if wide else whole}, %bytes) : (!llvm.ptr, i64, i64) -> ()
  llvm.return
}}
"""


@register_pass
@dataclass(frozen=True)
class EmitLaunchCalls(Pass):
    """Write the bodies of the functions that ``astra-emit-launches`` declared, in the LLVM dialect."""

    name: ClassVar[str] = "astra-emit-launch-calls"
    summary: ClassVar[str] = "bodies of launches in the LLVM dialect"

    def run(self, module: ir.Operation) -> None:
        body = module.regions[0].blocks[0]
        texts = []
        for op in list(body.operations):
            func = op.operation
            if func.name != "llvm.func" or len(func.regions[0].blocks):
                continue
            name = ir.StringAttr(func.attributes["sym_name"]).value
            kinds = [str(kind) for kind in ir.TypeAttr(func.attributes["function_type"]).value.inputs]
            if name.startswith(_PREFIX + "."):
                texts.append(_launch_text(name, kinds))
            elif name.startswith(_READ + "."):
                texts.append(_read_text(name, name.removeprefix(_READ + ".")))
            elif name.startswith(_WRITE + "."):
                texts.append(_write_text(name, kinds[1]))
            else:
                continue
            func.erase()
        if texts:
            written = ir.Module.parse(_RUNTIME + "\n".join(texts))
            for op in list(written.body.operations):
                body.append(op.operation.clone())
