"""Dyna-Q and Dyna-Q+ once more: the model as two lists beside a dict of places; all draws of a plan at once."""

import math

import numpy as np


def backup(Q, s, a, r, s_next, terminated, alpha, gamma):
    target = r if terminated else r + gamma * max(Q[s_next])
    Q[s, a] = (1 - alpha) * Q[s, a] + alpha * target


def plan(Q, model, n, alpha, gamma, rng, now, kappa=0.0):
    memories = list(model.items())
    for k in rng.integers(0, len(memories), size=n):
        (s, a), (r, s_next, terminated, when) = memories[k]
        backup(Q, s, a, r + kappa * math.sqrt(now - when), s_next, terminated, alpha, gamma)


def dyna_q(env, n_episodes, n, alpha, gamma, epsilon, rng, kappa=0.0):
    n_states, n_actions = env.observation_space.n, env.action_space.n
    Q, model = np.zeros((n_states, n_actions)), {}
    lengths, now = [0] * n_episodes, 0
    for episode in range(n_episodes):
        s, over = env.reset()[0], False
        while not over:
            if kappa and (s, 0) not in model:
                model |= {(s, b): (0.0, s, False, 0) for b in range(n_actions)}
            a = int(rng.integers(n_actions)) if rng.random() < epsilon else max(range(n_actions), key=lambda b: (Q[s, b], rng.random()))
            s_next, r, terminated, truncated, _ = env.step(a)
            lengths[episode] += 1
            now += 1
            backup(Q, s, a, r, s_next, terminated, alpha, gamma)
            model[s, a] = (r, s_next, terminated, now)
            plan(Q, model, n, alpha, gamma, rng, now, kappa)
            s, over = s_next, terminated or truncated
    return Q, lengths
