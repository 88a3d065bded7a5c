"""The line search of TRPO (Schulman et al. 2015, arXiv:1502.05477, eq. 14 and appendix C).

Preferences θ [S, A] give a policy in each state, π(a|s) = e^θ(s,a) / Σ_b e^θ(s,b). `softmax` is written already.

A worked example of the search: θ = 0, the step is 8, shrinking 0.5. It tries 8, then 4, then 2, then 1, … and stops at the first θ that is better than
the old one and near enough. If it is 2, then 1 is not tried any more, even if that were better still.
"""

import numpy as np


def softmax(theta):
    """π [S, A] of θ [S, A]."""
    e = np.exp(theta - theta.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def objective_and_kl(theta, theta_old, d, advantage):
    """L(θ) and KL(θ), two numbers. d [S] says how often the old policy comes to each state, and sums to 1; advantage [S, A] = Â(s, a) of the old policy.

    L = Σ_s d(s) Σ_a π(a|s) Â(s, a)                          what the old policy's samples, weighted by the ratio, would give in the mean
    KL = Σ_s d(s) Σ_a π_old(a|s) ln(π_old(a|s) / π(a|s))     the mean of KL(π_old ‖ π)
    """
    raise NotImplementedError("your turn: what the search looks at")


def line_search(theta, step, evaluate, delta, shrinking=0.8, n_tries=10):
    """The new θ, and whether it moved (True or False). theta and step are arrays of one shape, and stay as they are.

        for i = 0, 1, … n_tries − 1:   try θ + shrinking^i · step
            the first one with L above that of the old θ, and with KL below delta, is taken

    If none is so, the old θ stays. evaluate(θ) gives L and KL, two numbers; it costs a pass over all data, so ask it once for each θ that is tried.
    """
    raise NotImplementedError("your turn: look before you go")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    old, d, advantage = np.zeros((1, 3)), np.ones(1), np.array([[1.0, 0.0, -1.0]])
    print(line_search(old, 10 * advantage, lambda theta: objective_and_kl(theta, old, d, advantage), 0.01, n_tries=30))
