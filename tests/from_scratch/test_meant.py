"""An error names what is meant: an argument by its other names, the policy that tables need, the nearest id of an environment, a map."""

import gymnasium as gym
import pytest

import from_scratch
import from_scratch.envs
from from_scratch.envs import GridWorld
from sb3_course import cli

MEANT = [
    ("QLearning", "TabularPolicy", "FrozenLake-v1", "alpha", "'learning_rate'"),
    ("QLearning", "TabularPolicy", "FrozenLake-v1", "epsilon", "'exploration_initial_eps' and 'exploration_final_eps'"),
    ("DQN", "MlpPolicy", "CartPole-v1", "epsilon", "'exploration_initial_eps' and 'exploration_final_eps'"),
    ("EpsilonGreedyBandit", "TabularPolicy", "from_scratch/KArmedTestbed-v0", "eps", "'epsilon'"),
    ("PPO", "MlpPolicy", "CartPole-v1", "epsilon", "'clip_range'"),
    ("PPO", "MlpPolicy", "CartPole-v1", "lr", "'learning_rate'"),
    ("PPO", "MlpPolicy", "CartPole-v1", "lam", "'gae_lambda'"),
    ("SARSALambda", "TabularPolicy", "FrozenLake-v1", "lam", "'lambda_'"),
    ("SAC", "MlpPolicy", "Pendulum-v1", "alpha", "'ent_coef'"),
    ("SAC", "MlpPolicy", "Pendulum-v1", "discount", "'gamma'"),
    ("PPO", "MlpPolicy", "CartPole-v1", "learning_rat", "'learning_rate'"),
]


@pytest.mark.parametrize("name, policy, env, given, meant", MEANT, ids=lambda value: value)
def test_an_argument_by_another_name_is_told_its_name_here(name, policy, env, given, meant):
    with pytest.raises(TypeError) as error:
        getattr(from_scratch, name)(policy, env, **{given: 0.1})
    assert str(error.value) == f"{name}.__init__() got an unexpected keyword argument '{given}'. Did you mean {meant}?"


def test_the_command_line_knows_the_other_names_too(capsys):
    assert cli.main(["train", "--algo", "q_learning", "--env", "FrozenLake-v1", "-params", "epsilon:0.1"]) == 2
    line = "q_learning has no hyper-parameter 'epsilon': did you mean 'exploration_initial_eps' and 'exploration_final_eps'? It has: "
    assert capsys.readouterr().err.startswith(line)


def test_an_argument_that_means_nothing_is_told_nothing():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'zebra'\.$"):
        from_scratch.PPO("MlpPolicy", "CartPole-v1", zebra=1)


POLICIES = {
    "QLearning": ("MlpPolicy", "FrozenLake-v1", 'QLearning learns tables, which need "TabularPolicy".'),
    "SemiGradientSARSA": ("MlpPolicy", "MountainCar-v0", 'SemiGradientSARSA learns weights of features, which need "LinearPolicy".'),
    "PPO": ("TabularPolicy", "CartPole-v1", 'PPO takes "MlpPolicy", "CnnPolicy", "MultiInputPolicy", or a policy class.'),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_of_another_kind_is_told_which_is_needed(name):
    policy, env, said = POLICIES[name]
    with pytest.raises(ValueError) as error:
        getattr(from_scratch, name)(policy, env)
    assert str(error.value) == f"Policy {policy} unknown: {said}"


@pytest.mark.parametrize("more", [{}, {"seeds": [0, 1]}, {"n_envs": 2}], ids=str)
def test_an_environment_that_is_not_known_is_told_the_nearest(more):
    with pytest.raises(gym.error.NameNotFound, match="Did you mean 'from_scratch/GridWorld-v0'"):
        from_scratch.QLearning("TabularPolicy", "GridWorld-v0", **more)


def test_gymnasiums_own_advice_is_left_as_it_is():
    with pytest.raises(gym.error.NameNotFound, match=r"^Environment `FrozenLak` doesn't exist\. Did you mean: `FrozenLake`\?$"):
        from_scratch.QLearning("TabularPolicy", "FrozenLak-v1")


def test_a_module_that_is_not_there_is_told_what_an_id_is():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'desc'.* An id is 'Name-v0' or 'module:Name-v0'; a map is given to its environment, as in"):
        from_scratch.QLearning("TabularPolicy", "desc:four_rooms")


def test_a_map_by_name_belongs_to_map_name():
    with pytest.raises(ValueError, match=r"^desc='four_rooms': a map is given as a list of lines of text\. Did you mean map_name='four_rooms'\?$"):
        GridWorld(desc="four_rooms")
    with pytest.raises(ValueError, match=r"map_name takes a name, one of 4x4, 4x3, empty8x8, four_rooms, bridge\.$"):
        GridWorld(desc="S.G")
    with pytest.raises(ValueError, match=r"^map_name='fourrooms' is none of .*\. Did you mean 'four_rooms'\? Give another map"):
        GridWorld("fourrooms")
