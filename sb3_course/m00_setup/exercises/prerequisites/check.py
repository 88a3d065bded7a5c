"""What the prerequisites must give; each by hand first, then against another way to compute it."""

import io

import numpy as np

from sb3_course.teaching.checks import Mistake, array, number, probe, rng

CHAIN = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])

# ---------------------------------------------------------------------------------------------------------- mathematics


@probe("stationary", "P = [[.9, .1, 0], [.2, .7, .1], [0, .3, .7]]: μ", expected=[0.6, 0.3, 0.1], tolerance=1e-6)
def three_states(answer):
    return array(answer.stationary(CHAIN), (3,), "μ")


@probe("stationary", "twenty random chains of four states: largest |μ P − μ|", expected=0.0, tolerance=1e-8)
def random_chains(answer):
    off = []
    for P in rng(1).dirichlet(np.ones(4), size=(20, 4)):
        mu = array(answer.stationary(P), (4,), "μ")
        off += [np.abs(mu @ P - mu).max(), abs(mu.sum() - 1)]
    return max(off)


@probe("descend", "from 1 at a rate of 0.1, one step: x", expected=0.8, tolerance=1e-9)
def one_step(answer):
    return number(answer.descend(1.0, 0.1, 1), "x")


@probe("descend", "from 1 at a rate of 0.1, ten steps: x", expected=0.1073741824, tolerance=1e-9)
def ten_steps(answer):
    return number(answer.descend(1.0, 0.1, 10), "x")


@probe("score", "logits 0, 0 and action 0: the gradient", expected=[0.5, -0.5], tolerance=1e-9)
def coin(answer):
    return array(answer.score(np.zeros(2), 0), (2,), "the gradient")


@probe("score", "logits 1, -1, 0.5 and action 2: the gradient against differences", tolerance=1e-6,
       expected=lambda: _differences(np.array([1.0, -1.0, 0.5]), 2))  # fmt: skip
def three_actions(answer):
    return array(answer.score(np.array([1.0, -1.0, 0.5]), 2), (3,), "the gradient")


def _differences(logits, a, h=1e-6):
    def ln_pi(logits):
        return logits[a] - np.log(np.exp(logits).sum())

    return np.array([(ln_pi(logits + h * e) - ln_pi(logits - h * e)) / (2 * h) for e in np.eye(len(logits))])


@probe("score", "random logits: the mean of the gradient under π", expected=np.zeros(5), tolerance=1e-9)
def mean_zero(answer):
    logits = rng(2).standard_normal(5)
    pi = np.exp(logits) / np.exp(logits).sum()
    return sum(pi[a] * array(answer.score(logits, a), (5,), "the gradient") for a in range(5))


@probe("score", "logits 1000 and 0, action 1: the gradient", expected=[-1.0, 1.0], tolerance=1e-9)
def large(answer):
    return array(answer.score(np.array([1000.0, 0.0]), 1), (2,), "the gradient")


# ---------------------------------------------------------------------------------------------------------------- tools


def lines(answer, values):
    file = io.StringIO()
    answer.log(values, file)
    return file.getvalue().split()


@probe("log", "100 values: number of lines", expected=101)
def all_lines(answer):
    return len(lines(answer, rng(3).standard_normal(100).tolist()))


@probe("log", "the values 0.5, 0.25: the lines", expected="step,value 1,0.5 2,0.25")
def two_lines(answer):
    return " ".join(lines(answer, [0.5, 0.25]))


def drawn(answer):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    answer.plot([3.0, 1.0, 2.0], axes)
    return axes


@probe("plot", "three values: number of lines that are drawn", expected=1)
def one_line(answer):
    return len(drawn(answer).lines)


@probe("plot", "three values: heights of the line", expected=[3.0, 1.0, 2.0])
def heights(answer):
    return array(drawn(answer).lines[0].get_ydata(), (3,), "the line")


@probe("plot", "three values: where they stand along the horizontal axis", expected=[1.0, 2.0, 3.0])
def steps(answer):
    return array(drawn(answer).lines[0].get_xdata(), (3,), "the line")


@probe("plot", "the labels", expected=True)
def labels(answer):
    axes = drawn(answer)
    across, up = axes.get_xlabel(), axes.get_ylabel()
    if not across or not up:
        raise Mistake("an axis has no label")
    if "[s]" not in up:
        raise Mistake("the vertical axis does not say its unit, seconds: [s]")
    if "step" not in across.lower():
        raise Mistake("the horizontal axis does not say that it counts steps")
    return True
