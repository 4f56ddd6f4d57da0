"""LLVM IR text to machine code for a named processor, and machine code into this process.

The last arrow of the CPU path: ``compiler.py`` hands over the text that MLIR prints; what comes back is object code
that ``load`` links against the native runtime.  Object code depends on nothing but the text, the target and the
options, so it may be kept and loaded by another process on a processor that has the target's features.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from astra_mlir import code_cache, config
from astra_mlir.code_units import Unit, code_units
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.machine_sizes import host_sizes, parse_sizes, sizes_text
from astra_mlir.native import processor_identity
from astra_mlir.runtime import runtime

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    import llvmlite.binding as llvm
else:

    class _Llvm:
        """LLVM, loaded when it is first used: code that was found in the cache is loaded and called without it."""

        def __getattr__(self, name):
            import llvmlite.binding

            return getattr(llvmlite.binding, name)

    llvm = _Llvm()

__all__ = [
    "CodegenOptions",
    "LoadedCode",
    "ObjectCode",
    "TargetMachine",
    "assembly",
    "emitted",
    "initialize_llvm",
    "is_gpu_target",
    "load",
    "object_code",
    "optimized_ir",
    "run_passes",
]


@cache
def initialize_llvm() -> None:
    """Make LLVM's back ends known; again costs nothing."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def is_gpu_target(target: object) -> bool:
    """Whether a target, as a user names it or parsed, is a GPU.

    >>> is_gpu_target("cuda:sm_90a"), is_gpu_target("host")
    (True, False)
    """
    return str(target).startswith("cuda:")


@dataclass(frozen=True)
class TargetMachine:
    """A processor: LLVM's triple, processor name and feature list, and sizes that schedules go by.

    The sizes are those of this machine for ``host``; a processor that is named has those of its name, or of its level.

    >>> TargetMachine.parse("x86-64-v3").cpu
    'x86-64-v3'
    >>> TargetMachine.parse("x86-64-v3").vector_bits
    256
    """

    triple: str
    cpu: str
    features: str = ""
    sizes: str = ""  # as `machine_sizes.py` writes them

    @staticmethod
    def host() -> TargetMachine:
        """The processor of this machine with exactly the features and sizes it has."""
        return _host()

    @staticmethod
    def parse(text: str) -> TargetMachine:
        """``host``, a processor name of this machine's architecture, or ``triple:cpu[:features]``.

        After the name of the processor may stand sizes: ``host+cores=4``, ``x86-64-v3+l2=256k+l3=8m``.

        Raises :class:`AstraError` for names that LLVM does not know.
        """
        parts = text.split(":")
        if len(parts) > 3:
            raise AstraError(f"target '{text}': expected 'host', a processor name or 'triple:cpu[:features]'")
        place = min(1, len(parts) - 1)
        parts[place], _, added = parts[place].partition("+")
        sizes = parse_sizes(added)
        if parts == ["host"]:
            host = _host()
            return replace(host, sizes=sizes_text(parse_sizes(host.sizes) | sizes)) if sizes else host
        if len(parts) == 1:
            parts.insert(0, llvm.get_process_triple())
        target = TargetMachine(parts[0], parts[1], "".join(parts[2:]), sizes_text(sizes))
        _check_known(target)
        return target

    @property
    def vector_bits(self) -> int:
        """Width of the widest vector registers that code for it uses (what LLVM makes of a 512-bit addition)."""
        return _vector_bits(self)

    @property
    def schedule(self) -> str:
        """The name in ``passes/target.py`` of the schedules made for it: the same vector width, features and sizes.

        >>> TargetMachine.parse("x86_64-unknown-linux-gnu:znver4").schedule
        'x86-64-v4+avx512bf16+vnni'
        """
        return "+".join(filter(None, (_schedule(replace(self, sizes="")), self.sizes)))

    def why_not_here(self) -> str | None:
        """Why code for this target must not run in this process; None when it may."""
        host = _host()
        if self == host:
            return None
        if self.triple.partition("-")[0] != host.triple.partition("-")[0]:
            return f"it is code for {self.triple}, this machine is {host.triple}"
        has = llvm.get_host_cpu_features()
        needed = [feature[1:] for feature in self.features.split(",") if feature.startswith("+")]
        if self.cpu in _LEVEL_FEATURES:
            needed += _LEVEL_FEATURES[self.cpu].split()
        elif self.cpu not in (host.cpu, "generic"):
            return f"it is code for {self.cpu}, this processor is {host.cpu}"
        missing = [feature for feature in needed if not has.get(feature)]
        return f"this processor ({host.cpu}) lacks {', '.join(missing)}" if missing else None

    def required_features(self) -> str:
        """The processor features that code for it needs, as ``+name,+name``.

        Raises :class:`AstraError` for a processor of which only LLVM knows what it has: name its features.
        """
        named = [feature for feature in self.features.split(",") if feature.startswith("+")]
        if self.cpu in _LEVEL_FEATURES:
            named += [f"+{name}" for name in _LEVEL_FEATURES[self.cpu].split()]
        elif not named and self.cpu != "generic":
            raise AstraError(f"target '{self}': a saved function needs its features: a level (x86-64-v3) or a list")
        return ",".join(named)

    def __str__(self) -> str:
        processor = "+".join(filter(None, (self.cpu, self.sizes)))
        return ":".join(part for part in (self.triple, processor, self.features) if part)


@cache
def _host() -> TargetMachine:
    """As LLVM describes this processor; kept on disk by all that it looks at, since loading LLVM takes a while."""
    identity = processor_identity()
    key = code_cache.key_of("processor", identity)
    found = code_cache.load(key) if identity else None
    if found is None:
        initialize_llvm()
        names = llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        found = [name.encode() for name in names]
        if identity:
            code_cache.store(key, found)
    triple, cpu, features = (name.decode() for name in found)
    return TargetMachine(triple, cpu, features, sizes_text(host_sizes()))


# LLVM prints to stderr and goes on with a generic processor when it does not know the name, so names are checked
# against the ones it lists.  The list is not in llvmlite's interface; these are the families of the two architectures.
_KNOWN_CPU = {
    "x86_64": (
        r"x86-64(-v[234])?|generic|nocona|core2|penryn|nehalem|westmere|sandybridge|ivybridge|haswell|broadwell|skylake"
        r"(-avx512)?|cascadelake|cooperlake|cannonlake|icelake-(client|server)|rocketlake|tigerlake|alderlake|raptorlake"
        r"|meteorlake|arrowlake(-s)?|lunarlake|pantherlake|sapphirerapids|emeraldrapids|graniterapids(-d)?|diamondrapids"
        r"|sierraforest|grandridge|goldmont(-plus)?|gracemont|tremont|silvermont|znver[1-5]|bdver[1-4]|btver[12]|k8|amdfam10"
    ),
    "aarch64": (
        r"generic|apple-[am]\d+|cortex-[axr]\d+\w*|neoverse-(n[123]|v[123](ae)?|e1|512tvb)|a64fx|ampere1[ab]?|thunderx\w*"
    ),
}  # fmt: skip


# What the levels of x86-64 add to the baseline (the psABI's list, in LLVM's names).
_V2 = "cx16 sahf popcnt sse3 sse4.1 sse4.2 ssse3"
_V3 = f"{_V2} avx avx2 bmi bmi2 f16c fma lzcnt movbe xsave"
_LEVEL_FEATURES = {
    "x86-64": "",
    "x86-64-v2": _V2,
    "x86-64-v3": _V3,
    "x86-64-v4": f"{_V3} avx512f avx512bw avx512cd avx512dq avx512vl",
}


def _check_known(target: TargetMachine) -> None:
    architecture = target.triple.partition("-")[0]
    known = _KNOWN_CPU.get(architecture)
    if known is None:
        raise AstraError(f"target '{target}': architecture '{architecture}' is not one of {', '.join(_KNOWN_CPU)}")
    if not re.fullmatch(known, target.cpu):
        example = "x86-64-v3, znver4" if architecture == "x86_64" else "generic, neoverse-v2"
        raise AstraError(
            f"target '{target}': unknown processor '{target.cpu}' for {architecture} (known: {example}, ...)"
        )


@dataclass(frozen=True)
class CodegenOptions:
    """How hard LLVM works: its level (0 to 3), whether straight-line code is vectorized, and threads to use."""

    level: int = 3
    slp: bool = False
    threads: int = 1

    @staticmethod
    def default() -> CodegenOptions:
        """The options that the environment settings give."""
        return CodegenOptions(level=config.optimization_level.get(), threads=config.compile_threads.get())


_machines = threading.local()


def _target_machine(target: TargetMachine, options: CodegenOptions) -> llvm.TargetMachine:
    """LLVM's own object for a target, one for each thread: what it works out of the features takes a millisecond."""
    known: dict[Any, llvm.TargetMachine] = _machines.__dict__
    key = f"{target.triple}:{target.cpu}:{target.features}:{options.level}"
    if key not in known:
        known[key] = _new_target_machine(target, options)
    return known[key]


def _new_target_machine(target: TargetMachine, options: CodegenOptions) -> llvm.TargetMachine:
    initialize_llvm()
    try:
        description = llvm.Target.from_triple(target.triple)
    except RuntimeError as error:
        raise AstraError(f"target '{target}': {error}") from None
    return description.create_target_machine(
        cpu=target.cpu, features=target.features, opt=options.level, reloc="pic", codemodel="small"
    )


def _unlocked(name: str) -> Any:
    """A function of LLVM without llvmlite's process-wide lock, for the two calls that take long.

    LLVM needs no lock between contexts, and each partition has its own; under the lock they would run one after the
    other.  Where llvmlite's internals look different, the locked function is used.
    """
    wrapped = getattr(llvm.ffi.lib, name)
    return getattr(wrapped, "_cfn", wrapped)


# For code whose loops stay as they are written (code_units.py): as good as LLVM's own levels in a third of their time.
# Products became 0-6 % faster, since what fills the registers is not unrolled (matmul 4096x64x4096: 11.8 to 11.2 ms).
_PASSES_AS_WRITTEN = (
    "always_inliner", "sroa", "instruction_combine", "simplify_cfg", "loop_rotate", "instruction_combine", "new_gvn",
    "dead_store_elimination", "simplify_cfg", "aggressive_dce",
)  # fmt: skip


def _pass_manager(builder: llvm.PassBuilder, as_written: bool) -> llvm.ModulePassManager:
    if not as_written:
        return builder.getModulePassManager()
    passes = llvm.create_new_module_pass_manager()
    for name in _PASSES_AS_WRITTEN:
        getattr(passes, f"add_{name}_pass")()
    return passes


def _optimized(
    text: str, target: TargetMachine, options: CodegenOptions, as_written: bool = False
) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    machine = _target_machine(target, options)
    try:
        module = llvm.parse_assembly(text, context=llvm.create_context())
    except RuntimeError as error:
        raise CompileError(f"LLVM does not accept the generated code: {error}") from None
    module.triple = target.triple
    module.data_layout = str(machine.target_data)
    tuning = llvm.create_pipeline_tuning_options(speed_level=options.level)
    tuning.loop_vectorization = options.level >= 2
    tuning.loop_interleaving = options.level >= 2
    tuning.loop_unrolling = options.level >= 1
    tuning.slp_vectorization = options.slp
    builder = llvm.create_pass_builder(machine, tuning)
    passes = _pass_manager(builder, as_written and options.level > 0)
    run_passes(passes, module, builder)
    if "bfloat" in text and target.triple.startswith("x86_64"):
        optimized = str(module)
        if (safe := _without_bf16_sign_masks(optimized)) != optimized:
            module = llvm.parse_assembly(safe, context=llvm.create_context())
    return module, machine


# The selection of instructions of LLVM 22 for x86 asserts ("Shift operators return type must be the same as their first
# arg") where the sign of one bf16 is masked out of its bits.  The bits go through an empty piece of assembly then, that
# it does not look through; copysign, of which it makes such masks, is written in bits first.
_SIGN_MASK = re.compile(r" = and i(?:16|32|64) .*, -?32768$", re.MULTILINE)
_COPYSIGN = re.compile(
    r"^ *%(\S+) = (?:\w+ )*call (?:\w+ )*bfloat @llvm\.copysign\.bf16\(bfloat (\S+), bfloat (\S+)\).*$", re.MULTILINE
)
_BITS = re.compile(r"^ *%(\S+) = bitcast bfloat (\S+) to i16$", re.MULTILINE)


def _without_bf16_sign_masks(llvm_ir: str) -> str:
    text = _COPYSIGN.sub(
        r"""  %copysign.\1.m = bitcast bfloat \2 to i16
  %copysign.\1.s = bitcast bfloat \3 to i16
  %copysign.\1.a = and i16 %copysign.\1.m, 32767
  %copysign.\1.b = and i16 %copysign.\1.s, -32768
  %copysign.\1.c = or disjoint i16 %copysign.\1.a, %copysign.\1.b
  %\1 = bitcast i16 %copysign.\1.c to bfloat""",
        llvm_ir,
    )
    if not _SIGN_MASK.search(text):
        return llvm_ir
    return _BITS.sub(r'  %bits.\1 = bitcast bfloat \2 to i16\n  %\1 = call i16 asm "", "=r,0"(i16 %bits.\1)', text)


def run_passes(passes: llvm.ModulePassManager, module: llvm.ModuleRef, builder: llvm.PassBuilder) -> None:
    """``passes.run(module, builder)`` without the lock."""
    _unlocked("LLVMPY_RunNewModulePassManager")(passes, module, builder)


def emitted(module: llvm.ModuleRef, machine: llvm.TargetMachine, *, assembly: bool = False) -> bytes:
    """``machine.emit_object(module)`` or ``emit_assembly`` without the lock."""
    lib = llvm.ffi.lib
    with llvm.ffi.OutputString() as message:
        buffer = _unlocked("LLVMPY_TargetMachineEmitToMemory")(machine, module, 0 if assembly else 1, message)
        if not buffer:
            raise CompileError(f"LLVM emits no code for {machine.triple}: {message}")
    try:
        return ctypes.string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)


def object_code(
    llvm_ir: str, target: TargetMachine, options: CodegenOptions | None = None, *, whole: bool = False
) -> list[bytes]:
    """Object code of a module as one file (``whole``) or several; kernels that other programs have too are kept.

    Raises :class:`CompileError` with LLVM's message when the text is not a module it accepts.
    """
    options = options or CodegenOptions.default()
    with ObjectCode(target, options) as code:
        code.add(llvm_ir, whole=whole)
        return code.objects()


class ObjectCode:
    """Object code of texts that are handed over one after the other: LLVM's threads begin with the first at once.

    Used as ``with ObjectCode(target, options) as code:``, which ends the threads.
    """

    def __init__(self, target: TargetMachine, options: CodegenOptions) -> None:
        self._target, self._options = target, options
        self._pool: ThreadPoolExecutor | None = None
        self._units: list[Unit | Future[bytes]] = []

    def __enter__(self) -> ObjectCode:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def add(self, llvm_ir: str, *, whole: bool = False) -> None:
        """One more module, in several units unless it is to stay ``whole``; all link together."""
        threads = self._options.threads
        units = [Unit(llvm_ir)] if whole else code_units(llvm_ir, threads)
        if threads > 1 and not whole and self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(threads)
        self._units += [self._pool.submit(self._compiled, unit) for unit in units] if self._pool else units

    def objects(self) -> list[bytes]:
        """The object files, in an order that does not depend on the threads."""
        return [self._compiled(unit) if isinstance(unit, Unit) else unit.result() for unit in self._units]

    def _compiled(self, unit: Unit) -> bytes:
        if not unit.shared:
            return _compiled(unit, self._target, self._options)
        passes = " ".join(_PASSES_AS_WRITTEN) if unit.as_written else ""
        options = f"{self._options.level} {self._options.slp} {passes}"
        key = code_cache.key_of(unit.text, str(self._target), options)
        (code,) = code_cache.kept(key, lambda: [_compiled(unit, self._target, self._options)])
        return code


def _compiled(unit: Unit, target: TargetMachine, options: CodegenOptions) -> bytes:
    return emitted(*_optimized(unit.text, target, options, unit.as_written))


def assembly(llvm_ir: str, target: TargetMachine, options: CodegenOptions | None = None) -> str:
    """Assembly text of a module for a target, unit by unit."""
    return "\n".join(machine.emit_assembly(module) for module, machine in _units_optimized(llvm_ir, target, options))


def optimized_ir(llvm_ir: str, target: TargetMachine, options: CodegenOptions | None = None) -> str:
    """The LLVM IR text after optimisation for a target: its units, linked."""
    first, *others = (str(module) for module, _ in _units_optimized(llvm_ir, target, options))
    if not others:
        return first
    context = llvm.create_context()
    module = llvm.parse_assembly(first, context=context)
    for text in others:
        module.link_in(llvm.parse_assembly(text, context=context))
    return str(module)


def _units_optimized(
    llvm_ir: str, target: TargetMachine, options: CodegenOptions | None
) -> Iterator[tuple[llvm.ModuleRef, llvm.TargetMachine]]:
    """Each unit after optimisation, as one thread makes them."""
    options = options or CodegenOptions.default()
    for unit in code_units(llvm_ir, 1):
        yield _optimized(unit.text, target, options, unit.as_written)


@cache
def _vector_bits(target: TargetMachine) -> int:
    text = (
        "define void @f(ptr %p) {\n %a = load <16 x float>, ptr %p, align 64\n"
        " %b = fadd <16 x float> %a, %a\n store <16 x float> %b, ptr %p, align 64\n ret void\n}\n"
    )
    code = assembly(text, target, CodegenOptions(level=1))
    return next((bits for register, bits in (("zmm", 512), ("ymm", 256)) if register in code), 128)


# What LLVM makes of these, where the processor has the feature: (feature, instruction, code).
_PROBES = {
    "x86_64": (
        ("avx512bf16", "vcvtneps2bf16", "define <16 x bfloat> @bf16(<16 x float> %x) {\n"
         " %y = fptrunc <16 x float> %x to <16 x bfloat>\n ret <16 x bfloat> %y\n}\n"),
        ("vnni", "vpdpwssd", "declare <16 x i32> @llvm.x86.avx512.pmaddw.d.512(<32 x i16>, <32 x i16>)\n"
         "define <16 x i32> @vnni(<16 x i32> %c, <32 x i16> %x, <32 x i16> %y) {\n"
         " %p = call <16 x i32> @llvm.x86.avx512.pmaddw.d.512(<32 x i16> %x, <32 x i16> %y)\n"
         " %s = add <16 x i32> %p, %c\n ret <16 x i32> %s\n}\n"),
    ),
    "aarch64": (
        ("dotprod", "sdot", "declare <4 x i32> @llvm.vector.partial.reduce.add.v4i32.v16i32(<4 x i32>, <16 x i32>)\n"
         "define <4 x i32> @dotprod(<4 x i32> %c, <16 x i8> %a, <16 x i8> %b) {\n"
         " %x = sext <16 x i8> %a to <16 x i32>\n %y = sext <16 x i8> %b to <16 x i32>\n %p = mul <16 x i32> %x, %y\n"
         " %s = call <4 x i32> @llvm.vector.partial.reduce.add.v4i32.v16i32(<4 x i32> %c, <16 x i32> %p)\n"
         " ret <4 x i32> %s\n}\n"),
        ("bfdot", "bfcvtn", "define <4 x bfloat> @bf16(<4 x float> %x) {\n"
         " %y = fptrunc <4 x float> %x to <4 x bfloat>\n ret <4 x bfloat> %y\n}\n"),
    ),
}  # fmt: skip


@cache
def _schedule(target: TargetMachine) -> str:
    architecture, bits = target.triple.partition("-")[0], target.vector_bits
    level = "neon" if architecture == "aarch64" else {128: "x86-64-v2", 256: "x86-64-v3", 512: "x86-64-v4"}[bits]
    probes = _PROBES.get(architecture, ()) if level in ("neon", "x86-64-v4") else ()
    if not probes:
        return level
    code = assembly("".join(text for _, _, text in probes), target, CodegenOptions(level=1))
    return level + "".join(f"+{feature}" for feature, instruction, _ in probes if instruction in code)


# --- loading -----------------------------------------------------------------------------------------------------


class LoadedCode:
    """Machine code in this process, for as long as this object lives."""

    def __init__(self, objects: Sequence[bytes]) -> None:
        self._runtime = runtime()
        self._code = self._runtime.load_code(objects)

    def address(self, symbol: str) -> int:
        """Address of a global symbol; raises :class:`CompileError` where there is none."""
        found = self._runtime.code_address(self._code, symbol)
        if not found:
            raise CompileError(f"generated code has no symbol {symbol}")
        return found

    def __del__(self) -> None:
        if hasattr(self, "_code"):
            self._runtime.release_code(self._code)


def load(objects: Sequence[bytes]) -> LoadedCode:
    """Link object files with each other, the runtime and the process.

    The caller makes sure that the processor has the features the code was compiled for.  Raises :class:`CompileError`
    for what the runtime's loader does not link.
    """
    return LoadedCode(objects)
