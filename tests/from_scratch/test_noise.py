"""Coloured action noise: its spectrum and its variance by hand, episodes, seeds, files and configurations."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.noise import VectorizedActionNoise

from benchmarks import UserError
from benchmarks.studies.hyperparams import constructor_arguments
from from_scratch import TD3
from from_scratch.noise import ColoredActionNoise, PinkActionNoise, coloured


def test_two_steps_are_a_mean_and_a_difference():
    """T = 2, β = 1: f = (½, ½), so s = (√2, √2); the mean's and the difference's amplitudes are equal, and each is 1/√2 for a normal number of 1."""
    np.testing.assert_allclose(coloured(1.0, np.array([1.0, 0.0]), np.zeros(2), 2), [0.5**0.5, 0.5**0.5])
    np.testing.assert_allclose(coloured(1.0, np.array([0.0, 1.0]), np.zeros(2), 2), [0.5**0.5, -(0.5**0.5)])


def test_four_steps_of_red_noise_have_the_amplitudes_of_one_over_f():
    """T = 4, β = 2: f = (¼, ¼, ½), s = 1/f = (4, 4, 2), powers 2·16, 4·16 and 2·4, together 104: a cosine of 1 has the amplitude 2·4/√104."""
    cosine = coloured(2.0, np.array([0.0, 1.0, 0.0]), np.zeros(3), 4)
    np.testing.assert_allclose(cosine, 8 / 104**0.5 * np.array([1, 0, -1, 0]), atol=1e-12)
    highest = coloured(2.0, np.array([0.0, 0.0, 1.0]), np.zeros(3), 4)
    np.testing.assert_allclose(highest, 2**0.5 * 2 / 104**0.5 * np.array([1, -1, 1, -1]), atol=1e-12)


@pytest.mark.parametrize("T", [1, 2, 5, 8, 200])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0])
def test_every_step_has_unit_variance(beta, T):
    """Exactly: the squares of what each normal number contributes to a step add up to 1."""
    n = T // 2 + 1
    of_real, of_imaginary = coloured(beta, np.eye(n), np.zeros((n, n)), T), coloured(beta, np.zeros((n, n)), np.eye(n), T)
    np.testing.assert_allclose((of_real**2 + of_imaginary**2).sum(0), np.ones(T))


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0])
def test_power_falls_as_the_frequency_to_the_beta(beta):
    np.random.seed(0)
    noise = ColoredActionNoise(beta, np.ones(400), 256)
    x = np.stack([noise() for _ in range(256)])
    power, f = (np.abs(np.fft.rfft(x, axis=0)) ** 2).mean(1)[1:-1], np.fft.rfftfreq(256)[1:-1]
    slope = np.polyfit(np.log(f), np.log(power), 1)[0]
    assert slope == pytest.approx(-beta, abs=0.03)


def test_each_action_may_have_a_colour_and_a_size_of_its_own():
    np.random.seed(0)
    noise = ColoredActionNoise([0.0, 2.0], [0.1, 3.0], 100)
    x = np.concatenate([[noise() for _ in range(100)] for _ in range(300)])
    assert x.shape == (30_000, 2) and noise().dtype == np.float32
    assert x.std(0) == pytest.approx([0.1, 3.0], rel=0.15)
    jumps = np.diff(x.reshape(300, 100, 2), axis=1).std((0, 1)) / x.std(0)
    assert jumps[0] > 1.3 and jumps[1] < 0.3


def test_an_episode_begins_a_new_sequence_and_a_longer_one_goes_on_with_another():
    np.random.seed(0)
    noise = PinkActionNoise(np.ones(1), 4)
    first = [noise().item() for _ in range(2)]
    noise.reset()
    np.random.seed(0)
    assert [noise().item() for _ in range(2)] == first
    assert len({noise().item() for _ in range(10)}) == 10


def test_a_pickle_goes_on_with_the_same_sequence():
    np.random.seed(0)
    noise = PinkActionNoise(np.ones(2), 50)
    noise()
    copy = pickle.loads(pickle.dumps(noise))
    np.testing.assert_array_equal(np.stack([noise() for _ in range(10)]), np.stack([copy() for _ in range(10)]))


def test_environments_have_sequences_of_their_own_and_start_anew_alone():
    np.random.seed(0)
    noise = VectorizedActionNoise(PinkActionNoise(np.ones(1), 50), 3)
    noise()
    went_on = [each.sequence for each in noise.noises]
    noise.reset(indices=[1])
    noise()
    assert [new.sequence is old for new, old in zip(noise.noises, went_on, strict=True)] == [True, False, True]


def test_every_seed_draws_from_its_own_stream():
    def trained(seeds):
        pink = PinkActionNoise(np.full(1, 0.3), 30)
        small = {"learning_starts": 10, "batch_size": 8, "buffer_size": 100, "policy_kwargs": {"net_arch": [8]}, "n_envs": 2}
        return TD3("MlpPolicy", "Pendulum-v1", seeds=seeds, device="cpu", action_noise=pink, **small).learn(60)

    alone, stack = trained([3]), trained([1, 3])
    np.testing.assert_array_equal(alone.replay_buffers[0].actions[:30], stack.replay_buffers[1].actions[:30])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, [1.0], 0), "seq_len=0: give how many steps"), (([1.0, 2.0], [1.0], 5), r"beta has shape \(2,\) and sigma \(1,\)"),
        ((np.nan, [1.0], 5), "give finite numbers"), ((1.0, [-1.0], 5), "sigma from 0 on"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        ColoredActionNoise(*arguments)


def test_a_study_names_its_colour():
    space = gym.spaces.Box(-1, 1, (2,))
    noise = constructor_arguments({"noise_type": "pink", "noise_std": 0.3, "noise_steps": 200}, space)["action_noise"]
    assert (noise.beta, noise.sigma.tolist(), noise.seq_len) == (1.0, [0.3, 0.3], 200)
    with pytest.raises(UserError, match="noise_type: 'blue' is not one of normal, ornstein-uhlenbeck, pink, red"):
        constructor_arguments({"noise_type": "blue", "noise_std": 0.3}, space)
