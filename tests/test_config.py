"""Settings of the environment: each is read in one place, and what is no value of it is refused by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from astra_mlir import config
from astra_mlir.errors import AstraError
from astra_mlir.target_machine import CodegenOptions, TargetMachine

WRONG = [
    ("ASTRA_OPT_LEVEL", "9", "from 0 to 3"),
    ("ASTRA_OPT_LEVEL", "fast", "a whole number"),
    ("ASTRA_NUM_THREADS", "-1", "from 0 to"),
    ("ASTRA_NUM_THREADS", "99999999999999999999", "from 0 to"),
    ("ASTRA_NUM_DEVICES", "0", "from 1 to"),
    ("ASTRA_MPI_LIBRARY", "/nowhere/libmpi_abi.so", "no such file"),
    ("ASTRA_PROCESS_TIMEOUT", "0", "from 1 to"),
    ("ASTRA_COMPILE_THREADS", "0", "from 1 to"),
    ("ASTRA_VERIFY_PASSES", "maybe", "0 or 1"),
    ("ASTRA_JIT_CACHE_SIZE", "1.5", "a whole number"),
    ("ASTRA_BUFFER_CACHE_BYTES", "1G", "a whole number"),
    ("ASTRA_CACHE", "2", "0 or 1"),
    ("ASTRA_CACHE_DIR", __file__, "not a folder"),
    ("ASTRA_CACHE_MAX_BYTES", "-5", "from 0 to"),
    ("ASTRA_RUNTIME_LIBRARY", "/nowhere/lib.so", "no such file"),
    ("ASTRA_LIBDEVICE", "/nowhere/libdevice.10.bc", "no such file"),
    ("ASTRA_PTXAS", "/nowhere/ptxas", "no such file"),
    ("ASTRA_GPU_ATOMICS", "yes", "0 or 1"),
    ("ASTRA_CUDA_DRIVER", "/nowhere/libcuda.so", "no such file"),
    ("ASTRA_TUNING", "/", "it is a folder"),
    ("ASTRA_TARGET", "pentium", "unknown processor 'pentium'"),
]


@pytest.mark.parametrize(("variable", "text", "message"), WRONG)
def test_what_is_no_value_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, text: str, message: str) -> None:
    (setting,) = (setting for setting in config.SETTINGS if setting.variable == variable)
    monkeypatch.setenv(variable, text)
    with pytest.raises(AstraError, match=message) as raised:
        TargetMachine.parse(setting.get()) if setting is config.target else setting.get()
    assert setting is config.target or variable in str(raised.value)


def test_every_setting_has_a_wrong_value() -> None:
    assert {variable for variable, _, _ in WRONG} == {setting.variable for setting in config.SETTINGS}


def test_a_level_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_OPT_LEVEL", "0")
    assert CodegenOptions.default().level == 0
    monkeypatch.setenv("ASTRA_OPT_LEVEL", "4")
    with pytest.raises(AstraError, match="ASTRA_OPT_LEVEL='4'"):
        CodegenOptions.default()


def test_the_list_names_what_is_misspelled(tmp_path: Path) -> None:
    environment = os.environ | {"ASTRA_OPTLEVEL": "1", "ASTRA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "astra_mlir.config"], env=environment, capture_output=True, text=True, check=True
    )
    assert "ASTRA_OPTLEVEL is no setting of Astra" in done.stdout
    assert f"ASTRA_CACHE_DIR = '{tmp_path}'" in done.stdout
    assert "ASTRA_OPT_LEVEL = 3 (default 3)" in done.stdout
