"""What Double DQN's target must give. On one network, where θ⁻ is θ, all its mistakes are right: every probe has two that disagree."""

from functools import cache

import numpy as np
import torch
from torch import nn

from from_scratch import DoubleDQN
from sb3_course.teaching.checks import Mistake, array, measured, number, probe, seeded

torch.set_num_threads(1)

SHORT = {
    "learning_starts": 20, "buffer_size": 200, "batch_size": 16, "target_update_interval": 20, "train_freq": 4, "exploration_fraction": 0.5,
    "learning_rate": 1e-2, "policy_kwargs": {"net_arch": [16]}, "device": "cpu",
}  # fmt: skip


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float32).reshape(-1, 1)


def table(*rows):
    """Q as a network whose states are one-hot: rows of values, a state each."""
    values = torch.tensor(rows, dtype=torch.float32)
    q = nn.Linear(len(rows), values.shape[1], bias=False)
    with torch.no_grad():
        q.weight.copy_(values.T)
    return q


def two(found):
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}, should be two numbers")
    return [number(found[0], "what the first says"), number(found[1], "what the second says")]


# --------------------------------------------------------------------------------------------------------- two estimates


@probe("two_estimates", "first 1 3, 2 0 and second 5 4, 6 7: what both say of the actions that the first finds best", expected=[2.5, 5.0])
def estimates_by_hand(answer):
    return two(answer.two_estimates(np.array([[1.0, 3.0], [2.0, 0.0]]), np.array([[5.0, 4.0], [6.0, 7.0]])))


def noise():
    return np.random.default_rng(seeded(0)).normal(size=(2, 2500, 10))


@probe("two_estimates", "ten actions, all worth 0, noise N(0, 1), 2500 states: the best, by the other table", expected=0.0, tolerance=0.1)
def second_opinion(answer):
    found = two(answer.two_estimates(*noise()))
    return measured(found[1], of=found)


@probe("two_estimates", "ten actions, all worth 0, noise N(0, 1), 2500 states: the best, by the table that chose it", expected=1.539, tolerance=0.05)
def nothing_but_noise(answer):
    found = two(answer.two_estimates(*noise()))
    return measured(found[0], of=found)


# ---------------------------------------------------------------------------------------------------------------- target


@probe("double_target", "reward 1, γ = 0.5, Q(s', ·; θ) = 3 1, Q(s', ·; θ⁻) = 2 6: y", expected=[2.0], tolerance=1e-5)
def one_transition(answer):
    return array(answer.double_target(table([3, 1]), table([2, 6]), column(1), torch.eye(1), column(0), 0.5), (1,), "y")


@probe("double_target", "rewards 0 1 2, γ = 0.5, Q(s', ·; θ) = 5 4 0, 6 1 8, 1 7 2 and Q(s', ·; θ⁻) = 1 3 9, 6 5 4, 8 0 4: y", expected=[0.5, 3.0, 2.0],
       tolerance=1e-5)  # fmt: skip
def three_transitions(answer):
    q, q_target = table([5, 4, 0], [6, 1, 8], [1, 7, 2]), table([1, 3, 9], [6, 5, 4], [8, 0, 4])
    return array(answer.double_target(q, q_target, column(0, 1, 2), torch.eye(3), column(0, 0, 0), 0.5), (3,), "y")


@probe("double_target", "the second of two transitions terminates, rewards 1 2, Q(s', ·; θ) = 1 0 each, Q(s', ·; θ⁻) = 4 0 each, γ = 0.5: y",
       expected=[3.0, 2.0], tolerance=1e-5)  # fmt: skip
def the_end(answer):
    return array(answer.double_target(table([1, 0], [1, 0]), table([4, 0], [4, 0]), column(1, 2), torch.eye(2), column(0, 1), 0.5), (2,), "y")


@probe("double_target", "does y carry a gradient?", expected=False)
def gradient_of_the_target(answer):
    return bool(answer.double_target(table([3, 1]), table([2, 6]), column(1), torch.eye(1), column(0), 0.5).requires_grad)


def short_run(cls, seed):
    """The weights at its end, θ and θ⁻."""
    model = cls("MlpPolicy", "CartPole-v1", seed=seed, **SHORT).learn(100)
    return torch.cat([p.detach().flatten() for net in (model.q_net, model.q_net_target) for p in net.parameters()]).double().numpy()


@cache
def of_the_library(seed):
    return short_run(DoubleDQN, seed)


@probe("double_target", "MyDoubleDQN for 100 steps beside from_scratch's DoubleDQN, same seed: the largest difference of a weight", expected=0.0,
       tolerance=1e-5, twice=False)  # fmt: skip
def as_in_the_library(answer):
    difference = short_run(answer.MyDoubleDQN, seeded(3)) - of_the_library(seeded(3))
    return measured(np.abs(difference).max(), of=difference)
