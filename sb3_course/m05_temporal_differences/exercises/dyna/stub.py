"""Dyna-Q and Dyna-Q+ (Sutton & Barto 2018, sections 8.2 and 8.3).

Q-learning uses each step once. Dyna-Q also remembers it, in a model of the world, and after each real step it learns from n steps that it only imagines:

    real:       take a in s, observe r and s';  Q(s, a) ← Q(s, a) + α (r + γ max_a' Q(s', a') − Q(s, a))
                model[s, a] = r, s', terminated, and when this was
    imagined:   n times: draw one of the pairs s, a of the model, each equally likely; learn from what the model says of it, in the same way

Behind the end the target is r, in the world and in the model. The world changes, perhaps, where one has not looked for long: Dyna-Q+ adds a bonus to imagined
rewards, r + κ √τ, with τ the time steps since a was last taken in s, in the world. Real rewards have no bonus, and the choice of actions has none.

A worked example: model[0, 1] = (1, 2, False, 16), Q(2, ·) = (4, 0), Q(0, 1) = 0, α = γ = 0.5. Imagining it once makes Q(0, 1) = 0.5 · (1 + 0.5 · 4) = 1.5.
With κ = 0.5 at time 25 the reward is 1 + 0.5 · √9 = 2.5, and Q(0, 1) becomes 0.5 · (2.5 + 2) = 2.25.
"""

import numpy as np


def plan(Q, model, n, alpha, gamma, rng, now, kappa=0.0):
    """Learn from n imagined steps; changes Q [n_states, n_actions], and gives nothing.

    model is a dict {(s, a): (r, s_next, terminated, when)}, which has at least one pair; now is the present time step, kappa is κ.
    """
    raise NotImplementedError("your turn: imagine n steps")


def dyna_q(env, n_episodes, n, alpha, gamma, epsilon, rng, kappa=0.0):
    """Q [n_states, n_actions], which begins at 0, and the number of steps of each episode [n_episodes].

    env has Discrete spaces: env.observation_space.n states, env.action_space.n actions. An episode begins with s, info = env.reset(); each step is
    s_next, r, terminated, truncated, info = env.step(a). It is over when it terminated, or was truncated, which means cut short: there was more to come.
    Time steps are counted through all episodes: `now` is 1 at the first real step. After each real step call plan, with the same alpha and gamma.

    kappa > 0 is Dyna-Q+. Then, when a state is met for the first time, the model also gets those of its actions that were never tried: they lead back to the
    same state, pay nothing, do not end the episode, and were last taken at time 0. With kappa = 0 only what was tried is in the model.
    """
    raise NotImplementedError("your turn: act, learn, remember, plan")


def choose(q, epsilon, rng):
    """An action, ε-greedily; among equals each is equally likely. q is an array [n_actions]."""
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    best = np.flatnonzero(q == q.max())
    return int(best[rng.integers(len(best))])


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    from from_scratch.envs import GridWorld

    maze = GridWorld(desc=[".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", "........."])
    for n in (0, 5, 50):
        lengths = [dyna_q(maze, 4, n, 0.1, 0.95, 0.1, np.random.default_rng(seed))[1] for seed in range(3)]
        print(f"{n:2} planning steps: steps in episodes 1 to 4, means of 3 runs:", *np.mean(lengths, axis=0).round().astype(int))
