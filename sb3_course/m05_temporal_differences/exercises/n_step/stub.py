"""n-step returns and n-step TD (Sutton & Barto 2018, sections 7.1 and 7.2).

TD(0) trusts one reward and then its own estimate, Monte Carlo trusts all rewards. In between are n rewards and then the estimate:

    G = r_1 + γ r_2 + … + γ^(n-1) r_n + γ^n V(s_n)        (eq. 7.1)

If the episode is over after fewer than n steps, say after k, there are only k rewards. Then V of the last state is added with γ^k if the episode was truncated
(cut short: there was more to come), and nothing is added if it terminated.

A worked example: two steps with rewards 2 and 4, then the end; V = 1 everywhere, γ = 0.5. For n = 1 the returns are 2 + 0.5 · 1 = 2.5 and 4; for n = 2 they are
2 + 0.5 · 4 = 4 and 4. If the episode was cut there instead, they are 2.5 and 4 + 0.5 · 1 = 4.5 for n = 1, and 2 + 0.5 · 4 + 0.25 · 1 = 4.25 and 4.5 for n = 2.
"""

import numpy as np


def returns(r, v_next, terminated, truncated, n, gamma):
    """The n-step return of each step [T], from T steps that were recorded one after another, of one episode or of several.

    r holds the rewards; v_next is V(s') of the state that each step led to, before any reset; terminated and truncated say that the episode was over after this
    step. All four are arrays [T]. Where the record stops in the middle of an episode, it is as if the episode was truncated.
    """
    raise NotImplementedError("your turn: n rewards and an estimate")


def evaluate(episodes, n_states, n, alpha, gamma, start=0.0):
    """V [n_states] by n-step TD.

        V(s_t) ← V(s_t) + α (G_t − V(s_t))        as soon as the n rewards of G_t are there, or the episode is over (eq. 7.2)

    episodes are lists of transitions [(s, r, s_next, terminated), ...]; one whose last transition has terminated=False was truncated. V begins at `start`.
    States are learnt in the order in which they were visited, each time with the V of that moment: what was learnt two steps ago is already in it.
    """
    raise NotImplementedError("your turn: learn n steps later")


def walk(rng, length=19):
    """An episode of the random walk of figure 7.2: states 1 … 19, begun in the middle; 0 pays -1 and 20 pays 1, and both end it."""
    s, episode = (length + 1) // 2, []
    while 0 < s <= length:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next > length) - float(s_next < 1), s_next, not 0 < s_next <= length))
        s = s_next
    return episode


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    true = np.arange(-9, 10) / 10
    for n in (1, 4, 64):
        V = [evaluate([walk(rng) for _ in range(10)], 21, n, 0.3, 1.0)[1:20] for rng in map(np.random.default_rng, range(20))]
        print(f"n = {n:2}, α = 0.3, after 10 episodes, 20 runs: RMS error {np.sqrt(((np.array(V) - true) ** 2).mean(1)).mean():.2f}")
