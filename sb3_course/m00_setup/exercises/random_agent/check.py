"""What a random agent on CartPole must give. All that is compared with wrong answers is independent of how the actions are drawn."""

import io
from unittest.mock import patch

import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.wrappers import TimeLimit

from sb3_course.teaching.checks import Mistake, array, probe, seeded


def some(answer, n, seed, **more):
    return array(answer.returns(n, seeded(seed), **more), (n,), "the list")


def starts(answer, n, seed):
    """The states in which n episodes began, as tuples."""
    found, reset = list[tuple](), CartPoleEnv.reset

    def noted(self, *, seed=None, options=None):
        state, info = reset(self, seed=seed, options=options)
        found.append(tuple(state.tolist()))
        return state, info

    with patch.object(CartPoleEnv, "reset", noted):
        some(answer, n, seed)
    return found


@probe("returns", "3 episodes: number of returns", expected=3)
def three(answer):
    return len(some(answer, 3, 0))


@probe("returns", "3 episodes and a file: lines behind the heading", expected=3)
def lines_of_the_file(answer):
    file = io.StringIO()
    found = some(answer, 3, 0, file=file)
    if file.closed:
        raise Mistake("the file is closed: whoever opened it will close it")
    heading, *lines = file.getvalue().replace(" ", "").splitlines() or [""]
    if not heading:
        raise Mistake("the file is empty")
    if heading != "episode,return,length":
        raise Mistake(f"the file begins with '{heading[:40]}', should begin with 'episode,return,length'")
    if len(lines) != 3:
        return len(lines)
    try:
        rows = np.array([[float(word) for word in line.split(",")] for line in lines])
    except ValueError:
        raise Mistake(f"the file has the lines {lines}, should have lines such as '1,22.0,22'") from None
    if rows.shape != (3, 3):
        raise Mistake(f"the file has the lines {lines}, should have lines such as '1,22.0,22'")
    if rows[:, 0].tolist() != [1, 2, 3]:
        raise Mistake(f"the file numbers the episodes {rows[:, 0].tolist()}, should number them 1, 2, 3")
    if (rows[:, 2] > rows[:, 1]).all():
        raise Mistake("the episodes in the file have more steps than reward, but each step of an episode pays 1")
    if (rows[:, 1] != found).any():
        raise Mistake("the returns in the file are not those in the list")
    return len(lines)


@probe("returns", "10 returns, twice with one seed", expected=True)
def again(answer):
    if (some(answer, 10, 7) != some(answer, 10, 7)).any():
        raise Mistake("the second list is not the first")
    return True


@probe("returns", "10 returns with each of two seeds", expected=True)
def another(answer):
    if (some(answer, 10, 7) == some(answer, 10, 8)).all():
        raise Mistake("both lists are the same")
    return True


@probe("returns", "30 returns", expected=True)
def thirty(answer):
    found = some(answer, 30, 1)
    if (found == found[0]).all():
        raise Mistake("they are all the same")
    if (np.diff(found) > 0).all():
        raise Mistake("each is larger than the one before")
    if (found[1:] <= 1).all():
        raise Mistake("all but the first are at most 1")
    if found.min() < 8:
        raise Mistake("the least is below 8, but the pole never falls before the 8th step")
    return True


@probe("returns", "5 episodes: states in which they begin, different ones", expected=5)
def different_starts(answer):
    return len(set(starts(answer, 5, 7)[-5:] or range(5)))  # none were seen: it was played in another way


@probe("returns", "5 episodes with seed 7 and 5 with seed 8: states in which episodes of both begin", expected=0)
def common_starts(answer):
    return len(set(starts(answer, 5, 7)) & set(starts(answer, 5, 8)))


@probe("returns", "30 episodes, each cut short (truncated) after 15 steps: the largest return", expected=15)
def cut_short(answer):
    step, seen = TimeLimit.step, list[bool]()

    def short(self, action):
        *rest, truncated, info = step(self, action)
        seen.append(True)
        return *rest, truncated or self._elapsed_steps >= 15, info

    with patch.object(TimeLimit, "step", short):
        found = some(answer, 30, 5)
    return found.max() if seen else 15


@probe("returns", "30 returns: mean", between=(13, 35), twice=False)
def mean_of_30(answer):
    return some(answer, 30, 4).mean()


@probe("returns", "1000 returns: standard deviation", between=(9, 15), twice=False)
def spread_of_1000(answer):
    return some(answer, 1000, 3).std()


@probe("returns", "1000 returns: mean", expected=22.1, tolerance=1.5, twice=False)
def mean_of_1000(answer):
    return some(answer, 1000, 2).mean()
