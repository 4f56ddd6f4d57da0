"""The model cases: MLP, attention, GPT, ResNet-18, LSTM, forward and their gradients and train steps."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.case import Case, arrays, integers, normal
from benchmarks.operations import convolution

__all__ = ["MODELS", "lstm", "mlp", "resnet", "resnet_parameters"]

Tree = Any


@functools.cache
def example(name: str) -> Any:
    """A module of ``examples/`` (by its file: the standard library has a ``wave`` too)."""
    folder = Path(__file__).parents[1] / "examples"
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # the examples import what they share
    spec = importlib.util.spec_from_file_location(f"examples.{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# --- MLP ------------------------------------------------------------------------------------------------------------


def mlp(weights: Tree, x: jax.Array) -> jax.Array:
    up, up_bias, down, down_bias = weights
    return jax.nn.gelu(x @ up + up_bias) @ down + down_bias


def mlp_train_step(weights: Tree, x: jax.Array, target: jax.Array) -> tuple[Tree, jax.Array]:
    loss, gradient = jax.value_and_grad(lambda w: jnp.mean((mlp(w, x) - target) ** 2))(weights)
    return jax.tree.map(lambda w, g: w - 0.1 * g, weights, gradient), loss


def mlp_arguments(width: int, inner: int, *more: tuple[int, ...]) -> Callable[[], tuple[Tree, ...]]:
    def make() -> tuple[Tree, ...]:
        shapes = [(width, inner), (inner,), (inner, width), (width,)]
        weights = tuple(normal(*shape, seed=i, scale=0.02) for i, shape in enumerate(shapes))
        return weights, *(normal(*shape, seed=9 + i) for i, shape in enumerate(more))

    return make


# --- attention ------------------------------------------------------------------------------------------------------


def attention(q: jax.Array, k: jax.Array, v: jax.Array, causal: bool = False) -> jax.Array:
    """Attention on (heads, length, features)."""
    scores = jnp.einsum("hqd,hkd->hqk", q, k) / np.float32(np.sqrt(q.shape[-1]))
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores, axis=-1), v)


def attention_gradient(q: jax.Array, k: jax.Array, v: jax.Array, g: jax.Array, causal: bool = False) -> Tree:
    return jax.grad(lambda *qkv: jnp.sum(attention(*qkv, causal) * g), (0, 1, 2))(q, k, v)


def _attention_cases(heads: int, length: int, features: int) -> list[Case]:
    shape, small = (heads, length, features), (2, 40, 16)
    return [
        Case(
            f"attention{' causal' if causal else ''} {heads}x{length}x{features}{suffix}",
            functools.partial(function, causal=causal),
            arrays(*[shape] * count),
            tolerance,
            arrays(*[small] * count),
            torch=f"attention{'_causal' if causal else ''}{suffix.replace(' ', '_')}",
        )
        for causal in (False, True)
        for function, suffix, count, tolerance in ((attention, "", 3, 5e-6), (attention_gradient, " gradient", 4, 1e-5))
    ]


# --- GPT ------------------------------------------------------------------------------------------------------------

_HEADS = 12  # of GPT-2 small
_SMALL = {"layers": 2, "heads": 2, "width": 32, "context": 16, "vocabulary": 300, "batch": 2}


def gpt_block(heads: int) -> Callable[[Tree, jax.Array], jax.Array]:
    return lambda parameters, x: example("gpt_text").block(parameters, x, heads)


def gpt_block_arguments(width: int, heads: int, length: int) -> Callable[[], tuple[Tree, ...]]:
    def make() -> tuple[Tree, ...]:
        text = example("gpt_text")
        shape = text.Shape(layers=1, heads=heads, width=width, vocabulary=2)
        return text.initial_parameters(shape)["blocks"][0], normal(1, length, width, seed=3)

    return make


def gpt_forward(heads: int) -> Callable[[Tree, jax.Array], jax.Array]:
    return lambda parameters, tokens: example("gpt_text").logits(parameters, tokens, heads)


def gpt_forward_arguments(**sizes: int) -> tuple[Tree, ...]:
    text = example("gpt_text")
    shape = text.Shape(**sizes) if sizes else text.SIZES["124M"]
    return text.initial_parameters(shape), integers(shape.vocabulary, shape.batch, shape.context)


def gpt_train_step(state: Tree, batch: jax.Array, heads: int = 4) -> Tree:
    """One step of Adam of the example's GPT."""
    text, common = example("gpt_text"), example("common")

    def loss(parameters: Tree, batch: jax.Array) -> jax.Array:
        return common.cross_entropy(text.logits(parameters, batch[:, :-1], heads), batch[:, 1:])

    return common.adam(loss, 1e-3)(state, batch)


def gpt_train_arguments(**sizes: int) -> tuple[Tree, ...]:
    text, common = example("gpt_text"), example("common")
    shape = text.Shape(**sizes)
    state = common.adam_state(text.initial_parameters(shape))
    return state, integers(shape.vocabulary, shape.batch, shape.context + 1)


# --- ResNet-18 ------------------------------------------------------------------------------------------------------

_STRIDES = (1, 2, 2, 2)
_CHANNELS = (64, 128, 256, 512)


def batch_norm(parameters: Tree, x: jax.Array) -> jax.Array:
    """(scale, shift) normalise by the batch's own statistics, (scale, shift, mean, variance) by those given."""
    scale, shift, *statistics = parameters
    if statistics:
        mean, variance = statistics
    else:
        mean = jnp.mean(x, axis=(0, 1, 2))
        variance = jnp.mean((x - mean) ** 2, axis=(0, 1, 2))
    return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + shift


def residual_block(block: Tree, x: jax.Array, stride: int) -> jax.Array:
    y = jax.nn.relu(batch_norm(block["norm1"], convolution(stride)(x, block["conv1"])))
    y = batch_norm(block["norm2"], convolution()(y, block["conv2"]))
    if "project" in block:
        x = batch_norm(block["norm3"], convolution(stride)(x, block["project"]))
    return jax.nn.relu(x + y)


def resnet(parameters: Tree, images: jax.Array) -> jax.Array:
    """The scores of NHWC images; the stem is ImageNet's (7x7 at stride 2, max-pool) or CIFAR's (3x3) by its kernel."""
    large = parameters["stem"].shape[0] == 7
    x = jax.nn.relu(batch_norm(parameters["norm"], convolution(2 if large else 1)(images, parameters["stem"])))
    if large:
        padding = ((0, 0), (1, 1), (1, 1), (0, 0))
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding)
    for blocks, stride in zip(parameters["stages"], _STRIDES, strict=True):
        for i, block in enumerate(blocks):
            x = residual_block(block, x, stride if i == 0 else 1)
    return jnp.mean(x, axis=(1, 2)) @ parameters["last"]


def resnet_parameters(stem: int, classes: int, statistics: bool, channels: tuple[int, ...] = _CHANNELS) -> Tree:
    seeds = iter(range(100))

    def kernel(size: int, inputs: int, outputs: int) -> jax.Array:
        return normal(size, size, inputs, outputs, seed=next(seeds), scale=(2 / (size * size * inputs)) ** 0.5)

    def norm(channels: int) -> Tree:
        start = jnp.ones(channels), jnp.zeros(channels)
        return (*start, *reversed(start)) if statistics else start

    stages, before = [], channels[0]
    for width, stride in zip(channels, _STRIDES, strict=True):
        blocks = []
        for i, inputs in enumerate((before, width)):
            block = {"conv1": kernel(3, inputs, width), "conv2": kernel(3, width, width)}
            block |= {"norm1": norm(width), "norm2": norm(width)}
            if i == 0 and (inputs != width or stride != 1):
                block |= {"project": kernel(1, inputs, width), "norm3": norm(width)}
            blocks.append(block)
        stages.append(blocks)
        before = width
    last = normal(channels[-1], classes, seed=next(seeds), scale=channels[-1] ** -0.5)
    return {"stem": kernel(stem, 3, channels[0]), "norm": norm(channels[0]), "stages": stages, "last": last}


def resnet_arguments(
    batch: int, size: int = 224, stem: int = 7, classes: int = 1000, statistics: bool = True, **channels: Any
) -> Callable[[], tuple[Tree, ...]]:
    def make() -> tuple[Tree, ...]:
        labels = () if statistics else (integers(classes, batch),)
        parameters = resnet_parameters(stem, classes, statistics, **channels)
        return parameters, normal(batch, size, size, 3, seed=100), *labels

    return make


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The mean over rows of minus the log-probability of each row's label."""
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))


def resnet_loss(parameters: Tree, images: jax.Array, labels: jax.Array) -> jax.Array:
    return cross_entropy(resnet(parameters, images), labels)


def resnet_train_step(parameters: Tree, images: jax.Array, labels: jax.Array) -> tuple[Tree, jax.Array]:
    loss, gradient = jax.value_and_grad(resnet_loss)(parameters, images, labels)
    return jax.tree.map(lambda w, g: w - 0.01 * g, parameters, gradient), loss


# --- LSTM -----------------------------------------------------------------------------------------------------------


def lstm(weights: jax.Array, bias: jax.Array, inputs: jax.Array) -> jax.Array:
    """The last hidden state after a scan over (time, batch, width) inputs."""
    width = inputs.shape[-1]

    def cell(carry: Tree, x: jax.Array) -> tuple[Tree, None]:
        hidden, memory = carry
        z = jnp.concatenate([x, hidden], axis=-1) @ weights + bias
        enter, forget, leave, candidate = (z[:, i * width : (i + 1) * width] for i in range(4))
        memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(leave) * jnp.tanh(memory), memory), None

    start = jnp.zeros_like(inputs[0])
    return lax.scan(cell, (start, start), inputs)[0][0]


def lstm_arguments(batch: int, steps: int = 256, width: int = 128) -> Callable[[], tuple[jax.Array, ...]]:
    return arrays((2 * width, 4 * width), (4 * width,), (steps, batch, width), scale=0.1)


# --- the table ------------------------------------------------------------------------------------------------------

_TINY_CHANNELS = {"channels": (8, 8, 16, 24)}

MODELS: tuple[Case, ...] = (
    Case("MLP forward 256x768x3072", mlp, mlp_arguments(768, 3072, (256, 768)), 5e-6,
         mlp_arguments(24, 40, (9, 24)), torch="mlp"),
    Case("MLP train step 256x768x3072", mlp_train_step, mlp_arguments(768, 3072, (256, 768), (256, 768)), 1e-5,
         mlp_arguments(24, 40, (9, 24), (9, 24)), torch="mlp_train_step"),
    *_attention_cases(12, 512, 64),
    *_attention_cases(8, 2048, 64),
    Case("GPT block 768, 256 tokens", gpt_block(_HEADS), gpt_block_arguments(768, _HEADS, 256), 1e-5,
         gpt_block_arguments(32, 2, 20), gpt_block(2), torch="gpt_block"),
    Case("GPT-2 124M forward, 1x256 tokens", gpt_forward(_HEADS), gpt_forward_arguments, 2e-5,
         functools.partial(gpt_forward_arguments, **_SMALL), gpt_forward(2), torch="gpt_forward"),
    # Adam divides small numbers by each other in its first step
    Case("GPT train step, 4 layers of 128", gpt_train_step, gpt_train_arguments, 1e-3,
         functools.partial(gpt_train_arguments, **_SMALL), functools.partial(gpt_train_step, heads=2),
         torch="gpt_train_step"),
    Case("ResNet-18 forward, batch 1", resnet, resnet_arguments(1), 2e-5,
         resnet_arguments(1, 33, classes=10, **_TINY_CHANNELS), torch="resnet"),
    Case("ResNet-18 forward, batch 8", resnet, resnet_arguments(8), 2e-5,
         resnet_arguments(2, 33, classes=10, **_TINY_CHANNELS), torch="resnet"),
    # a rectifier within rounding errors of 0 passes or stops a whole element of the gradient
    Case("ResNet-18 train step, batch 8 of 32x32", resnet_train_step, resnet_arguments(8, 32, 3, 10, False), 1e-2,
         resnet_arguments(2, 16, 3, 10, False, **_TINY_CHANNELS), torch="resnet_train_step"),
    Case("LSTM scan 256 steps, batch 1, width 128", lstm, lstm_arguments(1), 1e-5, lstm_arguments(1, 5, 12),
         torch="lstm"),
    Case("LSTM scan 256 steps, batch 64, width 128", lstm, lstm_arguments(64), 1e-5, lstm_arguments(3, 5, 12),
         torch="lstm"),
)  # fmt: skip
