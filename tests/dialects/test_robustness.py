"""However an operation is malformed, its verifier says so: no exception of Python, no crash."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import OPS, OpDef, verification_errors

from .test_documentation import example_of, program_of

_CONTEXT = make_context()
_CONTEXT.attach_diagnostic_handler(lambda diagnostic: True)

_NUMBER = re.compile(r"(?<![%\w.])-?\d+(?=[,>x\s])(?! *=)")
_ELEMENT = re.compile(r"\b(?:f32|i32|i1|ui64|ui32|complex<f32>)\b")
_ELEMENTS = ("f32", "i32", "i1", "index", "ui8", "complex<f64>", "f8E4M3FN", "i128", "!quant.uniform<i8:f32, 0.5>")
_NUMBERS = ("-1", "0", "1", "2", "3", "9", "4611686018427387904", "-9223372036854775808")


def _mutated(data: st.DataObject, text: str, pattern: re.Pattern[str], choices: tuple[str, ...]) -> str:
    """The text with some matches of the pattern replaced."""

    def replace(match: re.Match[str]) -> str:
        return data.draw(st.sampled_from((match[0], match[0], match[0], *choices)))

    return pattern.sub(replace, text)


@pytest.mark.parametrize("definition", OPS.values(), ids=lambda definition: definition.name)
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_malformed_operations_are_reported(definition: OpDef, data: st.DataObject) -> None:
    example = _mutated(data, example_of(definition), _NUMBER, _NUMBERS)
    example = _mutated(data, example, _ELEMENT, _ELEMENTS)
    with _CONTEXT:
        try:
            module = ir.Module.parse(program_of(example))
        except ir.MLIRError:
            return  # not even well-formed text
        for _, message in verification_errors(module):
            assert " op " in message
