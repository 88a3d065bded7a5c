"""What one step must change, by hand and by the box's equations; what a loop makes of scripted episodes; whether a walk is learnt."""

import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, number, probe, rng
from sb3_course.teaching.outputs import short

RATES = {"gamma": 0.5, "alpha_theta": 0.2, "alpha_w": 0.1, "lambda_theta": 0.5, "lambda_w": 0.25}
ONE_STEP = {**RATES, "lambda_theta": 0.0, "lambda_w": 0.0}


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


class Box:
    """The box, a line each."""

    def __init__(self, n_states, n_actions):
        self.theta, self.w = np.zeros((n_states, n_actions)), np.zeros(n_states)
        self.begin()

    def begin(self):
        self.z_theta, self.z_w, self.I = 0 * self.theta, 0 * self.w, 1.0

    def step(self, s, a, r, s_next, terminated, gamma, alpha_theta, alpha_w, lambda_theta, lambda_w):
        delta = r + (0.0 if terminated else gamma * self.w[s_next]) - self.w[s]
        self.z_w = gamma * lambda_w * self.z_w + np.eye(len(self.w))[s]
        self.z_theta = gamma * lambda_theta * self.z_theta
        self.z_theta[s] += self.I * (np.eye(self.theta.shape[1])[a] - softmax(self.theta[s]))
        self.w = self.w + alpha_w * delta * self.z_w
        self.theta = self.theta + alpha_theta * delta * self.z_theta
        self.I *= gamma
        return self

    @property
    def numbers(self):
        return np.array([*self.theta.ravel(), *self.w, *self.z_theta.ravel(), *self.z_w, self.I])


def stepped(answer, tables, step, rates):
    """What update gives, as tables again."""
    found = answer.update(*(np.array(x) if np.ndim(x) else x for x in tables), step, **rates)
    if not isinstance(found, tuple | list) or len(found) != 5:
        raise Mistake(f"it gives {short(found)}, should be theta, w, z_theta, z_w, I")
    names = ("theta", "w", "z_theta", "z_w")
    return [*(array(x, np.shape(table), name) for x, table, name in zip(found, tables, names)), number(found[4], "I")]


def in_a_row(tables):
    return np.concatenate([np.ravel(x) for x in tables])


ZEROS = (np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2)), np.zeros(2), 1.0)

# ----------------------------------------------------------------------------------------------------------------- error


@probe("td_error", "w = 1 4, reward 2 from state 0 to state 1, γ = 0.5: δ", expected=3.0)
def error_by_hand(answer):
    return number(answer.td_error(np.array([1.0, 4.0]), 0, 2.0, 1, False, 0.5), "δ")


@probe("td_error", "the same where the episode terminated: δ", expected=1.0)
def error_at_the_end(answer):
    return number(answer.td_error(np.array([1.0, 4.0]), 0, 2.0, 1, True, 0.5), "δ")


# --------------------------------------------------------------------------------------------------------------- updates


@probe("update", "the worked example: theta, w, z_theta, z_w and I in a row",
       expected=[-0.1, 0.1, 0, 0, 0.1, 0, -0.5, 0.5, 0, 0, 1, 0, 0.5])  # fmt: skip
def worked_example(answer):
    return in_a_row(stepped(answer, ZEROS, (0, 1, 1.0, 1, False), ONE_STEP))


STEPS = [(0, 1, 1.0, 1, False), (1, 0, -2.0, 0, False), (0, 0, 3.0, 0, False), (0, 1, 1.0, 1, True)]


def three_more():
    box = Box(2, 2)
    for step in STEPS:
        box.step(*step, **RATES)
    return box.numbers


@probe("update", "four steps, γ = 0.5, λ_theta = 0.5, λ_w = 0.25: theta, w, z_theta, z_w and I in a row", expected=three_more)
def four_steps(answer):
    tables = list(ZEROS)
    for step in STEPS:
        tables = stepped(answer, tables, step, RATES)
    return in_a_row(tables)


@probe("update", "are theta, w and the traces that were given left as they were?", expected=True)
def left_alone(answer):
    tables = [np.ones((2, 2)), np.ones(2), np.ones((2, 2)), np.ones(2), 1.0]
    answer.update(*tables, (0, 1, 1.0, 1, False), **RATES)
    return all(bool((np.asarray(table) == 1).all()) for table in tables)


# ------------------------------------------------------------------------------------------------------------------ loop


class Script:
    """Plays its episodes in turn, whatever is done, each a list of (reward, next state, how): "on", "end" or "cut". It begins in state 0 and remembers."""

    def __init__(self, *episodes):
        self.episodes, self.k, self.log = episodes, -1, []

    def reset(self, seed=None, options=None):
        self.k, self.t, self.s = (self.k + 1) % len(self.episodes), 0, 0
        self.log.append("begin")
        return 0, {}

    def step(self, action):
        reward, s_next, how = self.episodes[self.k][self.t]
        self.log.append((self.s, int(action), reward, s_next, how == "end"))
        self.t, self.s = self.t + 1, s_next
        return s_next, reward, how == "end", how == "cut", {}


def looped(answer, env, n_states, episodes, **rates):
    found = answer.learn(env, n_states, 2, episodes, rng(0), **rates)
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise Mistake(f"it gives {short(found)}, should be theta, w and the returns")
    return array(found[0], (n_states, 2), "theta"), array(found[1], (n_states,), "w"), array(found[2], (episodes,), "the returns")


def beside_the_box(answer, *script, episodes):
    """The largest difference from the box, which takes the same steps."""
    env = Script(*script)
    theta, w, _ = looped(answer, env, 2, episodes, **RATES)
    box = Box(2, 2)
    for step in env.log:
        _ = box.begin() if step == "begin" else box.step(*step, **RATES)
    off = np.array([*(theta - box.theta).ravel(), *(w - box.w)])
    return measured(float(np.abs(off).max()), of=off)


@probe("learn", "three episodes that pay 1 and 2, then end: the returns", expected=[3.0, 3.0, 3.0])
def returns(answer):
    return looped(answer, Script([(1.0, 1, "on"), (2.0, 0, "end")]), 2, 3, **RATES)[2]


@probe("learn", "the same, 20 episodes: largest difference of theta and w from the box, same actions", expected=0.0)
def episodes_that_end(answer):
    return beside_the_box(answer, [(1.0, 1, "on"), (2.0, 0, "end")], episodes=20)


@probe("learn", "every other episode is cut in front of a state worth 2: the same difference", expected=0.0)
def episodes_that_are_cut(answer):
    return beside_the_box(answer, [(1.0, 1, "on"), (2.0, 0, "end")], [(1.0, 1, "cut")], episodes=20)


class Walk:
    def reset(self, seed=None, options=None):
        self.place, self.t = 0, 0
        return 0, {}

    def step(self, action):
        self.place, self.t = max(0, self.place + (1 if action == 1 else -1)), self.t + 1
        return min(self.place, 4), -1.0, self.place == 5, self.t == 200, {}


@probe("learn", "the walk of five places (the best is -5), middle of 5 seeds: mean return of episodes 101 to 150", between=(-7.5, -5.0), twice=False)
def walk(answer):
    found = []
    for k in range(5):
        _, _, sums = answer.learn(Walk(), 5, 2, 150, rng(10 * k))
        found.append(np.mean(array(sums, (150,), "the returns")[100:]))
    return float(np.median(found))  # now and then a right one runs into the wall for all its 200 steps, in one of a thousand seeds
