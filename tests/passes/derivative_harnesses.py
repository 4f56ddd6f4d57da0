"""Derivatives of JAX's own test harnesses: taken in the IR by ``astra.jvp`` and ``astra.vjp``, against JAX's own.

Every harness that JAX can differentiate is a case, in the element type it has (``own``) and, where it is single
precision, in double (``double``), where rounding hides nothing.  Of each case there are four parts: forward and reverse
mode, and second derivatives in a random direction, ``forward2`` (forward over reverse) and ``reverse2`` (reverse over
reverse).  All of them, in pieces and with a summary::

    python -m tests.passes.derivative_harnesses --variant double --piece 0/4 --to a.jsonl
    python -m tests.passes.derivative_harnesses --summary a.jsonl b.jsonl

Results in single or half precision may also be as far from JAX's in double precision as JAX's own are, a few times
over.  Not compared are elements where JAX's result is not finite; decompositions are compared through what they
determine (see ``_determined``).
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax._src.internal_test_util import test_harnesses

import astra_mlir as astra
from astra_mlir.errors import UnsupportedError

PARTS = ("forward", "reverse", "forward2", "reverse2")
VARIANTS = ("double", "own")
_DOUBLE = {np.dtype(np.float32): np.float64, np.dtype(np.complex64): np.complex128}
_TOLERANCES = {  # by the precision of the real numbers: first and second derivatives
    np.dtype(np.float64): (1e-9, 1e-7),
    np.dtype(np.float32): (2e-4, 5e-3),
    np.dtype(np.float16): (2e-2, 1e-1),
    np.dtype(ml_dtypes.bfloat16): (6e-2, 3e-1),
}
GOOD = ("agrees", "not smooth", "known")
MAX_ELEMENTS = 1 << 16
SKIPPED = {"qr_multi_array_shape_.*_200_100_": "JAX's own waits for ever on a machine with two cores"}


# Where both results are what they should be, by the pattern of the harness's name.
KNOWN = {
    "gather_(batchdims|op)_": "reads outside although it promises not to, where JAX's transpose adds nothing",
    "scatter_(add|min|max|mul)_modes_out_of_bounds_.*PROMISE_IN_BOUNDS": "writes outside although it promises not to",
    "scatter_modes_out_of_bounds_.*PROMISE_IN_BOUNDS": "writes outside although it promises not to",
    "integer_pow_dtypes_shape_float16": "an intermediate overflows that JAX has not, or has in single precision",
    "(max|min)_inf_nan_complex": "JAX asks which operand equals the result: no NaN does",
}


def _inexact(x: Any) -> bool:
    return hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.inexact)


# --- cases -------------------------------------------------------------------------------------------------------


def _determined(group: str, outputs: list[Any]) -> list[Any]:
    """Outputs without the choices that an algorithm is free to make: signs and phases of eigen- and singular vectors.

    JAX's harnesses of eigh give eigenvectors first, those of eig eigenvalues, those of svd singular values.
    """
    if group not in ("eigh", "svd", "eig"):
        return outputs
    return [jnp.abs(x) ** 2 if x.ndim >= 2 and jnp.iscomplexobj(x) else (x * x if x.ndim >= 2 else x) for x in outputs]


@dataclass
class Case:
    """A harness as a function of its float and complex arguments ``xs``, with the others ``given``."""

    name: str
    group: str
    call: Callable[[Sequence[Any], Sequence[Any]], list[Any]]
    given: list[Any]
    xs: tuple[Any, ...]
    ts: tuple[Any, ...] = ()  # a direction of the arguments
    ws: tuple[Any, ...] = ()  # another
    cs: tuple[Any, ...] = ()  # cotangents of the results

    @property
    def precision(self) -> np.dtype[Any]:
        """The lowest of arguments and results: the real type whose rounding shows."""
        reals = [np.dtype(np.zeros(0, x.dtype).real.dtype) for x in (*self.xs, *self.cs)]
        return max(reals, key=lambda dtype: float(jnp.finfo(dtype).eps))

    def arguments(self) -> tuple[Any, ...]:
        """What the programs below take."""
        return self.given, self.xs, self.ts, self.ws, self.cs


def _random(rng: np.random.Generator, like: Any) -> np.ndarray:
    values = rng.standard_normal(like.shape)
    if jnp.issubdtype(like.dtype, jnp.complexfloating):
        values = values + 1j * rng.standard_normal(like.shape)
    return np.asarray(values).astype(like.dtype)


def make_case(harness: Any, variant: str) -> Case | None:
    """The case of a harness, or ``None``: no float arguments or results, or it has no such variant."""
    if any(re.match(pattern, harness.fullname) for pattern in SKIPPED):
        return None
    arguments = harness.dyn_args_maker(np.random.RandomState(0))
    leaves, tree = jax.tree.flatten(arguments)
    leaves = [x if hasattr(x, "dtype") else np.asarray(x) for x in leaves]
    positions = [i for i, x in enumerate(leaves) if _inexact(x)]
    if not positions or sum(np.size(x) for x in leaves) > MAX_ELEMENTS:
        return None
    if variant == "double":
        if not any(x.dtype in _DOUBLE for x in leaves):
            return None
        leaves = [x.astype(_DOUBLE[x.dtype]) if x.dtype in _DOUBLE else x for x in leaves]
    group = harness.group_name

    def call(given: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        others, inexact = iter(given), iter(xs)
        values = [next(inexact) if i in positions else next(others) for i in range(len(leaves))]
        outputs = jax.tree.leaves(harness.dyn_fun(*jax.tree.unflatten(tree, values)))
        return _determined(group, [x for x in outputs if _inexact(x)])

    given = [x for i, x in enumerate(leaves) if i not in positions]
    try:
        return _with_directions(harness.fullname, group, call, given, tuple(np.asarray(leaves[i]) for i in positions))
    except Exception:  # JAX cannot: its business
        return None


def _with_directions(name: str, group: str, call: Any, given: list[Any], xs: tuple[Any, ...]) -> Case | None:
    outputs = jax.eval_shape(call, given, xs)
    if not outputs:
        return None
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    ts, ws = (tuple(_random(rng, x) for x in xs) for _ in range(2))
    return Case(name, group, call, given, xs, ts, ws, tuple(_random(rng, x) for x in outputs))


def case_of(name: str, function: Callable[..., Any], arguments: Sequence[Any]) -> Case:
    """The case of any function of float and complex arguments."""

    def call(given: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        return [x for x in jax.tree.leaves(function(*xs)) if _inexact(x)]

    case = _with_directions(name, "function", call, [], tuple(np.asarray(x) for x in arguments))
    assert case is not None, "no float or complex results"
    return case


# --- programs, the same for JAX and for Astra --------------------------------------------------------------------


def program(api: Any, case: Case, parts: Sequence[str]) -> Callable[..., dict[str, Any]]:
    """A function that computes some parts with the transformations of ``api`` (``jax`` or ``astra``)."""

    def run(given: Any, xs: Any, ts: Any, ws: Any, cs: Any) -> dict[str, Any]:
        def f(*xs: Any) -> list[Any]:
            return case.call(given, xs)

        def gradient(*xs: Any) -> Any:
            return api.vjp(f, *xs)[1](list(cs))

        taken = {
            "forward": lambda: api.jvp(f, tuple(xs), tuple(ts))[1],
            "reverse": lambda: gradient(*xs),
            "forward2": lambda: api.jvp(gradient, tuple(xs), tuple(ts))[1],
            "reverse2": lambda: api.vjp(gradient, *xs)[1](tuple(ws)),
        }
        return {part: taken[part]() for part in parts}

    return run


def by_jax(case: Case, parts: Sequence[str]) -> dict[str, Any]:
    """The parts that JAX can do, by JAX."""
    try:
        return dict(jax.block_until_ready(jax.jit(program(jax, case, parts))(*case.arguments())))
    except Exception:
        found: dict[str, Any] = {}
        for part in parts if len(parts) > 1 else ():
            found |= by_jax(case, [part])
        return found


# --- comparison --------------------------------------------------------------------------------------------------


def compare(case: Case, part: str, expected: Sequence[Any], found: Sequence[Any]) -> str | None:
    """What differs (``None``: nothing), where what is expected is finite."""
    tolerance = _TOLERANCES[case.precision][part.endswith("2")]
    for i, (one, other) in enumerate(zip(expected, found, strict=True)):
        one, other = np.asarray(one), np.asarray(other)
        if one.dtype == jax.dtypes.float0:
            continue
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"{part}[{i}]: {other.dtype}{list(other.shape)} in place of {one.dtype}{list(one.shape)}"
        wide = np.complex128 if one.dtype.kind == "c" else np.float64
        one, other = one.astype(wide).ravel(), other.astype(wide).ravel()
        finite = np.isfinite(one)
        if not finite.any():
            continue
        one, other = one[finite], other[finite]
        scale = np.median(np.abs(one)) + 1e-2 * min(np.max(np.abs(one)), 1e12) + 1e-3
        error = np.abs(one - other) / (np.abs(one) + scale)
        wrong = ~(error <= tolerance)
        if wrong.any():
            worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
            return (
                f"{part}[{i}]: {int(wrong.sum())} of {one.size} differ, e.g. {other[worst]} in place of {one[worst]} "
                f"(error {error[worst]:.1e})"
            )
    return None


def _in_double(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(
        np.asarray(x).astype(np.complex128 if jnp.issubdtype(x.dtype, jnp.complexfloating) else np.float64)
        for x in values
    )


def is_rounding(case: Case, part: str, expected: Sequence[Any], found: Sequence[Any]) -> bool:
    """Whether what is found is about as near as JAX's result to JAX's in double precision."""
    wide = dataclasses.replace(case, **{name: _in_double(getattr(case, name)) for name in ("xs", "ts", "ws", "cs")})
    exact = by_jax(wide, [part]) if case.precision != np.float64 else {}
    if part not in exact:
        return False
    for true, one, other in zip(_in_double(exact[part]), _in_double(expected), _in_double(found), strict=True):
        finite = np.isfinite(one)
        errors = [np.max(np.abs(x[finite] - true[finite]), initial=0) for x in (one, other)]
        if not errors[1] <= 4 * errors[0]:
            return False
    return True


def central_differences(case: Case) -> list[np.ndarray]:
    """The derivative of the results in the direction ``ts``, of sixth order, in double precision."""
    f = jax.jit(case.call)
    total: list[Any] = []
    step = 1e-3
    for k, weight in ((1, 45.0), (2, -9.0), (3, 1.0)):
        for sign in (1, -1):
            moved = tuple(x + sign * k * step * t for x, t in zip(case.xs, case.ts, strict=True))
            terms = [sign * weight * np.asarray(y) / (60 * step) for y in f(case.given, moved)]
            total = terms if not total else [a + b for a, b in zip(total, terms, strict=True)]
    return total


# --- running -----------------------------------------------------------------------------------------------------


def _attempt(case: Case, part: str) -> tuple[Any, str | None]:
    try:
        return astra.jit(program(astra, case, [part]), output="numpy")(*case.arguments())[part], None
    except UnsupportedError as error:
        return None, f"{'refused' if _has_value(case) else 'no value'}: {error}"
    except Exception as error:
        return None, f"error: {type(error).__name__}: {error}"


def _has_value(case: Case) -> bool:
    """Whether Astra has the function itself."""
    try:
        astra.jit(case.call, output="numpy")(case.given, case.xs)
    except UnsupportedError:
        return False
    return True


def run_case(case: Case, parts: Sequence[str], differences: bool = False) -> dict[str, str]:
    """Of each part that JAX can do: ``agrees``, or what is wrong, and why.

    ``differs``; ``known`` (differs, for a reason in ``KNOWN``); ``refused`` (a derivative); ``no value`` (Astra refuses
    the function itself); or ``error``.
    """
    expected = by_jax(case, parts)
    if not expected:
        return {}
    parts = list(expected)
    outcome: dict[str, str] = {}
    try:  # all in one program, since compiling takes most of the time
        found = astra.jit(program(astra, case, parts), output="numpy")(*case.arguments())
    except Exception:
        found = {}
    for part in parts:
        result, wrong = (found[part], None) if part in found else _attempt(case, part)
        if wrong is None:
            difference = compare(case, part, expected[part], result)
            if difference is not None and is_rounding(case, part, expected[part], result):
                difference = None
            why = next((why for pattern, why in KNOWN.items() if re.match(pattern, case.name)), None)
            kind = "differs" if why is None else f"known: {why}"
            wrong = None if difference is None else f"{kind}: {difference}"
            if part == "forward" and differences and wrong is None:
                outcome["differences"] = _against_differences(case, expected[part], result)
        outcome[part] = "agrees" if wrong is None else wrong[:600]
    return outcome


def _against_differences(case: Case, expected: Any, found: Any) -> str:
    """Central differences say the same, unless they do not for JAX (a kink, or rounding in the function)."""
    numeric = [np.nan_to_num(n) for n in central_differences(case)]
    close = [
        np.allclose(np.nan_to_num(x), n, rtol=1e-4, atol=1e-6 * (1 + np.max(np.abs(n), initial=0)))
        for x, n in zip((*expected, *found), (*numeric, *numeric), strict=True)
    ]
    half = len(close) // 2
    return "not smooth" if not all(close[:half]) else ("agrees" if all(close[half:]) else "differs: from differences")


def cases(harnesses: Iterable[Any], variant: str) -> Iterator[Case]:
    """The cases of harnesses that have any."""
    for harness in harnesses:
        case = make_case(harness, variant)
        if case is not None:
            yield case


def select(pattern: str, dtypes: str, stride: int, offset: int = 0) -> list[Any]:
    """Every ``stride``-th harness whose name fits a pattern and whose element type is among ``dtypes`` (commas)."""
    wanted = set(dtypes.split(",")) if dtypes else None
    found = [
        h for h in test_harnesses.all_harnesses
        if re.search(pattern, h.fullname) and (wanted is None or np.dtype(h.dtype).name in wanted)
    ]  # fmt: skip
    return found[offset::stride]


# --- command line ------------------------------------------------------------------------------------------------


def summarize(paths: Sequence[str]) -> None:
    """Print how many parts agree, by part, and what does not."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    by_group: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    wrong: dict[str, list[str]] = collections.defaultdict(list)
    for path in paths:
        for line in Path(path).read_text().splitlines():
            entry = json.loads(line)
            for part, outcome in entry["outcome"].items():
                kind = outcome.split(":")[0]
                counts[f"{entry['variant']} {part}"][kind] += 1
                by_group[entry["group"]]["agrees" if kind in GOOD else "wrong"] += 1
                if kind not in GOOD:
                    wrong[f"{entry['group']} | {re.sub(r'[0-9.e+-]+', '#', outcome)[:110]}"].append(
                        f"{entry['name']}: {outcome[:300]}"
                    )
    for name, counter in sorted(counts.items()):
        total = sum(counter.values())
        good = sum(counter[kind] for kind in GOOD)
        print(f"{name:20} {good}/{total} ({100 * good / total:.2f}%)  {dict(counter)}")
    print("by group:", ", ".join(
        f"{g} {c['agrees']}/{sum(c.values())}" for g, c in sorted(by_group.items()) if c["wrong"]
    ))  # fmt: skip
    for key, names in sorted(wrong.items(), key=lambda item: -len(item[1])):
        print(f"{len(names):5} {key}\n        {names[0]}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--summary", nargs="+", default=[], help="files to summarize")
    parser.add_argument("--variant", choices=VARIANTS, default="double")
    parser.add_argument("--dtypes", default="", help="element types of the harnesses, e.g. float32,complex64")
    parser.add_argument("--pattern", default="", help="regular expression for names")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--piece", default="0/1", help="i/n: the i-th of n pieces")
    parser.add_argument("--to", default="", help="file to append outcomes to, as lines of JSON")
    parser.add_argument("--differences", action="store_true", help="compare with central differences too")
    options = parser.parse_args(argv)
    if options.summary:
        summarize(options.summary)
        return 0
    piece, pieces = map(int, options.piece.split("/"))
    harnesses = select(options.pattern, options.dtypes, options.stride)[piece::pieces]
    start, wrong, number = time.perf_counter(), 0, 0
    out = Path(options.to).open("a") if options.to else None  # noqa: SIM115
    with jax.enable_x64(True):
        for case in cases(harnesses, options.variant):
            begin = time.perf_counter()
            outcome = run_case(case, options.parts.split(","), options.differences)
            number += 1
            bad = {part: text for part, text in outcome.items() if text.split(":")[0] not in GOOD}
            wrong += bool(bad)
            if bad and not out:
                print(case.name, bad, flush=True)
            if out:
                entry = {
                    "name": case.name, "group": case.group, "variant": options.variant, "outcome": outcome,
                    "seconds": round(time.perf_counter() - begin, 2),
                }  # fmt: skip
                print(json.dumps(entry), file=out, flush=True)
    print(f"{number} cases of {len(harnesses)} harnesses, {wrong} wrong, {time.perf_counter() - start:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
