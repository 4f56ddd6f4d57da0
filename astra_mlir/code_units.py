"""The text of an LLVM module cut into units that are compiled each on its own, and link together.

Between ``compiler.py``'s text and LLVM in ``target_machine.py``.  Two kinds of cut, neither of which takes an inlined
call apart:

- Generated kernels with names of their own (``astra_gemm_pack_f32_f32_32_v512``) are the same in every program that
  has them, so each is a unit whose text does not depend on the rest of its module, and is compiled once.
- What is left is one unit, or, where it is long, as many as there are threads to compile it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Unit", "code_units", "split_llvm_ir"]

# Text below this is compiled in one piece: a second parse of the shared part and the threads cost more than they save.
_SPLIT_BYTES = 400_000
# LLVM does not inline functions of this length anyway (a few hundred instructions).
_SHARED_BYTES = 6_000

_DEFINE = re.compile(r"^define [^\n]*\{$.*?^\}$", re.MULTILINE | re.DOTALL)
_SYMBOL = re.compile(r'@([\w.$-]+|"[^"]*")')
_LOCAL_LINKAGE = re.compile(r"^(define|declare) (internal|private) ")
_ATTRIBUTE_GROUPS = re.compile(r" #\d+")
_NUMBER = re.compile(r"(?<![^\s(,{])([#!])(\d+)\b")
_MODULE_FLAGS = "!llvm.module.flags"


@dataclass(frozen=True)
class Unit:
    """The text of a module; ``shared`` when other programs have the same."""

    text: str
    shared: bool = False


def code_units(text: str, threads: int) -> list[Unit]:
    """Units that link to the same as the module, the longest to compile first."""
    definitions = _DEFINE.findall(text)
    names = [_name(definition) for definition in definitions]
    local = {name for name, definition in zip(names, definitions, strict=True) if _LOCAL_LINKAGE.match(definition)}
    shared = _DEFINE.sub("", text)
    declared = {_name(line): line for line in shared.splitlines() if line.startswith("declare ")}
    declared |= {name: _declaration(definition) for name, definition in zip(names, definitions, strict=True)}
    numbered = {
        line.partition(" = ")[0]: line for line in shared.splitlines() if line.startswith(("attributes #", "!"))
    }
    whole: set[int] = set()
    units = []
    for prefix, members in _groups(names).items():
        texts = [definitions[i] for i in members]
        if not prefix.startswith("astra_") or sum(map(len, texts)) < _SHARED_BYTES or names[members[0]] in local:
            continue
        outside = {name for t in texts for name in _SYMBOL.findall(t)} - {names[i] for i in members}
        if outside <= declared.keys() - local:  # no variable: those are their module's own
            whole.update(members)
            uses = [declared[name] for name in sorted(outside)]
            units.append(Unit(_renumbered("\n\n".join([*uses, *texts]), numbered), shared=True))
    if not whole:
        return [Unit(part) for part in _split_if_long(text, threads)]
    kept = [definition for i, definition in enumerate(definitions) if i not in whole]
    called = {name for definition in kept for name in _SYMBOL.findall(definition)} & {names[i] for i in whole}
    rest = "\n\n".join([shared, *(declared[name] for name in sorted(called)), *kept]) + "\n"
    units += [Unit(part) for part in _split_if_long(rest, threads)]
    return sorted(units, key=lambda unit: -len(unit.text))


def _split_if_long(text: str, threads: int) -> list[str]:
    return split_llvm_ir(text, threads) if len(text) >= _SPLIT_BYTES else [text]


def _name(definition: str) -> str:
    found = _SYMBOL.search(definition)
    assert found is not None
    return found.group(1)


def _groups(names: list[str]) -> dict[str, list[int]]:
    """What was outlined of a function has its name and a suffix (``kernel_3.task0``): it stays with it."""
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        groups.setdefault(name.strip('"').partition(".")[0], []).append(i)
    return groups


def _renumbered(body: str, numbered: dict[str, str]) -> str:
    """``body`` and the attribute groups and metadata that it uses, numbered in the order of their first use.

    ``numbered`` has the module's, by what stands before the equals sign.
    """
    numbers: dict[tuple[str, str], int] = {}
    counts = {"#": 0, "!": 0}

    def renumber(match: re.Match[str]) -> str:
        key = match[1], match[2]
        if key not in numbers:
            numbers[key] = counts[key[0]]
            counts[key[0]] += 1
        return f"{key[0]}{numbers[key]}"

    parts = [_NUMBER.sub(renumber, body)]
    if _MODULE_FLAGS in numbered:
        parts.append(_NUMBER.sub(renumber, numbered[_MODULE_FLAGS]))
    done = 0
    while done < len(numbers):
        kind, number = list(numbers)[done]
        parts.append(_NUMBER.sub(renumber, numbered[f"attributes #{number}" if kind == "#" else f"!{number}"]))
        done += 1
    return "\n".join(parts) + "\n"


def split_llvm_ir(text: str, parts: int) -> list[str]:
    """Split the text of a module into up to ``parts`` modules of similar work that link together.

    Nothing is inlined over the border, so this is for code that was outlined on purpose: kernels.  Local functions
    become hidden ones; global variables (all are constants) are copied into each part.
    """
    definitions = _DEFINE.findall(text)
    parts = min(parts, len(definitions))
    if parts <= 1:
        return [text]
    shared = _DEFINE.sub("", text)
    names = [_name(definition) for definition in definitions]
    index = {name: i for i, name in enumerate(names)}

    uses = [{index[n] for n in _SYMBOL.findall(d) if n in index} - {i} for i, d in enumerate(definitions)]
    bins: list[list[int]] = [[] for _ in range(parts)]
    sizes = [0] * parts
    # Loops are what takes time, and the text of a function of calls only may be long: count branches, not bytes.
    work = [definition.count("\n  br ") + 1 for definition in definitions]
    for members in sorted(_groups(names).values(), key=lambda group: -sum(work[i] for i in group)):
        smallest = sizes.index(min(sizes))
        bins[smallest] += members
        sizes[smallest] += sum(work[i] for i in members)

    modules = []
    for members in bins:
        if not members:
            continue
        here = set(members)
        bodies = [_LOCAL_LINKAGE.sub(r"\1 hidden ", definitions[i]) for i in sorted(members)]
        elsewhere = {j for i in members for j in uses[i]} - here
        declarations = [_declaration(definitions[j]) for j in sorted(elsewhere)]
        modules.append("\n\n".join([shared, *declarations, *bodies]) + "\n")
    return modules


def _declaration(definition: str) -> str:
    head = definition.partition("\n")[0].removesuffix("{").rstrip()
    head = _ATTRIBUTE_GROUPS.sub("", head).partition(" !")[0]
    return "declare " + _LOCAL_LINKAGE.sub(r"\1 hidden ", head).removeprefix("define ")
