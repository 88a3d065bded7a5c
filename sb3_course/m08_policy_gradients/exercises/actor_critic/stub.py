"""Actor and critic, with tables and eligibility traces (Sutton & Barto 2018, section 13.5, the second box).

The actor has a preference for each action in each state, theta [n_states, n_actions], and π(a|s) = softmax(theta[s])[a]. The critic is a table of values,
w [n_states], v̂(s) = w[s].

    for each episode:
        I ← 1;  z_theta ← 0;  z_w ← 0
        for each step:
            A ~ π(·|S); take A, observe R, S'
            δ ← R + γ v̂(S') − v̂(S)                     where the episode terminated, v̂(S') counts as 0
            z_w ← γ λ_w z_w + ∇v̂(S)
            z_theta ← γ λ_theta z_theta + I ∇ ln π(A|S)
            w ← w + α_w δ z_w
            theta ← theta + α_theta δ z_theta
            I ← γ I;  S ← S'

A worked example: two states, two actions, all tables 0. In state 0 action 1 pays 1 and leads to state 1; γ = 0.5, both λ = 0, α_w = 0.1, α_theta = 0.2.
δ = 1 + 0.5 · 0 − 0 = 1. z_w = (1, 0), so w = (0.1, 0). ∇ ln π(1|0) is (−½, ½) in the row of state 0 and 0 in that of state 1, so theta is (−0.1, 0.1) there.
And I = 0.5.
"""

import numpy as np


def policy(theta, s):
    """π(·|s) [n_actions]. It is written already."""
    e = np.exp(theta[s] - np.max(theta[s]))
    return e / e.sum()


def td_error(w, s, r, s_next, terminated, gamma):
    """δ of one step, a number; w [n_states]."""
    raise NotImplementedError("your turn: the error of a step")


def update(theta, w, z_theta, z_w, I, step, gamma, alpha_theta, alpha_w, lambda_theta, lambda_w):
    """theta, w, z_theta, z_w and I after one step, step = (s, a, r, s_next, terminated); the shapes are those of the tables. What was given is left as it is.

    δ is computed once, with the w that was given, and serves both.
    """
    raise NotImplementedError("your turn: one step of both")


def learn(env, n_states, n_actions, episodes, rng, gamma=0.9, alpha_theta=0.5, alpha_w=0.2, lambda_theta=0.8, lambda_w=0.8):
    """theta, w and a list of the sums of rewards of the episodes. Both tables begin with zeros.

    env is as Gymnasium's: reset() gives s and a dict, step(a) gives s', r, terminated, truncated and a dict. An episode is over if it terminated or was
    truncated; truncated means that a time limit cut it: s' is a state like others, and its value counts.
    Draw actions with rng.choice(n_actions, p=policy(theta, s)).
    """
    raise NotImplementedError("your turn: the loop around it")


class Walk:
    """Places 0 to 4, from 0; action 1 goes on, 0 goes back. Each step costs 1, and the episode ends behind place 4, or is cut after 200 steps."""

    def reset(self):
        self.place, self.t = 0, 0
        return 0, {}

    def step(self, action):
        self.place, self.t = max(0, self.place + (1 if action == 1 else -1)), self.t + 1
        return min(self.place, 4), -1.0, self.place == 5, self.t == 200, {}


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. The best is −5
    theta, w, returns = learn(Walk(), 5, 2, 200, np.random.default_rng(0))
    print("first and last 50 episodes:", np.mean(returns[:50]), np.mean(returns[-50:]))
    print("values:", np.round(w, 2))
