"""A program (a file, MLIR text, an exported function) as a function of JAX arrays within a capture.

What ``jax_frontend/transforms.py`` makes of sources that are no functions: the primitive ``astra_program``, which is
lowered to a call of the program's entry, merged into the module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax._src import core
from jax._src.interpreters import ad, batching, mlir
from jaxlib.mlir import ir as jax_ir
from jaxlib.mlir.dialects import func as jax_func
from jaxlib.mlir.dialects import stablehlo as jax_stablehlo

from astra_mlir.bindings import ir, make_context, stablehlo
from astra_mlir.dialects.elements import dtype_of
from astra_mlir.errors import AstraError
from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.jax_frontend.capture import artifact_version
from astra_mlir.passes.exporting import ExportPass
from astra_mlir.passes.traversal import walk
from astra_mlir.program import Program
from astra_mlir.transformations.program_frontend import ProgramFrontend
from astra_mlir.transformations.programs import Bottom, short_name

__all__ = ["as_function"]


class _Embedded:
    """A program with entry ``@main``, as an artifact that JAX's build of MLIR reads."""

    def __init__(self, program: Program) -> None:
        context = make_context()
        with context, ir.Location.unknown():
            module = program.parse(context)
            if any(op.name.startswith("astra.") for op in walk(module.body)):
                ExportPass().run(module.operation)
            main = next(f for f in module.body.operations if ir.StringAttr(f.attributes["sym_name"]).value == "main")
            types = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
            self.outputs = tuple(_aval(type) for type in types.results)
            self.artifact = stablehlo.serialize_portable_artifact(module, artifact_version(), True)


def _aval(type: ir.Type) -> Any:
    return core.ShapedArray(tuple(type.shape), dtype_of(type.element_type))


astra_program_p = core.Primitive("astra_program")
"""The results of ``program``, an :class:`_Embedded`, for arrays."""
astra_program_p.multiple_results = True
astra_program_p.def_abstract_eval(lambda *_, program: list(program.outputs))


def _lower(ctx: Any, *operands: Any, program: _Embedded) -> Any:
    context = ctx.module_context
    known = context.cached_primitive_lowerings.get(("astra_program", program))
    if known is None:
        module = jax_stablehlo.deserialize_portable_artifact(context.context, program.artifact)
        known = mlir.merge_mlir_modules(context.module, "program", module, dst_symtab=context.symbol_table)
        context.cached_primitive_lowerings["astra_program", program] = known
    types = [mlir.aval_to_ir_type(context, aval) for aval in ctx.avals_out]
    return jax_func.CallOp(types, jax_ir.FlatSymbolRefAttr.get(known), list(operands)).results


for _platform in (jax_lowering.PLATFORM, jax_lowering.AUTODIFF_PLATFORM):
    mlir._platform_specific_lowerings[_platform][astra_program_p] = mlir.LoweringRuleEntry(_lower, True)


def _refuse(*_: Any, **__: Any) -> Any:
    raise AstraError(
        "a transformation of JAX's was applied to a program that JAX cannot look into; use that of Astra: astra.grad "
        "in place of jax.grad, astra.vmap in place of jax.vmap"
    )


ad.primitive_jvps[astra_program_p] = _refuse
ad.primitive_linearizations[astra_program_p] = _refuse
batching.primitive_batchers[astra_program_p] = _refuse


def as_function(bottom: Bottom) -> Callable[..., Any]:
    """The source that ``bottom`` stands for, as a function of JAX values."""

    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = bottom.trees.flatten((args, kwargs))
        values = [jnp.asarray(leaf) for leaf in leaves]
        frontend = ProgramFrontend(bottom.trees, bottom)

        def flat(*inner: Any) -> Any:
            args, kwargs = frontend.unflatten(structure, inner)
            return bottom(frontend, args, kwargs)

        types = [(tuple(value.shape), np.dtype(value.dtype)) for value in values]
        paths = [f"argument {i}" for i in range(len(values))]
        program, tree, places = frontend.build(bottom.name, flat, types, paths)
        results = astra_program_p.bind(*values, *program.constants, program=_Embedded(program))
        return bottom.trees.unflatten(tree, [results[i] for i in places if isinstance(i, int)])

    call.__name__ = short_name(bottom)
    return call
