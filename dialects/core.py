"""How an Astra operation is defined: one declaration with a docstring and a verifier; the dialect's building blocks.

The bindings can define operations only through IRDL, which forces all operands of a variadic group to have one type:
useless for loops, terminators and concatenations.  So Astra operations stay unregistered as far as MLIR's C++ side goes
(generic assembly, builtin attributes), are *declared* here, and are verified by :func:`verify`, which every boundary
calls: parsing, import, and after each Astra pass.  MLIR's own passes treat them as opaque: they never remove, merge or
move them, and ``symbol-dce`` refuses programs in which they have regions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.errors import VerificationError

__all__ = [
    "OPS",
    "Attr",
    "OpDef",
    "build",
    "define",
    "int_list",
    "load_dialect",
    "require",
    "to_attribute",
    "value_of",
    "verification_errors",
    "verify",
]  # fmt: skip


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

    def kind_of(self, attribute: str) -> Attr | None:
        """The declared kind of an attribute, required or optional; ``None`` for an undeclared one."""
        return self.attributes.get(attribute) or self.optional_attributes.get(attribute)


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


_FROM_PYTHON: dict[Attr, Callable[[Any], ir.Attribute]] = {
    Attr.I64: lambda v: ir.IntegerAttr.get(ir.IntegerType.get_signless(64), int(v)),
    Attr.I64_ARRAY: lambda v: ir.DenseI64ArrayAttr.get([int(x) for x in v]),
    Attr.STRING: ir.StringAttr.get,
    Attr.BOOL: lambda v: ir.BoolAttr.get(bool(v)),
    Attr.BOOL_ARRAY: lambda v: ir.DenseBoolArrayAttr.get([bool(x) for x in v]),
    Attr.F64: lambda v: ir.FloatAttr.get(ir.F64Type.get(), float(v)),
    Attr.TYPE: ir.TypeAttr.get,
    Attr.SYMBOL: ir.FlatSymbolRefAttr.get,
}


def _attribute(kind: Attr | None, value: Any) -> ir.Attribute:
    if isinstance(value, ir.Attribute):
        return value
    return _FROM_PYTHON.get(kind, to_attribute)(value) if kind else to_attribute(value)


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
    kind = OPS[op.name].kind_of(name)
    if kind is None:
        raise KeyError(f"{op.name} has no attribute '{name}'")
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
    definition = OPS[full_name]
    return ir.Operation.create(
        full_name,
        results=list(results),
        operands=list(operands),
        attributes={
            key: _attribute(definition.kind_of(key), value) for key, value in attributes.items() if value is not None
        },
        regions=definition.regions if regions is None else regions,
        loc=loc,
        ip=ip,
    )


# --- verifying and loading ---------------------------------------------------------------------------------------


def _check_count(what: str, names: tuple[str, ...], count: int) -> None:
    variadic = bool(names) and names[-1].startswith("*")
    least = len(names) - variadic
    if count < least or (count > least and not variadic):
        raise VerificationError(f"expects {'at least ' if variadic else ''}{least} {what}, but has {count}")


def _check_region(definition: OpDef, index: int, region: ir.Region) -> None:
    blocks = list(region.blocks)
    require(len(blocks) <= 1, f"region {index} must have at most one block, but has {len(blocks)}")
    if blocks:
        operations = list(blocks[0].operations)
        require(
            bool(operations) and operations[-1].operation.name == "astra.yield",
            f"region {index} must end with 'astra.yield'",
        )


def _check_declaration(op: ir.Operation, definition: OpDef) -> None:
    _check_count("operands", definition.operands, len(op.operands))
    _check_count("results", definition.results, len(op.results))
    regions = op.regions
    require(len(regions) == definition.regions, f"expects {definition.regions} regions, but has {len(regions)}")
    for index in range(definition.regions):
        _check_region(definition, index, regions[index])
    attributes = op.attributes
    for name, kind in definition.attributes.items():
        require(name in attributes, f"requires attribute '{name}' ({kind.value})")
        require(isinstance(attributes[name], _PYTHON_VALUE[kind][0]), f"attribute '{name}' must be {kind.value}")
    for name, kind in definition.optional_attributes.items():
        if name in attributes:
            require(isinstance(attributes[name], _PYTHON_VALUE[kind][0]), f"attribute '{name}' must be {kind.value}")


def _verify_one(op: ir.Operation) -> str | None:
    """What is wrong with one Astra operation itself, if anything."""
    definition = OPS.get(op.name)
    if definition is None:
        return f"'{op.name}' is not an operation of the Astra dialect"
    try:
        _check_declaration(op, definition)
        if definition.verify is not None:
            definition.verify(op)
    except VerificationError as error:
        return f"'{definition.name}' op {error}"
    return None


def verification_errors(root: ir.Operation | ir.Module) -> Iterator[tuple[ir.Operation, str]]:
    """Every malformed Astra operation in ``root`` (in order, nested ones before their parents) with what is wrong."""
    for op in _post_order(root.operation):
        if op.name.startswith("astra."):
            message = _verify_one(op)
            if message is not None:
                yield op, message


def _post_order(op: ir.Operation) -> Iterator[ir.Operation]:
    for region in op.regions:
        for block in region.blocks:
            for child in block.operations:
                yield from _post_order(child.operation)
    yield op


def verify(root: ir.Operation | ir.Module) -> None:
    """Raise :class:`VerificationError`, with the place in the source, for the first malformed Astra operation."""
    for op, message in verification_errors(root):
        raise VerificationError(f"{op.location}: {message}")


def load_dialect() -> None:
    """Let the current context take Astra operations."""
    ir.Context.current.allow_unregistered_dialects = True
