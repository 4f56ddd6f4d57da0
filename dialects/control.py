"""Structured control flow of the Astra dialect, and the terminator of every region."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

define("if", family="control", operands=("predicate",), results=("*results",), regions=2)
define("while", family="control", operands=("*inits",), results=("*results",), regions=2)
define(
    "scan",
    family="control",
    operands=("*operands",),
    results=("*results",),
    attributes={"trip_count": Attr.I64, "num_carries": Attr.I64, "reverse": Attr.BOOL},
    regions=1,
)
define("yield", family="control", operands=("*values",), results=(), terminator=True)
