"""Astra as a backend of JAX: programs of ``jax.jit`` on Astra's device beside the same on JAX's own CPU backend."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from astra_mlir.errors import AstraError
from astra_mlir.jax_backend import plugin as jax_plugin

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture
def device() -> Any:
    return jax.devices("astra")[0]


def on(device: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """A jitted function on arrays of a device."""
    return jax.jit(function)(*jax.device_put(arguments, device))


def _scan(x: Any) -> Any:
    return jax.lax.scan(lambda c, v: (jnp.tanh(c + v), c * v), x[0], x)


def _solve(x: Any) -> Any:
    return jnp.linalg.solve(x @ x.T + 3 * jnp.eye(len(x)), x[:, 0]), jnp.linalg.svd(x)[1]


def _ordered(x: Any) -> Any:
    from jax.experimental.control_deps import schedule

    parts = jnp.sin(x), jnp.cos(x)
    schedule(parts[::-1])
    return parts


def _partly_outside(x: Any) -> Any:
    """Windows of 2 by 3 that are inside, partly outside and outside; indices of a type that no bound fits in."""
    numbers = jax.lax.ScatterDimensionNumbers((1, 2), (), (0, 1))
    starts = jnp.array([[0, 0], [-1, 1], [2, x.shape[1] - 2], [1, x.shape[1] - 3], [9, 50]])
    updates = jnp.arange(1.0, 31).reshape(5, 2, 3)
    long = jnp.zeros(300).at[:4].set(x[0, :4])
    one = jax.lax.ScatterDimensionNumbers((1,), (), (0,))
    return (
        jax.lax.scatter_add(x, starts, updates, numbers),
        jax.lax.scatter(long, jnp.array([[-2], [120]], jnp.int8), jnp.ones((2, 3)), one),
    )


PROGRAMS = {
    "elementwise": lambda x: jnp.sin(x) * jnp.exp(-(x**2)),
    "several results": lambda x: {"a": x.sum(0), "b": (x.max(), x > 0)},
    "gradient": jax.grad(lambda x: (jax.nn.softmax(x @ x.T) ** 2).sum()),
    "scan": _scan,
    "while": lambda x: jax.lax.while_loop(lambda s: s.sum() < 100, lambda s: s * s + 1, x),
    "sort": lambda x: (jnp.sort(x, 0), jnp.argsort(x, 1)),
    "solve": _solve,
    "random": lambda x: jax.random.normal(jax.random.key(3), x.shape) + x,
    "constants": lambda x: x + np.arange(x.size, dtype=np.float32).reshape(x.shape),
    "nothing": lambda x: x,
    "an order among values": _ordered,
    "windows partly outside": _partly_outside,
    "empty matrices": lambda x: jax.lax.linalg.eig(jnp.broadcast_to(x[:0, :0], (2, 0, 0))),
    "convolution without a window": lambda x: jax.lax.conv_general_dilated(x[:, :1], x[:1, :1], (), "SAME"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(device: Any, name: str) -> None:
    x = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    found, expected = on(device, PROGRAMS[name], x), on(jax.devices("cpu")[0], PROGRAMS[name], x)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.devices() == {device} and (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "dtype",
    [
        np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float16,
        ml_dtypes.bfloat16, np.float32, np.float64, np.complex64, np.complex128, ml_dtypes.int4,
        ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2,
    ],
)  # fmt: skip
def test_element_types(device: Any, dtype: Any) -> None:
    with jax.enable_x64(True):
        x = np.arange(6).reshape(2, 3).astype(dtype)
        found = on(device, lambda x: x.T, x)
        assert found.dtype == x.dtype and np.array_equal(np.asarray(found), x.T)


def test_host_layouts(device: Any) -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for view in (x, x.T, x[:, ::-1], x[:, 1:, ::2], np.broadcast_to(x[0, 0], (5, 4)), x[:0]):
        found = jax.device_put(view, device)
        assert np.array_equal(np.asarray(found), view)
        assert np.array_equal(np.asarray(found + 0), view)


def test_results_are_shared_with_numpy(device: Any) -> None:
    x = jax.device_put(np.ones(1000, np.float32), device) + 1
    view = np.asarray(x)
    assert view.ctypes.data == x.unsafe_buffer_pointer() and not view.flags.writeable
    del x
    assert (view == 2).all()


def test_devices_exchange_arrays(device: Any) -> None:
    cpu = jax.devices("cpu")[0]
    x = jax.device_put(np.arange(5.0, dtype=np.float32), device)
    there = jax.device_put(x, cpu)
    assert there.devices() == {cpu} and np.array_equal(np.asarray(jax.device_put(there * 2, device)), np.asarray(x) * 2)


# --- donation --------------------------------------------------------------------------------------------------------


def _step(parameters: dict[str, Any], gradients: dict[str, Any]) -> dict[str, Any]:
    return jax.tree.map(lambda p, g: p - 0.5 * g, parameters, gradients)


@pytest.mark.parametrize("size", [8, 1 << 20])
def test_donation(device: Any, size: int) -> None:
    step = jax.jit(_step, donate_argnums=0)
    gradients = jax.device_put({"a": np.ones(size, np.float32), "b": np.ones(size, np.float32)}, device)
    parameters = step(
        jax.device_put({"a": np.zeros(size, np.float32), "b": np.ones(size, np.float32)}, device), gradients
    )
    before, view = parameters["a"], np.asarray(parameters["b"])
    address = before.unsafe_buffer_pointer()
    after = step(parameters, gradients)
    assert before.is_deleted() and after["a"].unsafe_buffer_pointer() == address
    # The view is still that of the old value: its memory was not taken.
    assert (view == 0.5).all() and (np.asarray(after["b"]) == 0).all() and (np.asarray(after["a"]) == -1).all()
    with pytest.raises((ValueError, RuntimeError), match="deleted"):
        step(parameters, gradients)


def test_a_donated_array_is_no_other_argument(device: Any) -> None:
    x = jax.device_put(np.ones(3, np.float32), device)
    with pytest.raises(RuntimeError, match="arguments 0 and 1 are one array"):
        jax.jit(lambda x, y: x + y, donate_argnums=0)(x, x)
    assert not x.is_deleted()


def test_memory_of_the_host_is_not_written(device: Any) -> None:
    host = np.zeros(64, np.float32)
    given = jax.device_put(host, device)
    assert (np.asarray(jax.jit(lambda x: x + 1, donate_argnums=0)(given)) == 1).all() and (host == 0).all()


# --- running beside the caller ---------------------------------------------------------------------------------------


def test_large_programs_run_beside_the_caller(device: Any) -> None:
    release = threading.Event()

    def wait(x: Any) -> Any:
        release.wait(20)
        return x

    x = jax.device_put(np.ones(1 << 19, np.float32), device)
    f = jax.jit(lambda x: jax.pure_callback(wait, jax.ShapeDtypeStruct(x.shape, x.dtype), x) + 1)
    y = f(x)
    z = y * 2  # waits for y in the device's queue
    assert not y.is_ready() and not z.is_ready()
    release.set()
    assert float(z[7]) == 4 and y.is_ready()


def test_errors_of_programs_beside_the_caller(device: Any) -> None:
    def fail(x: Any) -> Any:
        raise ValueError("no such luck")

    x = jax.device_put(np.ones(1 << 19, np.float32), device)
    y = jax.jit(lambda x: jax.pure_callback(fail, jax.ShapeDtypeStruct(x.shape, x.dtype), x) + 1)(x)
    with pytest.raises(RuntimeError, match="no such luck"):
        jax.block_until_ready(y)
    with pytest.raises(RuntimeError, match="no such luck"):
        jax.block_until_ready(y * 2)


def test_several_threads(device: Any) -> None:
    results: list[float] = []

    def work(i: int) -> None:
        x = jax.device_put(np.full(100 + i, i, np.float32), device)
        for _ in range(20):
            x = jax.jit(lambda x: x + 1)(x)
        results.append(float(x[0]) - i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [20.0] * 6


# --- executables -----------------------------------------------------------------------------------------------------


def test_compiled_programs_describe_themselves(device: Any) -> None:
    x = jax.device_put(np.ones((64, 64), np.float32), device)
    compiled = jax.jit(lambda x: jnp.tanh(x @ x)).lower(x).compile()
    assert np.allclose(np.asarray(compiled(x)), np.tanh(64))
    memory = compiled.memory_analysis()
    assert memory.argument_size_in_bytes == memory.output_size_in_bytes == 4 * 64 * 64
    assert "dot" in compiled.as_text()


def test_results_lie_in_the_memory_asked_for(device: Any) -> None:
    from jax.experimental import serialize_executable

    place = jax.sharding.SingleDeviceSharding(device, memory_kind="unpinned_host")
    x = jax.device_put(np.arange(4, dtype=np.float32), device)
    compiled = jax.jit(lambda x: (x + 1, x * 3), out_shardings=(place, None)).lower(x).compile()
    loaded = serialize_executable.deserialize_and_load(
        *serialize_executable.serialize(compiled), backend="astra", execution_devices=[device]
    )
    for run in (compiled, loaded):
        first, second = run(x)
        assert [a.sharding.memory_kind for a in (first, second)] == ["unpinned_host", "device"]
        assert [next(iter(a.addressable_shards)).data.sharding.memory_kind for a in (first, second)] == [
            "unpinned_host", "device",
        ]  # fmt: skip
        assert np.array_equal(first, np.arange(4) + 1) and np.array_equal(second, np.arange(4) * 3)
    elsewhere = jax.jit(lambda x: x - 1)(first)
    assert np.array_equal(elsewhere, np.arange(4)) and elsewhere.devices() == {device}


def test_executables_are_serialized(device: Any) -> None:
    from jax.experimental import serialize_executable

    x = jax.device_put(np.arange(4, dtype=np.float32), device)
    compiled = jax.jit(lambda x: x * 3).lower(x).compile()
    loaded = serialize_executable.deserialize_and_load(
        *serialize_executable.serialize(compiled), backend="astra", execution_devices=[device]
    )
    assert np.array_equal(np.asarray(loaded(x)), np.arange(4) * 3)


def test_jaxs_cache_holds_machine_code(tmp_path: Path) -> None:
    """A second process with JAX's cache runs no pass, whether there is a cache of Astra's or not."""
    code = """import sys, jax, jax.numpy as jnp
x = jnp.arange(4.0)
print(jax.jit(lambda x: jnp.sort(jnp.tanh(x) * 3))(x).tolist(), "torch_mlir" in sys.modules)"""
    environment = os.environ | {
        "JAX_PLATFORMS": "astra", "ASTRA_CACHE": "0", "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }  # fmt: skip
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        ).stdout.split("] ")
        for _ in range(2)
    )
    assert first[0] == second[0]
    assert (first[1], second[1]) == ("True\n", "False\n")


def test_compiler_options_are_those_of_xla(device: Any) -> None:
    x = jax.device_put(np.float32(1), device)
    assert float(jax.jit(lambda x: x + 1, compiler_options={"xla_embed_ir_in_executable": True})(x)) == 2
    with pytest.raises(RuntimeError, match="No such compile option: 'invalid_key'"):
        jax.jit(lambda x: x + 2, compiler_options={"invalid_key": 1})(x)


def test_jaxlib_has_no_complaints_about_top_k(device: Any, capfd: pytest.CaptureFixture[str]) -> None:
    x = jax.device_put(np.arange(20, dtype=np.float32), device)
    assert list(jax.jit(lambda x: jax.lax.top_k(x, 3)[1])(x)) == [19, 18, 17]
    assert list(jax.jit(lambda x: jax.lax.approx_max_k(x, 2)[1])(x)) == [19, 18]
    assert "error" not in capfd.readouterr().err


def test_tokens_are_arrays_without_elements(device: Any) -> None:
    with jax.default_device(device):
        token = jax.jit(jax.lax.create_token)(1.0)
        assert isinstance(token, jax._src.core.Token)
        assert float(jax.jit(lambda x: (x + 2, token))(7.0)[0]) == 9


def test_effects(device: Any, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[float] = []

    def both(x: Any) -> Any:
        jax.debug.print("first {}", x, ordered=True)
        y = jax.experimental.io_callback(
            lambda v: (seen.append(float(v)), np.float32(v) + 1)[1],
            jax.ShapeDtypeStruct((), np.float32),
            x,
            ordered=True,
        )
        jax.debug.print("second {}", y, ordered=True)
        return y

    from jax.experimental import io_callback  # noqa: F401  (makes jax.experimental.io_callback known)

    assert float(on(device, both, np.float32(4))) == 5
    jax.effects_barrier()
    assert seen == [4.0] and capfd.readouterr().out.split() == ["first", "4.0", "second", "5.0"]


def test_topologies_without_devices_are_refused(device: Any) -> None:
    from jax.experimental import topologies

    with pytest.raises(NotImplementedError, match="topology not implemented"):
        topologies.get_topology_desc(platform=device.platform)


def test_collectives_of_one_device(device: Any) -> None:
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(
        jax.pmap(lambda x: jax.lax.psum(x, "i") + jax.lax.axis_index("i"), axis_name="i", devices=[device])(x), x
    )


# --- another process -------------------------------------------------------------------------------------------------


def run(script: str, **settings: str) -> str:
    environment = {**os.environ, "JAX_PLATFORMS": "astra", **settings}
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=200
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def test_selected_by_the_environment() -> None:
    script = "import jax, jax.numpy as jnp; x = jnp.arange(4.); print(jax.default_backend(), float((x * x).sum()))"
    assert run(script).split() == ["astra", "14.0"]


def test_virtual_devices() -> None:
    script = (
        "import jax, numpy as np\n"
        "a, b, c = jax.devices()\n"
        "x = jax.device_put(np.ones(3, np.float32), c)\n"
        "print((x + 1).devices() == {c}, float(jax.device_put(x + 1, b)[0]), a.platform, a.device_kind)\n"
    )
    assert run(script, ASTRA_NUM_DEVICES="3").split() == ["True", "2.0", "astra", "cpu"]


def test_exit_with_work_in_flight() -> None:
    script = (
        "import jax, jax.numpy as jnp\n"
        "x = jnp.ones((600, 600))\n"
        "for _ in range(30): x = jnp.tanh(x @ x)\n"
        "print('done')\n"
    )
    assert run(script).strip() == "done"


@pytest.mark.parametrize("version", ["0.9.2", "0.13.0", "1.0", "0.13.0.dev20270101"])
def test_other_versions_of_jaxlib_are_refused(version: str) -> None:
    with pytest.raises(AstraError, match=f"needs jaxlib from 0.10 on, before 0.13; this is {version}"):
        jax_plugin._check_version(version)


@pytest.mark.parametrize("version", ["0.10.2", "0.12.0.1", "0.11.0.dev20260601"])
def test_versions_of_jaxlib_that_were_tried_are_taken(version: str) -> None:
    jax_plugin._check_version(version)
