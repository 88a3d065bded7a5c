"""What a grid world must do. Small square maps without slips forgive most mistakes: look at two lines of four cells, at slips, and at many mazes.

The right answers are those of the library's GridWorld on the same maps, but for what is worked by hand.
"""

import contextlib
import io
import warnings

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env

from from_scratch.core.exact import values
from from_scratch.envs import GridWorld
from sb3_course.teaching.checks import Mistake, number, probe, rng, seeded

LINE, TWO_LINES = ["S.G"], ["S.#.", "...G"]
FIELD = ["S..S", ".#..", "..SG", "#..."]  # three starts
ROUND_THE_WALL = ["S...", ".##.", "...G"]
NAMES = ("up", "down", "left", "right")


def likelihoods(P, n):
    """The table in words and numbers: of each state and action the probability of every next state, of an end, and the mean reward."""
    found = {}
    for s in range(n):
        for a in range(4):
            p, end, r = np.zeros(n), 0.0, 0.0
            for probability, s_next, reward, terminated in P[s][a]:
                p[s_next] += probability
                end, r = end + probability * terminated, r + probability * reward
            found |= {f"P[{s}][{a}] ({NAMES[a]} from {s}): the probability of {s_next}": p[s_next] for s_next in range(n)}
            found |= {f"P[{s}][{a}] ({NAMES[a]} from {s}): the probability that it terminates": end}
            found |= {f"P[{s}][{a}] ({NAMES[a]} from {s}): the mean reward": r}
    return found


def table_of(env):
    """P of a learner's environment, if it has the form of a table."""
    n = len(env.letters)
    try:
        for s in range(n):
            for a in range(4):
                for probability, s_next, reward, terminated in env.P[s][a]:
                    if not 0 <= int(s_next) < n or int(s_next) != s_next:
                        raise Mistake(f"P[{s}][{a}] leads to {s_next}, should be a state from 0 to {n - 1}")
                    number(probability, f"a probability in P[{s}][{a}]")
                    number(reward, f"a reward in P[{s}][{a}]")
                    bool(terminated)
    except (KeyError, IndexError):
        raise Mistake(f"there is no P[{s}][{a}]; all states from 0 to {n - 1} and actions from 0 to 3 have one") from None
    except (TypeError, ValueError):
        raise Mistake(f"P[{s}][{a}] is {env.P[s][a]!r}"[:120] + ", should be a list of (probability, s_next, reward, terminated)") from None
    return env.P


def library(desc, slip):
    """The same world in the library, which adds what G pays to what a step pays."""
    return GridWorld(desc=desc, slip=slip, step_reward=-1.0, rewards={"G": 11.0})


def right_table(desc, slip):
    return lambda: likelihoods(library(desc, slip).P, sum(map(len, desc)))


def table_on(answer, desc, slip):
    return likelihoods(table_of(answer.OwnGrid(desc, slip=slip)), sum(map(len, desc)))


# ----------------------------------------------------------------------------------------------------------------- table


@probe("OwnGrid.table", f"OwnGrid({FIELD}, slip=0.3), the sum of the probabilities of P[s][a]:", expected={"the least": 1.0, "the largest": 1.0})
def sums(answer):
    P = table_of(answer.OwnGrid(FIELD, slip=0.3))
    found = [sum(outcome[0] for outcome in P[s][a]) for s in range(16) for a in range(4)]
    return {"the least": min(found), "the largest": max(found)}


@probe("OwnGrid.table", 'OwnGrid(["S.G"]):', expected=right_table(LINE, 0.0))
def line(answer):
    return table_on(answer, LINE, 0.0)


@probe("OwnGrid.table", 'OwnGrid(["S.#.", "...G"]):', expected=right_table(TWO_LINES, 0.0))
def two_lines(answer):
    return table_on(answer, TWO_LINES, 0.0)


@probe("OwnGrid.table", 'OwnGrid(["S.#.", "...G"], slip=0.2):', expected=right_table(TWO_LINES, 0.2))
def slipping(answer):
    return table_on(answer, TWO_LINES, 0.2)


@probe("OwnGrid.table", 'OwnGrid(["S...", ".##.", "...G"]), γ = 0.9: V*(start) by value iteration on P', expected=3.122, tolerance=5e-4)
def round_the_wall(answer):
    """Four steps for −1 each, and one for 10: −1 − 0.9 − 0.81 − 0.729 + 0.6561 · 10."""
    env = answer.OwnGrid(ROUND_THE_WALL)
    table_of(env)
    return values.optimal_values(env, 0.9)[0]


# ----------------------------------------------------------------------------------------------------------------- reset


def begun(env, seed=None):
    """The state in which an episode begins."""
    found = env.reset() if seed is None else env.reset(seed=seed)
    if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], dict):
        raise Mistake(f"gives {found!r}"[:80] + ", should be s and a dict")
    if not isinstance(found[0], int | np.integer) or isinstance(found[0], bool):
        raise Mistake(f"gives the state {found[0]!r}"[:80] + f", a {type(found[0]).__name__}, should be a whole number")
    return int(found[0])


@probe("OwnGrid.reset", 'OwnGrid(["..S", "..G"]), reset after two steps:', expected={"the state that it gives": 2, "self.s": 2})
def one_start(answer):
    env = answer.OwnGrid(["..S", "..G"])
    env.s = 4
    s = begun(env, seeded(0))
    return {"the state that it gives": s, "self.s": number(env.s, "self.s")}


@probe("OwnGrid.reset", f"OwnGrid({FIELD}), 20 seeds: the starts in a second environment with the same seeds", expected="the same")
def same_starts(answer):
    one, other = answer.OwnGrid(FIELD), answer.OwnGrid(FIELD)
    begun(other, seeded(100))
    starts = [[begun(env, seeded(k)) for k in range(20)] for env in (one, other)]
    return "the same" if starts[0] == starts[1] else "others"


@probe("OwnGrid.reset", f"OwnGrid({FIELD}), 600 episodes, a seed for the first one only: the shares of the three starts", expected=[1 / 3] * 3, tolerance=0.08)
def all_starts(answer):
    env = answer.OwnGrid(FIELD)
    found = [begun(env, seeded(1)), *(begun(env) for _ in range(599))]
    return np.array([found.count(s) for s in (0, 3, 10)]) / 600


# ------------------------------------------------------------------------------------------------------------------ step


def after(env, action):
    """What a step gives, in words and numbers."""
    found = env.step(action)
    if not isinstance(found, tuple) or len(found) != 5:
        raise Mistake(f"gives {found!r}"[:100] + ", should be s_next, reward, terminated, truncated, info")
    s_next, reward, terminated, truncated, info = found
    if not isinstance(info, dict):
        raise Mistake(f"gives {info!r} as info"[:100] + ", should be a dict")
    return number(s_next, "s_next"), number(reward, "the reward"), bool(terminated), bool(truncated)


def world(answer, desc, slip=0.0, seed=0):
    """An environment in which an episode has begun, with a generator that it owes to nobody's reset."""
    env = answer.OwnGrid(desc, slip=slip)
    begun(env, seeded(seed))
    env.np_random = rng(seed)
    return env


def all_steps(step, n):
    """Of each state and action where and how the step ends."""
    found = {}
    for s in range(n):
        for a in range(4):
            s_next, reward, terminated = step(s, a)
            name = f"step({a}) ({NAMES[a]}) in state {s}:"
            found |= {f"{name} the next state": s_next, f"{name} the reward": reward, f"{name} terminated": bool(terminated)}
    return found


@probe("OwnGrid.step", 'OwnGrid(["S.G"]), to the right twice:', expected={
    "the first next state": 1, "the first reward": -1.0, "terminated after the first": False, "self.s after the first": 1,
    "the second next state": 2, "the second reward": 10.0, "terminated after the second": True, "truncated after the second": False})  # fmt: skip
def to_the_goal(answer):
    env, found = world(answer, LINE), {}
    s_next, reward, terminated, _ = after(env, 3)
    found |= {"the first next state": s_next, "the first reward": reward, "terminated after the first": terminated}
    found |= {"self.s after the first": number(env.s, "self.s")}
    s_next, reward, terminated, truncated = after(env, 3)
    found |= {"the second next state": s_next, "the second reward": reward, "terminated after the second": terminated}
    return found | {"truncated after the second": truncated}


@probe("OwnGrid.step", 'OwnGrid(["S.#.", "...G"]), every state and action:', expected=lambda: all_steps(lambda s, a: library(TWO_LINES, 0.0).P[s][a][0][1:], 8))
def everywhere(answer):
    env = world(answer, TWO_LINES)

    def step(s, a):
        env.s = s
        return after(env, a)[:3]

    return all_steps(step, 8)


@probe("OwnGrid.step", 'OwnGrid(["S..", "...", "..G"], slip=0.2), 1000 times to the right from its middle: the shares of up, down, left, right',
       expected=[0.1, 0.1, 0.0, 0.8], tolerance=0.06)  # fmt: skip
def slips(answer):
    env, found = world(answer, ["S..", "...", "..G"], 0.2, 2), []
    for _ in range(1000):
        env.s = 4
        found.append(after(env, 3)[0])
    return np.array([found.count(s) for s in (1, 7, 3, 5)]) / 1000


@probe("OwnGrid.step", f"OwnGrid({ROUND_THE_WALL}, slip=1), each state and action 40 times: the largest difference between a share of s' and its probability",
       expected=0.0, tolerance=0.4, twice=False)  # fmt: skip
def as_the_table_says(answer):
    env, table = world(answer, ROUND_THE_WALL, 1.0, 3), library(ROUND_THE_WALL, 1.0)
    worst = 0.0
    for s in np.flatnonzero([letter in "S." for letter in table.letters]):
        for a in range(4):
            difference = np.zeros(12)
            for _ in range(40):
                env.s = int(s)
                difference[int(after(env, a)[0])] += 1 / 40
            for probability, s_next, *_ in table.P[s][a]:
                difference[s_next] -= probability
            worst = max(worst, np.abs(difference).max())
    return worst


@probe("OwnGrid.step", 'OwnGrid(["S.G"]), 300 steps to the left: whether one of them', expected={"terminated": False, "truncated": False})
def for_ever(answer):
    env = world(answer, LINE)
    found = np.array([after(env, 2)[2:] for _ in range(300)])
    return {"terminated": bool(found[:, 0].any()), "truncated": bool(found[:, 1].any())}


def walk(env, n, seed):
    """The states of n steps at random, with a new episode after each end."""
    random, states = rng(seed), []
    for _ in range(n):
        s, _, terminated, truncated = after(env, int(random.integers(4)))
        states.append(begun(env) if terminated or truncated else s)
    return states


@probe(
    "OwnGrid.step",
    f"OwnGrid({ROUND_THE_WALL}, slip=0.3), 100 steps at random: the states in a second environment with the same self.np_random",
    expected="the same",
)
def same_steps(answer):
    one, other = (walk(world(answer, ROUND_THE_WALL, 0.3, 4), 100, 4) for _ in range(2))
    return "the same" if one == other else "others"


@probe("OwnGrid.step", f"OwnGrid({FIELD}, slip=0.3), 400 steps at random: how many ended in an obstacle", expected=0)
def obstacles(answer):
    env = world(answer, FIELD, 0.3, 5)
    return sum(env.letters[int(s)] == "#" for s in walk(env, 400, 5))


# ---------------------------------------------------------------------------------------------------------------- render


def picture(env):
    found = env.render()
    if not isinstance(found, str):
        raise Mistake(f"is {found!r}"[:80] + ", should be a text" + (": is a `return` missing?" if found is None else ""))
    return found.strip("\n")


@probe("OwnGrid.render", 'OwnGrid(["S.G"], render_mode="ansi"), at the beginning: the picture', expected="A.G")
def first_picture(answer):
    env = answer.OwnGrid(LINE, render_mode="ansi")
    begun(env, seeded(0))
    return picture(env)


@probe("OwnGrid.render", 'OwnGrid(["S.#.", "...G"], render_mode="ansi"), with the agent in state 6: the picture', expected="S.#.\n..AG")
def picture_on_the_way(answer):
    env = answer.OwnGrid(TWO_LINES, render_mode="ansi")
    begun(env, seeded(0))
    env.s = 6
    return picture(env)


@probe("OwnGrid.render", 'OwnGrid(["S.G"]), without a render_mode: the picture', expected=None)
def no_picture(answer):
    env = answer.OwnGrid(LINE)
    begun(env, seeded(0))
    return env.render()


# ----------------------------------------------------------------------------------------------------------------- mazes

SIZE = (6, 9)


def maze(answer, density, seed, size=SIZE):
    """A learner's maze, with one S and one G, lines of the right number and length, and no letters but its own."""
    found = answer.random_maze(*size, density, rng(seed))
    if not isinstance(found, list | tuple) or not all(isinstance(line, str) for line in found):
        raise Mistake(f"is {found!r}"[:100] + ", should be a list of lines of text")
    if len(found) != size[0] or {len(line) for line in found} != {size[1]}:
        lengths = sorted({len(line) for line in found})
        raise Mistake(f"has {len(found)} lines of {' or '.join(map(str, lengths))} letters, should have {size[0]} lines of {size[1]}")
    letters = "".join(found)
    if set(letters) - set("SG.#") or letters.count("S") != 1 or letters.count("G") != 1:
        other = "".join(sorted(set(letters) - set("SG.#")))
        raise Mistake(f"has {letters.count('S')} S, {letters.count('G')} G{f' and the letters {other}' if other else ''}; should have one S, one G, . and #")
    return tuple(found)


def has_way_out(desc):
    """Whether steps up, down, left, right lead from S to G."""
    letters, columns = "#".join(["#" * len(desc[0]), *desc, "#" * len(desc[0])]), len(desc[0]) + 1
    seen, waiting = set(), [letters.index("S")]
    while waiting:
        s = waiting.pop()
        seen.add(s)
        waiting += [s_next for s_next in (s - columns, s + columns, s - 1, s + 1) if letters[s_next] != "#" and s_next not in seen]
    return letters.index("G") in seen


@probe("random_maze", "random_maze(6, 9, 0.3, rng): the maze of a second generator with the same seed", expected="the same")
def same_maze(answer):
    return "the same" if maze(answer, 0.3, 6) == maze(answer, 0.3, 6) else "another"


@probe("random_maze", "200 seeds, 6 lines of 9: how many different mazes there are", expected=200, twice=False)
def different(answer):
    return len({maze(answer, 0.3, 1000 + k) for k in range(200)})


@probe("random_maze", "50 seeds, density 0.3: the share of obstacles", between=(0.2, 0.4), twice=False)
def share(answer):
    return np.mean(["".join(maze(answer, 0.3, 1000 + k)).count("#") / 54 for k in range(50)])


@probe("random_maze", "200 seeds, density 0.4: how many mazes have a way from S to G", expected=200, twice=False)
def way_out(answer):
    return sum(has_way_out(maze(answer, 0.4, 2000 + k)) for k in range(200))


# ------------------------------------------------------------------------------------------------------------- the whole


def checked(env):
    """What Gymnasium's own checker says."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of the kind "the state space has no bounds"
            check_env(env)
    except AssertionError as error:
        raise Mistake(" ".join(str(error).split())[:300]) from None
    return "passed"


@probe("OwnGrid", "gymnasium.utils.env_checker.check_env", expected="passed")
def gymnasiums_own(answer):
    return checked(answer.OwnGrid(FIELD, slip=0.2, render_mode="ansi"))


@probe("OwnGrid", "OwnGrid(random_maze(6, 9, 0.3, rng), slip=0.1), γ = 0.9: V*(start) less that of the library's GridWorld on the same map", twice=False,
       expected=[0.0, 0.0], tolerance=1e-6)  # fmt: skip
def mazes_of_one_s_own(answer):
    found = []
    for k in range(2):
        desc = list(maze(answer, 0.3, 4000 + k))
        env = answer.OwnGrid(desc, slip=0.1)
        table_of(env)
        own, right = (values.optimal_values(world, 0.9)["".join(desc).index("S")] for world in (env, library(desc, 0.1)))
        found.append(own - right)
    return np.array(found)


@probe("OwnGrid", 'TimeLimit(OwnGrid(["S.G"]), 20), always to the left: the last step', expected={"number": 20, "terminated": False, "truncated": True})
def cut(answer):
    env = gym.wrappers.TimeLimit(answer.OwnGrid(LINE), 20)
    env.reset(seed=seeded(0))
    for k in range(1, 1001):
        *_, terminated, truncated, _ = env.step(2)
        if terminated or truncated:
            return {"number": k, "terminated": bool(terminated), "truncated": bool(truncated)}
    return {"number": 1000, "terminated": False, "truncated": False}
