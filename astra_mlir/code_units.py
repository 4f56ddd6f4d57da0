"""The text of an LLVM module cut into units that are compiled each on its own, and link together.

Between ``compiler.py``'s text and LLVM in ``target_machine.py``.  Two kinds of cut, neither of which takes an inlined
call apart:

- Generated kernels with names of their own (``astra_gemm_pack_f32_f32_32_v512``) are the same in every program that
  has them, so each is a unit whose text does not depend on the rest of its module, and is compiled once.
- What is left is one unit, or, where it is long and threads wait for work, several.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Unit", "code_units", "split_llvm_ir"]

# What LLVM takes about 40 ms for: pieces of less than this are not cut again, since each costs some 3 ms more.
_PIECE_WORK = 16
# LLVM does not inline functions of this length anyway (a few hundred instructions).
_SHARED_BYTES = 6_000

_DEFINE = re.compile(r"^define [^\n]*\{$.*?^\}$", re.MULTILINE | re.DOTALL)
_SYMBOL = re.compile(r'@([\w.$-]+|"[^"]*")')
_LOCAL_LINKAGE = re.compile(r"^(define|declare) (internal|private) ")
_ATTRIBUTE_GROUPS = re.compile(r" #\d+")
_NUMBER = re.compile(r"(?<![^\s(,{])([#!])(\d+)\b")
_INLINE_GROUP = re.compile(r"^attributes #(\d+) = \{ alwaysinline \}$", re.MULTILINE)
_CALL = re.compile(r'^  (?:%\d+ = )?call [^@\n]*@([\w.$-]+|"[^"]*")\(.*\) #(\d+)$', re.MULTILINE)
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
    return sorted(units, key=lambda unit: -_work(unit.text))


def _work(text: str) -> int:
    """How long LLVM takes, relatively: 2.6 ms a branch, whatever else there is (the units of 5 programs, R^2 = 0.9)."""
    return text.count("\n  br ") + 1


def _split_if_long(text: str, threads: int) -> list[str]:
    parts = min(2 * threads, _work(text) // _PIECE_WORK)
    return split_llvm_ir(text, parts) if threads > 1 and parts > 1 else [text]


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


def _together(text: str, definitions: list[str], names: list[str]) -> list[list[int]]:
    """Definitions by what must not be cut apart: the groups, and what calls in them ask to inline."""
    groups = _groups(names)
    home = {i: key for key, members in groups.items() for i in members}
    index = {name: i for i, name in enumerate(names)}
    inline = set(_INLINE_GROUP.findall(text))
    for i, definition in enumerate(definitions):
        for callee, number in _CALL.findall(definition) if inline else ():
            if number in inline and callee in index and home[index[callee]] != home[i]:
                moved = groups.pop(home[index[callee]])
                groups[home[i]] += moved
                home.update(dict.fromkeys(moved, home[i]))
    return list(groups.values())


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

    Nothing is inlined over the border, so this is for code that was outlined on purpose: kernels.  What calls ask to
    inline stays with its callers.  Local functions that others use become hidden ones; global variables (all are
    constants) are copied into each part.
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
    work = [_work(definition) for definition in definitions]
    for members in sorted(_together(text, definitions, names), key=lambda group: -sum(work[i] for i in group)):
        smallest = sizes.index(min(sizes))
        bins[smallest] += members
        sizes[smallest] += sum(work[i] for i in members)

    modules = []
    for members in bins:
        if not members:
            continue
        here = set(members)
        # A local function stays local where nothing else uses it: LLVM then keeps no copy of what it inlines.
        outside = set().union(*(uses[i] for i in range(len(names)) if i not in here))
        bodies = [
            _LOCAL_LINKAGE.sub(r"\1 hidden ", definitions[i]) if i in outside else definitions[i]
            for i in sorted(members)
        ]
        elsewhere = {j for i in members for j in uses[i]} - here
        declarations = [_declaration(definitions[j]) for j in sorted(elsewhere)]
        modules.append("\n\n".join([shared, *declarations, *bodies]) + "\n")
    return modules


def _declaration(definition: str) -> str:
    head = definition.partition("\n")[0].removesuffix("{").rstrip()
    head = _ATTRIBUTE_GROUPS.sub("", head).partition(" !")[0]
    return "declare " + _LOCAL_LINKAGE.sub(r"\1 hidden ", head).removeprefix("define ")
