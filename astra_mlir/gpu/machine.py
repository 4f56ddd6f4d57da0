"""LLVM IR text to PTX and to cubins for a named NVIDIA GPU: the last arrows of the GPU path, as ``target_machine.py``
is of the CPU path.

LLVM's NVPTX back end writes the PTX, with the functions of libdevice that a module calls linked in; ``ptxas`` of CUDA
13.0 makes the cubin and says what each kernel takes of the GPU's resources.  No GPU is needed.  Both tools come with
the ``gpu`` extra; cubins are kept on disk like object code.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm

from astra_mlir import code_cache, config
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.target_machine import emitted, initialize_llvm, run_passes

__all__ = ["Cubin", "GpuMachine", "Resources", "assemble", "disassemble", "optimized_ir", "ptx", "ptxas"]

_TRIPLE = "nvptx64-nvidia-cuda"
# The version of PTX that is written: of those that LLVM 22 and the ptxas of CUDA 13.0 share, the newest.
_PTX_VERSION = 90
_ARCHITECTURES = ("sm_80", "sm_86", "sm_89", "sm_90a")
_EXTRA = "pip install 'astra-mlir[gpu]' brings it"
_WAY = {"ptxas": "ASTRA_PTXAS names another", "libdevice": "ASTRA_LIBDEVICE names another"}


@dataclass(frozen=True)
class GpuMachine:
    """A GPU architecture that code is generated for.

    >>> GpuMachine.parse("cuda:sm_90a").architecture
    'sm_90a'
    """

    architecture: str

    @staticmethod
    def parse(text: str) -> GpuMachine:
        """``cuda:sm_90a`` or ``sm_90a``.

        Raises :class:`AstraError` for an architecture that Astra does not generate code for.
        """
        name = text.removeprefix("cuda:")
        if name not in _ARCHITECTURES:
            raise AstraError(f"target '{text}': expected cuda:ARCHITECTURE with one of {', '.join(_ARCHITECTURES)}")
        return GpuMachine(name)

    @staticmethod
    def for_capability(capability: int) -> GpuMachine | None:
        """The architecture whose code runs on devices of a compute capability (90 for 9.0); None where there is none.

        >>> GpuMachine.for_capability(87).architecture
        'sm_86'
        """
        found = None
        for name in _ARCHITECTURES:
            number = int(name.removeprefix("sm_").removesuffix("a"))
            if number == capability or (number < capability and number // 10 == capability // 10 and name[-1] != "a"):
                found = name
        return None if found is None else GpuMachine(found)

    def __str__(self) -> str:
        return f"cuda:{self.architecture}"


@dataclass(frozen=True)
class Resources:
    """What one thread (registers, stack, spills) or one block (barriers, shared memory) of a kernel takes."""

    registers: int = 0
    barriers: int = 0
    shared_bytes: int = 0  # static; what a launch asks for comes on top
    constant_bytes: int = 0
    stack_bytes: int = 0
    spill_store_bytes: int = 0
    spill_load_bytes: int = 0


@dataclass(frozen=True)
class Cubin:
    """A binary for one architecture, what each of its kernels takes, and what ptxas warned of."""

    data: bytes = field(repr=False)
    kernels: dict[str, Resources]
    warnings: tuple[str, ...] = ()


# --- PTX --------------------------------------------------------------------------------------------------------------

_KERNEL = re.compile(r"^define (?:\w+ )*?ptx_kernel .*?@([\w.$]+|\"[^\"]+\")\(", re.MULTILINE)
_DECLARED = re.compile(r"^declare .*?@([\w.$]+)\(", re.MULTILINE)
_EXTERNAL = re.compile(r"^\.extern \.func +(?:\([^)]*\) *)?([\w$]+)", re.MULTILINE)
_DEVICE_SYSTEM_CALLS = frozenset({"vprintf", "malloc", "free", "__assertfail"})
# LLVM ends the process where it finds no instruction for one of these; libdevice has functions for them.
_WITHOUT_INSTRUCTION = re.compile(
    r"llvm\.(?:a?(?:sin|cos|tan)h?|atan2|exp2?|exp10|log(?:2|10)?|pow|powi|sincos|modf|frexp|ldexp)\.(?!.*approx)"
)


def ptx(llvm_ir: str, machine: GpuMachine) -> str:
    """PTX of a module, as text; its kernels are the functions of calling convention ``ptx_kernel``.

    Raises :class:`CompileError` for a module that LLVM does not accept, one without a kernel, one with a function of
    mathematics that the GPU has no instruction for, or one that calls what is nowhere defined; :class:`AstraError`
    where it calls functions of libdevice and there is none.
    """
    module, target = _optimized(llvm_ir, machine)
    text = emitted(module, target, assembly=True).decode()
    unknown = sorted(set(_EXTERNAL.findall(text)) - _DEVICE_SYSTEM_CALLS)
    if unknown:  # also what an operation becomes whose intrinsic has another name in this version of LLVM
        raise CompileError(f"GPU code calls {', '.join(unknown)}, which neither it nor libdevice defines")
    return text


def optimized_ir(llvm_ir: str, machine: GpuMachine) -> str:
    """The LLVM IR text after linking libdevice and optimising; raises as :func:`ptx`."""
    return str(_optimized(llvm_ir, machine)[0])


def _optimized(llvm_ir: str, machine: GpuMachine) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    initialize_llvm()
    target = llvm.Target.from_triple(_TRIPLE).create_target_machine(
        cpu=machine.architecture, features=f"+ptx{_PTX_VERSION}", opt=3
    )
    kernels = {name.strip('"') for name in _KERNEL.findall(llvm_ir)}
    if not kernels:
        raise CompileError("the module for the GPU has no kernel (a function of calling convention ptx_kernel)")
    for name in _DECLARED.findall(llvm_ir):
        if _WITHOUT_INSTRUCTION.match(name):
            raise CompileError(f"'{name}' has no instruction on a GPU: lower it to a function of libdevice first")
    context = llvm.create_context()
    try:
        module = llvm.parse_assembly(llvm_ir, context=context)
    except RuntimeError as error:
        raise CompileError(f"LLVM does not accept the generated code: {error}") from None
    if any(name.startswith("__nv_") for name in _DECLARED.findall(llvm_ir)):
        module.link_in(llvm.parse_bitcode(_libdevice(), context=context))
    module.triple = _TRIPLE
    module.data_layout = str(target.target_data)
    for function in module.functions:
        if not function.is_declaration and function.name not in kernels:
            function.linkage = llvm.Linkage.internal
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=3))
    unused = llvm.create_new_module_pass_manager()
    unused.add_global_dead_code_eliminate_pass()  # first: of libdevice's 350 functions a kernel calls a few
    run_passes(unused, module, builder)
    run_passes(builder.getModulePassManager(), module, builder)
    return module, target


@cache
def _libdevice() -> bytes:
    path = Path(config.libdevice.get()) if config.libdevice.get() else None
    for folder in _tool_folders() if path is None else ():
        path = next(iter(sorted(folder.glob("nvvm/libdevice/libdevice.10.bc"))), None)
        if path is not None:
            break
    if path is None:
        raise AstraError(
            f"libdevice, NVIDIA's functions of mathematics, is not installed: {_EXTRA}; {_WAY['libdevice']}"
        )
    return path.read_bytes()


def _tool_folders() -> Iterator[Path]:
    """Where CUDA's tools may be: in the packages of the ``gpu`` extra, beside an nvcc on the path."""
    spec = importlib.util.find_spec("nvidia")
    for place in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(place).glob("cu1[3-9]"))
    for tool in ("ptxas", "nvcc"):
        if found := shutil.which(tool):
            yield Path(found).resolve().parent.parent


# --- cubins -----------------------------------------------------------------------------------------------------------


def assemble(ptx_text: str, machine: GpuMachine) -> Cubin:
    """The cubin of PTX, from the cache or made now.

    Raises :class:`CompileError` with what ptxas says, :class:`AstraError` where there is no ptxas.
    """
    tool = ptxas()
    key = code_cache.key_of("cubin", ptx_text, machine.architecture, _version_of(tool))

    def make() -> list[bytes]:
        cubin = _assembled(ptx_text, machine, tool)
        kernels = {name: asdict(resources) for name, resources in cubin.kernels.items()}
        return [cubin.data, json.dumps({"kernels": kernels, "warnings": cubin.warnings}).encode()]

    data, text = code_cache.kept(key, make)
    report = json.loads(text)
    kernels = {name: Resources(**resources) for name, resources in report["kernels"].items()}
    return Cubin(data, kernels, tuple(report["warnings"]))


@cache
def ptxas() -> str:
    """The path of ptxas: ``ASTRA_PTXAS``, that of the ``gpu`` extra, or one on the path.

    Raises :class:`AstraError` where there is none.
    """
    if config.ptxas.get():
        return config.ptxas.get()
    for folder in _tool_folders():
        if (folder / "bin" / "ptxas").is_file():
            return str(folder / "bin" / "ptxas")
    raise AstraError(f"ptxas, NVIDIA's assembler, is not installed: {_EXTRA}; {_WAY['ptxas']}")


@cache
def _version_of(tool: str) -> str:
    return subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout


def _assembled(ptx_text: str, machine: GpuMachine, tool: str) -> Cubin:
    with tempfile.TemporaryDirectory(prefix="astra-") as folder:
        source, result = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
        source.write_text(ptx_text)
        command = [tool, f"-arch={machine.architecture}", "-O3", "--verbose", str(source), "-o", str(result)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        if done.returncode != 0:
            raise CompileError(f"ptxas does not accept the PTX for {machine}: {said.strip()}")
        return Cubin(result.read_bytes(), *_report(said))


_COMPILING = re.compile(r"Compiling entry function '([^']+)'")
_NUMBERS = (  # of a kernel, in the words of ptxas
    ("registers", re.compile(r"Used (\d+) registers")),
    ("barriers", re.compile(r"used (\d+) barriers")),
    ("shared_bytes", re.compile(r"(\d+) bytes smem")),
    ("constant_bytes", re.compile(r"(\d+) bytes cmem\[0\]")),
    ("stack_bytes", re.compile(r"(\d+) bytes stack frame")),
    ("spill_store_bytes", re.compile(r"(\d+) bytes spill stores")),
    ("spill_load_bytes", re.compile(r"(\d+) bytes spill loads")),
)


def _report(said: str) -> tuple[dict[str, Resources], tuple[str, ...]]:
    """The kernels' resources and the warnings in what ``ptxas --verbose`` prints."""
    kernels: dict[str, Resources] = {}
    parts = _COMPILING.split(said)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        numbers = {key: int(found[1]) for key, pattern in _NUMBERS if (found := pattern.search(text))}
        kernels[name] = Resources(**numbers)
    return kernels, tuple(line for line in said.splitlines() if "warning" in line.lower())


def disassemble(data: bytes) -> str:
    """The instructions of a cubin (SASS) as ``nvdisasm`` or ``cuobjdump`` prints them, whichever is on the path.

    Raises :class:`AstraError` where there is neither.
    """
    for tool, options in (("nvdisasm", ()), ("cuobjdump", ("-sass",))):
        if (path := shutil.which(tool)) is not None:
            with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
                file.write(data)
                file.flush()
                return subprocess.run([path, *options, file.name], capture_output=True, text=True, check=True).stdout
    raise AstraError("no disassembler on the path: nvdisasm or cuobjdump of the CUDA toolkit is needed")
