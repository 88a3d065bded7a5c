"""What the tests of learners from data sets share: other libraries' numbers, their networks of one hidden layer, and data sets made by hand."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.data import Transition
from from_scratch.core.datasets import Dataset

OF_MLP = {"h0.W": "0.weight", "h0.b": "0.bias", "out.W": "2.weight", "out.b": "2.bias"}


class Three(gym.Env):
    """Vectors of three numbers, not to be played."""

    observation_space = spaces.Box(-10, 10, (3,))

    def __init__(self, action_space):
        self.action_space = action_space


def golden(name):
    """What the other library was given, and what it answered."""
    found = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    return found["inputs"], found["expected"]


def take(mlp, weights):
    mlp.load_state_dict({OF_MLP[name]: torch.tensor(x) for name, x in weights.items()})


def assert_gradient(mlp, expected, atol=1e-5):
    parameters = dict(mlp.named_parameters())
    for name, path in OF_MLP.items():
        np.testing.assert_allclose(parameters[path].grad.numpy(), expected[name], atol=atol, err_msg=name)


def batch(given, discrete=False):
    """The other library's transitions as a batch of one seed."""
    of = lambda name: torch.tensor(given[name])[None]
    action = of("action")[..., None] if discrete else of("action")
    discount = given.get("gamma", 1.0) * (1 - of("terminated"))
    return Transition(of("obs"), action, of("reward"), of("next_obs"), discount)


def differentiated(net, equation, *data):
    """An equation's loss and metrics; the gradients are the modules' afterwards."""
    loss, metrics = net.rows.differentiate(equation, *data)
    net.rows.backward(loss)
    net.rows.lend()
    return (loss.value if hasattr(loss, "value") else metrics.get("loss", next(iter(metrics.values())))).item(), {k: v.item() for k, v in metrics.items()}


def recorded(actions, action_space, rewards=None, lengths=None, observations=None, name="by hand"):
    """A data set of vectors of three numbers; `lengths` of its episodes, which all terminate."""
    n, rng = len(actions), np.random.default_rng(0)
    ends = np.zeros(n, bool)
    ends[np.cumsum(lengths or [n]) - 1] = True
    obs = rng.normal(size=(n, 3)).astype(np.float32) if observations is None else observations
    space = spaces.Box(-10, 10, (3,))
    rewards = np.zeros(n, np.float32) if rewards is None else np.asarray(rewards, np.float32)
    return Dataset(obs, np.asarray(actions), rewards, np.roll(obs, -1, 0), ends, np.zeros(n, bool), space, action_space, name)
