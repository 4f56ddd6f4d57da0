"""Python functions to tile functions: what is compiled to what, and errors that show the line."""

from __future__ import annotations

import pytest

import astra_mlir as astra
import astra_mlir.language as al
from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import verify

FACTOR = 3


@pytest.fixture(scope="module")
def context() -> ir.Context:
    return make_context()


def traced(context, kernel, types, **constexprs) -> str:
    module = kernel.trace(context, types, constexprs)
    assert verify(module) > 0
    return str(module)


@astra.kernel
def helper(x, scale):
    return x * scale


@astra.kernel
def moves(x, out, n, stride, BLOCK: al.constexpr):
    i = al.arange(0, BLOCK)
    pointer = x + i
    total = al.zeros((BLOCK,), al.float32)
    count = 0
    for _ in range(0, n, BLOCK):
        total += helper(al.load(pointer), FACTOR)
        pointer += BLOCK * stride
        count += 1
    al.store(out + i, total + count)


def test_loops_carry_scalars_of_pointers_and_promote_numbers(context) -> None:
    text = traced(context, moves, ["*f32", "*f32", "i32", "i32"], BLOCK=64)
    assert "-> (tensor<64xf32>, i32, i32)" in text  # the sum, the pointer's scalar offset, the count
    assert "func.call" not in text


@astra.kernel
def early(x, n):
    i = al.program_id(0)
    if i >= n:
        return
    al.store(x + i, al.load(x + i) + 1)


@astra.kernel
def either(x, n):
    if n > 3:
        y = 1.0
    else:
        y = al.load(x)
    al.store(x, y)


@astra.kernel
def steps(x, n):
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    al.store(x, n)


@pytest.mark.parametrize(
    ("kernel", "types", "parts"),
    [
        (early, ["*f32", "i32"], ["scf.if", "astra.tile_store"]),
        (either, ["*f32", "i32"], ["scf.if", "-> (f32)"]),
        (steps, ["*i32", "i32"], ["scf.while", "scf.condition", "arith.divsi"]),
    ],
    ids=["early", "either", "steps"],
)
def test_control_flow(context, kernel, types, parts) -> None:
    text = traced(context, kernel, types)
    for part in parts:
        assert part in text


@astra.kernel
def wrong_shapes(x, BLOCK: al.constexpr):
    a = al.arange(0, BLOCK)
    b = a + al.arange(0, 2 * BLOCK)
    al.store(x + b, b)


@astra.kernel
def wrong_type(x, n):
    y = al.zeros((8,), al.float32)
    for _ in range(n):
        y = y.to(al.int32)
    al.store(x + al.arange(0, 8), y)


@astra.kernel
def wrong_name(x, n):
    if n > 1:
        z = 1
    al.store(x, z)


@astra.kernel
def wrong_call(x):
    al.store(x, sorted(al.load(x + al.arange(0, 8))))


@astra.kernel
def wrong_assert(x, BLOCK: al.constexpr):
    al.static_assert(BLOCK > 8, "blocks are larger")


@pytest.mark.parametrize(
    ("kernel", "types", "constants", "line", "message"),
    [
        (wrong_shapes, ["*i32"], {"BLOCK": 8}, "b = a + al.arange(0, 2 * BLOCK)", r"shapes \(8,\), \(16,\) do not fit"),
        (wrong_type, ["*i32", "i32"], {}, "for _ in range(n):", "'y' is 8xfloat32 before the loop and 8xint32 in it"),
        (wrong_name, ["*i32", "i32"], {}, "al.store(x, z)", "name 'z' is not defined"),
        (wrong_call, ["*i32"], {}, "al.store(x, sorted(", "'sorted' is a Python function"),
        (wrong_assert, ["*i32"], {"BLOCK": 8}, "al.static_assert", "static_assert failed: blocks are larger"),
    ],
    ids=["shapes", "type", "name", "call", "assert"],
)
def test_errors_show_the_line(context, kernel, types, constants, line, message) -> None:
    with pytest.raises(astra.KernelError, match=message) as caught:
        kernel.trace(context, types, constants)
    text = str(caught.value)
    assert "test_frontend.py:" in text and line in text
    shown, caret = text.splitlines()[1:3]
    assert caret.strip() == "^" and shown.strip()[0] != " "


@astra.kernel
def named(x):
    al.store(x, scale_of(FACTOR))


@astra.kernel
def scale_of(x):
    return x + FACTOR


def test_the_key_has_what_the_source_names(monkeypatch) -> None:
    first = named.key()
    assert named.key() == first
    monkeypatch.setitem(globals(), "FACTOR", 4)
    second = named.key()
    assert second != first
    monkeypatch.setitem(globals(), "scale_of", helper)
    assert named.key() not in (first, second)
