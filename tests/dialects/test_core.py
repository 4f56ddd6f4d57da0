"""Declaring, building, reading and verifying operations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import OPS, build, define, int_list, value_of, verification_errors, verify
from astra_mlir.errors import VerificationError


@pytest.fixture
def context() -> Iterator[ir.Context]:
    with make_context() as context, ir.Location.unknown():
        yield context


def _function(inputs: list[str]) -> tuple[ir.Module, ir.Block]:
    module = ir.Module.parse(f"func.func @f({', '.join(f'%a{i}: {t}' for i, t in enumerate(inputs))}) {{\nreturn\n}}")
    return module, module.body.operations[0].regions[0].blocks[0]


def test_build_converts_attributes_by_their_declared_kind(context: ir.Context) -> None:
    module, block = _function(["tensor<4xf32>"])
    tensor = block.arguments[0].type
    with ir.InsertionPoint.at_block_begin(block):
        op = build("kernel_call", [block.arguments[0]], [tensor], callee="k", num_outs=1, num_scratch=None)
        value = build("constant", [], [tensor], value=ir.DenseElementsAttr.get_splat(tensor, ir.FloatAttr.get_f32(1.0)))
    assert isinstance(op.attributes["callee"], ir.FlatSymbolRefAttr)
    assert "num_scratch" not in op.attributes
    assert value_of(op, "callee") == "k"
    assert value_of(op, "num_outs") == 1
    assert value_of(op, "num_scratch", 0) == 0
    assert isinstance(value_of(value, "value"), ir.DenseElementsAttr)
    assert verify(module) == 2


def test_empty_arrays_keep_their_kind(context: ir.Context) -> None:
    _, block = _function(["tensor<4x3xf32>", "tensor<3x5xf32>"])
    with ir.InsertionPoint.at_block_begin(block):
        op = build("convolution", list(block.arguments), [], window_reversal=(), window_strides=())
    assert isinstance(op.attributes["window_reversal"], ir.DenseBoolArrayAttr)
    assert isinstance(op.attributes["window_strides"], ir.DenseI64ArrayAttr)
    assert int_list(op, "window_strides") == []
    assert int_list(op, "padding") == []


def test_build_makes_the_declared_regions(context: ir.Context) -> None:
    _, block = _function(["tensor<i1>"])
    with ir.InsertionPoint.at_block_begin(block):
        assert len(build("if", [block.arguments[0]], []).regions) == 2
    with pytest.raises(KeyError):
        build("frobnicate", [], [])


def test_an_operation_is_declared_once() -> None:
    with pytest.raises(ValueError, match=r"astra\.add is declared twice"):
        define("add", family="elementwise")


def test_value_of_refuses_undeclared_attributes(context: ir.Context) -> None:
    module = ir.Module.parse('"astra.iota"() {dimension = 0 : i64, note = 1 : i64} : () -> tensor<4xi32>')
    op = module.body.operations[0].operation
    with pytest.raises(KeyError, match=r"astra\.iota has no attribute 'note'"):
        value_of(op, "note")


def test_verify_raises_at_the_first_error_with_its_place(context: ir.Context) -> None:
    module = ir.Module.parse(
        """
        %0 = "astra.iota"() {dimension = 0 : i64} : () -> tensor<4xi32>
        %1 = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4xi32>
        %2 = "astra.iota"() {dimension = 2 : i64} : () -> tensor<4xi32>
        """
    )
    with pytest.raises(VerificationError, match=r"-:3:14: .*attribute \'dimension\' is 1, which is not a dimension"):
        verify(module)
    assert [op.attributes["dimension"].value for op, _ in verification_errors(module)] == [1, 2]


def test_nested_operations_are_verified(context: ir.Context) -> None:
    module = ir.Module.parse(
        """
        func.func @f(%p: tensor<i1>) {
          scf.execute_region {
            "astra.if"(%p) ({
              %0 = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4xi32>
              "astra.yield"() : () -> ()
            }, {
              "astra.yield"() : () -> ()
            }) : (tensor<i1>) -> ()
            scf.yield
          }
          return
        }
        """
    )
    assert [op.name for op, _ in verification_errors(module)] == ["astra.iota"]


def test_unregistered_operations_are_errors_unless_allowed(context: ir.Context) -> None:
    module = ir.Module.parse('"other.operation"() : () -> ()')
    assert len(verification_errors(module)) == 1
    assert verification_errors(module, allow_unregistered=True) == []


def test_only_the_last_operand_or_result_is_variadic() -> None:
    for definition in OPS.values():
        for names in (definition.operands, definition.results):
            assert not any(name.startswith("*") for name in names[:-1]), definition.name
        assert not definition.attributes.keys() & definition.optional_attributes.keys()
