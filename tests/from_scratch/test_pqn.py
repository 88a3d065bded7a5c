"""PQN: λ-returns over many environments, layer normalisation, and neither a memory nor a target network."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from torch import nn

from from_scratch import PQN
from from_scratch.core.data import Judged
from from_scratch.core.lockstep import Rows
from from_scratch.core.networks.layer_norm import LayerNorm
from tests.from_scratch.small import DICTS, IMAGES, Seen, of_parameters

pytestmark = pytest.mark.numerical

SMALL = {"n_steps": 8, "batch_size": 16, "n_epochs": 2, "device": "cpu"}


def small(env="CartPole-v1", steps=0, **kwargs):
    return PQN("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [16]}, **SMALL, **kwargs}).learn(steps)


# ------------------------------------------------------------------------------------------------------------------------ λ-returns
class Count(gym.Env):
    """Observes the number of the step, whose reward is the number before it; the episode terminates after step `end`."""

    observation_space, action_space = spaces.Box(0, 100, (1,)), spaces.Discrete(2)

    def __init__(self, end=None):
        self.end, self.t = end, 0

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), self.t - 1.0, self.t == self.end, False, {}


def returns_of(env, **kwargs):
    """R_t of the first four steps, where max_a Q(s, a) is ten times the number of the step that is seen; γ and λ are ½."""
    model = small(lambda: env, seeds=[0], n_steps=4, gamma=0.5, q_lambda=0.5, **kwargs)
    model.q.play = lambda obs: np.concatenate((10 * obs, 0 * obs), -1)
    found = []
    model.update = lambda played: found.append(model.judged(played))
    model.learn(4)
    return found[0].ret[0].tolist()


def test_a_lambda_return_is_the_mean_of_the_next_return_and_the_next_value_weighed_by_lambda():
    """R_4 = 3 + ½·40 = 23, R_3 = 2 + ½ (½·23 + ½·30) = 15.25, R_2 = 1 + ½ (½·15.25 + ½·20) = 9.8125, R_1 = 0 + ½ (½·9.8125 + ½·10) = 4.953125."""
    assert returns_of(Count()) == [4.953125, 9.8125, 15.25, 23]


def test_it_ends_where_the_episode_terminated():
    """After step 2: R_2 = 1, R_1 = ½ (½·1 + ½·10) = 2.75; then R_4 = 1, and R_3 is like R_1."""
    assert returns_of(Count(end=2)) == [2.75, 1, 2.75, 1]


def test_a_time_limit_is_bootstrapped_from_the_true_successor_and_nothing_is_seen_across_it():
    """After step 2: R_2 = 1 + ½·20 = 11, R_1 = ½ (½·11 + ½·10) = 5.25."""
    assert returns_of(TimeLimit(Count(), 2)) == [5.25, 11, 5.25, 11]


def test_every_environment_of_every_seed_has_returns_of_its_own():
    """Environments begin at different numbers: what one of them sees at step t is in no other's return."""

    class Offset(Count):
        made = 0

        def __init__(self):
            super().__init__()
            self.offset = 7 * Offset.made
            Offset.made += 1

        def reset(self, *, seed=None, options=None):
            super().reset()
            self.t = self.offset
            return np.full(1, self.t, np.float32), {}

    model = small(Offset, seeds=[0, 1], n_envs=2, n_steps=3, gamma=0.5, q_lambda=0.0)
    model.q.play = lambda obs: np.concatenate((10 * obs, 0 * obs), -1)
    found = []
    model.update = lambda played: found.append(model.judged(played))
    model.learn(6)
    s = found[0].obs[..., 0]  # with λ = 0, R = s + ½ · 10 (s + 1)
    assert len(s.unique()) == 12
    torch.testing.assert_close(found[0].ret, s + 5 * (s + 1))


# ------------------------------------------------------------------------------------------------------------------ layer normalisation
def test_a_layer_s_outputs_are_torch_s_and_its_program_has_autograd_s_gradient():
    model = small(steps=60, seeds=[1, 2], n_envs=2)
    draw = torch.Generator().manual_seed(0)
    x, norm = torch.randn(2, 5, 16, generator=draw), LayerNorm(16)
    torch.nn.init.normal_(norm.weight, generator=draw)
    torch.testing.assert_close(norm.outputs(x), norm(x))

    b = Judged(torch.randn(2, 16, 4, generator=draw), torch.randint(2, (2, 16), generator=draw), torch.randn(2, 16, generator=draw))
    rows = model.q.rows
    loss, _ = rows.differentiate(model.loss, b)
    rows.backward(loss)
    mine = rows.grad.clone()
    Rows.backward(rows, Rows.differentiate(rows, model.loss, b)[0])
    torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-4)
    assert mine.abs().max() > 0


def test_every_hidden_layer_is_normalised_before_its_activation_and_none_where_that_is_switched_off():
    """A weight matrix that is a hundred times as large puts out the same, and without normalisation something else."""
    obs = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    for on in (True, False):
        network = small(seed=0, policy_kwargs={"net_arch": [16, 16], "layer_norm": on}).policy.q_net
        assert len([m for m in network.modules() if isinstance(m, nn.LayerNorm)]) == (2 if on else 0)
        before = network(obs)
        with torch.no_grad():
            network.layer1.weight *= 100
            network.layer1.bias *= 100
        assert torch.allclose(before, network(obs), atol=1e-3) == on


def test_together_and_one_by_one_are_the_same():
    fast, general = (small(steps=16, seeds=[0], n_envs=2) for _ in range(2))
    general.policy.q_net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    for model in (fast, general):
        model.learn(48, reset_num_timesteps=False)
    assert fast.q.is_stacked and not general.q.is_stacked
    torch.testing.assert_close(of_parameters(fast), of_parameters(general), atol=1e-5, rtol=0)


# ------------------------------------------------------------------------------------------------------------------------------ the loop
def test_there_is_no_target_network_and_no_memory_and_radam_descends():
    model = small(seed=0)
    assert not hasattr(model.policy, "q_net_target") and not hasattr(model, "replay_buffer")
    assert type(model.policy.optimizer) is torch.optim.RAdam and model.q.optimiser.in_rows


def test_an_update_goes_k_times_over_all_steps_in_minibatches():
    model, seen = small(seeds=[0], n_envs=4, n_epochs=3), []
    model.minimise = lambda equation, b, by: seen.append(b)
    model.learn(32)
    assert len(seen) == 3 * 32 // 16
    epochs = [torch.cat([b.obs[0] for b in seen[2 * k : 2 * k + 2]]) for k in range(3)]
    as_set = lambda obs: set(map(tuple, obs.tolist()))
    assert len(as_set(epochs[0])) == 32 and as_set(epochs[0]) == as_set(epochs[1]) == as_set(epochs[2])
    assert not torch.equal(epochs[0], epochs[1])  # in another order


def test_each_environment_tosses_a_coin_of_its_own():
    """At ε = ½ and with two actions a quarter of the actions are not the best, and ¾⁴ = 0.316 of the steps have none of these; with one coin 0.53 had."""
    model = small(seeds=[0], n_envs=4, exploration_initial_eps=0.5)
    obs = np.zeros((1, 4, 4), np.float32)
    other = np.stack([model.act(obs)[0] != model.choose(obs)[0] for _ in range(500)])
    assert other.mean() == pytest.approx(0.25, abs=0.03)
    assert (other.sum(1) == 0).mean() == pytest.approx(0.316, abs=0.06)
    assert (model.act(obs, deterministic=True) == model.choose(obs)).all()


@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
def test_images_and_dicts_are_learnt_from_and_saved(policy, space, tmp_path):
    kwargs = {"policy_kwargs": {"features_extractor_kwargs": {"features_dim": 8}} if policy == "CnnPolicy" else None}
    model = PQN(policy, Seen(space), seed=0, **SMALL, **kwargs)
    before = of_parameters(model)
    model.learn(16).save(tmp_path / "model")
    assert not torch.equal(before, of_parameters(model))
    obs = Seen(space).reset()[0]
    assert PQN.load(tmp_path / "model").predict(obs, deterministic=True)[0] == model.predict(obs, deterministic=True)[0]


def test_a_policy_is_saved_and_loaded_by_itself(tmp_path):
    model = small(steps=16, seed=0, policy_kwargs={"net_arch": [8], "layer_norm": False})
    model.policy.save(tmp_path / "policy")
    again, obs = type(model.policy).load(tmp_path / "policy"), torch.randn(6, 4)
    assert torch.equal(again.q_net(obs), model.policy.q_net(obs))


@pytest.mark.slow
def test_it_balances_the_pole():
    """CleanRL's settings and 300 of its 500 thousand steps: its figure at the end is 495 ± 7."""
    model = PQN(
        "MlpPolicy", "CartPole-v1", seeds=[0], n_envs=4, learning_rate=lambda left: 2.5e-4 * left, policy_kwargs={"net_arch": [120, 84]}, device="cpu",
    ).learn(300_000)  # fmt: skip
    assert np.mean([episode["r"] for episode in model.ep_info_buffer]) > 400
