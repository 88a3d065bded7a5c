"""Actor and critic once more: in `update` the traces as one sum of outer products, in `learn` a loop that never nests."""

import numpy as np


def policy(theta, s):
    e = np.exp(np.asarray(theta[s]) - max(theta[s]))
    return e / sum(e)


def td_error(w, s, r, s_next, terminated, gamma):
    if terminated:
        return r - w[s]
    return r + gamma * w[s_next] - w[s]


def update(theta, w, z_theta, z_w, I, step, gamma, alpha_theta, alpha_w, lambda_theta, lambda_w):
    s, a, *rest = step
    here = np.arange(len(w)) == s
    score = -policy(theta, s)
    score[a] += 1
    traces = gamma * lambda_theta * np.asarray(z_theta) + np.outer(here, I * score), gamma * lambda_w * np.asarray(z_w) + here
    delta = td_error(w, s, *rest, gamma)
    return np.asarray(theta) + alpha_theta * delta * traces[0], np.asarray(w) + alpha_w * delta * traces[1], *traces, I * gamma


def learn(env, n_states, n_actions, episodes, rng, gamma=0.9, alpha_theta=0.5, alpha_w=0.2, lambda_theta=0.8, lambda_w=0.8):
    tables, empty = (np.zeros((n_states, n_actions)), np.zeros(n_states)), (np.zeros((n_states, n_actions)), np.zeros(n_states), 1.0)
    memory, sums, s = empty, [0.0], env.reset()[0]
    while len(sums) <= episodes:
        a = int(rng.choice(n_actions, p=policy(tables[0], s)))
        s_next, r, terminated, truncated, _ = env.step(a)
        found = update(*tables, *memory, (s, a, r, s_next, terminated), gamma, alpha_theta, alpha_w, lambda_theta, lambda_w)
        tables, memory, s = found[:2], found[2:], s_next
        sums[-1] += r
        if terminated or truncated:
            sums.append(0.0)
            memory, s = empty, env.reset()[0]
    return *tables, sums[:-1]
