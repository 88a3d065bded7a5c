"""Semi-gradient TD(0) with linear features (Sutton & Barto 2018, sections 9.3 and 9.4).

A value is a sum of weighted features: v̂(s, w) = w · x(s) = Σ_i w_i x_i(s). Its gradient in w is x(s).

    δ = r + γ v̂(s', w) − v̂(s, w)
    w ← w + α δ x(s)                    eq. (9.7), with the TD target in the place of the return

It is called semi-gradient because w stands in the target, too, and there it is taken as a fixed number.

A worked example: x(s) = (1, 0), x(s') = (0, 1), w = (1, 2), r = 1, γ = α = 0.5. Then δ = 1 + 0.5 · 2 − 1 = 1, and w becomes (1.5, 2).
"""

import numpy as np


def update(w, x, r, x_next, terminated, alpha, gamma):
    """The weights after one step, a new array [k]. The array w that was given stays as it is.

    x [k] and x_next [k] are the features of s and s', r is the reward. With terminated=True nothing follows: v̂(s', w) is 0, whatever x_next is.
    """
    raise NotImplementedError("your turn: move the weights by one step")


def learn(episodes, X, alpha, gamma=1.0):
    """The weights [k] after all steps of all episodes, in the order in which they happened; they begin at 0.

    X [n_states, k] has the features of state s in row s. An episode is a list of (s, r, s', terminated).
    """
    raise NotImplementedError("your turn: learn from episodes")


def fixed_point(P, r, X, mu, gamma=1.0):
    """The weights [k] at which the update is 0 in the mean: where semi-gradient TD leads (eq. 9.12).

        A w = b,        A = Σ_s μ(s) x(s) [x(s) − γ Σ_s' P(s'|s) x(s')]ᵀ,        b = Σ_s μ(s) r(s) x(s)

    P [n_states, n_states] has the probability of going on from s to s'; a step that ends the episode leads nowhere, so rows may sum to less than 1.
    r [n_states] is the mean reward of a step from s, those at the end included. μ(s) is the share of all steps that begin in s.
    """
    raise NotImplementedError("your turn: solve for the weights")


def walks(n_episodes, rng):
    """Random walks over the states 0 … 11, begun in state 5: each step leads 1, 2 or 3 states to the left or to the right. The left end pays −1,
    the right end 1. This is the walk of example 9.1, but with 12 states instead of 1000."""
    episodes = []
    for _ in range(n_episodes):
        s, episode = 5, []
        while 0 <= s < 12:
            s_next = s + int(rng.integers(1, 4)) * (1 if rng.random() < 0.5 else -1)
            is_over = not 0 <= s_next < 12
            episode.append((s, float(np.sign(s_next)) if is_over else 0.0, s if is_over else s_next, is_over))
            s = s_next
        episodes.append(episode)
    return episodes


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. It leads to about (-0.42, -0.07, 0.32)
    groups = np.repeat(np.eye(3), 4, axis=0)  # states 0 to 3 have one weight, 4 to 7 the next, 8 to 11 the last
    print(learn(walks(3000, np.random.default_rng(0)), groups, 0.005).round(2))
