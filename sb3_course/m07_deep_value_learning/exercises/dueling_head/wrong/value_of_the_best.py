"""V is taken for the value of the best action, the maximum of Q

So it would be in eq. (8). Where the mean of A is 0, V is the mean of Q over the actions.
"""

import torch
from torch import nn


def combine(v, a):
    return v + a - a.mean(1, keepdim=True)


def split(q):
    v = q.amax(1, keepdim=True)
    return v, q - v


class Dueling(nn.Module):
    def __init__(self, n_obs, n_actions, n_hidden=32):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(n_obs, n_hidden), nn.ReLU())
        self.value = nn.Linear(n_hidden, 1)
        self.advantage = nn.Linear(n_hidden, n_actions)

    def forward(self, obs):
        features = self.features(obs)
        return combine(self.value(features), self.advantage(features))


if __name__ == "__main__":
    q = Dueling(4, 3)
    print(q(torch.randn(5, 4)).shape)
