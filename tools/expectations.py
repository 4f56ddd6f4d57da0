"""``--verify-diagnostics``: compare the diagnostics of a program with the comments that announce them.

A comment ``// expected-error {{text}}`` (also ``warning``, ``remark``, ``note``) stands for one diagnostic on its line
whose message holds ``text``; ``expected-error@+1``, ``@-2``, ``@below``, ``@above`` move the line, ``@unknown`` is for
a diagnostic without a place, ``expected-error-re`` makes the parts of ``text`` in ``{{...}}`` regular expressions, and
a number before the text (``2``) asks for that many.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from astra_mlir.tools.session import Session, StopTool

__all__ = ["check_expectations"]

_COMMENT = re.compile(
    r"expected-(?P<severity>error|warning|remark|note)(?P<regex>-re)?\s*"
    r"(?P<place>@(?:[+-]\d+|above|below|unknown))?\s*(?P<count>\d+)?\s*\{\{(?P<text>.*?)\}\}\s*$"
)


@dataclass
class _Expectation:
    severity: str
    text: str
    regex: bool
    line: int  # 0: a diagnostic without a place
    written_at: int
    missing: int = 1

    def matches(self, severity: str, line: int, message: str) -> bool:
        if self.missing == 0 or severity != self.severity or line != self.line:
            return False
        if not self.regex:
            return self.text in message
        parts = re.split(r"(\{\{.*?\}\})", self.text)
        pattern = "".join(p[2:-2] if p.startswith("{{") else re.escape(p) for p in parts)
        return re.search(pattern, message) is not None


def _expectations(source: str) -> list[_Expectation]:
    """The announced diagnostics; ``@above`` and ``@below`` mean the nearest line that is not such a comment."""
    lines = source.splitlines()
    comments = {number: m for number, line in enumerate(lines, 1) if (m := _COMMENT.search(line))}
    alone = {number for number in comments if lines[number - 1].lstrip().startswith("//")}

    def line_of(number: int, place: str) -> int:
        if place == "@unknown":
            return 0
        if place not in ("@above", "@below"):
            return number + int(place[1:] or 0)
        step = 1 if place == "@below" else -1
        number += step
        while number in alone:
            number += step
        return number

    return [
        _Expectation(
            m["severity"], m["text"], m["regex"] is not None, line_of(n, m["place"] or "@+0"), n, int(m["count"] or 1)
        )
        for n, m in comments.items()
    ]


def check_expectations(session: Session) -> None:
    """Raise :class:`StopTool` naming every unexpected and every missing diagnostic of ``session``."""
    expectations = _expectations(session.source)
    complaints = []
    for diagnostic in (part for whole in session.diagnostics for part in whole.everything()):
        for expectation in expectations:
            if expectation.matches(diagnostic.severity, diagnostic.line, diagnostic.message):
                expectation.missing -= 1
                break
        else:
            if diagnostic.severity != "note":
                place = f"{session.file_name}:{diagnostic.line}:{diagnostic.column}" if diagnostic.line else "unknown"
                complaints.append(f"{place}: unexpected {diagnostic.severity}: {session.readable(diagnostic.message)}")
    complaints += [
        f'{session.file_name}:{e.written_at}: expected {e.severity} "{e.text}" was not produced'
        for e in expectations
        if e.missing > 0
    ]
    if complaints:
        raise StopTool("\n".join(complaints))
