"""λ-returns and TD(λ) (Sutton & Barto 2018, sections 12.1 and 12.2).

The λ-return is a mean of the n-step returns of all n, in which each longer one weighs λ times as much as the one before:

    G_t = r_t + γ ((1 − λ) V(s_t+1) + λ G_t+1)        backwards, from the last step on

λ = 0 gives the target of TD(0), λ = 1 the whole return. To use it one must wait for the end of the episode. TD(λ) need not: it keeps a trace z(s) of the states
that were visited, and what is learnt now is passed on to all of them:

    z ← γ λ z, for all states;  z(s_t) ← z(s_t) + 1        (eq. 12.5)
    δ ← r_t + γ V(s_t+1) − V(s_t)                          (eq. 12.6)
    V ← V + α δ z, for all states                          (eq. 12.7)

A worked example: states 0 and 1, rewards 2 and 4, then the end; V = 1 everywhere, α = γ = λ = 0.5. The λ-return of the last step is 4, that of the first
2 + 0.5 · (0.5 · 1 + 0.5 · 4) = 3.25. TD(λ): δ = 2 + 0.5 · 1 − 1 = 1.5 and z = (1, 0), so V = (1.75, 1). Then δ = 4 − 1 = 3 and z = (0.25, 1), so that
V = (2.125, 2.5). V(0) ← V(0) + α (3.25 − V(0)) gives the same V(0).
"""

import numpy as np


def lambda_returns(r, v_next, lambda_, gamma):
    """The λ-return of each step [T] of one episode.

    r [T] holds the rewards; v_next [T] is V(s') of the state that each step led to. After the last step there is no further return: there G is r + γ V(s'),
    with V(s') = v_next[-1]. That is 0 if the episode terminated, and need not be if it was truncated (cut short: there was more to come).
    """
    raise NotImplementedError("your turn: a mean of returns, backwards")


def evaluate(episodes, n_states, lambda_, alpha, gamma, start=0.0, replacing=False):
    """V [n_states] by TD(λ), which learns after each transition.

    episodes are lists of transitions [(s, r, s_next, terminated), ...]. Behind a transition with terminated=True there is nothing to come: V(s') is 0 there.
    V begins at `start`. replacing=True: the trace of the visited state becomes 1, and is not increased by 1 (replacing traces).
    """
    raise NotImplementedError("your turn: pass on what is learnt")


def walk(rng, length=19):
    """An episode of the random walk of figure 12.6: states 1 … 19, begun in the middle; 0 pays -1 and 20 pays 1, and both end it."""
    s, episode = (length + 1) // 2, []
    while 0 < s <= length:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next > length) - float(s_next < 1), s_next, not 0 < s_next <= length))
        s = s_next
    return episode


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    true = np.arange(-9, 10) / 10
    for lambda_, alpha in ((0.0, 0.3), (0.8, 0.1), (1.0, 0.01)):
        V = [evaluate([walk(rng) for _ in range(10)], 21, lambda_, alpha, 1.0)[1:20] for rng in map(np.random.default_rng, range(20))]
        print(f"λ = {lambda_}, α = {alpha}, after 10 episodes, 20 runs: RMS error {np.sqrt(((np.array(V) - true) ** 2).mean(1)).mean():.2f}")
