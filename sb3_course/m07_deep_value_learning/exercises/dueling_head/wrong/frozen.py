"""the features are computed without a gradient: both streams learn, and what they see never does"""

import torch
from torch import nn


def combine(v, a):
    return v + a - a.mean(1, keepdim=True)


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
        with torch.no_grad():
            features = self.features(obs)
        return combine(self.value(features), self.advantage(features))


if __name__ == "__main__":
    q = Dueling(4, 3)
    print(q(torch.randn(5, 4)).shape)
