"""Every operation is documented: a sentence, an example that parses and verifies, and what it means."""

from __future__ import annotations

import re

import pytest

from astra_mlir.bindings import ir, make_context
from astra_mlir.dialects import OPS, OpDef, verify

_EXAMPLE = re.compile(r"```mlir\n(.*?)\n```", re.DOTALL)


def example_of(definition: OpDef) -> str:
    """The example in an operation's documentation: one operation in generic form, on free values."""
    examples = _EXAMPLE.findall(definition.doc)
    assert len(examples) == 1, f"{definition.name} must have one example"
    return str(examples[0])


# Declarations of the functions that an example names.
_VECTOR = "(tensor<4xf32>) -> tensor<4xf32>"
_FUNCTIONS: dict[str, dict[str, str]] = {
    "astra.jvp": {"f": "(tensor<4xf32>, tensor<i32>) -> tensor<f32>"},
    "astra.vjp": {"f": "(tensor<4xf32>, tensor<i32>) -> tensor<f32>"},
    "astra.vmap": {"f": "(tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>"},
    "astra.checkpoint": {"f": _VECTOR},
    "astra.custom_jvp": {"f": _VECTOR, "f_jvp": "(tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)"},
    "astra.custom_vjp": {
        "f": _VECTOR,
        "f_fwd": "(tensor<4xf32>) -> (tensor<4xf32>, tensor<2xi32>)",
        "f_bwd": "(tensor<2xi32>, tensor<4xf32>) -> tensor<4xf32>",
    },
    "astra.custom_vmap": {"f": _VECTOR},
    "astra.linear_solve": {
        "matvec": "(tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>",
        "solve": "(tensor<4x4xf32>, tensor<4xf32>) -> tensor<4xf32>",
    },
}


def _split(text: str) -> list[str]:
    """Split at the commas that are outside of brackets."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in "<([") - (char in ">)]")
        if char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def program_of(example: str) -> str:
    """The example in a function whose arguments are its free values: the operands of the outermost operation."""
    head = re.search(r'"astra\.\w+"\((.*?)\)', example)
    signature = re.search(r":\s*\(([^()]*)\) -> [^\n]*$", example)
    assert head is not None and signature is not None, example
    names, types = _split(head[1]), _split(signature[1])
    assert len(names) == len(types), example
    arguments = ", ".join(f"{name}: {type_}" for name, type_ in dict(zip(names, types, strict=True)).items())
    return f"func.func @example({arguments}) {{\n{example}\nreturn\n}}"


@pytest.fixture(scope="module")
def context() -> ir.Context:
    return make_context()


@pytest.mark.parametrize("definition", OPS.values(), ids=lambda definition: definition.name)
def test_example_parses_and_verifies(context: ir.Context, definition: OpDef) -> None:
    with context:
        functions = _FUNCTIONS.get(definition.name, {})
        declarations = "".join(f"func.func private @{name}{type_}\n" for name, type_ in functions.items())
        module = ir.Module.parse(declarations + program_of(example_of(definition)))
        assert verify(module) > 0
    assert f'"{definition.name}"' in example_of(definition)


@pytest.mark.parametrize("definition", OPS.values(), ids=lambda definition: definition.name)
def test_documentation_begins_with_a_sentence(definition: OpDef) -> None:
    first = definition.doc.split("\n\n")[0]
    assert first.endswith(".") and "\n" not in first and len(first) <= 140
    assert first[0].isupper()


@pytest.mark.parametrize("definition", OPS.values(), ids=lambda definition: definition.name)
def test_attributes_are_in_the_example_or_the_text(definition: OpDef) -> None:
    for name in (*definition.attributes, *definition.optional_attributes):
        assert name in definition.doc, f"{definition.name}: attribute '{name}' is not documented"
