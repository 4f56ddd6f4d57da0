"""astra-simplify: what is left of small programs, and that their values stay the same bit by bit."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from astra_mlir.bindings import func, ir, make_context
from astra_mlir.dialects import build, elements
from astra_mlir.passes import run_pipeline

from .interpretation import evaluate, operations, same_bits, transformed
from .random_programs import INPUTS, F, N, P, constant, op, program, programs
from .round_trip import random_inputs
from .stablehlo_programs import PROGRAMS, Program


def check(body: str, results: dict[str, str], left: list[str], *, evaluated: bool = True) -> None:
    text = program(body, results)
    assert operations(transformed(text, "astra-simplify")) == left
    if not evaluated:  # the interpreter itself crashes on an integer division by zero
        return
    inputs = list(INPUTS.values())
    for before, after in zip(evaluate(text, inputs), evaluate(text, inputs, "astra-simplify"), strict=True):
        assert same_bits(before, after), (before, after)


@dataclass(frozen=True)
class Case:
    """A binary function with a constant and what is left of it."""

    function: str
    value: str
    type: str
    left: list[str]
    constant_first: bool = False


WITH_CONSTANT = [
    Case("add", "-0.0", F, []), Case("add", "0.0", F, ["add"]), Case("subtract", "0.0", F, []),
    Case("subtract", "-0.0", F, ["subtract"]), Case("multiply", "1.0", F, []), Case("multiply", "0.0", F, ["multiply"]),
    Case("multiply", "-1.0", F, ["negate"]), Case("divide", "1.0", F, []), Case("divide", "8.0", F, ["multiply"]),
    Case("divide", "3.0", F, ["divide"]), Case("divide", "0.0", F, ["divide"]), Case("power", "1.0", F, []),
    Case("power", "2.0", F, ["multiply"]), Case("power", "0.5", F, ["power"]),
    Case("maximum", "0xFF800000", F, []), Case("minimum", "0x7F800000", F, []), Case("maximum", "0.0", F, ["maximum"]),
    Case("subtract", "-0.0", F, ["negate"], True), Case("subtract", "0.0", F, ["subtract"], True),
    Case("add", "0", N, []), Case("subtract", "0", N, []), Case("multiply", "1", N, []), Case("multiply", "0", N, []),
    Case("multiply", "-1", N, ["negate"]), Case("divide", "1", N, []), Case("divide", "0", N, ["divide"]),
    Case("remainder", "1", N, []), Case("remainder", "0", N, ["remainder"]), Case("and", "-1", N, []),
    Case("and", "0", N, []), Case("or", "0", N, []), Case("or", "-1", N, []), Case("xor", "0", N, []),
    Case("xor", "-1", N, ["not"]), Case("shift_left", "0", N, []), Case("maximum", "-2147483648", N, []),
    Case("minimum", "-2147483648", N, []), Case("power", "3", N, ["multiply", "multiply"]),
    Case("subtract", "0", N, ["negate"], True), Case("add", "0", N, [], True),
    Case("and", "true", P, []), Case("and", "false", P, []), Case("or", "true", P, []), Case("xor", "true", P, ["not"]),
]  # fmt: skip


@pytest.mark.parametrize("case", WITH_CONSTANT, ids=lambda c: f"{c.function}-{c.value}-{c.type[8:-1]}")
def test_functions_of_a_constant(case: Case) -> None:
    argument = {F: "%f", N: "%i", P: "%p"}[case.type]
    operands = f"%c, {argument}" if case.constant_first else f"{argument}, %c"
    body = constant("c", case.value, case.type) + op(
        "r", case.function, operands, f"{case.type}, {case.type}", case.type
    )
    evaluated = not (case.function in ("divide", "remainder") and case.value == "0")
    check(body, {"r": case.type}, case.left, evaluated=evaluated)


UNARY_PAIRS = [
    ("negate", "negate", F, []),
    ("not", "not", N, []),
    ("abs", "negate", F, ["abs"]),
    ("abs", "abs", N, ["abs"]),
]


@pytest.mark.parametrize(("outer", "inner", "type", "left"), UNARY_PAIRS)
def test_function_of_function(outer: str, inner: str, type: str, left: list[str]) -> None:
    body = op("a", inner, "%f" if type == F else "%i", type, type) + op("r", outer, "%a", type, type)
    check(body, {"r": type}, left)


ITSELF = [
    ("subtract", "%i", N, []), ("subtract", "%f", F, ["subtract"]), ("and", "%i", N, []), ("xor", "%p", P, []),
    ("maximum", "%f", F, []), ("divide", "%f", F, ["divide"]), ("divide", "%i", N, ["divide"]),
]  # fmt: skip


@pytest.mark.parametrize(("function", "argument", "type", "left"), ITSELF)
def test_function_of_equal_operands(function: str, argument: str, type: str, left: list[str]) -> None:
    body = op("r", function, f"{argument}, {argument}", f"{type}, {type}", type)
    check(body, {"r": type}, left, evaluated=(function, type) != ("divide", N))


CONVERSIONS = [  # through which types a value goes, and what is left
    (["f32", "f64", "f32"], []), (["f32", "f64", "f16"], ["convert"]), (["f32", "f16", "f32"], ["convert", "convert"]),
    (["i32", "i64", "i32"], []), (["i32", "i8", "i32"], ["convert", "convert"]), (["i32", "f64", "i32"], []),
    (["i32", "f32", "i32"], ["convert", "convert"]), (["i1", "i32", "f32"], ["convert"]), (["i1", "f32", "i1"], []),
]  # fmt: skip


@pytest.mark.parametrize(("types", "left"), CONVERSIONS, ids=lambda v: "-".join(v))
def test_conversions(types: list[str], left: list[str]) -> None:
    value, body = {"f32": "%f", "i32": "%i", "i1": "%p"}[types[0]], ""
    if types[0] == "i32" and "f" in "".join(types):  # stay where every step is defined
        body += constant("c", "1048575", N) + op("small", "and", "%i, %c", f"{N}, {N}", N)
        value, left = "%small", ["and", *left]
    for k, (source, target) in enumerate(itertools.pairwise(types)):
        body += op(f"v{k}", "convert", value, f"tensor<8x{source}>", f"tensor<8x{target}>")
        value = f"%v{k}"
    check(body, {value[1:]: f"tensor<8x{types[-1]}>"}, left)


def test_comparison_of_integers_with_itself_is_known() -> None:
    for direction, type, left in (("EQ", "SIGNED", []), ("LT", "SIGNED", []), ("EQ", "FLOAT", ["compare"])):
        argument, operand = ("%i", N) if type == "SIGNED" else ("%f", F)
        attributes = f'direction = "{direction}", compare_type = "{type}"'
        check(op("r", "compare", f"{argument}, {argument}", f"{operand}, {operand}", P, attributes), {"r": P}, left)


def test_negated_comparison_inverts_only_without_nan() -> None:
    for direction, type, left in (
        ("LT", "SIGNED", ["compare"]),
        ("NE", "FLOAT", ["compare"]),
        ("LT", "FLOAT", ["compare", "not"]),
    ):
        operands, operand = ("%i, %j", N) if type == "SIGNED" else ("%f, %g", F)
        attributes = f'direction = "{direction}", compare_type = "{type}"'
        body = op("c", "compare", operands, f"{operand}, {operand}", P, attributes) + op("r", "not", "%c", P, P)
        check(body, {"r": P}, left)


def test_bounds_decide_comparisons() -> None:
    """The wrapping of a negative index, select(i < 0, i + n, i), disappears for an iota."""
    body = op("k", "iota", "", "", N, "dimension = 0 : i64") + constant("z", "0", N) + constant("n", "8", N)
    body += op("c", "compare", "%k, %z", f"{N}, {N}", P, 'direction = "LT", compare_type = "SIGNED"')
    body += op("w", "add", "%k, %n", f"{N}, {N}", N) + op("r", "select", "%c, %w, %k", f"{P}, {N}, {N}", N)
    check(body, {"r": N}, ["iota"])


def test_repeated_work_is_done_once() -> None:
    body = op("a", "add", "%f, %g", f"{F}, {F}", F) + op("b", "add", "%g, %f", f"{F}, {F}", F)
    body += op("c", "multiply", "%a, %b", f"{F}, {F}", F) + op("d", "sine", "%c", F, F)
    check(body, {"c": F}, ["add", "multiply"])


def test_random_numbers_are_not_merged() -> None:
    scalar = "tensor<f32>"
    body = constant("lo", "0.0", scalar) + constant("hi", "1.0", scalar) + constant("n", "8", "tensor<1xi64>")
    for name in "xy":
        types = f"{scalar}, {scalar}, tensor<1xi64>"
        body += op(name, "rng", "%lo, %hi, %n", types, F, 'distribution = "UNIFORM"')
    module = transformed(program(body, {"x": F, "y": F}), "astra-simplify")
    assert operations(module) == ["rng", "rng"]


def test_large_constants_stay_resources() -> None:
    """Arithmetic on a large constant is not folded, moving it is, and neither prints it."""
    big = "tensor<300x400xf32>"
    flipped = "tensor<400x300xf32>"
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(f"func.func private @main() -> ({flipped}, {big})")
        main = module.body.operations[0]
        block = main.regions[0].blocks.append()
        data = np.arange(120000, dtype=np.float32).reshape(300, 400)
        with ir.InsertionPoint(block):
            types = [ir.Type.parse(big), ir.Type.parse(flipped)]
            value = build("constant", (), (types[0],), value=elements.from_numpy(data)).results[0]
            moved = build("transpose", (value,), (types[1],), permutation=(1, 0)).results[0]
            computed = build("exponential", (value,), (types[0],)).results[0]
            func.ReturnOp([moved, computed])
        main.attributes["sym_visibility"] = ir.StringAttr.get("public")
        run_pipeline(module, "astra-simplify")
        assert operations(module) == ["exponential"]
        assert "dense<" not in str(module).partition("{-#")[0]
        transposed = next(o.operation for o in block.operations if o.operation.results[0].type == types[1])
        np.testing.assert_array_equal(elements.to_numpy(transposed.attributes["value"]), data.T)


# --- folding ---------------------------------------------------------------------------------------------------------

FOLDED = [
    ("add", 2, "fi"), ("subtract", 2, "fi"), ("multiply", 2, "fi"), ("divide", 2, "fi"), ("remainder", 2, "fi"),
    ("maximum", 2, "fi"), ("minimum", 2, "fi"), ("and", 2, "i"), ("or", 2, "i"), ("xor", 2, "i"),
    ("shift_left", 2, "i"), ("shift_right_arithmetic", 2, "i"), ("shift_right_logical", 2, "i"), ("negate", 1, "fi"),
    ("abs", 1, "fi"), ("sign", 1, "fi"), ("floor", 1, "f"), ("ceil", 1, "f"), ("round_nearest_even", 1, "f"),
    ("round_nearest_afz", 1, "f"), ("not", 1, "i"), ("popcnt", 1, "i"), ("count_leading_zeros", 1, "i"),
    ("is_finite", 1, "f"), ("sqrt", 1, "f"),
]  # fmt: skip
ELEMENT = {"f": ("f16", "bf16", "f32", "f64"), "i": ("i8", "i32", "i64", "ui8", "ui32")}
SIGNED_ONLY = ("negate", "abs", "sign")
FLOAT_TEXT = ["0.0", "-0.0", "1.5", "-2.5", "3.0", "-7.0", "0.5", "100.0"]
INTEGER_TEXT = ["0", "1", "2", "7", "31", "100", "127", "64"]


@pytest.mark.parametrize(("function", "arity", "kinds"), FOLDED, ids=lambda v: v if isinstance(v, str) else None)
def test_folding_agrees_with_the_interpreter(function: str, arity: int, kinds: str) -> None:
    body, results = "", {}
    for kind in kinds:
        for element in ELEMENT[kind]:
            if element.startswith("u") and function in SIGNED_ONLY:
                continue
            type = f"tensor<8x{element}>"
            values = FLOAT_TEXT if kind == "f" else INTEGER_TEXT
            if kind == "i" and not element.startswith("u"):
                lowest = -(2 ** (int(element[1:]) - 1))
                values = ["0", "1", "-1", "7", str(lowest), str(-lowest - 1), "-8", "3"]
            rotated = values[3:] + values[:3]
            if kind == "i" and function in ("divide", "remainder"):
                rotated = ["3" if value in ("0", "-1") else value for value in rotated]
            body += constant(f"a_{element}", f"[{', '.join(values)}]", type)
            body += constant(f"b_{element}", f"[{', '.join(rotated)}]", type)
            operands = f"%a_{element}, %b_{element}" if arity == 2 else f"%a_{element}"
            result = "tensor<8xi1>" if function == "is_finite" else type
            body += op(f"r_{element}", function, operands, ", ".join([type] * arity), result)
            results[f"r_{element}"] = result
    check(body, results, [])


DIVISION = [  # type, dividend, divisor, quotient, remainder
    ("i32", 7, 0, -1, 7), ("i32", -(2**31), -1, -(2**31), 0), ("i8", -128, -1, -128, 0), ("ui8", 200, 0, 255, 200),
    ("i32", -7, 2, -3, -1), ("i32", 7, -2, -3, 1), ("i64", -(2**63), -1, -(2**63), 0),
]  # fmt: skip


@pytest.mark.parametrize(("element", "lhs", "rhs", "quotient", "remainder"), DIVISION)
def test_division_of_integers(element: str, lhs: int, rhs: int, quotient: int, remainder: int) -> None:
    type = f"tensor<2x{element}>"
    body = constant("a", f"[{lhs}, 0]", type) + constant("b", f"[{rhs}, 1]", type)
    body += op("q", "divide", "%a, %b", f"{type}, {type}", type) + op(
        "r", "remainder", "%a, %b", f"{type}, {type}", type
    )
    printed = str(transformed(program(body, {"q": type, "r": type}), "astra-simplify"))
    for number in (quotient, remainder):
        assert f"dense<[{number}, 0]>" in printed or (number == 0 and f"dense<0> : {type}" in printed)


# --- random programs -------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_keep_their_values(text: str) -> None:
    inputs = list(INPUTS.values())
    for before, after in zip(evaluate(text, inputs), evaluate(text, inputs, "astra-simplify"), strict=True):
        assert same_bits(before, after), (before, after)


# --- every operation ---

WHOLE = "astra-import,astra-inline,astra-simplify,astra-raise-loops,astra-simplify"
EVERY_OPERATION = [p for p in PROGRAMS if p.reference == "interpreter"]


@pytest.mark.parametrize("program", EVERY_OPERATION, ids=lambda p: p.name)
def test_programs_of_every_operation_keep_their_values(program: Program) -> None:
    """One program an operation, with the first element type that it takes, or f32."""
    types = program.element_types()
    text = program.text("f32" if "f32" in types else types[0])
    with make_context(), ir.Location.unknown():
        inputs = random_inputs(ir.Module.parse(text), special=True)
    if "?" in text:  # the interpreter takes no dynamic shapes
        transformed(text, f"{WHOLE},astra-export")
        return
    for before, after in zip(evaluate(text, inputs, "astra-import"), evaluate(text, inputs, WHOLE), strict=True):
        assert same_bits(before, after), (before, after)


# --- compile time ----------------------------------------------------------------------------------------------------


def test_cost_is_linear() -> None:
    """Ten times the operations cost about ten times the time."""

    def seconds(count: int) -> float:
        body = constant("c", "1.0", F) + op("v0", "add", "%f, %c", f"{F}, {F}", F)
        for k in range(count):
            body += op(f"w{k}", "multiply", f"%v{k}, %c", f"{F}, {F}", F)
            body += op(f"v{k + 1}", "add", f"%w{k}, %g", f"{F}, {F}", F)
        with make_context(), ir.Location.unknown():
            module = ir.Module.parse(program(body, {f"v{count}": F}))
            start = time.process_time()
            run_pipeline(module, "astra-simplify", verify=False)
            return time.process_time() - start

    small, large = min(seconds(200) for _ in range(3)), min(seconds(2000) for _ in range(3))
    assert large < 40 * small
