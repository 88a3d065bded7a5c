"""What target, choose and learn must give.

At the cliff one hardly sees whether ties are broken evenly, whether the action in Sarsa's target is the one that is played, or what is added behind the end.
The lake, a recorder and Blackjack show it.
"""

from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, number, probe, rng, seeded

SEEDS = 6


class Table(gym.Env):
    """Deterministic: what[s][a] is (s', r, terminated). `played` holds the actions, an episode a list; after `limit` steps an episode is cut."""

    def __init__(self, what, n_states, start=0, limit=5000):
        self.what, self.start, self.limit, self.played = what, start, limit, []
        self.observation_space, self.action_space = gym.spaces.Discrete(n_states), gym.spaces.Discrete(len(what[start]))

    def reset(self, *, seed=None, options=None):
        self.s = self.start
        self.played.append([])
        return self.s, {}

    def step(self, action):
        self.played[-1].append(int(action))
        self.s, r, terminated = self.what[self.s][action]
        return self.s, r, terminated, len(self.played[-1]) >= self.limit, {}


@cache
def rows(id, **kwargs):
    inner: Any = gym.make(id, **kwargs).unwrapped
    P = inner.P
    return [[(int(s), float(r), bool(over)) for [(_, s, r, over)] in (P[s][a] for a in range(len(P[s])))] for s in range(len(P))]


def cliff():
    """CliffWalking-v1, which is deterministic, without what makes Gymnasium's slow."""
    return Table(rows("CliffWalking-v1"), 48, start=36)


class TwentyAgainstTen(gym.Wrapper):
    """Blackjack-v1 with 20 in hand and the dealer showing a ten; observations are 2 · sum + 1 if there is a usable ace. Action 0 sticks, 1 hits."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = gym.spaces.Discrete(64)

    def reset(self, **kwargs):
        self.env.reset(**kwargs)
        table: Any = self.env.unwrapped
        table.player, table.dealer[0] = [10, 10], 10
        return 40, {}

    def step(self, action):
        (total, _, ace), *rest = self.env.step(action)
        return 2 * total + ace, *rest


def learnt(found, n_states, n_actions, n_episodes):
    """What learn gives: Q and returns."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be Q, returns")
    return array(found[0], (n_states, n_actions), "Q"), array(found[1], (n_episodes,), "returns")


# --------------------------------------------------------------------------------------------------------------- targets

Q_NEXT = [1.0, 4.0, -2.0, 3.0]


@probe("target", "r = -1, Q(s', ·) = 1 4 -2 3, A' = 3, γ = 0.5: Sarsa's target", expected=0.5)
def sarsa_by_hand(answer):
    return number(answer.target("sarsa", -1.0, np.array(Q_NEXT), 3, False, 0.5, 0.2), "it")


@probe("target", "r = -1, Q(s', ·) = 1 4 -2 3, ε = 0.2, γ = 0.5: Expected Sarsa's target", expected=0.75)
def expected_by_hand(answer):
    return number(answer.target("expected_sarsa", -1.0, np.array(Q_NEXT), 3, False, 0.5, 0.2), "it")


@probe("target", "r = -1, Q(s', ·) = 1 4 -2 3, γ = 0.5: Q-learning's target", expected=1.0)
def q_learning_by_hand(answer):
    return number(answer.target("q_learning", -1.0, np.array(Q_NEXT), 3, False, 0.5, 0.2), "it")


@probe("target", "Q(s', ·) = 2 2 0 0, two actions are equally good, r = 0, γ = 1, ε = 0.2: Expected Sarsa's target", expected=1.8)
def ties_by_hand(answer):
    return number(answer.target("expected_sarsa", 0.0, np.array([2.0, 2.0, 0.0, 0.0]), 0, False, 1.0, 0.2), "it")


@probe("target", "behind the end, r = -1: the three targets", expected=[-1.0, -1.0, -1.0])
def behind_the_end(answer):
    kinds = ("sarsa", "expected_sarsa", "q_learning")
    return [number(answer.target(kind, -1.0, np.array(Q_NEXT), 3, True, 0.5, 0.2), f"{kind}'s target") for kind in kinds]


# --------------------------------------------------------------------------------------------------------------- choices


@probe("choose", "Q(s, ·) = 0 2 1 2, ε = 0.2, 10,000 draws: the actions' shares", expected=[0.05, 0.45, 0.05, 0.45], tolerance=0.02)
def shares(answer):
    q, draws = np.array([0.0, 2.0, 1.0, 2.0]), rng(0)
    actions = array([answer.choose(q, 0.2, draws) for _ in range(10_000)], (10_000,), "the actions")
    return [float(np.mean(actions == a)) for a in range(4)]


# -------------------------------------------------------------------------------------------------------------- learning


@probe("learn", "one action, rewards -1 and -2, two episodes, α = 0.5, γ = 0.9:", expected={"Q": [[-1.2], [-1.5]], "returns": [-3.0, -3.0]})
def by_hand(answer):
    env = Table([[(1, -1.0, False)], [(1, -2.0, True)]], 2)  # the last observation is the one before, as in Blackjack
    Q, returns = learnt(answer.learn(env, "q_learning", 2, 0.5, 0.9, 0.1, rng(0)), 2, 1, 2)
    return {"Q": Q, "returns": returns}


@probe("learn", "one action, reward 1, cut after 2 steps, two episodes, α = 0.5, γ = 0.5: Q", expected=[[0.875], [0.875]])
def cut(answer):
    env = Table([[(1, 1.0, False)], [(1, 1.0, False)]], 2, limit=2)
    return learnt(answer.learn(env, "sarsa", 2, 0.5, 0.5, 0.1, rng(0)), 2, 1, 2)[0]


@probe("learn", "two steps, four actions, α = γ = ε = 1: share of Sarsa's targets that hold the action that was then played", expected=1.0)
def played(answer):
    env = Table([[(1, 0.0, False)] * 4, [(1, a + 1.0, True) for a in range(4)]], 2)
    Q, _ = learnt(answer.learn(env, "sarsa", 200, 1.0, 1.0, 1.0, rng(1)), 2, 4, 200)
    last = dict(filter(lambda actions: len(actions) == 2, env.played))  # the first action -> the second, in the last episode that began so
    return measured(float(np.mean([Q[0, a] == last[a] + 1 for a in range(4)])), of=Q)


@probe("learn", "Blackjack-v1, 20 against a ten, γ = 1, 3000 episodes of Q-learning at α = 0.005: Q(stick)", expected=0.435, tolerance=0.14, twice=False)
def blackjack(answer):
    env = TwentyAgainstTen(gym.make("Blackjack-v1", disable_env_checker=True))
    env.reset(seed=seeded(0))
    return learnt(answer.learn(env, "q_learning", 3000, 0.005, 1.0, 0.1, rng(0)), 64, 2, 3000)[0][40, 0]


def greedy_return(Q, env, most):
    """The return of the greedy actions, within so many steps."""
    s, total, over = env.reset()[0], 0.0, False
    while not over and most:
        s, r, over, _, _ = env.step(int(Q[s].argmax()))
        total, most = total + r, most - 1
    return total


@probe("learn", "deterministic lake, γ = 0.99, 1500 episodes of Q-learning: return of the greedy actions", expected=1.0, twice=False)
def lake(answer):
    env = Table(rows("FrozenLake-v1", is_slippery=False), 16, limit=100)
    return greedy_return(learnt(answer.learn(env, "q_learning", 1500, 0.5, 0.99, 0.1, rng(0)), 16, 4, 1500)[0], env, 100)


def at_the_cliff(answer, kind):
    """The mean return of the last 100 episodes, over seeds; and Q of the last seed."""
    runs = [learnt(answer.learn(cliff(), kind, 500, 0.5, 1.0, 0.1, rng(seed)), 48, 4, 500) for seed in range(SEEDS)]
    return np.mean([returns[-100:].mean() for _, returns in runs]), runs[-1][0]


@probe("learn", "cliff, 500 episodes, α = 0.5, ε = 0.1, 6 seeds: Sarsa's mean return, the last 100", between=(-44.0, -15.0), twice=False)
def sarsa_at_the_cliff(answer):
    value, Q = at_the_cliff(answer, "sarsa")
    return measured(value, of=Q)


@probe("learn", "cliff, 500 episodes, α = 0.5, ε = 0.1, 6 seeds: Expected Sarsa's mean return, the last 100", expected=-20.8, tolerance=4.0, twice=False)
def expected_at_the_cliff(answer):
    value, Q = at_the_cliff(answer, "expected_sarsa")
    return measured(value, of=Q)


@probe("learn", "cliff, 500 episodes, α = 0.5, ε = 0.1, 6 seeds: Q-learning's mean return, the last 100", between=(-62.0, -38.0), twice=False)
def q_learning_at_the_cliff(answer):
    value, Q = at_the_cliff(answer, "q_learning")
    return measured(value, of=Q)


@probe("learn", "cliff, what Q-learning has learnt in 500 episodes, without exploring: the return", expected=-13.0, twice=False)
def greedy_at_the_cliff(answer):
    Q, _ = learnt(answer.learn(cliff(), "q_learning", 500, 0.5, 1.0, 0.1, rng(0)), 48, 4, 500)
    return greedy_return(Q, cliff(), 100)
