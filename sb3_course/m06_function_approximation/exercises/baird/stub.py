"""Baird's counterexample (Baird 1995; Sutton & Barto 2018, section 11.2).

Seven states, no reward, no end, γ = 0.99. The dashed action leads to one of the states 0 … 5, all alike; the solid one leads to state 6. The policy that is to
be valued, π, always takes the solid action. The policy that plays, b, takes it once in seven times, so it is in all seven states equally often.

There are eight weights. The value of state s = 0 … 5 is 2 w_s + w_7, and that of state 6 is w_6 + 2 w_7. All true values are 0, and w = 0 gives them.

    δ = γ v̂(s', w) − v̂(s, w)                       there is no reward
    ρ = π(a|s) / b(a|s)
    w ← w + α ρ δ x(s)                              off-policy semi-gradient TD, eq. (11.2)

A worked example, w = (1, 1, 1, 1, 1, 1, 10, 1), α = 0.01: from state 0 the solid action leads to state 6. v̂ is 3 here and 12 there, so
δ = 0.99 · 12 − 3 = 8.88. ρ = 7, and w_0 grows by 0.01 · 7 · 8.88 · 2 = 1.2432, w_7 by half of that.
"""

import numpy as np

GAMMA = 0.99
DASHED, SOLID = 0, 1
PI = np.array([0.0, 1.0])  # π(a), the same in all states
B = np.array([6 / 7, 1 / 7])  # b(a)
FIRST_WEIGHTS = np.array([1.0, 1, 1, 1, 1, 1, 10, 1])


def features():
    """The features of all states, [7, 8]: v̂ of all states is features() @ w."""
    raise NotImplementedError("your turn: write the features down")


def td_step(w, s, a, s_next, alpha):
    """w after one step of b, by off-policy semi-gradient TD; a new array [8]."""
    raise NotImplementedError("your turn: weigh the step and move the weights")


def expected_step(w, alpha):
    """w after what td_step does in the mean, over the seven states, all equally often, and the actions of b; a new array [8].

    All seven are computed with the same w. This is a sweep of dynamic programming (eq. 11.9); δ's mean in state s is that under π.
    """
    raise NotImplementedError("your turn: the mean of all steps")


def tdc_step(w, v, s, a, s_next, alpha, beta):
    """w and v after one step by TD with gradient correction (section 11.7), two new arrays [8].

        w ← w + α ρ (δ x − γ x' xᵀv)
        v ← v + β ρ (δ − xᵀv) x

    x and x' are the features of s and s'. Both lines use the v from before the step.
    """
    raise NotImplementedError("your turn: correct the gradient")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. The book's figure 11.2 ends at w_7 = 335
    w = FIRST_WEIGHTS
    for sweep in range(1001):
        if sweep % 200 == 0:
            print(f"after {sweep:4} sweeps: w_0 … w_5 {w[0]:6.1f}, w_6 {w[6]:5.1f}, w_7 {w[7]:6.1f}")
        w = expected_step(w, 0.01)
