"""Programs with malformed or unknown operations are refused when they are read, before any pass sees them."""

from __future__ import annotations

import pytest

from astra_mlir.bindings import make_context
from astra_mlir.errors import InvalidProgramError
from astra_mlir.program import Program


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ('"astra.add"(%a) : (tensor<4xf32>) -> tensor<4xf32>', r"-:2:6: \'astra.add\' op expects 2 operands"),
        ('"astra.negate"(%a) : (tensor<4xf32>) -> tensor<5xf32>', "result must have the type of operand 'operand'"),
        ('"astra.frobnicate"(%a) : (tensor<4xf32>) -> tensor<4xf32>', "not an operation of the Astra dialect"),
        ('"other.operation"(%a) : (tensor<4xf32>) -> tensor<4xf32>', "'other.operation' is not a registered operation"),
        ('"stablehlo.negate"(%a) : (tensor<4xf32>) -> tensor<5xf32>', "not a well-formed program"),
    ],
)
def test_refused_with_place_and_reason(operation: str, message: str) -> None:
    text = f"func.func @main(%a: tensor<4xf32>) {{\n%0 = {operation}\nreturn\n}}"
    with pytest.raises(InvalidProgramError, match=message):
        Program(text.encode()).parse(make_context())
