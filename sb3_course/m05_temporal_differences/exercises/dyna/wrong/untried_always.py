"""actions that were never tried are put into the model also with κ = 0: Dyna-Q knows only what it has tried"""

import numpy as np


def plan(Q, model, n, alpha, gamma, rng, now, kappa=0.0):
    pairs = list(model)
    for _ in range(n):
        s, a = pairs[rng.integers(len(pairs))]
        r, s_next, terminated, when = model[s, a]
        r += kappa * np.sqrt(now - when)  # section 8.3
        Q[s, a] += alpha * (r + gamma * (0.0 if terminated else Q[s_next].max()) - Q[s, a])


def dyna_q(env, n_episodes, n, alpha, gamma, epsilon, rng, kappa=0.0):
    Q, model, lengths, now = np.zeros((env.observation_space.n, env.action_space.n)), {}, [], 0
    for _ in range(n_episodes):
        s, _ = env.reset()
        began, over = now, False
        while not over:
            a = choose(Q[s], epsilon, rng)
            s_next, r, terminated, truncated, _ = env.step(a)
            now += 1
            Q[s, a] += alpha * (r + gamma * (0.0 if terminated else Q[s_next].max()) - Q[s, a])
            model[s, a] = r, s_next, terminated, now
            for b in range(Q.shape[1]):
                model.setdefault((s, b), (0.0, s, False, 0))
            plan(Q, model, n, alpha, gamma, rng, now, kappa)
            s, over = s_next, terminated or truncated
        lengths.append(now - began)
    return Q, lengths


def choose(q, epsilon, rng):
    """An action, ε-greedily; among equals each is equally likely. q is an array [n_actions]."""
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = np.flatnonzero(q == q.max())
    return int(best[rng.integers(len(best))])


if __name__ == "__main__":
    from from_scratch.envs import GridWorld

    maze = GridWorld(desc=[".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", "........."])
    for n in (0, 5, 50):
        lengths = [dyna_q(maze, 4, n, 0.1, 0.95, 0.1, np.random.default_rng(seed))[1] for seed in range(3)]
        print(f"{n:2} planning steps: steps in episodes 1 to 4, means of 3 runs:", *np.mean(lengths, axis=0).round().astype(int))
