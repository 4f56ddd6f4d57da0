"""Operations of the Astra dialect that make, move or re-arrange elements without computing on them."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

define("constant", family="shape", attributes={"value": Attr.ELEMENTS})
define("iota", family="shape", operands=("*dynamic_shape",), attributes={"dimension": Attr.I64})
define(
    "broadcast",
    family="shape",
    operands=("operand", "*dynamic_shape"),
    attributes={"dimensions": Attr.I64_ARRAY},
)
define("reshape", family="shape", operands=("operand", "*dynamic_shape"))
define("transpose", family="shape", operands=("operand",), attributes={"permutation": Attr.I64_ARRAY})
define(
    "slice",
    family="shape",
    operands=("operand", "*dynamic"),
    optional_attributes={
        "start_indices": Attr.I64_ARRAY,
        "limit_indices": Attr.I64_ARRAY,
        "strides": Attr.I64_ARRAY,
    },
)
define(
    "pad",
    family="shape",
    operands=("operand", "padding_value", "*dynamic"),
    optional_attributes={"low": Attr.I64_ARRAY, "high": Attr.I64_ARRAY, "interior": Attr.I64_ARRAY},
)
define("concatenate", family="shape", operands=("*operands",), attributes={"dimension": Attr.I64})
define("reverse", family="shape", operands=("operand",), attributes={"dimensions": Attr.I64_ARRAY})
define("get_dimension_size", family="shape", operands=("operand",), attributes={"dimension": Attr.I64})
define("set_dimension_size", family="shape", operands=("operand", "size"), attributes={"dimension": Attr.I64})
