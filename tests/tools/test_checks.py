"""The comparisons of the ``check.*`` custom calls, and how they are taken out of a program."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.errors import InvalidProgramError, UnsupportedError
from astra_mlir.tools.checks import Check, take_checks
from astra_mlir.tools.entry import select_function

F32 = np.float32
NAN, INF = float("nan"), float("inf")


def holds(kind: str, actual: object, expected: object, dtype: object = F32) -> bool:
    check = Check(kind, "here", 0, 1)
    return check.failure((np.array(actual, dtype), np.array(expected, dtype))) is None


@pytest.mark.parametrize(
    ("kind", "actual", "expected", "answer"),
    [
        ("check.expect_eq", 1.0, 1.0, True),
        ("check.expect_eq", 0.0, -0.0, True),
        ("check.expect_eq", NAN, NAN, False),
        ("check.eq", INF, INF, True),
        ("check.expect_almost_eq", 1.0, 1.0009, True),
        ("check.expect_almost_eq", 1.0, 1.002, False),
        ("check.expect_almost_eq", NAN, NAN, True),
        ("check.expect_almost_eq", NAN, 1.0, False),
        ("check.expect_almost_eq", INF, INF, True),
        ("check.expect_almost_eq", INF, -INF, False),
        ("check.expect_almost_eq", INF, 3e38, False),
        ("check.expect_close", NAN, NAN, True),
        ("check.expect_close", INF, INF, True),
        ("check.expect_close", INF, -INF, False),
        ("check.expect_close", INF, np.finfo(F32).max, False),
        ("check.expect_close", 0.0, -0.0, True),
    ],
)
def test_special_values(kind: str, actual: float, expected: float, answer: bool) -> None:
    assert holds(kind, actual, expected) is answer


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_close_means_three_ulp(dtype: type) -> None:
    unsigned = f"u{np.dtype(dtype).itemsize}"
    one = np.ones((), dtype).view(unsigned)
    for ulp in range(6):
        neighbour = (one + np.array(ulp, unsigned)).astype(unsigned).view(dtype)
        assert holds("check.expect_close", neighbour, 1.0, dtype) is (ulp <= 3)


def test_close_counts_across_zero() -> None:
    tiny = np.array([1, 2], np.uint32).view(F32)
    assert holds("check.expect_close", -tiny[0], tiny[1])
    assert not holds("check.expect_close", -tiny[1], tiny[1])


def test_complex_numbers_compare_by_parts() -> None:
    assert holds("check.expect_almost_eq", 1 + 2j, 1.0005 + 2j, np.complex64)
    assert not holds("check.expect_almost_eq", 1 + 2j, 1 + 2.1j, np.complex64)
    assert holds("check.expect_close", complex(NAN, 1), complex(NAN, 1), np.complex128)


def test_integers_and_booleans() -> None:
    assert holds("check.expect_eq", [1, 2], [1, 2], np.int8)
    assert not holds("check.expect_eq", [True], [False], np.bool_)


def test_a_failure_says_where_and_what() -> None:
    failure = Check("check.expect_eq", "a.mlir:3:5", 0, 1).failure((np.arange(9), np.arange(9) + (np.arange(9) > 2)))
    assert failure is not None
    assert failure.startswith("a.mlir:3:5: check.expect_eq: not equal: at [3]: 3 instead of 4;")
    assert failure.endswith("and 1 more")


PROGRAM = """
func.func @first(%a: tensor<f32>) -> (tensor<f32> {jax.result_info = "x"}) {
  stablehlo.custom_call @KIND(%a, %a) {has_side_effect = true} : (tensor<f32>, tensor<f32>) -> ()
  return %a : tensor<f32>
}
func.func private @second() { return }
"""


def test_checks_become_results() -> None:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(PROGRAM.replace("KIND", "check.expect_close"))
        checks = take_checks(select_function(module, "main"))
        text = str(module)
        assert module.operation.verify()
    assert [(c.kind, c.actual, c.expected) for c in checks] == [("check.expect_close", 1, 2)]
    assert "custom_call" not in text
    assert "-> (tensor<f32>, tensor<f32>, tensor<f32>)" in text


def test_an_unknown_check_is_refused() -> None:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(PROGRAM.replace("KIND", "check.unheard_of"))
        with pytest.raises(UnsupportedError, match="check.unheard_of"):
            take_checks(select_function(module, "first"))


def test_selecting_a_function_drops_the_others() -> None:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(PROGRAM.replace("KIND", "check.eq"))
        assert "@first" in str(select_function(module, "main"))
        assert "@second" not in str(module)
        with pytest.raises(InvalidProgramError, match="no function @third .functions: @first"):
            select_function(module, "third")


def take(text: str) -> list[Check]:
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        return take_checks(select_function(module, "main"))


CALL = "stablehlo.custom_call @check.KIND(%a, %b) {has_side_effect = trueMORE} : (TYPES) -> ()"


def check_of(
    kind: str = "expect_close", more: str = "", types: tuple[str, str] = ("tensor<f32>", "tensor<f32>")
) -> str:
    call = CALL.replace("KIND", kind).replace("MORE", more).replace("TYPES", ", ".join(types))
    return f"func.func @main(%a: {types[0]}, %b: {types[1]}) {{\n  {call}\n  return\n}}\n"


def test_checks_of_called_functions_count() -> None:
    text = """
      func.func @main(%a: tensor<f32>) { call @f(%a) : (tensor<f32>) -> () return }
      func.func private @f(%a: tensor<f32>) { call @g(%a) : (tensor<f32>) -> () return }
    """
    text += check_of("expect_eq").replace("@main", "private @g").replace(", %b: tensor<f32>", "").replace("%b", "%a")
    (check,) = take(text)
    assert (check.kind, check.actual, check.expected) == ("check.expect_eq", 0, 1)


def test_a_check_in_a_region_is_refused() -> None:
    call = CALL.replace("KIND", "expect_eq").replace("MORE", "").replace("TYPES", "tensor<f32>, tensor<f32>")
    text = f"""func.func @main(%p: tensor<i1>, %a: tensor<f32>, %b: tensor<f32>) {{
      "stablehlo.if"(%p) ({{
        {call}
        stablehlo.return
      }}, {{
        stablehlo.return
      }}) : (tensor<i1>) -> ()
      return
    }}"""
    with pytest.raises(UnsupportedError, match=r"^-:3:9: 'check.expect_eq' inside of 'stablehlo.if'"):
        take(text)


@pytest.mark.parametrize(
    ("more", "ulp"),
    [
        ("", (0, 3)),
        (", max_ulp_difference = 5 : i64", (0, 5)),
        (", min_ulp_difference = 1 : i64, max_ulp_difference = 1 : i64", (1, 1)),
        (", api_version = 4 : i32, backend_config = {max_ulp_difference = 0 : i64}", (0, 0)),
    ],
)
def test_ulp_range(more: str, ulp: tuple[int, int]) -> None:
    assert take(check_of(more=more))[0].ulp == ulp


@pytest.mark.parametrize("dtype", [F32, np.float64, np.complex64])
def test_every_difference_is_in_the_range(dtype: type) -> None:
    part = np.dtype(dtype).type(1).real.dtype
    one = np.ones((), part)
    for ulp in range(4):
        one_and_more = (one.view(f"u{part.itemsize}") + np.array(ulp, f"u{part.itemsize}")).view(part).astype(dtype)
        failure = Check("check.expect_close", "here", 0, 1, (1, 2)).failure((one_and_more, one.astype(dtype)))
        assert (failure is None) is (ulp in (1, 2))
        if failure is not None:
            assert "not equal within 1 to 2 ULP" in failure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (check_of(more=", max_ulps = 1 : i64"), "-:2:3: 'check.expect_close' has attribute max_ulps"),
        (check_of(more=", max_ulp_difference = 1.0 : f32"), "attribute max_ulp_difference = 1.0"),
        (check_of("expect_eq", ", max_ulp_difference = 1 : i64"), "attribute max_ulp_difference .*known: none"),
        (check_of("expect_eq", types=("tensor<2xf32>", "tensor<3xf32>")), "-:2:3: .*one type, not tensor<2xf32> with"),
        (check_of("expect_eq", types=("tensor<f32>", "tensor<f64>")), "-:2:3: .*not tensor<f32> with tensor<f64>"),
        (check_of(types=("tensor<i32>", "tensor<i32>")), "-:2:3: .*steps between floats"),
        (check_of().replace("(%a, %b)", "(%a)").replace("(tensor<f32>, tensor<f32>) ->", "(tensor<f32>) ->"), "has 1"),
    ],
)
def test_checks_that_are_refused(text: str, message: str) -> None:
    with pytest.raises((InvalidProgramError, UnsupportedError), match=message):
        take(text)
