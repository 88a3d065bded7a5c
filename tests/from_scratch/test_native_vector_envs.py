"""Vector environments that others wrote: what SB3's DummyVecEnv would say of the same environments, above all where an episode ends."""

import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from from_scratch import PPO
from from_scratch.envs.vector import EnvPoolVecEnv, GymnasiumVecEnv, make_envpool, make_gymnasium
from tests.from_scratch.small import of_parameters


class Dicts(gym.Env):
    """Counts to five, and says so in a dict of arrays; an even count is told in the infos."""

    observation_space = spaces.Dict(n=spaces.Box(0, 9, (1,), np.float32), twice=spaces.Box(0, 99, (2,), np.float32))
    action_space = spaces.Discrete(2)

    def seen(self):
        return {"n": np.array([self.n], np.float32), "twice": np.full(2, 2 * self.n, np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n = int(self.np_random.integers(3))
        return self.seen(), {"began": self.n}

    def step(self, action):
        self.n += 1 + int(action)
        return self.seen(), float(self.n), self.n >= 5, False, {"even": True} if self.n % 2 == 0 else {}


class Pairs(Dicts):
    action_space = spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2)])


MAKERS = {
    "CartPole-v1": lambda: gym.make("CartPole-v1"),
    "CartPole-v1, cut": lambda: gym.make("CartPole-v1", max_episode_steps=9),
    "FrozenLake-v1": lambda: gym.make("FrozenLake-v1"),
    "Pendulum-v1, cut": lambda: gym.make("Pendulum-v1", max_episode_steps=7),
    "dicts": Dicts,
    "dicts, over and cut at once": lambda: gym.wrappers.TimeLimit(Dicts(), 3),
}


def assert_equal(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_equal(one[name], other[name])
    else:
        np.testing.assert_array_equal(one, other)


def assert_same_steps(venv, reference, steps=120):
    """Both say the same of the same actions, the clock of `episode` left out."""
    rng, ends = np.random.default_rng(0), 0
    for each in (venv, reference):
        each.seed(5)
    assert_equal(venv.reset(), reference.reset())
    for _ in range(steps):
        space = venv.action_space
        actions = rng.integers(space.n, size=3) if isinstance(space, spaces.Discrete) else rng.uniform(-1, 1, (3, 1)).astype(np.float32)
        mine, theirs = venv.step(actions), reference.step(actions)
        for one, other in zip(mine[:3], theirs[:3], strict=True):
            assert_equal(one, other)
        for info, other in zip(mine[3], theirs[3], strict=True):
            for each in (info, other):
                each.get("episode", {}).pop("t", None)
            assert_equal(info, other)
        assert_equal(venv.reset_infos, reference.reset_infos)
        ends += mine[2].sum()
    assert ends > 3


def reference(make):
    return DummyVecEnv([lambda: Monitor(make())] * 3)


@pytest.mark.parametrize(("name", "mode"), [
    (name, mode) for name in MAKERS for mode in AutoresetMode
    if (name, mode) != ("FrozenLake-v1", AutoresetMode.SAME_STEP)  # Gymnasium makes its `prob` an integer there
])  # fmt: skip
def test_gymnasiums_lanes_say_what_those_of_a_dummy_vec_env_say(name, mode):
    venv = GymnasiumVecEnv(SyncVectorEnv([MAKERS[name]] * 3, autoreset_mode=mode))
    assert_same_steps(venv, reference(MAKERS[name]))


def test_so_do_those_that_have_a_process_each():
    venv = make_gymnasium("CartPole-v1", 3, "async", max_episode_steps=20)
    assert_same_steps(venv, reference(lambda: gym.make("CartPole-v1", max_episode_steps=20)))
    venv.close()


def test_a_model_learns_in_them_what_it_learns_from_the_id():
    one, other = (PPO("MlpPolicy", env, seed=3, n_steps=16, batch_size=8, device="cpu", **more).learn(96)
                  for env, more in ((make_gymnasium("CartPole-v1", 2), {}), ("CartPole-v1", {"n_envs": 2})))  # fmt: skip
    assert bool((of_parameters(one) == of_parameters(other)).all())
    assert [episode["r"] for episode in one.ep_info_buffer] == [episode["r"] for episode in other.ep_info_buffer]


def test_lanes_that_begin_again_a_step_late_and_not_apart_are_refused():
    with pytest.raises(ValueError, match=r"begins another one whatever the action, and SB3 has no such step. Make it with autoreset_mode DISABLED"):
        make_gymnasium("CartPole-v1", 3, "vector_entry_point")


def test_actions_of_several_parts_are_refused():
    with pytest.raises(ValueError, match=r"has actions of a Tuple space"):
        GymnasiumVecEnv(SyncVectorEnv([Pairs] * 2))


def test_gymnasiums_environments_can_be_asked_and_called():
    venv = make_gymnasium("CartPole-v1", 2)
    assert venv.get_attr("length") == [0.5, 0.5] and venv.get_attr("length", 1) == [0.5]
    venv.reset()
    assert [info for _, info in venv.env_method("reset", seed=1)] == [{}, {}]
    with pytest.raises(ValueError, match="Gymnasium calls it in all or none"):
        venv.env_method("reset", indices=[0])


def test_whoever_lacks_envpool_is_told_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(ImportError, match=r"pip install 'sb3-course\[envpool\]'"):
        make_envpool("CartPole-v1", 2)


# ------------------------------------------------------------------------------------------------------------------------- EnvPool
@pytest.fixture
def envpool():
    return pytest.importorskip("envpool", reason="EnvPool is not installed: pip install 'sb3-course[envpool]'")


def policy(obs):
    """A chance that an observation decides, so that every lane of the same history does the same."""
    return (np.abs(obs).sum(-1) * 1e4 % 2).astype(np.int64)


@pytest.mark.parametrize("limit", [500, 9])
def test_envpools_lanes_are_the_pools_without_the_step_that_no_episode_has(envpool, limit):
    venv = make_envpool("CartPole-v1", 3, max_episode_steps=limit)
    venv.seed(7)
    obs, mine = venv.reset(), [[] for _ in range(3)]
    for _ in range(80):
        actions = policy(obs)
        obs, rewards, dones, infos = venv.step(actions)
        for lane in range(3):
            last = infos[lane]["terminal_observation"] if dones[lane] else obs[lane]
            mine[lane].append((last.tolist(), float(rewards[lane]), bool(dones[lane]), infos[lane]["TimeLimit.truncated"]))

    pool = envpool.make("CartPole-v1", "gymnasium", num_envs=3, seed=7, max_episode_steps=limit)
    (obs, _), theirs, over = pool.reset(), [[] for _ in range(3)], np.zeros(3, bool)
    for _ in range(120):
        obs, rewards, terminated, truncated, _ = pool.step(policy(obs))
        for lane in np.flatnonzero(~over):
            ends = bool(terminated[lane] or truncated[lane])
            theirs[lane].append((obs[lane].tolist(), float(rewards[lane]), ends, bool(truncated[lane] and not terminated[lane])))
        over = (terminated | truncated) & ~over
    for one, other in zip(mine, theirs, strict=True):
        assert one == other[:80]
        assert any(ends for _, _, ends, _ in one) and any(cut for *_, cut in one) == (limit == 9)


def test_the_episodes_infos_are_monitors(envpool):
    venv = make_envpool("Pendulum-v1", 2, max_episode_steps=5)
    venv.reset()
    rewards = []
    for _ in range(5):
        _, r, dones, infos = venv.step(np.zeros((2, 1), np.float32))
        rewards.append(r)
    assert dones.all() and [info["episode"]["l"] for info in infos] == [5, 5]
    np.testing.assert_allclose([info["episode"]["r"] for info in infos], np.sum(rewards, 0), rtol=1e-5)
    assert venv.env_is_wrapped(Monitor) == [True, True]


def test_a_seed_decides_every_lane_and_another_one_others(envpool):
    def first(*seeds):
        venv = make_envpool("CartPole-v1", 2)
        for seed in seeds:
            venv.seed(seed)
            obs = venv.reset()
        return obs

    np.testing.assert_array_equal(first(3), first(3))
    assert not (first(3) == first(4)).any(1)[0]
    np.testing.assert_array_equal(first(3)[1], first(4)[0])  # lane i has s + i
    np.testing.assert_array_equal(first(3, 4), first(4))  # the last one counts


def test_a_stack_learns_in_pools_of_its_own_what_each_seed_learns_alone(envpool):
    make = lambda seeds: PPO("MlpPolicy", lambda: make_envpool("CartPole-v1", 2), seeds=seeds, n_steps=16, batch_size=8, device="cpu").learn(96)
    stack, alone = make([3, 9]), make([9])
    assert bool((of_parameters(stack.member(1)) == of_parameters(alone)).all())


@pytest.mark.parametrize(("given", "told"), [
    ({"batch_size": 1}, "batch_size=1 for EnvPool's CartPole-v1: all lanes take every step"),
    ({"seed": 3}, "seed=3 for EnvPool's CartPole-v1: call seed"),
    ({"n_envs": 0}, "n_envs=0: EnvPool's CartPole-v1 needs at least one lane"),
])  # fmt: skip
def test_what_a_pool_cannot_be_is_refused_in_one_line(envpool, given, told):
    with pytest.raises(ValueError, match=told):
        EnvPoolVecEnv("CartPole-v1", **{"n_envs": 2, **given})
