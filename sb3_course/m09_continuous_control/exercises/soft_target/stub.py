"""The soft target of SAC, and its actor's loss (Haarnoja et al. 2018, arXiv:1801.01290).

SAC maximises the sum of rewards plus α times the entropy of its policy at each state to come. The entropy is the mean of −log π(a|s), so one sampled
action a' ~ π(·|s') is enough for an estimate. Q(s, a) holds the reward of a, and all that follows behind it: the entropy at s itself is not in Q.

All arguments are [M], tensors; gamma is a number, alpha (α) a number or a tensor without axes.
"""

import torch


def soft_value(q1, q2, log_pi, alpha):
    """An estimate of V(s), [M], from one action a ~ π(·|s): min(Q₁(s, a), Q₂(s, a)) − α log π(a|s) (eq. 3).

    A worked example: Q₁ = 3, Q₂ = 4, log π = −0.5, α = 0.2. V = 3 + 0.1 = 3.1.
    """
    raise NotImplementedError("your turn: a value with entropy")


def soft_target(q1_next, q2_next, log_pi_next, reward, terminated, alpha, gamma):
    """y [M], without a gradient.

        y = r + γ · (1 − terminated) · V(s')

    q1_next, q2_next, log_pi_next: of an action a' ~ π(·|s'). terminated: 0.0 or 1.0; behind an end there is neither value nor entropy.
    """
    raise NotImplementedError("your turn: the target")


def actor_loss(q1, q2, log_pi, alpha):
    """What the actor descends on, one number: the mean of α log π(a|s) − min(Q₁(s, a), Q₂(s, a)) (eq. 7). The gradient comes through a."""
    raise NotImplementedError("your turn: what the actor wants")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    one = torch.ones(1)
    print(soft_target(3 * one, 4 * one, -0.5 * one, one, 0 * one, 0.2, 0.5))
