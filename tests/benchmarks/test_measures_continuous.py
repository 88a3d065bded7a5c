"""Measures of continuous control, of goals and of shifts: by hand, alone and in a stack, and without a trace in training."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from benchmarks import UserError
from benchmarks.measures.continuity_cost import ContinuityCost
from benchmarks.measures.overestimation import Overestimation, discounted_returns
from benchmarks.measures.shifted_score import ShiftedScore
from benchmarks.measures.success_rate import SuccessRate
from benchmarks.measures.unscaled_score import UnscaledScore
from benchmarks.running import worker
from benchmarks.store.store import Store
from benchmarks.studies import measured, study
from benchmarks.studies.plan import Job, pinned, plan

PROTOCOL = {"name": "final-v1", "eval_episodes": 2, "eval_points": 2, "deterministic": True, "eval_seed": 1}


class OneEachStep(gym.Env):
    """Pays 1 for every step; of its own accord it ends after `last` steps, or never."""

    observation_space, action_space = spaces.Box(0, 100, (1,), np.float32), spaces.Box(-2, 2, (1,), np.float32)

    def __init__(self, last: int | None = None, render_mode: str | None = None):
        self.last, self.render_mode = last, render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), 1.0, self.t == self.last, False, {}


gym.register("OneEachStep-v0", OneEachStep, max_episode_steps=4)


def job(env: str, n: int = 1, **more: Any) -> Any:
    """What a measure asks of a job."""
    run = {"algo": "td3", "env": env, "spec": {}, "hyperparams": {}, "protocol": PROTOCOL} | more
    return SimpleNamespace(runs=[SimpleNamespace(**run, seed=k) for k in range(n)])


def critics(*values: float, gamma: float = 0.5) -> Any:
    """A model whose k-th seed's critic gives every state and action values[k], and whose actors do nothing."""

    def policy(value: float) -> Any:
        critic = SimpleNamespace(q1_forward=lambda s, a: torch.full((len(s), 1), value))
        return SimpleNamespace(critic=critic, scale_action=lambda a: a / 2)

    policies = [policy(value) for value in values]
    return SimpleNamespace(policy=policies[0], policies=policies, gamma=gamma, predict=lambda obs, deterministic: (np.zeros((len(obs), 1), np.float32), None))


def measuring(kind: type, of: Any, model: Any) -> Any:
    measure = kind(of)
    measure.model = model
    measure._on_training_start()
    return measure


# ------------------------------------------------------------------------------------------------------------------ overestimation
def test_a_return_is_the_discounted_sum_of_what_follows():
    assert discounted_returns(np.array([1.0, 2.0, 4.0]), 0.5).tolist() == [3.0, 4.0, 4.0]  # 1 + 2/2 + 4/4; 2 + 4/2; 4


def test_beyond_the_time_limit_the_return_goes_on():
    """1 at every step, without an end, is worth 1/(1 − ½) = 2 in every state before the limit of 4; cut at 4 it would be 1.53 on average."""
    (values,) = measuring(Overestimation, job("OneEachStep-v0"), critics(5.0)).values()
    assert values["true_value"] == pytest.approx(2.0, rel=0.01)
    assert values["overestimation"] == pytest.approx(3.0, rel=0.01)
    assert values["overestimation_percent"] == pytest.approx(150.0, rel=0.01)


def test_where_the_episode_terminates_nothing_follows():
    """Three steps of 1: G = 1.75, 1.5 and 1, on average 4.25/3; the critic says 2 of each."""
    (values,) = measuring(Overestimation, job("OneEachStep-v0", spec={"kwargs": {"last": 3}}), critics(2.0)).values()
    assert values["true_value"] == pytest.approx(4.25 / 3)
    assert values["overestimation"] == pytest.approx(2 - 4.25 / 3)


def test_each_seed_s_critic_is_asked_of_its_own_states():
    first, second = measuring(Overestimation, job("OneEachStep-v0", 2), critics(5.0, 1.0)).values()
    assert (first["estimated_value"], second["estimated_value"]) == (5.0, 1.0)
    assert second["overestimation"] < 0 < first["overestimation"]


def test_an_actor_that_remembers_is_handed_what_it_remembers():
    """It counts the steps that it has seen, and is told of an episode's start where it has nothing to remember yet."""
    model, heard = critics(5.0), []

    def predict(obs, state=None, episode_start=None, deterministic=False):
        heard.append((state, None if episode_start is None else episode_start.tolist()))
        return np.zeros((len(obs), 1), np.float32), (state or 0) + 1

    model.predict = predict
    measuring(Overestimation, job("OneEachStep-v0", spec={"kwargs": {"last": 3}}), model).values()
    assert heard == [(None, None), (1, [False] * 5), (2, [False] * 5)]


@pytest.mark.parametrize(("more", "says"), [({"hyperparams": {"normalize": True}}, "cannot have normalize=True")])
def test_values_in_other_units_than_the_rewards_are_refused(more, says):
    with pytest.raises(UserError, match=says):
        measuring(Overestimation, job("OneEachStep-v0", **more), critics(5.0))


def test_a_stochastic_actor_is_refused():
    model = critics(5.0)
    model.ent_coef = "auto"
    with pytest.raises(UserError, match="deterministic actor"):
        measuring(Overestimation, job("OneEachStep-v0", algo="sac"), model)


# ----------------------------------------------------------------------------------------------------------------- continuity cost
def playing(actions: list[list[float]], dones: list[list[bool]], n_seeds: int = 1, learning_starts: int = 0) -> list[dict[str, float]]:
    """The continuity cost of these actions, [steps][lanes], in [−2, 2]."""
    n_lanes = len(actions[0]) // n_seeds
    model = SimpleNamespace(action_space=spaces.Box(-2, 2, (1,), np.float32), learning_starts=learning_starts, n_envs=n_lanes)
    measure = measuring(ContinuityCost, job("Pendulum-v1", n_seeds), model)
    for t, (action, done) in enumerate(zip(actions, dones, strict=True)):
        measure.num_timesteps = (t + 1) * n_lanes
        measure.locals = {"actions": np.array(action)[:, None], "dones": np.array(done)}
        measure._on_step()
    return list(measure.values())


def test_from_bound_to_bound_costs_100_and_standing_still_nothing():
    assert playing([[-2.0], [2.0], [-2.0]], [[False]] * 3) == [{"continuity_cost": 100.0}]
    assert playing([[1.5], [1.5], [1.5]], [[False]] * 3) == [{"continuity_cost": 0.0}]


def test_a_quarter_of_the_range_costs_a_sixteenth_of_100():
    assert playing([[0.0], [1.0], [0.0]], [[False]] * 3) == [{"continuity_cost": 6.25}]


def test_actions_of_two_episodes_are_no_pair():
    assert playing([[-2.0], [2.0], [2.0]], [[True], [False], [False]]) == [{"continuity_cost": 0.0}]


def test_random_actions_before_learning_do_not_count():
    """Steps 1 and 2 are random; of the pairs only (3, 4) is the policy's alone."""
    assert playing([[-2.0], [2.0], [-2.0], [-1.0]], [[False]] * 4, learning_starts=2) == [{"continuity_cost": 6.25}]


def test_each_seed_has_its_own_cost():
    assert playing([[-2.0, 0.0], [2.0, 1.0]], [[False, False]] * 2, n_seeds=2) == [{"continuity_cost": 100.0}, {"continuity_cost": 6.25}]


def test_what_ppo_s_environment_gets_is_clipped_and_counts_as_such():
    model = SimpleNamespace(action_space=spaces.Box(-2, 2, (1,), np.float32), n_envs=1)
    measure = measuring(ContinuityCost, job("Pendulum-v1"), model)
    for t, action in enumerate([-9.0, 9.0]):
        measure.num_timesteps = t + 1
        measure.locals = {"actions": np.array([[action]]), "clipped_actions": np.clip([[action]], -2, 2), "dones": np.zeros(1, bool)}
        measure._on_step()
    assert list(measure.values()) == [{"continuity_cost": 100.0}]


def test_a_checkpoint_starts_the_mean_anew():
    model = SimpleNamespace(action_space=spaces.Box(-2, 2, (1,), np.float32), n_envs=1)
    measure = measuring(ContinuityCost, job("Pendulum-v1"), model)
    costs = []
    for t, action in enumerate([-2.0, 2.0, 2.0]):
        measure.num_timesteps, measure.locals = t + 1, {"actions": np.array([[action]]), "dones": np.zeros(1, bool)}
        measure._on_step()
        costs.append(measure.values()[0]["continuity_cost"])
    assert np.isnan(costs[0]) and costs[1:] == [100.0, 0.0]


# ------------------------------------------------------------------------------------------------------------- success and scores
def test_success_is_counted_in_episodes():
    """Two bits, and each differs from the goal or not: of the three goals that are not the start, flipping bit 0 once and then bit 1 reaches two."""
    flips_one_then_the_other = lambda obs, deterministic: ((obs["observation"][:, 0] == obs["desired_goal"][:, 0]).astype(int), None)
    always_0 = lambda obs, deterministic: (np.zeros(len(obs["observation"]), int), None)
    bits = job("from_scratch/BitFlipping-v0", spec={"kwargs": {"n": 2}})
    (best,) = measuring(SuccessRate, bits, SimpleNamespace(predict=flips_one_then_the_other)).values()
    (worse,) = measuring(SuccessRate, bits, SimpleNamespace(predict=always_0)).values()
    assert best == {"success_rate": 100.0}
    starts = [gym.make("from_scratch/BitFlipping-v0", n=2).reset(seed=seed)[0] for seed in measuring(SuccessRate, bits, None).starts]
    only_bit_0 = [(obs["observation"] != obs["desired_goal"]).tolist() == [True, False] for obs in starts]
    assert worse == {"success_rate": 100 * np.mean(only_bit_0)} and 0 < worse["success_rate"] < 60


def test_an_environment_that_does_not_tell_of_success_is_refused():
    with pytest.raises(UserError, match=r"Pendulum-v1 does not say in info\['is_success'\]"):
        measuring(SuccessRate, job("Pendulum-v1"), SimpleNamespace(predict=lambda obs, deterministic: (np.zeros((len(obs), 1)), None))).values()


def idle(env: str) -> Any:
    """A model that does nothing."""
    return SimpleNamespace(get_env=lambda: SimpleNamespace(venvs=[]), predict=lambda obs, deterministic: (np.zeros((len(obs), 1), np.float32), None))


def test_scaled_rewards_leave_the_unscaled_score_as_it_is(monkeypatch):
    monkeypatch.setattr("benchmarks.measures.elsewhere.unwrap_vec_normalize", lambda venv: None)
    model = SimpleNamespace(**vars(idle("Pendulum-v1")) | {"get_env": lambda: SimpleNamespace(venvs=[None])})
    plain, scaled = (
        measuring(UnscaledScore, job("Pendulum-v1", hyperparams=hyper), model).values()
        for hyper in ({}, {"env_wrapper": {"from_scratch.envs.ScaleReward": {"scale": 0.1}}})
    )
    assert plain == scaled and plain[0]["unscaled_score"] < -300


def test_a_shift_is_scored_on_eight_pendulums_and_home_on_one(monkeypatch):
    returns = {f"{mass:g} {length:g}": np.full(3, 10 * mass + length) for mass in (0.5, 1.0, 1.5) for length in (0.5, 1.0, 1.5)}
    found = ShiftedScore(job("from_scratch/Pendulum-v0")).summary(returns)
    assert found["nominal_score"] == 11.0
    assert found["shifted_score"] == pytest.approx(11.0)  # (9 · 11 − 11) / 8: the nine are symmetric around it
    assert found["worst_score"] == pytest.approx(5.5)


def test_the_nine_pendulums_are_what_their_names_say():
    tasks = ShiftedScore(job("from_scratch/Pendulum-v0")).tasks({"kwargs": {"mass": [0.5, 1.5]}}, None)
    assert len(tasks) == 9
    assert tasks["0.5 1.5"][0]["kwargs"] == {"mass": 0.5, "length": 1.5}


def test_a_shift_of_another_environment_is_refused():
    with pytest.raises(UserError, match="not Pendulum-v1"):
        measuring(ShiftedScore, job("Pendulum-v1"), idle("Pendulum-v1"))


# ------------------------------------------------------------------------------------------------------ alone, stacked, untouched
TINY = {"learning_starts": 20, "buffer_size": 100, "batch_size": 4, "policy_kwargs": "dict(net_arch=[8])"}
CASES = {
    "overestimation": ("td3", "Pendulum-v1", {"policy": "MlpPolicy", "gamma": 0.9, **TINY}),
    "continuity_cost": ("ppo", "Pendulum-v1", {"policy": "MlpPolicy", "n_steps": 20, "batch_size": 20, "n_epochs": 1, "use_sde": True}),
    "unscaled_score": ("sac", "Pendulum-v1", {"policy": "MlpPolicy", **TINY, "env_wrapper": {"from_scratch.envs.ScaleReward": {"scale": 10.0}}}),
    "shifted_score": ("ddpg", "from_scratch/Pendulum-v0", {"policy": "MlpPolicy", **TINY}),
    "success_rate": ("dqn", "from_scratch/BitFlipping-v0", {"policy": "MultiInputPolicy", **TINY, "replay_buffer_class": "HerReplayBuffer"}),
}


def trained(folder: Any, name: str, together: bool, measure: bool) -> Store:
    """A store with two seeds of the measure's case."""
    algo, env, hyper = CASES[name]
    resolved = replace(study.adhoc([algo], [env], seeds=2, steps=40), protocol=PROTOCOL | ({"measures": [name]} if measure else {}))
    resolved.hyperparams[algo][env] = dict(hyper)
    resolved.envs[env]["max_episode_steps"] = 10
    resolved = pinned(resolved)
    store = Store(folder)
    store.save_study(resolved)
    runs = [run for _, run in plan(resolved)]
    for one in [Job(tuple(runs))] if together else [Job((run,)) for run in runs]:
        worker.execute(one, store)
    failed = [store.record(run.id)["error"] for run in runs if store.record(run.id)["error"]]
    assert not failed, failed
    return store


@pytest.fixture(scope="module", params=CASES)
def measured_twice(request, tmp_path_factory):
    """(the measure's name, its stores of a stack, of a stack without it, of the seeds one by one)."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        for module, episodes in (("overestimation", 1), ("success_rate", 20), ("elsewhere", 1)):
            patch.setattr(f"benchmarks.measures.{module}.EPISODES", episodes)
        stores = [trained(folder / f"{together}-{measure}", name, together, measure) for together, measure in ((True, True), (True, False), (False, True))]
    return (name, *stores)


def test_training_is_the_same_with_and_without_it(measured_twice):
    _, with_it, without, _ = measured_twice
    assert with_it.runs()["weights_hash_end"].tolist() == without.runs()["weights_hash_end"].tolist()
    assert with_it.episodes().equals(without.episodes())


def test_seeds_in_a_stack_measure_what_they_measure_alone(measured_twice):
    name, together, _, alone = measured_twice
    mine, theirs = (table[table["key"].str.startswith("measure/")].sort_values(["seed", "step", "key"]) for table in (together.training(), alone.training()))
    assert f"measure/{name}" in set(mine["key"]) and len(mine["value"].dropna()) >= 2
    assert mine["value"].to_numpy() == pytest.approx(theirs["value"].to_numpy(), rel=1e-4, nan_ok=True)


def test_every_measure_of_this_file_is_listed():
    assert {"overestimation", "continuity_cost", "unscaled_score", "shifted_score", "success_rate"} <= set(measured.MEASURES)
