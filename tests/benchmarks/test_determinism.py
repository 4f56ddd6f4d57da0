"""Every benchmark program gives the same bits on 1, 2, 3 and 8 threads, at each call, and in another process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")
sys.path.append(str(Path(__file__).parents[2]))

import jax

import astra_mlir as astra
from benchmarks.case import Case
from benchmarks.cases import CASES

ROOT = Path(__file__).parents[2]
THREADS = (1, 2, 3, 8)


def digest(tree: object) -> str:
    """A hash of the bits of all arrays of a tree, their types and shapes."""
    made = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        array = np.asarray(leaf)
        made.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return made.hexdigest()


def digests(case: Case, threads: tuple[int, ...]) -> list[str]:
    """Hashes of a case's results on each number of threads."""
    with jax.enable_x64(True) if case.wide else contextlib.nullcontext():
        arguments = case.arguments()
        compiled = astra.jit(case.function).compile(*arguments)
        found = []
        for count in threads:
            with astra.threads(count):
                found.append(digest(compiled(*arguments)))
        return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_number_of_threads_changes_no_bit(case: Case) -> None:
    assert len(set(digests(case.smaller(), (*THREADS, 2, 8)))) == 1


# Small variants of most programs have no parallel loops: single operations are run as they are, too, models if asked.
_FULL = [pytest.param(c, id=c.name, marks=() if "single" in c.groups else pytest.mark.slow) for c in CASES]


@pytest.mark.parametrize("case", _FULL)
def test_the_number_of_threads_changes_no_bit_at_full_size(case: Case) -> None:
    assert len(set(digests(case, THREADS))) == 1


def test_another_process_gives_the_same_bits() -> None:
    code = (
        "import json, sys; from tests.benchmarks.test_determinism import *;"
        "print(json.dumps({c.name: digests(c.smaller(), (3,)) for c in CASES}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    here = {case.name: digests(case.smaller(), (2,)) for case in CASES}
    output = child.communicate(timeout=600)[0]
    assert child.returncode == 0
    assert json.loads(output.splitlines()[-1]) == here
