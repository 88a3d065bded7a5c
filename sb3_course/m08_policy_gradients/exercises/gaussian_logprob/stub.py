"""Log-probabilities of a Gaussian policy (Spinning Up, exercise 1.1; Williams 1992, section 6).

An action has n components. Component i is drawn from a normal distribution with mean μ_i and standard deviation σ_i, independently of the others. A network
gives the means, one row for each observation: mean [M, n]. The deviations are parameters of their own, the same for all observations, and kept as logarithms,
so that no step can make them negative: log_std [n], σ = e^log_std.

    density of one component:    1 / (σ √(2π)) · e^(−(a − μ)² / (2σ²))

A worked example with M = 1, n = 2: a = (1, 2), μ = (0, 0), log_std = (0, ln 2), so σ = (1, 2). The first component has ln density −½ − ½ ln 2π, the second
−½ − ln 2 − ½ ln 2π. Together −1 − ln 2 − ln 2π = −3.531.

All arguments are tensors, and so are the results; gradients must flow through them.
"""

import math

import torch


def log_prob(action, mean, log_std):
    """ln π(a|s) of each action of a batch, [M]. action, mean [M, n], log_std [n].

    Without torch.distributions: take the logarithm of the density first, by hand, and use log_std as it is.
    """
    raise NotImplementedError("your turn: the log-probability")


def entropy(log_std):
    """−E[ln π(a|s)], one number. log_std [n]. A normal distribution's entropy does not depend on its mean."""
    raise NotImplementedError("your turn: the entropy")


def kl(old_mean, old_log_std, mean, log_std):
    """KL(π_old ‖ π) = E_{a ~ π_old}[ln π_old(a|s) − ln π(a|s)] of each observation, [M]. The means are [M, n], the others [n].

    Of one component: ln(σ / σ_old) + (σ_old² + (μ_old − μ)²) / (2σ²) − ½
    """
    raise NotImplementedError("your turn: the divergence")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(log_prob(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2), torch.tensor([0.0, math.log(2)])))
