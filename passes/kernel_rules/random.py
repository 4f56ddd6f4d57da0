"""Kernels of ``astra.rng_bit_generator`` and ``astra.rng``: counter-based generators, the same bits on any machine.

THREE_FRY (2x32, 20 rounds) and PHILOX (4x32, 10 rounds; also DEFAULT) give exactly the bits and the new state that
XLA gives on the CPU: which counter belongs to which element follows from the shape.  ``astra.rng`` has no state: its
numbers are Philox's with a fixed key, and the number of the operation in the module as the upper half of the counter;
so every run, and every iteration of a loop, gets the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import (
    Element,
    Function,
    element_of,
    memref_type,
    narrow,
    parallel_calls,
    refuse,
    reshaped,
    shape_of,
)

TASK = 32768  # numbers that make a task (about 30 us)
Words = tuple[str, ...]  # i32 values


# --- the generators ----------------------------------------------------------------------------------------------


def _u32(f: Function, value: int) -> str:
    """A 32-bit constant (printed as a signed number)."""
    value &= 0xFFFFFFFF
    return f.constant(value - (1 << 32) if value >> 31 else value, "i32")


def _op(f: Function, name: str, lhs: str, rhs: str, type_: str = "i32") -> str:
    return f.value(f"arith.{name} {lhs}, {rhs} : {type_}")


def _halves(f: Function, wide: str) -> Words:
    """The low and the high 32 bits of an i64."""
    high = _op(f, "shrui", wide, f.constant(32, "i64"), "i64")
    return f.value(f"arith.trunci {wide} : i64 to i32"), f.value(f"arith.trunci {high} : i64 to i32")


def _join(f: Function, low: str, high: str) -> str:
    """The i64 of two halves."""
    low, high = (f.value(f"arith.extui {half} : i32 to i64") for half in (low, high))
    return _op(f, "ori", low, _op(f, "shli", high, f.constant(32, "i64"), "i64"), "i64")


def three_fry(f: Function, counter: Words, key: Words) -> Words:
    """Threefry-2x32-20 (Salmon et al., SC 2011) of two counter words with two key words."""
    schedule = [*key, _op(f, "xori", _op(f, "xori", _u32(f, 0x1BD11BDA), key[0]), key[1])]
    x0, x1 = (_op(f, "addi", word, schedule[i]) for i, word in enumerate(counter))
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    for group in range(5):
        for distance in rotations[group % 2]:
            x0 = _op(f, "addi", x0, x1)
            left = _op(f, "shli", x1, _u32(f, distance))
            x1 = _op(f, "ori", left, _op(f, "shrui", x1, _u32(f, 32 - distance)))
            x1 = _op(f, "xori", x0, x1)
        x0 = _op(f, "addi", x0, schedule[(group + 1) % 3])
        x1 = _op(f, "addi", _op(f, "addi", x1, schedule[(group + 2) % 3]), _u32(f, group + 1))
    return x0, x1


def philox(f: Function, counter: Words, key: Words) -> Words:
    """Philox-4x32-10 (Salmon et al., SC 2011) of four counter words with two key words."""
    x, (k0, k1) = list(counter), key

    def product(word: str, factor: int) -> Words:
        wide = f.value(f"arith.extui {word} : i32 to i64")
        return _halves(f, _op(f, "muli", wide, f.constant(factor, "i64"), "i64"))

    for number in range(10):
        if number:
            k0, k1 = _op(f, "addi", k0, _u32(f, 0x9E3779B9)), _op(f, "addi", k1, _u32(f, 0xBB67AE85))
        low0, high0 = product(x[0], 0xD2511F53)
        low1, high1 = product(x[2], 0xCD9E8D57)
        first = _op(f, "xori", _op(f, "xori", high1, x[1]), k0)
        third = _op(f, "xori", _op(f, "xori", high0, x[3]), k1)
        x = [first, low1, third, low0]
    return tuple(x)


def _philox_at(f: Function, block: str, low: str, high: str, key: Words) -> Words:
    """The four words of block number ``block`` (index) after the 128-bit counter ``high : low``."""
    here = _op(f, "addi", low, f.value(f"arith.index_cast {block} : index to i64"), "i64")
    wrapped = f.value(f"arith.cmpi ult, {here}, {low} : i64")
    upper = _op(f, "addi", high, f.value(f"arith.extui {wrapped} : i1 to i64"), "i64")
    return philox(f, (*_halves(f, here), *_halves(f, upper)), key)


# --- random bits -------------------------------------------------------------------------------------------------


@kernel_rule("rng_bit_generator")
def rng_bit_generator(op: ir.Operation) -> KernelRequest:
    """One kernel per algorithm, shape and element type."""
    state, (new_state, output) = op.operands[0], op.results
    element = element_of(output.type)
    algorithm = value_of(op, "algorithm")
    words = shape_of(state)[0]
    if element_of(state.type).width != 64 or (words == 3 and algorithm == "THREE_FRY"):
        raise refuse(op, f"a state of type {state.type}", "use tensor<2xui64>")
    if element.kind in ("complex", "bool") or element.width not in (8, 16, 32, 64):
        raise refuse(op, f"random bits of type {element.storage}", "generate ui32 and convert")
    name = kernel_name(f"rng_bits_{algorithm.lower()}", shape_of(output), element, words)
    if algorithm == "THREE_FRY":
        build = partial(_three_fry_text, name, shape_of(output), element)
    else:
        build = partial(_philox_text, name, shape_of(output), element, words)
    return KernelRequest(name, [state], [Out(new_state.type), Out(output.type)], build)


def _bits_function(name: str, shape: list[int], element: Element, words: int) -> Function:
    state, out = memref_type([words], "i64"), memref_type(shape, element.storage)
    return Function(name, [("%state", state), ("%new_state", state), ("%out", out)])


def _state(f: Function) -> list[str]:
    """The words of the state."""
    type_ = dict(f.arguments)["%state"]
    return [f.load("%state", [i], type_) for i in range(3 if type_.startswith("memref<3") else 2)]


def _advance(f: Function, count: int) -> None:
    """The new state: the same key, the counter increased (with a carry where it has two words)."""
    state, type_ = _state(f), dict(f.arguments)["%state"]
    low = _op(f, "addi", state[1], f.constant(count, "i64"), "i64")
    new = [state[0], low]
    if len(state) == 3:
        carry = f.value(f"arith.cmpi ult, {low}, {state[1]} : i64")
        new.append(_op(f, "addi", state[2], f.value(f"arith.extui {carry} : i1 to i64"), "i64"))
    for i, word in enumerate(new):
        f.store(word, "%new_state", [i], type_)


def _stored(f: Function, element: Element, word: str, word_type: str) -> str:
    """A word as an element: its low bits."""
    if element.width < int(word_type[1:]):
        word = f.value(f"arith.trunci {word} : {word_type} to i{element.width}")
    if element.kind == "float":
        word = f.value(f"arith.bitcast {word} : i{element.width} to {element.storage}")
    return word


def _three_fry_text(name: str, shape: list[int], element: Element) -> str:
    """Two words come from one counter: neighbours in the first even dimension (the longest if none is even)."""
    f = _bits_function(name, shape, element, 2)
    task = Function(f"{name}_task", [("%task", "index"), *f.arguments])
    total = math.prod(shape)
    old = memref_type(shape, element.storage)
    wide = element.width == 64
    split = 0
    if shape and not wide:
        split = next((d for d, size in enumerate(shape) if size % 2 == 0), shape.index(max(shape)))
    outer, size, inner = (math.prod(shape[:split]), shape[split], math.prod(shape[split + 1 :])) if shape else (1, 1, 1)
    counters = size if wide else -(-size // 2)
    _advance(f, outer * counters * inner)
    if not total:
        return f.text()
    view, view_type = reshaped(task, "%out", old, [outer, size, inner], element.storage)
    first, counter = _state(task)
    key = _halves(task, first)

    def numbers(o: int | str, h: int | str, i: int | str, words: int) -> None:
        place = task.add(task.mul(task.add(task.mul(o, counters), h), inner), i)
        offset = task.value(f"arith.index_cast {task.index(place)} : index to i64")
        x = three_fry(task, _halves(task, _op(task, "addi", counter, offset, "i64")), key)
        if wide:
            task.store(_stored(task, element, _join(task, *x), "i64"), view, [o, h, i], view_type)
        for number in range(0 if wide else words):
            word = _stored(task, element, x[number], "i32")
            task.store(word, view, [o, task.add(task.mul(h, 2), number), i], view_type)

    whole = counters if wide else size // 2
    along_outer = outer > 1
    units = outer if along_outer else whole
    each = max(1, TASK * units // total)
    begin = task.mul("%task", each)
    part = (begin, task.binary("arith.minsi", task.add(begin, each), max(units, 1)))
    with task.loop(*(part if along_outer else (0, 1))) as o:
        if whole:
            with task.loop(*((0, whole) if along_outer else part)) as h, task.loop(0, inner) as i:
                numbers(o, h, i, 2)
        if whole < counters:
            # The last counter of an odd dimension gives one word only.
            first = task.value(f"arith.cmpi eq, %task, {task.constant(0)} : index")
            with task.when(task.constant("true", "i1") if along_outer else first), task.loop(0, inner) as i:
                numbers(o, whole, i, 1)
    parallel_calls(f, max(1, -(-units // each)), task.name)
    return f"{f.text()}\n{task.text()}"


def _philox_text(name: str, shape: list[int], element: Element, words: int) -> str:
    """The words of a block belong to four elements in a row (two where they are 64 bits wide).

    A state of two words is the key and the lower half of the counter, whose upper half is the key again.
    """
    f = _bits_function(name, shape, element, words)
    total, wide = math.prod(shape), element.width == 64
    _advance(f, -(-total // (2 if wide else 4)))

    def start(task: Function) -> tuple[str, str, Words]:
        key, low, *high = _state(task)
        return low, high[0] if high else key, _halves(task, key)

    def convert(task: Function, x: Words) -> list[str]:
        words = [_join(task, *x[:2]), _join(task, *x[2:])] if wide else x
        return [_stored(task, element, word, "i64" if wide else "i32") for word in words]

    return _philox_blocks(f, shape, element, 2 if wide else 4, start, convert)


def _philox_blocks(
    f: Function, shape: list[int], element: Element, per_block: int,
    start: Callable[[Function], tuple[str, str, Words]], convert: Callable[[Function, Words], Sequence[str]],
) -> str:  # fmt: skip
    """Fill ``%out`` in row-major order with ``per_block`` values from each block; the kernel and its task."""
    total = math.prod(shape)
    task = Function(f"{f.name}_task", [("%task", "index"), *f.arguments])
    if not total:
        return f.text()
    view, view_type = reshaped(task, "%out", memref_type(shape, element.storage), [total], element.storage)
    low, high, key = start(task)
    whole, rest = divmod(total, per_block)
    each = TASK // per_block
    tasks = max(1, -(-whole // each))
    begin = task.mul("%task", each)
    with task.loop(begin, task.binary("arith.minsi", task.add(begin, each), whole)) as block:
        for i, value in enumerate(convert(task, _philox_at(task, block, low, high, key))):
            task.store(value, view, [task.add(task.mul(block, per_block), i)], view_type)
    if rest:
        with task.when(task.value(f"arith.cmpi eq, %task, {task.constant(tasks - 1)} : index")):
            last = convert(task, _philox_at(task, task.constant(whole), low, high, key))
            for i, value in enumerate(last[:rest]):
                task.store(value, view, [whole * per_block + i], view_type)
    parallel_calls(f, tasks, task.name)
    return f"{f.text()}\n{task.text()}"


# --- random numbers ----------------------------------------------------------------------------------------------


_KEY = (0x243F6A88, 0x85A308D3)  # the fraction of pi


@kernel_rule("rng")
def rng(op: ir.Operation) -> KernelRequest:
    """One kernel per operation: its numbers depend on how many came before it in the module."""
    a, b = op.operands[:2]
    element, distribution = element_of(op.results[0].type), value_of(op, "distribution")
    floating = element.storage in ("f16", "bf16", "f32", "f64")
    integer = element.kind in ("signed", "unsigned") and element.width >= 8
    if not (floating or (integer and distribution == "UNIFORM")):
        raise refuse(op, f"{distribution} random numbers of type {element.storage}", "generate f32 and convert")
    stream = _rng_calls_before(op)
    name = kernel_name(f"rng_{distribution.lower()}", shape_of(op.results[0]), element, stream)
    build = partial(_rng_text, name, shape_of(op.results[0]), element, distribution, stream)
    return KernelRequest(name, [a, b], [Out(op.results[0].type)], build)


def _rng_calls_before(op: ir.Operation) -> int:
    """How many random number kernels the module calls already (operations are taken in program order)."""
    module = op
    while module.parent is not None:
        module = module.parent.operation
    count = 0

    def visit(other: ir.Operation) -> ir.WalkResult:
        nonlocal count
        if other.name == "astra.kernel_call":
            count += value_of(other, "callee").startswith(("astra_rng_uniform", "astra_rng_normal"))
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return count


def _rng_text(name: str, shape: list[int], element: Element, distribution: str, stream: int) -> str:
    scalar, compute = f"memref<{element.storage}>", element.compute
    out = memref_type(shape, element.storage)
    f = Function(name, [("%a", scalar), ("%b", scalar), ("%out", out)])
    bits = 64 if element.width == 64 else 32

    def start(task: Function) -> tuple[str, str, Words]:
        return task.constant(0, "i64"), task.constant(stream, "i64"), (_u32(task, _KEY[0]), _u32(task, _KEY[1]))

    def convert(task: Function, x: Words) -> list[str]:
        words = [_join(task, *x[:2]), _join(task, *x[2:])] if bits == 64 else list(x)
        a, b = (task.load(operand, [], scalar) for operand in ("%a", "%b"))
        if element.kind != "float":
            return [_uniform_integer(task, element, word, bits, a, b) for word in words]
        if compute != element.storage:
            a, b = (task.value(f"arith.extf {value} : {element.storage} to {compute}") for value in (a, b))
        unit = [_unit_float(task, word, bits) for word in words]
        if distribution == "NORMAL":
            unit = [n for pair in zip(unit[::2], unit[1::2], strict=True) for n in _box_muller(task, *pair, compute)]
            scale = b
        else:
            scale = _op(task, "subf", b, a, compute)
        values = [_op(task, "addf", _op(task, "mulf", value, scale, compute), a, compute) for value in unit]
        return [narrow(task, element, value) for value in values]

    return _philox_blocks(f, shape, element, 128 // bits, start, convert)


def _unit_float(f: Function, word: str, bits: int) -> str:
    """A multiple of 2**-23 (2**-52 for f64) in [0, 1), from the word's high bits."""
    mantissa, float_ = (23, "f32") if bits == 32 else (52, "f64")
    kept = _op(f, "shrui", word, f.constant(bits - mantissa, f"i{bits}"), f"i{bits}")
    whole = f.value(f"arith.uitofp {kept} : i{bits} to {float_}")
    return _op(f, "mulf", whole, f.constant(repr(2.0**-mantissa), float_), float_)


def _box_muller(f: Function, first: str, second: str, type_: str) -> tuple[str, str]:
    """Two independent standard normal numbers from two uniform ones in [0, 1)."""
    positive = _op(f, "subf", f.constant("1.0", type_), first, type_)
    log = f.value(f"math.log {positive} : {type_}")
    radius = f.value(f"math.sqrt {_op(f, 'mulf', f.constant('-2.0', type_), log, type_)} : {type_}")
    angle = _op(f, "mulf", f.constant(repr(2 * math.pi), type_), second, type_)
    cosine, sine = (f.value(f"math.{function} {angle} : {type_}") for function in ("cos", "sin"))
    return _op(f, "mulf", radius, cosine, type_), _op(f, "mulf", radius, sine, type_)


def _uniform_integer(f: Function, element: Element, word: str, bits: int, a: str, b: str) -> str:
    """``a`` plus the word modulo ``b - a``, modulo 2**width; ``a`` where the range is empty."""
    storage = element.storage
    length = _op(f, "subi", b, a, storage)
    if element.width < bits:
        length = f.value(f"arith.extui {length} : {storage} to i{bits}")
    empty = f.value(f"arith.cmpi eq, {length}, {f.constant(0, f'i{bits}')} : i{bits}")
    divisor = f.value(f"arith.select {empty}, {f.constant(1, f'i{bits}')}, {length} : i{bits}")
    rest = _op(f, "remui", word, divisor, f"i{bits}")
    if element.width < bits:
        rest = f.value(f"arith.trunci {rest} : i{bits} to {storage}")
    return _op(f, "addi", a, rest, storage)
