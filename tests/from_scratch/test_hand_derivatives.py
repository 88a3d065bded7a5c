"""Derivatives that are written by hand, against autograd's."""

import functools

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

import from_scratch as ours
from from_scratch.core.distributions import Bernoulli, Categorical, Gaussian, Independent
from from_scratch.core.lockstep.arrays import Array, Program, Unknown
from from_scratch.core.lockstep.mlp import StackedMLP, affine, affine_gradient
from from_scratch.core.lockstep.programs import ArrayRows
from from_scratch.core.lockstep.rows import Rows, per_seed
from from_scratch.core.lockstep.selfcheck import follows_torch
from from_scratch.core.networks.continuous import squash
from tests.some import some

pytestmark = pytest.mark.numerical

NETS = {"tanh": (nn.Tanh, None), "relu": (nn.ReLU, None), "relu, squashed": (nn.ReLU, nn.Tanh)}


def modules(seeds, kind, output, out, dtype):
    torch.manual_seed(0)
    layers = [nn.Linear(3, 8), kind(), nn.Linear(8, 5), kind(), nn.Linear(5, out), *([output()] if output else [])]
    return [nn.Sequential(*(type(layer)(layer.in_features, layer.out_features) if isinstance(layer, nn.Linear) else layer for layer in layers)).to(dtype)
            for _ in range(seeds)]  # fmt: skip


def loss_of(net, x, y):
    """Uses the net twice, so that gradients are written first and added afterwards."""
    return ((net(x) - y) ** 2).mean(-1).mean(-1) + torch.sin(net(2 * x)).mean(-1).mean(-1), {}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-10)])
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("seeds", "batch", "out"), [(1, 7, 2), (1, 7, 1), (3, 64, 2), (3, 64, 1), (3, 1, 2), (3, 2, 1)])
def test_back_propagation_by_hand_equals_autograd(name, seeds, batch, out, dtype, tolerance):
    kind, output = NETS[name]
    nets = modules(seeds, kind, output, out, dtype)
    expected = []
    x, y = torch.randn(seeds, batch, 3, dtype=dtype), torch.randn(seeds, batch, out, dtype=dtype)
    for k, net in enumerate(nets):
        loss_of(net, x[k : k + 1], y[k : k + 1])[0].sum().backward()
        expected.append(torch.cat([p.grad.flatten().clone() for p in net.parameters()]))
    rows = Rows(nets)
    stacked = StackedMLP(rows, ["0", "2", "4"], kind, output)
    rows.grad.fill_(123.0)  # what an earlier update left
    loss, _ = rows.differentiate(loss_of, stacked, x, y)
    rows.backward(loss)
    for k, net in enumerate(nets):
        gradient = torch.cat([p.grad.flatten() for p in net.parameters()])
        torch.testing.assert_close(gradient, expected[k], atol=tolerance, rtol=tolerance)
        assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("out", [1, 4])
def test_the_gradient_of_a_layers_input_equals_autograd(seeds, out):
    torch.manual_seed(0)
    lead = () if seeds == 1 else (seeds,)
    x = torch.randn(seeds, 6, 16, dtype=torch.float64, requires_grad=True)
    w, b = torch.randn(*lead, out, 16, dtype=torch.float64, requires_grad=True), torch.randn(*lead, out, dtype=torch.float64, requires_grad=True)
    g = torch.randn(seeds, 6, out, dtype=torch.float64)
    expected = torch.autograd.grad(affine(x, w, b), (x, w, b), g)
    with torch.no_grad():
        gw, gb = torch.empty_like(w), torch.empty_like(b)
        gx = affine_gradient(g, x, w, gw, gb, add=False, of_input=True)
    for mine, theirs in zip((gx, gw, gb), expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=1e-12)
    assert torch.autograd.gradcheck(affine, (x, w, b))


def test_a_net_whose_input_needs_a_gradient_goes_through_autograd():
    nets = modules(2, nn.Tanh, None, 1, torch.float64)
    rows = Rows(nets)
    stacked = StackedMLP(rows, ["0", "2", "4"], nn.Tanh)
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    by_hand, _ = rows.differentiate(lambda: (stacked(x).mean((-1, -2)), {}))
    rows.backward(by_hand)
    first = rows.grad.clone()
    action = x.clone().requires_grad_()
    through, _ = rows.differentiate(lambda: (stacked(action).mean((-1, -2)), {}))
    rows.backward(through)
    torch.testing.assert_close(rows.grad, first, atol=1e-12, rtol=1e-12)
    assert first.abs().max() > 1e-3


def test_what_an_equation_does_not_use_has_no_gradient():
    nets = modules(1, nn.Tanh, None, 1, torch.float32)
    rows = Rows(nets)
    head = StackedMLP(rows, ["4"], nn.Tanh)
    rows.grad.fill_(1.0)
    loss, _ = rows.differentiate(lambda: (head(torch.randn(1, 4, 5)).mean((-1, -2)), {}))
    rows.backward(loss)
    assert rows.gradient_of("0.weight").abs().max() == 0
    assert rows.gradient_of("4.weight").abs().max() > 0


# ------------------------------------------------------------------------------------------- equations as programs of NumPy's calls
def by_arrays(expression, values):
    """The program of an expression of variables, and where it writes their gradients."""
    gradients = [np.full_like(value, 7) for value in values]

    def equation(data):
        leaves = [Array(value, data.program, needs=True) for value in values]
        for leaf, gradient in zip(leaves, gradients, strict=True):
            data.program.history.append((leaf, lambda g, gradient=gradient: g.call(np.copyto, gradient, g.value)))
        return expression(*leaves), {}

    with torch.enable_grad():
        program = Program(equation, [torch.zeros(1)])
    program.differentiate()
    return program, gradients


def by_autograd(expression, values):
    leaves = [torch.from_numpy(value.copy()).requires_grad_() for value in values]
    result = expression(*leaves)
    return result.detach().numpy(), [g.numpy() for g in torch.autograd.grad(result.sum(), leaves, materialize_grads=True)]


ACTION = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 1]])
PAIRS = torch.stack((ACTION, ACTION.flip(-1)), -1)  # some of them twice the same
ACTIONS = torch.stack((ACTION % 2, ACTION * 0), -1)
EXPRESSIONS = {  # of x, y [2, 4, 3], both positive, and z [2, 1, 3]
    "plus and minus": lambda x, y, z: (2 - x + y - 3 * z - (-x) - 1.5).sum(-1),
    "times and over": lambda x, y, z: (x * y / z + 2 / x + y / 3).mean(-1),
    "a number for each vector": lambda x, y, z: (x / x.sum(-1, keepdim=True) + x.mean(-1, keepdim=True) * y * z).sum(-1),
    "a number for each seed": lambda x, y, z: -(x[..., 0].mean(-1) - 0.5 * (y[..., 1] * z[..., 2]).sum(-1)) / 3,
    "exp, log, sqrt, square": lambda x, y, z: (x.exp() * y.log() + (x + y).sqrt() * z + (x - y) ** 2 + torch.square(z)).sum(-1),
    "functions of torch": lambda x, y, z: (torch.exp(-x) + torch.log(y) * torch.abs(x - y) + torch.tanh(z)).sum(-1),
    "tanh, sigmoid, abs": lambda x, y, z: (x.tanh() * y.sigmoid() + (x - y).abs() * z).mean(-1),
    "clamp": lambda x, y, z: (x.clamp(0.7, 1.3) * y + (x - y).clamp(min=0) + z.clamp(max=1)).sum(-1),
    "the smaller and the larger": lambda x, y, z: (torch.min(x * z, y) + x.maximum(y * y) + x.minimum(x * 1.0)).sum(-1),
    "standard deviation": lambda x, y, z: (x.std(-1) * y[..., 0] + (y * z).std(-1)).mean(-1),
    "log softmax": lambda x, y, z: (x.log_softmax(-1) * y * z).sum(-1),
    "log sum exp": lambda x, y, z: torch.logsumexp(x * y, -1) * z[..., 0],
    "gathered": lambda x, y, z: (x.log_softmax(-1) * y).gather(-1, constant(ACTION, x).long().unsqueeze(-1)).squeeze(-1) * z[..., 0],
    "an axis in the middle": lambda x, y, z: ((x.unsqueeze(-2) * y.unsqueeze(-2)).view(*x.shape) * z + (x.unsqueeze(-2) * y.unsqueeze(-1)).sum(-1)).sum(-1),
    "several of each vector": lambda x, y, z: ((x * y).gather(-1, constant(PAIRS, x).long()) * z[..., :2]).sum(-1),
    "relu": lambda x, y, z: ((x - y).relu() * z + torch.relu(y - 1)).sum(-1),
    "parts": lambda x, y, z: (x[..., :2].log_softmax(-1) * y[..., 1:]).sum(-1) + (x[..., 2:] * z[:, :, :1]).squeeze(-1),
    "categorical": lambda x, y, z: Categorical(x * z).log_prob(constant(ACTION, x)) + Categorical(y).entropy(),
    "several categoricals": lambda x, y, z: Independent(x * z, [2, 1]).log_prob(constant(ACTIONS, x)) + Independent(y, [1, 2]).entropy(),
    "coins": lambda x, y, z: Bernoulli(x - y).log_prob(constant((ACTION[..., None].expand(2, 4, 3) > 0).float(), x)) + Bernoulli(x * z).entropy(),
    "side by side": lambda x, y, z: (torch.cat((x, y * z), -1) * torch.cat((y, x), -1).unsqueeze(1).expand(-1, 2, -1, -1).flatten(0, 1)[::2]).sum(-1),
    "repeated": lambda x, y, z: ((x * y).unsqueeze(1).expand(-1, 5, -1, -1).flatten(0, 1).sum(-1).view(2, 5, 4).sum(-1) * 0.5).sum(-1) + z.sum(-1)[..., 0],
    "the smallest of critics": lambda x, y, z: (x * y).min(1).values.mean(-1) - (x * 0.0 + y).sum(-1).mean(-1) * z.min(1).values.sum(-1),
    # Quarters: near ±1 the last bit of tanh decides 1 − tanh², which torch rounds otherwise without fused multiply-adds.
    "squashed": lambda x, y, z: squash(x / 4, z.log().clamp(-0.5, 0.3), y / 4)[1] * squash(x / 4, z / 4, y / 4)[0].sum(-1),
    "gaussian": lambda x, y, z: Gaussian(x, z.log()).log_prob(y) + Gaussian(y, z).entropy(),
    "divergences": lambda x, y, z: Gaussian(x, z.log()).kl(Gaussian(y, z)) + Categorical(x).kl(Categorical(y * z)) + Bernoulli(y - x).kl(Bernoulli(x * z)),
}  # fmt: skip


def constant(tensor, like):
    """Data of an equation."""
    return Array(tensor.numpy().copy(), like.program) if isinstance(like, Array) else tensor


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-10)])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_program_computes_what_autograd_does_and_does_so_again_on_other_numbers(name, dtype, tolerance):
    stream = np.random.default_rng(0)
    values = [stream.uniform(0.5, 2, size=shape).astype(dtype) for shape in [(2, 4, 3), (2, 4, 3), (2, 1, 3)]]
    program, gradients = by_arrays(EXPRESSIONS[name], values)
    for _ in range(3):
        result, expected = by_autograd(EXPRESSIONS[name], values)
        np.testing.assert_allclose(program.loss.value, result, atol=tolerance, rtol=tolerance)
        for mine, theirs in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(np.broadcast_to(mine, theirs.shape), theirs, atol=tolerance, rtol=tolerance)
        for value in values:
            value[...] = stream.uniform(0.5, 2, size=value.shape)
        program.run([torch.zeros(1)])
        program.differentiate()


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_programs_gradient_is_that_of_finite_differences(name):
    class ByArrays(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *values):
            program, ctx.gradients = by_arrays(EXPRESSIONS[name], [value.numpy().copy() for value in values])
            return torch.tensor(program.loss.value.sum(), dtype=torch.float64)

        @staticmethod
        def backward(ctx, g):
            return tuple(g * torch.from_numpy(gradient) for gradient in ctx.gradients)

    stream = np.random.default_rng(1)
    values = [torch.from_numpy(stream.uniform(0.5, 2, size=shape)).requires_grad_() for shape in [(2, 4, 3), (2, 4, 3), (2, 1, 3)]]
    assert torch.autograd.gradcheck(ByArrays.apply, values)


def test_a_softmax_is_known_as_a_constant_alone():
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(Array(x).softmax(-1).value, torch.from_numpy(x).softmax(-1), atol=1e-7)
    with pytest.raises(Unknown, match="the gradient of softmax"):
        by_arrays(lambda x: x.softmax(-1).sum(-1), [x])


def test_where_two_are_the_same_the_smaller_shares_its_gradient_as_in_torch():
    values = [np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 5.0, 0.0]])]
    for expression in (lambda x, y: (x.minimum(y) * 3).sum(-1), lambda x, y: x.maximum(y).sum(-1)):
        for mine, theirs in zip(by_arrays(expression, values)[1], by_autograd(expression, values)[1], strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("name", NETS)
def test_nets_in_a_program_are_differentiated_as_by_autograd(name, seeds):
    kind, output = NETS[name]
    rows = ArrayRows(modules(seeds, kind, output, 2, torch.float32))
    body, whole = StackedMLP(rows, ["0", "2"], kind, kind), StackedMLP(rows, ["0", "2", "4"], kind, output)

    @per_seed
    def all_of_them_twice(x, y):
        return ((whole(x) - y) ** 2).mean(-1).mean(-1) + (whole(x * 2).exp() * y).mean(-1).mean(-1), {}

    @per_seed
    def not_the_last(x, y):
        return (body(x).square().mean(-1) * y[..., 0]).mean(-1), {}

    for equation in (all_of_them_twice, not_the_last, all_of_them_twice, not_the_last):
        x, y = torch.randn(seeds, 6, 3), torch.randn(seeds, 6, 2)
        rows.grad.fill_(5.0)  # what an earlier update left
        loss, _ = rows.differentiate(equation, x, y)
        assert isinstance(loss, Program)
        rows.backward(loss)
        mine = rows.grad[:, : rows.spans[-1][1]].clone()
        Rows.backward(rows, Rows.differentiate(rows, equation, x, y)[0])
        torch.testing.assert_close(mine, rows.grad[:, : rows.spans[-1][1]], atol=1e-6, rtol=1e-5)
        assert mine.abs().max() > 1e-3


UNKNOWN = {
    "a function without a derivative": lambda x: torch.logcumsumexp(x, -1).sum(-1),
    "a method without a derivative": lambda x: x.cumsum(-1).sum(-1),
    "a condition on a tensor": lambda x: x.sum(-1) if x.sum(-1) > 0 else x.mean(-1),
    "over another axis": lambda x: x.mean(0),
    "an index of numbers": lambda x: x[..., [0, 1]].sum(-1),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_no_derivative_here_is_refused_not_guessed(name):
    with pytest.raises(Unknown):
        by_arrays(UNKNOWN[name], [np.ones((1, 3), np.float32)])


# ------------------------------------------------------------------------------------------------------- the algorithms' equations
class Spaces(gym.Env):
    """Any action space, one observation."""

    def __init__(self, action_space):
        self.observation_space, self.action_space, self.t = gym.spaces.Box(-1, 1, (3,)), action_space, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.observation(), {}

    def observation(self):
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)

    def step(self, action):
        self.t += 1
        return self.observation(), float(np.sum(action)), self.t % 7 == 0, self.t % 5 == 0, {}


ACTION_SPACES = {
    "discrete": gym.spaces.Discrete(3),
    "box": gym.spaces.Box(-1, 1, (2,)),
    "box in double precision": gym.spaces.Box(-1, 1, (2,), np.float64),
    "multi-discrete": gym.spaces.MultiDiscrete([2, 3]),
    "multi-binary": gym.spaces.MultiBinary(3),
}
EQUATIONS = {
    "ppo": ("PPO", {"n_steps": 40, "batch_size": 16, "n_epochs": 2}),
    "ppo, clipping": ("PPO", {"n_steps": 40, "batch_size": 16, "clip_range": 1e-3, "clip_range_vf": 0.01, "ent_coef": 0.1, "normalize_advantage": False}),
    "a2c": ("A2C", {"n_steps": 20, "ent_coef": 0.1, "normalize_advantage": True}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*truncated mini-batch")
@pytest.mark.parametrize("space", ACTION_SPACES)
@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_an_algorithms_gradient_by_its_program_equals_autograds(equation, space, seeds):
    name, kwargs = EQUATIONS[equation]
    model = getattr(ours, name)("MlpPolicy", lambda: Spaces(ACTION_SPACES[space]), seeds=seeds, **kwargs).learn(80)
    rows = model.actor_critic.rows
    for batch in list(model.minibatches(model.samples(), 16))[:3]:  # the first makes the program, the second repeats it, the third is smaller
        loss, metrics = rows.differentiate(model.loss, batch)
        assert isinstance(loss, Program)
        rows.backward(loss)
        mine = rows.grad.clone()
        expected, theirs = Rows.differentiate(rows, model.loss, batch)
        Rows.backward(rows, expected)
        torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-5)
        assert rows.grad.abs().max() > 1e-3
        for key, value in theirs.items():
            torch.testing.assert_close(metrics[key], value.detach(), atol=1e-6, rtol=1e-5, check_dtype=False)


NARROW = {"learning_starts": 50, "policy_kwargs": {"net_arch": [40, 24]}}
OFF_POLICY = {
    "dqn": ("DQN", "CartPole-v1", {"learning_starts": 50}, lambda m, b: [(m.q.rows, m.loss, (b,))]),
    "td3": ("TD3", "Pendulum-v1", {}, lambda m, b: [(m.q.rows, m.critic_loss, (b, noise(m, b))), (m.nets["actor"].rows, m.actor_loss, (b,))]),
    "ddpg, tanh": ("DDPG", "Pendulum-v1", {"policy_kwargs": {"activation_fn": torch.nn.Tanh}}, lambda m, b: [
        (m.q.rows, m.critic_loss, (b, noise(m, b))), (m.nets["actor"].rows, m.actor_loss, (b,))]),
    "sac": ("SAC", "Pendulum-v1", {}, lambda m, b: [
        (m.temperature.rows, m.temperature_loss, (b.obs, noise(m, b))), (m.q.rows, m.critic_loss, (b, noise(m, b), m.temperature.alpha)),
        (m.nets["actor"].rows, m.actor_loss, (b, noise(m, b), m.temperature.alpha))]),
    "sac, fixed α": ("SAC", "Pendulum-v1", {"ent_coef": 0.2, "policy_kwargs": {"n_critics": 3}}, lambda m, b: [
        (m.q.rows, m.critic_loss, (b, noise(m, b), m.temperature.alpha)), (m.nets["actor"].rows, m.actor_loss, (b, noise(m, b), m.temperature.alpha))]),
}  # fmt: skip


def noise(model, batch):
    return model._rng.noise(*batch.action.shape[1:])


@pytest.mark.parametrize("name", OFF_POLICY)
@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_the_gradients_of_algorithms_with_a_memory_equal_autograds(name, seeds):
    kind, env, kwargs, equations = OFF_POLICY[name]
    model = getattr(ours, kind)("MlpPolicy", env, seeds=seeds, **{"policy_kwargs": {"net_arch": [32, 24]}, **kwargs}).learn(120)
    for size in (64, 64, 37):
        for rows, equation, data in equations(model, model.memory.sample(size)):
            loss, metrics = rows.differentiate(equation, *data)
            assert isinstance(loss, Program)
            rows.backward(loss)
            mine = rows.grad.clone()
            expected, theirs = Rows.differentiate(rows, equation, *data)
            Rows.backward(rows, expected)
            torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-5)
            assert rows.grad.abs().max() > 1e-4
            for key, value in theirs.items():
                torch.testing.assert_close(metrics[key], value.detach(), atol=1e-6, rtol=1e-5)


class SomebodysPolicy(ActorCriticPolicy):
    """A subclass might compute anything: it takes the general path."""


class Rollouts(BaseCallback):
    """Keeps what a run collected, or puts it in the place of what another one did: the same data, whatever rounding does to actions."""

    needs_no_values = True

    def __init__(self, given=None):
        super().__init__()
        self.given, self.kept = given, []

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        names = ("observations", "actions", "log_probs", "values", "advantages", "returns")
        buffer = vars(self.model.rollout_buffer)
        if self.given is not None:
            buffer.update(self.given[len(self.kept)])
        self.kept.append({name: buffer[name].copy() for name in names})


@pytest.mark.parametrize(("name", "env", "kwargs", "steps"), [
    ("PPO", "CartPole-v1", {"n_steps": 320}, 1280), ("PPO", "Pendulum-v1", {"n_steps": 320, "ent_coef": 0.01}, 1280), ("A2C", "CartPole-v1", {}, 1000),
])  # fmt: skip
def test_two_hundred_updates_on_the_fast_path_equal_those_on_the_general_path(name, env, kwargs, steps):
    fast, general = (getattr(ours, name)(policy, env, seeds=[0], **kwargs) for policy in ("MlpPolicy", SomebodysPolicy))
    kept = Rollouts()
    fast.learn(steps, callback=kept)
    general.learn(steps, callback=Rollouts(kept.kept))
    assert isinstance(fast.actor_critic.rows, ArrayRows) and not isinstance(general.actor_critic.rows, ArrayRows)
    assert fast.updates[0] * (5 if name == "PPO" else 1) >= 200
    for mine, theirs in zip(fast.policy.parameters(), general.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


GENERAL = {
    "DQN": ("CartPole-v1", {"learning_starts": 50, "train_freq": 1}, DQNPolicy),
    "TD3": ("Pendulum-v1", NARROW, TD3Policy),
    "SAC": ("Pendulum-v1", {**NARROW, "policy_kwargs": {"net_arch": [24]}}, SACPolicy),
}


@pytest.mark.parametrize("name", GENERAL)
def test_two_hundred_updates_from_a_memory_are_the_same_on_both_paths(name):
    env, kwargs, policy = GENERAL[name]
    updates = 200 if follows_torch() else 8  # where both do not compute the same bits, Adam's first steps magnify the last one
    fast = getattr(ours, name)("MlpPolicy", env, seeds=[0], **kwargs).learn(60 + updates)
    general = getattr(ours, name)(type("Somebodys" + policy.__name__, (policy,), {}), env, seeds=[0], **kwargs).learn(60 + updates)
    assert type(general.q.rows) is Rows
    assert fast.updates[0] >= updates
    for mine, theirs in zip(fast.policy.parameters(), general.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


def test_the_general_path_is_announced_in_one_line_with_its_reason(capsys):
    ours.A2C(SomebodysPolicy, "CartPole-v1", verbose=1)
    assert "SomebodysPolicy takes the general path (ForeignActorCritic)." in capsys.readouterr().out.splitlines()
    ours.A2C("MlpPolicy", "CartPole-v1", verbose=1).learn(20)
    assert "general path" not in capsys.readouterr().out


class SoftenedA2C(ours.A2C):
    """A user's equation with something that programs do not know."""

    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        v, _, _ = self.actor_critic.evaluate(b.obs, b.action)
        return loss + 1e-3 * torch.logcumsumexp(v, -1).mean(-1), metrics


def test_an_equation_that_programs_do_not_know_is_announced_and_goes_through_autograd(capsys):
    model = SoftenedA2C("MlpPolicy", "CartPole-v1", seed=0, verbose=1).learn(50)
    lines = [line for line in capsys.readouterr().out.splitlines() if "general path" in line]
    assert lines == ["SoftenedA2C.loss takes the general path, through autograd (Tensor.logcumsumexp)."]
    general = SoftenedA2C(SomebodysPolicy, "CartPole-v1", seed=0).learn(50)
    for mine, theirs in zip(model.policy.parameters(), general.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "change", [{"ent_coef": 0.3}, {"clip_range": lambda left: 1e-4}, {"vf_coef": 2.0}, {"normalize_advantage": False}, {"_current_progress_remaining": 0.1}]
)
def test_a_program_is_made_anew_when_a_number_that_its_equation_reads_has_changed(change):
    model = ours.PPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=64, n_epochs=1, clip_range=lambda left: 0.01 * left).learn(64)
    rows, batch = model.actor_critic.rows, next(iter(model.minibatches(model.samples(), 64)))
    stale, _ = rows.differentiate(model.loss, batch)
    assert rows.differentiate(model.loss, batch)[0] is stale
    vars(model).update(change)
    fresh, metrics = rows.differentiate(model.loss, batch)
    assert fresh is not stale
    torch.testing.assert_close(metrics["loss"], Rows.differentiate(rows, model.loss, batch)[1]["loss"].detach(), atol=1e-6, rtol=1e-6)


class Halved(FlattenExtractor):
    """Features of somebody's own, so that the networks run as modules."""

    def forward(self, observations):
        return super().forward(observations) / 2


OWN = {"features_extractor_class": Halved}
SMALL = {"n_steps": 72, "batch_size": 50, "n_epochs": 2}  # the last minibatch is smaller


STACKED = [
    ("PPO", "CartPole-v1", SMALL), ("PPO", "Pendulum-v1", SMALL), ("A2C", "CartPole-v1", {}), ("DQN", "CartPole-v1", {"learning_starts": 50}),
    ("TD3", "Pendulum-v1", NARROW), ("SAC", "Pendulum-v1", {**NARROW, "policy_kwargs": {"net_arch": [24]}}),
    ("SoftenedA2C", "CartPole-v1", {"policy_kwargs": {"net_arch": [33, 7]}}),  # with tensors
    ("PPO", "Pendulum-v1", {**SMALL, "policy_kwargs": OWN}), ("DQN", "CartPole-v1", {"learning_starts": 50, "policy_kwargs": OWN}),  # through modules
    ("SAC", "Pendulum-v1", {**NARROW, "policy_kwargs": {"net_arch": [24], **OWN}}),
]  # fmt: skip


def trained(case, seeds):
    name, env, kwargs = STACKED[case]
    kind = SoftenedA2C if name == "SoftenedA2C" else getattr(ours, name)
    return kind("MlpPolicy", env, seeds=seeds, **kwargs).learn(144)


@functools.cache
def policy_alone(case, seed):
    return trained(case, [seed]).policy


@pytest.mark.filterwarnings("ignore:.*truncated mini-batch")
@pytest.mark.parametrize("seeds", [pytest.param(2, marks=pytest.mark.slow), 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 10)), 30])
@pytest.mark.parametrize("case", some(range(len(STACKED)), every=3), ids=lambda case: "-".join(STACKED[case][:2]))
def test_a_seed_of_any_stack_equals_the_seed_alone_bit_for_bit(case, seeds):
    stack = trained(case, range(seeds))
    for k in {0, seeds - 1}:
        for mine, theirs in zip(stack.policies[k].parameters(), policy_alone(case, k).parameters(), strict=True):
            assert torch.equal(mine, theirs)
