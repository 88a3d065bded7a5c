"""What plan and dyna_q must give: models and worlds of one or two states, of which the answer is known, and the maze of figure 8.2."""

from functools import cache

import gymnasium as gym
import numpy as np

from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, array, measured, probe, rng

RUNS = 12
MAZE = [".......#G", "..#....#.", "S.#....#.", "..#......", ".....#...", "........."]  # of figure 8.2: 14 steps at least


class Table(gym.Env):
    """Deterministic: what[s][a] is (s', r, terminated). `played` holds s, a of all steps; after `limit` steps an episode is cut."""

    def __init__(self, what, start=0, limit=100_000):
        self.what, self.start, self.limit, self.played = what, start, limit, []
        self.observation_space, self.action_space = gym.spaces.Discrete(len(what)), gym.spaces.Discrete(len(what[start]))

    def reset(self, *, seed=None, options=None):
        self.s, self.t = self.start, 0
        return self.s, {}

    def step(self, action):
        self.played.append((self.s, int(action)))
        self.s, r, terminated = self.what[self.s][action]
        self.t += 1
        return self.s, r, terminated, self.t >= self.limit, {}


@cache
def rows():
    maze = GridWorld(desc=MAZE)
    return [[(int(s), float(r), bool(over)) for [(_, s, r, over)] in (maze.P[s][a] for a in range(4))] for s in range(54)], int(maze.reset(seed=0)[0])


def learnt(found, env, n_episodes):
    """What dyna_q gives: Q and lengths."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be Q, lengths")
    return array(found[0], (env.observation_space.n, env.action_space.n), "Q"), array(found[1], (n_episodes,), "lengths")


# ------------------------------------------------------------------------------------------------------------------ plan


def planned(answer, model, n, alpha, gamma, *more, Q=((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))):
    table = np.array(Q)
    answer.plan(table, model, n, alpha, gamma, rng(0), *more)
    return array(table, (3, 2), "Q")


@probe("plan", "one pair in the model, (0, 1): (1, 2, False, 16), Q(2, ·) = 4 0, α = γ = 0.5, n = 1: Q(0, ·)", expected=[0.0, 1.5])
def once(answer):
    return planned(answer, {(0, 1): (1.0, 2, False, 16)}, 1, 0.5, 0.5, 16, Q=[[0.0, 0.0], [0.0, 0.0], [4.0, 0.0]])[0]


@probe("plan", "one pair that pays 4 and ends, in front of Q(2, ·) = 6 6, α = γ = 0.5, n = 3: Q(0, ·)", expected=[3.5, 0.0])
def end(answer):
    return planned(answer, {(0, 0): (4.0, 2, True, 1)}, 3, 0.5, 0.5, 10, Q=[[0.0, 0.0], [0.0, 0.0], [6.0, 6.0]])[0]


@probe("plan", "one pair that pays 1 and ends, last taken at 16, now 25, κ = 0.5, α = 0.5, n = 1: Q(0, ·)", expected=[1.25, 0.0])
def bonus(answer):
    return planned(answer, {(0, 0): (1.0, 2, True, 16)}, 1, 0.5, 0.5, 25, 0.5)[0]


@probe("plan", "two states in a row that pay 2 and 4, action 0 alone was tried, α = γ = 0.5, n = 200: Q", tolerance=1e-6,
       expected=[[4.0, 0.0], [4.0, 0.0], [0.0, 0.0]])  # fmt: skip
def in_a_row(answer):
    return planned(answer, {(0, 0): (2.0, 1, False, 1), (1, 0): (4.0, 2, True, 2)}, 200, 0.5, 0.5, 2)


@probe("plan", "four pairs that pay 1 and end, α = 0.001, n = 4000: share of each in the updates", expected=[0.25] * 4, tolerance=0.03)
def shares(answer):
    """After n updates 1 − Q is 0.999ⁿ, which gives n."""
    Q = planned(answer, {(s, a): (1.0, 2, True, 0) for s in (0, 1) for a in (0, 1)}, 4000, 0.001, 0.5, 4)[:2].ravel()
    return np.log(1 - np.minimum(Q, 0.999)) / np.log(0.999) / 4000


# ---------------------------------------------------------------------------------------------------------------- dyna_q


@probe("dyna_q", "one action, rewards -1 and -2, two episodes, n = 0, α = 0.5, γ = 0.9: Q and lengths", expected=[-1.2, -1.5, 2.0, 2.0])
def q_learning(answer):
    env = Table([[(1, -1.0, False)], [(0, -2.0, True)]])  # the world begins anew in state 0, which is of no concern behind the end
    Q, lengths = learnt(answer.dyna_q(env, 2, 0, 0.5, 0.9, 0.1, rng(0)), env, 2)
    return [*Q[:, 0], *lengths]


@probe("dyna_q", "one action that pays 1, cut after two steps, γ = 0, α = 0.5, n = 3: 1 - Q, halved at each of 2 + 2 · 3 updates", expected=2.0**-8)
def updates(answer):
    env = Table([[(0, 1.0, False)]], limit=2)
    return 1 - learnt(answer.dyna_q(env, 1, 3, 0.5, 0.0, 0.1, rng(0)), env, 1)[0][0, 0]


@probe("dyna_q", "two steps that pay 0 and 1, one episode, γ = 0.9, n = 100: Q", expected=[0.9, 1.0], tolerance=1e-3)
def credit(answer):
    env = Table([[(1, 0.0, False)], [(0, 1.0, True)]])
    return learnt(answer.dyna_q(env, 1, 100, 0.5, 0.9, 0.1, rng(1)), env, 1)[0][:, 0]


@probe("dyna_q", "two steps, four actions, each step pays 1, two episodes, n = 50: the largest Q of what was never tried", expected=0.0)
def never_tried(answer):
    env = Table([[(1, 1.0, False)] * 4, [(0, 1.0, True)] * 4])
    Q, _ = learnt(answer.dyna_q(env, 2, 50, 0.5, 0.9, 0.0, rng(2)), env, 2)
    return measured(max(Q[s, a] for s in (0, 1) for a in range(4) if (s, a) not in env.played), of=np.sort(Q))


@probe("dyna_q", "the rewards -1 and -2 again, n = 0, and κ = 10, which without planning changes nothing: Q", expected=[-1.2, -1.5])
def no_bonus_in_the_world(answer):
    env = Table([[(1, -1.0, False)], [(0, -2.0, True)]])
    return learnt(answer.dyna_q(env, 2, 0, 0.5, 0.9, 0.1, rng(0), kappa=10.0), env, 2)[0][:, 0]


@probe("dyna_q", "two actions, of which one pays 1, ε = 0, n = 0, κ = 10, 100 episodes: how often the other one is taken after it", expected=0.0)
def no_bonus_when_acting(answer):
    env = Table([[(0, 1.0, True), (0, 0.0, True)]])
    learnt(answer.dyna_q(env, 100, 0, 0.5, 0.9, 0.0, rng(3), kappa=10.0), env, 100)
    actions = [a for _, a in env.played]
    return float(np.sum(actions[actions.index(0) :]))


@probe("dyna_q", "two actions, one step that pays 0 and ends, γ = 0.5, κ = 1, n = 200: Q of what was tried and of what was not", expected=[0.0, 2.0],
       tolerance=1e-6)  # fmt: skip
def curious(answer):
    env = Table([[(0, 0.0, True)] * 2])
    return np.sort(learnt(answer.dyna_q(env, 1, 200, 0.5, 0.5, 0.0, rng(4), kappa=1.0), env, 1)[0][0])


def second_episode(answer, n, runs):
    what, start = rows()
    return float(np.mean([learnt(answer.dyna_q(env, 2, n, 0.1, 0.95, 0.1, rng(k)), env, 2)[1][1] for k in range(runs) for env in [Table(what, start)]]))


@probe("dyna_q", f"the maze, α = ε = 0.1, γ = 0.95, n = 5, {RUNS} runs: steps of the second episode", between=(65.0, 245.0), twice=False)
def maze(answer):
    return second_episode(answer, 5, RUNS)


@probe("dyna_q", "the maze, n = 50, 30 runs: steps of the second episode", expected=39.5, tolerance=8.0, slow=True, twice=False)
def maze_50(answer):
    return second_episode(answer, 50, 30)
