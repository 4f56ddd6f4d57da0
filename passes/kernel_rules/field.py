"""Real and complex arithmetic behind one interface, for kernels that are written once for both.

A number is a tuple of SSA values: one for real elements (in the compute type), two for complex ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.passes.kernel_rules.text import (
    Element,
    Function,
    complex_multiply,
    complex_parts,
    complex_value,
    narrow,
    widen,
)

__all__ = ["Field", "Number"]

Number = tuple[str, ...]


class Field:
    """Arithmetic on the elements of one type, written to one function.

    ``lanes`` makes every part a vector of that many elements (real elements only); ``reassociate`` lets sums be split.
    """

    def __init__(self, f: Function, element: Element, lanes: int = 0, reassociate: bool = False) -> None:
        self.f, self.element, self.lanes = f, element, lanes
        self.complex = element.kind == "complex"
        self.part = element.part if self.complex else element.compute
        self.type = f"vector<{lanes}x{self.part}>" if lanes else self.part
        self._flags = " fastmath<reassoc,contract>" if reassociate else " fastmath<contract>"

    @property
    def types(self) -> list[str]:
        """The types of a number's parts."""
        return [self.type] * (2 if self.complex else 1)

    def _op(self, name: str, lhs: str, rhs: str) -> str:
        return self.f.value(f"arith.{name} {lhs}, {rhs}{self._flags} : {self.type}")

    def zero(self) -> Number:
        """0."""
        return tuple(self.f.constant("0.0", type_) for type_ in self.types)

    def load(self, memref: str, at: Sequence[int | str], type_: str) -> Number:
        """An element, or ``lanes`` neighbours from ``at`` on."""
        f, element = self.f, self.element
        if self.lanes:
            subscript = ", ".join(map(f.index, at))
            stored = f"vector<{self.lanes}x{element.storage}>"
            return (widen(f, element, f.value(f"vector.load {memref}[{subscript}] : {type_}, {stored}"), self.lanes),)
        loaded = f.load(memref, at, type_)
        return complex_parts(f, element, loaded) if self.complex else (widen(f, element, loaded),)

    def store(self, number: Number, memref: str, at: Sequence[int | str], type_: str) -> None:
        """Write what :meth:`load` reads."""
        f, element = self.f, self.element
        if self.complex:
            f.store(complex_value(f, element, (number[0], number[1])), memref, at, type_)
        elif self.lanes:
            subscript = ", ".join(map(f.index, at))
            stored = f"vector<{self.lanes}x{element.storage}>"
            f.emit(
                f"vector.store {narrow(f, element, number[0], self.lanes)}, {memref}[{subscript}] : {type_}, {stored}"
            )
        else:
            f.store(narrow(f, element, number[0]), memref, at, type_)

    def spread(self, scalar: Number) -> Number:
        """A scalar number in every lane."""
        if not self.lanes:
            return scalar
        return tuple(self.f.value(f"vector.broadcast {part} : {self.part} to {self.type}") for part in scalar)

    def subtract(self, a: Number, b: Number) -> Number:
        """a - b."""
        return tuple(self._op("subf", x, y) for x, y in zip(a, b, strict=True))

    def multiply(self, a: Number, b: Number) -> Number:
        """a * b."""
        if self.complex:
            return complex_multiply(self.f, self.type, (a[0], a[1]), (b[0], b[1]))
        return (self._op("mulf", a[0], b[0]),)

    def divide(self, a: Number, b: Number) -> Number:
        """a / b; complex numbers scaled by the larger part of b (Smith's method)."""
        if not self.complex:
            return (self._op("divf", a[0], b[0]),)
        f, type_ = self.f, self.type
        sizes = [f.value(f"math.absf {part} : {type_}") for part in b]
        real_larger = f.value(f"arith.cmpf oge, {sizes[0]}, {sizes[1]} : {type_}")

        def pick(x: str, y: str) -> str:
            return f.value(f"arith.select {real_larger}, {x}, {y} : {type_}")

        large, small = pick(b[0], b[1]), pick(b[1], b[0])
        ratio = self._op("divf", small, large)
        scale = self._op("addf", large, self._op("mulf", small, ratio))
        scaled = [self._op("mulf", part, ratio) for part in a]
        real = pick(self._op("addf", a[0], scaled[1]), self._op("addf", scaled[0], a[1]))
        imaginary = pick(self._op("subf", a[1], scaled[0]), self._op("subf", scaled[1], a[0]))
        return self._op("divf", real, scale), self._op("divf", imaginary, scale)

    def conjugate(self, a: Number) -> Number:
        """The complex conjugate."""
        return (a[0], self.f.value(f"arith.negf {a[1]} : {self.type}")) if self.complex else a

    def square_of_modulus(self, a: Number) -> str:
        """|a|**2, one part."""
        squares = [self._op("mulf", part, part) for part in a]
        return self._op("addf", *squares) if self.complex else squares[0]
