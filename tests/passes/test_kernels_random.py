"""Random bits are XLA's, bit for bit; random numbers have the distributions that they should have."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .kernel_harness import run_operation, tensor_type

SHAPES = [(), (1,), (5,), (8,), (3, 4), (4, 3), (3, 5), (5, 3, 2), (2, 0, 3), (70001,), (3, 30001), (300, 301)]


TYPES = {"ui32": np.uint32, "ui8": np.uint8, "ui16": np.uint16, "ui64": np.uint64}
CASES = [("THREE_FRY", shape, "ui32") for shape in SHAPES] + [
    ("THREE_FRY", (5, 3), "ui64"), ("THREE_FRY", (300, 301), "ui64"), ("THREE_FRY", (3, 4), "ui8"),
    ("THREE_FRY", (3, 5), "ui16"), ("PHILOX", (), "ui32"), ("PHILOX", (3, 5), "ui32"), ("PHILOX", (70001,), "ui32"),
    ("PHILOX", (3, 5), "ui64"), ("PHILOX", (300, 301), "ui64"), ("PHILOX", (2, 0), "ui32"), ("PHILOX", (7,), "ui8"),
    ("DEFAULT", (4, 3), "ui16"), ("DEFAULT", (8,), "ui32"),
]  # fmt: skip


@pytest.mark.parametrize("algorithm,shape,mlir", CASES, ids=str)
def test_bits_are_those_of_xla(algorithm: str, shape: tuple[int, ...], mlir: str) -> None:
    # The first state makes the counter wrap around.
    for state in (np.array([0x123456789ABCDEF0, 0xFFFFFFFFFFFFFFFE], np.uint64), np.array([0, 7], np.uint64)):
        dtype = TYPES[mlir]
        result = f"tensor<{''.join(f'{size}x' for size in shape)}{mlir}>"
        got = run_operation("rng_bit_generator", [state], [tensor_type(state), result], f'algorithm = "{algorithm}"')
        with jax.enable_x64(True):
            expected = jax.jit(
                lambda key, dtype=dtype: jax.lax.rng_bit_generator(
                    key, shape, dtype, algorithm=getattr(jax.lax.RandomAlgorithm, f"RNG_{algorithm}")
                )
            )(jnp.asarray(state))
            for a, b in zip(got, expected, strict=True):
                np.testing.assert_array_equal(a, np.asarray(b))


def _numbers(distribution: str, low: float, high: float, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    a, b = np.full((), low, dtype), np.full((), high, dtype)
    sizes = np.array(shape, np.int64)
    like = np.empty(shape, dtype)
    return run_operation("rng", [a, b, sizes], [tensor_type(like)], f'distribution = "{distribution}"')[0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform(dtype: type) -> None:
    numbers = _numbers("UNIFORM", -2, 3, dtype, (200_001,)).astype(np.float64)
    assert numbers.min() >= -2 and numbers.max() <= 3
    counts = np.histogram(numbers, 50, (-2, 3))[0]
    assert abs(counts - 4000).max() < 6 * 4000**0.5
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.02


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal(dtype: type) -> None:
    numbers = (_numbers("NORMAL", 1, 2, dtype, (200_001,)).astype(np.float64) - 1) / 2
    moments = [np.mean(numbers**power) for power in range(1, 5)]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.05)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.02
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64])
def test_uniform_integers(dtype: type) -> None:
    low = -3 if np.dtype(dtype).kind == "i" else 3
    numbers = _numbers("UNIFORM", low, 7, dtype, (1000, 7))
    assert set(np.unique(numbers)) == set(range(low, 7))


def test_numbers_do_not_change() -> None:
    """No state, no clock: the same program gives the same numbers in every run."""
    np.testing.assert_array_equal(*(_numbers("UNIFORM", 0, 1, np.float32, (5,)) for _ in range(2)))


def test_philox_with_a_counter_of_two_words() -> None:
    """The same blocks as with a state of two words, whose upper counter is the key."""
    narrow, wide = np.array([77, 2**64 - 2], np.uint64), np.array([77, 2**64 - 2, 77], np.uint64)
    attributes = 'algorithm = "PHILOX"'
    expected = run_operation("rng_bit_generator", [narrow], [tensor_type(narrow), "tensor<15xui32>"], attributes)
    got = run_operation("rng_bit_generator", [wide], [tensor_type(wide), "tensor<15xui32>"], attributes)
    np.testing.assert_array_equal(got[1], expected[1])
    np.testing.assert_array_equal(got[0], np.array([77, 2, 78], np.uint64))
