"""The derivatives of attention in the order and the type in which a program takes them.

Behind ``astra.attention_gradient`` programs transpose derivatives and round them to the operands' type.  Its kernels
can write them so at once, since a result's subscripts and type are its own; they have them in a wider type anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from astra_mlir.bindings import ir
from astra_mlir.dialects.attention import subscripts_of
from astra_mlir.dialects.core import build, int_list

__all__ = ["take_results_as_used"]


def take_results_as_used(op: ir.Operation) -> None:
    """Replace an ``astra.attention_gradient`` by one whose results are as the program takes them.

    Before: ``%d:3 = attention_gradient ... gradients = "bhqd,..." -> f32`` and ``convert``, ``transpose`` of a result.
    After: ``%d:3 = attention_gradient ... gradients = "bqhd,..." -> bf16``; the others are left without users.
    """
    s = subscripts_of(op)
    found = [
        _Result(value, letters, (s.depth, s.feature)) for value, letters in zip(op.results, s.gradients, strict=True)
    ]
    for result in found:
        result.follow()
    if all(result.last == value for result, value in zip(found, op.results, strict=True)):
        return
    attributes = {name: op.attributes[name] for name in op.attributes}
    attributes["gradients"] = ir.StringAttr.get(",".join(result.letters for result in found))
    types = [ir.RankedTensorType.get(result.shape, result.last.type.element_type) for result in found]
    new = ir.Operation.create(
        op.name, results=types, operands=list(op.operands), attributes=attributes, loc=op.location,
        ip=ir.InsertionPoint(op),
    )  # fmt: skip
    for result, made in zip(found, new.results, strict=True):
        if made.type != result.last.type:
            made = build("reshape", (made,), (result.last.type,), loc=op.location, ip=ir.InsertionPoint(op)).results[0]
        result.last.replace_all_uses_with(made)


@dataclass
class _Result:
    """A derivative on its way: ``last`` is what the kernel can give, with dimensions ``letters`` and perhaps ones."""

    last: ir.Value
    letters: str
    innermost: tuple[str, str]  # one of these must be the last letter
    sizes: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.sizes = dict(zip(self.letters, self.last.type.shape, strict=True))

    @property
    def shape(self) -> list[int]:
        return [self.sizes[letter] for letter in self.letters]

    def follow(self) -> None:
        """Go on as long as a single operation takes the value, and only converts it once or moves its dimensions."""
        value, rounded = self.last, False
        ones = "".join(letter for letter in self.letters if self.sizes[letter] == 1)
        wide = "".join(letter for letter in self.letters if self.sizes[letter] > 1)  # of the value, in order
        while len(uses := list(value.uses)) == 1:
            op = uses[0].owner.operation
            if op.name == "astra.convert" and not rounded and _narrower(value, op.results[0]):
                rounded = True
            elif op.name == "astra.transpose":
                letters = iter(wide)
                places = [next(letters) if size > 1 else "" for size in value.type.shape]
                wide = "".join(places[d] for d in int_list(op, "permutation"))
            elif op.name != "astra.reshape" or _wide(value) != _wide(op.results[0]):
                return
            value = op.results[0]
            if (ones + wide)[-1] in self.innermost:
                self.last, self.letters = value, ones + wide


def _narrower(before: ir.Value, after: ir.Value) -> bool:
    kinds = before.type.element_type, after.type.element_type
    return isinstance(kinds[1], ir.FloatType) and 16 <= kinds[1].width < kinds[0].width


def _wide(value: ir.Value) -> list[int]:
    return [size for size in value.type.shape if size > 1]
