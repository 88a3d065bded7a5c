"""Tests of an agent's networks once more: everything as one long vector, and one observation at a time."""

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector

OBS = torch.tensor([[1.0, -1.0, 0.5, 0.0], [0.3, 0.8, -0.6, 1.2], [-0.9, 0.1, 0.4, -1.1]])


def vector(network):
    return parameters_to_vector(network.parameters()).detach().numpy().copy()


def teach(agent, times=5):
    for _ in range(times):
        for action in range(3):
            agent.learn(OBS, torch.full((3,), action), torch.tensor([2.0, -3.0, 4.0]))


def test_target(Agent):
    agent = Agent(4, 3, seed=1)
    assert agent.q is not agent.q_target
    assert np.allclose(agent.q(OBS).detach(), agent.q_target(OBS).detach())
    for _ in range(3):
        old = vector(agent.q_target)
        teach(agent)
        assert np.array_equal(old, vector(agent.q_target))
        assert not np.allclose(agent.q(OBS).detach(), agent.q_target(OBS).detach())
        agent.sync()
        assert np.allclose(agent.q(OBS).detach(), agent.q_target(OBS).detach())


def test_init(Agent):
    vectors = [vector(Agent(4, 3, seed=seed).q) for seed in (1, 1, 2)]
    if not np.array_equal(vectors[0], vectors[1]) or np.array_equal(vectors[0], vectors[2]):
        raise AssertionError("the seed does not decide")
    agent = Agent(4, 3, seed=1)
    assert float(agent.q(OBS).detach().abs().max()) <= 5
    matrices = [p.detach().numpy() for p in agent.q.parameters() if p.ndim > 1]
    assert all(np.std(m, axis=0).min() > 1e-6 for m in matrices)


def test_learning(Agent):
    agent = Agent(4, 3, seed=2)
    action, y = torch.tensor([0, 1, 2]), torch.tensor([3.0, -3.0, 3.0])
    gap = lambda: float((agent.q(OBS)[range(3), action] - y).detach().abs().sum())
    shapes, old, before = [p.numel() for p in agent.q.parameters()], vector(agent.q), gap()
    for _ in range(20):
        agent.learn(OBS, action, y)
    assert gap() < before
    moved = np.split(vector(agent.q) != old, np.cumsum(shapes)[:-1])
    assert all(part.any() for part in moved)
