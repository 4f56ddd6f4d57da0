"""astra-vectorize on random programs with control flow: branches on data, loops that end at different times."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .random_programs import ARGUMENTS, INPUTS, Generator, array, constant, op, program
from .vectorization import check


class _Control(Generator):
    """Random programs with branches on data and loops whose number of iterations is data, in each other."""

    depth = 0

    def scalar(self, element: str) -> str:
        """The first element of some value."""
        name, shape, _ = self.pick(element)
        rank = len(shape)
        if rank:
            ones = self.name()
            attributes = f"start_indices = {array([0] * rank)}, limit_indices = {array([1] * rank)}, "
            attributes += f"strides = {array([1] * rank)}"
            row = self.type((1,) * rank, element)
            self.body += op(ones, "slice", f"%{name}", self.type(shape, element), row, attributes)
            name = self.name()
            self.body += op(name, "reshape", f"%{ones}", row, self.type((), element))
        return name

    def positive(self) -> str:
        """Whether the first element of some value is positive."""
        element = self.draw(st.sampled_from(["f32", "i32"]))
        value, zero, result = self.scalar(element), self.name(), self.name()
        self.body += constant(zero, "0.0" if element == "f32" else "0", self.type((), element))
        types = ", ".join([self.type((), element)] * 2)
        kind = "FLOAT" if element == "f32" else "SIGNED"
        attributes = f'direction = "GT", compare_type = "{kind}"'
        self.body += op(result, "compare", f"%{value}, %{zero}", types, "tensor<i1>", attributes)
        return result

    def inner(self, steps: int, values: list) -> _Control:
        inside = _Control(self.draw, [*self.values, *values, *values], self.names)
        inside.index, inside.depth = self.index, self.depth + 1
        for _ in range(steps):
            inside.step()
        if inside.depth < 3 and self.draw(st.integers(0, 2)) == 0:
            getattr(inside, self.draw(st.sampled_from(["branch", "repeat"])))()
        return inside

    def branch(self) -> None:
        predicate = self.positive()
        chosen = self.pick()
        type = self.type(*chosen[1:])
        regions = []
        for _ in range(2):
            inside = self.inner(self.draw(st.integers(0, 4)), [])
            value = self.draw(st.sampled_from([v for v in inside.values if v[1:] == chosen[1:]][-4:]))
            regions.append(f'{{\n{inside.body}  "astra.yield"(%{value[0]}) : ({type}) -> ()\n  }}')
        result = self.name()
        self.body += f'  %{result} = "astra.if"(%{predicate}) ({", ".join(regions)}) : (tensor<i1>) -> {type}\n'
        self.values.append((result, *chosen[1:]))

    def repeat(self) -> None:
        """Up to seven iterations, as many as some integer says."""
        bound, mask, count, start = self.scalar("i32"), self.name(), self.name(), self.name()
        self.body += constant(mask, "7", "tensor<i32>")
        self.body += op(count, "and", f"%{bound}, %{mask}", "tensor<i32>, tensor<i32>", "tensor<i32>")
        self.body += constant(start, "0", "tensor<i32>")
        carried = [self.pick() for _ in range(self.draw(st.integers(1, 2)))]
        types = ["tensor<i32>", *(self.type(*value[1:]) for value in carried)]
        signature = ", ".join(types)
        index, more, after, one, result = (self.name() for _ in range(5))
        arguments = [(self.name(), *value[1:]) for value in carried]
        header = ", ".join(f"%{n}: {t}" for n, t in zip([index, *(a[0] for a in arguments)], types, strict=True))
        inside = self.inner(self.draw(st.integers(1, 4)), arguments)
        yields = [self.draw(st.sampled_from([v for v in inside.values if v[1:] == a[1:]][-3:])) for a in arguments]
        inits = ", ".join(f"%{n}" for n in [start, *(value[0] for value in carried)])
        nexts = ", ".join(f"%{n}" for n in [after, *(value[0] for value in yields)])
        self.body += f'  %{result}:{len(types)} = "astra.while"({inits}) ({{\n  ^bb0({header}):\n'
        less = 'direction = "LT", compare_type = "SIGNED"'
        self.body += op(more, "compare", f"%{index}, %{count}", "tensor<i32>, tensor<i32>", "tensor<i1>", less)
        self.body += f'  "astra.yield"(%{more}) : (tensor<i1>) -> ()\n  }}, {{\n  ^bb0({header}):\n{inside.body}'
        self.body += constant(one, "1", "tensor<i32>")
        self.body += op(after, "add", f"%{index}, %{one}", "tensor<i32>, tensor<i32>", "tensor<i32>")
        self.body += f'  "astra.yield"({nexts}) : ({signature}) -> ()\n  }}) : ({signature}) -> ({signature})\n'
        for number, value in enumerate(carried):
            self.values.append((f"{result}#{number + 1}", *value[1:]))


# Rounds up to a multiple of n, of which there is none over 0 for n = 0: in a branch, and in the body of a loop, that
# applications with n = 0 do not come to.
_MULTIPLE = """
    %m = "astra.while"(%start) ({
    ^bb0(%i: tensor<i32>):
      %limit = "astra.constant"() {value = dense<7> : tensor<i32>} : () -> tensor<i32>
      %less = "astra.compare"(%i, %limit) {direction = "LT", compare_type = "SIGNED"}
          : (tensor<i32>, tensor<i32>) -> tensor<i1>
      "astra.yield"(%less) : (tensor<i1>) -> ()
    }, {
    ^bb0(%i: tensor<i32>):
      %next = "astra.add"(%i, %n) : (tensor<i32>, tensor<i32>) -> tensor<i32>
      "astra.yield"(%next) : (tensor<i32>) -> ()
    }) : (tensor<i32>) -> tensor<i32>
"""
_HEAD = """
func.func @main(%n: tensor<i32>, %start: tensor<i32>) -> tensor<i32> {
  %zero = "astra.constant"() {value = dense<0> : tensor<i32>} : () -> tensor<i32>
"""
_POSITIVE = """"astra.compare"(%n, %zero) {direction = "GT", compare_type = "SIGNED"}
      : (tensor<i32>, tensor<i32>) -> tensor<i1>"""
_IN_A_BRANCH = f"""{_HEAD}
  %p = {_POSITIVE}
  %0 = "astra.if"(%p) ({{ {_MULTIPLE}
    "astra.yield"(%m) : (tensor<i32>) -> ()
  }}, {{
    "astra.yield"(%start) : (tensor<i32>) -> ()
  }}) : (tensor<i1>) -> tensor<i32>
  return %0 : tensor<i32>
}}"""
_IN_A_LOOP = f"""{_HEAD.replace("%n", "%count")}
  %one = "astra.constant"() {{value = dense<1> : tensor<i32>}} : () -> tensor<i32>
  %0, %1 = "astra.while"(%count, %zero) ({{
  ^bb0(%n: tensor<i32>, %sum: tensor<i32>):
    %p = {_POSITIVE}
    "astra.yield"(%p) : (tensor<i1>) -> ()
  }}, {{
  ^bb0(%n: tensor<i32>, %sum: tensor<i32>): {_MULTIPLE}
    %less = "astra.subtract"(%n, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %more = "astra.add"(%sum, %m) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "astra.yield"(%less, %more) : (tensor<i32>, tensor<i32>) -> ()
  }}) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
  return %1 : tensor<i32>
}}"""


@pytest.mark.parametrize("text", [_IN_A_BRANCH, _IN_A_LOOP], ids=["branch", "loop"])
def test_loops_end_that_some_applications_do_not_come_to(text: str) -> None:
    """Run for them all the same, the inner loop would never end."""
    check(text, examples=lambda i: [np.int32(i * 2), np.int32(i)], size=4)
    check(text, examples=lambda i: [np.int32(0), np.int32(i)], size=2)  # none comes to it


@st.composite
def _programs(draw: st.DrawFn) -> str:
    generator = _Control(draw, ARGUMENTS, itertools.count())
    for _ in range(draw(st.integers(2, 4))):
        for _ in range(draw(st.integers(0, 4))):
            generator.step()
        getattr(generator, draw(st.sampled_from(["branch", "repeat", "loop"])))()
    results = generator.values[-3:]
    return program(generator.body, {name: generator.type(shape, element) for name, shape, element in results})


def _examples(i: int) -> list[np.ndarray]:
    return [np.roll(x, i) for x in INPUTS.values()]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_programs(), st.lists(st.booleans(), min_size=5, max_size=5).filter(any))
def test_random_programs(text: str, mix: list[bool]) -> None:
    check(text, only=[tuple(mix)], examples=_examples)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(_programs(), st.lists(st.booleans(), min_size=5, max_size=5).filter(any))
def test_many_random_programs(text: str, mix: list[bool]) -> None:
    check(text, only=[tuple(mix)], examples=_examples)
