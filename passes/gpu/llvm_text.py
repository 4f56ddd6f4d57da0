"""Writing functions of the LLVM dialect as MLIR text, with PTX inside: what the hand-made GPU kernels share."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LlvmText"]

_LETTERS = {"i16": "h", "i32": "r", "i64": "l", "f32": "f", "f64": "d"}


class LlvmText:
    """The lines of one function; constants stand in its entry block."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0
        self._constants: dict[tuple[int, str], str] = {}

    def value(self, text: str) -> str:
        """Write an operation with a result; the result's name."""
        self._count += 1
        self.lines.append(f"    %v{self._count} = {text}")
        return f"%v{self._count}"

    def line(self, text: str) -> None:
        """Write an operation without a result."""
        self.lines.append(f"    {text}")

    def label(self, name: str, arguments: Sequence[tuple[str, str]] = ()) -> None:
        """Begin a block."""
        inside = f"({', '.join(f'{argument}: {kind}' for argument, kind in arguments)})" if arguments else ""
        self.lines.append(f"  ^{name}{inside}:")

    def unique(self) -> int:
        """A number that no value or other call has."""
        self._count += 1
        return self._count

    def constant(self, number: int, kind: str = "i32") -> str:
        """The name of a constant."""
        return self._constants.setdefault((number, kind), f"%c{number}_{kind}".replace("-", "m"))

    def binary(self, operation: str, left: str, right: str | int, kind: str = "i32") -> str:
        """``llvm.add`` and the like."""
        right = self.constant(right, kind) if isinstance(right, int) else right
        return self.value(f"llvm.{operation} {left}, {right} : {kind}")

    def compare(self, predicate: str, left: str, right: str | int, kind: str = "i32") -> str:
        """``llvm.icmp``."""
        right = self.constant(right, kind) if isinstance(right, int) else right
        return self.value(f'llvm.icmp "{predicate}" {left}, {right} : {kind}')

    def ptx(
        self, text: str, operands: Sequence[tuple[str, str]] = (), results: Sequence[str] = (), tied: int = 0
    ) -> list[str]:
        """PTX with operands (name, type): ``$0`` and on are the results, then the operands; the results' names.

        The last ``tied`` operands are the initial values of the last ``tied`` results and have no numbers of their own.
        Results are written before all operands are read.
        """
        letters = [_LETTERS[kind] for _, kind in operands]
        free = len(operands) - tied
        constraints = [f"=&{_LETTERS[kind]}" for kind in results] + letters[:free]
        constraints += [str(len(results) - tied + i) for i in range(tied)] + ["~{memory}"]
        code = "\\0A\\09".join(line.strip() for line in text.strip().splitlines() if line.strip())
        kinds = ", ".join(kind for _, kind in operands)
        names = " " + ", ".join(name for name, _ in operands) if operands else ""
        start = f'llvm.inline_asm has_side_effects "{code}", "{",".join(constraints)}"{names} : ({kinds}) -> '
        if not results:
            self.line(start + "()")
            return []
        if len(results) == 1:
            return [self.value(start + results[0])]
        struct = f"!llvm.struct<({', '.join(results)})>"
        found = self.value(start + struct)
        return [self.value(f"llvm.extractvalue {found}[{i}] : {struct}") for i in range(len(results))]

    def body(self) -> list[str]:
        """All lines, the constants first."""
        constants = [
            f"    {name} = llvm.mlir.constant({number} : {kind}) : {kind}"
            for (number, kind), name in self._constants.items()
        ]
        return constants + self.lines
