"""The script that measures on GPUs, without one: what it covers, a dry run by the emulated driver, the page that it
writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gpu import BARS, Line, cases, page, summary
from tests.runtime.gpu_driver import needs_compiler, with_driver


def test_all_that_is_asked_for_is_measured() -> None:
    known = cases(small=False)
    names = {case.name for case in known}
    assert {case.kind for case in known} | {"launch"} == set(BARS)
    assert {"gemm 8192 bfloat16", "gemm 4096 bfloat16", "softmax", "layer norm", "gelu", "transpose"} <= names
    assert {f"attention {n}{c}" for n in (4096, 8192, 16384) for c in ("", " causal")} <= names
    for model in ("MLP", "GPT block", "ResNet-18", "LSTM"):
        assert any(name.startswith(model) for name in names)
    assert all(case.flops for case in known if case.kind in ("gemm", "attention"))
    assert all(case.bytes for case in known if case.kind == "memory")


def test_bars_are_held_against_each_case_or_the_mean() -> None:
    lines = [
        Line("a", "gemm", astra_ms=1.0, peers_ms={"cublas": 0.96, "triton": 1.5}),
        Line("b", "gemm", astra_ms=1.0, peers_ms={"cublas": 0.94}),
        Line("c", "program", astra_ms=1.0, peers_ms={"jax": 0.9}),
        Line("d", "program", astra_ms=1.0, peers_ms={"jax": 1.2}),
    ]
    said = {text.split(":")[0]: text for text in summary(lines)}
    assert said["gemm beside cublas"].endswith("**missed**") and "0.94 at worst (b)" in said["gemm beside cublas"]
    assert said["gemm beside triton"].endswith(": met") and said["program beside jax"].endswith(": met")
    assert said["launch beside triton"].endswith("not measured")
    text = page("GPU", [], lines)
    assert "| a | 1.0000 |  | 0.96 | 1.50 |  |  |  |" in text and "# Benchmarks on GPUs" in text


@needs_compiler
def test_a_dry_run_checks_numbers(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    place = tmp_path / "page.md"
    text = with_driver(
        f"from benchmarks.gpu import main; print(main(['--dry-run', '--only', 'la', '--page', {str(place)!r}]))"
    ).splitlines()
    assert text[0].startswith("the device is emulated") and text[-1] == "0"
    assert any(line.startswith("layer norm") and "e-0" in line for line in text)
    assert any(line.startswith("launch of a kernel") for line in text)
    assert "| layer norm |" in place.read_text()
