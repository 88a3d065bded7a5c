"""Exercise 5: Sarsa, Expected Sarsa and Q-learning at the cliff (Sutton & Barto 2018, sections 6.4 to 6.6)."""

import gymnasium as gym
import numpy as np


def target(kind, r, q_next, a_next, terminated, gamma, epsilon):
    if terminated:
        return r
    if kind == "sarsa":
        v_next = q_next[a_next]  # eq. (6.7)
    elif kind == "expected_sarsa":
        v_next = (1 - epsilon) * np.max(q_next) + epsilon * np.mean(q_next)  # eq. (6.9)
    else:
        v_next = np.max(q_next)  # eq. (6.8)
    return r + gamma * v_next


def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = np.flatnonzero(q == np.max(q))
    return int(best[rng.integers(len(best))])


def learn(env, kind, n_episodes, alpha, gamma, epsilon, rng):
    Q, returns = np.zeros((env.observation_space.n, env.action_space.n)), []
    for _ in range(n_episodes):
        s, _ = env.reset()
        a, total, over = choose(Q[s], epsilon, rng), 0.0, False
        while not over:
            s_next, r, terminated, truncated, _ = env.step(a)
            a_next = choose(Q[s_next], epsilon, rng)
            Q[s, a] += alpha * (target(kind, r, Q[s_next], a_next, terminated, gamma, epsilon) - Q[s, a])
            s, a, total, over = s_next, a_next, total + r, terminated or truncated
        returns.append(total)
    return Q, returns


if __name__ == "__main__":
    for kind in ("sarsa", "expected_sarsa", "q_learning"):
        Q, returns = learn(gym.make("CliffWalking-v1"), kind, 500, 0.5, 1.0, 0.1, np.random.default_rng(0))
        print(f"{kind:15} mean return of the last 100 episodes: {np.mean(returns[-100:]):.1f}")
