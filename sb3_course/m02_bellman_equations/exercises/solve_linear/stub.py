"""The Bellman equation as a linear system (Sutton & Barto 2018, section 4.1, the remark below eq. 4.4).

    P[s][a] = [(probability, s_next, reward, terminated), ...]

Under a policy π(a|s) this table becomes a matrix and a vector:

    P_π[s, s'] = Σ_a π(a|s) · the probability that action a leads from s to s' and the episode goes on
    r_π[s]     = Σ_a π(a|s) · the expected reward of a in s, that of the last step included

A worked example: P = [[[(0.5, 0, 1.0, False), (0.5, 0, 4.0, True)]]], one state with one action. P_π = [[0.5]], as half of the time the episode ends,
and r_π = [2.5]. With γ = 0.5: V = 2.5 + 0.5 · 0.5 · V, so V = 2.5 / 0.75 = 3.333.
"""

import numpy as np

# Two states, two actions, to try things on.
P = [
    [[(0.5, 0, 1.0, False), (0.5, 1, 4.0, True)], [(1.0, 1, -1.0, False)]],
    [[(0.25, 0, 8.0, False), (0.75, 1, 0.0, False)], [(1.0, 1, 1.0, True)]],
]


def policy_model(P, pi):
    """P_π [n_states, n_states] and r_π [n_states] of the policy π(a|s) [n_states, n_actions].

    A row of P_π sums to the probability that the episode goes on, which may be less than 1.
    """
    raise NotImplementedError("your turn: average the table over the policy")


def policy_values(P, pi, gamma):
    """V_π [n_states], the solution of (I − γ P_π) V = r_π.

    With γ = 1 there is one if every episode ends under π, which you may take for granted.
    """
    raise NotImplementedError("your turn: solve for V")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(policy_model(P, np.array([[0.25, 0.75], [0.5, 0.5]])))
