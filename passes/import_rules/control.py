"""Import of structured control flow, of composites, and of tuples, which vanish."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir
from astra_mlir.passes.conversion import Rule
from astra_mlir.passes.import_rules.core import Importer, integer, refuse, rule
from astra_mlir.passes.import_rules.sorting import top_k


@rule("stablehlo.return")
def _return(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    b.op("yield", list(op.operands), [])
    return ()


def _keep_regions(name: str) -> Rule:
    def convert(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
        new = b.op(name, list(op.operands), [result.type for result in op.results])
        for source, target in zip(op.regions, new.regions, strict=True):
            b.move_region(source, target)
        return new.results

    return convert


rule("stablehlo.if")(_keep_regions("if"))
rule("stablehlo.while")(_keep_regions("while"))


@rule("stablehlo.case")
def _case(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    """A chain of two-way choices; an index out of range takes the last branch."""
    (index,) = op.operands
    types = [result.type for result in op.results]
    branches = list(op.regions)
    if len(branches) == 1:
        return _inline_branch(op, branches[0], b)
    predicate = _converted_predicate(index)
    if len(branches) == 2 and predicate is not None:
        choice = b.op("if", [predicate], types)
        b.move_region(branches[1], choice.regions[0])
        b.move_region(branches[0], choice.regions[1])
        return choice.results
    predicate_type = ir.RankedTensorType.get([], ir.IntegerType.get_signless(1))
    ip, loc = b.ip, b.loc
    outer = None
    for number, branch in enumerate(branches[:-1]):
        this = b.scalar(number, index.type.element_type)
        taken = b.emit("compare", [index, this], predicate_type, direction="EQ", compare_type="SIGNED")
        choice = b.op("if", [taken], types)
        if outer is None:
            outer = choice
        else:
            b.op("yield", list(choice.results), [])
        b.move_region(branch, choice.regions[0])
        if number + 2 < len(branches):
            b.ip = ir.InsertionPoint(choice.regions[1].blocks.append())
        else:
            b.move_region(branches[-1], choice.regions[1])
    b.ip, b.loc = ip, loc
    assert outer is not None  # two branches at least
    return outer.results


def _converted_predicate(index: ir.Value) -> ir.Value | None:
    """The truth value that an index is, 0 or 1: how JAX lowers a two-way choice."""
    owner = index.owner
    if not isinstance(owner, (ir.Operation, ir.OpView)) or owner.name != "astra.convert":
        return None
    element = owner.operands[0].type.element_type
    is_boolean = isinstance(element, ir.IntegerType) and element.width == 1
    return owner.operands[0] if is_boolean else None


def _inline_branch(op: ir.Operation, branch: ir.Region, b: Importer) -> list[ir.Value]:
    """Move the operations of a branch in front of the operation being replaced."""
    block = branch.blocks[0]
    b.convert_block(block)
    *operations, end = list(block.operations)
    for operation in operations:
        operation.operation.move_before(op.operation)
    return list(end.operands)


# --- calls -------------------------------------------------------------------------------------------------------


@rule("stablehlo.composite")
def _composite(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    """A known function by its name, or else a call of what the composite stands for."""
    name = op.attributes["name"].value
    types = [result.type for result in op.results]
    if name == "chlo.top_k":
        return top_k(op.operands[0], types, op.attributes["composite_attributes"]["k"], True, b)
    if name in _KNOWN_COMPOSITES:
        return b.op(_KNOWN_COMPOSITES[name], list(op.operands), types).results
    return ir.Operation.create(
        "func.call",
        results=types,
        operands=list(op.operands),
        attributes={"callee": op.attributes["decomposition"]},
        loc=b.loc,
        ip=b.ip,
    ).results


# Composites that are an Astra operation under another name; chlo.top_k is one with attributes.
_KNOWN_COMPOSITES = {"chlo.erf": "erf", "chlo.tan": "tan"}


def is_known_composite(name: str) -> bool:
    """Whether a composite of this name becomes an operation of its own, so that its decomposition is not used."""
    return name == "chlo.top_k" or name in _KNOWN_COMPOSITES


# --- tuples ------------------------------------------------------------------------------------------------------


@rule("stablehlo.tuple")
def _tuple(op: ir.Operation, b: Importer) -> None:
    b.tuples[op.results[0]] = [b.tuples.get(operand, operand) for operand in op.operands]


@rule("stablehlo.get_tuple_element")
def _get_tuple_element(op: ir.Operation, b: Importer) -> Sequence[ir.Value] | None:
    (operand,) = op.operands
    if operand not in b.tuples:
        refuse(op, "the tuple is made outside of this function; give the function one argument an element instead")
    element = b.tuples[operand][integer(op, "index")]
    if not isinstance(element, list):
        return [element]
    b.tuples[op.results[0]] = element
    return None
