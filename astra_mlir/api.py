"""``astra.compile``: a JAX function, a program in a file, text, bytes or a module, compiled ahead of time.

What users call besides ``astra.jit``.  JAX is imported only when there is a JAX function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astra_mlir import compiler, frontends
from astra_mlir.errors import AstraError
from astra_mlir.executable import Executable
from astra_mlir.program import Program
from astra_mlir.target_machine import TargetMachine

if TYPE_CHECKING:
    from astra_mlir.bindings import ir
    from astra_mlir.compiled import Compiled
    from astra_mlir.tuner import Tuned

__all__ = ["compile", "tune"]


def compile(
    source: Callable[..., Any] | ir.Module | Program | str | bytes | Path,
    *args: Any,
    entry: str = "main",
    target: str | TargetMachine | None = None,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Iterable[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    output: str = "auto",
    **kwargs: Any,
) -> Executable | Compiled:
    """Compile ahead of time.

    A JAX function is compiled for the shapes and types of ``args`` and ``kwargs`` (arrays, or
    ``jax.ShapeDtypeStruct``); the result is called with the same tree of arrays, static arguments left out.  A PyTorch
    function or module is compiled for those of tensors, with the values that its parameters have now.  A program
    (StableHLO or the Astra dialect) is a path, MLIR text, bytecode, a portable artifact or a module; the result takes
    the arguments of its function ``entry`` and gives a tuple.  Either result has ``ir(stage)``, ``asm()``, ``cost()``,
    ``memory()``, ``compile_times``.

    Raises :class:`InvalidProgramError` for a malformed program (with the place), :class:`UnsupportedError` for what
    Astra does not compile.

    >>> import numpy as np
    >>> negate = compile('''func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    ...   %y = stablehlo.negate %x : tensor<2xf32>
    ...   return %y : tensor<2xf32>
    ... }''')
    >>> negate(np.ones(2, np.float32))
    (array([-1., -1.], dtype=float32),)
    """
    if callable(source) and frontends.uses_torch(source, args, kwargs):
        from astra_mlir.torch_frontend import functions as torch_functions

        jitted: torch_functions.TorchFunction = torch_functions.jit(
            source, donate_argnums=donate_argnums, target=target, output=output
        )
        return jitted.freeze(*args, **kwargs)
    if callable(source):
        from astra_mlir.jax_frontend.functions import jit

        return jit(
            source, static_argnums=static_argnums, static_argnames=static_argnames, donate_argnums=donate_argnums,
            target=target, output=output,
        ).compile(*args, **kwargs)  # fmt: skip
    if args or kwargs:
        raise AstraError("astra.compile: a program has its argument types in it; only a function takes arguments here")
    return compiler.compile_program(_program(source, entry), target=target)


def tune(source: Any, *args: Any, **options: Any) -> list[Tuned]:
    """Measure schedules of a program's matrix products and convolutions on this machine, and keep what is faster.

    Takes what :func:`compile` takes, for this machine.  Gives what was found for each product; what is kept
    (``ASTRA_TUNING``) goes for every program that is compiled afterwards, in other processes too.  Results have the
    same bits.  Takes a few seconds for each product that the program has; nothing else should run meanwhile.

    >>> import numpy as np
    >>> tune(lambda x: x @ x, np.ones((8, 8), np.float32), target="x86-64-v2+cores=1")
    []
    """
    compiled: Any = compile(source, *args, **options)
    executable = getattr(compiled, "executable", compiled)
    from astra_mlir.tuner import tune_program

    return tune_program(executable.program, executable.target)


def _program(source: Any, entry: str) -> Program:
    if isinstance(source, Program):
        return source
    if isinstance(source, Path):
        return Program.from_file(source, entry)
    if isinstance(source, bytes):
        return Program(source, entry)
    if isinstance(source, str):
        is_text = "\n" in source or "func.func" in source
        return Program(source.encode(), entry) if is_text else Program.from_file(source, entry)
    from astra_mlir.bindings import ir  # not needed for any of the above

    if isinstance(source, ir.Module):
        return Program.from_module(source, entry)
    raise AstraError(
        f"astra.compile: cannot compile a {type(source).__name__}; give a JAX or PyTorch function, an MLIR "
        "module, text or a path"
    )
