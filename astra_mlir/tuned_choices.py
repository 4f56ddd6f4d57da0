"""Choices that ``astra.tune`` has measured to be faster on a machine than those made by rule, in a small file.

At the bottom of the package: schedules (``passes/kernel_rules/gemm.py``) ask for the choice of a product on a target,
and the keys of kept programs hold :func:`digest`.  The file is JSON: choices by target and product.  Several processes
may write it at the same time; what is damaged in it is ignored, with a warning.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from astra_mlir import config

__all__ = ["Choice", "Trial", "any_for", "choice_for", "digest", "file", "is_trial", "store", "trying"]

VERSION = 1

Choice = Mapping[str, Any]  # names of a schedule's fields, and their values


@dataclass
class Trial:
    """Choices in place of those of the file, and the products for which a choice was asked."""

    choices: dict[str, Choice] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)  # product -> its schedule by rule


_trial: ContextVar[Trial | None] = ContextVar("astra_trial", default=None)


@contextlib.contextmanager
def trying(trial: Trial) -> Iterator[Trial]:
    """Within, programs are compiled with a trial's choices, and not kept."""
    token = _trial.set(trial)
    try:
        yield trial
    finally:
        _trial.reset(token)


def is_trial() -> bool:
    """Whether programs are compiled to be measured."""
    return _trial.get() is not None


def file() -> Path | None:
    """``ASTRA_TUNING``, by default ``tuning.json`` beside the kept programs; None where it is 0."""
    given = config.tuning.get()
    if given == "0":
        return None
    return Path(given) if given else config.cache_folder() / "tuning.json"


def choice_for(target: str, product: str, by_rule: Any) -> Choice | None:
    """What was found for a product on a target; ``by_rule``, the schedule without it, is told to a trial."""
    trial = _trial.get()
    if trial is not None:
        trial.asked[product] = by_rule
        return trial.choices.get(product)
    return _stored().get(target, {}).get(product)


def any_for(target: str) -> bool:
    """Whether :func:`choice_for` may find something: the name of a product takes longer to make than this."""
    return is_trial() or target in _stored()


def digest() -> str:
    """What all choices together are, for the keys of programs that were compiled with them."""
    choices = _stored()
    return hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest() if choices else ""


def store(target: str, found: Mapping[str, Choice | None]) -> None:
    """Add choices to the file, or remove those that are None; what other processes have added stays."""
    path = file()
    if path is None:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        choices = {name: dict(products) for name, products in _read(path).items()}
        mine = choices.setdefault(target, {})
        mine.update({product: choice for product, choice in found.items() if choice is not None})
        choices[target] = {product: choice for product, choice in mine.items() if found.get(product, 0) is not None}
        document = {"version": VERSION, "choices": {name: products for name, products in choices.items() if products}}
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tuning")
        with os.fdopen(handle, "w") as written:
            json.dump(document, written, indent=1, sort_keys=True)
        Path(name).replace(path)


def _stored() -> dict[str, dict[str, Choice]]:
    path = file()
    try:
        status = path.stat() if path is not None else None
    except OSError:
        status = None
    if path is None or status is None:
        return {}
    return _read_once(path, status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=4)
def _read_once(path: Path, *_: int) -> dict[str, dict[str, Choice]]:
    return _read(path)


def _read(path: Path) -> dict[str, dict[str, Choice]]:
    """What is well-formed in the file."""
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text())
        version, targets = document["version"], dict(document["choices"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        warnings.warn(f"{path}: not a file of tuned choices, ignored ({error})", stacklevel=2)
        return {}
    if version != VERSION:
        return {}  # of another version of Astra
    found: dict[str, dict[str, Choice]] = {}
    for target, products in targets.items():
        for product, choice in products.items() if isinstance(products, dict) else [("all products", products)]:
            if isinstance(choice, dict):
                found.setdefault(target, {})[product] = choice
            else:
                warnings.warn(f"{path}: what stands for {product} on {target} is no choice, ignored", stacklevel=2)
    return found
