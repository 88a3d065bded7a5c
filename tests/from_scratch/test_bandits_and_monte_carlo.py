"""What holds for every class of the bandits and the Monte Carlo methods, and for learning afterstates: seeds, files, members, logs, spaces."""

import copy
import inspect

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger

from from_scratch.bandits.epsilon_greedy import EpsilonGreedyBandit
from from_scratch.bandits.gradient import GradientBandit
from from_scratch.bandits.optimistic import OptimisticBandit
from from_scratch.bandits.thompson_sampling import GaussianThompsonSampling, ThompsonSampling
from from_scratch.bandits.ucb import UCBBandit
from from_scratch.envs.vector import vectorised
from from_scratch.monte_carlo.control import MCControl
from from_scratch.monte_carlo.exploring_starts import MCExploringStarts
from from_scratch.monte_carlo.off_policy_control import OffPolicyMCControl
from from_scratch.monte_carlo.off_policy_prediction import OffPolicyMCPrediction, OrdinaryOffPolicyMCPrediction, PerDecisionOffPolicyMCPrediction
from from_scratch.monte_carlo.prediction import EveryVisitMCPrediction, MCPrediction
from from_scratch.registry import ENTRIES
from from_scratch.temporal_difference.afterstate_td import AfterstateTD

COINS, LAKE, GAME = "from_scratch/BernoulliBandit-v0", "FrozenLake-v1", "from_scratch/TicTacToeSelfPlay-v0"
UNEVEN = np.tile([0.1, 0.4, 0.3, 0.2], (16, 1))
CASES = [
    *((cls, COINS, {}) for cls in (EpsilonGreedyBandit, OptimisticBandit, UCBBandit, GradientBandit, ThompsonSampling, GaussianThompsonSampling)),
    *((cls, LAKE, {"pi": UNEVEN}) for cls in (MCPrediction, EveryVisitMCPrediction)),
    *((cls, LAKE, {"pi": UNEVEN}) for cls in (OffPolicyMCPrediction, OrdinaryOffPolicyMCPrediction, PerDecisionOffPolicyMCPrediction)),
    *((cls, LAKE, {"exploration_final_eps": 0.3}) for cls in (MCControl, OffPolicyMCControl)),
    (MCExploringStarts, LAKE, {}),
    (AfterstateTD, GAME, {}),
]
every_class = pytest.mark.parametrize(("cls", "env_id", "kwargs"), CASES, ids=lambda x: x.__name__ if inspect.isclass(x) else "")
STEPS = 240


def tables(model, k=0):
    return {name: getattr(model, name)[k] for name in model.policy.tables}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def changed(model):
    """Has it learnt anything?"""
    return not same(tables(model), tables(type(model)("TabularPolicy", model.env, **{name: getattr(model, name) for name in model.hyperparameters})))


@every_class
def test_a_seed_in_a_stack_is_the_seed_alone_and_lanes_of_a_block_are_environments(cls, env_id, kwargs, n_envs=2):
    stack = cls("TabularPolicy", env_id, seeds=[1, 3], n_envs=n_envs, **kwargs).learn(STEPS)
    block = cls("TabularPolicy", vectorised(env_id), seeds=[1, 3], n_envs=n_envs, **kwargs).learn(STEPS)
    alone = cls("TabularPolicy", vectorised(env_id), seeds=[3], n_envs=n_envs, **kwargs).learn(STEPS)
    process = cls("TabularPolicy", env_id, seed=3, n_envs=n_envs, **kwargs).learn(STEPS)
    assert same(tables(stack, 1), tables(alone)) and same(tables(block, 1), tables(alone)) and same(tables(process), tables(alone))
    assert same(tables(stack.member(1)), tables(alone)) and not same(tables(stack, 0), tables(stack, 1)) and changed(alone)


@every_class
def test_a_member_and_a_file_go_on_as_if_nothing_had_happened(cls, env_id, kwargs, tmp_path):
    model = cls("TabularPolicy", vectorised(env_id), seeds=[1, 3], n_envs=2, **kwargs).learn(STEPS + 2)
    model.save(tmp_path / "model")
    loaded = cls.load(tmp_path / "model", env=copy.deepcopy(model.env), force_reset=False)
    member = model.member(1)
    before = copy.deepcopy(tables(model, 1))
    assert all(same(tables(model, k), tables(loaded, k)) for k in (0, 1)) and same(tables(member), before)
    for each in (model, loaded, member):
        each.learn(STEPS, reset_num_timesteps=False)
    assert all(same(tables(model, k), tables(loaded, k)) for k in (0, 1)) and same(tables(member), tables(model, 1)) and not same(tables(model, 1), before)


@every_class
def test_a_loaded_model_predicts_without_an_environment(cls, env_id, kwargs, tmp_path):
    model = cls("TabularPolicy", env_id, seeds=[1, 3], **kwargs).learn(STEPS)
    model.save(tmp_path / "model")
    loaded, states = cls.load(tmp_path / "model"), np.tile(np.arange(min(model.n_states, 16)), 2)
    greedily = model.predict(states, deterministic=True)[0]
    assert np.array_equal(loaded.predict(states, deterministic=True)[0], greedily)
    assert np.array_equal(model.act(states.reshape(2, -1), deterministic=True).ravel(), greedily)
    one = model.member(0)
    assert np.shape(one.predict(states[0])[0]) == () and one.action_space.contains(one.predict(states[0])[0].item())
    assert model.predict(states)[0].shape == states.shape and model.act(states.reshape(2, -1)).shape == (2, len(states) // 2)


@every_class
def test_it_logs_under_the_keys_of_its_family(cls, env_id, kwargs):
    class Lines(KVWriter):
        lines: list = []

        def write(self, key_values, key_excluded, step=0):
            self.lines.append(dict(key_values))

    writer = Lines()
    model = cls("TabularPolicy", vectorised(env_id), seeds=[0], **kwargs)
    model.set_logger(Logger(None, [writer]))
    model.learn(1000, log_interval=1)
    keys = {"rollout/reward_mean", "train/error"} if env_id == COINS else {"train/td_error", "train/learning_rate"}
    keys |= {"rollout/episodes_cut_short"} if env_id == LAKE else set()
    assert keys | {"rollout/ep_rew_mean", "time/total_timesteps"} <= set(writer.lines[-1])
    assert np.isfinite([value for value in writer.lines[-1].values() if isinstance(value, float)]).all()


@every_class
def test_callbacks_end_it_and_misspelt_hyperparameters_are_named(cls, env_id, kwargs):
    class Until7(BaseCallback):
        def _on_step(self):
            return self.num_timesteps < 7

    assert cls("TabularPolicy", env_id, **kwargs).learn(10**6, callback=Until7()).num_timesteps == 7
    with pytest.raises(TypeError, match=rf"{cls.__name__}.*unexpected keyword argument 'gama'"):
        cls("TabularPolicy", env_id, gama=0.5)


@every_class
def test_spaces_that_are_no_tables_are_refused_in_one_line(cls, env_id, kwargs):
    for env, message in (("CartPole-v1", "Discrete or MultiDiscrete observation space; this one is Box"), ("Pendulum-v1", "needs a Discrete action space")):
        with pytest.raises(ValueError, match=message) as error:
            cls("TabularPolicy", env)
        assert "\n" not in str(error.value)
    if env_id == LAKE:
        with pytest.raises(ValueError, match=r"Tuple.*FlattenTuple"):
            cls("TabularPolicy", "Blackjack-v1")


def test_every_class_of_these_families_is_in_the_registry_and_here():
    listed = {entry.load() for entry in ENTRIES.values() if entry.family in ("bandits", "monte_carlo")} | {AfterstateTD}
    assert listed == {cls for cls, _, _ in CASES}


def test_a_multidiscrete_observation_will_do():
    class Digits(gym.ObservationWrapper):
        observation_space = gym.spaces.MultiDiscrete([4, 4])

        def observation(self, s):
            return np.array(divmod(int(s), 4))

    model = MCControl("TabularPolicy", lambda: Digits(gym.make(LAKE)), seeds=[0], exploration_final_eps=0.3).learn(STEPS)
    numbered = MCControl("TabularPolicy", LAKE, seeds=[0], exploration_final_eps=0.3).learn(STEPS)
    assert np.array_equal(model.q_table, numbered.q_table)
