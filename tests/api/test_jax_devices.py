"""JAX's programs over several virtual devices; each test's code runs in a process with eight of them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PRELUDE = """
import threading
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P, SingleDeviceSharding
devices = jax.devices("astra")
mesh = Mesh(np.array(devices).reshape(4, 2), ("a", "b"))
x = np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)
y = jax.device_put(x, NamedSharding(mesh, P("a", "b")))
def mapped(function, out=P("a", "b")):
    return jax.jit(jax.shard_map(function, mesh=mesh, in_specs=P("a", "b"), out_specs=out, check_vma=False))
equal, close = np.testing.assert_array_equal, np.testing.assert_allclose
"""

PROGRAMS = {
    "arrays on devices": """
assert len(devices) == 8 and [d.id for d in devices] == list(range(8))
assert [s.device for s in y.addressable_shards] == devices and y.addressable_shards[3].data.shape == (2, 8)
equal(y, x)
cpu = jax.devices("cpu")[0]
for target in (devices[5], cpu, NamedSharding(mesh, P("b")), NamedSharding(mesh, P())):
    moved = jax.device_put(y, target)
    assert moved.devices() == (target.device_set if isinstance(target, NamedSharding) else {target})
    equal(moved, x)
equal(jax.device_put(jax.device_put(x, cpu), y.sharding), x)
""",
    "automatic partitioning": """
double = jax.jit(lambda v: v * 2 + 1)(y)
assert double.sharding.is_equivalent_to(y.sharding, 2)
equal(double, x * 2 + 1)
close(jax.jit(lambda v: v @ v.T)(y), x @ x.T, rtol=1e-5, atol=1e-5)
close(jax.jit(lambda v: v.sum())(y), x.sum(), rtol=1e-5)
column = jax.jit(lambda v: v.mean(0), out_shardings=NamedSharding(mesh, P("b")))(y)
assert column.addressable_shards[1].data.shape == (8,)
close(column, x.mean(0), rtol=1e-5, atol=1e-6)
""",
    "collectives": """
close(mapped(lambda v: jax.lax.psum(v, "a"))(y)[:2], x.reshape(4, 2, 16).sum(0), rtol=1e-5, atol=1e-5)
equal(mapped(lambda v: jax.lax.pmax(v, ("a", "b")))(y)[:2, :8], x.reshape(4, 2, 2, 8).max((0, 2)))
equal(mapped(lambda v: jax.lax.ppermute(v, "a", [(i, (i + 1) % 4) for i in range(4)]))(y), np.roll(x, 2, 0))
equal(mapped(lambda v: jax.lax.all_gather(v, "b", axis=1, tiled=True), P("a"))(y), x)
across = mapped(lambda v: jax.lax.all_to_all(v, "b", 0, 1, tiled=True))(y)
equal(across[0, :8], x[0, :8]); equal(across[0, 8:16], x[0, 8:])
equal(mapped(lambda v: v[:1, :1] * 0 + jax.lax.axis_index("a") * 10 + jax.lax.axis_index("b"))(y),
      np.arange(4)[:, None] * 10 + np.arange(2))
equal(mapped(lambda v: jax.lax.fori_loop(0, 5, lambda i, w: jax.lax.psum(w, "b") * 0.5, v))(y)[:, :8],
      mapped(lambda v: jax.lax.psum(v, "b") * 0.5)(y)[:, :8])
""",
    "collectives that are begun and done, and orders among them": """
from jax._src.lax import parallel
from jax.experimental.control_deps import schedule
def overlapped(v):
    begun = parallel.all_gather_start(v, "b", axis=1, tiled=True)
    other = jnp.sin(v)
    done = begun.done()
    schedule([begun.x, other, done])
    return done + jnp.tile(other, (1, 2))
compiled = mapped(overlapped, P("a")).lower(y).compile()
assert "all-gather" in compiled.as_text()
close(compiled(y), x + np.sin(np.tile(x[:, :8], 2)), rtol=1e-6, atol=1e-6)
""",
    "pmap": """
normalized = jax.pmap(lambda v: v / jax.lax.psum(v, "i"), axis_name="i")(x)
close(normalized, x / x.sum(0), rtol=1e-4)
""",
    "a subset in another order": """
few = Mesh(np.array([devices[6], devices[1], devices[3]]), "c")
z = jax.device_put(np.arange(6.0, dtype=np.float32), NamedSharding(few, P("c")))
def shift(v): return jax.lax.ppermute(v, "c", [(0, 1), (1, 2)])
shifted = jax.jit(jax.shard_map(shift, mesh=few, in_specs=P("c"), out_specs=P("c")))(z)
equal(shifted, [0, 0, 0, 1, 2, 3])
assert [s.device.id for s in shifted.addressable_shards] == [6, 1, 3]
""",
    "programs of several threads": """
# Each thread's programs span other devices, in other orders: they would wait for each other if devices ran them in
# different orders.
meshes = [Mesh(np.array(o), "c") for o in (devices, devices[::-1], devices[2:6], devices[5:1:-1])]
def program(mesh):
    return jax.jit(jax.shard_map(lambda v: jax.lax.psum(v, "c") - v, mesh=mesh, in_specs=P("c"), out_specs=P("c")))
def work(i):
    z = jax.device_put(np.full(8, i, np.float32), NamedSharding(meshes[i], P("c")))
    run = program(meshes[i])
    for _ in range(40):
        last = run(z)
    results[i] = np.asarray(last)
results = {}
threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
for i in range(4):
    equal(results[i], np.full(8, i * (meshes[i].size - 1)))
""",
    "the same bits": """
w = np.random.default_rng(1).standard_normal((512, 256)).astype(np.float32) * 1e3
spread = jax.device_put(w, NamedSharding(mesh, P(("a", "b"))))
step = jax.jit(lambda v: (v @ (v.T @ v) * 1e-6).sum(0))
first = np.asarray(step(spread))
for _ in range(20):
    equal(np.asarray(step(spread)), first)
""",
    "donation": """
step = jax.jit(lambda v: v + jnp.sum(v), donate_argnums=0)
z = jax.device_put(np.ones((8, 16), np.float32), y.sharding)
kept, given = np.asarray(z), z
places = [s.data.unsafe_buffer_pointer() for s in z.addressable_shards]
z = step(z)
assert given.is_deleted()
equal(z, np.full((8, 16), 129)); equal(kept, np.ones((8, 16)))
offered = jax.device_put(x, y.sharding)
tall = jax.jit(lambda v: jnp.concatenate([v, v]), donate_argnums=0)(offered)
assert not offered.is_deleted()  # no result has the size of its tiles
equal(tall, np.concatenate([x, x]))
there = jax.device_put(z, devices[0]); moved = step(z)
equal(there, np.full((8, 16), 129)); equal(moved, np.full((8, 16), 129 + 129 * 128))
""",
    "a failing participant": """
def host(v, i):
    if i == 5: raise ValueError("participant five")
    return v
def fails(v):
    i = jax.lax.axis_index("a") * 2 + jax.lax.axis_index("b")
    v = jax.pure_callback(host, jax.ShapeDtypeStruct(v.shape, v.dtype), v, i)
    return jax.lax.psum(v, ("a", "b"))
program = mapped(fails)
for _ in range(3):
    try:
        result = program(y)
        after = jax.jit(lambda v: v.sum())(result)
    except jax.errors.JaxRuntimeError: continue
    for array in (result, result.addressable_shards[0].data, after):
        try: np.asarray(array)
        except jax.errors.JaxRuntimeError as error: assert "participant five" in str(error), error
        else: raise AssertionError("no error")
close(jax.jit(lambda v: v.sum())(y), x.sum(), rtol=1e-5)
""",
    "callbacks": """
seen = []
def watched(v):
    jax.debug.callback(lambda i: seen.append(int(i)), jax.lax.axis_index("a"))
    return v + jax.lax.psum(v, "a")
jax.block_until_ready(mapped(watched)(y))
jax.jit(lambda v: jax.debug.callback(lambda total: seen.append(float(total)), v.sum()))(y)  # of the whole array
jax.effects_barrier()
assert sorted(seen[:8]) == [0, 0, 1, 1, 2, 2, 3, 3] and abs(seen[8] - x.sum()) < 1e-3 and len(seen) == 9, seen
twice = lambda v: jax.pure_callback(lambda a: np.asarray(a) * 2, jax.ShapeDtypeStruct(v.shape, v.dtype), v)
equal(jax.jit(twice)(y), x * 2)
""",
    "memories": """
place = NamedSharding(mesh, P("b", "a"), memory_kind="pinned_host")
z = jax.jit(lambda v: (v + 1, v * 2), out_shardings=(place, None))(y)
assert [a.sharding.memory_kind for a in z] == ["pinned_host", "device"], [a.sharding for a in z]
equal(z[0], x + 1), equal(z[1], x * 2)
""",
    "shardings without Shardy": """
from jax import export
jax.config.update("jax_use_shardy_partitioner", False)
product = jax.jit(lambda v, w: v @ w, out_shardings=NamedSharding(mesh, P("b", "a")))
w = jax.device_put(x.T.copy(), NamedSharding(mesh, P(None, "a")))
close(product(y, w), x @ x.T, rtol=1e-5, atol=1e-5)
assert product(y, w).sharding.is_equivalent_to(NamedSharding(mesh, P("b", "a")), 2)
close(mapped(lambda v: jax.lax.psum(v, "a"))(y)[:2], x.reshape(4, 2, 16).sum(0), rtol=1e-5, atol=1e-5)
def over_a(v):  # written for tiles of "a" only, with another such region in it
    inner = jax.shard_map(lambda u: jax.lax.psum(u, "b") + jax.lax.axis_index("b"), in_specs=P(None, "b"),
                          out_specs=P(None, "b"), axis_names={"b"}, check_vma=False)
    return inner(v * 2) + jax.lax.psum(v, "a")
partial = jax.jit(jax.shard_map(over_a, mesh=mesh, in_specs=P("a"), out_specs=P("a"), axis_names={"a"}))
halves = np.broadcast_to((2 * x).reshape(8, 2, 8).sum(1, keepdims=True) + np.arange(2)[:, None], (8, 2, 8))
sums = np.broadcast_to(x.reshape(4, 2, 16).sum(0), (4, 2, 16)).reshape(8, 16)
close(partial(y), halves.reshape(8, 16) + sums, rtol=1e-5, atol=1e-5)
def wished(v):
    step = lambda i, c: jax.lax.with_sharding_constraint(c * 2, NamedSharding(mesh, P(P.UNCONSTRAINED, "a")))
    return jax.lax.fori_loop(0, 3, step, v) + jax.random.uniform(jax.random.key(0), v.shape)
close(jax.jit(wished)(y), jax.jit(wished)(x), rtol=1e-6)
seen = []
jax.jit(lambda v: jax.debug.callback(lambda total: seen.append(float(total)), v.sum()))(y)
jax.effects_barrier()
assert len(seen) == 1
exported = export.export(product, platforms=["cpu"])(y, w).serialize()
jax.config.update("jax_use_shardy_partitioner", True)
close(jax.jit(export.deserialize(exported).call)(y, w), x @ x.T, rtol=1e-5, atol=1e-5)
jax.config.update("jax_use_shardy_partitioner", False)
on_one = jax.jit(lambda v: jax.lax.with_sharding_constraint(v + 1, NamedSharding(Mesh(devices[:1], "c"), P("c"))))
equal(on_one(x), x + 1)
of_one = jax.shard_map(lambda v: jax.lax.psum(v, "c"), mesh=Mesh(devices[:1], "c"), in_specs=P("c"), out_specs=P())
equal(jax.jit(of_one)(x), x)
""",
    "partitions of one's own": """
from functools import partial
from jax.experimental.custom_partitioning import custom_partitioning
seen = []
@partial(custom_partitioning, static_argnums=(2,))
def product(v, w, factor):
    return v @ w * factor, (v @ w).sum(1)
def partition(factor, mesh, args, results):
    lies = [part.sharding for part in args]
    over = lies[0].spec[1]
    seen.append((over, lies[1].spec, args[0].shape, results[0].sharding.spec))
    def on_tiles(v, w):
        total = jax.lax.psum(v @ w, over)
        return total * factor, total.sum(1)
    return mesh, on_tiles, tuple(part.sharding for part in results), tuple(lies)
product.def_partition(partition, sharding_rule="i j, j k -> i k, i", reduction_factors=("j",))
w = jax.device_put(x.T.copy(), NamedSharding(mesh, P("b")))
def program(v, w):
    z, sums = product(v, w, 2.0)
    jax.debug.inspect_array_sharding(z, callback=lambda s: seen.append(s.spec))
    return z + 1, sums
for _ in range(2):
    z, sums = jax.jit(program)(y, w)
    close(z, x @ x.T * 2 + 1, rtol=1e-4, atol=1e-4); close(sums, (x @ x.T).sum(1), rtol=1e-4, atol=1e-4)
    assert z.sharding.is_equivalent_to(NamedSharding(mesh, P("a")), 2)
over, of_w, shape, of_z = seen[0]
assert "b" in over and "b" in of_w[0] and shape == (8, 16) and tuple(of_z)[0] in ("a", ("a",)), seen
assert tuple(seen[1])[0] in ("a", ("a",)) and len(seen) == 2, seen
""",
    "sums that are one exchange": """
sums = lambda v: [jax.lax.psum(p, "a") for p in (v[:1], v[:, :3] * 2, v.astype(jnp.int32), v + 1j, v > 0)]
got = jax.tree.map(np.asarray, mapped(sums)(y))
t = x.reshape(4, 2, 2, 8)
for part, g in zip([t[:, :1], 2 * t[..., :3], t.astype(np.int32), t + 1j, t > 0], got):
    close(g[:part.shape[1]], part.sum(0).reshape(part.shape[1], -1), rtol=1e-5, atol=1e-5)
""",
    "a child of a fork": """
import os
program = mapped(lambda v: jax.lax.psum(v, "a"))  # (new programs are compiled by threads of jaxlib's, which are gone)
expected = np.asarray(program(y))
child = os.fork()
if child == 0:
    import faulthandler; faulthandler.dump_traceback_later(20, exit=True)
    os._exit(int(not np.array_equal(program(y).addressable_shards[0].data, expected[:2, :8])))
assert os.waitpid(child, 0)[1] == 0
""",
    "executables": """
from jax.experimental import serialize_executable
lowered = jax.jit(lambda v: (v.sum(0), v * 2)).lower(y)
compiled = lowered.compile()
loaded = serialize_executable.deserialize_and_load(*serialize_executable.serialize(compiled))
for program in (compiled, loaded):
    total, double = program(y)
    close(total, x.sum(0), rtol=1e-5, atol=1e-5); equal(double, x * 2)
assert compiled.output_shardings[1].is_equivalent_to(y.sharding, 2)
assert compiled.memory_analysis().argument_size_in_bytes == x.nbytes // 8
""",
    "exit with work in flight": """
big = jax.device_put(np.ones((2048, 512), np.float32), NamedSharding(mesh, P("a", "b")))
program = jax.jit(lambda v: v @ (v.T @ v) * 1e-6)
for _ in range(6): big = program(big)
""",
}


def run(code: str, **settings: str) -> None:
    environment = {"JAX_PLATFORMS": "astra,cpu", "ASTRA_NUM_DEVICES": "8", **settings}
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code + "\nprint('done')"], capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize("name", PROGRAMS)
def test_on_eight_devices(name: str) -> None:
    run(PROGRAMS[name])


def test_the_number_of_devices_comes_from_jax_too() -> None:
    code = "import jax; assert len(jax.devices('astra')) == 3"
    for settings in ({"JAX_NUM_CPU_DEVICES": "3"}, {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}):
        environment = {k: v for k, v in os.environ.items() if k != "ASTRA_NUM_DEVICES"}
        subprocess.run(
            [sys.executable, "-c", code], env={**environment, "JAX_PLATFORMS": "astra", **settings}, check=True
        )
