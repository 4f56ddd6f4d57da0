"""Astra's verifiers accept and refuse what those of StableHLO accept and refuse.

Random operations, most of them slightly wrong, are written in both dialects.  StableHLO's verifiers, which nobody here
wrote, are the oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import verification_errors

_CONTEXT = make_context()
_CONTEXT.attach_diagnostic_handler(lambda diagnostic: True)

Draw = Callable[[st.SearchStrategy[Any]], Any]


def _tensor(shape: list[int], element: str = "f32") -> str:
    return f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"


def _array(values: list[int]) -> str:
    return f"array<i64{':' if values else ''} {', '.join(map(str, values))}>"


def _list(values: list[int]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _program(name: str, operands: list[str], attributes: str, result: str, regions: str = "") -> str:
    arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(operands))
    names = ", ".join(f"%{i}" for i in range(len(operands)))
    types = ", ".join(operands)
    op = f'"{name}"({names}) {f"({regions})" if regions else ""} {{{attributes}}} : ({types}) -> {result}'
    return f"func.func @f({arguments}) {{\n%r = {op}\nreturn\n}}"


def _accepted(text: str) -> bool:
    with _CONTEXT:
        try:
            return not verification_errors(ir.Module.parse(text))
        except ir.MLIRError:
            return False


# --- random operations -------------------------------------------------------------------------------------------

_SIZE = st.integers(0, 4)
_SHAPE = st.lists(_SIZE, max_size=3)
_ELEMENT = st.sampled_from(("f32", "f32", "f32", "f16", "i32", "i1"))


def _perturbed(draw: Draw, values: list[int], low: int = -1, high: int = 4) -> list[int]:
    """The values, now and then with one changed, dropped or added."""
    values = list(values)
    change = draw(st.sampled_from(("none", "none", "none", "change", "drop", "add")))
    if change == "add":
        values.insert(draw(st.integers(0, len(values))), draw(st.integers(low, high)))
    elif change != "none" and values:
        at = draw(st.integers(0, len(values) - 1))
        if change == "drop":
            del values[at]
        else:
            values[at] = draw(st.integers(low, high))
    return values


def _shape_near(draw: Draw, shape: list[int]) -> list[int]:
    return _perturbed(draw, [max(size, 0) for size in shape], 0)


def _element_near(draw: Draw, element: str) -> str:
    return draw(st.sampled_from((*[element] * 6, "f32", "i32")))


Case = tuple[str, str]  # the program in StableHLO and in Astra


def _case(stablehlo: str, astra: str, operands: list[str], attributes: list[tuple[str, str, str]], result: str) -> Case:
    """A program in both; attributes are (StableHLO's name, Astra's name, text)."""
    return (
        _program(f"stablehlo.{stablehlo}", operands, ", ".join(f"{a} = {v}" for a, _, v in attributes), result),
        _program(f"astra.{astra}", operands, ", ".join(f"{b} = {v}" for _, b, v in attributes), result),
    )


def _transpose(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    order = draw(st.permutations(range(len(shape))))
    result = _tensor(_shape_near(draw, [shape[d] for d in order]), _element_near(draw, "f32"))
    return _case(
        "transpose", "transpose", [_tensor(shape)],
        [("permutation", "permutation", _array(_perturbed(draw, list(order))))], result,
    )  # fmt: skip


def _broadcast(draw: Draw) -> Case:
    result = draw(_SHAPE)
    dimensions = draw(st.lists(st.sampled_from(range(len(result))), unique=True)) if result else []
    shape = [draw(st.sampled_from((result[d], 1))) for d in dimensions]
    text = _array(_perturbed(draw, dimensions))
    return _case(
        "broadcast_in_dim", "broadcast", [_tensor(_shape_near(draw, shape))],
        [("broadcast_dimensions", "dimensions", text)], _tensor(result, _element_near(draw, "f32")),
    )  # fmt: skip


def _reshape(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    result = [*draw(st.permutations(shape)), *draw(st.lists(st.just(1), max_size=1))]
    return _case("reshape", "reshape", [_tensor(shape)], [], _tensor(_shape_near(draw, result)))


def _slice(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    starts = [draw(st.integers(0, size)) for size in shape]
    limits = [draw(st.integers(start, size)) for start, size in zip(starts, shape, strict=True)]
    strides = [draw(st.integers(1, 3)) for _ in shape]
    result = [len(range(*bounds)) for bounds in zip(starts, limits, strides, strict=True)]
    rows = {"start_indices": starts, "limit_indices": limits, "strides": strides}
    attributes = [(name, name, _array(_perturbed(draw, values, -1, 5))) for name, values in rows.items()]
    return _case("slice", "slice", [_tensor(shape)], attributes, _tensor(_shape_near(draw, result)))


def _pad(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    low, high = ([draw(st.integers(-2, 2)) for _ in shape] for _ in range(2))
    interior = [draw(st.integers(0, 2)) for _ in shape]
    rows = zip(shape, low, high, interior, strict=True)
    result = [size + a + b + max(size - 1, 0) * gap for size, a, b, gap in rows]
    attributes = [
        ("edge_padding_low", "low", _array(_perturbed(draw, low))),
        ("edge_padding_high", "high", _array(_perturbed(draw, high))),
        ("interior_padding", "interior", _array(_perturbed(draw, interior))),
    ]
    value = _tensor(draw(st.sampled_from(([], [], [], [1]))), _element_near(draw, "f32"))
    return _case("pad", "pad", [_tensor(shape), value], attributes, _tensor(_shape_near(draw, result)))


def _concatenate(draw: Draw) -> Case:
    shape = draw(st.lists(_SIZE, min_size=1, max_size=3))
    dimension = draw(st.integers(0, len(shape) - 1))
    shapes = [[*shape[:dimension], draw(_SIZE), *shape[dimension + 1 :]] for _ in range(draw(st.integers(1, 3)))]
    total = sum(s[dimension] for s in shapes)
    result = _shape_near(draw, [*shape[:dimension], total, *shape[dimension + 1 :]])
    operands = [_tensor(_shape_near(draw, s), _element_near(draw, "f32")) for s in shapes]
    text = f"{draw(st.sampled_from((dimension, dimension, dimension, -1, 3)))} : i64"
    return _case("concatenate", "concatenate", operands, [("dimension", "dimension", text)], _tensor(result))


def _reverse(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    dimensions = draw(st.lists(st.sampled_from(range(len(shape))), unique=True)) if shape else []
    attributes = [("dimensions", "dimensions", _array(_perturbed(draw, dimensions)))]
    return _case("reverse", "reverse", [_tensor(shape)], attributes, _tensor(_shape_near(draw, shape)))


def _iota(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    text = f"{draw(st.integers(-1, 3))} : i64"
    return _case("iota", "iota", [], [("iota_dimension", "dimension", text)], _tensor(shape, draw(_ELEMENT)))


def _dynamic_slice(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    sizes = [draw(st.integers(0, size)) for size in shape]
    starts = [_tensor([], draw(st.sampled_from(("i32",) * 6 + ("i64",)))) for _ in _perturbed(draw, shape)]
    attributes = [("slice_sizes", "slice_sizes", _array(_perturbed(draw, sizes, -1, 5)))]
    result = _tensor(_shape_near(draw, sizes))
    return _case("dynamic_slice", "dynamic_slice", [_tensor(shape), *starts], attributes, result)


def _dynamic_update_slice(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    update = _tensor(_shape_near(draw, [draw(st.integers(0, size)) for size in shape]), _element_near(draw, "f32"))
    starts = ["tensor<i32>"] * len(_perturbed(draw, shape))
    result = _tensor(_shape_near(draw, shape))
    return _case("dynamic_update_slice", "dynamic_update_slice", [_tensor(shape), update, *starts], [], result)


def _dot_general(draw: Draw) -> Case:
    batch, contracting, left, right = (draw(st.lists(_SIZE, max_size=2)) for _ in range(4))
    lhs, rhs = [*batch, *left, *contracting], [*contracting, *batch, *right]
    b, c = len(batch), len(contracting)
    dimensions = {
        "lhs_batching_dimensions": list(range(b)),
        "rhs_batching_dimensions": list(range(c, c + b)),
        "lhs_contracting_dimensions": list(range(b + len(left), b + len(left) + c)),
        "rhs_contracting_dimensions": list(range(c)),
    }
    dimensions = {name: _perturbed(draw, values) for name, values in dimensions.items()}
    operands = [_tensor(_shape_near(draw, lhs)), _tensor(_shape_near(draw, rhs), _element_near(draw, "f32"))]
    result = _tensor(_shape_near(draw, [*batch, *left, *right]))
    numbers = ", ".join(f"{name} = {_list(values)}" for name, values in dimensions.items())
    attributes = ", ".join(f"{name} = {_array(values)}" for name, values in dimensions.items())
    return (
        _program("stablehlo.dot_general", operands, f"dot_dimension_numbers = #stablehlo.dot<{numbers}>", result),
        _program("astra.dot_general", operands, attributes, result),
    )


def _gather(draw: Draw) -> Case:
    operand = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rank = len(operand)
    order = draw(st.permutations(range(rank)))
    batching = sorted(order[: draw(st.integers(0, 1))])
    rest = [d for d in range(rank) if d not in batching]
    collapsed = sorted(draw(st.lists(st.sampled_from(rest), unique=True)) if rest else [])
    index_map = draw(st.lists(st.sampled_from(rest), unique=True)) if rest else []
    batch = [operand[d] for d in batching] + draw(st.lists(st.integers(1, 3), max_size=1))
    indices = [*batch, len(index_map)]
    sizes = [1 if d in collapsed or d in batching else draw(st.integers(0, operand[d])) for d in range(rank)]
    windows = [size for d, size in enumerate(sizes) if d not in collapsed and d not in batching]
    numbers = {
        "offset_dims": list(range(len(batch), len(batch) + len(windows))),
        "collapsed_slice_dims": collapsed,
        "operand_batching_dims": batching,
        "start_indices_batching_dims": list(range(len(batching))),
        "start_index_map": index_map,
    }
    wrong = draw(st.sampled_from((*numbers, "none", "none")))
    numbers = {name: _perturbed(draw, v) if name == wrong else v for name, v in numbers.items()}
    vector_dimension = draw(st.sampled_from((*[len(batch)] * 6, 0, -1, len(batch) + 1)))
    sizes = _perturbed(draw, sizes)
    operands = [_tensor(operand), _tensor(_shape_near(draw, indices), "i32")]
    result = _tensor(_shape_near(draw, [*batch, *windows]), _element_near(draw, "f32"))
    text = ", ".join(f"{name} = {_list(values)}" for name, values in numbers.items() if values)
    text += f"{', ' if text else ''}index_vector_dim = {vector_dimension}"
    attributes = ", ".join(f"{name} = {_array(values)}" for name, values in numbers.items())
    attributes += f", index_vector_dim = {vector_dimension} : i64, slice_sizes = {_array(sizes)}"
    return (
        _program(
            "stablehlo.gather", operands,
            f"dimension_numbers = #stablehlo.gather<{text}>, slice_sizes = {_array(sizes)}, indices_are_sorted = false",
            result,
        ),
        _program("astra.gather", operands, attributes, result),
    )  # fmt: skip


_ADD = """{
^bb0(%a: tensor<f32>, %b: tensor<f32>):
%s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
"stablehlo.return"(%s) : (tensor<f32>) -> ()
}"""


def _reduce(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    dimensions = sorted(draw(st.lists(st.sampled_from(range(len(shape))), unique=True))) if shape else []
    result = _tensor(_shape_near(draw, [size for d, size in enumerate(shape) if d not in dimensions]))
    operands = [_tensor(shape), _tensor([], _element_near(draw, "f32"))]
    attribute = f"dimensions = {_array(_perturbed(draw, dimensions))}"
    return (
        _program("stablehlo.reduce", operands, attribute, result, _ADD),
        _program("astra.reduce", operands, f'{attribute}, kind = "add"', result, "{}"),
    )


def _reduce_window(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    rank = len(shape)
    window, strides, base, dilations = ([draw(st.integers(1, 3)) for _ in shape] for _ in range(4))
    padding = [draw(st.integers(-1, 2)) for _ in range(2 * rank)]
    result = []
    for d, size in enumerate(shape):
        length = padding[2 * d] + padding[2 * d + 1] + ((size - 1) * base[d] + 1 if size else 0)
        result.append(len(range((window[d] - 1) * dilations[d], length, strides[d])))
    rows = {
        "window_dimensions": window,
        "window_strides": strides,
        "base_dilations": base,
        "window_dilations": dilations,
    }
    wrong = draw(st.sampled_from((*rows, "none", "none", "none")))
    # StableHLO takes an empty array for an absent one.
    rows = {name: (_perturbed(draw, v) or v) if name == wrong else v for name, v in rows.items()}
    attributes = ", ".join(f"{name} = {_array(v)}" for name, v in rows.items())
    pairs = ", ".join(_list(padding[2 * d : 2 * d + 2]) for d in range(rank))
    dense = f"dense<[{pairs}]> : tensor<{rank}x2xi64>" if rank else "dense<> : tensor<0x2xi64>"
    operands = [_tensor(shape), _tensor([], _element_near(draw, "f32"))]
    text = _tensor(_shape_near(draw, result))
    return (
        _program("stablehlo.reduce_window", operands, f"{attributes}, padding = {dense}", text, _ADD),
        _program(
            "astra.reduce_window", operands, f'{attributes}, padding = {_array(padding)}, kind = "add"', text, "{}"
        ),
    )


def _elementwise(draw: Draw) -> Case:
    name = draw(st.sampled_from(("add", "and", "sine", "negate", "not", "popcnt", "power", "shift_left", "ceil")))
    arity = 2 if name in ("add", "and", "power", "shift_left") else 1
    shape, element = draw(_SHAPE), draw(_ELEMENT)
    operands = [_tensor(_shape_near(draw, shape), _element_near(draw, element)) for _ in range(arity)]
    return _case(name, name, operands, [], _tensor(_shape_near(draw, shape), _element_near(draw, element)))


def _select(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    predicate = _tensor(draw(st.sampled_from((shape, []))), draw(st.sampled_from(("i1", "i1", "i1", "i32"))))
    operands = [predicate, *(_tensor(_shape_near(draw, shape), _element_near(draw, "f32")) for _ in range(2))]
    return _case("select", "select", operands, [], _tensor(_shape_near(draw, shape)))


def _clamp(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    bounds = [_tensor(draw(st.sampled_from((shape, [], [2]))), _element_near(draw, "f32")) for _ in range(2)]
    operands = [bounds[0], _tensor(shape), bounds[1]]
    return _case("clamp", "clamp", operands, [], _tensor(_shape_near(draw, shape)))


def _bitcast_convert(draw: Draw) -> Case:
    shape = draw(_SHAPE)
    # Of one width: StableHLO does not look at the shapes, against its constraint (C1).
    wide, narrow = draw(st.sampled_from((("f32", "f16"), ("i64", "f32"), ("ui16", "i8"), ("f32", "i8"))))
    operands, result = [_tensor(shape, wide)], _tensor(_shape_near(draw, [*shape, 2]), narrow)
    if draw(st.booleans()):
        operands, result = [result], operands[0]
    return _case("bitcast_convert", "bitcast_convert", operands, [], result)


def _triangular_solve(draw: Draw) -> Case:
    batch, n, m = draw(st.lists(_SIZE, max_size=1)), draw(_SIZE), draw(_SIZE)
    left = draw(st.booleans())
    b = [*batch, n, m] if left else [*batch, m, n]
    operands = [_tensor(_shape_near(draw, [*batch, n, n])), _tensor(_shape_near(draw, b), _element_near(draw, "f32"))]
    flags = f"left_side = {str(left).lower()}, lower = true, unit_diagonal = false"
    result = _tensor(_shape_near(draw, b))
    return (
        _program(
            "stablehlo.triangular_solve", operands, f"{flags}, transpose_a = #stablehlo<transpose TRANSPOSE>", result
        ),
        _program("astra.triangular_solve", operands, f'{flags}, transpose_a = "TRANSPOSE"', result),
    )


def _fft(draw: Draw) -> Case:
    kind = draw(st.sampled_from(("FFT", "IFFT", "RFFT", "IRFFT")))
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    length = shape[-draw(st.integers(1, len(shape))) :]
    half = [*shape[:-1], shape[-1] // 2 + 1]
    shapes = {"RFFT": (shape, half), "IRFFT": (half, shape)}.get(kind, (shape, shape))
    elements = {"RFFT": ("f32", "complex<f32>"), "IRFFT": ("complex<f32>", "f32")}.get(kind, ("complex<f32>",) * 2)
    operand, result = (
        _tensor(_shape_near(draw, s), draw(st.sampled_from((e, e, e, e, "complex<f64>"))))
        for s, e in zip(shapes, elements, strict=True)
    )
    text = _array(_perturbed(draw, length, 0, 5))
    return (
        _program("stablehlo.fft", [operand], f"fft_type = #stablehlo<fft_type {kind}>, fft_length = {text}", result),
        _program("astra.fft", [operand], f'fft_type = "{kind}", fft_length = {text}', result),
    )


_GENERATORS = (
    _transpose, _broadcast, _reshape, _slice, _pad, _concatenate, _reverse, _iota, _dynamic_slice,
    _dynamic_update_slice, _dot_general, _gather, _reduce, _reduce_window, _elementwise, _select, _clamp,
    _bitcast_convert, _triangular_solve, _fft,
)  # fmt: skip


@pytest.mark.parametrize("generator", _GENERATORS, ids=lambda generator: generator.__name__[1:])
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_verifiers_agree(generator: Callable[[Draw], Case], data: st.DataObject) -> None:
    stablehlo, astra = generator(data.draw)
    assert _accepted(astra) == _accepted(stablehlo), f"StableHLO disagrees on\n{stablehlo}\n{astra}"


@pytest.fixture(autouse=True)
def _location() -> Iterator[None]:
    with _CONTEXT, ir.Location.unknown():
        yield
