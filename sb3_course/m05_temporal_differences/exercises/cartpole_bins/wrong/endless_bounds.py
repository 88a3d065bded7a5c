"""the bounds of the observation space are cut: the speeds have none there, and edges between −∞ and ∞ are no numbers"""

import gymnasium as gym
import numpy as np

LOW, HIGH = np.array([-2.4, -3.0, -0.2095, -2.0]), np.array([2.4, 3.0, 0.2095, 2.0])  # position, speed, angle [rad], its speed [rad/s]


def inner_edges(bins):
    space = gym.make("CartPole-v1").observation_space
    return [np.linspace(low, high, n + 1)[1:-1] for low, high, n in zip(space.low, space.high, bins)]


def cell(observation, edges):
    s = 0
    for x, of_one in zip(observation, edges):
        s = s * (len(of_one) + 1) + int(np.searchsorted(of_one, x, side="right"))
    return s


def learn(env, bins, n_episodes, alpha, gamma, epsilon, rng):
    edges = inner_edges(bins)
    n_actions = int(env.action_space.n)
    Q, lengths = np.zeros((int(np.prod(bins)), n_actions)), []
    for k in range(n_episodes):
        observation, _ = env.reset()
        s, over, steps = cell(observation, edges), False, 0
        while not over:
            if rng.random() < epsilon(k):
                a = int(rng.integers(n_actions))
            else:
                a = int(rng.choice(np.flatnonzero(Q[s] == Q[s].max())))
            observation, r, terminated, truncated, _ = env.step(a)
            s_next = cell(observation, edges)
            target = r if terminated else r + gamma * Q[s_next].max()
            Q[s, a] += alpha * (target - Q[s, a])
            s, over, steps = s_next, terminated or truncated, steps + 1
        lengths.append(steps)
    return Q, lengths


if __name__ == "__main__":
    env = gym.make("CartPole-v1")
    env.reset(seed=0)
    _, lengths = learn(env, (1, 1, 6, 12), 300, 0.1, 0.99, lambda k: max(0.05, 1 - k / 150), np.random.default_rng(0))
    print("steps of balance, means of 50 episodes:", *np.mean(np.reshape(lengths, (-1, 50)), axis=1).round())
