"""Linear algebra and Fourier transforms of the Astra dialect."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

TRANSPOSES = ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT")
FFT_TYPES = ("FFT", "IFFT", "RFFT", "IRFFT")

define("cholesky", family="linear algebra", operands=("a",), attributes={"lower": Attr.BOOL})
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
)
define(
    "fft",
    family="linear algebra",
    operands=("operand",),
    attributes={"fft_type": Attr.STRING, "fft_length": Attr.I64_ARRAY},
)
