"""Kernels of ``astra.select_and_scatter``, the gradient of a window reduction that picks one element.

For every element of the source, its window of the operand is searched in row-major order and the source is combined
into the result at the element that is picked; padding is never picked.  Dimensions without a window divide the work.
"""

from __future__ import annotations

import math

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.region import ScalarFunction, scalar_region
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, kernel_rule, with_element
from astra_mlir.passes.kernel_rules.text import (
    Bound,
    Element,
    Function,
    combine,
    element_of,
    memref_type,
    narrow,
    nest,
    parallel_calls,
    refuse,
    refuse_small_floats,
    shape_of,
    widen,
)

TASK = 16384  # operand elements that make a task (about 50 us)

_PREDICATES = {"float": "cmpf o", "signed": "cmpi s", "unsigned": "cmpi u", "bool": "cmpi u"}


@kernel_rule("select_and_scatter")
def select_and_scatter(op: ir.Operation) -> KernelRequest:
    """One kernel per shapes, element type, windows and the two functions."""
    kinds, computed = (value_of(op, "select_kind"), value_of(op, "scatter_kind")), op.results[0].type.element_type
    if kinds[0] == "custom" and op.operands[0].type.element_type != computed:
        raise refuse(op, "its select region takes narrower elements than the result has", "convert the operands first")
    operand, source, init = (with_element(op, value, computed) for value in op.operands)
    element = element_of(operand.type)
    refuse_small_floats(op, element)
    if element.kind == "complex" and kinds[0] != "custom":
        raise refuse(op, "complex numbers have no order", "give a select region")
    select, scatter = (scalar_region(op, i) if kind == "custom" else None for i, kind in enumerate(kinds))
    if any(function and function.captures for function in (select, scatter)):
        raise refuse(op, "its regions use values from outside", "use constants or the regions' arguments only")
    windows, strides = int_list(op, "window_dimensions"), int_list(op, "window_strides")
    low = int_list(op, "padding")[::2]
    shapes = [shape_of(operand), shape_of(source)]
    names = [function.name if function else kind for function, kind in zip((select, scatter), kinds, strict=True)]
    name = kernel_name("select_and_scatter", shapes, element, windows, strides, low, names)
    kernel = _SelectAndScatter(name, shapes, element, (windows, strides, low), kinds[0], (select, scatter))
    return KernelRequest(name, [operand, source, init], [Out(op.results[0].type)], kernel.text)


class _SelectAndScatter:
    """Writes one kernel."""

    def __init__(
        self, name: str, shapes: list[list[int]], element: Element, windows: tuple[list[int], list[int], list[int]],
        select_kind: str, functions: tuple[ScalarFunction | None, ScalarFunction | None],
    ) -> None:  # fmt: skip
        self.name, self.element, self.select_kind = name, element, select_kind
        self.shape, self.source_shape = shapes
        self.windows, self.strides, self.low = windows
        self.select, self.scatter = functions
        self.type, self.source_type = (memref_type(shape, element.storage) for shape in shapes)
        self.rank = len(self.shape)
        self.plain = [
            self.windows[d] == 1 and self.strides[d] == 1 and self.low[d] == 0 and shapes[0][d] == shapes[1][d]
            for d in range(self.rank)
        ]

    def text(self) -> str:
        """The kernel, its task and the custom functions."""
        arguments = [("%in", self.type), ("%source", self.source_type)]
        arguments += [("%init", f"memref<{self.element.storage}>"), ("%out", self.type)]
        f = Function(self.name, arguments)
        functions = [f]
        if math.prod(self.shape):
            task = Function(f"{self.name}_task", [("%task", "index"), *arguments])
            tasks, owned = self._owned(task)
            init = task.load("%init", [], f"memref<{self.element.storage}>")
            everything: list[Bound] = [owned.get(d, (0, size)) for d, size in enumerate(self.shape)]
            with nest(task, everything) as at:
                task.store(init, "%out", at, self.type)
            sources: list[Bound] = [owned.get(d, (0, size)) for d, size in enumerate(self.source_shape)]
            with nest(task, sources) as at:
                self._one(task, at)
            parallel_calls(f, tasks, task.name)
            functions.append(task)
        return "\n".join(function.text() for function in functions)

    def _owned(self, f: Function) -> tuple[int, dict[int, Bound]]:
        """How many tasks there are, and the part of some plain dimensions that task ``%task`` owns."""
        wanted = math.prod(self.shape) // TASK
        leading = next((d for d in range(self.rank) if not self.plain[d]), self.rank)
        units = math.prod(self.shape[:leading])
        if wanted < 2:
            return 1, {}
        if units >= 2:
            owned: dict[int, Bound] = {}
            rest: int | str = "%task"
            for d in reversed(range(leading)):
                size = self.shape[d]
                owned[d] = (f.binary("arith.remui", rest, size), None)
                rest = f.binary("arith.divui", rest, size)
            return units, owned
        last = self.rank - 1
        if self.plain[last] and self.shape[last] >= 32:
            tasks = min(wanted, self.shape[last] // 16)
            step = -(-self.shape[last] // tasks)
            begin = f.binary("arith.minsi", f.mul("%task", step), self.shape[last])
            return tasks, {last: (begin, f.binary("arith.minsi", f.add(begin, step), self.shape[last]))}
        return 1, {}

    def _one(self, f: Function, at: list[int | str]) -> None:
        """Pick an element of the window of one source element and combine there."""
        bounds: dict[int, tuple[str, str]] = {}
        valid = None
        for d in range(self.rank):
            if self.plain[d]:
                continue
            start = f.subtract(f.mul(at[d], self.strides[d]), self.low[d])
            lower = f.binary("arith.maxsi", start, 0)
            upper = f.binary("arith.minsi", f.add(start, self.windows[d]), self.shape[d])
            bounds[d] = (lower, upper)
            inside = f.value(f"arith.cmpi slt, {lower}, {upper} : index")
            valid = inside if valid is None else f.binary("arith.andi", valid, inside, "i1")
        if valid is None:
            self._combine(f, at, list(at))
        else:
            with f.when(valid):
                self._combine(f, at, self._pick(f, at, bounds))

    def _pick(self, f: Function, at: list[int | str], bounds: dict[int, tuple[str, str]]) -> list[int | str]:
        """Subscripts of the element that the select function keeps over the window."""
        dims = list(bounds)

        def subscript(offsets: list[str]) -> list[int | str]:
            place = dict(zip(dims, offsets, strict=True))
            return [place.get(d, at[d]) for d in range(self.rank)]

        storage = self.element.storage
        first = [bounds[d][0] for d in dims]
        kept = [(f.load("%in", subscript(first), self.type), storage), *((place, "index") for place in first)]

        def search(depth: int, offsets: list[str], values: list[str]) -> list[str]:
            if depth < len(dims):
                inits = list(zip(values, (type_ for _, type_ in kept), strict=True))
                lower, upper = bounds[dims[depth]]
                return f.carry(lower, upper, inits, lambda iv, inner: search(depth + 1, [*offsets, iv], inner))
            candidate = f.load("%in", subscript(offsets), self.type)
            keep = self._keeps(f, values[0], candidate)
            types = [type_ for _, type_ in kept]
            return [
                f.value(f"arith.select {keep}, {old}, {new} : {type_}")
                for old, new, type_ in zip(values, [candidate, *offsets], types, strict=True)
            ]

        return subscript(search(0, [], [value for value, _ in kept])[1:])

    def _keeps(self, f: Function, selected: str, candidate: str) -> str:
        if self.select:
            return self.select.inline(f, [selected, candidate], [])[0]
        lhs, rhs = (widen(f, self.element, value) for value in (selected, candidate))
        predicate = _PREDICATES[self.element.kind] + self.select_kind.lower()
        return f.value(f"arith.{predicate}, {lhs}, {rhs} : {self.element.compute}")

    def _combine(self, f: Function, at: list[int | str], place: list[int | str]) -> None:
        element = self.element
        old, new = f.load("%out", place, self.type), f.load("%source", at, self.source_type)
        if self.scatter:
            (result,) = self.scatter.inline(f, [old, new], [])
        else:
            total = combine(f, "add", element, widen(f, element, old), widen(f, element, new))
            result = narrow(f, element, total)
        f.store(result, "%out", place, self.type)
