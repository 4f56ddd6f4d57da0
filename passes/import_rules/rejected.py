"""What is refused by name, why, and what to do instead."""

from __future__ import annotations

from astra_mlir.passes.import_rules.core import REJECTED

_COMMUNICATION = (
    "communication between devices is not supported; compile the program for one device (without sharding or pmap)"
)
_HOST_TRANSFER = "transfers between host and device inside a program are not supported; use arguments and results"
_QUANTIZED = "quantized types are not supported; run stablehlo-legalize-quant-to-math first"

REJECTED.update(
    {
        **dict.fromkeys(
            (
                "stablehlo.all_gather", "stablehlo.all_reduce", "stablehlo.all_to_all", "stablehlo.async_done",
                "stablehlo.async_start", "stablehlo.collective_broadcast", "stablehlo.collective_permute",
                "stablehlo.cross-replica-sum", "stablehlo.partition_id", "stablehlo.reduce_scatter",
                "stablehlo.replica_id",
            ),
            _COMMUNICATION,
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
