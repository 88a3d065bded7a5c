"""Chapter 5: blackjack, and an importance-sampled return of infinite variance. And chapter 1: tic-tac-toe."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks.report.style import PALETTE
from benchmarks.textbook.changes import load
from benchmarks.textbook.figure import Canvas, Context, Number, Outcome, curve, figure
from from_scratch.core.exact.mdp import model_of
from from_scratch.envs import BlackjackTable, InfiniteVariance
from from_scratch.envs.games.blackjack import CARDS, HIT, STICK, number, threshold_policy
from from_scratch.envs.games.tic_tac_toe import N_CELLS, N_STATES, best_moves, match, uniform
from from_scratch.envs.vector import vectorised

ACE = 1  # the dealer's card
SUMS = range(12, 22)
FOR_EVER = 10**12


class AfterEpisodes(BaseCallback):
    """Learns from n episodes of every seed, then stops; `seen` [S] are those that it has learnt from so far. `watch` is called before every step."""

    model: Any
    seen: np.ndarray

    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def _on_training_start(self) -> None:
        self.seen = np.zeros(self.model.n_seeds, np.int64)

    def _on_step(self) -> bool:
        self.watch()
        if (self.seen >= self.n).all():
            return False
        self.seen += self.locals["dones"].reshape(len(self.seen), -1).sum(1)  # learnt from when this step is over
        return True

    def watch(self) -> None:
        """Called when what came before this step has been learnt."""


def grid(v: np.ndarray, usable_ace: int) -> np.ndarray:
    """Values of states as [player's sum 12 … 21, dealer's card ace … 10]."""
    return np.array([[v[number(total, card, usable_ace)] for card in CARDS] for total in SUMS])


def as_picture(ax: Any, values: np.ndarray, title: str, **more: Any) -> Any:
    image = ax.imshow(values, origin="lower", aspect="auto", extent=(0.5, 10.5, 11.5, 21.5), **more)
    ax.set(title=title, xticks=range(1, 11), xticklabels=["A", *map(str, range(2, 11))], yticks=SUMS, xlabel="dealer shows", ylabel="player's sum")
    ax.grid(False)
    return image


@figure("5.1", title="Blackjack: values of sticking on 20 or 21", cost="8 s")
def stick_on_20(context: Context) -> Outcome:
    class Snapshots(AfterEpisodes):
        """The values after 10,000 episodes and at the end."""

        values: dict[int, np.ndarray] = {}

        def watch(self) -> None:
            context.report(self.seen[0] / self.n, "episodes")
            for n in (10_000, self.n):
                if self.seen[0] >= n and n not in self.values:
                    self.values[n] = self.model.values.copy()

    n, policy = context.runs(500_000), threshold_policy(20)
    snapshots = Snapshots(n)
    learner = load("mc_prediction")("TabularPolicy", vectorised("from_scratch/BlackjackTable-v0"), seeds=[0], n_envs=200, gamma=1.0, pi=policy)
    learner.learn(FOR_EVER, callback=snapshots, log_interval=None)

    env = BlackjackTable()
    model = model_of(env)
    exact = model.solve(policy, 1.0)
    squared = BlackjackTable()  # pays the square: the only reward comes last, so its value is E[G²]
    squared.P = {s: {a: [(p, s_next, r * r, end) for p, s_next, r, end in outcomes] for a, outcomes in row.items()} for s, row in env.P.items()}
    variance = model_of(squared).solve(policy, 1.0) - exact**2

    numbers = []
    for what, state, expected in (
        ("21, no usable ace, against a 10", (21, 10, 0), "0.889"),
        ("20, no usable ace, against a 10", (20, 10, 0), "0.435"),
        ("12, no usable ace, against an ace", (12, ACE, 0), "-0.640"),
    ):
        s = number(*state)
        visits = int(learner.N[0, s])
        numbers.append(Number(f"{what}: value", float(exact[s]), expected, source="exact"))
        numbers.append(Number(f"{what}: Monte Carlo, {n:,} episodes", float(snapshots.values[n][s]), f"{exact[s]:.4f}", se=float(np.sqrt(variance[s] / visits)),
                              runs=visits, reference_se=0.0, note="runs are visits to the state"))  # fmt: skip
    numbers.append(Number("mean return of the policy", float(model.start @ exact), "-0.350", source="exact"))

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots(2, 3)
        for row, ace in enumerate((1, 0)):
            columns = (("10,000 episodes", snapshots.values[10_000]), (f"{n:,} episodes", snapshots.values[n]), ("exact", exact))
            for ax, (title, values) in zip(axes[row], columns, strict=True):
                image = as_picture(ax, grid(values, ace), f"{'usable ace' if ace else 'no usable ace'}, {title}", vmin=-1, vmax=1, cmap="cividis")
        canvas.colorbar(image, ax=axes, label="value")

    return Outcome(numbers, draw, size=(10, 7))


@figure("5.2", title="Blackjack: the optimal policy, by exploring starts", cost="40 s")
def optimal_blackjack(context: Context) -> Outcome:
    class Progress(AfterEpisodes):
        def watch(self) -> None:
            context.report(self.seen[0] / self.n, "episodes")

    n, exploring = context.runs(5_000_000), vectorised("from_scratch/BlackjackTable-v0", start="exploring")
    learner = load("mc_exploring_starts")("TabularPolicy", exploring, seeds=[0], n_envs=1000, gamma=1.0)
    learner.learn(FOR_EVER, callback=Progress(n), log_interval=None)

    def planned(sab: bool) -> tuple[np.ndarray, float]:
        env = BlackjackTable(sab=sab)
        planner = load("value_iteration")("TabularPolicy", env, gamma=1.0).learn(FOR_EVER)
        return planner.q_table.copy(), float(env.initial_state_distrib @ planner.values)

    def thresholds(q: np.ndarray, ace: int) -> list[int]:
        """The smallest sum of 12 and more on which it sticks, for each card of the dealer."""
        return [next((total for total in SUMS if q[number(total, card, ace), STICK] >= q[number(total, card, ace), HIT]), 22) for card in CARDS]

    q, best = planned(sab=True)
    _, best_without = planned(sab=False)
    expected = {0: [17, 13, 13, 12, 12, 12, 17, 17, 17, 17], 1: [19, 18, 18, 18, 18, 18, 18, 18, 19, 19]}  # against ace, 2, …, 10
    numbers = [
        Number(f"{'usable ace' if ace else 'no usable ace'}, against {'an ace' if card == ACE else f'a {card}'}: sticks from", float(found), str(wanted),
               source="exact")
        for ace, row in expected.items() for card, found, wanted in zip(CARDS, thresholds(q, ace), row, strict=True)
    ]  # fmt: skip
    numbers.append(Number("mean return of the optimal policy", best, "-0.0431", source="exact"))
    numbers.append(Number("the same where naturals are ordinary 21s (sab=False)", best_without, "-0.0466", source="exact"))

    model, learnt = model_of(BlackjackTable()), np.eye(2)[learner.q_table.argmax(-1)]
    reached = float(model.start @ model.solve(learnt, 1.0))
    numbers.append(Number(f"mean return of the policy that one run of {n:,} episodes ends with", reached, "-0.044", runs=1, relation="≥",
                          note="computed from the table; no policy has more than −0.0431"))  # fmt: skip
    states = [number(total, card, ace) for ace in (0, 1) for total in SUMS for card in CARDS]
    differs = float((learner.q_table[states].argmax(-1) != q[states].argmax(-1)).sum())
    numbers.append(Number("states of the 200 in which it differs from the optimum", differs))

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots(2, 2)
        for row, ace in enumerate((1, 0)):
            title = "usable ace" if ace else "no usable ace"
            as_picture(axes[row, 0], grid(learner.q_table.argmax(-1), ace), f"{title}: hit (bright) or stick", cmap="cividis", vmin=0, vmax=1)
            border = np.array(thresholds(q, ace)) - 0.5
            axes[row, 0].step(np.arange(0.5, 11), [*border, border[-1]], where="post", color=PALETTE[1], label="optimum")
            axes[row, 0].legend(loc="lower right")
            image = as_picture(axes[row, 1], grid(learner.q_table.max(-1), ace), f"{title}: value", cmap="cividis", vmin=-1, vmax=1)
        canvas.colorbar(image, ax=axes, label="value")

    note = "Episodes begin in each of the 290 states, those below 12 too, which the book leaves out because hitting cannot hurt there."
    return Outcome(numbers, draw, [note], size=(9, 8))


@figure("5.3", title="Weighted and ordinary importance sampling of one blackjack state", cost="32 s")
def importance_sampling(context: Context) -> Outcome:
    state, n, book = number(13, 2, 1), context.runs(10_000), -0.27726

    class Estimates(AfterEpisodes):
        """The value of the state after each number of episodes, [runs, n]."""

        def _on_training_start(self) -> None:
            super()._on_training_start()
            self.estimates = np.zeros((len(self.seen), self.n + 1))

        def watch(self) -> None:
            runs = np.flatnonzero(self.seen <= self.n)
            self.estimates[runs, self.seen[runs]] = self.model.V[runs, state]
            context.report(0.5 * (kind == "ordinary") + 0.5 * self.seen.min() / self.n, kind)

    policy, estimates = threshold_policy(20), {}
    for kind, id in (("weighted", "off_policy_mc_prediction"), ("ordinary", "ordinary_off_policy_mc_prediction")):
        callback, env = Estimates(n), vectorised("from_scratch/BlackjackTable-v0", start=(13, 2, 1))
        load(id)("TabularPolicy", env, seeds=context.seeds(100), gamma=1.0, pi=policy).learn(FOR_EVER, callback=callback, log_interval=None)
        estimates[kind] = callback.estimates[:, 1:]

    exact = float(model_of(BlackjackTable()).solve(policy, 1.0)[state])
    error = {kind: (x - exact) ** 2 for kind, x in estimates.items()}
    numbers = [Number("value of the state", exact, "-0.2772", source="exact")]
    for kind, x in estimates.items():
        numbers.append(Number.of(f"{kind}: estimate after {n:,} episodes", x[:, -1], str(book), source="book"))
    early = {kind: e[:, :100].mean(1) for kind, e in error.items()}
    numbers.append(Number.order("squared error over the first 100 episodes, weighted − ordinary", early["weighted"], early["ordinary"]))
    numbers += [Number.of(f"{kind}: squared error, mean over the first 100 episodes", e) for kind, e in early.items()]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        kept = np.unique(np.geomspace(1, n, 300).astype(int)) - 1
        for colour, (kind, e) in enumerate(error.items()):
            curve(ax, kept + 1, e[:, kept], f"{kind} importance sampling", colour)
        ax.set(xscale="log", xlabel="episodes", ylabel="mean squared error", ylim=(0, 5))
        ax.legend()

    note = f"The book's −0.27726 is an average of 10⁸ sampled returns; the state's value is {exact:.5f}.".replace("-0", "−0")
    return Outcome(numbers, draw, [note])


@figure("5.4", title="Ordinary importance sampling with infinite variance", cost="65 s")
def infinite_variance(context: Context) -> Outcome:
    class Course(AfterEpisodes):
        """Episodes and values of every run, step by step."""

        def _on_training_start(self) -> None:
            super()._on_training_start()
            self.episodes: list[np.ndarray] = []
            self.values: list[np.ndarray] = []

        def watch(self) -> None:
            self.episodes.append(self.seen.copy())
            self.values.append(self.model.V[:, 0].copy())
            context.report(self.seen.min() / self.n, "episodes")

    def course(id: str, n: int, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        """Episodes and estimates, [steps, runs]."""
        callback, always_left = Course(n), np.zeros(1, int)
        learner = load(id)("TabularPolicy", vectorised("from_scratch/InfiniteVariance-v0"), seeds=range(10), n_envs=lanes, gamma=1.0, pi=always_left)
        learner.learn(FOR_EVER, callback=callback, log_interval=None)
        return np.array(callback.episodes), np.array(callback.values)

    n = context.runs(1_000_000)
    _, weighted = course("off_policy_mc_prediction", 1000, 1)
    episodes, ordinary = course("ordinary_off_policy_mc_prediction", n, 200)
    ends = ordinary[-1]
    late = np.diff(ordinary, axis=0)[episodes[1:].min(1) > n // 100].max(0)  # the largest step up of each run after its first hundredth
    exact = float(model_of(InfiniteVariance()).solve(np.array([[1.0, 0.0]]), 1.0)[0])
    numbers = [
        Number("value of always left", exact, "1.000", source="exact"),
        Number("weighted: farthest from 1 of ten runs after 1000 episodes", float(np.abs(weighted[-1] - 1).max()), "0.000", runs=10),
        Number(f"ordinary: median of ten runs after {n:,} episodes", float(np.median(ends)), ("0.75", "1.02"), source="book"),
        Number("ordinary: lowest of the ten", float(ends.min())),
        Number("ordinary: highest of the ten", float(ends.max())),
        Number(f"ordinary: largest jump of a run after {n // 100:,} episodes", float(late.max()), "0.05", source="book", relation=">"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        kept = np.unique(np.geomspace(1, len(ordinary), 2000).astype(int)) - 1
        for run in range(ordinary.shape[1]):
            ax.plot(np.maximum(episodes[kept, run], 1), ordinary[kept, run], linewidth=0.8, color=PALETTE[run % len(PALETTE)])
        ax.axhline(exact, color="black", linestyle="--", linewidth=0.8, label="the value, 1")
        ax.set(xscale="log", xlabel="episodes", ylabel="estimate, ten runs", xlim=(n / 1000, n), ylim=(0, 2))
        ax.legend()

    return Outcome(numbers, draw, ["The variance is infinite: no number of episodes lets the estimates settle, and the ends of ten runs are no interval."])


@figure("1", title="Tic-tac-toe, learnt by self-play", cost="30 s", aliases=("ch1", "tic-tac-toe"))
def tic_tac_toe(context: Context) -> Outcome:
    moves, seeds, optimum = context.runs(450_000), context.seeds(5), best_moves()
    course: dict[int, list[float]] = {}  # moves played: how likely each player is to lose to the optimal one, beginning half of the games

    def policies(model: Any) -> list[np.ndarray]:
        return [np.eye(N_CELLS)[model.member(k).predict(np.arange(N_STATES), deterministic=True)[0]] for k in range(len(seeds))]

    model = load("afterstate_td")("TabularPolicy", vectorised("from_scratch/TicTacToeSelfPlay-v0"), seeds=seeds, n_envs=20, learning_rate=1.0,
                                  learning_rate_decay=0.5, exploration_rate=0.3)  # fmt: skip
    parts = 9
    for part in context.progress(range(parts), "part"):
        model.learn(moves // parts, reset_num_timesteps=part == 0, log_interval=None)
        course[model.num_timesteps] = [(match(player, optimum)["lost"] + match(optimum, player)["won"]) / 2 for player in policies(model)]
    players = policies(model)
    drawn = 100 * min(match(player, player)["drawn"] for player in players)
    lost = 100 * max(match(player, optimum)["lost"] for player in players)
    lost_second = 100 * max(match(optimum, player)["won"] for player in players)
    numbers = [
        Number("trained against trained: games drawn, fewest of five players", drawn, "100.000", unit="%", runs=len(seeds)),
        Number("trained against optimal: games lost, most of five", lost, "0.000", unit="%", runs=len(seeds)),
        Number("optimal against trained: games lost by the trained, most of five", lost_second, "0.000", unit="%", runs=len(seeds)),
        Number("optimal against optimal: games drawn", 100 * match(optimum, optimum)["drawn"], "100.000", unit="%", source="exact"),
        Number.of("trained against random play, beginning: won", [100 * match(player, uniform())["won"] for player in players], unit="%"),
    ]

    def draw(canvas: Canvas) -> None:
        ax = canvas.subplots()
        x, lost_by_all = np.array(list(course)), 100 * np.array(list(course.values()))
        for colour, lost_by_one in zip(PALETTE, lost_by_all.T, strict=False):
            ax.plot(x, lost_by_one, linewidth=0.8, marker="o", markersize=3, color=colour)
        ax.set(xlabel="moves of self-play, of each of five players", ylabel="lost to the optimal player [%]", ylim=(-1, None))

    notes = [
        "Probabilities of whole matches are computed, not sampled. The optimal player takes any of the best moves with the same probability, so that "
        "it leads into every line of play that does not lose."
    ]
    return Outcome(numbers, draw, notes)
