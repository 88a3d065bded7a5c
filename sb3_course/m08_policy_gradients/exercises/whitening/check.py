"""What a batch's weights and loss must be: by hand; and whether a bandit, whose episodes are of one step, is learnt with them."""

import numpy as np
import torch

from sb3_course.teaching.checks import Mistake, array, measured, number, probe, seeded
from sb3_course.teaching.outputs import short

torch.set_num_threads(1)


def batch(*episodes):
    return [torch.tensor(rewards, dtype=torch.float32) for rewards in episodes]


def whitened(answer, episodes):
    """What whiten gives, in one row."""
    found = answer.whiten(episodes)
    if not isinstance(found, list | tuple) or len(found) != len(episodes):
        raise Mistake(f"it gives {short(found)}, should be a list of {len(episodes)} tensors")
    return np.concatenate([array(w, tuple(returns.shape), f"the weight of episode {i}") for i, (w, returns) in enumerate(zip(found, episodes))])


@probe("whiten", "returns 20 10, 2 1 and 7: the weights", expected=(np.array([20, 10, 2, 1, 7]) - 8) / 46.8**0.5, tolerance=1e-5)
def by_hand(answer):
    return whitened(answer, batch([20, 10], [2, 1], [7]))


@probe("whiten", "returns 3 1 and 2 2 2 2: their mean, and their mean square", expected=[0.0, 1.0], tolerance=1e-5)
def moments(answer):
    w = whitened(answer, batch([3, 1], [2, 2, 2, 2]))
    return measured(np.array([w.mean(), (w**2).mean()]), of=w)


@probe("whiten", "three episodes of one step, returns 1 1 1: the weights", expected=[0.0, 0.0, 0.0], tolerance=1e-5)
def all_equal(answer):
    return whitened(answer, batch([1], [1], [1]))


@probe("whiten", "one episode of one step: its weight", expected=[0.0], tolerance=1e-5)
def alone(answer):
    return whitened(answer, batch([5]))


def learnt(answer, seed):
    """π(better arm) of a bandit that pays 1 and 0, after 40 batches of eight episodes, from ½."""
    draw, p = np.random.default_rng(seed), 0.5
    for _ in range(40):
        a = draw.random(8) < p
        w = whitened(answer, batch(*([float(x)] for x in a)))
        theta = np.log(p / (1 - p)) + 0.3 * np.mean(w * (a - p))
        p = 1 / (1 + np.exp(-theta))
    return p


@probe("whiten", "a bandit that pays 1 and 0, mean of 8 seeds: π(better arm) after 40 batches of 8 episodes", between=(0.92, 1.0), twice=False)
def bandit(answer):
    return float(np.mean([learnt(answer, seeded(10 * k)) for k in range(8)]))


def tensors(*rows):
    return [torch.tensor(row, dtype=torch.float32, requires_grad=True) for row in rows]


@probe("loss", "ln π = -1 -2 and -3, weights 2 1 and -1: the loss", expected=0.5, tolerance=1e-5)
def loss_by_hand(answer):
    return number(answer.loss(tensors([-1, -2], [-3]), batch([2, 1], [-1])), "the loss")


@probe("loss", "ln π = -1 -2 and -3, weights 2 1 and -1: its derivative for each ln π", expected=[-1.0, -0.5, 0.5], tolerance=1e-5)
def gradient(answer):
    log_probs = tensors([-1, -2], [-3])
    answer.loss(log_probs, batch([2, 1], [-1])).backward()
    return np.concatenate([array(x.grad, tuple(x.shape), "the derivative") for x in log_probs])
