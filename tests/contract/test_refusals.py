"""What cannot be is refused in one line that names the thing and the value: spaces, numbers, and what is not a number."""

import re

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecCheckNan

from tests.contract.probes import Nothing, Spoilt, Vectors, Walk, env_for, every, learnt, make, one_line, takes, train, unable

UNIT = spaces.Box(-1, 1, (2,), np.float32)
ACTIONS = (UNIT, spaces.Discrete(2), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(2), spaces.Tuple((spaces.Discrete(2),)), spaces.Text(3))
OBSERVATIONS = {  # what each kind of learner cannot see
    "table": (UNIT, spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2)))),
    "linear": (spaces.MultiBinary(2), spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2)))),
    "deep": (spaces.Dict({"a": UNIT}), spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2)))),
}


@every("refuses actions")
def test_an_action_space_that_it_cannot_have_is_refused(entry):
    seen, refused = env_for(entry)().observation_space, [space for space in ACTIONS if not takes(entry, space)]
    assert refused
    for space in refused:
        with pytest.raises(ValueError, match="action space") as error:
            make(entry, env=Nothing(seen, space))
        said = one_line(error)
        assert said.startswith(f"{entry.class_name} needs a ") and str(space) in said
        assert isinstance(error.value, AssertionError), "which is what SB3's users catch"


@every()
def test_an_action_space_that_it_can_have_is_taken(entry):
    env = env_for(entry)()
    for space in ACTIONS[:-1]:
        if takes(entry, space) and entry.learns in ("deep", "–"):
            make(entry, env=Nothing(env.observation_space, space))
    assert takes(entry, env.action_space)


@every("refuses observations", where=lambda entry: entry.unit == "steps")
def test_an_observation_space_that_it_cannot_see_is_refused(entry):
    for space in OBSERVATIONS[entry.learns]:
        with pytest.raises((ValueError, NotImplementedError)) as error:
            make(entry, env=Nothing(space, env_for(entry)().action_space))
        assert type(space).__name__.lower() in one_line(error).lower()


@every(where=lambda entry: entry.unit == "backups")
def test_a_planner_refuses_an_environment_without_a_table(entry):
    with pytest.raises(ValueError, match="Nothing has no transition table P") as error:
        make(entry, env=Nothing(spaces.Discrete(4), spaces.Discrete(2)))
    one_line(error)


@every(where=lambda entry: entry.loop == "planning")
def test_a_planner_refuses_a_table_with_a_reward_that_is_nan(entry):
    class Holed(Walk):
        def __init__(self):
            super().__init__()
            probability, s, _, terminated = self.P[2][1][0]
            self.P[2][1][0] = (probability, s, float("nan"), terminated)

    with pytest.raises(ValueError, match=r"A reward in P\[2\]\[1\] of Holed is not finite") as error:
        train(make(entry, env=Holed))
    one_line(error)


# -------------------------------------------------------------------------------------------------------------------------------- numbers
@every(where=lambda entry: "learning_rate" in entry.load().hyperparameters)
@pytest.mark.parametrize("wrong", [-1.0, float("nan")])
def test_a_step_size_that_is_none_is_refused(entry, wrong):
    with pytest.raises(ValueError) as error:
        make(entry, learning_rate=wrong)
    assert re.search(rf"learning.rate.*{wrong}", one_line(error))


@every(where=lambda entry: "gamma" in entry.load().hyperparameters)
@pytest.mark.parametrize("wrong", [-0.5, 2.0, float("nan")])
def test_a_discount_that_is_none_is_refused(entry, wrong):
    with pytest.raises(ValueError, match=f"gamma={wrong}: ") as error:
        make(entry, gamma=wrong)
    one_line(error)


@every()
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_envs": 0}, "n_envs=0: at least one environment per seed is needed."),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [1, 1]}, r"seeds=\[1, 1\] names a seed twice"),
        ({"seed": 1, "seeds": [1]}, r"seed=1 and seeds=\[1\] were both given"),
    ],
    ids=["n_envs", "no seeds", "a seed twice", "seed and seeds"],
)
def test_seeds_and_environments_that_are_none_are_refused(entry, wrong, said):
    with pytest.raises(ValueError, match=said) as error:
        make(entry, **wrong)
    one_line(error)


@every()
def test_less_than_no_steps_are_refused(entry):
    with pytest.raises(ValueError, match="total_timesteps=-1: give a number from 0 on"):
        train(make(entry, seeds=[3]), -1)


@every()
def test_no_steps_are_no_steps(entry):
    model = make(entry, seeds=[3])
    before = learnt(model)
    assert train(model, 0).num_timesteps == 0
    assert all(np.array_equal(before[name], value) for name, value in learnt(model).items())


# ------------------------------------------------------------------------------------------------------------------------------------ NaN
def spoilt(entry, what):
    """A factory of an environment of numbers, or of the entry's own, one of which is soon no number."""
    kind = Vectors if what == "observation" and entry.learns == "linear" else env_for(entry)
    return lambda: Spoilt(kind(), what)


PLAYS = {"where": lambda entry: entry.unit == "steps"}
SEES_NUMBERS = {"where": lambda entry: entry.unit == "steps" and entry.learns in ("linear", "deep")}


@every("nan reward", **PLAYS)
def test_a_reward_that_is_nan_is_refused_before_it_is_learnt_from(entry):
    model = make(entry, env=spoilt(entry, "reward"), seeds=[3])
    with pytest.raises(ValueError, match=r"[Tt]he reward of environment 0 .* is nan: ") as error:
        train(model, 60)
    assert "VecCheckNan" in one_line(error)
    assert all(value.isfinite().all() for value in learnt(model).values())


@every("nan observation", **SEES_NUMBERS)
def test_an_observation_with_nan_is_refused_before_it_is_learnt_from(entry):
    model = make(entry, env=spoilt(entry, "observation"), seeds=[3])
    with pytest.raises(ValueError, match=r"observation .*has nan at \[") as error:
        train(model, 60)
    assert "VecCheckNan" in one_line(error)
    assert all(value.isfinite().all() for value in learnt(model).values())


@pytest.mark.parametrize("what", ["reward", "observation"])
@unable("nan reward")
def test_whoever_does_not_look_is_helped_by_sb3_s_wrapper(entry, what):
    model = make(entry, env=VecCheckNan(make_vec_env(spoilt(entry, what)), raise_exception=True), seed=3)
    with pytest.raises(ValueError, match="found nan in "):
        train(model, 60)
    assert all(value.isfinite().all() for value in learnt(model).values())
