"""What one step of the environments brought, read once from a vector environment's answer."""

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback

from from_scratch.core.data import Step
from from_scratch.linear.semi_gradient_sarsa import SemiGradientSARSA
from from_scratch.temporal_difference.q_learning import QLearning


def three_lanes(obs):
    """The first goes on, the second has died in 20, the third was cut short in 30; both have been reset to 0."""
    infos = [{}, {"terminal_observation": 20}, {"terminal_observation": 30, "TimeLimit.truncated": True}]
    return Step(obs, np.ones(3), np.array([False, True, True]), infos)


def test_a_time_limit_is_discounted_as_if_the_episode_went_on_and_death_is_not():
    assert three_lanes(np.array([1, 0, 0])).discount(0.5).tolist() == [0.5, 0.0, 0.5]


def test_a_discount_is_a_number_per_lane_even_if_gamma_is_an_integer():
    step = Step(np.zeros(2), np.ones(2), np.zeros(2, bool), [{}, {}])
    assert step.discount(1).dtype == np.float64 and step.discount(1).tolist() == [1.0, 1.0]


def test_an_end_is_either_termination_or_truncation():
    step = three_lanes(np.array([1, 0, 0]))
    assert step.ended == [1, 2]
    assert step.terminated.tolist() == [False, True, False]
    assert step.truncated.tolist() == [False, False, True]


def test_the_successor_is_what_was_seen_last_and_not_what_is_seen_after_the_reset():
    obs = np.array([1, 0, 0])
    assert three_lanes(obs).next_obs.tolist() == [1, 20, 30]
    assert obs.tolist() == [1, 0, 0]


def test_the_successor_of_dict_observations_is_a_dict():
    step = three_lanes({"x": np.array([1, 0, 0])})
    for info in step.infos[1:]:
        info["terminal_observation"] = {"x": info["terminal_observation"]}
    assert step.next_obs["x"].tolist() == [1, 20, 30]


def test_where_no_episode_ends_the_successor_is_what_is_seen_next():
    obs = np.array([1, 2])
    assert Step(obs, np.ones(2), np.zeros(2, bool), [{}, {}]).next_obs is obs


@pytest.mark.parametrize("learner", [QLearning, SemiGradientSARSA])
def test_what_a_callback_alters_in_place_under_sb3_s_names_is_what_is_learnt_from(learner):
    class Generous(BaseCallback):
        def _on_step(self):
            assert self.locals["infos"] and self.locals["new_obs"].shape == self.locals["dones"].shape == (1,)
            self.locals["rewards"][:] = 1.0
            return True

    model = learner(next(iter(learner.policy_aliases)), "FrozenLake-v1", seed=0, gamma=0.0, learning_rate=1.0).learn(5, callback=Generous())
    assert model.q_table.max() == 1.0  # in five steps nobody reaches the goal, where the environment's only reward is
