"""The kernels of ``astra.dot_general`` against numpy: dimension numbers, element types, edges of tiles, every
schedule."""

from __future__ import annotations

import itertools

import jax
import ml_dtypes
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

from .kernel_harness import MLIR_NAMES, compile_kernel, operation_text


def reference(lhs, rhs, lhs_batch, rhs_batch, lhs_sum, rhs_sum, wide):
    """The definition, by einsum in a wider type."""
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    lhs_names, rhs_names = [""] * lhs.ndim, [""] * rhs.ndim
    for i, j in [*zip(lhs_batch, rhs_batch, strict=True), *zip(lhs_sum, rhs_sum, strict=True)]:
        lhs_names[i] = rhs_names[j] = next(letters)
    for names in (lhs_names, rhs_names):
        for i, name in enumerate(names):
            names[i] = name or next(letters)
    batch = "".join(lhs_names[i] for i in lhs_batch)
    free = [n for i, n in enumerate(lhs_names) if i not in (*lhs_batch, *lhs_sum)]
    free += [n for i, n in enumerate(rhs_names) if i not in (*rhs_batch, *rhs_sum)]
    equation = f"{''.join(lhs_names)},{''.join(rhs_names)}->{batch}{''.join(free)}"
    return np.einsum(equation, lhs.astype(wide), rhs.astype(wide))


def array(shape, dtype, rng):
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(max(info.min, -1000), min(info.max, 1000), shape, dtype=dtype, endpoint=True)
    return rng.standard_normal(shape).astype(dtype)


def attributes(lhs_batch, rhs_batch, lhs_sum, rhs_sum):
    def text(values):
        return f"array<i64: {', '.join(map(str, values))}>" if values else "array<i64>"

    return (
        f"lhs_batching_dimensions = {text(lhs_batch)}, rhs_batching_dimensions = {text(rhs_batch)}, "
        f"lhs_contracting_dimensions = {text(lhs_sum)}, rhs_contracting_dimensions = {text(rhs_sum)}"
    )


def check(lhs_shape, rhs_shape, dimensions=((), (), (1,), (0,)), dtype=np.float32, result=None, target="x86-64-v3"):
    rng = np.random.default_rng(0)
    lhs, rhs = array(lhs_shape, dtype, rng), array(rhs_shape, dtype, rng)
    result = np.dtype(result or dtype)
    is_integer = result.kind in "iu"
    expected = reference(lhs, rhs, *dimensions, np.int64 if is_integer else np.float64)
    sizes = "".join(f"{size}x" for size in expected.shape)
    text = operation_text(
        "dot_general", [lhs, rhs], [f"tensor<{sizes}{MLIR_NAMES[result.name]}>"], attributes(*dimensions)
    )
    (actual,) = compile_kernel(f'module attributes {{astra.target = "{target}"}} {{ {text} }}', [lhs, rhs])()
    assert actual.shape == expected.shape
    if is_integer:
        np.testing.assert_array_equal(actual, expected.astype(result))
        return
    magnitude = reference(np.abs(lhs), np.abs(rhs), *dimensions, np.float64)
    epsilon = float(ml_dtypes.finfo(result).eps)
    accumulated = np.finfo(np.float64 if result == np.float64 else np.float32).eps
    error = np.abs(actual.astype(np.float64) - expected)
    assert np.all(
        error <= epsilon * np.abs(expected) + 4 * accumulated * np.sqrt(lhs.size / lhs_shape[0] + 8) * magnitude
    )


PLAIN = ((), (), (1,), (0,))
LAYOUTS = {
    "nn": (PLAIN, lambda m, n, k: ((m, k), (k, n))),
    "nt": (((), (), (1,), (1,)), lambda m, n, k: ((m, k), (n, k))),
    "tn": (((), (), (0,), (0,)), lambda m, n, k: ((k, m), (k, n))),
    "tt": (((), (), (0,), (1,)), lambda m, n, k: ((k, m), (n, k))),
}
SIZES = [
    (37, 45, 53), (130, 33, 300), (65, 100, 517), (9, 50, 7), (1, 70, 33), (70, 1, 33), (7, 19, 64), (40, 3, 70),
]  # fmt: skip
MORE_SIZES = [
    (200, 160, 70), (1, 300, 5), (3, 40, 20), (64, 512, 128), (150, 1, 1000), (5, 7, 300), (300, 130, 2), (16, 16, 16),
    (300, 10, 40), (100, 256, 40),
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, size):
    dimensions, shapes = LAYOUTS[layout]
    check(*shapes(*size), dimensions)


@pytest.mark.parametrize("size", MORE_SIZES, ids=lambda size: "x".join(map(str, size)))
def test_shapes(size):
    dimensions, shapes = LAYOUTS["nn"]
    check(*shapes(*size), dimensions)


@pytest.mark.parametrize("size", [(37, 45, 53), (130, 96, 300), (1, 70, 33), (3, 5, 64)], ids=str)
def test_widest_vectors(size):
    m, n, k = size
    check((m, k), (k, n), target="host")
    check((m, k), (n, k), ((), (), (1,), (1,)), target="host")


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (np.float64, np.float64),
        (np.float16, np.float16),
        (np.float16, np.float32),
        (ml_dtypes.bfloat16, ml_dtypes.bfloat16),
        (ml_dtypes.bfloat16, np.float32),
        (np.int8, np.int32),
        (np.int8, np.int8),
        (np.uint8, np.uint32),
        (np.int16, np.int32),
        (np.int32, np.int32),
        (np.int64, np.int64),
        (np.uint32, np.uint64),
    ],
    ids=lambda t: np.dtype(t).name,
)
def test_element_types(dtype, result):
    target = "host" if np.dtype(dtype) == ml_dtypes.bfloat16 else "x86-64-v3"
    for m, n, k in ((50, 70, 300), (2, 70, 65)):
        check((m, k), (k, n), dtype=dtype, result=result, target=target)
    for m, n, k in ((40, 40, 65), (3, 5, 150)):
        check((m, k), (n, k), ((), (), (1,), (1,)), dtype=dtype, result=result, target=target)


DIMENSION_NUMBERS = {
    "batched": ((6, 20, 30), (6, 30, 40), ((0,), (0,), (2,), (1,))),
    "attention scores": ((2, 24, 3, 16), (2, 40, 3, 16), ((0, 2), (0, 2), (3,), (3,))),
    "attention values": ((2, 3, 24, 40), (2, 40, 3, 16), ((0, 1), (0, 2), (3,), (1,))),
    "heads merged": ((2, 9, 3, 16), (3, 16, 40), ((), (), (2, 3), (0, 1))),
    "heads gradient": ((2, 9, 3, 16), (2, 9, 40), ((), (), (0, 1), (0, 1))),
    "order reversed": ((5, 6, 7), (7, 6, 33), ((), (), (1, 2), (1, 0))),
    "scattered free dimensions": ((4, 20, 5), (3, 20, 11), ((), (), (1,), (1,))),
    "short inner run": ((40, 9, 3), (9, 33, 3), ((), (), (1, 2), (0, 2))),
    "batch last": ((20, 30, 4), (30, 17, 4), ((2,), (2,), (1,), (0,))),
    "batched vectors": ((7, 40), (7, 40, 33), ((0,), (0,), (1,), (1,))),
    "batched matrix by vector": ((7, 33, 40), (7, 40), ((0,), (0,), (2,), (1,))),
    "many small": ((100, 12, 10), (100, 10, 9), ((0,), (0,), (2,), (1,))),
}


@pytest.mark.parametrize("case", DIMENSION_NUMBERS)
def test_dimension_numbers(case):
    check(*DIMENSION_NUMBERS[case])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_many_steps_are_split(layout):
    dimensions, shapes = LAYOUTS[layout]
    check(*shapes(96, 80, 8192), dimensions)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.float16], ids=lambda t: np.dtype(t).name)
def test_large_operands_are_packed_in_parts(layout, dtype):
    dimensions, shapes = LAYOUTS[layout]
    check(*shapes(131, 1030, 1100), dimensions, dtype)


def test_several_contracted_dimensions_are_packed_in_parts():
    check((11, 130, 60), (60, 11, 1000), ((), (), (0, 2), (1, 0)))


def test_many_steps_batched_and_narrow():
    check((2, 8192, 64), (2, 8192, 80), ((0,), (0,), (1,), (1,)), dtype=np.float16)


def test_every_edge_of_the_register_tile():
    for m, n in itertools.product((8, 13), (15, 16, 33)):
        check((m, 20), (20, n))


def test_signed_zero_nan_and_infinity_pass_through():
    lhs = np.zeros((9, 8), np.float32)
    rhs = np.ones((8, 20), np.float32)
    lhs[0, 0], lhs[1, 0] = np.nan, np.inf
    text = operation_text("dot_general", [lhs, rhs], ["tensor<9x20xf32>"], attributes(*PLAIN))
    (actual,) = compile_kernel(text, [lhs, rhs])()
    assert np.isnan(actual[0]).all()
    assert np.isposinf(actual[1]).all()
    assert (actual[2:] == 0).all()


def kernels_of(*operations: str) -> list[str]:
    text = "\n".join(operations)
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(f'module attributes {{astra.target = "x86-64-v4"}} {{ {text} }}')
        run_pipeline(module, "astra-to-kernels")
        return [ir.StringAttr(op.operation.attributes["sym_name"]).value for op in module.body.operations]


def dot(name: str, m: int, n: int, k: int, element: str = "f32") -> str:
    types = f"tensor<{m}x{k}x{element}>", f"tensor<{k}x{n}x{element}>", f"tensor<{m}x{n}x{element}>"
    return f"""func.func @{name}(%a: {types[0]}, %b: {types[1]}) -> {types[2]} {{
      %0 = "astra.dot_general"(%a, %b) {{{attributes(*PLAIN)}}} : ({types[0]}, {types[1]}) -> {types[2]}
      return %0 : {types[2]} }}"""


def test_products_share_their_inner_functions():
    names = kernels_of(dot("a", 128, 128, 128), dot("b", 256, 512, 300), dot("c", 128, 128, 128))
    assert sum("micro" in name for name in names) == 1
    assert sum("_macro_" in name for name in names) == 1
    assert sum(name.startswith("astra_dot_") and name.count("_") == 2 for name in names) == 2


@pytest.mark.parametrize(("m", "n", "k", "element"), [(4, 4, 4, "f32"), (64, 64, 1, "f32"), (4, 4, 4, "complex<f32>")])
def test_left_to_linalg(m, n, k, element):
    assert kernels_of(dot("a", m, n, k, element)) == ["a"]


@pytest.mark.parametrize("size", [(300, 500, 700), (40, 1000, 2000), (2200, 130, 600), (1100, 1100, 64)])
@pytest.mark.parametrize("layout", ["nn", "nt", "tn"])
def test_any_number_of_threads_gives_the_same_bits(layout, size):
    lhs_sum, rhs_sum = LAYOUTS[layout][0][2:]
    lhs_shape, rhs_shape = LAYOUTS[layout][1](*size)
    rng = np.random.default_rng(0)
    lhs, rhs = (rng.standard_normal(shape).astype(np.float32) for shape in (lhs_shape, rhs_shape))
    product = astra.jit(lambda a, b: jax.lax.dot_general(a, b, ((lhs_sum, rhs_sum), ((), ()))))
    results = []
    for threads in (1, 2, 3, 8):
        with astra.threads(threads):
            results.append(np.asarray(product(lhs, rhs)))
    assert all(np.array_equal(results[0], other) for other in results[1:])
    wide = np.tensordot(lhs.astype(np.float64), rhs.astype(np.float64), (lhs_sum, rhs_sum))
    np.testing.assert_allclose(results[0], wide, atol=1e-6 * np.abs(wide).max())
