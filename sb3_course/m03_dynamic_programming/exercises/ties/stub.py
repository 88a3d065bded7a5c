"""Exercise `ties`: an improvement that does not take turns between equally good actions (Sutton & Barto 2018, exercise 4.4).

With γ = 1 on FrozenLake without slipping V* is 1 in every state from which the goal can be reached. So moving into a wall, after which one is
where one was, is worth 1, too: as long as the *next* action is a better one. `q.argmax()` cannot see the difference.
"""

import gymnasium as gym
import numpy as np


def action_values(P, V, s):
    """Σ p(s', r | s, a) [r + V(s')] for each action in s, without a discount. Given."""
    return np.array([sum(p * (r + V[s_next] * (not terminated)) for p, s_next, r, terminated in P[s][a]) for a in range(len(P[s]))])


def evaluate(P, actions, sweeps=30):
    """V of a policy that takes these actions, after so many sweeps. Given."""
    V = np.zeros(len(P))
    for _ in range(sweeps):
        V = np.array([action_values(P, V, s)[actions[s]] for s in range(len(P))])
    return V


def improve(q, actions, tolerance=1e-9):
    """The actions [n_states] after one improvement.

    In each state the action of the largest q, but only where it is better than the present one by more than the tolerance.

    q is [n_states, n_actions]. For instance q = [[1, 1], [0, 2]] and actions = [1, 0] give [1, 1]: in the first state both are equal, so the present one stays.
    The actions that are given are left as they are; the result is a new array.
    """
    raise NotImplementedError("your turn: replace only what is worse")


def plan(env, most=20):
    """The actions [n_states] that policy iteration finds without a discount, beginning with action 0 everywhere.

    Evaluate, improve, and so on until an improvement changes nothing; at most `most` improvements.
    """
    raise NotImplementedError("your turn: evaluate, improve, stop")


if __name__ == "__main__":  # not part of the exercise
    print(plan(gym.make("FrozenLake-v1", is_slippery=False)).reshape(4, 4))
