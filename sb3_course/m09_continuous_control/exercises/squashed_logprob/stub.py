"""A squashed Gaussian and its density (Haarnoja et al. 2018, arXiv:1801.01290, eq. 21).

Actions have bounds, a Gaussian has none. So SAC draws u from a Gaussian and plays a = tanh(u), which lies between −1 and 1. The same probability now
lies on less room, and so its density is larger: by du/da = 1 / (1 − tanh²u) in each component. In logarithms

    log π(a|s) = Σ over the components of [ log N(u; μ, σ) − log(1 − tanh²(u)) ]

    log N(u; μ, σ) = −½ ((u − μ) / σ)² − log σ − ½ log 2π

A density integrates to 1. That is how you can check yours without knowing anything else.
"""

import math

import torch


def squashed_logprob(mean, log_std, noise):
    """A sample and its log-density: a [M, n] and log π(a|s) [M], both with gradients for mean and log_std.

        u = μ + σ · noise        a = tanh(u)

    mean (μ) and noise: [M, n]; log_std (log σ): [n] or [M, n]. It must stay finite for large u, too: at u = 20 single precision has tanh(u) = 1, and
    log(1 − 1) is −∞. The identity log(1 − tanh²u) = 2 (log 2 − u − log(1 + e^{−2u})) helps; torch.nn.functional.softplus(x) is log(1 + eˣ).

    A worked example: n = 1, μ = 0, σ = 1, noise 0. Then u = 0, a = 0, and log π = −½ log 2π − log 1 = −0.9189.
    """
    raise NotImplementedError("your turn: sample, squash, and correct the density")


def log_prob_of(mean, log_std, action):
    """log π(a|s) [M] of given actions [M, n], of which the noise is not known: u = artanh(a). Actions of exactly ±1 are moved inwards by 1e-6 first."""
    raise NotImplementedError("your turn: the density of an action")


if __name__ == "__main__":  # not part of the exercise: actions, and the density at each
    a, log_pi = squashed_logprob(torch.zeros(5, 1), torch.zeros(1), torch.linspace(-2, 2, 5).reshape(-1, 1))
    print(torch.cat([a, log_pi.exp().reshape(-1, 1)], 1))
    print("a standard normal has at most", 1 / math.sqrt(2 * math.pi))
