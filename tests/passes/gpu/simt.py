"""Runs a kernel as ``astra-tile-to-gpu`` leaves it (llvm.func with arith, vector, scf, llvm, nvvm and inline PTX), all
threads of a block at once: a value is an array [thread, ...].

It checks what a GPU would not tell: accesses out of bounds or not aligned, threads that part ways, and two threads that
touch the same shared memory without a barrier between them.  Asynchronous copies land when they are waited for, no
earlier, so a missing wait reads what was there before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from scipy import special

from astra_mlir.bindings import ir

DTYPES = {
    "i1": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "index": np.int64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn, "f8E5M2": ml_dtypes.float8_e5m2,
}  # fmt: skip
GAP = 4096  # unmapped bytes between arguments
SHARED_BYTES = 228 << 10


class Fault(Exception):
    """What the kernel does is not allowed."""


def element_of(kind: ir.Type) -> Any:
    return DTYPES[str(kind.element_type if isinstance(kind, ir.VectorType) else kind)]


def unsigned(x: np.ndarray) -> np.ndarray:
    return x.view(f"u{x.dtype.itemsize}") if x.dtype != np.bool_ else x


class Memory:
    """Bytes with a map of which may be touched."""

    def __init__(self, size: int) -> None:
        self.bytes = np.zeros(size, np.uint8)
        self.mapped = np.zeros(size, bool)

    def places(self, pointers: np.ndarray, size: int, align: int) -> np.ndarray:
        if (pointers % align).any():
            raise Fault(f"access of {size} bytes at {pointers[pointers % align != 0][0]}, aligned to {align}")
        places = pointers[:, None] + np.arange(size)
        if places.size and (places.min() < 0 or places.max() >= len(self.bytes) or not self.mapped[places].all()):
            raise Fault("access out of bounds")
        return places


class Shared(Memory):
    """Shared memory, with who touched each byte since the last barrier."""

    def __init__(self, size: int) -> None:
        super().__init__(SHARED_BYTES)
        self.mapped[:size] = True
        self.bytes[:] = 0xCD
        self.writer = np.full(SHARED_BYTES, -1)
        self.reader = np.full(SHARED_BYTES, -1)  # -2: several

    def barrier(self) -> None:
        self.writer[self.writer != -3] = -1  # what the copy engine brings is not there yet
        self.reader[:] = -1

    def note_read(self, places: np.ndarray, threads: np.ndarray) -> None:
        who = np.broadcast_to(threads[:, None], places.shape)
        bad = (self.writer[places] != -1) & (self.writer[places] != who)
        if bad.any():
            raise Fault("shared memory is read that another thread wrote, without a barrier between")
        before = self.reader[places]
        self.reader[places] = np.where((before == -1) | (before == who), who, -2)
        counts = np.bincount(places.ravel(), minlength=SHARED_BYTES)
        self.reader[counts > 1] = -2

    def note_write(self, places: np.ndarray, threads: np.ndarray, data: np.ndarray) -> None:
        who = np.broadcast_to(threads[:, None], places.shape)
        if ((self.reader[places] != -1) & (self.reader[places] != who)).any():
            raise Fault("shared memory is written that another thread read, without a barrier between")
        other = (self.writer[places] != -1) & (self.writer[places] != who)
        if (other & (self.bytes[places] != data)).any():
            raise Fault("two threads write different values to one place of shared memory")
        self.writer[places] = who


class Block:
    """One block of threads that runs a kernel."""

    def __init__(self, threads: int, memory: Memory, shared: int, program: tuple[int, ...], grid: tuple[int, ...]):
        self.threads, self.memory, self.shared = threads, memory, Shared(shared)
        self.program, self.grid = program, grid
        self.values: dict[ir.Value, Any] = {}
        self.tid = np.arange(threads, dtype=np.int32)
        self.copies: list[list[tuple[np.ndarray, np.ndarray]]] = [
            []
        ]  # groups of asynchronous copies, the open one last
        self.trace: dict[str, int] = {}
        self.barriers: dict[int, Any] = {}
        self.descriptors: dict[int, Any] = {}
        self.texts: dict[str, str] = {}
        self.written: list[str] = []
        self.active = np.ones(threads, bool)
        self.stack, self.stack_bytes = Memory(threads * 512), 0  # 512 bytes of each thread
        self.stack.mapped[:] = True

    # --- values

    def spread(self, value: Any, dtype: Any) -> np.ndarray:
        return np.full(self.threads, value, dtype)

    def uniform(self, value: ir.Value) -> Any:
        array = self.values[value]
        if not (array == array[0]).all():
            raise Fault(f"threads disagree on {value}")
        return array[0]

    def run(self, block: ir.Block, arguments: Sequence[Any]) -> list[Any]:
        for argument, value in zip(block.arguments, arguments, strict=True):
            self.values[argument] = value
        for op in block.operations:
            op = op.operation
            if op.name in ("scf.yield", "scf.condition", "llvm.return"):
                return [self.values[operand] for operand in op.operands]
            self.step(op)
        return []

    def step(self, op: ir.Operation) -> None:
        self.trace[op.name] = self.trace.get(op.name, 0) + 1
        operands = [self.values.get(operand) for operand in op.operands]
        if op.name in STRUCTURED:
            results = STRUCTURED[op.name](self, op, operands)
        elif op.name in RULES:
            with np.errstate(all="ignore"):
                results = RULES[op.name](self, op, operands)
        else:
            raise NotImplementedError(op.name)
        if not isinstance(results, list):
            results = [] if results is None else [results]
        for result, value in zip(op.results, results, strict=True):
            self.values[result] = value

    # --- memory

    def space(self, pointer: ir.Value) -> Memory:
        kind = str(pointer.type)
        return self.shared if "ptr<3>" in kind else self.memory if "ptr<1>" in kind else self.stack

    def read(self, memory: Memory, pointers: np.ndarray, size: int, align: int, who: np.ndarray) -> np.ndarray:
        places = memory.places(pointers, size, align)
        if isinstance(memory, Shared):
            memory.note_read(places, who)
        return memory.bytes[places]

    def write(self, memory: Memory, pointers: np.ndarray, data: np.ndarray, align: int, who: np.ndarray) -> None:
        places = memory.places(pointers, data.shape[1], align)
        if isinstance(memory, Shared):
            memory.note_write(places, who, data)
        memory.bytes[places] = data


Rule = Callable[[Block, ir.Operation, list[Any]], Any]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def put(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return put


def cast(kind: ir.Type, value: np.ndarray) -> np.ndarray:
    dtype = element_of(kind)
    return value.astype(dtype) if value.dtype != dtype else value


# --- arithmetic

BINARY: dict[str, Callable[..., Any]] = {
    "addf": np.add, "subf": np.subtract, "mulf": np.multiply, "divf": np.divide, "remf": np.fmod,
    "addi": np.add, "subi": np.subtract, "muli": np.multiply,
    "andi": np.bitwise_and, "ori": np.bitwise_or, "xori": np.bitwise_xor,
    "maximumf": np.maximum, "minimumf": np.minimum, "maxnumf": np.fmax, "minnumf": np.fmin,
    "maxsi": np.maximum, "minsi": np.minimum,
    "maxui": lambda a, b: np.maximum(unsigned(a), unsigned(b)).view(a.dtype),
    "minui": lambda a, b: np.minimum(unsigned(a), unsigned(b)).view(a.dtype),
    "shli": np.left_shift, "shrsi": np.right_shift,
    "shrui": lambda a, b: np.right_shift(unsigned(a), unsigned(b)).view(a.dtype),
    "divui": lambda a, b: (unsigned(a) // unsigned(b)).view(a.dtype),
    "remui": lambda a, b: (unsigned(a) % unsigned(b)).view(a.dtype),
    "divsi": lambda a, b: np.trunc(a / b).astype(a.dtype),
    "remsi": lambda a, b: np.fmod(a, b),
    "floordivsi": lambda a, b: a // b,
}  # fmt: skip
for _name, _function in BINARY.items():
    RULES[f"arith.{_name}"] = lambda block, op, x, f=_function: cast(op.results[0].type, np.asarray(f(x[0], x[1])))

INTEGERS = [
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
]  # fmt: skip
FLOATS = {1: np.equal, 2: np.greater, 3: np.greater_equal, 4: np.less, 5: np.less_equal, 13: np.not_equal}


@rule("arith.cmpi")
def _cmpi(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    predicate = ir.IntegerAttr(op.attributes["predicate"]).value
    if predicate >= 6:
        return INTEGERS[predicate - 4](unsigned(x[0]), unsigned(x[1]))
    return INTEGERS[predicate](x[0], x[1])


@rule("arith.cmpf")
def _cmpf(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    predicate = ir.IntegerAttr(op.attributes["predicate"]).value
    nan = np.isnan(x[0].astype(np.float64)) | np.isnan(x[1].astype(np.float64))
    if predicate in (7, 14):
        return ~nan if predicate == 7 else nan
    if predicate in FLOATS:
        return FLOATS[predicate](x[0], x[1])
    return {6: lambda: (x[0] != x[1]) & ~nan}.get(predicate, lambda: FLOATS[predicate - 7](x[0], x[1]) | nan)()


@rule("arith.select")
def _select(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    condition = x[0][:, None] if x[0].ndim < x[1].ndim else x[0]
    return np.where(condition, x[1], x[2])


@rule("arith.constant", "llvm.mlir.constant")
def _constant(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    kind, value = op.results[0].type, op.attributes["value"]
    if isinstance(kind, ir.VectorType):
        splat = [value.get_splat_value().value] * kind.shape[0] if value.is_splat else list(value)
        return np.broadcast_to(np.asarray(splat).astype(element_of(kind)), (block.threads, kind.shape[0]))
    return block.spread(value.value, element_of(kind))


@rule("arith.extsi", "arith.trunci", "arith.extf", "arith.truncf", "arith.sitofp", "arith.fptosi", "arith.index_cast")
def _cast(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    if op.name in ("arith.extsi", "arith.sitofp") and x[0].dtype == np.bool_:
        return -x[0].astype(element_of(op.results[0].type))
    if op.name == "arith.trunci" and element_of(op.results[0].type) is np.bool_:
        return (x[0] & 1).astype(bool)
    return x[0].astype(element_of(op.results[0].type))


@rule("arith.extui", "arith.uitofp", "arith.index_castui")
def _unsigned_cast(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return unsigned(x[0]).astype(element_of(op.results[0].type))


RULES["arith.negf"] = lambda block, op, x: -x[0]
MATH = {
    "fabs": np.abs, "ceil": np.ceil, "floor": np.floor, "sqrt": np.sqrt, "trunc": np.trunc, "roundeven": np.rint,
    "copysign": np.copysign, "fma": lambda a, b, c: a.astype(np.float64) * b + c,
}  # fmt: skip
for _name, _function in MATH.items():
    RULES[f"llvm.intr.{_name}"] = lambda block, op, x, f=_function: cast(op.results[0].type, np.asarray(f(*x)))
LIBDEVICE = {
    "exp": np.exp, "exp2": np.exp2, "log": np.log, "log2": np.log2, "log1p": np.log1p, "expm1": np.expm1,
    "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "erf": special.erf, "pow": np.power,
    "rsqrt": lambda a: 1 / np.sqrt(a),
}  # fmt: skip


@rule("llvm.call")
def _call(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    name = ir.FlatSymbolRefAttr(op.attributes["callee"]).value.removeprefix("__nv_")
    if name == "vprintf":
        return _vprintf(block, x)
    function = LIBDEVICE.get(name) or LIBDEVICE[name.removesuffix("f")]
    return function(*[value.astype(np.float64) for value in x]).astype(x[0].dtype)


def _vprintf(block: Block, x: list[Any]) -> Any:
    text = list(block.texts.values())[int(x[0][0])]
    for thread in np.flatnonzero(block.active):
        place, values = int(x[1][thread]), []
        for conversion in re.findall(r"%(ll)?([duf])", text):
            dtype = np.dtype({"f": "f8"}.get(conversion[1], "i4" if not conversion[0] else "i8"))
            place = -(-place // dtype.itemsize) * dtype.itemsize
            values.append(block.stack.bytes[place : place + dtype.itemsize].view(dtype)[0].item())
            place += dtype.itemsize
        block.written.append(text.removesuffix("\0").replace("%ll", "%") % tuple(values))
    return block.spread(0, np.int32)


# --- vectors


@rule("vector.broadcast")
def _broadcast(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return np.repeat(x[0][:, None], op.results[0].type.shape[0], 1)


@rule("vector.extract")
def _extract(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return x[0][:, next(iter(op.attributes["static_position"]))]


@rule("vector.shuffle")
def _shuffle(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return np.concatenate(x, 1)[:, list(op.attributes["mask"])]


@rule("vector.from_elements")
def _from_elements(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return np.stack(x, 1)


@rule("vector.bitcast")
def _bitcast(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return np.ascontiguousarray(x[0]).view(element_of(op.results[0].type))


@rule("vector.reduction")
def _reduction(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    assert "and" in str(op.attributes["kind"])
    return x[0].all(1)


@rule("llvm.extractvalue")
def _extractvalue(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    return x[0][next(iter(op.attributes["position"]))]


# --- memory


@rule("llvm.mlir.addressof")
def _addressof(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    name = ir.FlatSymbolRefAttr(op.attributes["global_name"]).value
    if name in block.texts:
        return block.spread(list(block.texts).index(name), np.int64)
    return block.spread(0, np.int64)


@rule("llvm.getelementptr")
def _address(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    width = max(np.dtype(DTYPES[str(ir.TypeAttr(op.attributes["elem_type"]).value)]).itemsize, 1)
    (constant,) = list(op.attributes["rawConstantIndices"])
    return x[0] + (x[1].astype(np.int64) if len(x) > 1 else constant) * width


@rule("llvm.alloca")
def _alloca(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    start, block.stack_bytes = block.stack_bytes, block.stack_bytes + -(-int(x[0][0]) // 8) * 8
    return block.tid.astype(np.int64) * 512 + start


RULES["llvm.ptrtoint"] = lambda block, op, x: x[0].astype(element_of(op.results[0].type))
RULES["llvm.inttoptr"] = lambda block, op, x: x[0].astype(np.int64)


@rule("llvm.load")
def _load(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    kind = op.results[0].type
    count = kind.shape[0] if isinstance(kind, ir.VectorType) else 1
    dtype = np.dtype(element_of(kind))
    align = ir.IntegerAttr(op.attributes["alignment"]).value
    data = block.read(block.space(op.operands[0]), x[0], count * dtype.itemsize, align, block.tid)
    data = np.ascontiguousarray(data).view(dtype)
    return data if isinstance(kind, ir.VectorType) else data[:, 0]


def as_bytes(value: np.ndarray) -> np.ndarray:
    value = value if value.ndim == 2 else value[:, None]
    return np.ascontiguousarray(value).view(np.uint8)


@rule("llvm.store")
def _store(block: Block, op: ir.Operation, x: list[Any]) -> None:
    align = ir.IntegerAttr(op.attributes["alignment"]).value
    block.write(block.space(op.operands[1]), x[1], as_bytes(x[0]), align, block.tid)


# --- threads together

for _axis, _letter in enumerate("xyz"):
    RULES[f"nvvm.read.ptx.sreg.ctaid.{_letter}"] = lambda b, op, x, a=_axis: b.spread(b.program[a], np.int32)
    RULES[f"nvvm.read.ptx.sreg.nctaid.{_letter}"] = lambda b, op, x, a=_axis: b.spread(b.grid[a], np.int32)
RULES["nvvm.read.ptx.sreg.tid.x"] = lambda block, op, x: block.tid
RULES["nvvm.barrier"] = lambda block, op, x: block.shared.barrier()


@rule("nvvm.bar.warp.sync")
def _warp_sync(block: Block, op: ir.Operation, x: list[Any]) -> None:
    if block.threads != 32:
        raise Fault("a warp's barrier where there are several warps")
    block.shared.barrier()


@rule("nvvm.shfl.sync")
def _shfl(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    lane = x[2] & 31
    lane = (block.tid & 31) ^ lane if "bfly" in str(op.attributes["kind"]) else lane
    return x[1][(block.tid & ~31) + lane]


# --- inline PTX

PTX: list[tuple[re.Pattern[str], Callable[..., Any]]] = []


def ptx(pattern: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        PTX.append((re.compile(pattern), function))
        return function

    return put


@rule("llvm.inline_asm")
def _inline(block: Block, op: ir.Operation, x: list[Any]) -> Any:
    """``$n`` are numbers of results first, then of operands."""
    text = ir.StringAttr(op.attributes["asm_string"]).value
    constraints = ir.StringAttr(op.attributes["constraints"]).value.split(",")
    outputs = [c for c in constraints if c.startswith("=")]
    kinds = [str(result.type) for result in op.results]
    names = re.findall(r"[\w<>]+", kinds[0].removeprefix("!llvm.struct<(").removesuffix(")>")) if kinds else []
    dtypes = [DTYPES[name] for name in names]
    assert len(dtypes) == len(outputs), text
    slots: list[Any] = [None] * len(outputs) + list(x)
    for c, value in zip([c for c in constraints if c[0] not in "=~"], x, strict=True):
        if c.isdigit():
            slots[int(c)] = value
    who = np.ones(block.threads, bool)
    if guard := re.match(r"@(!?)\$(\d+) ", text):
        who = slots[int(guard[2])] ^ bool(guard[1])
        text = text[guard.end() :]
    for pattern, function in PTX:
        if match := pattern.fullmatch(text):
            numbers = [int(n) for n in re.findall(r"\$(\d+)", text)]
            block.trace[text.split(" ")[0]] = block.trace.get(text.split(" ")[0], 0) + 1
            results = function(block, match, slots, numbers, who, dtypes)
            return tuple(results) if len(dtypes) > 1 else results[0] if dtypes else None
    raise NotImplementedError(text)


@ptx(r"ld\.global[\w.:]*?(?:\.v(\d))?\.b(\d+) .*;")
def _ptx_load(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    count, size = int(match[1] or 1), int(match[2]) // 8
    data = block.read(block.memory, slots[numbers[-1]][who], count * size, count * size, block.tid[who])
    results = []
    for i in range(count):
        old = slots[numbers[i]]
        new = np.zeros(block.threads, dtypes[i]) if old is None else old.copy()
        word = np.zeros((who.sum(), np.dtype(dtypes[i]).itemsize), np.uint8)
        word[:, :size] = data[:, i * size : (i + 1) * size]
        new[who] = word.view(dtypes[i])[:, 0]
        results.append(new)
    return results


@ptx(r"st\.global[\w.:]*?(?:\.v(\d))?\.b(\d+) .*;")
def _ptx_store(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    size = int(match[2]) // 8
    data = np.concatenate([as_bytes(slots[n])[:, :size] for n in numbers[1:]], 1)
    block.write(block.memory, slots[numbers[0]][who], data[who], data.shape[1], block.tid[who])


ATOMIC = {
    "add": lambda a, b: a + b, "min": min, "max": max, "and": lambda a, b: a & b, "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b, "exch": lambda a, b: b,
}  # fmt: skip


@ptx(r"atom\.global\.\w+\.\w+\.(\w+)(?:\.noftz)?\.(\w+?)(\d+) .*;")
def _ptx_atomic(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    name, letter, width = match[1], match[2], int(match[3])
    dtype = {"f": {16: np.float16, 32: np.float32, 64: np.float64}, "bf": {16: ml_dtypes.bfloat16}}.get(
        letter, {w: np.dtype(f"{'i' if letter == 's' else 'u'}{w // 8}") for w in (16, 32, 64)}
    )[width]
    old = np.zeros(block.threads, dtypes[0])
    for thread in np.flatnonzero(who):
        places = block.memory.places(slots[numbers[1]][thread : thread + 1], width // 8, width // 8)[0]
        before = block.memory.bytes[places].view(dtype)[0]
        values = [slots[n][thread : thread + 1].view(dtype)[0] for n in numbers[2:]]
        after = (values[1] if before == values[0] else before) if name == "cas" else ATOMIC[name](before, values[0])
        block.memory.bytes[places] = np.asarray([after], dtype).view(np.uint8)
        old[thread] = np.asarray([before], dtype).view(dtypes[0])[0]
    return [old]


@ptx(r"trap;")
def _ptx_trap(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    if who.any():
        raise Fault("trap")


@ptx(r"(ex2|rsqrt)\.approx\.f32 .*;")
def _ptx_approximate(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    with np.errstate(all="ignore"):
        x = slots[numbers[1]].astype(np.float64)
        return [(np.exp2(x) if match[1] == "ex2" else 1 / np.sqrt(x)).astype(np.float32)]


@ptx(r"cvt\.rna\.tf32\.f32 .*;")
def _ptx_tf32(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    bits = slots[numbers[1]].view(np.uint32)  # to the nearest, ties away from zero
    return [((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.int32)]


@ptx(r"cvt\.rn\.f16x2\.(e4m3|e5m2)x2 .*;")
def _ptx_widen(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    dtype = ml_dtypes.float8_e4m3fn if match[1] == "e4m3" else ml_dtypes.float8_e5m2
    halves = np.ascontiguousarray(slots[numbers[1]]).view(dtype).reshape(-1, 2).astype(np.float16)
    return [np.ascontiguousarray(halves).view(np.int32)[:, 0]]


@ptx(r"cvt\.rn\.satfinite\.(e4m3|e5m2)x2\.f32 .*;")
def _ptx_narrow(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    dtype, most = (ml_dtypes.float8_e4m3fn, 448) if match[1] == "e4m3" else (ml_dtypes.float8_e5m2, 57344)
    pair = np.stack([slots[numbers[2]], slots[numbers[1]]], 1)
    return [np.ascontiguousarray(np.clip(pair, -most, most).astype(dtype)).view(np.int16)[:, 0]]


# --- tensor cores: fragments as the PTX ISA's pages on mma.sync draw them, written from those pages

OPERAND = {
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "tf32": np.float32, "s8": np.int8, "f64": np.float64,
    "e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2,
}  # fmt: skip


@ptx(r"mma\.sync\.aligned\.m(\d+)n8k(\d+)\.row\.col\.(\w+)\.(\w+)\.(\w+)\.(\w+) .*;")
def _ptx_mma(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    m, k = int(match[1]), int(match[2])
    result = {"f32": np.float32, "f16": np.float16, "s32": np.int32, "f64": np.float64}[match[3]]
    a_type, b_type = OPERAND[match[4]], OPERAND[match[5]]
    per = max(4 // np.dtype(a_type).itemsize, 1)
    a_words = m * k // 32 // per
    b_words = k * 8 // 32 // per
    outputs = len(dtypes)

    def elements(first: int, count: int, dtype: Any) -> np.ndarray:
        words = np.stack([slots[n] for n in numbers[first : first + count]], 1)
        return (
            np.ascontiguousarray(words).view(dtype).reshape(-1, 32, count * words.itemsize // np.dtype(dtype).itemsize)
        )

    a = elements(outputs, a_words, a_type)
    b = elements(outputs + a_words, b_words, b_type)
    c = elements(outputs + a_words + b_words, outputs, result)
    warps = a.shape[0]
    wide = np.int64 if result is np.int32 else np.float64
    left, right = np.zeros((warps, m, k), wide), np.zeros((warps, k, 8), wide)
    out = np.zeros((warps, m, 8), wide)
    for lane in range(32):
        group, four = lane >> 2, lane & 3
        for i in range(a.shape[2]):
            word, part = divmod(i, per)
            row = group + 8 * (word % 2 if m == 16 else 0)
            left[:, row, four * per + part + 4 * per * (word // 2 if m == 16 else word)] = a[:, lane, i]
        for i in range(b.shape[2]):
            right[:, four * per + i % per + 4 * per * (i // per), group] = b[:, lane, i]
        for i in range(c.shape[2]):
            out[:, group + 8 * (i // 2), four * 2 + i % 2] = c[:, lane, i]
    if match[4] == "tf32":
        left, right = (np.asarray(_tf32(x)) for x in (left, right))
    total = (left @ right + out).astype(result)
    words = np.zeros((warps, 32, c.shape[2]), result)
    for lane in range(32):
        for i in range(c.shape[2]):
            words[:, lane, i] = total[:, (lane >> 2) + 8 * (i // 2), (lane & 3) * 2 + i % 2]
    packed = np.ascontiguousarray(words.reshape(warps * 32, -1)).view(dtypes[0])
    return [packed[:, i] for i in range(outputs)]


def _tf32(x: np.ndarray) -> np.ndarray:
    """The tensor core reads 10 bits of mantissa and does not look at the rest."""
    return (x.astype(np.float32).view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)


@ptx(r"ldmatrix\.sync\.aligned\.m8n8\.x(\d)(\.trans)?\.shared\.b16 .*;")
def _ptx_ldmatrix(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    count = int(match[1])
    pointers = slots[numbers[-1]]
    lanes = np.flatnonzero((block.tid & 31) < 8 * count)
    data = block.read(block.shared, pointers[lanes], 16, 16, block.tid[lanes])
    rows = np.ascontiguousarray(data).view(np.int16).reshape(-1, count, 8, 8)  # warp, matrix, row, column
    if match[2]:
        rows = rows.transpose(0, 1, 3, 2)
    block.shared.reader[block.shared.places(pointers[lanes], 16, 16)] = -2  # all of the warp reads it
    words = np.ascontiguousarray(rows.reshape(-1, count, 32, 2)).view(np.int32)[..., 0]
    return [words[:, i].reshape(-1) for i in range(count)]


# --- products of warpgroups: descriptors as the PTX ISA's "Matrix Descriptor Format" and canonical layouts say

WGMMA = re.compile(
    r"wgmma\.mma_async\.sync\.aligned\.m64n(\d+)k(\d+)\.(\w+)\.(\w+)\.(\w+) \{([^}]*)\}, (\{[^}]*\}|\S+), (\S+), p(.*)"
)


def shared_matrix(block: Block, descriptor: int, rows: int, depth: int, dtype: Any, turned: bool) -> np.ndarray:
    """The rows x depth operand that a descriptor names (rows along M or N)."""
    size = np.dtype(dtype).itemsize
    start, leading, stride = (
        (descriptor & 0x3FFF) << 4,
        (descriptor >> 16 & 0x3FFF) << 4,
        (descriptor >> 32 & 0x3FFF) << 4,
    )
    width = {1: 128, 2: 64, 3: 32}[descriptor >> 62]
    r, k = np.meshgrid(np.arange(rows), np.arange(depth), indexing="ij")
    if turned:  # panels of `width` bytes along M or N, a row of a panel for each k
        per = width // size
        place = r // per * leading + k // 8 * stride + k % 8 * width + r % per * size
    else:
        assert depth * size <= width
        place = r // 8 * stride + r % 8 * width + k * size
    place = place + start
    place ^= (place >> 7 & (width // 16 - 1)) << 4  # the swizzle is of addresses
    places = place[..., None] + np.arange(size)
    if not block.shared.mapped[places].all():
        raise Fault("a product reads out of bounds")
    block.shared.reader[places] = -2
    if (block.shared.writer[places] != -1).any():
        raise Fault("a product reads what was written without a barrier between")
    return np.ascontiguousarray(block.shared.bytes[places]).view(dtype)[..., 0]


@ptx(r"\{ \.reg \.pred p;.*wgmma\.wait_group\.sync\.aligned 0; \}")
def _ptx_wgmma(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> Any:
    slots = list(slots)
    names: dict[str, np.ndarray] = {}
    fenced = False
    for statement in (part.strip() for part in match[0].strip("{} ").split(";")):
        if found := re.fullmatch(r"add\.s64 (\w+), \$(\d+), (-?\d+)", statement):
            names[found[1]] = slots[int(found[2])] + int(found[3])
        elif statement == "wgmma.fence.sync.aligned":
            fenced = True
        elif found := WGMMA.fullmatch(statement):
            assert fenced
            key = statement.split(" ")[0]
            block.trace[key] = block.trace.get(key, 0) + 1
            _wgmma(block, found, slots, names)
    return slots[: len(dtypes)]


def _wgmma(block: Block, found: Any, slots: list[Any], names: dict[str, np.ndarray]) -> None:
    n, k = int(found[1]), int(found[2])
    result = {"f32": np.float32, "f16": np.float16, "s32": np.int32}[found[3]]
    a_type, b_type = OPERAND[found[4]], OPERAND[found[5]]
    flags = [int(flag) for flag in re.findall(r"\d+", found[9])][2:]
    registers = [int(name) for name in re.findall(r"\$(\d+)", found[6])]

    def value(name: str) -> np.ndarray:
        return slots[int(name[1:])] if name.startswith("$") else names[name]

    for group in range(block.threads // 128):
        threads = slice(group * 128, group * 128 + 128)
        lanes = np.arange(128)

        def uniform(name: str, threads: slice = threads) -> int:
            array = value(name)[threads]
            if not (array == array[0]).all():
                raise Fault("the threads of a warpgroup have different descriptors")
            return int(array[0]) & (1 << 64) - 1

        if found[7].startswith("{"):
            per = 4 // np.dtype(a_type).itemsize
            words = np.stack([value(name.strip())[threads] for name in found[7].strip("{}").split(",")], 1)
            held = np.ascontiguousarray(words).view(a_type)
            a = np.zeros((64, k), a_type)
            for i in range(held.shape[1]):
                word, part = divmod(i, per)
                row = lanes // 32 * 16 + lanes % 32 // 4 + 8 * (word % 2)
                a[row, lanes % 4 * per + part + 4 * per * (word // 2)] = held[:, i]
        else:
            a = shared_matrix(block, uniform(found[7]), 64, k, a_type, bool(flags and flags[0]))
        b = shared_matrix(block, uniform(found[8]), n, k, b_type, bool(flags and flags[-1]))
        wide = np.int64 if result is np.int32 else np.float64
        left, right = a.astype(wide), b.astype(wide)
        if found[4] == "tf32":
            left, right = _tf32(left), _tf32(right)
        product = left @ right.T
        words = np.ascontiguousarray(np.stack([slots[r][threads] for r in registers], 1))
        sums = words.view(result)
        i = np.arange(sums.shape[1])
        rows = (lanes // 32 * 16 + lanes % 32 // 4)[:, None] + 8 * (i // 2 % 2)
        columns = (lanes % 4 * 2)[:, None] + i // 4 * 8 + i % 2
        sums[:] = (sums + product[rows, columns]).astype(result)
        for j, r in enumerate(registers):
            slots[r] = slots[r].copy()
            slots[r][threads] = words[:, j]


@ptx(r"fence\.proxy\.async\.shared::cta;")
def _ptx_fence(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    block.trace["fenced"] = 1


# --- asynchronous copies


@ptx(r"cp\.async\.c[ag]\.shared\.global(?:\.\w+::\w+)* \[\$(\d+)\], \[\$(\d+)\], (\d+), \$(\d+);")
def _ptx_copy(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    size = int(match[3])
    targets, sources, have = (slots[int(match[i])] for i in (1, 2, 4))
    data = np.zeros((block.threads, size), np.uint8)
    for thread in range(block.threads):
        count = int(have[thread])
        if count:
            data[thread, :count] = block.memory.bytes[block.memory.places(sources[thread : thread + 1], count, size)[0]]
    places = block.shared.places(targets[who], size, size)
    block.shared.note_write(places, block.tid[who], data[who])
    block.copies[-1].append((places, data[who]))


@ptx(r"cp\.async\.commit_group;")
def _ptx_commit(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    block.copies.append([])


@ptx(r"cp\.async\.wait_group (\d+);")
def _ptx_wait(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    while len(block.copies) - 1 > int(match[1]):
        for places, data in block.copies.pop(0):
            block.shared.bytes[places] = data
            block.shared.writer[places] = block.tid[0]
            owner = np.arange(places.shape[0]) if places.shape[0] == block.threads else block.tid[: places.shape[0]]
            block.shared.writer[places] = owner[:, None]


# --- the copy engine (TMA) and the barriers that it reports to


@dataclass
class TensorMap:
    """What a descriptor says: the array (which argument), and as in ``cuTensorMapEncodeTiled`` (bytes for swizzle)."""

    argument: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    box: tuple[int, ...]
    swizzle: int
    element_bytes: int


@dataclass
class Barrier:
    """Counts phases; a phase ends when its one arrival and all bytes that it told of are there."""

    phase: int = 0
    arrived: bool = False
    bytes: int = 0
    landing: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)


ENGINE = -3  # the writer of what is under way


def one_thread(who: np.ndarray) -> int | None:
    threads = np.flatnonzero(who)
    if len(threads) > 1:
        raise Fault("several threads ask the copy engine for one block")
    return int(threads[0]) if len(threads) else None


@ptx(r"mbarrier\.init\.shared::cta\.b64 \[\$\d+\], 1;")
def _ptx_barrier(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    block.barriers[int(slots[numbers[0]][one_thread(who)])] = Barrier()


@ptx(r"mbarrier\.inval\.shared::cta\.b64 \[\$\d+\];")
def _ptx_barrier_end(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    barrier = block.barriers.pop(int(slots[numbers[0]][one_thread(who)]))
    if barrier.arrived or barrier.landing:
        raise Fault("a barrier ends with copies under way")


@ptx(r"mbarrier\.arrive\.expect_tx\.shared::cta\.b64 _, \[\$\d+\], (\d+);")
def _ptx_expect(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    if (thread := one_thread(who)) is not None:
        barrier = block.barriers[int(slots[numbers[0]][thread])]
        if barrier.arrived:
            raise Fault("a second arrival in one phase")
        barrier.arrived, barrier.bytes = True, int(match[1])


@ptx(r"cp\.async\.bulk\.tensor\.2d\.shared::cluster\.global\.mbarrier::complete_tx::bytes .*;")
def _ptx_block(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    if (thread := one_thread(who)) is None:
        return
    target, descriptor, column, row, barrier = (int(slots[n][thread]) for n in numbers)
    described, start = block.descriptors[descriptor]
    columns, rows = described.box
    size = described.element_bytes
    data = np.zeros((rows, columns * size), np.uint8)
    for i in range(rows):
        for j in range(columns):
            if 0 <= row + i < described.sizes[1] and 0 <= column + j < described.sizes[0]:
                place = start + (row + i) * described.strides[0] + (column + j) * size
                data[i, j * size : (j + 1) * size] = block.memory.bytes[
                    block.memory.places(np.array([place]), size, 1)[0]
                ]
    places = target + np.arange(rows)[:, None] * columns * size + np.arange(columns * size)
    places ^= (places >> 7 & (described.swizzle // 16 - 1)) << 4
    if (block.shared.reader[places] != -1).any() or (block.shared.writer[places] != -1).any():
        raise Fault("the copy engine writes what threads may still read")
    block.shared.writer[places] = ENGINE
    block.barriers[barrier].landing.append((places, data))


@ptx(r"\{ \.reg \.pred q; again: mbarrier\.try_wait\.parity\.shared::cta\.b64 q, \[\$0\], \$1; .*\}")
def _ptx_arrival(block: Block, match: Any, slots: Any, numbers: Any, who: Any, dtypes: Any) -> None:
    if len(set(slots[0])) > 1 or len(set(slots[1])) > 1:
        raise Fault("threads wait for different barriers")
    barrier = block.barriers[int(slots[0][0])]
    if barrier.phase % 2 != int(slots[1][0]):
        return  # that phase is over
    if not barrier.arrived or barrier.bytes != sum(data.size for _, data in barrier.landing):
        raise Fault("threads wait forever")
    for places, data in barrier.landing:
        block.shared.bytes[places] = data
        block.shared.writer[places] = -1
    block.barriers[int(slots[0][0])] = Barrier(barrier.phase + 1)


# --- control flow


def _for(block: Block, op: ir.Operation, x: list[Any]) -> list[Any]:
    low, high, step = (block.uniform(operand) for operand in list(op.operands)[:3])
    carried = x[3:]
    for i in range(int(low), int(high), int(step)):
        carried = block.run(op.regions[0].blocks[0], [block.spread(i, x[0].dtype), *carried])
    return carried


def _if(block: Block, op: ir.Operation, x: list[Any]) -> list[Any]:
    condition = x[0]
    if not op.results and not len(op.regions[1].blocks) and condition.any() and not condition.all():
        block.active, before = block.active & condition, block.active
        block.run(op.regions[0].blocks[0], [])
        block.active = before
        return []
    region = op.regions[0 if block.uniform(op.operands[0]) else 1]
    return block.run(region.blocks[0], []) if len(region.blocks) else []


def _while(block: Block, op: ir.Operation, x: list[Any]) -> list[Any]:
    carried = x
    while True:
        condition, *values = block.run(op.regions[0].blocks[0], carried)
        if not (condition == condition[0]).all():
            raise Fault("threads disagree on the condition of a loop")
        if not condition[0]:
            return values
        carried = block.run(op.regions[1].blocks[0], values)


STRUCTURED: dict[str, Rule] = {"scf.for": _for, "scf.if": _if, "scf.while": _while}


def launch(
    module: ir.Module, name: str, grid: Sequence[int], arguments: Sequence[Any], written: list[str] | None = None
) -> dict[str, int]:
    """Run a kernel on a grid; arrays are changed in place.  Gives how often each operation and instruction ran."""
    kernel = next(
        op.operation
        for op in module.body.operations
        if op.operation.name == "llvm.func" and ir.StringAttr(op.operation.attributes["sym_name"]).value == name
    )
    threads = ir.IntegerAttr(kernel.attributes["astra.threads"]).value
    shared = ir.IntegerAttr(kernel.attributes["astra.shared_bytes"]).value
    grid = (*grid, *(1,) * (3 - len(grid)))
    place, places = GAP, []
    for argument in arguments:
        places.append(place)
        if isinstance(argument, np.ndarray):
            place += -(-argument.nbytes // 256) * 256 + GAP
    memory = Memory(place)
    for start, argument in zip(places, arguments, strict=True):
        if isinstance(argument, np.ndarray):
            memory.bytes[start : start + argument.nbytes] = argument.reshape(-1).view(np.uint8)
            memory.mapped[start : start + argument.nbytes] = True
    trace: dict[str, int] = {}
    entry = kernel.regions[0].blocks[0]
    for number in range(math.prod(grid)):
        program = (number % grid[0], number // grid[0] % grid[1], number // grid[0] // grid[1])
        block = Block(threads, memory, shared, program, tuple(grid))
        values = [
            block.spread(start, np.int64)
            if isinstance(argument, np.ndarray)
            else block.spread(-1 - i, np.int64)
            if isinstance(argument, TensorMap)
            else block.spread(argument, DTYPES[str(kind.type)])
            for i, (start, argument, kind) in enumerate(zip(places, arguments, entry.arguments, strict=True))
        ]
        block.texts = {
            ir.StringAttr(op.operation.attributes["sym_name"]).value: ir.StringAttr(
                op.operation.attributes["value"]
            ).value
            for op in module.body.operations
            if op.operation.name == "llvm.mlir.global" and "value" in op.operation.attributes
        }
        block.descriptors = {
            -1 - i: (argument, places[argument.argument])
            for i, argument in enumerate(arguments)
            if isinstance(argument, TensorMap)
        }
        block.run(entry, values)
        if written is not None:
            written += block.written
        if block.copies != [[]] and any(block.copies):
            raise Fault("the kernel ends with copies under way")
        for key, count in block.trace.items():
            trace[key] = trace.get(key, 0) + count
    for start, argument in zip(places, arguments, strict=True):
        if isinstance(argument, np.ndarray):
            argument.reshape(-1).view(np.uint8)[:] = memory.bytes[start : start + argument.nbytes]
    return trace
