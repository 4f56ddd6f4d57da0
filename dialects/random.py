"""Random number operations of the Astra dialect."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    operands,
    require_choice,
    require_element,
    require_index_vector,
    require_same_element,
    require_same_shape,
    require_scalar,
    results,
    single_result,
)
from astra_mlir.dialects.core import Attr, define
from astra_mlir.errors import VerificationError

__all__ = ["ALGORITHMS", "DISTRIBUTIONS"]

DISTRIBUTIONS = ("UNIFORM", "NORMAL")
ALGORITHMS = ("DEFAULT", "THREE_FRY", "PHILOX")

_STATE_SIZES = {"THREE_FRY": (2,), "PHILOX": (2, 3)}


# --- verifiers ---------------------------------------------------------------------------------------------------


def _verify_rng(op: ir.Operation) -> None:
    (a, b, shape), result = operands(op), single_result(op)
    normal = require_choice(op, "distribution", DISTRIBUTIONS) == "NORMAL"
    require_element(a, "f" if normal else "bif")
    for value in (a, b):
        require_scalar(value)
        require_same_element(a, value, "C1")
    require_same_element(a, result, "C1")
    require_index_vector(shape, result.rank, "each dimension of the result")


def _verify_rng_bit_generator(op: ir.Operation) -> None:
    (state,), (output_state, output) = operands(op), results(op)
    sizes = _STATE_SIZES.get(require_choice(op, "algorithm", ALGORITHMS))
    require_element(state, "i")
    require_element(output, "if")
    require_same_element(state, output_state, "C1")
    require_same_shape(state, output_state, "C1")
    if state.rank != 1 or (sizes is not None and state.shape[0] >= 0 and state.shape[0] not in sizes):
        allowed = " or ".join(map(str, sizes)) if sizes else "some"
        raise VerificationError(f"{state.what} must be a vector of {allowed} integers, but is {state.type} (C2)")


# --- declarations ------------------------------------------------------------------------------------------------

# Not pure: two calls with equal operands give different numbers, so they must not be merged.
define(
    "rng",
    family="random",
    operands=("a", "b", "shape"),
    attributes={"distribution": Attr.STRING},
    pure=False,
    doc="""Random numbers from a hidden state.

```mlir
%result = "astra.rng"(%a, %b, %shape) {distribution = "UNIFORM"}
    : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<3x4xf32>
```

UNIFORM numbers are in the interval [a, b), NORMAL ones have mean `a` and standard deviation `b`. `shape` is the
result's.
""",
    verify=_verify_rng,
)
define(
    "rng_bit_generator",
    family="random",
    operands=("initial_state",),
    results=("output_state", "output"),
    attributes={"algorithm": Attr.STRING},
    doc="""Uniform random bits from a given state, and the next state.

```mlir
%output_state, %output = "astra.rng_bit_generator"(%initial_state) {algorithm = "THREE_FRY"}
    : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4x8xui32>)
```

`algorithm` is THREE_FRY (state of 2 integers), PHILOX (2 or 3) or DEFAULT. The same state gives the same bits.
""",
    verify=_verify_rng_bit_generator,
)
