"""``astra-tile-to-gpu``: a tile function whose tiles have layouts becomes a kernel, the code that each thread runs.

A tile is a vector of the elements that the thread holds, in the order of its layout's registers; a scalar is the same
in all threads.  An elementwise operation on a tile is that operation on a vector.  Control flow stays as it is, since
all threads of a block take the same way.  The rules for what threads do together are in ``lower_memory.py`` (accesses
of memory), ``lower_exchange.py`` (changes of layout, reductions, scans), ``lower_products.py`` and ``lower_math.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.tile_layout import LAYOUTS_ATTRIBUTE
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu.assign import layouts_of, tile_functions, warps_of
from astra_mlir.passes.gpu.axes import AxisAnalysis
from astra_mlir.passes.gpu.emit import SHARED, Thread, storage, vector_of
from astra_mlir.passes.gpu.layouts import Layout
from astra_mlir.passes.gpu.lower_math import MATH, lower_math, needs_conversion
from astra_mlir.passes.gpu.target import gpu_target_of
from astra_mlir.passes.memref_utils import byte_width

__all__ = ["MAPS", "SHARED_BYTES", "THREADS", "Lowering", "declare", "make_kernels", "register_rules"]

SHARED_BYTES = "astra.shared_bytes"  # of a kernel: what a launch must give it of dynamic shared memory
MAPS = "astra.tensor_maps"  # of a kernel: what the descriptors that are its last parameters describe
THREADS = "astra.threads"  # of a kernel: threads of a block

Rule = Callable[["Lowering", ir.Operation], Sequence[ir.Value | None] | None]
_TILE_ALIGNMENT = 1024
_RULES: dict[str, Rule] = {}


def register_rules(rules: dict[str, Rule]) -> None:
    """Make operations known to the lowering."""
    _RULES.update(rules)


def make_kernels(module: ir.Operation) -> None:
    """Replace all tile functions of a module by kernels."""
    shared = False
    declared: dict[str, tuple[int, ir.Type]] = {}
    texts: dict[str, str] = {}
    block = module.regions[0].blocks[0]
    for func in tile_functions(module):
        lowering = Lowering(func)
        lowering.run()
        shared = shared or lowering.shared_bytes > 0
        declared.update(lowering.declared)
        texts.update(lowering.texts)
        func.erase()
    declare(module, declared)
    if texts:
        _llvm_function(
            "vprintf", "!llvm.func<i32 (ptr, ptr)>", ir.InsertionPoint.at_block_begin(block), module.location
        )
    for name, text in texts.items():
        _text(name, text, ir.InsertionPoint.at_block_begin(block), module.location)
    if shared:
        _shared_array(ir.InsertionPoint.at_block_begin(block), module.location)


def declare(module: ir.Operation, functions: Mapping[str, tuple[int, ir.Type]]) -> None:
    """Declare functions of libdevice, by their arity and type, that the module does not have yet."""
    block = module.regions[0].blocks[0]
    present = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value
        for op in block.operations
        if "sym_name" in op.operation.attributes
    }
    for name, (arity, element) in functions.items():
        if name not in present:
            text = f"!llvm.func<{element} ({', '.join([str(element)] * arity)})>"
            _llvm_function(name, text, ir.InsertionPoint.at_block_begin(block), module.location)


def _llvm_function(name: str, kind: str, ip: ir.InsertionPoint, loc: ir.Location) -> ir.Operation:
    return ir.Operation.create(
        "llvm.func",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "function_type": ir.TypeAttr.get(ir.Type.parse(kind)),
            "CConv": ir.Attribute.parse("#llvm.cconv<ccc>"),
            "linkage": ir.Attribute.parse("#llvm.linkage<external>"),
            "visibility_": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0),
        },
        regions=1,
        ip=ip,
        loc=loc,
    )


def _text(name: str, text: str, ip: ir.InsertionPoint, loc: ir.Location) -> None:
    """A constant of the module, with a zero at the end."""
    i64 = ir.IntegerType.get_signless(64)
    ir.Operation.create(
        "llvm.mlir.global",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "global_type": ir.TypeAttr.get(ir.Type.parse(f"!llvm.array<{len(text.encode()) + 1} x i8>")),
            "linkage": ir.Attribute.parse("#llvm.linkage<internal>"),
            "visibility_": ir.IntegerAttr.get(i64, 0),
            "constant": ir.UnitAttr.get(),
            "value": ir.StringAttr.get(text + "\0"),
        },
        regions=1,
        ip=ip,
        loc=loc,
    )


def _shared_array(ip: ir.InsertionPoint, loc: ir.Location) -> None:
    """Shared memory as one external array, aligned for the swizzles; its size is given at the launch."""
    i32, i64 = (ir.IntegerType.get_signless(width) for width in (32, 64))
    ir.Operation.create(
        "llvm.mlir.global",
        attributes={
            "sym_name": ir.StringAttr.get(SHARED),
            "global_type": ir.TypeAttr.get(ir.Type.parse("!llvm.array<0 x i8>")),
            "linkage": ir.Attribute.parse("#llvm.linkage<external>"),
            "visibility_": ir.IntegerAttr.get(i64, 0),
            "addr_space": ir.IntegerAttr.get(i32, 3),
            "alignment": ir.IntegerAttr.get(i64, 1024),
        },
        regions=1,
        ip=ip,
        loc=loc,
    )


class Lowering:
    """The translation of one tile function."""

    def __init__(self, func: ir.Operation) -> None:
        self.func = func
        self.target = gpu_target_of(func)
        self.warps = warps_of(func)
        self.facts = AxisAnalysis()
        self.values: dict[ir.Value, ir.Value] = {}
        self.layouts: dict[ir.Value, Layout] = {}
        self.stored = _written(func)
        self.pinned_bytes = 0  # shared memory of buffers; above it lies what one exchange after the other takes
        self.pinned: list[tuple[ir.Value, int]] = []
        self.last_uses: dict[ir.Operation, list[ir.Value]] = {}
        self.shared_bytes = 0
        self.scratch_used = False
        self.maps: list[ir.Attribute] = []  # descriptors of arrays for the copy engine, further parameters
        self.texts: dict[str, str] = {}  # constants of the module
        self.declared: dict[str, tuple[int, ir.Type]] = {}  # functions of libdevice, their arity and type

    def run(self) -> None:
        """Put a kernel behind the function."""
        body = self.func.regions[0].blocks[0]
        name = ir.StringAttr(self.func.attributes["sym_name"]).value
        types = [_argument_type(argument.type) for argument in body.arguments]
        listed = ", ".join(str(kind).removeprefix("!llvm.") for kind in types)
        after = ir.InsertionPoint.after(self.func)
        kernel = _llvm_function(name, f"!llvm.func<void ({listed})>", after, self.func.location)
        kernel.attributes["nvvm.kernel"] = ir.UnitAttr.get()
        kernel.attributes["nvvm.reqntid"] = ir.DenseI32ArrayAttr.get([32 * self.warps])
        entry = kernel.regions[0].blocks.append(*types, arg_locs=[self.func.location] * len(types))
        self.entry = entry
        for argument, new in zip(body.arguments, entry.arguments, strict=True):
            self.values[argument] = new
        self.thread = Thread(ir.InsertionPoint(entry), self.func.location)
        self.tid = self.thread.special("tid.x")
        self.lane = self.thread.binary("andi", self.tid, self.thread.integer(31))
        self._block(body)
        self.thread.op("llvm.return")
        if self.shared_bytes > self.target.shared_bytes_block:
            raise UnsupportedError(
                f"{source_place(self.func.location)}: tile function '{name}' needs {self.shared_bytes} bytes of shared "
                f"memory, a block of {self.target.name} may have {self.target.shared_bytes_block}: take smaller tiles"
            )
        if self.maps:
            self._add_maps(kernel, types)
        i64 = ir.IntegerType.get_signless(64)
        kernel.attributes[THREADS] = ir.IntegerAttr.get(i64, 32 * self.warps)
        kernel.attributes[SHARED_BYTES] = ir.IntegerAttr.get(i64, self.shared_bytes)

    def _add_maps(self, kernel: ir.Operation, types: Sequence[ir.Type]) -> None:
        """Descriptors are passed by value, and are not copied by the kernel."""
        listed = ", ".join([str(kind).removeprefix("!llvm.") for kind in types] + ["ptr"] * len(self.maps))
        kernel.attributes["function_type"] = ir.TypeAttr.get(ir.Type.parse(f"!llvm.func<void ({listed})>"))
        by_value = ir.Attribute.parse(
            "{llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant, llvm.readonly}"
        )
        none = ir.DictAttr.get({})
        kernel.attributes["arg_attrs"] = ir.ArrayAttr.get([none] * len(types) + [by_value] * len(self.maps))
        kernel.attributes[MAPS] = ir.ArrayAttr.get(self.maps)

    # --- what rules ask for

    def __getitem__(self, value: ir.Value) -> ir.Value:
        """What a thread has of a value of the tile function."""
        return self.values[value]

    def layout(self, value: ir.Value) -> Layout:
        if value not in self.layouts:
            raise UnsupportedError(
                f"{source_place(self.func.location)}: a tile of type {value.type} has no layout; run astra-tile-layouts"
            )
        return self.layouts[value]

    def vector_type(self, value: ir.Value) -> ir.Type:
        """The type of what a thread holds of a value."""
        if not isinstance(value.type, ir.RankedTensorType):
            return storage(value.type)
        return vector_of(self.layout(value).registers, storage(value.type.element_type))

    def scratch(self, size: int, alignment: int = 16) -> ir.Value:
        """Shared memory for one exchange: nobody still reads what was there before."""
        if self.scratch_used:
            self.thread.barrier(self.warps)
        self.scratch_used = True
        start = -(-self.pinned_bytes // alignment) * alignment
        self.shared_bytes = max(self.shared_bytes, start + size)
        return self.thread.shared(start)

    def pin(self, buffer: ir.Value, size: int) -> ir.Value:
        """Shared memory that is kept until the last use of a buffer."""
        if self.scratch_used:  # others may still read the exchange that was here
            self.thread.barrier(self.warps)
        start = -(-self.pinned_bytes // _TILE_ALIGNMENT) * _TILE_ALIGNMENT
        self.pinned.append((buffer, self.pinned_bytes))
        self.pinned_bytes = start + size
        self.shared_bytes = max(self.shared_bytes, self.pinned_bytes)
        return self.thread.shared(start)

    def _release(self, op: ir.Operation) -> None:
        """Give back the buffers whose last use was in an operation."""
        while self.pinned and self.pinned[-1][0] in self.last_uses.get(op, ()):
            self.pinned_bytes = self.pinned.pop()[1]
            self.scratch_used = True

    def tensor_map(self, described: dict[str, object]) -> ir.Value:
        """The parameter that is the descriptor of an array for the copy engine (of equal ones, one)."""
        attribute = map_of(described)
        if attribute not in self.maps:
            self.maps.append(attribute)
            self.entry.add_argument(ir.Type.parse("!llvm.ptr"), self.func.location)
        return self.entry.arguments[len(self.entry.arguments) - len(self.maps) + self.maps.index(attribute)]

    def text(self, text: str) -> str:
        """The name of a global constant with a text."""
        for name, known in self.texts.items():
            if known == text:
                return name
        name = f"{ir.StringAttr(self.func.attributes['sym_name']).value}_text_{len(self.texts)}"
        self.texts[name] = text
        return name

    def refuse(self, op: ir.Operation, why: str) -> UnsupportedError:
        return UnsupportedError(f"{source_place(op.location)}: '{op.name}' for a GPU: {why}")

    # --- blocks and control flow

    def _block(self, block: ir.Block) -> None:
        for op in block.operations:
            self._note_last_use(op.operation, block)
        for op in block.operations:
            self.operation(op.operation)
            self._release(op.operation)

    def _note_last_use(self, op: ir.Operation, block: ir.Block) -> None:
        if op.name not in ("astra.tile_buffer", "astra.tile_barriers"):
            return
        last = op
        for use in op.results[0].uses:
            user = use.owner.operation
            while user.block != block:
                user = user.parent.operation
            last = user if last.is_before_in_block(user) else last
        self.last_uses.setdefault(last, []).append(op.results[0])

    def operation(self, op: ir.Operation) -> None:
        name = op.name
        self.thread.loc = op.location
        if name in ("func.return", "astra.yield"):
            return
        for value, layout in zip(op.results, layouts_of(op), strict=True):
            if layout is not None:
                self.layouts[value] = layout
        if name in _CONTROL:
            _CONTROL[name](self, op)
            return
        rule = _RULES.get(name)
        if rule is not None:
            results = rule(self, op) or ()
        elif name.startswith(("arith.", "math.")):
            results = [self.elementwise(op, [self[operand] for operand in op.operands])]
        else:
            raise self.refuse(op, "there is no code for it")
        for value, result in zip(op.results, results, strict=True):
            if result is not None:
                self.values[value] = result

    def elementwise(self, op: ir.Operation, operands: Sequence[ir.Value]) -> ir.Value:
        """An operation of arith or math on scalars or on vectors of any length."""
        thread, element = self.thread, op.results[0].type
        element = storage(_scalar_type(element))
        vector = next((o.type for o in operands if isinstance(o.type, ir.VectorType)), None)
        kind = element if vector is None else vector_of(vector.shape[0], element)
        if op.name in MATH or needs_conversion(op):
            return lower_math(self, op, operands, kind)
        new = op.clone(ip=thread.ip)
        if LAYOUTS_ATTRIBUTE in new.attributes:
            del new.attributes[LAYOUTS_ATTRIBUTE]
        for i, operand in enumerate(operands):
            new.operands[i] = operand
        new.results[0].set_type(kind)
        return new.results[0]

    def combine(self, op: ir.Operation, left: Sequence[ir.Value], right: Sequence[ir.Value]) -> list[ir.Value]:
        """The combiner of a reduction or scan on vectors of elements."""
        block = op.regions[0].blocks[0]
        count = left[0].type.shape[0]
        saved = dict(self.values)
        for argument, value in zip(block.arguments, (*left, *right), strict=True):
            self.values[argument] = value
        for inner in block.operations:
            inner = inner.operation
            if inner.name == "astra.yield":
                results = [self.values[operand] for operand in inner.operands]
            elif inner.name == "arith.constant":
                self.values[inner.results[0]] = self.thread.splat(inner.clone(ip=self.thread.ip).results[0], count)
            elif inner.name.startswith(("arith.", "math.")):
                operands = [
                    self[operand]
                    if isinstance(self[operand].type, ir.VectorType)
                    else self.thread.splat(self[operand], count)
                    for operand in inner.operands
                ]
                self.values[inner.results[0]] = self.elementwise(inner, operands)
            else:
                raise self.refuse(op, f"'{inner.name}' in its combiner")
        self.values = saved
        return results

    def _region(self, source: ir.Region, target: ir.Region, carried: Sequence[ir.Value | None]) -> None:
        """Translate a region; ``carried`` are the values whose layouts its block's arguments have."""
        block = source.blocks[0]
        for argument, like in zip(block.arguments, carried, strict=True):
            if like is not None and isinstance(argument.type, ir.RankedTensorType):
                self.layouts[argument] = self.layouts[like]
        types = [self.vector_type(argument) for argument in block.arguments]
        new = target.blocks.append(*types, arg_locs=[self.thread.loc] * len(types))
        for argument, value in zip(block.arguments, new.arguments, strict=True):
            self.values[argument] = value
        outside, self.thread = self.thread, Thread(ir.InsertionPoint(new), self.thread.loc)
        self._block(block)
        self.thread = outside

    def _structured(self, op: ir.Operation, carried: Sequence[Sequence[ir.Value | None]]) -> None:
        results = [self.vector_type(result) for result in op.results]
        operands = [self[operand] for operand in op.operands]
        new = self.thread.op(op.name, operands, results, {}, len(op.regions))
        for source, target, like in zip(op.regions, new.regions, carried, strict=True):
            if len(source.blocks):
                self.scratch_used = True  # of the iteration before
                self._region(source, target, like)
        for value, result in zip(op.results, new.results, strict=True):
            self.values[value] = result

    def _for(self, op: ir.Operation) -> None:
        self._structured(op, [[None, *op.results]])

    def _if(self, op: ir.Operation) -> None:
        self._structured(op, [[], []])

    def _while(self, op: ir.Operation) -> None:
        before = list(op.operands)
        self._structured(op, [before, list(op.results)])

    def _terminate(self, op: ir.Operation) -> None:
        self.thread.op(op.name, [self[operand] for operand in op.operands])


_CONTROL: dict[str, Callable[[Lowering, ir.Operation], None]] = {
    "scf.for": Lowering._for,
    "scf.if": Lowering._if,
    "scf.while": Lowering._while,
    "scf.yield": Lowering._terminate,
    "scf.condition": Lowering._terminate,
}


def map_of(described: dict[str, object]) -> ir.Attribute:
    """What a descriptor describes, as an element of the kernel's attribute."""
    i64 = ir.IntegerType.get_signless(64)

    def attribute(value: object) -> ir.Attribute:
        if isinstance(value, list):
            return ir.DenseI64ArrayAttr.get(value)
        return ir.StringAttr.get(value) if isinstance(value, str) else ir.IntegerAttr.get(i64, value)

    return ir.DictAttr.get({name: attribute(value) for name, value in described.items()})


def _scalar_type(kind: ir.Type) -> ir.Type:
    return kind.element_type if isinstance(kind, ir.RankedTensorType) else kind


def _argument_type(kind: ir.Type) -> ir.Type:
    return ir.Type.parse("!llvm.ptr<1>") if isinstance(kind, ir.MemRefType) else storage(kind)


_WRITES = {"astra.tile_store": 0, "astra.tile_atomic": 0, "astra.tile_atomic_cas": 0, "astra.tile_block_store": 1}


def _written(op: ir.Operation) -> set[ir.Value]:
    """The pointers behind which an operation, or one inside it, changes memory."""
    found = set()
    for region in op.regions:
        for block in region.blocks:
            for child in block.operations:
                child = child.operation
                if child.name in _WRITES:
                    found.add(child.operands[_WRITES[child.name]])
                found |= _written(child)
    return found


# --- operations that no thread needs another for ----------------------------------------------------------------------


def _constant(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    kind = lowering.vector_type(op.results[0])
    value = op.attributes["value"]
    if isinstance(kind, ir.VectorType):
        if not value.is_splat:
            raise lowering.refuse(op, "the elements of a constant tile must be equal")
        value = value.get_splat_value()
    if storage(scalar := _scalar_type(op.results[0].type)) != scalar:
        value = ir.IntegerAttr.get(storage(scalar), _f8_bits(value.value, str(scalar)))
    if isinstance(kind, ir.VectorType):
        value = ir.DenseElementsAttr.get_splat(kind, value)
    return [lowering.thread.op("arith.constant", (), (kind,), {"value": value}).results[0]]


def _f8_bits(value: float, name: str) -> int:
    dtype = getattr(ml_dtypes, {"f8E4M3FN": "float8_e4m3fn", "f8E5M2": "float8_e5m2"}[name])
    return int(np.asarray([value], dtype).view(np.int8)[0])


def _splat(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    return [lowering.thread.splat(lowering[op.operands[0]], lowering.layout(op.results[0]).registers)]


def _arange(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    thread, layout = lowering.thread, lowering.layout(op.results[0])
    start = ir.IntegerAttr(op.attributes["start"]).value
    first = thread.linear(lowering.tid, layout.thread)
    numbers = thread.numbers([layout.element(r, 0, 0) + start for r in range(layout.registers)], thread.i32)
    if isinstance(first, int):
        return [numbers]
    flags = {"overflowFlags": ir.Attribute.parse("#arith.overflow<nsw, nuw>")} if start >= 0 else {}
    wide = thread.splat(first, layout.registers)
    return [thread.op("arith.addi", (wide, numbers), (wide.type,), flags).results[0]]


def _same(lowering: Lowering, op: ir.Operation) -> list[ir.Value | None]:
    return [lowering.values.get(op.operands[0])]  # none of a tile that products read where it is


def _broadcast(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    source, target = lowering.layout(op.operands[0]), lowering.layout(op.results[0])
    place = {source.element(r, 0, 0): r for r in range(source.registers)}
    whole = Layout(target.shape, target.register, target.lane, target.warp)
    cleared = [
        _cleared(whole.element(r, 0, 0), target.shape, source.shape) for r in range(target.registers)
    ]  # numbers in the operand's shape
    return [lowering.thread.pick(lowering[op.operands[0]], [place[element] for element in cleared])]


def _cleared(element: int, shape: tuple[int, ...], small: tuple[int, ...]) -> int:
    """The number that an element of a broadcast tile has in the tile that was broadcast."""
    number, stride = 0, 1
    for size, own in zip(reversed(shape), reversed(small), strict=True):
        coordinate = element % size
        element //= size
        if own != 1:
            number += coordinate * stride
            stride *= own
    return number


def _join(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    a, b = (lowering[operand] for operand in op.operands)
    count = a.type.shape[0]
    kind = vector_of(2 * count, a.type.element_type)
    mask = [i // 2 + count * (i % 2) for i in range(2 * count)]
    return [lowering.thread.op("vector.shuffle", (a, b), (kind,), {"mask": ir.DenseI64ArrayAttr.get(mask)}).results[0]]


def _split(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
    layout, value = lowering.layout(op.operands[0]), lowering[op.operands[0]]
    return [
        lowering.thread.pick(value, [r for r in range(layout.registers) if layout.element(r, 0, 0) % 2 == side])
        for side in (0, 1)
    ]


def _special(name: str) -> Rule:
    def rule(lowering: Lowering, op: ir.Operation) -> list[ir.Value]:
        axis = "xyz"[ir.IntegerAttr(op.attributes["axis"]).value]
        return [lowering.thread.special(f"{name}.{axis}")]

    return rule


def _assert(lowering: Lowering, op: ir.Operation) -> None:
    value, thread = lowering[op.operands[0]], lowering.thread
    if isinstance(value.type, ir.VectorType):
        kind = {"kind": ir.Attribute.parse("#vector.kind<and>")}
        value = thread.op("vector.reduction", (value,), (thread.i1,), kind).results[0]
    thread.ptx("@!$0 trap;", "b", (value,))


register_rules(
    {
        "arith.constant": _constant,
        "tensor.splat": _splat,
        "astra.tile_arange": _arange,
        "astra.tile_reshape": _same,
        "astra.tile_transpose": _same,
        "astra.tile_broadcast": _broadcast,
        "astra.tile_join": _join,
        "astra.tile_split": _split,
        "astra.tile_program_id": _special("ctaid"),
        "astra.tile_num_programs": _special("nctaid"),
        "astra.tile_assert": _assert,
    }
)


def tile_bytes(kind: ir.Type) -> int:
    """Bytes of a tile in shared memory."""
    count = 1
    for size in kind.shape:
        count *= size
    return count * byte_width(kind.element_type)
