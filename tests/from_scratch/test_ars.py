"""ARS: the update by hand, SB3-Contrib's model as a drop-in replacement, populations under way, and lanes of many seeds."""

import copy
import io

import gymnasium as gym
import numpy as np
import pytest
import sb3_contrib
import torch
from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

from from_scratch import ARS
from from_scratch.core.loops.population import Generation
from from_scratch.core.networks.players import AskedPlayers, PlainPlayers
from from_scratch.envs.vector import vectorised

SMALL = {"n_delta": 2, "device": "cpu"}


def weights(model):
    return nn.utils.parameters_to_vector(model.policy.parameters()).detach().clone()


def stored(model):
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return file


class Line(gym.Env):
    """One step, and what it pays is the action: the return of a linear policy is its weight, for the observation is 1."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Box(-100, 100, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), float(action[0]), True, False, {}


# ---------------------------------------------------------------------------------------------------------------------------- by hand
def tried(model, delta, returns, lengths=0):
    """A population of these directions in one dimension, with its returns: r+ of each, then r−."""
    delta = torch.tensor(delta)[:, None]
    generation = Generation(torch.cat([delta, -delta]), delta, 1.0, *model.rounds(2 * len(delta)))
    generation.returns[:], generation.lengths[:] = returns, lengths
    return generation


def test_one_update_by_hand():
    """Returns r+ = (3, 1) and r− = (1, 2), whose deviation is σ_R = √(11/12). Along δ = (1, 2) they cancel, 2·1 − 1·2, and along (2, 0) they add up to 4."""
    model = ARS("LinearPolicy", Line, n_delta=2, learning_rate=0.5, device="cpu")
    model.learn_from(0, tried(model, [1.0, 2.0], [3, 1, 1, 2]))
    assert weights(model).item() == 0.0
    said = model.learn_from(0, tried(model, [2.0, 0.0], [3, 1, 1, 2]))
    sigma_r = (11 / 12) ** 0.5
    assert said["rollout/return_std"] == pytest.approx(sigma_r)
    assert weights(model).item() == pytest.approx(0.5 / (2 * sigma_r) * 4, abs=1e-6)


def test_only_the_directions_whose_better_side_is_best_are_used():
    """max(r+, r−) is 9, 1 and 5: of two used ones the second direction is none, although its returns would pull hard."""
    model = ARS("LinearPolicy", Line, n_delta=3, n_top=2, learning_rate=0.5, device="cpu")
    model.learn_from(0, tried(model, [1.0, 100.0, 1.0], [9, 1, 3, 7, 0, 5]))
    sigma_r = np.std([9, 3, 7, 5], ddof=1)
    assert weights(model).item() == pytest.approx(0.5 / (2 * sigma_r) * ((9 - 7) + (3 - 5)), abs=1e-6)


def test_the_alive_bonus_is_taken_off_for_each_step():
    """Returns of 10 and 20 that were paid for 10 and 20 steps are the same without their bonus of 1."""
    model = ARS("LinearPolicy", Line, n_delta=1, alive_bonus_offset=-1, device="cpu")
    model.learn_from(0, tried(model, [1.0], [10, 20], [10, 20]))
    assert weights(model).item() == 0.0


def test_candidates_lie_on_both_sides_of_the_policy():
    model = ARS("LinearPolicy", Line, n_delta=3, delta_std=0.5, seed=0, device="cpu")
    model.set_weights_of_seed(0, torch.tensor([7.0]))
    candidates, delta = model.propose(0)
    assert torch.equal(candidates, torch.cat([7 + 0.5 * delta, 7 - 0.5 * delta]))


def test_returns_are_climbed():
    """The return is the weight. With one direction, (r+ − r−) δ = 2 σ δ², and so every update goes up."""
    model = ARS("LinearPolicy", Line, n_delta=1, seeds=[3], device="cpu")
    before = 0.0
    for _ in range(5):
        model.learn(2, reset_num_timesteps=False)
        assert weights(model).item() > before
        before = weights(model).item()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_delta": 0}, "n_delta=0: give a whole number from 1 on."),
        ({"n_top": 0}, "n_top=0: give a whole number from 1 on."),
        ({"n_eval_episodes": 0}, "n_eval_episodes=0: give a whole number from 1 on."),
        ({"delta_std": 0.0}, "delta_std=0.0: give a number above 0."),
        ({"alive_bonus_offset": float("nan")}, "alive_bonus_offset=nan: give a finite number."),
    ],
)
def test_what_means_nothing_is_refused(given, said):
    with pytest.raises(ValueError) as error:
        ARS("LinearPolicy", "CartPole-v1", **given)
    assert str(error.value) == said


def test_more_directions_than_there_are_cannot_be_used():
    with pytest.warns(UserWarning, match="n_top = 9 > n_delta = 8, setting n_top = n_delta"):
        assert ARS("LinearPolicy", "CartPole-v1", n_top=9).n_top == 8


# --------------------------------------------------------------------------------------------------------------------- SB3-Contrib's
def test_it_is_one_of_sb3_contrib_s():
    assert isinstance(ARS("LinearPolicy", "CartPole-v1"), sb3_contrib.ARS)


@pytest.mark.parametrize("policy", ["LinearPolicy", "MlpPolicy"])
def test_files_go_both_ways(policy):
    obs = np.random.RandomState(0).normal(size=(20, 4)).astype(np.float32)
    for one, other in ((ARS, sb3_contrib.ARS), (sb3_contrib.ARS, ARS)):
        model = one(policy, "CartPole-v1", zero_policy=False, delta_std=0.3, seed=0, **SMALL).learn(100)
        loaded = other.load(stored(model), env=make_vec_env("CartPole-v1"), device="cpu")
        np.testing.assert_array_equal(loaded.predict(obs)[0], model.predict(obs)[0])
        assert (loaded.num_timesteps, loaded._n_updates, loaded.n_delta, loaded.delta_std_schedule(1)) == (model.num_timesteps, model._n_updates, 2, 0.3)
        loaded.learn(50)


def test_a_schedule_comes_back_from_a_file():
    loaded = ARS.load(stored(sb3_contrib.ARS("LinearPolicy", "CartPole-v1", delta_std=0.3)))
    assert loaded.delta_std == 0.3
    assert ARS.load(stored(ARS("LinearPolicy", "CartPole-v1", delta_std=lambda left: left)), trust=True).delta_std(0.25) == 0.25


def test_a_loaded_model_goes_on_from_its_weights():
    model = ARS("LinearPolicy", "CartPole-v1", seed=0, **SMALL).learn(600)
    loaded = ARS.load(stored(model), device="cpu")
    assert torch.equal(loaded.weights, weights(model)) and loaded.weights.any()


def test_linear_policies_of_sb3_contrib_before_1_7_are_read():
    model = ARS("LinearPolicy", "CartPole-v1", device="cpu")
    model.set_parameters({"policy": {"action_net.weight": torch.ones(2, 4)}})
    assert weights(model).tolist() == [1.0] * 8


def hooked(model):
    model.policy.action_net[0].register_forward_hook(lambda module, inputs, output: -output)


def exchanged(model):
    model.policy.action_net[1] = nn.ELU()


def frozen(model):
    for p in model.policy.action_net[0].parameters():
        p.requires_grad_(False)


class Own(ARSPolicy):
    def forward(self, obs):
        return super().forward(-obs)


def at_first(model):
    """Nothing is done to the model: its policy is one of the user's."""


@pytest.mark.parametrize(("alter", "policy"), [(hooked, "MlpPolicy"), (exchanged, "MlpPolicy"), (frozen, "MlpPolicy"), (at_first, Own)])
def test_what_users_do_to_a_policy_has_the_effect_that_it_has_in_sb3_contrib(alter, policy):
    models = []
    for library in (ARS, sb3_contrib.ARS):
        model = library(policy, "Pendulum-v1", n_delta=1, zero_policy=False, policy_kwargs={"net_arch": [8]}, seed=1)
        alter(model)
        models.append(model.learn(800))
    assert (weights(models[0]) - weights(models[1])).abs().max() < 1e-6
    assert isinstance(models[0].players, PlainPlayers) == (alter is frozen)


def test_a_hook_that_comes_in_the_middle_is_heeded_from_the_next_step_on():
    class Hooks(BaseCallback):
        def _on_step(self):
            if self.n_calls == 30:
                hooked(self.model)
            return True

    model = ARS("MlpPolicy", "Pendulum-v1", n_delta=1, seed=1).learn(60, callback=Hooks())
    assert isinstance(model.players, AskedPlayers)


def test_both_kinds_of_players_play_the_same():
    model = ARS("MlpPolicy", "CartPole-v1", zero_policy=False, device="cpu", seed=0)
    obs = np.random.RandomState(0).normal(size=(3, 4)).astype(np.float32)
    plain, asked = PlainPlayers([model.policy], 3), AskedPlayers([model.policy], 3)
    for lane in range(3):
        theta = torch.randn(model.n_params, generator=torch.Generator().manual_seed(lane))
        plain.give(lane, theta), asked.give(lane, theta)
    np.testing.assert_array_equal(plain.play(obs), asked.play(obs))


# ------------------------------------------------------------------------------------------------------------- several environments
def test_a_candidate_s_episodes_are_divided_among_its_environments_as_in_sb3_contrib():
    """With three environments and seven episodes they play two, two and three. Contrib's time runs three times as fast, so it is stopped by updates."""
    env = make_vec_env("CartPole-v1", 3)
    theirs = sb3_contrib.ARS("LinearPolicy", env, n_eval_episodes=7, seed=0, **SMALL).learn(1)
    ours = ARS("LinearPolicy", make_vec_env("CartPole-v1", 3), n_eval_episodes=7, seed=0, **SMALL)

    class UntilAnUpdate(BaseCallback):
        def _on_step(self):
            return True

        def _on_rollout_start(self):
            self.model._total_timesteps = 10**9 if self.model._n_updates == 0 else 0

    ours.learn(3, callback=UntilAnUpdate())
    assert ours._n_updates == theirs._n_updates == 1
    assert torch.equal(weights(ours), weights(theirs))


def test_seeds_that_share_a_block_of_lanes_learn_what_they_learn_alone():
    stack = ARS("LinearPolicy", vectorised("CartPole-v1"), seeds=[3, 5], **SMALL).learn(700)
    alone = ARS("LinearPolicy", vectorised("CartPole-v1"), seeds=[5], **SMALL).learn(700)
    one_by_one = ARS("LinearPolicy", "CartPole-v1", seeds=[5], **SMALL).learn(700)
    assert stack.updates.min() > 0
    for other in (alone, one_by_one):
        np.testing.assert_array_equal(stack[1]._last_obs, other._last_obs)
        assert torch.equal(weights(stack[1]), weights(other))


def test_seeds_normalise_for_themselves():
    def normalised():
        return VecNormalize(make_vec_env("Pendulum-v1"), norm_reward=False)

    stack = ARS("LinearPolicy", normalised, seeds=[3, 5], n_delta=1).learn(900)
    alone = ARS("LinearPolicy", normalised, seeds=[5], n_delta=1).learn(900)
    assert torch.equal(weights(stack[1]), weights(alone))
    assert stack.get_vec_normalize_env()[1].obs_rms.mean.tolist() == alone.get_vec_normalize_env().obs_rms.mean.tolist()


# ------------------------------------------------------------------------------------------------------------------ populations under way
def test_a_budget_that_ends_inside_a_population_pauses_there():
    at_once, in_pieces = (ARS("LinearPolicy", "CartPole-v1", seeds=[3, 4], **SMALL) for _ in range(2))
    at_once.learn(500)
    for _ in range(10):
        in_pieces.learn(50, reset_num_timesteps=False)
    assert at_once.num_timesteps == in_pieces.num_timesteps == 500
    assert torch.equal(weights(at_once), weights(in_pieces)) and at_once.generations.keys() == {0, 1}


def test_learning_from_the_beginning_forgets_the_population_under_way():
    model = ARS("LinearPolicy", "CartPole-v1", seeds=[3], **SMALL).learn(5)
    first = model.generations[0]
    assert model.learn(5).generations[0] is not first


def test_what_is_logged_of_returns_is_the_mean_of_one_population():
    model = ARS("LinearPolicy", Line, n_delta=3, seeds=[3], device="cpu").learn(12)
    assert len(model.ep_info_buffer) == 6


@pytest.mark.slow
def test_a_linear_policy_balances_the_pole():
    """The Zoo's settings and steps (50,000), whose one run scored 500; of five seeds at least three do here."""
    model = ARS("LinearPolicy", "CartPole-v1", seeds=5, n_delta=2).learn(50_000)
    env = make_vec_env("CartPole-v1", 5, seed=100)
    obs, total, over = env.reset(), np.zeros(5), np.zeros(5, bool)
    while not over.all():
        obs, rewards, dones, _ = env.step(model.predict(obs)[0])
        total += rewards * ~over
        over |= dones
    assert (total == 500).sum() >= 3


# -------------------------------------------------------------------------------------------------- contrib's processes
class Here:
    """Plays as sb3_contrib's AsyncEval does, without the processes: candidates go round by round to two environments."""

    def __init__(self, policy, make, n=2):
        self.policies, self.envs, self.remotes = [copy.deepcopy(policy) for _ in range(n)], [make() for _ in range(n)], [None] * n

    def send_jobs(self, candidates, pop_size):
        self.results = []
        for i, weights in enumerate(candidates):
            policy, env = self.policies[i % 2], self.envs[i % 2]
            policy.load_from_vector(weights)
            self.results.append((i, evaluate_policy(policy, env, n_eval_episodes=1, return_episode_rewards=True, warn=False)))

    def get_results(self):
        return self.results

    def close(self):
        self.closed = True

    def get_obs_rms(self):
        return [env.obs_rms for env in self.envs]

    def sync_obs_rms(self, statistics):
        for env in self.envs:
            env.obs_rms = statistics


def test_candidates_that_play_in_processes_of_their_own_teach_what_they_teach_contrib_s():
    def make():
        return VecNormalize(make_vec_env("CartPole-v1", seed=7))

    ends = []
    for kind in (sb3_contrib.ARS, ARS):
        model = kind("LinearPolicy", make(), n_delta=2, seed=0, device="cpu")
        elsewhere = Here(model.policy, make)
        model.learn(300, async_eval=elsewhere)
        assert elsewhere.closed
        ends.append((model.weights, model.num_timesteps, model.get_vec_normalize_env().obs_rms.mean))
    torch.testing.assert_close(ends[0][0], ends[1][0], rtol=0, atol=1e-6)
    assert ends[0][1] == ends[1][1]
    np.testing.assert_allclose(ends[0][2], ends[1][2])


def test_processes_play_for_one_seed_alone():
    with pytest.raises(ValueError, match="async_eval plays the candidates of one seed, and this model has 2"):
        ARS("LinearPolicy", "CartPole-v1", seeds=2).learn(10, async_eval=object())
