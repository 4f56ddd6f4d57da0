"""Scatters on GPUs, the same bits every run.

Where the order of updates does not show (promised to be unique, or integers that are added, minima and maxima) all
elements are applied at once, by atomic operations.  Of a few updates a program owns a range of places: it looks at all
indices, and applies its own in order.  Many updates are sorted by their places (``scatter_sorted.py``).  With setting
``ASTRA_GPU_ATOMICS`` floats are added by atomic operations too, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from astra_mlir import config
from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.gpu_kernels.cumulative import combiner
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.gpu_kernels.scatter_form import Scatter, Windows, scatter_form
from astra_mlir.passes.gpu_kernels.scatter_sorted import SortedScatter
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name, with_element
from astra_mlir.passes.tile_builder import Tile, block_size, cells

COLUMNS = 256  # of a window that a program owns
INDICES = 128  # that a program looks at together
RANGES = 264  # of places: two programs for each multiprocessor of Hopper
FEW = 1024  # updates, of which each program looks at all
ELEMENTS = 1024  # that a program applies at once
MOST = 1 << 31  # offsets are i32

_ATOMIC = {"add": ("add", "add"), "maximum": ("max", "umax"), "minimum": ("min", "umin")}  # signed, unsigned


def _atomic(kind: str, element: ir.Type) -> str | None:
    """The atomic operation that gives the same in any order, or may."""
    if isinstance(element, ir.FloatType):
        return "fadd" if kind == "add" and element.width >= 32 and config.gpu_atomics.get() else None
    names = _ATOMIC.get(kind)
    return names[element.is_unsigned] if names and element.width in (32, 64) else None


@gpu_kernel_rule("scatter")
def scatter(op: ir.Operation) -> KernelRequest | None:
    """Scatters of one operand with a known combiner."""
    count = len(op.results)
    element = op.results[0].type.element_type
    place = source_place(op.location)
    kind = value_of(op, "kind")
    if count != 1 or (kind != "update" and combiner(kind, element) is None) or isinstance(element, ir.ComplexType):
        raise UnsupportedError(f"{place}: astra.scatter of several operands or kind {kind} has no kernel for GPUs")
    operand, update = (with_element(op, op.operands[i], element) for i in (0, 2))
    form = scatter_form(op, operand.type, op.operands[1].type, update.type)
    if form.count * form.window >= MOST:
        raise UnsupportedError(f"{place}: astra.scatter of {form.count * form.window} elements has no kernel for GPUs")
    types = (op.operands[1].type, update.type, op.results[0].type)
    unique = bool(value_of(op, "unique_indices")) or form.count == 1
    atomic = None if unique else _atomic(kind, element)
    scratch: Sequence[ir.Type] = ()
    build: Callable[[], str]
    name = kernel_name(f"scatter_{kind}", "gpu", form, unique, atomic, *types)
    if unique or atomic is not None:
        build = partial(_at_once, name, form, types, atomic)
    elif form.overlaps or form.count > FEW:
        ordered = SortedScatter(name, form, types)
        build, scratch = ordered.text, ordered.scratch
    else:
        build = partial(_by_owners, name, form, types)
    return KernelRequest(name, [op.operands[1], update], [Out(op.results[0].type, operand)], build, scratch)


def _at_once(name: str, form: Scatter, types: Sequence[ir.Type], atomic: str | None) -> str:
    """Each program applies some elements of windows."""
    host = HostFunction(name, [buffer_type(kind) for kind in types])
    function = host.tile(0, 1, 2)
    b = function.builder
    size = form.count * form.window
    block = block_size(size, ELEMENTS)
    element = b.program_id(0) * block + b.arange(block)
    number = element // form.window
    windows = Windows(function, form, types, element % form.window if form.window > 1 else element * 0)
    begins = windows.begins(number)
    mask = b.broadcast(windows.fits(begins), element.shape)
    mask = mask & (element < size)
    place, update = (
        b.broadcast(x, element.shape) for x in (windows.place(windows.begin(begins)), windows.update(number))
    )
    if atomic is None:
        windows.apply(place, update, mask)
    else:
        b.atomic(atomic, windows.target, place, b.load(windows.updates, update, mask), mask)
    host.launch(function, "scatter", [cells(size, block)], [0, 1, 2])
    return host.text()


def _by_owners(name: str, form: Scatter, types: Sequence[ir.Type]) -> str:
    host = HostFunction(name, [buffer_type(kind) for kind in types])
    columns = block_size(form.window, COLUMNS)
    blocks = cells(form.window, columns)
    function = host.tile(0, 1, 2)
    b = function.builder
    places = form.rows
    ranges = max(1, min(RANGES // blocks, places))
    each = cells(places, ranges)
    pid = b.program_id(0)
    position = pid % blocks * columns + b.arange(columns)
    windows = Windows(function, form, types, position, position < form.window if form.window % columns else None)
    low = pid // blocks * each
    many = block_size(form.count, INDICES)

    def mine(number: Tile, begins: Sequence[Tile]) -> Tile:
        row = windows.row(begins)
        return windows.fits(begins) & (number < form.count) & (row >= low) & (row < low + each)

    def block(first: Tile, _: list[Tile]) -> list[Tile]:
        numbers = first + b.arange(many)
        own = mine(numbers, windows.begins(numbers)).to(b.i32)

        def one(number: Tile, _: list[Tile]) -> list[Tile]:
            begins = windows.begins(number)
            mask = b.broadcast(mine(number, begins), position.shape)
            mask = mask if windows.window.mask is None else mask & windows.window.mask
            place, update = windows.place(windows.begin(begins)), windows.update(number)
            windows.apply(*(b.broadcast(x, position.shape) for x in (place, update)), mask)
            return []

        some = b.sum(own, 0) > 0
        last = b.select(some, first + many, first)
        b.loop(first, b.minimum(last, form.count), 1, [], one)
        return []

    b.loop(0, form.count, many, [], block)
    host.launch(function, "scatter", [ranges * blocks], [0, 1, 2])
    return host.text()
