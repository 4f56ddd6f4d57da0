"""Partitioning: where tiles lie, and the program of each device.  Numerics: tests/api/test_several_devices.py."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from jax._src.interpreters import mlir as jax_mlir
from jax._src.lib import _jax
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

import astra_mlir.tools
from astra_mlir.bindings import ir as astra_ir
from astra_mlir.bindings import make_context
from astra_mlir.errors import UnsupportedError
from astra_mlir.partition.gspmd import import_shardings
from astra_mlir.partition.meshes import Digit, Sharding, groups, hlo_text, independent, tile_of
from astra_mlir.partition.programs import PIPELINE, partition, partition_module, run
from astra_mlir.passes import run_pipeline

X, Y0, Y1 = Digit(4, 2), Digit(2, 2), Digit(1, 2)


def local(functions: str, partitions: int = 8) -> tuple[str, list[str], list[str]]:
    """The program of each device on a mesh of x=2 and y=4, and the shardings of arguments and results."""
    text = f'module {{ sdy.mesh @mesh = <["x"=2, "y"=4]>\n{functions} }}'
    with jax_mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        parameters, results = partition_module(module, partitions)
        assert module.operation.verify()
        return str(module), parameters, results


def test_tiles_are_numbered_by_the_digits_of_the_partition() -> None:
    assert [tile_of(p, (Y0, Y1, X)) for p in range(8)] == [0, 2, 4, 6, 1, 3, 5, 7]
    assert [tile_of(p, (Digit(1, 2, order=(1, 0)),)) for p in range(2)] == [1, 0]


def test_groups_differ_in_their_digits_only() -> None:
    assert groups(8, (Y0, Y1)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert groups(8, (Y1, X)) == [[0, 4, 1, 5], [2, 6, 3, 7]]
    assert groups(2, (Digit(1, 2, order=(1, 0)),)) == [[1, 0]]


def test_digits_of_two_meshes_may_overlap() -> None:
    assert independent((X, Y0, Y1))
    assert not independent((Digit(1, 2), Digit(1, 4)))
    assert not independent((X, Digit(2, 2, order=(0, 2, 4, 6, 1, 3, 5, 7))))


def test_hlo_text_lists_the_devices_of_each_tile() -> None:
    assert hlo_text(Sharding(((X,), (Y0, Y1))), 8) == "{devices=[2,4]0,1,2,3,4,5,6,7}"
    assert hlo_text(Sharding(((), (X,))), 8) == "{devices=[1,2,4]0,1,2,3,4,5,6,7 last_tile_dim_replicate}"
    assert hlo_text(Sharding(((), ())), 8) == "{replicated}"
    assert hlo_text(Sharding(((),), frozenset((X,))), 8) == (
        "{devices=[1,2,4]0,1,2,3,4,5,6,7 last_tile_dims={unreduced, replicated}}"
    )
    assert hlo_text(Sharding(((X,),), frozenset((Y0, Y1))), 8) == (
        "{devices=[2,4]0,1,2,3,4,5,6,7 last_tile_dims={unreduced}}"
    )
    assert hlo_text(Sharding(((),), frozenset((X, Y0, Y1))), 8) == "{unreduced}"


@pytest.mark.parametrize(
    ("mesh", "axes", "expected"),
    [
        ("@mesh", '"y"', "0, 1, 2, 3], [4, 5, 6, 7"),
        ("@mesh", '"x"', "0, 4], [1, 5], [2, 6], [3, 7"),
        ("@other", '"b"', "3, 2], [1, 0], [7, 6], [5, 4"),
        (
            '#stablehlo.mesh<axes=[<name = "a", size = 4>, <name = "b", size = 2>]>',
            '"b", "a"',
            "0, 2, 4, 6, 1, 3, 5, 7",
        ),
    ],
)
def test_groups_by_the_axes_of_a_mesh_are_listed(mesh: str, axes: str, expected: str) -> None:
    references = ", ".join(f"#stablehlo.axis_ref<name = {name}>" for name in axes.split(", "))
    text, _, _ = local(f"""
      sdy.mesh @other = <["a"=4, "b"=2], device_ids=[3, 2, 1, 0, 7, 6, 5, 4]>
      func.func public @main(%a: tensor<8xf32>) -> tensor<8xf32> {{
        %0 = sdy.manual_computation(%a) in_shardings=[<@mesh, [{{"x", "y"}}]>] out_shardings=[<@mesh, [{{"x", "y"}}]>]
            manual_axes={{"x", "y"}} (%v: tensor<1xf32>) {{
          %1 = "stablehlo.all_reduce"(%v) <{{channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>,
            replica_groups = #stablehlo.replica_group_mesh_axes<mesh = {mesh}, axes = [{references}]>,
            use_global_device_ids}}> ({{
          ^bb0(%x: tensor<f32>, %y: tensor<f32>):
            %2 = stablehlo.add %x, %y : tensor<f32>
            stablehlo.return %2 : tensor<f32>
          }}) : (tensor<1xf32>) -> tensor<1xf32>
          sdy.return %1 : tensor<1xf32>
        }} : (tensor<8xf32>) -> tensor<8xf32>
        return %0 : tensor<8xf32>
      }}""")
    assert f"replica_groups = dense<[[{expected}]]>" in text


def test_a_contracted_dimension_is_added_up_over_its_partitions() -> None:
    text, parameters, results = local("""
      func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {"y"}]>},
                             %b: tensor<16x32xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}, {}]>})
          -> tensor<8x32xf32> {
        %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
            : (tensor<8x16xf32>, tensor<16x32xf32>) -> tensor<8x32xf32>
        return %0 : tensor<8x32xf32>
      }""")
    assert "(tensor<4x4xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>" in text
    assert text.count('"stablehlo.all_reduce"') == 1 and "dense<[[0, 1, 2, 3], [4, 5, 6, 7]]>" in text
    assert parameters[0] == "{devices=[2,4]0,1,2,3,4,5,6,7}"
    assert results == ["{devices=[2,1,4]0,1,2,3,4,5,6,7 last_tile_dim_replicate}"]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ('{"x"}, {}', '{"x"}, {"y"}', {"dynamic_slice": 2}),
        ('{"x"}, {"y"}', '{"x"}, {}', {"all_gather": 1}),
        ('{"x"}, {}', '{}, {"x"}', {"all_to_all": 1}),
        ('{"x", "y"}, {}', '{"y", "x"}, {}', {"collective_permute": 1}),
        ('{"x"}, {"y"}', '{"y"}, {"x"}', {"all_gather": 2, "dynamic_slice": 4}),
    ],
)
def test_resharding_uses_the_collective_that_moves_least(source: str, target: str, expected: dict[str, int]) -> None:
    text, _, _ = local(f"""
      func.func public @main(%a: tensor<8x16xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{source}]>}})
          -> (tensor<8x16xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{target}]>}}) {{
        return %a : tensor<8x16xf32>
      }}""")
    names = ("all_gather", "all_to_all", "collective_permute", "dynamic_slice")
    found = {name: text.count(f"stablehlo.{name}") for name in names}
    assert {name: number for name, number in found.items() if number} == expected


def test_a_sum_of_which_each_has_a_tile_is_not_added_up_by_all() -> None:
    text, _, _ = local("""
      func.func public @main(%a: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {"x"}]>},
                             %b: tensor<16x32xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>})
          -> (tensor<8x32xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) {
        %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
            : (tensor<8x16xf32>, tensor<16x32xf32>) -> tensor<8x32xf32>
        return %0 : tensor<8x32xf32>
      }""")
    assert '"stablehlo.reduce_scatter"' in text and "tensor<4x32xf32>" in text
    assert "all_reduce" not in text


@pytest.mark.parametrize(("kind", "init"), [("add", "0.0"), ("maximum", "0xFF800000"), ("add", "1.0")])
def test_reductions_from_the_neutral_element_are_finished_by_all(kind: str, init: str) -> None:
    text, _, _ = local(f"""
      func.func public @main(%a: tensor<8x16xf32> {{sdy.sharding = #sdy.sharding<@mesh, [{{"x"}}, {{}}]>}})
          -> tensor<16xf32> {{
        %0 = stablehlo.constant dense<{init}> : tensor<f32>
        %1 = stablehlo.reduce(%a init: %0) applies stablehlo.{kind} across dimensions = [0]
            : (tensor<8x16xf32>, tensor<f32>) -> tensor<16xf32>
        return %1 : tensor<16xf32>
      }}""")
    assert ("stablehlo.all_reduce" in text, "stablehlo.all_gather" in text) == (init != "1.0", init == "1.0")


def test_sums_of_a_sharded_scatter_are_partial() -> None:
    text, _, results = local("""
      func.func public @main(%i: tensor<8x1xi32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>},
                             %u: tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}]>}, %a: tensor<5xf32>)
          -> (tensor<5xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}]>}) {
        %0 = "stablehlo.scatter"(%a, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<
            inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
        ^bb0(%p: tensor<f32>, %q: tensor<f32>):
          %s = stablehlo.add %p, %q : tensor<f32>
          stablehlo.return %s : tensor<f32>
        }) : (tensor<5xf32>, tensor<8x1xi32>, tensor<8xf32>) -> tensor<5xf32>
        return %0 : tensor<5xf32>
      }""")
    assert "(tensor<5xf32>, tensor<4x1xi32>, tensor<4xf32>) -> tensor<5xf32>" in text
    assert '"stablehlo.all_reduce"' in text and "all_gather" not in text and results == ["{replicated}"]


def test_a_tile_among_zeros_is_part_of_a_sum() -> None:
    text, _, results = local("""
      func.func public @main(%a: tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}]>})
          -> (tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}], unreduced={"y"}>}) {
        return %a : tensor<8xf32>
      }""")
    assert "stablehlo.dynamic_update_slice" in text and "all_gather" not in text
    assert results == ["{devices=[1,4,2]0,4,1,5,2,6,3,7 last_tile_dims={unreduced, replicated}}"]


def test_what_does_not_divide_stays_whole() -> None:
    text, _, _ = local("""
      func.func public @main(%a: tensor<7x16xf32>) -> tensor<7x16xf32> {
        %0 = sdy.sharding_constraint %a <@mesh, [{"x"}, {"y"}]> : tensor<7x16xf32>
        %1 = stablehlo.add %0, %0 : tensor<7x16xf32>
        return %1 : tensor<7x16xf32>
      }""")
    assert "stablehlo.add" in text and "tensor<7x4xf32>" in text


def test_an_iota_counts_on_from_its_tile() -> None:
    text, _, _ = local("""
      func.func public @main() -> (tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y"}]>}) {
        %0 = stablehlo.iota dim = 0 : tensor<8xf32>
        return %0 : tensor<8xf32>
      }""")
    assert "dense<[0, 1, 2, 3, 0, 1, 2, 3]>" in text and "stablehlo.iota dim = 0 : tensor<2xi32>" in text


def test_regions_of_shard_map_take_the_place_of_the_operation() -> None:
    body = """
      func.func public @main(%a: tensor<8x16xf32>) -> tensor<8x16xf32> {{
        %0 = sdy.manual_computation(%a) in_shardings=[<@mesh, [{{"x"}}, {{}}]>] out_shardings=[<@mesh, [{{"x"}}, {{}}]>]
            manual_axes={{"x"}} (%b: tensor<{rows}x16xf32>) {{
          %1 = stablehlo.reverse %b, dims = [0] : tensor<{rows}x16xf32>
          sdy.return %1 : tensor<{rows}x16xf32>
        }} : (tensor<8x16xf32>) -> tensor<8x16xf32>
        return %0 : tensor<8x16xf32>
      }}"""
    text, _, _ = local(body.format(rows=4))
    assert "stablehlo.reverse" in text and "sdy" not in text


def test_what_is_begun_is_done_at_once() -> None:
    text, _, _ = local("""
      func.func public @main(%a: tensor<8x16xf32>) -> tensor<16x16xf32> {
        %0 = sdy.manual_computation(%a) in_shardings=[<@mesh, [{"x"}, {}]>] out_shardings=[<@mesh, [{"x"}, {}]>]
            manual_axes={"x"} (%b: tensor<4x16xf32>) {
          %1 = "stablehlo.async_start"(%b) ({
          ^bb0(%c: tensor<4x16xf32>):
            %4 = "stablehlo.all_gather"(%c) <{all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> :
                tensor<1x2xi64>}> : (tensor<4x16xf32>) -> tensor<8x16xf32>
            stablehlo.return %4 : tensor<8x16xf32>
          }) : (tensor<4x16xf32>) -> !stablehlo.future<tensor<8x16xf32>>
          %2 = stablehlo.negate %b : tensor<4x16xf32>
          stablehlo.custom_call @control_dep(%1, %2) {has_side_effect = true} :
              (!stablehlo.future<tensor<8x16xf32>>, tensor<4x16xf32>) -> ()
          %3 = "stablehlo.async_done"(%1) : (!stablehlo.future<tensor<8x16xf32>>) -> tensor<8x16xf32>
          sdy.return %3 : tensor<8x16xf32>
        } : (tensor<8x16xf32>) -> tensor<16x16xf32>
        return %0 : tensor<16x16xf32>
      }""")
    assert "stablehlo.all_gather" in text
    assert "async" not in text and "control_dep" not in text


def test_np_tables_match_the_mesh() -> None:
    """The devices of a mesh of (2, 4), taken along y, then x."""
    devices = np.arange(8).reshape(2, 4)
    order = sorted(range(8), key=lambda p: tile_of(p, (Y0, Y1, X)))
    assert order == devices.T.ravel().tolist()


# --- the guide -------------------------------------------------------------------------------------------------------


def test_listings_of_the_guide() -> None:
    page = Path(astra_mlir.tools.__file__).resolve().parents[1] / "docs" / "distributed.md"
    source, propagated, of_device, expanded = re.findall(r"^```mlir\n(.*?)^```$", page.read_text(), re.M | re.DOTALL)
    with jax_mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse(source)
        run(",".join(PIPELINE), module)
        assert str(module).strip() == propagated.strip()
        module = ir.Module.parse(source)
        partition_module(module, 4)
        assert str(module).strip() == of_device.strip()
    with make_context(), astra_ir.Location.unknown():
        module = astra_ir.Module.parse(
            of_device.replace("module {", "module attributes {mhlo.num_partitions = 4 : i32} {")
        )
        run_pipeline(module, "astra-import,astra-expand-collectives")
        assert str(module).strip() == expanded.strip()


def test_what_jax_reads_back_has_shardings_and_converts_to_hlo() -> None:
    with jax_mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse("""module {
          sdy.mesh @mesh = <["x"=2]>
          func.func public @main(%a: tensor<4x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>})
              -> (tensor<4x2xf32>, tensor<4x2xi32>) {
            %0:2 = stablehlo.custom_call @mhlo.topk(%a) {api_version = 2 : i32,
                mhlo.backend_config = {k = 2 : i64, largest = true}}
                : (tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<4x2xi32>)
            return %0#0, %0#1 : tensor<4x2xf32>, tensor<4x2xi32>
          }
        }""")
        found = partition(stablehlo.serialize_portable_artifact(module, "1.17.0", True), 1, 2)
        attributes = ir.Module.parse(found.described).operation.attributes
    assert attributes["mhlo.spmd_output_sharding"].value == "{{devices=[2,1]0,1}, {devices=[2,1]0,1}}"
    assert [x.value for x in attributes["mhlo.spmd_parameters_shardings"]] == ["{devices=[2,1]0,1}"]
    text = _jax.mlir.mlir_module_to_xla_computation(found.described).as_hlo_text()
    assert 'custom_call_target="TopK"' in text


@pytest.mark.parametrize(
    ("written", "partitions", "expected"),
    [
        (
            "{devices=[2,1,4]<=[8] last_tile_dim_replicate}",
            8,
            "{devices=[2,1,4]0,1,2,3,4,5,6,7 last_tile_dim_replicate}",
        ),
        ("{devices=[4,2]<=[2,4]T(1,0)}", 8, "{devices=[4,2]0,4,1,5,2,6,3,7}"),
        ("{devices=[6,2]<=[3,4]T(1,0)}", 12, "{devices=[6,2]0,4,8,1,5,9,2,6,10,3,7,11}"),
        ("{devices=[4,1]3,2,0,1}", 4, "{devices=[4,1]3,2,0,1}"),
        ("{replicated}", 8, "{replicated}"),
        ("{maximal device=3}", 8, "{replicated}"),
    ],
)
def test_shardings_from_before_shardy_mean_the_same(written: str, partitions: int, expected: str) -> None:
    other = f"{{devices=[{partitions},1]<=[{partitions}]}}"  # another mesh, or other parts of the same
    program = f"""
      func.func public @main(%a: tensor<24x24xf32> {{mhlo.sharding = "{written}"}},
                             %b: tensor<24x24xf32> {{mhlo.sharding = "{other}"}}) -> (tensor<24x24xf32>) {{
        return %a : tensor<24x24xf32>
      }}"""
    _, parameters, _ = local(program, partitions)
    assert parameters[0] == expected


MAPPED = """
  func.func public @main(%a: tensor<8x16xf32> {mhlo.sharding = "{devices=[2,4]<=[8]}"}) -> tensor<8x16xf32> {
    %0 = stablehlo.custom_call @Sharding(%a) {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"}
        : (tensor<8x16xf32>) -> tensor<8x16xf32>
    %1 = stablehlo.custom_call @SPMDFullToShardShape(%0) {mhlo.sharding = "{manual}"}
        : (tensor<8x16xf32>) -> tensor<4x16xf32>
    %2 = CALL(%1) : (tensor<4x16xf32>) -> tensor<4x16xf32>
    %3 = stablehlo.custom_call @Sharding(%2) {mhlo.sharding = "{manual}"} : (tensor<4x16xf32>) -> tensor<4x16xf32>
    %4 = stablehlo.custom_call @SPMDShardToFullShape(%3)
        {mhlo.sharding = "{devices=[2,1,4]<=[8] last_tile_dim_replicate}"} : (tensor<4x16xf32>) -> tensor<8x16xf32>
    return %4 : tensor<8x16xf32>
  }
  func.func private @body(%a: tensor<4x16xf32>) -> tensor<4x16xf32> {
    %0 = stablehlo.negate %a : tensor<4x16xf32>
    return %0 : tensor<4x16xf32>
  }"""


def test_the_body_of_an_old_shard_map_is_a_manual_computation() -> None:
    with jax_mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse(f"module {{ {MAPPED.replace('CALL', 'call @body')} }}")
        import_shardings(module, 8)
        assert module.operation.verify()
        text = str(module)
    assert "custom_call" not in text and "mhlo.sharding" not in text
    assert 'manual_axes={"stride_4", "stride_2", "stride_1"} (%arg1: tensor<4x16xf32>)' in text
    assert 'out_shardings=[<@gspmd, [{"stride_4"}, {}]>]' in text


def test_a_change_of_shape_around_no_function_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="SPMDFullToShardShape.*not around a function"):
        local(MAPPED.replace("CALL(%1) : (tensor<4x16xf32>) ->", "stablehlo.negate %1 :"))


def test_small_sums_over_the_same_devices_become_one() -> None:
    def program(second: str, element: str = "f32") -> str:
        sums = [
            f"""%{i} = "stablehlo.all_reduce"({operand})
                <{{replica_groups = dense<{groups}> : tensor<{shape}xi64>}}> ({{
                ^bb0(%l: tensor<{element}>, %r: tensor<{element}>):
                  %s = stablehlo.add %l, %r : tensor<{element}>
                  stablehlo.return %s : tensor<{element}>
                }}) : (tensor<{size}x{element}>) -> tensor<{size}x{element}>"""
            for i, (operand, size, groups, shape) in enumerate(
                [("%a", "4x4", "[[0, 1]]", "1x2"), (second, "4x4", "[[0, 1]]", "1x2"), ("%b", "3", "[[0, 1]]", "1x2"),
                 ("%b", "3", "[[0], [1]]", "2x1"), ("%c", "9000", "[[0, 1]]", "1x2")]
            )
        ]  # fmt: skip
        body = "\n".join(sums)
        return f"""func.func public @main(
            %a: tensor<4x4x{element}>, %b: tensor<3x{element}>, %c: tensor<9000x{element}>) -> (tensor<4x4x{element}>,
                tensor<4x4x{element}>, tensor<3x{element}>, tensor<3x{element}>,
                tensor<9000x{element}>) {{
          {body}
          return %0, %1, %2, %3, %4 : tensor<4x4x{element}>, tensor<4x4x{element}>, tensor<3x{element}>,
              tensor<3x{element}>, tensor<9000x{element}>
        }}"""

    together, _, _ = local(program("%a"), 2)
    assert (
        together.count("all_reduce") == 3 and "tensor<35xf32>" in together
    )  # the third is too large, one other groups
    apart, _, _ = local(program("%0"), 2)
    assert apart.count("all_reduce") == 4 and "tensor<19xf32>" in apart  # the second reads the first
    assert "tensor<35xcomplex<f32>>" in local(program("%a", "complex<f32>"), 2)[0]
