"""Object code on disk: the second process takes it, damaged entries are made again, the size is bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir import code_cache, native, program_cache, target_machine

NEGATE = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{\n  {}\n  return %y : tensor<4xf32>\n}}"
PROGRAM = NEGATE.format("%y = stablehlo.negate %x : tensor<4xf32>")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target_machine.TargetMachine.host()  # an entry of its own, once in a process
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that LLVM compiles from now on."""
    texts: list[str] = []
    compiled = target_machine._compiled

    def counted(text: str, *others: object) -> bytes:
        texts.append(text)
        return compiled(text, *others)

    monkeypatch.setattr(target_machine, "_compiled", counted)
    return texts


def _check(program: str = PROGRAM, sign: float = -1) -> None:
    x = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(astra.compile(program)(x)[0], sign * x)


def test_equal_code_is_compiled_once(cache: Path, compilations: list[str]) -> None:
    _check()
    _check()
    assert len(compilations) == 1
    assert len(list(cache.iterdir())) == 1  # the program, with its code


def test_another_process_takes_it(cache: Path, compilations: list[str]) -> None:
    script = f"import astra_mlir as astra; astra.compile({PROGRAM!r})"
    subprocess.run([sys.executable, "-c", script], check=True)
    _check()
    assert compilations == []


def test_a_program_found_needs_neither_mlir_nor_passes(cache: Path) -> None:
    script = f"""import sys, numpy as np, astra_mlir as astra
exe = astra.compile({PROGRAM!r})
assert exe(np.ones(4, np.float32))[0].tolist() == [-1] * 4
print(sum(name.startswith(("torch_mlir", "astra_mlir.passes")) for name in sys.modules))
assert "astra.negate" in exe.ir("astra")"""
    counts = [
        int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
        for _ in range(2)
    ]
    assert counts[0] > 0
    assert counts[1] == 0


def test_constants_and_types_come_back(cache: Path, compilations: list[str]) -> None:
    numbers = ", ".join(map(str, range(7, 47)))
    program = f"""func.func @main(%x: tensor<4xbf16>) -> (tensor<4xbf16>, tensor<40xi32>, tensor<i1>) {{
      %c = stablehlo.iota dim = 0 : tensor<40xi32>
      %d = stablehlo.constant dense<[{numbers}]> : tensor<40xi32>
      %e = stablehlo.add %c, %d : tensor<40xi32>
      %t = stablehlo.constant dense<true> : tensor<i1>
      return %x, %e, %t : tensor<4xbf16>, tensor<40xi32>, tensor<i1>
    }}"""
    x = np.arange(4).astype(ml_dtypes.bfloat16)
    for _ in range(2):
        exe = astra.compile(program)
        same, added, truth = exe(x)
        assert same.dtype == ml_dtypes.bfloat16
        np.testing.assert_array_equal(same.astype(np.float32), np.arange(4))
        np.testing.assert_array_equal(added, 2 * np.arange(40) + 7)
        assert truth.dtype == np.bool_
        assert truth
        assert exe.memory().constant_bytes == 160
    assert len(compilations) == 1


def test_a_changed_compiler_compiles_anew(
    cache: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _check()
    monkeypatch.setattr(program_cache, "compiler_hash", lambda: "another")
    _check()
    assert len(compilations) == 2


def test_kernels_that_programs_share_are_compiled_once(compilations: list[str]) -> None:
    product = """func.func @main(%x: tensor<600x{0}xf32>, %y: tensor<{0}x520xf32>) -> tensor<600x520xf32> {{
      %z = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0]
        : (tensor<600x{0}xf32>, tensor<{0}x520xf32>) -> tensor<600x520xf32>
      return %z : tensor<600x520xf32>
    }}"""
    code_cache.forget()
    generator = np.random.default_rng(0)
    counts = []
    for depth in (512, 528):
        x, y = (generator.standard_normal(s, np.float32) for s in ((600, depth), (depth, 520)))
        before = len(compilations)
        np.testing.assert_allclose(astra.compile(product.format(depth), target="host")(x, y)[0], x @ y, atol=1e-3)
        counts.append(len(compilations) - before)
    assert 1 <= counts[1] < counts[0]


def test_another_target_or_level_is_another_entry(
    cache: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    astra.compile(PROGRAM, target="x86-64-v3")
    astra.compile(PROGRAM, target="x86-64-v2")
    monkeypatch.setenv("ASTRA_OPT_LEVEL", "1")
    astra.compile(PROGRAM, target="x86-64-v2")
    assert len(compilations) == 3


@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 2], lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda d: b""])
def test_damaged_entries_are_made_again(cache: Path, compilations: list[str], damage: object) -> None:
    _check()
    (entry,) = cache.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))  # type: ignore[operator]
    _check()
    assert len(compilations) == 2
    assert entry.read_bytes() == whole


def test_the_least_recently_used_entries_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code_cache.store("a", [b"1" * 1000])
    code_cache.store("b", [b"2" * 1000])
    assert code_cache.load("a") == [b"1" * 1000]
    monkeypatch.setenv("ASTRA_CACHE_MAX_BYTES", "2500")
    code_cache.store("c", [b"3" * 1000])
    assert [code_cache.load(key) is not None for key in "abc"] == [True, False, True]
    assert code_cache.clear() == 2


def test_the_cache_can_be_disabled(cache: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_CACHE", "0")
    _check()
    _check()
    assert len(compilations) == 2
    assert not cache.exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path / "file" / "below"))
    _check()


def test_writers_at_once(cache: Path) -> None:
    objects = [bytes([i]) * 5000 for i in range(3)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: code_cache.store("same", objects), range(64)))
    assert code_cache.load("same") == objects
    assert len(list(cache.iterdir())) == 1


def test_what_killed_writers_left_goes(cache: Path) -> None:
    code_cache.store("a", [b"1"])
    left, fresh = cache / "left.new", cache / "fresh.new"
    left.write_bytes(b"half")
    fresh.write_bytes(b"another process writes this now")
    os.utime(left, (0, 0))
    code_cache.store("b", [b"2"])
    assert sorted(path.name for path in cache.iterdir()) == ["a.objects", "b.objects", "fresh.new"]


def test_programs_with_callbacks_are_not_kept(cache: Path, compilations: list[str]) -> None:
    import jax

    def function(x: jax.Array) -> jax.Array:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((4,), np.float32), x) + 1

    x = np.arange(4, dtype=np.float32)
    np.testing.assert_allclose(astra.jit(function)(x), np.sin(x) + 1, rtol=1e-6)
    versions = len(list(cache.glob("*")))  # of StableHLO: all that is kept
    np.testing.assert_allclose(astra.jit(lambda x: function(x))(x), np.sin(x) + 1, rtol=1e-6)
    assert len(compilations) == 2
    assert versions <= 1
    assert len(list(cache.glob("*"))) == versions


def test_functions_called_by_name_must_be_there(cache: Path) -> None:
    """The second process is told at compile time, as the first would be, not when it calls."""
    script = """import sys, astra_mlir as astra
from astra_mlir import ffi
import jax; from jaxlib import lapack
lapack._lapack.initialize()
handlers = {name: handler for name, handler, version in lapack.registrations()["cpu"] if version == 1}
if sys.argv[1] == "there":
    ffi.register_target("my_function", handlers["lapack_sgetrf_ffi"])
try:
    astra.compile('''func.func @main(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2xi32>, tensor<i32>) {
      %y:3 = stablehlo.custom_call @my_function(%x) {api_version = 4 : i32}
        : (tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2xi32>, tensor<i32>)
      return %y#0, %y#1, %y#2 : tensor<2x2xf32>, tensor<2xi32>, tensor<i32>
    }''')
    print("compiled")
except astra.UnsupportedError as error:
    print(error)"""
    outputs = [
        subprocess.run([sys.executable, "-c", script, which], check=True, capture_output=True, text=True).stdout
        for which in ("there", "missing", "there")
    ]
    assert outputs[0] == outputs[2] == "compiled\n"
    assert "my_function" in outputs[1]


def test_the_processor_is_known_without_llvm(cache: Path) -> None:
    script = """import sys; from astra_mlir.target_machine import TargetMachine; print(TargetMachine.host())
print("llvmlite.binding" in sys.modules)"""
    first, second = (
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    )
    assert first[0] == second[0] == str(target_machine.TargetMachine.host())
    assert first[1] == "True"
    assert second[1] == "False" or not native.processor_identity()


def test_several_objects_and_none() -> None:
    for objects in ([b"", b"abc", b"\0" * 7], []):
        code_cache.store("key", objects)
        assert code_cache.load("key") == objects
