"""The runtime without Python: its test program, plain and under sanitizers, and the C example on saved functions."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir.gpu.emulation import emulated_objects
from tests.runtime.gpu_driver import fake_driver

SOURCE = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("cmake", "c++", "ninja"))), reason="needs cmake, ninja and a C++ compiler"
)
# The sanitizers report allocations that fail, which the test asks for on purpose.
ENVIRONMENT = dict.fromkeys(("ASAN_OPTIONS", "TSAN_OPTIONS"), "allocator_may_return_null=1")


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=240, env={**os.environ, **ENVIRONMENT}, check=False
    )
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the runtime built with sanitizers, and its programs."""

    @cache
    def made(sanitizers: str) -> Path:
        folder = tmp_path_factory.mktemp(sanitizers.replace(",", "_") or "plain")
        options = ["-DASTRA_PYTHON=OFF", "-DASTRA_TESTS=ON", f"-DASTRA_SANITIZE={sanitizers}"]
        run("cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", *options, cwd=folder)
        run("cmake", "--build", folder, cwd=folder)
        return folder / "runtime"

    return made


@pytest.mark.parametrize("sanitizers", ["", "address,undefined", "thread"])
def test_the_runtime(build: Callable[[str], Path], sanitizers: str) -> None:
    folder = build(sanitizers)
    assert run("./runtime_test", "code_for_loader.o", cwd=folder).stdout == "ok\n"


def layer(p: dict[str, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
    y = jax.nn.softmax(x @ p["w"] + p["b"] + jnp.asarray(np.linspace(0, 1, 300, dtype=np.float32)))
    return y.astype(jnp.bfloat16), jnp.argmax(y, axis=-1)


@pytest.mark.parametrize("sanitizers", ["", "address,undefined"])
def test_the_c_example_gives_the_same_bits(build: Callable[[str], Path], tmp_path: Path, sanitizers: str) -> None:
    program = build(sanitizers) / "run_saved"
    rng = np.random.default_rng(0)
    p = {"w": rng.standard_normal((200, 300), np.float32), "b": rng.standard_normal(300, np.float32)}
    x = rng.standard_normal((64, 200), np.float32)
    compiled = astra.compile(layer, p, x)
    compiled.save(tmp_path / "layer.astra")
    for name, array in (("b", p["b"]), ("w", p["w"]), ("x", x)):
        array.tofile(tmp_path / name)
    signature = run(program, "layer.astra", cwd=tmp_path).stdout
    assert "input p['w']: float32[200,300]" in signature
    assert "output result 0: bfloat16[64,300]" in signature
    run(program, "layer.astra", "b", "w", "x", cwd=tmp_path)
    expected = compiled(p, x)
    got = np.fromfile(tmp_path / "result.0", ml_dtypes.bfloat16).reshape(64, 300)
    np.testing.assert_array_equal(got.view(np.uint16), expected[0].view(np.uint16))
    np.testing.assert_array_equal(np.fromfile(tmp_path / "result.1", expected[1].dtype), expected[1])


def test_what_the_c_example_refuses(build: Callable[[str], Path], tmp_path: Path) -> None:
    program = build("") / "run_saved"
    executable = astra.compile(jnp.sin, np.ones(5, np.float32)).executable
    executable.save(tmp_path / "sin.astra")
    content = (tmp_path / "sin.astra").read_bytes()

    def message(file: bytes, *arguments: str) -> str:
        (tmp_path / "file").write_bytes(file)
        done = run(program, "file", *arguments, cwd=tmp_path, check=False)
        assert done.returncode == 1
        return done.stderr

    (tmp_path / "short").write_bytes(b"1234")
    assert "expected a buffer of 20 bytes" in message(content, "short")
    assert "takes 1 arguments" in message(content, "short", "short")
    assert "not complete" in message(content[:-1])
    assert "damaged" in message(content[:200] + b"\xff" + content[201:])
    assert "not a file of Astra" in message(b"\x7fELF" + content)


def test_functions_that_a_saved_one_calls(build: Callable[[str], Path], tmp_path: Path) -> None:
    compiled = astra.compile(lambda x: jnp.linalg.eigh(x)[0] + jnp.linalg.svd(x)[1], np.eye(20, dtype=np.float32))
    compiled.save(tmp_path / "f.astra")
    done = run(build("") / "run_saved", "f.astra", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "it calls 'lapack_s" in done.stderr
    assert "no function of this name is registered" in done.stderr
    calls = astra.compile(lambda x: jax.pure_callback(np.sin, x, x), np.ones(5, np.float32))
    with pytest.raises(astra.AstraError, match=r"calls Python functions \(callbacks\)"):
        calls.save(tmp_path / "g.astra")
    assert not (tmp_path / "g.astra").exists()


def test_code_for_a_processor_that_is_not_there(build: Callable[[str], Path], tmp_path: Path) -> None:
    program = build("") / "run_saved"
    target = astra.TargetMachine("x86_64-unknown-linux-gnu", "x86-64-v2", "+avx512fp16,+amx-fp16,+no-such-thing")
    astra.compile(jnp.sin, np.ones(5, np.float32), target=target).save(tmp_path / "f.astra")
    done = run(program, "f.astra", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "this processor lacks" in done.stderr
    assert "no-such-thing" in done.stderr
    other = astra.TargetMachine.parse("aarch64-unknown-linux-gnu:generic")
    astra.compile(jnp.sin, np.ones(5, np.float32), target=other).save(tmp_path / "g.astra")
    done = run(program, "g.astra", cwd=tmp_path, check=False)
    assert "it is code for aarch64, and this machine is x86_64" in done.stderr


def gpu_environment(compiled: Any, folder: Path) -> dict[str, str]:
    """For a process without Python, whose driver is the fake one: its kernels are a shared library of CPU code."""
    objects, parameters = emulated_objects(compiled.executable.compiled.tile_text)
    for number, data in enumerate(objects):
        (folder / f"kernels{number}.o").write_bytes(data)
    tables = [f"long long parameters_{name}[] = {{{', '.join(map(str, [*p, -1]))}}};" for name, p in parameters.items()]
    (folder / "parameters.c").write_text("\n".join(tables))
    sources = ["parameters.c", *(f"kernels{number}.o" for number in range(len(objects)))]
    run(
        "c++", "-x", "c", "parameters.c", "-x", "none", *sources[1:], "-shared", "-fPIC", "-o", "kernels.so", cwd=folder
    )
    return {"ASTRA_CUDA_DRIVER": str(fake_driver()), "FAKE_CUDA_KERNELS": str(folder / "kernels.so")}


@pytest.mark.parametrize("sanitizers", ["", "address,undefined"])
def test_c_programs_run_functions_for_gpus(
    build: Callable[[str], Path], tmp_path: Path, sanitizers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    p = {"w": rng.standard_normal((20, 300), np.float32), "b": rng.standard_normal(300, np.float32)}
    x, total = rng.standard_normal((64, 20), np.float32), np.ones(300, np.float32)

    def updated(p: dict[str, jax.Array], x: jax.Array, total: jax.Array) -> tuple[jax.Array, ...]:
        y = layer(p, x)
        return *y, total + y[0].astype(jnp.float32).sum(0)

    compiled = astra.compile(updated, p, x, total, target="cuda:sm_90a", donate_argnums=2)
    assert max(compiled.executable.compiled.aliases) >= 0
    compiled.save(tmp_path / "layer.astra")
    for name, array in (("b", p["b"]), ("w", p["w"]), ("x", x), ("total", total)):
        array.tofile(tmp_path / name)
    expected = jax.jit(updated)(p, x, total)
    folder, files = build(sanitizers), ("layer.astra", "b", "w", "x", "total")
    for name, value in gpu_environment(compiled, tmp_path).items():
        monkeypatch.setenv(name, value)
    for program in ("run_saved", "run_saved_gpu"):
        said = run(folder / program, *files, cwd=tmp_path).stdout
        assert program == "run_saved" or "for cuda:sm_90a on Astra emulated device" in said
        for number, value in enumerate(expected):
            got = np.fromfile(tmp_path / f"result.{number}", value.dtype).reshape(value.shape)
            np.testing.assert_allclose(got.astype(float), np.asarray(value).astype(float), rtol=1e-2, atol=1e-5)
            (tmp_path / f"result.{number}").unlink()
    assert "input p['w']: float32[20,300]" in run(folder / "run_saved", "layer.astra", cwd=tmp_path).stdout


def test_what_c_programs_refuse_of_gpus(
    build: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.ones(5, np.float32)
    x.tofile(tmp_path / "x")
    astra.compile(jnp.sin, x, target="cuda:sm_80").save(tmp_path / "sm_80.astra")
    astra.compile(jnp.sin, x).save(tmp_path / "cpu.astra")

    def message(file: str) -> str:
        done = run(build("") / "run_saved_gpu", file, "x", cwd=tmp_path, check=False)
        assert done.returncode == 1
        return done.stderr

    monkeypatch.setenv("ASTRA_CUDA_DRIVER", str(tmp_path / "none.so"))
    assert "no CUDA driver: " in message("sm_80.astra")
    monkeypatch.setenv("ASTRA_CUDA_DRIVER", str(fake_driver()))
    assert "main is code for cuda:sm_80, and Astra emulated device is of compute capability 9.0" in message(
        "sm_80.astra"
    )
    assert "which runs on no GPU" in message("cpu.astra")
