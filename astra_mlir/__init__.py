"""Astra: an array compiler on MLIR.

What users import.  Names are loaded on first use, so that command-line tools start without JAX and LLVM.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from astra_mlir.errors import (
    AstraError,
    CompileError,
    DTypeError,
    InvalidProgramError,
    KernelError,
    ShapeError,
    UnsupportedError,
    VerificationError,
)

if TYPE_CHECKING:
    from astra_mlir.api import compile, tune
    from astra_mlir.executable import Executable
    from astra_mlir.jax_frontend.functions import CompiledFunction, jit
    from astra_mlir.jax_frontend.kernels import kernel_call
    from astra_mlir.kernels.decorator import kernel
    from astra_mlir.kernels.tuning import Config, autotune, heuristics
    from astra_mlir.program import Program
    from astra_mlir.runtime import set_num_threads, threads
    from astra_mlir.target_machine import TargetMachine
    from astra_mlir.testing import check_grads
    from astra_mlir.transformations.api import (
        ReverseMode,
        checkpoint,
        custom_jvp,
        custom_vjp,
        grad,
        hessian,
        jacfwd,
        jacrev,
        jvp,
        linearize,
        value_and_grad,
        vjp,
        vmap,
    )

__version__ = "0.1.0"

__all__ = [
    "AstraError", "CompileError", "CompiledFunction", "Config", "DTypeError", "Executable", "InvalidProgramError",
    "KernelError", "Program", "ReverseMode", "ShapeError", "TargetMachine", "UnsupportedError", "VerificationError",
    "__version__", "autotune", "check_grads", "checkpoint", "compile", "custom_jvp", "custom_vjp", "grad",
    "hessian", "heuristics", "jacfwd", "jacrev", "jit", "jvp", "kernel", "kernel_call", "linearize",
    "set_num_threads", "threads", "tune", "value_and_grad", "vjp", "vmap",
]  # fmt: skip

_LAZY = {
    "CompiledFunction": "jax_frontend.functions",
    "Executable": "executable",
    "Program": "program",
    "TargetMachine": "target_machine",
    "check_grads": "testing",
    "compile": "api",
    "jit": "jax_frontend.functions",
    "Config": "kernels.tuning",
    "autotune": "kernels.tuning",
    "heuristics": "kernels.tuning",
    "kernel": "kernels.decorator",
    "kernel_call": "jax_frontend.kernels",
    "set_num_threads": "runtime",
    "threads": "runtime",
    "tune": "api",
    **dict.fromkeys(
        (
            "ReverseMode",
            "checkpoint",
            "custom_jvp",
            "custom_vjp",
            "grad",
            "hessian",
            "jacfwd",
            "jacrev",
            "jvp",
            "linearize",
            "value_and_grad",
            "vjp",
            "vmap",
        ),
        "transformations.api",
    ),
}


def __getattr__(name: str) -> Any:
    if name == "testing":
        return importlib.import_module("astra_mlir.testing")
    if name not in _LAZY:
        raise AttributeError(f"module 'astra_mlir' has no attribute '{name}'")
    module = _LAZY[name]
    if name == "jit" and importlib.util.find_spec("jax") is None:  # with JAX its module sends PyTorch's functions on
        module = "torch_frontend.functions"
    value = getattr(importlib.import_module(f"astra_mlir.{module}"), name)
    globals()[name] = value
    return value
