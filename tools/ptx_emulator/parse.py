"""PTX text to kernels: their parameters, variables, registers and instructions with resolved operands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = [
    "Immediate", "Instruction", "Kernel", "Memory", "Module", "Operand", "Pair", "Register", "Symbol", "Variable",
    "Vector", "parse",
]  # fmt: skip


@dataclass(frozen=True)
class Register:
    """``%r1``, ``!%p1``, ``%tid.x``, or ``_`` (nothing)."""

    name: str
    negated: bool = False


@dataclass(frozen=True)
class Immediate:
    """A number; ``bits`` where it is written by its bits (``0f3F800000``)."""

    value: int
    bits: int | None = None


@dataclass(frozen=True)
class Symbol:
    """A variable's address, a parameter, a label or a function."""

    name: str


@dataclass(frozen=True)
class Vector:
    """``{%r1, %r2}``."""

    parts: tuple[Operand, ...]


@dataclass(frozen=True)
class Memory:
    """``[base+offset]``, with coordinates for tensors."""

    base: Operand
    offset: int = 0
    coordinates: tuple[Operand, ...] = ()


@dataclass(frozen=True)
class Pair:
    """``%r1|%p1``: two results."""

    parts: tuple[Operand, ...]


Operand = Register | Immediate | Symbol | Vector | Memory | Pair


@dataclass(frozen=True)
class Instruction:
    """``@guard opcode.modifiers operands``."""

    opcode: str
    modifiers: tuple[str, ...]
    operands: tuple[Operand, ...]
    guard: Register | None
    text: str


@dataclass(frozen=True)
class Variable:
    """A variable in a state space; ``size`` is 0 where the launch gives it."""

    name: str
    space: str
    align: int
    size: int
    data: bytes = b""


@dataclass
class Kernel:
    """An entry: parameters as (name, bytes, alignment), register widths by prefix, code and the places of labels."""

    name: str
    parameters: list[Variable]
    variables: list[Variable] = field(default_factory=list)
    registers: dict[str, str] = field(default_factory=dict)
    code: list[Instruction] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)


@dataclass
class Module:
    """The kernels and the variables outside of them."""

    kernels: dict[str, Kernel]
    variables: list[Variable]


_BYTES = {"8": 1, "16": 2, "32": 4, "64": 8, "128": 16}
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_VARIABLE = re.compile(
    r"(?:\.(?:visible|extern|weak|common)\s+)*\.(?P<space>param|global|shared|local|const)\s+(?:\.align\s+(?P<align1>\d+)\s+)?"
    r"(?:\.attribute\([^)]*\)\s+)?\.(?P<kind>[busf])(?P<width>\d+)\s+(?:\.ptr\s+(?:\.\w+\s+)?(?:\.align\s+\d+\s+)?)?"
    r"(?P<name>[\w$%]+)\s*(?P<array>(?:\[\d*\])+)?\s*(?:=\s*(?P<data>.*))?$",
    re.DOTALL,
)
_REGISTERS = re.compile(r"\.reg\s+\.(?P<type>\w+)\s+(?P<names>.*)$", re.DOTALL)
_LABEL = re.compile(r"([\w$]+)\s*:(?!:)\s*")
_ENTRY = re.compile(
    r"(?:\.(?:visible|weak|extern)\s+)*\.(?P<kind>entry|func)\s*(?:\([^)]*\)\s*)?(?P<name>[\w$]+)\s*(?:\((?P<parameters>[^)]*)\))?"
)
_SPECIAL = re.compile(
    r"%(?:n?tid|n?ctaid|laneid|warpid|nwarpid|clock|smid|envreg|pm|globaltimer|cluster|nclusterid|lanemask|dynamic|total|is_)"
)


def parse(text: str) -> Module:
    """The module that PTX text says; ``ValueError`` for what is not understood."""
    text = _COMMENT.sub(" ", text)
    module = Module({}, [])
    position = 0
    while (position := _skip(text, position)) < len(text):
        if entry := _ENTRY.match(text, position):
            position = _skip(text, entry.end())
            while text[position] == ".":  # .maxntid 128 and the like, up to the body or the end of a declaration
                position = min(at for at in (text.find("{", position), text.find(";", position)) if at >= 0)
            if text[position] == ";":
                position += 1
                continue
            end = _matching(text, position)
            if entry["kind"] == "entry":
                parameters = [
                    _variable(part.strip()) for part in (entry["parameters"] or "").split(",") if part.strip()
                ]
                kernel = Kernel(entry["name"], parameters)
                _body(text[position + 1 : end], kernel, [])
                module.kernels[kernel.name] = kernel
            position = end + 1
        elif text.startswith((".version", ".target", ".address_size", ".file"), position):
            position = text.find("\n", position) % (len(text) + 1)
        elif text.startswith(".section", position):
            position = _matching(text, text.index("{", position)) + 1
        else:
            end = text.index(";", position)
            module.variables.append(_variable(text[position:end].strip()))
            position = end + 1
    return module


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _matching(text: str, position: int) -> int:
    depth = 0
    for at in range(position, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ValueError("a brace is never closed")


def _variable(text: str) -> Variable:
    found = _VARIABLE.match(text)
    if not found:
        raise ValueError(f"PTX declaration not understood: {text}")
    width = _BYTES[found["width"]]
    count = 1
    for size in re.findall(r"\[(\d*)\]", found["array"] or ""):
        count *= int(size or 0)
    data = b""
    if found["data"]:
        numbers = [int(n.rstrip("U"), 0) for n in re.findall(r"-?(?:0[xX][0-9a-fA-F]+|\d+)U?", found["data"])]
        data = b"".join((n & ((1 << 8 * width) - 1)).to_bytes(width, "little") for n in numbers)
    return Variable(found["name"], found["space"], int(found["align1"] or width), width * count, data)


# --- bodies -----------------------------------------------------------------------------------------------------------


def _body(text: str, kernel: Kernel, scopes: list[dict[str, str]]) -> None:
    """The statements of a block; names declared in an inner block are its own."""
    names: dict[str, str] = {}
    scopes = [*scopes, names]
    inner = len(scopes) > 1
    if inner:
        for label in re.findall(r"(?:^|[;{}])\s*([\w$]+)\s*:(?!:)", text):
            names[label] = f"{label}.{len(kernel.code)}"
    position = 0
    while (position := _skip(text, position)) < len(text):
        if text[position] == "{":
            end = _matching(text, position)
            _body(text[position + 1 : end], kernel, scopes)
            position = end + 1
        elif text[position] == ";":
            position += 1
        elif label := _LABEL.match(text, position):
            kernel.labels[_named(label[1], scopes)] = len(kernel.code)
            position = label.end()
        else:
            end = _statement_end(text, position)
            _statement(" ".join(text[position:end].split()), kernel, scopes, inner)
            position = end + 1


def _statement_end(text: str, position: int) -> int:
    depth = 0
    for at in range(position, len(text)):
        if text[at] == ";" and depth == 0:
            return at
        depth += {"{": 1, "}": -1}.get(text[at], 0)
    raise ValueError(f"a statement is never ended: {text[position : position + 80]}")


def _statement(text: str, kernel: Kernel, scopes: list[dict[str, str]], inner: bool) -> None:
    if registers := _REGISTERS.match(text):
        for name in registers["names"].split(","):
            name = name.strip()
            prefix, _, count = name.partition("<")
            for i in range(int(count.rstrip(">"))) if count else [None]:
                each = prefix if i is None else f"{prefix}{i}"
                unique = f"{each}.{len(kernel.code)}" if inner else each
                scopes[-1][each] = unique
                kernel.registers[unique] = registers["type"]
        return
    if text.startswith((".param", ".shared", ".local", ".global", ".const")):
        variable = _variable(text)
        unique = f"{variable.name}.{len(kernel.code)}" if inner else variable.name
        scopes[-1][variable.name] = unique
        space = "local" if variable.space == "param" else variable.space  # of a call: as good as a local variable
        kernel.variables.append(Variable(unique, space, variable.align, variable.size, variable.data))
        return
    if text.startswith((".loc", ".pragma", ".branchtargets")):
        return
    guard = None
    if text.startswith("@"):
        name, _, text = text[1:].partition(" ")
        guard = Register(_named(name.lstrip("!"), scopes), name.startswith("!"))
    head, _, rest = text.strip().partition(" ")
    opcode, *modifiers = head.split(".")
    operands = tuple(_operand(part, scopes, kernel) for part in _split(rest))
    kernel.code.append(Instruction(opcode, tuple(modifiers), operands, guard, text))


def _named(name: str, scopes: list[dict[str, str]]) -> str:
    return next((scope[name] for scope in reversed(scopes) if name in scope), name)


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


_INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)U?$")
_BITS = re.compile(r"0([fFdD])([0-9a-fA-F]{8,16})$")


def _operand(text: str, scopes: list[dict[str, str]], kernel: Kernel) -> Operand:
    if text.startswith(("{", "(")):
        return Vector(tuple(_operand(part, scopes, kernel) for part in _split(text[1:-1])))
    if text.startswith("["):
        address, *more = _split(text[1:-1])
        coordinates = _operand(more[0], scopes, kernel) if more else Vector(())
        assert isinstance(coordinates, Vector)
        base, plus, offset = address.partition("+")
        return Memory(
            _operand(base.strip(), scopes, kernel), int(offset.strip() or "0", 0) if plus else 0, coordinates.parts
        )
    if "|" in text:
        return Pair(tuple(_operand(part.strip(), scopes, kernel) for part in text.split("|")))
    if found := _BITS.match(text):
        bits = int(found[2], 16)
        return Immediate(bits, bits)
    if _INTEGER.match(text):
        return Immediate(int(text.rstrip("U"), 0))
    negated = text.startswith("!")
    name = _named(text.lstrip("!"), scopes)
    known = name == "_" or name in kernel.registers or _SPECIAL.match(name)
    return Register(name, negated) if known else Symbol(name)
