"""What bandits and Monte Carlo methods do beside what every class does (tests/contract): the names in their logs, and observations of several digits."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.logger import KVWriter, Logger

from from_scratch.envs.vector import vectorised
from from_scratch.monte_carlo.control import MCControl
from from_scratch.registry import ENTRIES

COINS, LAKE = "from_scratch/BernoulliBandit-v0", "FrozenLake-v1"


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES.values() if entry.family in ("bandits", "monte_carlo")], ids=lambda entry: entry.id)
def test_it_logs_under_the_keys_of_its_family(entry):
    class Lines(KVWriter):
        lines: list = []

        def write(self, key_values, key_excluded, step=0):
            self.lines.append(dict(key_values))

    writer = Lines()
    model = entry.load()("TabularPolicy", vectorised(COINS if entry.family == "bandits" else LAKE), seeds=[0])
    model.set_logger(Logger(None, [writer]))
    model.learn(1000, log_interval=1)
    of_family = {"bandits": {"rollout/reward_mean", "train/error"}, "monte_carlo": {"train/td_error", "train/learning_rate", "rollout/episodes_cut_short"}}
    assert of_family[entry.family] <= set(writer.lines[-1])


def test_a_multidiscrete_observation_will_do():
    class Digits(gym.ObservationWrapper):
        observation_space = gym.spaces.MultiDiscrete([4, 4])

        def observation(self, s):
            return np.array(divmod(int(s), 4))

    model = MCControl("TabularPolicy", lambda: Digits(gym.make(LAKE)), seeds=[0], exploration_final_eps=0.3).learn(240)
    numbered = MCControl("TabularPolicy", LAKE, seeds=[0], exploration_final_eps=0.3).learn(240)
    assert np.array_equal(model.q_table, numbered.q_table)
