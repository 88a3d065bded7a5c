"""What target and learn must give.

In most environments both tables soon agree, and then it does not matter which of them selects and which values. So the tables of the probes differ.
"""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, given, measured, number, probe, rng, seeded

RUNS = 150


class Steps:
    """Deterministic: what[s][a] is (s', r, terminated); the episode is cut after `limit` steps. `first` holds the first action of each episode."""

    def __init__(self, what, limit=100):
        self.what, self.limit, self.first = what, limit, []
        self.n_actions = [len(row) for row in what]

    def reset(self):
        self.s, self.t = 0, 0
        return 0, {}

    def step(self, action):
        if self.t == 0:
            self.first.append(int(action))
        self.s, r, terminated = self.what[self.s][action]
        self.t += 1
        return self.s, r, terminated, self.t >= self.limit, {}


class Doubtful(Steps):
    """Example 6.7: left in state 0 leads to state 1, whose ten actions end with rewards from N(-0.1, 1)."""

    def __init__(self, rng):
        super().__init__([[(2, 0.0, True), (1, 0.0, False)], [(2, 0.0, True)] * 10, [(2, 0.0, True)]])
        self.rng = rng

    def step(self, action):
        of_b = self.s == 1
        s, r, *rest = super().step(action)
        return s, self.rng.normal(-0.1, 1.0) if of_b else r, *rest


def two_tables(found, n_actions):
    """What learn gives: Q1 and Q2, each a list of arrays."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be Q1, Q2")
    for name, table in zip(("Q1", "Q2"), found, strict=True):
        if not isinstance(table, list | tuple | np.ndarray) or len(table) != len(n_actions):
            raise Mistake(f"{name} should be a list of an array for each state, as zeros(env) gives it")
    return [[array(row, (n,), f"{name}[{s}]") for s, (row, n) in enumerate(zip(table, n_actions, strict=True))] for name, table in zip(("Q1", "Q2"), found)]


# ---------------------------------------------------------------------------------------------------------------- target


@probe("target", "this table 1 4 3, the other 5 2 -1, r = -1, γ = 0.5: target", expected=0.0)
def by_hand(answer):
    return number(answer.target(np.array([1.0, 4.0, 3.0]), np.array([5.0, 2.0, -1.0]), -1.0, False, 0.5), "it")


@probe("target", "this table -4 -1, the other 2 7, r = 1, γ = 0.5: target", expected=4.5)
def by_hand_again(answer):
    return number(answer.target(np.array([-4.0, -1.0]), np.array([2.0, 7.0]), 1.0, False, 0.5), "it")


@probe("target", "behind the end, r = -1: target", expected=-1.0)
def behind_the_end(answer):
    return number(answer.target(np.array([1.0, 4.0, 3.0]), np.array([5.0, 2.0, -1.0]), -1.0, True, 0.5), "it")


# -------------------------------------------------------------------------------------------------------------- learning


@probe("learn", "one action that pays 1 and ends, 400 episodes, α = 0.01: updates of both tables, and the share of Q1 in them",
       expected={"updates": 400.0, "share": 0.5}, tolerance=0.1)  # fmt: skip
def coin(answer):
    """After n updates 1 − Q is 0.99ⁿ, which gives n."""
    Q1, Q2 = two_tables(answer.learn(Steps([[(0, 1.0, True)]]), 400, 0.01, 1.0, 0.1, rng(0)), [1])
    if max(Q1[0][0], Q2[0][0]) >= 1:
        raise Mistake(f"cannot be counted: Q1 is {Q1[0][0]:.4g} and Q2 {Q2[0][0]:.4g}, and there is no more than 1 to be had")
    n1, n2 = (np.log(1 - Q[0][0]) / np.log(0.99) for Q in (Q1, Q2))
    return {"updates": float(n1 + n2), "share": float(n1 / max(n1 + n2, 1e-9))}


@probe("learn", "two steps that pay 1 and 2, one action, 60 episodes, α = γ = 0.5: Q1 and Q2 of both states", expected=[2.0, 2.0, 2.0, 2.0], tolerance=1e-3)
def two_steps(answer):
    Q1, Q2 = two_tables(answer.learn(Steps([[(1, 1.0, False)], [(1, 2.0, True)]]), 60, 0.5, 0.5, 0.1, rng(0)), [1, 1])
    return [Q1[0][0], Q1[1][0], Q2[0][0], Q2[1][0]]


@probe("learn", "one action, reward 1, cut after one step, 100 episodes, α = γ = 0.5: Q1 and Q2", expected=[2.0, 2.0], tolerance=1e-3)
def cut(answer):
    Q1, Q2 = two_tables(answer.learn(Steps([[(0, 1.0, False)]], limit=1), 100, 0.5, 0.5, 0.1, rng(1)), [1])
    return [Q1[0][0], Q2[0][0]]


@probe("learn", "four actions that pay 1 and end, ε = 0, 200 times two episodes: share in which the first action, known to be good by one table, is repeated",
       expected=1.0)  # fmt: skip
def acts_by_both(answer):
    repeated, draws = [], rng(2)
    for _ in range(200):
        env = Steps([[(0, 1.0, True)] * 4])
        two_tables(answer.learn(env, 2, 0.5, 1.0, 0.0, draws), [4])
        repeated.append(env.first[0] == env.first[1])
    return float(np.mean(repeated))


def runs(answer, n):
    """100 episodes of example 6.7, n times: the first actions [n, 100], and how far Q1(0, left) is from the largest of Q1(1, ·) and from that of Q2(1, ·)."""
    first, apart = [], []
    for k in range(n):
        env = Doubtful(np.random.default_rng([seeded(0), k]))
        Q1, Q2 = two_tables(answer.learn(env, 100, 0.1, 1.0, 0.1, given(f"np.random.default_rng([{seeded(1)}, {k}])")), [2, 10, 1])
        first.append(env.first)
        apart.append([abs(Q1[0][1] - Q[1].max()) for Q in (Q1, Q2)])
    return np.array(first), np.mean(apart, axis=0)


@probe("learn", f"example 6.7, α = ε = 0.1, {RUNS} runs: share of left in episodes 81 to 100", expected=0.095, tolerance=0.06, twice=False)
def doubtful(answer):
    left, apart = runs(answer, RUNS)
    return measured(float(left[:, 80:].mean()), of=[*left[:, :20].mean(0), *(3 * apart)])


@probe("learn", "example 6.7, 2000 runs: share of left at episode 100", expected=0.096, tolerance=0.027, slow=True, twice=False)
def episode_100(answer):
    return float(runs(answer, 2000)[0][:, 99].mean())
