"""Measures of soft actor-critics, and of what a training costs: by hand, alone and in a stack, and without a trace in training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from benchmarks import UserError
from benchmarks.measures import processor_seconds, soft_overestimation
from benchmarks.measures.processor_seconds import ProcessorSeconds
from benchmarks.measures.soft_overestimation import SoftOverestimation, soft_returns
from tests.benchmarks import test_measures_continuous as continuous
from tests.benchmarks.test_measures_continuous import TINY, job, measuring


class PaysByTurns(gym.Env):
    """Pays 1 and 3 by turns, beginning with 1; of its own accord it ends after `last` steps, or never."""

    observation_space, action_space = spaces.Box(0, 100, (1,), np.float32), spaces.Box(-2, 2, (1,), np.float32)

    def __init__(self, last: int | None = None, render_mode: str | None = None):
        self.last, self.render_mode = last, render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), 1.0 if self.t % 2 else 3.0, self.t == self.last, False, {}


gym.register("PaysByTurns-v0", PaysByTurns, max_episode_steps=4)


def critics(*values: tuple[float, ...], alpha: float = 0.0) -> Any:
    """A model whose k-th seed's critics give every state and action values[k], and whose actors draw from N(0, 1), squashed."""

    def policy(of_critics: tuple[float, ...]) -> Any:
        actor = SimpleNamespace(get_action_dist_params=lambda s: (torch.zeros(len(s), 1), torch.zeros(len(s), 1), {}))
        return SimpleNamespace(actor=actor, critic=lambda s, a: tuple(torch.full((len(s), 1), q) for q in of_critics), unscale_action=lambda a: 2 * a)

    temperature = SimpleNamespace(alpha=torch.full((len(values),), alpha))
    return SimpleNamespace(_policies=[policy(of_critics) for of_critics in values], temperature=temperature, gamma=0.5, num_timesteps=10)


# ------------------------------------------------------------------------------------------------------------- soft overestimation
def test_the_first_action_s_entropy_is_no_part_of_its_own_value():
    found = soft_returns(np.array([1.0, 2.0, 4.0]), np.array([10.0, 20.0, 40.0]), 0.5)
    assert found.tolist() == [23.0, 24.0, 4.0]  # 1 + (2 + 20)/2 + (4 + 40)/4; 2 + (4 + 40)/2; 4


def test_critics_that_say_the_same_of_unequal_states_are_uneven():
    """G is 1 + 3/2 + 1/4 + … = 10/3 and 3 + 1/2 + … = 14/3 by turns, 4 on average; critics of 5 and 7 say 6: 2 ± 2/3 too much."""
    (found,) = measuring(SoftOverestimation, job("PaysByTurns-v0", algo="sac"), critics((5.0, 7.0))).values()
    assert found["soft_overestimation"] == pytest.approx(2, rel=0.01)
    assert found["soft_overestimation_spread"] == pytest.approx(2 / 3, rel=0.02)


def test_where_the_episode_terminates_no_soft_return_follows():
    """Two steps, 1 and 3: G = 2.5 and 3, 2.75 on average."""
    (found,) = measuring(SoftOverestimation, job("PaysByTurns-v0", algo="sac", spec={"kwargs": {"last": 2}}), critics((2.75,))).values()
    assert found["soft_overestimation"] == pytest.approx(0, abs=1e-4)
    assert found["soft_overestimation_spread"] == pytest.approx(0.25)


def test_what_a_random_action_brings_is_its_temperature_times_its_entropy():
    """Of tanh(u), u from N(0, 1): the mean of −log π, by the trapezoidal rule over u."""
    u = np.linspace(-9, 9, 100_001)
    density = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    entropy = np.trapezoid(density * (-np.log(density) + np.log(1 - np.tanh(u) ** 2 + 1e-6)), u)
    measure = measuring(SoftOverestimation, job("PaysByTurns-v0", algo="sac"), critics((4.0,), alpha=4.0))
    _, bonus, _ = measure._look(np.zeros((100_000, 1), np.float32), [np.random.default_rng(0)])
    assert bonus.mean() == pytest.approx(4.0 * entropy, abs=0.05)


def test_each_seed_s_critics_are_asked_of_its_own_steps():
    first, second = measuring(SoftOverestimation, job("PaysByTurns-v0", 2, algo="sac"), critics((8.0,), (2.0,))).values()
    assert second["soft_overestimation"] < 0 < first["soft_overestimation"]


def test_who_has_no_temperature_is_refused():
    with pytest.raises(UserError, match="soft actor-critics, whose returns hold a temperature; td3 has none"):
        measuring(SoftOverestimation, job("PaysByTurns-v0"), SimpleNamespace(gamma=0.5))


def test_soft_values_of_normalised_rewards_are_refused():
    with pytest.raises(UserError, match="cannot have normalize=True"):
        measuring(SoftOverestimation, job("PaysByTurns-v0", algo="sac", hyperparams={"normalize": True}), critics((1.0,)))


# ------------------------------------------------------------------------------------------------------------------ processor time
def test_time_counts_while_training_and_not_while_scoring(monkeypatch):
    clock = iter([100.0, 101.0, 103.0, 110.0, 111.5, 112.0])
    monkeypatch.setattr(processor_seconds.time, "process_time", lambda: next(clock))
    measure = measuring(ProcessorSeconds, job("Pendulum-v1", 2), None)  # at 100
    measure._on_step()  # 101: 1 s
    measure._on_step()  # 103: 3 s
    assert measure.values() == [{"processor_seconds": 1.5}] * 2  # a share each; scoring until 110
    measure._on_step()
    measure._on_step()  # 111.5: 4.5 s
    measure._on_training_end()  # 112: 5 s
    assert measure.values() == [{"processor_seconds": 2.5}] * 2


# ------------------------------------------------------------------------------------------------------ alone, stacked, untouched
@pytest.fixture(scope="module")
def measured_twice(tmp_path_factory):
    """Stores of a stack, of a stack without the measure, of the seeds one by one."""
    name, folder = "soft_overestimation", tmp_path_factory.mktemp("soft")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soft_overestimation, "EPISODES", 1)
        patch.setitem(continuous.CASES, name, ("redq", "Pendulum-v1", {"policy": "MlpPolicy", "gamma": 0.9, **TINY, "gradient_steps": 2, "policy_delay": 2}))
        kinds = ((True, True), (True, False), (False, True))
        stores = [continuous.trained(folder / f"{together}-{measure}", name, together, measure) for together, measure in kinds]
    return stores


def test_training_is_the_same_with_and_without_it(measured_twice):
    with_it, without, _ = measured_twice
    assert with_it.runs()["weights_hash_end"].tolist() == without.runs()["weights_hash_end"].tolist()
    assert with_it.episodes().equals(without.episodes())


def test_seeds_in_a_stack_measure_what_they_measure_alone(measured_twice):
    together, _, alone = measured_twice
    mine, theirs = (table[table["key"].str.startswith("measure/")].sort_values(["seed", "step", "key"]) for table in (together.training(), alone.training()))
    assert set(mine["key"]) == {"measure/soft_overestimation", "measure/soft_overestimation_spread"} and np.isfinite(mine["value"]).all()
    assert mine["value"].to_numpy() == pytest.approx(theirs["value"].to_numpy(), rel=1e-4)
