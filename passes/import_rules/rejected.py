"""What is refused by name, why, and what to do instead."""

from __future__ import annotations

from astra_mlir.passes.import_rules.core import REJECTED

_COMMUNICATION = "use all_reduce, all_gather and their like, which wait for what they send"
_HOST_TRANSFER = "transfers between host and device inside a program are not supported; use arguments and results"
_QUANTIZED = "quantized types are not supported; run stablehlo-legalize-quant-to-math first"

REJECTED.update(
    {
        **dict.fromkeys(
            ("stablehlo.async_done", "stablehlo.async_start", "stablehlo.cross-replica-sum"), _COMMUNICATION
        ),
        **dict.fromkeys(
            ("stablehlo.send", "stablehlo.recv", "stablehlo.infeed", "stablehlo.outfeed"), _HOST_TRANSFER
        ),
        **dict.fromkeys(("stablehlo.uniform_quantize", "stablehlo.uniform_dequantize"), _QUANTIZED),
    }
)  # fmt: skip

# Types refused wherever they appear in a signature: how they begin -> why.
REJECTED_TYPES = {
    "!quant.": _QUANTIZED,
    "tuple<": "tuples in signatures are not supported; give the function one argument and one result an element",
    "tensor<*": "tensors of unknown rank are not supported; give every tensor a rank",
}
