"""SAC's temperature, tuned towards a target entropy (Haarnoja et al. 2018, arXiv:1812.05905, section 5).

α weighs entropy against reward. What is right depends on how large the rewards are, and changes as the policy learns. So it is tuned: one chooses the
entropy H̄ that the policy shall have, and lets α fall where the entropy −log π is above it, and rise where it is below.

α must stay above 0. Therefore log α is what is learnt, a tensor without axes, and α = exp(log α).
"""

import torch


def target_entropy(n_actions):
    """H̄, a number: minus the number of components of an action. For actions in (−1, 1) a uniform policy has entropy 0.69 a component, so −1 a component is a
    rather narrow one."""
    raise NotImplementedError("your turn: the usual target")


def temperature_loss(log_alpha, log_pi, target):
    """What log α descends on, one number: −mean[ log α · (log π(a|s) + H̄) ]. log_pi: [M], of sampled actions; target: H̄.

    The policy learns nothing from this loss, also where log_pi carries a gradient. (The paper has α in front where we, and Stable-Baselines3, have log α:
    the sign of the gradient is the same.)

    A worked example: log α = −1, log π = 2 and 3, H̄ = −1. The mean of log π + H̄ is 1.5, and the loss −(−1) · 1.5 = 1.5.
    """
    raise NotImplementedError("your turn: the temperature's loss")


def tune(log_alpha, optimiser, log_pi, target):
    """One step of the optimiser, which holds log_alpha. Gives α after it, a float."""
    raise NotImplementedError("your turn: one step")


if __name__ == "__main__":  # not part of the exercise: the entropy is 0.6, above its target of -1. What should α do?
    log_alpha = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.Adam([log_alpha], lr=0.01)
    for _ in range(5):
        print(tune(log_alpha, optimiser, torch.full((8,), -0.6), target_entropy(1)))
