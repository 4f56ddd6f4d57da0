"""Cross entropy of logits, with its gradient in the same pass.

A program walks over a row of logits in blocks, however long the row is, with a running maximum and sum; the loss is
the logarithm of the sum minus the logit of the label. A second walk writes the gradient, the softmax minus 1 at the
label, into the memory of the logits: no array of probabilities is ever made. Labels that are ``ignore`` give 0.
"""

from __future__ import annotations

import numpy as np

import astra_mlir as astra
import astra_mlir.language as al


@astra.kernel
def cross_entropy_kernel(logits, labels, losses, columns, weight, ignore, BLOCK: al.constexpr):
    row = al.program_id(0)
    label = al.load(labels + row)
    x = logits + row * columns
    j = al.arange(0, BLOCK)
    if label == ignore:
        al.store(losses + row, 0.0)
        for start in range(0, columns, BLOCK):
            al.store(x + start + j, 0.0, start + j < columns)
        return
    top = -float("inf")
    total = 0.0
    for start in range(0, columns, BLOCK):
        v = al.load(x + start + j, start + j < columns, other=-float("inf")).to(al.float32)
        higher = al.maximum(top, al.max(v, 0))
        total = total * al.exp(top - higher) + al.sum(al.exp(v - higher), 0)
        top = higher
    al.store(losses + row, al.log(total) + top - al.load(x + label).to(al.float32))
    for start in range(0, columns, BLOCK):
        at = start + j
        v = al.load(x + at, at < columns).to(al.float32)
        al.store(x + at, (al.exp(v - top) / total - al.where(at == label, 1.0, 0.0)) * weight, at < columns)


def cross_entropy(logits: np.ndarray, labels: np.ndarray, ignore: int = -100) -> np.ndarray:
    """The loss of each row; ``logits`` become the gradient of their mean over the rows that count."""
    rows, columns = logits.shape
    losses = np.empty(rows, np.float32)
    counted = max(1, int((labels != ignore).sum()))
    block = min(1024, al.next_power_of_2(columns))
    cross_entropy_kernel[(rows,)](logits, labels, losses, columns, 1.0 / counted, ignore, BLOCK=block)
    return losses


if __name__ == "__main__":
    a = np.random.default_rng(0).standard_normal((4, 5000)).astype(np.float32)
    print(cross_entropy(a, np.array([0, 1, -100, 4999], np.int32)))
