"""``astra-recognize-attention``: builds ``astra.attention`` and ``astra.attention_gradient`` from what it found."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import build
from astra_mlir.passes.attention_axes import Axis, Labels, axes_in, flat, forward
from astra_mlir.passes.attention_masks import Causal, General

if TYPE_CHECKING:
    from astra_mlir.passes.recognize_attention import Candidate, Operand

__all__ = ["replace_attention"]

_PRIMALS = {"query_cotangent": "query", "key_cotangent": "key", "value_cotangent": "value"}


def replace_attention(
    candidate: Candidate, operations: Sequence[ir.Operation], position: dict[ir.Operation, int]
) -> bool:
    """Replace a complete candidate; whether its dimensions are ones that the operations have."""
    builder = _Builder(candidate, operations, position)
    if not builder.find_letters():
        return False
    builder.replace()
    return True


class _Builder:
    """Letters for the axes of one attention, and the operations built with them."""

    def __init__(
        self, candidate: Candidate, operations: Sequence[ir.Operation], position: dict[ir.Operation, int]
    ) -> None:
        self.c, self.operations, self.position = candidate, operations, position
        self.letters: dict[Axis, str] = {}
        self.sizes: dict[str, int] = {}
        self.groups: list[tuple[Axis, ...]] = []
        self.ip: ir.InsertionPoint | None = None
        self.loc = candidate.product.location

    # --- letters -----------------------------------------------------------------------------------------------------

    def find_letters(self) -> bool:
        """Name the axes; whether there is one dimension of columns, of depth and of features, and every mask fits."""
        c = self.c
        assert c.query is not None and c.key is not None and c.value is not None and c.column is not None
        assert c.final is not None
        # Where results are transposed or reshaped, the attention writes them so.
        self.places = {kind: [self.destination(*found) for found in all_] for kind, all_ in c.results.items()}
        query, key, value = (axes_in(x.labels) for x in (c.query, c.key, c.value))
        column = flat((c.column,))
        self.batch = [axis for axis in query if axis in key and axis in value]
        self.rows = [axis for axis in query if axis not in key]
        depth = [axis for axis in key if axis not in self.batch and axis not in column]
        feature = [axis for axis in value if axis not in self.batch and axis not in column]
        self.groups = [tuple(column), tuple(depth), tuple(feature)]
        if not all(self.groups):
            return False
        names = iter(string.ascii_lowercase)
        for axes in (*([axis] for axis in (*self.batch, *self.rows)), *self.groups):
            name = next(names)
            self.letters |= dict.fromkeys(axes, name)
            self.sizes[name] = prod(axis.size for axis in axes)
        self.column, self.depth, self.feature = (self.letters[group[0]] for group in self.groups)
        self.causal: str | None = None
        self.masks: list[General] = []
        for term in c.final.masks:
            mask = term
            if isinstance(term, Causal):
                row, last = flat((term.row,)), flat((term.column,))
                if self.causal is None and last == tuple(column) and len(row) == len(last) == 1 and row[0] in self.rows:
                    self.causal = self.letters[row[0]] + self.column
                    self.offset = term.offset
                    continue
                mask = term.table  # the other edge of a window, for one
            if mask is None:
                return False
            self.masks.append(mask)
        labels = [x.labels for x in (c.query, c.key, c.value, c.cotangent) if x is not None]
        labels += [labels for all_ in self.places.values() for _, labels in all_]
        labels += [mask.labels for mask in self.masks]
        labels += [c.final.bias[1]] if c.final.bias else []
        return all(self.text(x) is not None for x in labels)

    def text(self, labels: Labels) -> str | None:
        """The letters of a value, those of joined axes once; ``None`` where these are not side by side, in order."""
        axes, found = list(axes_in(labels)), ""
        while axes:
            group = next((group for group in self.groups if axes[0] in group), (axes[0],))
            if tuple(axes[: len(group)]) != group or axes[0] not in self.letters:
                return None
            found += self.letters[axes[0]]
            axes = axes[len(group) :]
        return found if len(set(found)) == len(found) else None

    def subscripts(self, labels: Labels) -> str:
        found = self.text(labels)
        assert found is not None  # find_letters has seen it
        return found

    def named(self, axes: Iterable[Axis]) -> str:
        return "".join(dict.fromkeys(self.letters[axis] for axis in axes))

    def destination(self, value: ir.Value, labels: Labels) -> tuple[ir.Value, Labels]:
        """What becomes of a result by moving its elements, as far as nothing else uses what is between."""
        while True:
            uses = list(value.uses)
            if len(uses) != 1 or uses[0].owner.operation.name not in ("astra.transpose", "astra.reshape"):
                return value, labels
            op = uses[0].owner.operation
            following = forward(op, labels)
            if following is None:
                return value, labels
            value, labels = op.results[0], following

    # --- building ----------------------------------------------------------------------------------------------------

    def place_after(self, values: Iterable[ir.Value]) -> ir.InsertionPoint:
        """Where all values are known.  To be asked before anything is replaced: that changes operations' hashes."""
        owners = [value.owner.operation for value in values if not isinstance(value.owner, ir.Block)]
        return ir.InsertionPoint(self.operations[max((self.position.get(op, -1) + 1 for op in owners), default=0)])

    def build(
        self, name: str, operands: Sequence[ir.Value], types: Sequence[ir.Type], **attributes: Any
    ) -> ir.Operation:
        return build(name, operands, types, loc=self.loc, ip=self.ip, **attributes)

    def type(self, letters: str, element: ir.Type) -> ir.RankedTensorType:
        return ir.RankedTensorType.get([self.sizes[letter] for letter in letters], element)

    def shaped(self, value: ir.Value, letters: str) -> ir.Value:
        """The value with one dimension for each letter."""
        type = self.type(letters, value.type.element_type)
        return value if value.type == type else self.build("reshape", (value,), (type,)).results[0]

    def ordered(self, value: ir.Value, letters: str, wanted: str) -> ir.Value:
        """The value with its dimensions in another order."""
        if letters == wanted:
            return value
        type = self.type(wanted, value.type.element_type)
        return self.build("transpose", (value,), (type,), permutation=[letters.index(x) for x in wanted]).results[0]

    def operand(self, operand: Operand | None) -> tuple[ir.Value, str]:
        assert operand is not None
        letters = self.subscripts(operand.labels)
        return self.shaped(operand.value, letters), letters

    def all_masks(self) -> tuple[ir.Value, str]:
        """One mask, set where all are: lengths of queries and of keys have different dimensions."""
        found = []
        for term in self.masks:
            mask = term.value
            if term.inverted:
                mask = self.build("not", (mask,), (mask.type,)).results[0]
            letters = self.subscripts(term.labels)
            found.append((self.shaped(mask, letters), letters))
        if len(found) == 1:
            return found[0]
        wanted = [
            x for x in self.named(self.batch) + self.named(self.rows) + self.column if any(x in y for _, y in found)
        ]
        total: ir.Value | None = None
        for mask, letters in found:
            mask = self.ordered(mask, letters, "".join(x for x in wanted if x in letters))
            places = [i for i, letter in enumerate(wanted) if letter in letters]
            kind = self.type("".join(wanted), mask.type.element_type)
            wide = self.build("broadcast", (mask,), (kind,), dimensions=places).results[0]
            total = wide if total is None else self.build("and", (total, wide), (kind,)).results[0]
        assert total is not None
        return total, "".join(wanted)

    def modifiers(self) -> tuple[list[ir.Value], dict[str, Any]]:
        """The operands behind queries, keys and values, and the attributes of the scores."""
        c = self.c
        assert c.final is not None
        values, attributes = (
            [],
            {"scale": float(c.final.scale), "fill": float(-inf if c.final.fill is None else c.final.fill)},
        )
        if self.masks:
            mask, letters = self.all_masks()
            bytes_ = ir.RankedTensorType.get(list(mask.type.shape), ir.IntegerType.get_signless(8))
            values.append(self.build("convert", (mask,), (bytes_,)).results[0])
            attributes["mask"] = letters
        if c.final.bias is not None:
            letters = self.subscripts(c.final.bias[1])
            bias = self.shaped(c.final.bias[0], letters)
            values.append(self.build("negate", (bias,), (bias.type,)).results[0] if c.final.bias[2] else bias)
            attributes["bias"] = letters
        if self.causal is not None:
            attributes |= {"causal": self.causal, "offset": self.offset}
        if c.empty_is_zero:
            attributes["empty_is_zero"] = True
        return values, attributes

    def layout(self, kind: str, last: str, otherwise: str) -> tuple[str, ir.Type | None]:
        """How a result is written, and in which element type: as its first use has it, with ``last`` last."""
        if kind not in self.places:
            return otherwise, None
        value, labels = self.places[kind][0]
        letters = self.subscripts(labels)
        return letters if letters.endswith(last) else otherwise, value.type.element_type

    def use(self, kind: str, value: ir.Value, letters: str) -> None:
        """Let a result take the place of what the program computed."""
        for old, labels in self.places.get(kind, ()):
            new = self.ordered(value, letters, self.subscripts(labels))
            if new.type.element_type != old.type.element_type:
                type = ir.RankedTensorType.get(list(new.type.shape), old.type.element_type)
                new = self.build("convert", (new,), (type,)).results[0]
            if new.type != old.type:
                new = self.build("reshape", (new,), (old.type,)).results[0]
            old.replace_all_uses_with(new)

    def replace(self) -> None:
        """Build the operations and use their results."""
        c = self.c
        assert c.query is not None and c.key is not None and c.value is not None and c.final is not None
        sources = [c.query.value, c.key.value, c.value.value]
        sources += [mask.value for mask in self.masks]
        sources += [c.final.bias[0]] if c.final.bias else []
        self.ip = self.place_after(sources)
        after = self.place_after([*sources, *([c.cotangent.value] if c.cotangent else [])])
        operands, letters = zip(*(self.operand(x) for x in (c.query, c.key, c.value)), strict=True)
        modifiers, attributes = self.modifiers()
        rows = self.named(self.batch) + self.named(self.rows)
        result, element = self.layout("result", self.feature, rows + self.feature)
        element = element or operands[2].type.element_type
        wide = ir.F64Type.get() if any(str(x.type.element_type) == "f64" for x in operands) else ir.F32Type.get()
        subscripts = f"{','.join(letters)}->{result},{rows}"
        attention = self.build(
            "attention", (*operands, *modifiers), (self.type(result, element), self.type(rows, wide)),
            subscripts=subscripts, **attributes,
        )  # fmt: skip
        self.use("result", attention.results[0], result)
        if not set(_PRIMALS) & set(self.places):
            return
        assert c.cotangent is not None
        self.ip = after
        cotangent, given = self.operand(c.cotangent)
        canonical = "".join(sorted(given))
        assert canonical == "".join(sorted(result))
        gradients, types = [], []
        for kind, operand, primal, last in zip(
            _PRIMALS, operands, letters, (self.depth, self.depth, self.feature), strict=True
        ):
            otherwise = primal.replace(last, "") + last
            found, element = self.layout(kind, last, otherwise)
            gradients.append(found)
            types.append(self.type(found, element or operand.type.element_type))
        gradient = self.build(
            "attention_gradient",
            (*operands, *attention.results, self.ordered(cotangent, given, result), *modifiers), types,
            subscripts=subscripts, gradients=",".join(gradients), **attributes,
        )  # fmt: skip
        for kind, value, found in zip(_PRIMALS, gradient.results, gradients, strict=True):
            self.use(kind, value, found)
