"""CEM and evolution strategies: one update of each by hand, what they draw, and that they find what is best."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.env_util import make_vec_env
from torch import nn

from from_scratch import CEM, OpenAIES
from from_scratch.core.loops.population import Generation
from from_scratch.derivative_free.openai_es import centred_ranks
from from_scratch.envs.vector import vectorised


class Target(gym.Env):
    """One step; what it pays is minus the squared distance of the action, which a linear policy's weight is, from 3."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(-100, 100, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), -float((action[0] - 3) ** 2), True, False, {}


def weight(model):
    return nn.utils.parameters_to_vector(model.policy.parameters()).item()


def tried(model, candidates, returns, noise=None):
    generation = Generation(torch.tensor(candidates)[:, None], noise, 1.0, *model.rounds(len(candidates)))
    generation.returns[:] = returns
    return generation


# -------------------------------------------------------------------------------------------------------------------------------- CEM
def cem(**more):
    return CEM("LinearPolicy", Target, **{"pop_size": 4, "elite_fraction": 0.5, "device": "cpu", "seed": 0, **more})


def test_mean_and_variance_become_those_of_the_elite_and_the_noise_is_added():
    """Of 1, 5, 3 and −9 the second and third did best: μ = 4 and σ² = 1 + Z_0."""
    model = cem(extra_variance=8.0)
    model.learn_from(0, tried(model, [1.0, 5.0, 3.0, -9.0], [0, 2, 1, -7]))
    assert weight(model) == 4.0
    assert model.std[0].item() == 3.0


def test_the_noise_falls_linearly_and_then_there_is_none():
    """Z_t = max{8 (1 − t/4), 0}: 8, 6, 4, 2, 0, 0 beside an elite's variance of 1."""
    model, variances = cem(extra_variance=8.0, extra_variance_updates=4), []
    for t in range(6):
        model.updates[0] = t
        model.learn_from(0, tried(model, [1.0, 5.0, 3.0, -9.0], [0, 2, 1, -7]))
        variances.append(model.std[0].item() ** 2)
    assert variances == pytest.approx([9, 7, 5, 3, 1, 1], abs=1e-5)


def test_it_draws_around_the_mean_with_its_own_deviation_for_each_weight():
    model = CEM("LinearPolicy", "CartPole-v1", pop_size=4000, seed=0, device="cpu")
    model.set_weights_of_seed(0, torch.arange(8.0))
    model.std[0] = torch.arange(8.0)
    candidates, _ = model.propose(0)
    assert (candidates.mean(0) - torch.arange(8.0)).abs().max() < 7 * 4 / 4000**0.5
    assert (candidates.std(0) - torch.arange(8.0)).abs().max() < 7 * 4 / 8000**0.5


def test_before_the_first_update_the_deviation_is_the_one_given():
    a, b = (cem(init_std=std).propose(0)[0] for std in (1.0, 2.0))
    assert torch.equal(2 * a, b)


@pytest.mark.parametrize(("pop_size", "fraction", "n"), [(10, 0.1, 1), (10, 0.3, 3), (3, 0.1, 1), (7, 0.5, 3), (5, 1.0, 5)])
def test_the_elite_are_so_many(pop_size, fraction, n):
    assert cem(pop_size=pop_size, elite_fraction=fraction).n_elite == n


def test_without_noise_it_settles_too_soon_and_with_it_the_best_is_found():
    """It starts three deviations of 0.1 … from the best weight, 3: the elite's variance is spent on the way."""
    far = {"init_std": 0.2, "pop_size": 20, "elite_fraction": 0.1, "seed": None, "seeds": [0, 1, 2]}
    without = cem(extra_variance=0.0, **far).learn(1200)
    with_noise = cem(extra_variance=1.0, extra_variance_updates=30, **far).learn(1200)
    assert all(abs(weight(each) - 3) > 1 for each in without)
    assert all(abs(weight(each) - 3) < 0.05 for each in with_noise)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pop_size": 0}, "pop_size=0: give a whole number from 1 on."),
        ({"elite_fraction": 1.5}, "elite_fraction=1.5: give a number above 0 and up to 1."),
        ({"init_std": 0}, "init_std=0: give a number above 0."),
        ({"extra_variance": -1}, "extra_variance=-1: give a number from 0 on."),
        ({"extra_variance_updates": 0}, "extra_variance_updates=0: give a whole number from 1 on."),
    ],
)
def test_what_means_nothing_to_cem_is_refused(given, said):
    with pytest.raises(ValueError) as error:
        cem(**given)
    assert str(error.value) == said


# ---------------------------------------------------------------------------------------------------------------- evolution strategies
def es(**more):
    return OpenAIES("LinearPolicy", Target, **{"n_delta": 2, "weight_decay": 0.0, "zero_policy": True, "device": "cpu", "seed": 0, **more})


def test_ranks_are_centred_and_equal_returns_share_theirs():
    assert centred_ranks(torch.tensor([10.0, -3.0, 500.0])).tolist() == [0.0, -0.5, 0.5]
    assert centred_ranks(torch.tensor([1.0, 1.0, 1.0])).tolist() == [0.0, 0.0, 0.0]
    assert centred_ranks(torch.tensor([2.0, 7.0, 2.0, 0.0, 9.0])).tolist() == pytest.approx([-0.125, 0.25, -0.125, -0.5, 0.5])


def test_one_update_by_hand():
    """Ranks of (5, 9 | 1, 7) are (−1/6, ½ | −½, 1/6): g = ¼ (⅓ · 1 + ⅓ · 2) = ¼. Adam's first step is α g/|g|, its second, down 3g, is by hand below."""
    model, alpha, noise = es(learning_rate=0.5), 0.5, torch.tensor([[1.0], [2.0]])
    said = model.learn_from(0, tried(model, [0.0] * 4, [5, 9, 1, 7], noise))
    assert said["train/grad_norm"] == pytest.approx(0.25)
    assert weight(model) == pytest.approx(alpha, abs=1e-6)
    model.updates[0] = 1
    model.learn_from(0, tried(model, [0.0] * 4, [5, 9, 1, 7], -3 * noise))
    m, v = 0.9 * 0.1 * 0.25 - 0.1 * 0.75, 0.999 * 0.001 * 0.25**2 + 0.001 * 0.75**2
    assert weight(model) == pytest.approx(alpha + alpha * (m / (1 - 0.9**2)) / (v / (1 - 0.999**2)) ** 0.5, abs=1e-6)


def test_adam_is_torch_s():
    model, w = es(), nn.Parameter(torch.zeros(5))
    mine, torchs, draws = torch.zeros(5), torch.optim.Adam([w], lr=0.1, maximize=True), torch.Generator().manual_seed(0)
    for t in range(10):
        w.grad = torch.randn(5, generator=draws)
        model.updates[0] = t
        mine += 0.1 * model.adam(0, w.grad)
        torchs.step()
    assert (mine - w).abs().max() < 1e-6


def test_weight_decay_pulls_to_zero_where_returns_say_nothing():
    model = es(weight_decay=0.1, learning_rate=0.5)
    model.set_weights_of_seed(0, torch.tensor([2.0]))
    model.learn_from(0, tried(model, [0.0] * 4, [1, 1, 1, 1], torch.tensor([[1.0], [2.0]])))
    assert weight(model) == pytest.approx(1.5, abs=1e-6)


def test_candidates_mirror_each_other():
    model = es(delta_std=0.5)
    model.set_weights_of_seed(0, torch.tensor([7.0]))
    candidates, noise = model.propose(0)
    assert torch.equal(candidates, torch.cat([7 + 0.5 * noise, 7 - 0.5 * noise]))


def test_returns_of_any_size_make_the_same_step():
    """Ranks forget how large returns are."""
    small, large = es(), es()
    for model, scale in ((small, 1), (large, 1e6)):
        model.learn_from(0, tried(model, [0.0] * 4, scale * np.array([5, 9, 1, 7]), torch.tensor([[1.0], [2.0]])))
    assert weight(small) == weight(large) != 0


def test_evolution_finds_the_best_weight():
    model = es(n_delta=8, learning_rate=0.1, delta_std=0.2, seed=None, seeds=[0, 1, 2]).learn(16 * 100)
    assert all(abs(weight(each) - 3) < 0.1 for each in model)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_delta": 0}, "n_delta=0: give a whole number from 1 on."),
        ({"delta_std": 0.0}, "delta_std=0.0: give a number above 0."),
        ({"weight_decay": -1}, "weight_decay=-1: give a number from 0 on."),
    ],
)
def test_what_means_nothing_to_evolution_is_refused(given, said):
    with pytest.raises(ValueError) as error:
        es(**given)
    assert str(error.value) == said


# ------------------------------------------------------------------------------------------------------------------- candidates as lanes
def test_each_lane_plays_a_candidate_of_its_own_and_who_has_none_plays_for_nothing():
    who, episodes = es(n_envs=3).rounds(4)
    assert who.tolist() == [[0, 1, 2], [3, 3, 3]]
    assert episodes.tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("n_envs", [1, 3, 4])
def test_returns_are_those_of_the_candidate_that_played(n_envs):
    """The return is −(w − 3)² of the candidate's weight w, however many lanes there are."""
    model, seen = es(n_envs=n_envs), []
    model.learn_from = lambda k, generation: seen.append(generation) or {"rollout/return_std": 0.0}
    model.learn(4 if n_envs == 1 else 8 if n_envs == 4 else 6)
    np.testing.assert_allclose(seen[0].returns, -((seen[0].candidates[:, 0].numpy() - 3) ** 2), atol=1e-4)


def test_seeds_that_learn_at_different_times_come_back_from_a_file_as_they_were(tmp_path):
    model = CEM("LinearPolicy", "CartPole-v1", seeds=[3, 4], pop_size=3, device="cpu").learn(2000)
    assert model.updates[0] != model.updates[1]
    model.save(tmp_path / "stack")
    assert CEM.load(tmp_path / "stack", device="cpu").updates.tolist() == model.updates.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("cls", [CEM, OpenAIES])
def test_a_linear_policy_balances_the_pole(cls):
    """Within 60,000 steps; of five seeds at least three reach the most that can be had, 500."""
    model = cls("LinearPolicy", vectorised("CartPole-v1"), seeds=5).learn(60_000)
    env = make_vec_env("CartPole-v1", 5, seed=100)
    obs, total, over = env.reset(), np.zeros(5), np.zeros(5, bool)
    while not over.all():
        obs, rewards, dones, _ = env.step(model.predict(obs)[0])
        total += rewards * ~over
        over |= dones
    assert (total == 500).sum() >= 3
