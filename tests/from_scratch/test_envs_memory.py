"""Environments that ask for memory: no velocities, flickering observations, the memory chain."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.envs import Flicker, MaskVelocity, MemoryChain


def played(env: gym.Env, steps: int = 60, seed: int = 0) -> tuple[np.ndarray, list[float]]:
    """Observations [steps + 1, ...] and rewards of episodes under random actions."""
    env.action_space.seed(seed)
    seen, rewards = [env.reset(seed=seed)[0]], []
    for _ in range(steps):
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        seen.append(env.reset()[0] if terminated or truncated else obs)
        rewards.append(float(reward))
    return np.array(seen), rewards


# --------------------------------------------------------------------------------------------------------------- without velocities
@pytest.mark.parametrize(
    ("id", "version", "hidden"),
    [("CartPole", "v1", [1, 3]), ("Pendulum", "v1", [2])],
)
def test_of_gymnasium_s_environment_the_velocities_are_0_and_nothing_else_is_changed(id, version, hidden):
    env, whole = gym.make(f"from_scratch/{id}NoVel-{version}"), gym.make(f"{id}-{version}")
    seen, rewards = played(env)
    all_of_it, same = played(whole)
    all_of_it[:, hidden] = 0
    np.testing.assert_array_equal(seen, all_of_it, strict=True)
    assert rewards == same
    assert env.spec.max_episode_steps == whole.spec.max_episode_steps and env.observation_space == whole.observation_space


def test_the_wrapper_knows_subclasses_of_what_it_knows_and_refuses_the_rest():
    assert (MaskVelocity(gym.make("from_scratch/Pendulum-v0")).reset(seed=0)[0] != 0).tolist() == [True, True, False]
    assert MaskVelocity(gym.make("Acrobot-v1")).reset(seed=0)[0].nonzero()[0].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"does not know the velocities of .*FrozenLake.*; it knows those of CartPoleEnv"):
        MaskVelocity(gym.make("FrozenLake-v1"))


# ----------------------------------------------------------------------------------------------------------------------- flickering
def test_a_share_p_of_the_observations_is_0_and_the_episodes_stay_what_they_are():
    whole, rewards = played(gym.make("Pendulum-v1"), 1000)
    seen, same = played(Flicker(gym.make("Pendulum-v1"), p=0.25), 1000)
    failed = (seen == 0).all(1)
    assert failed.mean() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 1001) ** 0.5)
    np.testing.assert_array_equal(seen[~failed], whole[~failed])
    assert rewards == same


def test_the_seed_says_which_observations_fail():
    first, again, other = (played(Flicker(gym.make("CartPole-v1")), seed=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert ((first == 0).all(1) != (other == 0).all(1)).any()


def test_an_episode_s_first_observation_fails_as_often_as_any_other():
    env = Flicker(gym.make("CartPole-v1"))
    env.reset(seed=0)
    assert np.mean([(env.reset()[0] == 0).all() for _ in range(400)]) == pytest.approx(0.5, abs=4 * 0.5 / 20)


def test_what_is_no_probability_or_no_array_is_refused():
    with pytest.raises(ValueError, match=r"p=1.5: the probability .* \[0, 1\]"):
        Flicker(gym.make("CartPole-v1"), p=1.5)
    with pytest.raises(ValueError, match="needs observations in a Box; these are in Discrete"):
        Flicker(gym.make("FrozenLake-v1"))


# ----------------------------------------------------------------------------------------------------------------- the memory chain
def test_the_bits_are_shown_first_and_asked_for_last():
    env = MemoryChain(length=3, n_bits=2)
    for seed in range(8):
        seen = [env.reset(seed=seed)[0].tolist(), *(env.step(0)[0].tolist() for _ in range(2))]
        time_left = pytest.approx([1, 2 / 3, 1 / 3])
        assert [obs[0] for obs in seen] == time_left
        assert [obs[1:] for obs in seen] == [[0, *(1 if bit else -1 for bit in env.bits)], [0, 0, 0], [env.asked, 0, 0]]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_last_of_length_actions_is_the_answer_and_ends_the_episode(length):
    env = MemoryChain(length)
    for seed in range(8):
        obs, _ = env.reset(seed=seed)
        bit = int(obs[2] > 0)
        results = [env.step(1 - bit)[1:4] for _ in range(length - 1)] + [env.step(bit if seed % 2 else 1 - bit)[1:4]]
        assert results == [(0.0, False, False)] * (length - 1) + [(1.0 if seed % 2 else -1.0, True, False)]


def test_bits_and_questions_are_drawn_evenly():
    env = MemoryChain(length=2, n_bits=2)
    env.reset(seed=0)
    drawn = np.array([[*env.bits, env.asked] for _ in range(400) if env.reset()])
    assert drawn.mean(0) == pytest.approx(0.5, abs=4 * 0.5 / 20)


def test_observations_lie_in_their_space():
    env = MemoryChain(length=4, n_bits=3)
    seen, _ = played(env, 40)
    assert all(obs in env.observation_space for obs in seen)


@pytest.mark.parametrize(("name", "value"), [("length", 0), ("n_bits", -1)])
def test_a_chain_without_links_or_bits_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}: it is at least 1"):
        MemoryChain(**{name: value})
