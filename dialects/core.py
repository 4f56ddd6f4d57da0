"""How an Astra operation is defined: one class with a declaration, a docstring and a verifier.

The bindings cannot define operations with custom assembly, optional attributes or a variable number of regions, so
an operation here is *declared* (name, operands, attributes, regions) and this module turns the declarations into an
IRDL dialect, loads it into a context and attaches verifiers and traits.  Assembly is MLIR's generic form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from astra_mlir.bindings import ir, irdl
from astra_mlir.errors import VerificationError

__all__ = ["Attr", "OPS", "OpDef", "build", "define", "int_list", "load_dialect", "require", "to_attribute", "value_of"]


class Attr(Enum):
    """Kinds of attribute, each with the Python value that ``value_of`` gives back."""

    I64 = "integer"  # int
    I64_ARRAY = "array of i64"  # tuple[int, ...]
    STRING = "string"  # str
    BOOL = "bool"  # bool
    BOOL_ARRAY = "array of i1"  # tuple[bool, ...]
    F64 = "float"  # float
    TYPE = "type"  # ir.Type
    SYMBOL = "symbol"  # str
    ELEMENTS = "elements"  # ir.Attribute
    ANY = "any"  # ir.Attribute


@dataclass(frozen=True)
class OpDef:
    """One operation of the dialect, as declared by :func:`define`."""

    name: str  # with the "astra." prefix
    family: str
    operands: tuple[str, ...]  # a name starting with "*" is variadic; at most the last one
    results: tuple[str, ...]
    attributes: dict[str, Attr]
    optional_attributes: dict[str, Attr]
    regions: int
    pure: bool
    terminator: bool
    doc: str
    verify: Callable[[ir.Operation], None] | None = field(compare=False)


OPS: dict[str, OpDef] = {}


def define(
    name: str,
    *,
    family: str,
    operands: Sequence[str] = (),
    results: Sequence[str] = ("result",),
    attributes: dict[str, Attr] | None = None,
    optional_attributes: dict[str, Attr] | None = None,
    regions: int = 0,
    pure: bool = True,
    terminator: bool = False,
    doc: str = "",
    verify: Callable[[ir.Operation], None] | None = None,
) -> OpDef:
    """Declare ``astra.<name>``.

    ``verify(op)`` raises :class:`~astra_mlir.errors.VerificationError` (see :func:`require`) naming the broken
    constraint; operand, attribute and region counts and attribute kinds are checked before it runs.
    """
    full_name = f"astra.{name}"
    if full_name in OPS:
        raise ValueError(f"{full_name} is declared twice")
    definition = OpDef(
        full_name, family, tuple(operands), tuple(results), attributes or {}, optional_attributes or {}, regions, pure,
        terminator, doc, verify,
    )  # fmt: skip
    OPS[full_name] = definition
    return definition


def require(condition: bool, message: str) -> None:
    """Raise :class:`VerificationError` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise VerificationError(message)


# --- attributes --------------------------------------------------------------------------------------------------


def to_attribute(value: Any) -> ir.Attribute:
    """The attribute for a Python value: bool, int, float, str, Type, Attribute, or a sequence of bools or ints."""
    if isinstance(value, ir.Attribute):
        return value
    if isinstance(value, bool):
        return ir.BoolAttr.get(value)
    if isinstance(value, int):
        return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)
    if isinstance(value, float):
        return ir.FloatAttr.get(ir.F64Type.get(), value)
    if isinstance(value, str):
        return ir.StringAttr.get(value)
    if isinstance(value, ir.Type):
        return ir.TypeAttr.get(value)
    values = list(value)
    if values and all(isinstance(v, bool) for v in values):
        return ir.DenseBoolArrayAttr.get(values)
    return ir.DenseI64ArrayAttr.get([int(v) for v in values])


_PYTHON_VALUE: dict[Attr, tuple[type, Callable[[Any], Any]]] = {
    Attr.I64: (ir.IntegerAttr, lambda a: a.value),
    Attr.I64_ARRAY: (ir.DenseI64ArrayAttr, tuple),
    Attr.STRING: (ir.StringAttr, lambda a: a.value),
    Attr.BOOL: (ir.BoolAttr, lambda a: a.value),
    Attr.BOOL_ARRAY: (ir.DenseBoolArrayAttr, tuple),
    Attr.F64: (ir.FloatAttr, lambda a: a.value),
    Attr.TYPE: (ir.TypeAttr, lambda a: a.value),
    Attr.SYMBOL: (ir.FlatSymbolRefAttr, lambda a: a.value),
    Attr.ELEMENTS: (ir.Attribute, lambda a: a),
    Attr.ANY: (ir.Attribute, lambda a: a),
}


def value_of(op: ir.Operation, name: str, default: Any = None) -> Any:
    """The Python value of a declared attribute of an Astra operation (``default`` where an optional one is absent)."""
    attributes = op.attributes
    if name not in attributes:
        return default
    definition = OPS[op.name]
    kind = definition.attributes.get(name) or definition.optional_attributes[name]
    return _PYTHON_VALUE[kind][1](attributes[name])


def int_list(op: ir.Operation, name: str) -> list[int]:
    """An integer-array attribute as a list (empty where absent)."""
    return list(value_of(op, name, ()))


# --- building ----------------------------------------------------------------------------------------------------


def build(
    name: str,
    operands: Sequence[ir.Value],
    results: Sequence[ir.Type],
    *,
    regions: int | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
    **attributes: Any,
) -> ir.Operation:
    """Create ``astra.<name>`` at the insertion point; attributes are Python values (``None`` leaves one out)."""
    full_name = f"astra.{name}"
    return ir.Operation.create(
        full_name,
        results=list(results),
        operands=list(operands),
        attributes={key: to_attribute(value) for key, value in attributes.items() if value is not None},
        regions=OPS[full_name].regions if regions is None else regions,
        loc=loc,
        ip=ip,
    )


# --- loading -----------------------------------------------------------------------------------------------------


def _irdl_text() -> str:
    lines = ["irdl.dialect @astra {"]
    for definition in OPS.values():
        lines.append(f"  irdl.operation @{definition.name.removeprefix('astra.')} {{")
        lines.append("    %any = irdl.any")
        for group, names in (("operands", definition.operands), ("results", definition.results)):
            if names:
                fields = ", ".join(
                    f"{n[1:]}: variadic %any" if n.startswith("*") else f"{n}: %any" for n in names
                )
                lines.append(f"    irdl.{group}({fields})")
        if definition.regions:
            for i in range(definition.regions):
                lines.append(f"    %region{i} = irdl.region")
            lines.append(
                "    irdl.regions(" + ", ".join(f"region{i}: %region{i}" for i in range(definition.regions)) + ")"
            )
        lines.append("  }")
    lines.append("}")
    return "\n".join(lines)


def _check_attributes(op: ir.Operation, definition: OpDef) -> None:
    attributes = op.attributes
    for name, kind in definition.attributes.items():
        require(name in attributes, f"requires attribute '{name}' ({kind.value})")
    for name, kind in (*definition.attributes.items(), *definition.optional_attributes.items()):
        if name in attributes:
            expected = _PYTHON_VALUE[kind][0]
            require(isinstance(attributes[name], expected), f"attribute '{name}' must be {kind.value}")


def _verifier(definition: OpDef) -> type:
    def verify(op: ir.OpView | ir.Operation) -> bool:
        operation = op.operation
        try:
            _check_attributes(operation, definition)
            if definition.verify is not None:
                definition.verify(operation)
        except VerificationError as error:
            operation.location.emit_error(f"'{definition.name}' op {error}")
            return False
        return True

    return type(definition.name, (), {"verify_region_invariants" if definition.regions else "verify_invariants": staticmethod(verify)})


class _NoMemoryEffect(ir.MemoryEffectsOpInterface):
    @staticmethod
    def get_effects(op: ir.Operation, effects: Any) -> None:
        del op, effects


class _AlwaysSpeculatable(ir.ConditionallySpeculatable):
    @staticmethod
    def get_speculatability(op: ir.Operation) -> ir.Speculatability:
        del op
        return ir.Speculatability.Speculatable


def load_dialect() -> None:
    """Load the Astra dialect into the current context (once per context)."""
    irdl.load_dialects(ir.Module.parse(_irdl_text()))
    for definition in OPS.values():
        ir.DynamicOpTrait.attach(definition.name, _verifier(definition))
        if definition.terminator:
            ir.IsTerminatorTrait.attach(definition.name)
        if definition.pure:
            _NoMemoryEffect.attach(definition.name)
            _AlwaysSpeculatable.attach(definition.name)
