"""``astra.jit``: trees, static and donated arguments, kinds of arrays, caching, threads, and what is refused."""

from __future__ import annotations

import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.layout import Format, Layout
from jax.extend.core import Primitive

import astra_mlir as astra
from astra_mlir.runtime import runtime

F32 = np.float32
Point = namedtuple("Point", ["x", "y"])


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, F32)


def assert_same(ours: Any, theirs: Any, **tolerance: float) -> None:
    """Equal trees of arrays with the same element types."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), **(tolerance or {"rtol": 0}))


@pytest.mark.parametrize("dtype", ["int2", "int4", "uint2", "uint4", "float4_e2m1fn"])
def test_elements_that_jax_packs(dtype: str) -> None:
    x = jnp.arange(-2 if dtype.startswith("int") else 0, 2).astype(dtype)
    assert_same(astra.jit(lambda x: (x, x[::-1]))(x), (x, x[::-1]))


# --- trees and kinds of arrays -----------------------------------------------------------------------------------


def test_trees_in_and_out() -> None:
    @astra.jit
    def f(p: Any, *rest: Any, scale: Any, **more: Any) -> Any:
        total = p["a"] + p["b"][0] * scale
        return {"sum": total, "point": Point(rest[0], None), "list": [more["z"], (total,)]}

    args = ({"a": ones(2), "b": [2 * ones(2)]}, ones(3))
    result = f(*args, scale=3.0, z=np.int32(4))
    np.testing.assert_array_equal(result["sum"], [7, 7])
    assert isinstance(result["point"], Point)
    assert result["point"].y is None
    assert int(result["list"][0]) == 4
    assert_same(result, jax.jit(f.__wrapped__)(*args, scale=3.0, z=np.int32(4)))


def test_keyword_and_positional_arguments_are_the_same_function() -> None:
    f = astra.jit(lambda x, y=2.0: x - y)
    np.testing.assert_array_equal(f(ones(2), 1.0), [0, 0])
    np.testing.assert_array_equal(f(y=1.0, x=ones(2)), [0, 0])
    np.testing.assert_array_equal(f(ones(2)), [-1, -1])


def test_result_kinds() -> None:
    f = astra.jit(lambda x: x + 1)
    assert type(f(ones(2))) is np.ndarray
    assert isinstance(f(jnp.ones(2)), jax.Array)
    assert isinstance(astra.jit(lambda x: x + 1, output="jax")(ones(2)), jax.Array)
    assert type(astra.jit(lambda x: x + 1, output="numpy")(jnp.ones(2))) is np.ndarray
    with pytest.raises(astra.AstraError, match="output='torch'"):
        astra.jit(lambda x: x, output="torch")


def test_large_results_become_jax_arrays_without_a_copy() -> None:
    f = astra.jit(lambda x: x * 2)
    x = jnp.ones((512, 512))
    runtime().release_cached()
    f(x).block_until_ready()
    before = runtime().memory_stats().live_bytes
    y = f(x)
    assert runtime().memory_stats().live_bytes > before - x.nbytes
    held = [f(x) for _ in range(4)]
    assert runtime().memory_stats().live_bytes - before >= 3 * x.nbytes
    assert len({h.unsafe_buffer_pointer() for h in [y, *held]}) == 5
    np.testing.assert_array_equal(y, 2 * np.ones((512, 512)))


@pytest.mark.parametrize("x64", [False, True])
def test_result_types_are_those_of_jax(x64: bool) -> None:
    with jax.enable_x64(x64):

        def f(x: Any, n: Any) -> Any:
            return x + n, jnp.sin(n), jnp.arange(3) * n, x.sum(), jnp.asarray(2.5), n

        for x in (np.arange(3), np.arange(3.0), ones(3), np.arange(3, dtype=np.uint8), jnp.arange(3)):
            for n in (2, 2.5, True, np.float32(2), np.int8(3), jnp.float16(1)):
                ours, theirs = astra.jit(f, output="jax")(x, n), jax.jit(f)(x, n)
                assert_same(ours, theirs, rtol=1e-6)
                assert [o.weak_type for o in ours] == [t.weak_type for t in theirs]


def test_x64_is_part_of_the_signature() -> None:
    f = astra.jit(lambda x: x + 1)
    x = np.arange(3.0)
    assert f(x).dtype == np.float32
    with jax.enable_x64(True):
        assert f(x).dtype == np.float64
    assert f(x).dtype == np.float32


def test_arrays_in_other_layouts() -> None:
    f = astra.jit(lambda x: x * 2)
    base = np.arange(24, dtype=F32).reshape(4, 6)
    for x in (base.T, base[:, ::2], base[::-1], np.asfortranarray(base), np.broadcast_to(base[0], (3, 6))):
        np.testing.assert_array_equal(f(x), 2 * x)
    device = jax.devices("cpu")[0]
    sharding = jax.sharding.SingleDeviceSharding(device)
    column_major = Format(Layout((1, 0)), sharding)
    x = jax.jit(lambda x: x * 1, out_shardings=column_major)(jnp.asarray(base))
    np.testing.assert_array_equal(f(x), 2 * base)


class Wrapped:
    """An array of another library."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array


def test_arrays_of_other_libraries() -> None:
    f = astra.jit(lambda x, y: x + y)
    np.testing.assert_array_equal(f(Wrapped(ones(2)), 1.0), [2, 2])


def test_random_keys() -> None:
    def f(key: Any) -> Any:
        first, second = jax.random.split(key)
        return first, jax.random.uniform(second, (4,))

    key = jax.random.key(7)
    ours, theirs = astra.jit(f)(key), jax.jit(f)(key)
    assert ours[0].dtype == theirs[0].dtype
    np.testing.assert_array_equal(jax.random.key_data(ours[0]), jax.random.key_data(theirs[0]))
    np.testing.assert_array_equal(ours[1], theirs[1])
    assert_same(astra.jit(f)(ours[0])[1], jax.jit(f)(theirs[0])[1])


def test_closed_over_arrays() -> None:
    large, small = np.arange(40_000, dtype=F32), jnp.arange(4.0)
    f = astra.jit(lambda x: (x * large, large[:4] + small, large.reshape(200, 200) + x[0]))
    assert_same(f(large), jax.jit(f.__wrapped__)(large))
    compiled = f.compile(large)
    assert compiled.memory().constant_bytes >= large.nbytes
    assert len(compiled.signature.inputs) == 1


def test_results_do_not_share_memory_with_arguments() -> None:
    x = ones(300, 300)
    y = astra.jit(lambda x: x)(x)
    y[:] = 5
    assert (x == 1).all()


# --- static and donated arguments --------------------------------------------------------------------------------


def test_static_arguments() -> None:
    traces = []

    @partial(astra.jit, static_argnums=(1,), static_argnames="mode")
    def f(x: Any, n: int, *, mode: str = "add") -> Any:
        traces.append((n, mode))
        return x + n if mode == "add" else x * n

    assert f(ones(2), 3)[0] == 4
    assert f(ones(2), 3, mode="mul")[0] == 3
    assert f(ones(2), n=3, mode="mul")[0] == 3
    assert f(ones(2), 3)[0] == 4
    assert len(traces) == 3  # a keyword makes another structure
    with pytest.raises(astra.AstraError, match="static argument 'n' is a list, which is not hashable"):
        f(ones(2), [3])


def test_equal_static_values_of_different_types() -> None:
    f = astra.jit(lambda x, n: x * n, static_argnums=1)
    x = np.arange(3, dtype=np.int32)
    assert f(x, 2).dtype == np.int32
    assert f(x, 2.0).dtype == np.float32
    assert f(x, 2).dtype == np.int32


def test_static_positions_from_the_end() -> None:
    f = astra.jit(lambda x, n: x * n, static_argnums=-1)
    assert f(ones(2), 3)[0] == 3
    with pytest.raises(astra.AstraError, match="out of range"):
        astra.jit(lambda x: x, static_argnums=-2)


def test_donated_arrays_are_given_up() -> None:
    f = astra.jit(lambda state, x: (state + x, x), donate_argnums=0)
    state, x = jnp.ones(300_000), jnp.ones(300_000)
    for _ in range(3):
        old = state
        state, _ = f(state, x)
        assert old.is_deleted()
    assert not x.is_deleted()
    np.testing.assert_array_equal(state[:2], [4, 4])
    with pytest.raises(astra.AstraError, match="state: this array was donated"):
        f(old, x)
    with pytest.raises(astra.AstraError, match=r"x is the same array as state"):
        f(x, x)
    assert not x.is_deleted()


def test_donation_by_name_and_in_trees() -> None:
    f = astra.jit(lambda x, p: p["a"] + x, donate_argnames="p")
    p, x = {"a": jnp.ones(4)}, jnp.ones(4)
    f(x, p)
    assert p["a"].is_deleted()
    p = {"a": jnp.ones(4)}
    f(x=x, p=p)
    assert p["a"].is_deleted()
    assert not x.is_deleted()
    with pytest.raises(astra.AstraError, match="both static and donated"):
        astra.jit(lambda x: x, static_argnums=0, donate_argnums=0)


def test_donated_memory_is_reused() -> None:
    f = astra.jit(lambda x: x + 1, donate_argnums=0)
    x = f(f(jnp.ones((1024, 1024))))
    live = runtime().memory_stats().live_bytes
    for _ in range(5):
        x = f(x)
    assert runtime().memory_stats().live_bytes <= live + 2 * x.nbytes
    assert float(x[0, 0]) == 8


# --- signatures and caching --------------------------------------------------------------------------------------


def test_one_compilation_for_each_signature() -> None:
    f = astra.jit(lambda x: x + 1)
    f(ones(2))
    f(2 * ones(2))
    assert f.cache_info()[:2] == (1, 1)
    f(ones(3))
    f(np.ones(2, np.int32))
    f([ones(2)][0])
    assert f.cache_info() == (2, 3, f.cache_info().maxsize, 3)
    f.clear_cache()
    assert f.cache_info().currsize == 0
    assert f(ones(2))[0] == 2


def test_kinds_of_arrays_share_code() -> None:
    f = astra.jit(lambda x: x + 1)
    assert f.compile(ones(2)).executable is f.compile(jnp.ones(2)).executable
    assert f.compile(ones(3)).executable is not f.compile(ones(2)).executable


def test_the_cache_is_bounded() -> None:
    f = astra.jit(lambda x: x + 1, cache_size=2)
    for n in (1, 2, 1, 3, 1):
        f(ones(n))
    info = f.cache_info()
    assert info.currsize == 2
    assert info.misses == 3
    f(ones(2))  # the one used least recently went
    assert f.cache_info().misses == 4


def test_compile_gives_what_a_call_uses() -> None:
    f = astra.jit(lambda x: jnp.tanh(x))
    compiled = f.compile(ones(4))
    f(ones(4))
    assert f.cache_info().misses == 1
    assert "astra.tanh" in compiled.ir("astra")
    np.testing.assert_allclose(compiled(ones(4)), np.tanh(ones(4)), rtol=1e-6)


def test_methods_and_names() -> None:
    class Model:
        @partial(astra.jit, static_argnums=0)
        def scaled(self, x: Any) -> Any:
            """Twice x."""
            return 2 * x

    assert Model().scaled(ones(2))[0] == 2
    assert Model.scaled.__doc__ == "Twice x."
    assert Model.scaled.__name__ == "scaled"


# --- threads -----------------------------------------------------------------------------------------------------


def test_the_same_bits_for_any_number_of_threads() -> None:
    f = astra.jit(lambda a, b: (jax.nn.softmax(a @ b), (a @ b).sum(), jnp.cumsum(a, 0)))
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((257, 300), F32), rng.standard_normal((300, 129), F32)
    results = []
    for count in (1, 2, 3, 7):
        with astra.threads(count):
            results.append(f(a, b))
    for result in results[1:]:
        for one, other in zip(results[0], result, strict=True):
            np.testing.assert_array_equal(one.view(np.uint32), other.view(np.uint32))


def test_concurrent_calls_and_compilations() -> None:
    f = astra.jit(lambda x, y: (x @ y).sum(0))
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            for n in (32, 64, 65):
                x, y = rng.standard_normal((n, n), F32), rng.standard_normal((n, n), F32)
                for _ in range(10):
                    np.testing.assert_allclose(f(x, y), (x @ y).sum(0), rtol=1e-3, atol=1e-3)
        except BaseException as error:
            errors.append(error)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert not errors, errors[0]
    assert f.cache_info().misses == 3


def test_a_number_of_threads_is_of_its_python_thread() -> None:
    seen = []
    with astra.threads(3):
        from astra_mlir.runtime import thread_override

        other = threading.Thread(target=lambda: seen.append(thread_override.get()))
        other.start()
        other.join()
        seen.append(thread_override.get())
    assert seen == [0, 3]


# --- transformations and refusals --------------------------------------------------------------------------------


def test_transformed_functions_compile() -> None:
    def f(x: Any) -> Any:
        return (jnp.tanh(x) ** 2).sum()

    x = np.linspace(-1, 1, 6, dtype=F32)
    for transform in (jax.grad, jax.value_and_grad, jax.hessian, lambda f: jax.vmap(jax.grad(lambda x: f(x[None])))):
        assert_same(astra.jit(transform(f))(x), jax.jit(transform(f))(x), rtol=1e-5, atol=1e-6)


def test_compiled_functions_inside_of_compiled_functions() -> None:
    inner = astra.jit(lambda x: jnp.sin(x).sum())
    x = ones(3)
    assert_same(astra.jit(lambda x: inner(x) * 2)(x), jax.jit(lambda x: jnp.sin(x).sum() * 2)(x), rtol=1e-6)
    assert_same(astra.jit(jax.grad(inner))(x), np.cos(x), rtol=1e-6)
    assert_same(astra.jit(jax.jit(lambda x: x + 1))(x), x + 1)


@pytest.mark.parametrize("transform", [jax.jit, jax.grad, lambda f: jax.vmap(f)])
def test_calls_on_traced_values_are_refused(transform: Any) -> None:
    f = astra.jit(lambda x: (x * x).sum())
    with pytest.raises(astra.AstraError, match=r"astra\.jit\(jax\.grad\(f\)\)"):
        transform(f)(jnp.ones((2, 2)) if transform not in (jax.jit, jax.grad) else jnp.ones(2))


def test_arguments_that_are_no_arrays() -> None:
    f = astra.jit(lambda p, n: p["w"] * n)
    with pytest.raises(astra.AstraError, match=r"p\['w'\]: expected an array or a number, got str \('x'\)"):
        f({"w": "x"}, 1)
    with pytest.raises(astra.AstraError, match=r"n: expected an array or a number, got object"):
        f({"w": ones(1)}, object())
    with pytest.raises(astra.DTypeError, match=r"p\['w'\]: arrays of str cannot be compiled"):
        f({"w": np.array(["x"])}, 1)
    with pytest.raises(astra.DTypeError, match=r"n: arrays of object cannot"):
        f({"w": ones(1)}, np.array([None]))
    with pytest.raises(astra.AstraError, match="expected a function, got int"):
        astra.jit(3)


def test_refused_primitives_name_their_place() -> None:
    primitive = Primitive("mystery")
    primitive.def_abstract_eval(lambda x: x)

    def body(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        return primitive.bind(x), None

    line = body.__code__.co_firstlineno + 1
    with pytest.raises(astra.UnsupportedError, match=rf"test_jit.py:{line}:\d+: mystery, in 'scanned', has no"):

        def scanned(x: jax.Array) -> jax.Array:
            return jax.lax.scan(body, x, None, length=3)[0]

        astra.jit(scanned)(ones(2))


def test_masked_arrays_are_refused() -> None:
    f = astra.jit(lambda x: x.sum())
    assert f(np.ones(2, np.float32)) == 2
    with pytest.raises(astra.AstraError, match="x: masked arrays are not supported"):
        f(np.ma.array([1, 2], np.float32, mask=[0, 1]))


def test_errors_of_the_function_come_through() -> None:
    with pytest.raises(TypeError, match="dot_general"):
        astra.jit(lambda x: x @ ones(3))(ones(2))
    with pytest.raises(ZeroDivisionError):
        astra.jit(lambda x: 1 // 0)(ones(2))


# --- what JAX lowers differently for Astra -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 4, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_qr(shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal(shape, F32).astype(dtype)
    a = a + (1j * rng.standard_normal(shape, F32)).astype(dtype) if dtype == np.complex64 else a
    assert_same(astra.jit(jnp.linalg.qr, output="jax")(a), jax.jit(jnp.linalg.qr)(a), rtol=1e-4, atol=1e-5)


def test_top_k_and_approximate_top_k() -> None:
    x = np.random.default_rng(0).permutation(60).reshape(3, 20).astype(F32)
    for f in (
        lambda x: jax.lax.top_k(x, 4),
        lambda x: jax.lax.approx_max_k(x, 4),
        lambda x: jax.lax.approx_min_k(x, 2, reduction_dimension=0),
    ):
        assert_same(astra.jit(f)(x), jax.jit(f)(x))


@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_functions(reverse: bool) -> None:
    x = np.random.default_rng(0).standard_normal((3, 17), F32)
    for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
        f = partial(getattr(jax.lax, name), axis=1, reverse=reverse)
        assert_same(astra.jit(f)(x), jax.jit(f)(x), rtol=1e-4, atol=1e-5)


def test_sharding_constraints_mean_nothing_on_one_device() -> None:
    mesh = jax.sharding.Mesh(np.array(jax.devices("cpu")[:1]), ("x",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
    f = astra.jit(lambda x: jax.lax.with_sharding_constraint(x, sharding) + 1)
    np.testing.assert_array_equal(f(ones(4)), 2 * ones(4))
    spec = jax.sharding.PartitionSpec("x")
    mapped = jax.shard_map(lambda x: x + 1, mesh=mesh, in_specs=spec, out_specs=spec)
    np.testing.assert_array_equal(astra.jit(mapped)(ones(4)), 2 * ones(4))
