"""A newcomer's algorithm touches its own file and nothing else: here C51 is that file, and what the house gives it is asked for.

Nothing in core knows of distributions over returns, of their networks or of this class: it is served, trained in lock-step, saved and watched as any.
"""

import io
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from from_scratch import DQN
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import ArrayRows, Rows, per_seed

GOLDEN = json.loads((Path(__file__).with_name("golden") / "c51.json").read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------------------- the newcomer's file
class AtomNetwork(QNetwork):
    """log-probabilities of N atoms for every action, [..., A·N]."""

    def __init__(self, *args, atoms, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("z", atoms)
        self.q_net = nn.Sequential(*create_mlp(self.features_dim, int(self.action_space.n) * len(atoms), self.net_arch, self.activation_fn))

    @per_seed
    def outputs(self, features):
        return self.q_net(features)

    def forward(self, obs):
        return self.outputs(self.extract_features(obs, self.features_extractor))

    def values(self, logits):
        """Q(s, a) = Σ z_i p_i(s, a), [..., A]"""
        return (logits.unflatten(-1, (-1, len(self.z))).softmax(-1) * self.z).sum(-1)

    def _predict(self, observation, deterministic=True):
        return self.values(self(observation)).argmax(1)


class AtomPolicy(DQNPolicy):
    def __init__(self, *args, n_atoms=51, v_min=0.0, v_max=100.0, **kwargs):
        self.atoms = torch.linspace(v_min, v_max, n_atoms)
        super().__init__(*args, **kwargs)

    def make_q_net(self):
        kwargs = self._update_features_extractor(self.net_args, features_extractor=None)
        return AtomNetwork(**kwargs, atoms=self.atoms).to(self.device)


def project(p, z, reward, discount):
    """Φ T̂ z: the probabilities p [..., N] of the atoms r + γz, shared out between their neighbours among the atoms z [N] (Algorithm 1)."""
    target = (reward[..., None] + discount[..., None] * z).clamp(z[0], z[-1])
    near = 1 - ((target[..., None, :] - z[:, None]).abs() / (z[1] - z[0])).clamp(max=1)  # [..., N, N]: all the mass where b is an integer
    return (near * p[..., None, :]).sum(-1)


class C51(DQN):
    """Categorical DQN (Bellemare et al. 2017, arXiv:1707.06887, Algorithm 1)."""

    policy_aliases = {"MlpPolicy": AtomPolicy}

    def build(self):
        super().build()
        self.z = self.policy.atoms

    def choose(self, obs, deterministic=False):
        return self.q.modules[0].values(torch.from_numpy(self.q.play(obs))).argmax(-1).numpy()

    @per_seed
    def loss(self, b):
        atoms = lambda logits: logits.unflatten(-1, (-1, len(self.z)))  # [S, M, A, N]
        of = lambda x, a: x.gather(-2, a.long()[..., None].expand(*a.shape, x.shape[-1])).squeeze(-2)
        with torch.no_grad():
            p = atoms(self.q_target(b.next_obs)).softmax(-1)
            m = project(of(p, (p * self.z).sum(-1).argmax(-1, keepdim=True)), self.z, b.reward, b.discount)
        cross_entropy = -(m * of(atoms(self.q(b.obs)).log_softmax(-1), b.action)).sum(-1)
        return cross_entropy.mean(-1), {"loss": cross_entropy.mean(-1)}


# ------------------------------------------------------------------------------------------------------------- what it gets for that
SMALL = {"learning_starts": 50, "buffer_size": 400, "batch_size": 16, "target_update_interval": 60}


def trained(steps=200, **kwargs):
    return C51("MlpPolicy", "CartPole-v1", policy_kwargs={"net_arch": [16], "n_atoms": 11}, device="cpu", **SMALL, **kwargs).learn(steps)


def test_its_numbers_are_those_of_another_library():
    given, expected = GOLDEN["inputs"], GOLDEN["expected"]
    z, reward, discount = (torch.tensor(given[name], dtype=torch.float64) for name in ("atoms", "reward", "discount"))
    logits, next_logits = (torch.tensor(given[name], dtype=torch.float64, requires_grad=name == "logits") for name in ("logits", "next_logits"))
    model = trained(60, seed=0)
    model.z, model.q, model.q_target = z, lambda _: logits.flatten(-2)[None], lambda _: next_logits.flatten(-2)[None]
    action = torch.tensor(given["action"])[None, :, None]

    loss, _ = model.loss(Transition(None, action, reward[None], None, discount[None]))
    loss.sum().backward()

    assert loss.item() == pytest.approx(np.mean(expected["loss_per_item"]), abs=1e-10)
    np.testing.assert_allclose(logits.grad, expected["grad_logits_of_mean"], atol=1e-10)


def test_the_mass_of_an_atom_that_falls_on_another_stays_whole():
    z = torch.arange(5, dtype=torch.float64)
    m = project(torch.eye(5, dtype=torch.float64)[2:3], z, torch.tensor([1.0]), torch.tensor([1.0]))
    assert torch.equal(m, torch.eye(5, dtype=torch.float64)[3:4])


def test_it_is_computed_for_all_seeds_together_without_a_line_in_core():
    model = trained(seeds=[3, 4])
    assert model.q.is_stacked and model.q_target.is_stacked and isinstance(model.q.rows, Rows)
    assert not model.asks_policies


def test_together_and_one_by_one_are_the_same():
    fast, general = trained(60, seeds=[0]), trained(60, seeds=[0])
    general.policy.q_net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    general.policy.q_net_target.register_forward_hook(lambda *_: None)
    for model in (fast, general):
        model.learn(100, reset_num_timesteps=False)
    assert fast.q.is_stacked and not general.q.is_stacked
    for mine, theirs in zip(fast.policy.parameters(), general.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=0)


def test_a_seed_of_a_stack_is_the_seed_alone_to_the_bit():
    stack = trained(seeds=[3, 4])
    for k, seed in enumerate((3, 4)):
        alone = trained(seeds=[seed])
        for mine, theirs in zip(stack.policies[k].parameters(), alone.policy.parameters(), strict=True):
            assert torch.equal(mine, theirs)


def test_it_is_saved_and_loaded_and_predicts():
    model, file = trained(seed=0), io.BytesIO()
    model.save(file)
    file.seek(0)
    obs = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    again = C51.load(file, trust=True)  # its policy is a class of ours, here
    assert np.array_equal(model.predict(obs, deterministic=True)[0], again.predict(obs, deterministic=True)[0])


def test_it_learns():
    kwargs = {"learning_rate": 2e-3, "learning_starts": 200, "train_freq": 2, "target_update_interval": 100, "exploration_fraction": 0.3}
    model = C51("MlpPolicy", "CartPole-v1", seeds=range(3), device="cpu", policy_kwargs={"net_arch": [64], "n_atoms": 21}, **kwargs).learn(4000)
    assert np.median([np.mean([episode["r"] for episode in buffer][-10:]) for buffer in model.ep_info_buffers]) > 60


class OtherForward(AtomNetwork):
    """Its forward is not what `outputs` says."""

    def forward(self, obs):
        return super().forward(obs) + 1


def test_a_class_below_with_another_forward_is_asked():
    class Policy(AtomPolicy):
        def make_q_net(self):
            return OtherForward(**self._update_features_extractor(self.net_args, features_extractor=None), atoms=self.atoms)

    model = C51(Policy, "CartPole-v1", seed=0, policy_kwargs={"n_atoms": 5}, **SMALL)
    assert not model.q.is_stacked


# ------------------------------------------------------------------------------------------------- a head that is put together from parts
class DuelingNetwork(QNetwork):
    """Q(s, a) = V(s) + A(s, a) − mean A (Wang et al. 2016, arXiv:1511.06581, eq. 9)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.q_net
        self.advantage, self.value = (
            nn.Sequential(*create_mlp(self.features_dim, n, self.net_arch, self.activation_fn)) for n in (int(self.action_space.n), 1)
        )
        self.scale = nn.Parameter(torch.ones(1))

    @per_seed
    def outputs(self, x):
        a = self.advantage(x)
        return self.value(x) + (a - a.mean(-1, keepdim=True)) * self.scale

    def forward(self, obs):
        return self.outputs(self.extract_features(obs, self.features_extractor))


class DuelingPolicy(DQNPolicy):
    def make_q_net(self):
        return DuelingNetwork(**self._update_features_extractor(self.net_args, features_extractor=None)).to(self.device)


def dueling(**kwargs):
    return DQN(DuelingPolicy, "CartPole-v1", policy_kwargs={"net_arch": [16]}, device="cpu", **SMALL, **kwargs).learn(200)


def test_a_head_of_several_parts_runs_as_a_program_of_arrays(capsys):
    model = dueling(seeds=[1, 2], verbose=1)
    assert model.q.is_stacked and isinstance(model.q.rows, ArrayRows)
    assert "general path" not in capsys.readouterr().out
    obs = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    asked = torch.stack([policy.q_net(torch.from_numpy(x)) for policy, x in zip(model.policies, obs, strict=True)])
    np.testing.assert_allclose(model.q.play(obs), asked.detach(), atol=1e-6)


def test_its_gradient_is_autograds():
    model = dueling(seed=1)
    rows, batch = model.q.rows, model.memory.sample(16, 0.99)
    loss, _ = rows.differentiate(model.loss, batch)
    rows.backward(loss)
    mine = rows.grad.clone()
    general, _ = Rows.differentiate(rows, model.loss, batch)
    Rows.backward(rows, general)
    torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-5)
    assert rows.gradient_of("scale").abs().min() > 0


# ---------------------------------------------------------------------------------------------------- heads that do what one thinks of
class Head(QNetwork):
    def forward(self, obs):
        return self.outputs(self.extract_features(obs, self.features_extractor))


class Bounded(Head):
    """One MLP, and something done after it."""

    @per_seed
    def outputs(self, x):
        return torch.tanh(self.q_net(x)) - x.mean(-1, keepdim=True)


class Scaled(Head):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.scale = nn.Parameter(torch.ones(2))

    @per_seed
    def outputs(self, x):
        return self.q_net(x) * self.scale


class SoftmaxDueling(DuelingNetwork):
    """Does what no Array can."""

    @per_seed
    def outputs(self, x):
        return self.advantage(x).softmax(-1) * self.value(x)


class TwiceDueling(DuelingNetwork):
    @per_seed
    def outputs(self, x):
        return 2 * super().outputs(x)


class Inner(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layers, self.scale = nn.Sequential(nn.Linear(n, 8), nn.ReLU(), nn.Linear(8, 2)), nn.Parameter(torch.ones(2))

    @per_seed
    def outputs(self, x):
        return self.layers(x) * self.scale

    def forward(self, x):
        return self.outputs(x)


class Nested(Head):
    """Its only part says its outputs itself."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.q_net = Inner(self.features_dim)

    @per_seed
    def outputs(self, x):
        return self.q_net(x)


class Seen(gym.Env):
    """Five states that are known by their number."""

    observation_space, action_space = spaces.Discrete(5), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return int(self.np_random.integers(5)), {}

    def step(self, action):
        return int(self.np_random.integers(5)), float(action), bool(self.np_random.random() < 0.2), False, {}


def policy_of(network):
    class Policy(DQNPolicy):
        def make_q_net(self):
            return network(**self._update_features_extractor(self.net_args, features_extractor=None)).to(self.device)

    return Policy


@pytest.mark.parametrize("env", ["CartPole-v1", Seen])
@pytest.mark.parametrize("network", [DuelingNetwork, Bounded, Scaled, SoftmaxDueling, TwiceDueling, Nested])
def test_a_head_plays_and_learns_what_its_modules_would(network, env):
    kwargs = {"policy_kwargs": {"net_arch": [16]}, "device": "cpu", **SMALL}
    model = DQN(policy_of(network), env, seeds=[1, 2], **kwargs).learn(100)
    assert model.q.is_stacked
    obs = np.stack([[model.observation_space.sample() for _ in range(3)] for _ in range(2)])
    asked = np.stack([policy.q_net(policy.obs_to_tensor(x)[0]).detach() for policy, x in zip(model.policies, obs, strict=True)])
    np.testing.assert_allclose(model.q.play(obs), asked, atol=1e-6)
    alone = DQN(policy_of(network), env, seeds=[2], **kwargs).learn(100)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(model.policies[1].parameters(), alone.policy.parameters(), strict=True))


class Prior(DuelingNetwork):
    """Every seed draws another constant."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("prior", torch.randn(2))

    @per_seed
    def outputs(self, x):
        return super().outputs(x) + self.prior


def test_seeds_whose_heads_hold_other_buffers_are_asked_each_by_itself():
    stack, alone = (DQN(policy_of(Prior), "CartPole-v1", seeds=seeds, device="cpu", **SMALL) for seeds in ([1, 2], [2]))
    assert not stack.q.is_stacked and alone.q.is_stacked
    obs = np.zeros((2, 1, 4), np.float32)
    np.testing.assert_allclose(stack.q.play(obs)[1], alone.q.play(obs[:1])[0], atol=1e-6)


class Misshapen(Head):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.q_net
        self.w = nn.Parameter(torch.zeros(self.features_dim, 2))

    @per_seed
    def outputs(self, x):
        return x @ self.w


def test_a_head_that_loses_the_axis_of_seeds_is_refused():
    model = DQN(policy_of(Misshapen), "CartPole-v1", seeds=[1, 2], device="cpu", **SMALL)
    with pytest.raises(ValueError, match=r"Misshapen.outputs makes \[2, 2, 1, 2\] of features \[2, 1, 4\], \[S, M, n\]: S and M must stay in front"):
        model.q.play(np.zeros((2, 1, 4), np.float32))


# ------------------------------------------------------------------------------------------------------ an equation that differs in a line
class DoubleDQN(DQN):
    """The target's action is the online network's (van Hasselt et al. 2016, arXiv:1509.06461)."""

    @per_seed
    def loss(self, b):
        with torch.no_grad():
            a_next = self.q(b.next_obs).argmax(-1, keepdim=True)
            y = b.reward + b.discount * self.q_target(b.next_obs).gather(-1, a_next).squeeze(-1)
        loss = ((self.q(b.obs).gather(-1, b.action.long()).squeeze(-1) - y) ** 2).mean(-1)
        return loss, {"loss": loss}


def test_double_q_learning_runs_as_a_program_that_gives_autograds_gradient(capsys):
    model = DoubleDQN("MlpPolicy", "CartPole-v1", seeds=[1, 2], device="cpu", verbose=1, **SMALL).learn(200, log_interval=None)
    assert "general path" not in capsys.readouterr().out
    for _ in range(3):  # the program is repeated on other data
        batch = model.memory.sample(16, 0.99)
        loss, _ = model.q.rows.differentiate(model.loss, batch)
        model.q.rows.backward(loss)
    mine = model.q.rows.grad.clone()
    Rows.backward(model.q.rows, Rows.differentiate(model.q.rows, model.loss, batch)[0])
    torch.testing.assert_close(mine, model.q.rows.grad, atol=1e-6, rtol=1e-5)
    assert mine.abs().max() > 0
