"""Compiled programs that call back into Python, and functions in native code that they call by name."""

from __future__ import annotations

import ctypes
import gc

import numpy as np
import pytest

import astra_mlir as astra

jax = pytest.importorskip("jax")
jnp = jax.numpy

X = np.arange(4, dtype=np.float32)


def test_pure_callback() -> None:
    f = astra.jit(lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x) * 2)
    np.testing.assert_allclose(f(X), 2 * np.sin(X), rtol=1e-6)
    gc.collect()  # the function lives as long as the program
    np.testing.assert_allclose(f(X + 1), 2 * np.sin(X + 1), rtol=1e-6)


def test_debug_callbacks_in_loops_keep_their_order() -> None:
    seen: list[float] = []

    def step(c: jax.Array, _: None) -> tuple[jax.Array, None]:
        jax.debug.callback(lambda v: seen.append(float(v)), c)
        return c + 1, None

    assert float(astra.jit(lambda x: jax.lax.scan(step, x, None, length=5)[0])(np.float32(1))) == 6
    assert seen == [1, 2, 3, 4, 5]


def test_debug_print(capfd: pytest.CaptureFixture[str]) -> None:
    astra.jit(lambda x: (jax.debug.print("x is {x}", x=x), x)[1])(X)
    assert "x is [0. 1. 2. 3.]" in capfd.readouterr().out


def test_what_a_callback_raises_reaches_the_caller() -> None:
    f = astra.jit(lambda x: jax.pure_callback(lambda y: 1 // 0, jax.ShapeDtypeStruct((), np.float32), x))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        f(X)
    g = astra.jit(lambda x: jax.pure_callback(lambda y: y[:2], jax.ShapeDtypeStruct((3,), np.float32), x))
    with pytest.raises(RuntimeError, match=r"Incorrect output shape .*Expected: \(3,\), Actual: \(2,\)"):
        g(X)


def test_several_results_of_several_types() -> None:
    shapes = (
        jax.ShapeDtypeStruct((2, 2), np.int32),
        jax.ShapeDtypeStruct((), np.bool_),
        jax.ShapeDtypeStruct((0,), np.float64),
    )
    with jax.enable_x64(True):
        f = astra.jit(
            lambda x: jax.pure_callback(lambda y: (np.full((2, 2), 7, np.int32), y.sum() > 3, np.zeros(0)), shapes, x)
        )
        a, b, c = f(X)
    assert np.array_equal(a, np.full((2, 2), 7)) and bool(b) and c.shape == (0,)


def test_arrays_without_elements() -> None:
    shape = jax.ShapeDtypeStruct((4, 0), np.float32)
    f = astra.jit(lambda x, y: jax.pure_callback(lambda x, y: np.zeros((4, x.shape[1]), np.float32) + y, shape, x, y))
    assert f(np.zeros((2, 0), np.float32), np.float32(1)).shape == (4, 0)


def test_ordered_effects_are_refused() -> None:
    with pytest.raises(astra.UnsupportedError, match="ordered effects"):
        astra.jit(lambda x: (jax.debug.print("{}", x, ordered=True), x)[1])(X)


# --- native functions ------------------------------------------------------------------------------------------------

_PROGRAM = """
func.func @main(%a: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<i32>) {{
  %0:2 = stablehlo.custom_call @{name}(%a) {{
    api_version = 4 : i32, backend_config = {{scale = 3.0 : f32, name = "seven", sizes = array<i64: 1, 2>}}{layouts}
  }} : (tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<i32>)
  return %0#0, %0#1 : tensor<3x2xf32>, tensor<i32>
}}
"""
_LAYOUTS = (
    ", operand_layouts = [dense<[0, 1]> : tensor<2xindex>], "
    "result_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<> : tensor<0xindex>]"
)


class _Array(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("type", ctypes.c_int64), ("rank", ctypes.c_int64),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
    ]  # fmt: skip


class _Call(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t), ("target", ctypes.c_void_p), ("target_size", ctypes.c_size_t),
        ("num_inputs", ctypes.c_int64), ("inputs", ctypes.POINTER(_Array)), ("num_outputs", ctypes.c_int64),
        ("outputs", ctypes.POINTER(_Array)), ("attributes", ctypes.POINTER(ctypes.c_int64)),
    ]  # fmt: skip


@pytest.mark.parametrize("layouts", ["", _LAYOUTS])
def test_native_functions(layouts: str) -> None:
    """Copies the memory of the input to the first output, tells the number of its attributes in the second."""
    from astra_mlir import ffi

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Call))
    def function(user: object, info: object) -> int:
        call = info[0]
        assert [call.inputs[0].dims[i] for i in range(call.inputs[0].rank)] == [2, 3]
        ctypes.memmove(call.outputs[0].data, call.inputs[0].data, 24)
        ctypes.cast(call.outputs[1].data, ctypes.POINTER(ctypes.c_int32))[0] = call.attributes[0]
        return 0

    ffi.register_function("test_copies", ctypes.cast(function, ctypes.c_void_p))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    copied, count = astra.compile(_PROGRAM.format(name="test_copies", layouts=layouts))(x)
    # Column-major memory in, column-major memory out.
    expected = x.T.reshape(-1).reshape(2, 3).T if layouts else x.reshape(3, 2)
    assert np.array_equal(copied, expected) and int(count) == 3


def test_unknown_functions_are_refused() -> None:
    with pytest.raises(astra.UnsupportedError, match="no CPU code for custom call 'test_nobody'"):
        astra.compile(_PROGRAM.format(name="test_nobody", layouts=""))


def test_handlers_must_be_handlers() -> None:
    from astra_mlir import ffi

    with pytest.raises(astra.AstraError, match="'x' must have a stage 'execute'"):
        ffi.register_target("x", {"prepare": 1})
    with pytest.raises(astra.AstraError, match="PyCapsule or an address, not a str"):
        ffi.register_target("x", "x")


# --- LAPACK ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("name", ["svd", "eigh", "eig", "qr", "det", "inv", "lstsq"])
def test_decompositions(name: str, dtype: type) -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal((3, 4, 4)) + (1j * rng.standard_normal((3, 4, 4)) if np.dtype(dtype).kind == "c" else 0)
    a = (a + 4 * np.eye(4)).astype(dtype)
    functions = {
        "svd": lambda a: jnp.linalg.svd(a)[1],
        "eigh": lambda a: jnp.linalg.eigh(a + jnp.conj(a.mT))[0],
        "eig": lambda a: jnp.sort(jnp.abs(jnp.linalg.eigvals(a))),
        "qr": lambda a: jnp.matmul(*jnp.linalg.qr(a)),
        "det": jnp.linalg.det,
        "inv": jnp.linalg.inv,
        "lstsq": lambda a: jnp.linalg.lstsq(a[0], a[1])[0],
    }
    tolerance = 1e-3 if np.dtype(dtype).itemsize in (4,) or dtype == np.complex64 else 1e-9
    with jax.enable_x64(True):
        found, expected = astra.jit(functions[name])(a), jax.jit(functions[name])(a)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["svd", "eigh"])
def test_decompositions_are_differentiated_and_vectorized(name: str) -> None:
    a = np.random.default_rng(2).standard_normal((3, 4, 4))

    def f(a: jax.Array) -> jax.Array:
        s = jnp.linalg.svd(a, compute_uv=False) if name == "svd" else jnp.linalg.eigh(a + a.T)[0]
        return (s**3).sum()

    with jax.enable_x64(True):
        np.testing.assert_allclose(astra.grad(f)(a[0]), jax.grad(f)(a[0]), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(astra.vmap(f)(a), jax.vmap(f)(a), rtol=1e-9)
        np.testing.assert_allclose(astra.vmap(astra.grad(f))(a), jax.vmap(jax.grad(f))(a), rtol=1e-9, atol=1e-9)
