"""Trees of arrays for programs that come without JAX: tuples, lists, dictionaries, named tuples and None.

The part of ``rules.Frontend`` that is about trees, as ``jax.tree_util`` has it for JAX functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from astra_mlir.errors import AstraError

__all__ = ["Described", "PlainTrees", "Structure", "Trees", "arguments_differ", "described", "is_plain"]

Described = tuple[list[str], dict[str, str]]


def arguments_differ(name: str, expected: Described, given: Described) -> str:
    """The message for arguments whose structure is not the one that a function has.

    Both are the structures of the positional arguments and those of the keyword arguments, as text.

    >>> print(arguments_differ("f", (["*", "*"], {}), (["*"], {})))
    f takes 2 positional arguments, got 1
    >>> print(arguments_differ("f", (["{'w': *}"], {}), (["{'v': *}"], {})))
    f: positional argument 0 has the structure {'v': *}, expected {'w': *}
    """
    (args, kwargs), (given_args, given_kwargs) = expected, given
    if len(args) != len(given_args):
        return f"{name} takes {len(args)} positional argument{'s' * (len(args) != 1)}, got {len(given_args)}"
    if kwargs.keys() != given_kwargs.keys():
        wanted = ", ".join(sorted(kwargs)) or "none"
        return f"{name} takes the keyword arguments {wanted}; got {', '.join(sorted(given_kwargs)) or 'none'}"
    pairs = [(f"positional argument {i}", *pair) for i, pair in enumerate(zip(args, given_args, strict=True))]
    pairs += [(f"argument {key!r}", kwargs[key], given_kwargs[key]) for key in kwargs]
    different = [f"{what} has the structure {g}, expected {e}" for what, e, g in pairs if e != g]
    return f"{name}: " + ("; ".join(different) or "the static data in the arguments' tree differ")


def described(treedef: Any) -> Described:
    """What :func:`arguments_differ` compares, of JAX's structure of ``(args, kwargs)``."""
    positional, named = treedef.children()
    texts = [
        [str(d).removeprefix("PyTreeDef(").removesuffix(")") for d in part.children()] for part in (positional, named)
    ]
    return texts[0], dict(zip(named.node_data()[1], texts[1], strict=True))


def is_plain(tree: Any) -> bool:
    """Whether a tree of integers is made of tuples, lists, dictionaries and None alone, which native code builds."""
    if type(tree) in (tuple, list):
        return all(map(is_plain, tree))
    if type(tree) is dict:
        return all(map(is_plain, tree.values()))
    return tree is None or type(tree) is int


class Trees(Protocol):
    """Taking trees apart and putting them together."""

    def flatten(self, tree: Any) -> tuple[list[Any], Any]:
        """The leaves, and the structure without them."""
        ...

    def unflatten(self, structure: Any, leaves: Sequence[Any]) -> Any:
        """The tree of a structure and leaves."""
        ...

    def flatten_axes(self, what: str, structure: Any, axes: Any) -> list[int | None]:
        """``axes``, a prefix of a tree of ``structure``, as one axis for each leaf."""
        ...


@dataclass(frozen=True)
class Structure:
    """A node of a tree: its type (None for a leaf), the keys of a dictionary, and the nodes below."""

    type: type | None = None
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()

    def __str__(self) -> str:
        inner = [str(child) for child in self.children]
        if self.type is None:
            return "*"
        if self.type is type(None):
            return "None"
        if self.type is dict:
            return "{" + ", ".join(f"{k!r}: {c}" for k, c in zip(self.keys, inner, strict=True)) + "}"
        text = ", ".join(inner)
        return f"[{text}]" if self.type is list else f"{'' if self.type is tuple else self.type.__name__}({text})"

    @property
    def leaf_count(self) -> int:
        """How many leaves there are below."""
        return 1 if self.type is None else sum(child.leaf_count for child in self.children)


def _children(tree: Any) -> tuple[type | None, tuple[Any, ...], list[Any]]:
    if tree is None:
        return type(None), (), []
    if type(tree) is dict:
        try:
            keys = tuple(sorted(tree))
        except TypeError:
            keys = tuple(tree)
        return dict, keys, [tree[key] for key in keys]
    if type(tree) in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return type(tree), (), list(tree)
    return None, (), []


class PlainTrees:
    """:class:`Trees` of Python's own containers; everything else is a leaf.

    >>> leaves, structure = PlainTrees().flatten({"b": (1, None), "a": [2, 3]})
    >>> leaves, str(structure)
    ([2, 3, 1], "{'a': [*, *], 'b': (*, None)}")
    """

    def flatten(self, tree: Any) -> tuple[list[Any], Structure]:
        """The leaves (those of dictionaries in the order of their keys), and the structure without them."""
        kind, keys, below = _children(tree)
        if kind is None:
            return [tree], Structure()
        leaves: list[Any] = []
        children = []
        for child in below:
            found, structure = self.flatten(child)
            leaves += found
            children.append(structure)
        return leaves, Structure(kind, keys, tuple(children))

    def unflatten(self, structure: Structure, leaves: Sequence[Any]) -> Any:
        """The tree of a structure and as many leaves as it has."""
        return self._build(structure, iter(leaves))

    def _build(self, structure: Structure, leaves: Iterator[Any]) -> Any:
        if structure.type is None:
            return next(leaves)
        below = [self._build(child, leaves) for child in structure.children]
        if structure.type is type(None):
            return None
        if structure.type is dict:
            return dict(zip(structure.keys, below, strict=True))
        return structure.type(*below) if hasattr(structure.type, "_fields") else structure.type(below)

    def flatten_axes(self, what: str, structure: Structure, axes: Any) -> list[int | None]:
        """``axes``, a prefix of a tree of ``structure``, as one axis for each leaf."""
        if axes is None or isinstance(axes, int):
            return [axes] * structure.leaf_count
        kind, keys, below = _children(axes)
        if (
            kind is None
            or kind is not structure.type
            or keys != structure.keys
            or len(below) != len(structure.children)
        ):
            raise AstraError(f"{what}: {axes!r} is not a prefix of the tree {structure}")
        found: list[int | None] = []
        for child, inner in zip(structure.children, below, strict=True):
            found += self.flatten_axes(what, child, inner)
        return found
