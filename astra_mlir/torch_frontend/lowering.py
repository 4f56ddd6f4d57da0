"""Graphs of PyTorch's core operations to StableHLO: torch-mlir's importer and conversion, in a context of their own.

Between ``torch_frontend/capture.py``, which makes the graphs, and the program.  Markers pass through the torch dialect
as calls of functions that are declared only, and become custom calls after the conversion.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from torch.fx import GraphModule

from astra_mlir.bindings import func, ir, passmanager, torch_context, torch_importer
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.signature import numpy_dtype
from astra_mlir.torch_frontend import markers
from astra_mlir.torch_frontend.arrays import dtype_of
from astra_mlir.torch_frontend.markers import Rule, node_place, outputs_of

__all__ = ["lowered"]

_fx = torch_importer()


class _Importer(_fx.GraphNodeImporter):  # type: ignore[misc, name-defined]
    """torch-mlir's importer of a graph's nodes, with markers as calls of functions that are declared only."""

    def _import_torch_op_overload(self, loc: Any, node: Any, *rest: Any) -> None:
        if node.target not in (markers.call, markers.stop_gradient, *markers.direct):
            super()._import_torch_op_overload(loc, node, *rest)
            return
        is_call = node.target is markers.call
        operands, values = (node.args[0], node.meta["val"]) if is_call else (node.args, [node.meta["val"]])
        with loc, ir.InsertionPoint(self._b):
            inputs = [self._import_argument(loc, operand) for operand in operands]
            types = [self._cc.tensor_to_vtensor_type(value) for value in values]
            kind = node.args[1] if is_call else node.target._schema.name.removeprefix("astra::")
            name = f"{_MARKER}{kind}.{next(_marker_count)}"
            results = func.CallOp(types, ir.FlatSymbolRefAttr.get(name), inputs).results
            signature = ir.FunctionType.get([value.type for value in inputs], types)
            func.FuncOp(name, signature, visibility="private", ip=self.fx_importer._m_ip)
        if not is_call:
            self.bind_node_value(node, results[0])
            return
        for user in node.users:
            self.bind_node_value(user, results[user.args[1]])

    def _import_getitem(self, loc: Any, node: Any) -> None:
        if node.args[0].target is not markers.call:
            super()._import_getitem(loc, node)


_MARKER = "astra.marker."
_marker_count = itertools.count()
# The pipelines of torch-mlir for graphs and for StableHLO, without what would take CHLO operations apart, allow for
# dynamic shapes, or refuse calls.
_CANONICALIZE = "func.func(canonicalize),func.func(cse)"
_TO_BACKEND = (
    "func.func(torch-match-quantized-custom-ops,torch-reduce-op-variants{extra-library=}),func.func(canonicalize),"
    "func.func(torch-decompose-complex-ops,torch-recompose-complex-ops),func.func(canonicalize)"
)
_TO_STABLEHLO = (
    "func.func(convert-torch-to-stablehlo{enable-static-shape=true},convert-torch-to-arith),"
    f"{_CANONICALIZE},torch-func-backend-type-conversion-for-stablehlo,{_CANONICALIZE},"
    "func.func(torch-finalizing-backend-type-conversion-for-stablehlo,stablehlo-canonicalize-dynamism),"
    f"{_CANONICALIZE},func.func(stablehlo-legalize-deprecated-ops)"
)


def lowered(graph: GraphModule, rules: dict[int, Rule]) -> ir.Module:
    """A StableHLO module whose function @main is the graph; functions of the rules that it applies are private."""
    context = torch_context()
    importer = _fx.FxImporter(context=context, config_check=False, graph_node_importer_cls=_Importer)
    symbols: dict[int, list[str]] = {}
    graphs: dict[str, GraphModule] = {}
    waiting = [("main", graph)]
    while waiting:
        name, part = waiting.pop()
        _import(importer, name, part)
        graphs[name] = part
        for node in part.graph.find_nodes(op="call_function", target=markers.call):
            number = node.args[1]
            if number not in symbols:
                rule = rules[number]
                symbols[number] = [
                    f"{rule.name}.{len(symbols)}" + ("" if symbol == "callee" else f".{symbol}")
                    for symbol in rule.functions
                ]
                waiting += zip(symbols[number], rule.functions.values(), strict=True)
    module = importer.module
    for pipeline in (_TO_BACKEND, _TO_STABLEHLO):
        _run_passes(module, pipeline)
    with context, ir.Location.unknown():
        _finish(module, rules, symbols)
        _check_results(module, graphs)
    return module


def _import(importer: Any, name: str, part: GraphModule) -> None:
    visibility = None if name == "main" else "private"
    try:
        importer.import_stateless_graph(part.graph, func_name=name, func_visibility=visibility)
    except (NotImplementedError, TypeError, AssertionError, KeyError) as error:
        raise UnsupportedError(
            f"in '{name}': torch-mlir cannot import the traced program (an operation or element type that it does not "
            f"have): {error}"
        ) from error


def _run_passes(module: ir.Module, pipeline: str) -> None:
    """Run passes; raises :class:`UnsupportedError` with the first operation that they do not convert."""
    with module.context:
        try:
            passmanager.PassManager.parse(f"builtin.module({pipeline})").run(module.operation)
        except ir.MLIRError as error:
            raise _unconverted(module, str(error)) from None


_ERROR = re.compile(r"^error: (?P<place>.*?): (?P<text>[^:\n]*)(?P<rest>.*)", re.MULTILINE)


def _unconverted(module: ir.Module, text: str) -> Exception:
    """What to raise where torch-mlir's passes fail: names the operation that they refused."""
    messages = list(_ERROR.finditer(text))
    for message in messages:
        name = re.search(r"failed to legalize operation '([^']+)'", message["text"])
        if name is not None and name[1].startswith(("torch.aten", "torch.operator", "torch.prims")):
            real = re.search(r'name = "([^"]+)"', message["rest"]) if name[1] == "torch.operator" else None
            return _no_lowering((real or name)[1], message["place"].replace('"', ""))
    reason = re.search(r'message = "(?:unimplemented: )?([^"]+)"', text)
    # Else what was refused is an operand of an operation that was not converted.
    for op in _operations(module.operation):
        if op.name.startswith(("torch.aten.", "torch.prims.")) and op.name not in _CONVERTED_LATE and not reason:
            return _no_lowering(op.name, source_place(op.location))
    place = messages[0]["place"].replace('"', "") if messages else "unknown location"
    what = reason[1] if reason else (messages[0]["text"] + messages[0]["rest"] if messages else text).strip()
    return UnsupportedError(
        f"{place}: torch-mlir has no right lowering to StableHLO for this ({what}); write it with other operations"
    )


_CONVERTED_LATE = ("torch.aten.empty.memory_format", "torch.aten.size.int")


def _no_lowering(name: str, place: str) -> UnsupportedError:
    return UnsupportedError(
        f"{place}: {name.removeprefix('torch.')} has no lowering to StableHLO for these arguments; write it with other "
        "operations"
    )


def _operations(op: ir.Operation) -> Iterator[ir.Operation]:
    """Every operation nested in one."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield inner.operation
                yield from _operations(inner.operation)


def _finish(module: ir.Module, rules: dict[int, Rule], symbols: dict[int, list[str]]) -> None:
    """Turn calls of markers into custom calls, and refuse what was not converted."""
    for function in [op.operation for op in module.body.operations]:
        name = ir.StringAttr(function.attributes["sym_name"]).value
        if name.startswith(_MARKER):
            function.erase()
            continue
        for op in [op.operation for op in function.regions[0].blocks[0].operations]:
            for result in op.results:
                if isinstance(result.type, ir.RankedTensorType) and not result.type.has_static_shape:
                    raise UnsupportedError(
                        f"{source_place(op.location)}: torch-mlir gives {op.name} the type {result.type}, whose shape "
                        "is not known before the program runs; write it with other operations"
                    )
            if op.name == "func.call":
                _custom_call(op, rules, symbols)
            elif op.name == "arith.constant" and isinstance(op.results[0].type, ir.RankedTensorType):
                _replace(op, "stablehlo.constant", {"value": op.attributes["value"]})
            elif not op.name.startswith(_KNOWN):
                raise UnsupportedError(
                    f"{source_place(op.location)}: {op.name} is left after the conversion to StableHLO; shapes known "
                    "before the program runs are required"
                )


_KNOWN = ("stablehlo.", "chlo.", "func.return")


def _check_results(module: ir.Module, graphs: dict[str, GraphModule]) -> None:
    """Refuse a program whose results are not of the shapes and types that PyTorch gives them."""
    for function in [op.operation for op in module.body.operations]:
        name = ir.StringAttr(function.attributes["sym_name"]).value
        types = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value).results
        for found, node in zip(types, outputs_of(graphs[name]), strict=True):
            value = node.meta["val"]
            if list(found.shape) != list(value.shape) or dtype_of(numpy_dtype(found.element_type)) != value.dtype:
                raise UnsupportedError(
                    f"{node_place(node)}: torch-mlir gives a result the type {found}, which in PyTorch has the shape "
                    f"{tuple(value.shape)} and the type {value.dtype}; write it with other operations"
                )


def _custom_call(op: ir.Operation, rules: dict[int, Rule], symbols: dict[int, list[str]]) -> None:
    marker = ir.FlatSymbolRefAttr(op.attributes["callee"]).value.removeprefix(_MARKER).partition(".")[0]
    for name in markers.direct.values():
        if name == f"stablehlo.{marker}":
            _replace(op, name, {})
            return
    rule = rules[int(marker)] if marker.isdigit() else Rule("stop_gradient", "", {})
    names = symbols[int(marker)] if marker.isdigit() else []
    config = {name: _attribute(value) for name, value in rule.attributes.items()}
    config["symbols"] = ir.ArrayAttr.get([ir.StringAttr.get(name) for name in rule.functions])
    attributes = {
        "call_target_name": ir.StringAttr.get(f"astra.{rule.kind}"),
        "called_computations": ir.ArrayAttr.get([ir.FlatSymbolRefAttr.get(name) for name in names]),
        "backend_config": ir.DictAttr.get(config),
        "api_version": ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 4),
    }
    _replace(op, "stablehlo.custom_call", attributes)


def _attribute(value: int | str | list[int]) -> ir.Attribute:
    if isinstance(value, int):
        return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)
    return ir.StringAttr.get(value) if isinstance(value, str) else ir.DenseI64ArrayAttr.get(value)


def _replace(op: ir.Operation, name: str, attributes: dict[str, ir.Attribute]) -> None:
    """Put an operation of the same operands and result types in the place of another."""
    new = ir.Operation.create(
        name,
        results=[result.type for result in op.results],
        operands=list(op.operands),
        attributes=attributes,
        loc=op.location,
        ip=ir.InsertionPoint(op),
    )
    for old, result in zip(op.results, new.results, strict=True):
        old.replace_all_uses_with(result)
    op.erase()
