"""A JAX function to a program: traced and lowered to StableHLO for the platform ``astra``, as a portable artifact.

The first arrow of the path for JAX users.  JAX's build of MLIR and ours differ, so the program crosses as a StableHLO
portable artifact; large closed-over arrays of the function cross as NumPy arrays beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src import core as jax_core
from jax._src import effects, source_info_util
from jaxlib.mlir import ir as jax_ir
from jaxlib.mlir.dialects import stablehlo as jax_stablehlo

from astra_mlir import config, program_cache
from astra_mlir.errors import AstraError, UnsupportedError
from astra_mlir.garbage import only_new_objects
from astra_mlir.jax_frontend import jaxpr_key
from astra_mlir.jax_frontend import lowering as jax_lowering
from astra_mlir.jax_frontend import tracing as jax_tracing
from astra_mlir.jax_frontend.shardings import drop_shardings
from astra_mlir.jax_frontend.tracing import capturing
from astra_mlir.program import Program

__all__ = ["Captured", "artifact", "artifact_version", "capture", "capturing", "is_tracing"]

# Closed-over arrays from this size on become hidden arguments: smaller ones may fold into the code that uses them.
_HOISTED_BYTES = 64 * 1024

# The places that JAX gives to operations are the user's, not those of Astra's own code around a function.
source_info_util.register_exclusion(str(Path(__file__).parent.parent))


def is_tracing() -> bool:
    """Whether a function is being captured and traced now, so that what is called becomes a part of it."""
    return capturing.get() and not isinstance(jax_core.trace_ctx.trace, jax_core.EvalTrace)


@dataclass(frozen=True)
class Captured:
    """What tracing gave: the program and JAX's abstract values and tree structure around it."""

    program: Program
    in_avals: tuple[Any, ...]
    out_avals: tuple[Any, ...]
    out_tree: Any


def artifact_version() -> str:
    """The newest StableHLO version that both builds of MLIR read."""
    theirs = jax_stablehlo.get_current_version()
    return str(jax_stablehlo.get_smaller_version(program_cache.stablehlo_version(), theirs))


def _serialize(module: Any) -> bytes:
    # CHLO operations (erf, lgamma, ...) are not part of the versioned set but are the same in both builds.
    return bytes(jax_stablehlo.serialize_portable_artifact(module, artifact_version(), allow_other_dialects=True))


def artifact(module: Any) -> bytes:
    """A module that JAX lowered, as a StableHLO portable artifact that both builds of MLIR read."""
    return _serialize(_copy(module))


def capture(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], *,
    static_argnums: Sequence[int] = (), static_argnames: Sequence[str] = (), input_paths: Sequence[str] = (),
    donated: Sequence[int] = (),
) -> Captured:  # fmt: skip
    """Trace ``function`` on arguments (arrays, ``jax.ShapeDtypeStruct`` or static values).

    ``donated`` are the numbers of the leaves whose memory results may take over.

    Raises what the function raises while it is traced, and :class:`UnsupportedError` for an operation that JAX cannot
    express in StableHLO without a backend of its own, and for ordered effects.
    """
    jax_lowering.register()
    jax_tracing.install()
    jitted = jax.jit(
        function, static_argnums=tuple(static_argnums), static_argnames=tuple(static_argnames), keep_unused=True
    )
    token = capturing.set(True)
    try:
        with only_new_objects():
            traced = jitted.trace(*args, **kwargs)
        if any(isinstance(value, jax_core.Tracer) for value in traced._consts):
            raise AstraError(
                f"{_name(function)}: a function compiled by Astra uses a value from around it that JAX traces, within "
                "jax.jit, jax.grad, jax.vmap or another transformation of JAX. Put astra.jit around all of it, and use "
                "Astra's transformations: astra.grad in place of jax.grad"
            )
        if effects.ordered_effects.filter_in(traced.jaxpr.effects):
            raise UnsupportedError(
                f"'{_name(function)}' has ordered effects (ordered=True), which need JAX's runtime. Leave the order "
                "out: callbacks of one compiled function keep theirs"
            )
        with only_new_objects():
            data, constants, kept = _stablehlo(traced, _name(function), donated)
    finally:
        capturing.reset(token)
    out_tree = jax.tree_util.tree_structure(traced.out_info)
    paths = (*input_paths, *(f"closed-over array {i}" for i in range(len(constants))))
    program = Program(data, "main", paths or None, tuple(constants), _name(function), kept)
    in_avals = tuple(jax.tree_util.tree_leaves(traced.in_avals))
    return Captured(program, in_avals, tuple(jax.tree_util.tree_leaves(traced.out_avals)), out_tree)


def _stablehlo(
    traced: Any, name: str, donated: Sequence[int]
) -> tuple[bytes, list[np.ndarray[Any, Any]], tuple[Any, ...]]:
    """A traced function as a portable artifact, its large constants, and what must live for its callbacks.

    Taken from disk where an equal function has been lowered before.
    """
    key = _key(traced, donated)
    found = program_cache.load_lowered(key) if key else None
    if found is not None:
        data, places = found
        return data, [np.array(traced.jaxpr.consts[place]) for place in places], ()
    try:
        lowered = traced.lower(lowering_platforms=(jax_lowering.PLATFORM,))
    except (NotImplementedError, ValueError) as error:
        refusal = _refusal(str(error), traced.jaxpr.jaxpr, name)
        if refusal is None:
            raise
        raise UnsupportedError(refusal) from error
    module = _copy(lowered.compiler_ir("stablehlo"))
    _mark_donated(module, donated)
    constants = _hoist_constants(module)
    data = _serialize(module)
    kept = tuple(lowered._lowering.compile_args.get("keepalive") or ())  # what callbacks call
    if key and not kept:
        numbers = [_place(constant, traced.jaxpr.consts) for constant in constants]
        if None not in numbers:
            program_cache.store_lowered(key, data, [number for number in numbers if number is not None])
    return data, constants, kept


def _key(traced: Any, donated: Sequence[int]) -> str | None:
    """What a lowered function is kept under; None where it must be lowered anew."""
    if not config.use_cache.get():
        return None
    devices = {device for given in traced._meta_tys_flat for device in getattr(given.sharding, "device_set", ())}
    if len(devices) > 1:
        return None
    try:
        return jaxpr_key.jaxpr_key(traced, tuple(donated), program_cache.compiler_hash())
    except jaxpr_key.Refused:
        return None


def _place(constant: np.ndarray[Any, Any], among: Sequence[Any]) -> int | None:
    """Which of a jaxpr's constants has these elements."""
    for number, candidate in enumerate(among):
        same_type = getattr(candidate, "shape", None) == constant.shape and candidate.dtype == constant.dtype
        if same_type and np.asarray(candidate).tobytes() == constant.tobytes():
            return number
    return None


_WITHOUT_LOWERING = re.compile("translation rule for primitive '([^']+)' not found")


def _refusal(message: str, jaxpr: Any, name: str) -> str | None:
    """What to tell the user where JAX failed to lower a traced function; None if the failure is none of ours."""
    missing = _WITHOUT_LOWERING.search(message)
    if missing is None:
        return None
    place = next((place for p, place in _primitives(jaxpr) if p == missing[1]), "unknown location")
    return (
        f"{place}: {missing[1]}, in '{name}', has no implementation for Astra. Compute it outside of the compiled "
        "function"
    )


def _primitives(jaxpr: Any, outer: str = "unknown location") -> Iterator[tuple[str, str]]:
    """Every primitive that a traced function applies, with its place in the user's source."""
    for equation in jaxpr.eqns:
        frame = source_info_util.user_frame(equation.source_info.traceback)
        place = outer if frame is None else f"{frame.file_name}:{frame.start_line}:{frame.start_column + 1}"
        yield equation.primitive.name, place
        for inner in jax_core.jaxprs_in_params(equation.params):
            yield from _primitives(inner, place)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _copy(module: Any) -> Any:
    """A copy to be changed (JAX keeps the module it lowered and gives it out again), without sharding annotations."""
    with module.context, module.operation.location:
        copy = jax_ir.Module.create()
        for op in module.body.operations:
            copy.body.append(op.operation.clone())
    drop_shardings(copy)
    return copy


def _main(module: Any) -> Any:
    return next(
        op.operation for op in module.body.operations
        if op.operation.name == "func.func" and jax_ir.StringAttr(op.operation.attributes["sym_name"]).value == "main"
    )  # fmt: skip


def _mark_donated(module: Any, donated: Sequence[int]) -> None:
    """Mark arguments of @main as JAX does where it leaves it to the compiler which result takes their memory."""
    if not donated:
        return
    main = _main(module)
    with module.context:
        count = len(main.regions[0].blocks[0].arguments)
        old = list(jax_ir.ArrayAttr(main.attributes["arg_attrs"])) if "arg_attrs" in main.attributes else [{}] * count
        marks = [
            {entry.name: entry.attr for entry in map(dictionary.__getitem__, range(len(dictionary)))}
            for dictionary in old
        ]
        for number in donated:
            marks[number]["jax.buffer_donor"] = jax_ir.BoolAttr.get(True)
        main.attributes["arg_attrs"] = jax_ir.ArrayAttr.get([jax_ir.DictAttr.get(each) for each in marks])


def _hoist_constants(module: Any) -> list[np.ndarray[Any, Any]]:
    """Make arguments of @main of its large constants; gives their values."""
    main = _main(module)
    block = main.regions[0].blocks[0]
    constants: list[np.ndarray[Any, Any]] = []
    with module.context, jax_ir.Location.unknown():
        types = [argument.type for argument in block.arguments]
        for op in list(block.operations):
            if op.operation.name != "stablehlo.constant":
                continue
            array = _large_array(op.operation)
            if array is None:
                continue
            result = op.operation.results[0]
            types.append(result.type)
            result.replace_all_uses_with(block.add_argument(result.type, op.operation.location))
            op.operation.erase()
            constants.append(array)
        if constants:
            results = jax_ir.FunctionType(jax_ir.TypeAttr(main.attributes["function_type"]).value).results
            main.attributes["function_type"] = jax_ir.TypeAttr.get(jax_ir.FunctionType.get(types, results))
            if "arg_attrs" in main.attributes:
                empty = [jax_ir.DictAttr.get({})] * len(constants)
                old = list(jax_ir.ArrayAttr(main.attributes["arg_attrs"]))
                main.attributes["arg_attrs"] = jax_ir.ArrayAttr.get(old + empty)
    return constants


def _large_array(constant: Any) -> np.ndarray[Any, Any] | None:
    """A copy of the elements of a constant operation that is large and not one value repeated, else None.

    Only element types whose attribute shares NumPy's layout: others (packed booleans, 16-bit brain floats) stay in the
    program, where the compiler hoists them.
    """
    shaped = jax_ir.ShapedType(constant.results[0].type)
    dtype = _SHARED_LAYOUT.get(str(shaped.element_type))
    if dtype is None or math.prod(shaped.shape) * dtype.itemsize < _HOISTED_BYTES:
        return None
    attribute = constant.attributes["value"]  # of a complex type this would raise: jaxlib has no class for it
    if not isinstance(attribute, jax_ir.DenseElementsAttr) or attribute.is_splat:
        return None
    return np.array(attribute).astype(dtype, copy=False)


_SHARED_LAYOUT: dict[str, np.dtype[Any]] = {
    "f16": np.dtype(np.float16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    **{f"i{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
}
