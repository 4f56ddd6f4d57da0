"""Random tile programs: the threads' code gives the bits that the interpreter of tile functions gives."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.errors import UnsupportedError
from tests.passes.gpu.programs import Compiled, expand, reduction, tile_function
from tests.passes.gpu.simt import launch
from tests.passes.tile_interpreter import run

DTYPES = {"f32": np.float32, "i32": np.int32, "i8": np.int8, "f16": np.float16, "i64": np.int64}
BINARY = {
    "f32": ["arith.addf", "arith.mulf", "arith.maximumf", "arith.subf"],
    "f16": ["arith.addf", "arith.maximumf"],
    "i32": ["arith.addi", "arith.muli", "arith.maxsi", "arith.xori"],
    "i64": ["arith.addi", "arith.minsi"],
    "i8": ["arith.addi", "arith.minui"],
}
COMBINE = {
    "f32": ["arith.addf", "arith.maximumf"], "f16": ["arith.maximumf"], "i32": ["arith.addi", "arith.minsi"],
    "i64": ["arith.addi"], "i8": ["arith.maxsi"],
}  # fmt: skip


class Program:
    """Grows a body operation by operation; ``tiles`` are (name, shape, element)."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.tiles: list[tuple[str, tuple[int, ...], str]] = []
        self.arguments: list[tuple[str, tuple[int, ...]]] = []  # element and shape
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    @staticmethod
    def kind(shape: tuple[int, ...], element: str) -> str:
        return f"tensor<{'x'.join(map(str, shape))}x{element}>"

    def offsets(self, shape: tuple[int, ...]) -> str:
        flat, whole = self.new(), self.new()
        size = math.prod(shape)
        self.line(f"{flat} = @arange() {{start = 0 : i64}} : () -> tensor<{size}xi32>")
        self.line(f"{whole} = @reshape({flat}) : (tensor<{size}xi32>) -> {self.kind(shape, 'i32')}")
        return whole

    def load(self) -> None:
        shape = tuple(1 << self.random.randrange(0, 6) for _ in range(self.random.randrange(1, 4)))
        element = self.random.choice(list(DTYPES))
        offsets, result = self.offsets(shape), self.new()
        number = len(self.arguments)
        self.arguments.append((element, shape))
        self.line(
            f"{result} = @load(%p{number}, {offsets}) : (memref<?x{element}>, {self.kind(shape, 'i32')}) -> "
            f"{self.kind(shape, element)}"
        )
        self.tiles.append((result, shape, element))

    def store(self, name: str, shape: tuple[int, ...], element: str) -> None:
        offsets, number = self.offsets(shape), len(self.arguments)
        self.arguments.append((element, shape))
        self.line(
            f"@store(%p{number}, {offsets}, {name}) : (memref<?x{element}>, {self.kind(shape, 'i32')}, "
            f"{self.kind(shape, element)}) -> ()"
        )

    def step(self) -> None:
        name, shape, element = self.random.choice(self.tiles)
        here = self.kind(shape, element)
        match self.random.choice(
            ["binary", "transpose", "reshape", "reduce", "scan", "spread", "join", "gather", "loop"]
        ):
            case "binary":
                others = [t for t in self.tiles if t[1:] == (shape, element)]
                other, result = self.random.choice(others)[0], self.new()
                self.line(f"{result} = {self.random.choice(BINARY[element])} {name}, {other} : {here}")
            case "transpose":
                order, result = self.random.sample(range(len(shape)), len(shape)), self.new()
                there = tuple(shape[i] for i in order)
                listed = ", ".join(map(str, order))
                self.line(
                    f"{result} = @transpose({name}) {{permutation = array<i64: {listed}>}} : ({here}) "
                    f"-> {self.kind(there, element)}"
                )
                shape = there
            case "reshape":
                size, there = math.prod(shape), ()
                while size > 1 and len(there) < 2:
                    take = 1 << self.random.randrange(0, size.bit_length())
                    there, size = (*there, take), size // take
                there, result = (*there, size), self.new()
                self.line(f"{result} = @reshape({name}) : ({here}) -> {self.kind(there, element)}")
                shape = there
            case "reduce" if len(shape) > 1:
                axis, result = self.random.randrange(len(shape)), self.new()
                there = shape[:axis] + shape[axis + 1 :]
                region = reduction(self.random.choice(COMBINE[element]), element)
                self.line(
                    f'{result} = "astra.tile_reduce"({name}) {region} '
                    f"{{axis = {axis} : i64}} : ({here}) -> {self.kind(there, element)}"
                )
                shape = there
            case "scan":
                axis, result = self.random.randrange(len(shape)), self.new()
                reverse = self.random.choice(["true", "false"])
                self.line(
                    f'{result} = "astra.tile_scan"({name}) {reduction(self.random.choice(COMBINE[element]), element)} '
                    f"{{axis = {axis} : i64, reverse = {reverse}}} : ({here}) -> {here}"
                )
            case "spread" if math.prod(shape) <= 256 and len(shape) < 3:
                place, size = self.random.randrange(len(shape) + 1), 1 << self.random.randrange(1, 5)
                thin, wide = (*shape[:place], 1, *shape[place:]), (*shape[:place], size, *shape[place:])
                lone, result = self.new(), self.new()
                self.line(f"{lone} = @reshape({name}) : ({here}) -> {self.kind(thin, element)}")
                self.line(f"{result} = @broadcast({lone}) : ({self.kind(thin, element)}) -> {self.kind(wide, element)}")
                shape = wide
            case "join" if math.prod(shape) <= 1024 and len(shape) < 3:
                result, left, right = self.new(), self.new(), self.new()
                pair = self.kind((*shape, 2), element)
                self.line(f"{result} = @join({name}, {name}) : ({here}, {here}) -> {pair}")
                self.line(f"{left}, {right} = @split({result}) : ({pair}) -> ({here}, {here})")
                self.tiles.append((left, shape, element))
                shape = (*shape, 2)
            case "gather":
                axis, result = self.random.randrange(len(shape)), self.new()
                index, most, within = self.offsets(shape), self.new(), self.new()
                wide = self.kind(shape, "i32")
                self.line(f"{most} = arith.constant dense<{shape[axis] - 1}> : {wide}")
                self.line(f"{within} = arith.andi {index}, {most} : {wide}")
                self.line(f"{result} = @gather({name}, {within}) {{axis = {axis} : i64}} : ({here}, {wide}) -> {here}")
            case "loop":
                result, low, high, one, i, carried, inner = (self.new() for _ in range(7))
                self.line(f"{low} = arith.constant 0 : i32")
                self.line(f"{high} = arith.constant 3 : i32")
                self.line(f"{one} = arith.constant 1 : i32")
                self.line(f"{result} = scf.for {i} = {low} to {high} step {one} iter_args({carried} = {name})")
                self.line(f"    -> ({here}) : i32 {{")
                self.line(f"{inner} = {self.random.choice(BINARY[element])} {carried}, {name} : {here}")
                self.line(f"scf.yield {inner} : {here}")
                self.line("}")
            case _:
                return
        self.tiles.append((result, shape, element))


def checked(seed: int) -> None:
    program = Program(seed)
    for _ in range(program.random.randrange(1, 3)):
        program.load()
    loads = len(program.arguments)
    for _ in range(8):
        program.step()
    for tile in program.tiles[-3:]:
        program.store(*tile)
    listed = [f"p{i}:memref<?x{element}>" for i, (element, _) in enumerate(program.arguments)]
    text = tile_function(expand("\n".join(program.lines)), listed, program.random.choice([1, 2, 4, 8]), "sm_89")
    rng = np.random.default_rng(seed)
    arrays = [
        rng.integers(-4, 5, math.prod(shape)).astype(DTYPES[element])
        if i < loads
        else np.zeros(math.prod(shape), DTYPES[element])
        for i, (element, shape) in enumerate(program.arguments)
    ]
    expected = [array.copy() for array in arrays]
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        with np.errstate(all="ignore"):
            run(next(iter(module.body.operations)).operation, expected, (1, 1, 1))
    try:
        compiled = Compiled(text)
    except UnsupportedError as error:
        assert "take smaller tiles" in str(error)
        return
    launch(compiled.module, "k", (1,), arrays)
    for got, wanted in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("seed", range(12))
def test_random_program(seed: int) -> None:
    checked(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12, 60))
def test_more_random_programs(seed: int) -> None:
    checked(seed)
