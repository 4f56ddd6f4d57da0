"""What a kernel's variables hold while it is traced: scalars and tiles, pointers, descriptors; and the IR builder.

Between ``types.py`` and ``semantic.py``.  Operators of values are those of ``semantic.py``, looked up when used.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from astra_mlir.bindings import ir
from astra_mlir.dialects import core as dialect
from astra_mlir.language.types import DType, PointerType

__all__ = ["Builder", "Pointer", "Value", "builder", "building", "is_dynamic"]


class Builder(dialect.OpBuilder):
    """Creates operations at the place where tracing is."""

    def __init__(self, ip: ir.InsertionPoint, loc: ir.Location) -> None:
        super().__init__(ip, loc)
        self.dry = 0  # how many loops are traced only to learn the types of what they carry

    def tile(self, name: str, operands: Sequence[ir.Value], results: Sequence[ir.Type], **attributes: Any) -> Any:
        """The operation ``astra.tile_<name>``."""
        return dialect.build(f"tile_{name}", operands, results, loc=self.loc, ip=self.ip, **attributes)

    @contextmanager
    def at(self, block: ir.Block) -> Iterator[None]:
        """Build at the end of a block."""
        saved = self.ip
        self.ip = ir.InsertionPoint(block)
        try:
            yield
        finally:
            self.ip = saved


_BUILDERS: list[Builder] = []


def builder() -> Builder:
    """The builder of the kernel that is being traced."""
    if not _BUILDERS:
        raise RuntimeError("this is a function of the kernel language: it can only be called in an @astra.kernel")
    return _BUILDERS[-1]


@contextmanager
def building(new: Builder) -> Iterator[Builder]:
    """Make ``new`` the builder that the language's functions use."""
    _BUILDERS.append(new)
    try:
        yield new
    finally:
        _BUILDERS.pop()


def type_of(dtype: DType, shape: Sequence[int]) -> ir.Type:
    """The MLIR type of a scalar (empty shape) or tile."""
    element = ir.Type.parse(dtype.text)
    return ir.RankedTensorType.get(list(shape), element) if shape else element


def is_dynamic(value: object) -> bool:
    """Whether a variable's value is only known when the kernel runs."""
    return isinstance(value, Value | Pointer)


class _Semantic:
    """``semantic.py``, which imports this module."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("astra_mlir.language.semantic"), name)


_semantic = _Semantic()


def _binary(name: str) -> tuple[Any, Any]:
    def forward(self: Any, other: Any) -> Any:
        return _semantic.binary(name, self, other)

    def backward(self: Any, other: Any) -> Any:
        return _semantic.binary(name, other, self)

    return forward, backward


class _Operators:
    """The operators of Python on values."""

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("sub")
    __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("truediv")
    __floordiv__, __rfloordiv__ = _binary("floordiv")
    __mod__, __rmod__ = _binary("mod")
    __and__, __rand__ = _binary("and")
    __or__, __ror__ = _binary("or")
    __xor__, __rxor__ = _binary("xor")
    __lshift__, __rlshift__ = _binary("lshift")
    __rshift__, __rrshift__ = _binary("rshift")
    __lt__, __gt__ = _binary("lt")[0], _binary("gt")[0]
    __le__, __ge__ = _binary("le")[0], _binary("ge")[0]
    __eq__, __ne__ = _binary("eq")[0], _binary("ne")[0]  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __pow__(self, other: Any) -> Any:
        return _semantic.power(self, other)

    def __neg__(self) -> Any:
        return _semantic.negative(self)

    def __pos__(self) -> Any:
        return self

    def __invert__(self) -> Any:
        return _semantic.invert(self)

    def __bool__(self) -> bool:
        raise TypeError("a value of the kernel's run is not known while it is compiled: it cannot decide Python code")


class Value(_Operators):
    """A scalar (``shape`` is empty) or a tile of elements of ``dtype``."""

    def __init__(self, handle: ir.Value, dtype: DType, shape: Sequence[int] = ()) -> None:
        self.handle = handle
        self.dtype = dtype
        self.shape = tuple(shape)

    @property
    def type(self) -> Any:
        return self.dtype

    @property
    def element_ty(self) -> DType:
        return self.dtype

    @property
    def numel(self) -> int:
        size = 1
        for extent in self.shape:
            size *= extent
        return size

    @property
    def T(self) -> Value:
        return _semantic.transpose(self, None)  # type: ignore[no-any-return]

    def to(self, dtype: DType, bitcast: bool = False) -> Value:
        """The elements converted, or with ``bitcast`` their bits taken as another type of as many."""
        return (_semantic.bitcast if bitcast else _semantic.cast)(self, dtype)  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Value:
        return _semantic.index(self, index)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        """Functions of the language whose first argument is a tile are methods: ``x.sum(1)``."""
        language = importlib.import_module("astra_mlir.language")
        if name in language.METHODS:
            function = getattr(language, name)
            return _Method(function, self)
        raise AttributeError(f"a tile has no attribute '{name}'")

    def __repr__(self) -> str:
        return f"{'x'.join(map(str, self.shape))}{'x' * bool(self.shape)}{self.dtype}"


class _Method:
    """A function of the language bound to its first argument."""

    def __init__(self, function: Any, first: Value) -> None:
        self.function = function
        self.first = first


class Pointer(_Operators):
    """A pointer argument and offsets in elements: a tile (or None), and a scalar that loops may carry by itself."""

    def __init__(self, base: ir.Value, element: DType, tile: Value | None = None, scalar: Any = 0) -> None:
        self.base = base
        self.element = element
        self.tile = tile
        self.scalar = scalar  # Value or int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tile.shape if self.tile is not None else ()

    @property
    def dtype(self) -> PointerType:
        return PointerType(self.element)

    @property
    def type(self) -> PointerType:
        return PointerType(self.element)

    def __getitem__(self, index: Any) -> Pointer:
        return _semantic.index_pointer(self, index)  # type: ignore[no-any-return]

    def to(self, dtype: Any, bitcast: bool = False) -> Pointer:
        del bitcast
        if dtype == self.dtype:
            return self
        raise TypeError(f"a pointer to {self.element} cannot be taken as {dtype}")

    def __repr__(self) -> str:
        return f"{'x'.join(map(str, self.shape))}{'x' * bool(self.shape)}pointer<{self.element}>"


if TYPE_CHECKING:
    from astra_mlir.language import semantic as semantic
