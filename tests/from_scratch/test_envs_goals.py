"""Bit flipping, the pendulum of other masses and lengths, and scaled rewards."""

import gymnasium as gym
import numpy as np
import pytest

from from_scratch.envs import BitFlipping, NoisyReward, Pendulum, ScaleReward


# --------------------------------------------------------------------------------------------------------------------- bit flipping
def test_action_i_flips_bit_i_and_nothing_else():
    env = BitFlipping(n=3)
    before, _ = env.reset(seed=0)
    after, *_ = env.step(1)
    assert (after["observation"] - before["observation"]).nonzero()[0].tolist() == [1]
    assert (after["desired_goal"] == before["desired_goal"]).all()


def test_flipping_every_bit_that_is_wrong_reaches_the_goal_and_ends_the_episode():
    env = BitFlipping(n=8)
    for seed in range(20):
        obs, info = env.reset(seed=seed)
        assert not info["is_success"]
        wrong = np.flatnonzero(obs["observation"] != obs["desired_goal"])
        results = [env.step(i)[1:] for i in wrong]
        assert [reward for reward, *_ in results] == [-1.0] * (len(wrong) - 1) + [0.0]
        assert results[-1] == (0.0, True, False, {"is_success": True})
        assert not any(terminated for _, terminated, *_ in results[:-1])


def test_after_n_steps_without_the_goal_the_episode_is_cut_short():
    env = BitFlipping(n=4)
    obs, _ = env.reset(seed=0)
    right = int(np.flatnonzero(obs["observation"] == obs["desired_goal"])[0])
    results = [env.step(right)[1:] for _ in range(4)]  # there and back: the other bits stay wrong
    assert [(terminated, truncated) for _, terminated, truncated, _ in results] == [(False, False)] * 3 + [(False, True)]


def test_no_episode_begins_at_its_goal():
    env = BitFlipping(n=1)
    assert all((obs["observation"] != obs["desired_goal"]).all() for obs, _ in (env.reset(seed=seed) for seed in range(20)))


def test_rewards_of_many_goals_are_computed_at_once():
    """What hindsight asks: one row a transition."""
    achieved, wanted = np.array([[0, 1], [1, 1], [0, 0]]), np.array([[0, 1], [0, 1], [1, 1]])
    assert BitFlipping(n=2).compute_reward(achieved, wanted, [{}, {}, {}]).tolist() == [0.0, -1.0, -1.0]


def test_what_was_observed_stays_what_it_was():
    env = BitFlipping(n=2)
    before, _ = env.reset(seed=0)
    copy = {key: value.copy() for key, value in before.items()}
    env.step(0)
    assert all((before[key] == copy[key]).all() for key in copy)


def test_bits_are_drawn_above_their_goal():
    env = BitFlipping(n=3, render_mode="ansi")
    obs, _ = env.reset(seed=0)
    drawn = [[float(c) for c in line] for line in env.render().splitlines()]
    assert drawn == [obs["observation"].tolist(), obs["desired_goal"].tolist()]


def test_without_bits_there_is_no_game():
    with pytest.raises(ValueError, match="n=0: there is at least one bit"):
        BitFlipping(n=0)


# ------------------------------------------------------------------------------------------------------------------------- pendulum
def played(env: gym.Env, seed: int = 0) -> list[float]:
    env.reset(seed=seed)
    return [float(env.step(np.ones(1, np.float32))[1]) for _ in range(50)]


def test_with_mass_1_and_length_1_it_is_gymnasium_s_pendulum():
    assert played(gym.make("from_scratch/Pendulum-v0")) == played(gym.make("Pendulum-v1"))


def test_a_torque_turns_a_heavier_or_longer_pendulum_less():
    """θ̈ = 3g/2l sin θ + 3u/ml²; hanging at rest the first term is 0, so that in one step of 0.05 s θ̇ = 0.15 u / ml²."""
    for mass, length in ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0)):
        env = Pendulum(mass=mass, length=length)
        env.reset(seed=0)
        env.state = np.array([np.pi, 0.0])
        obs, *_ = env.step(np.ones(1, np.float32))
        assert obs[2] == pytest.approx(0.15 / (mass * length**2), rel=1e-5)


def test_each_episode_draws_a_mass_and_a_length_of_the_range():
    env = Pendulum(mass=(0.5, 1.0), length=(2.0, 3.0))
    env.reset(seed=0)
    drawn = np.array([(env.m, env.l) for _ in range(200) if env.reset()])
    assert (drawn.min(0) >= (0.5, 2.0)).all() and (drawn.max(0) <= (1.0, 3.0)).all()
    assert drawn.mean(0) == pytest.approx((0.75, 2.5), abs=0.1) and abs(np.corrcoef(drawn.T)[0, 1]) < 0.2


def test_the_same_seed_starts_at_the_same_angle_whatever_the_range():
    assert (Pendulum().reset(seed=3)[0] == Pendulum(mass=(0.5, 1.5)).reset(seed=3)[0]).all()


@pytest.mark.parametrize("mass", [0.0, (2.0, 1.0), (-1.0, 1.0)])
def test_what_is_no_mass_is_refused(mass):
    with pytest.raises(ValueError, match=r"mass=.*: give a number above 0, or two of them, the smaller first"):
        Pendulum(mass=mass)


# ------------------------------------------------------------------------------------------------------------------- scaled rewards
def test_rewards_are_multiplied_and_nothing_else_changes():
    plain, scaled = gym.make("Pendulum-v1"), ScaleReward(gym.make("Pendulum-v1"), 10.0)
    assert played(scaled) == pytest.approx([10 * reward for reward in played(plain)])


@pytest.mark.parametrize("scale", [0, -1, float("nan")])
def test_a_scale_that_turns_rewards_over_is_refused(scale):
    with pytest.raises(ValueError, match="multiplied by a number above 0"):
        ScaleReward(gym.make("Pendulum-v1"), scale)


# --------------------------------------------------------------------------------------------------------------------- noisy rewards
def test_noise_has_the_spread_that_was_asked_for_and_no_mean():
    noisy = NoisyReward(gym.make("Pendulum-v1"), std=3.0)
    noisy.reset(seed=0)
    noise = np.array([noisy.reward(-1.0) + 1.0 for _ in range(4000)])
    assert abs(noise.mean()) < 4 * 3.0 / len(noise) ** 0.5
    assert noise.std() == pytest.approx(3.0, rel=4 / (2 * len(noise)) ** 0.5)


def test_noise_comes_from_the_environments_own_stream():
    assert played(NoisyReward(gym.make("Pendulum-v1"))) == played(NoisyReward(gym.make("Pendulum-v1")))


def test_a_spread_below_zero_is_refused():
    with pytest.raises(ValueError, match="a standard deviation is not negative"):
        NoisyReward(gym.make("Pendulum-v1"), -1.0)
