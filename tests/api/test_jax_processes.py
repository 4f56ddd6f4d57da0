"""JAX's programs over several processes of one machine: the same bits as one process with as many devices gives, and an
error in all when one fails."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

try:
    metadata.version("mpich")
except metadata.PackageNotFoundError:
    pytest.skip("there is no MPI: pip install 'astra-mlir[mpi]'", allow_module_level=True)

# argv: the number of the process, how many there are, the coordinator's port.
PRELUDE = """
import hashlib, os, signal, sys, time
import jax, jax.numpy as jnp, numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
index, count, port = (int(text) for text in sys.argv[1:4])
if count > 1:
    jax.distributed.initialize(f"127.0.0.1:{port}", count, index)
def on(mesh, *axes): return NamedSharding(mesh, P(*axes))
devices = np.array(jax.devices("astra"))
mesh = Mesh(devices, "i")
equal = np.testing.assert_array_equal
"""

# What both kinds of processes print is compared.
PROGRAM = """
assert jax.process_count() == count and jax.process_index() == index
assert [d.process_index for d in devices] == [i * count // 4 for i in range(4)], devices
assert [d.id for d in jax.local_devices()] == [i for i in range(4) if i * count // 4 == index]
def show(name, *values):
    for value in values:
        value = multihost_utils.process_allgather(value, tiled=True)
        if index == 0:
            print(name, value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16], flush=True)
random = np.random.default_rng(0)
def placed(array, *axes, mesh=mesh):
    sharding = on(mesh, *axes)
    return jax.make_array_from_callback(array.shape, sharding, lambda at: array[at])
x = random.standard_normal((8, 12)).astype(np.float32)
y = placed(x, "i")
# What one process has is made global, too.
mine = x.reshape(count, -1, 12)[index]
given = jax.make_array_from_process_local_data(on(mesh, "i"), mine)
equal(given.addressable_shards[0].data, y.addressable_shards[0].data)

def mapped(function, out=P("i"), mesh=mesh):
    return jax.jit(jax.shard_map(function, mesh=mesh, in_specs=P("i"), out_specs=out, check_vma=False))
lax = jax.lax
show("sums", mapped(lambda v: lax.psum(v, "i"))(y), mapped(lambda v: lax.pmax(v, "i"))(y))
# --- more
show("gathered", mapped(lambda v: lax.all_gather(v, "i"), P(None))(y))
show("scattered", mapped(lambda v: lax.psum_scatter(jnp.tile(v, (2, 1)), "i", tiled=True))(y))
show("all to all", mapped(lambda v: lax.all_to_all(v, "i", 1, 0, tiled=True))(y))
show("permuted", mapped(lambda v: lax.ppermute(v, "i", [(0, 3), (3, 1), (1, 0)]))(y))
show("broadcast", mapped(lambda v: lax.pbroadcast(v, "i", 2))(y))
show("numbers", mapped(lambda v: v[:1, :1] * 0 + lax.axis_index("i"))(y))
pairs = [[0, 2], [1, 3]]
show("groups", mapped(lambda v: lax.psum(v, "i", axis_index_groups=pairs))(y))
show("loop", mapped(lambda v: lax.fori_loop(0, 9, lambda i, w: lax.psum(w, "i") * 0.3 + i, v))(y))
large = placed(random.standard_normal((64, 40_000)).astype(np.float32), "i")  # 10 MB: not sent at once
show("large", mapped(lambda v: lax.psum(v, "i"), P())(large)[:3])
show("large", mapped(lambda v: lax.all_to_all(v, "i", 1, 0, tiled=True))(large))

grid = Mesh(devices[[3, 0, 1, 2]].reshape(2, 2), ("a", "b"))
a, b = placed(x, "a", "b", mesh=grid), placed(x.T.copy(), "b", mesh=grid)
show("automatic", *jax.jit(lambda a, b: (jnp.tanh(a @ b), a.mean(), jnp.sort(a, 0)))(a, b))
show("resharded", jax.device_put(a, on(grid, None, "a")), jax.jit(lambda v: v + 1, out_shardings=on(grid, "b", "a"))(a))
few = Mesh(devices[[2, 1]], "i")  # of two processes, whoever they are
if {1, 2} & {d.id for d in jax.local_devices()}:
    part = mapped(lambda v: lax.psum(v * 2, "i") - v, mesh=few)(placed(x, "i", mesh=few))
    equal(part.addressable_shards[0].data.shape, (4, 12))
multihost_utils.sync_global_devices("few")

w = placed(random.standard_normal((12, 3)).astype(np.float32))
@jax.jit
def step(w, x):
    loss, grad = jax.value_and_grad(lambda w: jnp.mean((x @ w - 1) ** 2))(w)
    return w - 0.1 * grad, loss
step = jax.jit(step, donate_argnums=0)
for _ in range(20): w, loss = step(w, y)
show("trained", w, loss)

called = []
show("callback", jax.jit(lambda v: (jax.debug.callback(lambda s: called.append(s), v.sum()), v * 2)[1])(y))
jax.effects_barrier()
assert len(called) == (index == 0), called

ours = np.arange(4.0)[index * 4 // count:][:4 // count]
each = jax.pmap(lambda v: lax.psum(v, "i"), axis_name="i")(ours)
equal(each, np.full(4 // count, 6.0))
equal(multihost_utils.broadcast_one_to_all(np.arange(3) + index), np.arange(3))
equal(multihost_utils.process_allgather(np.float32(index)), np.arange(count))
multihost_utils.assert_equal(np.ones(3), "must be equal")
local = jax.jit(lambda v: v * 2)(jnp.arange(3.0))  # a program of this process alone
equal(local, [0, 2, 4])
"""
FEW, _ = PROGRAM.split("# --- more")

# Each ends the others' waiting: what process 1 does, and what process 0 is told.
FAILURES = {
    "an exception in a callback": (
        "def fails(v):\n    raise ValueError('what went wrong')\n"
        "total = lambda v: lax_sum(jax.pure_callback(fails, jax.ShapeDtypeStruct(v.shape, v.dtype), v))",
        "process 1: .*what went wrong",
    ),
    "an exception in the program": ("raise KeyError('what went wrong')", "process 1 has ended"),
    "a signal": ("os.kill(os.getpid(), signal.SIGKILL)", "process 1 has died"),
    "another program": ("y = y[:, :2]", "process 1 runs another program"),
    "nothing": ("time.sleep(6); os._exit(0)", "has not come to a collective operation for 2 seconds"),
}
FAILING = """
def lax_sum(v): return jax.lax.psum(v, "i")
total = lax_sum
y = jax.make_array_from_process_local_data(on(mesh, "i"), np.ones((1, 9), np.float32))
def run(v): return jax.jit(jax.shard_map(total, mesh=mesh, in_specs=P("i"), out_specs=P("i"), check_vma=False))(v)
equal(run(y).addressable_shards[0].data, np.full((1, 9), 2))
if index == 1:
{what}
for _ in range(2):  # the second time, too
    try:
        run(y).block_until_ready()
    except jax.errors.JaxRuntimeError as error:
        print(f"process {{index}} was told:", error, flush=True)
os._exit(0)
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def start(program: str, index: int, count: int, port: int, devices: int, **settings: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ, "JAX_PLATFORMS": "astra", "ASTRA_NUM_DEVICES": str(devices), "ASTRA_NUM_THREADS": "1", **settings,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, str(index), str(count), str(port)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(program: str, count: int, devices: int, **settings: str) -> list[tuple[int, str, str]]:
    """Status and output of each process; none outlives the test."""
    port = free_port()
    processes = [start(program, i, count, port, devices, **settings) for i in range(count)]
    try:
        outputs = [process.communicate(timeout=110) for process in processes]
        return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]
    finally:
        for process in processes:
            process.kill()


@cache
def results(program: str, count: int) -> str:
    ended = run(program + "print('all is well', flush=True)", count, 4 // count)
    for status, output, errors in ended:
        assert status == 0 and output.endswith("all is well\n"), output + errors[-3000:]
    return ended[0][1]


@pytest.mark.parametrize(
    ("program", "count"),
    [
        pytest.param(FEW, 2, id="few-2"),
        pytest.param(PROGRAM, 2, id="all-2", marks=pytest.mark.slow),
        pytest.param(PROGRAM, 4, id="all-4", marks=pytest.mark.slow),
    ],
)
def test_same_bits_as_one_process(program: str, count: int) -> None:
    assert results(program, count) == results(program, 1)
    assert results(program, 1).count("\n") >= program.count("show(")


@pytest.mark.parametrize(
    "failure", [pytest.param(f, marks=() if f == "a signal" else pytest.mark.slow) for f in FAILURES]
)
def test_a_process_that_fails_does_not_leave_others_waiting(failure: str) -> None:
    what, told = FAILURES[failure]
    indented = "\n".join("    " + line for line in what.split("\n"))
    ended = run(FAILING.format(what=indented), 2, 1, ASTRA_PROCESS_TIMEOUT="2" if failure == "nothing" else "60")
    _, *errors = ended[0][1].split("process 0 was told: ")
    assert len(errors) == 2 and all(re.search(told, error, re.DOTALL) for error in errors), ended


@pytest.mark.slow
def test_started_by_mpiexec() -> None:
    mpiexec = shutil.which("mpiexec", path=f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}")
    if mpiexec is None:
        pytest.skip("there is no mpiexec")
    program = """
import os, jax, jax.numpy as jnp
jax.distributed.initialize(f"127.0.0.1:{PORT}", int(os.environ["PMI_SIZE"]), int(os.environ["PMI_RANK"]))
print(jax.pmap(lambda v: jax.lax.psum(v, "i"), axis_name="i")(jnp.ones(1)))
""".replace("{PORT}", str(free_port()))
    ended = subprocess.run(
        [mpiexec, "-n", "2", sys.executable, "-c", program],
        env={**os.environ, "JAX_PLATFORMS": "astra", "ASTRA_NUM_DEVICES": "1"},
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "[2.]\n[2.]\n"), ended.stdout + ended.stderr[-3000:]


def test_without_mpi_it_is_refused(tmp_path: Path) -> None:
    no_library = tmp_path / "libmpi_abi.so"
    no_library.write_text("")
    ended = run("jax.devices()", 2, 1, ASTRA_MPI_LIBRARY=os.fspath(no_library))
    assert all(status != 0 and "astra-mlir[mpi]" in errors for status, _, errors in ended), ended
