"""Kernels of ``astra.scatter``: updates are applied one after the other, in row-major order of the scatter indices.

Elements of a window that fall outside of the operand are skipped, as in StableHLO.  Tasks never share an element of the
result, so the order of updates of every element is the same on any number of threads: a task owns some batches, or
some columns of the windows, or a range of the first indexed dimension (and then skips what lies outside).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.kernel_rules.region import ScalarFunction, combiner, scalar_region
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
    shape_of,
    widen,
)

LANES = 8
PARALLEL = 32768  # update elements from which threads pay off (about 50 us)
COLUMNS = {8: 512, 4: 256, 2: 128}  # tasks: fewest contiguous bytes of a window that each owns
ROW = 16  # fewest elements of a window for owning a range of rows: every task reads all indices


@dataclass(frozen=True)
class _Dim:
    """One dimension of the operand: where its window and its start index come from."""

    size: int
    window: int  # its extent in a window
    update: int | None  # the dimension of the updates that runs over the window, if any
    start: int | None  # the component of the index vector that says where the window begins, if any
    batch: int | None  # the scatter dimension (in order) that it is batched with, if any


@dataclass(frozen=True)
class _Split:
    """How the work is divided: ``tasks`` over "batch", "columns" or "rows" (of operand dimension ``dim``)."""

    kind: str
    tasks: int
    dim: int = 0


@kernel_rule("scatter")
def scatter(op: ir.Operation) -> KernelRequest:
    """One kernel per dimension numbers, shapes, element types and combiner."""
    count = len(op.results)
    indices, computed = op.operands[count], [result.type.element_type for result in op.results]
    inputs, updates = (
        [with_element(op, value, element) for value, element in zip(values, computed, strict=True)]
        for values in (op.operands[:count], op.operands[count + 1 :])
    )
    kind = value_of(op, "kind")
    function: ScalarFunction | None = None
    if kind == "custom":
        function = scalar_region(op)
    elif kind != "update" and element_of(inputs[0].type).width == 8 and element_of(inputs[0].type).kind == "float":
        function = combiner(kind, inputs[0].type)
    dims, batches = _dimensions(op, inputs[0], indices, updates[0])
    kernel = _Scatter(
        kind, function, dims, batches, value_of(op, "index_vector_dim"), int_list(op, "update_window_dims"),
        [shape_of(value) for value in (inputs[0], indices, updates[0])],
        [element_of(value.type) for value in inputs], element_of(indices.type),
    )  # fmt: skip
    determining = {**vars(kernel), "function": function and function.name}
    name = kernel_name(f"scatter_{kind}", determining)
    captures = function.captures if function else ()
    outs = [Out(result.type, init) for result, init in zip(op.results, inputs, strict=True)]
    return KernelRequest(name, [indices, *updates, *captures], outs, partial(kernel.text, name))


def _dimensions(
    op: ir.Operation, operand: ir.Value, indices: ir.Value, update: ir.Value
) -> tuple[list[_Dim], list[int]]:
    """The operand's dimensions, and which scatter dimensions are batch dimensions."""
    window_dims, to_operand = int_list(op, "update_window_dims"), int_list(op, "scatter_dims_to_operand_dims")
    inserted, batching = int_list(op, "inserted_window_dims"), int_list(op, "input_batching_dims")
    vector_dim = value_of(op, "index_vector_dim")
    batches = [d - (d > vector_dim) for d in int_list(op, "scatter_indices_batching_dims")]
    dims, windows = [], iter(window_dims)
    for d, size in enumerate(shape_of(operand)):
        update_dim = None if d in inserted or d in batching else next(windows)
        dims.append(
            _Dim(
                size,
                1 if update_dim is None else shape_of(update)[update_dim],
                update_dim,
                to_operand.index(d) if d in to_operand else None,
                batches[batching.index(d)] if d in batching else None,
            )
        )
    return dims, batches


class _Scatter:
    """Writes one kernel.  The attributes determine its text."""

    def __init__(
        self, kind: str, function: ScalarFunction | None, dims: list[_Dim], batches: list[int], vector_dim: int,
        window_dims: list[int], shapes: list[list[int]], elements: list[Element], index: Element,
    ) -> None:  # fmt: skip
        self.kind, self.function, self.dims, self.batches = kind, function, dims, batches
        self.vector_dim, self.window_dims, self.index = vector_dim, window_dims, index
        self.operand_shape, self.indices_shape, self.update_shape = shapes
        self.elements = elements
        self.scatter_dims = [d for d in range(len(self.update_shape)) if d not in window_dims]

    def text(self, name: str) -> str:
        """The kernel and its task function."""
        indices = memref_type(self.indices_shape, self.index.storage)
        updates = [memref_type(self.update_shape, e.storage) for e in self.elements]
        outs = [memref_type(self.operand_shape, e.storage) for e in self.elements]
        arguments = [("%indices", indices)]
        arguments += [(f"%update{i}", type_) for i, type_ in enumerate(updates)]
        arguments += self.function.arguments() if self.function else []
        arguments += [(f"%out{i}", type_) for i, type_ in enumerate(outs)]
        f = Function(name, arguments)
        if math.prod(self.update_shape) == 0 or math.prod(self.operand_shape) == 0:
            return f.text()
        split = self._split()
        task = Function(f"{name}_task", [("%task", "index"), *arguments])
        self._task(task, split)
        parallel_calls(f, split.tasks, task.name)
        return f"{f.text()}\n{task.text()}"

    def _split(self) -> _Split:
        """The division of the work; depends on shapes only."""
        total = math.prod(self.update_shape)
        if total < PARALLEL:
            return _Split("none", 1)
        batch = math.prod(self._scatter_size(d) for d in self.batches)
        wanted = min(16, total * 2 // PARALLEL)
        if batch >= 4:
            return _Split("batch", min(batch, wanted))
        last = self.dims[-1] if self.dims else None
        if last and last.update is not None and last.start is None:
            for tasks, fewest in COLUMNS.items():
                width, rest = divmod(last.window, tasks)
                enough = width * self.elements[0].bytes >= fewest and width % LANES == 0
                if tasks <= wanted and enough and not rest:
                    return _Split("columns", tasks)
        window = math.prod(dim.window for dim in self.dims)
        for d, dim in enumerate(self.dims):
            if dim.start is not None and window >= ROW and dim.size >= 8:
                return _Split("rows", min(wanted, 8 if window >= 8 * ROW else 4, dim.size), d)
        return _Split("none", 1)

    def _scatter_size(self, position: int) -> int:
        return self.update_shape[self.scatter_dims[position]]

    # -- one task --

    def _task(self, f: Function, split: _Split) -> None:
        captured = self.function.load_captures(f) if self.function else []
        owned: dict[int, tuple[int | str, int | str]] = {}
        bounds: list[Bound] = [(0, self._scatter_size(i)) for i in range(len(self.scatter_dims))]
        first_column: int | str = 0
        columns = self.dims[-1].window if self.dims else 1
        if split.kind == "rows":
            owned[split.dim] = self._range(f, self.dims[split.dim].size, split.tasks)
        elif split.kind == "columns":
            columns //= split.tasks
            first_column = f.mul("%task", columns)
        if split.kind == "batch":
            sizes = [self._scatter_size(d) for d in self.batches]
            begin, end = self._range(f, math.prod(sizes), split.tasks)
            with f.loop(begin, end) as flat:
                rest: int | str = flat
                for d, size in zip(reversed(self.batches), reversed(sizes), strict=True):
                    position = f.binary("arith.remui", rest, size)
                    rest = f.binary("arith.divui", rest, size)
                    bounds[d] = (position, None)
                self._positions(f, bounds, owned, first_column, columns, captured)
        else:
            self._positions(f, bounds, owned, first_column, columns, captured)

    @staticmethod
    def _range(f: Function, size: int, tasks: int) -> tuple[int | str, int | str]:
        """The part of ``size`` that task ``%task`` of ``tasks`` owns."""
        step = -(-size // tasks)
        begin = f.binary("arith.minsi", f.mul("%task", step), size)
        return begin, f.binary("arith.minsi", f.add(begin, step), size)

    def _positions(
        self, f: Function, bounds: list[Bound], owned: dict[int, tuple[int | str, int | str]],
        first_column: int | str, columns: int, captured: list[str],
    ) -> None:  # fmt: skip
        """For every scatter position: where its window goes, then the window."""
        with nest(f, bounds) as position:
            starts, valid = [], None
            window: list[Bound] = []
            for d, dim in enumerate(self.dims):
                lower, upper = owned.get(d, (0, dim.size))
                if dim.batch is not None:
                    start: int | str = position[dim.batch]
                elif dim.start is None:
                    start = 0
                else:
                    start = self._start(f, position, dim.start)
                if dim.start is None:
                    window.append((0, dim.window))
                elif dim.update is None:
                    above = f.value(f"arith.cmpi sge, {start}, {f.index(lower)} : index")
                    below = f.value(f"arith.cmpi slt, {start}, {f.index(upper)} : index")
                    inside = f.binary("arith.andi", above, below, "i1")
                    valid = inside if valid is None else f.binary("arith.andi", valid, inside, "i1")
                    window.append((0, 1))
                else:
                    # Clamped to just outside of the owned range first, so that nothing overflows.
                    start = f.binary("arith.minsi", start, upper)
                    start = f.binary("arith.maxsi", start, f.subtract(lower, dim.window))
                    window.append(
                        (
                            f.binary("arith.maxsi", 0, f.subtract(lower, start)),
                            f.binary("arith.minsi", dim.window, f.subtract(upper, start)),
                        )
                    )
                starts.append(start)
            if valid is None:
                self._window(f, position, starts, window, first_column, columns, captured)
            else:
                with f.when(valid):
                    self._window(f, position, starts, window, first_column, columns, captured)

    def _start(self, f: Function, position: Sequence[int | str], component: int) -> str:
        subscript = list(position)
        if self.vector_dim < len(self.indices_shape):
            subscript.insert(self.vector_dim, component)
        loaded = f.load("%indices", subscript, memref_type(self.indices_shape, self.index.storage))
        cast = "index_castui" if self.index.kind == "unsigned" else "index_cast"
        return f.value(f"arith.{cast} {loaded} : {self.index.storage} to index")

    def _window(
        self, f: Function, position: Sequence[int | str], starts: list[int | str],
        window: list[Bound], first_column: int | str, columns: int,
        captured: list[str],
    ) -> None:  # fmt: skip
        """Apply one window."""
        last = len(self.dims) - 1
        rows = (
            last >= 0 and self.dims[last].start is None and self.dims[last].update == len(self.update_shape) - 1
            and self.function is None and self.elements[0].vectorizable and columns >= 4
        )  # fmt: skip
        if rows:
            with nest(f, window[:last]) as offsets:
                target, source = self._subscripts(f, position, starts, [*offsets, first_column])
                self._row(f, target, source, columns)
            return
        if columns != (self.dims[last].window if self.dims else 1):
            window = [*window[:last], (first_column, f.add(first_column, columns))]
        with nest(f, window) as offsets:
            target, source = self._subscripts(f, position, starts, offsets)
            self._element(f, target, source, captured)

    def _subscripts(
        self, f: Function, position: Sequence[int | str], starts: Sequence[int | str], offsets: Sequence[int | str]
    ) -> tuple[list[int | str], list[int | str]]:
        """Subscripts of the operand and of the updates."""
        target = [f.add(start, offset) for start, offset in zip(starts, offsets, strict=True)]
        source: list[int | str] = [0] * len(self.update_shape)
        for d, at in zip(self.scatter_dims, position, strict=True):
            source[d] = at
        for dim, offset in zip(self.dims, offsets, strict=True):
            if dim.update is not None:
                source[dim.update] = offset
        return target, source

    def _row(self, f: Function, target: list[int | str], source: list[int | str], columns: int) -> None:
        """Apply ``columns`` contiguous elements, a vector at a time."""
        whole = columns - columns % LANES
        if columns <= 4 * LANES:
            for piece in range(0, whole, LANES):
                self._vector(f, target, source, piece, LANES)
        else:
            with f.loop(0, whole, LANES) as k:
                self._vector(f, target, source, k, LANES)
        at, lanes = whole, LANES // 2
        while at < columns:
            if columns - at >= lanes:
                self._vector(f, target, source, at, lanes)
                at += lanes
            lanes //= 2

    def _vector(
        self, f: Function, target: list[int | str], source: list[int | str], offset: int | str, lanes: int
    ) -> None:
        for i, element in enumerate(self.elements):
            operand, updates = (memref_type(s, element.storage) for s in (self.operand_shape, self.update_shape))
            stored = f"vector<{lanes}x{element.storage}>"
            to = ", ".join(f.index(v) for v in [*target[:-1], f.add(target[-1], offset)])
            at = ", ".join(f.index(v) for v in [*source[:-1], f.add(source[-1], offset)])
            new = f.value(f"vector.load %update{i}[{at}] : {updates}, {stored}")
            if self.kind != "update":
                old = widen(f, element, f.value(f"vector.load %out{i}[{to}] : {operand}, {stored}"), lanes)
                new = combine(f, self.kind, element, old, widen(f, element, new, lanes), lanes)
                new = narrow(f, element, new, lanes)
            f.emit(f"vector.store {new}, %out{i}[{to}] : {operand}, {stored}")

    def _element(self, f: Function, target: list[int | str], source: list[int | str], captured: list[str]) -> None:
        operands = [memref_type(self.operand_shape, e.storage) for e in self.elements]
        updates = [memref_type(self.update_shape, e.storage) for e in self.elements]
        new = [f.load(f"%update{i}", source, type_) for i, type_ in enumerate(updates)]
        if self.kind != "update":
            old = [f.load(f"%out{i}", target, type_) for i, type_ in enumerate(operands)]
            if self.function:
                new = self.function.inline(f, [*old, *new], captured)
            else:
                new = [self._combined(f, *pair) for pair in zip(self.elements, old, new, strict=True)]
        for i, (value, type_) in enumerate(zip(new, operands, strict=True)):
            f.store(value, f"%out{i}", target, type_)

    def _combined(self, f: Function, element: Element, old: str, new: str) -> str:
        result = combine(f, self.kind, element, widen(f, element, old), widen(f, element, new))
        return narrow(f, element, result)
