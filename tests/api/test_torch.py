"""PyTorch functions and modules through Astra: values, gradients, what is kept and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the PyTorch frontend needs PyTorch: pip install 'astra-mlir[torch]'")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils import _pytree as pytree  # noqa: E402

import astra_mlir as astra  # noqa: E402
from astra_mlir.bindings import make_context  # noqa: E402
from astra_mlir.torch_frontend import capture as torch_capture  # noqa: E402

_TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 5e-3}


def _random(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)  # what modules start from


def _assert_same(got, want):
    got, want = pytree.tree_flatten(got), pytree.tree_flatten(want)
    assert got[1] == want[1]
    for found, expected in zip(got[0], want[0], strict=True):
        if not isinstance(expected, torch.Tensor):
            assert found == expected
            continue
        assert found.dtype == expected.dtype and found.shape == expected.shape
        tolerance = _TOLERANCE.get(expected.dtype, 1e-5)
        torch.testing.assert_close(found, expected.detach(), rtol=tolerance, atol=tolerance, equal_nan=True)


def _ir(function, *args):
    """The captured program, with what differentiation needs."""
    program = torch_capture.capture(function, args, keep_rules=True).program
    return str(program.read(make_context()))


# --- values ------------------------------------------------------------------------------------------------------

_MODULES = {
    "mlp": lambda: (nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(-1)), (_random(4, 8),)),
    "convolutions": lambda: (
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(8, 4, 3, stride=2, groups=2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        ).eval(),
        (_random(2, 3, 16, 16),),
    ),
    "transposed convolution": lambda: (
        nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), (_random(2, 3, 5, 5),)
    ),
    "attention": lambda: (nn.MultiheadAttention(16, 4, batch_first=True), (_random(2, 5, 16),) * 3),
    "transformer layer": lambda: (
        nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval(), (_random(2, 5, 16),)
    ),
    "embedding": lambda: (nn.Embedding(10, 4, padding_idx=2), (torch.tensor([[1, 2], [9, 0]]),)),
    "lstm cell": lambda: (nn.LSTMCell(4, 6), (_random(2, 4), (_random(2, 6, seed=1), _random(2, 6, seed=2)))),
    "lstm": lambda: (nn.LSTM(4, 6, num_layers=2), (_random(5, 2, 4),)),
    "gru": lambda: (nn.GRU(4, 6), (_random(5, 2, 4),)),
    "norms": lambda: (nn.Sequential(nn.LayerNorm(8), nn.Unflatten(1, (4, 2)), nn.GroupNorm(2, 4)), (_random(4, 8),)),
}  # fmt: skip


@pytest.mark.parametrize("name", _MODULES)
def test_modules(name):
    module, args = _MODULES[name]()
    _assert_same(astra.compile(module, *args)(*args), module(*args))


def _causal(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def _in_place(x):
    y = x.clone()
    y[0] = 1
    y[:, 1] += 2
    y.mul_(x)
    return y


def _indexing(x):
    rows = torch.tensor([-1, 0, 1])
    return x[rows], x[:, ::2], x[..., -1], x.gather(1, torch.tensor([[0, 3]] * 4)), x.roll(1, 0), x.flip(1)


def _windows(x):
    return x.unfold(1, 3, 2), x.diagonal(1), torch.diag(x[0]), x[:, :4].trace(), x.cumprod(1), torch.tril(x, -1)


def _views_after_attention(x):
    out = F.scaled_dot_product_attention(x, x, x)  # its layout is not that of its decomposition
    return out.transpose(1, 2).reshape(2, 6, 32) * 2


def _reductions(x):
    return x.sum(), x.mean(0), x.var(1), x.std(), x.max(1), x.argmin(), x.cumsum(0), x.logsumexp(1), x.norm(dim=0)


def _sorting(x):
    return x.sort(-1), x.topk(2), x.argsort(descending=True)


def _losses(x):
    target = torch.tensor([1, 2, 0, 3])
    return (
        F.cross_entropy(x, target), F.nll_loss(F.log_softmax(x, -1), target), F.mse_loss(x, x * 2),
        F.smooth_l1_loss(x, x * 3), F.binary_cross_entropy_with_logits(x, torch.sigmoid(x)),
        F.hinge_embedding_loss(x, torch.ones_like(x)), F.cosine_similarity(x, x + 1),
    )  # fmt: skip


def _derivative(x):
    return torch.func.grad(lambda x: torch.tanh(x @ x.T).sum())(x)


def _batched(x):
    return torch.func.vmap(lambda row: torch.softmax(row, 0))(x)


_FUNCTIONS = {
    "causal attention": (_causal, tuple(_random(2, 4, 6, 8, seed=i) for i in range(3))),
    "in place": (_in_place, (_random(4, 8),)),
    "indexing": (_indexing, (_random(4, 8),)),
    "windows": (_windows, (_random(4, 8),)),
    "views after attention": (_views_after_attention, (_random(2, 4, 6, 8),)),
    "reductions": (_reductions, (_random(4, 8),)),
    "sorting": (_sorting, (_random(4, 8),)),
    "losses": (_losses, (_random(4, 8),)),
    "torch.func.grad": (_derivative, (_random(4, 8),)),
    "torch.func.vmap": (_batched, (_random(4, 8),)),
}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_functions(name):
    function, args = _FUNCTIONS[name]
    _assert_same(astra.jit(function)(*args), function(*args))


@pytest.mark.parametrize(
    "dtype",
    ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64"],
)
def test_element_types(dtype):
    dtype = getattr(torch, dtype)

    def function(a, b):
        if dtype == torch.bool:
            return a & b, ~a, torch.where(a, 1, 2)
        return a * b + 1, a == b, a.to(torch.float32) if not dtype.is_complex else a.abs()

    args = _random(3, 5).mul(3).to(dtype), _random(3, 5, seed=1).mul(3).to(dtype)
    _assert_same(astra.jit(function)(*args), function(*args))


def test_integers_beside_float_constants():
    def function(x):
        ones = torch.ones_like(x)
        return ones != 1, ones == 1, ones * -1, torch.full_like(x, 2) < -1, x - 1

    x = _random(4)
    _assert_same(astra.jit(function)(x), function(x))


# --- calling -----------------------------------------------------------------------------------------------------


def test_trees_keywords_and_numbers():
    @astra.jit
    def function(params, x, *, scale=1.0, name="a"):
        return {"y": x @ params["w"] * scale, "name": name, "none": None, "pair": (x, [x + 1])}

    params, x = {"w": _random(8, 2)}, _random(4, 8)
    out = function(params, x, scale=2.0)
    _assert_same(out, {"y": x @ params["w"] * 2.0, "name": "a", "none": None, "pair": (x, [x + 1])})
    function(params, x, scale=2.0)
    assert function.cache_info()[:2] == (1, 1)
    function(params, x, scale=3.0)
    assert function.cache_info().misses == 2


def test_layouts_and_numpy():
    function = astra.jit(lambda a, b: a - b)
    x = _random(4, 8)
    _assert_same(function(x.T, x[:, ::2].reshape(4, 4).repeat(2, 1)), x.T - x[:, ::2].reshape(4, 4).repeat(2, 1))
    _assert_same(function(x, np.ones((4, 8), np.float32)), x - 1)
    z = torch.complex(x, x + 1)
    _assert_same(astra.jit(lambda z: z * 2)(z.conj()), z.conj().resolve_conj() * 2)


def test_results_share_nothing_with_arguments():
    x = _random(4)
    same = astra.jit(lambda x: x)(x)
    same += 1
    assert not torch.equal(same, x)


def test_jit_reads_parameters_at_each_call_and_compile_freezes_them():
    module, x = nn.Linear(8, 3), _random(4, 8)
    live, frozen = astra.jit(module), astra.compile(module, x)
    _assert_same(live(x), module(x))
    before = module(x)
    with torch.no_grad():
        module.weight.mul_(2)
    _assert_same(live(x), module(x))
    _assert_same(frozen(x), before)
    assert live.cache_info().misses == 1


def test_training_mode_updates_buffers():
    module, reference, x = nn.BatchNorm1d(8), nn.BatchNorm1d(8), _random(4, 8)
    step = astra.jit(module)
    for _ in range(2):
        _assert_same(step(x), reference(x))
    _assert_same(dict(module.named_buffers()), dict(reference.named_buffers()))
    module.eval()
    reference.eval()
    _assert_same(step(x), reference(x))
    with pytest.raises(astra.UnsupportedError, match="module.eval"):
        astra.compile(nn.BatchNorm1d(8), x)


def test_arguments_changed_in_place():
    @astra.jit
    def function(x):
        x += 1
        return x * 2

    x = torch.zeros(3)
    assert function(x).tolist() == [2, 2, 2]
    assert x.tolist() == [1, 1, 1]
    both = astra.jit(lambda x, y: x.add_(y))
    with pytest.raises(astra.AstraError, match="shares its memory"):
        both(x, x)


def test_looking_at_compiled_functions():
    compiled = astra.compile(nn.Linear(8, 3), _random(4, 8))
    assert str(compiled.signature) == "(float32[4,8]) -> (float32[4,3])"
    assert "astra.dot_general" in compiled.ir("astra")
    assert compiled.cost().flops >= 2 * 4 * 8 * 3


def test_examples_of_the_documentation_run(capsys):
    page = Path(__file__).parents[2] / "docs" / "pytorch.md"
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    exec(compile("\n".join(blocks), str(page), "exec"), {"__name__": "pytorch"})
    assert "astra.stop_gradient" in capsys.readouterr().out


_WITHOUT_JAX = """
import importlib.abc, importlib.util, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("jax", "jaxlib"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "jax" else find_spec(name, *rest)
import torch, astra_mlir as astra
x = torch.ones(2)
print(astra.jit(lambda x: x * 2)(x), astra.compile(lambda x: x, x)(x), astra.grad(lambda x: (x * x).sum())(x))
"""


def test_without_jax():
    found = subprocess.run([sys.executable, "-c", _WITHOUT_JAX], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "tensor([2., 2.]) tensor([1., 1.]) tensor([2., 2.])"


def test_jax_is_not_loaded_by_modules():
    code = (
        "import sys, torch, astra_mlir as astra\n"
        "print(astra.compile(torch.nn.Linear(2, 2), torch.ones(1, 2))(torch.ones(1, 2)).shape, 'jax' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "torch.Size([1, 2]) False"


# --- refusals ----------------------------------------------------------------------------------------------------


def _line(function, text):
    lines = function.__code__.co_filename, function.__code__.co_firstlineno
    source = Path(lines[0]).read_text().splitlines()
    return next(i + 1 for i in range(lines[1] - 1, len(source)) if text in source[i])


def _branches(x):
    if x.sum() > 0:  # decided by values
        return x
    return -x


def _loops(x):
    for _ in range(int(x[0])):  # counted by a value
        x = x + 1
    return x


def _mask(x):
    return x[x > 0]  # of a shape that values give


def _random_numbers(x):
    return x + torch.rand(3)  # drawn inside


@pytest.mark.parametrize(
    ("function", "line", "message"),
    [
        (_branches, "decided by values", "torch.where"),
        (_loops, "counted by a value", "value of a tensor"),
        (_mask, "that values give", "depends on values"),
        (_random_numbers, "drawn inside", "random numbers"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_place(function, line, message):
    with pytest.raises(astra.UnsupportedError, match=message) as caught:
        astra.jit(function)(_random(3))
    assert f"{__file__}:{_line(function, line)}" in str(caught.value)


def test_operations_without_lowering_are_refused_by_name():
    with pytest.raises(astra.UnsupportedError, match=r"test_torch.py:\d+.*aten.lgamma has no lowering"):
        astra.jit(lambda x: torch.lgamma(x))(_random(3))


def test_dropout_in_training_is_refused():
    with pytest.raises(astra.UnsupportedError, match="draws random numbers"):
        astra.jit(nn.Dropout())(_random(3))


def test_arguments_that_do_not_fit():
    compiled = astra.compile(lambda params, x: x @ params["w"], {"w": _random(8, 2)}, _random(4, 8))
    with pytest.raises(astra.ShapeError, match=r"x: expected shape \(4, 8\)"):
        compiled({"w": _random(8, 2)}, _random(3, 8))
    with pytest.raises(
        astra.DTypeError, match=r"params\['w'\]: expected element type torch.float32, got torch.float64"
    ):
        compiled({"w": _random(8, 2).double()}, _random(4, 8))
    with pytest.raises(astra.ShapeError, match="takes 2 positional arguments, got 1"):
        compiled(_random(4, 8))
    number = astra.compile(lambda x, n: x * n, _random(3), 2)
    with pytest.raises(astra.AstraError, match="no tensor"):
        number(_random(3), 3)


def test_options_that_tensors_do_not_have():
    with pytest.raises(astra.AstraError, match="donated"):
        astra.jit(lambda x: x, donate_argnums=0)(_random(3))
    with pytest.raises(astra.AstraError, match="requires a gradient"):
        astra.jit(lambda x: x)(_random(3).requires_grad_())
    with pytest.raises(astra.AstraError, match="not hashable"):
        astra.jit(lambda x, y: x)(_random(3), {1})


# --- what differentiation needs ----------------------------------------------------------------------------------


class _Scaled(torch.autograd.Function):
    """A square with a derivative of its own."""

    @staticmethod
    def forward(ctx, x, factor):
        y = x * x * factor
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return y

    @staticmethod
    def backward(ctx, cotangent):
        x, y = ctx.saved_tensors
        return cotangent * (7 * x * ctx.factor + y), None


class _Rounded(torch.autograd.Function):
    """Rounding through which gradients pass unchanged."""

    @staticmethod
    def forward(x):
        return torch.round(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, cotangent):
        return cotangent


class _Two(torch.autograd.Function):
    """Two results, one of them constant; an argument that is an integer; a tensor that it closes over."""

    weight = torch.arange(1.0, 5.0)

    @staticmethod
    def forward(ctx, x, index):
        first, second = torch.sin(x) * _Two.weight, torch.exp(x)
        ctx.mark_non_differentiable(second)
        ctx.save_for_backward(x, index)
        return first, second

    @staticmethod
    def backward(ctx, first, second):
        x, index = ctx.saved_tensors
        return first * torch.cos(x) * _Two.weight * index, None


def test_detach_is_kept_and_what_autograd_saves_is_not_one():
    assert _ir(lambda x: torch.exp(x) * x.detach(), _random(3)).count("@astra.stop_gradient") == 1
    assert "stop_gradient" not in _ir(lambda x: torch.tanh(torch.exp(x)), _random(3))

    def second_order(x):
        (gradient,) = torch.autograd.grad((torch.exp(x) * torch.tanh(x)).sum(), x, create_graph=True)
        return (gradient * gradient).sum()

    assert "stop_gradient" not in _ir(second_order, _random(3))


def test_no_grad_is_kept():
    def function(x):
        with torch.no_grad():
            y = torch.sin(x) * 2
        return x * y

    text = _ir(function, _random(3))
    assert text.count("@astra.stop_gradient") == 1
    assert text.index("stop_gradient") < text.index("stablehlo.sine")


def test_autograd_functions_are_kept():
    text = _ir(lambda x: _Scaled.apply(x, 3.0).sum(), _random(3))
    assert "stablehlo.custom_call @astra.custom_vjp" in text
    for symbol in ("@_Scaled.0(", "@_Scaled.0.forward(", "@_Scaled.0.backward("):
        assert f"func.func private {symbol}" in text
    # Without the rules the function is its forward operations.
    plain = torch_capture.capture(lambda x: _Scaled.apply(x, 3.0), (_random(3),)).program
    assert "custom_call" not in str(plain.read(make_context()))
    assert torch.autograd.Function.apply.__func__.__module__.startswith("torch")


def test_changing_a_detached_tensor_in_place_is_refused():
    def function(x):
        y = x.detach()
        y += 1
        return x * y

    with pytest.raises(astra.UnsupportedError, match=r"test_torch.py:\d+: aten.add_.Tensor .*clone"):
        torch_capture.capture(function, (_random(3),), keep_rules=True)


# --- gradients ---------------------------------------------------------------------------------------------------


def _gradient(function, *args):
    """PyTorch's own, of the first argument."""
    leaves, tree = pytree.tree_flatten(args[0])
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    out = function(pytree.tree_unflatten(leaves, tree), *args[1:])
    found = torch.autograd.grad(out, leaves, allow_unused=True)
    return pytree.tree_unflatten(
        [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)], tree
    )


def _functional(module):
    def loss(parameters, *args):
        out = torch.func.functional_call(module, parameters, args)
        return (out[0] if isinstance(out, tuple) else out).pow(2).mean()

    return loss


def _no_grad(x):
    with torch.no_grad():
        y = torch.sin(x) * 2
    return (x * y).sum()


def _unseen_write(x):
    y = x * x
    with torch.no_grad():
        y.mul_(3)
    return (y * y).sum()


def _create_graph(x):
    x = x if x.requires_grad else x.requires_grad_()
    (gradient,) = torch.autograd.grad((torch.exp(x) * x).sum(), x, create_graph=True)
    return (gradient * gradient).sum()


def _straight_through(x):
    soft = F.softmax(x, -1)
    hard = F.one_hot(x.argmax(-1), x.shape[-1])
    return ((hard - soft).detach() + soft).mul(torch.arange(8.0)).sum()


def _checkpointed(x):
    body = lambda x: torch.tanh(x) * x  # noqa: E731
    once = torch.utils.checkpoint.checkpoint(body, x, use_reentrant=False)
    return torch.utils.checkpoint.checkpoint(body, once, use_reentrant=False).sum()


def _two(x):
    first, second = _Two.apply(x, torch.tensor([1, 2, 3, 4]))
    return (first * second).sum()


_PROGRAMS = {
    "detach": (lambda x: (torch.exp(x) * x.detach()).sum(), _random(4, 8)),
    "no_grad": (_no_grad, _random(4, 8)),
    "written without autograd seeing it": (_unseen_write, _random(4, 8)),
    "autograd function": (lambda x: (_Scaled.apply(x, 3.0) * x).sum(), _random(4, 8)),
    "autograd function of the second form": (lambda x: (_Rounded.apply(x) * x).sum(), _random(4, 8)),
    "autograd function of two results": (_two, _random(4)),
    "checkpoints": (_checkpointed, _random(4, 8)),
    "create_graph": (_create_graph, _random(4, 8)),
    "straight through": (_straight_through, _random(4, 8)),
    "in place": (lambda x: _in_place(x).pow(2).sum(), _random(4, 8)),
    "losses": (lambda x: sum(loss.sum() for loss in _losses(x)), _random(4, 8)),
    "double": (lambda x: torch.tanh(x @ x.T).sum(), _random(4, 8, dtype=torch.float64)),
    "bfloat16": (lambda x: (x.float() ** 2).sum(), _random(4, 8, dtype=torch.bfloat16)),
    "indices from the end": (lambda x: (x[[-1, 0]] * x[torch.tensor([1, -2])]).sum(), _random(4, 8)),
    "pooling": (lambda x: F.max_pool2d(x[None], 3, 2, 1, ceil_mode=True).pow(2).sum(), _random(6, 8)),
    "windows": (lambda x: sum(part.pow(2).sum() for part in _windows(x)), _random(4, 8)),
    "remainder": (lambda x: (torch.remainder(x, -1.5) * x + torch.fmod(x, 0.7)).sum(), _random(4, 8)),
    "complex": (lambda z: ((z * z).imag + z.real).sum(), torch.complex(_random(4), _random(4, seed=1))),
}


@pytest.mark.parametrize("name", _PROGRAMS)
def test_gradients(name):
    function, x = _PROGRAMS[name]
    _assert_same(astra.grad(function)(x), _gradient(function, x))


@pytest.mark.parametrize("name", ["mlp", "convolutions", "attention", "embedding", "lstm cell"])
def test_gradients_of_parameters(name):
    module, args = _MODULES[name]()
    parameters = {key: value.detach() for key, value in module.named_parameters()}
    loss = _functional(module)
    value, gradient = astra.value_and_grad(loss)(parameters, *args)
    _assert_same(value, loss(parameters, *args))
    _assert_same(gradient, _gradient(loss, parameters, *args))


_KINKS = torch.tensor([-100.0, -6.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0, 100.0])
_ACTIVATIONS = (
    "relu", "relu6", "elu", "selu", "celu", "leaky_relu", "gelu", "silu", "mish", "hardswish", "hardsigmoid",
    "hardtanh", "softplus", "softshrink", "hardshrink", "logsigmoid",
)  # fmt: skip


def test_derivatives_at_kinks_are_those_of_pytorch():
    functions = {name: getattr(F, name) for name in _ACTIVATIONS} | {
        "abs": torch.abs,
        "clamp": lambda x: x.clamp(-1, 1),
        "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
        "max": lambda x: torch.stack([x, x.abs()], 1).max(1)[0],
        "amax": lambda x: torch.stack([x, x.abs()], 1).amax(1),
        "norm": lambda x: torch.linalg.vector_norm(x[:, None], dim=1),
        "norm 3": lambda x: torch.linalg.vector_norm(x[:, None], 3, dim=1),
        "std": lambda x: torch.stack([x, x.clamp(min=0.0)], 1).std(1),
        "xlogy": lambda x: torch.xlogy(x.clamp(min=0.0), x.detach().clamp(min=0.0)),
        "logcumsumexp": lambda x: x.logcumsumexp(0),
        "masked softmax": lambda x: F.softmax(x.masked_fill(x > 2, -torch.inf), 0),
        "asinh": torch.asinh,
        "sinc": torch.sinc,
    }
    for name, function in functions.items():
        loss = lambda x, function=function: (function(x) * torch.arange(1.0, 14.0)).sum()  # noqa: E731
        got, want = astra.grad(loss)(_KINKS), _gradient(loss, _KINKS)
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


def test_second_derivatives_use_the_rule_of_an_autograd_function():
    def function(x):
        return _Scaled.apply(x, 3.0).sum()

    x = _random(4, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    (first,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), leaf)
    _assert_same(astra.grad(lambda x: astra.grad(function)(x).sum())(x), second)


def test_transformations_close_over_traced_values():
    def function(a, b):
        c = a * 2
        return astra.grad(lambda b: (torch.sin(b) * c).sum())(b).pow(2).sum()

    a, b = _random(3), _random(3, seed=1)
    leaf = a.clone().requires_grad_()
    (want,) = torch.autograd.grad((torch.cos(b) * leaf * 2).pow(2).sum(), leaf)
    _assert_same(astra.grad(function)(a, b), want)
    cubes = lambda x: torch.outer(x, x.sin())  # noqa: E731
    _assert_same(astra.jacrev(cubes)(a), torch.func.jacrev(cubes)(a))
    _assert_same(astra.jacfwd(cubes)(a), torch.func.jacfwd(cubes)(a))


def test_other_threads_keep_their_autograd():
    step = astra.jit(astra.grad(lambda x: _Scaled.apply(x, 2.0).sum()))
    failures = []

    def train():
        for _ in range(20):
            leaf = torch.ones(3, requires_grad=True)
            _Scaled.apply(leaf, 2.0).sum().backward()
            if not torch.equal(leaf.grad, torch.full((3,), 16.0)):
                failures.append(leaf.grad)

    thread = threading.Thread(target=train)
    thread.start()
    got = [step(torch.ones(size)) for size in (2, 3, 4)]
    thread.join()
    assert not failures
    assert [g.tolist() for g in got] == [[16.0] * 2, [16.0] * 3, [16.0] * 4]


def test_transformations_nest_in_jit():
    def loss(w, x):
        return torch.tanh(x @ w).pow(2).mean()

    w, x = _random(8, 3), _random(5, 8, seed=1)
    step = astra.jit(lambda w, x: w - 0.1 * astra.grad(loss)(w, x))
    _assert_same(step(w, x), w - 0.1 * _gradient(loss, w, x))
    rows = astra.vmap(astra.grad(loss), in_axes=(None, 0))(w, x)
    _assert_same(rows, torch.stack([_gradient(loss, w, row) for row in x]))
    out, tangent = astra.jvp(lambda w: loss(w, x), (w,), (w,))
    _assert_same((out, tangent), (loss(w, x), (_gradient(loss, w, x) * w).sum()))
    out, pull_back = astra.vjp(loss, w, x)
    _assert_same(pull_back(torch.tensor(2.0))[0], 2 * _gradient(loss, w, x))


def test_what_vjp_gives_keeps_what_it_needs():
    module, x = nn.Linear(8, 3), _random(4, 8)
    out, pull_back = astra.vjp(lambda x: {"y": torch.tanh(module(x)), "n": torch.arange(3)}, x)
    leaf = x.clone().requires_grad_()
    want = torch.tanh(module(leaf))
    _assert_same(out, {"y": want, "n": torch.arange(3)})
    (gradient,) = torch.autograd.grad(want, leaf, torch.ones(4, 3))
    with torch.no_grad():
        module.weight.zero_()
        x.zero_()
    nothing = np.zeros(3, [("float0", np.void, 0)])
    _assert_same(pull_back({"y": torch.ones(4, 3), "n": nothing}), (gradient,))
    with pytest.raises(astra.AstraError, match="structure of the cotangents"):
        pull_back(torch.ones(4, 3))

    z, cotangent = torch.complex(_random(3), _random(3, seed=1)), torch.complex(_random(3, seed=2), _random(3, seed=3))
    leaf = z.clone().requires_grad_()
    _assert_same(
        astra.vjp(lambda z: z * z * 1j, z)[1](cotangent), torch.autograd.grad(leaf * leaf * 1j, leaf, cotangent)
    )
    cube, push_forward, aux = astra.linearize(lambda z: (z**3, z + 1), _random(4), has_aux=True)
    _assert_same((cube, push_forward(_random(4)), aux), (_random(4) ** 3, 3 * _random(4) ** 3, _random(4) + 1))


def test_parameters_may_require_gradients_of_autograd():
    parameters = {"w": nn.Parameter(_random(4))}
    got = astra.grad(lambda p: (p["w"] ** 2).sum())(parameters)
    _assert_same(got, {"w": 2 * parameters["w"]})
    assert not got["w"].requires_grad


def test_gradients_in_training_mode_update_buffers():
    module, reference = (nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Tanh()) for _ in range(2))
    reference.load_state_dict(module.state_dict())
    parameters = {key: value.detach() for key, value in module.named_parameters()}
    step = astra.jit(lambda parameters, x: astra.grad(_functional(module))(parameters, x))
    for seed in range(2):
        x = _random(6, 8, seed=seed)
        _assert_same(step(parameters, x), _gradient(_functional(reference), parameters, x))
    _assert_same(dict(module.named_buffers()), dict(reference.named_buffers()))
    with pytest.raises(astra.UnsupportedError, match="module.eval"):
        astra.vmap(_functional(module), in_axes=(None, 0))(parameters, _random(3, 6, 8))
    with pytest.raises(astra.UnsupportedError, match="changes an argument in place"):
        astra.grad(lambda x: x.add_(1).sum())(_random(3))
