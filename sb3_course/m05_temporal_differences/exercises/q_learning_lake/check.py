"""What greedy, update and q_learning must give: by hand, on the lake, on a hand of Blackjack, and, slowly, on the slippery lake.

On the lake one sees whether ties are broken; whether the end is masked one sees on the hand of Blackjack, whose last observation is the first one again.
"""

from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np

from from_scratch.core.exact.values import expected_return
from from_scratch.envs import BlackjackTable
from sb3_course.teaching.checks import array, given, measured, number, probe, rng, seeded

HALF, ONE_TENTH, FALLING = "lambda n: 0.5", "lambda k: 0.1", "lambda n: n**-0.8"


class Table(gym.Env):
    """Finite: what[s][a] is a list of (probability, s', r, terminated). `played` holds the actions of all episodes; after `limit` steps one is cut."""

    def __init__(self, what, n_states, limit=5000, seed=0):
        self.what, self.limit, self.played = what, limit, []
        self.observation_space, self.action_space = gym.spaces.Discrete(n_states), gym.spaces.Discrete(len(what[0]))
        self.draws = np.random.default_rng(seed)

    def reset(self, *, seed=None, options=None):
        self.s = self.steps = 0
        return self.s, {}

    def step(self, action):
        self.played.append(int(action))
        self.steps += 1
        outcomes = self.what[self.s][action]
        k = int(self.draws.random() * len(outcomes)) if len(outcomes) > 1 else 0  # all outcomes here are equally likely
        _, self.s, r, terminated = outcomes[k]
        return self.s, r, terminated, self.steps >= self.limit, {}


def steps(*rows):
    """A table in which nothing is left to chance: of each state, of each action, (s', r, terminated)."""
    return [[[(1.0, *outcome)] for outcome in row] for row in rows]


@cache
def lake(slippery):
    inner: Any = gym.make("FrozenLake-v1", is_slippery=slippery).unwrapped
    return [[[(float(p), int(s), float(r), bool(end)) for p, s, r, end in inner.P[s][a]] for a in range(4)] for s in range(16)]


def learnt(found, n_states, n_actions):
    return array(found, (n_states, n_actions), "Q")


# --------------------------------------------------------------------------------------------------------------- greedy


@probe("greedy", "q = 0 2 1 2, 4000 draws: the actions' shares", expected=[0.0, 0.5, 0.0, 0.5], tolerance=0.04)
def shares(answer):
    q, draws = np.array([0.0, 2.0, 1.0, 2.0]), rng(0)
    actions = array([answer.greedy(q, draws) for _ in range(4000)], (4000,), "the actions")
    return [float(np.mean(actions == a)) for a in range(4)]


# --------------------------------------------------------------------------------------------------------------- update


def after(answer, *steps, Q=((2.0, 0.0), (1.0, 3.0)), alpha="lambda n: 0.5**n"):
    """Q and N after some updates, with γ = 0.5."""
    Q = np.array(Q)
    N = np.zeros_like(Q)
    for step in steps:
        answer.update(Q, N, *step, 0.5, given(alpha))
    return Q, N


@probe("update", "Q(s, ·) = 2 0, Q(s', ·) = 1 3, r = 1, γ = 0.5, step size 0.5: Q(s, 0)", expected=2.25)
def once(answer):
    Q, N = after(answer, (0, 0, 1.0, 1, False))
    return measured(Q[0, 0], of=np.concatenate([Q, N]))


@probe("update", "the same step, but it terminated: Q(s, 0)", expected=1.5)
def at_the_end(answer):
    Q, N = after(answer, (0, 0, 1.0, 1, True))
    return measured(Q[0, 0], of=np.concatenate([Q, N]))


@probe("update", "alpha(n) = 0.5**n, in s twice action 0 and once action 1, all to s': Q(s, ·)", expected=[2.3125, 1.25])
def counted(answer):
    Q, N = after(answer, (0, 0, 1.0, 1, False), (0, 0, 1.0, 1, False), (0, 1, 1.0, 1, False))
    return measured(Q[0], of=np.concatenate([Q, N]))


@probe("update", "the same three steps: N(s, ·)", expected=[2.0, 1.0])
def counts(answer):
    Q, N = after(answer, (0, 0, 1.0, 1, False), (0, 0, 1.0, 1, False), (0, 1, 1.0, 1, False))
    return measured(N[0], of=np.concatenate([Q, N]))


# ----------------------------------------------------------------------------------------------------------- q_learning


@probe("q_learning", "one action, rewards -1 and -2, two episodes, γ = 0.9, alpha(n) = 0.5: Q", expected=[-1.2, -1.5])
def by_hand(answer):
    env = Table(steps([(1, -1.0, False)], [(1, -2.0, True)]), 2)  # the last observation is the one before, as in Blackjack
    return learnt(answer.q_learning(env, 2, 0.9, given(HALF), given(ONE_TENTH), rng(0)), 2, 1)[:, 0]


@probe("q_learning", "one action, reward 1, cut after 2 steps, two episodes, γ = 0.5, alpha(n) = 0.5: Q", expected=[0.875, 0.875])
def cut(answer):
    env = Table(steps([(1, 1.0, False)], [(1, 1.0, False)]), 2, limit=2)
    return learnt(answer.q_learning(env, 2, 0.5, given(HALF), given(ONE_TENTH), rng(0)), 2, 1)[:, 0]


@probe("q_learning", "action 1 pays 1, epsilon(k) is 1 for k < 1000, then 0.2: share of action 1 in the last 1000 episodes", expected=0.9, tolerance=0.045)
def listens(answer):
    env = Table(steps([(0, 0.0, True), (0, 1.0, True)]), 1)
    Q = learnt(answer.q_learning(env, 2000, 0.9, given(HALF), given("lambda k: 1.0 if k < 1000 else 0.2"), rng(0)), 1, 2)
    return measured(float(np.mean(env.played[-1000:])), of=Q)


@probe("q_learning", "20 against a ten, γ = 1, 2000 hands, alpha(n) = n**-0.8: Q(stick)", expected=0.435, tolerance=0.14, twice=False)
def blackjack(answer):
    env: Any = BlackjackTable(start=(20, 10, 0))
    s, _ = env.reset(seed=seeded(0))
    Q = learnt(answer.q_learning(env, 2000, 1.0, given(FALLING), given(ONE_TENTH), rng(0)), 714, 2)
    return measured(Q[s, 0], of=Q[s])


@probe("q_learning", "deterministic lake, γ = 0.99, 1000 episodes, step size 0.5, ε = 0.1: return of the greedy actions", expected=1.0, twice=False)
def goal(answer):
    env = Table(lake(False), 16, limit=100)
    Q = learnt(answer.q_learning(env, 1000, 0.99, given(HALF), given(ONE_TENTH), rng(0)), 16, 4)
    return measured(expected_return(gym.make("FrozenLake-v1", is_slippery=False), Q.argmax(1)), of=Q)


@probe("q_learning", "FrozenLake-v1, 5 seeds: exact return of the greedy actions, the median", between=(0.70, 0.75), slow=True, twice=False)
def slippery(answer):
    """3000 episodes, step sizes n**-0.6, and ε that falls from 1 to 0.3."""
    found = []
    for seed in range(5):
        env = Table(lake(True), 16, limit=100, seed=seeded(seed))
        settings = given("lambda n: n**-0.6"), given("lambda k: max(0.3, 1 - k / 2100)")
        Q = learnt(answer.q_learning(env, 3000, 0.99, *settings, rng(seed)), 16, 4)
        found.append(expected_return(gym.make("FrozenLake-v1"), Q.argmax(1)))
    return number(float(np.median(found)), "it")
