"""Worlds for learning from data sets: a maze of joined demonstrations, and a gamble."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.core.exact.values import expected_return, optimal_action_values, optimal_return, optimal_values
from from_scratch.envs import StitchingMaze, TwoStateGamble


def played(env, actions):
    env.reset(seed=0)
    steps = [env.step(action) for action in actions]
    assert not any(terminated for _, _, terminated, _, _ in steps[:-1])
    return steps[-1][1:3]


def test_the_goal_of_the_maze_is_8_steps_from_its_start_and_worth_1():
    env = gym.make("from_scratch/StitchingMaze-v0").unwrapped

    assert len(env.way("S+G")) == 8 and played(env, env.way("S+G")) == (1.0, True)
    assert optimal_return(env) == 1 and optimal_values(env, 0.9)[env.letters.index("S")] == pytest.approx(0.9**7, rel=1e-12)


def test_its_prize_is_2_steps_away_and_its_dead_end_pays_nothing():
    env = StitchingMaze()

    assert len(env.way("Sp")) == 2 and played(env, env.way("Sp")) == (0.3, True)
    assert played(env, env.way("S+E")) == (0.0, True)


def test_the_other_half_begins_below_the_crossing():
    env = StitchingMaze(starts="A")

    assert len(env.way("A+G")) == 4 and played(env, env.way("A+G")) == (1.0, True)
    with pytest.raises(ValueError, match="starts='G': an episode begins in 'S' or in 'A'"):
        StitchingMaze(starts="G")


def test_who_values_the_crossing_by_the_average_of_the_demonstrators_prefers_the_prize_and_who_values_it_by_the_best_the_goal():
    env, γ = StitchingMaze(), 0.99
    at_the_crossing = γ  # to the goal, two steps further; a fifth of the demonstrators go there
    prize, five_steps = 0.3 * γ, γ**6

    assert five_steps * at_the_crossing / 5 < prize < five_steps * at_the_crossing
    assert optimal_values(env, γ)[env.letters.index("S")] == pytest.approx(five_steps * at_the_crossing)


def test_the_gamble_alone_may_return_1_and_safe_is_worth_more():
    env = gym.make("from_scratch/TwoStateGamble-v0").unwrapped

    assert optimal_action_values(env, 1.0)[0].tolist() == [0.6, 0.5]
    assert (expected_return(env, np.array([0, 0])), expected_return(env, np.array([1, 0])), optimal_return(env)) == (0.6, 0.5, 0.6)


def test_half_of_the_gambles_are_won():
    env = TwoStateGamble()
    env.reset(seed=0)
    won = []
    for _ in range(400):
        env.reset()
        obs, reward, terminated, *_ = env.step(1)
        won.append(obs == 1)
        assert reward == 0 and terminated == (obs == 0)
        if obs == 1:
            assert env.step(0)[1:3] == (1.0, True)
    assert abs(np.mean(won) - 0.5) < 4 * 0.5 / 20  # four standard errors


def test_a_gamble_that_is_none_is_refused():
    with pytest.raises(ValueError, match="luck=1: the chance of a gamble lies between 0 and 1"):
        TwoStateGamble(luck=1)
