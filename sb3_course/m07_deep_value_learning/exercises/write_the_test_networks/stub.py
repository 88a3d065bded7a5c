"""Exercise: tests of an agent's networks.

Each test gets a class, makes agents of it, and uses `assert`. If the agent is right it comes to its end; if not, an assert fails. An example, for a network
that gives too few values:

    def test_shape(Agent):
        agent = Agent(n_obs=3, n_actions=2)
        assert agent.q(torch.zeros(5, 3)).shape == (5, 2), "not a value for each action"

Use what the docstring of Agent promises, and nothing else: other right agents have other layers, other names and other optimisers. agent.q.parameters() gives
all weights of a network, whatever its layers are called; clone() them if you want to compare them with later ones.
"""

import copy

import torch
from torch import nn


class Agent:
    """Values of n_actions, of observations with n_obs numbers. This one is right.

    q, q_target: networks, torch.nn.Module, [M, n_obs] → [M, n_actions]. Both begin with the same weights.
        Weights are drawn at random: the same seed gives the same, another one others. The units of a layer differ from each other. Values of observations
        about as large as 1 lie between −5 and 5 at the beginning.
    learn(obs, action, y): one step of gradient descent, which brings Q(s, a) nearer to y: obs [M, n_obs], action [M] whole numbers, y [M]. Every layer of q
        has its part in it; q_target has none.
    sync(): q_target gives what q gives now, and goes on giving that while q learns.
    """

    def __init__(self, n_obs, n_actions, seed=0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.q = nn.Sequential(nn.Linear(n_obs, 16), nn.ReLU(), nn.Linear(16, n_actions))
        self.q_target = copy.deepcopy(self.q)
        self.optimiser = torch.optim.Adam(self.q.parameters(), lr=0.01)

    def learn(self, obs, action, y):
        chosen = self.q(obs).gather(1, action[:, None])[:, 0]
        self.optimiser.zero_grad()
        ((chosen - y) ** 2).mean().backward()
        self.optimiser.step()

    def sync(self):
        self.q_target.load_state_dict(self.q.state_dict())


def test_target(Agent):
    """What q_target gives: at the beginning, while q learns, after sync, and while q learns on."""
    raise NotImplementedError("your turn: test the target network")


def test_init(Agent):
    """The weights at the beginning: random, by the seed, units that differ, values of a reasonable size."""
    raise NotImplementedError("your turn: test the beginning")


def test_learning(Agent):
    """What learning moves: Q(s, a) towards y, by every layer of q."""
    raise NotImplementedError("your turn: test a step of learning")


if __name__ == "__main__":  # not part of the exercise: your tests on the agent above
    for test in (test_target, test_init, test_learning):
        test(Agent)
        print(test.__name__, "passes on an agent that is right")
