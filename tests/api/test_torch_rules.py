"""What decides gradients in PyTorch and leaves no operation in a trace: kept as a rule, or refused with its place."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the PyTorch frontend needs PyTorch: pip install 'astra-mlir[torch]'")

from torch import nn  # noqa: E402
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks  # noqa: E402

import astra_mlir as astra  # noqa: E402

_X = torch.tensor([-1.0, 0.5, 2.0])


def _gradient(function, x):
    """PyTorch's own."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(function(leaf), leaf)[0]


class _Relu(torch.autograd.Function):
    """With a derivative of its own, that no other function has."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return cotangent * torch.where(x > 0, 5.0, 0.25)


_relu = _Relu.apply  # bound before anything is traced


class _Several(torch.autograd.Function):
    """Results without gradients beside one with; backward tells None from zeros."""

    @staticmethod
    def forward(ctx, x, differentiable):
        ctx.set_materialize_grads(False)
        constant, index = x.exp(), x.argsort()
        if not differentiable:
            ctx.mark_non_differentiable(constant, index)
        return constant, x * 2, index

    @staticmethod
    def backward(ctx, constant, cotangent, index):
        return cotangent * (3.0 if constant is None and index is None else 7.0), None


# --- torch.autograd.Function -------------------------------------------------------------------------------------


def test_an_alias_bound_before_tracing_keeps_the_rule():
    loss = lambda x: (_relu(x) * x).sum()  # noqa: E731
    torch.testing.assert_close(astra.grad(loss)(_X), _gradient(loss, _X))
    torch.testing.assert_close(astra.jit(_relu)(_X), _X.clamp(min=0))
    # Afterwards, it is PyTorch's own again.
    assert _gradient(lambda x: _relu(x).sum(), _X).tolist() == [0.25, 5.0, 5.0]


def test_gradients_that_are_not_materialized():
    loss = lambda x: (_Several.apply(x, False)[1] * x).sum()  # noqa: E731
    torch.testing.assert_close(astra.grad(loss)(_X), _gradient(loss, _X))
    with pytest.raises(astra.UnsupportedError, match=r"test_torch_rules.py:\d+: _Several .*set_materialize_grads"):
        astra.grad(lambda x: _Several.apply(x, True)[1].sum())(_X)


# --- what would be lost ------------------------------------------------------------------------------------------


def _detach_in_place(x):
    y = x * 2
    y.detach_()
    return (x * y).sum()


def _detach_by_function(x):
    return (x * torch.detach_(x * 2)).sum()


def _assign_data(x):
    y = x * 2
    y.data = x + 1
    return (x * y).sum()


def _tensor_hook(x):
    y = x * 2
    y.register_hook(lambda cotangent: cotangent * 10)
    return (x * y).sum()


def _node_hook(x):
    y = x * 2
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 10, None))
    return (x * y).sum()


def _node_prehook(x):
    y = x * 2
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    return (x * y).sum()


def _saved_hooks(x):
    with saved_tensors_hooks(lambda saved: saved * 10, lambda saved: saved):
        return (x * x).sum()


def _saved_hooks_of_one(x):
    y = x.exp()
    y.grad_fn._raw_saved_result.register_hooks(lambda saved: saved * 10, lambda saved: saved)
    return y.sum()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_detach_in_place, r"y = y.detach\(\)"),
        (_detach_by_function, r"y = y.detach\(\)"),
        (_assign_data, r"\.data"),
        (_tensor_hook, "register_hook"),
        (_node_hook, "grad_fn.register_hook"),
        (_node_prehook, "grad_fn.register_hook"),
        (_saved_hooks, "saved_tensors_hooks"),
        (_saved_hooks_of_one, "register_hooks"),
    ],
)
def test_what_gradients_would_lose_is_refused(function, message):
    _gradient(function, _X)  # PyTorch takes it
    with pytest.raises(astra.UnsupportedError, match=rf"test_torch_rules.py:\d+: .*{message}"):
        astra.grad(function)(_X)
    _gradient(function, _X)  # and does so afterwards


def test_assignments_to_data_are_refused_without_gradients():
    with pytest.raises(astra.UnsupportedError, match=r"test_torch_rules.py:\d+: .*copy_"):
        astra.jit(_assign_data)(_X)


@pytest.mark.parametrize("register", ["register_full_backward_hook", "register_full_backward_pre_hook"])
def test_backward_hooks_of_modules_are_refused(register):
    module = nn.Linear(3, 2)
    getattr(module, register)(lambda module, *gradients: None)
    with pytest.raises(astra.UnsupportedError, match=r"test_torch_rules.py:\d+: .*register_full_backward_hook"):
        astra.grad(lambda x: module(x).sum())(_X)
    torch.testing.assert_close(astra.jit(module)(_X), module(_X).detach())  # its values do not ask for hooks


def test_what_changes_no_gradient_goes_on():
    def loss(x):
        with save_on_cpu():
            y = x * x
        return (y.data * y).sum()

    torch.testing.assert_close(astra.grad(loss)(_X), _gradient(loss, _X))


# --- rules and checks of arrays ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["custom_jvp", "custom_vjp"])
def test_rules_of_arrays_are_refused_on_tensors(kind):
    rule = getattr(astra, kind)(lambda x: x * x)
    for call in (rule, astra.jit(lambda x: rule(x)), astra.grad(lambda x: rule(x).sum())):
        with pytest.raises(astra.UnsupportedError, match=rf"test_torch_rules.py:\d+: astra.{kind}.*autograd.Function"):
            call(_X)


def test_checks_of_arrays_are_refused_on_tensors():
    with pytest.raises(astra.UnsupportedError, match=r"test_torch_rules.py:\d+: astra.check_grads .*autograd.Function"):
        astra.check_grads(lambda x: (x * x).sum(), (_X,))
