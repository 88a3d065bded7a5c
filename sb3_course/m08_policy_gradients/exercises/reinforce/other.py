"""REINFORCE once more, with lists of numbers; the discount is carried along."""

import math

import numpy as np


def grad_log_pi(theta, a):
    e = [math.exp(x - max(theta)) for x in theta]
    return [(b == a) - x / sum(e) for b, x in enumerate(e)]


def reward_to_go(rewards, gamma):
    total, found = 0.0, list[float]()
    for r in list(rewards)[::-1]:
        total = r + gamma * total
        found.insert(0, total)
    return found


def update(theta, w, actions, rewards, alpha, alpha_w, gamma, baseline):
    theta, discount = list(map(float, theta)), 1.0
    for a, g in zip(actions, reward_to_go(rewards, gamma)):
        delta = g - w * baseline
        step = alpha * discount * delta
        theta = [x + step * dx for x, dx in zip(theta, grad_log_pi(theta, a))]
        w += alpha_w * delta * baseline
        discount *= gamma
    return np.array(theta), w
