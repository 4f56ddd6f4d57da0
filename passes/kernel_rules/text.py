"""Writing kernel functions as MLIR text: element types, scalar values, loops and tasks.

The kernel generators of this package share these helpers.  A kernel is a :class:`Function` that is filled with
:meth:`Function.value`, :meth:`Function.emit` and the loop helpers, and printed with :meth:`Function.text`.  Parallel
work is a separate task function called from ``scf.forall`` (:func:`parallel_calls`), so that every task has its own
stack frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.errors import UnsupportedError, source_place

__all__ = [
    "COMBINE", "Bound", "Element", "Function", "combine", "complex_multiply", "complex_parts", "complex_value",
    "element_of", "identity", "memref_type", "narrow", "nest", "parallel_calls", "refuse", "refuse_small_floats",
    "reshaped", "shape_of", "widen",
]  # fmt: skip


# --- element types -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Element:
    """An element type as a kernel sees it: signless in memory, with the class of the original type beside it."""

    storage: str  # type in memory
    kind: str  # "float", "signed", "unsigned", "bool", "complex"
    width: int  # bits in memory; of one part where complex

    @property
    def compute(self) -> str:
        """The type that arithmetic is done in: f32 for floats narrower than that."""
        return "f32" if self.kind == "float" and self.width < 32 else self.storage

    @property
    def part(self) -> str:
        """The float type of a complex number's parts."""
        return self.storage.removeprefix("complex<").removesuffix(">")

    @property
    def bytes(self) -> int:
        """Size in memory."""
        return max(1, self.width // 8) * (2 if self.kind == "complex" else 1)

    @property
    def vectorizable(self) -> bool:
        """Whether vectors of it are legal and sensible in the vector dialect."""
        if self.kind in ("signed", "unsigned"):
            return self.width >= 8
        return self.storage in ("f16", "bf16", "f32", "f64")


def element_of(tensor_type: ir.Type) -> Element:
    """The element of a ranked tensor type."""
    element = tensor_type.element_type
    if isinstance(element, ir.ComplexType):
        return Element(str(element), "complex", element.element_type.width)
    if isinstance(element, ir.IntegerType):
        if element.width == 1:
            return Element("i1", "bool", 1)
        return Element(f"i{element.width}", "unsigned" if element.is_unsigned else "signed", element.width)
    if isinstance(element, ir.IndexType):
        return Element("index", "signed", 64)
    return Element(str(element), "float", element.width)


def shape_of(value: ir.Value | ir.Type) -> list[int]:
    """The static shape of a ranked tensor value or type."""
    return list((value.type if isinstance(value, ir.Value) else value).shape)


def memref_type(shape: Sequence[int | str], element: str) -> str:
    """``memref<2x3xf32>``."""
    return f"memref<{''.join(f'{size}x' for size in shape)}{element}>"


def refuse(op: ir.Operation, what: str, instead: str) -> UnsupportedError:
    """The error for an operation that no kernel computes; say what to do instead."""
    return UnsupportedError(f"{op.name} at {source_place(op.location)}: {what}; {instead}")


def refuse_small_floats(op: ir.Operation, element: Element) -> None:
    """Raise for float types narrower than 16 bits, which kernels only move and do not compute with."""
    if element.kind == "float" and element.width < 16:
        raise refuse(op, f"element type {element.storage}", "convert to f16 or f32 before")


# --- functions ---------------------------------------------------------------------------------------------------


class Function:
    """The text of one private function under construction.

    >>> f = Function("k", [("%x", "memref<4xf32>")])
    >>> with f.loop(0, 4) as i:
    ...     f.emit(f"memref.store {f.constant(1.0, 'f32')}, %x[{i}] : memref<4xf32>")
    >>> print(f.text())
    func.func private @k(%x: memref<4xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 4 : index
      %c2 = arith.constant 1 : index
      %c4 = arith.constant 1.0 : f32
      scf.for %v3 = %c0 to %c1 step %c2 {
        memref.store %c4, %x[%v3] : memref<4xf32>
      }
      return
    }
    """

    def __init__(self, name: str, arguments: Sequence[tuple[str, str]], results: Sequence[str] = ()) -> None:
        self.name = name
        self.arguments = list(arguments)
        self.results = list(results)
        self._constants: dict[tuple[str, str], str] = {}
        self._header: list[str] = []
        self._lines: list[str] = []
        self._depth = 1
        self._count = 0
        self._returned: list[str] = []

    def fresh(self, prefix: str = "v") -> str:
        """A new SSA name."""
        self._count += 1
        return f"%{prefix}{self._count - 1}"

    def emit(self, line: str) -> None:
        """Add a line."""
        self._lines.append("  " * self._depth + line)

    def value(self, expression: str) -> str:
        """Add ``%name = expression`` and give the name."""
        name = self.fresh()
        self.emit(f"{name} = {expression}")
        return name

    def header(self, expression: str) -> str:
        """Like :meth:`value`, at the top of the function (for allocations)."""
        name = self.fresh()
        self._header.append(f"  {name} = {expression}")
        return name

    def define(self, name: str, expression: str) -> None:
        """Like :meth:`header`, under a given name."""
        self._header.append(f"  {name} = {expression}")

    def constant(self, value: int | float | str, type_: str = "index") -> str:
        """A constant, made once at the top of the function."""
        literal = str(value)
        key = (literal, type_)
        if key not in self._constants:
            name = self.fresh("c")
            if type_.startswith("vector") and not literal.startswith("dense"):
                literal = f"dense<{literal}>"
            suffix = "" if literal in ("true", "false") else f" : {type_}"
            self._header.append(f"  {name} = arith.constant {literal}{suffix}")
            self._constants[key] = name
        return self._constants[key]

    def index(self, value: int | str) -> str:
        """An operand of index type: a constant for an int, the name itself otherwise."""
        return value if isinstance(value, str) else self.constant(value)

    def binary(self, op: str, lhs: int | str, rhs: int | str, type_: str = "index") -> str:
        """``op lhs, rhs : type`` where ints become constants."""
        lhs, rhs = (v if isinstance(v, str) else self.constant(v, type_) for v in (lhs, rhs))
        return self.value(f"{op} {lhs}, {rhs} : {type_}")

    def add(self, lhs: int | str, rhs: int | str) -> int | str:
        """The sum of two indices, folded where both or one are known."""
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs + rhs
        if rhs == 0:
            return lhs
        return rhs if lhs == 0 else self.binary("arith.addi", lhs, rhs)

    def mul(self, lhs: int | str, rhs: int | str) -> int | str:
        """The product of two indices, folded where both or one are known."""
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs * rhs
        if lhs == 0 or rhs == 0:
            return 0
        if rhs == 1:
            return lhs
        return rhs if lhs == 1 else self.binary("arith.muli", lhs, rhs)

    def subtract(self, lhs: int | str, rhs: int | str) -> int | str:
        """The difference of two indices, folded where known."""
        if isinstance(lhs, int) and isinstance(rhs, int):
            return lhs - rhs
        return lhs if rhs == 0 else self.binary("arith.subi", lhs, rhs)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """``opening {`` ... ``}``."""
        self.emit(opening + " {")
        self._depth += 1
        yield
        self._depth -= 1
        self.emit("}")

    @contextmanager
    def loop(self, lower: int | str, upper: int | str, step: int | str = 1) -> Iterator[str]:
        """``scf.for`` without carried values; gives the induction variable."""
        lower, upper, step = self.index(lower), self.index(upper), self.index(step)
        iv = self.fresh()
        with self.block(f"scf.for {iv} = {lower} to {upper} step {step}"):
            yield iv

    def carry(
        self,
        lower: int | str,
        upper: int | str,
        inits: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], Sequence[str]],
        step: int | str = 1,
    ) -> list[str]:
        """``scf.for`` with carried values ``(initial, type)``; ``body(iv, values)`` gives the next ones."""
        lower, upper, step = self.index(lower), self.index(upper), self.index(step)
        iv, result = self.fresh(), self.fresh("r")
        names = [self.fresh() for _ in inits]
        arguments = ", ".join(f"{name} = {init}" for name, (init, _) in zip(names, inits, strict=True))
        types = ", ".join(type_ for _, type_ in inits)
        self.emit(f"{result}:{len(inits)} = scf.for {iv} = {lower} to {upper} step {step}")
        with self.block(f"    iter_args({arguments}) -> ({types})"):
            self.emit(f"scf.yield {', '.join(body(iv, names))} : {types}")
        return [f"{result}#{i}" for i in range(len(inits))]

    def repeat(
        self,
        inits: Sequence[tuple[str, str]],
        condition: Callable[[list[str]], str],
        body: Callable[[list[str]], Sequence[str]],
    ) -> list[str]:
        """``scf.while`` over carried values ``(initial, type)``: while ``condition(values)``, replace by ``body``."""
        before, after = [self.fresh() for _ in inits], [self.fresh() for _ in inits]
        result = self.fresh("r")
        types = ", ".join(type_ for _, type_ in inits)
        arguments = ", ".join(f"{name} = {init}" for name, (init, _) in zip(before, inits, strict=True))
        self.emit(f"{result}:{len(inits)} = scf.while ({arguments}) : ({types}) -> ({types}) {{")
        self._depth += 1
        self.emit(f"scf.condition({condition(before)}) {', '.join(before)} : {types}")
        self._depth -= 1
        self.emit("} do {")
        self._depth += 1
        self.emit(f"^bb0({', '.join(f'{name}: {type_}' for name, (_, type_) in zip(after, inits, strict=True))}):")
        self.emit(f"scf.yield {', '.join(body(after))} : {types}")
        self._depth -= 1
        self.emit("}")
        return [f"{result}#{i}" for i in range(len(inits))]

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """``scf.if`` without results."""
        with self.block(f"scf.if {condition}"):
            yield

    def choose(
        self,
        condition: str,
        types: Sequence[str],
        then: Callable[[], Sequence[str]],
        other: Callable[[], Sequence[str]],
    ) -> list[str]:
        """``scf.if`` with results."""
        result, joined = self.fresh("r"), ", ".join(types)
        self.emit(f"{result}:{len(types)} = scf.if {condition} -> ({joined}) {{")
        for i, branch in enumerate((then, other)):
            self._depth += 1
            self.emit(f"scf.yield {', '.join(branch())} : {joined}")
            self._depth -= 1
            self.emit("} else {" if i == 0 else "}")
        return [f"{result}#{i}" for i in range(len(types))]

    def load(self, memref: str, indices: Sequence[int | str], type_: str) -> str:
        """``memref.load``."""
        return self.value(f"memref.load {memref}[{', '.join(map(self.index, indices))}] : {type_}")

    def store(self, value: str, memref: str, indices: Sequence[int | str], type_: str) -> None:
        """``memref.store``."""
        subscript = ", ".join(map(self.index, indices))
        self.emit(f"memref.store {value}, {memref}[{subscript}] : {type_}")

    def call(self, callee: str, operands: Sequence[tuple[str, str]], results: Sequence[str] = ()) -> list[str]:
        """``func.call`` with ``(value, type)`` operands."""
        values, types = ", ".join(v for v, _ in operands), ", ".join(t for _, t in operands)
        call = f"func.call @{callee}({values}) : ({types}) -> ({', '.join(results)})"
        if not results:
            self.emit(call)
            return []
        name = self.fresh("r")
        self.emit(f"{name}:{len(results)} = {call}")
        return [f"{name}#{i}" for i in range(len(results))]

    def give(self, *values: str) -> None:
        """What the function returns."""
        self._returned = list(values)

    def text(self) -> str:
        """The whole function."""
        arguments = ", ".join(f"{name}: {type_}" for name, type_ in self.arguments)
        result = f" -> ({', '.join(self.results)})" if self.results else ""
        ending = f"  return {', '.join(self._returned)} : {', '.join(self.results)}" if self.results else "  return"
        opening = f"func.func private @{self.name}({arguments}){result} {{"
        return "\n".join([opening, *self._header, *self._lines, ending, "}"])


Bound = tuple["int | str", "int | str | None"]


@contextmanager
def nest(f: Function, bounds: Sequence[Bound]) -> Iterator[list[int | str]]:
    """A nest of loops over ``(lower, upper)`` bounds; ``(position, None)`` and a single known position make no loop."""
    if not bounds:
        yield []
        return
    lower, upper = bounds[0]
    if upper is None or (isinstance(lower, int) and isinstance(upper, int) and upper - lower == 1):
        with nest(f, bounds[1:]) as inner:
            yield [lower, *inner]
    else:
        with f.loop(lower, upper) as iv, nest(f, bounds[1:]) as inner:
            yield [iv, *inner]


def parallel_calls(f: Function, tasks: int, task: str, parallel: bool = True) -> None:
    """Call ``@task(i, arguments of f...)`` for each i below ``tasks``: by the thread pool, or one after the other."""
    arguments = [(name, type_) for name, type_ in f.arguments]
    if tasks == 1:
        f.call(task, [(f.constant(0), "index"), *arguments])
    elif parallel:
        iv = f.fresh()
        with f.block(f"scf.forall ({iv}) in ({tasks})"):
            f.call(task, [(iv, "index"), *arguments])
    else:
        with f.loop(0, tasks) as iv:
            f.call(task, [(iv, "index"), *arguments])


def reshaped(f: Function, memref: str, old: str, shape: Sequence[int], element: str) -> tuple[str, str]:
    """A row-major view of another shape with the same number of elements: ``(name, type)``."""
    new = memref_type(shape, element)
    if new == old:
        return memref, new
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    name = f.value(
        f"memref.reinterpret_cast {memref} to offset: [0], sizes: {list(shape)}, strides: {strides} : {old} to {new}"
    )
    return name, new


# --- scalar arithmetic -------------------------------------------------------------------------------------------

COMBINE: dict[str, dict[str, str]] = {
    "add": {"float": "arith.addf", "signed": "arith.addi", "unsigned": "arith.addi", "bool": "arith.ori"},
    "multiply": {"float": "arith.mulf", "signed": "arith.muli", "unsigned": "arith.muli", "bool": "arith.andi"},
    "maximum": {"float": "arith.maximumf", "signed": "arith.maxsi", "unsigned": "arith.maxui", "bool": "arith.ori"},
    "minimum": {"float": "arith.minimumf", "signed": "arith.minsi", "unsigned": "arith.minui", "bool": "arith.andi"},
}  # fmt: skip


def combine(f: Function, kind: str, element: Element, lhs: str, rhs: str, vector: int = 0) -> str:
    """``kind`` of two values of the element's compute type (vectors of ``vector`` lanes unless 0)."""
    type_ = f"vector<{vector}x{element.compute}>" if vector else element.compute
    if kind == "logaddexp":
        return _logaddexp(f, lhs, rhs, type_)
    if element.kind == "complex":
        parts = complex_parts(f, element, lhs), complex_parts(f, element, rhs)
        return complex_value(f, element, _COMPLEX[kind](f, element.part, *parts))
    return f.value(f"{COMBINE[kind][element.kind]} {lhs}, {rhs} : {type_}")


def complex_parts(f: Function, element: Element, value: str) -> tuple[str, str]:
    """Real and imaginary part."""
    return f.value(f"complex.re {value} : {element.storage}"), f.value(f"complex.im {value} : {element.storage}")


def complex_value(f: Function, element: Element, parts: tuple[str, str]) -> str:
    """The complex number of two parts."""
    return f.value(f"complex.create {parts[0]}, {parts[1]} : {element.storage}")


def _complex_add(f: Function, type_: str, a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
    real, imaginary = (f.value(f"arith.addf {x}, {y} : {type_}") for x, y in zip(a, b, strict=True))
    return real, imaginary


def complex_multiply(f: Function, type_: str, a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
    """(a0 + a1 i)(b0 + b1 i), on values (scalars or vectors) of ``type_``."""
    products = [f.value(f"arith.mulf {x}, {y} : {type_}") for x in a for y in b]
    real = f.value(f"arith.subf {products[0]}, {products[3]} : {type_}")
    return real, f.value(f"arith.addf {products[1]}, {products[2]} : {type_}")


_COMPLEX = {"add": _complex_add, "multiply": complex_multiply}


def _logaddexp(f: Function, lhs: str, rhs: str, type_: str) -> str:
    """log(exp(lhs) + exp(rhs)) without overflow; infinities of the same sign add up to themselves."""
    predicate = type_.replace("f32", "i1").replace("f64", "i1")
    largest = f.value(f"arith.maximumf {lhs}, {rhs} : {type_}")
    difference = f.value(f"arith.subf {lhs}, {rhs} : {type_}")
    distance = f.value(f"math.absf {difference} : {type_}")
    decay = f.value(f"math.exp {f.value(f'arith.negf {distance} : {type_}')} : {type_}")
    smooth = f.value(f"arith.addf {largest}, {f.value(f'math.log1p {decay} : {type_}')} : {type_}")
    plain = f.value(f"arith.addf {lhs}, {rhs} : {type_}")
    undefined = f.value(f"arith.cmpf uno, {difference}, {difference} : {type_}")
    mask = f"{predicate}, {type_}" if type_.startswith("vector") else type_
    return f.value(f"arith.select {undefined}, {plain}, {smooth} : {mask}")


_INFINITY = {"f32": "0x7F800000", "f64": "0x7FF0000000000000"}
_MINUS_INFINITY = {"f32": "0xFF800000", "f64": "0xFFF0000000000000"}


def identity(kind: str, element: Element) -> str:
    """The literal, in the compute type, that leaves the other operand of ``kind`` as it is."""
    width = element.width
    if element.kind == "bool":
        return "false" if kind in ("add", "maximum") else "true"
    if element.kind == "float":
        type_ = element.compute
        return {
            "add": "-0.0", "multiply": "1.0", "maximum": _MINUS_INFINITY[type_], "minimum": _INFINITY[type_],
            "logaddexp": _MINUS_INFINITY[type_],
        }[kind]  # fmt: skip
    if kind in ("add", "multiply"):
        return "0" if kind == "add" else "1"
    if element.kind == "signed":
        return str(-(1 << (width - 1)) if kind == "maximum" else (1 << (width - 1)) - 1)
    return "0" if kind == "maximum" else "-1"


def widen(f: Function, element: Element, value: str, vector: int = 0) -> str:
    """A loaded value in the compute type."""
    if element.compute == element.storage:
        return value
    narrow, wide = (f"vector<{vector}x{t}>" if vector else t for t in (element.storage, element.compute))
    return f.value(f"arith.extf {value} : {narrow} to {wide}")


def narrow(f: Function, element: Element, value: str, vector: int = 0) -> str:
    """A value of the compute type rounded to what is stored."""
    if element.compute == element.storage:
        return value
    narrow_, wide = (f"vector<{vector}x{t}>" if vector else t for t in (element.storage, element.compute))
    return f.value(f"arith.truncf {value} : {wide} to {narrow_}")
