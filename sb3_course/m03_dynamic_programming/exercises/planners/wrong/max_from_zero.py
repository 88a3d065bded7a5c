"""the maximum begins at 0: where all actions are worth less than 0, as at the cliff, 0 is larger than all of them

Begin with the first action, or with minus infinity (`-np.inf`).
"""

import gymnasium as gym
import numpy as np


def action_values(P, V, s, gamma):
    """Σ p(s', r | s, a) [r + γ V(s')] for each action in s; behind the end there is nothing to come."""
    return np.array([sum(p * (r + gamma * V[s_next] * (not terminated)) for p, s_next, r, terminated in P[s][a]) for a in range(len(P[s]))])


def policy_evaluation(env, pi, gamma, theta=1e-8, max_sweeps=10_000):
    P, V = env.unwrapped.P, np.zeros(len(pi))
    for _ in range(max_sweeps):
        delta = 0.0
        for s in range(len(V)):
            v, V[s] = V[s], np.dot(pi[s], action_values(P, V, s, gamma))  # eq. (4.5), in place
            delta = max(delta, abs(v - V[s]))
        if delta < theta:
            break
    return V


def value_iteration(env, gamma, theta=1e-8, max_sweeps=10_000):
    P = env.unwrapped.P
    V = np.zeros(len(P))
    for _ in range(max_sweeps):
        delta = 0.0
        for s in range(len(V)):
            v, V[s] = V[s], max(0.0, action_values(P, V, s, gamma).max())
            delta = max(delta, abs(v - V[s]))
        if delta < theta:
            break
    return V


def policy_iteration(env, gamma, theta=1e-8, max_sweeps=10_000):
    P = env.unwrapped.P
    actions, improvements, stable = np.zeros(len(P), dtype=int), 0, False
    while not stable:
        V = policy_evaluation(env, np.eye(len(P[0]))[actions], gamma, theta, max_sweeps)
        stable, improvements = True, improvements + 1
        for s in range(len(V)):
            q = action_values(P, V, s, gamma)
            if q.max() > q[actions[s]] + 1e-6:  # strictly better: two equally good actions do not take turns for ever
                actions[s], stable = q.argmax(), False
    return V, actions, improvements


if __name__ == "__main__":
    lake = gym.make("FrozenLake-v1", is_slippery=False)
    print(policy_evaluation(lake, np.full((16, 4), 0.25), 0.99).reshape(4, 4).round(3))
