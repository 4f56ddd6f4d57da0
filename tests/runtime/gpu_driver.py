"""The library that stands in for the CUDA driver (``runtime/tests/fake_cuda.cpp``), built once and used in children.

The driver of a process is opened once, so what needs the fake one runs in a process of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
needs_compiler = pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")


@cache
def fake_driver() -> Path:
    """The built library; kept from process to process under a name that its sources determine."""
    sources = [SOURCE / "runtime/tests/fake_cuda.cpp", SOURCE / "runtime/src/cuda_driver.h"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    library = Path(tempfile.gettempdir(), f"astra-fake-cuda-{os.getuid()}-{digest}.so")
    if not library.exists():
        new = library.with_suffix(f".{os.getpid()}")
        command = ["c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-o", os.fspath(new), os.fspath(sources[0]), "-ldl"]
        subprocess.run(command, check=True, timeout=120)
        new.replace(library)
    return library


def with_driver(code: str, **environment: str) -> str:
    """The output of Python code in a process whose CUDA driver is the fake one; ``driver`` in it is the library."""
    library = os.fspath(fake_driver())
    before = (
        "import ctypes, numpy as np\n"
        f"driver = ctypes.CDLL({library!r}); driver.fake_cuda_log.restype = ctypes.c_char_p\n"
        "driver.fake_cuda_bytes.restype = ctypes.c_longlong\n"
        "def log(): return driver.fake_cuda_log().decode().splitlines()\n"
    )
    env = {**os.environ, "ASTRA_CUDA_DRIVER": library, **environment}
    done = subprocess.run(
        [sys.executable, "-c", before + code], capture_output=True, text=True, timeout=240, env=env, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout.strip()
