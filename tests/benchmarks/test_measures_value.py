"""Measures of value-based methods: what they say of cases worked by hand, and that training does not notice them."""

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

from benchmarks import UserError
from benchmarks.measures.left_share import LeftShare
from benchmarks.measures.value_bias import StateValueBias, ValueBias
from benchmarks.running import worker
from benchmarks.store.store import Store
from benchmarks.studies import environments, study
from benchmarks.studies.plan import Job, pinned, plan
from from_scratch.envs import TimeoutIsDeath
from from_scratch.envs.chains.max_bias import LEFT, RIGHT, A, B

MAX_BIAS = "from_scratch/MaximisationBias-v0"


def _trained(path, algo, env, steps=300, measures=(), seeds=2, together=True, **settings):
    """The store of runs of an algorithm, with these measures taken of them."""
    asked = study.adhoc([algo], [env], seeds=seeds, steps=steps)
    protocol = {**asked.protocol, "eval_points": 3, "eval_episodes": 2, **({"measures": list(measures)} if measures else {})}
    asked.hyperparams[algo][env].update(settings)
    asked = pinned(asked.asking(protocol=protocol))
    store = Store(path)
    store.save_study(asked)
    runs = [run for _, run in plan(asked)]
    for job in [runs] if together else [[run] for run in runs]:
        worker.execute(Job(tuple(job)), store)
    assert store.runs()["error"].isna().all(), store.runs()["error"].tolist()
    return store


def _measured(store):
    """seed, step, key and value of everything that was measured."""
    rows = store.training()
    return rows[rows["key"].str.startswith("measure/")].sort_values(["seed", "step", "key"])[["seed", "step", "key", "value"]].reset_index(drop=True)


def _is_unnoticed(tmp_path, algo, env, measure, **settings):
    with_it = _trained(tmp_path / "with", algo, env, measures=[measure], **settings)
    without = _trained(tmp_path / "without", algo, env, **settings)
    assert len(_measured(with_it)) and not len(_measured(without))
    assert with_it.runs()["weights_hash_end"].tolist() == without.runs()["weights_hash_end"].tolist()
    assert with_it.episodes().equals(without.episodes())


def _is_the_same_alone(tmp_path, algo, env, measure, **settings):
    together = _measured(_trained(tmp_path / "together", algo, env, measures=[measure], **settings))
    alone = _measured(_trained(tmp_path / "alone", algo, env, measures=[measure], together=False, **settings))
    assert together[["seed", "step", "key"]].equals(alone[["seed", "step", "key"]])
    assert together["value"].to_numpy() == pytest.approx(alone["value"].to_numpy(), rel=1e-4, nan_ok=True)
    assert together.groupby("seed")["value"].first().nunique() > 1, "seeds differ"


# ------------------------------------------------------------------------------------------------------------ choices of left


def _watching(states, actions):
    """A LeftShare of two seeds, after steps in these states [T][S] with these actions [T][S]."""
    measure = LeftShare(SimpleNamespace(runs=[None, None]))
    measure._on_training_start()
    for s, a in zip(states, actions, strict=True):
        measure.model = SimpleNamespace(state=np.array(s)[:, None])
        measure.locals = {"actions": np.array(a)}
        measure._on_step()
    return measure


def test_left_counts_in_the_first_state_alone():
    seen = _watching([[A, A], [A, B], [B, A], [A, A]], [[LEFT, RIGHT], [RIGHT, LEFT], [LEFT, RIGHT], [RIGHT, LEFT]]).values()
    assert [each["left_share"] for each in seen] == [pytest.approx(100 / 3), pytest.approx(100 / 3)]


def test_left_is_counted_anew_at_each_checkpoint():
    measure = _watching([[A, A]], [[LEFT, RIGHT]])
    assert [each["left_share"] for each in measure.values()] == [100, 0]
    assert all(np.isnan(each["left_share"]) for each in measure.values())


def test_an_agent_that_acts_at_random_goes_left_half_of_the_time(tmp_path):
    found = _measured(_trained(tmp_path, "q_learning", MAX_BIAS, 900, ["left_share"], exploration_initial_eps=1.0, exploration_final_eps=1.0))
    assert 44 < found["value"].mean() < 56, "of 1200 choices, four standard errors either way"


def test_counting_left_is_not_noticed_by_training(tmp_path):
    _is_unnoticed(tmp_path, "q_learning", MAX_BIAS, "left_share")


def test_a_stack_goes_left_as_often_as_its_seeds_alone(tmp_path):
    _is_the_same_alone(tmp_path, "q_learning", MAX_BIAS, "left_share")


# ------------------------------------------------------------------------------------------- values against what they achieve


class Countdown(gym.Env):
    """Action 0 pays 1 a step and terminates at the third step; action 1 pays 2 and terminates at once. One observation, the steps so far."""

    observation_space, action_space = spaces.Box(0, 10, (1,), np.float32), spaces.Discrete(2)
    n_steps = 3

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), 1.0 + action, bool(action or self.t == self.n_steps), False, {}


class _Fixed:
    """A model of as many seeds as there are rows of values, which are the same in every state."""

    def __init__(self, values, gamma):
        self.gamma, self.q = gamma, self
        self.values = np.array(values, np.float32)

    def play(self, obs):
        return np.broadcast_to(self.values[:, None], (*obs.shape[:2], 2))


def _biases(monkeypatch, values, gamma, env=Countdown):
    """What ValueBias says of these fixed action values, a row a seed."""
    monkeypatch.setattr("benchmarks.measures.value_bias.environments.make_env",
                        lambda id, spec, wrappers, monitor: TimeLimit(env(), spec["max_episode_steps"]))  # fmt: skip
    run = SimpleNamespace(algo="dqn", env="Countdown", seed=0, spec={"kwargs": {}}, hyperparams={}, protocol={"eval_seed": 1})
    measure = ValueBias(SimpleNamespace(runs=[SimpleNamespace(**{**vars(run), "seed": k}) for k in range(len(values))]))
    measure.model = _Fixed(values, gamma)
    measure._on_training_start()
    return measure.values()


def test_the_bias_is_the_best_value_at_the_start_less_the_discounted_return(monkeypatch):
    patient, hasty = _biases(monkeypatch, [[2.0, 1.0], [0.0, 3.0]], gamma=0.5)
    assert patient == {"value_predicted": 2.0, "value_achieved": 1.75, "value_bias": 0.25, "value_bias_percent": pytest.approx(100 / 7)}
    assert hasty == {"value_predicted": 3.0, "value_achieved": 2.0, "value_bias": 1.0, "value_bias_percent": 50.0}


def test_the_bias_is_of_a_policy_that_no_time_limit_stops(monkeypatch):
    class Endless(Countdown):
        n_steps = 10**9

    (forever,) = _biases(monkeypatch, [[2.0, 1.0]], gamma=0.5, env=Endless)
    assert forever["value_achieved"] == pytest.approx(2.0, abs=2e-4), "1 + ½ + ¼ + …"


def test_the_bias_needs_a_discount(monkeypatch):
    with pytest.raises(UserError, match=r"gamma=1.0 discounts nothing away"):
        _biases(monkeypatch, [[2.0, 1.0]], gamma=1.0)


DQN_TINY = {"learning_starts": 50, "train_freq": 4, "gradient_steps": 2, "batch_size": 16, "policy_kwargs": "dict(net_arch=[16])", "gamma": 0.9}


def test_comparing_values_with_returns_is_not_noticed_by_training(tmp_path):
    _is_unnoticed(tmp_path, "dqn", "CartPole-v1", "value_bias", steps=200, **DQN_TINY)


def test_a_stack_is_as_biased_as_its_seeds_alone(tmp_path):
    _is_the_same_alone(tmp_path, "dqn", "CartPole-v1", "value_bias", steps=200, **DQN_TINY)


def test_normalised_observations_are_refused_with_the_way_they_came(tmp_path):
    run = SimpleNamespace(algo="dqn", env="CartPole-v1", seed=0, hyperparams={"normalize": True}, protocol={"eval_seed": 1})
    with pytest.raises(UserError, match="dqn on CartPole-v1 normalises or stacks its observations"):
        ValueBias(SimpleNamespace(runs=[run]))


class _Policy:
    """Says that every state is worth `value`, and takes action 0 with probability p."""

    def __init__(self, value, p):
        self.value, self.probabilities = value, torch.tensor([p, 1 - p])

    def predict_values(self, obs):
        return torch.full((len(obs), 1), self.value)

    def get_distribution(self, obs):
        return SimpleNamespace(distribution=SimpleNamespace(probs=self.probabilities.expand(len(obs), 2)))


def test_the_bias_of_a_critic_is_that_of_its_own_policy_and_draws_its_actions(monkeypatch):
    run = SimpleNamespace(algo="ppo", env="Countdown", spec={}, hyperparams={}, protocol={"eval_seed": 1})
    monkeypatch.setattr("benchmarks.measures.value_bias.N_EPISODES", 4000)
    monkeypatch.setattr("benchmarks.measures.value_bias.environments.make_env", lambda id, spec, wrappers, monitor: Countdown())
    measure = StateValueBias(SimpleNamespace(runs=[SimpleNamespace(**vars(run), seed=k) for k in range(3)]))
    measure.model = SimpleNamespace(gamma=0.5, num_timesteps=100, _policies=[_Policy(2.0, 1.0), _Policy(2.0, 0.0), _Policy(3.0, 0.5)])
    measure._on_training_start()
    patient, hasty, either = measure.values()
    assert (patient["value_achieved"], patient["value_bias"]) == (1.75, 0.25)
    assert (hasty["value_achieved"], hasty["value_bias"]) == (2.0, 0.0)
    assert either["value_achieved"] == pytest.approx(0.5 * 2 + 0.25 * (1 + 0.5 * 2) + 0.125 * (1.5 + 0.25 * 2) + 0.125 * 1.75, abs=0.02)


PPO_TINY = {"n_steps": 32, "n_envs": 2, "batch_size": 32, "n_epochs": 2, "gamma": 0.9}


def test_comparing_a_critic_with_returns_is_not_noticed_by_training(tmp_path):
    _is_unnoticed(tmp_path, "ppo", "CartPole-v1", "state_value_bias", steps=200, **PPO_TINY)


def test_the_critics_of_a_stack_are_as_biased_as_those_of_its_seeds_alone(tmp_path):
    _is_the_same_alone(tmp_path, "ppo", "CartPole-v1", "state_value_bias", steps=200, **PPO_TINY)


# ------------------------------------------------------------------------------------------------------- time-outs as deaths


def test_a_time_limit_becomes_a_termination_and_a_termination_stays_one():
    env = TimeoutIsDeath(TimeLimit(Countdown(), 2))
    env.reset()
    assert [env.step(0)[2:4] for _ in range(2)] == [(False, False), (True, False)]
    env.reset()
    assert env.step(1)[2:4] == (True, False)


@pytest.mark.parametrize(("wrapper", "bootstraps"), [(None, True), ("from_scratch.envs.TimeoutIsDeath", False)])
def test_what_a_learner_makes_of_a_time_limit(wrapper, bootstraps):
    """With a limit of one step every transition of the memory ends an episode, by the limit alone."""
    from from_scratch import DQN

    model = DQN("MlpPolicy", environments.make_env("CartPole-v1", {"max_episode_steps": 1}, wrapper), learning_starts=0, seed=0).learn(8)
    assert (model.memory.sample(8, 0.9).discount.numpy() > 0).all() == bootstraps
