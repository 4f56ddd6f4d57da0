"""Operations that move elements through ``astra-to-linalg``, executed and compared with numpy and jax."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
import pytest
from jax import lax

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects.elements import from_numpy, to_numpy
from astra_mlir.passes import run_pipeline

from .linalg_execution import DTYPES, NAMES, call, tensor, type_of


def one(
    name: str, inputs: Sequence[np.ndarray], attributes: str, result: str, *, consumer: str | None = None
) -> np.ndarray:
    """The result of one operation, optionally read by an elementwise ``consumer``."""
    operands = ", ".join(f"%{i}" for i in range(len(inputs)))
    types = ", ".join(type_of(np.asarray(x)) for x in inputs)
    lines = [f'%r = "astra.{name}"({operands}) {{{attributes}}} : ({types}) -> {result}', f"return %r : {result}"]
    if consumer is not None:
        lines[1:] = [f'%s = "astra.{consumer}"(%r) : ({result}) -> {result}', f"return %s : {result}"]
    return call("\n".join(lines), inputs, [result])[0]


def array(values: Sequence[int]) -> str:
    return f"array<i64: {', '.join(map(str, values))}>" if values else "array<i64>"


def numbers(*shape: int, dtype: str = "f32") -> np.ndarray:
    return np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape).astype(DTYPES[dtype])


@pytest.mark.parametrize("consumer", (None, "negate"))
@pytest.mark.parametrize(
    ("shape", "dimensions", "result"),
    (
        ((), (), (2, 3)),
        ((3,), (1,), (2, 3)),
        ((2,), (0,), (2, 3)),
        ((1,), (0,), (4,)),
        ((2, 1), (0, 2), (2, 3, 4)),
        ((1, 1), (0, 1), (2, 2)),
        ((3, 2), (2, 0), (2, 1, 3)),
        ((2, 0), (0, 1), (2, 0)),
    ),
)
def test_broadcast(
    shape: tuple[int, ...], dimensions: tuple[int, ...], result: tuple[int, ...], consumer: str | None
) -> None:
    x = numbers(*shape)
    actual = one("broadcast", [x], f"dimensions = {array(dimensions)}", tensor("f32", *result), consumer=consumer)
    expected = np.asarray(lax.broadcast_in_dim(x, result, dimensions))
    np.testing.assert_array_equal(actual, -expected if consumer else expected)


@pytest.mark.parametrize("consumer", (None, "negate"))
@pytest.mark.parametrize(
    ("shape", "result"),
    (
        ((2, 3), (6,)),
        ((6,), (2, 3)),
        ((2, 3, 4), (6, 4)),
        ((2, 6), (3, 4)),
        ((4, 6), (8, 3)),
        ((1, 6, 1), (2, 1, 3)),
        ((3,), (1, 3, 1)),
        ((1, 3, 1), (3,)),
        ((), (1, 1)),
        ((1, 1), ()),
        ((2, 3, 1, 4, 1), (2, 1, 3, 4)),
        ((0, 3), (5, 0)),
        ((5, 1, 1), (1, 1, 5)),
        ((2, 15), (6, 5)),
    ),
)
def test_reshape(shape: tuple[int, ...], result: tuple[int, ...], consumer: str | None) -> None:
    x = numbers(*shape)
    actual = one("reshape", [x], "", tensor("f32", *result), consumer=consumer)
    np.testing.assert_array_equal(actual, (-x if consumer else x).reshape(result))


@pytest.mark.parametrize("consumer", (None, "negate"))
@pytest.mark.parametrize(
    ("permutation", "dtype"),
    (
        ((0, 1, 2), "f32"),
        ((2, 1, 0), "f32"),
        ((0, 2, 1), "f32"),
        ((1, 2, 0), "i1"),
        ((1, 2, 0), "ui8"),
        ((1, 2, 0), "complex<f32>"),
        ((1, 2, 0), "bf16"),
    ),
)
def test_transpose(permutation: tuple[int, ...], dtype: str, consumer: str | None) -> None:
    if consumer and dtype in ("i1", "ui8"):
        consumer = "not"
    x = numbers(2, 3, 4, dtype=dtype)
    shape = [x.shape[i] for i in permutation]
    actual = one("transpose", [x], f"permutation = {array(permutation)}", tensor(dtype, *shape), consumer=consumer)
    expected = {None: lambda a: a, "negate": lambda a: -a, "not": np.invert}[consumer](x.transpose(permutation))
    np.testing.assert_array_equal(actual, expected)


def test_views_compose() -> None:
    body = """
      %a = "astra.transpose"(%0) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
      %b = "astra.reverse"(%a) {dimensions = array<i64: 0>} : (tensor<3x2xf32>) -> tensor<3x2xf32>
      %c = "astra.reshape"(%b) : (tensor<3x2xf32>) -> tensor<3x1x2xf32>
      %d = "astra.broadcast"(%c) {dimensions = array<i64: 0, 1, 2>} : (tensor<3x1x2xf32>) -> tensor<3x4x2xf32>
      %e = "astra.iota"() {dimension = 1} : () -> tensor<3x4x2xf32>
      %f = "astra.add"(%d, %e) : (tensor<3x4x2xf32>, tensor<3x4x2xf32>) -> tensor<3x4x2xf32>
      return %f, %d, %c : tensor<3x4x2xf32>, tensor<3x4x2xf32>, tensor<3x1x2xf32>
    """
    x = numbers(2, 3)
    added, spread, turned = call(body, [x], [tensor("f32", 3, 4, 2)] * 2 + [tensor("f32", 3, 1, 2)])
    expected = x.T[::-1, None, :]
    np.testing.assert_array_equal(turned, expected)
    np.testing.assert_array_equal(spread, np.broadcast_to(expected, (3, 4, 2)))
    np.testing.assert_array_equal(added, spread + np.arange(4.0)[None, :, None])


@pytest.mark.parametrize("dimensions", ((0,), (1,), (0, 1), ()))
def test_reverse(dimensions: tuple[int, ...]) -> None:
    x = numbers(3, 4)
    actual = one("reverse", [x], f"dimensions = {array(dimensions)}", tensor("f32", 3, 4))
    np.testing.assert_array_equal(actual, np.flip(x, dimensions))


@pytest.mark.parametrize("dtype", ("i8", "ui16", "i64", "f16", "bf16", "f32", "f64", "f8E5M2", "complex<f64>"))
def test_iota_and_what_reads_it(dtype: str) -> None:
    t = tensor(dtype, 3, 5)
    body = f"""
      %a = "astra.iota"() {{dimension = 1}} : () -> {t}
      %b = "astra.slice"(%a) {{start_indices = array<i64: 0, 1>, limit_indices = array<i64: 3, 5>,
        strides = array<i64: 1, 2>}} : ({t}) -> {tensor(dtype, 3, 2)}
      %c = "astra.convert"(%a) : ({t}) -> tensor<3x5xf32>
      return %a, %b, %c : {t}, {tensor(dtype, 3, 2)}, tensor<3x5xf32>
    """
    whole, part, converted = call(body, [], [t, tensor(dtype, 3, 2), "tensor<3x5xf32>"])
    expected = np.broadcast_to(np.arange(5), (3, 5))
    np.testing.assert_array_equal(whole, expected.astype(DTYPES[dtype]))
    np.testing.assert_array_equal(part, expected[:, 1::2].astype(DTYPES[dtype]))
    np.testing.assert_array_equal(converted, expected)


def test_iota_wraps_in_a_narrow_type() -> None:
    body = """
      %a = "astra.iota"() {dimension = 0} : () -> tensor<300xui8>
      %b = "astra.slice"(%a) {start_indices = array<i64: 250>, limit_indices = array<i64: 260>,
        strides = array<i64: 1>} : (tensor<300xui8>) -> tensor<10xui8>
      %c = "astra.convert"(%b) : (tensor<10xui8>) -> tensor<10xf32>
      return %c : tensor<10xf32>
    """
    (actual,) = call(body, [], ["tensor<10xf32>"])
    np.testing.assert_array_equal(actual, np.arange(250, 260) % 256)


CONSTANTS = {
    "dense<[[1, 2], [3, 4]]> : tensor<2x2xui32>": np.array([[1, 2], [3, 4]], np.uint32),
    "dense<7> : tensor<3xui8>": np.full(3, 7, np.uint8),
    "dense<255> : tensor<ui8>": np.uint8(255),
    "dense<[15, 3]> : tensor<2xui4>": np.array([15, 3], DTYPES["ui4"]),
    "dense<[250, 3]> : tensor<2xui8>": np.array([250, 3], np.uint8),
    "dense<[true, false]> : tensor<2xi1>": np.array([True, False]),
    "dense<true> : tensor<i1>": np.True_,
    "dense<(1.0, -2.0)> : tensor<2xcomplex<f32>>": np.full(2, 1 - 2j, np.complex64),
    "dense<[(1.0, -2.0), (0.0, 3.0)]> : tensor<2xcomplex<f64>>": np.array([1 - 2j, 3j]),
    "dense<[1.0, -2.5]> : tensor<2xbf16>": np.array([1, -2.5], DTYPES["bf16"]),
    "dense<0x7F800000> : tensor<f32>": np.float32(np.inf),
    "dense<> : tensor<0x2xf32>": np.zeros((0, 2), np.float32),
    "dense<[1.0, 2.0]> : tensor<2xf8E4M3FN>": np.array([1, 2], DTYPES["f8E4M3FN"]),
}


@pytest.mark.parametrize("text", CONSTANTS)
def test_constant(text: str) -> None:
    expected = np.asarray(CONSTANTS[text])
    actual = one("constant", [], f"value = {text}", type_of(expected))
    np.testing.assert_array_equal(actual, expected)


def test_large_unsigned_constant() -> None:
    """Kept as a resource, whose data is not part of the text."""
    values = np.arange(100, 200, dtype=np.uint8)
    with make_context(), ir.Location.unknown():
        t = type_of(values)
        constant = f'%r = "astra.constant"() {{value = dense<0> : {t}}} : () -> {t}'
        module = ir.Module.parse(f"func.func @main() -> {t} {{ {constant} return %r : {t} }}")
        module.body.operations[0].regions[0].blocks[0].operations[0].operation.attributes["value"] = from_numpy(values)
        assert "dense_resource" in str(module)
        run_pipeline(module, "astra-to-linalg")
        lowered = module.body.operations[0].regions[0].blocks[0].operations[0].operation
        assert str(lowered.result.type) == "tensor<100xi8>"
        np.testing.assert_array_equal(to_numpy(lowered.attributes["value"]), values.view(np.int8))


@pytest.mark.parametrize(
    ("starts", "limits", "strides"),
    (
        ((0, 0), (4, 5), (1, 1)),
        ((1, 2), (3, 5), (1, 1)),
        ((0, 1), (4, 5), (3, 2)),
        ((2, 2), (2, 4), (1, 1)),
    ),
)
def test_slice(starts: tuple[int, ...], limits: tuple[int, ...], strides: tuple[int, ...]) -> None:
    x = numbers(4, 5)
    expected = x[tuple(slice(*bounds) for bounds in zip(starts, limits, strides, strict=True))]
    attributes = f"start_indices = {array(starts)}, limit_indices = {array(limits)}, strides = {array(strides)}"
    np.testing.assert_array_equal(one("slice", [x], attributes, type_of(expected)), expected)


@pytest.mark.parametrize(
    ("low", "high", "interior"),
    (
        ((1, 2), (0, 3), (0, 0)),
        ((0, 0), (0, 0), (1, 2)),
        ((-1, 1), (-1, 0), (0, 0)),
        ((-2, -1), (1, -3), (1, 2)),
        ((-3, 0), (1, 0), (0, 0)),
        ((0, 0), (0, 0), (0, 0)),
        ((5, -1), (-4, 0), (0, 3)),
    ),
)
def test_pad(low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...]) -> None:
    x = numbers(3, 4)
    expected = np.asarray(lax.pad(x, np.float32(-9), list(zip(low, high, interior, strict=True))))
    attributes = f"low = {array(low)}, high = {array(high)}, interior = {array(interior)}"
    np.testing.assert_array_equal(one("pad", [x, np.float32(-9)], attributes, type_of(expected)), expected)


def test_pad_of_nothing() -> None:
    attributes = "low = array<i64: 1>, high = array<i64: 2>, interior = array<i64: 1>"
    actual = one("pad", [np.zeros(0, np.float32), np.float32(3)], attributes, "tensor<3xf32>")
    np.testing.assert_array_equal(actual, np.full(3, 3.0))


def test_concatenate() -> None:
    parts = [numbers(2, 1), numbers(2, 0), numbers(2, 3)]
    expected = np.concatenate(parts, 1)
    np.testing.assert_array_equal(one("concatenate", parts, "dimension = 1", type_of(expected)), expected)


@pytest.mark.parametrize("index_type", ("i32", "ui8", "i64"))
@pytest.mark.parametrize("start", (0, 2, 100, -5))
def test_dynamic_slices_clamp(index_type: str, start: int) -> None:
    if start < 0 and index_type == "ui8":
        start = 250
    x, u = numbers(5, 4), -numbers(2, 4)
    starts = [np.asarray(start, DTYPES[index_type]), np.asarray(3, DTYPES[index_type])]
    first = min(max(start, 0), 3)
    actual = one("dynamic_slice", [x, *starts], "slice_sizes = array<i64: 2, 4>", "tensor<2x4xf32>")
    np.testing.assert_array_equal(actual, x[first : first + 2])
    updated = one("dynamic_update_slice", [x, u, *starts], "", "tensor<5x4xf32>")
    expected = x.copy()
    expected[first : first + 2] = u
    np.testing.assert_array_equal(updated, expected)


def test_update_does_not_change_an_operand_that_is_read_later() -> None:
    body = """
      %a = "astra.dynamic_update_slice"(%0, %1, %2) : (tensor<4xf32>, tensor<1xf32>, tensor<i32>) -> tensor<4xf32>
      %b = "astra.add"(%a, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %b : tensor<4xf32>
    """
    x = numbers(4)
    (actual,) = call(body, [x, np.array([10.0], np.float32), np.int32(1)], ["tensor<4xf32>"])
    np.testing.assert_array_equal(actual, [2, 12, 6, 8])


def test_get_dimension_size_and_barrier() -> None:
    body = """
      %a = "astra.get_dimension_size"(%0) {dimension = 1} : (tensor<2x7xf32>) -> tensor<i32>
      %b:2 = "astra.optimization_barrier"(%0, %a) : (tensor<2x7xf32>, tensor<i32>) -> (tensor<2x7xf32>, tensor<i32>)
      return %b#0, %b#1 : tensor<2x7xf32>, tensor<i32>
    """
    x = numbers(2, 7)
    same, size = call(body, [x], ["tensor<2x7xf32>", "tensor<i32>"])
    np.testing.assert_array_equal(same, x)
    assert size == 7


# operand shape, indices shape, slice sizes, then jax's dimension numbers; the index vector is the last dimension
GATHERS = {
    "rows": ((6, 4), (3, 1), (1, 4), lax.GatherDimensionNumbers((1,), (0,), (0,))),
    "columns": ((6, 4), (3, 1), (6, 1), lax.GatherDimensionNumbers((0,), (1,), (1,))),
    "elements": ((6, 4), (2, 3, 2), (1, 1), lax.GatherDimensionNumbers((), (0, 1), (0, 1))),
    "swapped index": ((6, 4), (5, 2), (1, 1), lax.GatherDimensionNumbers((), (0, 1), (1, 0))),
    "windows": ((6, 4), (3, 2), (2, 3), lax.GatherDimensionNumbers((1, 2), (), (0, 1))),
    "batched": ((3, 6, 4), (3, 2, 1), (1, 1, 4), lax.GatherDimensionNumbers((2,), (1,), (1,), (0,), (0,))),
    "window first": ((6, 4), (3, 1), (2, 4), lax.GatherDimensionNumbers((0, 1), (), (0,))),
    "nothing": ((6, 4), (0, 1), (1, 4), lax.GatherDimensionNumbers((1,), (0,), (0,))),
    "scalar index": ((6, 4), (1,), (1, 4), lax.GatherDimensionNumbers((0,), (0,), (0,))),
}


@pytest.mark.parametrize("case", GATHERS)
@pytest.mark.parametrize("index_dtype", (np.int32, np.uint32))
def test_gather(case: str, index_dtype: type) -> None:
    shape, index_shape, sizes, numbers_ = GATHERS[case]
    x = numbers(*shape)
    low = -3 if index_dtype is np.int32 else 0
    indices = np.random.default_rng(5).integers(low, 9, index_shape).astype(index_dtype)
    gather = jax.jit(lambda a, i: lax.gather(a, i, numbers_, sizes, mode="clip"))
    expected = np.asarray(gather(x, indices))
    attributes = ", ".join(
        f"{name} = {array(value)}"
        for name, value in {
            "offset_dims": numbers_.offset_dims,
            "collapsed_slice_dims": numbers_.collapsed_slice_dims,
            "operand_batching_dims": numbers_.operand_batching_dims,
            "start_indices_batching_dims": numbers_.start_indices_batching_dims,
            "start_index_map": numbers_.start_index_map,
            "slice_sizes": sizes,
        }.items()
    )
    attributes += f", index_vector_dim = {len(index_shape) - 1}"
    np.testing.assert_array_equal(one("gather", [x, indices], attributes, type_of(expected)), expected)


def test_gather_without_index_vector_dimension() -> None:
    x, indices = numbers(6, 4), np.array([[5, 0], [7, -1]], np.int64)
    attributes = (
        "offset_dims = array<i64: 2>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,"
        " start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, slice_sizes = array<i64: 1, 4>,"
        " index_vector_dim = 2"
    )
    actual = one("gather", [x, indices], attributes, tensor(NAMES[x.dtype], 2, 2, 4))
    np.testing.assert_array_equal(actual, x[np.clip(indices, 0, 5)])
