"""Random programs in the Astra dialect, drawn by Hypothesis, and the pieces that small programs are written with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import strategies as st

Value = tuple[str, tuple[int, ...], str]  # name, shape, element type

FLOATS = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-40], np.float32)
INTEGERS = np.array([0, 1, -1, 7, -8, 2**31 - 1, -(2**31), 3], np.int32)
PREDICATES = np.array([True, False, True, True, False, False, True, False])
INPUTS = {"f": FLOATS, "g": FLOATS[::-1].copy(), "i": INTEGERS, "j": np.roll(INTEGERS, 3), "p": PREDICATES}
TYPES = {"f": "tensor<8xf32>", "g": "tensor<8xf32>", "i": "tensor<8xi32>", "j": "tensor<8xi32>", "p": "tensor<8xi1>"}
F, N, P = "tensor<8xf32>", "tensor<8xi32>", "tensor<8xi1>"


def constant(name: str, value: str, type: str) -> str:
    return f'  %{name} = "astra.constant"() {{value = dense<{value}> : {type}}} : () -> {type}\n'


def op(result: str, name: str, operands: str, types: str, result_type: str, attributes: str = "") -> str:
    return f'  %{result} = "astra.{name}"({operands}) {{{attributes}}} : ({types}) -> {result_type}\n'


def program(body: str, results: dict[str, str]) -> str:
    arguments = ", ".join(f"%{name}: {type}" for name, type in TYPES.items())
    types = ", ".join(results.values())
    values = ", ".join(f"%{name}" for name in results)
    return f"func.func @main({arguments}) -> ({types}) {{\n{body}  return {values} : {types}\n}}"


class Generator:
    """Builds a random program, operation by operation, from choices that Hypothesis draws."""

    def __init__(self, draw: st.DrawFn, values: Sequence[Value], names: Iterator[int]) -> None:
        self.draw = draw
        self.body = ""
        self.values = list(values)
        self.names = names
        self.index: str | None = None  # the counter, in the body of a loop

    def name(self) -> str:
        return f"v{next(self.names)}"

    def type(self, shape: tuple[int, ...], element: str) -> str:
        return f"tensor<{''.join(f'{n}x' for n in shape)}{element}>"

    def emit(
        self, name: str, operands: list[Value], shape: tuple[int, ...], element: str,
        attributes: str = "",
    ) -> None:  # fmt: skip
        result = self.name()
        types = ", ".join(self.type(s, e) for _, s, e in operands)
        names = ", ".join(f"%{n}" for n, _, _ in operands)
        self.body += op(result, name, names, types, self.type(shape, element), attributes)
        self.values.append((result, shape, element))

    def pick(self, elements: str = "f32 i32 i1") -> Value:
        return self.draw(st.sampled_from([v for v in self.values if v[2] in elements.split()]))

    def partner(self, value: Value) -> Value:
        """A value of the same type: one that exists or a constant."""
        same = [v for v in self.values if v[1:] == value[1:]]
        if self.draw(st.booleans()):
            return self.draw(st.sampled_from(same))
        numbers = {"f32": ["0.0", "-0.0", "1.0", "-1.0", "2.0", "0.5", "3.0"], "i32": ["0", "1", "-1", "2", "5"]}
        text = self.draw(st.sampled_from(numbers.get(value[2], ["true", "false"])))
        name = self.name()
        self.body += constant(name, text, self.type(value[1], value[2]))
        self.values.append((name, value[1], value[2]))
        return self.values[-1]

    def step(self) -> None:
        getattr(self, self.draw(st.sampled_from(STEPS)))()

    def unary(self) -> None:
        value = self.pick("f32 i32")
        self.emit(self.draw(st.sampled_from(["negate", "abs", "sign"])), [value], *value[1:])

    def binary(self) -> None:
        value = self.pick("f32 i32")
        names = ["add", "subtract", "multiply", "maximum", "minimum"]
        names += ["and", "or", "xor"] if value[2] == "i32" else ["divide"]
        operands = [value, self.partner(value)]
        self.emit(self.draw(st.sampled_from(names)), operands[:: self.draw(st.sampled_from([1, -1]))], *value[1:])

    def compare(self) -> None:
        value = self.pick("f32 i32")
        direction = self.draw(st.sampled_from(["EQ", "NE", "LT", "LE", "GT", "GE"]))
        kind = "FLOAT" if value[2] == "f32" else "SIGNED"
        attributes = f'direction = "{direction}", compare_type = "{kind}"'
        self.emit("compare", [value, self.partner(value)], value[1], "i1", attributes)

    def select(self) -> None:
        value = self.pick("f32 i32")
        predicate = self.partner(("", value[1], "i1")) if any(v[1:] == (value[1], "i1") for v in self.values) else None
        if predicate is not None:
            self.emit("select", [predicate, value, self.partner(value)], *value[1:])

    def convert(self) -> None:
        value = self.pick("i32 i1")
        self.emit("convert", [value], value[1], self.draw(st.sampled_from(["f32", "i32", "i1"])))

    def reshape(self) -> None:
        value = self.pick()
        size = int(np.prod(value[1]))
        shapes = [(size,), (1, size), (size, 1), *((k, size // k) for k in (2, 4) if size % k == 0)]
        shapes += [(*value[1], 1), (1, *value[1]), tuple(n for n in value[1] if n != 1)]
        self.emit("reshape", [value], self.draw(st.sampled_from(shapes)), value[2])

    def transpose(self) -> None:
        value = self.pick()
        permutation = self.draw(st.permutations(range(len(value[1]))))
        shape = tuple(value[1][p] for p in permutation)
        self.emit("transpose", [value], shape, value[2], f"permutation = {array(permutation)}")

    def broadcast(self) -> None:
        value = self.pick()
        if np.prod(value[1]) > 64:
            return
        position = self.draw(st.integers(0, len(value[1])))
        shape = [*value[1][:position], self.draw(st.sampled_from([1, 2, 3])), *value[1][position:]]
        dimensions = [i for i in range(len(shape)) if i != position]
        for i, size in zip(dimensions, value[1], strict=True):
            shape[i] = 2 if size == 1 and self.draw(st.booleans()) else size
        self.emit("broadcast", [value], tuple(shape), value[2], f"dimensions = {array(dimensions)}")

    def slice(self) -> None:
        value = self.pick()
        starts = [self.draw(st.integers(0, n - 1)) for n in value[1]]
        limits = [self.draw(st.integers(a + 1, n)) for a, n in zip(starts, value[1], strict=True)]
        strides = [self.draw(st.sampled_from([1, 1, 2])) for _ in starts]
        shape = tuple(-(-(b - a) // s) for a, b, s in zip(starts, limits, strides, strict=True))
        attributes = f"start_indices = {array(starts)}, limit_indices = {array(limits)}, strides = {array(strides)}"
        self.emit("slice", [value], shape, value[2], attributes)

    def pad(self) -> None:
        value = self.pick("f32 i32")
        rank = len(value[1])
        low, high = ([self.draw(st.integers(0, 2)) for _ in range(rank)] for _ in range(2))
        padding = self.partner(("", (), value[2])) if any(v[1:] == ((), value[2]) for v in self.values) else None
        if padding is not None:
            shape = tuple(a + n + b for a, n, b in zip(low, value[1], high, strict=True))
            attributes = f"low = {array(low)}, high = {array(high)}, interior = {array([0] * rank)}"
            self.emit("pad", [value, padding], shape, value[2], attributes)

    def concatenate(self) -> None:
        value = self.pick()
        if value[1]:
            other, dimension = self.partner(value), self.draw(st.integers(0, len(value[1]) - 1))
            shape = tuple(n * (1 + (i == dimension)) for i, n in enumerate(value[1]))
            self.emit("concatenate", [value, other], shape, value[2], f"dimension = {dimension} : i64")

    def reverse(self) -> None:
        value = self.pick()
        dimensions = sorted(self.draw(st.sets(st.integers(0, len(value[1]) - 1)))) if value[1] else []
        self.emit("reverse", [value], *value[1:], f"dimensions = {array(dimensions)}")

    def reduce(self) -> None:
        value = self.pick("f32 i32")
        if not value[1]:
            return
        dimensions = sorted(self.draw(st.sets(st.integers(0, len(value[1]) - 1), min_size=1)))
        shape = tuple(n for i, n in enumerate(value[1]) if i not in dimensions)
        kind = self.draw(st.sampled_from(["maximum", "minimum", *(["add"] if value[2] == "i32" else [])]))
        init = self.name()
        self.body += constant(init, "0.0" if value[2] == "f32" else "0", f"tensor<{value[2]}>")
        self.values.append((init, (), value[2]))
        name = self.name()
        types = f"{self.type(*value[1:])}, tensor<{value[2]}>"
        self.body += f'  %{name} = "astra.reduce"(%{value[0]}, %{init}) ({{}}) {{dimensions = {array(dimensions)}, '
        self.body += f'kind = "{kind}"}} : ({types}) -> {self.type(shape, value[2])}\n'
        self.values.append((name, shape, value[2]))

    def position(self, size: int) -> str:
        """The counter, or its distance from the end."""
        if self.draw(st.booleans()):
            return str(self.index)
        last, name = self.name(), self.name()
        self.body += constant(last, str(size - 1), "tensor<i32>")
        self.body += op(name, "subtract", f"%{last}, %{self.index}", "tensor<i32>, tensor<i32>", "tensor<i32>")
        return name

    def row(self) -> None:
        """Reads a row at the counter, in the body of a loop."""
        value = self.pick()
        if self.index is None or not value[1]:
            return
        position, zero, result = self.position(value[1][0]), self.name(), self.name()
        shape = (1, *value[1][1:])
        self.body += constant(zero, "0", "tensor<i32>")
        starts = ", ".join([f"%{position}", *[f"%{zero}"] * (len(shape) - 1)])
        types = ", ".join([self.type(*value[1:]), *["tensor<i32>"] * len(shape)])
        attributes = f"slice_sizes = {array(shape)}"
        self.body += op(
            result, "dynamic_slice", f"%{value[0]}, {starts}", types, self.type(shape, value[2]), attributes
        )
        self.values.append((result, shape, value[2]))

    def write(self) -> None:
        """Writes a row at the counter, in the body of a loop."""
        value = self.pick()
        if self.index is None or not value[1]:
            return
        shape = (1, *value[1][1:])
        rows = [v for v in self.values if v[1:] == (shape, value[2])]
        if not rows:
            return
        row, position, zero, result = (
            self.draw(st.sampled_from(rows)),
            self.position(value[1][0]),
            self.name(),
            self.name(),
        )
        self.body += constant(zero, "0", "tensor<i32>")
        starts = ", ".join([f"%{position}", *[f"%{zero}"] * (len(shape) - 1)])
        type = self.type(*value[1:])
        types = ", ".join([type, self.type(shape, value[2]), *["tensor<i32>"] * len(shape)])
        self.body += op(result, "dynamic_update_slice", f"%{value[0]}, %{row[0]}, {starts}", types, type)
        self.values.append((result, *value[1:]))

    def loop(self) -> None:
        """A while over a counter whose body is a random program on the carries and all that is visible."""
        if self.index is not None:
            return
        carried = [self.pick() for _ in range(self.draw(st.integers(1, 3)))]
        trips = self.draw(st.sampled_from([0, 1, 2, 4, 8]))
        names = [self.name() for _ in range(6)]
        start, bound, more, step, after, result = names
        arguments = [(self.name(), *value[1:]) for value in carried]
        index = self.name()
        types = ["tensor<i32>", *(self.type(*value[1:]) for value in carried)]
        inside = Generator(self.draw, [*self.values, *arguments, *arguments], self.names)
        inside.index = index
        for _ in range(self.draw(st.integers(1, 8))):
            inside.step()
        yields = [self.draw(st.sampled_from([v for v in inside.values if v[1:] == a[1:]][-4:])) for a in arguments]
        header = ", ".join(f"%{n}: {t}" for n, t in zip([index, *(a[0] for a in arguments)], types, strict=True))
        signature = f"({', '.join(types)})"
        self.body += constant(start, "0", "tensor<i32>")
        inits = ", ".join(f"%{n}" for n in [start, *(value[0] for value in carried)])
        nexts = ", ".join(f"%{n}" for n in [after, *(value[0] for value in yields)])
        self.body += f'  %{result}:{len(types)} = "astra.while"({inits}) ({{\n  ^bb0({header}):\n'
        self.body += constant(bound, str(trips), "tensor<i32>")
        comparison = 'direction = "LT", compare_type = "SIGNED"'
        self.body += op(more, "compare", f"%{index}, %{bound}", "tensor<i32>, tensor<i32>", "tensor<i1>", comparison)
        self.body += f'  "astra.yield"(%{more}) : (tensor<i1>) -> ()\n  }}, {{\n  ^bb0({header}):\n{inside.body}'
        self.body += constant(step, "1", "tensor<i32>")
        self.body += op(after, "add", f"%{index}, %{step}", "tensor<i32>, tensor<i32>", "tensor<i32>")
        self.body += f'  "astra.yield"({nexts}) : {signature} -> ()\n  }}) : {signature} -> {signature}\n'
        for k, value in enumerate(carried):
            self.values.append((f"{result}#{k + 1}", *value[1:]))

    def iota(self) -> None:
        value = self.pick("f32 i32")
        if value[1]:
            dimension = self.draw(st.integers(0, len(value[1]) - 1))
            self.emit("iota", [], *value[1:], f"dimension = {dimension} : i64")


def array(numbers: Sequence[int]) -> str:
    return f"array<i64: {', '.join(map(str, numbers))}>" if len(numbers) else "array<i64>"


STEPS = [
    "unary", "binary", "binary", "binary", "compare", "select", "convert", "reshape", "reshape", "transpose",
    "broadcast", "broadcast", "slice", "slice", "pad", "concatenate", "reverse", "reduce", "iota", "row", "row",
    "write", "write",
]  # fmt: skip


ARGUMENTS: tuple[Value, ...] = (("f", (8,), "f32"), ("g", (8,), "f32"), ("i", (8,), "i32"))


@st.composite
def programs(draw: st.DrawFn, *, loops: bool = False) -> str:
    """The text of a module with a function of the arguments above; with ``loops``, it has at least one loop."""
    generator = Generator(draw, ARGUMENTS, itertools.count())
    for _ in range(draw(st.integers(1, 14))):
        generator.step()
    if loops:
        generator.loop()
        for _ in range(draw(st.integers(0, 5))):
            generator.step()
    results = generator.values[-4:]
    return program(generator.body, {name: generator.type(shape, element) for name, shape, element in results})
