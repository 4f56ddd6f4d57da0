"""A square block transposed in registers: loads of whole rows, log2(n) rounds of shuffles, stores of whole columns.

The network is the recursive block exchange of Eklundh, "A fast computer method for matrix transposing", IEEE Trans. on
Computers C-21 (1972), with vectors as rows.  Used by ``astra-kernels-to-loops``.
"""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.passes.memref_utils import Builder

__all__ = ["EDGE", "can_transpose", "transpose_block"]

EDGE = 16  # rows and columns of a block


def can_transpose(element: ir.Type) -> bool:
    """Whether vectors of this element type exist."""
    return isinstance(element, ir.FloatType) or (isinstance(element, ir.IntegerType) and element.width >= 8)


def transpose_block(
    builder: Builder,
    source: ir.Value,
    start: ir.Value | int,
    row_step: int,
    target: ir.Value,
    address: ir.Value | int,
    column_step: int,
) -> None:
    """``target[address + c * column_step + r] = source[start + r * row_step + c]`` for r and c below ``EDGE``."""
    vector = ir.VectorType.get([EDGE], source.type.element_type)
    rows = []
    for r in range(EDGE):
        at = builder.value(builder.add(start, r * row_step))
        rows.append(builder.op("vector.load", (source, at), (vector,)).results[0])
    half = EDGE // 2
    while half:
        first = [i if i % (2 * half) < half else EDGE + i - half for i in range(EDGE)]
        second = [i + half if i % (2 * half) < half else EDGE + i for i in range(EDGE)]
        for r in range(EDGE):
            if r % (2 * half) < half:
                pair = (rows[r], rows[r + half])
                rows[r], rows[r + half] = (_shuffle(builder, vector, pair, mask) for mask in (first, second))
        half //= 2
    for c in range(EDGE):
        at = builder.value(builder.add(address, c * column_step))
        builder.op("vector.store", (rows[c], target, at))


def _shuffle(builder: Builder, kind: ir.Type, pair: tuple[ir.Value, ir.Value], mask: list[int]) -> ir.Value:
    return builder.op("vector.shuffle", pair, (kind,), {"mask": ir.DenseI64ArrayAttr.get(mask)}).results[0]
