"""What `num_timesteps` counts: steps of each seed's environments, or a planner's backups; and it counts on where learning goes on."""

import gymnasium as gym
import pytest

from tests.contract.probes import STEPS, env_for, every, make, train

pytestmark = pytest.mark.filterwarnings("ignore:The number of environments used is greater:UserWarning")  # as SB3's, of DQN


class Counted(gym.Wrapper):
    """Adds its steps to a list that others hold."""

    def __init__(self, env, steps):
        super().__init__(env)
        self.steps = steps

    def step(self, action):
        self.steps.append(1)
        return self.env.step(action)


@every(where=lambda entry: entry.unit == "steps")
def test_time_is_steps_of_each_seed_s_environments(entry):
    steps = []
    shape = {"seeds": [3, 5] if entry.lockstep else [3], "n_envs": 1 if "n_envs" in entry.cannot else 2}
    model = train(make(entry, env=lambda: Counted(env_for(entry)(), steps), **shape))
    assert model.num_timesteps == len(steps) / model.n_seeds
    assert STEPS <= model.num_timesteps < STEPS + 16, "it ends with the rollout or the step in which the budget is reached"


@every(where=lambda entry: entry.unit == "backups")
def test_time_is_backups_and_nothing_is_played(entry):
    steps = []
    model = train(make(entry, env=lambda: Counted(env_for(entry)(), steps), seeds=[3, 5]))
    assert steps == []
    assert 0 < model.num_timesteps <= STEPS, "or less, if it is done before"


@every(one_of=3)
def test_learning_twice_counts_on_or_begins_anew_as_asked(entry):
    times, model = [], make(entry, seeds=[3])
    for anew in (False, False, True):
        train(model, reset_num_timesteps=anew, callback=lambda *_: times.append(model.num_timesteps) is None)
    once = times[-1]
    assert once == STEPS or entry.unit == "backups"
    first = times[: times.index(once) + 1]
    if entry.unit == "steps":
        assert times == [*first, *(once + time for time in first), *first]
    else:
        assert model.num_timesteps == once and max(times) == 2 * once

