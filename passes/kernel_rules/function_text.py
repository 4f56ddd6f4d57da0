"""Writing the MLIR text of a kernel function: index arithmetic that folds constants, loops, constants in the entry.

An index is a Python ``int`` where it is known and the name of an SSA value (``"%7"``) where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

__all__ = ["AS_WRITTEN", "FunctionText", "Index"]

Index = int | str

# Loops of the shared functions hold vector code already: unrolling and vectorizing them again takes LLVM longer than
# all the rest of a kernel and gains nothing.
AS_WRITTEN = (
    "{loop_annotation = #llvm.loop_annotation<disableNonforced = true, "
    "vectorize = <disable = true>, unroll = <disable = true>>}"
)


class FunctionText:
    """The text of one ``func.func private``.

    >>> f = FunctionText("twice", [("%x", "memref<?xf32>"), ("%n", "index")])
    >>> with f.loop(0, "%n") as i:
    ...     _ = f.value(f"memref.load %x[{i}] : memref<?xf32>")
    >>> print(f.text())
    func.func private @twice(%x: memref<?xf32>, %n: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.for %0 = %c0 to %n step %c1 {
        %1 = memref.load %x[%0] : memref<?xf32>
      }
      return
    }
    """

    def __init__(self, name: str, arguments: Sequence[tuple[str, str]], *, inline: bool = True) -> None:
        self.name = name
        self._arguments = arguments
        self._inline = inline
        self._lines: list[str] = []
        self._constants: dict[str, str] = {}
        self._depth = 1
        self._count = 0

    def fresh(self) -> str:
        """A new SSA name."""
        self._count += 1
        return f"%{self._count - 1}"

    def line(self, text: str) -> None:
        """Append one operation without results."""
        self._lines.append("  " * self._depth + text)

    def value(self, text: str) -> str:
        """Append one operation with one result; its name."""
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    def constant(self, attribute: str, type: str) -> str:
        """A constant at the head of the function, one per attribute and type."""
        key = attribute if type == "i1" else f"{attribute} : {type}"
        if key not in self._constants:
            self._constants[key] = f"%k{len(self._constants)}"
        return self._constants[key]

    def ssa(self, index: Index) -> str:
        """The SSA name of an index."""
        if isinstance(index, str):
            return index
        key = f"{index} : index"
        return self._constants.setdefault(key, f"%c{index}" if index >= 0 else f"%cm{-index}")

    def add(self, *terms: Index) -> Index:
        """Their sum."""
        known = sum(term for term in terms if isinstance(term, int))
        total: Index = 0
        for term in (term for term in terms if isinstance(term, str)):
            total = term if total == 0 else self.value(f"arith.addi {total}, {term} : index")
        if known == 0 or total == 0:
            return known if total == 0 else total
        return self.value(f"arith.addi {total}, {self.ssa(known)} : index")

    def mul(self, a: Index, b: Index) -> Index:
        """``a * b``."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if 0 in (a, b):
            return 0
        if 1 in (a, b):
            return b if a == 1 else a
        return self.value(f"arith.muli {self.ssa(a)}, {self.ssa(b)} : index")

    def sub(self, a: Index, b: Index) -> Index:
        """``a - b``."""
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self.value(f"arith.subi {self.ssa(a)}, {self.ssa(b)} : index")

    def div(self, a: Index, b: Index) -> Index:
        """``a // b`` of a non-negative ``a``."""
        if isinstance(a, int) and isinstance(b, int):
            return a // b
        return a if b == 1 else self.value(f"arith.divui {self.ssa(a)}, {self.ssa(b)} : index")

    def rem(self, a: Index, b: Index) -> Index:
        """``a % b`` of a non-negative ``a``."""
        if isinstance(a, int) and isinstance(b, int):
            return a % b
        return 0 if b == 1 else self.value(f"arith.remui {self.ssa(a)}, {self.ssa(b)} : index")

    def product(self, factors: Iterable[Index]) -> Index:
        """Their product."""
        total: Index = 1
        for factor in factors:
            total = self.mul(total, factor)
        return total

    def ceil_div(self, a: Index, b: int) -> Index:
        """``a / b`` rounded up, of a non-negative ``a``."""
        return self.div(self.add(a, b - 1), b)

    def min(self, a: Index, b: Index) -> Index:
        """The smaller one."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return a if a == b else self.value(f"arith.minsi {self.ssa(a)}, {self.ssa(b)} : index")

    def compare(self, predicate: str, a: Index, b: Index) -> str:
        """An ``i1``."""
        return self.value(f"arith.cmpi {predicate}, {self.ssa(a)}, {self.ssa(b)} : index")

    def delinearize(self, index: Index, sizes: Sequence[Index]) -> list[Index]:
        """The coordinates of a row-major ``index`` (the outermost size is not checked)."""
        coordinates: list[Index] = []
        for position, size in reversed(list(enumerate(sizes))):
            if size == 1:
                coordinates.insert(0, 0)
            elif all(outer == 1 for outer in sizes[:position]):
                coordinates.insert(0, index)
            else:
                coordinates.insert(0, self.rem(index, size))
                index = self.div(index, size)
        return coordinates

    @contextmanager
    def block(self, head: str, tail: str = "}") -> Iterator[None]:
        """What is appended inside is the region that ``head`` opens (``""`` where the tail before it did)."""
        if head:
            self.line(head)
        self._depth += 1
        yield
        self._depth -= 1
        self.line(tail)

    @contextmanager
    def loop(self, lower: Index, upper: Index, step: Index = 1) -> Iterator[Index]:
        """``scf.for``; no loop where there is known to be one iteration."""
        if not any(isinstance(x, str) for x in (lower, upper, step)) and lower < upper <= lower + step:
            yield lower
            return
        i = self.fresh()
        tail = "}" if self._inline else f"}} {AS_WRITTEN}"
        with self.block(f"scf.for {i} = {self.ssa(lower)} to {self.ssa(upper)} step {self.ssa(step)} {{", tail):
            yield i

    @contextmanager
    def tasks(self, count: int, *, parallel: bool) -> Iterator[Index]:
        """``scf.forall`` over ``count`` tasks, or a loop where that is not worth a thread."""
        if not parallel or count == 1:
            with self.loop(0, count) as i:
                yield i
            return
        i = self.fresh()
        with self.block(f"scf.forall ({i}) in ({count}) {{"):
            yield i

    @contextmanager
    def grouped(self, count: int, group: int, *, sequential: int) -> Iterator[Index]:
        """A loop over ``count`` units in parallel tasks of ``group`` units; no tasks where there are few units."""
        if count <= sequential:
            group = count
        with self.tasks(-(-count // group), parallel=True) as task:
            start = self.mul(task, group)
            with self.loop(start, self.min(self.add(start, group), count)) as i:
                yield i

    def call(self, callee: str, arguments: Sequence[tuple[Index, str]]) -> None:
        """``func.call`` of a function without results; arguments are (value, type)."""
        values = ", ".join(self.ssa(value) for value, _ in arguments)
        self.line(f"func.call @{callee}({values}) : ({', '.join(type for _, type in arguments)}) -> ()")

    def text(self) -> str:
        """The function."""
        arguments = ", ".join(f"{name}: {type}" for name, type in self._arguments)
        attributes = "" if self._inline else ' attributes {passthrough = ["noinline"]}'
        constants = [f"  {name} = arith.constant {key}" for key, name in sorted(self._constants.items())]
        head = f"func.func private @{self.name}({arguments}){attributes} {{"
        return "\n".join([head, *constants, *self._lines, "  return", "}"])
