"""A grid most of whose actions are invalid: which ones, what they do, and that who heeds the masks plays the same grid however many there are."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.core.exact.values import optimal_values
from from_scratch.envs import InvalidActionGrid

COUNTS = (0, 4, 12, 28, 60)


@pytest.mark.parametrize("n", COUNTS)
def test_four_actions_are_valid_in_every_cell_whatever_their_number(n):
    env = InvalidActionGrid(n_invalid=n)
    assert env.action_space.n == 4 + n
    assert (env.masks.sum(1) == 4).all()


def test_which_four_follows_from_the_cell():
    env = InvalidActionGrid(n_invalid=8, size=3)  # three blocks; cell 5 is in row 1 and column 2
    env.reset(seed=0)
    assert np.flatnonzero(env.action_masks()).tolist() == [0, 1, 2, 3]
    env.s = 5
    assert np.flatnonzero(env.action_masks()).tolist() == [0, 1, 2, 3]
    env.s = 4
    assert np.flatnonzero(env.action_masks()).tolist() == [8, 9, 10, 11]


def test_a_valid_action_goes_its_way():
    env = InvalidActionGrid(n_invalid=4, size=3)
    env.reset(seed=0)
    assert env.step(3)[:3] == (1, 0.0, False)  # right, in the first block
    assert env.step(4 + 1)[:3] == (4, 0.0, False)  # down, in the second
    assert env.step(1)[:3] == (7, 0.0, False)
    s, reward, terminated, truncated, info = env.step(4 + 3)
    assert (s, reward, terminated, truncated, info) == (8, 1.0, True, False, {"is_success": True})


@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_an_invalid_one_leaves_everything_as_it_is_and_costs_the_penalty(penalty):
    env = InvalidActionGrid(n_invalid=4, penalty=penalty)
    env.reset(seed=0)
    assert env.step(4 + 3) == (0, -penalty, False, False, {"is_success": False})


@pytest.mark.parametrize("n", COUNTS)
def test_the_best_values_are_the_same_however_many_actions_are_invalid(n):
    np.testing.assert_allclose(optimal_values(InvalidActionGrid(n_invalid=n, penalty=0.1), 0.9), optimal_values(InvalidActionGrid(n_invalid=0), 0.9))


def test_the_mask_is_asked_through_gymnasium_s_wrappers():
    env = gym.make("from_scratch/InvalidActionGrid-v0", n_invalid=60)
    env.reset(seed=0)
    assert env.get_wrapper_attr("action_masks")().sum() == 4


@pytest.mark.parametrize("arguments, said", [({"n_invalid": 6}, "n_invalid=6: invalid actions come in blocks of 4"), ({"size": 1}, "size=1: a start"),
                                             ({"penalty": -1}, "penalty=-1: what an invalid action costs is 0 or more")])  # fmt: skip
def test_what_makes_no_grid_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        InvalidActionGrid(**arguments)
