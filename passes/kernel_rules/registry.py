"""The table of kernel rules: which Astra operations become calls of a generated kernel, and how it is asked for.

A rule looks at one operation and either leaves it to ``astra-to-linalg`` (``None``) or returns a
:class:`KernelRequest`: what goes in, what comes out and how to build the function.  ``astra-to-kernels`` does the rest.

Example of a rule::

    @kernel_rule("sort")
    def sort(op: ir.Operation) -> KernelRequest | None:
        operand = op.operands[0]
        return KernelRequest(
            name=kernel_name("sort", operand.type),
            ins=(operand,),
            outs=(Out(operand.type),),
            build=lambda: sort_text(...),
        )
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import build

__all__ = ["KERNEL_RULES", "KernelRequest", "KernelRule", "Out", "kernel_name", "kernel_rule", "with_element"]


@dataclass(frozen=True)
class Out:
    """One out-parameter of a kernel: its tensor type and its initial contents (``None``: the kernel writes it all).

    With a ``permutation`` the operation's result is the transpose of it.
    """

    type: ir.Type
    init: ir.Value | None = None
    permutation: tuple[int, ...] | None = None


@dataclass(frozen=True)
class KernelRequest:
    """A kernel that computes an operation.

    ``name`` is the symbol of the function and determines its body (see :func:`kernel_name`).  ``outs`` correspond to
    the results of the operation one to one (``None``: a result without elements, which the kernel does not get);
    ``scratch`` are temporaries that are too big for the stack; ``tables`` are
    constant inputs (NumPy arrays; the same object each time, so that calls share one constant).  ``build`` gives the
    text of one or more ``func.func private``, among them ``@name`` that takes a memref for each of ``ins``, ``tables``,
    ``outs`` and ``scratch``, in this order: identity layout, static shape, signless integers.  Functions that the
    module already has are not added again, so a helper's name must determine its body too.  ``absorbed`` are operations
    whose work the kernel does along the way and that nothing else uses.  ``last`` is the operation whose
    results the kernel gives where that is not the one that the rule was asked for; that is the last of ``absorbed``, in
    the order in which they can be erased.  ``prepared`` is a kernel that runs before the
    loop ``loop``, once for equal requests; its outs follow ``ins``.
    """

    name: str
    ins: Sequence[ir.Value]
    outs: Sequence[Out | None]
    build: Callable[[], str]
    scratch: Sequence[ir.Type] = ()
    tables: Sequence[Any] = ()
    absorbed: Sequence[ir.Operation] = ()
    prepared: KernelRequest | None = None
    loop: ir.Operation | None = None
    schedule: Any = None  # a dataclass of what was chosen, for readers
    last: ir.Operation | None = None


def with_element(op: ir.Operation, value: ir.Value, element: ir.Type) -> ir.Value:
    """An operand of ``op`` in the element type of its result, which may be wider: converted in front of ``op``."""
    if value.type.element_type == element:
        return value
    type = ir.RankedTensorType.get(value.type.shape, element)
    return build("convert", (value,), (type,), loc=op.location, ip=ir.InsertionPoint(op)).results[0]


KernelRule = Callable[[ir.Operation], "KernelRequest | None"]

KERNEL_RULES: dict[str, KernelRule] = {}  # by full operation name


def kernel_rule(*names: str) -> Callable[[KernelRule], KernelRule]:
    """Decorator: the function is the kernel rule of ``astra.<name>`` for each of ``names``."""

    def register(rule: KernelRule) -> KernelRule:
        for name in names:
            full_name = f"astra.{name}"
            if full_name in KERNEL_RULES:
                raise ValueError(f"{full_name} has two kernel rules")
            KERNEL_RULES[full_name] = rule
        return rule

    return register


def kernel_name(kind: str, *determining: Any) -> str:
    """The symbol of a kernel: its kind and a hash of everything else that determines its body.

    >>> kernel_name("sort", "tensor<8xf32>", 0)
    'astra_sort_c28fb44a834b'
    """
    digest = hashlib.sha256("|".join(str(part) for part in determining).encode()).hexdigest()
    return f"astra_{kind}_{digest[:12]}"
