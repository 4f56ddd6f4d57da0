"""Linear algebra and Fourier transforms of the Astra dialect."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    Tensor,
    fits,
    operands,
    require_choice,
    require_element,
    require_same_element,
    require_same_shape,
    require_shape,
    shape_text,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["FFT_TYPES", "TRANSPOSES"]

TRANSPOSES = ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT")
FFT_TYPES = ("FFT", "IFFT", "RFFT", "IRFFT")


# --- verifiers ---------------------------------------------------------------------------------------------------


def _require_square(a: Tensor, rank: str, square: str) -> None:
    require_element(a, "fc")
    require(a.rank >= 2, f"{a.what} must have rank 2 or more, but is {a.type} ({rank})")
    require(fits(a.shape[-1], a.shape[-2]), f"{a.what} must be square matrices, but is {a.type} ({square})")


def _verify_cholesky(op: ir.Operation) -> None:
    (a,), result = operands(op), single_result(op)
    _require_square(a, "C2", "C3")
    require_same_element(a, result, "C1")
    require_same_shape(a, result, "C1")


def _verify_triangular_solve(op: ir.Operation) -> None:
    (a, b), result = operands(op), single_result(op)
    require_choice(op, "transpose_a", TRANSPOSES)
    _require_square(a, "C2", "C3")
    require_same_element(a, b, "C1")
    require(b.rank == a.rank, f"{b.what} must have rank {a.rank}, but is {b.type} (C2)")
    side = b.rank - (2 if value_of(op, "left_side") else 1)
    expected = [*a.shape[:-2], *b.shape[-2:]]
    expected[side] = a.shape[-1]
    require_shape(b, expected, f"as {a.type} requires", "C3")
    require_same_element(b, result, "C4")
    require_same_shape(b, result, "C4")


def _half(size: int) -> int:
    return size // 2 + 1 if size > 0 else size


def _verify_fft(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    fft_type, length = require_choice(op, "fft_type", FFT_TYPES), value_of(op, "fft_length")
    if not 1 <= len(length) <= 3:
        raise VerificationError(f"attribute 'fft_length' must have 1 to 3 values, but has {len(length)} (C3)")
    require(
        operand.rank >= len(length), f"{operand.what} must have rank {len(length)} or more, but is {operand.type} (C1)"
    )
    real = operand if fft_type == "RFFT" else result if fft_type == "IRFFT" else None
    require_element(operand, "f" if real is operand else "c")
    require_element(result, "f" if real is result else "c")
    parts = [t.element if t is real else t.element.element_type for t in (operand, result)]
    require(
        parts[0] == parts[1],
        f"result must have the precision of {operand.what}, {operand.type}, but is {result.type} (C2)",
    )
    if real is not None and not all(map(fits, real.shape[-len(length) :], length)):
        raise VerificationError(
            f"{real.what} must end in the dimensions of fft_length, {shape_text(length)}, but is {real.type} (C4)"
        )
    expected = list(operand.shape)
    if real is operand:
        expected[-1] = _half(expected[-1])
    elif real is result:
        require(
            fits(operand.shape[-1], _half(length[-1])),
            f"{operand.what} must have {_half(length[-1])} elements in its last dimension, but is {operand.type} (C5)",
        )
        expected[-1] = length[-1]
    require_shape(result, expected, f"that of the {fft_type} of {operand.type}", "C5")


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "cholesky",
    family="linear algebra",
    operands=("a",),
    attributes={"lower": Attr.BOOL},
    doc="""The Cholesky factor of symmetric (Hermitian) positive definite matrices.

```mlir
%result = "astra.cholesky"(%a) {lower = true} : (tensor<5x3x3xf32>) -> tensor<5x3x3xf32>
```

With `lower`, the lower triangle of each matrix is read and the lower triangular L with L L^H = a is given; else the
upper triangle and U with U^H U = a. The other triangle of the result is not defined. A matrix that is not positive
definite gives NaN.
""",
    verify=_verify_cholesky,
)
define(
    "triangular_solve",
    family="linear algebra",
    operands=("a", "b"),
    attributes={
        "left_side": Attr.BOOL,
        "lower": Attr.BOOL,
        "unit_diagonal": Attr.BOOL,
        "transpose_a": Attr.STRING,
    },
    doc="""Solve linear systems with triangular matrices.

```mlir
%result = "astra.triangular_solve"(%a, %b)
    {left_side = true, lower = true, unit_diagonal = false, transpose_a = "NO_TRANSPOSE"}
    : (tensor<3x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
```

The x with op(a) x = b, or x op(a) = b unless `left_side`, where op is nothing, the transpose or the adjoint. Only the
lower (else the upper) triangle of `a` is read, with `unit_diagonal` not even its diagonal, which counts as ones.
""",
    verify=_verify_triangular_solve,
)
define(
    "fft",
    family="linear algebra",
    operands=("operand",),
    attributes={"fft_type": Attr.STRING, "fft_length": Attr.I64_ARRAY},
    doc="""The discrete Fourier transform over the last one to three dimensions.

```mlir
%result = "astra.fft"(%operand) {fft_type = "RFFT", fft_length = array<i64: 8>}
    : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
```

FFT is the forward and IFFT the inverse transform (divided by the number of elements) of complex tensors. RFFT takes a
real tensor and gives the non-redundant half of the last dimension; IRFFT is its inverse. `fft_length` has the sizes of
the transformed dimensions.
""",
    verify=_verify_fft,
)
