"""Results that take over the memory of donated arguments: the parameters of a train step, updated in place.

Used by ``astra-bufferize``.  An argument is donated where it has the attribute ``jax.buffer_donor`` or
``tf.aliasing_output`` (as JAX writes them); its memory becomes that of the first result of its type that can be made
there: where nothing reads the argument any more once the result is written.  ``astra.aliases`` on the function says for
each result which argument's memory it is in (-1: its own); who calls passes the same address for both.
"""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.buffers import Scope
from astra_mlir.passes.memref_utils import is_tensor

__all__ = ["ALIASES", "aliases_of", "is_donated", "without_reshapes"]

ALIASES = "astra.aliases"
_DONORS = ("jax.buffer_donor", "tf.aliasing_output")
_RESHAPES = ("tensor.expand_shape", "tensor.collapse_shape", "astra.optimization_barrier")
_VIEWS = (*_RESHAPES, "tensor.extract_slice")
_LOOPS = ("scf.for", "scf.while")


def aliases_of(func: ir.Operation, scope: Scope, results: Sequence[ir.Value]) -> list[int]:
    """For each result the number of the donated argument whose memory it takes over, or -1."""
    aliases = [-1] * len(results)
    if "arg_attrs" not in func.attributes:
        return aliases
    for number, marks in enumerate(ir.ArrayAttr(func.attributes["arg_attrs"])):
        argument = scope.block.arguments[number]
        if not _is_donor(marks) or not is_tensor(argument):
            continue
        for i, result in enumerate(results):
            if aliases[i] < 0 and result.type == argument.type and _can_take_over(result, argument, scope):
                aliases[i] = number
                break
    return aliases


def is_donated(value: ir.Value) -> bool:
    """Whether a value is an argument of a function that its caller gives away."""
    if not isinstance(value.owner, ir.Block) or "arg_attrs" not in value.owner.owner.attributes:
        return False
    marks = ir.ArrayAttr(value.owner.owner.attributes["arg_attrs"])
    return _is_donor(marks[ir.BlockArgument(value).arg_number])


def _is_donor(marks: ir.Attribute) -> bool:
    return any(name in ir.DictAttr(marks) for name in _DONORS)


def without_reshapes(value: ir.Value) -> ir.Value:
    """The value of which ``value`` is a reshape, as far as nothing else uses it."""
    while not isinstance(value.owner, ir.Block) and value.owner.operation.name in _RESHAPES:
        source = value.owner.operation.operands[0]
        if len(list(source.uses)) > 1:
            break
        value = source
    return value


def _views(value: ir.Value) -> list[ir.Value]:
    """A value and all that is a view of it."""
    found = [value]
    for use in value.uses:
        op = use.owner.operation
        if op.name in _VIEWS:
            found += _views(op.results[0])
    return found


def _can_take_over(result: ir.Value, argument: ir.Value, scope: Scope) -> bool:
    """Whether the last operation that reads the argument is before the one that computes the result, or is that one
    and reads each element before it writes it."""
    views = _views(argument)
    if result in views:
        return True
    result = without_reshapes(result)
    if isinstance(result.owner, ir.Block):
        return False
    op = result.owner.operation
    written = next((i for i, other in enumerate(scope.operations) if other == op), -1)
    read = max(scope.last_use.get(view, -1) for view in views)
    if read != written:
        return read < written
    if op.name == "tensor.insert_slice":
        return op.operands[1] in views and op.operands[0] not in views
    if op.name in _LOOPS:
        return [operand in views for operand in op.operands].count(True) == 1
    if op.name != "linalg.generic" or not all("parallel" in str(kind) for kind in op.attributes["iterator_types"]):
        return False
    maps, inputs = list(op.attributes["indexing_maps"]), op.attributes["operandSegmentSizes"][0]
    own = maps[inputs + result.result_number]
    return all(maps[i] == own for i, operand in enumerate(op.operands) if i < inputs and operand in views)
