"""What loops and branches carry: how a name's value becomes SSA values and back, and the kind that two values share.

Between ``values.py`` and ``frontend.py``.  A value's *kind* says what of it is known at compile time and the types of
the rest.  Two different numbers share the kind of a scalar, a number and a value that of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from astra_mlir.language import semantic
from astra_mlir.language.types import DType, promoted
from astra_mlir.language.values import Pointer, Value

__all__ = ["Kind", "Mismatch", "convert", "flatten", "join", "kind_of", "rebuild"]


class Mismatch(Exception):
    """Two values of one name have no kind in common."""


@dataclass(frozen=True)
class Kind:
    """``static`` (``parts[0]`` is the value), ``value`` (dtype, shape), ``pointer`` or ``tuple`` (kinds)."""

    tag: str
    parts: tuple[Any, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Kind) or self.tag != other.tag or len(self.parts) != len(other.parts):
            return False
        if self.tag == "static":
            a, b = self.parts[0], other.parts[0]
            return a is b or (type(a) is type(b) and isinstance(a, bool | int | float | str | DType) and a == b)
        return self.parts == other.parts

    __hash__ = object.__hash__


def kind_of(value: Any) -> Kind:
    """The kind of a name's value."""
    if isinstance(value, Value):
        return Kind("value", (value.dtype, value.shape))
    if isinstance(value, Pointer):
        return Kind("pointer", (value.base, value.element, kind_of(value.tile), kind_of(value.scalar)))
    if isinstance(value, tuple | list):
        return Kind("tuple", tuple(map(kind_of, value)))
    return Kind("static", (value,))


def _is_number(kind: Kind) -> bool:
    return kind.tag == "static" and isinstance(kind.parts[0], bool | int | float)


def join(a: Kind, b: Kind, *, promote: bool = False) -> Kind:
    """The kind that values of both can be given; raises :class:`Mismatch`."""
    if a == b:
        return a
    if _is_number(a) and _is_number(b):
        types = (semantic.natural_type(kind.parts[0]) for kind in (a, b))
        return Kind("value", (promoted(*types), ()))
    if _is_number(b):
        a, b = b, a
    if _is_number(a) and b.tag == "value":
        dtype, shape = b.parts
        return Kind("value", (semantic.number_type(a.parts[0], dtype), shape))
    if a.tag == b.tag == "value":
        (dtype, shape), (other, wider) = a.parts, b.parts
        if dtype != other and not promote:
            raise Mismatch(f"{dtype} is not {other}, convert one of them")
        if shape != wider and shape and wider:
            raise Mismatch("the shapes differ")
        return Kind("value", (promoted(dtype, other), shape or wider))
    if a.tag == b.tag == "pointer":
        if a.parts[:2] != b.parts[:2]:
            raise Mismatch("they point into different arguments")
        tiles = (join(x, y, promote=True) for x, y in zip(a.parts[2:], b.parts[2:], strict=True))
        return Kind("pointer", (*a.parts[:2], *tiles))
    if a.tag == b.tag == "tuple" and len(a.parts) == len(b.parts):
        return Kind("tuple", tuple(join(x, y) for x, y in zip(a.parts, b.parts, strict=True)))
    raise Mismatch(
        "only numbers, tiles and pointers can change in a branch or loop that is decided when the kernel runs"
    )


def convert(value: Any, kind: Kind) -> Any:
    """The value in a kind that it can be given, by operations at the builder's place."""
    if kind.tag == "static":
        return value
    if kind.tag == "value":
        dtype, shape = kind.parts
        return semantic.broadcast_to(semantic.cast(value, dtype), shape)
    if kind.tag == "pointer":
        tile, scalar = kind.parts[2:]
        return Pointer(value.base, value.element, convert(value.tile, tile), convert(value.scalar, scalar))
    return tuple(convert(item, part) for item, part in zip(value, kind.parts, strict=True))


def flatten(value: Any) -> list[Value]:
    """The SSA values in a name's value."""
    if isinstance(value, Value):
        return [value]
    if isinstance(value, Pointer):
        return [*flatten(value.tile), *flatten(value.scalar)]
    if isinstance(value, tuple | list):
        return [inner for item in value for inner in flatten(item)]
    return []


def rebuild(kind: Kind, values: Sequence[Value]) -> Any:
    """The value of a kind with these SSA values in it."""
    rest = list(values)

    def take(kind: Kind) -> Any:
        if kind.tag == "static":
            return kind.parts[0]
        if kind.tag == "value":
            return rest.pop(0)
        if kind.tag == "pointer":
            base, element, tile, scalar = kind.parts
            return Pointer(base, element, take(tile), take(scalar))
        return tuple(map(take, kind.parts))

    return take(kind)


def count(kind: Kind) -> int:
    """How many SSA values a kind has."""
    if kind.tag == "value":
        return 1
    if kind.tag == "static":
        return 0
    return sum(count(part) for part in kind.parts if isinstance(part, Kind))
