"""Import of transformations and of calls with rules of their own, which StableHLO writes as custom calls ``@astra.*``.

The functions are ``called_computations``; ``backend_config`` has the other attributes, and in ``symbols`` for each
function the attribute that names it::

    stablehlo.custom_call @astra.custom_jvp(%x) {api_version = 4 : i32, called_computations = [@f, @f_jvp],
        backend_config = {symbols = ["callee", "jvp"]}} : (tensor<f32>) -> tensor<f32>
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects import OPS, elements
from astra_mlir.dialects.core import Attr
from astra_mlir.dialects.transforms import CUSTOM_CALLS, TRANSFORMATIONS
from astra_mlir.passes.import_rules.core import Importer, attribute, refuse

__all__ = ["PREFIX", "from_custom_call"]

PREFIX = "astra."

_OPERATIONS = (*TRANSFORMATIONS, *CUSTOM_CALLS, "astra.stop_gradient", "astra.tile_call")


def from_custom_call(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    """The operation that a custom call whose target begins with :data:`PREFIX` stands for."""
    target = op.attributes["call_target_name"].value
    if target not in _OPERATIONS:
        refuse(op, f"'{target}' is none of the operations that custom calls stand for ({', '.join(_OPERATIONS)})")
    config = attribute(op, "backend_config")
    if not isinstance(config, ir.DictAttr):
        refuse(op, f"the backend_config of @{target} must be a dictionary of attributes, but is {config}")
    given = {config[i].name: config[i].attr for i in range(len(config))}
    attributes = _symbols(op, target, given.pop("symbols", None))
    for name, value in given.items():
        attributes[name] = _converted(op, target, name, value)
    for name in OPS[target].attributes:
        if name not in attributes:
            refuse(op, f"the backend_config of @{target} lacks '{name}'")
    name = target.removeprefix(PREFIX)
    return b.op(name, list(op.operands), [result.type for result in op.results], **attributes).results


def _symbols(op: ir.Operation, target: str, names: ir.Attribute | None) -> dict[str, ir.Attribute]:
    """The functions by the attribute that is to name them."""
    functions = attribute(op, "called_computations")
    functions = [] if functions is None else list(functions)
    strings = isinstance(names, ir.ArrayAttr) and all(isinstance(name, ir.StringAttr) for name in names)
    if names is not None and not strings:
        refuse(op, f"'symbols' in the backend_config of @{target} must be an array of strings, but is {names}")
    attributes = [] if names is None else [name.value for name in names]
    if len(attributes) != len(functions):
        refuse(
            op,
            f"@{target} has {len(functions)} called_computations, but 'symbols' in its backend_config names "
            f"{len(attributes)}",
        )
    for name in attributes:
        if OPS[target].kind_of(name) is not Attr.SYMBOL:
            refuse(op, f"'symbols' in the backend_config of @{target} has '{name}', which is no function of it")
    return dict(zip(attributes, functions, strict=True))


def _converted(op: ir.Operation, target: str, name: str, value: ir.Attribute) -> ir.Attribute:
    """An attribute of the dictionary as the operation has it."""
    kind = OPS[target].kind_of(name)
    if kind is None or kind is Attr.SYMBOL:
        refuse(op, f"the backend_config of @{target} has '{name}', which is no attribute of it")
    if kind is Attr.I64_ARRAY:
        integers = _integers(value)
        value = value if integers is None else ir.DenseI64ArrayAttr.get(integers)
    if not isinstance(value, _CLASSES[kind]):
        refuse(op, f"'{name}' in the backend_config of @{target} must be {kind.value}, but is {value}")
    return value


_CLASSES = {Attr.I64: ir.IntegerAttr, Attr.I64_ARRAY: ir.DenseI64ArrayAttr, Attr.STRING: ir.StringAttr}


def _integers(value: ir.Attribute) -> list[int] | None:
    """The integers of an array in any of its spellings: a portable artifact brings dense arrays back as tensors."""
    if isinstance(value, ir.DenseIntElementsAttr):
        return [int(x) for x in elements.to_numpy(value).reshape(-1)]
    if isinstance(value, ir.ArrayAttr) and all(isinstance(x, ir.IntegerAttr) for x in value):
        return [x.value for x in value]
    return None
