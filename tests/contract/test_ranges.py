"""An argument has the same meaningful values in every class that has it: others are refused by the constructor, in one line."""

import math

import numpy as np
import pytest
import torch

from from_scratch import A2C, DQN, PPO, SAC
from from_scratch.core.arguments import RANGES
from tests.contract.probes import OURS, every, make, one_line

NAN, INF = math.nan, math.inf
FRACTION = [-0.1, 2, NAN]
COUNT = [0, -1, 2.5, NAN, "5"]
WRONG = {
    "gamma": FRACTION, "gae_lambda": FRACTION, "q_lambda": FRACTION, "tau": FRACTION,
    "n_steps": COUNT, "batch_size": COUNT, "buffer_size": COUNT, "n_epochs": COUNT, "baseline_steps": COUNT,
    **dict.fromkeys(("cg_max_steps", "line_search_max_iter", "sub_sampling_factor"), COUNT),
    "cg_damping": [-0.1, NAN, INF], "kl_coef": [-0.1, NAN, INF], "line_search_shrinking_factor": FRACTION,
    "target_update_interval": [0, -1, NAN], "policy_delay": [0, -1, NAN],
    "ent_coef": [NAN, INF], "vf_coef": [NAN, INF], "target_entropy": [NAN, INF],
    "target_policy_noise": [-0.1, NAN, INF], "rms_prop_eps": [-1e-5, NAN, INF], "exploration_fraction": [-0.1, NAN],
    "target_noise_clip": [-0.1, NAN], "clip_range": [-0.1, NAN], "target_kl": [-0.1, NAN], "max_grad_norm": [0, -1, NAN],
    "n_critic_updates": [-1, 2.5, NAN], "top_quantiles_to_drop_per_net": [-1, 2.5, NAN], "n_target_critics": [0, 1.5, NAN],
}  # fmt: skip
RIGHT = {  # the ends of what means something
    "gamma": [0.0, 1, np.float32(0.5)], "gae_lambda": [0.0, 1], "q_lambda": [0.0, 1], "tau": [0.0, 1],
    "n_steps": [2, np.int64(3)], "batch_size": [2], "buffer_size": [1], "n_epochs": [1], "baseline_steps": [1],
    "cg_max_steps": [1], "line_search_max_iter": [1], "n_critic_updates": [0, 1], "sub_sampling_factor": [1, np.int64(3)],
    "cg_damping": [0, 1e-3], "kl_coef": [0, 2], "line_search_shrinking_factor": [0.0, 1],
    "target_update_interval": [1, 2.0], "policy_delay": [1],
    "ent_coef": [-0.1, 0.0], "vf_coef": [-0.5, 0], "target_entropy": [-3.0, 0],
    "target_policy_noise": [0], "rms_prop_eps": [0], "exploration_fraction": [0.0],
    "target_noise_clip": [0, INF], "clip_range": [0, INF, lambda progress: 0.1 * progress], "target_kl": [0.0, INF, None], "max_grad_norm": [1e-9, INF],
    "top_quantiles_to_drop_per_net": [0, 24], "n_target_critics": [1, 2],
}  # fmt: skip
NOT_ALL = {("n_steps", None), ("max_grad_norm", None)}  # of some classes only


def having(name):
    return lambda entry: name in entry.load().hyperparameters


def arguments(entry, values):
    return [(name, value) for name in RANGES if having(name)(entry) for value in values[name]]


def test_every_range_is_asked_about_and_some_class_has_the_argument():
    assert set(WRONG) == set(RIGHT) == set(RANGES)
    assert all(any(having(name)(entry) for entry in OURS) for name in RANGES)


@every()
def test_what_means_nothing_is_refused_with_the_argument_its_value_and_the_range(entry):
    for name, value in arguments(entry, WRONG):
        with pytest.raises(ValueError) as error:
            make(entry, **{name: value})
        said = one_line(error)
        assert said.startswith(f"{name}={value!r}: ") and any(word in said for word in ("number", "between", "probability")), said


@every()
def test_the_ends_of_what_means_something_are_taken(entry):
    for name, value in arguments(entry, RIGHT):
        make(entry, **{name: value})


@pytest.mark.parametrize(
    ("cls", "env", "given", "said"),
    [
        (PPO, "CartPole-v1", {"gae_lambda": 2}, "gae_lambda=2: give a number from 0 to 1."),
        (PPO, "CartPole-v1", {"n_epochs": 0}, "n_epochs=0: give a whole number from 1 on."),
        (PPO, "CartPole-v1", {"batch_size": 2.5}, "batch_size=2.5: give a whole number from 1 on."),
        (A2C, "CartPole-v1", {"ent_coef": NAN}, "ent_coef=nan: give a finite number."),
        (A2C, "CartPole-v1", {"max_grad_norm": -1}, "max_grad_norm=-1: give a number above 0."),
        (DQN, "CartPole-v1", {"tau": 2}, "tau=2: give a number from 0 to 1."),
        (DQN, "CartPole-v1", {"buffer_size": 1e5}, "buffer_size=100000.0: give a whole number from 1 on."),
        (DQN, "CartPole-v1", {"train_freq": 0}, "train_freq=0: give a whole number of steps or episodes from 1 on."),
        (DQN, "CartPole-v1", {"exploration_initial_eps": 2}, "exploration_initial_eps=2: a probability or a fraction lies between 0 and 1."),
        (SAC, "Pendulum-v1", {"ent_coef": "high"}, "ent_coef='high': give a number, \"auto\", or \"auto_0.1\" with where it starts."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_the_line_is(cls, env, given, said):
    with pytest.raises(ValueError) as error:
        cls("MlpPolicy", env, device="cpu", **given)
    assert str(error.value) == said


def test_an_argument_of_a_user_s_class_may_mean_something_else():
    class Softened(PPO):
        tau: float = 5.0  # a temperature

    assert Softened("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, device="cpu").tau == 5.0
    assert isinstance(Softened("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, tau=torch.tensor(7.0), device="cpu").tau, torch.Tensor)
    with pytest.raises(ValueError, match=r"^gae_lambda=2: "):
        Softened("MlpPolicy", "CartPole-v1", gae_lambda=2)
