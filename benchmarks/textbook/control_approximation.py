"""Chapters 10 and 12: the mountain car and the queue, controlled with linear action values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report.style import PALETTE
from benchmarks.textbook.changes import load
from benchmarks.textbook.figure import Context, Number, Outcome, curve, figure
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.linear.features import TileCoding
from from_scratch.envs import AccessControl
from from_scratch.envs.games.access_control import best_average_reward
from from_scratch.envs.vector import vectorised

# The book's: 8 tilings, a tile is an eighth of each range, displaced by (1, 3), values of 0 (optimistic, so ε = 0 explores), no discount.
CAR: dict[str, Any] = {
    "features": TileCoding, "features_kwargs": {"n_tilings": 8, "n_tiles": 8, "bounds": [(-1.2, 0.5), (-0.07, 0.07)]},
    "gamma": 1.0, "exploration_initial_eps": 0.0, "exploration_final_eps": 0.0, "stats_window_size": 10**6,
}  # fmt: skip


def drive(algorithm: str, seeds: Sequence[int], alpha: Any, episodes: int, most_steps: int = 10**9, prepare: Any = None, **more: Any) -> np.ndarray:
    """Steps per episode [S, episodes] of the mountain car; ∞ where a seed has not ended so many episodes in `most_steps` steps."""
    model = load(algorithm)("LinearPolicy", vectorised("from_scratch/MountainCar-v0"), seeds=seeds, learning_rate=alpha, **CAR, **more)
    model.compile_from = 0
    if prepare is not None:
        prepare(model)
    model.learn(min(episodes * 130, most_steps), log_interval=None)
    while (left := episodes - min(len(buffer) for buffer in model.ep_info_buffers)) > 0 and model.num_timesteps < most_steps:
        model.learn(max(500, 60 * left), log_interval=None, reset_num_timesteps=False)
    return np.array([([episode["l"] for episode in buffer] + [np.inf] * episodes)[:episodes] for buffer in model.ep_info_buffers])


@figure("10.1", title="The mountain car's cost-to-go, learnt in one run", cost="15 s")
def cost_to_go(context: Context) -> Outcome:
    panels = (12, 104, 1000) if context.quick else (12, 104, 1000, 9000)
    model = load("semi_gradient_sarsa")("LinearPolicy", vectorised("from_scratch/MountainCar-v0"), seeds=context.seeds(10), learning_rate=0.5 / 8, **CAR)
    model.compile_from = 0
    model.keep_history(panels)
    position, velocity = np.meshgrid(np.linspace(-1.2, 0.5, 60), np.linspace(-0.07, 0.07, 60))
    points = np.stack([position.ravel(), velocity.ravel()], axis=-1)
    X = model.x(points)

    def surface(w: np.ndarray) -> np.ndarray:
        """−max_a q̂, [60, 60]."""
        return -(X @ w.reshape(3, -1).T).max(-1).reshape(position.shape)

    model.learn(428, log_interval=None)
    pictures = {"step 428": surface(model.w[0])}
    model.learn(10_000, log_interval=None, reset_num_timesteps=False)
    while np.isnan(model.history.w[:, -1]).any():
        context.report(model.num_timesteps / (panels[-1] * 120), "learning")
        model.learn(50_000, log_interval=None, reset_num_timesteps=False)
    pictures |= {f"episode {e}": surface(w) for e, w in zip(panels, model.history.w[0], strict=True)}
    highest = {e: [surface(w[h]).max() for w in model.history.w] for h, e in enumerate(panels)}

    def draw(canvas: Any) -> None:
        for k, (name, z) in enumerate(pictures.items()):
            ax = canvas.add_subplot(2, 3, k + 1, projection="3d")
            ax.plot_surface(position, velocity, z, cmap="viridis", linewidth=0, rstride=2, cstride=2)
            ax.set_title(f"{name}: up to {z.max():.0f}", fontsize=9)
            ax.set(xlabel="position", ylabel="velocity")
            ax.tick_params(labelsize=6)

    return Outcome(
        [Number.of(f"highest cost-to-go after episode {e}", values, ("27", "120"), source="book") for e, values in highest.items()],
        draw,
        notes=("α = 0.5/8, ε = 0. The book shows one run, with heights from 27 to 120; the picture is seed 0, the numbers are means of 10 runs.",),
        size=(10.0, 6.5),
    )


@figure("10.2", title="Semi-gradient Sarsa on the mountain car", cost="35 s")
def step_sizes(context: Context) -> Outcome:
    runs, episodes = context.runs(100), 500
    expected = {0.1: ("646", "267", "136"), 0.2: ("463", "209", "127"), 0.5: ("300", "165", "117")}
    alphas = np.repeat([a / 8 for a in expected], runs)
    steps = dict(zip(expected, drive("semi_gradient_sarsa", range(len(alphas)), alphas, episodes).reshape(3, runs, episodes), strict=True))

    def draw(canvas: Any) -> None:
        ax = canvas.subplots()
        for k, (a, lengths) in enumerate(steps.items()):
            curve(ax, np.arange(1, episodes + 1), lengths, f"α = {a}/8", k)
        ax.set(xlabel="episode", ylabel=f"steps per episode, {runs} runs", yscale="log")
        ax.set_yticks([100, 200, 400, 1000], labels=["100", "200", "400", "1000"])
        ax.legend()

    numbers = []
    for a, (tenth, fiftieth, last) in expected.items():
        lengths = steps[a]
        numbers += [
            Number.of(f"α = {a}/8, episode 10", lengths[:, 9], tenth, reference_runs=30),
            Number.of(f"α = {a}/8, episode 50", lengths[:, 49], fiftieth, reference_runs=30),
            Number.of(f"α = {a}/8, episodes 400–500", lengths[:, 399:].mean(-1), last, reference_runs=30),
        ]
    return Outcome(numbers, draw)


@figure("10.3", title="One-step and 8-step Sarsa on the mountain car", cost="25 s")
def one_and_eight_steps(context: Context) -> Outcome:
    seeds, episodes = context.seeds(100), 500
    arms = {1: (0.5 / 8, "284", "117"), 8: (0.3 / 8, "235", "109")}
    steps = {n: drive("n_step_semi_gradient_sarsa", seeds, alpha, episodes, n_steps=n) for n, (alpha, *_) in arms.items()}

    def draw(canvas: Any) -> None:
        ax = canvas.subplots()
        for k, (n, lengths) in enumerate(steps.items()):
            curve(ax, np.arange(1, episodes + 1), lengths, f"n = {n}, α = {arms[n][0] * 8:g}/8", k)
        ax.set(xlabel="episode", ylabel=f"steps per episode, {len(seeds)} runs", yscale="log")
        ax.set_yticks([100, 200, 400, 1000], labels=["100", "200", "400", "1000"])
        ax.legend()

    numbers = []
    for n, (_, first, last) in arms.items():
        numbers += [
            Number.of(f"n = {n}, first 50 episodes", steps[n][:, :50].mean(-1), first, reference_runs=30),
            Number.of(f"n = {n}, episodes 400–500", steps[n][:, 399:].mean(-1), last, reference_runs=30),
        ]
    return Outcome(numbers, draw)


@figure("10.4", title="Step size and n of n-step Sarsa on the mountain car", cost="1 min")
def n_and_alpha(context: Context) -> Outcome:
    runs, sweep = context.runs(100), {}
    arms = {  # n: multiples of 1/8 for α, the expected least number of steps
        1: (np.arange(0.6, 1.81, 0.2), 1.2, "231"), 2: (np.arange(0.5, 1.51, 0.2), None, "227"), 4: (np.arange(0.4, 1.41, 0.2), 0.8, "221"),
        8: (np.arange(0.3, 0.91, 0.1), None, "232"), 16: (np.arange(0.2, 0.71, 0.1), None, "239"),
    }  # fmt: skip
    for n in context.progress(arms, "n ="):
        alphas = arms[n][0]
        steps = drive("n_step_semi_gradient_sarsa", range(runs * len(alphas)), np.repeat(alphas / 8, runs), 50, most_steps=20_000, n_steps=n)
        sweep[n] = alphas, steps.mean(-1).reshape(len(alphas), runs)
    best = {n: (float(alphas[i := lengths.mean(-1).argmin()]), lengths[i]) for n, (alphas, lengths) in sweep.items()}

    def draw(canvas: Any) -> None:
        ax = canvas.subplots()
        for k, (n, (alphas, lengths)) in enumerate(sweep.items()):
            done = np.isfinite(lengths).all(-1)
            curve(ax, alphas[done], lengths[done].T, f"n = {n}", k, marker=".")
        ax.set(xlabel="α × tilings (8)", ylabel=f"steps per episode, first 50 episodes, {runs} runs", ylim=(210, 310))
        ax.legend()

    numbers = []
    for n, (_, stated, expected) in arms.items():
        alpha, lengths = best[n]
        if stated is not None:
            alpha, lengths = stated, sweep[n][1][np.abs(sweep[n][0] - stated).argmin()]
        numbers.append(Number.of(f"n = {n}, α = {alpha:.1f}/8" + (" (the best)" if stated is None else ""), lengths, expected, reference_runs=20))
    return Outcome(
        [
            *numbers,
            Number("best α · 8 of n = 4", best[4][0], (".6", "1"), source="book", runs=runs),
            Number.order("n = 4 below n = 1, each at its best α", best[4][1], best[1][1], source="book"),
            Number.order("n = 4 below n = 16, each at its best α", best[4][1], best[16][1], source="book"),
        ],
        draw,
        notes=("The best α is the best of the grid that is drawn; between neighbours of it the difference is within the noise.",),
    )


@figure("10.5", title="Access control: differential Sarsa, and the exact optimum", cost="25 s")
def access_control(context: Context) -> Outcome:
    env = AccessControl()
    model = model_of(env)
    optimum, q = best_average_reward(model.p, model.r)
    accept = (q[:, 1] > q[:, 0] + 1e-9).reshape(-1, env.n_priorities)  # [free servers, priority]
    least = {priority: int(accept[:, k].argmax()) if accept[:, k].any() else None for k, priority in enumerate((1, 2, 4, 8))}

    total, pieces = (200_000 if context.quick else 2_000_000), 20
    learner = load("differential_sarsa")(
        "LinearPolicy", vectorised(AccessControl), seeds=context.seeds(10), learning_rate=0.01, beta=0.01,
        exploration_initial_eps=0.1, exploration_final_eps=0.1,
    )  # fmt: skip
    learner.compile_from = 0
    earned, estimates, block = [], [], None
    for _ in context.progress(range(pieces), "piece"):
        learner.learn(total // pieces, log_interval=None, reset_num_timesteps=block is None)
        block = learner.get_env().block
        earned.append(block.returns.copy())
        estimates.append(learner.average_reward[:, 0].copy())
    earned_later = (earned[-1] - earned[pieces // 2 - 1]) / (total / 2)
    values = learner.q_table.mean(0).reshape(-1, env.n_priorities, 2)
    exact_values = q.max(-1).reshape(-1, env.n_priorities)

    def draw(canvas: Any) -> None:
        left, right = canvas.subplots(1, 2)
        left.imshow(accept[1:].T, origin="lower", cmap="Greys", vmin=0, vmax=2, aspect="auto")
        learnt = values[1:, :, 1] > values[1:, :, 0]
        for free, k in np.argwhere(learnt):
            left.plot(free, k, ".", color=PALETTE[1])
        left.set(xticks=range(10), xticklabels=range(1, 11), yticks=range(4), yticklabels=(1, 2, 4, 8), xlabel="free servers", ylabel="priority",
                 title="accept: exact optimum grey, learnt dots")  # fmt: skip
        free = np.arange(env.n_servers + 1)
        for k, priority in enumerate((1, 2, 4, 8)):
            best = values[:, k].max(-1)
            right.plot(free, best - values[3, 3].max() + exact_values[3, 3], color=PALETTE[k], label=f"priority {priority}")
            right.plot(free, exact_values[:, k], color=PALETTE[k], linestyle=":", linewidth=1)
        right.set(xlabel="free servers", ylabel="differential value of the best action", title="learnt (moved to meet at 3 servers), and exact, dotted")
        right.legend()

    return Outcome(
        [
            Number("best average reward", optimum, "2.748", source="exact"),
            Number("fewest free servers at which priority 2 is accepted", float(least[2] or 99), "4", source="exact"),
            Number("… priority 4", float(least[4] or 99), "1", source="exact"),
            Number("… priority 8", float(least[8] or 99), "1", source="exact"),
            Number("… priority 1 (99: never)", float(least[1] or 99), "99", source="exact"),
            Number.of("earned per step by the ε-greedy learner, second half", earned_later, "2.64"),
            Number.of("R̄ at the end", estimates[-1], ("2.44", "2.73")),
        ],
        draw,
        notes=(
            f"The book reports R̄ ≈ 2.31 for its run. The best average reward of the task as it is stated is {optimum:.3f}, computed exactly; the learner "
            f"explores in a tenth of its steps and earns {earned_later.mean():.2f} a step. R̄ follows every error with β = 0.01 and stays noisy.",
        ),
        size=(9.0, 4.0),
    )


@figure("12.10", title="Sarsa(λ) with replacing traces on the mountain car", cost="40 s")
def replacing_traces(context: Context) -> Outcome:
    runs = context.runs(30)
    arms = {  # λ: multiples of 1/8 for α, the expected least number of steps
        0.0: (np.arange(0.6, 1.81, 0.2), "233"), 0.68: (np.arange(0.4, 1.61, 0.2), None), 0.84: (np.arange(0.4, 1.41, 0.2), "194"),
        0.92: (np.arange(0.4, 1.21, 0.2), "188"), 0.96: (np.arange(0.2, 1.01, 0.2), None), 0.98: (np.arange(0.2, 0.81, 0.2), None),
        0.99: (np.arange(0.1, 0.61, 0.1), "221"),
    }  # fmt: skip
    sweep = {}
    for lambda_ in context.progress(arms, "λ ="):
        alphas = arms[lambda_][0]
        steps = drive("linear_sarsa_lambda", range(runs * len(alphas)), np.repeat(alphas / 8, runs), 50, most_steps=20_000, lambda_=lambda_)
        sweep[lambda_] = alphas, steps.mean(-1).reshape(len(alphas), runs)
    best = {lambda_: (float(alphas[i := lengths.mean(-1).argmin()]), lengths[i]) for lambda_, (alphas, lengths) in sweep.items()}

    def draw(canvas: Any) -> None:
        ax = canvas.subplots()
        for k, (lambda_, (alphas, lengths)) in enumerate(sweep.items()):
            done = np.isfinite(lengths).all(-1)
            curve(ax, alphas[done], lengths[done].T, f"λ = {lambda_:g}", k, marker=".")
        ax.set(xlabel="α × tilings (8)", ylabel=f"steps per episode, first 50 episodes, {runs} runs", ylim=(170, 310))
        ax.legend()

    numbers = []
    for lambda_, (alphas, expected) in arms.items():  # at the best α, where none is stated
        alpha, lengths = best[lambda_]
        if lambda_ == 0.92:  # the step size is given, too
            alpha, lengths = 0.8, sweep[lambda_][1][np.abs(alphas - 0.8).argmin()]
        numbers.append(Number.of(f"λ = {lambda_:g}, α = {alpha:.1f}/8", lengths, expected, reference_runs=4))
    claims = [Number.order(f"λ = 0.92 below λ = {other:g}", best[0.92][1], best[other][1], source="book") for other in (0.0, 0.99)]
    return Outcome([*numbers, *claims], draw)


@figure("12.11", title="The traces of Sarsa(λ) on the mountain car", cost="80 s")
def kinds_of_traces(context: Context) -> Outcome:
    runs, lambda_ = context.runs(100), 0.9
    arms = {
        "true online": ("true_online_sarsa_lambda", {}, np.arange(0.4, 1.61, 0.2)),
        "replacing": ("linear_sarsa_lambda", {"trace": "replacing"}, np.arange(0.6, 1.81, 0.2)),
        "dutch": ("linear_sarsa_lambda", {"trace": "dutch"}, np.arange(0.6, 1.81, 0.2)),
        "replacing, clearing other actions": ("linear_sarsa_lambda", {"trace": "clearing"}, np.arange(0.6, 1.81, 0.2)),
        "accumulating": ("linear_sarsa_lambda", {"trace": "accumulating"}, np.arange(0.2, 0.56, 0.05)),
    }
    sweep = {}
    for name in context.progress(arms):
        algorithm, more, alphas = arms[name]
        steps = drive(algorithm, range(runs * len(alphas)), np.repeat(alphas / 8, runs), 20, most_steps=12_000, lambda_=lambda_, **more)
        sweep[name] = alphas, steps.mean(-1).reshape(len(alphas), runs)
    best = {name: (float(alphas[i := lengths.mean(-1).argmin()]), lengths[i]) for name, (alphas, lengths) in sweep.items()}

    def draw(canvas: Any) -> None:
        ax = canvas.subplots()
        for k, (name, (alphas, lengths)) in enumerate(sweep.items()):
            done = np.isfinite(lengths).all(-1)
            curve(ax, alphas[done], -lengths[done].T, name, k, marker=".")
        ax.set(xlabel="α × tilings (8)", ylabel=f"reward per episode, first 20 episodes, {runs} runs", ylim=(-550, -150))
        ax.legend()

    accumulating, clearing = best["accumulating"][1], best["replacing, clearing other actions"][1]

    def difference(first: str, second: str, **more: Any) -> Number:
        x, y = best[first][1], best[second][1]
        se = float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / runs))
        return Number(f"{first} minus {second}", float(x.mean() - y.mean()), se=se, runs=runs, **more)

    return Outcome(
        [
            *(Number.of(f"least steps, {name}, at α = {alpha:.2g}/8", lengths) for name, (alpha, lengths) in best.items()),
            difference("true online", "replacing", expected="0"),
            difference("dutch", "replacing"),
            Number.order("replacing below accumulating", best["replacing"][1], accumulating, source="book"),
            Number.order("dutch below accumulating", best["dutch"][1], accumulating, source="book"),
            Number.order("true online below accumulating", best["true online"][1], accumulating, source="book"),
            Number.order("replacing below replacing with clearing", best["replacing"][1], clearing, source="book"),
            Number.order("clearing below accumulating", clearing, accumulating, source="book"),
        ],
        draw,
        notes=(
            f"λ = {lambda_}, each kind at its best α of the grid. Dutch traces are sometimes said to do worse than replacing ones here; in these runs the two "
            "cannot be told apart.",
        ),
    )
