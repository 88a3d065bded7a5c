"""traces fade by λ alone: the γ beside it is missing"""

import numpy as np


def policy(theta, s):
    """π(·|s) [n_actions]"""
    e = np.exp(theta[s] - np.max(theta[s]))
    return e / e.sum()


def td_error(w, s, r, s_next, terminated, gamma):
    return r + gamma * w[s_next] * (not terminated) - w[s]


def update(theta, w, z_theta, z_w, I, step, gamma, alpha_theta, alpha_w, lambda_theta, lambda_w):
    s, a, r, s_next, terminated = step
    delta = td_error(w, s, r, s_next, terminated, gamma)
    z_w = lambda_w * z_w
    z_w[s] += 1
    z_theta = lambda_theta * z_theta
    z_theta[s] += I * (np.eye(theta.shape[1])[a] - policy(theta, s))
    w = w + alpha_w * delta * z_w
    theta = theta + alpha_theta * delta * z_theta
    return theta, w, z_theta, z_w, gamma * I


def learn(env, n_states, n_actions, episodes, rng, gamma=0.9, alpha_theta=0.5, alpha_w=0.2, lambda_theta=0.8, lambda_w=0.8):
    theta, w, returns = np.zeros((n_states, n_actions)), np.zeros(n_states), []
    for _ in range(episodes):
        z_theta, z_w, I = np.zeros_like(theta), np.zeros_like(w), 1.0
        s, over, total = env.reset()[0], False, 0.0
        while not over:
            a = rng.choice(n_actions, p=policy(theta, s))
            s_next, r, terminated, truncated, _ = env.step(a)
            step = (s, a, r, s_next, terminated)
            theta, w, z_theta, z_w, I = update(theta, w, z_theta, z_w, I, step, gamma, alpha_theta, alpha_w, lambda_theta, lambda_w)
            s, over, total = s_next, terminated or truncated, total + r
        returns.append(total)
    return theta, w, returns
