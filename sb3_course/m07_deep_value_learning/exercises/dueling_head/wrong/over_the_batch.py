"""the mean is over the batch, axis 0, and not over the actions

Then a state's values depend on which other states were drawn with it. With a batch of one Q is V for every action.
"""

import torch
from torch import nn


def combine(v, a):
    return v + a - a.mean(0, keepdim=True)


def split(q):
    v = q.mean(1, keepdim=True)
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
