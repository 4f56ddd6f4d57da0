"""Machine code for named targets: names, splitting over threads, loading."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

import astra_mlir as astra
from astra_mlir import code_units, machine_sizes, program_cache
from astra_mlir.code_units import code_units as units_of
from astra_mlir.code_units import split_llvm_ir
from astra_mlir.errors import AstraError, CompileError
from astra_mlir.machine_sizes import host_sizes, parse_sizes, sizes_text
from astra_mlir.program import Program
from astra_mlir.runtime import Call, runtime
from astra_mlir.target_machine import CodegenOptions, TargetMachine, assembly, load, object_code

# Doubles output 0 in tasks of the runtime, by a kernel with its outlined body and a table of constants.
PROGRAM = """
declare void @astra_parallel_for(ptr, ptr, i64)
@two = private constant [2 x float] [float 1.0, float 2.0]

define internal void @kernel_0.task(ptr %data, i64 %begin, i64 %end) {
  br label %loop
loop:
  %i = phi i64 [%begin, %0], [%next, %loop]
  %at = getelementptr float, ptr %data, i64 %i
  %value = load float, ptr %at
  %factor = load float, ptr getelementptr (float, ptr @two, i64 1)
  %product = fmul float %value, %factor
  store float %product, ptr %at
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}

define internal void @kernel_0(ptr noalias %data) {
  call void @astra_parallel_for(ptr @kernel_0.task, ptr %data, i64 1000)
  ret void
}

define internal void @kernel_1(ptr noalias %data) {
  %value = load float, ptr %data
  %more = fadd float %value, 1.0
  store float %more, ptr %data
  ret void
}

define void @astra_entry_main(ptr %inputs, ptr %outputs, ptr %arena) {
  %data = load ptr, ptr %outputs
  call void @kernel_0(ptr %data)
  call void @kernel_1(ptr %data)
  ret void
}
"""


def run(objects: list[bytes]) -> np.ndarray:
    code = load(objects)
    data = np.arange(1000, dtype=np.float32)
    outputs = (ctypes.c_void_p * 1)(data.ctypes.data)
    call = Call(ctypes.sizeof(Call), code.address("astra_entry_main"), 0, ctypes.addressof(outputs), 0, 2)
    runtime().execute(ctypes.addressof(call))
    return data


EXPECTED = np.concatenate([[1.0], 2 * np.arange(1, 1000)]).astype(np.float32)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_levels_give_the_same_results(level: int) -> None:
    np.testing.assert_array_equal(
        run(object_code(PROGRAM, TargetMachine.host(), CodegenOptions(level=level))), EXPECTED
    )


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_parts_link_together(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_units, "_PIECE_WORK", 1)
    objects = object_code(PROGRAM, TargetMachine.host(), CodegenOptions(threads=parts))
    assert len(objects) == (1 if parts == 1 else 3)  # the entry and two kernels
    np.testing.assert_array_equal(run(objects), EXPECTED)


def test_what_was_outlined_of_a_kernel_stays_with_it() -> None:
    parts = split_llvm_ir(PROGRAM, 3)
    home = [part for part in parts if "define hidden void @kernel_0(" in part]
    assert len(home) == 1
    assert "define internal void @kernel_0.task" in home[0]
    assert sum("declare hidden void @kernel_0(ptr noalias %data)" in part for part in parts) == 1


def test_what_a_call_asks_to_inline_stays_with_its_caller() -> None:
    call = "call void @kernel_0(ptr %data)"
    assert call in PROGRAM
    inlined = PROGRAM.replace(call, call + " #9") + "attributes #9 = { alwaysinline }\n"
    (home,) = (part for part in split_llvm_ir(inlined, 3) if "define void @astra_entry_main(" in part)
    assert "define internal void @kernel_0(" in home


LOOP = """
define void @{name}(ptr %p, i64 %n) {{
  br label %loop
loop:
  %i = phi i64 [0, %0], [%next, %loop]
  {body}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done{mark}
done:
  ret void
}}
"""
STORE = "store i64 %i, ptr %p"
REST = """
declare void @call(ptr)
attributes #0 = { alwaysinline }
!0 = distinct !{!0, !1}
!1 = !{!"llvm.loop.disable_nonforced"}
!2 = distinct !{!2, !3}
!3 = !{!"llvm.loop.unroll.disable"}
"""


@pytest.mark.parametrize(
    ("body", "mark", "stays"),
    [
        (STORE, ", !llvm.loop !0", True),
        ("call void @call(ptr %p)", "", True),
        (STORE, "", False),  # LLVM is to vectorize it
        (STORE, ", !llvm.loop !2", False),
        ("call void @call(ptr %p) #0", "", False),  # will be another loop once that is inlined
        ("%m = call i64 @llvm.smin.i64(i64 %i, i64 %n)", "", False),
    ],
)
def test_loops_that_stay_as_they_are_have_units_of_their_own(
    body: str, mark: str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_units, "_SHARED_BYTES", 0)
    monkeypatch.setattr(code_units, "_PIECE_WORK", 1)
    plain = LOOP.format(name="plain", body=STORE, mark="")
    text = LOOP.format(name="asked", body=body, mark=mark) + plain + REST + "declare i64 @llvm.smin.i64(i64, i64)\n"
    units = units_of(text, 2)
    (unit,) = (unit for unit in units if "define void @asked" in unit.text)
    assert unit.as_written == stays
    assert not any(unit.as_written for unit in units if "define void @plain" in unit.text)
    for unit in units:
        assembly(unit.text, TargetMachine.host())  # LLVM takes it


def test_code_that_llvm_rejects() -> None:
    with pytest.raises(CompileError, match="does not accept"):
        object_code("define void @f( {", TargetMachine.host())


def test_symbols_that_nothing_defines() -> None:
    text = "declare void @no_such_function()\ndefine void @f() {\n  call void @no_such_function()\n  ret void\n}\n"
    with pytest.raises(CompileError, match="no_such_function.*neither in it nor in the runtime"):
        load(object_code(text, TargetMachine.host()))


@pytest.mark.parametrize(
    ("name", "bits", "schedule"),
    [("x86-64", 128, "x86-64-v2"), ("x86-64-v3", 256, "x86-64-v3"), ("x86-64-v4", 512, "x86-64-v4")],
)
def test_vector_width(name: str, bits: int, schedule: str) -> None:
    target = TargetMachine.parse(f"x86_64-unknown-linux-gnu:{name}")
    assert target.vector_bits == bits
    assert target.schedule == schedule


def test_another_architecture() -> None:
    target = TargetMachine.parse("aarch64-unknown-linux-gnu:neoverse-v2")
    assert "x8" in assembly(PROGRAM, target)
    assert "aarch64" in (target.why_not_here() or "aarch64")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x86_64-unknown-linux-gnu:pentium9000", "unknown processor 'pentium9000'"),
        ("riscv64-unknown-linux-gnu:generic", "architecture 'riscv64'"),
        ("a:b:c:d", "expected 'host'"),
    ],
)
def test_unknown_targets(text: str, message: str) -> None:
    with pytest.raises(AstraError, match=message):
        TargetMachine.parse(text)


def test_what_the_host_lacks() -> None:
    host = TargetMachine.host()
    assert host.why_not_here() is None
    wanting = TargetMachine(host.triple, host.cpu, "+no-such-feature")
    assert "no-such-feature" in (wanting.why_not_here() or "")


def test_sign_of_bf16_masked_out_of_its_bits():
    """LLVM's selection of instructions ends the process for this; the optimizer makes both forms."""
    program = """
    declare bfloat @llvm.copysign.bf16(bfloat, bfloat)
    define void @kernel_0(ptr %in, ptr %out) {
      %x = load bfloat, ptr %in
      %bits = bitcast bfloat %x to i16
      %sign = and i16 %bits, -32768
      store i16 %sign, ptr %out
      %c = call bfloat @llvm.copysign.bf16(bfloat 0xR3F80, bfloat %x)
      %cbits = bitcast bfloat %c to i16
      %next = getelementptr i16, ptr %out, i64 1
      store i16 %cbits, ptr %next
      ret void
    }
    """
    code = load(object_code(program, TargetMachine.host(), whole=True))
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address("kernel_0"))
    for sign, bits in ((0x8000, 0xC040), (0, 0x4040)):  # -3 and 3
        data, out = np.array([bits], np.uint16), np.zeros(2, np.uint16)
        kernel(data.ctypes.data, out.ctypes.data)
        assert list(out) == [sign, sign | 0x3F80]


# --- sizes of the machine ---------------------------------------------------------------------------------------------


def test_sizes_are_part_of_a_target_and_of_its_schedules() -> None:
    target = TargetMachine.parse("x86_64-unknown-linux-gnu:haswell+cores=4+l2=1024k:+avx2")
    assert (target.cpu, target.features, target.sizes) == ("haswell", "+avx2", "l2=1m+cores=4")
    assert target.schedule == "x86-64-v3+l2=1m+cores=4"
    assert TargetMachine.parse(str(target)) == target
    assert TargetMachine.parse("x86-64-v3").sizes == ""


def test_the_host_has_the_sizes_of_this_machine_unless_others_are_asked_for() -> None:
    host = TargetMachine.host()
    assert host.sizes == sizes_text(host_sizes())
    assert "cores=" in host.sizes
    other = TargetMachine.parse("host+cores=77")
    assert parse_sizes(other.sizes) == parse_sizes(host.sizes) | {"cores": 77}
    assert other.why_not_here() is None


@pytest.mark.parametrize("text", ["x86-64-v3+l4=1m", "host+l2=0", "host+cores=2k", "host+vnni"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(AstraError, match="is no size of a target"):
        TargetMachine.parse(text)


def test_programs_for_other_sizes_are_kept_apart() -> None:
    program = Program(b"a program", "main")
    keys = {
        program_cache.key_of(program, TargetMachine.parse(name), CodegenOptions())
        for name in ("x86-64-v3", "x86-64-v3+l2=1m", "x86-64-v3+l2=2m", "x86-64-v3+cores=2")
    }
    assert len(keys) == 4


def test_caches_of_a_machine_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "1280K"), ("4", "Unified", "64M")]
    for number, values in enumerate(entries):
        (folder := tmp_path / f"index{number}").mkdir()
        for name, value in zip(("level", "type", "size"), values, strict=True):
            (folder / name).write_text(f"{value}\n")
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    monkeypatch.setattr(machine_sizes, "_CACHES", tmp_path)
    monkeypatch.setattr(machine_sizes, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(machine_sizes.os, "sched_getaffinity", lambda _: range(8))
    assert machine_sizes.host_sizes.__wrapped__() == {"l1": 48 << 10, "l2": 1280 << 10, "cores": 2}


def test_the_number_of_cores_changes_no_bit() -> None:
    jax = pytest.importorskip("jax")
    x, y = np.random.default_rng(0).standard_normal((2, 4, 300, 300), np.float32)

    def function(x, y):
        scores = jax.nn.softmax(jax.numpy.einsum("hqd,hkd->hqk", x, y), axis=-1)
        return jax.numpy.einsum("hqk,hkd->hqd", scores, y), x @ y, x.sum(0), x.sum(1)

    results = [astra.compile(function, x, y, target=f"host+cores={count}")(x, y) for count in (1, 64)]
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
