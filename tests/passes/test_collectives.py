"""What ``astra.exchange``, ``astra.participant`` and the collectives made of them compute, against NumPy.

A program for 8 devices has to give what it gives on one.
"""
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from jax._src.interpreters import mlir as jax_mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

import astra_mlir as astra
from astra_mlir.partition.programs import partition_module
from astra_mlir.teams import run_team

TEAM = 4
GROUPS = [[2, 0], [1, 3]]  # in an order of their own
Arrays = list[np.ndarray]


def run(body: str, inputs: Arrays, result: str, *, replicas: int = TEAM, partitions: int = 1) -> Arrays:
    """``%r``, computed from ``%x`` by every participant."""
    element = {"float32": "f32", "bfloat16": "bf16", "int32": "i32", "bool": "i1", "complex64": "complex<f32>"}
    x = inputs[0]
    operand = "tensor<" + "".join(f"{n}x" for n in x.shape) + element[x.dtype.name] + ">"
    text = f"""module attributes {{mhlo.num_partitions = {partitions} : i32, mhlo.num_replicas = {replicas} : i32}} {{
      func.func @main(%x: {operand}) -> {result} {{
        {body.replace("OPERAND", operand)}
        return %r : {result}
      }}
    }}"""
    return [outputs[0] for outputs in run_team(astra.compile(text), [[x] for x in inputs])]


def numbers(*shape: int, dtype: Any = np.float32) -> Arrays:
    rng = np.random.default_rng(0)
    return [(rng.standard_normal(shape) * 4).astype(dtype) for _ in range(TEAM)]


def of_group(inputs: Arrays, member: int) -> Arrays:
    return [inputs[i] for i in next(group for group in GROUPS if member in group)]


def groups() -> str:
    return f"replica_groups = dense<{GROUPS}> : tensor<2x2xi64>"


@pytest.mark.parametrize("dimension", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.int32, np.bool_, np.complex64])
def test_all_gather(dimension: int, dtype: Any) -> None:
    inputs = numbers(3, 2, dtype=dtype)
    shape = [3, 2]
    shape[dimension] *= 2
    element = {"float32": "f32", "bfloat16": "bf16", "int32": "i32", "bool": "i1", "complex64": "complex<f32>"}
    result = f"tensor<{shape[0]}x{shape[1]}x{element[np.dtype(dtype).name]}>"
    body = (
        f'%r = "stablehlo.all_gather"(%x) <{{all_gather_dim = {dimension} : i64, {groups()}}}> : (OPERAND) -> {result}'
    )
    for member, found in enumerate(run(body, inputs, result)):
        np.testing.assert_array_equal(found, np.concatenate(of_group(inputs, member), dimension))


REDUCTIONS: dict[str, Callable[[Any, Any], Any]] = {"add": np.add, "maximum": np.maximum, "multiply": np.multiply}


def reduction(name: str, kind: str, element: str, rest: str = "") -> str:
    return f"""%r = "stablehlo.{name}"(%x) <{{{groups()}{rest}}}> ({{
      ^bb0(%a: tensor<{element}>, %b: tensor<{element}>):
        %c = stablehlo.{kind} %a, %b : tensor<{element}>
        stablehlo.return %c : tensor<{element}>
      }}) : (OPERAND) -> """


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (129, 127)])  # the last is larger than one piece
def test_all_reduce(kind: str, shape: tuple[int, ...]) -> None:
    inputs = [np.asarray(x) for x in numbers(*shape)]
    result = "tensor<" + "".join(f"{n}x" for n in shape) + "f32>"
    results = run(reduction("all_reduce", kind, "f32") + result, inputs, result)
    for member, found in enumerate(results):
        first, second = of_group(inputs, member)
        np.testing.assert_array_equal(found, REDUCTIONS[kind](first, second))
    for group in GROUPS:
        np.testing.assert_array_equal(results[group[0]].view(np.uint32), results[group[1]].view(np.uint32))


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_all_reduce_of_groups_of_different_sizes(kind: str) -> None:
    inputs = numbers(3)
    uneven = "replica_groups = dense<[[0, 2, 3], [1, -1, -1]]> : tensor<2x3xi64>"
    results = run(
        reduction("all_reduce", kind, "f32").replace(groups(), uneven) + "tensor<3xf32>", inputs, "tensor<3xf32>"
    )
    together = REDUCTIONS[kind](REDUCTIONS[kind](inputs[0], inputs[2]), inputs[3])
    for found, expected in zip(results, [together, inputs[1], together, together], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_narrow_floats_are_added_in_f32() -> None:
    inputs = [np.array([x], ml_dtypes.bfloat16) for x in (256.0, 1.0, 1.0, 1.0)]
    body = reduction("all_reduce", "add", "bf16").replace(
        groups(), "replica_groups = dense<[[0,1,2,3]]> : tensor<1x4xi64>"
    )
    for found in run(body + "tensor<1xbf16>", inputs, "tensor<1xbf16>"):
        assert float(found[0]) == 260.0  # one by one 256 + 1 would stay 256


def test_reduce_scatter() -> None:
    inputs = numbers(3, 6)
    body = reduction("reduce_scatter", "add", "f32", ", scatter_dimension = 1 : i64") + "tensor<3x3xf32>"
    for member, found in enumerate(run(body, inputs, "tensor<3x3xf32>")):
        place = next(group for group in GROUPS if member in group).index(member)
        first, second = of_group(inputs, member)
        np.testing.assert_array_equal(found, (first + second)[:, 3 * place : 3 * place + 3])


@pytest.mark.parametrize(("split", "concat"), [(0, 1), (1, 0), (1, 1)])
def test_all_to_all(split: int, concat: int) -> None:
    inputs = numbers(4, 6)
    shape = [4, 6]
    shape[split] //= 2
    shape[concat] *= 2
    result = f"tensor<{shape[0]}x{shape[1]}xf32>"
    body = f"""%r = "stablehlo.all_to_all"(%x) <{{split_dimension = {split} : i64, concat_dimension = {concat} : i64,
        split_count = 2 : i64, {groups()}}}> : (OPERAND) -> {result}"""
    for member, found in enumerate(run(body, inputs, result)):
        place = next(group for group in GROUPS if member in group).index(member)
        parts = [np.split(x, 2, split)[place] for x in of_group(inputs, member)]
        np.testing.assert_array_equal(found, np.concatenate(parts, concat))


def test_collective_permute_and_broadcast() -> None:
    inputs = numbers(3)
    body = """%r = "stablehlo.collective_permute"(%x)
        <{source_target_pairs = dense<[[0, 2], [2, 3]]> : tensor<2x2xi64>}> : (OPERAND) -> tensor<3xf32>"""
    expected = [np.zeros(3), np.zeros(3), inputs[0], inputs[2]]
    np.testing.assert_array_equal(run(body, inputs, "tensor<3xf32>"), expected)
    body = f'%r = "stablehlo.collective_broadcast"(%x) <{{{groups()}}}> : (OPERAND) -> tensor<3xf32>'
    np.testing.assert_array_equal(run(body, inputs, "tensor<3xf32>"), [inputs[i] for i in (2, 1, 2, 1)])


DERIVED = {
    "all_reduce": (reduction("all_reduce", "KIND", "f32"), "tensor<4xf32>"),
    "reduce_scatter": (reduction("reduce_scatter", "KIND", "f32", ", scatter_dimension = 0 : i64"), "tensor<2xf32>"),
    "collective_broadcast": (
        f'%r = "stablehlo.collective_broadcast"(%x) <{{{groups()}}}> : (OPERAND) -> ',
        "tensor<4xf32>",
    ),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n in ("all_reduce", "reduce_scatter") for k in REDUCTIONS] + [("collective_broadcast", "")],
)
def test_derivatives(name: str, kind: str) -> None:
    """Of the sum of all devices' results, weighted: against central differences in the inputs of all devices."""
    body, result = DERIVED[name]
    body, element = body.replace("KIND", kind) + result, 4
    x = [v.astype(np.float32) for v in numbers(element)]
    weights = [
        np.random.default_rng(i).standard_normal(2 if "2x" in result else 4).astype(np.float32) for i in range(TEAM)
    ]
    tangents = [np.random.default_rng(9 + i).standard_normal(element).astype(np.float32) for i in range(TEAM)]

    def text(mode: str) -> str:
        header = f"module attributes {{mhlo.num_partitions = 1 : i32, mhlo.num_replicas = {TEAM} : i32}}"
        operand = "tensor<4xf32>"
        given, seen = (operand, result) if mode == "jvp" else (result, operand)
        return f"""{header} {{
          func.func private @f(%x: {operand}) -> {result} {{
            {body.replace("OPERAND", operand)}
            return %r : {result}
          }}
          func.func @main(%x: {operand}, %t: {given}) -> ({result}, {seen}) {{
            %r:2 = "astra.{mode}"(%x, %t) {{callee = @f, argnums = array<i64: 0>}} : ({operand}, {given}) -> ({result}, {seen})
            return %r#0, %r#1 : {result}, {seen}
          }}
        }}"""

    def value(inputs: Arrays) -> float:
        found = run(body, [v.astype(np.float32) for v in inputs], result)
        return sum(
            float(np.dot(w.astype(np.float64), f.astype(np.float64))) for w, f in zip(weights, found, strict=True)
        )

    step = 1e-2
    ahead, behind = ([v + s * t for v, t in zip(x, tangents, strict=True)] for s in (step, -step))
    expected = (value(ahead) - value(behind)) / (2 * step)
    forward = [
        out[1] for out in run_team(astra.compile(text("jvp")), [list(pair) for pair in zip(x, tangents, strict=True)])
    ]
    reverse = [
        out[1] for out in run_team(astra.compile(text("vjp")), [list(pair) for pair in zip(x, weights, strict=True)])
    ]
    by_forward = sum(float(np.dot(w, t)) for w, t in zip(weights, forward, strict=True))
    by_reverse = sum(float(np.dot(c, t)) for c, t in zip(reverse, tangents, strict=True))
    np.testing.assert_allclose([by_forward, by_reverse], expected, rtol=2e-3)


@pytest.mark.parametrize(("replicas", "partitions"), [(4, 1), (1, 4), (2, 2)])
def test_numbers_of_devices(replicas: int, partitions: int) -> None:
    body = """%p = stablehlo.partition_id : tensor<ui32>
        %q = stablehlo.replica_id : tensor<ui32>
        %ten = stablehlo.constant dense<10> : tensor<ui32>
        %tens = stablehlo.multiply %q, %ten : tensor<ui32>
        %r = stablehlo.add %p, %tens : tensor<ui32>"""
    found = run(body, numbers(1), "tensor<ui32>", replicas=replicas, partitions=partitions)
    assert [int(x) for x in found] == [10 * r + p for r in range(replicas) for p in range(partitions)]


def test_a_collective_in_a_loop_of_data_dependent_length() -> None:
    """Every participant adds 1 until the sum of all is at least 20: all leave the loop at once."""
    body = """%r = stablehlo.while(%i = %x) : tensor<f32> cond {
        %s = "stablehlo.all_reduce"(%i) <{replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>}> ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %c = stablehlo.add %a, %b : tensor<f32>
          stablehlo.return %c : tensor<f32>
        }) : (tensor<f32>) -> tensor<f32>
        %limit = stablehlo.constant dense<20.0> : tensor<f32>
        %more = stablehlo.compare LT, %s, %limit : (tensor<f32>, tensor<f32>) -> tensor<i1>
        stablehlo.return %more : tensor<i1>
      } do {
        %one = stablehlo.constant dense<1.0> : tensor<f32>
        %n = stablehlo.add %i, %one : tensor<f32>
        stablehlo.return %n : tensor<f32>
      }"""
    found = run(body, [np.array(i, np.float32) for i in range(4)], "tensor<f32>")
    assert [float(x) for x in found] == [4.0, 5.0, 6.0, 7.0]


# --- programs with shardings -----------------------------------------------------------------------------------------


def tiles(text: str, shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """What each of 8 devices has of an array, of a sharding as XLA writes it."""
    if text == "{replicated}":
        return [tuple(slice(0, n) for n in shape)] * 8
    match = re.fullmatch(r"\{devices=\[([\d,]+)\]([\d,]+)( last_tile_dim_replicate)?\}", text)
    assert match is not None
    devices = np.array([int(d) for d in match[2].split(",")]).reshape([int(n) for n in match[1].split(",")])
    found: list[tuple[slice, ...]] = [()] * 8
    for at, device in np.ndenumerate(devices):
        sizes = [n // t for n, t in zip(shape, devices.shape, strict=False)]
        found[device] = tuple(slice(i * s, (i + 1) * s) for i, s in zip(at, sizes, strict=False))
    return found


def check(function: str, *inputs: np.ndarray, tolerance: float = 1e-5) -> None:
    """A program for 8 devices gives what it gives without shardings."""
    text = f'module {{ sdy.mesh @mesh = <["x"=2, "y"=4]>\n{function} }}'
    with jax_mlir.make_ir_context(), ir.Location.unknown():
        codes = []
        for partitions in (1, 8):
            module = ir.Module.parse(text)
            shardings = partition_module(module, partitions)
            attribute = ir.IntegerAttr.get(ir.IntegerType.get_signless(32), partitions)
            module.operation.attributes["mhlo.num_partitions"] = attribute
            codes.append(stablehlo.serialize_portable_artifact(module, "1.17.0", True))
    whole = astra.compile(codes[0])(*inputs)
    places = [tiles(sharding, x.shape) for sharding, x in zip(shardings[0], inputs, strict=True)]
    given = [[x[at[d]] for x, at in zip(inputs, places, strict=True)] for d in range(8)]
    parts = run_team(astra.compile(codes[1]), given)
    for i, (sharding, expected) in enumerate(
        zip(shardings[1], whole if isinstance(whole, (tuple, list)) else [whole], strict=True)
    ):
        for device, at in enumerate(tiles(sharding, expected.shape)):
            np.testing.assert_allclose(parts[device][i], expected[at], rtol=tolerance, atol=tolerance)


A = '%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {"y"}]>}'

PROGRAMS = {
    "contraction": f"""func.func public @main({A}, %b: tensor<16x8xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{{"y"}}, {{}}]>}})
        -> tensor<8x8xf32> {{
      %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x8xf32>) -> tensor<8x8xf32>
      return %0 : tensor<8x8xf32>
    }}""",
    "scattered sum": f"""func.func public @main({A}, %b: tensor<16x8xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{{"y"}}, {{}}]>}})
        -> (tensor<8x8xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{{"x"}}, {{"y"}}]>}}) {{
      %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x8xf32>) -> tensor<8x8xf32>
      return %0 : tensor<8x8xf32>
    }}""",
    "transposed": f"""func.func public @main({A}) -> (tensor<8x16xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{{"y"}}, {{"x"}}]>}}) {{
      %0 = stablehlo.iota dim = 1 : tensor<8x16xf32>
      %1 = stablehlo.add %a, %0 : tensor<8x16xf32>
      return %1 : tensor<8x16xf32>
    }}""",
    "extrema": f"""func.func public @main({A}) -> (tensor<8xf32>, tensor<16xf32>) {{
      %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %one = stablehlo.constant dense<1.0> : tensor<f32>
      %0 = stablehlo.reduce(%a init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<8x16xf32>, tensor<f32>) -> tensor<8xf32>
      %1 = stablehlo.reduce(%a init: %one) applies stablehlo.add across dimensions = [0] : (tensor<8x16xf32>, tensor<f32>) -> tensor<16xf32>
      return %0, %1 : tensor<8xf32>, tensor<16xf32>
    }}""",
    "slices": f"""func.func public @main({A}) -> (tensor<3x8xf32>, tensor<9x17xf32>, tensor<16x8xf32>, tensor<8x16xf32>) {{
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = stablehlo.slice %a [1:4, 0:16:2] : (tensor<8x16xf32>) -> tensor<3x8xf32>
      %1 = stablehlo.pad %a, %zero, low = [1, 0], high = [0, 1], interior = [0, 0] : (tensor<8x16xf32>, tensor<f32>) -> tensor<9x17xf32>
      %2 = stablehlo.reshape %a : (tensor<8x16xf32>) -> tensor<16x8xf32>
      %3 = stablehlo.reverse %a, dims = [0, 1] : tensor<8x16xf32>
      return %0, %1, %2, %3 : tensor<3x8xf32>, tensor<9x17xf32>, tensor<16x8xf32>, tensor<8x16xf32>
    }}""",
    "updates": f"""func.func public @main({A}) -> (tensor<8x16xf32>, tensor<2x16xf32>) {{
      %i = stablehlo.constant dense<3> : tensor<i32>
      %ones = stablehlo.constant dense<1.0> : tensor<2x3xf32>
      %0 = stablehlo.dynamic_update_slice %a, %ones, %i, %i : (tensor<8x16xf32>, tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<8x16xf32>
      %1 = stablehlo.dynamic_slice %0, %i, %i, sizes = [2, 16] : (tensor<8x16xf32>, tensor<i32>, tensor<i32>) -> tensor<2x16xf32>
      return %0, %1 : tensor<8x16xf32>, tensor<2x16xf32>
    }}""",
    "rows": f"""func.func public @main({A}) -> (tensor<5x16xf32>, tensor<8x16xf32>) {{
      %i = stablehlo.constant dense<[[1], [7], [0], [3], [7]]> : tensor<5x1xi32>
      %0 = "stablehlo.gather"(%a, %i) <{{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 16>}}> : (tensor<8x16xf32>, tensor<5x1xi32>) -> tensor<5x16xf32>
      %1 = "stablehlo.scatter"(%a, %i, %0) <{{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}}> ({{
      ^bb0(%p: tensor<f32>, %q: tensor<f32>):
        %s = stablehlo.add %p, %q : tensor<f32>
        stablehlo.return %s : tensor<f32>
      }}) : (tensor<8x16xf32>, tensor<5x1xi32>, tensor<5x16xf32>) -> tensor<8x16xf32>
      return %0, %1 : tensor<5x16xf32>, tensor<8x16xf32>
    }}""",
    "loop": f"""func.func public @main({A}) -> tensor<8x16xf32> {{
      %limit = stablehlo.constant dense<100.0> : tensor<f32>
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = stablehlo.abs %a : tensor<8x16xf32>
      %1 = stablehlo.while(%v = %0) : tensor<8x16xf32> cond {{
        %s = stablehlo.reduce(%v init: %zero) applies stablehlo.add across dimensions = [0, 1] : (tensor<8x16xf32>, tensor<f32>) -> tensor<f32>
        %c = stablehlo.compare LT, %s, %limit : (tensor<f32>, tensor<f32>) -> tensor<i1>
        stablehlo.return %c : tensor<i1>
      }} do {{
        %t = stablehlo.reverse %v, dims = [1] : tensor<8x16xf32>
        %n = stablehlo.add %t, %0 : tensor<8x16xf32>
        stablehlo.return %n : tensor<8x16xf32>
      }}
      return %1 : tensor<8x16xf32>
    }}""",
    "histogram": f"""func.func public @main(%i: tensor<8xi32> {{sdy.sharding = #sdy.sharding<@mesh, [{{"x"}}]>}}, {A.replace("%a", "%u")},
        %a: tensor<5x16xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{{}}, {{"y"}}]>}}) -> tensor<5x16xf32> {{
      %0 = stablehlo.reshape %i : (tensor<8xi32>) -> tensor<8x1xi32>
      %1 = "stablehlo.scatter"(%a, %0, %u) <{{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}}> ({{
      ^bb0(%p: tensor<f32>, %q: tensor<f32>):
        %s = stablehlo.add %p, %q : tensor<f32>
        stablehlo.return %s : tensor<f32>
      }}) : (tensor<5x16xf32>, tensor<8x1xi32>, tensor<8x16xf32>) -> tensor<5x16xf32>
      return %1 : tensor<5x16xf32>
    }}""",
    "windows": f"""func.func public @main({A}) -> tensor<8x16xf32> {{
      %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %0 = "stablehlo.reduce_window"(%a, %low) <{{padding = dense<[[0, 1], [0, 1]]> : tensor<2x2xi64>, window_dimensions = array<i64: 2, 2>}}> ({{
      ^bb0(%p: tensor<f32>, %q: tensor<f32>):
        %m = stablehlo.maximum %p, %q : tensor<f32>
        stablehlo.return %m : tensor<f32>
      }}) : (tensor<8x16xf32>, tensor<f32>) -> tensor<8x16xf32>
      return %0 : tensor<8x16xf32>
    }}""",
    "combiners": f"""func.func public @main({A}) -> (tensor<8xf32>, tensor<8x16xf32>) {{
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = stablehlo.reduce(%a init: %zero) across dimensions = [1] : (tensor<8x16xf32>, tensor<f32>) -> tensor<8xf32>
      reducer(%p: tensor<f32>, %q: tensor<f32>) {{
        %two = stablehlo.constant dense<2.0> : tensor<f32>
        %t = sdy.sharding_constraint %p <@mesh, []> : tensor<f32>
        %u = stablehlo.maximum %t, %q : tensor<f32>
        %v = stablehlo.minimum %u, %two : tensor<f32>
        stablehlo.return %v : tensor<f32>
      }}
      %i = stablehlo.constant dense<(0.0, 1.0)> : tensor<8x16xcomplex<f32>>
      %1 = stablehlo.complex %a, %a : tensor<8x16xcomplex<f32>>
      %2 = stablehlo.multiply %1, %i : tensor<8x16xcomplex<f32>>
      %3 = stablehlo.real %2 : (tensor<8x16xcomplex<f32>>) -> tensor<8x16xf32>
      return %0, %3 : tensor<8xf32>, tensor<8x16xf32>
    }}""",
    "calls": f"""func.func public @main({A}) -> (tensor<8x16xf32>, tensor<8x16xf32>) {{
      %0 = call @f(%a) : (tensor<8x16xf32>) -> tensor<8x16xf32>
      %1 = sdy.sharding_constraint %0 <@mesh, [{{"y"}}, {{}}]> : tensor<8x16xf32>
      %2 = call @f(%1) : (tensor<8x16xf32>) -> tensor<8x16xf32>
      return %0, %2 : tensor<8x16xf32>, tensor<8x16xf32>
    }}
    func.func private @f(%a: tensor<8x16xf32>) -> tensor<8x16xf32> {{
      %0 = "stablehlo.sort"(%a) <{{dimension = 1 : i64}}> ({{
      ^bb0(%p: tensor<f32>, %q: tensor<f32>):
        %c = stablehlo.compare LT, %p, %q, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
        stablehlo.return %c : tensor<i1>
      }}) : (tensor<8x16xf32>) -> tensor<8x16xf32>
      return %0 : tensor<8x16xf32>
    }}""",
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_eight_devices_compute_what_one_does(name: str) -> None:
    rng = np.random.default_rng(1)
    shapes = {"contraction": [(8, 16), (16, 8)], "scattered sum": [(8, 16), (16, 8)], "histogram": [(8, 16), (5, 16)]}
    inputs = [rng.standard_normal(shape).astype(np.float32) for shape in shapes.get(name, [(8, 16)])]
    if name == "histogram":
        inputs.insert(0, rng.integers(-1, 6, 8).astype(np.int32))
    check(PROGRAMS[name], *inputs)
