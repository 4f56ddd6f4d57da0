"""The text of an LLVM module cut into units that are compiled each on its own, and link together.

Between ``compiler.py``'s text and LLVM in ``target_machine.py``.  Two kinds of cut, neither of which takes an inlined
call apart:

- Generated kernels with names of their own (``astra_gemm_pack_f32_f32_32_v512``) are the same in every program that
  has them, so each is a unit whose text does not depend on the rest of its module, and is compiled once.
- What is left is one unit, or, where it is long and threads wait for work, several.

Code whose loops are to stay as they are written (vector code, and loops around calls) is in units of its own, for which
LLVM needs a fraction of its passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Unit", "code_units", "split_llvm_ir"]

# What LLVM takes about 40 ms for: pieces of less than this are not cut again, since each costs some 3 ms more.
_PIECE_WORK = 16
# LLVM does not inline functions of this length anyway (a few hundred instructions).
_SHARED_BYTES = 6_000

# These begin with a character or line break that is to be found: what begins with an anchor is tried at each character.
_SYMBOL = re.compile(r'@([\w.$-]+|"[^"]*")')
_LOCAL_LINKAGE = re.compile(r"^(define|declare) (internal|private) ")
_ATTRIBUTE_GROUPS = re.compile(r" #\d+")
_NUMBER = re.compile(r"([#!])(\d+)\b")
_BEFORE_NUMBER = " \n\t(,{"
_INLINE_GROUP = re.compile(r"^attributes #(\d+) = \{ alwaysinline \}$", re.MULTILINE)
_CALL = re.compile(r'\n  (?:%\d+ = )?call [^@\n]*@([\w.$-]+|"[^"]*")\([^\n]*\) #(\d+)(?=\n)')
_MODULE_FLAGS = "!llvm.module.flags"
_STEP = re.compile(
    r"\n(?:(?P<label>[\w.$-]+):|  br (?P<branch>[^\n]*)|  (?:%[\w.]+ = )?call [^@\n]*@(?!llvm\.)(?P<call>[^\n]*))"
)
_LABEL = re.compile(r"label %([\w.$-]+)")
_LOOP = re.compile(r"!llvm\.loop (!\d+)")
_KEPT_LOOP = re.compile(r'^(!\d+) = !\{!"llvm\.loop\.disable_nonforced"\}$', re.MULTILINE)
_LOOP_NODE = re.compile(r"^(!\d+) = distinct !\{([^}\n]*)\}$", re.MULTILINE)


@dataclass(frozen=True)
class Unit:
    """The text of a module; ``shared`` when other programs have the same, ``as_written`` when no loop is to change."""

    text: str
    shared: bool = False
    as_written: bool = False


def code_units(text: str, threads: int) -> list[Unit]:
    """Units that link to the same as the module, the longest to compile first."""
    definitions, shared = _parsed(text)
    names = [_name(definition) for definition in definitions]
    local = {name for name, definition in zip(names, definitions, strict=True) if _LOCAL_LINKAGE.match(definition)}
    declared = {_name(line): line for line in shared.splitlines() if line.startswith("declare ")}
    declared |= {name: _declaration(definition) for name, definition in zip(names, definitions, strict=True)}
    numbered = {
        line.partition(" = ")[0]: line for line in shared.splitlines() if line.startswith(("attributes #", "!"))
    }
    stays = _AsWritten(shared)
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
            unit = _renumbered("\n\n".join([*uses, *texts]), numbered)
            units.append(Unit(unit, shared=True, as_written=all(map(stays, texts))))
    kept = [definition for i, definition in enumerate(definitions) if i not in whole]
    if whole:
        called = {name for definition in kept for name in _SYMBOL.findall(definition)} & {names[i] for i in whole}
        text = "\n\n".join([shared, *(declared[name] for name in sorted(called)), *kept]) + "\n"
    units += _units_of_rest(text, kept, stays, threads)
    return sorted(units, key=lambda unit: -_work(unit.text))


def _parsed(text: str) -> tuple[list[str], str]:
    """The function definitions of a module, and its text without them."""
    text = "\n" + text
    definitions, rest, done = [], [], 0
    while (start := text.find("\ndefine ", done)) >= 0 and (end := text.find("\n}", start)) >= 0:
        definitions.append(text[start + 1 : end + 2])
        rest.append(text[done : start + 1])
        done = end + 2
    return definitions, "".join([*rest, text[done:]])


def _units_of_rest(text: str, definitions: list[str], stays: _AsWritten, threads: int) -> list[Unit]:
    """What is as written apart from the rest, where it is long enough; both in pieces where they are long."""
    names = [_name(definition) for definition in definitions]
    classes: dict[bool, list[list[int]]] = {True: [], False: []}
    for group in _together(text, definitions, names):
        classes[all(stays(definitions[i]) for i in group)].append(group)
    if sum(len(definitions[i]) for group in classes[True] for i in group) < _SHARED_BYTES:
        classes = {True: [], False: classes[True] + classes[False]}
    units = []
    for as_written, groups in classes.items():
        work = sum(_work(definitions[i]) for group in groups for i in group)
        parts = min(2 * threads, work // _PIECE_WORK) if threads > 1 else 1
        bins = _balanced(groups, definitions, max(parts, 1))
        units += [(members, as_written) for members in bins]
    if len(units) <= 1:
        return [Unit(text, as_written=bool(units) and units[0][1])]
    texts = _cut(text, definitions, names, [members for members, _ in units])
    return [Unit(text, as_written=as_written) for text, (_, as_written) in zip(texts, units, strict=True)]


class _AsWritten:
    """Whether the loops of a function stay as they are: those that say so, and loops around calls of other functions.

    Made of a module's attributes and metadata.
    """

    def __init__(self, shared: str) -> None:
        kept = set(_KEPT_LOOP.findall(shared))
        self.loops = {loop for loop, parts in _LOOP_NODE.findall(shared) if kept & set(parts.split(", "))}
        self.inline = tuple(f" #{number}" for number in _INLINE_GROUP.findall(shared))

    def __call__(self, definition: str) -> bool:
        labels: dict[str, int] = {}
        last_call = last_inlined = -1
        for step in _STEP.finditer(definition):
            if step["label"]:
                labels[step["label"]] = step.start()
            elif step["branch"]:
                start = min((labels[to] for to in _LABEL.findall(step["branch"]) if to in labels), default=None)
                if start is None:
                    continue
                loop = _LOOP.search(step["branch"])
                if last_inlined > start or (last_call < start and not (loop and loop[1] in self.loops)):
                    return False
            elif self.inline and step["call"].endswith(self.inline):
                last_inlined = step.start()
            else:
                last_call = step.start()
        return True


def _work(text: str) -> int:
    """How long LLVM takes, relatively: 2.6 ms a branch, whatever else there is (the units of 5 programs, R^2 = 0.9)."""
    return text.count("\n  br ") + 1


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
        before = match.string[match.start() - 1 : match.start()]
        if before not in _BEFORE_NUMBER:
            return match[0]  # a part of a name
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
    definitions, _ = _parsed(text)
    names = [_name(definition) for definition in definitions]
    bins = _balanced(_together(text, definitions, names), definitions, parts)
    return _cut(text, definitions, names, bins) if len(bins) > 1 else [text]


def _balanced(groups: list[list[int]], definitions: list[str], parts: int) -> list[list[int]]:
    """Groups of definitions in up to ``parts`` bins of similar work; no bin is empty."""
    bins: list[list[int]] = [[] for _ in range(parts)]
    sizes = [0] * parts
    work = {i: _work(definitions[i]) for group in groups for i in group}
    for members in sorted(groups, key=lambda group: -sum(work[i] for i in group)):
        smallest = sizes.index(min(sizes))
        bins[smallest] += members
        sizes[smallest] += sum(work[i] for i in members)
    return [members for members in bins if members]


def _cut(text: str, definitions: list[str], names: list[str], bins: list[list[int]]) -> list[str]:
    """The modules of definitions in bins, which link together."""
    _, shared = _parsed(text)
    index = {name: i for i, name in enumerate(names)}
    uses = [{index[n] for n in _SYMBOL.findall(d) if n in index} - {i} for i, d in enumerate(definitions)]
    modules = []
    for members in bins:
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
