"""The matrix products inside of attention kernels: operands on the stack or packed, all strides known.

Unlike products of whole arrays (``gemm_functions.py``) these have no edges, since tiles are padded, and a few hundred
steps each, so that what is done once per register tile counts: places are constants, and what the result held
is scaled down row by row where a softmax asks for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from astra_mlir.passes.kernel_rules.function_text import AS_WRITTEN, FunctionText
from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes

__all__ = ["Product"]


@dataclass(frozen=True)
class Product:
    """``c[m, n] = a[m, k] @ b[k, n]``, for whole register tiles.

    Element (r, k) of a register tile of ``a`` is ``row * r + step * k`` behind its begin, tiles are ``panel`` apart.
    ``b`` lies in panels of register columns, whose steps are ``b_step`` apart if not side by side.  ``mode``: "fresh"
    overwrites ``c``, "added" adds to it unless the flag ``first`` is set, "scaled" multiplies its rows by ``factors``
    before.
    """

    types: GemmTypes
    row: int
    step: int
    panel: int
    stride: int  # of the rows of c
    mode: str
    b_step: int = 0

    @property
    def name(self) -> str:
        return f"astra_attention_product_{hashlib.sha256(self._body('').encode()).hexdigest()[:12]}"

    @cached_property
    def text(self) -> str:
        """The function."""
        return self._body(self.name)

    def _body(self, name: str) -> str:
        types = self.types
        element, lanes, rows, vectors = types.accumulator, types.lanes, types.rows, types.vectors
        vector, memref = f"vector<{lanes}x{element}>", f"memref<?x{element}>"
        arguments = [
            ("%a", memref), ("%a_offset", "index"), ("%b", memref), ("%b_offset", "index"), ("%b_panel", "index"),
            ("%c", memref), ("%c_offset", "index"), ("%depth", "index"), ("%m", "index"), ("%n", "index"),
        ]  # fmt: skip
        arguments += [("%first", "i1")] if self.mode != "fresh" else []
        arguments += [("%factors", memref)] if self.mode == "scaled" else []
        f = FunctionText(name, arguments, inline=False)
        zero = f.constant(f"dense<{types.zero}>", vector)
        tile = [(i, j) for i in range(rows) for j in range(vectors)]
        with f.loop(0, f.div("%n", types.columns)) as column:
            b_at = f.add("%b_offset", f.mul(column, "%b_panel"))
            c_column = f.add("%c_offset", f.mul(column, types.columns))
            with f.loop(0, f.div("%m", rows)) as row:
                a_at = f.add("%a_offset", f.mul(row, self.panel))
                c_at = f.add(c_column, f.mul(row, rows * self.stride))
                names = {at: f.fresh() for at in tile}
                start = ", ".join(f"{names[at]} = {zero}" for at in tile)
                kinds = ", ".join([vector] * len(tile))
                k, sums = f.fresh(), f.fresh()
                bounds = f"{f.ssa(0)} to %depth step {f.ssa(1)}"
                with f.block(
                    f"{sums}:{len(tile)} = scf.for {k} = {bounds} iter_args({start}) -> ({kinds}) {{",
                    f"}} {AS_WRITTEN}",
                ):
                    b_step = f.add(b_at, f.mul(k, self.b_step or types.columns))
                    a_step = f.add(a_at, f.mul(k, self.step))
                    columns = [
                        f.value(f"vector.load %b[{f.ssa(f.add(b_step, j * lanes))}] : {memref}, {vector}")
                        for j in range(vectors)
                    ]
                    following = []
                    for i in range(rows):
                        scalar = f.value(f"memref.load %a[{f.ssa(f.add(a_step, i * self.row))}] : {memref}")
                        scalar = f.value(f"vector.broadcast {scalar} : {element} to {vector}")
                        following += [
                            types.multiply_add(f, scalar, columns[j], names[i, j], vector) for j in range(vectors)
                        ]
                    f.line(f"scf.yield {', '.join(following)} : {kinds}")
                for number, (i, j) in enumerate(tile):
                    place = f"%c[{f.ssa(f.add(c_at, i * self.stride + j * lanes))}] : {memref}, {vector}"
                    total = f"{sums}#{number}"
                    if self.mode != "fresh":  # added at the end: shorter sums round less
                        before = f.value(f"vector.load {place}")
                        before = f.value(f"arith.select %first, {zero}, {before} : {vector}")
                        if self.mode == "scaled":
                            factor = f.value(f"memref.load %factors[{f.ssa(f.add(f.mul(row, rows), i))}] : {memref}")
                            factor = f.value(f"vector.broadcast {factor} : {element} to {vector}")
                            total = types.multiply_add(f, before, factor, total, vector)
                        else:
                            total = types.add(f, before, total, vector)
                    f.line(f"vector.store {total}, {place}")
        return f.text()
