"""Exercise 6: REINFORCE, with and without a baseline (Sutton & Barto 2018, sections 13.1 to 13.4).

The short corridor: start at 0, goal at 3, each step costs 1. Action 0 goes left, 1 right, but at 1 it is the other way round. The agent cannot tell the
places apart, so its policy is one distribution, π = softmax(θ), with one preference per action, θ [n_actions]; and its baseline is one number, w. Nothing is
discounted in the corridor; `update` can discount all the same.

A worked example: θ = (0, 0), so π = (½, ½), and ∇ ln π(1) = (−½, ½). The episode is one step, action 1, reward 1, with w = 0, α = 0.5, α^w = 0.25.
δ = 1 − 0 = 1; w becomes 0 + 0.25 · 1 = 0.25; θ becomes 0.5 · 1 · (−½, ½) = (−0.25, 0.25).
"""

import numpy as np


def policy(theta):
    """π [n_actions] = e^θ(a) / Σ_b e^θ(b)        (eq. 13.2). It is written already."""
    e = np.exp(theta - np.max(theta))
    return e / e.sum()


def grad_log_pi(theta, a):
    """∇ ln π(a) [n_actions]: how the logarithm of the probability of action a changes with each preference, that of the other actions, too.

    d ln π(a) / d θ(b), for every b. Take the logarithm of eq. (13.2) first, then the derivative.
    """
    raise NotImplementedError("your turn: the gradient of ln π")


def reward_to_go(rewards, gamma):
    """G [T], the return from each step on: G_t = r_t + γ r_(t+1) + γ² r_(t+2) + …, rewards [T] being those of one episode.

    With γ = 0.5 the rewards 1, 0, 2 have the returns 1.5, 1 and 2. Rewards may be whole numbers; returns need not be.
    """
    raise NotImplementedError("your turn: returns from each step on")


def update(theta, w, actions, rewards, alpha, alpha_w, gamma, baseline):
    """θ [n_actions] and w after one episode, of which actions [T] and rewards [T] are given.

        for each step t = 0, 1, …, T − 1, one after another:
            δ ← G_t − w
            w ← w + α^w δ
            θ ← θ + α γ^t δ ∇ ln π(a_t)        (eq. 13.11)

    Each step uses the w and the θ that the update of the previous step gave: π, and so ∇ ln π, changes from step to step.
    baseline=False: δ is G_t, and w stays as it is (eq. 13.8). Gives theta, w. The array theta may be changed in place or not, as you like.
    """
    raise NotImplementedError("your turn: learn from an episode")


def play(theta, rng, most=1000):
    """Actions and rewards of an episode in the corridor."""
    place, actions = 0, list[int]()
    while place < 3 and len(actions) < most:
        a = int(rng.random() < policy(theta)[1])
        actions.append(a)
        place = max(0, place + (1 if (a == 1) != (place == 1) else -1))
    return np.array(actions), -np.ones(len(actions))


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. The best is −11.66, at π(right) = 0.59
    rng, theta, w, returns = np.random.default_rng(0), np.array([np.log(19), 0.0]), 0.0, list[float]()  # π(right) = 0.05
    for n in range(1, 1001):
        actions, rewards = play(theta, rng)
        theta, w = update(theta, w, actions, rewards, 2**-9, 2**-6, 1.0, True)
        returns.append(rewards.sum())
        if n % 100 == 0:
            print(f"episode {n}: mean return of the last 100 {np.mean(returns[-100:]):.1f}, π(right) {policy(theta)[1]:.2f}")
