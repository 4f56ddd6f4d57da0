"""Transformations of functions as operations of the Astra dialect, and calls that carry derivative rules of their own.

All of them refer to functions of the module by symbol, so they nest in any order: a callee may contain others.
``astra-autodiff`` and ``astra-vectorize`` expand the first three; the others are calls for every pass that does not
differentiate or batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    element_class,
    operands,
    require_choice,
    require_same_element,
    require_same_shape,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = [
    "CUSTOM_CALLS", "SYMBOL_ATTRIBUTES", "TRANSFORMATIONS", "VJP_POLICIES", "cotangent_type", "is_inexact", "lookup",
]  # fmt: skip

TRANSFORMATIONS = ("astra.jvp", "astra.vjp", "astra.vmap")
"""Operations that ask for a derived form of their callee."""

CUSTOM_CALLS = ("astra.checkpoint", "astra.custom_jvp", "astra.custom_vjp", "astra.custom_vmap", "astra.linear_solve")
"""Calls that say how they are to be transformed."""

VJP_POLICIES = ("save-all", "recompute-cheap")
"""What reverse mode keeps."""

SYMBOL_ATTRIBUTES = ("callee", "jvp", "forward", "backward", "matvec", "solve", "transpose_matvec", "transpose_solve")
"""Attributes of these operations that name a function."""


def is_inexact(type: ir.Type) -> bool:
    """Whether a tensor type has float or complex elements: what has tangents and cotangents."""
    return isinstance(type, ir.RankedTensorType) and element_class(type.element_type) in ("f", "c")


def cotangent_type(type: ir.RankedTensorType) -> ir.RankedTensorType:
    """The type of a value's tangents and cotangents: its own; for integers and i1, i1 (always false, meaning zero)."""
    return type if is_inexact(type) else ir.RankedTensorType.get(type.shape, ir.IntegerType.get_signless(1))


def lookup(op: ir.Operation, attribute: str = "callee") -> ir.Operation:
    """The function that a symbol attribute of ``op`` names; raises :class:`VerificationError` where there is none."""
    name = value_of(op, attribute)
    module = op
    while module.parent is not None:
        module = module.parent.operation
    for view in module.regions[0].blocks[0].operations:
        function = view.operation
        if function.name == "func.func" and ir.StringAttr(function.attributes["sym_name"]).value == name:
            return function
    raise VerificationError(f"attribute '{attribute}' names @{name}, but the module has no such function")


# --- verifiers ---------------------------------------------------------------------------------------------------

_Types = list[ir.Type]


def _types(function: ir.Operation) -> tuple[_Types, _Types]:
    function_type = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
    return list(function_type.inputs), list(function_type.results)


def _text(types: Sequence[ir.Type]) -> str:
    return f"({', '.join(map(str, types))})"


def _require_types(what: str, found: Sequence[ir.Type], expected: Sequence[ir.Type]) -> None:
    require(list(found) == list(expected), f"{what} must have types {_text(expected)}, but have {_text(found)}")


def _operand_types(op: ir.Operation) -> _Types:
    return [value.type for value in op.operands]


def _result_types(op: ir.Operation) -> _Types:
    return [result.type for result in op.results]


def _inexact(types: Sequence[ir.Type]) -> _Types:
    return [type for type in types if is_inexact(type)]


def _require_argnums(op: ir.Operation, count: int) -> tuple[int, ...]:
    argnums: tuple[int, ...] = value_of(op, "argnums")
    require(
        len(set(argnums)) == len(argnums) and all(0 <= i < count for i in argnums),
        f"attribute 'argnums' must have different numbers from 0 to {count - 1}, but is {list(argnums)}",
    )
    return argnums


def _verify_jvp(op: ir.Operation) -> None:
    inputs, results = _types(lookup(op))
    argnums = _require_argnums(op, len(inputs))
    for i in argnums:
        require(is_inexact(inputs[i]), f"argument {i} of the callee is {inputs[i]}, which has no tangents")
    _require_types("the operands", _operand_types(op), [*inputs, *(inputs[i] for i in argnums)])
    _require_types("the results", _result_types(op), [*results, *_inexact(results)])


def _verify_vjp(op: ir.Operation) -> None:
    inputs, results = _types(lookup(op))
    argnums = _require_argnums(op, len(inputs))
    if "policy" in op.attributes:
        require_choice(op, "policy", VJP_POLICIES)
    inexact_count = len(_inexact(results))
    require(
        all(0 <= i < inexact_count for i in value_of(op, "zero_cotangents", ())),
        f"attribute 'zero_cotangents' must have numbers from 0 to {inexact_count - 1}, but is "
        f"{list(value_of(op, 'zero_cotangents', ()))}",
    )
    for name in ("while_bound", "memory_budget"):
        require(value_of(op, name, 0) >= 0, f"attribute '{name}' must not be negative, but is {value_of(op, name)}")
    _require_types("the operands", _operand_types(op), [*inputs, *_inexact(results)])
    _require_types("the results", _result_types(op), [*results, *(cotangent_type(inputs[i]) for i in argnums)])


def _with_axis(type: ir.RankedTensorType, axis: int, size: int, what: str) -> ir.RankedTensorType:
    if axis == -1:
        return type
    shape = list(type.shape)
    require(0 <= axis <= len(shape), f"{what} has axis {axis}, which is not from 0 to {len(shape)} and not -1")
    return ir.RankedTensorType.get([*shape[:axis], size, *shape[axis:]], type.element_type)


def _verify_vmap(op: ir.Operation) -> None:
    inputs, results = _types(lookup(op))
    size = value_of(op, "axis_size")
    require(size >= 0, f"attribute 'axis_size' must not be negative, but is {size}")
    expected: list[_Types] = []
    for name, types in (("in_axes", inputs), ("out_axes", results)):
        axes = value_of(op, name)
        if len(axes) != len(types):
            raise VerificationError(f"attribute '{name}' must have {len(types)} values, but has {len(axes)}")
        expected.append(
            [_with_axis(t, axis, size, f"'{name}'[{i}]") for i, (t, axis) in enumerate(zip(types, axes, strict=True))]
        )
    _require_types("the operands", _operand_types(op), expected[0])
    _require_types("the results", _result_types(op), expected[1])


def _verify_call(op: ir.Operation) -> None:
    inputs, results = _types(lookup(op))
    _require_types("the operands", _operand_types(op), inputs)
    _require_types("the results", _result_types(op), results)


_POLICIES = ("nothing", "dots", "dots_with_no_batch_dims", "everything")


def _verify_checkpoint(op: ir.Operation) -> None:
    _verify_call(op)
    if "policy" in op.attributes:
        require_choice(op, "policy", _POLICIES)


def _require_function(op: ir.Operation, attribute: str, inputs: Sequence[ir.Type], results: Sequence[ir.Type]) -> None:
    found = _types(lookup(op, attribute))
    name = value_of(op, attribute)
    _require_types(f"the arguments of '{attribute}', @{name},", found[0], inputs)
    _require_types(f"the results of '{attribute}', @{name},", found[1], results)


def _verify_nondifferentiable(op: ir.Operation) -> None:
    types = _operand_types(op)
    for i in value_of(op, "nondifferentiable", ()):
        require(0 <= i < len(types), f"attribute 'nondifferentiable' has {i}, but there are {len(types)} operands")
        require(is_inexact(types[i]), f"operand {i} in 'nondifferentiable' is {types[i]}, which never has a derivative")
    require(
        ("nondifferentiable" in op.attributes) == ("reason" in op.attributes),
        "takes attributes 'nondifferentiable' and 'reason' together",
    )


def _verify_custom_jvp(op: ir.Operation) -> None:
    _verify_call(op)
    _verify_nondifferentiable(op)
    inputs, results = _operand_types(op), _result_types(op)
    _require_function(op, "jvp", [*inputs, *_inexact(inputs)], [*results, *_inexact(results)])


def _verify_custom_vjp(op: ir.Operation) -> None:
    _verify_call(op)
    _verify_nondifferentiable(op)
    inputs, results = _operand_types(op), _result_types(op)
    forward = _types(lookup(op, "forward"))
    _require_types("the arguments of 'forward'", forward[0], inputs)
    _require_types("the first results of 'forward'", forward[1][: len(results)], results)
    residuals = forward[1][len(results) :]
    _require_function(op, "backward", [*residuals, *_inexact(results)], _inexact(inputs))


_LINEAR_SOLVE_FUNCTIONS = ("matvec", "transpose_matvec", "solve", "transpose_solve")


def _verify_linear_solve(op: ir.Operation) -> None:
    types, counts = _operand_types(op), value_of(op, "const_counts")
    require(
        len(counts) == 4 and all(count >= 0 for count in counts),
        f"attribute 'const_counts' must have 4 values that are not negative, but is {list(counts)}",
    )
    right = types[sum(counts) :]
    require(
        sum(counts) <= len(types), f"attribute 'const_counts' is {list(counts)}, but there are {len(types)} operands"
    )
    _require_types("the results", _result_types(op), right)
    start = 0
    for attribute, count in zip(_LINEAR_SOLVE_FUNCTIONS, counts, strict=True):
        if attribute in op.attributes:
            _require_function(op, attribute, [*types[start : start + count], *right], right)
        start += count


def _verify_stop_gradient(op: ir.Operation) -> None:
    (operand,), result = operands(op), single_result(op)
    require_same_element(operand, result)
    require_same_shape(operand, result)


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "jvp",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "argnums": Attr.I64_ARRAY},
    doc="""A function's value and its directional derivative (Jacobian-vector product, forward mode).

```mlir
%y, %dy = "astra.jvp"(%x, %n, %dx) {callee = @f, argnums = array<i64: 0>}
    : (tensor<4xf32>, tensor<i32>, tensor<4xf32>) -> (tensor<f32>, tensor<f32>)
```

The operands are the arguments of `callee`, then a tangent for each of `argnums`; other arguments have tangent zero. The
results are those of `callee`, then the tangent of each float or complex one. `astra-autodiff` expands it.
""",
    verify=_verify_jvp,
)
define(
    "vjp",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "argnums": Attr.I64_ARRAY},
    optional_attributes={
        "policy": Attr.STRING,
        "while_bound": Attr.I64,
        "memory_budget": Attr.I64,
        "zero_cotangents": Attr.I64_ARRAY,
    },
    doc="""A function's value and the cotangents of its arguments (vector-Jacobian product, reverse mode).

```mlir
%y, %cx = "astra.vjp"(%x, %n, %cy) {callee = @f, argnums = array<i64: 0>}
    : (tensor<4xf32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<4xf32>)
```

The operands are the arguments of `callee`, then a cotangent for each float or complex result. The results are those of
`callee`, then the cotangent of each argument in `argnums`; that of an integer argument is i1 and false. The product is
the transpose of the Jacobian without conjugation, as in JAX: of `f(z) = a z` it is `a c`. `astra-autodiff` expands it.
`policy` says what is kept of the forward computation: `save-all`, or `recompute-cheap` (the default), which computes
again what costs less than being read back. `memory_budget` is the most bytes of temporaries to aim at by computing more
again; `while_bound` the most iterations of while loops whose number of iterations is not known. `zero_cotangents` are
numbers of cotangents that are zero, for which nothing is computed: not zero times infinity, either.
""",
    verify=_verify_vjp,
)
define(
    "vmap",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "axis_size": Attr.I64, "in_axes": Attr.I64_ARRAY, "out_axes": Attr.I64_ARRAY},
    doc="""A function applied to every slice of its batched arguments.

```mlir
%y = "astra.vmap"(%x, %w) {callee = @f, axis_size = 8 : i64, in_axes = array<i64: 0, -1>, out_axes = array<i64: 1>}
    : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<3x8xf32>
```

`in_axes` has for each argument of `callee` the axis of the operand that is mapped, of size `axis_size`, or -1 where all
applications take the same; `out_axes` where each result has the mapped axis, or -1 for a result that must be the same
for all. `astra-vectorize` expands it.
""",
    verify=_verify_vmap,
)
define(
    "checkpoint",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL},
    optional_attributes={"policy": Attr.STRING},
    doc="""A call that keeps nothing for reverse mode but its operands.

```mlir
%y = "astra.checkpoint"(%x) {callee = @f} : (tensor<4xf32>) -> tensor<4xf32>
```

The value is that of `callee`. Reverse mode runs `callee` once more when its derivative is needed, from the operands.
`policy` says which values inside may be kept all the same: `nothing` (the default), `dots` (results of contractions),
`dots_with_no_batch_dims` or `everything`.
""",
    verify=_verify_checkpoint,
)
define(
    "custom_jvp",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "jvp": Attr.SYMBOL},
    optional_attributes={"nondifferentiable": Attr.I64_ARRAY, "reason": Attr.STRING},
    doc="""A call whose derivative is given by another function.

```mlir
%y = "astra.custom_jvp"(%x) {callee = @f, jvp = @f_jvp} : (tensor<4xf32>) -> tensor<4xf32>
```

The value is that of `callee`. `jvp` takes the operands and a tangent for each float or complex one, and gives the
results and a tangent for each float or complex result, linear in the tangents. Reverse mode transposes it. `jvp` may
use the operation itself, so derivatives of any order exist.

By operands in `nondifferentiable` there is no derivative, for the `reason` given: taking it is refused.
""",
    verify=_verify_custom_jvp,
)
define(
    "custom_vjp",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "forward": Attr.SYMBOL, "backward": Attr.SYMBOL},
    optional_attributes={"nondifferentiable": Attr.I64_ARRAY, "reason": Attr.STRING},
    doc="""A call whose reverse-mode derivative is given by two other functions.

```mlir
%y = "astra.custom_vjp"(%x) {callee = @f, forward = @f_fwd, backward = @f_bwd} : (tensor<4xf32>) -> tensor<4xf32>
```

The value is that of `callee`. `forward` takes the operands and gives the results, then residuals; `backward` takes the
residuals and a cotangent for each float or complex result, and gives one for each float or complex operand. Forward
mode of such a call is refused, and so is the derivative by operands in `nondifferentiable`, for the `reason` given.
""",
    verify=_verify_custom_vjp,
)
define(
    "custom_vmap",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"callee": Attr.SYMBOL, "rule": Attr.STRING},
    doc="""A call whose batched form is given by a rule of the program that captured it.

```mlir
%y = "astra.custom_vmap"(%x) {callee = @f, rule = "f 0"} : (tensor<4xf32>) -> tensor<4xf32>
```

The value is that of `callee`. `rule` names a function that `astra-vectorize` asks, in the process that captured the
program, for the form with some operands batched; in another process such a call cannot be batched and is refused.
""",
    verify=_verify_call,
)
define(
    "linear_solve",
    family="transform",
    operands=("*operands",),
    results=("*results",),
    attributes={"matvec": Attr.SYMBOL, "solve": Attr.SYMBOL, "const_counts": Attr.I64_ARRAY},
    optional_attributes={"transpose_matvec": Attr.SYMBOL, "transpose_solve": Attr.SYMBOL},
    doc="""Solve a linear system with the program's own solver, differentiated implicitly.

```mlir
%x = "astra.linear_solve"(%a, %a, %b) {matvec = @matvec, solve = @solve, const_counts = array<i64: 1, 0, 1, 0>}
    : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>
```

The operands are constants of `matvec`, of `transpose_matvec`, of `solve` and of `transpose_solve`, as many as
`const_counts` says, then the right-hand side b. Each function takes its constants and a vector like b. The value is
that of `solve`, taken to be the x with matvec(x) = b. Its tangent solves the same system, its cotangent the transposed
one with `transpose_solve`; no derivative of the solver itself is taken.
""",
    verify=_verify_linear_solve,
)
define(
    "stop_gradient",
    family="transform",
    operands=("operand",),
    doc="""The operand, as a constant to differentiation.

```mlir
%result = "astra.stop_gradient"(%operand) : (tensor<4xf32>) -> tensor<4xf32>
```

Its tangent and the cotangent of its operand are zero.
""",
    verify=_verify_stop_gradient,
)
