"""Channelwise (depthwise) convolutions and the gradient of their kernel: vectors along the last dimension.

Every output channel sees one input channel, so there is nothing to share in a matrix product.  The window's weights
(or, for the kernel's gradient, its sums) stay in registers while a row of the input goes by.  Taken: one output
channel per input channel, with the channels last in all three arrays, or (forward only) a spatial dimension of
stride 1 last; and, with the channels last, groups of a few channels, whose lanes trade places within a vector.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from astra_mlir.passes.kernel_rules.contraction_shapes import row_major_strides
from astra_mlir.passes.kernel_rules.convolution_shapes import Convolution, Phase
from astra_mlir.passes.kernel_rules.epilogue import Epilogue
from astra_mlir.passes.kernel_rules.function_text import FunctionText, Index
from astra_mlir.passes.kernel_rules.gemm_functions import GemmTypes, widen
from astra_mlir.passes.kernel_rules.gemm_levels import Level, flatten, level_offset, narrow
from astra_mlir.passes.target import Target

__all__ = ["Depthwise", "schedule_depthwise"]

MAX_TERMS = 150  # products of a result in a convolution of small groups, which are written out
MAX_WINDOW = 25  # places of the window whose weights or sums are held in vectors
TASK_WORK = 1 << 18  # multiply-adds in a task of at least 20 us: each needs a load


@dataclass(frozen=True)
class Depthwise:
    """How a channelwise convolution is run; ``kind`` is ``"channels"``, ``"rows"`` or ``"kernel gradient"``."""

    convolution: Convolution
    types: GemmTypes
    kind: str
    scratch: tuple[int, ...] = ()
    epilogue: Epilogue | None = None

    @property
    def reads_padded(self) -> bool:
        """Whether the input is the padded one; else the edges are read where they are."""
        return self.kind != "channels"

    def text(self, name: str, lhs_type: str, rhs_type: str, result_type: str, others: Sequence[str] = ()) -> str:
        """The function ``@name(padded input, kernel[, others], result)``."""
        arguments = [("%lhs_array", lhs_type), ("%rhs_array", rhs_type)]
        arguments += [(f"%other{i}_array", type) for i, type in enumerate(others)]
        arguments.append(("%result_array", result_type))
        f = FunctionText(name, arguments)
        for array, type in arguments:
            flatten(f, array.removesuffix("_array"), array, type)
        for phase in self.convolution.phases(join=False):
            _Printer(f, self, phase).run()
        return f.text()


def schedule_depthwise(what: Convolution, accumulator: str, target: Target) -> Depthwise | None:
    """The schedule, or ``None`` where the convolution is of another form."""
    if what.examples > 1:
        return None
    types = GemmTypes(accumulator, target)
    channels = what.result_shape[what.result_dimensions[1]]
    last = len(what.result_shape) - 1
    many = channels >= types.lanes // 2  # else most of each vector would be empty
    features_last = many and what.result_dimensions[1] == last and what.rhs_dimensions[1] == last
    one_to_one = what.rhs_shape[what.rhs_dimensions[0]] == 1 and what.groups == channels
    window = prod(what.rhs_shape[d] for d in what.rhs_dimensions[2])
    size = what.rhs_shape[what.rhs_dimensions[0]]
    if (
        what.batch_groups == 1 < size
        and what.groups * size == channels == what.lhs_shape[what.lhs_dimensions[1]]
        and types.lanes % size == 0
        and window * size <= MAX_TERMS
        and features_last
        and what.lhs_dimensions[1] == last
    ):
        return Depthwise(what, types, "channels")
    if what.batch_groups == 1 and one_to_one and channels == what.lhs_shape[what.lhs_dimensions[1]]:
        if window > MAX_WINDOW:
            return None
        if features_last and what.lhs_dimensions[1] == last:
            return Depthwise(what, types, "channels")
        rows = (*what.result_dimensions[2][-1:], *what.lhs_dimensions[2][-1:], *what.strides[-1:])
        if rows == (last, last, 1) and what.lhs_dilation[-1] == 1:  # without a window, there are no rows
            return Depthwise(what, types, "rows")
        return None
    sums = prod(what.result_shape[d] for d in what.result_dimensions[2])
    if (
        what.groups == 1
        and what.batch_groups == channels == what.lhs_shape[what.lhs_dimensions[0]]
        and features_last
        and what.lhs_dimensions[0] == last
        and sums <= MAX_WINDOW
        and not any(what.reversal)
        and len(what.phases()) == 1
    ):
        return Depthwise(what, types, "kernel gradient")
    return None


class _Printer:
    """Fills the function of one schedule with the loops of a phase."""

    def __init__(self, f: FunctionText, schedule: Depthwise, phase: Phase) -> None:
        self.phase = phase
        self.epilogue = schedule.epilogue
        self.f, self.what, self.types, self.kind = f, schedule.convolution, schedule.types, schedule.kind
        self.lanes, self.accumulator = self.types.lanes, self.types.accumulator
        self.vector = f"vector<{self.lanes}x{self.accumulator}>"
        padding = self.what.input_padding()
        self.low = padding.low if schedule.reads_padded else (0,) * len(padding.low)
        self.lhs_strides = row_major_strides(padding.padded_shape if schedule.reads_padded else list(padding.shape))
        self.rhs_strides = row_major_strides(list(self.what.rhs_shape))
        self.result_strides = row_major_strides(list(self.what.result_shape))

    def run(self) -> None:
        """The loops of the schedule's kind."""
        {"channels": self.channels, "rows": self.rows, "kernel gradient": self.kernel_gradient}[self.kind]()

    # --- parts -------------------------------------------------------------------------------------------------------

    def window(self) -> list[tuple[int, int]]:
        """For each place of the window: how far it is in the input, and where its weight is in the kernel."""
        what, places = self.what, []
        for place in itertools.product(*(range(along.taps) for along in self.phase)):
            source = weight = 0
            for i, (at, along) in enumerate(zip(place, self.phase, strict=True)):
                window = what.rhs_dimensions[2][i]
                source += at * along.dilation * self.lhs_strides[what.lhs_dimensions[2][i]]
                at = along.tap + at * along.tap_step
                at = what.rhs_shape[window] - 1 - at if what.reversal[i] else at
                weight += at * self.rhs_strides[window]
            places.append((source, weight))
        return places

    def places(self) -> tuple[list[Level], int, int]:
        """For each dimension of the result: its size and how far apart elements are in the input and in the result;
        and where the first is."""
        what, low = self.what, self.low
        batch, feature, spatial = what.result_dimensions
        levels = {
            d: (what.result_shape[d], self.lhs_strides[of], self.result_strides[d])
            for d, of in ((batch, what.lhs_dimensions[0]), (feature, what.lhs_dimensions[1]))
        }
        source = target = 0
        for i, (dimension, along) in enumerate(zip(spatial, self.phase, strict=True)):
            stride, to = self.lhs_strides[what.lhs_dimensions[2][i]], self.result_strides[dimension]
            levels[dimension] = (along.size, stride * along.stride, to * along.step)
            source += (along.start + low[what.lhs_dimensions[2][i]]) * stride
            target += along.first * to
        return [levels[d] for d in sorted(levels)], source, target

    def load(self, source: str, element: str, at: Index, mask: str | None) -> str:
        """A widened vector."""
        f, signless = self.f, element.removeprefix("u")
        vector, memref, place = f"vector<{self.lanes}x{signless}>", f"memref<?x{signless}>", f"{source}[{f.ssa(at)}]"
        if mask is None:
            value = f.value(f"vector.load {place} : {memref}, {vector}")
        else:
            zero = f.constant("dense<0.0>" if "f" in element else "dense<0>", vector)
            kinds = f"{memref}, vector<{self.lanes}xi1>, {vector} into {vector}"
            value = f.value(f"vector.maskedload {place}, {mask}, {zero} : {kinds}")
        return widen(f, value, element, self.accumulator, lanes=self.lanes)

    def store(self, value: str, at: Index, mask: str | None, channel: Index) -> None:
        """Narrow and store a vector of the result, of ``channel`` or of the channels from there on."""
        f, result = self.f, self.what.elements[2].removeprefix("u")
        value = narrow(f, value, self.accumulator, result, lanes=self.lanes)
        if self.epilogue is not None:
            value = self.epilogue.apply(f, value, at, channel, channel, mask, self.lanes)
            result = self.epilogue.element
        place, memref, vector = f"%result[{f.ssa(at)}]", f"memref<?x{result}>", f"vector<{self.lanes}x{result}>"
        if mask is None:
            f.line(f"vector.store {value}, {place} : {memref}, {vector}")
        else:
            f.line(f"vector.maskedstore {place}, {mask}, {value} : {memref}, vector<{self.lanes}xi1>, {vector}")

    def blocks(self, size: int) -> list[tuple[Index, Index, int]]:
        """Ranges of vectors over ``size`` lanes: (first, end, lanes that count)."""
        whole = size // self.lanes * self.lanes
        ranges: list[tuple[Index, Index, int]] = [(0, whole, self.lanes)] if whole else []
        return ranges + ([(whole, size, size - whole)] if whole < size else [])

    def mask(self, lanes: int) -> str | None:
        if lanes == self.lanes:
            return None
        return self.f.value(f"vector.create_mask {self.f.ssa(lanes)} : vector<{self.lanes}xi1>")

    def terms(self) -> list[tuple[int, int, int]]:
        """For each product in a result: how far the input is, where the weight is, which channel of the group."""
        channel = self.what.rhs_dimensions[0]
        return [
            (source, weight + i * self.rhs_strides[channel], i)
            for source, weight in self.window()
            for i in range(self.what.rhs_shape[channel])
        ]

    def weighted_sum(
        self, at: Index, weights: list[str], mask: str | None, inside: dict[int, str] | None = None
    ) -> str:
        """The sum of the products at a place of the input, in a few chains; ``inside`` says for some places of the
        window, by how far they are in the input, whether they are there."""
        f, size = self.f, self.what.rhs_shape[self.what.rhs_dimensions[0]]
        sums = [f.constant(f"dense<{self.types.zero}>", self.vector)] * (2 if size == 1 else 4)
        loaded: dict[int, str] = {}
        for i, ((source, _, channel), weight) in enumerate(zip(self.terms(), weights, strict=True)):
            if source not in loaded:
                chosen = mask
                if inside and source in inside:
                    kind = f"vector<{self.lanes}xi1>"
                    whole, none = (f.constant(f"dense<{value}>", kind) for value in ("true", "false"))
                    chosen = f.value(f"arith.select {inside[source]}, {mask or whole}, {none} : {kind}")
                loaded[source] = self.load("%lhs", self.what.elements[0], f.add(at, source), chosen)
            value = loaded[source]
            if size > 1:  # every lane meets the same channel of its group
                lanes = [lane // size * size + channel for lane in range(self.lanes)]
                value = f.value(f"vector.shuffle {value}, {value} {lanes} : {self.vector}, {self.vector}")
            chain = i % len(sums)
            sums[chain] = self.types.multiply_add(f, value, weight, sums[chain], self.vector)
        while len(sums) > 1:
            sums = [self.types.add(f, *pair, self.vector) for pair in zip(sums[::2], sums[1::2], strict=True)]
        return sums[0]

    # --- kinds -------------------------------------------------------------------------------------------------------

    def channels(self) -> None:
        """Channels last: for a vector of channels the weights are loaded once and a row of places goes by.

        Where whole windows are in the input, nothing is asked; elsewhere loads of what is not there are masked.
        """
        f = self.f
        levels, first_source, first_target = self.places()
        shape, row, outer = [level[0] for level in levels], levels[-2], levels[:-2]
        count, work = prod(level[0] for level in outer), prod(shape[-2:]) * len(self.terms())
        with f.grouped(count, max(1, TASK_WORK // work), sequential=2 * TASK_WORK // work) as unit:
            coordinates = f.delinearize(unit, [level[0] for level in outer])
            source, target = (
                f.add(first, *(f.mul(i, level[side]) for i, level in zip(coordinates, outer, strict=True)))
                for side, first in ((1, first_source), (2, first_target))
            )
            outside, whole = self.whole_places(coordinates)
            for first, end, lanes in self.blocks(shape[-1]):
                with f.loop(first, end, self.lanes) as channel:
                    mask = self.mask(lanes)
                    weights = [
                        self.load("%rhs", self.what.elements[1], f.add(channel, weight), mask)
                        for _, weight, _ in self.terms()
                    ]

                    def result(
                        place: Index, inside: dict[int, str], channel: Index = channel,
                        weights: list[str] = weights, mask: str | None = mask,
                    ) -> None:  # fmt: skip
                        at = f.add(source, f.mul(place, row[1]), channel)
                        value = self.weighted_sum(at, weights, mask, inside)
                        self.store(value, f.add(target, f.mul(place, row[2]), channel), mask, channel)

                    with f.loop(*whole) as place:
                        result(place, {})
                    if whole != (0, row[0]):
                        with f.loop(0, 2) as side:  # what is in front of whole windows, and after them
                            is_first = f.compare("eq", side, 0)
                            lower = f.value(f"arith.select {is_first}, {f.ssa(0)}, {f.ssa(whole[1])} : index")
                            upper = f.value(f"arith.select {is_first}, {f.ssa(whole[0])}, {f.ssa(row[0])} : index")
                            with f.loop(lower, upper) as place:
                                result(place, self.inside({**outside, len(outer): place}))

    def whole_places(self, coordinates: Sequence[Index]) -> tuple[dict[int, Index], tuple[Index, Index]]:
        """Of the dimensions of the result in front of a row those whose windows reach over an edge, with their places;
        and the range of places in the row with whole windows in the input (empty where there are none)."""
        f, sizes = self.f, [self.what.lhs_shape[d] for d in self.what.lhs_dimensions[2]]
        outside: dict[int, Index] = {}
        is_whole: str | None = None
        first, end, row = 0, self.places()[0][-2][0], len(coordinates)
        for dimension, along, size in zip(self.what.result_dimensions[2], self.phase, sizes, strict=True):
            if along.start >= 0 and along.last < size:
                continue
            reach = along.start + (along.taps - 1) * along.dilation  # of the first window
            before = min(max(0, -(along.start // along.stride)), along.size)
            after = min(max(before, (size - 1 - reach) // along.stride + 1), along.size)
            if dimension == row:
                first, end = before, after
                continue
            at = outside[dimension] = coordinates[dimension]
            one = f.compare("ult", f.sub(at, before), after - before)  # a negative place is a large unsigned number
            is_whole = one if is_whole is None else f.value(f"arith.andi {is_whole}, {one} : i1")
        if is_whole is None:
            return outside, (first, end)
        size = f.ssa(self.places()[0][-2][0])
        chosen = [f.value(f"arith.select {is_whole}, {f.ssa(place)}, {size} : index") for place in (first, end)]
        return outside, (chosen[0], chosen[1])

    def inside(self, places: dict[int, Index]) -> dict[int, str]:
        """Which places of the window are in the input, by how far they are in it: for ``places`` along dimensions."""
        f, what = self.f, self.what
        tests: list[list[str | None]] = []
        for i, (dimension, along) in enumerate(zip(what.result_dimensions[2], self.phase, strict=True)):
            size = what.lhs_shape[what.lhs_dimensions[2][i]]
            if dimension not in places or (along.start >= 0 and along.last < size):
                tests.append([None] * along.taps)
                continue
            start = f.add(f.mul(places[dimension], along.stride), along.start)
            at = (f.add(start, tap * along.dilation) for tap in range(along.taps))
            tests.append([f.compare("ult", place, size) for place in at])
        found = {}
        for (source, _), parts in zip(self.window(), itertools.product(*tests), strict=True):
            needed = [part for part in parts if part is not None]
            for other in needed[1:]:
                needed[0] = f.value(f"arith.andi {needed[0]}, {other} : i1")
            if needed:
                found[source] = needed[0]
        return found

    def rows(self) -> None:
        """A spatial dimension last: the channel's weights are scalars."""
        f = self.f
        places, first_source, first_target = self.places()
        weight_stride = self.rhs_strides[self.what.rhs_dimensions[1]]
        feature = self.what.result_dimensions[1]
        levels = tuple(
            (*level, *((weight_stride, 1) if d == feature else (0, 0))) for d, level in enumerate(places[:-1])
        )
        columns = places[-1][0]
        count, work = prod(level[0] for level in levels), columns * len(self.window())
        element = self.what.elements[1]
        with f.grouped(count, max(1, TASK_WORK // work), sequential=2 * TASK_WORK // work) as unit:
            source, target, kernel, channel = (level_offset(f, levels, unit, i) for i in (1, 2, 3, 4))
            source, target = f.add(source, first_source), f.add(target, first_target)
            weights = []
            for _, weight in self.window():
                place = f"%rhs[{f.ssa(f.add(kernel, weight))}]"
                scalar = f.value(f"memref.load {place} : memref<?x{element.removeprefix('u')}>")
                scalar = widen(f, scalar, element, self.accumulator)
                weights.append(f.value(f"vector.broadcast {scalar} : {self.accumulator} to {self.vector}"))
            for first, end, lanes in self.blocks(columns):
                mask = self.mask(lanes)
                with f.loop(first, end, self.lanes) as place:
                    value = self.weighted_sum(f.add(source, place), weights, mask)
                    self.store(value, f.add(target, place), mask, channel)

    def kernel_gradient(self) -> None:
        """``result[place, c] = sum over images and output places of input[.. + place, c] * gradient[.., c]``."""
        f, what = self.f, self.what
        sizes = [what.result_shape[d] for d in what.result_dimensions[2]]
        places = []  # of the result: how far in the input, and where in the result
        for place in itertools.product(*map(range, sizes)):
            source = target = 0
            for i, at in enumerate(place):
                source += at * what.strides[i] * self.lhs_strides[what.lhs_dimensions[2][i]]
                target += at * self.result_strides[what.result_dimensions[2][i]]
            places.append((source, target))
        # what is summed over: the images (the feature of the lhs) and the places of the gradient
        levels = [(
            what.lhs_shape[what.lhs_dimensions[1]], self.lhs_strides[what.lhs_dimensions[1]],
            self.rhs_strides[what.rhs_dimensions[0]],
        )]  # fmt: skip
        for i, dimension in enumerate(what.rhs_dimensions[2]):
            stride = self.lhs_strides[what.lhs_dimensions[2][i]] * what.rhs_dilation[i]
            levels.append((what.rhs_shape[dimension], stride, self.rhs_strides[dimension]))
        outer, row = tuple(levels[:-1]), levels[-1]
        zero = f.constant(f"dense<{self.types.zero}>", self.vector)
        kinds = ", ".join([self.vector] * len(places))

        def carried(count: int, start: list[str]) -> tuple[str, list[str], list[str], str]:
            """The head of a loop that carries the sums: (head, the sums within, their results, counter)."""
            i, name, inside = f.fresh(), f.fresh(), [f.fresh() for _ in places]
            arguments = ", ".join(f"{a} = {b}" for a, b in zip(inside, start, strict=True))
            bounds = f"{f.ssa(0)} to {f.ssa(count)} step {f.ssa(1)}"
            head = f"{name}:{len(places)} = scf.for {i} = {bounds} iter_args({arguments}) -> ({kinds}) {{"
            return head, inside, [f"{name}#{x}" for x in range(len(places))], i

        def channels(channel: Index, lanes: int) -> None:
            mask = self.mask(lanes)
            head, sums, results, unit = carried(prod(level[0] for level in outer), [zero] * len(places))
            with f.block(head):
                source, gradient = level_offset(f, outer, unit, 1), level_offset(f, outer, unit, 2)
                inner_head, inner_sums, inner_results, i = carried(row[0], sums)
                with f.block(inner_head):
                    at = f.add(gradient, f.mul(i, row[2]), channel)
                    value = self.load("%rhs", what.elements[1], at, mask)
                    at = f.add(source, f.mul(i, row[1]), channel)
                    updated = []
                    for (offset, _), total in zip(places, inner_sums, strict=True):
                        other = self.load("%lhs", what.elements[0], f.add(at, offset), mask)
                        updated.append(self.types.multiply_add(f, value, other, total, self.vector))
                    f.line(f"scf.yield {', '.join(updated)} : {kinds}")
                f.line(f"scf.yield {', '.join(inner_results)} : {kinds}")
            for (_, target), total in zip(places, results, strict=True):
                self.store(total, f.add(target, channel), mask, channel)

        work = prod(level[0] for level in levels) * len(places) * self.lanes
        for first, end, lanes in self.blocks(what.result_shape[-1]):
            count = -(-(end - first) // self.lanes)
            with f.grouped(count, max(1, TASK_WORK // work), sequential=2 * TASK_WORK // work) as block:
                channels(f.add(first, f.mul(block, self.lanes)), lanes)
