"""What the axis analysis says of offsets and masks holds of the numbers: runs, divisors and equals, by trying."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.passes.gpu.axes import AxisAnalysis, Facts
from tests.passes.gpu.programs import expand, outer

# body that defines %o, and whether the widest facts are expected: (dimension, contiguity, divisibility, constancy)
RANGE = """
  %r = @arange() {start = 0 : i64} : () -> tensor<64xi32>
"""
CASES = {
    "range": (RANGE + "%o = arith.addi %r, %r : tensor<64xi32>", (0, 1, 1, 1)),
    "moved": (
        RANGE + "%c = arith.constant dense<48> : tensor<64xi32>\n %o = arith.addi %r, %c : tensor<64xi32>",
        (0, 64, 16, 1),
    ),
    "scalar": (
        RANGE + "%s = tensor.splat %n : tensor<64xi32>\n %o = arith.addi %s, %r : tensor<64xi32>", (0, 64, 16, 1)
    ),
    "split": (
        "%i = @arange() {start = 0 : i64} : () -> tensor<128xi32>\n"
        "%o = @reshape(%i) : (tensor<128xi32>) -> tensor<8x16xi32>", (1, 16, 16, 1),
    ),
    "outer": (
        RANGE + "%q = @arange() {start = 0 : i64} : () -> tensor<16xi32>\n" + outer("o", "q", "r", 16, 64, "n"),
        (1, 64, 16, 1),
    ),
    "quotient": (
        RANGE + "%c = arith.constant dense<8> : tensor<64xi32>\n %o = arith.divsi %r, %c : tensor<64xi32>", (0, 1, 1, 8)
    ),
    "remainder": (
        RANGE + "%c = arith.constant dense<8> : tensor<64xi32>\n %o = arith.remsi %r, %c : tensor<64xi32>", (0, 8, 8, 1)
    ),
    "mask": (
        RANGE + "%s = tensor.splat %n : tensor<64xi32>\n %o = arith.cmpi slt, %r, %s : tensor<64xi32>", (0, 1, 1, 16)
    ),
    "strict": (
        RANGE + "%s = tensor.splat %n : tensor<64xi32>\n %o = arith.cmpi sle, %r, %s : tensor<64xi32>", (0, 1, 1, 1)
    ),
    "turned": (
        RANGE + "%s = tensor.splat %n : tensor<64xi32>\n %o = arith.cmpi sgt, %s, %r : tensor<64xi32>", (0, 1, 1, 16)
    ),
    "product": (
        RANGE + "%s = tensor.splat %n : tensor<64xi32>\n %o = arith.muli %s, %r : tensor<64xi32>", (0, 1, 16, 1)
    ),
}  # fmt: skip
NUMPY = {
    "arith.addi": np.add, "arith.muli": np.multiply, "arith.divsi": np.floor_divide, "arith.remsi": np.remainder,
}  # fmt: skip
COMPARE = {2: np.less, 3: np.less_equal, 4: np.greater}


def evaluated(op: ir.Operation, values: dict[ir.Value, np.ndarray]) -> np.ndarray:
    kind = op.results[0].type
    shape = tuple(kind.shape) if isinstance(kind, ir.RankedTensorType) else ()
    x = [values[operand] for operand in op.operands]
    match op.name:
        case "arith.constant":
            return np.full(shape, op.attributes["value"].get_splat_value().value)
        case "astra.tile_arange":
            return np.arange(shape[0]) + ir.IntegerAttr(op.attributes["start"]).value
        case "astra.tile_reshape":
            return x[0].reshape(shape)
        case "astra.tile_broadcast" | "tensor.splat":
            return np.broadcast_to(x[0], shape)
        case "arith.cmpi":
            return COMPARE[ir.IntegerAttr(op.attributes["predicate"]).value](*x)
    return NUMPY[op.name](*x)


def holds(facts: Facts, array: np.ndarray) -> None:
    for dim in range(array.ndim):
        lines = np.moveaxis(array.astype(np.int64), dim, -1).reshape(-1, array.shape[dim])
        runs = lines.reshape(-1, facts.contiguity[dim])
        assert (np.diff(runs, axis=1) == 1).all()
        assert (runs[:, 0] % facts.divisibility[dim] == 0).all()
        assert (np.diff(lines.reshape(-1, facts.constancy[dim]), axis=1) == 0).all()


@pytest.mark.parametrize("name", list(CASES))
def test_facts_hold(name: str) -> None:
    body, (dim, contiguity, divisibility, constancy) = CASES[name]
    text = "func.func @k(%n: i32 {astra.divisibility = 16 : i64}) {\n" + expand(body) + "\nreturn\n}"
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        block = next(iter(module.body.operations)).regions[0].blocks[0]
        analysis = AxisAnalysis()
        for n in (16, 48, 0):
            values = {block.arguments[0]: np.asarray(n)}
            for op in block.operations:
                if op.operation.results:
                    result = op.operation.results[0]
                    values[result] = evaluated(op.operation, values)
                    if values[result].ndim:
                        holds(analysis(result), values[result])
        facts = analysis(result)
    assert facts.contiguity[dim] == contiguity
    assert math.gcd(facts.divisibility[dim], 16) == math.gcd(divisibility, 16)
    assert facts.constancy[dim] == constancy
