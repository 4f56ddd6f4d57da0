"""A kernel with the types of its arguments to a module with one tile function: the end of the kernel language.

Makes the function and its arguments, has ``frontend.py`` fill it, and cleans it up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects.tile import TILE_ATTRIBUTE
from astra_mlir.errors import KernelError
from astra_mlir.language import semantic
from astra_mlir.language.frontend import Tracer
from astra_mlir.language.function import KernelFunction
from astra_mlir.language.types import DType, PointerType
from astra_mlir.language.values import Builder, Pointer, Value, building, type_of
from astra_mlir.passes import run_pipeline

__all__ = ["CLEANUP", "trace"]

CLEANUP = "canonicalize,cse,loop-invariant-code-motion,astra-tile-simplify,canonicalize,cse,astra-tile-simplify"


def trace(
    fn: KernelFunction,
    context: ir.Context,
    arg_types: Sequence[Any] | Mapping[str, Any],
    constexprs: dict[str, Any],
    *,
    name: str,
    num_warps: int,
    num_stages: int,
    divisibility: Mapping[str, int],
    ones: Sequence[str] = (),
) -> ir.Module:
    """See ``Kernel.trace``."""
    from astra_mlir.kernels.decorator import argument_type

    unknown = constexprs.keys() - {p.name for p in fn.parameters}
    if unknown:
        raise KernelError(f"kernel '{fn.name}' has no parameter '{min(unknown)}'")
    free = [p for p in fn.parameters if p.name not in constexprs]
    if isinstance(arg_types, Mapping):
        given = {n: argument_type(kind) for n, kind in arg_types.items()}
    else:
        runtime = [p for p in free if not p.is_constexpr]
        if len(arg_types) != len(runtime):
            raise KernelError(
                f"kernel '{fn.name}' takes {len(runtime)} arguments beside constants, not {len(arg_types)}"
            )
        given = {p.name: argument_type(kind) for p, kind in zip(runtime, arg_types, strict=True)}
    for parameter in free:
        if parameter.name not in given:
            if not parameter.has_default:
                raise KernelError(f"kernel '{fn.name}' needs a value of its parameter '{parameter.name}'")
            constexprs[parameter.name] = parameter.default
    with context, ir.Location.file(fn.file, fn.fn.__code__.co_firstlineno, 1) as loc:
        module = ir.Module.create()
        names = [p.name for p in fn.parameters if p.name in given]
        kinds = [_mlir_type(given[n]) for n in names]
        marks = [
            ir.DictAttr.get({"astra.divisibility": _i64(divisibility[n])} if n in divisibility else {}) for n in names
        ]
        op = ir.Operation.create(
            "func.func",
            attributes={
                "sym_name": ir.StringAttr.get(name),
                "function_type": ir.TypeAttr.get(ir.FunctionType.get(kinds, [])),
                "arg_attrs": ir.ArrayAttr.get(marks),
                TILE_ATTRIBUTE: ir.UnitAttr.get(),
                "astra.num_warps": _i64(num_warps),
                "astra.num_stages": _i64(num_stages),
            },
            regions=1,
            ip=ir.InsertionPoint(module.body),
        )
        block = op.regions[0].blocks.append(*kinds, arg_locs=[loc] * len(kinds))
        values: dict[str, Any] = dict(constexprs)
        with building(Builder(ir.InsertionPoint(block), loc)) as builder:
            for n, argument in zip(names, block.arguments, strict=True):
                kind = given[n]
                if isinstance(kind, PointerType):
                    values[n] = Pointer(argument, kind.element_ty)
                else:
                    values[n] = semantic.constant(1, kind) if n in ones else _scalar(argument, kind, builder)
            returned = Tracer(fn, values).run()
            if returned is not None:
                raise KernelError(f"kernel '{fn.name}' returns a value: results are stored through pointers")
            builder.op("func.return")
        run_pipeline(module, CLEANUP)
    return module


def _i64(value: int) -> ir.Attribute:
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)


def _scalar(argument: ir.Value, kind: DType, builder: Builder) -> Value:
    del builder
    return Value(argument, kind)


def _mlir_type(kind: DType | PointerType) -> ir.Type:
    if isinstance(kind, PointerType):
        element = type_of(kind.element_ty.stored, ())
        return ir.MemRefType.get([ir.ShapedType.get_dynamic_size()], element)
    return type_of(kind, ())
