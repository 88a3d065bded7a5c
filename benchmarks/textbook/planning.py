"""Chapters 3 and 4: what states are worth, without sampling; and the same for Gymnasium's toy texts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from matplotlib.axes import Axes

from benchmarks.report.style import PALETTE
from benchmarks.textbook.changes import load
from benchmarks.textbook.figure import Canvas, Context, Number, Outcome, figure
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return, optimal_return
from from_scratch.envs.games.car_rental import MOST_CARS, MOST_MOVED, moved

UNTIL_DONE = 10**12  # backups: planners end by themselves


def plan(id: str, env: Any, **hyperparameters: Any) -> Any:
    return load(id)("TabularPolicy", env, **hyperparameters).learn(UNTIL_DONE, log_interval=None)


def exact(name: str, measured: Any, expected: str, **more: Any) -> Number:
    return Number(name, float(measured), expected, source="exact", **more)


def row(name: str, values: Sequence[float] | np.ndarray, expected: str) -> list[Number]:
    """A row of a table against the numbers as printed."""
    return [exact(f"{name}, {k}", v, e) for k, (v, e) in enumerate(zip(values, expected.split(), strict=True), start=1)]


def cells(ax: Axes, values: np.ndarray, title: str, form: str = "{:.1f}") -> None:
    """A table as a grid of numbers, the darker the higher."""
    low, high = values.min(), values.max()
    ax.imshow(values, cmap="Blues", vmin=low, vmax=high + (high - low) or 1)
    for (i, j), v in np.ndenumerate(values):
        ax.text(j, i, form.format(v).replace("-", "−"), ha="center", va="center", fontsize=8)
    ax.set(title=title, xticks=np.arange(values.shape[1] + 1) - 0.5, yticks=np.arange(values.shape[0] + 1) - 0.5, xticklabels=[], yticklabels=[])
    ax.tick_params(length=0)
    ax.grid(True, color="white", linewidth=1)


@figure("3.2", title="Values of random moves in a grid with two jumps", cost="100 ms")
def jump_grid_random(context: Context) -> Outcome:
    env = gym.make("from_scratch/JumpGrid-v0")
    solved = plan("policy_evaluation", env, gamma=0.9, exact=True).values.reshape(5, 5)
    swept = plan("policy_evaluation", env, gamma=0.9).values.reshape(5, 5)
    numbers = [*row("row 1", solved[0], "3.3 8.8 4.4 5.3 1.5"), *row("row 5", solved[4], "-1.9 -1.3 -1.2 -1.4 -2.0")]
    numbers.append(exact("largest difference between sweeps and the linear equations", np.abs(solved - swept).max(), "0.000"))
    return Outcome(numbers, lambda canvas: cells(canvas.subplots(), solved, "v of random moves, γ = 0.9"), size=(5.5, 4.6))


@figure("3.5", title="The best values in that grid", cost="100 ms")
def jump_grid_optimal(context: Context) -> Outcome:
    env = gym.make("from_scratch/JumpGrid-v0")
    model = plan("value_iteration", env, gamma=0.9)
    values, q = model.values.reshape(5, 5), model.q_table
    numbers = [*row("row 1", values[0], "22.0 24.4 22.0 19.4 17.5"), *row("row 5", values[4], "14.4 16.0 14.4 13.0 11.7")]

    def draw(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2)
        cells(left, values, "v∗, γ = 0.9")
        cells(right, values, "π∗: all best actions", "")
        for s, best in enumerate(q >= q.max(-1, keepdims=True) - 1e-9):
            for a in np.flatnonzero(best):
                down, across = ((-1, 0), (1, 0), (0, -1), (0, 1))[a]
                right.annotate("", (s % 5 + 0.38 * across, s // 5 + 0.38 * down), (s % 5, s // 5), arrowprops={"arrowstyle": "->", "color": PALETTE[1]})

    return Outcome(numbers, draw, size=(7, 3.7))


@figure("4.1", title="Iterative policy evaluation of random moves", cost="200 ms")
def corner_grid(context: Context) -> Outcome:
    env = gym.make("from_scratch/CornerGrid-v0")

    def evaluate(**hyperparameters: Any) -> Any:
        return plan("policy_evaluation", env, gamma=1.0, **hyperparameters)

    after: dict[float, np.ndarray] = {k: evaluate(in_place=False, max_sweeps=k).values.reshape(4, 4) for k in (1, 2, 3, 10)}
    after[np.inf] = evaluate(exact=True).values.reshape(4, 4)
    in_place, two_arrays = (evaluate(in_place=place, theta=1e-4) for place in (True, False))
    numbers = [
        exact("k = 1, beside a corner", after[1][0, 1], "-1.000"),
        exact("k = 2, beside a corner", after[2][0, 1], "-1.75", note="printed as −1.7"),
        exact("k = 2, further away", after[2][0, 2], "-2.000"),
        *row("k = 3, row 1 behind the corner", after[3][0, 1:], "-2.4 -2.9 -3.0"),
        *row("k = 10, row 1 behind the corner", after[10][0, 1:], "-6.1 -8.4 -9.0"),
        exact("k = 10, row 2, 2", after[10][1, 1], "-7.7"),
        *row("k = ∞, row 1 behind the corner", after[np.inf][0, 1:], "-14.000 -20.000 -22.000"),
        exact("k = ∞, row 2, 2", after[np.inf][1, 1], "-18.000"),
        exact("sweeps to Δ < 1e-4, in place", in_place.sweeps[0], "114"),
        exact("sweeps to Δ < 1e-4, two arrays", two_arrays.sweeps[0], "173"),
    ]

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(1, len(after))
        for ax, (k, values) in zip(panels, after.items(), strict=True):
            cells(ax, values, f"k = {'∞' if k == np.inf else k}", "{:.2f}")

    return Outcome(numbers, draw, size=(12, 2.8))


@figure("4.2", title="Jack's car rental: policies of policy iteration", cost="2 s")
def car_rental(context: Context) -> Outcome:
    env, size = gym.make("from_scratch/CarRental-v0"), MOST_CARS + 1
    planner = load("policy_iteration")("TabularPolicy", env, gamma=0.9, exact_evaluation=True)
    planner.pi[:] = np.eye(2 * MOST_MOVED + 1)[MOST_MOVED]  # π₀ moves no car

    def policy() -> np.ndarray:
        wanted = planner.pi[0].argmax(-1) - MOST_MOVED
        return np.array([moved(s // size, s % size, wanted[s]) for s in range(size**2)]).reshape(size, size)

    policies, sweep = [policy()], planner.n_states
    while True:
        planner.learn(2 * sweep, reset_num_timesteps=False, log_interval=None)  # evaluate, then improve
        policies.append(policy())
        context.report(len(policies) / 6, f"π{len(policies) - 1}")
        if np.array_equal(policies[-2], policies[-1]):
            break
    changes = [int((new != old).sum()) for old, new in itertools.pairwise(policies)]
    policies.pop()  # the last improvement changed nothing
    values = planner.values.reshape(size, size)
    numbers = [
        exact("policies π₀, π₁, …, the last one optimal", len(policies), "5"),
        *(exact(f"states whose action improvement {k + 1} changes", changes[k], e) for k, e in enumerate(("318", "272", "79", "8", "0"))),
        exact("V(0, 0)", values[0, 0], "421.41"),
        exact("V(10, 10)", values[10, 10], "574.95"),
        exact("V(20, 20)", values[20, 20], "636.99"),
        exact("fewest cars moved", policies[-1].min(), "-4"),
        exact("most cars moved", policies[-1].max(), "5"),
    ]

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(2, 3).ravel()
        for k, (ax, cars) in enumerate(zip(panels, policies, strict=False)):
            shown = ax.imshow(cars, origin="lower", cmap="RdBu_r", vmin=-MOST_MOVED, vmax=MOST_MOVED)
            ax.set_title(f"π{'₀₁₂₃₄'[k]}")
        canvas.colorbar(shown, ax=panels[2], label="cars moved to the second")
        worth = panels[-1].imshow(values, origin="lower", cmap="Blues")
        panels[-1].set_title("v of the last one")
        canvas.colorbar(worth, ax=panels[-1])
        for ax in panels:
            ax.set(xticks=range(0, size, 5), yticks=range(0, size, 5), xlabel="cars at the second", ylabel="cars at the first")
            ax.grid(False)

    return Outcome(numbers, draw, ["Nothing is cut off the Poisson distributions; asked to move more cars than there are, Jack moves all."], size=(11, 6.5))


@figure("4.3", title="The gambler's problem", cost="8 s")
def gambler(context: Context) -> Outcome:
    sweeps, models = {0.4: "22", 0.25: "19", 0.55: "2256"}, {}
    for p in context.progress(sweeps, "p ="):
        models[p] = plan("gauss_seidel_value_iteration", gym.make("from_scratch/Gambler-v0", p_heads=p), gamma=1.0)
    first = plan("gauss_seidel_value_iteration", gym.make("from_scratch/Gambler-v0"), gamma=1.0, max_sweeps=1).values
    stakes = models[0.4].q_table.round(5).argmax(-1) + 1  # the smallest of the best: they differ by rounding alone
    numbers = []
    for p, expected in {0.4: ".160 .400 .640", 0.25: ".0625 .2500 .4375"}.items():
        for s, e in zip((25, 50, 75), expected.split(), strict=True):
            numbers.append(exact(f"p = {p}: V({s})", models[p].values[s], f"0{e}"))
    numbers += [exact(f"p = {p}: sweeps to Δ < 1e-12", models[p].sweeps[0], e) for p, e in sweeps.items()]

    def draw(canvas: Canvas) -> None:
        above, below = canvas.subplots(2, 1, sharex=True)
        capital = np.arange(1, 100)
        above.plot(capital, first[1:100], color=PALETTE[7], label="p = 0.4, after one sweep")
        for colour, (p, model) in enumerate(models.items()):
            above.plot(capital, model.values[1:100], color=PALETTE[colour], label=f"p = {p}")
        above.set_ylabel("chance to win")
        above.legend()
        below.step(capital, stakes[1:100], where="mid", color=PALETTE[0])
        below.set(xlabel="capital", ylabel="stake, p = 0.4")

    note = "Sweeps update in place (Gauss–Seidel). Of equally good stakes the smallest is drawn, with Q rounded to 5 places: else rounding decides."
    return Outcome(numbers, draw, [note], size=(7, 6))


# id, its arguments, V* from the start at γ = 0.99, undiscounted return of the policy that is greedy on it, best return of any policy within the
# environment's time limit, sweeps of value iteration to Δ < 1e-12, improvements of policy iteration
TOY_TEXT: Sequence[tuple[str, str, dict[str, Any], str, str, str, str, str | None]] = (
    ("FrozenLake 4×4", "FrozenLake-v1", {}, "0.54203", "0.7402", "0.7442", "704", "7"),
    ("FrozenLake 4×4, not slippery", "FrozenLake-v1", {"is_slippery": False}, "0.95099", "1.000", "1.000", "7", None),
    ("FrozenLake 8×8, 100 steps", "FrozenLake-v1", {"map_name": "8x8"}, "0.41464", "0.6317", "0.6407", "809", None),
    ("FrozenLake 8×8, 200 steps", "FrozenLake8x8-v1", {}, "0.41464", "0.8630", "0.9132", "809", "11"),
    ("CliffWalking", "CliffWalking-v1", {}, "-12.248", "-13.000", "-13.000", "15", "15"),
    ("CliffWalking, slippery", "CliffWalkingSlippery-v1", {}, "-46.353", "-64.71", "-64.71", "461", None),
    ("Taxi", "Taxi-v4", {}, "6.327", "7.93", "7.93", "19", "17"),
)


@figure("toy-text", title="The best values and returns in Gymnasium's toy texts", cost="15 s")
def toy_text(context: Context) -> Outcome:
    numbers, values = [], {}
    for name, id, arguments, value, greedy, best, sweeps, improvements in context.progress(TOY_TEXT):
        env = gym.make(id, **arguments)
        model = plan("value_iteration", env, gamma=0.99)
        values[name] = model.values
        numbers += [
            exact(f"{name}: V∗ from the start, γ = 0.99", model_of(env).start @ model.values, value),
            exact(f"{name}: return of the greedy policy", expected_return(env, model.pi[0]), greedy),
            exact(f"{name}: best return", optimal_return(env), best),
            exact(f"{name}: sweeps of value iteration to Δ < 1e-12", model.sweeps[0], sweeps),
        ]
        if improvements is not None:
            planner = plan("policy_iteration", env, gamma=0.99)
            numbers.append(exact(f"{name}: improvements of policy iteration", planner.improvements[0], improvements))
    for gamma, value in {0.9: "0.0689", 0.95: "0.1805", 1.0: "0.8235"}.items():
        found = plan("value_iteration", gym.make("FrozenLake-v1"), gamma=gamma).values[0]
        numbers.append(exact(f"FrozenLake 4×4: V∗ from the start, γ = {gamma}", found, value))
    expected = [".5420 .4988 .4707 .4569", ".5585 .0000 .3583 .0000", ".5918 .6431 .6152 .0000", ".0000 .7417 .8628 .0000"]
    small, large = values["FrozenLake 4×4"].reshape(4, 4), values["FrozenLake 8×8, 200 steps"].reshape(8, 8)
    for k, (v, line) in enumerate(zip(small, expected, strict=True), start=1):
        numbers += row(f"FrozenLake 4×4: V∗, γ = 0.99, row {k}", v, line.replace(".", "0."))
    table = gym.make("from_scratch/BlackjackTable-v0")
    model = plan("value_iteration", table, gamma=1.0)
    numbers += [
        exact("Blackjack: V∗ from the start, γ = 1", model_of(table).start @ model.values, "-0.0431"),
        exact("Blackjack: return of the greedy policy", expected_return(table, model.pi[0]), "-0.0431"),
        exact("Blackjack: best return", optimal_return(table), "-0.0431"),
    ]

    def draw(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2)
        cells(left, small, "FrozenLake 4×4: v∗, γ = 0.99", "{:.4f}")
        cells(right, large, "FrozenLake 8×8: v∗, γ = 0.99", "{:.2f}")

    return Outcome(numbers, draw, size=(9, 4.8))
