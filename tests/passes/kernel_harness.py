"""Runs one generated kernel on numpy arrays: the kernel alone, without the rest of the pipeline.

A module whose ``@main`` is a single Astra operation goes through ``astra-to-kernels``; the kernel functions are lowered
with upstream passes, one thread, and called with memref descriptors of the arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache

import llvmlite.binding as llvm
import ml_dtypes
import numpy as np

from astra_mlir.bindings import ir, make_context, translate_to_llvm_ir
from astra_mlir.dialects.core import value_of
from astra_mlir.dialects.elements import to_numpy
from astra_mlir.passes import run_pipeline

LOWERING = (
    "func.func(scf-forall-to-for),convert-complex-to-standard,convert-vector-to-scf,lower-affine,convert-scf-to-cf,"
    "convert-vector-to-llvm,convert-complex-to-llvm,convert-math-to-llvm,convert-math-to-libm,expand-strided-metadata,"
    "finalize-memref-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,"
    "reconcile-unrealized-casts"
)

MLIR_NAMES: dict[str, str] = {
    "bool": "i1", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "ui8", "uint16": "ui16",
    "uint32": "ui32", "uint64": "ui64", "float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64",
    "complex64": "complex<f32>", "complex128": "complex<f64>",
}  # fmt: skip
NUMPY_TYPES = {mlir: np.dtype(getattr(ml_dtypes, name, None) or name) for name, mlir in MLIR_NAMES.items()}


def tensor_type(array: np.ndarray) -> str:
    """The MLIR type of an array."""
    return f"tensor<{''.join(f'{size}x' for size in array.shape)}{MLIR_NAMES[array.dtype.name]}>"


@cache
def _target(level: int) -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.load_library_permanently("libm.so.6")
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=level, jit=True
    )


_ENGINES = []  # keeps the code of every compiled kernel alive


def _native(module: ir.Module, name: str, level: int) -> int:
    code = llvm.parse_assembly(translate_to_llvm_ir(module))
    machine = _target(level)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = options.loop_unrolling = level >= 2
    llvm.create_pass_builder(machine, options).getModulePassManager().run(
        code, llvm.create_pass_builder(machine, options)
    )
    engine = llvm.create_mcjit_compiler(code, machine)
    engine.finalize_object()
    _ENGINES.append(engine)
    return engine.get_function_address(name)


def _descriptor(array: np.ndarray) -> ctypes.Array:
    assert array.flags.c_contiguous
    strides = [stride // array.itemsize for stride in array.strides]
    fields = [array.ctypes.data, array.ctypes.data, 0, *array.shape, *strides]
    return (ctypes.c_int64 * len(fields))(*fields)


def compile_kernel(text: str, inputs: Sequence[np.ndarray], level: int = 1) -> Callable[[], list[np.ndarray]]:
    """Compile the operation of ``@main``; each call of the result runs the kernel and gives its results.

    ``level`` is LLVM's optimization level; tests of results need little of it, timing wants 3.
    """
    with make_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        run_pipeline(module, "astra-to-kernels")
        main, *functions = list(module.body.operations)
        calls = [op for op in main.regions[0].blocks[0].operations if op.operation.name == "astra.kernel_call"]
        if not calls:  # nothing to compute
            types = [value.type for value in main.regions[0].blocks[0].operations[-1].operands]
            empty = [np.empty(tuple(t.shape), NUMPY_TYPES[str(t.element_type)]) for t in types]
            assert all(array.size == 0 for array in empty), str(module)
            return lambda: empty
        assert len(calls) == 1, str(module)
        call = calls[0].operation
        callee, outs = value_of(call, "callee"), value_of(call, "num_outs")
        results = outs - value_of(call, "num_scratch", 0)
        kernels = ir.Module.create()
        for function in functions:
            function.operation.detach_from_parent()
            kernels.body.append(function)
            if ir.StringAttr(function.operation.attributes["sym_name"]).value == callee:
                function.operation.attributes["llvm.emit_c_interface"] = ir.UnitAttr.get()
        sources: list[int | np.dtype] = []
        shapes = []
        for operand in call.operands:
            if isinstance(operand, ir.BlockArgument):
                sources.append(operand.arg_number)
            elif operand.owner.name == "astra.constant":
                sources.append(len(inputs))
                inputs = [*inputs, np.array(to_numpy(operand.owner.attributes["value"]))]
            else:
                assert operand.owner.name == "tensor.empty", operand.owner.name
                sources.append(NUMPY_TYPES[str(operand.type.element_type)])
            shapes.append(tuple(operand.type.shape))
        run_pipeline(kernels, LOWERING)
        address = _native(kernels, f"_mlir_ciface_{callee}", level)
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(sources))(address)
    number_of_ins = len(sources) - outs

    def run() -> list[np.ndarray]:
        arrays = []
        for i, (source, shape) in enumerate(zip(sources, shapes, strict=True)):
            if isinstance(source, int):
                array = np.ascontiguousarray(inputs[source])
                arrays.append(array.copy() if i >= number_of_ins else array)
            else:
                array = np.empty(shape, source)
                array.view(np.uint8).fill(0x5A) if shape else array.fill(1)
                arrays.append(array)
        descriptors = [_descriptor(array) for array in arrays]

        def call(keep: object = (arrays, descriptors)) -> None:
            signature(*[ctypes.addressof(descriptor) for descriptor in descriptors])

        call()
        run.call = call  # type: ignore[attr-defined]
        return arrays[number_of_ins : number_of_ins + results]

    return run


def operation_text(
    name: str, inputs: Sequence[np.ndarray], results: Sequence[str], attributes: str, regions: str = ""
) -> str:
    """``@main`` of a single Astra operation on arguments like ``inputs``."""
    types = [tensor_type(array) for array in inputs]
    arguments = ", ".join(f"%arg{i}: {type_}" for i, type_ in enumerate(types))
    operands = ", ".join(f"%arg{i}" for i in range(len(types)))
    returned = ", ".join(f"%r#{i}" for i in range(len(results))) if len(results) > 1 else "%r"
    bound = f"%r:{len(results)}" if len(results) > 1 else "%r"
    return f"""
      func.func @main({arguments}) -> ({", ".join(results)}) {{
        {bound} = "astra.{name}"({operands}) {regions} {{{attributes}}} : ({", ".join(types)}) -> ({", ".join(results)})
        return {returned} : {", ".join(results)}
      }}"""


def run_operation(
    name: str, inputs: Sequence[np.ndarray], results: Sequence[str], attributes: str, regions: str = ""
) -> list[np.ndarray]:
    """Compile and run a single Astra operation."""
    return compile_kernel(operation_text(name, inputs, results, attributes, regions), inputs)()
