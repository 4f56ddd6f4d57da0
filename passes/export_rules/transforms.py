"""Export of transformations and of calls with rules of their own as custom calls ``@astra.*``.

The form is that of ``passes/import_rules/transforms.py``, which reads it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS
from astra_mlir.dialects.core import Attr
from astra_mlir.dialects.transforms import CUSTOM_CALLS, TRANSFORMATIONS
from astra_mlir.passes.export_rules.core import Exporter, rule


@rule(*TRANSFORMATIONS, *CUSTOM_CALLS, "astra.stop_gradient")
def _to_custom_call(op: ir.Operation, b: Exporter) -> Sequence[ir.Value]:
    definition, attributes = OPS[op.name], op.attributes
    names = [name for name in (*definition.attributes, *definition.optional_attributes) if name in attributes]
    symbols = [name for name in names if definition.kind_of(name) is Attr.SYMBOL]
    config = {name: attributes[name] for name in names if name not in symbols}
    config["symbols"] = ir.ArrayAttr.get([ir.StringAttr.get(name) for name in symbols])
    return b.op(
        "custom_call",
        list(op.operands),
        [result.type for result in op.results],
        call_target_name=op.name,
        called_computations=ir.ArrayAttr.get([attributes[name] for name in symbols]) if symbols else None,
        backend_config=ir.DictAttr.get(config),
        api_version=ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 4),
    ).results
