"""Object code on disk: the second process takes it, damaged entries are made again, the size is bounded."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir import code_cache, target_machine

NEGATE = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{\n  {}\n  return %y : tensor<4xf32>\n}}"
PROGRAM = NEGATE.format("%y = stablehlo.negate %x : tensor<4xf32>")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that LLVM compiles from now on."""
    texts: list[str] = []
    compiled = target_machine._compiled

    def counted(text: str, *others: object) -> list[bytes]:
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
    assert len(list(cache.iterdir())) == 1


def test_another_process_takes_it(cache: Path, compilations: list[str]) -> None:
    script = f"import astra_mlir as astra; astra.compile({PROGRAM!r})"
    subprocess.run([sys.executable, "-c", script], check=True)
    _check()
    assert compilations == []


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


def test_several_objects_and_none() -> None:
    for objects in ([b"", b"abc", b"\0" * 7], []):
        code_cache.store("key", objects)
        assert code_cache.load("key") == objects
