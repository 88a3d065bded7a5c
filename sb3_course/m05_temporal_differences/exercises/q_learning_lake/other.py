"""Once more: ties are told apart by random numbers, the target is a product with the mask, and steps come from a generator."""

import numpy as np


def greedy(q, rng):
    noise = rng.random(len(q))
    return max(range(len(q)), key=lambda a: (q[a], noise[a]))


def update(Q, N, s, a, r, s_next, terminated, gamma, alpha):
    n = N[s, a] = N[s, a] + 1
    step = alpha(n)
    Q[s, a] = (1 - step) * Q[s, a] + step * (r + gamma * (not terminated) * max(Q[s_next]))


def episode(env, choose):
    s, _ = env.reset()
    while True:
        a = choose(s)
        s_next, r, terminated, truncated, _ = env.step(a)
        yield s, a, r, s_next, terminated
        if terminated or truncated:
            return
        s = s_next


def q_learning(env, n_episodes, gamma, alpha, epsilon, rng):
    n_actions = env.action_space.n
    Q, N = np.zeros((2, env.observation_space.n, n_actions))
    for eps in map(epsilon, range(n_episodes)):
        for step in episode(env, lambda s, eps=eps: greedy(Q[s], rng) if rng.random() >= eps else int(n_actions * rng.random())):
            update(Q, N, *step, gamma, alpha)
    return Q
