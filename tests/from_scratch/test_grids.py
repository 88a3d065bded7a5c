"""Tables on grids print as maps: a number or an arrow for each cell, letters where nobody acts, · where nothing was learnt."""

import gymnasium as gym
import numpy as np
import pytest

import from_scratch.envs
from from_scratch import DQN, TD0, QLearning, SARSALambda, ValueIteration
from from_scratch.envs import FiniteMDP, GridWorld, WindyGridworld

MAP = ["S.#", "X.G"]


def model(**more):
    made = QLearning("TabularPolicy", lambda: GridWorld(desc=MAP), **{"seed": 0, **more})
    made.Q[:, 0] = [0.25, 0.0, 0.0, 0.5]  # up, down, left, right
    made.Q[:, 4] = [0.0, 0.0, -0.001, 1.0]
    return made


def test_values_are_a_map_of_numbers():
    assert model().values_grid() == "0.50     ·     #\n   X  1.00     G"


def test_as_many_decimals_as_asked_for():
    assert model().values_grid(decimals=0).split() == ["0", "·", "#", "X", "1", "G"]  # Python rounds ½ to even


def test_a_number_that_rounds_to_nothing_has_no_sign():
    made = model()
    made.Q[0, 1] = -0.001
    assert made.values_grid().split()[1] == "0.00"


def test_best_actions_are_a_map_of_arrows():
    assert model().arrows() == "→·#\nX→G"


def test_equally_good_actions_are_no_preference_and_of_some_the_first_is_shown():
    made = model()
    made.Q[0, 0], made.Q[0, 1] = 0.5, [0.0, 1.0, 1.0, 0.0]
    assert made.arrows() == "·↓#\nX→G"


def test_a_stack_shows_a_map_of_each_seed():
    made = model(seed=None, seeds=[3, 8])
    made.Q[1, 0] = [1.0, 0.0, 0.0, 0.0]
    assert made.arrows() == "seed 3\n→·#\nX→G\n\nseed 8\n↑·#\nX→G"
    assert made.values_grid().split("\n\n")[1] == "seed 8\n1.00     ·     #\n   X  1.00     G"
    assert made.member(1).arrows() == "↑·#\nX→G"


def test_a_first_value_that_is_not_0_is_no_estimate_either():
    made = model(initial_value=2.0)
    assert made.values_grid().split()[1] == "·"


def test_a_loaded_model_shows_what_was_saved(tmp_path):
    made = model()
    made.save(tmp_path / "model")
    env = GridWorld(desc=MAP)
    assert QLearning.load(tmp_path / "model", env=env).arrows() == made.arrows()
    with pytest.raises(ValueError, match=r"arrows\(\) needs the map of the environment, and the model has none: give it by set_env"):
        QLearning.load(tmp_path / "model").arrows()


def test_planning_shows_the_optimal_policy_of_gymnasiums_grids():
    cliff = ValueIteration("TabularPolicy", "CliffWalking-v1", gamma=1.0).learn(10_000)
    assert cliff.arrows().splitlines() == [*["→" * 11 + "↓"] * 3, "↑CCCCCCCCCCG"]
    assert cliff.values_grid(decimals=0).splitlines()[3].split() == ["-13", *"CCCCCCCCCCG"]
    lake = ValueIteration("TabularPolicy", gym.make("FrozenLake-v1", is_slippery=False), gamma=0.9).learn(10_000)
    assert lake.arrows() == "↓→↓←\n↓H↓H\n→↓↓H\nH→→G"


def test_prediction_shows_its_values_and_the_policy_that_it_was_given():
    given = np.array([3, 1, 0, 0, 3, 0])
    made = TD0("TabularPolicy", lambda: GridWorld(desc=MAP), pi=given, seed=0).learn(200)
    assert made.arrows() == "→↓#\nX→G"
    assert made.values_grid().split()[4] not in ("·", "0.00")


def test_a_wall_that_can_be_walked_out_of_is_a_wall():
    assert "#" in SARSALambda("TabularPolicy", "from_scratch/BlockingMaze-v0", seed=0).arrows()


def test_the_kings_moves_have_arrows():
    made = QLearning("TabularPolicy", lambda: WindyGridworld(n_actions=9), seed=0)
    made.Q[0, np.arange(9), np.arange(9)] = 1.0
    assert made.arrows().splitlines()[0] == "↑↓←→↖↗↙↘○·"


def test_what_is_no_grid_says_so():
    taxi = QLearning("TabularPolicy", "Taxi-v4", seed=0)
    with pytest.raises(ValueError, match=r"values_grid\(\): Taxi-v4 is no grid of 500 cells \(its desc, lines of text\)\. The values are in model\.values\."):
        taxi.values_grid()
    chain = QLearning("TabularPolicy", lambda: FiniteMDP([[[(1.0, 1 - s, 1.0, True)]] * 2 for s in range(2)]), seed=0)
    assert chain.values_grid() == "·  ·"
    with pytest.raises(ValueError, match=r"arrows\(\): what the actions of FiniteMDP do is not known\. Give it ways, a character for each of its 2\."):
        chain.arrows()
    assert not hasattr(DQN, "arrows") and from_scratch.envs
