"""Astra's backend beside others: DLPack, native functions and rules made for JAX's CPU backend, JAX's own cache."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def on_astra() -> Any:
    device = jax.devices("astra")[0]
    with jax.default_device(device):
        yield device


# --- DLPack ----------------------------------------------------------------------------------------------------------


def test_other_libraries_see_arrays_in_place() -> None:
    x = jnp.arange(1000.0)
    view = np.from_dlpack(x)
    assert view.ctypes.data == x.unsafe_buffer_pointer() and x.__dlpack_device__() == (1, 0)
    # What is donated is not overwritten while the other library holds it.
    y = jax.jit(lambda x: x * 0, donate_argnums=0)(x)
    assert x.is_deleted() and view[7] == 7 and float(y[7]) == 0


def test_arrays_of_other_libraries_are_used_in_place(on_astra: Any) -> None:
    torch = pytest.importorskip("torch")
    t = torch.arange(600.0).reshape(20, 30)
    x = jax.dlpack.from_dlpack(t)
    assert x.devices() == {on_astra} and x.unsafe_buffer_pointer() == t.data_ptr()
    del t
    gc.collect()
    assert float((x + 1)[19, 29]) == 600
    assert np.array_equal(jax.dlpack.from_dlpack(torch.ones(2, 3).T), np.ones((3, 2)))
    assert torch.from_dlpack(jnp.ones(3, jnp.bfloat16)).dtype == torch.bfloat16


def test_dlpack_between_devices(on_astra: Any) -> None:
    cpu = jax.devices("cpu")[0]
    x = jnp.ones(3)
    assert jax.dlpack.from_dlpack(x).devices() == {on_astra}
    assert jax.dlpack.from_dlpack(jax.device_put(x, cpu)).devices() == {cpu}
    assert jax.dlpack.from_dlpack(x, device=cpu).devices() == {cpu}
    with pytest.raises(ValueError, match="requires a copy"):
        jax.dlpack.from_dlpack(jax.device_put(x, cpu), device=on_astra, copy=False)


# --- native functions and rules for JAX's CPU backend ----------------------------------------------------------------


def test_functions_registered_for_the_cpu() -> None:
    from jaxlib import lapack, xla_client

    lapack._lapack.initialize()
    handler = xla_client.custom_call_targets("Host")["lapack_spotrf_ffi"]["execute"]
    jax.ffi.register_ffi_target("test_interop_potrf", handler, platform="cpu")
    a = np.array([[4, 2], [2, 3]], np.float32)
    call = jax.ffi.ffi_call(
        "test_interop_potrf", (jax.ShapeDtypeStruct(a.shape, a.dtype), jax.ShapeDtypeStruct((), np.int32)),
        input_output_aliases={0: 0},
    )  # fmt: skip
    factor, info = jax.jit(lambda a: call(a, uplo=np.uint8(ord("L"))))(a)
    # LAPACK has columns first: its lower triangle is the upper one here.
    np.testing.assert_allclose(np.triu(factor), np.linalg.cholesky(a).T, rtol=1e-6)
    assert int(info) == 0 and a[0, 0] == 4


def test_branches_for_the_cpu() -> None:
    def f(x: Any) -> Any:
        return jax.lax.platform_dependent(x, cpu=lambda x: x + 1, cuda=lambda x: x + 2)

    def g(x: Any) -> Any:
        return jax.lax.platform_dependent(x, cpu=lambda x: x + 1, default=lambda x: x + 2)

    assert [float(jax.jit(h)(0.0)) for h in (f, g)] == [1, 2]


def test_functions_exported_for_the_cpu() -> None:
    from jax import export

    for platforms in (["cpu"], ["tpu", "cpu"]):
        exported = export.export(jax.jit(lambda x: jnp.linalg.eigh(x)[0]), platforms=platforms[-1:])(jnp.eye(2))
        several = export.export(jax.jit(jnp.sin), platforms=platforms)(jnp.eye(2))
        np.testing.assert_allclose(exported.call(jnp.diag(jnp.array([3.0, 1.0]))), [1, 3])
        np.testing.assert_allclose(several.call(jnp.ones((2, 2))), np.full((2, 2), np.sin(1)), rtol=1e-6)
    other = export.export(jax.jit(jnp.sin), platforms=["tpu"])(jnp.eye(2))
    with pytest.raises(ValueError, match=r"exported for platforms '\('tpu',\)' but it is used on '\('astra',\)'"):
        other.call(jnp.ones((2, 2)))


def test_primitives_with_a_rule_for_the_cpu_alone() -> None:
    from jax.extend.core import Primitive
    from jax.interpreters import mlir

    primitive = Primitive("test_interop_twice")
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, mlir.lower_fun(lambda x: x * 2, multiple_results=False), platform="cpu")
    assert float(jax.jit(primitive.bind)(np.float32(4))) == 8


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16])
def test_callbacks_on_buffers(dtype: Any) -> None:
    from jax.experimental.buffer_callback import ExecutionStage, buffer_callback

    def callback(context: Any, out: Any, x: Any) -> None:
        assert context.stage == ExecutionStage.EXECUTE and out.writeable and not x.writeable
        assert np.asarray(out).ctypes.data == np.asarray(x).ctypes.data  # they are one array
        np.asarray(out)[...] += 1

    x = np.arange(3).astype(dtype)
    f = buffer_callback(callback, jax.ShapeDtypeStruct(x.shape, x.dtype), input_output_aliases={0: 0})
    given = jnp.asarray(x)
    assert np.array_equal(jax.jit(f)(given), x + 1) and np.array_equal(given, x)


# --- what JAX can be told about programs and devices -----------------------------------------------------------------


def test_traces(on_astra: Any, tmp_path: Path) -> None:
    def traced_product(x: Any) -> Any:
        return jnp.tanh(x @ x)

    f, x = jax.jit(traced_product), jnp.ones((300, 300))
    with jax.profiler.trace(tmp_path):
        f(f(x)).block_until_ready()
    (path,) = tmp_path.glob("**/*.xplane.pb")
    (plane,) = [p for p in jax.profiler.ProfileData.from_file(str(path)).planes if "Astra" in p.name]
    lines = {line.name: list(line.events) for line in plane.lines}
    runs = [event for event in lines["device 0"] if event.name == "jit_traced_product"]
    assert len(runs) == 2 and all(0 < event.duration_ns < 10e9 for event in runs)
    assert runs[1].start_ns >= runs[0].start_ns + runs[0].duration_ns
    (compilation,) = [event for event in lines["compiler"] if event.name == "compile jit_traced_product"]
    assert compilation.start_ns + compilation.duration_ns <= runs[0].start_ns
    f(x).block_until_ready()  # no trace any more


def test_costs_of_programs() -> None:
    compiled = jax.jit(lambda x: jnp.tanh(x @ x)).lower(jnp.ones((64, 64))).compile()
    costs = compiled.cost_analysis()
    assert costs["flops"] >= 2 * 64**3 and costs["transcendentals"] == 64**2
    assert costs["bytes accessed"] >= 2 * 4 * 64**2
    memory = compiled.memory_analysis()
    assert memory.generated_code_size_in_bytes > 0
    assert memory.argument_size_in_bytes == memory.output_size_in_bytes == 4 * 64**2


def test_memory_of_devices(on_astra: Any) -> None:
    before = on_astra.memory_stats()["bytes_in_use"]
    x = jnp.ones(1 << 20) + 1
    x.block_until_ready()
    stats = on_astra.memory_stats()
    assert stats["bytes_in_use"] - before >= 4 << 20 and stats["peak_bytes_in_use"] >= stats["bytes_in_use"]
    assert re.search(r"\nastra \d+\.\d+", on_astra.client.platform_version)


# --- JAX's persistent cache of programs ------------------------------------------------------------------------------

_CACHED = """
import sys, jax, numpy as np
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name.endswith("/cache_hits")))
jax.config.update("jax_compilation_cache_dir", sys.argv[1])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
x = np.arange(12.0, dtype=np.float32).reshape(3, 4)
print(jax.jit(lambda x: jax.numpy.linalg.svd(x)[1])(x).tolist())
jax.jit(lambda x: jax.pure_callback(np.sin, x, x))(x)
print(sum(hits))
"""


def test_the_cache_of_jax(tmp_path: Path) -> None:
    """Two processes; the second finds everything there but what calls Python, and runs it."""
    found = []
    for _ in range(2):
        environment = {**os.environ, "JAX_PLATFORMS": "astra"}
        command = [sys.executable, "-c", _CACHED, str(tmp_path)]
        found.append(subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200))
        assert found[-1].returncode == 0, found[-1].stderr[-3000:]
    values, hits = zip(*(run.stdout.splitlines() for run in found), strict=True)
    assert values[0] == values[1] and [int(n) for n in hits] == [0, 1]
    kept = [path.name for path in tmp_path.iterdir() if path.name.endswith("-cache")]
    assert len(kept) == 1 and kept[0].startswith("jit__lambda")
