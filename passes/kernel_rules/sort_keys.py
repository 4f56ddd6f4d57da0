"""Keys for sorting: unsigned integers whose order is the order of the elements, and records that carry them.

The order is that of JAX's sorts: -0.0 equals 0.0, all NaNs are equal and above everything; descending is the exact
reverse.  The total order of IEEE 754 (-NaN, -inf, ..., -0.0, 0.0, ..., inf, NaN) is there for ``top_k``.  A record
is a key and the position that it came from: one 64-bit word where the key has at most 32 bits, a pair otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.passes.kernel_rules.text import Element, Function, memref_type

__all__ = ["Records", "key_width", "sort_key"]

_INFINITY_BITS = {"f16": 0x7C00, "bf16": 0x7F80, "f32": 0x7F800000, "f64": 0x7FF0000000000000}


def key_width(element: Element) -> int:
    """Bits of the key of an element type."""
    return max(8, element.width)


def sort_key(f: Function, element: Element, value: str, descending: bool, total_order: bool = False) -> str:
    """The key, of type ``i<key_width>``, of a value; ``total_order`` tells zeros and NaNs of either sign apart."""
    width = key_width(element)
    type_ = f"i{width}"
    sign = f.constant(-(1 << (width - 1)), type_)
    if element.kind == "float":
        key = _float_key(f, element, value, type_, sign, total_order)
    else:
        if element.width < 8:
            extend = "extsi" if element.kind == "signed" else "extui"
            value = f.value(f"arith.{extend} {value} : {element.storage} to {type_}")
        key = f.value(f"arith.xori {value}, {sign} : {type_}") if element.kind == "signed" else value
    if descending:
        key = f.value(f"arith.xori {key}, {f.constant(-1, type_)} : {type_}")
    return key


def _float_key(f: Function, element: Element, value: str, type_: str, sign: str, total_order: bool) -> str:
    bits = f.value(f"arith.bitcast {value} : {element.storage} to {type_}")
    negative = f.binary("arith.shrsi", bits, element.width - 1, type_)
    flipped = f.value(f"arith.xori {bits}, {f.value(f'arith.ori {negative}, {sign} : {type_}')} : {type_}")
    if total_order:
        return flipped
    magnitude = f.binary("arith.andi", bits, (1 << (element.width - 1)) - 1, type_)
    infinity = f.constant(_INFINITY_BITS[element.storage], type_)
    is_nan = f.value(f"arith.cmpi ugt, {magnitude}, {infinity} : {type_}")
    is_zero = f.value(f"arith.cmpi eq, {magnitude}, {f.constant(0, type_)} : {type_}")
    key = f.value(f"arith.select {is_zero}, {sign}, {flipped} : {type_}")
    return f.value(f"arith.select {is_nan}, {f.constant(-1, type_)}, {key} : {type_}")


@dataclass(frozen=True)
class Records:
    """Arrays of records: ``slots`` times two buffers of ``length``, in memrefs that :meth:`memrefs` declares."""

    slots: int
    length: int
    width: int  # of the keys

    @property
    def packed(self) -> bool:
        """Whether key and position share a word."""
        return self.width <= 32

    @property
    def passes(self) -> int:
        """Bytes of the key."""
        return self.width // 8

    def memrefs(self) -> list[tuple[str, str]]:
        """Names and types of the arrays."""
        shape = [self.slots, 2, self.length]
        words = [("%records", memref_type(shape, "i64"))]
        return words if self.packed else [*words, ("%positions", memref_type(shape, "i32"))]

    @property
    def bytes(self) -> int:
        """Size of the arrays of one slot."""
        return 2 * self.length * (8 if self.packed else 12)

    def load(self, f: Function, at: Sequence[int | str]) -> list[str]:
        """The record at (slot, buffer, position): its words."""
        return [f.load(name, at, type_) for name, type_ in self.memrefs()]

    def store(self, f: Function, words: Sequence[str], at: Sequence[int | str]) -> None:
        """Write a record."""
        for word, (name, type_) in zip(words, self.memrefs(), strict=True):
            f.store(word, name, at, type_)

    def make(self, f: Function, key: str, position: str) -> list[str]:
        """The record of a key (``i<width>``) and a position (index)."""
        if not self.packed:
            return [key, f.value(f"arith.index_cast {position} : index to i32")]
        wide = f.value(f"arith.extui {key} : i{self.width} to i64")
        high = f.binary("arith.shli", wide, 32, "i64")
        low = f.value(f"arith.index_cast {position} : index to i64")
        return [f.value(f"arith.ori {high}, {low} : i64")]

    def position(self, f: Function, words: Sequence[str]) -> str:
        """The position (index) in a record."""
        if not self.packed:
            return f.value(f"arith.index_castui {words[1]} : i32 to index")
        low = f.binary("arith.andi", words[0], 0xFFFFFFFF, "i64")
        return f.value(f"arith.index_cast {low} : i64 to index")

    def digit(self, f: Function, words: Sequence[str], number: int | str) -> str:
        """Byte ``number`` (from the low end; an int or an i64) of a record's key, as an index."""
        first = 32 if self.packed else 0
        if isinstance(number, int):
            shift = f.constant(first + 8 * number, "i64")
        else:
            shift = f.binary("arith.addi", f.binary("arith.muli", number, 8, "i64"), first, "i64")
        byte = f.binary("arith.andi", f.value(f"arith.shrui {words[0]}, {shift} : i64"), 255, "i64")
        return f.value(f"arith.index_cast {byte} : i64 to index")
