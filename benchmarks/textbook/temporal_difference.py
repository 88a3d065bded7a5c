"""Chapters 6 and 7: learning from the next step, or the next n."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from benchmarks.report.style import PALETTE
from benchmarks.textbook.changes import load
from benchmarks.textbook.episodes import Errors, FirstEpisodes, Returns, play, sweep
from benchmarks.textbook.figure import Canvas, Context, Number, Outcome, curve, figure
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.linear.features import OneHot
from from_scratch.envs import RandomWalk
from from_scratch.envs.chains.max_bias import LEFT, A
from from_scratch.envs.grids.windy import COLUMNS, START
from from_scratch.envs.vector import vectorised

WALK = "from_scratch/RandomWalk5-v0"
CLIFF, WINDY = "CliffWalking-v1", "from_scratch/WindyGridworld-v0"
EXPLORING = {"exploration_initial_eps": 0.1, "exploration_final_eps": 0.1, "gamma": 1.0}  # ε = 0.1 from the first step to the last


def truth(**walk: Any) -> np.ndarray:
    """The random walk's values, NaN for its ends."""
    values = RandomWalk(**walk).values
    values[[0, -1]] = np.nan
    return values


def greedy_lengths(q: np.ndarray, env: str, start: int, most: int = 200) -> np.ndarray:
    """How many steps the greedy policies of q [S, n_states, n_actions] take in an environment without chance; `most` where they do not arrive."""
    table = gym.make(env).get_wrapper_attr("P")
    lengths = np.full(len(q), most)
    for k, policy in enumerate(q.argmax(-1)):
        s = start
        for n in range(1, most):
            _, s, _, terminated = table[s][int(policy[s])][0]
            if terminated:
                lengths[k] = n
                break
    return lengths


# ----------------------------------------------------------------------------------------------------------------- prediction
@figure("ex6.2", title="TD(0) and constant-α Monte Carlo on the random walk", cost="25 s")
def random_walk(context: Context) -> Outcome:
    n, expected = 100, {
        ("TD", 0.15): {10: "0.0953", 100: "0.0705"}, ("TD", 0.1): {10: "0.1285", 100: "0.0550"}, ("TD", 0.05): {10: "0.1746", 100: "0.0345"},
        ("MC", 0.01): {100: "0.0960"}, ("MC", 0.02): {100: "0.0805"}, ("MC", 0.03): {100: "0.0934"}, ("MC", 0.04): {100: "0.1082"},
    }  # fmt: skip
    ids, arms, numbers = {"TD": "td0", "MC": "every_visit_mc_prediction"}, {}, []
    for k, ((method, alpha), at) in enumerate(expected.items()):
        context.report(k / len(expected), f"{method} {alpha}")
        recorder = Errors(n, truth())
        play(recorder, ids[method], WALK, context.seeds(1000), learning_rate=alpha, learning_rate_decay=0.0, initial_value=0.5, gamma=1.0)
        arms[method, alpha] = recorder.values
        numbers += [Number.of(f"{method}, α = {alpha}: error after {t} episodes", recorder.values[:, t - 1], value) for t, value in at.items()]
    mean = arms["TD", 0.1].mean(0)
    numbers.append(Number.of(f"TD, α = 0.1: least error, after {mean.argmin() + 1} episodes", arms["TD", 0.1][:, mean.argmin()], "0.0472"))

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        for colour, ((method, alpha), values) in enumerate(arms.items()):
            curve(ax, np.arange(1, n + 1), values, f"{method}, α = {alpha}", colour, linestyle="-" if method == "TD" else "--")
        ax.set(xlabel="episodes", ylabel="RMS error, mean over states", ylim=(0, 0.25))
        ax.legend(ncols=2)

    return Outcome(numbers, draw)


@figure("6.2", title="Batch TD and batch Monte Carlo", cost="8 s")
def batch(context: Context) -> Outcome:
    n, numbers = 100, []
    arms: dict[str, np.ndarray] = {}
    expected = {"batch_td": ("TD", ("0.077", "0.052", "0.034")), "batch_mc": ("MC", ("0.112", "0.076", "0.052"))}
    for id, (label, values) in expected.items():
        context.report(len(arms) / 2, label)
        recorder = Errors(n, truth())
        play(recorder, id, WALK, context.seeds(1000), exact=True, initial_value=0.5, gamma=1.0)
        arms[label] = recorder.values
        for t, value in zip((25, 50, 100), values, strict=True):
            numbers.append(Number.of(f"batch {label}: error after {t} episodes", recorder.values[:, t - 1], value, reference_runs=200))
    numbers.append(Number.order("batch TD below batch MC after 100 episodes", arms["TD"][:, -1], arms["MC"][:, -1]))

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        for colour, (label, values) in enumerate(arms.items()):
            curve(ax, np.arange(1, n + 1), values, f"batch {label}", colour)
        ax.set(xlabel="episodes", ylabel="RMS error, mean over states", ylim=(0, 0.25))
        ax.legend()

    notes = [
        "Each batch is solved exactly: the fixed point that batch updating converges to.",
        "Batch Monte Carlo after 100 episodes: 1000 runs give .0576 here; the expected .052 is a mean of 200 runs of another program.",
    ]
    return Outcome(numbers, draw, notes=notes)


# ------------------------------------------------------------------------------------------------------------------- control
class EpisodesSoFar(FirstEpisodes):
    """How many episodes are over after each step, [runs, T], until T steps are done."""

    def _on_training_start(self) -> None:
        self.ended: list[np.ndarray] = []

    def _on_step(self) -> bool:
        self.ended.append(self.locals["dones"].copy())
        return len(self.ended) < self.n


def exploring_value(env: str, epsilon: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """V and Q at γ = 1 of the best of all policies that explore with probability ε."""
    model = model_of(gym.make(env))
    v, before = np.zeros(model.n_states), np.full(model.n_states, np.inf)
    while np.abs(v - before).max() > 1e-10:
        q, before = model.backup(v, 1.0), v
        v = (1 - epsilon) * q.max(-1) + epsilon * q.mean(-1)
    return v, q


@figure("ex6.5", title="Sarsa in the windy gridworld", cost="12 s")
def windy(context: Context) -> Outcome:
    steps, later, start = 8000, 40_000, START[0] * COLUMNS + START[1]
    recorder = EpisodesSoFar(steps)
    context.report(0, "100 runs")
    play(recorder, "sarsa", WINDY, context.seeds(100), learning_rate=0.5, **EXPLORING)
    so_far = np.array(recorder.ended).T.cumsum(1)
    context.report(0.3, "long runs")
    longer = EpisodesSoFar(later)
    model = play(longer, "sarsa", WINDY, context.seeds(100), learning_rate=0.5, **EXPLORING)
    lengths = (later // 2) / np.array(longer.ended)[later // 2 :].sum(0)
    found = greedy_lengths(model.Q, WINDY, start)
    v, q = exploring_value(WINDY)
    best = greedy_lengths(q[None], WINDY, start)[0]
    numbers = [
        Number.of("episodes in 8000 steps", so_far[:, -1], "163"),
        Number("shortest greedy path that a run has found", float(found.min()), "15", runs=len(found)),
        Number("greedy path of the best policy that explores", float(best), "15", source="exact"),
        Number("steps an episode takes by that policy", -v[start], "17", source="exact", note="the book: about 17, later in one run"),
        Number.of(f"steps an episode takes later, from step {later // 2:,} on", lengths, None, note="with α = 0.5 the policy never settles"),
        Number.of("runs whose greedy path is 15 steps then", 100.0 * (found == 15), None, unit="%"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        curve(ax, np.arange(1, steps + 1), so_far, "mean of the runs", 0)
        ax.set(xlabel="steps", ylabel="episodes")

    return Outcome(numbers, draw)


@figure("ex6.6", title="Sarsa and Q-learning on the cliff", cost="30 s")
def cliff(context: Context) -> Outcome:
    n, numbers = 500, []
    arms: dict[str, np.ndarray] = {}
    for label, id, online, path in (("Sarsa", "sarsa", "-27.1", "17"), ("Q-learning", "q_learning", "-50.5", "13")):
        context.report(len(arms) / 2, label)
        recorder = Returns(n)
        model = play(recorder, id, CLIFF, context.seeds(500), learning_rate=0.5, **EXPLORING)
        arms[label] = recorder.values
        numbers.append(Number.of(f"{label}: reward of an episode, last 100", recorder.values[:, -100:].mean(1), online))
        usual = np.bincount(greedy_lengths(model.Q, CLIFF, start=36)).argmax()
        numbers.append(Number(f"{label}: greedy path, most frequent length", float(usual), path, runs=len(model.Q)))

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        for colour, (label, values) in enumerate(arms.items()):
            curve(ax, np.arange(1, n + 1), values, label, colour)
        ax.set(xlabel="episodes", ylabel="sum of rewards during episode", ylim=(-100, 0))
        ax.legend()

    return Outcome(numbers, draw)


@figure("6.3", title="Expected Sarsa, Sarsa and Q-learning on the cliff, by step size", cost="2 min")
def step_sizes(context: Context) -> Outcome:
    alphas = np.arange(1, 11) / 10
    ids = {"Expected Sarsa": "expected_sarsa", "Q-learning": "q_learning", "Sarsa": "sarsa"}
    interim: dict[str, np.ndarray] = {}
    asymptotic: dict[str, np.ndarray] = {}
    for k, (label, id) in enumerate(ids.items()):
        context.report(k / 10, f"{label}, first 100 episodes")
        interim[label] = sweep(Returns(100), id, CLIFF, alphas, context.runs(50), **EXPLORING).mean(-1)
    for label in ("Expected Sarsa", "Q-learning"):
        context.report(0.3 + len(asymptotic) / 10, f"{label}, 1500 episodes")
        asymptotic[label] = sweep(Returns(1500), ids[label], CLIFF, alphas, context.runs(20), **EXPLORING)[..., 1000:].mean(-1)
    few = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
    asymptotic["Sarsa"] = np.array([long_sarsa(alpha, context.seeds(10), 10_000) for alpha in context.progress(few, "Sarsa, 10,000 episodes, α =")])
    first, last = "reward of an episode, first 100", "reward of an episode, episodes 1000 to 1500"
    numbers = [
        Number.of(f"Expected Sarsa, α = 1: {first}", interim["Expected Sarsa"][9], "-45.2"),
        Number.of(f"Q-learning, α = 0.9: {first}", interim["Q-learning"][8], "-73.3"),
        Number.of(f"Sarsa, α = 0.9: {first}", interim["Sarsa"][8], "-67.8"),
        *(Number.of(f"Expected Sarsa, α = {alphas[k]:g}: {last}", asymptotic["Expected Sarsa"][k], "-20.8") for k in (0, 4, 9)),
        *(Number.of(f"Q-learning, α = {alphas[k]:g}: {last}", asymptotic["Q-learning"][k], "-51") for k in (0, 4, 9)),
        Number.of("Sarsa, α = 0.1: reward of an episode, first 10,000", asymptotic["Sarsa"][0], "-22.9"),
        Number.of("Sarsa, α = 1: reward of an episode, first 10,000", asymptotic["Sarsa"][-1], "-790"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        for colour, label in enumerate(ids):
            curve(ax, alphas, interim[label].T, f"{label}, first 100 episodes", colour, linestyle="--")
            curve(ax, few if label == "Sarsa" else alphas, asymptotic[label].T, f"{label}, asymptotic", colour)
        ax.set(xlabel="step size α", ylabel="sum of rewards per episode", ylim=(-160, 0))
        ax.legend(fontsize="small", ncols=2)

    notes = [
        "Asymptotic means episodes 1000 to 1500 for Expected Sarsa and Q-learning, which stand still by then, and the first 10,000 for Sarsa, which "
        "with α = 1 gets worse for thousands of episodes. The best policy that explores with ε = 0.1 earns "
        f"{exploring_value(CLIFF)[0][36]:.2f}.",
        "The book averages 50,000 runs for the first 100 episodes and 10 for the asymptotic means of 100,000 episodes; here there are "
        f"{len(interim['Sarsa'][0])}, and {len(asymptotic['Q-learning'][0])} (Sarsa: {len(asymptotic['Sarsa'][0])}).",
        "Sarsa's long runs are linear Sarsa on one feature for each state, which is the same algorithm in compiled loops.",
    ]
    return Outcome(numbers, draw, notes=notes)


def long_sarsa(alpha: float, seeds: range, n: int) -> np.ndarray:
    """The mean reward of each seed's first n episodes on the cliff."""
    model = load("semi_gradient_sarsa")(
        "LinearPolicy", vectorised(CLIFF), features=OneHot, seeds=seeds, learning_rate=alpha, stats_window_size=100 * n, **EXPLORING
    )
    while model.num_timesteps == 0 or min(map(len, model.ep_info_buffers)) < n:
        model.learn(250_000, reset_num_timesteps=False, log_interval=None)
    return np.array([np.mean([episode["r"] for episode in list(episodes)[:n]]) for episodes in model.ep_info_buffers])


class WentLeft(FirstEpisodes):
    """Was left chosen in A? In percent: 100 or 0."""

    def watch(self) -> None:
        lanes = np.flatnonzero((self.model.state[:, 0] == A) & (self.count < self.n))
        self.values[lanes, self.count[lanes]] = 100.0 * (self.locals["actions"][lanes, 0] == LEFT)


@figure("6.5", title="Maximisation bias: Q-learning and Double Q-learning", cost="90 s")
def maximisation_bias(context: Context) -> Outcome:
    n = 300
    arms: dict[str, np.ndarray] = {}
    for label, id in {"Q-learning": "q_learning", "Double Q-learning": "double_q_learning"}.items():
        context.report(len(arms) / 2, label)
        recorder = WentLeft(n)
        play(recorder, id, "from_scratch/MaximisationBias-v0", context.seeds(10_000), learning_rate=0.1, **EXPLORING)
        arms[label] = recorder.values
    q, double = arms["Q-learning"], arms["Double Q-learning"]
    peak = q.mean(0).argmax()
    numbers = [
        Number.of("Q-learning: went left at the peak", q[:, peak], "94", unit="%"),
        Number("Q-learning: episode of the peak", float(peak + 1), ("18", "24"), source="book", note="about 21"),
        Number.of("Q-learning: went left in episode 100", q[:, 99], "46", unit="%"),
        Number.of("Q-learning: went left in episode 300", q[:, 299], "12.5", unit="%"),
        Number.of("Double Q-learning: went left in episode 100", double[:, 99], "9.6", unit="%"),
        Number.of("Double Q-learning: went left in episode 300", double[:, 299], "6.8", unit="%"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        for colour, (label, values) in enumerate(arms.items()):
            curve(ax, np.arange(1, n + 1), values, label, colour)
        ax.axhline(5, color="grey", linestyle=":", label="the least that ε = 0.1 allows")
        ax.set(xlabel="episodes", ylabel="left actions from A [%]", ylim=(0, 100))
        ax.legend()

    return Outcome(numbers, draw)


# -------------------------------------------------------------------------------------------------------------------- n steps
STEP_SIZES = np.array([*np.arange(1, 9) / 20, *np.arange(5, 11) / 10])  # 0.05 to 0.4, 0.5 to 1


@figure("7.2", title="n-step TD on the random walk of 19 states", cost="90 s")
def n_steps(context: Context) -> Outcome:
    best = {1: ("0.346", 0.8), 2: ("0.279", 0.6), 4: ("0.266", 0.4), 8: ("0.279", 0.25), 16: ("0.313", None), 32: ("0.366", None), 512: ("0.512", None)}
    errors, numbers = {}, []
    for n in context.progress([2**k for k in range(10)], "n ="):
        recorder = Errors(10, truth(n_states=19, left=-1.0))
        errors[n] = sweep(recorder, "n_step_td", "from_scratch/RandomWalk19-v0", STEP_SIZES, context.runs(100), n_steps=n, gamma=1.0).mean(-1)
    for n, (value, alpha) in best.items():
        numbers.append(least(f"n = {n}", STEP_SIZES, errors[n], value, alpha))
    others = [errors[n][np.nanargmin(errors[n].mean(1))] for n in (1, 16)]
    numbers += [Number.order(f"n = 4 is better than n = {n}", errors[4][7], other) for n, other in zip((1, 16), others, strict=True)]
    return Outcome(numbers, lambda canvas: by_step_size(canvas, STEP_SIZES, {f"n = {n}": values for n, values in errors.items()}))


def least(label: str, alphas: np.ndarray, errors: np.ndarray, expected: str, alpha: float | None = None) -> Number:
    """The error [runs] at the step size `alpha`, or at the one where the mean is least, of errors [step sizes, runs]."""
    k = int(np.nanargmin(errors.mean(1))) if alpha is None else int(np.abs(alphas - alpha).argmin())
    return Number.of(f"{label}: error at α = {alphas[k]:g}" + " (the least)" * (alpha is None), errors[k], expected)


def by_step_size(canvas: Canvas, alphas: np.ndarray, errors: dict[str, np.ndarray]) -> None:
    """Errors [step sizes, runs] against the step size; what diverges leaves the picture."""
    ax = canvas.subplots()
    for colour, (label, values) in enumerate(errors.items()):
        shown = np.isfinite(values).all(1) & (values.mean(1) < 1)
        curve(ax, alphas[shown], values[shown].T, label, colour, linestyle="-" if colour < len(PALETTE) else "--")
    ax.set(xlabel="step size α", ylabel="RMS error over 19 states and 10 episodes", ylim=(0.2, 0.6))
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1.0))
