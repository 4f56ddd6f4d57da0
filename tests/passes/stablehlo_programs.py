"""StableHLO programs, one or more for every operation, that import and export are tested with.

Elementwise ones come from the dialect's own table, the others from ``programs/<family>.mlir``.  There each program
begins with a line ``// program: name; types; reference`` and leaves its element type open, as :class:`Program` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from astra_mlir.dialects.elementwise import COMPARE_DIRECTIONS, FUNCTIONS

__all__ = ["PROGRAMS", "Program"]

_ELEMENT_TYPES = {
    "b": ["i1"],
    "i": ["i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64"],
    "f": ["f16", "bf16", "f32", "f64"],
    "c": ["complex<f32>", "complex<f64>"],
}


@dataclass(frozen=True)
class Program:
    """A module whose element type is left open as ``T`` (and ``P`` for the type of a complex number's parts)."""

    name: str
    types: str  # letters: b = i1, i = integers, f = floats, c = complex; or element types separated by commas
    reference: str  # what evaluates it: "interpreter" or "jax"; "text" compares the program; "none" only verifies
    template: str

    def element_types(self) -> list[str]:
        if set(self.types) <= set(_ELEMENT_TYPES):
            return [element for letter in self.types for element in _ELEMENT_TYPES[letter]]
        return self.types.split(",")

    def text(self, element: str) -> str:
        part = element.removeprefix("complex<").removesuffix(">")
        text = re.sub(r"(?<=[<x])T(?=[>,])", element, self.template)
        return re.sub(r"(?<=[<x])P(?=>)", part, text)


# Where the reference interpreter or StableHLO itself takes fewer types than the function is defined on.
_FEWER_TYPES = {
    "complex": "f32,f64",
    "real": "f32,f64,c",
    "imag": "f32,f64,c",
    "sign": "fc,i8,i16,i32,i64",
    "abs": "fc,i8,i16,i32,i64",
    "negate": "fc,i8,i16,i32,i64",
    "remainder": "if",
}
_RESULTS = {"same": "T", "i1": "i1", "part": "P", "complex": "complex<T>"}


def _spread(types: str) -> str:
    """``"fc,i8"`` as a list of element types."""
    names: list[str] = []
    for part in types.split(","):
        names += [e for letter in part for e in _ELEMENT_TYPES[letter]] if set(part) <= set(_ELEMENT_TYPES) else [part]
    return ",".join(names)


def _elementwise() -> Iterator[Program]:
    for function in FUNCTIONS.values():
        name = function.name
        if name == "erf":  # only CHLO has it
            continue
        operands = ["%a", "%b"][: function.arity]
        result = f"tensor<3x5x{_RESULTS[function.result]}>"
        arguments = ", ".join(f"{operand}: tensor<3x5xT>" for operand in operands)
        signature = ", ".join("tensor<3x5xT>" for _ in operands)
        template = f"""func.func @main({arguments}) -> {result} {{
  %0 = "stablehlo.{name}"({", ".join(operands)}) : ({signature}) -> {result}
  return %0 : {result}
}}"""
        yield Program(name, _spread(_FEWER_TYPES.get(name, function.classes)), "interpreter", template)
    for direction in COMPARE_DIRECTIONS:
        for how, types in (("", "bifc" if direction in ("EQ", "NE") else "bif"), (", TOTALORDER", "f")):
            yield Program(
                f"compare_{direction}{how[2:]}",
                types,
                "interpreter",
                f"""func.func @main(%a: tensor<3x5xT>, %b: tensor<3x5xT>) -> tensor<3x5xi1> {{
  %0 = stablehlo.compare {direction}, %a, %b{how} : (tensor<3x5xT>, tensor<3x5xT>) -> tensor<3x5xi1>
  return %0 : tensor<3x5xi1>
}}""",
            )


def _from_files() -> Iterator[Program]:
    for path in sorted((Path(__file__).parent / "programs").glob("*.mlir")):
        for section in re.split(r"^// program: ", path.read_text(), flags=re.M)[1:]:
            header, _, template = section.partition("\n")
            name, types, reference = (part.strip() for part in header.split(";"))
            yield Program(name, _spread(types), reference, template)


PROGRAMS = [*_elementwise(), *_from_files()]
