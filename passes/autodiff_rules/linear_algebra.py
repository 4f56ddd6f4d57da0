"""Derivatives of factorizations, triangular solves and Fourier transforms; random bits and foreign calls.

Transposes are taken without conjugation, as everywhere: of an adjoint, the conjugate stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from astra_mlir.bindings import ir
from astra_mlir.dialects import int_list, value_of
from astra_mlir.passes.autodiff_rules.core import Emitter, jvp, linear, refuse, vjp, zero

MaybeValue = ir.Value | None
Values = Sequence[MaybeValue]

zero("random bits do not depend smoothly on their state", "rng_bit_generator")


@jvp("rng")
def _rng_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    refuse(op, "draw numbers from a fixed distribution, and shift and scale them")


@vjp("rng")
def _rng_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    refuse(op, "draw numbers from a fixed distribution, and shift and scale them")


@jvp("custom_call")
def _custom_call_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    _refuse_call(op)


@vjp("custom_call")
def _custom_call_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    _refuse_call(op)


def _refuse_call(op: ir.Operation) -> NoReturn:
    refuse(
        op, f"it calls '{value_of(op, 'call_target_name')}', whose derivative is not known; put the call into a "
        "function with a derivative of its own (custom_jvp or custom_vjp), or stop_gradient in front of it",
    )  # fmt: skip


# --- matrices ------------------------------------------------------------------------------------------------------


def _matmul(lhs: ir.Value, rhs: ir.Value, b: Emitter, contract: tuple[int, int] = (1, 0)) -> ir.Value:
    """Products of matrices in the last two dimensions; ``contract``: which of the two of each side is summed."""
    rank = b.info(lhs).rank
    batch = list(range(rank - 2))
    left, right = (rank - 2 + side for side in contract)
    shape = [
        *b.info(lhs).shape[: rank - 2],
        b.info(lhs).shape[2 * rank - 3 - left],
        b.info(rhs).shape[2 * rank - 3 - right],
    ]
    return b.build(
        "dot_general", (lhs, rhs), b.type(shape, b.info(lhs).element), lhs_batching_dimensions=batch,
        rhs_batching_dimensions=batch, lhs_contracting_dimensions=[left], rhs_contracting_dimensions=[right],
        precision="HIGHEST",
    )  # fmt: skip


def _conjugate(x: ir.Value, b: Emitter) -> ir.Value:
    if b.info(x).kind != "c":
        return x
    return b.f("complex", b.f("real", x), b.f("negate", b.f("imag", x)))


def _triangle(x: ir.Value, lower: bool, b: Emitter, strict: bool = False) -> ir.Value:
    """One triangle of matrices and zeros; without the diagonal if ``strict``."""
    info = b.info(x)
    shape, i32 = info.shape[-2:], ir.IntegerType.get_signless(32)
    rows, columns = (b.iota(shape, d, i32) for d in range(2))
    direction = ("GT" if strict else "GE") if lower else ("LT" if strict else "LE")
    mask = b.broadcast(b.compare(direction, rows, columns), info.shape, (info.rank - 2, info.rank - 1))
    return b.select(mask, x, b.zeros_like(x))


def _solve(
    a: ir.Value, x: ir.Value, b: Emitter, *, left: bool, lower: bool, unit: bool = False, how: str = "NO_TRANSPOSE"
) -> ir.Value:
    return b.build("triangular_solve", (a, x), x.type, left_side=left, lower=lower, unit_diagonal=unit, transpose_a=how)


# --- cholesky ------------------------------------------------------------------------------------------------------


def _half_diagonal(x: ir.Value, lower: bool, b: Emitter) -> ir.Value:
    """One triangle with half of the diagonal: the factor of a symmetric matrix near the identity, less the identity."""
    info = b.info(x)
    shape, i32 = info.shape[-2:], ir.IntegerType.get_signless(32)
    rows, columns = (b.iota(shape, d, i32) for d in range(2))
    diagonal = b.broadcast(b.compare("EQ", rows, columns), info.shape, (info.rank - 2, info.rank - 1))
    halved = b.select(diagonal, b.f("multiply", x, b.full(x.type, 0.5)), x)
    return _triangle(halved, lower, b)


@jvp("cholesky")
def _cholesky_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    """dL = L phi(L^-1 dA L^-H), or dU = phi(U^-H dA U^-1) U, for a Hermitian dA (as JAX: of all of dA, not a triangle).

    I. Murray, Differentiation of the Cholesky decomposition, 2016.
    """
    (t,), lower = tangents, value_of(op, "lower")
    assert t is not None
    factor = _triangle(op.results[0], lower, b)
    inner = _solve(factor, t, b, left=not lower, lower=lower, how="ADJOINT" if lower else "NO_TRANSPOSE")
    if lower:
        inner = _solve(factor, inner, b, left=True, lower=True)
        return [_matmul(factor, _half_diagonal(inner, True, b), b)]
    inner = _solve(factor, t, b, left=False, lower=False)
    inner = _solve(factor, inner, b, left=True, lower=False, how="ADJOINT")
    return [_matmul(_half_diagonal(inner, False, b), factor, b)]


@vjp("cholesky")
def _cholesky_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,), lower = cotangents, value_of(op, "lower")
    assert c is not None
    factor = _triangle(op.results[0], lower, b)
    conjugate = _conjugate(factor, b)
    if lower:  # of L phi(L^-1 dA L^-H)
        inner = _half_diagonal(_matmul(factor, c, b, (0, 0)), True, b)
        inner = _solve(factor, inner, b, left=True, lower=True, how="TRANSPOSE")
        return [_solve(conjugate, inner, b, left=False, lower=True)]
    inner = _half_diagonal(_matmul(c, factor, b, (1, 1)), False, b)
    inner = _solve(conjugate, inner, b, left=True, lower=False)
    return [_solve(factor, inner, b, left=False, lower=False, how="TRANSPOSE")]


# --- triangular_solve ------------------------------------------------------------------------------------------------


class _System:
    """op(A) X = B, or X op(A) = B."""

    def __init__(self, op: ir.Operation, b: Emitter) -> None:
        self.b, (self.a, _), self.x = b, op.operands, op.results[0]
        self.left, self.lower, self.unit, how = (
            value_of(op, name) for name in ("left_side", "lower", "unit_diagonal", "transpose_a")
        )
        self.how = "TRANSPOSE" if how == "ADJOINT" and b.info(self.a).kind != "c" else how

    def solve(self, right: ir.Value) -> ir.Value:
        """The X of another right-hand side."""
        return _solve(self.a, right, self.b, left=self.left, lower=self.lower, unit=self.unit, how=self.how)

    def solve_transposed(self, right: ir.Value) -> ir.Value:
        """The same with the transpose of op(A), not conjugated."""
        how = {"NO_TRANSPOSE": "TRANSPOSE"}.get(self.how, "NO_TRANSPOSE")
        a = _conjugate(self.a, self.b) if self.how == "ADJOINT" else self.a
        return _solve(a, right, self.b, left=self.left, lower=self.lower, unit=self.unit, how=how)

    def masked(self, t: ir.Value) -> ir.Value:
        """The part of a tangent or cotangent of A that is read."""
        return _triangle(t, self.lower, self.b, strict=self.unit)

    def of_matrix(self, t: ir.Value) -> ir.Value:
        """op(dA) X, or X op(dA)."""
        b, t = self.b, self.masked(t)
        side = 0 if self.how == "NO_TRANSPOSE" else 1
        t = _conjugate(t, b) if self.how == "ADJOINT" else t
        return _matmul(t, self.x, b, (1 - side, 0)) if self.left else _matmul(self.x, t, b, (1, side))

    def cotangent_of_matrix(self, of_b: ir.Value) -> ir.Value:
        """From the cotangent of B: minus its product with X, as op says."""
        b = self.b
        if self.left:  # op(A)' = -B' X^T
            pair = (of_b, self.x) if self.how == "NO_TRANSPOSE" else (self.x, of_b)
            product = _matmul(*pair, b, (1, 1))
        else:  # op(A)' = -X^T B'
            pair = (self.x, of_b) if self.how == "NO_TRANSPOSE" else (of_b, self.x)
            product = _matmul(*pair, b, (0, 0))
        product = _conjugate(product, b) if self.how == "ADJOINT" else product
        return b.f("negate", self.masked(product))


@jvp("triangular_solve")
def _triangular_solve_jvp(op: ir.Operation, tangents: Values, b: Emitter) -> Values:
    """op(A) dX = dB - op(dA) X."""
    system = _System(op, b)
    right = tangents[1]
    if tangents[0] is not None:
        moved = system.of_matrix(tangents[0])
        right = b.f("negate", moved) if right is None else b.f("subtract", right, moved)
    return [None if right is None else system.solve(right)]


@vjp("triangular_solve")
def _triangular_solve_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    (c,) = cotangents
    assert c is not None
    system = _System(op, b)
    of_b = system.solve_transposed(c)
    return [system.cotangent_of_matrix(of_b) if needs[0] else None, of_b if needs[1] else None]


# --- fft -------------------------------------------------------------------------------------------------------------

linear("fft")


@vjp("fft")
def _fft_vjp(op: ir.Operation, cotangents: Values, needs: Sequence[bool], b: Emitter) -> Values:
    """FFT and IFFT are symmetric; the real ones are each other's transposes but for weights.

    The half that RFFT gives and IRFFT takes stands for both halves, except for what has no mirror image: frequency 0,
    and the highest one of an even length.  Re F c, for a half c, is the IRFFT of conj(c), weighted.
    """
    (c,) = cotangents
    assert c is not None
    kind, length = value_of(op, "fft_type"), int_list(op, "fft_length")
    if kind in ("FFT", "IFFT"):
        return [b.copy(op, (c,), c.type)]
    type, size = op.operands[0].type, math.prod(length)
    half = b.info(c if kind == "RFFT" else op.operands[0])
    weights = np.full(half.shape[-1], 0.5 * size if kind == "RFFT" else 2 / size)
    alone = [0, -1] if length[-1] % 2 == 0 else [0]
    weights[alone] = size if kind == "RFFT" else 1 / size
    row = b.constant(weights, b.type((len(weights),), half.element))
    row = b.broadcast(row, half.shape, (half.rank - 1,))
    if kind == "RFFT":
        weighted = _conjugate(b.f("multiply", c, row), b)
        return [b.build("fft", (weighted,), type, fft_type="IRFFT", fft_length=length)]
    found = b.build("fft", (c,), type, fft_type="RFFT", fft_length=length)
    return [_conjugate(b.f("multiply", found, row), b)]
