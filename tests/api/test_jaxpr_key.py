"""Keys of traced functions: functions that mean something else have another, and a second process lowers nothing."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax._src.interpreters import mlir

import astra_mlir as astra
from astra_mlir import program_cache
from astra_mlir.compiler import compile_program
from astra_mlir.jax_frontend import capture, jaxpr_key
from astra_mlir.jax_frontend import lowering as jax_lowering

X = np.linspace(0.1, 0.9, 4, dtype=np.float32)
SQUARE = np.arange(16, dtype=np.float32).reshape(4, 4) / 16 + np.eye(4, dtype=np.float32)


def key(function: Callable[..., Any], *args: Any, **static: Any) -> str:
    jax_lowering.register()
    return jaxpr_key.jaxpr_key(jax.jit(function, keep_unused=True, **static).trace(*args))


@jax.custom_jvp
def with_rule(x: Any) -> Any:
    return x * 2


with_rule.defjvp(lambda primals, tangents: (with_rule(*primals), tangents[0] * 7))


@jax.custom_vjp
def with_backward(x: Any) -> Any:
    return x * 2


with_backward.defvjp(lambda x: (x * 2, None), lambda _, ct: (ct * 7,))

W0, W1 = np.zeros((200, 200), np.float32), np.eye(200, dtype=np.float32)
BIT_FLIPPED = W1.copy()
BIT_FLIPPED[150, 150] = np.nextafter(np.float32(1), np.float32(2))

# Each a list of pairs (function, arguments) of which no two are the same program.
DIFFERENT: dict[str, list[tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    "operations": [(jnp.sin, (X,)), (jnp.cos, (X,))],
    "parameters": [(lambda x: x**2, (X,)), (lambda x: x**3, (X,))],
    "order of operands": [(lambda x, y: x - y, (X, X)), (lambda x, y: y - x, (X, X))],
    "order of results": [(lambda x, y: (x, y), (X, X)), (lambda x, y: (y, x), (X, X))],
    "shapes": [(jnp.sin, (X,)), (jnp.sin, (X[:3],)), (jnp.sin, (X[None],))],
    "element types": [(jnp.sin, (X,)), (jnp.sin, (X.astype(np.float16),)), (jnp.sin, (X.astype(jnp.bfloat16),))],
    "weak types": [(lambda x: x + 1, (2.0,)), (lambda x: x + 1, (np.float32(2),))],
    "literals": [(lambda x, c=c: x * c, (X,)) for c in (1.0, 2.0, -0.0, 0.0, float("nan"), float("inf"))],
    "closed-over arrays": [(lambda x, w=w: x @ w, (W0,)) for w in (jnp.asarray(W0), jnp.asarray(W1), BIT_FLIPPED)],
    "arrays closed over inside": [
        (lambda x, w=w: lax.fori_loop(0, 3, lambda _, c: c @ w, x), (W0,)) for w in (W0, W1)
    ],
    "loops": [(lambda x, n=n: lax.fori_loop(0, n, lambda _, c: c * x, x), (X,)) for n in (3, 4)],
    "bodies": [
        (lambda x, f=f: lax.scan(lambda c, y: (f(c, y), c), x[0], x), (X,)) for f in (jnp.add, jnp.multiply)
    ],
    "branches": [
        (lambda x, f=f: lax.cond(x[0] > 0, f, jnp.cos, x), (X,)) for f in (jnp.sin, jnp.tan)
    ],
    "reducers": [
        (lambda x, f=f: lax.reduce(x, np.float32(1), f, (0,)), (X,))
        for f in (lambda a, b: a + 2 * b, lambda a, b: a + 3 * b)
    ],
    "precision": [
        (lambda x, p=p: jnp.dot(x, x, precision=p), (W0,)) for p in (None, lax.Precision.HIGHEST)
    ],
    "named functions": [(jax.jit(lambda x: x + 1), (X,)), (jax.jit(lambda x: x + 2), (X,))],
    "random keys": [
        (lambda k: jax.random.bits(k, (4,)), (jax.random.key(0, impl=impl),)) for impl in ("threefry2x32", "rbg")
    ],
    "keys closed over": [(lambda x, k=k: x + jax.random.normal(k, (4,)), (X,)) for k in map(jax.random.key, (0, 1))],
    "derivative rules": [
        (astra.grad(lambda x, c=c: jnp.sum(jnp.sin(x) * c)), (X,)) for c in (1.0, 2.0)
    ],
    "kinds of derivatives": [
        (astra.grad(lambda x: jnp.sum(x**3)), (X,)), (lambda x: astra.jvp(lambda x: x**3, (x,), (x,))[1], (X,))
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_programs_have_other_keys(name: str) -> None:
    token = capture.capturing.set(True)
    try:
        keys = [key(function, *args) for function, args in DIFFERENT[name]]
        assert keys == [key(function, *args) for function, args in DIFFERENT[name]]
    finally:
        capture.capturing.reset(token)
    assert len(set(keys)) == len(keys)


# A setting of JAX, and a function whose program it changes while its arguments stay the same.
SETTINGS: dict[str, tuple[Callable[[], AbstractContextManager[Any]], Callable[..., Any], tuple[Any, ...]]] = {
    "matmul precision": (lambda: jax.default_matmul_precision("highest"), lambda x: x @ x, (W0,)),
    "x64": (lambda: jax.enable_x64(True), lambda x: x + jnp.arange(4.0), (X,)),
    "partitionable": (lambda: jax.threefry_partitionable(False), lambda k: jax.random.bits(k, (4,)),
                      (np.zeros(2, np.uint32),)),
    "promotion": (lambda: jax.numpy_dtype_promotion("strict"), jnp.sin, (X,)),
    "random numbers": (lambda: jax.default_prng_impl("rbg"), lambda x: x + jax.random.normal(jax.random.key(0), (4,)),
                       (X,)),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_jax_are_part_of_the_key(name: str) -> None:
    setting, function, args = SETTINGS[name]
    without = key(lambda *x: function(*x), *args)
    with setting():
        assert key(lambda *x: function(*x), *args) != without
    assert key(lambda *x: function(*x), *args) == without


def test_static_arguments_and_names() -> None:
    def power(x: Any, n: int) -> Any:
        return x**n

    keys = {key(power, X, n, static_argnums=1) for n in (2, 3, 4)}
    assert len(keys) == 3

    def other(x: Any, n: int) -> Any:
        return x**n

    assert key(other, X, 2, static_argnums=1) not in keys  # the program is called by the function's name


def test_donation_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path))
    keys = []
    load = program_cache.load_lowered
    monkeypatch.setattr(program_cache, "load_lowered", lambda key: keys.append(key) or load(key))
    for donate in (None, (0,), (1,)):
        result = astra.jit(lambda x, y: x + y, donate_argnums=donate)(jnp.asarray(X), jnp.asarray(X) * 2)
        np.testing.assert_allclose(result, 3 * X, rtol=1e-6)
    assert len(set(keys)) == 3


def _user_primitive() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    primitive = jax.extend.core.Primitive("sin")  # the name of one of JAX's
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, mlir.lower_fun(lambda x: x + 41, multiple_results=False))
    return lambda x: primitive.bind(x), (X,)


def _primitive_of_the_cpu() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Lowered by a rule for JAX's CPU backend alone, which serves Astra as well."""
    primitive = jax.extend.core.Primitive("negative")
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, mlir.lower_fun(lambda x: x + 42, multiple_results=False), platform="cpu")
    return lambda x: primitive.bind(x), (X,)


def _custom_vmap() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    function = jax.custom_batching.custom_vmap(lambda x: x + 1)
    function.def_vmap(lambda size, batched, x: (x + 1, batched[0]))
    return astra.vmap(function), (X,)


class _Opaque:
    pass


REFUSED: dict[str, Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    "pure_callback": lambda: (lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((4,), np.float32), x), (X,)),
    "debug.print": lambda: (lambda x: jax.debug.print("{}", x) or x, (X,)),
    "a primitive of the user's": _user_primitive,
    "a primitive of the user's for the CPU": _primitive_of_the_cpu,
    "a batching rule that is used": _custom_vmap,
    "a derivative rule that is used": lambda: (astra.grad(lambda x: jnp.sum(with_rule(x))), (X,)),
    "a backward rule that is used": lambda: (astra.grad(lambda x: jnp.sum(with_backward(x))), (X,)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_value_has_no_key(name: str) -> None:
    import jax.extend  # noqa: F401

    function, args = REFUSED[name]()
    token = capture.capturing.set(True)
    try:
        with pytest.raises(jaxpr_key.Refused):
            key(function, *args)
    finally:
        capture.capturing.reset(token)


def test_parts_without_value_are_refused() -> None:
    for value in (_Opaque(), lambda: None, _Opaque, np.ma.masked_array(X), partial(print), np.array([_Opaque()])):
        with pytest.raises(jaxpr_key.Refused):
            jaxpr_key._Encoder().value(value)


def test_values_are_told_apart() -> None:
    def text(value: Any) -> str:
        encoder = jaxpr_key._Encoder()
        encoder.value(value)
        return "".join(encoder.parts)

    values = [
        1, 1.0, True, "1", b"1", (1,), ((1,),), (), None, -0.0, 0.0, 1j, np.float32(1), np.float64(1), np.int64(1),
        np.ones(1), np.ones((1, 1)), X, X + 1, ("ab", "c"), ("a", "bc"), (1, 23), (12, 3), {"a": 1}, {"a": 2},
        frozenset({1}), np.dtype(np.float32), np.dtype(">f4"), jnp.dtype(jnp.bfloat16), jnp.dtype(jnp.float8_e4m3fn),
        jnp.float32, jnp.sin, jax.random.key(0), jax.random.key(1), lax.Precision.HIGH, lax.Precision.HIGHEST,
    ]  # fmt: skip
    texts = [text(value) for value in values]
    assert len(set(texts)) == len(values)
    assert text(frozenset("abc")) == text(frozenset("cba"))


def test_rules_that_run_leave_no_trace_in_the_key() -> None:
    assert key(with_rule, X) == key(with_rule, X)
    assert key(with_backward, X) == key(with_backward, X)


SCRIPT = """
import sys
import numpy as np, jax, jax.numpy as jnp, astra_mlir as astra
def no_lowering(*_, **__):
    raise AssertionError("lowered")
if sys.argv[1] == "second":
    jax.stages.Traced.lower = no_lowering
w = np.linspace(0, 1, 200 * 300, dtype=np.float32).reshape(200, 300)
v = jnp.asarray(w) * 2
def function(x, key):
    noise = jax.random.normal(key, (4,)) + jax.nn.gelu(x)
    u, s, _ = jnp.linalg.svd(jnp.outer(x, x) + jnp.eye(4))
    return noise, s, (v @ w.T).sum() + w[0, 1], jax.nn.relu(x - 0.5), jnp.take(x, jnp.array([1, 3]))
x = jnp.linspace(0.1, 0.9, 4)
ours = astra.jit(function)(x, jax.random.key(3))
for a, b in zip(ours, jax.jit(function)(x, jax.random.key(3))) if sys.argv[1] == "first" else ():
    np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
print([np.asarray(y).tobytes().hex() for y in ours])
loaded = sorted(m for m in sys.modules if m.startswith(("torch_mlir", "astra_mlir.passes", "llvmlite.binding")))
assert not loaded or sys.argv[1] == "first", loaded
"""


def test_a_second_process_lowers_nothing_and_loads_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path))
    outputs = []
    for which in ("first", "second"):
        command = [sys.executable, "-c", SCRIPT, which]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]


@pytest.fixture
def lowerings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    monkeypatch.setenv("ASTRA_CACHE_DIR", str(tmp_path))
    done: list[str] = []
    serialize = capture._serialize
    monkeypatch.setattr(capture, "_serialize", lambda module: done.append("") or serialize(module))
    return done


def test_large_arrays_are_those_of_this_process(lowerings: list[str]) -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal((150, 150), np.float32) for _ in range(2))
    x = np.eye(150, dtype=np.float32)
    for a, b in ((first, second), (second, first), (first, second), (first, first)):
        result = astra.jit(lambda x, a=a, b=b: x @ a - 2 * b)(x)
        np.testing.assert_allclose(result, a - 2 * b, rtol=1e-5, atol=1e-5)
    assert len(lowerings) == 3


def test_an_array_changed_later_is_not_seen(lowerings: list[str]) -> None:
    for _ in range(2):
        w = np.full((200, 200), 2, np.float32)
        w[0, 0] = 3
        f = astra.jit(lambda x, w=w: x * w)
        x = np.ones((200, 200), np.float32)
        f(x)
        w[:] = 5
        np.testing.assert_array_equal(f(x)[0, :2], [3, 2])
    assert len(lowerings) == 1


def test_no_cache_no_key(monkeypatch: pytest.MonkeyPatch, lowerings: list[str]) -> None:
    monkeypatch.setenv("ASTRA_CACHE", "0")
    monkeypatch.setattr(jaxpr_key, "jaxpr_key", None)
    for _ in range(2):
        astra.jit(lambda x: x + 1)(X)
    assert len(lowerings) == 2


def test_an_entry_is_the_program_that_lowering_gives(lowerings: list[str]) -> None:
    """What was found can still be looked at, and compiled for another target."""
    first, second = (astra.jit(lambda x: jnp.tanh(x) @ SQUARE).compile(X) for _ in range(2))
    assert len(lowerings) == 1
    assert first.ir("astra") == second.ir("astra")
    assert compile_program(second.executable.program, target="x86-64-v2") is not None


def test_garbage_of_before_waits_until_a_function_is_traced() -> None:
    """The collector leaves what was there alone while a function is traced, and takes it up again afterwards."""
    counts = []
    astra.jit(lambda x: counts.append(gc.get_freeze_count()) or x + 1)(X)
    assert counts[0] > 1000
    assert gc.get_freeze_count() == 0
    with pytest.raises(ZeroDivisionError):
        astra.jit(lambda x: x + 1 // 0)(X)
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        astra.jit(lambda x: x + 2)(X)
        assert gc.get_freeze_count() > frozen // 2  # what a program froze stays so
    finally:
        gc.unfreeze()
