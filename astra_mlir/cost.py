"""How much work a program is: floating-point operations and bytes of its Astra IR, before any lowering.

A table gives the operations per element of result of each elementwise function; contractions, reductions, windows and
loops have a rule each.  Bytes are those an operation reads and writes taken alone: an upper bound that fusion
undercuts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import int_list, value_of
from astra_mlir.passes.schedules import SCHEDULE_ATTRIBUTE

__all__ = ["Cost", "Group", "cost_of", "groups_of"]


@dataclass(frozen=True)
class Group:
    """Operations that run as one kernel: its function, how often the program calls it, what it computes.

    ``operations`` counts those of an element; of a kernel with loops of its own (``astra_dot_...``) it is empty.
    """

    kernel: str
    calls: int
    operations: Counter[str]


@dataclass
class Cost:
    """Totals over a program; ``flops_by_op`` says where they come from.

    ``transcendentals`` counts evaluations of exp, log, sin and the like, which are not in ``flops``.  Loops whose trip
    count is not known are counted as one iteration and named in ``unbounded_loops``.  ``groups`` are the kernels that
    the program was fused to, where it was lowered that far.
    """

    flops: int = 0
    transcendentals: int = 0
    bytes_accessed: int = 0
    unbounded_loops: int = 0
    flops_by_op: Counter[str] = field(default_factory=Counter)
    groups: list[Group] = field(default_factory=list)

    def add(self, other: Cost, times: int = 1) -> None:
        """Add ``other`` repeated ``times`` times."""
        self.flops += other.flops * times
        self.transcendentals += other.transcendentals * times
        self.bytes_accessed += other.bytes_accessed * times
        self.unbounded_loops += other.unbounded_loops
        for name, count in other.flops_by_op.items():
            self.flops_by_op[name] += count * times


_ONE_FLOP = frozenset({
    "abs", "add", "and", "ceil", "clamp", "compare", "convert", "count_leading_zeros", "divide", "floor", "is_finite",
    "maximum", "minimum", "multiply", "negate", "not", "or", "popcnt", "reduce_precision", "remainder",
    "round_nearest_afz", "round_nearest_even", "select", "shift_left", "shift_right_arithmetic",
    "shift_right_logical", "sign", "subtract", "xor",
})  # fmt: skip
_TRANSCENDENTAL = frozenset({
    "atan2", "cbrt", "cosine", "erf", "exponential", "exponential_minus_one", "log", "log_plus_one", "logistic",
    "power", "rsqrt", "sine", "sqrt", "tan", "tanh",
})  # fmt: skip
_COMPLEX_FACTOR = {"multiply": 6, "divide": 12, "add": 2, "subtract": 2}  # real operations of one complex one


def _elements(value: ir.Value) -> int:
    return math.prod(ir.RankedTensorType(value.type).shape) if isinstance(value.type, ir.RankedTensorType) else 0


def _bytes(value: ir.Value) -> int:
    if not isinstance(value.type, ir.RankedTensorType):
        return 0
    element = value.type.element_type
    if isinstance(element, ir.ComplexType):
        width = 2 * ir.FloatType(element.element_type).width
    else:
        width = getattr(element, "width", 64)
    return _elements(value) * max(1, width // 8)


def _shape(value: ir.Value) -> list[int]:
    return list(ir.RankedTensorType(value.type).shape)


def _dot_general(op: ir.Operation) -> int:
    lhs = _shape(op.operands[0])
    depth = math.prod(lhs[d] for d in int_list(op, "lhs_contracting_dimensions"))
    return 2 * _elements(op.results[0]) * depth


def _convolution(op: ir.Operation) -> int:
    kernel = _shape(op.operands[1])
    features = kernel[value_of(op, "kernel_output_feature_dimension")]
    return 2 * _elements(op.results[0]) * (math.prod(kernel) // max(1, features))


def _window(op: ir.Operation) -> int:
    return _elements(op.results[0]) * math.prod(int_list(op, "window_dimensions")) * len(op.results)


def _sort(op: ir.Operation) -> int:
    shape = _shape(op.operands[0])
    length = shape[value_of(op, "dimension")] if shape else 1
    return _elements(op.operands[0]) * max(1, math.ceil(math.log2(max(length, 2))))


def _fft(op: ir.Operation) -> int:
    points = math.prod(int_list(op, "fft_length"))
    batch = max(_elements(op.operands[0]), _elements(op.results[0])) // max(1, points)
    return int(5 * points * math.log2(max(points, 2))) * batch


def _cholesky(op: ir.Operation) -> int:
    n = _shape(op.operands[0])[-1]
    return _elements(op.operands[0]) * n // 3


def _triangular_solve(op: ir.Operation) -> int:
    return _elements(op.operands[1]) * _shape(op.operands[0])[-1]


_RULES: dict[str, Callable[[ir.Operation], int]] = {
    "dot_general": _dot_general,
    "convolution": _convolution,
    "reduce": lambda op: sum(_elements(v) for v in list(op.operands)[: len(op.results)]),
    "reduce_window": _window,
    "select_and_scatter": lambda op: _elements(op.operands[1]) * (math.prod(int_list(op, "window_dimensions")) + 1),
    "cumulative": lambda op: _elements(op.operands[0]),
    "scatter": lambda op: _elements(op.operands[-1]),
    "sort": _sort,
    "top_k": lambda op: _elements(op.operands[0]),
    "fft": _fft,
    "cholesky": _cholesky,
    "triangular_solve": _triangular_solve,
}

# Operations on a part of their first operand, and the value that has the size of the part.
_PARTIAL: dict[str, Callable[[ir.Operation], ir.Value]] = {
    "gather": lambda op: op.results[0],
    "slice": lambda op: op.results[0],
    "dynamic_slice": lambda op: op.results[0],
    "dynamic_update_slice": lambda op: op.operands[1],
}

# No arithmetic and no data moved of their own.
_FREE = frozenset({"constant", "yield", "optimization_barrier", "get_dimension_size"})


def _own_cost(op: ir.Operation, name: str) -> Cost:
    flops = transcendentals = 0
    if name in _RULES:
        flops = _RULES[name](op)
    elif name in _ONE_FLOP:
        is_complex = isinstance(ir.RankedTensorType(op.results[0].type).element_type, ir.ComplexType)
        flops = _elements(op.results[0]) * (_COMPLEX_FACTOR.get(name, 1) if is_complex else 1)
    elif name in _TRANSCENDENTAL:
        transcendentals = _elements(op.results[0])
    if name in _PARTIAL:  # only what is taken of the first operand is read, or written
        moved = 2 * _bytes(_PARTIAL[name](op)) + sum(map(_bytes, list(op.operands)[1:]))
    else:
        moved = sum(map(_bytes, op.operands)) + sum(map(_bytes, op.results))
    return Cost(flops, transcendentals, moved, 0, Counter({name: flops} if flops else {}))


def _largest(costs: list[Cost]) -> Cost:
    return max(costs, key=lambda c: (c.flops + c.transcendentals, c.bytes_accessed), default=Cost())


def _op_cost(op: ir.Operation, functions: dict[str, Cost]) -> Cost:
    if op.name == "func.call":
        return functions.get(ir.FlatSymbolRefAttr(op.attributes["callee"]).value, Cost())
    name = op.name.removeprefix("astra.")
    if not op.name.startswith("astra.") or name in _FREE:
        return Cost()
    if name not in ("if", "while", "scan"):
        return _own_cost(op, name)
    bodies = [_block_cost(region.blocks[0], functions) for region in op.regions]
    if name == "if":
        return _largest(bodies)
    total = Cost(unbounded_loops=1 if name == "while" else 0)
    for body in bodies:
        total.add(body, value_of(op, "trip_count") if name == "scan" else 1)
    return total


def _block_cost(block: ir.Block, functions: dict[str, Cost]) -> Cost:
    total = Cost()
    for op in block.operations:
        total.add(_op_cost(op.operation, functions))
    return total


def cost_of(module: ir.Module, entry: str = "main") -> Cost:
    """The cost of function ``entry`` of a module in the Astra dialect with static shapes."""
    bodies = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation.regions[0].blocks[0]
        for op in module.body.operations
        if op.operation.name == "func.func" and len(op.operation.regions[0].blocks)
    }
    costs: dict[str, Cost] = {}

    def visit(name: str) -> None:
        if name in costs or name not in bodies:
            return
        costs[name] = Cost()  # a recursive call counts nothing
        for op in _calls(bodies[name]):
            visit(ir.FlatSymbolRefAttr(op.attributes["callee"]).value)
        costs[name] = _block_cost(bodies[name], costs)

    visit(entry)
    return costs.get(entry, Cost())


_NOT_COUNTED = ("linalg.yield", "linalg.index", "arith.constant")


def groups_of(module: ir.Module) -> list[Group]:
    """The kernels of a module after the stage "kernels", in the order in which they stand in it."""
    functions = [op.operation for op in module.body.operations if op.operation.name == "func.func"]
    calls: Counter[str] = Counter()
    for function in functions:
        for block in function.regions[0].blocks:
            calls.update(ir.FlatSymbolRefAttr(op.attributes["callee"]).value for op in _calls(block))
    groups = []
    for function in functions:
        name = ir.StringAttr(function.attributes["sym_name"]).value
        if name.startswith("kernel_"):
            operations = Counter(
                inner.operation.name.partition(".")[2]
                for block in function.regions[0].blocks
                for op in block.operations
                if op.operation.name == "linalg.generic"
                for inner in op.operation.regions[0].blocks[0].operations
                if inner.operation.name not in _NOT_COUNTED
            )
            groups.append(Group(name, calls[name], operations))
        elif name in calls and SCHEDULE_ATTRIBUTE in function.attributes:
            groups.append(Group(name, calls[name], Counter()))
    return groups


def _calls(block: ir.Block) -> list[ir.Operation]:
    found = []
    for op in block.operations:
        if op.operation.name == "func.call":
            found.append(op.operation)
        for region in op.operation.regions:
            for inner in region.blocks:
                found += _calls(inner)
    return found
