"""The PyTorch counterparts of the cases, by the names that the tables give; imported only where torch is installed.

A peer makes its function with ``compile``, which is the identity for eager execution and ``torch.compile`` otherwise: a
train step compiles its loss, whose gradient PyTorch takes outside.  ``prepare`` puts arguments into PyTorch's own
layout before the clock starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import torch
import torch.nn.functional as F

__all__ = ["PEERS", "Peer", "from_torch", "to_torch"]

Tree = Any
Function = Callable[..., Tree]


@dataclass(frozen=True)
class Peer:
    """``make(compile)`` gives the function; ``compiled`` is whether ``torch.compile`` can be asked (not to unroll)."""

    make: Callable[[Callable[[Function], Function]], Function]
    prepare: Callable[..., tuple[Tree, ...]] = lambda *arguments: arguments
    compiled: bool = True


def to_torch(arguments: Tree) -> Tree:
    """A tree of tensors in the memory of a tree of JAX arrays."""
    return jax.tree.map(lambda x: torch.from_dlpack(jax.numpy.asarray(x)), arguments)


def from_torch(results: Tree) -> Tree:
    """A tree of NumPy arrays (bf16 as f32) of a tree of tensors."""

    def convert(x: Any) -> Any:
        x = x.detach()
        return (x.float() if x.dtype == torch.bfloat16 else x).numpy()

    return jax.tree.map(convert, results, is_leaf=lambda x: isinstance(x, torch.Tensor))


def _plain(function: Function, prepare: Function | None = None, *, compiled: bool = True) -> Peer:
    def make(compile: Callable[[Function], Function]) -> Function:
        inner = compile(function)

        def call(*arguments: Tree) -> Tree:
            with torch.no_grad():
                return inner(*arguments)

        return call

    return Peer(make, prepare or (lambda *arguments: arguments), compiled)


def _value_and_grad(loss: Function) -> Callable[..., tuple[torch.Tensor, Tree]]:
    """As ``jax.value_and_grad``: the loss and its gradient with respect to the first argument."""

    def call(parameters: Tree, *others: Tree) -> tuple[torch.Tensor, Tree]:
        leaves, tree = jax.tree.flatten(parameters)
        leaves = [leaf.detach().requires_grad_() for leaf in leaves]
        value = loss(jax.tree.unflatten(tree, leaves), *others)
        return value.detach(), jax.tree.unflatten(tree, torch.autograd.grad(value, leaves))

    return call


def _train_step(loss: Function, rate: float) -> Peer:
    def make(compile: Callable[[Function], Function]) -> Function:
        gradient = _value_and_grad(compile(loss))

        def step(parameters: Tree, *others: Tree) -> Tree:
            value, gradients = gradient(parameters, *others)
            with torch.no_grad():
                return jax.tree.map(lambda w, g: w - rate * g, parameters, gradients), value

        return step

    return Peer(make)


# --- operations -----------------------------------------------------------------------------------------------------


def layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    return F.layer_norm(x, x.shape[-1:], scale, shift, 1e-5)


def black_scholes(price: Any, strike: Any, years: Any) -> Any:
    rate, volatility = 0.02, 0.3
    spread = volatility * torch.sqrt(years)
    d1 = (torch.log(price / strike) + (rate + 0.5 * volatility**2) * years) / spread
    discounted = strike * torch.exp(-rate * years)

    def distribution(x: Any) -> Any:
        return 0.5 * (1 + torch.erf(x * math.sqrt(0.5)))

    call = price * distribution(d1) - discounted * distribution(d1 - spread)
    return call, call + discounted - price


def gelu(x: Any) -> Any:
    return F.gelu(x, approximate="tanh")


def _channels_first(x: Any) -> Any:
    """NHWC memory as PyTorch sees it: NCHW in the format ``channels_last``, which is its fastest on CPUs."""
    return x.permute(0, 3, 1, 2)


def _kernel(k: Any) -> Any:
    """HWIO to OIHW."""
    return k.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)


def _convolution(stride: int = 1) -> Peer:
    def convolve(x: Any, kernel: Any) -> Any:
        y = F.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2, groups=x.shape[1] // kernel.shape[1])
        return y.permute(0, 2, 3, 1)

    return _plain(convolve, lambda x, kernel: (_channels_first(x), _kernel(kernel)))


# --- models ---------------------------------------------------------------------------------------------------------


def mlp(weights: Tree, x: Any) -> Any:
    up, up_bias, down, down_bias = weights
    return torch.addmm(down_bias, gelu(torch.addmm(up_bias, x, up)), down)


def attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=causal)[0]


def _attention_gradient(causal: bool) -> Peer:
    def make(compile: Callable[[Function], Function]) -> Function:
        gradient = _value_and_grad(compile(lambda qkv, g: torch.sum(attention(*qkv, causal) * g)))
        return lambda q, k, v, g: gradient((q, k, v), g)[1]

    return Peer(make)


def _linear(parameters: Tree, x: Any) -> Any:
    return x @ parameters["weights"] + parameters["bias"]


def gpt_block(parameters: Tree, x: Any, heads: int | None = None) -> Any:
    batch, length, width = x.shape
    heads = heads or max(2, width // 64)
    normed = layer_norm(x, parameters["attention_norm"]["scale"], parameters["attention_norm"]["shift"])
    q, k, v = _linear(parameters["qkv"], normed).reshape(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + _linear(parameters["merge"], mixed.transpose(1, 2).reshape(x.shape))
    normed = layer_norm(x, parameters["mlp_norm"]["scale"], parameters["mlp_norm"]["shift"])
    return x + _linear(parameters["down"], gelu(_linear(parameters["up"], normed)))


def gpt_logits(parameters: Tree, tokens: Any, heads: int | None = None) -> Any:
    x = parameters["tokens"][tokens] + parameters["positions"][: tokens.shape[1]]
    for layer in parameters["blocks"]:
        x = gpt_block(layer, x, heads)
    norm = parameters["last_norm"]
    return layer_norm(x, norm["scale"], norm["shift"]) @ parameters["tokens"].T


def gpt_loss(parameters: Tree, batch: Any) -> Any:
    heads = 2 if parameters["tokens"].shape[1] == 32 else 4
    logits = gpt_logits(parameters, batch[:, :-1], heads)
    return F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten().long())


def _gpt_train_step() -> Peer:
    def make(compile: Callable[[Function], Function]) -> Function:
        gradient = _value_and_grad(compile(gpt_loss))

        def step(state: Tree, batch: Any) -> Tree:
            parameters, mean, square, count = state
            value, gradients = gradient(parameters, batch)
            with torch.no_grad():
                count = count + 1
                mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
                square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradients)
                scale = 1e-3 * torch.sqrt(1 - 0.999**count) / (1 - 0.9**count)
                parameters = jax.tree.map(
                    lambda p, m, s: p - scale * m / (torch.sqrt(s) + 1e-8), parameters, mean, square
                )
            return (parameters, mean, square, count), value

        return step

    return Peer(make)


def batch_norm(parameters: Tree, x: Any) -> Any:
    scale, shift, *statistics = parameters
    mean, variance = statistics or (None, None)
    return F.batch_norm(x, mean, variance, scale, shift, training=not statistics, eps=1e-5)


def _convolve(x: Any, kernel: Any, stride: int = 1) -> Any:
    return F.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2)


def resnet(parameters: Tree, images: Any) -> Any:
    large = parameters["stem"].shape[-1] == 7
    x = F.relu(batch_norm(parameters["norm"], _convolve(images, parameters["stem"], 2 if large else 1)))
    x = F.max_pool2d(x, 3, 2, 1) if large else x
    for blocks, stage_stride in zip(parameters["stages"], (1, 2, 2, 2), strict=True):
        for i, block in enumerate(blocks):
            stride = stage_stride if i == 0 else 1
            y = F.relu(batch_norm(block["norm1"], _convolve(x, block["conv1"], stride)))
            y = batch_norm(block["norm2"], _convolve(y, block["conv2"]))
            if "project" in block:
                x = batch_norm(block["norm3"], _convolve(x, block["project"], stride))
            x = F.relu(x + y)
    return torch.mean(x, dim=(2, 3)) @ parameters["last"]


def _prepare_resnet(parameters: Tree, images: Any, *labels: Any) -> tuple[Tree, ...]:
    parameters = jax.tree.map(lambda x: _kernel(x) if x.ndim == 4 else x, parameters)
    return parameters, _channels_first(images), *(label.long() for label in labels)


def _resnet_train_step() -> Peer:
    peer = _train_step(lambda parameters, x, labels: F.cross_entropy(resnet(parameters, x), labels), 0.01)

    def make(compile: Callable[[Function], Function]) -> Function:
        inner = peer.make(compile)

        def step(*arguments: Tree) -> Tree:
            parameters, value = inner(*arguments)
            # back to HWIO, which is a view
            return jax.tree.map(lambda x: x.permute(2, 3, 1, 0) if x.ndim == 4 else x, parameters), value

        return step

    return Peer(make, _prepare_resnet)


def lstm(weights: tuple[Any, Any], bias: Any, inputs: Any) -> Any:
    """The fused LSTM of PyTorch."""
    start = torch.zeros_like(inputs[:1])
    none = torch.zeros_like(bias)
    return torch.lstm(inputs, (start, start), [*weights, bias, none], True, 1, 0.0, False, False, False)[1][0]


def _prepare_lstm(weights: Any, bias: Any, inputs: Any) -> tuple[Tree, ...]:
    """Gates in PyTorch's order (input, forget, candidate, output), input and hidden weights apart, transposed."""
    width = inputs.shape[-1]
    order = torch.cat([torch.arange(i * width, (i + 1) * width) for i in (0, 1, 3, 2)])
    ordered = weights[:, order].T
    return (ordered[:, :width].contiguous(), ordered[:, width:].contiguous()), bias[order], inputs


# --- loops ----------------------------------------------------------------------------------------------------------


def small_products(a: Any, b: Any, x: Any) -> Any:
    for _ in range(100_000):
        x = torch.addmm(b, a, x)
    return x


def n_body(state: Tree, masses: Any) -> Any:
    position, velocity = state
    for _ in range(100):
        apart = position[None, :, :] - position[:, None, :]
        inverse = torch.rsqrt(torch.sum(apart**2, dim=-1) + 1e-2)
        velocity = velocity + 1e-3 * torch.einsum("ij,ijd->id", masses[None, :] * inverse**3, apart)
        position = position + 1e-3 * velocity
    return torch.mean(torch.sum(position**2, dim=-1))


def wave(state: Tree, courant: Any) -> Any:
    before, now = state
    for _ in range(50):
        p = F.pad(now, (1, 1, 1, 1))
        laplacian = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * now
        before, now = now, 2 * now - before + courant**2 * laplacian
    return before, now


def mandelbrot(x: Any, y: Any) -> Any:
    re = im = count = torch.zeros(y.shape[0], x.shape[1])
    for _ in range(100):
        inside = re * re + im * im < 4
        if not inside.any():
            break
        re, im = torch.where(inside, re * re - im * im + x, re), torch.where(inside, 2 * re * im + y, im)
        count = count + inside
    return torch.mean(count, dim=1)


def gibbs_loss(parameters: Tree, noise: Any) -> Any:
    coupling, fields = parameters
    steps, count = noise.shape
    units, energies = [torch.tensor(0.5)] * count, []
    for t in range(steps):
        for i in range(count):
            field = coupling * (units[i - 1] + units[(i + 1) % count]) + fields[i]
            units[i] = torch.sigmoid(2 * (field + noise[t, i]))
            energies.append(-units[i] * field)
    return torch.stack(energies).sum() / steps


def k_means(points: Any, centers: Any) -> Any:
    for _ in range(10):
        distances = torch.sum(centers**2, dim=1) - 2 * points @ centers.T
        nearest = torch.argmin(distances, dim=1)
        sums = torch.zeros_like(centers).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=len(centers))[:, None]
        centers = torch.where(counts > 0, sums / counts.clamp(min=1), centers)
    return centers


def conjugate_gradient(a: Any, b: Any) -> Any:
    i, x, r, p, square = 0, torch.zeros_like(b), b, b, b @ b
    start = square
    while i < 100 and square > 1e-10 * start:
        ap = a @ p
        length = square / (p @ ap)
        x, r = x + length * p, r - length * ap
        after = r @ r
        i, p, square = i + 1, r + after / square * p, after
    return x


PEERS: dict[str, Peer] = {
    "matmul": _plain(torch.matmul),
    "matmul_int8": _plain(torch._int_mm),
    "softmax": _plain(lambda x: torch.softmax(x, -1)),
    "log_softmax": _plain(lambda x: torch.log_softmax(x, -1)),
    "layer_norm": _plain(layer_norm),
    "rms_norm": _plain(lambda x, scale: F.rms_norm(x, x.shape[-1:], scale, 1e-6)),
    "gelu": _plain(gelu),
    "black_scholes": _plain(black_scholes),
    "row_sums": _plain(lambda x: torch.sum(x, dim=1)),
    "column_sums": _plain(lambda x: torch.sum(x, dim=0)),
    "sum": _plain(torch.sum),
    "argmax": _plain(lambda x: torch.argmax(x, dim=1)),
    "transpose": _plain(lambda x: x.T.contiguous()),
    "transpose_0231": _plain(lambda x: x.permute(0, 2, 3, 1).contiguous()),
    "cumsum_rows": _plain(lambda x: torch.cumsum(x, 1)),
    "cumsum": _plain(lambda x: torch.cumsum(x, 0)),
    "sort": _plain(lambda x: torch.sort(x)[0]),
    "embedding": _plain(lambda table, rows: F.embedding(rows, table)),
    "scatter_add": _plain(lambda table, rows, updates: table.index_add(0, rows, updates)),
    "convolution": _convolution(),
    "convolution_2": _convolution(2),
    "max_pool": _plain(lambda x: F.max_pool2d(x, 3, 2, 1).permute(0, 2, 3, 1), lambda x: (_channels_first(x),)),
    "mlp": _plain(mlp),
    "mlp_train_step": _train_step(lambda weights, x, target: F.mse_loss(mlp(weights, x), target), 0.1),
    "attention": _plain(attention),
    "attention_causal": _plain(lambda q, k, v: attention(q, k, v, True)),
    "attention_gradient": _attention_gradient(False),
    "attention_causal_gradient": _attention_gradient(True),
    "gpt_block": _plain(gpt_block),
    "gpt_forward": _plain(gpt_logits),
    "gpt_train_step": _gpt_train_step(),
    "resnet": _plain(resnet, _prepare_resnet),
    "resnet_train_step": _resnet_train_step(),
    "lstm": _plain(lstm, _prepare_lstm),
    "small_products": _plain(small_products, compiled=False),
    "n_body": _plain(n_body, compiled=False),
    "wave": _plain(wave, compiled=False),
    "mandelbrot": _plain(mandelbrot, compiled=False),
    "gibbs": Peer(lambda _: lambda *arguments: _value_and_grad(gibbs_loss)(*arguments)[1], compiled=False),
    "k_means": _plain(k_means, compiled=False),
    "conjugate_gradient": _plain(conjugate_gradient, compiled=False),
    "add_all": _plain(lambda *arguments: sum(arguments[1:], arguments[0] + 1)),
}
