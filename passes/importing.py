"""``astra-import``: StableHLO and CHLO to the Astra dialect.

Every function and region body is converted in place, one operation after another, by the rules of
``passes/import_rules``.  Signatures, calls, argument and result attributes, visibility and source locations stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from astra_mlir.bindings import ir, passmanager
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.core import Pass, register_pass
from astra_mlir.passes.import_rules.control import is_known_composite
from astra_mlir.passes.import_rules.core import IMPORT, Importer
from astra_mlir.passes.import_rules.rejected import REJECTED_TYPES
from astra_mlir.passes.import_rules.tokens import CREATORS, replace_tokens, takes_tokens
from astra_mlir.passes.inline import symbols_used

__all__ = ["ImportPass"]

_LEGALIZE_VHLO = "builtin.module(vhlo-legalize-to-stablehlo)"
_LEGALIZE_CHLO = "builtin.module(func.func(chlo-legalize-to-stablehlo,shape-legalize-to-stablehlo))"


@register_pass
@dataclass(frozen=True)
class ImportPass(Pass):
    """Convert a StableHLO and CHLO program to the Astra dialect.

    Before::

        %0 = "stablehlo.reduce"(%x, %zero) <{dimensions = array<i64: 1>}> ({
          ^bb0(%a: tensor<f32>, %b: tensor<f32>):
            %s = stablehlo.add %a, %b : tensor<f32>
            stablehlo.return %s : tensor<f32>
        }) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>

    After::

        %0 = "astra.reduce"(%x, %zero) ({}) {dimensions = array<i64: 1>, kind = "add"}
            : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>

    Raises :class:`~astra_mlir.errors.UnsupportedError` for what Astra does not have: quantized types and
    communication between devices.
    """

    name: ClassVar[str] = "astra-import"
    summary: ClassVar[str] = "convert StableHLO and CHLO to the Astra dialect"

    def run(self, module: ir.Operation) -> None:
        if any(op.operation.name.startswith("vhlo.") for op in module.regions[0].blocks[0].operations):
            passmanager.PassManager.parse(_LEGALIZE_VHLO).run(module)
        survey = _Survey()
        survey.look_at(module.regions[0].blocks[0])
        if survey.tokens or takes_tokens(module):
            replace_tokens(module)
        importer = Importer()
        # Functions of CHLO that Astra has are converted before upstream would write the others out.
        if survey.chlo:
            for op in survey.chlo:
                if op.name in IMPORT:
                    importer.convert(op)
                    survey.converted += 1
            if survey.converted < len(survey.chlo):
                try:
                    passmanager.PassManager.parse(_LEGALIZE_CHLO).run(module)
                except ir.MLIRError as error:
                    raise UnsupportedError(
                        f"CHLO operations that have no StableHLO form for their types: {error}"
                    ) from None
        functions = [op for op in module.regions[0].blocks[0].operations if op.operation.name == "func.func"]
        unused = survey.decompositions - survey.called
        for function in functions:
            if _symbol(function) in unused and _is_private(function):
                function.operation.erase()
                continue
            _check_signature(function)
            for block in function.regions[0].blocks:
                importer.convert_block(block)
        importer.finish()


class _Survey:
    """What a first walk over all operations finds: CHLO operations, and which functions are called or decompose."""

    def __init__(self) -> None:
        self.chlo: list[ir.Operation] = []
        self.converted = 0
        self.tokens = False
        self.called: set[str] = set()
        self.decompositions: set[str] = set()  # what composites with a rule of their own would decompose to

    def look_at(self, block: ir.Block) -> None:
        for op in block.operations:
            name = op.operation.name
            if name.startswith("chlo."):
                self.chlo.append(op)
            elif name in CREATORS:
                self.tokens = True
            elif name == "func.call":
                self.called.add(op.attributes["callee"].value)
            elif name == "stablehlo.composite":
                known = is_known_composite(op.attributes["name"].value)
                (self.decompositions if known else self.called).add(op.attributes["decomposition"].value)
            elif name == "stablehlo.custom_call":
                self.called.update(symbols_used(op))
            for region in op.regions:
                for inner in region.blocks:
                    self.look_at(inner)


def _symbol(function: ir.Operation) -> str:
    return function.attributes["sym_name"].value


def _is_private(function: ir.Operation) -> bool:
    attributes = function.attributes
    return "sym_visibility" in attributes and attributes["sym_visibility"].value == "private"


def _check_signature(function: ir.Operation) -> None:
    type = ir.FunctionType(function.attributes["function_type"].value)
    for what, types in (("argument", type.inputs), ("result", type.results)):
        for number, given in enumerate(types):
            text = str(given)
            for beginning, why in REJECTED_TYPES.items():
                if text.startswith(beginning) or (beginning.startswith("!") and beginning in text):
                    raise UnsupportedError(
                        f"{source_place(function.location)}: function '{_symbol(function)}': {what} {number} has type "
                        f"{text}: {why}"
                    )
