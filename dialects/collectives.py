"""Communication between the devices that run one program."""

from __future__ import annotations

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import (
    Tensor,
    operands,
    require_choice,
    require_dimension,
    require_element,
    require_no_region,
    require_region,
    require_same_element,
    require_same_shape,
    require_shape,
    scalar_type,
    single_result,
)
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.dialects.reduction import COMBINER_KINDS

__all__ = ["COLLECTIVES", "EXCHANGE_KINDS"]

EXCHANGE_KINDS = ("gather", "all_to_all", "permute", "broadcast")

# --- verifiers ---------------------------------------------------------------------------------------------------


def _group_size(op: ir.Operation, name: str = "replica_groups", constraint: str = "") -> int:
    """The size of the groups, checked to be rows of different, non-negative numbers (-1 fills short rows)."""
    attribute = value_of(op, name)
    require(
        isinstance(attribute, ir.DenseElementsAttr) and len(attribute.type.shape) == 2,
        f"attribute '{name}' must be a matrix of integers, but is {attribute}{constraint and f' ({constraint})'}",
    )
    rows = to_numpy(attribute)
    members = [int(member) for member in rows.reshape(-1) if member != -1]
    require(len(set(members)) == len(members) and all(m >= 0 for m in members),
            f"attribute '{name}' repeats a member or has a negative one: {rows.tolist()} (C2)")  # fmt: skip
    return int(rows.shape[1])


def _of_one(op: ir.Operation) -> tuple[Tensor, Tensor]:
    (operand,), result = operands(op), single_result(op)
    require_element(operand, "bifc")
    return operand, result


def _require_parts(op: ir.Operation, dimension: str, where: str, what: str, *, gathers: bool) -> Tensor:
    """That result (or operand) is made of a part of each member along a dimension; gives the operand."""
    operand, result = _of_one(op)
    dim, size = value_of(op, dimension), _group_size(op)
    require_dimension(dimension, dim, operand, where)
    require_same_element(operand, result, what)
    require(len(result.shape) == len(operand.shape), f"result must have the rank of {operand.type} ({what})")
    expected = [size_ if d != dim else result.shape[d] for d, size_ in enumerate(operand.shape)]
    require_shape(result, expected, f"that of the operand except along '{dimension}'", what)
    part, whole = (operand, result) if gathers else (result, operand)
    n, total = part.shape[dim], whole.shape[dim]
    require(
        n <= 0 or total < 0 or (total % n == 0 and (not size or total // n % size == 0)),
        f"{'result' if gathers else 'the operand'} must be a multiple of {size} times {n} along dimension {dim}, "
        f"but is {whole.type} ({what})",
    )
    return operand


def _verify_all_gather(op: ir.Operation) -> None:
    _require_parts(op, "all_gather_dim", "C1", "C6", gathers=True)


def _verify_combiner(op: ir.Operation, element: ir.Type) -> None:
    kind = require_choice(op, "kind", COMBINER_KINDS)
    if kind == "custom":
        scalar = scalar_type(element)
        require_region(op, 0, "computation", [scalar, scalar], [scalar], "C5")
    else:
        require_no_region(op, 0, "computation", kind)


def _verify_all_reduce(op: ir.Operation) -> None:
    operand, result = _of_one(op)
    _group_size(op)
    require_same_element(operand, result, "C6")
    require_same_shape(operand, result, "C6")
    _verify_combiner(op, operand.element)


def _verify_reduce_scatter(op: ir.Operation) -> None:
    operand = _require_parts(op, "scatter_dimension", "C2", "C8", gathers=False)
    _verify_combiner(op, operand.element)


def _verify_all_to_all(op: ir.Operation) -> None:
    operand, result = _of_one(op)
    split, concat, count = (value_of(op, name) for name in ("split_dimension", "concat_dimension", "split_count"))
    _group_size(op)
    require_dimension("split_dimension", split, operand, "C1")
    require_dimension("concat_dimension", concat, operand, "C3")
    require(count > 0, f"attribute 'split_count' is {count}, but must be positive (C4)")
    require_same_element(operand, result, "C9")
    expected = list(operand.shape)
    if expected[split] >= 0:
        require(expected[split] % count == 0, f"dimension {split} of {operand.type} is not a multiple of {count} (C2)")
        expected[split] //= count
    if expected[concat] >= 0:
        expected[concat] *= count
    require_shape(result, expected, "split and concatenated", "C9")


def _verify_collective_permute(op: ir.Operation) -> None:
    operand, result = _of_one(op)
    attribute = value_of(op, "source_target_pairs")
    require(
        isinstance(attribute, ir.DenseElementsAttr) and len(attribute.type.shape) == 2,
        f"attribute 'source_target_pairs' must be a matrix of integers, but is {attribute} (C1)",
    )
    pairs = to_numpy(attribute)
    require(
        pairs.size == 0 or pairs.shape[1] == 2,
        f"attribute 'source_target_pairs' must have pairs: {pairs.tolist()} (C1)",
    )
    for column, name, cited in ((0, "source", "C2"), (1, "target", "C3")):
        members = pairs[:, column].tolist() if pairs.size else []
        require(
            len(set(members)) == len(members) and all(m >= 0 for m in members),
            f"attribute 'source_target_pairs' repeats a {name} or has a negative one: {members} ({cited})",
        )
    require_same_element(operand, result, "C5")
    require_same_shape(operand, result, "C5")


def _verify_collective_broadcast(op: ir.Operation) -> None:
    operand, result = _of_one(op)
    _group_size(op)
    require_same_element(operand, result, "C3")
    require_same_shape(operand, result, "C3")


def _verify_id(op: ir.Operation) -> None:
    result = single_result(op)
    require_shape(result, [], "one number")
    require(str(result.element) == "ui32", f"result must be ui32, but is {result.type}")


def _verify_participant(op: ir.Operation) -> None:
    result = single_result(op)
    require_shape(result, [], "one number")
    require(str(result.element) == "i64", f"result must be i64, but is {result.type}")


def _verify_exchange(op: ir.Operation) -> None:
    operand, result = _of_one(op)
    kind = require_choice(op, "kind", EXCHANGE_KINDS)
    size = _group_size(op, "groups")
    pairs = value_of(op, "pairs")
    require((pairs is not None) == (kind == "permute"), "attribute 'pairs' belongs to the kind 'permute'")
    require_same_element(operand, result)
    if kind == "gather":
        require_shape(result, [size, *operand.shape], "that of the operand for each member of a group")
    else:
        require_same_shape(operand, result)
    if kind == "all_to_all":
        require(operand.shape[:1] == [size], f"the operand must have {size} pieces, but is {operand.type}")


# --- operations --------------------------------------------------------------------------------------------------

_TEAM = {"channel": Attr.I64_ARRAY, "use_global_device_ids": Attr.BOOL}
_GROUPS = """
`replica_groups` has a row for each group (-1 fills short ones; without rows, all are one group). `channel`, the handle
and type of a channel, and `use_global_device_ids` say what its numbers mean, as in the StableHLO specification: of
replicas, of partitions, or of all devices of the program, replica by replica.
"""
_ATTRIBUTE = "replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>"

define(
    "all_gather",
    family="collective",
    operands=("operand",),
    attributes={"all_gather_dim": Attr.I64, "replica_groups": Attr.ELEMENTS},
    optional_attributes=_TEAM,
    pure=False,
    doc=f"""The operands of all members of a group, one after the other along a dimension.

```mlir
%result = "astra.all_gather"(%operand) {{all_gather_dim = 0 : i64, {_ATTRIBUTE}}} : (tensor<2x3xf32>) -> tensor<4x3xf32>
```
{_GROUPS}""",
    verify=_verify_all_gather,
)
define(
    "all_reduce",
    family="collective",
    operands=("operand",),
    attributes={"kind": Attr.STRING, "replica_groups": Attr.ELEMENTS},
    optional_attributes=_TEAM,
    regions=1,
    pure=False,
    doc=f"""The operands of all members of a group, combined element by element.

```mlir
%result = "astra.all_reduce"(%operand) ({{}}) {{kind = "add", {_ATTRIBUTE}}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
```

`kind` is that of [reduce](#astrareduce), without `argmax` and `argmin`; the region is empty unless it is `custom`. All
members have the same bits, which depend on the members' order in the group and on nothing else.
{_GROUPS}""",
    verify=_verify_all_reduce,
)
define(
    "reduce_scatter",
    family="collective",
    operands=("operand",),
    attributes={"scatter_dimension": Attr.I64, "kind": Attr.STRING, "replica_groups": Attr.ELEMENTS},
    optional_attributes=_TEAM,
    regions=1,
    pure=False,
    doc=f"""The operands of all members of a group, combined; each member gets its part along a dimension.

```mlir
%result = "astra.reduce_scatter"(%operand) ({{}}) {{kind = "add", {_ATTRIBUTE}, scatter_dimension = 0 : i64}}
    : (tensor<4x3xf32>) -> tensor<2x3xf32>
```

`kind` is that of [all_reduce](#astraall_reduce).
{_GROUPS}""",
    verify=_verify_reduce_scatter,
)
define(
    "all_to_all",
    family="collective",
    operands=("operand",),
    attributes={
        "split_dimension": Attr.I64, "concat_dimension": Attr.I64, "split_count": Attr.I64,
        "replica_groups": Attr.ELEMENTS,
    },
    optional_attributes={"channel": Attr.I64_ARRAY},
    pure=False,
    doc=f"""Each member of a group sends its parts along one dimension, the i-th to the i-th member, and gets as many.

```mlir
%result = "astra.all_to_all"(%operand) {{concat_dimension = 1 : i64, {_ATTRIBUTE}, split_count = 2 : i64,
    split_dimension = 0 : i64}} : (tensor<4x3xf32>) -> tensor<2x6xf32>
```

What comes is concatenated in the order of the group.
{_GROUPS}""",
    verify=_verify_all_to_all,
)  # fmt: skip
define(
    "collective_permute",
    family="collective",
    operands=("operand",),
    attributes={"source_target_pairs": Attr.ELEMENTS},
    optional_attributes={"channel": Attr.I64_ARRAY},
    pure=False,
    doc="""Each target gets the operand of its source; what is no target gets zeros.

```mlir
%result = "astra.collective_permute"(%operand) {source_target_pairs = dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>}
    : (tensor<2x3xf32>) -> tensor<2x3xf32>
```

The numbers are those of replicas, or of partitions if there is a `channel` with a positive handle.
""",
    verify=_verify_collective_permute,
)
define(
    "collective_broadcast",
    family="collective",
    operands=("operand",),
    attributes={"replica_groups": Attr.ELEMENTS},
    optional_attributes={"channel": Attr.I64_ARRAY},
    pure=False,
    doc=f"""The operand of the first member of the group; what is in no group gets zeros.

```mlir
%result = "astra.collective_broadcast"(%operand) {{{_ATTRIBUTE}}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
```
{_GROUPS}""",
    verify=_verify_collective_broadcast,
)
for _name, _what in (("replica_id", "replica"), ("partition_id", "partition")):
    define(
        _name,
        family="collective",
        doc=f"""The number of the {_what} that this device runs.

```mlir
%result = "astra.{_name}"() : () -> tensor<ui32>
```
""",
        verify=_verify_id,
    )
define(
    "participant",
    family="collective",
    doc="""The number of this device among all that run the program: `replica_id * number of partitions + partition_id`.

```mlir
%result = "astra.participant"() : () -> tensor<i64>
```
""",
    verify=_verify_participant,
)
define(
    "exchange",
    family="collective",
    operands=("operand",),
    attributes={"kind": Attr.STRING, "groups": Attr.ELEMENTS},
    optional_attributes={"pairs": Attr.ELEMENTS},
    pure=False,
    doc="""What the runtime does for the devices of a group; all other collectives are made of it.

```mlir
%result = "astra.exchange"(%operand) {groups = dense<[[0, 1]]> : tensor<1x2xi64>, kind = "gather"}
    : (tensor<3xf32>) -> tensor<2x3xf32>
```

`groups` has numbers of participants. `gather` gives the operands of all members; `all_to_all` sends the i-th part along
the first dimension to the i-th member; `permute` sends from the first to the second of each of `pairs`, and zeros
to all others; `broadcast` gives the first member's operand.
""",
    verify=_verify_exchange,
)

COLLECTIVES = frozenset(
    f"astra.{name}"
    for name in (
        "all_gather", "all_reduce", "reduce_scatter", "all_to_all", "collective_permute", "collective_broadcast",
        "replica_id", "partition_id",
    )
)  # fmt: skip
