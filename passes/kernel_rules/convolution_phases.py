"""Convolutions over an input with holes (transposed ones, gradients of strided ones), without the holes.

Output places that meet the same places of the window form a phase: between holes there is nothing to multiply, so a
phase is a convolution without holes with a part of the kernel, whose results lie ``step`` apart.  Neighbouring phases
that read the same input (a kernel no larger than the holes are wide) are one, with more output features.  A convolution
without holes is one phase.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

__all__ = ["Along", "phases_along"]


@dataclass(frozen=True)
class Along:
    """One spatial dimension of a phase.

    Output ``first + i * step + c``, for ``i < size`` and ``c < copies``, is the sum over ``t < taps`` of the input at
    ``start + i * stride + t * dilation`` times the kernel at ``tap + c * tap_copy + t * tap_step``.
    """

    size: int
    first: int
    step: int
    start: int
    stride: int
    taps: int
    tap: int
    tap_step: int
    dilation: int
    copies: int = 1
    tap_copy: int = 0

    @property
    def last(self) -> int:
        """The last place of the input that is read."""
        return self.start + (self.size - 1) * self.stride + (self.taps - 1) * self.dilation

    def _joined(self, after: Along) -> Along | None:
        """The phase with that of the next output place, if both read the same."""
        tap_copy = after.tap - self.tap if self.copies == 1 else self.tap_copy
        alike = (self.size, self.start, self.taps) == (after.size, after.start, after.taps)
        follows = (self.first + self.copies, self.tap + self.copies * tap_copy) == (after.first, after.tap)
        return replace(self, copies=self.copies + 1, tap_copy=tap_copy) if alike and follows else None


def phases_along(
    outputs: int, window: int, stride: int, low: int, holes: int, dilation: int, *, join: bool = True
) -> list[Along]:
    """The phases along a dimension; output places in none of them are 0.

    ``low`` is the padding in front, ``holes`` the distance of input elements, ``dilation`` that of the window's.

    >>> [(phase.first, phase.start, phase.tap, phase.taps) for phase in phases_along(8, 3, 1, 1, 2, 1)]
    [(0, 0, 1, 1), (1, 0, 0, 2)]
    >>> [(phase.first, phase.copies) for phase in phases_along(8, 2, 1, 1, 2, 1)]
    [(0, 2)]
    """
    step, tap_step = holes // gcd(holes, stride), holes // gcd(holes, dilation)
    phases: list[Along] = []
    for first in range(min(step, outputs)):
        at = first * stride - low
        tap = next((k for k in range(min(tap_step, window)) if (at + k * dilation) % holes == 0), None)
        if tap is None:
            continue
        phase = Along(
            -(-(outputs - first) // step), first, step, (at + tap * dilation) // holes, step * stride // holes,
            -(-(window - tap) // tap_step), tap, tap_step, tap_step * dilation // holes,
        )  # fmt: skip
        joined = phases[-1]._joined(phase) if phases and join else None
        if joined is None:
            phases.append(phase)
        else:
            phases[-1] = joined
    return phases
