"""``astra-autodiff``: derivatives of functions, in forward and in reverse mode.

The rules are in ``autodiff_rules``, how transformations nest is in ``transforms.py``; docs/autodiff.md builds the
engine up from one operation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from astra_mlir.bindings import ir
from astra_mlir.dialects import build
from astra_mlir.dialects.transforms import VJP_POLICIES, cotangent_type, is_inexact
from astra_mlir.errors import AstraError
from astra_mlir.passes import autodiff_rules as autodiff_rules
from astra_mlir.passes.autodiff_rules.engine import Forward, Policy, Reverse, operations_of, terminator_of
from astra_mlir.passes.autodiff_rules.residuals import recompute_in_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.rematerialize import rematerialize
from astra_mlir.passes.simplify import simplify
from astra_mlir.passes.transforms import (
    DERIVATIONS,
    Expansion,
    clone_function,
    entry_block,
    expand,
    find_function,
    functions_of,
    prepare,
    set_function_type,
)

__all__ = ["AutodiffPass"]


def _set_returned(block: ir.Block, values: list[ir.Value]) -> None:
    old = terminator_of(block)
    ir.Operation.create(old.name, operands=values, loc=old.location, ip=ir.InsertionPoint(old))
    old.erase()


def _derive_jvp(expansion: Expansion, callee: ir.Operation, attributes: dict[str, Any]) -> ir.Operation:
    """``f.jvp``: takes the arguments and the tangents of ``argnums``, gives the results and their tangents."""
    function = expansion.new_function(callee, "jvp")
    block = entry_block(function)
    engine = Forward(expansion, expansion.policy or Policy())
    arguments = list(block.arguments)
    for i in attributes["argnums"]:
        engine.tangents[arguments[i]] = block.add_argument(arguments[i].type, function.location)
    engine.block(block)
    returned = list(terminator_of(block).operands)
    engine.b.before(terminator_of(block))
    tangents = [engine.tangent(value) for value in returned if is_inexact(value.type)]
    _set_returned(block, [*returned, *tangents])
    set_function_type(function)
    return function


def _derive_vjp(expansion: Expansion, callee: ir.Operation, attributes: dict[str, Any]) -> ir.Operation:
    """``f.vjp``: takes the arguments and the cotangents of the results, gives the results and those of ``argnums``."""
    function = expansion.new_function(callee, "vjp")
    block = entry_block(function)
    engine = Reverse(expansion, _policy(expansion.policy or Policy(), attributes))
    arguments = [block.arguments[i] for i in attributes["argnums"]]
    engine.varied.update(x for x in arguments if is_inexact(x.type))
    operations, end = operations_of(block), terminator_of(block)
    cotangents: dict[ir.Value, ir.Value] = {}
    engine.b.before(end)
    border = engine.b.op("optimization_barrier", (), ())
    seeds = [
        (value, block.add_argument(value.type, function.location)) for value in end.operands if is_inexact(value.type)
    ]
    autodiff_rules.engine.varied_values(operations, engine.varied)
    for i, (value, cotangent) in enumerate(seeds):
        if i not in attributes.get("zero_cotangents", ()):
            engine.accumulate(cotangents, value, cotangent)
    engine.run(operations, cotangents)
    # Not where a derivative of this one is taken: that would be of both computations of a value.
    if engine.policy.recompute_cheap and not expansion.differentiated:
        everything = operations_of(block)
        recompute_in_place(block, everything[: everything.index(border)], terminator_of(block).operands)
    border.erase()
    engine.b.before(terminator_of(block))
    found = [cotangents[x] if x in cotangents else engine.b.zeros(cotangent_type(x.type)) for x in arguments]
    _set_returned(block, [*terminator_of(block).operands, *found])
    set_function_type(function)
    if "memory_budget" in attributes:
        simplify(block)  # what is dead or repeated needs no memory
        rematerialize(block, attributes["memory_budget"])
    return function


def _policy(given: Policy, attributes: dict[str, Any]) -> Policy:
    """What the operation says of keeping and bounds, else what the pass was told."""
    cheap = attributes["policy"] == "recompute-cheap" if "policy" in attributes else given.recompute_cheap
    return Policy(recompute_cheap=cheap, while_bound=attributes.get("while_bound", given.while_bound))


DERIVATIONS["astra.jvp"] = _derive_jvp
DERIVATIONS["astra.vjp"] = _derive_vjp


# --- the pass ----------------------------------------------------------------------------------------------------

_MODES = {"forward": "jvp", "reverse": "vjp"}


@register_pass
@dataclass(frozen=True)
class AutodiffPass(Pass):
    """Expand ``astra.jvp`` and ``astra.vjp``, or with ``fn`` replace a function by its derivative.

    Before (``astra-autodiff{fn=main mode=reverse wrt=0}``)::

        func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
          %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          return %0 : tensor<4xf32>
        }

    After::

        func.func @main(%x: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          %1 = "astra.cosine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
          %2 = "astra.multiply"(%c, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          return %0, %2 : tensor<4xf32>, tensor<4xf32>
        }

    With ``mode=forward`` the new function takes the arguments and a tangent for each of ``wrt``, and gives the results
    and their tangents (``astra.jvp``); with ``mode=reverse`` it takes a cotangent for each float or complex result and
    gives the results and the cotangents of ``wrt`` (``astra.vjp``).  A module in StableHLO is imported first.  Raises
    :class:`~astra_mlir.errors.UnsupportedError` naming the operation that has no derivative, and its place.
    """

    name: ClassVar[str] = "astra-autodiff"
    summary: ClassVar[str] = "expand derivatives of functions, in forward and reverse mode"

    fn: str = field(default="", metadata={"doc": "the function to replace by its derivative"})
    mode: str = field(default="", metadata={"doc": "of fn: forward or reverse (the default)"})
    wrt: tuple[int, ...] = field(default=(), metadata={"doc": "of fn: the arguments to differentiate by (default 0)"})
    policy: str = field(default="recompute-cheap", metadata={"doc": "what loops keep: save-all or recompute-cheap"})
    while_bound: int = field(default=0, metadata={"doc": "the most iterations of while loops, for reverse mode"})

    def run(self, module: ir.Operation) -> None:
        """Expand the derivatives in ``module``."""
        if not self.fn and (self.mode or self.wrt):
            raise AstraError(f"{self.name}: mode and wrt are of the function 'fn', which is not given")
        if self.mode not in ("", *_MODES):
            raise AstraError(f"{self.name}: mode '{self.mode}' is not one of {', '.join(_MODES)}")
        if self.policy not in VJP_POLICIES:
            raise AstraError(f"{self.name}: policy '{self.policy}' is not one of {', '.join(VJP_POLICIES)}")
        prepare(module)
        if self.fn:
            self._request(module)
        policy = Policy(recompute_cheap=self.policy == "recompute-cheap", while_bound=self.while_bound)
        expand(module, [f"astra.{kind}" for kind in _MODES.values()], policy)

    def _request(self, module: ir.Operation) -> None:
        """Put a transformation of ``fn`` in its place."""
        mode, wrt = self.mode or "reverse", self.wrt or (0,)
        function = find_function(module, self.fn, self.name)
        function_type = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        inputs, results = list(function_type.inputs), list(function_type.results)
        for i in wrt:
            if not 0 <= i < len(inputs):
                raise AstraError(f"{self.name}: wrt has {i}, but @{self.fn} has {len(inputs)} arguments")
            if mode == "forward" and not is_inexact(inputs[i]):
                raise AstraError(f"{self.name}: argument {i} of @{self.fn} is {inputs[i]}, which has no tangents")
        if len(set(wrt)) != len(wrt):
            raise AstraError(f"{self.name}: wrt names an argument twice: {list(wrt)}")
        base = f"{self.fn}.primal"
        while base in functions_of(module):
            base += "_"
        clone_function(function, base)
        inexact = [type for type in results if is_inexact(type)]
        if mode == "forward":
            given, found = [inputs[i] for i in wrt], inexact
        else:
            given, found = inexact, [cotangent_type(inputs[i]) for i in wrt]
        region = function.regions[0]
        location = function.location
        block = ir.Block.create_at_start(region, [*inputs, *given], [location] * (len(inputs) + len(given)))
        op = build(
            _MODES[mode], list(block.arguments), [*results, *found], callee=base, argnums=list(wrt),
            loc=location, ip=ir.InsertionPoint(block),
        )  # fmt: skip
        ir.Operation.create("func.return", operands=list(op.results), loc=location, ip=ir.InsertionPoint(block))
        _erase_last_block(region)
        for attribute in ("arg_attrs", "res_attrs"):
            if attribute in function.attributes:
                del function.attributes[attribute]
        set_function_type(function)


def _erase_last_block(region: ir.Region) -> None:
    """Drop the body that a new one has taken the place of (a block goes with the operation that holds its region)."""
    old = list(region.blocks)[-1]
    holder = ir.Operation.create("builtin.module", regions=1)
    old.append_to(holder.regions[0])
    holder.erase()
