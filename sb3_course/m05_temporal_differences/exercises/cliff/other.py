"""The three once more: every target is a mean of Q(s', ·) under some policy's probabilities; equals are told apart by a random number."""

import numpy as np


def probabilities(q, epsilon):
    """π(a|s) [n_actions] of the ε-greedy policy; ties share the greedy part."""
    best = q == q.max()
    return (1 - epsilon) * best / best.sum() + epsilon / len(q)


def target(kind, r, q_next, a_next, terminated, gamma, epsilon):
    q_next = np.asarray(q_next)
    if kind == "sarsa":
        v = q_next.item(a_next)
    else:
        v = probabilities(q_next, epsilon if kind == "expected_sarsa" else 0.0) @ q_next
    return r + (0.0 if terminated else gamma) * v


def choose(q, epsilon, rng):
    if rng.random() < epsilon:
        return int(rng.choice(len(q)))
    return max(range(len(q)), key=lambda a: (q[a], rng.random()))


def episode(env, Q, kind, alpha, gamma, epsilon, rng):
    s, _ = env.reset()
    a = choose(Q[s], epsilon, rng)
    while True:
        s_next, r, terminated, truncated, _ = env.step(a)
        yield r
        a_next = choose(Q[s_next], epsilon, rng)
        Q[s, a] = (1 - alpha) * Q[s, a] + alpha * target(kind, r, Q[s_next], a_next, terminated, gamma, epsilon)
        if terminated or truncated:
            return
        s, a = s_next, a_next if kind == "sarsa" else choose(Q[s_next], epsilon, rng)  # only Sarsa has promised one


def learn(env, kind, n_episodes, alpha, gamma, epsilon, rng):
    Q = np.zeros((env.observation_space.n, env.action_space.n))
    return Q, [sum(episode(env, Q, kind, alpha, gamma, epsilon, rng)) for _ in range(n_episodes)]
