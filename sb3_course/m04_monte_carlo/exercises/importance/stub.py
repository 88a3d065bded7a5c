"""Importance sampling (Sutton & Barto 2018, sections 5.5 and 5.6): the value of one policy from the episodes of another.

The policy b has played, and π is to be valued. An episode is a list of steps (s, a, r): state, action, and what that action paid at once. pi and b are arrays
[n_states, n_actions] of probabilities. The return of step t counts more, or less, by how much more often π would have gone on as b did:

    ρ_t = Π_{k = t, …, T−1} π(a_k|s_k) / b(a_k|s_k)            from this step to the end of the episode, eq. (5.3)

    ordinary   V(s) = Σ ρ_t G_t / n                            n first visits of s, one from each episode in which it occurs, eq. (5.5)
    weighted   V(s) = Σ ρ_t G_t / Σ ρ_t                        eq. (5.6)

A worked example: one state, π = (0.8, 0.2), b = (0.5, 0.5). Two episodes of one step took action 0, which paid 1 and then 2. Both ratios are 0.8 / 0.5 = 1.6.
Ordinary: (1.6 · 1 + 1.6 · 2) / 2 = 2.4. Weighted: (1.6 · 1 + 1.6 · 2) / 3.2 = 1.5, the mean of what was seen.
"""

import numpy as np


def ratios(episode, pi, b):
    """ρ_0, ρ_1, …, ρ_{T−1} of an episode, an array [T]."""
    raise NotImplementedError("your turn: how much more often would π have gone on like this?")


def ordinary(episodes, pi, b, n_states, gamma=1.0):
    """V [n_states] by ordinary importance sampling of first visits; 0 for a state that never occurs."""
    raise NotImplementedError("your turn: weigh the returns, and divide by their number")


def weighted(episodes, pi, b, n_states, gamma=1.0):
    """V [n_states] by weighted importance sampling of first visits; 0 where all ratios are 0, or where there is none."""
    raise NotImplementedError("your turn: weigh the returns, and divide by the weights")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. The true value of state 0 is 2.5
    rng = np.random.default_rng(0)
    pi, b = np.array([[0.9, 0.1], [0.8, 0.2]]), np.full((2, 2), 0.5)
    for n in (10, 100, 1000):
        episodes = [[(0, first, 1.0 - first), (1, then, 2.0 - 2 * then)] for first, then in rng.integers(2, size=(n, 2)).tolist()]
        print(f"{n:5} episodes: ordinary {ordinary(episodes, pi, b, 2)[0]:.3f}, weighted {weighted(episodes, pi, b, 2)[0]:.3f}")
