"""Blind Cliffwalk: a ledge on which one wrong step ends the episode, and what its actions are worth."""

import itertools

import numpy as np
import pytest

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_return, optimal_values
from from_scratch.envs import BlindCliffwalk


def test_of_all_sequences_of_actions_one_finds_the_reward_and_they_make_2_to_the_n_plus_1_less_2_steps():
    env, steps, rewards = BlindCliffwalk(5), 0, []
    for actions in itertools.product(range(2), repeat=5):
        env.reset(seed=0)
        for action in actions:
            _, reward, terminated, truncated, _ = env.step(action)
            steps += 1
            assert not truncated
            if terminated:
                break
        rewards.append(reward)
    assert steps == 2**6 - 2 and rewards.count(1.0) == 1 and rewards.count(0.0) == 31


def test_the_right_action_is_worth_gamma_for_each_state_still_to_come_and_the_wrong_one_nothing():
    env, γ = BlindCliffwalk(4), 0.5
    q = model_of(env).backup(optimal_values(env, γ), γ)
    assert q[np.arange(4), env.right].tolist() == [0.125, 0.25, 0.5, 1] and (q[np.arange(4), 1 - env.right] == 0).all()
    assert optimal_return(env) == 1


def test_which_action_goes_on_is_drawn_for_each_state_or_1_everywhere():
    assert BlindCliffwalk(6, map_seed=None).right.tolist() == [1] * 6
    assert 0 < BlindCliffwalk(20).right.sum() < 20 and BlindCliffwalk(20).right.tolist() == BlindCliffwalk(20).right.tolist()


def test_a_ledge_without_a_state_is_refused():
    with pytest.raises(ValueError, match="n=0: the ledge has at least one state"):
        BlindCliffwalk(0)


def test_a_single_state_pays_at_once():
    env = BlindCliffwalk(1)
    env.reset(seed=0)
    assert env.step(int(env.right[0]))[1:3] == (1.0, True) and len(env.desc[0]) == 1
