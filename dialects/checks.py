"""What the verifiers of the Astra dialect are written in: typed views of operands and results, and shape checks.

Every check raises :class:`VerificationError` with a message that names the operand or attribute, both shapes, and the
number of the constraint in the StableHLO specification, such as ``(C1)``, where the specification has one.  Sizes are
compared where both are static; a dynamic size (written ``?``) fits any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import OPS, require, value_of
from astra_mlir.errors import VerificationError

__all__ = [
    "DYNAMIC",
    "Tensor",
    "compatible_types",
    "element_class",
    "fits",
    "is_promotable",
    "num_windows",
    "operands",
    "require_choice",
    "require_dimension",
    "require_dimensions",
    "require_element",
    "require_index_vector",
    "require_region",
    "require_same_element",
    "require_same_shape",
    "require_scalar",
    "require_shape",
    "require_size",
    "results",
    "scalar_type",
    "shape_text",
    "single_result",
]

DYNAMIC: int = ir.ShapedType.get_dynamic_size()

_INTEGER_WIDTHS = (2, 4, 8, 16, 32, 64)
_FLOAT_WIDTHS = (4, 6, 8, 16, 32, 64)
CLASS_NAMES = {"b": "i1", "s": "signed integer", "i": "integer", "f": "floating-point", "c": "complex"}


class Tensor(NamedTuple):
    """An operand or result: how messages call it, its type, shape and element type."""

    what: str
    type: ir.RankedTensorType
    shape: list[int]
    element: ir.Type

    @property
    def rank(self) -> int:
        return len(self.shape)


# --- reading operands and results --------------------------------------------------------------------------------


def tensor(what: str, value_type: ir.Type) -> Tensor:
    """The view of a type, which must be a ranked tensor."""
    if not isinstance(value_type, ir.RankedTensorType):
        raise VerificationError(f"{what} must be a ranked tensor, but is {value_type}")
    return Tensor(what, value_type, value_type.shape, value_type.element_type)


def _name(names: tuple[str, ...], index: int, role: str) -> str:
    if index < len(names) and not names[index].startswith("*"):
        return f"{role} '{names[index]}'" if len(names) > 1 or role == "operand" else role
    return f"{role} {index}"


def operands(op: ir.Operation) -> list[Tensor]:
    """All operands, named as declared (those of a variadic group by their number)."""
    names = OPS[op.name].operands
    return [tensor(_name(names, i, "operand"), value.type) for i, value in enumerate(op.operands)]


def results(op: ir.Operation) -> list[Tensor]:
    """All results, named as declared."""
    names = OPS[op.name].results
    return [tensor(_name(names, i, "result"), value.type) for i, value in enumerate(op.results)]


def single_result(op: ir.Operation) -> Tensor:
    """The only result."""
    return tensor("result", op.result.type)


# --- element types -----------------------------------------------------------------------------------------------


def element_class(element: ir.Type) -> str:
    """``b`` (i1), ``s`` (signless, that is signed, integer), ``i`` (unsigned), ``f``, ``c``; ``""`` for all else."""
    if isinstance(element, ir.FloatType):
        return "f" if element.width in _FLOAT_WIDTHS else ""
    if isinstance(element, ir.IntegerType):
        if element.is_signless:
            return "s" if element.width in _INTEGER_WIDTHS else "b" if element.width == 1 else ""
        return "i" if element.is_unsigned and element.width in _INTEGER_WIDTHS else ""
    if isinstance(element, ir.ComplexType):
        part = element.element_type
        return "c" if isinstance(part, (ir.F32Type, ir.F64Type)) else ""
    return ""


def class_in(element: ir.Type, classes: str) -> bool:
    """Whether an element type is in one of the classes; ``i`` stands for signed and unsigned integers."""
    found = element_class(element)
    return found != "" and (found in classes or (found == "s" and "i" in classes))


def require_element(operand: Tensor, classes: str) -> None:
    """The element type must be in one of the classes (letters of ``CLASS_NAMES``)."""
    if not class_in(operand.element, classes):
        names = " or ".join(CLASS_NAMES[letter] for letter in classes)
        raise VerificationError(f"{operand.what} must have {names} elements, but is {operand.type}")


def require_same_element(first: Tensor, second: Tensor, constraint: str = "") -> None:
    """Both must have the same element type."""
    if first.element != second.element:
        raise VerificationError(
            f"{second.what} must have the element type of {first.what}, {first.element}, but is {second.type}"
            f"{_cite(constraint)}"
        )


def is_promotable(source: ir.Type, target: ir.Type) -> bool:
    """Whether values of ``source`` may be accumulated in ``target``: the same class and no fewer bits."""
    if source == target:
        return True
    kind = element_class(source)
    if kind == "" or kind != element_class(target):
        return False
    if kind == "c":
        source, target = source.element_type, target.element_type
    return bool(source.width <= target.width)


def scalar_type(element: ir.Type) -> ir.RankedTensorType:
    """The rank-0 tensor type of an element type."""
    return ir.RankedTensorType.get([], element)


# --- shapes ------------------------------------------------------------------------------------------------------


def shape_text(shape: Iterable[int]) -> str:
    """A shape as in types, ``2x?x3`` (``scalar`` for rank 0)."""
    return "x".join("?" if size < 0 else str(size) for size in shape) or "scalar"


def _cite(constraint: str) -> str:
    return f" ({constraint})" if constraint else ""


def fits(first: int, second: int) -> bool:
    """Whether two sizes can be equal at run time."""
    return first == second or first < 0 or second < 0


def shapes_fit(first: Sequence[int], second: Sequence[int]) -> bool:
    """Whether two shapes can be equal at run time."""
    return first == second or (len(first) == len(second) and all(map(fits, first, second)))


def compatible_types(first: ir.Type, second: ir.Type) -> bool:
    """Whether two tensor types have one element type and shapes that can be equal at run time."""
    return first == second or (
        isinstance(first, ir.RankedTensorType)
        and isinstance(second, ir.RankedTensorType)
        and first.element_type == second.element_type
        and shapes_fit(first.shape, second.shape)
    )


def require_shape(operand: Tensor, expected: Sequence[int], source: str, constraint: str = "") -> None:
    """The shape must be ``expected``, which the message says is that of ``source``."""
    if not shapes_fit(operand.shape, expected):
        raise VerificationError(
            f"{operand.what} must have shape {shape_text(expected)}, {source}, but is {operand.type}{_cite(constraint)}"
        )


def require_same_shape(first: Tensor, second: Tensor, constraint: str = "") -> None:
    """Both must have the same shape."""
    if not shapes_fit(first.shape, second.shape):
        raise VerificationError(
            f"{second.what} must have the shape of {first.what}, {shape_text(first.shape)}, but is {second.type}"
            f"{_cite(constraint)}"
        )


def require_scalar(operand: Tensor, classes: str = "bifc") -> None:
    """The operand must be of rank 0 with elements of the given classes."""
    if operand.shape:
        raise VerificationError(f"{operand.what} must have rank 0, but is {operand.type}")
    require_element(operand, classes)


def require_index_vector(operand: Tensor, size: int, of: str) -> None:
    """The operand must be a vector of ``size`` integers, one for each of what ``of`` says."""
    if len(operand.shape) != 1 or not fits(operand.shape[0], size):
        raise VerificationError(
            f"{operand.what} must be a vector of {size} integers, one for {of}, but is {operand.type}"
        )
    require_element(operand, "i")


# --- attributes --------------------------------------------------------------------------------------------------


def require_choice(op: ir.Operation, name: str, choices: Sequence[str]) -> str:
    """The value of a string attribute, which must be one of ``choices``."""
    value = value_of(op, name)
    if value not in choices:
        raise VerificationError(f"attribute '{name}' must be one of {', '.join(choices)}, but is '{value}'")
    return str(value)


def require_dimension(name: str, dimension: int, operand: Tensor, constraint: str = "") -> None:
    """``0 <= dimension < rank``."""
    if not 0 <= dimension < len(operand.shape):
        raise VerificationError(
            f"attribute '{name}' is {dimension}, which is not a dimension of {operand.what}, {operand.type}"
            f"{_cite(constraint)}"
        )


def require_dimensions(
    name: str,
    dimensions: Sequence[int],
    rank: int,
    of: str,
    *,
    bounds: str = "",
    unique: str = "",
    increasing: str = "",
) -> None:
    """Every dimension must be in ``[0, rank)``, and where a constraint is given, all different or increasing."""
    for dimension in dimensions:
        if not 0 <= dimension < rank:
            raise VerificationError(
                f"attribute '{name}' has {dimension}, which is not a dimension of {of}, of rank {rank}{_cite(bounds)}"
            )
    if unique and len(set(dimensions)) != len(dimensions):
        raise VerificationError(f"attribute '{name}' repeats a dimension: {list(dimensions)}{_cite(unique)}")
    if increasing and any(a >= b for a, b in pairwise(dimensions)):
        raise VerificationError(f"attribute '{name}' must be increasing, but is {list(dimensions)}{_cite(increasing)}")


def require_size(
    name: str,
    values: Sequence[int],
    size: int,
    of: str,
    *,
    constraint: str = "",
    least: int | None = None,
    low: str = "",
) -> None:
    """An array attribute must have ``size`` values (one for ``of``), each at least ``least`` where that is given."""
    if len(values) != size:
        raise VerificationError(
            f"attribute '{name}' must have {size} values, one for {of}, but has {len(values)}{_cite(constraint)}"
        )
    if least is not None:
        for value in values:
            if value < least:
                raise VerificationError(f"attribute '{name}' has {value}, which is less than {least}{_cite(low)}")


# --- regions -----------------------------------------------------------------------------------------------------


def require_region(
    op: ir.Operation,
    index: int,
    name: str,
    arguments: Sequence[ir.Type],
    yields: Sequence[ir.Type],
    constraint: str = "",
    *,
    fit: Callable[[ir.Type, ir.Type], bool] = compatible_types,
) -> None:
    """A region must be present, take ``arguments`` and yield ``yields``."""
    block = _block(op, index)
    require(block is not None, f"the {name} region must not be empty{_cite(constraint)}")
    assert block is not None
    operations = block.operations
    yielded = [value.type for value in operations[len(operations) - 1].operands]
    for what, expected, found in (
        ("take", arguments, [argument.type for argument in block.arguments]),
        ("yield", yields, yielded),
    ):
        if len(found) != len(expected) or not all(map(fit, found, expected)):
            raise VerificationError(
                f"the {name} region must {what} ({_types_text(expected)}), but {what}s ({_types_text(found)})"
                f"{_cite(constraint)}"
            )


def require_no_region(op: ir.Operation, index: int, name: str, kind: str) -> None:
    """A region must be empty, because the kind of the operation says what it computes."""
    require(_block(op, index) is None, f"the {name} region must be empty where the kind is '{kind}'")


def _block(op: ir.Operation, index: int) -> ir.Block | None:
    for block in op.regions[index].blocks:
        return block
    return None


def _types_text(types: Sequence[ir.Type]) -> str:
    return ", ".join(map(str, types))


# --- windows -----------------------------------------------------------------------------------------------------


def num_windows(
    size: int,
    window: int,
    stride: int = 1,
    low: int = 0,
    high: int = 0,
    base_dilation: int = 1,
    window_dilation: int = 1,
) -> int:
    """How many positions a window has along one dimension (``DYNAMIC`` where its size is)."""
    if size < 0 or window < 0:
        return DYNAMIC
    padded = low + (0 if size == 0 else (size - 1) * base_dilation + 1) + high
    dilated = 0 if window == 0 else (window - 1) * window_dilation + 1
    return 0 if padded <= 0 or dilated > padded else (padded - dilated) // stride + 1
