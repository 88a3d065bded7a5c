"""Exercise `contraction`: which ways of going from action values to a state's value bring values closer together (proof P1; Asadi & Littman 2017).

A backup is T V(s) = f(q(s, ·)) with q(s, a) = r + γ V(s'). If |f(x) − f(y)| ≤ max_a |x_a − y_a| for all x, y, then T contracts with the factor γ in the
largest norm, and there is one fixed point. max, min and any fixed mean keep this. The softmax mean does not.
"""

import numpy as np


def boltzmann(q, beta):
    """Σ_a w_a q_a with w_a = exp(β q_a) / Σ_b exp(β q_b), for one vector q [n_actions]. One number; right for β q as large as 1e4, too.

    For instance q = [0, 1] and β = 0 give 0.5, the mean; a large β gives the maximum.
    """
    raise NotImplementedError("your turn: weigh the values by their softmax")


def expansion(f, x, y):
    """|f(x) − f(y)| / max_a |x_a − y_a|: how much further apart f's values are than its arguments. One number, 0 or more."""
    raise NotImplementedError("your turn: measure in the largest norm")


def pair(beta):
    """Two vectors x, y with two action values each whose expansion under q ↦ boltzmann(q, beta) is larger than 1.05."""
    raise NotImplementedError("your turn: find them, by thought or by search")


if __name__ == "__main__":  # not part of the exercise
    print(expansion(np.max, np.array([0.0, 1.0]), np.array([0.5, 0.0])))
