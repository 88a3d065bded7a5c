"""Going on exactly: what a checkpoint holds beside the model, environment by environment and part by part; and what is said where it cannot."""

import io
import json
import pathlib
import random
import warnings

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import SubprocVecEnv, VecFrameStack, VecNormalize

from from_scratch import A3C, DDPG, DQN, PPO, SAC, QLearning
from from_scratch.callbacks import ExactCheckpointCallback, StackEvalCallback
from from_scratch.core.resuming import environments, files
from from_scratch.core.resuming.picture import Putting, Taking, Untold
from from_scratch.envs import BitFlipping, Catch, KArmedTestbed
from from_scratch.envs.vector import vectorised
from tests.contract.probes import assert_same_state, learnt, same

pytestmark = pytest.mark.numerical


def through_a_file(state):
    """As it comes back: JSON, and arrays that are nobody else's."""
    data, arrays = state
    return json.loads(json.dumps(data)), [array.copy() for array in arrays]


# ------------------------------------------------------------------------------------------------------------------------------ environments
def normalised(env_id):
    return lambda n: VecFrameStack(VecNormalize(make_vec_env(env_id, n)), 2)


WORLDS = {
    "classic control": lambda n: make_vec_env("Pendulum-v1", n),
    "toy text": lambda n: make_vec_env("Taxi-v4", n),
    "a grid of ours": lambda n: make_vec_env("from_scratch/StochasticWindyGridworld-v0", n),
    "a picture": lambda n: make_vec_env(Catch, n),
    "MinAtar": lambda n: make_vec_env("MinAtar/Breakout-v1", n),
    "Atari": lambda n: make_vec_env("PongNoFrameskip-v4", n),
    "MuJoCo": lambda n: make_vec_env("Ant-v5", n),
    "statistics and frames": normalised("CartPole-v1"),
    "a block of a table's lanes": lambda n: vectorised("FrozenLake-v1").block_of(n),
    "a block of equations' lanes": lambda n: vectorised("CartPole-v1").block_of(n),
    "a block of bandits": lambda n: vectorised(KArmedTestbed).block_of(n),
}
NEEDS = {"MuJoCo": "mujoco", "Atari": "ale_py", "MinAtar": "minatar"}


def steps(venv, actions):
    return [venv.step(action)[:3] for action in actions]


@pytest.mark.parametrize("world", WORLDS)
def test_another_environment_goes_on_where_one_stands(world):
    if world in NEEDS:
        module = pytest.importorskip(NEEDS[world])
        if world == "Atari":
            gym.register_envs(module)
    one, other = WORLDS[world](2), WORLDS[world](2)
    one.seed(3), other.seed(8), one.action_space.seed(0)
    one.reset(), other.reset()
    actions = [np.array([one.action_space.sample() for _ in range(2)]) for _ in range(50)]
    steps(one, actions[:13])
    environments.put_into(other, *through_a_file(environments.state_of(one)))
    for mine, theirs in zip(steps(one, actions[13:]), steps(other, actions[13:]), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


class Opaque(gym.Env):
    """It holds something that nobody can look into."""

    observation_space, action_space = spaces.Discrete(2), spaces.Discrete(2)

    def __init__(self):
        self.world = iter([1])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, 0.0, False, False, {}


class Told(Opaque):
    """The same, and it says itself where it stands."""

    n = 0

    def get_state(self):
        return {"n": self.n}

    def set_state(self, state):
        self.n = state["n"]

    def step(self, action):
        self.n += 1
        return self.n % 2, 0.0, False, False, {}


class Walker:
    x = 0.0


class Walking(Told):
    """What it moves is made when an episode begins."""

    get_state = set_state = None

    def reset(self, *, seed=None, options=None):
        self.world, self.walker = None, Walker()
        return super().reset(seed=seed)

    def step(self, action):
        self.walker.x += 1
        return int(self.walker.x) % 2, 0.0, False, False, {}


def test_what_is_made_when_an_episode_begins_is_filled_in():
    one, other = make_vec_env(Walking, 1), make_vec_env(Walking, 1)
    one.reset(), steps(one, [[0]] * 3)
    environments.put_into(other, *through_a_file(environments.state_of(one)))
    assert other.envs[0].unwrapped.walker.x == 3


def test_what_cannot_be_looked_into_is_named():
    with pytest.raises(Untold, match=r"^Opaque\.world is a builtins\.list_iterator, whose state cannot be read$"):
        environments.state_of(make_vec_env(Opaque, 1))


def test_an_environment_that_says_itself_where_it_stands_is_asked():
    one, other = make_vec_env(Told, 1), make_vec_env(Told, 1)
    one.reset(), steps(one, [[0]] * 3)
    environments.put_into(other, *through_a_file(environments.state_of(one)))
    assert other.envs[0].unwrapped.n == 3


def test_atari_with_sticky_actions_is_named():
    gym.register_envs(pytest.importorskip("ale_py"))
    with pytest.raises(Untold, match=r"^AtariEnv repeats actions with probability 0\.25, "):
        environments.state_of(make_vec_env("ALE/Pong-v5", 1))


def test_environments_in_other_processes_are_named():
    with pytest.raises(Untold, match=r"^SubprocVecEnv has its environments in other processes$"):
        environments.state_of(object.__new__(SubprocVecEnv))


def test_another_kind_of_environment_is_refused():
    state = through_a_file(environments.state_of(make_vec_env("CartPole-v1", 1)))
    with pytest.raises(Untold, match=r"^the environment was Monitor of .* of CartPoleEnv, and is Monitor of .* of MountainCarEnv here$"):
        environments.put_into(make_vec_env("MountainCar-v0", 1), *state)


def test_what_two_attributes_share_is_shared_again_and_views_of_one_memory_are_refused():
    rows = [1, 2]
    taking = Taking()
    found = Putting(taking.arrays).into(None, json.loads(json.dumps(taking.of({"a": rows, "b": rows}))))
    assert found["a"] is found["b"] and found["a"] == rows
    memory = np.zeros(4)
    with pytest.raises(Untold, match="shares its memory with another"):
        Taking().of([memory, memory[1:]])


# ------------------------------------------------------------------------------------------------------------------------------------ models
def resumed(make, env, total, at, callbacks=lambda: [], logger=lambda model, part: None):
    """A model that was trained at once, and one that went on from a checkpoint; each with the callbacks that it had."""
    kept = []

    class Once(ExactCheckpointCallback):
        def between_iterations(self):
            if not kept:
                super().between_iterations()
                kept.extend([self.path] if self.last else [])

    of_one, of_other = callbacks(), callbacks()
    model = make(env())
    logger(model, 0)
    model.learn(total, callback=[*of_one, Once(io.BytesIO(), at)])
    kept[0].seek(0)
    random.random(), np.random.rand(), torch.rand(1)
    loaded = type(model).load(kept[0], env=env(), device="cpu")
    logger(loaded, 1)
    loaded.resume(callback=of_other)
    return model, loaded, of_one, of_other


def small(**more):
    return {"device": "cpu", "seed": 3, "policy_kwargs": {"net_arch": [8]}, **more}


def replay(**more):
    return small(learning_starts=8, batch_size=8, buffer_size=100, **more)


CASES = {
    "noise that remembers": (lambda env: DDPG("MlpPolicy", env, train_freq=4, action_noise=OrnsteinUhlenbeckActionNoise(np.zeros(1), np.ones(1)), **replay()),
                             lambda: make_vec_env("Pendulum-v1")),
    "exploration matrices": (lambda env: SAC("MlpPolicy", env, use_sde=True, sde_sample_freq=4, train_freq=8, **replay()), lambda: make_vec_env("Pendulum-v1")),
    "a buffer of hindsight": (lambda env: DQN("MultiInputPolicy", env, replay_buffer_class=HerReplayBuffer, **replay()),
                              lambda: make_vec_env(lambda: BitFlipping(4))),
    "a buffer that saves memory": (
        lambda env: DQN("MlpPolicy", env, optimize_memory_usage=True, replay_buffer_kwargs={"handle_timeout_termination": False}, **replay()),
        lambda: make_vec_env("CartPole-v1")),
    "statistics, frames and a schedule": (lambda env: PPO("MlpPolicy", env, n_steps=16, batch_size=16, learning_rate=LinearSchedule(1e-3, 0, 1.0), **small()),
                                          lambda: normalised("CartPole-v1")(2)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_training_goes_on_exactly_with(case):
    make, env = CASES[case]
    model, loaded, _, _ = resumed(make, env, total=150, at=64)
    assert loaded.resumptions[0][1] is None and loaded.resumptions[0][0] < 150
    assert same(learnt(loaded), learnt(model)) and loaded.num_timesteps == model.num_timesteps


def q_learning(env):
    return QLearning("TabularPolicy", env, seed=3)


def lake():
    return make_vec_env("FrozenLake-v1")


LOGGED = {
    "rollouts": (lambda env: PPO("MlpPolicy", env, n_steps=16, batch_size=16, **small()), lambda: make_vec_env("CartPole-v1"), 96, 33),
    "steps": (q_learning, lake, 3000, 1500),
}


@pytest.mark.parametrize("loop", LOGGED)
def test_a_log_goes_on_line_by_line(loop, tmp_path):
    def logger(model, part):
        model.set_logger(configure(str(tmp_path / str(part)), ["json"]))

    for model in resumed(*LOGGED[loop], logger=logger)[:2]:
        model.logger.close()
    whole, rest = ([{key: value for key, value in json.loads(line).items() if key not in ("time/fps", "time/time_elapsed")}
                    for line in (tmp_path / str(part) / "progress.json").read_text().splitlines()] for part in (0, 1))  # fmt: skip
    assert 0 < len(rest) < len(whole) and whole[-len(rest) :] == rest


@pytest.mark.filterwarnings("ignore:Training and eval env are not of the same type:UserWarning")
def test_evaluations_go_on_with_what_they_had_and_in_episodes_of_their_own():
    def callbacks():
        env = make_vec_env("FrozenLake-v1", seed=11)
        return [EvalCallback(env, n_eval_episodes=3, eval_freq=70, verbose=0, log_path=None), StackEvalCallback("FrozenLake-v1", eval_freq=90, verbose=0)]

    _, _, (one, stack), (other, other_stack) = resumed(q_learning, lake, 400, 200, callbacks)
    for name in ("n_calls", "last_mean_reward", "best_mean_reward", "_is_success_buffer"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.eval_env.envs[0].np_random.bit_generator.state == other.eval_env.envs[0].np_random.bit_generator.state
    assert stack.evaluations == other_stack.evaluations and len(stack.evaluations) == 4


class Counting(BaseCallback):
    """A user's own: it was given a limit, and counts."""

    def __init__(self, limit):
        super().__init__()
        self.limit, self.seen = limit, []

    def _on_step(self):
        self.seen.append(self.num_timesteps)
        return True


def test_a_callback_goes_on_with_what_it_counted_and_keeps_what_it_was_given():
    given = iter([Counting(1), Counting(2)])
    _, _, (one,), (other,) = resumed(q_learning, lake, 60, 30, lambda: [next(given)])
    assert (one.seen, other.limit) == (other.seen, 2)


def test_the_budget_of_the_beginning_is_what_schedules_see():
    _, loaded, _, _ = resumed(lambda env: PPO("MlpPolicy", env, n_steps=16, batch_size=16, **small()), lambda: make_vec_env("CartPole-v1"), 64, 32)
    assert (loaded._total_timesteps, loaded.num_timesteps, loaded.remaining_timesteps) == (64, 64, 0)


def test_learn_with_the_remaining_steps_is_what_resume_does(tmp_path):
    path = tmp_path / "model.zip"
    q_learning(lake()).learn(40, callback=ExactCheckpointCallback(path, 30))
    one = QLearning.load(path, env=lake()).resume()
    other = QLearning.load(path, env=lake())  # the process's own numbers stand where the file says again
    assert_same_state(one, other.learn(other.remaining_timesteps, reset_num_timesteps=False))


def test_nothing_remains_of_a_training_that_a_callback_ended(tmp_path):
    model = q_learning(lake()).learn(40, callback=lambda variables, more: variables["self"].num_timesteps < 20)
    model.save(tmp_path / "model", exact=True)
    assert QLearning.load(tmp_path / "model", env=lake()).resume().num_timesteps == 20


def test_plain_sb3_loads_such_a_file(tmp_path):
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=16, batch_size=16, **small()).learn(16)
    model.save(tmp_path / "model", exact=True)
    assert files.is_exact(tmp_path / "model")
    theirs = stable_baselines3.PPO.load(tmp_path / "model", device="cpu")
    assert same(dict(theirs.policy.state_dict()), dict(model.policy.state_dict()))


def test_exact_off_takes_it_for_an_ordinary_file(tmp_path):
    q_learning(lake()).learn(40).save(tmp_path / "model", exact=True)
    loaded = QLearning.load(tmp_path / "model", env=lake(), exact=False)
    assert loaded._last_obs is None and list(loaded.resumptions) == []


# ---------------------------------------------------------------------------------------------------------------------------------- not exact
def test_what_is_not_exact_is_said_when_it_is_saved_when_it_is_loaded_and_afterwards(tmp_path):
    model = QLearning("TabularPolicy", Opaque, seed=3).learn(10)
    with pytest.warns(UserWarning, match=r"will not go on exactly from this file: Opaque\.world is a builtins\.list_iterator"):
        model.save(tmp_path / "model", exact=True)
    with pytest.warns(UserWarning, match=r"does not go on exactly from step 10, and the environments are reset: Opaque\.world"):
        loaded = QLearning.load(tmp_path / "model", env=Opaque)
    assert loaded.learn(5, reset_num_timesteps=False).resumptions == [(10, "Opaque.world is a builtins.list_iterator, whose state cannot be read")]
    loaded.save(tmp_path / "again")
    assert list(map(tuple, QLearning.load(tmp_path / "again").resumptions)) == loaded.resumptions


def test_another_environment_than_then_is_not_exact(tmp_path):
    q_learning(lake()).learn(10).save(tmp_path / "model", exact=True)
    with pytest.warns(UserWarning, match="the environment was Monitor of .*FrozenLakeEnv, and is Monitor of TimeLimit of"):
        loaded = QLearning.load(tmp_path / "model", env=lambda: gym.wrappers.TimeLimit(gym.make("FrozenLake-v1"), 5))
    assert loaded._last_obs is None


def test_a_callback_that_saves_in_the_middle_of_a_rollout_is_told():
    class InTheMiddle(BaseCallback):
        def _on_step(self):
            if self.n_calls == 5:
                self.model.save(io.BytesIO(), exact=True)
            return True

    model = PPO("MlpPolicy", "CartPole-v1", n_steps=16, batch_size=16, **small())
    with pytest.warns(UserWarning, match="it was saved within an iteration"):
        model.learn(16, callback=InTheMiddle())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.save(io.BytesIO(), exact=True)


def test_processes_that_learn_side_by_side_cannot():
    model = A3C("MlpPolicy", "CartPole-v1", n_workers=2, **small())
    with pytest.warns(UserWarning, match="n_workers=2 processes learn side by side, in an order that no file holds"):
        model.save(io.BytesIO(), exact=True)


# -------------------------------------------------------------------------------------------------------------------------------------- files
def test_a_save_that_is_broken_off_leaves_the_file_before(tmp_path, monkeypatch):
    path = tmp_path / "model.zip"
    model = q_learning(lake()).learn(10)
    model.save(path, exact=True)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space left"):
        model.learn(10).save(path, exact=True)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_is_written_when_a_multiple_of_its_interval_was_passed(tmp_path):
    class Saves(ExactCheckpointCallback):
        def between_iterations(self):
            before = self.last
            super().between_iterations()
            seen.extend([self.last] if self.last != before else [])

    seen: list[int] = []
    PPO("MlpPolicy", "CartPole-v1", n_steps=16, batch_size=16, **small()).learn(96, callback=Saves(tmp_path / "here" / "checkpoint", 20))
    assert seen == [32, 48, 64, 80] and [path.name for path in pathlib.Path(tmp_path / "here").iterdir()] == ["checkpoint.zip"]


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match=r"^every=0: give a number of training steps from 1 on\.$"):
        ExactCheckpointCallback("checkpoint", 0)
