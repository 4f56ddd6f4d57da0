"""``astra-split``: one function as two, what needs some of the arguments and what needs all, with residuals between.

``astra.vjp`` and ``astra.linearize``, called on arrays, run the first part once and the second for each cotangent or
tangent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from astra_mlir.bindings import ir
from astra_mlir.errors import AstraError, source_place
from astra_mlir.passes.autodiff_rules.residuals import choose
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.dependence import dependent_results, dependents_inside
from astra_mlir.passes.simplify import simplify
from astra_mlir.passes.simplify_rules.loops import only_block, used_values
from astra_mlir.passes.transforms import entry_block, find_function, functions_of
from astra_mlir.passes.traversal import replace_operands

__all__ = ["Split"]


@register_pass
@dataclass(frozen=True)
class Split(Pass):
    """Split a function into the part that does not depend on the arguments ``late`` and the rest.

    Before (``astra-split{fn=main late=1 results=1}``)::

        func.func @main(%x: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = "astra.tan"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          %1 = "astra.erf"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          %2 = "astra.multiply"(%c, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          return %0, %2 : tensor<4xf32>, tensor<4xf32>
        }

    After::

        func.func @main_early(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = "astra.tan"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          %1 = "astra.erf"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          return %0, %1 : tensor<4xf32>, tensor<4xf32>
        }
        func.func @main_late(%x: tensor<4xf32>, %1: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
          %2 = "astra.multiply"(%c, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          return %2 : tensor<4xf32>
        }

    The early function takes the other arguments and gives the first ``results`` results, then residuals.  The late
    function takes these arguments once more, the residuals and the late arguments, and gives the other results.  It
    computes again what is cheap, as reverse mode does.  The function has one block and no calls (after
    ``astra-expand-transforms``).
    """

    name: ClassVar[str] = "astra-split"
    summary: ClassVar[str] = "split a function into what some arguments do not matter for and the rest"

    fn: str = field(default="main", metadata={"doc": "the function to split"})
    late: tuple[int, ...] = field(default=(), metadata={"doc": "the arguments that only the second part has"})
    results: int = field(default=0, metadata={"doc": "how many results the first part gives"})

    def run(self, module: ir.Operation) -> None:
        """Replace the function by the two."""
        function = find_function(module, self.fn, self.name)
        names = [f"{self.fn}_{suffix}" for suffix in ("early", "late")]
        for name in names:
            if name in functions_of(module):
                raise AstraError(f"{self.name}: the module already has a function @{name}")
        block = entry_block(function)
        arguments = list(block.arguments)
        if not all(0 <= i < len(arguments) for i in self.late):
            raise AstraError(f"{self.name}: late has {list(self.late)}, but @{self.fn} has {len(arguments)} arguments")
        _Splitter(function, block, names).split(set(self.late), self.results)
        function.erase()


class _Splitter:
    def __init__(self, function: ir.Operation, block: ir.Block, names: Sequence[str]) -> None:
        self.function, self.block, self.names = function, block, names

    def split(self, late: set[int], results: int) -> None:
        """Build both functions behind the one that is split."""
        arguments = list(self.block.arguments)
        depends = {arguments[i] for i in late}
        self._drop_barriers(depends)
        self._separate_regions(depends)
        *operations, end = (view.operation for view in self.block.operations)
        early = []
        for op in operations:
            if any(value in depends for value in used_values(op)):
                depends.update(op.results)
            else:
                early.append(op)
        returned = list(end.operands)
        for i, value in enumerate(returned[:results]):
            if value in depends:
                place = source_place(self.function.location)
                raise AstraError(f"{place}: result {i} depends on an argument that only the second part has")

        early_set = set(early)
        late_operations = [op for op in operations if op not in early_set]
        used = {value for op in late_operations for value in used_values(op)} | set(returned[results:])
        computed = {result for op in early for result in op.results}
        free = [argument for i, argument in enumerate(arguments) if i not in late]
        given = _Given(computed)
        residuals = choose(early, [v for v in used if v in computed], given, recompute_cheap=True)
        kept = list(dict.fromkeys(residuals.kept))

        self._build(self.names[0], free, early, [*returned[:results], *kept])
        late_arguments = [*free, *kept, *(arguments[i] for i in sorted(late))]
        self._build(self.names[1], late_arguments, [*residuals.recomputed, *late_operations], returned[results:])

    def _drop_barriers(self, depends: set[ir.Value]) -> None:
        """Remove barriers in front of what reverse mode computes again: the parts are separate now."""
        known = set(depends)
        for view in list(self.block.operations):
            op = view.operation
            if any(value in known for value in used_values(op)):
                known.update(op.results)
            elif op.name == "astra.optimization_barrier":
                for result, operand in zip(list(op.results), list(op.operands), strict=True):
                    result.replace_all_uses_with(operand)
                op.erase()
        simplify(self.block)

    def _separate_regions(self, depends: set[ir.Value]) -> None:
        """Run a loop, branch or sort twice of whose results some depend on late arguments: once for the others alone.

        So the early one needs nothing that is late: simplification leaves the late carries, operands and results out.
        """
        _separate(self.block, set(depends))
        simplify(self.block)

    def _build(
        self, name: str, arguments: Sequence[ir.Value], operations: Sequence[ir.Operation], returned: Sequence[ir.Value]
    ) -> None:
        """A function of copies of the operations, which use nothing but the arguments and each other."""
        types = [x.type for x in arguments], [x.type for x in returned]
        function = ir.Operation.create(
            "func.func", regions=1, loc=self.function.location, ip=ir.InsertionPoint(self.function),
            attributes={
                "sym_name": ir.StringAttr.get(name),
                "function_type": ir.TypeAttr.get(ir.FunctionType.get(*types)),
            },
        )  # fmt: skip
        block = function.regions[0].blocks.append(*types[0], arg_locs=[self.function.location] * len(types[0]))
        mapping: dict[ir.Value, ir.Value] = dict(zip(arguments, block.arguments, strict=True))
        for op in operations:
            copy = op.clone(ip=ir.InsertionPoint(block)).operation
            replace_operands(copy, mapping)
            mapping.update(zip(op.results, copy.results, strict=True))
        ir.Operation.create(
            "func.return", operands=[mapping[x] for x in returned], loc=self.function.location,
            ip=ir.InsertionPoint(block),
        )  # fmt: skip
        simplify(block)


_BODIES = ("astra.if", "astra.scan", "astra.while")


def _separate(block: ir.Block, values: set[ir.Value]) -> None:
    """Copy operations of whose results some depend on ``values``, and give the copies' to what uses these results."""
    for view in list(block.operations):
        op = view.operation
        found = dependent_results(op, values)
        values.update(result for result, late in zip(op.results, found, strict=True) if late)
        if not any(found) or all(found):
            continue
        if op.name == "astra.sort":  # both parts must put equal elements in the same order
            op.attributes["is_stable"] = ir.BoolAttr.get(True)
        inside = dependents_inside(op, values)
        copy = op.clone(ip=ir.InsertionPoint.after(op)).operation
        for result, new, late in zip(op.results, copy.results, found, strict=True):
            if late:
                result.replace_all_uses_with(new)
                values.add(new)
        if op.name in _BODIES:
            # The late carries of an inner loop would keep those of this one alive; its copy may keep both as they are.
            for region in op.regions:
                _separate(only_block(region), set(inside))


@dataclass(frozen=True)
class _Given:
    """What both parts have: everything that the first one does not compute."""

    computed: set[ir.Value]

    def __contains__(self, value: object) -> bool:
        return value not in self.computed
