"""Chapter 2: ten arms, two thousand problems, a thousand steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks.textbook.changes import load
from benchmarks.textbook.figure import Canvas, Context, Number, Outcome, curve, figure
from from_scratch.envs.vector import vectorised

RUNS, STEPS = 2000, 1000
LAST = slice(STEPS - 100, STEPS)


class Recorder(BaseCallback):
    """Rewards and whether the best arm was pulled, for every step of every run. Means stand still, so the best arms are asked for once."""

    def _on_training_start(self) -> None:
        self.best = np.array(self.training_env.get_attr("optimal"))
        self.rewards: list[np.ndarray] = []
        self.optimal: list[np.ndarray] = []

    def _on_step(self) -> bool:
        self.rewards.append(self.locals["rewards"])
        self.optimal.append(self.locals["actions"].ravel() == self.best)
        return True


@dataclass
class Runs:
    rewards: np.ndarray  # [runs, T]
    optimal: np.ndarray  # [runs, T]  in percent


def play(context: Context, id: str, mean: float = 0.0, **hyperparameters: Any) -> Runs:
    """RUNS runs of a bandit algorithm on the testbed; run k has the same problem for every algorithm."""
    recorder, env = Recorder(), vectorised("from_scratch/KArmedTestbed-v0", mean=mean)
    load(id)("TabularPolicy", env, seeds=context.seeds(RUNS), **hyperparameters).learn(STEPS, callback=recorder, log_interval=None)
    return Runs(np.array(recorder.rewards).T.astype(float), 100.0 * np.array(recorder.optimal).T)


def two_panels(canvas: Canvas, arms: dict[str, Runs]) -> None:
    """Average reward, and how often the best arm is pulled, against steps."""
    above, below = canvas.subplots(2, 1, sharex=True)
    for colour, (label, runs) in enumerate(arms.items()):
        curve(above, np.arange(1, STEPS + 1), runs.rewards, label, colour)
        curve(below, np.arange(1, STEPS + 1), runs.optimal, label, colour)
    above.set_ylabel("average reward")
    below.set(ylabel="optimal action [%]", xlabel="step", ylim=(0, 100))
    below.legend()


@figure("2.2", title="ε-greedy methods on the ten-armed testbed", cost="11 s")
def epsilon_greedy(context: Context) -> Outcome:
    expected = {0.0: ("1.02", "34.6"), 0.01: ("1.32", "59.2"), 0.1: ("1.37", "79.8")}
    arms = {f"ε = {ε:g}": play(context, "epsilon_greedy_bandit", epsilon=ε) for ε in context.progress(expected, "ε =")}
    numbers = []
    for (label, runs), (reward, optimal) in zip(arms.items(), expected.values(), strict=True):
        numbers.append(Number.of(f"{label}: reward, last 100 steps", runs.rewards[:, LAST].mean(1), reward))
        numbers.append(Number.of(f"{label}: optimal action, last 100 steps", runs.optimal[:, LAST].mean(1), optimal, unit="%"))
    return Outcome(numbers, lambda canvas: two_panels(canvas, arms), size=(7, 6))


@figure("2.3", title="Optimistic initial values", cost="7 s")
def optimistic(context: Context) -> Outcome:
    context.report(0, "optimistic")
    hopeful = play(context, "optimistic_bandit", initial_value=5.0, learning_rate=0.1)
    context.report(0.5, "realistic")
    realistic = play(context, "epsilon_greedy_bandit", epsilon=0.1, learning_rate=0.1, learning_rate_decay=0.0)
    numbers = [
        Number.of("Q₁ = 5, ε = 0: optimal action, last 100 steps", hopeful.optimal[:, LAST].mean(1), "85.6", unit="%"),
        Number.of("Q₁ = 0, ε = 0.1: optimal action, last 100 steps", realistic.optimal[:, LAST].mean(1), "76.5", unit="%"),
        Number.of("Q₁ = 5: optimal action at step 10", hopeful.optimal[:, 9], "10.3", unit="%"),
        Number.of("Q₁ = 5: optimal action at step 11, the spike", hopeful.optimal[:, 10], "43.9", unit="%"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        curve(ax, np.arange(1, STEPS + 1), hopeful.optimal, "optimistic, greedy: Q₁ = 5, ε = 0", 0)
        curve(ax, np.arange(1, STEPS + 1), realistic.optimal, "realistic, ε-greedy: Q₁ = 0, ε = 0.1", 1)
        ax.set(xlabel="step", ylabel="optimal action [%]", ylim=(0, 100))
        ax.legend()

    note = "The spike: each arm is tried once in the first ten steps, and the best of them looks best at the eleventh (exercise 2.6)."
    return Outcome(numbers, draw, [note])


@figure("2.4", title="Upper confidence bounds", cost="7 s")
def upper_confidence_bounds(context: Context) -> Outcome:
    context.report(0, "UCB")
    ucb = play(context, "ucb_bandit", c=2.0)
    context.report(0.5, "ε-greedy")
    ε_greedy = play(context, "epsilon_greedy_bandit", epsilon=0.1)
    numbers = [
        Number.of("UCB, c = 2: reward, last 100 steps", ucb.rewards[:, LAST].mean(1), "1.485"),
        Number.of("ε = 0.1: reward, last 100 steps", ε_greedy.rewards[:, LAST].mean(1), "1.371"),
        Number.of("UCB: reward at step 11, the spike", ucb.rewards[:, 10], "1.08"),
        Number.of("UCB: reward at step 12", ucb.rewards[:, 11], "0.92"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        curve(ax, np.arange(1, STEPS + 1), ucb.rewards, "UCB, c = 2", 0)
        curve(ax, np.arange(1, STEPS + 1), ε_greedy.rewards, "ε-greedy, ε = 0.1", 1)
        ax.set(xlabel="step", ylabel="average reward")
        ax.legend()

    return Outcome(numbers, draw)


@figure("2.5", title="Gradient bandits, with and without a baseline", cost="18 s")
def gradient_bandits(context: Context) -> Outcome:
    # With a baseline: 10,000 runs of a separate NumPy program whose R̄ includes the reward at hand.
    expected = {(0.1, True): ("85.2", 10_000), (0.1, False): ("49.7", RUNS), (0.4, True): ("74.1", 10_000), (0.4, False): ("27.2", RUNS)}
    arms, numbers = {}, []
    for k, ((α, baseline), (optimal, runs)) in enumerate(expected.items()):
        label = f"α = {α:g}, {'with' if baseline else 'without'} baseline"
        context.report(k / len(expected), label)
        arms[label] = play(context, "gradient_bandit", mean=4.0, learning_rate=α, baseline=baseline)
        last = arms[label].optimal[:, LAST].mean(1)
        numbers.append(Number.of(f"{label}: optimal action, last 100 steps", last, optimal, unit="%", reference_runs=runs))

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        for colour, (label, runs) in enumerate(arms.items()):
            curve(ax, np.arange(1, STEPS + 1), runs.optimal, label, colour)
        ax.set(xlabel="step", ylabel="optimal action [%]", ylim=(0, 100))
        ax.legend()

    notes = [
        "The arms' means are drawn around 4: without a baseline every reward looks good.",
        "The order matters: had the baseline left the reward at hand out and begun at 0, the first reward of about 4 would count whole, and with "
        "α = 0.4 only 66 % were reached instead of 74 % (83 % instead of 85 % with α = 0.1; 10,000 runs).",
    ]
    return Outcome(numbers, draw, notes)


@figure("2.6", title="Parameter study of bandit algorithms", cost="115 s")
def parameter_study(context: Context) -> Outcome:
    studied: dict[str, tuple[str, list[int], Any, str]] = {  # registry's id: parameter, exponents of 2, its values, best mean reward
        "epsilon_greedy_bandit": ("epsilon", [-7, -6, -5, -4, -3, -2], (2.0**-4, "ε = 1/16"), "1.325"),
        "gradient_bandit": ("learning_rate", [-5, -4, -3, -2, -1, 0, 1, 2], (2.0**-2, "α = 1/4"), "1.390"),
        "ucb_bandit": ("c", [-4, -3, -2, -1, 0, 1, 2], (1.0, "c = 1"), "1.476"),
        "optimistic_bandit": ("initial_value", [-2, -1, 0, 1, 2], (1.0, "Q₀ = 1"), "1.453"),
    }
    means: dict[str, dict[float, np.ndarray]] = {id: {} for id in studied}
    for id, x in context.progress([(id, 2.0**power) for id, (_, powers, _, _) in studied.items() for power in powers]):
        means[id][x] = play(context, id, **{studied[id][0]: x}).rewards.mean(1)

    numbers = []
    for id, (_, _, (best, label), expected) in studied.items():
        found = max(means[id], key=lambda x: means[id][x].mean())
        numbers.append(Number.of(f"{load(id).__name__}, {label}: mean reward over {STEPS} steps", means[id][best], expected))
        numbers.append(Number.of(f"{load(id).__name__}: its best parameter, {found:g}, and {label} are apart by", means[id][found] - means[id][best], "0.00"))

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        names = ("ε-greedy: ε", "gradient: α", "UCB: c", "greedy, optimistic, α = 0.1: Q₀")
        for colour, (name, by_parameter) in enumerate(zip(names, means.values(), strict=True)):
            curve(ax, list(by_parameter), np.stack(list(by_parameter.values()), 1), name, colour, marker="o", markersize=3)
        ax.set_xscale("log", base=2)
        ax.set(xlabel="parameter", ylabel=f"mean reward over {STEPS} steps")
        ax.legend()

    return Outcome(numbers, draw)
