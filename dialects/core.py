"""How an Astra operation is defined: one declaration with a docstring and a verifier; the dialect's building blocks.

The bindings can define operations only through IRDL, which forces all operands of a variadic group to have one type:
useless for loops, terminators and concatenations.  So Astra operations stay unregistered as far as MLIR's C++ side goes
(generic assembly, builtin attributes), are *declared* here, and are verified by :func:`verify`, which every boundary
calls: parsing, import, and after each Astra pass.  MLIR's own passes treat them as opaque: they never remove, merge or
move them, and ``symbol-dce`` refuses programs in which they have regions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.errors import VerificationError, source_place

__all__ = [
    "OPS",
    "Attr",
    "OpBuilder",
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


class OpBuilder:
    """Creates operations of any dialect at an insertion point, without the typed builders' cost."""

    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        self.ip = ip
        self.loc = loc

    def op(
        self,
        name: str,
        operands: Sequence[ir.Value] = (),
        results: Sequence[ir.Type] = (),
        attributes: dict[str, ir.Attribute] | None = None,
        regions: int = 0,
    ) -> ir.Operation:
        """Create any operation here."""
        return ir.Operation.create(
            name, results=results, operands=operands, attributes=attributes or {}, regions=regions, loc=self.loc,
            ip=self.ip,
        )  # fmt: skip


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


def _check_region(index: int, region: ir.Region) -> None:
    blocks = list(region.blocks)
    require(len(blocks) <= 1, f"region {index} must have at most one block, but has {len(blocks)}")
    if blocks:
        operations = list(blocks[0].operations)
        names = [operation.operation.name for operation in operations]
        require(bool(names) and names[-1] == "astra.yield", f"region {index} must end with 'astra.yield'")
        require("astra.yield" not in names[:-1], f"region {index} has an 'astra.yield' before its end")
        _check_order(blocks[0])


def _check_order(block: ir.Block) -> None:
    """Operations must not use what comes after them (in opaque operations' regions MLIR itself does not check)."""
    position = {operation.operation: i for i, operation in enumerate(block.operations)}

    def check(op: ir.Operation, i: int) -> None:
        for number, operand in enumerate(op.operands):
            if position.get(operand.owner, -1) >= i:
                raise VerificationError(f"has in its region a '{op.name}' that uses its operand {number} too early")
        for region in op.regions:
            for inner in region.blocks:
                for operation in inner.operations:
                    check(operation.operation, i)

    for op, i in position.items():
        check(op, i)


def _check_declaration(op: ir.Operation, definition: OpDef) -> None:
    """The counts of operands, results and regions, and the kinds of the attributes."""
    _check_count("operands", definition.operands, len(op.operands))
    _check_count("results", definition.results, len(op.results))
    regions = op.regions
    if len(regions) != definition.regions:
        raise VerificationError(f"expects {definition.regions} regions, but has {len(regions)}")
    for index in range(definition.regions):
        _check_region(index, regions[index])
    if definition.attributes or definition.optional_attributes:
        attributes = op.attributes
        for name, kind in definition.attributes.items():
            if name not in attributes:
                raise VerificationError(f"requires attribute '{name}' ({kind.value})")
            if not isinstance(attributes[name], _PYTHON_VALUE[kind][0]):
                raise VerificationError(f"attribute '{name}' must be {kind.value}, but is {attributes[name]}")
        for name, kind in definition.optional_attributes.items():
            if name in attributes and not isinstance(attributes[name], _PYTHON_VALUE[kind][0]):
                raise VerificationError(f"attribute '{name}' must be {kind.value}, but is {attributes[name]}")


def _error_of(op: ir.Operation, name: str) -> str | None:
    """What is wrong with one Astra operation itself, if anything."""
    definition = OPS.get(name)
    if definition is None:
        return f"'{name}' is not an operation of the Astra dialect"
    try:
        _check_declaration(op, definition)
        if definition.terminator:
            parent = op.parent
            if parent is None or not parent.name.startswith("astra."):
                return f"'{name}' op must end a region of an Astra operation"
        if definition.verify is not None:
            definition.verify(op)
    except VerificationError as error:
        return f"'{name}' op {error}"
    return None


class _Walk:
    """A walk over all operations, nested ones before their parents, that collects what is wrong with each."""

    def __init__(self, context: ir.Context, first_only: bool, allow_unregistered: bool) -> None:
        self.context = context
        self.first_only = first_only
        self.allow_unregistered = allow_unregistered
        self.errors: list[tuple[ir.Operation, str]] = []
        self.operations = 0  # Astra operations seen
        self._registered: dict[str, bool] = {}

    def run(self, root: ir.Operation | ir.Module) -> None:
        with self.context, ir.Location.unknown(self.context):  # verifiers make types
            self.visit(root.operation)

    def visit(self, op: ir.Operation | ir.OpView) -> None:
        for region in op.regions:
            for block in region.blocks:
                for child in block.operations:
                    self.visit(child)
                    if self.errors and self.first_only:
                        return
        name = op.name
        if not isinstance(name, str):  # an operation with an attribute called "name" (its Python class hides op.name)
            name = op.operation.name
        if name.startswith("astra."):
            self.operations += 1
            error = _error_of(op.operation, name)
        elif self.allow_unregistered or self._is_registered(name):
            return
        else:
            error = f"'{name}' is not a registered operation (its dialect is unknown, or has no such operation)"
        if error is not None:
            self.errors.append((op.operation, error))

    def _is_registered(self, name: str) -> bool:
        if name not in self._registered:
            self._registered[name] = self.context.is_registered_operation(name)
        return self._registered[name]


def verification_errors(
    root: ir.Operation | ir.Module, *, allow_unregistered: bool = False
) -> list[tuple[ir.Operation, str]]:
    """Every malformed Astra operation in ``root`` with what is wrong with it.

    Operations that no dialect defines are wrong too, unless ``allow_unregistered``.
    """
    walk = _Walk(root.context, first_only=False, allow_unregistered=allow_unregistered)
    walk.run(root)
    return walk.errors


def verify(root: ir.Operation | ir.Module, *, allow_unregistered: bool = True) -> int:
    """Check all Astra operations in ``root`` and return how many there are.

    Raises :class:`VerificationError`, with the place in the source, for the first one that is malformed (or that no
    dialect defines, unless ``allow_unregistered``).
    """
    walk = _Walk(root.context, first_only=True, allow_unregistered=allow_unregistered)
    walk.run(root)
    for op, message in walk.errors:
        raise VerificationError(f"{source_place(op.location)}: {message}")
    return walk.operations


def load_dialect() -> None:
    """Let the current context take Astra operations."""
    ir.Context.current.allow_unregistered_dialects = True
