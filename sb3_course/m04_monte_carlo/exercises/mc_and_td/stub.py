"""Exercise 4: Monte Carlo and TD(0) (Sutton & Barto 2018, sections 5.1 and 6.1).

An episode is a list of transitions, in the order in which they happened:

    [(s, r, s_next, terminated), ...]        r is paid on the way from s to s_next

After a transition with terminated=True nothing follows: the return is r alone there, whatever V[s_next] says.

A worked example, γ = 0.5: [(0, 2, 1, False), (1, 4, 2, True)]. The return from state 1 is 4, and from state 0 it is 2 + 0.5 · 4 = 4.
With V = 1 everywhere and α = 0.5, Monte Carlo moves V(0) to 1 + 0.5 · (4 − 1) = 2.5; TD(0) to 1 + 0.5 · (2 + 0.5 · 1 − 1) = 1.75.
"""

import numpy as np


def mc(episodes, n_states, alpha, gamma=1.0, start=0.5):
    """V [n_states] by first-visit Monte Carlo.

        V(s) ← V(s) + α (G − V(s))        for the first visit of s in the episode

    G = r_1 + γ r_2 + γ² r_3 + … is the return: all that was paid from that visit on, until the end of the episode.
    V begins at `start` everywhere; `start` may be a whole number. alpha=None: α is 1/n at the n-th return of this state, counted over all episodes, so that
    V(s) is the mean of its returns.
    """
    raise NotImplementedError("your turn: move V towards returns")


def td0(episodes, n_states, alpha, gamma=1.0, start=0.5):
    """V [n_states] by TD(0).

        V(s) ← V(s) + α (r + γ V(s') − V(s))        after each transition, in the order in which they happened (eq. 6.2)

    After the end there is nothing to come: V(s') is 0 there. V begins at `start` everywhere.
    """
    raise NotImplementedError("your turn: move V after each step")


def walk(rng):
    """An episode of the random walk (example 6.2): states 1 … 5, begun at 3; left and right are equally likely; 0 and 6 end it, and 6 pays 1."""
    s, episode = 3, []
    while 0 < s < 6:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next == 6), s_next, s_next in (0, 6)))
        s = s_next
    return episode


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. The true values are 1/6 … 5/6
    rng = np.random.default_rng(0)
    print(td0([walk(rng) for _ in range(100)], 7, 0.05)[1:6].round(3))
