"""Products and convolutions on GPUs: one tile of the result for each program, steps of the sum by ``astra.tile_dot``.

A product has four sets of loops: batch, rows, columns and steps.  An operand is read at an address that is linear in
its loops, so transpositions and any dimension numbers cost nothing; a convolution is the same with windows (implicit
GEMM): positions in the input that are sums of a row's and a step's, and lie outside where there is padding or a hole.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.gpu.hopper_epilogue import epilogue_attribute
from astra_mlir.passes.gpu.hopper_functions import EPILOGUE, GEMM
from astra_mlir.passes.gpu.hopper_gemm import FORMATS
from astra_mlir.passes.gpu_kernels.epilogue import Places, Spread, apply, function_text, gpu_epilogue_of
from astra_mlir.passes.gpu_kernels.registry import HostFunction, buffer_type, gpu_kernel_rule
from astra_mlir.passes.kernel_rules.epilogue import Epilogue
from astra_mlir.passes.kernel_rules.registry import KernelRequest, Out, kernel_name
from astra_mlir.passes.memref_utils import row_major_strides
from astra_mlir.passes.tile_builder import Tile, TileBuilder, block_size, cells
from astra_mlir.passes.tile_nests import Axis

__all__ = ["Operand", "Product", "Window"]

# f32 products by three of the tensor cores' 10-bit ones, which gives nearly all bits; with precision HIGHEST all bits.
PRECISIONS = {"HIGHEST": "ieee"}
DEFAULT_PRECISION = "3xtf32"
SMALL_WORK = 1 << 12  # multiply-adds below which loops in a fused kernel do
PROCESSORS = 132  # that there should be a tile for, or two parts of one
# Of a sum that is split, as adding its parts is a launch of its own; of a part; and how many parts.
LONG_SUM, LEAST_STEPS, MOST_PARTS = 64, 8, 32
SUMS = (16, 64)  # a tile of what the parts' sums are added in
GROUP = 8  # rows of tiles that programs with neighbouring numbers walk together, so that operands are in the L2 cache
WIDE = {"f64": (64, 64, 16, 4), "f32": (128, 128, 32, 8), "16": (128, 128, 64, 8), "8": (128, 128, 64, 8)}


@dataclass(frozen=True)
class Window:
    """A position ``row * row_step + step * step_step + constant`` in a dimension of ``size``, holes between elements.

    ``row`` and ``step`` are numbers of loops; the dimension's elements are ``stride`` apart in memory.
    """

    row: int
    row_step: int
    step: int
    step_step: int
    constant: int
    size: int
    stride: int
    holes: int = 1


@dataclass(frozen=True)
class Operand:
    """How an operand is read: elements that one iteration of each loop moves, and windows."""

    batch: tuple[int, ...]
    rows: tuple[int, ...]  # columns, of the right operand
    steps: tuple[int, ...]
    constant: int = 0
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True)
class Product:
    """``out[b, m, n] = sum over k of lhs[b, m, k] * rhs[b, k, n]``, with several loops behind each letter."""

    batch: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    steps: tuple[int, ...]
    lhs: Operand
    rhs: Operand
    out: Places
    precision: str = DEFAULT_PRECISION

    @property
    def extents(self) -> tuple[int, int, int, int]:
        """Rows, columns, steps, batch."""
        return math.prod(self.rows), math.prod(self.columns), math.prod(self.steps), math.prod(self.batch)

    @property
    def work(self) -> int:
        return math.prod(self.extents)


def _class_of(element: ir.Type) -> str | None:
    """The row of ``WIDE`` whose products the tensor cores (or vector units) have; None: elements one by one."""
    if isinstance(element, ir.FloatType):
        name = str(element)
        return name if name in ("f64", "f32") else "16" if name in ("f16", "bf16") else None
    return "8" if element.width == 8 and element.is_signless else None


def _is_f8(element: ir.Type) -> bool:
    return str(element) in ("f8E4M3FN", "f8E5M2")


def _product_element(lhs: ir.Type, rhs: ir.Type, result: ir.Type) -> ir.Type:
    """The type in which elements are multiplied: the operands' where they agree and have one, else the result's."""
    f32 = ir.F32Type.get()
    if isinstance(result, ir.FloatType):
        if _is_f8(lhs) and _is_f8(rhs) and result.width <= 32:
            return ir.BF16Type.get()  # has all of their numbers, and of their products in f32
        if lhs == rhs and _class_of(lhs) in ("16", "f32") and result.width <= 32:
            return lhs
        return result if result.width >= 32 else f32
    if lhs == rhs and _class_of(lhs) == "8" and result.width == 32 and not (lhs.is_unsigned or rhs.is_unsigned):
        return lhs
    return result


def build(
    name: str,
    product: Product,
    lhs: ir.Type,
    rhs: ir.Type,
    result: ir.Type,
    epilogue: Epilogue | None = None,
    others: Sequence[ir.Type] = (),
    stored: ir.Type | None = None,
) -> str:
    """The text of the kernel's functions; types are those of tensors.

    ``others`` are those of what the epilogue reads, ``stored`` that of what it gives.
    """
    stored = stored or result
    parts = parts_of(product, lhs, rhs, result)
    scratch = [] if parts == 1 else [sums_type(product, lhs, rhs, result, parts)]
    buffers = [buffer_type(kind) for kind in (lhs, rhs, *others, stored, *scratch)]
    element, kind = _element_and_class(lhs, rhs, result)
    bm, bn, bk, warps = _blocks(product, kind)
    _, _, k, _ = product.extents

    host = HostFunction(name, buffers)
    last = 2 + len(others)
    arguments = [0, 1, last, *range(2, last)]
    function = host.tile(*(arguments if parts == 1 else [0, 1, last + 1]), warps=warps)
    b = function.builder
    accumulator = _accumulator(element, b)
    programs, axes = _place(b, product, bm, bn)
    batch_axis, rows, columns = axes

    def block(side: int, pointer: ir.Value, operand: Operand, outer: Axis, first: Tile) -> Tile:
        along = 1 - side  # which axis of the tile the steps are on
        steps = _axis(product.steps, first + b.arange(bk), bk, along)
        value = _read(b, pointer, operand, batch_axis, outer, steps, (bm, bk) if side == 0 else (bk, bn))
        is_bool = (lhs, rhs)[side].element_type == b.i1
        value = value.ne(0) if is_bool else value
        unsigned = getattr((lhs, rhs)[side].element_type, "is_unsigned", False)
        return b.convert(value, element, unsigned) if element != b.i1 else value

    def step(first: Tile, state: list[Tile]) -> list[Tile]:
        left = block(0, function.arguments[0], product.lhs, rows, first)
        right = block(1, function.arguments[1], product.rhs, columns, first)
        if kind is not None:
            return [b.dot(left, right, state[0], product.precision if kind == "f32" else "ieee")]
        if element == b.i1:
            return [state[0] | (b.broadcast(left, (bm, bn)) & right)]
        return [state[0] + left * right]

    start = [b.full((bm, bn), 0, accumulator)]
    if parts > 1:
        part, span = b.program_id(1), cells(cells(k, bk), parts) * bk
        (total,) = b.loop(part * span, b.minimum((part + 1) * span, k), bk, start, step)
        offsets = _address_of_sums(b, product, part, axes)
        b.store(function.arguments[2], b.broadcast(offsets, (bm, bn)), total, _both(rows.mask, columns.mask))
        host.launch(function, "gemm_parts", [programs, parts], [0, 1, last + 1])
        # The parts' sums are added in their order, by smaller tiles, of which there are more.
        bm, bn = min(bm, SUMS[0]), min(bn, SUMS[1])
        arguments = [last + 1, last + 1, last, *range(2, last)]
        function = host.tile(*arguments)
        b = function.builder
        programs, axes = _place(b, product, bm, bn)
        mask = _both(axes[1].mask, axes[2].mask)
        found = [
            b.load(function.arguments[0], _address_of_sums(b, product, b.index(i), axes), mask) for i in range(parts)
        ]
        total = functools.reduce(operator.add, found)
    else:
        (total,) = b.loop(0, k, bk, start, step)
    out_element = result.element_type
    if out_element == b.i1:
        total = total.to(b.i8)
    elif isinstance(out_element, ir.FloatType):
        total = b.convert(total, out_element)
    if epilogue is not None:
        pointers = zip(function.arguments[3:], epilogue.kinds, strict=True)
        total = apply(b, epilogue, [total, *(_read_along(b, pointer, places, axes) for pointer, places in pointers)])
    offsets = b.broadcast(_address(b, product.out, axes), (bm, bn))
    b.store(function.arguments[2], offsets, total, _both(axes[1].mask, axes[2].mask))
    if (form := gemm_form(product, lhs, rhs, stored)) is not None:
        function.func.attributes[GEMM] = form
        if epilogue is not None:
            text = function_text(epilogue, str(result.element_type))
            function.func.attributes[EPILOGUE] = epilogue_attribute(text, [joined(product, k) for k in epilogue.kinds])
    host.launch(function, "gemm" if parts == 1 else "gemm_sums", [programs], arguments)
    return host.text()


def _element_and_class(lhs: ir.Type, rhs: ir.Type, result: ir.Type) -> tuple[ir.Type, str | None]:
    """The signless type in which elements are multiplied, and its row of ``WIDE``."""
    element = _product_element(lhs.element_type, rhs.element_type, result.element_type)
    if isinstance(element, ir.IntegerType):
        element = ir.IntegerType.get_signless(element.width)
    return element, _class_of(element)


def _blocks(product: Product, kind: str | None) -> tuple[int, int, int, int]:
    """Rows, columns and steps of a tile, and warps."""
    m, n, k, batch = product.extents
    most_m, most_n, most_k, warps = WIDE[kind or "f32"]
    while most_m * most_n > 64 * 32 and cells(m, most_m) * cells(n, most_n) * batch < PROCESSORS:
        most_m, most_n = (most_m // 2, most_n) if most_m >= most_n else (most_m, most_n // 2)
    bm, bn = block_size(m, most_m, 16), block_size(n, most_n, 16)
    bk = block_size(k, most_k, 16 if kind != "8" else 32) if kind else 1
    warps = max(4 if bm * bn >= 2048 else 1, warps * bm * bn // (most_m * most_n)) if bm * bn < 16384 else warps
    return bm, bn, bk, min(warps, 8)


def parts_of(product: Product, lhs: ir.Type, rhs: ir.Type, result: ir.Type) -> int:
    """Into how many parts the steps of the sum are split, each of programs of its own: where tiles are too few."""
    _, kind = _element_and_class(lhs, rhs, result)
    if kind is None or gemm_form(product, lhs, rhs, result) is not None:
        return 1
    bm, bn, bk, _ = _blocks(product, kind)
    m, n, k, batch = product.extents
    programs, steps = cells(m, bm) * cells(n, bn) * batch, cells(k, bk)
    if steps < LONG_SUM:
        return 1
    parts = min(MOST_PARTS, 2 * PROCESSORS // programs, steps // LEAST_STEPS)
    return cells(steps, cells(steps, parts)) if parts > 1 else 1


def sums_type(product: Product, lhs: ir.Type, rhs: ir.Type, result: ir.Type, parts: int) -> ir.Type:
    """The sums of all parts, one after the other."""
    element, _ = _element_and_class(lhs, rhs, result)
    if isinstance(element, ir.FloatType):
        kind = ir.F32Type.get() if element.width < 32 else element
    else:
        kind = ir.IntegerType.get_signless(32) if element.width == 8 else element
    m, n, _, batch = product.extents
    return ir.RankedTensorType.get([parts, batch * m * n], kind)


def _place(b: TileBuilder, product: Product, bm: int, bn: int) -> tuple[int, tuple[Axis, Axis, Axis]]:
    """How many programs there are, and where this one's tile is: batch, rows, columns."""
    m, n, _, batch = product.extents
    grid_m, grid_n = cells(m, bm), cells(n, bn)
    tile, batch_axis = b.program_id(0), Axis(product.batch)
    if batch > 1:
        batch_axis.position = tile // (grid_m * grid_n)
        tile = tile % (grid_m * grid_n)
    tile_m, tile_n = _grouped(b, tile, grid_m, grid_n)
    rows = _axis(product.rows, tile_m * bm + b.arange(bm), bm, 0)
    columns = _axis(product.columns, tile_n * bn + b.arange(bn), bn, 1)
    return grid_m * grid_n * batch, (batch_axis, rows, columns)


def _address_of_sums(b: TileBuilder, product: Product, part: Tile, axes: Sequence[Axis]) -> Tile:
    m, n, _, batch = product.extents
    batch_axis, rows, columns = axes
    assert rows.position is not None and columns.position is not None
    before = part * batch if batch_axis.position is None else part * batch + batch_axis.position
    return (before * m + rows.position) * n + columns.position


def _address(b: TileBuilder, places: Places, axes: Sequence[Axis]) -> Tile:
    """Offsets of a tile, with dimensions of 1 where they are all the same."""
    parts = (axis.address(steps, False) for axis, steps in zip(axes, places, strict=True))
    return _tile(b, _sum(*parts), (1, 1))


def _read_along(b: TileBuilder, pointer: ir.Value, places: Places, axes: Sequence[Axis]) -> Tile:
    """What an epilogue reads for a tile of the result: 0 outside of it."""
    offsets = _address(b, places, axes)
    mask = None
    for axis, size in zip(axes[1:], offsets.shape, strict=True):
        if size > 1 and axis.mask is not None:
            mask = _both(mask, axis.mask)
    return b.load(pointer, offsets, mask)


def joined(product: Product, places: Places) -> tuple[int | None, ...]:
    """One step each for batch, rows and columns, where their loops are as one."""
    extents = (product.batch, product.rows, product.columns)
    return tuple(_one_stride(e, s) for e, s in zip(extents, places, strict=True))


def gemm_form(product: Product, lhs: ir.Type, rhs: ir.Type, result: ir.Type) -> ir.Attribute | None:
    """The arguments of ``hopper_gemm`` for a product of matrices in rows, one behind the other; None for others."""
    kinds = [str(kind.element_type) for kind in (lhs, rhs, result)]
    element = "tf32" if kinds[0] == "f32" and product.precision == "tf32" else kinds[0]
    if (
        kinds[0] != kinds[1]
        or element not in FORMATS
        or product.lhs.windows
        or product.rhs.windows
        or product.lhs.constant
        or product.rhs.constant
    ):
        return None
    loops = product.batch, product.rows, product.columns, product.steps
    batch, m, n, k = (math.prod(extents) for extents in loops)
    strides = [
        (product.lhs.batch, product.lhs.rows, product.lhs.steps),
        (product.rhs.batch, product.rhs.rows, product.rhs.steps),
        product.out,
    ]
    extents = [(loops[0], loops[1], loops[3]), (loops[0], loops[2], loops[3]), loops[:3]]
    moved = [tuple(map(_one_stride, e, s)) for e, s in zip(extents, strides, strict=True)]
    majors = []
    for (over_batch, outer, inner), rows, steps in ((moved[0], m, k), (moved[1], n, k), (moved[2], m, n)):
        if over_batch not in (rows * steps, 0 if batch == 1 else None):
            return None
        majors.append("k" if (outer, inner) == (steps, 1) else "other" if (outer, inner) == (1, rows) else "")
    if "" in majors or majors[2] != "k":
        return None
    numbers = {"m": m, "n": n, "k": k, "batch": batch}
    names = {
        "element": element, "result": kinds[2],
        "lhs_major": "k" if majors[0] == "k" else "m", "rhs_major": "k" if majors[1] == "k" else "n",
    }  # fmt: skip
    i64 = ir.IntegerType.get_signless(64)
    values: dict[str, ir.Attribute] = {name: ir.IntegerAttr.get(i64, number) for name, number in numbers.items()}
    return ir.DictAttr.get(values | {name: ir.StringAttr.get(text) for name, text in names.items()})


def _one_stride(extents: Sequence[int], strides: Sequence[int]) -> int | None:
    """What one step of several loops, the last innermost, moves if they are as one; None if they are not."""
    moves = [(extent, stride) for extent, stride in zip(extents, strides, strict=True) if extent > 1]
    for (_, outer), (extent, inner) in itertools.pairwise(moves):
        if outer != extent * inner:
            return None
    return moves[-1][1] if moves else 0


def _accumulator(element: ir.Type, b: TileBuilder) -> ir.Type:
    if isinstance(element, ir.FloatType):
        return b.f32 if element.width < 32 else element
    return b.i32 if element.width == 8 else element


def _axis(extents: Sequence[int], position: Tile, block: int, dimension: int) -> Axis:
    made = Axis(tuple(extents))
    made.position = position[:, None] if dimension == 0 else position[None, :]
    made.mask = made.position < made.size if made.size % block else None
    return made


def _grouped(b: TileBuilder, tile: Tile, grid_m: int, grid_n: int) -> tuple[Tile, Tile]:
    """Row and column of a tile: groups of rows, columns within them, so that neighbours share operands."""
    if grid_m == 1 or grid_n == 1:
        zero = b.index(0)
        return (zero, tile) if grid_m == 1 else (tile, zero)
    whole = GROUP * grid_n
    group, within = tile // whole, tile % whole
    height = b.minimum(grid_m - group * GROUP, GROUP)
    return group * GROUP + within % height, within // height


def _sum(*parts: Tile | int) -> Tile | int:
    total: Tile | int = 0
    for part in parts:
        if isinstance(total, int) and isinstance(part, int):
            total += part
        else:
            total = part + total if isinstance(part, Tile) else total + part  # type: ignore[operator]
    return total


def _tile(b: TileBuilder, value: Tile | int, shape: Sequence[int]) -> Tile:
    value = value if isinstance(value, Tile) else b.index(value)
    return value if value.shape else b.broadcast(value, shape)


def _both(a: Tile | None, b: Tile | None) -> Tile | None:
    return b if a is None else a if b is None else a & b


def _read(
    b: TileBuilder, pointer: ir.Value, operand: Operand, batch: Axis, rows: Axis, steps: Axis, shape: tuple[int, int]
) -> Tile:
    """A tile of an operand; 0 where there is padding."""
    address = _sum(
        batch.address(operand.batch, False), rows.address(operand.rows, False), steps.address(operand.steps, False),
        operand.constant,
    )  # fmt: skip
    mask = _both(rows.mask, steps.mask)
    for window in operand.windows:
        position = rows.loop(window.row) * window.row_step + steps.loop(window.step) * window.step_step
        position = position + window.constant
        inside = (position >= 0) & (position < (window.size - 1) * window.holes + 1)
        if window.holes > 1:
            inside = inside & b.elementwise("arith.remsi", [position, b.index(window.holes)]).eq(0)
            position = b.elementwise("arith.divsi", [position, b.index(window.holes)])
        mask = inside if mask is None else mask & inside
        address = _sum(address, position * window.stride)
    offsets = b.broadcast(_tile(b, address, (1, 1)), shape)
    return b.load(pointer, offsets, mask)


def _request(op: ir.Operation, kind: str, product: Product, spread: Spread) -> KernelRequest:
    """The kernel of a product and of what follows it element by element."""
    lhs, rhs = op.operands[0], op.operands[1]
    types = (lhs.type, rhs.type, op.results[0].type)
    for_hopper = gemm_form(product, *types) is not None

    def readable(steps: Sequence[int]) -> Places | None:
        places = spread(steps)
        return None if places is None or (for_hopper and None in joined(product, places)) else places

    fused = gpu_epilogue_of(op, readable)
    parts = parts_of(product, *types)
    scratch = () if parts == 1 else (sums_type(product, *types, parts),)
    if fused is None:
        name = kernel_name(kind, "gpu", product, *types)
        return KernelRequest(
            name, (lhs, rhs), (Out(types[2]),), lambda: build(name, product, *types), scratch=scratch,
            schedule=product,
        )  # fmt: skip
    stored, others = fused.last.results[0].type, [value.type for value in fused.operands]
    name = kernel_name(kind, "gpu", product, *types, fused.epilogue, *others, stored)
    return KernelRequest(
        name, (lhs, rhs, *fused.operands), (Out(stored),),
        lambda: build(name, product, *types, fused.epilogue, others, stored), scratch=scratch,
        schedule=product, absorbed=(*fused.absorbed, op), last=fused.last,
    )  # fmt: skip


def _is_complex(op: ir.Operation) -> bool:
    return any(isinstance(value.type.element_type, ir.ComplexType) for value in (*op.operands, *op.results))


@gpu_kernel_rule("dot_general")
def dot_general(op: ir.Operation) -> KernelRequest | None:
    """Products of matrices; those with a vector, and small ones, are reductions that fuse with what is around them."""
    lhs, rhs = op.operands[0].type, op.operands[1].type
    batch = [int_list(op, f"{side}_batching_dimensions") for side in ("lhs", "rhs")]
    contracted = [int_list(op, f"{side}_contracting_dimensions") for side in ("lhs", "rhs")]
    free = [
        [d for d in range(kind.rank) if d not in batch[i] and d not in contracted[i]]
        for i, kind in enumerate((lhs, rhs))
    ]
    strides = [row_major_strides(kind.shape) for kind in (lhs, rhs)]
    sizes = [[kind.shape[d] for d in free[i]] for i, kind in enumerate((lhs, rhs))]
    out = row_major_strides(op.results[0].type.shape)
    first, second = len(batch[0]), len(batch[0]) + len(free[0])

    def operand(side: int) -> Operand:
        pick = strides[side]
        return Operand(*(tuple(pick[d] for d in dims[side]) for dims in (batch, free, contracted)))

    product = Product(
        tuple(lhs.shape[d] for d in batch[0]), tuple(sizes[0]), tuple(sizes[1]),
        tuple(lhs.shape[d] for d in contracted[0]),
        operand(0), operand(1), (tuple(out[:first]), tuple(out[first:second]), tuple(out[second:])),
        PRECISIONS.get(value_of(op, "precision", "DEFAULT"), DEFAULT_PRECISION),
    )  # fmt: skip
    if _is_complex(op) or min(math.prod(product.rows), math.prod(product.columns)) == 1 or product.work < SMALL_WORK:
        return None

    def spread(steps: Sequence[int]) -> Places:
        return tuple(steps[:first]), tuple(steps[first:second]), tuple(steps[second:])

    return _request(op, "dot", product, spread)


@gpu_kernel_rule("convolution")
def convolution(op: ir.Operation) -> KernelRequest | None:
    """Implicit GEMM: rows are batch and output places, columns output features, steps kernel places and features."""
    if len(op.operands) > 2 or _is_complex(op):
        return None
    lhs, rhs, result = op.operands[0].type, op.operands[1].type, op.results[0].type
    get = lambda name: value_of(op, name)  # noqa: E731
    if get("batch_group_count") != 1:
        return None
    groups = get("feature_group_count")
    spatial_in, spatial_k, spatial_out = (
        int_list(op, f"{side}_spatial_dimensions") for side in ("input", "kernel", "output")
    )
    a, k, o = (row_major_strides(kind.shape) for kind in (lhs, rhs, result))
    features = rhs.shape[get("kernel_input_feature_dimension")]
    outputs = rhs.shape[get("kernel_output_feature_dimension")] // groups
    if outputs == 1:  # depthwise: a reduction along few places, with the channels side by side
        return None
    window_strides, padding = int_list(op, "window_strides"), int_list(op, "padding")
    holes, dilation, reversal = int_list(op, "lhs_dilation"), int_list(op, "rhs_dilation"), get("window_reversal")
    windows = []
    for i, (d_in, d_k) in enumerate(zip(spatial_in, spatial_k, strict=True)):
        size = rhs.shape[d_k]
        step, first = (-dilation[i], (size - 1) * dilation[i]) if reversal[i] else (dilation[i], 0)
        windows.append(
            Window(1 + i, window_strides[i], i, step, first - padding[2 * i], lhs.shape[d_in], a[d_in], holes[i])
        )
    spatial = len(spatial_in)
    zeros = (0,) * spatial
    feature_in, feature_k = a[get("input_feature_dimension")], k[get("kernel_input_feature_dimension")]
    k_out = k[get("kernel_output_feature_dimension")]

    def spread(steps: Sequence[int]) -> Places:
        feature = steps[get("output_feature_dimension")]
        outer = (steps[get("output_batch_dimension")], *(steps[d] for d in spatial_out))
        return (outputs * feature,) if groups > 1 else (), outer, (feature,)

    product = Product(
        (groups,) if groups > 1 else (),
        (lhs.shape[get("input_batch_dimension")], *(result.shape[d] for d in spatial_out)),
        (outputs,),
        (*(rhs.shape[d] for d in spatial_k), features),
        Operand(
            (features * feature_in,) if groups > 1 else (), (a[get("input_batch_dimension")], *zeros),
            (*zeros, feature_in), 0, tuple(windows),
        ),
        Operand((outputs * k_out,) if groups > 1 else (), (k_out,), (*(k[d] for d in spatial_k), feature_k)),
        spread(o),
        PRECISIONS.get(value_of(op, "precision", "DEFAULT"), DEFAULT_PRECISION),
    )  # fmt: skip
    return _request(op, "convolution", product, spread)
