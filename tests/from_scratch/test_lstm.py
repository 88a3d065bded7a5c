"""The LSTM of all seeds beside torch's, sequence after sequence: what it puts out, its states, its gradient, and that seeds and sequences never mix."""

import numpy as np
import pytest
import torch
from torch import nn

from from_scratch import eager
from from_scratch.core.lockstep import ArrayRows, StackedLSTM, StackedMLP, is_plain_lstm, per_seed
from from_scratch.core.lockstep.lstm import packed

pytestmark = pytest.mark.numerical

N_IN, H = 3, 5


class Net(nn.Module):
    def __init__(self, n_layers=1, n_in=N_IN, width=H):
        super().__init__()
        self.first = nn.Linear(N_IN, n_in)
        self.lstm = nn.LSTM(n_in, width, num_layers=n_layers)


def nets(S, **kwargs):
    torch.manual_seed(0)
    return [Net(**kwargs) for _ in range(S)]


def data(S, M, n_layers=1, n_in=N_IN, width=H, often=0.2, seed=1):
    """Samples, states, and where sequences begin."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    return draw(S, M, n_in), draw(S, M, n_layers, 2, width), (torch.rand(S, M, generator=generator) < often).long()


def of_torch(lstm, x, state, begins):
    """torch's own module on one sequence after another, x [M, in] → [M, H]."""
    starts = [m for m in range(len(x)) if m == 0 or begins[m] > 0]
    outputs = []
    for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
        h, c = (state[start, :, i][:, None].contiguous() for i in range(2))  # [layers, 1, H]
        outputs.append(lstm(x[start:end, None], (h, c))[0][:, 0])
    return torch.cat(outputs)


class Fit:
    """Half the squared distance of an LSTM's outputs from a target."""

    def __init__(self, S, with_mlp=False, **kwargs):
        self.nets = nets(S, **kwargs)
        self.rows = ArrayRows(self.nets)
        self.lstm = StackedLSTM(self.rows, "lstm", self.nets[0].lstm)
        self.first = StackedMLP.of(self.rows, {"first": self.nets[0].first}) if with_mlp else lambda x: x

    @per_seed
    def loss(self, x, state, begins, target):
        y = self.lstm(self.first(x), state, begins)
        loss = ((y - target) ** 2).sum(-1).sum(-1) / 2
        return loss, {"loss": loss}

    def gradient(self, *given):
        loss, _ = self.rows.differentiate(self.loss, *given)
        self.rows.backward(loss)
        return self.rows.grad.clone()


def gradient_of_torch(fit, x, state, begins, target, first=lambda net, x: x):
    for k, net in enumerate(fit.nets):
        y = of_torch(net.lstm, first(net, x[k]), state[k], begins[k])
        grads = torch.autograd.grad(((y - target[k]) ** 2).sum() / 2, list(net.parameters()), allow_unused=True)
        yield from [torch.zeros_like(p) if g is None else g for p, g in zip(net.parameters(), grads, strict=True)]


def gradients_of(fit):
    return [fit.rows.of_row(fit.rows.grad, k, i).clone() for k in range(len(fit.nets)) for i in range(len(fit.rows.spans))]


# ------------------------------------------------------------------------------------------------------------------- beside torch's
@pytest.mark.parametrize(("n_layers", "width", "M"), [(1, 5, 40), (2, 16, 40), (3, 20, 7), (1, 64, 1)])
def test_outputs_are_torch_s_whatever_the_lengths_of_the_sequences(n_layers, width, M):
    fit = Fit(2, n_layers=n_layers, width=width)
    x, state, begins = data(2, M, n_layers, width=width)
    with torch.no_grad():
        y = fit.lstm(x, state, begins)
        for k, net in enumerate(fit.nets):
            torch.testing.assert_close(y[k], of_torch(net.lstm, x[k], state[k], begins[k]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", ["program", "tensors"])
@pytest.mark.parametrize(("n_layers", "width"), [(1, 5), (2, 16), (3, 20)])
def test_the_gradient_is_torch_s(way, n_layers, width):
    fit = Fit(2, n_layers=n_layers, width=width)
    x, state, begins = data(2, 40, n_layers, width=width)
    target = torch.randn(2, 40, width)
    with eager(way == "tensors"):
        fit.gradient(x, state, begins, target)
    for mine, theirs in zip(gradients_of(fit), gradient_of_torch(fit, x, state, begins, target), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-5)  # of numbers up to some hundred


def test_the_gradient_reaches_what_stands_before_it():
    fit = Fit(2, with_mlp=True, n_in=4)
    x, _, _ = data(2, 30)
    _, state, begins = data(2, 30, n_in=4)
    target = torch.randn(2, 30, H)
    fit.gradient(x, state, begins, target)
    for mine, theirs in zip(gradients_of(fit), gradient_of_torch(fit, x, state, begins, target, lambda net, x: net.first(x)), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-5)


def test_one_program_serves_other_sequences_of_as_many_samples():
    fit = Fit(1)
    target = torch.randn(1, 40, H)
    once = data(1, 40, often=0.1, seed=1)
    fit.gradient(*once, target)
    other = data(1, 40, often=0.6, seed=2)
    fit.gradient(*other, target)
    assert len(fit.rows._programs) == 1
    for mine, theirs in zip(gradients_of(fit), gradient_of_torch(fit, *other, target), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-5)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_a_step_of_play_gives_torch_s_output_and_the_state_after_it(n_layers):
    fit = Fit(2, n_layers=n_layers)
    x, state, _ = data(2, 6, n_layers)
    y, after = fit.lstm.play(x.numpy(), state.numpy())
    for k, net in enumerate(fit.nets):
        h, c = (state[k, :, :, i].transpose(0, 1).contiguous() for i in range(2))
        out, (h, c) = net.lstm(x[k][None], (h, c))
        np.testing.assert_allclose(y[k], out[0].detach(), atol=1e-6)
        np.testing.assert_allclose(after[k], torch.stack((h, c)).permute(2, 1, 0, 3).detach(), atol=1e-6)


def test_playing_step_by_step_is_evaluating_the_sequence():
    fit = Fit(1)
    x, state, _ = data(1, 9)
    whole = fit.lstm(x, state, torch.zeros(1, 9)).detach().numpy()
    now = state[:, :1].numpy()
    for t in range(9):
        y, now = fit.lstm.play(x[:, t : t + 1].numpy(), now)
        np.testing.assert_allclose(y[:, 0], whole[:, t], atol=1e-6)


# ------------------------------------------------------------------------------------------------------------------------ mixing
def test_a_seed_in_the_stack_has_the_bits_of_the_seed_alone():
    together, alone = Fit(3), Fit(3)
    alone.rows = ArrayRows(alone.nets[1:2])
    alone.lstm = StackedLSTM(alone.rows, "lstm", alone.nets[1].lstm)
    given = [*data(3, 40), torch.randn(3, 40, H)]
    assert torch.equal(together.gradient(*given)[1], alone.gradient(*(part[1:2].clone() for part in given))[0])


def test_no_sequence_sees_another():
    fit = Fit(1)
    x, state, begins = data(1, 20, often=0.0)
    begins[0, 8] = 1
    before = fit.lstm(x, state, begins)
    x[0, :8] += 1
    state[0, 0] += 1
    after = fit.lstm(x, state, begins)
    assert torch.equal(before[0, 8:], after[0, 8:]) and not torch.isclose(before[0, :8], after[0, :8]).any()


def test_samples_are_taken_step_by_step_the_longest_sequence_first():
    """Three sequences, 0 1 | 2 3 4 5 | 6 7 8: their first steps, their second steps and so on."""
    order, steps = packed(np.array([1, 0, 1, 0, 0, 0, 1, 0, 0]))
    assert order.tolist() == [2, 6, 0, 3, 7, 1, 4, 8, 5]
    assert steps == [0, 3, 6, 8, 9]


@pytest.mark.parametrize("kwargs", [{"bias": False}, {"batch_first": True}, {"bidirectional": True}, {"proj_size": 2}, {"num_layers": 2, "dropout": 0.5}])
def test_an_lstm_that_computes_something_else_is_not_taken_for_a_plain_one(kwargs):
    assert is_plain_lstm(nn.LSTM(3, 5, num_layers=2))
    assert not is_plain_lstm(nn.LSTM(3, 5, **kwargs)) and not is_plain_lstm(nn.GRU(3, 5))
