"""Import of dot products, einsums and convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from astra_mlir.bindings import ir, stablehlo
from astra_mlir.passes.import_rules.core import (
    Importer,
    attribute,
    integer,
    integers,
    refuse,
    rule,
    with_shape,
)

_PRECISIONS = ("DEFAULT", "HIGH", "HIGHEST")


def _precision(op: ir.Operation) -> str | None:
    """The highest precision that an operand asks for; a dot algorithm asks for at least full precision."""
    if attribute(op, "algorithm") is not None:
        return "HIGHEST"
    config = attribute(op, "precision_config")
    asked = [] if config is None else [stablehlo.PrecisionAttr(p).value for p in config]
    return max(asked, key=_PRECISIONS.index) if asked else None


def _factors(op: ir.Operation, b: Importer) -> list[ir.Value]:
    """The two operands; integers whose products are summed in floats become floats first."""
    element = op.results[0].type.element_type
    factors = list(op.operands)[:2]
    if not isinstance(element, ir.FloatType):
        return factors
    given = [x.type.element_type for x in factors]
    return b.element_convert(factors, [element if isinstance(x, ir.IntegerType) else x for x in given])


@rule("stablehlo.dot_general")
def _dot_general(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    numbers = stablehlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    return b.op(
        "dot_general",
        _factors(op, b),
        [op.results[0].type],
        lhs_batching_dimensions=list(numbers.lhs_batching_dimensions),
        rhs_batching_dimensions=list(numbers.rhs_batching_dimensions),
        lhs_contracting_dimensions=list(numbers.lhs_contracting_dimensions),
        rhs_contracting_dimensions=list(numbers.rhs_contracting_dimensions),
        precision=_precision(op),
    ).results


@rule("stablehlo.dot")
def _dot(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    lhs, rhs = _factors(op, b)
    return [
        b.emit(
            "dot_general",
            [lhs, rhs],
            op.results[0].type,
            lhs_batching_dimensions=[],
            rhs_batching_dimensions=[],
            lhs_contracting_dimensions=[lhs.type.rank - 1],
            rhs_contracting_dimensions=[0],
            precision=_precision(op),
        )
    ]


# --- einsum ------------------------------------------------------------------------------------------------------


def _labels(op: ir.Operation, ranks: Sequence[int]) -> list[list[str]]:
    """The labels of each operand and of the result; an ellipsis gets upper-case labels counted from the right."""
    config = op.attributes["einsum_config"].value.replace(" ", "")
    left, arrow, result = config.partition("->")
    terms = left.split(",")
    if not arrow or len(terms) != len(ranks):
        refuse(op, f"einsum_config '{config}' does not have {len(ranks)} operands and a result")
    hidden = max(
        (rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term),
        default=0,
    )
    expanded = []
    for term, rank in zip([*terms, result], [*ranks, None], strict=True):
        before, ellipsis, after = term.partition("...")
        count = hidden if rank is None else rank - len(before) - len(after)
        dots = [f"...{i}" for i in reversed(range(count))] if ellipsis else []
        labels = [*before, *dots, *after]
        if len(set(labels)) != len(labels):
            refuse(op, f"einsum_config '{config}' repeats a label within one term; take the diagonal first")
        if rank is not None and rank != len(labels):
            refuse(op, f"einsum_config '{config}' gives {len(labels)} labels to an operand of rank {rank}")
        expanded.append(labels)
    return expanded


def _sum_away(value: ir.Value, labels: list[str], keep: set[str], b: Importer) -> tuple[ir.Value, list[str]]:
    """Sum over the labels that are not kept."""
    dimensions = [d for d, label in enumerate(labels) if label not in keep]
    if not dimensions:
        return value, labels
    kept = [d for d in range(len(labels)) if d not in dimensions]
    type = with_shape(value.type, [value.type.shape[d] for d in kept])
    zero = b.scalar(0, type.element_type)
    value = b.emit("reduce", [value, zero], type, dimensions=dimensions, kind="add")
    return value, [labels[d] for d in kept]


def _transpose(value: ir.Value, labels: list[str], target: list[str], b: Importer) -> ir.Value:
    permutation = [labels.index(label) for label in target]
    if permutation == list(range(len(labels))):
        return value
    type = with_shape(value.type, [value.type.shape[d] for d in permutation])
    return b.emit("transpose", [value], type, permutation=permutation)


@rule("stablehlo.einsum")
def _einsum(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    operands = list(op.operands)
    lhs_labels, rhs_labels, result = _labels(op, [x.type.rank for x in operands])
    type = op.results[0].type
    lhs, lhs_labels = _sum_away(operands[0], lhs_labels, {*rhs_labels, *result}, b)
    rhs, rhs_labels = _sum_away(operands[1], rhs_labels, {*lhs_labels, *result}, b)
    batch = [x for x in lhs_labels if x in rhs_labels and x in result]
    contracting = [x for x in lhs_labels if x in rhs_labels and x not in result]
    lhs_free = [x for x in lhs_labels if x not in rhs_labels]
    rhs_free = [x for x in rhs_labels if x not in lhs_labels]
    labels = [*batch, *lhs_free, *rhs_free]
    if sorted(labels) != sorted(result):
        refuse(op, f"einsum_config '{op.attributes['einsum_config'].value}' has a result label that no operand has")
    sizes = dict(zip(result, type.shape, strict=True))
    value = b.emit(
        "dot_general",
        [lhs, rhs],
        with_shape(type, [sizes[label] for label in labels]),
        lhs_batching_dimensions=[lhs_labels.index(x) for x in batch],
        rhs_batching_dimensions=[rhs_labels.index(x) for x in batch],
        lhs_contracting_dimensions=[lhs_labels.index(x) for x in contracting],
        rhs_contracting_dimensions=[rhs_labels.index(x) for x in contracting],
    )
    return [_transpose(value, labels, result, b)]


@rule("stablehlo.unary_einsum")
def _unary_einsum(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    (operand,) = op.operands
    labels, result = _labels(op, [operand.type.rank])
    value, labels = _sum_away(operand, labels, set(result), b)
    if sorted(labels) != sorted(result):
        refuse(op, f"einsum_config '{op.attributes['einsum_config'].value}' has a result label that no operand has")
    return [_transpose(value, labels, result, b)]


# --- convolution -------------------------------------------------------------------------------------------------

_DIMENSION_NUMBERS = (
    "input_batch_dimension", "input_feature_dimension", "input_spatial_dimensions", "kernel_input_feature_dimension",
    "kernel_output_feature_dimension", "kernel_spatial_dimensions", "output_batch_dimension",
    "output_feature_dimension", "output_spatial_dimensions",
)  # fmt: skip


def _convolve(op: ir.Operation, operands: list[ir.Value], padding: list[int] | None, b: Importer) -> list[ir.Value]:
    numbers = stablehlo.ConvDimensionNumbers(op.attributes["dimension_numbers"])
    fields = {name: getattr(numbers, name) for name in _DIMENSION_NUMBERS}
    spatial = len(list(fields["input_spatial_dimensions"]))
    ones = [1] * spatial
    reversal = attribute(op, "window_reversal")
    value = b.emit(
        "convolution",
        operands,
        op.results[0].type,
        **{name: field if isinstance(field, int) else list(field) for name, field in fields.items()},
        window_strides=integers(op, "window_strides", ones),
        padding=padding,
        lhs_dilation=integers(op, "lhs_dilation", ones),
        rhs_dilation=integers(op, "rhs_dilation", ones),
        window_reversal=ir.DenseBoolArrayAttr.get([False] * spatial) if reversal is None else reversal,
        feature_group_count=integer(op, "feature_group_count"),
        batch_group_count=integer(op, "batch_group_count"),
        precision=_precision(op),
    )
    return [value]


@rule("stablehlo.convolution")
def _convolution(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    spatial = op.operands[0].type.rank - 2
    return _convolve(op, _factors(op, b), integers(op, "padding", [0] * (2 * spatial)), b)


@rule("stablehlo.dynamic_conv")
def _dynamic_conv(op: ir.Operation, b: Importer) -> Sequence[ir.Value]:
    lhs, rhs = _factors(op, b)
    padding = op.operands[2]
    known = b.constant_integers(padding)
    if known is not None:
        return _convolve(op, [lhs, rhs], known[0], b)
    return _convolve(op, [lhs, rhs, padding], None, b)
