"""A key for a traced JAX function: equal only for functions that lower to programs of the same meaning.

Between tracing and lowering in ``jax_frontend/capture.py``: where another process has lowered an equal function, its
StableHLO is found by this key (``program_cache.py``) and the function is not lowered at all.  The key is of the whole
closed jaxpr (operations, parameters, types, constants by content), of JAX's settings, and of the rules by which JAX
lowers its primitives.

Everything goes in by value.  What has no value to go by, such as a Python function of the user's (callbacks, rules of
his own primitives), raises :class:`Refused`: such a function is lowered in each process.  Left out is only what
lowering does not look at: places in the source, and derivative rules outside of what Astra differentiates.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import os
import re
import struct
import sys
import types
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np
from jax._src import core, literals, mesh
from jax._src.interpreters import mlir
from jax._src.named_sharding import UnspecifiedValue
from jax._src.random import prng

from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.jax_frontend.arrays import ArrayImpl, KeyArray, trace_context

__all__ = ["Refused", "jaxpr_key"]


class Refused(Exception):
    """A part of a traced function that is not known by its value."""


# Python functions in parameters of primitives that lowering does not call (it does for what Astra differentiates).
_NOT_LOWERED = {
    "custom_jvp_call": {"jvp_jaxpr_fun"},
    "custom_vjp_call": {"fwd_jaxpr_thunk", "bwd", "out_trees"},
    "remat2": {"policy"},
    "reduce": {"computation"},
}
_TRANSFORM = "astra_transform"

# Settings of JAX that say where things are kept or what is printed, and may differ from process to process.
_NO_MEANING = re.compile("cache|dump|log|traceback|debug|profil|timeout|address")

_PACKAGES = ("jax", "jaxlib", "astra_mlir", "numpy", "ml_dtypes", "builtins", "functools", "operator")
_ROOTS = tuple(f"{Path(file).parent}{os.sep}" for file in (jax.__file__, jaxlib.__file__, str(Path(__file__).parent)))
_NAMED = (types.FunctionType, types.BuiltinFunctionType, type, type(jax.jit(lambda: None)), np.ufunc)


def jaxpr_key(traced: Any, *others: Any) -> str:
    """The key of a ``jax.stages.Traced`` and of further values; raises :class:`Refused` where there is none."""
    encoder = _Encoder()
    encoder.value((jax.__version__, jaxlib.__version__, _installed(), *others))
    encoder.value(trace_context())
    encoder.value(tuple(sorted(
        (name, value) for name, value in jax.config.values.items() if not _NO_MEANING.search(name)
    )))  # fmt: skip
    if traced._consts:
        raise Refused("constants beside the jaxpr")
    encoder.value(traced._params)
    return hashlib.sha256("".join(encoder.parts).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _installed() -> tuple[Any, ...]:
    """When JAX was installed: versions of a checkout stay the same while it changes."""
    return tuple(Path(module.__file__).stat().st_mtime_ns for module in (core, mlir) if module.__file__)


class _Encoder:
    """Writes values so that different values give different texts; each kind has its letter and says its length."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._platform = jax_lowering.PLATFORM
        self._rules: dict[tuple[str, str], tuple[Any, str]] = {}  # primitives may share a name
        self._within: dict[int, Any] = {}  # functions that are being described
        self._types: dict[int, tuple[Any, str]] = {}
        self._dtypes: dict[np.dtype[Any], str] = {}
        self._contexts: dict[Any, str] = {}

    def value(self, value: Any) -> None:
        """Write a value of any kind that is known."""
        kind = type(value)
        write = _WRITERS.get(kind)
        if write is not None:
            write(self, value)
        elif isinstance(value, core.Primitive):
            self._primitive(value)
        elif isinstance(value, enum.Enum) and _is_known(kind):
            self.parts.append(f"E{kind.__module__}.{kind.__qualname__}.{value.name};")
        elif isinstance(value, np.dtype):
            self._dtype(value)
        elif isinstance(value, np.generic):
            self.array(np.asarray(value))
        elif _is_known(kind) and dataclasses.is_dataclass(kind):
            self._record(kind, [getattr(value, field.name) for field in dataclasses.fields(kind)])
        elif _is_known(kind) and isinstance(value, tuple) and hasattr(kind, "_fields"):
            self._record(kind, list(value))
        elif _found_by_name(value):
            self.parts.append(f"O{value.__module__}.{value.__qualname__};")
        else:
            raise Refused(f"{kind.__module__}.{kind.__qualname__}")

    def _record(self, kind: type, fields: list[Any]) -> None:
        self.parts.append(f"R{kind.__module__}.{kind.__qualname__};")
        self.sequence(fields)

    def text(self, value: str) -> None:
        self.parts.append(f"s{len(value)}:{value}")

    def plain(self, value: Any) -> None:
        """What Python writes exactly."""
        self.parts.append(f"v{value!r};")

    def float(self, value: float) -> None:
        """By its bits: NaNs differ, and zeros."""
        self.parts.append(f"f{struct.pack('<d', value).hex()};")

    def complex(self, value: complex) -> None:
        self.parts.append(f"c{struct.pack('<dd', value.real, value.imag).hex()};")

    def typed_number(self, value: Any) -> None:
        """JAX's numbers with a type."""
        self.array(np.asarray(value, value.dtype))

    def sequence(self, values: Any) -> None:
        parts = self.parts
        parts.append(f"({len(values)};")
        for value in values:
            if type(value) is int:  # shapes and numbers of dimensions are most of what there is
                parts.append(f"v{value};")
            else:
                self.value(value)

    def mapping(self, values: Any) -> None:
        self.parts.append(f"{{{len(values)};")
        for key, value in values.items():
            self.value(key)
            self.value(value)

    def unordered(self, values: Iterable[Any]) -> None:
        encoded = []
        for value in values:
            self.parts, outer = [], self.parts
            self.value(value)
            encoded.append("".join(self.parts))
            self.parts = outer
        self.parts.append(f"<{len(encoded)};" + "".join(sorted(encoded)))

    def array(self, array: np.ndarray[Any, Any]) -> None:
        self._dtype(array.dtype)
        self.sequence(array.shape)
        if array.nbytes <= 64:
            self.parts.append(array.tobytes().hex() + ";")
        else:
            data = np.ascontiguousarray(array).reshape(-1)
            self.parts.append(hashlib.sha256(data.view(np.uint8).data).hexdigest() + ";")

    def _dtype(self, dtype: np.dtype[Any]) -> None:
        text = self._dtypes.get(dtype)
        if text is None:
            if dtype.names is not None or dtype.hasobject:
                raise Refused(f"element type {dtype}")
            text = self._dtypes[dtype] = f"d{dtype.name}{dtype.byteorder};"  # NumPy makes the name anew
        self.parts.append(text)

    def jax_array(self, array: Any) -> None:
        self.array(np.asarray(array))

    def keys(self, keys: Any) -> None:
        self.value(keys._impl)
        self.array(np.asarray(jax.random.key_data(keys)))

    def key_type(self, kind: Any) -> None:
        self.value(kind._impl)

    def empty_mesh(self, value: Any) -> None:
        if not value.empty:
            raise Refused("a mesh")
        self.parts.append("m;")

    def axis_environment(self, value: Any) -> None:
        if value.axis_sizes or value.spmd_axis_names or value.explicit_mesh_axis_names:
            raise Refused("named axes")
        self.parts.append("x;")

    def unspecified(self, value: Any) -> None:
        del value
        self.parts.append("u;")

    # --- jaxprs ----------------------------------------------------------------------------------------------------

    def aval(self, aval: Any) -> None:
        known = self._types.get(id(aval))
        if known is not None:
            self.parts.append(known[1])
            return
        self.parts, outer = ["A"], self.parts
        self.sequence(aval.shape)
        self.value(aval.dtype)
        self.value((bool(aval.weak_type), aval.memory_space))
        if not aval.sharding.mesh.empty or not aval.manual_axis_type.empty:
            raise Refused("a sharded value")
        text = "".join(self.parts)
        self.parts = outer
        self._types[id(aval)] = aval, text  # held, so that no other has its address
        self.parts.append(text)

    def closed_jaxpr(self, closed: Any) -> None:
        self.sequence(closed.consts)
        self.jaxpr(closed.jaxpr)

    def jaxpr(self, jaxpr: Any) -> None:
        if jaxpr.is_high:
            raise Refused("operations of a higher level")
        numbers: dict[Any, int] = {}
        parts, known = self.parts, self._types

        def define(variables: Any) -> None:
            parts.append(f"V{len(variables)};")
            for variable in variables:
                numbers[variable] = len(numbers)
                found = known.get(id(variable.aval))
                if found is None:
                    self.value(variable.aval)
                else:
                    parts.append(found[1])

        def use(atoms: Any) -> None:
            parts.append(f"U{len(atoms)};")
            for atom in atoms:
                if type(atom) is core.Literal:
                    self._literal(atom)
                else:
                    parts.append(f"{numbers[atom]},")

        define(jaxpr.constvars)
        define(jaxpr.invars)
        parts.append(f"J{len(jaxpr.eqns)};")
        for equation in jaxpr.eqns:
            self._equation(equation, use, define)
        use(jaxpr.outvars)

    def _equation(self, equation: Any, use: Callable[[Any], None], define: Callable[[Any], None]) -> None:
        primitive = equation.primitive
        self._primitive(primitive)
        use(equation.invars)
        transforms = primitive.name == _TRANSFORM
        platform, self._platform = self._platform, jax_lowering.AUTODIFF_PLATFORM if transforms else self._platform
        left_out = _NOT_LOWERED.get(primitive.name, ()) if self._platform == jax_lowering.PLATFORM else ()
        for name, value in equation.params.items():
            if name not in left_out:
                self.text(name)
                self.value(value)
        self._platform = platform
        self.parts.append(self._contexts.get(equation.ctx) or self._context(equation.ctx))
        if equation.effects:
            self.unordered([type(effect) for effect in equation.effects])
        define(equation.outvars)

    def _context(self, context: Any) -> str:
        if context.compute_type is not None or not context.cur_abstract_mesh.empty:
            raise Refused("a place to compute at")
        self.parts, outer = [], self.parts
        self.value((context.threefry_partitionable, context.remove_size_one_mesh_axis, context.xla_metadata))
        text = self._contexts[context] = "".join(self.parts)
        self.parts = outer
        return text

    def _literal(self, literal: Any) -> None:
        self.parts.append("L")
        self.value(literal.aval)
        self.value(literal.val)

    # --- how JAX lowers them ---------------------------------------------------------------------------------------

    def _primitive(self, primitive: Any) -> None:
        """A primitive is its name and the rule that lowers it: names are the user's to choose."""
        key = (primitive.name, self._platform)
        known = self._rules.get(key)
        if known is not None and known[0] is primitive:
            self.parts.append(known[1])
            return
        self.parts, outer = [], self.parts
        self.parts.append("P")
        self.text(primitive.name)
        rules = mlir._platform_specific_lowerings[self._platform]  # not a plain dict: it finds rules elsewhere, too
        entry = rules[primitive] if primitive in rules else mlir._lowerings.get(primitive)
        if entry is None:
            raise Refused(f"{primitive.name}, which nothing lowers")
        self._code(entry.rule)
        text = "".join(self.parts)
        self.parts = outer
        self._rules[key] = primitive, text
        self.parts.append(text)

    def _code(self, function: Any) -> None:
        """A function of JAX's or Astra's by its place in their files and the values that it closes over."""
        if isinstance(function, functools.partial):
            self.parts.append("F")
            self._code(function.func)
            self._held(function.args)
            self._held(tuple(function.keywords.items()))
        elif isinstance(function, types.FunctionType):
            code = function.__code__
            if not code.co_filename.startswith(_ROOTS):
                raise Refused(f"a function of {code.co_filename}")
            self.parts.append(f"C{code.co_filename}:{code.co_firstlineno}:{code.co_qualname};")
            if id(function) in self._within:
                return
            self._within[id(function)] = function
            try:
                self._held(tuple(cell.cell_contents for cell in function.__closure__ or ()))
            except ValueError:
                raise Refused("a function that is not complete") from None
            self._held(function.__defaults__ or ())
            self._held(tuple((function.__kwdefaults__ or {}).items()))
            del self._within[id(function)]
        elif isinstance(function, tuple):
            self._held(function)
        elif isinstance(function, mlir.LoweringRuleEntry):
            self._code(function.rule)
        elif isinstance(function, core.Primitive):
            self.text(function.name)
        elif _is_known(type(function)) and hasattr(function, "__wrapped__"):
            self._code(function.__wrapped__)
        else:
            self.value(function)

    def _held(self, values: tuple[Any, ...]) -> None:
        self.parts.append(f"({len(values)};")
        for value in values:
            self._code(value)


def _is_known(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _PACKAGES


def _found_by_name(value: Any) -> bool:
    """Whether a function or type is what its name stands for in a module that comes with JAX or Astra."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(value, _NAMED) or not isinstance(module, str) or not isinstance(name, str):
        return False
    if module.partition(".")[0] not in _PACKAGES:
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


_WRITERS: dict[type, Callable[[_Encoder, Any], None]] = {
    **dict.fromkeys((type(None), bool, int, bytes), _Encoder.plain),
    float: _Encoder.float,
    complex: _Encoder.complex,
    **dict.fromkeys((literals.TypedInt, literals.TypedFloat, literals.TypedComplex), _Encoder.typed_number),
    str: _Encoder.text,
    tuple: _Encoder.sequence,
    list: _Encoder.sequence,
    dict: _Encoder.mapping,
    set: _Encoder.unordered,
    frozenset: _Encoder.unordered,
    np.ndarray: _Encoder.array,
    literals.TypedNdArray: _Encoder.jax_array,
    ArrayImpl: _Encoder.jax_array,
    KeyArray: _Encoder.keys,
    prng.KeyTy: _Encoder.key_type,
    mesh.Mesh: _Encoder.empty_mesh,
    mesh.AbstractMesh: _Encoder.empty_mesh,
    core.AxisEnv: _Encoder.axis_environment,
    UnspecifiedValue: _Encoder.unspecified,
    core.ShapedArray: _Encoder.aval,
    core.ClosedJaxpr: _Encoder.closed_jaxpr,
    core.Jaxpr: _Encoder.jaxpr,
}
