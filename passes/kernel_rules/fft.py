"""Kernels of ``astra.fft``: complex and real transforms of any length over up to three trailing dimensions.

A line is copied into working arrays of real and imaginary parts and transformed there, pass by pass between two buffers
(Stockham's order, radices 8, 4, 2 and primes up to 13).  Lengths with a larger prime factor are convolutions with a
chirp (Bluestein), in f64.  Roots of unity are tables computed with the program.  The inverse transform is the forward
one with real and imaginary parts exchanged; a real transform is a complex one with zeros.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule
from astra_mlir.passes.kernel_rules.text import (
    Element,
    Function,
    element_of,
    memref_type,
    parallel_calls,
    reshaped,
    shape_of,
)

RADICES = (8, 4, 2, 3, 5, 7, 11, 13)
STACK = 128 * 1024  # bytes of working arrays on a task's stack
SLOTS = 8  # tasks, each with its own working arrays, where they do not fit there
TASK = 1 << 17  # points times passes that make a task (about 50 us)


# --- plans -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """How lines of one length are transformed."""

    length: int
    part: str  # "f32" or "f64", of the data

    @functools.cached_property
    def radices(self) -> tuple[int, ...]:
        """The radix of each pass, of the length or of the padded length."""
        rest, radices = self.padded, []
        for radix in RADICES:
            while rest % radix == 0:
                radices.append(radix)
                rest //= radix
        return tuple(radices)

    @functools.cached_property
    def padded(self) -> int:
        """The length of the transforms that are done: a power of two where a chirp is needed."""
        rest = self.length
        for radix in RADICES:
            while rest % radix == 0:
                rest //= radix
        return self.length if rest == 1 else 1 << (2 * self.length - 2).bit_length()

    @property
    def chirp(self) -> bool:
        """Whether the transform is a convolution with a chirp."""
        return self.padded != self.length

    @property
    def work(self) -> str:
        """The float type of the working arrays."""
        return "f64" if self.chirp else self.part

    @property
    def lanes(self) -> int:
        """Elements of a vector."""
        return 8 if self.work == "f32" else 4

    @property
    def bytes(self) -> int:
        """Size of the working arrays of a line."""
        return 4 * self.padded * (8 if self.work == "f64" else 4)

    @property
    def cost(self) -> int:
        """Points times passes of a line."""
        return self.padded * max(1, len(self.radices)) * (2 if self.chirp else 1)

    def table(self) -> np.ndarray:
        """Constants of a line, as 2 x count real and imaginary parts: twiddles, then chirp and its transform."""
        return _table(self)

    @property
    def table_type(self) -> str:
        """The memref type of the table."""
        return memref_type(self.table().shape, self.work)

    def work_type(self, slots: int) -> str:
        """slots x two buffers x (real, imaginary) x padded length."""
        return memref_type([slots, 2, 2, self.padded], self.work)

    def function(self, slots: int) -> str:
        """The name of the function that transforms a line."""
        return f"astra_fft_line_{self.length}_{self.part}_{slots}"


@functools.cache
def _table(plan: _Plan) -> np.ndarray:
    parts = []
    length = plan.padded
    for radix in plan.radices:
        count = length // radix
        turns = np.outer(np.arange(1, radix), np.arange(count)) % length / length
        parts.append(np.exp(-2j * np.pi * turns).ravel())
        length = count
    if plan.chirp:
        n = plan.length
        positions = np.arange(n, dtype=np.int64)
        chirp = np.exp(-1j * np.pi * (positions * positions % (2 * n)) / n)
        mirrored = np.zeros(plan.padded, np.complex128)
        mirrored[:n] = chirp.conj()
        mirrored[plan.padded - n + 1 :] = chirp[:0:-1].conj()
        parts += [chirp, np.fft.fft(mirrored)]
    values = np.concatenate(parts) if parts else np.zeros(1, np.complex128)
    return np.stack([values.real, values.imag]).astype({"f32": np.float32, "f64": np.float64}[plan.work])


# --- lines -------------------------------------------------------------------------------------------------------


class _Line:
    """Writes the function that transforms the line in buffer 0 of a slot; the result is in buffer :attr:`result`."""

    def __init__(self, plan: _Plan, slots: int) -> None:
        self.plan, self.slots = plan, slots
        self.work_type, self.table_type = plan.work_type(slots), plan.table_type
        self.result = len(plan.radices) % 2

    def text(self) -> str:
        """The function."""
        plan = self.plan
        arguments = [("%work", self.work_type), ("%slot", "index"), ("%table", self.table_type)]
        f = Function(plan.function(self.slots), arguments)
        if not plan.chirp:
            self._passes(f)
            return f.text()
        n, m = plan.length, plan.padded
        chirp_at = m_at = sum(m // math.prod(plan.radices[: i + 1]) * (r - 1) for i, r in enumerate(plan.radices))
        m_at += n
        with f.loop(0, n) as k:
            self._multiply_by_table(f, 0, 0, k, f.add(k, chirp_at), swap=False)
        zero = f.constant("0.0", "f64")
        with f.loop(n, m) as k:
            for part in range(2):
                f.store(zero, "%work", ["%slot", 0, part, k], self.work_type)
        self._passes(f)
        with f.loop(0, m) as k:
            self._multiply_by_table(f, self.result, 0, k, f.add(k, m_at), swap=True)
        self._passes(f)
        scale = f.constant(repr(1.0 / m), "f64")
        with f.loop(0, n) as k:
            self._multiply_by_table(
                f, self.result, self.result, k, f.add(k, chirp_at), swap=False, swapped=True, scale=scale
            )
        return f.text()

    def _load(self, f: Function, buffer: int, position: int | str, lanes: int = 0) -> list[str]:
        return [_load_part(f, "%work", ["%slot", buffer, p, position], self.work_type, lanes) for p in range(2)]

    def _multiply_by_table(
        self, f: Function, source: int, target: int, k: str, entry: int | str, *, swap: bool, swapped: bool = False,
        scale: str = "",
    ) -> None:  # fmt: skip
        """One element times a table entry; ``swapped`` reads, ``swap`` writes the parts exchanged."""
        value = self._load(f, source, k)
        if swapped:
            value.reverse()
        factor = [f.load("%table", [p, entry], self.table_type) for p in range(2)]
        product = _multiply(f, value, factor, "f64")
        if scale:
            product = [f.value(f"arith.mulf {part}, {scale} : f64") for part in product]
        for p, part in enumerate(reversed(product) if swap else product):
            f.store(part, "%work", ["%slot", target, p, k], self.work_type)

    def _passes(self, f: Function) -> None:
        stride, length, offset = 1, self.plan.padded, 0
        for number, radix in enumerate(self.plan.radices):
            self._pass(f, number % 2, radix, stride, length // radix, offset)
            offset += (radix - 1) * (length // radix)
            stride, length = stride * radix, length // radix

    def _pass(self, f: Function, source: int, radix: int, stride: int, count: int, table_at: int) -> None:
        """``count`` groups of ``stride`` butterflies: x[k + s (j + count q)] to y[k + s (radix j + p)]."""
        lanes = self.plan.lanes
        vector = lanes if stride % lanes == 0 else 0
        along_groups = stride == 1 and count % lanes == 0  # a vector of groups, stored element by element

        def butterfly(j: int | str, k: int | str, load_lanes: int) -> None:
            type_ = f"vector<{load_lanes}x{self.plan.work}>" if load_lanes else self.plan.work
            values = [
                self._load(f, source, f.add(k, f.mul(f.add(j, count * q), stride)), load_lanes) for q in range(radix)
            ]
            for p, result in enumerate(_transform(f, values, type_)):
                if p and count > 1:
                    entry = f.add(j, table_at + (p - 1) * count)
                    table_lanes = load_lanes if along_groups else 0
                    factor = [_load_part(f, "%table", [part, entry], self.table_type, table_lanes) for part in range(2)]
                    if load_lanes and not along_groups:
                        factor = [f.value(f"vector.broadcast {x} : {self.plan.work} to {type_}") for x in factor]
                    result = _multiply(f, result, factor, type_)
                for part, value in enumerate(result):
                    if not along_groups:
                        place = f.add(k, f.mul(f.add(f.mul(j, radix), p), stride))
                        self._store(f, value, [1 - source, part, place], load_lanes)
                        continue
                    for lane in range(load_lanes):
                        place = f.add(f.mul(f.add(j, lane), radix), p)
                        scalar = f.value(f"vector.extract {value}[{lane}] : {self.plan.work} from {type_}")
                        self._store(f, scalar, [1 - source, part, place], 0)

        if along_groups:
            with f.loop(0, count, lanes) as j:
                butterfly(j, 0, lanes)
        elif stride == 1:
            with f.loop(0, count) as j:
                butterfly(j, 0, 0)
        else:
            with f.loop(0, count) as j, f.loop(0, stride, max(vector, 1)) as k:
                butterfly(j, k, vector)

    def _store(self, f: Function, value: str, at: Sequence[int | str], lanes: int) -> None:
        if not lanes:
            f.store(value, "%work", ["%slot", *at], self.work_type)
            return
        subscript = ", ".join(map(f.index, ["%slot", *at]))
        f.emit(f"vector.store {value}, %work[{subscript}] : {self.work_type}, vector<{lanes}x{self.plan.work}>")


def _load_part(f: Function, memref: str, at: Sequence[int | str], type_: str, lanes: int) -> str:
    if not lanes:
        return f.load(memref, at, type_)
    element = type_.removesuffix(">").rpartition("x")[2]
    subscript = ", ".join(map(f.index, at))
    return f.value(f"vector.load {memref}[{subscript}] : {type_}, vector<{lanes}x{element}>")


def _op(f: Function, name: str, lhs: str, rhs: str, type_: str) -> str:
    return f.value(f"arith.{name} {lhs}, {rhs} fastmath<contract> : {type_}")


def _multiply(f: Function, a: Sequence[str], b: Sequence[str], type_: str) -> list[str]:
    real = _op(f, "subf", _op(f, "mulf", a[0], b[0], type_), _op(f, "mulf", a[1], b[1], type_), type_)
    return [real, _op(f, "addf", _op(f, "mulf", a[0], b[1], type_), _op(f, "mulf", a[1], b[0], type_), type_)]


def _transform(f: Function, values: list[list[str]], type_: str) -> list[list[str]]:
    """The forward transform of a few complex values, written out."""
    n = len(values)
    if n == 1:
        return values
    if n % 2 == 0:
        even, odd = _transform(f, values[0::2], type_), _transform(f, values[1::2], type_)
        first, second = [], []
        for k, (a, b) in enumerate(zip(even, odd, strict=True)):
            b, flip = _times_root(f, b, k, n, type_)
            first.append(
                [_op(f, "subf" if sign else "addf", x, y, type_) for x, y, sign in zip(a, b, flip, strict=True)]
            )
            second.append(
                [_op(f, "addf" if sign else "subf", x, y, type_) for x, y, sign in zip(a, b, flip, strict=True)]
            )
        return first + second
    return _odd_transform(f, values, type_)


def _times_root(f: Function, value: list[str], k: int, n: int, type_: str) -> tuple[list[str], tuple[bool, bool]]:
    """``value * exp(-2 pi i k / n)`` up to the signs of its parts, which say whether to negate."""
    if k == 0:
        return value, (False, False)
    if 4 * k == n:
        return [value[1], value[0]], (False, True)
    root = cmath.exp(-2j * cmath.pi * k / n)
    factor = [_real(f, x, type_) for x in (root.real, root.imag)]
    return _multiply(f, value, factor, type_), (False, False)


def _real(f: Function, value: float, type_: str) -> str:
    """A constant."""
    return f.constant(repr(float(value)), type_)


def _odd_transform(f: Function, values: list[list[str]], type_: str) -> list[list[str]]:
    """A transform of odd length from the sums and differences of opposite values."""
    n, half = len(values), len(values) // 2
    sums = [
        [_op(f, "addf", x, y, type_) for x, y in zip(values[q], values[n - q], strict=True)] for q in range(1, half + 1)
    ]
    differences = [
        [_op(f, "subf", x, y, type_) for x, y in zip(values[q], values[n - q], strict=True)] for q in range(1, half + 1)
    ]

    def total(terms: Sequence[str]) -> str:
        return functools.reduce(lambda a, b: _op(f, "addf", a, b, type_), terms)

    results = [[total([values[0][part], *(s[part] for s in sums)]) for part in range(2)]]
    mirrored = []
    for k in range(1, half + 1):
        angles = [2 * math.pi * (q * k % n) / n for q in range(1, half + 1)]
        even, odd = [], []
        for part in range(2):
            cosines = [
                _op(f, "mulf", s[part], _real(f, math.cos(a), type_), type_) for s, a in zip(sums, angles, strict=True)
            ]
            even.append(total([values[0][part], *cosines]))
            odd.append(
                total(
                    [
                        _op(f, "mulf", d[part], _real(f, math.sin(a), type_), type_)
                        for d, a in zip(differences, angles, strict=True)
                    ]
                )
            )
        # minus i times the odd part
        results.append([_op(f, "addf", even[0], odd[1], type_), _op(f, "subf", even[1], odd[0], type_)])
        mirrored.append([_op(f, "subf", even[0], odd[1], type_), _op(f, "addf", even[1], odd[0], type_)])
    return results + mirrored[::-1]


# --- kernels -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Array:
    """A parameter of the kernel that a stage reads or writes."""

    name: str
    shape: tuple[int, ...]
    element: str


@dataclass(frozen=True)
class _Stage:
    """The transforms along one dimension: from one array to another (or the same)."""

    source: _Array
    target: _Array
    axis: int
    length: int  # of the transform
    inverse: bool


@kernel_rule("fft")
def fft(op: ir.Operation) -> KernelRequest:
    """One kernel per shape, element type, kind and lengths."""
    operand, result = op.operands[0], op.results[0]
    kind, lengths = value_of(op, "fft_type"), int_list(op, "fft_length")
    name = kernel_name(f"fft_{kind.lower()}", operand.type, lengths)
    kernel = _FftKernel(
        name, kind, lengths, shape_of(operand), shape_of(result), element_of(operand.type), element_of(result.type)
    )
    scratch = [ir.RankedTensorType.get(list(array.shape), ir.Type.parse(array.element)) for array in kernel.scratch]
    return KernelRequest(name, [operand], [Out(result.type)], kernel.text, scratch, kernel.tables)


class _FftKernel:
    """Writes one kernel: the stages one after the other, the lines of a stage in parallel."""

    def __init__(
        self, name: str, kind: str, lengths: list[int], in_shape: list[int], out_shape: list[int], in_element: Element,
        out_element: Element,
    ) -> None:  # fmt: skip
        self.name, self.in_element, self.out_element = name, in_element, out_element
        self.part = in_element.part if in_element.kind == "complex" else in_element.storage
        self.complex = f"complex<{self.part}>"
        self.empty = 0 in in_shape or 0 in out_shape
        source = _Array("%in", tuple(in_shape), in_element.storage)
        target = _Array("%out", tuple(out_shape), out_element.storage)
        self.source, self.target = source, target
        self.scratch: list[_Array] = []
        axes = list(range(len(in_shape) - len(lengths), len(in_shape)))
        by_axis = dict(zip(axes, lengths, strict=True))
        inverse = kind in ("IFFT", "IRFFT")
        self.stages: list[_Stage] = []
        if kind == "IRFFT" and len(axes) > 1:
            middle = _Array("%middle", tuple(in_shape), self.complex)
            self.scratch.append(middle)
            others, here = axes[:-1], source
            for axis in others:
                self.stages.append(_Stage(here, middle, axis, by_axis[axis], True))
                here = middle
            self.stages.append(_Stage(middle, target, axes[-1], by_axis[axes[-1]], True))
        else:
            here = source
            for axis in reversed(axes):
                self.stages.append(_Stage(here, target, axis, by_axis[axis], inverse))
                here = target
        self.plans = {stage: _Plan(stage.length, self.part) for stage in self.stages}
        self.slots: dict[_Plan, int] = {}
        distinct = list(dict.fromkeys(self.plans.values()))
        self.tables = [] if self.empty else [plan.table() for plan in distinct]
        self.table_names = {plan: f"%table{i}" for i, plan in enumerate(distinct)}
        for i, plan in enumerate(distinct):
            if plan.bytes > STACK and not self.empty:
                lines = max(self._lines(stage) for stage, p in self.plans.items() if p == plan)
                self.slots[plan] = min(SLOTS, lines)
                self.scratch.append(_Array(f"%work{i}", (self.slots[plan], 2, 2, plan.padded), plan.work))

    @staticmethod
    def _lines(stage: _Stage) -> int:
        return math.prod(stage.target.shape) // stage.target.shape[stage.axis]

    def text(self) -> str:
        """The kernel, a task function for each stage and the line functions."""
        arrays = [self.source, self.target, *self.scratch]
        arguments = [(a.name, memref_type(a.shape, a.element)) for a in arrays]
        tables = [(name, plan.table_type) for plan, name in self.table_names.items()]
        f = Function(self.name, [arguments[0], *([] if self.empty else tables), *arguments[1:]])
        if self.empty:
            return f.text()
        texts, lines = [], {}
        for number, stage in enumerate(self.stages):
            plan = self.plans[stage]
            slots = self.slots.get(plan, 1)
            line = _Line(plan, slots)
            lines[plan.function(slots)] = line.text()
            task = Function(f"{self.name}_{number}", [("%task", "index"), *f.arguments])
            texts.append((task, self._stage(task, stage, line)))
        for task, count in texts:
            parallel_calls(f, count, task.name)
        return "\n".join([f.text(), *(task.text() for task, _ in texts), *lines.values()])

    def _stage(self, f: Function, stage: _Stage, line: _Line) -> int:
        """Write a task; the number of tasks."""
        plan, lines = line.plan, self._lines(stage)
        if plan in self.slots:
            each = -(-lines // self.slots[plan])
            work, slot = self._work_name(plan), "%task"
        else:
            each = max(1, TASK // plan.cost)
            work, slot = f.header(f"memref.alloca() : {line.work_type}"), f.constant(0)
        inner = math.prod(stage.target.shape[stage.axis + 1 :])
        begin = f.mul("%task", each)
        begin = f.binary("arith.minsi", begin, lines)
        with f.loop(begin, f.binary("arith.minsi", f.add(begin, each), lines)) as number:
            outer_at = f.binary("arith.divui", number, inner) if inner > 1 else number
            inner_at: int | str = f.binary("arith.remui", number, inner) if inner > 1 else 0
            self._read(f, stage, line, work, slot, outer_at, inner_at)
            f.call(
                plan.function(line.slots),
                [(work, line.work_type), (slot, "index"), (self.table_names[plan], line.table_type)],
            )
            self._write(f, stage, line, work, slot, outer_at, inner_at)
        return -(-lines // each)

    def _work_name(self, plan: _Plan) -> str:
        return next(a.name for a in self.scratch if a.name == self.table_names[plan].replace("table", "work"))

    def _view(self, f: Function, array: _Array, axis: int) -> tuple[str, str]:
        shape = [math.prod(array.shape[:axis]), array.shape[axis], math.prod(array.shape[axis + 1 :])]
        return reshaped(f, array.name, memref_type(array.shape, array.element), shape, array.element)

    def _read(
        self, f: Function, stage: _Stage, line: _Line, work: str, slot: str, outer: int | str, inner: int | str
    ) -> None:
        """Copy a line into buffer 0: a real one with zeros, half of an Hermitian one completed."""
        view, type_ = self._view(f, stage.source, stage.axis)
        real = not stage.source.element.startswith("complex")
        completed = not real and not stage.target.element.startswith("complex")
        stored = stage.length // 2 + 1 if completed else stage.length

        def put(k: int | str, parts: Sequence[str]) -> None:
            for p, part in enumerate(reversed(parts) if stage.inverse else parts):
                f.store(self._resize(f, part, self.part, line.plan.work), work, [slot, 0, p, k], line.work_type)

        with f.loop(0, stored) as k:
            value = f.load(view, [outer, k, inner], type_)
            if real:
                put(k, [value, f.constant("0.0", self.part)])
            else:
                put(k, [f.value(f"complex.{p} {value} : {self.complex}") for p in ("re", "im")])
        if completed and stored < stage.length:
            with f.loop(stored, stage.length) as k:
                value = f.load(view, [outer, f.subtract(stage.length, k), inner], type_)
                parts = [f.value(f"complex.{p} {value} : {self.complex}") for p in ("re", "im")]
                put(k, [parts[0], f.value(f"arith.negf {parts[1]} : {self.part}")])

    def _write(
        self, f: Function, stage: _Stage, line: _Line, work: str, slot: str, outer: int | str, inner: int | str
    ) -> None:
        """Copy the result out, scaled where inverse; only the real parts into a real array."""
        view, type_ = self._view(f, stage.target, stage.axis)
        real = not stage.target.element.startswith("complex")
        scale = f.constant(repr(1.0 / stage.length), self.part)
        with f.loop(0, stage.target.shape[stage.axis]) as k:
            parts = []
            for p in (1, 0) if stage.inverse else (0, 1):
                value = f.load(work, [slot, line.result, p, k], line.work_type)
                value = self._resize(f, value, line.plan.work, self.part)
                parts.append(_op(f, "mulf", value, scale, self.part) if stage.inverse else value)
            result = parts[0] if real else f.value(f"complex.create {parts[0]}, {parts[1]} : {self.complex}")
            f.store(result, view, [outer, k, inner], type_)

    @staticmethod
    def _resize(f: Function, value: str, source: str, target: str) -> str:
        if source == target:
            return value
        return f.value(f"arith.{'extf' if target == 'f64' else 'truncf'} {value} : {source} to {target}")
