"""Structured control flow of the Astra dialect, and the terminator of every region."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    compatible_types,
    element_class,
    operands,
    require_region,
    results,
    scalar_type,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

# --- verifiers ---------------------------------------------------------------------------------------------------


def _verify_if(op: ir.Operation) -> None:
    (predicate,) = operands(op)
    boolean = ir.IntegerType.get_signless(1)
    require(
        not predicate.shape and predicate.element == boolean,
        f"{predicate.what} must be tensor<i1>, but is {predicate.type}",
    )
    types = [result.type for result in results(op)]
    require_region(op, 0, "then", [], types, "C3")
    require_region(op, 1, "else", [], types, "C2")


def _verify_while(op: ir.Operation) -> None:
    types = [operand.type for operand in operands(op)]
    found = [result.type for result in results(op)]
    require(
        len(found) == len(types) and all(map(compatible_types, types, found)),
        f"has initial values ({_text(types)}), but results ({_text(found)}) (C3)",
    )
    require_region(op, 0, "condition", types, [scalar_type(ir.IntegerType.get_signless(1))], "C1")
    require_region(op, 1, "body", types, types, "C2")
    limit = value_of(op, "max_trip_count", 0)
    require(limit >= 0, f"attribute 'max_trip_count' must not be negative, but is {limit}")


def _text(types: list[ir.RankedTensorType]) -> str:
    return ", ".join(map(str, types))


def _verify_scan(op: ir.Operation) -> None:
    values, found = operands(op), results(op)
    trip_count, num_carries = value_of(op, "trip_count"), value_of(op, "num_carries")
    require(trip_count >= 0, f"attribute 'trip_count' must not be negative, but is {trip_count}")
    if not 0 <= num_carries <= min(len(values), len(found)):
        raise VerificationError(
            f"attribute 'num_carries' is {num_carries}, but there are {len(values)} operands and {len(found)} results"
        )
    for stacked in (*values[num_carries:], *found[num_carries:]):
        if not stacked.shape or stacked.shape[0] != trip_count:
            raise VerificationError(
                f"{stacked.what} must have a leading dimension of trip_count, {trip_count}, but is {stacked.type}"
            )
    carries = [value.type for value in values[:num_carries]]
    for carry, result in zip(carries, found[:num_carries], strict=True):
        require(compatible_types(carry, result.type), f"{result.what} is {result.type}, but its initial value {carry}")
    index = _index_type(op)
    xs = [ir.RankedTensorType.get(value.shape[1:], value.element) for value in values[num_carries:]]
    ys = [ir.RankedTensorType.get(result.shape[1:], result.element) for result in found[num_carries:]]
    require_region(op, 0, "body", [index, *carries, *xs], [*carries, *ys])


def _index_type(op: ir.Operation) -> ir.RankedTensorType:
    """The type of the body's first argument: a rank-0 i32 or i64 tensor (if it is none, what it ought to be)."""
    for block in op.regions[0].blocks:
        if len(block.arguments):
            found = block.arguments[0].type
            if isinstance(found, ir.RankedTensorType) and not found.shape and element_class(found.element_type) == "s":
                require(found.element_type.width in (32, 64), f"the body's index must be i32 or i64, but is {found}")
                return found
    return scalar_type(ir.IntegerType.get_signless(64))


# --- declarations ------------------------------------------------------------------------------------------------

define(
    "if",
    family="control",
    operands=("predicate",),
    results=("*results",),
    regions=2,
    doc="""Run one of two regions.

```mlir
%result = "astra.if"(%predicate) ({
  %a = "astra.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  "astra.yield"(%a) : (tensor<f32>) -> ()
}, {
  %b = "astra.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  "astra.yield"(%b) : (tensor<f32>) -> ()
}) : (tensor<i1>) -> tensor<f32>
```

The first where `predicate` is true, else the second; the results are what it yields. The regions take no arguments and
may use values from outside.
""",
    verify=_verify_if,
)
define(
    "while",
    family="control",
    operands=("*inits",),
    results=("*results",),
    optional_attributes={"max_trip_count": Attr.I64},
    regions=2,
    doc="""Repeat a region while a condition on the carried values holds.

```mlir
%result = "astra.while"(%init) ({
^condition(%i: tensor<i32>):
  %limit = "astra.constant"() {value = dense<10> : tensor<i32>} : () -> tensor<i32>
  %less = "astra.compare"(%i, %limit) {direction = "LT", compare_type = "SIGNED"}
      : (tensor<i32>, tensor<i32>) -> tensor<i1>
  "astra.yield"(%less) : (tensor<i1>) -> ()
}, {
^body(%i: tensor<i32>):
  %next = "astra.add"(%i, %i) : (tensor<i32>, tensor<i32>) -> tensor<i32>
  "astra.yield"(%next) : (tensor<i32>) -> ()
}) : (tensor<i32>) -> tensor<i32>
```

Both regions take the carried values, which begin as the operands. While the first yields true, the second yields the
next ones; the results are the last. `max_trip_count` promises that there are at most so many iterations.
""",
    verify=_verify_while,
)
define(
    "scan",
    family="control",
    operands=("*operands",),
    results=("*results",),
    attributes={"trip_count": Attr.I64, "num_carries": Attr.I64, "reverse": Attr.BOOL},
    regions=1,
    doc="""Repeat a region a known number of times, reading slices of stacked inputs and stacking outputs.

```mlir
%sum, %partial_sums = "astra.scan"(%init, %xs) ({
^body(%i: tensor<i32>, %carry: tensor<4xf32>, %x: tensor<4xf32>):
  %next = "astra.add"(%carry, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  "astra.yield"(%next, %next) : (tensor<4xf32>, tensor<4xf32>) -> ()
}) {trip_count = 10 : i64, num_carries = 1 : i64, reverse = false}
    : (tensor<4xf32>, tensor<10x4xf32>) -> (tensor<4xf32>, tensor<10x4xf32>)
```

The operands are `num_carries` initial values, then inputs whose leading dimension is `trip_count`. In each iteration
the region takes its number (i32 or i64, from 0), the carried values and a slice of each input without the leading
dimension; it yields the next carried values and a slice of each stacked output. The results are the last carried values
and the stacked outputs. Iteration `i` reads and writes slice `i`, with `reverse` slice `trip_count - 1 - i`. Without
inputs and outputs this is a counted loop.
""",
    verify=_verify_scan,
)
define(
    "yield",
    family="control",
    operands=("*values",),
    results=(),
    terminator=True,
    doc="""End a region of an Astra operation with the values it gives.

```mlir
%result = "astra.if"(%predicate) ({
  %a = "astra.constant"() {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  "astra.yield"(%a) : (tensor<i32>) -> ()
}, {
  %b = "astra.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
  "astra.yield"(%b) : (tensor<i32>) -> ()
}) : (tensor<i1>) -> tensor<i32>
```

What the values are for is said by the operation that has the region.
""",
)
