"""The extension module of the call path (``runtime/python/``): finds and loads it.

Below ``executable.py`` and ``jax_frontend/functions.py``, whose classes build on its types; above ``runtime.py``, whose
library lies beside it.  In a checkout it is in the ``build`` folder, so it is loaded by its path.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

from astra_mlir.errors import AstraError
from astra_mlir.runtime import built_file

if TYPE_CHECKING:
    from astra_mlir import _native as module
else:
    _NAME = "astra_mlir._native"

    def _load():
        path = built_file(f"_native{EXTENSION_SUFFIXES[0]}")
        spec = importlib.util.spec_from_file_location(_NAME, path)
        loaded = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(loaded)
        except ImportError as error:
            raise AstraError(f"{path} cannot be loaded ({error}): rebuild it") from None
        sys.modules[_NAME] = loaded
        return loaded

    module = sys.modules.get(_NAME) or _load()

__all__ = [
    "Dispatcher", "Function", "Launches", "Plan", "element_type", "empty", "initialize", "processor_identity",
    "use_jax", "use_torch",
]  # fmt: skip

Dispatcher = module.Dispatcher
Function = module.Function
Launches = module.Launches
Plan = module.Plan
element_type = module.element_type
empty = module.empty
initialize = module.initialize
processor_identity = module.processor_identity
use_jax = module.use_jax
use_torch = module.use_torch
