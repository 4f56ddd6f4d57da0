"""``astra-emit-entry``: the entry points and parallel calls, written in the LLVM dialect.

The last pass before translation to LLVM IR.  Every compiled function gets the one signature that Python, PJRT and C
callers share, ``void astra_entry_<name>(void **inputs, void **outputs, void *arena)``, and each declared
``<task>.parallel`` gets a body that hands the task to the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.kernels_apart import APART
from astra_mlir.passes.outline_parallel import PARALLEL_SUFFIX
from astra_mlir.passes.schedules import SCHEDULE_ATTRIBUTE

__all__ = ["EmitEntry"]

INLINED_SIZE = 300  # operations of a kernel that is inlined into a loop
TINY = 16  # operations that are no more than a call of them: a copy of the state before a loop
INLINED_TOTAL = 6000  # operations that are inlined into one function: about a second of LLVM's time

_FREE = {
    f"llvm.{name}" for name in ("mlir.constant", "mlir.poison", "mlir.undef", "insertvalue", "extractvalue", "return")
}

_SLOT_KINDS = {"!llvm.ptr", "f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64"}  # of at most eight bytes

_RUNTIME = "llvm.func @astra_parallel_for(!llvm.ptr, !llvm.ptr, i64)"


def _parameters(func: ir.Operation) -> list[str]:
    """The parameter types of an ``llvm.func`` as text."""
    kind = ir.TypeAttr(func.attributes["function_type"]).value
    return [str(t) for t in kind.inputs]


def _declaration(name: str, kinds: list[str]) -> str:
    return f'llvm.func @"{name}"({", ".join(kinds)})'


def _parallel_call(name: str, kinds: list[str]) -> str:
    """The body of ``<task>.parallel(count, captured...)`` and the function that unpacks what was captured."""
    task = name.removesuffix(PARALLEL_SUFFIX)
    captured = kinds[1:]
    # Slots of one size where that is enough: the struct's type in each line makes long text of many values.
    slots = all(kind in _SLOT_KINDS for kind in captured)
    unit = "i64" if slots else f"!llvm.struct<({', '.join(captured)})>"
    at = [f"[{i}]" if slots else f"[0, {i}]" for i in range(len(captured))]
    parameters = ", ".join(f"%a{i}: {kind}" for i, kind in enumerate(captured))
    pack = "\n".join(
        f"  %p{i} = llvm.getelementptr %context{at[i]} : (!llvm.ptr) -> !llvm.ptr, {unit}\n"
        f"  llvm.store %a{i}, %p{i} : {kind}, !llvm.ptr"
        for i, kind in enumerate(captured)
    )
    unpack = "\n".join(
        f"  %p{i} = llvm.getelementptr %context{at[i]} : (!llvm.ptr) -> !llvm.ptr, {unit}\n"
        f"  %a{i} = llvm.load %p{i} : !llvm.ptr -> {kind}"
        for i, kind in enumerate(captured)
    )
    arguments = ", ".join(["%begin", "%end", *(f"%a{i}" for i in range(len(captured)))])
    return f"""
llvm.func internal @"{task}.range"(%context: !llvm.ptr, %begin: i64, %end: i64) {{
{unpack}
  llvm.call @"{task}"({arguments}) : ({", ".join(["i64", "i64", *captured])}) -> ()
  llvm.return
}}
llvm.func internal @"{name}"(%count: i64{", " if parameters else ""}{parameters}) {{
  %units = llvm.mlir.constant({len(captured) if slots else 1} : i64) : i64
  %context = llvm.alloca %units x {unit} : (i64) -> !llvm.ptr
{pack}
  %function = llvm.mlir.addressof @"{task}.range" : !llvm.ptr
  llvm.call @astra_parallel_for(%function, %context, %count) : (!llvm.ptr, !llvm.ptr, i64) -> ()
  llvm.return
}}
{_declaration(task, ["i64", "i64", *captured])}
"""


def _entry(name: str, kinds: list[str], inputs: int, outputs: int, constants: int, first: int) -> str:
    """The entry point of a bufferized function: arguments are inputs, outputs, constants and the arena.

    Behind the inputs the caller gives all of the module's constants; those of this function begin with ``first``.
    """
    sources = [("inputs", i) for i in range(inputs)] + [("outputs", i) for i in range(outputs)]
    sources += [("inputs", inputs + first + i) for i in range(constants)]
    lines = [
        f"  %p{n} = llvm.getelementptr %{array}[{i}] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr\n"
        f"  %a{n} = llvm.load %p{n} : !llvm.ptr -> !llvm.ptr"
        for n, (array, i) in enumerate(sources)
    ]
    arguments = ", ".join([*(f"%a{n}" for n in range(len(sources))), "%arena"])
    return f"""
llvm.func @"astra_entry_{name}"(%inputs: !llvm.ptr, %outputs: !llvm.ptr, %arena: !llvm.ptr) {{
{chr(10).join(lines)}
  llvm.call @"{name}"({arguments}) : ({", ".join(kinds)}) -> ()
  llvm.return
}}
{_declaration(name, kinds)}
"""


def _forget_notes(func: ir.Operation) -> None:
    for note in (SCHEDULE_ATTRIBUTE, APART):
        if note in func.attributes:
            del func.attributes[note]


def _name_loop_annotations(func: ir.Operation) -> None:
    """Loop annotations come out of the conversions under a name that translation ignores: give them their own."""
    for block in func.regions[0].blocks:
        terminator = block.operations[len(block.operations) - 1].operation
        if "llvm.loop_annotation" in terminator.attributes:
            terminator.attributes["loop_annotation"] = terminator.attributes["llvm.loop_annotation"]
            del terminator.attributes["llvm.loop_annotation"]


def _in_loops(func: ir.Operation) -> set[int]:
    """The numbers of a function's blocks that run more than once: conversions keep the blocks of a loop together."""
    blocks = list(func.regions[0].blocks)
    numbers = {block: i for i, block in enumerate(blocks)}
    found: set[int] = set()
    for i, block in enumerate(blocks):
        for successor in block.operations[len(block.operations) - 1].operation.successors:
            found.update(range(numbers[successor], i + 1))
    return found


def _size(func: ir.Operation) -> int:
    """Operations of a function that do something; those with calls count as large."""
    operations = [op.operation.name for block in func.regions[0].blocks for op in block.operations]
    return INLINED_SIZE + 1 if "llvm.call" in operations else sum(name not in _FREE for name in operations)


def _choose_inlining(func: ir.Operation, functions: dict[str, ir.Operation]) -> None:
    """Inline small kernels that are called in a loop; keep all others apart.

    Kernels are apart so that each is optimized once: inlining all of them doubles LLVM's time on a training step (4
    layers of GPT: 8.5 s against 3.8 s) and gains nothing.  In a loop over small arrays the calls, and what passes
    between them through memory, are most of the time.
    """
    in_loops, budget = _in_loops(func), INLINED_TOTAL
    sizes: dict[str, int] = {}
    apart: set[str] = set()
    for i, block in enumerate(func.regions[0].blocks):
        for op in block.operations:
            if op.operation.name != "llvm.call" or "callee" not in op.operation.attributes:
                continue
            name = ir.FlatSymbolRefAttr(op.operation.attributes["callee"]).value
            if name not in functions:
                continue
            size = sizes.setdefault(name, _size(functions[name]))
            inline = size <= min(INLINED_SIZE if i in in_loops else TINY, budget)
            if inline:
                budget -= size
            else:
                apart.add(name)
            op.operation.attributes["always_inline" if inline else "no_inline"] = ir.UnitAttr.get()
    # What is inlined everywhere needs no code of its own; of this function the entry has a copy.
    for name in sizes.keys() - apart:
        _make_internal(functions[name])
    _make_internal(func)


def _make_internal(func: ir.Operation) -> None:
    func.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")


@register_pass
@dataclass(frozen=True)
class EmitEntry(Pass):
    """Write ``astra_entry_<name>`` for every compiled function and the bodies of parallel calls."""

    name: ClassVar[str] = "astra-emit-entry"
    summary: ClassVar[str] = "add entry points and calls of the parallel runtime in the LLVM dialect"

    def run(self, module: ir.Operation) -> None:
        body = module.regions[0].blocks[0]
        functions = {
            ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation
            for op in body.operations
            if op.operation.name == "llvm.func"
        }
        texts = []
        for name, func in functions.items():
            _forget_notes(func)
            _name_loop_annotations(func)
            if name.endswith(PARALLEL_SUFFIX) and not len(func.regions[0].blocks):
                texts.append(_parallel_call(name, _parameters(func)))
                # Inlined where it is unpacked; another copy for callers elsewhere would double LLVM's work.
                _make_internal(functions[name.removesuffix(PARALLEL_SUFFIX)])
                func.erase()
            elif "astra.num_inputs" in func.attributes:
                counts = [func.attributes[f"astra.num_{what}"].value for what in ("inputs", "outputs", "constants")]
                first = (
                    func.attributes["astra.first_constant"].value if "astra.first_constant" in func.attributes else 0
                )
                texts.append(_entry(name, _parameters(func), *counts, first))
                _choose_inlining(func, functions)
        if any("@astra_parallel_for" in text for text in texts):
            texts.append(_RUNTIME)
        written = ir.Module.parse("\n".join(texts))
        for op in list(written.body.operations):
            operation = op.operation
            name = ir.StringAttr(operation.attributes["sym_name"]).value
            is_definition = bool(len(operation.regions[0].blocks))
            if is_definition or name == "astra_parallel_for":
                body.append(operation.clone())
