"""of several equally good actions always the first is taken, which is what argmax does (E10)

On the lake all values are 0 until the goal is found, and the first action never finds it.
"""

import gymnasium as gym
import numpy as np


def greedy(q, rng):
    return int(np.argmax(q))


def update(Q, N, s, a, r, s_next, terminated, gamma, alpha):
    N[s, a] += 1
    target = r if terminated else r + gamma * np.max(Q[s_next])  # eq. (6.8)
    Q[s, a] += alpha(N[s, a]) * (target - Q[s, a])


def q_learning(env, n_episodes, gamma, alpha, epsilon, rng):
    Q = np.zeros((env.observation_space.n, env.action_space.n))
    N = np.zeros_like(Q)
    for k in range(n_episodes):
        s, _ = env.reset()
        over = False
        while not over:
            a = int(rng.integers(len(Q[s]))) if rng.random() < epsilon(k) else greedy(Q[s], rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            update(Q, N, s, a, r, s_next, terminated, gamma, alpha)
            s, over = s_next, terminated or truncated
    return Q


if __name__ == "__main__":
    Q = q_learning(gym.make("FrozenLake-v1", is_slippery=False), 1000, 0.99, lambda n: 0.5, lambda k: 0.1, np.random.default_rng(0))
    print(Q.max(1).reshape(4, 4).round(2))
