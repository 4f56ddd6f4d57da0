"""Random number operations of the Astra dialect."""

from __future__ import annotations

from astra_mlir.dialects.core import Attr, define

DISTRIBUTIONS = ("UNIFORM", "NORMAL")
ALGORITHMS = ("DEFAULT", "THREE_FRY", "PHILOX")

# Not pure: two calls with equal operands give different numbers, so they must not be merged.
define("rng", family="random", operands=("a", "b", "shape"), attributes={"distribution": Attr.STRING}, pure=False)
define(
    "rng_bit_generator",
    family="random",
    operands=("initial_state",),
    results=("output_state", "output"),
    attributes={"algorithm": Attr.STRING},
)
