"""the λ-returns begin with 0 behind the last step: of a cut episode's last estimate only 1 - λ is left"""

import numpy as np


def lambda_returns(r, v_next, lambda_, gamma):
    G = np.zeros(len(r))
    later = 0.0
    for t in reversed(range(len(r))):
        later = G[t] = r[t] + gamma * ((1 - lambda_) * v_next[t] + lambda_ * later)
    return G


def evaluate(episodes, n_states, lambda_, alpha, gamma, start=0.0, replacing=False):
    V = np.full(n_states, float(start))
    for episode in episodes:
        z = np.zeros(n_states)
        for s, r, s_next, terminated in episode:
            z *= gamma * lambda_
            z[s] = 1 if replacing else z[s] + 1  # eq. (12.5)
            delta = r + gamma * (0.0 if terminated else V[s_next]) - V[s]  # eq. (12.6)
            V += alpha * delta * z  # eq. (12.7)
    return V


def walk(rng, length=19):
    """An episode of the random walk of figure 12.6: states 1 … 19, begun in the middle; 0 pays -1 and 20 pays 1, and both end it."""
    s, episode = (length + 1) // 2, []
    while 0 < s <= length:
        s_next = s + (1 if rng.random() < 0.5 else -1)
        episode.append((s, float(s_next > length) - float(s_next < 1), s_next, not 0 < s_next <= length))
        s = s_next
    return episode


if __name__ == "__main__":
    true = np.arange(-9, 10) / 10
    for lambda_, alpha in ((0.0, 0.3), (0.8, 0.1), (1.0, 0.01)):
        V = [evaluate([walk(rng) for _ in range(10)], 21, lambda_, alpha, 1.0)[1:20] for rng in map(np.random.default_rng, range(20))]
        print(f"λ = {lambda_}, α = {alpha}, after 10 episodes, 20 runs: RMS error {np.sqrt(((np.array(V) - true) ** 2).mean(1)).mean():.2f}")
