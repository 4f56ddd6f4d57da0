"""Attention of the Astra dialect: what ``astra-recognize-attention`` makes of products, masks and a softmax."""

from __future__ import annotations

from dataclasses import dataclass

from astra_mlir.bindings import ir
from astra_mlir.dialects.checks import Tensor, operands, require_element, results
from astra_mlir.dialects.core import Attr, define, require, value_of
from astra_mlir.errors import VerificationError

__all__ = ["Subscripts", "subscripts_of"]


@dataclass(frozen=True)
class Subscripts:
    """The letters of the dimensions, sorted by what happens along them."""

    query: str
    key: str
    value: str
    result: str
    logsumexp: str
    mask: str | None
    bias: str | None
    gradients: tuple[str, ...] = ()

    @property
    def batch(self) -> str:
        return "".join(c for c in self.query if c in self.key and c in self.value)

    @property
    def rows(self) -> str:
        """Of the queries only."""
        return "".join(c for c in self.query if c not in self.key)

    @property
    def column(self) -> str:
        """Of the keys, along which the softmax is taken."""
        return "".join(c for c in self.key if c not in self.query)

    @property
    def depth(self) -> str:
        """Summed over in the scores."""
        return "".join(c for c in self.query if c in self.key and c not in self.value)

    @property
    def feature(self) -> str:
        """Of the values and the result."""
        return "".join(c for c in self.value if c not in self.key)


def subscripts_of(op: ir.Operation) -> Subscripts:
    """The subscripts of an ``astra.attention`` or ``astra.attention_gradient``."""
    inputs, arrow, outputs = value_of(op, "subscripts").partition("->")
    ins, outs = inputs.split(","), outputs.split(",")
    require(
        bool(arrow) and len(ins) == 3 and len(outs) == 2, "attribute 'subscripts' must be 'q,k,v->result,logsumexp'"
    )
    gradients = tuple(value_of(op, "gradients").split(",")) if op.name == "astra.attention_gradient" else ()
    return Subscripts(*ins, *outs, value_of(op, "mask"), value_of(op, "bias"), gradients)


def _check_sizes(named: list[tuple[Tensor, str]]) -> None:
    sizes: dict[str, int] = {}
    for tensor, letters in named:
        require(
            tensor.rank == len(letters) == len(set(letters)),
            f"{tensor.what} must have a dimension for each of '{letters}', but is {tensor.type}",
        )
        for letter, size in zip(letters, tensor.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise VerificationError(
                    f"dimension '{letter}' has size {sizes[letter]}, but {tensor.what} is {tensor.type}"
                )


def _modifiers(op: ir.Operation, subscripts: Subscripts, first: int) -> list[tuple[Tensor, str]]:
    found = operands(op)[first:]
    letters = [s for s in (subscripts.mask, subscripts.bias) if s is not None]
    require(
        len(found) == len(letters), f"has {len(found)} modifiers, but attributes 'mask' and 'bias' name {len(letters)}"
    )
    return list(zip(found, letters, strict=True))


def _check_letters(op: ir.Operation, subscripts: Subscripts) -> None:
    s = subscripts
    for name, letters in (("keys", s.column), ("products", s.depth), ("values", s.feature)):
        require(len(letters) == 1, f"must have one dimension of {name}, but has '{letters}' (C1)")
    require(set(s.key) == set(s.batch + s.column + s.depth), f"'{s.key}' has a dimension that is nowhere else (C1)")
    require(
        set(s.value) == set(s.batch + s.column + s.feature), f"'{s.value}' has a dimension that is nowhere else (C1)"
    )
    require(
        set(s.result) == set(s.batch + s.rows + s.feature),
        f"'{s.result}' must have '{s.batch + s.rows + s.feature}' (C2)",
    )
    require(set(s.logsumexp) == set(s.batch + s.rows), f"'{s.logsumexp}' must have '{s.batch + s.rows}' (C2)")
    require(s.result.endswith(s.feature), f"'{s.result}' must end in '{s.feature}' (C2)")
    for letters in (s.mask, s.bias):
        require(
            letters is None or set(letters) <= set(s.batch + s.rows + s.column),
            f"'{letters}' has a dimension that scores do not have (C3)",
        )
    causal = value_of(op, "causal")
    if causal is not None:
        require(
            len(causal) == 2 and causal[0] in s.rows and causal[1] == s.column,
            f"attribute 'causal' must be a letter of queries and that of keys, but is '{causal}' (C4)",
        )
        require(value_of(op, "offset", 0) >= 0, "attribute 'offset' must not be negative (C4)")


def _verify_attention(op: ir.Operation) -> None:
    s = subscripts_of(op)
    _check_letters(op, s)
    values, found = operands(op), results(op)
    for value in (*values[:3], *found):
        require_element(value, "f")
    _check_sizes(
        [
            *zip((*values[:3], *found), (s.query, s.key, s.value, s.result, s.logsumexp), strict=True),
            *_modifiers(op, s, 3),
        ]
    )


def _verify_gradient(op: ir.Operation) -> None:
    s = subscripts_of(op)
    _check_letters(op, s)
    values, found = operands(op), results(op)
    for value in (*values[:6], *found):
        require_element(value, "f")
    require(len(s.gradients) == 3, "attribute 'gradients' must name three results")
    for letters, primal in zip(s.gradients, (s.query, s.key, s.value), strict=True):
        require(set(letters) == set(primal), f"the gradient '{letters}' must have the dimensions '{primal}' (C2)")
        require(letters[-1:] in (s.depth, s.feature), f"the gradient '{letters}' must not end in '{letters[-1:]}' (C2)")
    named = (s.query, s.key, s.value, s.result, s.logsumexp, s.result, *s.gradients)
    _check_sizes([*zip((*values[:6], *found), named, strict=True), *_modifiers(op, s, 6)])


_ATTRIBUTES = {"subscripts": Attr.STRING, "scale": Attr.F64, "fill": Attr.F64}
_OPTIONAL = {
    "mask": Attr.STRING, "bias": Attr.STRING, "causal": Attr.STRING, "offset": Attr.I64, "empty_is_zero": Attr.BOOL,
}  # fmt: skip

define(
    "attention",
    family="codegen",
    operands=("query", "key", "value", "*modifiers"),
    results=("result", "logsumexp"),
    attributes=_ATTRIBUTES,
    optional_attributes=_OPTIONAL,
    doc="""Weighted sums of values, by the softmax of products of queries and keys.

```mlir
%result, %logsumexp = "astra.attention"(%query, %key, %value)
    {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 1.250000e-01 : f64, causal = "qk", offset = 0 : i64,
     fill = 0xFFF0000000000000 : f64}
    : (tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32>,
       tensor<2x64x4x16xf32>) -> (tensor<2x64x4x16xf32>, tensor<2x4x64xf32>)
```

`subscripts` names the dimensions as `einsum` does. In these terms the operation is

    score[b, h, q, k] = scale * sum_d(query[b, q, h, d] * key[b, k, h, d]) + bias[...]
    score[b, h, q, k] = fill where mask[...] is 0 or k > q + offset
    logsumexp[b, h, q] = log(sum_k(exp(score[b, h, q, k])))
    result[b, q, h, e] = sum_k(exp(score[b, h, q, k] - logsumexp[b, h, q]) * value[b, k, h, e])

without rounding in between to element types narrower than f32. `mask` and `bias` are the subscripts of two optional
operands, integers and floats, with any of the dimensions of scores; `causal` names the two dimensions whose positions
`offset` is about. A row whose scores are all -inf is NaN, or 0 with `empty_is_zero`.
""",
    verify=_verify_attention,
)
define(
    "attention_gradient",
    family="codegen",
    operands=("query", "key", "value", "result", "logsumexp", "cotangent", "*modifiers"),
    results=("query_cotangent", "key_cotangent", "value_cotangent"),
    attributes={**_ATTRIBUTES, "gradients": Attr.STRING},
    optional_attributes=_OPTIONAL,
    doc="""The cotangents of `astra.attention`'s queries, keys and values.

```mlir
%dq, %dk, %dv = "astra.attention_gradient"(%query, %key, %value, %result, %logsumexp, %cotangent)
    {subscripts = "hqd,hkd,hke->hqe,hq", gradients = "hqd,hkd,hke", scale = 1.250000e-01 : f64,
     fill = 0xFFF0000000000000 : f64}
    : (tensor<8x64x16xf32>, tensor<8x64x16xf32>, tensor<8x64x16xf32>, tensor<8x64x16xf32>, tensor<8x64xf32>,
       tensor<8x64x16xf32>) -> (tensor<8x64x16xf32>, tensor<8x64x16xf32>, tensor<8x64x16xf32>)
```

The operands are those of the attention, its two results, the cotangent of the first (with its dimensions), and then its
mask and bias; `gradients` has the subscripts of the results, the other attributes (`mask`, `bias`, `causal`, `offset`,
`empty_is_zero`) are those of the attention. Scores are computed again from `logsumexp`:

    p[b, h, q, k] = exp(score[b, h, q, k] - logsumexp[b, h, q])
    value_cotangent = sum_q(p * cotangent)
    d[b, h, q, k] = p * (sum_e(cotangent * value) - sum_e(cotangent * result)), 0 where masked
    query_cotangent = scale * sum_k(d * key), key_cotangent = scale * sum_q(d * query)
""",
    verify=_verify_gradient,
)
