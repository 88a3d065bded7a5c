"""Two Bellman operators (Sutton & Barto 2018, sections 3.5 and 3.6).

A table says what an action does in a state:

    P[s][a] = [(probability, s_next, reward, terminated), ...]

Behind an outcome with terminated=True nothing follows: its reward counts, the value of s_next does not.

A worked example: P = [[[(0.5, 0, 1.0, False), (0.5, 0, 4.0, True)]]], one state with one action, V = [2], γ = 0.5. Half of the time it pays 1 and goes
on, worth 1 + 0.5 · 2 = 2; half of the time it pays 4 and ends, worth 4. So the action is worth 3, and both operators make [3] of [2].
"""

import numpy as np

# Two states, two actions, to try things on.
P = [
    [[(0.5, 0, 1.0, False), (0.5, 1, 4.0, True)], [(1.0, 1, -1.0, False)]],
    [[(0.25, 0, 8.0, False), (0.75, 1, 0.0, False)], [(1.0, 1, 1.0, True)]],
]


def action_values(P, V, gamma):
    """Q [n_states, n_actions]: what each action is worth in each state if V [n_states] is what comes after it.

    Q(s, a) = Σ p(s', r | s, a) [r + γ V(s')]        (eq. 4.6)
    """
    raise NotImplementedError("your turn: the values of the actions")


def expectation_backup(P, V, pi, gamma):
    """T^π V [n_states], for a policy π(a|s) [n_states, n_actions]. V itself is left as it was.

    (T^π V)(s) = Σ_a π(a|s) Σ p(s', r | s, a) [r + γ V(s')]        (the right side of eq. 3.14)
    """
    raise NotImplementedError("your turn: one backup under a policy")


def optimality_backup(P, V, gamma):
    """T* V [n_states]. V itself is left as it was.

    (T* V)(s) = max_a Σ p(s', r | s, a) [r + γ V(s')]        (the right side of eq. 3.19)
    """
    raise NotImplementedError("your turn: one backup with the best action")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(action_values(P, np.array([2.0, 10.0]), 0.5))
