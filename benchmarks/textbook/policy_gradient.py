"""Chapter 13: the short corridor, where the best policy is a stochastic one, and REINFORCE finding it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.report.style import PALETTE
from benchmarks.textbook.changes import load
from benchmarks.textbook.episodes import FOR_EVER, Returns
from benchmarks.textbook.figure import Canvas, Context, Number, Outcome, curve, figure
from from_scratch.envs.chains.short_corridor import BEST_P_RIGHT, BEST_VALUE, ShortCorridor, start_value
from from_scratch.envs.vector import vectorised

EPISODES, RUNS = 1000, 100
RARELY_RIGHT = [1.47, -1.47]  # the preferences for left and right at first: π(right) = 0.05
NOTE = (
    "Policies begin with π(right) = 0.05 and keep every action at 0.05 at least. Without such a floor the larger step sizes send some run in a "
    "hundred to a policy that is deterministic in floating point; its episode never ends and there is no gradient back."
)


def corridor(id: str, seeds: range, **hyperparameters: Any) -> np.ndarray:
    """The return of each episode of runs that begin by going left, [runs, episodes]."""
    model = load(id)("TabularPolicy", vectorised(ShortCorridor), seeds=seeds, gamma=1.0, min_probability=0.05, **hyperparameters)
    model.theta[:] = RARELY_RIGHT
    recorder = Returns(EPISODES)
    model.learn(FOR_EVER, callback=recorder, log_interval=None)
    return recorder.values


def between(returns: np.ndarray, first: int, last: int) -> np.ndarray:
    """The mean return of episodes first … last, counted from 1, of each run."""
    return returns[:, first - 1 : last].mean(1)


def power(k: int) -> str:
    return "2" + str(k).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def draw_learning(canvas: Canvas, curves: dict[str, np.ndarray]) -> None:
    ax = canvas.subplots()
    for colour, (label, returns) in enumerate(curves.items()):
        blocks = returns.reshape(len(returns), -1, 10).mean(-1)  # ten episodes a point
        curve(ax, np.arange(blocks.shape[1]) * 10 + 5, blocks, label, colour)
    ax.axhline(BEST_VALUE, color="#5b5b5b", linestyle="--", linewidth=1.2, label="v of the best policy")
    ax.set(xlabel="episode", ylabel=f"return of an episode,\nmean of 10 and of {len(next(iter(curves.values())))} runs", ylim=(-90, -8))
    ax.legend()


@figure("ex13.1", title="The short corridor: the best policy is stochastic", cost="100 ms")
def short_corridor(context: Context) -> Outcome:
    p = np.linspace(0.02, 0.98, 400)
    numbers = [
        Number("the best probability of going right", BEST_P_RIGHT, "0.5858", source="exact"),
        Number("v of the best policy", BEST_VALUE, "-11.657", source="exact"),
        Number("v of ε-greedy right, ε = 0.1", start_value(0.95), "-44.2", source="exact"),
        Number("v of ε-greedy left", start_value(0.05), "-82.1", source="exact"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        ax.plot(p, [start_value(x) for x in p], color=PALETTE[0])
        for x, name, side in ((0.05, "ε-greedy left", 7), (BEST_P_RIGHT, "best", 0), (0.95, "ε-greedy right", -7)):
            ax.plot(x, start_value(x), "o", color=PALETTE[1])
            text = f"{name}: −{-start_value(x):.1f}"
            ax.annotate(text, (x, start_value(x)), textcoords="offset points", xytext=(side, -4 if side else -14), fontsize=8,
                        ha="left" if side > 0 else "right" if side else "center")
        ax.set(xlabel="probability of going right, p", ylabel="v(start)", ylim=(-100, 0))

    return Outcome(numbers, draw)


@figure("13.1", title="REINFORCE on the short corridor", cost="45 s")
def reinforce(context: Context) -> Outcome:
    seeds, curves = context.seeds(RUNS), {}
    for k in context.progress((-13, -12, -14), "α = 2 to the power"):
        curves[k] = corridor("softmax_reinforce", seeds, learning_rate=2.0**k)
    numbers = [
        Number.of("α = 2⁻¹³, episodes 1–10", between(curves[-13], 1, 10), "-78"),
        Number.of("α = 2⁻¹³, around episode 100", between(curves[-13], 91, 110), "-32"),
        Number.of("α = 2⁻¹³, around episode 500", between(curves[-13], 491, 510), "-15"),
        Number.of("α = 2⁻¹³, episodes 901–1000", between(curves[-13], 901, 1000), "-12.3"),
        Number.of("α = 2⁻¹², episodes 901–1000", between(curves[-12], 901, 1000), "-12.05"),
        Number.of("α = 2⁻¹⁴, episodes 901–1000", between(curves[-14], 901, 1000), "-15.0"),
    ]
    return Outcome(numbers, lambda canvas: draw_learning(canvas, {f"α = {power(k)}": v for k, v in curves.items()}), [NOTE])


@figure("13.2", title="A baseline makes REINFORCE learn faster", cost="20 s")
def with_baseline(context: Context) -> Outcome:
    seeds = context.seeds(RUNS)
    with_it = corridor("softmax_reinforce_baseline", seeds, learning_rate=2.0**-9, baseline_learning_rate=2.0**-6)
    context.report(0.4, "without a baseline")
    without = corridor("softmax_reinforce", seeds, learning_rate=2.0**-13)
    numbers = [
        Number.of("with a baseline, around episode 100", between(with_it, 91, 110), "-12.9"),
        Number.of("with a baseline, episodes 201–1000", between(with_it, 201, 1000), "-12.0"),
        Number.order("without minus with a baseline, episodes 1–200", between(without, 1, 200), between(with_it, 1, 200), source="book"),
    ]
    curves = {"with baseline, α of θ 2⁻⁹, of w 2⁻⁶": with_it, "without, α = 2⁻¹³": without}
    return Outcome(numbers, lambda canvas: draw_learning(canvas, curves), [NOTE])
