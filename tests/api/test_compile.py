"""``astra.compile`` on programs and functions: results, inspection, and what is refused."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.bindings import ir, make_context
from astra_mlir.cost import cost_of
from astra_mlir.passes.pipelines import STAGE_NAMES

TEXT = """
func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>) {
  %c = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %t = stablehlo.tanh %c : tensor<4x3xf32>
  %r = stablehlo.reduce(%t init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x3xf32>, tensor<f32>) -> tensor<4xf32>
  return %t, %r : tensor<4x3xf32>, tensor<4xf32>
}
func.func @other(%a: tensor<2xi32>) -> tensor<2xi32> {
  %b = stablehlo.add %a, %a : tensor<2xi32>
  return %b : tensor<2xi32>
}
"""  # noqa: E501


@pytest.fixture(scope="module")
def executable() -> astra.Executable:
    return astra.compile(TEXT)  # type: ignore[return-value]


@pytest.fixture
def arguments() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((4, 8), np.float32), rng.standard_normal((8, 3), np.float32)


def test_results(executable: astra.Executable, arguments: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = arguments
    t, r = executable(a, b)
    np.testing.assert_allclose(t, np.tanh(a @ b), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(r, np.tanh(a @ b).sum(1), rtol=1e-5, atol=1e-6)
    again, _ = executable(a, b)
    assert again is not t
    assert not np.shares_memory(again, t)


def test_arguments_of_other_layouts(executable: astra.Executable, arguments: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = arguments
    expected = executable(a, b)[0]
    np.testing.assert_array_equal(executable(np.asfortranarray(a), b[::1, ::-1][:, ::-1])[0], expected)
    np.testing.assert_array_equal(executable(a.astype(">f4").astype("<f4"), jnp.asarray(b))[0], expected)


@pytest.mark.parametrize("kind", ["text", "bytes", "path", "string path", "module", "artifact"])
def test_kinds_of_programs(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "program.mlir"
    path.write_text(TEXT)
    with make_context():
        module = ir.Module.parse(TEXT)
    artifact = astra.Program.from_module(module).data
    sources = {
        "text": TEXT, "bytes": TEXT.encode(), "path": path, "string path": str(path), "module": module,
        "artifact": artifact,
    }  # fmt: skip
    exe = astra.compile(sources[kind], entry="other")
    np.testing.assert_array_equal(exe(np.array([3, 4], np.int32))[0], [6, 8])
    assert str(module.operation).startswith("module {")  # what was given is not changed


def test_every_stage_can_be_looked_at(executable: astra.Executable) -> None:
    texts = {stage: executable.ir(stage) for stage in STAGE_NAMES}
    assert "stablehlo.tanh" in texts["stablehlo"]
    assert "astra.tanh" in texts["astra"]
    assert "stablehlo" not in texts["astra"]
    assert "linalg.generic" in texts["linalg"]
    assert "memref" in texts["memref"]
    assert "llvm.func" in texts["llvm"]
    assert "astra_entry_main" in executable.llvm_ir()
    assert "define" in executable.llvm_ir(optimized=True)
    assert "astra_entry_main:" in executable.asm()
    with pytest.raises(astra.AstraError, match="stages are stablehlo, astra"):
        executable.ir("hlo")


def test_times_and_memory(executable: astra.Executable) -> None:
    assert set(STAGE_NAMES) < set(executable.compile_times)
    memory = executable.memory()
    assert memory.argument_bytes == 4 * (32 + 24)
    assert memory.output_bytes == 4 * (12 + 4)
    assert memory.code_bytes > 0
    assert memory.peak_bytes >= memory.argument_bytes + memory.output_bytes


def test_cost(executable: astra.Executable) -> None:
    cost = executable.cost()
    assert cost.flops_by_op["dot_general"] == 2 * 4 * 3 * 8
    assert cost.flops_by_op["reduce"] == 12
    assert cost.transcendentals == 12
    assert cost.bytes_accessed >= 4 * (32 + 24 + 12)


def test_cost_of_loops_counts_trips() -> None:
    compiled = astra.compile(lambda x: jax.lax.fori_loop(0, 7, lambda i, c: c @ x, x), np.ones((4, 4), np.float32))
    assert compiled.cost().flops_by_op["dot_general"] == 7 * 2 * 4 * 4 * 4


def test_cost_of_an_unbounded_loop_says_so() -> None:
    text = """
    func.func @main(%a: tensor<f32>) -> tensor<f32> {
      %r = "astra.while"(%a) ({
      ^bb0(%x: tensor<f32>):
        %p = "astra.is_finite"(%x) : (tensor<f32>) -> tensor<i1>
        "astra.yield"(%p) : (tensor<i1>) -> ()
      }, {
      ^bb0(%x: tensor<f32>):
        %y = "astra.add"(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
        "astra.yield"(%y) : (tensor<f32>) -> ()
      }) : (tensor<f32>) -> tensor<f32>
      return %r : tensor<f32>
    }"""
    with make_context():
        cost = cost_of(ir.Module.parse(text))
    assert cost.unbounded_loops == 1
    assert cost.flops_by_op == {"is_finite": 1, "add": 1}


def test_arguments_that_do_not_fit(executable: astra.Executable, arguments: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = arguments
    with pytest.raises(astra.ShapeError, match="expected 2 argument arrays"):
        executable(a)
    with pytest.raises(astra.ShapeError, match=r"argument 1: expected shape \(8, 3\).*got \(3, 8\)"):
        executable(a, b.T)
    with pytest.raises(astra.DTypeError, match=r"argument 0: expected element type float32, got float64"):
        executable(a.astype(np.float64), b)
    with pytest.raises(astra.DTypeError, match=r"argument 0: the float32 array has the other byte order \(>f4\)"):
        executable(a.astype(">f4"), b)
    with pytest.raises(astra.DTypeError, match=r"x: the float32 array has the other byte order \(>f4\)"):
        astra.jit(lambda x: x)(a.astype(">f4"))
    with pytest.raises(astra.AstraError, match="argument 1: expected an array.*got str"):
        executable(a, "b")
    with pytest.raises(astra.AstraError, match="Python objects"):
        executable(a, np.array([None] * 24).reshape(8, 3))


def test_numbers_for_scalar_arguments() -> None:
    exe = astra.compile("func.func @main(%a: tensor<i8>, %b: tensor<f32>) -> (tensor<i8>, tensor<f32>) {"
                        " return %a, %b : tensor<i8>, tensor<f32> }")  # fmt: skip
    assert [float(v) for v in exe(5, 2)] == [5.0, 2.0]
    with pytest.raises(astra.DTypeError, match=r"argument 0: .*float 0\.5"):
        exe(0.5, 2)
    with pytest.raises(astra.DTypeError, match="300 does not fit into int8"):
        exe(300, 2)


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        ("func.func @main(%a: tensor<4xf32> {", astra.InvalidProgramError, "not a well-formed program.*1:"),
        (b"ML\xefR\x00truncated", astra.InvalidProgramError, "truncated or damaged"),
        (b"\xff\xfe", astra.InvalidProgramError, "not UTF-8"),
        ("/no/such/file.mlir", astra.InvalidProgramError, "No such file"),
        ("func.func @f() { return }", astra.InvalidProgramError, "no function @main.*@f"),
        (3, astra.AstraError, "cannot compile a int"),
        (
            "func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> { return %a : tensor<?xf32> }",
            astra.UnsupportedError, "dynamic dimension",
        ),
        (
            "func.func private @main() {\n  return\n}", astra.InvalidProgramError,
            "^-:1:1: function @main is private, so nothing can call it; make it public",
        ),
        (
            "func.func @main() {\n  call @f() : () -> ()\n  return\n}\nfunc.func private @f()",
            astra.UnsupportedError, "^-:2:3: call of @f, which has no body",
        ),
        (
            "func.func @main() {\n  call @main() : () -> ()\n  return\n}",
            astra.UnsupportedError, "^-:2:3: recursive call @main -> @main",
        ),
        (
            "func.func @main(%a: tuple<tensor<f32>>) {\n  return\n}", astra.UnsupportedError,
            "^argument 0 has type tuple<tensor<f32>>: tuples in signatures are not supported; give the function one",
        ),
        (
            'func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = "stablehlo.cross-replica-sum"(%a) : '
            "(tensor<4xf32>) -> tensor<4xf32>\n  return %0 : tensor<4xf32> }",
            astra.InvalidProgramError, "cross-replica",
        ),
    ],
)  # fmt: skip
def test_programs_that_are_refused(program: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"(?s){message}"):
        astra.compile(program)  # type: ignore[arg-type]


def test_an_unsupported_operation_is_named_with_its_place() -> None:
    text = """func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.cross-replica-sum"(%a) <{replica_groups = dense<0> : tensor<1x1xi64>}>
      : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}"""
    with pytest.raises(astra.UnsupportedError, match=r"(?s)2:8.*cross-replica-sum"):
        astra.compile(text)


def test_a_function_ahead_of_time() -> None:
    struct = jax.ShapeDtypeStruct((3,), jnp.float32)
    compiled = astra.compile(lambda p, n: {"y": p["x"] * n}, {"x": struct}, 2, static_argnums=1)
    result = compiled({"x": np.arange(3, dtype=np.float32)})
    np.testing.assert_array_equal(result["y"], [0, 2, 4])
    with pytest.raises(astra.ShapeError, match=r"p\['x'\]: expected shape \(3,\).*got \(4,\)"):
        compiled({"x": np.zeros(4, np.float32)})
    with pytest.raises(astra.DTypeError, match=r"p\['x'\]: expected element type float32, got int32"):
        compiled({"x": np.zeros(3, np.int32)})
    with pytest.raises(astra.ShapeError, match=r"argument 0 has the structure \[\*\], expected \{'x': \*\}"):
        compiled([np.zeros(3, np.float32)])
    with pytest.raises(astra.ShapeError, match="takes 1 positional argument, got 2"):
        compiled({"x": np.zeros(3, np.float32)}, 2)
    with pytest.raises(astra.ShapeError, match="takes the keyword arguments none; got n"):
        compiled({"x": np.zeros(3, np.float32)}, n=2)
    with pytest.raises(astra.AstraError, match="argument types in it"):
        astra.compile(TEXT, np.zeros(3))


def test_code_for_another_processor_is_not_called() -> None:
    compiled = astra.compile(lambda x: x + 1, np.zeros(3, np.float32), target="aarch64-unknown-linux-gnu:neoverse-v2")
    assert "ret" in compiled.asm()
    with pytest.raises(astra.AstraError, match="cannot be called here: it is code for aarch64"):
        compiled(np.zeros(3, np.float32))
    with pytest.raises(astra.AstraError, match="unknown processor"):
        astra.compile(lambda x: x, np.zeros(3), target="pentium9000")


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "bfloat16", "float32", "complex64"],
)
@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (2, 0, 3)])
def test_element_types_pass_through(dtype: str, shape: tuple[int, ...]) -> None:
    x = np.asarray(np.random.default_rng(0).integers(0, 2, shape)).astype(jnp.dtype(dtype))
    first, second = astra.jit(lambda x: (x, jnp.stack([x, x])))(x)
    assert first.dtype == x.dtype
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(second, np.stack([x, x]))


def test_gaussian_error_linear_unit_keeps_the_digits_of_small_results() -> None:
    x = np.linspace(-8, 8, 1001, dtype=np.float32)
    y = np.asarray(astra.jit(jax.nn.gelu)(x))
    wide = x.astype(np.float64)
    u = np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)
    np.testing.assert_allclose(y, wide / (1 + np.exp(-2 * u)), rtol=4e-5, atol=1e-37)
